"""The operator of a layer against the loops of icrl.td, the Transformer, definitions summed one by one, and hand computation."""

import ast
import math
import tracemalloc
from dataclasses import replace
from fractions import Fraction as F
from inspect import getsource
from itertools import islice, repeat
from random import Random

import numpy as np
import pytest
from flint import ctx
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Symbol, simplify, symbols

from icrl import operator as op
from icrl import td
from icrl.mrp import Context, MarkovRewardProcess, empirical_model
from icrl.operator import layer_operator, operator_from_kernel
from icrl.prompt import prompt_from_context, rows
from icrl.tasks import one_hot, random_mrp, random_unit, ring
from icrl.transformer import softmax_td_parameters, transformer
from icrl.verify.instances.cases import ball_case, float_case, rational_case, to_ball

quick = settings(max_examples=60)
seeds = st.integers(0, 2**32)

HALF = F(1, 2)
THREE = np.array([-3.0, 0.0, -2.0])[:, None] * math.sqrt(math.log(2))
"""Features with E(s, u) = 2^{x(s)x(u)}, x = (−3, 0, −2): with T = (0, 2, 1, 1) and γ = .99 no step size converges."""


def table(case, exp=None):
    """E(s, u) by the visited states of a case, in increasing order."""
    W = sorted(set(case.states))
    return [[(exp or case.exp)(case.scores[s][u]) for u in W] for s in W]


def of_case(case):
    """The operator of a case of exact numbers, and its initial values."""
    operator = operator_from_kernel(case.states, case.rewards, table(case), case.gamma)
    return operator, [case.v[s] for s in operator.states]


def of_float_case(case):
    """The operator of a case of floats, and its initial values."""
    A = np.reshape(case.A, (case.d, case.d))
    operator = layer_operator(Context(case.states, case.rewards), case.features, case.gamma, A)
    return operator, np.array(case.v)[operator.states]


def looped(case):
    """The values after 0, 1, … updates by the TD loop, in increasing order of the states."""
    for v in td.softmax_td(case.states, case.rewards, case.score, case.gamma, case.alphas, case.v, case.exp):
        yield [v[s] for s in sorted(v)]


def stepped(operator, v, alphas):
    """The values after 0, 1, … updates by the operator."""
    yield v
    for alpha in alphas:
        v = operator.update(v, alpha)
        yield v


def difference(operator, v, case):
    """The largest difference between operator and loop, in units of the largest value."""
    pairs = [
        (np.array(got), np.array(want))
        for got, want in zip(stepped(operator, v, case.alphas), looped(case), strict=True)
    ]
    return max(np.abs(got - want).max() for got, want in pairs) / max(np.abs(want).max() for _, want in pairs)


def tolerance(case):
    """In units of the largest value: a weight inherits eps times its score, and every layer adds such an error once."""
    return 16 * np.finfo(float).eps * (1 + np.abs(case.scores).max()) * (1 + case.depth)


def sampled(seed, n_states=6, n=60, gamma=0.9, width=3):
    """A random task's context and random features of its states."""
    rng = np.random.default_rng(seed)
    mrp = random_mrp(n_states, rng, gamma)
    return mrp, mrp.sample_context(n, rng), random_unit(n_states, width, rng)


ENDING_UNSEEN = Context([0, 1, 2, 1, 0, 3], [1.0, -2.0, 3.0, 0.5, 1.5])
"""A context whose last state is never left."""


# The definition, and one update


def test_the_operator_by_hand():
    """T = (0, 1, 0), x = (1, 2), E = 1 + t², γ = ½: Z(0) = 2 + 5, Z(1) = 5 + 17."""
    operator = operator_from_kernel([0, 1, 0], [F(3), F(1)], [[F(2), F(5)], [F(5), F(17)]], HALF)
    assert operator.M.tolist() == [[F(2, 7), F(5, 7)], [F(5, 22), F(17, 22)]]
    assert operator.P.tolist() == [[F(5, 7), F(2, 7)], [F(17, 22), F(5, 22)]]
    assert operator.b.tolist() == [F(11, 7), F(32, 22)]
    assert operator.transition.tolist() == [[0, 1], [1, 0]] and operator.reward.tolist() == [3, 1]
    assert operator.norm(F(1)) == F(23, 14) and operator.margin == F(4, 7) - F(3, 2)
    assert operator.certainty_equivalence().tolist() == [F(14, 3), F(10, 3)]


def test_a_value_above_discount_1_is_solved_for_where_the_first_pivot_is_0():
    """T = (0, 0, 1, 0), γ = 2: I − γP_e = ((0, −1), (−2, 1)), r̂ = (2, 5), so v(1) = −2 and v(0) = −7/2."""
    operator = operator_from_kernel([0, 0, 1, 0], [F(1), F(3), F(5)], [[F(1), F(1)]] * 2, F(2))
    assert operator.certainty_equivalence().tolist() == [F(-7, 2), -2]


@quick
@given(seeds)
def test_it_is_the_definition_summed_over_transitions(seed):
    case = rational_case(Random(seed), 7, 2, 1)
    operator, _ = of_case(case)
    kernel = td.softmax_kernel(case.states, case.score, case.exp)
    for i, s in enumerate(operator.states.tolist()):
        for j, u in enumerate(operator.states.tolist()):
            assert operator.M[i, j] == sum(w for w, before in zip(kernel[s], case.states[:-1]) if before == u)
            assert operator.P[i, j] == sum(w for w, after in zip(kernel[s], case.states[1:]) if after == u)
        assert operator.b[i] == td.inner(kernel[s], case.rewards)
        assert operator.counts[i] == case.states[:-1].count(s)


@quick
@given(seeds)
def test_the_empirical_model_is_inside(seed):
    operator, _ = of_case(rational_case(Random(seed), 7, 2, 1))
    assert (operator.P == operator.M @ operator.transition).all() and (operator.b == operator.M @ operator.reward).all()
    assert (operator.M.sum(axis=1) == 1).all() and (operator.P.sum(axis=1) == 1).all()
    assert (operator.transition.sum(axis=1) == (operator.counts > 0)).all()


@quick
@given(seeds)
def test_exactly_the_loop_in_rationals(seed):
    case = rational_case(Random(seed), 6, 2, 3)
    operator, v = of_case(case)
    for got, want in zip(stepped(operator, v, case.alphas), looped(case), strict=True):
        assert list(got) == want and {type(entry) for entry in got} == {F}


@settings(max_examples=150)
@given(seeds, st.integers(1, 50), st.integers(0, 5), st.integers(1, 9))
def test_the_loop_in_floats(seed, n, d, depth):
    """Features from tiny to those whose scores pass 709, any A, repeated states, a last state that may be unseen."""
    case = float_case(np.random.default_rng(seed), n, d, depth)
    assert difference(*of_float_case(case), case) < tolerance(case)


def test_the_cases_hold_what_is_hard():
    cases = [float_case(np.random.default_rng(seed), 1 + seed % 50, seed % 6, 1 + seed % 9) for seed in range(150)]
    operators = [of_float_case(case)[0] for case in cases]
    assert sum(np.abs(case.scores).max() > 709 for case in cases) > 9
    assert (
        sum(not operator.covered for operator in operators) > 9 and sum(operator.covered for operator in operators) > 9
    )


PLANTED = {
    "successors gathered by the state left": lambda o: replace(o, P=o.M),
    "M transposed": lambda o: replace(o, M=o.M.T),
    "P transposed": lambda o: replace(o, P=o.P.T),
    "the sign of the rewards": lambda o: replace(o, b=-o.b),
    "r̂ without M": lambda o: replace(o, b=o.reward),
    "γ dropped": lambda o: replace(o, gamma=0 * o.gamma),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_errors_are_seen(name):
    case = float_case(np.random.default_rng(7), 30, 2, 4)
    operator, v = of_float_case(case)
    assert len(v) > 3 and difference(operator, v, case) < tolerance(case) < 1e-6 < difference(
        PLANTED[name](operator), v, case
    )
    exact = rational_case(Random(0), 6, 2, 1)
    operator, v = of_case(exact)
    *_, want = looped(exact)
    assert operator.covered and len(v) > 1
    assert (
        operator.update(v, exact.alphas[0]).tolist()
        == want
        != PLANTED[name](operator).update(v, exact.alphas[0]).tolist()
    )


@settings(max_examples=24)
@given(seeds, st.sampled_from([None, [[0.5, 1.0, 0.0], [0.0, 1.0, -1.0], [0.3, 0.0, 1.0]]]))
def test_the_transformer(seed, A):
    _, context, x = sampled(seed, n=40)
    x = 1.5 * x
    Z = prompt_from_context(context, x, 0.9)
    theta = softmax_td_parameters(3, context.n, 0.9, 0.5, Z, None if A is None else np.array(A))
    *_, last = transformer(Z, [theta] * 25)
    operator = layer_operator(context, x, 0.9, A)
    along = operator.iterate(np.zeros(len(operator.states)), 0.5, 25)[np.searchsorted(operator.states, context.states)]
    np.testing.assert_allclose(along, rows(last).value[0], rtol=0, atol=1e-12 * np.abs(along).max())


@settings(max_examples=10)
@given(seeds)
def test_balls_hold_the_rationals_and_are_small(seed):
    with ctx.workprec(256):
        case = rational_case(Random(seed), 6, 2, 2)
        rational, v = of_case(case)
        balls = replace(ball_case(case), exp=lambda t: 1 + t * t)
        ball, w = of_case(balls)
        for got, want in zip(
            ball.power(balls.alphas[0], 9)[0].flat, rational.power(case.alphas[0], 9)[0].flat, strict=True
        ):
            assert (got - to_ball(want)).contains(0) and got.rad() < 1e-60
        assert (ball.norm(balls.alphas[0]) - to_ball(rational.norm(case.alphas[0]))).contains(0)
        assert (ball.margin - to_ball(rational.margin)).contains(0)


def test_symbols():
    r1, r2, gamma, alpha = symbols("r_1 r_2 gamma alpha")
    E = [[Symbol(f"E_{s}{u}", positive=True) for u in range(2)] for s in range(2)]
    operator = operator_from_kernel([0, 1, 0], [r1, r2], E, gamma)
    v = operator.certainty_equivalence()
    assert simplify(v[0] - (r1 + gamma * r2) / (1 - gamma**2)) == 0
    assert all(simplify(entry) == 0 for entry in operator.update(v, alpha) - v)
    with pytest.raises(ValueError, match="M must be an array of real numbers"):
        operator.spectrum


def test_integers_are_taken_in_the_type_of_the_rest():
    mixed = operator_from_kernel([0, 1, 0], [1, F(2)], [[2, 1], [1, 2]], HALF)
    assert {
        type(entry) for entry in [*mixed.M.flat, *mixed.P.flat, *mixed.b, *mixed.transition.flat, *mixed.reward]
    } == {F}
    assert {type(entry) for entry in mixed.power(1, 0)[0].flat} == {F}
    assert operator_from_kernel([0, 1, 0], [1, 2], [[2, 1], [1, 2]], 0.5).M.dtype == float


def test_one_hot_weights_of_0_off_the_diagonal_are_tabular_td():
    states, rewards = [0, 1, 1, 0, 1], [F(1), F(2), F(0), F(-1)]
    operator = operator_from_kernel(states, rewards, [[1, 0], [0, 1]], HALF)
    *_, want = islice(td.tabular_td(states, rewards, HALF, repeat(HALF), [F(3), F(1)]), 4)
    assert operator.iterate([3, 1], HALF, 3).tolist() == [want[0], want[1]]


# Any depth


@settings(max_examples=120)
@given(seeds, st.integers(0, 7))
def test_a_power_is_that_many_updates_exactly(seed, depth):
    case = rational_case(Random(seed), 5, 1, 1)
    operator, v = of_case(case)
    *_, want = stepped(operator, v, [case.alphas[0]] * depth)
    assert list(operator.iterate(v, case.alphas[0], depth)) == list(want)
    T, c = operator.power(case.alphas[0], depth)
    assert list(T @ np.array(v) + c) == list(want)


@quick
@given(seeds, st.integers(0, 300), st.booleans())
def test_a_power_is_that_many_updates_in_floats(seed, depth, unseen):
    _, context, x = sampled(seed)
    context = ENDING_UNSEEN if unseen else context
    operator = layer_operator(context, x, 0.9)
    v = np.random.default_rng(seed).normal(size=len(operator.states))
    *_, want = stepped(operator, v, [0.5] * depth)
    scale = max(np.abs(want).max(), np.abs(v).max())
    np.testing.assert_allclose(operator.iterate(v, 0.5, depth), want, rtol=0, atol=1e-12 * scale)


@settings(max_examples=15)
@given(seeds, st.sampled_from([10**9, 10**9 + 7, 10**15]))
def test_at_great_depth_the_value_is_certainty_equivalence(seed, depth):
    mrp, context, x = sampled(seed, n=400)
    operator = layer_operator(context, 2 * x, 0.9)
    assert operator.covered and operator.spectral_radius(0.5) < 1
    want = empirical_model(context).value(0.9)
    tight = dict(rtol=0, atol=1e-12 * np.linalg.cond(operator.H) * np.abs(want).max())
    np.testing.assert_allclose(operator.certainty_equivalence(), want, rtol=0, atol=1e-13 * np.abs(want).max())
    np.testing.assert_allclose(operator.iterate(np.full(len(want), 50.0), 0.5, depth), want, **tight)
    np.testing.assert_allclose(operator.limit(0.5), want, **tight)


@pytest.mark.parametrize("depth", [10**4, 10**9, 10**15])
def test_an_unseen_last_state_at_great_depth(depth):
    """G has the eigenvalue 1, so the limit depends on v_0; rounding must not grow with depth."""
    operator = layer_operator(ENDING_UNSEEN, one_hot(4, 3.0), 0.9)
    v0 = np.array([1.0, -2.0, 0.5, 4.0])
    *_, long = stepped(operator, v0, [0.5] * 10_000)
    assert not operator.covered and operator.spectral_radius(0.5) == 1 and operator.step_limit == 0
    np.testing.assert_allclose(operator.iterate(v0, 0.5, depth), long, rtol=0, atol=1e-11 * np.abs(long).max())
    np.testing.assert_allclose(operator.limit(0.5, v0), long, rtol=0, atol=1e-11 * np.abs(long).max())
    assert np.abs(operator.limit(0.5, v0) - operator.limit(0.5)).max() > 1


def test_unseen_by_hand():
    """a → b, n = 1, r(a) = 1, γ = .9, α = 1: both follow the one TD error, v(a) → 10."""
    operator = operator_from_kernel([0, 1], [1.0], [[1.0, 1.0], [1.0, 1.0]], 0.9)
    np.testing.assert_allclose(operator.limit(1.0), [10, 10], rtol=1e-14)
    np.testing.assert_allclose(operator.iterate([0, 0], 1.0, 10**12), [10, 10], rtol=1e-14)
    assert operator.spectrum.tolist() == [0, pytest.approx(0.1)]


def test_equal_features_aggregate_their_states():
    x = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    operator = layer_operator(Context([0, 1, 2, 0, 2, 1, 1, 0], [1.0, 2.0, 0.0, -1.0, 3.0, 1.0, 0.5]), x, 0.9)
    *_, long = stepped(operator, [0.0, 2.0, 2.0], [0.7] * 5_000)
    assert operator.spectrum[0] == 0 and operator.covered
    for reached in (operator.limit(0.7, [0, 2, 2]), operator.iterate([0, 2, 2], 0.7, 10**12)):
        np.testing.assert_allclose(reached, long, rtol=0, atol=1e-11 * np.abs(long).max())
    assert np.abs(operator.limit(0.7) - operator.certainty_equivalence()).max() > 0.05


def test_depth_that_overflows_is_refused():
    operator = layer_operator(Context([0, 2, 1, 1], [1.0, 0.0, -1.0]), THREE, 0.99)
    assert operator.limit(0.5) is None and operator.limit(1e-3) is None
    assert np.isfinite(operator.iterate([0, 0, 0], 0.5, 50)).all()
    with pytest.raises(
        ValueError, match=r"depth must keep the values finite, got 1000000 where the spectral radius of G is 1\.\d+"
    ):
        operator.iterate([0, 0, 0], 0.5, 10**6)


# The spectrum


@quick
@given(seeds, st.floats(0.01, 3))
def test_spectral_radius_and_norm(seed, alpha):
    _, context, x = sampled(seed, n=200)
    operator = layer_operator(context, x, 0.9)
    G = operator.G(alpha)
    scale = 1e-12 * (1 + alpha)
    assert operator.spectral_radius(alpha) == pytest.approx(np.abs(np.linalg.eigvals(G)).max(), abs=1e-6)
    assert operator.norm(alpha) == pytest.approx(max(sum(abs(entry) for entry in row) for row in G.tolist()), abs=scale)
    assert operator.spectral_radius(alpha) <= operator.norm(alpha) + scale
    if alpha <= 1:
        assert operator.norm(alpha) <= 1 - alpha * operator.margin + scale


@quick
@given(seeds)
def test_the_step_limit_divides_steps_that_converge_from_those_that_do_not(seed):
    _, context, x = sampled(seed, n=200)
    operator = layer_operator(context, 2 * x, 0.9)
    assert operator.step_limit > 0
    assert (
        operator.spectral_radius(0.999 * operator.step_limit)
        < 1
        < operator.spectral_radius(1.001 * operator.step_limit)
    )
    assert operator.limit(1.001 * operator.step_limit) is None


def test_no_step_size_converges_without_a_positive_spectrum():
    operator = layer_operator(Context([0, 2, 1, 1], [1.0, 0.0, -1.0]), THREE, 0.99)
    assert operator.covered and np.trace(operator.H) < 0 and operator.step_limit == 0
    assert all(operator.spectral_radius(alpha) > 1 for alpha in (1e-6, 1e-3, 0.1, 1.0))


def test_the_spectrum_of_exact_numbers():
    """E = I: H = I − γP_e, for the cycle of two states 1 ∓ γ."""
    operator = operator_from_kernel([0, 1, 0], [F(1), F(2)], [[1, 0], [0, 1]], HALF)
    assert operator.spectrum.tolist() == pytest.approx([0.5, 1.5]) and operator.step_limit == pytest.approx(4 / 3)
    assert operator.spectral_radius(F(1)) == pytest.approx(0.5)
    np.testing.assert_allclose(operator.limit(F(1)), [8 / 3, 10 / 3], rtol=1e-14)


# Size


def test_a_million_transitions_make_no_large_object():
    mrp = ring(100)
    context, x = mrp.sample_context(10**6, np.random.default_rng(0)), one_hot(100, 6.0)
    tracemalloc.start()
    operator = layer_operator(context, x, 0.9)
    v = operator.iterate(np.zeros(100), 0.5, 10**9)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    shapes = [np.shape(value) for value in vars(operator).values()]
    assert (100, 100) in shapes and all(size <= 100 for shape in shapes for size in shape)
    assert operator.counts.sum() == 10**6 and peak < 10**6 * 100
    np.testing.assert_allclose(v, operator.certainty_equivalence(), rtol=0, atol=1e-11 * np.abs(v).max())


# Many contexts, and states that never come back


def test_a_batch_in_closed_form_is_its_members():
    rng = np.random.default_rng(5)
    mrp, x = random_mrp(7, rng), random_unit(7, 3, rng)
    contexts = [mrp.sample_context(12, rng) for _ in range(20)]
    states, rewards = np.array([c.states for c in contexts]), np.array([c.rewards for c in contexts])
    A = rng.normal(size=(3, 3))
    v = op.values_at_depth(states, rewards, x, 0.9, 0.5, 100, A)
    assert v.shape == (20, 7) and len({c.covered for c in contexts}) == 2
    for context, got in zip(contexts, v):
        operator = layer_operator(context, x, 0.9, A)
        want = operator.iterate(np.zeros(len(operator.states)), 0.5, 100)
        np.testing.assert_allclose(got[operator.states], want, rtol=0, atol=1e-12 * np.abs(want).max())


def test_one_context_that_diverges_refuses_its_batch():
    states, rewards = [[0, 1, 2, 0], [0, 2, 1, 1]], [[1.0, 0.0, -1.0]] * 2
    assert np.isfinite(op.values_at_depth(states[:1], rewards[:1], THREE, 0.99, 0.5, 10**6)).all()
    with pytest.raises(ValueError, match="depth must keep the values finite, got 1000000"):
        op.values_at_depth(states, rewards, THREE, 0.99, 0.5, 10**6)


def distinct(seed, n=30):
    """A context that visits each state once, with random features."""
    rng = np.random.default_rng(seed)
    return Context(rng.permutation(n + 1), rng.normal(size=n)), rng.normal(size=(n + 1, 4))


@settings(max_examples=25)
@given(seeds, st.sampled_from([None, 1, 7, 31, 100]))
def test_attention_once_is_the_loop(seed, block):
    context, x = distinct(seed)
    A, v0, alphas = np.random.default_rng(seed).normal(size=(4, 4)), x[:, 0], [0.5, 1.0, 0.25]
    score = lambda s, u: td.inner(x[u], A @ x[s])
    loop = td.softmax_td(context.states.tolist(), context.rewards.tolist(), score, 0.9, alphas, v0)
    layers = list(op.attention_values(context, x, 0.9, alphas, A, v0, block))
    assert len(layers) == 4
    for got, want in zip(layers, loop, strict=True):
        np.testing.assert_allclose(
            got, [want[s] for s in context.states.tolist()], rtol=0, atol=1e-12 * np.abs(got).max()
        )


def test_attention_once_where_states_come_back_and_in_a_batch():
    mrp, _, x = sampled(3)
    contexts = [mrp.sample_context(25, np.random.default_rng(seed)) for seed in range(4)]
    along = np.array([x[c.states] for c in contexts])
    *_, batch = op.attention_layers(along, [c.rewards for c in contexts], 0.9, [0.5] * 20)
    for context, got in zip(contexts, batch, strict=True):
        operator = layer_operator(context, x, 0.9)
        want = operator.iterate(np.zeros(len(operator.states)), 0.5, 20)[
            np.searchsorted(operator.states, context.states)
        ]
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-12 * np.abs(want).max())
        *_, alone = op.attention_values(context, x, 0.9, [0.5] * 20)
        np.testing.assert_allclose(got, alone, rtol=0, atol=1e-13 * np.abs(want).max())


def test_blocks_keep_memory_small():
    context, x = distinct(0, n=2000)

    def peak(block):
        tracemalloc.start()
        for _ in op.attention_values(context, x, 0.9, [0.5] * 2, block=block):
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(20) < 2000 * 20 * 8 * 6 < 2000 * 2000 * 8 < peak(None)


def test_layers_are_made_as_they_are_asked_for():
    context, x = distinct(1)
    endless = op.attention_values(context, x, 0.9, repeat(0.5), block=8)
    assert len(list(islice(endless, 5))) == 5


# What depth and context buy


def test_the_population_kernel_summed_one_by_one():
    mrp, _, x = sampled(1)
    A, μ = np.random.default_rng(0).normal(size=(3, 3)), mrp.stationary_distribution()
    M = op.population_kernel(mrp, x, A)
    for s in range(6):
        weights = [μ[u] * math.exp(x[u] @ A @ x[s]) for u in range(6)]
        np.testing.assert_allclose(M[s], np.array(weights) / sum(weights), rtol=1e-13)
    assert np.isfinite(op.population_kernel(mrp, 1e3 * x)).all()


def test_the_population_kernel_is_that_of_a_context_with_its_frequencies():
    """A cycle visits its states equally often."""
    cycle = MarkovRewardProcess(np.roll(np.eye(4), 1, axis=1), np.zeros(4), 0.5)
    x = random_unit(4, 2, np.random.default_rng(0))
    M = layer_operator(Context([0, 1, 2, 3, 0], np.zeros(4)), x, 0.5).M
    np.testing.assert_allclose(op.population_kernel(cycle, x), M, rtol=1e-13)


def test_the_value_floor_by_hand():
    """One state: γσ/(1 − γ) · √(ln(2n/δ)/2n). A cycle of two, n = 4: each state is left twice, the same slack at both."""
    one = layer_operator(Context([0] * 9, [1.0] * 8), [[1.0]], 0.5)
    assert op.value_floor(one, 3.0, 0.1, 1, 8) == pytest.approx(3 * math.sqrt(math.log(160) / 16), rel=1e-14)
    two = layer_operator(Context([0, 1, 0, 1, 0], [1.0] * 4), np.eye(2), 0.5)
    assert op.value_floor(two, 1.0, 0.1, 2, 4) == pytest.approx(math.sqrt(math.log(160) / 4), rel=1e-14)


def test_the_target_floor_by_hand():
    """γ = 1, two of three transitions out of 0 terminate, one goes to 1, and there always: (I − P_e)⁻¹τ = (τ_0 + τ_1/3, τ_1)."""
    episodes = Context([0, 2, 0, 2, 0, 1, 2], [1.0, 0.0, 1.0, 2.0], [(1, True), (1, True), (2, True)])
    layer, log = layer_operator(episodes, np.eye(3), 1.0), math.log(2 * 2 * 4 / 0.1)
    low, high = 3 * math.sqrt(log / 6), math.sqrt(log / 2)
    assert op.target_floor(layer, [3.0, 1.0], 0.1, 2, 4) == pytest.approx(low + high / 3, rel=1e-14)
    assert op.target_floor(layer, [0.0, 1.0], 0.1, 2, 4) == pytest.approx(high, rel=1e-14)
    assert op.target_floor(layer, 0.0, 0.1, 2, 4) == 0


def test_the_value_floor_is_a_target_floor_that_endings_lower():
    """Where a transition terminates, less is carried from state to state: at equal counts the floor is lower."""
    back = layer_operator(Context([0, 1, 0, 1, 0], [1.0] * 4), np.eye(2), 0.5)
    ended = layer_operator(Context([0, 1, 0, 1, 1, 2], [1.0] * 4, [(3, False), (1, True)]), np.eye(3), 0.5)
    floors = [op.value_floor(layer, 3.0, 0.1, 2, 4) for layer in (back, ended)]
    assert floors == [0.5 * op.target_floor(layer, 3.0, 0.1, 2, 4) for layer in (back, ended)]
    assert (back.counts == ended.counts).all() and floors[1] < floors[0]


def test_the_value_floor_is_below_its_simple_form():
    mrp, context, x = sampled(0, n=500)
    operator, σ = layer_operator(context, x, 0.9), np.ptp(mrp.value())
    floor = op.value_floor(operator, σ, 0.1, 6, 500)
    simple = 0.9 * σ / 0.1 * math.sqrt(math.log(2 * 6 * 500 / 0.1) / (2 * operator.counts.min()))
    assert np.abs(operator.certainty_equivalence() - mrp.value()).max() < floor < simple


def test_the_context_needed_as_worked():
    """P ≡ ½, r = (1, 0), γ = ½, one-hot with β = ln 19, c = .2, δ = .1: n = 33 and F = .539; worked by hand in every part."""
    mrp, x = MarkovRewardProcess([[0.5, 0.5], [0.5, 0.5]], [1, 0], 0.5), one_hot(2, math.log(19))
    needed = op.context_needed(mrp, x, 0.2, 0.1)
    assert needed.n == 33 == math.ceil(2 / 0.5**2 * math.log(60))
    assert needed.floor == pytest.approx(math.sqrt(math.log(120) / (33 * 0.5)), rel=1e-14)
    wide = op.context_needed(mrp, x, 0.39, 0.1)
    h = 10 * (0.95 - 0.945) / (0.055 * 19 + 0.945)  # Z = (19 + 1)/2, m₀ = (1.5 + .39)/2
    assert wide.n == math.ceil(math.log(60) / (2 * h**2)) > 33


def test_the_context_needed_of_a_slow_chain_is_longer():
    """Two states, switch probability .1: λ = .8, κ = 9. One state: no other to take its weight, nothing to estimate."""
    slow = MarkovRewardProcess([[0.9, 0.1], [0.1, 0.9]], [1, 0], 0.5)
    assert op.context_needed(slow, one_hot(2, math.log(19)), 0.2, 0.1).n == math.ceil(9 * 8 * math.log(60))
    assert op.context_needed(MarkovRewardProcess([[1]], [1], 0.5), [[1.0]], 0.2, 0.1) == (
        math.ceil(2 * math.log(30)),
        0,
    )


def test_the_context_needed_from_any_start_as_worked():
    """ζ = 1: ζ²ℓ/(2h²) + 2ζ/h for h = 1/4, which is less than 10/37; a cycle, which (G) refuses; one state, of which every length is enough."""
    mrp, x = MarkovRewardProcess([[0.5, 0.5], [0.5, 0.5]], [1, 0], 0.5), one_hot(2, math.log(19))
    needed = op.context_needed_from_any_start(mrp, x, 0.2, 0.1)
    assert needed.n == 41 == math.ceil(8 * math.log(60) + 8)
    assert needed.floor == pytest.approx(math.sqrt(math.log(120) / (41 * 0.5)), rel=1e-14)
    slow = MarkovRewardProcess([[0.9, 0.1], [0.1, 0.9]], [1, 0], 0.5)
    assert op.context_needed_from_any_start(slow, x, 0.2, 0.1).n == math.ceil(25 * 8 * math.log(60) + 8 * 5)
    cycle = MarkovRewardProcess(np.roll(np.eye(3), 1, axis=1), [1, 0, 0], 0.5)
    assert op.context_needed_from_any_start(cycle, one_hot(3, 9.0), 0.2, 0.1).n == math.ceil(18 * math.log(90) + 12)
    assert op.context_needed_from_any_start(MarkovRewardProcess([[1]], [1], 0.5), [[1.0]], 0.2, 0.1) == (1, 0)


@quick
@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6), st.floats(0.01, 0.999))
def test_the_worthwhile_depth_is_the_first_at_the_floor(first, floor, rate):
    depth = op.worthwhile_depth(first, floor, rate)
    assert rate**depth * first <= floor * (1 + 1e-9)
    assert depth == 0 or rate ** (depth - 1) * first >= floor * (1 - 1e-9)


def test_the_worthwhile_depth_by_hand():
    assert [
        op.worthwhile_depth(*x)
        for x in [(10, 0.1, 0.5), (1, 2, 0.5), (3, 2, 0.0), (3, 0, 0.0), (0, 0, 0.5), (1, 27 / 64, 0.75)]
    ] == [7, 0, 1, 1, 0, 3]


@pytest.mark.parametrize("gamma, depth", [(0.9, 1), (0.9, 5), (0.9, 20), (0.5, 8), (0.99, 1000), (0, 3)])
def test_chebyshev_steps_are_best_and_their_partial_products_stay_small(gamma, depth):
    λ = np.linspace(1 - gamma, 1 + gamma, 4001)
    errors = np.cumprod(1 - np.outer(op.chebyshev_steps(gamma, depth), λ), axis=0)
    best = 1 / math.cosh(depth * math.acosh(1 / gamma)) if gamma else 0
    assert np.abs(errors[-1]).max() == pytest.approx(best, rel=1e-9)
    assert np.abs(errors).max() < 2 / (1 - gamma)


def test_chebyshev_steps_by_hand():
    assert op.chebyshev_steps(0.9, 1) == pytest.approx([1.0])
    assert op.chebyshev_steps(0.9, 2) == pytest.approx([1 / (1 + 0.9 / math.sqrt(2)), 1 / (1 - 0.9 / math.sqrt(2))])


# What it stands on, and what it refuses


def test_it_is_a_route_of_its_own():
    imported = {node.module for node in ast.walk(ast.parse(getsource(op))) if isinstance(node, ast.ImportFrom)}
    assert {name for name in imported if name.startswith("icrl")} == {"icrl.arrays", "icrl.mrp"}


PLAIN = Context([0, 1, 0], [1.0, 2.0])
UNSEEN = Context([0, 1], [1.0])
EXACT = operator_from_kernel([0, 1, 0], [F(1), F(2)], [[F(2), F(1)], [F(1), F(2)]], HALF)
FLOATS = layer_operator(PLAIN, np.eye(2), 0.5)
TWO = MarkovRewardProcess([[0.5, 0.5], [0.5, 0.5]], [1, 0], 0.5)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: layer_operator([0, 1], np.eye(2), 0.5), "context must be a Context, got list"),
        (
            lambda: layer_operator(PLAIN, np.eye(1), 0.5),
            r"features must have a row for each of the states 0..1, got shape \(1, 1\)",
        ),
        (lambda: layer_operator(PLAIN, [1.0, 2.0], 0.5), r"features must have shape \(S, d\), got \(2,\)"),
        (
            lambda: layer_operator(PLAIN, 1e200 * np.eye(2), 0.5),
            r"features must have scores .* that a float can hold, got entries up to 1e\+200",
        ),
        (lambda: layer_operator(PLAIN, np.eye(2), math.nan), "gamma must be a number in"),
        (lambda: layer_operator(PLAIN, np.eye(2), 0.5, np.eye(3)), r"A must have shape \(2, 2\), got \(3, 3\)"),
        (
            lambda: operator_from_kernel([0], [], [[1]], 0.5),
            "n >= 1 rewards and n \\+ 1 states, got 0 rewards and 1 states",
        ),
        (lambda: operator_from_kernel([0, 1, 0], [1.0], np.eye(2), 0.5), "got 1 rewards and 3 states"),
        (
            lambda: operator_from_kernel([0, 4, 0], [1, 2], np.eye(3), 0.5),
            r"E must have a row and a column for each of the states \[0, 4\], got shape \(3, 3\)",
        ),
        (
            lambda: operator_from_kernel([0, 1, 0], [1, 2], [[1, 2]], 0.5),
            r"E must have a row and a column .* got shape \(1, 2\)",
        ),
        (
            lambda: operator_from_kernel([0, 1, 0], [1, 2], [[1, -1], [1, 1]], 0.5),
            r"E must not be negative, got \[1.0, -1.0\] in the row of state 0",
        ),
        (
            lambda: operator_from_kernel([0, 1, 0], [1, 2], [[1, 1], [1, F(-1)]], HALF),
            "E must not be negative, got .* in the row of state 1",
        ),
        (
            lambda: operator_from_kernel([0, 1], [1.0], np.eye(2), 0.5),
            r"E must give some source a positive weight, got \[0.0, 1.0\] in the row of state 1",
        ),
        (lambda: operator_from_kernel([0, 1], [1.0], [[1, math.inf], [1, 1]], 0.5), "E must be finite, got inf"),
        (lambda: operator_from_kernel([0, 1], [math.nan], [[1, 1], [1, 1]], 0.5), "rewards must be finite, got nan"),
        (
            lambda: operator_from_kernel([0, 1], [F(1)], [[1, 1], [1, 1]], 0.5),
            "gamma, rewards and E must be all exact or all floats, got Fraction and float",
        ),
        (lambda: FLOATS.update([1.0], 0.5), r"v must have shape \(2,\), got \(1,\)"),
        (lambda: FLOATS.update([1.0, math.nan], 0.5), "v must be finite"),
        (lambda: FLOATS.G(math.inf), "alpha must be a number in"),
        (lambda: FLOATS.power(0.5, -1), "depth must be an integer, 0 or more, got -1"),
        (lambda: FLOATS.power(0.5, 2.5), "depth must be an integer, 0 or more, got 2.5"),
        (lambda: FLOATS.limit(0.5, [0.0]), r"v0 must have shape \(2,\)"),
        (lambda: EXACT.update([0, 0], 0.5), "alpha must be exact, as the operator's entries are, got the float 0.5"),
        (
            lambda: EXACT.iterate([0.5, 0], HALF, 2),
            r"v0 must be 2 exact numbers, one for each of the states \[0, 1\], got \[0.5, 0\]",
        ),
        (lambda: EXACT.update([F(0)], HALF), "v must be 2 exact numbers"),
        (
            lambda: layer_operator(UNSEEN, np.eye(2), 0.5).certainty_equivalence(),
            "out of every state it visits, got none out of state 1",
        ),
        (
            lambda: layer_operator(PLAIN, np.eye(2), 1.0).certainty_equivalence(),
            "gamma must leave I - gamma P_e invertible, got 1.0",
        ),
        (
            lambda: replace(EXACT, gamma=F(1)).certainty_equivalence(),
            "gamma must leave I - gamma P_e invertible, got 1",
        ),
        (
            lambda: op.values_at_depth([[0, 1]], [[1.0, 2.0]], np.eye(2), 0.5, 0.5, 3),
            r"states must have shape \(1, 3\) for rewards of shape \(1, 2\)",
        ),
        (
            lambda: op.values_at_depth([[0, 2]], [[1.0]], np.eye(2), 0.5, 0.5, 3),
            "features must have a row for each of the states 0..2",
        ),
        (
            lambda: op.values_at_depth([[0, 2, 1, 1]], [[1.0, 0.0, -1.0]], THREE, 0.99, 0.5, 10**6),
            "depth must keep the values finite, got 1000000",
        ),
        (
            lambda: op.attention_values(PLAIN, np.eye(2), 0.5, 0.5),
            r"alphas must be an iterable of step sizes, such as itertools.repeat\(0.5\), got 0.5",
        ),
        (
            lambda: op.attention_values(PLAIN, np.eye(2), 0.5, [1], block=0),
            "block must be an integer, 1 or more, got 0",
        ),
        (lambda: op.attention_values(PLAIN, np.eye(1), 0.5, [1]), "features must have a row for each of the states"),
        (lambda: op.attention_values(PLAIN, np.eye(2), 0.5, [1], v=[1.0]), r"v must have shape \(2,\)"),
        (
            lambda: op.attention_layers([1.0, 2.0], [1.0], 0.5, [1]),
            r"x must have shape \(…, n \+ 1, d\) with n >= 1, got \(2,\)",
        ),
        (lambda: op.attention_layers([[1.0]], [], 0.5, [1]), r"x must have shape .* got \(1, 1\)"),
        (
            lambda: op.attention_layers([[1.0], [2.0]], [1.0, 2.0], 0.5, [1]),
            r"rewards must have shape \(1,\), got \(2,\)",
        ),
        (lambda: op.attention_layers([[1e200], [2.0]], [1.0], 0.5, [1]), "features must have scores"),
        (lambda: list(op.attention_values(PLAIN, np.eye(2), 0.5, [math.nan])), "alpha must be a number"),
        (lambda: op.value_floor(FLOATS, 1.0, 0.1, 2, 3), "n must be the number of transitions, 2, got 3"),
        (lambda: op.value_floor(FLOATS, 1.0, 0.1, 1, 2), "n_states must be an integer, 2 or more, got 1"),
        (lambda: op.value_floor(FLOATS, 1.0, 1.0, 2, 2), r"delta must be a number in \(0, 1\), got 1.0"),
        (lambda: op.value_floor(FLOATS, -1.0, 0.1, 2, 2), r"span must be a number in \[0, inf\), got -1.0"),
        (lambda: op.target_floor(FLOATS, [1.0, -1.0], 0.1, 2, 2), "ranges must not be negative, got -1.0"),
        (lambda: op.target_floor(FLOATS, [1.0] * 3, 0.1, 2, 2), r"ranges must have shape \(2,\), got \(3,\)"),
        (lambda: op.target_floor(FLOATS, math.inf, 0.1, 2, 2), "ranges must be finite, got inf"),
        (
            lambda: op.target_floor(layer_operator(PLAIN, np.eye(2), 1.0), 1.0, 0.1, 2, 2),
            r"gamma must be a number in \[0, 1\), got 1.0",
        ),
        (lambda: op.value_floor(layer_operator(UNSEEN, np.eye(2), 0.5), 1.0, 0.1, 2, 1), "got none out of state 1"),
        (
            lambda: op.value_floor(layer_operator(PLAIN, np.eye(2), -0.5), 1.0, 0.1, 2, 2),
            r"gamma must be a number in \[0, 1\), got -0.5",
        ),
        (
            lambda: op.context_needed(TWO, one_hot(2, 1.0), 0.2, 0.1),
            r"margin must be above 0 and below 2 min M\(s, s\) - 1 - gamma = -0.0378\d*, got 0.2",
        ),
        (lambda: op.context_needed(TWO, one_hot(2, 9.0), 0.0, 0.1), "margin must be above 0"),
        (lambda: op.context_needed(TWO, one_hot(2, 9.0), 0.2, 0.0), r"delta must be a number in \(0, 1\)"),
        (
            lambda: op.context_needed(MarkovRewardProcess(np.eye(2)[::-1], [1, 0], 0.5), one_hot(2, 9.0), 0.2, 0.1),
            "mrp must be ergodic",
        ),
        (
            lambda: op.context_needed_from_any_start(
                MarkovRewardProcess([[0, 1], [0, 1]], [1, 0], 0.5), one_hot(2, 9.0), 0.2, 0.1
            ),
            "mrp must be irreducible",
        ),
        (lambda: op.context_needed_from_any_start(TWO, one_hot(2, 9.0), 2.0, 0.1), "margin must be above 0 and below"),
        (
            lambda: op.context_needed_from_any_start(TWO, one_hot(2, 9.0), 0.2, 1.5),
            r"delta must be a number in \(0, 1\)",
        ),
        (lambda: op.population_kernel(MarkovRewardProcess(np.eye(2), [1, 0], 0.5), np.eye(2)), "one recurrent class"),
        (lambda: op.worthwhile_depth(1, 1, 1.0), r"rate must be a number in \[0, 1\), got 1.0"),
        (lambda: op.worthwhile_depth(1, 0, 0.5), "floor must be positive where the rate is, got 0 with rate 0.5"),
        (lambda: op.worthwhile_depth(-1, 1, 0.5), "first_error must be a number"),
        (lambda: op.chebyshev_steps(1.0, 3), r"gamma must be a number in \[0, 1\), got 1.0"),
        (lambda: op.chebyshev_steps(0.5, 0), "depth must be an integer, 1 or more, got 0"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
