r"""The construction: a softmax-attention Transformer whose forward pass is weighted softmax TD.

Written once, with ``@``, ``+`` and the operations of :mod:`icrl.algebra`; floats, tensors, symbols, symbolic sizes,
rationals and Arb balls run through these very functions. Every piece is a value in :class:`Parameters`: to see what a
piece is for, put another in its place.

A layer costs O(nd(n + d)) operations and O(n²) memory: the weights and Π are dense (n+1)×(n+1) matrices.

Source: Xie, Liu, Chen, Liu, Chandra, Zhang 2026; the book's chapters "Attention, prompts and masks" and "Softmax
attention is weighted softmax TD".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import accumulate
from operator import add
from typing import Any

from icrl.algebra import Matrix, finite, identity, kind, place, scalar, shift, softmax, sources_visible, transpose
from icrl.prompt import FEATURES, REWARD, TARGET, VALUE, row_sizes

Normaliser = Callable[[Matrix, Any], Matrix]
"""Turns scores (keys × queries) and a mask into attention weights of the same shape."""


@dataclass(frozen=True)
class Parameters:
    r"""The pieces of one layer, each a matrix of one kind, sizes (d+3)×(d+3) or (n+1)×(n+1).

    ``A``: scores :math:`Z^\top A Z`; ``V``: what attention adds; ``visible``: the mask on keys; ``U``, ``W``, ``shift``:
    the target-memory step :math:`UY + WY\Pi`; ``normalise``: scores and mask to weights, softmax unless said; ``scan``:
    a matrix T along the columns through which the values are read, :math:`VZTK`; none unless said.
    """

    A: Matrix
    V: Matrix
    visible: Any
    U: Matrix
    W: Matrix
    shift: Matrix
    normalise: Normaliser = softmax
    scan: Matrix | None = None


Layer = Callable[[Matrix, Parameters], Matrix]


def weights(Z: Matrix, p: Parameters) -> Matrix:
    r"""The attention weights :math:`K = \mathrm{softmax}(Z^\top A Z)`, keys down, queries across."""
    return p.normalise(transpose(Z) @ p.A @ Z, p.visible)


def head(Z: Matrix, p: Parameters) -> Matrix:
    r"""What one head adds: :math:`VZK`, or :math:`VZTK` with a scan; ``ValueError`` when ``p`` is of another d or n."""
    _check_sizes(Z, p)
    return scanned(p.V @ Z, p) @ weights(Z, p)


def scanned(values: Matrix, p: Parameters) -> Matrix:
    """The values as attention reads them: T applied along the columns, where there is a scan."""
    return values if p.scan is None else values @ p.scan


def attention(Z: Matrix, p: Parameters) -> Matrix:
    r"""Softmax attention with its residual connection: :math:`Z + VZK`."""
    return Z + head(Z, p)


def multi_head_attention(Z: Matrix, heads: Sequence[Parameters]) -> Matrix:
    r"""Several heads side by side: :math:`Z + \sum_h V_h Z K_h`."""
    return reduce(add, (head(Z, p) for p in heads), Z)


def target_memory(Y: Matrix, p: Parameters) -> Matrix:
    r"""The target-memory step, parameter-free: :math:`UY + WY\Pi` writes γ times the shifted value row into the target row."""
    return p.U @ Y + p.W @ Y @ p.shift


def layer(Z: Matrix, p: Parameters) -> Matrix:
    """One layer: attention, then the target-memory step; ``ValueError`` when ``p`` is of another d or n than Z."""
    return target_memory(attention(Z, p), p)


def multi_head_layer(Z: Matrix, heads: Sequence[Parameters]) -> Matrix:
    """One layer of several heads: their attention, then the target-memory step of the first."""
    return target_memory(multi_head_attention(Z, heads), heads[0])


def dual_head_layer(Z: Matrix, p: Parameters) -> Matrix:
    r"""One layer with two heads and no target-memory step: :math:`Z + VZK + W(VZK)\Pi`.

    The second head carries what the first adds to the values, times γ and shifted, into the target row.
    """
    added = head(Z, p)
    return Z + added + p.W @ added @ p.shift


def transformer(Z: Matrix, layers: Iterable[Parameters], step: Layer = layer) -> Iterator[Matrix]:
    """The prompt after 0, 1, 2, … layers, lazily: ``[p] * depth`` ties the parameters, any other iterable does not."""
    if not isinstance(layers, Iterable):
        raise ValueError(f"layers must be an iterable of Parameters: [p] * depth, got {type(layers).__name__}")
    return accumulate(layers, step, initial=Z)


def _check_sizes(Z: Matrix, p: Parameters) -> None:
    """Raise ``ValueError`` unless Z has the d of ``p.A`` and the n of ``p.shift``; block sizes are SymPy's to compare."""
    if kind(Z, "Z") != "blocks" and tuple(Z.shape[-2:]) != (p.A.shape[-1], p.shift.shape[-1]):
        A, shift = tuple(p.A.shape), tuple(p.shift.shape)
        raise ValueError(
            f"Z must have the sizes of the parameters, A {A} and shift {shift}, got shape {tuple(Z.shape)}"
        )


def softmax_td_parameters(
    d: Any, n: Any, gamma: Any, alpha: Any, like: Matrix, A: Matrix | None = None, normalise: Normaliser = softmax
) -> Parameters:
    r"""The parameters with which one layer is one update of weighted softmax TD.

    :math:`A` has the d×d block ``A`` (default :math:`I_d`) on the features and 0 elsewhere; :math:`V` has the one row
    :math:`(0, \dots, 0, \alpha, \alpha, -\alpha)`, its last; the query column's key is hidden;
    :math:`U = I - e_t e_t^\top`, :math:`W = \gamma e_t e_v^\top` with t the target row and v the value row.

    d, n: sizes, numbers or SymPy symbols; gamma and alpha: scalars, or arrays with one per batch member, whose batch
    axes may be axes that the prompt lacks and the result then has; like: a matrix of the kind wanted, such as the prompt
    itself. γ is not held to [0, 1): that a layer is an update is algebra, true for every γ.

    Tied depth: ``transformer(Z, [softmax_td_parameters(d, n, gamma, alpha, Z)] * depth)``. A step size a layer:
    ``transformer(Z, [softmax_td_parameters(d, n, gamma, alpha, Z) for alpha in alphas])``.

    Raises ``ValueError`` when ``A`` is not d×d or not of the kind of ``like``, when gamma or alpha is a list or a tuple,
    and for NaN or infinity in gamma, alpha or ``A`` of floats.
    """
    if A is not None and (kind(A, "A"), tuple(A.shape[-2:])) != (kind(like, "like"), (d, d)):
        raise ValueError(
            f"A must be d×d with d = {d} and of the kind {kind(like)}, got kind {kind(A)}, shape {tuple(A.shape)}"
        )

    def on_rows(parts):
        return place(parts, row_sizes(d), row_sizes(d), like)

    one, step = scalar(1, like), scalar(alpha, like, "alpha")
    return Parameters(
        A=on_rows({(FEATURES, FEATURES): identity(d, like) if A is None else finite("A", A)}),
        V=on_rows({(VALUE, REWARD): step, (VALUE, TARGET): step, (VALUE, VALUE): -step}),
        visible=sources_visible(n, like),
        U=on_rows({(FEATURES, FEATURES): identity(d, like), (REWARD, REWARD): one, (VALUE, VALUE): one}),
        W=on_rows({(TARGET, VALUE): scalar(gamma, like, "gamma")}),
        shift=shift(n, like),
        normalise=normalise,
    )
