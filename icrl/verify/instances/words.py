"""The words for what a check draws, computed from the instances that it draws."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol


class Instance(Protocol):
    """What a check is put to: it can be printed, and measured."""

    def measures(self) -> Mapping[str, Any]:
        """Numbers of which the range is told, and Booleans of which it is told how often they hold, by their words."""
        ...


def described(
    instances: Iterable[Instance],
    noun: str = "contexts",
    traits: Mapping[str, Callable[[Any], Any]] = MappingProxyType({}),
) -> str:
    """How many instances there are, the range of every number that they are measured by, and how many have each trait.

    ``48 contexts: n in 1..6, d in 0..3; 5 with a state never left``. An instance without a measure is left out of its range.
    ``traits``, by words, are asked of every instance beside its own.
    """
    found: dict[str, list[Any]] = {}
    count = 0
    for count, instance in enumerate(instances, 1):
        asked = {name: bool(holds(instance)) for name, holds in traits.items()}
        for name, value in {**instance.measures(), **asked}.items():
            found.setdefault(name, []).append(value)
    ranges = [between(name, values) for name, values in found.items() if not isinstance(values[0], bool)]
    which = [shared(name, values) for name, values in found.items() if isinstance(values[0], bool) and any(values)]
    told = "; ".join(filter(None, (", ".join(ranges), ", ".join(which))))
    return f"{count} {noun}" + (f": {told}" if told else "")


def shared(name: str, values: Sequence[bool]) -> str:
    """How many have a trait: ``5 with equal features``, or ``all with equal features``."""
    return f"{'all' if all(values) else sum(values)} with {name}"


def between(name: str, values: Iterable[Any]) -> str:
    """The range of one number: ``n in 1..6``, or ``n = 3``."""
    low, high = (number(end(values)) for end in (min, max))
    return f"{name} = {low}" if low == high else f"{name} in {low}..{high}"


def number(value: Any) -> str:
    """A number for a person: three digits of a float, others as they are."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
