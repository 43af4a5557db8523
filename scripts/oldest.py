"""Print the oldest set of dependencies that pyproject.toml allows, for pip: every ``name>=1.2`` becomes ``name==1.2``.

python scripts/oldest.py > oldest.txt
"""

from __future__ import annotations

import re
from pathlib import Path

import tomllib

FLOOR = re.compile(r"([A-Za-z0-9_.-]+)(?:>=|~=)([0-9.]+)$")


def pinned(requirements: list[str]) -> list[str]:
    """Requirements at their floors. ValueError for one without."""
    found = []
    for requirement in requirements:
        match = FLOOR.fullmatch(requirement.split(";")[0].strip())
        if not match:
            raise ValueError(f"{requirement} names no oldest version")
        found.append(f"{match[1]}=={match[2]}")
    return found


if __name__ == "__main__":
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    print("\n".join(pinned(project["dependencies"])))
