r"""One set of matrix operations for every kind of matrix the construction is run on.

The prompt, the attention and the Transformer are written with ``@``, ``+`` and the functions below, and nothing else.
Four kinds of matrix answer them:

============  =============================================  =========================================================
kind          a matrix is                                    used for
============  =============================================  =========================================================
``float``     a NumPy array of floats, any batch axes        numeric checks, fast runs
``tensor``    a torch tensor of floats, any batch axes       batches, autograd, pretraining
``entries``   a NumPy object array of SymPy expressions,     exact and certified checks at a stated size
              ``Fraction``\ s or Arb balls
``blocks``    a SymPy block matrix with symbolic sizes       derivations for every n and d
============  =============================================  =========================================================

Columns come in two groups, the n sources and the one query column, and that is all that a block matrix knows of them.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, repeat
from operator import mul
from typing import Any

import numpy as np
from sympy import Basic, BlockMatrix, Identity, MatrixSymbol, Symbol, ZeroMatrix, block_collapse, sympify
from sympy import exp as sympy_exp
from sympy.core.symbol import Str
from sympy.matrices.expressions.matexpr import MatrixExpr

Matrix = Any
"""A matrix of any of the four kinds."""


def kind(X: Matrix, name: str = "matrix") -> str:
    """The kind of matrix ``X`` is: ``float``, ``tensor``, ``entries`` or ``blocks``.

    Raises ``ValueError`` with ``name`` for anything else, and for an array or a tensor of integers, Booleans, complex
    numbers or text, into which a γ of 0.9 would go as 0.
    """
    torch = sys.modules.get("torch")  # whoever holds a tensor has imported torch
    if isinstance(X, MatrixExpr):
        return "blocks"
    if isinstance(X, np.ndarray):
        found = {"O": "entries", "f": "float"}.get(X.dtype.kind)
    elif torch is not None and isinstance(X, torch.Tensor):
        found = "tensor" if X.is_floating_point() else None
    else:
        raise ValueError(
            f"{name} must be a NumPy array, a torch tensor or a SymPy matrix expression, got {type(X).__name__}"
        )
    if found is None:
        raise ValueError(f"{name} must be floating point, got {X.dtype}")
    return found


def finite(name: str, X: Matrix) -> Matrix:
    """``X`` itself; ``ValueError`` with ``name`` when it is an array or a tensor of floats with NaN or infinity in it."""
    match kind(X, name):
        case "float":
            ok = np.isfinite(X).all()
        case "tensor":
            ok = _tensor_is_finite(X)
        case _:
            ok = True
    if not ok:
        raise ValueError(f"{name} must be finite, got NaN or infinity")
    return X


def _tensor_is_finite(X: Matrix) -> bool:
    try:
        return bool(X.isfinite().all())
    except RuntimeError:  # inside torch.vmap a tensor's values cannot be read
        return True


def transpose(X: Matrix) -> Matrix:
    """Xᵀ: the last two axes exchanged, batch axes left alone."""
    return block_collapse(X.T) if kind(X) == "blocks" else X.swapaxes(-1, -2)


def zeros(rows: Any, columns: Any, like: Matrix, batch: tuple[int, ...] = ()) -> Matrix:
    """A zero matrix of the kind, and the type of entry, of ``like``."""
    match kind(like):
        case "blocks":
            return ZeroMatrix(rows, columns)
        case "tensor":
            return like.new_zeros((*batch, rows, columns))
        case "float":
            return np.zeros((*batch, rows, columns), like.dtype)
        case _:
            filled = np.empty((rows, columns), object)
            filled[...] = _zero(like)
            return filled


def identity(size: Any, like: Matrix) -> Matrix:
    """The identity of the kind, and the type of entry, of ``like``."""
    match kind(like):
        case "blocks":
            return Identity(size)
        case "tensor":
            return sys.modules["torch"].eye(size, dtype=like.dtype, device=like.device)
        case "float":
            return np.eye(size, dtype=like.dtype)
        case _:
            eye = zeros(size, size, like)
            np.fill_diagonal(eye, _zero(like) + 1)
            return eye


def scalar(c: Any, like: Matrix, name: str = "c") -> Matrix:
    """c as a 1×1 matrix of the kind of ``like``; an array of shape (batch…) gives one 1×1 matrix per member.

    Raises ``ValueError`` with ``name`` for a list, a tuple, text or a complex number, and for NaN or infinity in floats.
    """
    if isinstance(c, (list, tuple, str, complex)):
        raise ValueError(
            f"{name} must be a number or an array with one entry per batch member, got {c!r}; for step sizes that differ by layer make one Parameters a layer"
        )
    match kind(like, "like"):
        case "blocks":
            return sympify(c) * Identity(1)
        case "entries":
            return np.array([[c]], object)
        case "float":
            return finite(name, np.asarray(c, like.dtype)[..., None, None])
        case _:
            return finite(
                name, sys.modules["torch"].as_tensor(c, dtype=like.dtype, device=like.device)[..., None, None]
            )


def place(parts: Mapping[tuple[int, int], Matrix], rows: Sequence[Any], columns: Sequence[Any], like: Matrix) -> Matrix:
    """The matrix with block sizes ``rows`` × ``columns`` that holds ``parts[i, j]`` in block (i, j) and 0 elsewhere."""
    if kind(like) == "blocks":
        return BlockMatrix(
            [[parts.get((i, j), ZeroMatrix(r, c)) for j, c in enumerate(columns)] for i, r in enumerate(rows)]
        )
    batch = np.broadcast_shapes(*(part.shape[:-2] for part in parts.values()))
    whole = zeros(sum(rows), sum(columns), like, batch)
    for (i, j), part in parts.items():
        top, left = sum(rows[:i]), sum(columns[:j])
        whole[..., top : top + rows[i], left : left + columns[j]] = part
    return whole


def stack(*parts: Matrix) -> Matrix:
    """The matrices one above the other, as the rows of a prompt."""
    match kind(parts[0]):
        case "blocks":
            return BlockMatrix(
                [
                    row
                    for part in parts
                    for row in (part if isinstance(part, BlockMatrix) else block_collapse(part)).blocks.tolist()
                ]
            )
        case "tensor":
            batch = np.broadcast_shapes(*(part.shape[:-2] for part in parts))
            return sys.modules["torch"].cat([part.expand(*batch, *part.shape[-2:]) for part in parts], dim=-2)
        case _:
            batch = np.broadcast_shapes(*(part.shape[:-2] for part in parts))
            return np.concatenate([np.broadcast_to(part, (*batch, *part.shape[-2:])) for part in parts], axis=-2)


def shift(n: Any, like: Matrix) -> Matrix:
    r"""Π, (n+1)×(n+1): :math:`(Y\Pi)_{\cdot j} = Y_{\cdot, j+1}`, and the last column of YΠ is 0.

    With symbolic n, Π is known by its last column alone: the block :math:`N` that moves sources onto sources and the
    row :math:`p` that moves the query onto the last source are opaque.
    """
    if kind(like) == "blocks":
        parts = {(0, 0): MatrixSymbol("N", n, n), (1, 0): MatrixSymbol("p", 1, n)}
        return place(parts, (n, 1), (n, 1), like)
    return place({(1, 0): identity(n, like)}, (1, n), (n, 1), like)


def discounted_sum(n: Any, decay: Any, like: Matrix) -> Matrix:
    r"""T, (n+1)×(n+1), with which :math:`(\delta T)_i = \sum_{i \le k < n} \vartheta^{k-i} \delta_k`, ϑ = ``decay``; the last column of δT is 0.

    The scan :math:`d_i = \delta_i + \vartheta d_{i+1}` from the last source backwards, :math:`d_n = 0`: :math:`T_{ki} = \vartheta^{k-i}` for
    :math:`i \le k < n`. With symbolic n its block on the sources is the opaque lower triangular matrix T. Raises ``ValueError``
    for a ``decay`` that is no single number.
    """
    if np.ndim(decay):
        raise ValueError(f"decay must be one number, got shape {np.shape(decay)}")
    if kind(like) == "blocks":
        return place({(0, 0): MatrixSymbol("T", n, n)}, (n, 1), (n, 1), like)
    powers = accumulate(repeat(scalar(decay, like, "decay")[..., 0, 0], n - 1), mul, initial=identity(1, like)[0, 0])
    T = zeros(n + 1, n + 1, like)
    for lag, power in enumerate(powers):
        for i in range(n - lag):
            T[i + lag, i] = power
    return T


def centring(n: Any, like: Matrix) -> Matrix:
    r"""C, (n+1)×(n+1), with which :math:`(RC)_k = R_k - \frac{1}{k+1} \sum_{i \le k} R_i` for k < n: less the running mean; the last column is 0.

    With symbolic n its block on the sources is the opaque matrix C.
    """
    if kind(like) == "blocks":
        return place({(0, 0): MatrixSymbol("C", n, n)}, (n, 1), (n, 1), like)
    C = zeros(n + 1, n + 1, like)
    one = identity(1, like)[0, 0]
    for k in range(n):
        C[: k + 1, k] = C[: k + 1, k] - one / (k + 1)
        C[k, k] = C[k, k] + one
    return C


def sources_visible(n: Any, like: Matrix) -> Any:
    """The mask of the construction: every key may be attended to but the last, the query column's.

    A Boolean array (n+1, 1), one row a key, to be read against scores with keys down and queries across; with symbolic
    n, one Boolean for each group of keys.
    """
    return (True, False) if kind(like) == "blocks" else np.arange(n + 1)[:, None] < n


def all_visible(n: Any, like: Matrix) -> Any:
    """No mask at all: the shape of :func:`sources_visible`, every key visible."""
    return (True, True) if kind(like) == "blocks" else np.ones((n + 1, 1), bool)


def softmax(scores: Matrix, visible: Any, exp: Callable[[Any], Any] | None = None) -> Matrix:
    r"""Softmax over each column, among the visible keys: :math:`K_{kj} = e^{S_{kj}} / \sum_{i\ \text{visible}} e^{S_{ij}}`.

    ``scores`` is (…, keys, queries). A hidden key gets exactly 0, and its score is never exponentiated. A column with no
    visible key is 0. Only floats are shifted by their maximum. ``exp`` replaces the exponential on object arrays (a
    positive rational function keeps ``Fraction``\ s exact). With symbolic sizes the result is opaque: see
    :class:`Weights`.

    Where many keys are alike, ``visible`` may say how often each one stands there, :math:`c_k \ge 0` in the place of a
    Boolean: :math:`K_{kj} = c_k e^{S_{kj}} / \sum_i c_i e^{S_{ij}}` is what all its copies get together.
    """
    match kind(scores):
        case "blocks":
            return _opaque_softmax(block_collapse(scores), visible)
        case "entries":
            return _entry_softmax(scores, np.broadcast_to(visible, scores.shape), exp or true_exp)
        case "tensor":
            return _tensor_softmax(scores, visible)
        case _:
            return _float_softmax(scores, visible)


def linear(scores: Matrix, visible: Any) -> Matrix:
    r"""Linear attention's weights, keys down and queries across: the scores themselves, and 0 for every hidden key.

    The same arguments as :func:`softmax`, in whose place it stands; nothing is normalised, and nothing is opaque.
    """
    match kind(scores):
        case "blocks":
            blocks = block_collapse(scores).blocks.tolist()
            return BlockMatrix(
                [
                    row if shown else [ZeroMatrix(*block.shape) for block in row]
                    for row, shown in zip(blocks, visible, strict=True)
                ]
            )
        case "entries":
            return np.where(visible, scores, zeros(*scores.shape, scores))
        case "tensor":
            torch = sys.modules["torch"]
            return torch.where(torch.asarray(visible, device=scores.device), scores, 0.0)
        case _:
            return np.where(visible, scores, 0.0)


class Weights(MatrixExpr):
    """An opaque matrix that depends on the scores and on nothing else: two are equal when name, shape and scores are.

    Softmax with symbolic sizes is written with these. ``K`` holds the weights of the sources when the query key is
    hidden; when it is visible it takes the share ``kappa`` of each column, and ``Lambda`` = diag(1 − kappa) is what it
    leaves to the sources. Nothing here knows which axis is normalised, or that the function is an exponential.
    """

    def __new__(cls, name: str, rows: Any, columns: Any, scores: MatrixExpr):
        return super().__new__(cls, Str(str(name)), sympify(rows), sympify(columns), scores)

    name = property(lambda self: self.args[0].name)
    shape = property(lambda self: (self.args[1], self.args[2]))

    def _entry(self, i, j, **_):
        return MatrixSymbol(self.name, *self.shape)[i, j]

    def _sympystr(self, printer):
        return self.name

    def _latex(self, printer, **_):
        return printer._print(Symbol(self.name))


def _opaque_softmax(scores: BlockMatrix, visible: tuple[bool, bool]) -> BlockMatrix:
    n, q = scores.rowblocksizes
    K = [Weights(name, n, width, scores) for name, width in (("K", n), ("K_q", q))]
    if visible == (True, False):
        return BlockMatrix([K, [ZeroMatrix(q, n), ZeroMatrix(q, q)]])
    if visible != (True, True):
        raise ValueError(f"visible must be (True, False) or (True, True) for symbolic sizes, got {visible}")
    left = [Weights(name, width, width, scores) for name, width in (("Lambda", n), ("Lambda_q", q))]
    leak = [Weights(name, q, width, scores) for name, width in (("kappa", n), ("kappa_q", q))]
    return BlockMatrix([[K[0] * left[0], K[1] * left[1]], leak])


def _entry_softmax(scores: np.ndarray, visible: np.ndarray, exp: Callable[[Any], Any]) -> np.ndarray:
    weights, copies = zeros(*scores.shape, scores), (1 * visible).astype(object)
    for j in range(scores.shape[1]):
        keys = np.flatnonzero(visible[:, j])
        powers = [copies[k, j] * exp(scores[k, j]) for k in keys]
        total = sum(powers)
        for k, power in zip(keys, powers):
            weights[k, j] = power / total
    return weights


def _float_softmax(scores: np.ndarray, visible: Any) -> np.ndarray:
    shown = np.asarray(visible) > 0
    top = np.max(scores, axis=-2, keepdims=True, where=shown, initial=-math.inf)
    powers = np.where(shown, np.exp(np.where(shown, scores - top, 0.0)), 0.0) * visible
    total = powers.sum(axis=-2, keepdims=True)
    return powers / np.where(total > 0, total, 1.0)


def _tensor_softmax(scores: Matrix, visible: Any) -> Matrix:
    """torch's own softmax, of the scores plus log c; a column with no visible key goes through it as if all were visible."""
    torch = sys.modules["torch"]
    copies = torch.as_tensor(visible, device=scores.device).to(scores.dtype)
    shown = copies > 0
    some = shown.any(dim=-2, keepdim=True)
    counted = scores + torch.where(shown, copies, 1.0).log()
    return torch.softmax(counted.masked_fill(~shown & some, -math.inf), dim=-2) * some


def true_exp(x: Any) -> Any:
    """The exponential of an entry that has one: a SymPy expression or an Arb ball; ``ValueError`` for others."""
    if isinstance(x, Basic):
        return sympy_exp(x)
    if not hasattr(x, "exp"):
        raise ValueError(
            f"exp of a {type(x).__name__} entry is not exact: pass a stand-in, such as exp=lambda t: 1 + t * t"
        )
    return x.exp()


def _zero(like: np.ndarray) -> Any:
    return like.flat[0] * 0
