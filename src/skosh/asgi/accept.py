"""What a request asks for: the ``Accept`` and ``If-None-Match`` headers (RFC 9110, 12.5.1 and 13.1.2)."""

from __future__ import annotations

import re
from collections.abc import Sequence

BY_NAME_ONLY = "image/x-skosh"  # nobody who writes */* means a format that few programs know
RANGE = re.compile(r"[\w!#$%&'*+.^`|~-]+/[\w!#$%&'*+.^`|~-]+", re.ASCII)
WEIGHT = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")
ENTITY_TAG = re.compile(r'"[\x21\x23-\x7e\x80-\xff]*"')


def preferred(accept: str | None, offers: Sequence[str]) -> str | None:
    """Return the media type to send, or None where the client takes none of them.

    ``accept``: the header; None, or one without a readable entry, takes anything.
    ``offers``: media types, smallest files first and the most widely known last.

    The highest weight wins. Among equals, a type that the client names wins over one that only a wildcard covers; then
    the first of the named ones (the smallest), or the last of the others (the most widely known).
    """
    ranges = ranges_of(accept or "") or {"*/*": 1.0}
    best: tuple[float, bool, int] | None = None
    chosen = None
    for place, offer in enumerate(offers):
        named = offer in ranges
        weight = weight_of(offer, ranges)
        rank = weight, named, -place if named else place
        if weight > 0 and (best is None or rank > best):
            best, chosen = rank, offer
    return chosen


def weight_of(offer: str, ranges: dict[str, float]) -> float:
    """Return the weight of a media type by the most specific range that covers it; 0 where none does."""
    covering = [offer] if offer == BY_NAME_ONLY else [offer, f"{offer.partition('/')[0]}/*", "*/*"]
    return next((ranges[one] for one in covering if one in ranges), 0.0)


def ranges_of(accept: str) -> dict[str, float]:
    """Return the media ranges of a header and their weights, 0 to 1. Entries that can't be read are skipped.

    So are ranges with parameters of their own, as in ``image/webp;version=2``: none of our types has any.
    """
    found: dict[str, float] = {}
    for entry in accept.split(","):
        name, *parameters = (part.strip().lower() for part in entry.split(";"))
        weight = "1"
        if parameters:
            key, _, weight = parameters[0].partition("=")  # what stands behind q is an extension
            if key.strip() != "q":
                continue
        if RANGE.fullmatch(name) and WEIGHT.fullmatch(weight.strip()):
            found[name] = float(weight)
    return found


def matches(if_none_match: str | None, tag: str) -> bool:
    """Return whether the client has the representation of an entity tag already; ``*`` stands for any."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or tag in ENTITY_TAG.findall(if_none_match)
