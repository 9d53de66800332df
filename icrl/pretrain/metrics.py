r"""What was learned: how near the parameters are to the pattern of softmax TD, and the predictions to its predictions.

The pattern: V's last row along (0, …, 0, 1, 1, −1), A's block on the features along the identity. Its two scales are the step
size α and the sharpness β; nothing fixes them to 1.
"""

from __future__ import annotations

from math import isfinite
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from icrl.pretrain.batches import TaskBatch
from icrl.pretrain.network import Learned, construction, is_masked, last, token_values, values, whole_A, whole_V


class Pattern(NamedTuple):
    """How near the parameters are to the pattern; means over the layers where they are untied.

    ``cosine_V``: of V's last row and (0, …, 0, 1, 1, −1). ``cosine_A``: of A's feature block and the identity; ``cosine_A_centred``
    the same once what one-hot attention cannot see is taken from both, matrices 1cᵀ, by taking each column's mean from it.
    ``off_V``, ``off_A``: the share of the squares of V's, of A's entries that lies off the pattern, in [0, 1]. A cosine with 0 is 0; NaN stays NaN.
    """

    cosine_V: float
    cosine_A: float
    cosine_A_centred: float
    off_V: float
    off_A: float


def pattern(learned: Learned) -> Pattern:
    """The :class:`Pattern` of parameters."""
    layers = zip(learned["V"].detach(), learned["A"].detach())
    d = learned["A"].shape[-1] - (0 if is_masked(learned) else 3)
    each = [layer_pattern(whole_V(V, d).cpu().numpy(), whole_A(A, d).cpu().numpy()) for V, A in layers]
    return Pattern(*np.mean(each, axis=0).tolist())


def layer_pattern(V: np.ndarray, A: np.ndarray) -> Pattern:
    """The same of one layer's matrices, (d+3)×(d+3)."""
    d = len(A) - 3
    block, row, eye = A[:d, :d], np.r_[np.zeros(d), 1, 1, -1], np.eye(d)
    on_V, on_A = (V[-1, d:] ** 2).sum(), (np.diag(block) ** 2).sum()
    return Pattern(
        cosine(V[-1], row), cosine(block, eye), cosine(centred(block), centred(eye)), off(on_V, V), off(on_A, A)
    )


def cosine(X: np.ndarray, Y: np.ndarray) -> float:
    """⟨X, Y⟩ / (‖X‖ ‖Y‖) of two arrays of one shape, 0 where one of them is 0, NaN where one has NaN."""
    size = np.linalg.norm(X) * np.linalg.norm(Y)
    return float((X * Y).sum() / size) if size != 0 else 0.0


def centred(A: np.ndarray) -> np.ndarray:
    """A, (d, d), less the mean of each column: A − 1cᵀ."""
    return A - A.mean(axis=0)


def off(on: float, X: np.ndarray) -> float:
    """The share of the squares of X, of any shape, that is not ``on``; 0 where X is 0, NaN where it has NaN."""
    total = (X**2).sum()
    return float(1 - on / total) if total != 0 else 0.0


# What a layer is the softmax TD of


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
    w_r, w_t, w_v = np.moveaxis(w, -1, 0)
    q = 1 + gamma * w_t + w_v
    return w_r * sum(q**layer for layer in range(depth))


# Predictions


def true_value(batch: TaskBatch) -> Tensor:
    """v^π = (I − γP)⁻¹ r, (B, S), of a batch of tensors."""
    eye = torch.eye(batch.transition.shape[-1], dtype=batch.transition.dtype, device=batch.transition.device)
    return torch.linalg.solve(eye - batch.discount * batch.transition, batch.reward)


def task_errors(v: Tensor, right: Tensor, batch: TaskBatch) -> Tensor:
    r"""The relative error of each task's values, (B,): :math:`\lVert v - v' \rVert_\mu / \lVert v' \rVert_\mu`, v' being ``right``."""
    return (sizes(v - right, batch) / sizes(right, batch)).sqrt()


def sizes(u: Tensor, batch: TaskBatch) -> Tensor:
    r""":math:`\lVert u \rVert_\mu^2 = \sum_s \mu(s) u(s)^2`, (B,)."""
    return (batch.stationary * u**2).sum(-1)


def less_mean(u: Tensor, batch: TaskBatch) -> Tensor:
    """u less its mean under μ, which is what tells the states of a task apart: (B, S)."""
    return u - (batch.stationary * u).sum(-1, keepdim=True)


class Agreement(NamedTuple):
    """Softmax TD fitted to predictions: its α and sharpness β, and how near it comes.

    ``value_difference``: the relative difference of the values, the median over the tasks; ``sensitivity_similarity``: that of
    :func:`sensitivity`, the mean cosine over states and tasks.
    """

    alpha: float
    sharpness: float
    value_difference: float
    sensitivity_similarity: float


def agreement(learned: Learned, batch: TaskBatch, depth: int) -> Agreement:
    """Softmax TD with the α and β > 0 whose values at ``depth`` are nearest to the learned ones, and how near it comes.

    Sensitivity: the gradient of the value of a query with respect to the query's features; the similarity is the mean cosine of
    the two models' over all states and tasks.
    """
    alpha, sharpness = fitted(learned, batch, depth)
    td = construction(batch.features.shape[-1], alpha, sharpness)
    with torch.no_grad():
        difference = float(task_errors(values(learned, batch, depth), values(td, batch, depth), batch).median())
    similar = torch.cosine_similarity(sensitivity(learned, batch, depth), sensitivity(td, batch, depth), dim=-1)
    return Agreement(alpha, sharpness, difference, float(similar.mean()))


def fitted(learned: Learned, batch: TaskBatch, depth: int) -> tuple[float, float]:
    """The α and β of softmax TD with the least mean square of relative differences, by quasi-Newton steps from those nearest in the parameters."""
    with torch.no_grad():
        right = values(learned, batch, depth)
    d = batch.features.shape[-1]
    row = torch.stack([whole_V(V, d)[-1] for V in learned["V"].detach()]).mean(0)
    block = torch.stack([whole_A(A, d)[:d, :d] for A in learned["A"].detach()]).mean(0)
    start = [max(float(row[-3] + row[-2] - row[-1]) / 3, 0.1), max(float(block.trace()) / d, 0.1)]
    free = torch.tensor(start, dtype=torch.float64).log().requires_grad_()
    search = torch.optim.LBFGS([free], max_iter=30, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        search.zero_grad()
        alpha, sharpness = free.exp()
        unit = construction(d)
        off = values({"V": alpha * unit["V"], "A": sharpness * unit["A"]}, batch, depth) - right
        loss = (sizes(off, batch) / sizes(right, batch)).mean()
        loss.backward()
        return loss

    search.step(closure)
    return tuple(free.detach().exp().tolist())


def sensitivity(learned: Learned, batch: TaskBatch, depth: int) -> Tensor:
    """The gradient of each state's value, asked in a query column, with respect to that column's features: (B, S, d)."""
    queries = batch.features.clone().requires_grad_()
    v = last(token_values({name: X.detach() for name, X in learned.items()}, batch, depth, queries))
    return torch.autograd.grad(v.sum(), queries)[0]
