"""Make cases for the tests of the browser's decoder (web/tests): what Python writes, and what it reads out of that.

    python scripts/web_cases.py FOLDER

``streams.json`` holds random tables, streams and symbols of the range coder; ``arrays.npz`` and ``arrays.json`` arrays
of every type; ``pictures.json`` the pictures, each a file NAME.skosh with its pixels as NAME.rgba, and the SHA-256 of
its symbols; ``renditions.json`` other ways to show files (`web_renditions.py`). ``one-rate`` is a bundle without a
hyperprior. All of it belongs into a temporary folder.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from vectors_bytes import above
from web_renditions import renditions

import skosh
from golden import photo, symbol_hash
from skosh.bundle.graphs import DECODER, ENCODER, HEADS, path_of
from skosh.bundle.manifest import DECODER_TABLES, ENCODER_TABLES, seal
from skosh.entropy.rangecoder import backend
from skosh.entropy.tables import HYPER_LIMIT, TOTAL, IntTable, integer_table, normal_tables

ROOT = Path(__file__).parents[1]
SMALL = ROOT / "tests" / "bundles"
MODELS = ROOT / "src" / "skosh" / "models"
STREAMS, RUNS, LENGTH = 30, 12, 400
LATENTS = 4  # of the bundle without a hyperprior


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(5)
    streams = [coded_stream(rng) for _ in range(STREAMS)]
    streams += [read_stream(rng, noise) for noise in (False, True) for _ in range(STREAMS)]
    (folder / "streams.json").write_text(json.dumps(streams))
    arrays(folder, rng)
    one_rate(folder / "one-rate")
    (folder / "pictures.json").write_text(json.dumps([written(folder, **case) for case in pictures(folder)]))
    renditions(folder)
    turned(folder)


def random_table(rng: np.random.Generator) -> IntTable:
    """Return a uniform table, one of a bundle, one of random shape, or one in which one symbol has nearly all."""
    kind = rng.integers(4)
    if kind == 0:
        size = 1 << int(rng.integers(1, 13))
        return np.full(size, TOTAL // size, np.int64)
    if kind == 1:
        return normal_tables()[int(rng.integers(64))]
    if kind == 2:
        return integer_table(rng.random(int(rng.integers(2, 300))) ** 8)
    found = np.ones(int(rng.integers(2, 9)), np.int64)
    found[int(rng.integers(found.size))] += TOTAL - found.size
    return found


def coded_stream(rng: np.random.Generator) -> dict[str, Any]:
    """Return runs of likely symbols with some unlikely ones, and their stream."""
    encoder, runs = backend().encoder(), []
    for _ in range(RUNS):
        table = random_table(rng)
        likely = rng.choice(table.size, LENGTH, p=table / TOTAL)
        symbols = np.where(rng.random(LENGTH) < 0.95, likely, rng.integers(0, table.size, LENGTH)).astype(np.int32)
        encoder.encode(symbols, backend().model(table))
        runs.append({"table": table.tolist(), "symbols": symbols.tolist(), "refused": False})
    return {"bytes": bytes(encoder.words().astype("<u4").tobytes().rstrip(b"\0")).hex(), "runs": runs, "written": True}


def read_stream(rng: np.random.Generator, noise: bool) -> dict[str, Any]:
    """Return what is read, until that is refused, out of random bytes or of words at the end of an interval."""
    first = random_table(rng)
    before = rng.choice(first.size, 30, p=first / TOTAL).astype(np.int32)
    data = rng.bytes(int(rng.integers(40))) if noise else above(first, before)
    words = np.frombuffer(data + bytes(-len(data) % 4), "<u4").astype(np.uint32)
    decoder, runs = backend().decoder(words), []
    for n in range(RUNS):
        table, symbols = random_table(rng) if n else first, []
        model, refused = backend().model(table), False
        try:
            for _ in range(LENGTH // 10):
                symbols.append(int(decoder.decode(model, 1)[0]))
        except ValueError:
            refused = True
        runs.append({"table": table.tolist(), "symbols": symbols, "refused": refused})
        if refused:
            break
    return {"bytes": data.hex(), "runs": runs, "written": False}


def arrays(folder: Path, rng: np.random.Generator) -> None:
    """Write arrays of every type, deflated and stored."""
    found: dict[str, npt.NDArray[Any]] = {
        kind: rng.integers(0, 100, (3, 5)).astype(kind) for kind in ("i1", "u1", "i2", "u2", "i4", "u4", "i8")
    }
    halves = np.arange(0, 1 << 16, 37, dtype=np.uint16).view(np.float16)
    found |= {"f2": halves[np.isfinite(halves)], "f4": rng.normal(size=(2, 3, 4)).astype(np.float32)}
    found |= {"f8": rng.normal(size=7), "scalar": np.array(-12), "empty": np.zeros((0, 4), np.int32)}
    np.savez_compressed(folder / "arrays.npz", **found)  # type: ignore[arg-type]
    np.savez(folder / "stored.npz", **found)  # type: ignore[arg-type]
    values = {name: array.astype(np.float32 if array.dtype.kind == "f" else int) for name, array in found.items()}
    told = {name: {"shape": array.shape, "values": array.reshape(-1).tolist()} for name, array in values.items()}
    (folder / "arrays.json").write_text(json.dumps(told))


def one_rate(folder: Path) -> None:
    """Write a bundle without a hyperprior: a linear map of blocks to few numbers, and back."""
    rng = np.random.default_rng(6)
    basis, _ = np.linalg.qr(rng.normal(size=(3 * 256, LATENTS)))
    basis[:, 0] = 1 / np.sqrt(len(basis))  # the mean of a block
    weight = np.asarray(basis.T, np.float32).reshape(LATENTS, 3, 16, 16)
    for role in (DECODER, ENCODER):
        (folder / role).mkdir(parents=True, exist_ok=True)
    graph(folder / path_of("analysis"), "Conv", weight * np.float32(4), 3, LATENTS)
    graph(folder / path_of("synthesis"), "ConvTranspose", weight / np.float32(4), LATENTS, 3)
    shape = np.exp(-np.abs(np.arange(-HYPER_LIMIT, HYPER_LIMIT + 1)) / 9)
    table = integer_table(shape / shape.sum())
    np.savez_compressed(folder / DECODER_TABLES, z_tables=np.stack([table] * LATENTS), gain=np.ones((1, LATENTS)))
    np.savez_compressed(folder / ENCODER_TABLES, nothing=np.zeros(1))
    sizes = {"latent_channels": LATENTS, "hyper_channels": 0, "stride": 16, "multiple": 16, "halo": {"synthesis": 0}}
    about = {"name": "one-rate", "version": "1", "licence": "CC0-1.0", DECODER: sizes}
    seal(folder, about | {ENCODER: {"halo": {"analysis": 0}}, HEADS: {"halo": {}}})


def graph(path: Path, operator: str, weight: npt.NDArray[np.float32], inputs: int, outputs: int) -> None:
    """Write a network of one layer between blocks of 16x16 pixels and latents."""
    sizes = (["h", "w"], ["H", "W"])
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, *size])
        for name, channels, size in (("x", inputs, sizes[0]), ("y", outputs, sizes[1]))
    ]
    node = helper.make_node(operator, ["x", "weight"], ["y"], strides=[16, 16], kernel_shape=[16, 16])
    made = helper.make_graph([node], path.stem, ends[:1], ends[1:], [numpy_helper.from_array(weight, "weight")])
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)


def pictures(folder: Path) -> list[dict[str, Any]]:
    """Return what is encoded: names, pictures, bundles and options."""
    cat, astronaut = photo("skimage", "data/chelsea.png"), photo("skimage", "data/astronaut.png")
    large = astronaut.resize((1000, 650))  # more than a window
    cut = cat.crop((100, 60, 197, 143))
    cut.putalpha(cut.getchannel("G").point(lambda v: max(0, min(255, 3 * v - 250))))
    exif = Image.Exif()
    exif[0x010E] = "a cat"
    cut.info |= {"exif": exif.tobytes(), "icc_profile": b"profile" * 9, "xmp": b"<x:xmpmeta/>" * 3}
    grey = cat.convert("LA").crop((7, 9, 107, 60))
    grey.putalpha(Image.linear_gradient("L").resize(grey.size))
    small, shipped = SMALL / "filtered", MODELS / "skosh"
    cases: list[dict[str, Any]] = [
        {"name": "windows", "image": large, "bundle": small, "quality": 60, "tile": 256},
        {"name": "windows-one-tile", "image": large, "bundle": SMALL / "tiny", "quality": 33.375, "tile": 0},
        {"name": "metadata", "image": cut, "bundle": shipped, "quality": 70, "tile": 64},
        {"name": "grey-alpha", "image": grey, "bundle": small, "quality": 20, "tile": 0},
        {"name": "one-pixel", "image": cat.crop((9, 9, 10, 10)), "bundle": small, "quality": 100, "tile": 0},
        {"name": "one-rate", "image": cat, "bundle": folder / "one-rate", "quality": 0, "tile": 64},
    ]
    return cases


def turned(folder: Path) -> None:
    """Write a photograph that lies on its side, with an orientation that says so, and the upright one."""
    upright = photo("skimage", "data/chelsea.png").crop((100, 20, 260, 260))
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter to the right to be upright
    upright.rotate(90, expand=True).save(folder / "turned.jpg", quality=95, subsampling=0, exif=exif)
    (folder / "turned.rgba").write_bytes(np.asarray(upright.convert("RGBA")).tobytes())


def written(folder: Path, name: str, image: Image.Image, bundle: Path, quality: float, tile: int) -> dict[str, Any]:
    """Write a file and its pixels. Returns what is to be known of it."""
    data = skosh.encode(image, quality, bundle, 1, tile=tile)
    shown = skosh.decode(data, bundle, 1, realism=0)
    (folder / f"{name}.skosh").write_bytes(data)
    (folder / f"{name}.rgba").write_bytes(np.asarray(shown.convert("RGBA")).tobytes())
    sizes = {kind: len(shown.info.get(kind, b"")) for kind in ("icc_profile", "exif", "xmp")}
    about = {"name": name, "bundle": str(bundle), "width": shown.width, "height": shown.height, "mode": shown.mode}
    return about | {"symbols": symbol_hash(data, bundle), **sizes}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
