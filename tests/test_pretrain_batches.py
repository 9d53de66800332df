"""Random tasks are what they are said to be, losses are their definitions, and the two forms of the Transformer agree on them."""

import numpy as np
import pytest
import torch

from icrl.mrp import Context, MarkovRewardProcess
from icrl.operator import layer_operator
from icrl.pretrain import batches
from icrl.pretrain.batches import FAMILIES, one_transition, sample_tasks, tasks_of
from icrl.pretrain.losses import expected_update, neu, neu_loss, regression_loss, td_loss, true_value
from icrl.pretrain.network import along, construction, initial, last, state_values, tensors, token_values, values
from icrl.pretrain.protocols import Protocol
from icrl.tasks import from_gymnasium, ring

ROUNDING = 1e-12
"""Far above the rounding of values of size 1/(1 − γ) = 10 after a few layers, far below any change of formula."""


def rng(seed=0):
    return np.random.default_rng(seed)


def same(one, other):
    """Whether two batches are the same bit by bit."""
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


# Families


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("n_states", [3, 10])
def test_every_row_of_a_family_is_a_distribution(family, n_states):
    P = FAMILIES[family](rng(), 50, n_states)
    assert P.shape == (50, n_states, n_states) and (P >= 0).all()
    assert np.allclose(P.sum(-1), 1, rtol=0, atol=1e-14)


def test_a_boyan_chain_goes_one_or_two_states_on():
    P = batches.boyan(rng(), 50, 6)
    i, j = np.indices((6, 6))
    assert (P[:, ((j == i + 1) | (j == i + 2)) & (i < 5)] > 0).all() and (P[:, -2, -1] == 1).all()
    assert (P[:, (j != i + 1) & (j != i + 2) & (i < 5)] == 0).all()
    assert (P[:, -1] > 0).all() and np.unique(P[:, 0, 1]).size == 50


def test_a_permuted_chain_is_a_chain_with_its_states_renumbered():
    plain, permuted = (FAMILIES[name](rng(), 50, 6) for name in ("boyan", "permuted-boyan"))
    assert not np.array_equal(plain, permuted)
    assert np.array_equal(np.sort(plain.reshape(50, -1)), np.sort(permuted.reshape(50, -1)))
    assert all(
        np.allclose(np.poly(P), np.poly(Q), rtol=0, atol=ROUNDING) for P, Q in zip(plain, permuted)
    )  # similar matrices
    assert len({tuple(np.flatnonzero((P > 0).sum(-1) == 6)) for P in permuted}) > 1


def test_a_dense_row_reaches_every_state():
    assert (batches.dense(rng(), 200, 10) >= 0.99e-12).all()


def test_features():
    assert np.abs(batches.uniform_features(rng(), 50, 6, 4)).max() <= 1
    assert np.allclose(np.linalg.norm(batches.unit_features(rng(), 50, 6, 4), axis=-1), 1, rtol=0, atol=1e-14)
    assert np.array_equal(batches.one_hot_features(rng(), 2, 6, 6), [np.eye(6)] * 2)


# Stationary distributions, walks, counts


@pytest.mark.parametrize("family", FAMILIES)
def test_the_stationary_distribution_stays(family):
    P = FAMILIES[family](rng(), 50, 10)
    mu = batches.stationary(P)
    assert np.allclose((mu[:, None] @ P)[:, 0], mu, rtol=0, atol=1e-13) and np.allclose(
        mu.sum(-1), 1, rtol=0, atol=1e-13
    )
    assert (mu > 0).all()


def walk_by_hand(start, P, uniforms):
    """One trajectory: the first state whose cumulated probability exceeds the uniform number, again and again."""
    states, p = [], start
    for u in uniforms:
        states.append(next(s for s in range(len(p)) if s == len(p) - 1 or sum(p[: s + 1]) > u))
        p = P[states[-1]]
    return states


@pytest.mark.parametrize("family", FAMILIES)
def test_a_walk_is_the_walk_by_hand(family):
    P, uniforms = FAMILIES[family](rng(), 20, 5), rng(1).random((20, 12))
    start = batches.stationary(P)
    walked = batches.walks(start, P, uniforms)
    assert walked.tolist() == [walk_by_hand(*each) for each in zip(start.tolist(), P.tolist(), uniforms.tolist())]


def test_a_walk_does_not_leave_the_states_where_a_sum_was_rounded_below_1():
    P = np.full((1, 3, 3), 1 / 3) - 1e-16
    assert batches.walks(P[:, 0], P, np.full((1, 4), np.nextafter(1, 0))).tolist() == [[2, 2, 2, 2]]
    assert batches.walks(P[:, 0], P, np.zeros((1, 4))).tolist() == [[0, 0, 0, 0]]


def test_walks_follow_their_distribution():
    P, size = batches.dense(rng(), 1, 4), 20_000
    start = batches.stationary(P)
    states = batches.walks(np.repeat(start, size, 0), np.repeat(P, size, 0), rng(1).random((size, 3)))
    for t in range(
        3
    ):  # started in μ, distributed by μ at every time; six standard errors of a frequency, at most 1/2 √(1/size)
        assert np.abs(np.bincount(states[:, t], minlength=4) / size - start[0]).max() < 3 / size**0.5
    joint = batches.counted(states[:, 1:], 4).sum(0) / size
    assert np.abs(joint - start[0][:, None] * P[0]).max() < 3 / size**0.5


def test_counted():
    assert batches.counted(np.array([[0, 1, 1, 0], [2, 2, 2, 2]]), 3).tolist() == [
        [[0, 1, 0], [1, 1, 0], [0, 0, 0]],
        [[0, 0, 0], [0, 0, 0], [0, 0, 3]],
    ]


# Batches


@pytest.mark.parametrize("controls", [{}, {"shuffled_rewards": True}, {"other_labels": True}])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_is_consistent(family, controls):
    batch = sample_tasks(rng(), 8, family, n=12, **controls)
    assert batch.states.shape == (8, 13) and batch.rewards.shape == (8, 12) and batch.features.shape == (8, 10, 4)
    for b, (states, rewards) in enumerate(zip(batch.states, batch.rewards)):
        moves, paid = np.zeros((10, 10)), np.zeros(10)
        for s, following, reward in zip(states, states[1:], rewards):
            moves[s, following] += 1
            paid[s] += reward
        assert np.array_equal(batch.moves[b], moves) and np.allclose(batch.paid[b], paid, rtol=0, atol=ROUNDING)
    assert np.allclose((batch.stationary[:, None] @ batch.transition)[:, 0], batch.stationary, rtol=0, atol=ROUNDING)
    assert np.abs(batch.reward).max() <= 1


def test_a_seed_decides_the_batch():
    assert same(sample_tasks(rng(3), 4), sample_tasks(rng(3), 4))
    assert not same(sample_tasks(rng(3), 4), sample_tasks(rng(4), 4))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"n": None},
        {"shuffled_rewards": True},
        {"other_labels": True},
        {"sampled": True},
        {"family": "permuted-boyan"},
    ],
)
def test_parts_are_the_members_of_the_whole(changes):
    whole = sample_tasks(rng(), 7, **changes)
    for part in (slice(0, 3), slice(3, 7)):
        own = sample_tasks(rng(), 7, part=part, **changes)
        assert same(own, type(whole)(*(X[part] if isinstance(X, np.ndarray) else X for X in whole)))


def test_an_endless_context_is_the_process_itself():
    batch = sample_tasks(rng(), 5, n=None)
    assert batch.states is None and batch.rewards is None
    assert np.allclose(batch.moves, batch.stationary[..., None] * batch.transition, rtol=0, atol=0)
    assert np.allclose(batch.paid, batch.stationary * batch.reward, rtol=0, atol=0)
    long = sample_tasks(
        rng(), 5, n=100_000
    )  # the frequencies of a long context come near; a chain mixes in about ten steps
    assert np.abs(long.moves / 100_000 - batch.moves).max() < 0.02
    assert np.array_equal(long.transition, batch.transition) and np.array_equal(long.features, batch.features)


def reward_at(batch):
    """What each context pays at each of its steps if it pays its own process's rewards."""
    return np.take_along_axis(batch.reward, batch.states[:, :-1], 1)


def test_the_contexts_of_an_honest_batch_pay_their_own_rewards():
    batch = sample_tasks(rng(), 5)
    assert np.array_equal(batch.rewards, reward_at(batch))


def test_shuffled_rewards_are_those_of_other_states():
    batch = sample_tasks(rng(), 5, shuffled_rewards=True, n=2000)
    assert (batch.rewards != reward_at(batch)).mean() > 0.5
    for b in range(5):
        seen = {s: reward for s, reward in zip(batch.states[b], batch.rewards[b])}
        assert np.array_equal([seen[s] for s in batch.states[b][:-1]], batch.rewards[b])  # a reward a state
        assert sorted(seen.values()) == sorted(batch.reward[b])  # those of the process, in another order


def test_other_labels_are_the_next_members():
    honest, other = sample_tasks(rng(), 5), sample_tasks(rng(), 5, other_labels=True)
    for name in ("transition", "reward", "stationary"):
        assert np.array_equal(getattr(other, name), np.roll(getattr(honest, name), -1, 0))
    for name in ("features", "moves", "paid", "states", "rewards"):
        assert np.array_equal(getattr(other, name), getattr(honest, name))


# Given processes


def test_of_a_sampled_batch_one_transition_is_left_and_the_contexts_stay():
    whole, batch = (sample_tasks(rng(), 400, sampled=sampled, other_labels=True) for sampled in (False, True))
    kept = [name for name in whole._fields if name not in ("transition", "stationary")]
    assert all(np.array_equal(getattr(batch, name), getattr(whole, name)) for name in kept)
    here, following = batch.stationary.argmax(-1), batch.transition[:, 0].argmax(-1)
    assert np.array_equal(batch.stationary, np.eye(10)[here])
    assert np.array_equal(batch.transition, np.eye(10)[following][:, None].repeat(10, 1))
    assert (whole.transition[np.arange(400), here, following] > 0).all() and len(set(here)) == 10


def test_the_transition_is_drawn_from_the_stationary_distribution_and_the_row():
    """By the inverse of the cumulative sums: of a grid of uniforms each (s, s') gets the share μ(s)P(s, s'), to the grid's width."""
    one, side = sample_tasks(rng(), 1), 200
    grid = np.stack(np.meshgrid(*2 * [(np.arange(side) + 0.5) / side]), -1).reshape(-1, 2)
    many = one._replace(
        **{name: np.repeat(getattr(one, name), side**2, 0) for name in ("transition", "reward", "stationary")}
    )
    drawn = one_transition(many, grid)
    share = (drawn.stationary[:, :, None] * drawn.transition[:, :1]).mean(0)
    assert np.abs(share - one.stationary[0][:, None] * one.transition[0]).max() < 2 / side


def test_given_processes_make_a_batch():
    mrps, x = [ring(5, discount=0.8), ring(5, discount=0.8)], [np.eye(5), 2 * np.eye(5)]
    batch = tasks_of(mrps, x, 20, rng())
    assert batch.discount == 0.8 and np.array_equal(batch.features, x) and batch.states.shape == (2, 21)
    for b, mrp in enumerate(mrps):
        assert np.array_equal(batch.transition[b], mrp.transition) and np.array_equal(batch.reward[b], mrp.reward)
        assert np.allclose(batch.stationary[b], mrp.stationary_distribution(), rtol=0, atol=ROUNDING)
        assert all(mrp.transition[s, u] > 0 for s, u in zip(batch.states[b], batch.states[b][1:]))
    assert np.array_equal(batch.rewards, reward_at(batch))


def test_given_rewards_are_paid_in_the_place_of_their_own():
    mrp, paid = ring(5), np.arange(5.0)
    batch = tasks_of([mrp], [np.eye(5)], 20, rng(), [paid])
    assert np.array_equal(batch.rewards, paid[batch.states[:, :-1]]) and np.array_equal(batch.reward, [mrp.reward])


TWO_CLASSES = MarkovRewardProcess(np.eye(3), np.zeros(3), 0.9)


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: sample_tasks(rng(), 2, "boyen"), "family must be one of boyan, dense, permuted-boyan, got 'boyen'"),
        (lambda: sample_tasks(rng(), 2, features="norm"), "features must be one of uniform, unit, one-hot, got 'norm'"),
        (lambda: sample_tasks(rng(), 0), "size must be an integer, 1 or more, got 0"),
        (lambda: sample_tasks(rng(), 2, n_states=2), "n_states must be an integer, 3 or more, got 2"),
        (lambda: sample_tasks(rng(), 2, d=0), "d must be an integer, 1 or more, got 0"),
        (lambda: sample_tasks(rng(), 2, features="one-hot"), "d must be n_states = 10 for one-hot features, got 4"),
        (lambda: sample_tasks(rng(), 2, n=0), "n must be an integer, 1 or more, got 0"),
        (lambda: sample_tasks(rng(), 2, discount=1.0), r"discount must be a number in \[0, 1\), got 1.0"),
        (lambda: sample_tasks(0, 2), "rng must be a numpy.random.Generator, got int"),
        (
            lambda: tasks_of([], [], 5, rng()),
            "mrps must be one or more processes with one number of states and one discount",
        ),
        (lambda: tasks_of([ring(5), ring(6)], [np.eye(5), np.eye(6)], 5, rng()), "one number of states"),
        (lambda: tasks_of([ring(5, discount=0.8), ring(5, discount=0.9)], [np.eye(5)] * 2, 5, rng()), "one discount"),
        (lambda: tasks_of([ring(5)], [np.eye(5)], 0, rng()), "n must be an integer, 1 or more, got 0"),
        (lambda: tasks_of([ring(5)], [np.eye(4)], 5, rng()), r"features must have shape \(1, 5, d\), got \(1, 4, 4\)"),
        (
            lambda: tasks_of([ring(5)], [np.eye(5)], 5, rng(), [[1.0]]),
            r"rewards must have shape \(1, 5\), got \(1, 1\)",
        ),
        (
            lambda: values(some(), tensors(sample_tasks(rng(), 2, d=3)), 2),
            "batch must have features of length 4, as A was trained on, got 3",
        ),
        (lambda: values(some(), tensors(sample_tasks(rng(), 2)), -1), "depth must be an integer, 0 or more, got -1"),
        (lambda: tasks_of([TWO_CLASSES], [np.eye(3)], 5, rng()), "class"),
    ],
)
def test_a_bad_argument_is_refused_by_name(call, said):
    with pytest.raises(ValueError, match=said):
        call()


# Losses


def losses_by_hand(v, batch):
    """The mean of Σ μ δ² and the mean of ‖Σ μ δ x‖², state by state."""
    td, updates = [], []
    for b, (P, r, mu, x) in enumerate(zip(batch.transition, batch.reward, batch.stationary, batch.features)):
        delta = [r[s] + batch.discount * sum(P[s, u] * v[b, u] for u in range(len(r))) - v[b, s] for s in range(len(r))]
        td.append(sum(mu[s] * delta[s] ** 2 for s in range(len(r))))
        updates.append(sum(mu[s] * delta[s] * x[s] for s in range(len(r))))
    return np.mean(td), np.array(updates)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_losses_are_their_definitions(family):
    batch, v = sample_tasks(rng(), 6, family), rng(1).standard_normal((6, 10))
    td, updates = losses_by_hand(v, batch)
    assert np.allclose(expected_update(v, batch), updates, rtol=0, atol=ROUNDING)
    assert np.allclose(neu(v, batch), np.linalg.norm(updates, axis=-1), rtol=0, atol=ROUNDING)
    assert abs(neu_loss(v, batch) - np.mean(np.sum(updates**2, axis=-1))) < ROUNDING
    assert abs(float(td_loss(torch.from_numpy(v), tensors(batch))) - td) < ROUNDING


def test_the_gradient_of_the_td_loss_stops_at_the_next_state():
    batch, v = tensors(sample_tasks(rng(), 6)), torch.from_numpy(rng(1).standard_normal((6, 10))).requires_grad_()
    delta = batch.reward + batch.discount * (batch.transition @ v[..., None])[..., 0] - v
    [semi] = torch.autograd.grad(td_loss(v, batch), v)
    assert torch.allclose(semi, -2 * batch.stationary * delta / 6, rtol=0, atol=ROUNDING)
    [whole] = torch.autograd.grad((batch.stationary * delta**2).sum(-1).mean(), v)
    assert (semi - whole).abs().max() > 1e-3


def test_the_gradient_of_the_neu_loss_flows_through_both_values():
    batch, v = tensors(sample_tasks(rng(), 2)), torch.from_numpy(rng(1).standard_normal((2, 10))).requires_grad_()
    assert torch.autograd.gradcheck(lambda v: neu_loss(v, batch), v)


def test_the_losses_are_zero_at_the_value():
    batch = sample_tasks(rng(), 6)
    v = true_value(tensors(batch)).numpy()
    assert np.abs(neu(v, batch)).max() < ROUNDING and float(td_loss(torch.from_numpy(v), tensors(batch))) < ROUNDING
    assert float(regression_loss(torch.from_numpy(v), tensors(batch))) < ROUNDING


def test_regression_on_the_value_by_hand():
    """With μ = (¼, ¾), γ = ½, v^π = (I − γP)⁻¹r = (2, 4) and v = (1, 6): ¼·1 + ¾·4."""
    given = sample_tasks(rng(), 1)._replace(
        transition=np.array([[[0.0, 1.0], [0.0, 1.0]]]),
        reward=np.array([[0.0, 2.0]]),
        stationary=np.array([[0.25, 0.75]]),
        discount=0.5,
    )
    v = torch.tensor([[1.0, 6.0]], dtype=torch.float64, requires_grad=True)
    loss = regression_loss(v, tensors(given))
    assert abs(loss.item() - 3.25) < ROUNDING
    [slope] = torch.autograd.grad(loss, v)
    assert torch.allclose(slope, torch.tensor([[-0.5, 3.0]], dtype=torch.float64), rtol=0, atol=ROUNDING)


# The two forms of the Transformer


def some(layers=1, d=4, seed=2):
    """Masked parameters without any pattern, with gradients."""
    protocol = Protocol(d=d, init=0.4, layers="tied" if layers == 1 else "untied", depth=layers)
    return {name: X.requires_grad_() for name, X in initial(protocol, rng(seed)).items()}


@pytest.mark.parametrize("layers, depth", [(1, 0), (1, 1), (1, 6), (4, 4), (4, 2)])
@pytest.mark.parametrize("family", FAMILIES)
def test_states_and_tokens_give_the_same_values_and_gradients(family, layers, depth):
    batch, learned = tensors(sample_tasks(rng(), 6, family, n=12)), some(layers)
    on_states, on_tokens = (list(form(learned, batch, depth)) for form in (state_values, token_values))
    assert len(on_states) == len(on_tokens) == depth + 1
    for v, u in zip(on_states, on_tokens):
        assert v.shape == u.shape == (6, 10) and torch.allclose(v, u, rtol=0, atol=ROUNDING)
    if depth:
        gradients = [
            torch.autograd.grad(td_loss(form[-1], batch), list(learned.values())) for form in (on_states, on_tokens)
        ]
        assert all(torch.allclose(*pair, rtol=0, atol=ROUNDING) for pair in zip(*gradients))


@pytest.mark.parametrize("count", [1, 20])
def test_unvisited_states_get_a_value_too(count):
    batch = tensors(sample_tasks(rng(), count, n=3))
    assert (batch.moves.sum(-1) == 0).any(-1).all()
    learned = construction(4, 1.0, 2.0)
    assert torch.allclose(
        last(state_values(learned, batch, 5)), last(token_values(learned, batch, 5)), rtol=0, atol=ROUNDING
    )


def test_full_matrices_with_the_masked_entries_are_the_masked_parameters():
    batch, masked = tensors(sample_tasks(rng(), 4)), some()
    V, A = torch.zeros(1, 7, 7, dtype=torch.float64), torch.zeros(1, 7, 7, dtype=torch.float64)
    V[0, -1, -3:], A[0, :4, :4] = masked["V"][0].detach(), masked["A"][0].detach()
    assert torch.allclose(values({"V": V, "A": A}, batch, 6), values(masked, batch, 6), rtol=0, atol=ROUNDING)


def test_untied_layers_are_taken_in_turn():
    batch, learned = tensors(sample_tasks(rng(), 4)), some(3)
    same_layer = {name: X[:1].expand(3, *X.shape[1:]) for name, X in learned.items()}
    tied = {name: X[:1] for name, X in learned.items()}
    assert torch.equal(values(same_layer, batch, 3), values(tied, batch, 3))
    reverse = {name: X.flip(0) for name, X in learned.items()}
    assert (values(learned, batch, 3) - values(reverse, batch, 3)).abs().max() > 1e-3


def test_along_repeats_one_layer_and_takes_many_in_turn():
    assert (
        list(along("a", 3)) == ["a"] * 3
        and list(along("abc", 2)) == ["a", "b"]
        and list(along("abc", 3)) == ["a", "b", "c"]
    )
    with pytest.raises(ValueError, match="depth must be at most 3, the number of untied layers, got 4"):
        along("abc", 4)
    with pytest.raises(ValueError, match="depth must be at most 3"):
        values(some(3), tensors(sample_tasks(rng(), 2)), 4)


# Episodes


def episodes(states, rewards, terminal):
    """The context in a row of columns, episode after episode, as trajectories: a plain loop."""
    columns, parts = [], []
    for j, s in enumerate(states):
        columns.append(j)
        if terminal[s] or j == len(states) - 1:
            if len(columns) > 1:
                parts.append(([states[i] for i in columns], [rewards[i] for i in columns[:-1]], bool(terminal[s])))
            columns = []
    return Context.of_trajectories(parts)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("discount", [0.7, 1.0])
def test_a_batch_of_episodes_is_its_trajectories(family, discount):
    """Counts, values by both forms, and the closed form on each context's trajectories."""
    batch = sample_tasks(rng(2), 6, family, d=3, n_states=4, n=25, discount=discount, endings="terminal")
    learned, tensored = construction(3, 0.7, 1.5), tensors(batch)
    by_state, by_token = list(state_values(learned, tensored, 5)), list(token_values(learned, tensored, 5))
    for one, other in zip(by_state, by_token, strict=True):
        assert torch.allclose(one, other, rtol=0, atol=ROUNDING)
    assert batch.terminal[:, -1].all() and not batch.terminal[:, :-1].any()
    for b in range(6):
        context = episodes(batch.states[b].tolist(), batch.rewards[b].tolist(), batch.terminal[b])
        moves, ended, paid = np.zeros((4, 4)), np.zeros(4), np.zeros(4)
        for s, r, after, ends in zip(context.before, context.rewards, context.after, context.terminated):
            moves[s, after] += not ends
            ended[s] += ends
            paid[s] += r
        assert np.array_equal(batch.moves[b], moves) and np.array_equal(batch.ended[b], ended)
        assert np.array_equal(batch.counts[b], moves.sum(-1) + ended) and ended.sum() > 0
        assert np.allclose(batch.paid[b], paid, rtol=0, atol=ROUNDING)
        operator = layer_operator(context, np.sqrt(1.5) * batch.features[b], discount)
        closed = operator.iterate(np.zeros(len(operator.states)), 0.7, 5)
        assert np.allclose(by_state[-1][b, operator.states], closed, rtol=0, atol=10 * ROUNDING)


@pytest.mark.parametrize("trained", ["masked", "full"])
def test_parameters_of_any_kind_read_the_endings(trained):
    """Without its gaps, or with its last columns seen, a context of episodes has other values."""
    batch = tensors(sample_tasks(rng(2), 6, d=3, n_states=4, n=25, endings="terminal"))
    learned = initial(Protocol(d=3, n_states=4, trained=trained, start="construction", init=0.1), rng(1))
    right = last(token_values(learned, batch, 4))
    blind = last(token_values(learned, batch._replace(terminal=torch.zeros_like(batch.terminal)), 4))
    assert (right - blind).abs().max() > 0.01
    if trained == "masked":
        assert torch.allclose(right, last(state_values(learned, batch, 4)), rtol=0, atol=ROUNDING)


def test_processes_with_endings_are_what_the_library_makes_of_them():
    batch = sample_tasks(rng(4), 5, "dense", d=3, n_states=4, discount=1.0, endings="terminal")
    plain = sample_tasks(rng(4), 5, "dense", d=3, n_states=4, discount=0.5)
    found = true_value(tensors(batch)).numpy()
    assert not batch.transition[:, :, 3].any(), "what the model says of a terminal state is asked by no loss"
    for b in range(5):
        reward = plain.reward[b] * (np.arange(4) != 3)
        mrp = MarkovRewardProcess(plain.transition[b], reward, 1, plain_start(plain, b), terminal=[3])
        assert np.allclose(batch.transition[b, :, :3], mrp.transition[:, :3]) and np.allclose(
            batch.reward[b], mrp.reward
        )
        assert np.allclose(found[b], mrp.value()) and found[b, 3] == 0
        assert np.allclose(batch.stationary[b], mrp.stationary_distribution())


def plain_start(batch, b):
    """From where an episode begins: what follows the last state, but not that state itself."""
    start = batch.transition[b, 3].copy()
    start[3] = 0
    return start / start.sum()


def test_an_endless_context_of_episodes_ends_at_the_true_value():
    batch = tensors(sample_tasks(rng(5), 8, "boyan", d=3, n_states=4, discount=1.0, n=None, endings="terminal"))
    deep = values(construction(3, 1.0, 20.0), batch, 3000)
    assert torch.allclose(deep[:, :-1], true_value(batch)[:, :-1], rtol=0, atol=1e-6)


def test_one_transition_may_terminate():
    batch = sample_tasks(rng(6), 400, n_states=4, discount=1.0, endings="terminal", sampled=True)
    assert set(batch.transition.sum(-1).ravel().tolist()) == {0.0, 1.0}
    assert (batch.stationary.sum(-1) == 1).all() and not batch.stationary[:, -1].any()


def test_given_processes_may_end():
    lake = from_gymnasium("FrozenLake-v1", discount=1, endings="terminal")
    batch = tasks_of([lake, lake], [np.eye(16)] * 2, 60, rng(7))
    assert np.array_equal(np.flatnonzero(batch.terminal[0]), lake.terminal)
    assert np.allclose(true_value(tensors(batch))[0].numpy(), lake.value(), rtol=0, atol=1e-12)
    follows = batch.states[:, 1:][np.isin(batch.states[:, :-1], lake.terminal)]
    assert follows.size and not follows.any(), "the next game begins at the start"
    learned = construction(16, 0.5, 3.0)
    one, other = (last(form(learned, tensors(batch), 6)) for form in (state_values, token_values))
    assert torch.allclose(one, other, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"endings": "never"}, "endings must be one of restart, terminal, got 'never'"),
        ({"discount": 1.0}, r"discount must be a number in \[0, 1\), got 1.0"),
        ({"discount": 1.5, "endings": "terminal"}, r"discount must be a number in \[0, 1\], got 1.5"),
    ],
)
def test_endings_and_discounts_that_are_none_are_refused(change, message):
    for make in (lambda: sample_tasks(rng(), 2, **change), lambda: Protocol(**change)):
        with pytest.raises(ValueError, match=message):
            make()
