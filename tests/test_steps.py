"""The steps through the proofs: that those on record belong to these sources, and what a page is told of them.

That the checker goes through them is tested where the proofs are compiled, in test_proofs.py.
"""

import copy
import json
import re
import shutil
import sys
from html import unescape

import pytest

from conftest import ROOT
from gates.active import only_tells, reaches
from icrl.verify.kernel import sources, steps
from icrl.verify.kernel.sources import Sentence

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import proof_steps

RECORD = steps.read_record()
SENTENCES = {
    (file, name, i): sentence
    for file, text in sources.sources().items()
    for name, proof in steps.proofs(text).items()
    for i, sentence in enumerate(proof)
}


@pytest.fixture
def folder(tmp_path):
    """A copy of the sources."""
    return shutil.copytree(sources.PROOFS, tmp_path / "proofs")


@pytest.fixture
def record():
    """What is on record, to be changed."""
    return copy.deepcopy(RECORD)


def test_the_steps_on_record_are_those_of_every_exported_theorem_of_these_sources():
    assert steps.faults(RECORD) == []
    recorded = [f"{file[:-2]}.{name}" for file, there in RECORD["files"].items() for name in there["theorems"]]
    assert sorted(recorded) == sorted(sources.theorems())


def test_a_source_that_changed_is_named_with_those_that_rest_on_it(folder):
    source = folder / "norm.v"
    source.write_text(source.read_text("utf-8").replace("the greatest sum", "the largest sum"), "utf-8")
    found = steps.faults(RECORD, folder)
    assert "contraction.v: the steps on record are those of other sources" in found
    assert not any(fault.startswith(("td.v", "softmax_td.v")) for fault in found)


def swapped(files):
    theorems = files["contraction.v"]["theorems"]
    theorems["contraction"], theorems["error_recursion"] = theorems["error_recursion"], theorems["contraction"]


PLANTED = {
    "a step missing": lambda files: files["contraction.v"]["theorems"]["contraction"].pop(3),
    "another sentence": lambda files: files["contraction.v"]["theorems"]["contraction"][3].__setitem__(0, "by []."),
    "another theorem's steps": swapped,
    "a theorem missing": lambda files: files["contraction.v"]["theorems"].pop("contraction"),
    "a theorem of another source": lambda files: files["contraction.v"]["theorems"].update(free=[]),
    "a source missing": lambda files: files.pop("contraction.v"),
    "another source's steps": lambda files: files.update({"contraction.v": files["softmax_td.v"]}),
    "a cited result missing": lambda files: files["contraction.v"]["results"].pop("decay_to_floor"),
    "a source without theorems": lambda files: files.update({"norm.v": files["contraction.v"]}),
}


@pytest.mark.parametrize("name", PLANTED)
def test_steps_that_are_not_those_of_the_sources_are_refused(name, record):
    PLANTED[name](record["files"])
    assert len(steps.faults(record)) == 1


def test_without_a_record_every_source_with_a_theorem_is_named():
    assert len(steps.faults({})) == len(RECORD["files"])


def test_each_proof_begins_with_one_goal_and_ends_with_none():
    for there in RECORD["files"].values():
        assert {i for goal in there["goals"] for i in goal} == set(range(len(there["texts"])))
        shown = [number for proof in there["theorems"].values() for _, *goals in proof for number in sum(goals, [])]
        assert set(shown) == set(range(len(there["goals"])))
        for proof in there["theorems"].values():
            assert [len(goals) for goals in proof[0][1:]] == [1, 0]
            assert [goals for _, *goals in proof[-2:]] == 2 * [[[], []]]


def test_the_first_goal_of_a_theorem_is_what_it_states():
    there = RECORD["files"]["contraction.v"]
    *given, shown = (there["texts"][i] for i in there["goals"][there["theorems"]["contraction"][0][1][0]])
    assert "E_ge0 : forall s u, 0 <= E s u" in given
    said = next(
        one.words
        for one in sources.sentences((sources.PROOFS / "contraction.v").read_text("utf-8"))
        if one.states and one.states[1] == "contraction"
    )
    assert " ".join(shown.split()) in said


def test_a_record_is_read_as_it_was_written():
    assert steps.RECORD.read_text("utf-8") == steps.written(RECORD)
    assert json.loads(steps.written(RECORD)) == RECORD


@pytest.mark.parametrize(
    "words, parts",
    [
        ("by []", ["by []."]),
        ("- + by []", ["-", "+", "by []."]),
        ("{ rewrite a", ["{", "rewrite a."]),
        ("} Qed", ["}", "Qed."]),
    ],
)
def test_each_mark_before_a_tactic_is_a_sentence_for_the_checker(words, parts):
    assert steps.parts(words) == parts


# What a page is told.


def test_every_sentence_begins_with_a_word_that_is_explained():
    first = {re.match(r"\w+", steps.parts(sentence.words)[-1])[0] for sentence in SENTENCES.values()}
    assert first and first <= proof_steps.table(proof_steps.TACTICS).keys()


def test_a_word_is_explained_where_it_is_a_tactic():
    text = "Theorem a : b. Proof. - by rewrite first; last exact: ring. Qed."
    [sentence] = [one for one in steps.proofs(text)["a"] if "by" in one.words]
    assert [word for _, word in proof_steps.tactics_in(sentence)] == ["by", "rewrite", "last", "exact"]
    for place, word in proof_steps.tactics_in(sentence):
        assert sentence.words[place:].startswith(word)


@pytest.mark.parametrize(
    "words, marks",
    [
        ("apply: f => [||L]", "name cases"),
        ("move=> x; exact: f _ (g _)", "then hole"),
        ("- by rewrite a ?b // !c -d /e {1}f", "part often obvious once back definition at"),
        ("rewrite -[X in X <= _]a [_ * _]b -2!c /=", "back pattern hole once computed"),
        ("have [x x_gt0] := e; rewrite (_ : x = 1)", "apart then claim"),
        ("have -> : a - b = `|c| / d by []", "used nothing"),
        ("case: x => [->|/f y]; [by [] | rewrite a]", "name cases used first then each nothing"),
        ("apply: (@f _ (fun k => a)) => k; ring", "all hole function name then"),
        ("exists (fun k => - x k + 2%:R)", "function"),
        ("apply: (f (a := k)); move: (x) => *; ring", "argument then name unnamed"),
        ("rewrite a in h", "place"),
        ("by rewrite /f //= => h k", "definition both name"),
    ],
)
def test_a_sign_is_found_where_it_has_its_meaning(words, marks):
    found = dict((name, at) for at, name in proof_steps.marks_in(Sentence(words, 1, 1, 0)))
    assert found.keys() == set(marks.split())
    assert all(words[at] in "-;[i_@:f/?!{=*<>" for at in found.values())


def test_what_is_explained_stands_in_some_proof():
    used = {name for sentence in SENTENCES.values() for _, name in proof_steps.marks_in(sentence)}
    assert used == proof_steps.table(proof_steps.MARKS).keys()
    used = {name for sentence in SENTENCES.values() for _, name in proof_steps.library_in(sentence, set())}
    assert used == proof_steps.table(proof_steps.LIBRARY).keys()
    assert used.isdisjoint(proof_steps.stated())
    used = {name for sentence in SENTENCES.values() for _, name in proof_steps.tactics_in(sentence)}
    assert used == proof_steps.table(proof_steps.TACTICS).keys()


def test_what_a_sentence_cites_is_named_but_for_hypotheses():
    sentence = SENTENCES["contraction.v", "contraction", 3]
    said = lambda local: [words or how for words, how in proof_steps.explained("contraction", sentence, local, {})]
    for name, told in {
        "norm_ge0": "Lemma norm_ge0 m n (M : 'M[R]_(m, n)) : 0 <= norm M.",
        "operator_norm_bound": "No row of |G| sums to more than 1 - alpha c.",
        "le_trans": "`le_trans`: if `x <= y` and `y <= z`, then `x <= z`.",
    }.items():
        assert told in said(set()) and told not in said({name})


def test_the_words_of_a_sentence_are_explained_in_their_order():
    sentence = SENTENCES["contraction.v", "contraction", 4]  # - by rewrite divr_ge0 ?norm_ge0 // ltW
    said = [words for words, _ in proof_steps.explained("contraction", sentence, set(), {})]
    begun = "A `-`", "`by", "`rewrite", "`divr_ge0`", "`?e`", "", "`//`", "`ltW`"
    assert len(said) == len(begun) and all(map(str.startswith, said, begun))


def test_a_result_is_told_in_words_and_as_it_is_stated():
    words, statement = proof_steps.told("operator_norm_bound")
    assert words == "No row of |G| sums to more than 1 - alpha c."
    assert statement.startswith("Theorem operator_norm_bound : 0 <= alpha -> ") and statement.endswith(".")


def test_a_result_that_is_named_outside_its_section_is_told_with_what_the_section_fixes():
    there = RECORD["files"]["contraction.v"]
    sentence = SENTENCES["contraction.v", "contraction", 2]
    told = proof_steps.explained("contraction", sentence, set(), there["results"])
    [stated] = (how for _, how in told if how.startswith("Lemma decay_to_floor :"))
    assert "(a : nat -> R) (q : R),\n0 <= q ->" in stated
    inside, outside = (
        proof_steps.cited("contraction")[SENTENCES["contraction.v", name, 3]]
        for name in ("contraction", "transformer_contraction")
    )
    assert {one.name: one.outside for one in inside} == {"norm_ge0": True, "operator_norm_bound": False}
    assert {one.name: one.outside for one in outside} == {"contraction": True}


def test_what_is_said_of_a_result_stands_alone():
    """No words begin with a pronoun, as nothing stands above them where they are shown."""
    cited = {one.name for file in RECORD["files"] for found in proof_steps.cited(file[:-2]).values() for one in found}
    pronoun = re.compile(r"((so|and|then) )?(its?|they|them|this|these|those|that \w+ is)\b", re.IGNORECASE)
    assert cited and [name for name in cited if pronoun.match(proof_steps.told(name)[0])] == []


def test_no_line_breaks_behind_a_sign_that_belongs_to_what_follows():
    page = proof_steps.unbroken("by rewrite -mulrA ?f // => -> /g !(a, b) - c.")
    joined = re.findall(r'<span class="joined">(.*?)</span>', page)
    assert joined == ["-m", "?f", "//", "-&gt;", "/g", "!("]
    assert unescape(re.sub("<.*?>", "", page)) == "by rewrite -mulrA ?f // => -> /g !(a, b) - c."


def test_a_script_of_data_tells_all_that_is_on_record_and_does_nothing_else():
    for file, there in RECORD["files"].items():
        script = proof_steps.data(file[:-2], there)
        assert only_tells(script)
        name, told = json.loads(script.replace("proofSteps(", "[", 1).replace(");\n", "]"))
        assert (name, told["texts"], told["goals"]) == (file[:-2], there["texts"], there["goals"])
        assert {theorem: [step[:2] for step in proof] for theorem, proof in told["steps"].items()} == {
            theorem: [step[1:] for step in proof] for theorem, proof in there["theorems"].items()
        }


@pytest.mark.parametrize("wrong", ['proofSteps("a", fetch("b"));\n', 'proofSteps("a");fetch("b");\n', 'other("a");\n'])
def test_a_script_that_does_more_is_read_for_what_it_reaches(wrong):
    assert not only_tells(wrong)
    assert reaches(wrong) or "other" in wrong


def test_the_book_does_not_build_with_steps_of_other_sources(monkeypatch, record, tmp_path):
    del record["files"]["contraction.v"]
    monkeypatch.setattr(steps, "read_record", lambda: record)
    app = type("App", (), {"builder": type("Builder", (), {"format": "html"}), "outdir": str(tmp_path)})
    warned = []
    monkeypatch.setattr(proof_steps.log, "warning", lambda said, *of: warned.append(said % of))
    proof_steps.write_scripts(app)
    assert warned == ["proofs/steps.json: contraction.v: no steps are on record (make proofs)"]
