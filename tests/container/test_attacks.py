"""Files made to hurt: each ends in a picture or a SkoshError, soon and in little memory, whichever way it is read."""

from __future__ import annotations

import contextlib
import io
import pickle
import struct
import subprocess
import sys
import time
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import skosh
from skosh.bundle.loading import load
from skosh.container.chunks import read_head
from skosh.picture.saving import image_bytes

ATTACKS = Path(__file__).parents[1] / "attacks"
WORD = b"attacked"
FILES = sorted(ATTACKS.glob("*/*.skosh"))
SECONDS = 5.0  # of processor time; the slowest takes 2 on an old processor
MEGABYTES = 400  # over what a process takes that has decoded a small file: a megapixel is free for any file

WAYS: dict[str, Callable[[bytes], Any]] = {
    "decode": skosh.decode,
    "salvage": lambda data: skosh.decode(data, salvage=True),
    "region": lambda data: skosh.decode(data, region=(0, 0, 1, 1)),
    "info": skosh.info,
    "head": lambda data: read_head(io.BytesIO(data)),
}
SUFFIXES = (".png", ".jpg", ".tif", ".webp", ".avif")


def attack(path: Path) -> bytes:
    """A file's bytes, with the installed bundle's id in the place of the word, and a checksum that fits."""
    data = path.read_bytes()
    end = data.find(WORD, 4, 40)
    if end < 0:
        return data
    header = data[4:5] + data[6:end] + load(None, 1).model_id
    return data[:end] + header[-8:] + struct.pack("<I", zlib.crc32(header)) + data[end + 12 :]


def names(path: Path) -> str:
    return path.stem


def test_there_are_attacks_of_both_kinds() -> None:
    assert {path.parent.name for path in FILES} == {"refused", "either"}
    assert len(FILES) > 60


def test_the_attacks_are_files_for_the_installed_bundle() -> None:
    assert skosh.decode(attack(ATTACKS / "either" / "stream-empty.skosh")).size == (40, 30)


@pytest.mark.parametrize("way", WAYS)
def test_every_attack_ends_soon_in_a_result_or_a_skosh_error(way: str) -> None:
    load(None, 1)
    skosh.decode(attack(ATTACKS / "either" / "stream-empty.skosh"))  # the networks are loaded before the clock runs
    for path in FILES:
        start = time.process_time()
        with warnings.catch_warnings(), contextlib.suppress(skosh.SkoshError):
            warnings.simplefilter("ignore", UserWarning)  # what salvage has to say
            WAYS[way](attack(path))
        assert time.process_time() - start < SECONDS, path.name


@pytest.mark.parametrize("path", sorted(ATTACKS.glob("refused/*.skosh")), ids=names)
def test_what_is_no_file_of_ours_is_refused(path: Path) -> None:
    with pytest.raises(skosh.SkoshError):
        skosh.decode(attack(path))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_hostile_metadata_can_be_written_again_or_are_an_error_of_ours(suffix: str) -> None:
    for path in (ATTACKS / "either").glob("[eimx]*.skosh"):
        with contextlib.suppress(skosh.SkoshError):
            image_bytes(skosh.decode(attack(path)), suffix)


@pytest.mark.filterwarnings("ignore:Image size")  # Pillow's own warning, at the half of its limit
@pytest.mark.filterwarnings("ignore:its colour profile is for grey")
def test_pillow_sees_its_own_errors_only() -> None:
    skosh.register_opener()
    bomb = Image.DecompressionBombError
    for path in FILES:
        with contextlib.suppress(OSError, bomb), Image.open(io.BytesIO(attack(path))) as image:
            image.load()
        with contextlib.suppress(OSError, SyntaxError, bomb), Image.open(io.BytesIO(attack(path))) as image:
            image.verify()


MEMORY = """
import contextlib, pickle, resource, sys, warnings, skosh
warnings.simplefilter("ignore")
first, *data = pickle.load(sys.stdin.buffer)
skosh.decode(first)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for salvage in (False, True):
    for one in data:
        with contextlib.suppress(skosh.SkoshError):
            skosh.decode(one, salvage=salvage)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="counts kilobytes as Linux does")
def test_no_attack_takes_much_memory() -> None:
    files = [attack(path) for path in (ATTACKS / "either" / "stream-empty.skosh", *FILES)]
    done = subprocess.run([sys.executable, "-c", MEMORY], input=pickle.dumps(files), capture_output=True, check=True)
    assert int(done.stdout) < MEGABYTES
