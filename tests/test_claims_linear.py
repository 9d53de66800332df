"""The claims about the predecessor's four methods: hand-worked numbers, errors that must be found, and samples that test what they say."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from sympy import BlockMatrix, MatrixSymbol, ZeroMatrix

from conftest import check_of
from icrl import td
from icrl.algebra import identity, kind, place
from icrl.claims.foundations import linear_average_reward, linear_residual_gradient, linear_td, linear_td_lambda
from icrl.verify.judging import blocks as sy
from icrl.verify.model import Budget
from icrl.verify.routes import linear_methods
from icrl.verify.run import judge

FEW = Budget(trials=30)
CLAIMS = {
    module.CLAIM.id: module.CLAIM
    for module in (linear_td, linear_td_lambda, linear_residual_gradient, linear_average_reward)
}
PAIRS = [(claim, check) for claim in CLAIMS.values() for check in claim.checks]
EACH = pytest.mark.parametrize("claim, check", PAIRS, ids=[f"{claim.id}-{check.kind}" for claim, check in PAIRS])


SMALLEST = {  # where, got and right, worked out by hand: x(s) = 1, γ = α = ½, ϑ = ¼
    # one transition, x = x' = 1, r = 1, w_0 = 0: w_1 = ½, δ_1 = 1 + ¼ − ½ = ¾, w_2 = ⅞
    ("linear-td", "A's block of x with itself with a plus"): ("layer 1, last row, column 1", "1/2", "-1/2"),
    ("linear-td", "A's block of x with γx' with a minus"): ("layer 1, last row, column 0", "1/4", "3/4"),
    ("linear-td", "A transposed"): ("layer 1, last row, column 1", "-1/4", "-1/2"),
    ("linear-td", "V with a minus"): ("layer 1, last row, column 1", "1/2", "-1/2"),
    ("linear-td", "α missing"): ("layer 1, last row, column 1", "-1", "-1/2"),
    ("linear-td", "γ missing in the prompt"): ("layer 1, last row, column 0", "1", "3/4"),
    ("linear-td", "no mask"): ("layer 2, last row, column 1", "-5/8", "-7/8"),  # −½ − ½·¾ + ½·½
    ("linear-td", "softmax in the place of linear attention"): (
        "layer 1, last row, column 1",
        "1/2",
        "-1/2",
    ),  # one key has weight 1
    # the same with w_0 = 1, r = 0
    ("linear-td", "the query column without w₀"): ("layer 0, last row, column 1", "0", "-1"),
    # two transitions, x = 1, x' = 0, r = 0 and 1: w_1 = ½
    ("linear-td", "α/n in V, and α in the statement"): ("layer 1, last row, column 2", "-1/4", "-1/2"),
    # the same with traces e = 1, 5/4: w_1 = ⅝
    ("linear-td-lambda", "upper for lower triangle"): ("layer 1, last row, column 2", "-1/2", "-5/8"),
    ("linear-td-lambda", "traces that do not fade, ϑ = 1"): ("layer 1, last row, column 2", "-1", "-5/8"),
    ("linear-td-lambda", "λ in the place of γλ, at γ = 1/2"): ("layer 1, last row, column 2", "-3/4", "-5/8"),
    ("linear-td-lambda", "no triangle"): ("layer 1, last row, column 2", "-1/2", "-5/8"),
    # one transition, as above
    ("linear-td-lambda", "a transition missing from its own trace"): ("layer 1, last row, column 1", "0", "-1/2"),
    ("linear-td-lambda", "a scan that begins at the query column"): (
        "layer 2, last row, column 1",
        "-13/16",
        "-7/8",
    ),  # −⅞ + ½·½·¼
    ("linear-td-lambda", "A's block of x with γx' with a minus"): ("layer 1, last row, column 0", "1/4", "3/4"),
    ("linear-td-lambda", "α missing"): ("layer 1, last row, column 1", "-1", "-1/2"),
    ("linear-td-lambda", "γ missing in the prompt"): ("layer 1, last row, column 0", "1", "3/4"),
    ("linear-td-lambda", "the query column without w₀"): ("layer 0, last row, column 1", "0", "-1"),
    # one transition along x − γx' = ½: w_1 = ¼, δ_1 = 1 − ⅛ = ⅞, w_2 = ¼ + 7/32 = 15/32
    ("linear-residual-gradient", "the first row of A alone"): ("layer 1, last row, column 1", "-1/2", "-1/4"),
    ("linear-residual-gradient", "A's block of γx' with x missing"): ("layer 1, last row, column 1", "-1/2", "-1/4"),
    ("linear-residual-gradient", "A's block of γx' with itself missing"): (
        "layer 1, last row, column 0",
        "1",
        "7/8",
    ),  # −1 + ½ + ½ = 0
    ("linear-residual-gradient", "the second row of A with its signs turned"): (
        "layer 1, last row, column 1",
        "-3/4",
        "-1/4",
    ),
    ("linear-residual-gradient", "V with a minus"): ("layer 1, last row, column 1", "1/4", "-1/4"),
    ("linear-residual-gradient", "α missing"): ("layer 1, last row, column 1", "-1/2", "-1/4"),
    ("linear-residual-gradient", "γ missing in the prompt"): ("layer 1, last row, column 1", "0", "-1/4"),
    ("linear-residual-gradient", "no mask"): ("layer 2, last row, column 1", "-11/32", "-15/32"),  # −15/32 + ½·¼
    ("linear-residual-gradient", "the query column without w₀"): ("layer 0, last row, column 1", "0", "-1"),
    # two transitions, x = 1, x' = 0, r = 0 and 1, less their running means 0 and ½: w_1 = ¼, δ_1 = −¼ and ¼, w_2 = ¼
    ("linear-average-reward", "the first head alone"): ("layer 1, last row, column 2", "0", "-1/4"),
    ("linear-average-reward", "the second head alone"): ("layer 2, last row, column 2", "-1/2", "-1/4"),
    ("linear-average-reward", "the mean of all the rewards"): ("layer 1, last row, column 2", "0", "-1/4"),  # −½ and ½
    ("linear-average-reward", "both heads read the last row"): ("layer 1, last row, column 2", "0", "-1/4"),
    ("linear-average-reward", "the second head's scan in the first too"): (
        "layer 2, last row, column 2",
        "-1/2",
        "-1/4",
    ),  # −¼ and −¼ less their means: 0
    ("linear-average-reward", "α missing"): ("layer 1, last row, column 2", "-1/2", "-1/4"),
    # one transition, r = 1, less its own mean: 0
    ("linear-average-reward", "a mean that leaves out the reward itself"): ("layer 1, last row, column 1", "-1/2", "0"),
    ("linear-average-reward", "rewards as they are"): ("layer 1, last row, column 1", "-1/2", "0"),
    ("linear-average-reward", "γ = 1/2 in the prompt"): ("layer 0, the rows above, entry 1, 0", "1/2", "1"),
    # one transition with x = x' = 1, w_0 = 1 and no reward: TD(0)'s error is 0, the query's is −1
    ("linear-average-reward", "no mask"): ("layer 1, last row, column 1", "-1/2", "-1"),
    ("linear-average-reward", "the query column without w₀"): ("layer 0, last row, column 1", "0", "-1"),
}


def test_every_mutant_has_its_smallest_counterexample():
    assert set(SMALLEST) == {(claim.id, mutant.name) for claim in CLAIMS.values() for mutant in claim.mutants}


@pytest.mark.parametrize("id, name", SMALLEST)
def test_the_smallest_counterexamples_are_those_worked_out_by_hand(id, name):
    mutant = next(mutant for mutant in CLAIMS[id].mutants if mutant.name == name)
    found = judge(check_of(id, "exact"), mutant.subject, FEW).counterexample
    assert (found.where, found.got, found.right) == SMALLEST[id, name]


def not_a_number(method):
    """The method with NaN in V."""
    nan = float("nan")
    return linear_methods.edited(method, lambda h, site: replace(h, V=h.V * nan))


NAN = {id: not_a_number(claim.subject) for id, claim in CLAIMS.items()}


@EACH
def test_nan_fails_every_check_and_refutes_nothing(claim, check):
    verdict = judge(check, NAN[claim.id], FEW)
    assert verdict.passed is False and verdict.counterexample is None


# What is planted in the Transformer or in the loops is found.


LOOPS = {id: id.replace("-", "_") for id in CLAIMS} | {"linear-td": "linear_td_lambda"}


@pytest.mark.parametrize("kind", ["exact", "numeric"])
@pytest.mark.parametrize("id, loop", LOOPS.items())
def test_a_loop_that_is_off_by_little_is_found(id, loop, kind, monkeypatch):
    right = getattr(td, loop)
    monkeypatch.setattr(td, loop, lambda *given: ([wi * (10**9 + 1) / 10**9 for wi in w] for w in right(*given)))
    verdict = judge(check_of(id, kind), CLAIMS[id].subject, FEW)
    assert verdict.passed is False and (kind == "exact" or verdict.counterexample), verdict


@pytest.mark.parametrize("id, loop", LOOPS.items())
def test_a_loop_that_stops_early_fails(id, loop, monkeypatch):
    monkeypatch.setattr(td, loop, lambda *given: iter([given[-1]]))
    assert "1 came" in judge(check_of(id, "exact"), CLAIMS[id].subject, FEW).detail


def restless(method):
    """The method whose first head also adds the last row to the first feature's."""

    def edit(p, site):
        bands = method.bands(site.d)
        first = MatrixSymbol("x", site.d, 1) if kind(site.like) == "blocks" else identity(site.d, site.like)[:, :1]
        return replace(p, V=p.V + place({(0, len(bands) - 1): first}, bands, bands, site.like))

    return linear_methods.edited(method, edit)


@EACH
def test_a_layer_that_moves_the_rows_above_is_found(claim, check):
    verdict = judge(check, restless(claim.subject), FEW)
    assert verdict.passed is False and verdict.counterexample, verdict


@pytest.mark.parametrize("kind", ["exact", "numeric"])
def test_this_books_prompt_is_compared_too(kind, monkeypatch):
    right = linear_td.values
    monkeypatch.setattr(linear_td, "values", lambda sample: [value + 1 for value in right(sample)])
    verdict = judge(check_of("linear-td", kind), CLAIMS["linear-td"].subject, FEW)
    assert "in the prompt of values" in verdict.counterexample.where


@pytest.mark.parametrize("kind", ["exact", "numeric"])
def test_the_residual_gradient_is_compared_with_the_loss(kind, monkeypatch):
    right = linear_residual_gradient.loss
    monkeypatch.setattr(linear_residual_gradient, "loss", lambda sample, w: 2 * right(sample, w))
    verdict = judge(check_of("linear-residual-gradient", kind), CLAIMS["linear-residual-gradient"].subject, FEW)
    assert "against the loss" in verdict.counterexample.where


# The samples, and the small pieces.


def test_traces_need_no_mask():
    """T clears the query column: without the mask every check still passes."""
    for check in CLAIMS["linear-td-lambda"].checks:
        assert judge(check, linear_methods.unmasked(linear_td_lambda.METHOD), FEW).passed, check.kind


def test_the_samples_are_of_every_sort():
    for samples in (list(linear_methods.rational_samples()), list(islice(linear_methods.float_samples(0), 200))):
        chained = [sample for sample in samples if linear_methods.is_chained(sample)]
        assert len(samples) // 3 <= len(chained) <= 2 * len(samples) // 3
        assert all(np.any(sample.w != 0) for sample in samples if sample.w.size > 1)
        assert (
            len({len(sample.before) for sample in samples}) >= 3
            and min(sample.before.shape[1] for sample in samples) == 1
        )
    assert max(sample.before.shape[1] for sample in samples) > 50 and max(len(sample.alphas) for sample in samples) > 25
    assert sum(len(set(sample.alphas)) == 2 for sample in samples) > 100


def test_many_float_iterates_diverge_and_many_do_not():
    deep = [sample for sample in islice(linear_methods.float_samples(0), 200) if len(sample.alphas) > 8]
    sizes = np.array([np.abs(linear_methods.prompts(linear_td.METHOD, sample)[-1][-1]).max() for sample in deep])
    assert sum(sizes > 1e3) >= 10 and sum(sizes < 10) >= 30


def test_a_chained_sample_is_a_context():
    sample = next(linear_methods.float_samples(0))
    chained = linear_methods.chained(sample)
    assert np.array_equal(chained.after[:, :-1], sample.before[:, 1:]) and np.array_equal(
        chained.after[:, -1:], sample.query
    )
    assert (
        linear_methods.is_chained(chained)
        and linear_methods.is_chained(linear_methods.ONE)
        and not linear_methods.is_chained(linear_methods.ENDING)
    )


def test_the_loss_by_hand():
    """One transition, x = x' = 1, r = 1, γ = ½: δ = 1 − w/2, and ½δ² is ½ at 0 and ⅛ at 1."""
    w = linear_methods.ONE.w
    assert [linear_residual_gradient.loss(linear_methods.ONE, w + side) * 8 for side in (0, 1)] == [4, 1]


def test_blocks_that_only_agree_at_the_point_are_not_derived():
    """At n = 2 the square of T − I is 0, at larger n it is not: the point cannot tell, the derivation can."""
    strict = linear_methods.T - sy.Identity(sy.n)
    row = lambda block: BlockMatrix([[block, ZeroMatrix(1, 1)]])
    verdict = linear_methods.first_block(row(sy.R * strict * strict), row(ZeroMatrix(1, sy.n)), "here")
    assert verdict.passed is False and verdict.counterexample is None and "differ in form" in verdict.detail


SHOWN = {
    "linear-td": r"\gamma X^{+} & 0",
    "linear-td-lambda": r"X T^\top \delta_l^\top",
    "linear-residual-gradient": r"\left(X - \gamma X^{+}\right) \delta_l^\top",
    "linear-average-reward": r"w_{l}^\top X^{+} - w_{l}^\top X & - w_{l}^\top x",
}


@pytest.mark.parametrize("id", SHOWN)
def test_the_statement_shows_what_was_checked(id):
    text = CLAIMS[id].statement()
    assert SHOWN[id] in text and "\t" not in text
