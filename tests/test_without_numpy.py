"""What must run where NumPy, torch and gymnasium cannot be imported: each part in a Python of its own."""

import json

import numpy as np
import pytest

from gates.absent import ABSENT, run
from icrl.exercises import EXERCISES
from icrl.mrp import Context, empirical_model
from icrl.operator import layer_operator
from icrl.tasks import boyan_chain, one_hot, ring


@pytest.mark.parametrize(
    "module", ["algebra", "transformer", "prompt", "state_form", "siblings", "linear_attention", "stock"]
)
def test_the_construction_is_imported_without_sympy_torch_and_gymnasium(module):
    code = (
        f"import sys, icrl.{module}; print([name for name in ('sympy', 'torch', 'gymnasium') if name in sys.modules])"
    )
    assert run(code, refused=()) == "[]\n"


def test_the_refused_packages_cannot_be_imported():
    code = """
for name in ("numpy", "torch"):
    try:
        __import__(name)
    except ModuleNotFoundError as error:
        print(error.name)
"""
    assert run(code) == "numpy\ntorch\n"


def test_what_needs_numpy_says_so():
    code = """
from icrl.arrays import np
from icrl.mrp import Context, MarkovRewardProcess
for needy in (lambda: np.random.default_rng(0), lambda: MarkovRewardProcess([[1]], [1], 0.5).sample_context(3, None)):
    try:
        needy()
    except ModuleNotFoundError as error:
        print(error.name)
"""
    assert run(code) == "numpy\nnumpy\n"


LAYERS = """
from fractions import Fraction as F
from icrl import td
from icrl.arrays import np
from icrl.prompt import prompt, rows
from icrl.transformer import softmax_td_parameters, transformer

states, rewards, gamma, alpha = [0, 1, 0, 2, 1], [F(1), F(-2), F(1, 3), F(2)], F(9, 10), F(1, 2)
x = [[F(1), F(0)], [F(1, 2), F(-1)], [F(-1), F(3)]]
A = [[F(1), F(1, 4)], [F(-1), F(2)]]
v = {0: F(3), 1: F(-1), 2: F(1, 5)}
exp = lambda t: 1 + t * t
"""


def test_layers_in_fractions_are_the_loop_over_transitions():
    code = (
        LAYERS
        + """
from functools import partial
from icrl.algebra import softmax
features = np.array([x[s] for s in states], object).T
Z = prompt(features, np.array([rewards], object), np.array([[v[s] for s in states]], object), gamma)
p = softmax_td_parameters(2, 4, gamma, alpha, Z, np.array(A, object), partial(softmax, exp=exp))
score = lambda s, u: sum(x[u][i] * A[i][j] * x[s][j] for i in range(2) for j in range(2))
loop = td.softmax_td(states, rewards, score, gamma, [alpha] * 3, v, exp)
for Y, right in zip(transformer(Z, [p] * 3), loop, strict=True):
    row = rows(Y).value.tolist()[0]
    print(row == [right[s] for s in states] and {type(entry) for entry in row} == {F})
"""
    )
    assert run(code) == "True\n" * 4


def test_two_heads_off_the_shelf_in_fractions_are_the_loop_over_transitions():
    code = (
        LAYERS
        + """
from functools import partial
from icrl import stock
from icrl.algebra import softmax, sources_visible
features = np.array([x[s] for s in states], object).T
Z = prompt(features, np.array([rewards], object), np.array([[v[s] for s in states]], object), gamma)
Z = stock.with_next_features(Z, 4)
p = stock.parameters(2, sources_visible(4, Z), gamma, alpha, Z, np.array(A, object), partial(softmax, exp=exp))
score = lambda s, u: sum(x[u][i] * A[i][j] * x[s][j] for i in range(2) for j in range(2))
loop = td.softmax_td(states, rewards, score, gamma, [alpha] * 3, v, exp)
for Y, right in zip(transformer(Z, [p] * 3), loop, strict=True):
    band = stock.token_rows(Y)
    row, target = band.value.tolist()[0], band.target.tolist()[0]
    print(row == [right[s] for s in states] and target[:-1] == [gamma * right[s] for s in states[1:]])
"""
    )
    assert run(code) == "True\n" * 4


def test_the_tokens_of_a_context_entry_by_entry():
    """0 → 1 → an ending, and a query for state 0; the sink is last, and head 1 of the ending sees it alone."""
    code = """
from icrl import stock
from icrl.mrp import Context
Z, masks = stock.context_tokens(Context([0, 1, 2], [5, 6], [(2, True)]), [[1], [2], [3]], 1, [7, 8, 9], queries=[0])
for row in Z.tolist():
    print(*map(int, row))
for mask in masks:
    print(*("".join(map(str, map(int, row))) for row in mask.tolist()))
"""
    assert run(code).splitlines() == [
        *("1 2 1 0", "2 0 0 0", "5 6 0 0", "8 0 0 0", "7 8 7 0"),
        *("1110 1110 0000 0001", "1010 1010 0000 0101"),
    ]


def test_a_layer_of_block_matrices_writes_the_update():
    code = """
from sympy import BlockMatrix, MatrixSymbol, Symbol, block_collapse
from icrl.algebra import Weights
from icrl.prompt import prompt, rows
from icrl.transformer import layer, softmax_td_parameters
n, d, gamma, alpha = Symbol("n", integer=True, positive=True), Symbol("d", integer=True), *map(Symbol, ("gamma", "alpha"))
block = lambda name, r: BlockMatrix([[MatrixSymbol(name, r, n), MatrixSymbol(name + "n", r, 1)]])
Z = prompt(block("X", d), MatrixSymbol("R", 1, n), block("v", 1), gamma)
Y = layer(Z, softmax_td_parameters(d, n, gamma, alpha, Z))
K = block_collapse(rows(Y).value).blocks[0, 0].atoms(Weights)
print(block_collapse(rows(Y).value).blocks[0, 0], {w.name for w in K})
"""
    said = run(code, refused=("numpy", "torch", "gymnasium"))
    assert "alpha*R" in said and "gamma" in said and "{'K'}" in said


def test_contexts_processes_and_operators_have_the_values_that_numpy_gives():
    code = """
import json
from icrl.mrp import Context, MarkovRewardProcess, empirical_model
from icrl.operator import layer_operator
from icrl.tasks import boyan_chain, one_hot, ring

context = Context([0, 2, 1, 0, 1, 2, 0], [1.0, -2.0, 0.5, 3.0, 0.0, 1.5])
model, operator = empirical_model(context), layer_operator(context, one_hot(3, 2.0), 0.9)
chain = boyan_chain(7)
print(json.dumps([
    context.visited.tolist(), context.sources.tolist(), context.covered, model.counts.tolist(), model.transition.tolist(),
    model.value(0.9).tolist(), chain.value().tolist(), chain.is_ergodic(), chain.stationary_distribution().tolist(),
    ring(5).value().tolist(), operator.G(0.5).tolist(), operator.norm(0.5), operator.certainty_equivalence().tolist(),
    operator.update([1.0, 2.0, 3.0], 0.5).tolist(), [part.tolist() for part in operator.power(0.5, 10)],
    operator.spectral_radius(0.5), operator.limit(0.5).tolist(), operator.margin,
]))
"""
    context = Context([0, 2, 1, 0, 1, 2, 0], [1.0, -2.0, 0.5, 3.0, 0.0, 1.5])
    model, operator = empirical_model(context), layer_operator(context, one_hot(3, 2.0), 0.9)
    chain = boyan_chain(7)
    T, c = operator.power(0.5, 10)
    right = [
        *(context.visited, context.sources, context.covered, model.counts, model.transition, model.value(0.9)),
        *(chain.value(), chain.is_ergodic(), chain.stationary_distribution(), ring(5).value(), operator.G(0.5)),
        *(operator.norm(0.5), operator.certainty_equivalence(), operator.update([1.0, 2.0, 3.0], 0.5), (T, c)),
        *(operator.spectral_radius(0.5), operator.limit(0.5), operator.margin),
    ]
    got = json.loads(run(code))
    assert len(got) == len(right)
    for one, other in zip(got, right):
        for a, b in zip(one, other) if isinstance(other, tuple) else [(one, other)]:
            assert np.shape(a) == np.shape(b)
            np.testing.assert_allclose(np.asarray(a, float), np.asarray(b, float), rtol=1e-12, atol=1e-12)


def test_an_operator_in_fractions_is_that_of_numpy():
    code = """
from fractions import Fraction as F
from icrl.operator import operator_from_kernel
E = [[F(2), F(1), F(1)], [F(1), F(3), F(1)], [F(1), F(1, 2), F(4)]]
op = operator_from_kernel([0, 2, 1, 0, 1, 2, 0], [F(1), F(-2), F(1, 2), F(3), F(0), F(3, 2)], E, F(9, 10))
T, c = op.power(F(1, 2), 5)
print(op.G(F(1, 3)).tolist(), op.certainty_equivalence().tolist(), op.norm(F(1, 2)), op.margin, T.tolist(), c.tolist())
"""
    said = run(code)
    assert said.count("Fraction") == 9 + 3 + 9 + 3 and "." not in said
    assert said == run(code, refused=("torch",))


def test_bad_input_is_named_as_with_numpy():
    code = """
from icrl.mrp import Context, MarkovRewardProcess
from icrl.algebra import kind
from icrl.arrays import np
for call in (
    lambda: Context([0], []), lambda: Context([0, 1.5], [1]), lambda: Context([0, -1], [1]), lambda: Context([0, 1], [float("inf")]),
    lambda: MarkovRewardProcess([[0.5, 0.4], [0, 1]], [0, 1], 0.9), lambda: MarkovRewardProcess([[1.5, -0.5], [0, 1]], [0, 1], 0.9),
    lambda: MarkovRewardProcess([[1, 0]], [0], 0.9), lambda: Context([0, 1], [1, 2]), lambda: kind(np.eye(2, dtype=int)),
    lambda: Context([0, 1], ["no"]), lambda: Context([0, 1], [1]).states.__setitem__(0, 1),
):
    try:
        call()
    except ValueError as error:
        print(str(error).partition(" real numbers: ")[0])
"""
    said = run(code)
    assert said.count("\n") == 11
    assert said == run(code, refused=("torch",))


# Claims and exercises. What exact and symbolic checks find there is compared in claims/test_ledger.py.


def test_a_numeric_check_names_the_package_that_it_needs():
    code = """
from icrl.claims import CLAIMS
from icrl.verify.model import Budget
for claim in CLAIMS.values():
    for check in claim.checks:
        if check.kind == "numeric":
            try:
                check.run(claim.subject, Budget())
                print(claim.id, "ran")
            except ModuleNotFoundError as error:
                print(claim.id, error.name)
"""
    said = dict(line.split() for line in run(code, ABSENT).splitlines())
    others = {"softmax-td": "torch", "episodes": "torch", "emergence": "torch", "global-minimum": "gymnasium"}
    assert len(said) >= 37 and {id: name for id, name in said.items() if name != "numpy"} == others


def test_a_symbolic_check_loads_neither_torch_nor_gymnasium_where_they_are_there():
    code = """
import sys
from icrl.claims import CLAIMS
from icrl.verify.run import run_claim
print(run_claim(CLAIMS["softmax-td"], kind="symbolic", mutants=False).status)
print([name for name in ("torch", "gymnasium", "scipy", "matplotlib") if name in sys.modules])
"""
    assert run(code, refused=()) == "partial\n[]\n"


def test_judges_take_the_solutions_and_refute_the_wrong_answers_in_the_same_words():
    code = """
from icrl.exercises import EXERCISES, check
for id, exercise in EXERCISES.items():
    for answer in (exercise.solution, *exercise.wrong):
        print(check(id, answer))
"""
    said = run(code, ABSENT)
    assert said.count(": right.\n") == len(EXERCISES) >= 51 and said.count(": not yet. ") >= 2 * len(EXERCISES)
    assert said == run(code, ())
