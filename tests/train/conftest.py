"""What the tests of the training half share; without PyTorch none of them is collected."""

from __future__ import annotations

import functools
import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

if TYPE_CHECKING:
    from skosh.train.networks import Network

if importlib.util.find_spec("torch") is None:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory, photo_folder: Path) -> Path:
    """A finished run of the configuration tiny: 12 steps."""
    from skosh.train import config, loop

    folder = tmp_path_factory.mktemp("runs") / "tiny"
    loop.train(config.load("tiny"), photo_folder, photo_folder, folder)
    return folder


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Sums in one order, so that results can be compared bit for bit."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def quick_patches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A linear transform from few patches: its quality does not matter, the seconds do."""
    from skosh.train import data, networks

    monkeypatch.setattr(networks, "patch_transform", functools.partial(data.patch_transform, patches=2000))


@pytest.fixture
def written(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> list[Network]:
    """Give bundles the graphs of the tiny one, which saves half a minute.

    The list has the networks whose graphs they should be.
    """
    from skosh.bundle.manifest import read_manifest
    from skosh.train import export

    asked: list[Network] = []

    def copy(model: Network, folder: Path) -> None:
        asked.append(model)
        for graph in tiny_bundle.glob("*/*.onnx"):
            (folder / graph.parent.name).mkdir(exist_ok=True)
            shutil.copy(graph, folder / graph.parent.name)

    borrowed = read_manifest(tiny_bundle)["encoder"]["borrowed"]
    monkeypatch.setattr(export, "write_graphs", copy)
    monkeypatch.setattr(export, "write_gradients", lambda model, folder: borrowed)
    return asked


@pytest.fixture(scope="session")
def pixels(photo: Image.Image) -> npt.NDArray[np.uint8]:
    """A crop of the photograph, (256, 384, 3)."""
    return np.asarray(photo)[20:276, 30:414]


@pytest.fixture(scope="session")
def lpips_weights(shared: Path) -> Path:
    return shared / "lpips" / "alexnet_lpips_v0.1_fp16.npz"
