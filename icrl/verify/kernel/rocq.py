"""The proof checker: what the sources in ``proofs/`` are, which rules they break, and what Rocq (Coq) says of them."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

PROOFS = Path(__file__).parents[3] / "proofs"
PROJECT, AXIOMS = "_CoqProject", "axioms.txt"
"""Where the sources are, the file that lists them, and the file of the axioms that may be used."""

REALS = "reals.", "hoeffding.", "deviation.", "finite_sample."
"""The files whose theorems may rest on axioms, those of the library of real numbers, as they speak of its exponential."""
NEEDED = "coqc", "coqchk", "coq_makefile", "make"
PACKAGES = "coq, libcoq-mathcomp-algebra-tactics and libcoq-mathcomp-analysis, as in Debian 12"
"""The programs that are needed, and what brings them."""

SENTENCES = {
    "outside": r"From \w+ (Require|Require Import|Import) |From mathcomp\.analysis Require Import |Import |Open Scope "
    r"|Set Implicit Arguments$|Unset Strict Implicit$|Unset Printing Implicit Defensive$",
    "section": r"(Section|End) \w+$",
    "fixes": r"(Variables?|Hypothesis|Hypotheses|Implicit Types?|Notation) ",
    "local": r"Local Notation ",
    "states": r"(Definition|Fixpoint|Record|Lemma|Theorem) ",
}
"""The sentences that a source may hold, by kind; in a proof, from ``Proof`` to ``Qed``, tactics, which begin with a small letter."""


class Refused(Exception):
    """The proofs are not accepted; the message says where, and why."""


class NoChecker(Exception):
    """This machine cannot check the proofs; the message says what it lacks."""


def require_tools() -> None:
    """Raise ``NoChecker`` unless the programs that checking the proofs needs are here."""
    if missing := [tool for tool in NEEDED if shutil.which(tool) is None]:
        raise NoChecker(f"there is no {', '.join(missing)} (install {PACKAGES})")


def sources(folder: Path = PROOFS) -> dict[str, str]:
    """Every proof source by name, in the order of ``_CoqProject``; ``Refused`` unless that lists exactly the files there."""
    listed = re.findall(r"^(\w+\.v)$", (folder / PROJECT).read_text(encoding="utf-8"), re.MULTILINE)
    there = {path.name for path in folder.glob("*.v")}
    if set(listed) != there or len(listed) != len(there):
        raise Refused(
            f"{PROJECT} must list every source once: it lists {', '.join(listed)}, and there are {', '.join(sorted(there))}"
        )
    return {name: (folder / name).read_text(encoding="utf-8") for name in listed}


def digest(folder: Path = PROOFS) -> str:
    """SHA-256 over the names and contents of all that decides what is proved: the sources, their order, the axioms allowed."""
    total = hashlib.sha256()
    for name in (*sorted(path.name for path in folder.glob("*.v")), PROJECT, AXIOMS):
        content = (folder / name).read_bytes()
        total.update(f"{name} {len(content)}\n".encode() + content)
    return total.hexdigest()


def without_comments(text: str) -> str:
    """The text with every comment, however nested, blanked out, line by line; ``Refused`` for a quotation mark in a comment, or a comment's mark in quotes."""
    out, depth, i = [], 0, 0
    while i < len(text):
        mark = text[i : i + 2]
        step = {"(*": 1, "*)": -1}.get(mark, 0)
        if text[i] == '"':
            end = text.find('"', i + 1)
            quoted = text[i : end + 1]
            if depth or end < 0 or re.search(r"\(\*|\*\)|\n", quoted):
                raise Refused(
                    f"line {text.count(chr(10), 0, i) + 1}: quotation marks may not stand in a comment, nor enclose one or the end of a line"
                )
            out.append(quoted)
            i = end + 1
        elif step == 1 or (step == -1 and depth):
            depth, i = depth + step, i + 2
            out.append("  ")
        else:
            out.append(text[i] if depth == 0 or text[i] == "\n" else " ")
            i += 1
    return "".join(out)


def sentences(text: str) -> Iterator[tuple[int, int, str]]:
    """The sentences of a source: the line each begins on, its column, and its words with single blanks, without the full stop."""
    code, start = without_comments(text), 0
    for stop in re.finditer(r"\.(?=\s|$)", code):
        sentence = code[start : stop.start()]
        begin = start + len(sentence) - len(sentence.lstrip())
        yield code.count("\n", 0, begin) + 1, begin - (code.rfind("\n", 0, begin) + 1), " ".join(sentence.split())
        start = stop.end()
    if rest := code[start:].split():
        yield code.count("\n") + 1, 1, " ".join(rest)


def theorems(folder: Path = PROOFS) -> list[str]:
    """The exported results, ``file.name``: those that the sources call ``Theorem``."""
    return [f"{Path(file).stem}.{name}" for file, text in sources(folder).items() for name in stated(text, "Theorem")]


def stated(text: str, keywords: str = "Definition|Fixpoint|Record|Lemma|Theorem") -> list[str]:
    """The names that a source gives to what these keywords introduce."""
    return [
        found[1] for _, _, sentence in sentences(text) if (found := re.match(rf"(?:{keywords}) ([\w']+)", sentence))
    ]


def broken_rules(wanted: Iterable[str], folder: Path = PROOFS) -> list[str]:
    """Where the sources break a rule that can be read off the text; ``wanted`` are the theorems that the claims name."""
    wanted, texts = list(wanted), sources(folder)
    broken = [f"{file}, {fault}" for file, text in texts.items() for fault in broken_sentences(text)]
    if broken:
        return broken
    there, names = theorems(folder), [name for text in texts.values() for name in stated(text)]
    broken += [f"{name} is named by no claim" for name in there if name not in wanted]
    broken += [f"{name}, which a claim names, is no Theorem of the sources" for name in wanted if name not in there]
    broken += [
        f"{name} is named more than once" for name in sorted({name for name in wanted if wanted.count(name) > 1})
    ]
    broken += [f"{name} is stated more than once" for name in sorted({name for name in names if names.count(name) > 1})]
    return broken


def broken_sentences(text: str) -> list[str]:
    """The sentences of one source that are not among :data:`SENTENCES`, or stand where a reader of the book would not see them."""
    broken, depth, proving = [], 0, False
    try:
        found = list(sentences(text))
    except Refused as refusal:
        return [str(refusal)]
    for line, column, sentence in found:
        kind = next((kind for kind, pattern in SENTENCES.items() if re.match(pattern, sentence)), "")
        if proving:
            tactic = sentence.lstrip("-+*{} ")
            if re.match(r"[A-Z]", tactic) and tactic != "Qed" or re.search(r"\b(admit|give_up)\b", tactic):
                broken.append(f"line {line}: {sentence!r} in a proof")
            proving = tactic != "Qed"
            continue
        if sentence == "Proof":
            proving = True
        elif not kind:
            broken.append(f"line {line}: {sentence[:60]!r} is no sentence that a source may hold")
        elif column:
            broken.append(f"line {line}: {sentence[:60]!r} must begin its line")
        elif kind == "section":
            depth += 1 if sentence.startswith("Section") else -1
        elif kind == "fixes" and depth == 0:
            broken.append(f"line {line}: {sentence[:60]!r} outside a section")
    return (
        broken + (["a proof without its Qed"] if proving else []) + (["a section that is not closed"] if depth else [])
    )


def excerpt(names: Sequence[str], folder: Path = PROOFS) -> str:
    """The statements of ``file.name``, all of one file: with their comments, under what their sections fix, line by line as in the source.

    Raises ``Refused`` when one is not stated there.
    """
    file = f"{names[0].partition('.')[0]}.v"
    lines = (folder / file).read_text(encoding="utf-8").splitlines()
    shown: set[int] = set()
    for name in names:
        start = next(
            (i for i, line in enumerate(lines) if re.match(rf"(?:{STATEMENT})\s+{name.partition('.')[2]}\b", line)),
            None,
        )
        if start is None or not name.startswith(f"{Path(file).stem}."):
            raise Refused(f"{file} states no {name}")
        shown |= scope(lines, start) | set(range(comment_above(lines, start), sentence_end(lines, start) + 1))
    kept = "\n".join(lines[i] if i in shown else "" for i in range(max(shown) + 1))
    return re.sub(r"\n{3,}", "\n\n", kept).strip("\n")


STATEMENT = "Theorem|Lemma|Definition|Fixpoint|Record"
FIXES = "Variable|Variables|Hypothesis|Hypotheses|Implicit|Notation|Local Notation"
"""How a sentence that states something begins, and one that fixes what is spoken of."""


def in_words(name: str, folder: Path = PROOFS) -> str:
    """The comment above a theorem ``file.name``, which says it in words; ``Refused`` when there is none."""
    file, _, what = name.partition(".")
    lines = (folder / f"{file}.v").read_text(encoding="utf-8").splitlines()
    start = next((i for i, line in enumerate(lines) if re.match(rf"(?:{STATEMENT})\s+{what}\b", line)), 0)
    comment = " ".join(lines[comment_above(lines, start) : start])
    if not comment:
        raise Refused(f"{name} has no comment above it that says it in words")
    return " ".join(comment.strip("(* )").split())


def sentence_end(lines: Sequence[str], start: int) -> int:
    """The line on which the sentence that begins on ``start`` ends: the first to end in a full stop."""
    return next(i for i in range(start, len(lines)) if without_comments(lines[i]).rstrip().endswith("."))


def comment_above(lines: Sequence[str], start: int) -> int:
    """The first line of the comment that ends just above ``start``; ``start`` when there is none."""
    if start == 0 or not lines[start - 1].rstrip().endswith("*)"):
        return start
    return next(i for i in range(start - 1, -1, -1) if lines[i].lstrip().startswith("(*"))


def scope(lines: Sequence[str], start: int) -> set[int]:
    """The lines that open and close the sections around ``start``, and those above it on which they fix variables, hypotheses and notations, with their comments."""
    opened: list[set[int]] = [set()]
    for i, line in enumerate(lines):
        if re.match(r"Section\b", line):
            opened.append({i})
        elif re.match(r"End\b", line):
            closed = opened.pop()
            if i > start > min(closed):
                opened[-1] |= closed | {i}
        elif i < start and re.match(rf"(?:{FIXES})\b", line):
            opened[-1] |= set(range(comment_above(lines, i), sentence_end(lines, i) + 1))
    return opened[0]


# Running the checker.


@contextmanager
def working(work: Path, folder: Path = PROOFS) -> Iterator[None]:
    """``work`` holds the sources of ``folder``, and nobody else uses it; a file that has not changed keeps its time, so that only others are compiled again."""
    work.mkdir(parents=True, exist_ok=True)
    with open(work / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        names = [*sources(folder), PROJECT]
        for stale in {path for path in work.glob("*.v*")} - {
            work / f"{Path(name).stem}{end}" for name in names for end in (".v", ".vo", ".vok", ".vos")
        }:
            stale.unlink()
        for name in names:
            text = (folder / name).read_bytes()
            if not (work / name).exists() or (work / name).read_bytes() != text:
                (work / name).write_bytes(text)
        yield


def forget(work: Path) -> None:
    """Remove everything compiled, so that all of it is compiled again."""
    for pattern in ("*.vo", "*.vok", "*.vos", "*.glob", "checked.json"):
        for path in work.glob(pattern):
            path.unlink()


def call(command: Sequence[str], work: Path, report: Callable[[str], None] = lambda line: None) -> str:
    """Run a command in ``work`` and return what it printed, both streams; ``Refused`` with all of it when it fails."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "COQ"))}
    lines = []
    with subprocess.Popen(
        command, cwd=work, env=plain, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        for line in process.stdout or ():
            lines.append(line)
            report(line.rstrip())
    if process.returncode:
        raise Refused("".join(lines))
    return "".join(lines)


def compile_all(
    work: Path, modules: Iterable[str] = (), jobs: int = 2, report: Callable[[str], None] = lambda line: None
) -> None:
    """Compile what changed, and what rests on it, or only what some modules rest on; ``Refused`` with the place of the first failure."""
    call(["coq_makefile", "-f", PROJECT, "-o", "Makefile"], work)
    try:
        call(["make", "--no-print-directory", f"-j{jobs}", *(f"{module}.vo" for module in modules)], work, report)
    except Refused as failure:
        if library := re.search(r"bound to logical path\s+(\S+) with prefix (mathcomp[\w.]*)", str(failure)):
            raise NoChecker(f"Rocq has no {library[2].rstrip('.')}.{library[1]} (install {PACKAGES})") from None
        raise Refused(where(str(failure), work)) from None


UNSAFE = "type-in-type", "unsafe (co)fixpoints", "positivity is assumed"
"""What ``coqchk`` tells of besides axioms, in its words: each must be followed by ``<none>``."""


def read_again(work: Path, libraries: bool = False) -> int:
    """How many axioms are in what ``coqchk``, a kernel of its own, read again: the compiled proofs, with all ``libraries`` below them if asked.

    Raises ``Refused`` where it does not accept a proof, and for an axiom or anything unsafe of ours.
    """
    modules = [f"icrl.{Path(name).stem}" for name in sources(work)]
    alone = [word for module in modules for word in ("-norec", module)]
    summary = call(["coqchk", "-silent", "-o", *flags(work)[:3], *(modules if libraries else alone)], work)
    part = summary.partition("* Axioms:")[2]
    axioms = re.findall(r"^    (\S+)$", part.partition("\n* ")[0], re.MULTILINE)
    faults = [f"{axiom} is an axiom" for axiom in axioms if axiom.startswith("icrl.")]
    faults += [f"{name}: not <none>" for name in UNSAFE if f"{name}: <none>" not in summary]
    if faults:
        raise Refused(f"coqchk: {'; '.join(faults)}")
    return len(axioms)


def where(output: str, work: Path) -> str:
    """A compiler's first error in one line: file, line, the result in whose statement or proof it lies, and what it says."""
    found = re.search(
        r'File "\./(\w+\.v)", line (\d+), [^\n]*\n(?:Debug:.*?)?Error:?\s*(.*?)(?:\n\s*\n|\nmake|\Z)', output, re.DOTALL
    )
    if not found:
        return " ".join(output.split())[:500]
    file, line, message = found[1], int(found[2]), " ".join(found[3].split())
    name, part = "", "the statement"
    for begun, _, sentence in sentences((work / file).read_text(encoding="utf-8")):
        if begun > line:
            break
        if result := re.match(r"(?:Theorem|Lemma|Definition|Fixpoint|Record) ([\w']+)", sentence):
            name, part = result[1], "the statement"
        elif sentence == "Proof":
            part = "the proof"
        elif sentence.endswith("Qed") and begun < line:
            name, part = "", "the statement"
    return f"{file}, in {part} of {name or f'line {line}'}: {message}"


def assumptions(names: Sequence[str], work: Path) -> dict[str, list[str]]:
    """What each theorem rests on beyond the kernel's own rules: the names that ``Print Assumptions`` lists, none for most.

    All are asked for at once first, since reading off what a proof rests on takes long; then one by one if that is not nothing.
    """
    together = {name: name for name in names if not name.startswith(REALS)}
    found: dict[str, list[str]] = {}
    if together and not any(
        printed_assumptions({"all": f"({', '.join(f'@{name}' for name in together)})"}, names, work).values()
    ):
        found = dict.fromkeys(together, [])
    found |= printed_assumptions({name: f"@{name}" for name in names if name not in found}, names, work)
    return {name: found[name] for name in names}


def printed_assumptions(terms: Mapping[str, str], names: Sequence[str], work: Path) -> dict[str, list[str]]:
    """``Print Assumptions`` of some terms, by the name of each; ``names`` are the theorems they speak of."""
    lines = [f"From icrl Require {' '.join(dict.fromkeys(name.partition('.')[0] for name in names))}."]
    for i, (name, term) in enumerate(terms.items()):
        lines += [
            f"Definition term_{i} := {term}.",
            f'Goal True. idtac "== {name}". Abort.',
            f"Print Assumptions term_{i}.",
        ]
    probe = work / "print_assumptions.v"
    probe.write_text("\n".join(lines) + "\n", encoding="utf-8")
    printed = call(["coqc", *flags(work), probe.name], work)
    found = {}
    for block in printed.split("== ")[1:]:
        name, _, rest = block.partition("\n")
        found[name] = listed(rest)
    if list(found) != list(terms):
        raise Refused(
            f"Print Assumptions answered for {', '.join(found) or 'nothing'} where {', '.join(terms)} were asked for"
        )
    return found


def listed(answer: str) -> list[str]:
    """The names in an answer of ``Print Assumptions``, sorted; ``Refused`` for a line of any other form."""
    if answer.strip() == "Closed under the global context":
        return []
    heading, *lines = answer.strip().splitlines()
    names = [re.fullmatch(r"([^\s:]+)(?: :.*)?", line) for line in lines if not line.startswith(" ")]
    if heading != "Axioms:" or not names or not all(names):
        raise Refused(f"Print Assumptions answered {' '.join(answer.split())[:300]}")
    return sorted(name[1] for name in names if name)


def flags(work: Path) -> list[str]:
    """The options of ``_CoqProject``, for a file compiled beside the others; the first three say where the files lie."""
    options = []
    for line in (work / PROJECT).read_text(encoding="utf-8").splitlines():
        words = line.split("#")[0].split()
        if words[:1] in (["-Q"], ["-R"]):
            options += words
        elif words[:1] == ["-arg"]:
            options += words[1:]
    return options


def allowed_axioms(folder: Path = PROOFS) -> set[str]:
    """The axioms of the library of real numbers, on which the instances at the reals may rest."""
    return {
        line for line in (folder / AXIOMS).read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")
    }


def unexpected(found: dict[str, list[str]], folder: Path = PROOFS) -> list[str]:
    """The assumptions that should not be: any at all, but the library's own axioms in the files that :data:`REALS` lists."""
    allowed = allowed_axioms(folder)
    return [
        f"{name} rests on {axiom}"
        for name, axioms in found.items()
        for axiom in axioms
        if not (name.startswith(REALS) and axiom in allowed)
    ]


def checker() -> str:
    """The checker's name and version."""
    return f"Coq {subprocess.run(['coqc', '--print-version'], capture_output=True, text=True, check=True).stdout.split()[0]}"
