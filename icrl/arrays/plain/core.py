"""The n-dimensional array: its making, its entries by index, along axes and one by one."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce
from itertools import accumulate, chain, compress, product, takewhile
from typing import TYPE_CHECKING, Any, ClassVar

from icrl.arrays.plain.dtypes import KINDS, as_dtype, dtype, highest, kind_of
from icrl.arrays.plain.layout import (
    Shape,
    as_axes,
    as_axis,
    as_shape,
    broadcast_shapes,
    read,
    repeated,
    reshaped,
    row_major,
    selected,
    spot,
    within,
)
from icrl.arrays.plain.scalars import TOTAL, extreme


class ndarray:
    """An array of ``shape`` with entries of ``dtype``, as NumPy's; made by :func:`array` and its like.

    Its operators are in :mod:`icrl.arrays.plain.arithmetic`. It reads one flat list through a stride for each axis, so that a slice, a transpose and a broadcast array are views.
    """

    __slots__ = ("_data", "shape", "dtype", "_strides", "_offset", "_writeable")
    __hash__ = None  # type: ignore[assignment]  # == is entry by entry, and object's __hash__ is declared as a function
    _op_priority = 0  # SymPy leaves an operation to what has one, where it would ask for a float

    def __init__(self, data: Sequence, shape: Shape, dtype: dtype, strides: Shape | None = None, offset: int = 0):
        self._data: Any = data  # written to only where it is a list
        self.shape, self.dtype, self._offset, self._writeable = shape, dtype, offset, True
        self._strides = row_major(shape) if strides is None else strides

    if TYPE_CHECKING:  # what arithmetic and functions put here
        __neg__: ClassVar[Callable[[ndarray], Any]]
        __pos__: ClassVar[Callable[[ndarray], Any]]
        __abs__: ClassVar[Callable[[ndarray], Any]]
        __invert__: ClassVar[Callable[[ndarray], Any]]
        __truediv__: ClassVar[Callable[[ndarray, Any], Any]]
        __matmul__: ClassVar[Callable[[ndarray, Any], Any]]
        __rmatmul__: ClassVar[Callable[[ndarray, Any], Any]]
        round: ClassVar[Callable[..., Any]]
        searchsorted: ClassVar[Callable[..., Any]]
        real: Any
        imag: Any

    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: math.prod(self.shape))
    T = property(lambda self: self.transpose())

    @property
    def flat(self) -> ndarray:
        """The entries in order, to be read."""
        flat = self.ravel()
        flat.setflags(write=False)
        return flat

    def entries(self) -> list:
        """The entries in order, as a list of its own."""
        return read(self._data, self._offset, self.shape, self._strides)

    def view(self, shape: Iterable[int], strides: Iterable[int], offset: int) -> ndarray:
        """Other axes over the same entries."""
        view = ndarray(self._data, tuple(shape), self.dtype, tuple(strides), offset)
        view._writeable = self._writeable
        return view

    def setflags(self, write: bool) -> None:
        """Whether entries may be set."""
        self._writeable = write

    def __repr__(self) -> str:
        return f"array({self.tolist()!r}, dtype={self.dtype})"

    def __str__(self) -> str:
        return str(self.tolist())

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self) -> Iterator:
        if not self.shape:
            raise TypeError("iteration over a 0-d array")
        if self.ndim == 1:
            return iter(self.entries())
        (stride, *rest), offset = self._strides, self._offset
        return (self.view(self.shape[1:], rest, offset + i * stride) for i in range(self.shape[0]))

    def __contains__(self, value: Any) -> bool:
        return array_of(self == value).any()

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ValueError(
                "The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()"
            )
        return bool(self.item())

    def item(self) -> Any:
        """The one entry."""
        if self.size != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        return self._data[self._offset]

    def _scalar(self) -> Any:
        if self.shape:
            raise TypeError("only 0-dimensional arrays can be converted to Python scalars")
        return self.item()

    def __float__(self) -> float:
        return float(self._scalar())

    def __int__(self) -> int:
        return int(self._scalar())

    def __index__(self) -> int:
        return operator.index(self._scalar())

    def __complex__(self) -> complex:
        return complex(self._scalar())

    def __format__(self, spec: str) -> str:
        return str(self) if self.shape else format(self.item(), spec)

    # Other shapes

    def tolist(self) -> Any:
        """Nested lists of the entries."""
        if self.ndim <= 1:
            return self.entries() if self.shape else self.item()
        return [row.tolist() for row in self]

    def copy(self) -> ndarray:
        """Entries of its own."""
        return ndarray(self.entries(), self.shape, self.dtype)

    __copy__ = copy

    def astype(self, given: Any) -> ndarray:
        """The entries as another type, always copied."""
        to = as_dtype(given)
        return ndarray(to.entries(self.entries()), self.shape, to)

    def reshape(self, *shape: Any) -> ndarray:
        """The entries in order on other axes, one of which may be −1; a view where they lie in order."""
        wanted = reshaped(self.size, as_shape(shape[0] if len(shape) == 1 else shape))
        if self._strides == row_major(self.shape):
            return self.view(wanted, row_major(wanted), self._offset)
        return ndarray(self.entries(), wanted, self.dtype)

    def ravel(self) -> ndarray:
        """The entries in order on one axis."""
        return self.reshape(self.size)

    def flatten(self) -> ndarray:
        """The entries in order on one axis, copied."""
        return ndarray(self.entries(), (self.size,), self.dtype)

    def transpose(self, *axes: Any) -> ndarray:
        """The axes in another order, reversed unless said."""
        order = as_shape(axes[0] if len(axes) == 1 else axes) or tuple(reversed(range(self.ndim)))
        return self.view((self.shape[k] for k in order), (self._strides[k] for k in order), self._offset)

    def swapaxes(self, one: int, other: int) -> ndarray:
        """Two axes exchanged."""
        order, i, j = list(range(self.ndim)), as_axis(one, self.ndim), as_axis(other, self.ndim)
        order[i], order[j] = j, i
        return self.transpose(order)

    def squeeze(self) -> ndarray:
        """Without the axes of length 1."""
        return self.reshape(tuple(size for size in self.shape if size != 1))

    def diagonal(self) -> ndarray:
        """The entries (i, i) of a matrix, a view."""
        rows, columns = self.shape
        return self.view((min(rows, columns),), (sum(self._strides),), self._offset)

    def trace(self) -> Any:
        """Σ_i of the entries (i, i) of a matrix."""
        return self.diagonal().sum()

    def fill(self, value: Any) -> None:
        """Every entry set to one value."""
        self[...] = value

    # Entries by index

    def __getitem__(self, key: Any) -> Any:
        key = key if isinstance(key, tuple) else (key,)
        one = spot(key, self.shape, self._strides, self._offset)
        if one is not None:
            return self._data[one]
        items = [array_of(item) if is_sequence(item) else item for item in key]
        shape, strides, offset, arrays, place = selected(items, self.shape, self._strides, self._offset)
        if arrays:
            return self._gathered(shape, strides, offset, arrays, place)
        view = self.view(shape, strides, offset)
        return view if shape or Ellipsis in items else view.item()

    def _gathered(self, shape: Shape, strides: Shape, offset: int, arrays: list, place: int) -> ndarray:
        """The entries that arrays of indices name, copied; the arrays' own axes stand at ``place``."""
        common = broadcast_shapes(*(index.shape for index, _, _ in arrays))
        spots = [offset] * math.prod(common)
        for index, size, stride in arrays:
            indices = broadcast_to(index, common).entries()
            spots = [start + within(i, size) * stride for start, i in zip(spots, indices)]
        entries = [x for start in spots for x in read(self._data, start, shape, strides)]
        own, rest = range(len(common)), range(len(common), len(common) + len(shape))
        found = ndarray(entries, (*common, *shape), self.dtype)
        return found.transpose([*rest[:place], *own, *rest[place:]]) if place else found

    def __setitem__(self, key: Any, value: Any) -> None:
        if not self._writeable:
            raise ValueError("assignment destination is read-only")
        spots = self.spots()[key]
        if isinstance(spots, int):
            self._data[spots] = value if self.dtype.kind == "O" else self.dtype.type(value)
            return
        given = array_of(value)
        while given.ndim > spots.ndim and given.shape[0] == 1:
            given = given[0, ...]
        if broadcast_shapes(given.shape, spots.shape) != spots.shape:
            raise ValueError(f"could not broadcast input array from shape {given.shape} into shape {spots.shape}")
        for at, entry in zip(spots.entries(), self.dtype.entries(broadcast_to(given, spots.shape).entries())):
            self._data[at] = entry

    def spots(self) -> ndarray:
        """Where each entry lies in the flat list, in the array's shape."""
        return ndarray(range(len(self._data)), self.shape, KINDS["i"], self._strides, self._offset)

    def nonzero(self) -> tuple[ndarray, ...]:
        """The indices of the entries that are not 0, an array for each axis."""
        found = list(compress(product(*map(range, self.shape)), self.entries()))
        return tuple(ndarray([index[k] for index in found], (len(found),), KINDS["i"]) for k in range(self.ndim))

    # Along axes

    def reduced(self, f: Callable[[list], Any], axis: Any, keepdims: bool = False, kind: str | None = None) -> Any:
        """f of the entries along ``axis``, or some axes, or all."""
        axes = as_axes(axis, self.ndim)
        kept = [k for k in range(self.ndim) if k not in axes]
        shape = tuple(1 if k in axes else self.shape[k] for k in range(self.ndim) if keepdims or k in kept)
        values = map(f, in_lines(self.transpose([*kept, *axes]) if self.shape else self, len(axes)))
        return unwrapped(list(values), shape, KINDS[kind or self.dtype.kind])

    def sum(self, axis: Any = None, keepdims: bool = False) -> Any:
        """The sum of the entries."""
        kind = "i" if self.dtype.kind == "b" else self.dtype.kind
        return self.reduced(TOTAL[kind], axis, keepdims, kind)

    def prod(self, axis: Any = None, keepdims: bool = False) -> Any:
        """The product of the entries."""
        if self.dtype.kind == "b":
            return self.astype(int).prod(axis, keepdims)
        one = 1 if self.dtype.kind == "O" else self.dtype.type(1)
        return self.reduced(lambda line: reduce(operator.mul, line) if line else one, axis, keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Any:
        """The mean of the entries."""
        count = math.prod(self.shape[k] for k in as_axes(axis, self.ndim))
        return array_of(self.sum(axis, keepdims)) / count

    def max(self, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
        """The largest of the entries, and of ``initial``."""
        return self._extreme("maximum", axis, keepdims, initial)

    def min(self, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
        """The smallest of the entries, and of ``initial``."""
        return self._extreme("minimum", axis, keepdims, initial)

    def _extreme(self, name: str, axis: Any, keepdims: bool, initial: Any) -> Any:
        better = extreme(name, self.dtype.kind)
        if initial is None:
            self._check_some(name, axis)
        first = [] if initial is None else self.dtype.entries([initial])
        return self.reduced(lambda line: reduce(better, chain(first, line)), axis, keepdims)

    def _check_some(self, name: str, axis: Any) -> None:
        """Raise ``ValueError`` where there is no entry along an axis."""
        if not all(self.shape[k] for k in as_axes(axis, self.ndim)):
            raise ValueError(f"zero-size array to reduction operation {name} which has no identity")

    def all(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Whether every entry is true."""
        return self.reduced(all, axis, keepdims, "b")

    def any(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Whether some entry is true."""
        return self.reduced(any, axis, keepdims, "b")

    def argmax(self, axis: int | None = None) -> Any:
        """The index of the first entry that none exceeds, or of the first NaN."""
        self._check_some("argmax", axis)
        return self.reduced(lambda line: _place(max, line), axis, kind="i")

    def argmin(self, axis: int | None = None) -> Any:
        """The index of the first entry that exceeds none, or of the first NaN."""
        self._check_some("argmin", axis)
        return self.reduced(lambda line: _place(min, line), axis, kind="i")

    def cumsum(self, axis: int | None = None) -> ndarray:
        """The sums of the entries up to each one."""
        return running(operator.add, self, axis)


def _place(best: Callable, line: list) -> int:
    """Where the first of the best entries stands; NaN, which nothing equals, is better than any."""
    nans = [k for k, x in enumerate(line) if isinstance(x, float) and x != x]
    return nans[0] if nans else best(range(len(line)), key=line.__getitem__)


def in_lines(a: ndarray, axes: int) -> list[list]:
    """The entries along the last ``axes`` axes together, a list for each place on the others."""
    entries, places, length = a.entries(), math.prod(a.shape[: a.ndim - axes]), math.prod(a.shape[a.ndim - axes :])
    return [entries[i * length : (i + 1) * length] for i in range(places)]


def running(f: Callable, a: ndarray, axis: int | None) -> ndarray:
    """f of all entries up to each one along an axis, of all entries in order unless said."""
    if axis is None:
        return running(f, a.ravel(), 0)
    last = a.swapaxes(axis, -1)
    kind = "i" if a.dtype.kind == "b" else a.dtype.kind
    entries = [x for line in in_lines(last, 1) for x in accumulate(KINDS[kind].entries(line), f)]
    return ndarray(entries, last.shape, KINDS[kind]).swapaxes(axis, -1)


# Making one


def is_sequence(value: Any) -> bool:
    """Whether an array is made of the items of ``value``, not of itself."""
    if isinstance(value, (ndarray, list, tuple, range)):
        return True
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def array(value: Any, dtype: Any = None) -> ndarray:
    """A new array of nested sequences of numbers, of one length along each axis, or of one number.

    ``dtype``: the type of the entries, the first that holds them all unless given. With ``object``, sequences whose lengths differ
    are entries themselves; else they raise ``ValueError``.
    """
    if hasattr(value, "tolist") and not isinstance(value, ndarray):
        value = value.tolist()
    to = None if dtype is None else as_dtype(dtype)
    shape = _shape(value, ragged=to is KINDS["O"])
    to = to or KINDS[_kind(value) or "f"]
    return ndarray(to.entries(_entries(value, len(shape))), shape, to)


def asarray(value: Any, dtype: Any = None) -> ndarray:
    """The array itself where it is one of this type, else a new one."""
    return value if isinstance(value, ndarray) and dtype in (None, value.dtype) else array(value, dtype)


def array_of(value: Any) -> ndarray:
    """An operand as an array: one already, nested sequences, or one number."""
    if isinstance(value, ndarray):
        return value
    if is_sequence(value) or hasattr(value, "tolist"):
        return array(value)
    return ndarray([value], (), KINDS[kind_of((type(value),))])


def unwrapped(entries: list, shape: Shape, to: dtype) -> Any:
    """An array of these entries; the entry alone where there are no axes."""
    return ndarray(entries, shape, to) if shape else entries[0]


def broadcast_to(a: Any, shape: Any) -> ndarray:
    """A view of this shape, in which axes that are new or of length 1 are repeated; not to be written to."""
    a = array_of(a)
    if a.shape == shape:
        return a
    wanted = as_shape(shape)
    view = a.view(wanted, repeated(a.shape, a._strides, wanted), a._offset)
    view.setflags(write=False)
    return view


def _shape(value: Any, ragged: bool) -> Shape:
    """The lengths of nested sequences, down to where they differ if they are ``ragged``."""
    if isinstance(value, ndarray):
        return value.shape
    if not is_sequence(value):
        return ()
    shapes = sorted({_shape(each, ragged) for each in value})
    if len(shapes) > 1 and not ragged:
        raise ValueError(f"setting an array element with a sequence: their shapes differ, {shapes}")
    alike = takewhile(lambda sizes: len(set(sizes)) == 1, zip(*shapes))
    return (len(value), *(sizes[0] for sizes in alike))


def _entries(value: Any, depth: int) -> list:
    """What is nested in ``value`` at this depth, in order."""
    if isinstance(value, ndarray) and value.ndim == depth:
        return value.entries()
    if depth == 0:
        return [value]
    return [entry for each in value for entry in _entries(each, depth - 1)]


def _kind(value: Any) -> str | None:
    """The first kind that holds all that is nested in ``value``, None where there is nothing."""
    if isinstance(value, ndarray):
        return value.dtype.kind
    if not is_sequence(value):
        return kind_of((type(value),))
    found = {kind for kind in map(_kind, value) if kind}
    return highest(found) if found else None
