"""The exercises of "Markov reward processes"."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from icrl.arrays import np
from icrl.exercises.judging.answers import a_function, differs, shown
from icrl.exercises.judging.judgement import Exercise, NotAnAnswer
from icrl.exercises.judging.samples import random_process
from icrl.mrp import MarkovRewardProcess, probabilities


def processes() -> Iterator[MarkovRewardProcess]:
    """A two-state chain that a person can follow, then random ones."""
    yield MarkovRewardProcess([[0.0, 1.0], [0.5, 0.5]], [1, 0], 0.5)
    rng = Random(0)
    for size, discount in ((1, 0.5), (2, 0.0), (3, 0.8), (5, 0.7), (4, 0.6)):
        yield random_process(size, rng, discount)


def described(mrp: MarkovRewardProcess, **more: Any) -> str:
    """An MRP for a person."""
    if mrp.n_states > 2:
        return f"a random process with {mrp.n_states} states, γ = {mrp.discount}"
    parts = {"P": mrp.transition} | (more or {"r": mrp.reward})
    return ", ".join(f"{name} = {shown(value)}" for name, value in parts.items()) + f", γ = {mrp.discount}"


def distributions(mrp: MarkovRewardProcess, start: int, steps: int) -> list[np.ndarray]:
    """The distributions of S_0, …, S_{steps−1} from ``start``."""
    here, found = np.eye(mrp.n_states)[start], []
    for _ in range(steps):
        found.append(here)
        here = here @ mrp.transition
    return found


def judge_reward_on_arrival(answer: Any) -> str | None:
    """``answer(P, rho)`` must give the r that pays on leaving a state what ``rho`` pays on arrival, in expectation."""
    reward_out = a_function(answer, "P and rho")
    for mrp in processes():
        rho = mrp.reward
        right = [distributions(mrp, s, 2)[1] @ rho for s in range(mrp.n_states)]
        if why := differs(reward_out, (mrp.transition, rho), right, described(mrp, ρ=rho)):
            return why
    return None


def judge_periodic_chain(answer: Any) -> str | None:
    """``answer``: a transition matrix with exactly one stationary distribution, which some start never approaches."""
    try:
        P = probabilities("P", answer, ("S", "S"))
        mrp = MarkovRewardProcess(P, np.zeros(len(P)), 0.5)
    except ValueError as error:
        raise NotAnAnswer(str(error)) from None
    classes = mrp.recurrent_classes()
    μ = [_stationary_on(P, states) for states in classes]
    if len(classes) > 1:
        return f"It has more than one stationary distribution:\n{shown(μ[0])} and {shown(μ[1])}."
    inside = P[classes[0]][:, classes[0]]
    if MarkovRewardProcess(inside, np.zeros(len(inside)), 0.5).is_ergodic():
        return f"Its distribution converges to {shown(μ[0])} from every start."
    return None


def _stationary_on(P: np.ndarray, states: np.ndarray) -> np.ndarray:
    """The stationary distribution that lives on one closed class."""
    inside = MarkovRewardProcess(P[states][:, states], np.zeros(states.size), 0.5)
    μ = np.zeros(len(P))
    μ[states] = inside.stationary_distribution()
    return μ


def judge_variance(answer: Any) -> str | None:
    """``answer(P, r, gamma)`` must be the variance of the discounted return, from each state."""
    variance = a_function(answer, "P, r and gamma")
    for mrp in processes():
        right = [_variance(mrp, s) for s in range(mrp.n_states)]
        if why := differs(variance, (mrp.transition, mrp.reward, mrp.discount), right, described(mrp)):
            return why
    return None


def _variance(mrp: MarkovRewardProcess, start: int, steps: int = 130) -> float:
    """E G² − (E G)²: E R_{i+1}R_{j+1} = Σ_u Pr(S_i = u) r(u) (P^{j−i}r)(u), weighed by γ^{i+j}, summed over j ≥ i."""
    r, v, γ = mrp.reward, mrp.value(), mrp.discount
    pairs = r * (2 * v - r)
    return sum(γ ** (2 * i) * (p @ pairs) for i, p in enumerate(distributions(mrp, start, steps))) - v[start] ** 2


def variance_of_return(P: np.ndarray, r: np.ndarray, gamma: float) -> np.ndarray:
    """The variance obeys a Bellman equation of its own: reward γ² Var(v(S') | s), discount γ²."""
    v = np.linalg.solve(np.eye(len(r)) - gamma * P, r)
    spread = gamma**2 * (P @ v**2 - (P @ v) ** 2)
    return np.linalg.solve(np.eye(len(r)) - gamma**2 * P, spread)


def _variance_with_gamma(P: np.ndarray, r: np.ndarray, gamma: float) -> np.ndarray:
    v = np.linalg.solve(np.eye(len(r)) - gamma * P, r)
    return np.linalg.solve(np.eye(len(r)) - gamma * P, gamma**2 * (P @ v**2 - (P @ v) ** 2))


def _variance_of_one_step(P: np.ndarray, r: np.ndarray, gamma: float) -> np.ndarray:
    v = np.linalg.solve(np.eye(len(r)) - gamma * P, r)
    return gamma**2 * (P @ v**2 - (P @ v) ** 2)


EXERCISES = (
    Exercise(
        id="reward-on-arrival",
        wanted="a function (P, rho) -> r of a (S, S) and a (S,) array",
        judge=judge_reward_on_arrival,
        solution=lambda P, rho: P @ rho,
        wrong=(lambda P, rho: rho, lambda P, rho: P.T @ rho, lambda P, rho: P * rho),
    ),
    Exercise(
        id="never-settles",
        wanted="a square matrix of probabilities whose rows sum to 1",
        judge=judge_periodic_chain,
        solution=[[0, 1], [1, 0]],
        wrong=([[1, 0], [0, 1]], [[0.5, 0.5], [0.5, 0.5]], [[0, 1], [0.01, 0.99]]),
    ),
    Exercise(
        id="variance-of-return",
        wanted="a function (P, r, gamma) -> variances of a (S, S) and a (S,) array and a number",
        judge=judge_variance,
        solution=variance_of_return,
        wrong=(_variance_of_one_step, _variance_with_gamma),
    ),
)
"""Three, in the order of the text."""
