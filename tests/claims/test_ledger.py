"""Every claim passes, every mutant is refuted by every check that should see it, by no other, and by the numbers in the table.

The pages made from that are those of the book.

Each claim is run once, with all its mutants, for all tests of this file.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import nbformat
import pytest

from claims import tables
from conftest import PAIRS, ROOT
from gates.absent import ABSENT, run
from icrl.claims import CLAIMS
from icrl.verify.instances.contexts import BY_POSITION
from icrl.verify.model import Assertion, Budget, Claim, Verdict
from icrl.verify.pages.ledger import pages, with_table
from icrl.verify.run import ClaimResult, judge, run_claim, scope_of

STATED = {"theorem", "lemma", "proposition", "corollary"}
FEW = Budget(trials=100)


@cache
def result(id: str) -> ClaimResult:
    """What became of a claim and its mutants."""
    return run_claim(CLAIMS[id])


def refuted(id: str) -> dict[str, dict[str, Verdict]]:
    """What each check found of each mutant of a claim, by the mutant's name and the check's kind."""
    return {one.mutant.name: one.verdicts for one in result(id).mutants}


@pytest.mark.parametrize("claim, check", PAIRS, ids=[f"{claim.id}-{check.kind}" for claim, check in PAIRS])
def test_the_claim_passes_and_a_mutant_fails_exactly_where_it_is_seen(claim, check):
    found = result(claim.id)
    assert [verdict.passed for ran, verdict in found.verdicts if ran is check] == [True]
    for mutant in claim.mutants:
        if check.kind in mutant.unseen:
            verdict = judge(check, mutant.subject, FEW)
            assert verdict.passed, f"{mutant.name} is said to be unseen by {check.kind}, which refutes it: {verdict}"
        else:
            verdict = refuted(claim.id)[mutant.name][check.kind]
            assert verdict.passed is False and verdict.counterexample, f"{mutant.name} survives {check.kind}: {verdict}"
            assert verdict.counterexample.got != verdict.counterexample.right


BY_HAND, RECORDED = tables.by_hand(), tables.rows(tables.RECORDED)


def test_every_mutant_has_its_row_and_every_row_its_mutant():
    worked_out, came_out = ({(id, name) for id, _, name in table} for table in (BY_HAND, RECORDED))
    assert not worked_out & came_out
    assert worked_out | came_out == {(claim.id, mutant.name) for claim in CLAIMS.values() for mutant in claim.mutants}


@pytest.mark.parametrize("id, kind, name", BY_HAND)
def test_the_counterexample_is_the_one_worked_out_by_hand(id, kind, name):
    row = BY_HAND[id, kind, name]
    assert tables.row_of(refuted(id)[name][kind].counterexample, len(row)) == row


def test_the_other_counterexamples_are_those_on_record():
    """After a change that is meant to change them: python tests/claims/tables.py."""
    assert tables.to_record(map(result, CLAIMS), BY_HAND) == RECORDED


WITHOUT_NUMPY = """
import json
from icrl.claims import CLAIMS
from icrl.verify.run import run_claim, scope_of
found = []
for id, kind in {asked}:
    result = run_claim(CLAIMS[id], kind=kind)
    for check, verdict in result.verdicts:
        found.append([id, kind, None, verdict.passed, scope_of(check, result.budget), verdict.detail])
    for one in result.mutants:
        found += [[id, kind, one.mutant.name, *map(str, (v.passed, v.detail, v.counterexample))] for v in one.verdicts.values()]
print(json.dumps(found))
"""
DERIVED = [(id, "symbolic") for id in ("softmax-td", "two-heads", "mask-leak", "episodes")]
EVERY_SORT = (
    *("bellman", "stationary", "batch-td", "lstd", "linear-td", "operator", "episodes"),
    *("fixed-point", "episodic-value", "spectral", "tabular", "weights", "neu-bound", "state-form"),
)
"""Claims that between them draw every sort of instance."""
COUNTED = [(id, check.kind) for id in EVERY_SORT for check in CLAIMS[id].checks if check.kind in ("exact", "certified")]


def said(id: str, kind: str) -> Iterator[list]:
    """What was found here of a claim by one kind of check, as :data:`WITHOUT_NUMPY` tells it."""
    for check, verdict in result(id).verdicts:
        if check.kind == kind:
            yield [id, kind, None, verdict.passed, scope_of(check, Budget()), verdict.detail]
    for name, verdicts in refuted(id).items():
        if kind in verdicts:
            yield [
                id,
                kind,
                name,
                *map(str, (verdicts[kind].passed, verdicts[kind].detail, verdicts[kind].counterexample)),
            ]


@pytest.mark.parametrize("asked, mutants", [(DERIVED, 20), (COUNTED, 60)], ids=["derived", "counted"])
def test_without_numpy_and_torch_the_same_is_found_in_the_same_words(asked, mutants):
    found = json.loads(run(WITHOUT_NUMPY.format(asked=asked), ABSENT))
    assert found == [line for id, kind in asked for line in said(id, kind)]
    assert [line[3] for line in found if line[2] is None] == [True] * len(asked)
    assert [line[3] for line in found if line[2]] == ["False"] * (len(found) - len(asked))
    assert len(found) - len(asked) >= mutants


SIGN = "the sign of E turned where key and query are two states"
CHEBYSHEV = "Chebyshev's steps in the place of α"
TOLD = [
    *((id, "weights of either sign let in", SIGN) for id in ("operator", "contraction", "averagers")),
    *(
        (id, "weights that depend on the position", BY_POSITION)
        for id in ("operator", "certainty-equivalence", "averagers")
    ),
    ("state-form", "features that depend on the position let in", "1 added to the features in column 0"),
    ("state-form", "first values that depend on the position let in", "1 added to the value in column 0"),
    ("state-form", "an A that reads the reward row let in", "a 1 in A where the reward row meets itself"),
    ("state-form", "a V that writes the reward row let in", "V adds the values to the reward row too"),
    ("layer-steps", "the cycle does harm at γ = 3/5 too", f"; M̂ = I in the place of E, {CHEBYSHEV}"),
    (
        "layer-steps",
        "steps of 1 multiply by γ^L around the cycle",
        "; M̂ = I in the place of E, steps of 1 in the place",
    ),
    ("layer-steps", "M̂ = I not asked", f"; {CHEBYSHEV}"),
]


@pytest.mark.parametrize("id, mutant, words", TOLD)
def test_an_instance_tells_what_was_computed_where_it_is_not_what_it_has(id, mutant, words):
    found = [str(verdict.counterexample) for verdict in refuted(id)[mutant].values()]
    assert len(found) >= 2 and all(words in each for each in found)


def test_the_sentence_on_the_limit_is_the_one_of_the_smoothed_model():
    [update, *_] = result("averagers").assertions
    about = {"the limit is v_CE", "rewards smoothed, transitions not", "transitions smoothed, rewards not"}
    assert update.id == "averagers/update" and not about & set(update.mutants)
    [limit] = [each for each in result("averagers").assertions if each.id == "averagers/limit"]
    assert about < set(limit.mutants)


def stands_on_nothing(found: ClaimResult) -> list[str]:
    """The sentences of a claim that no check passed on, or of which no wrong variant is refuted; the proof checker refuses its own."""
    return [
        f"{found.claim.id}/{each.assertion.id}"
        for each in found.assertions
        if not each.kinds or not each.mutants and not each.assertion.basis and each.kinds != ["kernel"]
    ]


@pytest.mark.parametrize("id", CLAIMS)
def test_every_sentence_stands_on_a_check_that_can_fail(id):
    assert stands_on_nothing(result(id)) == []


def test_a_sentence_that_nothing_checks_is_noticed():
    right = result("rate-floor")
    claim = replace(right.claim, assertions=(*right.claim.assertions, Assertion("more", "The earth is flat.")))
    assert stands_on_nothing(replace(right, claim=claim)) == ["rate-floor/more"]
    alone = [one for one in right.mutants if "factor" not in one.mutant.name and "least" not in one.mutant.name]
    assert stands_on_nothing(replace(right, mutants=alone)) == [
        "rate-floor/eigenvector",
        "rate-floor/floor",
    ]


def test_a_mutant_of_a_piece_changes_the_sentence_that_is_printed():
    printed = [(claim, each) for claim in CLAIMS.values() for each in claim.assertions if callable(each.words)]
    assert len(printed) >= 3
    for claim, each in printed:
        said = each.text(claim.subject)
        assert any(each.text(mutant.subject) != said for mutant in claim.mutants), f"{claim.id}/{each.id}"


def typed_without_reason(claim: Claim) -> list[str]:
    """The assertions whose formulas are typed and that do not say why, or say so of what has none."""
    typed = [(each, each.words) for each in claim.asserted if isinstance(each.words, str) and not each.basis]
    return [claim.name_of(each) for each, words in typed if ("$" in words) != bool(each.typed)]


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_a_formula_is_printed_by_what_the_checks_call_or_says_why_it_is_typed(claim):
    assert typed_without_reason(claim) == []


def test_a_formula_that_does_not_say_why_it_is_typed_is_noticed():
    more = (Assertion("words", "None."), Assertion("typed", "$1 = 1$."), Assertion("said", "$x$.", typed="names"))
    claim = CLAIMS["rate-floor"]
    assert typed_without_reason(replace(claim, assertions=(*claim.assertions, *more))) == ["rate-floor/typed"]


def asked_of(subject: object) -> dict[str, object]:
    """The pieces of a subject by name, those of its own pieces too."""
    fields = {name: getattr(subject, name) for name in getattr(subject, "__dataclass_fields__", ())}
    inside = [asked_of(piece) for piece in fields.values()]
    return {
        f"{number}.{name}": piece for number, pieces in enumerate(inside) for name, piece in pieces.items()
    } | fields


def unasked(claim: Claim) -> list[str]:
    """The hypotheses whose predicate is no piece of the subject, or one that the mutant that drops it has as well."""
    pieces = asked_of(claim.subject)
    others = {mutant.name: asked_of(mutant.subject) for mutant in claim.mutants}
    return [
        each.words
        for each in claim.hypotheses
        if each.holds
        and not any(
            piece is each.holds and (not each.dropped or others[each.dropped].get(name) is not piece)
            for name, piece in pieces.items()
        )
    ]


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_the_predicate_of_a_hypothesis_is_what_the_checks_filter_by(claim):
    assert unasked(claim) == []


def test_a_predicate_that_nothing_filters_by_is_noticed():
    [claim] = [claim for claim in CLAIMS.values() if claim.id == "kernel-td"]
    for other in ({"holds": lambda *_: True}, {"dropped": claim.mutants[0].name}):
        made = [replace(each, **other) if each.holds and each.dropped else each for each in claim.hypotheses]
        assert len(unasked(replace(claim, hypotheses=tuple(made)))) == sum(
            bool(each.holds and each.dropped) for each in claim.hypotheses
        )


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_a_hypothesis_is_needed_or_says_why_that_is_not_told(claim):
    for hypothesis in claim.hypotheses:
        if hypothesis.dropped:
            assert result(claim.id).needed(hypothesis), hypothesis.words


def stale(written: dict[Path, str]) -> list[str]:
    """The generated files that are not on disk as they would be written now."""
    return [
        path.name for path, text in written.items() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


@pytest.fixture(scope="module")
def written() -> dict[Path, str]:
    return pages([result(id) for id in CLAIMS], ROOT)


def test_the_generated_pages_are_what_make_ledger_would_write(written):
    assert stale(written) == [], "run `make ledger` and commit what it writes"


def test_a_stale_page_is_noticed(written, tmp_path):
    [(path, text)] = [(path, text) for path, text in written.items() if path.name == "status.md"]
    old = tmp_path / "status.md"
    old.write_text(text.replace("**checked**", "**failed**", 1), encoding="utf-8")
    assert stale({old: text, tmp_path / "map.md": "new"}) == ["status.md", "map.md"]


def test_nothing_else_lies_among_the_generated_theorems(written):
    on_disk = set((ROOT / "book" / "_generated").glob("*/*.md"))
    assert on_disk == {path for path in written if "_generated" in path.parts}


def swallowing(text: str) -> list[str]:
    """The lines that look like a fence, and are none, since a backtick follows: CommonMark then reads on to the next fence."""
    return re.findall(r"^ *`{3,}[^`\n]+`.*", text, re.MULTILINE)


def test_no_generated_page_has_a_backtick_after_a_fence(written):
    assert {path.name: found for path, text in written.items() if (found := swallowing(text))} == {}


def test_a_planted_fence_with_a_backtick_is_noticed():
    fence = "````{dropdown} `x`: where it is checked"
    assert swallowing(f"before\n\n{fence}\ncode\n````\n") == [fence]
    assert swallowing(f"{fence.replace('`x`', 'x')}\n```coq\n`S j`\n```\n````\n") == []


def chapters() -> dict[str, str]:
    """The text of every chapter, by file stem."""
    return {
        path.stem: "\n\n".join(
            cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"
        )
        for path in sorted((ROOT / "book").glob("*.ipynb"))
    }


def test_every_claim_is_stated_once_in_its_chapter_and_nowhere_else():
    stated = [
        (id, chapter)
        for chapter, text in chapters().items()
        for id in re.findall(r"_generated/theorems/([\w-]+)\.md", text)
    ]
    assert sorted(stated) == sorted((claim.id, claim.chapter) for claim in CLAIMS.values())


def test_no_theorem_of_the_book_is_typed_by_hand():
    for chapter, text in chapters().items():
        typed = STATED & set(re.findall(r"\{prf:(\w+)\}", text))
        assert not typed, f"{chapter} states a {typed.pop()} that is no claim"


def test_the_table_of_the_readme_needs_its_marks():
    with pytest.raises(ValueError, match="README.md must hold <!-- status -->"):
        with_table("no marks", "table")
    assert with_table("a <!-- status --> old <!-- /status --> b", "new") == "a <!-- status -->\nnew\n<!-- /status --> b"
