"""The exercises of "What attention cannot tell apart"."""

from __future__ import annotations

import math
from random import Random
from typing import Any

from icrl.arrays import np
from icrl.exercises.judging.answers import a_function, differs, shown
from icrl.exercises.judging.judgement import Exercise, NotAnAnswer
from icrl.exercises.judging.samples import random_normal
from icrl.mrp import finite_array
from icrl.prompt import prompt
from icrl.transformer import softmax_td_parameters, weights


def judge_hidden_diagonal(answer: Any) -> str | None:
    """``answer``, (3, 3) with a diagonal of 0: the weights of A = 2I on three one-hot states."""
    try:
        A = finite_array("the matrix", answer, (3, 3))
    except (TypeError, ValueError) as error:
        raise NotAnAnswer(str(error)) from None
    if A.diagonal().any():
        return f"The diagonal is {shown(A.diagonal())}, and it must be 0."
    got, right = attended(A), attended(2 * np.eye(3))
    if np.allclose(got, right, rtol=0, atol=1e-9):
        return None
    j = int(np.abs(got - right).max(axis=0).argmax())
    return (
        f"At query {j} the weights of the keys 0, 1, 2 are {shown(got[:, j])}, but A = 2I gives {shown(right[:, j])}."
    )


def attended(A: np.ndarray) -> np.ndarray:
    """The Transformer's weights, (3, 3), for keys and queries at three one-hot states."""
    x = np.eye(3)[[0, 1, 2, 0]].T
    Z = prompt(x, np.zeros((1, 3)), np.zeros((1, 4)), 0.5)
    return weights(Z, softmax_td_parameters(3, 3, 0.5, 1.0, Z, A).head)[:3, :3]


def hidden_diagonal() -> np.ndarray:
    """2I − 2·11ᵀ."""
    return 2 * np.eye(3) - 2


MATRIX = np.array([[-0.623274, 0.041326, -2.325031], [-0.218792, -1.245911, -0.732267], [-0.544259, -0.3163, 0.411631]])
FEATURES = np.array(
    [
        [0.12573, -0.132105, 1.0],
        [0.640423, 0.1049, 1.0],
        [-0.535669, 0.361595, 1.0],
        [1.304, 0.947081, 1.0],
        [-0.703735, -1.265421, 1.0],
    ]
)
"""A matrix and the features of five states, one of them constant; all the rest drawn from the standard normal."""


def judge_visible_cosine(answer: Any) -> str | None:
    """``answer(A, x)``: the cosine of A to I in what layers can see, every state being a source."""
    asked = a_function(answer, "A and x")
    tilted = np.eye(3) + np.array([1.0, -2.0, 0.5])
    for name, A, x in (
        ("A = I + 1cᵀ, one-hot x", tilted, np.eye(3)),
        ("a random A, one-hot x", MATRIX, np.eye(3)),
        ("a random A, five states with a constant feature", MATRIX, FEATURES),
        ("a random A, five states whose features span a plane", MATRIX, FEATURES * np.array([1.0, 1.0, 0.0])),
        ("a random A, five random states", MATRIX, random_normal(5, 3, Random(0))),
    ):
        if why := differs(asked, (A, x), visible_cosine(A, x), name):
            return why
    return None


def visible_cosine(A: np.ndarray, x: np.ndarray) -> float:
    """The cosine of P A Q and P Q: P projects onto the differences of the features, Q onto the features."""
    P, Q = projection(x - x.sum(axis=0) / len(x)), projection(x)
    return cosine(P @ A @ Q, P @ Q)


def cosine(A: np.ndarray, B: np.ndarray) -> float:
    """⟨A, B⟩ / ‖A‖‖B‖, in the Frobenius norm."""
    return float((A * B).sum()) / math.sqrt((A**2).sum() * (B**2).sum())


def projection(x: np.ndarray) -> np.ndarray:
    """The orthogonal projection onto the span of the rows of x, row by row (Gram and Schmidt)."""
    P = np.zeros((x.shape[1], x.shape[1]))
    for row in x:
        new = row - P @ row
        if new @ new > 1e-18 * (row @ row):  # below that it is the rounding of a row in the span already
            P = P + new[:, None] * new / (new @ new)
    return P


def _raw_cosine(A: np.ndarray, x: np.ndarray) -> float:
    return cosine(A, np.eye(len(A)))


def _centred_always(A: np.ndarray, x: np.ndarray) -> float:
    return visible_cosine(A, np.eye(len(A)))


def _the_other_side(A: np.ndarray, x: np.ndarray) -> float:
    return visible_cosine(A.T, x)


EXERCISES = (
    Exercise(
        id="hidden-diagonal",
        wanted="an array of shape (3, 3) with a diagonal of 0",
        judge=judge_hidden_diagonal,
        solution=hidden_diagonal(),
        wrong=(
            2 - 2 * np.eye(3),
            -2 * np.eye(3)[[1, 2, 0]],
            np.eye(3) - 1,
        ),
    ),
    Exercise(
        id="visible-cosine",
        wanted="a function (A, x) -> a number",
        judge=judge_visible_cosine,
        solution=visible_cosine,
        wrong=(
            _raw_cosine,
            _centred_always,
            _the_other_side,
        ),
    ),
)
"""Both of the chapter, in the order of the text."""
