r"""The predecessor's Transformers: four TD methods in linear attention, on a prompt of transitions.

Another embedding for the same layer: :func:`icrl.transformer.layer` with :func:`icrl.algebra.linear` in the place of
softmax, and no memory step. A column is a transition,

====================  ===============================  ==============
rows                  column k < n                     column n
====================  ===============================  ==============
d                     :math:`x(S_k)`                   :math:`x(s)`
d                     :math:`\gamma x(S_{k+1})`        0
1                     :math:`R_{k+1}`                  0
1 (average reward)    0                                0
====================  ===============================  ==============

so that the columns need not follow one another. After l layers the last row holds the TD errors under :math:`w_l` (for the
average reward: without their rewards), and in column n minus the prediction, :math:`-\langle x(s), w_l \rangle`.

Source: Wang, Blaser, Daneshmand, Zhang 2025.
"""

from __future__ import annotations

from typing import Any

from icrl.algebra import (
    Matrix,
    centring,
    discounted_sum,
    finite,
    identity,
    kind,
    linear,
    of_one_kind,
    place,
    scalar,
    sources_visible,
    stack,
)
from icrl.transformer import Head, Parameters

BEFORE, AFTER, PAID, LAST = range(4)
"""The bands of the prompt. Without a row for the average reward the rewards' row is the last."""


def transition_prompt(features: Matrix, after: Matrix, rewards: Matrix, query: Matrix, gamma: Any) -> Matrix:
    r"""The prompt of n transitions, (…, 2d+1, n+1).

    features, after: (…, d, n), the columns :math:`x(S_k)` and :math:`x(S_{k+1})`; rewards: (…, 1, n); query: (…, d, 1).
    All of one kind (:mod:`icrl.algebra`). Raises ``ValueError`` when the kinds differ, the shapes do not fit, n = 0, or an
    entry is no floating-point number, NaN or infinite.
    """
    given = {"features": features, "after": after, "rewards": rewards, "query": query}
    of_one_kind("features, after, rewards and query", {name: finite(name, X) for name, X in given.items()})
    if len(features.shape) < 2 or features.shape[-1] == 0:
        raise ValueError(f"features must have shape (…, d, n) with n >= 1, got {tuple(features.shape)}")
    d, n = features.shape[-2:]
    for name, shape in (("after", (d, n)), ("rewards", (1, n)), ("query", (d, 1))):
        if tuple(given[name].shape[-2:]) != shape:
            raise ValueError(f"{name} must have shape (…, {shape[0]}, {shape[1]}), got {tuple(given[name].shape)}")
    parts = {(0, 0): features, (0, 1): query, (1, 0): scalar(gamma, after, "gamma") * after, (2, 0): rewards}
    return place(parts, (d, d, 1), (n, 1), features)


def with_average_row(Z: Matrix) -> Matrix:
    """The prompt, (…, 2d+1, n+1), with one more row, of zeros, for the average-reward method."""
    columns = Z.colblocksizes if kind(Z) == "blocks" else (Z.shape[-1] - 1, 1)
    return stack(Z, place({}, (1,), columns, Z))


def _head(bands: tuple, n: Any, scores: dict, V: dict, like: Matrix, scan: Matrix | None = None) -> Head:
    """One head of linear attention: A and V by their blocks."""
    on_bands = lambda parts: place(parts, bands, bands, like)
    return Head(on_bands(scores), on_bands(V), sources_visible(n, like), linear, scan)


def td_parameters(d: Any, n: Any, alpha: Any, like: Matrix, decay: Any = None) -> Parameters:
    r"""A layer is :math:`w \leftarrow w + \alpha \sum_k \delta_k x(S_k)`; with ``decay`` ϑ it is TD(λ), ϑ = γλ, through a lower triangular mask of its powers.

    For a prompt (…, 2d+1, n+1). The predecessor's step is α/n.
    """
    one = identity(d, like)
    scores = {(BEFORE, BEFORE): -one, (BEFORE, AFTER): one}
    scan = None if decay is None else discounted_sum(n, decay, like)
    return Parameters((_head((d, d, 1), n, scores, {(PAID, PAID): scalar(alpha, like, "alpha")}, like, scan),))


def residual_gradient_parameters(d: Any, n: Any, alpha: Any, like: Matrix) -> Parameters:
    r"""A layer is :math:`w \leftarrow w + \alpha \sum_k \delta_k (x(S_k) - \gamma x(S_{k+1}))`, for a prompt (…, 2d+1, n+1)."""
    one = identity(d, like)
    scores = {(BEFORE, BEFORE): -one, (BEFORE, AFTER): one, (AFTER, BEFORE): one, (AFTER, AFTER): -one}
    return Parameters((_head((d, d, 1), n, scores, {(PAID, PAID): scalar(alpha, like, "alpha")}, like),))


def average_reward_parameters(d: Any, n: Any, alpha: Any, like: Matrix) -> Parameters:
    r"""Two heads whose layer, on a prompt (…, 2d+2, n+1) made with γ = 1 and :func:`with_average_row`, is average-reward TD.

    The first reads the last row; the second reads the rewards less their running mean.
    """
    one, step, bands = identity(d, like), scalar(alpha, like, "alpha"), (d, d, 1, 1)
    scores = {(BEFORE, BEFORE): -one, (BEFORE, AFTER): one}
    values = _head(bands, n, scores, {(LAST, LAST): step}, like)
    return Parameters((values, _head(bands, n, scores, {(LAST, PAID): step}, like, centring(n, like))))
