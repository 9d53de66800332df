r"""What was learned: how near the parameters are to the pattern of softmax TD, and the predictions to its predictions.

The pattern: V's last row along (0, …, 0, 1, 1, −1), A's block on the features along the identity. Its two scales are the step
size α and the sharpness β; nothing fixes them to 1.
"""

from __future__ import annotations

from typing import NamedTuple

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


# Predictions


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
