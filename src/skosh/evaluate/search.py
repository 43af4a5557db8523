"""Search the setting of a codec whose file has a given size, and two codecs at equal bytes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from PIL import Image

from .codec import Codec

EQUAL = 0.02  # relative difference of bytes that counts as equal


@dataclass
class Sizes:
    """The files of one picture by a codec, made when they are needed."""

    codec: Codec
    image: Image.Image
    files: dict[int, bytes] = field(default_factory=dict)  # by place on the codec's scale

    def size(self, place: int) -> int:
        """Bytes of the file at a place."""
        if place not in self.files:
            self.files[place] = self.codec.encode(self.image, self.codec.scale.setting(place))
        return len(self.files[place])

    def nearest(self, target: float) -> int:
        """Return the place whose file is nearest to ``target`` bytes. Assumes that files grow with the place."""
        low, high = 0, self.codec.scale.last
        while high - low > 1:
            middle = (low + high) // 2
            if self.size(middle) <= target:
                low = middle
            else:
                high = middle
        return min((low, high), key=lambda place: abs(self.size(place) - target))

    def around(self, place: int) -> Iterable[int]:
        """A place and its neighbours."""
        return range(max(0, place - 1), min(self.codec.scale.last, place + 1) + 1)


@dataclass(frozen=True)
class Match:
    """Files of two codecs of about the same size."""

    ours: bytes
    other: bytes
    our_quality: float
    other_quality: float

    @property
    def difference(self) -> float:
        """Relative difference of the bytes; 0 if there is none."""
        return abs(len(self.ours) / len(self.other) - 1)


def equal_bytes(ours: Codec, other: Codec, image: Image.Image, target: float) -> Match:
    """Return files near ``target`` bytes and near each other.

    The codec with the coarser scale decides, and the other follows. If the finer one can't follow, because all its
    files are larger or all are smaller, it decides.
    """
    sides = Sizes(ours, image), Sizes(other, image)
    coarse, fine = sorted(sides, key=lambda side: side.codec.scale.last)
    reached = fine.size(fine.nearest(target))
    best: Match | None = None
    for aim in dict.fromkeys((target, float(reached))):
        for place in sorted(coarse.around(coarse.nearest(aim)), key=lambda place: abs(coarse.size(place) - aim)):
            pair = {id(coarse): place, id(fine): fine.nearest(coarse.size(place))}
            match = matched(sides[0], pair[id(sides[0])], sides[1], pair[id(sides[1])])
            if best is None or match.difference < best.difference:
                best = match
            if best.difference <= EQUAL:
                return best
    assert best is not None
    return best


def matched(ours: Sizes, our_place: int, other: Sizes, other_place: int) -> Match:
    """The files at two places."""
    for side, place in ((ours, our_place), (other, other_place)):
        side.size(place)  # makes the file
    settings = ours.codec.scale.setting(our_place), other.codec.scale.setting(other_place)
    return Match(ours.files[our_place], other.files[other_place], *settings)
