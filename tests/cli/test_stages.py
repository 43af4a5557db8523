"""How far a job is: what the codec says, and what the command shows of it."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from PIL import Image

import skosh
from skosh.cli import display, words
from skosh.cli.display import Display, Manner
from skosh.progress import Stage, stage, steps, watched


class Log:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.begun: list[Stage] = []
        self.over: list[Stage] = []

    def began(self, stage: Stage) -> None:
        self.begun.append(stage)

    def ended(self, stage: Stage) -> None:
        self.over.append(stage)


def test_stages_are_told_to_the_thread_s_watcher_and_to_no_other() -> None:
    log, other = Log(), Log()

    def elsewhere() -> None:
        with watched(other), stage("theirs"):
            pass

    with watched(log):
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        assert list(steps("abc", "letters", 3)) == ["a", "b", "c"]
    with stage("nobody listens"):
        pass
    assert [(one.what, one.done, one.total) for one in log.over] == [("letters", 3, 3)]
    assert [one.what for one in other.over] == ["theirs"]


def test_a_stage_that_fails_has_ended() -> None:
    log = Log()
    with watched(log), pytest.raises(ValueError, match="no good"), stage("failing"):
        raise ValueError("no good")
    assert [one.what for one in log.over] == ["failing"]


@pytest.mark.parametrize("effort", [0, 1, 3])
def test_every_stage_of_the_encoder_counts_to_its_total(effort: int, photo: Image.Image, tiny_bundle: Path) -> None:
    log = Log()
    with watched(log):
        skosh.encode(photo.crop((0, 0, 128, 128)), 50, tiny_bundle, effort=effort, tile=64)
    assert log.begun
    assert [(one.what, one.done) for one in log.over if one.total] == [
        (one.what, one.total) for one in log.over if one.total
    ]
    names = {one.what for one in log.over}
    assert {"reading the picture", "analysis", "quantisation", "entropy coding"} <= names
    assert ("refinement" in names) == (effort > 0)


def test_a_target_names_the_qualities_that_it_tries(photo: Image.Image, tiny_bundle: Path) -> None:
    log = Log()
    with watched(log):
        skosh.encode(photo.crop((0, 0, 64, 64)), 50, tiny_bundle, target_bytes=500)
    assert {"quality 0", "quality 100"} <= {one.what for one in log.over}


def test_decoding_tells_as_well(photo: Image.Image, tiny_bundle: Path) -> None:
    data = skosh.encode(photo.crop((0, 0, 128, 64)), 50, tiny_bundle, tile=64)
    log = Log()
    with watched(log):
        skosh.decode(data, tiny_bundle)
    assert [(one.what, one.done, one.total) for one in log.over] == [("entropy decoding", 2, 2), ("synthesis", 1, 1)]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting for the first line."""
    monkeypatch.setattr(display, "FIRST", 0.05)
    monkeypatch.setattr(display, "EVERY", 0.05)


def wait_for(capsys: pytest.CaptureFixture[str], what: str) -> str:
    text, end = "", time.monotonic() + 10
    while what not in text and time.monotonic() < end:
        time.sleep(0.02)
        text += capsys.readouterr().err
    assert what in text
    return text


def test_a_log_has_a_line_now_and_then_of_a_job_that_takes_long(
    hasty: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with Display() as shown, watched(shown.part("a.png")), stage("quality 30"), stage("analysis", 4) as one:
        one.step()
        text = wait_for(capsys, "25 %")
    assert re.search(r"^skosh: a\.png: quality 30: analysis 25 %, [\d.]+ s$", text, re.M), text
    capsys.readouterr()
    time.sleep(0.2)
    assert capsys.readouterr().err == ""  # it is over


def test_a_batch_in_a_log_says_how_many_are_done_and_what_is_left(
    hasty: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with Display("compress", 20) as shown, watched(shown.part("b.png")), stage("analysis"):
        for _ in range(10):
            shown.count("a.png")
        text = wait_for(capsys, "10 of 20")
    assert re.search(r"^skosh: compress: 10 of 20, [\d.]+ s, about [\d.]+ s left; b\.png: analysis$", text, re.M), text


def test_a_short_job_and_a_quiet_one_show_nothing(hasty: None, capsys: pytest.CaptureFixture[str]) -> None:
    with Display() as shown, watched(shown.part("a")), stage("analysis"):
        pass
    with Display(manner=Manner(quiet=True)) as shown, watched(shown.part("a")), stage("analysis"):
        time.sleep(0.2)
    assert capsys.readouterr().err == ""


ON_A_TERMINAL = """
import time
from skosh.cli.display import Display
from skosh.progress import stage, watched
with Display() as shown, watched(shown.part("a.png")):
    for name in ("analysis", "synthesis"):
        with stage(name, 20) as one:
            for _ in range(20):
                time.sleep(0.1)
                one.step()
print("end")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="terminals of Unix")
def test_a_terminal_shows_a_bar_with_what_is_done_and_is_left_clean() -> None:
    outer, inner = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", ON_A_TERMINAL], stdout=inner, stderr=inner, env={**os.environ, "TERM": "xterm"}
    )
    os.close(inner)
    shown = b""
    try:
        while part := os.read(outer, 4096):
            shown += part
    except OSError:  # how Linux says that the other side is closed
        pass
    assert process.wait() == 0
    text = shown.decode()
    assert re.search(r"\d+%.* s .*a\.png: analysis", text)
    assert re.search(r"\d+%.* s .*a\.png: synthesis", text)
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")  # the cursor is there again
    assert re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text).splitlines()[-1] == "end"


@pytest.mark.parametrize(
    ("shown", "due"),
    [
        (words.size(812), "812 B"),
        (words.size(999_600), "1.0 MB"),
        (words.size(214_400), "214 kB"),
        (words.size(3_140_000_000_000), "3,140 GB"),
        (words.duration(0.84), "0.8 s"),
        (words.duration(34.4), "34 s"),
        (words.duration(59.7), "1 min 0 s"),
        (words.duration(3840), "1 h 4 min"),
        (words.shrunk(3_100_000, 214_000), "3.1 MB -> 214 kB (-93 %)"),
        (words.shrunk(1_000_000, 999), "1.0 MB -> 999 B (-99.9 %)"),
        (words.shrunk(100, 150), "100 B -> 150 B (+50 %)"),
        (words.shrunk(0, 150), "0 B -> 150 B"),
    ],
)
def test_amounts_are_as_people_read_them(shown: str, due: str) -> None:
    assert shown == due
