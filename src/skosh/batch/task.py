"""One file's work and what became of it."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class Existing(enum.Enum):
    """What to do about an output that exists."""

    REFUSE = "refuse"
    SKIP = "skip"
    REPLACE = "replace"


@dataclass(frozen=True)
class Job:
    """One input and the file that it becomes."""

    source: Path
    target: Path


@dataclass
class Made:
    """An output in memory, and what to say of it."""

    content: bytes
    note: str = ""  # a line for people
    figures: dict[str, Any] = field(default_factory=dict)  # the same for programs
    warnings: list[str] = field(default_factory=list)


@dataclass
class Outcome:
    """What became of a job: ``error`` says why it failed; ``skipped`` that its target was there already."""

    job: Job
    made: Made | None = None  # without its content
    error: str | None = None
    skipped: bool = False


Convert = Callable[[Path, Path], Made]
