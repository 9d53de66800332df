r"""The way back: which step of softmax TD a two-head attention computes, a trained one say, and how much of it is something else.

PyTorch's weights are seen through what no change of basis within a head moves: the scores :math:`W_K^\top W_Q / \sqrt h`, what is
added to a token, :math:`W_O W_V`, and the biases, each by what it does. The pattern has its parameters, A, α and γ, and freedoms: which
head is which, and a gauge c of the target, which holds cγv, change no value on tokens that are made for them (:func:`suited`); a bias of the queries
weighs the keys; a bias of the values is a reward bonus, where no transition terminates (it would move the target of one that does, and the sink, from
0). What is left is off the pattern, and the condition that it breaks is named.

The weights say how much is off, and not what becomes of it: a small share may weigh much behind a sharp softmax, in large rewards or
after many layers. That is measured on tokens, by :func:`reading_error`.

Source: found for this book.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf, isfinite, sqrt
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import MultiheadAttention

from icrl.mrp import integer, number
from icrl.stock.modules import Tokens, float_heads, forward, load

CONDITIONS = {
    "value": "the head that moves v adds α(r + t/c − v) to v alone",
    "target": "the other head adds cγ times the same to t alone",
    "first question": "the head that moves v compares x(a) of the query with x(a) of the key, and nothing else",
    "second question": "the other head compares x(b) of the query with x(a) of the key, and nothing else",
    "one kernel": "both heads compare by one matrix A",
    "key weights": "the biases of the queries weigh the keys by x(a) alone, and alike in both heads",
    "bonus": "all other biases add b to v, cγb to t, and nothing else",
}
"""What is asked of the weights, by the name of the deviation from it."""


@dataclass(frozen=True, eq=False)
class Reading:
    r"""One layer as a step of softmax TD: :math:`v(s) \mathrel{+}= \alpha \sum_k K(k|s) (r_k + \text{bonus} + \gamma v(b_k) - v(a_k))`.

    ``A``: (d, d), of the head that moves v, the score :math:`\langle x(a_k), A x(s) \rangle + \langle w, x(a_k) \rangle`; ``alpha``; ``gamma``, the ratio of
    the heads; ``gauge``: c, the target holds cγv (infinite where v does not read it: then γ is 0, and what the other head asks moves no value, though
    it is compared); ``key_weight``: w, (d,); ``bonus``: a part of the reward where no transition terminates; ``heads``: which head moves v, and
    which t; ``deviations``: how far each of :data:`CONDITIONS` is from holding: a share of the size of the weights it speaks of, and for the bonus an
    amount of reward.
    """

    A: np.ndarray
    alpha: float
    gamma: float
    gauge: float
    key_weight: np.ndarray
    bonus: float
    heads: tuple[int, int]
    deviations: Mapping[str, float]

    def failed(self, tolerance: float = 0.05) -> dict[str, str]:
        """The conditions that are off by more than ``tolerance`` ≥ 0, each in words with by how much.

        Where nothing is, all weights are near those of a step of softmax TD; how near its values are is for :func:`reading_error` to say.
        """
        number("tolerance", tolerance, "[0, inf)")
        return {
            name: f"{CONDITIONS[name]}: off by {size:.2g}" for name, size in self.deviations.items() if size > tolerance
        }

    def __str__(self) -> str:
        said = f"α = {self.alpha:.3g}, γ = {self.gamma:.3g}, gauge {self.gauge:.3g}, bonus {self.bonus:.3g}, head {self.heads[0]} moves v"
        worst = max(self.deviations, key=lambda name: self.deviations[name])
        most = f"most off the pattern: {worst}, by {self.deviations[worst]:.2g}"
        return "\n".join([said, most, *(f"not so: {why}" for why in self.failed().values())])


class _Head(NamedTuple):
    """What one head does: its scores, keys down, and what it adds to a token, (E, E); what its bias adds to the score of a key, (E,)."""

    scores: np.ndarray
    added: np.ndarray
    key_weight: np.ndarray


def read(module: MultiheadAttention, d: int) -> Reading:
    """The step of softmax TD that a module with two heads computes on tokens as by :func:`~icrl.stock.modules.tokens`, with d features.

    A (d, d) and the key weight are those of the head that moves v. Dropout is not looked at. Coordinates beyond 2d+3, which are 0 in the tokens, count where something is written
    into them. Features that add up to the same number in every state, as one-hot ones do, leave more of A free than is looked for here.

    Raises ``ValueError`` for what is no :class:`torch.nn.MultiheadAttention` of two heads over 2d+3 coordinates or more, with keys and
    values of the same width and none added, for weights that are not finite, and where no head moves v by what it reads of r − v.
    """
    heads, bias = _heads(module, d)
    t, v, read_rows = 2 * d + 1, 2 * d + 2, slice(2 * d, 2 * d + 3)
    step = lambda head: float(head.added[v, 2 * d] - head.added[v, v]) / 2
    fits = lambda i, j: (step(heads[i]) != 0, _row_share(heads[i], v) + _row_share(heads[j], t))
    order = max([(0, 1), (1, 0)], key=lambda pair: fits(*pair))
    first, second = (heads[i] for i in order)
    p, q, alpha = first.added[v, read_rows], second.added[t, read_rows], step(first)
    if alpha == 0:
        raise ValueError("module must have a head that adds a multiple of r - v to v, got none")
    moved, ratio = np.array([alpha, p[1], -alpha]), float(q @ p / (p @ p))
    before, after = slice(0, d), slice(d, 2 * d)
    A, B, w = first.scores[before, before], second.scores[before, after], first.key_weight[before]
    wanted_bias = _only(bias, (t,), ratio * bias[v]) + _only(bias, (v,), bias[v])
    return Reading(
        A=A,
        alpha=alpha,
        gamma=ratio * float(p[1]) / alpha,
        gauge=alpha / float(p[1]) if p[1] else inf,
        key_weight=w,
        bonus=float(bias[v]) / alpha,
        heads=order,
        deviations={
            "value": _share(first.added - _only(first.added, (v, read_rows), moved), first.added),
            "target": _share(second.added - _only(second.added, (t, read_rows), ratio * moved), second.added),
            "first question": _share(first.scores - _only(first.scores, (before, before), A), first.scores),
            "second question": _share(second.scores - _only(second.scores, (before, after), B), second.scores),
            "one kernel": _share(A - B, A, B),
            "key weights": max(
                _share(head.key_weight - _only(head.key_weight, (before,), w), head.key_weight, head.scores)
                for head in (first, second)
            ),
            "bonus": float(np.linalg.norm(bias - wanted_bias)) / abs(alpha),
        },
    )


def suited(given: Tokens, reading: Reading) -> Tokens:
    """The tokens as a module with this reading wants them: the targets times the gauge, and each head's mask where that head is.

    ``given``: (N, E) or (B, N, E), as by :func:`~icrl.stock.modules.tokens`. Of them a module whose heads have changed places would hear at a
    termination what is not 0, and one of another gauge would take what its targets begin with for rewards.
    """
    X, mask = given.X.clone(), given.attn_mask
    X[..., given.target_row] *= reading.gauge if isfinite(reading.gauge) else 1
    if mask is not None:
        mask = mask.unflatten(0, (-1, 2))[:, list(reading.heads)].flatten(0, 1)
    return replace(given, X=X, attn_mask=mask)


@torch.no_grad()
def reading_error(module: MultiheadAttention, given: Tokens, depth: int) -> Tensor:
    r"""How far a module's values are from those of its reading after 0, 1, …, ``depth`` layers: the largest difference in a transition, (depth + 1,).

    ``given``: (N, E) or (B, N, E), of the module's width and type, as by :func:`~icrl.stock.modules.tokens`, in that order, or as by
    :func:`~icrl.stock.modules.batched`; the module gets them :func:`suited`. Its reading pays the bonus to the transitions alone. In units of the rewards.
    Raises ``ValueError`` as :func:`read` and :func:`~icrl.stock.modules.forward`.
    """
    found = read(module, given.d)
    theirs = forward(module, suited(given, found), depth)
    ours = forward(_loaded(found, given), _paid(given, found.bonus), depth)
    transitions = _transitions(given)
    return torch.stack([(a.values - b.values)[transitions].abs().max() for a, b in zip(theirs, ours, strict=True)])


def _transitions(given: Tokens) -> Tensor:
    """Which tokens are transitions, (…, N): the keys that the first one sees."""
    return given.visible[0][..., 0]


def _loaded(reading: Reading, given: Tokens) -> MultiheadAttention:
    """The module that does what a reading says, its key weight as a bias of the queries."""
    d, E = given.d, given.X.shape[-1]
    heads = float_heads(d, reading.gamma, reading.alpha, reading.A)
    module = load(heads, E, given.X.dtype, given.X.device)
    queries = module.in_proj_bias.view(3, 2, module.head_dim)[0]
    queries[:, :d] = given.X.new_tensor(reading.key_weight) * sqrt(module.head_dim)
    return module


def _paid(given: Tokens, bonus: float) -> Tokens:
    """The tokens with a bonus in the reward of each transition."""
    X = given.X.clone()
    X[..., 2 * given.d] += bonus * _transitions(given)
    return given.at(X)


def _heads(module: MultiheadAttention, d: int) -> tuple[list[_Head], np.ndarray]:
    """What each head does, and what all biases together add to a token, (E,): on the coordinates that can be other than 0 in a token."""
    _check(module, integer("d", d, 0))
    E, h = module.embed_dim, module.head_dim
    query, key, value = _array(module.in_proj_weight).reshape(3, 2, h, E)
    asked, _, told = _bias(module.in_proj_bias, 3 * E).reshape(3, 2, h)
    out = _array(module.out_proj.weight).reshape(E, 2, h).swapaxes(0, 1)
    added = out @ value
    bias = _bias(module.out_proj.bias, E) + (out @ told[..., None])[..., 0].sum(axis=0)
    live = (np.arange(E) < 2 * d + 3) | (added != 0).any(axis=(0, 2)) | (bias != 0)
    scores, weights = key.swapaxes(1, 2) @ query / sqrt(h), (key.swapaxes(1, 2) @ asked[..., None])[..., 0] / sqrt(h)
    both = np.ix_(live, live)
    return [_Head(scores[i][both], added[i][both], weights[i][live]) for i in range(2)], bias[live]


def _check(module: MultiheadAttention, d: int) -> None:
    if not isinstance(module, MultiheadAttention):
        raise ValueError(f"module must be a torch.nn.MultiheadAttention, got {type(module).__name__}")
    if module.num_heads != 2:
        raise ValueError(f"module must have 2 heads, got {module.num_heads}")
    if module.embed_dim < 2 * d + 3:
        raise ValueError(
            f"module must be over 2d+3 = {2 * d + 3} coordinates or more, got embed_dim {module.embed_dim}"
        )
    if module.in_proj_weight is None or module.bias_k is not None or module.add_zero_attn:
        raise ValueError(
            "module must read keys and values of its own width and add none, got kdim, vdim, add_bias_kv or add_zero_attn"
        )
    for name, weight in module.named_parameters():
        if not bool(weight.isfinite().all()):
            raise ValueError(f"{name} must be finite, got NaN or infinity")


def _array(weight: Tensor) -> np.ndarray:
    return weight.detach().cpu().double().numpy()


def _bias(weight: Tensor | None, size: int) -> np.ndarray:
    return np.zeros(size) if weight is None else _array(weight)


def _row_share(head: _Head, row: int) -> float:
    """How much of what a head adds stands in one row."""
    return _share(head.added[row], head.added)


def _only(whole: np.ndarray, where: tuple, part: np.ndarray) -> np.ndarray:
    """Zeros in the shape of ``whole``, and ``part`` in one place."""
    made = np.zeros_like(whole)
    made[where] = part
    return made


def _share(part: np.ndarray, *wholes: np.ndarray) -> float:
    """The size of ``part`` by that of ``wholes``, the root of the mean of squares; 0 where the part is 0."""
    size = float(np.linalg.norm(part))
    return size and size / sqrt(sum(float(np.linalg.norm(whole)) ** 2 for whole in wholes) / len(wholes))
