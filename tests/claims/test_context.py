"""The claims about the length of the context: numbers worked out by hand, probabilities counted twice, errors planted in the library."""

from fractions import Fraction as F
from itertools import product
from math import comb, exp, log, sqrt

import numpy as np
import pytest

from conftest import check_of
from icrl.claims.convergence import depth_against_context, explicit_finite_sample, finite_sample
from icrl.claims.convergence.explicit_finite_sample import Bounds, counted, most
from icrl.mrp import MarkovRewardProcess
from icrl.operator import context_needed, operator_from_kernel, worthwhile_depth
from icrl.verify.instances.chains import fractions
from icrl.verify.instances.outcomes import Tally, process
from icrl.verify.model import Budget
from icrl.verify.routes import grouping
from icrl.verify.run import judge

FEW = Budget(trials=100)
MODULES = {module.CLAIM.id: module for module in (explicit_finite_sample, finite_sample, depth_against_context)}


def test_every_kind_that_can_serve_is_there():
    kinds = {id: [check.kind for check in module.CLAIM.checks] for id, module in MODULES.items()}
    sampled = ["exact", "certified", "numeric", "cited"]
    assert kinds == {
        "explicit-finite-sample": ["kernel", *sampled],
        "finite-sample": sampled,
        "depth-against-context": ["kernel", *sampled[:3]],
    }
    for id in ("explicit-finite-sample", "finite-sample"):
        verdict = judge(check_of(id, "cited"), MODULES[id].CLAIM.subject, FEW)
        assert verdict.passed is None and "Fan, Jiang and Sun 2021" in verdict.detail


SAMPLED = [
    (id, mutant)
    for id in ("explicit-finite-sample", "finite-sample")
    for mutant in MODULES[id].MUTANTS
    if mutant.subject.tasks
]


@pytest.mark.parametrize("id, mutant", SAMPLED, ids=[f"{id}-{mutant.name}" for id, mutant in SAMPLED])
def test_a_mutant_with_a_task_of_its_own_is_refuted_by_how_often_it_fails(id, mutant):
    """And not only by a difference from the library."""
    found = judge(check_of(id, "numeric"), mutant.subject, FEW).counterexample
    assert found.where.startswith("contexts of") and int(found.got) > int(found.right.removeprefix("at most "))


def nan(*_):
    return float("nan")


NAN = {
    "explicit-finite-sample": Bounds(carried=lambda P_e, gamma, tau: tau * float("nan")),
    "finite-sample": finite_sample.Published(rate=nan, kappa=nan),
    "depth-against-context": depth_against_context.Depth(rate=nan),
}


# The probabilities.


@pytest.mark.parametrize("leave, start", [((F(1, 3), F(1, 4)), (F(3, 7), F(4, 7))), ((F(1), F(1, 2)), (F(0), F(1)))])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_contexts_are_counted_as_they_would_be_one_by_one(leave, start, n):
    P = [[1 - leave[0], leave[0]], [leave[1], 1 - leave[1]]]
    one_by_one = {}
    for T in product((0, 1), repeat=n + 1):
        moves = tuple(sum((a, b) == (s, u) for a, b in zip(T, T[1:])) for s in (0, 1) for u in (0, 1))
        p = start[T[0]]
        for a, b in zip(T, T[1:]):
            p *= P[a][b]
        one_by_one[moves, T[-1]] = one_by_one.get((moves, T[-1]), 0) + p
    found = {}
    for each in counted(leave, start, n):
        key = tuple(each.moves.ravel().tolist()), each.last
        found[key] = found.get(key, 0) + each.probability
    assert {key: p for key, p in found.items() if p} == {key: p for key, p in one_by_one.items() if p} and sum(
        found.values()
    ) == 1


@pytest.mark.parametrize("horizon", [None, 2])
@pytest.mark.parametrize("n", [1, 2, 4])
def test_contexts_of_episodes_are_counted_as_they_would_be_one_by_one(n, horizon):
    given = process(
        [("1/2", 1, 1), ("1/4", 0, 0), ("1/4", 2, None)],
        [("2/3", 0, 0), ("1/3", 1, None)],
        gamma=1,
        start=["1/3", "2/3"],
        horizon=horizon,
    )
    one_by_one = {}
    for path in product(range(len(given.pairs)), repeat=n):
        p, place, seen, cut = F(1), None, [0] * 5, [0] * 5
        for k, (i, (s, each)) in enumerate((i, given.pairs[i]) for i in path):
            p *= (given.start[s] if place is None else F(place[0] == s)) * each.probability
            age = 1 if place is None else place[1] + 1
            ends = each.follows is None or age == horizon or k == n - 1
            seen[i], cut[i] = seen[i] + 1, cut[i] + (ends and each.follows is not None)
            place = None if ends else (each.follows, age)
        key = Tally(tuple(seen), tuple(cut))
        one_by_one[key] = one_by_one.get(key, 0) + p
    found, stopped = given.tallied(n)
    assert found == {key: p for key, p in one_by_one.items() if p} and sum(found.values()) == 1 and stopped == 0


def test_draws_are_thrown_away_and_contexts_stopped():
    """Two throws of a coin: none, one or two of the 1s are kept; a 1 comes before the end with probability 3/4."""
    coin = explicit_finite_sample.COIN.process
    kept = coin.tallied(2, kept=lambda reward: reward > 0)[0]
    assert {tally.seen: p for tally, p in kept.items()} == {(0, 0): F(1, 4), (0, 1): F(1, 2), (0, 2): F(1, 4)}
    assert coin.tallied(2, stops=lambda tally: tally.seen[1] > 0)[1] == F(3, 4)


def test_one_state_that_goes_on_or_not_is_rarely_right():
    """v^π = 4/3, and v_CE is that where 5 of 10 go on."""
    trial = explicit_finite_sample.GOING_ON
    tallies = trial.process.tallied(trial.n)[0]
    wrong = [
        p for tally, p in tallies.items() if explicit_finite_sample.of_tally(Bounds(), trial.process, tally).error[0]
    ]
    assert explicit_finite_sample.true_value(trial.process)[0] == F(4, 3)
    assert sum(wrong) == 1 - F(comb(10, 5), 2**10) and round(float(sum(wrong)), 3) == 0.754


def test_a_rule_that_stops_where_the_bound_fails_is_noticed():
    """With ln 3 in the place of its logarithm, a coin that has been thrown up to 31 times is beyond the bound at some time, but seldom at the end."""
    narrow = Bounds(unplanned=lambda size, count, delta: F(3))
    found = judge(check_of("explicit-finite-sample", "certified"), narrow, FEW).counterexample
    assert found.where.startswith("probability that the bound for any stopping rule") and found.asserted == (
        "stopping",
    )


def test_what_is_counted_is_what_is_simulated():
    """The library's process in floats has the value and the ranges of the rational one."""
    for trial in explicit_finite_sample.PROCESSES:
        size, mrp = trial.process.size, trial.process.mrp()
        exact = explicit_finite_sample.true_value(trial.process), explicit_finite_sample.ranges(Bounds(), trial.process)
        assert mrp.value()[:size] == pytest.approx(exact[0].astype(float))
        assert explicit_finite_sample.ranges_of(Bounds(), mrp)[:size] == pytest.approx([float(x) for x in exact[1]])


def test_g_on_the_worked_instance():
    """κ = 1, h = 10(.95 − .85)/(.15 · 19 + .85) = 10/37, so max{1/(2h²), 2/μ²} = 8: n = ⌈8 ln 60⌉ = 33, F_33 = √(ln 120 / 16.5) = .539."""
    task = explicit_finite_sample.two_states(explicit_finite_sample.WORKED, "worked")
    needs = explicit_finite_sample.population(Bounds(), task)
    assert (
        Bounds().asked(needs, log(60)) == pytest.approx(8 * log(60))
        and context_needed(task.mrp, task.x, 0.2, 0.1).n == 33
    )
    assert needs == pytest.approx((2, 0, 10 / 37, 0.5, 1)) and sqrt(log(120) / 16.5) == pytest.approx(0.5387, abs=1e-4)
    worked = explicit_finite_sample.WORKED
    fails = explicit_finite_sample.beyond_G(33, explicit_finite_sample.to_ball(F(539, 1000)))
    p = explicit_finite_sample.probability_of_failure(worked, worked.mu, 33, fails)
    assert round(float(p), 5) == 0.00132  # of the .1 allowed: most of it contexts with M̂(s, s) < m_0


def test_the_constants_of_g_are_not_sharp():
    """A quarter of n as the rarest state asks for it, and half of F_n: G as counted still fails with less than δ on the worked chain."""
    ball, worked = explicit_finite_sample.to_ball, explicit_finite_sample.WORKED
    fails = explicit_finite_sample.beyond_G(29, ball(F(57, 200)))  # ⌈6.845 ln 60⌉ = 29, √(ln 120 / 14.5)/2 = .287
    assert explicit_finite_sample.probability_of_failure(worked, worked.mu, 29, fails) < worked.delta
    assert sqrt(log(120) / 14.5) / 2 > 57 / 200 and 29 > 37**2 / 200 * log(60) > 28


def test_a_chain_of_one_state_has_lambda_0():
    task = explicit_finite_sample.Task("alone", MarkovRewardProcess([[1.0]], [1.0], 0.5), np.ones((1, 1)), margin=0.2)
    needs = explicit_finite_sample.population(Bounds(), task)
    assert needs == pytest.approx((1, 0, 1, 1, 0))
    needed = context_needed(task.mrp, task.x, 0.2, 0.1)
    assert needed.n == 7 and needed.floor == 0 and 6 < 2 * log(30) < 7


def test_f_is_put_to_every_start(monkeypatch):
    """One that fails from state 1 alone is found by counting, and one that fails from the rarest state alone by sampling."""
    true = explicit_finite_sample.probability_of_failure
    monkeypatch.setattr(
        explicit_finite_sample,
        "probability_of_failure",
        lambda pair, start, n, fails: F(1) if list(start) == [0, 1] and pair.n else true(pair, start, n, fails),
    )
    found = judge(check_of("explicit-finite-sample", "certified"), Bounds(), FEW).counterexample
    assert "S_0 distributed as (0, 1)" in found.instance and found.where.startswith("probability that F fails")
    monkeypatch.setattr(
        explicit_finite_sample,
        "failures_of_F",
        lambda claim, task, given, floor: len(floor) * (len(set(given.states[:, 0])) == 1),
    )
    found = judge(check_of("explicit-finite-sample", "numeric"), Bounds(), FEW).counterexample
    assert "F, from one state," in found.where


def test_without_kappa_most_contexts_miss_a_state():
    """A switch in a hundred: .99³³ = .718 of the contexts never leave the state they start in; others are in its neighbour too little."""
    slow = explicit_finite_sample.SLOW
    no_switch = lambda _, each: each.moves[0, 1] + each.moves[1, 0] == 0
    once = explicit_finite_sample.probability_of_failure(slow, slow.mu, 33, no_switch)
    found = judge(
        check_of("explicit-finite-sample", "certified"), explicit_finite_sample.MUTANTS[0].subject, FEW
    ).counterexample
    assert once == F(99, 100) ** 33 and round(float(once), 3) == 0.718 and float(found.got) > float(once)


@pytest.mark.parametrize("pair", explicit_finite_sample.PAIRS[-2:])
def test_what_g_depends_on_is_the_same_in_balls_and_in_floats(pair):
    task = explicit_finite_sample.two_states(pair, "here")
    assert explicit_finite_sample.population(Bounds(), task) == pytest.approx(
        [float(x) for x in explicit_finite_sample.needs_of(Bounds(), pair)]
    )


@pytest.mark.parametrize("count, delta", [(100, 0.1), (200, 0.01), (150, 0.4), (30, 0.5)])
def test_the_binomial_quantile(count, delta):
    p = F(str(delta))
    above = lambda k: sum(comb(count, i) * p**i * (1 - p) ** (count - i) for i in range(k + 1, count + 1))
    k = most(count, delta)
    assert above(k) <= F(1, 10**6) < above(k - 1)


def off(given):
    """How far the frequencies of a context are from its μ."""
    counts = np.bincount(given.states[:-1], minlength=len(given.r))
    return explicit_finite_sample.total_variation(
        fractions([F(int(count), len(given.states) - 1) for count in counts]), given.mu
    )


def test_every_part_of_the_room_is_put_to_the_test():
    """Random contexts with every state visited, some with frequencies within h_s of μ."""
    full = [
        given for given in explicit_finite_sample.rational_instances() if len(set(given.states)) == len(given.r) > 1
    ]
    inside = [
        off(given) <= explicit_finite_sample.room(given.E, given.mu, s, given.m_0)
        for given in full
        for s in range(len(given.r))
    ]
    assert len(full) >= 6 and sum(inside) >= 12


# The published form.


def test_students_quantile():
    """From the tables: 3.659 at 29 degrees of freedom, 636.6 at 1, and the normal 3.29 in the limit."""
    assert [round(finite_sample.student(k), 3) for k in (29, 10)] == [3.659, 4.587]
    assert finite_sample.student(10**5) == pytest.approx(3.2905, abs=1e-3)


def test_near_delta_one_a_start_can_be_kept_for_ever():
    """T = (0, 1), r = 0: v(0) − v(1) stays what it was after a million layers, so no c₂ will do for every v_0."""
    layer = operator_from_kernel([0, 1], [0.0], [[19.0, 1.0], [1.0, 19.0]], 0.5)
    v = layer.iterate([1e6, 0.0], 1.0, 10**6)
    assert v[0] - v[1] == pytest.approx(1e6)


def test_the_constants_give_what_g_asks_for():
    """(1 + ln 3|S| / ln 2) ln(1/δ) ≥ ln(3|S|/δ) for δ ≤ 1/2, with equality there; not beyond."""
    for size, delta in product((1, 2, 9), (1e-9, 0.1, 0.5)):
        assert (1 + log(3 * size) / log(2)) * log(1 / delta) >= log(3 * size / delta) * (1 - 1e-15)
    assert (1 + log(6) / log(2)) * log(1 / 0.6) < log(6 / 0.6)


# Depth.


def test_a_layer_can_move_by_all_of_it():
    """E = I, T = (0, 1, 0), γ = 1/2, α = 1: from (1, −1), with F = 1 and L* = 0, to (−1/2, 1/2)."""
    layer = operator_from_kernel([0, 1, 0], [F(0), F(0)], [[F(1), F(0)], [F(0), F(1)]], F(1, 2))
    assert layer.margin == F(1, 2) and layer.update([F(1), F(-1)], F(1)).tolist() == [F(-1, 2), F(1, 2)]


@pytest.mark.parametrize("states, depth", [([1] * 5, 0), ([1] * 5 + [0, 1] * 6, 4)])
def test_four_times_the_context_can_ask_for_more_than_half_of_f_does(states, depth):
    """γ = 1/2, α = 1, own scores 8, r = (1, 0), F = .4/√n: the second context is four times the first and may have 2 layers more, with the same e_0."""
    n, rewards = len(states) - 1, [float(s == 0) for s in states[:-1]]
    size = len(set(states))
    layer = operator_from_kernel(states, rewards, np.exp(8 * np.eye(size)), 0.5)
    first = float(np.abs(layer.certainty_equivalence()).max())
    assert worthwhile_depth(first, 0.4 / sqrt(n), 1 - layer.margin) == depth
    assert depth_against_context.least_depth(first, 0.4 / sqrt(n), 1 - layer.margin) == depth
    assert depth_against_context.Depth.halved(1 - layer.margin) <= 2


def test_depths_by_trial():
    least_depth, rounded_down = depth_against_context.least_depth, depth_against_context.rounded_down
    assert [least_depth(F(8), F(floor), F(1, 2)) for floor in (9, 8, 7, 1)] == [0, 0, 1, 3]
    assert [rounded_down(F(8), F(floor), F(1, 2)) for floor in (9, 8, 7, 1)] == [0, 0, 0, 3]
    assert least_depth(F(8), F(1), F(0)) == 1
    with pytest.raises(ValueError, match="no depth below 64"):
        least_depth(1.0, 1e-300, 0.9)


# What is planted in the library is found.


PLANTED = [
    ("explicit-finite-sample", "value_floor", lambda right: lambda *given: right(*given) * (1 + 1e-6)),
    ("explicit-finite-sample", "target_floor", lambda right: lambda *given: right(*given) * (1 + 1e-6)),
    (
        "explicit-finite-sample",
        "context_needed",
        lambda right: lambda *given: right(*given)._replace(n=right(*given).n + 1),
    ),
    (
        "explicit-finite-sample",
        "context_needed",
        lambda right: lambda *given: right(*given)._replace(floor=right(*given).floor / 2),
    ),
    ("explicit-finite-sample", "values_at_depth", lambda right: lambda *given: right(*given) + 100),
    ("finite-sample", "values_at_depth", lambda right: lambda *given: right(*given) + 100),
    ("depth-against-context", "worthwhile_depth", lambda right: lambda *given: right(*given) + 1),
]


@pytest.mark.parametrize(
    "id, name, wrong", PLANTED, ids=[f"{id}-{name}-{i}" for i, (id, name, _) in enumerate(PLANTED)]
)
def test_an_error_planted_in_the_library_is_found(id, name, wrong, monkeypatch):
    module = explicit_finite_sample if id == "finite-sample" else MODULES[id]
    monkeypatch.setattr(module, name, wrong(getattr(module, name)))
    verdict = judge(check_of(id, "numeric"), MODULES[id].CLAIM.subject, FEW)
    assert verdict.passed is False and verdict.counterexample, verdict


@pytest.mark.parametrize("kind", ["exact", "certified", "numeric"])
def test_an_error_planted_in_the_transformer_is_found(kind, monkeypatch):
    right = grouping.values
    monkeypatch.setattr(
        grouping,
        "values",
        lambda case, *machine: [v + len(v) * layer for layer, v in enumerate(right(case, *machine))],
    )
    verdict = judge(check_of("depth-against-context", kind), depth_against_context.Depth(), FEW)
    assert verdict.passed is False and verdict.counterexample, verdict


def test_the_cited_inequality_is_tried_where_it_is_tight_enough_to_matter():
    """Two steps of P = 1/2: both are in state 0 with probability 1/4, and exp(−2 · 2 · (1/2)²) = .368 is not far above."""
    worked = explicit_finite_sample.WORKED
    assert (
        explicit_finite_sample.probability_of_failure(worked, worked.mu, 2, lambda _, each: each.moves[0].sum() == 2)
        == F(1, 4)
        < exp(-1)
    )


def test_a_pair_tells_the_n_asked_of_f_or_the_scores_asked_of_g():
    of_n, of_scores = explicit_finite_sample.LUCKY.measures(), explicit_finite_sample.WORKED.measures()
    assert set(of_n) == {"γ", "δ", "n"} and of_n["n"] == 1
    assert set(of_scores) == {"γ", "δ", "E(s, s)", "c"} and of_scores["γ"] == F(1, 2)
