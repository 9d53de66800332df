"""Markov reward processes against independent routes: series, simulation, hand computation, plain loops."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icrl.mrp import Context, MarkovRewardProcess, Outcomes, empirical_model
from icrl.tasks import ring

quick = settings(max_examples=60)

HALF = [[0.5, 0.5], [0.5, 0.5]]
"""Worked by hand: with r = (1, 0) and γ = 1/2, v = (3/2, 1/2)."""


@st.composite
def patterns(draw, most=5):
    """A Boolean matrix with no empty row: which transitions are possible."""
    n = draw(st.integers(1, most))
    rows = st.lists(st.booleans(), min_size=n, max_size=n).filter(any)
    return np.array(draw(st.lists(rows, min_size=n, max_size=n)))


@st.composite
def mrps(draw):
    """An MRP with possible and impossible transitions."""
    pattern, rng = draw(patterns()), np.random.default_rng(draw(st.integers(0, 2**32)))
    weights = pattern * rng.uniform(0.1, 1, pattern.shape)
    n, discount = len(pattern), draw(st.floats(0, 0.95))
    return MarkovRewardProcess(weights / weights.sum(axis=1, keepdims=True), rng.normal(size=n), discount)


@st.composite
def covered_contexts(draw):
    """A context whose last state is a source."""
    states = draw(st.lists(st.integers(0, 6), min_size=1, max_size=20))
    states.append(draw(st.sampled_from(states)))
    rewards = st.floats(-10, 10)
    return Context(states, draw(st.lists(rewards, min_size=len(states) - 1, max_size=len(states) - 1)))


def with_pattern(pattern):
    """The MRP with these possible transitions, equally probable."""
    pattern = np.array(pattern, dtype=float)
    return MarkovRewardProcess(pattern / pattern.sum(axis=1, keepdims=True), np.zeros(len(pattern)), 0.5)


def reachable(pattern, s):
    """The states that a walk from s can be in, after 0 or more steps: depth first."""
    seen, stack = {s}, [s]
    while stack:
        for u in np.flatnonzero(pattern[stack.pop()]).tolist():
            if u not in seen:
                seen.add(u)
                stack.append(u)
    return seen


def return_times(pattern, s):
    """The lengths up to 2|S|² of walks from s to s, from the sets of states that each length leads to."""
    here, times = {s}, []
    for t in range(1, 2 * len(pattern) ** 2 + 1):
        here = {u for v in here for u in np.flatnonzero(pattern[v]).tolist()}
        times += [t] * (s in here)
    return times


# Values


def test_value_by_hand():
    assert MarkovRewardProcess(HALF, [1, 0], 0.5).value() == pytest.approx([1.5, 0.5], rel=1e-15)


@quick
@given(mrps())
def test_value_is_the_discounted_series(mrp):
    series, term = np.zeros(mrp.n_states), mrp.reward
    for _ in range(800):  # 0.95^800 < 1e-17
        series, term = series + term, mrp.discount * mrp.transition @ term
    np.testing.assert_allclose(mrp.value(), series, rtol=0, atol=1e-12 * (1 + np.abs(series).max()))


def test_value_is_the_mean_discounted_return_of_simulated_walks():
    rng, walks = np.random.default_rng(1), 20_000
    mrp = MarkovRewardProcess([[0.1, 0.9, 0], [0, 0.3, 0.7], [0.5, 0, 0.5]], [1, -2, 4], 0.8)
    for start in range(3):
        states, returns = np.full(walks, start), np.zeros(walks)
        for t in range(120):
            returns += 0.8**t * mrp.reward[states]
            states = (rng.random(walks)[:, None] > np.cumsum(mrp.transition, axis=1)[states]).sum(axis=1)
        assert abs(returns.mean() - mrp.value()[start]) < 4 * returns.std() / math.sqrt(walks)


@quick
@given(mrps(), st.integers(0, 2**32))
def test_bellman_update_sums_over_successors_and_fixes_the_value(mrp, seed):
    v = np.random.default_rng(seed).normal(size=mrp.n_states)
    states = range(mrp.n_states)
    looped = [mrp.reward[s] + mrp.discount * sum(mrp.transition[s, u] * v[u] for u in states) for s in states]
    np.testing.assert_allclose(mrp.bellman_update(v), looped, rtol=0, atol=1e-13)
    np.testing.assert_allclose(mrp.bellman_update(mrp.value()), mrp.value(), rtol=1e-9, atol=1e-12)


# Ergodicity and the stationary distribution


@quick
@given(patterns())
def test_ergodic_means_that_all_states_reach_each_other_with_return_times_of_gcd_1(pattern):
    irreducible = all(len(reachable(pattern, s)) == len(pattern) for s in range(len(pattern)))
    assert with_pattern(pattern).is_ergodic() == (irreducible and math.gcd(*return_times(pattern, 0)) == 1)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 8, 9, 10])
def test_the_slowest_ergodic_chain_and_the_cycle(n):
    cycle = np.roll(np.eye(n), 1, axis=1)
    slowest = cycle.copy()
    slowest[-1, 1] = 1  # Wielandt's matrix: cycles of n and n − 1 states, P^m > 0 first at m = (n−1)² + 1
    assert not (np.linalg.matrix_power(slowest, (n - 1) ** 2) > 0).all()
    assert with_pattern(slowest).is_ergodic()
    assert not with_pattern(cycle).is_ergodic()


@quick
@given(patterns())
def test_recurrent_classes_are_the_closed_communicating_sets(pattern):
    reach = [reachable(pattern, s) for s in range(len(pattern))]
    expected = {frozenset(reach[s]) for s in range(len(pattern)) if all(s in reach[u] for u in reach[s])}
    classes = with_pattern(pattern).recurrent_classes()
    assert len(classes) == len(expected)
    assert {frozenset(each.tolist()) for each in classes} == expected


@quick
@given(mrps())
def test_stationary_distribution_is_the_long_run_frequency_or_not_unique(mrp):
    classes = mrp.recurrent_classes()
    if len(classes) > 1:
        with pytest.raises(ValueError, match=f"one recurrent class, got {len(classes)}"):
            mrp.stationary_distribution()
        return
    lazy, μ = (mrp.transition + np.eye(mrp.n_states)) / 2, mrp.stationary_distribution()
    long_run = np.linalg.matrix_power(lazy, 2**14)  # same μ, no period
    np.testing.assert_allclose(long_run, np.tile(μ, (mrp.n_states, 1)), rtol=0, atol=1e-10)
    assert set(np.flatnonzero(μ)) == set(classes[0])
    assert μ.sum() == pytest.approx(1, abs=1e-14)


def test_stationary_distribution_by_hand():
    mrp = MarkovRewardProcess([[0.7, 0.3], [0.1, 0.9]], [0, 0], 0.9)
    assert mrp.stationary_distribution() == pytest.approx([0.25, 0.75], rel=1e-14)
    transient = MarkovRewardProcess([[0.5, 0.5, 0], [0, 0, 1], [0, 1, 0]], [0, 0, 0], 0.9)
    assert transient.stationary_distribution().tolist() == [0, 0.5, 0.5]


@pytest.mark.parametrize(
    "transition, effect",
    [
        ([[1]], 0),
        ([[0, 1], [1, 0]], 1),
        (np.roll(np.eye(3), 1, axis=1), 1),
        (np.roll(np.eye(5), 1, axis=1), 2),
        ([[0.1, 0.9], [0.9, 0.1]], 1),
        ([[0.9, 0.1], [0.3, 0.7]], 2.5),
        ([[0.99, 0.01], [0.01, 0.99]], 50),
        ([[0, 1], [0, 1]], 1),
        (np.eye(2), np.inf),
        ([[0.5, 0.25, 0.25], [0, 1, 0], [0, 0, 1]], np.inf),
    ],
)
def test_the_effect_of_a_start_by_hand(transition, effect):
    """Two states left with a and b: max(1, 1/(a + b)); a cycle of N: ⌊N/2⌋, periodic or not; a transient state; two closed classes."""
    assert MarkovRewardProcess(transition, np.zeros(len(transition)), 0).start_effect() == pytest.approx(effect)


@quick
@given(mrps())
def test_the_effect_of_a_start_is_the_largest_difference_of_expected_visits(mrp):
    P, visits, power, most = mrp.transition, 0, np.eye(mrp.n_states), 0
    for _ in range(400):
        visits, power = visits + power, power @ P
        most = max(most, max(abs(row - other).sum() / 2 for row in visits for other in visits))
    effect = mrp.start_effect()
    assert effect == np.inf if len(mrp.recurrent_classes()) > 1 else effect >= most * (1 - 1e-9)
    k = 2 * mrp.n_states**2
    P_k = np.linalg.matrix_power(P, k)
    if (overlap := max(abs(row - other).sum() / 2 for row in P_k for other in P_k)) < 0.999:
        assert effect <= k / (1 - overlap) + 1e-9


def test_the_effect_of_a_start_in_a_process_with_endings_is_that_of_the_chain_that_begins_anew():
    ends = MarkovRewardProcess([[0, 1, 0], [0, 0, 1], [0, 0, 1]], [1, 1, 0], 0.5, terminal=[2])
    assert ends.start_effect() == MarkovRewardProcess(ends.renewed, np.zeros(3), 0).start_effect() < np.inf


def test_a_chain_that_hardly_moves_is_refused():
    with pytest.raises(ValueError, match="transition must forget its start within 10⁵ steps"):
        MarkovRewardProcess([[1 - 1e-9, 1e-9], [1e-9, 1 - 1e-9]], [0, 0], 0).start_effect()


def test_stationary_distribution_is_accurate_in_its_smallest_entries():
    up = 1e-9  # μ_{s+1} = μ_s · up / (1/2), by detailed balance
    P = np.diag([up] * 4, 1) + np.diag([0.5] * 4, -1)
    mrp = MarkovRewardProcess(P + np.diag(1 - P.sum(axis=1)), np.zeros(5), 0.9)
    balanced = (2 * up) ** np.arange(5)
    np.testing.assert_allclose(mrp.stationary_distribution(), balanced / balanced.sum(), rtol=1e-12)


# Sampled contexts


def assert_frequencies(counts, probability):
    """Counts (S, S) of transitions agree with rows of probabilities: none where 0, within 5 standard errors else."""
    visits = counts.sum(axis=1, keepdims=True)
    assert not counts[probability == 0].any()
    allowed = 5 * np.sqrt(visits * probability * (1 - probability)) + 3
    assert (np.abs(counts - visits * probability) <= allowed).all()


def transition_counts(context, n_states):
    """How often each transition occurs, by a loop."""
    counts = np.zeros((n_states, n_states))
    for s, s_next in zip(context.states[:-1], context.states[1:]):
        counts[s, s_next] += 1
    return counts


def test_sampled_contexts_follow_the_chain_and_pay_the_reward_of_the_state_left():
    mrp = MarkovRewardProcess([[0, 0.9, 0.1], [0.25, 0.25, 0.5], [1, 0, 0]], [1, -2, 4], 0.8)
    context = mrp.sample_context(20_000, np.random.default_rng(2))
    assert context.n == 20_000 and context.covered
    assert_frequencies(transition_counts(context, 3), mrp.transition)
    assert all(r == {0: 1, 1: -2, 2: 4}[s] for s, r in zip(context.states[:-1], context.rewards))


def test_sampled_contexts_start_from_the_initial_distribution():
    rng = np.random.default_rng(3)
    mrp = MarkovRewardProcess(np.eye(3), np.zeros(3), 0.5, initial=[0.2, 0, 0.8])
    starts = [mrp.sample_context(1, rng).states[0] for _ in range(3000)]
    assert_frequencies(np.bincount(starts, minlength=3)[None], mrp.initial[None])
    assert MarkovRewardProcess(HALF, [1, 0], 0.5).initial.tolist() == [0.5, 0.5]


def test_the_same_generator_gives_the_same_context():
    mrp = MarkovRewardProcess(HALF, [1, 0], 0.5)
    first, second, other = (mrp.sample_context(50, np.random.default_rng(seed)) for seed in (4, 4, 5))
    assert first.states.tolist() == second.states.tolist() != other.states.tolist()


class Constant(np.random.Generator):
    """A generator whose uniform numbers are all ``u``."""

    def __init__(self, u):
        super().__init__(np.random.PCG64(0))
        self.u = u

    def random(self, size):
        return np.full(size, self.u)


@pytest.mark.parametrize("u", [0.0, np.nextafter(1, 0)])
def test_the_extreme_draws_never_take_an_impossible_transition(u):
    row = [0, 1 - 5e-10, 0]  # within the tolerance of a row's sum
    outcomes = (Outcomes(row, [0, 1, 2], [0, 0, 0]),) * 3
    mrp = MarkovRewardProcess([row] * 3, [0, 0, 0], 0.5, initial=row, outcomes=outcomes)
    assert mrp.sample_context(3, Constant(u)).states.tolist() == [1, 1, 1, 1]
    assert mrp.sample_context(3, Constant(u), noisy=True).states.tolist() == [1, 1, 1, 1]


NOISY = MarkovRewardProcess(
    [[0.5, 0.5], [1, 0]],
    [1.5, -1],
    0.9,
    outcomes=(Outcomes([0.25, 0.25, 0.5], [0, 0, 1], [0, 2, 2]), Outcomes([1], [0], [-1])),
)


def test_noisy_contexts_draw_the_reward_and_the_next_state_together():
    context = NOISY.sample_context(20_000, np.random.default_rng(6), noisy=True)
    seen = list(zip(context.states[:-1].tolist(), context.states[1:].tolist(), context.rewards.tolist()))
    counts = np.array([[seen.count(each) for each in [(0, 0, 0), (0, 0, 2), (0, 1, 2)]]])
    assert_frequencies(counts, np.array([[0.25, 0.25, 0.5]]))
    assert counts.sum() + seen.count((1, 0, -1)) == 20_000


def test_contexts_without_noise_pay_the_expected_reward():
    context = NOISY.sample_context(100, np.random.default_rng(7))
    assert context.rewards.tolist() == [NOISY.reward[s] for s in context.states[:-1]]


def test_many_walks_follow_the_chain():
    mrp = ring(4, clockwise=0.7, lazy=0.2)
    states, rewards = mrp.sample_batch(50, 2000, np.random.default_rng(0), [0.0, 0.5, 0.5, 0.0])
    assert (rewards == mrp.reward[states[:, :-1]]).all()
    assert states.shape == (2000, 51) and set(states[:, 0].tolist()) == {1, 2}
    found = np.array([[((states[:, :-1] == s) & (states[:, 1:] == u)).sum() for u in range(4)] for s in range(4)])
    off = found / found.sum(axis=1, keepdims=True) - mrp.transition
    assert (found[mrp.transition == 0] == 0).all() and np.abs(off).max() < 5 * 0.5 / math.sqrt(found.sum(axis=1).min())


def test_a_context_knows_its_states():
    context = Context([3, 1, 3, 7], [0.5, 1, 2])
    assert (context.n, context.covered) == (3, False)
    assert context.visited.tolist() == [1, 3, 7]
    assert context.sources.tolist() == [1, 3]
    assert Context([3, 1, 3], [0.5, 1]).covered


# The empirical model


def test_empirical_model_by_hand():
    model = empirical_model(Context([4, 4, 9, 4, 9, 4], [1, 2, 10, 6, 20]))
    assert model.states.tolist() == [4, 9]
    assert model.counts.tolist() == [3, 2]
    np.testing.assert_allclose(model.transition, [[1 / 3, 2 / 3], [1, 0]], rtol=1e-15)
    assert model.reward.tolist() == [3, 15]
    # v(9) = 15 + v(4)/2 and v(4) = 3 + v(4)/6 + v(9)/3
    assert model.value(0.5) == pytest.approx([12, 21], rel=1e-14)


@quick
@given(covered_contexts())
def test_empirical_model_counts_transitions(context):
    model, T = empirical_model(context), list(zip(context.states[:-1], context.rewards, context.states[1:]))
    assert model.states.tolist() == sorted(set(context.states.tolist()))
    for i, s in enumerate(model.states):
        rewards = [r for u, r, _ in T if u == s]
        assert model.counts[i] == len(rewards)
        assert model.reward[i] == pytest.approx(sum(rewards) / len(rewards), abs=1e-12)
        for j, s_next in enumerate(model.states):
            count = sum(u == s and u_next == s_next for u, _, u_next in T)
            assert model.transition[i, j] == pytest.approx(count / len(rewards), abs=1e-15)


@quick
@given(covered_contexts(), st.floats(0, 0.9))
def test_its_value_makes_the_td_errors_of_every_state_cancel(context, discount):
    model = empirical_model(context)
    v = dict(zip(model.states.tolist(), model.value(discount)))
    errors = dict.fromkeys(v, 0.0)
    for s, r, s_next in zip(context.states[:-1].tolist(), context.rewards, context.states[1:].tolist()):
        errors[s] += r + discount * v[s_next] - v[s]
    assert max(map(abs, errors.values())) < 1e-9


def test_long_contexts_recover_the_process():
    mrp = MarkovRewardProcess([[0.2, 0.8], [0.6, 0.4]], [1, -1], 0.9)
    model = empirical_model(mrp.sample_context(20_000, np.random.default_rng(8)))
    assert_frequencies(model.transition * model.counts[:, None], mrp.transition)
    np.testing.assert_allclose(model.reward, mrp.reward, rtol=1e-12)
    assert model.mrp(0.9).state_names == ("0", "1")


# What is kept cannot be changed


def test_arrays_are_read_only_copies():
    P, r = np.array(HALF), np.array([1.0, 0.0])
    mrp = MarkovRewardProcess(P, r, 0.5)
    P[0, 0], r[0] = 9, 9
    assert mrp.transition.tolist() == HALF and mrp.reward.tolist() == [1, 0]
    states = np.array([0, 1])
    context = Context(states, [1])
    states[0] = 9
    assert context.states.tolist() == [0, 1]
    for array in (mrp.transition, mrp.reward, mrp.initial, context.states, context.rewards, NOISY.outcomes[0].reward):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


# Bad arguments


@pytest.mark.parametrize(
    "change, message",
    [
        ({"transition": [[0.5, 0.5], [0.5, 0.4]]}, r"transition must sum to 1 in every row, but row 1 sums to 0\.9"),
        ({"transition": [[0.5, 0.5], [1.5, -0.5]]}, r"transition must not be negative, got -0\.5 at index \(1, 1\)"),
        ({"transition": [[0.5, 0.5]]}, r"transition must have shape \(S, S\), got \(1, 2\)"),
        ({"transition": [1.0]}, r"transition must have shape \(S, S\), got \(1,\)"),
        ({"transition": [[0.5, 0.5], [np.nan, 1]]}, r"transition must be finite, got nan at index \(1, 0\)"),
        ({"transition": [[0.5, 0.5], [1]]}, "transition must be an array of real numbers"),
        ({"transition": np.eye(2) + 0j}, "transition must be an array of real numbers: got complex"),
        ({"transition": np.zeros((0, 0)), "reward": []}, "number of states must be an integer, 1 or more, got 0"),
        ({"reward": [1, 0, 0]}, r"reward must have shape \(2,\), got \(3,\)"),
        ({"reward": [1, np.inf]}, r"reward must be finite, got inf at index \(1,\)"),
        ({"discount": 1}, r"discount must be a number in \[0, 1\), got 1"),
        ({"discount": -0.1}, r"discount must be a number in \[0, 1\), got -0\.1"),
        ({"discount": np.nan}, r"discount must be a number in \[0, 1\), got nan"),
        ({"discount": "0.9"}, r"discount must be a number in \[0, 1\), got '0\.9'"),
        ({"initial": [0.5, 0.6]}, r"initial must sum to 1, got 1\.1"),
        ({"initial": [1.0]}, r"initial must have shape \(2,\), got \(1,\)"),
        ({"state_names": ("a",)}, "state_names must be 2 distinct names, got 1"),
        ({"state_names": ("a", "a")}, "state_names must be 2 distinct names, got 2, 1 distinct"),
        ({"state_names": "ab"}, "state_names must be a tuple of strings, got 'ab'"),
        ({"state_names": 5}, "state_names must be a tuple of strings, got 5"),
        ({"outcomes": 5}, "outcomes must be 2 Outcomes, one a state, got 5"),
        ({"outcomes": (Outcomes([1], [0], [1]),)}, "outcomes must be 2 Outcomes, one a state, got 1"),
        (
            {"outcomes": (Outcomes([1], [0], [1]), Outcomes([0.5, 0.5], [0, 1], [0, 0]))},
            "outcomes of state 0 must have its transition probabilities",
        ),
        (
            {"outcomes": (Outcomes([0.5, 0.5], [0, 1], [1, 1]), Outcomes([0.5, 0.5], [0, 1], [0, 1]))},
            r"outcomes of state 1 must have its expected reward 0\.0, got 0\.5",
        ),
        ({"outcomes": (Outcomes([1], [2], [1]),) * 2}, "next_state must be below 2, got 2"),
    ],
)
def test_a_bad_process_is_refused(change, message):
    good = {"transition": HALF, "reward": [1, 0], "discount": 0.5}
    MarkovRewardProcess(**good)
    with pytest.raises(ValueError, match=message):
        MarkovRewardProcess(**good | change)


@pytest.mark.parametrize(
    "states, rewards, message",
    [
        ([0], [], "states must hold n . 1 states with n >= 1, got 1"),
        ([], [], "states must hold n . 1 states with n >= 1, got 0"),
        ([0, 1], [1, 2], r"rewards must have shape \(1,\), got \(2,\)"),
        ([0, -1], [1], "states must be 0 or more, got -1 at index 1"),
        ([0, 1.5], [1], "states must be a sequence of integers, got shape .2,. of float64"),
        ([True, False], [1], "states must be a sequence of integers, got shape .2,. of bool"),
        ([[0, 1]], [1], "states must be a sequence of integers, got shape .1, 2."),
        ([0, [1]], [1], "states must be a sequence of integers"),
        ([0, 1], [np.nan], "rewards must be finite, got nan"),
        ([0, 1], ["a"], "rewards must be an array of real numbers"),
    ],
)
def test_a_bad_context_is_refused(states, rewards, message):
    with pytest.raises(ValueError, match=message):
        Context(states, rewards)


@pytest.mark.parametrize(
    "probability, next_state, reward, message",
    [
        ([0.5, 0.4], [0, 1], [0, 0], r"probability must sum to 1, got 0\.9"),
        ([0.5, 0.5], [0, 1], [0], r"reward must have shape \(2,\), got \(1,\)"),
        ([1], [0, 1], [0, 0], r"probability must have shape \(2,\), got \(1,\)"),
        ([1], [-1], [0], "next_state must be 0 or more, got -1"),
        ([1], [0], [np.inf], "reward must be finite, got inf"),
    ],
)
def test_bad_outcomes_are_refused(probability, next_state, reward, message):
    with pytest.raises(ValueError, match=message):
        Outcomes(probability, next_state, reward)


def test_bad_arguments_of_methods_are_refused():
    mrp, rng = MarkovRewardProcess(HALF, [1, 0], 0.5), np.random.default_rng(9)
    for n in (0, -1, 2.0, True):
        with pytest.raises(ValueError, match=f"n must be an integer, 1 or more, got {n}"):
            mrp.sample_context(n, rng)
    with pytest.raises(ValueError, match="rng must be a numpy.random.Generator, got int"):
        mrp.sample_context(5, 0)
    with pytest.raises(ValueError, match="start must"):
        mrp.sample_batch(5, 2, np.random.default_rng(0), [0.5])
    with pytest.raises(ValueError, match="batch must"):
        mrp.sample_batch(5, 0, np.random.default_rng(0))
    with pytest.raises(ValueError, match="noisy must be False for an MRP without outcomes"):
        mrp.sample_context(5, rng, noisy=True)
    with pytest.raises(ValueError, match=r"v must have shape \(2,\), got \(3,\)"):
        mrp.bellman_update([1, 2, 3])
    with pytest.raises(ValueError, match=r"v must be finite, got nan at index \(0,\)"):
        mrp.bellman_update([np.nan, 2])


def test_an_empirical_model_needs_coverage_and_a_discount():
    with pytest.raises(ValueError, match="context must be a Context, got int"):
        empirical_model(5)
    with pytest.raises(ValueError, match="got none out of state 7"):
        empirical_model(Context([3, 1, 3, 7], [0, 0, 0]))
    with pytest.raises(ValueError, match=r"discount must be a number in \[0, 1\), got 1"):
        empirical_model(Context([3, 1, 3], [0, 0])).value(1)


@pytest.mark.parametrize("horizon", [None, 3])
def test_a_shorter_context_of_episodes_is_the_beginning_of_a_longer_one(horizon):
    P, r = np.random.default_rng(0).dirichlet(np.ones(5), 5), np.array([0.0, 1, 2, 3, 0])
    mrp = MarkovRewardProcess(P, r, 1.0, terminal=[4])
    longer = mrp.sample_context(300, np.random.default_rng(3), horizon=horizon)
    for n in (1, 7, 120, 299):
        shorter = mrp.sample_context(n, np.random.default_rng(3), horizon=horizon)
        for name in ("before", "after", "rewards"):
            np.testing.assert_array_equal(getattr(shorter, name), getattr(longer, name)[:n])
    assert len(longer.endings) > 20
