"""The construction: its prompt entry by entry, and one function for every kind of matrix."""

from dataclasses import replace
from fractions import Fraction
from itertools import islice
from random import Random

import numpy as np
import pytest
import torch
from flint import arb, ctx
from sympy import Matrix, Rational, simplify, symbols
from sympy import exp as sympy_exp

from icrl import td
from icrl.mrp import Context
from icrl.prompt import prompt, prompt_from_context, rows
from icrl.transformer import (
    attention,
    in_two_heads,
    layer,
    softmax_td_parameters,
    transformer,
    weights,
)
from icrl.verify.instances.cases import (
    as_batch,
    as_matrices,
    ball_case,
    float_case,
    rational_case,
    stand_in,
    symbol_case,
    td_prompts,
)
from icrl.verify.judging import blocks as sy
from icrl.verify.routes.edits import Machine

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
    assert p.head.A.tolist() == np.diag([1, 1, 0, 0, 0]).tolist()
    assert p.head.V.tolist() == [[0] * 5] * 4 + [[0, 0, 0.25, 0.25, -0.25]]
    assert p.memory.U.tolist() == np.diag([1, 1, 1, 0, 1]).tolist()
    assert p.memory.W.tolist() == [[0] * 5] * 3 + [[0, 0, 0, 0, 0.9]] + [[0] * 5]
    assert p.head.visible.tolist() == [[True], [True], [True], [False]]
    assert p.memory.shift.tolist() == [[0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]


def one_layer(Z, d, n, gamma, alpha, exp=None):
    """What every kind below is put through: the very functions of icrl.transformer."""
    p = Machine().parameters(Z, d, n, gamma, alpha, None, exp)
    return layer(Z, p)


def test_one_function_runs_on_every_kind_of_matrix():
    identity = [[Fraction(1), Fraction(0)], [Fraction(0), Fraction(1)]]
    rational = replace(rational_case(Random(3), 3, 2, 1), A=identity)
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
        assert np.allclose(
            np.asarray(out.detach() if name == "tensor" else out, float), ran["float"], rtol=1e-12, atol=1e-12
        ), name

    fractions = one_layer(prompt(*m[:3], m.gamma), 2, 3, m.gamma, m.alphas[0], stand_in)
    assert {type(x) for x in fractions.flat} == {Fraction}
    assert fractions.tolist() == [
        row for band in list(td_prompts(rational))[1] for row in (band if isinstance(band[0], list) else [band])
    ]

    blocks = one_layer(
        prompt(sy.features, sy.R, sy.value_row("v_l"), sy.gamma), sy.d, sy.n, sy.gamma, symbols("alpha_l")
    )
    at = sy.Instance(
        X=[[1, -1], [0, 1]],
        x_n=[[2], [1]],
        R=[[1, 2]],
        v_l=[[3, -2]],
        **{"v_l^n": [[1]]},
        gamma=[[Rational(1, 2)]],
        alpha_l=[[Rational(1, 3)]],
    )
    explicit = [
        np.array([[Fraction(x) for x in row] for row in table], object)
        for table in ([[1, -1, 2], [0, 1, 1]], [[1, 2]], [[3, -2, 1]])
    ]
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


def test_torch_transforms_run_through_prompt_and_layer():
    def new_value(X, R, v):
        Z = prompt(X, R, v, 0.9)
        return layer(Z, softmax_td_parameters(2, 3, 0.9, 0.5, Z))[..., -1, -1]

    X, R, v = (torch.randn(5, rows, columns, dtype=torch.float64) for rows, columns in ((2, 4), (1, 3), (1, 4)))
    wanted = torch.autograd.grad(new_value(X.requires_grad_(), R, v).sum(), X)[0]
    assert torch.allclose(torch.vmap(torch.func.grad(new_value))(X.detach(), R, v), wanted)


def test_bfloat16_runs():
    Z = prompt(*(torch.ones(rows, columns, dtype=torch.bfloat16) for rows, columns in ((2, 4), (1, 3), (1, 4))), 0.5)
    Z_1 = layer(Z, softmax_td_parameters(2, 3, 0.5, 0.5, Z))
    assert Z_1.dtype == torch.bfloat16 and Z_1[-1].tolist() == [1.25] * 4


def test_parameters_may_have_a_batch_axis_that_the_prompt_lacks():
    Z, alphas = prompt(FEATURES.T, np.ones((1, 2)), VALUE[None], GAMMA), np.array([0.25, 0.5])
    both = layer(Z, softmax_td_parameters(2, 2, GAMMA, alphas, Z))
    assert np.allclose(both, [layer(Z, softmax_td_parameters(2, 2, GAMMA, alpha, Z)) for alpha in alphas])


def test_depth_is_lazy_and_parameters_may_differ_by_layer():
    case = float_case(np.random.default_rng(1), 5, 3, 4)
    m = as_matrices(case)
    Z = prompt(*m[:3], m.gamma)
    endless = (softmax_td_parameters(3, 5, m.gamma, 1 / (l + 1), Z, m.A) for l in iter(int, 1))
    first = list(islice(transformer(Z, endless), 3))
    assert len(first) == 3 and np.array_equal(first[0], Z)
    for l, (Z_l, want) in enumerate(zip(Machine().run(*m), td_prompts(case), strict=True)):
        assert np.allclose(rows(Z_l).value[0], want[3], rtol=1e-9), l


def test_the_layer_is_attention_then_its_memory_step():
    m = as_batch([float_case(np.random.default_rng(2), 6, 2, 1)])
    Z = prompt(*m[:3], m.gamma)
    p = softmax_td_parameters(2, 6, m.gamma, m.alphas[0], Z, m.A)
    Y = attention(Z, p)
    assert np.array_equal(layer(Z, p), p.memory.U @ Y + p.memory.W @ Y @ p.memory.shift)
    assert np.array_equal(layer(Z, replace(p, memory=None)), Y)
    assert np.array_equal(layer(Z, replace(p, memory=lambda X: 2 * X)), 2 * Y)
    assert np.allclose(layer(Z, in_two_heads(p)), layer(Z, p))
    K = weights(Z, p.head)
    assert np.allclose(K.sum(-2), 1) and (K[:, -1] == 0).all()


def test_heads_add_up_and_a_mask_may_depend_on_the_query():
    m = as_batch([float_case(np.random.default_rng(2), 6, 2, 1)])
    Z = prompt(*m[:3], m.gamma)
    p = softmax_td_parameters(2, 6, m.gamma, m.alphas[0], Z, m.A)
    causal = p.with_head(visible=np.arange(7)[:, None] < np.arange(7)[None])
    both = replace(p, heads=(p.head, causal.head))
    assert np.allclose(attention(Z, both) - Z, attention(Z, p) - Z + attention(Z, causal) - Z)
    assert (weights(Z, causal.head)[0] == np.triu(weights(Z, causal.head)[0], 1)).all()
    assert both.with_head(1, V=0 * p.head.V).heads[0] is p.head
    with pytest.raises(ValueError, match="heads must be one to speak of the head, got 2"):
        both.head


PLAIN = softmax_td_parameters(2, 3, 0.9, 1.0, np.zeros((5, 4)))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: prompt(np.ones((2, 1)), np.ones((1, 0)), np.ones((1, 1)), 0.5), "n >= 1 transitions, got n = 0"),
        (
            lambda: prompt(np.ones((2, 3)), np.ones((1, 3)), np.ones((1, 4)), 0.5),
            r"features must have n \+ 1 = 4 columns.*\(2, 3\)",
        ),
        (lambda: prompt(np.ones((2, 4)), np.ones((1, 3)), np.ones((1, 3)), 0.5), r"value must have n \+ 1 = 4 columns"),
        (lambda: prompt(np.full((2, 4), np.nan), np.ones((1, 3)), np.ones((1, 4)), 0.5), "features must be finite"),
        (lambda: prompt(np.ones((2, 4)), np.full((1, 3), np.inf), np.ones((1, 4)), 0.5), "rewards must be finite"),
        (
            lambda: prompt_from_context(Context(np.array([0, 3]), np.array([1.0])), FEATURES, 0.9),
            r"features must have a row for each of the states 0..3, got shape \(3, 2\)",
        ),
        (
            lambda: prompt_from_context(Context(np.array([0, 1]), np.array([1.0])), FEATURES, 0.9, np.ones(1)),
            r"v must have shape \(3,\), got \(1,\)",
        ),
        (
            lambda: prompt_from_context(Context(np.array([0, 1]), np.array([1.0])), FEATURES, 1.0),
            "gamma must be below 1",
        ),
        (lambda: prompt_from_context(None, FEATURES, 0.9), "context must be a Context, got NoneType"),
        (
            lambda: prompt_from_context(Context([0, 1], [1.0]), None, 0.9),
            r"features must have shape \(S, d\), got \(\)",
        ),
        (
            lambda: prompt_from_context(Context([0, 1], [1.0]), [["a"], ["b"]], 0.9),
            "features must be an array of real numbers",
        ),
        (
            lambda: prompt_from_context(Context([0, 1], [1.0]), [[1.0], [1.0, 2.0]], 0.9),
            "features must be an array of real numbers",
        ),
        (
            lambda: prompt_from_context(Context([0, 1], [1.0]), 1j * FEATURES, 0.9),
            "features must be an array of real numbers: got complex",
        ),
        (
            lambda: prompt_from_context(Context([0, 1], [1.0]), np.nan * FEATURES, 0.9),
            r"features must be finite, got nan at index \(0, 0\)",
        ),
        (
            lambda: prompt(np.ones((2, 4), int), np.ones((1, 3)), np.ones((1, 4)), 0.5),
            "features must be floating point, got int64",
        ),
        (
            lambda: prompt(np.ones((2, 4)), torch.ones(1, 3, dtype=torch.int32), np.ones((1, 4)), 0.5),
            "rewards must be floating point, got torch.int32",
        ),
        (
            lambda: prompt(np.ones((2, 4)), np.ones((1, 3)), np.ones((1, 4), complex), 0.5),
            "value must be floating point, got complex128",
        ),
        (
            lambda: prompt(np.ones((2, 4)), np.ones((2, 3)), np.ones((1, 4)), 0.5),
            r"rewards must have shape \(…, 1, n\), got \(2, 3\)",
        ),
        (
            lambda: prompt(np.ones((2, 4)), np.ones((1, 3)), np.ones((2, 4)), 0.5),
            r"value must have shape \(…, 1, n \+ 1\), got \(2, 4\)",
        ),
        (
            lambda: prompt(np.ones((2, 4)), np.ones(3), np.ones((1, 4)), 0.5),
            r"rewards must have shape \(…, 1, n\), got \(3,\)",
        ),
        (
            lambda: prompt(np.ones(4), np.ones((1, 3)), np.ones((1, 4)), 0.5),
            r"features must have shape \(…, d, n \+ 1\), got \(4,\)",
        ),
        (
            lambda: prompt([[1.0, 1.0]], np.ones((1, 1)), np.ones((1, 2)), 0.5),
            "features must be a NumPy array, .* got list",
        ),
        (
            lambda: prompt(np.ones((2, 4)), np.ones((1, 3)), torch.ones(1, 4), 0.5),
            "must be matrices of one kind, got .*'value': 'tensor'",
        ),
        (
            lambda: prompt(torch.full((2, 4), np.nan, dtype=torch.bfloat16), torch.ones(1, 3), torch.ones(1, 4), 0.5),
            "features must be finite",
        ),
        (
            lambda: prompt(np.ones((2, 4)), np.ones((1, 3)), np.ones((1, 4)), [0.5]),
            r"gamma must be a number or an array .* got \[0.5\]",
        ),
        (
            lambda: softmax_td_parameters(2, 3, 0.9, 1.0, np.zeros((5, 4)), np.eye(3)),
            r"A must be d×d with d = 2 .* shape \(3, 3\)",
        ),
        (
            lambda: softmax_td_parameters(2, 3, 0.9, 1.0, np.full((5, 4), Fraction(0)), np.eye(2)),
            "A must be .* of the kind entries, got kind float",
        ),
        (
            lambda: softmax_td_parameters(2, 3, 0.9, [1.0, 0.5], np.zeros((5, 4))),
            "alpha must be a number or an array with one entry per batch member, got .* one Parameters a layer",
        ),
        (lambda: softmax_td_parameters(2, 3, np.nan, 1.0, np.zeros((5, 4))), "gamma must be finite"),
        (lambda: softmax_td_parameters(2, 3, 0.9, np.nan, torch.zeros(5, 4)), "alpha must be finite"),
        (lambda: softmax_td_parameters(2, 3, 0.9, 1.0, np.zeros((5, 4)), np.full((2, 2), np.nan)), "A must be finite"),
        (
            lambda: layer(np.zeros((5, 4)), softmax_td_parameters(2, 4, 0.9, 1.0, np.zeros((5, 4)))),
            r"visible must have shape \(…, 4, 1\) or \(…, 4, 4\) for Z of shape \(5, 4\), got \(5, 1\)",
        ),
        (
            lambda: layer(np.zeros((5, 4)), in_two_heads(softmax_td_parameters(3, 3, 0.9, 1.0, np.zeros((5, 4))))),
            r"A must have shape \(…, 5, 5\) for Z of shape \(5, 4\), got \(6, 6\)",
        ),
        (
            lambda: layer(np.zeros((5, 4)), PLAIN.with_head(V=np.zeros((1, 5)))),
            r"V must have shape \(…, 5, 5\) for Z of shape \(5, 4\), got \(1, 5\)",
        ),
        (
            lambda: layer(np.zeros((5, 4)), PLAIN.with_head(scan=np.eye(3))),
            r"scan must have shape \(…, 4, 4\) for Z of shape \(5, 4\), got \(3, 3\)",
        ),
        (
            lambda: layer(np.zeros((5, 4)), PLAIN.with_head(visible=np.ones(4, bool))),
            r"visible must have shape .* got \(4,\)",
        ),
        (lambda: layer(np.zeros((5, 4)), PLAIN.with_head(visible=[True] * 4)), "visible must have shape .* got list"),
        (lambda: layer(torch.zeros(5, 4), PLAIN), "A must be of the kind of Z, tensor, got float"),
        (
            lambda: layer(np.zeros((5, 4)), PLAIN.with_memory(shift=np.eye(4)[:, :1])),
            r"shift must have shape \(…, 4, 4\) for Z of shape \(5, 4\), got \(4, 1\)",
        ),
        (
            lambda: transformer(np.zeros((5, 4)), softmax_td_parameters(2, 3, 0.9, 1.0, np.zeros((5, 4)))),
            r"layers must be an iterable of Parameters: \[p\] \* depth, got Parameters",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def doubled(Y):
    return 2 * Y


@pytest.mark.parametrize("memory", [None, doubled])
def test_a_memory_step_that_is_no_target_memory_has_no_pieces(memory):
    p = replace(softmax_td_parameters(2, 3, 0.9, 1.0, np.zeros((5, 4))), memory=memory)
    message = "memory must be a TargetMemory to have U, W and shift, got " + ("None" if memory is None else ".*doubled")
    for asked in (lambda: p.target_memory, lambda: p.with_memory(U=np.eye(5)), lambda: in_two_heads(p)):
        with pytest.raises(ValueError, match=message):
            asked()


def test_arb_ball_entries_stay_balls():
    case = ball_case(rational_case(Random(0), 2, 1, 1))
    *_, Z = Machine().run(*as_matrices(case))
    assert {type(x) for x in Z.flat} == {arb}


def test_the_oracle_is_not_the_construction():
    assert not {name for name in dir(td) if "transformer" in name or "algebra" in name or "prompt" in name}
