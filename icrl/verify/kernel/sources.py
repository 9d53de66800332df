"""The sources in ``proofs/`` as text: their sentences, the rules that these keep, and what of them the book shows.

The rules make the text mean what it seems to. What it means to the proof checker is in ``elaborated.py``.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PROOFS = Path(__file__).parents[3] / "proofs"
PROJECT, AXIOMS = "_CoqProject", "axioms.txt"
"""Where the sources are, the file that lists them, and the file of the axioms that may be used."""

OPTIONS = (("-Q", ".", "icrl"), ("-arg", "-w"), ("-arg", "-ambiguous-paths,-notation-overridden"))
HEAD = "".join(f"{' '.join(option)}\n" for option in OPTIONS) + "\n"
"""How ``_CoqProject`` begins: where the files lie, and two warnings that the libraries cause. The sources follow, one a line."""

STATES = "Definition|Fixpoint|Record|Lemma|Theorem"
FIXES = "Variables?|Hypothesis|Hypotheses|Implicit Types?|Notation"
"""How a sentence that states something begins, and one that fixes what is spoken of."""

SENTENCES = {
    "head": r"From (Coq|mathcomp|mathcomp\.analysis|icrl) Require Import [\w ]+$|Import [\w. ]+$|Open Scope \w+$"
    r"|Set Implicit Arguments$|Unset Strict Implicit$|Unset Printing Implicit Defensive$",
    "section": r"(Section|End) \w+$",
    "fixes": rf"({FIXES}) ",
    "local": r"Local Notation ",
    "states": rf"({STATES}) ",
}
"""The sentences that a source may hold, by kind; in a proof, from ``Proof`` to ``Qed``, tactics alone."""
TACTIC = r"[a-z(]"
"""How a tactic begins; the checker has no other sentence that does."""


class Refused(Exception):
    """The proofs are not accepted; the message says where, and why."""


@dataclass(frozen=True)
class Sentence:
    """A sentence: its words with single blanks, without comments and full stop; its first and last line, from 1; its column, from 0."""

    words: str
    first: int
    last: int
    column: int

    @property
    def kind(self) -> str:
        """The kind in :data:`SENTENCES`, empty for none."""
        return next((kind for kind, pattern in SENTENCES.items() if re.match(pattern, self.words)), "")

    @property
    def states(self) -> tuple[str, str] | None:
        """How what it states is called by the checker, ``Theorem`` for example, and its name; ``None`` where it states nothing."""
        found = re.match(rf"({STATES}) ([\w']+)", self.words)
        return (found[1], found[2]) if found else None


def sources(folder: Path = PROOFS) -> dict[str, str]:
    """Every proof source by name, in the order of ``_CoqProject``; ``Refused`` unless that is :data:`HEAD` and exactly the files there, a line each."""
    listed = (folder / PROJECT).read_text(encoding="utf-8").removeprefix(HEAD).splitlines()
    there = {path.name for path in folder.glob("*.v")}
    if (folder / PROJECT).read_bytes().decode() != HEAD + "".join(f"{name}\n" for name in listed):
        raise Refused(f"{PROJECT} must begin {HEAD!r}, and then list the sources, one a line")
    if set(listed) != there or len(listed) != len(there):
        raise Refused(
            f"{PROJECT} must list every source once: it lists {', '.join(listed)}, and there are {', '.join(sorted(there))}"
        )
    if strange := [name for name in listed if not re.fullmatch(r"[a-z]\w*\.v", name, re.ASCII)]:
        raise Refused(f"{', '.join(strange)}: a source's name is made of letters, digits and _")
    return {name: (folder / name).read_bytes().decode(errors="replace") for name in listed}


def digest(folder: Path = PROOFS) -> str:
    """SHA-256 over the names and contents of all that decides what is proved: the sources, their order, the axioms allowed."""
    total = hashlib.sha256()
    for name in (*sorted(path.name for path in folder.glob("*.v")), PROJECT, AXIOMS):
        content = (folder / name).read_bytes()
        total.update(f"{name} {len(content)}\n".encode() + content)
    return total.hexdigest()


# Reading.


def tokens(text: str) -> Iterator[tuple[str, int, int]]:
    """The comments, strings and full stops of a source in their order: which it is, where it begins, and where what follows it does.

    ``Refused`` for what two readers could take differently: ``..``, a comment in the middle of a word, a quotation mark in
    a comment, a full stop or a comment's mark in quotes.
    """
    place = 0
    while found := re.compile(r'\(\*|"|\.\.|\.(?=\s|\Z)').search(text, place):
        kind, end_of = MARKS[found[0]]
        place = end_of(text, found.start())
        yield kind, found.start(), place


def comment_end(text: str, begin: int) -> int:
    """Where the comment ends that begins at ``begin``, with those nested in it; no symbol may run into it, as ``.(`` would into ``.(*``."""
    if begin and text[begin - 1] not in " \n":
        raise Refused(f"line {line_of(text, begin)}: a comment must follow a blank")
    depth = 0
    for mark in re.compile(r'\(\*|\*\)|"').finditer(text, begin):
        if mark[0] == '"':
            raise Refused(f"line {line_of(text, mark.start())}: quotation marks may not stand in a comment")
        depth += 1 if mark[0] == "(*" else -1
        if depth == 0:
            return mark.end()
    raise Refused(f"line {line_of(text, begin)}: a comment that does not end")


def string_end(text: str, begin: int) -> int:
    """Where the string ends that begins at ``begin``: on its line, with nothing in it that means something outside it."""
    found = re.compile(r'"[^".\n]*"(?!")').match(text, begin)
    if found is None or re.search(r"\(\*|\*\)", found[0]):
        raise Refused(
            f"line {line_of(text, begin)}: quotation marks may enclose no full stop, quotation mark, end of a line, or comment's mark"
        )
    return found.end()


def stop_end(text: str, begin: int) -> int:
    """Where the full stop at ``begin`` ends; one that another follows is none."""
    if text.startswith("..", begin):
        raise Refused(f"line {line_of(text, begin)}: two full stops")
    return begin + 1


MARKS: dict[str, tuple[str, Callable[[str, int], int]]] = {
    "(*": ("comment", comment_end),
    '"': ("string", string_end),
    ".": ("stop", stop_end),
    "..": ("stop", stop_end),
}
"""What each mark begins, and where that ends."""


def line_of(text: str, place: int) -> int:
    """The line, from 1, of a place in a text."""
    return text.count("\n", 0, place) + 1


def without_comments(text: str) -> str:
    """The text with blanks in the place of comments, line by line."""
    code, place = "", 0
    for kind, begin, end in tokens(text):
        if kind == "comment":
            code += text[place:begin] + re.sub(r"[^\n]", " ", text[begin:end])
            place = end
    return code + text[place:]


def comments(text: str) -> list[tuple[int, int, str]]:
    """The comments: the first line of each, its last, and its text; of those that are nested, the outermost."""
    return [
        (line_of(text, begin), line_of(text, end), text[begin:end])
        for kind, begin, end in tokens(text)
        if kind == "comment"
    ]


@cache
def sentences(text: str) -> list[Sentence]:
    """The sentences of a source; what follows the last full stop counts as one."""
    code, start, found = without_comments(text), 0, []
    for begin, end in [*((begin, end) for kind, begin, end in tokens(text) if kind == "stop"), (len(code), len(code))]:
        first = end - len(code[start:end].lstrip())
        if words := code[first:begin].split():
            column = first - (code.rfind("\n", 0, first) + 1)
            found.append(Sentence(" ".join(words), line_of(code, first), line_of(code, begin), column))
        start = end
    return found


def stated(texts: Mapping[str, str]) -> dict[str, Sentence]:
    """What some sources state, by name ``file.name``, in their order."""
    return {
        f"{Path(file).stem}.{what[1]}": sentence
        for file, text in texts.items()
        for sentence in sentences(text)
        if (what := sentence.states)
    }


def theorems(folder: Path = PROOFS) -> list[str]:
    """The exported results, ``file.name``: those that the sources call ``Theorem``."""
    return [name for name, one in stated(sources(folder)).items() if (what := one.states) and what[0] == "Theorem"]


# The rules.


def broken_rules(wanted: Iterable[str], folder: Path = PROOFS) -> list[str]:
    """Where the sources break a rule that can be read off the text; ``wanted`` are the theorems that the claims name."""
    wanted, texts = list(wanted), sources(folder)
    broken = [f"{file}, {fault}" for file, text in texts.items() for fault in broken_text(text)]
    if broken:
        return broken
    there = theorems(folder)
    names = [what[1] for text in texts.values() for sentence in sentences(text) if (what := sentence.states)]
    broken += unordered_imports(texts)
    broken += [f"{name} is named by no claim" for name in there if name not in wanted]
    broken += [f"{name}, which a claim names, is no Theorem of the sources" for name in wanted if name not in there]
    broken += [f"{name} is named more than once" for name in twice(wanted)]
    broken += [f"{name} is stated more than once" for name in twice(names)]
    return broken


def twice(names: Sequence[str]) -> list[str]:
    """The names that occur more than once."""
    return sorted({name for name in names if names.count(name) > 1})


def unordered_imports(texts: dict[str, str]) -> list[str]:
    """The modules of ours that a source brings in without their being listed before it."""
    order = [Path(file).stem for file in texts]
    return [
        f"{file} brings in icrl.{name}, which is not listed before it"
        for file, text in texts.items()
        for name in imports(text)
        if name not in order[: order.index(Path(file).stem)]
    ]


def imports(text: str) -> list[str]:
    """The modules of ours that a source brings in."""
    found = (re.match(r"From icrl Require Import (.*)", sentence.words) for sentence in sentences(text))
    return [name for each in found if each for name in each[1].split()]


def broken_text(text: str) -> list[str]:
    """Where one source breaks a rule: its letters first, then its comments and sentences."""
    try:
        return strange_letters(text) or disguised_sentences(text) + broken_sentences(sentences(text))
    except Refused as refusal:
        return [str(refusal)]


def strange_letters(text: str) -> list[str]:
    """The letters that may look like others or not show: outside comments all but printable ASCII, in comments what does not print."""
    code = without_comments(text)
    return [
        f"line {line_of(text, i)}: {unicodedata.name(letter, f'character {ord(letter)}')}"
        for i, letter in enumerate(text)
        if letter != "\n" and not (letter.isprintable() and letter != "\ufffd" and code[i].isascii())
    ]


def disguised_sentences(text: str) -> list[str]:
    """The lines of comments that a reader could take for sentences."""
    pattern = rf"[\s(*]*((Section|End) \w+\W*$|({FIXES}|Local Notation|{STATES})\s[^:]*:)"
    return [
        f"line {first + i}: {line.strip()[:60]!r} reads like a sentence, in a comment"
        for first, _, comment in comments(text)
        for i, line in enumerate(comment.split("\n"))
        if re.match(pattern, line)
    ]


def broken_sentences(found: Sequence[Sentence]) -> list[str]:
    """The sentences of one source that are not among :data:`SENTENCES`, or stand where a reader of the book would not see them."""
    broken, depth, proving, begun = [], 0, False, False
    for sentence in found:
        if proving:
            tactic = sentence.words.lstrip("-+*{} ")
            fault = "" if tactic == "Qed" or is_tactic(tactic) else "in a proof"
            proving = tactic != "Qed"
        else:
            proving, kind = sentence.words == "Proof", sentence.kind
            fault = "" if proving else misplaced(sentence, depth, begun)
            depth += {"S": 1, "E": -1}[sentence.words[0]] if kind == "section" else 0
            begun = begun or kind != "head"
        broken += [f"line {sentence.first}: {sentence.words[:60]!r} {fault}"] if fault else []
    return (
        broken + (["a proof without its Qed"] if proving else []) + (["a section that is not closed"] if depth else [])
    )


def is_tactic(words: str) -> bool:
    """Whether a sentence in a proof is a tactic that leaves nothing open."""
    return bool(re.match(TACTIC, words)) and not re.search(r"\b(admit|give_up)\b", words)


def misplaced(sentence: Sentence, depth: int, begun: bool) -> str:
    """Why a sentence outside proofs may not stand where it does, ``depth`` sections deep, or empty; ``begun``: more than the head went before."""
    kind, words = sentence.kind, sentence.words
    if not kind:
        return "is no sentence that a source may hold"
    if sentence.column:
        return "must begin its line"
    if kind == "head" and begun:
        return "must stand at the head of its file"
    if kind == "fixes" and depth == 0:
        return "outside a section"
    if kind == "states" and '"' in words:
        return "brings a notation with it"
    if words.startswith("Record ") and ":>" in words:
        return "brings a coercion with it"
    if kind == "states" and len(re.findall(r"\bwith\b", words)) != len(re.findall(r"\bmatch\b", words)):
        return "states more than one thing"
    return ""


# What the book shows.


def excerpt(names: Sequence[str], folder: Path = PROOFS) -> str:
    """The statements of ``file.name``, all of one file: with their comments, under what their sections fix, line by line as in the source.

    Raises ``Refused`` when one is not stated there.
    """
    text = source_of(names[0], folder)
    found, above = sentences(text), comments_above(text)
    shown: set[int] = set()
    for name in names:
        here = place(found, names[0].partition(".")[0], name)
        for i in {here, *scope(found, here)}:
            sentence = found[i]
            start = sentence.first if sentence.kind == "section" else above.get(sentence.first, sentence.first)
            shown |= set(range(start, sentence.last + 1))
    kept = "\n".join(line if i in shown else "" for i, line in enumerate(text.split("\n"), 1))
    return re.sub(r"\n{3,}", "\n\n", kept).strip("\n")


def in_words(name: str, folder: Path = PROOFS) -> str:
    """The comment above a theorem ``file.name``, which says it in words; ``Refused`` when there is none."""
    text = source_of(name, folder)
    found = sentences(text)
    said = comment_above(text, found[place(found, name.partition(".")[0], name)])
    if not said:
        raise Refused(f"{name} has no comment above it that says it in words")
    return said


def comment_above(text: str, sentence: Sentence) -> str:
    """What the comment above a sentence of a source says; empty where there is none."""
    above = (comment for _, last, comment in comments(text) if last == sentence.first - 1)
    return " ".join(next(above, "").strip("(* )").split())


def source_of(name: str, folder: Path) -> str:
    """The source that states ``file.name``."""
    return (folder / f"{name.partition('.')[0]}.v").read_text(encoding="utf-8")


def place(found: Sequence[Sentence], file: str, name: str) -> int:
    """Which of a file's sentences states ``file.name``; ``Refused`` for none."""
    for i, sentence in enumerate(found):
        if (what := sentence.states) and name == f"{file}.{what[1]}":
            return i
    raise Refused(f"{file}.v states no {name}")


def comments_above(text: str) -> dict[int, int]:
    """The first line of each comment, by the line below it."""
    return {last + 1: first for first, last, _ in comments(text)}


def scope(found: Sequence[Sentence], here: int) -> set[int]:
    """The sentences that open and close the sections around number ``here``, and those above it by which they fix variables, hypotheses and notations."""
    opened: list[set[int]] = [set()]
    for i, sentence in enumerate(found):
        if sentence.words.startswith("Section "):
            opened.append({i})
        elif sentence.words.startswith("End "):
            closed = opened.pop()
            if i > here > min(closed):
                opened[-1] |= closed | {i}
        elif i < here and sentence.kind in ("fixes", "local"):
            opened[-1].add(i)
    return opened[0]
