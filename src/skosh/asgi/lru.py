"""A bounded memory of what was used last."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Lru(Generic[V]):
    """Values by key; beyond a limit, those that were not used for longest are dropped. Not safe between threads."""

    def __init__(self, limit: int, weight: Callable[[V], int]):
        """``limit``: what all values may weigh together."""
        self.limit, self.weight = limit, weight
        self.total = 0
        self._values: OrderedDict[Hashable, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Hashable) -> V | None:
        """Return a value, which now counts as used last; None where it is not kept."""
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def put(self, key: Hashable, value: V) -> None:
        """Keep a value, unless it alone is over the limit."""
        if key in self._values:
            self.total -= self.weight(self._values.pop(key))
        if self.weight(value) > self.limit:
            return
        self._values[key] = value
        self.total += self.weight(value)
        while self.total > self.limit:
            self.total -= self.weight(self._values.popitem(last=False)[1])
