"""``python -m icrl``: what it prints, what it writes, how it ends."""

import json
import os
import shutil
import stat
import subprocess
import sys
from argparse import ArgumentTypeError
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from icrl import __version__
from icrl.claims import CLAIMS
from icrl.cli import chosen, main, make_option
from icrl.files import UsageError, writable, write_all

ROOT = Path(__file__).parents[1]


def run(*arguments, cwd=ROOT, **env):
    return subprocess.run(
        [sys.executable, "-m", "icrl", *arguments],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_verify_prints_json_for_a_machine():
    done = run("verify", "softmax-td", "two-heads", "--kind", "certified", "--json", "-")
    assert done.returncode == 0
    report = json.loads(done.stdout)
    claims = report["claims"]
    asked = {"ids": ["softmax-td", "two-heads"], "kind": "certified", "trials": None, "seed": 0, "mutants": True}
    assert report["options"] == asked
    assert report["version"] == __version__ and [claim["id"] for claim in claims] == ["softmax-td", "two-heads"]
    for claim in claims:
        assert claim["status"] == "partial"
        assert claim["statement"] == CLAIMS[claim["id"]].statement().strip()
        assert claim["rests_on"] == list(CLAIMS[claim["id"]].rests_on)
        assert all("symbolic" in each["left_out"] for each in claim["assertions"])
        assert [set(check) for check in claim["checks"]] == [{"kind", "scope", "passed", "detail"}]
        assert claim["mutants"] and all(
            mutant["refuted"] and mutant["refuted_by"] == ["certified"] and mutant["instance"]
            for mutant in claim["mutants"]
        )


def test_verify_shows_a_table_to_a_person_and_writes_json_beside(tmp_path):
    done = run(
        "verify",
        "mask-leak",
        "--no-mutants",
        "--trials",
        "20",
        "--seed",
        "7",
        "--json",
        str(tmp_path / "out.json"),
        COLUMNS="120",
    )
    assert (
        done.returncode == 0 and "mask-leak" in done.stdout and ("checked" in done.stdout or "recorded" in done.stdout)
    )
    [claim] = json.loads((tmp_path / "out.json").read_text())["claims"]
    assert claim["mutants"] == []
    assert any(check["detail"].startswith("20 random contexts (seed 7)") for check in claim["checks"])
    assert os.listdir(tmp_path) == ["out.json"]


def test_a_table_that_is_no_terminals_breaks_no_word():
    done = run("verify", "linear-residual-gradient", "--kind", "exact", "--no-mutants", COLUMNS="40")
    assert done.returncode == 0
    [row] = [line for line in done.stdout.splitlines() if "linear-residual-gradient" in line]
    assert "passed" in row and "partial" in row and "mutants refuted" in done.stdout


def test_claims_lists_every_claim(capsys):
    assert main(["claims"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split()[0] == "claim" and [row.split()[0] for row in rows] == list(CLAIMS)
    for claim, row in zip(CLAIMS.values(), rows, strict=True):
        assert claim.title in row and row.endswith(", ".join(check.kind for check in claim.checks))


HEAVY = {"numpy", "sympy", "mpmath", "flint", "torch", "gymnasium", "matplotlib", "rich", "yaml", "icrl.claims"}
LOADED = "import sys; from icrl.cli import main\ntry: main(sys.argv[1:])\nfinally: print(*sys.modules, file=sys.stderr)"


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["claims"]])
def test_what_only_tells_loads_nothing_heavy(arguments):
    done = subprocess.run([sys.executable, "-c", LOADED, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout and "icrl.cli" in done.stderr.split()
    assert HEAVY & set(done.stderr.split()) == set()


@pytest.mark.parametrize("command", ["verify", "claims", "ledger", "proofs", "diagnose", "pretrain"])
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0 and capsys.readouterr().out.startswith(f"usage: icrl {command} ")


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["verify", "no-such-claim"], "unknown claim 'no-such-claim'; the claims are "),
        (["verify", "softmax_td"], "unknown claim 'softmax_td'; did you mean softmax-td? the claims are bellman, "),
        (
            ["verify", "--kind", "obvious"],
            "--kind must be one of kernel, symbolic, exact, certified, numeric, argued, cited, got 'obvious'",
        ),
        (["verify", "softmax-td", "--kind", "cited"], "no check of kind 'cited' among softmax-td"),
        (["verify", "--trials", "0"], "must be a whole number from 1 on, got '0'"),
        (["verify", "--trials", "many"], "must be a whole number from 1 on, got 'many'"),
        (["verify", "--seed", "-1"], "must be a whole number from 0 on, got '-1'"),
        (["verify", "--frobnicate"], "unrecognized arguments: --frobnicate"),
        (
            ["verify", "two-heads", "--json", "/no/such/folder/out.json"],
            "--json must name a file that can be written, got /no/such/folder/out.json",
        ),
        (["verify", "two-heads", "--json", "/"], "--json must name a file that can be written, got /"),
        (["ledger", "--out", "/no/such/folder"], "--out must be the project's folder"),
        (["prove"], "invalid choice: 'prove'"),
        (["verify", "--a\x1b[31mb\n"], r"unrecognized arguments: --a\x1b[31mb\n"),
        (
            ["ledger", "--out", "/no/\x1b[31m\n\udcff"],
            r"--out must be the project's folder, with book/ in it, got /no/\x1b[31m\n\udcff",
        ),
        (["verify", "two-heads", "--json", "/no/\x9b31m/x.json"], r"got /no/\x9b31m/x.json"),
        (["verify", "two-heads", "--json", f"/{'x' * 300}/y"], "--json must name a file that can be written, got /xxx"),
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
    "the axis of softmax": (
        "algebra/entries.py",
        "exp(scores[k, j]) for k in keys]",
        "exp(scores[j, k]) for k in keys]",
    ),
    "the shift's direction": (
        "algebra/dense.py",
        "return self.place(parts, rows, columns, like)",
        "return self.place(parts, rows, columns, like).T",
    ),
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
    done = run(
        "verify", "softmax-td", "--kind", "exact", "--no-mutants", cwd=tmp_path, PYTHONPATH=str(tmp_path), COLUMNS="120"
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "softmax-td: exact failed" in done.stdout and "is right" in done.stdout


def test_a_surviving_mutant_ends_with_1_and_is_named(tmp_path):
    shutil.copytree(ROOT / "icrl", tmp_path / "icrl", ignore=shutil.ignore_patterns("__pycache__"))
    source = tmp_path / "icrl" / "claims" / "foundations" / "mask_leak.py"
    text = source.read_text(encoding="utf-8")
    assert text.count("Leak(shrinks=False, leaks=False)") == 1
    source.write_text(text.replace("Leak(shrinks=False, leaks=False)", "Leak()"), encoding="utf-8")
    done = run("verify", "mask-leak", "--kind", "exact", cwd=tmp_path, PYTHONPATH=str(tmp_path), COLUMNS="120")
    assert (
        done.returncode == 1 and "mutant “unmasked passed off as exact” survived: not refuted by exact" in done.stdout
    )


def test_a_failed_ledger_writes_nothing(tmp_path):
    shutil.copytree(ROOT / "icrl", tmp_path / "icrl", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "book").mkdir()
    claims = tmp_path / "icrl" / "claims" / "__init__.py"
    only = "from dataclasses import replace\n\nCLAIMS = {'two-heads': replace(CLAIMS['two-heads'], rests_on=())}\n"
    claims.write_text(f"{claims.read_text(encoding='utf-8')}\n\n{only}", encoding="utf-8")
    for name in ("README.md", "_toc.yml", "_config.yml"):
        shutil.copy(ROOT / name, tmp_path)
    source = tmp_path / "icrl" / "transformer.py"
    text = source.read_text(encoding="utf-8")
    assert text.count("visible) @ memory.shift") == 1
    source.write_text(text.replace("visible) @ memory.shift", "visible)"), encoding="utf-8")
    done = run("ledger", cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert done.returncode == 1 and "nothing was written" in done.stderr
    assert os.listdir(tmp_path / "book") == []
    assert (tmp_path / "README.md").read_bytes() == (ROOT / "README.md").read_bytes()


def test_a_ledger_that_cannot_be_written_runs_no_claim(tmp_path, capsys):
    (tmp_path / "book" / "map.md").mkdir(parents=True)
    assert main(["ledger", "--out", str(tmp_path)]) == 2
    for name in ("_toc.yml", "_config.yml", "README.md"):
        assert name in capsys.readouterr().err
        shutil.copy(ROOT / name, tmp_path)
        assert main(["ledger", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"icrl ledger: cannot write {tmp_path / 'book' / 'map.md'}; nothing was written\n"
    assert os.listdir(tmp_path / "book") == ["map.md"]


def test_a_ledger_writes_its_pages(tmp_path, monkeypatch):
    monkeypatch.setattr("icrl.claims.CLAIMS", {"bellman": CLAIMS["bellman"]})
    (tmp_path / "book").mkdir()
    (tmp_path / "README.md").write_text("before <!-- status --> <!-- /status --> after")
    for name in ("_toc.yml", "_config.yml"):
        shutil.copy(ROOT / name, tmp_path)
    assert main(["ledger", "--out", str(tmp_path)]) == 0
    assert "| `bellman` |" in (tmp_path / "README.md").read_text("utf-8")
    written = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(written) == [
        *(
            "README.md",
            "_config.yml",
            "_share.md",
            "_toc.yml",
            "bellman.md",
            "bellman.md",
            "foundations.md",
            "ledger.json",
            "map.md",
        ),
        "status.md",
    ]


# Writing files.


def test_a_link_stays_and_its_file_keeps_its_mode(tmp_path):
    kept, link, new = tmp_path / "kept", tmp_path / "link", tmp_path / "new"
    kept.write_text("old")
    kept.chmod(0o640)
    link.symlink_to(kept)
    write_all({link: "α", new: "β"})
    assert link.is_symlink() and kept.read_text("utf-8") == "α" and stat.S_IMODE(kept.stat().st_mode) == 0o640
    assert new.read_text("utf-8") == "β" and sorted(os.listdir(tmp_path)) == ["kept", "link", "new"]


def test_a_pipe_and_a_device_are_written_to_as_they_are(tmp_path):
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = Thread(target=lambda: read.append(pipe.read_text("utf-8")), daemon=True)
    reader.start()
    write_all({pipe: "α", Path(os.devnull): "β"})
    reader.join(60)
    assert read == ["α"] and pipe.is_fifo() and Path(os.devnull).is_char_device() and os.listdir(tmp_path) == ["pipe"]


def test_a_failure_leaves_every_file_as_it_was_and_nothing_beside(tmp_path, monkeypatch):
    first = tmp_path / "first"
    first.write_text("old")
    with pytest.raises(UsageError, match="cannot write .*second: No such file or directory"):
        write_all({first: "new", tmp_path / "no" / "second": "new"})

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(UsageError, match="cannot write .*first: No space left on device"):
        write_all({first: "new"})
    assert first.read_text() == "old" and os.listdir(tmp_path) == ["first"]


def test_writing_a_file_needs_its_folder(tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.touch()
    assert writable(file) and writable(tmp_path / "no" / "file") and writable(Path(os.devnull))
    assert not writable(tmp_path) and not writable(file / "below")
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    assert not writable(file) and not writable(tmp_path / "no" / "file") and writable(Path(os.devnull))


# Terminals, pipes, missing packages.


def test_an_interruption_is_quiet_from_the_first_import_on(tmp_path):
    (tmp_path / "icrl").mkdir()
    for name in ("__init__.py", "__main__.py"):
        shutil.copy(ROOT / "icrl" / name, tmp_path / "icrl")
    (tmp_path / "icrl" / "cli.py").write_text("raise KeyboardInterrupt")
    done = run("claims", cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "icrl: interrupted\n")


@pytest.mark.parametrize(
    "arguments", [["verify", "bellman", "--no-mutants", "--kind", "exact", "--json", "-"], ["claims"]]
)
def test_a_closed_pipe_ends_quietly(arguments):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "icrl", *arguments],
        cwd=ROOT,
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        timeout=300,
    )
    os.close(write)
    assert done.returncode == 1 and "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
@pytest.mark.parametrize("to", ["full, at once", "full, when flushed", "closed"])
@pytest.mark.parametrize(
    "arguments", ["verify mask-leak --kind exact", "verify mask-leak --kind exact --json -", "claims"]
)
def test_a_standard_output_that_cannot_be_written_ends_with_2_and_one_line(arguments, to):
    done = subprocess.run(
        ["sh", "-c", f'"$0" -m icrl {arguments} {">&-" if to == "closed" else "> /dev/full"}', sys.executable],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1" if to == "full, at once" else ""},
        capture_output=True,
        text=True,
        timeout=300,
    )
    why = "it is closed" if to == "closed" else "No space left on device"
    last = f"icrl {arguments.split()[0]}: cannot write to standard output: {why}"
    assert done.returncode == 2 and done.stderr.splitlines()[-1] == last and "Traceback" not in done.stderr


def test_where_standard_error_is_closed_standard_output_holds_the_json_alone():
    command = '"$0" -m icrl diagnose ring --json - 2>&-'
    done = subprocess.run(["sh", "-c", command, sys.executable], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and json.loads(done.stdout)["converges"] is True


@pytest.mark.parametrize("to", [[], ["--json", "-"]])
def test_a_terminal_that_knows_ascii_only_will_do(to):
    done = run("verify", "mask-leak", "--kind", "exact", *to, PYTHONIOENCODING="ascii")
    assert (
        done.returncode == 0
        and (done.stdout + done.stderr).isascii()
        and "passed" in (done.stderr if to else done.stdout)
    )
    assert not to or "(1 − κ) dropped" in [mutant["name"] for mutant in json.loads(done.stdout)["claims"][0]["mutants"]]


def test_a_claim_without_that_kind_of_check_reads_as_not_checked(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    assert (
        main(
            [
                "verify",
                "stationary",
                "two-heads",
                "--kind",
                "symbolic",
                "--no-mutants",
                "--json",
                str(tmp_path / "out.json"),
            ]
        )
        == 0
    )
    assert [claim["status"] for claim in json.loads((tmp_path / "out.json").read_text())["claims"]] == [
        "not checked",
        "partial",
    ]
    assert "not checked" in capsys.readouterr().out


@pytest.fixture
def no_torch(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "torch"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setenv("COLUMNS", "120")


def test_a_check_without_its_package_has_not_run_and_says_what_to_install(no_torch, capsys, tmp_path):
    out = tmp_path / "out.json"
    assert main(["verify", "two-heads", "softmax-td", "--kind", "numeric", "--json", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "softmax-td: numeric not run: needs torch: pip install 'icrl[torch]'" in shown and "failed" not in shown
    with_it, without = json.loads(out.read_text("utf-8"))["claims"]
    assert with_it["status"] == "partial" and with_it["mutants"]
    assert without["status"] == "not run" and without["mutants"] == []
    [check] = without["checks"]
    assert check["passed"] is None and check["detail"] == "not run: needs torch: pip install 'icrl[torch]'"


def test_the_pages_are_not_written_where_a_check_cannot_run(no_torch, capsys, tmp_path, monkeypatch):
    softmax_td = CLAIMS["softmax-td"]
    numeric = tuple(check for check in softmax_td.checks if check.kind == "numeric")
    monkeypatch.setattr("icrl.claims.CLAIMS", {"softmax-td": replace(softmax_td, checks=numeric, rests_on=())})
    (tmp_path / "book").mkdir()
    for name in ("README.md", "_toc.yml", "_config.yml"):
        shutil.copy(ROOT / name, tmp_path)
    assert main(["ledger", "--out", str(tmp_path)]) == 1
    assert "a check could not run: nothing was written" in capsys.readouterr().err
    assert os.listdir(tmp_path / "book") == []


def test_repeated_ids_are_checked_once_in_their_order():
    assert [claim.id for claim in chosen(["lstd", "bellman", "lstd"])] == ["lstd", "bellman"]


def test_the_version_is_the_packages(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0 and capsys.readouterr().out == f"icrl {__version__}\n"


@pytest.mark.parametrize(
    "text, option", [("slippery=false", ("slippery", False)), ("size=3", ("size", 3)), ("map=4x4=b", ("map", "4x4=b"))]
)
def test_an_option_is_a_key_and_what_json_makes_of_its_value_or_the_text(text, option):
    assert make_option(text) == option


@pytest.mark.parametrize("text", ["slippery", "=3"])
def test_an_option_without_key_or_value_is_refused(text):
    with pytest.raises(ArgumentTypeError, match="must be KEY=VALUE, got"):
        make_option(text)
