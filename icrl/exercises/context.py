"""The exercises of "Context: the statistical floor"."""

from __future__ import annotations

import math
from typing import Any

from icrl.arrays import np
from icrl.exercises.judging.answers import CLOSE, a_function, differs, shown
from icrl.exercises.judging.judgement import Exercise, NotAnAnswer
from icrl.mrp import Context, MarkovRewardProcess, state_array
from icrl.operator import layer_operator
from icrl.tasks import one_hot

# The floor when rewards are noisy


OUTCOMES = (
    ([0.5, 0.5], [0, 1], [0.0, 0.0], [2.0, 4.0], 0.5),
    ([0.5, 0.5], [0, 0], [1.0, -1.0], [3.0], 0.5),
    ([0.5, 0.5], [0, 1], [1.0, -1.0], [0.0, 4.0], 0.5),
    ([0.2, 0.3, 0.5], [2, 0, 1], [0.0, 2.0, -1.0], [1.0, 5.0, -3.0], 0.8),
)
"""What can follow one state: probabilities, next states, rewards; the values of all states; γ."""


def judge_noisy_floor(answer: Any) -> str | None:
    """``answer(probability, next_state, reward, v, gamma)``: the length of the least interval with R + γv(S') in it."""
    spread = a_function(answer, "probability, next_state, reward, v and gamma")
    for probability, after, reward, v, gamma in OUTCOMES:
        targets = [r + gamma * v[s] for r, s in zip(reward, after)]
        arguments = (np.array(probability), np.array(after), np.array(reward), np.array(v), gamma)
        instance = f"probability = {probability}, next_state = {after}, reward = {reward}, v = {v}, γ = {gamma}"
        if why := differs(spread, arguments, max(targets) - min(targets), instance):
            return why
    return None


def target_span(
    probability: np.ndarray, next_state: np.ndarray, reward: np.ndarray, v: np.ndarray, gamma: float
) -> float:
    """max − min of R + γv(S')."""
    return span(reward + gamma * v[next_state])


def span(numbers: np.ndarray) -> float:
    """max − min."""
    return float(numbers.max() - numbers.min())


# Stopped in time


COIN = MarkovRewardProcess([[0.5, 0.5], [0.5, 0.5]], [1, 0], 0.9)
"""Two states, the next one drawn by a fair coin; state 0 pays 1, state 1 nothing: v^π = (5.5, 4.5)."""

MOST_TRANSITIONS, TIMES_CLOSER, DEEPEST = 6, 10, 200


def judge_stopped_in_time(answer: Any) -> str | None:
    """``answer``: a covered walk of the coin at which some depth is ten times closer to v^π than v_CE is.

    One-hot features, β = 8, α = 1, v_0 = 0.
    """
    context = _walk(answer)
    if not context.covered:
        return f"State {context.states[-1]} is visited and never left: nothing was counted there that v_CE could be made of."
    values, limit = _errors(context)
    depth = int(values.argmin())
    if limit < CLOSE:
        return f"v_CE = {shown(COIN.value()[context.visited])} is v^π already: no depth comes closer."
    if TIMES_CLOSER * values[depth] > limit:
        best = f"the best depth, L = {depth}, is still {shown(values[depth])} away"
        return f"v_CE is {shown(limit)} away from v^π, and {best}."
    return None


def _walk(answer: Any) -> Context:
    """States 0 and 1, at most six transitions, with the coin's rewards."""
    try:
        states = state_array("states", answer)
        if max(states.tolist(), default=0) > 1 or states.size > MOST_TRANSITIONS + 1:
            raise ValueError(f"states must be 0 or 1, {MOST_TRANSITIONS + 1} of them at most, got {states.tolist()}")
        return Context(states, COIN.reward[states[:-1]])
    except ValueError as error:
        raise NotAnAnswer(str(error)) from None


def _errors(context: Context) -> tuple[np.ndarray, float]:
    """max_W |v_L − v^π| for L = 0, …, 200, and max_W |v_CE − v^π|."""
    op = layer_operator(context, one_hot(2, 8.0), COIN.discount)
    truth, v = COIN.value()[op.states], np.zeros(len(op.states))
    errors = []
    for _ in range(DEEPEST + 1):
        errors.append(np.abs(v - truth).max())
        v = op.update(v, 1.0)
    return np.array(errors), float(np.abs(op.certainty_equivalence() - truth).max())


# How many layers a longer context deserves


def judge_layers_for_context(answer: Any) -> str | None:
    """``answer(k, rate)``: by how many layers the depth worth using grows, before rounding, when F falls by √k."""
    layers = a_function(answer, "k and rate")
    for k, rate in ((4.0, 0.5), (100.0, 0.9), (1.0, 0.9), (1e6, 0.95)):
        if why := differs(layers, (k, rate), layers_for_context(k, rate), f"k = {k:g}, rate = {rate}"):
            return why
    return None


def layers_for_context(k: float, rate: float) -> float:
    """The L with rate^L = 1/√k."""
    return math.log(k) / (2 * math.log(1 / rate))


EXERCISES = (
    Exercise(
        id="noisy-floor",
        wanted="a function (probability, next_state, reward, v, gamma) -> a number, of four arrays and a number",
        judge=judge_noisy_floor,
        solution=target_span,
        wrong=(
            lambda probability, next_state, reward, v, gamma: gamma * span(v[next_state]),
            lambda probability, next_state, reward, v, gamma: span(reward) + gamma * span(v[next_state]),
            lambda probability, next_state, reward, v, gamma: span(probability * (reward + gamma * v[next_state])),
        ),
    ),
    Exercise(
        id="stopped-in-time",
        wanted="a list of at most seven states, each 0 or 1",
        judge=judge_stopped_in_time,
        solution=[0, 0],
        wrong=([1, 1], [0, 0, 1, 1, 0], [0, 1, 0], [0, 0, 1]),
    ),
    Exercise(
        id="layers-for-context",
        wanted="a function (k, rate) -> a number of layers",
        judge=judge_layers_for_context,
        solution=layers_for_context,
        wrong=(
            lambda k, rate: k,
            lambda k, rate: math.log(k) / math.log(1 / rate),
            lambda k, rate: math.sqrt(k),
        ),
    ),
)
"""The three of the chapter, in the order of the text."""
