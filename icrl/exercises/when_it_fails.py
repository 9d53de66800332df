"""The exercises of "When it fails"."""

from __future__ import annotations

import math
from typing import Any

from icrl.arrays import np
from icrl.exercises.judging.answers import a_context, a_function, differs, shown
from icrl.exercises.judging.judgement import Exercise, NotAnAnswer
from icrl.mrp import Context, finite_array
from icrl.operator import Operator, layer_operator

CYCLE, PLACE = Context([0, 1, 2, 0], np.zeros(3)), np.array([4.0, 3.0, 1.0])
"""The chapter's cycle of three states, and its one feature: at γ = .9 no step works."""

CLEAR = 1e-9
"""What a float can tell from 0 among eigenvalues of H, which are at most 2 in size."""


def second_feature(y: Any) -> np.ndarray:
    """Two features for each state of the cycle, the second one given."""
    return np.array([PLACE, y]).T


def judge_no_safe_discount(answer: Any) -> str | None:
    """``answer`` = (states, features): distinct features, every state a source, and no step works at γ = ¼, A = I."""
    try:
        states, features = answer
        features = finite_array("features", features, ("S",))
        context = a_context((states, np.zeros(max(len(states) - 1, 0))))
        operator = layer_operator(context, features[:, None], 0.25)
    except (TypeError, ValueError) as error:
        raise NotAnAnswer(str(error)) from None
    x = features[operator.states]
    if not operator.covered:
        return f"State {context.states[-1]} is visited and never left: no wonder that depth does not forget its start."
    if len(set(x.tolist())) < x.size:
        return (
            f"Two of the visited states share a feature: those of the states {operator.states.tolist()} are {shown(x)}."
        )
    if (operator.spectrum == 0).any():
        return "To rounding M is singular, so a computer cannot tell: take smaller features."
    if operator.spectrum.real.min() > -CLEAR:
        converges = f"depth converges at every step below {operator.step_limit:.4g}"
        return f"The eigenvalues of H have real parts {shown(operator.spectrum.real)}: {converges}."
    return None


def judge_largest_step(answer: Any) -> str | None:
    """``answer(H)`` must be the least upper bound of the steps that work, 0 if there is none."""
    bound = a_function(answer, "H")
    for H, what in _matrices():
        if why := differs(bound, (H,), largest_step(H), f"{what}, with the eigenvalues {eigenvalues(H)} of H"):
            return why
    return None


def eigenvalues(H: np.ndarray) -> str:
    """The eigenvalues for a person, from the largest real part on, without rounding errors."""
    rounded = (complex(round(z.real, 9), round(z.imag, 9) + 0.0) for z in np.linalg.eigvals(H))
    found = sorted(rounded, key=lambda z: (-z.real, -z.imag))
    return ", ".join(f"{z:.3g}" for z in (found if any(z.imag for z in found) else [z.real for z in found]))


def largest_step(H: np.ndarray) -> float:
    """min 2 Re λ / |λ|² over the eigenvalues λ of H, 0 where that is negative."""
    return max(0.0, min(2 * z.real / abs(z) ** 2 for z in np.linalg.eigvals(H)))


def _matrices() -> list[tuple[np.ndarray, str]]:
    """H of the cycle with three second features, which turn, barely work, and fail; of blunt and of sharp states."""
    cases = [(second_feature(y), f"the cycle with the second feature {y}") for y in ([0, -1, 1], [0, 1, 0], [0, 0, 0])]
    cases += [(math.sqrt(beta) * np.eye(3), f"the cycle, one-hot features of sharpness {beta}") for beta in (1, 9)]
    return [(operator_of_cycle(x).H, what) for x, what in cases]


def operator_of_cycle(x: np.ndarray) -> Operator:
    """The layer on the cycle at γ = .9."""
    return layer_operator(CYCLE, x, 0.9)


def judge_second_feature(answer: Any) -> str | None:
    """``answer`` = three numbers, a second feature with which depth converges on the cycle at α = 1, γ = .9."""
    try:
        y = finite_array("the second feature", answer, (3,))
        operator = operator_of_cycle(second_feature(y))
    except ValueError as error:
        raise NotAnAnswer(str(error)) from None
    if (operator.spectrum == 0).any():
        return "To rounding M is singular, so depth stands still along some direction."
    rho, limit = operator.spectral_radius(1.0), operator.step_limit
    if rho >= 1 - CLEAR:
        would = f"a step below {limit:.4g} would" if limit > 0 else "nor would any other step"
        return f"The spectral radius of G is {rho:.4g} at the step 1, which does not do; {would}."
    return None


EXERCISES = (
    Exercise(
        id="no-safe-discount",
        wanted="a pair (states, features): a list of states, and one number for each state 0, 1, …",
        judge=judge_no_safe_discount,
        solution=([0, 1, 2, 2], [5, 4, 1]),
        wrong=(
            ([0, 1, 2, 0], [4, 3, 1]),
            ([0, 2, 1, 1], [-3, 0, -2]),
            ([0, 1, 2], [5, 4, 1]),
            ([0, 1, 2, 2], [5, 5, 1]),
        ),
    ),
    Exercise(
        id="largest-step",
        wanted="a function H -> number of a (W, W) array",
        judge=judge_largest_step,
        solution=largest_step,
        wrong=(
            lambda H: 2 / max(abs(z) for z in np.linalg.eigvals(H)),
            lambda H: max(0.0, min(2 / z.real for z in np.linalg.eigvals(H))),
            lambda H: min(2 * z.real / abs(z) ** 2 for z in np.linalg.eigvals(H)),
        ),
    ),
    Exercise(
        id="second-feature",
        wanted="three numbers, the second feature of the states 0, 1, 2",
        judge=judge_second_feature,
        solution=[0, 7**0.5, 15**0.5],
        wrong=([4, 3, 1], [1, 1, 1], [0, 0, 1], [1, 0, 0]),
    ),
)
"""Three, in the order of the text."""
