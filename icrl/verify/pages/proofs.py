"""What the book shows of a machine-checked proof: its statements as they stand in ``proofs/`` and as the checker read them, the book's symbols, what was refused."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from itertools import groupby

from icrl.verify.kernel import checked, sources
from icrl.verify.kernel.checked import Planted, Proof
from icrl.verify.model import Claim


def block(check: Proof) -> str:
    """A claim's theorems and definitions as they stand in ``proofs/``, and which symbol is which."""
    texts = {
        names[0].partition(".")[0]: sources.excerpt(names) for names in by_file((*check.definitions, *check.stated))
    }
    code = "\n\n".join(f"From `proofs/{file}.v`:\n\n```coq\n{text}\n```" for file, text in texts.items())
    words = sources.without_comments("\n".join(texts.values()))
    rows = "\n".join(
        f"| `{name}` | {meaning} |"
        for name, pattern, meaning in checked.table(checked.SYMBOLS).get("symbols", [])
        if re.search(rf"(?<!\w){name}(?!\w)", words) and re.search(pattern, words)
    )
    further = f"\n\nAlso proved:\n\n{in_words(check.further)}" if check.further else ""
    return f"""{code}

| in the proof | in the book |
|---|---|
{rows}{further}"""


def folded(check: Proof, detail: str, claim: Claim) -> str:
    """The block that a chapter includes below its theorem."""
    return f"""<!-- Written by `make ledger`; change proofs/ or icrl/claims/ instead. -->
`````{{dropdown}} The same, for the kernel
Machine-checked: {check.scope}. How to read it: {{ref}}`what-the-kernel-sees`; what was planted and refused: {{ref}}`status <status-{claim.id}>`. {covered(check, claim)}

{block(check)}

The proofs, to step through: choose a sentence, by a tap, the mouse or the arrow keys, and see what it does, and what is left to \
show after it, as the checker prints it.

```{{proof-steps}} {" ".join(check.theorems)}
```

````{{dropdown}} As the checker read it
{as_elaborated(check)}
````

{detail}.
`````
"""


def covered(check: Proof, claim: Claim) -> str:
    """Which sentences of the claim's statement the theorems do not prove."""
    left = [
        f"{{ref}}`{one.id} <status-{claim.id}-{one.id}>`" for one in claim.assertions if one.id not in check.asserts
    ]
    if not left:
        return "The theorems prove every sentence of the statement that bears a mark."
    return (
        f"Of the statement the theorems do not prove {', '.join(left)}; the links say how those sentences are checked."
    )


def as_elaborated(check: Proof) -> str:
    """A claim's theorems as the checker read them, without notations, and what of ``proofs/`` each reaches."""
    on_record = checked.read_record().get("statements", {})
    shown = [(name, on_record[name]) for name in check.stated if name in on_record]
    theorems = "\n\n".join(
        f"`{name}`, with SHA-256 {one['sha256'][:16]}…:\n\n```text\n{lines(one['elaborated'])}\n```\n\n"
        f"It reaches {', '.join(code(reached) for reached in one['reaches']) or 'the libraries alone'}."
        for name, one in shown
    )
    return f"""What is written above passes through notations, scopes and sections before the proof kernel sees it. This is \
what came out: every variable and hypothesis in its place, every symbol by the name of its function. `forall _ : A, B` \
reads `A -> B`. On record are also the SHA-256 of each definition that it reaches, and none may change unnoticed.

{theorems}"""


def lines(term: str) -> str:
    """A long term: each part in outermost brackets begins a line, and as far as names allow no line has more than 84 columns."""
    parts, depth = [""], 0
    for letter in term:
        if letter == "(" and depth == 0:
            parts.append("  ")
        depth += {"(": 1, ")": -1}.get(letter, 0)
        parts[-1] += letter
    return "\n".join(
        textwrap.fill(part, 84, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
        for part in parts
    )


def in_words(names: Iterable[str]) -> str:
    """Theorems as a list: the name of each, what it says in the words of its source, and the axioms it rests on, if any."""
    assumed, lines = checked.read_record().get("theorems", {}), []
    for name in names:
        axioms = f" Rests on {len(assumed[name])} axioms of the library of real numbers." if assumed.get(name) else ""
        lines.append(f"- `{name}`: {plain(sources.in_words(name))}{axioms}")
    return "\n".join(lines)


def by_file(names: Sequence[str]) -> list[list[str]]:
    """The names, ``file.name``, in groups of one file, in the order of the files' first names."""
    file = lambda name: name.partition(".")[0]
    order = list(dict.fromkeys(map(file, names)))
    return [
        list(group)
        for _, group in groupby(sorted(dict.fromkeys(names), key=lambda name: order.index(file(name))), file)
    ]


def refusals(check: Proof) -> str:
    """The planted changes of the sources, each with how it was refused."""
    on_record = checked.read_record().get("planted", {})
    return "\n".join(
        f"- **{plain(change.name)}** ({edits(change)}): {code(on_record[change.name]['refused'])}"
        for change in check.planted
        if change.name in on_record
    )


def edits(change: Planted) -> str:
    """A planted change for a reader: its first two edits, and how many more keep the proofs in step with them."""
    shown = "; ".join(code(str(Planted(change.name, (edit,)))) for edit in change.edits[:2])
    return shown + (
        f" and {len(change.edits) - 2} more edits, which keep the proofs in step" if len(change.edits) > 2 else ""
    )


def code(text: str) -> str:
    """Text as inline code, whatever it holds."""
    return f"`` {text} ``"


def plain(text: str) -> str:
    """Text in which no character is markup."""
    return re.sub(r"([|*_`$<\\\[\]])", r"\\\1", text)


INDEX = re.compile(
    r"(?<![A-Za-z0-9_\\.])(?P<base>[^\W\d_]\u0302?)\\_(?P<sub>\d+|CE\b|min\b|[α-ω]|[A-Za-z](?![A-Za-z0-9])|\{[^{}]*\})"
    r"|(?<=[\w)}‖`])\^(?P<sup>-?\d+|\\\*|\+|[α-ω]|[A-Za-z](?![A-Za-z0-9])|\{[^{}]*\})"
)
"""In text without markup, what stands behind ``_`` at a symbol, and behind ``^``."""


def indexed(text: str) -> str:
    """The same, with the indices of symbols set lower and exponents higher: v_0, v^π, 2^-128; longer names stay as they are."""

    def placed(found: re.Match) -> str:
        role, index = ("sub", found["sub"]) if found["sub"] else ("sup", found["sup"])
        return f"{found['base'] or ''}{{{role}}}`{index.strip('{}').replace(chr(92), '')}`"

    return INDEX.sub(placed, plain(text))
