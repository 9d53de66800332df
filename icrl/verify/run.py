"""Running claims: what each check found, which mutants were refuted and by what, and the status that follows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from icrl.verify.model import (
    KINDS,
    NOT_RUN,
    WITHOUT_MUTANTS,
    Assertion,
    Budget,
    Check,
    Claim,
    Counterexample,
    Hypothesis,
    Mutant,
    Verdict,
)

REMEDIES = {"torch": ": pip install 'icrl[torch]'", "flint": ": pip install python-flint"}
"""How to get a package that bears another name than its module, or that is no requirement."""


@dataclass(frozen=True)
class MutantResult:
    """What became of a mutant: ``verdicts``, by kind, of the checks that should see it."""

    mutant: Mutant
    verdicts: dict[str, Verdict]

    @property
    def refuted_by(self) -> list[str]:
        """The kinds of check that refuted it, each with a counterexample."""
        return [kind for kind, verdict in self.verdicts.items() if verdict.passed is False and verdict.counterexample]

    @property
    def refuted(self) -> bool:
        """Whether every check that was asked refuted it."""
        return self.refuted_by == list(self.verdicts)

    @property
    def counterexample(self) -> Counterexample | None:
        """The one to show: by the kind the mutant names, or else by the first that refuted it."""
        kinds = sorted(self.refuted_by, key=lambda kind: kind != self.mutant.shown_by)
        return self.verdicts[kinds[0]].counterexample if kinds else None

    @property
    def instance(self) -> str:
        """The counterexample to show, in words."""
        return str(self.counterexample or "")


class AssertionResult(NamedTuple):
    """A sentence, its name outside its claim, its text, the kinds of check that passed on it, and the names of the mutants that these refute.

    ``parts``: how many parts of it a kind checked, where that is counted. ``left_out``: the kinds that were not asked for, any of
    which may check it.
    """

    assertion: Assertion
    id: str
    text: str
    kinds: list[str]
    mutants: list[str]
    parts: dict[str, int]
    left_out: list[str]

    def as_json(self) -> dict[str, Any]:
        """The form that ``python -m icrl verify --json`` prints."""
        return {name: value for name, value in self._asdict().items() if name != "assertion"}


@dataclass(frozen=True)
class ClaimResult:
    """A claim, what its checks found, and what became of its mutants."""

    claim: Claim
    verdicts: list[tuple[Check, Verdict]]
    mutants: list[MutantResult]
    budget: Budget = Budget()

    @property
    def status(self) -> str:
        """``not checked`` (no check was asked for), ``not run`` (each lacks what it needs), ``failed``, ``checked``, ``recorded``, ``partial`` or ``cited``.

        The strongest check that ran decides between ``checked`` and ``recorded``, whose result is on record; where a kind of check was not asked
        for, either is ``partial``.
        """
        if not self.verdicts:
            return "not checked"
        if any(verdict.passed is False for _, verdict in self.verdicts) or not all(
            mutant.refuted for mutant in self.mutants
        ):
            return "failed"
        ours = [
            (list(KINDS).index(check.kind), verdict) for check, verdict in self.verdicts if check.kind not in NOT_RUN
        ]
        if not ours:
            return "cited"
        ran = [(rank, verdict.passed) for rank, verdict in ours if verdict.ran]
        if not ran:
            return "not run"
        if self.left_out:
            return "partial"
        return "checked" if min(ran, key=lambda one: one[0])[1] else "recorded"

    @property
    def left_out(self) -> list[str]:
        """The kinds of the claim's checks that were not asked for."""
        asked = [check.kind for check, _ in self.verdicts]
        return [check.kind for check in self.claim.checks if check.kind not in {*asked, *NOT_RUN}]

    @property
    def assertions(self) -> list[AssertionResult]:
        """What stands behind each sentence of the claim."""
        claim = self.claim
        return [
            AssertionResult(
                each,
                claim.name_of(each),
                each.text(claim.subject),
                kinds := self.kinds_of(each),
                self.mutants_of(each),
                {
                    check.kind: met
                    for check, verdict in self.verdicts
                    if check.kind in kinds and (met := verdict.met.get(each.id))
                },
                [] if each.basis else self.left_out,
            )
            for each in claim.asserted
        ]

    def kinds_of(self, assertion: Assertion) -> list[str]:
        """The kinds of check that passed on the assertion."""
        whole = not self.claim.assertions
        met = [
            check.kind
            for check, verdict in self.verdicts
            if verdict.passed is not False and (whole or assertion.id in check.asserts or verdict.met.get(assertion.id))
        ]
        return [assertion.basis] if assertion.basis else met

    def mutants_of(self, assertion: Assertion) -> list[str]:
        """The mutants that are refuted by what is checked of the assertion."""
        whole = not self.claim.assertions
        return [
            one.mutant.name for one in self.mutants if whole and one.refuted or assertion.id in self.failing_for(one)
        ]

    def failing_for(self, found: MutantResult) -> set[str]:
        """The ids of the assertions that fail for a mutant; a check of one assertion alone need not tell which."""
        alone = {check.kind: check.asserts for check, _ in self.verdicts if len(check.asserts) == 1}
        return {
            id
            for kind, verdict in found.verdicts.items()
            if verdict.counterexample
            for id in verdict.counterexample.asserted or alone.get(kind, ())
        }

    def needed(self, hypothesis: Hypothesis) -> Counterexample | None:
        """What goes wrong without the hypothesis: the counterexample of the mutant that drops it, as it is shown."""
        return next((one.counterexample for one in self.mutants if one.mutant.name == hypothesis.dropped), None)

    def hypothesis_as_json(self, hypothesis: Hypothesis) -> dict[str, Any]:
        """The form that ``python -m icrl verify --json`` prints."""
        found = self.needed(hypothesis)
        needed = (
            {
                "mutant": hypothesis.dropped,
                "instance": f"{found.instance}; {found.where}",
                "got": found.got,
                "want": found.right,
            }
            if found
            else None
        )
        reason = hypothesis.reason or ("" if found else f"the mutant that drops it was not run: {hypothesis.dropped}")
        return {"text": hypothesis.words, "needed": needed, "reason": reason}

    def as_json(self) -> dict[str, Any]:
        """The form that ``python -m icrl verify --json`` prints."""
        return {
            "id": self.claim.id,
            "status": self.status,
            "statement": self.claim.statement().strip(),
            "rests_on": list(self.claim.rests_on),
            "assertions": [each.as_json() for each in self.assertions],
            "hypotheses": [self.hypothesis_as_json(each) for each in self.claim.hypotheses],
            "checks": [
                {
                    "kind": check.kind,
                    "scope": scope_of(check, self.budget),
                    "passed": verdict.passed,
                    "detail": explained(verdict),
                }
                for check, verdict in self.verdicts
            ],
            "mutants": [
                {
                    "name": result.mutant.name,
                    "refuted": result.refuted,
                    "refuted_by": result.refuted_by,
                    "instance": result.instance,
                    "unseen": dict(result.mutant.unseen),
                }
                for result in self.mutants
            ],
        }


def scope_of(check: Check, budget: Budget) -> str:
    """The words for a check's scope; with another budget than its own, that they speak of its own; where a package is missing, which."""
    default = check.kind != "numeric" or (budget.trials, budget.seed) == (None, 0)
    try:
        return check.scope if default else f"by default {check.scope}"
    except ModuleNotFoundError as error:
        return f"what is drawn is not told: needs {error.name}, which is not installed"


def explained(verdict: Verdict) -> str:
    """A verdict's detail, what was measured, and the counterexample if there is one."""
    return "; ".join(part for part in (verdict.detail, verdict.measured, str(verdict.counterexample or "")) if part)


def judge(check: Check, subject: Any, budget: Budget) -> Verdict:
    """Run a check; one that raises has failed without a counterexample, and so refutes nothing; one that lacks a package has not run."""
    try:
        return check.run(subject, budget)
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        if package == "icrl":
            return Verdict(False, f"raised {type(error).__name__}: {error}")
        remedy = REMEDIES.get(package, ", which is not installed")
        return Verdict(None, f"not run: needs {package}{remedy}", ran=False)
    except Exception as error:  # noqa: BLE001  a broken construction must be reported, whatever it breaks
        return Verdict(False, f"raised {type(error).__name__}: {error}")


Report = Callable[[Claim, str, Verdict | None], None]
"""Told before (None) and after each piece of work: the claim, what is being run, the verdict."""


def run_claim(
    claim: Claim,
    kind: str | None = None,
    mutants: bool = True,
    budget: Budget = Budget(),
    report: Report = lambda *_: None,
) -> ClaimResult:
    """Run a claim's checks, of one kind or all, and its mutants against every one of them that ran and should refute them."""
    checks = [check for check in claim.checks if kind in (None, check.kind)]
    verdicts = []
    for check in checks:
        report(claim, check.kind, None)
        verdicts.append((check, judge(check, claim.subject, budget)))
        report(claim, check.kind, verdicts[-1][1])
    judging = [check for check, verdict in verdicts if verdict.ran and check.kind not in WITHOUT_MUTANTS]
    results = []
    for mutant in claim.mutants if mutants else ():
        seeing = [check for check in judging if check.kind not in mutant.unseen]
        if seeing:
            report(claim, f"mutant: {mutant.name}", None)
            results.append(MutantResult(mutant, {check.kind: judge(check, mutant.subject, budget) for check in seeing}))
    return ClaimResult(claim, verdicts, results, budget)


def succeeded(results: Iterable[ClaimResult]) -> bool:
    """Whether no claim failed."""
    return all(result.status != "failed" for result in results)


def complete(results: Iterable[ClaimResult]) -> bool:
    """Whether no check was left out for lack of what it needs."""
    return all(verdict.ran for result in results for _, verdict in result.verdicts)
