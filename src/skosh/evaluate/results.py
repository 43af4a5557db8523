"""Results: one for each picture, codec and setting, kept in ``results.json`` so that nothing is measured twice.

    {"results_version": 1, "skosh": "0.1.0", "machine": "...",
     "results": [{"image": "kodim01", "digest": "...", "codec": "jpeg", "version": "Pillow ...", "settings": "...",
                  "quality": 50.0, "width": 768, "height": 512, "bytes": 23456, "metrics": {"psnr": 30.1, ...},
                  "encode_seconds": 0.01, "decode_seconds": 0.01, "error": null, "measured": null}, ...]}

A result is found again by the picture's digest, the codec's name, version and settings, and the quality.
"""

from __future__ import annotations

import csv
import io
import json
import platform
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import skosh

from ..files import write_whole
from ..limits import cores
from .metrics import NAMES, keys

VERSION = 1  # of the results file
SAVE_EVERY = 5.0  # seconds
COLUMNS = ("image", "codec", "q", "bytes", "bpp")  # and a metric each
Key = tuple[str, str, str, str, float]


@dataclass(frozen=True)
class Result:
    """One picture through one codec at one setting, or why it failed."""

    image: str  # the picture's name
    digest: str  # of its bytes
    codec: str
    version: str  # of the codec
    settings: str
    quality: float
    width: int = 0
    height: int = 0
    bytes: int = 0
    metrics: dict[str, float | None] = field(default_factory=dict)  # None: the picture is too small for it
    encode_seconds: float = 0.0
    decode_seconds: float = 0.0
    error: str | None = None
    measured: str | None = None  # the file that it comes from, if this run did not measure it

    @property
    def key(self) -> Key:
        """What a result is found by."""
        return self.digest, self.codec, self.version, self.settings, self.quality

    @property
    def bpp(self) -> float:
        """Bits a pixel."""
        return 8 * self.bytes / (self.width * self.height)


class Store:
    """The results of a folder. ``save`` writes them; ``put`` does so now and then."""

    def __init__(self, path: Path):
        """Read what is there. Raises SkoshError for a file of another version, or of another kind."""
        self.path = path
        self._found = {result.key: result for result in load(path)} if path.exists() else {}
        self._saved = time.monotonic()

    def get(self, key: Key, metrics: Iterable[str]) -> Result | None:
        """A result that did not fail and has these metrics, or None."""
        result = self._found.get(key)
        if result is None or result.error or not set(metrics) <= result.metrics.keys():
            return None
        return result

    def put(self, result: Result) -> None:
        """Keep a result, but not in place of a better one.

        A failed result replaces no good one. Metrics of the same file add up. At most ``SAVE_EVERY`` seconds of work
        are lost if the process dies.
        """
        before = self._found.get(result.key)
        if before and not before.error:
            if result.error:
                return
            if before.bytes == result.bytes:
                result = replace(result, metrics=before.metrics | result.metrics)
        self._found[result.key] = result
        if time.monotonic() - self._saved > SAVE_EVERY:
            self.save()

    def save(self) -> None:
        """Write the file, whole or not at all."""
        content = {
            "results_version": VERSION,
            "skosh": skosh.__version__,
            "machine": machine(),
            "results": [asdict(self._found[key]) for key in sorted(self._found)],
        }
        write_whole(self.path, json.dumps(content, indent=1, allow_nan=False).encode())
        self._saved = time.monotonic()


def load(path: Path) -> list[Result]:
    """Return the results of a file. Raises SkoshError for one of another version or kind."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise skosh.SkoshError(f"{path} is no results file: {error}") from error
    found = content.get("results_version") if isinstance(content, dict) else None
    if found != VERSION:
        raise skosh.SkoshError(
            f"{path} is a results file of version {found}, this skosh writes version {VERSION}: "
            "move it away or name another folder with -o"
        )
    try:
        return [parsed(row) for row in content["results"]]
    except (KeyError, TypeError, ValueError) as error:
        raise skosh.SkoshError(f"{path} is damaged: {type(error).__name__} {error}") from error


def parsed(row: dict[str, Any]) -> Result:
    """A result from its JSON object. Raises TypeError or ValueError where it is not one."""
    result = Result(**row)
    for item in fields(Result):
        value = getattr(result, item.name)
        kinds = {"str": str, "int": int, "float": (int, float), "str | None": (str, type(None))}.get(
            str(item.type), dict
        )
        if not isinstance(value, kinds):  # type: ignore[arg-type]
            raise ValueError(f"{item.name} is {value!r}")
    return result


def to_csv(results: Iterable[Result]) -> str:
    """A table with a row for each result."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    metrics = keys(NAMES)
    writer.writerow([*COLUMNS, *metrics, "encode_ms", "decode_ms", "version", "measured", "error"])
    for r in results:
        values = [number(r.metrics.get(name)) for name in metrics]
        size = [r.bytes, number(r.bpp)] if not r.error else ["", ""]
        times = ["" if r.measured or r.error else f"{1000 * s:.1f}" for s in (r.encode_seconds, r.decode_seconds)]
        row = [r.image, r.codec, f"{r.quality:g}", *size, *values, *times, r.version, r.measured or "", r.error or ""]
        writer.writerow(row)
    return text.getvalue()


def number(value: float | None) -> str:
    """Six significant digits, or nothing."""
    return "" if value is None else f"{value:.6g}"


def machine() -> str:
    """Return processor and system in a few words."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        named = [
            line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        model = named[0] if named else model
    return f"{model}, {cores()} cores, {platform.system()}, Python {platform.python_version()}"
