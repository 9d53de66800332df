"""The exercises of "The layer as an operator on values"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from icrl.algebra import all_visible
from icrl.arrays import np
from icrl.exercises.judging.answers import a_function, differs
from icrl.exercises.judging.counting import Rewarded, counted, judge_values
from icrl.exercises.judging.judgement import Exercise
from icrl.mrp import Context, empirical_model
from icrl.prompt import prompt, rows
from icrl.tasks import one_hot
from icrl.transformer import softmax_td_parameters, transformer

LAYERS = 400
"""So many that with one more nothing moves."""

CONTEXTS: tuple[Rewarded, ...] = (
    ([0, 1, 0], [1, 0], 0.5),
    ([0, 1, 0, 0], [1, 0, 2], 0.5),
    ([0, 1, 0, 2, 1, 1, 2, 0], [1, 0, -1, 2, 0.5, 1, 0], 0.8),
)
"""States, rewards, γ; every state is left."""
WEIGHTS: tuple[tuple[int, ...], ...] = ((1, 2), (1, 2, 4), (1, 3, 2, 1, 5, 1, 4))
"""ρ for each of them."""


def judge_fading_memory(answer: Any) -> str | None:
    """``answer(states, rewards, gamma, rho)``: where layers with the weights ρ_k E(s, S_k) end."""
    limit = a_function(answer, "states, rewards, gamma and rho")
    for (states, rewards, gamma), rho in zip(CONTEXTS, WEIGHTS):
        for chosen in (rho, rho[::-1]):
            right = remembered(states, rewards, gamma, chosen)
            if why := differs(
                limit,
                (states, rewards, gamma, list(chosen)),
                right,
                f"states = {states}, rewards = {rewards}, γ = {gamma}, ρ = {list(chosen)}",
            ):
                return why
    return None


def remembered(states: Sequence[int], rewards: Sequence[float], gamma: float, rho: Sequence[float]) -> np.ndarray:
    """The values after 400 updates of softmax TD, one-hot, with the weights ρ_k E(s, S_k)."""
    S, value = np.array(states), np.zeros(max(states) + 1)
    K = np.exp(2.0 * (np.arange(len(value))[:, None] == S[:-1])) * np.array(rho)
    K = K / K.sum(axis=1, keepdims=True)
    for _ in range(LAYERS):
        value = value + K @ (np.array(rewards) + gamma * value[S[1:]] - value[S[:-1]])
    return value


def weighted_model(states: Sequence[int], rewards: Sequence[float], gamma: float, rho: Sequence[float]) -> np.ndarray:
    """The value of the model in which transition k counts ρ_k times."""
    size = max(states) + 1
    moves, paid = counted(states, rewards, size, rho)
    left = moves.sum(axis=1)
    return np.linalg.solve(np.eye(size) - gamma * moves / left[:, None], paid / left)


def _unweighted(states: Sequence[int], rewards: Sequence[float], gamma: float, rho: Sequence[float]) -> np.ndarray:
    return empirical_model(Context(states, rewards)).value(gamma)


def _rewards_alone(states: Sequence[int], rewards: Sequence[float], gamma: float, rho: Sequence[float]) -> np.ndarray:
    return _unweighted(
        states, [weight * reward * len(rho) / sum(rho) for weight, reward in zip(rho, rewards)], gamma, rho
    )


def judge_unmasked_limit(answer: Any) -> str | None:
    """``answer(states, rewards, gamma)``: where the layers end without the mask."""
    never_left: Rewarded = ([0, 1], [1], 0.9)
    return judge_values(answer, (*CONTEXTS, never_left), unmasked)


def unmasked(states: Sequence[int], rewards: Sequence[float], gamma: float) -> np.ndarray:
    """The values after 400 layers of the Transformer without its mask, one-hot, by state."""
    X, n = one_hot(max(states) + 1, 2.0)[list(states)].T, len(rewards)
    Z = prompt(X, np.array([rewards], float), np.zeros((1, n + 1)), gamma)
    theta = softmax_td_parameters(len(X), n, gamma, 1.0, Z).with_head(visible=all_visible(n, Z))
    *_, last = transformer(Z, [theta] * LAYERS)
    value = dict(zip(states, rows(last).value[0]))
    return np.array([value[s] for s in sorted(value)])


def ends_once(states: Sequence[int], rewards: Sequence[float], gamma: float) -> np.ndarray:
    """The value of the model in which S_n was left once more, to nowhere and without a reward."""
    size = max(states) + 1
    moves, paid = counted(states, rewards, size)
    left = moves.sum(axis=1)
    left[states[-1]] += 1
    return np.linalg.solve(np.eye(size) - gamma * moves / left[:, None], paid / left)


EXERCISES = (
    Exercise(
        id="fading-memory",
        wanted="a function (states, rewards, gamma, rho) -> the limit at the states 0, 1, …",
        judge=judge_fading_memory,
        solution=weighted_model,
        wrong=(
            _unweighted,
            _rewards_alone,
        ),
    ),
    Exercise(
        id="unmasked-limit",
        wanted="a function (states, rewards, gamma) -> the limit at the states 0, 1, …",
        judge=judge_unmasked_limit,
        solution=ends_once,
        wrong=(
            lambda states, rewards, gamma: empirical_model(Context(states, rewards)).value(gamma**2),
            lambda states, rewards, gamma: ends_once([*states, states[-1]], [*rewards, 0.0], gamma),
        ),
    ),
)
"""Both of the chapter, in the order of the text."""
