"""The proof checker, Rocq (Coq): compiling the sources in ``proofs/``, and asking what it says of them."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from icrl.verify.kernel.sources import AXIOMS, OPTIONS, PROJECT, PROOFS, Refused, sentences, sources

REALS = (
    "reals.",
    "worthwhile_reals.",
    "hoeffding.",
    "deviation.",
    "finite_sample.",
    "mixing_tail.",
    "successors_tail.",
    "typical.",
    "a_priori.",
)
"""The files whose theorems may rest on axioms, those of the library of real numbers, as they speak of its exponential."""
NEEDED = "coqc", "coqchk", "coq_makefile", "make"
PACKAGES = "coq, libcoq-mathcomp-algebra-tactics and libcoq-mathcomp-analysis, as in Debian 12"
"""The programs that are needed, and what brings them."""
FLAGS = [word for option in OPTIONS for word in option if word != "-arg"]
"""The options for a file compiled beside the others; the first three say where the files lie."""


class NoChecker(Exception):
    """This machine cannot check the proofs; the message says what it lacks."""


def require_tools(*more: str) -> None:
    """Raise ``NoChecker`` unless the programs that checking the proofs needs are here, and some ``more``."""
    if missing := [tool for tool in (*NEEDED, *more) if shutil.which(tool) is None]:
        raise NoChecker(f"there is no {', '.join(missing)} (install {PACKAGES})")


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


def environment() -> dict[str, str]:
    """The environment without what would change what a checker does."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "COQ"))}


def call(command: Sequence[str], work: Path, report: Callable[[str], None] = lambda line: None) -> str:
    """Run a command in ``work`` and return what it printed, both streams; ``Refused`` with all of it when it fails."""
    lines = []
    with subprocess.Popen(
        command,
        cwd=work,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
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
    summary = call(["coqchk", "-silent", "-o", *FLAGS[:3], *(modules if libraries else alone)], work)
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
    for sentence in sentences((work / file).read_text(encoding="utf-8")):
        if sentence.first > line:
            break
        if sentence.states:
            (_, name), part = sentence.states, "the statement"
        elif sentence.words == "Proof":
            part = "the proof"
        elif sentence.words.endswith("Qed") and sentence.first < line:
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
    asked = {
        name: f"Definition term_{i} := {term}. Print Assumptions term_{i}."
        for i, (name, term) in enumerate(terms.items())
    }
    files = list(dict.fromkeys(name.partition(".")[0] for name in names))
    return {name: listed(answer) for name, answer in answers(asked, files, "print_assumptions", work).items()}


def answers(
    asked: Mapping[str, str], modules: Sequence[str], probe: str, work: Path, options: Sequence[str] = ()
) -> dict[str, str]:
    """What the checker prints on each of some requests, by the name of each, in a file ``probe`` beside the compiled ``modules``, none of them imported."""
    lines = [f"From icrl Require {' '.join(modules)}.", *options]
    for name, request in asked.items():
        lines += [f'Goal True. idtac "== {name}". Abort.', request]
    (work / f"{probe}.v").write_text("\n".join(lines) + "\n", encoding="utf-8")
    output = call(["coqc", *FLAGS, f"{probe}.v"], work)
    found = {}
    for block in re.split("^== ", output, flags=re.MULTILINE)[1:]:
        name, _, answer = block.partition("\n")
        found[name] = answer
    if list(found) != list(asked):
        raise Refused(f"{probe} answered for {', '.join(found) or 'nothing'} where {', '.join(asked)} were asked for")
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
