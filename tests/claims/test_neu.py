"""The claims about the pretraining loss: hand-worked numbers, parts that fail when they should, and J over all contexts."""

from dataclasses import replace
from fractions import Fraction as F

import numpy as np
import pytest

from conftest import check_of
from icrl import state_form
from icrl.claims import CLAIMS
from icrl.claims.emergence import global_minimum, neu_bound
from icrl.claims.emergence.global_minimum import ALIKE, BLOW_UP, COIN, ENDLESS, NAMED, PAIR, SHARP, UNEVEN, losses, mean
from icrl.pretrain import losses as library
from icrl.verify.instances.chains import fractions
from icrl.verify.model import Budget
from icrl.verify.run import judge

FEW = Budget(trials=100)
IDS = ("neu-bound", "global-minimum")


def test_every_kind_that_can_serve_is_there():
    kinds = {id: [check.kind for check in CLAIMS[id].checks] for id in IDS}
    assert kinds == {
        "neu-bound": ["kernel", "symbolic", "exact", "numeric"],
        "global-minimum": ["kernel", "exact", "numeric", "cited"],
    }


# J by hand


@pytest.mark.parametrize("depth, J", [(0, F(1, 4)), (1, F(3, 16)), (2, F(13, 64))])
def test_the_loss_of_one_transition_is_that_worked_out_by_hand(depth, J):
    """n = 1: all states get a = 2(1 − 2^−L) if the source paid 1, else 0; NEU² = ¼((1 − a/2)² + (a/2)²) or ¼."""
    assert mean(losses(PAIR, 1, depth, 1)) == J


def test_at_one_transition_depth_ends_where_it_began():
    """a → 2: errors (0, −1) or (1, 0), each of NEU² ¼, which is the loss at v = 0."""
    J = mean(losses(PAIR, 1, 60, 1))
    assert F(1, 4) - F(1, 10**17) < J < F(1, 4)


def test_in_an_endless_context_the_loss_falls_to_zero():
    J = [losses(PAIR, ENDLESS, depth, 1)[0].squared for depth in PAIR.depths]
    assert J == sorted(J, reverse=True) and J[0] == F(1, 4) and J[-1] < F(1, 10**30)


def test_the_probabilities_of_all_contexts_sum_to_1():
    for task in global_minimum.tasks():
        for n in task.lengths:
            assert sum(each.probability for each in losses(task, n, 0, 1)) == 1


def test_the_margin_of_an_endless_context_and_of_the_worst_one():
    """One-hot, E = 19: M = 19/20 by μ = ½. x = (0, 1), E = 2^t: M(0, 0) = ½."""
    assert losses(PAIR, ENDLESS, 0, 1)[0].own == F(19, 20)
    assert losses(ALIKE, ENDLESS, 0, 1)[0].own == F(1, 2)
    assert 2 * losses(BLOW_UP, ENDLESS, 0, 1)[0].own - 1 - BLOW_UP.gamma > BLOW_UP.c > 0


def test_a_context_that_is_left_unevenly_is_slower_than_its_margin_asks():
    """n = 4, E = 2^t: three visits against one give M(0, 0) = 6/7 and M(1, 1) = 2/5, rate 26/35; even ones 2/3, rate 2/3; 1 − c = 7/10."""
    found = losses(UNEVEN, 4, 0, 1)
    assert {each.own for each in found if 2 * each.visits >= 1} == {F(2, 5), F(2, 3)}
    assert F(2, 3) >= (1 + UNEVEN.c) / 2 > F(2, 5) and 2 - F(6, 7) - F(2, 5) == F(26, 35) > 1 - UNEVEN.c > F(2, 3)
    assert 0 < UNEVEN.c < 2 * losses(UNEVEN, ENDLESS, 0, 1)[0].own - 1


def test_every_named_task_but_one_has_a_margin_above_its_c():
    """0 < c < c_∞, as the bound of the good contexts asks; E = 2^t on x = (0, 1) has c_∞ = 0, and no finite context."""
    within = [0 < task.c < 2 * losses(task, ENDLESS, 0, 1)[0].own - 1 - task.gamma for task in NAMED]
    assert [task for task, holds in zip(NAMED, within) if not holds] == [ALIKE] and ALIKE.lengths == (ENDLESS,)


def test_what_depth_leaves_in_a_good_context_by_hand():
    """γ = 1/20, n = 4: each state left twice in 6 of 16 sequences of sources, and once or three times in 8; the rest are bad."""
    good = global_minimum.good_ones(global_minimum.Minimum(), SHARP, losses(SHARP, 4, 60, 1))
    assert sum(each.probability for each in good) == F(14, 16)
    most = global_minimum.of_the_good(global_minimum.Minimum(), SHARP, 4, 60)
    assert abs(float(most) - 2 * (21 / 19) ** 2 * (0.05**2 * 1)) < 1e-15  # σ = 1 as P v^π is constant, Σ 1/(nμ) = 1
    assert 0.02 < mean(good) / most < 0.03


def test_no_context_of_three_transitions_is_good_where_the_loss_blows_up():
    """n_1 ≥ 1.47, n_2 ≥ .03 and n_0 > 0 take four transitions."""
    assert not any(2 * each.visits >= 1 for each in losses(BLOW_UP, 3, 0, 1))


def test_the_numerators_and_their_denominator_are_the_iteration():
    G, b = fractions([["1/2", "1/3"], ["-1/5", "1"]]), fractions([["1/7", "2"]])
    v = 0 * b[0]
    for depth in range(5):
        numerators, scale = global_minimum.at_depth(G, b, depth)
        assert [F(int(entry), scale) for entry in numerators] == v.tolist()
        v = v @ G + b[0]


def test_every_task_that_is_named_shows_what_it_is_for():
    """Some context good, some bad; the endless one good where c_∞ > c."""
    least = (1 + PAIR.gamma + PAIR.c) / 2
    good = [each.own >= least and 2 * each.visits >= 1 for each in losses(PAIR, 8, 0, 1)]
    assert any(good) and not all(good)
    assert (COIN == PAIR.P).all() and losses(PAIR, ENDLESS, 0, 1)[0].own >= least


# What is planted is found.


@pytest.mark.parametrize("kind", ["exact", "numeric"])
def test_an_error_planted_in_the_layers_is_found(kind, monkeypatch):
    right = state_form.layer_map
    monkeypatch.setattr(state_form, "layer_map", lambda *given: (right(*given)[0], 2 * right(*given)[1]))
    with_fresh_losses(kind)


def with_fresh_losses(kind):
    """The check fails with a counterexample, from losses made anew."""
    for cached in (losses, global_minimum.table):
        cached.cache_clear()
    try:
        verdict = judge(check_of("global-minimum", kind), global_minimum.Minimum(), FEW)
    finally:
        for cached in (losses, global_minimum.table):
            cached.cache_clear()
    assert verdict.passed is False and verdict.counterexample, verdict


LOST = {  # what the pretraining loss may have wrong
    "the 1-norm": ("neu", lambda v, batch: abs(library.expected_update(v, batch)).sum(-1)),
    "μ left out": (
        "expected_update",
        lambda v, batch: (library.bellman_error(v, v, batch)[..., None, :] @ batch.features)[..., 0, :],
    ),
    "the value's sign": (
        "bellman_error",
        lambda v, following, batch: (
            batch.reward + batch.discount * (batch.transition @ following[..., None])[..., 0] + v
        ),
    ),
    "P transposed": (
        "bellman_error",
        lambda v, following, batch: (
            batch.reward + batch.discount * (batch.transition.swapaxes(-1, -2) @ following[..., None])[..., 0] - v
        ),
    ),
    "γ left out": (
        "bellman_error",
        lambda v, following, batch: batch.reward + (batch.transition @ following[..., None])[..., 0] - v,
    ),
    "a sum for the mean": ("neu_loss", lambda v, batch: (library.expected_update(v, batch) ** 2).sum()),
}


@pytest.mark.parametrize("name", LOST)
def test_an_error_planted_in_the_pretraining_loss_is_found(name, monkeypatch):
    monkeypatch.setattr(library, *LOST[name])
    verdict = judge(check_of("neu-bound", "numeric"), neu_bound.Bound(), FEW)
    assert verdict.passed is False and verdict.counterexample.where.endswith("by icrl.pretrain.losses")


def test_a_kernel_vector_by_hand():
    """(1, 2) · (−2, 1) = 0; of floats the same direction."""
    assert neu_bound.kernel_vector(fractions([[1, 2]])).tolist() == [-2, 1]
    u = neu_bound.kernel_vector(np.array([[1.0, 2.0]]))
    assert abs(u[0] + 2 * u[1]) < 1e-15 and abs(u @ u - 1) < 1e-15


def test_an_error_planted_in_the_trends_is_found():
    J = dict(global_minimum.table(0, 100, 1))
    trends = lambda J: [
        part for part in global_minimum.trends(global_minimum.Minimum(), J) if global_minimum.Within(0.0).fails(part)
    ]
    assert not trends(J)
    for key, factor in (
        ((ENDLESS, 30), 20),
        ((ENDLESS, 100), 1e3),
        ((1000, 100), 4),
        ((ENDLESS, 3), 0.1),
        ((1000, 3), 2),
        ((30, 100), 0.1),
        ((100, 10), 5),
    ):
        assert trends(J | {key: J[key] * factor}), key


def test_a_float_among_fractions_fails_the_exact_check():
    update = lambda X, D, P, r, gamma, v: 1.0 * neu_bound.expected_update(X, D, P, r, gamma, v)
    verdict = judge(check_of("neu-bound", "exact"), neu_bound.Bound(update=update), FEW)
    assert verdict.passed is False and verdict.counterexample is None


def test_processes_test_what_they_say():
    drawn = list(neu_bound.rational_processes())
    assert (
        {len(given.v) for given in drawn} == {1, 2, 3, 4}
        and any(given.gamma > 1 for given in drawn)
        and any(given.gamma < -1 for given in drawn)
    )
    assert any(min(given.mu) == 0 for given in drawn) and any((given.v == given.v_pi).all() for given in drawn)
    assert sum(neu_bound.Bound().tells(given) for given in drawn) > 5 and all(given.x.size for given in drawn)
    assert sum(given.x.shape[1] < len(given.v) for given in drawn) > 15
    assert any(np.linalg.matrix_rank(given.x.astype(float)) < len(given.v) for given in drawn)


def test_the_identity_needs_the_right_rewards_and_no_more():
    """μ that is not stationary is let in: the bound does not ask for it."""
    skewed = replace(neu_bound.Bound(), beyond=(neu_bound.flip((1, -1), mu=("9/10", "1/10")),))
    assert judge(check_of("neu-bound", "exact"), skewed, FEW).passed


NAN = {
    "neu-bound": neu_bound.Bound(update=lambda X, D, P, r, gamma, v: X.T @ r * float("nan")),
    "global-minimum": global_minimum.Minimum(depth=lambda alpha, c, L: c * float("nan")),
}
