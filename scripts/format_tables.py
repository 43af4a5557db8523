"""Write what docs/format.md says of real files: networks, arrays, worked examples, the bytes of a golden file.

    python scripts/format_tables.py            print the sections
    python scripts/format_tables.py --write    put them between their marks in docs/format.md

Needs the package onnx. tests/test_format_tables.py compares the page with what this makes.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from skosh.bundle.bundle import Bundle
from skosh.bundle.graphs import DECODER
from skosh.bundle.manifest import DECODER_TABLES, MANIFEST
from skosh.codec.boxes import Box, split, whole
from skosh.codec.decoder import Decoder
from skosh.codec.planes import padded
from skosh.codec.renditions import Natural, for_head
from skosh.codec.synthesis import Faithful, Rendition
from skosh.container.chunks import HEADER, MODEL_ID_BYTES, Contents, Header, read, read_chunk
from skosh.files import SIGNATURE

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))
from page import replace_section  # noqa: E402

PAGE = ROOT / "docs" / "format.md"
SHIPPED = ROOT / "src" / "skosh" / "models" / "skosh"
TINY, FILTERED = (ROOT / "tests" / "bundles" / name for name in ("tiny", "filtered"))
SMALL = Header(200, 130, 50.0, b"", tile=128)  # the picture of the example of tiles
LARGE = Header(1000, 700, 50.0, b"", tile=256)  # and that of the example of halos
REGION = Box(0, 512, 16, 528)
SHOWN = 8  # bytes at the start of a long field, and half as many at its end


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the sections into docs/format.md")
    write = parser.parse_args().write
    for name, text in (sections() | networks()).items():
        if write:
            replace_section(name, text, PAGE)
        else:
            print(f"{name}\n\n{text}\n")


def networks() -> dict[str, str]:
    """Return the tables of networks by the names of their sections."""
    import format_networks  # needs onnx, which the oldest set of dependencies is without

    return {
        "networks": format_networks.table(SHIPPED),
        "other networks": format_networks.table(TINY, FILTERED, without=SHIPPED),
    }


def sections() -> dict[str, str]:
    """Return the other sections by their names."""
    bundle = Bundle(SHIPPED, 1)
    return {
        "arrays": arrays(),
        "id": identity(),
        "tiles": tiles(bundle),
        "halos": halos(bundle),
        "bytes": dump(),
    }


def arrays() -> str:
    """Return the types and shapes of a decoder's arrays: those of the shipped bundle, and what only another one has."""
    rows = ["| array | type | shape |", "| --- | --- | --- |"]
    known: set[str] = set()
    for folder in (SHIPPED, FILTERED):
        with np.load(folder / DECODER_TABLES) as found:
            new = sorted(set(found.files) - known)
            rows += [f"| `{name}` | {found[name].dtype} | {found[name].shape} |" for name in new]
            known.update(new)
    return "\n".join(rows)


def identity() -> str:
    """Return the text whose hash is the id of the shipped bundle, with most digits of the hashes left out."""
    manifest = json.loads((SHIPPED / MANIFEST).read_text())
    files = {name: f"{digest[:6]}..." for name, digest in manifest["files"].items() if name.startswith(f"{DECODER}/")}
    text = json.dumps({DECODER: manifest[DECODER], "files": files}, sort_keys=True, separators=(",", ":"))
    for key in ("hyper_channels", "files", f"{DECODER}/"):
        text = text.replace(f',"{key}', f',\n"{key}')
    return f"```json\n{text}\n```"


def tiles(bundle: Bundle) -> str:
    """Return what each tile of a small picture holds."""
    grid = grid_of_z(bundle, SMALL)
    rows = ["| tile | pixels: columns, rows | z: columns, rows | y: columns, rows |", "| --- | --- | --- | --- |"]
    for number, tile in enumerate(split(grid, SMALL.tile // bundle.multiple)):
        boxes = (tile.times(bundle.multiple), tile, tile.times(bundle.reduction))
        rows.append(f"| {number} | {' | '.join(map(spelled, boxes))} |")
    return "\n".join(rows)


def halos(bundle: Bundle) -> str:
    """Return what a region needs of a larger picture, shown faithfully and with realism."""
    at = bundle.at(LARGE.quality)
    faithful, natural = chain(bundle, Faithful(at)), chain(bundle, Natural(at, 1.0, 0))
    rows = ["| what | faithful: columns, rows | with realism: columns, rows |", "| --- | --- | --- |"]
    rows += [f"| {what} | {faithful.get(what, 'not run')} | {seen} |" for what, seen in natural.items()]
    return "\n".join(rows)


def chain(bundle: Bundle, rendition: Rendition) -> dict[str, str]:
    """Return what each network has to see for the region, from pixels back to tiles."""
    all_z = grid_of_z(bundle, LARGE)
    grid = all_z.times(bundle.reduction)
    seen = rendition.latents(grid, REGION)
    context = seen.grown(bundle.halo["mean_second"], grid)
    cells = context.over(bundle.reduction)
    decoder = Decoder(bundle, Contents(LARGE, {}, [b""] * LARGE.tiles), 1, False, rendition)
    numbers = [decoder.tiles.index(tile) for tile in decoder.needed(REGION)]
    boxes = {"the region, in pixels": REGION, "y over it": REGION.over(bundle.stride)}
    if isinstance(rendition, Natural):
        boxes["`body` that `detail` sees"] = for_head(rendition.at, "detail", grid, REGION)
    boxes |= {
        "y that `synthesis` sees": seen,
        "y and features that `mean_second` sees": context,
        "z over them": cells,
        "z that `mean_first` sees": cells.grown(bundle.halo["mean_first"], all_z),
    }
    return {what: spelled(box) for what, box in boxes.items()} | {"tiles that hold them": ", ".join(map(str, numbers))}


def grid_of_z(bundle: Bundle, header: Header) -> Box:
    return whole(*(padded(side, bundle.multiple) // bundle.multiple for side in (header.height, header.width)))


def spelled(box: Box) -> str:
    return f"{box.left} to {box.right}, {box.top} to {box.bottom}"


class Field(NamedTuple):
    """Some bytes of a file."""

    at: int
    data: bytes
    what: str


def dump() -> str:
    """Return the fields of the smallest golden file."""
    path = min((ROOT / "tests" / "golden").glob("*/*.skosh"), key=lambda one: one.stat().st_size)
    lines = [f"`{path.relative_to(ROOT)}`, {path.stat().st_size} bytes:", ""]
    lines += ["| offset | bytes | what |", "| --- | --- | --- |"]
    return "\n".join(lines + [f"| {one.at} | `{shown(one.data)}` | {one.what} |" for one in fields(path.read_bytes())])


def fields(data: bytes) -> Iterator[Field]:
    """Yield the fields of a file, byte by byte from the first to the last."""
    header = read(data).header
    yield Field(0, data[: len(SIGNATURE)], "signature")
    yield Field(len(SIGNATURE), data[len(SIGNATURE) : len(SIGNATURE) + 1], "version")
    file = io.BytesIO(data)
    file.seek(len(SIGNATURE) + 1)
    while (start := file.tell()) < len(data):
        kind, payload = read_chunk(file)
        end = file.tell() - 4  # of the payload; behind it is the check
        begin = end - len(payload)
        yield Field(start, data[start : start + 1], f"type: `{kind.decode()}`")
        yield Field(start + 1, data[start + 1 : begin], f"length: {len(payload)}")
        if kind == HEADER:
            yield from header_fields(data, begin, end, header)
        else:
            first = int.from_bytes(payload[:4], "little")
            yield Field(begin, payload, f"the stream, without a number before it; its first word is {first:08X}")
        yield Field(end, data[end : end + 4], f"check of bytes {start} and {begin} to {end - 1}")


def header_fields(data: bytes, begin: int, end: int, header: Header) -> Iterator[Field]:
    """Yield the fields of the header's payload."""
    settings = int.from_bytes(data[begin : begin + 2], "little")
    says = f"tile n = {settings & 15}, mode {settings >> 4 & 3}, quality {settings >> 6} / 8 = {header.quality}"
    yield Field(begin, data[begin : begin + 2], f"settings {settings:04X}: {says}")
    middle = 1 + next(at for at in range(begin + 2, end) if data[at] < 128)  # the last byte of the first varint
    identity = end - MODEL_ID_BYTES
    yield Field(begin + 2, data[begin + 2 : middle], f"width: {header.width}")
    yield Field(middle, data[middle:identity], f"height: {header.height}")
    yield Field(identity, data[identity:end], "model id")


def shown(data: bytes) -> str:
    """Return bytes in hexadecimal digits, long ones without their middle."""
    if len(data) <= 2 * SHOWN:
        return data.hex(" ").upper()
    return f"{data[:SHOWN].hex(' ').upper()} ... {data[-SHOWN // 2 :].hex(' ').upper()}"


if __name__ == "__main__":
    main()
