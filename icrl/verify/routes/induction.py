"""Weighted softmax TD at symbolic sizes: the scores, the TD errors, one update, and the prompt that the theorem states."""

from __future__ import annotations

from sympy import BlockMatrix, Symbol, ZeroMatrix, block_collapse

from icrl.algebra import Weights, transpose
from icrl.verify.judging import blocks as sy

# Every size: one layer from an opaque prompt.

alpha = Symbol("alpha_l")


def scores() -> BlockMatrix:
    """g(S_j, S_k) = x(S_k)ᵀ A x(S_j), for all keys k and queries j: what the weights may depend on."""
    return block_collapse(transpose(sy.features) @ sy.A @ sy.features)


def next_values(v: BlockMatrix):
    """The values at S_1, …, S_n, read off a value row: its product with the shift, but for the last column."""
    sources, query = v.blocks.tolist()[0]
    return sources * sy.N + query * sy.p


def td_errors(v: BlockMatrix):
    """δ = R + γ v⁺ − v, the TD errors of the n transitions."""
    return sy.R + sy.gamma * next_values(v) - v.blocks[0, 0]


def increments(v: BlockMatrix) -> tuple:
    """What one update adds, from the definition: α δ K at the sources and at the query."""
    return tuple(
        alpha * td_errors(v) * Weights(name, sy.n, width, scores()) for name, width in (("K", sy.n), ("K_q", 1))
    )


def td_update(v: BlockMatrix) -> BlockMatrix:
    """One update of weighted softmax TD: v + α δ K."""
    return BlockMatrix([[old + added for old, added in zip(v.blocks.tolist()[0], increments(v))]])


def stated_prompt(v: BlockMatrix) -> BlockMatrix:
    """The four row statements of the theorem, for the value row v."""
    zero = ZeroMatrix(1, 1)
    return BlockMatrix([[sy.X, sy.x_q], [sy.R, zero], [sy.gamma * next_values(v), zero], v.blocks.tolist()[0]])
