"""Counting what a context holds: its transitions, and the rewards paid, by state; and judging values that come out of that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Any

from icrl.arrays import np
from icrl.exercises.judging.answers import a_function, differs

Rewarded = tuple[list[int], list[float], float]
"""States, rewards, γ."""


def judge_values(
    answer: Any, contexts: Iterable[Rewarded], right: Callable[[list[int], list[float], float], np.ndarray]
) -> str | None:
    """What is wrong with ``answer(states, rewards, gamma)`` as the values ``right(states, rewards, gamma)``."""
    given = a_function(answer, "states, rewards and gamma")
    for states, rewards, gamma in contexts:
        told = f"states = {states}, rewards = {rewards}, γ = {gamma}"
        if why := differs(given, (states, rewards, gamma), right(states, rewards, gamma), told):
            return why
    return None


def counted(
    states: Sequence[int], rewards: Sequence[float], size: int, weights: Iterable[float] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Σ_k ρ_k e(S_k)e(S_{k+1})ᵀ and Σ_k ρ_k R_{k+1} e(S_k), (S, S) and (S,); S = ``size``, ρ_k = 1 unless given."""
    moves, paid = np.zeros((size, size)), np.zeros(size)
    for s, reward, after, weight in zip(states, rewards, states[1:], weights or repeat(1.0)):
        moves[s, after] += weight
        paid[s] += weight * reward
    return moves, paid
