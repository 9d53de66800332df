"""A claim as the book shows it: the box that its chapter includes, with its badges, and its section of the status page."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from icrl.verify.kernel.checked import Proof
from icrl.verify.model import KINDS, Check, Verdict
from icrl.verify.pages import proofs
from icrl.verify.pages.map import foundations
from icrl.verify.pages.proofs import plain
from icrl.verify.run import ClaimResult, MutantResult

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

{claim.statement()}

{badges(result)} {{ref}}`how this was checked <status-{claim.id}>`
::::
"""


def badges(result: ClaimResult) -> str:
    """One badge for each check, by kind, in words; the colour says no more than the words."""
    return " ".join(
        f"{{bdg-{COLOURS[verdict.passed]}}}`{check.kind}{' failed' * (verdict.passed is False)}`"
        for check, verdict in result.verdicts
    )


def status_page(results: Sequence[ClaimResult]) -> str:
    """Every claim: statement, hypotheses, checks with their code, mutants with the instances that refute them."""
    kinds = "\n".join(f"| `{kind}` | {meaning} |" for kind, meaning in KINDS.items())
    mutants = [mutant for result in results for mutant in result.mutants]
    return f"""<!-- Written by `make ledger`; change icrl/claims/ instead. -->
# Status of every claim

Nothing on this page was typed by hand. `make ledger` runs every check of every claim, and every planted error (a \
*mutant*) against every check that should see it; `make test` does so again and compares. {len(results)} claims stand \
here, with {sum(len(result.verdicts) for result in results)} checks and {len(mutants)} mutants, of which \
{sum(mutant.refuted for mutant in mutants)} are refuted by every check that should refute them.

| kind of check | what it means |
|---|---|
{kinds}

A mutant is *refuted* only by a finite value of the right shape that differs from the right one, never by an \
exception. In the instances $T = (S_0, \\dots, S_n)$ is the context's states, $x$, $v_0$ and $r$ list features, \
initial values and rewards, and $E = 1 + t^2$ says that this function stands in the place of the exponential, so that \
rational numbers stay rational.

The `kernel` is put to no mutants. What it must refuse are wrong changes of its own sources, listed with each proof; \
and its results are those on record, of sources with the hash that is named ({{ref}}`what-the-kernel-sees`). To run \
any of this yourself, see {{ref}}`how-it-is-checked`.

{chr(10).join(claim_section(result) for result in results)}"""


def claim_section(result: ClaimResult) -> str:
    """One claim on the status page."""
    claim = result.claim
    hypotheses = "\n".join(f"- {hypothesis}" for hypothesis in claim.hypotheses)
    checks = "\n".join(check_entry(check, verdict) for check, verdict in result.verdicts)
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

{code_shown(check for check, _ in result.verdicts)}

{mutant_list(result.mutants)}
"""


def check_entry(check: Check, verdict: Verdict) -> str:
    """A check: kind, scope, what was found; of a proof also what a reader can examine, folded."""
    if not isinstance(check, Proof):
        return f"- **{check.kind}**, {check.scope}. {verdict.detail}."
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
```{{literalinclude}} ../{source.as_posix()}
:pyobject: {function.__qualname__}
:language: python
```
````
"""


def mutant_list(results: Sequence[MutantResult]) -> str:
    """Each mutant: its name, the kinds that refute it, an instance, and the kinds that cannot see it, with the reason."""
    lines = ["**Mutants**, each the claim with one thing changed, and where it goes wrong:\n"] if results else []
    for result in results:
        refuted = f"refuted by {', '.join(result.refuted_by)}" if result.refuted else "**not refuted**"
        unseen = "".join(f" Not seen by {kind}: {why}." for kind, why in result.mutant.unseen.items())
        lines.append(f"- **{plain(result.mutant.name)}**, {refuted}. {plain(result.instance)}.{unseen}")
    return "\n".join(lines)
