r"""Temporal-difference learning from its definition: plain loops over transitions, on plain Python numbers.

These are the oracle. They share no code with :mod:`icrl.transformer`, know nothing of matrices, prompts or masks, and
run on whatever numbers they are given: floats, ``Fraction``\ s, SymPy expressions or Arb balls.

A context is ``states`` :math:`S_0, \dots, S_n` (any hashable names) and ``rewards`` :math:`R_1, \dots, R_n`; a value
function is a dictionary from states to numbers, and may be given as a sequence where the states are 0, 1, …. Every
algorithm is an update, folded over the step sizes into an iterator of value functions :math:`v_0, v_1, \dots` that never
ends by itself unless the step sizes do: take what you need with ``itertools.islice``.

Each function raises ``ValueError``, when it is called, for n = 0, lengths that do not match, a reward that is NaN or
infinite, a state without a value or features, a negative state where they are a sequence, and step sizes that are none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from numbers import Real
from operator import mul
from typing import Any

State = Hashable
Values = dict[State, Any]


def inner(x: Sequence, y: Sequence) -> Any:
    """The inner product ⟨x, y⟩ of two sequences of numbers (0 when they are empty)."""
    if len(x) != len(y):
        raise ValueError(f"x and y must be of one length, got {len(x)} and {len(y)}")
    return sum(map(mul, x, y))


def td_errors(states: Sequence[State], rewards: Sequence, v: Mapping | Sequence, gamma: Any) -> list:
    r"""The TD error of every transition: :math:`\delta_k = R_{k+1} + \gamma v(S_{k+1}) - v(S_k)`, k = 0…n−1."""
    _check_context(states, rewards)
    return _td_errors(states, rewards, _by_state("v", v, states), gamma)


def _td_errors(states: Sequence[State], rewards: Sequence, v: Values, gamma: Any) -> list:
    return [r + gamma * v[after] - v[before] for before, r, after in zip(states[:-1], rewards, states[1:], strict=True)]


def softmax_kernel(states: Sequence[State], score: Callable[[State, State], Any], exp: Callable[[Any], Any] | None = None) -> dict[State, list]:
    r"""The weights :math:`K(k \mid s) = e^{g(s, S_k)} / \sum_{i<n} e^{g(s, S_i)}` of the n transitions, for each state s.

    ``score`` is g(s, u), any function of the query state and the key state. ``exp`` replaces the exponential; without it
    the scores are floats and the largest is subtracted first.
    """
    table = {}
    for s in dict.fromkeys(states):
        scores = [score(s, u) for u in states[:-1]]
        top = max(scores) if exp is None else 0
        powers = [math.exp(g - top) if exp is None else exp(g) for g in scores]
        total = sum(powers)
        table[s] = [power / total for power in powers]
    return table


def softmax_td(states: Sequence[State], rewards: Sequence, score: Callable[[State, State], Any], gamma: Any, alphas: Iterable, v: Mapping | Sequence | None = None, exp: Callable[[Any], Any] | None = None) -> Iterator[Values]:
    r"""Weighted softmax TD: :math:`v_{l+1}(s) = v_l(s) + \alpha_l \sum_{k<n} K(k \mid s)\, \delta_k`, for s in the context.

    ``alphas`` holds the step sizes :math:`\alpha_0, \alpha_1, \dots`; ``v`` is :math:`v_0`, 0 unless given.
    Source: Xie et al. 2026.
    """
    _check_context(states, rewards)
    v = _initial(states, v)
    kernel = softmax_kernel(states, score, exp)

    def update(v: Values, alpha: Any) -> Values:
        delta = _td_errors(states, rewards, v, gamma)
        return {s: v[s] + alpha * inner(kernel[s], delta) for s in v}

    return accumulate(_step_sizes(alphas), update, initial=v)


def tabular_td(states: Sequence[State], rewards: Sequence, gamma: Any, alphas: Iterable, v: Mapping | Sequence | None = None) -> Iterator[Values]:
    r"""Batch tabular TD: every source moves by its own mean TD error, :math:`v(s) \leftarrow v(s) + \frac{\alpha}{n_s} \sum_{k: S_k = s} \delta_k`.

    A state that no transition leaves keeps its value. Source: Sutton 1988; the chapter "Temporal-difference learning".
    """
    _check_context(states, rewards)
    v = _initial(states, v)

    def update(v: Values, alpha: Any) -> Values:
        delta = _td_errors(states, rewards, v, gamma)
        after = dict(v)
        for s in v:
            own = [delta[k] for k, u in enumerate(states[:-1]) if u == s]
            if own:
                after[s] = v[s] + alpha * sum(own) / len(own)
        return after

    return accumulate(_step_sizes(alphas), update, initial=v)


def linear_td(states: Sequence[State], rewards: Sequence, features: Mapping | Sequence, gamma: Any, alphas: Iterable, w: Sequence | None = None) -> Iterator[list]:
    r"""Batch linear TD(0): :math:`w_{l+1} = w_l + \alpha_l \sum_{k<n} \delta_k\, x(S_k)`, with :math:`v_l(s) = \langle x(s), w_l \rangle`.

    Yields the weights :math:`w_l`, lists of d numbers; ``w`` is :math:`w_0`, 0 unless given. Source: Sutton 1988.
    """
    _check_context(states, rewards)
    features = _by_state("features", features, states)
    d = len(features[states[0]])
    w = [0] * d if w is None else list(w)
    for name, x in [("w", w), *((f"features of state {s!r}", x) for s, x in features.items())]:
        if len(x) != d:
            raise ValueError(f"{name} must hold d = {d} numbers, got {len(x)}")

    def update(w: list, alpha: Any) -> list:
        delta = _td_errors(states, rewards, {s: inner(features[s], w) for s in states}, gamma)
        return [w[i] + alpha * sum(delta[k] * features[s][i] for k, s in enumerate(states[:-1])) for i in range(d)]

    return accumulate(_step_sizes(alphas), update, initial=w)


def online_td(states: Sequence[State], rewards: Sequence, gamma: Any, alpha: Callable[[int], Any], v: Mapping | Sequence | None = None) -> Iterator[Values]:
    r"""Tabular TD(0) as an agent runs it, one transition at a time: :math:`v(S_k) \leftarrow v(S_k) + \alpha_{m}\, \delta_k`.

    ``alpha`` gives the step size of the m-th visit, m = 1, 2, …. Yields n + 1 value functions. Source: Sutton 1988.
    """
    _check_context(states, rewards)
    v = _initial(states, v)
    if not callable(alpha):
        raise ValueError(f"alpha must be a function of the number of the visit, such as lambda m: 1 / m, got {alpha!r}")
    visits = dict.fromkeys(v, 0)

    def update(v: Values, transition: tuple[State, Any, State]) -> Values:
        s, r, after = transition
        visits[s] += 1
        return v | {s: v[s] + alpha(visits[s]) * (r + gamma * v[after] - v[s])}

    return accumulate(zip(states[:-1], rewards, states[1:], strict=True), update, initial=v)


def _by_state(name: str, table: Mapping | Sequence, states: Sequence[State]) -> dict[State, Any]:
    try:
        if not isinstance(table, Mapping) and min(states) < 0:
            raise ValueError(f"states must be 0 or more where {name} is a sequence, got {min(states)}")
        return {s: table[s] for s in dict.fromkeys(states)}
    except (KeyError, IndexError, TypeError):
        raise ValueError(f"{name} must hold every state of the context, {sorted(set(states), key=str)}, got {table!r}") from None


def _initial(states: Sequence[State], v: Mapping | Sequence | None) -> Values:
    return dict.fromkeys(states, 0) if v is None else _by_state("v", v, states)


def _check_context(states: Sequence, rewards: Sequence) -> None:
    if len(rewards) < 1 or len(states) != len(rewards) + 1:
        raise ValueError(f"a context needs n >= 1 rewards and n + 1 states, got {len(rewards)} rewards and {len(states)} states")
    for r in rewards:
        if isinstance(r, Real) and (r != r or abs(r) == math.inf):
            raise ValueError(f"rewards must be finite, got {r}")


def _step_sizes(alphas: Iterable) -> Iterable:
    if not isinstance(alphas, Iterable):
        raise ValueError(f"alphas must be an iterable of step sizes, such as itertools.repeat(0.5), got {alphas!r}")
    return alphas
