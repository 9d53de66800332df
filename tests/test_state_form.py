"""The Transformer on states: its smallest cases by hand, what it refuses, and the two other routes to the same values."""

from fractions import Fraction as F
from itertools import islice, repeat

import numpy as np
import pytest

from icrl.algebra import softmax
from icrl.operator import values_at_depth
from icrl.state_form import Model, Weights, attention_weights, layer_map, model, values
from icrl.tasks import ring


def exact(entries):
    return np.vectorize(F, otypes=[object])(np.array(entries, object))


def stand_in(t):
    return 1 + t * t


# T = (0, 0, 1, 0), r = (1, 1, 0); state 2 is never visited.
MOVES = exact([[1, 1, 0], [1, 0, 0], [0, 0, 0]])
PAID = exact([2, 0, 0])
X = exact([[0], [1], [2]])
A = exact([[1]])
TD = Weights(F(1, 2), F(1, 2), F(-1, 2), A)


def test_the_model_counts_divides_and_leaves_the_unvisited_at_0():
    given = model(MOVES, PAID)
    assert given.counts.tolist() == [[2], [1], [0]]
    assert given.transition.tolist() == [[F(1, 2), F(1, 2), 0], [1, 0, 0], [0, 0, 0]]
    assert given.reward.tolist() == [[1, 0, 0]]


def test_the_attention_by_hand():
    """E(u, s) = 1 + (x(u)x(s))²: 1 at state 0, at state 1: 1 and 2, at state 2: 1 and 5; times c = (2, 1, 0)."""
    K = attention_weights(X, model(MOVES, PAID).counts, A, stand_in)
    assert K.tolist() == [[F(2, 3), F(1, 2), F(2, 7)], [F(1, 3), F(1, 2), F(5, 7)], [0, 0, 0]]


def test_two_layers_by_hand():
    """α = γ = ½. Layer 1: ½ r̂K = ½(2/3, 1/2, 2/7). Layer 2: δ(0) = 1 + ½(1/6 + 1/8) − 1/3 = 13/16, δ(1) = ½·1/3 − 1/4 = −1/12."""
    v = [row[0].tolist() for row in values(X, model(MOVES, PAID), [TD] * 2, F(1, 2), stand_in)]
    assert v[:2] == [[0, 0, 0], [F(1, 3), F(1, 4), F(1, 7)]]
    delta = F(13, 16), F(-1, 12)
    after = [before + (delta[0] * k + delta[1] * (1 - k)) / 2 for before, k in zip(v[1], (F(2, 3), F(1, 2), F(2, 7)))]
    assert v[2] == after and all(isinstance(x, F) for x in v[2])


def test_each_entry_of_V_by_itself():
    """K of one state is 1: w_r adds the reward, w_t γ times the value, w_v the value."""
    given, x, gamma = Model(exact([[3]]), exact([[1]]), exact([[5]])), exact([[1]]), F(1, 2)
    maps = [
        layer_map(attention_weights(x, given.counts, A, stand_in), given, Weights(*map(F, w), A), gamma)
        for w in ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    ]
    assert [(T.item(), b.item()) for T, b in maps] == [(1, 5), (F(3, 2), 0), (2, 0)]


def test_the_counts_matter_by_their_shares_alone():
    thirds = model(MOVES / F(3), PAID / F(3))
    assert all(
        (one == other).all()
        for one, other in zip(
            values(X, model(MOVES, PAID), [TD] * 3, F(1, 2), stand_in), values(X, thirds, [TD] * 3, F(1, 2), stand_in)
        )
    )


def test_a_context_of_nothing_leaves_the_values_at_0():
    for v in values(X, model(0 * MOVES, 0 * PAID), [TD] * 2, F(1, 2), stand_in):
        assert v.tolist() == [[0, 0, 0]]


def test_layers_may_differ_and_are_taken_one_by_one():
    other = TD._replace(reward=F(0))
    first, second = (
        [row[0].tolist() for row in values(X, model(MOVES, PAID), layers, F(1, 2), stand_in)]
        for layers in ([TD, other], [other, TD])
    )
    assert first[1] == [F(1, 3), F(1, 4), F(1, 7)] and second[1] == [0, 0, 0] and second[2] == first[1]
    assert len(list(islice(values(X, model(MOVES, PAID), repeat(TD), F(1, 2), stand_in), 4))) == 4


@pytest.mark.parametrize("n, visited", [(2, 3), (60, 5)])
def test_against_the_operator_at_depth(n, visited):
    """At the states that the context does not visit, too."""
    rng = np.random.default_rng(0)
    context, x = ring(5, discount=0.9).sample_context(n, rng), rng.normal(size=(5, 3))
    moves, paid = np.zeros((5, 5)), np.zeros(5)
    np.add.at(moves, (context.states[:-1], context.states[1:]), 1)
    np.add.at(paid, context.states[:-1], context.rewards)
    *_, v = values(x, model(moves, paid), [Weights(0.3, 0.3, -0.3, np.eye(3))] * 12, 0.9)
    right = values_at_depth(context.states[None], context.rewards[None], x, 0.9, 0.3, 12)
    assert len(set(context.states.tolist())) == visited and np.abs(v - right).max() <= 1e-12 * np.abs(right).max()


def test_a_batch_is_its_members_and_tensors_are_arrays():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    x, moves, paid = rng.normal(size=(3, 4, 2)), rng.integers(0, 3, (3, 4, 4)).astype(float), rng.normal(size=(3, 4))
    w = [Weights(rng.normal(size=3), 1.0, -0.5, rng.normal(size=(2, 2))) for _ in range(2)]
    together = np.array(list(values(x, model(moves, paid), w, 0.9)))
    for b in range(3):
        alone = np.array(
            list(values(x[b], model(moves[b], paid[b]), [each._replace(reward=each.reward[b]) for each in w], 0.9))
        )
        assert np.abs(together[:, b] - alone).max() <= 1e-13 * np.abs(together).max()
    to = torch.from_numpy
    by_torch = list(
        values(to(x), model(to(moves), to(paid)), [Weights(to(each.reward), 1.0, -0.5, to(each.A)) for each in w], 0.9)
    )
    assert np.abs(together - torch.stack(by_torch).numpy()).max() <= 1e-13 * np.abs(together).max()


@pytest.mark.parametrize(
    "change, message",
    [
        ({"features": X[:2]}, "counts must have shape"),
        ({"features": X.astype(float)}, "features and model must be matrices of one kind"),
        ({"features": [[0], [1], [2]]}, "features must be a NumPy array"),
        ({"given": model(MOVES, PAID)._replace(reward=exact([[1, 0]]))}, r"reward must have shape \(…, 1, 3\)"),
        ({"given": model(MOVES, PAID)._replace(counts=exact([2, 1, 0]))}, r"counts must have shape \(…, 3, 1\)"),
        (
            {"given": model(MOVES, PAID)._replace(transition=exact([[1, 0, 0]]))},
            r"transition must have shape \(…, 3, 3\)",
        ),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        list(values(**({"features": X, "given": model(MOVES, PAID), "layers": [TD], "gamma": F(1, 2)} | change)))


@pytest.mark.parametrize("name", ["reward", "target", "value"])
def test_weights_that_are_lists_or_not_finite_are_refused(name):
    given = model(MOVES.astype(float), PAID.astype(float))
    w = Weights(1.0, 1.0, -1.0, np.eye(1))
    for wrong in ([1.0], float("nan")):
        with pytest.raises(ValueError, match=name):
            list(values(X.astype(float), given, [w._replace(**{name: wrong})], 0.5))


# Multiplicities of keys in icrl.algebra.softmax


def test_a_key_that_counts_twice_is_two_keys():
    scores, copies = exact([[1, 0], [0, 2]]), exact([[2], [1]])
    K = softmax(scores, copies, stand_in)
    assert K.tolist() == [[F(4, 5), F(2, 7)], [F(1, 5), F(5, 7)]]  # 2·2 : 1 and 2·1 : 5
    twice = softmax(scores[[0, 0, 1]], np.ones((3, 1), bool), stand_in)
    assert (K == [twice[0] + twice[1], twice[2]]).all()


def test_multiplicities_in_floats_and_tensors():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    scores, copies = 300 * rng.normal(size=(2, 4, 3)), rng.integers(0, 3, (2, 4, 1)).astype(float)
    copies[:, 0] = 2.5
    K = softmax(scores, copies)
    powers = copies * np.exp(
        scores - np.where(copies > 0, scores, -np.inf).max(axis=-2, keepdims=True),
        where=copies > 0,
        out=np.zeros_like(scores),
    )
    assert np.abs(K - powers / powers.sum(axis=-2, keepdims=True)).max() <= 1e-14
    assert (K[np.broadcast_to(copies == 0, K.shape)] == 0).all()
    by_torch = softmax(torch.from_numpy(scores), torch.from_numpy(copies)).numpy()
    assert np.abs(by_torch - K).max() <= 1e-14


def test_a_column_without_keys_is_0_and_has_a_gradient():
    torch = pytest.importorskip("torch")
    assert not softmax(np.ones((2, 1)), np.zeros((2, 1))).any()
    scores = torch.full((2, 1), 800.0, dtype=torch.float64, requires_grad=True)
    softmax(scores, torch.zeros(2, 1, dtype=torch.float64)).sum().backward()
    assert scores.grad.tolist() == [[0.0], [0.0]]
