"""NumPy's spelling in pure Python, for exact entries and small arrays of floats where NumPy is not installed.

What is here has NumPy's meaning, values and types of entry alike, but for these: entries are Python's own numbers, integers never
overflow, a division by 0 and an overflow of floats give infinity or NaN without a warning, ``//`` and ``%`` by 0 raise, and
``flat`` is to be read. Whatever is not here raises ``ModuleNotFoundError`` with the name numpy.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

from icrl.arrays.plain import arithmetic, core, dtypes, functions, layout, making
from icrl.arrays.plain import linalg as linalg

OF_ARRAYS: tuple[str, ...] = (
    "all",
    "any",
    "argmax",
    "argmin",
    "cumsum",
    "diagonal",
    "max",
    "mean",
    "min",
    "prod",
    "ravel",
    "reshape",
    "squeeze",
    "sum",
    "swapaxes",
    "trace",
    "transpose",
)
"""The methods of arrays that are functions of arrays, lists and numbers too."""

inf, nan, pi, newaxis = math.inf, math.nan, math.pi, None
integer = int64 = intp = int
floating = float64 = float32 = float
bool_ = bool


def _of_array(name: str) -> Callable:
    def function(a: Any, *arguments: Any, **options: Any) -> Any:
        return getattr(core.array_of(a), name)(*arguments, **options)

    function.__name__, function.__doc__ = name, getattr(core.ndarray, name).__doc__
    return function


def _defined(part: ModuleType) -> dict[str, Any]:
    """What a module defines for others."""
    return {
        name: x for name, x in vars(part).items() if getattr(x, "__module__", None) == part.__name__ and name[0] != "_"
    }


ndarray, array, asarray, broadcast_to = core.ndarray, core.array, core.asarray, core.broadcast_to
dtype, broadcast_shapes = dtypes.dtype, layout.broadcast_shapes
globals().update(_defined(making) | _defined(functions) | {name: _of_array(name) for name in OF_ARRAYS})
abs, round, matmul = arithmetic.absolute, arithmetic.rounded, arithmetic.matmul


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    raise ModuleNotFoundError(f"{name} needs numpy", name="numpy")
