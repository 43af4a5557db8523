"""The codecs, one a file: a module here with a class ``CODEC`` is a codec whose name is the module's."""

from __future__ import annotations

import importlib
import pkgutil
import re

from ...errors import did_you_mean
from .. import UsageError
from ..codec import Codec

ORDER = ("skosh", "bpg", "vvc", "avif", "heic", "jxl", "webp", "jpeg2000", "jpeg")  # in tables; others come after


def names() -> list[str]:
    """Return every codec, installed or not."""
    found = [module.name for module in pkgutil.iter_modules(__path__)]
    return sorted(found, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))


def make(spec: str) -> Codec:
    """Return the codec that NAME, NAME=ARGUMENT or NAME@OPTION stands for. Raises UsageError for an unknown name."""
    name = name_in(spec)
    if name not in names():
        raise UsageError(f"no codec {name!r}: there are {', '.join(names())}{did_you_mean(name, names())}")
    kind: type[Codec] = importlib.import_module(f".{name}", __package__).CODEC
    rest = spec[len(name) :]
    return kind.make(rest.removeprefix("=") if rest else None)


def name_in(spec: str) -> str:
    """Return the codec's name at the start of NAME, NAME=ARGUMENT or NAME@OPTION."""
    return re.split("[=@]", spec, maxsplit=1)[0]
