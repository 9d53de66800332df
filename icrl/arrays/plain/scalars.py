"""The operations on entries that are not Python's own, and the folds of a list of entries, for each kind."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import reduce
from typing import Any


def divide(x: float, y: float) -> float:
    """x / y, infinite or NaN where y is 0."""
    try:
        return x / y
    except ZeroDivisionError:
        return math.nan if x == 0 or x != x else math.copysign(math.inf, x) * math.copysign(1.0, y)


def power(x: float, y: float) -> float:
    """x ** y, infinite or NaN where that is no real number."""
    try:
        return math.pow(x, y)
    except OverflowError:
        return -math.inf if x < 0 and y % 2 == 1 else math.inf
    except ValueError:
        return math.inf if x == 0 else math.nan


def whole_power(x: int, y: int) -> int:
    """x ** y of integers."""
    if y < 0:
        raise ValueError("Integers to negative integer powers are not allowed.")
    return x**y


ARITHMETIC = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor")
COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
"""The operations by their names in :mod:`operator`."""

PARTICULAR = {
    ("add", "b"): (operator.or_, "b"),
    ("mul", "b"): (operator.and_, "b"),
    ("pow", "b"): (whole_power, "i"),
    ("pow", "i"): (whole_power, "i"),
    ("pow", "f"): (power, "f"),
    **{("truediv", kind): (divide, "f") for kind in "bif"},
}
"""The operations that are not Python's own: on entries of which kind, by what function, with results of which kind."""

REFUSED = {("sub", "b"), *((name, kind) for name in ("and", "or", "xor") for kind in "fc")}
"""The operations that there are not, on entries of which kind."""


def extreme(name: str, kind: str) -> Callable[[Any, Any], Any]:
    """The larger or the smaller of two entries; NaN, where one is, but for objects."""
    before = operator.ge if name == "maximum" else operator.le
    if kind == "O":
        return lambda x, y: x if before(x, y) else y
    return lambda x, y: x if before(x, y) or x != x else y


def _sum_of_objects(line: list) -> Any:
    return reduce(operator.add, line) if line else 0


TOTAL: dict[str, Callable[[list], Any]] = {
    "i": sum,
    "f": lambda line: sum(line, 0.0),
    "c": lambda line: sum(line, 0j),
    "O": _sum_of_objects,
}
"""The sum of a list of entries of each kind."""

INNER: dict[str, Callable[[list, list], Any]] = {
    "b": lambda row, column: any(map(operator.and_, row, column)),
    "i": lambda row, column: sum(map(operator.mul, row, column)),
    "f": lambda row, column: sum(map(operator.mul, row, column), 0.0),
    "c": lambda row, column: sum(map(operator.mul, row, column), 0j),
    "O": lambda row, column: reduce(operator.add, map(operator.mul, row, column)) if row else 0,
}
"""The inner product of two lists of entries of each kind."""
