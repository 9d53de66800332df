r"""A statement as parts, each a number against what it must be; the runs that put rationals, balls and floats into the same parts."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import islice
from typing import Any, NamedTuple

from icrl.arrays import np
from icrl.verify.instances.cases import Case, as_floats, ball_case, float_name
from icrl.verify.judging.differences import BITS, RADIUS, TOLERANCE, Undecided, balls_differ, entries_differ, told_apart
from icrl.verify.model import Budget, Counterexample, Verdict


def least(numbers: Iterable) -> Any:
    """The smallest; of balls, a ball that holds it."""
    return reduce(lambda x, y: x.min(y) if hasattr(x, "rad") else min(x, y), numbers)


def greatest(numbers: Iterable) -> Any:
    """The largest absolute value; of balls, a ball that holds it."""
    return reduce(lambda x, y: x.max(y) if hasattr(x, "rad") else max(x, y), [abs(x) for x in numbers])


def size(*numbers: Any) -> float:
    """1, or the largest absolute value of what is given, if that is more: as a float."""
    return max(1.0, *(abs(float(x)) for each in numbers for x in np.ravel(each)))


# Parts of a statement, and what is wrong with them


AT_MOST, AT_LEAST, UNLIKE = "at most ", "at least ", "a number other than "
"""What a number may be asked to be, other than equal; ``UNLIKE`` is asked with 0."""


class Part(NamedTuple):
    """One number of a statement against what it must be. ``scale``: the size, as a float, that its rounding errors have by eps.

    ``relation``: ``""`` for an equality, or what ``got`` must be. ``asserted``: the id of the assertion that says so.
    ``made``: what was put in the place of what the instance has, in words.
    """

    where: str
    got: Any
    right: Any
    scale: float = 1.0
    relation: str = ""
    asserted: str = ""
    made: str = ""


def asserting(id: str, parts: Iterable[Part]) -> Iterator[Part]:
    """The parts, as those of an assertion."""
    return (part._replace(asserted=id) for part in parts)


def making(words: str, parts: Iterable[Part]) -> Iterator[Part]:
    """The parts, as those of the instance with what the words say in the place of what it has."""
    return (part._replace(made=words) for part in parts)


def entries(where: str, got: Any, right: Any, scale: float = 1.0) -> Iterator[Part]:
    """An equality of two arrays, entry by entry."""
    for index in np.ndindex(np.shape(right)):
        yield Part(f"{where}, entry {', '.join(map(str, index))}", got[index], right[index], scale)


@dataclass(frozen=True)
class Exactly:
    """Rationals; a number of another type is an error."""

    def fails(self, part: Part) -> bool:
        """Whether the part does not hold."""
        differ = entries_differ(part.got, part.right)
        return {"": differ, AT_MOST: part.got > part.right, AT_LEAST: part.got < part.right}.get(
            part.relation, not differ
        )


@dataclass(frozen=True)
class AsBalls:
    """Balls: disjoint balls differ; balls that overlap are equal if they are small, and decide nothing if not."""

    def fails(self, part: Part) -> bool:
        """Whether the part does not hold; ``Undecided`` where the balls are too wide."""
        differ = balls_differ(part.scale)(part.got, part.right)
        return {"": differ, AT_MOST: differ and part.got > part.right, AT_LEAST: differ and part.got < part.right}.get(
            part.relation, not differ
        )


@dataclass(frozen=True)
class Within:
    """Floats; ``unit`` times the part's scale is the tolerance."""

    unit: float

    def fails(self, part: Part) -> bool:
        """Whether the part does not hold; what is NaN does not."""
        gap, allowed = part.got - part.right, self.unit * part.scale
        holds = {"": abs(gap) <= allowed, AT_MOST: gap <= allowed, AT_LEAST: -gap <= allowed}
        return not holds.get(part.relation, abs(gap) > allowed)


Parts = Callable[[Any, Any], Iterator[Part]]
"""The parts of a statement, of a subject, which is the statement or a mutant of it, and an instance."""


def first_failure(
    name: str, parts: Iterable[Part], numbers: Any, met: Counter[str] | None = None
) -> Counterexample | None:
    """The first part that does not hold; ``met`` counts those looked at, by assertion."""
    met = Counter() if met is None else met
    parts = iter(parts)
    for part in parts:
        met[part.asserted] += 1
        if numbers.fails(part):
            got, right = told_apart(part.got, part.right)
            zero = part.relation == UNLIKE and math.isfinite(float(part.got))  # as far as can be told
            asserted = failing(part, parts, numbers) if part.asserted else ()
            instance = "; ".join(filter(None, (name, part.made)))
            return Counterexample(instance, part.where, "0" if zero else got, part.relation + right, asserted=asserted)
    return None


def failing(first: Part, others: Iterable[Part], numbers: Any) -> tuple[str, ...]:
    """The assertions of the first part, which fails, and of the others that fail at the same instance, as far as they can be computed there."""
    ids = {first.asserted: None}
    try:
        with warnings.catch_warnings(action="ignore"):
            for part in others:
                if part.asserted not in ids and numbers.fails(part):
                    ids[part.asserted] = None
    except Exception:  # noqa: BLE001  what is wrong may break whatever is computed from it
        return tuple(ids)
    return tuple(ids)


# The runs


def on_rationals(parts: Parts, subject: Any, cases: Iterable, told: str, noun: str = "contexts") -> Verdict:
    """The parts in ``Fraction``s."""
    count, met = 0, Counter[str]()
    for count, case in enumerate(cases, 1):
        if found := first_failure(str(case), parts(subject, case), Exactly(), met):
            return Verdict(False, "a part of the statement fails", counterexample=found)
    return Verdict(True, f"{count} rational {noun}: {told}", met=met)


def in_balls(found: Iterable[Counterexample | None], noun: str, told: str) -> Verdict:
    """What instances that are put to balls of ``BITS`` bits gave, one after the other, if these are small."""
    small = f"of radius below 2^-{RADIUS} of the scale"
    return at_bits(
        found, "the balls do not stand as stated", lambda count: f"{count} {noun} at {BITS} bits: {told} {small}"
    )


def at_bits(found: Iterable[Counterexample | None], wrong: str, told: Callable[[int], str]) -> Verdict:
    """What is found at ``BITS`` bits: the first counterexample, called ``wrong``; or what cannot be told; or how many had none."""
    from flint import ctx

    count = 0
    with ctx.workprec(BITS):
        try:
            for each in found:
                if each:
                    return Verdict(False, wrong, counterexample=each)
                count += 1
        except Undecided as undecided:
            return Verdict(False, str(undecided))
    return Verdict(True, told(count))


def on_balls(parts: Parts, subject: Any, cases: Iterable[Case], told: str) -> Verdict:
    """The parts in Arb balls, with the true exponential in the place of 1 + t²."""
    met = Counter[str]()
    put = lambda case: first_failure(in_balls_name(case), parts(subject, ball_case(case)), AsBalls(), met)
    return replace(in_balls(map(put, cases), "contexts", f"{told}; what is equal, to a ball"), met=met)


def in_balls_name(case: Case) -> str:
    """What a case is called when it is put to balls."""
    return ", ".join(filter(None, [str(replace(case, exp=None, told="")), "E = exp", case.told]))


def of_scores(case: Case) -> Within:
    """The tolerance for a context: a weight inherits eps times its score."""
    return Within(TOLERANCE * np.finfo(float).eps * (1 + max(abs(g) for row in case.scores for g in row)))


@dataclass(frozen=True)
class Floating:
    """How instances are put to floats: ``convert`` makes floats of rational ones, ``name`` is what one is called.

    ``numbers`` judges an instance's parts, and ``tolerance`` says so in words.
    """

    convert: Callable[[Iterable], Iterator] = as_floats
    name: Callable[[Any], str] = float_name
    numbers: Callable[[Any], Within] = of_scores
    tolerance: str = f"{TOLERANCE} eps (1 + max |score|) of each part's scale"


CONTEXTS = Floating()
"""How it is done with a :class:`Case`."""


def on_floats(
    parts: Parts,
    subject: Any,
    small: Sequence,
    drawn: Iterator,
    budget: Budget,
    trials: int,
    told: str,
    noun: str = "contexts",
    floating: Floating = CONTEXTS,
) -> Verdict:
    """The parts in floats: the small rational instances, then as many as asked of those drawn."""
    trials, met = budget.trials or trials, Counter[str]()
    for trial, given in enumerate([*floating.convert(small), *islice(drawn, trials)], 1 - len(small)):
        if found := first_failure(floating.name(given), parts(subject, given), floating.numbers(given), met):
            where = f"trial {trial} (seed {budget.seed})" if trial > 0 else f"one of the small {noun}"
            return Verdict(False, f"fails in {where}", counterexample=found)
        budget.progress(max(trial, 0), trials)
    return Verdict(
        True,
        f"{len(small)} small and {trials} random {noun} (seed {budget.seed}): {told}; tolerance {floating.tolerance}",
        met=met,
    )
