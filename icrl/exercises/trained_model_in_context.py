"""The exercises of "Using a trained model in context"."""

from __future__ import annotations

import math
from random import Random
from typing import Any

from icrl import state_form
from icrl.arrays import np
from icrl.exercises.judging.answers import a_context, a_function, differs, shown
from icrl.exercises.judging.counting import counted
from icrl.exercises.judging.judgement import Exercise, NotAnAnswer
from icrl.exercises.judging.samples import random_process
from icrl.mrp import Context, MarkovRewardProcess
from icrl.operator import layer_operator
from icrl.tasks import boyan_chain, one_hot, ring

WEIGHTS = ((1.22, 1.19, -1.2), (0.5, 0.3, -0.6), (1.0, 1.2, -1.1))
"""What was learned in V's last row: reward, target, value; all with γw_t < −w_v at the discounts below."""


RARELY = [
    [0.28267904, 0.00003015, 0.71729081],
    [0.17400764, 0.12072753, 0.70526483],
    [0.3007851, 0.68382987, 0.01538503],
]
"""Transition probabilities of three states, one of them tiny."""


# Where depth ends when the context never does


def judge_endless_limit(answer: Any) -> str | None:
    """``answer(P, r, gamma, w)``: the values after endless layers on an endless context."""
    limit = a_function(answer, "P, r, gamma and w")
    chains = (
        MarkovRewardProcess(RARELY, [-0.94336, -0.751433, 0.341249], 0.5),
        random_process(4, Random(0), 0.9),
        ring(5, discount=0.8, lazy=0.3),
    )
    for mrp, w in zip(chains, WEIGHTS):
        P, r, gamma = mrp.transition, mrp.reward, mrp.discount
        why = differs(
            limit,
            (P, r, gamma, w),
            deep_values(mrp, w),
            f"P = {shown(P)}, r = {shown(r)}, γ = {gamma:g}, w = {shown(w)}",
        )
        if why:
            return why
    return None


def deep_values(mrp: MarkovRewardProcess, w: tuple[float, float, float], depth: int = 3000) -> np.ndarray:
    """The values after very many layers on the frequencies of an endless context, one-hot features of sharpness 6."""
    counts = mrp.stationary_distribution()[:, None]
    given = state_form.Model(counts, mrp.transition, mrp.reward[None])
    layers = [state_form.Weights(*w, np.eye(mrp.n_states))] * depth
    *_, last = state_form.values(one_hot(mrp.n_states, 6.0), given, layers, mrp.discount)
    return last[0]


def learned_limit(P: np.ndarray, r: np.ndarray, gamma: float, w: tuple[float, float, float]) -> np.ndarray:
    """The value of the process at the discount γ̃ = −γw_t/w_v, its rewards scaled by η = −w_r/w_v."""
    reward, target, value = w
    return np.linalg.solve(np.eye(len(r)) + gamma * target / value * P, -reward / value * r)


def _own_value(P: np.ndarray, r: np.ndarray, gamma: float, w: tuple[float, float, float]) -> np.ndarray:
    return np.linalg.solve(np.eye(len(r)) - gamma * P, r)


def _rewards_as_they_are(P: np.ndarray, r: np.ndarray, gamma: float, w: tuple[float, float, float]) -> np.ndarray:
    return np.linalg.solve(np.eye(len(r)) + gamma * w[1] / w[2] * P, r)


# A context on which depth diverges


LAYERS, TOO_LARGE = 60, 1000.0
SHARP = one_hot(4, 4.0)
"""Features √4·e_s of four states; with A = 2.5 I a state's score with itself is 10."""


def judge_restless_context(answer: Any) -> str | None:
    """``answer``: states below 4 and rewards in [−1, 1] on which 60 layers of the first weights exceed 1000."""
    context = a_context(answer)
    if context.states.max() >= len(SHARP) or np.abs(context.rewards).max() > 1:
        raise NotAnAnswer("the states must be among 0, 1, 2, 3 and the rewards in [-1, 1]")
    most = float(np.abs(values_along(context)).max())
    if most > TOO_LARGE:
        return None
    largest = f"the largest value in size is {shown(most)}"
    return f"After {LAYERS} layers {largest}, and the spectral radius of a layer is {shown(radius(context))}."


def values_along(context: Context) -> np.ndarray:
    """The values of the states after the layers, by the state form."""
    moves, paid = counted(context.states.tolist(), context.rewards.tolist(), 4)
    layers = [state_form.Weights(*WEIGHTS[0], 2.5 * np.eye(4))] * LAYERS
    *_, last = state_form.values(SHARP, state_form.model(moves, paid), layers, 0.9)
    return last[0, context.visited]


def radius(context: Context) -> float:
    """The spectral radius of a layer with the first weights."""
    _, target, value = WEIGHTS[0]
    return layer_operator(context, SHARP, -0.9 * target / value, 2.5 * np.eye(4)).spectral_radius(-value)


# How far the step must be cut


STATES = [
    0, 1, 2, 3, 0, 2, 3, 0, 2, 3, 0, 1, 3, 0, 2, 3, 0, 2, 3, 0, 1,
    2, 3, 0, 2, 3, 0, 2, 3, 0, 2, 3, 0, 2, 3, 0, 1, 3, 0, 1, 3,
]  # fmt: skip
"""A walk of 40 transitions on a Boyan chain of four states."""

SOME = (
    (Context([0, 1, 0], [1, 0]), one_hot(2, 9.0), 0.9),
    (Context(STATES, boyan_chain(4).reward[STATES[:-1]]), one_hot(4, 3.0), 0.8),
    (Context([0, 2, 1, 1], [1, 0, 0]), math.sqrt(math.log(2)) * np.array([[-3.0], [0.0], [-2.0]]), 0.99),
)
"""Contexts, features, γ: a restless one, one at ease, and one where an eigenvalue of H has a negative real part."""


def judge_safe_factor(answer: Any) -> str | None:
    """``answer(M, P, gamma, w)``: the least upper bound of the factors c with which depth converges."""
    factor = a_function(answer, "M, P, gamma and w")
    for context, x, gamma in SOME:
        for w in WEIGHTS[:2]:
            op = layer_operator(context, x, -gamma * w[1] / w[2])
            instance = f"M = {shown(op.M)}, P = {shown(op.P)}, γ = {gamma}, w = {shown(w)}"
            if why := differs(factor, (op.M, op.P, gamma, w), op.step_limit / -w[2], instance):
                return why
    return None


def largest_factor(M: np.ndarray, P: np.ndarray, gamma: float, w: tuple[float, float, float]) -> float:
    """min 2 Re λ / |λ|² over the eigenvalues λ of M − γ̃P, divided by α = −w_v; 0 where some Re λ ≤ 0."""
    _, target, value = w
    eigenvalues = np.linalg.eigvals(M + gamma * target / value * P)
    return max(0.0, min(2 * z.real / abs(z) ** 2 for z in eigenvalues)) / -value


def _by_the_radius(M: np.ndarray, P: np.ndarray, gamma: float, w: tuple[float, float, float]) -> float:
    G = np.eye(len(M)) + w[2] * M + gamma * w[1] * P
    return 1 / max(abs(z) for z in np.linalg.eigvals(G))


def _at_the_own_discount(M: np.ndarray, P: np.ndarray, gamma: float, w: tuple[float, float, float]) -> float:
    return largest_factor(M, P, gamma, (w[0], -w[2], w[2]))


EXERCISES = (
    Exercise(
        id="endless-limit",
        wanted="a function (P, r, gamma, w) -> the values of the states",
        judge=judge_endless_limit,
        solution=learned_limit,
        wrong=(
            _own_value,
            _rewards_as_they_are,
        ),
    ),
    Exercise(
        id="restless-context",
        wanted="a pair (states, rewards)",
        judge=judge_restless_context,
        solution=([0, 1, 0], [1, -1]),
        wrong=(
            ([0, 1, 0], [1, 1]),
            ([0, 0, 1, 1, 0], [1, 1, -1, -1]),
        ),
    ),
    Exercise(
        id="safe-factor",
        wanted="a function (M, P, gamma, w) -> a number",
        judge=judge_safe_factor,
        solution=largest_factor,
        wrong=(
            _by_the_radius,
            _at_the_own_discount,
        ),
    ),
)
"""Three, in the order of the text."""
