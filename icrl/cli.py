"""``python -m icrl``: verify the book's claims, list them, check the proofs, write the pages made from them, diagnose a task, and pretrain."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from icrl import __version__
from icrl.files import UsageError, plain, print_out, printing, writable, write_all

if TYPE_CHECKING:  # a command loads what it needs when it runs: the list of claims is there at once
    from rich.console import Console
    from rich.live import Live
    from rich.table import Table

    from icrl.verify.model import Check, Claim, Verdict
    from icrl.verify.run import ClaimResult


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 when all is well, 1 when a claim failed, 2 when the command was not understood."""
    if sys.stderr is None:  # closed: what is said there must not be printed where results are
        sys.stderr = open(os.devnull, "w")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that has no “α” shows “?”
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parser(next((word for word in arguments if not word.startswith("-")), None)).parse_args(arguments)
    try:
        code = options.run(options)
        print(end="", flush=True)  # a closed pipe shows here, not when Python ends
        return code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is still to be flushed
        return 1
    except UsageError as error:
        print(f"icrl {options.command}: {plain(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"icrl {options.command}: interrupted", file=sys.stderr)
        return 130


class OneLineParser(argparse.ArgumentParser):
    """A parser that answers a usage error with one line."""

    def error(self, message: str) -> NoReturn:
        """Print the message alone, without the usage, and exit with 2."""
        print(f"{self.prog}: {plain(message)}", file=sys.stderr)
        raise SystemExit(2)


# What --help says below the options.
DIAGNOSE_HELP = """\
files, of 64 MiB at most:
  JSON, a process: transition (rows that sum to 1), reward (one number a state), discount, and if wanted initial (the
    distribution of the first state, uniform unless given), features (a row of numbers a state, in the states' order) and
    terminal (a list of states in which episodes end)
      {"transition": [[0.5, 0.5], [0.2, 0.8]],
       "reward": [0, 1],
       "discount": 0.9}
  JSON, a recorded trajectory: states (n + 1 whole numbers or names), rewards (n numbers, the k-th that of the k-th
    transition), discount, and if wanted features (a list of rows, in the order of the states: numbers by size, then
    names by letter; or an object from states to rows)
      {"states": ["a", "b", "a"], "rewards": [0, 1],
       "discount": 0.9,
       "features": {"a": [1, 0], "b": [0, 1]}}
  CSV, a recorded trajectory: this header, a transition a row, each from the state to which the row before led;
    with --discount
      state,reward,next_state
      a,0,b
      b,1,a
  JSON, a policy: a row of action probabilities for every state of the environment, reached or not (500 x 6 for Taxi),
    as a list, or as an object from the states "0", "1", ... to rows; always action 2 of 4 is [0, 0, 1, 0]

features: file, those of the file; unit, the same at length 1; one-hot, one number a state; random, on the unit sphere of
  --dimension dimensions; radial, a Gaussian bump of width 1 at each state, the states on a line in their order.

endings, of an environment, boyan, or a process in a file: with --endings terminal nothing follows a terminal state,
  whose value is 0; the discount may then be 1, if every state reaches an ending, and a value is an expected return.
  Episodes are sampled one after another, --length transitions in all. In a file, the states listed under terminal end
  episodes in any case; without that key, --endings terminal makes terminal each state whose only transition is to
  itself with reward 0.

words of the report (the book's chapters "The layer as an operator on values", "Depth" and "Context" derive them):
  v -> Gv + const  what a layer does to the values: G = I - step * H, H = M - discount * P
  M, P             the weight that a state's attention gives to each state, and to each next state
  rho(G), |G|      the error is multiplied by rho(G) a layer in the long run, and by the norm |G| at most in any layer
  c                the diagonal margin; the theorem: if c > 0, a layer leaves at most 1 - step * c of the error;
                   c' where transitions terminate, which can be positive at discount 1 too
  v_CE             certainty equivalence: the value of the model that the context's own frequencies make
  F                how far v_CE is from the true value at most, with the confidence given, if the length was fixed in
                   advance: for rewards that depend on the state alone (an environment's are averaged to be so), or with
                   --noisy from the range of reward + discount * true value of what follows, state by state
"""


LEDGER = Path(__file__).parent / "claims" / "ledger.json"
"""Every claim's title, chapter, kinds of check and status, in the book's order; ``make ledger`` writes it."""

MOST_SEEDS = 10_000
"""How many seeds one command takes."""

# As above.
PRETRAIN_HELP = """\
files of --out DIR, each written whole or not at all:
  PROTOCOL.json         what came of each seed that is finished
  PROTOCOL-seed-K.pt    while seed K is trained: its checkpoint, of every 100th step
  Stopped at any moment, the same command with --resume ends with the same records. Hidden files that a kill leaves
  beside them (.lock, .part) are in nobody's way, and go when their file is written again.
  Commands that run at the same time may share DIR, each with seeds of its own; on Windows, where no record is locked,
  each needs a DIR of its own.

several processes, on one machine or more, that share the tasks of every step (GPUs where there are any):
  torchrun --nproc-per-node 2 -m icrl pretrain PROTOCOL --out DIR
  The first process alone prints. Where its status is not 0, torch adds a report of its own below, and torchrun ends with 1.

words of the table (the book's chapter "Watching TD emerge" has more):
  cosine V        of V's last row and (0, ..., 0, 1, 1, -1), the pattern of softmax TD: 1 along it, whatever the length
  cosine A        of A's block on the features and the identity; centred: each column's mean taken from both first
  V's last row    its entries on reward, target and value; A's diagonal, the mean over its block (means over layers)
  error           median over 200 new tasks of |v - v_pi| / |v_pi|, weighted by the stationary distribution: how wrong the
                  predicted values are; predicting 0 everywhere has the error 1, by definition

further words of the records (icrl.pretrain.results has them all):
  agreement       with the softmax TD nearest to the predictions: its step alpha, its sharpness, how near it comes
  shuffled        error on contexts that pay each state another's reward: against the task's own values, and those paid

exit status: 0; 1 if a seed diverged; 2 if the command was not understood; 130 if it was interrupted.
"""


def parser(command: str | None) -> argparse.ArgumentParser:
    """The command line, with the arguments of one command: laying them out loads what it needs, so the others' stay away."""
    top = OneLineParser(prog="icrl", description=__doc__)
    top.add_argument("--version", action="version", version=f"icrl {__version__}")
    commands = top.add_subparsers(dest="command", required=True, parser_class=OneLineParser)
    for name, (words, lay_out) in COMMANDS.items():
        added = commands.add_parser(name, help=words)
        if name == command:
            lay_out(added)
    return top


def verify_arguments(verify: argparse.ArgumentParser) -> None:
    """What ``verify`` takes."""
    from icrl.verify.model import KINDS

    verify.add_argument("ids", nargs="*", metavar="ID", help="claims to check (default: all)")
    verify.add_argument("--kind", metavar="KIND", help=f"only this kind of check: {', '.join(KINDS)}")
    verify.add_argument("--no-mutants", action="store_true", help="leave the mutants out")
    verify.add_argument(
        "--trials",
        type=whole(1),
        metavar="N",
        help="random instances of each numeric check (default: each check's own)",
    )
    verify.add_argument("--seed", type=whole(0), default=0, metavar="N", help="seed of the numeric checks (default: 0)")
    verify.add_argument("--json", metavar="FILE", help="write the result as JSON to FILE, or to standard output with -")
    verify.set_defaults(run=run_verify)


def claims_arguments(claims: argparse.ArgumentParser) -> None:
    """``claims`` takes none."""
    claims.set_defaults(run=run_list)


def ledger_arguments(ledger: argparse.ArgumentParser) -> None:
    """What ``ledger`` takes."""
    ledger.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="the project's folder (default: here)")
    ledger.set_defaults(run=run_ledger)


def proofs_arguments(proofs: argparse.ArgumentParser) -> None:
    """What ``proofs`` takes."""
    proofs.add_argument(
        "--afresh",
        action="store_true",
        help="plant every wrong change and step through every proof again, also those on record for these very sources",
    )
    proofs.add_argument(
        "--restated",
        nargs="+",
        default=[],
        metavar="NAME",
        help="theorems and definitions on record, file.name, that are meant to say something else now, or to be gone",
    )
    proofs.add_argument(
        "--libraries",
        action="store_true",
        help="let coqchk, a second kernel, read again the proofs and every library below them (two minutes)",
    )
    proofs.set_defaults(run=run_proofs)


def diagnose_arguments(task: argparse.ArgumentParser) -> None:
    """What ``diagnose`` takes."""
    from icrl import diagnose

    task.formatter_class = argparse.RawDescriptionHelpFormatter
    task.description = "Does softmax TD converge with depth on a task of yours, how fast, and to what?"
    task.epilog = DIAGNOSE_HELP
    task.add_argument(
        "task",
        metavar="TASK",
        help=f"one of {', '.join(diagnose.NAMED)}; a JSON or CSV file; a Gymnasium id, as FrozenLake8x8-v1",
    )
    task.add_argument(
        "--policy",
        metavar="FILE",
        help="of an environment: uniform (default), or a JSON file of action probabilities by state",
    )
    task.add_argument(
        "--make",
        type=make_option,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="of the environment, such as map_name=8x8",
    )
    task.add_argument(
        "--noisy",
        action="store_true",
        help="draw the environment's own rewards, which may depend on more than the state",
    )
    task.add_argument("--states", type=whole(1), metavar="N", help="number of states of a named task, up to 5000")
    discount = f"discount (default: a JSON file's own, {diagnose.DISCOUNT} for what is no file; a CSV file needs it)"
    task.add_argument("--discount", type=float, metavar="G", help=discount)
    task.add_argument(
        "--length", type=whole(1), metavar="N", help=f"transitions to sample (default: {diagnose.LENGTH})"
    )
    task.add_argument(
        "--endings",
        metavar="KIND",
        help="where an episode ends: restart, the start follows, discounted (default); terminal, nothing does, see below",
    )
    task.add_argument(
        "--horizon", type=whole(1), metavar="N", help="cut terminal episodes after N transitions (default: never)"
    )
    task.add_argument(
        "--features",
        metavar="KIND",
        help=f"{', '.join(diagnose.FEATURES)}, see below (default: file if it has them, else one-hot)",
    )
    task.add_argument(
        "--dimension", type=whole(1), metavar="N", help=f"of random features (default: {diagnose.DIMENSION})"
    )
    task.add_argument(
        "--sharpness",
        type=float,
        metavar="B",
        help=f"factor of the scores (default: {diagnose.SHARPNESS:g}, or 1 for features of a file)",
    )
    task.add_argument(
        "--step", type=float, default=diagnose.STEP, metavar="A", help=f"step size (default: {diagnose.STEP:g})"
    )
    task.add_argument(
        "--depth", type=whole(0), default=diagnose.DEPTH, metavar="N", help=f"layers (default: {diagnose.DEPTH})"
    )
    task.add_argument(
        "--confidence",
        type=float,
        default=diagnose.CONFIDENCE,
        metavar="P",
        help=f"1 - delta, of bound F (default: {diagnose.CONFIDENCE})",
    )
    task.add_argument("--seed", type=whole(0), metavar="N", help="seed of whatever is random (default: 0)")
    task.add_argument("--plot", metavar="FILE", help="draw error against depth to FILE, a .png")
    task.add_argument("--json", metavar="FILE", help="write the result as JSON to FILE, or to standard output with -")
    task.set_defaults(run=run_diagnose)


def pretrain_arguments(pretrain: argparse.ArgumentParser) -> None:
    """What ``pretrain`` takes."""
    pretrain.formatter_class = argparse.RawDescriptionHelpFormatter
    pretrain.description = (
        "Train a Transformer on random tasks by the book's protocols, and see whether softmax TD emerges."
    )
    pretrain.epilog = PRETRAIN_HELP
    pretrain.add_argument(
        "protocols",
        nargs="*",
        metavar="PROTOCOL",
        help="what to train, on what, and how (default: boyan); all, every one",
    )
    pretrain.add_argument("--list", action="store_true", help="list the protocols")
    pretrain.add_argument(
        "--seeds",
        type=whole_numbers,
        default=(0,),
        metavar="LIST",
        help="numbers and ranges, as 5 or 0,3,7 or 0-4 (default: 0)",
    )
    pretrain.add_argument(
        "--out", type=folder, metavar="DIR", help="put on record in this folder (default: nothing is written)"
    )
    pretrain.add_argument("--resume", action="store_true", help="go on from what is in DIR")
    pretrain.add_argument(
        "--steps", type=whole(1), metavar="N", help="another number of steps than the protocol's, without --out"
    )
    pretrain.add_argument(
        "--batch", type=whole(1), metavar="N", help="another number of tasks in a step, without --out"
    )
    pretrain.add_argument("--rate", type=float, metavar="R", help="another rate, without --out")
    pretrain.set_defaults(run=run_pretrain)


COMMANDS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "verify": ("check claims, and that their mutants are refuted", verify_arguments),
    "claims": ("list the claims", claims_arguments),
    "ledger": ("check everything and rewrite the book's generated pages", ledger_arguments),
    "proofs": ("let the proof checker check proofs/, and keep the result on record", proofs_arguments),
    "diagnose": ("does depth converge on a task of yours, how fast, and to what?", diagnose_arguments),
    "pretrain": ("train a Transformer on random tasks, and see whether softmax TD emerges", pretrain_arguments),
}
"""What each command does, in a line, and what lays out its arguments."""


def whole(least: int) -> Callable[[str], int]:
    """A type for argparse: an integer from ``least`` on."""

    def parse(text: str) -> int:
        try:
            given = int(text) if text.strip().lstrip("+-").isdecimal() else float(text)
        except ValueError:
            given = math.nan
        number = int(given) if math.isfinite(given) and given == int(given) else least - 1
        if number < least:
            raise argparse.ArgumentTypeError(f"must be a whole number from {least} on, got {text!r}")
        return number

    return parse


def whole_numbers(text: str) -> tuple[int, ...]:
    """A type for argparse: whole numbers from 0 on and ranges of them, as in 0,3,7 and 0-4, each once, in the order given; at most :data:`MOST_SEEDS`."""
    ends = [part.split("-") for part in text.split(",")]
    if not all(
        len(pair) <= 2 and all(end.isdecimal() for end in pair) and int(pair[0]) <= int(pair[-1]) for pair in ends
    ):
        raise argparse.ArgumentTypeError(
            f"must be whole numbers and ranges from low to high, as 5 or 0,3,7 or 0-4, got {text!r}"
        )
    ranges = [range(int(pair[0]), int(pair[-1]) + 1) for pair in ends]
    if (count := sum(each.stop - each.start for each in ranges)) > MOST_SEEDS:
        raise argparse.ArgumentTypeError(f"must be at most {MOST_SEEDS} numbers, got {count} in {text!r}")
    return tuple(dict.fromkeys(number for each in ranges for number in each))


def folder(text: str) -> Path:
    """A type for argparse: a path that is not empty, which would be the folder that the command is typed in."""
    if not text:
        raise argparse.ArgumentTypeError("must name a folder, got ''")
    return Path(text)


def make_option(text: str) -> tuple[str, object]:
    """A type for argparse: KEY=VALUE, the value as JSON where it is JSON (true, 3), else the text itself."""
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise argparse.ArgumentTypeError(f"must be KEY=VALUE, got {text!r}")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def chosen(ids: Sequence[str]) -> list[Claim]:
    """The claims with these ids, each once, all of them when there are none."""
    from icrl.claims import CLAIMS

    for id in ids:
        if id not in CLAIMS:
            near = "".join(f"did you mean {known}? " for known in get_close_matches(id, CLAIMS, 1))
            raise UsageError(f"unknown claim {id!r}; {near}the claims are {', '.join(CLAIMS)}")
    return [CLAIMS[id] for id in dict.fromkeys(ids)] or list(CLAIMS.values())


def run_verify(options: argparse.Namespace) -> int:
    """``verify``: a live table for a person, JSON for a machine."""
    from icrl.verify.model import KINDS
    from icrl.verify.run import succeeded

    claims = chosen(options.ids)
    if options.kind is not None and options.kind not in KINDS:
        raise UsageError(f"--kind must be one of {', '.join(KINDS)}, got {options.kind!r}")
    if options.kind and not any(check.kind == options.kind for claim in claims for check in claim.checks):
        raise UsageError(f"no check of kind {options.kind!r} among {', '.join(claim.id for claim in claims)}")
    check_output("--json", options.json)
    results = verify_with_table(claims, for_tables(stderr=options.json == "-"), options)
    if options.json:
        asked = {name: getattr(options, name) for name in ("ids", "kind", "trials", "seed")}
        found = {"options": asked | {"mutants": not options.no_mutants}, "claims": [each.as_json() for each in results]}
        text = json_text(found, options.json)
        print_out(text) if options.json == "-" else write_all({Path(options.json): text})
    return 0 if succeeded(results) else 1


def check_output(option: str, file: str | None) -> None:
    """Refuse, before any work, a file that cannot be written; "-" is standard output."""
    if file not in (None, "-") and not (os.path.isdir(Path(file).parent) and writable(Path(file))):
        raise UsageError(f"{option} must name a file that can be written, got {file}")


WRITTEN = "--plot", "--json"
"""The options of ``diagnose`` that name a file to be written, which need not be there yet."""


def check_apart(files: Mapping[str, str | None]) -> None:
    """Refuse, before any work, to write two things into one file, or over what is read; pipes and devices may be."""
    named: dict[str, str] = {}
    for option, file in files.items():
        if file in (None, "-") or not (os.path.isfile(file) or option in WRITTEN and not os.path.exists(file)):
            continue
        if (other := named.setdefault(os.path.realpath(file), option)) != option:
            raise UsageError(f"{option} must name another file than {other}, got {file}")


def json_text(found: Mapping[str, object], file: str | None) -> str:
    """A report with the version that made it, as JSON for a file, or of ASCII alone for standard output ("-").

    Lone surrogates, which UTF-8 has not, stand as JSON's escapes.
    """
    text = json.dumps({"version": __version__} | dict(found), indent=1, ensure_ascii=file == "-", allow_nan=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n"


def for_tables(stderr: bool) -> Console:
    """Standard output or error; where it is no terminal, so wide that no table or line is broken."""
    from rich.console import Console

    console = Console(stderr=stderr)
    if not console.is_terminal:
        console.width = 10_000
    return console


def verify_with_table(claims: list[Claim], console: Console, options: argparse.Namespace) -> list[ClaimResult]:
    """Run the claims, a row of the table for each, the last row saying what is being run."""
    from icrl.verify.model import Budget
    from icrl.verify.run import run_claim

    results: list[ClaimResult] = []
    with showing(progress_table(results, ""), console) as live:

        def now(claim: Claim, part: str, done: int = 0, total: int = 0) -> None:
            live.update(progress_table(results, f"{claim.id}: {part}" + (f" {done}/{total}" if total else "")))

        for claim in claims:

            def report(claim: Claim, part: str, verdict: Verdict | None) -> None:
                current.append(part)
                now(claim, part)

            def progress(done: int, total: int) -> None:
                now(claim, current[-1], done, total)

            current: list[str] = []
            budget = Budget(options.trials, options.seed, progress)
            results.append(run_claim(claim, options.kind, not options.no_mutants, budget, report))
    with printing():
        console.print(progress_table(results, ""))
        for result in results:
            print_failures(result, console)
    return results


@contextmanager
def showing(table: Table, console: Console) -> Iterator[Live]:
    """A table that changes until the block ends; ``UsageError`` where its end cannot be printed."""
    from rich.live import Live

    live = Live(table, console=console, transient=True)
    live.start()
    try:
        yield live
    finally:
        with printing():
            live.stop()


MARKS = {True: "[green]passed[/]", False: "[bold red]failed[/]", None: "[yellow]on record[/]"}
"""What a table says of a check that passed, failed, or has its result on record."""


def mark(check: Check, verdict: Verdict) -> str:
    """A verdict in the table: what is cited, or has not run, is neither passed nor on record."""
    if not verdict.ran:
        return "[yellow]not run[/]"
    return "cited" if check.kind == "cited" else MARKS[verdict.passed]


def progress_table(results: list[ClaimResult], running: str) -> Table:
    """Claims against kinds of check, and the share of mutants refuted."""
    from rich.table import Column, Table

    from icrl.claims import CLAIMS
    from icrl.verify.model import KINDS

    kinds = [kind for kind in KINDS if any(check.kind == kind for claim in CLAIMS.values() for check in claim.checks)]
    table = Table(Column("claim", overflow="fold"), *kinds, "mutants refuted", "status")
    for result in results:
        marks = {check.kind: mark(check, verdict) for check, verdict in result.verdicts}
        refuted = f"{sum(mutant.refuted for mutant in result.mutants)}/{len(result.mutants)}" if result.mutants else ""
        table.add_row(result.claim.id, *(marks.get(kind, "") for kind in kinds), refuted, result.status)
    if running:
        table.add_row(f"[dim]{running} …[/]", *[""] * (len(kinds) + 2))
    return table


def print_failures(result: ClaimResult, console: Console) -> None:
    """What failed, with the counterexample; what did not run; which mutants survived, and which check let them."""
    from icrl.verify.run import explained

    for check, verdict in result.verdicts:
        if not verdict.ran:
            console.print(f"{result.claim.id}: {check.kind} {verdict.detail}", markup=False)
        if verdict.passed is False:
            console.print(f"{result.claim.id}: {check.kind} failed: {explained(verdict)}", markup=False)
    for mutant in result.mutants:
        if not mutant.refuted:
            letting = ", ".join(kind for kind in mutant.verdicts if kind not in mutant.refuted_by)
            console.print(
                f"{result.claim.id}: mutant “{mutant.mutant.name}” survived: not refuted by {letting}", markup=False
            )


def run_list(options: argparse.Namespace) -> int:
    """``claims``: id, status, title and kinds of check, as ``make ledger`` last wrote them."""
    rows = [
        (one["id"], one["status"], one["title"], ", ".join(one["kinds"]))
        for one in json.loads(LEDGER.read_bytes())["claims"]
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    with printing():
        for row in [("claim", "status", "what it says", "kinds of check"), *rows]:
            print("  ".join(map(str.ljust, row, widths)).rstrip())
    return 0


def run_ledger(options: argparse.Namespace) -> int:
    """``ledger``: every claim, then every generated page, or none if a claim failed."""
    from icrl.claims import CLAIMS
    from icrl.verify.pages.ledger import pages
    from icrl.verify.run import ClaimResult, complete, succeeded

    if not (options.out / "book").is_dir():
        raise UsageError(f"--out must be the project's folder, with book/ in it, got {options.out}")
    claims = list(CLAIMS.values())
    blank = [ClaimResult(replace(claim, statement=str), [], []) for claim in claims]
    try:
        refused = [path for path in pages(blank, options.out) if not writable(path)]
    except (OSError, ValueError) as error:
        raise UsageError(str(error)) from None
    if refused:
        raise UsageError(f"cannot write {', '.join(map(str, refused))}; nothing was written")
    console = for_tables(stderr=True)
    results = verify_with_table(claims, console, argparse.Namespace(trials=None, seed=0, kind=None, no_mutants=False))
    if not succeeded(results):
        console.print("a claim failed: nothing was written")
        return 1
    if not complete(results):
        console.print("a check could not run: nothing was written")
        return 1
    written = pages(results, options.out)
    for path in written:
        path.parent.mkdir(parents=True, exist_ok=True)
    write_all(written)
    return 0


def run_proofs(options: argparse.Namespace) -> int:
    """``proofs``: compile the sources, refuse what must be refused, let a second kernel read them again, and write the record; nothing is written when it fails."""
    from rich.console import Console
    from rich.markup import escape

    from icrl.claims import CLAIMS
    from icrl.verify.kernel import checked, rocq, sources, steps

    if not checked.PROOFS.is_dir():
        raise UsageError(f"the sources are not part of this installation: there is no {checked.PROOFS}")
    console = Console(stderr=True)
    report = lambda line: console.print(f"[dim]{escape(line)}[/]")
    try:
        rocq.require_tools(steps.PROGRAM)
        record = checked.make_record(CLAIMS.values(), options.afresh, report, options.restated)
        with rocq.working(checked.WORK):
            axioms = rocq.read_again(checked.WORK, options.libraries)
            shown = steps.recorded(checked.WORK, {} if options.afresh else steps.read_record(), report)
    except rocq.NoChecker as absent:
        console.print(f"the proofs cannot be checked here: {absent}", markup=False)
        return 1
    except sources.Refused as refusal:
        console.print(f"refused: {refusal}\nThe record was left as it was.", markup=False)
        return 1
    written = {
        checked.RECORD: json.dumps(record, indent=1, ensure_ascii=False) + "\n",
        steps.RECORD: steps.written(shown),
    }
    write_all(written)
    resting = {name: axioms for name, axioms in record["theorems"].items() if axioms}
    closed = len(record["theorems"]) - len(resting)
    console.print(
        f"{record['checker']}: {closed} theorems closed under the global context; {len(resting)} on the axioms of the real numbers ({', '.join(resting)})",
        markup=False,
    )
    read = (
        f"the proofs and every library below them, which hold {axioms} axioms," if options.libraries else "the proofs"
    )
    console.print(f"coqchk has read {read} again, and found no axiom of ours", markup=False)
    console.print(
        f"{len(record['planted'])} wrong changes of the sources refused; Transformer and softmax TD equal to Python's on {record['instances']} instances"
    )
    return 0


def run_diagnose(options: argparse.Namespace) -> int:
    """``diagnose``: a report for a person, JSON for a machine, a plot for the eye; written when everything is done."""
    from rich.console import Console

    from icrl import diagnose

    if options.plot and Path(options.plot).suffix.lower() != ".png":
        raise UsageError(f"--plot must name a .png file, got {options.plot}")
    check_output("--plot", options.plot)
    check_output("--json", options.json)
    check_apart({"TASK": options.task, **{f"--{name}": getattr(options, name) for name in ("policy", "plot", "json")}})
    if options.dimension is not None and options.features != "random":
        raise UsageError("--dimension is for --features random")
    taken = ("policy", "noisy", "states", "discount", "length", "endings", "horizon")
    what = {name: getattr(options, name) for name in taken}
    seed, dimension = options.seed or 0, options.dimension or diagnose.DIMENSION
    try:
        with telling(Console(stderr=True)) as tell:
            tell("reading the task")
            task = diagnose.read_task(options.task, make=dict(options.make), seed=seed, **what)
            if options.seed is not None and task.sample is None and options.features != "random":
                raise UsageError("--seed does not apply to a recorded trajectory without random features")
            _, sharpness = diagnose.chosen_features(task, options.features, options.sharpness)
            called, features = diagnose.make_features(task, options.features, options.sharpness, dimension, seed)
            found = diagnose.diagnose(
                task, features, called, options.step, options.depth, options.confidence, tell, sharpness
            )
            files = {Path(options.plot): diagnose.figure(found)} if options.plot else {}
    except ValueError as error:
        raise UsageError(" ".join(str(error).split())) from None
    except MemoryError as error:
        raise UsageError(f"there is too little memory: {error}") from None
    text = json_text(diagnose.as_json(found), options.json)
    write_all(files | ({Path(options.json): text} if options.json not in (None, "-") else {}))
    if options.json == "-":
        print(diagnose.report(found), end="", file=sys.stderr)
    print_out(text if options.json == "-" else diagnose.report(found))
    return 0


def run_pretrain(options: argparse.Namespace) -> int:
    """``pretrain``: a live bar while it trains, then a table; records where asked."""
    if options.list:
        return list_protocols()
    try:
        from icrl.pretrain.command import pretrain
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise UsageError("needs torch: pip install 'icrl[torch]'") from None
    changes = {
        name: getattr(options, name) for name in ("steps", "batch", "rate") if getattr(options, name) is not None
    }
    return pretrain(options.protocols or ["boyan"], options.seeds, options.out, options.resume, changes)


def list_protocols() -> int:
    """``pretrain --list``: the name of every protocol, and a word about it."""
    from rich.console import Console
    from rich.table import Column, Table

    from icrl.pretrain.protocols import ABOUT

    table = Table(Column("protocol", no_wrap=True), "what is trained", box=None)
    for name, words in ABOUT.items():
        table.add_row(name, words)
    with printing():
        Console().print(table)
    return 0


@contextmanager
def telling(console: Console, patience: float = 3.0) -> Iterator[Callable[[str], None]]:
    """A function that says what is being done: a terminal at once, a file or a pipe if it takes longer than ``patience`` seconds."""
    from threading import Timer

    from rich.markup import escape

    if console.is_terminal:
        with console.status("") as status:
            yield lambda line: status.update(f"{escape(line)} …")
        return
    timers: list[Timer] = []

    def tell(line: str) -> None:
        for timer in timers:
            timer.cancel()
        timers[:] = [Timer(patience, print, [f"{line} …"], {"file": sys.stderr, "flush": True})]
        timers[0].daemon = True
        timers[0].start()

    try:
        yield tell
    finally:
        for timer in timers:
            timer.cancel()
