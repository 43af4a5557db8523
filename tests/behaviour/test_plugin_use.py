"""Opened ``.skosh`` files behave as any picture of Pillow's, also in other threads and processes, and in imageio."""

from __future__ import annotations

import copy
import io
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

import skosh
from skosh.bundle import manifest
from skosh.bundle.point import Point

skosh.register_opener()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory, photo: Image.Image) -> Path:
    path = tmp_path_factory.mktemp("plugin") / "a.skosh"
    photo.crop((100, 60, 228, 140)).save(path, quality=60)
    return path


@pytest.fixture(scope="module")
def due(file: Path) -> Image.Image:
    return skosh.decode(file.read_bytes())


def same(a: Image.Image, b: Image.Image) -> bool:
    return (a.mode, a.size) == (b.mode, b.size) and np.array_equal(np.asarray(a), np.asarray(b))


USES = {
    "copy": lambda image: image.copy(),
    "copy.copy": copy.copy,
    "copy.deepcopy": copy.deepcopy,
    "convert": lambda image: image.convert("L"),
    "crop": lambda image: image.crop((10, 10, 50, 40)),
    "resize": lambda image: image.resize((50, 30)),
    "reduce": lambda image: image.reduce(2),
    "rotate": lambda image: image.rotate(90, expand=True),
    "transpose": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "split": lambda image: image.split()[1],
    "fit": lambda image: ImageOps.fit(image, (40, 40)),
    "pickle": lambda image: pickle.loads(pickle.dumps(image)),
    "tobytes": lambda image: Image.frombytes(image.mode, image.size, image.tobytes()),
    "getpixel": lambda image: Image.new("RGB", (1, 1), image.getpixel((5, 5))),
    "pixel access": lambda image: Image.new("RGB", (1, 1), image.load()[5, 5]),
    "array": lambda image: Image.fromarray(np.array(image)),
}


@pytest.mark.parametrize("use", USES)
def test_an_operation_before_loading_loads(file: Path, due: Image.Image, use: str) -> None:
    with Image.open(file) as image:
        assert same(USES[use](image), USES[use](due))


def test_a_thumbnail_is_made_in_place(file: Path, due: Image.Image) -> None:
    expected = due.copy()
    expected.thumbnail((40, 40))
    with Image.open(file) as image:
        image.thumbnail((40, 40))
        assert same(image, expected)


@pytest.fixture
def small_file(tiny_bundle: Path, photo: Image.Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of 451x300 whose bundle is installed and has heads for small sizes."""
    monkeypatch.setattr(manifest, "MODELS", tiny_bundle.parent)
    path = tmp_path / "b.skosh"
    path.write_bytes(skosh.encode(photo, 60, tiny_bundle, realism=1))
    return path


@pytest.mark.parametrize(
    ("asked", "by"), [((57, 37), 4), ((56, 37), 8), ((1, 1), 8), ((112, 75), 4), ((113, 75), 2), ((226, 150), 1)]
)
def test_a_draft_is_the_least_small_size_that_is_large_enough(
    small_file: Path, asked: tuple[int, int], by: int
) -> None:
    with Image.open(small_file) as image:
        found = image.draft("L", asked)
        assert found == (None if by == 1 else ("RGB", (0, 0, 451 / by, 300 / by)))
        assert image.size == (-(-451 // by), -(-300 // by))
        assert same(image, skosh.decode(small_file, scale=1 / by))
        assert image.draft(None, (20, 20)) is None  # it is loaded


def test_a_draft_can_be_taken_back(small_file: Path) -> None:
    with Image.open(small_file) as image:
        assert image.draft(None, None) is None
        for asked, size in (((20, 20), (57, 38)), ((100, 100), (226, 150)), ((400, 300), (451, 300))):
            assert image.draft(None, asked) is not None
            assert image.size == size
        assert image.draft(None, (400, 300)) is None
        assert same(image, skosh.decode(small_file))


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_a_thumbnail_is_about_that_of_the_whole_picture(
    small_file: Path, tiny_bundle: Path, photo: Image.Image, mode: str
) -> None:
    image = photo.convert(mode)
    if mode == "RGBA":
        image.putalpha(photo.getchannel("G"))
    small_file.write_bytes(skosh.encode(image, 60, tiny_bundle))
    due = skosh.decode(small_file)
    due.thumbnail((40, 40))
    with Image.open(small_file) as opened:
        opened.thumbnail((40, 40))
        assert (opened.size, opened.mode) == (due.size, mode) == ((40, 27), mode)
        assert np.abs(np.asarray(opened, np.int16) - np.asarray(due)).mean() < 4


def test_a_thumbnail_runs_no_synthesis(small_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(Point, "synthesis", never)
    monkeypatch.setattr(Point, "synthesis_features", never)
    with Image.open(small_file) as image:
        image.thumbnail((40, 40))
        assert image.size == (40, 27)
    with Image.open(small_file) as image, pytest.raises(AssertionError):
        image.load()


def test_opening_shows_what_the_file_asks_for(small_file: Path) -> None:
    with Image.open(small_file) as image:
        assert same(image, skosh.decode(small_file, realism=1))


def test_pixels_can_be_changed_and_saved_as_something_else(file: Path, tmp_path: Path) -> None:
    with Image.open(file) as image:
        image.putpixel((0, 0), (1, 2, 3))
        image.save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as back:
        assert back.getpixel((0, 0)) == (1, 2, 3)


def test_a_file_can_be_saved_over_itself(file: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.skosh"
    path.write_bytes(file.read_bytes())
    with Image.open(path) as image:
        image.save(path, quality=20)
    with Image.open(path) as image:
        assert image.info["quality"] == 20


def test_a_closed_picture_can_not_be_loaded(file: Path) -> None:
    with Image.open(file) as image:
        pass
    with pytest.raises(ValueError, match="open it again"):
        image.load()


def test_threads_open_one_file_at_once(file: Path, due: Image.Image) -> None:
    def opened(_: int) -> np.ndarray:
        with Image.open(file) as image:
            return np.asarray(image)

    with ThreadPoolExecutor(4) as pool:
        assert all(np.array_equal(found, np.asarray(due)) for found in pool.map(opened, range(12)))


WORK = """
import multiprocessing, sys
import skosh.pillow_plugin  # in every process: they start anew
from PIL import Image

def opened(path):
    with Image.open(path) as image:
        return image.getpixel((7, 7)), image.convert("L")

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        found = pool.map(opened, [sys.argv[1]] * 4)
        with Image.open(sys.argv[1]) as image:
            assert pool.apply(Image.Image.getpixel, (image, (7, 7))) == image.getpixel((7, 7))
    assert len({pixel for pixel, grey in found}) == 1
    print(*found[0][0], found[0][1].size)
"""


@pytest.mark.slow
def test_processes_open_one_file_at_once_and_send_pictures(file: Path, due: Image.Image, tmp_path: Path) -> None:
    script = tmp_path / "work.py"
    script.write_text(WORK)
    done = subprocess.run([sys.executable, script, file], capture_output=True, text=True, timeout=100, check=False)
    assert done.stderr == ""
    assert done.stdout.split("(")[0].split() == [str(v) for v in due.getpixel((7, 7))]


def test_imageio_reads_and_writes(file: Path, due: Image.Image, tmp_path: Path) -> None:
    iio = pytest.importorskip("imageio.v3")
    assert np.array_equal(iio.imread(file, plugin="pillow"), np.asarray(due))
    assert np.array_equal(iio.imread(file), np.asarray(due))
    assert iio.improps(file, plugin="pillow").shape == (80, 128, 3)
    assert iio.immeta(file, plugin="pillow")["quality"] == 60
    iio.imwrite(tmp_path / "b.skosh", np.asarray(due), plugin="pillow", quality=90)
    assert skosh.info((tmp_path / "b.skosh").read_bytes())["quality"] == 90
    written = iio.imwrite("<bytes>", np.asarray(due), plugin="pillow", extension=".skosh")
    assert Image.open(io.BytesIO(written)).size == due.size


def test_what_the_documents_show_of_python_works(
    photo: Image.Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("imageio")
    root = Path(__file__).parents[2]
    text = "".join((root / page).read_text() for page in ("README.md", "docs/python.md"))
    monkeypatch.chdir(tmp_path)
    photo.crop((0, 0, 96, 64)).save("photo.jpg")
    photo.crop((0, 0, 96, 64)).save("photo.skosh")
    blocks = [block.partition("```")[0] for block in text.split("```python\n")[1:]]
    assert len(blocks) == 3
    names: dict[str, object] = {}
    for block in blocks:
        exec(block, names)
    assert skosh.info(Path("small.skosh").read_bytes())["quality"] == 40
