r"""A layer as an operator on values: grouped by states, it is an affine map, and any depth is a power of a small matrix.

Of a context :math:`S_0, R_1, S_1, \dots, R_n, S_n` with visited states W, and weights
:math:`K(k \mid s) = E(s, S_k) / \sum_{i<n} E(s, S_i)`, let

.. math:: \hat M(s, u) = \sum_{k<n} K(k \mid s)\, 1[S_k = u], \quad \hat P(s, u) = \sum_{k<n} K(k \mid s)\, 1[S_{k+1} = u],
   \quad \hat b(s) = \sum_{k<n} K(k \mid s)\, R_{k+1}.

A layer is :math:`v \mapsto G v + \alpha \hat b` with :math:`G = I - \alpha H`, :math:`H = \hat M - \gamma \hat P`, and with the
empirical model inside: :math:`\hat P = \hat M P_e`, :math:`\hat b = \hat M \hat r`. A weight depends on its transition through
the state alone, so everything is gathered from counts by state: no n × n object is made.

Of several trajectories the sums run over all transitions, :math:`\hat P` over those that did not terminate, since nothing
follows the others: P_e and P̂ are then substochastic. W is the states that transitions leave, and those that they enter without
terminating.

This is a route of its own: it shares no code with :mod:`icrl.transformer` and :mod:`icrl.td`.

Source: Xie et al. 2026, where it serves the proof of Theorem 2; the book's chapter "The layer as an operator on values".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from icrl.arrays import np
from icrl.mrp import (
    Context,
    Endings,
    MarkovRewardProcess,
    context_itself,
    endless_states,
    finite_array,
    integer,
    listed_states,
    number,
    state_array,
    truths,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

REALS = "(-inf, inf)"
"""The interval of any finite number, for :func:`icrl.mrp.number`."""


# The operator


@dataclass(frozen=True, eq=False)
class Operator:
    r"""A layer as the map :math:`v \mapsto G v + \alpha \hat b` of values on the visited states W.

    Row and column i of every array belong to ``states[i]``; ``states``: (W,), increasing. ``counts``: (W,), n_s, how often the
    context leaves s. ``M``, ``P``: (W, W), row-stochastic, P only where nothing terminates. ``b``: (W,). ``transition``,
    ``reward``: the empirical model P_e (W, W) and r̂ (W,), with rows of 0 for a state that is never left. ``terminating``: (W,), the
    share of the transitions out of s that terminate, so that the rows of P_e sum to 1 less it. ``gamma``: the discount, any number.

    Entries are floats, or objects: ``Fraction``\ s, Arb balls, SymPy expressions. The spectral functions need numbers that a
    float can hold. Values ``v`` are arrays (W,), step sizes ``alpha`` any number; a float among exact entries, NaN, infinity and
    a wrong length raise ``ValueError``.

    Made by :func:`layer_operator` and :func:`operator_from_kernel`.
    """

    states: np.ndarray
    counts: np.ndarray
    M: np.ndarray
    P: np.ndarray
    b: np.ndarray
    transition: np.ndarray
    reward: np.ndarray
    terminating: np.ndarray
    gamma: Any

    @property
    def covered(self) -> bool:
        """Whether every visited state is a source; only the last state of a trajectory that was cut can fail to be one."""
        return bool((self.counts > 0).all())

    @property
    def H(self) -> np.ndarray:
        r""":math:`H = \hat M - \gamma \hat P = \hat M (I - \gamma P_e)`, shape (W, W)."""
        return self.M - self.gamma * self.P

    @property
    def margin(self) -> Any:
        r"""The contraction margin :math:`c = \min_s 2 \hat M(s, s) - 1 - |\gamma| (\hat P 1)(s)`; when positive, W is covered and depth contracts at 1 − αc.

        Without terminations P̂1 = 1, and :math:`c = 2 \min_s \hat M(s, s) - 1 - |\gamma|`.
        """
        going_on = 1 - self.M @ self.terminating
        return _least(2 * np.diagonal(self.M) - 1 - abs(self.gamma) * going_on)

    def G(self, alpha: Any) -> np.ndarray:
        r""":math:`G = I - \alpha \hat M + \alpha\gamma \hat P`, shape (W, W)."""
        return self._identity - self._scalar("alpha", alpha) * self.H

    def update(self, v: ArrayLike, alpha: Any) -> np.ndarray:
        r"""One layer: :math:`v + \alpha (\hat b + \gamma \hat P v - \hat M v)`, shape (W,)."""
        v = self._vector("v", v)
        return v + self._scalar("alpha", alpha) * (self.b + self.gamma * (self.P @ v) - self.M @ v)

    def norm(self, alpha: Any) -> Any:
        r""":math:`\|G\|_\infty`, the largest absolute row sum; at most 1 − α·margin for 0 < α ≤ 1."""
        return _largest(np.abs(self.G(alpha)).sum(axis=1))

    def certainty_equivalence(self) -> np.ndarray:
        r""":math:`v_{CE} = (I - \gamma P_e)^{-1} \hat r`, shape (W,): a fixed point whatever the weights.

        Raises ``ValueError`` when a visited state is never left, or I − γP_e is singular: |γ| < 1 rules that out, and γ = 1
        does where every state can reach a termination.
        """
        if not self.covered:
            last = self.states[self.counts == 0][0]
            raise ValueError(
                f"context must have a transition out of every state it visits, got none out of state {last}"
            )
        if self.gamma == 1 and (endless := endless_states(self.transition != 0, self.terminating != 0)).size:
            names = listed_states(list(map(str, self.states[endless].tolist())))
            raise ValueError(
                f"gamma must leave I - gamma P_e invertible, got {self.gamma} where no termination is reached from {names}"
            )
        try:
            if self.M.dtype == object:
                return _eliminate(-self._residual, self.reward)
            if abs(self.gamma) >= 1 and np.linalg.cond(self._residual) * np.finfo(float).eps > 1 / len(self.states):
                raise np.linalg.LinAlgError("singular to rounding")
            return np.linalg.solve(-self._residual, self.reward)
        except (np.linalg.LinAlgError, ZeroDivisionError):
            raise ValueError(f"gamma must leave I - gamma P_e invertible, got {self.gamma}") from None

    # Any depth

    def power(self, alpha: Any, depth: int) -> tuple[np.ndarray, np.ndarray]:
        r"""``depth`` ≥ 0 layers in closed form: (T, c) with :math:`v_L = T v_0 + c`, :math:`T = G^L`, :math:`c = \sum_{l<L} G^l \alpha \hat b`.

        Repeated squaring: 2 log₂ L products of W × W matrices. Where M̂ is singular (a state never left, equal features) G has
        the eigenvalue 1, whose rounding would grow with L; the iteration then runs in the range of M̂, without that eigenvalue.

        Raises ``ValueError`` also when a diverging iteration leaves the range of floats.
        """
        alpha, depth = self._scalar("alpha", alpha), integer("depth", depth, 0)
        if self.M.dtype == object or self._factors is None:
            T, c = affine_power(self.G(alpha), alpha * self.b[:, None], depth)
        else:
            left, right = self._factors
            inside = np.eye(len(right)) + alpha * right @ self._residual @ left
            data = alpha * right @ np.column_stack([self._residual, self.reward])
            moved = left @ affine_power(inside, data, depth)[1]
            T, c = self._identity + moved[:, :-1], moved[:, -1:]
        if T.dtype != object and not (np.isfinite(T).all() and np.isfinite(c).all()):
            raise ValueError(
                f"depth must keep the values finite, got {depth} where the spectral radius of G is {self.spectral_radius(alpha):.6g}"
            )
        return T, c[:, 0]

    def iterate(self, v0: ArrayLike, alpha: Any, depth: int) -> np.ndarray:
        r""":math:`v_L` after ``depth`` layers from :math:`v_0`, in closed form, shape (W,); see :meth:`power`."""
        T, c = self.power(alpha, depth)
        return T @ self._vector("v0", v0) + c

    def limit(self, alpha: Any, v0: ArrayLike | None = None) -> np.ndarray | None:
        r""":math:`\lim_L v_L` from :math:`v_0` (0 unless given), shape (W,), or None where the layers do not converge from every :math:`v_0`.

        It exists when the eigenvalues of G other than those of M̂'s null space lie inside the unit disc. With M̂ invertible it is
        v_CE. Otherwise :math:`\hat M = LR` with L, R of full rank, and it is
        :math:`v_0 + L (-R D L)^{-1} R (\hat r + D v_0)`, :math:`D = \gamma P_e - I`. Neither depends on α.
        """
        v0 = finite_array("v0", np.zeros(len(self.states)) if v0 is None else v0, self.b.shape)
        if np.abs(1 - _float("alpha", alpha) * self._moving).max() >= 1 - len(v0) * np.finfo(float).eps:
            return None
        here = self._in_floats
        if here._factors is None:
            return here.certainty_equivalence()
        left, right = here._factors
        return v0 + left @ np.linalg.solve(-right @ here._residual @ left, right @ (here.reward + here._residual @ v0))

    # The spectrum

    @cached_property
    def spectrum(self) -> np.ndarray:
        """The eigenvalues of H, (W,), complex, in increasing order of their real parts; exactly 0 for each that a singular M̂ has."""
        return np.sort_complex(np.concatenate([self._moving, np.zeros(len(self.states) - len(self._moving))]))

    def spectral_radius(self, alpha: Any) -> float:
        """ρ(G) = max |1 − αλ| over the eigenvalues λ of H; depth converges from every v_0 to one limit iff it is below 1."""
        return float(np.abs(1 - _float("alpha", alpha) * self.spectrum).max())

    @property
    def step_limit(self) -> float:
        """The least upper bound of the α > 0 with ρ(G) < 1: min 2 Re λ / |λ|² over the eigenvalues λ of H, 0 if some Re λ ≤ 0."""
        eigenvalues = self.spectrum
        if (eigenvalues.real <= 0).any():
            return 0.0
        return float((2 * eigenvalues.real / np.abs(eigenvalues) ** 2).min())

    @cached_property
    def _moving(self) -> np.ndarray:
        """The eigenvalues of H on the range of M̂, as many as its rank."""
        here = self._in_floats
        if here._factors is None:
            return np.linalg.eigvals(here.H)
        left, right = here._factors
        return np.linalg.eigvals(-right @ here._residual @ left)

    @cached_property
    def _factors(self) -> tuple[np.ndarray, np.ndarray] | None:
        """M̂ = LR with L, R of full rank where M̂ is singular to rounding, else None; for operators of floats."""
        left, sizes, right = np.linalg.svd(self.M)
        rank = int((sizes > sizes[0] * len(sizes) * np.finfo(float).eps).sum())
        return None if rank == len(sizes) else (left[:, :rank] * sizes[:rank], right[:rank])

    @cached_property
    def _in_floats(self) -> Operator:
        """The same operator in floats; ``ValueError`` when an entry is no number."""
        if self.M.dtype != object:
            return self
        arrays = {
            name: finite_array(name, getattr(self, name), np.shape(getattr(self, name)))
            for name in ("M", "P", "b", "transition", "reward", "terminating")
        }
        return replace(self, **arrays, gamma=_float("gamma", self.gamma))

    @property
    def _residual(self) -> np.ndarray:
        """D = γP_e − I, so that a layer is v + αM̂(r̂ + Dv)."""
        return self.gamma * self.transition - self._identity

    @property
    def _identity(self) -> np.ndarray:
        """The identity, its entries of the type of the operator's."""
        return np.eye(len(self.M), dtype=self.M.dtype) + 0 * self.M

    def _scalar(self, name: str, value: Any) -> Any:
        if self.M.dtype != object:
            return number(name, value, REALS)
        if isinstance(value, float):
            raise ValueError(f"{name} must be exact, as the operator's entries are, got the float {value!r}")
        return value

    def _vector(self, name: str, value: ArrayLike) -> np.ndarray:
        if self.M.dtype != object:
            return finite_array(name, value, self.b.shape)
        vector = np.array(value, dtype=object)
        if vector.shape != self.b.shape or any(isinstance(entry, float) for entry in vector):
            raise ValueError(
                f"{name} must be {len(self.b)} exact numbers, one for each of the states {self.states.tolist()}, got {value!r}"
            )
        return vector + 0 * self.b


def layer_operator(context: Context, features: ArrayLike, gamma: float, A: ArrayLike | None = None) -> Operator:
    r"""The operator of a softmax layer on a context, in floats: :math:`E(s, u) = \exp(x(u)^\top A x(s))`.

    ``features``: (S, d), row s is x(s). ``A``: (d, d), I unless given. Of each row of scores the largest among the sources is
    subtracted, so that exp cannot overflow. O(n log n + W²(d + W)) time and O(n + W²) memory.

    Raises ``ValueError`` for what is no :class:`~icrl.mrp.Context`, for features that lack a state of it, for wrong shapes, NaN
    and infinity.
    """
    seen = _seen(context_itself(context))
    scores = _scores(_rows(features, seen.states), A)
    paid = np.bincount(seen.source, context.rewards, len(seen.states))
    return _grouped(seen, paid, _exponentials(scores, seen.counts), number("gamma", gamma, REALS), 1.0)


def operator_from_kernel(
    states: Sequence[int], rewards: Sequence, E: Any, gamma: Any, endings: Endings | None = None
) -> Operator:
    r"""The operator of the weights :math:`K(k \mid s) = E(s, S_k) / \sum_{i<n} E(s, S_i)`, for any table E and any numbers.

    ``states``: n + 1 integers, or n + m of m trajectories with ``endings``, as :class:`~icrl.mrp.Context` has them. ``rewards``: n
    numbers. ``E``: (W, W), rows the query states and columns the key states, both in increasing order of the states visited; no
    entry negative, and in every row a positive one at some source. Floats (and integers alone) give an operator of floats;
    ``Fraction``\ s, Arb balls and SymPy expressions one of their own type.

    Raises ``ValueError`` for lengths that do not match, weights that are none, NaN, infinity, and a float among exact numbers.
    """
    columns = state_array("states", states).size
    if endings is None and (columns < 2 or len(rewards) != columns - 1):
        raise ValueError(
            f"a context needs n >= 1 rewards and n + 1 states, got {len(rewards)} rewards and {columns} states"
        )
    seen = _seen(Context(states, np.zeros(len(rewards)), endings))
    W = seen.states
    table, R = np.array(E, dtype=object), np.array(rewards, dtype=object)
    if table.shape != (len(W), len(W)):
        raise ValueError(f"E must have a row and a column for each of the states {W.tolist()}, got shape {table.shape}")
    one = _one([gamma, *R, *table.flat])
    if isinstance(one, float):
        table, R = finite_array("E", table, ("W", "W")), finite_array("rewards", R, ("n",))
        gamma = number("gamma", gamma, REALS)
    paid = 0 * one * np.ones(len(W), table.dtype)
    np.add.at(paid, seen.source, R)
    _check_weights(table, W, seen.counts > 0)
    return _grouped(seen, paid, table * one, gamma * one, one)


class _Seen(NamedTuple):
    """A context by its visited states W: the place in W of the state that each transition leaves, and counts of transitions.

    How many leave each state, how many of these terminate, and how many lead from each to each.
    """

    states: np.ndarray
    source: np.ndarray
    counts: np.ndarray
    ended: np.ndarray
    moves: np.ndarray


def _seen(context: Context) -> _Seen:
    """The transitions of a context, counted."""
    W, ends = context.visited, context.terminated
    source, size = np.searchsorted(W, context.before), len(W)
    pairs = source[~ends] * size + np.searchsorted(W, context.after[~ends])
    moves = np.bincount(pairs, minlength=size * size).reshape(size, size)
    counts, ended = np.bincount(source, minlength=size), np.bincount(source[ends], minlength=size)
    return _Seen(W, source, counts, ended, moves)


def _grouped(seen: _Seen, paid: np.ndarray, E: np.ndarray, gamma: Any, one: Any) -> Operator:
    """The operator from the transitions of a context, the sums of rewards (W,) out of each state, and the weights E (W, W)."""
    share, moves, left = _shares(E, seen.counts), seen.moves * one, np.maximum(seen.counts, 1)
    return Operator(
        states=seen.states,
        counts=seen.counts,
        M=share * seen.counts,
        P=share @ moves,
        b=share @ paid,
        transition=moves / left[:, None],
        reward=paid / left,
        terminating=seen.ended * one / left,
        gamma=gamma,
    )


def _shares(E: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """E(s, u) / Z(s), Z(s) = Σ_u n_u E(s, u): the weight that state s gives to one transition out of u."""
    return E / (E * counts[..., None, :]).sum(axis=-1, keepdims=True)


def _exponentials(scores: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """exp of the scores less the largest of each row among the sources; 0 where the key is no source."""
    shown = np.where(counts[..., None, :] > 0, scores, -np.inf)
    return np.exp(shown - shown.max(axis=-1, keepdims=True))


def _rows(features: ArrayLike, states: np.ndarray) -> np.ndarray:
    """The features of these states."""
    features = finite_array("features", features, ("S", "d"))
    if len(features) <= states.max():
        raise ValueError(
            f"features must have a row for each of the states 0..{states.max()}, got shape {features.shape}"
        )
    return features[states]


def _scores(x: np.ndarray, A: ArrayLike | None) -> np.ndarray:
    """g(s, u) = x(u)ᵀ A x(s), a row a query."""
    return _turned(x, A) @ x.T


def _turned(x: np.ndarray, A: ArrayLike | None) -> np.ndarray:
    """A x(s), a row a state; ``ValueError`` when x(u)ᵀ A x(s) might overflow."""
    d = x.shape[-1]
    with np.errstate(over="ignore", invalid="ignore"):
        turned = x if A is None else x @ finite_array("A", A, (d, d)).T
        most = np.abs(turned).max(initial=0) * np.abs(x).max(initial=0) * d
    if not np.isfinite(most):
        raise ValueError(
            f"features must have scores x(u)ᵀAx(s) that a float can hold, got entries up to {np.abs(x).max():.3g}"
        )
    return turned


def _check_weights(E: np.ndarray, W: np.ndarray, source: np.ndarray) -> None:
    """Raise ``ValueError`` for a weight known to be negative, and for a row that gives no source a weight."""
    for s, row in zip(W.tolist(), E):
        if any((weight < 0) == True for weight in row):  # noqa: E712 - undecided for symbols
            raise ValueError(f"E must not be negative, got {row.tolist()} in the row of state {s}")
        if all((weight == 0) == True for weight in row[source]):  # noqa: E712
            raise ValueError(f"E must give some source a positive weight, got {row.tolist()} in the row of state {s}")


def _one(numbers: Iterable) -> Any:
    """1 in the type of the numbers: 1.0 for floats and integers, else that of the exact ones, among which no float may be."""
    numbers = list(numbers)
    exact = [x for x in numbers if not isinstance(x, (int, float, np.integer, np.floating))]
    if not exact:
        return 1.0
    if any(isinstance(x, (float, np.floating)) for x in numbers):
        raise ValueError(
            f"gamma, rewards and E must be all exact or all floats, got {type(exact[0]).__name__} and float"
        )
    return 0 * sum(exact) + 1


def _float(name: str, value: Any) -> float:
    """A number of any kind as a float; ``ValueError`` when it is none."""
    return float(finite_array(name, value, ()))


def _least(entries: Iterable) -> Any:
    """The smallest of floats or exact numbers; of Arb balls, a ball that holds it."""
    return reduce(lambda x, y: x.min(y) if _is_ball(x) else min(x, y), entries)


def _largest(entries: Iterable) -> Any:
    """The largest, likewise."""
    return reduce(lambda x, y: x.max(y) if _is_ball(x) else max(x, y), entries)


def _is_ball(x: Any) -> bool:
    return hasattr(x, "rad")


def _eliminate(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """The solution of a system by elimination, rows exchanged only where a pivot is 0: for numbers that have no order.

    Raises ``ZeroDivisionError`` where there is no pivot that is known not to be 0.
    """
    rows = np.column_stack([matrix, vector])
    for i in range(len(rows)):
        pivot = next((k for k in range(i, len(rows)) if rows[k, i] != 0), None)
        if pivot is None:
            raise ZeroDivisionError("no pivot")
        if pivot != i:
            rows[i], rows[pivot] = rows[pivot].copy(), rows[i].copy()
        rows[i] = rows[i] / rows[i, i]
        for j in range(len(rows)):
            if j != i:
                rows[j] = rows[j] - rows[j, i] * rows[i]
    return rows[:, -1]


def affine_power(G: np.ndarray, b: np.ndarray, depth: int) -> tuple[np.ndarray, np.ndarray]:
    r"""The map :math:`x \mapsto Gx + b` applied ``depth`` times, as :math:`(G^L, \sum_{l<L} G^l b)`: by repeated squaring.

    ``G``: (…, k, k), ``b``: (…, k, m), and so the two results. An overflow leaves infinities or NaN behind, without a warning.
    """
    T, c = np.eye(G.shape[-1], dtype=G.dtype) + 0 * G, 0 * b
    with np.errstate(over="ignore", invalid="ignore"):
        for bit in bin(depth)[2:]:
            T, c = T @ T, c + T @ c
            if bit == "1":
                T, c = G @ T, G @ c + b
    return T, c


# Many contexts at once, and states that never come back


def layer_maps(
    states: ArrayLike,
    rewards: ArrayLike,
    features: ArrayLike,
    gamma: float,
    alpha: float,
    A: ArrayLike | None = None,
    next_states: ArrayLike | None = None,
    terminated: ArrayLike | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    r"""The layers of a batch of contexts of one length, as :math:`v \mapsto Gv + c` on all states: G (batch, S, S), c (batch, S).

    ``states``: (batch, n+1) integers, one trajectory each; or (batch, n), those that transitions leave, and ``next_states``,
    (batch, n), those that they enter, of any trajectories, with ``terminated``, (batch, n) truth values, where some terminate.
    ``rewards``: (batch, n). ``features``: (S, d), row s is x(s). A state that a context does not visit gets what attention would
    say of it, and has no say itself. Time O(batch · (n + S³)).

    Raises ``ValueError`` for shapes that do not fit, a state without features, NaN and infinity.
    """
    rewards, features = finite_array("rewards", rewards, ("batch", "n")), finite_array("features", features, ("S", "d"))
    (batch, n), size = rewards.shape, len(features)
    index = state_array("states", np.ravel(states)).reshape(np.shape(states))
    wanted = (batch, n + 1 if next_states is None else n)
    if index.shape != wanted or not rewards.size:
        raise ValueError(
            f"states must have shape {wanted} for rewards of shape {rewards.shape}, none empty, got {index.shape}"
        )
    following = index[:, 1:]
    if next_states is not None:
        following = state_array("next_states", np.ravel(next_states)).reshape(np.shape(next_states))
    if following.shape != (batch, n):
        raise ValueError(f"next_states must have the shape of rewards, {(batch, n)}, got {following.shape}")
    if (most := max(index.max(), following.max())) >= size:
        raise ValueError(f"features must have a row for each of the states 0..{most}, got shape {features.shape}")
    pairs = size * index[:, :n]
    pairs += following
    pairs += size**2 * np.arange(batch)[:, None]
    tabled = lambda which, paid=None: np.bincount(which, paid, batch * size**2).reshape(batch, size, size)
    moves = tabled(pairs.ravel())
    paid = tabled(pairs.ravel(), rewards.ravel()).sum(axis=-1, keepdims=True)
    counts = moves.sum(axis=-1)
    if terminated is not None:
        if np.shape(terminated) != (batch, n):
            raise ValueError(f"terminated must have the shape of rewards, {(batch, n)}, got {np.shape(terminated)}")
        ends = truths("terminated", np.ravel(terminated), batch * n)
        moves = moves - tabled(pairs.ravel()[ends])
    share = number("alpha", alpha, REALS) * _shares(_exponentials(_scores(features, A), counts), counts)
    following = number("gamma", gamma, REALS) * share @ moves
    return np.eye(size) + following - share * counts[:, None], (share @ paid)[..., 0]


def values_at_depth(
    states: ArrayLike,
    rewards: ArrayLike,
    features: ArrayLike,
    gamma: float,
    alpha: float,
    depth: int,
    A: ArrayLike | None = None,
    next_states: ArrayLike | None = None,
    terminated: ArrayLike | None = None,
) -> np.ndarray:
    r""":math:`v_L(s)`, (batch, S), after ``depth`` ≥ 0 layers from :math:`v_0 = 0`, for a batch of contexts of one length, in closed form.

    The arguments are those of :func:`layer_maps`. Time O(batch · (n + S³ log L)). Rounding grows with depth · eps at most.

    Raises ``ValueError`` as there, and for values that overflow.
    """
    G, c = layer_maps(states, rewards, features, gamma, alpha, A, next_states, terminated)
    v = affine_power(G, c[..., None], integer("depth", depth, 0))[1][..., 0]
    if not np.isfinite(v).all():
        raise ValueError(f"depth must keep the values finite, got {depth} in a batch where some context diverges")
    return v


def attention_values(
    context: Context,
    features: ArrayLike,
    gamma: float,
    alphas: Iterable[float],
    A: ArrayLike | None = None,
    v: ArrayLike | None = None,
    block: int | None = None,
) -> Iterator[np.ndarray]:
    r"""The values along the context, :math:`v_l(S_0) \dots v_l(S_n)`, after l = 0, 1, 2, … layers: for states that rarely come back.

    ``features``: (S, d), row s is x(s). ``v``: (S,), :math:`v_0`, 0 unless given. The rest is as for :func:`attention_layers`.

    Raises ``ValueError``, when called, also for what is no :class:`~icrl.mrp.Context` and for features that lack a state of it.
    """
    states, x = context_itself(context).states, _rows(features, context.states)
    v = None if v is None else finite_array("v", v, (len(np.asarray(features)),))[states]
    return attention_layers(x, context.rewards, gamma, alphas, A, v, block, context.endings)


def attention_layers(
    x: ArrayLike,
    rewards: ArrayLike,
    gamma: float,
    alphas: Iterable[float],
    A: ArrayLike | None = None,
    v: ArrayLike | None = None,
    block: int | None = None,
    endings: Endings | None = None,
) -> Iterator[np.ndarray]:
    r"""The value row after l = 0, 1, 2, … layers, with one attention matrix for all of them, since the features never change:

    .. math:: v_{l+1}(S_j) = v_l(S_j) + \alpha_l \sum_{k<n} \delta_k K(k \mid S_j),

    a row of TD errors times the weights. ``x``: (…, n+1, d), the features along the context, after any batch axes. ``rewards``:
    (…, n). ``alphas``: a step size a layer. ``v``: (…, n+1), :math:`v_0`, 0 unless given. ``endings``: those of m trajectories,
    the same for the whole batch, n + m columns in the place of n + 1; one trajectory, cut, unless given.

    The n × (n + 1) weights are made once. With ``block`` they are made again in every layer, for ``block`` ≥ 1 queries at a
    time, in memory O(n · block).

    Raises ``ValueError``, when called, for shapes that do not fit, NaN, infinity, scores that overflow, alphas that are no
    iterable and a block that is no size.
    """
    if np.ndim(x) < 2 or np.shape(x)[-2] < 2:
        raise ValueError(f"x must have shape (…, n + 1, d) with n >= 1, got {np.shape(x)}")
    *batch, columns, _ = np.shape(x)
    layout = Context(np.zeros(columns, int), np.zeros(columns - (1 if endings is None else len(endings))), endings)
    x, rewards = finite_array("x", x, np.shape(x)), finite_array("rewards", rewards, (*batch, layout.n))
    v = np.zeros((*batch, columns)) if v is None else finite_array("v", v, (*batch, columns))
    gamma, size = number("gamma", gamma, REALS), columns if block is None else integer("block", block, 1)
    if not isinstance(alphas, Iterable):
        raise ValueError(f"alphas must be an iterable of step sizes, such as itertools.repeat(0.5), got {alphas!r}")
    source, goes_on = layout.columns, ~layout.terminated
    keys, queries = x[..., source, :], np.split(_turned(x, A), range(size, columns, size), axis=-2)
    once = [_attention(keys, query) for query in queries] if block is None else None

    def update(v: np.ndarray, alpha: float) -> np.ndarray:
        delta = (rewards + gamma * v[..., source + 1] * goes_on - v[..., source])[..., None, :]
        weights = once or (_attention(keys, query) for query in queries)
        return v + number("alpha", alpha, REALS) * np.concatenate([delta @ K for K in weights], axis=-1)[..., 0, :]

    return accumulate(alphas, update, initial=v)


def _attention(keys: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Softmax of the scores over each column, keys down and queries across."""
    scores = keys @ queries.swapaxes(-1, -2)
    scores -= scores.max(axis=-2, keepdims=True)
    powers = np.exp(scores, out=scores)
    powers /= powers.sum(axis=-2, keepdims=True)
    return powers


# What depth and context buy


def population_kernel(mrp: MarkovRewardProcess, features: ArrayLike, A: ArrayLike | None = None) -> np.ndarray:
    r""":math:`M_\pi(s, u) = \mu(u) E(s, u) / Z_s`, :math:`Z_s = \sum_w \mu(w) E(s, w)`, :math:`E(s, u) = \exp(x(u)^\top A x(s))`; shape (S, S).

    What M̂ becomes as n grows, μ being the stationary distribution. ``features``: (S, d). ``A``: (d, d), I unless given.
    Raises ``ValueError`` when there is more than one recurrent class, for wrong shapes, NaN and infinity.
    """
    μ = mrp.stationary_distribution()
    weighted = μ * _exponentials(_scores(finite_array("features", features, (mrp.n_states, "d")), A), μ)
    return weighted / weighted.sum(axis=1, keepdims=True)


def target_floor(operator: Operator, ranges: ArrayLike, delta: float, n_states: int, n: int) -> float:
    r"""The bound F: :math:`\max_W (I - \gamma P_e)^{-1} \tau`, :math:`\tau(s) = \omega(s) \sqrt{\ln(2|S|n/\delta) / (2 n_s)}`.

    With probability at least 1 − δ it is no less than max_W |v_CE − v^π|, for any finite MRP with bounded rewards and any endings.
    ``ranges``: ω, one number or (W,), the length of an interval that holds the target :math:`R_{k+1} + \gamma v^\pi(S'_k)`, without
    v^π where the transition terminates, given :math:`S_k = s`. ``n_states``: |S|. ``n``: the number of transitions of all
    trajectories, fixed before they were drawn.

    Raises ``ValueError`` for a context that does not leave every state it visits, γ outside [0, 1), or [0, 1] where transitions
    terminate, and n other than the number of its transitions.
    """
    if integer("n", n, 1) != operator.counts.sum():
        raise ValueError(f"n must be the number of transitions, {operator.counts.sum()}, got {n}")
    here = operator._in_floats
    number("gamma", here.gamma, "[0, 1]" if here.terminating.any() else "[0, 1)")
    spread = finite_array("ranges", ranges if np.ndim(ranges) else np.full(here.b.shape, ranges), here.b.shape)
    if (spread < 0).any():
        raise ValueError(f"ranges must not be negative, got {spread.min()}")
    tries = 2 * integer("n_states", n_states, len(here.states)) * n / number("delta", delta, "(0, 1)")
    slack = spread * np.sqrt(math.log(tries) / (2 * np.maximum(here.counts, 1)))
    return float(replace(here, reward=slack).certainty_equivalence().max())


def value_floor(operator: Operator, span: float, delta: float, n_states: int, n: int) -> float:
    r"""The bound F where R_{k+1} = r(S_k): :func:`target_floor` with ω = γσ.

    ``span``: σ, at least the span of the values that can follow, max v^π − min v^π, such as (r_max − r_min)/(1 − γ); where
    transitions terminate, the span of v^π and 0. The other arguments, and what is raised, as there.
    """
    return float(
        _float("gamma", operator.gamma) * target_floor(operator, number("span", span, "[0, inf)"), delta, n_states, n)
    )


class ContextNeeded(NamedTuple):
    """The least context length ``n`` from which bound G holds, and its ``floor`` F_n there."""

    n: int
    floor: float


def context_needed(
    mrp: MarkovRewardProcess, features: ArrayLike, margin: float, delta: float, A: ArrayLike | None = None
) -> ContextNeeded:
    r"""Bound G: how long a context suffices, from the MRP alone. With probability at least 1 − δ, for all L and 0 < α ≤ 1,

    .. math:: \|v_L - v^\pi\| \le (1 - \alpha c)^L \|v_0 - v^\pi\| + 2 F_n, \quad
       F_n = \frac{\gamma\sigma}{1 - \gamma} \sqrt{\frac{\ln(6|S|/\delta)}{n \mu_{\min}}}, \quad
       n \ge \kappa \ln\frac{3|S|}{\delta} \max_s \max\Bigl\{\frac{1}{2h_s^2}, \frac{2}{\mu_s^2}\Bigr\},

    if S_0 ∼ μ and R = r(S). Here :math:`\sigma` is the span of v^π, :math:`\kappa = (1+\lambda)/(1-\lambda)` with λ the second
    eigenvalue of (P + P*)/2 or 0, :math:`m_0 = (1+\gamma+c)/2` and
    :math:`h_s = Z_s (M_\pi(s,s) - m_0) / ((1-m_0) E(s,s) + m_0 \max_{u \ne s} E(s,u))`.

    ``margin``: c, with 0 < c < 2 min M_π(s, s) − 1 − γ. Raises ``ValueError`` outside, and when the MRP is not ergodic.
    Rests on Fan, Jiang, Sun 2021.
    """
    if mrp.terminal.size or not mrp.is_ergodic():
        raise ValueError("mrp must be ergodic, without terminal states, got one that is not")
    h, μ = _rooms(mrp, features, margin, A)
    λ = _second_eigenvalue(mrp.transition, μ)
    tails = math.log(3 * mrp.n_states / number("delta", delta, "(0, 1)"))
    n = math.ceil((1 + λ) / (1 - λ) * tails * max((1 / (2 * h**2)).max(), (2 / μ**2).max()))
    return ContextNeeded(n, _floor(mrp, μ, delta, n))


def context_needed_from_any_start(
    mrp: MarkovRewardProcess, features: ArrayLike, margin: float, delta: float, A: ArrayLike | None = None
) -> ContextNeeded:
    r"""What :func:`context_needed` says, for any distribution of S_0 and with nothing cited:

    .. math:: n \ge \max_s \max\Bigl\{\frac{\zeta^2 \ell}{2 h_s^2} + \frac{2\zeta}{h_s},
       \frac{2 \zeta^2 \ell}{\mu_s^2} + \frac{4\zeta}{\mu_s}\Bigr\}, \qquad \ell = \ln\frac{3|S|}{\delta},

    with :math:`\zeta` of :meth:`icrl.mrp.MarkovRewardProcess.start_effect`, :math:`h_s` and :math:`F_n` as there. ``features``: (S, d).
    ``A``: (d, d), I unless given. ``margin``: c. The chain may be periodic. Raises ``ValueError`` as there, but for a chain that is not irreducible.
    """
    if mrp.terminal.size or mrp.recurrent_classes()[0].size < mrp.n_states:
        raise ValueError("mrp must be irreducible, without terminal states, got one that is not")
    h, μ = _rooms(mrp, features, margin, A)
    tails = math.log(3 * mrp.n_states / number("delta", delta, "(0, 1)"))
    room, ζ = np.minimum(h, μ / 2).min(), mrp.start_effect()
    n = max(1, math.ceil(ζ**2 * tails / (2 * room**2) + 2 * ζ / room))
    return ContextNeeded(n, _floor(mrp, μ, delta, n))


def _rooms(
    mrp: MarkovRewardProcess, features: ArrayLike, margin: float, A: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray]:
    """h_s of every state, and μ; ``ValueError`` for a margin that the population does not have."""
    M, gamma, μ = population_kernel(mrp, features, A), mrp.discount, mrp.stationary_distribution()
    most = 2 * M.diagonal().min() - 1 - gamma
    if not 0 < number("margin", margin, REALS) < most:
        raise ValueError(f"margin must be above 0 and below 2 min M(s, s) - 1 - gamma = {most:.6g}, got {margin!r}")
    return _room(M / μ, M.diagonal(), (1 + gamma + margin) / 2), μ


def _floor(mrp: MarkovRewardProcess, μ: np.ndarray, delta: float, n: int) -> float:
    """F_n = γσ/(1 − γ) √(ln(6|S|/δ)/(n μ_min))."""
    spread = mrp.discount * np.ptp(mrp.value()) / (1 - mrp.discount)
    return float(spread * math.sqrt(math.log(6 * mrp.n_states / delta) / (n * μ.min())))


def _room(E: np.ndarray, diagonal: np.ndarray, least: float) -> np.ndarray:
    """h_s: how far frequencies may be from μ for M̂(s, s) to stay above ``least``, for weights E with Z = 1."""
    others = np.where(np.eye(len(E), dtype=bool), 0, E).max(axis=1)
    return (diagonal - least) / ((1 - least) * E.diagonal() + least * others)


def _second_eigenvalue(P: np.ndarray, μ: np.ndarray) -> float:
    """λ = max(0, second largest eigenvalue of (P + P*)/2), P* the reversal of P."""
    similar = np.sqrt(μ)[:, None] * P / np.sqrt(μ)
    return float(max([0.0, *np.linalg.eigvalsh((similar + similar.T) / 2)[:-1]]))


def worthwhile_depth(first_error: float, floor: float, rate: float) -> int:
    r"""The depth worth using, :math:`L^* = \max(0, \lceil \log(e_0 / F) / \log(1 / \rho) \rceil)`: from there :math:`\rho^L e_0 \le F`.

    ``first_error``: e_0 = ‖v_0 − v_CE‖. ``floor``: F, what the context leaves uncertain. ``rate``: ρ = 1 − αc in [0, 1); at 0 a
    single layer does. O(log n) where F falls like 1/√n, e_0 is bounded and ρ stays away from 1.

    Raises ``ValueError`` for numbers outside these ranges, and for a floor of 0 that no depth would reach.
    """
    first_error, floor = number("first_error", first_error, "[0, inf)"), number("floor", floor, "[0, inf)")
    rate = number("rate", rate, "[0, 1)")
    if first_error <= floor:
        return 0
    if rate == 0:
        return 1
    if floor == 0:
        raise ValueError(f"floor must be positive where the rate is, got 0 with rate {rate}")
    depth = math.ceil((math.log(first_error) - math.log(floor)) / -math.log(rate))
    return (
        depth - 1 if rate ** (depth - 1) * first_error <= floor else depth
    )  # a tie that the logarithms' rounding missed


def chebyshev_steps(gamma: float, depth: int) -> np.ndarray:
    r"""The step sizes, (depth,), of ``depth`` ≥ 1 layers that are best for a real spectrum of H in [1 − γ, 1 + γ].

    :math:`\alpha_l = 1 / (1 + \gamma \cos(\pi (2l + 1) / 2L))`, the inverses of the roots of a Chebyshev polynomial: the error
    shrinks by :math:`1 / T_L(1/\gamma)`, so by γ/(1 + √(1 − γ²)) a layer. In Leja's order, in which partial products stay small.

    For one-hot features of great sharpness and a reversible P_e; harmful off reversibility. ``gamma``: in [0, 1).
    """
    nodes = np.cos(np.pi * (2 * np.arange(integer("depth", depth, 1)) + 1) / (2 * depth))
    return 1 / (1 + number("gamma", gamma, "[0, 1)") * _leja(nodes))


def _leja(nodes: np.ndarray) -> np.ndarray:
    """Distinct nodes, first the largest, then always the one with the largest product of distances to those before it."""
    order, logs = [nodes.argmax()], np.zeros(len(nodes))
    with np.errstate(divide="ignore"):  # a node's distance to itself is 0, so it is not taken again
        while len(order) < len(nodes):
            logs += np.log(np.abs(nodes - nodes[order[-1]]))
            order.append(logs.argmax())
    return nodes[order]
