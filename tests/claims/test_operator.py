"""The claims about the layer as an operator: hand-worked numbers, parts that fail when they should, and contexts that test what they say."""

from dataclasses import replace
from fractions import Fraction as F
from itertools import islice

import numpy as np
import pytest
from flint import arb

from conftest import check_of
from icrl.claims import CLAIMS
from icrl.claims.convergence import (
    certainty_equivalence,
    contraction,
    coverage_needed,
    episodic_value,
    operator,
    rate_floor,
)
from icrl.operator import Operator
from icrl.verify.instances import contexts, episodic
from icrl.verify.instances.cases import as_it_is, ball_case, smallest
from icrl.verify.judging.differences import Undecided
from icrl.verify.judging.parts import AT_LEAST, AT_MOST, UNLIKE, AsBalls, Exactly, Part, Within, first_failure, greatest
from icrl.verify.model import Budget
from icrl.verify.routes import exact_algebra, fixed_points, grouping
from icrl.verify.run import judge

FEW = Budget(trials=60)
IDS = ("operator", "contraction", "rate-floor", "coverage-needed", "certainty-equivalence")


def test_every_kind_that_can_serve_is_there():
    kinds = {id: [check.kind for check in CLAIMS[id].checks] for id in IDS}
    plain, at_every_size = (
        ["kernel", "exact", "certified", "numeric"],
        ["kernel", "symbolic", "exact", "certified", "numeric"],
    )
    assert kinds == dict.fromkeys(IDS, plain) | dict.fromkeys(("operator", "certainty-equivalence"), at_every_size)


@pytest.mark.parametrize(
    "limit, case, got, v_CE",
    [
        (certainty_equivalence.Limit(), certainty_equivalence.LINE, ("4/3", "2/3"), ("4/3", "2/3")),
        (certainty_equivalence.MUTANTS[0].subject, certainty_equivalence.LINE, ("12/13", "10/13"), ("4/3", "2/3")),
        (certainty_equivalence.MUTANTS[1].subject, certainty_equivalence.LINE, ("4/7", "2/7"), ("4/3", "2/3")),
        (certainty_equivalence.MUTANTS[2].subject, contexts.POSITIONS, ("48/31", "30/31"), ("8/5", "4/5")),
    ],
)
def test_fixed_points_are_those_worked_out_by_hand(limit, case, got, v_CE):
    given = limit.transitions(case)
    K = limit.kernel(grouping.normalised(case, given.C), given.C)
    system = fixed_points.fixed_point_system(lambda v: limit.layer(K, given, case.gamma, case.alphas[0], v), case)
    assert exact_algebra.solved(*system).tolist() == [F(x) for x in got]
    assert grouping.certainty_equivalence(case).tolist() == [F(x) for x in v_CE]


def test_steps_that_differ_by_layer_contract_by_the_product_of_their_factors():
    for case in contexts.sharp_cases():
        case = replace(case, alphas=[F(1, 2), F(1, 3), F(1)])
        c, v_CE, v = grouping.operator_of(case).margin, grouping.certainty_equivalence(case), grouping.values(case)
        product = F(1)
        for alpha, after in zip(case.alphas, v[1:]):
            product *= 1 - alpha * c
            assert c <= 0 or greatest(after - v_CE) <= product * greatest(v[0] - v_CE)
    assert sum(grouping.operator_of(case).margin > 0 for case in contexts.sharp_cases()) > 5


def test_features_that_differ_do_not_make_an_arbitrary_positive_score_invertible():
    """E = 1 + t² and x = ±1: true for the exponential, which is why certified and numeric are shown A = 0 instead."""
    distinct = certainty_equivalence.Limit(regular=lambda case, M: True)
    parts = certainty_equivalence.fixed_points(
        distinct, certainty_equivalence.SIGNS, grouping.certainty_equivalence(certainty_equivalence.SIGNS)
    )
    assert first_failure("here", parts, Exactly()).right == "a number other than 0"


# What is planted in the library, the Transformer or the definitions is found.


def wrong_norm(self, alpha):
    return np.abs(self.G(alpha)).sum(axis=0).max()


def wrong_margin(self):
    return 2 * greatest(np.diagonal(self.M)) - 1 - abs(self.gamma)


def wrong_update(self, v, alpha):
    return v + alpha * (self.b + self.gamma * (self.M @ v) - self.P @ v)


PLANTED = [
    ("operator", "update", wrong_update),
    ("operator", "power", lambda self, alpha, depth: (self.G(alpha), self.b)),
    ("contraction", "norm", wrong_norm),
    ("contraction", "margin", property(wrong_margin)),
    ("contraction", "G", lambda self, alpha: np.eye(len(self.M), dtype=int) + alpha * self.H),
    ("rate-floor", "G", lambda self, alpha: np.eye(len(self.M), dtype=int) - alpha * self.M),
    ("rate-floor", "norm", lambda self, alpha: 0 * alpha),
    ("coverage-needed", "norm", lambda self, alpha: alpha / 2),
    ("coverage-needed", "G", lambda self, alpha: np.eye(len(self.M), dtype=int) - alpha * self.M),
    ("certainty-equivalence", "certainty_equivalence", lambda self: self.reward),
    ("certainty-equivalence", "margin", property(lambda self: 2 - abs(self.gamma))),
]


@pytest.mark.parametrize("kind", ["exact", "numeric"])
@pytest.mark.parametrize("id, name, wrong", PLANTED, ids=[f"{id}-{name}" for id, name, _ in PLANTED])
def test_an_error_planted_in_the_library_is_found(id, name, wrong, kind, monkeypatch):
    monkeypatch.setattr(Operator, name, wrong)
    verdict = judge(check_of(id, kind), CLAIMS[id].subject, FEW)
    assert verdict.passed is False and verdict.counterexample, verdict


@pytest.mark.parametrize("name", ["iterate", "limit"])
def test_an_error_planted_in_the_closed_form_is_found(name, monkeypatch):
    right = getattr(Operator, name)
    monkeypatch.setattr(Operator, name, lambda self, *given: right(self, *given) * (1 + 1e-9))
    verdict = judge(check_of("certainty-equivalence", "numeric"), certainty_equivalence.Limit(), FEW)
    assert verdict.passed is False and verdict.counterexample, verdict


# not coverage-needed, which compares two Transformers; nor the identities, which speak of TD
MEETS_THE_TRANSFORMER = [
    (id, kind) for id in IDS if id != "coverage-needed" for kind in ("exact", "certified", "numeric")
]


@pytest.mark.parametrize("id, kind", MEETS_THE_TRANSFORMER)
def test_an_error_planted_in_the_transformer_is_found(id, kind, monkeypatch):
    right = grouping.values
    monkeypatch.setattr(
        grouping,
        "values",
        lambda case, *machine: [v + len(v) * layer for layer, v in enumerate(right(case, *machine))],
    )
    verdict = judge(check_of(id, kind), CLAIMS[id].subject, FEW)
    assert verdict.passed is False and verdict.counterexample, verdict


def test_a_transformer_that_forgets_its_start_fails_coverage(monkeypatch):
    right = grouping.values
    monkeypatch.setattr(
        grouping, "values", lambda case, *machine: right(replace(case, v=[0 * case.gamma] * len(case.v)), *machine)
    )
    for kind in ("exact", "certified", "numeric"):
        assert judge(check_of("coverage-needed", kind), coverage_needed.Coverage(), FEW).counterexample


NAN = {
    "operator": operator.Grouping(gathered=lambda K, C, D, R: (float("nan") * (K @ C), K @ D, K @ R)),
    "contraction": contraction.Bound(rate=lambda alpha, c: float("nan")),
    "rate-floor": rate_floor.Rate(factor=lambda alpha, gamma: float("nan")),
    "coverage-needed": coverage_needed.Coverage(most=lambda gamma: float("nan")),
    "certainty-equivalence": certainty_equivalence.Limit(layer=lambda K, given, gamma, alpha, v: float("nan") * v),
    "episodic-value": episodic_value.Episodes(
        model=lambda *given: [float("nan") * each for each in episodic_value.empirical_model(*given)],
        ones=lambda alpha, gamma, following: float("nan") * following,
    ),
}


# The comparisons.


def part(got, right, relation=""):
    return Part("here", got, right, 1.0, relation)


RELATIONS = [
    ("", (1, 1), (1, 2)),
    (AT_MOST, (1, 1), (2, 1)),
    (AT_LEAST, (2, 1), (1, 2)),
    (UNLIKE, (1, 0), (0, 0)),
]


@pytest.mark.parametrize("numbers, of", [(Exactly(), F), (AsBalls(), arb), (Within(1e-12), float)])
def test_each_relation_fails_where_it_does_not_hold(numbers, of):
    for relation, holds, fails in RELATIONS:
        assert not numbers.fails(part(*map(of, holds), relation)) and numbers.fails(part(*map(of, fails), relation)), (
            relation
        )


def test_what_cannot_be_compared_is_no_counterexample():
    with pytest.raises(TypeError, match="exact check met a float"):
        Exactly().fails(part(0.5, F(1, 2), AT_MOST))
    for undecided in (part(arb(1, 1e-20), arb(1)), part(arb("nan"), arb(1), AT_MOST)):
        with pytest.raises(Undecided):
            AsBalls().fails(undecided)
    for relation in ("", AT_MOST, AT_LEAST, UNLIKE):
        with pytest.raises(ValueError, match="no counterexample"):
            first_failure("here", [part(float("nan"), 0.0, relation)], Within(1.0))


# The contexts, and the definitions as matrices.


def test_a_context_as_matrices():
    case = smallest((2, 0, 2, 5), r=(1, 2, 3), v=(0,) * 6, x=((0,),) * 6)
    C, D, R = grouping.transitions(case)
    assert C.tolist() == [[0, 1, 0], [1, 0, 0], [0, 1, 0]] and D.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    P_e, r = grouping.empirical_model(C, D, R)
    assert P_e.tolist() == [[0, 1, 0], [F(1, 2), 0, F(1, 2)], [0, 0, 0]] and r.tolist() == [2, 2, 0]
    C, D, R = grouping.without_mask(case)
    assert C[-1].tolist() == [0, 0, 1] and D[-1].tolist() == [0, 0, 0] and R.tolist() == [1, 2, 3, 0]


def test_weights_by_position():
    case = contexts.POSITIONS
    C = grouping.transitions(case).C
    K = grouping.by_position(grouping.normalised(case, C), C)
    assert K.tolist() == [[F(2, 7), F(4, 7), F(1, 7)], [F(2, 5), F(1, 5), F(2, 5)]]


def test_elimination():
    matrix, x = np.array([[0, 2], [3, 4]]), np.array([5, 6])
    for of, dtype in ((float, float), (F, object), (arb, object)):
        table = np.array([[of(int(entry)) for entry in row] for row in matrix], dtype)
        got = exact_algebra.solved(table, table @ np.array([of(int(entry)) for entry in x], dtype))
        assert [float(entry) for entry in got] == pytest.approx(x.tolist(), rel=1e-14) and exact_algebra.invertible(
            table
        )
        assert not exact_algebra.invertible(table * 0) and not exact_algebra.invertible(np.array([table[0], table[0]]))


def margins(cases):
    return [grouping.operator_of(case).margin for case in cases]


def test_the_rational_contexts_are_of_every_sort():
    any_features, sharp = contexts.rational_cases(), contexts.sharp_cases()
    uncovered = [case for case in any_features if case.states[-1] not in case.states[:-1]]
    assert len(uncovered) >= 6 and len(any_features) - len(uncovered) >= 6
    assert sum(c > 0 for c in margins(sharp)) >= 12 and {case.gamma > 0 for case in sharp} == {True, False}
    assert all(case.states[-1] in case.states[:-1] for case in sharp) and {len(set(case.states)) for case in sharp} == {
        1,
        2,
        3,
    }
    assert any(
        not exact_algebra.invertible(grouping.operator_of(case).M) for case in any_features if case not in uncovered
    )


def test_the_float_contexts_are_of_every_sort():
    drawn = list(islice(contexts.float_cases(0), 300))
    assert sum(case.states[-1] not in case.states[:-1] for case in drawn) >= 30
    assert sum(c > 0 for c in margins(drawn)) >= 60 and min(case.gamma for case in drawn) < -0.8
    assert max(case.n for case in drawn) > 50 and max(case.depth for case in drawn) == 32


def test_six_feature_maps_have_one_limit_and_most_reach_it():
    drawn = list(islice(certainty_equivalence.six_maps(0), 120))
    reach = [grouping.operator_of(case) for case in drawn if case.n > 1]
    assert sum(each.covered and each.spectral_radius(case.alphas[0]) < 1 for each, case in zip(reach, drawn)) >= 60
    for start in range(0, 120, 6):
        assert len({str(case.states) + str(case.rewards) for case in drawn[start : start + 6]}) == 1
        assert len({str(case.features) for case in drawn[start : start + 6]}) == 6


def test_balls_keep_the_hypotheses_of_the_bound():
    """c > 0 in balls where it is so in rationals, for most of the sharp contexts: otherwise the certified bound would say nothing."""
    assert sum(bool(grouping.operator_of(ball_case(case)).margin > 0) for case in contexts.sharp_cases()) >= 12


def test_the_floor_of_the_rate_is_asserted_up_to_a_discount_and_a_step_of_1():
    assert rate_floor.discounting(F(1)) and not rate_floor.discounting(F(11, 10))
    assert rate_floor.Rate().factor(F(1), F(1)) >= rate_floor.Rate().least(F(1))


# Episodes


def test_the_pieces_of_an_episodic_context():
    """Two trajectories: 0 → 1 → 2, terminated, and 1 → 0 → 1, cut."""
    case = episodic.of_walks([([0, 1, 2], True), ([1, 0, 1], False)], r=(1, 2, 3, 4))
    assert (case.visited, case.sources, episodic_value.unseen(case)) == ([0, 1], [0, 1, 1, 0], {2})
    assert (episodic_value.terminate(case), episodic_value.last_of_cuts(case)) == ({1}, {1})
    assert list(episodic_value.episodes(case)) == [(0, [1, 2], 2, True), (1, [3, 4], 1, False)]
    given = grouping.transitions(case)
    assert given.C.tolist() == [[1, 0], [0, 1], [0, 1], [1, 0]]
    assert given.D.tolist() == [[0, 1], [0, 0], [1, 0], [0, 1]]
    assert episodic_value.reaches(case) and not episodic_value.reaches(replace(case, endings=[(2, False)] * 2))


def test_an_expected_return_by_hand():
    """0 goes on to 1; 1 stops or goes back, with probability ½ each: v(1) = 5/2 + ½ v(0), v(0) = 5/2 + v(1), so 15/2 and 10."""
    case = episodic.of_walks([([0, 1, 2], True), ([1, 0, 1], False)], r=(1, 2, 3, 4), gamma=F(1))
    assert episodic_value.expected_return(case).tolist() == [10, F(15, 2)]
    assert grouping.certainty_equivalence(case).tolist() == [10, F(15, 2)]


def test_a_margin_above_0_at_discount_1_asks_for_terminations_out_of_every_state():
    assert grouping.operator_of(episodic_value.TWO_STEPS).margin == F(1, 2) and episodic_value.TWO_STEPS.gamma == 1
    for case in [*episodic.episodic_cases(1), *episodic.sharp_episodic_cases(1)]:
        if case.gamma == 1 and grouping.operator_of(case).margin > 0:
            assert episodic_value.terminate(case) == set(case.visited)


def test_other_fixed_points_may_have_another_mean_return():
    """E = ((1, 2), (2, 4)) has rank 1, though no two states are weighed alike: (2, −1) is fixed, and its mean is ½, not 0."""
    case = episodic.of_walks(
        [([0, 0], True), ([1, 1], True)], r=(0, 0), v=(2, -1), x=((1, 0), (0, 1)), A=((1, 2), (2, 4)), gamma=F(1)
    )
    case = replace(case, exp=as_it_is)
    start, after = grouping.values(case)
    assert start.tolist() == after.tolist() == [2, -1] and grouping.certainty_equivalence(case).tolist() == [0, 0]
