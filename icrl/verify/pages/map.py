"""The map of the results: which rests on which, a drawing for each part of the book."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import yaml

from icrl.verify.kernel import uses
from icrl.verify.kernel.checked import proofs_of, read_record, table
from icrl.verify.model import Claim
from icrl.verify.pages.drawing import Box, covering, drawing
from icrl.verify.run import ClaimResult


def foundations(claim: Claim) -> str:
    """What a claim rests on, as references."""
    return references(claim.rests_on) or "the definitions alone"


def references(ids: Iterable[str]) -> str:
    """References to claims."""
    return ", ".join(f"{{prf:ref}}`{id}`" for id in ids)


def in_words(claims: Sequence[Claim]) -> str:
    """What each claim rests on, what its proofs use, and where the two differ, why."""
    found = read_record().get("uses", {})
    owner = {name: one.id for one in claims for proof in proofs_of([one]) for name in proof.theorems if name in found}
    used, apart = uses.across(found, owner), uses.differences(found, owner, {one.id: one.rests_on for one in claims})
    lines = []
    for one in claims:
        lines.append(f"- {{prf:ref}}`{one.id}`, {one.title}, rests on {foundations(one)}.")
        if one.id in used:
            named = references(other.id for other in claims if other.id in used[one.id])
            lines[-1] += f" Its proofs use {'the same' if used[one.id] == set(one.rests_on) else named or 'no other'}."
        why: dict[str, list[str]] = {}
        for other, only_used in apart.get(one.id, {}).items():
            reason = table(uses.REASONS).get(one.id, {}).get(other, "not explained")
            why.setdefault(f"{'only' if only_used else 'not'} in the proofs: {reason}", []).append(other)
        lines += [f"  - {references(others)}, {words}." for words, others in why.items()]
    return "\n".join(lines)


def parts_of_the_book(root: Path) -> dict[str, list[str]]:
    """The chapters of each part, by its caption, as ``_toc.yml`` lists them."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    return {part["caption"]: [Path(chapter["file"]).name for chapter in part["chapters"]] for part in toc["parts"]}


def map_page(results: Sequence[ClaimResult], parts: Mapping[str, Sequence[str]]) -> str:
    """Which result rests on which: a drawing for each part of the book, with links, and the same in words."""
    labels = (
        " Words between an arrow's tip and a box say what is assumed, or changed, to come from the one to the other."
        if any(result.claim.under for result in results)
        else ""
    )
    return f"""<!-- Written by `make ledger`; change icrl/claims/ instead. -->
# Map of the results

An arrow runs from a result to one that rests on it. Arrows that follow from others are left out. Each box leads to \
its theorem, and says by which kinds of check it stands; a dotted box stands in another part of the book.{labels}

{drawings(results, parts, "##")}

## The same in words, and by the proofs

The proofs of a result use another where a term that the kernel checked mentions a theorem of it, directly or through lemmas \
that no result states. Where that differs from what the result rests on, directly or through others, a line says why.

{in_words([result.claim for result in results])}
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
    kinds = (
        "\xa0· ".join(check.kind for check, verdict in result.verdicts if verdict.passed is not False) or result.status
    )
    names = " ".join(name for name, holds in (("filled", filled), ("elsewhere", elsewhere)) if holds)
    look = (f' class="{names}"' if names else "") + ("" if result.status == "checked" else ' stroke-dasharray="5 4"')
    return Box(claim.id, claim.title, kinds, f"{claim.chapter}.html#{claim.id}", look)
