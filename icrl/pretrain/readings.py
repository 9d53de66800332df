"""What the weights of a layer mean: the softmax TD that it is, and what equal layers make of rewards of 1."""

from __future__ import annotations

from math import isfinite
from typing import Any, NamedTuple

from icrl.arrays import np


class Reading(NamedTuple):
    r"""The softmax TD that a masked layer with w_v < 0 is: its step size α, its discount :math:`\tilde\gamma`, and η, by which it multiplies rewards."""

    step: Any
    discount: Any
    scale: Any


def reading(w: Any, gamma: Any) -> Reading:
    r""":math:`\alpha = -w_v`, :math:`\tilde\gamma = \gamma w_t / (-w_v)`, :math:`\eta = w_r / (-w_v)`: as α(1, 1, −1), with γ and rewards of its own.

    ``w``: the three entries (w_r, w_t, w_v) of V's last row, numbers of any kind; ``gamma``: the discount in the model.

    Raises ``ValueError`` unless w is three finite numbers with w_v < 0 and gamma is finite. Source: the book's claim ``state-form``.
    """
    w = np.asarray(w)
    if w.shape != (3,) or not all(map(isfinite, (*w, gamma))) or not w[2] < 0:
        raise ValueError(
            f"w must be three finite numbers (w_r, w_t, w_v) with w_v < 0, and gamma finite, got w = {w.tolist()} and gamma = {gamma}"
        )
    w_r, w_t, w_v = w.tolist()
    return Reading(-w_v, gamma * w_t / -w_v, w_r / -w_v)


def gain(w: Any, depth: int, gamma: Any) -> Any:
    r""":math:`w_r \sum_{l < L} (1 + \gamma w_t + w_v)^l`: what L = ``depth`` equal layers make of rewards of 1, in every column, whatever attention does.

    ``w``: (…, 3), rows (w_r, w_t, w_v); the gain of each, (…). It should be 1/(1 − γ).

    Raises ``ValueError`` for another last axis, and for a negative depth. Source: the book's claim ``state-form``.
    """
    w = np.asarray(w)
    if w.shape[-1:] != (3,) or depth < 0:
        raise ValueError(
            f"w must have shape (…, 3) and depth must be at least 0, got shape {w.shape} and depth {depth}"
        )
    w_r, w_t, w_v = (w[..., i] for i in range(3))
    q = 1 + gamma * w_t + w_v
    return w_r * sum(q**layer for layer in range(depth))
