"""The types of entries that an array may have, and the type that numbers of several types have in common."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

ORDER = "bifcO"
"""The kinds, each able to hold the ones before it."""


@dataclass(frozen=True, eq=False)
class dtype:
    """The type of an array's entries. ``kind``: NumPy's letter for it. ``name``: NumPy's name. ``type``: what makes an entry of a value."""

    kind: str
    name: str
    type: type

    def __eq__(self, other: Any) -> bool:
        return self is other or self is BY_NAME.get(other if isinstance(other, (str, type)) else None)

    def __hash__(self) -> int:
        return hash(self.kind)

    def __str__(self) -> str:
        return self.name

    def entries(self, values: Iterable) -> list:
        """The values as entries of this type."""
        return list(values) if self.kind == "O" else list(map(self.type, values))


KINDS = {
    "b": dtype("b", "bool", bool),
    "i": dtype("i", "int64", int),
    "f": dtype("f", "float64", float),
    "c": dtype("c", "complex128", complex),
    "O": dtype("O", "object", object),
}
"""The types by their kinds."""

BY_NAME: dict[Any, dtype] = {
    name: each for each in KINDS.values() for name in (each.kind, each.name, each.type, each.type.__name__)
}
"""The types by whatever they may be called."""

BY_TYPE = {each.type: each.kind for each in KINDS.values() if each.kind != "O"}
"""The kind of entry that a Python number is."""


def as_dtype(given: Any) -> dtype:
    """The type of entry that is meant; ``TypeError`` when there is none such."""
    found = given if isinstance(given, dtype) else BY_NAME.get(given)
    if found is None:
        raise TypeError(f"dtype must be one of {', '.join(each.name for each in KINDS.values())}, got {given!r}")
    return found


def kind_of(types: Iterable[type]) -> str:
    """The first kind that holds entries of all these Python types."""
    return highest(BY_TYPE.get(each, "O") for each in types)


def highest(kinds: Iterable[str]) -> str:
    """The first kind that holds all of these."""
    return ORDER[max(map(ORDER.index, kinds))]
