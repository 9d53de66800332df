"""The exercises of "Markov reward processes" and "Temporal-difference learning"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice, repeat
from typing import Any

import numpy as np

from icrl import td
from icrl.exercises.answers import a_context, a_function, differs, shown
from icrl.exercises.model import Exercise, NotAnAnswer
from icrl.mrp import Context, MarkovRewardProcess, finite_array, probabilities, state_array
from icrl.tasks import random_mrp

SETTING = "markov-reward-processes"
LEARNING = "temporal-difference-learning"


# Processes to try an answer on


def processes() -> Iterator[MarkovRewardProcess]:
    """A two-state chain that a person can follow, then random ones."""
    yield MarkovRewardProcess([[0, 1], [0.5, 0.5]], [1, 0], 0.5)
    rng = np.random.default_rng(0)
    for size, discount in ((1, 0.5), (2, 0.0), (3, 0.8), (5, 0.7), (4, 0.6)):
        yield random_mrp(size, rng, discount)


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


# Markov reward processes


def judge_reward_on_arrival(answer: Any) -> str | None:
    """``answer(P, rho)`` must give r with which the book's convention pays what ``rho`` pays on arrival, in expectation."""
    reward_out = a_function(answer, "P and rho")
    for mrp in processes():
        rho = mrp.reward
        right = [distributions(mrp, s, 2)[1] @ rho for s in range(mrp.n_states)]
        if why := differs(reward_out, (mrp.transition, rho), right, described(mrp, ρ=rho)):
            return why
    return None


def judge_periodic_chain(answer: Any) -> str | None:
    """``answer`` must be a transition matrix with exactly one stationary distribution that some start never approaches."""
    try:
        P = probabilities("P", answer, ("S", "S"))
        mrp = MarkovRewardProcess(P, np.zeros(len(P)), 0.5)
    except ValueError as error:
        raise NotAnAnswer(str(error)) from None
    classes = mrp.recurrent_classes()
    μ = [_stationary_on(P, states) for states in classes]
    if len(classes) > 1:
        return f"It has more than one stationary distribution:\n{shown(μ[0])} and {shown(μ[1])}."
    inside = P[np.ix_(classes[0], classes[0])]
    if MarkovRewardProcess(inside, np.zeros(len(inside)), 0.5).is_ergodic():
        return f"Its distribution converges to {shown(μ[0])} from every start."
    return None


def _stationary_on(P: np.ndarray, states: np.ndarray) -> np.ndarray:
    """The stationary distribution that lives on one closed class."""
    inside = MarkovRewardProcess(P[np.ix_(states, states)], np.zeros(states.size), 0.5)
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
    """Σ_ij γ^{i+j} Cov(R_{i+1}, R_{j+1}), from the joint distributions of S_i and S_j."""
    P, r, γ = mrp.transition, mrp.reward, mrp.discount
    at, ahead = distributions(mrp, start, steps), [r]
    for _ in range(steps - 1):
        ahead.append(P @ ahead[-1])  # ahead[k][u] = E[r(S_{i+k}) | S_i = u]
    means = [p @ r for p in at]
    total = 0.0
    for i in range(steps):
        for j in range(i, steps):
            covariance = (at[i] * r) @ ahead[j - i] - means[i] * means[j]
            total += γ ** (i + j) * covariance * (1 if i == j else 2)
    return total


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


# Temporal-difference learning


def transitions(context: Context) -> Counter:
    """How often each (state, reward, next state) occurs."""
    steps = zip(context.states[:-1].tolist(), context.rewards.tolist(), context.states[1:].tolist())
    return Counter((s, r, after) for s, r, after in steps)


def judge_order_matters(answer: Any) -> str | None:
    """``answer`` must be two contexts with the same transitions, after which online TD (γ = .9, α = 1/2) differs."""
    try:
        first, second = answer
    except (TypeError, ValueError):
        raise NotAnAnswer(f"got {type(answer).__name__}, not a pair") from None
    contexts = [a_context(first), a_context(second)]
    only = [dict(transitions(a) - transitions(b)) for a, b in (contexts, contexts[::-1])]
    for which, extra in zip(("first", "second"), only):
        if extra:
            (s, r, after), times = next(iter(extra.items()))
            return f"The contexts hold different transitions:\n({s}, reward {r:g}, {after}) occurs {times} time{'s' * (times > 1)} more in the {which}."
    ends = [list(td.online_td(c.states.tolist(), c.rewards.tolist(), 0.9, lambda m: 0.5))[-1] for c in contexts]
    if all(abs(ends[0][s] - ends[1][s]) < 1e-9 for s in ends[0]):
        return f"Online TD ends at the same values after both:\n{', '.join(f'v({s}) = {v:.4g}' for s, v in sorted(ends[0].items()))}."
    return None


CONTEXTS = (
    ([0, 1, 0], [1.0, 0.0], 0.5),
    ([0, 1, 0, 0], [1.0, 0.0, 2.0], 0.5),
    ([0, 0, 1, 2, 0, 1], [1.0, -1.0, 0.5, 0.0, 3.0], 0.8),
    ([7, 3, 7, 5, 3, 3, 7], [1.0, 2.0, 0.0, -1.0, 0.5, 1.5], 0.6),
)
"""Contexts whose visited states are all sources; rewards that differ between visits, and states that are not 0, 1, …."""


def judge_certainty_equivalence(answer: Any) -> str | None:
    """``answer(states, rewards, gamma)`` must be the limit of batch tabular TD: a value for each visited state, in increasing order."""
    limit = a_function(answer, "states, rewards and gamma")
    for states, rewards, gamma in CONTEXTS:
        v = next(islice(td.tabular_td(states, rewards, gamma, repeat(1.0)), 200, None))
        instance = f"states = {states}, rewards = {rewards}, γ = {gamma}"
        if why := differs(limit, (list(states), list(rewards), gamma), [v[s] for s in sorted(v)], instance):
            return why
    return None


def certainty_equivalence(states: Sequence[int], rewards: Sequence[float], gamma: float) -> np.ndarray:
    """(I − γP_e)⁻¹ r̂ by counting."""
    W = sorted(set(states))
    P, r = np.zeros((len(W), len(W))), np.zeros(len(W))
    for s, reward, after in zip(states[:-1], rewards, states[1:]):
        P[W.index(s), W.index(after)] += 1
        r[W.index(s)] += reward
    visits = P.sum(axis=1)
    return np.linalg.solve(np.eye(len(W)) - gamma * P / visits[:, None], r / visits)


def _divided_by_n(states: Sequence[int], rewards: Sequence[float], gamma: float) -> np.ndarray:
    W, n = sorted(set(states)), len(rewards)
    P, r = np.zeros((len(W), len(W))), np.zeros(len(W))
    for s, reward, after in zip(states[:-1], rewards, states[1:]):
        P[W.index(s), W.index(after)] += 1 / n
        r[W.index(s)] += reward / n
    return np.linalg.solve(np.eye(len(W)) - gamma * P, r)


def _mean_observed_return(states: Sequence[int], rewards: Sequence[float], gamma: float) -> np.ndarray:
    returns = [sum(gamma**i * reward for i, reward in enumerate(rewards[k:])) for k in range(len(rewards))]
    return np.array([np.mean([g for s, g in zip(states, returns) if s == w]) for w in sorted(set(states))])


def judge_divergence(answer: Any) -> str | None:
    """``answer`` = (states, features): every visited state a source, one feature a state, linear TD at γ = .9 diverging."""
    try:
        states, features = answer
        states = state_array("states", states)
        features = finite_array("features", features, ("S",))
        context = Context(states, np.zeros(max(len(states) - 1, 0)))
    except (TypeError, ValueError) as error:
        raise NotAnAnswer(str(error)) from None
    if states.max() >= features.size:
        raise NotAnAnswer(f"state {states.max()} has no feature: there are {features.size}")
    if not context.covered:
        return f"State {states[-1]} is visited and never left:\nthis is no context of the kind asked for."
    x = features[states]
    A = float(sum(x[k] * (x[k] - 0.9 * x[k + 1]) for k in range(context.n)))
    if A >= 0:
        outcome = "so w shrinks at every small step size" if A > 0 else "so w never moves"
        return f"A = Σ x_k (x_k − γ x_{{k+1}}) = {A:.4g},\n{outcome}."
    return None


EXERCISES = (
    Exercise(
        id="reward-on-arrival",
        chapter=SETTING,
        wanted="a function (P, rho) -> r of a (S, S) and a (S,) array",
        judge=judge_reward_on_arrival,
        solution=lambda P, rho: P @ rho,
        wrong=(lambda P, rho: rho, lambda P, rho: P.T @ rho, lambda P, rho: P * rho),
    ),
    Exercise(
        id="never-settles",
        chapter=SETTING,
        wanted="a square matrix of probabilities whose rows sum to 1",
        judge=judge_periodic_chain,
        solution=[[0, 1], [1, 0]],
        wrong=([[1, 0], [0, 1]], [[0.5, 0.5], [0.5, 0.5]], [[0, 1], [0.01, 0.99]]),
    ),
    Exercise(
        id="variance-of-return",
        chapter=SETTING,
        wanted="a function (P, r, gamma) -> variances of a (S, S) and a (S,) array and a number",
        judge=judge_variance,
        solution=variance_of_return,
        wrong=(_variance_of_one_step, _variance_with_gamma),
    ),
    Exercise(
        id="order-matters",
        chapter=LEARNING,
        wanted="a pair of contexts, each (states, rewards)",
        judge=judge_order_matters,
        solution=(([0, 0, 1, 0], [1, 1, 0]), ([0, 1, 0, 0], [1, 0, 1])),
        wrong=(
            (([0, 0, 1, 0], [0, 0, 1]), ([0, 1, 0, 0], [0, 1, 0])),
            (([0, 1, 0], [0, 1]), ([0, 1, 0, 1], [0, 1, 0])),
        ),
    ),
    Exercise(
        id="where-batch-td-ends",
        chapter=LEARNING,
        wanted="a function (states, rewards, gamma) -> values of the visited states, in increasing order",
        judge=judge_certainty_equivalence,
        solution=certainty_equivalence,
        wrong=(_mean_observed_return, _divided_by_n),
    ),
    Exercise(
        id="linear-td-diverges",
        chapter=LEARNING,
        wanted="a pair (states, features): a list of states, and one number for each state 0, 1, …",
        judge=judge_divergence,
        solution=([0, 1, 1], [1, 5]),
        wrong=(([0, 1], [1, 2]), ([0, 1, 0], [1, 5])),
    ),
)
"""Three for each of the two chapters, in the order of the text."""
