"""The benchmarks measure what they say: the four ways agree, what is scaled is marked, and the pages hold what is on record."""

import importlib.util
import json
import os

import numpy as np
import pytest

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


def test_every_cell_of_the_record_agrees_to_rounding(layers):
    entries = [entry for cell in RECORD["cells"] for entry in cell["methods"].values() if "difference" in entry]
    assert len(RECORD["cells"]) == len(layers.LENGTHS) * len(layers.DEPTHS) * len(layers.BATCHES)
    assert max(entry["difference"] for entry in entries) < 1e-12 and min(entry["difference"] for entry in entries) >= 0


def test_every_goal_is_on_record_and_reached(layers):
    assert len(RECORD["goals"]) == len(layers.GOALS)
    assert all(goal["ratio"] >= goal["goal"] for goal in RECORD["goals"])
    assert all(RECORD[name]["cpu_seconds"] < RECORD[name]["goal"] for name in ("million", "predecessor"))
    assert max(RECORD["predecessor"]["differences"].values()) < 1e-12


@pytest.mark.parametrize("batch, depth", [(1, 0), (3, 1), (3, 40)])
def test_the_four_ways_agree(layers, batch, depth):
    values = {name: run(layers.task(12, batch), depth) for name, run in layers.METHODS.items()}
    assert all(v.shape == (batch, 13) for v in values.values())
    assert all(np.allclose(v, values["naive"], rtol=0, atol=1e-12) for v in values.values())


def test_the_benchmark_prints_a_table_and_writes_it(layers, monkeypatch, tmp_path, capsys):
    for name, value in {"QUICK_LENGTHS": (12, 30), "DEPTHS": (3, 60), "LONG": 0.005, "NAIVE_IN_FULL": 500, "GOALS": (("once", 30, 60, 64, 2),)}.items():
        monkeypatch.setattr(layers, name, value)
    layers.main(["--quick", "--json", str(tmp_path / "layers.json")])
    printed, found = capsys.readouterr().out, json.loads((tmp_path / "layers.json").read_text("utf-8"))
    assert [(c["n"], c["batch"], c["depth"]) for c in found["cells"]] == [(n, b, d) for n in (12, 30) for b in (1, 64) for d in (3, 60)]
    assert found["machine"]["threads"] == 1 and found["million"]["difference"] < 1e-12
    assert all(entry["seconds"] > 0 for c in found["cells"] for entry in c["methods"].values())
    far = [c["methods"] for c in found["cells"] if (c["n"], c["depth"]) == (30, 60)]
    assert {c["closed"]["from"] for c in far} == {"once"} and all("difference" not in c["once"] for c in far)
    apart = [entry for c in found["cells"] for name, entry in c["methods"].items() if name != "naive" and (c["methods"] not in far or name != "once")]
    assert len(apart) == 3 * 8 - 2 and all(entry["difference"] < 1e-12 for entry in apart)
    assert found["cells"][-1]["methods"]["naive"]["scaled"] and not found["cells"][0]["methods"]["closed"]["scaled"]
    [goal] = found["goals"]
    assert f"once at n = 30, depth 60, batch 64: {goal['ratio']:,.0f} times naive's speed (goal 2)" in printed
    rows = [line for line in printed.splitlines() if line.startswith(("   12", "   30"))]
    assert len(rows) == 8 and len({len(row) for row in rows}) == 1 and "~" in rows[-1] and "*" in rows[-1]


def test_the_benchmark_sees_a_method_that_is_wrong(layers, monkeypatch):
    right = layers.difference("grouped", 12, 1, 3, False)
    monkeypatch.setitem(layers.METHODS, "grouped", lambda given, depth: layers.closed(given, depth + 1))
    wrong = layers.difference("grouped", 12, 1, 3, False)
    assert right[0] < 1e-12 < 1e-3 < wrong[0] and right[1] == wrong[1] == "naive"


@pytest.fixture
def predecessor(monkeypatch):
    """benchmarks/predecessor.py."""
    monkeypatch.setattr("os.environ", dict(os.environ))
    return load("predecessor")


def test_the_predecessors_methods_agree_with_their_recursions(predecessor):
    data = predecessor.drawn(1)
    assert all(predecessor.largest_difference(method, data) < 1e-12 for method in predecessor.METHODS.values())


@pytest.mark.parametrize("name, wrong", [("TD(0)", {"decay": 0.5}), ("TD(λ)", {"decay": 0.5}), ("residual gradient", {"residual": False}), ("average reward", {"gamma": 0.5})])
def test_another_recursion_is_told_apart(predecessor, name, wrong):
    method, data = predecessor.METHODS[name], predecessor.drawn(1)
    changed = method._replace(**wrong)
    gaps = [np.abs(got - right).max() for got, right in zip(predecessor.last_rows(method, data), predecessor.recursion(changed, data))]
    assert max(gaps) > 1e-3


def test_a_record_without_its_parts_is_refused(tmp_path, capsys):
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(SystemExit):
        record.main([str(tmp_path / "other.json")])
    assert "must be what benchmarks/layers.py writes with --json, and lacks cells, goals, machine, million, predecessor" in capsys.readouterr().err
