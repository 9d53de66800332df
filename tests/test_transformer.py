"""The construction: its prompt entry by entry, and one function for every kind of matrix."""

from dataclasses import replace
from fractions import Fraction
from itertools import islice

import numpy as np
import pytest
import torch
from flint import arb, ctx
from sympy import Matrix, Rational, simplify, symbols
from sympy import exp as sympy_exp

from icrl import td
from icrl.claims import symbolic as sy
from icrl.claims.cases import as_batch, as_matrices, ball_case, float_case, rational_case, stand_in, symbol_case, td_prompts
from icrl.claims.machine import Machine
from icrl.mrp import Context
from icrl.prompt import prompt, prompt_from_context, rows
from icrl.transformer import attention, dual_head_layer, layer, softmax_td_parameters, target_memory, transformer, weights

STATES, REWARDS, GAMMA = [0, 2, 1, 0], [1.0, -2.0, 0.5], 0.9
FEATURES, VALUE = np.array([[1.0, 0.0], [0.5, 2.0], [-1.0, 1.0]]), np.array([3.0, -1.0, 0.25])


def test_the_prompt_entry_by_entry():
    Z = prompt_from_context(Context(np.array(STATES), np.array(REWARDS)), FEATURES, GAMMA, VALUE)
    assert Z.shape == (5, 4)
    for j, s in enumerate(STATES):
        last = j == 3
        after = 0.0 if last else GAMMA * VALUE[STATES[j + 1]]
        assert Z[:, j].tolist() == [*FEATURES[s], 0.0 if last else REWARDS[j], after, VALUE[s]]


def test_the_parameters_entry_by_entry():
    p = softmax_td_parameters(2, 3, 0.9, 0.25, np.zeros((5, 4)))
    assert p.A.tolist() == np.diag([1, 1, 0, 0, 0]).tolist()
    assert p.V.tolist() == [[0] * 5] * 4 + [[0, 0, 0.25, 0.25, -0.25]]
    assert p.U.tolist() == np.diag([1, 1, 1, 0, 1]).tolist()
    assert p.W.tolist() == [[0] * 5] * 3 + [[0, 0, 0, 0, 0.9]] + [[0] * 5]
    assert p.visible.tolist() == [[True], [True], [True], [False]]
    assert p.shift.tolist() == [[0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]


def one_layer(Z, d, n, gamma, alpha, exp=None):
    """What every kind below is put through: the very functions of icrl.transformer."""
    p = Machine().parameters(Z, d, n, gamma, alpha, None, exp)
    return layer(Z, p)


def test_one_function_runs_on_every_kind_of_matrix():
    identity = [[Fraction(1), Fraction(0)], [Fraction(0), Fraction(1)]]
    rational = replace(rational_case(np.random.default_rng(3), 3, 2, 1), A=identity)
    m = as_matrices(rational)
    numbers = [M.astype(float) for M in m[:3]]
    Z = prompt(*numbers, float(m.gamma))
    ran = {"float": one_layer(Z, 2, 3, float(m.gamma), float(m.alphas[0]))}

    tensor = prompt(*map(torch.as_tensor, numbers), float(m.gamma)).requires_grad_()
    ran["tensor"] = one_layer(tensor, 2, 3, float(m.gamma), float(m.alphas[0]))
    ran["tensor"][-1, -1].backward()
    assert torch.isfinite(tensor.grad).all() and tensor.grad.abs().sum() > 0

    symbol = symbol_case(3, 2, 1)
    s = as_matrices(symbol)
    Zs = one_layer(prompt(*s[:3], s.gamma), 2, 3, s.gamma, s.alphas[0], sympy_exp)
    at = {s[0][i, j]: m[0][i, j] for i in range(2) for j in range(4)} | {s[1][0, j]: m[1][0, j] for j in range(3)}
    at |= {s[2][0, j]: m[2][0, j] for j in range(4)} | {s.gamma: m.gamma, s.alphas[0]: m.alphas[0]}
    exactly = {k: Rational(v.numerator, v.denominator) for k, v in at.items()}
    ran["sympy entries"] = np.array([[float(x.subs(exactly)) for x in row] for row in Zs])

    with ctx.workprec(256):
        b = as_matrices(ball_case(rational))
        ran["balls"] = np.vectorize(float)(one_layer(prompt(*b[:3], b.gamma), 2, 3, b.gamma, b.alphas[0], b.exp))

    for name, out in ran.items():
        assert np.allclose(np.asarray(out.detach() if name == "tensor" else out, float), ran["float"], rtol=1e-12, atol=1e-12), name

    fractions = one_layer(prompt(*m[:3], m.gamma), 2, 3, m.gamma, m.alphas[0], stand_in)
    assert {type(x) for x in fractions.flat} == {Fraction}
    assert fractions.tolist() == [row for band in list(td_prompts(rational))[1] for row in (band if isinstance(band[0], list) else [band])]

    blocks = one_layer(prompt(sy.features, sy.R, sy.value_row("v_l"), sy.gamma), sy.d, sy.n, sy.gamma, symbols("alpha_l"))
    at = sy.Instance(X=[[1, -1], [0, 1]], x_n=[[2], [1]], R=[[1, 2]], v_l=[[3, -2]], **{"v_l^n": [[1]]}, gamma=[[Rational(1, 2)]], alpha_l=[[Rational(1, 3)]])
    explicit = [np.array([[Fraction(x) for x in row] for row in table], object) for table in ([[1, -1, 2], [0, 1, 1]], [[1, 2]], [[3, -2, 1]])]
    Zf = one_layer(prompt(*explicit, Fraction(1, 2)), 2, 2, Fraction(1, 2), Fraction(1, 3), stand_in)
    assert at.value(sy.block_collapse(blocks)) == Matrix(Zf.tolist())


def test_entries_of_symbols_equal_the_loop():
    case = symbol_case(2, 1, 1)
    got = rows(list(Machine().run(*as_matrices(case)))[1]).value[0]
    want = list(td_prompts(case))[1][3]
    assert [simplify(g - w) for g, w in zip(got, want)] == [0, 0, 0]


@pytest.mark.parametrize("array", [np.asarray, torch.as_tensor], ids=["numpy", "torch"])
def test_any_batch_shape(array):
    rng = np.random.default_rng(0)
    batch, n, d = (2, 3), 4, 2
    X, R, v = rng.normal(size=(*batch, d, n + 1)), rng.normal(size=(*batch, 1, n)), rng.normal(size=(*batch, 1, n + 1))
    gamma, alpha = rng.uniform(size=batch), rng.uniform(size=batch)
    Z = prompt(array(X), array(R), array(v), array(gamma))
    *_, out = transformer(Z, [softmax_td_parameters(d, n, array(gamma), array(alpha), Z)] * 3)
    assert out.shape == (*batch, d + 3, n + 1)
    for i in np.ndindex(batch):
        one = prompt(X[i], R[i], v[i], gamma[i])
        *_, alone = transformer(one, [softmax_td_parameters(d, n, gamma[i], alpha[i], one)] * 3)
        assert np.allclose(np.asarray(out[i]), alone, rtol=1e-12, atol=1e-12)


def test_depth_is_lazy_and_parameters_may_differ_by_layer():
    case = float_case(np.random.default_rng(1), 5, 3, 4)
    m = as_matrices(case)
    Z = prompt(*m[:3], m.gamma)
    endless = (softmax_td_parameters(3, 5, m.gamma, 1 / (l + 1), Z, m.A) for l in iter(int, 1))
    first = list(islice(transformer(Z, endless), 3))
    assert len(first) == 3 and np.array_equal(first[0], Z)
    for l, (Z_l, want) in enumerate(zip(Machine().run(*m), td_prompts(case), strict=True)):
        assert np.allclose(rows(Z_l).value[0], want[3], rtol=1e-9), l


def test_the_layer_is_attention_then_target_memory():
    m = as_batch([float_case(np.random.default_rng(2), 6, 2, 1)])
    Z = prompt(*m[:3], m.gamma)
    p = softmax_td_parameters(2, 6, m.gamma, m.alphas[0], Z, m.A)
    assert np.array_equal(layer(Z, p), target_memory(attention(Z, p), p))
    assert np.allclose(dual_head_layer(Z, p), layer(Z, p))
    K = weights(Z, p)
    assert np.allclose(K.sum(-2), 1) and (K[:, -1] == 0).all()


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: prompt(np.ones((2, 1)), np.ones((1, 0)), np.ones((1, 1)), 0.5), "n >= 1 transitions, got n = 0"),
        (lambda: prompt(np.ones((2, 3)), np.ones((1, 3)), np.ones((1, 4)), 0.5), r"features must have n \+ 1 = 4 columns.*\(2, 3\)"),
        (lambda: prompt(np.ones((2, 4)), np.ones((1, 3)), np.ones((1, 3)), 0.5), r"value must have n \+ 1 = 4 columns"),
        (lambda: prompt(np.full((2, 4), np.nan), np.ones((1, 3)), np.ones((1, 4)), 0.5), "features must be finite"),
        (lambda: prompt(np.ones((2, 4)), np.full((1, 3), np.inf), np.ones((1, 4)), 0.5), "rewards must be finite"),
        (lambda: prompt_from_context(Context(np.array([0, 3]), np.array([1.0])), FEATURES, 0.9), r"features must have 2 axes and a row for each of the states 0..3, got shape \(3, 2\)"),
        (lambda: prompt_from_context(Context(np.array([0, 1]), np.array([1.0])), FEATURES, 0.9, np.ones(1)), "v must have 1 axes"),
        (lambda: prompt_from_context(Context(np.array([0, 1]), np.array([1.0])), FEATURES, 1.0), r"gamma.*\[0, 1\)"),
        (lambda: softmax_td_parameters(2, 3, 0.9, 1.0, np.zeros((5, 4)), np.eye(3)), r"A must be d×d with d = 2, got shape \(3, 3\)"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_arb_ball_entries_stay_balls():
    case = ball_case(rational_case(np.random.default_rng(0), 2, 1, 1))
    *_, Z = Machine().run(*as_matrices(case))
    assert {type(x) for x in Z.flat} == {arb}


def test_the_oracle_is_not_the_construction():
    assert not {name for name in dir(td) if "transformer" in name or "algebra" in name or "prompt" in name}
