"""Pictures and metadata that no library writes: PNGs of every kind, EXIF of either byte order."""

from __future__ import annotations

import importlib.util
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import ImageCms

GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6  # colour types of PNG
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGB_ALPHA: 4}
ADAM7 = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)  # x, y, steps
SHORT, LONG, ASCII, RATIONAL, UNDEFINED = 3, 4, 2, 5, 7  # types of EXIF
MAKER_NOTE = bytes(range(256)) * 3


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(samples: npt.NDArray[np.integer], kind: int, bits: int, interlaced: bool = False, extra: bytes = b"") -> bytes:
    """Samples (H, W, channels) of so many bits -> PNG; ``extra`` are chunks that stand before the data."""
    height, width = samples.shape[:2]
    passes = ADAM7 if interlaced else ((0, 0, 1, 1),)
    raw = b""
    for x, y, across, down in passes:
        part = samples[y::down, x::across]
        if part.size:
            raw += b"".join(b"\0" + packed(row.reshape(-1), bits) for row in part)
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, interlaced))
    return b"\x89PNG\r\n\x1a\n" + head + extra + png_chunk(b"IDAT", zlib.compress(raw)) + png_chunk(b"IEND", b"")


def packed(row: npt.NDArray[np.integer], bits: int) -> bytes:
    if bits >= 8:
        return row.astype(">u2" if bits == 16 else np.uint8).tobytes()
    return np.packbits(np.unpackbits(row.astype(np.uint8)[:, None], axis=1)[:, 8 - bits :]).tobytes()


def exif(orientation: int, order: str = "<", kind: int = SHORT) -> bytes:
    """EXIF as a camera writes it: maker, orientation, an EXIF directory with a maker note, a GPS directory."""
    value = struct.pack(
        f"{order}HH" if kind == SHORT else f"{order}I", *((orientation, 0) if kind == SHORT else (orientation,))
    )
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    main_size, exif_size, gps_size = (2 + 12 * n + 4 for n in (4, 2, 2))
    exif_at, gps_at = 8 + main_size, 8 + main_size + exif_size
    data_at = gps_at + gps_size
    maker, degrees = b"a maker\0", struct.pack(f"{order}6I", 52, 1, 30, 1, 1234, 100)
    main = [
        entry(order, 0x010F, ASCII, len(maker), data_at),
        entry(order, 0x0112, kind, 1, value),
        entry(order, 0x8769, LONG, 1, exif_at),
        entry(order, 0x8825, LONG, 1, gps_at),
    ]
    inner = [
        entry(order, 0x9000, UNDEFINED, 4, b"0230"),
        entry(order, 0x927C, UNDEFINED, len(MAKER_NOTE), data_at + len(maker) + len(degrees)),
    ]
    gps = [entry(order, 1, ASCII, 2, b"N\0\0\0"), entry(order, 2, RATIONAL, 3, data_at + len(maker))]
    return (
        head + directory(order, main) + directory(order, inner) + directory(order, gps) + maker + degrees + MAKER_NOTE
    )


def entry(order: str, tag: int, kind: int, count: int, value: int | bytes) -> bytes:
    """One entry of a directory: its value, four bytes, or where that stands."""
    return struct.pack(f"{order}HHI", tag, kind, count) + (
        value if isinstance(value, bytes) else struct.pack(f"{order}I", value)
    )


def directory(order: str, entries: list[bytes]) -> bytes:
    return struct.pack(f"{order}H", len(entries)) + b"".join(entries) + struct.pack(f"{order}I", 0)


def xmp(orientation: int) -> bytes:
    """A packet as an editor writes it."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        f'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="{orientation}" dc:title="été"/>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def display_profile(*colorants: tuple[float, float, float]) -> bytes:
    """A profile of sRGB's curves and of red, green and blue under D50.

    By default they are a display's, which is near P3 and has no name.
    """
    chosen = colorants or ((0.5051, 0.2412, -0.0011), (0.3020, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))
    profile = bytearray(SRGB)
    for tag, values in zip((b"rXYZ", b"gXYZ", b"bXYZ"), chosen, strict=True):
        at = SRGB.index(tag, 128)
        offset = int.from_bytes(SRGB[at + 4 : at + 8], "big") + 8
        struct.pack_into(">3i", profile, offset, *(round(value * 65536) for value in values))
    return bytes(profile)


def grey_profile(curve: bytes, more: tuple[tuple[bytes, bytes], ...] = ()) -> bytes:
    """A profile of one channel: a white point, a curve, and other tags."""
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    return icc(b"GRAY", ((b"wtpt", white), (b"kTRC", curve), *more))


def gamma_curve(gamma: float) -> bytes:
    return struct.pack(">4s4xIH", b"curv", 1, round(gamma * 256))


def table_curve(values: npt.NDArray[np.floating]) -> bytes:
    return struct.pack(">4s4xI", b"curv", len(values)) + np.rint(65535 * values).astype(">u2").tobytes()


def icc(space: bytes, tags: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """A profile of any tags, with the header of lcms's sRGB."""
    at, table, data = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, content in tags:
        table += struct.pack(">4sII", name, at + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    head = bytearray(SRGB[:128])
    head[:4], head[16:20] = struct.pack(">I", at + len(data)), space
    return bytes(head) + table + data


def package_folder(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent
