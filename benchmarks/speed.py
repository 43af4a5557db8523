"""Time and memory of skosh and other codecs: cold and warm, from 0.4 to 50 megapixels, on one core and on two.

    python benchmarks/speed.py                               show
    python benchmarks/speed.py --write                       and put the tables into docs/results.md
    python benchmarks/speed.py --codecs skosh jpeg --megapixels 0.4 2

Every figure comes from a process of its own that may use exactly that many cores.

Cold: from starting Python to the result in memory. Warm: the same again in that process, the median of some runs with
the least and the most. Memory: the most that the process held after the first time, Python and the picture included.
CPU: seconds of all cores together, which other work on the machine hardly changes. Each codec is at the setting that
gives about ``BPP`` on the smallest picture.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memory import large_photograph
from page import machine, replace_section, table
from PIL import Image

BPP = 0.5
MEGAPIXELS = (0.4, 2.0, 12.0, 50.0)
CORES = (1, 2)
CODECS = ("skosh", "avif", "heic", "jxl", "webp", "jpeg2000", "jpeg")
RUNS, SECONDS = 7, 15.0  # warm runs, and when to stop before that
LIMIT = 120.0  # seconds; a coding that is expected to take longer is not tried
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True)
class Timing:
    """One direction of one codec on one picture; or why there is none."""

    cold: float = math.nan  # seconds
    warm: tuple[float, ...] = ()
    megabytes: float = math.nan
    cpu: float = math.nan  # seconds of all cores for one warm run
    trouble: str = ""

    @property
    def median(self) -> float:
        """Of the warm runs, or the first one where there was no time for more."""
        return statistics.median(self.warm)


Timings = dict[tuple[str, float, int], tuple[Timing, Timing]]  # codec, megapixels, cores -> encode, decode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codecs", nargs="+", default=list(CODECS))
    parser.add_argument("--megapixels", nargs="+", type=float, default=list(MEGAPIXELS))
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds that one coding may be expected to take")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/results.md")
    parser.add_argument("--child", nargs=6, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(*arguments.child)
        return
    found = timings(arguments.codecs, sorted(arguments.megapixels), arguments.limit)
    text = "\n\n".join(
        [introduction(), speed_table(found), "How time and memory grow with the picture:", growth_table(found)]
    )
    print(text)
    if arguments.write:
        replace_section("speed", text)


def timings(names: list[str], sizes: list[float], limit: float) -> Timings:
    """Every codec on every picture."""
    found: Timings = {}
    with tempfile.TemporaryDirectory() as work:
        pictures = {size: Path(work) / f"{size:g}.ppm" for size in sizes}
        for size, path in pictures.items():
            large_photograph(size).save(path)
        for name in names:
            quality = setting(name, pictures[sizes[0]])
            if quality is None:
                continue
            for cores in CORES:
                expected = 0.0  # seconds, from the size before
                for place, (size, path) in enumerate(pictures.items()):
                    grown = expected * size / sizes[place - 1] if place else 0.0
                    if grown > limit:
                        trouble = f"not tried: about {grown:.0f} s expected"
                        found[name, size, cores] = Timing(trouble=trouble), Timing(trouble=trouble)
                        expected = grown
                        continue
                    both = both_ways(name, quality, path, Path(work) / "coded", cores)
                    found[name, size, cores] = both
                    expected = max((timing.median for timing in both if timing.warm), default=expected)
                    print(f"{name} {size:g} Mpx, {cores} cores", file=sys.stderr)
    return found


def setting(name: str, picture: Path) -> float | None:
    """The quality whose file of a picture has about ``BPP``; None where the codec is not installed."""
    import skosh
    from skosh.evaluate import codecs, search

    codec = codecs.make(name)
    try:
        codec.version()
    except skosh.DependencyError as error:
        print(f"skipped: {error}", file=sys.stderr)
        return None
    with Image.open(picture) as image:
        sizes = search.Sizes(codec, image.convert("RGB"))
        return codec.scale.setting(sizes.nearest(BPP * image.width * image.height / 8))


def both_ways(name: str, quality: float, picture: Path, coded: Path, cores: int) -> tuple[Timing, Timing]:
    """Encode a picture and decode its file, in two processes."""
    encoded = timed("encode", name, quality, picture, coded, cores)
    if encoded.trouble:
        return encoded, Timing(trouble=encoded.trouble)
    return encoded, timed("decode", name, quality, coded, Path(os.devnull), cores)


def timed(way: str, name: str, quality: float, source: Path, target: Path, cores: int) -> Timing:
    """One direction in a process of its own."""
    command = [sys.executable, __file__, "--child", way, name, str(quality), str(source), str(target), str(cores)]
    start = time.time()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return Timing(trouble=f"not possible: {done.stderr.strip().splitlines()[-1]}")
    said = json.loads(done.stdout)
    return Timing(said["done"] - start, tuple(said["warm"]), said["megabytes"], said["cpu"])


def child(way: str, name: str, quality: str, source: str, target: str, cores: str) -> None:
    """Code once, note the time and the memory, and go on for the warm runs."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(cores)])
    from skosh.evaluate import codecs

    codec: Any = codecs.make(name)
    if hasattr(codec, "threads"):
        codec.threads = int(cores)
    if name in ("heic", "jxl"):
        codec.version()  # they register themselves with Pillow
    given: Any = Path(source).read_bytes() if way == "decode" else Image.open(source).convert("RGB")

    def code() -> Any:
        return codec.decode(given) if way == "decode" else codec.encode(given, float(quality))

    start, used = time.perf_counter(), cpu_seconds()
    result = code()
    done = time.time()
    warm, cpu = [time.perf_counter() - start], cpu_seconds() - used
    megabytes = peak_megabytes()
    if way == "encode":
        Path(target).write_bytes(result)
    if warm[0] < SECONDS:
        warm.clear()
        used = cpu_seconds()
        while len(warm) < RUNS and sum(warm) < SECONDS:
            start = time.perf_counter()
            code()
            warm.append(time.perf_counter() - start)
        cpu = (cpu_seconds() - used) / len(warm)
    print(json.dumps({"done": done, "warm": warm, "megabytes": megabytes, "cpu": cpu}))


def cpu_seconds() -> float:
    """What this process and the tools that it ran have used."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def peak_megabytes() -> float:
    """Return the most memory in MB that this process, or the largest tool that it ran, has held.

    On Linux, use the process's own high-water mark: ``ru_maxrss`` begins at what the parent held.
    """
    status = Path("/proc/self/status")
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if status.exists():
        own = next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) * 1024 / 1e6


def introduction() -> str:
    """What the tables are about."""
    return (
        f"One photograph, enlarged, at about {BPP:g} bits a pixel; "
        f"seconds as median (least to most) of up to {RUNS} runs; "
        f"x: times as long as skosh, with the spread of both; "
        f"CPU: seconds of all cores; MB: peak memory of the process. {machine()}."
    )


def speed_table(found: Timings) -> str:
    """A row for each codec, size and number of cores."""
    head = ["codec", "Mpx", "cores"]
    for way in ("encode", "decode"):
        head += [f"{way}, cold", f"{way}, warm", "x", "CPU", "MB"]
    rows = []
    for (name, size, cores), both in sorted(found.items(), key=lambda item: (item[0][1], item[0][2])):
        ours = found.get(("skosh", size, cores), (Timing(), Timing()))
        cells = [cell for timing, mine in zip(both, ours, strict=True) for cell in shown(timing, mine)]
        rows.append([name, f"{size:g}", str(cores), *cells])
    return table(head, rows)


def shown(timing: Timing, ours: Timing) -> list[str]:
    """Cold, warm, ratio and memory as text."""
    if timing.trouble:
        return [timing.trouble, "", "", "", ""]
    spread = f"{seconds(timing.median)} ({seconds(min(timing.warm))} to {seconds(max(timing.warm))})"
    return [seconds(timing.cold), spread, ratio(timing, ours), seconds(timing.cpu), f"{timing.megabytes:.0f}"]


def ratio(timing: Timing, ours: Timing) -> str:
    """How many times as long as skosh, from the least to the most that the spreads allow."""
    if not ours.warm or timing is ours:
        return "1" if timing is ours else ""
    low, high = min(timing.warm) / max(ours.warm), max(timing.warm) / min(ours.warm)
    return f"{timing.median / ours.median:.2g} ({low:.2g} to {high:.2g})"


def seconds(value: float) -> str:
    """Seconds with two or three digits."""
    return f"{value:.3f}" if value < 1 else f"{value:.1f}"


def growth_table(found: Timings) -> str:
    """Return how time and memory grow between the smallest and the largest picture that each codec coded.

    The power of the pixels that the time follows, and bytes for each further pixel.
    """
    rows = []
    for name, cores in dict.fromkeys((name, cores) for name, _, cores in found):
        sizes = [size for size in sorted({size for _, size, _ in found}) if found[name, size, cores][1].warm]
        if len(sizes) < 2:
            continue
        first, last = (found[name, sizes[end], cores] for end in (0, -1))
        cells = []
        for small, large in zip(first, last, strict=True):
            power = math.log(large.median / small.median) / math.log(sizes[-1] / sizes[0])
            memory = (large.megabytes - small.megabytes) / (sizes[-1] - sizes[0])
            cells += [f"{power:.2f}", f"{memory:.0f}"]
        rows.append([name, str(cores), f"{sizes[0]:g} to {sizes[-1]:g}", *cells])
    head = ["codec", "cores", "Mpx"]
    for way in ("encode", "decode"):
        head += [f"{way}: time as pixels to the power", "bytes a pixel"]
    return table(head, rows)


if __name__ == "__main__":
    main()
