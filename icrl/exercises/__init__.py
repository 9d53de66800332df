"""Exercises that judge their answers: ``check(id, answer)`` says right, or shows a counterexample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from icrl.exercises.judging.judgement import Exercise, Judgement, NotAnAnswer
from icrl.loading import Loaded

__all__ = ["CHAPTERS", "EXERCISES", "Exercise", "Judgement", "check"]

CHAPTERS: dict[str, tuple[str, ...]] = {
    "markov-reward-processes": ("reward-on-arrival", "never-settles", "variance-of-return"),
    "temporal-difference-learning": ("order-matters", "where-batch-td-ends", "linear-td-diverges"),
    "attention-prompts-masks": ("own-transitions", "harmless-leak", "two-step-targets"),
    "linear-attention": ("hidden-weights", "one-transition-more", "longest-step"),
    "softmax-td": ("ledger-of-costs", "how-sharp", "end-of-the-road"),
    "two-heads": ("unseen-difference", "frozen-memory"),
    "layer-operator": ("fading-memory", "unmasked-limit"),
    "depth": ("layers-for-a-promise", "two-features"),
    "context": ("noisy-floor", "stopped-in-time", "layers-for-context"),
    "when-it-fails": ("no-safe-discount", "largest-step", "second-feature"),
    "episodes": ("mask-and-shift", "without-a-value", "margin-without-discount"),
    "kernel-averagers": ("averager-limit", "harmless-averaging", "second-thoughts"),
    "kernels-and-sharpness": ("sharp-enough", "kept-measure"),
    "siblings": ("returns-cut-off", "same-end", "drift-of-a-layer"),
    "decoder-mask": ("columns-at-rest", "prefix-mask"),
    "what-attention-cannot-tell-apart": ("hidden-diagonal", "visible-cosine"),
    "why-a-loss-would-want-them": ("silent-error", "loss-at-finite-depth", "one-transition-for-ever"),
    "watching-td-emerge": ("read-as-a-task", "gain-of-a-constant", "what-symmetry-leaves"),
    "what-does-not-emerge": ("discount-of-depth", "another-two-layers", "mirror-image"),
    "trained-model-in-context": ("endless-limit", "restless-context", "safe-factor"),
}
"""The ids of every chapter's exercises, in the book's order; the module of a chapter is its name with underscores."""


PLACES = {id: f"{__name__}.{chapter.replace('-', '_')}" for chapter, ids in CHAPTERS.items() for id in ids}
"""The module of each exercise."""

EXERCISES: Mapping[str, Exercise] = Loaded(
    PLACES, lambda module, id: {exercise.id: exercise for exercise in module.EXERCISES}[id]
)
"""Every exercise of the book, by id, in the book's order; looking one up loads its chapter's module and no other's."""


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
