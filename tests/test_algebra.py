"""The operations of every kind of matrix, against loops and tables."""

import importlib
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import BlockMatrix, MatrixSymbol, Symbol, ZeroMatrix, symbols

from icrl import algebra as al
from icrl.algebra.kinds import MODULES


def entries(rows):
    return np.array(rows, object)


LIKES = {
    "float": np.ones((2, 2)),
    "tensor": torch.ones(2, 2, dtype=torch.float64),
    "fraction": entries([[Fraction(1, 2)] * 2] * 2),
    "sympy": entries([[Symbol("a")] * 2] * 2),
    "arb": entries([[arb(1) / 3] * 2] * 2),
}


@pytest.mark.parametrize("like", LIKES.values(), ids=LIKES)
def test_shift_moves_columns_left_and_clears_the_last(like):
    n = 3
    Y = al.zeros(2, n + 1, like)
    for i in range(2):
        for j in range(n + 1):
            Y[i, j] = Y[i, j] + (10 * i + j + 1)
    shifted = Y @ al.shift(n, like)
    for i in range(2):
        assert [shifted[i, j] == Y[i, j + 1] for j in range(n)] == [True] * n
        assert shifted[i, n] == 0


@pytest.mark.parametrize("like", LIKES.values(), ids=LIKES)
def test_built_entries_have_the_type_of_the_likeness(like):
    kinds = (
        {
            type(x)
            for M in (al.zeros(2, 3, like), al.identity(3, like), al.shift(2, like))
            for x in np.asarray(M, object).flat
        }
        if isinstance(like, np.ndarray) and like.dtype == object
        else set()
    )
    allowed = {"fraction": {Fraction}, "arb": {arb}}.get(next(name for name, x in LIKES.items() if x is like), kinds)
    assert kinds == allowed and float not in kinds


@pytest.mark.parametrize("like", LIKES.values(), ids=LIKES)
def test_bands_are_the_rows_that_were_stacked(like):
    top, below = al.zeros(2, 2, like), like
    first, second = al.bands(al.stack(top, below), (2, 2))
    assert first.tolist() == top.tolist() and second.tolist() == below.tolist()


def test_every_kind_answers_every_operation():
    names = {
        name for name in al.__all__ if name not in ("Matrix", "Weights", "finite", "kind", "of_one_kind", "true_exp")
    }
    for module in MODULES.values():
        operations = importlib.import_module(f"icrl.algebra.{module}").operations
        assert {name for name in dir(operations) if not name.startswith("_")} == names | {"is_finite"}


def test_place_fills_blocks_and_broadcasts_batches():
    a = np.arange(6.0).reshape(3, 1, 2)
    whole = al.place({(1, 0): a}, (2, 1), (2, 1), a)
    assert whole.shape == (3, 3, 3)
    assert np.array_equal(whole[:, 2:, :2], a) and whole[:, :2].sum() == 0 and whole[:, :, 2].sum() == 0


def test_stack_broadcasts_batches_of_arrays_and_tensors():
    top, bottom = np.ones((1, 3)), np.zeros((4, 2, 3))
    assert al.stack(top, bottom).shape == (4, 3, 3)
    assert al.stack(torch.ones(1, 3), torch.zeros(4, 2, 3)).shape == (4, 3, 3)


def softmax_by_loop(scores, visible):
    out = np.zeros_like(scores)
    for j in range(scores.shape[1]):
        total = sum(math.exp(scores[k, j]) for k in range(len(scores)) if visible[k])
        for k in range(len(scores)):
            out[k, j] = math.exp(scores[k, j]) / total if visible[k] else 0.0
    return out


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 6), st.integers(0, 2**32 - 1), st.booleans())
def test_softmax_normalises_each_column_over_the_visible_keys(n, seed, masked):
    rng = np.random.default_rng(seed)
    scores = rng.normal(scale=5, size=(n + 1, n + 1))
    visible = al.sources_visible(n, scores) if masked else al.all_visible(n, scores)
    want = softmax_by_loop(scores, visible[:, 0])
    assert np.allclose(al.softmax(scores, visible), want, rtol=1e-13, atol=0)
    assert np.allclose(al.softmax(torch.as_tensor(scores), visible), want, rtol=1e-13, atol=0)
    balls = al.softmax(np.vectorize(arb, otypes=[object])(scores), visible)
    assert all(abs(float(ball) - w) <= 1e-14 for ball, w in zip(balls.flat, want.flat))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(st.just(0.0), st.floats(1e-6, 1.0)), min_size=1, max_size=6).filter(any), st.integers(0, 99))
def test_shares_below_1_weigh_the_keys_and_each_column_sums_to_1(shares, seed):
    scores = -np.random.default_rng(seed).exponential(3.0, (len(shares), 3))
    weights = al.softmax(scores, np.array(shares)[:, None])
    want = np.array(shares)[:, None] * np.exp(scores)
    assert np.allclose(weights, want / want.sum(axis=0), rtol=1e-12, atol=0)
    assert np.allclose(weights.sum(axis=0), 1, rtol=0, atol=1e-14)


def test_softmax_survives_scores_past_the_overflow_of_exp():
    scores = np.array([[1e4, -1e4], [1e4 - 1, 0.0], [5e4, 5e4]])
    visible = al.sources_visible(2, scores)
    for weights in (al.softmax(scores, visible), np.asarray(al.softmax(torch.as_tensor(scores), visible))):
        assert np.allclose(weights[:, 0], [1 / (1 + math.exp(-1)), math.exp(-1) / (1 + math.exp(-1)), 0])
        assert np.array_equal(weights[:, 1], [0, 1, 0])


def test_hidden_keys_are_never_exponentiated():
    def refusing(t):
        assert t != 99
        return 1 + t * t

    scores = entries([[Fraction(1), Fraction(2)], [Fraction(99), Fraction(99)]])
    assert al.softmax(scores, al.sources_visible(1, scores), refusing).tolist() == [[1, 1], [0, 0]]


def test_a_column_with_no_visible_key_is_zero_and_has_a_gradient():
    scores = torch.randn(3, 3, dtype=torch.float64, requires_grad=True)
    weights = al.softmax(scores, np.array([[False, True, True], [False, True, False], [False, False, True]]))
    assert torch.equal(weights[:, 0], torch.zeros(3, dtype=torch.float64))
    weights.square().sum().backward()
    assert torch.isfinite(scores.grad).all()


def test_opaque_weights_are_equal_when_their_scores_are():
    n = symbols("n", integer=True, positive=True)
    S, T = (
        BlockMatrix([[MatrixSymbol(f"{name}{i}{j}", r, c) for j, c in enumerate((n, 1))] for i, r in enumerate((n, 1))])
        for name in "ST"
    )
    one, same, other = al.softmax(S, (True, False)), al.softmax(S, (True, False)), al.softmax(T, (True, False))
    assert one == same and one != other
    assert one.blocks[1, 0] == ZeroMatrix(1, n)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: al.kind([[1.0]]), "matrix must be .* got list"),
        (lambda: al.kind(np.eye(2, dtype=int)), "matrix must be floating point, got int64"),
        (lambda: al.kind(torch.eye(2, dtype=torch.bool)), "matrix must be floating point, got torch.bool"),
        (lambda: al.scalar(0.9, np.eye(2, dtype=int)), "like must be floating point, got int64"),
        (
            lambda: al.scalar(0.9, torch.eye(2, dtype=torch.complex64)),
            "like must be floating point, got torch.complex64",
        ),
        (
            lambda: al.scalar([0.9, 0.5], np.eye(2)),
            r"c must be a number or an array .* got \[0.9, 0.5\]; for step sizes that differ by layer make one Parameters a layer",
        ),
        (lambda: al.scalar(1j, np.eye(2)), "c must be a number .* got 1j"),
        (lambda: al.scalar(math.nan, torch.eye(2)), "c must be finite"),
        (lambda: al.finite("X", torch.tensor([[math.inf]], dtype=torch.bfloat16)), "X must be finite"),
        (lambda: al.softmax(entries([[Fraction(1)]]), np.array([[True]])), "exp of a Fraction entry is not exact"),
        (
            lambda: al.softmax(
                BlockMatrix(
                    [
                        [MatrixSymbol("S", 2, 2), MatrixSymbol("s", 2, 1)],
                        [MatrixSymbol("t", 1, 2), MatrixSymbol("u", 1, 1)],
                    ]
                ),
                (False, True),
            ),
            "visible must be",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
