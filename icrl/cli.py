"""``python -m icrl``: verify the book's claims, list them, and write the pages that show what was found."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table

from icrl.claims import CLAIMS, Budget, Claim, Verdict
from icrl.claims.ledger import ClaimResult, explained, run_claim, succeeded
from icrl.claims.model import KINDS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 when all is well, 1 when a claim failed, 2 when the command was not understood."""
    options = parser().parse_args(arguments)
    try:
        return options.run(options)
    except UsageError as error:
        print(f"icrl {options.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"icrl {options.command}: interrupted", file=sys.stderr)
        return 130


class UsageError(Exception):
    """What was asked for cannot be done; the message says why, in one line."""


class OneLineParser(argparse.ArgumentParser):
    """A parser that answers a usage error with one line."""

    def error(self, message: str) -> None:
        print(f"{self.prog}: {message}", file=sys.stderr)
        raise SystemExit(2)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = OneLineParser(prog="icrl", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True, parser_class=OneLineParser)

    verify = commands.add_parser("verify", help="check claims, and that their mutants are refuted")
    verify.add_argument("ids", nargs="*", metavar="ID", help="claims to check (default: all)")
    verify.add_argument("--kind", metavar="KIND", help=f"only this kind of check: {', '.join(KINDS)}")
    verify.add_argument("--no-mutants", action="store_true", help="leave the mutants out")
    verify.add_argument("--trials", type=whole(1), metavar="N", help="random instances of each numeric check (default: each check's own)")
    verify.add_argument("--seed", type=whole(0), default=0, metavar="N", help="seed of the numeric checks (default: 0)")
    verify.add_argument("--json", metavar="FILE", help="write the result as JSON to FILE, or to standard output with -")
    verify.set_defaults(run=run_verify)

    claims = commands.add_parser("claims", help="list the claims")
    claims.set_defaults(run=run_list)

    ledger = commands.add_parser("ledger", help="check everything and rewrite the book's generated pages")
    ledger.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="the project's folder (default: here)")
    ledger.set_defaults(run=run_ledger)
    return top


def whole(least: int):
    """A type for argparse: an integer from ``least`` on."""

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(f"must be a whole number from {least} on, got {text!r}")
        return number

    return parse


def chosen(ids: Sequence[str]) -> list[Claim]:
    """The claims with these ids, all of them when there are none."""
    for id in ids:
        if id not in CLAIMS:
            raise UsageError(f"unknown claim {id!r}; the claims are {', '.join(CLAIMS)}")
    return [CLAIMS[id] for id in ids] or list(CLAIMS.values())


def run_verify(options: argparse.Namespace) -> int:
    """``verify``: a live table for a person, JSON for a machine."""
    claims = chosen(options.ids)
    if options.kind is not None and options.kind not in KINDS:
        raise UsageError(f"--kind must be one of {', '.join(KINDS)}, got {options.kind!r}")
    if options.kind and not any(check.kind == options.kind for claim in claims for check in claim.checks):
        raise UsageError(f"no check of kind {options.kind!r} among {', '.join(claim.id for claim in claims)}")
    if options.json not in (None, "-"):
        check_writable(Path(options.json))
    console = Console(stderr=options.json == "-")
    results = verify_with_table(claims, console, options)
    if options.json:
        text = json.dumps({"claims": [result.as_json() for result in results]}, indent=1, ensure_ascii=False) + "\n"
        sys.stdout.write(text) if options.json == "-" else write_whole(Path(options.json), text)
    return 0 if succeeded(results) else 1


def verify_with_table(claims: list[Claim], console: Console, options: argparse.Namespace) -> list[ClaimResult]:
    """Run the claims, a row of the table for each, the last row saying what is being run."""
    results: list[ClaimResult] = []
    with Live(progress_table(results, ""), console=console, transient=True) as live:

        def now(claim: Claim, part: str, done: int = 0, total: int = 0) -> None:
            live.update(progress_table(results, f"{claim.id}: {part}" + (f" {done}/{total}" if total else "")))

        for claim in claims:

            def report(claim: Claim, part: str, verdict: Verdict | None) -> None:
                current.append(part)
                now(claim, part)

            current: list[str] = []
            budget = Budget(options.trials, options.seed, lambda done, total, claim=claim, current=current: now(claim, current[-1], done, total))
            results.append(run_claim(claim, options.kind, not options.no_mutants, budget, report))
    console.print(progress_table(results, ""))
    for result in results:
        print_failures(result, console)
    return results


MARKS = {True: "[green]✓[/]", False: "[bold red]✗ failed[/]", None: "[yellow]on record[/]"}


def progress_table(results: list[ClaimResult], running: str) -> Table:
    """Claims against kinds of check, and the share of mutants refuted."""
    kinds = [kind for kind in KINDS if any(check.kind == kind for claim in CLAIMS.values() for check in claim.checks)]
    table = Table("claim", *kinds, "mutants refuted", "status")
    for result in results:
        marks = {check.kind: MARKS[verdict.passed] for check, verdict in result.verdicts}
        refuted = f"{sum(mutant.refuted for mutant in result.mutants)}/{len(result.mutants)}"
        table.add_row(result.claim.id, *(marks.get(kind, "") for kind in kinds), refuted, result.status)
    if running:
        table.add_row(f"[dim]{running} …[/]", *[""] * (len(kinds) + 2))
    return table


def print_failures(result: ClaimResult, console: Console) -> None:
    """What failed, with the counterexample; which mutants survived, and which check let them."""
    for check, verdict in result.verdicts:
        if verdict.passed is False:
            console.print(f"{result.claim.id}: {check.kind} failed: {explained(verdict)}", markup=False)
    for mutant in result.mutants:
        if not mutant.refuted:
            letting = ", ".join(kind for kind in mutant.verdicts if kind not in mutant.refuted_by)
            console.print(f"{result.claim.id}: mutant “{mutant.mutant.name}” survived: not refuted by {letting}", markup=False)


def run_list(options: argparse.Namespace) -> int:
    """``claims``: id, kinds of check, number of mutants, title."""
    table = Table("claim", "kinds of check", "mutants", "what it says", box=None)
    for claim in CLAIMS.values():
        table.add_row(claim.id, ", ".join(check.kind for check in claim.checks), str(len(claim.mutants)), claim.title)
    Console().print(table)
    return 0


def run_ledger(options: argparse.Namespace) -> int:
    """``ledger``: every claim, then every generated page, or none if a claim failed."""
    from icrl.claims.pages import pages

    if not (options.out / "book").is_dir():
        raise UsageError(f"--out must be the project's folder, with book/ in it, got {options.out}")
    console = Console(stderr=True)
    results = verify_with_table(list(CLAIMS.values()), console, argparse.Namespace(trials=None, seed=0, kind=None, no_mutants=False))
    if not succeeded(results):
        console.print("a claim failed: nothing was written")
        return 1
    for path, text in pages(results, options.out).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)
    return 0


def check_writable(path: Path) -> None:
    """Refuse, before any work, a file that cannot be written."""
    if path.is_dir() or not path.parent.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(f"--json must name a file that can be written, got {path}")


def write_whole(path: Path, text: str) -> None:
    """Write a file in one piece: as it was, or as it is to be, never half."""
    try:
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False, encoding="utf-8") as part:
            part.write(text)
        os.chmod(part.name, 0o644)
        os.replace(part.name, path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None
