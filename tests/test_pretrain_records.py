"""The records of the book: of the protocols as they are, and what training gives when it is done again.

Which seeds are trained again is drawn anew in every run of the tests. Tolerances: the processor of another machine rounds otherwise,
by 10⁻¹⁶ relative an operation, which training passes on without enlarging it by more than a few powers of ten; parameters and figures
on record have six digits, and the figures are those of the parameters on record. A change of what is trained moves parameters by
more than seeds differ among each other, by a hundredth and more.
"""

import importlib.util
import random
from copy import deepcopy
from dataclasses import replace
from functools import reduce
from operator import getitem

import pytest
import torch

from conftest import ROOT
from icrl.pretrain.metrics import pattern
from icrl.pretrain.network import is_masked
from icrl.pretrain.protocols import PROTOCOLS, Protocol
from icrl.pretrain.results import (
    DEPTHS,
    LENGTHS,
    RECORDED,
    curve,
    figures,
    held_out,
    learned_of,
    outcome,
    predicted,
    read_record,
    record_text,
    recorded,
    summary,
)
from icrl.pretrain.train import train

FRESH = random.SystemRandom()
RETRAINED = ["boyan", "dense", "boyan-regression-from-construction", "dense-full-from-construction"]
RETRAINED += FRESH.sample(
    [name for name, protocol in PROTOCOLS.items() if name not in RETRAINED and protocol.trained == "masked"], 1
)
"""The first two of the book, both ways to start, both ways to mask, and another."""

spec = importlib.util.spec_from_file_location("records", ROOT / "tools" / "records.py")
records = importlib.util.module_from_spec(spec)
spec.loader.exec_module(records)


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_is_on_record_with_twenty_seeds_none_of_which_diverged(name):
    outcomes = recorded(name)
    assert set(range(20)) <= set(outcomes)
    assert not [seed for seed, found in outcomes.items() if "diverged" in found]


def test_a_protocol_of_ones_own_is_put_on_record_and_read(tmp_path):
    """Whatever the file is called, by its head; a change of what is trained is found where it is said what that must be."""
    mine, [seed, found] = Protocol(rate=0.02), next(iter(recorded("boyan").items()))
    path = tmp_path / "anything.json"
    path.write_text(record_text("mine", mine, {seed: found}), "utf-8")
    assert read_record(path) == read_record(str(path)) == read_record(path, mine) == {seed: found}
    with pytest.raises(ValueError, match="with another rate$"):
        read_record(path, PROTOCOLS["boyan"])
    path.write_text(record_text("boyan", mine, {seed: found}), "utf-8")
    with pytest.raises(
        ValueError, match="record must be of the protocol as it is, got .*anything.json with another rate$"
    ):
        read_record(path)
    path.write_text(record_text("mine", mine, {}).replace('"boyan"', '"moon"'), "utf-8")
    with pytest.raises(
        ValueError, match="anything.json: family must be one of boyan, dense, permuted-boyan, got 'moon'$"
    ):
        read_record(path)


def test_what_is_not_there_is_said_plainly(tmp_path):
    with pytest.raises(
        ValueError, match="record must be a file that can be read, got .*none.json: No such file or directory"
    ):
        read_record(tmp_path / "none.json")
    with pytest.raises(
        ValueError, match="name must be one of the book's records, boyan, .*, got 'mine'; read_record reads other files"
    ):
        recorded("mine")


def test_rows_say_at_which_length_and_depth():
    for name, protocol in PROTOCOLS.items():
        for found in recorded(name).values():
            assert [row["n"] for row in found["by_length"]] == list(
                LENGTHS[: 3 if protocol.trained == "full" else None]
            )
            assert [row["depth"] for row in found.get("by_depth", [])] == (
                list(DEPTHS) if protocol.layers == "tied" else []
            )


def test_nothing_else_is_on_record():
    assert sorted(path.name for path in RECORDED.iterdir()) == sorted(f"{name}.json" for name in PROTOCOLS)


@pytest.mark.parametrize("name", RETRAINED, ids=[*RETRAINED[:-1], "another"])
def test_a_seed_trained_again_gives_what_is_on_record(name):
    outcomes, protocol = recorded(name), PROTOCOLS[name]
    seed = FRESH.choice(sorted(outcomes))
    run, found, what = train(protocol, seed), outcomes[seed], f"{name}, seed {seed}"
    got = {"V": run.learned["V"].tolist(), "A": run.learned["A"].tolist(), "curve": curve(run)}
    agree(got, {part: found[part] for part in got}, what, 1e-2, 1e-3)
    agree(pattern(run.learned)._asdict(), found["pattern"], what, 0, 1e-3)
    batch = held_out(protocol)
    agree(summary(predicted(run.learned, batch, protocol.depth), batch), found["error"], what, 1e-2)


def agree(*given):
    assert "\n".join(records.differences(*given)) == ""


# Figures from the parameters beside them; `make records` does all of them


@pytest.mark.parametrize("name", PROTOCOLS)
def test_pattern_and_error_of_every_seed_follow_from_its_parameters(name):
    outcomes, protocol = recorded(name), PROTOCOLS[name]
    wrong = [line for seed, each in outcomes.items() for line in records.quick(each, protocol, f"{name}, seed {seed}")]
    assert "\n".join(wrong) == ""
    assert all(is_masked(learned_of(each)) == (protocol.trained == "masked") for each in outcomes.values())


@pytest.mark.parametrize("trained", ["masked", "full"])
def test_every_figure_of_a_seed_follows_from_its_parameters(trained):
    name = FRESH.choice([name for name, protocol in PROTOCOLS.items() if protocol.trained == trained])
    seed, found = FRESH.choice(sorted(recorded(name).items()))
    assert "\n".join(records.thorough(found, PROTOCOLS[name], f"{name}, seed {seed}")) == ""


def test_what_is_put_on_record_are_the_figures_of_the_rounded_parameters():
    """Exactly: a hundred layers of a full model enlarge the sixth digit to the first or second."""
    protocol = replace(PROTOCOLS["boyan-full"], steps=3, init=0.3)
    found = outcome(train(protocol), protocol)
    assert {part: each for part, each in found.items() if part not in ("V", "A", "curve")} == figures(
        learned_of(found), protocol
    )


FALSIFIED = {
    "cosine_V": ("pattern", 1 + 1e-3),
    "cosine_A": ("pattern", 1 - 1e-3),
    "off_A": ("pattern", 2),
    "median": ("error", 0.95),
    "centred": ("error", 1.05),
}


@pytest.mark.parametrize("figure", FALSIFIED)
@pytest.mark.parametrize("name", ["boyan", "dense-full"])
def test_a_falsified_figure_is_refused(name, figure):
    found, (part, factor) = deepcopy(recorded(name)[3]), FALSIFIED[figure]
    found[part][figure] *= factor
    [line] = records.quick(found, PROTOCOLS[name], "it")
    assert line.startswith(f"it, {part}, {figure}: {found[part][figure]:.6g} is on record, ")


@pytest.mark.parametrize(
    "where", [("by_length", 2, "centred"), ("agreement", "alpha"), ("shuffled", "own"), ("other_family", "q90")]
)
def test_a_falsified_figure_beyond_those_is_refused_by_the_command(where, monkeypatch, capsys):
    """And what was not falsified is not."""
    found = recorded("boyan")[3]
    monkeypatch.setattr(records, "recorded", lambda name: {3: found})
    assert records.main(["boyan"]) == 0 and ": 1 seeds" in capsys.readouterr().out
    found = deepcopy(found)
    *path, figure = where
    reduce(getitem, path, found)[figure] *= 1.05
    assert records.main(["boyan"]) == 1
    said = capsys.readouterr().out
    assert said.startswith(f"boyan, seed 3, {', '.join(map(str, where))}: ") and "1 wrong" in said


def test_a_fit_that_ran_off_is_left_out_only_where_it_runs_off_again():
    """Of seed 6 of the far-sighted the fit goes on to ever larger steps and smaller sharpness; a record that says so of another is refused."""
    found = deepcopy(recorded("far-sighted")[6])
    assert found["agreement"]["sharpness"] < 0.01
    found["agreement"]["sharpness"] *= 10
    assert list(records.thorough(found, PROTOCOLS["far-sighted"], "it")) == []
    found = deepcopy(recorded("boyan")[3])
    found["agreement"]["sharpness"] = 0.001
    [line] = records.thorough(found, PROTOCOLS["boyan"], "it")
    assert line.startswith("it, agreement, sharpness: 0.001 is on record, ")


@pytest.mark.parametrize(
    "got, stored, expected",
    [
        ({"a": [1.0, None]}, {"a": [1.0, None]}, []),
        ({"a": 1.0}, {"b": 1.0}, ["x: {'b': 1.0} is on record, {'a': 1.0} comes out"]),
        ([1.0], [1.0, 2.0], ["x: [1.0, 2.0] is on record, [1.0] comes out"]),
        ([1.0, 3.0], [1.0, 2.0], ["x, 1: 2 is on record, 3 comes out"]),
        (None, 2.0, ["x: 2.0 is on record, None comes out"]),
        (2.0, None, ["x: None is on record, 2.0 comes out"]),
        (float("nan"), 2.0, ["x: 2 is on record, nan comes out"]),
        (1e-6, 2e-6, []),
        (1.02, 1.0, ["x: 1 is on record, 1.02 comes out"]),
    ],
)
def test_differences_by_hand(got, stored, expected):
    assert list(records.differences(got, stored, "x", 1e-2)) == expected


def test_a_record_without_seeds_is_no_success(monkeypatch):
    monkeypatch.setattr(records, "recorded", lambda name: {})
    assert records.main(["boyan"]) == 1


def test_a_record_that_the_book_does_not_have_is_named():
    with pytest.raises(ValueError, match=r"name must be one of the book's records, boyan.*, got 'no-such'"):
        recorded("no-such")
