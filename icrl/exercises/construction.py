"""Small contexts, the construction on them, and what its layers make of their values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from icrl.exercises.answers import CLOSE, shown
from icrl.mrp import Context
from icrl.prompt import prompt, rows
from icrl.transformer import Parameters, layer, softmax_td_parameters, transformer

CONTEXTS = (
    Context([0, 0], [1]),
    Context([0, 1], [1]),
    Context([0, 1, 0], [1, 0]),
    Context([0, 1, 0, 2], [1, -1, 2]),
    Context([1, 0, 0, 2, 1, 2, 0, 1], [1, 0.5, -1, 2, 0, 1, -2]),
)
"""From the smallest on; in two of them the last state is no source."""


def features(context: Context) -> np.ndarray:
    """Two features a state, in general position: states 0, 1, 2 are (1, 0), (½, 1), (−1, ½)."""
    return np.array([[1, 0], [0.5, 1], [-1, 0.5]])[context.states].T


def first_values(context: Context) -> np.ndarray:
    """v_0(s) = 1 − s, as a value row."""
    return 1.0 - context.states[None, :]


def named(context: Context, **more: Any) -> str:
    """A context for a person."""
    parts = {"states": context.states, "rewards": context.rewards} | more
    return ", ".join(f"{name} = {shown(value)}" for name, value in parts.items())


def start(
    context: Context, value: np.ndarray, gamma: float, alpha: float, X: np.ndarray | None = None
) -> tuple[np.ndarray, Parameters]:
    """The prompt of a context and the construction's parameters."""
    X = features(context) if X is None else X
    Z = prompt(X, context.rewards[None, :], value, gamma)
    return Z, softmax_td_parameters(len(X), context.n, gamma, alpha, Z)


def value_rows(Z: np.ndarray, p: Parameters, depth: int, step: Callable = layer) -> np.ndarray:
    """The value row after 0, …, depth layers, shape (depth + 1, n + 1)."""
    return np.array([rows(Y).value[0] for Y in transformer(Z, [p] * depth, step)])


def compared(got: np.ndarray, right: np.ndarray, instance: str, what: str) -> str | None:
    """A sentence when two arrays are not equal up to rounding."""
    if np.allclose(got, right, rtol=0, atol=CLOSE * (1 + np.abs(right).max())):
        return None
    return f"At {instance}: {what} {shown(np.asarray(got))}, but {shown(np.asarray(right))} is right."


def called(answer: Callable, arguments: tuple, instance: str) -> tuple[Any, str | None]:
    """What ``answer`` returns, or a sentence on what it raises."""
    try:
        return answer(*arguments), None
    except Exception as error:  # noqa: BLE001  whatever a reader's function does is worth reporting
        return None, f"At {instance}: it raises {type(error).__name__}: {error}."


def array_of(value: Any, shape: tuple[int, ...], name: str, kind: type = float) -> tuple[np.ndarray, str | None]:
    """``value`` as a finite array, or a sentence on why it is none."""
    try:
        array = np.asarray(value, kind)
    except (TypeError, ValueError):
        return np.zeros(shape), f"{name} must be an array of numbers of shape {shape}, got {type(value).__name__}."
    if array.shape != shape:
        return array, f"{name} must have shape {shape}, got {array.shape}."
    return array, None if np.isfinite(array).all() else f"{name} must be finite."
