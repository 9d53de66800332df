"""The exercises of "Kernels, sharpness, and the road from tabular to linear"."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from icrl.arrays import np
from icrl.exercises.judging.answers import a_function, differs
from icrl.exercises.judging.judgement import Exercise
from icrl.mrp import Context
from icrl.operator import layer_operator, operator_from_kernel
from icrl.tasks import one_hot

WALKS = (([0, 1, 0], 0.5), ([0, 1, 0, 0, 0], 0.9), ([0, 1, 2, 0, 0, 1, 2, 2, 2, 0], 0.9), ([0, 1, 2, 3, 0], 0.99))
"""States and γ; every state is left, none by every transition."""


def judge_sharp_enough(answer: Any) -> str | None:
    """``answer(states, gamma)``: the β above which one-hot features of length √β have a positive margin."""
    least = a_function(answer, "states and gamma")
    for states, gamma in WALKS:
        if why := differs(
            least, (list(states), gamma), turning_point(states, gamma), f"states = {states}, γ = {gamma}"
        ):
            return why
    return None


def turning_point(states: Sequence[int], gamma: float) -> float:
    """Where the operator's margin changes its sign, by bisection."""
    context, low, high = Context(states, np.zeros(len(states) - 1)), 0.0, 60.0
    for _ in range(60):
        middle = (low + high) / 2
        positive = layer_operator(context, one_hot(max(states) + 1, middle), gamma).margin > 0
        low, high = (low, middle) if positive else (middle, high)
    return high


def sharp_enough(states: Sequence[int], gamma: float) -> float:
    """ln((1 + γ)/(1 − γ) · (n − m)/m), m the least number of visits."""
    n, least = len(states) - 1, min(states[:-1].count(s) for s in set(states))
    return math.log((1 + gamma) / (1 - gamma) * (n - least) / least)


def _half_of_the_weight(states: Sequence[int], gamma: float) -> float:
    n, least = len(states) - 1, min(states[:-1].count(s) for s in set(states))
    return math.log((n - least) / least)


def _by_the_number_of_states(states: Sequence[int], gamma: float) -> float:
    return math.log((1 + gamma) / (1 - gamma) * (len(set(states)) - 1))


TABLES = (
    ([0, 1, 0], [[2, 1], [1, 2]]),
    ([0, 1, 0, 0], [[2, 1], [1, 3]]),
    ([0, 1, 2, 2, 0, 1, 1, 0], [[5, 2, 1], [2, 4, 3], [1, 3, 6]]),
)
"""States and a symmetric table E; every state is left."""


def judge_kept_measure(answer: Any) -> str | None:
    """``answer(states, E)``: the probabilities that M̂ keeps."""
    measure = a_function(answer, "states and E")
    for states, E in TABLES:
        right = endless_power(operator_from_kernel(states, [0.0] * (len(states) - 1), E, 0.5).M)[0]
        if why := differs(measure, (list(states), np.array(E, float)), right, f"states = {states}, E = {E}"):
            return why
    return None


def endless_power(M: np.ndarray) -> np.ndarray:
    """M⁴⁰⁹⁶, by twelve squarings: every row is the probabilities that M keeps."""
    for _ in range(12):
        M = M @ M
    return M


def visits(states: Sequence[int], size: int) -> np.ndarray:
    """n_s, how often each state is left."""
    return np.array([states[:-1].count(s) for s in range(size)], float)


def kept_measure(states: Sequence[int], E: np.ndarray) -> np.ndarray:
    """n_s Z(s), normalised."""
    counts = visits(states, len(E))
    weight = counts * (E @ counts)
    return weight / weight.sum()


def _share_of_visits(states: Sequence[int], E: np.ndarray) -> np.ndarray:
    counts = visits(states, len(E))
    return counts / counts.sum()


def _normalisers(states: Sequence[int], E: np.ndarray) -> np.ndarray:
    Z = E @ visits(states, len(E))
    return Z / Z.sum()


EXERCISES = (
    Exercise(
        id="sharp-enough",
        wanted="a function (states, gamma) -> a number",
        judge=judge_sharp_enough,
        solution=sharp_enough,
        wrong=(_half_of_the_weight, _by_the_number_of_states),
    ),
    Exercise(
        id="kept-measure",
        wanted="a function (states, E) -> probabilities of the states 0, 1, …",
        judge=judge_kept_measure,
        solution=kept_measure,
        wrong=(_share_of_visits, _normalisers),
    ),
)
"""Both of the chapter, in the order of the text."""
