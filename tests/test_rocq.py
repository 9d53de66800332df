"""What is done around the proof checker, without it: which sources are copied anew, and what the second kernel's summary says."""

import os

import pytest

from icrl.verify.kernel import rocq
from icrl.verify.kernel.rocq import UNSAFE
from icrl.verify.kernel.sources import HEAD, Refused


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "proofs").mkdir()
    (tmp_path / "proofs" / "_CoqProject").write_text(HEAD + "a.v\nb.v\n")
    for name in ("a.v", "b.v"):
        (tmp_path / "proofs" / name).write_text(f"(* {name} *)\n")
    return tmp_path / "proofs"


def test_a_source_that_changed_is_copied_anew_and_another_keeps_its_time(folder, tmp_path):
    work = tmp_path / "work"
    with rocq.working(work, folder):
        assert (work / "a.v").read_text() == "(* a.v *)\n"
    for name in ("a.v", "b.v"):
        os.utime(work / name, (1, 1))
    (folder / "a.v").write_text("(* other *)\n")
    (work / "stale.v").write_text("")
    with rocq.working(work, folder):
        assert (work / "a.v").read_text() == "(* other *)\n"
        assert ((work / "a.v").stat().st_mtime > 1, (work / "b.v").stat().st_mtime) == (True, 1)
        assert not (work / "stale.v").exists()


def summary(*axioms, unsafe=()):
    assumed = "".join(f"\n    {axiom}" for axiom in axioms) or " <none>"
    return f"CONTEXT SUMMARY\n\n* Axioms:{assumed}\n" + "".join(
        f"\n* Constants/Inductives relying on {name}: {'free' if name in unsafe else '<none>'}\n" for name in UNSAFE
    )


def test_the_axioms_of_the_libraries_are_counted(folder, monkeypatch):
    monkeypatch.setattr(rocq, "call", lambda *_: summary("Coq.Logic.propext", "mathcomp.choice"))
    assert rocq.read_again(folder) == 2


@pytest.mark.parametrize(
    "said, fault",
    [
        (summary("Coq.Logic.propext", "icrl.a.free"), "icrl.a.free is an axiom"),
        (summary(unsafe=UNSAFE[:1]), f"{UNSAFE[0]}: not <none>".replace("(", r"\(").replace(")", r"\)")),
    ],
)
def test_an_axiom_of_ours_and_what_is_unsafe_are_refused(folder, monkeypatch, said, fault):
    monkeypatch.setattr(rocq, "call", lambda *_: said)
    with pytest.raises(Refused, match=fault):
        rocq.read_again(folder)
