"""Exercises that judge their answers: ``check(id, answer)`` says right, or shows a counterexample."""

from __future__ import annotations

from typing import Any

from icrl.exercises import (
    attention,
    averagers,
    context,
    emergence,
    failures,
    foundations,
    kernels,
    linear_attention,
    losses,
    operators,
    pitfalls,
    scores,
    siblings,
    trained,
)
from icrl.exercises.model import Exercise, Judgement, NotAnAnswer

__all__ = ["EXERCISES", "Exercise", "Judgement", "check"]

MODULES = (
    foundations,
    linear_attention,
    attention,
    operators,
    context,
    failures,
    averagers,
    kernels,
    siblings,
    scores,
    losses,
    emergence,
    pitfalls,
    trained,
)
EXERCISES: dict[str, Exercise] = {exercise.id: exercise for module in MODULES for exercise in module.EXERCISES}
"""Every exercise of the book, by id, in the book's order."""


def check(id: str, answer: Any) -> Judgement:
    """Judge ``answer`` to the exercise ``id``.

    A wrong answer is met with an instance at which it is wrong, and so is a function that fails on one. Raises
    ``ValueError`` for an unknown id, and for an answer that is not of the form the exercise asks for.
    """
    if id not in EXERCISES:
        raise ValueError(f"id must be one of {', '.join(EXERCISES)}, got {id!r}")
    exercise = EXERCISES[id]
    try:
        why = exercise.judge(answer)
    except NotAnAnswer as error:
        raise ValueError(f"answer to {id} must be {exercise.wanted}: {error}") from None
    return Judgement(id, why is None, why or "")
