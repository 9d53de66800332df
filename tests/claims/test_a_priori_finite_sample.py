"""The length that suffices from any start: ζ by hand and by other routes, Doob's differences walk by walk, errors planted in the library."""

from fractions import Fraction as F
from itertools import product
from math import ceil, exp, log, prod, sqrt

import numpy as np
import pytest

from conftest import check_of
from icrl.claims.convergence import a_priori_finite_sample as a_priori
from icrl.claims.convergence.a_priori_finite_sample import Anywhere, apart, by_sums, effect, tails, visits
from icrl.verify.instances.chains import fractions
from icrl.verify.judging.parts import AT_MOST
from icrl.verify.model import Budget
from icrl.verify.routes.exact_algebra import tree_distribution
from icrl.verify.run import judge

FEW = Budget(trials=50)
CLAIM = a_priori.CLAIM


def test_every_kind_that_can_serve_is_there():
    assert [check.kind for check in CLAIM.checks if check.kind != "kernel"] == [
        "symbolic",
        "exact",
        "certified",
        "numeric",
    ]


def nan(*_):
    return float("nan")


NAN = {CLAIM.id: Anywhere(tail=nan, needed=nan, effect=nan)}


# What a chain keeps of its start.


@pytest.mark.parametrize(
    "P, zeta",
    [
        ([[1]], 0),
        ([[0, 1], [1, 0]], 1),
        ([[0, 1, 0], [0, 0, 1], [1, 0, 0]], 1),
        (np.roll(np.eye(5, dtype=int), 1, axis=1), 2),
        ([["1/2", "1/2"], ["1/2", "1/2"]], 1),
        ([["1/10", "9/10"], ["9/10", "1/10"]], 1),
    ],
)
def test_what_a_chain_keeps_of_its_start_by_hand(P, zeta):
    """Two starts of a cycle of five are two visits apart after two steps, and never more."""
    assert effect(fractions(P), 25) == zeta


def test_a_chain_that_stays_nine_times_in_ten_comes_near_five_from_below():
    found = [effect(a_priori.STAYS, n) for n in (1, 10, 60)]
    assert found == [5 * (1 - F(4, 5) ** n) for n in (1, 10, 60)] and 5 - found[-1] < F(1, 10**5)


def test_two_closed_classes_are_apart_for_ever():
    assert effect(fractions(np.eye(2, dtype=int)), 7) == 7


# Doob's martingale.


@pytest.mark.parametrize("given", [each for each in a_priori.drawn_sums() if len(each.P) ** each.n < 300], ids=str)
def test_one_more_state_moves_what_is_expected_of_the_sum_by_zeta_at_most(given):
    """Of every beginning of a walk, over the states that may follow it: the expectation is a mean over all whole walks."""
    P, f, S = given.P, given.f, range(len(given.P))
    chance = lambda walk: prod((P[s, u] for s, u in zip(walk, walk[1:])), start=F(1))

    def expected(beginning):
        rest = list(product(S, repeat=given.n - len(beginning)))
        each = [(chance((beginning[-1], *walk)), sum(f[u] for u in (*beginning, *walk))) for walk in rest]
        return sum((p * total for p, total in each), F(0))

    moved = []
    for k in range(1, given.n):
        for beginning in product(S, repeat=k):
            after = [expected((*beginning, u)) for u in S if P[beginning[-1], u]]
            moved.append(max(after) - min(after))
    certain = ((P == 0) | (P == 1)).all()
    assert (max(moved) == 0) == certain and max(moved) <= effect(P, given.n) * (max(f) - min(f))


def nearest(n, zeta_of):
    """The largest quotient of a probability and its bound, over the sums of all chains drawn, and how many there are."""
    found = []
    for given in a_priori.drawn_sums():
        f, mu = given.f / (max(given.f) - min(given.f)), tree_distribution(given.P)
        zeta, mean = zeta_of(given), given.n * (mu @ f)
        for start in np.eye(len(f), dtype=int):
            law = by_sums(given.P, f, given.n, fractions(start))
            assert sum(law.values()) == 1
            for total in law:
                t = total - mean - zeta
                if t > 0:
                    p = sum(chance for other, chance in law.items() if other >= total)
                    found.append(float(p) / exp(-2 * t**2 / (n(given) * zeta**2)))
    return max(found), len(found)


def test_no_tail_is_above_its_bound_and_the_nearest_is_not_far_below():
    """Even with n − 1, the number of differences, in the place of n."""
    most, count = nearest(lambda given: given.n, lambda given: effect(given.P, given.n))
    closer, _ = nearest(lambda given: given.n - 1, lambda given: effect(given.P, given.n))
    assert 0.3 < most <= closer < 1 and count > 200


def test_the_tails_are_those_of_the_sums_in_order():
    """A fair coin thrown twice, f = (1, 0): both heads with probability 1/4, and 1 − exp(−2 · .9²/2) is not far."""
    P, f = fractions([["1/2", "1/2"]] * 2), fractions([1, 0])
    law = by_sums(P, f, 2, fractions(["1/2", "1/2"]))
    assert law == {0: F(1, 4), 1: F(1, 2), 2: F(1, 4)}
    parts = list(tails(Anywhere(), law, F(1), 2, F(1), F(1, 10)))
    assert [(part.got, part.relation) for part in parts] == [(F(1, 4), AT_MOST)] * 2
    assert float(parts[0].right) == pytest.approx(exp(-(0.9**2)), rel=0.01) and float(parts[0].right) < exp(-(0.9**2))


@pytest.mark.parametrize("x", [0, F(1, 3), 2, 40, 300])
def test_the_rational_below_the_exponential_is_below_it_by_little(x):
    found = float(a_priori.below_exp(x))
    assert found <= exp(-x) and (found > 0.99 * exp(-x) or x > 2)


# How long is long enough.


def test_the_length_on_the_worked_chain():
    """h = 10/37, μ/2 = 1/4 and ζ = 1: 8 ln 60 + 8 = 40.8; from μ the 33 of (G); rounded 32 ln 60 = 131.02."""
    with_start, of_mu, rounded = (8 * log(60) + 8, 8 * log(60), 32 * log(60))
    with a_priori_precision():
        asked = list(a_priori.asked_of(Anywhere(), a_priori.WORKED))
    assert [each.n for each in asked] == [ceil(with_start), ceil(of_mu), ceil(rounded)] == [41, 33, 132]
    assert float(asked[0].floor) == pytest.approx(sqrt(log(120) / 20.5))
    assert float(asked[2].floor) == pytest.approx(sqrt(log(120) / 66))


def a_priori_precision():
    from flint import ctx

    return ctx.workprec(256)


def test_the_square_behind_the_length():
    """At n = ζ²ℓ/(2h²) + 2ζ/h the room nh is more than ζ + ζ√(nℓ/2); and at four fifths of it, it may be less."""
    for zeta, ell, h in product((1, 5), (2, 9), (0.02, 0.2)):
        n = zeta**2 * ell / (2 * h**2) + 2 * zeta / h
        assert n * h >= zeta + zeta * sqrt(n * ell / 2)
    n = 0.8 * (1 * 9 / (2 * 0.02**2) + 2 / 0.02)
    assert n * 0.02 < 1 + sqrt(n * 9 / 2)


def test_it_is_no_longer_than_the_rounded_one():
    """2ζ/h is never the largest of the four: h < 1 ≤ ζ and ℓ > 1."""
    for zeta, ell, h in product((1, 1.5, 40), (log(6.01), 9), (0.01, 0.3, 0.99)):
        assert Anywhere().needed(zeta, ell, h) < Anywhere().for_the_tail(zeta, ell, h)


SAMPLED = [mutant for mutant in a_priori.MUTANTS if mutant.subject.tasks]


@pytest.mark.parametrize("mutant", SAMPLED, ids=lambda mutant: mutant.name)
def test_a_mutant_with_a_task_of_its_own_is_refuted_by_how_often_it_fails(mutant):
    found = judge(check_of(CLAIM.id, "numeric"), mutant.subject, FEW).counterexample
    assert found.where.startswith("contexts of") and int(found.got) > int(found.right.removeprefix("at most "))


def test_the_visits_are_counted_from_the_first_state_on():
    P = fractions([["9/10", "1/10"], ["1/10", "9/10"]])
    assert [V.sum(axis=1).tolist() for V in visits(P, 3)] == [[1, 1], [2, 2], [3, 3]] and apart(visits(P, 1)[0]) == 1


# What is planted in the library is found.


PLANTED = {
    "start_effect": lambda right: lambda mrp: right(mrp) * 1.001,
    "n": lambda right: lambda *given: right(*given)._replace(n=right(*given).n + 1),
    "floor": lambda right: lambda *given: right(*given)._replace(floor=right(*given).floor / 2),
    "layers": lambda right: lambda *given: (values + 100 for values in right(*given)),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_an_error_planted_in_the_library_is_found(planted, monkeypatch):
    owner, name = {
        "start_effect": (a_priori.MarkovRewardProcess, "start_effect"),
        "layers": (a_priori, "layers"),
    }.get(planted, (a_priori, "context_needed_from_any_start"))
    monkeypatch.setattr(owner, name, PLANTED[planted](getattr(owner, name)))
    verdict = judge(check_of(CLAIM.id, "numeric"), CLAIM.subject, FEW)
    assert verdict.passed is False and verdict.counterexample, verdict
