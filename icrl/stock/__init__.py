r"""Attention off the shelf: softmax TD in PyTorch's own ``nn.MultiheadAttention``, without a target-memory step.

Where a token holds both ends of its transition, two heads are enough: one asks with the state that the transition leaves, the
other with the state that it enters. :mod:`~icrl.stock.construction` says which two heads, for every kind of matrix, as one more value of
:class:`icrl.transformer.Parameters`; :mod:`~icrl.stock.modules` puts them into PyTorch's modules, and runs these. What is
public there is public here too; what needs torch is loaded when it is first asked for.

Ten lines, on a context (:class:`icrl.mrp.Context`) and features (S, d)::

    from icrl import stock

    tokens = stock.tokens(context, features, gamma)                     # (N, 2d+4), a transition each, and masks as PyTorch wants them
    mha = stock.multihead_attention(features.shape[1], gamma, alpha)    # a torch.nn.MultiheadAttention, loaded
    X = tokens.X
    for _ in range(depth):
        X = X + mha(X, X, X, **tokens.masks)[0]
    print(X[:, tokens.value_row])                                       # v_L at the state that each transition leaves

Source: found for this book.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from icrl.stock.construction import (
    Projections,
    TokenRows,
    context_tokens,
    parameters,
    stock_heads,
    token_matrix,
    token_rows,
    token_sizes,
    visible_keys,
    with_next_features,
)

if TYPE_CHECKING:
    from icrl.stock.encoder import encoder_layer, encoder_tokens, norm_error
    from icrl.stock.modules import (
        Tokens,
        batched,
        float_heads,
        forward,
        load,
        multihead_attention,
        one_layer,
        scaled_dot_product,
        tokens,
    )
    from icrl.stock.reading import Reading, read, reading_error, suited

ON_TORCH = {
    "icrl.stock.modules": (
        "Tokens",
        "batched",
        "float_heads",
        "forward",
        "load",
        "multihead_attention",
        "one_layer",
        "scaled_dot_product",
        "tokens",
    ),
    "icrl.stock.reading": ("Reading", "read", "reading_error", "suited"),
    "icrl.stock.encoder": ("encoder_layer", "encoder_tokens", "norm_error"),
}
"""What is public in the modules that need torch, loaded with them."""

__all__ = [
    "Projections",
    "Reading",
    "TokenRows",
    "Tokens",
    "batched",
    "context_tokens",
    "encoder_layer",
    "encoder_tokens",
    "float_heads",
    "forward",
    "load",
    "multihead_attention",
    "norm_error",
    "one_layer",
    "parameters",
    "read",
    "reading_error",
    "scaled_dot_product",
    "stock_heads",
    "suited",
    "token_matrix",
    "token_rows",
    "token_sizes",
    "tokens",
    "visible_keys",
    "with_next_features",
]


def __getattr__(name: str) -> Any:
    for module, names in ON_TORCH.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
