"""The exercises of "Two heads, or one head and a shift"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice, repeat
from statistics import fmean
from typing import Any

from icrl import td
from icrl.arrays import np
from icrl.exercises.judging.answers import CLOSE, a_function, array_of, differs, shown
from icrl.exercises.judging.construction import first_values, named, start, value_rows
from icrl.exercises.judging.judgement import Exercise, NotAnAnswer
from icrl.mrp import Context
from icrl.transformer import in_two_heads, layer

UNSEEN = Context([0, 1, 0, 2], [1, -1, 2])
UNSEEN_GAMMA = 0.5


def judge_unseen_difference(answer: Any) -> str | None:
    """``answer``: a target row with which the two layers differ, and yet give the same values at every depth."""
    target, why = array_of(answer, (UNSEEN.n + 1,), "the target row")
    if why:
        raise NotAnAnswer(why)
    Z, p = start(UNSEEN, first_values(UNSEEN), UNSEEN_GAMMA, 0.5)
    Z[-2] = target
    if np.allclose(layer(Z, in_two_heads(p)), layer(Z, p), rtol=0, atol=CLOSE):
        return f"This is γ times the shifted value row {shown(Z[-1])}: the two layers agree in every entry."
    one, two = (value_rows(Z, each, 6) for each in (p, in_two_heads(p)))
    gaps, most = np.abs(one - two).max(axis=1), CLOSE * (1 + np.abs(one).max())
    for depth, gap in enumerate(gaps.tolist()):
        if gap > most:
            by_both = f"{shown(one[depth])} with the target-memory step, and {shown(two[depth])} with two heads"
            return f"After {depth} layers the values are {by_both}."
    return None


COVERED = (Context([0, 0], [1]), Context([0, 1, 0], [1, 0]), Context([0, 1, 0, 0, 2, 1, 0], [1, 0, 2, -1, 0.5, 1]))


def judge_frozen_memory(answer: Any) -> str | None:
    """``answer(states, rewards, gamma, v)``: the values in the limit of layers without a target-memory step."""
    limit = a_function(answer, "states, rewards, gamma and v")
    for context in COVERED:
        for v in (np.zeros(3), np.array([1.0, -1.0, 2.0])):
            W = context.visited
            Z, p = start(context, v[context.states][None, :], 0.5, 0.5, 3 * np.eye(3)[context.states].T)
            final = value_rows(Z, replace(p, memory=None), 200)[-1]
            right = [final[context.states.tolist().index(s)] for s in W.tolist()]
            arguments = (context.states.tolist(), context.rewards.tolist(), 0.5, v[W].tolist())
            if why := differs(limit, arguments, right, named(context, v_0=v[W]) + ", γ = 0.5"):
                return why
    return None


def frozen_memory(states: Sequence[int], rewards: Sequence[float], gamma: float, v: Sequence[float]) -> list[float]:
    """One application of the empirical Bellman operator to v_0: the mean of R + γ v_0(S') over the visits."""
    v0 = dict(zip(sorted(set(states)), v))
    targets = [(s, r + gamma * v0[after]) for s, r, after in zip(states[:-1], rewards, states[1:])]
    return [fmean(t for s, t in targets if s == w) for w in sorted(v0)]


def _certainty_equivalence(
    states: Sequence[int], rewards: Sequence[float], gamma: float, v: Sequence[float]
) -> list[float]:
    loop = td.tabular_td(states, rewards, gamma, repeat(1.0))
    final = next(islice(loop, 200, None))
    return [final[s] for s in sorted(final)]


def _mean_reward(states: Sequence[int], rewards: Sequence[float], gamma: float, v: Sequence[float]) -> list[float]:
    return frozen_memory(states, rewards, 0.0, v)


EXERCISES = (
    Exercise(
        id="unseen-difference",
        wanted="a target row of four numbers",
        judge=judge_unseen_difference,
        solution=[0, 0.5, -0.5, 7],
        wrong=([0, 0.5, -0.5, 0], [1, 0.5, -0.5, 0], [0, 0, 0, 0]),
    ),
    Exercise(
        id="frozen-memory",
        wanted="a function (states, rewards, gamma, v) -> values of the visited states, in increasing order",
        judge=judge_frozen_memory,
        solution=frozen_memory,
        wrong=(_certainty_equivalence, _mean_reward),
    ),
)
"""Both of the chapter, in the order of the text."""
