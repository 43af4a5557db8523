"""A variant, and ways to say what it replaces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from skosh.train import flagship, networks, run
from skosh.train.config import Config
from skosh.types import Pixels


@dataclass(frozen=True)
class Variant:
    """One change. ``apply`` replaces parts; ``pictures`` changes what is trained on."""

    group: str
    what: str  # in the table
    settings: dict[str, Any] = field(default_factory=dict)
    apply: Callable[[], None] = lambda: None
    pictures: Callable[[list[Pixels]], list[Pixels]] = list


def after_build(change: Callable[[flagship.Flagship, list[Pixels]], None]) -> Callable[[], None]:
    """Changes the network when it has been built from the pictures."""

    def apply() -> None:
        plain = networks.build

        def build(config: Config, pictures: list[Pixels] | None = None) -> networks.Network:
            model = plain(config, pictures)
            assert isinstance(model, flagship.Flagship)
            assert pictures is not None
            change(model, pictures)
            return model

        run.build = build  # type: ignore[attr-defined]

    return apply


def both(*changes: Callable[[], None]) -> Callable[[], None]:
    """Several changes, one after the other."""

    def apply() -> None:
        for change in changes:
            change()

    return apply
