r"""The exercises of "Attention, prompts and masks", "Softmax attention is weighted softmax TD" and "Two heads, or one head and a shift"."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice, repeat
from typing import Any

import numpy as np

from icrl import td
from icrl.algebra import all_visible, place, scalar, shift
from icrl.exercises.answers import CLOSE, a_context, a_function, differs, shown
from icrl.exercises.model import Exercise, NotAnAnswer
from icrl.mrp import Context, finite_array
from icrl.prompt import REWARD, TARGET, VALUE, prompt, row_sizes, rows
from icrl.transformer import Parameters, attention, dual_head_layer, layer, softmax_td_parameters, transformer

PROMPTS = "attention-prompts-masks"
THEOREM = "softmax-td"
HEADS = "two-heads"


# Contexts, and the construction on them


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


# Attention, prompts and masks


def judge_own_transitions(answer: Any) -> str | None:
    """``answer(states)``, a mask (keys, queries), must make the layer batch tabular TD, whatever the features."""
    mask = a_function(answer, "the states of a context")
    for context in CONTEXTS:
        instance, size = named(context), (context.n + 1,) * 2
        given, why = called(mask, (context.states.copy(),), instance)
        if why:
            return why
        visible, why = array_of(given, size, "the mask", bool)
        if why:
            return f"At {instance}: {why}"
        Z, p = start(context, first_values(context), 0.5, 0.5)
        got = value_rows(Z, replace(p, visible=visible), 2)[2]
        loop = td.tabular_td(context.states.tolist(), context.rewards, 0.5, repeat(0.5), {s: 1.0 - s for s in range(3)})
        v = next(islice(loop, 2, None))
        if why := compared(
            got,
            [v[s] for s in context.states.tolist()],
            f"{instance}, v_0(s) = 1 − s, γ = α = 0.5",
            "two layers give the values",
        ):
            return why
    return None


def own_transitions(states: np.ndarray) -> np.ndarray:
    """Key k, a source, is visible to query j when S_k = S_j."""
    visible = states[:, None] == states[None, :]
    visible[-1] = False
    return visible


def judge_harmless_leak(answer: Any) -> str | None:
    """``answer`` = (states, rewards, v): one layer with and without the mask must agree, v(S_n) not 0 (γ = α = ½, one-hot)."""
    try:
        states, rewards, v = answer
        context = a_context((states, rewards))
        v = finite_array("v", v, ("S",))
    except (TypeError, ValueError) as error:
        raise NotAnAnswer(str(error)) from None
    if context.states.max() >= v.size:
        raise NotAnAnswer(f"state {context.states.max()} has no value: v has {v.size} entries")
    Z, p = start(context, v[context.states][None, :], 0.5, 0.5, np.eye(v.size)[context.states].T)
    masked, leaking = (value_rows(Z, replace(p, visible=m), 1)[1] for m in (p.visible, all_visible(context.n, Z)))
    if abs(v[context.states[-1]]) < CLOSE:
        return f"v(S_n) is 0; asked for is one that is not. With the mask the values become {shown(masked)}, without it {shown(leaking)}."
    if not np.allclose(masked, leaking, rtol=0, atol=CLOSE):
        j = int(np.argmax(np.abs(masked - leaking)))
        return f"With the mask the value in column {j} becomes {masked[j]:.4g}, without it {leaking[j]:.4g}."
    return None


def judge_two_step(answer: Any) -> str | None:
    """``answer(n, gamma)`` = (Pi, visible, c): with two-step rewards in the reward row, the layer must be two-step softmax TD."""
    pieces = a_function(answer, "n and gamma")
    for context in CONTEXTS[2:]:
        n, gamma, alpha = context.n, 0.5, 0.5
        instance = named(context) + ", γ = α = 0.5"
        given, why = called(pieces, (n, gamma), instance)
        if why:
            return why
        try:
            Pi, visible, c = given
        except (TypeError, ValueError):
            raise NotAnAnswer(f"at n = {n} it returns {type(given).__name__}, not three things") from None
        Pi, first = array_of(Pi, (n + 1, n + 1), "Pi")
        visible, second = array_of(np.reshape(visible, (-1, 1)), (n + 1, 1), "the mask", bool)
        c, third = array_of(c, (), "the factor")
        if why := first or second or third:
            return f"At n = {n}: {why}"
        got = rows(_two_step_layer(context, gamma, alpha, Pi, visible, c)).value[0]
        right = _two_step_loop(context, gamma, alpha, layers=2)
        if why := compared(got, right, f"{instance}, v_0(s) = 1 − s", "two layers give the values"):
            return why
    return None


def _two_step_layer(
    context: Context, gamma: float, alpha: float, Pi: np.ndarray, visible: np.ndarray, c: Any
) -> np.ndarray:
    """The prompt with R_{j+1} + γR_{j+2} in its reward row, after two layers with the pieces given."""
    Z, p = start(context, first_values(context), gamma, alpha)
    Z[-3, :-2] += gamma * Z[-3, 1:-1]
    Z[-2] = c * Z[-1] @ Pi
    W = place({(TARGET, VALUE): scalar(c, Z)}, row_sizes(2), row_sizes(2), Z)
    p = replace(p, visible=visible, W=W, shift=Pi)
    return layer(layer(Z, p), p)


def _two_step_loop(context: Context, gamma: float, alpha: float, layers: int) -> list[float]:
    """Softmax TD with the errors R_{k+1} + γR_{k+2} + γ²v(S_{k+2}) − v(S_k), k ≤ n − 2, by a loop."""
    S, R = context.states.tolist(), context.rewards
    x = dict(zip(S, features(context).T))
    kernel = td.softmax_kernel([*S[:-2], S[-1]], lambda s, u: float(x[s] @ x[u]))
    kernel |= td.softmax_kernel([*S[:-2], S[-2]], lambda s, u: float(x[s] @ x[u]))
    v = {s: 1.0 - s for s in S}
    for _ in range(layers):
        delta = [R[k] + gamma * R[k + 1] + gamma**2 * v[S[k + 2]] - v[S[k]] for k in range(context.n - 1)]
        v = {s: v[s] + alpha * td.inner(kernel[s], delta) for s in v}
    return [v[s] for s in S]


def two_steps(n: int, gamma: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Π², the last two keys hidden, γ²."""
    Pi = shift(n, np.zeros(1))
    return Pi @ Pi, np.arange(n + 1) < n - 1, gamma**2


# Softmax attention is weighted softmax TD


def judge_ledger_of_costs(answer: Any) -> str | None:
    """``answer(gamma, alpha)``: V's entries under costs −R and an undiscounted memory v(S_{j+1}) must make the layer softmax TD."""
    entries = a_function(answer, "gamma and alpha")
    for context in CONTEXTS:
        for gamma, alpha in ((0.5, 0.5), (0.9, 0.25)):
            instance = f"{named(context)}, v_0(s) = 1 − s, γ = {gamma}, α = {alpha}"
            given, why = called(entries, (gamma, alpha), instance)
            if why:
                return why
            row, why = array_of(given, (3,), "the three entries")
            if why:
                return f"At {instance}: {why}"
            Z, p = start(context, first_values(context), gamma, alpha)
            right = value_rows(Z, p, 2)[2]
            Z[-3], Z[-2] = -Z[-3], Z[-1] @ p.shift
            put = {(VALUE, band): scalar(entry, Z) for band, entry in zip((REWARD, TARGET, VALUE), row)}
            p = replace(
                p,
                V=place(put, row_sizes(2), row_sizes(2), Z),
                W=place({(TARGET, VALUE): scalar(1, Z)}, row_sizes(2), row_sizes(2), Z),
            )
            if why := compared(value_rows(Z, p, 2)[2], right, instance, "two layers give the values"):
                return why
    return None


def judge_how_sharp(answer: Any) -> str | None:
    """``answer(n, n_s, m)``: β with which one-hot features √β e_s give a state with n_s of n transitions the own weight m."""
    sharpness = a_function(answer, "n, n_s and m")
    for n, n_s, m in ((2, 1, 0.75), (10, 1, 0.95), (10, 5, 0.9), (40, 3, 0.99)):
        instance = f"n = {n}, n_s = {n_s}, m = {m}"
        given, why = called(sharpness, (n, n_s, m), instance)
        if why:
            return why
        beta, why = array_of(given, (), "β")
        if why or beta < 0:
            return f"At {instance}: {why or f'β = {beta:.4g} is negative, and √β is no feature.'}"
        own = _own_weight(n, n_s, float(beta))
        if abs(own - m) > CLOSE:
            return (
                f"At {instance}: β = {beta:.4g} puts the weight {own:.4g} on the state's own transitions, and not {m}."
            )
    return None


def _own_weight(n: int, n_s: int, beta: float) -> float:
    """The share of state 0's own transitions, in a context that leaves it n_s times and state 1 n − n_s times."""
    states = [0] * n_s + [1] * (n - n_s) + [0]
    weights = td.softmax_kernel(states, lambda s, u: beta * (s == u))[0]
    return float(sum(weights[:n_s]))


def judge_end_of_the_road(answer: Any) -> str | None:
    """``answer(r, gamma)``: where v(a) goes with depth on the context (a, r, b) of one transition, α = 1, v_0 = 0."""
    limit = a_function(answer, "r and gamma")
    for r, gamma in ((1.0, 0.9), (1.0, 0.0), (-2.0, 0.5)):
        Z, p = start(Context([0, 1], [r]), np.zeros((1, 2)), gamma, 1.0)
        right = value_rows(Z, p, 400)[-1, 0]
        if why := differs(limit, (r, gamma), right, f"r = {r:g}, γ = {gamma}"):
            return why
    return None


# Two heads, or one head and a shift


UNSEEN = Context([0, 1, 0, 2], [1, -1, 2])
UNSEEN_GAMMA = 0.5


def judge_unseen_difference(answer: Any) -> str | None:
    """``answer``: a target row with which the two layers differ, and yet give the same values at every depth."""
    target, why = array_of(answer, (UNSEEN.n + 1,), "the target row")
    if why:
        raise NotAnAnswer(why)
    Z, p = start(UNSEEN, first_values(UNSEEN), UNSEEN_GAMMA, 0.5)
    Z[-2] = target
    if np.allclose(dual_head_layer(Z, p), layer(Z, p), rtol=0, atol=CLOSE):
        return f"This is γ times the shifted value row {shown(Z[-1])}: the two layers agree in every entry."
    one, two = (value_rows(Z, p, 6, step) for step in (layer, dual_head_layer))
    gaps = np.abs(one - two).max(axis=1)
    if gaps.max() > CLOSE * (1 + np.abs(one).max()):
        depth = int(np.argmax(gaps > CLOSE * (1 + np.abs(one).max())))
        return f"After {depth} layers the values are {shown(one[depth])} with the target-memory step, and {shown(two[depth])} with two heads."
    return None


COVERED = (Context([0, 0], [1]), Context([0, 1, 0], [1, 0]), Context([0, 1, 0, 0, 2, 1, 0], [1, 0, 2, -1, 0.5, 1]))


def judge_frozen_memory(answer: Any) -> str | None:
    """``answer(states, rewards, gamma, v)``: the values, by state, in the limit of attention layers without a target-memory step."""
    limit = a_function(answer, "states, rewards, gamma and v")
    for context in COVERED:
        for v in (np.zeros(3), np.array([1.0, -1.0, 2.0])):
            W = context.visited
            Z, p = start(context, v[context.states][None, :], 0.5, 0.5, 3 * np.eye(3)[context.states].T)
            final = value_rows(Z, p, 200, attention)[-1]
            right = [final[np.flatnonzero(context.states == s)[0]] for s in W]
            arguments = (context.states.tolist(), context.rewards.tolist(), 0.5, v[W].tolist())
            if why := differs(limit, arguments, right, named(context, v_0=v[W]) + ", γ = 0.5"):
                return why
    return None


def frozen_memory(states: Sequence[int], rewards: Sequence[float], gamma: float, v: Sequence[float]) -> list[float]:
    """One application of the empirical Bellman operator to v_0: the mean of R + γ v_0(S') over the visits."""
    v0 = dict(zip(sorted(set(states)), v))
    targets = [(s, r + gamma * v0[after]) for s, r, after in zip(states[:-1], rewards, states[1:])]
    return [float(np.mean([t for s, t in targets if s == w])) for w in sorted(v0)]


def _certainty_equivalence(
    states: Sequence[int], rewards: Sequence[float], gamma: float, v: Sequence[float]
) -> list[float]:
    loop = td.tabular_td(states, rewards, gamma, repeat(1.0))
    final = next(islice(loop, 200, None))
    return [final[s] for s in sorted(final)]


def _mean_reward(states: Sequence[int], rewards: Sequence[float], gamma: float, v: Sequence[float]) -> list[float]:
    return frozen_memory(states, rewards, 0.0, v)


EXERCISES = (
    Exercise(
        id="own-transitions",
        chapter=PROMPTS,
        wanted="a function states -> mask, from an integer array (n+1,) to a Boolean array (n+1, n+1), keys down and queries across",
        judge=judge_own_transitions,
        solution=own_transitions,
        wrong=(
            lambda states: states[:, None] == states[None, :],
            lambda states: own_transitions(states).T,
            lambda states: (np.arange(states.size)[:, None] < states.size - 1) & np.eye(states.size, dtype=bool),
        ),
    ),
    Exercise(
        id="harmless-leak",
        chapter=PROMPTS,
        wanted="(states, rewards, v): n + 1 states, n rewards, and the value of each state 0, 1, …",
        judge=judge_harmless_leak,
        solution=([0, 0], [-1], [2]),
        wrong=(([0, 0], [1], [0]), ([0, 0], [1], [2]), ([0, 1], [0], [0, 1])),
    ),
    Exercise(
        id="two-step-targets",
        chapter=PROMPTS,
        wanted="a function (n, gamma) -> (Pi, visible, factor): arrays of shapes (n+1, n+1) and (n+1,), and a number",
        judge=judge_two_step,
        solution=two_steps,
        wrong=(
            lambda n, gamma: (two_steps(n, gamma)[0], np.arange(n + 1) < n, gamma**2),
            lambda n, gamma: (*two_steps(n, gamma)[:2], gamma),
            lambda n, gamma: (two_steps(n, gamma)[0].T, *two_steps(n, gamma)[1:]),
        ),
    ),
    Exercise(
        id="ledger-of-costs",
        chapter=THEOREM,
        wanted="a function (gamma, alpha) -> the entries of V's last row against the reward, target and value rows",
        judge=judge_ledger_of_costs,
        solution=lambda gamma, alpha: (-alpha, alpha * gamma, -alpha),
        wrong=(
            lambda gamma, alpha: (alpha, alpha, -alpha),
            lambda gamma, alpha: (-alpha, alpha, -alpha),
            lambda gamma, alpha: (-alpha, gamma, -alpha),
        ),
    ),
    Exercise(
        id="how-sharp",
        chapter=THEOREM,
        wanted="a function (n, n_s, m) -> β of three numbers",
        judge=judge_how_sharp,
        solution=lambda n, n_s, m: np.log(m / (1 - m) * (n - n_s) / n_s),
        wrong=(
            lambda n, n_s, m: np.log(m / (1 - m)),
            lambda n, n_s, m: np.log(m / (1 - m) * (n - 1)),
            lambda n, n_s, m: m / (1 - m) * (n - n_s) / n_s,
        ),
    ),
    Exercise(
        id="end-of-the-road",
        chapter=THEOREM,
        wanted="a function (r, gamma) -> the limit of v(a)",
        judge=judge_end_of_the_road,
        solution=lambda r, gamma: r / (1 - gamma),
        wrong=(lambda r, gamma: r, lambda r, gamma: r * (1 + gamma)),
    ),
    Exercise(
        id="unseen-difference",
        chapter=HEADS,
        wanted="a target row of four numbers",
        judge=judge_unseen_difference,
        solution=[0, 0.5, -0.5, 7],
        wrong=([0, 0.5, -0.5, 0], [1, 0.5, -0.5, 0], [0, 0, 0, 0]),
    ),
    Exercise(
        id="frozen-memory",
        chapter=HEADS,
        wanted="a function (states, rewards, gamma, v) -> values of the visited states, in increasing order",
        judge=judge_frozen_memory,
        solution=frozen_memory,
        wrong=(_certainty_equivalence, _mean_reward),
    ),
)
"""Three, three and two for the three chapters, in the order of the text."""
