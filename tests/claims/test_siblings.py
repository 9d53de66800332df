"""The claims about the siblings of softmax TD: hand-worked numbers, hypotheses that are needed, errors planted in the library."""

import math
from dataclasses import replace
from fractions import Fraction as F
from itertools import islice

import numpy as np
import pytest

from conftest import check_of
from icrl import siblings
from icrl.claims.family import softmax_average_reward, softmax_residual_gradient, softmax_td_lambda, weights
from icrl.verify.instances import contexts
from icrl.verify.instances.cases import power_of_two, smallest
from icrl.verify.judging.parts import Exactly, first_failure
from icrl.verify.model import Budget
from icrl.verify.routes import exact_algebra, grouping
from icrl.verify.run import judge

FEW = Budget(trials=40)
CLAIMS = {
    module.CLAIM.id: module.CLAIM
    for module in (softmax_td_lambda, softmax_residual_gradient, softmax_average_reward, weights)
}
MUTANTS = [(id, mutant.name) for id, claim in CLAIMS.items() for mutant in claim.mutants]


def test_every_kind_that_can_serve_is_there():
    assert {id: [check.kind for check in claim.checks] for id, claim in CLAIMS.items()} == {
        "softmax-td-lambda": ["kernel", "exact", "certified", "numeric"],
        "softmax-residual-gradient": ["kernel", "exact", "certified", "numeric"],
        "softmax-average-reward": ["kernel", "exact", "numeric"],
        "weights": ["kernel", "symbolic", "exact", "numeric"],
    }


PAIRS = [(id, check.kind) for id, claim in CLAIMS.items() for check in claim.checks]


NAN = {
    "softmax-td-lambda": softmax_td_lambda.Traces(target=lambda case, lam, v: [float("nan")] * case.n),
    "softmax-residual-gradient": softmax_residual_gradient.Residual(minimiser=lambda case, H, g: float("nan") * g),
    "softmax-average-reward": softmax_average_reward.Average(drift=lambda alpha, gain, mean: float("nan")),
    "weights": weights.Importance(model=lambda omega, C, D, R: (float("nan") * (C.T @ D), C.T @ R)),
}


# Limits, by hand.

COIN = smallest((0, 0, 1, 0), r=(1, 0, 0), v=(0, 0), x=((1, 0), (0, 1)), A=((1, 0), (0, 1)))


def fixed(case, loop):
    """What the loop keeps, by solving for it."""
    layer = grouping.one_update(case, loop)
    return exact_algebra.solved(*softmax_td_lambda.fixed_point_system(layer, case)).tolist()


def test_one_context_and_its_limits():
    """T = (0, 0, 1, 0), r = (1, 0, 0), γ = ½. TD: v(0) = ½(1 + v(0)/2) + ½·v(1)/2, v(1) = v(0)/2, so v(0)(1 − ¼ − ⅛) = ½.

    λ = 1: v(1) = v(0)/2 and v(0) = ½(1 + v(0)/8) + ½(v(0)/4), so v(0)(1 − 3/16) = ½. Residual gradient, v = (a, b): the sum
    of the squares of 1 − a/2, b/2 − a and a/2 − b is least where 3a/2 − b = ½ and 5b/4 = a.
    """
    assert grouping.certainty_equivalence(COIN).tolist() == [F(4, 5), F(2, 5)]
    assert fixed(COIN, lambda case: softmax_td_lambda.td_lambda(case, F(1))) == [F(8, 13), F(4, 13)]
    assert fixed(COIN, softmax_residual_gradient.loop) == [F(5, 7), F(4, 7)]


def test_the_residual_gradient_need_not_go_down():
    """T = (1, 1, 0), γ = ⅓, x = (5, 1), E = 2^t: H = (1/9, −1/3; −1/3, 13/9), κ(1, ·) = (32, 2)/38, κ(0, 1) = 32/(2²⁵ + 96).

    Were κ(0, ·) = (1, 0), which it nearly is, the trace of κH were 1/9 + 13/171 − 16/57 < 0: some eigenvalue has a negative real part.
    """
    plain = smallest((1, 1, 0), r=(0, 0), v=(0, 0), x=((5,), (1,)))
    case = replace(plain, gamma=F(1, 3), exp=power_of_two)
    kappa = softmax_residual_gradient.keys_of(case)
    assert kappa[1].tolist() == [F(16, 19), F(1, 19)] and kappa[0, 1] == F(32, 2**25 + 96)
    flat = lambda v: v - softmax_residual_gradient.gradient(case, case.gamma, v) / 2
    H = softmax_td_lambda.fixed_point_system(flat, case)[0]
    assert H.tolist() == [[F(1, 9), F(-1, 3)], [F(-1, 3), F(13, 9)]]
    assert F(1, 9) + F(13, 171) - F(16, 57) < (kappa @ H).trace() + F(1, 10**4) < -F(9, 100)


def test_poisson_by_hand():
    """T = (0, 1, 0, 0), r = (3, 0, 0), one-hot: π_e = (⅔, ⅓) = n_s/n, r̂ = (3/2, 0), gain 1 = r̄: no drift; h(1) = 0 − 1 + h(0)."""
    case = softmax_average_reward.at_one(replace(COIN, states=[0, 1, 0, 0], rewards=[F(3), F(0), F(0)]))
    operator = grouping.operator_of(case)
    assert softmax_average_reward.stationary(case, operator.transition).tolist() == [F(2, 3), F(1, 3)]
    assert softmax_average_reward.bias(case, operator.transition, operator.reward, F(1)).tolist() == [0, -1]


def test_the_weighted_value_by_hand():
    """ρ = (2, 1, 1): r_ρ(0) = ⅔, P_ρ(0, ·) = (⅔, ⅓), v(1) = v(0)/2: v(0)(1 − ⅓ − 1/12) = ⅔."""
    assert weights.by_counting(weights.COIN).tolist() == [F(8, 7), F(4, 7)]


# Hypotheses that are no mutants.


def failure(parts):
    """The first part that fails, in fractions."""
    return first_failure("here", parts, Exactly())


@pytest.mark.parametrize(
    "module, subject, case",
    [
        (softmax_td_lambda, softmax_td_lambda.Traces(moving=lambda case: True), COIN),
        (softmax_residual_gradient, softmax_residual_gradient.Residual(moving=lambda case: True), COIN),
        (weights, weights.Importance(moving=lambda case: True), weights.COIN),
    ],
)
def test_without_a_step_everything_is_kept(module, subject, case):
    still = replace(case, alphas=[F(0)])
    found = failure(module.parts(subject, still))
    assert (found.got, found.right) == ("0", "a number other than 0")
    assert failure(module.parts(type(subject)(), still)) is None


def test_without_a_discount_below_one_values_are_not_one():
    """γ = 1: constants have no TD errors in T = (0, 0), so that the returns' equation is singular, and so is the loss."""
    case = replace(smallest((0, 0)), gamma=F(1))
    for module, subject, pair in (
        (softmax_td_lambda, softmax_td_lambda.Traces(discounted=lambda case: True), ("0", "1")),
        (softmax_residual_gradient, softmax_residual_gradient.Residual(discounted=lambda case: True), ("1", "0")),
    ):
        found = failure(module.parts(subject, case))
        assert (found.got, found.right) == pair
        assert failure(module.parts(type(subject)(), case)) is None


def test_a_transition_of_weight_zero_is_none():
    """ρ = (1, 0) in T = (0, 1, 0): nothing is left of the only transition out of 1, and M̂_ρ is singular."""
    C, _, _ = grouping.transitions(contexts.two_states())
    M = grouping.powers(contexts.two_states(), C) @ C.T @ np.diag([F(1), F(0)]) @ C
    assert not exact_algebra.invertible(M) and M[:, 1].tolist() == [0, 0]


def test_a_state_never_left_keeps_average_reward_from_converging():
    for case in map(softmax_average_reward.at_one, contexts.rational_cases()):
        if case.states[-1] not in case.states[:-1]:
            G = grouping.operator_of(case).G(case.alphas[0])
            assert not softmax_average_reward.in_the_disc(case, G)


def test_normalising_after_the_scan_ends_at_the_same_values():
    """No mutant: weights T·K divided by their sum are TD(λ) with another step at each state."""
    K = np.array([[F(2, 5), F(2, 5), F(1, 5)], [F(1, 4), F(1, 4), F(1, 2)]])
    scan = np.array([[F(1, 4) ** (i - k) if i >= k else F(0) for k in range(3)] for i in range(3)])
    d = scan.T @ np.array([F(1), F(-2), F(3)])
    after = K @ scan.T
    for row, scanned in zip(K, after):
        assert scanned @ np.array([F(1), F(-2), F(3)]) / scanned.sum() == row @ d / scanned.sum()


# What is planted in the library is found.


def planted(monkeypatch, id, name, wrong, modules):
    for module in modules:
        monkeypatch.setattr(module, name, wrong)
    for kind in ("exact", "numeric"):
        verdict = judge(check_of(id, kind), CLAIMS[id].subject, FEW)
        assert verdict.passed is False and verdict.counterexample, (kind, verdict)


def test_errors_planted_in_the_layers_are_found(monkeypatch):
    right = siblings.with_traces
    planted(monkeypatch, "softmax-td-lambda", "with_traces", lambda p, decay: right(p, 2 * decay), [softmax_td_lambda])
    heads = siblings.with_average_reward
    planted(
        monkeypatch,
        "softmax-average-reward",
        "with_average_reward",
        lambda p: replace(heads(p), heads=heads(p).heads[::-1][:1]),
        [softmax_average_reward],
    )
    discount = siblings.scalar
    planted(monkeypatch, "softmax-residual-gradient", "scalar", lambda *given: -discount(*given), [siblings])


LOOPS = {
    "softmax-td-lambda": "softmax_td_lambda",
    "softmax-residual-gradient": "softmax_residual_gradient",
    "softmax-average-reward": "softmax_average_reward",
    "weights": "softmax_td",
}


@pytest.mark.parametrize("id", LOOPS)
def test_an_error_planted_in_the_loop_is_found(id, monkeypatch):
    right = getattr(softmax_td_lambda.td, LOOPS[id])
    wrong = lambda *given: ({s: value + layer for s, value in v.items()} for layer, v in enumerate(right(*given)))
    planted(monkeypatch, id, LOOPS[id], wrong, [softmax_td_lambda.td])


# The contexts test what they say.


def test_the_contexts_are_of_every_sort():
    rational = list(weights.rational_contexts())
    assert sum(case.states[-1] not in case.states[:-1] for case in rational) >= 3 and {case.d for case in rational} == {
        0,
        1,
        2,
    }
    assert {each for case in rational for each in case.logs} == {-2, -1, 0, 1, 2}
    drawn = list(islice(weights.float_contexts(0), 100))
    assert sum(case.states[-1] not in case.states[:-1] for case in drawn) >= 10
    assert max(map(max, (case.rho for case in drawn))) > math.e**2.5
    converging = [
        case for case in map(softmax_average_reward.at_one, contexts.sharp_cases()) if len(set(case.states)) > 1
    ]
    assert (
        sum(
            softmax_average_reward.in_the_disc(case, grouping.operator_of(case).G(case.alphas[0]))
            for case in converging
        )
        >= 6
    )
    assert any(case.states[0] != case.states[-1] for case in converging)
