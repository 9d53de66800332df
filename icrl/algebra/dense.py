"""What the kinds of matrix that have entries share: arrays of floats, tensors, arrays of objects."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from itertools import accumulate, repeat
from operator import index, mul
from typing import Any

from icrl.algebra.kinds import Matrix
from icrl.arrays import np


class Dense(ABC):
    """The operations that follow from ``zeros`` and ``identity``, which each kind has of its own.

    Each method is the function of its name in :mod:`icrl.algebra`.
    """

    @abstractmethod
    def zeros(self, rows: int, columns: int, like: Matrix, batch: tuple[int, ...] = ()) -> Matrix: ...

    @abstractmethod
    def identity(self, size: int, like: Matrix) -> Matrix: ...

    def transpose(self, X: Matrix) -> Matrix:
        return X.swapaxes(-1, -2)

    def place(
        self, parts: Mapping[tuple[int, int], Matrix], rows: Sequence[int], columns: Sequence[int], like: Matrix
    ) -> Matrix:
        whole = self.zeros(sum(rows), sum(columns), like, common_batch(parts.values()))
        for (i, j), part in parts.items():
            top, left = sum(rows[:i]), sum(columns[:j])
            whole[..., top : top + rows[i], left : left + columns[j]] = part
        return whole

    def stack(self, parts: Sequence[Matrix]) -> Matrix:
        batch = common_batch(parts)
        return np.concatenate([np.broadcast_to(part, (*batch, *part.shape[-2:])) for part in parts], axis=-2)

    def bands(self, X: Matrix, sizes: Sequence[int]) -> list[Matrix]:
        return [X[..., top : top + size, :] for top, size in zip(accumulate(sizes, initial=0), sizes)]

    def sources(self, n: Trajectories, like: Matrix) -> Matrix:
        lengths = [length for length, _ in endings(n)]
        parts = {(i, 2 * i): self.identity(length, like) for i, length in enumerate(lengths)}
        return self.place(parts, lengths, [size for length in lengths for size in (length, 1)], like)

    def shift(self, n: Trajectories, like: Matrix) -> Matrix:
        kept = [(length - terminated, 1 + terminated) for length, terminated in endings(n)]
        rows = [size for moved, rest in kept for size in (1, moved, rest - 1)]
        columns = [size for moved, rest in kept for size in (moved, rest)]
        parts = {(3 * i + 1, 2 * i): self.identity(moved, like) for i, (moved, _) in enumerate(kept)}
        return self.place(parts, rows, columns, like)

    def discounted_sum(self, n: int, decay: Matrix, like: Matrix) -> Matrix:
        one = self.identity(1, like)[0, 0]
        T = self.zeros(n + 1, n + 1, like)
        for lag, power in enumerate(accumulate(repeat(decay[..., 0, 0], n - 1), mul, initial=one)):
            for i in range(n - lag):
                T[i + lag, i] = power
        return T

    def centring(self, n: int, like: Matrix) -> Matrix:
        C, one = self.zeros(n + 1, n + 1, like), self.identity(1, like)[0, 0]
        for k in range(n):
            C[: k + 1, k] = C[: k + 1, k] - one / (k + 1)
            C[k, k] = C[k, k] + one
        return C

    def sources_visible(self, n: Trajectories) -> np.ndarray:
        return np.concatenate([np.arange(length + 1)[:, None] < length for length, _ in endings(n)])

    def all_visible(self, n: Trajectories) -> np.ndarray:
        return np.ones((sum(length + 1 for length, _ in endings(n)), 1), bool)


Trajectories = int | Sequence[tuple[int, bool]]
"""n for one trajectory of n transitions that was cut; else of each trajectory its transitions and whether it terminated."""


def endings(n: Any) -> Sequence[tuple[int, bool]]:
    """Of each trajectory the number of its transitions, and whether the last of them terminated; ``ValueError`` for what is no number of them and no list of pairs."""
    if isinstance(n, Sequence) and n and all(isinstance(pair, Sequence) and len(pair) == 2 for pair in n):
        return n
    try:
        return ((index(n), False),)
    except TypeError:
        raise ValueError(
            f"n must be a number of transitions, or pairs (number of transitions, terminated), got {n!r}"
        ) from None


def common_batch(parts: Any) -> tuple[int, ...]:
    """The batch axes that matrices share."""
    return np.broadcast_shapes(*(part.shape[:-2] for part in parts))
