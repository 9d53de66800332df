"""The claims fixed-point and spectral: numbers worked out by hand, each hypothesis dropped, and routes that agree where they should."""

from dataclasses import replace
from fractions import Fraction as F
from itertools import islice

import numpy as np
import pytest
from flint import arb, ctx

from conftest import check_of
from icrl.claims import CLAIMS
from icrl.claims.convergence import fixed_point, spectral
from icrl.claims.convergence.fixed_point import EQUAL, SIGNS, SKEW, SWITCH, Fixed, population, table
from icrl.claims.convergence.spectral import (
    CULPRIT,
    NEVER,
    ONE,
    OPEN,
    STUCK,
    TRACE,
    Spectral,
    characteristic,
    context,
    routh,
    step_limit,
)
from icrl.operator import Operator, operator_from_kernel
from icrl.verify.instances.cases import ball_case, power_of_two
from icrl.verify.judging.differences import BITS, Undecided
from icrl.verify.model import Budget
from icrl.verify.routes import exact_algebra, grouping, spectra
from icrl.verify.routes.grouping import operator_of
from icrl.verify.routes.spectra import contracts, eigenvalues
from icrl.verify.run import judge

FEW = Budget(trials=40)
NAN = {
    "fixed-point": Fixed(update=lambda M, P, r, gamma, alpha, v: float("nan") * v),
    "spectral": Spectral(without=lambda operator, E: float("nan") * operator.H),
}


# The fixed point.


def kept(given, v):
    """Whether the update keeps v, from its definition by sums."""
    case, E, S = given.case, table(given.case), range(len(v))
    total = [sum(given.weights[w] * E[s, w] for w in S) for s in S]
    errors = [case.rewards[u] + case.gamma * sum(given.transition[u][w] * v[w] for w in S) - v[u] for u in S]
    return all(case.alphas[0] * sum(given.weights[u] * E[s, u] / total[s] * errors[u] for u in S) == 0 for s in S)


@pytest.mark.parametrize(
    "given, other",
    [  # all with v^π = (4/3, 2/3); what M takes to 0 is added as (I − γP)⁻¹w, for w = (1, −1) it is (2, −2)/3
        (EQUAL, (F(2), F(0))),  # E = ((2, 2), (2, 2))
        (SIGNS, (F(2), F(0))),  # E = ((2, 2), (2, 2)), x = ±1 and E = 1 + t²
        (SKEW, (F(4, 3), F(5, 3))),  # E = ((1, ½), (2, 1)): w = (−½, 1)
        (replace(SWITCH, weights=[F(1), F(0)]), (F(2), F(2))),  # w = (0, 1)
        (fixed_point.NO_STEP, (F(5), F(-7))),
    ],
)
def test_each_hypothesis_of_the_only_fixed_point_is_needed(given, other):
    assert kept(given, [F(4, 3), F(2, 3)]) and kept(given, other) and not kept(SWITCH, other)


def test_without_discount_there_is_no_value_and_every_constant_is_kept():
    """One state, P = 1, r = 0, γ = 1."""
    given = population(((1,),), (1,), gamma=F(1), rewards=[F(0)])
    assert kept(given, [F(0)]) and kept(given, [F(5)])
    with pytest.raises(ZeroDivisionError):
        exact_algebra.solved(
            fixed_point.bellman_matrix(grouping.array(given.case, given.transition), F(1)),
            grouping.array(given.case, [F(0)]),
        )


def test_a_skew_matrix_makes_two_states_singular_and_three_not():
    """E = exp of a skew table a, b, c has det = 2 cosh(a + c − b) − 2: with x = (0, 0), (1, 0), (0, 1) it is 2^1 + 2^−1 − 2 = ½ in the base 2."""
    A, x = [[F(0), F(1)], [F(-1), F(0)]], [[F(0), F(0)], [F(1), F(0)], [F(0), F(1)]]
    three = population(((0, 1, 0), (0, 0, 1), (1, 0, 0)), (1, 1, 1), features=x, A=A)
    two = population(((0, 1), (1, 0)), (1, 1), features=x[1:], A=A)
    assert -characteristic(table(three.case))[-1] == F(1, 2) and characteristic(table(two.case))[-1] == 0


def test_the_weights_have_no_part_in_how_many_fixed_points_there_are():
    for given in (SWITCH, EQUAL, SIGNS, SKEW):
        for weights in ([F(1), F(1)], [F(1, 100), F(7)], [F(5), F(1, 9)]):
            M = fixed_point.kernel(replace(given, weights=weights))
            assert exact_algebra.invertible(M) == exact_algebra.invertible(table(given.case)) == (given is SWITCH)


def test_frozen_lake_is_a_chain_in_fractions_and_its_features_are_distinct():
    given = fixed_point.frozen_lake()
    assert (
        len(given.weights) == 16
        and all(sum(row) == 1 and min(row) >= 0 for row in given.transition)
        and fixed_point.distinct(given.case)
    )
    assert sum(given.case.rewards) > 0


def test_populations_are_of_every_sort():
    rational = list(fixed_point.rational_populations())
    definite = [p for p in rational if fixed_point.exponential(p.case) and fixed_point.inner_products(p.case)]
    assert (
        sum(fixed_point.distinct(p.case) for p in definite) >= 4
        and sum(not fixed_point.distinct(p.case) for p in definite) >= 2
    )
    assert sum(not exact_algebra.invertible(table(p.case)) for p in rational) >= 6
    floats = list(islice(fixed_point.float_populations(0), 100))
    assert sum(exact_algebra.invertible(table(p.case)) for p in floats) >= 40 and {
        len(p.weights) for p in floats
    } == set(range(1, 9))


# The spectrum.


def test_the_traces_worked_out_by_hand():
    """E = 2^{xx'}, a row of M̂ each: STUCK (512, 1, 64)/577, (1, 1, 1)/3, (64, 1, 16)/81 with the moves 0 → 2 → 1 → 1."""
    stuck = F(512, 577) + F(1, 3) + F(16, 81) - F(99, 100) * (F(64, 81) + F(1, 3) + F(1, 3))
    assert sum(operator_of(STUCK).H.diagonal()) == stuck == F(-56107, 2336850)
    # CULPRIT: (4096, 256, 1)/4353, (512, 64, 1)/577, (8, 4, 1)/13 with the moves 0 → 1 → 2 → 0: arriving at 0 from 2, 1 from 0, 2 from 1
    culprit = F(4096, 4353) + F(64, 577) + F(1, 13) - F(9, 10) * (F(1, 4353) + F(512, 577) + F(4, 13))
    assert sum(operator_of(CULPRIT).H.diagonal()) == culprit and 0 < culprit < F(
        1, 10
    )  # below the eigenvalue 1 − γ: the others sum to less than 0
    assert (
        sum(operator_of(TRACE).H.diagonal()) > 0 > min(complex(each).real for each in eigenvalues(operator_of(TRACE).H))
    )


def test_no_step_works_for_the_examples_and_a_small_one_does_without_the_normaliser():
    for case in (STUCK, CULPRIT, TRACE):
        assert not any(contracts(operator_of(case).G(alpha)) for alpha in (F(1, 1000), F(1, 10), F(1), F(10)))
    one = np.eye(3, dtype=int) * F(1)
    assert contracts(one - F(1, 2**17) * (spectral.table(CULPRIT) @ spectral.weighted(operator_of(CULPRIT))))
    H, two = spectral.table(OPEN) @ spectral.weighted(operator_of(OPEN)), np.eye(2, dtype=int) * F(1)
    assert contracts(operator_of(OPEN).G(F(1))) and not any(
        contracts(two - alpha * H) for alpha in (F(1, 1000), F(1, 10), F(1))
    )


def test_the_condition_on_the_last_state_is_not_necessary_but_something_is():
    """States 0, 1, 1 without the normaliser and E = ((2, 4), (4, 16)): tr = 18 − 20γ. The condition asks for γ ≤ 2/3."""
    for gamma, stands in ((F(2, 3), True), (F(89, 100), True), (F(9, 10), False), (F(19, 20), False)):
        case = context((0, 1, 1), ((1,), (2,)), gamma)
        column = routh(characteristic(-spectral.table(case) @ spectral.weighted(operator_of(case))))
        assert column[1] == 18 - 20 * gamma and all(each > 0 for each in column) == stands
        assert Spectral().count(1, gamma) == (gamma <= F(2, 3))


@pytest.mark.parametrize("m", [1, 3, 10, 60])
def test_no_number_below_a_half_will_do_in_c(m):
    """0, 1, …, m and 10⁶ stays: with n(1 − γ)/γ just below m/2(m + 1), xᵀdiag(n)(I − γP_e)x < 0 at x(s) = (s + 1)/(m + 1), so E = xxᵀ + ε has an eigenvalue below 0."""
    stays, near = 10**6, F(m, 2 * (m + 1)) - F(1, 100)
    gamma, x = 1 / (1 + near / stays), [F(s + 1, m + 1) for s in range(m + 1)]
    kept = sum(x[s] ** 2 for s in range(m)) + stays * x[m] ** 2
    carried = sum(x[s] * x[s + 1] for s in range(m)) + stays * x[m] ** 2
    assert stays * (1 - gamma) == near * gamma and kept - gamma * carried < 0
    assert m < 60 or near > F(48, 100)


@pytest.mark.parametrize("states", [(0, 1, 1), (0, 1, 2, 1), (0, 1, 2, 2, 0, 2), (0, 0, 1, 1, 1)])
def test_equality_is_enough_in_c(states):
    """n(1 − γ) = γ/2 at S_n: diag(n)(I − γP_e) plus its transpose is still positive definite."""
    count = states[:-1].count(states[-1])
    gamma = F(count, 1) / (count + F(1, 2))
    size = len(set(states))
    layer = operator_from_kernel(states, [F(0)] * (len(states) - 1), np.eye(size, dtype=int) * F(1), gamma)
    X = spectral.weighted(layer)
    assert count * (1 - gamma) == gamma / 2 and all(pivot > 0 for pivot in exact_algebra.pivots(X + X.T))


def test_with_two_states_the_normaliser_never_breaks_what_is_positive_definite():
    for gamma in (F(-19, 20), F(0), F(1, 2), F(99, 100)):
        assert contracts(operator_of(context((0, 1, 1), ((1,), (2,)), gamma)).G(F(1)))


def test_without_coverage_no_step_works():
    """T = (0, 1), γ = 0: H = ((1, 0), (1, 0))."""
    assert operator_of(NEVER).H.tolist() == [[1, 0], [1, 0]]
    assert not any(contracts(operator_of(NEVER).G(alpha)) for alpha in (F(1, 10), F(1), F(2)))


# The tools of exact arithmetic.


def test_characteristic_polynomials_and_rouths_column():
    X = np.array([[F(1), F(2)], [F(3), F(4)]])
    assert characteristic(X) == [1, -5, -2]
    assert routh([F(1), F(6), F(11), F(6)]) == [1, 6, 10, 6]  # (λ + 1)(λ + 2)(λ + 3)
    assert routh([F(1), F(1), F(1), F(6)]) == [1, 1, -5] and routh([F(1), F(0), F(1)]) == [1, 0]
    assert routh([F(1)]) == [1] and routh([F(1), F(-2)]) == [1, -2]


ON_THE_CIRCLE = [[F(0), F(5)], [F(1, 5), F(0)]]
TENDS = [
    *(([[F(1, 2)]], True), ([[F(-1)]], False), ([[F(1)]], False), (ON_THE_CIRCLE, False)),
    *(
        ([[F(0), F(4)], [F(1, 5), F(0)]], True),
        ([[F(0), F(1)], [F(0), F(0)]], True),
        ([[F(3), F(0)], [F(0), F(1, 3)]], False),
    ),
]


@pytest.mark.parametrize("G, tends", TENDS)
def test_the_three_routes_to_convergence(G, tends):
    exact = np.array(G, dtype=object)
    assert contracts(exact) == contracts(exact.astype(float)) == tends
    with ctx.workprec(BITS):
        balls = np.array([[spectral.to_ball(q) for q in row] for row in exact], dtype=object)
        if G == ON_THE_CIRCLE:  # 5 · (1/5) is 1, which no ball around 1/5 can decide
            with pytest.raises(Undecided):
                contracts(balls)
        else:
            assert contracts(balls) == tends


def test_pivots():
    """((2, 4), (4, 16)) is positive definite; ((1, 2), (2, 1)) has the pivots 1 and −3; a zero ends the elimination."""
    of = lambda rows: exact_algebra.pivots(np.array([[F(entry) for entry in row] for row in rows], dtype=object))
    assert of([[2, 4], [4, 16]]) == [2, 8] and of([[1, 2], [2, 1]]) == [1, -3] and of([[0, 1], [1, 0]]) == [0]


def test_the_form_that_falls():
    """Q − GᵀQG = I for G = ½: Q = 4/3; none for G = 1; negative for G = 2."""
    assert [spectra.falling_form(np.array([[F(g)]], dtype=object)) for g in ("1/2", "2")] == [F(4, 3), F(-1, 3)]
    assert spectra.falling_form(np.array([[F(1)]], dtype=object)) is None


def test_eigenvalues_are_enclosed():
    turn = operator_of(spectral.TURN).H  # circulant: M̂ = ((2, 1, 1), (1, 2, 1), (1, 1, 2))/4, P_e the cycle
    w = np.exp(2j * np.pi / 3)
    right = sorted([0.1, 0.25 * (1 - 0.9 * w), 0.25 * (1 - 0.9 * w.conjugate())], key=lambda z: z.imag)
    for each in (turn, turn.astype(float)):
        assert np.allclose(sorted(map(complex, eigenvalues(each)), key=lambda z: z.imag), right, rtol=1e-12, atol=0)
    with ctx.workprec(BITS):
        found = eigenvalues(operator_of(ball_case(spectral.TURN)).H)
        assert (
            sum(each.real.overlaps(arb("0.1")) and each.imag.contains(0) for each in found) == 1
            and step_limit(found) > 0
        )
    assert float(step_limit(eigenvalues(operator_of(ONE).H))) == 2


def test_scores_in_the_base_two_are_integers():
    assert (
        power_of_two(F(-3)) == F(1, 8) and str(STUCK).endswith("E = 2^t") and "2^t" not in str(replace(STUCK, exp=None))
    )
    with pytest.raises(ValueError, match="t must be an integer, got 1/2"):
        power_of_two(F(1, 2))


# The contexts test what the statement says.


def hits(cases):
    """How many contexts are stable, complex, of two states with and without (a), under (b) with three states or more, closed and open under (c)."""
    found = dict.fromkeys(("stable", "complex", "a", "not a", "b", "closed", "open"), 0)
    for case in cases:
        operator, E, claim, gamma = operator_of(case), spectral.table(case), Spectral(), abs(case.gamma)
        each, nu = [complex(z) for z in eigenvalues(operator.H)], operator.counts * (E @ operator.counts)
        found["stable"] += min(z.real for z in each) > 0
        found["complex"] += max(abs(z.imag) for z in each) > 1e-9
        if len(E) == 2:
            found["a" if claim.two(spectral.two_states_gap(case)) else "not a"] += 1
        if claim.symmetric(case) and claim.definite(E) and len(E) > 1:
            found["b"] += len(E) > 2 and claim.balanced(nu, nu @ operator.transition, gamma)
            closed = case.states[0] == case.states[-1]
            found["closed"] += closed
            found["open"] += not closed and claim.count(operator.counts[spectral.last(case)], gamma)
    return found


def test_the_rational_contexts_are_of_every_sort():
    found = hits(spectral.rational_contexts())
    assert found["stable"] >= 12 and 24 - found["stable"] >= 5 and min(found["a"], found["not a"]) >= 5
    assert min(found["complex"], found["closed"]) >= 3 and found["b"] >= 2 and found["open"] >= 6


def test_the_float_contexts_are_of_every_sort():
    drawn = list(islice(spectral.float_contexts(0), 100))
    found = hits(drawn)
    assert 60 <= found["stable"] <= 90 and min(found["complex"], found["b"], found["closed"], found["open"]) >= 6
    assert min(found["a"], found["not a"]) >= 4
    assert sum(operator_of(case).spectral_radius(case.alphas[0]) < 1 for case in drawn) in range(40, 90)
    assert all(operator_of(case).covered for case in drawn)


def test_the_contexts_of_frozen_lake():
    lakes = spectral.frozen_lakes()
    assert len(lakes) == 4 and all(
        case.n == 200 and len(set(case.states)) >= 10 and operator_of(ball_case(case)).covered for case in lakes
    )


# What is planted in the library is found.

PLANTED = [
    (
        "spectral",
        "G",
        lambda self, alpha: np.eye(len(self.M), dtype=int) - alpha * self.M,
        ("exact", "certified", "numeric"),
    ),
    ("spectral", "step_limit", property(lambda self: 1.0), ("numeric",)),
    ("spectral", "spectral_radius", lambda self, alpha: 0.5, ("numeric",)),
]


@pytest.mark.parametrize("id, name, wrong, kinds", PLANTED, ids=[name for _, name, *_ in PLANTED])
def test_an_error_planted_in_the_library_is_found(id, name, wrong, kinds, monkeypatch):
    monkeypatch.setattr(Operator, name, wrong)
    for kind in kinds:
        verdict = judge(check_of(id, kind), CLAIMS[id].subject, FEW)
        assert verdict.passed is False and verdict.counterexample, (kind, verdict)


@pytest.mark.parametrize("kind", ["exact", "numeric"])
def test_an_error_planted_in_the_transformer_is_found(kind, monkeypatch):
    right = grouping.values
    monkeypatch.setattr(
        grouping,
        "values",
        lambda case, *machine: [v + len(v) * layer for layer, v in enumerate(right(case, *machine))],
    )
    assert judge(check_of("spectral", kind), Spectral(), FEW).counterexample


def test_an_error_planted_in_the_population_kernel_is_found(monkeypatch):
    right = fixed_point.population_kernel
    monkeypatch.setattr(fixed_point, "population_kernel", lambda *given: right(*given).T)
    assert judge(check_of("fixed-point", "numeric"), Fixed(), FEW).counterexample
