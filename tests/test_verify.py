"""What becomes of a claim whose checks pass, fail, raise or cannot run, and the pages that tell it; toy claims, which no result of the book can change."""

from dataclasses import replace
from shutil import copy

import pytest

from conftest import ROOT
from icrl.verify.model import Assertion, Budget, Check, Claim, Counterexample, Hypothesis, Mutant, Verdict
from icrl.verify.pages.ledger import pages
from icrl.verify.pages.proofs import indexed
from icrl.verify.run import complete, run_claim, succeeded


def toy(run, mutants):
    return Claim("toy", "Toy", "preface", "lemma", lambda: "", (), 1, (Check("exact", "here", run),), mutants)


def one_is_one(subject, budget):
    if subject == 1:
        return Verdict(True, "1 = 1")
    if subject == "raises":
        raise ZeroDivisionError("as planned")
    return Verdict(
        False,
        "not 1",
        counterexample=None if subject == "shapeless" else Counterexample("here", "there", str(subject), "1"),
    )


@pytest.mark.parametrize("subject, refuted", [(2, True), ("raises", False), ("shapeless", False), (1, False)])
def test_only_a_counterexample_refutes(subject, refuted):
    result = run_claim(toy(one_is_one, (Mutant("other", subject),)))
    assert result.mutants[0].refuted is refuted
    assert result.status == ("checked" if refuted else "failed")


def test_a_raising_check_fails_the_claim_and_says_why():
    result = run_claim(replace(toy(one_is_one, (Mutant("two", 2),)), subject="raises"))
    assert result.status == "failed" and result.verdicts[0][1].detail == "raised ZeroDivisionError: as planned"


@pytest.mark.parametrize(
    "passed, kind, status",
    [(None, "kernel", "recorded"), (None, "cited", "cited"), (True, "kernel", "checked"), (False, "kernel", "failed")],
)
def test_what_is_only_recorded_or_cited_never_reads_as_checked(passed, kind, status):
    mutants = (Mutant("other", 2),) if kind != "cited" else ()
    claim = replace(
        toy(one_is_one, (Mutant("two", 2),)),
        checks=(Check(kind, "all", lambda subject, budget: Verdict(passed, "")),),
        mutants=mutants,
    )
    assert run_claim(claim, mutants=False).status == status


def test_a_claim_whose_strongest_result_is_on_record_reads_as_recorded():
    checks = (Check("exact", "here", one_is_one), Check("kernel", "all", lambda subject, budget: Verdict(None, "")))
    claim = replace(toy(one_is_one, (Mutant("two", 2),)), checks=checks)
    assert run_claim(claim, mutants=False).status == "recorded"
    assert run_claim(claim, kind="exact", mutants=False).status == "partial"
    assert [list(one.verdicts) for one in run_claim(claim).mutants] == [["exact"]], "no mutant is put to the kernel"


def lacking(package):
    def run(subject, budget):
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)

    return run


@pytest.mark.parametrize("kind", ["kernel", "symbolic", "numeric"])
def test_a_check_that_lacks_its_package_has_not_run_and_judges_no_mutant(kind):
    claim = toy(one_is_one, (Mutant("two", 2),))
    both = run_claim(replace(claim, checks=(Check(kind, "all", lacking("torch.fx")), *claim.checks)))
    assert [verdict.passed for _, verdict in both.verdicts] == [None, True] and both.status == "checked"
    assert both.as_json()["checks"][0]["detail"] == "not run: needs torch: pip install 'icrl[torch]'"
    assert both.mutants[0].refuted_by == ["exact"] and both.mutants[0].refuted
    alone = run_claim(replace(claim, checks=(Check(kind, "all", lacking("flint")),)))
    assert alone.verdicts[0][1].detail == "not run: needs flint: pip install python-flint"
    assert alone.status == "not run" and alone.mutants == []
    assert succeeded([both, alone]) and not complete([both, alone]) and complete([run_claim(claim)])


def test_the_strongest_check_that_ran_decides():
    recorded = Check("kernel", "all", lambda subject, budget: Verdict(None, ""))
    claim = replace(toy(one_is_one, (Mutant("two", 2),)), checks=(recorded, Check("numeric", "some", lacking("torch"))))
    assert run_claim(claim).status == "recorded"


def test_a_module_of_the_library_that_is_missing_is_a_failure():
    claim = toy(lacking("icrl.gone"), (Mutant("two", 2),))
    assert run_claim(claim).status == "failed"


def undrawn():
    raise ModuleNotFoundError("random needs numpy", name="numpy")


def test_words_that_need_a_package_that_is_missing_say_so_and_lose_no_report():
    drawn = Check("numeric", undrawn, one_is_one)
    found = run_claim(replace(toy(one_is_one, (Mutant("two", 2),)), checks=(drawn,))).as_json()
    assert found["checks"][0]["scope"] == "what is drawn is not told: needs numpy, which is not installed"
    assert found["status"] == "checked" and found["mutants"][0]["refuted"]


def test_words_of_another_budget_are_said_to_be_of_the_default():
    claim = replace(toy(one_is_one, (Mutant("two", 2),)), checks=(Check("numeric", "300 numbers", one_is_one),))
    scopes = [
        run_claim(claim, budget=budget).as_json()["checks"][0]["scope"] for budget in (Budget(), Budget(3), Budget(100))
    ]
    assert scopes == ["300 numbers", "by default 300 numbers", "by default 300 numbers"]


SENTENCES = (
    Assertion("one", "It is 1."),
    Assertion("more", "It is more than 0."),
    Assertion("so", "So.", "argued", "why"),
)


def of_sentences(*checks):
    """A claim of three sentences, with the mutants 2, which fails the first alone, and 0, which fails two."""
    return replace(
        toy(one_is_one, (Mutant("two", 2), Mutant("nought", 0))),
        assertions=SENTENCES,
        checks=checks,
        hypotheses=(Hypothesis("None.", reason="it is a toy"), Hypothesis("It is 1.", dropped="two")),
    )


def by_sentence(subject, budget):
    """1 is 1 and more than 0; a mutant fails what it fails."""
    fails = tuple(id for id, holds in (("one", subject == 1), ("more", subject > 0)) if not holds)
    if fails:
        return Verdict(False, "", counterexample=Counterexample("here", fails[0], str(subject), "1", asserted=fails))
    return Verdict(True, "", met={"one": 3, "more": 0})


def named(subject, budget):
    """A check that names its one sentence, and need not tell which failed."""
    return replace(one_is_one(subject, budget), met={})


def test_a_sentence_stands_on_what_passed_on_it_and_on_the_mutants_that_this_refutes():
    told, naming = Check("exact", "here", by_sentence), Check("numeric", "there", named, asserts=("more",))
    one, more, so = run_claim(of_sentences(told, naming)).assertions
    assert (one.id, one.kinds, one.mutants) == ("toy/one", ["exact"], ["two", "nought"])
    assert (more.id, more.kinds, more.mutants) == ("toy/more", ["numeric"], ["two", "nought"])
    assert (so.kinds, so.mutants) == (["argued"], [])
    assert one.as_json() == {
        "id": "toy/one",
        "text": "It is 1.",
        "kinds": ["exact"],
        "mutants": ["two", "nought"],
        "parts": {"exact": 3},
        "left_out": [],
    }
    assert (more.parts, so.parts) == ({}, {}), "a check that names its sentence counts none"
    _, alone, _ = run_claim(of_sentences(told)).assertions
    assert (alone.kinds, alone.mutants) == ([], ["nought"]), "a sentence of which no part was met stands on nothing"


def test_a_claim_without_sentences_of_its_own_is_one():
    [whole] = run_claim(toy(one_is_one, (Mutant("two", 2),))).assertions
    assert (whole.id, whole.kinds, whole.mutants) == ("toy", ["exact"], ["two"])


def test_a_hypothesis_is_told_with_what_goes_wrong_without_it_or_with_the_reason():
    reason, needed = run_claim(of_sentences(Check("exact", "here", by_sentence))).as_json()["hypotheses"]
    assert reason == {"text": "None.", "needed": None, "reason": "it is a toy"}
    wrong = {"mutant": "two", "instance": "here; one", "got": "2", "want": "1"}
    assert needed == {"text": "It is 1.", "needed": wrong, "reason": ""}


def test_a_run_of_some_kinds_is_partial_and_says_which_it_left_out():
    cited = Check("cited", "there", lambda subject, budget: Verdict(None, ""))
    checks = (Check("exact", "here", by_sentence), Check("numeric", "there", named, asserts=("more",)), cited)
    part = run_claim(of_sentences(*checks), kind="numeric").as_json()
    assert part["status"] == "partial"
    assert [each["left_out"] for each in part["assertions"]] == [["exact"], ["exact"], []]
    assert part["assertions"][0]["kinds"] == []
    whole = run_claim(of_sentences(*checks)).as_json()
    assert whole["status"] == "checked" and {tuple(each["left_out"]) for each in whole["assertions"]} == {()}
    wrong = run_claim(replace(of_sentences(*checks), subject=2), kind="numeric")
    assert wrong.status == "failed", "a failure is told before what was left out"


def test_a_claim_is_told_with_its_setting_what_it_rests_on_and_who_cannot_see_a_mutant():
    mutants = (Mutant("two", 2, {"numeric": "it is told to look away"}), Mutant("nought", 0))
    claim = replace(of_sentences(Check("exact", "here", by_sentence)), mutants=mutants, rests_on=("other",))
    told = run_claim(replace(claim, statement=lambda: " Let 1 be 1. ")).as_json()
    assert (told["statement"], told["rests_on"]) == ("Let 1 be 1.", ["other"])
    assert [each["unseen"] for each in told["mutants"]] == [{"numeric": "it is told to look away"}, {}]


def test_every_page_of_a_claim_is_written(tmp_path):
    for name in ("README.md", "_toc.yml", "_config.yml"):
        copy(ROOT / name, tmp_path)
    claim = replace(of_sentences(Check("exact", "here", by_sentence)), chapter="depth")
    written = {str(path.relative_to(tmp_path)): text for path, text in pages([run_claim(claim)], tmp_path).items()}
    assert set(written) == {
        "README.md",
        "book/_generated/kernel/_share.md",
        "book/_generated/theorems/toy.md",
        "book/map.md",
        "book/status.md",
        "book/status/convergence.md",
        "icrl/claims/ledger.json",
    }
    page, first = written["book/status/convergence.md"], written["book/status.md"]
    assert "`exact` (3) · refuted: two; nought" in page, "how many parts of the sentence a check compared"
    assert "(0 · " not in page and first.count("{bdg-success}`exact` {bdg-warning}`argued`") == 1
    assert "{bdg-warning}`argued`" in written["book/_generated/theorems/toy.md"]
    said = "0 sentences of 3 are printed by the functions that the checks call"
    assert said in first and "2 are words without a formula, 1 are proved in the text, 0 taken" in first
    assert "(status-toy-more)=" in written["book/status/convergence.md"]
    assert "{ref}`✓ <status-toy-one>`" in written["book/_generated/theorems/toy.md"]


@pytest.mark.parametrize(
    "text, shown",
    [
        ("v_{l+1} = G v_l + α b̂", "v{sub}`l+1` = G v{sub}`l` + α b̂"),
        ("v^π‖ < 2^-128", r"v{sup}`π`‖ \< 2{sup}`-128`"),
        ("γP_ρv_0 and M\u0302_e", "γP{sub}`ρ`v{sub}`0` and M\u0302{sub}`e`"),
        ("‖v_CE‖ ≤ (1 − γ)^L, v^*", "‖v{sub}`CE`‖ ≤ (1 − γ){sup}`L`, v{sup}`*`"),
        ("Σ_{k<n} S_k", "Σ{sub}`k<n` S{sub}`k`"),
        ("td_update, c_le, row_G of episodes_operator.v", r"td\_update, c\_le, row\_G of episodes\_operator.v"),
    ],
)
def test_indices_of_symbols_are_set_as_such_and_names_of_code_are_not(text, shown):
    assert indexed(text) == shown
