r"""The construction in PyTorch's pre-norm encoder layer: a normalisation before attention, made harmless by a large constant.

A norm divides a token by its own size. Beside a constant C that is large against the token z, of m coordinates, that size is nearly
the same for all tokens: LayerNorm of (z, −z, C, −C), whose mean is 0, and RMSNorm of (z, C), with the gain :math:`C / \sqrt{m + 1}`, read

.. math:: s z, \qquad s = \Bigl(1 + \frac{\lVert z \rVert^2 + (m+1) \varepsilon}{C^2}\Bigr)^{-1/2} .

One block then errs by at most :math:`\alpha u (s_{\max} + \tfrac12) \max_k |\delta_k|` (:func:`norm_error`). Depth does not heal it.

Source: found for this book.
"""

from __future__ import annotations

from math import sqrt
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn import LayerNorm, TransformerEncoderLayer
from torch.nn.functional import pad

from icrl.mrp import finite_array, integer, number
from icrl.stock.construction import token_rows
from icrl.stock.modules import FLOAT, Tokens, float_heads, load

NORMS = "layer", "rms"
"""The normalisations: LayerNorm, as PyTorch's layer has it, and RMSNorm in its place (PyTorch 2.4 or newer)."""

CONSTANT = 1e9
"""C unless given: where values stay below some tens, float64 and float32 then err by their rounding alone, that of a token's largest entry."""

EPSILON = 1e-5
"""ε unless given, as in PyTorch's layer."""


def norm_rows(d: int, norm: str = "layer") -> int:
    """m, the coordinates of z: 2d+3 for RMSNorm; for LayerNorm that many and zeros, to a multiple of 4.

    LayerNorm's mean must come out as 0: so filled up, with C last, PyTorch's sums on a CPU cancel each z against its −z before C comes in. An entry
    then errs by some 1e-7 of the token's largest in float32 (d up to 64 tried), and by up to a sixteenth in bfloat16 (RMSNorm: by .007).
    """
    if norm not in NORMS:
        raise ValueError(f"norm must be one of {', '.join(NORMS)}, got {norm!r}")
    rows = 2 * integer("d", d, 0) + 3
    return rows if norm == "rms" else -(-rows // 4) * 4


def encoder_tokens(tokens: Tokens, norm: str = "layer", constant: float = CONSTANT) -> Tokens:
    """The tokens for :func:`encoder_layer`: (…, N, 2m+2), rows (z, −z, C, −C), for LayerNorm; (…, N, m+1), rows (z, C), for RMSNorm.

    ``tokens``: as by :func:`~icrl.stock.modules.tokens`, of any width; ``constant``: C > 0. Their values and targets stand where they stood.
    Raises ``ValueError`` for another norm or constant.
    """
    m, C = norm_rows(tokens.d, norm), number("constant", constant, "(0, inf)")
    rows = tokens.X[..., : 2 * tokens.d + 3]
    z, c = pad(rows, (0, m - rows.shape[-1])), rows.new_full((*rows.shape[:-1], 1), C)
    return tokens.at(torch.cat([z, -z, c, -c] if norm == "layer" else [z, c], dim=-1))


def encoder_layer(
    d: int,
    gamma: float,
    alpha: float,
    A: ArrayLike | None = None,
    norm: str = "layer",
    constant: float = CONSTANT,
    eps: float = EPSILON,
    dim_feedforward: int = 1,
    dtype: torch.dtype = FLOAT,
    device: torch.device | str | None = None,
) -> TransformerEncoderLayer:
    r"""A pre-norm :class:`torch.nn.TransformerEncoderLayer` that is one step of weighted softmax TD on :func:`encoder_tokens`, but for :func:`norm_error`.

    ``norm_first`` is true, the dropout 0, and the feed-forward block adds 0; LayerNorm reads z and −z, and W_O writes into both. With
    ``norm="rms"`` both norms are :class:`torch.nn.RMSNorm`, and there are no biases. ``constant``: the C of the tokens, > 0; ``eps``: the norms' ε, > 0.
    The others: as in :func:`~icrl.stock.modules.multihead_attention`, A (d, d), whose errors these are; ``ValueError`` for another norm, constant or eps, too.
    """
    m, C = norm_rows(d, norm), number("constant", constant, "(0, inf)")
    number("eps", eps, "(0, inf)")
    heads = [head._replace(out=_written(d, norm) @ head.out) for head in float_heads(d, gamma, alpha, A)]
    E, biased = (m + 1, False) if norm == "rms" else (2 * m + 2, True)
    made: dict[str, Any] = {"dtype": dtype, "device": device}
    layer = TransformerEncoderLayer(
        E,
        nhead=2,
        dim_feedforward=integer("dim_feedforward", dim_feedforward, 1),
        dropout=0.0,
        layer_norm_eps=eps,
        batch_first=True,
        norm_first=True,
        bias=biased,
        **made,
    )
    layer.self_attn = load(heads, E, dtype, device, biased)
    if norm == "rms":
        layer.norm1, layer.norm2 = (cast(LayerNorm, torch.nn.RMSNorm(E, eps, **made)) for _ in "12")
    with torch.no_grad():
        layer.norm1.weight.fill_(C / sqrt(m + 1))
        for weight in layer.linear2.parameters():
            weight.zero_()
    return layer


def _written(d: int, norm: str) -> np.ndarray:
    """Where what is added to z, (2d+3,), goes: onto z, and with a minus onto −z where there is one."""
    m, z = norm_rows(d, norm), np.eye(2 * d + 3)
    if norm == "rms":
        return z
    gap = np.zeros((m - len(z), len(z)))
    return np.concatenate([z, gap, -z])


def norm_error(
    tokens: Tokens,
    alpha: float,
    A: ArrayLike | None = None,
    norm: str = "layer",
    constant: float = CONSTANT,
    eps: float = EPSILON,
) -> Tensor:
    r"""How far one block can be from the layer without a norm, in exact arithmetic, in any value; γ times that in any target: () or (B,).

    :math:`\alpha u (s_{\max} + \tfrac12) \max_k |\delta_k|`, with :math:`u = \max_j (\lVert z_j \rVert^2 + (m+1) \varepsilon) / C^2`, :math:`s_{\max}`
    the largest score in size and δ the TD errors, both over the keys that are seen. The score of two tokens comes times :math:`s_j s_k \ge 1 - u`, which
    moves the weights of a query by at most :math:`u s_{\max}` in sum, and δ_k times :math:`s_k \ge 1 - u / 2`.

    ``tokens``: those before the block, plain or as by :func:`encoder_tokens`; A (d, d). Raises ``ValueError`` for another norm, constant or eps.
    """
    m, C = norm_rows(tokens.d, norm), number("constant", constant, "(0, inf)")
    number("eps", eps, "(0, inf)")
    scores = np.eye(tokens.d) if A is None else finite_array("A", A, (tokens.d, tokens.d))
    band, seen = token_rows(tokens.Z), ~tokens.key_padding_mask
    keys = band.before.mT @ tokens.X.new_tensor(scores)
    asked = [(keys @ ends).abs().amax(-1) for ends in (band.before, band.after)]
    largest = (torch.maximum(*asked) * seen).amax(-1)
    delta = (band.reward + band.target - band.value)[..., 0, :].abs() * seen
    u = ((tokens.Z**2).sum(-2).amax(-1) + (m + 1) * eps) / C**2
    return abs(alpha) * u * (largest + 0.5) * delta.amax(-1)
