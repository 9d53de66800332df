"""Tables whose entries stand in modules of their own, each loaded when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from types import ModuleType
from typing import TypeVar

_T = TypeVar("_T")
"""What an entry is."""


class Loaded(Mapping[str, _T]):
    """Entries by id, in the order of ``places``: id to module. ``KeyError`` for an unknown id.

    ``entry(module, id)`` takes the entry out of its module.
    """

    def __init__(self, places: Mapping[str, str], entry: Callable[[ModuleType, str], _T]) -> None:
        self._places, self._entry = dict(places), entry

    def __getitem__(self, id: str) -> _T:
        return self._entry(import_module(self._places[id]), id)

    def __contains__(self, id: object) -> bool:
        return id in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
