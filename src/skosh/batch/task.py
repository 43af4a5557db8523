"""One file's work and its outcome."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class Existing(enum.Enum):
    """What to do about an existing output."""

    REFUSE = "refuse"
    SKIP = "skip"
    REPLACE = "replace"


@dataclass(frozen=True)
class Job:
    """One input and its output."""

    source: Path
    target: Path


@dataclass
class Made:
    """An output in memory, and what to report of it."""

    content: bytes
    note: str = ""  # a line for people
    figures: dict[str, Any] = field(default_factory=dict)  # the same for programs
    warnings: list[str] = field(default_factory=list)


@dataclass
class Outcome:
    """What became of a job. ``error``: why it failed. ``skipped``: its output existed already."""

    job: Job
    made: Made | None = None  # without its content
    error: str | None = None
    skipped: bool = False


Convert = Callable[[Path, Path], Made]
