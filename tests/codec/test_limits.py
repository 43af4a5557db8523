"""What is over a limit is refused in a sentence, at the encoder as at the decoder."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from PIL import Image

import skosh
from skosh.bundle import Bundle
from skosh.manifest import find


@pytest.fixture
def small(photo: Image.Image) -> Image.Image:
    return photo.crop((100, 60, 164, 124))


def spoil(monkeypatch: pytest.MonkeyPatch, module: str, name: str) -> None:
    """Let a function fail as it does where memory ends. ``skosh.decode`` is a function, too, so modules go by ``sys.modules``."""

    def fails(*_: Any, **__: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(sys.modules[f"skosh.{module}"], name, fails)


@pytest.mark.parametrize(
    ("module", "name"), [("decode", "synthesise"), ("decode", "to_image"), ("decode", "take_symbols")]
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
        ("encode", "analyse", {}),
        ("encode", "hyper_symbols", {}),
        ("encode", "tile_stream", {}),
        ("encode", "synthesise", {"target_psnr": 30}),
        ("pixels", "to_eight_bits", {}),
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
    bundle._sessions["analysis"] = Full()  # type: ignore[assignment]
    with pytest.raises(MemoryError, match=r"analysis\.onnx"):
        bundle.run("analysis")
