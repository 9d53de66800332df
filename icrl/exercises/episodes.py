"""The exercises of "Episodes: endings and cuts"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from icrl.algebra import shift, sources_visible
from icrl.arrays import np
from icrl.exercises.judging.answers import a_function, array_of, called, shown
from icrl.exercises.judging.judgement import Exercise, NotAnAnswer
from icrl.mrp import Context
from icrl.operator import layer_operator
from icrl.tasks import one_hot

LAYOUTS = (
    ((2,), (False,)),
    ((2,), (True,)),
    ((1, 1), (True, False)),
    ((3, 2, 2), (True, False, True)),
    ((1, 4, 2, 1), (False, False, True, True)),
)
"""Lengths of trajectories and whether each terminated, on which masks and shifts are compared."""

MOST, SHARP, WANTED = 4, 8.0, 0.1
"""Transitions of a context without a value; the sharpness and the margin asked for without discount."""


def judge_mask_and_shift(answer: Any) -> str | None:
    """``answer(lengths, terminated)`` must be Π and the mask, on a few layouts."""
    pieces = a_function(answer, "lengths and terminated")
    for lengths, terminated in LAYOUTS:
        endings = tuple(zip(lengths, terminated))
        Pi, mask = shift(endings, np.eye(1)), sources_visible(endings, np.eye(1))[:, 0]
        given, raised = called(lambda *lists: tuple(pieces(*lists)), list(lengths), list(terminated))
        at = f"At lengths {list(lengths)} and terminated {list(terminated)}:\n"
        if raised or len(given) != 2:
            return at + (f"it raises {raised}." if raised else f"{len(given)} things come back, not two.")
        got, wrong = array_of(given[0], Pi.shape, "the shift")
        seen, unfit = array_of(given[1], mask.shape, "the mask")
        if wrong or unfit:
            return at + str(wrong or unfit)
        if (seen != mask).any():
            return at + f"the mask is {shown(seen)}, but {shown(mask)} is right, by column."
        if (got != Pi).any():
            j = int((got != Pi).any(axis=0).argmax())
            return at + f"column {j} of the shift is {shown(got[:, j])}, but {shown(Pi[:, j])} is right."
    return None


def trajectories(answer: Any) -> Context:
    """Pairs of states and whether they terminated as a context whose rewards are 0, its states numbered in order from 0."""
    try:
        pairs = [(list(states), ended) for states, ended in answer]
        names = sorted({s for states, _ in pairs for s in states} | {0, 1, 2})
        return Context.of_trajectories(
            ([names.index(s) for s in states], np.zeros(max(len(states) - 1, 0)), ended) for states, ended in pairs
        )
    except (TypeError, ValueError) as error:
        raise NotAnAnswer(str(error)) from None


def never_left(context: Context) -> str | None:
    """Which visited states no transition leaves, if there are any."""
    if context.covered:
        return None
    missing = sorted(set(context.visited.tolist()) - set(context.sources.tolist()))
    return f"A trajectory was cut in state {missing[0]}, and no transition leaves it."


def judge_without_a_value(answer: Any) -> str | None:
    """``answer``: trajectories of at most four transitions, covered, one of them terminated, without a value at γ = 1."""
    context = trajectories(answer)
    if context.n > MOST:
        return f"{context.n} transitions are more than {MOST}."
    if why := never_left(context):
        return why
    if not context.terminated.any():
        return "No trajectory terminates."
    operator = layer_operator(context, one_hot(int(context.states.max()) + 1), 1.0)
    try:
        operator.certainty_equivalence()
    except ValueError:
        return None
    return f"Each of the states {operator.states.tolist()} reaches a termination, so there is a value at discount 1."


def judge_margin(answer: Any) -> str | None:
    """``answer``: trajectories in which 0, 1, 2 are the sources, with c' above .1 at γ = 1."""
    context = trajectories(answer)
    if why := never_left(context):
        return why
    if context.visited.tolist() != [0, 1, 2]:
        return f"The states that are left must be 0, 1 and 2, and are {context.visited.tolist()}."
    if context.terminated.all():
        return "Every transition terminates: nothing is left to converge."
    operator = layer_operator(context, one_hot(int(context.states.max()) + 1, SHARP), 1.0)
    if operator.margin > WANTED:
        return None
    least = int((2 * operator.M.diagonal() - operator.P.sum(axis=1)).argmin())
    return (
        f"The margin is {operator.margin:.3f}. It is that of state {least}, "
        f"where a share {operator.terminating[least]:.2f} of the transitions terminates."
    )


def solved(lengths: Sequence[int], terminated: Sequence[bool]) -> tuple[np.ndarray, list[bool]]:
    """The shift and the mask."""
    visible: list[bool] = []
    moves: list[int] = []
    for n, ended in zip(lengths, terminated):
        visible += [True] * n + [False]
        moves += [1] * (n - 1) + [int(not ended), 0]
    return np.eye(len(moves), k=-1) * np.array(moves), visible


def _one_walk(lengths: Sequence[int], terminated: Sequence[bool]) -> tuple[np.ndarray, list[bool]]:
    return np.eye(sum(lengths) + 1, k=-1), [True] * sum(lengths) + [False]


def _gap_at_cuts(lengths: Sequence[int], terminated: Sequence[bool]) -> tuple[np.ndarray, list[bool]]:
    return solved(lengths, [True] * len(lengths))


def _no_gaps(lengths: Sequence[int], terminated: Sequence[bool]) -> tuple[np.ndarray, list[bool]]:
    return solved(lengths, [False] * len(lengths))


EXERCISES = (
    Exercise(
        id="mask-and-shift",
        wanted="a function (lengths, terminated) -> (shift, list of truth values)",
        judge=judge_mask_and_shift,
        solution=solved,
        wrong=(_one_walk, _gap_at_cuts, _no_gaps, lambda lengths, terminated: (solved(lengths, terminated)[0].T, [])),
    ),
    Exercise(
        id="without-a-value",
        wanted="a list of pairs (states, terminated)",
        judge=judge_without_a_value,
        solution=[([0, 1], True), ([2, 2], False)],
        wrong=(
            [([0, 1], True), ([2, 3], False)],
            [([0, 1], True), ([1, 0], False)],
            [([0, 0], False)],
            [([0, 1], True), ([2, 3, 4, 2], False), ([2, 1], True)],
        ),
    ),
    Exercise(
        id="margin-without-discount",
        wanted="a list of pairs (states, terminated)",
        judge=judge_margin,
        solution=[([0, 1, 2, 3], True), ([0, 3], True), ([1, 3], True)],
        wrong=([([0, 1, 2, 3], True)] * 3, [([0, 3], True), ([1, 3], True), ([2, 3], True)], [([0, 1, 2, 0], False)]),
    ),
)
"""Three, in the order of the text."""
