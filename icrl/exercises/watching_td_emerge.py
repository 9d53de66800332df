"""The exercises of "Watching TD emerge"."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, permutations
from random import Random
from typing import Any

from icrl import state_form
from icrl.arrays import np
from icrl.exercises.judging.answers import a_function, called, differs, shown
from icrl.exercises.judging.judgement import Exercise

LEARNED = ((1.225, 1.42, -1.216), (1.217, 1.192, -1.197), (1.0, 1.0, -1.0), (0.5, 0.25, -2.0))
"""Entries w_r, w_t, w_v: two that training came to, softmax TD's, and others."""

FEATURES = np.array([[0.0, 1.0], [1.0, 0.5]])
MOVES, PAID = np.array([[1.0, 2.0], [2.0, 1.0]]), np.array([3.0, -1.0])
"""Two states, six transitions."""


def values(w: Sequence[float], gamma: float, depth: int, paid: np.ndarray = PAID) -> np.ndarray:
    """The values of the two states after ``depth`` layers with V's entries w and A = I."""
    given, layer = state_form.model(MOVES, paid), state_form.Weights._make((*w, np.eye(2)))
    return next(islice(state_form.values(FEATURES, given, [layer] * depth, gamma), depth, None))[0]


# Read as a task


def judge_read_as_a_task(answer: Any) -> str | None:
    """``answer(w, gamma)`` = (step, discount, scale): the softmax TD that layers with V's entries w are, w_v < 0."""
    reading = a_function(answer, "w and gamma")
    for w in LEARNED:
        for gamma in (0.9, 0.5):
            instance = f"w = {w}, γ = {gamma}"
            if why := differs(reading, (w, gamma), read_as_a_task(w, gamma), instance):
                return why + apart(reading, w, gamma)
    return None


def read_as_a_task(w: Sequence[float], gamma: float) -> tuple[float, float, float]:
    """α = −w_v, γ̃ = γ w_t / α, η = w_r / α."""
    alpha = -w[2]
    return alpha, gamma * w[1] / alpha, w[0] / alpha


def apart(reading: Any, w: Sequence[float], gamma: float) -> str:
    """What six layers of the answer's softmax TD make of a context, if it is three numbers."""
    got, raised = called(lambda: read_values(*map(float, reading(w, gamma))))
    if raised:
        return ""
    has = f"has the values {shown(got)}, the model {shown(values(w, gamma, 6))}"
    return f" After six layers on a context of two states the answer's softmax TD {has}."


def read_values(step: float, discount: float, scale: float) -> np.ndarray:
    """The values of the two states after six layers of softmax TD with this step and discount, rewards scaled."""
    return values((step, step, -step), discount, 6, scale * PAID)


def _by_the_reward(w: Sequence[float], gamma: float) -> tuple[float, float, float]:
    return w[0], gamma * w[1] / w[0], 1.0


def _undivided(w: Sequence[float], gamma: float) -> tuple[float, float, float]:
    return -w[2], gamma * w[1], w[0]


def _own_discount(w: Sequence[float], gamma: float) -> tuple[float, float, float]:
    return -w[2], gamma, w[0] / -w[2]


# The gain of a constant


def judge_gain_of_a_constant(answer: Any) -> str | None:
    """``answer(w, gamma, depth)``: the value of every state after so many layers where every transition pays 1."""
    gain = a_function(answer, "w, gamma and depth")
    level = (1.0, 2.0, -1.0)
    for w, gamma, depth in (
        ((1.0, 1.0, -1.0), 0.5, 1),
        (LEARNED[0], 0.9, 6),
        ((0.4, 0.25, 0.25), 0.9, 6),
        (level, 0.5, 6),
        ((1.0, 1.0, -1.0), 0.9, 0),
    ):
        instance = f"w = {w}, γ = {gamma}, depth {depth}"
        if why := differs(gain, (w, gamma, depth), values(w, gamma, depth, MOVES.sum(axis=1))[0], instance):
            return why
    return None


def gain_of_a_constant(w: Sequence[float], gamma: float, depth: int) -> float:
    """w_r Σ_{l < L} (1 + γ w_t + w_v)^l."""
    q = 1 + gamma * w[1] + w[2]
    return w[0] * sum(q**layer for layer in range(depth))


def _by_the_quotient(w: Sequence[float], gamma: float, depth: int) -> float:
    q = 1 + gamma * w[1] + w[2]
    return w[0] * (q**depth - 1) / (q - 1)


def _one_too_many(w: Sequence[float], gamma: float, depth: int) -> float:
    return gain_of_a_constant(w, gamma, depth + 1)


def _the_limit(w: Sequence[float], gamma: float, depth: int) -> float:
    return w[0] / (-w[2] - gamma * w[1])


# What symmetry leaves


def judge_what_symmetry_leaves(answer: Any) -> str | None:
    """``answer(G)``: the mean of QᵀGQ over all permutation matrices Q."""
    mean = a_function(answer, "G")
    rng = Random(0)
    drawn = [[float(rng.randint(-5, 5)) for _ in range(4)] for _ in range(4)]
    for G in (np.array([[1.0, 2.0], [4.0, 3.0]]), np.diag([1.0, 2.0, 6.0]), np.array(drawn)):
        if why := differs(mean, (G,), mean_over_permutations(G), f"G = {shown(G)}"):
            return why
    return None


def mean_over_permutations(G: np.ndarray) -> np.ndarray:
    """One permutation after the other."""
    orders = [list(order) for order in permutations(range(len(G)))]
    return sum((G[order][:, order] for order in orders), 0 * G) / len(orders)


def what_symmetry_leaves(G: np.ndarray) -> np.ndarray:
    """The mean of the diagonal on the diagonal, that of the rest off it."""
    d = len(G)
    on = G.diagonal().sum() / d
    rest = (G.sum() - G.diagonal().sum()) / (d * (d - 1))
    return (on - rest) * np.eye(d) + rest


def _signs_too(G: np.ndarray) -> np.ndarray:
    return G.diagonal().sum() / len(G) * np.eye(len(G))


def _its_diagonal(G: np.ndarray) -> np.ndarray:
    return np.diag(G.diagonal())


def _all_alike(G: np.ndarray) -> np.ndarray:
    return 0 * G + G.sum() / G.size


EXERCISES = (
    Exercise(
        id="read-as-a-task",
        wanted="a function (w, gamma) -> step size, discount and scale of the rewards, "
        "w being (w_r, w_t, w_v) with w_v < 0",
        judge=judge_read_as_a_task,
        solution=read_as_a_task,
        wrong=(
            _by_the_reward,
            _undivided,
            _own_discount,
        ),
    ),
    Exercise(
        id="gain-of-a-constant",
        wanted="a function (w, gamma, depth) -> a number, w being (w_r, w_t, w_v)",
        judge=judge_gain_of_a_constant,
        solution=gain_of_a_constant,
        wrong=(
            _by_the_quotient,
            _one_too_many,
            _the_limit,
        ),
    ),
    Exercise(
        id="what-symmetry-leaves",
        wanted="a function G -> a matrix of the same shape, (d, d) with d of at least 2",
        judge=judge_what_symmetry_leaves,
        solution=what_symmetry_leaves,
        wrong=(
            _signs_too,
            _its_diagonal,
            _all_alike,
        ),
    ),
)
"""Three, in the order of the text."""
