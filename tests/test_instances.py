"""What the samplers draw is what they say."""

from fractions import Fraction
from itertools import islice

from icrl.verify.instances import contexts, episodic
from icrl.verify.routes import grouping


def test_sharp_contexts_leave_what_they_visit_and_have_features_near_three_times_one_hot():
    drawn = contexts.sharp_cases()
    for case in drawn:
        assert set(case.states) == set(case.states[:-1])
        for s, row in enumerate(case.features):
            assert all(abs(entry - 3 * (s == u)) <= Fraction(1, 4) for u, entry in enumerate(row))
    assert {len(case.features) for case in drawn} == {1, 2, 3}
    assert {case.gamma > 0 for case in drawn} == {True, False}


def test_episodic_contexts_are_of_every_sort():
    drawn = [*episodic.episodic_cases(), *islice(episodic.episodic_float_cases(0), 300)]
    ended = [{terminated for _, terminated in case.endings} for case in drawn]
    for kind in ({True}, {False}, {True, False}):
        assert ended.count(kind) >= 10
    assert sum(not set(case.sources).issuperset(case.visited) for case in drawn) >= 10
    assert sum(case.gamma == 1 for case in drawn) >= 100 and min(case.gamma for case in drawn) < -0.8


def test_sharp_episodic_contexts_terminate_out_of_every_state_and_contract_at_discount_1():
    drawn = episodic.sharp_episodic_cases()
    for case in drawn:
        assert {before for before, *_, ended in case.moves if ended} == set(case.visited) == set(case.sources)
    assert sum(case.gamma == 1 and grouping.operator_of(case).margin > 0 for case in drawn) >= 6
