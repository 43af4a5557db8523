"""Pictures over a real server."""

from __future__ import annotations

import io
import logging
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import skosh
from serving import SECONDS, Response, served
from skosh.asgi import Options, Pictures
from skosh.asgi.stored import Facts
from skosh.asgi.transcode import possible
from skosh.asgi.work import OVERHEAD
from skosh.bundle.manifest import read_manifest, reseal
from skosh.container.chunks import read, write
from skosh.picture.spaces import DISPLAY_P3, Space
from skosh.picture.standard import profile

CLIENTS = 10


def shown(response: Response) -> Image.Image:
    image = Image.open(io.BytesIO(response.body))
    image.load()
    return image


def made(caplog: pytest.LogCaptureFixture) -> list[str]:
    """A line for each picture that was transcoded."""
    return [line for line in caplog.messages if " bytes in " in line]


@pytest.fixture(autouse=True)
def _all_lines(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "skosh.asgi")


@pytest.mark.parametrize(
    ("accept", "kind", "name"),
    [
        ("image/avif,image/webp,image/*,*/*;q=0.8", "image/avif", "AVIF"),
        ("image/webp", "image/webp", "WEBP"),
        (None, "image/jpeg", "JPEG"),
    ],
)
def test_other_clients_get_the_picture_in_a_format_that_they_know(
    pictures: Path, options: Options, stored: bytes, tiny_bundle: Path, accept: str | None, kind: str, name: str
) -> None:
    with served(Pictures(pictures, options)) as client:
        response = client.get("/cat.skosh", accept)
    assert (response.status, response.headers["content-type"]) == (200, kind)
    assert response.headers["content-length"] == str(len(response.body))
    assert response.headers["vary"] == "Accept"
    assert response.headers["x-content-type-options"] == "nosniff"
    image, due = shown(response), skosh.decode(stored, tiny_bundle)
    assert (image.format, image.size, image.mode) == (name, due.size, "RGB")
    assert np.abs(np.asarray(image, np.int16) - np.asarray(due, np.int16)).mean() < 4
    assert not image.getexif()


def test_clients_that_name_the_format_get_the_stored_bytes(
    pictures: Path, options: Options, stored: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with served(Pictures(pictures, options)) as client:
        for path in ("/cat.skosh", "/cat", "/sub/red%20panda.skosh", "/sub/red%20panda"):
            response = client.ask(path, ("Accept", "image/avif;q=0.9"), ("Accept", "image/x-skosh"))
            assert (response.status, response.body) == (200, stored)
            assert response.headers["content-type"] == "image/x-skosh"
            assert response.headers["vary"] == "Accept"
        assert client.get("/cat", "image/x-skosh;q=0.5,image/webp").headers["content-type"] == "image/webp"
    assert len(made(caplog)) == 1


def test_nothing_is_sent_that_the_client_does_not_take(pictures: Path, options: Options) -> None:
    with served(Pictures(pictures, options)) as client:
        response = client.get("/cat", "image/png")
    assert (response.status, response.headers["vary"]) == (406, "Accept")
    assert b"image/x-skosh, image/avif, image/webp, image/jpeg" in response.body


def test_transparent_pictures_are_jpeg_only_on_a_background(pictures: Path, options: Options) -> None:
    with served(Pictures(pictures, options)) as client:
        assert client.get("/clear", "image/jpeg").status == 406
        response = client.get("/clear", "*/*")
        assert response.headers["content-type"] == "image/webp"
        assert shown(response).getchannel("A").getextrema() == (0, 255)
    with served(Pictures(pictures, replace(options, background="#0f0"))) as client:
        response = client.get("/clear", "*/*")
        assert response.headers["content-type"] == "image/jpeg"
        red, green, blue = np.asarray(shown(response), np.int16)[20:40, 4:20].mean((0, 1))
        assert (green, min(255 - red, 255 - blue)) > (250, 250)
        assert client.get("/clear", "image/avif,*/*").headers["content-type"] == "image/avif"


def test_grey_transparent_pictures_stay_grey_on_a_background(
    pictures: Path, options: Options, photo: Image.Image, tiny_bundle: Path
) -> None:
    grey = photo.crop((100, 60, 164, 124)).convert("LA")
    grey.putalpha(Image.linear_gradient("L").resize(grey.size))
    (pictures / "grey.skosh").write_bytes(skosh.encode(grey, 60, tiny_bundle))
    with served(Pictures(pictures, replace(options, background="white"))) as client:
        image = shown(client.get("/grey"))
    assert image.mode == "L"
    assert np.asarray(image)[0].mean() > 250


def test_colour_profiles_come_along_and_other_metadata_if_asked_for(
    pictures: Path, options: Options, photo: Image.Image, tiny_bundle: Path
) -> None:
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    due = profile(Space(DISPLAY_P3, 13))
    metadata = skosh.Metadata(icc=due, exif=exif.tobytes()[6:])
    (pictures / "wide.skosh").write_bytes(skosh.encode(photo.crop((0, 0, 64, 64)), 50, tiny_bundle, metadata=metadata))
    for accept in ("image/avif", "image/webp", "image/jpeg"):
        with served(Pictures(pictures, options)) as client:
            image = shown(client.get("/wide", accept))
        assert image.info["icc_profile"] == due
        assert not image.getexif()
        with served(Pictures(pictures, replace(options, strip=False))) as client:
            assert shown(client.get("/wide", accept)).getexif()[0x010F] == "a maker"


def test_head_answers_as_get_without_the_content(pictures: Path, options: Options) -> None:
    with served(Pictures(pictures, options)) as client:
        for path, accept in (("/cat", "image/avif"), ("/cat", "image/x-skosh"), ("/none", "*/*"), ("/cat", "a/b")):
            got, head = client.get(path, accept), client.get(path, accept, method="HEAD")
            assert head.status == got.status
            assert head.body == b""
            assert {**head.headers, "date": ""} == {**got.headers, "date": ""}
            assert int(head.headers["content-length"]) == len(got.body)


def test_pictures_can_only_be_read(pictures: Path, options: Options) -> None:
    with served(Pictures(pictures, options)) as client:
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            response = client.get("/cat", method=method)
            assert (response.status, response.headers["allow"]) == (405, "GET, HEAD")


def test_what_a_client_has_is_not_sent_or_decoded_again(
    pictures: Path, options: Options, caplog: pytest.LogCaptureFixture
) -> None:
    tags = {}
    with served(Pictures(pictures, options)) as client:
        for accept in ("image/x-skosh", "image/avif", "image/webp", "image/jpeg"):
            tags[accept] = client.get("/cat", accept).headers["etag"]
    assert len(set(tags.values())) == 4
    assert all(tag.startswith('"') for tag in tags.values())
    caplog.clear()
    with served(Pictures(pictures, options)) as client:  # which has made nothing yet
        for accept, tag in tags.items():
            for known in (tag, f'"other", W/{tag}', "*"):
                response = client.get("/cat", accept, if_none_match=known)
                assert (response.status, response.body, response.headers["etag"]) == (304, b"", tag)
                assert response.headers["vary"] == "Accept"
                assert response.headers["cache-control"] == "public, max-age=3600"
                assert "content-length" not in response.headers
        assert made(caplog) == []
        assert client.get("/cat", "image/webp", if_none_match=tags["image/avif"]).status == 200
    with served(Pictures(pictures, replace(options, webp=90))) as client:
        assert client.get("/cat", "image/webp", if_none_match=tags["image/webp"]).status == 200


def test_another_head_makes_another_tag_and_the_stored_file_keeps_its_own(
    pictures: Path, options: Options, tiny_bundle: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(tiny_bundle, folder)
    reseal(folder, heads=read_manifest(folder)["heads"] | {"realism": 0.5})
    tags = []
    for model in (tiny_bundle, folder):
        with served(Pictures(pictures, replace(options, model=model))) as client:
            tags.append([client.get("/cat", kind).headers["etag"] for kind in ("image/x-skosh", "image/webp")])
    assert tags[0][0] == tags[1][0]
    assert tags[0][1] != tags[1][1]


def test_a_replaced_file_is_another_picture(pictures: Path, options: Options) -> None:
    with served(Pictures(pictures, options)) as client:
        before = [client.get("/cat", accept) for accept in ("image/x-skosh", "image/jpeg")]
        (pictures / "cat.skosh").write_bytes((pictures / "clear.skosh").read_bytes())
        assert client.get("/cat", "image/jpeg").status == 406  # it is transparent now
        assert client.get("/cat", "image/x-skosh", if_none_match=before[0].headers["etag"]).status == 200
        assert shown(client.get("/cat", "image/webp", if_none_match=before[1].headers["etag"])).size == (64, 64)


def test_caching_is_as_configured(pictures: Path, options: Options) -> None:
    with served(Pictures(pictures, replace(options, cache_control="no-cache"))) as client:
        assert client.get("/cat").headers["cache-control"] == "no-cache"
        assert client.get("/none").headers["cache-control"] == "no-store"
    with served(Pictures(pictures, replace(options, cache_control=None))) as client:
        assert "cache-control" not in client.get("/cat").headers


def test_ten_clients_at_once_make_one_decoding(
    pictures: Path, options: Options, caplog: pytest.LogCaptureFixture
) -> None:
    app, hold = Pictures(pictures, replace(options, decodes=1)), threading.Event()
    with served(app) as client, ThreadPoolExecutor(CLIENTS) as pool:
        app.work.start("before", lambda: bytes(hold.wait(SECONDS)))
        answers = [pool.submit(client.get, "/cat", "image/avif") for _ in range(CLIENTS)]
        time.sleep(0.5)  # for most of them to arrive
        assert not any(answer.done() for answer in answers)
        quick = client.get("/cat", "image/x-skosh")  # the decoder's threads are busy, the server is not
        assert quick.status == 200
        hold.set()
        found = [answer.result(SECONDS) for answer in answers]
    assert {(one.status, one.body) for one in found} == {(200, found[0].body)}
    assert len(made(caplog)) == 1


def test_who_waited_too_long_is_told_to_come_again_and_then_finds_it(
    pictures: Path, options: Options, caplog: pytest.LogCaptureFixture
) -> None:
    app, hold = Pictures(pictures, replace(options, decodes=1, timeout=0.2, retry_after=7)), threading.Event()
    with served(app) as client:
        app.work.start("before", lambda: bytes(hold.wait(SECONDS)))
        response = client.get("/cat", "image/webp")
        assert (response.status, response.headers["retry-after"]) == (503, "7")
        hold.set()
        end = time.monotonic() + SECONDS
        while (response := client.get("/cat", "image/webp")).status == 503 and time.monotonic() < end:
            time.sleep(0.05)
    assert response.status == 200
    assert len(made(caplog)) == 1


def test_a_full_queue_answers_at_once(pictures: Path, options: Options) -> None:
    app, hold = Pictures(pictures, replace(options, decodes=1, waiting=0)), threading.Event()
    with served(app) as client:
        app.work.start("before", lambda: bytes(hold.wait(SECONDS)))
        start = time.monotonic()
        response = client.get("/cat")
        assert (response.status, response.headers["retry-after"]) == (503, "5")
        assert time.monotonic() - start < 5
        assert client.get("/cat", "image/x-skosh").status == 200
        hold.set()


def test_no_more_is_kept_than_allowed_and_what_is_kept_is_not_made_again(
    pictures: Path, options: Options, caplog: pytest.LogCaptureFixture
) -> None:
    app = Pictures(pictures, replace(options, cache_bytes=8000))
    kinds = ("image/avif", "image/webp", "image/jpeg")
    with served(app) as client:
        total = 0
        for path in ("/cat", "/clear"):
            for kind in kinds[: 3 if path == "/cat" else 2]:
                for _ in range(2):  # the second comes from memory
                    assert client.get(path, kind).status == 200
                total += len(client.get(path, kind).body) + OVERHEAD
                assert app.work.cache.total <= 8000
        assert len(made(caplog)) == 5
        assert total > 8000
        assert client.get("/cat", kinds[0]).status == 200
        assert len(made(caplog)) == 6


def test_damaged_files_say_nothing_of_paths(pictures: Path, options: Options, caplog: pytest.LogCaptureFixture) -> None:
    with served(Pictures(pictures, options)) as client:
        for name in ("damaged", "text", "senseless"):
            for accept in ("image/avif", "image/webp", "image/avif"):
                response = client.get(f"/{name}", accept)
                assert (response.status, response.headers["cache-control"]) == (500, "no-store")
                whole = (str(response.headers) + response.body.decode()).lower()
                assert not any(word in whole for word in ("photos", name + ".", str(pictures).lower(), "traceback"))
            assert any(f"'/{name}' can't be" in line for line in caplog.messages)
    assert len([line for line in caplog.messages if "senseless' can't be sent" in line]) == 1  # decoded once


def test_a_file_of_a_model_that_is_not_there_is_sent_as_it_is(pictures: Path, stored: bytes) -> None:
    with served(Pictures(pictures)) as client:
        response = client.get("/cat", "image/avif")
        assert response.status == 500
        assert b"model" not in response.body
        assert client.get("/cat", "image/x-skosh").body == stored


def test_large_pictures_are_not_decoded(
    pictures: Path, options: Options, stored: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with served(Pictures(pictures, replace(options, max_pixels=96 * 64 - 1))) as client:
        for accept in ("image/avif", "*/*"):
            response = client.get("/cat", accept)
            assert (response.status, response.body) == (406, b"this picture can be had as: image/x-skosh\n")
        assert client.get("/cat", "image/x-skosh").body == stored
        assert client.get("/clear").status == 200
    assert any("'/cat' is over the limits: 96 x 64 pixels" in line for line in caplog.messages)
    with served(Pictures(pictures, replace(options, max_pixels=96 * 64))) as client:
        assert client.get("/cat").status == 200


def test_files_that_claim_more_than_they_can_hold_are_not_decoded(
    pictures: Path, options: Options, stored: bytes
) -> None:
    contents = read(stored)
    claimed = replace(contents.header, width=5000, height=5000)
    (pictures / "claim.skosh").write_bytes(write(claimed, {}, [b"0" * 8]))
    with served(Pictures(pictures, options)) as client:
        assert client.get("/claim").status == 406


@pytest.mark.parametrize(
    ("width", "names"),
    [(16_383, ["avif", "webp", "jpeg"]), (16_384, ["avif", "jpeg"]), (32_769, ["jpeg"]), (65_501, [])],
)
def test_sides_that_a_format_can_not_hold_are_not_offered(width: int, names: list[str]) -> None:
    facts = Facts("0" * 64, width, 8, False, True)
    assert [kind.name for kind in possible(facts, None, Options())] == names
    assert [kind.name for kind in possible(facts, 640, Options())] == ["avif", "webp", "jpeg"]


def test_formats_can_be_left_out(pictures: Path, options: Options) -> None:
    with served(Pictures(pictures, replace(options, avif=None, jpeg=None))) as client:
        assert client.get("/cat", "image/avif, image/webp;q=0.1").headers["content-type"] == "image/webp"
        assert client.get("/cat", "*/*").headers["content-type"] == "image/webp"
        assert client.get("/cat", "image/jpeg").status == 406


def test_widths_are_those_of_the_list_and_nothing_is_enlarged(pictures: Path, options: Options) -> None:
    with served(Pictures(pictures, replace(options, widths=(48, 300)))) as client:
        small = client.get("/cat?width=48", "image/x-skosh, image/webp;q=0.5")
        assert small.headers["content-type"] == "image/webp"
        assert shown(small).size == (48, 32)
        whole = client.get("/cat", "image/webp")
        assert small.headers["etag"] != whole.headers["etag"]
        assert client.get("/cat?width=300", "image/webp").body == whole.body
        assert shown(client.get("/clear?v=2&width=48", "image/webp")).mode == "RGBA"
        assert client.get("/cat?width=48", "image/x-skosh").status == 406
        for width in ("47", "0", "-48", "1e9", "", "048", "9" * 5000):
            assert client.get(f"/cat?width={width}").status == 404


def test_an_application_below_another_knows_its_place(pictures: Path, options: Options, stored: bytes) -> None:
    with served(Pictures(pictures, options), root_path="/pictures") as client:
        assert client.get("/cat", "image/x-skosh").body == stored


@pytest.mark.parametrize(
    "wrong",
    [
        {"avif": 101},
        {"webp": -1},
        {"jpeg": 80.0},
        {"decodes": 0},
        {"decodes": True},
        {"timeout": 0},
        {"timeout": float("nan")},
        {"widths": (0,)},
        {"cache_control": "public\r\nX-Other: 1"},
        {"background": "no colour"},
        {"strip": "pixels"},
    ],
)
def test_wrong_options_are_errors(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Options(**wrong)  # type: ignore[arg-type]


def test_a_folder_has_to_be_one(pictures: Path) -> None:
    for path in (pictures / "none", pictures / "cat.skosh"):
        with pytest.raises(OSError, match=path.name):
            Pictures(path)
