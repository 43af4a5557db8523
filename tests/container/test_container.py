from __future__ import annotations

import contextlib
import io
import itertools
import struct
import time
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skosh import FormatError, LimitError, SkoshError
from skosh.container.chunks import ALPHA, EXIF, ICC, REALISM, XMP, Contents, Header, read, read_head, write
from skosh.container.salvage import read_damaged
from skosh.files import SIGNATURE
from skosh.limits import MAX_UNKNOWN

HEADER = Header(300, 200, 50.125, b"01234567", tile=128)
STREAMS = [bytes([n]) * (40 + n) for n in range(6)]
EXTRAS = {ICC: b"profile", EXIF: b"exif" * 9}
FILE = write(HEADER, EXTRAS, STREAMS)


def chunk(kind: bytes, payload: bytes) -> bytes:
    assert len(payload) < 128
    return kind + bytes([len(payload)]) + payload + struct.pack("<I", zlib.crc32(kind + payload))


def ends(data: bytes) -> list[int]:
    """Where the chunks of a file end."""
    at, found = 4, []
    while at + 1 < len(data):
        assert data[at + 1] < 128
        at += 2 + data[at + 1] + 4
        found.append(at)
    return found


@given(
    st.integers(1, 65535),
    st.integers(1, 2048),  # 65535 x 2048 is just under the limit of pixels
    st.integers(0, 800),
    st.binary(min_size=8, max_size=8),
    st.sampled_from(["RGB", "L"]),
    st.sampled_from([0, 64, 512, 1024, 1 << 20]),
    st.dictionaries(st.sampled_from([ALPHA, REALISM, ICC, EXIF, XMP]), st.binary(max_size=300)),
    st.binary(max_size=300),
)
def test_what_is_written_is_read(width, height, eighths, model_id, mode, tile, extras, stream) -> None:
    header = Header(width, height, eighths / 8, model_id, mode, tile)
    tiles = [stream] * min(header.tiles, 3)
    if len(tiles) != header.tiles:
        with pytest.raises(ValueError, match="tiles where"):
            write(header, extras, tiles)
        return
    data = write(header, extras, tiles)
    assert read(data) == Contents(header, extras, list(tiles))
    assert read_head(io.BytesIO(data)) == (header, extras)


def test_a_plain_photo_of_one_tile_costs_at_most_32_bytes_over_its_stream() -> None:
    stream = bytes(1_500_000)
    assert len(write(Header(6000, 4000, 50, b"01234567"), {}, [stream])) - len(stream) <= 32


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


def test_reading_the_head_stops_at_the_first_tile() -> None:
    file = io.BytesIO(FILE[: ends(FILE)[2] + 2] + b"no tile at all")
    assert read_head(file) == (HEADER, EXTRAS)


def test_salvage_loses_the_damaged_tile_and_no_other() -> None:
    places = ends(FILE)
    for n, (start, end) in enumerate(itertools.pairwise(places[2:])):
        for at in range(start, end):
            damaged = FILE[:at] + bytes([FILE[at] ^ 0x55]) + FILE[at + 1 :]
            due = [stream if i != n else None for i, stream in enumerate(STREAMS)]
            assert read_damaged(damaged).tiles == due, at


def test_salvage_takes_what_is_left_of_a_file_that_is_cut_short() -> None:
    found = read_damaged(FILE[: ends(FILE)[4] + 7])
    assert found.tiles == [*STREAMS[:2], None, None, None, None]
    assert found.extras == EXTRAS


def test_salvage_of_damaged_metadata_keeps_every_tile() -> None:
    at = ends(FILE)[0] + 1
    assert read_damaged(FILE[:at] + b"\x7f" + FILE[at + 1 :]).tiles == STREAMS


@pytest.mark.parametrize("n", range(4))
def test_salvage_loses_the_damaged_extra_and_says_so(n: int) -> None:
    extras = {ALPHA: b"plane" * 7, ICC: b"profile", EXIF: b"exif" * 9, XMP: b"packet"}
    file = write(HEADER, extras, STREAMS)
    start, end = ends(file)[n : n + 2]
    kind = file[start : start + 1]
    for at in range(start + 2, end):
        found = read_damaged(file[:at] + bytes([file[at] ^ 0x55]) + file[at + 1 :])
        assert found.tiles == STREAMS
        assert found.extras == {other: payload for other, payload in extras.items() if other != kind}
        assert found.lost == [kind]


@pytest.mark.parametrize(("chunk_", "tiles"), [(1, STREAMS), (3, [None, *STREAMS[1:]])])
def test_a_damaged_length_that_leads_to_a_later_chunk_costs_no_tile_between(
    chunk_: int, tiles: list[bytes | None]
) -> None:
    """Of the first extra, and of the first tile: to the end of the tile behind."""
    places, damaged = ends(FILE), bytearray(FILE)
    start, end, to = places[chunk_ - 1], places[chunk_], places[3 if chunk_ == 1 else 4]
    damaged[start + 1] += to - end
    assert read_damaged(bytes(damaged)).tiles == tiles


def test_salvage_says_where_more_than_the_damaged_chunk_may_be_lost() -> None:
    at = ends(FILE)[0] + 1
    assert read_damaged(FILE[:at] + b"\x7f" + FILE[at + 1 :]).lost == [ICC, b""]


@pytest.mark.parametrize("place", [0, 1, -1])
def test_salvage_does_not_read_past_what_only_a_newer_version_understands(place: int) -> None:
    at = ends(FILE)[place]
    newer = FILE[:at] + chunk(b"Q", b"everything is upside down") + FILE[at:]
    with pytest.raises(FormatError, match="newer skosh"):
        read_damaged(newer)
    damaged = bytearray(newer)
    damaged[at + 5] ^= 1  # nobody can say any more that it is one
    assert read_damaged(bytes(damaged)).tiles == STREAMS
    before = bytearray(newer)
    before[at - 5] ^= 1  # in what stands in front of it, an extra or a tile
    with pytest.raises(FormatError, match="newer skosh" if place else "checksum"):
        read_damaged(bytes(before))


def test_salvage_of_damaged_chunks_before_the_tiles_is_quick() -> None:
    pair = chunk(b"z", b"whole") + chunk(b"z", b"damaged")[:-1] + b"?"
    quick(write(HEADER, {}, STREAMS)[: ends(FILE)[0]] + pair * 50_000, read_damaged)


def test_salvage_of_a_long_file_that_is_full_of_false_beginnings_is_quick() -> None:
    trap = b"T" + bytes([0x80, 0x80, 0x20])  # a chunk of 524288 bytes, behind which another seems to begin
    quick(write(HEADER, {}, STREAMS)[: ends(FILE)[0]] + trap * 300_000, read_damaged)


def test_salvage_of_a_long_file_of_nothing_but_false_beginnings_is_quick() -> None:
    quick(write(HEADER, {}, STREAMS)[: ends(FILE)[0]] + b"T" * 8_000_000, read_damaged)


def test_salvage_finds_all_of_a_whole_file_of_many_small_tiles() -> None:
    assert all(tile is not None for tile in read_damaged(MANY).tiles)


def test_more_unknown_chunks_than_anybody_would_write_are_refused() -> None:
    at = ends(FILE)[0]
    for count, refused in ((MAX_UNKNOWN, False), (MAX_UNKNOWN + 1, True)):
        data = FILE[:at] + chunk(b"z", b"") * count + FILE[at:]
        for reading in (read, lambda data: read_head(io.BytesIO(data))):
            with pytest.raises(FormatError, match="does not know") if refused else contextlib.nullcontext():
                reading(data)


def varint(value: int) -> bytes:
    out = []
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def quick(data: bytes, reading: Callable[[bytes], Contents]) -> None:
    start = time.process_time()
    with contextlib.suppress(SkoshError):
        reading(data)
    assert time.process_time() - start < 4


MANY = write(Header(11_585, 11_585, 50, b"01234567", tile=64), {}, [b""] * 33_124)


@pytest.mark.parametrize(
    "behind_each_tile",
    [
        b"z" + varint(400_000),  # claims what is left of the file
        b"".join(b"T" + varint(300_000 + n) for n in range(8)),  # leads into the middle of another
        chunk(ICC, b""),  # comes too late
    ],
)
def test_salvage_takes_time_that_grows_with_the_file_and_not_with_its_square(behind_each_tile: bytes) -> None:
    head = MANY[: ends(MANY[:30])[0]]
    tiles = [chunk(b"T", varint(n)) for n in reversed(range(33_124))]
    quick(head + b"".join(tile + behind_each_tile for tile in tiles), read_damaged)


def test_chunks_behind_the_last_tile_do_not_look_at_every_other_tile() -> None:
    head = MANY[: ends(MANY[:30])[0]]
    quick(head + chunk(b"T", varint(33_123)) + chunk(b"z", b"") * 4_000, read)


@given(st.binary(max_size=400), st.sampled_from([read, read_damaged]))
def test_any_bytes_give_a_result_or_a_skosh_error(data: bytes, reading: Callable[[bytes], Contents]) -> None:
    for start in (b"", SIGNATURE, FILE[: ends(FILE)[0]], FILE[: ends(FILE)[3]]):
        with contextlib.suppress(SkoshError):
            reading(start + data)
        with contextlib.suppress(SkoshError):
            read_head(io.BytesIO(start + data))


def test_bytes_after_the_last_chunk_are_refused() -> None:
    with pytest.raises(FormatError):
        read(FILE + b"\0")


def test_a_foreign_file_is_called_so() -> None:
    with pytest.raises(FormatError, match=r"not a \.skosh file"):
        read(b"\x89PNG\r\n\x1a\n" + bytes(100))


@pytest.mark.parametrize("place", [0, 2, -1])
def test_unknown_chunks_are_skipped_if_they_may_be_and_refused_if_not(place: int) -> None:
    at = ends(FILE)[place]
    assert read(FILE[:at] + chunk(b"z", b"later") + FILE[at:]) == read(FILE)
    with pytest.raises(FormatError, match="newer skosh"):
        read(FILE[:at] + chunk(b"Z", b"later") + FILE[at:])


def test_chunks_that_come_twice_or_too_late_are_refused() -> None:
    at = ends(FILE)
    for again in (FILE[4 : at[0]], FILE[at[0] : at[1]]):
        with pytest.raises(FormatError, match="second chunk"):
            read(FILE[: at[1]] + again + FILE[at[1] :])
    with pytest.raises(FormatError, match="too many"):
        read(FILE + FILE[at[2] : at[3]])
    with pytest.raises(FormatError, match="behind a tile"):
        read(FILE + chunk(XMP, b"late"))


def test_tiles_may_come_in_any_order() -> None:
    at = ends(FILE)
    assert read(FILE[: at[2]] + FILE[at[3] :] + FILE[at[2] : at[3]]) == read(FILE)


def test_a_newer_format_version_asks_for_an_update() -> None:
    with pytest.raises(FormatError, match="version 2"):
        read(SIGNATURE + b"\x02" + FILE[4:])


@pytest.mark.parametrize(("width", "height"), [(70_000, 1), (60_000, 60_000), (0, 5)])
def test_sizes_over_the_limits_are_refused_from_the_header(width: int, height: int) -> None:
    data = write(Header(width, height, 50, b"01234567"), {}, [b""])
    with pytest.raises(LimitError, match=str(width)):
        read_head(io.BytesIO(data))


def test_the_limit_of_pixels_can_be_moved() -> None:
    with pytest.raises(LimitError, match="--max-pixels"):
        read(FILE, max_pixels=59_999)
    assert read(FILE, max_pixels=60_000).header == HEADER


def test_a_chunk_that_claims_gigabytes_is_refused_by_its_length() -> None:
    with pytest.raises(FormatError, match="over the limit"):
        read(FILE + b"T" + b"\xff\xff\xff\xff\x0f" + bytes(50))


def test_a_number_in_a_longer_form_than_needed_is_refused() -> None:
    longer = b"z\x85\x00later" + struct.pack("<I", zlib.crc32(b"zlater"))  # the length 5 in two bytes
    with pytest.raises(FormatError, match="shortest form"):
        read(FILE + longer)
