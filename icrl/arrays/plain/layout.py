"""Where the entries of an array lie in one flat list: a shape, a stride for each axis and an offset."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

Shape = tuple[int, ...]
"""The size of each axis; of strides, the step along each."""


def row_major(shape: Shape) -> Shape:
    """The strides of entries that lie in order."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))


def read(data: Sequence, offset: int, shape: Shape, strides: Shape) -> list:
    """The entries in order: a slice of the flat list for each line along the last axis."""
    if not shape:
        return [data[offset]]
    if strides == row_major(shape):
        return list(data[offset : offset + math.prod(shape)])
    starts = [offset]
    for size, stride in zip(shape[:-1], strides[:-1]):
        starts = [start + i * stride for start in starts for i in range(size)]
    n, step = shape[-1], strides[-1]
    if step > 0 and n:
        return [x for start in starts for x in data[start : start + (n - 1) * step + 1 : step]]
    return [data[start + i * step] for start in starts for i in range(n)]


# Axes


def as_axis(axis: int, ndim: int) -> int:
    """An axis counted from the front; ``ValueError`` when there is none."""
    if not -ndim <= operator.index(axis) < ndim:
        raise ValueError(f"axis {axis} is out of bounds for array of dimension {ndim}")
    return axis % ndim


def as_axes(axis: Any, ndim: int) -> Shape:
    """All axes for None, else one or several, counted from the front."""
    if axis is None:
        return tuple(range(ndim))
    return tuple(as_axis(each, ndim) for each in (axis if isinstance(axis, tuple) else (axis,)))


def as_shape(shape: Any) -> Shape:
    """A shape, or one size, as a tuple of integers."""
    return tuple(map(operator.index, shape)) if hasattr(shape, "__len__") else (operator.index(shape),)


def reshaped(size: int, wanted: Shape) -> Shape:
    """``wanted`` with the size in the place of a −1; ``ValueError`` where ``size`` entries do not fill it."""
    known = math.prod(each for each in wanted if each != -1)
    found = tuple(size // known if each == -1 and known else each for each in wanted)
    if math.prod(found) != size or min(found, default=0) < 0:
        raise ValueError(f"cannot reshape array of size {size} into shape {wanted}")
    return found


def broadcast_shapes(*shapes: Any) -> Shape:
    """The shape that arrays of these shapes share; ``ValueError`` when there is none."""
    different = {tuple(shape) for shape in shapes} - {()}
    if len(different) <= 1:
        return next(iter(different), ())
    ndim = max(map(len, shapes), default=0)
    columns = zip(*((1,) * (ndim - len(shape)) + tuple(shape) for shape in shapes))
    sizes = [{size for size in column if size != 1} or {1} for column in columns]
    if any(len(each) > 1 for each in sizes):
        raise ValueError(f"operands could not be broadcast together with shapes {' '.join(map(str, shapes))}")
    return tuple(size for each in sizes for size in each)


def repeated(shape: Shape, strides: Shape, wanted: Shape) -> Shape:
    """The strides that read entries of one shape as of a larger one; ``ValueError`` where it does not fit."""
    if len(wanted) < len(shape) or broadcast_shapes(shape, wanted) != wanted:
        raise ValueError(f"operands could not be broadcast together with shape {shape} and requested shape {wanted}")
    return (0,) * (len(wanted) - len(shape)) + tuple(0 if n == 1 else step for n, step in zip(shape, strides))


# Indices


class Selection(NamedTuple):
    """What an index selects: the entries from ``offset`` on with ``shape`` and ``strides``, and of them, for each array in the
    index, those it names on an axis of a size and a stride. ``place``: how many axes stand before the arrays' own."""

    shape: Shape
    strides: Shape
    offset: int
    arrays: list[tuple[Any, int, int]]
    place: int


def within(i: int, size: int) -> int:
    """An index counted from the front; ``IndexError`` when there is none."""
    if not -size <= i < size:
        raise IndexError(f"index {i} is out of bounds for axis with size {size}")
    return i + size if i < 0 else i


def spot(key: tuple, shape: Shape, strides: Shape, offset: int) -> int | None:
    """Where the one entry lies that a key of plain integers names, None for any other key."""
    if len(key) != len(shape):
        return None
    for i, size, stride in zip(key, shape, strides):
        if type(i) is not int:
            return None
        offset += within(i, size) * stride
    return offset


def spelled_out(key: list, shape: Shape) -> list:
    """An item for every axis: a Boolean mask as the indices where it is true, an Ellipsis as slices."""
    masks = {k: item for k, item in enumerate(key) if hasattr(item, "dtype") and item.dtype.kind == "b" and item.ndim}
    used = sum(masks[k].ndim if k in masks else item is not None and item is not Ellipsis for k, item in enumerate(key))
    if sum(item is Ellipsis for item in key) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    if used > len(shape):
        raise IndexError(f"too many indices for array: array is {len(shape)}-dimensional, but {used} were indexed")
    items: list[Any] = []
    axis = 0
    for k, item in enumerate(key if any(item is Ellipsis for item in key) else [*key, Ellipsis]):
        if k in masks and item.shape != shape[axis : axis + item.ndim]:
            raise IndexError(f"boolean index of shape {item.shape} did not match indexed array along axis {axis}")
        new = item.nonzero() if k in masks else [slice(None)] * (len(shape) - used) if item is Ellipsis else [item]
        items += new
        axis += sum(each is not None for each in new)
    return items


def side_by_side(key: list) -> bool:
    """Whether no slice, None or Ellipsis (even one of no axis) stands between the integers and arrays of a key."""
    fixed = [k for k, item in enumerate(key) if not (item is None or item is Ellipsis or isinstance(item, slice))]
    return fixed[-1] - fixed[0] < len(fixed)


def selected(key: list, shape: Shape, strides: Shape, offset: int) -> Selection:
    """What the key selects, its sequences given as arrays."""
    axes, out, arrays, fixed = zip(shape, strides), [], [], []
    for item in spelled_out(key, shape):
        size, stride = (1, 0) if item is None else next(axes)
        if item is None:
            out.append((1, 0))
        elif isinstance(item, slice):
            steps = range(*item.indices(size))
            out.append((len(steps), stride * steps.step))
            offset += steps.start * stride if steps else 0
        elif hasattr(item, "dtype"):
            arrays.append((as_indices(item), size, stride))
            fixed.append(len(out))
        else:
            offset += within(as_integer(item), size) * stride
            fixed.append(len(out))
    place = fixed[0] if fixed and side_by_side(key) else 0  # the arrays' own axes come first where items stand between
    return Selection(tuple(n for n, _ in out), tuple(step for _, step in out), offset, arrays, place)


def as_integer(item: Any) -> int:
    """An index as an int; ``IndexError`` for what is none."""
    if isinstance(item, bool) or not hasattr(item, "__index__"):
        raise IndexError(
            f"only integers, slices, ellipsis, None and integer or Boolean arrays are valid indices: {item!r}"
        )
    return operator.index(item)


def as_indices(item: Any) -> Any:
    """An array of indices; ``IndexError`` where its entries are no integers, as those of a mask without axes."""
    if item.dtype.kind != "i" and item.size:
        raise IndexError(f"an array in an index has integer entries, or Boolean ones and at least one axis: {item!r}")
    return item
