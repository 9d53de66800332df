"""The claims about the predecessor's four methods: hand-worked numbers, errors that must be found, and samples that test what they say."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from sympy import BlockMatrix, MatrixSymbol, ZeroMatrix

from conftest import PAIRS, check_of
from icrl import td
from icrl.algebra import identity, kind, place
from icrl.claims.foundations import linear_average_reward, linear_residual_gradient, linear_td, linear_td_lambda
from icrl.verify.judging import blocks as sy
from icrl.verify.model import Budget
from icrl.verify.pages.status import box
from icrl.verify.routes import linear_methods
from icrl.verify.run import judge

FEW = Budget(trials=30)
CLAIMS = {
    module.CLAIM.id: module.CLAIM
    for module in (linear_td, linear_td_lambda, linear_residual_gradient, linear_average_reward)
}
OURS = [(claim, check) for claim, check in PAIRS if claim.id in CLAIMS]
EACH = pytest.mark.parametrize("claim, check", OURS, ids=[f"{claim.id}-{check.kind}" for claim, check in OURS])


def test_every_kind_that_can_serve_is_there():
    assert {(id, *(check.kind for check in claim.checks)) for id, claim in CLAIMS.items()} == {
        (id, "kernel", "symbolic", "exact", "numeric") for id in CLAIMS
    }


def not_a_number(method):
    """The method with NaN in V."""
    nan = float("nan")
    return linear_methods.edited(method, lambda h, site: replace(h, V=h.V * nan))


NAN = {id: not_a_number(claim.subject) for id, claim in CLAIMS.items()}


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
    right = linear_residual_gradient.squares
    monkeypatch.setattr(linear_residual_gradient, "squares", lambda sample, w: 2 * right(sample, w))
    verdict = judge(check_of("linear-residual-gradient", kind), CLAIMS["linear-residual-gradient"].subject, FEW)
    assert "against the loss" in verdict.counterexample.where


# The samples, and the small pieces.


def test_traces_need_no_mask():
    """T clears the query column: without the mask every check still passes."""
    for claim, check in OURS:
        if claim.id == "linear-td-lambda":
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


def test_the_squared_error_by_hand():
    """One transition, x = x' = 1, r = 1, γ = ½: δ = 1 − w/2, and δ² is 1 at 0 and ¼ at 1."""
    w = linear_methods.ONE.w
    assert [linear_residual_gradient.squares(linear_methods.ONE, w + side) * 4 for side in (0, 1)] == [4, 1]


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
    text = box(CLAIMS[id])
    assert SHOWN[id] in text and "\t" not in text
