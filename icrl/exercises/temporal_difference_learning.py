"""The exercises of "Temporal-difference learning"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import islice, repeat
from statistics import fmean
from typing import Any

from icrl import td
from icrl.arrays import np
from icrl.exercises.judging.answers import a_context, a_function, differs
from icrl.exercises.judging.counting import counted
from icrl.exercises.judging.judgement import Exercise, NotAnAnswer
from icrl.mrp import Context, finite_array, state_array


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
            more = f"occurs {times} time{'s' * (times > 1)} more in the {which}"
            return f"The contexts hold different transitions:\n({s}, reward {r:g}, {after}) {more}."
    ends = [list(td.online_td(c.states.tolist(), c.rewards.tolist(), 0.9, lambda m: 0.5))[-1] for c in contexts]
    if all(abs(ends[0][s] - ends[1][s]) < 1e-9 for s in ends[0]):
        values = ", ".join(f"v({s}) = {v:.4g}" for s, v in sorted(ends[0].items()))
        return f"Online TD ends at the same values after both:\n{values}."
    return None


CONTEXTS = (
    ([0, 1, 0], [1.0, 0.0], 0.5),
    ([0, 1, 0, 0], [1.0, 0.0, 2.0], 0.5),
    ([0, 0, 1, 2, 0, 1], [1.0, -1.0, 0.5, 0.0, 3.0], 0.8),
    ([7, 3, 7, 5, 3, 3, 7], [1.0, 2.0, 0.0, -1.0, 0.5, 1.5], 0.6),
)
"""Contexts whose visited states are all sources; rewards differ between visits, and states are not always 0, 1, …."""


def judge_certainty_equivalence(answer: Any) -> str | None:
    """``answer(states, rewards, gamma)``: the limit of batch tabular TD at the visited states, in increasing order."""
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
    moves, paid = counted([W.index(s) for s in states], rewards, len(W))
    visits = moves.sum(axis=1)
    return np.linalg.solve(np.eye(len(W)) - gamma * moves / visits[:, None], paid / visits)


def _divided_by_n(states: Sequence[int], rewards: Sequence[float], gamma: float) -> np.ndarray:
    W, n = sorted(set(states)), len(rewards)
    moves, paid = counted([W.index(s) for s in states], rewards, len(W))
    return np.linalg.solve(np.eye(len(W)) - gamma * moves / n, paid / n)


def _mean_observed_return(states: Sequence[int], rewards: Sequence[float], gamma: float) -> np.ndarray:
    returns = [sum(gamma**i * reward for i, reward in enumerate(rewards[k:])) for k in range(len(rewards))]
    return np.array([fmean(g for s, g in zip(states, returns) if s == w) for w in sorted(set(states))])


def judge_divergence(answer: Any) -> str | None:
    """``answer`` = (states, features): every state a source, a single feature, and linear TD at γ = .9 diverges."""
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
        id="order-matters",
        wanted="a pair of contexts, each (states, rewards)",
        judge=judge_order_matters,
        solution=(([0, 0, 1, 0], [1, 1, 0]), ([0, 1, 0, 0], [1, 0, 1])),
        wrong=(
            (([0, 0, 1, 0], [0, 0, 1]), ([0, 1, 0, 0], [0, 1, 0])),
            (([0, 1, 0], [0, 1]), ([0, 1, 0, 1], [0, 1, 0])),
            (([0, 0, 1, 0], [1, 1, 0]), ([0, 1, 0, 1], [1, 0, 1])),  # another successor alone
        ),
    ),
    Exercise(
        id="where-batch-td-ends",
        wanted="a function (states, rewards, gamma) -> values of the visited states, in increasing order",
        judge=judge_certainty_equivalence,
        solution=certainty_equivalence,
        wrong=(_mean_observed_return, _divided_by_n),
    ),
    Exercise(
        id="linear-td-diverges",
        wanted="a pair (states, features): a list of states, and one number for each state 0, 1, …",
        judge=judge_divergence,
        solution=([0, 1, 1], [1, 5]),
        wrong=(([0, 1], [1, 2]), ([0, 1, 0], [1, 5])),
    ),
)
"""Three, in the order of the text."""
