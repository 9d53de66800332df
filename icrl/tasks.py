r"""The tasks of the book: Markov reward processes and features of their states.

Four kinds of MRP: Boyan's chain, a ring, random MRPs, and the MRP that a policy induces on a tabular Gymnasium
environment. Features are arrays (|S|, d) whose row s is x(s), so that X[states].T is the feature block of a prompt.

Sources: Boyan 1999, *Least-squares temporal difference learning*; the Gymnasium package for its environments.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from icrl.arrays import np
from icrl.mrp import MarkovRewardProcess, Outcomes, finite_array, generator, integer, number, probabilities

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

LEAST_PROBABILITY = 1e-12
"""The floor under the entries of a random MRP's rows: what keeps every one of them positive in floating point."""

Table = dict[int, dict[int, list[tuple[float, int, float, bool]]]]
"""Gymnasium's ``env.P``: state → action → (probability, next state, reward, terminated) of each outcome."""


# Markov reward processes


ENDINGS = ("restart", "terminal")
"""What follows where an episode ends: the start again, as one more transition, discounted and paying 0; or nothing."""


def _ending(endings: str) -> str:
    """``endings`` itself, checked."""
    if endings not in ENDINGS:
        raise ValueError(f"endings must be one of {', '.join(ENDINGS)}, got {endings!r}")
    return endings


def boyan_chain(n_states: int = 13, discount: float = 0.9, endings: str = "restart") -> MarkovRewardProcess:
    """Boyan's chain, from state 0, the farthest from the end, to state ``n_states`` − 1, the end; then it starts again.

    From state i the chain goes to i+1 or i+2, each with probability 1/2, and pays −3; from the last state but one it
    goes to the end and pays −2; from the end it goes to state 0 and pays 0, which makes it ergodic. S_0 = 0.
    With ``endings`` "terminal" nothing follows the end, and the discount may be 1: then v(s) = −2(``n_states`` − 1 − s).

    Boyan 1999 counts the states down to 0 and stops there; his state k is ``n_states`` − 1 − k here.

    Raises ``ValueError`` for ``n_states`` < 3 (two states alternate, with period 2), a discount outside [0, 1), or [0, 1]
    with terminal endings, and other ``endings``.
    """
    last = integer("n_states", n_states, 3) - 1
    transition = 0.5 * (np.eye(n_states, k=1) + np.eye(n_states, k=2))
    transition[last - 1] = np.eye(n_states)[last]
    transition[last] = np.eye(n_states)[0]
    reward = np.array([-3.0] * (last - 1) + [-2.0, 0.0])
    terminal = [last] if _ending(endings) == "terminal" else None
    return MarkovRewardProcess(transition, reward, discount, initial=np.eye(n_states)[0], terminal=terminal)


def ring(
    n_states: int, clockwise: float = 0.9, discount: float = 0.9, reward: ArrayLike | None = None, lazy: float = 0.1
) -> MarkovRewardProcess:
    """A walk on a ring: it stays with probability ``lazy``, or else goes from s to s+1 with probability ``clockwise``
    and to s−1 if not, both modulo ``n_states``.

    P = lazy·I + (1 − lazy)(clockwise·C + (1 − clockwise)·Cᵀ), where C is the cyclic shift. ``reward``: (S,); unless
    given, 1 at state 0 and 0 elsewhere. The stationary distribution is uniform.

    ``lazy`` > 0 makes the walk ergodic. At ``lazy`` = 0 it has period 2 when ``n_states`` is even, and period
    ``n_states`` when ``clockwise`` is 0 or 1.

    Raises ``ValueError`` for ``n_states`` < 1, ``clockwise`` outside [0, 1], and ``lazy`` or the discount outside
    [0, 1).
    """
    here = np.eye(integer("n_states", n_states, 1))
    clockwise, lazy = number("clockwise", clockwise, "[0, 1]"), number("lazy", lazy, "[0, 1)")
    step = clockwise * np.roll(here, 1, axis=1) + (1 - clockwise) * np.roll(here, -1, axis=1)
    return MarkovRewardProcess(lazy * here + (1 - lazy) * step, here[0] if reward is None else reward, discount)


def random_mrp(
    n_states: int, rng: np.random.Generator, discount: float = 0.9, concentration: float = 0.3
) -> MarkovRewardProcess:
    """An MRP with rows p(· | s) ∼ Dirichlet(concentration, …, concentration) and rewards r(s) ∼ uniform(−1, 1).

    A small ``concentration`` gives rows with few large entries, a large one nearly uniform rows. Entries below 1e-12,
    which would underflow to 0, are raised to it and the row is scaled back to 1: every entry is positive, so P is
    ergodic. p₀ is uniform.

    Raises ``ValueError`` for ``n_states`` < 1, a ``concentration`` that is not positive and finite, a discount outside
    [0, 1), and an ``rng`` that is no NumPy generator.
    """
    rows = dirichlet_rows(integer("n_states", n_states, 1), n_states, rng, concentration)
    return MarkovRewardProcess(rows, rng.uniform(-1, 1, n_states), discount)


def dirichlet_rows(
    size: int | tuple[int, ...], n_states: int, rng: np.random.Generator, concentration: float = 0.3
) -> np.ndarray:
    """Independent p ∼ Dirichlet(concentration, …, concentration), entries below 1e-12 raised to it and rows scaled back to 1; shape (size, S).

    Raises ``ValueError`` for a ``concentration`` that is not positive and finite, and an ``rng`` that is no NumPy generator.
    """
    concentrations = np.full(n_states, number("concentration", concentration, "(0, inf)"))
    rows = np.maximum(generator(rng).dirichlet(concentrations, size=size), LEAST_PROBABILITY)
    return rows / rows.sum(axis=-1, keepdims=True)


# Markov reward processes of Gymnasium


def from_gymnasium(
    env_id: str,
    policy: str | ArrayLike = "uniform",
    discount: float = 0.9,
    endings: str = "restart",
    **make_options: Any,
) -> MarkovRewardProcess:
    """The MRP that a policy induces on a tabular Gymnasium environment, read from the package's own tables.

    With π(a|s) the policy and p(s', r | s, a) the environment's table ``env.unwrapped.P``,

        P[s, s'] = Σ_a π(a|s) Σ_r p(s', r | s, a),    r(s) = Σ_a π(a|s) Σ_{s', r} p(s', r | s, a) r.

    Terminal states stay states: with ``endings`` "restart" their only transition is to the start distribution, with reward
    0, whatever the table says; with "terminal" nothing follows them, and the discount may be 1 where every state can reach
    one. States that are never reached from the start under the policy are dropped, and the others keep the
    environment's numbers as names. p₀ is the start distribution; ``outcomes`` keeps the environment's own rewards,
    for ``sample_context(noisy=True)``. Time limits are no part of the table, and are ignored.

    ``env_id`` and ``make_options`` go to ``gymnasium.make``: FrozenLake-v1 (``map_name="8x8"``), CliffWalking-v1,
    Taxi-v4. ``policy``: ``"uniform"``, or an array (states, actions) of the environment, rows that sum to 1.

    Under the uniform policy these three are ergodic (a move into a wall stays where it is, so none is periodic).
    Another policy can make the chain periodic (a deterministic path to the goal, and back to the start) or shut it in
    a part that never terminates: ask :meth:`MarkovRewardProcess.is_ergodic`.

    Raises ``ValueError`` for an environment that cannot be made, or has no such tables, or whose steps do not follow
    them (Taxi with ``fickle_passenger``), and for a policy or a discount that is not one.
    """
    table, start = _tables(env_id, make_options)
    π = _policy(policy, len(table), len(table[0]))
    terminal, restart = _terminal_states(table), _ending(endings) == "restart"
    leaving = {
        s: _merged(_leaving(s, table, π) if s not in terminal else _again(start if restart else np.eye(len(table))[s]))
        for s in table
    }
    reached = _reached(leaving, start)
    _check_endings(env_id, table, terminal, reached)
    outcomes = tuple(_outcomes(leaving[s], reached) for s in reached)
    return MarkovRewardProcess(
        transition=np.array([here.transition(len(reached)) for here in outcomes]),
        reward=np.array([here.expected_reward() for here in outcomes]),
        discount=discount,
        initial=start[reached],
        state_names=tuple(map(str, reached)),
        outcomes=outcomes,
        terminal=None if restart else [i for i, s in enumerate(reached) if s in terminal],
    )


def _tables(env_id: str, make_options: dict[str, Any]) -> tuple[Table, np.ndarray]:
    """The environment's transition table and start distribution."""
    import gymnasium

    try:
        env = gymnasium.make(env_id, **make_options).unwrapped
    except (gymnasium.error.Error, ImportError, LookupError, TypeError, AttributeError, ValueError) as error:
        given = f"{env_id!r} with {make_options}"
        raise ValueError(f"env_id must be a Gymnasium environment, got {given}: {error}") from error
    if not (hasattr(env, "P") and hasattr(env, "initial_state_distrib")):
        raise ValueError(f"env_id must be a tabular environment, such as FrozenLake-v1, got {env_id!r}")
    if fickle := getattr(env, "fickle_passenger", False):  # drawn in step(), outside the table
        raise ValueError(f"fickle_passenger must be False, got {fickle!r}: {env_id} has it in no table")
    return env.P, probabilities("start distribution", env.initial_state_distrib, (len(env.P),))


def _policy(policy: str | ArrayLike, n_states: int, n_actions: int) -> np.ndarray:
    """π(a|s) as an array, checked."""
    if isinstance(policy, str):
        if policy != "uniform":
            raise ValueError(f"policy must be 'uniform' or an array of shape {(n_states, n_actions)}, got {policy!r}")
        return np.full((n_states, n_actions), 1 / n_actions)
    return probabilities("policy", policy, (n_states, n_actions))


def _terminal_states(table: Table) -> set[int]:
    """The states that some transition enters with ``terminated``."""
    entries = ((p, s_next, ends) for s in table for a in table[s] for p, s_next, _, ends in table[s][a])
    return {int(s_next) for p, s_next, ends in entries if p > 0 and ends}


def _check_endings(env_id: str, table: Table, terminal: set[int], reached: list[int]) -> None:
    """Raise ``ValueError`` when a state that can be reached enters a terminal state without ``terminated``.

    Whether the episode ends there would then not be a matter of the state, and the chain not one of states.
    """
    for s in set(reached) - terminal:
        entries = [(p, int(s_next), ends) for a in table[s] for p, s_next, _, ends in table[s][a]]
        doubtful = [s_next for p, s_next, ends in entries if p > 0 and not ends and s_next in terminal]
        if doubtful:
            raise ValueError(f"env_id must end episodes by state alone, got {env_id!r}, state {doubtful[0]} both ways")


def _again(start: np.ndarray) -> Iterator[tuple[float, int, float]]:
    """The probability, next state and reward of whatever can follow an ending, if what follows is drawn from ``start``."""
    return ((float(p), s_next, 0.0) for s_next, p in enumerate(start))


def _leaving(s: int, table: Table, π: np.ndarray) -> Iterator[tuple[float, int, float]]:
    """The probability, next state and reward of whatever can follow state s."""
    for a, following in table[s].items():
        yield from ((float(π[s, a] * p), int(s_next), float(reward)) for p, s_next, reward, _ in following)


def _merged(leaving: Iterator[tuple[float, int, float]]) -> dict[tuple[int, float], float]:
    """The probability of each (next state, reward) that has any."""
    merged: dict[tuple[int, float], float] = {}
    for p, s_next, reward in leaving:
        if p != 0:
            merged[s_next, reward] = merged.get((s_next, reward), 0.0) + p
    return merged


def _reached(leaving: dict[int, dict[tuple[int, float], float]], start: np.ndarray) -> list[int]:
    """The states that the chain can be in, in increasing order."""
    reached, frontier = set(), set(np.flatnonzero(start).tolist())
    while frontier:
        reached |= frontier
        frontier = {s_next for s in frontier for s_next, _ in leaving[s]} - reached
    return sorted(reached)


def _outcomes(leaving: dict[tuple[int, float], float], reached: list[int]) -> Outcomes:
    """``leaving`` as arrays, its states numbered by their places in ``reached``."""
    states, rewards = zip(*leaving)
    return Outcomes(list(leaving.values()), np.searchsorted(reached, states), rewards)


# Features


def one_hot(n_states: int, sharpness: float = 1.0) -> np.ndarray:
    """x(s) = √β e_s, so that ⟨x(s), x(s')⟩ = β·1[s = s'], with β = ``sharpness``; shape (S, S).

    Raises ``ValueError`` for ``n_states`` < 1 and a ``sharpness`` that is negative or not finite.
    """
    return np.sqrt(number("sharpness", sharpness, "[0, inf)")) * np.eye(integer("n_states", n_states, 1))


def random_unit(n_states: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """x(s) independent and uniform on the unit sphere of ℝ^d; shape (S, d), where d may be 0 (no features).

    Raises ``ValueError`` for ``n_states`` < 1, d < 0, and an ``rng`` that is no NumPy generator.
    """
    normal = generator(rng).standard_normal((integer("n_states", n_states, 1), integer("d", d, 0)))
    return normal / np.linalg.norm(normal, axis=1, keepdims=True)


def radial(points: ArrayLike, centres: ArrayLike, width: float) -> np.ndarray:
    """Gaussian bumps, x_i(s) = exp(−‖p_s − c_i‖² / (2·width²)), in (0, 1]; shape (S, d).

    ``points``: (S, k), the place p_s of each state. ``centres``: (d, k), the c_i. ``width``: positive, in the unit of
    the places.

    Raises ``ValueError`` for arrays that are not matrices with equally many columns, NaN or infinity in them, and a
    width that is not positive and finite.
    """
    points = finite_array("points", points, ("S", "k"))
    centres = finite_array("centres", centres, ("d", points.shape[1]))
    distances = np.linalg.norm(points[:, None] - centres[None], axis=-1)
    return np.exp(-((distances / number("width", width, "(0, inf)")) ** 2) / 2)


def boyan_features(n_states: int = 13, d: int = 4) -> np.ndarray:
    """Boyan's features: d equally spaced knots on the chain, each state interpolated between the two around it.

    x_i(s) = max(0, 1 − |s/w − i|) with w = (``n_states`` − 1)/(d − 1), the distance of the knots; shape (S, d), rows
    that sum to 1. Any function that is linear between the knots is ⟨w, x⟩ with w its values there: Boyan 1999.

    Raises ``ValueError`` for ``n_states`` < 2, d < 2 and d > ``n_states``.
    """
    if integer("d", d, 2) > integer("n_states", n_states, 2):
        raise ValueError(f"d must be at most n_states = {n_states}, got {d}")
    place = np.arange(n_states) * (d - 1) / (n_states - 1)
    return np.maximum(0, 1 - np.abs(place[:, None] - np.arange(d)))
