"""Which exported theorem rests on which, read off the proofs' terms, and what the claims say of it.

A term names all that a proof uses, found by a search or a tactic too, and nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from icrl.verify.kernel import rocq, sources
from icrl.verify.kernel.elaborated import mentioned, owners, reached

REASONS = sources.PROOFS / "uses.toml"
"""Why a claim's proofs use another result than it says it rests on, by claim and result."""
READER = (
    "From elpi Require Import elpi.",
    r"""Elpi Program mentioned lp:{{
  main [str Name] :- coq.locate Name Found, coq.env.dependencies Found _ Names, coq.gref.set.elements Names All,
    std.forall All (one\ sigma Path\ coq.gref->string one Path, coq.say Path).
}}.""",
)
"""Prints what the type and the term of a constant mention. Elpi comes with MathComp's analysis, which is built with it."""


def used(wanted: Iterable[str], folder: Path, work: Path) -> dict[str, list[str]]:
    """By theorem ``file.name`` of ``folder``, compiled in ``work``, those among them that its term mentions, itself or by way of what is not among them."""
    wanted, stated = sorted(wanted), sources.stated(sources.sources(folder))
    owner = owners(stated)
    asked = {name: f'Elpi mentioned "icrl.{name}".' for name in stated}
    files = list(dict.fromkeys(name.partition(".")[0] for name in stated))
    answers = rocq.answers(asked, files, "print_mentioned", work, READER)
    mentions = {name: mentioned(answer, owner) - {name} for name, answer in answers.items()}
    stops = mentions | dict.fromkeys(wanted, set())
    return {name: sorted(reached(name, stops | {name: mentions[name]}) & set(wanted)) for name in wanted}


def across(uses: Mapping[str, Iterable[str]], owner: Mapping[str, str]) -> dict[str, set[str]]:
    """By claim, the others whose theorems its own use; ``owner`` is the claim of each theorem."""
    found: dict[str, set[str]] = {claim: set() for claim in owner.values()}
    for theorem, claim in owner.items():
        found[claim] |= {owner[other] for other in uses[theorem] if other in owner} - {claim}
    return found


def differences(
    uses: Mapping[str, Collection[str]], owner: Mapping[str, str], rests_on: Mapping[str, Collection[str]]
) -> dict[str, dict[str, bool]]:
    """By claim that has proofs, the others on which by one account alone it rests, ``rests_on`` or the proofs: whether it is the proofs.

    What a claim rests on by way of others counts as said, and what its theorems use by way of others as used.
    """
    below = {name: set(others) for name, others in uses.items()}
    said = {claim: set(others) for claim, others in rests_on.items()}
    direct, all_used = across(uses, owner), across({name: reached(name, below) for name in owner}, owner)
    return {
        claim: dict.fromkeys(sorted(direct[claim] - reached(claim, said)), True)
        | dict.fromkeys(sorted((said[claim] & set(direct)) - all_used[claim]), False)
        for claim in direct
    }
