r"""Markov reward processes, their values, and the contexts sampled from them.

A Markov reward process (MRP) is a finite set of states with transition probabilities P, expected rewards r, a
discount γ in [0, 1) and an initial distribution p₀. Its value is the expected discounted sum of rewards,

    v(s) = E[ R₁ + γ R₂ + γ² R₃ + … | S₀ = s ],    the only solution of    v = r + γ P v.

A context is one trajectory τ_n = (S_0, R_1, S_1, …, R_n, S_n), or several, each of which terminates (nothing follows) or is
cut (what follows is not seen). It holds an MRP of its own, the empirical model on the states it visits, and the value of that
model is the certainty-equivalence value v_CE = (I − γ P_e)⁻¹ r̂.

The checks at the door that the modules above share are the functions at the top of this one.

Sources: Sutton and Barto 2018, chapters 3 and 6.3; the book's section on the setting.
"""

from __future__ import annotations

import math
import operator
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from numbers import Real
from typing import TYPE_CHECKING, Any

from icrl.arrays import np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

ROW_SUM_TOLERANCE = 1e-9
"""How far the sum of a probability row may be from 1: far above rounding, far below any probability that matters."""


Endings = Sequence[tuple[int, bool]]
"""Of each trajectory of a context its number of transitions, and whether the last of them terminated."""


# Checks at the door


def finite_array(name: str, value: ArrayLike, shape: tuple[int | str, ...]) -> np.ndarray:
    """``value`` as a read-only float64 copy of the stated shape.

    An integer in ``shape`` is the size wanted on that axis; a letter stands for any size, the same wherever it occurs.

    Raises ``ValueError`` with ``name`` when ``value`` is not real numbers, has another shape, or has NaN or infinity.
    """
    try:
        if np.iscomplexobj(value):
            raise TypeError("got complex numbers")
        array = np.array(value, dtype=float)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} must be an array of real numbers: {error}") from error
    sizes: dict[int | str, int] = {size: size for size in shape if isinstance(size, int)}
    if array.ndim != len(shape) or any(sizes.setdefault(want, got) != got for want, got in zip(shape, array.shape)):
        wanted = f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"
        raise ValueError(f"{name} must have shape {wanted}, got {array.shape}")
    if not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{name} must be finite, got {array[where]} at index {where}")
    array.setflags(write=False)
    return array


def probabilities(name: str, value: ArrayLike, shape: tuple[int | str, ...]) -> np.ndarray:
    """``value`` as by :func:`finite_array`, of the stated shape, its last axis one probability distribution or a row of them.

    Raises ``ValueError`` with ``name`` also for a negative entry, and for a row whose sum is more than 1e-9 from 1.
    """
    array = finite_array(name, value, shape)
    if (array < 0).any():
        where = tuple(int(i) for i in np.argwhere(array < 0)[0])
        raise ValueError(f"{name} must not be negative, got {array[where]} at index {where}")
    sums = np.atleast_1d(array.sum(axis=-1))
    wrong = np.flatnonzero(np.abs(sums - 1) > ROW_SUM_TOLERANCE)
    if wrong.size:
        said = ", got" if array.ndim == 1 else f" in every row, but row {wrong[0]} sums to"
        raise ValueError(f"{name} must sum to 1{said} {sums[wrong[0]]}")
    return array


def state_array(name: str, value: ArrayLike) -> np.ndarray:
    """``value`` as a read-only copy, an array (k,) of states.

    Raises ``ValueError`` with ``name`` when it is not one-dimensional, or not all integers that are 0 or more.
    """
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} must be a sequence of integers: {error}") from error
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise ValueError(f"{name} must be a sequence of integers, got shape {array.shape} of {array.dtype}")
    array = array.astype(np.intp)
    if array.size and array.min() < 0:
        raise ValueError(f"{name} must be 0 or more, got {array.min()} at index {array.argmin()}")
    array.setflags(write=False)
    return array


def truths(name: str, value: ArrayLike | None, n: int) -> np.ndarray:
    """``value`` as an array (n,) of truth values, all false for None; ``ValueError`` with ``name`` for another length, and for what is neither 0 nor 1."""
    array = np.zeros(n, bool) if value is None else np.asarray(value)
    if array.shape != (n,) or not ((array == 0) | (array == 1)).all():
        raise ValueError(f"{name} must be {n} truth values, got {value!r}")
    return array.astype(bool)


def integer(name: str, value: int, least: int) -> int:
    """``value`` as an int; ``ValueError`` with ``name`` when it is no integer or is below ``least``."""
    try:
        whole = operator.index(value)
    except TypeError:
        whole = None
    if whole is None or isinstance(value, bool) or whole < least:
        raise ValueError(f"{name} must be an integer, {least} or more, got {value!r}")
    return whole


def number(name: str, value: float, interval: str) -> float:
    """``value`` as a float; ``ValueError`` with ``name`` outside an interval such as ``"[0, 1)"`` or ``"(0, inf)"``."""
    low, high = map(float, interval[1:-1].split(","))
    at_end = {"[": [low], "]": [high]}
    allowed = at_end.get(interval[0], []) + at_end.get(interval[-1], [])
    if not isinstance(value, Real) or not (low < value < high or value in allowed):
        raise ValueError(f"{name} must be a number in {interval}, got {value!r}")
    return float(value)


def generator(rng: np.random.Generator) -> np.random.Generator:
    """``rng`` itself; ``ValueError`` when it is not a ``numpy.random.Generator``."""
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng must be a numpy.random.Generator, got {type(rng).__name__}")
    return rng


def context_itself(context: Context) -> Context:
    """``context`` itself; ``ValueError`` when it is not a :class:`Context`."""
    if not isinstance(context, Context):
        raise ValueError(f"context must be a Context, got {type(context).__name__}")
    return context


def listed_states(names: Sequence[str]) -> str:
    """“state 3”, “states 3, 4 and 5”, or the first few of them and how many more there are."""
    if len(names) == 1:
        return f"state {names[0]}"
    first, last = (names[:-1], names[-1]) if len(names) <= 8 else (names[:6], f"{len(names) - 6} more")
    return f"states {', '.join(first)} and {last}"


# Contexts


@dataclass(frozen=True, eq=False)
class Context:
    """One trajectory τ_n = (S_0, R_1, S_1, …, R_n, S_n), or several, one after another: a column of the prompt for each state.

    ``states``: (N,) integers, each 0 or more, the states of all trajectories in order; N = n + 1 for one trajectory, n + m for m.
    ``rewards``: (n,) finite numbers, the reward of each transition in order. ``endings``: of each trajectory its number of
    transitions, 1 or more, and whether its last one terminated; unless given, there is one trajectory, and it was cut. Arrays
    are kept as read-only copies.

    A trajectory terminates where nothing follows, so that nothing is bootstrapped there; it is cut where more would have
    followed, as at the end of the data or at a time limit. Gymnasium calls the two ``terminated`` and ``truncated``.

    Raises ``ValueError`` for n = 0, lengths that do not match, a state that is no integer or negative, a reward that is NaN or
    infinite, and endings that are none.
    """

    states: np.ndarray
    rewards: np.ndarray
    endings: Endings

    def __init__(self, states: ArrayLike, rewards: ArrayLike, endings: Endings | None = None) -> None:
        S = state_array("states", states)
        if endings is None and S.size < 2:
            raise ValueError(f"states must hold n + 1 states with n >= 1, got {S.size}")
        ends = _endings(((S.size - 1, False),) if endings is None else endings)
        n = sum(length for length, _ in ends)
        if S.size != n + len(ends):
            raise ValueError(
                f"states must hold n + {len(ends)} = {n + len(ends)} states, one more than transitions in each trajectory, got {S.size}"
            )
        object.__setattr__(self, "states", S)
        object.__setattr__(self, "rewards", finite_array("rewards", rewards, (n,)))
        object.__setattr__(self, "endings", ends)

    def __repr__(self) -> str:
        ended = sum(terminated for _, terminated in self.endings)
        told = f", {len(self.endings)} trajectories, {ended} terminated" if self.endings != ((self.n, False),) else ""
        return f"<Context of {self.n} transitions{told}>"

    @classmethod
    def of_trajectories(cls, trajectories: Iterable[tuple[ArrayLike, ArrayLike, bool]]) -> Context:
        """The context of one or more trajectories (states, rewards, terminated): k + 1 states, k ≥ 1 rewards, and whether it terminated.

        Raises ``ValueError`` as :class:`Context`, naming the trajectory whose lengths do not match, or that is none.
        """
        states, rewards, endings = [], [], []
        for i, trajectory in enumerate(trajectories):
            if not isinstance(trajectory, Sequence) or len(trajectory) != 3:
                raise ValueError(f"trajectory {i} must be (states, rewards, terminated), got {trajectory!r}")
            S, R, terminated = trajectory
            S, R = state_array(f"states of trajectory {i}", S), np.asarray(R)
            if S.size != R.size + 1:
                raise ValueError(
                    f"states of trajectory {i} must be one more than its rewards, got {S.size} and {R.size}"
                )
            states.append(S)
            rewards.append(R)
            endings.append((R.size, terminated))
        if not endings:
            raise ValueError("trajectories must be one or more, got none")
        return cls(np.concatenate(states), np.concatenate(rewards), endings)

    @classmethod
    def of_transitions(
        cls,
        states: ArrayLike,
        rewards: ArrayLike,
        next_states: ArrayLike,
        terminated: ArrayLike | None = None,
        truncated: ArrayLike | None = None,
    ) -> Context:
        """The context of n ≥ 1 transitions (S_k, R_{k+1}, S'_k) in order; arrays (n,), the last two of truth values, none unless given.

        A trajectory ends where a transition terminated or was truncated, where the next state is not the one from which the
        following transition leaves, and with the last; only the first of these is a termination. A transition that is both has
        terminated. Raises ``ValueError`` for arrays of other lengths or kinds, and for n = 0.
        """
        before, after = state_array("states", states), state_array("next_states", next_states)
        n = before.size
        if n == 0 or after.size != n:
            raise ValueError(f"states and next_states must hold n >= 1 states each, got {n} and {after.size}")
        R, ends = finite_array("rewards", rewards, (n,)), truths("terminated", terminated, n)
        last = ends | truths("truncated", truncated, n) | (np.append(before[1:], -1) != after)
        stops = np.flatnonzero(last) + 1
        pieces = zip(np.append(0, stops[:-1]), stops)
        return cls.of_trajectories((np.append(before[i:j], after[j - 1]), R[i:j], ends[j - 1]) for i, j in pieces)

    @property
    def n(self) -> int:
        """The number of transitions, 1 or more."""
        return self.rewards.size

    @property
    def firsts(self) -> np.ndarray:
        """The column of each trajectory's first state, (m,)."""
        return np.append([0], self.lasts[:-1] + 1)

    @property
    def lasts(self) -> np.ndarray:
        """The column of each trajectory's last state, (m,), from which no transition leaves."""
        return np.cumsum([length + 1 for length, _ in self.endings]) - 1

    @property
    def columns(self) -> np.ndarray:
        """The column of each transition's first state, (n,), increasing: all columns but each trajectory's last."""
        return np.delete(np.arange(self.states.size), self.lasts)

    @property
    def before(self) -> np.ndarray:
        """The state S_k that each transition leaves, (n,)."""
        return self.states[self.columns]

    @property
    def after(self) -> np.ndarray:
        """The state S'_k that each transition enters, (n,)."""
        return self.states[self.columns + 1]

    @property
    def terminated(self) -> np.ndarray:
        """Whether each transition terminated its trajectory, (n,) truth values."""
        ends = np.zeros(self.n, dtype=bool)
        ends[np.cumsum([length for length, _ in self.endings]) - 1] = [terminated for _, terminated in self.endings]
        return ends

    @property
    def visited(self) -> np.ndarray:
        """W, in increasing order: the states that transitions leave, and those that they enter without terminating."""
        return np.unique(np.append(self.before, self.after[~self.terminated]))

    @property
    def sources(self) -> np.ndarray:
        """The states with a transition out of them, in increasing order, an array (k,)."""
        return np.unique(self.before)

    @property
    def covered(self) -> bool:
        """Whether every state of W is a source; only the last state of a trajectory that was cut can fail to be one."""
        return self.visited.size == self.sources.size


def _endings(endings: Endings) -> Endings:
    """``endings`` as a tuple of pairs of an int and a bool, checked; ``ValueError`` when they are none."""
    wanted = "endings must be one or more pairs (number of transitions, terminated)"
    try:
        pairs = tuple((length, bool(truths("terminated", [terminated], 1)[0])) for length, terminated in endings)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{wanted}, got {endings!r}: {error}") from error
    if not pairs:
        raise ValueError(f"{wanted}, got none")
    return tuple(
        (integer("number of transitions of a trajectory", length, 1), terminated) for length, terminated in pairs
    )


# Markov reward processes


Walk = Callable[[int, Iterable[float]], tuple[list[int], Any]]
"""From a state and uniform numbers, the states and rewards of one trajectory, which stops in a terminal state."""


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What can happen on leaving one state, when the reward depends on more than that state.

    Arrays (m,) of one length: outcome i has ``probability[i]``, leads to ``next_state[i]`` and pays ``reward[i]``. The
    same next state may occur with several rewards.

    Raises ``ValueError`` for lengths that differ, NaN or infinity, and probabilities that are negative or do not sum
    to 1.
    """

    probability: np.ndarray
    next_state: np.ndarray
    reward: np.ndarray

    def __init__(self, probability: ArrayLike, next_state: ArrayLike, reward: ArrayLike) -> None:
        following = state_array("next_state", next_state)
        object.__setattr__(self, "next_state", following)
        object.__setattr__(self, "probability", probabilities("probability", probability, (following.size,)))
        object.__setattr__(self, "reward", finite_array("reward", reward, (following.size,)))

    def transition(self, n_states: int) -> np.ndarray:
        """The probability of each next state, (S,); ``ValueError`` when a next state is not below ``n_states``."""
        if self.next_state.max() >= n_states:
            raise ValueError(f"next_state must be below {n_states}, got {self.next_state.max()}")
        return np.bincount(self.next_state, weights=self.probability, minlength=n_states)

    def expected_reward(self) -> float:
        """E[R | this state] = Σ_i probability_i · reward_i."""
        return float(self.probability @ self.reward)


@dataclass(frozen=True, eq=False)
class MarkovRewardProcess:
    """A finite MRP (S, p, r, γ, p₀); arrays are kept as read-only copies.

    ``transition``: (S, S), P[s, s'] = p(s' | s), rows that sum to 1. ``reward``: (S,), r(s) = E[R_{t+1} | S_t = s].
    ``discount``: γ in [0, 1), or 1 where every state can reach a terminal one. ``initial``: (S,), the distribution p₀ of
    S_0, uniform on the states that are not terminal unless given. ``state_names``: S distinct strings, the states' numbers
    unless given. ``outcomes``: one :class:`Outcomes` a state (what stands at a terminal one is not used), whose transition
    probabilities and expected rewards are P and r; only an MRP with rewards of its own has them. ``terminal``: (k,), the
    states in which an episode ends, none unless given: whatever their rows of P say, nothing follows, so that P is 0
    there, and their value is 0. What is paid on entering one belongs to the state before.

    Raises ``ValueError`` for a matrix that is not square, lengths that do not match, NaN, infinity, a negative
    probability, a row that does not sum to 1, γ out of range, naming the states that reach no ending, outcomes that
    contradict P or r, and terminal states that are all of them, that pay, or in which an episode may begin.

    P need not be ergodic: :meth:`is_ergodic` says whether it is.
    """

    transition: np.ndarray
    reward: np.ndarray
    discount: float
    initial: np.ndarray
    state_names: tuple[str, ...]
    outcomes: tuple[Outcomes, ...] | None
    terminal: np.ndarray

    def __init__(
        self,
        transition: ArrayLike,
        reward: ArrayLike,
        discount: float,
        initial: ArrayLike | None = None,
        state_names: Sequence[str] | None = None,
        outcomes: Iterable[Outcomes] | None = None,
        terminal: ArrayLike | None = None,
    ) -> None:
        n_states = integer("number of states", len(finite_array("transition", transition, ("S", "S"))), 1)
        ends = _terminal(terminal, n_states)
        P, r = _ending(transition, reward, ends)
        start = np.where(ends, 0, 1 / (~ends).sum()) if initial is None else initial
        checked = {
            "transition": P,
            "reward": r,
            "discount": number("discount", discount, "[0, 1)" if terminal is None else "[0, 1]"),
            "initial": probabilities("initial", start, (n_states,)),
            "state_names": _state_names(state_names, n_states),
            "outcomes": _outcomes(outcomes, n_states),
            "terminal": state_array("terminal", np.flatnonzero(ends)),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        if self.initial[ends].any():
            raise ValueError(
                f"initial must be 0 in the terminal states {self.terminal.tolist()}, got {self.initial[ends]}"
            )
        if self.discount == 1 and (endless := endless_states(P > 0, ends)).size:
            names = listed_states([self.state_names[s] for s in endless])
            raise ValueError(f"discount must be below 1 where states reach no ending, got 1 and {names}")
        for state, here in enumerate(self.outcomes or ()):
            if not ends[state]:
                _check_outcomes(self, state, here)

    @property
    def n_states(self) -> int:
        """|S|, 1 or more."""
        return len(self.reward)

    def value(self) -> np.ndarray:
        """v^π = (I − γP)⁻¹ r, shape (S,). Sutton and Barto 2018, equation 4.4, as a linear system.

        Raises ``ValueError`` at discount 1 where endings are so rare that floats cannot tell.
        """
        try:
            return np.linalg.solve(np.eye(self.n_states) - self.discount * self.transition, self.reward)
        except np.linalg.LinAlgError:
            raise ValueError(
                f"discount must be below 1 where endings are too rare for floats to tell, got {self.discount}"
            ) from None

    def bellman_update(self, v: ArrayLike) -> np.ndarray:
        """r + γPv for v of shape (S,), a γ-contraction in the maximum norm. Sutton and Barto 2018, equation 4.5.

        Raises ``ValueError`` when v has another shape, or NaN or infinity in it.
        """
        return self.reward + self.discount * self.transition @ finite_array("v", v, (self.n_states,))

    def is_ergodic(self) -> bool:
        """Whether the chain is irreducible and aperiodic: whether P^m > 0 for m = (|S| − 1)² + 1 (Wielandt 1950).

        Where there are terminal states, the chain of :attr:`renewed`.
        """
        lasting = np.delete(np.arange(self.n_states), self.terminal)
        P = self.renewed[np.ix_(lasting, lasting)]
        return bool(_power_pattern(P > 0, (len(P) - 1) ** 2 + 1).all())

    @property
    def renewed(self) -> np.ndarray:
        """P, but that whatever enters a terminal state begins anew from p₀: the chain of the states that transitions leave; shape (S, S).

        P itself where no state is terminal. Terminal states are never entered, and have the row p₀.
        """
        if not self.terminal.size:
            return self.transition
        P = self.transition + self.transition[:, self.terminal].sum(axis=1, keepdims=True) * self.initial
        P[:, self.terminal], P[self.terminal] = 0, self.initial
        return P

    def recurrent_classes(self) -> tuple[np.ndarray, ...]:
        """The sets of states, arrays (k,), that the chain, once in, never leaves and visits wholly; at least one.

        A state is recurrent when every state it can reach can reach it back; its class is what it can reach. Where there are
        terminal states, the classes of the chain of :attr:`renewed`.
        """
        reach = _power_pattern((self.renewed > 0) | np.eye(self.n_states, dtype=bool), self.n_states)
        recurrent = (reach <= reach.T).all(axis=1)
        return tuple(np.flatnonzero(row) for row in np.unique(reach[recurrent], axis=0)[::-1])

    def stationary_distribution(self) -> np.ndarray:
        """The only μ with μP = μ, μ ≥ 0, Σμ = 1, shape (S,): exactly 0 on transient states, positive elsewhere.

        Raises ``ValueError`` when there is more than one recurrent class, since μ is then not unique. A periodic
        chain has a μ too, although its distribution need not converge to it. Where there are terminal states, μ is that of
        the chain of :attr:`renewed`: the share of transitions that leave each state, over many episodes.
        """
        classes = self.recurrent_classes()
        if len(classes) > 1:
            shown = ", ".join(str(states.tolist()) for states in classes[:3])
            raise ValueError(f"transition must have one recurrent class, got {len(classes)}: {shown}")
        μ = np.zeros(self.n_states)
        μ[classes[0]] = _irreducible_stationary(self.renewed[np.ix_(classes[0], classes[0])])
        return μ

    def start_effect(self) -> float:
        r"""How far two starts can move the expected visits to all states:

        .. math:: \zeta = \sup_m \max_{s,u} \frac12 \sum_y \Bigl| \sum_{j<m} \bigl(P^j(s, y) - P^j(u, y)\bigr) \Bigr|,

        to a relative error of about 1e-9. From two starts the expectation of Σ_{k<n} f(S_k) differs by at most ζ (max f − min f),
        for every f and n. It is 0 for one state and else at least 1, finite for one recurrent class, periodic or not, and
        infinite for more. Where there are terminal states, P is the chain of :attr:`renewed`.

        Raises ``ValueError`` for a chain that has not forgotten its start after 10⁵ steps. Source: the book's chapter "Context".
        """
        first, *others = self.recurrent_classes()
        if others:
            return math.inf
        P, period = self.renewed, _period(self.renewed[np.ix_(first, first)])
        power, most = np.eye(self.n_states), 0.0
        before = visits = np.zeros_like(power)
        for m in range(10**5):
            if m % period == 0:
                if np.abs(power - before).max() < 1e-15:
                    return most
                before = power
            visits = visits + power
            most = max(most, float(np.abs(visits[:, None] - visits).sum(axis=2).max()) / 2)
            power = power @ P
        raise ValueError("transition must forget its start within 10⁵ steps, got a chain that does not")

    def sample_context(
        self, n: int, rng: np.random.Generator, noisy: bool = False, horizon: int | None = None
    ) -> Context:
        """A context of n ≥ 1 transitions: S_0 ∼ p₀, S_{t+1} ∼ p(· | S_t), R_{t+1} = r(S_t).

        A trajectory terminates where it enters a terminal state; it is cut after ``horizon`` ≥ 1 transitions, if there is one,
        and with the n-th; the next begins from p₀. Without terminal states and horizon there is one trajectory. A context of
        fewer transitions from the same state of ``rng`` is the beginning of this one.

        With ``noisy`` the reward and the next state are drawn together from the state's outcomes. The rewards then
        have mean r(S_t), but results that assume R_{t+1} = r(S_t) do not apply to them.

        Raises ``ValueError`` for n < 1, ``horizon`` < 1, for an ``rng`` that is no NumPy generator, and for ``noisy`` without
        outcomes.
        """
        uniforms = generator(rng).random(integer("n", n, 1) + 1)
        most = n if horizon is None else integer("horizon", horizon, 1)
        numbers = chain.from_iterable(uniforms[i : i + 2**16].tolist() for i in range(1, n + 1, 2**16))
        walk = self._noisy_walk() if noisy else self._walk()
        start, firsts = _cumulative(self.initial), _and_on(uniforms[0])
        trajectories, left, ends = [], n, set(self.terminal.tolist())
        while left:
            states, rewards = walk(_quantile(start, next(firsts)), islice(numbers, min(left, most)))
            trajectories.append((states, rewards, states[-1] in ends))
            left -= len(rewards)
        return Context.of_trajectories(trajectories)

    def sample_batch(
        self, n: int, batch: int, rng: np.random.Generator, start: ArrayLike | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """``batch`` ≥ 1 independent trajectories of n ≥ 1 transitions at once: states (batch, n+1), rewards (batch, n), R_{t+1} = r(S_t).

        ``start``: (S,), the distribution of S_0, p₀ unless given. Raises ``ValueError`` as :meth:`sample_context`, and
        for a ``start`` that is no distribution, and for a process with terminal states, whose trajectories differ in length.
        """
        if self.terminal.size:
            raise ValueError(f"sample_batch must have a process without terminal states, got {self.terminal.tolist()}")
        uniforms = generator(rng).random((integer("n", n, 1) + 1, integer("batch", batch, 1)))
        start = self.initial if start is None else probabilities("start", start, (self.n_states,))
        cumulative, states = _cumulative(self.transition), np.empty(uniforms.shape, dtype=int)
        states[0] = _cumulative(start).searchsorted(uniforms[0], side="right")
        for t in range(n):
            states[t + 1] = (cumulative[states[t]] <= uniforms[t + 1][:, None]).sum(axis=1)
        return states.T, self.reward[states[:-1].T]

    def _walk(self) -> Walk:
        """The walk whose rewards are r(S_t), one uniform number a transition."""
        cumulative, ends, rows = _cumulative(self.transition), set(self.terminal.tolist()), {}

        def walk(state: int, uniforms: Iterable[float]) -> tuple[list[int], np.ndarray]:
            states = [state]
            for u in uniforms:
                if state not in rows:
                    rows[state] = cumulative[state].tolist()  # as Python's floats and lists, which bisect reads fastest
                state = bisect_right(rows[state], u)
                states.append(state)
                if state in ends:
                    break
            return states, self.reward[states[:-1]]

        return walk

    def _noisy_walk(self) -> Walk:
        """The walk whose rewards are those of the outcomes drawn, one uniform number a transition."""
        outcomes = self.outcomes
        if outcomes is None:
            raise ValueError("noisy must be False for an MRP without outcomes, got True")
        ends = set(self.terminal.tolist())

        def walk(state: int, uniforms: Iterable[float]) -> tuple[list[int], list[float]]:
            states, rewards = [state], []
            for u in uniforms:
                here = outcomes[states[-1]]
                drawn = _quantile(_cumulative(here.probability), u)
                states.append(int(here.next_state[drawn]))
                rewards.append(float(here.reward[drawn]))
                if states[-1] in ends:
                    break
            return states, rewards

        return walk


def _terminal(terminal: ArrayLike | None, n_states: int) -> np.ndarray:
    """Which states are terminal, (S,) truth values, checked."""
    states = state_array("terminal", [] if terminal is None else terminal)
    if states.size and states.max() >= n_states:
        raise ValueError(f"terminal must be states below {n_states}, got {states.max()}")
    if np.unique(states).size == n_states:
        raise ValueError(f"terminal must leave a state that is not terminal, got all {n_states}")
    ends = np.zeros(n_states, dtype=bool)
    ends[states] = True
    return ends


def _ending(transition: ArrayLike, reward: ArrayLike, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P and r, checked; P is 0 where a state is terminal; read-only."""
    if not ends.any():
        return probabilities("transition", transition, ("S", "S")), finite_array("reward", reward, ends.shape)
    P, r = np.array(finite_array("transition", transition, ("S", "S"))), finite_array("reward", reward, ends.shape)
    P[ends] = np.eye(len(P))[ends]
    P = probabilities("transition", P, ("S", "S"))
    P = np.where(ends[:, None], 0, P / P.sum(axis=1, keepdims=True))  # what a row lacks to 1 must not read as an ending
    if (pays := np.flatnonzero(ends & (r != 0))).size:
        raise ValueError(
            f"reward must be 0 in terminal states, got {r[pays[0]]:g} in state {pays[0]}: what is paid on entering it belongs to the state before"
        )
    return finite_array("transition", P, P.shape), r


def endless_states(follows: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """The states, an array (k,), from which no path leads to one of ``ends``, (S,); ``follows``, (S, S), says which state may follow which."""
    reach = ends
    while not np.array_equal(further := reach | follows @ reach, reach):
        reach = further
    return np.flatnonzero(~reach)


def _state_names(names: Sequence[str] | None, n_states: int) -> tuple[str, ...]:
    """``names``, checked, or the states' numbers."""
    if names is None:
        return tuple(map(str, range(n_states)))
    if isinstance(names, str) or not isinstance(names, Iterable) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"state_names must be a tuple of strings, got {names!r}")
    if len(names) != n_states or len(set(names)) != n_states:
        raise ValueError(f"state_names must be {n_states} distinct names, got {len(names)}, {len(set(names))} distinct")
    return tuple(names)


def _outcomes(outcomes: Iterable[Outcomes] | None, n_states: int) -> tuple[Outcomes, ...] | None:
    """``outcomes`` as a tuple of one ``Outcomes`` a state, checked, or None."""
    if outcomes is None:
        return None
    if not isinstance(outcomes, Iterable):
        raise ValueError(f"outcomes must be {n_states} Outcomes, one a state, got {outcomes!r}")
    items = tuple(outcomes)
    if len(items) != n_states or not all(isinstance(each, Outcomes) for each in items):
        raise ValueError(f"outcomes must be {n_states} Outcomes, one a state, got {len(items)} items")
    return items


def _check_outcomes(mrp: MarkovRewardProcess, state: int, here: Outcomes) -> None:
    """Raise ``ValueError`` unless the outcomes have the state's transition probabilities and expected reward."""
    transition = here.transition(mrp.n_states)
    if np.abs(transition - mrp.transition[state]).max() > ROW_SUM_TOLERANCE:
        raise ValueError(f"outcomes of state {state} must have its transition probabilities, got {transition}")
    scale = max(1.0, np.abs(here.reward).max())
    if abs(here.expected_reward() - mrp.reward[state]) > ROW_SUM_TOLERANCE * scale:
        expected, stated = here.expected_reward(), mrp.reward[state]
        raise ValueError(f"outcomes of state {state} must have its expected reward {stated}, got {expected}")


def _power_pattern(pattern: np.ndarray, exponent: int) -> np.ndarray:
    """Where pattern^m is positive, for the least power of two m ≥ ``exponent`` ≥ 1: by repeated squaring."""
    for _ in range((exponent - 1).bit_length()):
        weights = pattern.astype(np.float32)  # NumPy multiplies floats by BLAS, Booleans one by one
        pattern = weights @ weights > 0
    return pattern


def _period(P: np.ndarray) -> int:
    """The greatest common divisor of the lengths of all round trips of an irreducible chain."""
    steps, frontier = {0: 0}, [0]
    for s in frontier:
        for u in np.flatnonzero(P[s]).tolist():
            if u not in steps:
                steps[u] = steps[s] + 1
                frontier.append(u)
    return math.gcd(*(steps[s] + 1 - steps[u] for s in steps for u in np.flatnonzero(P[s]).tolist()))


def _irreducible_stationary(transition: np.ndarray) -> np.ndarray:
    """μ = μP by eliminating the states one by one, with no subtraction: each entry is accurate, however small.

    Grassmann, Taksar and Heyman 1985, *Regenerative analysis and steady state distributions for Markov chains*.
    """
    P = transition.copy()
    for k in range(len(P) - 1, 0, -1):  # P on 0 … k-1 becomes the chain watched only there
        P[:k, k] /= P[k, :k].sum()
        P[:k, :k] += np.outer(P[:k, k], P[k, :k])
    μ = np.ones(len(P))
    for k in range(1, len(P)):
        μ[k] = μ[:k] @ P[:k, k]
    return μ / μ.sum()


def _cumulative(probability: np.ndarray) -> np.ndarray:
    """Cumulative sums along the last axis that end in exactly 1, so that every u < 1 has a quantile."""
    sums = np.cumsum(probability, axis=-1)
    return sums / np.where(sums[..., -1:] > 0, sums[..., -1:], 1)  # a terminal state's row is 0, and never drawn from


def _and_on(first: float) -> Iterator[float]:
    """``first``, then uniform numbers of the stream that it seeds, so that they do not depend on how many others are drawn."""
    yield first
    yield from iter(np.random.default_rng(int(first * 2**53)).random, None)


def _quantile(cumulative: np.ndarray, u: float) -> int:
    """The first index whose cumulative probability exceeds u in [0, 1): never one of probability 0."""
    return int(cumulative.searchsorted(u, side="right"))


# The empirical model of a context


@dataclass(frozen=True, eq=False)
class EmpiricalModel:
    """The MRP that a context holds, on the states W it visits; row i of every array is the state ``states[i]``.

    ``states``: (W,), increasing. ``counts``: (W,), n_s, how many transitions leave s, 1 or more. ``transition``: (W, W),
    P_e[s, s'], the share of them that enter s' and do not terminate. ``reward``: (W,), r̂(s), the mean of their rewards.
    ``terminating``: (W,), the share of them that terminates, to 1 with the row of P_e.

    Made by :func:`empirical_model`.
    """

    states: np.ndarray
    counts: np.ndarray
    transition: np.ndarray
    reward: np.ndarray
    terminating: np.ndarray

    def mrp(self, discount: float) -> MarkovRewardProcess:
        """This model as an MRP, states named by their numbers in the context, and one more, ``end``, the last and terminal, if a transition terminated.

        Raises ``ValueError`` for a discount out of the range of :class:`MarkovRewardProcess`.
        """
        names = tuple(map(str, self.states.tolist()))
        if not self.terminating.any():
            return MarkovRewardProcess(self.transition, self.reward, discount, state_names=names)
        P = np.block([[self.transition, self.terminating[:, None]], [np.zeros((1, len(names))), np.ones((1, 1))]])
        last = [len(names)]
        return MarkovRewardProcess(P, np.append(self.reward, 0), discount, state_names=(*names, "end"), terminal=last)

    def value(self, discount: float) -> np.ndarray:
        """v_CE = (I − γP_e)⁻¹ r̂, shape (W,), entry i for ``states[i]``; ``ValueError`` for a discount as in :meth:`mrp`.

        The certainty-equivalence value, to which batch TD(0) converges: Sutton and Barto 2018, section 6.3.
        """
        return self.mrp(discount).value()[: len(self.states)]


def empirical_model(context: Context) -> EmpiricalModel:
    """The transition frequencies and mean rewards out of each state that the context visits.

    Raises ``ValueError`` for what is no :class:`Context`, and naming a state that no transition leaves: a model on W needs
    every state of W to be a source (``context.covered``).
    """
    if not context_itself(context).covered:
        last = [s for s in context.visited.tolist() if s not in context.sources][0]
        raise ValueError(f"context must have a transition out of every state it visits, got none out of state {last}")
    W, goes_on = context.visited, ~context.terminated
    source = np.searchsorted(W, context.before)
    counts, ended = np.bincount(source), np.bincount(source[~goes_on], minlength=W.size)
    transition = np.zeros((W.size, W.size))
    np.add.at(transition, (source[goes_on], np.searchsorted(W, context.after[goes_on])), 1)
    reward = np.bincount(source, weights=context.rewards) / counts
    return EmpiricalModel(W, counts, transition / counts[:, None], reward, ended / counts)
