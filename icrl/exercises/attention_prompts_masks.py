"""The exercises of "Attention, prompts and masks"."""

from __future__ import annotations

from itertools import islice, repeat
from typing import Any

from icrl import td
from icrl.algebra import all_visible, place, scalar, shift
from icrl.arrays import np
from icrl.exercises.judging.answers import CLOSE, a_context, a_function, array_of, called, shown
from icrl.exercises.judging.construction import CONTEXTS, compared, features, first_values, named, start, value_rows
from icrl.exercises.judging.judgement import Exercise, NotAnAnswer
from icrl.mrp import Context, finite_array
from icrl.prompt import TARGET, VALUE, row_sizes, rows
from icrl.transformer import layer


def judge_own_transitions(answer: Any) -> str | None:
    """``answer(states)``, a mask (keys, queries), must make the layer batch tabular TD, whatever the features."""
    mask = a_function(answer, "the states of a context")
    for context in CONTEXTS:
        instance, size = named(context), (context.n + 1,) * 2
        given, raised = called(mask, context.states)
        if raised:
            return f"At {instance}:\nit raises {raised}."
        visible, why = array_of(given, size, "the mask", bool)
        if why:
            return f"At {instance}: {why}"
        Z, p = start(context, first_values(context), 0.5, 0.5)
        got = value_rows(Z, p.with_head(visible=visible), 2)[2]
        ones = {s: 1.0 - s for s in range(3)}
        loop = td.tabular_td(context.states.tolist(), list(context.rewards), 0.5, repeat(0.5), ones)
        v = next(islice(loop, 2, None))
        if why := compared(
            got,
            np.array([v[s] for s in context.states.tolist()]),
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
    """``answer`` = (states, rewards, v): a layer does the same without the mask, v(S_n) not 0 (γ = α = ½, one-hot)."""
    try:
        states, rewards, v = answer
        context = a_context((states, rewards))
        v = finite_array("v", v, ("S",))
    except (TypeError, ValueError) as error:
        raise NotAnAnswer(str(error)) from None
    if context.states.max() >= v.size:
        raise NotAnAnswer(f"state {context.states.max()} has no value: v has {v.size} entries")
    Z, p = start(context, v[context.states][None, :], 0.5, 0.5, np.eye(v.size)[context.states].T)
    unmasked = p.with_head(visible=all_visible(context.n, Z))
    masked, leaking = (value_rows(Z, each, 1)[1] for each in (p, unmasked))
    if abs(v[context.states[-1]]) < CLOSE:
        become = f"With the mask the values become {shown(masked)}, without it {shown(leaking)}."
        return f"v(S_n) is 0; asked for is one that is not. {become}"
    if not np.allclose(masked, leaking, rtol=0, atol=CLOSE):
        j = int(np.abs(masked - leaking).argmax())
        return f"With the mask the value in column {j} becomes {masked[j]:.4g}, without it {leaking[j]:.4g}."
    return None


def judge_two_step(answer: Any) -> str | None:
    """``answer(n, gamma)`` = (Pi, visible, c): the layer on rewards of two steps must be two-step softmax TD."""
    pieces = a_function(answer, "n and gamma")
    for context in CONTEXTS[2:]:
        n, gamma, alpha = context.n, 0.5, 0.5
        instance = named(context) + ", γ = α = 0.5"
        given, raised = called(pieces, n, gamma)
        if raised:
            return f"At {instance}:\nit raises {raised}."
        try:
            Pi, visible, c = given
        except (TypeError, ValueError):
            raise NotAnAnswer(f"at n = {n} it returns {type(given).__name__}, not three things") from None
        Pi, first = array_of(Pi, (n + 1, n + 1), "Pi")
        visible, second = array_of(np.asarray(visible).reshape(-1, 1), (n + 1, 1), "the mask", bool)
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
    p = p.with_head(visible=visible).with_memory(W=W, shift=Pi)
    return layer(layer(Z, p), p)


def _two_step_loop(context: Context, gamma: float, alpha: float, layers: int) -> np.ndarray:
    """Softmax TD with the errors R_{k+1} + γR_{k+2} + γ²v(S_{k+2}) − v(S_k), k ≤ n − 2, by a loop."""
    S, R = context.states.tolist(), context.rewards
    x = dict(zip(S, features(context).T))
    kernel = td.softmax_kernel([*S[:-2], S[-1]], lambda s, u: float(x[s] @ x[u]))
    kernel |= td.softmax_kernel([*S[:-2], S[-2]], lambda s, u: float(x[s] @ x[u]))
    v = {s: 1.0 - s for s in S}
    for _ in range(layers):
        delta = [R[k] + gamma * R[k + 1] + gamma**2 * v[S[k + 2]] - v[S[k]] for k in range(context.n - 1)]
        v = {s: v[s] + alpha * td.inner(kernel[s], delta) for s in v}
    return np.array([v[s] for s in S])


def two_steps(n: int, gamma: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Π², the last two keys hidden, γ²."""
    Pi = shift(n, np.zeros(1))
    return Pi @ Pi, np.arange(n + 1) < n - 1, gamma**2


EXERCISES = (
    Exercise(
        id="own-transitions",
        wanted="a function states -> mask, from an integer array (n+1,) to a Boolean array (n+1, n+1), "
        "keys down and queries across",
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
        wanted="(states, rewards, v): n + 1 states, n rewards, and the value of each state 0, 1, …",
        judge=judge_harmless_leak,
        solution=([0, 0], [-1], [2]),
        wrong=(([0, 0], [1], [0]), ([0, 0], [1], [2]), ([0, 1], [0], [0, 1])),
    ),
    Exercise(
        id="two-step-targets",
        wanted="a function (n, gamma) -> (Pi, visible, factor): arrays of shapes (n+1, n+1) and (n+1,), and a number",
        judge=judge_two_step,
        solution=two_steps,
        wrong=(
            lambda n, gamma: (two_steps(n, gamma)[0], np.arange(n + 1) < n, gamma**2),
            lambda n, gamma: (*two_steps(n, gamma)[:2], gamma),
            lambda n, gamma: (two_steps(n, gamma)[0].T, *two_steps(n, gamma)[1:]),
            lambda n, gamma: (two_steps(n, gamma)[0][:n, :n], *two_steps(n, gamma)[1:]),
        ),
    ),
)
"""Three, in the order of the text."""
