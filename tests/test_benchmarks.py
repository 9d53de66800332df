"""The benchmarks measure what they say: the four ways agree, what is scaled is marked, and the pages hold what is on record."""

import json
import sys

import numpy as np
import pytest

from conftest import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))
import layers  # noqa: E402
import record  # noqa: E402

RECORD = json.loads(record.RECORD.read_text("utf-8"))


def test_the_pages_hold_what_is_on_record():
    for path, text in record.pages(RECORD, ROOT).items():
        assert path.read_text("utf-8") == text, f"{path.name}: run benchmarks/record.py"


def test_a_changed_record_changes_the_pages():
    changed = json.loads(json.dumps(RECORD))
    changed["cells"][0]["methods"]["closed"]["ratio"] *= 2
    changed["goals"][0]["ratio"] *= 2
    assert all(path.read_text("utf-8") != text for path, text in record.pages(changed, ROOT).items())


def test_every_cell_of_the_record_agrees_to_rounding():
    entries = [entry for cell in RECORD["cells"] for entry in cell["methods"].values() if "difference" in entry]
    assert len(RECORD["cells"]) == len(layers.LENGTHS) * len(layers.DEPTHS) * len(layers.BATCHES)
    assert max(entry["difference"] for entry in entries) < 1e-12 and min(entry["difference"] for entry in entries) >= 0


def test_every_goal_is_on_record_and_reached():
    assert len(RECORD["goals"]) == len(layers.GOALS)
    assert all(goal["ratio"] >= goal["goal"] for goal in RECORD["goals"])
    assert RECORD["million"]["cpu_seconds"] < RECORD["million"]["goal"]


@pytest.mark.parametrize("batch, depth", [(1, 0), (3, 1), (3, 40)])
def test_the_four_ways_agree(batch, depth):
    values = {name: run(layers.task(12, batch), depth) for name, run in layers.METHODS.items()}
    assert all(v.shape == (batch, 13) for v in values.values())
    assert all(np.allclose(v, values["naive"], rtol=0, atol=1e-12) for v in values.values())


def test_a_method_that_differs_is_seen(monkeypatch):
    right = layers.difference("closed", 12, 1, 3, False)
    monkeypatch.setitem(layers.METHODS, "closed", lambda given, depth: layers.closed(given, depth + 1))
    wrong = layers.difference("closed", 12, 1, 3, False)
    assert right[0] < 1e-14 < 1e-3 < wrong[0]


def test_a_record_without_its_parts_is_refused(tmp_path, capsys):
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(SystemExit):
        record.main([str(tmp_path / "other.json")])
    assert "must be what benchmarks/layers.py writes with --json, and lacks cells, goals, machine, million" in capsys.readouterr().err
