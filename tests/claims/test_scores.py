"""The decoder's mask, the scores and what no layer sees of them: hand-worked numbers, planted errors, contexts that test what they say."""

from dataclasses import replace
from fractions import Fraction as F
from itertools import islice

import numpy as np
import pytest

from conftest import check_of
from icrl import td
from icrl.claims.family import causal_mask, identifiability, score_functions
from icrl.exercises import decoder_mask as exercises
from icrl.verify.instances.cases import smallest
from icrl.verify.model import Budget
from icrl.verify.routes import exact_algebra, grouping
from icrl.verify.routes.edits import Machine
from icrl.verify.run import judge

FEW = Budget(trials=20)
CLAIMS = {module.CLAIM.id: module.CLAIM for module in (causal_mask, score_functions, identifiability)}


def test_every_kind_that_can_serve_is_there():
    kinds = {id: [check.kind for check in claim.checks] for id, claim in CLAIMS.items()}
    with_balls = ["kernel", "symbolic", "exact", "certified", "numeric"]
    assert kinds == {
        "causal-mask": with_balls,
        "score-functions": with_balls,
        "identifiability": ["kernel", "symbolic", "exact", "numeric"],
    }


NAN = {
    "causal-mask": causal_mask.Decoder(diagonal=lambda *_: float("nan"), growth=lambda *_: float("nan")),
    "score-functions": score_functions.Scores(weight=lambda power, a, b: float("nan") * a),
    "identifiability": identifiability.Null(product=lambda key, D, query: float("nan") * (key.T @ D @ query)),
}


# What is planted in the library is found.


@pytest.mark.parametrize("kind", ["exact", "certified", "numeric"])
def test_an_error_planted_in_the_loop_is_found(kind, monkeypatch):
    monkeypatch.setattr(
        td,
        "decoder_td",
        lambda *given: ([value + len(v) * layer for value in v] for layer, v in enumerate(LOOP(*given))),
    )
    verdict = judge(check_of("causal-mask", kind), causal_mask.Decoder(), FEW)
    assert verdict.passed is False and verdict.counterexample


LOOP = td.decoder_td


@pytest.mark.parametrize("kind", ["exact", "numeric"])
@pytest.mark.parametrize("id", ["score-functions", "identifiability"])
def test_an_error_planted_in_the_transformer_is_found(id, kind, monkeypatch):
    true = grouping.values
    monkeypatch.setattr(
        grouping, "values", lambda case, *machine: [v * (1 + layer) for layer, v in enumerate(true(case, *machine))]
    )
    verdict = judge(check_of(id, kind), CLAIMS[id].subject, FEW)
    assert verdict.passed is False and verdict.counterexample


# The decoder by hand.


def test_one_state_and_one_transition():
    """v_L = ((1 + αγ)^L − 1)/γ in column 1, and 0 in column 0."""
    rows = causal_mask.columns(causal_mask.masked(causal_mask.earlier), causal_mask.STAY)
    assert [row.tolist() for row in rows] == [[0, 0], [0, F(1, 2)], [0, F(9, 8)], [0, F(61, 32)]]
    assert F(61, 32) == ((1 + F(1, 4)) ** 3 - 1) / F(1, 2)


def test_no_td_error_no_change():
    rows = causal_mask.columns(causal_mask.masked(causal_mask.earlier), causal_mask.QUIET)
    assert all(row.tolist() == [1, 0] for row in rows)


def test_the_triangle_of_the_walk():
    """T = (0, 1, 0), x = (1, 2), E = 1 + t², α = γ = ½: K_1 = (1), K_2 = (2, 5)/7."""
    G = causal_mask.linear_part(causal_mask.masked(causal_mask.earlier), causal_mask.WALK)
    assert G.tolist() == [[1, 0, 0], [F(-1, 2), F(5, 4), 0], [F(-1, 7), F(1, 14) - F(5, 14), 1 + F(5, 28)]]


def test_the_masks():
    assert causal_mask.earlier(2).astype(int).tolist() == [[0, 1, 1], [0, 0, 1], [0, 0, 0]]
    assert causal_mask.up_to_itself(2).astype(int).tolist() == [[1, 1, 1], [0, 1, 1], [0, 0, 0]]
    assert causal_mask.not_the_one_before(2).astype(int).tolist() == [[0, 0, 1], [0, 0, 0], [0, 0, 0]]
    assert causal_mask.all_sources(2).astype(int).tolist() == [[1, 1, 1], [1, 1, 1], [0, 0, 0]]


def test_without_the_transition_before_it_grows_still_but_linearly():
    """κ = 0, the hypothesis E > 0 dropped: T = (0, 1, 2), equal features, r = 1, v_0 = 0: column 2 hears of δ_0 = 1 for ever."""
    case = replace(causal_mask.LATER, v=[F(0)] * 3)
    rows = causal_mask.columns(causal_mask.masked(causal_mask.not_the_one_before), case)
    assert [row.tolist() for row in rows] == [[0, 0, l * F(1, 2)] for l in range(4)]


def test_a_column_that_sees_itself_is_no_triangle():
    """Equal features, n = 2, α = 1, γ = 9/10, the mask k ≤ j: values without TD errors are kept, so 1 is an eigenvalue; the other two are inside the disc."""
    case = replace(smallest((0, 1, 2), r=(0, 0), v=(0, 0, 0), x=((0,), (0,), (0,))), gamma=F(9, 10), alphas=[F(1)])
    G = causal_mask.linear_part(causal_mask.masked(causal_mask.up_to_itself), case)
    half, g = F(1, 2), F(9, 10)
    assert G.tolist() == [[0, g, 0], [-half, half + g * half, g * half], [-half, g * half - half, 1 + g * half]]
    assert (G @ [g * g, g, F(1)]).tolist() == [g * g, g, 1]


def test_float_contexts_of_the_decoder():
    drawn = list(islice(causal_mask.float_contexts(0), 120))
    assert (
        max(case.n for case in drawn) > 18
        and max(case.depth for case in drawn) >= 7
        and min(case.n for case in drawn) <= 2
    )
    assert any(causal_mask.first_errors(case)[0] for case in drawn)


def test_the_columns_at_rest_are_the_returns():
    for rewards, gamma, last in (([1, 0, 2], 0.5, 3), ([0, -1], 0.9, -2)):
        values = exercises.returns(rewards, gamma, last)
        assert np.allclose(exercises.decoded(rewards, values, gamma), values)
    assert exercises.decoded([1], [0, 0], 0.5).tolist() == [0, 1]


# Scores by hand.


def test_minus_the_identity_diverges_at_every_step():
    """T = (0, 1, 0), x = (0, 1), E = 2^{−xx'}, r = 0, γ = ½: H has the eigenvalues ½ and −¼, the latter at (1, −2)."""
    case = score_functions.biased(((0,), (1,)), ((-1,),), r=(0, 0), v=(1, -2), depth=3)
    for step in (F(1, 100), F(1, 2), F(1)):
        values = grouping.values(replace(case, alphas=[step] * 3))
        assert [v.tolist() for v in values] == [[(1 + step / 4) ** l, -2 * (1 + step / 4) ** l] for l in range(4)]


def test_a_skew_matrix_and_two_states():
    """E = ((1, ½), (2, 1)): M̂ has two rows (2, 1)/3; with (1, −2) in its kernel every v with the Bellman error (1, −2) is kept."""
    K = score_functions.attention(score_functions.SKEW)
    assert K.tolist() == [[F(2, 3), F(1, 3)]] * 2


def test_a_skew_matrix_and_three_states():
    """The statement for two states does not hold for three: x = (1, 0), (0, 1), (−1, −1), skew A: 2^t with t = ±1, det M̂ ≠ 0."""
    case = score_functions.biased(
        ((1, 0), (0, 1), (-1, -1)), ((0, 1), (-1, 0)), (0, 0, 0), (0, 0, 0), (0, 1, 2, 0), (0, 0, 0), (0, 0, 0)
    )
    M = score_functions.attention(case)
    E = np.array([[1, F(1, 2), 2], [2, 1, F(1, 2)], [F(1, 2), 2, 1]])
    assert (M == E / E.sum(axis=1)[:, None]).all()
    assert 1 + 8 + F(1, 8) - 3 * 1 == F(49, 8) and exact_algebra.invertible(M)  # det E


# Null directions by hand.


def test_one_hot_null_directions():
    """A + 1cᵀ adds c(s) to all scores of query s; A + c1ᵀ adds c(u)."""
    case, c = identifiability.ONE_HOT, np.array([[F(3)], [F(-2)]])
    ones = np.array([[F(1)], [F(1)]])
    K = score_functions.attention(case)
    assert K.tolist() == [[F(2, 3), F(1, 3)], [F(1, 3), F(2, 3)]]
    assert (score_functions.attention(identifiability.changed(case, ones @ c.T)) == K).all()
    assert score_functions.attention(identifiability.changed(case, c @ ones.T)).tolist() == [
        [F(64, 65), F(1, 65)],
        [F(16, 17), F(1, 17)],
    ]


@pytest.mark.parametrize(
    "A, end",
    [
        (((1, 0), (0, 1)), (F(4, 3), F(2, 3))),
        (((0, 0), (0, 0)), (F(1), F(1))),
        (((0, 1), (-1, 0)), (F(4, 3), F(4, 3))),
    ],
)
def test_depth_ends_elsewhere_where_m_hat_is_singular(A, end):
    """T = (0, 1, 0), r = (1, 0), γ = 1/2, α = 1, v_0 = 0, E = 2^t: A = I ends at v_CE, A = 0 and the skew A do not."""
    case = score_functions.doubling(smallest((0, 1, 0), 40, (1, 0), (0, 0), ((1, 0), (0, 1)), A))
    case = replace(case, alphas=[F(1)] * 40)
    last = grouping.values(case)[-1]
    assert [float(v) for v in last] == pytest.approx([float(v) for v in end], abs=1e-6)
    M = grouping.operator_of(case).M
    assert exact_algebra.invertible(M) == (grouping.certainty_equivalence(case).tolist() == list(end))


def test_the_rank_and_what_is_orthogonal():
    for of in (
        lambda rows: np.array([[F(x) for x in row] for row in rows], object),
        lambda rows: np.array(rows, float),
    ):
        rows = of([[1, 1, 0], [2, 2, 0]])
        null = identifiability.orthogonal(rows)
        assert (
            identifiability.rank(rows) == 1 and null.shape == (2, 3) and np.allclose((rows @ null.T).astype(float), 0)
        )
        assert identifiability.orthogonal(rows[:0]).shape == (3, 3) and identifiability.rank(rows[:0]) == 0


def test_logarithms():
    assert [identifiability.logarithm(F(2) ** t) for t in (-3, 0, 5)] == [-3, 0, 5] and identifiability.logarithm(
        np.e
    ) == 1
    with pytest.raises(ValueError, match="ratio must be a power of 2, got 3"):
        identifiability.logarithm(F(3))


def test_contexts_of_every_sort():
    cases = identifiability.STATED.exact(identifiability.Null())
    ranks = {identifiability.rank(np.array(case.features, object)) == case.d for case in cases}
    uncovered = [case for case in cases if case.states[-1] not in case.states[:-1]]
    assert ranks == {True, False} and 4 <= len(uncovered) <= len(cases) - 4 and len(cases) == 18
    drawn = list(islice(identifiability.float_contexts(0), 40))
    assert any(case.states[-1] not in case.states[:-1] for case in drawn) and {case.d for case in drawn} >= {1, 2, 3, 4}
    cases = score_functions.STATED.exact(score_functions.Scores())
    assert len(cases) == 15 and sum(case.states[-1] not in case.states[:-1] for case in cases) == 3
    signs = [_sign(case) for case in cases if len(case.visited) == len(set(case.states[:-1])) == 2]
    assert min(signs.count(sign) for sign in (-1, 0, 1)) >= 2


def _sign(case):
    """The sign of q = (x(s) − x(u))ᵀA(x(s) − x(u)), for the two states of W."""
    x, _, _, A = score_functions.bands(case)
    s, u = case.visited
    apart = [a - b for a, b in zip(x[s], x[u])]
    return int(np.sign(score_functions.product(apart, A, apart, F(0))))


def test_the_encoder_is_the_construction():
    case = causal_mask.WALK
    assert all(
        (a == b).all()
        for a, b in zip(
            causal_mask.columns(Machine(), case), causal_mask.columns(causal_mask.masked(causal_mask.all_sources), case)
        )
    )
