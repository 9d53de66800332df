"""What an exercise is, and what a judgement of an answer says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from textwrap import fill
from typing import Any


class NotAnAnswer(Exception):
    """The answer is not of the form that the exercise asks for; the message says what was given and what is wanted."""


@dataclass(frozen=True)
class Exercise:
    """A question whose answers can be judged.

    ``judge`` returns None for a right answer and, for a wrong one, a sentence with a counterexample; it raises
    :class:`NotAnAnswer` for what is no answer at all. ``solution`` is a right answer; every one of ``wrong`` is a
    plausible wrong one, which ``judge`` must refute.
    """

    id: str
    wanted: str
    judge: Callable[[Any], str | None]
    solution: Any
    wrong: tuple[Any, ...]


@dataclass(frozen=True)
class Judgement:
    """Whether an answer is right, and, when it is not, why: true in a condition exactly when it is right."""

    exercise: str
    correct: bool
    why: str = ""

    def __bool__(self) -> bool:
        return self.correct

    def __repr__(self) -> str:
        text = f"{self.exercise}: right." if self.correct else f"{self.exercise}: not yet. {self.why}"
        return "\n".join(fill(line, 80) for line in text.splitlines())
