"""A statement about instances: its parts, the instances that they are put to, and the checks that follow from both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from icrl.verify.instances.words import described
from icrl.verify.judging.parts import CONTEXTS, Floating, Parts, on_balls, on_floats, on_rationals
from icrl.verify.model import Budget, Check, Verdict


def nothing(_: Any) -> Iterator[Any]:
    """No instances: what draws them so is not checked."""
    return iter(())


@dataclass(frozen=True)
class Statement:
    """What ``parts(subject, instance)`` says, of whatever is drawn.

    ``told``: the parts in words. ``exact``, ``certified``: the rational instances of a subject, the second put to as
    balls; ``small``, ``floats``: those of a subject with which the floats begin, and the endless ones of a seed that
    follow, ``trials`` of them; ``noun``: what they are. What draws :func:`nothing` is not checked. ``routes``: by kind, what is
    particular to how the parts are computed there. ``scale``: in which unit the floats' tolerance is. ``floating``: how
    what is no context is put to floats. ``traits``: by words, what else is counted of the instances. ``shows``: the
    functions in which a reader finds the statement.
    """

    parts: Parts
    told: str
    subject: Any
    exact: Callable[[Any], Iterable] = nothing
    certified: Callable[[Any], Iterable] = nothing
    small: Callable[[Any], Sequence] = lambda subject: ()
    floats: Callable[[int], Iterator] = nothing
    trials: int = 300
    noun: str = "contexts"
    scale: str = ""
    floating: Floating = CONTEXTS
    routes: Mapping[str, str] = field(default_factory=dict)
    traits: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    shows: tuple[Callable, ...] = ()

    def checks(self) -> tuple[Check, ...]:
        """The checks of kind exact, certified and numeric, as far as there are instances for them."""
        runs = (
            ("exact", self.exact, self.run_exact),
            ("certified", self.certified, self.run_certified),
            ("numeric", self.floats, self.run_numeric),
        )
        return tuple(
            Check(kind, self.scope(kind), run, self.shows or (self.parts,))
            for kind, drawn, run in runs
            if drawn is not nothing
        )

    def scope(self, kind: str) -> Callable[[], str]:
        """The words for what a check of this kind draws, computed when they are asked for."""
        numbers = {"exact": "in rationals", "certified": "in Arb balls, with the true exp", "numeric": "in floats"}[
            kind
        ]
        route = f"; {self.routes[kind]}" if kind in self.routes else ""
        return lambda: described(self.drawn(kind), f"{self.noun} {numbers}", self.traits) + route

    def drawn(self, kind: str) -> Iterable:
        """What a check of this kind draws for the claim's own subject, with the default budget."""
        match kind:
            case "exact":
                return self.exact(self.subject)
            case "certified":
                return (replace(case, exp=None) for case in self.certified(self.subject))
            case _:
                return [
                    *self.floating.convert(self.small(self.subject)),
                    *islice(self.floats(Budget().seed), self.trials),
                ]

    def run_exact(self, subject: Any, budget: Budget) -> Verdict:
        """Every part in ``Fraction``s."""
        return on_rationals(self.parts, subject, self.exact(subject), self.told, self.noun)

    def run_certified(self, subject: Any, budget: Budget) -> Verdict:
        """Every part in Arb balls."""
        return on_balls(self.parts, subject, self.certified(subject), self.told)

    def run_numeric(self, subject: Any, budget: Budget) -> Verdict:
        """Every part in floats: the small instances, then random ones."""
        told = self.told + (f"; the scale is {self.scale}" if self.scale else "")
        small, drawn = self.small(subject), self.floats(budget.seed)
        return on_floats(self.parts, subject, small, drawn, budget, self.trials, told, self.noun, self.floating)
