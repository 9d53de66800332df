"""What a claim is: a statement, the checks that try to refute it, and the mutants that its checks must refute."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

KINDS = {
    "kernel": "machine-checked proof, every size, no axioms beyond the library's",
    "symbolic": "derived in SymPy with symbolic sizes",
    "exact": "SymPy or rationals, at the sizes stated",
    "certified": "enclosed by ball arithmetic, on the instances stated",
    "numeric": "floating point on random instances",
    "cited": "taken from the literature, not checked here",
}
"""The kinds of check, strongest first, and what each means."""

WITHOUT_MUTANTS = {"kernel", "cited"}
"""The kinds that no mutant is put to: the kernel refuses planted changes of its own sources, and a citation checks nothing."""


@dataclass(frozen=True)
class Counterexample:
    """An instance, where it was compared, what came out and what is right. Raises ``ValueError`` when either is not finite, or both are the same."""

    instance: str
    where: str
    got: str
    right: str

    def __post_init__(self) -> None:
        if self.got == self.right or re.search(r"\b(nan|inf|oo|zoo)\b", f"{self.got} {self.right}", re.IGNORECASE):
            raise ValueError(f"no counterexample: {self.got} where {self.right} is right, {self.where}")

    def __str__(self) -> str:
        return f"{self.instance}; {self.where}: {self.got} where {self.right} is right"


@dataclass(frozen=True)
class Verdict:
    """What a check found. ``passed`` is None for a result that was not checked here; then ``ran`` is False if what it needs is missing.

    ``detail`` holds what is deterministic (counts, seeds, tolerances); ``measured`` holds what is not to be recorded.
    """

    passed: bool | None
    detail: str
    measured: str = ""
    counterexample: Counterexample | None = None
    ran: bool = True


@dataclass(frozen=True)
class Budget:
    """How much a random check may do: ``trials`` instances (None: the check's own default), drawn from ``seed``."""

    trials: int | None = None
    seed: int = 0
    progress: Callable[[int, int], None] = field(default=lambda done, total: None, compare=False)


@dataclass(frozen=True)
class Check:
    """One way of checking a claim: a kind, the words for its scope, and the function that does it.

    ``run(subject, budget)`` tests whatever it is given: the claim's own subject, or a mutant's. ``words`` is a function
    where the scope is computed from the instances that are drawn. ``shows`` are the functions in which a reader finds the
    statement checked, ``run`` itself unless given.
    """

    kind: str
    words: str | Callable[[], str]
    run: Callable[[Any, Budget], Verdict]
    shows: tuple[Callable, ...] = ()

    @cached_property
    def scope(self) -> str:
        """Over what the check says anything."""
        return self.words() if callable(self.words) else self.words

    @property
    def code(self) -> tuple[Callable, ...]:
        """The functions to show."""
        return self.shows or (self.run,)


@dataclass(frozen=True)
class Mutant:
    """A small wrong change. Every check that mutants are put to must refute it but those of the kinds in ``unseen``, each with its reason."""

    name: str
    subject: Any
    unseen: Mapping[str, str] = field(default_factory=dict)
    shown_by: str = "exact"
    """The kind whose counterexample is the one to show."""


@dataclass(frozen=True)
class Claim:
    """A result of the book.

    ``statement`` is Markdown with LaTeX; where it shows an equation that was derived, the equation comes out of the
    checked object when the function is called. ``rests_on`` holds ids of claims. ``environment`` is the kind of theorem.
    """

    id: str
    title: str
    chapter: str
    environment: str
    statement: Callable[[], str]
    hypotheses: tuple[str, ...]
    subject: Any
    checks: tuple[Check, ...]
    mutants: tuple[Mutant, ...]
    rests_on: tuple[str, ...] = ()
    source: str = ""
    shared: str = ""
    """What the routes that are compared have in common, and so cannot check."""
    under: Mapping[str, str] = field(default_factory=dict)
    """For a special case or a variant of results it rests on: what is assumed or changed, for the map."""

    def __post_init__(self) -> None:
        unknown = [check.kind for check in self.checks if check.kind not in KINDS]
        if unknown:
            raise ValueError(f"claim {self.id}: kind must be one of {', '.join(KINDS)}, got {', '.join(unknown)}")
        for check in self.checks:
            if check.kind not in WITHOUT_MUTANTS and all(check.kind in mutant.unseen for mutant in self.mutants):
                raise ValueError(f"claim {self.id}: no mutant can fail its {check.kind} check")
