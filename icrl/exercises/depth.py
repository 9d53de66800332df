"""The exercises of "Depth: contraction, its rate, its floor"."""

from __future__ import annotations

import math
from typing import Any

from icrl.arrays import np
from icrl.exercises.judging.answers import a_function, differs, shown
from icrl.exercises.judging.judgement import Exercise, NotAnAnswer
from icrl.mrp import Context, finite_array
from icrl.operator import layer_operator
from icrl.tasks import boyan_chain


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
STATES = [
    0, 1, 3, 5, 6, 7, 8, 9, 11, 12,
    0, 2, 3, 5, 7, 9, 10, 12,
    0, 1, 2, 4, 5, 6, 8, 10, 11, 12,
    0, 2, 3, 4, 6, 8, 9, 11, 12,
    0, 2, 3, 5, 7, 9, 11, 12,
    0, 2, 3, 5, 6, 7, 8, 10, 11, 12,
    0, 2, 3, 5, 6, 7, 9, 11, 12,
    0, 1, 3, 4, 6, 8, 10, 12,
    0, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12,
    0, 2, 4, 5, 7, 9, 10, 12,
    0, 2, 4, 6, 8, 10, 11, 12,
    0, 1,
]  # fmt: skip
WALK = Context(STATES, boyan_chain().reward[STATES[:-1]])
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
    most = max((u for u in range(13) if u != s), key=lambda u: operator.M[s, u])
    own, other = shown(operator.M[s, s]), shown(operator.M[s, most])
    return f"The margin is {shown(operator.margin)}: state {s} gives itself the weight {own}, and state {most} {other}."


def on_a_circle(beta: float) -> np.ndarray:
    """√β times thirteen points of the unit circle."""
    angles = [2 * math.pi * s / 13 for s in range(13)]
    return math.sqrt(beta) * np.array([[math.cos(angle), math.sin(angle)] for angle in angles])


EXERCISES = (
    Exercise(
        id="layers-for-a-promise",
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
        wanted="an array of shape (13, 2), row s being x(s)",
        judge=judge_two_features,
        solution=on_a_circle(80),
        wrong=(
            [[s, 1] for s in range(13)],
            [[s - 6, 0] for s in range(13)],
            on_a_circle(1),
            on_a_circle(40),
        ),
    ),
)
"""Both of the chapter, in the order of the text."""
