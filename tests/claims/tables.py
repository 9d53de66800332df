"""The table of counterexamples: by which numbers each check refutes each mutant.

``counterexamples/<part>.toml`` holds, claim by claim and kind by kind, the rows that were worked out by hand: what came out
and what is right, some with the place before them. ``counterexamples/recorded.toml`` holds place, outcome and what is right
of every other mutant, by the check that the status page shows it refuted by, as they came out when this was last run::

    python tests/claims/tables.py
"""

import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from icrl.claims import CLAIMS
from icrl.verify.model import Counterexample
from icrl.verify.run import ClaimResult, MutantResult, run_claim

FOLDER = Path(__file__).parent / "counterexamples"
RECORDED = FOLDER / "recorded.toml"

Rows = dict[tuple[str, str, str], list[str]]
"""By claim, kind of check and mutant: what came out and what is right, or these two after the place."""


def rows(path: Path) -> Rows:
    """The rows of one file."""
    tables = tomllib.loads(path.read_text("utf-8"))
    return {(id, kind, name): row for id in tables for kind in tables[id] for name, row in tables[id][kind].items()}


def by_hand() -> Rows:
    """The rows that were worked out by hand."""
    return {key: row for path in sorted(FOLDER.glob("*.toml")) if path != RECORDED for key, row in rows(path).items()}


def row_of(found: Counterexample, length: int = 3) -> list[str]:
    """The row of a counterexample, without the place where ``length`` is 2."""
    return [found.where, found.got, found.right][-length:]


def shown(result: MutantResult) -> str:
    """The kind of check whose counterexample the status page shows."""
    return min(result.refuted_by, key=lambda kind: kind != result.mutant.shown_by)


def to_record(results: Iterable[ClaimResult], worked_out: Iterable[tuple[str, str, str]]) -> Rows:
    """The rows of the mutants that no row was worked out for."""
    known = {(id, name) for id, _, name in worked_out}
    return {
        (one.claim.id, shown(mutant), mutant.mutant.name): row_of(mutant.verdicts[shown(mutant)].counterexample)
        for one in results
        for mutant in one.mutants
        if (one.claim.id, mutant.mutant.name) not in known
    }


def as_toml(table: Mapping[tuple[str, str, str], list[str]]) -> str:
    """Rows as a file holds them; a string of JSON is one of TOML."""
    quoted = lambda value: json.dumps(value, ensure_ascii=False)
    parts = ["# Written by tests/claims/tables.py; what is worked out by hand stands in the other files.\n"]
    for head in dict.fromkeys((id, kind) for id, kind, _ in table):
        lines = [f"{quoted(key[2])} = {quoted(row)}\n" for key, row in table.items() if key[:2] == head]
        parts.append(f"[{'.'.join(head)}]\n{''.join(lines)}")
    return "\n".join(parts)


if __name__ == "__main__":
    RECORDED.write_text(as_toml(to_record(map(run_claim, CLAIMS.values()), by_hand())), "utf-8")
