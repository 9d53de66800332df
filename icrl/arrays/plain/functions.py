"""Functions of the entries of arrays, one by one, in pairs and all together."""

from __future__ import annotations

import cmath
import math
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from icrl.arrays.plain.arithmetic import entrywise, mapped
from icrl.arrays.plain.core import array, array_of, broadcast_to, in_lines, ndarray
from icrl.arrays.plain.dtypes import KINDS, highest
from icrl.arrays.plain.layout import as_axis, broadcast_shapes
from icrl.arrays.plain.scalars import extreme


class vectorize:
    """A function of numbers as one of arrays. ``otypes``: the type of its results, in a list; found from them unless given."""

    def __init__(self, f: Callable, otypes: Sequence | None = None):
        self.f, self.otype = f, otypes and otypes[0]

    def __call__(self, *operands: Any) -> ndarray:
        sizes = broadcast_shapes(*(array_of(each).shape for each in operands))
        columns = (broadcast_to(each, sizes).entries() for each in operands)
        return array(list(map(self.f, *columns)), self.otype).reshape(sizes)


def _of_each(name: str, of_float: Callable[[float], float]) -> Callable:
    """A function of floats, and of objects by their own method of its name."""

    def of_object(x: Any) -> Any:
        if not callable(getattr(x, name, None)):
            raise TypeError(
                f"loop of ufunc does not support an entry of type {type(x).__name__}, which has no {name} method"
            )
        return getattr(x, name)()

    def function(a: Any, out: ndarray | None = None) -> Any:
        a = array_of(a)
        found = mapped(of_object, a) if a.dtype.kind == "O" else mapped(of_float, a.astype(float))
        if out is None:
            return found
        out[...] = found
        return out

    function.__name__, function.__doc__ = name, f"{name} of each entry; of objects, their own method of that name."
    return function


def _total(f: Callable[[float], float], otherwise: float) -> Callable[[float], float]:
    """f, infinite where it overflows and NaN where it has no real value."""

    def of_float(x: float) -> float:
        try:
            return f(x)
        except OverflowError:
            return otherwise
        except ValueError:
            return otherwise if x == 0 else math.nan

    return of_float


exp = _of_each("exp", _total(math.exp, math.inf))
log = _of_each("log", _total(math.log, -math.inf))
sqrt = _of_each("sqrt", _total(math.sqrt, math.nan))
cos = _of_each("cos", _total(math.cos, math.nan))
sin = _of_each("sin", _total(math.sin, math.nan))


def multiply(x: Any, y: Any) -> Any:
    """x y."""
    return entrywise("mul", x, y)


def divide(x: Any, y: Any) -> Any:
    """x / y."""
    return entrywise("truediv", x, y)


def subtract(x: Any, y: Any) -> Any:
    """x − y."""
    return entrywise("sub", x, y)


def maximum(x: Any, y: Any) -> Any:
    """The larger of two."""
    return mapped(extreme("maximum", _common(x, y)), x, y)


def minimum(x: Any, y: Any) -> Any:
    """The smaller of two."""
    return mapped(extreme("minimum", _common(x, y)), x, y)


def _common(*operands: Any) -> str:
    return highest(array_of(each).dtype.kind for each in operands)


def _of_numbers(name: str, f: Callable[[Any], bool]) -> Callable:
    def function(a: Any) -> Any:
        if array_of(a).dtype.kind == "O":
            raise TypeError(f"{name} is not defined for objects")
        return array_of(mapped(f, a, kind="b"))  # an array for a number too: what follows is often ``.all()``

    function.__name__, function.__doc__ = name, f"{name} of each entry; ``TypeError`` for objects."
    return function


isfinite = _of_numbers("isfinite", cmath.isfinite)
isnan = _of_numbers("isnan", cmath.isnan)


def iscomplexobj(a: Any) -> bool:
    """Whether the entries are complex numbers."""
    return array_of(a).dtype.kind == "c"


def isclose(x: Any, y: Any, rtol: float = 1e-5, atol: float = 1e-8) -> Any:
    """|x − y| ≤ atol + rtol |y|, or x = y."""
    return mapped(lambda a, b: a == b or abs(a - b) <= atol + rtol * abs(b) < math.inf, x, y, kind="b")


def allclose(x: Any, y: Any, rtol: float = 1e-5, atol: float = 1e-8) -> bool:
    """Whether |x − y| ≤ atol + rtol |y| everywhere."""
    return array_of(isclose(x, y, rtol, atol)).all()


def array_equal(x: Any, y: Any) -> bool:
    """Whether shapes and entries are the same."""
    return array_of(x).shape == array_of(y).shape and array_of(array_of(x) == y).all()


# All together


def searchsorted(a: Any, values: Any, side: str = "left") -> Any:
    """How many entries of an increasing line stand before each value, and with side "right" also those equal to it."""
    line, find = array_of(a).entries(), {"left": bisect_left, "right": bisect_right}[side]
    return mapped(lambda value: find(line, value), values, kind="i")


def ptp(a: Any, axis: Any = None) -> Any:
    """The largest less the smallest."""
    return array_of(a).max(axis) - array_of(a).min(axis)


def sort(a: Any) -> ndarray:
    """The entries in increasing order along the last axis."""
    a = array_of(a)
    as_axis(-1, a.ndim)
    return ndarray([x for line in in_lines(a, 1) for x in sorted(line)], a.shape, a.dtype)


def argsort(a: Any) -> ndarray:
    """The order that sorts the entries of a line, equal ones in theirs."""
    line = array_of(a).entries()
    return array(sorted(range(len(line)), key=line.__getitem__), int)


def sort_complex(a: Any) -> ndarray:
    """A line of complex numbers by their real parts, then by their imaginary ones."""
    return array(sorted(array_of(a).astype(complex).entries(), key=lambda z: (z.real, z.imag)), complex)


def unique(a: Any, return_inverse: bool = False, return_counts: bool = False, axis: int | None = None) -> Any:
    """The different entries in increasing order (rows, along axis 0); where each entry is among them; how often each occurs."""
    a = array_of(a)
    if axis not in (None, 0):
        raise ModuleNotFoundError("unique along another axis than 0 needs numpy", name="numpy")
    items = a.entries() if axis is None else [tuple(row.entries()) for row in a]
    found = sorted(set(items))
    place, rest = {item: k for k, item in enumerate(found)}, (a.shape, a.shape[:1])[axis is not None]
    counts = [0] * len(found)
    for item in items:
        counts[place[item]] += 1
    kept = ndarray(found, (len(found),), a.dtype) if axis is None else array(found, a.dtype).reshape(-1, *a.shape[1:])
    more = [ndarray([place[item] for item in items], rest, KINDS["i"])] * return_inverse
    more += [ndarray(counts, (len(counts),), KINDS["i"])] * return_counts
    return (kept, *more) if more else kept


def bincount(places: Any, weights: Any = None, minlength: int = 0) -> ndarray:
    """How often 0, 1, 2, … occur, or the sum of the weights where each does."""
    places = array(places, int).entries()
    total = [0 if weights is None else 0.0] * max(minlength, *(k + 1 for k in places), 0)
    if min(places, default=0) < 0:
        raise ValueError("bincount: places must be 0 or more")
    for k, weight in zip(
        places, [1] * len(places) if weights is None else array(weights, float).entries(), strict=True
    ):
        total[k] += weight
    return array(total, int if weights is None else float)


class finfo:
    """The limits of floats."""

    def __init__(self, _: Any = float):
        limits = sys.float_info
        self.eps, self.max, self.tiny = limits.epsilon, limits.max, limits.min


def errstate(**_: str) -> AbstractContextManager:
    """Nothing to be silenced: floats overflow without a warning here."""
    return nullcontext()


ndarray.searchsorted = searchsorted
