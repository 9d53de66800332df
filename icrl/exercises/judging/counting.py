"""Counting what a context holds: its transitions, and the rewards paid, by state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat

from icrl.arrays import np


def counted(
    states: Sequence[int], rewards: Sequence[float], size: int, weights: Iterable[float] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Σ_k ρ_k e(S_k)e(S_{k+1})ᵀ and Σ_k ρ_k R_{k+1} e(S_k), (S, S) and (S,); S = ``size``, ρ_k = 1 unless given."""
    moves, paid = np.zeros((size, size)), np.zeros(size)
    for s, reward, after, weight in zip(states, rewards, states[1:], weights or repeat(1.0)):
        moves[s, after] += weight
        paid[s] += weight * reward
    return moves, paid
