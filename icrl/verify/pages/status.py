"""A claim as the book shows it: the box that its chapter includes, with its badges, and its section of the status pages."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from icrl.verify.kernel.checked import Proof
from icrl.verify.model import KINDS, TYPED, Assertion, Check, Claim, Hypothesis, Verdict
from icrl.verify.pages import proofs
from icrl.verify.pages.map import foundations
from icrl.verify.pages.proofs import indexed
from icrl.verify.run import AssertionResult, ClaimResult, MutantResult

ROOT = Path(__file__).parents[3]
"""The repository."""
COLOURS = {True: "success", False: "danger", None: "warning"}
"""The colour of a check that passed, failed, or did not run."""


def theorem(result: ClaimResult) -> str:
    """The theorem environment that a chapter includes: statement, badges, and the way to how it was checked."""
    claim = result.claim
    return f"""<!-- Written by `make ledger`; change icrl/claims/ instead. -->
::::{{prf:{claim.environment}}} {claim.title}
:label: {claim.id}

{box(claim)}

{badges(result)} {{ref}}`how this was checked <status-{claim.id}>`
::::
"""


def box(claim: Claim) -> str:
    """The text of the box: behind each assertion a mark, the way to how it was checked, proved, or where it is from."""
    sentences = [marked(each.text(claim.subject), claim, each) for each in claim.assertions]
    return "\n\n".join([claim.statement(), *sentences]).strip()


MARKS = {"": "✓", "argued": "∴", "cited": "†"}
"""Behind a sentence, by its basis: checked, proved in the text, taken from the literature."""


def marked(text: str, claim: Claim, assertion: Assertion) -> str:
    """The text with the assertion's mark at its end; before the equation where it ends in one."""
    label = assertion.where if assertion.basis == "argued" else label_of(claim, assertion)
    words, equation, _ = re.split(r"(\n\n\$\$\n[^$]*\$\$(?: \(eq-[a-z-]+\))?$|$)", text, maxsplit=1)
    return f"{words} {{ref}}`{MARKS[assertion.basis]} <{label}>`{equation}"


def label_of(claim: Claim, assertion: Assertion) -> str:
    """Where the status page tells of an assertion."""
    return "status-" + claim.name_of(assertion).replace("/", "-")


def badges(result: ClaimResult) -> str:
    """One badge for each check, by kind, and for each other basis of a sentence, in words; the colour says no more than the words."""
    shown = {check.kind: verdict.passed for check, verdict in result.verdicts}
    shown |= {each.basis: None for each in result.claim.assertions if each.basis and each.basis not in shown}
    return " ".join(
        f"{{bdg-{COLOURS[passed]}}}`{kind}{' failed' * (passed is False)}`" for kind, passed in shown.items()
    )


def status_pages(results: Sequence[ClaimResult], parts: Mapping[str, Sequence[str]], repository: str) -> dict[str, str]:
    """Every claim, by the name of the page without its ending: the first says what is meant, and each part of the book has one of its own."""
    mine = {
        caption: [result for result in results if result.claim.chapter in chapters]
        for caption, chapters in parts.items()
    }
    pages = {f"status/{slug(part)}": part_page(part, inside, repository) for part, inside in mine.items() if inside}
    return {"status": first_page(results, mine)} | pages


def slug(caption: str) -> str:
    """A part's caption as the name of a file."""
    return caption.lower().replace(" ", "-")


def first_page(results: Sequence[ClaimResult], parts: Mapping[str, Sequence[ClaimResult]]) -> str:
    """What a check and a mutant are, and the claims of every part, each with its way to the part's page."""
    kinds = "\n".join(f"| `{kind}` | {meaning} |" for kind, meaning in KINDS.items())
    mutants = [mutant for result in results for mutant in result.mutants]
    listed = "\n\n".join(
        f"## {part}\n\n" + "\n".join(map(listed_claim, inside)) for part, inside in parts.items() if inside
    )
    return f"""<!-- Written by `make ledger`; change icrl/claims/ instead. -->
# Status of every claim

Nothing on these pages was typed by hand. `make ledger` runs every check of every claim, and every planted error (a \
*mutant*) against every check that should see it; `make test` does so again and compares. There are {len(results)} \
claims, with {sum(len(result.verdicts) for result in results)} checks and {len(mutants)} mutants, of which \
{sum(mutant.refuted for mutant in mutants)} are refuted by every check that should refute them.

| kind of check | what it means |
|---|---|
{kinds}

A mutant is *refuted* only by a finite value of the right shape that differs from the right one, never by an \
exception. In the instances $T = (S_0, \\dots, S_n)$ is the context's states, $x$, $v_0$ and $r$ list features, \
initial values and rewards, and $E = 1 + t^2$ says that this function stands in the place of the exponential, so that \
rational numbers stay rational; $E = t$ puts the score itself there, so that the table of the weights is what is printed.

The `kernel` is put to no mutants. What it must refuse are wrong changes of its own sources, listed with each proof; \
and its results are those on record, of sources with the hash that is named ({{ref}}`what-the-kernel-sees`). To run \
any of this yourself, see {{ref}}`how-it-is-checked`.

A number behind a kind of check, as in `exact` (1,204), says how many parts of the sentence before it this check compared: \
each is a comparison at one instance. Where there is none, the check does not go part by part, or in floats, where rounding may move a margin and with it the count.

{listed}

## Formulas that are typed

{typed_formulas(results)}
"""


def typed_formulas(results: Sequence[ClaimResult]) -> str:
    """How many sentences print their formulas from what the checks call, and which do not, by the reason, folded."""
    sentences = [(result.claim, each) for result in results for each in result.claim.asserted]
    printed = sum(callable(each.words) for _, each in sentences)
    by_reason = {why: [pair for pair in sentences if pair[1].typed == why] for why in TYPED}
    others = [each for _, each in sentences if not callable(each.words) and not each.typed]
    bases = {basis: sum(each.basis == basis for each in others) for basis in MARKS}
    folded = "\n\n".join(
        f"````{{dropdown}} {len(inside)} sentences: {TYPED[why]}\n{' · '.join(typed_entry(*pair) for pair in inside)}\n````"
        for why, inside in by_reason.items()
        if inside
    )
    return f"""The formulas of {printed} sentences of {len(sentences)} are printed by the functions that the checks call, run on \
symbols: an error planted in such a function changes the sentence too. Of {len(others)} nothing is asked: \
{bases[""]} are words without a formula, {bases["argued"]} are proved in the text, {bases["cited"]} taken from the literature. \
The formulas of the following are typed.

{folded}"""


def typed_entry(claim: Claim, assertion: Assertion) -> str:
    """The way to a sentence, by its name."""
    return f"{{ref}}`{claim.name_of(assertion)} <{label_of(claim, assertion)}>`"


def listed_claim(result: ClaimResult) -> str:
    """A claim in the list of the first page."""
    claim = result.claim
    return f"- {{ref}}`{claim.id} <status-{claim.id}>`, {claim.title}: **{result.status}** {badges(result)}"


def part_page(part: str, results: Sequence[ClaimResult], repository: str) -> str:
    """The claims of one part: statement, hypotheses, checks with their code, mutants with the instances that refute them."""
    sections = "\n".join(claim_section(result, repository) for result in results)
    return f"""<!-- Written by `make ledger`; change icrl/claims/ instead. -->
# Status: {part}

What the kinds of check and the mutants are: {{doc}}`../status`.

{sections}"""


def claim_section(result: ClaimResult, repository: str) -> str:
    """One claim on the page of its part."""
    claim = result.claim
    hypotheses = "\n".join(hypothesis_entry(result, each) for each in claim.hypotheses)
    checks = "\n".join(check_entry(check, verdict) for check, verdict in result.verdicts)
    stated = [unlabelled(claim.statement())] if claim.assertions else []
    sentences = [sentence_entry(result, each, repository) for each in result.assertions]
    return f"""(status-{claim.id})=
## `{claim.id}`: {claim.title}

{badges(result)} status: **{result.status}** · {{prf:ref}}`{claim.id}`

{chr(10).join(f"{text}{chr(10)}" for text in [*stated, *sentences])}
**Hypotheses.**

{hypotheses}

**Rests on** {foundations(claim)}. **Source:** {claim.source}. **Shared by the routes compared:** {claim.shared}

**Checks.** Run them with `python -m icrl verify {claim.id}`.

{checks}

{code_shown(check for check, _ in result.verdicts)}

{mutant_list(result.mutants)}
"""


def unlabelled(text: str) -> str:
    """The text without the labels of its equations, which stand in the chapter."""
    return re.sub(r"^\$\$ \(eq-[a-z-]+\)$", "$$", text, flags=re.M)


def sentence_entry(result: ClaimResult, found: AssertionResult, repository: str) -> str:
    """A sentence: by which kinds of check it stands, which mutants these refute, and the way to say that it is wrong."""
    claim, assertion = result.claim, found.assertion
    report = f"[report this sentence]({repository}/issues/new?title={quote(f'Sentence {found.id}')})"
    if not claim.assertions:
        return f"{unlabelled(found.text)}\n\n{report}"
    told = lambda kind: kind in found.parts and kind != "numeric"  # where rounding may move a margin, and the count
    kinds = " ".join(f"`{kind}`" + (f" ({found.parts[kind]:,})" if told(kind) else "") for kind in found.kinds)
    where = f" {assertion.where}" if assertion.basis == "cited" else ""
    refuted = f" · refuted: {'; '.join(map(indexed, found.mutants))}" if found.mutants else ""
    return f"({label_of(claim, assertion)})=\n{unlabelled(found.text)}\n\n{kinds}{where}{refuted} · {report}"


def hypothesis_entry(result: ClaimResult, hypothesis: Hypothesis) -> str:
    """A hypothesis, and what goes wrong without it, or why that is not told."""
    found = result.needed(hypothesis)
    return f"- {hypothesis.words} " + (f"*Without it:* {indexed(str(found))}." if found else f"({hypothesis.reason}.)")


def check_entry(check: Check, verdict: Verdict) -> str:
    """A check: kind, scope, what was found; of a proof also what a reader can examine, folded."""
    if not isinstance(check, Proof):
        return f"- **{check.kind}**, {indexed(check.scope)}. {indexed(verdict.detail)}."
    return f"""````{{dropdown}} {check.kind}: {check.scope}
{verdict.detail}.

{proofs.block(check)}

Wrong changes of the sources, each refused. (A refusal says that the proof no longer goes through, not that the \
changed statement is false; for that there are counterexamples, and the comparison of values.)

{proofs.refusals(check)}
````
"""


def code_shown(checks: Iterable[Check]) -> str:
    """The functions in which the statement is checked, each once, with the kinds of check that it serves, folded."""
    serves: dict[Callable, list[str]] = {}
    for check in checks:
        for function in check.code if check.kind not in ("kernel", "cited") else ():
            serves.setdefault(function, []).append(check.kind)
    return "\n".join(code_entry(function, kinds) for function, kinds in serves.items())


def code_entry(function: Callable, kinds: Sequence[str]) -> str:
    """One function, folded."""
    source = Path(inspect.getfile(inspect.unwrap(function))).relative_to(ROOT)
    return f"""````{{dropdown}} {function.__qualname__}: where it is checked ({", ".join(kinds)})
```{{literalinclude}} ../../{source.as_posix()}
:pyobject: {function.__qualname__}
:language: python
```
````
"""


def mutant_list(results: Sequence[MutantResult]) -> str:
    """Each mutant, folded: its name, the kinds that refute it, an instance, and the kinds that cannot see it, with the reason."""
    lines = []
    for result in results:
        refuted = f"refuted by {', '.join(result.refuted_by)}" if result.refuted else "**not refuted**"
        unseen = "".join(f" Not seen by {kind}: {indexed(why)}." for kind, why in result.mutant.unseen.items())
        lines.append(f"- **{indexed(result.mutant.name)}**, {refuted}. {indexed(result.instance)}.{unseen}")
    if not lines:
        return ""
    told = (
        f"{len(lines)} mutant{'s' * (len(lines) > 1)}, each the claim with one thing changed, and where it goes wrong"
    )
    return "\n".join([f"````{{dropdown}} {told}", *lines, "````"])
