"""The exercises of "A decoder's mask"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from icrl.arrays import np
from icrl.exercises.judging.answers import a_function, called, differs, shown
from icrl.exercises.judging.judgement import Exercise
from icrl.mrp import finite_array
from icrl.prompt import prompt, rows
from icrl.tasks import one_hot
from icrl.transformer import layer, softmax_td_parameters


def judge_columns_at_rest(answer: Any) -> str | None:
    """``answer(rewards, gamma, last)``: the n + 1 values with v^n = last that no layer of the decoder changes."""
    values = a_function(answer, "rewards, gamma and last")
    for given in (([1], 0.5, 0), ([1, 0, 2], 0.5, 3), ([0, -1, 4, 1], 0.9, -2)):
        if why := differs(values, given, returns(*given), "rewards = {}, γ = {}, v^n = {}".format(*given)):
            return why + moved(values, given)
    return None


def moved(values: Any, given: tuple) -> str:
    """What one layer makes of the answer's values, if they are values."""
    rewards, gamma, _ = given
    before, raised = called(lambda: finite_array("values", values(*given), (len(rewards) + 1,)))
    return "" if raised else f" A layer makes {shown(decoded(rewards, before, gamma))} of them."


def decoded(rewards: Sequence[float], value: Sequence[float], gamma: float) -> np.ndarray:
    """The value row after one layer of the decoder; a state a column, one-hot features, α = 1."""
    n, x = len(rewards), one_hot(len(rewards) + 1)
    Z = prompt(x, np.array([rewards], float), np.array([value], float), gamma)
    earlier = np.arange(n + 1)[:, None] < np.arange(n + 1)
    return rows(layer(Z, softmax_td_parameters(n + 1, n, gamma, 1.0, Z).with_head(visible=earlier))).value[0]


def returns(rewards: Sequence[float], gamma: float, last: float) -> np.ndarray:
    """v^k = R_{k+1} + γ v^{k+1}, from the end."""
    values = [float(last)]
    for reward in reversed(rewards):
        values.append(reward + gamma * values[-1])
    return np.array(values[::-1])


def _returns_that_end(rewards: Sequence[float], gamma: float, last: float) -> np.ndarray:
    return np.array([*returns(rewards, gamma, 0)[:-1], last])


def _rewards_so_far(rewards: Sequence[float], gamma: float, last: float) -> np.ndarray:
    return np.array([last - sum(rewards[k:]) for k in range(len(rewards) + 1)])


def judge_prefix_mask(answer: Any) -> str | None:
    """``answer(m, n)``: the mask, keys down and queries across, of a prefix of m transitions and a decoder after it."""
    mask = a_function(answer, "m and n")
    for m, n in ((1, 1), (2, 4), (3, 4), (1, 5)):
        if why := differs(mask, (m, n), prefix_mask(m, n), f"m = {m}, n = {n}"):
            return why
    return None


def prefix_mask(m: int, n: int) -> np.ndarray:
    """Columns 0 … m see the transitions k < m, a later column j those with k < j."""
    k, j = np.arange(n + 1)[:, None], np.arange(n + 1)
    return (k < j) | (k < m)


EXERCISES = (
    Exercise(
        id="columns-at-rest",
        wanted="a function (rewards, gamma, last) -> n + 1 values, the last of them last",
        judge=judge_columns_at_rest,
        solution=returns,
        wrong=(
            _returns_that_end,
            _rewards_so_far,
        ),
    ),
    Exercise(
        id="prefix-mask",
        wanted="a function (m, n) -> a Boolean array of shape (n + 1, n + 1), keys down and queries across",
        judge=judge_prefix_mask,
        solution=prefix_mask,
        wrong=(
            lambda m, n: np.arange(n + 1)[:, None] < np.arange(n + 1),
            lambda m, n: prefix_mask(m + 1, n) | np.eye(n + 1, dtype=bool),
            lambda m, n: prefix_mask(m, n).T,
        ),
    ),
)
"""Both of the chapter, in the order of the text."""
