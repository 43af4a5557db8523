"""Pictures and metadata that no library writes: PNGs of every kind, EXIF of either byte order."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import numpy.typing as npt

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
