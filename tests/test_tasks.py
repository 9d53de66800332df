"""The tasks against their definitions: hand-computed tables, loops over the packages' own tables, real rollouts."""

import gymnasium
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icrl.tasks import boyan_chain, boyan_features, from_gymnasium, one_hot, radial, random_mrp, random_unit, ring

quick = settings(max_examples=40, deadline=None)

ENVIRONMENTS = [
    ("FrozenLake-v1", {}),
    ("FrozenLake-v1", {"map_name": "8x8"}),
    ("CliffWalking-v1", {}),
    ("Taxi-v4", {}),
]


def label(value):
    """A test's name from an environment's id or options."""
    return value if isinstance(value, str) else value.get("map_name", "")


environments = pytest.mark.parametrize("env_id, options", ENVIRONMENTS, ids=label)


# Boyan's chain


def test_boyan_chain_by_hand():
    mrp = boyan_chain(4)
    assert mrp.transition.tolist() == [[0, 0.5, 0.5, 0], [0, 0, 0.5, 0.5], [0, 0, 0, 1], [1, 0, 0, 0]]
    assert mrp.reward.tolist() == [-3, -3, -2, 0]
    assert (mrp.discount, mrp.initial.tolist()) == (0.9, [1, 0, 0, 0])


def test_boyan_chain_has_the_published_values_until_the_end():
    mrp, features = boyan_chain(), boyan_features()
    until = np.eye(12) - mrp.transition[:12, :12]  # no discount, as published: expected cost from here to the end
    to_go = np.append(np.linalg.solve(until, mrp.reward[:12]), 0)
    np.testing.assert_allclose(to_go, np.arange(-24, 1, 2), rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(features @ [-24, -16, -8, 0], to_go, rtol=1e-13, atol=1e-13)


def test_boyan_features_are_the_published_ones():
    features = boyan_features()
    assert features.shape == (13, 4)
    assert features[[0, 1, 2, 3, 4]].tolist() == [
        [1, 0, 0, 0],
        [0.75, 0.25, 0, 0],
        [0.5, 0.5, 0, 0],
        [0.25, 0.75, 0, 0],
        [0, 1, 0, 0],
    ]
    assert features[12].tolist() == [0, 0, 0, 1]


@quick
@given(st.integers(2, 40), st.data())
def test_boyan_features_interpolate(n_states, data):
    d = data.draw(st.integers(2, n_states))
    heights = np.array(data.draw(st.lists(st.floats(-5, 5), min_size=d, max_size=d)))
    knots = np.linspace(0, n_states - 1, d)
    np.testing.assert_allclose(
        boyan_features(n_states, d) @ heights, np.interp(np.arange(n_states), knots, heights), rtol=0, atol=1e-11
    )


@pytest.mark.parametrize("n_states", [3, 4, 13, 14])
def test_boyan_chain_is_ergodic(n_states):
    assert boyan_chain(n_states).is_ergodic()


# The ring


def test_ring_by_hand():
    mrp = ring(4, clockwise=0.75, lazy=0.2, discount=0.5)
    expected = [[0.2, 0.6, 0, 0.2], [0.2, 0.2, 0.6, 0], [0, 0.2, 0.2, 0.6], [0.6, 0, 0.2, 0.2]]
    np.testing.assert_allclose(mrp.transition, expected, atol=1e-15)
    assert (mrp.reward.tolist(), mrp.discount) == ([1, 0, 0, 0], 0.5)
    assert ring(3, reward=[1, 2, 3]).reward.tolist() == [1, 2, 3]


@quick
@given(st.integers(1, 12), st.floats(0, 1), st.floats(0.01, 0.99))
def test_a_lazy_ring_is_ergodic_and_visits_all_states_equally(n_states, clockwise, lazy):
    mrp = ring(n_states, clockwise, lazy=lazy)
    assert mrp.is_ergodic()
    np.testing.assert_allclose(mrp.stationary_distribution(), np.full(n_states, 1 / n_states), rtol=1e-9)


def test_a_ring_that_never_stays_can_be_periodic():
    assert not ring(4, lazy=0).is_ergodic()
    assert not ring(5, clockwise=1, lazy=0).is_ergodic()
    assert ring(5, lazy=0).is_ergodic()


# Random processes


@quick
@given(st.integers(1, 12), st.integers(0, 2**32), st.sampled_from([1e-300, 1e-4, 0.3, 1, 1e6]))
def test_random_mrps_are_ergodic_whatever_the_concentration(n_states, seed, concentration):
    mrp = random_mrp(n_states, np.random.default_rng(seed), 0.7, concentration)
    assert mrp.transition.min() > 0 and mrp.is_ergodic()
    assert np.abs(mrp.reward).max() <= 1 and mrp.discount == 0.7
    assert mrp.stationary_distribution().min() > 0


@pytest.mark.parametrize("concentration", [0.3, 2.0])
def test_random_rows_and_rewards_have_the_moments_of_their_distributions(concentration):
    mrp, S = random_mrp(200, np.random.default_rng(1), concentration=concentration), 200
    variance = (S - 1) / (S**2 * (S * concentration + 1))  # of one entry of a symmetric Dirichlet row
    assert mrp.transition.var() == pytest.approx(variance, rel=0.1)
    assert abs(mrp.reward.mean()) < 4 / np.sqrt(3 * S)
    assert mrp.reward.var() == pytest.approx(1 / 3, rel=0.2)


def test_the_same_generator_gives_the_same_process():
    first, second = (random_mrp(5, np.random.default_rng(2)) for _ in range(2))
    assert (first.transition == second.transition).all() and (first.reward == second.reward).all()


# Gymnasium


def ends_episode(env, s):
    """Whether state s is terminal, by the rules of the game and not by its table."""
    if hasattr(env, "decode"):  # Taxi: the passenger is where they wanted to go, and so is the taxi
        row, column, passenger, destination = env.decode(s)
        return passenger == destination and (row, column) == env.locs[destination]
    if hasattr(env, "desc"):  # FrozenLake: a hole or the goal
        return env.desc.ravel()[s] in b"HG"
    return s == 47  # CliffWalking: the lower right corner


def random_policy(env, seed):
    """Every action possible in every state, no two equally likely."""
    return np.random.default_rng(seed).dirichlet(np.ones(env.action_space.n), size=env.observation_space.n)


def row_by_loop(env, policy, s):
    """The transition probabilities and the expected reward out of s, looping over the environment's table."""
    if ends_episode(env, s):
        return env.initial_state_distrib, 0.0
    row, reward = np.zeros(env.observation_space.n), 0.0
    for a in range(env.action_space.n):
        for p, s_next, r, _ in env.P[s][a]:
            row[s_next] += policy[s][a] * p
            reward += policy[s][a] * p * r
    return row, reward


@environments
@pytest.mark.parametrize("uniform", [True, False], ids=["uniform", "random"])
def test_gymnasium_rows_are_those_of_the_package(env_id, options, uniform):
    env = gymnasium.make(env_id, **options).unwrapped
    policy = np.full((env.observation_space.n, env.action_space.n), 1 / env.action_space.n)
    policy = policy if uniform else random_policy(env, 3)
    mrp = from_gymnasium(env_id, "uniform" if uniform else policy, 0.8, **options)
    kept = [int(name) for name in mrp.state_names]
    for i, s in enumerate(kept):
        row, reward = row_by_loop(env, policy, s)
        np.testing.assert_allclose(mrp.transition[i], row[kept], rtol=0, atol=1e-14)
        assert row[kept].sum() == pytest.approx(1, abs=1e-12)  # nothing kept leads to what was dropped
        assert mrp.reward[i] == pytest.approx(reward, abs=1e-12)
    assert mrp.initial.tolist() == env.initial_state_distrib[kept].tolist()
    assert mrp.discount == 0.8


@environments
def test_gymnasium_under_the_uniform_policy_is_ergodic(env_id, options):
    mrp = from_gymnasium(env_id, **options)
    assert mrp.is_ergodic()
    assert mrp.stationary_distribution().min() > 0


def test_an_environment_without_a_start_distribution_is_no_table():
    class Half(gymnasium.Env):
        observation_space = action_space = gymnasium.spaces.Discrete(1)
        P = {0: {0: [(1.0, 0, 0.0, False)]}}

    gymnasium.register("Half-v0", Half)
    try:
        with pytest.raises(ValueError, match="must be a tabular environment, .*got 'Half-v0'"):
            from_gymnasium("Half-v0")
    finally:
        del gymnasium.registry["Half-v0"]


def test_gymnasium_states_are_those_that_occur():
    taxi = gymnasium.make("Taxi-v4").unwrapped
    occurs = [s for s in range(500) if taxi.decode(s)[2] != taxi.decode(s)[3] or ends_episode(taxi, s)]
    assert from_gymnasium("Taxi-v4").state_names == tuple(map(str, occurs))
    cliff = [s for s in range(48) if not 37 <= s <= 46]
    assert from_gymnasium("CliffWalking-v1").state_names == tuple(map(str, cliff))
    assert from_gymnasium("FrozenLake-v1").state_names == tuple(map(str, range(16)))


@environments
def test_real_rollouts_follow_the_chain(env_id, options):
    env = gymnasium.make(env_id, **options).unwrapped
    policy, rng = random_policy(env, 4), np.random.default_rng(5)
    mrp = from_gymnasium(env_id, policy, **options)
    place, cumulative = {int(name): i for i, name in enumerate(mrp.state_names)}, np.cumsum(policy, axis=1)
    counts, paid = np.zeros(mrp.transition.shape), np.zeros(mrp.n_states)
    s, _ = env.reset(seed=6)
    ended = False
    for u in rng.random(20_000):
        if ended:
            (s_next, _), reward, ended = env.reset(), 0.0, False
        else:
            s_next, reward, ended, _, _ = env.step(min(int(np.searchsorted(cumulative[s], u)), env.action_space.n - 1))
        counts[place[s], place[s_next]] += 1
        paid[place[s]] += reward
        s = s_next
    visits = counts.sum(axis=1)
    expected = visits[:, None] * mrp.transition
    assert not counts[mrp.transition == 0].any()
    assert (np.abs(counts - expected) <= 5 * np.sqrt(expected * (1 - mrp.transition)) + 4).all()
    spread = np.sqrt([here.probability @ (here.reward - here.expected_reward()) ** 2 for here in mrp.outcomes])
    largest = np.array([np.abs(here.reward).max() for here in mrp.outcomes])
    assert (np.abs(paid - visits * mrp.reward) <= 5 * np.sqrt(visits) * spread + 4 * largest).all()


def test_noisy_contexts_pay_the_environments_own_rewards():
    mrp, rng = from_gymnasium("FrozenLake-v1"), np.random.default_rng(7)
    context = mrp.sample_context(20_000, rng, noisy=True)
    at_goal = [mrp.state_names[s] == "15" for s in context.states[1:]]
    assert context.rewards.tolist() == [float(goal) for goal in at_goal]
    assert 0 < sum(at_goal)
    assert set(mrp.sample_context(20_000, rng).rewards) == set(mrp.reward)


def test_a_policy_can_shut_states_out_and_make_the_chain_periodic():
    env = gymnasium.make("CliffWalking-v1").unwrapped
    policy = np.eye(4)[np.array([1] * 36 + [0] * 12)]  # right, but up from the start
    policy[35] = np.eye(4)[2]  # down to the goal
    mrp = from_gymnasium("CliffWalking-v1", policy)
    path = [*range(24, 36), 36, 47]
    assert mrp.state_names == tuple(map(str, path))
    assert not mrp.is_ergodic()
    assert len(mrp.recurrent_classes()) == 1
    np.testing.assert_allclose(mrp.stationary_distribution(), np.full(14, 1 / 14), rtol=1e-13)
    assert env.initial_state_distrib[36] == 1


def test_a_policy_can_shut_the_chain_in():
    mrp = from_gymnasium("CliffWalking-v1", np.eye(4)[np.zeros(48, dtype=int)])  # always up
    assert mrp.state_names == ("0", "12", "24", "36")
    assert mrp.stationary_distribution().tolist() == [1, 0, 0, 0]
    assert not mrp.is_ergodic()


def test_the_rain_of_taxi_is_in_its_table():
    assert from_gymnasium("Taxi-v4", is_rainy=True).is_ergodic()


class Doubtful(gymnasium.Env):
    """Two states; action 0 enters state 1 and ends the episode, action 1 enters it with probability ``p`` and does not."""

    observation_space, action_space = gymnasium.spaces.Discrete(2), gymnasium.spaces.Discrete(2)
    initial_state_distrib = np.array([1.0, 0.0])

    def __init__(self, p):
        unended = [(1 - p, 0, 0.0, False), (p, 1, 0.0, False)]
        self.P = {s: {0: [(1.0, 1, 0.0, True)], 1: unended} for s in range(2)}


@pytest.fixture
def doubtful():
    """The id under which gymnasium knows the doubtful environment."""
    gymnasium.register("icrl-tests/Doubtful-v0", entry_point=Doubtful)
    yield "icrl-tests/Doubtful-v0"
    del gymnasium.registry["icrl-tests/Doubtful-v0"]


def test_an_environment_whose_states_do_not_say_whether_the_episode_ends_is_refused(doubtful):
    with pytest.raises(ValueError, match="must end episodes by state alone, got 'icrl-tests/Doubtful-v0', state 1"):
        from_gymnasium(doubtful, p=0.25)


def test_an_entry_of_probability_0_says_nothing_about_endings(doubtful):
    np.testing.assert_array_equal(from_gymnasium(doubtful, p=0.0).transition, [[0.5, 0.5], [1, 0]])


# Features


def test_one_hot_kernel():
    X = one_hot(4, sharpness=np.log(19))
    np.testing.assert_allclose(X @ X.T, np.log(19) * np.eye(4), rtol=1e-15)
    assert one_hot(3).tolist() == np.eye(3).tolist()


@quick
@given(st.integers(1, 8), st.integers(1, 6), st.integers(0, 2**32))
def test_random_features_are_unit_vectors(n_states, d, seed):
    X = random_unit(n_states, d, np.random.default_rng(seed))
    assert X.shape == (n_states, d)
    np.testing.assert_allclose((X**2).sum(axis=1), 1, rtol=1e-14)


def test_random_features_point_everywhere_alike():
    X = random_unit(20_000, 3, np.random.default_rng(8))
    np.testing.assert_allclose(X.T @ X / 20_000, np.eye(3) / 3, atol=0.015)
    np.testing.assert_allclose(X.mean(axis=0), 0, atol=0.02)
    assert random_unit(3, 0, np.random.default_rng(8)).shape == (3, 0)


def test_radial_by_hand():
    X = radial([[0, 0], [3, 4]], [[0, 0], [3, 0], [0, 5]], width=5)
    expected = np.exp([[0, -9 / 50, -25 / 50], [-25 / 50, -16 / 50, -10 / 50]])
    np.testing.assert_allclose(X, expected, rtol=1e-14)


# Bad arguments


RNG = np.random.default_rng(9)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: boyan_chain(2), "n_states must be an integer, 3 or more, got 2"),
        (lambda: boyan_chain(13.0), "n_states must be an integer, 3 or more, got 13.0"),
        (lambda: boyan_chain(discount=1.0), r"discount must be a number in \[0, 1\), got 1"),
        (lambda: boyan_features(1, 2), "n_states must be an integer, 2 or more, got 1"),
        (lambda: boyan_features(13, 1), "d must be an integer, 2 or more, got 1"),
        (lambda: boyan_features(3, 4), "d must be at most n_states = 3, got 4"),
        (lambda: ring(0), "n_states must be an integer, 1 or more, got 0"),
        (lambda: ring(5, clockwise=1.1), r"clockwise must be a number in \[0, 1\], got 1\.1"),
        (lambda: ring(5, lazy=1.0), r"lazy must be a number in \[0, 1\), got 1"),
        (lambda: ring(5, discount=-1), r"discount must be a number in \[0, 1\), got -1"),
        (lambda: ring(5, reward=[1]), r"reward must have shape \(5,\), got \(1,\)"),
        (lambda: random_mrp(0, RNG), "n_states must be an integer, 1 or more, got 0"),
        (lambda: random_mrp(3, 0), "rng must be a numpy.random.Generator, got int"),
        (lambda: random_mrp(3, RNG, concentration=0), r"concentration must be a number in \(0, inf\), got 0"),
        (lambda: random_mrp(3, RNG, concentration=np.inf), r"concentration must be a number in \(0, inf\), got inf"),
        (lambda: random_mrp(3, RNG, discount=np.nan), r"discount must be a number in \[0, 1\), got nan"),
        (lambda: one_hot(0), "n_states must be an integer, 1 or more, got 0"),
        (lambda: one_hot(3, -1), r"sharpness must be a number in \[0, inf\), got -1"),
        (lambda: random_unit(3, -1, RNG), "d must be an integer, 0 or more, got -1"),
        (lambda: random_unit(0, 2, RNG), "n_states must be an integer, 1 or more, got 0"),
        (lambda: random_unit(3, 2, None), "rng must be a numpy.random.Generator, got NoneType"),
        (lambda: radial([0, 1], [[0]], 1), r"points must have shape \(S, k\), got \(2,\)"),
        (lambda: radial([[0], [1]], [[0, 1]], 1), r"centres must have shape \(d, 1\), got \(1, 2\)"),
        (lambda: radial([[0], [np.nan]], [[0]], 1), r"points must be finite, got nan at index \(1, 0\)"),
        (lambda: radial([[0], [1]], [[0]], 0), r"width must be a number in \(0, inf\), got 0"),
        (lambda: from_gymnasium("FrozenPond-v1"), "env_id must be a Gymnasium environment, got 'FrozenPond-v1'"),
        (lambda: from_gymnasium("CartPole-v1"), "env_id must be a tabular environment, .* got 'CartPole-v1'"),
        (lambda: from_gymnasium("Blackjack-v1"), "env_id must be a tabular environment, .* got 'Blackjack-v1'"),
        (lambda: from_gymnasium("FrozenLake-v1", slippery=1), "got 'FrozenLake-v1' with {'slippery': 1}"),
        (lambda: from_gymnasium("FrozenLake-v1", map_name="9x9"), "got 'FrozenLake-v1' with {'map_name': '9x9'}"),
        (lambda: from_gymnasium("Taxi-v4", fickle_passenger=True), "fickle_passenger must be False, got True"),
        (lambda: from_gymnasium("FrozenLake-v1", "greedy"), r"policy must be .* shape \(16, 4\), got 'greedy'"),
        (lambda: from_gymnasium("FrozenLake-v1", np.eye(4)), r"policy must have shape \(16, 4\), got \(4, 4\)"),
        (lambda: from_gymnasium("FrozenLake-v1", np.full((16, 4), 0.3)), r"policy must sum to 1 .* row 0 sums to 1\.2"),
        (lambda: from_gymnasium("FrozenLake-v1", discount=1), r"discount must be a number in \[0, 1\), got 1"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
