"""Tabular TD, linear TD and linear TD in kernel space: hand-worked numbers, hypotheses that are needed, planted errors."""

import math
from dataclasses import replace
from fractions import Fraction as F
from itertools import islice, repeat

import numpy as np
import pytest
from sympy import Rational, limit, oo, symbols

from conftest import check_of
from icrl import td
from icrl.claims.family import kernel_td, tabular
from icrl.claims.foundations import linear
from icrl.dial import DIGITS, dial, heights, shades
from icrl.exercises.kernels_and_sharpness import EXERCISES
from icrl.verify.instances import cases, contexts
from icrl.verify.instances.cases import smallest
from icrl.verify.model import WITHOUT_MUTANTS, Budget
from icrl.verify.routes import grouping
from icrl.verify.routes.edits import Machine
from icrl.verify.run import judge

FEW = Budget(trials=40)
CLAIMS = {module.CLAIM.id: module.CLAIM for module in (tabular, linear, kernel_td)}
PAIRS = [
    (id, check.kind) for id, claim in CLAIMS.items() for check in claim.checks if check.kind not in WITHOUT_MUTANTS
]
NAN = {
    "tabular": tabular.Tabular(weight=lambda own, n_s, n, power: float("nan")),
    "linear": linear.LinearTD(
        Machine(softmax=linear.scores_alone, edit=lambda p, site: p.with_head(V=p.head.V * float("nan")))
    ),
    "kernel-td": kernel_td.KernelTD(features=lambda phi, Z: float("nan") * phi),
}


def test_every_kind_that_can_serve_is_there():
    assert {id: [check.kind for check in claim.checks] for id, claim in CLAIMS.items()} == {
        "tabular": ["kernel", "symbolic", "exact", "certified", "numeric"],
        "linear": ["kernel", "symbolic", "exact", "numeric"],
        "kernel-td": ["kernel", "symbolic", "exact", "certified", "numeric"],
    }


# What is planted in the library, the Transformer or the loops is found


PLANTED = [("tabular", "tabular_td"), ("linear", "linear_td"), ("kernel-td", "linear_td")]


@pytest.mark.parametrize("id, name, kind", [(*each, kind) for each in PLANTED for kind in ("exact", "numeric")])
def test_an_error_planted_in_a_loop_is_found(id, name, kind, monkeypatch):
    right = getattr(td, name)

    def off(values, layer):
        return {s: v + layer for s, v in values.items()} if isinstance(values, dict) else [w + layer for w in values]

    monkeypatch.setattr(td, name, lambda *given: (off(values, layer) for layer, values in enumerate(right(*given))))
    verdict = judge(check_of(id, kind), CLAIMS[id].subject, FEW)
    assert verdict.passed is False and verdict.counterexample, verdict


@pytest.mark.parametrize("id", ["tabular", "kernel-td"])
@pytest.mark.parametrize("kind", ["exact", "certified", "numeric"])
def test_an_error_planted_in_the_transformer_is_found(id, kind, monkeypatch):
    right = grouping.values
    monkeypatch.setattr(
        grouping, "values", lambda case, *machine: [v + layer for layer, v in enumerate(right(case, *machine))]
    )
    verdict = judge(check_of(id, kind), CLAIMS[id].subject, FEW)
    assert verdict.passed is False and verdict.counterexample, verdict


@pytest.mark.parametrize("kind", ["exact", "certified", "numeric"])
def test_an_error_planted_in_the_operator_is_found(kind, monkeypatch):
    right = grouping.operator_of
    monkeypatch.setattr(grouping, "operator_of", lambda case: replace(right(case), M=right(case).M.T))
    assert judge(check_of("kernel-td", kind), kernel_td.KernelTD(), FEW).counterexample


# The statements, and their hypotheses, by hand


def test_a_value_is_that_of_own_and_other_errors_where_the_state_was_left_and_of_all_where_not():
    case = smallest((0, 0, 1), r=(1, 0), v=(0, 1))
    asserted = {
        part.where[-2]: part.asserted for part in tabular.parts(tabular.Tabular(), case) if "v_1(" in part.where
    }
    assert asserted == {"0": "means", "1": "unleft"}


def test_one_transition_bootstraps_from_a_state_that_nobody_left():
    """a → b with r = 1, γ = 9/10, α = 1: both values obey v ← 1 + (9/10) v and end at 10; batch tabular TD says 1 and 0."""
    one_hot = lambda s, u: F(9) * (s == u)
    given = ([0, 1], [F(1)])
    v = list(islice(td.softmax_td(*given, one_hot, F(9, 10), repeat(F(1)), exp=lambda t: 1 + t * t), 300))
    assert [v[2][0], v[2][1]] == [F(19, 10), F(19, 10)] and float(v[-1][0]) == pytest.approx(10)
    *_, tabular_end = islice(td.tabular_td(*given, F(9, 10), repeat(F(1))), 300)
    assert tabular_end == {0: 1, 1: 0}


def test_a_table_that_is_no_matrix_of_inner_products_has_no_features():
    """E = ((1, 2), (2, 1)): for features ⟨φ(0), φ(1)⟩² ≤ ⟨φ(0), φ(0)⟩⟨φ(1), φ(1)⟩, but 4 > 1."""
    indefinite = np.array([[1.0, 2.0], [2.0, 1.0]])
    sizes, vectors = np.linalg.eigh(indefinite)
    phi = vectors * np.sqrt(np.maximum(sizes, 0))
    assert sizes[0] == pytest.approx(-1) and not np.allclose(phi @ phi.T, indefinite)


def test_with_exponentials_the_step_alpha_z_is_not_plain_linear_td():
    """T = (0, 1), x = (1, 2), r = 1, v_0 = 0: αZ(s)K(0|s) is αe and αe², and linear TD adds α and 2α."""
    e, scores = math.e, [1, 2]
    added = [e**g for g in scores]
    _, w = islice(td.linear_td([0, 1], [1.0], [[1.0], [2.0]], 0.5, [1.0]), 2)
    assert added == pytest.approx([e, e * e]) and [w[0], 2 * w[0]] == [1, 2]


def test_of_two_features_that_differ_by_length_the_constant_step_misses_one():
    """x = 1, 2, T = (0, 1), r = 1: softmax TD adds α to both values, linear TD α and 2α."""
    case = smallest((0, 1), r=(1,), v=(0, 0), x=((1,), (2,)))
    assert grouping.values(case)[1].tolist() == [F(1, 2), F(1, 2)]
    _, w = islice(td.linear_td(case.states, case.rewards, case.features, case.gamma, case.alphas), 2)
    assert [case.features[s][0] * w[0] for s in (0, 1)] == [F(1, 2), F(1)]


def test_one_constant_step_would_have_to_be_two():
    """STEP with E = ⟨x, x⟩ and v_0 = 0: a layer adds cδ to both values, linear TD αδ and 2αδ. With Z the same, at one state, c = αZ does."""
    _, w = islice(td.linear_td([0, 1], [F(1)], [[F(1)], [F(2)]], F(1, 2), [F(1, 2)]), 2)
    assert {F(x) * w[0] for x in (1, 2)} == {F(1, 2), F(1)}  # the two values of c
    _, w = islice(td.linear_td([0, 0], [F(1)], [[F(1)]], F(1, 2), [F(1, 2)]), 2)
    assert w[0] == F(1, 2)


def test_the_measure_that_is_kept_may_have_either_sign_and_others_are_kept_too():
    """φ = (1, −1), n_s = (1, 2): Z = (−1, 1), ν = (−1, 2). And M̂ = I keeps whatever it is given."""
    phi, counts = np.array([[F(1)], [F(-1)]]), np.array([F(1), F(2)])
    Z = kernel_td.normaliser(phi @ phi.T, np.diag(counts))
    C = np.array([[F(1), F(0)], [F(0), F(1)], [F(0), F(1)]])
    nu, M = kernel_td.KernelTD().measure(C, Z).diagonal(), kernel_td.inverse(Z) @ phi @ phi.T @ C.T @ C
    assert nu.tolist() == [-1, 2] and (nu @ M).tolist() == [-1, 2]
    own = grouping.operator_of(replace(contexts.two_states(), exp=lambda t: t)).M
    assert own.tolist() == [[1, 0], [0, 1]]


def test_no_constant_below_e_minus_2_does():
    n = symbols("n", positive=True)
    assert limit(kernel_td.left_over(n, Rational(1, 2)), n, oo).evalf() == pytest.approx(math.e - 2)
    assert kernel_td.left_over(15, 0.5).evalf() == pytest.approx(0.5055670, abs=1e-6)
    assert kernel_td.left_over(14, 0.5) < 0.5 < kernel_td.left_over(15, 0.5)


# The contexts test what they say


def test_the_contexts_of_tabular_end_where_they_have_been_and_elsewhere():
    cases = list(tabular.rational_cases())
    known = [case.states[-1] in case.states[:-1] for case in cases]
    assert min(sum(known), len(known) - sum(known)) >= 20
    assert {case.features[0][0] ** 2 for case in cases} == {0, F(1, 4), 1, 9} and {
        case.gamma > 0 for case in cases
    } == {True, False}
    drawn = list(islice(tabular.float_cases(0), 100))
    assert sum(case.states[-1] not in case.states[:-1] for case in drawn) >= 10
    assert min(case.features[0][0] for case in drawn) < 0.2 and max(case.features[0][0] for case in drawn) > 5


def test_the_contexts_of_linear_td_stay_in_range_and_move():
    drawn = list(islice(linear.float_cases(0), 100))
    assert (
        max(linear.reach(case) for case in drawn) < 1.01 and min(linear.reach(case) for case in drawn if case.d) > 1e-4
    )
    assert max(case.n for case in drawn) > 40 and max(case.depth for case in drawn) == 16


def test_features_are_small_in_half_of_the_contexts():
    drawn = list(islice(kernel_td.float_cases(0), 100))
    taus = [2 * max(td.inner(x, x) for x in case.features) for case in drawn]
    assert sum(tau <= 1 for tau in taus) >= 50 and max(taus) > 3 and sum(0.5 < tau <= 1 for tau in taus) >= 10
    apart = [case for case in contexts.rational_cases() if kernel_td.apart(case)]
    assert len(apart) >= 15


def test_a_feature_map_has_the_kernel_for_inner_products():
    case = kernel_td.BENT
    phi = kernel_td.feature_map(case)
    assert phi.tolist() == [[1, 1], [1, 4]] and (phi @ phi.T).tolist() == kernel_td.gram(case).tolist() == [
        [2, 5],
        [5, 17],
    ]
    floats = next(iter(cases.as_floats([case])))
    phi = kernel_td.feature_map(floats)
    assert np.allclose(phi @ phi.T, np.exp([[1, 2], [2, 4]]))


# The dial


def level(text):
    """A number written with the digits of the dial."""
    return sum(DIGITS.index(digit) * 64**place for place, digit in enumerate(reversed(text)))


def test_the_dial_keeps_weights_and_values_to_its_resolution():
    rng = np.random.default_rng(0)
    w, v = rng.uniform(0, 1, (3, 4)), rng.uniform(-2, 5, 7)
    got = np.array([level(digit) for digit in shades(w)]) / 63
    assert np.abs(got - np.sqrt(w.ravel())).max() <= 0.5 / 63
    text = heights(v, -2.0, 5.0)
    back = [-2 + 7 * level(text[2 * i : 2 * i + 2]) / 4095 for i in range(7)]
    assert np.abs(back - v).max() <= 0.5 * 7 / 4095
    assert heights(np.array([0.0, 1.0]), 0.0, 1.0) == "AA//" and shades(np.array([0.0, 1.0])) == "A/"


def test_the_dial_is_one_small_element_that_asks_for_nothing():
    M, V = np.full((9, 13, 13), 1 / 13), np.arange(9 * 5 * 13.0).reshape(9, 5, 13)
    text = dial(range(1, 10), range(5), M, V, np.zeros(13))
    assert len(text) < 6000 and text.count("\n") < 40 and text.startswith("<div") and text.endswith("</div>")
    assert [word for word in ("src=", "href", "fetch", "import", "url(") if word in text] == []
    assert 'max="8"' in text and 'max="4"' in text and "b=[1,2,3,4,5,6,7,8,9],l=[0,1,2,3,4]" in text


@pytest.mark.parametrize(
    "change, message",
    [
        ({"weights": np.full((1, 2, 2), 2.0)}, "weights must lie in"),
        ({"weights": np.eye(2)}, "weights must"),
        ({"values": np.full((1, 1, 2), np.nan)}, "values must"),
        ({"values": np.zeros((1, 1, 2)), "limit": np.zeros(2)}, "values must not all be equal"),
    ],
)
def test_the_dial_refuses_what_it_cannot_show(change, message):
    given = {"weights": np.eye(2)[None], "values": np.ones((1, 1, 2)), "limit": np.zeros(2)} | change
    with pytest.raises(ValueError, match=message):
        dial([1], [1], **given)


# The exercises


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)
def test_the_exercises_judge(exercise):
    assert exercise.judge(exercise.solution) is None and len(exercise.wrong) >= 2
    assert all(exercise.judge(answer) for answer in exercise.wrong)


def test_sharp_enough_by_hand():
    """T = (0, 1, 0), γ = ½: M̂(s, s) = e^β / (e^β + 1) > ¾ from e^β = 3 on."""
    solution = EXERCISES[0].solution
    assert solution([0, 1, 0], 0.5) == pytest.approx(math.log(3))
