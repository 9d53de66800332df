"""How near parameters are to softmax TD: cases made by hand, fits whose answer is known, and gradients against differences."""

from fractions import Fraction as F

import numpy as np
import pytest
import torch

from icrl.pretrain.batches import sample_tasks
from icrl.pretrain.losses import true_value
from icrl.pretrain.metrics import (
    agreement,
    centred,
    cosine,
    fitted,
    less_mean,
    off,
    pattern,
    sensitivity,
    task_errors,
)
from icrl.pretrain.network import construction, last, tensors, token_values
from icrl.pretrain.readings import gain, reading


def of(V, A):
    return {"V": torch.tensor(np.array(V, float)), "A": torch.tensor(np.array(A, float))}


@pytest.fixture(scope="module")
def batch():
    return tensors(sample_tasks(np.random.default_rng(3), 6, d=3, n_states=4, n=8))


def test_softmax_td_is_the_pattern_at_any_scale():
    for alpha, sharpness in ((1.0, 1.0), (0.3, 7.0)):
        assert pattern(construction(3, alpha, sharpness)) == pytest.approx((1, 1, 1, 0, 0), abs=1e-15)


@pytest.mark.parametrize(
    "V, A, expected",
    [
        ([1, 0, 0], [[1, 1], [0, 1]], (1 / 3**0.5, 2 / 6**0.5, 0.5**0.5, 0, 1 / 3)),
        ([1, 1, 1], [[-1, 0], [0, -1]], (1 / 3, -1, -1, 0, 0)),  # the mirror of the pattern
        (
            [-1, -1, 1],
            [[6, 7], [5, 8]],
            (-1, 14 / 348**0.5, 1, 0, 1 - 100 / 174),
        ),  # I and what is equal along the columns
        ([0, 0, 0], [[0, 0], [0, 0]], (0, 0, 0, 0, 0)),
    ],
)
def test_patterns_of_masked_parameters_by_hand(V, A, expected):
    assert pattern(of([V], [A])) == pytest.approx(expected, abs=1e-15)


def test_the_third_case_differs_from_the_identity_by_what_is_equal_along_columns():
    A = np.array([[6.0, 7], [5, 8]]) - np.eye(2)
    assert (A[0] == A[1]).all()


def test_the_pattern_of_full_parameters_counts_what_lies_beside_it():
    V, A = np.zeros((4, 4)), np.zeros((4, 4))
    V[-1, 1:], V[0, 0] = (1, 1, -1), 3
    A[0, 0], A[2, 3] = 2, 2
    assert pattern(of([V], [A])) == pytest.approx(
        (1, 1, 0, 9 / 12, 1 / 2), abs=1e-15
    )  # one feature: its centred identity is 0
    V[-1, 0] = 3
    assert pattern(of([V], [A])).cosine_V == pytest.approx(3 / (3 * 12) ** 0.5)


def test_layers_that_differ_are_averaged():
    both = pattern(of([[1, 1, -1], [-1, -1, 1]], [np.eye(2), [[1, 1], [0, 1]]]))
    assert both == pytest.approx((0, (1 + 2 / 6**0.5) / 2, (1 + 0.5**0.5) / 2, 0, 1 / 6), abs=1e-15)


def test_the_pieces():
    assert (
        cosine(np.array([3.0, 4]), np.array([4.0, 3])) == pytest.approx(24 / 25)
        and cosine(np.zeros(2), np.ones(2)) == 0
    )
    assert (centred(np.array([[1.0, 2], [3, 6]])) == [[-1, -2], [1, 2]]).all()
    assert off(1.0, np.array([1.0, 1])) == 0.5 and off(0.0, np.zeros(2)) == 0


def test_nan_stays_nan():
    X = np.array([np.nan, 1.0])
    assert np.isnan([cosine(X, np.ones(2)), cosine(np.zeros(2), X), off(1.0, X)]).all()
    seen = pattern(of([[np.nan, 1, -1]], [np.eye(2)]))
    assert np.isnan([seen.cosine_V, seen.off_V]).all() and seen.cosine_A == pytest.approx(1)


# What a layer is the softmax TD of


def test_the_reading_by_hand():
    assert reading((3.0, 4.0, -2.0), 0.5) == (2.0, 1.0, 1.5) and reading((0.5, 0.5, -0.5), 0.9) == (0.5, 0.9, 1.0)
    exact = reading((F(1), F(1), F(-3)), F(1, 2))
    assert exact == (3, F(1, 6), F(1, 3)) and all(isinstance(entry, F) for entry in exact)
    assert reading(torch.tensor([3.0, 4.0, -2.0]), 0.5)._asdict() == {"step": 2.0, "discount": 1.0, "scale": 1.5}


def test_the_reading_is_softmax_td_of_that_task(batch):
    """Equal to rounding: the two differ by the order of a product and a quotient in each of three layers."""
    learned = of([[0.7, 1.4, -0.8]], [[[1.0, 2, 0], [0, -1, 0], [0, 0, 1]]])
    found = reading(learned["V"][0], batch.discount)
    other = batch._replace(rewards=found.scale * batch.rewards, paid=found.scale * batch.paid, discount=found.discount)
    as_td = {"V": construction(3, found.step)["V"], "A": learned["A"]}
    np.testing.assert_allclose(last(token_values(as_td, other, 3)), last(token_values(learned, batch, 3)), rtol=1e-12)


@pytest.mark.parametrize(
    "w, gamma",
    [
        ((1, 1, 0), 0.9),
        ((1, 1, 1), 0.9),
        ((1, 1, np.nan), 0.9),
        ((np.inf, 1, -1), 0.9),
        ((1, 1, -1), np.nan),
        ((1, -1), 0.9),
        ([(1, 1, -1)], 0.9),
    ],
)
def test_what_cannot_be_read_is_refused(w, gamma):
    with pytest.raises(ValueError, match=r"w must be three finite numbers .* with w_v < 0, and gamma finite, got"):
        reading(w, gamma)


def test_the_gain_by_hand():
    assert [gain((3, 2, 1), depth, F(1, 2)) for depth in range(4)] == [0, 3, 12, 39]  # q = 3
    assert gain((2.0, 1.0, -0.5), 7, 0.5) == 14  # q = 1
    assert gain(np.array([[3, 2, 1], [0, 1, -1]]), 3, 0.5).tolist() == [39, 0]


def test_the_gain_is_what_layers_make_of_ones(batch):
    learned = of([[0.7, 1.4, -0.8]], [[[1.0, 2, 0], [0, -1, 0], [0, 0, 1]]])
    made = last(token_values(learned, batch._replace(rewards=torch.ones_like(batch.rewards)), 5))
    np.testing.assert_allclose(made, gain(learned["V"][0], 5, batch.discount), rtol=1e-12)


@pytest.mark.parametrize("w, depth", [((1, 1), 3), (1.0, 3), ((1, 1, -1), -1)])
def test_what_has_no_gain_is_refused(w, depth):
    with pytest.raises(ValueError, match=r"w must have shape \(…, 3\) and depth must be at least 0, got"):
        gain(w, depth, 0.9)


def test_values_and_their_errors(batch):
    arrays = sample_tasks(np.random.default_rng(3), 6, d=3, n_states=4, n=8)
    right = true_value(batch)
    following = (arrays.transition @ right.numpy()[..., None])[..., 0]
    np.testing.assert_allclose(
        right, arrays.reward + arrays.discount * following, rtol=1e-12, atol=1e-12
    )  # the Bellman equation
    assert task_errors(right, right, batch).max() == 0
    np.testing.assert_allclose(task_errors(0 * right, right, batch), 1, rtol=1e-12)
    np.testing.assert_allclose(task_errors(-right, right, batch), 2, rtol=1e-12)
    by_hand = [
        sum(mu * (3 * v - v) ** 2 for mu, v in zip(*each)) / sum(mu * v**2 for mu, v in zip(*each))
        for each in zip(batch.stationary, right)
    ]
    np.testing.assert_allclose(task_errors(3 * right, right, batch), np.sqrt(by_hand), rtol=1e-12)
    np.testing.assert_allclose((batch.stationary * less_mean(right, batch)).sum(-1), 0, atol=1e-12)
    np.testing.assert_allclose(less_mean(right + 5, batch), less_mean(right, batch), atol=1e-12)


def test_softmax_td_fits_itself(batch):
    found = agreement(construction(3, 0.7, 1.3), batch, 4)
    assert found[:2] == pytest.approx((0.7, 1.3), rel=1e-9) and found.value_difference < 1e-12
    assert found.sensitivity_similarity == pytest.approx(1, abs=1e-12)


def test_the_fit_finds_what_the_parameters_do_not_show():
    """One-hot attention does not see a term 1cᵀ, which the diagonal of A, where the search starts, does show."""
    hot = tensors(sample_tasks(np.random.default_rng(4), 8, features="one-hot", d=4, n_states=4, n=12))
    learned = construction(4, 0.8, 2.0)
    learned["A"] = learned["A"] + torch.tensor([3.0, -1, 1, 2], dtype=torch.float64)
    alpha, sharpness = fitted(learned, hot, 3)
    assert (alpha, sharpness) == pytest.approx(
        (0.8, 2.0), rel=1e-4
    )  # the search ends where its steps change nothing to 1e-9
    found = agreement(learned, hot, 3)
    assert (
        found.value_difference < 1e-4 and found.sensitivity_similarity < 1
    )  # yet a query between the states is answered otherwise


def test_other_parameters_are_told_apart(batch):
    found = agreement(of([[1.0, 0.2, -0.4]], [[[1.0, 2, 0], [0, -1, 0], [0, 0, 1]]]), batch, 4)
    assert found.value_difference > 0.01 and found.sensitivity_similarity < 0.95


@pytest.mark.parametrize("full", [False, True])
def test_sensitivity_is_the_gradient_in_the_query(batch, full):
    rng = np.random.default_rng(5)
    learned = of(*(0.5 * rng.standard_normal(shape) for shape in ([(1, 6, 6)] * 2 if full else [(1, 3), (1, 3, 3)])))
    found, h = sensitivity(learned, batch, 3), 1e-5
    assert found.shape == batch.features.shape
    for i in range(3):
        there, back = (batch.features + sign * h * torch.eye(3, dtype=torch.float64)[i] for sign in (1, -1))
        slope = (last(token_values(learned, batch, 3, there)) - last(token_values(learned, batch, 3, back))) / (2 * h)
        scale = float(found.abs().max())
        np.testing.assert_allclose(
            found[..., i], slope, atol=1e-7 * scale, rtol=1e-6
        )  # h² and 10⁻¹⁶/h of what is differentiated
