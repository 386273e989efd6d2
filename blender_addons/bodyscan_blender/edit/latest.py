# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last result of a calculation, kept while what it was made of stays the same."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """Holds one value with its key: panels ask for the same number at every redraw."""

    def __init__(self) -> None:
        self._held: tuple[Hashable, T] | None = None

    def of(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the value of `key`, made by `make` where it is not the one that is held."""
        if self._held is None or self._held[0] != key:
            self._held = (key, make())
        return self._held[1]
