"""The mutation run, on a package of a few lines."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import ROOT

FILES = {
    "icrl/__init__.py": "",
    "icrl/__main__.py": """
import sys
from icrl.claims import CLAIMS

if __name__ == "__main__":
    if sys.argv[sys.argv.index("--kind") + 1] != "exact":
        sys.exit("no check of this kind")
    wrong = [id for id in sys.argv[2 : sys.argv.index("--kind")] if not CLAIMS[id]["holds"]()]
    print(*(f"{id}: exact failed" for id in wrong))
    sys.exit(bool(wrong))
""",
    "icrl/claims/__init__.py": """
from icrl.claims import doubling

CLAIMS = {doubling.CLAIM["id"]: doubling.CLAIM}
""",
    "icrl/claims/doubling.py": """
from icrl.sums import twice

CLAIM = dict(id="doubling", holds=lambda: twice(3) == 6)
""",
    "icrl/sums.py": '''
"""1 + 1 is text."""

from time import sleep


def total(γ: min(1, 2), b):
    return γ + b


def twice(a):
    return a * 2


def least(a):
    return min(a)


def emptied(a):
    while a:
        sleep(a)
        a -= a


PAIRS = {"a": 1}["a"]
''',
    "tests/test_sums.py": """
from pathlib import Path

from icrl import sums


def test_total():
    assert sums.total(2, 3) == 5


def test_emptied():
    sums.emptied(0.01)


def test_the_source():
    assert Path(sums.__file__).read_text("utf-8") == Path(__file__).with_name("source").read_text("utf-8")
""",
}
FILES["tests/source"] = FILES["icrl/sums.py"]
LISTED = {
    "file": "icrl/sums.py",
    "function": "least",
    "before": "return min(a)",
    "after": "return max(a)",
    "reason": "one number",
}


@pytest.fixture
def toy(tmp_path):
    """A project in which ``least`` is tested by nothing, ``twice`` by its claim alone, and one test reads the source."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text.lstrip("\n"), "utf-8")
    (tmp_path / "benchmarks").mkdir()
    return tmp_path


def started(toy, *options):
    """A run on the project, of every mutant, in which pytest loads nobody's plug-ins, to be quick."""
    command = [
        sys.executable,
        ROOT / "tools" / "mutants.py",
        "--root",
        toy,
        "--count",
        "1000",
        "--limit",
        "9",
        *options,
    ]
    env = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env)


def finished(process):
    """The exit status and the output."""
    output, _ = process.communicate(timeout=300)
    return process.returncode, output


def listing(toy, *entries):
    (toy / "benchmarks" / "mutants_equivalent.json").write_text(json.dumps(entries), "utf-8")


def lines(toy):
    """The results on the disk."""
    path = toy / "build" / "mutants" / "results.jsonl"
    return path.read_text("utf-8").splitlines() if path.exists() else []


def at_work(toy):
    """The processes that run in a copy of the project."""
    return [link for link in Path("/proc").glob("[0-9]*/cwd") if str(toy) in os.path.realpath(link)]


def test_what_kills_what_survives_and_what_a_kill_loses(toy):
    before = {name: (toy / name).read_bytes() for name in FILES}
    listing(toy, LISTED)
    process, copy = started(toy), toy / "build" / "mutants" / "copy-0" / "icrl" / "sums.py"
    while "pass" not in (copy.read_text("utf-8") if copy.exists() else ""):  # the mutant that never ends
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    time.sleep(0.5)
    process.kill()
    finished(process)
    kept = lines(toy)
    assert kept and at_work(toy)
    with open(toy / "build" / "mutants" / "results.jsonl", "a") as file:
        file.write('{"file": "icrl/su')
    code, output = finished(started(toy, "--workers", "2"))
    assert code == 1, output
    assert lines(toy)[: len(kept)] == kept and len(set(lines(toy))) == len(lines(toy))

    record = json.loads((toy / "benchmarks" / "mutants.json").read_text("utf-8"))
    assert len(lines(toy)) == record["mutants"] == len(record["list"])
    of_sums = [entry for entry in record["list"] if entry["file"] == "icrl/sums.py"]
    assert {(entry["function"], entry["after"]): entry["killed_by"] for entry in of_sums} == {
        ("total", "return (γ - b)"): "tests/test_sums.py::test_total",
        ("total", "return None"): "tests/test_sums.py::test_total",
        ("twice", "return (a / 2)"): "verify exact doubling",
        ("twice", "return a * 3"): "verify exact doubling",
        ("twice", "return a * 0"): "verify exact doubling",
        ("twice", "return None"): "verify exact doubling",
        ("least", "return max(a)"): None,
        ("least", "return None"): None,
        ("emptied", "while (not a):"): None,
        ("emptied", "pass"): "time-out of tests",
        ("", 'PAIRS = {"a": 2}["a"]'): None,
        ("", 'PAIRS = {"a": 0}["a"]'): None,
    }
    assert not any(entry.get("out_of_time") for entry in of_sums)
    assert [entry["equivalent"] for entry in of_sums if "equivalent" in entry] == ["one number"]
    counts = {
        name: record[name] for name in ("killed", "by an import error", "by a time-out", "equivalent", "survived")
    }
    fates = [entry["killed_by"] for entry in record["list"]]
    assert counts == {
        "killed": len(fates) - fates.count(None),
        "by an import error": fates.count("import"),
        "by a time-out": 1,
        "equivalent": 1,
        "survived": fates.count(None) - 1,
    }
    assert counts["by an import error"] >= 1
    assert record["score"] == pytest.approx(counts["killed"] / (record["mutants"] - 1), abs=1e-4)
    assert {name: (toy / name).read_bytes() for name in FILES} == before
    patience = time.monotonic() + 60
    while at_work(toy):  # what the kill left running ends by itself
        assert time.monotonic() < patience
        time.sleep(0.1)

    with open(toy / "tests" / "test_sums.py", "a") as file:
        file.write("\n\ndef test_least():\n    assert sums.least([2, 1]) == 1\n")
    code, output = finished(started(toy, "--again"))
    assert code == 1 and "least: killed by tests/test_sums.py::test_least, yet listed as equivalent" in output
    assert not any("SURVIVED" in line for line in output.splitlines() if "least" in line)


def test_what_the_right_code_takes_as_long_for_kills_nothing(toy):
    code, output = finished(started(toy, "--count", "6", "--limit", "0"))
    entries = json.loads((toy / "benchmarks" / "mutants.json").read_text("utf-8"))["list"]
    assert code == 1 and output.count("SURVIVED, out of time") == 6
    assert all(entry["killed_by"] is None and entry["out_of_time"] for entry in entries)


def test_a_change_that_cannot_be_made_is_no_equivalent(toy):
    listing(toy, LISTED | {"before": "return max(a)"})
    code, output = finished(started(toy))
    assert (code, lines(toy)) == (2, []) and output.startswith(
        "mutants: mutants_equivalent.json lists what is no change"
    )
