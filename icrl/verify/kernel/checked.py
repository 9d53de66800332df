"""The checks of kind ``kernel``: which machine-checked theorems a claim stands on, and what is on record about them.

``make proofs`` compiles the sources in ``proofs/`` and writes ``proofs/checked.json``. A check passes where this machine
has compiled sources of exactly that hash, and elaborated the same statements; without the checker it is on record, or,
under ``ICRL_STRICT=1``, fails; with other sources it fails.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import tomllib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from icrl.verify.kernel import elaborated, rocq, sources, twins, uses
from icrl.verify.kernel.rocq import NoChecker
from icrl.verify.kernel.sources import PROOFS, Refused
from icrl.verify.model import Check, Claim, Verdict

RECORD = PROOFS / "checked.json"
PLANTED = PROOFS / "planted.toml"
"""The result on record, and the wrong changes of the sources that must be refused."""
EXECUTABLE = "executable"
"""The module that computes."""
SYMBOLS = PROOFS / "symbols.toml"
"""The names of the sources, and the book's symbols for them."""
WORK = PROOFS.parent / ".proofs"
"""Where this machine compiles; ``checked.json`` in it holds what it has checked, sources by hash, and what was found."""

Report = Callable[[str], None]
"""Hears each line as it comes."""


@dataclass(frozen=True)
class Planted:
    """A wrong change of the sources that must be refused: each edit is (file, what stands there once, what to put in its place)."""

    name: str
    edits: tuple[tuple[str, str, str], ...]

    def __str__(self) -> str:
        line = lambda text: " ".join(text.split())
        return "; ".join(f"{file}: {line(wrong) or 'nothing'} for {line(right)}" for file, right, wrong in self.edits)


@dataclass(frozen=True)
class Proof(Check):
    """A check of kind ``kernel``.

    ``stated`` are the theorems ``file.name`` that the book shows, with ``definitions``; ``further`` those it only names;
    ``planted`` the wrong changes.
    """

    stated: tuple[str, ...] = ()
    further: tuple[str, ...] = ()
    definitions: tuple[str, ...] = ()
    planted: tuple[Planted, ...] = ()

    @property
    def theorems(self) -> tuple[str, ...]:
        """All theorems that the claim stands on."""
        return self.stated + self.further


def proof(
    claim: str,
    scope: str,
    stated: Iterable[str],
    definitions: Iterable[str] = (),
    further: Iterable[str] = (),
    asserts: Iterable[str] = (),
) -> Proof:
    """The kernel check of a claim, with the wrong changes that are planted for it. Raises ``ValueError`` without theorems or without a planted change.

    ``asserts``: the ids of the assertions that the theorems prove.
    """
    stated, further, planted = tuple(stated), tuple(further), planted_for(claim)
    if not stated or (PROOFS.is_dir() and not planted):
        raise ValueError(
            f"a kernel check must state theorems and have planted changes in {PLANTED.name}, got {len(stated)} and {len(planted)} for {claim}"
        )
    run = lambda subject, budget: verdict(stated + further, planted)
    return Proof(
        "kernel",
        scope,
        run,
        (),
        tuple(asserts),
        stated=stated,
        further=further,
        definitions=tuple(definitions),
        planted=planted,
    )


@cache
def table(path: Path) -> dict[str, Any]:
    """What a table beside the sources holds; empty where they are not part of the installation."""
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def planted_for(claim: str) -> tuple[Planted, ...]:
    """The wrong changes that are to break a claim's proof."""
    return tuple(
        Planted(change["name"], tuple(map(tuple, change["edits"]))) for change in table(PLANTED).get(claim, [])
    )


def verdict(theorems: Sequence[str], planted: Sequence[Planted]) -> Verdict:
    """Whether the sources as they are prove these theorems: checked here, or on record where there is no checker."""
    if not PROOFS.is_dir():
        return Verdict(None, "not run: the sources, proofs/, are not part of this installation", ran=False)
    record, found = read_record(), sources.digest()
    if fault := stale(record, found, theorems, planted):
        return Verdict(False, f"{fault}: run make proofs")
    axioms = {axiom for name in theorems for axiom in record["theorems"][name]}
    rests = (
        f"closed under the global context, but for {len(axioms)} axioms of the library of real numbers"
        if axioms
        else "closed under the global context"
    )
    detail = (
        f"{', '.join(theorems)}: {rests}; sources with SHA-256 {found[:16]}…, "
        f"as elaborated {record['elaborated'][:16]}…; {len(planted)} wrong {'changes' if len(planted) > 1 else 'change'} of the sources refused; "
        f"the Transformer and softmax TD of proofs/ and of Python equal on {len(twins.instances())} rational instances"
    )
    strict = os.environ.get("ICRL_STRICT") == "1"
    try:
        here = (rechecked if strict else check_sources)(tuple(record["theorems"]))
    except NoChecker as absent:
        told = f"on record, checked by {record['checker']}; not checked again here, where {absent}"
        return Verdict(False if strict else None, detail, told + "; ICRL_STRICT=1 asks for it" * strict)
    except Refused as refusal:
        return Verdict(False, str(refusal))
    if here != {key: record[key] for key in here}:
        return Verdict(False, "what is on record is not what was found on this machine: run make proofs")
    return Verdict(True, detail, f"compiled on this machine by {rocq.checker()}")


def stale(record: Mapping[str, Any], found: str, theorems: Iterable[str], planted: Iterable[Planted]) -> str:
    """Why the record does not speak of these sources, theorems, planted changes and this Python construction; empty when it does."""
    if record.get("sources") != found:
        return f"proofs/ has the hash {found[:16]}…, and what was checked {record.get('sources', 'none')[:16]}…"
    if absent := [name for name in theorems if not (name in record["theorems"] and name in record["statements"])]:
        return f"{', '.join(absent)} not among what was checked"
    if record["elaborated"] != elaborated.fingerprint(record):
        return "the statements on record are not those that were elaborated"
    if absent := [
        change.name for change in planted if record["planted"].get(change.name, {}).get("change") != str(change)
    ]:
        return f"{', '.join(absent)} not among the planted changes that were refused"
    if record["values"] != twins.fingerprint(twins.python_values()):
        return "the Python construction no longer computes what the definitions in proofs/ do"
    return ""


def read_record() -> dict[str, Any]:
    """What ``make proofs`` wrote last; empty when there is nothing."""
    return json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}


def proofs_of(claims: Iterable[Claim]) -> list[Proof]:
    """The kernel checks of the claims."""
    return [check for claim in claims for check in claim.checks if isinstance(check, Proof)]


def check_sources(
    wanted: Iterable[str], folder: Path = PROOFS, work: Path = WORK, report: Report = lambda line: None
) -> dict[str, Any]:
    """Compile the sources from the first to the last, read off what each theorem assumes, and compare the definitions with Python's.

    What this machine has checked, by the same checker and reader, of sources and instances of the same hash is not checked again: a stamp in
    ``work`` says so. It guards against accident, not against forgery; a fresh clone has none. Returns the assumptions by
    theorem, the elaborated statements, and the fingerprint of the values computed; raises ``Refused`` at the first fault, ``NoChecker`` where Rocq is
    not installed.
    """
    wanted = sorted(wanted)
    if broken := sources.broken_rules(wanted, folder):
        raise Refused("; ".join(broken))
    rocq.require_tools()
    with rocq.working(work, folder):
        stamp, state = (
            work / "checked.json",
            {
                "sources": sources.digest(folder),
                "instances": hashlib.sha256(twins.as_coq(twins.instances()).encode()).hexdigest(),
                "theorems": wanted,
                "reader": [
                    elaborated.sha256(Path(one).read_text("utf-8")) for one in (elaborated.__file__, uses.__file__)
                ],
                "checker": rocq.checker(),
                "place": str(work),
            },
        )
        if stamp.exists() and (known := json.loads(stamp.read_text(encoding="utf-8")))["state"] == state:
            return known["found"]
        rocq.forget(work)
        found = examined(wanted, folder, work, report)
        part = stamp.with_suffix(".part")
        part.write_text(json.dumps({"state": state, "found": found}), encoding="utf-8")
        part.replace(stamp)
    return found


@cache
def rechecked(wanted: tuple[str, ...]) -> dict[str, Any]:
    """:func:`check_sources`, whatever this machine has checked before; once in a process."""
    (WORK / "checked.json").unlink(missing_ok=True)
    return check_sources(wanted)


def examined(wanted: Sequence[str], folder: Path, work: Path, report: Report = lambda line: None) -> dict[str, Any]:
    """What :func:`check_sources` returns, of the sources as they lie in ``work``, where only what changed is compiled."""
    rocq.compile_all(work, report=report)
    report(
        "reading off what each theorem says and assumes, and computing the definitions' values, to compare them with Python's"
    )
    with ThreadPoolExecutor(2) as pool:
        assumed, values = pool.submit(rocq.assumptions, wanted, work), pool.submit(compared_values, work)
        statements = pool.submit(elaborated.statements, wanted, folder, work)
        used = pool.submit(uses.used, wanted, folder, work)
    if extra := rocq.unexpected(assumed.result(), folder):
        raise Refused("; ".join(extra))
    return {"theorems": assumed.result(), "values": values.result(), "uses": used.result(), **statements.result()}


def reexamined(wanted: Sequence[str], folder: Path, work: Path, nearest: Collection[str] = ()) -> None:
    """Raise ``Refused`` where :func:`examined` would, in a copy of a ``work`` that it accepted, whose sources changed since.

    What a file computes and what its theorems rest on can differ only if it, or one below it, was compiled anew: the
    values, which ``executable.v`` computes, and the assumptions are asked for again of such files alone. The values come
    first, then the ``nearest`` modules, where the change should be seen.
    """
    before = compiled(work)
    anew = lambda: {module for module, when in compiled(work).items() if before.get(module) != when}
    rocq.compile_all(work, [EXECUTABLE])
    if EXECUTABLE in anew():
        compared_values(work)
    if nearest:
        rocq.compile_all(work, nearest)
    rocq.compile_all(work)
    again = [name for name in wanted if name.partition(".")[0] in anew()]
    if extra := rocq.unexpected(rocq.assumptions(again, work) if again else {}, folder):
        raise Refused("; ".join(extra))


def compiled(work: Path) -> dict[str, int]:
    """The compiled files by module, and when each was written, in nanoseconds."""
    return {path.stem: path.stat().st_mtime_ns for path in work.glob("*.vo")}


def compared_values(work: Path) -> str:
    """The fingerprint of what the definitions in ``executable.v`` compute; ``Refused`` where the Python construction disagrees."""
    cases = twins.instances()
    (work / "twins.v").write_text(twins.as_coq(cases), encoding="utf-8")
    output = rocq.call(["coqc", *rocq.FLAGS, "twins.v"], work)
    if differences := twins.compare(output, cases):
        raise Refused(f"the definitions and Python's disagree in {len(differences)} entries: {differences[0]}")
    return twins.fingerprint(twins.parsed(output))


def refusal(
    change: Planted, wanted: Iterable[str], nearest: Collection[str] = (), folder: Path = PROOFS, work: Path = WORK
) -> str:
    """How a planted change is refused, in words; ``Refused`` when it is not, or does not fit the sources.

    ``nearest``: the modules of the claim that it is planted for, which are compiled before the others.

    A change that does not read refuses nothing: the failure must lie in a proof, in what a theorem assumes, or in the
    comparison with Python, and no name may be missing.
    """
    with tempfile.TemporaryDirectory(prefix="planted-") as made:
        changed, there = Path(made) / "proofs", Path(made) / "work"
        shutil.copytree(folder, changed)
        shutil.copytree(work, there, ignore=shutil.ignore_patterns("checked.json", ".lock"))
        for file, right, wrong in change.edits:
            text = (changed / file).read_text(encoding="utf-8")
            if text.count(right) != 1:
                raise Refused(
                    f"planted “{change.name}”: {file} must hold {right!r} once, and does {text.count(right)} times"
                )
            (changed / file).write_text(text.replace(right, wrong), encoding="utf-8")
        try:
            if broken := sources.broken_rules(wanted, changed):
                raise Refused("; ".join(broken))
            with rocq.working(there, changed):
                reexamined(sorted(wanted), changed, there, nearest)
        except Refused as found:
            if re.search(r"in the statement of|was not found in the current environment|Syntax error", str(found)):
                raise Refused(f"planted “{change.name}” does not read: {found}") from None
            return str(found)
    raise Refused(f"planted “{change.name}” was accepted")


def make_record(
    claims: Iterable[Claim],
    afresh: bool = False,
    report: Report = lambda line: None,
    meant: Collection[str] = (),
) -> dict[str, Any]:
    """Check everything and return what to keep on record; a planted change that is on record for these very sources is tried again only ``afresh``.

    ``meant``: the theorems and definitions on record that may say something else now. Raises ``Refused`` at the first
    fault, ``NoChecker`` where Rocq is not installed.
    """
    proofs, record = proofs_of(claims), read_record()
    changes = [(change, one) for one in proofs for change in one.planted]
    if twice := [name for name, count in Counter(change.name for change, _ in changes).items() if count > 1]:
        raise Refused(f"planted more than once: {', '.join(twice)}; the record keeps one change of a name")
    wanted = [name for one in proofs for name in one.theorems]
    found, digest = check_sources(wanted, report=report), sources.digest()
    if other := [name for name in elaborated.restated(record, found) if name not in meant]:
        raise Refused(
            f"{', '.join(other)} no longer {'say' if len(other) > 1 else 'says'} what is on record; "
            f"where that is meant: python -m icrl proofs --restated {' '.join(other)}"
        )
    before = {} if afresh or record.get("sources") != digest else record["planted"]

    def refused(change: Planted, proof: Proof) -> dict[str, str]:
        if before.get(change.name, {}).get("change") == str(change):
            return before[change.name]
        how = refusal(change, wanted, sorted({name.partition(".")[0] for name in proof.theorems}))
        report(f"planted “{change.name}”: refused")
        return {"change": str(change), "refused": how}

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        planted = dict(zip([change.name for change, _ in changes], pool.map(refused, *zip(*changes))))
    return {
        "sources": digest,
        "checker": rocq.checker(),
        "instances": len(twins.instances()),
        **found,
        "planted": planted,
    }
