"""Where the files belong: of one user, or of the system."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from ..errors import SkoshError

SYSTEM_SHARE, SYSTEM_MAGIC = Path("/usr/local/share"), Path("/etc/magic")
SANDBOX = Path("/usr")  # the only folder of programs that GNOME lets a thumbnailer see


@dataclass(frozen=True)
class Places:
    """The paths of the files that are installed."""

    share: Path  # folder of data that desktops search
    magic: Path  # file that file(1) reads beside its own
    system: bool  # for all users

    @property
    def mime(self) -> Path:
        """Return the folder of the database of types."""
        return self.share / "mime"

    @property
    def mime_xml(self) -> Path:
        """Return the path of the type's description."""
        return self.mime / "packages" / "skosh.xml"

    @property
    def thumbnailer(self) -> Path:
        """Return the path of the thumbnailer entry."""
        return self.share / "thumbnailers" / "skosh.thumbnailer"


def places(system: bool) -> Places:
    """Return the paths for all users or for this one.

    As the XDG Base Directory Specification has it, an XDG_DATA_HOME that is not absolute does not count.
    """
    if system:
        return Places(SYSTEM_SHARE, SYSTEM_MAGIC, True)
    named = os.environ.get("XDG_DATA_HOME", "")
    share = Path(named) if os.path.isabs(named) else Path.home() / ".local" / "share"
    return Places(share, Path.home() / ".magic", False)


def own_command() -> str:
    """Return the absolute path of the skosh command: the one that runs, else the one beside this Python.

    Links stay as they are: what they lead to may move with an upgrade. Raises SkoshError where there is none.
    """
    beside = os.path.join(sysconfig.get_path("scripts"), "skosh")
    for path in (sys.argv[0], beside):
        if os.path.basename(path) == "skosh" and shutil.which(os.path.abspath(path)):
            return os.path.abspath(path)
    raise SkoshError(f"there is no skosh command in {os.path.dirname(beside)}: install the package with pip")


def hidden_from_gnome(command: str) -> Path | None:
    """Return a file that skosh needs and GNOME's sandbox for thumbnailers hides; None where there is none."""
    if not shutil.which("bwrap"):
        return None
    needed = (Path(command), Path(command).resolve(), Path(sys.prefix), Path(sys.executable).resolve(), Path(__file__))
    return next((path for path in needed if SANDBOX not in path.parents), None)
