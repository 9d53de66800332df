"""The proofs sentence by sentence: what is left to show after each, as Rocq prints it.

``make proofs`` steps through every proof of an exported theorem as an editor would, by the protocol of ``coqidetop``, and
writes ``proofs/steps.json``. The book's pages are made from that, and need no proof checker.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, XMLPullParser

from icrl.verify.kernel import rocq, sources
from icrl.verify.kernel.sources import PROOFS, Refused, Sentence

RECORD = PROOFS / "steps.json"
PROGRAM = "coqidetop.opt"
"""The program that answers an editor; it comes with the compiler."""
WIDTH = 84
"""As many columns as a page of the book has."""


@dataclass
class Session:
    """A conversation with ``coqidetop``: sentences go in one by one, and it is asked what is left to show."""

    process: subprocess.Popen[bytes]
    state: str = "1"
    answers: XMLPullParser = field(default_factory=lambda: XMLPullParser(("start", "end")))

    def call(self, name: str, argument: str) -> Element:
        """What it answers to a request; ``Refused`` where that is an error."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f'<call val="{name}">{argument}</call>'.encode())
        self.process.stdin.flush()
        while True:
            for event, element in self.answers.read_events():
                if event == "end" and element.tag == "value":
                    if element.get("val") != "good":
                        raise Refused(" ".join("".join(element.itertext()).split()))
                    return element
            if not (read := os.read(self.process.stdout.fileno(), 1 << 16)):
                raise Refused(f"{PROGRAM} ended")
            self.answers.feed(read)

    def say(self, sentence: str) -> None:
        """Let it read a sentence."""
        text, number = f"<string>{escape(sentence, quote=False)}</string>", "<int>0</int>"
        state = f'<pair><state_id val="{self.state}"/><bool val="false"/></pair>'
        where = f"<pair>{number}{number}</pair>"
        told = f"<pair><pair><pair><pair>{text}{number}</pair>{state}</pair>{number}</pair>{where}</pair>"
        self.state = next(self.call("Add", told).iter("state_id")).attrib["val"]

    def left(self) -> tuple[list[Goal], list[Goal]]:
        """What is left to show: the goals of the part of the proof where it is, and those of the parts that follow."""
        found = self.call("Goal", "<unit/>").find("option/goals")
        if found is None:
            return [], []
        here, later, *_ = found
        return [as_goal(goal) for goal in here], [as_goal(goal) for goal in later.iter("goal")]


Goal = tuple[str, ...]
"""The hypotheses, and last what is to be shown."""


def as_goal(goal: Element) -> Goal:
    """A goal as it is printed."""
    _, hypotheses, conclusion, *_ = goal
    return tuple("".join(part.itertext()).replace("\xa0", " ") for part in (*hypotheses, conclusion))


@contextmanager
def session(file: str, work: Path) -> Iterator[Session]:
    """A conversation about a source, beside the compiled files in ``work``."""
    command = [PROGRAM, "-main-channel", "stdfds", *rocq.FLAGS, "-topfile", file]
    with subprocess.Popen(
        command, cwd=work, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            opened = Session(process)
            opened.answers.feed('<!DOCTYPE all [<!ENTITY nbsp " ">]><all>')  # the answers follow without a root
            opened.call("Init", '<option val="none"/>')
            opened.say(f"Set Printing Width {WIDTH}.")
            yield opened
        finally:
            process.kill()


def proofs(text: str) -> dict[str, list[Sentence]]:
    """The proof of each ``Theorem`` of a source, by name: its sentences, from ``Proof.`` to ``Qed.``."""
    found: dict[str, list[Sentence]] = {}
    name = ""
    for sentence in sources.sentences(text):
        if sentence.states:
            name = sentence.states[1] if sentence.states[0] == "Theorem" else ""
        elif name:
            found.setdefault(name, []).append(sentence)
            name = name * (sentence.words.split()[-1] != "Qed")
    return found


def parts(words: str) -> list[str]:
    """The sentences that the checker sees in one: each mark before a tactic that begins or ends a part of a proof is one."""
    tactic = words.lstrip("-+*{} ")
    return [*words.removesuffix(tactic).split(), f"{tactic}."]


def stepped(file: str, folder: Path, work: Path) -> dict[str, Any]:
    """The steps of a source's theorems, by name: each sentence, the numbers of the goals that it leaves, and of those of later parts.

    ``goals`` are the goals by number: the numbers of their hypotheses and conclusion in ``texts``.
    """
    text = (folder / file).read_text(encoding="utf-8")
    theorem = {sentence: name for name, proof in proofs(text).items() for sentence in proof}
    steps: dict[str, list[Any]] = {name: [] for name in theorem.values()}
    texts: dict[str, int] = {}
    goals: dict[tuple[int, ...], int] = {}
    number = lambda goal: goals.setdefault(tuple(texts.setdefault(text, len(texts)) for text in goal), len(goals))
    with session(file, work) as coq:
        for sentence in sources.sentences(text):
            for part in parts(sentence.words):
                coq.say(part)
            if name := theorem.get(sentence):
                here, later = coq.left()
                steps[name].append([f"{sentence.words}.", list(map(number, here)), list(map(number, later))])
    return {"sources": below(folder)[file], "texts": list(texts), "goals": list(map(list, goals)), "theorems": steps}


def below(folder: Path = PROOFS) -> dict[str, str]:
    """By source, what its steps depend on: SHA-256 of its text and of the same of those that it brings in."""
    found: dict[str, str] = {}
    for file, text in sources.sources(folder).items():
        brought = [found[f"{name}.v"] for name in sources.imports(text)]
        found[file] = hashlib.sha256("\n".join([*brought, text]).encode()).hexdigest()
    return found


def recorded(
    folder: Path, work: Path, known: Mapping[str, Any], report: Callable[[str], None] = lambda line: None
) -> dict[str, Any]:
    """The steps of every exported theorem of ``folder``, compiled in ``work``, by source; what is ``known`` of the same sources is kept."""
    now, checker = below(folder), rocq.checker()
    kept = known.get("files", {}) if known.get("checker") == checker else {}

    def of(file: str) -> dict[str, Any]:
        if kept.get(file, {}).get("sources") == now[file]:
            return kept[file]
        report(f"stepping through {file}")
        try:
            return stepped(file, folder, work)
        except Refused as refusal:
            raise Refused(f"stepping through {file}: {refusal}") from None

    wanted = [file for file, text in sources.sources(folder).items() if proofs(text)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return {"checker": checker, "files": dict(sorted(zip(wanted, pool.map(of, wanted))))}


def written(record: Mapping[str, Any]) -> str:
    """The record as it is kept: a line for each source."""
    files = ",\n".join(f"{json.dumps(file)}: {compact(steps)}" for file, steps in record["files"].items())
    return f'{{"checker": {json.dumps(record["checker"])}, "files": {{\n{files}\n}}}}\n'


def compact(value: Any) -> str:
    """A value as JSON, without blanks."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def read_record() -> dict[str, Any]:
    """What ``make proofs`` wrote last; empty when there is nothing."""
    return json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}


def faults(record: Mapping[str, Any], folder: Path = PROOFS) -> list[str]:
    """Where the record does not speak of these sources, of each of their theorems, and of every sentence of the proofs."""
    now, files = below(folder), record.get("files", {})
    written = {file: proofs(text) for file, text in sources.sources(folder).items()}
    found = [f"{file} has steps on record, and no theorem" for file in files if not written.get(file)]
    for file, there in written.items():
        on_record = files.get(file, {"sources": "", "theorems": {}})
        if there and on_record["sources"] != now[file]:
            found.append(f"{file}: the steps on record are those of other sources")
        found += [
            f"{file}: the steps on record of {name} are not its proof's"
            for name in dict.fromkeys([*there, *on_record["theorems"]])
            if [f"{sentence.words}." for sentence in there.get(name, [])]
            != [sentence for sentence, *_ in on_record["theorems"].get(name, [])]
        ]
    return found
