"""The exercises of "Linear attention is linear TD"."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from icrl import linear_attention as la
from icrl.algebra import all_visible, linear
from icrl.arrays import np
from icrl.exercises.judging.answers import CLOSE, a_function, called, differs, shown
from icrl.exercises.judging.judgement import Exercise
from icrl.prompt import prompt
from icrl.transformer import softmax_td_parameters, transformer

# Weights that nobody wrote down


PROMPTS = (
    ([[1.0, 0.0], [0.0, 1.0]], [0, 1, 0], [1.0, 0.0]),
    ([[1.0, 2.0], [1.0, -1.0], [0.5, 0.0]], [0, 1, 2, 0], [1.0, -1.0, 2.0]),
    ([[1.0, 0.0, 1.0], [0.0, 2.0, 1.0], [1.0, 1.0, 0.0], [3.0, 0.0, -1.0]], [3, 0, 2, 1, 0], [0.0, 1.0, -1.0, 2.0]),
)
"""Features by state, states, rewards: features that span the space."""


def linear_layers(
    x: Sequence, states: Sequence[int], rewards: Sequence[float], w: Sequence[float], depth: int
) -> np.ndarray:
    """This book's prompt of v_0 = ⟨x, w⟩ after ``depth`` layers of linear attention, γ = ½ and α = 0.1."""
    features = np.array(x)[states].T
    Z = prompt(features, np.array([rewards]), np.array([w]) @ features, 0.5)
    *_, last = transformer(
        Z, [softmax_td_parameters(len(features), len(rewards), 0.5, 0.1, Z, normalise=linear)] * depth
    )
    return last


def read_weights(Z: np.ndarray) -> np.ndarray:
    """The only w with ⟨x(S_j), w⟩ = v(S_j) in every column."""
    return fitted(Z[:-3], Z[-1])


def fitted(X: np.ndarray, row: np.ndarray) -> np.ndarray:
    """The w with the least ‖Xᵀw − row‖, the columns of X spanning the space: (XXᵀ)⁻¹X row."""
    return np.linalg.solve(X @ X.T, X @ row)


def judge_hidden_weights(answer: Any) -> str | None:
    """``answer(Z)`` must be the w_l of a prompt that linear attention has worked on."""
    weights = a_function(answer, "a prompt Z")
    for x, states, rewards in PROMPTS:
        for depth in (0, 1, 5):
            Z = linear_layers(x, states, rewards, range(1, len(x[0]) + 1), depth)
            told = f"x = {shown(x)}, states = {states}, rewards = {shown(rewards)}, after {depth} layers"
            if why := differs(weights, (Z,), read_weights(Z), told):
                return why
    return None


# One transition more


TRANSITIONS = (
    ([[1.0]], [[1.0]], [[1.0]], [[1.0]]),
    ([[1.0, 0.0], [2.0, 1.0]], [[0.0, 1.0], [1.0, 1.0]], [[1.0, -1.0]], [[1.0], [-1.0]]),
    ([[1.0, 0.5, -1.0], [0.0, 1.0, 2.0]], [[0.5, -1.0, 1.0], [1.0, 2.0, 0.0]], [[1.0, 0.0, 2.0]], [[0.5], [2.0]]),
)
"""x(S_k), x(S_{k+1}) and rewards by transition, and a query."""


def predictions(
    before: np.ndarray, after: np.ndarray, rewards: np.ndarray, query: np.ndarray, masked: bool = True
) -> np.ndarray:
    """What the query's column predicts after 0, …, 4 layers of linear TD in a prompt of transitions; γ = ½, α = ¼."""
    Z, (d, n) = la.transition_prompt(before, after, rewards, query, 0.5), before.shape
    p = la.td_parameters(d, n, 0.25, Z)
    if not masked:
        p = p.with_head(visible=all_visible(n, Z))
    return np.array([-Y[-1, -1] for Y in transformer(Z, [p] * 4)])


def judge_one_more(answer: Any) -> str | None:
    """``answer(x)`` = (before, reward, after): the transition that the query's column passes for without the mask."""
    extra = a_function(answer, "the query's features x")
    for given in TRANSITIONS:
        before, after, rewards, query = map(np.array, given)
        right = predictions(before, after, rewards, query, masked=False)
        got, raised = called(predictions_with, extra, before, after, rewards, query)
        if raised:
            return f"At x = {shown(query[:, 0])}:\nno transition (x, r, x') comes back: {raised}."
        if not np.allclose(got, right, rtol=0, atol=CLOSE):
            context = f"x(S_k) = {shown(before.T)}, x(S_k+1) = {shown(after.T)}, r = {shown(rewards[0])}"
            told = f"with your transition four layers predict {shown(got[1:])}, and without the mask {shown(right[1:])}"
            return f"At {context}, x = {shown(query[:, 0])}:\n{told}."
    return None


def predictions_with(
    extra: Callable, before: np.ndarray, after: np.ndarray, rewards: np.ndarray, query: np.ndarray
) -> np.ndarray:
    """The predictions with one transition more, the one that ``extra`` makes of the query's features."""
    x, r, y = (np.asarray(part, float).reshape(-1, 1) for part in extra(query[:, 0]))
    with_one = lambda part, more: np.concatenate([part, more], axis=1)
    return predictions(with_one(before, x), with_one(after, y), with_one(rewards, r), query)


# The longest step


WALKS = (
    ([0, 0], [1.0], 0.5),
    ([0, 1, 0], [1.0, 2.0], 0.9),
    ([0, 1], [1.0, 2.0], 0.9),
    ([0, 1, 2, 0, 0, 1], [1.0, -1.0, 0.5], 0.8),
    ([0, 1, 1, 2, 0], [3.0, 0.0, -2.0], 0.95),
)
"""States, one feature by state, γ; in one of them no step will do."""


def longest_step(states: Sequence[int], x: Sequence[float], gamma: float) -> float:
    """2/A with A = Σ_k x(S_k)(x(S_k) − γx(S_{k+1})), and 0 where A is not positive."""
    A = sum(x[s] * (x[s] - gamma * x[after]) for s, after in zip(states, states[1:]))
    return 2 / A if A > 0 else 0.0


def judge_longest_step(answer: Any) -> str | None:
    """``answer(states, x, gamma)``: the supremum of the steps with which depth converges, with a single feature."""
    step = a_function(answer, "states, x and gamma")
    for states, x, gamma in WALKS:
        told = f"states = {states}, x = {shown(x)}, γ = {gamma}"
        if why := differs(step, (list(states), list(x), gamma), longest_step(states, x, gamma), told):
            return why
    return None


EXERCISES = (
    Exercise(
        id="hidden-weights",
        wanted="a function from a prompt Z, an array (d+3, n+1), to an array of d weights",
        judge=judge_hidden_weights,
        solution=read_weights,
        wrong=(
            lambda Z: Z[:-3] @ Z[-1],
            lambda Z: Z[:-3, :-1] @ Z[-3, :-1],
            lambda Z: fitted(Z[:-3], Z[-2]),
        ),
    ),
    Exercise(
        id="one-transition-more",
        wanted="a function from the query's features, an array (d,), to a transition (x, r, x')",
        judge=judge_one_more,
        solution=lambda x: (x, 0.0, 0 * x),
        wrong=(
            lambda x: (x, 0.0, x),
            lambda x: (0 * x, 0.0, x),
            lambda x: (x, 1.0, 0 * x),
        ),
    ),
    Exercise(
        id="longest-step",
        wanted="a function (states, x, gamma) -> a step size, 0 where none will do",
        judge=judge_longest_step,
        solution=longest_step,
        wrong=(
            lambda states, x, gamma: longest_step(states, x, gamma) / 2,
            lambda states, x, gamma: 2 / sum(x[s] ** 2 for s in states[:-1]),
            lambda states, x, gamma: 2 / sum(x[s] * (x[s] - gamma * x[after]) for s, after in zip(states, states[1:])),
        ),
    ),
)
