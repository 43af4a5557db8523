"""A folder of stored pictures, and what lies beside it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

import skosh
from skosh.asgi import Options
from skosh.container.chunks import ALPHA, read, write
from skosh.picture.metadata import Metadata

SIZE = (96, 64)


@pytest.fixture(scope="session")
def options(tiny_bundle: Path) -> Options:
    return Options(model=tiny_bundle)


@pytest.fixture(scope="session")
def stored(photo: Image.Image, tiny_bundle: Path) -> bytes:
    """A file of 96x64 pixels with EXIF."""
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    picture = photo.crop((100, 60, 100 + SIZE[0], 60 + SIZE[1]))
    return skosh.encode(picture, 60, tiny_bundle, metadata=Metadata(exif=exif.tobytes()[6:]))


@pytest.fixture
def pictures(tmp_path: Path, photo: Image.Image, tiny_bundle: Path, stored: bytes) -> Path:
    """The folder ``photos``; ``secret.skosh`` lies outside of it."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    (folder / "cat.skosh").write_bytes(stored)
    (folder / "sub" / "red panda.skosh").write_bytes(stored)
    clear = photo.crop((100, 60, 164, 124)).convert("RGBA")
    clear.paste((0, 0, 0, 0), (0, 0, 32, 64))
    (folder / "clear.skosh").write_bytes(skosh.encode(clear, 60, tiny_bundle))
    (folder / "damaged.skosh").write_bytes(stored[:-9] + bytes([stored[-9] ^ 1]) + stored[-8:])
    contents = read(stored)
    tiles = [tile for tile in contents.tiles if tile is not None]
    (folder / "senseless.skosh").write_bytes(write(contents.header, {ALPHA: b"no transparency"}, tiles))
    (folder / "text.skosh").write_text("no picture")
    (tmp_path / "secret.skosh").write_bytes(stored)
    return folder
