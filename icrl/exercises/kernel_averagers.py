"""The exercises of "Kernel averagers: the neighbour that always contracts"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from icrl.arrays import np
from icrl.exercises.judging.answers import CLOSE, a_context, a_function, differs, near, shown
from icrl.exercises.judging.counting import counted
from icrl.exercises.judging.judgement import Exercise
from icrl.mrp import Context
from icrl.operator import layer_operator
from icrl.tasks import one_hot

CONTEXTS = (
    ([0, 1, 0], [1.0, 0.0], 0.5, [[1.0, 1.0], [1.0, 2.0]]),
    ([0, 0, 1, 0], [1.0, 2.0, -1.0], 0.9, [[3.0, 1.0], [1.0, 3.0]]),
    (
        [0, 1, 0, 2, 1, 1, 2, 0],
        [1.0, 0.0, -1.0, 2.0, 0.5, 1.0, 0.0],
        0.8,
        [[3.0, 1.0, 0.5], [1.0, 2.0, 1.0], [0.2, 1.0, 4.0]],
    ),
)
"""States, rewards, γ and E, rows the query states: every state 0, 1, … visited and left."""


def averaged(
    states: Sequence[int], rewards: Sequence[float], gamma: float, E: Sequence[Sequence[float]], updates: int = 400
) -> np.ndarray:
    """The averager from v_0 = 0 at α = 1, update by update: what is left to do after 400 is below .9⁴⁰⁰."""
    S, v = np.array(states), np.zeros(len(E))
    K = np.array(E)[:, S[:-1]]
    K = K / K.sum(axis=1, keepdims=True)
    for _ in range(updates):
        v = K @ (np.array(rewards) + gamma * v[S[1:]])
    return v


def corrected(
    states: Sequence[int], rewards: Sequence[float], gamma: float, E: Sequence[Sequence[float]]
) -> np.ndarray:
    """v_A, and what the averager makes of its TD errors."""
    S, v = np.array(states), averaged(states, rewards, gamma, E)
    return v + averaged(states, np.array(rewards) + gamma * v[S[1:]] - v[S[:-1]], gamma, E)


def _told(states: Sequence[int], rewards: Sequence[float], gamma: float, E: Sequence[Sequence[float]]) -> str:
    return f"states = {states}, rewards = {shown(rewards)}, γ = {gamma}, E = {shown(E)}"


def _judge_function(answer: Any, right: Any) -> str | None:
    """``answer(states, rewards, gamma, E)`` must be what ``right`` is, on every context."""
    value = a_function(answer, "states, rewards, gamma and E")
    for states, rewards, gamma, E in CONTEXTS:
        arguments = list(states), np.array(rewards), gamma, np.array(E)
        if why := differs(value, arguments, right(states, rewards, gamma, E), _told(states, rewards, gamma, E)):
            return why
    return None


def judge_limit(answer: Any) -> str | None:
    """``answer`` must give the limit of the averager."""
    return _judge_function(answer, averaged)


def judge_second_thoughts(answer: Any) -> str | None:
    """``answer`` must give v_A corrected once by the averager of its TD errors."""
    return _judge_function(answer, corrected)


def judge_harmless(answer: Any) -> str | None:
    """``answer`` = (states, rewards), rewards not all equal: v_A must be v_CE, one-hot, at sharpness 2 and γ = .9."""
    context = a_context(answer)
    if not context.covered:
        return f"State {context.states[-1]} is visited and never left:\nthis is no context of the kind asked for."
    if context.rewards.max() - context.rewards.min() < CLOSE:
        return f"All rewards are {context.rewards[0]:.4g}:\nasked for are rewards that are not all the same."
    W = context.visited.tolist()
    if len(W) < 2:
        return "Only one state is visited:\nthere is nobody to average with."
    operator = layer_operator(
        Context([W.index(s) for s in context.states.tolist()], context.rewards), one_hot(len(W), 2.0), 0.9
    )
    v_CE = operator.certainty_equivalence()
    v_A = np.linalg.solve(np.eye(len(v_CE)) - 0.9 * operator.P, operator.b)
    if not near(v_A, v_CE):
        return f"The averager ends at {shown(v_A)},\nsoftmax TD at {shown(v_CE)}."
    return None


# Answers


def smoothed_model(
    states: Sequence[int], rewards: Sequence[float], gamma: float, E: Sequence[Sequence[float]]
) -> tuple[np.ndarray, ...]:
    """P_e, r̂ and M̂ by counting, and I − γM̂P_e."""
    moves, paid = counted(states, rewards, len(E))
    left = moves.sum(axis=1)
    M = np.array(E) * left
    M = M / M.sum(axis=1, keepdims=True)
    P = moves / left[:, None]
    return P, paid / left, M, np.eye(len(E)) - gamma * M @ P


def limit(states: Sequence[int], rewards: Sequence[float], gamma: float, E: Sequence[Sequence[float]]) -> np.ndarray:
    """(I − γM̂P_e)⁻¹M̂r̂."""
    _, r, M, left = smoothed_model(states, rewards, gamma, E)
    return np.linalg.solve(left, M @ r)


def second_thoughts(
    states: Sequence[int], rewards: Sequence[float], gamma: float, E: Sequence[Sequence[float]]
) -> np.ndarray:
    """v_A + (I − γM̂P_e)⁻¹M̂(r̂ + γP_e v_A − v_A)."""
    P, r, M, left = smoothed_model(states, rewards, gamma, E)
    v = np.linalg.solve(left, M @ r)
    return v + np.linalg.solve(left, M @ (r + gamma * P @ v - v))


def _certainty_equivalence(
    states: Sequence[int], rewards: Sequence[float], gamma: float, E: Sequence[Sequence[float]]
) -> np.ndarray:
    P, r, _, _ = smoothed_model(states, rewards, gamma, E)
    return np.linalg.solve(np.eye(len(r)) - gamma * P, r)


def _rewards_alone_smoothed(
    states: Sequence[int], rewards: Sequence[float], gamma: float, E: Sequence[Sequence[float]]
) -> np.ndarray:
    P, r, M, _ = smoothed_model(states, rewards, gamma, E)
    return np.linalg.solve(np.eye(len(r)) - gamma * P, M @ r)


def _visits_forgotten(
    states: Sequence[int], rewards: Sequence[float], gamma: float, E: Sequence[Sequence[float]]
) -> np.ndarray:
    P, r, _, _ = smoothed_model(states, rewards, gamma, E)
    M = np.array(E) / np.array(E).sum(axis=1, keepdims=True)
    return np.linalg.solve(np.eye(len(r)) - gamma * M @ P, M @ r)


EXERCISES = (
    Exercise(
        id="averager-limit",
        wanted="a function (states, rewards, gamma, E) -> values of the states 0, 1, …",
        judge=judge_limit,
        solution=limit,
        wrong=(_rewards_alone_smoothed, _certainty_equivalence, _visits_forgotten),
    ),
    Exercise(
        id="harmless-averaging",
        wanted="a pair (states, rewards): n + 1 states and n rewards",
        judge=judge_harmless,
        solution=([0, 0, 1, 0], [0, 2, 1]),
        wrong=(([0, 1, 0], [1, 1]), ([0, 1, 0], [1, -1]), ([0, 0, 0], [0, 2]), ([0, 0, 1], [0, 2])),
    ),
    Exercise(
        id="second-thoughts",
        wanted="a function (states, rewards, gamma, E) -> values of the states 0, 1, …",
        judge=judge_second_thoughts,
        solution=second_thoughts,
        wrong=(_certainty_equivalence, limit, lambda *given: 2 * limit(*given)),
    ),
)
"""Three, in the order of the text."""
