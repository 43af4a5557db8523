"""The content of the files that tell a desktop about the format."""

from __future__ import annotations

from ..errors import SkoshError
from ..files import SIGNATURE, SKOSH

MIME_TYPE = "image/x-skosh"
VERSION = 1  # of the format
MARK = "Written by skosh desktop install; skosh desktop uninstall removes it."  # in every file that is ours
QUOTED = " \t\"'\\><~|&;$*?#()`"  # characters for which the Desktop Entry Specification asks for quotes
FIRST_BYTES = r"\x93SK" + rf"\x{VERSION:02x}"  # as both kinds of magic spell them: signature and version
assert SIGNATURE == b"\x93SK"

MIME_XML = f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- {MARK} -->
<mime-info xmlns="http://www.freedesktop.org/standards/shared-mime-info">
  <mime-type type="{MIME_TYPE}">
    <comment>skosh picture</comment>
    <generic-icon name="image-x-generic"/>
    <magic priority="50">
      <match type="string" offset="0" value="{FIRST_BYTES}"/>
    </magic>
    <glob pattern="*{SKOSH}"/>
  </mime-type>
</mime-info>
"""

MAGIC = f"""# skosh: learned image codec
0\tstring\t{FIRST_BYTES}\tskosh picture, version {VERSION}
!:mime\t{MIME_TYPE}
!:ext\t{SKOSH[1:]}
"""


def thumbnailer(command: str) -> str:
    """Return the thumbnailer entry that runs ``command``, the absolute path of skosh.

    Raises SkoshError for a path that an entry can't hold: one with control characters or undecodable bytes.
    """
    if not command.isprintable():
        raise SkoshError(f"{command!r} can't stand in a thumbnailer entry: install skosh elsewhere")
    return f"""# {MARK}
[Thumbnailer Entry]
TryExec={in_key_file(command)}
Exec={in_key_file(quoted(command))} thumbnail --size %s %i %o
MimeType={MIME_TYPE};
"""


def quoted(argument: str) -> str:
    """Return an argument of ``Exec``: a file manager reads back exactly this argument.

    The rules are those of the Desktop Entry Specification, which GLib's shell parser reads alike.
    """
    doubled = argument.replace("%", "%%")  # a single one would stand for a file
    if not any(character in QUOTED for character in argument):
        return doubled
    return '"' + "".join(f"\\{one}" if one in '"`$\\' else one for one in doubled) + '"'


def in_key_file(value: str) -> str:
    """Return a value as a key file spells it."""
    return value.replace("\\", "\\\\")
