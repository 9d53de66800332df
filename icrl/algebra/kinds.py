"""Which kind of matrix a matrix is, and the operations on that kind, loaded when the first one comes."""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from typing import Any

from icrl.arrays import np

Matrix = Any
"""A matrix of any of the four kinds."""

MODULES = {"float": "floats", "tensor": "tensors", "entries": "entries", "blocks": "blocks"}
"""The module of :mod:`icrl.algebra` that holds the ``operations`` on each kind."""


def kind(X: Matrix, name: str = "matrix") -> str:
    """The kind of matrix ``X`` is, of whatever shape: ``float``, ``tensor``, ``entries`` or ``blocks``.

    Raises ``ValueError`` with ``name`` for anything else, and for an array or a tensor of integers, Booleans, complex
    numbers or text, into which a γ of 0.9 would go as 0.
    """
    if isinstance(X, np.ndarray):
        found = {"O": "entries", "f": "float"}.get(X.dtype.kind)
    elif isinstance(X, _loaded("sympy", "MatrixExpr")):
        found = "blocks"
    elif isinstance(X, _loaded("torch", "Tensor")):
        found = "tensor" if X.is_floating_point() else None
    else:
        raise ValueError(
            f"{name} must be a NumPy array, a torch tensor or a SymPy matrix expression, got {type(X).__name__}"
        )
    if found is None:
        raise ValueError(f"{name} must be floating point, got {X.dtype}")
    return found


def _loaded(module: str, name: str) -> Any:
    """A class of a module that somebody has imported; no class at all where nobody has, so that nothing is of it."""
    return getattr(sys.modules.get(module), name, ())


def operations_on(X: Matrix, name: str = "matrix") -> Any:
    """The operations on the kind of ``X``, of whatever shape; ``ValueError`` as by :func:`kind`."""
    return _operations(kind(X, name))


@cache
def _operations(kind: str) -> Any:
    return import_module(f"icrl.algebra.{MODULES[kind]}").operations
