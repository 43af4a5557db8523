from __future__ import annotations

import contextlib
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skosh import FormatError, LimitError, SkoshError
from skosh.container import SIGNATURE, TILE, Chunk, Header, read, read_header, write

HEADER = Header(768, 512, 50, b"01234567")
FILE = write(HEADER, [Chunk(TILE, bytes(range(200)))])


def chunk(kind: bytes, payload: bytes) -> bytes:
    assert len(payload) < 128
    return kind + bytes([len(payload)]) + payload + struct.pack("<I", zlib.crc32(kind + payload))


@given(
    st.integers(1, 65535),
    st.integers(1, 512),  # 65535 x 512 is just under the limit of pixels
    st.integers(0, 100),
    st.binary(min_size=8, max_size=8),
    st.sampled_from([0, 64, 512, 1024, 1 << 20]),
    st.lists(st.binary(max_size=300), min_size=1, max_size=4),
)
def test_what_is_written_is_read(width, height, quality, model_id, tile, payloads) -> None:
    header = Header(width, height, quality, model_id, tile=tile)
    chunks = [Chunk(TILE, payload) for payload in payloads]
    data = write(header, chunks)
    assert read(data) == (header, chunks)
    assert read_header(data) == header


def test_a_plain_photo_costs_at_most_32_bytes_over_its_stream() -> None:
    stream = bytes(1_500_000)
    assert len(write(Header(6000, 4000, 50, b"01234567"), [Chunk(TILE, stream)])) - len(stream) <= 32


def test_a_file_cut_anywhere_is_refused() -> None:
    for cut in range(len(FILE)):
        with pytest.raises(FormatError, match=r"cut short|empty|damaged"):
            read(FILE[:cut])


def test_every_flipped_bit_is_noticed() -> None:
    for bit in range(8 * len(FILE)):
        damaged = bytearray(FILE)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SkoshError):
            read(bytes(damaged))


@given(st.binary(max_size=400))
def test_any_bytes_give_a_result_or_a_skosh_error(data: bytes) -> None:
    for start in (b"", SIGNATURE, FILE[:27]):
        with contextlib.suppress(SkoshError):
            read(start + data)


def test_bytes_after_the_last_chunk_are_refused() -> None:
    with pytest.raises(FormatError):
        read(FILE + b"\0")


def test_a_foreign_file_is_called_so() -> None:
    with pytest.raises(FormatError, match=r"not a \.skosh file"):
        read(b"\x89PNG\r\n\x1a\n" + bytes(100))


def test_unknown_chunks_are_skipped_if_they_may_be_and_refused_if_not() -> None:
    assert read(FILE + chunk(b"z", b"later"))[1] == read(FILE)[1]
    with pytest.raises(FormatError, match="newer skosh"):
        read(FILE + chunk(b"Z", b"later"))


def test_a_newer_format_version_asks_for_an_update() -> None:
    with pytest.raises(FormatError, match="version 2"):
        read(SIGNATURE + b"\x02" + FILE[4:])


@pytest.mark.parametrize(("width", "height"), [(70_000, 1), (60_000, 60_000), (0, 5)])
def test_sizes_over_the_limits_are_refused_from_the_header(width: int, height: int) -> None:
    with pytest.raises(LimitError, match=str(width)):
        read_header(write(Header(width, height, 50, b"01234567"), []))


def test_a_chunk_that_claims_gigabytes_is_refused_by_its_length() -> None:
    with pytest.raises(FormatError, match="over the limit"):
        read(FILE + b"T" + b"\xff\xff\xff\xff\x0f" + bytes(50))


def test_a_number_in_a_longer_form_than_needed_is_refused() -> None:
    longer = b"z\x85\x00later" + struct.pack("<I", zlib.crc32(b"zlater"))  # the length 5 in two bytes
    with pytest.raises(FormatError, match="shortest form"):
        read(FILE + longer)
