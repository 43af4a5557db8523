"""Make the test vectors of spec/vectors anew: on purpose, after new weights in tests/bundles or a change of the format.

    python scripts/vectors.py

``spec/vectors/README.md`` says what each file holds. Everything comes from fixed seeds, a small bundle of tests/bundles
and a photograph of scikit-image. Hyper symbols are drawn: after a few steps of training, the bundle's own are zeros.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import vectors_bytes
from PIL import Image

from golden import photo
from skosh.bundle.loading import load
from skosh.bundle.point import Point
from skosh.codec.analysis import analyse
from skosh.codec.boxes import Box, split, whole
from skosh.codec.context import first_half, latent
from skosh.codec.decoder import decode
from skosh.codec.encoder import tile_stream
from skosh.codec.quantise import Coded, Quantiser
from skosh.container import alpha
from skosh.container.chunks import ALPHA, Header, write
from skosh.entropy.coder import ESCAPE_BITS, LOW_BITS, SYMBOL_MAX, Writer
from skosh.entropy.tables import HYPER_LIMIT, SCALES
from skosh.types import Symbols

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "spec" / "vectors"
BUNDLE = "tests/bundles/filtered"  # the one with Wiener filters
QUALITIES = (0.0, 0.125, 36.5, 50.0, 99.875, 100.0)
QUALITY = 62.375  # of all other stages
NEAR, FAR = 3, 9  # the largest drawn magnitudes of z, and of a filter's coefficients


def main() -> None:
    at = load(ROOT / BUNDLE, 1).at(QUALITY)
    files = pictures(at)
    stages = {
        "chunks": vectors_bytes.chunks(),
        "range_coder": vectors_bytes.range_coder(),
        "stream": stream(at),
        "scale_index": scale_index(at),
        "levels": levels(at),
        "latent": latents(at),
        "pixels": pixels(at, files),
    }
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, content in stages.items():
        (TARGET / f"{name}.json").write_text(text(content) + "\n")
    for name, data in files.items():
        (TARGET / name).write_bytes(data)
    print(f"{TARGET}: {sum(file.stat().st_size for file in TARGET.iterdir()):,} bytes")


def bundle_of(at: Point) -> dict[str, Any]:
    """Which bundle a stage's numbers belong to."""
    return {"bundle": BUNDLE, "model_id": at.bundle.model_id.hex()}


def stream(at: Point) -> dict[str, Any]:
    """A tile's words -> z, q with escapes, coefficients of the Wiener filter."""
    rng = np.random.default_rng(1)
    z, plain, few = hyper(at, rng, 1, 2), coefficients(at, rng), hyper(at, rng, 1, 1)
    zero = np.zeros_like(few)
    escaped = escapes(at, few)
    given = {
        "ordinary": (z, ordinary(at, z, rng), plain),
        "escapes, no filter": (few, escaped, None),
        "only zeros": (zero, np.zeros(at.scale_index(zero).shape, np.int32), None),
    }
    cases = []
    for name, (hyper_symbols, q, filter_) in given.items():
        writer = Writer(at.models)
        writer.put_z(hyper_symbols)
        writer.put_q(q, at.scale_index(hyper_symbols))
        writer.put_coefficients(filter_)
        found = None if filter_ is None else filter_.tolist()
        cases.append(
            {"name": name, "bytes": writer.stream().hex(), "z": array(hyper_symbols), "q": array(q), "wiener": found}
        )
    refused = {"ones": b"\xff" * 64, "a symbol over 32767": too_large(at, zero)}
    wrong = [{"name": name, "bytes": data.hex(), "shape": zero.shape} for name, data in refused.items()]
    return bundle_of(at) | {"quality": QUALITY, "cases": cases, "refused": wrong}


def hyper(at: Point, rng: np.random.Generator, height: int, width: int) -> Symbols:
    """Draw z (N, h, w): mostly small, some as large as can be."""
    shape = (at.bundle.hyper, height, width)
    z = rng.integers(-NEAR, NEAR + 1, shape).astype(np.int32)
    far = rng.integers(-HYPER_LIMIT, HYPER_LIMIT + 1, shape)
    return np.where(rng.random(shape) < 0.1, far, z).astype(np.int32)


def coefficients(at: Point, rng: np.random.Generator) -> Symbols:
    """Draw the coefficients of a tile's Wiener filter."""
    return rng.integers(-FAR, FAR + 1, at.bundle.wiener_terms).astype(np.int32)


def ordinary(at: Point, z: Symbols, rng: np.random.Generator) -> Symbols:
    """Draw q (M, H, W) from the tables that z points at; escapes become 0."""
    index = at.scale_index(z)
    q = np.zeros(index.shape, np.int32)
    for i in range(1, SCALES):
        table, reach = at.models.q[i], int(at.models.reaches[i])
        found = rng.choice(table.size, int((index == i).sum()), p=table / table.sum()) - reach
        q[index == i] = np.where(found > reach, 0, found)
    return q


def escapes(at: Point, z: Symbols) -> Symbols:
    """Return q (M, H, W) with symbols just beyond the reach of their tables, at the edges of bits, and the largest."""
    index = at.scale_index(z)
    q = np.zeros(index.size, np.int32)
    places = np.flatnonzero(index)[::7]
    beyond = np.resize([1, 2, 3, 4, 4095, 4096, 4097, 20_000], places.size)
    q[places] = (at.models.reaches[index.reshape(-1)[places]] + beyond) * np.resize([1, -1, -1], places.size)
    q[places[:2]] = SYMBOL_MAX, -SYMBOL_MAX
    return q.reshape(index.shape)


def too_large(at: Point, z: Symbols) -> bytes:
    """Return a stream whose first coded element is escaped, with a magnitude over 32767."""
    writer, index = Writer(at.models), at.scale_index(z)
    writer.put_z(z)
    first = int(index[index > 0].min())
    for i in range(first, SCALES):
        reach = int(at.models.reaches[i])
        symbols = np.full(int((index == i).sum()), reach, np.int32)
        symbols[:1] = 2 * reach + 1 if i == first else reach
        if symbols.size:
            writer.coder.encode(symbols, at.models.q_models[i])
    for value, size in ((0, 2), (ESCAPE_BITS - 1, ESCAPE_BITS), (0, 1 << LOW_BITS), (0, 1 << (15 - LOW_BITS))):
        writer._put_uniform(value, size)
    return writer.stream()


def scale_index(at: Point) -> dict[str, Any]:
    """Map z to what the scale map says, and to the scale index at several qualities."""
    rng = np.random.default_rng(2)
    cases = []
    for z in (hyper(at, rng, 2, 1), np.zeros((at.bundle.hyper, 1, 1), np.int32)):
        (found,) = at.bundle.run("scale_map", z[None])
        indices = [{"quality": q, "index": array(at.bundle.at(q).scale_index(z))} for q in (0.0, 36.5, 100.0)]
        cases.append({"z": array(z), "map": array(found[0].astype(np.int32)), "indices": indices})
    return bundle_of(at) | {"cases": cases}


def levels(at: Point) -> dict[str, Any]:
    """Return rows of levels at a quality, on a row and between two."""
    cases = []
    for quality in QUALITIES:
        one = at.bundle.at(quality)
        level = one.synthesis_level
        assert level is not None
        rows = {"gain": one.gain, "inverse": one.inverse, "mean_level": one.mean_level, "synthesis_level": level}
        first = one.models.z[0]  # of the quality's row of tables
        values = {name: numbers(row.reshape(-1)) for name, row in rows.items()}
        cases.append({"quality": quality, "z_table": first.tolist(), "shift": one.shift.tolist(), **values})
    return bundle_of(at) | {"cases": cases}


def coded(at: Point, picture: Image.Image, rng: np.random.Generator) -> Coded:
    """Return symbols of a picture: drawn z, and q that makes up for it."""
    y = analyse(at.bundle, np.asarray(picture.convert("RGB")), 1)
    z = hyper(at, rng, *(n // at.bundle.reduction for n in y.shape[1:]))
    z //= 4
    return Coded(z, Quantiser(at, y, z).residual())


def latents(at: Point) -> dict[str, Any]:
    """Symbols of a picture -> means and steps of the first half, and y_hat, in a window with a halo on every side."""
    box = Box(3, 4, 6, 8)
    found = coded(at, photo("skimage", "data/chelsea.png").crop((150, 60, 342, 188)), np.random.default_rng(3))
    assert found.q is not None
    half = first_half(at, found.z, box)
    parts = {"z": array(found.z), "q": array(found.q), "box": box, "mean_first": array(half.means.mean)}
    parts |= {"step_first": array(half.means.step), "y_hat": array(latent(at, found.z, found.q, box))}
    return bundle_of(at) | {"quality": QUALITY, **parts}


def pictures(at: Point) -> dict[str, bytes]:
    """Return golden files by name: two tiles, of which one has a filter; grey with transparency."""
    rng = np.random.default_rng(4)
    cat = photo("skimage", "data/chelsea.png").crop((140, 90, 215, 143))
    grey = cat.crop((0, 0, 40, 30)).convert("L")
    plane = np.asarray(Image.linear_gradient("L").resize(grey.size))
    made = {}
    for name, picture, side in (("tiles.skosh", cat, 64), ("grey-alpha.skosh", grey, 0)):
        extras = {ALPHA: alpha.pack(plane)} if name == "grey-alpha.skosh" else {}
        mode = "L" if picture.mode == "L" else "RGB"
        header = Header(picture.width, picture.height, QUALITY, at.bundle.model_id, mode, side)
        symbols = coded(at, picture, rng)
        boxes = split(whole(*symbols.z.shape[1:]), side // at.bundle.multiple)
        filters = [coefficients(at, rng) // 3 if n == 0 else None for n in range(len(boxes))]
        streams = [tile_stream(at, symbols, box, one) for box, one in zip(boxes, filters, strict=True)]
        made[name] = write(header, extras, streams)
    return made


def pixels(at: Point, files: dict[str, bytes]) -> dict[str, Any]:
    """Golden files -> faithful pixels, row by row, as hexadecimal digits of RGBA (grey: three times the luma)."""
    cases = []
    for name, data in files.items():
        shown = np.asarray(decode(data, at.bundle, realism=0).convert("RGBA"))
        digest = hashlib.sha256(data).hexdigest()
        found = {"file": name, "sha256": digest, "width": shown.shape[1], "height": shown.shape[0]}
        cases.append(found | {"rgba": [row.tobytes().hex() for row in shown]})
    return bundle_of(at) | {"cases": cases}


def array(values: npt.NDArray[Any]) -> dict[str, Any]:
    """Return an array's shape and its values in raster order."""
    return {"shape": values.shape, "values": numbers(values.reshape(-1))}


def numbers(values: npt.NDArray[Any]) -> list[Any]:
    """Return numbers; those of float32 by their shortest digits."""
    return [float(str(value)) for value in values] if values.dtype.kind == "f" else values.tolist()


def text(content: Any, depth: int = 0) -> str:
    """Return JSON with a line for each field, and each list of numbers on one line."""
    if isinstance(content, dict) and content:
        lines = [f"{json.dumps(key)}: {text(value, depth + 1)}" for key, value in content.items()]
    elif isinstance(content, list) and content and isinstance(content[0], (dict, str)):
        lines = [text(value, depth + 1) for value in content]
    else:
        return json.dumps(content, separators=(",", ":"))
    start, end = "{}" if isinstance(content, dict) else "[]"
    space = "\n" + " " * (depth + 1)
    return f"{start}{space}{f',{space}'.join(lines)}{space[:-1]}{end}"


if __name__ == "__main__":
    main()
