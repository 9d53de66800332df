r"""Tokens as PyTorch wants them, and its own modules with the construction's weights in them.

Tokens are rows here, X (N, E) or (B, N, E), the columns of :mod:`icrl.stock.construction` and zeros up to the width E that the
module asks for: PyTorch wants E to be a multiple of the number of heads.

Source: found for this book.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, repeat
from math import sqrt
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn import MultiheadAttention, TransformerEncoderLayer
from torch.nn.functional import pad, scaled_dot_product_attention

from icrl.mrp import Context, finite_array, integer, number
from icrl.stock.construction import Projections, context_tokens, stock_heads

FLOAT = torch.float64
"""The type of tokens and weights unless another is asked for: that of the rest of the library."""


@dataclass(frozen=True, eq=False)
class Tokens:
    r"""Tokens with their masks, for :class:`torch.nn.MultiheadAttention` as it comes.

    ``X``: (N, E) or (B, N, E), row j is :math:`(x(a_j), x(b_j), r_j, t_j, v_j, 0, \dots)`, E ≥ 2d+3; ``key_padding_mask``: (N,) or
    (B, N), true for the tokens that no token sees; ``attn_mask``: where a transition terminated, (2, N, N) or (2B, N, N), true where
    the query (row) may not see the key (column), a head at a time; ``d``: the number of features. Raises ``ValueError`` for other shapes,
    and for masks that are not Boolean.
    """

    X: Tensor
    key_padding_mask: Tensor
    attn_mask: Tensor | None
    d: int

    def __post_init__(self) -> None:
        shape = tuple(self.X.shape)
        if len(shape) not in (2, 3) or shape[-1] < 2 * self.d + 3:
            raise ValueError(f"X must have shape (N, E) or (B, N, E) with E >= 2d+3 = {2 * self.d + 3}, got {shape}")
        heads = 2 * (shape[0] if len(shape) == 3 else 1)
        wanted = {"key_padding_mask": shape[:-1], "attn_mask": (heads, shape[-2], shape[-2])}
        for name, mask in {"key_padding_mask": self.key_padding_mask, **self.masks}.items():
            found = f"{mask.dtype} of shape {tuple(mask.shape)}" if isinstance(mask, Tensor) else repr(mask)
            if found != f"{torch.bool} of shape {wanted[name]}":
                raise ValueError(f"{name} must be Boolean of shape {wanted[name]} for X of shape {shape}, got {found}")

    @property
    def masks(self) -> dict[str, Tensor]:
        """The masks by PyTorch's names: ``mha(X, X, X, **tokens.masks)``."""
        given = {"key_padding_mask": self.key_padding_mask, "attn_mask": self.attn_mask}
        return {name: mask for name, mask in given.items() if mask is not None}

    @property
    def target_row(self) -> int:
        """The coordinate of t in a token, 2d+1."""
        return 2 * self.d + 1

    @property
    def value_row(self) -> int:
        """The coordinate of v in a token, 2d+2."""
        return 2 * self.d + 2

    @property
    def values(self) -> Tensor:
        """v in every token, (N,) or (B, N)."""
        return self.X[..., self.value_row]

    @property
    def targets(self) -> Tensor:
        """t in every token, (N,) or (B, N)."""
        return self.X[..., self.target_row]

    @property
    def Z(self) -> Tensor:
        """The tokens as columns, (…, 2d+3, N), as :mod:`icrl.transformer` reads them."""
        return self.X[..., : 2 * self.d + 3].mT

    @property
    def visible(self) -> tuple[Tensor, Tensor]:
        """The masks of the two heads as :mod:`icrl.transformer` reads them: keys down, true where seen, (…, N, 1) or (…, N, N)."""
        keys = ~self.key_padding_mask[..., None]
        if self.attn_mask is None:
            return keys, keys
        first, second = (~self.attn_mask).unflatten(0, (-1, 2)).unbind(1)
        shape = (*self.key_padding_mask.shape, first.shape[-1])
        return keys & first.mT.reshape(shape), keys & second.mT.reshape(shape)

    def at(self, X: Tensor) -> Tokens:
        """Other tokens, of the shape of ``X``, under the same masks."""
        return replace(self, X=X)


def tokens(
    context: Context,
    features: ArrayLike,
    gamma: float,
    v: ArrayLike | None = None,
    queries: ArrayLike | None = None,
    width: int | None = None,
    dtype: torch.dtype = FLOAT,
    device: torch.device | str | None = None,
) -> Tokens:
    r"""The tokens of a context as a tensor (N, E): its n transitions in order, a token for each query, and the sink, if a transition terminated.

    The arguments and errors are those of :func:`~icrl.stock.construction.context_tokens`, features (S, d), v (S,) and queries (q,); ``width`` is E, 2d+4
    unless given, and ``ValueError`` when it is below 2d+3; ``dtype`` is a floating-point type.
    """
    floating(dtype)
    Z, visible = context_tokens(context, features, gamma, v, queries)
    rows, ended = len(Z), bool(context.terminated.any())
    E = rows + 1 if width is None else integer("width", width, rows)
    seen = np.stack([np.broadcast_to(shown, (Z.shape[1],) * 2) for shown in visible])
    as_tensor = lambda array, dtype: torch.as_tensor(np.ascontiguousarray(array), dtype=dtype, device=device)
    return Tokens(
        X=pad(as_tensor(Z.T, dtype), (0, E - rows)),
        key_padding_mask=as_tensor(~seen.any(axis=(0, 2)), torch.bool),
        attn_mask=as_tensor(~seen.swapaxes(1, 2), torch.bool) if ended else None,
        d=(rows - 3) // 2,
    )


def floating(dtype: torch.dtype) -> None:
    """Raises ``ValueError`` for a type that holds no fractions."""
    if not dtype.is_floating_point:
        raise ValueError(f"dtype must be a floating-point type, got {dtype}")


def batched(several: Sequence[Tokens]) -> Tokens:
    """Several tokens (N_i, E) as one batch (B, N, E), N the largest N_i: the shorter are filled up with hidden tokens of zeros.

    Raises ``ValueError`` for none, for tokens that are a batch already, and where d, E, type or device differ.
    """
    alike = {(each.d, each.X.shape[-1], each.X.dtype, each.X.device) for each in several}
    if len(alike) != 1 or any(each.X.ndim != 2 for each in several):
        shapes = [tuple(each.X.shape) for each in several]
        raise ValueError(f"several must be one or more tokens (N, E) of one d, E, dtype and device, got {shapes}")
    N = max(len(each.X) for each in several)
    masks = [each.attn_mask for each in several]
    return Tokens(
        X=torch.stack([pad(each.X, (0, 0, 0, N - len(each.X))) for each in several]),
        key_padding_mask=torch.stack(
            [pad(each.key_padding_mask, (0, N - len(each.X)), value=True) for each in several]
        ),
        attn_mask=None
        if not any(mask is not None for mask in masks)
        else torch.cat([_filled(each, N) for each in several]),
        d=several[0].d,
    )


def _filled(given: Tokens, N: int) -> Tensor:
    """The mask of each head, (2, N, N), of tokens filled up to N: those that are new see what head 0 of the first token sees, and no sink."""
    now = len(given.X)
    mask = given.X.new_zeros((2, now, now), dtype=torch.bool) if given.attn_mask is None else given.attn_mask
    new_rows = mask[:1, :1].expand(2, N - now, now)
    return pad(torch.cat([mask, new_rows], dim=1), (0, N - now), value=True)


def load(
    heads: Sequence[Projections],
    width: int | None = None,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
    bias: bool = True,
) -> MultiheadAttention:
    r"""A :class:`torch.nn.MultiheadAttention` with these heads in it, √h times W_Q for W_Q; biases are 0, or there are none.

    Each head, tensors or arrays: W_Q and W_K (k, R), W_V (m, R), W_O (R, m). width: E, the least that R and h ≥ k, m allow unless given; h = E /
    number of heads. The type and the device are those of the first head's query unless given.

    Raises ``ValueError`` for no head, for heads with batch axes, for a type that holds no fractions, and for a width that is no multiple of the
    number of heads, below R or what W_O writes, or leaves a head fewer than k or m rows.
    """
    H, shapes = len(heads), [tuple(part.shape) for head in heads for part in head]
    if H == 0 or any(len(shape) != 2 for shape in shapes):
        raise ValueError(f"heads must be one or more, of projections without batch axes, got shapes {shapes}")
    R = max(max(head.query.shape[-1], len(head.out)) for head in heads)
    first, rank = torch.as_tensor(heads[0].query), max(len(rows) for head in heads for rows in head[:3])
    floating(dtype or first.dtype)
    E = -(-max(R, H * rank) // H) * H if width is None else integer("width", width, R)
    if E % H or E < H * rank:
        raise ValueError(f"width must be a multiple of {H} heads, with {rank} rows or more for each, got {E}")
    module = MultiheadAttention(
        E, H, bias=bias, batch_first=True, dtype=dtype or first.dtype, device=device or first.device
    )
    with torch.no_grad():
        for trained in module.parameters():
            trained.zero_()
        reads = module.in_proj_weight.view(3, H, E // H, E)
        writes = module.out_proj.weight.view(E, H, E // H)
        for i, head in enumerate(heads):
            query, key, value, out = map(torch.as_tensor, head)
            for part, weight in enumerate((query * sqrt(E // H), key, value)):
                reads[part, i, : len(weight), : weight.shape[1]] = weight
            writes[: len(out), i, : out.shape[1]] = out
    return module


def multihead_attention(
    d: int,
    gamma: float,
    alpha: float,
    A: ArrayLike | None = None,
    width: int | None = None,
    dtype: torch.dtype = FLOAT,
    device: torch.device | str | None = None,
) -> MultiheadAttention:
    r"""A :class:`torch.nn.MultiheadAttention` that is one step of weighted softmax TD on :func:`tokens`: X + mha(X, X, X).

    With h = E / 2: W_Q is √h A on the features of the state that the transition leaves (head 0) or enters (head 1), W_K the identity on those of
    the state that it leaves, W_V one row α(1, 1, −1) on r, t and v; W_O writes into v (head 0) and γ times into t (head 1). All
    else is 0, biases too. It has PyTorch's own defaults but for ``batch_first`` and the type, and may be trained; a weight that stands
    between two zeros has no gradient and stays 0, so that each head goes on reading one number, unless a little noise is added first.

    d: the number of features; gamma, alpha: numbers, α not held to any range; A: (d, d), the identity unless given: the score is
    ⟨x(a_k), A x(·)⟩. width: E, even and at least 2d+3, 2d+4 unless given.

    Raises ``ValueError`` for a d below 0, numbers or an A that are not finite or not of this shape, and another width.
    """
    return load(float_heads(d, gamma, alpha, A), 2 * d + 4 if width is None else width, dtype, device)


def float_heads(d: int, gamma: float, alpha: float, A: ArrayLike | None = None) -> tuple[Projections, Projections]:
    """:func:`~icrl.stock.construction.stock_heads` in float64 arrays, checked at the door; A (d, d). The errors are those of :func:`multihead_attention`."""
    integer("d", d, 0)
    number("gamma", gamma, "(-inf, inf)")
    number("alpha", alpha, "(-inf, inf)")
    scores = np.eye(d) if A is None else finite_array("A", A, (d, d))
    return stock_heads(d, gamma, alpha, np.zeros((1, 1)), scores)


Layer: TypeAlias = "MultiheadAttention | TransformerEncoderLayer | Sequence[Projections]"
"""What can be a layer: PyTorch's attention, its encoder layer, or heads for its function ``scaled_dot_product_attention``."""


def scaled_dot_product(given: Tokens, heads: Sequence[Projections]) -> Tensor:
    r"""One layer by :func:`torch.nn.functional.scaled_dot_product_attention`, X with what the heads add, in its shape.

    ``heads``: tensors of the type of X, as by ``stock_heads(d, gamma, alpha, tokens.X)``, W_Q and W_K (…, k, R), W_V (…, m, R), W_O (…, R, m), with a
    member for each of the batch or none; all of one k and one m. Raises ``ValueError`` for heads of another type or shape, R below 2d+3 or above E.
    """
    _check_heads(given, heads)
    R = heads[0].query.shape[-1]
    query, key, value, out = (torch.stack(torch.broadcast_tensors(*part), dim=-3) for part in zip(*heads))
    seen = given.X[..., None, :, :R]
    asked, keys, told = (seen @ part.mT for part in (query, key, value))
    shown = torch.stack(given.visible if given.attn_mask is not None else given.visible[:1], dim=-3).mT
    read = scaled_dot_product_attention(asked, keys, told, shown.expand(*asked.shape[:-1], asked.shape[-2]), scale=1.0)
    return given.X + pad((read @ out.mT).sum(-3), (0, given.X.shape[-1] - R))


def _check_heads(given: Tokens, heads: Sequence[Projections]) -> None:
    X, least = given.X, 2 * given.d + 3
    _check_masks(given, len(heads))
    parts = [part for head in heads for part in head]
    for part in parts:
        if not isinstance(part, Tensor) or part.dtype != X.dtype:
            raise ValueError(f"heads must be tensors of the tokens' type {X.dtype}, got {getattr(part, 'dtype', part)}")
    if any(part.ndim < 2 or part.shape[:-2] not in ((), X.shape[:-2]) for part in parts):
        shapes = [tuple(part.shape) for part in parts]
        raise ValueError(f"heads must have the tokens' batch {tuple(X.shape[:-2])}, or none, got shapes {shapes}")
    sizes = {
        (*head.query.shape[-2:], *head.key.shape[-2:], *head.value.shape[-2:], *head.out.shape[-2:]) for head in heads
    }
    k, R, *_, m = next(iter(sizes), (0,) * 8)
    if sizes != {(k, R, k, R, m, R, R, m)} or not least <= R <= X.shape[-1]:
        raise ValueError(
            f"heads must be of one k, R and m, {least} <= R <= {X.shape[-1]} for the tokens, got W_Q, W_K, W_V and W_O of {sorted(sizes)}"
        )


def one_layer(given: Tokens, module: Layer) -> Tokens:
    """The tokens after one layer: X + module(X, X, X) for attention, module(X) for an encoder layer, whose residual is inside.

    Where transitions terminated, head 0 is taken for the one that moves v; a module whose heads have changed places wants
    :func:`~icrl.stock.reading.suited` tokens.

    Raises ``ValueError`` when the module is of another width or type than the tokens, or, where transitions terminated, has not two heads.
    """
    if isinstance(module, (MultiheadAttention, TransformerEncoderLayer)):
        attention = module if isinstance(module, MultiheadAttention) else module.self_attn
        _check(given, attention)
        turned = given.X.ndim == 3 and not attention.batch_first
        X = given.X.transpose(0, 1) if turned else given.X
        if isinstance(module, MultiheadAttention):
            X = X + module(X, X, X, need_weights=False, **given.masks)[0]
        else:
            X = module(X, src_mask=given.attn_mask, src_key_padding_mask=given.key_padding_mask)
        return given.at(X.transpose(0, 1) if turned else X)
    if not isinstance(module, Sequence) or not all(isinstance(head, Projections) for head in module):
        raise ValueError(
            f"module must be a MultiheadAttention, a TransformerEncoderLayer or a sequence of Projections, got {type(module).__name__}"
        )
    return given.at(scaled_dot_product(given, module))


def _check(given: Tokens, module: MultiheadAttention) -> None:
    wanted = module.out_proj.weight
    if module.embed_dim != given.X.shape[-1]:
        raise ValueError(f"module must be of the tokens' width {given.X.shape[-1]}, got {module.embed_dim}")
    if wanted.dtype != given.X.dtype:
        raise ValueError(f"module must be of the tokens' type {given.X.dtype}, got {wanted.dtype}")
    _check_masks(given, module.num_heads)


def _check_masks(given: Tokens, heads: int) -> None:
    if given.attn_mask is not None and heads != 2:
        raise ValueError(f"module must have 2 heads where transitions terminated, got {heads}")


def _check_seen(given: Tokens) -> None:
    try:
        seen = all(bool(shown.any(dim=-2).all()) for shown in given.visible)
    except RuntimeError:  # inside torch.vmap, and where tensors have no memory, values cannot be read
        return
    if not seen:
        raise ValueError("tokens must let every token see a key in each head, got one that sees none")


def forward(module: Layer | Iterable[Layer], tokens: Tokens, depth: int | None = None) -> Iterator[Tokens]:
    """The tokens after 0, 1, 2, … layers, lazily, each of the shape of the first.

    ``module``: one layer, run ``depth`` times, or an iterable of them without ``depth``. After l layers of :func:`multihead_attention`
    ``tokens.values``, (N,) or (B, N), is v_l at the state that each transition leaves, and at each query.

    Raises ``ValueError`` as :func:`one_layer`, for a ``depth`` that is no number ≥ 0, for one layer without it, and where a token sees no
    key, of which PyTorch makes NaN or 0, as it takes one path or another.
    """
    _check_seen(tokens)
    if depth is None:
        if (
            not isinstance(module, Iterable)
            or isinstance(module, Sequence)
            and any(isinstance(each, Projections) for each in module)
        ):
            raise ValueError(f"depth must be given with one layer, got none for a {type(module).__name__}")
        layers: Iterable[Any] = module
    else:
        layers = repeat(module, integer("depth", depth, 0))
    return accumulate(layers, one_layer, initial=tokens)
