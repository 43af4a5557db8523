"""Command-line tools that are codecs: found on the PATH, run on files, with errors in a line."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import skosh

SECONDS = 900.0  # seconds after which a tool counts as hanging
PATIENCE = 60.0  # the same for stating its version


def find_tool(name: str, install: str) -> str:
    """Return the tool's path. Raises DependencyError, which says how to get it, if it is missing."""
    found = shutil.which(name)
    if found is None:
        raise skosh.DependencyError(f"{name} is not on the PATH: {install}")
    return found


def run_tool(command: Sequence[str | Path], seconds: float = SECONDS) -> str:
    """Run a tool and return what it printed. Raises SkoshError with its last words if it fails."""
    done = finished(command, seconds)
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise skosh.SkoshError(
            f"{Path(command[0]).name} {ending(done.returncode)}: {lines[-1] if lines else 'without a word'}"
        )
    return done.stdout + done.stderr


def first_line(command: Sequence[str | Path]) -> str:
    """Return the first line that a tool prints, whatever its exit status; most tools state their version there.

    Raises DependencyError if it can't be run, or hangs.
    """
    try:
        done = finished(command, PATIENCE)
    except (skosh.SkoshError, OSError) as error:
        raise skosh.DependencyError(f"{Path(command[0]).name} does not say its version: {error}") from error
    lines = (done.stdout.strip() or done.stderr.strip()).splitlines()
    return lines[0].strip() if lines else "version unknown"


def finished(command: Sequence[str | Path], seconds: float) -> subprocess.CompletedProcess[str]:
    """Run a tool to its end, whatever its exit status. Raises SkoshError if it takes too long."""
    try:
        return subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise skosh.SkoshError(f"{Path(command[0]).name} took more than {seconds:.0f} s and was ended") from None


def ending(status: int) -> str:
    """Say how a process ended."""
    if status < 0:
        return f"was killed by {signal.Signals(-status).name}"
    return f"failed with status {status}"
