"""Write the files of this folder that were made by hand: ``python tests/attacks/craft.py``.

Those with a number were found by fuzzing. Weights may change: only a few of these files depend on the weights that they
were made with, and all are tried with any bundle.

Files in ``refused`` must end in a SkoshError; files in ``either`` may also be a picture.
"""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from skosh.bundle.loading import load
from skosh.container.chunks import Header, _pack_header, _varint
from skosh.entropy.coder import SYMBOL_MAX, Writer
from skosh.entropy.tables import HYPER_LIMIT
from skosh.files import SIGNATURE
from skosh.limits import MAX_METADATA

HERE = Path(__file__).parent
MODEL_ID = b"attacked"  # of no bundle: the test puts in that of the bundle that is installed
SMALL = Header(40, 30, 50, MODEL_ID)
FOUR = Header(100, 100, 50, MODEL_ID, tile=64)
ALPHA_PNG = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, payload: bytes = b"") -> bytes:
    """With its checksum."""
    return kind + _varint(len(payload)) + payload + struct.pack("<I", zlib.crc32(kind + payload))


def file(header: Header | bytes, *chunks: bytes) -> bytes:
    """A file of a header and ready chunks."""
    packed = header if isinstance(header, bytes) else _pack_header(header)
    return SIGNATURE + b"\x01" + chunk(b"H", packed) + b"".join(chunks)


def tile(stream: bytes = b"", number: int | None = None) -> bytes:
    """A tile's chunk."""
    return chunk(b"T", (b"" if number is None else _varint(number)) + stream)


def tiles(count: int, stream: bytes = b"") -> bytes:
    """The chunks of all tiles."""
    return b"".join(tile(stream, n) for n in range(count))


def deflated(data: bytes) -> bytes:
    """As metadata are."""
    return zlib.compress(data, 9)


def png_chunk(kind: bytes, payload: bytes = b"") -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


def png(width: int, height: int, *middle: bytes, depth: int = 8, colour: int = 0, interlace: int = 0) -> bytes:
    """A PNG of ready chunks between IHDR and IEND."""
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))
    return ALPHA_PNG + head + b"".join(middle) + png_chunk(b"IEND")


def idat(size: int) -> bytes:
    """Zeros, deflated."""
    return png_chunk(b"IDAT", deflated(bytes(size)))


def with_alpha(data: bytes) -> bytes:
    """A small picture with this for transparency."""
    return file(SMALL, chunk(b"A", data), tile())


def exif(*entries: bytes, following: int = 0) -> bytes:
    """Little-endian EXIF of one directory."""
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + b"".join(entries) + struct.pack("<I", following)


def extremes(sign: int, quality: float) -> bytes:
    """The largest symbols that there are, everywhere."""
    bundle = load()
    at = bundle.at(quality)
    writer = Writer(at.models)
    z = np.full((bundle.hyper, 1, 1), sign * HYPER_LIMIT, np.int32)
    writer.put_z(z)
    index = at.scale_index(z)
    writer.put_q(np.where(index > 0, SYMBOL_MAX, 0).astype(np.int32) * sign, index)
    writer.put_coefficients(np.full(bundle.wiener_terms, sign * HYPER_LIMIT, np.int32))
    return file(Header(40, 30, quality, MODEL_ID), tile(writer.stream()))


def frames() -> bytes:
    """An animated PNG of the right size and kind."""
    buffer = io.BytesIO()
    first, second = Image.new("L", (40, 30), 9), Image.new("L", (40, 30), 200)
    first.save(buffer, "PNG", save_all=True, append_images=[second])
    return buffer.getvalue()


def traps() -> bytes:
    """Whole tiles, each followed by chunks that claim much and are not whole: as slow to salvage as it gets."""
    trap = b"".join(b"T" + _varint(length) for length in range(20_000, 20_020))
    return file(FOUR, *(tile(b"", n % 5) + trap for n in range(300)), b"T" * 40_000)


HEAD = _pack_header(SMALL)
NUL = bytes(8)


def profile_of_large_tags() -> bytes:
    """A profile of as many tags as there may be, each of which is the whole of it."""
    size = 15_000_000
    head = struct.pack(">I8s4s4s4s12x4s", size, bytes(8), b"mntr", b"RGB ", b"XYZ ", b"acsp").ljust(128, b"\0")
    names = (b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC", *(b"%04d" % n for n in range(94)))
    return (head + struct.pack(">I", 100) + b"".join(name + struct.pack(">II", 0, size) for name in names)).ljust(
        size, b"\0"
    )


REFUSED = {
    "size-no-pixels": file(HEAD[:2] + b"\x00\x00" + MODEL_ID, tile()),
    "size-gigapixels": file(Header(65_535, 65_535, 50, MODEL_ID), tile()),
    "size-side-too-long": file(Header(65_536, 1, 50, MODEL_ID), tile()),
    "size-not-justified": file(Header(65_535, 2_048, 50, MODEL_ID), tile()),
    "size-one-long-line": file(Header(65_535, 1, 50, MODEL_ID), tile()),
    "size-tiles-not-there": file(Header(11_585, 11_585, 50, MODEL_ID, tile=64), tile(b"", 0)),
    "size-varint-without-end": file(HEAD[:2] + b"\xff" * 9 + MODEL_ID, tile()),
    "header-unknown-mode": file(b"\x20" + HEAD[1:], tile()),
    "header-quality-over-100": file(b"\x00\xff" + HEAD[2:], tile()),
    "header-short": file(HEAD[:-1], tile()),
    "header-empty": file(b"", tile()),
    "header-twice": file(SMALL, chunk(b"H", HEAD), tile()),
    "header-missing": SIGNATURE + b"\x01" + tile(),
    "header-other-model": file(HEAD[:-1] + b"s", tile()),
    "tile-twice": file(FOUR, tiles(4), tile(b"", 3)),
    "tile-missing": file(FOUR, tiles(3)),
    "tile-number-out-of-range": file(FOUR, tiles(3), tile(b"", 4)),
    "tile-number-huge": file(FOUR, tiles(3), chunk(b"T", b"\xff\xff\xff\xff\x7f")),
    "tile-number-cut": file(FOUR, tiles(3), chunk(b"T", b"\x83")),
    "tile-of-gigabytes": file(SMALL, b"T\xff\xff\xff\xff\x0f"),
    "chunk-unknown-critical": file(SMALL, chunk(b"Z"), tile()),
    "chunk-behind-tile": file(SMALL, tile(), chunk(b"x", deflated(b"late"))),
    "metadata-just-over-the-limit": file(SMALL, chunk(b"i", deflated(bytes(MAX_METADATA + 1))), tile()),
    "metadata-not-deflated": file(SMALL, chunk(b"e", b"II*\0" + NUL), tile()),
    "metadata-empty": file(SMALL, chunk(b"x"), tile()),
    "metadata-cut": file(SMALL, chunk(b"x", deflated(b"words " * 99)[:-5]), tile()),
    "metadata-and-more": file(SMALL, chunk(b"x", deflated(b"words") + NUL), tile()),
    "metadata-asks-for-a-dictionary": file(SMALL, chunk(b"x", b"\x78\xbb" + NUL), tile()),
    "space-empty": file(SMALL, chunk(b"c"), tile()),
    "space-unknown": file(SMALL, chunk(b"c", b"\x63\x63"), tile()),
    "space-exponent-missing": file(SMALL, chunk(b"c", b"\x01\xe0"), tile()),
    "space-exponent-of-no-use": file(SMALL, chunk(b"c", b"\x01\x0d\x33\x02"), tile()),
    "space-exponent-zero": file(SMALL, chunk(b"c", b"\x01\xe0\0\0"), tile()),
    "alpha-no-png": with_alpha(b"GIF89a" + bytes(40)),
    "alpha-empty": with_alpha(b""),
    "alpha-larger": with_alpha(png(30_000, 30_000, idat(1 << 22))),
    "alpha-one-row-more": with_alpha(png(40, 31, idat(41 * 31))),
    "alpha-rgb": with_alpha(png(40, 30, idat(121 * 30), colour=2)),
    "alpha-16-bit": with_alpha(png(40, 30, idat(81 * 30), depth=16)),
    "alpha-1-bit": with_alpha(png(40, 30, idat(6 * 30), depth=1)),
    "alpha-interlaced": with_alpha(png(40, 30, idat(2000), interlace=1)),
    "alpha-animated": with_alpha(frames()),
    "alpha-without-pixels": with_alpha(png(40, 30)),
    "alpha-text-bomb": with_alpha(
        png(40, 30, *[png_chunk(b"zTXt", b"k\0\0" + deflated(bytes(1 << 20)))] * 20, idat(1230))
    ),
    "alpha-profile-bomb": with_alpha(png(40, 30, png_chunk(b"iCCP", b"p\0\0" + deflated(bytes(1 << 24))), idat(1230))),
    "alpha-text-behind-pixels": with_alpha(png(40, 30, idat(1230), png_chunk(b"tEXt", b"k\0v"))),
    "alpha-bytes-behind-its-end": with_alpha(png(40, 30, idat(1230)) + NUL),
    "alpha-chunk-of-gigabytes": with_alpha(png(40, 30)[:-12] + b"\xff\xff\xff\xffIDAT" + NUL),
}
EITHER = {
    "alpha-too-few-pixels": with_alpha(png(40, 30, idat(41 * 29))),
    "alpha-more-than-its-pixels": with_alpha(png(40, 30, idat(1 << 24))),
    "exif-loop": file(SMALL, chunk(b"e", deflated(exif(struct.pack("<HHII", 0x8769, 4, 1, 8), following=8))), tile()),
    "exif-out-of-range": file(
        SMALL, chunk(b"e", deflated(exif(struct.pack("<HHII", 270, 2, 1 << 31, 1 << 31)))), tile()
    ),
    "exif-many-entries": file(SMALL, chunk(b"e", deflated(b"II*\0\x08\0\0\0\xff\xff" + b"\x12\1" * 50)), tile()),
    "exif-words": file(SMALL, chunk(b"e", deflated(b"words")), tile()),
    "exif-too-long-for-jpeg": file(SMALL, chunk(b"e", deflated(exif() + bytes(70_000))), tile()),
    "icc-words": file(SMALL, chunk(b"i", deflated(b"words")), tile()),
    "icc-tags-of-megabytes": file(SMALL, chunk(b"i", deflated(profile_of_large_tags())), tile()),
    "space-of-grey-for-colours": file(SMALL, chunk(b"c", b"\0\x08"), tile()),
    "space-beside-a-profile": file(SMALL, chunk(b"c", b"\x0c\x0d"), chunk(b"i", deflated(b"words")), tile()),
    "xmp-no-text": file(SMALL, chunk(b"x", deflated(bytes(range(256)))), tile()),
    "metadata-at-the-limit": file(
        SMALL, *(chunk(k, deflated(bytes(MAX_METADATA))) for k in (b"i", b"e", b"x")), tile()
    ),
    "stream-empty": file(SMALL, tile()),
    "stream-zeros": file(SMALL, tile(bytes(3000))),
    "stream-ones": file(SMALL, tile(b"\xff" * 3000)),
    "stream-ones-many-tiles": file(Header(640, 640, 99, MODEL_ID, tile=64), tiles(100, b"\xff" * 300)),
    "stream-noise": file(SMALL, tile(np.random.default_rng(0).bytes(3000))),
    "symbols-largest-lowest-quality": extremes(1, 0),
    "symbols-largest-best-quality": extremes(1, 100),
    "symbols-smallest": extremes(-1, 50.375),
    "tiles-reordered": file(FOUR, *(tile(b"", n) for n in (2, 0, 3, 1))),
    "tiles-of-64": file(Header(1024, 1024, 50, MODEL_ID, tile=64), tiles(256)),
    "tile-larger-than-any-picture": file(Header(40, 30, 50, MODEL_ID, tile=1 << 20), tile()),
    "chunks-by-the-thousand": file(FOUR, tile(b"", 3), chunk(b"z") * 5000, tiles(3)),
    "salvage-traps": traps(),
    "salvage-false-beginnings": file(FOUR, tiles(2), b"T" * 60_000),
    "salvage-claims-behind-each-tile": file(FOUR, *(tile(b"", n % 4) + b"z" + _varint(30_000) for n in range(4000))),
}


def main() -> None:
    """Write them."""
    for folder, crafted in (("refused", REFUSED), ("either", EITHER)):
        (HERE / folder).mkdir(exist_ok=True)
        for name, data in crafted.items():
            (HERE / folder / f"{name}.skosh").write_bytes(data)


if __name__ == "__main__":
    main()
