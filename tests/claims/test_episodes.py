"""The claim on several trajectories: numbers worked out by hand, what its samplers draw, errors planted in the library."""

from fractions import Fraction as F
from random import Random

import numpy as np
import pytest

from conftest import check_of
from icrl import td
from icrl.algebra.dense import Dense
from icrl.claims.foundations.mask_leak import Leak, leaked_values
from icrl.claims.theorem import episodes
from icrl.claims.theorem.episodes import CUT, SMALLEST, TERMINATED, Episodes, drawn_endings
from icrl.verify.instances.cases import as_batch, as_matrices, iterates
from icrl.verify.instances.episodic import of_walks
from icrl.verify.judging.differences import entries_differ
from icrl.verify.judging.parts import Exactly, first_failure
from icrl.verify.model import Budget
from icrl.verify.routes.edits import Machine, compare_case, unmasked
from icrl.verify.run import judge

FEW = Budget(trials=100)
KINDS = ("symbolic", "exact", "certified", "numeric")
NAN = {"episodes": Episodes(Machine(edit=lambda p, site: p.with_head(V=p.head.V * float("nan"))))}


def test_every_kind_that_can_serve_is_there():
    assert [check.kind for check in episodes.CLAIM.checks] == ["kernel", *KINDS]


def test_two_cut_trajectories_leak_twice():
    """S = 1, r = 0, v_0 = 1, γ = α = ½: κ_h = ¼ each, so 1 + ½ (−¼) − ½ (¼ + ¼) = 5/8; with one column 1 + ¾ (−¼) − ½ ¼ = 11/16."""
    case = SMALLEST[2]
    assert str(case).startswith("T = (0, 0) cut, (0, 0) cut, r = (0, 0), v_0 = (1)")
    [before, after] = iterates(case)
    assert (before[0], after[0]) == (1, F(3, 4))
    assert set(leaked_values(Leak(), case)) == {F(5, 8)}
    assert set(leaked_values(Leak(one_column=True), case)) == {F(11, 16)}
    *_, Z = Machine(edit=unmasked).run(*as_matrices(case))
    assert Z[-1].tolist() == [F(5, 8)] * 4


def test_an_ending_pays_what_it_pays_and_a_cut_looks_on():
    """T = (0, 1), r = 1, v_0 = (0, 1), weights 1, γ = α = ½: ½ (1 + ½) where the trajectory is cut, ½ · 1 where it terminates."""
    first = lambda ended: list(iterates(of_walks([((0, 1), ended)], r=(1,), v=(0, 1), x=((0,), (0,)))))[1][0]
    assert (first(CUT), first(TERMINATED)) == (F(3, 4), F(1, 2))


@pytest.mark.parametrize("longest", [1, 2, 5])
def test_trajectories_fill_the_columns_and_none_is_of_one_state(longest):
    rng = Random(0)
    for columns in [*range(2, 12)] * 20:
        drawn = drawn_endings(columns, longest, rng.randrange)
        lengths = [length for length, _ in drawn]
        assert sum(lengths) + len(drawn) == columns and min(lengths) >= 1 and max(lengths) <= longest + 1


def test_what_is_drawn_is_of_every_sort():
    drawn = [*episodes.rational_cases(episodes.EXACT_GRID), *sum(episodes.float_batches(0, 300), [])]
    told = [case.measures() for case in drawn]
    for trait in ("a termination and a cut", "a state terminal in one place and left in another"):
        assert sum(each[trait] for each in told) >= 100, trait
    assert max(each["trajectories"] for each in told) >= 10 and sum(case.gamma == 1 for case in drawn) >= 50


@pytest.mark.parametrize("mutant", episodes.MUTANTS, ids=lambda mutant: mutant.name)
def test_explicit_symbols_alone_refute_each_mutant(mutant):
    found = (
        first_failure("symbols", episodes.parts(mutant.subject, case), Exactly()) for case in episodes.symbol_cases()
    )
    assert any(found)


def test_a_context_of_one_trajectory_is_the_one_without_endings_to_the_bit():
    [cases] = episodes.float_batches(1, 5)
    one, cut = map(episodes.alone, cases), map(episodes.cut_alone, cases)
    for Z, right in zip(Machine().run(*as_batch(list(cut))), Machine().run(*as_batch(list(one))), strict=True):
        assert np.array_equal(Z, right)
    assert episodes.bits_that_differ(Machine(), cases) == (0.0, None)
    slightly = Machine(edit=lambda p, site: p.with_head(V=p.head.V * (1 + 1e-15)))
    ratio, found = episodes.bits_that_differ(slightly, cases)
    assert ratio == float("inf") and found.where.startswith("layer 1, value row")


# What is planted in the library is found.


def wrong_shift(self, n, like, right=Dense.shift):
    return right(self, n if isinstance(n, int) else [(length, False) for length, _ in n], like)


def wrong_mask(self, n, right=Dense.sources_visible):
    whole = right(self, n)
    return whole if isinstance(n, int) else np.arange(len(whole))[:, None] < len(whole) - 1


def bootstrapping(moves, v, gamma):
    return [r + gamma * v[after] - v[before] for before, r, after, _ in moves]


PLANTED = [(Dense, "shift", wrong_shift), (Dense, "sources_visible", wrong_mask), (td, "_td_errors", bootstrapping)]


@pytest.mark.parametrize("kind", ["exact", "certified", "numeric"])
@pytest.mark.parametrize("place, name, wrong", PLANTED, ids=[name for _, name, _ in PLANTED])
def test_an_error_planted_in_the_library_is_found(kind, place, name, wrong, monkeypatch):
    monkeypatch.setattr(place, name, wrong)
    verdict = judge(check_of("episodes", kind), Episodes(), FEW)
    assert verdict.passed is False and verdict.counterexample, verdict


def test_the_loop_and_the_construction_agree_on_a_context_by_hand():
    """Three trajectories, lengths 2, 1, 1: the last column of each has neither reward nor target."""
    case = of_walks(
        [((0, 1, 0), CUT), ((1, 2), TERMINATED), ((2, 2), CUT)], r=(1, 2, 3, 4), v=(1, 2, 3), x=((0,), (1,), (2,))
    )
    [Z, _] = Machine().run(*as_matrices(case))
    assert Z[1].tolist() == [1, 2, 0, 3, 0, 4, 0]
    assert Z[2].tolist() == [1, F(1, 2), 0, 0, 0, F(3, 2), 0]
    assert compare_case(Machine(), case, "here", entries_differ) is None
