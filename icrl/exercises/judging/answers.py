"""What every judge needs: taking an answer for what it should be, comparing it, and showing it to a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from icrl.arrays import np
from icrl.exercises.judging.judgement import NotAnAnswer
from icrl.mrp import Context

CLOSE = 1e-6
"""How near an answer must be, relative to the largest number around: far above rounding, far below any mistake."""


def shown(value: Any) -> str:
    """Numbers for a person: four digits, brackets where there is more than one."""
    if np.asarray(value).ndim == 0:
        return f"{float(value):.4g}"
    return "[" + ", ".join(map(shown, value)) + "]"


def a_function(answer: Any, arguments: str) -> Callable:
    """``answer``, if it can be called."""
    if not callable(answer):
        raise NotAnAnswer(f"got {type(answer).__name__}, not a function of {arguments}")
    return answer


def a_context(given: Any) -> Context:
    """``given`` = (states, rewards) as a context."""
    try:
        states, rewards = given
        return Context(states, rewards)
    except (TypeError, ValueError) as error:
        raise NotAnAnswer(str(error)) from None


def array_of(value: Any, shape: tuple[int, ...], name: str, kind: type = float) -> tuple[np.ndarray, str | None]:
    """``value`` as a finite array, or a sentence on why it is none."""
    try:
        array: np.ndarray = np.asarray(value, kind)
    except (TypeError, ValueError):
        return np.zeros(shape), f"{name} must be an array of numbers of shape {shape}, got {type(value).__name__}."
    if array.shape != shape:
        return array, f"{name} must have shape {shape}, got {array.shape}."
    return array, None if np.all(np.isfinite(array)) else f"{name} must be finite."


def called(answer: Callable, *arguments: Any) -> tuple[Any, str | None]:
    """What ``answer`` returns for copies of the arguments, or what it raises instead."""
    try:
        return answer(*(a.copy() if isinstance(a, np.ndarray) else a for a in arguments)), None
    except Exception as error:  # noqa: BLE001  whatever a reader's function does is worth reporting
        return None, f"{type(error).__name__}: {error}"


def near(got: np.ndarray, right: np.ndarray) -> bool:
    """Whether two arrays of one shape are equal up to rounding."""
    return np.allclose(got, right, rtol=0, atol=CLOSE * (1 + np.max(np.abs(right))))


def differs(answer: Callable, arguments: tuple, right: Any, instance: str) -> str | None:
    """What is wrong with ``answer(*arguments)``, if anything: an exception, another shape, NaN, another number."""
    got, raised = called(lambda *given: _numbers(answer(*given)), *arguments)
    right = np.asarray(right, dtype=float)
    if raised:
        return f"At {instance}:\nit raises {raised}."
    if got is None:
        return f"At {instance}:\nnothing comes back, but {shown(right)} is right."
    if got.shape != right.shape:
        return f"At {instance}:\nthe answer has shape {got.shape}, and {right.shape} is right."
    return None if near(got, right) else f"At {instance}:\n{shown(got)}, but {shown(right)} is right."


def _numbers(value: Any) -> np.ndarray | None:
    return None if value is None else np.asarray(value, dtype=float)
