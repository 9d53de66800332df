r"""The siblings of softmax TD: the same attention, with a scan, with two groups of keys, with a second head.

Each is softmax TD with one thing changed, in :mod:`icrl.transformer`'s own parts: parameters for its layers, or a layer.

Source: this book, after the algorithms' counterparts in linear attention (Wang et al. 2025; :mod:`icrl.linear_attention`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from icrl.algebra import Matrix, discounted_sum, place, scalar, stack, transpose
from icrl.arrays import np
from icrl.prompt import REWARD, VALUE, row_sizes
from icrl.transformer import Parameters, target_memory


def with_traces(p: Parameters, decay: Any) -> Parameters:
    r"""Softmax TD(λ): attention reads :math:`d_k = \delta_k + \vartheta d_{k+1}` in the place of :math:`\delta_k`, ϑ = ``decay`` = γλ.

    One parameter-free step more, a scan along the columns from the right. With linear attention it is linear TD(λ).
    """
    return replace(p, scan=discounted_sum(p.shift.shape[-1] - 1, decay, p.shift))


def with_average_reward(p: Parameters) -> tuple[Parameters, Parameters]:
    r"""Two heads for :func:`icrl.transformer.multi_head_layer`: ``p``, made with γ = 1, and a uniform one that subtracts the mean reward.

    The second head's scores are all 0, so that softmax weighs all visible keys alike; its V reads the reward row, times −α.
    """
    d = p.A.shape[-1] - 3
    step = p.V[..., -1:, -3:-2]
    V = place({(VALUE, REWARD): -step}, row_sizes(d), row_sizes(d), p.V)
    return p, replace(p, A=0 * p.A, V=V)


def residual_gradient_layer(Z: Matrix, p: Parameters, gamma: Any) -> Matrix:
    r"""One layer of the softmax residual gradient: :math:`Z + VZ(K - \gamma K')`, then the target-memory step.

    One softmax over 2n keys: K holds the weights of the keys :math:`S_k`, K' those of :math:`S_{k+1}`, both read the value
    :math:`\delta_k`. ``gamma``: the discount. Not for symbolic sizes.
    """
    scores = transpose(Z) @ p.A @ Z
    after = transpose(p.shift) @ scores
    weights = p.normalise(
        stack(scores, after), np.concatenate([np.broadcast_to(p.visible, (scores.shape[-2], p.visible.shape[-1]))] * 2)
    )
    width = scores.shape[-2]
    K, K_after = weights[..., :width, :], weights[..., width:, :]
    return target_memory(Z + p.V @ Z @ (K - scalar(gamma, Z, "gamma") * K_after), p)
