r"""Batches of random tasks to pretrain on: each a Markov reward process, features of its states, and a context sampled from it.

Everything about a batch is decided by the generator given, one draw after the other for the whole batch; ``part`` then keeps
some members only, which several processes use to share a batch that is the same however many they are.

Families of transition matrices: ``boyan``, random Boyan chains (from state i to i+1 or i+2, with a probability of its own), and
``dense``, rows from a Dirichlet distribution. Source of the first: Wang, Blaser, Daneshmand, Zhang 2025.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from icrl.arrays import np
from icrl.mrp import MarkovRewardProcess, finite_array, generator, integer, number, probabilities
from icrl.tasks import ENDINGS, dirichlet_rows, one_hot, random_unit

Array = Any
"""A NumPy array, or a tensor of the same shape once a batch was moved to torch."""


class TaskBatch(NamedTuple):
    """B tasks and a context of each.

    ``transition`` (B, S, S), ``reward`` (B, S), ``stationary`` μ (B, S) and ``discount``: the processes whose values are asked for.
    ``features``: (B, S, d). ``moves``: (B, S, S), how often the context makes each transition; ``paid``: (B, S), the sum of its rewards
    out of each state. ``states``: (B, n+1) and ``rewards``: (B, n), the context itself; None where n = ∞, ``moves`` being μP then.

    Where episodes end, ``terminal`` (B, S) says in which states, and ``ended`` (B, S) how often a transition out of each state
    terminated, which ``moves`` does not count; both are None where there are no endings. The columns of a context then hold one
    episode after another, n + 1 in all: a terminal state is the last of its episode, and no transition leaves its column.
    """

    transition: Array
    reward: Array
    stationary: Array
    discount: float
    features: Array
    moves: Array
    paid: Array
    states: Array
    rewards: Array
    ended: Array = None
    terminal: Array = None

    @property
    def counts(self) -> Array:
        """How many transitions of the context leave each state, (B, S), or the share that does."""
        return self.moves.sum(-1) if self.ended is None else self.moves.sum(-1) + self.ended


# Families


def boyan(rng: np.random.Generator, size: int, n_states: int) -> np.ndarray:
    """Random Boyan chains, (B, S, S): from i to i+1 with probability ε_i ∼ U(0, 1), else to i+2; at the end to a state drawn from a random distribution."""
    P, forward = np.zeros((size, n_states, n_states)), rng.random((size, n_states - 2))
    i, again = np.arange(n_states - 2), rng.random((size, n_states))
    P[:, i, i + 1], P[:, i, i + 2] = forward, 1 - forward
    P[:, -2, -1] = 1
    P[:, -1] = again / again.sum(axis=-1, keepdims=True)
    return P


def dense(rng: np.random.Generator, size: int, n_states: int, concentration: float = 0.3) -> np.ndarray:
    """Transition matrices (B, S, S) with rows p(· | s) ∼ Dirichlet(concentration, …): see :func:`icrl.tasks.dirichlet_rows`."""
    return dirichlet_rows((size, n_states), n_states, rng, concentration)


def permuted_boyan(rng: np.random.Generator, size: int, n_states: int) -> np.ndarray:
    """Random Boyan chains, (B, S, S), whose states are numbered at random, anew in every task."""
    P = boyan(rng, size, n_states)
    order = rng.permuted(np.tile(np.arange(n_states), (size, 1)), axis=1)
    return np.take_along_axis(np.take_along_axis(P, order[:, :, None], 1), order[:, None, :], 2)


FAMILIES: dict[str, Callable] = {"boyan": boyan, "dense": dense, "permuted-boyan": permuted_boyan}
"""What draws ``size`` = B transition matrices of ``n_states`` = S states, by the name of the family."""


def uniform_features(rng: np.random.Generator, size: int, n_states: int, d: int) -> np.ndarray:
    """Entries from U(−1, 1), (B, S, d)."""
    return rng.uniform(-1, 1, (size, n_states, d))


def unit_features(rng: np.random.Generator, size: int, n_states: int, d: int) -> np.ndarray:
    """Uniform on the unit sphere, (B, S, d)."""
    return random_unit(size * n_states, d, rng).reshape(size, n_states, d)


def one_hot_features(rng: np.random.Generator, size: int, n_states: int, d: int) -> np.ndarray:
    """e_s, (B, S, S), where d must be the number of states."""
    if d != n_states:
        raise ValueError(f"d must be n_states = {n_states} for one-hot features, got {d}")
    return np.tile(one_hot(n_states), (size, 1, 1))


FEATURES: dict[str, Callable] = {"uniform": uniform_features, "unit": unit_features, "one-hot": one_hot_features}
"""What draws the features of B tasks, by the name of their kind."""

OWN = (*FAMILIES.values(), *FEATURES.values())
"""The library's own, whose draws are tested once and for all; those of others are looked at in every batch."""


# Sampling


def sample_tasks(
    rng: np.random.Generator,
    size: int,
    family: str = "boyan",
    features: str = "uniform",
    d: int = 4,
    n_states: int = 10,
    discount: float = 0.9,
    n: int | None = 30,
    shuffled_rewards: bool = False,
    other_labels: bool = False,
    sampled: bool = False,
    part: slice = slice(None),
    endings: str = "restart",
) -> TaskBatch:
    """A batch of random tasks with r(s) ∼ U(−1, 1) and contexts of n transitions from S_0 ∼ μ; ``n`` None is n = ∞.

    Two controls take the contexts away from what is asked: ``shuffled_rewards``, in the contexts each state pays another's reward;
    ``other_labels``, the process asked for is the next member's of the batch. ``sampled``: of the process asked for
    :func:`one_transition` is left, drawn after all else. ``part``: the members to keep. ``endings``: "terminal" makes the last
    state of each process end its episode, and the row of that state the distribution from which the next begins
    (:func:`with_endings`).

    A family of your own is a function like :func:`boyan` put into :data:`FAMILIES`, its chains ergodic; features likewise.

    Raises ``ValueError`` for an unknown family, kind of features or of endings, sizes below 1 (below 3 for states), a discount
    outside [0, 1), or [0, 1] where episodes end, and where a family of your own draws no distributions, or features of your own have another shape than (size, n_states, d).
    """
    for name, given, known in (
        ("family", family, FAMILIES),
        ("features", features, FEATURES),
        ("endings", endings, ENDINGS),
    ):
        if given not in known:
            raise ValueError(f"{name} must be one of {', '.join(known)}, got {given!r}")
    size, n_states = integer("size", size, 1), integer("n_states", n_states, 3)
    transition = FAMILIES[family](generator(rng), size, n_states)
    reward = rng.uniform(-1, 1, (size, n_states))
    x = FEATURES[features](rng, size, n_states, integer("d", d, 1))
    if FAMILIES[family] not in OWN:
        name = f"transition of family {family!r}"
        probabilities(
            name, finite_array(name, transition, (size, n_states, n_states)).reshape(-1, n_states), ("rows", n_states)
        )
    if FEATURES[features] not in OWN:
        finite_array(f"features {features!r}", x, (size, n_states, d))
    shown = rng.permuted(reward, axis=1) if shuffled_rewards else reward
    uniforms = rng.random((size, (0 if n is None else integer("n", n, 1)) + 1))
    asked = rng.random((size, 2)) if sampled else None
    own = transition[part], reward[part]
    P, r = (np.roll(transition, -1, 0)[part], np.roll(reward, -1, 0)[part]) if other_labels else own
    γ = number("discount", discount, "[0, 1]" if endings == "terminal" else "[0, 1)")
    batch = assembled(P, r, γ, x[part], own[0], shown[part], uniforms[part], n is None)
    if endings == "terminal":
        batch = with_endings(batch, np.arange(n_states) == n_states - 1)
    return batch if asked is None else one_transition(batch, asked[part])


def assembled(
    P: Array, r: Array, discount: float, features: Array, shown_P: Array, shown_r: Array, uniforms: Array, endless: bool
) -> TaskBatch:
    """The batch whose contexts walk by ``shown_P``, (B, S, S), and pay ``shown_r``, (B, S), by the ``uniforms`` given, (B, n+1)."""
    μ = stationary(P)
    start = μ if shown_P is P else stationary(shown_P)
    if endless:
        moves = start[..., None] * shown_P
        return TaskBatch(P, r, μ, discount, features, moves, start * shown_r, None, None)
    states = walks(start, shown_P, uniforms)
    rewards = np.take_along_axis(shown_r, states[:, :-1], 1)
    moves = counted(states, P.shape[-1])
    return TaskBatch(P, r, μ, discount, features, moves, moves.sum(-1) * shown_r, states, rewards)


def with_endings(batch: TaskBatch, terminal: Array) -> TaskBatch:
    """The batch of episodes that end in the states of ``terminal``, (S,) or (B, S) truth values, from one whose processes go on from there.

    What leaves a terminal state is no transition any more, and pays nothing; what enters one terminates. μ is the share of
    transitions that leave each state.
    """
    ends = np.broadcast_to(terminal, batch.reward.shape)
    lasting, entered = 1.0 - ends, ends[:, None, :]
    left = batch.moves * lasting[..., None]
    μ = batch.stationary * lasting
    return batch._replace(
        transition=np.where(entered, 0, batch.transition * lasting[..., None]),
        reward=batch.reward * lasting,
        stationary=μ / μ.sum(-1, keepdims=True),
        moves=np.where(entered, 0, left),
        paid=batch.paid * lasting,
        rewards=None
        if batch.states is None
        else np.where(np.take_along_axis(ends, batch.states[:, :-1], 1), 0, batch.rewards),
        ended=np.where(entered, left, 0).sum(-1),
        terminal=ends.copy(),
    )


def one_transition(batch: TaskBatch, uniforms: Array) -> TaskBatch:
    """The batch with a transition S ∼ μ, S' ∼ P(S, ·) of each task in the place of μ and P, by ``uniforms``, (B, 2): μ is 1 at S, all of P's rows at S'.

    Sums over states and next states are those of a single sample then; the contexts are as they were. Of a transition that
    terminates P's rows are 0.
    """
    here, following = np.eye(batch.reward.shape[-1])[walks(batch.stationary, batch.transition, uniforms)].swapaxes(0, 1)
    if batch.terminal is not None:  # the last state, to which ``walks`` gives what a row of P lacks to 1
        following = np.where(batch.terminal, 0, following)
    return batch._replace(stationary=here, transition=np.tile(following[:, None], (1, here.shape[-1], 1)))


def stationary(P: np.ndarray) -> np.ndarray:
    """μ, (B, S), with μP = μ and Σμ = 1 for every chain of a batch (B, S, S); ergodic ones."""
    S = P.shape[-1]
    system = np.swapaxes(P, -1, -2) - np.eye(S)
    system[:, -1] = 1
    return np.linalg.solve(system, np.broadcast_to(np.eye(S)[-1][:, None], (len(P), S, 1)))[..., 0]


def walks(start: np.ndarray, P: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    """A trajectory of every chain, (B, n+1), one uniform number a state, (B, n+1); ``start``: (B, S), ``P``: (B, S, S)."""
    bounds, due = np.cumsum(P, axis=-1), np.cumsum(start, axis=-1)
    bounds[..., -1] = due[..., -1] = np.inf  # whatever a sum was rounded to
    S, states = P.shape[-1], np.empty(uniforms.shape, dtype=int)
    rows, first = bounds.reshape(-1, S), S * np.arange(len(P))
    for t, u in enumerate(uniforms.T):
        states[:, t] = (due <= u[:, None]).argmin(axis=-1)
        due = rows.take(first + states[:, t], axis=0)
    return states


def counted(states: np.ndarray, n_states: int) -> np.ndarray:
    """How often each transition occurs in each context, (B, S, S), from its states, (B, n+1)."""
    size = n_states**2
    pairs = size * np.arange(len(states))[:, None] + n_states * states[:, :-1] + states[:, 1:]
    return np.bincount(pairs.ravel(), minlength=len(states) * size).reshape(-1, n_states, n_states).astype(float)


def tasks_of(
    mrps: Sequence[MarkovRewardProcess],
    features: Sequence[Array],
    n: int,
    rng: np.random.Generator,
    rewards: Sequence[Array] | None = None,
) -> TaskBatch:
    """A batch of given processes of one size and discount, with (S, d) features each, and a context of each from S_0 ∼ μ.

    Arrays, which :func:`icrl.pretrain.network.tensors` turns into what a Transformer is run on. A context pays r(s), the
    expectation out of the state, also where the process has rewards of its own that depend on more. ``rewards``: (S,) a process, what
    its context pays in the place of r, for a control. Where processes have terminal states, the contexts hold episodes.

    Raises ``ValueError`` for processes of several sizes or discounts, or with more than one recurrent class, and for features or
    rewards of another shape.
    """
    if len({(mrp.n_states, mrp.discount) for mrp in mrps}) != 1:
        raise ValueError("mrps must be one or more processes with one number of states and one discount")
    P, r = np.array([mrp.transition for mrp in mrps]), np.array([mrp.reward for mrp in mrps])
    ends = np.zeros(r.shape, bool)
    for one, mrp in enumerate(mrps):
        mrp.stationary_distribution()
        ends[one, mrp.terminal] = True
        P[one, mrp.terminal] = mrp.initial
    uniforms = generator(rng).random((len(mrps), integer("n", n, 1) + 1))
    shown = r if rewards is None else finite_array("rewards", rewards, r.shape).copy()
    x = finite_array("features", features, (*r.shape, "d")).copy()
    batch = assembled(P, r, mrps[0].discount, x, P, shown, uniforms, False)
    return with_endings(batch, ends) if ends.any() else batch
