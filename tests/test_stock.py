"""Attention off the shelf: PyTorch's own modules against the prompt's Transformer and a loop over a bag of transitions."""

import math
import re
import textwrap
from dataclasses import replace
from fractions import Fraction as F
from functools import partial
from random import Random

import numpy as np
import pytest
import torch
from flint import ctx
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import BlockMatrix, MatrixSymbol, Symbol, simplify
from sympy import exp as sympy_exp

from conftest import ROOT
from icrl import stock, td
from icrl.algebra import Weights, softmax, sources_visible
from icrl.mrp import Context
from icrl.prompt import prompt, prompt_from_context, rows
from icrl.stock import token_matrix, token_rows
from icrl.transformer import Parameters, layer, softmax_td_parameters, transformer
from icrl.verify.instances.cases import as_matrices, ball_case, rational_case, stand_in, symbol_case
from icrl.verify.judging import blocks as sy

LAYERS = 40
CLOSE = 1e-12
"""How far two routes may be apart in float64, in units of the largest number that the right one has come to, 1 at least."""

some = settings(max_examples=25, deadline=None)
HALF = F(1, 2)


# The oracle: a loop over a bag of transitions, which knows of no tokens, matrices or masks


def bag_td(moves, v, score, gamma, alphas):
    """The value functions v_0, v_1, … of weighted softmax TD on transitions (a, b, r) in no order, at every state that ``v`` names."""
    kernel = {}
    for s in v:
        scores = [score(s, a) for a, _, _ in moves]
        powers = [math.exp(g - max(scores)) for g in scores]
        kernel[s] = [power / sum(powers) for power in powers]
    yield v
    for alpha in alphas:
        delta = [r + gamma * v[b] - v[a] for a, b, r in moves]
        v = {s: v[s] + alpha * sum(w * error for w, error in zip(kernel[s], delta)) for s in v}
        yield v


class Bag:
    """A random bag: n transitions between S states in no order, some of them hidden, then q queries of arbitrary second states and targets.

    ``off`` is e, what the targets hold besides γ v_0(b).
    """

    def __init__(self, seed, n, d, S, q, off):
        rng = np.random.default_rng(seed)
        self.rng, self.n, self.d, N = rng, n, d, n + q
        self.x = rng.normal(size=(S, d)) * rng.uniform(0.1, 2) / math.sqrt(max(d, 1))
        self.A, self.v = rng.normal(size=(d, d)), rng.normal(size=S)
        self.gamma, self.alphas = rng.uniform(0, 1), rng.uniform(0, 1, LAYERS).tolist()
        self.a, self.b = rng.integers(0, S, N), rng.integers(0, S, N)
        self.r, self.e = rng.normal(size=N), off * rng.normal(size=N)
        self.seen = (np.arange(N) < n) & (rng.random(N) < 0.8)
        self.seen[rng.integers(0, n)] = True

    def tokens(self, dtype=torch.float64, width=None):
        target = self.gamma * self.v[self.b] + self.e
        Z = token_matrix(self.x[self.a].T, self.x[self.b].T, self.r[None], target[None], self.v[None, self.a])
        rest = (width or len(Z) + 1) - len(Z)
        X = torch.nn.functional.pad(torch.tensor(Z.T, dtype=dtype), (0, rest))
        return stock.Tokens(X, torch.tensor(~self.seen), None, self.d)

    def right(self):
        """(v, t) of every token after each layer, (LAYERS + 1, 2, N)."""
        moves = [(a, b, r + e) for a, b, r, e, seen in zip(self.a, self.b, self.r, self.e, self.seen) if seen]
        score = lambda s, u: self.x[u] @ self.A @ self.x[s]
        for v in bag_td(moves, dict(enumerate(self.v.tolist())), score, self.gamma, self.alphas):
            yield np.array([[v[a] for a in self.a], [self.gamma * v[b] + e for b, e in zip(self.b, self.e)]])

    def modules(self, dtype=torch.float64, width=None):
        return [stock.multihead_attention(self.d, self.gamma, a, self.A, width, dtype) for a in self.alphas]

    def heads(self, like):
        return [
            stock.stock_heads(self.d, self.gamma, a, like, torch.tensor(self.A, dtype=like.dtype)) for a in self.alphas
        ]


bags = st.builds(
    Bag,
    st.integers(0, 2**32),
    st.integers(1, 40),
    st.integers(0, 5),
    st.integers(1, 6),
    st.integers(0, 4),
    st.sampled_from([0.0, 1.0]),
)


def away(got, right):
    """The largest difference of any layer, in units of the largest right number so far, 1 at least."""
    worst, scale = 0.0, 1.0
    for one, other in zip(got, right, strict=True):
        one, other = (np.asarray(torch.as_tensor(each).detach().cpu()) for each in (one, other))
        assert np.isfinite(one).all() and np.isfinite(other).all()
        scale = max(scale, np.abs(other).max())
        worst = max(worst, np.abs(one - other).max() / scale)
    return worst


def value_and_target(along):
    return [torch.stack([each.values, each.targets], dim=-2) for each in along]


@some
@given(bags)
def test_every_token_of_every_layer_is_the_loop_over_the_bag(bag):
    tokens, right, modules = bag.tokens(), list(bag.right()), bag.modules()
    assert away(value_and_target(stock.forward(modules, tokens)), right) < CLOSE, "with gradients: PyTorch's plain path"
    with torch.no_grad():
        quick = [module.eval() for module in modules]
        batch = stock.batched([tokens, tokens])
        both = value_and_target(stock.forward(quick, batch))
        assert away([each[1] for each in both], right) < CLOSE, "in a batch and without: PyTorch's fused path"
    heads = bag.heads(tokens.X)
    assert away(value_and_target(stock.forward(heads, tokens)), right) < CLOSE, "scaled_dot_product_attention"
    layers = [
        stock.parameters(bag.d, tokens.visible[0], bag.gamma, alpha, tokens.Z, torch.tensor(bag.A))
        for alpha in bag.alphas
    ]
    bands = map(token_rows, transformer(tokens.Z, layers))
    own = [torch.cat([each.value, each.target]) for each in bands]
    assert away(own, right) < CLOSE, "icrl.transformer"


@some
@given(bags)
def test_whatever_is_not_v_or_t_stays_as_it_was(bag):
    first = bag.tokens(width=2 * bag.d + 8)
    *_, last = stock.forward(bag.modules(width=2 * bag.d + 8), first)
    rest = [i for i in range(first.X.shape[-1]) if i not in (first.value_row, first.target_row)]
    assert torch.equal(first.X[:, rest], last.X[:, rest])


@some
@given(bags)
def test_float32_goes_in_and_comes_out(bag):
    tokens = bag.tokens(torch.float32)
    for along in (stock.forward(bag.modules(torch.float32), tokens), stock.forward(bag.heads(tokens.X), tokens)):
        got = value_and_target(along)
        assert got[-1].dtype == torch.float32
        assert away([each.double() for each in got], list(bag.right())) < 2e-5


def random_context(rng, S, endings=False):
    walks = [
        (rng.integers(0, S, length + 1), rng.normal(size=length), endings and bool(rng.random() < 0.7))
        for length in rng.integers(1, 9, rng.integers(1, 5))
    ]
    return Context.of_trajectories(walks)


@some
@given(st.integers(0, 2**32), st.integers(0, 5), st.integers(1, 6), st.booleans())
def test_the_tokens_of_a_context_are_the_columns_of_its_prompt(seed, d, S, endings):
    """Features, reward, target and value of every column, after each of 40 layers, with endings too, where the loop is td.softmax_td."""
    rng = np.random.default_rng(seed)
    context = random_context(rng, S, endings)
    ends, n = context.terminated, context.n
    gamma, alpha = (1.0 if ends.any() else rng.uniform(0, 1)), rng.uniform(0, 1)
    x, v, A = rng.normal(size=(S, d)) / math.sqrt(max(d, 1)), rng.normal(size=S), rng.normal(size=(d, d))
    cut = [last for last, (_, terminated) in zip(context.lasts, context.endings) if not terminated]
    columns = np.append(context.columns, cut).astype(int)
    Z = prompt_from_context(context, x, gamma, v)
    along = list(transformer(Z, [softmax_td_parameters(d, context.endings, gamma, alpha, Z, A)] * LAYERS))
    right = [np.delete(Y, d + 1, axis=0)[:, columns] for Y in along]
    target = [rows(Y).target[0, context.columns] for Y in along]
    tokens = stock.tokens(context, x, gamma, v, queries=context.states[cut])
    assert np.array_equal(tokens.X[:n, d : 2 * d], x[context.after] * ~ends[:, None])
    loop = td.softmax_td(
        context.states.tolist(),
        context.rewards.tolist(),
        lambda s, u: x[u] @ A @ x[s],
        gamma,
        [alpha] * LAYERS,
        v,
        endings=context.endings,
    )
    by_state = [np.array([value[s] for s in context.states[columns]]) for value in loop]
    module = stock.multihead_attention(d, gamma, alpha, A)
    for graph, mode in ((True, module.train()), (False, module.eval())):
        with torch.set_grad_enabled(graph):
            layers = list(stock.forward(mode, tokens, LAYERS))
        bands = [token_rows(each.Z[:, : len(columns)]) for each in layers]
        assert away([torch.cat([each.before, each.reward, each.value]) for each in bands], right) < CLOSE
        assert away([each.targets[:n] for each in layers], target) < CLOSE
        assert away([each.value[0] for each in bands], by_state) < CLOSE
        kept = [each.targets[:n][torch.tensor(ends)] for each in layers]
        assert not any(each.count_nonzero() for each in kept), "nothing is bootstrapped where it terminated"
        assert not ends.any() or all((each.X[-1] == 0).all() for each in layers), "the sink says 0"


def test_the_prompt_with_the_next_features_is_the_tokens_of_its_context():
    rng = np.random.default_rng(0)
    context = random_context(rng, 4)
    x, v = rng.normal(size=(4, 3)), rng.normal(size=4)
    Z = stock.with_next_features(prompt_from_context(context, x, 0.9, v), context.endings)
    order = np.append(context.columns, context.lasts)
    tokens, _ = stock.context_tokens(context, x, 0.9, v, context.states[context.lasts])
    assert np.array_equal(Z[:, order], tokens)


def test_a_batch_holds_contexts_of_any_length_with_and_without_endings():
    rng = np.random.default_rng(1)
    x, A = rng.normal(size=(6, 3)) / 2, rng.normal(size=(3, 3))
    several = [
        stock.tokens(random_context(rng, 6, endings), x, 0.9, queries=q)
        for endings, q in 3 * [(True, None), (False, [0, 5]), (True, [2])]
    ]
    assert len({len(each.X) for each in several}) > 3
    batch, module = stock.batched(several), stock.multihead_attention(3, 0.9, 0.5, A)
    turned = stock.multihead_attention(3, 0.9, 0.5, A)
    turned.batch_first = False
    heads = stock.stock_heads(3, 0.9, 0.5, batch.X, torch.tensor(A))
    runs = [list(stock.forward(each, batch, LAYERS)) for each in (module, turned, heads)]
    with torch.no_grad():
        runs.append(list(stock.forward(module.eval(), batch, LAYERS)))
    own = [
        stock.parameters(3, batch.visible[0], 0.9, 0.5, batch.Z, torch.tensor(A), visible_after=batch.visible[1])
    ] * LAYERS
    runs.append([batch.at(torch.nn.functional.pad(Z.mT, (0, 1))) for Z in transformer(batch.Z, own)])
    for i, one in enumerate(several):
        alone, N = list(stock.forward(module, one, LAYERS)), len(one.X)
        for run in runs:
            assert away([each.X[i, :N] for each in run], [each.X for each in alone]) < CLOSE


def test_tokens_may_stand_in_any_order():
    """A permutation of the tokens, masks with them, permutes what comes out: there is no position in it."""
    rng = np.random.default_rng(2)
    tokens = stock.tokens(random_context(rng, 5, True), rng.normal(size=(5, 2)), 1.0)
    order = torch.randperm(len(tokens.X), generator=torch.Generator().manual_seed(0))
    assert tokens.attn_mask is not None
    moved = replace(
        tokens,
        X=tokens.X[order],
        key_padding_mask=tokens.key_padding_mask[order],
        attn_mask=tokens.attn_mask[:, order][:, :, order],
    )
    module = stock.multihead_attention(2, 1.0, 0.3)
    right = [each.X[order] for each in stock.forward(module, tokens, 10)]
    assert away([each.X for each in stock.forward(module, moved, 10)], right) < CLOSE


# One function for every kind of matrix


def columns_of(m, n):
    """The tokens of a case's prompt, of whatever kind."""
    return stock.with_next_features(prompt(m.features, m.rewards, m.value, m.gamma), n)


def run_case(m, n, d):
    """The tokens after each layer: the very functions of icrl.transformer."""
    Z = columns_of(m, n)
    normalise = softmax if m.exp is None else partial(softmax, exp=m.exp)
    layers = [stock.parameters(d, sources_visible(n, Z), m.gamma, alpha, Z, m.A, normalise) for alpha in m.alphas]
    return [token_rows(Y) for Y in transformer(Z, layers)]


@pytest.mark.parametrize("seed", range(6))
def test_in_fractions_the_values_are_the_loop_exactly(seed):
    case = rational_case(Random(seed), 1 + seed, seed % 4, 3)
    got = run_case(as_matrices(case), case.n, case.d)
    loop = td.softmax_td(case.states, case.rewards, case.score, case.gamma, case.alphas, case.v, stand_in)
    for each, v in zip(got, loop, strict=True):
        assert each.value[0].tolist() == [v[s] for s in case.states]
        assert each.target[0, :-1].tolist() == [case.gamma * v[s] for s in case.states[1:]]
        assert {type(entry) for band in each for entry in np.ravel(band)} <= {F}


def test_in_symbols_with_the_true_exponential_the_values_are_the_loop():
    case = symbol_case(2, 1, 1)
    got = run_case(as_matrices(case), 2, 1)[-1]
    *_, v = td.softmax_td(case.states, case.rewards, case.score, case.gamma, case.alphas, case.v, sympy_exp)
    assert [simplify(g - v[s]) for g, s in zip(got.value[0], case.states)] == [0, 0, 0]
    assert [simplify(g - case.gamma * v[s]) for g, s in zip(got.target[0], case.states[1:])] == [0, 0]


def test_balls_and_floats_and_tensors_agree():
    case = rational_case(Random(7), 5, 2, 3)
    m = as_matrices(case)
    floats = m._replace(
        **{name: np.asarray(getattr(m, name), float) for name in ("features", "rewards", "value", "A", "alphas")},
        gamma=float(m.gamma),
        exp=None,
    )
    tensors = floats._replace(
        **{name: torch.tensor(getattr(floats, name)) for name in ("features", "rewards", "value", "A", "alphas")}
    )
    with ctx.workprec(256):
        balls = run_case(as_matrices(ball_case(case)), 5, 2)
        assert all(float(entry.rad()) < 1e-60 for each in balls for entry in each.value.flat)
        certain = [np.vectorize(float)(each.value) for each in balls]
    assert away([each.value for each in run_case(floats, 5, 2)], certain) < CLOSE
    assert away([each.value for each in run_case(tensors, 5, 2)], certain) < CLOSE


def test_at_symbolic_sizes_one_layer_is_the_update_at_both_ends():
    """v += αδK and t += γαδK′, where K has the scores of the first ends and K′ those of the second, for every n and d."""
    row = lambda name: BlockMatrix([[MatrixSymbol(name, 1, sy.n), MatrixSymbol(f"{name}^n", 1, 1)]])
    second = BlockMatrix([[MatrixSymbol("Y", sy.d, sy.n), MatrixSymbol("y_n", sy.d, 1)]])
    r, t, v, alpha = row("r"), row("t"), row("v"), Symbol("alpha")
    Z = token_matrix(sy.features, second, r, t, v)
    out = token_rows(
        sy.block_collapse(layer(Z, stock.parameters(sy.d, sources_visible(sy.n, Z), sy.gamma, alpha, Z, sy.A)))
    )
    delta = r.blocks[0, 0] + t.blocks[0, 0] - v.blocks[0, 0]
    for got, old, end, times in ((out.value, v, sy.features, alpha), (out.target, t, second, alpha * sy.gamma)):
        scores = sy.block_collapse(sy.features.T * sy.A * end)
        for i, name in enumerate("n1"):
            size = sy.n if name == "n" else 1
            K = [K for K in got.blocks[0, i].atoms(Weights) if K.shape == (sy.n, size)]
            assert len(K) == 1 and sy.same(K[0].args[3].blocks[0, i], scores.blocks[0, i])
            assert sy.same(got.blocks[0, i], old.blocks[0, i] + times * delta * K[0])
    for got, old in zip(out[:3], (sy.features, second, r)):
        assert all(sy.same(one, other) for one, other in zip(got.blocks, old.blocks, strict=True))


def test_a_step_size_and_a_discount_may_differ_by_the_member_of_a_batch():
    rng = np.random.default_rng(3)
    Z = token_matrix(*(rng.normal(size=(rows, 4)) for rows in (2, 2, 1, 1, 1)))
    gammas, alphas, seen = np.array([0.5, 0.9]), np.array([0.25, 0.5]), np.arange(4)[:, None] < 3
    both = layer(Z, stock.parameters(2, seen, gammas, alphas, Z))
    assert np.allclose(both, [layer(Z, stock.parameters(2, seen, g, a, Z)) for g, a in zip(gammas, alphas)])


# Planted wrong variants: each of the smallest contexts that show it, exactly, and in PyTorch's module


def smallest(T, r, x, E=stand_in, A=1):
    """A context of small integers with γ = α = ½ and v_0 = 0: its tokens, the normaliser, A."""
    X = np.array([[F(x[s]) for s in T]], object)
    Z = prompt(X, np.array([list(map(F, r))], object), 0 * X, HALF)
    return stock.with_next_features(Z, len(r)), partial(softmax, exp=E), np.array([[F(A)]], object)


M, O = ((0, 1, 0), (0, 1), (0, 1)), ((0, 0), (1,), (0,))


def asked_by_the_first_state(first, second):
    return first, second._replace(query=first.query)


def without_discount(first, second):
    return first, second._replace(out=second.out * 2)


def without_the_second(first, second):
    return first, second._replace(out=0 * second.out)


def swapped(first, second):
    return first._replace(out=second.out), second._replace(out=first.out)


def second_reads_keys_of_the_second_state(first, second):
    return first, second._replace(key=stock.stock_heads(1, HALF, HALF, second.key)[1].query)


def first_reads_keys_of_the_second_state(first, second):
    return first._replace(key=stock.stock_heads(1, HALF, HALF, first.key)[1].query), second


WRONG = [
    (asked_by_the_first_state, M, 2, 1, F(85, 144), F(7, 12)),
    (without_discount, O, 2, 0, F(1), F(7, 8)),
    (without_the_second, O, 2, 0, F(3, 4), F(7, 8)),
    (swapped, M, 1, 0, F(1, 3), F(1, 4)),
    (second_reads_keys_of_the_second_state, M, 2, 0, F(13, 32), F(41, 96)),
    (first_reads_keys_of_the_second_state, M, 1, 1, F(1, 6), F(1, 3)),
]
"""What is wrong, in which context, after how many layers, in which token, what v is there, and what it must be."""


def exact_value(context, depth, token, change=lambda first, second: (first, second), shown=False):
    Z, normalise, A = smallest(*context)
    visible = sources_visible(Z.shape[1] - 1, Z) | shown
    heads = change(*stock.stock_heads(1, HALF, HALF, Z, A))
    *_, last = transformer(Z, [Parameters(tuple(head.head(visible, normalise) for head in heads))] * depth)
    return token_rows(last).value[0, token]


@pytest.mark.parametrize("change, context, depth, token, wrong, right", WRONG)
def test_a_wrong_head_is_seen_in_the_smallest_contexts(change, context, depth, token, wrong, right):
    assert exact_value(context, depth, token) == right
    assert exact_value(context, depth, token, change) == wrong


def test_a_query_that_is_seen_is_one_more_transition():
    assert exact_value(O, 1, 0) == HALF
    assert exact_value(O, 1, 0, shown=True) == F(1, 4)


def test_a_root_forgotten_is_another_kernel():
    """h = 4 and scores in base 4, so that √h forgotten makes the base 2: in fractions, and in PyTorch."""
    base = lambda b: partial(softmax, exp=lambda t: F(b) ** int(t))
    for b, right in ((4, F(2, 5)), (2, F(1, 3))):
        Z, _, A = smallest(*M)
        *_, last = transformer(Z, [stock.parameters(1, sources_visible(2, Z), HALF, HALF, Z, A, base(b))])
        assert token_rows(last).value[0, 1] == right
    tokens = stock.tokens(Context([0, 1, 0], [0.0, 1.0]), [[0.0], [1.0]], 0.5, width=8)
    module = stock.multihead_attention(1, 0.5, 0.5, [[math.log(4)]], width=8)
    *_, last = stock.forward(module, tokens, 1)
    assert last.values[1].item() == pytest.approx(2 / 5, abs=1e-15)
    with torch.no_grad():
        module.in_proj_weight[:8] /= 2
    *_, last = stock.forward(module, tokens, 1)
    assert last.values[1].item() == pytest.approx(1 / 3, abs=1e-15)


def with_bias(module, part, head, coordinate, amount=0.5):
    """The module with one entry of its biases: of queries, keys or values (0, 1, 2) of a head, or of what is written (3)."""
    with torch.no_grad():
        h = module.embed_dim // 2
        bias = module.in_proj_bias.view(3, 2, h)[part, head] if part < 3 else module.out_proj.bias
        bias[coordinate] += amount
    return module


def scaled_part(module, rows, times):
    with torch.no_grad():
        module.in_proj_weight[rows] *= times
    return module


D = 3
PLANTED = {
    **{change.__name__: lambda heads, change=change: stock.load(change(*heads)) for change, *_ in WRONG[:4]},
    "second keys": lambda heads: stock.load((heads[0], heads[1]._replace(key=stock.float_heads(D, 0, 0)[1].query))),
    "first keys": lambda heads: stock.load((heads[0]._replace(key=stock.float_heads(D, 0, 0)[1].query), heads[1])),
    "A transposed": lambda heads: stock.load([head._replace(query=turned(head.query)) for head in heads]),
    "root forgotten": lambda heads: scaled_part(stock.load(heads), slice(0, 10), 5**-0.5),
    "target enters with a minus": lambda heads: stock.load(
        [head._replace(value=signed(head.value, 2 * D + 1)) for head in heads]
    ),
    "value enters with a plus": lambda heads: stock.load(
        [head._replace(value=signed(head.value, 2 * D + 2)) for head in heads]
    ),
    "a step size of its own": lambda heads: stock.load((heads[0], heads[1]._replace(value=heads[1].value / 2))),
    "values biased in one head": lambda heads: with_bias(stock.load(heads), 2, 0, 0),
    "queries biased in one head": lambda heads: with_bias(stock.load(heads), 0, 1, 0),
    "bias on the values alone": lambda heads: with_bias(stock.load(heads), 3, 0, 2 * D + 2),
}


def turned(query):
    """The blocks on the features transposed."""
    return np.concatenate([query[:, :D].T, query[:, D : 2 * D].T, query[:, 2 * D :]], axis=1)


def signed(value, row):
    return value * np.where(np.arange(value.shape[1]) == row, -1, 1)


@pytest.fixture(scope="module")
def planted_bag():
    return Bag(5, 20, D, 5, 1, 0.0)


def first_apart(module, bag, tokens=None):
    """How far the module is from the loop after each of four layers, in units of the largest number."""
    right = list(
        bag_td(
            [(a, b, r) for a, b, r, seen in zip(bag.a, bag.b, bag.r, bag.seen) if seen],
            dict(enumerate(bag.v)),
            lambda s, u: bag.x[u] @ bag.A @ bag.x[s],
            bag.gamma,
            [0.5] * 4,
        )
    )
    along = [each.values for each in stock.forward(module, tokens or bag.tokens(), 4)]
    return away(along, [[v[a] for a in bag.a] for v in right])


@pytest.mark.parametrize("wrong", PLANTED)
def test_a_wrong_module_of_pytorch_is_seen(wrong, planted_bag):
    heads = stock.float_heads(D, planted_bag.gamma, 0.5, planted_bag.A)
    assert first_apart(stock.load(heads), planted_bag) < CLOSE
    assert 1e-3 < first_apart(PLANTED[wrong](heads), planted_bag) < math.inf


def test_a_missing_mask_is_seen(planted_bag):
    module, tokens = stock.multihead_attention(D, planted_bag.gamma, 0.5, planted_bag.A), planted_bag.tokens()
    assert (
        first_apart(module, planted_bag, replace(tokens, key_padding_mask=torch.zeros_like(tokens.key_padding_mask)))
        > 1e-3
    )


def test_an_ending_without_its_mask_is_seen():
    """a → END, r = 1, γ = ½: 1 is right; with the features of END taken for 0, and no sink, it is 2."""
    tokens = stock.tokens(Context([0, 1], [1.0], [(1, True)]), [[0.0], [0.0]], 0.5)
    module = stock.multihead_attention(1, 0.5, 0.5)
    assert tokens.attn_mask is not None
    *_, last = stock.forward(module, tokens, 60)
    assert last.values[0].item() == pytest.approx(1, abs=1e-15)
    no_sink = stock.Tokens(tokens.X[:1], tokens.key_padding_mask[:1], None, 1)
    *_, last = stock.forward(module, no_sink, 200)
    assert last.values[0].item() == pytest.approx(2, abs=1e-12)


# What may be otherwise


def test_a_gauge_of_the_target_changes_no_value(planted_bag):
    """The target times c, what reads it over c, what writes it times c: c < 0 too."""
    first, second = stock.float_heads(D, planted_bag.gamma, 0.5, planted_bag.A)
    tokens, right = planted_bag.tokens(), list(stock.forward(stock.load((first, second)), planted_bag.tokens(), 9))
    for c in (3.0, -0.5):
        times = np.where(np.arange(2 * D + 3) == 2 * D + 1, c, 1.0)
        heads = [head._replace(value=head.value / times, out=times[:, None] * head.out) for head in (first, second)]
        start = tokens.at(tokens.X * torch.tensor(np.append(times, 1)))
        assert (
            away([each.values for each in stock.forward(stock.load(heads), start, 9)], [each.values for each in right])
            < CLOSE
        )


def test_biases_are_a_key_weight_nothing_and_a_bonus(planted_bag):
    """Of the queries: e^{linear in x(u)}; of the keys: nothing; of the values, in both heads, and of what is written, (c, γc): a reward bonus."""
    bag, heads, b = planted_bag, stock.float_heads(D, planted_bag.gamma, 0.5, planted_bag.A), 0.25
    right = lambda score, bonus: [
        [v[a] for a in bag.a]
        for v in bag_td(
            [(a, b_, r + bonus) for a, b_, r, seen in zip(bag.a, bag.b, bag.r, bag.seen) if seen],
            dict(enumerate(bag.v)),
            score,
            bag.gamma,
            [0.5] * 9,
        )
    ]
    score = lambda s, u: bag.x[u] @ bag.A @ bag.x[s]
    weighted = lambda s, u: score(s, u) + b * bag.x[u, 1] / math.sqrt(5)
    values = lambda module: [each.values for each in stock.forward(module, bag.tokens(), 9)]
    biased = lambda part, *where: [
        with_bias(module, part, head, coordinate, times * b)
        for module in [stock.load(heads)]
        for head, coordinate, times in where
    ][-1]
    assert away(values(biased(0, (0, 1, 1), (1, 1, 1))), right(weighted, 0)) < CLOSE
    assert away(values(biased(1, (0, 1, 1), (1, 0, 9))), right(score, 0)) < CLOSE
    assert away(values(biased(2, (0, 0, 1), (1, 0, 1))), right(score, b / 0.5)) < CLOSE
    assert away(values(biased(3, (0, 2 * D + 2, 1), (0, 2 * D + 1, bag.gamma))), right(score, b / 0.5)) < CLOSE


@some
@given(bags)
def test_a_query_that_is_seen_pays_its_target(bag):
    """No mask at all: each query is one more transition, from a to b, that pays r and what its target holds besides γv_0(b)."""
    bag.seen[:] = True
    tokens = bag.tokens()
    assert not tokens.key_padding_mask.any()
    assert away(value_and_target(stock.forward(bag.modules(), tokens)), list(bag.right())) < CLOSE


def test_gradients_reach_every_weight_that_the_construction_uses():
    tokens = stock.tokens(Context([0, 1, 0, 2], [1.0, 2.0, -1.0]), np.eye(3), 0.9)
    module = stock.multihead_attention(3, 0.9, 0.5)
    *_, last = stock.forward(module, tokens, 3)
    last.values[-1].backward()
    for weight in (module.in_proj_weight, module.out_proj.weight):
        assert weight.grad is not None and (weight.grad[weight != 0] != 0).any()


def test_nothing_is_made_on_another_device():
    """PyTorch's device without memory, which refuses tensors of any other: a GPU's tokens and modules stay there."""
    tokens = stock.batched(
        [stock.tokens(Context([0, 1], [1.0], [(1, ends)]), np.eye(2), 0.9, device="meta") for ends in (True, False)]
    )
    module = stock.multihead_attention(2, 0.9, 0.5, device="meta")
    *_, last = stock.forward(module, tokens, 3)
    assert last.X.device.type == module.in_proj_weight.device.type == "meta" and last.X.shape == (2, 2, 8)
    *_, last = stock.forward(stock.stock_heads(2, 0.9, 0.5, tokens.X), tokens, 3)
    assert last.X.device.type == "meta"


def test_a_batch_of_tokens_is_made_at_once():
    bands = [np.random.default_rng(0).normal(size=(2, 3, rows, 4)) for rows in (2, 2, 1, 1, 1)]
    Z = token_matrix(*bands)
    assert Z.shape == (2, 3, 7, 4)
    assert all(np.array_equal(got, band) for got, band in zip(token_rows(Z), bands, strict=True))


@pytest.mark.parametrize("members", [1, 2, 3])
def test_heads_of_their_own_for_each_member_of_a_batch(members):
    rng = np.random.default_rng(5)
    given = [stock.tokens(random_context(rng, 4, True), rng.normal(size=(4, 3)), 0.9) for _ in range(members)]
    batch, alphas = stock.batched(given), torch.linspace(0.1, 0.9, members, dtype=torch.float64)
    *_, got = stock.forward(stock.stock_heads(3, 0.9, alphas, batch.X), batch, 7)
    for i, (tokens, alpha) in enumerate(zip(given, alphas.tolist())):
        *_, right = stock.forward(stock.multihead_attention(3, 0.9, alpha), tokens, 7)
        assert away([got.values[i, : len(tokens.X)]], [right.values]) < CLOSE
    assert got.X.shape == batch.X.shape


@pytest.mark.parametrize("made", [stock.multihead_attention, stock.encoder_layer])
def test_a_module_may_have_the_batch_behind(made):
    """As many tokens as members: the axes look alike."""
    rng, x = np.random.default_rng(8), np.random.default_rng(9).normal(size=(4, 3))
    batch = stock.batched([stock.tokens(Context(rng.integers(0, 4, 6), rng.normal(size=5)), x, 0.9) for _ in range(6)])
    module, given = made(3, 0.9, 0.5), batch
    if made is stock.encoder_layer:
        given = stock.encoder_tokens(batch)
    *_, right = stock.forward(module, given, 5)
    attention = module if made is stock.multihead_attention else module.self_attn
    attention.batch_first = False
    *_, got = stock.forward(module, given, 5)
    assert given.X.shape[0] == given.X.shape[1] and away([got.values], [right.values]) < CLOSE


@pytest.mark.parametrize("heads, width", [(1, 9), (2, 10), (3, 9), (4, 12)])
def test_a_module_is_as_wide_as_its_heads_need(heads, width):
    """Nine rows are read, and three are asked by each head."""
    assert stock.load(heads * stock.float_heads(3, 0.9, 0.5)[:1]).embed_dim == width


def test_the_weights_entry_by_entry():
    """d = 2, E = 8, h = 4: √h = 2."""
    module = stock.multihead_attention(2, 0.9, 0.25, [[1.0, 2.0], [3.0, 4.0]])
    query, key, value = module.in_proj_weight.detach().view(3, 2, 4, 8).tolist()
    blank = [0.0] * 8
    assert query == [
        [[2, 4, 0, 0, 0, 0, 0, 0], [6, 8, 0, 0, 0, 0, 0, 0], blank, blank],
        [[0, 0, 2, 4, 0, 0, 0, 0], [0, 0, 6, 8, 0, 0, 0, 0], blank, blank],
    ]
    assert key == [[[1, 0, 0, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0, 0, 0], blank, blank]] * 2
    assert value == [[[0, 0, 0, 0, 0.25, 0.25, -0.25, 0], blank, blank, blank]] * 2
    out = module.out_proj.weight.detach()
    assert (out[6, 0], out[5, 4], out.count_nonzero(), module.in_proj_bias.count_nonzero()) == (1, 0.9, 2, 0)


# The encoder layer


NORMS = pytest.mark.parametrize("norm", ["layer", "rms"])


def encoded(bag, norm, **options):
    """The tokens of a bag and an encoder layer of α = ½, and the same without a norm."""
    plain = bag.tokens()
    dtype = options.get("dtype", torch.float64)
    constant = {name: options[name] for name in ("constant",) if name in options}
    tokens = stock.encoder_tokens(plain.at(plain.X.to(dtype)), norm, **constant)
    return (
        tokens,
        stock.encoder_layer(bag.d, bag.gamma, 0.5, bag.A, norm, **options),
        plain,
        stock.multihead_attention(bag.d, bag.gamma, 0.5, bag.A),
    )


@NORMS
@pytest.mark.parametrize("seed", range(6))
def test_one_encoder_layer_errs_by_no_more_than_is_said(norm, seed):
    bag = Bag(seed, 20, seed % 5, 6, 2, 1.0)
    for constant in (10.0, 100.0, 1e3, 1e5):
        tokens, block, plain, attention = encoded(bag, norm, constant=constant)
        *_, got = stock.forward(block, tokens, 1)
        *_, right = stock.forward(attention, plain, 1)
        bound = stock.norm_error(plain, 0.5, bag.A, norm, constant)
        assert torch.equal(bound, stock.norm_error(tokens, 0.5, bag.A, norm, constant))
        off = (got.values - right.values).abs().max()
        assert 1e-5 * bound < off <= bound + 1e-14
        assert (got.targets - right.targets).abs().max() <= bag.gamma * bound + 1e-14


@NORMS
def test_the_smallest_error_of_a_norm_is_known_and_nearly_the_bound(norm):
    """One state, n = 1, x = 0, r = 1: v_1 = αC/√(C² + 1 + (m+1)ε)."""
    C, eps, m = 50.0, 1e-3, {"layer": 8, "rms": 5}[norm]
    plain = stock.tokens(Context([0, 0], [1.0]), [[0.0]], 0.5)
    block = stock.encoder_layer(1, 0.5, 0.5, norm=norm, constant=C, eps=eps)
    *_, last = stock.forward(block, stock.encoder_tokens(plain, norm, C), 1)
    assert last.values.tolist() == pytest.approx([0.5 * C / math.sqrt(C * C + 1 + (m + 1) * eps)] * 2, abs=1e-15)
    bound = stock.norm_error(plain, 0.5, norm=norm, constant=C, eps=eps).item()
    assert 0.999 * bound < 0.5 - last.values[0].item() < bound


@NORMS
@pytest.mark.parametrize("seed", range(4))
def test_forty_encoder_layers_of_a_large_constant_err_by_rounding(norm, seed):
    bag = Bag(seed, 20, 1 + seed, 6, 2, 0.0)
    bag.A = np.eye(bag.d)
    for dtype, limit in ((torch.float64, CLOSE), (torch.float32, 1e-5)):
        tokens, block, plain, attention = encoded(bag, norm, dtype=dtype)
        right = [each.values for each in stock.forward(attention, plain, LAYERS)]
        assert max(each.abs().max() for each in right) < 100
        got = [each.values.double() for each in stock.forward(block, tokens, LAYERS)]
        assert away(got, right) < limit, "PyTorch's plain path"
        assert (block.self_attn.in_proj_bias is None) == (norm == "rms"), (
            "the fused path asks for biases, and not for an RMSNorm"
        )
        with torch.no_grad():
            got = [each.values.double() for each in stock.forward(block.eval(), stock.batched([tokens]), LAYERS)]
        assert away([each[0] for each in got], right) < limit, "and its fused path"


@NORMS
def test_the_error_of_a_norm_stays_with_depth(norm):
    """A hundredth of C is ten thousand times the error, after 40 layers too."""
    bag, off = Bag(3, 20, 2, 6, 0, 0.0), []
    for constant in (1e3, 1e5):
        tokens, block, plain, attention = encoded(bag, norm, constant=constant)
        *_, got = stock.forward(block, tokens, LAYERS)
        *_, right = stock.forward(attention, plain, LAYERS)
        off.append((got.values - right.values).abs().max().item())
    assert 0.9e4 < off[0] / off[1] < 1.1e4


@NORMS
def test_an_encoder_layer_knows_of_endings(norm):
    rng = np.random.default_rng(4)
    tokens, x = [], rng.normal(size=(5, 2)) / 2
    for endings in (True, False, True):
        tokens.append(stock.tokens(random_context(rng, 5, endings), x, 0.9))
    batch = stock.batched(tokens)
    right = [each.values for each in stock.forward(stock.multihead_attention(2, 0.9, 0.5), batch, 20)]
    block = stock.encoder_layer(2, 0.9, 0.5, norm=norm)
    assert away([each.values for each in stock.forward(block, stock.encoder_tokens(batch, norm), 20)], right) < CLOSE
    with torch.no_grad():
        along = stock.forward(block.eval(), stock.encoder_tokens(batch, norm), 20)
        assert away([each.values for each in along], right) < CLOSE


# The way back


@some
@given(st.integers(0, 2**32), st.integers(0, 5), st.floats(-1, 2), st.floats(0.01, 2))
def test_what_was_put_in_is_read_back(seed, d, gamma, alpha):
    A = np.random.default_rng(seed).normal(size=(d, d))
    found = stock.read(stock.multihead_attention(d, gamma, alpha, A, width=2 * d + 6), d)
    assert np.allclose(found.A, A, rtol=1e-12) and found.heads == (0, 1) and not found.key_weight.any()
    assert (found.alpha, found.gamma, found.gauge, found.bonus) == pytest.approx((alpha, gamma, 1, 0), rel=1e-12)
    assert max(found.deviations.values()) < 1e-12 and not found.failed(1e-12)


def disguised(rng, bag, c, w, bonus):
    """The construction in another gauge, with biases that are allowed, its heads exchanged and each in a basis of its own."""
    d, t, E = bag.d, 2 * bag.d + 1, 2 * bag.d + 4
    times = np.where(np.arange(2 * d + 3) == t, c, 1.0)
    heads = [
        head._replace(value=head.value / times, out=times[:, None] * head.out)
        for head in stock.float_heads(d, bag.gamma, 0.5, bag.A)
    ]
    module, h = stock.load(heads[::-1]), E // 2
    with torch.no_grad():
        query, key, value = module.in_proj_weight.view(3, 2, h, E)
        asked, idle, told = module.in_proj_bias.view(3, 2, h)
        asked[:, :d] = torch.tensor(w) * math.sqrt(h)
        idle += torch.tensor(rng.normal(size=(2, h)))
        module.out_proj.bias[2 * d + 2], module.out_proj.bias[t] = 0.5 * bonus, 0.5 * bonus * bag.gamma * c
        for i in range(2):
            turn, mix = (torch.tensor(rng.normal(size=(h, h)) + 3 * np.eye(h)) for _ in "12")
            query[i], asked[i], key[i] = turn @ query[i], turn @ asked[i], turn.inverse().mT @ key[i]
            value[i], told[i] = mix @ value[i], mix @ told[i]
            out = module.out_proj.weight.view(E, 2, h)
            out[:, i] = out[:, i] @ mix.inverse()
    return module


@pytest.mark.parametrize("c", [1.0, 2.5, -0.5])
def test_no_disguise_hides_the_pattern(c):
    rng, bag = np.random.default_rng(6), Bag(6, 15, 3, 5, 1, 0.0)
    w = rng.normal(size=3)
    module = disguised(rng, bag, c, w, 0.75)
    found = stock.read(module, 3)
    assert found.heads == (1, 0) and max(found.deviations.values()) < 1e-12
    assert np.allclose(found.A, bag.A) and np.allclose(found.key_weight, w)
    assert (found.alpha, found.gamma, found.gauge, found.bonus) == pytest.approx((0.5, bag.gamma, c, 0.75))
    assert str(found).count("\n") == 1 and f"gauge {c:.3g}" in str(found) and "most off the pattern: " in str(found)
    moves = [(a, b, r + found.bonus) for a, b, r, seen in zip(bag.a, bag.b, bag.r, bag.seen) if seen]
    score = lambda s, u: bag.x[u] @ found.A @ bag.x[s] + found.key_weight @ bag.x[u]
    right = bag_td(moves, dict(enumerate(bag.v)), score, found.gamma, [found.alpha] * 9)
    tokens = bag.tokens()
    along = stock.forward(module, stock.suited(tokens, found), 9)
    assert away([each.values for each in along], [[v[a] for a in bag.a] for v in right]) < CLOSE
    assert stock.reading_error(module, tokens, 9).max() < CLOSE


BROKEN = {
    "asked_by_the_first_state": {"second question", "one kernel"},
    "without_the_second": set(),
    "swapped": {"first question", "second question"},
    "second keys": {"second question", "one kernel"},
    "first keys": {"first question", "one kernel"},
    "A transposed": set(),
    "root forgotten": set(),
    "target enters with a minus": set(),
    "a step size of its own": set(),
    "values biased in one head": {"bonus"},
    "queries biased in one head": {"key weights"},
    "bias on the values alone": {"bonus"},
}
"""What each planted module breaks: some are softmax TD, but with another A, another γ, or in a gauge in which the tokens do not start."""


@pytest.mark.parametrize("wrong", BROKEN)
def test_the_condition_that_fails_is_named(wrong, planted_bag):
    found = stock.read(PLANTED[wrong](stock.float_heads(D, planted_bag.gamma, 0.5, planted_bag.A)), D)
    assert set(found.failed()) == BROKEN[wrong]
    assert str(found).count("not so: ") == len(BROKEN[wrong])


def test_a_trained_weight_off_the_pattern_is_measured():
    """Noise of 1% of a weight's size, on scores and on what is added: off by about that much, and near in α, γ and A."""
    rng, A = np.random.default_rng(0), np.diag([2.0, 1.0, 3.0])
    module = stock.multihead_attention(3, 0.9, 0.5, A)
    with torch.no_grad():
        for weight in (module.in_proj_weight, module.out_proj.weight):
            weight += 0.01 * torch.tensor(rng.normal(size=weight.shape))
    found = stock.read(module, 3)
    assert 0.01 < max(found.deviations.values()) < 0.5 and found.failed(0.001) and not found.failed(0.5)
    assert (found.alpha, found.gamma) == pytest.approx((0.5, 0.9), abs=0.05) and np.abs(found.A - A).max() < 0.2


def test_a_head_that_moves_v_is_found_beside_one_that_does_nothing():
    """One head that writes both rows, and an idle one."""
    first, second = stock.float_heads(2, 0.9, 0.5)
    both = first._replace(out=first.out + 10 * second.out), second._replace(out=0 * second.out)
    for order, heads in (((0, 1), both), ((1, 0), both[::-1])):
        found = stock.read(stock.load(heads), 2)
        assert found.heads == order and found.alpha == pytest.approx(0.5) and set(found.failed()) == {"value"}


def apart_with_v(module, context, x, v, gamma, reading=None):
    """How far the values are from TD's on a context, where v_0 is not 0; the tokens as they are, or suited to a reading."""
    tokens = stock.tokens(context, x, gamma, v)
    score = lambda s, u: td.inner(x[u], x[s])
    right = td.softmax_td(
        context.states.tolist(), context.rewards.tolist(), score, gamma, [0.5] * 30, v, endings=context.endings
    )
    given = tokens if reading is None else stock.suited(tokens, reading)
    along = [each.values[: context.n] for each in stock.forward(module, given, 30)]
    return away(along, [np.array([each[s] for s in context.before.tolist()]) for each in right])


@pytest.mark.parametrize("c, order", [(1.0, -1), (-2.0, 1), (0.5, -1)])
def test_tokens_are_suited_to_the_order_of_the_heads_and_to_the_gauge(c, order):
    """As they come, a module with its heads exchanged is wrong where a transition terminates, one of another gauge where v_0 is not 0."""
    x, v = np.random.default_rng(1).normal(size=(4, 3)), [1.0, -1.0, 2.0, 0.5]
    times = np.where(np.arange(9) == 7, c, 1.0)
    heads = [h._replace(value=h.value / times, out=times[:, None] * h.out) for h in stock.float_heads(3, 0.8, 0.5)]
    module = stock.load(heads[::order])
    context = Context.of_trajectories([([0, 1, 2, 3], [0.0, 0.0, 1.0], True), ([2, 1, 0], [0.0, 0.0], False)])
    found = stock.read(module, 3)
    assert not found.failed(1e-12) and apart_with_v(module, context, x, v, 0.8) > 1e-2
    assert apart_with_v(module, context, x, v, 0.8, found) < CLOSE
    batch = stock.batched([stock.tokens(each, x, 0.8, v) for each in (context, Context([0, 1], [1.0]), context)])
    assert stock.reading_error(module, batch, 30).max() < CLOSE


def noisy(size):
    """The construction, every weight moved a little."""
    module, rng = stock.multihead_attention(5, 0.9, 0.5, 2 * np.eye(5)), np.random.default_rng(2)
    with torch.no_grad():
        for weight in (module.in_proj_weight, module.out_proj.weight):
            weight += size * torch.tensor(rng.normal(size=weight.shape))
    return module


def paying_keys():
    """A sharp score, into which a reward enters with the weight 1: a fiftieth of A."""
    module = stock.multihead_attention(5, 0.9, 0.5, 50 * np.eye(5))
    with torch.no_grad():
        module.in_proj_weight.view(3, 2, 7, 14)[1, :, :5, 10] = 1 / 50
    return module


def paying_endings():
    """A bonus, which a module pays to what terminates, too."""
    return with_bias(with_bias(stock.multihead_attention(5, 0.9, 0.5), 2, 0, 0), 2, 1, 0)


@pytest.mark.parametrize("made, layers", [(partial(noisy, 1e-3), 60), (paying_keys, 60), (paying_endings, 60)])
def test_what_small_weights_off_the_pattern_do_is_measured_on_tokens(made, layers):
    """No condition fails, and the values are off by a tenth of the largest and more."""
    rng, module = np.random.default_rng(3), made()
    context = Context(rng.integers(0, 5, 41), rng.choice([-1.0, 1.0], 40), [(40, True)])
    tokens = stock.tokens(context, np.eye(5), 0.9)
    assert not stock.read(module, 5).failed()
    off = stock.reading_error(module, tokens, layers)
    assert off.shape == (layers + 1,) and off[0] == 0 and off.max() > 0.1
    exact = stock.multihead_attention(5, 0.9, 0.5, 2 * np.eye(5))
    assert stock.reading_error(exact, tokens, layers).max() < CLOSE


def test_where_no_value_is_read_there_is_no_discount():
    first, second = stock.float_heads(2, 0.9, 0.5)
    keep = np.arange(7) != 5
    found = stock.read(stock.load([head._replace(value=head.value * keep) for head in (first, second)]), 2)
    assert (found.gamma, found.gauge) == (0, math.inf) and not found.failed(1e-9)


def test_a_coordinate_that_nothing_writes_does_not_count():
    module = stock.multihead_attention(2, 0.9, 0.5, width=10)
    with torch.no_grad():
        module.in_proj_weight[:, 7:] += 1
    assert not stock.read(module, 2).failed(1e-12)
    with torch.no_grad():
        module.out_proj.bias[9] += 1
    assert set(stock.read(module, 2).failed()) == {"value", "target", "first question", "second question", "bonus"}


def test_the_examples_run():
    """That of the README goes on from the one before it; that of the package from a context."""
    readme = (ROOT / "README.md").read_text("utf-8")
    places = (("python", "## Use it"), ("py", "## In PyTorch's own attention"))
    after = lambda word, title: re.findall(rf"^```{word}\n(.*?)^```$", readme[readme.index(title) :], re.M | re.S)[0]
    first, second = (after(*place) for place in places)
    exec(first + second, {})
    [example] = re.findall(r"::\n\n((?:    .*\n|\n)+)", stock.__doc__)
    context = Context([0, 1, 0], [1.0, 2.0])
    exec(textwrap.dedent(example), {"context": context, "features": np.eye(2), "gamma": 0.5, "alpha": 0.5, "depth": 3})


# What is refused


ONE, EYE = Context([0, 1], [1.0]), np.eye(2)
MHA = torch.nn.MultiheadAttention
PLAIN = stock.tokens(ONE, EYE, 0.9)
ENDED = stock.tokens(Context([0, 1], [1.0], [(1, True)]), EYE, 0.9)
ROWS = np.zeros((2, 3)), np.zeros((2, 3)), np.zeros((1, 3)), np.zeros((1, 3)), np.zeros((1, 3))


HEADS = stock.stock_heads(2, 0.9, 0.5, PLAIN.X)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: stock.tokens([0, 1], EYE, 0.9), "context must be a Context, got list"),
        (lambda: stock.tokens(ONE, EYE, 1.0), "gamma must be below 1 where no trajectory terminated, got 1"),
        (lambda: stock.tokens(ONE, EYE, -0.1), r"gamma must be a number in \[0, 1\], got -0.1"),
        (
            lambda: stock.tokens(ONE, EYE[:1], 0.9),
            r"features must have a row for each of the states 0..1, got shape \(1, 2\)",
        ),
        (lambda: stock.tokens(ONE, EYE, 0.9, queries=[5]), "features must have a row for each of the states 0..5"),
        (lambda: stock.tokens(ONE, EYE, 0.9, queries=[-1]), "queries must"),
        (lambda: stock.tokens(ONE, EYE, 0.9, queries=[0.5]), "queries must"),
        (lambda: stock.tokens(ONE, EYE, 0.9, [1.0]), r"v must have shape \(2,\), got \(1,\)"),
        (lambda: stock.tokens(ONE, EYE * math.nan, 0.9), "features must be finite"),
        (lambda: stock.tokens(ONE, EYE, 0.9, width=6), "width must be an integer, 7 or more, got 6"),
        (lambda: stock.batched([]), r"several must be one or more tokens \(N, E\)"),
        (lambda: stock.batched([PLAIN, stock.tokens(ONE, EYE, 0.9, width=10)]), r"got \[\(2, 8\), \(2, 10\)\]"),
        (lambda: stock.batched([stock.batched([PLAIN])]), r"got \[\(1, 2, 8\)\]"),
        (
            lambda: stock.batched([PLAIN, stock.tokens(ONE, EYE, 0.9, dtype=torch.float32)]),
            "of one d, E, dtype and device",
        ),
        (
            lambda: stock.tokens(ONE, EYE, 0.9, dtype=torch.int64),
            "dtype must be a floating-point type, got torch.int64",
        ),
        (lambda: stock.multihead_attention(2, 0.9, 0.5, dtype=torch.int64), "dtype must be a floating-point type"),
        (lambda: stock.Tokens(PLAIN.X, None, None, 2), "key_padding_mask must be Boolean of shape .*, got None"),
        (
            lambda: stock.one_layer(PLAIN, stock.stock_heads(1, 0.9, 0.5, PLAIN.X)),
            "heads must be of one k, R and m, 7 <= R <= 8 for the tokens",
        ),
        (lambda: stock.one_layer(PLAIN, stock.stock_heads(3, 0.9, 0.5, PLAIN.X)), "7 <= R <= 8 for the tokens"),
        (lambda: stock.one_layer(PLAIN, stock.stock_heads(2, 0.9, 0.5, PLAIN.X.float())), "type torch.float64, got"),
        (lambda: stock.one_layer(PLAIN, stock.float_heads(2, 0.9, 0.5)), "heads must be tensors of the tokens' type"),
        (
            lambda: stock.one_layer(PLAIN, stock.stock_heads(2, 0.9, torch.ones(3).double(), PLAIN.X)),
            r"heads must have the tokens' batch \(\), or none",
        ),
        (lambda: stock.one_layer(PLAIN, []), "heads must be of one k, R and m"),
        (lambda: stock.one_layer(ENDED, HEADS[:1]), "module must have 2 heads where transitions terminated, got 1"),
        (lambda: [*stock.forward(HEADS, PLAIN)], "depth must be given with one layer"),
        (lambda: stock.multihead_attention(-1, 0.9, 0.5), "d must be an integer, 0 or more, got -1"),
        (lambda: stock.multihead_attention(2, math.nan, 0.5), "gamma must be a number in .*, got nan"),
        (lambda: stock.multihead_attention(2, 0.9, [0.5]), r"alpha must be a number in .*, got \[0.5\]"),
        (lambda: stock.multihead_attention(2, 0.9, 0.5, np.eye(3)), r"A must have shape \(2, 2\), got \(3, 3\)"),
        (lambda: stock.multihead_attention(2, 0.9, 0.5, width=9), "width must be a multiple of 2 heads.*, got 9"),
        (lambda: stock.multihead_attention(2, 0.9, 0.5, width=6), "width must be an integer, 7 or more, got 6"),
        (lambda: stock.load([]), "heads must be one or more, of projections without batch axes, got shapes"),
        (
            lambda: stock.load(stock.stock_heads(2, 0.9, np.array([0.5, 1]), EYE)),
            r"without batch axes, got shapes .*\(2, 1, 7\)",
        ),
        (lambda: stock.load(4 * stock.float_heads(3, 0.9, 0.5)[:1], 8), "width must be an integer, 9 or more, got 8"),
        (
            lambda: stock.load(5 * stock.float_heads(3, 0.9, 0.5)[:1], 10),
            "5 heads, with 3 rows or more for each, got 10",
        ),
        (
            lambda: stock.forward(stock.multihead_attention(2, 0.9, 0.5), PLAIN),
            "depth must be given with one layer, got none",
        ),
        (
            lambda: stock.forward(stock.multihead_attention(2, 0.9, 0.5), PLAIN, -1),
            "depth must be an integer, 0 or more",
        ),
        (lambda: list(stock.forward(MHA(10, 2), PLAIN, 1)), "module must be of the tokens' width 8, got 10"),
        (
            lambda: list(stock.forward(MHA(8, 2), PLAIN, 1)),
            "module must be of the tokens' type torch.float64, got torch.float32",
        ),
        (lambda: stock.one_layer(ENDED, MHA(8, 4, dtype=torch.float64)), "module must have 2 heads where .*, got 4"),
        (lambda: stock.one_layer(PLAIN, stock.encoder_layer(2, 0.9, 0.5)), "width 8, got 18"),
        (lambda: stock.one_layer(PLAIN, torch.nn.Linear(8, 8)), "module must be .*, got Linear"),
        (lambda: stock.one_layer(PLAIN, "abc"), "module must be .*, got str"),
        (lambda: stock.Tokens(torch.zeros(3, 6), torch.zeros(3) > 0, None, 2), r"E >= 2d\+3 = 7, got \(3, 6\)"),
        (
            lambda: replace(PLAIN, key_padding_mask=torch.zeros(3) > 0),
            r"key_padding_mask must be Boolean of shape \(2,\)",
        ),
        (lambda: replace(PLAIN, key_padding_mask=torch.zeros(2)), r"got torch.float32 of shape \(2,\)"),
        (lambda: replace(PLAIN, attn_mask=torch.zeros(2, 2) > 0), r"attn_mask must be Boolean of shape \(2, 2, 2\)"),
        (
            lambda: stock.forward(MHA(8, 2), replace(PLAIN, key_padding_mask=torch.ones(2) > 0), 1),
            "tokens must let every token see",
        ),
        (lambda: stock.encoder_layer(2, 0.9, 0.5, norm="batch"), "norm must be one of layer, rms, got 'batch'"),
        (
            lambda: stock.encoder_layer(2, 0.9, 0.5, dim_feedforward=0),
            "dim_feedforward must be an integer, 1 or more, got 0",
        ),
        (lambda: stock.encoder_layer(2, 0.9, 0.5, constant=0), "constant must be a number in .*, got 0"),
        (lambda: stock.encoder_layer(2, 0.9, 0.5, eps=0), "eps must be a number in .*, got 0"),
        (lambda: stock.encoder_layer(2, 0.9, math.inf), "alpha must be a number in .*, got inf"),
        (lambda: stock.encoder_tokens(PLAIN, "rms", -1), "constant must be"),
        (lambda: stock.norm_error(PLAIN, 0.5, np.eye(3)), r"A must have shape \(2, 2\), got \(3, 3\)"),
        (lambda: stock.read(torch.nn.Linear(8, 8), 2), "module must be a torch.nn.MultiheadAttention, got Linear"),
        (lambda: stock.read(MHA(8, 4), 2), "module must have 2 heads, got 4"),
        (lambda: stock.read(MHA(6, 2), 2), r"module must be over 2d\+3 = 7 coordinates or more, got embed_dim 6"),
        (lambda: stock.read(MHA(8, 2, kdim=4), 2), "module must read keys and values of its own width"),
        (lambda: stock.read(MHA(8, 2, add_bias_kv=True), 2), "and add none"),
        (
            lambda: stock.read(stock.multihead_attention(2, 0.9, 0), 2),
            "module must have a head that adds a multiple of r - v to v",
        ),
        (
            lambda: stock.read(stock.multihead_attention(2, 0.9, 0.5), 2).failed(-1),
            "tolerance must be a number in .*, got -1",
        ),
        (
            lambda: token_matrix(*ROWS[:4], np.zeros((2, 3))),
            r"value must have shape \(…, 1, 3\) as before \(2, 3\), got \(2, 3\)",
        ),
        (
            lambda: token_matrix(*(row[:, :0] for row in ROWS)),
            r"before must have shape \(…, d, N\) with N >= 1, got \(2, 0\)",
        ),
        (lambda: token_matrix(np.zeros(3), *ROWS[1:]), r"before must have shape \(…, d, N\) with N >= 1, got \(3,\)"),
        (lambda: token_matrix(*ROWS[:4], torch.zeros(1, 3)), "must be matrices of one kind"),
        (lambda: token_matrix(*ROWS[:4], ROWS[4] * math.nan), "value must be finite"),
        (lambda: stock.stock_heads(2, 0.9, 0.5, EYE, np.eye(3)), "A must be d×d with d = 2"),
        (lambda: stock.stock_heads(2, 0.9, [0.5], EYE), "alpha must be a number or an array"),
        (lambda: stock.parameters(2, np.ones((2, 1)) > 0, math.nan, 0.5, EYE), "gamma must be finite"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_weight_that_is_not_finite_is_refused():
    module = stock.multihead_attention(2, 0.9, 0.5)
    with torch.no_grad():
        module.out_proj.bias[0] = math.nan
    with pytest.raises(ValueError, match="out_proj.bias must be finite, got NaN or infinity"):
        stock.read(module, 2)


def test_an_unknown_name_is_none_of_the_library():
    with pytest.raises(AttributeError, match="'icrl.stock' has no attribute 'tokenz'"):
        stock.tokenz
    assert all(hasattr(stock, name) for name in stock.__all__)
