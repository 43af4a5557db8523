"""The tree of errors.

SkoshError
├── FormatError       bytes that are no .skosh file, or a damaged one
├── BundleError       a bundle that is missing, damaged or not the one a file asks for
├── LimitError        something larger than the limits allow
├── ImageError        a picture that can't be read or is of a kind that can't be coded
├── ConfigError       a training configuration or its data is wrong
└── DependencyError   an optional package is not installed
"""

from __future__ import annotations

from collections.abc import Iterable


class SkoshError(Exception):
    """Base class: a wrong file, picture, bundle, limit or configuration.

    Wrong arguments are ValueError and TypeError.
    """


class FormatError(SkoshError):
    """Bytes that are no .skosh file, or a damaged one."""


class BundleError(SkoshError):
    """A bundle that is missing, damaged or not the one a file asks for."""


class LimitError(SkoshError):
    """Something larger than the limits allow."""


class ImageError(SkoshError):
    """A picture that can't be read or is of a kind that can't be coded."""


class ConfigError(SkoshError):
    """A training configuration or its data is wrong."""


class DependencyError(SkoshError):
    """An optional package is not installed."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the end of a message about an unknown word: a similar known one, or nothing."""
    from difflib import get_close_matches

    names = list(known)
    longer = [name for name in names if word and name.startswith(word)]  # somebody stopped typing
    found = get_close_matches(word, names, n=1) or longer[:1]
    return f"; did you mean {found[0]}?" if found else ""


def describe(error: BaseException) -> str:
    """Return an error in one line."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    text = " ".join(str(error).split())
    if isinstance(error, SkoshError) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
