"""The benchmarks measure what they say: the four ways agree, what is scaled is marked, and the pages hold what is on record."""

import importlib.util
import json
import os
from dataclasses import replace

import numpy as np
import pytest
import torch

from conftest import ROOT


def load(name):
    """benchmarks/<name>.py as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def layers(monkeypatch):
    """benchmarks/layers.py."""
    monkeypatch.setattr("os.environ", dict(os.environ))  # it pins threads there
    return load("layers")


record = load("record")
RECORD = json.loads(record.RECORD.read_text("utf-8"))


def test_the_pages_hold_what_is_on_record():
    for path, text in record.pages(RECORD, ROOT).items():
        assert path.read_text("utf-8") == text, f"{path.name}: run benchmarks/record.py"


def test_a_changed_record_changes_the_pages():
    changed = json.loads(json.dumps(RECORD))
    changed["cells"][0]["methods"]["closed"]["ratio"] *= 2
    changed["goals"][0]["ratio"] *= 2
    assert all(path.read_text("utf-8") != text for path, text in record.pages(changed, ROOT).items())


@pytest.mark.parametrize("part", ["goals", "emergence"])
def test_a_changed_record_of_pretraining_changes_the_pages(part):
    changed = json.loads(json.dumps(RECORD))
    if part == "goals":
        changed["pretraining"]["goals"][0]["ratio"] *= 2
    else:
        changed["pretraining"]["emergence"]["cosines"]["cosine_V"] = 0.5
    assert all(path.read_text("utf-8") != text for path, text in record.pages(changed, ROOT).items())


def test_every_cell_of_the_record_agrees_to_rounding(layers):
    entries = [entry for cell in RECORD["cells"] for entry in cell["methods"].values() if "difference" in entry]
    assert len(RECORD["cells"]) == len(layers.LENGTHS) * len(layers.DEPTHS) * len(layers.BATCHES)
    assert max(entry["difference"] for entry in entries) < 1e-12 and min(entry["difference"] for entry in entries) >= 0


def test_every_goal_is_on_record_and_reached(layers):
    assert len(RECORD["goals"]) == len(layers.GOALS)
    assert all(goal["ratio"] >= goal["goal"] for goal in RECORD["goals"])
    assert all(RECORD[name]["cpu_seconds"] < RECORD[name]["goal"] for name in ("million", "predecessor"))
    assert max(RECORD["predecessor"]["differences"].values()) < 1e-12


def test_every_goal_of_pretraining_is_on_record_and_reached(pretraining):
    found = RECORD["pretraining"]
    assert [(goal["method"], goal["batch"], goal["goal"]) for goal in found["goals"]] == list(pretraining.GOALS)
    assert [cell["batch"] for cell in found["cells"]] == list(pretraining.BATCHES)
    assert all(goal["ratio"] >= goal["goal"] for goal in found["goals"])
    assert all(cell["methods"][name]["difference"] < 1e-12 for cell in found["cells"] for name in ("state", "token"))
    assert found["emergence"]["cpu_seconds"] < pretraining.CPU_SECONDS == found["emergence"]["goal"]
    assert has_emerged(found, pretraining)


def has_emerged(found, pretraining):
    """Whether the cosines on record are those of the pattern."""
    return all(found["emergence"]["cosines"][name] > least for name, least in pretraining.COSINES.items())


@pytest.mark.parametrize("batch, depth", [(1, 0), (3, 1), (3, 40)])
def test_the_four_ways_agree(layers, batch, depth):
    values = {name: run(layers.task(12, batch), depth) for name, run in layers.METHODS.items()}
    assert all(v.shape == (batch, 13) for v in values.values())
    assert all(np.allclose(v, values["naive"], rtol=0, atol=1e-12) for v in values.values())


def test_the_benchmark_prints_a_table_and_writes_it(layers, pretraining, monkeypatch, tmp_path, capfd):
    for name, value in {
        "QUICK_LENGTHS": (12, 30),
        "DEPTHS": (3, 60),
        "LONG": 0.005,
        "NAIVE_IN_FULL": 500,
        "GOALS": (("once", 30, 60, 64, 2),),
    }.items():
        monkeypatch.setattr(layers, name, value)
    layers.main(["--quick", "--json", str(tmp_path / "layers.json")])
    printed, found = capfd.readouterr().out, json.loads((tmp_path / "layers.json").read_text("utf-8"))
    assert [(c["n"], c["batch"], c["depth"]) for c in found["cells"]] == [
        (n, b, d) for n in (12, 30) for b in (1, 64) for d in (3, 60)
    ]
    assert found["machine"]["threads"] == 1 and found["million"]["difference"] < 1e-12
    assert all(entry["seconds"] > 0 for c in found["cells"] for entry in c["methods"].values())
    far = [c["methods"] for c in found["cells"] if (c["n"], c["depth"]) == (30, 60)]
    assert {c["closed"]["from"] for c in far} == {"once"} and all("difference" not in c["once"] for c in far)
    apart = [
        entry
        for c in found["cells"]
        for name, entry in c["methods"].items()
        if name != "naive" and (c["methods"] not in far or name != "once")
    ]
    assert len(apart) == 3 * 8 - 2 and all(entry["difference"] < 1e-12 for entry in apart)
    assert found["cells"][-1]["methods"]["naive"]["scaled"] and not found["cells"][0]["methods"]["closed"]["scaled"]
    [goal] = found["goals"]
    assert f"once at n = 30, depth 60, batch 64: {goal['ratio']:,.0f} times naive's speed (goal 2)" in printed
    rows = [line for line in printed.splitlines() if line.startswith(("   12", "   30"))]
    assert len(rows) == 8 and len({len(row) for row in rows}) == 1 and "~" in rows[-1] and "*" in rows[-1]
    trained = found["pretraining"]
    assert has_emerged(trained, pretraining) and "one seed of 1000 steps:" in printed
    [cell], [goal] = trained["cells"], trained["goals"]
    assert cell["batch"] == goal["batch"] == 64 and pretraining.line(cell) in printed.splitlines()
    assert all(entry["tasks_per_second"] == 64 / entry["seconds"] > 0 for entry in cell["methods"].values())
    assert (
        goal["ratio"]
        == cell["methods"]["token"]["ratio"]
        == cell["methods"]["loop"]["seconds"] / cell["methods"]["token"]["seconds"]
    )


def test_the_benchmark_sees_a_method_that_is_wrong(layers, monkeypatch):
    right = layers.difference("grouped", 12, 1, 3, False)
    monkeypatch.setitem(layers.METHODS, "grouped", lambda given, depth: layers.closed(given, depth + 1))
    wrong = layers.difference("grouped", 12, 1, 3, False)
    assert right[0] < 1e-12 < 1e-3 < wrong[0] and right[1] == wrong[1] == "naive"


@pytest.fixture
def pretraining(monkeypatch):
    """benchmarks/pretraining.py."""
    monkeypatch.setattr("os.environ", dict(os.environ))
    return load("pretraining")


def test_the_three_ways_to_a_gradient_agree(pretraining):
    assert all(pretraining.difference(method, 7) < 1e-13 for method in ("state", "token"))


WRONG = {
    "one layer less": lambda layers: lambda learned, batch, depth: layers(learned, batch, depth - 1),
    "the values of other states": lambda layers: (
        lambda learned, batch, depth: (v.roll(1, -1) for v in layers(learned, batch, depth))
    ),
    "keys and queries exchanged": lambda layers: (
        lambda learned, batch, depth: layers({"V": learned["V"], "A": learned["A"].mT}, batch, depth)
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_gradient_that_is_wrong_is_told_apart(pretraining, monkeypatch, wrong):
    layers = WRONG[wrong](pretraining.state_values)
    monkeypatch.setitem(
        pretraining.METHODS, "state", lambda batch, learned: pretraining.gradient(layers, batch, learned)
    )
    assert pretraining.difference("state", 7) > 1e-3


def test_a_loop_that_leaves_a_task_out_is_told_apart(pretraining, monkeypatch):
    right = pretraining.loop
    fewer = lambda batch: type(batch)(*(X[1:] if isinstance(X, torch.Tensor) else X for X in batch))
    monkeypatch.setitem(pretraining.METHODS, "loop", lambda batch, learned: right(fewer(batch), learned))
    assert pretraining.difference("token", 7) > 1e-3


def test_training_that_does_not_learn_is_told_apart(pretraining, monkeypatch):
    monkeypatch.setattr(pretraining, "PROTOCOL", replace(pretraining.PROTOCOL, steps=20, rate=1e-4))
    found = pretraining.emergence()
    assert found["steps"] == 20 and not has_emerged({"emergence": found}, pretraining)


@pytest.fixture
def predecessor(monkeypatch):
    """benchmarks/predecessor.py."""
    monkeypatch.setattr("os.environ", dict(os.environ))
    return load("predecessor")


def test_the_predecessors_methods_agree_with_their_recursions(predecessor):
    data = predecessor.drawn(1)
    assert all(predecessor.largest_difference(method, data) < 1e-12 for method in predecessor.METHODS.values())


@pytest.mark.parametrize(
    "name, wrong",
    [
        ("TD(0)", {"decay": 0.5}),
        ("TD(λ)", {"decay": 0.5}),
        ("residual gradient", {"residual": False}),
        ("average reward", {"gamma": 0.5}),
    ],
)
def test_another_recursion_is_told_apart(predecessor, name, wrong):
    method, data = predecessor.METHODS[name], predecessor.drawn(1)
    changed = method._replace(**wrong)
    gaps = [
        np.abs(got - right).max()
        for got, right in zip(predecessor.last_rows(method, data), predecessor.recursion(changed, data))
    ]
    assert max(gaps) > 1e-3


def test_a_record_without_its_parts_is_refused(tmp_path, capsys):
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(SystemExit):
        record.main([str(tmp_path / "other.json")])
    assert (
        "must be what benchmarks/layers.py writes with --json, and lacks cells, goals, machine, million, predecessor, pretraining"
        in capsys.readouterr().err
    )
