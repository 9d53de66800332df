"""Linear algebra in floats for one matrix at a time: systems by elimination, spectra by mpmath."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from icrl.arrays.plain.core import array, array_of, ndarray
from icrl.arrays.plain.layout import as_axes
from icrl.arrays.plain.scalars import divide

EPS = 2.0**-52
"""The relative rounding of floats."""


class LinAlgError(ValueError):
    """A matrix that is not what the operation needs."""


def solve(a: Any, b: Any) -> ndarray:
    """The x with ax = b, a (n, n), b (n,) or (n, m): by elimination, the largest pivot first. ``LinAlgError`` for a singular a."""
    a, b = _square(a), _floats(b)
    size = len(a)
    if b.ndim not in (1, 2) or len(b) != size:
        raise ValueError(f"solve: shapes {a.shape} and {b.shape} do not fit")
    rows = [[*row, *more] for row, more in zip(a.tolist(), (b[:, None] if b.ndim == 1 else b).tolist())]
    for i in range(size):
        best = max(range(i, size), key=lambda k: abs(rows[k][i]))
        rows[i], rows[best] = rows[best], rows[i]
        if rows[i][i] == 0:
            raise LinAlgError("Singular matrix")
        for k in range(i + 1, size):
            if factor := rows[k][i] / rows[i][i]:
                rows[k] = [x - factor * y for x, y in zip(rows[k], rows[i])]
    x = [row[size:] for row in rows]
    for i in reversed(range(size)):
        for k in range(i + 1, size):
            x[i] = [p - rows[i][k] * q for p, q in zip(x[i], x[k])]
        x[i] = [p / rows[i][i] for p in x[i]]
    return array(x, float).reshape(b.shape)


def inv(a: Any) -> ndarray:
    """The inverse of a square matrix; ``LinAlgError`` for a singular one."""
    return solve(a, [[float(i == j) for j in range(len(a))] for i in range(len(a))])


def matrix_power(a: Any, n: int) -> ndarray:
    """aⁿ of a square matrix, n ≥ 0, by repeated squaring, and of the inverse for n < 0."""
    a = _square(a, numbers=False)
    if n < 0:
        return matrix_power(inv(a), -n)
    if n == 0:
        one = a.copy()
        one[...] = [[int(i == j) for j in range(len(a))] for i in range(len(a))]
        return one
    square: ndarray = a
    result: Any = None
    while n:
        n, bit = divmod(n, 2)
        if bit:
            result = square if result is None else result @ square
        square = square @ square if n else square
    return result


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """√Σx² along an axis or over all entries; for ``ord`` infinity the largest |x| of a vector, the largest row sum of |x| of a matrix."""
    size = abs(_floats(x))
    if ord is None:
        return size.reduced(lambda line: math.sqrt(math.fsum(entry * entry for entry in line)), axis, keepdims, "f")
    if ord != math.inf or keepdims:
        raise ModuleNotFoundError(f"the norm of order {ord} needs numpy", name="numpy")
    axes = as_axes(axis, size.ndim)
    return size.max(axis=axes) if len(axes) == 1 else size.sum(axis=axes[1]).max()


def eigvals(a: Any) -> ndarray:
    """The eigenvalues of a real matrix, in no order; complex only where some are, imaginary parts within rounding of 0 being 0."""
    found = list(map(complex, _mpmath(lambda mp, matrix: mp.eig(matrix)[0], _square(a))))
    least = EPS * max(map(abs, found), default=0.0)
    values = [value if abs(value.imag) > least else complex(value.real) for value in found]
    return array(values) if any(value.imag for value in values) else array([value.real for value in values], float)


def eigvalsh(a: Any) -> ndarray:
    """The eigenvalues of a symmetric matrix, in increasing order."""
    return array(sorted(map(float, _mpmath(lambda mp, matrix: mp.eigsy(matrix, eigvals_only=True), _square(a)))), float)


def svd(a: Any, compute_uv: bool = True) -> Any:
    """U, the singular values in decreasing order, and Vᵀ, with a = U diag(…) Vᵀ, or the values alone; U, V square only where a is."""
    if not compute_uv:
        return svd(a)[1]
    U, sizes, V = _mpmath(lambda mp, matrix: mp.svd_r(matrix), _floats(a))
    return array(U.tolist(), float), array(list(sizes), float), array(V.tolist(), float)


def cond(a: Any) -> float:
    """The largest singular value over the smallest."""
    sizes = svd(a)[1]
    return divide(sizes[0], sizes[-1])


def pinv(a: Any) -> ndarray:
    """The pseudoinverse of a matrix; singular values below 10⁻¹⁵ of the largest count as 0."""
    U, sizes, V = svd(a)
    return _inverted(U, sizes, V, 1e-15)


def lstsq(a: Any, b: Any, rcond: float | None = None) -> tuple[ndarray, ndarray, int, ndarray]:
    """The shortest of the x for which ‖ax − b‖ is least, the squared distance, the rank and the singular values."""
    a, (U, sizes, V) = array_of(a), svd(a)
    least = EPS * max(a.shape) if rcond is None else rcond
    rank, x = int((sizes > least * sizes[0]).sum()), _inverted(U, sizes, V, least) @ b
    squares = array_of((a @ x - b) ** 2).sum(axis=0)
    return x, array_of(squares).reshape(-1) if rank == a.shape[1] < a.shape[0] else array([], float), rank, sizes


def _inverted(U: ndarray, sizes: ndarray, V: ndarray, least: float) -> ndarray:
    inverse = [1 / size if size > least * sizes[0] else 0.0 for size in sizes]
    return (V.T * inverse) @ U.T


def _floats(a: Any) -> ndarray:
    """An array of floats; ``TypeError`` for objects, as with NumPy."""
    a = array_of(a)
    if a.dtype.kind in "cO":
        raise TypeError(f"linear algebra here is of floats, got {a.dtype}")
    return a.astype(float)


def _square(a: Any, numbers: bool = True) -> ndarray:
    a = _floats(a) if numbers else array_of(a)
    if a.ndim > 2:
        raise ModuleNotFoundError("linear algebra of many matrices at once needs numpy", name="numpy")
    if a.ndim != 2 or a.shape[0] != a.shape[1]:
        raise LinAlgError(f"the matrix must be square, got shape {a.shape}")
    return a


def _mpmath(f: Callable, a: ndarray) -> Any:
    """f of mpmath and of the matrix as its own, with a few bits to spare."""
    from mpmath import mp

    with mp.workprec(64):
        return f(mp, mp.matrix(a.tolist()))


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    raise ModuleNotFoundError(f"linalg.{name} needs numpy", name="numpy")
