"""The progress line: soon at first, then every so often, and never a number that is none."""

from __future__ import annotations

import pytest

from skosh.train import report
from skosh.train.report import Line

SHOWN = {"loss": 0.5, "bpp": 0.25, "psnr": 30.0, "norm": 1.0}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, to be set."""
    now = [100.0]
    monkeypatch.setattr(report.time, "monotonic", lambda: now[0])
    return now


def test_the_first_step_is_shown_and_then_one_a_minute(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    line, shown = Line(), []
    clock[0] += 500.0  # pictures are loaded
    line.begin(20)
    for step in range(21, 41):
        clock[0] += 10.0
        if line.due():
            shown.append(step)
            line.step(step, 40, SHOWN, 2_000_000)
    assert shown == [21, 27, 33, 39]
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "step 21/40  loss 0.5000  0.250 bpp  30.00 dB  norm 1.00  0.2 Mpx/s  3 min left"
    assert said[2].endswith("0.2 Mpx/s  1 min left")


def test_ms_ssim_is_shown_where_there_is_one(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    line = Line()
    clock[0] += 1.0
    line.step(1, 2, {**SHOWN, "ms_ssim": 0.9}, 1)
    assert "30.00 dB  MS-SSIM 0.9000  norm" in capsys.readouterr().err


def test_other_processes_are_quiet(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    line = Line(quiet=True)
    clock[0] += 1000.0
    line.say("anything")
    assert not line.due()
    assert capsys.readouterr().err == ""
