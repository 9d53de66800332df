"""Making arrays, changing their shapes, and indices."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from icrl.arrays.plain.core import array, array_of, asarray, broadcast_to, ndarray
from icrl.arrays.plain.dtypes import KINDS, as_dtype, highest
from icrl.arrays.plain.layout import as_axis, as_shape, broadcast_shapes, within

# Making


def empty(shape: Any, dtype: Any = float) -> ndarray:
    """An array of this shape, whose entries are 0 (None, where they are objects)."""
    return full(shape, None if as_dtype(dtype).kind == "O" else 0, dtype)


def zeros(shape: Any, dtype: Any = float) -> ndarray:
    """An array of zeros."""
    return full(shape, 0, dtype)


def ones(shape: Any, dtype: Any = float) -> ndarray:
    """An array of ones."""
    return full(shape, 1, dtype)


def full(shape: Any, value: Any, dtype: Any = None) -> ndarray:
    """An array of one value."""
    return broadcast_to(array(value, dtype), as_shape(shape)).copy()


def zeros_like(a: Any, dtype: Any = None) -> ndarray:
    """An array of zeros in the shape of another."""
    return zeros(array_of(a).shape, dtype or array_of(a).dtype)


def ones_like(a: Any, dtype: Any = None) -> ndarray:
    """An array of ones in the shape of another."""
    return ones(array_of(a).shape, dtype or array_of(a).dtype)


def eye(rows: int, columns: int | None = None, k: int = 0, dtype: Any = float) -> ndarray:
    """1 at the places (i, i + k), 0 elsewhere."""
    columns = rows if columns is None else columns
    return array([int(j - i == k) for i in range(rows) for j in range(columns)], dtype).reshape(rows, columns)


def identity(size: int, dtype: Any = float) -> ndarray:
    """The identity matrix."""
    return eye(size, dtype=dtype)


def arange(*ends: Any, dtype: Any = None) -> ndarray:
    """The numbers from the first, 0 unless said, in steps, 1 unless said, up to the last, which is not among them."""
    start, stop, step = ends if len(ends) == 3 else (*ends, 1) if len(ends) == 2 else (0, *ends, 1)
    return array(
        [start + k * step for k in range(math.ceil((stop - start) / step))], dtype or array_of([*ends, 0]).dtype
    )


def copy(a: Any) -> ndarray:
    """An array with entries of its own."""
    return array(a)


# Shapes


def ndim(a: Any) -> int:
    """The number of axes."""
    return array_of(a).ndim


def shape(a: Any) -> tuple[int, ...]:
    """The length of each axis."""
    return array_of(a).shape


def size(a: Any) -> int:
    """The number of entries."""
    return array_of(a).size


def atleast_1d(a: Any) -> ndarray:
    """The array, with one axis where it has none."""
    a = array_of(a)
    return a if a.shape else a.reshape(1)


def expand_dims(a: Any, axis: int) -> ndarray:
    """A view with one axis more, of length 1."""
    a = array_of(a)
    return a[(slice(None),) * as_axis(axis, a.ndim + 1) + (None,)]


def concatenate(arrays: Sequence, axis: int = 0) -> ndarray:
    """The arrays one after the other along an axis; ``ValueError`` when they differ on the others."""
    parts = [array_of(each) for each in arrays]
    axis, others = as_axis(axis, parts[0].ndim), {each.ndim for each in parts}
    turned = [each.swapaxes(0, axis) for each in parts] if len(others) == 1 else []
    if len({each.shape[1:] for each in turned}) != 1:
        raise ValueError(
            f"all the input array dimensions except for axis {axis} must match, got {[*map(shape, parts)]}"
        )
    to = KINDS[highest(each.dtype.kind for each in parts)]
    entries = to.entries(entry for each in turned for entry in each.entries())
    return ndarray(entries, (sum(map(len, turned)), *turned[0].shape[1:]), to).swapaxes(0, axis)


def stack(arrays: Sequence, axis: int = 0) -> ndarray:
    """The arrays, of one shape, along a new axis."""
    if len({shape(each) for each in arrays}) != 1:
        raise ValueError("all input arrays must have the same shape")
    return concatenate([expand_dims(each, axis) for each in arrays], axis)


def hstack(arrays: Sequence) -> ndarray:
    """The arrays side by side."""
    parts = [atleast_1d(each) for each in arrays]
    return concatenate(parts, 0 if parts[0].ndim == 1 else 1)


def vstack(arrays: Sequence) -> ndarray:
    """The arrays one above the other, vectors as rows."""
    return concatenate([each[None] if ndim(each) == 1 else each for each in map(atleast_1d, arrays)])


def column_stack(arrays: Sequence) -> ndarray:
    """The arrays side by side, vectors as columns."""
    return concatenate([each[:, None] if ndim(each) == 1 else each for each in map(atleast_1d, arrays)], 1)


def append(a: Any, values: Any) -> ndarray:
    """The entries of both, in one line."""
    return concatenate([array_of(a).ravel(), array_of(values).ravel()])


def split(a: Any, places: Sequence[int], axis: int = 0) -> list[ndarray]:
    """The parts before, between and after these places of an axis."""
    a = array_of(a).swapaxes(0, axis)
    ends = [0, *places, len(a)]
    return [a[start:stop].swapaxes(0, axis) for start, stop in zip(ends, ends[1:])]


def roll(a: Any, by: int, axis: int | None = None) -> ndarray:
    """The entries moved along an axis, those that leave it coming in at its other end."""
    a = array_of(a)
    if axis is None:
        return roll(a.ravel(), by, 0).reshape(a.shape)
    turned = a.swapaxes(0, axis)
    return turned[[(k - by) % len(turned) for k in range(len(turned))]].swapaxes(0, axis)


def diag(a: Any) -> ndarray:
    """The matrix with this diagonal, or the diagonal of this matrix."""
    a = array_of(a)
    if a.ndim == 2:
        return a.diagonal()
    whole = zeros((a.size, a.size), a.dtype)
    fill_diagonal(whole, a)
    return whole


def fill_diagonal(a: ndarray, value: Any) -> None:
    """The entries (i, i) of a matrix set."""
    a.diagonal()[...] = value


def kron(a: Any, b: Any) -> ndarray:
    """The Kronecker product of two matrices."""
    a, b = array_of(a), array_of(b)
    whole = a[:, None, :, None] * b[None, :, None, :]
    return whole.reshape(a.shape[0] * b.shape[0], a.shape[1] * b.shape[1])


def block(rows: Sequence) -> ndarray:
    """The matrix whose blocks are these, a list for each row of blocks."""
    return vstack([hstack(row) for row in rows])


def delete(a: Any, places: Any, axis: int | None = None) -> ndarray:
    """The array without these places of an axis, of the line of all entries unless said."""
    a = array_of(a)
    if axis is None:
        return delete(a.ravel(), places, 0)
    turned = a.swapaxes(0, axis)
    gone = {within(k, len(turned)) for k in array_of(places).entries()}
    return turned[array([k for k in range(len(turned)) if k not in gone], int)].swapaxes(0, axis)


def insert(a: Any, place: int, value: Any, axis: int = 0) -> ndarray:
    """The array with a value before a place of an axis."""
    turned = array_of(a).swapaxes(0, axis)
    one = broadcast_to(asarray(value, turned.dtype), turned.shape[1:])[None]
    return concatenate([turned[:place], one, turned[place:]]).swapaxes(0, axis)


def outer(a: Any, b: Any) -> ndarray:
    """x_i y_j."""
    return array_of(a).ravel()[:, None] * array_of(b).ravel()


# Indices


def ndindex(*sizes: Any) -> Iterator[tuple[int, ...]]:
    """The indices of an array of this shape, in order."""
    return product(*map(range, as_shape(sizes[0] if len(sizes) == 1 else sizes)))


def nonzero(a: Any) -> tuple[ndarray, ...]:
    """The indices of the entries that are not 0, an array for each axis."""
    return array_of(a).nonzero()


def flatnonzero(a: Any) -> ndarray:
    """The places of the entries that are not 0, all in one line."""
    return array_of(a).ravel().nonzero()[0]


def argwhere(a: Any) -> ndarray:
    """The indices of the entries that are not 0, a row for each."""
    a = array_of(a)
    return array([index for index in ndindex(a.shape) if a[index]], int).reshape(-1, a.ndim)


def unravel_index(place: int, sizes: tuple[int, ...]) -> tuple[int, ...]:
    """The index of a place in the line of all entries."""
    index = []
    for size in reversed(sizes):
        place, k = divmod(place, size)
        index.append(k)
    return tuple(reversed(index))


def ix_(*places: Any) -> tuple[ndarray, ...]:
    """The index of every combination of places, a list of them for each axis."""
    wanted = [array(each, int) if not size(each) else array_of(each) for each in places]
    wanted = [flatnonzero(each) if each.dtype.kind == "b" else each for each in wanted]
    return tuple(each.reshape([-1 if i == k else 1 for i in range(len(wanted))]) for k, each in enumerate(wanted))


def triu_indices(n: int, k: int = 0) -> tuple[ndarray, ndarray]:
    """The indices (i, j) of an n × n matrix with j ≥ i + k."""
    pairs = [(i, j) for i in range(n) for j in range(n) if j >= i + k]
    return array([i for i, _ in pairs], int), array([j for _, j in pairs], int)


def where(condition: Any, *choices: Any) -> Any:
    """Entries of the first choice where the condition holds, of the second elsewhere; its true places without choices."""
    if not choices:
        return nonzero(condition)
    x, y = map(array_of, choices)
    sizes, to = broadcast_shapes(shape(condition), x.shape, y.shape), KINDS[highest((x.dtype.kind, y.dtype.kind))]
    columns = (broadcast_to(each, sizes).entries() for each in (condition, x, y))
    return ndarray(to.entries(a if chosen else b for chosen, a, b in zip(*columns)), sizes, to)


class add:
    """Entries added where an index names them, as often as it does."""

    @staticmethod
    def at(a: ndarray, index: Any, values: Any) -> None:
        """a[index] += values, each time that an entry is named."""
        spots, kept = array_of(a.spots()[index]), a.dtype.entries
        for spot, value in zip(spots.entries(), kept(broadcast_to(values, spots.shape).entries())):
            a._data[spot] = a._data[spot] + value
