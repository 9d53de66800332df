"""The proofs sentence by sentence: what is left to show after each, as Rocq prints it.

``make proofs`` steps through every proof of an exported theorem as an editor would, by the protocol of ``coqidetop``, and
writes ``proofs/steps.json``. The book's pages are made from that, and need no proof checker.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, fromstring

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
    heard: bytes = b""

    def call(self, name: str, argument: str) -> Element:
        """What it answers to a request; ``Refused`` where that is an error."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f'<call val="{name}">{argument}</call>'.encode())
        self.process.stdin.flush()
        while b"</value>" not in self.heard:
            if not (read := os.read(self.process.stdout.fileno(), 1 << 16)):
                raise Refused(f"{PROGRAM} ended")
            self.heard += read
        told, end, self.heard = self.heard.partition(b"</value>")
        answer = fromstring(told[told.rindex(b"<value") :].replace(b"&nbsp;", b" ") + end)
        if answer.get("val") != "good":
            raise Refused(" ".join("".join(answer.itertext()).split()))
        return answer

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

    def statement(self, name: str) -> str:
        """What a result says, for all that its sections fix, where none is open."""
        self.say(f"Goal ltac:(let t := type of (@{name}) in exact t).")
        [[goal], _] = self.left()
        self.say("Abort.")
        return goal[-1]


Goal = tuple[str, ...]
"""The hypotheses, and last what is to be shown."""


def as_goal(goal: Element) -> Goal:
    """A goal as it is printed."""
    _, hypotheses, conclusion, *_ = goal
    return tuple("".join(part.itertext()) for part in (*hypotheses, conclusion))


@contextmanager
def session(file: str, work: Path) -> Iterator[Session]:
    """A conversation about a source, beside the compiled files in ``work``."""
    command = [PROGRAM, "-main-channel", "stdfds", *rocq.FLAGS, "-topfile", file]
    pipe, none = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(command, cwd=work, env=rocq.environment(), stdin=pipe, stdout=pipe, stderr=none) as process:
        try:
            opened = Session(process)
            opened.call("Init", '<option val="none"/>')
            opened.say(f"Set Printing Width {WIDTH}.")
            yield opened
        finally:
            process.kill()


Proofs = dict[str, list[Sentence]]
"""The sentences of each theorem's proof, by its name."""


def proofs(text: str) -> Proofs:
    """The proof of each ``Theorem`` of a source, by name: its sentences, from ``Proof.`` to ``Qed.``."""
    found: Proofs = {}
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


Stated = dict[str, tuple[str, Sentence]]
"""What sources state, by name: the source, and the sentence."""


def stated(texts: Mapping[str, str]) -> Stated:
    """What some sources state."""
    return {
        name.partition(".")[2]: (f"{name.partition('.')[0]}.v", sentence)
        for name, sentence in sources.stated(texts).items()
    }


class Cited(NamedTuple):
    """Where in its words a sentence names what is stated; whether that is outside the sections that the statement stands in."""

    place: int
    name: str
    outside: bool


def cited(file: str, texts: Mapping[str, str], known: Stated) -> dict[Sentence, list[Cited]]:
    """What each sentence of a source's proofs names: a result, or a definition that it unfolds, stated above or in what the source brings in."""
    brought = {f"{name}.v" for name in sources.imports(texts[file])}
    within = sections(texts[file])

    def named(sentence: Sentence) -> Iterator[Cited]:
        for found in re.finditer(r"(/@?)?(?<![\w.'])(\w[\w']*)", sentence.words):
            where, what = known.get(found[2], ("", sentence))
            above = where == file and what.last < sentence.first
            if (above or where in brought) and (found[1] or is_result(what)):
                yield Cited(found.start(2), found[2], not (above and within[what] <= within[sentence]))

    return {sentence: [*named(sentence)] for proof in proofs(texts[file]).values() for sentence in proof}


def is_result(sentence: Sentence) -> bool:
    """Whether it states something that was proved."""
    return bool((what := sentence.states) and what[0] in ("Lemma", "Theorem"))


def sections(text: str) -> dict[Sentence, set[int]]:
    """The sections, by their first lines, in which each sentence of a source stands."""
    found: dict[Sentence, set[int]] = {}
    opened: list[int] = []
    for sentence in sources.sentences(text):
        if sentence.words.startswith("End "):
            opened.pop()
        found[sentence] = set(opened)
        if sentence.words.startswith("Section "):
            opened.append(sentence.first)
    return found


def outside(file: str, texts: Mapping[str, str], known: Stated) -> list[str]:
    """The results that a source's proofs name outside their sections, where they speak for all that these fix."""
    named = (one for found in cited(file, texts, known).values() for one in found)
    return sorted({one.name for one in named if one.outside and is_result(known[one.name][1])})


def stepped(file: str, work: Path, results: Iterable[str] = ()) -> dict[str, Any]:
    """The steps of a source's theorems, by name: each sentence, the numbers of the goals that it leaves, and of those of later parts.

    ``goals`` are the goals by number: the numbers of their hypotheses and conclusion in ``texts``. ``results`` are some
    results by name, as they read where no section is open.
    """
    text = (work / file).read_text(encoding="utf-8")
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
        found = {name: coq.statement(name) for name in results}
    return {"texts": list(texts), "goals": list(map(list, goals)), "theorems": steps, "results": found}


def below(folder: Path = PROOFS) -> dict[str, str]:
    """By source, what its steps depend on: SHA-256 of its text and of the same of those that it brings in."""
    found: dict[str, str] = {}
    for file, text in sources.sources(folder).items():
        brought = [found[f"{name}.v"] for name in sources.imports(text)]
        found[file] = hashlib.sha256("\n".join([*brought, text]).encode()).hexdigest()
    return found


def recorded(work: Path, known: Mapping[str, Any], report: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
    """The steps of every exported theorem of the sources compiled in ``work``, by source; what is ``known`` of the same sources is kept."""
    now, checker, texts = below(work), rocq.checker(), sources.sources(work)
    kept = known.get("files", {}) if known.get("checker") == checker else {}
    there = stated(texts)

    def of(file: str) -> dict[str, Any]:
        results = outside(file, texts, there)
        if not other(kept.get(file), now[file], proofs(texts[file]), results):
            return kept[file]
        report(f"stepping through {file}")
        try:
            return {"sources": now[file], **stepped(file, work, results)}
        except Refused as refusal:
            raise Refused(f"stepping through {file}: {refusal}") from None

    wanted = sorted(file for file, text in texts.items() if proofs(text))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return {"checker": checker, "files": dict(zip(wanted, pool.map(of, wanted)))}


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
    """Where the record does not speak of these sources, of each of their theorems, and of every sentence of its proof."""
    now, texts, files = below(folder), sources.sources(folder), record.get("files", {})
    there = stated(texts)
    results = {file: outside(file, texts, there) for file in texts}
    return [
        f"{file}: {fault}"
        for file in dict.fromkeys([*texts, *files])
        if (fault := other(files.get(file), now.get(file), proofs(texts.get(file, "")), results.get(file, [])))
    ]


def other(steps: Mapping[str, Any] | None, source: str | None, theorems: Proofs, results: list[str]) -> str:
    """How the steps on record of a source, known by its hash ``below``, are not those of its theorems' proofs; empty when they are."""
    if not (steps and theorems):
        return "no steps are on record" * bool(theorems) + "steps are on record, and there is no theorem" * bool(steps)
    if steps["sources"] != source:
        return "the steps on record are those of other sources"
    written = {name: [f"{sentence.words}." for sentence in proof] for name, proof in theorems.items()}
    there = {name: [sentence for sentence, *_ in proof] for name, proof in steps["theorems"].items()}
    wrong = [name for name in {**written, **there} if written.get(name) != there.get(name)]
    if wrong:
        return f"the steps on record of {', '.join(wrong)} are not those of its proof"
    return "the results on record are not those that its proofs name" * (sorted(steps.get("results", {})) != results)
