"""Networks that a bundle may lack, and outputs that not every graph has."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import skosh
from skosh.bundle.bundle import Bundle
from skosh.bundle.graphs import HEADS, TABLE, path_of
from skosh.bundle.heads import WHAT, check_has, default_realism
from skosh.bundle.manifest import MANIFEST, reseal
from skosh.errors import BundleError


@pytest.fixture
def folder(tiny_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))


def heads_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / MANIFEST).read_text())[HEADS]
    return found


def latents(bundle: Bundle) -> tuple[npt.NDArray[np.float32], ...]:
    y = np.random.default_rng(0).normal(size=(1, bundle.latents, 6, 9)).astype(np.float32)
    return y, bundle.at(50).synthesis_level


def test_features_come_beside_the_picture_and_change_no_bit_of_it(tiny_bundle: Path) -> None:
    bundle = Bundle(tiny_bundle)
    at, (y, _) = bundle.at(50), latents(bundle)
    x, body, render = at.synthesis_features(y)
    assert np.array_equal(x, at.synthesis(y))
    assert (x.shape, body.shape, render.shape) == ((1, 3, 96, 144), (1, 32, 6, 9), (1, 8, 24, 36))


def test_outputs_are_given_in_the_order_in_which_they_are_asked_for(tiny_bundle: Path) -> None:
    bundle = Bundle(tiny_bundle)
    inputs = latents(bundle)
    x, body, render = bundle.run("synthesis", *inputs)
    others = bundle.run("synthesis", *inputs, only=("render", "x_hat"))
    assert len(others) == 2
    assert np.array_equal(others[0], render)
    assert np.array_equal(others[1], x)
    assert np.array_equal(bundle.run("synthesis", *inputs, only=("body",))[0], body)


def test_a_synthesis_without_features_is_named_where_a_head_asks_for_them(folder: Path) -> None:
    onnx = pytest.importorskip("onnx")  # the oldest set of dependencies is without it
    path = folder / path_of("synthesis")
    model = onnx.load(path)
    del model.graph.output[1:]
    path.write_bytes(model.SerializeToString(deterministic=True))
    reseal(folder)
    bundle = Bundle(folder)
    y, _ = latents(bundle)
    assert bundle.at(50).synthesis(y).shape == (1, 3, 96, 144)
    with pytest.raises(BundleError, match=r"synthesis\.onnx .*no output body, render"):
        bundle.at(50).synthesis_features(y)


@pytest.mark.parametrize("graph", WHAT)
def test_a_bundle_that_lacks_a_network_says_which_and_what_to_do(folder: Path, graph: str) -> None:
    check_has(Bundle(folder), graph)
    (folder / path_of(graph)).unlink()
    reseal(folder)
    with pytest.raises(BundleError, match=rf"{path_of(graph)}; (de|en)code with"):
        check_has(Bundle(folder), graph)


@pytest.mark.parametrize("made_for", [{}, {"detail": "0123456789abcdef"}, {"double": "2b21e2cc66bcbcd3"}])
def test_a_head_of_another_decoder_is_refused_and_the_faithful_picture_is_not(
    folder: Path, made_for: dict[str, str]
) -> None:
    reseal(folder, heads=heads_of(folder) | {"made_for": made_for})
    bundle = Bundle(folder)
    with pytest.raises(BundleError, match=r"heads/detail\.onnx .* was made for the decoder .*, not for"):
        check_has(bundle, "detail")
    image = skosh.decode(skosh.encode(np.full((8, 8, 3), 90, np.uint8), 50, bundle), bundle)
    assert image.size == (8, 8)


def test_a_network_without_a_halo_can_not_be_run_in_parts(folder: Path) -> None:
    heads = heads_of(folder)
    del heads["halo"]["double"]
    reseal(folder, heads=heads)
    with pytest.raises(BundleError, match="lacks the halo of double"):
        check_has(Bundle(folder), "double")


@pytest.mark.parametrize(
    "wrong",
    [
        {"realism": 1.5},
        {"realism": "much"},
        {"realism": float("nan")},
        {"realism": True},
        {"realism": []},
        {"realism": [1, 2]},
        {"made_for": 7},
    ],
)
def test_a_manifest_that_misstates_its_heads_is_refused(folder: Path, wrong: dict[str, object]) -> None:
    reseal(folder, heads=heads_of(folder) | wrong)
    with pytest.raises(BundleError, match=r"(realism|made_for) of heads"):
        Bundle(folder)


def test_the_default_realism_is_the_bundles_and_nothing_without_a_head_for_it(folder: Path) -> None:
    assert default_realism(Bundle(folder), 50) == 0.0
    reseal(folder, heads=heads_of(folder) | {"realism": 0.25})
    assert default_realism(Bundle(folder), 0) == default_realism(Bundle(folder), 50) == 0.25
    reseal(folder, heads=heads_of(folder) | {"realism": [1, 0.5, 0]})
    found = [default_realism(Bundle(folder), quality) for quality in (0, 25, 50, 75, 100)]
    assert found == [1.0, 0.75, 0.5, 0.25, 0.0]
    (folder / path_of("detail")).unlink()
    reseal(folder)
    assert default_realism(Bundle(folder), 50) == 0.0


def test_every_network_that_all_bundles_may_lack_has_a_remedy_or_a_substitute() -> None:
    optional = {graph.name for graph in TABLE if graph.needs == "optional" and graph.halo}
    assert optional == {*WHAT, "small_2", "small_4", "small_8", "wiener"}
