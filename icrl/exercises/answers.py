"""What every judge needs: taking an answer for what it should be, comparing it, and showing it to a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from icrl.exercises.judgement import NotAnAnswer
from icrl.mrp import Context

CLOSE = 1e-6
"""How near an answer must be, relative to the largest number around: far above rounding, far below any mistake."""


def shown(value: Any) -> str:
    """Numbers for a person: four digits, brackets where there is more than one."""
    if np.ndim(value) == 0:
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


def differs(answer: Callable, arguments: tuple, right: Any, instance: str) -> str | None:
    """What is wrong with ``answer(*arguments)``, if anything: an exception, another shape, NaN, another number."""
    try:
        got = answer(*(np.copy(a) if isinstance(a, np.ndarray) else a for a in arguments))
        array = np.asarray(np.zeros(0) if got is None else got, dtype=float)
    except Exception as error:
        return f"At {instance}:\nit raises {type(error).__name__}: {error}."
    right = np.asarray(right, dtype=float)
    if got is None:
        return f"At {instance}:\nnothing comes back, but {shown(right)} is right."
    if array.shape != right.shape:
        return f"At {instance}:\nthe answer has shape {array.shape}, and {right.shape} is right."
    if not np.allclose(array, right, rtol=0, atol=CLOSE * (1 + np.abs(right).max())):
        return f"At {instance}:\n{shown(array)}, but {shown(right)} is right."
    return None
