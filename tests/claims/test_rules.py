"""The rules by which claims are judged: what refutes, what does not, and that each part of a check can fail."""

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from importlib import import_module
from itertools import chain, islice, repeat
from pathlib import Path
from random import Random

import numpy as np
import pytest
from flint import arb
from sympy import BlockMatrix, ZeroMatrix, exp, symbols

from conftest import PAIRS, check_of
from icrl import td
from icrl.claims import CLAIMS
from icrl.claims.foundations import batch_td, bellman, linear, lstd, mask_leak, stationary
from icrl.claims.theorem import softmax_td, two_heads
from icrl.verify.instances.cases import (
    as_batch,
    as_matrices,
    float_case,
    rational_case,
    shapes,
    symbol_case,
    td_prompts,
)
from icrl.verify.judging import blocks as sy
from icrl.verify.judging.differences import Undecided, balls_differ, entries_differ
from icrl.verify.judging.parts import Exactly, Part, asserting, first_failure, in_balls
from icrl.verify.judging.prompts import first_difference
from icrl.verify.model import Assertion, Budget, Check, Counterexample, Hypothesis, Verdict
from icrl.verify.pages.status import code_shown, marked
from icrl.verify.routes.edits import Machine, compare_case
from icrl.verify.run import judge, run_claim

FEW = Budget(trials=100)


DEPTH_TWO = {  # the value of S_0 after two layers, from r = 0 and v_0 = 1; right is 9/16
    "shift reversed": "3/8",
    "target row not cleared": "13/16",
    "γ missing in the target-memory step": "3/4",
    "no target-memory step": "5/8",
}


@pytest.mark.parametrize("name", DEPTH_TWO)
def test_wrong_target_memories_show_in_the_second_layers_values(name):
    mutant = next(mutant for mutant in softmax_td.MUTANTS if mutant.name == name)
    case = softmax_td.SMALLEST[2]
    assert str(list(td_prompts(case))[2][3][0]) == "9/16"
    *_, Z = mutant.subject.run(*as_matrices(case))
    assert str(Z[-1, 0]) == DEPTH_TWO[name]


RATE = CLAIMS["rate-floor"]


def test_the_mask_of_minus_100_is_refuted_by_disjoint_balls():
    claim = CLAIMS["mask-leak"]
    result = run_claim(claim, kind="certified")
    refuted = next(mutant for mutant in result.mutants if "−100" in mutant.mutant.name)
    assert refuted.refuted and "e-44" in refuted.instance


# The rules.


def test_a_check_that_no_mutant_can_fail_is_refused():
    claim = CLAIMS["two-heads"]
    with pytest.raises(ValueError, match="claim two-heads: no mutant can fail its symbolic check"):
        replace(claim, mutants=tuple(replace(mutant, unseen={"symbolic": "blind"}) for mutant in claim.mutants))
    with pytest.raises(ValueError, match="kind must be one of"):
        replace(claim, checks=(Check("obvious", "everywhere", lambda subject, budget: Verdict(True, "")),))


def test_balls_that_are_too_wide_prove_nothing():
    differ = balls_differ(scale=1.0)
    assert differ(arb(1), arb(2)) is True and differ(arb(1), arb(1)) is False
    with pytest.raises(Undecided, match="wider than"):
        differ(arb(1, 1e-20), arb(1))
    with pytest.raises(Undecided, match="not finite"):
        differ(arb("nan"), arb(1))
    wide = replace(
        softmax_td.CLAIM, checks=tuple(check for check in softmax_td.CLAIM.checks if check.kind == "certified")
    )
    machine = Machine(edit=lambda p, site: p.with_head(V=p.head.V * arb(1, 1e-30)))
    verdict = judge(wide.checks[0], machine, FEW)
    assert verdict.passed is False and verdict.counterexample is None


def test_a_check_in_balls_counts_what_it_was_given():
    assert in_balls(iter([None] * 3), "inputs", "every difference").detail.startswith("3 inputs at 256 bits")


def test_a_counterexample_tells_every_assertion_that_fails_at_its_instance():
    one, two = Fraction(1), Fraction(2)

    def breaking():
        yield Part("b", two, one)
        raise ZeroDivisionError

    parts = chain(
        asserting("a", [Part("a", two, one)]), asserting("right", [Part("x", one, one)]), asserting("b", breaking())
    )
    met = Counter()
    found = first_failure("here", parts, Exactly(), met)
    assert (found.where, found.asserted, met) == ("a", ("a", "b"), {"a": 1})


def test_a_stray_float_fails_an_exact_check():
    with pytest.raises(TypeError, match="exact check met a float"):
        entries_differ(0.5, rational_case(Random(0), 1, 1, 1).gamma)
    verdict = judge(check_of("softmax-td", "exact"), Machine(edit=lambda p, site: p.with_head(V=p.head.V * 1.0)), FEW)
    assert verdict.passed is False and verdict.counterexample is None and "float" in verdict.detail


def test_numbers_that_are_not_finite_fail_the_numeric_check_without_refuting():
    numeric = check_of("softmax-td", "numeric")
    verdict = judge(numeric, Machine(edit=lambda p, site: p.with_head(V=p.head.V * float("inf"))), Budget(trials=5))
    assert verdict.passed is False and verdict.counterexample is None


def test_random_instances_cover_what_the_scope_says():
    rng = np.random.default_rng(0)
    drawn = list(shapes(rng, 2000))
    assert sum(count for count, *_ in drawn) == 2000
    assert sum(count for count, n, _, depth in drawn if n >= 64 and depth >= 32) >= 300
    assert {min(n for _, n, _, _ in drawn), min(d for *_, d, _ in drawn), min(depth for *_, depth in drawn)} == {0, 1}
    assert (
        max(n for _, n, _, _ in drawn) > 120
        and max(d for *_, d, _ in drawn) == 16
        and max(depth for *_, depth in drawn) > 60
    )
    cases = [float_case(rng, 20, 3, 2) for _ in range(300)]
    norms = [max(sum(x * x for x in row) for row in case.features) for case in cases]
    assert min(norms) < 1e-6 and max(norms) > 800
    assert any(len(set(case.states)) < 5 for case in cases) and all(any(case.v) for case in cases)
    assert any(case.A != np.eye(3).tolist() for case in cases) and all(
        0 < a <= 1 for case in cases for a in case.alphas
    )


@pytest.mark.parametrize("claim, check", PAIRS, ids=[f"{claim.id}-{check.kind}" for claim, check in PAIRS])
def test_a_check_says_what_it_draws_and_shows_where_the_statement_is_checked(claim, check):
    assert check.kind == "symbolic" or callable(check.words), "the scope is typed, not computed from what is drawn"
    assert check.shows and "<" not in code_shown([check])


def test_the_words_of_a_scope_follow_what_a_statement_draws():
    drawn, words = linear.STATED.exact(linear.STATED.subject), linear.STATED.scope("exact")
    longer = rational_case(Random(0), 9, 2, 1)
    of = lambda cases: replace(linear.STATED, exact=lambda claim: cases).scope("exact")()
    assert words() == of(drawn) == check_of("linear", "exact").scope
    assert words().startswith(f"{len(drawn)} contexts in rationals: n in 1..6, ")
    assert of(drawn[1:]).startswith(f"{len(drawn) - 1} contexts in rationals: n in 1..6, ")
    assert of([*drawn, longer]).startswith(f"{len(drawn) + 1} contexts in rationals: n in 1..9, ")


def test_the_words_and_the_verdict_of_a_check_of_its_own_follow_its_sampler(monkeypatch):
    monkeypatch.setattr(bellman, "GRID", [shape for shape in bellman.GRID if shape[0] < 3])
    check = check_of("bellman", "exact")
    assert check.words().startswith("25 processes in rationals: |S| in 1..2, ")
    assert check.run(bellman.Equation(), FEW).detail.startswith("25 rational processes: ")


@pytest.mark.parametrize(
    "made, message",
    [
        (lambda: Assertion("a", "words", "proved", "there"), "basis of assertion a must be empty, or argued or cited"),
        (lambda: Assertion("a", "words", "cited"), "got 'cited' with where = ''"),
        (lambda: Hypothesis("words"), "must name the mutant that drops it, or give a reason, got '' and ''"),
        (lambda: Hypothesis("words", "m", "why"), "got 'm' and 'why'"),
        (lambda: replace(RATE, assertions=RATE.assertions * 2), "an id of its own, got eigenvector twice"),
        (lambda: replace(RATE, assertions=RATE.assertions[1:]), "must be among attained, floor, got eigenvector"),
        (lambda: replace(RATE, hypotheses=(Hypothesis("words", "m"),)), "no mutant is called 'm'"),
    ],
)
def test_a_sentence_or_a_hypothesis_that_hangs_in_the_air_is_refused(made, message):
    with pytest.raises(ValueError, match=message):
        made()


def test_claims_rest_on_claims_without_a_circle():
    order = list(CLAIMS)
    assert all(order.index(below) < order.index(claim.id) for claim in CLAIMS.values() for below in claim.rests_on)


# Each part of a check has been seen to fail.


def nan(*_):
    return float("nan")


NAN = {
    "bellman": bellman.Equation(operator=lambda P, r, gamma, v: r * float("nan")),
    "stationary": stationary.Stationary(factor=nan),
    "batch-td": batch_td.BatchTD(
        algorithm=lambda states, rewards, gamma, alphas, v: repeat(dict.fromkeys(v, float("nan")))
    ),
    "lstd": lstd.System(b=lambda X, X_next, R: X @ R.T * float("nan")),
    "mask-leak": mask_leak.Leak(machine=Machine(edit=lambda p, site: p.with_head(V=p.head.V * float("nan")))),
    "softmax-td": Machine(edit=lambda p, site: p.with_head(V=p.head.V * float("nan"))),
    "two-heads": two_heads.Lemma(gap=lambda bands, gamma: bands.target * float("nan")),
}
for path in sorted(set(Path(__file__).parent.glob("test_*.py")) - {Path(__file__)}):
    NAN |= getattr(import_module(f"{__package__}.{path.stem}"), "NAN", {})


@pytest.mark.parametrize("claim, check", PAIRS, ids=[f"{claim.id}-{check.kind}" for claim, check in PAIRS])
def test_nan_fails_every_check_and_refutes_nothing(claim, check):
    verdict = judge(check, NAN[claim.id], FEW)
    assert verdict.passed is False and verdict.counterexample is None


@pytest.mark.parametrize("kind", ["exact", "numeric"])
def test_an_algorithm_that_stops_early_fails(kind, monkeypatch):
    check = check_of("batch-td", kind)
    only_the_start = batch_td.BatchTD(algorithm=lambda states, rewards, gamma, alphas, v: iter([v]))
    assert "1 came" in judge(check, only_the_start, FEW).detail
    monkeypatch.setattr(td, "linear_td", lambda states, rewards, features, gamma, alphas, w: iter([w]))
    check = check_of("lstd", kind)
    assert "1 came" in judge(check, lstd.System(), FEW).detail


def test_a_transformer_that_stops_early_fails_the_numeric_check():
    class Short(Machine):
        def run(self, *matrices):
            return islice(super().run(*matrices), 1)

    verdict = judge(check_of("softmax-td", "numeric"), Short(), FEW)
    assert verdict.passed is False and verdict.counterexample is None


@pytest.mark.parametrize(
    "mutant", [m for m in softmax_td.MUTANTS if "exact" not in m.unseen], ids=lambda mutant: mutant.name
)
def test_explicit_symbols_alone_refute_each_mutant(mutant):
    cases = [symbol_case(*shape) for shape in ((1, 1, 1), (2, 0, 2), (2, 2, 1))]
    assert any(compare_case(mutant.subject, case, "symbols", entries_differ) for case in cases)


def test_symbols_are_compared_as_functions_and_not_as_they_are_written():
    x, y = symbols("x y")
    assert not entries_differ((x + y) ** 2, x**2 + 2 * x * y + y**2)
    assert not entries_differ(exp(x) / (exp(x) + exp(y)), 1 - exp(y) / (exp(x) + exp(y)))
    assert entries_differ(exp(x) / (exp(x) + exp(y)), exp(y) / (exp(x) + exp(y)))


def test_blocks_that_only_agree_at_the_probe_are_not_derived():
    """N² is 0 at n = 2 and at no larger n: the instance cannot tell, the derivation can."""
    row = lambda block: BlockMatrix([[block, ZeroMatrix(1, 1)]])
    verdict = sy.compare_blocks(row(sy.R * sy.N * sy.N), row(ZeroMatrix(1, sy.n)), sy.probe("alpha_l"), "here")
    assert verdict.passed is False and verdict.counterexample is None and "differ in form" in verdict.detail
    assert sy.compare_blocks(row(sy.R * sy.N), row(sy.R * sy.N), sy.probe("alpha_l"), "here") is None


@pytest.mark.parametrize("band, row", [("features", 0), ("reward", 1), ("target", 2), ("value", 3)])
def test_a_difference_in_any_band_is_found(band, row):
    case = rational_case(Random(0), 2, 1, 1)
    prompts = list(Machine().run(*as_matrices(case)))
    prompts[1][row, 2] += 1
    found = first_difference("here", prompts, td_prompts(case), entries_differ)
    assert found.where.startswith(f"layer 1, {band} row") and found.where.endswith("column 2")

    floats = [float_case(np.random.default_rng(0), 2, 1, 1)]
    batch = [np.array(Z) for Z in Machine().run(*as_batch(floats))]
    assert softmax_td.batch_difference(floats, batch)[1] is None
    batch[1][0, row, 2] += 1e-6
    assert softmax_td.batch_difference(floats, batch)[1].where == found.where


@pytest.mark.parametrize("got, right", [("nan", "1"), ("[[nan]]", "1"), ("-inf", "1"), ("zoo", "1"), ("1/2", "1/2")])
def test_what_is_not_finite_or_not_different_is_no_counterexample(got, right):
    with pytest.raises(ValueError, match="no counterexample"):
        Counterexample("here", "there", got, right)


NUMERIC = {claim.id: (claim, check) for claim, check in PAIRS if check.kind == "numeric"}


@pytest.mark.parametrize(
    "id", sorted(NUMERIC.keys() - {"emergence"})
)  # which trains one seed for each hundred instances
def test_a_numeric_check_draws_as_many_instances_as_asked(id):
    claim, check = NUMERIC[id]
    details = [judge(check, claim.subject, Budget(trials=trials)).detail for trials in (3, 4)]
    assert details[0] != details[1]


@pytest.mark.parametrize(
    "text, shown",
    [
        ("It is so.", "It is so. {ref}`✓ <status-rate-floor-a>`"),
        ("It is:\n\n$$\na = b\n$$ (eq-a)", "It is: {ref}`✓ <status-rate-floor-a>`\n\n$$\na = b\n$$ (eq-a)"),
        ("It is:\n\n$$\na\n$$\n\nand so.", "It is:\n\n$$\na\n$$\n\nand so. {ref}`✓ <status-rate-floor-a>`"),
        ("$$\na\n$$\n\nIt is:\n\n$$\nb\n$$", "$$\na\n$$\n\nIt is: {ref}`✓ <status-rate-floor-a>`\n\n$$\nb\n$$"),
    ],
)
def test_a_mark_stands_behind_the_words(text, shown):
    assert marked(text, RATE, Assertion("a", text)) == shown


def test_a_mark_leads_to_the_proof_or_to_the_source():
    argued, cited = Assertion("a", "", "argued", "proof-of-a"), Assertion("b", "", "cited", "Someone 2020")
    assert marked("So.", RATE, argued) == "So. {ref}`∴ <proof-of-a>`"
    assert marked("So.", RATE, cited) == "So. {ref}`† <status-rate-floor-b>`"
