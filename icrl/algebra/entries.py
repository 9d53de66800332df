"""Arrays of objects, one matrix each: SymPy expressions, ``Fraction``\\ s, Arb balls."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from icrl.algebra.dense import Dense
from icrl.arrays import np


class Entries(Dense):
    """The operations on arrays of objects: each method is the function of its name in :mod:`icrl.algebra`."""

    def is_finite(self, X: np.ndarray) -> bool:
        """True: exact entries are finite."""
        return True

    def zeros(self, rows: int, columns: int, like: np.ndarray, batch: tuple[int, ...] = ()) -> np.ndarray:
        filled = np.empty((rows, columns), object)
        filled[...] = _zero(like)
        return filled

    def identity(self, size: int, like: np.ndarray) -> np.ndarray:
        eye = self.zeros(size, size, like)
        np.fill_diagonal(eye, _zero(like) + 1)
        return eye

    def scalar(self, c: Any, like: np.ndarray) -> np.ndarray:
        return np.array([[c]], object)

    def softmax(self, scores: np.ndarray, visible: Any, exp: Callable[[Any], Any] | None = None) -> np.ndarray:
        visible, exp = np.broadcast_to(visible, scores.shape), exp or true_exp
        rows, columns = scores.shape
        weights, copies = self.zeros(rows, columns, scores), (1 * visible).astype(object)
        for j in range(columns):
            keys = np.flatnonzero(visible[:, j])
            powers = [copies[k, j] * exp(scores[k, j]) for k in keys]
            total = sum(powers)
            for k, power in zip(keys, powers):
                weights[k, j] = power / total
        return weights

    def linear(self, scores: np.ndarray, visible: Any) -> np.ndarray:
        rows, columns = scores.shape
        return np.where(visible, scores, self.zeros(rows, columns, scores))


def true_exp(x: Any) -> Any:
    """The exponential of an entry that has one: a SymPy expression or an Arb ball; ``ValueError`` for others."""
    sympy = sys.modules.get("sympy")
    if sympy is not None and isinstance(x, sympy.Basic):
        return sympy.exp(x)
    if not hasattr(x, "exp"):
        raise ValueError(
            f"exp of a {type(x).__name__} entry is not exact: pass a stand-in, such as exp=lambda t: 1 + t * t"
        )
    return x.exp()


def _zero(like: np.ndarray) -> Any:
    return like.flat[0] * 0


operations = Entries()
"""What :func:`icrl.algebra.kinds.operations_on` finds here."""
