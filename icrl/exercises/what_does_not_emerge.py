"""The exercises of "What does not emerge, and what a fixed depth really learns"."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

from icrl.arrays import np
from icrl.exercises.judging.answers import a_function, differs
from icrl.exercises.judging.judgement import Exercise
from icrl.exercises.judging.samples import random_normal
from icrl.mrp import finite_array
from icrl.state_form import Weights, model, values

Triple = Sequence[float] | np.ndarray
"""(w_r, w_t, w_v)."""


def after(
    moves: Any, rewards: Any, x: np.ndarray, layers: Sequence[Triple] | np.ndarray, A: np.ndarray, gamma: float
) -> np.ndarray:
    """The values of all states after these layers, which share A, in a context with one reward a state."""
    moves = np.array(moves, float)
    *_, v = values(
        x, model(moves, moves.sum(-1) * np.array(rewards, float)), [Weights._make((*w, A)) for w in layers], gamma
    )
    return v[0]


def made_of(
    function: Callable, use: Callable[[np.ndarray], np.ndarray], shape: tuple[int, ...]
) -> Callable[..., np.ndarray]:
    """What ``use`` makes of the weights that the answer returns; ``ValueError`` unless finite and of this shape."""
    return lambda *given: use(finite_array("the weights", function(*given), shape))


# A discount that makes up for depth


def judge_discount_of_depth(answer: Any) -> str | None:
    """``answer(gamma, L)``: the w_t with which L layers, w_r = 1, w_v = −1, give constant rewards their true value."""
    target = a_function(answer, "gamma and L")
    for gamma, L in ((0.5, 2), (0.9, 3), (0.9, 12), (0.8, 6)):
        one = np.ones((1, 1))
        reached = made_of(target, lambda w: after(one, [1], one, [(1, float(w), -1)] * L, one, gamma), ())
        if why := differs(
            reached,
            (gamma, L),
            [1 / (1 - gamma)],
            f"γ = {gamma}, L = {L}, rewards of 1, where the value after L layers is",
        ):
            return why
    return None


def discount_of_depth(gamma: float, L: int) -> float:
    """The q ≥ 0 with 1 + q + … + q^(L−1) = 1/(1 − γ), over γ, by bisection."""
    low, high = 0.0, 1 / (1 - gamma)
    for _ in range(100):
        q = (low + high) / 2
        low, high = (q, high) if sum(q**layer for layer in range(L)) < 1 / (1 - gamma) else (low, q)
    return low / gamma


# Two layers that another two equal


PAIRS = (
    ((1, 1, -1), (1, 1, -1), 2),
    ((1.5, 0, 0), (1.4, 1.8, 1.7), -0.5),
    ((0.5, 3, -2), (0, 1, 1), 0.25),
)
"""The weights of two layers, and the factor of the first reward weight."""


def contexts() -> Iterator[tuple[Any, Any, np.ndarray, np.ndarray]]:
    """Contexts of three states: transitions, rewards, features, A; the first written down, the rest drawn."""
    x = np.array([[0.12573, -0.132105], [0.640423, 0.1049], [-0.535669, 0.361595]])
    A = np.array([[1.304, 0.947081], [-0.703735, -1.265421]])
    yield [[1, 3, 3], [1, 2, 3], [2, 1, 3]], [-0.7, -0.5, -0.3], x, A
    rng = Random(0)
    while True:
        moves = [[rng.randint(1, 3) for _ in range(3)] for _ in range(3)]
        rewards = [round(rng.gauss(0, 1), 1) for _ in range(3)]
        yield moves, rewards, random_normal(3, 2, rng), random_normal(2, 2, rng)


def judge_another_two_layers(answer: Any) -> str | None:
    """``answer(first, second, c)``: two layers with the same values, and c times the first one's reward weight."""
    other = a_function(answer, "first, second and c")
    for (first, second, c), (moves, rewards, x, A) in zip(PAIRS, contexts()):
        given, where = (first, second, c), f"first = {first}, second = {second}, c = {c}"
        weight = made_of(other, lambda w: w[0, 0], (2, 3))
        if why := differs(weight, given, c * first[0], f"{where}, the first reward weight"):
            return why
        reached = made_of(other, lambda w: after(moves, rewards, x, w, A, 0.9), (2, 3))
        right = after(moves, rewards, x, (first, second), A, 0.9)
        if why := differs(reached, given, right, f"{where}, values after both layers of a context of three states"):
            return why
    return None


def another_two_layers(first: Triple, second: Triple, c: float) -> tuple[Triple, Triple]:
    """The second layer takes off, and divides by c, what the first wrote too much."""
    return (c * first[0], first[1], first[2]), (second[0] + (1 - c) * first[0], second[1] / c, second[2] / c)


# Two layers in the mirror


def judge_in_the_mirror(answer: Any) -> str | None:
    """``answer(w, gamma)``: weights with which two layers of −A do what two of A do with w, on two states in turn."""
    mirrored = a_function(answer, "w and gamma")
    for w, gamma, sharpness, rewards in (
        ((1, 1, -1), 0.5, 1.0, (1, 0)),
        ((1.2, 1.4, -1.2), 0.9, 2.5, (1, 1)),
        ((0.5, 2, 1), 0.9, 0.3, (0, -2)),
    ):
        A, swap = sharpness * np.eye(2), [[0, 1], [1, 0]]
        reached = made_of(mirrored, lambda u: after(swap, rewards, np.eye(2), [u] * 2, -A, gamma), (3,))
        right = after(swap, rewards, np.eye(2), [w] * 2, A, gamma)
        if why := differs(reached, (w, gamma), right, f"w = {w}, γ = {gamma}, A = {sharpness}·I, rewards {rewards}"):
            return why
    return None


def in_the_mirror(w: Triple, gamma: float) -> Triple:
    """q = 1 + γw_t + w_v becomes −2 − q, and what multiplies differences keeps its product with their sign."""
    return -w[0], -w[1] - 2 / gamma, -w[2] - 2


EXERCISES = (
    Exercise(
        id="discount-of-depth",
        wanted="a function (gamma, L) -> a number, w_t",
        judge=judge_discount_of_depth,
        solution=discount_of_depth,
        wrong=(
            lambda gamma, L: 1.0,
            lambda gamma, L: 1 / gamma,
            lambda gamma, L: (1 / (1 - gamma)) ** (1 / (L - 1)) / gamma,
        ),
    ),
    Exercise(
        id="another-two-layers",
        wanted="a function (first, second, c) -> two triples (w_r, w_t, w_v)",
        judge=judge_another_two_layers,
        solution=another_two_layers,
        wrong=(
            lambda first, second, c: ([c * w for w in first], [w / c for w in second]),
            lambda first, second, c: ([c * w for w in first], (second[0], second[1] / c, second[2] / c)),
            lambda first, second, c: (first, second),
        ),
    ),
    Exercise(
        id="mirror-image",
        wanted="a function (w, gamma) -> (w_r, w_t, w_v)",
        judge=judge_in_the_mirror,
        solution=in_the_mirror,
        wrong=(
            lambda w, gamma: (-w[0], -w[1], -w[2]),
            lambda w, gamma: w,
            lambda w, gamma: (-w[0], -w[1] - 2, -w[2] - 2 * gamma),
        ),
    ),
)
"""Three, in the order of the text."""
