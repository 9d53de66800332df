r"""The construction: a softmax-attention Transformer whose forward pass is weighted softmax TD.

Written once, with ``@``, ``+`` and the operations of :mod:`icrl.algebra`; floats, tensors, symbols, symbolic sizes,
rationals and Arb balls run through these very functions. A layer is a value, :class:`Parameters`: its heads and its memory
step. The layer with two heads, the siblings, linear attention and attention off the shelf
(:mod:`icrl.stock`) are other values, run by the same functions.

A layer costs O(nd(n + d)) operations and O(n²) memory: the weights and Π are dense N×N matrices, N = n + 1 columns for
one trajectory of n transitions and n + m for m of them.

Source: Xie, Liu, Chen, Liu, Chandra, Zhang 2026; the book's chapters "Attention, prompts and masks" and "Softmax
attention is weighted softmax TD".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import reduce
from itertools import accumulate
from operator import add
from typing import Any

from icrl.algebra import Matrix, finite, identity, kind, place, scalar, shift, softmax, sources_visible, transpose
from icrl.prompt import FEATURES, REWARD, TARGET, VALUE, row_sizes

Normaliser = Callable[[Matrix, Any], Matrix]
"""Turns scores (keys × queries) and a mask into attention weights of the same shape."""


@dataclass(frozen=True)
class Head:
    r"""One attention head, its pieces of one kind of matrix.

    ``A``, ``V``, R×R for a prompt of R rows, d+3 in the paper's: scores :math:`Z^\top A Z`, values :math:`VZ`; ``visible``: the mask on keys, N×1, or
    N×N, keys down, where it depends on the query; ``normalise``: scores and mask to weights, softmax unless said;
    ``scan``: a matrix T along the columns, N×N, through which the values are read, :math:`VZTK`; none unless said.
    """

    A: Matrix
    V: Matrix
    visible: Any
    normalise: Normaliser = softmax
    scan: Matrix | None = None


@dataclass(frozen=True)
class TargetMemory:
    r"""The target-memory step, parameter-free: :math:`Y \mapsto UY + WY\Pi` writes γ times the shifted value row into the target row.

    ``U``, ``W``: (d+3)×(d+3); ``shift``, Π: N×N.
    """

    U: Matrix
    W: Matrix
    shift: Matrix

    def __call__(self, Y: Matrix) -> Matrix:
        """Y with the target row written anew; ``ValueError`` when a piece is of another d or n than Y."""
        if kind(Y, "Y") != "blocks":
            rows, columns = Y.shape[-2:]
            _check_shapes(Y, U=(self.U, rows, rows), W=(self.W, rows, rows), shift=(self.shift, columns, columns))
        return self.U @ Y + self.W @ Y @ self.shift


Memory = Callable[[Matrix], Matrix]
"""What a layer does after attention: any function of the new matrix."""


@dataclass(frozen=True)
class Parameters:
    """The pieces of one layer: its attention heads, and the memory step after them, if there is one.

    To see what a piece is for, put another in its place: :meth:`with_head`, :meth:`with_memory`.
    """

    heads: tuple[Head, ...]
    memory: Memory | None = None

    @property
    def head(self) -> Head:
        """The only head; ``ValueError`` where there are several."""
        if len(self.heads) != 1:
            raise ValueError(f"heads must be one to speak of the head, got {len(self.heads)}")
        return self.heads[0]

    @property
    def target_memory(self) -> TargetMemory:
        """The memory step, where it is a :class:`TargetMemory`; ``ValueError`` where it is another, or there is none."""
        if not isinstance(self.memory, TargetMemory):
            raise ValueError(f"memory must be a TargetMemory to have U, W and shift, got {self.memory!r}")
        return self.memory

    def with_head(self, index: int = 0, **pieces: Any) -> Parameters:
        """The layer with other pieces in one head, the first unless said: ``p.with_head(visible=mask)``."""
        heads = list(self.heads)
        heads[index] = replace(heads[index], **pieces)
        return replace(self, heads=tuple(heads))

    def with_memory(self, **pieces: Any) -> Parameters:
        """The layer with other pieces in its target memory: ``p.with_memory(shift=Pi)``; ``ValueError`` as :attr:`target_memory`."""
        return replace(self, memory=replace(self.target_memory, **pieces))


Layer = Callable[[Matrix, Parameters], Matrix]
"""What a layer does: :func:`layer`, or a reader's own."""


def weights(Z: Matrix, h: Head) -> Matrix:
    r"""The attention weights :math:`K = \mathrm{softmax}(Z^\top A Z)`, (…, N, N), keys down, queries across."""
    return h.normalise(transpose(Z) @ h.A @ Z, h.visible)


def values(Z: Matrix, h: Head) -> Matrix:
    r"""The values as attention reads them, (…, R, N): :math:`VZ`, or :math:`VZT` with a scan."""
    return h.V @ Z if h.scan is None else h.V @ Z @ h.scan


def added(Z: Matrix, h: Head) -> Matrix:
    r"""What one head adds, in the shape of Z: :math:`VZK`, or :math:`VZTK` with a scan; ``ValueError`` when the head is of another d or n."""
    if kind(Z, "Z") != "blocks":  # block sizes are SymPy's to compare
        _check_head(Z, h)
    return values(Z, h) @ weights(Z, h)


def attention(Z: Matrix, p: Parameters) -> Matrix:
    r"""Attention with its residual connection, in the shape of Z, the heads side by side: :math:`Z + \sum_h V_h Z K_h`."""
    return reduce(add, (added(Z, h) for h in p.heads), Z)


def layer(Z: Matrix, p: Parameters) -> Matrix:
    """One layer, in the shape of Z: attention, then the memory step, if there is one.

    Raises ``ValueError`` when a piece is of another d or n than Z.
    """
    Y = attention(Z, p)
    return Y if p.memory is None else p.memory(Y)


def transformer(Z: Matrix, layers: Iterable[Parameters], step: Layer = layer) -> Iterator[Matrix]:
    """The prompt, (…, R, N), after 0, 1, 2, … layers, lazily: ``[p] * depth`` ties the parameters, any other iterable does not.

    ``step`` is what a layer does, :func:`layer` unless it is a reader's own.
    """
    if not isinstance(layers, Iterable):
        raise ValueError(f"layers must be an iterable of Parameters: [p] * depth, got {type(layers).__name__}")
    return accumulate(layers, step, initial=Z)


def _check_head(Z: Matrix, h: Head) -> None:
    """Raise ``ValueError`` unless the head's pieces have the kind of Z and the sizes that Z asks for."""
    rows, columns = Z.shape[-2:]
    _check_shapes(Z, A=(h.A, rows, rows), V=(h.V, rows, rows))
    if h.scan is not None:
        _check_shapes(Z, scan=(h.scan, columns, columns))
    shape = tuple(getattr(h.visible, "shape", ()))
    if len(shape) < 2 or shape[-2] != columns or shape[-1] not in (1, columns):
        raise ValueError(
            f"visible must have shape (…, {columns}, 1) or (…, {columns}, {columns}) for Z of shape {tuple(Z.shape)}, got {shape or type(h.visible).__name__}"
        )


def _check_shapes(Z: Matrix, **pieces: tuple[Matrix, int, int]) -> None:
    """Raise ``ValueError`` with the name of the first piece that is of another kind than Z, or not of the size given with it."""
    for name, (X, rows, columns) in pieces.items():
        if kind(X, name) != kind(Z):
            raise ValueError(f"{name} must be of the kind of Z, {kind(Z)}, got {kind(X)}")
        if tuple(X.shape[-2:]) != (rows, columns):
            raise ValueError(
                f"{name} must have shape (…, {rows}, {columns}) for Z of shape {tuple(Z.shape)}, got {tuple(X.shape)}"
            )


def in_two_heads(p: Parameters) -> Parameters:
    r"""The same layer with a second head in the place of the target-memory step: :math:`Z + VZK + W(VZK)\Pi`.

    The second head, with value matrix :math:`WV` and weights :math:`K\Pi`, carries what the first adds to the values,
    times γ and shifted, into the target row. ``p``: one head and a :class:`TargetMemory`.
    """
    first, memory = p.head, p.target_memory
    shifted = lambda scores, visible: first.normalise(scores, visible) @ memory.shift
    return Parameters((first, replace(first, V=memory.W @ first.V, normalise=shifted)))


def softmax_td_parameters(
    d: Any, n: Any, gamma: Any, alpha: Any, like: Matrix, A: Matrix | None = None, normalise: Normaliser = softmax
) -> Parameters:
    r"""The parameters with which one layer is one update of weighted softmax TD.

    :math:`A` has the d×d block ``A`` (default :math:`I_d`) on the features and 0 elsewhere; :math:`V` has the one row
    :math:`(0, \dots, 0, \alpha, \alpha, -\alpha)`, its last; the query column's key is hidden;
    :math:`U = I - e_t e_t^\top`, :math:`W = \gamma e_t e_v^\top` with t the target row and v the value row.

    d: the number of features; n: that of transitions, or the endings of several trajectories; or SymPy symbols (see
    :mod:`icrl.algebra`). The last column of each trajectory is a query and its key hidden, and Π has a gap where a transition
    terminates, so that nothing is bootstrapped there. gamma and alpha: scalars, or arrays with one per batch member, whose batch
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
    head = Head(
        A=on_rows({(FEATURES, FEATURES): identity(d, like) if A is None else finite("A", A)}),
        V=on_rows({(VALUE, REWARD): step, (VALUE, TARGET): step, (VALUE, VALUE): -step}),
        visible=sources_visible(n, like),
        normalise=normalise,
    )
    memory = TargetMemory(
        U=on_rows({(FEATURES, FEATURES): identity(d, like), (REWARD, REWARD): one, (VALUE, VALUE): one}),
        W=on_rows({(TARGET, VALUE): scalar(gamma, like, "gamma")}),
        shift=shift(n, like),
    )
    return Parameters((head,), memory)
