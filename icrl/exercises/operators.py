r"""The exercises of "The layer as an operator on values" and "Depth: contraction, its rate, its floor"."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from icrl.algebra import all_visible
from icrl.exercises.answers import a_function, differs, shown
from icrl.exercises.model import Exercise, NotAnAnswer
from icrl.mrp import Context, empirical_model, finite_array
from icrl.operator import layer_operator
from icrl.prompt import prompt, rows
from icrl.tasks import boyan_chain, one_hot
from icrl.transformer import softmax_td_parameters, transformer

OPERATOR = "layer-operator"
DEPTH = "depth"
LAYERS = 1000

CONTEXTS = (
    ([0, 1, 0], [1, 0], 0.5),
    ([0, 1, 0, 0], [1, 0, 2], 0.5),
    ([0, 1, 0, 2, 1, 1, 2, 0], [1, 0, -1, 2, 0.5, 1, 0], 0.8),
)
"""States, rewards, γ; every state is left."""
WEIGHTS = ((1, 2), (1, 2, 4), (1, 3, 2, 1, 5, 1, 4))
"""ρ for each of them."""


# The layer as an operator on values


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
    """The values after a thousand updates of softmax TD, one-hot, with the weights ρ_k E(s, S_k)."""
    S, value = np.array(states), np.zeros(max(states) + 1)
    K = np.exp(2.0 * (np.arange(len(value))[:, None] == S[:-1])) * rho
    K /= K.sum(axis=1, keepdims=True)
    for _ in range(LAYERS):
        value = value + K @ (rewards + gamma * value[S[1:]] - value[S[:-1]])
    return value


def weighted_model(states: Sequence[int], rewards: Sequence[float], gamma: float, rho: Sequence[float]) -> np.ndarray:
    """The value of the model in which transition k counts ρ_k times."""
    S, size = np.array(states), max(states) + 1
    moves, paid = np.zeros((size, size)), np.zeros(size)
    np.add.at(moves, (S[:-1], S[1:]), rho)
    np.add.at(paid, S[:-1], np.multiply(rho, rewards))
    left = moves.sum(axis=1)
    return np.linalg.solve(np.eye(size) - gamma * moves / left[:, None], paid / left)


def _unweighted(states: Sequence[int], rewards: Sequence[float], gamma: float, rho: Sequence[float]) -> np.ndarray:
    return empirical_model(Context(states, rewards)).value(gamma)


def _rewards_alone(states: Sequence[int], rewards: Sequence[float], gamma: float, rho: Sequence[float]) -> np.ndarray:
    return _unweighted(states, np.multiply(rho, rewards) * len(rho) / sum(rho), gamma, rho)


def judge_unmasked_limit(answer: Any) -> str | None:
    """``answer(states, rewards, gamma)``: where the layers end without the mask."""
    limit = a_function(answer, "states, rewards and gamma")
    for states, rewards, gamma in (*CONTEXTS, ([0, 1], [1], 0.9)):
        right = unmasked(states, rewards, gamma)
        if why := differs(
            limit, (states, rewards, gamma), right, f"states = {states}, rewards = {rewards}, γ = {gamma}"
        ):
            return why
    return None


def unmasked(states: Sequence[int], rewards: Sequence[float], gamma: float) -> np.ndarray:
    """The values after a thousand layers of the Transformer without its mask, one-hot, by state."""
    X, n = one_hot(max(states) + 1, 2.0)[list(states)].T, len(rewards)
    Z = prompt(X, np.array([rewards], float), np.zeros((1, n + 1)), gamma)
    theta = replace(softmax_td_parameters(len(X), n, gamma, 1.0, Z), visible=all_visible(n, Z))
    *_, last = transformer(Z, [theta] * LAYERS)
    value = dict(zip(states, rows(last).value[0]))
    return np.array([value[s] for s in sorted(value)])


def ends_once(states: Sequence[int], rewards: Sequence[float], gamma: float) -> np.ndarray:
    """The value of the model in which S_n was left once more, to nowhere and without a reward."""
    S, size = np.array(states), max(states) + 1
    moves, paid = np.zeros((size, size)), np.zeros(size)
    np.add.at(moves, (S[:-1], S[1:]), 1)
    np.add.at(paid, S[:-1], rewards)
    left = moves.sum(axis=1)
    left[S[-1]] += 1
    return np.linalg.solve(np.eye(size) - gamma * moves / left[:, None], paid / left)


# Depth


def judge_layers_for_a_promise(answer: Any) -> str | None:
    """``answer(alpha, c, eta)``: the least L with (1 − αc)^L ≤ η."""
    depth = a_function(answer, "alpha, c and eta")
    for alpha, c, eta in ((1, 0.1, 0.01), (0.5, 0.5, 1e-6), (1, 0.9, 0.3), (0.1, 0.02, 0.5), (1, 1, 1e-9)):
        right = next(L for L in range(10**4) if (1 - alpha * c) ** L <= eta)
        if why := differs(depth, (alpha, c, eta), right, f"α = {alpha}, c = {c}, η = {eta}"):
            return why
    return None


def layers_needed(alpha: float, c: float, eta: float) -> int:
    """⌈log η / log(1 − αc)⌉, and 1 where αc = 1."""
    rate = 1 - alpha * c
    return 1 if rate == 0 else math.ceil(math.log(eta) / math.log(rate))


def _by_the_exponential(alpha: float, c: float, eta: float) -> int:
    return math.ceil(math.log(1 / eta) / (alpha * c))


def _without_rounding_up(alpha: float, c: float, eta: float) -> int:
    return layers_needed(alpha, c, eta) - 1


WALK_DISCOUNT = 0.9
WALK = boyan_chain(discount=WALK_DISCOUNT).sample_context(100, np.random.default_rng(3))
"""The chapter's walk of 100 transitions on the Boyan chain."""


def judge_two_features(answer: Any) -> str | None:
    """``answer``, (13, 2): features with which the margin of the walk is positive."""
    try:
        x = finite_array("the features", answer, (13, 2))
        operator = layer_operator(WALK, x, WALK_DISCOUNT)
    except (TypeError, ValueError) as error:
        raise NotAnAnswer(str(error)) from None
    if operator.margin > 0:
        return None
    s = int(operator.M.diagonal().argmin())
    most = int(operator.M[s].argmax())
    return f"The margin is {shown(operator.margin)}: state {s} gives itself the weight {shown(operator.M[s, s])}, and state {most} {shown(operator.M[s, most])}."


def on_a_circle(beta: float) -> np.ndarray:
    """√β times thirteen points of the unit circle."""
    angle = 2 * np.pi * np.arange(13) / 13
    return np.sqrt(beta) * np.column_stack([np.cos(angle), np.sin(angle)])


EXERCISES = (
    Exercise(
        id="fading-memory",
        chapter=OPERATOR,
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
        chapter=OPERATOR,
        wanted="a function (states, rewards, gamma) -> the limit at the states 0, 1, …",
        judge=judge_unmasked_limit,
        solution=ends_once,
        wrong=(
            lambda states, rewards, gamma: empirical_model(Context(states, rewards)).value(gamma**2),
            lambda states, rewards, gamma: ends_once([*states, states[-1]], [*rewards, 0.0], gamma),
        ),
    ),
    Exercise(
        id="layers-for-a-promise",
        chapter=DEPTH,
        wanted="a function (alpha, c, eta) -> a whole number",
        judge=judge_layers_for_a_promise,
        solution=layers_needed,
        wrong=(
            _by_the_exponential,
            _without_rounding_up,
        ),
    ),
    Exercise(
        id="two-features",
        chapter=DEPTH,
        wanted="an array of shape (13, 2), row s being x(s)",
        judge=judge_two_features,
        solution=on_a_circle(80),
        wrong=(
            [[s, 1] for s in range(13)],
            on_a_circle(1),
        ),
    ),
)
"""Two for each chapter, in the order of the text."""
