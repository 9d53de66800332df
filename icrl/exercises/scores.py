r"""The exercises of "A decoder's mask" and "What attention cannot tell apart"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from icrl.exercises.answers import a_function, differs, shown
from icrl.exercises.model import Exercise, NotAnAnswer
from icrl.mrp import finite_array
from icrl.prompt import prompt, rows
from icrl.tasks import one_hot
from icrl.transformer import layer, softmax_td_parameters, weights

DECODER = "decoder-mask"
APART = "what-attention-cannot-tell-apart"


# A decoder's mask


def judge_columns_at_rest(answer: Any) -> str | None:
    """``answer(rewards, gamma, last)``: the n + 1 values with v^n = last that no layer of the decoder changes."""
    values = a_function(answer, "rewards, gamma and last")
    for given in (([1], 0.5, 0), ([1, 0, 2], 0.5, 3), ([0, -1, 4, 1], 0.9, -2)):
        if why := differs(values, given, returns(*given), "rewards = {}, γ = {}, v^n = {}".format(*given)):
            return why + moved(values, given)
    return None


def moved(values: Any, given: tuple) -> str:
    """What one layer makes of the answer's values, if they are values."""
    try:
        after = decoded(given[0], finite_array("values", values(*given), (len(given[0]) + 1,)), given[1])
    except Exception:
        return ""
    return f" A layer makes {shown(after)} of them."


def decoded(rewards: Sequence[float], value: Sequence[float], gamma: float) -> np.ndarray:
    """The value row after one layer of the decoder; a state a column, one-hot features, α = 1."""
    n, x = len(rewards), one_hot(len(rewards) + 1)
    Z = prompt(x, np.array([rewards], float), np.array([value], float), gamma)
    earlier = np.arange(n + 1)[:, None] < np.arange(n + 1)
    return rows(layer(Z, replace(softmax_td_parameters(n + 1, n, gamma, 1.0, Z), visible=earlier))).value[0]


def returns(rewards: Sequence[float], gamma: float, last: float) -> np.ndarray:
    """v^k = R_{k+1} + γ v^{k+1}, from the end."""
    values = [float(last)]
    for reward in reversed(rewards):
        values.append(reward + gamma * values[-1])
    return np.array(values[::-1])


def _returns_that_end(rewards: Sequence[float], gamma: float, last: float) -> np.ndarray:
    return np.array([*returns(rewards, gamma, 0)[:-1], last])


def _rewards_so_far(rewards: Sequence[float], gamma: float, last: float) -> np.ndarray:
    return last - np.concatenate([np.cumsum(rewards[::-1])[::-1], [0]])


def judge_prefix_mask(answer: Any) -> str | None:
    """``answer(m, n)``: the mask, keys down and queries across, of a prefix of m transitions and a decoder after it."""
    mask = a_function(answer, "m and n")
    for m, n in ((1, 1), (2, 4), (3, 4), (1, 5)):
        if why := differs(mask, (m, n), prefix_mask(m, n), f"m = {m}, n = {n}"):
            return why
    return None


def prefix_mask(m: int, n: int) -> np.ndarray:
    """Columns 0 … m see the transitions k < m, a later column j those with k < j."""
    k, j = np.arange(n + 1)[:, None], np.arange(n + 1)
    return k < np.maximum(j, m)


# What attention cannot tell apart


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
        id="columns-at-rest",
        chapter=DECODER,
        wanted="a function (rewards, gamma, last) -> n + 1 values, the last of them last",
        judge=judge_columns_at_rest,
        solution=returns,
        wrong=(
            _returns_that_end,
            _rewards_so_far,
        ),
    ),
    Exercise(
        id="prefix-mask",
        chapter=DECODER,
        wanted="a function (m, n) -> a Boolean array of shape (n + 1, n + 1), keys down and queries across",
        judge=judge_prefix_mask,
        solution=prefix_mask,
        wrong=(
            lambda m, n: np.arange(n + 1)[:, None] < np.arange(n + 1),
            lambda m, n: np.arange(n + 1)[:, None] <= np.maximum(np.arange(n + 1), m),
            lambda m, n: prefix_mask(m, n).T,
        ),
    ),
    Exercise(
        id="hidden-diagonal",
        chapter=APART,
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
        chapter=APART,
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
"""Two for each chapter, in the order of the text."""
