"""Checkpoints: everything that a run needs to go on as if it had never stopped."""

from __future__ import annotations

import os
import pickle
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from ..errors import ConfigError
from .config import Config, from_dict

FILE = "checkpoint.pt"


def save(folder: Path, config: Config, **state: Any) -> None:
    """Write beside the old file and rename: a run that is killed while it saves keeps its last checkpoint."""
    partial = folder / (FILE + ".partial")
    with partial.open("wb") as file:
        torch.save({"config": asdict(config), **state}, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, folder / FILE)


def find(folder: str | Path) -> Path:
    """Return the checkpoint of a run. Raises ConfigError if there is none."""
    path = Path(folder) / FILE
    if not path.is_file():
        raise ConfigError(f"no checkpoint in {folder}")
    return path


def load(folder: str | Path) -> dict[str, Any]:
    """Return the state that ``save`` wrote, on the CPU; ``config`` is a ``Config``.

    Raises ConfigError if there is none or it is damaged.
    """
    path = find(folder)
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise ConfigError(f"{path} is damaged: {error}") from error
    state["config"] = from_dict(state["config"])
    return state
