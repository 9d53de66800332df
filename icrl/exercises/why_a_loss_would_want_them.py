"""The exercises of "Why a loss would want these parameters"."""

from __future__ import annotations

from typing import Any

from icrl.arrays import np
from icrl.exercises.judging.answers import CLOSE, a_function, differs, shown
from icrl.exercises.judging.judgement import Exercise, NotAnAnswer
from icrl.mrp import MarkovRewardProcess, finite_array

# A silent error


CIRCLE = MarkovRewardProcess([[0.5, 0.5, 0], [0, 0.5, 0.5], [0.5, 0, 0.5]], [1, 0, 0], 0.5)
"""Three states in a circle, each kept or left for the next one with probability 1/2."""

TWO_FEATURES = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])


def judge_silent_error(answer: Any) -> str | None:
    """``answer``: values of the three states, wrong by 1 or more somewhere, with NEU 0."""
    try:
        v = finite_array("v", answer, (3,))
    except ValueError as error:
        raise NotAnAnswer(str(error)) from None
    off, errors = np.abs(v - CIRCLE.value()).max(), CIRCLE.bellman_update(v) - v
    if off < 1:
        return f"The largest error is {shown(off)}: v^π = {shown(CIRCLE.value())}."
    update = CIRCLE.stationary_distribution() * errors @ TWO_FEATURES
    if np.abs(update).max() > CLOSE * (1 + np.abs(v).max()):
        return f"The Bellman errors are {rounded(errors)} and the expected update {rounded(update)}, not 0."
    return None


def rounded(numbers: np.ndarray) -> str:
    """Numbers for a person, with a 0 in the place of rounding errors."""
    return shown([round(number, 9) + 0.0 for number in numbers.tolist()])


def silent_values() -> np.ndarray:
    """The values of a process that pays (1, −1, 1) more: x(0) − x(1) + x(2) = 0."""
    return MarkovRewardProcess(CIRCLE.transition, CIRCLE.reward + [1, -1, 1], CIRCLE.discount).value()


# The loss at finite depth


LINE = np.array([[1.0], [-2.0], [3.0]])


def judge_loss_at_finite_depth(answer: Any) -> str | None:
    """``answer(alpha, gamma, L, mu, x)``: NEU(v_L)² with reward 1 everywhere."""
    loss = a_function(answer, "alpha, gamma, L, mu and x")
    for alpha, gamma, L, mu, x in (
        (1.0, 0.5, 0, [1.0], [[2.0]]),
        (1.0, 0.5, 3, [1.0], [[2.0]]),
        (0.5, 0.9, 2, [1.0], [[1.0]]),
        (1.0, 0.9, 5, [0.25, 0.25, 0.5], LINE),
        (0.5, 0.0, 4, [0.5, 0.5], [[1.0, 0.0], [0.0, 1.0]]),
    ):
        arguments = (alpha, gamma, L, np.array(mu), np.array(x))
        if why := differs(
            loss,
            arguments,
            loss_at_finite_depth(*arguments),
            f"α = {alpha}, γ = {gamma}, L = {L}, μ = {shown(mu)}, x = {shown(x)}",
        ):
            return why
    return None


def loss_at_finite_depth(alpha: float, gamma: float, L: int, mu: np.ndarray, x: np.ndarray) -> float:
    """(1 − α(1 − γ))^{2L} ‖Σ_s μ(s)x(s)‖²."""
    return float((1 - alpha * (1 - gamma)) ** (2 * L) * ((mu @ x) ** 2).sum())


# One transition, for ever


def judge_one_transition(answer: Any) -> str | None:
    """``answer(mu, r, x)``: lim J_{L,1}."""
    limit = a_function(answer, "mu, r and x")
    for mu, r, x in (
        ([1.0], [3.0], [[1.0]]),
        ([0.5, 0.5], [1.0, 0.0], np.eye(2)),
        ([0.25, 0.75], [1.0, -1.0], [[2.0], [1.0]]),
        ([0.2, 0.3, 0.5], [1.0, 2.0, -1.0], LINE),
    ):
        arguments = (np.array(mu), np.array(r), np.array(x))
        if why := differs(
            limit, arguments, one_transition(*arguments), f"μ = {shown(mu)}, r = {shown(r)}, x = {shown(x)}"
        ):
            return why
    return None


def one_transition(mu: np.ndarray, r: np.ndarray, x: np.ndarray) -> float:
    """Σ_s μ(s) ‖Σ_u μ(u)(r(u) − r(s))x(u)‖²."""
    return float(mu @ (((mu * (r - r[:, None])) @ x) ** 2).sum(axis=1))


EXERCISES = (
    Exercise(
        id="silent-error",
        wanted="three numbers, the values of the three states",
        judge=judge_silent_error,
        solution=silent_values(),
        wrong=(CIRCLE.value() + [1, -1, 1], CIRCLE.value(), [0, 0, 0], CIRCLE.value() + 1),
    ),
    Exercise(
        id="loss-at-finite-depth",
        wanted="a function (alpha, gamma, L, mu, x) -> a number, mu an array of |S| numbers and x of |S| rows",
        judge=judge_loss_at_finite_depth,
        solution=loss_at_finite_depth,
        wrong=(
            lambda alpha, gamma, L, mu, x: gamma ** (2 * L) * (mu @ (x**2).sum(axis=1)),
            lambda alpha, gamma, L, mu, x: gamma ** (2 * L) * ((mu @ x) ** 2).sum(),
            lambda alpha, gamma, L, mu, x: (1 - alpha * (1 - gamma)) ** L * ((mu @ x) ** 2).sum(),
            lambda alpha, gamma, L, mu, x: (1 - alpha * (1 - gamma)) ** (2 * L) * (mu @ (x**2).sum(axis=1)),
        ),
    ),
    Exercise(
        id="one-transition-for-ever",
        wanted="a function (mu, r, x) -> a number, mu and r arrays of |S| numbers and x of |S| rows",
        judge=judge_one_transition,
        solution=one_transition,
        wrong=(
            lambda mu, r, x: 0.0,
            lambda mu, r, x: ((mu * r @ x) ** 2).sum(),
            lambda mu, r, x: mu @ ((r - r[:, None]) ** 2 @ (mu * (x**2).sum(axis=1))),
        ),
    ),
)
"""The three of the chapter, in the order of the text."""
