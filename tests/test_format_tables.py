"""docs/format.md says of networks, arrays and files what they are, and its worked example holds."""

from __future__ import annotations

import ast
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skosh.bundle.bundle import Bundle
from skosh.bundle.graphs import TABLE, path_of
from skosh.bundle.manifest import DECODER_TABLES
from skosh.bundle.point import Point
from skosh.codec.boxes import Box, whole
from skosh.codec.context import decoded, in_first_half
from skosh.codec.noise import noise
from skosh.types import Floats, Symbols

ROOT = Path(__file__).parents[1]
BUNDLES = (ROOT / "src/skosh/models/skosh", ROOT / "tests/bundles/tiny", ROOT / "tests/bundles/filtered")
PAGE = (ROOT / "docs" / "format.md").read_text()
sys.path.insert(0, str(ROOT / "scripts"))


def section(name: str) -> str:
    """What stands between the marks of a section."""
    return PAGE.partition(f"<!-- {name} -->\n")[2].partition(f"\n<!-- end {name} -->")[0]


def test_arrays_examples_and_bytes_are_those_of_real_files() -> None:
    import format_tables

    for name, text in format_tables.sections().items():
        assert section(name) == text, "run scripts/format_tables.py --write"


def test_the_tables_of_networks_are_those_of_the_graphs() -> None:
    pytest.importorskip("onnx")  # the oldest set of dependencies is without it
    import format_tables

    for name, text in format_tables.networks().items():
        assert section(name) == text, "run scripts/format_tables.py --write"


def test_narrow_weights_are_widened_before_anything_is_computed() -> None:
    onnx = pytest.importorskip("onnx")
    import format_networks

    narrow = (onnx.TensorProto.FLOAT16, onnx.TensorProto.INT8)
    seen = 0
    for folder in BUNDLES:
        for graph in (graph for graph in TABLE if (folder / path_of(graph.name)).is_file()):
            model = format_networks.loaded(folder, graph.name).graph
            names = {one.name for one in model.initializer if one.data_type in narrow}
            users = [node for node in model.node if names & set(node.input)]
            assert {node.op_type for node in users} <= {"Cast"}, graph.name
            targets = {one.i for node in users for one in node.attribute if one.name == "to"}
            assert not targets - {onnx.TensorProto.FLOAT}, graph.name
            casts = [one.i for node in model.node for one in node.attribute if one.name == "to"]
            assert not set(casts) & set(narrow), graph.name
            seen += len(users)
    assert seen > 100


def test_arrays_are_stored_as_the_page_says() -> None:
    for folder in BUNDLES:
        with zipfile.ZipFile(folder / DECODER_TABLES) as archive:
            for member in archive.infolist():
                assert member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
                data = archive.read(member)
                assert data[:8] == b"\x93NUMPY\x01\x00", member.filename
                header = ast.literal_eval(data[10 : 10 + int.from_bytes(data[8:10], "little")].decode())
                assert header["descr"] in ("|i1", "|u1", "<i2", "<i4", "<i8", "<f2", "<f4")
                assert header["fortran_order"] is False


def boxes(column: int) -> list[Box]:
    """The boxes of the worked example, from the page: column 2 is the faithful picture, 3 that with realism."""
    found = []
    for line in section("halos").splitlines()[2:-1]:
        left, right, top, bottom = map(int, re.findall(r"\d+", line.split("|")[column]) or [0] * 4)
        found.append(Box(top, left, bottom, right))
    return found


def in_parts(at: Point, z: Symbols, q: Symbols, column: int) -> Floats:
    """The pixels of the example's region, from the parts of z and q that the page lists, and no others."""
    region, _, body_box, seen, context, cells, all_cells = boxes(column)
    features, mean, step = at.mean_first(all_cells.of(z))
    place = context.inside(all_cells.times(4))
    known = (context.of(q) * place.of(step) + place.of(mean) * at.gain) * at.inverse
    first = in_first_half(at.bundle.latents, context)[None]
    mean, step = at.mean_second(place.of(features), np.where(first, known, np.float32(0)))
    y = np.where(first, known, (context.of(q) * step + mean * at.gain) * at.inverse)
    x, body, render = at.synthesis_features(seen.inside(context).of(y))
    shown: Floats = region.inside(seen.times(16)).of(x)
    if not body_box.width:
        return shown
    head = body_box.inside(seen)
    detail = at.detail(head.of(body), head.times(4).of(render), noise(7, body_box.times(4)), 1.0)
    assert cells.times(4).cut_to(context) == context
    return shown + region.inside(body_box.times(16)).of(detail)


@pytest.mark.slow
def test_the_parts_of_the_worked_example_are_enough_for_its_pixels() -> None:
    at = Bundle(BUNDLES[0], 1).at(50)
    draw: Any = np.random.default_rng(3)
    z = draw.integers(-3, 4, (96, 11, 16)).astype(np.int32)
    q = draw.integers(-1, 2, (512, 44, 64)).astype(np.int32)
    x, body, render = at.synthesis_features(decoded(at, z, q, whole(44, 64)))
    detail = at.detail(body, render, noise(7, whole(176, 256)), 1.0)
    for picture, column in ((x, 2), (x + detail, 3)):
        due = boxes(column)[0].of(picture)
        assert np.abs(in_parts(at, z, q, column) - due).max() < 2e-5  # a halo less by one gives 3e-5


def test_zeros_beyond_the_edge_are_no_substitute_for_the_edge() -> None:
    at = Bundle(BUNDLES[0], 1).at(50)
    y: Floats = np.random.default_rng(3).normal(size=(1, 512, 7, 7)).astype(np.float32)
    filled = at.synthesis(np.pad(y, ((0, 0), (0, 0), (6, 0), (0, 0))))[..., 6 * 16 :, :]
    assert np.abs(filled - at.synthesis(y))[..., :16, :].max() > 5 / 255
