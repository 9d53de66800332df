"""What the book shows of a machine-checked proof: its statements as they stand in ``proofs/``, the book's symbols for them, what was refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from icrl.verify.kernel import checked, rocq
from icrl.verify.kernel.checked import Planted, Proof

SYMBOLS = (
    ("S", r"\bS :", r"$S_j$, the state of column $j$, is `S j`; `'I_N` is the states, numbered $0, \dots, N-1$"),
    ("r", r"\br : nat", r"$R_{j+1}$, the reward of transition $j$, is `r j`"),
    ("r", r"\br (vpi )?: 'cV", r"$r(s)$, the expected reward out of $s$, is `r s 0`"),
    ("x", r"\bx :", r"$x(s)$, a column of $d$ features, is `x s`"),
    ("A", r"\bA : 'M\[R\]_d\)", r"$A$, the score matrix on the features"),
    ("gamma", r"", r"$\gamma$"),
    ("alpha", r"alpha : nat|alpha l\b", r"$\alpha_l$, the step size of layer $l$, is `alpha l`"),
    ("alpha", r"alpha (m )?: R|G alpha|0 <= alpha|alpha != 0", r"$\alpha$, one step size"),
    ("prompt", r"", r"$Z$, the prompt of $v$ ({prf:ref}`prompt-matrix`), is `prompt v`"),
    ("v0", r"", r"$v_0$; a value function is a column, $v(s)$ is `v s 0`"),
    ("vs", r"", r"$v^*$; any value function, unless it is asked to be a fixed point"),
    ("reward_row", r"", r"the numbers of the three rows below the features: `reward_row`, `target_row`, `value_row`"),
    ("sources", r"", r"the mask: key $k$ is visible if $k < n$"),
    ("softmax", r"", r"the softmax of each column over its visible keys"),
    ("linear", r"", r"linear attention's weights: the scores, masked by 0"),
    ("shift", r"", r"$\Pi$"),
    ("U", r"", r"$U$"),
    ("W", r"", r"$W$"),
    ("target_memory", r"", r"the target-memory step $UY + WY\Pi$"),
    ("value_matrix", r"", r"$V$, last row $(0, \dots, 0, \alpha, \alpha, -\alpha)$"),
    ("score_matrix", r"", r"$A$ on the features, 0 elsewhere"),
    ("layer", r"", r"one layer ({prf:ref}`transformer-layer`)"),
    ("transformer", r"", r"$L$ layers"),
    ("dual_head_layer", r"", r"the layer with two heads"),
    ("score", r"", r"$g(s, u) = x(u)^\top A\, x(s)$"),
    ("exp", r"", r"the exponential; any function, unless it is asked not to be negative, or to be positive"),
    ("E", r"\bE :", r"$E(s, u)$, the weight before it is normalised, is `E s u`; for softmax, $\exp g(s, u)$"),
    ("K", r"", r"$K(k \mid s)$ is `K k s`; the names that are fixed, as in `K n S E k s`, come first"),
    ("td_error", r"", r"$\delta_k$ of $v$ is `td_error v k`"),
    ("td_update", r"", r"one update of weighted TD, $v_l \mapsto v_{l+1}$"),
    ("weighted_td", r"", r"$v_l$, from any weights $E$"),
    ("softmax_td", r"", r"$v_l$, the iterate of weighted softmax TD"),
    ("linear_td", r"", r"$w_l$, the weights of linear TD"),
    ("linear_value", r"", r"$v(s) = \langle x(s), w \rangle$"),
    ("kappa", r"", r"$\kappa_j$ is `kappa (S j)`"),
    ("Mhat", r"", r"$\hat M$"),
    ("Phat", r"", r"$\hat P$"),
    ("bhat", r"", r"$\hat b$"),
    ("G", r"\bG \(alpha|G alpha|Notation G", r"$G = I - \alpha \hat M + \alpha\gamma \hat P$ is `G alpha`"),
    ("Pe", r"", r"$P_e$, the empirical transition matrix"),
    ("rhat", r"", r"$\hat r$, the mean rewards"),
    ("visits", r"", r"$n_s$, how many transitions leave $s$"),
    ("source", r"", r"$s$ is a source: some transition leaves it"),
    ("stochastic", r"", r"no entry is negative, and each row sums to 1"),
    (
        "norm",
        r"",
        r"$\lVert \cdot \rVert_\infty$, the greatest absolute row sum; of a column, its greatest absolute entry",
    ),
    ("m", r"\bm : R|\bm\)", r"$m$, at most every $\hat M(s, s)$"),
    ("margin", r"", r"$c = 2m - 1 - \lvert\gamma\rvert$ is `margin m gamma`"),
    ("residual", r"", r"$\varepsilon$, the weighted TD errors of $v^*$"),
    ("proper", r"", r"$n \ge 1$, $E > 0$ and $0 \le \gamma < 1$"),
    ("diagonal", r"", r"every $\hat M(s, s)$ is $m$"),
    ("one", r"Notation one", r"$\mathbf 1$, the value function that is 1 everywhere"),
    ("empirical_bellman", r"", r"$v = \hat r + \gamma P_e v$"),
    ("v_CE", r"", r"$v_{\mathrm{CE}} = (I - \gamma P_e)^{-1} \hat r$"),
    ("vpi", r"", r"$v^\pi$"),
    ("mu", r"", r"$\mu$; `distribution`: it is not negative, and sums to 1"),
    ("P", r"\bP :", r"$P$"),
    ("Nrm", r"", r"$\lVert \cdot \rVert$ on $\mathbb R^d$, any seminorm"),
    ("B", r"\bB : R|B \*", r"a number that is at least every $\lVert x(s) \rVert$"),
    ("NEU", r"", r"$\mathrm{NEU}(v)$"),
)
"""The names of ``proofs/`` and the book's symbols for them: a name is listed by a block that uses it and, where it has several meanings, holds the pattern."""


def block(check: Proof) -> str:
    """A claim's theorems and definitions as they stand in ``proofs/``, and which symbol is which."""
    texts = {names[0].partition(".")[0]: rocq.excerpt(names) for names in by_file((*check.definitions, *check.stated))}
    code = "\n\n".join(f"From `proofs/{file}.v`:\n\n```coq\n{text}\n```" for file, text in texts.items())
    words = rocq.without_comments("\n".join(texts.values()))
    rows = "\n".join(
        f"| `{name}` | {meaning} |"
        for name, pattern, meaning in SYMBOLS
        if re.search(rf"(?<!\w){name}(?!\w)", words) and re.search(pattern, words)
    )
    further = f"\n\nAlso proved:\n\n{in_words(check.further)}" if check.further else ""
    return f"""{code}

| in the proof | in the book |
|---|---|
{rows}{further}"""


def folded(check: Proof, detail: str, id: str) -> str:
    """The block that a chapter includes below its theorem."""
    return f"""<!-- Written by `make ledger`; change proofs/ or icrl/claims/ instead. -->
````{{dropdown}} The same, for the kernel
Machine-checked {check.scope}. How to read it: {{ref}}`what-the-kernel-sees`; what was planted and refused: {{ref}}`status <status-{id}>`.

{block(check)}

{detail}.
````
"""


def in_words(names: Iterable[str]) -> str:
    """Theorems as a list: the name of each, what it says in the words of its source, and the axioms it rests on, if any."""
    assumed, lines = checked.read_record().get("theorems", {}), []
    for name in names:
        axioms = f" Rests on {len(assumed[name])} axioms of the library of real numbers." if assumed.get(name) else ""
        lines.append(f"- `{name}`: {plain(rocq.in_words(name))}{axioms}")
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
        f"- **{plain(change.name)}** ({edits(change)}): {plain(on_record[change.name]['refused'])}"
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
