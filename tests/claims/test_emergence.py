"""Values by state, and what training finds: hand-worked numbers, errors that must be found, and what the controls show instead."""

from dataclasses import replace
from fractions import Fraction as F
from itertools import islice

import numpy as np
import pytest

from icrl import state_form as library
from icrl.claims.emergence import emergence, state_form
from icrl.pretrain import readings
from icrl.verify.model import Budget, Verdict
from icrl.verify.pages.status import box
from icrl.verify.run import judge

FEW = Budget(trials=20)
STATE, EMERGENCE = state_form.CLAIM, emergence.CLAIM
CHECKS = {check.kind: check for check in STATE.checks if check.kind != "kernel"}


def test_equal_states_part_where_attention_reads_rewards():
    """T = (0, 0, 0), r = (1, 0): column 0 weighs the keys 2 : 1, column 1 and the query 1 : 1."""
    form = state_form.Form(edit=state_form.also_read_rewards)
    assert state_form.in_columns(form, state_form.TWICE_PAID)[1].tolist() == [F(2, 3), F(1, 2), F(1, 2), F(1, 2)]


def test_a_layer_read_as_a_task_by_hand():
    """T = (0, 0), r = 1, v_0 = 1, γ = ½, w = (1, 1, −2): α = 2, γ̃ = ¼, η = ½, and 1 + 2(½ + ¼ − 1) = ½, as 1 + 1 + ½ − 2 is."""
    w = (F(1), F(1), F(-2))
    assert state_form.library_reading(w, F(1, 2)) == (2, F(1, 4), F(1, 2))
    given = state_form.small((0, 0), w, r=(1,), v=(1,))
    truth = state_form.in_columns(state_form.Form(), given)
    assert truth[1].tolist() == [F(1, 2)] * 3
    assert [(part.got, part.right) for part in state_form.as_another_task(state_form.Form(), given, truth, 1.0)] == [
        (F(1, 2), F(1, 2))
    ]


def test_the_gain_by_hand():
    """w = (3, 2, 1), γ = ½: q = 3, and 3(1 + 3 + 9) = 39 after three layers, in every column."""
    parts = list(
        state_form.on_constants(state_form.Form(), state_form.small((0, 1, 1), (3, 2, 1), r=(0, 5), v=(7, 0), depth=3))
    )
    assert (
        [part.got for part in parts]
        == [part.right for part in parts]
        == [layer for layer in (0, 3, 12, 39) for _ in range(5)]
    )


def test_a_layer_that_does_not_take_its_value_off_is_not_read():
    given = state_form.small((0, 0), (1, 1, 0), r=(1,))
    assert not list(
        state_form.as_another_task(state_form.Form(), given, state_form.in_columns(state_form.Form(), given), 1.0)
    )


@pytest.mark.parametrize("name", ["reading", "gain"])
@pytest.mark.parametrize("kind", CHECKS)
def test_what_pretraining_reads_off_the_weights_is_what_is_checked(kind, name, monkeypatch):
    right = getattr(readings, name)
    monkeypatch.setattr(
        readings, name, lambda w, *rest: right([entry * (10**9 + 1) / 10**9 for entry in w[:2]] + [w[2]], *rest)
    )
    verdict = judge(CHECKS[kind], STATE.subject, FEW)
    assert verdict.passed is False and verdict.counterexample, verdict


def test_the_attentions_gradient_is_seen_by_the_numeric_check_alone():
    mutant = next(mutant for mutant in STATE.mutants if mutant.unseen)
    found = judge(CHECKS["numeric"], mutant.subject, FEW).counterexample
    assert (
        found.where == "the gradient by A, through the state form"
        and judge(CHECKS["exact"], mutant.subject, FEW).passed
    )


def nan_layers(protocol, seed):
    """Parameters that are not numbers."""
    import torch

    return {
        "V": torch.full((1, 3), float("nan"), dtype=torch.float64),
        "A": torch.eye(protocol.d, dtype=torch.float64)[None],
    }


NAN = {
    "state-form": state_form.Form(model=lambda given: given._replace(reward=given.reward * float("nan"))),
    "emergence": replace(EMERGENCE.subject, train=nan_layers),
}


# What is planted in the library is found.


@pytest.mark.parametrize("kind", CHECKS)
def test_a_layer_map_that_is_off_by_little_is_found(kind, monkeypatch):
    right = library.layer_map
    monkeypatch.setattr(library, "layer_map", lambda *given: tuple(X * (10**9 + 1) / 10**9 for X in right(*given)))
    verdict = judge(CHECKS[kind], STATE.subject, FEW)
    assert verdict.passed is False and verdict.counterexample, verdict


@pytest.mark.parametrize("kind", CHECKS)
def test_the_librarys_own_iteration_is_compared_too(kind, monkeypatch):
    right = library.values
    monkeypatch.setattr(library, "values", lambda *given: (v + v / 10**9 for v in right(*given)))
    verdict = judge(CHECKS[kind], STATE.subject, FEW)
    assert verdict.passed is False and "by icrl.state_form.values" in verdict.counterexample.where


@pytest.mark.parametrize("route", ["token_values", "state_values"])
def test_both_routes_of_pretraining_are_compared(route, monkeypatch):
    network = pytest.importorskip("icrl.pretrain.network")
    right = getattr(network, route)
    monkeypatch.setattr(network, route, lambda *given: (v * (1 + 1e-9) for v in right(*given)))
    verdict = judge(CHECKS["numeric"], STATE.subject, FEW)
    assert verdict.passed is False and verdict.counterexample.instance == "8 boyan tasks"


def test_a_route_that_stops_early_fails(monkeypatch):
    right = library.values
    monkeypatch.setattr(library, "values", lambda *given: islice(right(*given), 1))
    assert "is longer than" in judge(CHECKS["exact"], STATE.subject, FEW).detail


@pytest.mark.parametrize("updates, where", [(2, "by softmax TD"), (1, "by softmax TD of another task")])
def test_the_loop_of_softmax_td_is_compared_with(updates, where, monkeypatch):
    """Of all layers where w = α(1, 1, −1), and of each layer by itself."""
    right = state_form.td.softmax_td
    planted = lambda *given: ({s: x + (len(given[4]) == updates) for s, x in v.items()} for v in right(*given))
    monkeypatch.setattr(state_form.td, "softmax_td", planted)
    verdict = judge(CHECKS["exact"], STATE.subject, FEW)
    assert verdict.passed is False and verdict.counterexample.where.endswith(where)


def test_the_contexts_are_of_every_sort():
    exact = list(state_form.rational_instances())
    floats = list(islice(state_form.float_instances(np.random.default_rng(0)), 200))
    assert len(floats[0].features) == 16 and len(floats[0].rewards) == 200
    for instances in (exact, floats):
        unseen = [given for given in instances if len(set(given.states)) < len(given.features)]
        dead_ends = [given for given in instances if given.states[-1] not in given.states[:-1]]
        assert len(unseen) > len(instances) // 4 and len(dead_ends) > 3
        assert (
            sum(given.v.any() for given in instances) > len(instances) // 4
            and sum(not given.v.any() for given in instances) > len(instances) // 4
        )
        assert any(given.gamma < 0 for given in instances) and any(given.features.shape[1] == 0 for given in instances)
        assert (
            sum(w.value < 0 and w[:3] != (-w.value, -w.value, w.value) for given in instances for w in given.layers)
            > len(instances) // 4
        )
    assert sum(given.layers[0][:3] == (a := given.layers[0].reward, a, -a) for given in exact) >= 10


# Emergence. The verdicts below need no training: what is trained is given.


AS_TRAINED = {6: (1.2, 1.4, -1.2), 20: (1.0, 1.0, -1.0)}  # by the protocol's depth, w about as training leaves it


def given(sharpness=2.5, times=1.0, rows=AS_TRAINED):
    """Emergence of parameters like the learned ones: A = ``sharpness`` I, w ``times`` what is given."""
    torch, network = pytest.importorskip("torch"), pytest.importorskip("icrl.pretrain.network")

    def train(protocol, seed):
        return {
            "V": times * torch.tensor([rows[protocol.depth]], dtype=torch.float64),
            "A": network.construction(protocol.d, 1.0, sharpness)["A"],
        }

    return replace(EMERGENCE.subject, controls=(), train=train)


def found(subject, trials=1):
    """Where the check finds it wrong."""
    verdict = judge(EMERGENCE.checks[0], subject, Budget(trials=trials))
    assert verdict.passed is False and verdict.counterexample, verdict
    return verdict.counterexample.where


def test_parameters_like_those_pass():
    verdict = judge(EMERGENCE.checks[0], given(), Budget(trials=1))
    assert verdict.passed and "seed 0 of each" in verdict.detail


def test_the_pattern_in_a_control_is_found():
    assert found(replace(given(), controls=EMERGENCE.subject.controls[:1])) == "the lesser of the two cosines"


@pytest.mark.parametrize(
    "changes, where",
    [
        ({"sharpness": 1.0}, "β, the mean of A's diagonal"),
        ({"sharpness": 4.0}, "β, the mean of A's diagonal"),
        ({"times": 0.8}, "α, (w_r + w_t − w_v)/3"),
        ({"times": 1.3}, "α, (w_r + w_t − w_v)/3"),
        ({"rows": AS_TRAINED | {6: (1.27, 1.33, -1.2)}}, "w_t − w_r"),
        ({"rows": AS_TRAINED | {6: (1.2, 1.36, -1.22)}}, "γw_t + w_v"),  # .9 · 1.36 − 1.22 = .004
    ],
)
def test_what_lies_outside_the_ranges_fails(changes, where):
    assert found(given(**changes)) == where


def test_predictions_that_are_no_better_than_0_fail():
    """Cosines and scales as they should be, but w_t a fifth larger than w_r: 1 + γw_t + w_v > 1, and depth diverges."""
    at_depth = replace(given(rows={20: (1.2, 1.44, -1.2)}), experiments=(emergence.AT_ANY._replace(depth=100),))
    assert found(at_depth) == "median relative error against the true value at depth 100"


def test_what_is_measured_is_measured_again():
    """w = (3, 0, −4) has the cosine 7/(5√3) with (1, 1, −1), and A = ((1, 1), (1, 1)) has 2/(2√2) with I."""
    torch = pytest.importorskip("torch")
    from icrl.pretrain.metrics import pattern

    learned = {
        "V": torch.tensor([[3.0, 0.0, -4.0]], dtype=torch.float64),
        "A": torch.ones(1, 2, 2, dtype=torch.float64),
    }
    seen = pattern(learned)
    right = seen._replace(cosine_V=7 / (5 * 3**0.5), cosine_A=0.5**0.5)
    assert all(part.got < 1e-15 for part in emergence.measured_again(learned, right))
    assert all(part.got > 0.1 for part in emergence.measured_again(learned, right._replace(cosine_V=1.0, cosine_A=1.0)))


def absolute(X, Y):
    """A cosine of absolute values."""
    return float(abs(X * Y).sum() / (np.linalg.norm(X) * np.linalg.norm(Y)))


def of_diagonals(X, Y):
    """A cosine that does not see what is off A's diagonal."""
    return right_cosine(np.diag(np.diag(X)), Y) if X.ndim == 2 else right_cosine(X, Y)


def right_cosine(X, Y):
    return float((X * Y).sum() / (np.linalg.norm(X) * np.linalg.norm(Y)))


PLANTED = {
    "a cosine of absolute values": ("cosine", lambda right: absolute, "cosine of V's last row by"),
    "a cosine that sees A's diagonal alone": ("cosine", lambda right: of_diagonals, "cosine of A's block by"),
    "another discount": (
        "true_value",
        lambda right: lambda batch: right(batch._replace(discount=0.8)),
        "v^π by icrl.pretrain.losses",
    ),
    "errors without μ": (
        "sizes",
        lambda right: lambda u, batch: (u**2).sum(-1),
        "median relative error against the true value at depth 10 by",
    ),
    "α and β not fitted": ("fitted", lambda right: lambda *given: (1.0, 2.5), "least mean square difference near"),
    "errors that are off by little": (
        "task_errors",
        lambda right: lambda *given: right(*given) * (1 + 1e-6),
        "median relative error against the true value",
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_an_error_planted_in_what_is_measured_is_found(name, monkeypatch):
    metrics, losses = (pytest.importorskip(f"icrl.pretrain.{name}") for name in ("metrics", "losses"))
    entry, plant, where = PLANTED[name]
    subject = replace(given(rows={20: (1.2, 1.0, -1.1)}), experiments=emergence.CLAIMED[2:3])
    train = subject.train

    def slanted(protocol, seed):
        learned = train(protocol, seed)
        learned["A"][0, 0, 1] = learned["V"][0, 0] / 10  # off the diagonal
        if name == "a cosine of absolute values":
            learned["V"][0, 1] *= -1
        return learned

    subject = replace(subject, train=slanted, experiments=(subject.experiments[0]._replace(cosine_V=-1.0),))
    home = losses if entry == "true_value" else metrics
    monkeypatch.setattr(home, entry, plant(getattr(home, entry)))
    assert found(subject).startswith(where)


def test_values_like_those_of_softmax_td_fail_where_that_is_denied(monkeypatch):
    metrics = pytest.importorskip("icrl.pretrain.metrics")
    monkeypatch.setattr(metrics, "agreement", lambda *given: metrics.Agreement(1.2, 2.5, 0.2, 1.0))
    subject = replace(given(), experiments=emergence.CLAIMED[:1])
    assert found(subject) == "median relative difference to the values of softmax TD at depth 6"


def test_one_seed_for_a_hundred_trials():
    assert [list(emergence.seeds(Budget(trials=trials, seed=3))) for trials in (None, 1, 100, 101, 300)] == [
        [3, 4],
        [3],
        [3],
        [3, 4],
        [3, 4, 5],
    ]


def test_a_mutant_stops_at_the_first_seed_that_fails():
    seen = []

    def train(protocol, seed):
        seen.append(seed)
        return given(sharpness=1.0).train(protocol, seed)

    verdict = judge(EMERGENCE.checks[0], replace(EMERGENCE.subject, train=train), Budget(trials=500))
    assert verdict.counterexample and seen == [0]


def test_a_run_that_diverges_fails_without_refuting():
    def train(protocol, seed):
        raise ArithmeticError("training diverged at step 3")

    verdict = judge(EMERGENCE.checks[0], replace(EMERGENCE.subject, train=train), Budget())
    assert verdict == Verdict(False, "raised ArithmeticError: training diverged at step 3")


def test_the_statement_says_what_was_trained():
    text = " ".join(box(EMERGENCE).split())
    budgets = (
        "300 steps of 32 tasks from rate 0.1 with 6 layers",
        "400 steps of 32 tasks from rate 0.05",
        "from 2 to 20",
        "2 seeds of each of the 4",
    )
    for said in (
        *budgets,
        "at least 0.99",
        "between 1.2 and 3.5",
        "between 1.05 and 1.5",
        "0.3 or more",
        "\\ge 1.02",
        "of 10 states",
        "a context of 30 transitions",
        "at or below 0.9",
        "(eq-emergence)",
    ):
        assert said in text, said
    for experiment in emergence.CLAIMED:
        protocol = experiment.protocol
        assert (
            protocol.n_states,
            protocol.n,
            protocol.discount,
            protocol.init,
            protocol.clip,
            protocol.loss,
            protocol.optimiser,
        ) == (10, 30, 0.9, 0.02, 1.0, "td", "adam")
        assert (protocol.trained, protocol.layers, protocol.control, protocol.decay) == ("masked", "tied", "none", 0.0)


# What the controls show instead


@pytest.fixture(scope="module")
def learned():
    """The parameters that each control ends with, one seed."""
    torch = pytest.importorskip("torch")
    with state_form.one_thread(torch):
        return {
            mutant.name: emergence.trained(mutant.subject.experiments[0].protocol, 5)
            for mutant in EMERGENCE.mutants[:4]
        }


def test_without_discount_nothing_moves_the_target_and_the_rest_is_as_it_was(learned):
    from icrl.pretrain.metrics import pattern

    w_r, w_t, w_v = learned["γ = 0 in training"]["V"][0].tolist()
    assert abs(w_t) < 0.1 and w_r > 1 and w_v < -1 and pattern(learned["γ = 0 in training"]).cosine_A > 0.99


def test_labels_of_another_task_teach_to_predict_0(learned):
    import torch

    from icrl.pretrain.network import values
    from icrl.pretrain.results import held_out

    batch = held_out(emergence.BOYAN)
    with torch.no_grad():
        v = values(learned["labels from another task in training"], batch, 6)
    assert float((batch.stationary * v**2).sum(-1).median()) < 0.01


def test_attention_held_uniform_gives_every_state_one_value(learned):
    import torch

    from icrl.pretrain.network import values
    from icrl.pretrain.results import held_out

    batch = held_out(emergence.BOYAN)
    with torch.no_grad():
        v = values(learned["attention held uniform in training"], batch, 6)
    assert float((v.max(-1).values - v.min(-1).values).max()) < 1e-9 * float(v.abs().max())


def test_shuffled_rewards_teach_neither_direction(learned):
    from icrl.pretrain.metrics import pattern

    seen = pattern(learned["rewards shuffled against the states in training"])
    assert seen.cosine_V < 0.7 and seen.cosine_A < 0.7
