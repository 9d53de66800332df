"""Arrays of floats, any batch axes."""

from __future__ import annotations

import math
from typing import Any

from icrl.algebra.dense import Dense
from icrl.arrays import np


class Floats(Dense):
    """The operations on arrays of floats: each method is the function of its name in :mod:`icrl.algebra`."""

    def is_finite(self, X: np.ndarray) -> bool:
        """Whether there is no NaN and no infinity in X."""
        return bool(np.isfinite(X).all())

    def zeros(self, rows: int, columns: int, like: np.ndarray, batch: tuple[int, ...] = ()) -> np.ndarray:
        return np.zeros((*batch, rows, columns), like.dtype)

    def identity(self, size: int, like: np.ndarray) -> np.ndarray:
        return np.eye(size, dtype=like.dtype)

    def scalar(self, c: Any, like: np.ndarray) -> np.ndarray:
        return np.asarray(c, like.dtype)[..., None, None]

    def softmax(self, scores: np.ndarray, visible: Any, exp: None = None) -> np.ndarray:
        shown = np.asarray(visible) > 0
        top = np.where(shown, scores, -math.inf).max(axis=-2, keepdims=True)
        powers = np.where(shown, np.exp(np.where(shown, scores - top, 0.0)), 0.0) * visible
        total = powers.sum(axis=-2, keepdims=True)
        return powers / np.where(total > 0, total, 1.0)

    def linear(self, scores: np.ndarray, visible: Any) -> np.ndarray:
        return np.where(visible, scores, 0.0)


operations = Floats()
"""What :func:`icrl.algebra.kinds.operations_on` finds here."""
