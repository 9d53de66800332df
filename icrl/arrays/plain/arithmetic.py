"""What arrays do entry by entry, and the matrix product: the operators of :class:`icrl.arrays.plain.core.ndarray`."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from icrl.arrays.plain.core import array_of, broadcast_to, in_lines, ndarray, unwrapped
from icrl.arrays.plain.dtypes import KINDS, highest
from icrl.arrays.plain.layout import broadcast_shapes
from icrl.arrays.plain.scalars import ARITHMETIC, COMPARISONS, INNER, PARTICULAR, REFUSED


def mapped(f: Callable, *operands: Any, kind: str | None = None) -> Any:
    """f of the entries of operands in one shape, each of the first kind that holds them all; entries of ``kind``, that one unless said.

    Without axes the result is the entry; but of an array of numbers an array, for NumPy's numbers have the methods of one.
    """
    arrays = list(map(array_of, operands))
    common, shape = KINDS[highest(a.dtype.kind for a in arrays)], broadcast_shapes(*(a.shape for a in arrays))
    columns = [broadcast_to(a, shape).entries() for a in arrays]
    columns = [column if a.dtype is common else common.entries(column) for a, column in zip(arrays, columns)]
    entries, to = list(map(f, *columns)), KINDS[kind] if kind else common
    alone = to.kind == "O" or not any(isinstance(x, ndarray) for x in operands)
    return unwrapped(entries, shape, to) if alone else ndarray(entries, shape, to)


def _without_imaginary(a: ndarray) -> str:
    return "f" if a.dtype.kind == "c" else a.dtype.kind


def negative(a: ndarray) -> Any:
    """−x; ``TypeError`` for Booleans."""
    if a.dtype.kind == "b":
        raise TypeError("the negative of Booleans is not supported, use ~")
    return mapped(operator.neg, a)


def absolute(a: Any) -> Any:
    """|x|."""
    a = array_of(a)
    return mapped(bool if a.dtype.kind == "b" else abs, a, kind=_without_imaginary(a))


def inverted(a: ndarray) -> Any:
    """Not x, of Booleans; the bits of integers turned; ``TypeError`` for floats."""
    if a.dtype.kind in "fc":
        raise TypeError(f"~ is not defined for entries of type {a.dtype}")
    return mapped(operator.not_ if a.dtype.kind == "b" else operator.invert, a)


def rounded(a: Any, decimals: int = 0) -> Any:
    """Floats rounded to so many decimals, ties to even."""
    scale = 10**decimals
    return mapped(lambda x: float(round(x * scale)) / scale if math.isfinite(x) else x, a)


def entrywise(name: str, x: Any, y: Any) -> Any:
    """An operation by its name in :mod:`operator`, on two operands in one shape."""
    x, y = array_of(x), array_of(y)
    kind = highest((x.dtype.kind, y.dtype.kind))
    if (name, kind) in REFUSED:
        raise TypeError(f"{name} is not defined for entries of type {KINDS[kind]}")
    f, result = PARTICULAR.get((name, kind)) or (getattr(operator, f"__{name}__"), kind)
    if name in COMPARISONS:
        f, result = (lambda a, b, f=f: bool(f(a, b))) if kind == "O" else f, "b"
    return mapped(f, x, y, kind=result)


def _method(name: str, turned: bool = False) -> Callable:
    def method(self: ndarray, other: Any) -> Any:
        return entrywise(name, other, self) if turned else entrywise(name, self, other)

    return method


def _in_place(name: str) -> Callable:
    def method(self: ndarray, other: Any) -> ndarray:
        result = array_of(entrywise(name, self, other))
        if highest((result.dtype.kind, self.dtype.kind)) != self.dtype.kind:
            raise TypeError(f"cannot write entries of {result.dtype} into an array of {self.dtype}")
        if result.shape != self.shape:
            raise ValueError(f"an array of shape {self.shape} cannot hold a result of shape {result.shape}")
        self[...] = result
        return self

    return method


def matmul(x: Any, y: Any) -> Any:
    """The matrix product over the last two axes, the others broadcast; a vector is a row on the left, a column on the right."""
    x, y = array_of(x), array_of(y)
    if not (x.shape and y.shape):
        raise ValueError("matmul: an operand has no axes")
    left, right = x[None] if x.ndim == 1 else x, y[:, None] if y.ndim == 1 else y
    if left.shape[-1] != right.shape[-2]:
        raise ValueError(f"matmul: shapes {x.shape} and {y.shape} do not fit")
    batch, (m, n), p = broadcast_shapes(left.shape[:-2], right.shape[:-2]), left.shape[-2:], right.shape[-1]
    to = KINDS[highest((x.dtype.kind, y.dtype.kind))]
    rows = in_lines(broadcast_to(left, (*batch, m, n)), 1)
    columns = in_lines(broadcast_to(right, (*batch, n, p)).swapaxes(-1, -2), 1)
    inner = INNER[to.kind]
    entries = [
        inner(row, column)
        for b in range(math.prod(batch))
        for row in rows[b * m : (b + 1) * m]
        for column in columns[b * p : (b + 1) * p]
    ]
    return unwrapped(entries, batch + (m,) * (x.ndim > 1) + (p,) * (y.ndim > 1), to)


for _name in (*ARITHMETIC, *COMPARISONS):
    setattr(ndarray, f"__{_name}__", _method(_name))
for _name in ARITHMETIC:
    setattr(ndarray, f"__r{_name}__", _method(_name, turned=True))
    setattr(ndarray, f"__i{_name}__", _in_place(_name))
ndarray.__neg__, ndarray.__abs__, ndarray.__invert__, ndarray.round = negative, absolute, inverted, rounded
ndarray.__pos__ = lambda a: mapped(operator.pos, a)
ndarray.__matmul__, ndarray.__rmatmul__ = matmul, lambda a, other: matmul(other, a)
ndarray.real = property(lambda a: mapped(lambda x: x.real, a, kind=_without_imaginary(a)))
ndarray.imag = property(lambda a: mapped(lambda x: x.imag, a, kind=_without_imaginary(a)))
