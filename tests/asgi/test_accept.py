"""Which of several media types a client gets."""

from __future__ import annotations

import pytest

from skosh.asgi.accept import matches, preferred

OFFERS = ("image/x-skosh", "image/avif", "image/webp", "image/jpeg")
CHROMIUM = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
FIREFOX_128 = "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"
SAFARI = "image/webp,image/avif,image/jxl,image/heic,video/*;q=0.8,image/png,image/*;q=0.8,*/*;q=0.5"


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, "image/jpeg"),
        ("", "image/jpeg"),
        ("*/*", "image/jpeg"),
        ("image/*", "image/jpeg"),
        (CHROMIUM, "image/avif"),
        (FIREFOX_128, "image/avif"),
        (SAFARI, "image/avif"),
        ("image/x-skosh", "image/x-skosh"),
        (f"image/x-skosh,{CHROMIUM}", "image/x-skosh"),
        (f"{CHROMIUM},image/x-skosh;q=0.9", "image/avif"),
        ("image/x-skosh;q=0.001, image/jpeg;q=0", "image/x-skosh"),
        ("image/webp, */*", "image/webp"),
        ("image/webp;q=0.7, */*;q=0.8", "image/jpeg"),
        ("image/avif;q=0.5, image/webp;q=0.6", "image/webp"),
        ("image/avif;q=0, image/*", "image/jpeg"),
        ("image/jpeg;q=0, image/*", "image/webp"),
        ("image/jpeg;q=0, */*;q=0.1", "image/webp"),
        ("image/*;q=0, */*", None),
        ("*/*;q=0", None),
        ("image/png", None),
        ("text/html", None),
        ("IMAGE/AVIF ; Q=0.3 , image/jpeg;q=0.2", "image/avif"),
        ("image/avif;q=1.5, image/jpeg", "image/jpeg"),
        ("image/avif;q=, image/jpeg", "image/jpeg"),
        ("image/avif;q=nan, image/jpeg", "image/jpeg"),
        ("image/avif;codecs=av01, image/jpeg", "image/jpeg"),
        ("image/avif;q=0.9;level=3, image/jpeg;q=0.1", "image/avif"),
        (",;,/,;q=1,nonsense", "image/jpeg"),
    ],
)
def test_the_client_gets_what_it_prefers(accept: str | None, chosen: str | None) -> None:
    assert preferred(accept, OFFERS) == chosen


def test_the_stored_file_is_for_those_who_name_it() -> None:
    assert preferred("*/*, image/*", ["image/x-skosh"]) is None


@pytest.mark.parametrize(
    ("header", "same"),
    [
        (None, False),
        ("", False),
        ('"abc"', True),
        ('W/"abc"', True),
        ('"x", W/"y" ,"abc"', True),
        ("*", True),
        ("abc", False),
        ('"abcd"', False),
        ('"x,abc"', False),
    ],
)
def test_a_tag_that_the_client_has_is_recognised(header: str | None, same: bool) -> None:
    assert matches(header, '"abc"') is same
