"""What is over a limit is refused in a sentence, at the encoder as at the decoder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import skosh
from skosh.bundle.bundle import Bundle
from skosh.bundle.manifest import find, installed
from skosh.entropy.tables import TOTAL
from skosh.limits import PADDING, PIXELS_PER_BYTE


@pytest.fixture
def small(photo: Image.Image) -> Image.Image:
    return photo.crop((100, 60, 164, 124))


def spoil(monkeypatch: pytest.MonkeyPatch, module: str, name: str) -> None:
    """Let a function fail as when memory ends.

    ``skosh.decode`` is a function, too, so modules go by ``sys.modules``.
    """

    def fails(*_: Any, **__: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(sys.modules[f"skosh.{module}"], name, fails)


@pytest.mark.parametrize(
    ("module", "name"),
    [("codec.decoder", "synthesise"), ("codec.decoder", "to_image"), ("codec.decoder", "take_symbols")],
)
def test_a_picture_that_memory_is_too_small_for_is_a_limit_error_of_the_decoder(
    monkeypatch: pytest.MonkeyPatch, small: Image.Image, module: str, name: str
) -> None:
    data = skosh.encode(small)
    spoil(monkeypatch, module, name)
    with pytest.raises(skosh.LimitError, match="not enough memory for a picture of 64x64"):
        skosh.decode(data)


@pytest.mark.parametrize(
    ("module", "name", "target"),
    [
        ("codec.encoder", "analyse", {}),
        ("codec.encoder", "hyper_symbols", {}),
        ("codec.encoder", "tile_stream", {}),
        ("codec.encoder", "synthesise", {"target_psnr": 30}),
        ("picture.picture", "to_eight_bits", {}),
    ],
)
def test_a_picture_that_memory_is_too_small_for_is_a_limit_error_of_the_encoder(
    monkeypatch: pytest.MonkeyPatch, small: Image.Image, module: str, name: str, target: dict[str, float]
) -> None:
    spoil(monkeypatch, module, name)
    with pytest.raises(skosh.LimitError, match="not enough memory for a picture of 64x64"):
        skosh.encode(small, **target)


def test_a_network_that_finds_no_memory_is_no_damaged_bundle(small: Image.Image) -> None:
    class Full:
        def get_inputs(self) -> list[Any]:
            return []

        def run(self, *_: Any) -> Any:
            raise RuntimeError("Non-zero status code returned while running Conv node. Status Message: std::bad_alloc")

    bundle = Bundle(find(None))
    bundle._sessions._opened["analysis"] = Full()  # type: ignore[assignment]
    with pytest.raises(MemoryError, match=r"analysis\.onnx"):
        bundle.run("analysis")


def test_a_chunk_that_no_reader_would_take_is_not_written(monkeypatch: pytest.MonkeyPatch, small: Image.Image) -> None:
    monkeypatch.setattr("skosh.container.chunks.MAX_CHUNK", 100)
    with pytest.raises(skosh.LimitError, match="chunk T would have"):
        skosh.encode(small, 100)


def test_a_file_that_no_decoder_would_take_is_not_written(monkeypatch: pytest.MonkeyPatch, small: Image.Image) -> None:
    monkeypatch.setattr("skosh.limits.FREE_PIXELS", 0)
    monkeypatch.setattr("skosh.limits.PIXELS_PER_BYTE", 1)
    with pytest.raises(skosh.LimitError, match="claims a picture of 64x64"):
        skosh.encode(small, 0)


@pytest.mark.parametrize("folder", [folder for _, folder, _ in installed()], ids=lambda folder: folder.name)
def test_the_cheapest_symbols_of_a_shipped_bundle_stay_below_the_limit_of_pixels_a_byte(folder: Path) -> None:
    tables = Bundle(folder).arrays["z_tables"]
    bits = -np.log2(tables.max(-1) / TOTAL).sum(
        -1
    )  # of the most probable z, row by row; latents at scale index 0 are free
    assert PADDING**2 / (bits.min() / 8) < PIXELS_PER_BYTE
