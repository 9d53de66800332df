"""``python -m icrl``: what it prints, what it writes, how it ends."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from icrl.claims import CLAIMS
from icrl.cli import main

ROOT = Path(__file__).parents[1]


def run(*arguments, cwd=ROOT, **env):
    return subprocess.run([sys.executable, "-m", "icrl", *arguments], cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, timeout=300)


def test_verify_prints_json_for_a_machine():
    done = run("verify", "softmax-td", "two-heads", "--kind", "certified", "--json", "-")
    assert done.returncode == 0
    claims = json.loads(done.stdout)["claims"]
    assert [claim["id"] for claim in claims] == ["softmax-td", "two-heads"]
    for claim in claims:
        assert claim["status"] == "checked"
        assert [set(check) for check in claim["checks"]] == [{"kind", "scope", "passed", "detail"}]
        assert claim["mutants"] and all(mutant["refuted"] and mutant["refuted_by"] == ["certified"] and mutant["instance"] for mutant in claim["mutants"])


def test_verify_shows_a_table_to_a_person_and_writes_json_beside(tmp_path):
    done = run("verify", "mask-leak", "--no-mutants", "--trials", "20", "--seed", "7", "--json", str(tmp_path / "out.json"), COLUMNS="120")
    assert done.returncode == 0 and "mask-leak" in done.stdout and "checked" in done.stdout
    [claim] = json.loads((tmp_path / "out.json").read_text())["claims"]
    assert claim["mutants"] == []
    assert any(check["detail"].startswith("20 random contexts (seed 7)") for check in claim["checks"])
    assert os.listdir(tmp_path) == ["out.json"]


def test_claims_lists_every_claim(capsys):
    assert main(["claims"]) == 0
    out = capsys.readouterr().out
    assert all(id in out for id in CLAIMS)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["verify", "no-such-claim"], "unknown claim 'no-such-claim'; the claims are "),
        (["verify", "--kind", "obvious"], "--kind must be one of kernel, symbolic, exact, certified, numeric, cited, got 'obvious'"),
        (["verify", "softmax-td", "--kind", "cited"], "no check of kind 'cited' among softmax-td"),
        (["verify", "--trials", "0"], "must be a whole number from 1 on, got '0'"),
        (["verify", "--trials", "many"], "must be a whole number from 1 on, got 'many'"),
        (["verify", "--seed", "-1"], "must be a whole number from 0 on, got '-1'"),
        (["verify", "--frobnicate"], "unrecognized arguments: --frobnicate"),
        (["verify", "two-heads", "--json", "/no/such/folder/out.json"], "--json must name a file that can be written, got /no/such/folder/out.json"),
        (["verify", "two-heads", "--json", "/"], "--json must name a file that can be written, got /"),
        (["ledger", "--out", "/no/such/folder"], "--out must be the project's folder"),
        (["prove"], "invalid choice: 'prove'"),
        ([], "the following arguments are required: command"),
    ],
)
def test_a_usage_error_ends_with_2_and_one_line(arguments, message, capsys):
    try:
        code = main(arguments)
    except SystemExit as stop:
        code = stop.code
    out, err = capsys.readouterr()
    assert code == 2 and out == "" and message in err and err.count("\n") == 1


PLANTED = {
    "V's sign": ("transformer.py", "(VALUE, VALUE): -step", "(VALUE, VALUE): step"),
    "the axis of softmax": ("algebra.py", "keys = np.flatnonzero(visible[:, j])\n        powers = [exp(scores[k, j]) for k in keys]", "keys = np.flatnonzero(visible[:, j])\n        powers = [exp(scores[j, k]) for k in keys]"),
    "the shift's direction": ("algebra.py", "place({(1, 0): identity(n, like)}, (1, n), (n, 1), like)", "place({(0, 1): identity(n, like)}, (n, 1), (1, n), like)"),
    "no mask": ("transformer.py", "visible=sources_visible(n, like)", "visible=sources_visible(n, like) | True"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_an_error_planted_in_the_construction_is_named_and_ends_with_1(name, tmp_path):
    file, right, wrong = PLANTED[name]
    shutil.copytree(ROOT / "icrl", tmp_path / "icrl", ignore=shutil.ignore_patterns("__pycache__"))
    source = tmp_path / "icrl" / file
    text = source.read_text(encoding="utf-8")
    assert text.count(right) == 1, f"{name}: the line to change is no longer there"
    source.write_text(text.replace(right, wrong), encoding="utf-8")
    done = run("verify", "softmax-td", "--kind", "exact", "--no-mutants", cwd=tmp_path, PYTHONPATH=str(tmp_path), COLUMNS="120")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "softmax-td: exact failed" in done.stdout and "is right" in done.stdout


def test_a_surviving_mutant_ends_with_1_and_is_named(tmp_path):
    shutil.copytree(ROOT / "icrl", tmp_path / "icrl", ignore=shutil.ignore_patterns("__pycache__"))
    source = tmp_path / "icrl" / "claims" / "mask_leak.py"
    text = source.read_text(encoding="utf-8")
    assert text.count("Leak(shrinks=False, leaks=False)") == 1
    source.write_text(text.replace("Leak(shrinks=False, leaks=False)", "Leak()"), encoding="utf-8")
    done = run("verify", "mask-leak", "--kind", "exact", cwd=tmp_path, PYTHONPATH=str(tmp_path), COLUMNS="120")
    assert done.returncode == 1 and "mutant “unmasked passed off as exact” survived: not refuted by exact" in done.stdout


def test_a_failed_ledger_writes_nothing(tmp_path):
    shutil.copytree(ROOT / "icrl", tmp_path / "icrl", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "book").mkdir()
    claims = tmp_path / "icrl" / "claims" / "__init__.py"
    claims.write_text(claims.read_text(encoding="utf-8") + "\n\nCLAIMS = {'two-heads': CLAIMS['two-heads']}\n", encoding="utf-8")
    source = tmp_path / "icrl" / "transformer.py"
    text = source.read_text(encoding="utf-8")
    assert text.count("return Z + head + p.W @ head @ p.shift") == 1
    source.write_text(text.replace("return Z + head + p.W @ head @ p.shift", "return Z + head + p.W @ head"), encoding="utf-8")
    done = run("ledger", cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert done.returncode == 1 and "nothing was written" in done.stderr
    assert os.listdir(tmp_path / "book") == []
