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
    "argued": "proved in the text, which is linked; not run",
    "cited": "taken from the literature, not checked here",
}
"""The kinds of check, strongest first, and what each means."""

NOT_RUN = {"argued", "cited"}
"""The kinds that check nothing here."""
WITHOUT_MUTANTS = {"kernel"} | NOT_RUN
"""The kinds that no mutant is put to: the kernel refuses planted changes of its own sources, and the others check nothing."""


@dataclass(frozen=True)
class Counterexample:
    """An instance, where it was compared, what came out and what is right. Raises ``ValueError`` when either is not finite, or both are the same.

    ``asserted``: the ids of the assertions that fail at this instance, where that is told.
    """

    instance: str
    where: str
    got: str
    right: str
    asserted: tuple[str, ...] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        if self.got == self.right or re.search(r"\b(nan|inf|oo|zoo)\b", f"{self.got} {self.right}", re.IGNORECASE):
            raise ValueError(f"no counterexample: {self.got} where {self.right} is right, {self.where}")

    def __str__(self) -> str:
        return f"{self.instance}; {self.where}: {self.got} where {self.right} is right"


@dataclass(frozen=True)
class Verdict:
    """What a check found. ``passed`` is None for a result that was not checked here; then ``ran`` is False if what it needs is missing.

    ``detail`` holds what is deterministic (counts, seeds, tolerances); ``measured`` holds what is not to be recorded.
    ``met``: by the id of an assertion, how many of its parts were checked.
    """

    passed: bool | None
    detail: str
    measured: str = ""
    counterexample: Counterexample | None = None
    ran: bool = True
    met: Mapping[str, int] = field(default_factory=dict)


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
    statement checked, ``run`` itself unless given. ``asserts``: the ids of the assertions that it checks, where its
    verdict does not tell.
    """

    kind: str
    words: str | Callable[[], str]
    run: Callable[[Any, Budget], Verdict]
    shows: tuple[Callable, ...] = ()
    asserts: tuple[str, ...] = ()

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


TYPED = {
    "names": "its formulas only name what it speaks of",
    "equation": "an equation between values or matrices of an instance, of which the checks compute both sides; no function of a few numbers prints it",
    "condition": "a condition on an instance, which the checks evaluate as it is written",
}
"""Why the formulas of a sentence are typed, where no function that the checks call prints them."""


@dataclass(frozen=True)
class Assertion:
    """A sentence, or a few, of a claim's box, with checks of its own.

    ``id``: its name within the claim. ``words``: Markdown with LaTeX, or the function that prints it of a subject, by calling
    on symbols what the checks call on numbers. ``basis``: empty where checks stand behind it, or one of :data:`NOT_RUN`; then ``where`` is the label of its
    proof, or the source. ``typed``: why its formulas are typed, one of :data:`TYPED`, where it has any that no function prints. Raises ``ValueError`` for
    another basis, for one without its ``where``, and for another ``typed``.
    """

    id: str
    words: str | Callable[[Any], str]
    basis: str = ""
    where: str = ""
    typed: str = ""

    def __post_init__(self) -> None:
        if self.typed not in {"", *TYPED} or self.typed and callable(self.words):
            raise ValueError(
                f"typed of assertion {self.id} must be empty, or one of {', '.join(TYPED)} where no function prints it, got {self.typed!r}"
            )
        if self.basis not in {"", *NOT_RUN} or bool(self.basis) != bool(self.where):
            given = f"{self.basis!r} with where = {self.where!r}"
            raise ValueError(
                f"basis of assertion {self.id} must be empty, or argued or cited with a where, got {given}"
            )

    def text(self, subject: Any) -> str:
        """The sentence, of the claim's own subject or of a mutant's."""
        return (self.words(subject) if callable(self.words) else self.words).strip()


@dataclass(frozen=True)
class Hypothesis:
    """What a claim assumes.

    ``words``: Markdown with LaTeX. ``holds``: the predicate by which the checks filter what they draw, which is a field of the claim's subject; the mutant
    that drops the hypothesis has another there.
    ``dropped``: the name of the mutant that does without it, whose counterexample shows that it is needed; or else
    ``reason``: why none is given. Raises ``ValueError`` unless there is exactly one of the two.
    """

    words: str
    dropped: str = ""
    reason: str = ""
    holds: Callable[..., bool] | None = None

    def __post_init__(self) -> None:
        if bool(self.dropped) == bool(self.reason):
            raise ValueError(
                f"hypothesis {self.words!r} must name the mutant that drops it, or give a reason, got {self.dropped!r} and {self.reason!r}"
            )


@dataclass(frozen=True)
class Claim:
    """A result of the book.

    ``statement`` is Markdown with LaTeX; where it shows an equation that was derived, the equation comes out of the
    checked object when the function is called. Where there are ``assertions`` it is only what comes before them, and the
    box is both. ``rests_on`` holds ids of claims. ``environment`` is the kind of theorem.
    """

    id: str
    title: str
    chapter: str
    environment: str
    statement: Callable[[], str]
    hypotheses: tuple[Hypothesis, ...]
    subject: Any
    checks: tuple[Check, ...]
    mutants: tuple[Mutant, ...]
    rests_on: tuple[str, ...] = ()
    source: str = ""
    shared: str = ""
    """What the routes that are compared have in common, and so cannot check."""
    under: Mapping[str, str] = field(default_factory=dict)
    """For a special case or a variant of results it rests on: what is assumed or changed, for the map."""
    assertions: tuple[Assertion, ...] = ()

    def __post_init__(self) -> None:
        unknown = [check.kind for check in self.checks if check.kind not in KINDS]
        if unknown:
            raise ValueError(f"claim {self.id}: kind must be one of {', '.join(KINDS)}, got {', '.join(unknown)}")
        for check in self.checks:
            if check.kind not in WITHOUT_MUTANTS and all(check.kind in mutant.unseen for mutant in self.mutants):
                raise ValueError(f"claim {self.id}: no mutant can fail its {check.kind} check")
        ids = [assertion.id for assertion in self.assertions]
        if twice := [id for id in ids if ids.count(id) > 1]:
            raise ValueError(f"claim {self.id}: each assertion must have an id of its own, got {twice[0]} twice")
        if strange := [id for check in self.checks for id in check.asserts if id not in ids]:
            raise ValueError(f"claim {self.id}: a check's assertions must be among {', '.join(ids)}, got {strange[0]}")
        mutants = [mutant.name for mutant in self.mutants]
        for hypothesis in self.hypotheses:
            if hypothesis.dropped and hypothesis.dropped not in mutants:
                raise ValueError(
                    f"claim {self.id}: no mutant is called {hypothesis.dropped!r}, which drops a hypothesis"
                )

    @property
    def asserted(self) -> tuple[Assertion, ...]:
        """The assertions; a claim that has none apart is one."""
        return self.assertions or (Assertion(self.id, lambda subject: self.statement()),)

    def name_of(self, assertion: Assertion) -> str:
        """What an assertion is called outside its claim: its id after the claim's, or the claim's alone where it is one."""
        return f"{self.id}/{assertion.id}" if self.assertions else self.id
