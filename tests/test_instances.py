"""What the samplers draw is what they say."""

from fractions import Fraction

from icrl.verify.instances import contexts


def test_sharp_contexts_leave_what_they_visit_and_have_features_near_three_times_one_hot():
    drawn = contexts.sharp_cases()
    for case in drawn:
        assert set(case.states) == set(case.states[:-1])
        for s, row in enumerate(case.features):
            assert all(abs(entry - 3 * (s == u)) <= Fraction(1, 4) for u, entry in enumerate(row))
    assert {len(case.features) for case in drawn} == {1, 2, 3}
    assert {case.gamma > 0 for case in drawn} == {True, False}
