from __future__ import annotations

from pathlib import Path

import pytest
import torch

from skosh import ConfigError
from skosh.bundle import read_manifest
from skosh.train import checkpoint, config, loop
from skosh.train.export import write_bundle
from skosh.train.restore import restore


def test_a_bundle_that_is_loaded_and_exported_again_is_the_same(tiny_bundle: Path, tmp_path: Path) -> None:
    settings, model = restore(tiny_bundle)
    again = write_bundle(model, settings, tmp_path, "1", {})
    assert again["content_sha256"] == read_manifest(tiny_bundle)["content_sha256"]


def test_a_run_that_starts_from_a_bundle_starts_with_its_weights(
    tiny_bundle: Path, photo_folder: Path, tmp_path: Path
) -> None:
    still = ("learning_rate=1e-12", "learning_rate_min=0", "steps=1", "warmup=1")
    loop.train(config.load("tiny", still), photo_folder, photo_folder, tmp_path, init=tiny_bundle)
    _, model = restore(tiny_bundle)
    state = checkpoint.load(tmp_path)["model"]
    for name, value in model.state_dict().items():
        assert torch.allclose(state[name], value, atol=1e-9), name


def test_a_bundle_of_another_network_is_refused_by_the_names_that_differ(
    tiny_bundle: Path, photo_folder: Path, tmp_path: Path
) -> None:
    wider = config.load("tiny", ("body_width=40",))
    with pytest.raises(ConfigError, match="synthesis"):
        loop.train(wider, photo_folder, photo_folder, tmp_path, init=tiny_bundle)
