"""The codecs, one a file: a module here with a class ``CODEC`` is a codec whose name is the module's."""

from __future__ import annotations

import importlib
import pkgutil

from ...errors import did_you_mean
from .. import UsageError
from ..codec import Codec

ORDER = ("skosh", "bpg", "vvc", "avif", "heic", "jxl", "webp", "jpeg2000", "jpeg")  # in tables; others come after


def names() -> list[str]:
    """Return every codec, installed or not."""
    found = [module.name for module in pkgutil.iter_modules(__path__)]
    return sorted(found, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))


def make(spec: str) -> Codec:
    """Return the codec that NAME or NAME=ARGUMENT stands for. Raises UsageError for an unknown name."""
    name, separator, argument = spec.partition("=")
    if name not in names():
        raise UsageError(f"no codec {name!r}: there are {', '.join(names())}{did_you_mean(name, names())}")
    kind: type[Codec] = importlib.import_module(f".{name}", __package__).CODEC
    return kind.make(argument if separator else None)
