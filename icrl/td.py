r"""Temporal-difference learning from its definition: plain loops over transitions, on plain Python numbers.

These are the oracle. They share no code with :mod:`icrl.transformer`, know nothing of matrices, prompts or masks, and
run on whatever numbers they are given: floats, ``Fraction``\ s, SymPy expressions or Arb balls.

A context is ``states`` :math:`S_0, \dots, S_n` (any hashable names) and ``rewards`` :math:`R_1, \dots, R_n`; where a function
takes ``endings``, it may be several trajectories, one after another, n + m states for m of them: of each the number of its
transitions, and whether the last terminated, so that :math:`\delta_k = R_{k+1} - v(S_k)`, or was cut, which changes nothing. A value
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
"""A state's name."""

Values = dict[Any, Any]
"""A value function: the value of each state, by its name."""

Endings = Sequence[tuple[int, bool]]
"""Of each trajectory the number of its transitions, and whether the last of them terminated."""

Move = tuple[Any, Any, Any, bool]
"""S_k, R_{k+1}, S'_k, and whether the transition terminated."""

Score = Callable[[Any, Any], Any]
"""g(s, u), a function of the query state and the key state."""


def inner(x: Sequence, y: Sequence) -> Any:
    """The inner product ⟨x, y⟩ of two sequences of numbers (0 when they are empty)."""
    if len(x) != len(y):
        raise ValueError(f"x and y must be of one length, got {len(x)} and {len(y)}")
    return sum(map(mul, x, y))


def transitions(states: Sequence[State], rewards: Sequence, endings: Endings | None = None) -> list[Move]:
    """The n transitions of a context, (S_k, R_{k+1}, S'_k, terminated), in order."""
    moves, column, paid = [], 0, iter(rewards)
    for length, terminated in _endings(states, rewards, endings):
        for step in range(length):
            ends = bool(terminated) and step == length - 1
            moves.append((states[column], next(paid), states[column + 1], ends))
            column += 1
        column += 1
    return moves


def td_errors(
    states: Sequence[State],
    rewards: Sequence,
    v: Mapping | Sequence,
    gamma: Any,
    endings: Endings | None = None,
) -> list:
    r"""The TD error of every transition: :math:`\delta_k = R_{k+1} + \gamma v(S_{k+1}) - v(S_k)`, k = 0…n−1; without :math:`\gamma v(S_{k+1})` where it terminated."""
    return _td_errors(transitions(states, rewards, endings), _by_state("v", v, states), gamma)


def _td_errors(moves: Sequence[Move], v: Values, gamma: Any) -> list:
    return [r - v[before] if ends else r + gamma * v[after] - v[before] for before, r, after, ends in moves]


def softmax_kernel(
    states: Sequence[State],
    score: Score,
    exp: Callable[[Any], Any] | None = None,
    sources: Sequence[State] | None = None,
) -> dict[State, list]:
    r"""The weights :math:`K(k \mid s) = e^{g(s, S_k)} / \sum_{i<n} e^{g(s, S_i)}` of the n transitions, for each state s.

    ``score`` is g(s, u), any function of the query state and the key state. ``exp`` replaces the exponential; without it
    the scores are floats and the largest is subtracted first. ``sources``: :math:`S_0 \dots S_{n-1}`, the states that the
    transitions leave, all but the last unless given.
    """
    table = {}
    sources = states[:-1] if sources is None else sources
    for s in dict.fromkeys(states):
        scores = [score(s, u) for u in sources]
        top = max(scores) if exp is None else 0
        powers = [math.exp(g - top) if exp is None else exp(g) for g in scores]
        total = sum(powers)
        table[s] = [power / total for power in powers]
    return table


def softmax_td(
    states: Sequence[State],
    rewards: Sequence,
    score: Score,
    gamma: Any,
    alphas: Iterable,
    v: Mapping | Sequence | None = None,
    exp: Callable[[Any], Any] | None = None,
    endings: Endings | None = None,
) -> Iterator[Values]:
    r"""Weighted softmax TD: :math:`v_{l+1}(s) = v_l(s) + \alpha_l \sum_{k<n} K(k \mid s)\, \delta_k`, for s in the context.

    ``alphas`` holds the step sizes :math:`\alpha_0, \alpha_1, \dots`; ``v`` is :math:`v_0`, 0 unless given.
    Source: Xie et al. 2026.
    """
    moves = transitions(states, rewards, endings)
    v = _initial(states, v)
    kernel = softmax_kernel(states, score, exp, [before for before, *_ in moves])

    def update(v: Values, alpha: Any) -> Values:
        delta = _td_errors(moves, v, gamma)
        return {s: v[s] + alpha * inner(kernel[s], delta) for s in v}

    return accumulate(_step_sizes(alphas), update, initial=v)


def tabular_td(
    states: Sequence[State],
    rewards: Sequence,
    gamma: Any,
    alphas: Iterable,
    v: Mapping | Sequence | None = None,
    endings: Endings | None = None,
) -> Iterator[Values]:
    r"""Batch tabular TD: every source moves by its own mean TD error, :math:`v(s) \leftarrow v(s) + \frac{\alpha}{n_s} \sum_{k: S_k = s} \delta_k`.

    A state that no transition leaves keeps its value. Source: Sutton 1988; the chapter "Temporal-difference learning".
    """
    moves = transitions(states, rewards, endings)
    v = _initial(states, v)

    def update(v: Values, alpha: Any) -> Values:
        delta = _td_errors(moves, v, gamma)
        after = dict(v)
        for s in v:
            own = [delta[k] for k, (before, *_) in enumerate(moves) if before == s]
            if own:
                after[s] = v[s] + alpha * sum(own) / len(own)
        return after

    return accumulate(_step_sizes(alphas), update, initial=v)


def linear_td(
    states: Sequence[State],
    rewards: Sequence,
    features: Mapping | Sequence,
    gamma: Any,
    alphas: Iterable,
    w: Sequence | None = None,
    endings: Endings | None = None,
) -> Iterator[list]:
    r"""Batch linear TD(0): :math:`w_{l+1} = w_l + \alpha_l \sum_{k<n} \delta_k\, x(S_k)`, with :math:`v_l(s) = \langle x(s), w_l \rangle`.

    Yields the weights :math:`w_l`, lists of d numbers; ``w`` is :math:`w_0`, 0 unless given. Source: Sutton 1988.
    """
    moves = transitions(states, rewards, endings)
    features = _by_state("features", features, states)
    d = len(features[states[0]])
    w = [0] * d if w is None else list(w)
    for name, x in [("w", w), *((f"features of state {s!r}", x) for s, x in features.items())]:
        if len(x) != d:
            raise ValueError(f"{name} must hold d = {d} numbers, got {len(x)}")

    def update(w: list, alpha: Any) -> list:
        delta = _td_errors(moves, {s: inner(features[s], w) for s in states}, gamma)
        return [w[i] + alpha * sum(delta[k] * features[s][i] for k, (s, *_) in enumerate(moves)) for i in range(d)]

    return accumulate(_step_sizes(alphas), update, initial=w)


Transition = tuple[Sequence, Any, Sequence]
"""x(S), R and x(S'): the features of a state, the reward out of it, the features of the next state; as many numbers in each."""


def linear_td_lambda(
    transitions: Sequence[Transition], gamma: Any, decay: Any, alphas: Iterable, w: Sequence | None = None
) -> Iterator[list]:
    r"""Batch linear TD(λ): :math:`w_{l+1} = w_l + \alpha_l \sum_k \delta_k e_k`, with the traces :math:`e_k = x(S_k) + \vartheta e_{k-1}`, :math:`e_{-1} = 0`.

    ``transitions``: (x, R, x') each, in order; they need not follow one another. ``decay``: ϑ, which is γλ for TD(λ); 0 is
    TD(0). Yields the weights :math:`w_l`, lists of d numbers. Source: Sutton 1988.
    """
    w = _weights(transitions, w)

    def update(w: list, alpha: Any) -> list:
        trace, total = [0] * len(w), [0] * len(w)
        for x, r, after in transitions:
            delta = r + gamma * inner(after, w) - inner(x, w)
            trace = [decay * e + xi for e, xi in zip(trace, x)]
            total = [t + delta * e for t, e in zip(total, trace)]
        return [wi + alpha * t for wi, t in zip(w, total)]

    return accumulate(_step_sizes(alphas), update, initial=w)


def linear_residual_gradient(
    transitions: Sequence[Transition], gamma: Any, alphas: Iterable, w: Sequence | None = None
) -> Iterator[list]:
    r"""The residual gradient: :math:`w_{l+1} = w_l + \alpha_l \sum_k \delta_k (x(S_k) - \gamma x(S_{k+1}))`, on transitions as above. Source: Baird 1995."""
    w = _weights(transitions, w)

    def update(w: list, alpha: Any) -> list:
        total = [0] * len(w)
        for x, r, after in transitions:
            delta = r + gamma * inner(after, w) - inner(x, w)
            total = [t + delta * (xi - gamma * ai) for t, xi, ai in zip(total, x, after)]
        return [wi + alpha * t for wi, t in zip(w, total)]

    return accumulate(_step_sizes(alphas), update, initial=w)


def linear_average_reward(
    transitions: Sequence[Transition], alphas: Iterable, w: Sequence | None = None
) -> Iterator[list]:
    r"""Average-reward TD: :math:`w_{l+1} = w_l + \alpha_l \sum_k \delta_k x(S_k)`, :math:`\delta_k = R_{k+1} - \bar r_k + \langle w_l, x(S_{k+1}) - x(S_k) \rangle`.

    :math:`\bar r_k` is the mean of the rewards up to and with :math:`R_{k+1}`. Transitions as above. Source: Tsitsiklis, Van Roy 1999.
    """
    w = _weights(transitions, w)

    def update(w: list, alpha: Any) -> list:
        total, paid = [0] * len(w), 0
        for k, (x, r, after) in enumerate(transitions, 1):
            paid = paid + r
            delta = r - paid / k + inner(after, w) - inner(x, w)
            total = [t + delta * xi for t, xi in zip(total, x)]
        return [wi + alpha * t for wi, t in zip(w, total)]

    return accumulate(_step_sizes(alphas), update, initial=w)


def softmax_td_lambda(
    states: Sequence[State],
    rewards: Sequence,
    score: Score,
    gamma: Any,
    decay: Any,
    alphas: Iterable,
    v: Mapping | Sequence | None = None,
    exp: Callable[[Any], Any] | None = None,
) -> Iterator[Values]:
    r"""Softmax TD(λ): :math:`v_{l+1}(s) = v_l(s) + \alpha_l \sum_{k<n} K(k \mid s)\, d_k`, :math:`d_k = \delta_k + \vartheta d_{k+1}`, :math:`d_n = 0`.

    ``decay``: ϑ, which is γλ; 0 is :func:`softmax_td`, whose other arguments these are.
    """
    moves = transitions(states, rewards)
    v = _initial(states, v)
    kernel = softmax_kernel(states, score, exp)

    def update(v: Values, alpha: Any) -> Values:
        ahead = list(accumulate(reversed(_td_errors(moves, v, gamma)), lambda later, delta: delta + decay * later))[
            ::-1
        ]
        return {s: v[s] + alpha * inner(kernel[s], ahead) for s in v}

    return accumulate(_step_sizes(alphas), update, initial=v)


def softmax_residual_gradient(
    states: Sequence[State],
    rewards: Sequence,
    score: Score,
    gamma: Any,
    alphas: Iterable,
    v: Mapping | Sequence | None = None,
    exp: Callable[[Any], Any] | None = None,
) -> Iterator[Values]:
    r"""The softmax residual gradient, one softmax over 2n keys:

    .. math:: v_{l+1}(s) = v_l(s) + \frac{\alpha_l}{Z(s)} \sum_{k<n} \bigl(E(s, S_k) - \gamma E(s, S_{k+1})\bigr) \delta_k, \quad Z(s) = \sum_{k<n} E(s, S_k) + E(s, S_{k+1}).

    The arguments are those of :func:`softmax_td`.
    """
    moves = transitions(states, rewards)
    v = _initial(states, v)
    keys = [*states[:-1], *states[1:]]
    kernel = softmax_kernel([*keys, states[-1]], score, exp)

    def update(v: Values, alpha: Any) -> Values:
        delta = _td_errors(moves, v, gamma)
        moved = [*delta, *(-gamma * error for error in delta)]
        return {s: v[s] + alpha * inner(kernel[s], moved) for s in v}

    return accumulate(_step_sizes(alphas), update, initial=v)


def softmax_average_reward(
    states: Sequence[State],
    rewards: Sequence,
    score: Score,
    alphas: Iterable,
    v: Mapping | Sequence | None = None,
    exp: Callable[[Any], Any] | None = None,
) -> Iterator[Values]:
    r"""Softmax average-reward TD: :math:`v_{l+1}(s) = v_l(s) + \alpha_l \sum_{k<n} K(k \mid s) (R_{k+1} - \bar r + v_l(S_{k+1}) - v_l(S_k))`.

    :math:`\bar r` is the mean of the n rewards. The arguments are those of :func:`softmax_td`, without γ, which is 1.
    """
    _check_context(states, rewards)
    mean = sum(rewards) / len(rewards)
    return softmax_td(states, [r - mean for r in rewards], score, 1, alphas, v, exp)


def decoder_td(
    states: Sequence[State],
    rewards: Sequence,
    score: Score,
    gamma: Any,
    alphas: Iterable,
    v: Sequence | None = None,
    exp: Callable[[Any], Any] | None = None,
) -> Iterator[list]:
    r"""What a decoder's mask makes of softmax TD: column j hears only of the transitions k < j, and each column has a value of its own.

    .. math:: v_{l+1}^j = v_l^j + \alpha_l \sum_{k<j} \frac{E(S_j, S_k)}{\sum_{i<j} E(S_j, S_i)} (R_{k+1} + \gamma v_l^{k+1} - v_l^k), \quad j = 0, \dots, n.

    ``v``: the n + 1 values :math:`v_0^j`, 0 unless given. Column 0 hears of nothing and keeps its value. Yields lists of n + 1 numbers.
    """
    _check_context(states, rewards)
    v = [0] * len(states) if v is None else list(v)
    if len(v) != len(states):
        raise ValueError(f"v must hold n + 1 = {len(states)} numbers, one a column, got {len(v)}")
    kernel = [[], *(softmax_kernel([*states[:j], states[j]], score, exp)[states[j]] for j in range(1, len(states)))]

    def update(v: list, alpha: Any) -> list:
        delta = [r + gamma * after - before for before, r, after in zip(v[:-1], rewards, v[1:], strict=True)]
        return [value + alpha * inner(weights, delta[: len(weights)]) for value, weights in zip(v, kernel, strict=True)]

    return accumulate(_step_sizes(alphas), update, initial=v)


def online_td(
    states: Sequence[State],
    rewards: Sequence,
    gamma: Any,
    alpha: Callable[[int], Any],
    v: Mapping | Sequence | None = None,
    endings: Endings | None = None,
) -> Iterator[Values]:
    r"""Tabular TD(0) as an agent runs it, one transition at a time: :math:`v(S_k) \leftarrow v(S_k) + \alpha_{m}\, \delta_k`.

    ``alpha`` gives the step size of the m-th visit, m = 1, 2, …. Yields n + 1 value functions. Source: Sutton 1988.
    """
    moves = transitions(states, rewards, endings)
    v = _initial(states, v)
    if not callable(alpha):
        raise ValueError(f"alpha must be a function of the number of the visit, such as lambda m: 1 / m, got {alpha!r}")
    visits = dict.fromkeys(v, 0)

    def update(v: Values, move: Move) -> Values:
        s = move[0]
        visits[s] += 1
        return v | {s: v[s] + alpha(visits[s]) * _td_errors([move], v, gamma)[0]}

    return accumulate(moves, update, initial=v)


def _by_state(name: str, table: Mapping | Sequence, states: Sequence) -> dict[State, Any]:
    try:
        if not isinstance(table, Mapping) and min(states) < 0:
            raise ValueError(f"states must be 0 or more where {name} is a sequence, got {min(states)}")
        return {s: table[s] for s in dict.fromkeys(states)}
    except (KeyError, IndexError, TypeError):
        raise ValueError(
            f"{name} must hold every state of the context, {sorted(set(states), key=str)}, got {table!r}"
        ) from None


def _initial(states: Sequence[State], v: Mapping | Sequence | None) -> Values:
    return dict.fromkeys(states, 0) if v is None else _by_state("v", v, states)


def _weights(transitions: Sequence[Transition], w: Sequence | None) -> list:
    """w_0, 0 unless given; ``ValueError`` for no transition, and for features of different lengths."""
    if len(transitions) < 1:
        raise ValueError("transitions must hold n >= 1 of them, got none")
    d = len(transitions[0][0])
    for k, (x, r, after) in enumerate(transitions):
        if not len(x) == len(after) == d:
            raise ValueError(
                f"transition {k} must have d = {d} features before and after, got {len(x)} and {len(after)}"
            )
        _check_reward(r)
    if w is not None and len(w) != d:
        raise ValueError(f"w must hold d = {d} numbers, got {len(w)}")
    return [0] * d if w is None else list(w)


def _check_reward(r: Any) -> None:
    if isinstance(r, Real) and (r != r or abs(r) == math.inf):
        raise ValueError(f"rewards must be finite, got {r}")


def _endings(states: Sequence, rewards: Sequence, endings: Endings | None) -> Endings:
    """The endings of the context, checked: one trajectory, cut, unless given."""
    if endings is None:
        _check_context(states, rewards)
        return ((len(rewards), False),)
    pairs = [(length, terminated) for length, terminated in endings]
    odd = [pair for pair in pairs if not isinstance(pair[0], int) or pair[1] not in (False, True)]
    if odd:
        raise ValueError(f"endings must be pairs (number of transitions, terminated), got {odd[0]}")
    lengths = [length for length, _ in pairs]
    if min(lengths, default=0) < 1 or sum(lengths) != len(rewards) or len(rewards) + len(lengths) != len(states):
        raise ValueError(
            f"endings must hold for each trajectory n >= 1 transitions with a reward each, and a state more, got {lengths} for {len(rewards)} rewards and {len(states)} states"
        )
    for r in rewards:
        _check_reward(r)
    return pairs


def _check_context(states: Sequence, rewards: Sequence) -> None:
    if len(rewards) < 1 or len(states) != len(rewards) + 1:
        raise ValueError(
            f"a context needs n >= 1 rewards and n + 1 states, got {len(rewards)} rewards and {len(states)} states"
        )
    for r in rewards:
        _check_reward(r)


def _step_sizes(alphas: Iterable) -> Iterable:
    if not isinstance(alphas, Iterable):
        raise ValueError(f"alphas must be an iterable of step sizes, such as itertools.repeat(0.5), got {alphas!r}")
    return alphas
