"""What the tests of evaluation share; without PyTorch none of them is collected."""

from __future__ import annotations

import importlib.util
import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from skosh.evaluate import codecs, run, trial
from skosh.evaluate.codec import Codec
from skosh.evaluate.pool import Pool
from skosh.evaluate.results import Result
from skosh.evaluate.trial import Trial

if importlib.util.find_spec("torch") is None:
    collect_ignore_glob = ["test_*.py"]

PRETEND_ENCODER = """#!{python}
import sys, io
from PIL import Image
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
if "-h" in sys.argv:
    print("BPG Image Encoder version 0.0 (pretended)")
    sys.exit(1)
image = Image.open(sys.argv[-1])
{trouble}
image.save(options["-o"], "JPEG", quality=100 - int(options["-q"]))
"""
PRETEND_DECODER = """#!{python}
import sys
from PIL import Image
Image.open(sys.argv[-1]).save(sys.argv[2], "PNG")
"""


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory, photo: Image.Image) -> Path:
    """A folder of two pictures, 176x168, PNG: large enough for MS-SSIM."""
    folder = tmp_path_factory.mktemp("pictures")
    for name, left in (("left", 20), ("right", 200)):
        photo.crop((left, 60, left + 176, 228)).save(folder / f"{name}.png")
    return folder


@pytest.fixture
def pretended_bpg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put tools named bpgenc and bpgdec on the PATH, which write JPEG.

    The argument is code that the encoder runs on ``image``.
    """

    def install(trouble: str = "") -> None:
        folder = tmp_path / "tools"
        folder.mkdir(exist_ok=True)
        for name, code in (("bpgenc", PRETEND_ENCODER), ("bpgdec", PRETEND_DECODER)):
            tool = folder / name
            tool.write_text(code.format(python=sys.executable, trouble=trouble))
            tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    return install


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> list[Trial]:
    """Trials run in this process; the list says which."""
    tried: list[Trial] = []

    class Here(Pool):
        def run(self, trials: object) -> Iterator[Result]:
            bench = trial.Bench(*self._arguments)
            for one in trials:  # type: ignore[attr-defined]
                tried.append(one)
                yield bench.run(one)

    monkeypatch.setattr(run, "Pool", Here)
    return tried


@pytest.fixture
def made_up() -> Callable[..., list[Result]]:
    """Return results of a codec over pictures, with known values.

    Rates 0.1 * 1.5^i, qualities 28 + i dB and so on, times a factor on the bytes.
    """

    def results(codec: str, factor: float = 1.0, images: tuple[str, ...] = ("a", "b"), points: int = 7) -> list[Result]:
        found = []
        for image in images:
            for i in range(points):
                metrics = {"psnr": 28.0 + i, "ms_ssim": 0.9 + 0.01 * i, "ms_ssim_db": 10.0 + i, "lpips": 0.4 * 0.8**i}
                metrics |= {"butteraugli_3": 5.0 * 0.8**i, "flip": 0.2 * 0.8**i}
                size = round(factor * 0.1 * 1.5**i * 1e6 / 8)
                found.append(Result(image, image, codec, "1", "", float(i), 1000, 1000, size, dict(metrics)))
        return found

    return results


@pytest.fixture
def codec() -> Callable[[str], Codec]:
    return codecs.make
