"""The command line: ``skosh compress``, ``decompress``, ``info``, ``train``, ``export``, ``compare``, ``eval``.

Exit status 0: all went well; 1: something failed; 2: wrong usage; 130 or 143: ended by Ctrl-C or kill. Standard output carries data alone.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from .. import __version__
from ..errors import describe
from .coding import compress, decompress
from .console import hear_warnings, say
from .evaluation import compare, evaluate
from .kinds import WithKinds
from .show import info
from .training import export, train
from .work import TERMINATED, Terminated, end_politely

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A learned image codec: pictures to small .skosh files and back.",
)
app.command(cls=WithKinds)(compress)
app.command(cls=WithKinds)(decompress)
for command in (info, train, export, compare):
    app.command()(command)
app.command("eval")(evaluate)


@app.callback(invoke_without_command=True)
def skosh(version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False) -> None:
    """A learned image codec: pictures to small .skosh files and back."""
    if version:
        print(f"skosh {__version__}")
        raise typer.Exit


def main() -> None:
    """Entry point of the ``skosh`` command."""
    hear_warnings()
    end_politely()
    try:
        try:
            app()
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except SystemExit as end:  # typer's, which knows Ctrl-C only
        if isinstance(getattr(end.__context__, "__cause__", None), Terminated):
            raise SystemExit(TERMINATED) from None
        raise
    except OSError as error:  # of standard output; one that has a file's name is not
        if error.filename is not None or sys.stdout is None:
            raise
        if not isinstance(error, BrokenPipeError):  # whoever reads has seen enough
            say(f"skosh: standard output: {describe(error)}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python would fail once more at its end
        raise SystemExit(1) from None
