"""The pages that the ledger writes: theorems with their badges, the status of every claim, the map, the README's table.

They hold only what is deterministic: verdicts, scopes, counts, seeds, tolerances, counterexamples.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from icrl.claims import kernel_pages
from icrl.claims.drawing import Box, covering, drawing
from icrl.claims.kernel import Proof
from icrl.claims.kernel_pages import plain
from icrl.claims.ledger import ClaimResult, MutantResult
from icrl.claims.model import KINDS, Check, Claim, Verdict

COLOURS = {True: "success", False: "danger", None: "warning"}
README_MARKS = "<!-- status -->", "<!-- /status -->"


def pages(results: Sequence[ClaimResult], root: Path) -> dict[Path, str]:
    """Every generated file, by its path, with its text. README.md and _toc.yml must stand in ``root``: the table of the one is replaced, the other tells the parts of the book."""
    book, parts, results = root / "book", parts_of_the_book(root), [as_on_record(result) for result in results]
    written = {book / "_generated" / "theorems" / f"{result.claim.id}.md": theorem(result) for result in results}
    written |= {
        book / "_generated" / "kernel" / f"{result.claim.id}.md": kernel_pages.folded(
            check, verdict.detail, result.claim.id
        )
        for result in results
        for check, verdict in result.verdicts
        if isinstance(check, Proof)
    }
    written[book / "_generated" / "kernel" / "_share.md"] = kernel_share(results, parts)
    written[book / "status.md"] = status_page(results)
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


def badges(result: ClaimResult) -> str:
    """One badge for each check, by kind, in words; the colour says no more than the words."""
    return " ".join(
        f"{{bdg-{COLOURS[verdict.passed]}}}`{check.kind}{' failed' * (verdict.passed is False)}`"
        for check, verdict in result.verdicts
    )


def theorem(result: ClaimResult) -> str:
    """The theorem environment that a chapter includes: statement, badges, and the way to how it was checked."""
    claim = result.claim
    return f"""<!-- Written by `make ledger`; change icrl/claims/ instead. -->
::::{{prf:{claim.environment}}} {claim.title}
:label: {claim.id}

{claim.statement()}

{badges(result)} {{ref}}`how this was checked <status-{claim.id}>`
::::
"""


def status_page(results: Sequence[ClaimResult]) -> str:
    """Every claim: statement, hypotheses, checks with their code, mutants with the instances that refute them."""
    kinds = "\n".join(f"| `{kind}` | {meaning} |" for kind, meaning in KINDS.items())
    mutants = [mutant for result in results for mutant in result.mutants]
    return f"""<!-- Written by `make ledger`; change icrl/claims/ instead. -->
# Status of every claim

Nothing on this page was typed by hand. `make ledger` runs every check of every claim, and every planted error (a *mutant*) against every check that should see it; `make test` does so again and compares. {len(results)} claims stand here, with {sum(len(result.verdicts) for result in results)} checks and {len(mutants)} mutants, of which {sum(mutant.refuted for mutant in mutants)} are refuted by every check that should refute them.

| kind of check | what it means |
|---|---|
{kinds}

A mutant is *refuted* only by a finite value of the right shape that differs from the right one, never by an exception. In the instances $T = (S_0, \\dots, S_n)$ is the context's states, $x$, $v_0$ and $r$ list features, initial values and rewards, and $E = 1 + t^2$ says that this function stands in the place of the exponential, so that rational numbers stay rational.

The `kernel` is put to no mutants. What it must refuse are wrong changes of its own sources, listed with each proof; and its results are those on record, of sources with the hash that is named ({{ref}}`what-the-kernel-sees`). To run any of this yourself, see {{ref}}`how-it-is-checked`.

{chr(10).join(claim_section(result) for result in results)}"""


def claim_section(result: ClaimResult) -> str:
    """One claim on the status page."""
    claim = result.claim
    hypotheses = "\n".join(f"- {hypothesis}" for hypothesis in claim.hypotheses)
    checks = "\n".join(check_entry(claim, check, verdict) for check, verdict in result.verdicts)
    unlabelled = re.sub(r"^\$\$ \(eq-[a-z-]+\)$", "$$", claim.statement(), flags=re.M)
    return f"""(status-{claim.id})=
## `{claim.id}`: {claim.title}

{badges(result)} status: **{result.status}** · {{prf:ref}}`{claim.id}`

{unlabelled}

**Hypotheses.**

{hypotheses}

**Rests on** {foundations(claim)}. **Source:** {claim.source}. **Shared by the routes compared:** {claim.shared}

**Checks.** Run them with `python -m icrl verify {claim.id}`.

{checks}

{mutant_list(result.mutants)}
"""


def foundations(claim: Claim) -> str:
    """What a claim rests on, as references."""
    return ", ".join(f"{{prf:ref}}`{id}`" for id in claim.rests_on) or "the definitions alone"


def check_entry(claim: Claim, check: Check, verdict: Verdict) -> str:
    """A check: kind, scope, what was found, and its code, folded."""
    return f"""````{{dropdown}} {check.kind}: {check.scope}
{verdict.detail}.
{evidence(check)}
````
"""


def evidence(check: Check) -> str:
    """What a reader can examine: a check's code, or a proof's statements and what was planted in its sources."""
    if isinstance(check, Proof):
        return f"\n{kernel_pages.block(check)}\n\nWrong changes of the sources, each refused. (A refusal says that the proof no longer goes through, not that the changed statement is false; for that there are counterexamples, and the comparison of values.)\n\n{kernel_pages.refusals(check)}\n"
    if check.kind == "cited":
        return ""
    source = Path(inspect.getsourcefile(check.run)).relative_to(Path(__file__).parents[2])
    return f"""
```{{literalinclude}} ../{source.as_posix()}
:pyobject: {check.run.__name__}
:language: python
```
"""


def mutant_list(results: Sequence[MutantResult]) -> str:
    """Each mutant: its name, the kinds that refute it, an instance, and the kinds that cannot see it, with the reason."""
    lines = ["**Mutants**, each the claim with one thing changed, and where it goes wrong:\n"] if results else []
    for result in results:
        refuted = f"refuted by {', '.join(result.refuted_by)}" if result.refuted else "**not refuted**"
        unseen = "".join(f" Not seen by {kind}: {why}." for kind, why in result.mutant.unseen.items())
        lines.append(f"- **{plain(result.mutant.name)}**, {refuted}. {plain(result.instance)}.{unseen}")
    return "\n".join(lines)


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
    proofs = [check for result in results for check, _ in result.verdicts if isinstance(check, Proof)]
    proved = {
        result.claim.id
        for result in results
        if any(check.kind == "kernel" and verdict.passed for check, verdict in result.verdicts)
    }
    planted = "\n".join(kernel_pages.refusals(check) for check in proofs)
    return f"""<!-- Written by `make ledger`; change proofs/ or icrl/claims/ instead. -->
Filled boxes are proved by the kernel, {len(proved)} of {len(results)} results so far:

{drawings(results, parts, "###", proved)}

````{{dropdown}} All {sum(len(check.theorems) for check in proofs)} theorems that the book exports, in the words of their sources
{kernel_pages.in_words(name for check in proofs for name in check.theorems)}
````

````{{dropdown}} {sum(len(check.planted) for check in proofs)} planted changes of the sources, and where each stopped
{planted}
````
"""


# The map


def parts_of_the_book(root: Path) -> dict[str, list[str]]:
    """The chapters of each part, by its caption, as ``_toc.yml`` lists them."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    return {part["caption"]: [Path(chapter["file"]).name for chapter in part["chapters"]] for part in toc["parts"]}


def map_page(results: Sequence[ClaimResult], parts: Mapping[str, Sequence[str]]) -> str:
    """Which result rests on which: a drawing for each part of the book, with links, and the same in words."""
    labels = (
        " Words over an arrow's tip say what is assumed, or changed, to come from the one to the other."
        if any(result.claim.under for result in results)
        else ""
    )
    words = "\n".join(
        f"- {{prf:ref}}`{result.claim.id}`, {result.claim.title}, rests on {foundations(result.claim)}."
        for result in results
    )
    return f"""<!-- Written by `make ledger`; change icrl/claims/ instead. -->
# Map of the results

An arrow runs from a result to one that rests on it. Arrows that follow from others are left out. Each box leads to its theorem, and says by which kinds of check it stands; a dotted box stands in another part of the book.{labels}

{drawings(results, parts, "##")}

## The same in words

{words}
"""


def drawings(
    results: Sequence[ClaimResult], parts: Mapping[str, Sequence[str]], heading: str, filled: Collection[str] = ()
) -> str:
    """The map, a drawing for each part of the book that states results; boxes may be filled."""
    mine = {
        caption: [result for result in results if result.claim.chapter in chapters]
        for caption, chapters in parts.items()
    }
    return "\n\n".join(
        f"{heading} {caption}\n\n```{{raw}} html\n{part_drawing(caption, inside, results, filled)}\n```"
        for caption, inside in mine.items()
        if inside
    )


def part_drawing(
    caption: str, inside: Sequence[ClaimResult], results: Sequence[ClaimResult], filled: Collection[str]
) -> str:
    """One part's results, with those of other parts on which they rest directly."""
    needed_for = covering({result.claim.id: result.claim.rests_on for result in results})
    below = {
        result.claim.id: [
            id for id in result.claim.rests_on if id in needed_for[result.claim.id] or id in result.claim.under
        ]
        for result in results
    }
    ids = {result.claim.id for result in inside}
    needed = ids.union(*(below[id] for id in ids))
    shown = [result for result in results if result.claim.id in needed]
    boxes = [box(result, result.claim.id in filled, result.claim.id not in ids) for result in shown]
    arrows = {result.claim.id: below[result.claim.id] if result.claim.id in ids else [] for result in shown}
    under = {(other, result.claim.id): text for result in inside for other, text in result.claim.under.items()}
    return drawing(boxes, arrows, under, f"Map of the results: {caption}")


def box(result: ClaimResult, filled: bool, elsewhere: bool) -> Box:
    """A result: its title, the kinds that passed; filled or not; dotted when it stands elsewhere; dashed when it failed or is only cited."""
    claim = result.claim
    kinds = " · ".join(check.kind for check, verdict in result.verdicts if verdict.passed is not False) or result.status
    names = " ".join(name for name, holds in (("filled", filled), ("elsewhere", elsewhere)) if holds)
    look = (f' class="{names}"' if names else "") + ("" if result.status == "checked" else ' stroke-dasharray="5 4"')
    return Box(claim.id, claim.title, kinds, f"{claim.chapter}.html#{claim.id}", look)
