"""Rate and quality of skosh and the other codecs, by ``skosh eval``: for docs/results.md and the README.

    python benchmarks/quality.py                       the Kodak pictures (efforts 2 and 3: five minutes, half an hour)
    python benchmarks/quality.py --data DIR --name val any folder, for the section of that name
    python benchmarks/quality.py --write               and put the tables and the plot into the documents
    python benchmarks/quality.py --reference           other codecs' curves from the reference files, in minutes

Results are kept in report/NAME and not measured again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from page import README, ROOT, SHARED, lpips_weights, replace_section, table

from skosh.evaluate import codecs, measured, tables
from skosh.evaluate.curves import Curve, measure
from skosh.evaluate.plots import rd_figure, svg
from skosh.evaluate.report import write_report
from skosh.evaluate.results import Result, load, machine
from skosh.evaluate.run import RESULTS, Evaluation, Request, evaluate, kinds

CODECS = (
    "skosh",
    "skosh@realism=0",
    "skosh@2@realism=0",
    "bpg",
    "avif",
    "heic",
    "jxl",
    "webp",
    "jpeg",
)
QUALITIES = {  # 0.1 to 1.1 bpp on Kodak
    "skosh": (0, 15, 30, 45, 60, 80, 100),
    "avif": (10, 20, 30, 42, 55),
    "heic": (10, 22, 35, 50),
    "jxl": (5, 20, 45, 75),
    "webp": (1, 15, 40, 70),
    "jpeg": (5, 12, 30, 60),
}
METRICS = ("psnr", "ms_ssim", "lpips", "ssimulacra2")
MEASURED = ("psnr", "ms_ssim", "lpips")  # of the reference curves
PLOTS = ("psnr", "ssimulacra2", "lpips_off")
PLOT_SIZE = (4.8, 3.6)  # inches of each
RATE = 0.23  # bpp
LOOKS: dict[float, str] = {  # as it comes, seen on crops of the Kodak pictures 4, 8 and 15, enlarged twice
    0: "outlines and colours; lines break",
    15: "right at a glance; fine lines and lettering are lost",
    30: "sharp at full size; the finest hair and patterns are drawn anew",
    45: "near the original; the finest textures are drawn anew",
    60: "like the original; softer where enlarged twice",
    80: "like the original, even enlarged twice",
    100: "the same, with room to edit",
}
FIGURE = ROOT / "docs" / "images" / "kodak.svg"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "kodak", help="a folder of pictures")
    parser.add_argument("--name", default="kodak", help="section of docs/results.md")
    parser.add_argument("--codecs", nargs="+", default=list(CODECS), help="as skosh eval takes them")
    parser.add_argument("--reference", action="store_true", help="take the other codecs' curves from the reference")
    parser.add_argument("--workers", type=int, default=0, help="processes; 0: one a core")
    parser.add_argument("--write", action="store_true", help="write the tables and the plot into the documents")
    arguments = parser.parse_args()
    evaluation = run(arguments)
    curves = tables.curves_of(evaluation)
    write_report(evaluation, ROOT / "report" / arguments.name, arguments.name)
    sections = [introduction(evaluation), *quality_sections(evaluation, curves)]
    kodak = arguments.name == "kodak"
    if kodak:
        sections += agreement(load(ROOT / "report" / arguments.name / RESULTS))
    text = "\n\n".join(sections)
    print(text)
    if not arguments.write:
        return
    if kodak:
        FIGURE.parent.mkdir(exist_ok=True)
        drawn = [one for one in curves if not one.codec.name.endswith("=psnr")]
        FIGURE.write_text(svg(rd_figure(drawn, PLOTS, PLOT_SIZE), text_as_paths=True))
        replace_section("kodak", tables.at_rate(curves, RATE).markdown().replace("| skosh |", "| **skosh** |"), README)
        replace_section("qualities", looks(curves[0]), README)
    replace_section(arguments.name, text)


def run(arguments: argparse.Namespace) -> Evaluation:
    """Return the evaluation, with curves from the reference for codecs that were not to be run."""
    chosen = (
        [name for name in arguments.codecs if name.startswith("skosh")] if arguments.reference else arguments.codecs
    )
    files = reference_files()
    request = Request(
        arguments.data,
        ROOT / "report" / arguments.name,
        tuple(chosen),
        qualities(chosen),
        METRICS,
        lpips_weights(),
        measured=tuple(files.values()),
        workers=arguments.workers,
    )
    found = evaluate(request, lambda line: print(line, file=sys.stderr), progress)
    for name in arguments.codecs:
        if arguments.reference and name in files:
            found.codecs.append(codecs.make(name))
            found.results += measured.of_pictures(measured.load(files[name]), found.pictures, {})
    if found.failures:
        raise SystemExit(f"{len(found.failures)} results failed: {found.failures[0]}")
    return found


def qualities(specs: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """The settings of codecs by their names."""
    return {name: tuple(map(float, QUALITIES[name])) for name in kinds(specs) if name in QUALITIES}


def progress(results: Iterator[Result], total: int) -> Iterator[Result]:
    """A line now and then."""
    for place, result in enumerate(results):
        if place % 20 == 0:
            print(f"{place} of {total}: {result.codec} {result.image}", file=sys.stderr)
        yield result


def reference_files() -> dict[str, Path]:
    """The measured curves on Kodak by codec."""
    return {path.stem: path for path in sorted((SHARED / "reference" / "kodak").glob("*.csv"))}


def introduction(evaluation: Evaluation) -> str:
    """What was measured with what."""
    made = [
        f"{codec.label} ({evaluation.versions[codec.name]}; {codec.settings})"
        for codec in evaluation.codecs
        if codec.name in evaluation.versions
    ]
    before = sorted({result.codec for result in evaluation.results if result.measured})
    text = f"{len(evaluation.pictures)} pictures. {'; '.join(made)}. {machine()}."
    return text + (f" Measured before, and marked *: {', '.join(before)}." if before else "")


def quality_sections(evaluation: Evaluation, curves: list[Curve]) -> list[str]:
    """The points of skosh, its BD-rates, and every codec at one rate."""
    ours = [one for one in curves if one.codec.name.startswith("skosh")]
    others = [one for one in curves if one not in ours]
    parts = []
    for one in ours:
        parts += [f"### {one.label}", tables.points_table(one).markdown()]
        parts += [
            "Bytes more (+) or fewer (-) than the other codec at equal quality (BD-rate), between these rates:",
            tables.bd_table(
                evaluation.results, one, [*others, *(other for other in ours if other is not one)]
            ).markdown(),
        ]
    return [*parts, f"At {RATE} bpp, interpolated:", tables.at_rate(curves, RATE).markdown()]


def looks(one: Curve) -> str:
    """The README's table of what a quality costs, measures and looks like."""
    rows = [
        [f"{p.quality:g}", f"{p.bpp:.3f}", f"{p.metrics['psnr']:.2f}", LOOKS.get(p.quality, "")] for p in one.points
    ]
    return tables.Table(["`-q`", "bits a pixel", "PSNR (dB)", "look"], rows, words=(3,)).markdown()


def agreement(results: list[Result]) -> list[str]:
    """How far results are from the reference's for the same picture, codec and setting."""
    rows = []
    for name, path in reference_files().items():
        due = {(row.image, row.quality): row for row in measured.load(path)}
        pairs = [
            (result, due[result.image, result.quality])
            for result in results
            if result.codec == name and not result.measured and (result.image, result.quality) in due
        ]
        if pairs:
            rows.append(
                [
                    name,
                    str(len(pairs)),
                    str(sum(a.bytes != b.bytes for a, b in pairs)),
                    *map(largest, MEASURED, [pairs] * len(MEASURED)),
                ]
            )
    if not rows:
        return []
    head = ["codec", "files", "of another size", *(f"{measure(key).label}, largest difference" for key in MEASURED)]
    return ["Agreement with the reference curves, at the same picture and setting:", table(head, rows)]


def largest(key: str, pairs: list[tuple[Result, Result]]) -> str:
    """The largest difference in a metric."""
    found = [abs((a.metrics[key] or 0.0) - (b.metrics[key] or 0.0)) for a, b in pairs]
    return f"{max(found):.4f}"


if __name__ == "__main__":
    main()
