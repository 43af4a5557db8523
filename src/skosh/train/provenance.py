"""Where a bundle's weights come from, as its manifest says it."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from pathlib import Path
from typing import Any


def provenance(run: Path, state: dict[str, Any]) -> dict[str, Any]:
    """Return what the checkpoint of a run, its log and the exporting source say of its origin."""
    return {
        "steps": state["step"],
        "gigapixels": round(state["pixels"] / 1e9, 3),
        "hours": round(state["seconds"] / 3600, 2),
        "data": state.get("data"),
        "commit": commit(),
        "config": dataclasses.asdict(state["config"]),
        "validation": last_validation(run / "log.jsonl", state["step"]),
    }


def last_validation(log: Path, step: int) -> dict[str, Any] | None:
    """Return the latest validation of a run at or before a step. The last line of the log may be half written."""
    latest = None
    for line in log.read_text().splitlines() if log.is_file() else []:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if row["step"] <= step:
            latest = row
    return latest


def commit() -> str | None:
    """Return the commit of the exporting source, if that is a checkout and git is there."""
    own = Path(__file__)
    try:
        for command in (["ls-files", "--error-unmatch", own.name], ["rev-parse", "HEAD"]):
            found = subprocess.run(
                ["git", *command], cwd=own.parent, capture_output=True, text=True, timeout=10, check=True
            )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()
