"""For the site's API pages: show what a docstring says of its arguments as a list.

Our docstrings begin a line with a name in double backticks and a colon for each argument. Markdown would join these
lines to one paragraph.
"""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension

ARGUMENT = re.compile(r"``[\w*]+``(, ``\w+``)*:")


class Lists(Extension):  # type: ignore[misc, unused-ignore]
    """Turn docstrings while modules are read."""

    def on_instance(self, *, obj: Any, **others: Any) -> None:
        """Turn the docstring of one object."""
        if obj.docstring:
            obj.docstring.value = listed(obj.docstring.value)


def listed(text: str) -> str:
    """Return a docstring with its arguments as items of a list."""
    lines: list[str] = []
    inside = False
    for line in text.splitlines():
        if ARGUMENT.match(line):
            lines += [f"- {line}"] if inside else ["", f"- {line}"]
            inside = True
        else:
            inside = inside and bool(line.strip())
            lines.append(f"  {line}" if inside else line)
    return "\n".join(lines)
