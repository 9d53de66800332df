r"""The siblings of softmax TD: the same attention, with a scan, with two groups of keys, with a second head.

Each is softmax TD with one thing changed, in :mod:`icrl.transformer`'s own parts: other parameters for the same layer.

Source: this book, after the algorithms' counterparts in linear attention (Wang et al. 2025; :mod:`icrl.linear_attention`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from icrl.algebra import Matrix, discounted_sum, place, scalar, stack, transpose
from icrl.arrays import np
from icrl.prompt import REWARD, VALUE, row_sizes
from icrl.transformer import Parameters


def with_traces(p: Parameters, decay: Any) -> Parameters:
    r"""Softmax TD(λ): attention reads :math:`d_k = \delta_k + \vartheta d_{k+1}` in the place of :math:`\delta_k`, ϑ = ``decay`` = γλ.

    One parameter-free step more, a scan along the columns from the right. With linear attention it is linear TD(λ).
    ``p``: one head and a target memory; ``ValueError`` for others.
    """
    shift = p.target_memory.shift
    if len(p.heads) != 1:
        raise ValueError(f"p must have one head, through which the values are read, got {len(p.heads)}")
    return p.with_head(scan=discounted_sum(shift.shape[-1] - 1, decay, shift))


def with_average_reward(p: Parameters) -> Parameters:
    r"""Average-reward TD: beside the head of ``p``, made with γ = 1, a uniform one that subtracts the mean reward.

    The second head's scores are all 0, so that softmax weighs all visible keys alike; its V reads the reward row, times −α.
    ``p``: one head of softmax TD, not changed by another function of this module, which the second head would take over;
    ``ValueError`` for several heads or a scan.
    """
    first = p.head
    if first.scan is not None:
        raise ValueError("p must have no scan: its second head would subtract the mean of scanned rewards")
    d = first.A.shape[-1] - 3
    step = first.V[..., -1:, -3:-2]
    V = place({(VALUE, REWARD): -step}, row_sizes(d), row_sizes(d), first.V)
    return replace(p, heads=(first, replace(first, A=0 * first.A, V=V)))


def with_both_ends(p: Parameters, gamma: Any) -> Parameters:
    r"""The softmax residual gradient: :math:`Z + VZ(K - \gamma K')`, then the target-memory step.

    One softmax over 2n keys: K holds the weights of the keys :math:`S_k`, K' those of :math:`S_{k+1}`, both read the value
    :math:`\delta_k`. ``gamma``: the discount. Not for symbolic sizes.
    """
    normalise, shift = p.head.normalise, p.target_memory.shift

    def weights(scores: Matrix, visible: Any) -> Matrix:
        keys = scores.shape[-2]
        mask = np.broadcast_to(visible, (keys, visible.shape[-1]))
        K = normalise(stack(scores, transpose(shift) @ scores), np.concatenate([mask, mask]))
        return K[..., :keys, :] - scalar(gamma, scores, "gamma") * K[..., keys:, :]

    return p.with_head(normalise=weights)
