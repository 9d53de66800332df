"""The proofs: what they hold, what the record says of them, and that whatever must be refused is.

What needs the proof checker is left out where there is none; the rest runs everywhere.
"""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from conftest import ROOT
from icrl.claims import CLAIMS
from icrl.cli import main
from icrl.verify.kernel import checked as kernel
from icrl.verify.kernel import rocq, twins
from icrl.verify.kernel.checked import Planted, Refused, proof
from icrl.verify.pages.proofs import block
from icrl.verify.routes.edits import Machine, value_weights
from icrl.verify.run import run_claim

PROOFS_OF = kernel.proofs_of(CLAIMS.values())
NAMED = [name for one in PROOFS_OF for name in one.theorems]
SHOWN = [name for one in PROOFS_OF for name in (*one.definitions, *one.stated)]
REQUIRED = {
    "softmax-td",
    "two-heads",
    "episodes",
    "mask-leak",
    "operator",
    "contraction",
    "rate-floor",
    "coverage-needed",
    "certainty-equivalence",
    "linear",
    "neu-bound",
    "bellman",
    "fixed-point",
    "averagers",
    "tabular",
    "score-functions",
}


@pytest.fixture
def folder(tmp_path):
    """A copy of the sources."""
    return shutil.copytree(rocq.PROOFS, tmp_path / "proofs")


def plant(folder, file, right, wrong):
    text = (folder / file).read_text(encoding="utf-8")
    assert text.count(right) == 1, f"{file} must hold {right!r} once"
    (folder / file).write_text(text.replace(right, wrong), encoding="utf-8")


# Without the checker.


def test_the_claims_that_should_be_proved_are():
    assert {claim.id for claim in CLAIMS.values() if any(check.kind == "kernel" for check in claim.checks)} >= REQUIRED


def test_the_sources_break_no_rule():
    assert rocq.broken_rules(NAMED) == []


END = "End SoftmaxTD.\n"
SMUGGLED = {
    "Admitted": ("Lemma free : 1 = 2 :> R.\nProof. Admitted.\n" + END, "'Admitted' in a proof"),
    "admit": ("Lemma free : 1 = 2 :> R.\nProof. admit. Qed.\n" + END, "'admit' in a proof"),
    "an axiom inside a proof": (
        "Lemma free : 1 = 1 :> R.\nProof.\nAxiom cheat : False.\nby []. Qed.\n" + END,
        "'Axiom cheat : False' in a proof",
    ),
    "a proof that does not end": ("Lemma free : 1 = 2 :> R.\nProof.\n" + END, "'End SoftmaxTD' in a proof"),
    "Axiom": (
        END + "Axiom free : 1 = 2 :> nat.\n",
        "'Axiom free : 1 = 2 :> nat' is no sentence that a source may hold",
    ),
    "Parameter": (END + "Parameter free : 1 = 2 :> nat.\n", "'Parameter free : 1 = 2 :> nat' is no sentence"),
    "a variable outside a section": (
        END + "Variable free : 1 = 2 :> nat.\n",
        "'Variable free : 1 = 2 :> nat' outside a section",
    ),
    "a notation for everybody": (END + "Notation norm := 1.\n", "'Notation norm := 1' outside a section"),
    "a hypothesis that is not seen": (
        "  Hypothesis free : 1 = 2 :> R.\n" + END,
        "'Hypothesis free : 1 = 2 :> R' must begin its line",
    ),
    "a hypothesis behind another sentence": (
        "Implicit Type a : R. Hypothesis free : 1 = 2 :> R.\n" + END,
        "'Hypothesis free : 1 = 2 :> R' must begin its line",
    ),
    "the guard switched off": (END + "Unset  Guard\n Checking.\n", "'Unset Guard Checking' is no sentence"),
    "a statement that fails": (
        END + "Fail Theorem extra : 1 = 2 :> nat.\n",
        "'Fail Theorem extra : 1 = 2 :> nat' is no sentence",
    ),
    "a module": (END + "Module M.\nEnd M.\n", "'Module M' is no sentence"),
    "a comment in quotes": (END + 'Local Notation "(*" := 1.\n', "quotation marks may not stand in a comment"),
    "quotes in a comment": (END + '(* " *)\n', "quotation marks may not stand in a comment"),
    "a section left open": (END + "Section Open.\n", "a section that is not closed"),
    "a name twice": (END + "Definition norm := 1.\n", "norm is stated more than once"),
    "a theorem that no claim names": (
        END + "Theorem extra : 1 = 1 :> nat. Proof. by []. Qed.\n",
        "softmax_td.extra is named by no claim",
    ),
}


@pytest.mark.parametrize("name", SMUGGLED)
def test_what_is_smuggled_in_is_named(name, folder):
    text, message = SMUGGLED[name]
    plant(folder, "softmax_td.v", END, text)
    broken = rocq.broken_rules(NAMED, folder)
    assert any(message in line for line in broken), broken


@pytest.mark.parametrize(
    "answer, names",
    [
        ("Closed under the global context\n", []),
        ("Axioms:\nb.two : forall A : Type,\n  A = A\na.one'\n  : False\n", ["a.one'", "b.two"]),
    ],
)
def test_an_answer_of_print_assumptions_is_read(answer, names):
    assert rocq.listed(answer) == names


@pytest.mark.parametrize(
    "answer",
    ["", "Axioms:\n", "Axioms:\nloop is assumed to be guarded.\n", "Section Variables:\nx : nat\n", "Error: gone"],
)
def test_an_answer_of_another_form_is_refused(answer):
    with pytest.raises(Refused, match="Print Assumptions answered"):
        rocq.listed(answer or "nothing")


def test_a_theorem_that_is_missing_is_named(folder):
    plant(folder, "softmax_td.v", "Theorem transformer_rows", "Lemma transformer_rows")
    assert rocq.broken_rules(NAMED, folder) == [
        "softmax_td.transformer_rows, which a claim names, is no Theorem of the sources"
    ]
    assert rocq.broken_rules([*NAMED, NAMED[0]]) == [f"{NAMED[0]} is named more than once"]


def test_what_a_comment_says_breaks_no_rule(folder):
    plant(
        folder,
        "softmax_td.v",
        END,
        END + "(* No Axiom. (* nested: *) no Parameter.\n Variable x. and Theorem none : *)\n",
    )
    assert rocq.broken_rules(NAMED, folder) == []


def test_a_source_that_is_not_listed_is_refused(folder):
    (folder / "extra.v").write_text("")
    with pytest.raises(Refused, match="_CoqProject must list every source once"):
        rocq.broken_rules(NAMED, folder)


@pytest.mark.parametrize("file", ["softmax_td.v", "_CoqProject", "axioms.txt"])
def test_the_hash_sees_every_letter(file, folder):
    before = rocq.digest(folder)
    assert before == rocq.digest()
    with open(folder / file, "a", encoding="utf-8") as end:
        end.write("\n")
    assert rocq.digest(folder) != before


def test_the_record_speaks_of_these_sources_theorems_and_planted_changes():
    record = kernel.read_record()
    assert kernel.stale(record, rocq.digest(), NAMED, [change for one in PROOFS_OF for change in one.planted]) == ""
    assert set(record["theorems"]) == set(NAMED) and len(record["planted"]) == sum(
        len(one.planted) for one in PROOFS_OF
    )


def test_only_the_instances_at_the_reals_rest_on_axioms():
    record, allowed = kernel.read_record(), rocq.allowed_axioms()
    resting = {name: axioms for name, axioms in record["theorems"].items() if axioms}
    assert resting and all(name.startswith("reals.") and set(axioms) <= allowed for name, axioms in resting.items())
    assert {axiom for axioms in resting.values() for axiom in axioms} == allowed, (
        "axioms.txt lists an axiom that nothing rests on"
    )


def test_an_axiom_elsewhere_or_another_one_is_unexpected():
    some = sorted(rocq.allowed_axioms())[0]
    found = {"reals.a": [some], "td.b": [some], "reals.c": ["classic_cheat"]}
    assert rocq.unexpected(found) == [f"td.b rests on {some}", "reals.c rests on classic_cheat"]


RECORD = kernel.read_record()


@pytest.mark.parametrize(
    "record, message",
    [
        ({}, "what was checked none…"),
        ({**RECORD, "sources": "0" * 64}, "what was checked 0000000000000000…"),
        ({**RECORD, "theorems": {}}, "not among what was checked"),
        ({**RECORD, "planted": {}}, "not among the planted changes that were refused"),
        ({**RECORD, "values": "0" * 64}, "the Python construction no longer computes"),
    ],
)
def test_a_record_of_something_else_fails_the_check(record, message, monkeypatch):
    monkeypatch.setattr(kernel, "read_record", lambda: record)
    [check] = [check for check in CLAIMS["softmax-td"].checks if check.kind == "kernel"]
    verdict = check.run(None, None)
    assert verdict.passed is False and message in verdict.detail and "make proofs" in verdict.detail


def test_a_changed_construction_is_not_what_the_definitions_compute():
    right = twins.fingerprint(twins.python_values())
    assert right == kernel.read_record()["values"]
    assert twins.fingerprint(twins.python_values(Machine(edit=value_weights(value=1)))) != right


def test_definitions_that_disagree_with_python_are_refused(monkeypatch, folder):
    monkeypatch.setattr(kernel.rocq, "call", lambda *_: "")
    monkeypatch.setattr(twins, "compare", lambda output, cases: ["prompt, row 2"])
    with pytest.raises(Refused, match="disagree in 1 entries: prompt, row 2"):
        kernel.compared_values(folder)


def test_the_instances_cover_what_the_book_says():
    cases = twins.instances()
    assert {(case.n, case.d, case.depth) for case in cases} == {
        (n, d, depth) for n in range(1, 7) for d in range(4) for depth in range(5)
    }
    assert (
        len(cases) >= 120
        and any(case.v != [0] * len(case.v) for case in cases)
        and any(len(set(case.alphas)) > 1 for case in cases)
    )


def test_without_the_checker_a_claim_is_on_record_and_says_so(monkeypatch):
    monkeypatch.setattr(rocq.shutil, "which", lambda tool: None)
    result = run_claim(CLAIMS["operator"], kind="kernel")
    [(_, verdict)] = result.verdicts
    assert verdict.passed is None and result.status == "partial"
    assert "SHA-256" in verdict.detail and "on record" in verdict.measured and "there is no coqc" in verdict.measured


def test_an_installation_without_the_sources_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(kernel, "PROOFS", tmp_path / "none")
    [(_, verdict)] = run_claim(CLAIMS["operator"], kind="kernel").verdicts
    assert verdict.passed is None and "not part of this installation" in verdict.detail
    assert main(["proofs"]) == 2


def test_make_proofs_without_the_checker_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(rocq.shutil, "which", lambda tool: None)
    before = kernel.RECORD.read_bytes()
    assert main(["proofs"]) == 1
    assert "the proofs cannot be checked here: there is no coqc" in " ".join(capsys.readouterr().err.split())
    assert kernel.RECORD.read_bytes() == before


def test_a_kernel_check_needs_theorems_and_planted_changes():
    for claim, theorems in (("softmax-td", ()), ("nothing is planted for", ("td.a",))):
        with pytest.raises(ValueError, match="must state theorems and have planted changes"):
            proof(claim, "all", theorems)
    assert proof("softmax-td", "all", ("td.a",)).planted


@pytest.mark.parametrize("name", dict.fromkeys(SHOWN))
def test_what_the_book_shows_is_literally_in_the_source(name):
    shown = rocq.excerpt([name])
    lines = iter((rocq.PROOFS / f"{name.partition('.')[0]}.v").read_text(encoding="utf-8").splitlines())
    assert all(line in lines for line in shown.splitlines() if line), "each line, in this order"
    assert re.search(rf"^(Theorem|Definition|Fixpoint|Record) {name.partition('.')[2]}\b", shown, re.MULTILINE)
    assert "Proof." not in shown and max(map(len, shown.splitlines())) <= 84


def unlisted(rows):
    """The rows of the table of symbols that no claim's page lists."""
    shown = "\n".join(map(block, PROOFS_OF))
    return [row for row in rows if f"| `{row[0]}` | {row[2]} |" not in shown]


def test_every_symbol_is_listed_on_some_page():
    rows = kernel.table(kernel.SYMBOLS)["symbols"]
    assert len(rows) >= 55 and unlisted(rows) == []
    assert unlisted([["S", "", "a row that no page lists"]]) != []


@pytest.mark.parametrize(
    "claim", [claim for claim in CLAIMS.values() if kernel.proofs_of([claim])], ids=lambda claim: claim.id
)
def test_a_chapter_shows_the_statements_and_symbols_of_its_sources(claim):
    [check], page = kernel.proofs_of([claim]), ROOT / "book" / "_generated" / "kernel" / f"{claim.id}.md"
    assert block(check) in page.read_text(encoding="utf-8")


def test_without_the_sources_the_tables_beside_them_are_empty(tmp_path):
    assert kernel.table(tmp_path / "symbols.toml") == {}


def test_what_is_not_there_cannot_be_shown():
    with pytest.raises(Refused, match="softmax_td.v states no softmax_td.nothing"):
        rocq.excerpt(["softmax_td.nothing"])


@pytest.mark.parametrize("name", NAMED)
def test_every_exported_theorem_is_said_in_words(name):
    assert len(rocq.in_words(name).split()) >= 3


# With the checker.


@pytest.fixture(scope="module")
def checked():
    """The sources compiled on this machine, and what was found."""
    try:
        return kernel.check_sources(NAMED)
    except rocq.NoChecker as absent:
        pytest.skip(f"the proofs are on record only: {absent}")


def test_make_proofs_would_write_the_record_that_is_there(checked):
    assert kernel.make_record(CLAIMS.values(), afresh=True) == {**kernel.read_record(), "checker": rocq.checker()}


def test_an_error_that_is_consistent_in_itself_is_refused_by_its_values():
    """A transposed in the layer, in TD, in the program and in the example alike: the theorem's proof goes through, but Python computes something else."""
    how = kernel.read_record()["planted"]["A transposed everywhere"]["refused"]
    assert how.startswith("the definitions and Python's disagree in "), how


def test_an_axiom_that_no_rule_sees_is_read_off():
    """Excluded middle, by way of a library, in a proof that needs none."""
    how = kernel.read_record()["planted"]["a smuggled axiom"]["refused"]
    assert how == "linear_td.transformer_is_linear_td rests on Classical_Prop.classic", how


def test_a_harmless_change_is_accepted_and_so_is_no_planted_error(checked):
    with pytest.raises(Refused, match="“a comment” was accepted"):
        kernel.refusal(Planted("a comment", (("reals.v", "(** Instances", "(** Some instances"),)), NAMED)


def test_a_planted_change_that_does_not_fit_or_does_not_read_proves_nothing(checked):
    with pytest.raises(Refused, match="must hold 'no such line' once, and does 0 times"):
        kernel.refusal(Planted("gone", (("td.v", "no such line", ""),)), NAMED)
    typing = {
        "a type": ("td.v", "Definition K (k : nat)", "Definition K (k : not)"),
        "a name": (
            "contraction.v",
            "Hypothesis m_le : forall s, m <= Mhat s s.",
            "Hypothesis m_le : forall s, m <= Mhat s z.",
        ),
    }
    for name, edit in typing.items():
        with pytest.raises(Refused, match=f"“{name}” does not read"):
            kernel.refusal(Planted(name, (edit,)), NAMED)


def verify(folder, **env):
    run = subprocess.run(
        [sys.executable, "-m", "icrl", "verify", "--kind", "kernel", "--json", "-"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), **env},
        capture_output=True,
        text=True,
        timeout=600,
    )
    return run.returncode, {claim["id"]: claim for claim in json.loads(run.stdout)["claims"]}


def test_what_is_on_record_must_be_what_was_found_here(checked, monkeypatch):
    record = kernel.read_record()
    monkeypatch.setattr(
        kernel, "read_record", lambda: {**record, "theorems": {name: [] for name in record["theorems"]}}
    )
    [(_, verdict)] = run_claim(CLAIMS["contraction"], kind="kernel").verdicts
    assert verdict.passed is False and "not what was found on this machine" in verdict.detail


def test_a_compiled_file_of_other_sources_is_not_used(checked, folder, tmp_path):
    """A false statement, dated before the compiled file of the true one: where there is no stamp, everything is compiled again."""
    work = shutil.copytree(kernel.WORK, tmp_path / "work")
    for source in set(folder.glob("*.v")) - {folder / "norm.v"}:  # one file that rests on no other is enough
        source.unlink()
    (work / "checked.json").unlink()
    options = (line for line in (folder / "_CoqProject").read_text().splitlines() if not line.endswith(".v"))
    (folder / "_CoqProject").write_text("\n".join([*options, "norm.v\n"]))
    plant(folder, "norm.v", "norm (0 : 'M[R]_(m, n)) = 0.", "norm (0 : 'M[R]_(m, n)) = 1.")
    shutil.copy(folder / "norm.v", work)
    os.utime(work / "norm.v", (1, 1))
    with pytest.raises(Refused, match="norm.v, in the proof of norm0"):
        kernel.check_sources(rocq.theorems(folder), folder, work)


@pytest.fixture(scope="module")
def copy(checked, tmp_path_factory):
    """A copy of the library and of the proofs, already compiled: the stamp that says so names the copy's place."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "icrl", folder / "icrl", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(rocq.PROOFS, folder / "proofs")
    work = shutil.copytree(kernel.WORK, folder / ".proofs")
    known = json.loads((work / "checked.json").read_text("utf-8"))
    known["state"]["place"] = str(work)
    (work / "checked.json").write_text(json.dumps(known), "utf-8")
    return folder


def test_verify_reports_the_kernels_checks_and_a_planted_change_ends_with_1(copy):
    code, claims = verify(copy)
    assert code == 0
    for id in REQUIRED:
        assert claims[id]["status"] == "partial"
        [check] = [check for check in claims[id]["checks"] if check["kind"] == "kernel"]
        assert check["passed"] is True and "compiled on this machine by Coq" in check["detail"]
    code, claims = verify(copy, PATH="/nowhere")
    assert code == 0 and all(claims[id]["checks"][0]["passed"] is None for id in REQUIRED)
    plant(copy / "proofs", "td.v", "v s 0 + alpha * ", "v s 0 - alpha * ")
    code, claims = verify(copy)
    assert code == 1 and all(claims[id]["status"] == "failed" for id in REQUIRED)
    assert "run make proofs" in claims["softmax-td"]["checks"][0]["detail"]


def test_a_second_kernel_reads_every_compiled_proof_again(checked):
    """The libraries below them, which no change here can alter, are read again by `make coqchk`."""
    with rocq.working(kernel.WORK):
        assert rocq.read_again(kernel.WORK) > 0


@pytest.mark.parametrize(
    "source, fault",
    [
        ("Axiom free : forall P : Prop, P.", "icrl.free.free is an axiom"),
        ("Unset Guard Checking.\nFixpoint free (n : nat) : False := free n.", r"unsafe \(co\)fixpoints: not <none>"),
        ("Unset Universe Checking.\nDefinition free : Type := (Type : Type).", "type-in-type: not <none>"),
        ("Unset Positivity Checking.\nInductive free := make : (free -> False) -> free.", "positivity is assumed"),
    ],
)
def test_a_second_kernel_refuses_what_is_assumed(checked, source, fault, tmp_path):
    (tmp_path / "_CoqProject").write_text("-Q . icrl\n\nfree.v\n")
    (tmp_path / "free.v").write_text(f"{source}\n")
    rocq.compile_all(tmp_path)
    for libraries in (False, True):
        with pytest.raises(Refused, match=f"coqchk: .*{fault}"):
            rocq.read_again(tmp_path, libraries)
