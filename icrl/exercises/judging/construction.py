"""Small contexts, the construction on them, and what its layers make of their values."""

from __future__ import annotations

from typing import Any

from icrl.arrays import np
from icrl.exercises.judging.answers import near, shown
from icrl.mrp import Context
from icrl.prompt import prompt, rows
from icrl.transformer import Parameters, softmax_td_parameters, transformer

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


def value_rows(Z: np.ndarray, p: Parameters, depth: int) -> np.ndarray:
    """The value row after 0, …, depth layers, shape (depth + 1, n + 1)."""
    return np.array([rows(Y).value[0] for Y in transformer(Z, [p] * depth)])


def compared(got: np.ndarray, right: np.ndarray, instance: str, what: str) -> str | None:
    """A sentence when two arrays are not equal up to rounding."""
    if near(got, right):
        return None
    return f"At {instance}: {what} {shown(got)}, but {shown(right)} is right."
