"""Contexts of several trajectories: the Transformer, the loop, the closed form and a solve say the same; processes that end."""

import hashlib
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icrl import td
from icrl.algebra import all_visible, shift, sources, sources_visible
from icrl.mrp import Context, MarkovRewardProcess, Outcomes, empirical_model, endless_states
from icrl.operator import (
    attention_values,
    layer_operator,
    operator_from_kernel,
    target_floor,
    value_floor,
    values_at_depth,
)
from icrl.prompt import prompt, prompt_from_context, rows
from icrl.state_form import model
from icrl.tasks import boyan_chain, from_gymnasium
from icrl.transformer import softmax_td_parameters, transformer

THREE = [([0, 1, 2], [1.0, 2.0], True), ([1, 0], [3.0], False), ([2, 2, 1, 0], [1.0, -1.0, 2.0], True)]
"""Three episodes: the second is cut; states 2 and 0 stand at the end of one that terminated, and are left in another."""

quick = settings(max_examples=60, deadline=None)


@st.composite
def contexts(draw, most=5):
    """One to four trajectories over up to six states, each terminated or cut."""
    states = st.integers(0, draw(st.integers(0, 5)))
    lengths = draw(st.lists(st.integers(1, most), min_size=1, max_size=4))
    reward = st.floats(-5, 5)
    return Context.of_trajectories(
        (
            draw(st.lists(states, min_size=n + 1, max_size=n + 1)),
            draw(st.lists(reward, min_size=n, max_size=n)),
            draw(st.booleans()),
        )
        for n in lengths
    )


def trajectories(context):
    """(states, rewards, terminated) of each trajectory, by a plain loop."""
    start = paid = 0
    for length, terminated in context.endings:
        yield context.states[start : start + length + 1], context.rewards[paid : paid + length], terminated
        start, paid = start + length + 1, paid + length


def moves(context):
    """(S_k, R_{k+1}, S'_k, terminated) of each transition, by a plain loop."""
    return [
        (int(S[k]), float(R[k]), int(S[k + 1]), terminated and k == len(R) - 1)
        for S, R, terminated in trajectories(context)
        for k in range(len(R))
    ]


# Contexts


@quick
@given(contexts())
def test_a_context_knows_its_transitions(context):
    before, rewards, after, ends = zip(*moves(context))
    assert (context.before.tolist(), context.after.tolist()) == (list(before), list(after))
    assert (context.rewards.tolist(), context.terminated.tolist(), context.n) == (list(rewards), list(ends), len(ends))
    reached = {s for s, end in zip(after, ends) if not end}
    assert context.visited.tolist() == sorted({*before, *reached})
    assert context.sources.tolist() == sorted(set(before))
    assert context.covered == (reached <= set(before))
    assert td.transitions(context.states.tolist(), context.rewards.tolist(), context.endings) == moves(context)


@quick
@given(contexts())
def test_trajectories_and_transitions_make_the_same_context(context):
    again = Context.of_trajectories(trajectories(context))
    truncated = np.zeros(context.n, bool)
    truncated[np.cumsum([n for n, _ in context.endings]) - 1] = True
    listed = Context.of_transitions(context.before, context.rewards, context.after, context.terminated, truncated)
    for other in (again, listed):
        assert (other.states.tolist(), other.endings) == (context.states.tolist(), context.endings)
        assert other.rewards.tolist() == context.rewards.tolist()


def test_a_trajectory_ends_where_the_next_transition_does_not_go_on():
    context = Context.of_transitions([0, 1, 3], [1, 2, 3], [1, 2, 0], [False, False, True])
    assert context.endings == ((2, False), (1, True))
    both = Context.of_transitions([0], [1], [1], [True], [True])
    assert Context.of_transitions([0, 1], [1, 2], [1, 1], [True, True]).endings == ((1, True), (1, True))
    assert both.endings == ((1, True),), "what terminated and ran out of time has terminated"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Context([0, 1, 2], [1.0], [(1, False)]), "states must hold n . 1 = 2 states.*got 3"),
        (lambda: Context([0, 1, 2], [1.0, 2.0], []), "endings must be one or more pairs.*got none"),
        (
            lambda: Context([0, 1], [1.0], [(0, True)]),
            "number of transitions of a trajectory must be an integer, 1 or more",
        ),
        (lambda: Context([0, 1], [1.0], [(1, 2)]), "endings must be one or more pairs.*truth values"),
        (lambda: Context([0, 1], [1.0], [1]), "endings must be one or more pairs"),
        (lambda: Context.of_trajectories([]), "trajectories must be one or more"),
        (
            lambda: Context.of_trajectories([([0, 1], [1], True), ([0], [1], True)]),
            "states of trajectory 1.*got 1 and 1",
        ),
        (lambda: Context.of_transitions([], [], []), "n >= 1"),
        (lambda: Context.of_transitions([0, 1], [1, 2], [1]), "got 2 and 1"),
        (lambda: Context.of_transitions([0], [1], [1], [3]), "terminated must be 1 truth values"),
        (lambda: td.softmax_td([0, 1], [1], lambda s, u: 0.0, 1, [1], endings=[(2, True)]), "endings must hold"),
        (lambda: td.td_errors([0, 1], [1], [0, 0], 1, []), "endings must hold"),
        (lambda: td.td_errors([0, 1], [1], [0, 0], 1, [(1, "False")]), "endings must be pairs.*'False'"),
        (lambda: td.td_errors([0, 1], [1], [0, 0], 1, [(1.0, True)]), r"endings must be pairs.*\(1.0, True\)"),
        (lambda: softmax_td_parameters(2, "no", 0.9, 1.0, np.ones((1, 1))), "n must be a number of transitions.*'no'"),
        (
            lambda: values_at_depth([[0, 0]], [[1.0, 1.0]], [[1.0]], 1, 1, 1, None, [[0, 0]], [[False], [True]]),
            r"terminated must have the shape of rewards, \(1, 2\), got \(2, 1\)",
        ),
        (
            lambda: boyan_chain(3, 1, "terminal").sample_batch(2, 4, np.random.default_rng(0)),
            "sample_batch must have a process without terminal states",
        ),
        (
            lambda: prompt(np.ones((1, 3)), np.ones((1, 2)), np.ones((1, 3)), 0.5, [(1, True)]),
            "endings must count n = 2",
        ),
        (lambda: prompt(np.ones((1, 3)), np.ones((1, 2)), np.ones((1, 3)), 0.5, [(1, 1), (1, 0)]), "n . 2 = 4 columns"),
        (
            lambda: prompt_from_context(Context([0, 1], [1.0]), np.eye(2), 1.0),
            "gamma must be below 1 where no trajectory",
        ),
        (lambda: prompt_from_context(Context([0, 1], [1.0]), np.eye(2), 1.1), r"gamma.*\[0, 1\]"),
        (lambda: Context.of_trajectories([([0, 1], [1])]), r"trajectory 0 must be \(states, rewards, terminated\)"),
        (lambda: Context.of_trajectories(([0, 1], [1], True)), "trajectory 0 must be"),
    ],
)
def test_what_is_no_context_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_context_is_shown_in_a_line():
    assert repr(Context.of_trajectories(THREE)) == "<Context of 6 transitions, 3 trajectories, 2 terminated>"
    assert repr(Context([0, 1, 0], [1, 2])) == "<Context of 2 transitions>"


# One construction


@quick
@given(contexts())
def test_mask_and_shift_have_their_gaps(context):
    Pi, visible, S = (f(context.endings, np.ones((1, 1))) for f in (shift, sources_visible, sources))
    N, column = len(context.states), 0
    right = np.zeros((N, N))
    for states, rewards, terminated in trajectories(context):
        for k in range(len(rewards)):
            assert visible[column + k, 0]
            right[column + k + 1, column + k] = not (terminated and k == len(rewards) - 1)
        assert not visible[column + len(rewards), 0]
        column += len(states)
    np.testing.assert_array_equal(Pi, right)
    np.testing.assert_array_equal(np.arange(1, context.n + 1) @ S, np.cumsum(visible) * visible[:, 0])
    assert all_visible(context.endings, np.ones((1, 1))).tolist() == [[True]] * N


@quick
@given(contexts(), st.integers(0, 2**32), st.sampled_from([0.0, 0.5, 0.9, 1.0]))
def test_the_transformer_is_the_loop_is_the_closed_form(context, seed, gamma):
    rng, depth = np.random.default_rng(seed), 6
    x, v, A = rng.normal(size=(6, 3)), rng.normal(size=6), rng.normal(size=(3, 3)) / 2
    alphas, S = [0.7] * depth, context.states.tolist()
    Z = prompt(x[S].T, context.rewards[None], v[None, S], gamma, context.endings)
    layers = transformer(Z, [softmax_td_parameters(3, context.endings, gamma, a, Z, A) for a in alphas])
    score = lambda s, u: x[u] @ A @ x[s]
    loop = td.softmax_td(S, context.rewards.tolist(), score, gamma, alphas, v, endings=context.endings)
    along = attention_values(context, x, gamma, alphas, A, v)
    operator = layer_operator(context, x, gamma, A)
    for depth, (Z, w, row) in enumerate(zip(layers, loop, along, strict=True)):
        scale = 1e-11 * max(1.0, *map(abs, w.values()))
        np.testing.assert_allclose(rows(Z).value[0], [w[s] for s in S], atol=scale)
        np.testing.assert_allclose(row, [w[s] for s in S], atol=scale)
        closed = operator.iterate(v[operator.states], 0.7, depth)
        np.testing.assert_allclose(closed, [w[s] for s in operator.states.tolist()], atol=10 * scale)
        target = iter(rows(Z).target[0].tolist())
        for states, rewards, terminated in trajectories(context):
            for k, after in enumerate([*states[1:].tolist(), None]):
                none = after is None or (terminated and k == len(rewards) - 1)
                assert next(target) == pytest.approx(0 if none else gamma * w[after], abs=scale)
    first = values_at_depth(
        [context.before], [context.rewards], x, gamma, 0.7, depth, A, [context.after], [context.terminated]
    )[0]
    zero = list(td.softmax_td(S, context.rewards.tolist(), score, gamma, alphas, endings=context.endings))[-1]
    np.testing.assert_allclose(
        [first[s] for s in zero], list(zero.values()), atol=1e-10 * max(1, *map(abs, zero.values()))
    )


def test_one_trajectory_is_what_it_was_to_the_bit():
    """One walk and one walk that was cut are one thing; and no change moves a bit of either unnoticed."""
    rng, parts = np.random.default_rng(5), []
    context = boyan_chain(7).sample_context(40, rng)
    x, v = rng.normal(size=(7, 3)), rng.normal(size=7)
    Z = prompt_from_context(context, x, 0.9, v)
    *_, last = transformer(Z, [softmax_td_parameters(3, 40, 0.9, 0.5, Z)] * 3)
    operator, one_cut = layer_operator(context, x, 0.9), ((40, False),)
    parts += [context.states, context.rewards, Z, operator.transition, operator.reward]
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts)).hexdigest()
    assert digest == ONE_WALK
    again = transformer(Z, [softmax_td_parameters(3, one_cut, 0.9, 0.5, Z)] * 3)
    np.testing.assert_array_equal(last, list(again)[-1])
    np.testing.assert_array_equal(Z, prompt(x[context.states].T, context.rewards[None], v[None, context.states], 0.9))
    assert operator.margin == 2 * operator.M.diagonal().min() - 1 - 0.9
    assert not operator.terminating.any()


ONE_WALK = "42e68df3b7532bf1405949a50b04480bacb0a2799afe6a2016558f8593a7722f"
"""The hash of its states, rewards, prompt and model: made by operations that no library reorders."""


# The empirical model and discount 1


def test_an_operator_with_endings_by_hand():
    """One state, left twice, once for good: P_e = 1/2, so that v = r̂ / (1 − 1/2) at discount 1."""
    operator = operator_from_kernel([0, 0, 0], [F(1), F(3)], [[F(7)]], F(1), [(2, True)])
    assert (operator.transition[0, 0], operator.terminating[0], operator.reward[0]) == (F(1, 2), F(1, 2), 2)
    assert (operator.P[0, 0], operator.margin, operator.certainty_equivalence()[0]) == (F(1, 2), F(1, 2), 4)
    cut = operator_from_kernel([0, 0, 0], [F(1), F(3)], [[F(7)]], F(1), [(2, False)])
    assert cut.margin == 0
    with pytest.raises(ValueError, match=r"got 1 where no termination is reached from state 0$"):
        cut.certainty_equivalence()


@quick
@given(contexts())
def test_at_discount_1_a_value_is_asked_only_where_every_state_reaches_a_termination(context):
    ahead = {}
    for s, _, after, ends in moves(context):
        ahead.setdefault(s, set()).add(None if ends else after)
    reach = {None}
    for _ in range(len(ahead) + 1):
        reach |= {s for s, following in ahead.items() if following & reach}
    operator = layer_operator(context, np.eye(6), 1.0)
    if not context.covered:
        return
    if endless := sorted(set(context.visited.tolist()) - reach):
        with pytest.raises(ValueError, match=rf"{endless[0]}"):
            operator.certainty_equivalence()
        with pytest.raises(ValueError, match=f"discount.*{endless[0]}"):
            empirical_model(context).value(1)
        return
    value = dict(zip(context.visited.tolist(), operator.certainty_equivalence()))
    scale = 1e-9 * (1 + max(map(abs, value.values()))) * context.n
    np.testing.assert_allclose(empirical_model(context).value(1), list(value.values()), atol=scale)
    errors = dict.fromkeys(value, 0.0)
    for s, r, after, ends in moves(context):
        errors[s] += r + (0 if ends else value[after]) - value[s]
    assert max(map(abs, errors.values())) < scale, "the TD errors of every state cancel"
    if all(terminated for _, terminated in context.endings):
        returns = [float(np.sum(R)) for _, R, _ in trajectories(context)]
        starts = [value[int(S[0])] for S, _, _ in trajectories(context)]
        assert np.mean(starts) == pytest.approx(np.mean(returns), abs=scale)


def test_another_fixed_point_may_have_another_mean():
    """Where every state listens to transitions out of 0 alone, (5, 5, 0) stays although the episode paid nothing."""
    E = [[F(1), F(0), F(0)]] * 3
    operator, v = operator_from_kernel([0, 1, 2, 3], [F(0)] * 3, E, F(1), [(3, True)]), [F(5), F(5), F(0)]
    assert operator.update(v, F(1)).tolist() == v
    assert operator.certainty_equivalence().tolist() == [0, 0, 0]


def test_shares_that_add_up_to_less_than_1_by_rounding_are_no_ending():
    """State 1 is left six times, for three states, and never for good: 4/6 + 1/6 + 1/6 is below 1 in floats."""
    circles = [([1, 1], [1], False)] + [([1, 2, 1], [1, 1], False)] * 4 + [([1, 3, 1], [1, 1], False)]
    context = Context.of_trajectories([([0, 9], [1], True), *circles])
    model_ = empirical_model(context)
    assert model_.transition.sum(axis=1).min() < 1 or model_.terminating.sum() == 1
    with pytest.raises(ValueError, match="discount must be below 1 where states reach no ending"):
        model_.value(1)


def test_what_a_row_lacks_to_1_is_no_ending():
    """Within the tolerance of a row's sum, at discount 1, only the share that enters a terminal state counts."""
    for row in ([1 + 5e-10, 1e-6], [1 - 5e-10, 1e-6]):
        ended = MarkovRewardProcess([[row[0] - 1e-6, row[1]], [0, 1]], [1, 0], 1, terminal=[1])
        assert ended.value()[0] == pytest.approx(1e6, rel=1e-6)
    with pytest.raises(ValueError, match="endings are too rare"):
        MarkovRewardProcess([[1.0, 1e-17], [0, 1]], [1, 0], 1, terminal=[1]).value()


@pytest.mark.parametrize("one", [1.0, F(1)])
def test_a_discount_that_leaves_no_solution_is_refused(one):
    """0 → 1 → 0 at γ = −1: I + P_e is singular, and floats do not notice by themselves."""
    operator = operator_from_kernel([0, 1, 0], [one, 0 * one], [[one, one], [one, 2 * one]], -one)
    with pytest.raises(ValueError, match="gamma must leave I - gamma P_e invertible, got -1"):
        operator.certainty_equivalence()
    walk = Context([0, 3, 0, 1, 0, 1], [1, 0, 0, 0, 0])
    with pytest.raises(ValueError, match="gamma must leave"):
        layer_operator(walk, np.eye(4), -1.0).certainty_equivalence()


def test_the_floor_counts_the_terminal_value_and_the_rewards():
    """One state, left eight times, twice for good: (1 − γP_e)⁻¹ = 1/(1 − γ 3/4)."""
    context = Context([0] * 10, [1.0] * 8, [(4, True), (4, True)])
    operator, slack = layer_operator(context, [[1.0]], 0.5), np.sqrt(np.log(2 * 8 / 0.1) / 16)
    assert target_floor(operator, 3.0, 0.1, 1, 8) == pytest.approx(3 * slack / (1 - 0.5 * 0.75), rel=1e-14)
    assert value_floor(operator, 4.0, 0.1, 1, 8) == pytest.approx(2 * slack / (1 - 0.5 * 0.75), rel=1e-14)
    assert target_floor(layer_operator(context, [[1.0]], 1.0), [2.0], 0.1, 1, 8) == pytest.approx(8 * slack, rel=1e-14)
    with pytest.raises(ValueError, match=r"gamma must be a number in \[0, 1\)"):
        target_floor(layer_operator(Context([0, 0], [1.0]), [[1.0]], 1.0), 1.0, 0.1, 1, 1)


@quick
@given(contexts(), st.integers(0, 2**32))
def test_the_state_form_counts_what_terminated(context, seed):
    table, paid, ended = np.zeros((6, 6)), np.zeros(6), np.zeros(6)
    for s, r, after, ends in moves(context):
        paid[s] += r
        if ends:
            ended[s] += 1
        else:
            table[s, after] += 1
    given_model, operator = model(table, paid, ended), layer_operator(context, np.eye(6), 0.9)
    W = operator.states
    np.testing.assert_allclose(given_model.counts[W, 0], operator.counts)
    np.testing.assert_allclose(given_model.transition[np.ix_(W, W)], operator.transition)
    np.testing.assert_allclose(given_model.reward[0, W], operator.reward)


def test_an_iterator_of_endings_is_read_once():
    v = list(td.tabular_td([0, 1], [1.0], 1, [1.0], endings=zip([1], [True])))[-1]
    assert v == {0: 1.0, 1: 0}


# Processes that end


def test_boyan_counts_down_at_discount_1():
    np.testing.assert_allclose(boyan_chain(13, 1, "terminal").value(), -2.0 * np.arange(12, -1, -1), rtol=1e-12)


def test_a_terminal_state_has_value_0_whatever_its_row_says():
    ended = MarkovRewardProcess([[0.5, 0.5], [0.3, 0.7]], [1.0, 0.0], 1, terminal=[1])
    np.testing.assert_array_equal(ended.transition, [[0.5, 0.5], [0, 0]])
    np.testing.assert_allclose(ended.value(), [2, 0])
    assert (ended.initial.tolist(), ended.stationary_distribution().tolist(), ended.is_ergodic()) == (
        [1, 0],
        [1, 0],
        True,
    )


def test_frozen_lake_ends_as_gymnasium_says():
    """The values at discount 1 are the chance to reach the goal, by value iteration on the package's own table."""
    import gymnasium

    table = gymnasium.make("FrozenLake-v1").unwrapped.P
    v = np.zeros(16)
    for _ in range(3000):
        following = lambda s: (p * (r + (not ends) * v[t]) for a in table[s] for p, t, r, ends in table[s][a])
        v = np.array([sum(following(s)) / 4 for s in range(16)])
    lake = from_gymnasium("FrozenLake-v1", discount=1, endings="terminal")
    np.testing.assert_allclose(lake.value(), v, atol=1e-12)
    assert lake.terminal.tolist() == [5, 7, 11, 12, 15]
    with pytest.raises(
        ValueError, match="discount must be below 1 where states reach no ending, got 1 and states 0, 12, 24 and 36$"
    ):
        from_gymnasium("CliffWalking-v1", np.eye(4)[np.zeros(48, dtype=int)], 1, "terminal")
    with pytest.raises(ValueError, match="endings must be one of restart, terminal, got 'never'"):
        from_gymnasium("FrozenLake-v1", endings="never")


@pytest.mark.parametrize("noisy", [False, True])
def test_sampled_episodes_end_in_terminal_states_and_are_cut_at_the_horizon(noisy):
    lake = from_gymnasium("FrozenLake-v1", discount=1, endings="terminal")
    context = lake.sample_context(5000, np.random.default_rng(3), noisy, horizon=6)
    assert context.n == 5000
    *whole, last = trajectories(context)
    for states, rewards, terminated in whole:
        assert terminated == (states[-1] in lake.terminal) and (terminated or len(rewards) == 6)
        assert states[0] == 0 and not set(states[:-1].tolist()) & set(lake.terminal.tolist())
    assert 1 <= len(last[1]) <= 6 and {terminated for *_, terminated in whole} == {False, True}
    free = lake.sample_context(5000, np.random.default_rng(3), noisy)
    assert all(terminated for _, terminated in free.endings[:-1])
    counts, P = np.zeros((16, 16)), lake.transition
    np.add.at(counts, (free.before, free.after), 1)
    often = counts.sum(axis=1) > 300
    np.testing.assert_allclose((counts / counts.sum(axis=1, keepdims=True).clip(1))[often], P[often], atol=0.1)
    share = np.bincount(free.before, minlength=16) / free.n
    np.testing.assert_allclose(share, lake.stationary_distribution(), atol=0.03)


def test_the_stationary_distribution_of_episodes_is_that_of_the_chain_that_begins_anew():
    """States 0 → 1 → end with probability 1: half of the transitions leave each; from 0 it may end at once with probability p."""
    p = 0.25
    ended = MarkovRewardProcess([[0, 1 - p, p], [0, 0, 1], [0, 0, 1]], [0, 0, 0], 1, [1, 0, 0], terminal=[2])
    np.testing.assert_allclose(ended.stationary_distribution(), np.array([1, 1 - p, 0]) / (2 - p))
    np.testing.assert_allclose(ended.renewed, [[p, 1 - p, 0], [1, 0, 0], [1, 0, 0]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"terminal": [3]}, "terminal must be states below 3, got 3"),
        ({"terminal": [0, 1, 2]}, "terminal must leave a state that is not terminal, got all 3"),
        (
            {"terminal": [1], "discount": 1},
            "discount must be below 1 where states reach no ending, got 1 and state 2$",
        ),
        ({"terminal": [1], "reward": [1.0, 5.0, 0]}, "reward must be 0 in terminal states, got 5 in state 1"),
        ({"terminal": [0], "reward": [0, 0, 0]}, r"initial must be 0 in the terminal states \[0\]"),
        ({"discount": 1}, r"discount must be a number in \[0, 1\), got 1"),
        ({"terminal": [1], "discount": 1.5}, r"discount must be a number in \[0, 1\], got 1.5"),
        ({"terminal": [], "discount": 1}, "got 1 and states 0, 1 and 2$"),
    ],
)
def test_a_process_with_impossible_endings_is_refused(change, message):
    given_process = {"transition": [[0.5, 0.5, 0], [0, 1, 0], [0, 0, 1]], "reward": [1.0, 0, 0], "discount": 0.9}
    with pytest.raises(ValueError, match=message):
        MarkovRewardProcess(**(given_process | {"initial": [1, 0, 0]} | change))


def test_outcomes_of_a_terminal_state_are_not_used():
    outcomes = [Outcomes([0.5, 0.5], [0, 1], [1.0, 3.0]), Outcomes([1.0], [0], [7.0])]
    ended = MarkovRewardProcess([[0.5, 0.5], [0, 1]], [2.0, 0], 1, outcomes=outcomes, terminal=[1])
    assert ended.value().tolist() == [4, 0]


def test_endless_states_by_hand():
    follows = np.array([[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1]], bool)
    assert endless_states(follows, np.array([False, False, True, False])).tolist() == [3]
