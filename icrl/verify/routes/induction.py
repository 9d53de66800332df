"""Weighted softmax TD at symbolic sizes: the scores, the TD errors, one update, and the prompt that the theorem states.

How many columns no transition leaves is read off the value row.
"""

from __future__ import annotations

from typing import Any

from sympy import BlockMatrix, Symbol, ZeroMatrix, block_collapse

from icrl.algebra import Weights, transpose
from icrl.verify.judging import blocks as sy

# Every size: one layer from an opaque prompt.

alpha = Symbol("alpha_l")


def hidden_in(v: BlockMatrix):
    """How many columns of a value row no transition leaves."""
    return v.blocks[0, 1].shape[1]


def scores(hidden: Any = 1) -> BlockMatrix:
    """g(S_j, S_k) = x(S_k)ᵀ A x(S_j), for all keys k and queries j: what the weights may depend on."""
    features = sy.all_features(hidden)
    return block_collapse(transpose(features) @ sy.A @ features)


def weights(name: str, v: BlockMatrix) -> tuple[Weights, Weights]:
    """The weights of the sources, or what else comes under another name than K, in the columns of sources and in the others."""
    hidden = hidden_in(v)
    rows = {"K": lambda width: sy.n, "Lambda": lambda width: width, "kappa": lambda width: hidden}[name]
    return tuple(
        Weights(name + suffix, rows(width), width, scores(hidden)) for suffix, width in (("", sy.n), ("_q", hidden))
    )


def next_values(v: BlockMatrix):
    """The values at S'_0, S'_1, …, 0 where nothing follows, read off a value row: its product with the shift, in the sources' columns."""
    sources, query = v.blocks.tolist()[0]
    return sources * sy.N + query * sy.moved_from_last(hidden_in(v))


def td_errors(v: BlockMatrix):
    """δ = R + γ v⁺ − v, the TD errors of the n transitions."""
    return sy.R + sy.gamma * next_values(v) - v.blocks[0, 0]


def increments(v: BlockMatrix) -> tuple:
    """What one update adds, from the definition: α δ K at the sources and at the other columns."""
    return tuple(alpha * td_errors(v) * K for K in weights("K", v))


def td_update(v: BlockMatrix) -> BlockMatrix:
    """One update of weighted softmax TD: v + α δ K."""
    return BlockMatrix([[old + added for old, added in zip(v.blocks.tolist()[0], increments(v))]])


def stated_prompt(v: BlockMatrix) -> BlockMatrix:
    """The four row statements of the theorem, for the value row v."""
    hidden = hidden_in(v)
    zero = ZeroMatrix(1, hidden)
    return BlockMatrix(
        [[sy.X, sy.last_features(hidden)], [sy.R, zero], [sy.gamma * next_values(v), zero], v.blocks.tolist()[0]]
    )
