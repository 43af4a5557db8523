"""The group of commands, and how the process ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from .. import __version__
from ..errors import describe
from ..memory import share_memory
from .coding import compress, decompress
from .comparison import compare
from .console import hear_warnings, say
from .desktop import install, magic, uninstall
from .evaluation import evaluate
from .kinds import WithKinds
from .show import info
from .streams import make_safe
from .thumbnail import thumbnail
from .training import export, train
from .usage import in_our_words, no_command
from .versions import versions
from .work import end_politely, status

ABOUT = """A learned image codec: pictures to small .skosh files and back.

\b
skosh compress photo.jpg            writes photo.skosh
skosh decompress photo.skosh        writes photo.png
skosh compress album/ -o small/     a whole folder
skosh info small/                   what is in files
"""


class Commands(TyperGroup):
    """All commands. A wrong call is reported in one line, with a suggestion."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the command that the first argument names."""
        if not ctx.resilient_parsing and self.get_command(ctx, args[0]) is None:
            raise typer.BadParameter(no_command(args, list(self.commands)))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run a command. Ctrl-C and SIGTERM end it with their exit status."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise typer.Exit(status(error)) from None

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line."""
        try:
            found = super().main(args, "skosh", complete_var, False, windows_expand_args, **extra)
        except typer.Abort:
            raise SystemExit(1) from None
        except Exception as error:
            if not standalone_mode or not isinstance(error, click_exception()):
                raise
            say(f"skosh: {in_our_words(error)}")
            raise SystemExit(getattr(error, "exit_code", 1)) from None
        if not standalone_mode:
            return found
        raise SystemExit(found if isinstance(found, int) else 0)


def click_exception() -> type[Exception]:
    """Return typer's base class of usage errors: typer may bring a click of its own."""
    found: type[Exception] = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
    return found


app = typer.Typer(
    cls=Commands,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
FILES, DESKTOP, RESEARCH = "Files", "Desktop", "Research"  # panels of help
app.command(cls=WithKinds, rich_help_panel=FILES)(compress)
app.command(cls=WithKinds, rich_help_panel=FILES)(decompress)
app.command(rich_help_panel=FILES)(info)
app.command(rich_help_panel=DESKTOP)(thumbnail)
desktop = typer.Typer(cls=Commands, help="Let file managers and file(1) know the format, on Linux.")
for command in (install, uninstall, magic):
    desktop.command()(command)
app.add_typer(desktop, name="desktop", rich_help_panel=DESKTOP)
app.command("eval", rich_help_panel=RESEARCH)(evaluate)
app.command(rich_help_panel=RESEARCH)(compare)
app.command(rich_help_panel=RESEARCH)(train)
app.command(rich_help_panel=RESEARCH)(export)


@app.callback(invoke_without_command=True, help=ABOUT)
def skosh(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("-V", "--version", help="Show the version and exit.")] = False,
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="With -V: versions of what is used, and the installed models.")
    ] = False,
) -> None:
    """All commands; ABOUT has the help text."""
    if version:
        print(f"skosh {__version__}")
        if verbose:
            print("\n".join(versions()))
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        print(ctx.get_help())
        raise typer.Exit(2)


def run() -> None:
    """Run the command of ``sys.argv`` and end the process."""
    make_safe()
    share_memory()
    hear_warnings()
    end_politely()
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except OSError as error:  # of standard output: errors of files have a name
        if error.filename is not None:
            raise
        if not isinstance(error, BrokenPipeError):  # the reader has seen enough
            say(f"skosh: standard output: {describe(error)}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python would fail once more at its end
        raise SystemExit(1) from None
