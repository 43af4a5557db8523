"""The command line: ``skosh compress``, ``decompress``, ``info``, ``train``, ``export``, ``compare``, ``eval``,
``thumbnail``, ``desktop``.

Exit status 0: all went well; 1: something failed; 2: wrong usage; 130 or 143: ended by Ctrl-C or SIGTERM. Standard
output carries only data.
"""

from __future__ import annotations

import sys

from .. import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def __getattr__(name: str) -> Any:  # PEP 562: commands are loaded when they are needed
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .commands import app

    return app


def main() -> None:
    """Run the ``skosh`` command."""
    if sys.argv[1:] in (["--version"], ["-V"]) and sys.stdout is not None:
        try:
            print(f"skosh {__version__}", flush=True)
            return
        except OSError:  # the command reports it
            pass
    from .commands import run

    run()
