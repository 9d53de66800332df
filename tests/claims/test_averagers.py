"""The claims about kernel averagers and about steps that differ by layer: hand-worked numbers, planted errors, contexts that test what they say."""

from dataclasses import replace
from fractions import Fraction as F
from itertools import islice, permutations

import numpy as np
import pytest
from flint import arb, ctx

from conftest import check_of
from icrl.claims.convergence import averagers, layer_steps
from icrl.operator import Operator, operator_from_kernel
from icrl.verify.instances import contexts
from icrl.verify.instances.cases import ball_case, smallest
from icrl.verify.judging.differences import BITS
from icrl.verify.judging.parts import AT_LEAST, AT_MOST
from icrl.verify.model import Budget
from icrl.verify.routes import exact_algebra, grouping
from icrl.verify.routes.fixed_points import fixed_point_system
from icrl.verify.run import judge

FEW = Budget(trials=60)
CLAIMS = {module.CLAIM.id: module.CLAIM for module in (averagers, layer_steps)}
KINDS = ("symbolic", "exact", "certified", "numeric")
NAN = {
    "averagers": averagers.Averager(layer=lambda K, given, gamma, alpha, v: float("nan") * v),
    "layer-steps": layer_steps.Steps(
        error=lambda operator, alphas, e: float("nan") * e, node=lambda gamma, c: float("nan") * (1 + gamma * c)
    ),
}


# Averagers


@pytest.mark.parametrize("case", [averagers.LINE, averagers.LONGER, replace(averagers.LINE, alphas=[F(1)])])
def test_the_limit_is_the_one_worked_out_by_hand_at_every_length_and_step(case):
    given = grouping.transitions(case)
    K = grouping.by_state(grouping.normalised(case, given.C), given.C)
    system = fixed_point_system(lambda v: averagers.average(K, given, case.gamma, case.alphas[0], v), case)
    assert exact_algebra.solved(*system).tolist() == [F(12, 13), F(10, 13)]
    assert grouping.certainty_equivalence(case).tolist() == [F(4, 3), F(2, 3)]


def test_without_discount_constants_do_not_fade():
    """γ = 1: P̂1 = 1, so two starts that differ by a constant stay apart, and I − γP̂ has no inverse."""
    case = replace(averagers.LINE, gamma=F(1))
    given = grouping.transitions(case)
    K = grouping.by_state(grouping.normalised(case, given.C), given.C)
    one, other = (averagers.average(K, given, case.gamma, F(1), np.array([F(c)] * 2)) for c in (0, 5))
    assert (other - one).tolist() == [5, 5]
    assert not exact_algebra.invertible(np.eye(2, dtype=int) - K @ given.D)


def test_weights_of_0_can_agree_without_equal_rewards():
    """E > 0 dropped: with E diagonal M̂ = I and v_A = v_CE, whatever the rewards."""
    tabular = operator_from_kernel([0, 1, 0], [F(1), F(0)], [[F(1), F(0)], [F(0), F(1)]], F(1, 2))
    v = tabular.certainty_equivalence()
    assert v.tolist() == [F(4, 3), F(2, 3)] and (tabular.b + tabular.gamma * (tabular.P @ v)).tolist() == v.tolist()


def test_equal_mean_rewards_where_a_state_is_never_left_do_not_make_them_agree():
    """Coverage dropped: T = (0, 1), r = 1, E = 2: M̂ has both weights on 0, v_A = (2, 2), and v_CE = (1, 0)."""
    case = contexts.never_left()
    assert grouping.certainty_equivalence(case).tolist() == [1, 0]
    operator = grouping.operator_of(case)
    assert operator.M.tolist() == [[1, 0], [1, 0]] and operator.P.tolist() == [[0, 1], [0, 1]]
    assert exact_algebra.solved(np.eye(2, dtype=int) - case.gamma * operator.P, operator.b).tolist() == [2, 2]


def test_a_row_without_weight_on_a_source_is_refused():
    with pytest.raises(ValueError, match="positive weight"):
        operator_from_kernel([0, 1], [F(1)], [[F(1), F(0)], [F(0), F(1)]], F(1, 2))


def test_the_bounds_are_attained_and_neither_is_a_matter_of_course():
    """γ = 0 with two states: M̂r̂ − r̂ = ⅓ · span at both, so that e · span = ‖v_A − v_CE‖ = (1 − m) · span."""
    v_CE = grouping.certainty_equivalence(averagers.CONTRAST)
    parts = averagers.bounds(averagers.Averager(), averagers.CONTRAST, *_limit(averagers.CONTRAST), v_CE)
    got = {part.relation: (part.got, part.right) for part in parts}
    assert got == {AT_MOST: (F(2, 3), F(2, 3)), AT_LEAST: (F(2, 3), F(2, 3))}


def _limit(case):
    operator = grouping.operator_of(case)
    return operator.M, exact_algebra.solved(np.eye(2, dtype=int) - case.gamma * operator.P, operator.b)


def test_the_lake_is_a_context_of_its_own():
    case = contexts.lake()
    assert (
        case.n == 40
        and len(set(case.states)) > 8
        and case.gamma == F(9, 10)
        and all(isinstance(x, F) for row in case.features for x in row)
    )
    with ctx.workprec(BITS):
        M = grouping.operator_of(ball_case(case)).M
        assert all(entry > 0 for entry in M[:, :-1].ravel()) and len(set(map(float, M.ravel()))) > 50


def test_contexts_with_a_bias_of_every_sort():
    drawn = list(islice(contexts.float_cases(0), 100))
    values = [grouping.certainty_equivalence(case) for case in drawn]
    gaps = [abs(grouping.operator_of(case).M @ v - v).max() for case, v in zip(drawn, values)]
    assert sum(gap > 0.1 for gap in gaps) >= 30 and sum(gap < 1e-6 for gap in gaps) >= 3


PLANTED = [("P", lambda o: o.P.T), ("b", lambda o: 2 * o.b), ("M", lambda o: o.M.T)]


@pytest.mark.parametrize("kind", ["exact", "certified", "numeric"])
@pytest.mark.parametrize("name, wrong", PLANTED, ids=[name for name, _ in PLANTED])
def test_an_error_planted_in_the_library_is_found(name, wrong, kind, monkeypatch):
    right = averagers.operator_of
    monkeypatch.setattr(averagers, "operator_of", lambda case: replace(right(case), **{name: wrong(right(case))}))
    assert judge(check_of("averagers", kind), averagers.Averager(), FEW).counterexample


# Steps that differ by layer


@pytest.mark.parametrize("kind", ["exact", "certified", "numeric"])
@pytest.mark.parametrize("name", ["H", "transition"])
def test_an_error_planted_in_the_operator_is_found(name, kind, monkeypatch):
    if name == "H":
        monkeypatch.setattr(Operator, "H", property(lambda self: self.M + self.gamma * self.P))
    else:
        right = layer_steps.operator_of
        monkeypatch.setattr(
            layer_steps, "operator_of", lambda case: replace(right(case), transition=2 * right(case).transition)
        )
    assert judge(check_of("layer-steps", kind), layer_steps.Steps(), FEW).counterexample


def test_an_error_planted_in_the_librarys_steps_is_found(monkeypatch):
    right = layer_steps.chebyshev_steps
    monkeypatch.setattr(layer_steps, "chebyshev_steps", lambda gamma, depth: right(gamma, depth) * (1 + 1e-6))
    assert judge(check_of("layer-steps", "numeric"), layer_steps.Steps(), FEW).counterexample


@pytest.mark.parametrize("id, kind", [(id, kind) for id in CLAIMS for kind in ("exact", "certified", "numeric")])
def test_an_error_planted_in_the_transformer_is_found(id, kind, monkeypatch):
    right = grouping.values
    monkeypatch.setattr(
        grouping,
        "values",
        lambda case, *machine: [v + len(v) * layer for layer, v in enumerate(right(case, *machine))],
    )
    assert judge(check_of(id, kind), CLAIMS[id].subject, FEW).counterexample


def test_any_order_of_the_steps_gives_the_same_values():
    case = replace(
        smallest((0, 0, 1, 2, 0), 3, r=(1, 2, 0, -1), v=(3, -2, 1), x=((1,), (2,), (0,))),
        alphas=[F(1), F(1, 2), F(1, 3)],
    )
    ends = {tuple(grouping.values(replace(case, alphas=list(order)))[-1]) for order in permutations(case.alphas)}
    assert len(ends) == 1


def test_the_order_matters_where_the_weights_differ_by_layer():
    """The same weights in every layer, dropped: T = (0, 1, 0), v = (1, 0), I − H = ((⅜, ⅛), (−¼, ¾)), then ((¾, −¼), (⅛, ⅜))."""
    tables = [[F(3), F(1)], [F(1), F(1)]], [[F(1), F(1)], [F(1), F(3)]]
    first, second = (operator_from_kernel([0, 1, 0], [F(0)] * 2, E, F(1, 2)) for E in tables)
    v = [F(1), F(0)]
    assert second.update(first.update(v, F(1)), F(1)).tolist() == [F(11, 32), F(-3, 64)]
    assert first.update(second.update(v, F(1)), F(1)).tolist() == [F(19, 64), F(-3, 32)]


def test_detailed_balance():
    balance = lambda *states: layer_steps.balance(walked(*states))
    assert balance(0, 1, 0) == [1, 1] and balance(0, 1, 0, 2, 0) == [1, F(1, 2), F(1, 2)]
    assert balance(0, 1, 0, 1, 1) == [1, 2]  # reversible, but not with the counts (2, 2)
    assert balance(0, 1, 2, 1, 0) == [1, 2, 1] and balance(0, 0) == [1]
    assert balance(0, 1, 1) is None and balance(0, 1) is None and balance(0, 1, 2, 0) is None


def walked(*states):
    """A context of these states, with nothing in it."""
    return smallest(states, r=(0,) * (len(states) - 1), v=(0,) * 5)


def test_the_two_conditions_for_detailed_balance():
    on_a_line = lambda case: layer_steps.to_neighbours(case) and layer_steps.both_ways(case)
    found = ((on_a_line, layer_steps.on_a_line), (layer_steps.crossed_equally, layer_steps.visits))
    line, crossed = (
        lambda *states, holds=holds, of=of: of(case) if holds(case := walked(*states)) else None for holds, of in found
    )
    assert line(0, 1, 0, 1, 1) == [1, 2] and crossed(0, 1, 0, 1, 1) is None
    assert line(0, 1, 2, 1, 0) == [1, 2, 1] == crossed(0, 1, 2, 1, 0)  # on a line, and back to where it began: both
    assert line(1, 2, 3, 2, 1, 2, 2) == [1, 3, 1]  # P_e(2, ·) = (1, 1, 1)/3, and certain steps from 1 and 3
    assert line(0, 2, 0, 1, 0) is None and crossed(0, 2, 0, 1, 0) == [2, 1, 1]  # not on a line as numbered
    assert all(of(*states) is None for of in (line, crossed) for states in ((0, 1, 1), (0, 1), (0, 1, 2, 0)))
    assert line(0, 0) == [1] and crossed(0, 0) == [1]


def test_a_walk_on_a_line_that_does_not_come_back_need_not_be_reversible():
    """T = (0, 1, 1) moves between neighbours only; P_e² = P_e, so T_2(P_e)(−1, 1) = (2P_e − 1)(−1, 1) = (3, 1): 10 against 2."""
    P = grouping.operator_of(layer_steps.tabular(layer_steps.ABSORBED)).transition
    assert (P @ P == P).all()
    end = layer_steps.first_kind(lambda x: P @ x, np.array([F(-1), F(1)]), 2)
    assert end.tolist() == [3, 1]
    let_in = layer_steps.Steps(reversible=lambda case: True, weights=layer_steps.visits, beyond=(layer_steps.ABSORBED,))
    found = judge(check_of("layer-steps", "exact"), let_in, FEW).counterexample
    assert (found.where, found.got, found.right) == ("‖v_2 − v_CE‖²", "810/1681", "at most 162/1681")


def test_around_the_cycle_the_error_is_multiplied_by_the_polynomial_at_a_third_root_of_1():
    """|T_L(ω)|² for ω³ = 1: 1, 7, 37, 193; from L = 2 on more than T_L(4/3)² = (23/9)², (152/27)²."""
    P = grouping.operator_of(layer_steps.tabular(layer_steps.GROWING)).transition
    error = np.array([F(1), F(-1), F(0)])
    squares = [sum(layer_steps.first_kind(lambda x: P @ x, error, depth) ** 2) / 2 for depth in range(1, 5)]
    assert squares == [1, 7, 37, 193]
    T = [layer_steps.first_kind(lambda x: F(4, 3) * x, F(1), depth) for depth in range(1, 5)]
    assert T[:3] == [F(4, 3), F(23, 9), F(148, 27)] and [s > t**2 for s, t in zip(squares, T)] == [
        False,
        True,
        True,
        True,
    ]


def test_around_the_cycle_every_depth_does_harm_from_three_quarters_on():
    """At L = 2 from γ² = 2/(1 + √7) on; for L ≥ 3 |T_L(ω)| ≥ (ρ^L − ρ^−L)/2, ρ > 2.29, and T_L(4/3) = (s^L + s^−L)/2, s < 2.22."""
    omega = complex(-0.5, 3**0.5 / 2)
    rho, s = abs(omega + (omega**2 - 1) ** 0.5), 4 / 3 + (16 / 9 - 1) ** 0.5
    rho = max(rho, 1 / rho)
    assert rho > 2.29 and s < 2.22 and 2.29**3 - 2.29**-3 > 2.22**3 + 2.22**-3
    assert abs(2 * omega**2 - 1) == pytest.approx(7**0.5)
    least = (2 / (1 + 7**0.5)) ** 0.5
    assert 2 / least**2 - 1 == pytest.approx(7**0.5) and 29 / 40 < least < 3 / 4
    first = 1 / least + (1 / least**2 - 1) ** 0.5
    assert (
        round(least, 4) == 0.7407 and rho**3 - rho**-3 > first**3 + first**-3 and rho > first
    )  # so every L ≥ 3 as well


def test_the_coefficients_of_the_first_polynomials():
    """L = 2, γ = 3/5: ((1 − λ)² − 9/50) over 1 − 9/50: (41 − 100λ + 50λ²)/41. L = 1: 1 − λ."""
    coefficients = lambda gamma, depth: layer_steps.coefficients(layer_steps.Steps(), gamma, depth)
    assert coefficients(F(3, 5), 1) == [1, -1] and coefficients(F(3, 5), 2) == [1, F(-100, 41), F(50, 41)]
    with pytest.raises(ValueError, match="not rational"):
        layer_steps.polynomial((1, 1), layer_steps.Steps.node)


def test_the_least_maximum():
    of = lambda gamma, depth: layer_steps.least_maximum(layer_steps.ratio(gamma), depth)
    assert [of(F(3, 5), depth) for depth in (1, 2)] == [F(3, 5), F(9, 41)]
    assert layer_steps.ratio(F(1, 2)) is None and layer_steps.root(F(9, 4)) == F(3, 2)
    assert abs(of(arb(1) / 2, 2) - arb(1) / 7) < 1e-12 and of(0.5, 2) == pytest.approx(1 / 7, rel=1e-14)


def test_the_reversible_contexts_are_of_every_sort():
    bounded = lambda case: 0 < case.gamma and layer_steps.balance(case) and layer_steps.ratio(case.gamma)
    tried = list(filter(bounded, layer_steps.STATED.exact(layer_steps.Steps())))
    assert len(tried) >= 18 and {len(set(case.states)) for case in tried} >= {2, 3, 4}
    assert sum(len(set(layer_steps.balance(case))) > 1 for case in tried) >= 9
    assert any(layer_steps.balance(case) != layer_steps.visits(case) and len(case.v) == 2 for case in tried)
    assert len(set(layer_steps.lake().states)) >= 4 and layer_steps.balance(layer_steps.lake())
    reversible = [case for case in layer_steps.STATED.exact(layer_steps.Steps()) if layer_steps.balance(case)]
    assert f"{len(reversible)} with detailed balance" in check_of("layer-steps", "exact").scope
    drawn = list(islice(layer_steps.float_cases(0), 200))
    assert (
        max(case.depth for case in drawn) == 20 and sum(layer_steps.balance(case) is not None for case in drawn) >= 100
    )
