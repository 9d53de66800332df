"""The exercises of "What attention cannot tell apart"."""

from __future__ import annotations

from typing import Any

import numpy as np

from icrl.exercises.answers import a_function, differs, shown
from icrl.exercises.judgement import Exercise, NotAnAnswer
from icrl.mrp import finite_array
from icrl.prompt import prompt
from icrl.transformer import softmax_td_parameters, weights


def judge_hidden_diagonal(answer: Any) -> str | None:
    """``answer``, (3, 3) with a diagonal of 0: the weights of A = 2I on three one-hot states."""
    try:
        A = finite_array("the matrix", answer, (3, 3))
    except (TypeError, ValueError) as error:
        raise NotAnAnswer(str(error)) from None
    if np.diagonal(A).any():
        return f"The diagonal is {shown(np.diagonal(A))}, and it must be 0."
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
    return weights(Z, softmax_td_parameters(3, 3, 0.5, 1.0, Z, A))[:3, :3]


def hidden_diagonal() -> np.ndarray:
    """2I − 2·11ᵀ."""
    return 2 * np.eye(3) - 2


def judge_visible_cosine(answer: Any) -> str | None:
    """``answer(A, x)``: the cosine of A to I in what layers can see, every state being a source."""
    cosine = a_function(answer, "A and x")
    rng = np.random.default_rng(0)
    tilted = np.eye(3) + np.outer(np.ones(3), [1.0, -2.0, 0.5])
    with_one = np.column_stack([rng.normal(size=(5, 2)), np.ones(5)])
    A = rng.normal(size=(3, 3))
    for name, A, x in (
        ("A = I + 1cᵀ, one-hot x", tilted, np.eye(3)),
        ("a random A, one-hot x", A, np.eye(3)),
        ("a random A, five states with a constant feature", A, with_one),
        ("a random A, five states whose features span a plane", A, with_one @ np.diag([1.0, 1.0, 0.0])),
        ("a random A, five random states", A, rng.normal(size=(5, 3))),
    ):
        if why := differs(cosine, (A, x), visible_cosine(A, x), name):
            return why
    return None


def visible_cosine(A: np.ndarray, x: np.ndarray) -> float:
    """The cosine of P A Q and P Q: P projects onto the differences of the features, Q onto the features."""
    P, Q = (rows.T @ np.linalg.pinv(rows.T) for rows in (x - x.mean(axis=0), x))
    A, one = P @ A @ Q, P @ Q
    return float((A * one).sum() / np.linalg.norm(A) / np.linalg.norm(one))


def _raw_cosine(A: np.ndarray, x: np.ndarray) -> float:
    return float(np.trace(A) / np.linalg.norm(A) / np.sqrt(len(A)))


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
