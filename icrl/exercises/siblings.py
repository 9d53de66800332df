"""The exercises of "Siblings in softmax attention"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, repeat
from statistics import fmean
from typing import Any

from icrl import td
from icrl.arrays import np
from icrl.exercises.judging.answers import a_context, a_function, differs, shown
from icrl.exercises.judging.counting import Rewarded, judge_values
from icrl.exercises.judging.judgement import Exercise, NotAnAnswer
from icrl.mrp import Context, empirical_model

LAYERS = 2000
GAMMA = 0.5

CONTEXTS: tuple[Rewarded, ...] = (
    ([0, 0, 1, 0], [1, 0, 0], 0.5),
    ([0, 1, 1], [1, 2], 0.5),
    ([0, 1, 0, 2, 1, 1, 2, 0, 2], [1, 0, -1, 2, 0.5, 1, 0, 1], 0.8),
)
"""States, rewards, γ; every state is left."""


def alike(s: int, u: int) -> float:
    """The score of one-hot features."""
    return 4.0 * (s == u)


def settled(updates: Iterator[dict]) -> np.ndarray:
    """The values of the states 0, 1, … after many updates."""
    *_, v = islice(updates, LAYERS)
    return np.array([v[s] for s in sorted(v)])


# TD(1)


def judge_returns_cut_off(answer: Any) -> str | None:
    """``answer(states, rewards, gamma)``: where TD(1) ends."""
    ends = lambda states, rewards, gamma: settled(
        td.softmax_td_lambda(states, rewards, alike, gamma, gamma, repeat(0.5))
    )
    return judge_values(answer, CONTEXTS, ends)


def mean_returns(states: Sequence[int], rewards: Sequence[float], gamma: float, tail: float = 1.0) -> np.ndarray:
    """At each state the mean over its visits of the return to the end and, if ``tail`` is 1, γ^{n−k}v(S_n)."""
    n, end = len(rewards), states[-1]
    own = [[k for k in range(n) if states[k] == s] for s in sorted(set(states))]
    paid = np.array([fmean(sum(gamma ** (i - k) * rewards[i] for i in range(k, n)) for k in ks) for ks in own])
    left = tail * np.array([fmean(gamma ** (n - k) for k in ks) for ks in own])
    return paid + left * paid[end] / (1 - left[end])


def _nothing_after_the_end(states: Sequence[int], rewards: Sequence[float], gamma: float) -> np.ndarray:
    return mean_returns(states, rewards, gamma, tail=0.0)


def _certainty_equivalence(states: Sequence[int], rewards: Sequence[float], gamma: float) -> np.ndarray:
    return empirical_model(Context(states, rewards)).value(gamma)


# The residual gradient


def judge_same_end(answer: Any) -> str | None:
    """``answer`` = (states, rewards): a context with chance in it, at which TD and the residual gradient end alike."""
    context = a_context(answer)
    states, rewards = context.states.tolist(), context.rewards.tolist()
    if sorted(set(states)) != list(range(len(set(states)))) or not context.covered or context.n > 20:
        raise NotAnAnswer("the states must be 0, 1, …, all of them left, in at most 20 transitions")
    if not any(len({after for before, after in zip(states, states[1:]) if before == s}) > 1 for s in states):
        return "Every state has one successor only: where nothing is left to chance, the two always end alike."
    if len(set(rewards)) == 1:
        equal = "all values are equal: chance makes no difference to them. Pay differently"
        return f"All rewards are {shown(rewards[0])}, so that {equal}."
    one, other = _certainty_equivalence(states, rewards, GAMMA), least_squares(states, rewards)
    if np.allclose(one, other, rtol=0, atol=1e-9 * (1 + np.abs(one).max())):
        return None
    ends = f"TD ends at {shown(one)}, the residual gradient at {shown(other)}"
    return f"At states = {states}, rewards = {[*map(float, rewards)]}, γ = {GAMMA}:\n{ends}."


def least_squares(states: Sequence[int], rewards: Sequence[float]) -> np.ndarray:
    """The least point of Σ_k δ_k², by its normal equations."""
    one = np.eye(max(states) + 1)
    D = one[list(states[:-1])] - GAMMA * one[list(states[1:])]
    return np.linalg.solve(D.T @ D, D.T @ np.array(rewards, float))


# The average reward


def judge_drift(answer: Any) -> str | None:
    """``answer(states, rewards)``: what a layer of average-reward TD with α = 1 adds in the end."""
    drift = a_function(answer, "states and rewards")
    for states, rewards, _ in CONTEXTS:
        *_, before, after = islice(td.softmax_average_reward(states, rewards, alike, repeat(0.5)), LAYERS)
        if why := differs(
            drift, (states, rewards), 2 * (after[0] - before[0]), f"states = {states}, rewards = {rewards}"
        ):
            return why
    return None


def gain_less_mean(states: Sequence[int], rewards: Sequence[float]) -> float:
    """π_e·r̂ − r̄."""
    model = empirical_model(Context(states, rewards))
    return float(model.mrp(0.0).stationary_distribution() @ model.reward - fmean(rewards))


def _by_visits(states: Sequence[int], rewards: Sequence[float]) -> float:
    model = empirical_model(Context(states, rewards))
    return float(model.counts @ model.reward / len(rewards) - fmean(rewards))


def _by_states(states: Sequence[int], rewards: Sequence[float]) -> float:
    return fmean(empirical_model(Context(states, rewards)).reward.tolist()) - fmean(rewards)


EXERCISES = (
    Exercise(
        id="returns-cut-off",
        wanted="a function (states, rewards, gamma) -> the limit at the states 0, 1, …",
        judge=judge_returns_cut_off,
        solution=mean_returns,
        wrong=(
            _nothing_after_the_end,
            _certainty_equivalence,
        ),
    ),
    Exercise(
        id="same-end",
        wanted="(states, rewards), a context over the states 0, 1, …",
        judge=judge_same_end,
        solution=([0, 0, 1, 0], [1, 2, -1]),
        wrong=(
            ([0, 0, 1, 0], [1, 0, 0]),
            ([0, 1, 0], [1, 0]),
            ([0, 0, 1, 0], [1, 1, 1]),
        ),
    ),
    Exercise(
        id="drift-of-a-layer",
        wanted="a function (states, rewards) -> a number",
        judge=judge_drift,
        solution=gain_less_mean,
        wrong=(
            _by_visits,
            _by_states,
        ),
    ),
)
"""In the order of the text."""
