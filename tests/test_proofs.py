"""The proofs: what they hold, what the record says of them, and that whatever must be refused is.

What needs the proof checker is left out where there is none; the rest runs everywhere.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import cache

import pytest

from conftest import ROOT
from icrl.claims import CLAIMS
from icrl.cli import main
from icrl.verify.kernel import checked as kernel
from icrl.verify.kernel import elaborated, rocq, sources, steps, twins, uses
from icrl.verify.kernel.checked import Planted, Refused, proof
from icrl.verify.pages.map import in_words
from icrl.verify.pages.proofs import as_elaborated, block, folded
from icrl.verify.routes.edits import Machine, value_weights
from icrl.verify.run import run_claim

PROOFS_OF = kernel.proofs_of(CLAIMS.values())
NAMED = [name for one in PROOFS_OF for name in one.theorems]
SHOWN = [name for one in PROOFS_OF for name in (*one.definitions, *one.stated)]
REQUIRED = {
    "softmax-td",
    "two-heads",
    "episodes",
    "episodic-value",
    "mask-leak",
    "operator",
    "contraction",
    "rate-floor",
    "coverage-needed",
    "certainty-equivalence",
    "linear",
    "linear-td",
    "linear-td-lambda",
    "linear-residual-gradient",
    "linear-average-reward",
    "neu-bound",
    "explicit-finite-sample",
    "kernel-td",
    "batch-td",
    "lstd",
    "softmax-td-lambda",
    "softmax-residual-gradient",
    "softmax-average-reward",
    "causal-mask",
    "bellman",
    "fixed-point",
    "averagers",
    "tabular",
    "score-functions",
    "weights",
    "stationary",
    "global-minimum",
    "state-form",
    "depth-against-context",
    "identifiability",
    "a-priori-finite-sample",
}


@pytest.fixture
def folder(tmp_path):
    """A copy of the sources."""
    return shutil.copytree(sources.PROOFS, tmp_path / "proofs")


def plant(folder, file, right, wrong):
    text = (folder / file).read_text(encoding="utf-8")
    assert text.count(right) == 1, f"{file} must hold {right!r} once"
    (folder / file).write_text(text.replace(right, wrong), encoding="utf-8")


# Without the checker.


def test_the_claims_that_should_be_proved_are():
    assert {claim.id for claim in CLAIMS.values() if any(check.kind == "kernel" for check in claim.checks)} >= REQUIRED


def test_the_sources_break_no_rule():
    assert sources.broken_rules(NAMED) == []


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
    "a comment in quotes": (END + 'Local Notation "(*" := 1.\n', "quotation marks may enclose no full stop"),
    "quotes in a comment": (END + '(* " *)\n', "quotation marks may not stand in a comment"),
    "a section left open": (END + "Section Open.\n", "a section that is not closed"),
    "a name twice": (END + "Definition norm := 1.\n", "norm is stated more than once"),
    "a notation in a proof": (
        'Lemma free : 1 = 1 :> R.\nProof.\n#[local] Notation "a <= b" := True.\nby []. Qed.\n' + END,
        """'#[local] Notation "a <= b" := True' in a proof""",
    ),
    "a notation with a definition": (
        END + 'Fixpoint leq (a b : nat) : Prop := True where "a <= b" := (leq a b).\n',
        "brings a notation with it",
    ),
    "a section in a comment": (
        "(*\nEnd SoftmaxTD.\n*)\nHypothesis free : 1 = 2 :> R.\n(*\nSection SoftmaxTD.\n*)\n" + END,
        "'End SoftmaxTD.' reads like a sentence, in a comment",
    ),
    "a theorem in a comment": (
        "(* A remark.\nTheorem free : 1 = 2 :> R.\n*)\n" + END,
        "'Theorem free : 1 = 2 :> R.' reads like a sentence, in a comment",
    ),
    "a letter that looks like another": (
        END + "Definition n\u043erm := 1.\n",
        "CYRILLIC SMALL LETTER O",
    ),
    "an attribute behind a name for a proof in quotes": (
        'Local Notation "a . Proof . b" := a.\n#[local] Axiom free : 1 = 2 :> R.\n' + END,
        "quotation marks may enclose no full stop",
    ),
    "a symbol that runs into a comment": (
        "Lemma free (p : nat) : p.(* = p -> False *) = p.\nProof. by []. Qed.\n" + END,
        "a comment must follow a blank",
    ),
    "a quotation mark in quotes": (END + 'Local Notation "a "" b" := a.\n', "quotation marks may enclose no"),
    "an axiom behind three full stops": (
        "Lemma free : 1 = 1 :> R.\nProof with auto.\nby []... Axiom cheat : False. Qed.\n" + END,
        "two full stops",
    ),
    "a scope in the middle": (
        "Open Scope nat_scope.\n" + END,
        "'Open Scope nat_scope' must stand at the head of its file",
    ),
    "a library in the middle": (
        "Import Order.TTheory.\n" + END,
        "'Import Order.TTheory' must stand at the head of its file",
    ),
    "text that runs from right to left": (END + "(* \u202e *)\n", "RIGHT-TO-LEFT OVERRIDE"),
    "the end of a line that is none": (END + "(* a\rb *)\n", "character 13"),
    "a second theorem behind the first": (
        END + "Theorem extra (n : nat) : n = n with free (n : nat) : n = n.\n",
        "states more than one thing",
    ),
    "a coercion": (END + "Record wrapped := Wrapped { unwrap :> nat }.\n", "brings a coercion with it"),
    "a comment that does not end": (END + "(* (* *)\n", "a comment that does not end"),
    "a theorem that no claim names": (
        END + "Theorem extra : 1 = 1 :> nat. Proof. by []. Qed.\n",
        "softmax_td.extra is named by no claim",
    ),
}


@pytest.mark.parametrize("name", SMUGGLED)
def test_what_is_smuggled_in_is_named(name, folder):
    text, message = SMUGGLED[name]
    plant(folder, "softmax_td.v", END, text)
    broken = sources.broken_rules(NAMED, folder)
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
    assert sources.broken_rules(NAMED, folder) == [
        "softmax_td.transformer_rows, which a claim names, is no Theorem of the sources"
    ]
    assert sources.broken_rules([*NAMED, NAMED[0]]) == [f"{NAMED[0]} is named more than once"]


def test_what_a_comment_says_breaks_no_rule(folder):
    plant(
        folder,
        "softmax_td.v",
        END,
        END + "(* No Axiom. (* nested: *) no Parameter.\n Variable x; and a Theorem none *)\n",
    )
    assert sources.broken_rules(NAMED, folder) == []


def test_a_source_that_is_not_listed_is_refused(folder):
    (folder / "extra.v").write_text("")
    with pytest.raises(Refused, match="_CoqProject must list every source once"):
        sources.broken_rules(NAMED, folder)


@pytest.mark.parametrize(
    "right, wrong",
    [
        ("-Q . icrl\n", "-Q . icrl\n-Q ../elsewhere icrl\n"),
        ("-Q . icrl\n", "-Q . icrl -l ../free.v\n"),
        ("-arg -w\n", "-arg -l -arg ../free.v\n-arg -w\n"),
        ("td.v\nentries.v", "td.v entries.v"),
        ("reals.v\n", "reals.v\n../elsewhere/free.v\n"),
        ("reals.v\n", "reals.v\n-arg -impredicative-set\n"),
        ("reals.v\n", "reals.v"),
        ("td.v\nentries.v", "td.v\r\nentries.v"),
    ],
)
def test_the_list_of_the_sources_has_one_form(right, wrong, folder):
    project = folder / "_CoqProject"
    listed = project.read_bytes().decode()
    project.write_bytes(listed.replace(right, wrong, 1).encode())
    assert project.read_bytes().decode() != listed
    with pytest.raises(Refused, match="_CoqProject must"):
        sources.broken_rules(NAMED, folder)


@pytest.mark.parametrize(
    "wrong, message",
    [
        ("From Flocq Require Import Core.", "'From Flocq Require Import Core' is no sentence"),
        ("Require Import free.", "'Require Import free' is no sentence"),
        ("From icrl Require Import elsewhere.free.", "is no sentence"),
        ("From icrl Require Import free.", "icrl.free, which is not listed before it"),
        ("From icrl Require Import softmax_td.", "icrl.softmax_td, which is not listed before it"),
    ],
)
def test_only_the_libraries_and_what_is_listed_before_are_brought_in(wrong, message, folder):
    plant(folder, "td.v", "Open Scope ring_scope.\n", f"{wrong}\nOpen Scope ring_scope.\n")
    broken = sources.broken_rules(NAMED, folder)
    assert any(message in line for line in broken), broken


@pytest.mark.parametrize("name", ["Nat.v", "two.v.v", "n\u043erm.v"])
def test_a_source_has_a_plain_name(name, folder):
    (folder / name).write_text("")
    with open(folder / "_CoqProject", "a", encoding="utf-8") as listed:
        listed.write(f"{name}\n")
    with pytest.raises(Refused, match=f"{name}: a source's name is made of"):
        sources.broken_rules(NAMED, folder)


HIDING = """Section One.
Variable n : nat.
(* What
   is above. *)
Hypothesis small : n = 0.
(*
End One.
Section One.
Theorem shown : n = 1.
*)
(* It is 0. *)
Theorem shown :
  n = 0. (* not 1. *)
Proof. exact: small. Qed.
End One.
"""


def test_what_a_comment_says_hides_no_hypothesis_and_is_not_shown(tmp_path):
    (tmp_path / "hiding.v").write_text(HIDING)
    shown = sources.excerpt(["hiding.shown"], tmp_path)
    assert "Hypothesis small : n = 0." in shown and "Theorem shown :\n  n = 0. (* not 1. *)" in shown
    assert "Theorem shown : n = 1." not in shown
    assert sources.in_words("hiding.shown", tmp_path) == "It is 0."
    assert len(sources.broken_text(HIDING)) == 3


def test_sentences_are_told_apart_with_their_lines_and_columns():
    text = 'A b. (* C. (* D. *)\n*) E\n  f.g (h). Local Notation "a ; b" := c.\nrest'
    found = [(one.words, one.first, one.last, one.column) for one in sources.sentences(text)]
    assert found == [
        ("A b", 1, 1, 0),
        ("E f.g (h)", 2, 3, 3),
        ('Local Notation "a ; b" := c', 3, 3, 11),
        ("rest", 4, 4, 0),
    ]


@pytest.mark.parametrize("file", ["softmax_td.v", "_CoqProject", "axioms.txt"])
def test_the_hash_sees_every_letter(file, folder):
    before = sources.digest(folder)
    assert before == sources.digest()
    with open(folder / file, "a", encoding="utf-8") as end:
        end.write("\n")
    assert sources.digest(folder) != before


def test_the_record_speaks_of_these_sources_theorems_and_planted_changes():
    record = kernel.read_record()
    assert kernel.stale(record, sources.digest(), NAMED, [change for one in PROOFS_OF for change in one.planted]) == ""
    assert set(record["theorems"]) == set(NAMED) and len(record["planted"]) == sum(
        len(one.planted) for one in PROOFS_OF
    )


def test_only_theorems_about_the_exponential_rest_on_axioms():
    record, allowed = kernel.read_record(), rocq.allowed_axioms()
    resting = {name: axioms for name, axioms in record["theorems"].items() if axioms}
    assert resting and all(name.startswith(rocq.REALS) and set(axioms) <= allowed for name, axioms in resting.items())
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
        ({**RECORD, "statements": {}}, "not among what was checked"),
        ({**RECORD, "definitions": {}}, "the statements on record are not those that were elaborated"),
    ],
)
def test_a_record_of_something_else_fails_the_check(record, message, monkeypatch):
    monkeypatch.setattr(kernel, "read_record", lambda: record)
    [check] = [check for check in CLAIMS["softmax-td"].checks if check.kind == "kernel"]
    verdict = check.run(None, None)
    assert verdict.passed is False and message in verdict.detail and "make proofs" in verdict.detail


def test_two_planted_changes_of_one_name_are_refused_before_anything_is_compiled():
    twice = CLAIMS["softmax-td"]
    with pytest.raises(Refused, match="planted more than once: .*no γ in the target-memory step"):
        kernel.make_record([twice, twice])


def changed(part, name, value):
    return {**RECORD, part: {**RECORD[part], name: value}}


def test_a_statement_or_definition_that_changed_is_named_until_it_is_meant(monkeypatch):
    theorem, definition = "contraction.contraction", "transformer.softmax"
    weaker = {**RECORD["statements"][theorem], "sha256": "0" * 64}
    assert elaborated.restated(RECORD, RECORD) == [] == elaborated.restated({}, RECORD)
    assert elaborated.restated(changed("statements", theorem, weaker), RECORD) == [theorem]
    assert elaborated.restated(changed("definitions", definition, "0" * 64), RECORD) == [definition]
    assert elaborated.restated(changed("statements", "contraction.gone", weaker), RECORD) == ["contraction.gone"]

    monkeypatch.setattr(kernel, "read_record", lambda: changed("statements", theorem, weaker))
    found = {key: RECORD[key] for key in ("theorems", "values", "statements", "definitions", "elaborated")}
    monkeypatch.setattr(kernel, "check_sources", lambda wanted, report: found)
    monkeypatch.setattr(rocq, "checker", lambda: "a checker")
    with pytest.raises(Refused, match=f"{theorem} no longer says what is on record.*--restated {theorem}"):
        kernel.make_record(CLAIMS.values())
    assert kernel.make_record(CLAIMS.values(), meant=[theorem])["statements"] == RECORD["statements"]


def test_the_book_shows_what_was_elaborated_and_all_that_it_reaches():
    [check] = kernel.proofs_of([CLAIMS["mask-leak"]])
    shown = " ".join(as_elaborated(check).split())
    for name in check.stated:
        one = RECORD["statements"][name]
        assert one["elaborated"] in shown and all(f"`` {reached} ``" in shown for reached in one["reaches"])
    assert as_elaborated(check) in folded(check, "detail", CLAIMS["mask-leak"])


def test_the_book_says_which_sentences_the_theorems_do_not_prove():
    claim = CLAIMS["rate-floor"]
    [check] = kernel.proofs_of([claim])
    assert "do not prove {ref}`floor <status-rate-floor-floor>`; the" in folded(check, "detail", claim)
    whole = replace(check, asserts=tuple(one.id for one in claim.assertions))
    assert "prove every sentence" in folded(whole, "detail", claim)


@pytest.mark.parametrize("name", NAMED)
def test_what_is_on_record_of_a_statement_speaks_of_ours_by_file(name):
    one = RECORD["statements"][name]
    assert one["elaborated"] and name not in one["reaches"] and set(one["reaches"]) <= set(RECORD["definitions"])
    assert all(definition in sources_state() for definition in one["reaches"])


@cache
def sources_state():
    return set(sources.stated(sources.sources()))


OWNER = {name: claim.id for claim in CLAIMS.values() for one in kernel.proofs_of([claim]) for name in one.theorems}
RESTS_ON = {claim.id: claim.rests_on for claim in CLAIMS.values()}


def unexplained(used=RECORD["uses"], rests_on=RESTS_ON):
    """The pairs of claims where the proofs and ``rests_on`` differ and no reason is given, or a reason is given and they do not."""
    found = uses.differences(used, OWNER, rests_on)
    pairs = lambda table: {(claim, other) for claim, others in table.items() for other in others}
    return pairs(found) ^ pairs(kernel.table(uses.REASONS))


def test_what_the_proofs_use_is_what_the_claims_rest_on_or_it_is_said_why():
    assert set(RECORD["uses"]) == set(NAMED) >= set().union(*RECORD["uses"].values())
    assert unexplained() == set()
    reasons = " ".join(reason for others in kernel.table(uses.REASONS).values() for reason in others.values())
    assert set(re.findall(r"`(\w+\.\w+)`", reasons)) <= sources_state()


@pytest.mark.parametrize("claim, other", [(claim, other) for claim in RESTS_ON for other in RESTS_ON[claim]])
def test_a_claim_that_rests_on_one_less_is_noticed_unless_that_follows(claim, other):
    fewer = RESTS_ON | {claim: [each for each in RESTS_ON[claim] if each != other]}
    follows = other in elaborated.reached(claim, {each: set(below) for each, below in fewer.items()})
    compared = {claim, other} <= set(OWNER.values())
    assert (claim, other) in unexplained(rests_on=fewer) or follows or not compared


def test_a_proof_that_uses_more_or_less_is_noticed():
    more = {**RECORD["uses"], "bellman.bellman_contracts": ["operator.richardson"]}
    assert unexplained(more) == {("bellman", "operator")}
    without = {name: [] if OWNER[name] == "rate-floor" else others for name, others in RECORD["uses"].items()}
    assert ("rate-floor", "operator") in unexplained(without)
    assert unexplained(rests_on=RESTS_ON | {"bellman": ["softmax-td"]}) == {("bellman", "softmax-td")}


def test_the_map_says_what_the_proofs_use_and_why_that_differs(monkeypatch):
    told = in_words([CLAIMS[id] for id in ("softmax-td", "two-heads", "mask-leak", "episodes")])
    *_, two_heads, _, episodes, leak, softmax_td = told.splitlines()
    assert two_heads.endswith("rests on {prf:ref}`softmax-td`. Its proofs use the same.")
    assert episodes.endswith("Its proofs use {prf:ref}`two-heads`.")
    assert leak.startswith("  - {prf:ref}`mask-leak`, not in the proofs: proved anew") and "softmax-td" in softmax_td
    monkeypatch.setattr(uses, "REASONS", sources.PROOFS / "none.toml")
    assert in_words(list(CLAIMS.values())).count("not explained") > 30
    monkeypatch.setattr("icrl.verify.pages.map.read_record", dict)
    assert "proofs" not in in_words(list(CLAIMS.values()))


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
    monkeypatch.delenv("ICRL_STRICT", raising=False)
    monkeypatch.setattr(rocq.shutil, "which", lambda tool: None)
    result = run_claim(CLAIMS["operator"], kind="kernel")
    [(_, verdict)] = result.verdicts
    assert verdict.passed is None and result.status == "partial"
    assert "SHA-256" in verdict.detail and "on record" in verdict.measured
    assert "not checked again here, where there is no coqc" in verdict.measured


def test_without_the_checker_strictness_fails_the_check(monkeypatch):
    monkeypatch.setenv("ICRL_STRICT", "1")
    monkeypatch.setattr(rocq.shutil, "which", lambda tool: None)
    [(_, verdict)] = run_claim(CLAIMS["operator"], kind="kernel").verdicts
    assert verdict.passed is False and "ICRL_STRICT=1 asks for it" in verdict.measured


def test_under_strictness_what_was_checked_before_is_checked_again(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(kernel, "WORK", tmp_path)
    monkeypatch.setattr(kernel, "check_sources", lambda wanted: asked.append((tmp_path / "checked.json").exists()))
    kernel.rechecked.cache_clear()
    (tmp_path / "checked.json").write_text("{}")
    for _ in range(2):
        kernel.rechecked(("td.a",))
    kernel.rechecked.cache_clear()
    assert asked == [False], "once in a process, and without the stamp"


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
    shown = sources.excerpt([name])
    lines = iter((sources.PROOFS / f"{name.partition('.')[0]}.v").read_text(encoding="utf-8").splitlines())
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


def said_twice(text):
    """The rows of tables of symbols that stand in a page twice."""
    rows = re.findall(r"^\| `\S+` \|.*$", text, re.M)
    return sorted({row for row in rows if rows.count(row) > 1})


@pytest.mark.parametrize("check", PROOFS_OF, ids=lambda check: check.theorems[0])
def test_no_symbol_is_said_twice_in_the_same_words(check):
    assert said_twice(block(check)) == []


def test_a_symbol_said_twice_in_the_same_words_is_noticed():
    assert said_twice("| `mu` | any |\n| `mu` | other |\n| `mu` | any |\n") == ["| `mu` | any |"]


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
        sources.excerpt(["softmax_td.nothing"])


@pytest.mark.parametrize("name", NAMED)
def test_every_exported_theorem_is_said_in_words(name):
    assert len(sources.in_words(name).split()) >= 3


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


@pytest.fixture
def stepping(checked):
    """A function that steps again through some sources, and keeps what is on record of the others."""
    if shutil.which(steps.PROGRAM) is None:
        pytest.skip(f"the steps are on record only: there is no {steps.PROGRAM}")
    files = steps.read_record()["files"]

    def again(some, work=kernel.WORK, folder=kernel.PROOFS):
        known = {file: there for file, there in files.items() if file not in some}
        with rocq.working(work, folder):
            return steps.recorded(work, {"checker": rocq.checker(), "files": known})["files"]

    return again


def test_make_proofs_would_write_the_steps_that_are_there(stepping):
    """Of two sources, one about the reals."""
    assert stepping({"contraction.v", "hoeffding.v"}) == steps.read_record()["files"]


def test_a_sentence_that_the_checker_refuses_is_refused(stepping, folder, tmp_path):
    plant(folder, "contraction.v", "alpha_le1; rewrite error_step;", "alpha_le1; rewrite error_stop;")
    work = shutil.copytree(kernel.WORK, tmp_path / "work")
    with pytest.raises(Refused, match="stepping through contraction.v: .*error_stop was not found"):
        stepping({"contraction.v"}, work, folder)


def test_an_error_that_is_consistent_in_itself_is_refused_by_its_values():
    """A transposed in the layer, in TD, in the program and in the example alike: the theorem's proof goes through, but Python computes something else."""
    how = kernel.read_record()["planted"]["A transposed everywhere"]["refused"]
    assert how.startswith("the definitions and Python's disagree in "), how


def test_an_axiom_that_no_rule_sees_is_read_off():
    """Excluded middle, by way of a library, in a proof that needs none."""
    how = kernel.read_record()["planted"]["a smuggled axiom"]["refused"]
    rests = "{} rests on Classical_Prop.classic"
    assert how.split("; ") == [
        rests.format(name) for name in ("linear_td.transformer_is_linear_td", "transitions.prediction_is_value")
    ], how


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
    (folder / "_CoqProject").write_text(sources.HEAD + "norm.v\n")
    plant(folder, "norm.v", "norm (0 : 'M[R]_(m, n)) = 0.", "norm (0 : 'M[R]_(m, n)) = 1.")
    shutil.copy(folder / "norm.v", work)
    os.utime(work / "norm.v", (1, 1))
    with pytest.raises(Refused, match="norm.v, in the proof of norm0"):
        kernel.check_sources(sources.theorems(folder), folder, work)


SMALL = """Definition twice (n : nat) := n + n.
Definition even (n : nat) := exists m, n = twice m.
Record pair := Pair { left : nat; right : nat }.
Definition sum (p : pair) := left p + right p.
Section Fixed.
Variable n : nat.
Hypothesis zero : n = 0.
Theorem is_even : even n -> n <= 0.
Proof. intros _. rewrite zero. repeat constructor. Qed.
End Fixed.
Theorem sums p : sum p = left p + right p.
Proof. reflexivity. Qed.
"""


def read_of(tmp_path, text):
    """What is on record of one small source."""
    (tmp_path / "small.v").write_text(text)
    (tmp_path / "_CoqProject").write_text(sources.HEAD + "small.v\n")
    rocq.compile_all(tmp_path)
    return elaborated.statements(["small.is_even", "small.sums"], tmp_path, tmp_path)


@pytest.fixture(scope="module")
def small(checked, tmp_path_factory):
    return read_of(tmp_path_factory.mktemp("small"), SMALL)


def test_a_statement_is_read_with_what_its_section_fixes_and_all_that_it_reaches(small):
    one = small["statements"]["small.is_even"]
    assert one["elaborated"] == "forall (n : nat) (_ : eq n 0) (_ : small.even n), le n 0"
    assert one["reaches"] == ["small.even", "small.twice"]
    assert small["statements"]["small.sums"]["reaches"] == ["small.pair", "small.sum"]
    assert set(small["definitions"]) == {"small.even", "small.pair", "small.sum", "small.twice"}


@pytest.mark.parametrize(
    "right, wrong, named",
    [
        ("even n -> n <= 0.", "even n -> n <= 1.", ["small.is_even"]),
        ("n + n.", "n + n + 0.", ["small.twice"]),
        (":= left p", ":= 0 + left p", ["small.sum"]),
        ("left : nat; right : nat", "right : nat; left : nat", ["small.pair"]),
        ("Hypothesis zero : n = 0.", "Hypothesis zero : 0 = n.", ["small.is_even"]),
        ("Section Fixed.", 'Section Fixed.\nLocal Notation "a <= b" := (b = b /\\ a = a).', ["small.is_even"]),
        ("repeat constructor.", "auto.", []),
    ],
)
def test_what_makes_a_statement_another_is_seen(right, wrong, named, small, tmp_path):
    assert SMALL.count(right) == 1
    assert elaborated.restated(small, read_of(tmp_path, SMALL.replace(right, wrong))) == named


CHAIN = """Definition odd (n : nat) := exists m, n = S (m + m).
Theorem one : odd 1.
Proof. exists 0. reflexivity. Qed.
Lemma twice_told : odd 1 /\\ odd 1.
Proof. split; exact one. Qed.
Theorem two : odd 1 \\/ False.
Proof. left. apply twice_told. Qed.
Theorem three : odd 1 \\/ False.
Proof. auto using two. Qed.
Theorem four : odd 1.
Proof. try exact two. exists 0. reflexivity. Qed.
"""


def test_what_a_proof_uses_is_read_off_its_term_by_way_of_lemmas_and_not_of_theorems(checked, tmp_path):
    """``two`` uses ``one`` by way of a lemma, ``three`` what a search found, and ``four`` nothing, as what it tries fails."""
    (tmp_path / "small.v").write_text(CHAIN)
    (tmp_path / "_CoqProject").write_text(sources.HEAD + "small.v\n")
    rocq.compile_all(tmp_path)
    used = uses.used([f"small.{name}" for name in ("one", "two", "three", "four")], tmp_path, tmp_path)
    assert used == {
        "small.four": [],
        "small.one": [],
        "small.three": ["small.two"],
        "small.two": ["small.one"],
    }


def test_a_name_of_ours_that_nothing_states_is_refused():
    with pytest.raises(Refused, match="td.hidden, which a statement reaches, is not stated"):
        elaborated.mentioned("forall n : nat, td.hidden (icrl.td.shown n)", {"td.shown": "td.shown"})
    assert elaborated.mentioned("my_td.a x.td.d @icrl.td.shown", {"td.shown": "td.shown"}) == {"td.shown"}


@pytest.fixture(scope="module")
def copy(checked, tmp_path_factory):
    """A copy of the library and of the proofs, already compiled: the stamp that says so names the copy's place."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "icrl", folder / "icrl", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(sources.PROOFS, folder / "proofs")
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
    code, claims = verify(copy, PATH="/nowhere", ICRL_STRICT="")
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
    (tmp_path / "_CoqProject").write_text(sources.HEAD + "free.v\n")
    (tmp_path / "free.v").write_text(f"{source}\n")
    rocq.compile_all(tmp_path)
    for libraries in (False, True):
        with pytest.raises(Refused, match=f"coqchk: .*{fault}"):
            rocq.read_again(tmp_path, libraries)
