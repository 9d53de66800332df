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

Each kind has a module here, loaded when its first matrix comes, with an object ``operations`` whose methods are the functions
below for that kind; what the first three share is :class:`icrl.algebra.dense.Dense`.

Columns come in two groups, those from which a transition leaves (the sources) and the others, which only ask; a block matrix
knows of them no more than how many there are of each. Where a function takes ``n``, it is the number of transitions of one
trajectory that was cut, S_0 … S_n; of several trajectories it is, for each, a pair of the number of its transitions and
whether the last terminated (:class:`icrl.mrp.Context` has it as ``endings``); for symbolic sizes n is a symbol, or a pair of
symbols, sources and others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

from icrl.algebra.kinds import Matrix, kind, operations_on
from icrl.arrays import np

__all__ = [
    "Matrix",
    "Weights",
    "all_visible",
    "bands",
    "centring",
    "discounted_sum",
    "finite",
    "identity",
    "kind",
    "linear",
    "of_one_kind",
    "place",
    "scalar",
    "shift",
    "softmax",
    "sources",
    "sources_visible",
    "stack",
    "transpose",
    "true_exp",
    "zeros",
]

OF_ONE_KIND = {"Weights": "blocks", "true_exp": "entries"}
"""What is public in the module of one kind, loaded with it."""


def __getattr__(name: str) -> Any:
    if name not in OF_ONE_KIND:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{OF_ONE_KIND[name]}"), name)


def finite(name: str, X: Matrix) -> Matrix:
    """``X`` itself, of any shape; ``ValueError`` with ``name`` when it is an array or a tensor of floats with NaN or infinity in it."""
    if not operations_on(X, name).is_finite(X):
        raise ValueError(f"{name} must be finite, got NaN or infinity")
    return X


def of_one_kind(words: str, given: Mapping[str, Matrix]) -> None:
    """``ValueError``, with ``words`` for what is ``given``, unless all are matrices of one kind, whatever their shapes."""
    kinds = {name: kind(X, name) for name, X in given.items()}
    if len(set(kinds.values())) > 1:
        raise ValueError(f"{words} must be matrices of one kind, got {kinds}")


def transpose(X: Matrix) -> Matrix:
    """Xᵀ: the last two axes exchanged, (…, m, n) to (…, n, m); batch axes are left alone."""
    return operations_on(X).transpose(X)


def zeros(rows: Any, columns: Any, like: Matrix, batch: tuple[int, ...] = ()) -> Matrix:
    """A zero matrix, (…batch, rows, columns), of the kind, and the type of entry, of ``like``."""
    return operations_on(like).zeros(rows, columns, like, batch)


def identity(size: Any, like: Matrix) -> Matrix:
    """The identity, (size, size), of the kind, and the type of entry, of ``like``."""
    return operations_on(like).identity(size, like)


def scalar(c: Any, like: Matrix, name: str = "c") -> Matrix:
    """c as a 1×1 matrix of the kind of ``like``; an array of shape (batch…) gives one 1×1 matrix per member.

    Raises ``ValueError`` with ``name`` for a list, a tuple, text or a complex number, and for NaN or infinity in floats.
    """
    if isinstance(c, (list, tuple, str, complex)):
        raise ValueError(
            f"{name} must be a number or an array with one entry per batch member, got {c!r}; "
            "for step sizes that differ by layer make one Parameters a layer"
        )
    return finite(name, operations_on(like, "like").scalar(c, like))


def place(parts: Mapping[tuple[int, int], Matrix], rows: Sequence[Any], columns: Sequence[Any], like: Matrix) -> Matrix:
    """The matrix with block sizes ``rows`` × ``columns`` that holds ``parts[i, j]`` in block (i, j) and 0 elsewhere."""
    return operations_on(like).place(parts, rows, columns, like)


def stack(*parts: Matrix) -> Matrix:
    """The matrices (…, m_i, n) one above the other, (…, Σ m_i, n), as the rows of a prompt."""
    return operations_on(parts[0]).stack(parts)


def bands(X: Matrix, sizes: Sequence[Any]) -> list[Matrix]:
    """The rows of X, (…, m, n), in bands of these heights, from above, as views; of a block matrix, its rows of blocks."""
    return operations_on(X).bands(X, sizes)


def sources(n: Any, like: Matrix) -> Matrix:
    """The n×N matrix that puts a row of n entries, one a transition, into the columns that the transitions leave, and 0 into the others.

    N = n + 1 columns for one trajectory, n + m for m.
    """
    return operations_on(like).sources(n, like)


def shift(n: Any, like: Matrix) -> Matrix:
    r"""Π, N×N: :math:`(Y\Pi)_{\cdot j} = Y_{\cdot, j+1}` where a transition leaves column j and does not terminate; other columns of YΠ are 0.

    N = n + 1 columns for one trajectory, whose last column alone is 0; n + m for m trajectories. With symbolic sizes Π is known
    by its columns of 0 alone: the blocks :math:`N`, which moves sources onto sources, and :math:`p`, which moves the others onto
    sources, are opaque.
    """
    return operations_on(like).shift(n, like)


def discounted_sum(n: Any, decay: Any, like: Matrix) -> Matrix:
    r"""T, (n+1)×(n+1), with which :math:`(\delta T)_i = \sum_{i \le k < n} \vartheta^{k-i} \delta_k`, ϑ = ``decay``; the last column of δT is 0.

    The scan :math:`d_i = \delta_i + \vartheta d_{i+1}` from the last source backwards, :math:`d_n = 0`: :math:`T_{ki} = \vartheta^{k-i}` for
    :math:`i \le k < n`. With symbolic n its block on the sources is the opaque lower triangular matrix T. Raises ``ValueError``
    for a ``decay`` that is no single number.
    """
    if np.ndim(decay):
        raise ValueError(f"decay must be one number, got shape {np.shape(decay)}")
    return operations_on(like).discounted_sum(n, scalar(decay, like, "decay"), like)


def centring(n: Any, like: Matrix) -> Matrix:
    r"""C, (n+1)×(n+1), with which :math:`(RC)_k = R_k - \frac{1}{k+1} \sum_{i \le k} R_i` for k < n: less the running mean; the last column is 0.

    With symbolic n its block on the sources is the opaque matrix C.
    """
    return operations_on(like).centring(n, like)


def sources_visible(n: Any, like: Matrix) -> Any:
    """The mask of the construction: every key may be attended to but the last of each trajectory, from which no transition leaves.

    A Boolean array (N, 1), one row a key, to be read against scores with keys down and queries across; with symbolic
    sizes, one Boolean for each group of keys.
    """
    return operations_on(like).sources_visible(n)


def all_visible(n: Any, like: Matrix) -> Any:
    """No mask at all: the shape of :func:`sources_visible`, every key visible."""
    return operations_on(like).all_visible(n)


def softmax(scores: Matrix, visible: Any, exp: Callable[[Any], Any] | None = None) -> Matrix:
    r"""Softmax over each column, among the visible keys: :math:`K_{kj} = e^{S_{kj}} / \sum_{i\ \text{visible}} e^{S_{ij}}`.

    ``scores`` is (…, keys, queries). A hidden key gets exactly 0, and its score is never exponentiated. A column with no
    visible key is 0. Only floats are shifted by their maximum. ``exp`` replaces the exponential on object arrays (a
    positive rational function keeps ``Fraction``\ s exact). With symbolic sizes the result is opaque: see
    :class:`icrl.algebra.blocks.Weights`.

    Where many keys are alike, ``visible`` may say how often each one stands there, :math:`c_k \ge 0` in the place of a
    Boolean: :math:`K_{kj} = c_k e^{S_{kj}} / \sum_i c_i e^{S_{ij}}` is what all its copies get together.
    """
    return operations_on(scores).softmax(scores, visible, exp)


def linear(scores: Matrix, visible: Any) -> Matrix:
    r"""Linear attention's weights, keys down and queries across: the scores themselves, and 0 for every hidden key.

    The same arguments as :func:`softmax`, in whose place it stands, and its shape; nothing is normalised, and nothing is opaque.
    """
    return operations_on(scores).linear(scores, visible)
