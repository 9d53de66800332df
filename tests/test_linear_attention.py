"""Linear attention, the scans, and the siblings: entries by hand, and every method against its loop on each kind of matrix."""

from fractions import Fraction as F
from functools import partial
from itertools import repeat

import numpy as np
import pytest
import torch
from sympy import BlockMatrix, MatrixSymbol, Symbol, ZeroMatrix, block_collapse

from icrl import linear_attention as la
from icrl import siblings, td
from icrl.algebra import all_visible, centring, discounted_sum, linear, softmax
from icrl.prompt import prompt, rows
from icrl.transformer import attention, softmax_td_parameters, transformer
from icrl.verify.judging import blocks as sy

HALF = F(1, 2)
EXACT = np.vectorize(F, otypes=[object])
KINDS = {"float": lambda X: np.array(X, float), "tensor": lambda X: torch.tensor(np.array(X, float)), "entries": EXACT}
EACH_KIND = pytest.mark.parametrize("kind", KINDS)


def number(kind, q):
    """A rational as the kind's numbers."""
    return q if kind == "entries" else float(q)


def same(kind, got, right):
    """Whether two arrays are equal: exactly in fractions, to rounding in floats."""
    got, right = np.asarray(got), np.asarray(right)
    if kind == "entries":
        return (
            got.shape == right.shape
            and bool((got == right).all())
            and all(type(entry) in (F, int) for entry in got.flat)
        )
    return got.shape == right.shape and np.allclose(got.astype(float), right.astype(float), rtol=1e-12, atol=1e-12)


# Linear attention's weights, and the scans


@EACH_KIND
def test_linear_attention_weighs_by_the_scores_and_hides_by_zero(kind):
    scores = KINDS[kind]([[1, -2], [3, 4], [5, 6]])
    got = linear(scores, np.array([[True], [True], [False]]))
    assert same(kind, got, [[1, -2], [3, 4], [0, 0]]) and type(got) is type(scores)
    assert same(kind, linear(scores, np.ones((3, 1), bool)), scores)


def test_hidden_scores_that_are_not_finite_leave_no_trace():
    assert linear(np.array([[1.0], [np.inf]]), np.array([[True], [False]])).tolist() == [[1.0], [0.0]]


def test_linear_attention_of_blocks_is_the_scores():
    Q, q = MatrixSymbol("Q", 3, 3), MatrixSymbol("q", 3, 1)
    scores = BlockMatrix([[Q, q], [q.T, ZeroMatrix(1, 1)]])
    assert linear(scores, (True, False)).blocks.tolist() == [[Q, q], [ZeroMatrix(1, 3), ZeroMatrix(1, 1)]]
    assert linear(scores, (True, True)).blocks == scores.blocks


@EACH_KIND
def test_discounted_sum_by_hand(kind):
    """Columns are receivers: (δT)_0 = δ_0 + δ_1/2 + δ_2/4."""
    T = discounted_sum(3, number(kind, HALF), KINDS[kind]([[0]]))
    right = [[1, 0, 0, 0], [HALF, 1, 0, 0], [HALF**2, HALF, 1, 0], [0, 0, 0, 0]]
    assert same(kind, T, right)
    delta = KINDS[kind]([[1, 2, 4, 7]])
    assert same(kind, delta @ T, [[3, 4, 4, 0]])  # the query's 7 reaches nobody
    assert same(kind, discounted_sum(1, number(kind, HALF), KINDS[kind]([[0]])), [[1, 0], [0, 0]])


@EACH_KIND
def test_centring_by_hand(kind):
    """Less the running mean: 6 − 6, 2 − 4, 1 − 3; the query's column is 0."""
    R = KINDS[kind]([[6, 2, 1, 0]])
    assert same(kind, R @ centring(3, R), [[0, -2, -2, 0]])


def test_the_scans_of_blocks_know_that_the_query_is_left_out():
    for scan, name in ((discounted_sum(sy.n, Symbol("theta"), sy.X), "T"), (centring(sy.n, sy.X), "C")):
        blocks = scan.blocks.tolist()
        assert blocks[0][0] == MatrixSymbol(name, sy.n, sy.n) and blocks[1][1] == ZeroMatrix(1, 1)
        assert blocks[0][1] == ZeroMatrix(sy.n, 1) and blocks[1][0] == ZeroMatrix(1, sy.n)


# The predecessor's prompt


@EACH_KIND
def test_the_prompt_of_transitions_entry_by_entry(kind):
    of = KINDS[kind]
    Z = la.transition_prompt(
        of([[1, 2], [3, 4]]), of([[5, 6], [7, 8]]), of([[9, 10]]), of([[11], [12]]), number(kind, HALF)
    )
    right = [[1, 2, 11], [3, 4, 12], [F(5, 2), 3, 0], [F(7, 2), 4, 0], [9, 10, 0]]
    assert same(kind, Z, right)
    assert same(kind, la.with_average_row(Z), [*right, [0, 0, 0]])


def test_a_batch_of_prompts_may_have_a_discount_each():
    Z = la.transition_prompt(
        np.ones((4, 2, 3)), np.ones((4, 2, 3)), np.ones((4, 1, 3)), np.ones((4, 2, 1)), np.arange(4.0)
    )
    assert Z.shape == (4, 5, 4) and np.array_equal(Z[:, 2, 0], np.arange(4.0))
    assert la.with_average_row(Z).shape == (4, 6, 4)


# The four methods


GAMMA, ALPHA, DECAY = F(7, 10), F(1, 5), F(1, 3)
DEPTH = 4


def drawn(seed, *shapes):
    """Random small rationals, an object array for each shape."""
    rng = np.random.default_rng(seed)
    return [
        np.vectorize(lambda _: F(int(rng.integers(-6, 7)), int(rng.integers(1, 4))), otypes=[object])(np.empty(shape))
        for shape in shapes
    ]


X, Y, R, QUERY = drawn(0, (2, 5), (2, 5), (1, 5), (2, 1))
TRANSITIONS = list(zip(X.T.tolist(), R[0].tolist(), Y.T.tolist()))


def decay_like(Z):
    """ϑ in the numbers of Z."""
    return DECAY if Z.dtype == object else float(DECAY)


METHODS = {  # γ, the layer's parameters, the loop
    "TD(0)": (GAMMA, la.td_parameters, lambda: td.linear_td_lambda(TRANSITIONS, GAMMA, F(0), repeat(ALPHA))),
    "TD(λ)": (
        GAMMA,
        lambda d, n, alpha, Z: la.td_parameters(d, n, alpha, Z, decay_like(Z)),
        lambda: td.linear_td_lambda(TRANSITIONS, GAMMA, DECAY, repeat(ALPHA)),
    ),
    "residual gradient": (
        GAMMA,
        la.residual_gradient_parameters,
        lambda: td.linear_residual_gradient(TRANSITIONS, GAMMA, repeat(ALPHA)),
    ),
    "average reward": (
        F(1),
        la.average_reward_parameters,
        lambda: td.linear_average_reward(TRANSITIONS, repeat(ALPHA)),
    ),
}


def start(kind, name, *parts):
    """The method's prompt, and its parameters."""
    gamma, parameters, _ = METHODS[name]
    Z = la.transition_prompt(*parts, number(kind, gamma))
    Z = la.with_average_row(Z) if name == "average reward" else Z
    p = parameters(2, 5, number(kind, ALPHA), Z)
    return Z, p


@pytest.mark.parametrize("name", METHODS)
@EACH_KIND
def test_each_method_is_its_loop_in_every_column_of_every_layer(kind, name):
    gamma, _, loop = METHODS[name]
    Z, p = start(kind, name, *map(KINDS[kind], (X, Y, R, QUERY)))
    for layer, w in zip(transformer(Z, [p] * DEPTH), loop()):
        paid = 0 if name == "average reward" else 1
        errors = [paid * r + gamma * td.inner(after, w) - td.inner(x, w) for x, r, after in TRANSITIONS]
        assert same(kind, layer[-1], [*errors, -td.inner(QUERY[:, 0].tolist(), w)])
        assert same(kind, layer[:-1], Z[:-1])


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("kind", ["float", "tensor"])
def test_a_batch_runs_as_its_members_do(kind, name):
    of = KINDS[kind]
    members = [[of(part * scale) for part in (X, Y, R, QUERY)] for scale in (F(1), F(1, 2))]
    stacked = [np.stack(parts) if kind == "float" else torch.stack(parts) for parts in zip(*members)]
    Z, p = start(kind, name, *stacked)
    *_, last = transformer(Z, [p] * DEPTH)
    for member, got in zip(members, last):
        Z, p = start(kind, name, *member)
        *_, right = transformer(Z, [p] * DEPTH)
        assert same(kind, got, right)


def test_one_layer_of_blocks():
    after, alpha = MatrixSymbol("Y", sy.d, sy.n), Symbol("alpha")
    Z = la.transition_prompt(sy.X, after, sy.R, sy.x_q, sy.gamma)
    plain, traced = (
        block_collapse(attention(Z, la.td_parameters(sy.d, sy.n, alpha, Z, decay))).blocks
        for decay in (None, Symbol("theta"))
    )
    T = MatrixSymbol("T", sy.n, sy.n)
    assert sy.same(plain[2, 1], -alpha * sy.R * sy.X.T * sy.x_q) and sy.same(
        traced[2, 1], -alpha * sy.R * T * sy.X.T * sy.x_q
    )
    assert (
        sy.same(plain[2, 0], sy.R + alpha * sy.R * sy.X.T * (sy.gamma * after - sy.X))
        and plain[:2, :] == block_collapse(Z).blocks[:2, :]
    )


@pytest.mark.parametrize("name", ["TD(0)", "residual gradient"])
def test_without_the_mask_the_query_is_one_transition_more(name):
    """From x(s) to nothing, without reward."""
    Z, p = start("entries", name, X, Y, R, QUERY)
    open_p = p.with_head(visible=all_visible(5, Z))
    longer = np.hstack([X, QUERY]), np.hstack([Y, 0 * QUERY]), np.hstack([R, [[F(0)]]]), QUERY
    Z_more = la.transition_prompt(*longer, GAMMA)
    p_more = METHODS[name][1](2, 6, ALPHA, Z_more)
    pairs = list(zip(transformer(Z, [open_p] * DEPTH), transformer(Z_more, [p_more] * DEPTH)))
    assert all(leaking[-1, -1] == more[-1, -1] for leaking, more in pairs)
    *_, masked = transformer(Z, [p] * DEPTH)
    assert masked[-1, -1] != pairs[-1][0][-1, -1]


def test_gradients_pass_through_the_step_and_the_decay():
    of = KINDS["tensor"]
    Z = la.transition_prompt(*map(of, (X, Y, R, QUERY)), 0.7)

    def predict(alpha, decay):
        *_, last = transformer(Z, [la.td_parameters(2, 5, alpha, Z, decay)] * 2)
        return -last[-1, -1]

    inputs = tuple(torch.tensor(q, dtype=torch.float64, requires_grad=True) for q in (0.2, 0.3))
    assert torch.autograd.gradcheck(predict, inputs)


# The loops, by hand


PAIR = [([F(1)], F(1), [F(2)]), ([F(2)], F(0), [F(1)])]
"""1 → 2 with reward 1, 2 → 1 with none; w_0 = 1, γ = α = ½: δ = (1, −3/2)."""


def test_linear_td_lambda_by_hand():
    """ϑ = ½: e = 1, 5/2."""
    _, w = td.linear_td_lambda(PAIR, HALF, HALF, [HALF], [F(1)])
    assert w == [1 + HALF * (1 * 1 + F(-3, 2) * F(5, 2))]


def test_linear_residual_gradient_by_hand():
    """x − γx' = 0, 3/2."""
    _, w = td.linear_residual_gradient(PAIR, HALF, [HALF], [F(1)])
    assert w == [1 + HALF * F(-3, 2) * F(3, 2)]


def test_linear_average_reward_by_hand():
    """Rewards less their running means, 0 and −½; δ = 0 + 1, −½ − 1."""
    _, w = td.linear_average_reward(PAIR, [HALF], [F(1)])
    assert w == [1 + HALF * (1 * 1 + F(-3, 2) * 2)]


STATES, REWARDS, FLAT = [0, 1, 0], [F(1), F(0)], {"score": lambda s, u: F(0), "exp": lambda t: 1 + t}
"""Equal weights; γ = α = ½ and v_0 = (0, 2): δ = (2, −2)."""


def test_softmax_td_lambda_by_hand():
    """ϑ = ½: d = (2 − 1, −2), mean −½."""
    _, v = td.softmax_td_lambda(STATES, REWARDS, FLAT["score"], HALF, HALF, [HALF], {0: F(0), 1: F(2)}, FLAT["exp"])
    assert v == {0: F(-1, 4), 1: 2 - F(1, 4)}


def test_softmax_residual_gradient_by_hand():
    """Four keys of weight ¼: 2, −2, −1, 1, in all 0; and of the first transition alone, 2 keys: 2 and −1, mean ½."""
    _, v = td.softmax_residual_gradient(STATES, REWARDS, FLAT["score"], HALF, [HALF], {0: F(0), 1: F(2)}, FLAT["exp"])
    assert v == {0: 0, 1: 2}
    _, v = td.softmax_residual_gradient(
        STATES[:2], REWARDS[:1], FLAT["score"], HALF, [HALF], {0: F(0), 1: F(2)}, FLAT["exp"]
    )
    assert v == {0: F(1, 4), 1: 2 + F(1, 4)}


def test_softmax_average_reward_by_hand():
    """r̄ = ½, δ = (5/2, −5/2); of the first transition alone r̄ = 1, δ = 2."""
    _, v = td.softmax_average_reward(STATES, REWARDS, FLAT["score"], [HALF], {0: F(0), 1: F(2)}, FLAT["exp"])
    assert v == {0: 0, 1: 2}
    _, v = td.softmax_average_reward(STATES[:2], REWARDS[:1], FLAT["score"], [HALF], {0: F(0), 1: F(2)}, FLAT["exp"])
    assert v == {0: 1, 1: 3}


def test_decoder_td_by_hand():
    """Column 0 hears nothing, column 1 of δ_0 = 1 + 1 − 0 = 2, column 2 of the mean of 2 and −2 + ½·0."""
    _, v = td.decoder_td(STATES, REWARDS, FLAT["score"], HALF, [HALF], [F(0), F(2), F(0)], FLAT["exp"])
    assert v == [0, 2 + HALF * 2, 0]


def test_no_decay_is_no_trace():
    states, features = list(range(6)), {s: x for s, x in enumerate([*X.T.tolist(), Y[:, -1].tolist()])}
    chained = [(features[k], R[0, k], features[k + 1]) for k in range(5)]
    assert list(td.linear_td_lambda(chained, GAMMA, F(0), [ALPHA] * 3)) == list(
        td.linear_td(states, R[0].tolist(), features, GAMMA, [ALPHA] * 3)
    )


# The siblings in softmax attention, against their loops


S = [0, 1, 0, 2, 1, 0]
FEATURES, V0 = drawn(1, (3, 2), (3,))
stand_in = lambda t: 1 + t + t * t


def softmax_case(kind, gamma=GAMMA, normalise=None):
    """A prompt, the construction's parameters, and the arguments of the loops: score and exp."""
    of = KINDS[kind]
    Z = prompt(of(FEATURES[S].T), of(R), of(V0[S][None]), number(kind, gamma))
    normalise = normalise or (partial(softmax, exp=stand_in) if kind == "entries" else softmax)
    p = softmax_td_parameters(2, 5, number(kind, gamma), number(kind, ALPHA), Z, normalise=normalise)
    x = FEATURES if kind == "entries" else FEATURES.astype(float)
    return Z, p, (lambda s, u: td.inner(x[s].tolist(), x[u].tolist())), stand_in if kind == "entries" else None


def arguments(kind):
    """Rewards and initial values for the loops."""
    return [number(kind, r) for r in R[0]], [number(kind, v) for v in V0]


def agree(kind, layers, values):
    """Whether the value row of every layer holds the loop's values."""
    for Z, v in zip(layers, values):
        row = [v[s] for s in S] if isinstance(v, dict) else v
        assert same(kind, rows(Z).value[0], row)
    return True


@EACH_KIND
def test_softmax_td_lambda_is_its_loop(kind):
    Z, p, score, exp = softmax_case(kind)
    rewards, v0 = arguments(kind)
    loop = td.softmax_td_lambda(
        S, rewards, score, number(kind, GAMMA), number(kind, DECAY), repeat(number(kind, ALPHA)), v0, exp
    )
    assert agree(kind, transformer(Z, [siblings.with_traces(p, number(kind, DECAY))] * DEPTH), loop)


@EACH_KIND
def test_softmax_residual_gradient_is_its_loop(kind):
    Z, p, score, exp = softmax_case(kind)
    rewards, v0 = arguments(kind)
    loop = td.softmax_residual_gradient(S, rewards, score, number(kind, GAMMA), repeat(number(kind, ALPHA)), v0, exp)
    both = siblings.with_both_ends(p, number(kind, GAMMA))
    assert agree(kind, transformer(Z, [both] * DEPTH), loop)


@EACH_KIND
def test_softmax_average_reward_is_its_loop(kind):
    Z, p, score, exp = softmax_case(kind, F(1))
    rewards, v0 = arguments(kind)
    loop = td.softmax_average_reward(S, rewards, score, repeat(number(kind, ALPHA)), v0, exp)
    assert agree(kind, transformer(Z, [siblings.with_average_reward(p)] * DEPTH), loop)


@EACH_KIND
def test_a_decoder_is_its_loop(kind):
    Z, p, score, exp = softmax_case(kind)
    rewards, v0 = arguments(kind)
    causal = p.with_head(visible=np.arange(6)[:, None] < np.arange(6)[None])
    loop = td.decoder_td(S, rewards, score, number(kind, GAMMA), repeat(number(kind, ALPHA)), [v0[s] for s in S], exp)
    assert agree(kind, transformer(Z, [causal] * DEPTH), loop)


@EACH_KIND
def test_traces_in_linear_attention_are_linear_td_lambda(kind):
    """In this book's prompt too, from v_0 = 0."""
    Z, p, *_ = softmax_case(kind, normalise=linear)
    Z = prompt(rows(Z).features, rows(Z).reward[..., :-1], 0 * rows(Z).value, number(kind, GAMMA))
    chained = [(FEATURES[s].tolist(), r, FEATURES[after].tolist()) for s, r, after in zip(S, R[0], S[1:])]
    loop = td.linear_td_lambda(chained, GAMMA, DECAY, repeat(ALPHA))
    for layer, w in zip(transformer(Z, [siblings.with_traces(p, number(kind, DECAY))] * DEPTH), loop):
        assert same(kind, rows(layer).value[0], [td.inner(FEATURES[s].tolist(), w) for s in S])


def test_no_decay_leaves_softmax_td():
    Z, p, score, exp = softmax_case("entries")
    with_none, plain = (transformer(Z, [q] * DEPTH) for q in (siblings.with_traces(p, F(0)), p))
    assert all(np.array_equal(one, other) for one, other in zip(with_none, plain))
    rewards, v0 = arguments("entries")
    traced = td.softmax_td_lambda(S, rewards, score, GAMMA, F(0), [ALPHA] * 3, v0, exp)
    assert list(traced) == list(td.softmax_td(S, rewards, score, GAMMA, [ALPHA] * 3, v0, exp))


# Bad input


ONES = np.ones((2, 3)), np.ones((2, 3)), np.ones((1, 3)), np.ones((2, 1))
LIKE = np.zeros((5, 4))
STEP = ([1.0], 1.0, [1.0])


def other(i, part):
    """The four parts of a prompt with one exchanged."""
    return *ONES[:i], part, *ONES[i + 1 :]


SOFT = softmax_td_parameters(2, 3, 0.9, 1.0, LIKE)


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: la.transition_prompt(*other(1, np.ones((2, 2))), 0.5),
            r"after must have shape \(…, 2, 3\), got \(2, 2\)",
        ),
        (
            lambda: la.transition_prompt(*other(2, np.ones((2, 3))), 0.5),
            r"rewards must have shape \(…, 1, 3\), got \(2, 3\)",
        ),
        (lambda: la.transition_prompt(*other(2, np.ones(3)), 0.5), r"rewards must have shape \(…, 1, 3\), got \(3,\)"),
        (
            lambda: la.transition_prompt(*other(3, np.ones((3, 1))), 0.5),
            r"query must have shape \(…, 2, 1\), got \(3, 1\)",
        ),
        (lambda: la.transition_prompt(*other(0, np.ones((2, 3), int)), 0.5), "must be floating point, got int64"),
        (lambda: la.transition_prompt(*ONES, [0.5]), r"gamma must be a number or an array .* got \[0.5\]"),
        (lambda: la.transition_prompt(*ONES, np.nan), "gamma must be finite"),
        (lambda: la.td_parameters(2, 3, np.nan, LIKE), "alpha must be finite"),
        (lambda: la.td_parameters(2, 3, [0.1, 0.2], LIKE), "alpha must be a number or an array"),
        (lambda: la.td_parameters(2, 3, 0.1, LIKE, np.inf), "decay must be finite"),
        (lambda: la.td_parameters(2, 3, 0.1, LIKE, [0.5]), "decay must be one number"),
        (
            lambda: attention(np.zeros((5, 5)), la.td_parameters(2, 3, 0.1, LIKE)),
            r"visible must have shape \(…, 5, 1\) or \(…, 5, 5\) for Z of shape \(5, 5\), got \(4, 1\)",
        ),
        (
            lambda: attention(np.zeros((6, 4)), la.residual_gradient_parameters(2, 3, 0.1, LIKE)),
            r"A must have shape \(…, 6, 6\) for Z of shape \(6, 4\), got \(5, 5\)",
        ),
        (
            lambda: attention(LIKE, la.average_reward_parameters(2, 3, 0.1, LIKE)),
            r"A must have shape \(…, 5, 5\) for Z of shape \(5, 4\), got \(6, 6\)",
        ),
        (lambda: siblings.with_average_reward(siblings.with_traces(SOFT, 0.5)), "p must have no scan"),
        (lambda: siblings.with_traces(siblings.with_average_reward(SOFT), 0.5), "p must have one head, .* got 2"),
        (lambda: td.linear_td_lambda([], 0.5, 0.5, [1]), "transitions must hold n >= 1 of them, got none"),
        (
            lambda: td.linear_residual_gradient([STEP, ([1.0], 1.0, [1.0, 2.0])], 0.5, [1]),
            "transition 1 must have d = 1 features before and after, got 1 and 2",
        ),
        (lambda: td.linear_average_reward([STEP], [1], [1.0, 2.0]), "2"),
        (lambda: td.linear_td_lambda([STEP], 0.5, 0.5, 1), "alphas must be an iterable of step sizes"),
        (lambda: td.linear_residual_gradient([STEP], 0.5, 1), "alphas must be an iterable of step sizes"),
        (lambda: td.linear_average_reward([STEP], 1), "alphas must be an iterable of step sizes"),
        (lambda: td.softmax_td_lambda([0], [], None, 0.5, 0.5, [1]), "n >= 1 rewards and n \\+ 1 states"),
        (lambda: td.softmax_residual_gradient([0, 1], [np.nan], None, 0.5, [1]), "rewards must be finite, got nan"),
        (lambda: td.softmax_average_reward([0], [], None, [1]), "got 0 rewards and 1 states"),
        (
            lambda: td.decoder_td([0, 0], [1.0], lambda s, u: 0.0, 0.5, [1], [1.0]),
            r"v must hold n \+ 1 = 2 numbers, one a column, got 1",
        ),
        (lambda: td.decoder_td([0, 0], [1.0], lambda s, u: 0.0, 0.5, 1), "alphas must be an iterable of step sizes"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
