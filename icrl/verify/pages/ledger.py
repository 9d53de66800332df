"""What `make ledger` writes: the theorems, the status page, the map, the README's table, the list for the command line.

The pages hold only what is deterministic: verdicts, scopes, counts, seeds, tolerances, counterexamples.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from icrl.verify.kernel.checked import Proof
from icrl.verify.pages import proofs
from icrl.verify.pages.map import drawings, map_page, parts_of_the_book
from icrl.verify.pages.status import status_pages, theorem
from icrl.verify.run import ClaimResult

README_MARKS = "<!-- status -->", "<!-- /status -->"
"""Between what the table of README.md stands."""


def pages(results: Sequence[ClaimResult], root: Path) -> dict[Path, str]:
    """Every generated file, by its path, with its text.

    README.md, _toc.yml and _config.yml must stand in ``root``: the table of the first is replaced, the others tell the
    parts of the book and its repository.
    """
    book, parts, results = root / "book", parts_of_the_book(root), [as_on_record(result) for result in results]
    written = {book / "_generated" / "theorems" / f"{result.claim.id}.md": theorem(result) for result in results}
    written |= {
        book / "_generated" / "kernel" / f"{result.claim.id}.md": proofs.folded(check, verdict.detail, result.claim)
        for result in results
        for check, verdict in result.verdicts
        if isinstance(check, Proof)
    }
    written[book / "_generated" / "kernel" / "_share.md"] = kernel_share(results, parts)
    repository = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]
    written |= {book / f"{name}.md": text for name, text in status_pages(results, parts, repository).items()}
    written[book / "map.md"] = map_page(results, parts)
    written[root / "icrl" / "claims" / "ledger.json"] = listing(results)
    written[root / "README.md"] = with_table((root / "README.md").read_text(encoding="utf-8"), readme_table(results))
    return written


def as_on_record(result: ClaimResult) -> ClaimResult:
    """The result as every machine shows it: the pages tell the kernel's results by the record, which is committed with them."""
    passed = lambda check, verdict: (
        replace(verdict, passed=True) if check.kind == "kernel" and verdict.passed is None else verdict
    )
    return replace(result, verdicts=[(check, passed(check, verdict)) for check, verdict in result.verdicts])


def readme_table(results: Sequence[ClaimResult]) -> str:
    """The short table of the README."""
    lines = ["| claim | what it says | checked | planted errors refuted |", "|---|---|---|---|"]
    for result in results:
        kinds = ", ".join(check.kind for check, verdict in result.verdicts if verdict.passed is not False)
        planted = sum(
            len(check.planted) for check, verdict in result.verdicts if isinstance(check, Proof) and verdict.passed
        )
        refuted = f"{sum(mutant.refuted for mutant in result.mutants) + planted} of {len(result.mutants) + planted}"
        lines.append(f"| `{result.claim.id}` | {result.claim.title} | {kinds} | {refuted} |")
    return "\n".join(lines)


def listing(results: Sequence[ClaimResult]) -> str:
    """What ``python -m icrl claims`` reads, so that it needs to load no claim."""
    claims = [
        {
            "id": result.claim.id,
            "title": result.claim.title,
            "chapter": result.claim.chapter,
            "kinds": [check.kind for check, _ in result.verdicts],
            "status": result.status,
        }
        for result in results
    ]
    return json.dumps({"claims": claims}, indent=1, ensure_ascii=False) + "\n"


def with_table(text: str, table: str) -> str:
    """The text with what stands between the two marks replaced by the table."""
    start, end = (text.find(mark) for mark in README_MARKS)
    if not 0 <= start < end:
        raise ValueError(f"README.md must hold {README_MARKS[0]} and, after it, {README_MARKS[1]}")
    return text[: start + len(README_MARKS[0])] + "\n" + table + "\n" + text[end:]


def kernel_share(results: Sequence[ClaimResult], parts: Mapping[str, Sequence[str]]) -> str:
    """What the chapter on the kernel shows of the whole: the map with its share, every theorem, every planted change."""
    shown = [check for result in results for check, _ in result.verdicts if isinstance(check, Proof)]
    proved = {
        result.claim.id
        for result in results
        if any(check.kind == "kernel" and verdict.passed for check, verdict in result.verdicts)
    }
    planted = "\n".join(proofs.refusals(check) for check in shown)
    return f"""<!-- Written by `make ledger`; change proofs/ or icrl/claims/ instead. -->
Filled boxes are proved by the kernel, {len(proved)} of {len(results)} results so far:

{drawings(results, parts, "###", proved)}

````{{dropdown}} All {sum(len(check.theorems) for check in shown)} theorems that the book exports, in the words of their sources
{proofs.in_words(name for check in shown for name in check.theorems)}
````

````{{dropdown}} {sum(len(check.planted) for check in shown)} planted changes of the sources, and where each stopped
{planted}
````
"""
