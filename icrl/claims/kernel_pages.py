"""What the book shows of a machine-checked proof: its statements as they stand in ``proofs/``, the book's symbols for them, what was refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from icrl.claims import kernel, rocq
from icrl.claims.kernel import Planted, Proof

SYMBOLS = {
    "S": r"$S_j$, the state of column $j$, is `S j`; states are numbered, `'I_N` is $\{0, \dots, N-1\}$",
    "r": r"$R_{j+1}$, the reward of transition $j$, is `r j`",
    "x": r"$x(s)$, a column of $d$ features, is `x s`",
    "gamma": r"$\gamma$",
    "alpha": r"$\alpha$; `alpha l` is $\alpha_l$",
    "prompt": r"$Z$, the prompt of $v$ ({prf:ref}`prompt-matrix`), is `prompt v`",
    "v0": r"$v_0$; a value function is a column, $v(s)$ is `v s 0`",
    "vs": r"$v^*$, any value function to compare with",
    "sources": r"the mask: key $k$ is visible if $k < n$",
    "softmax": r"the softmax of each column over its visible keys",
    "linear": r"linear attention's weights: the scores, masked by 0",
    "shift": r"$\Pi$",
    "U": r"$U$",
    "W": r"$W$",
    "target_memory": r"the target-memory step $UY + WY\Pi$",
    "value_matrix": r"$V$, last row $(0, \dots, 0, \alpha, \alpha, -\alpha)$",
    "score_matrix": r"$A$ on the features, 0 elsewhere",
    "layer": r"one layer ({prf:ref}`transformer-layer`)",
    "transformer": r"$L$ layers",
    "dual_head_layer": r"the layer with two heads",
    "score": r"$g(s, u) = x(u)^\top A\, x(s)$",
    "E": r"$E(s, u)$, the weight before it is normalised; for softmax, $\exp g(s, u)$",
    "K": r"$K(k \mid s)$ is `K k s`",
    "td_error": r"$\delta_k$ is `td_error v k`",
    "td_update": r"one update of weighted TD, $v_l \mapsto v_{l+1}$",
    "weighted_td": r"$v_l$, from any weights $E$",
    "softmax_td": r"$v_l$, the iterate of weighted softmax TD",
    "linear_td": r"$w_l$, the weights of linear TD",
    "linear_value": r"$v(s) = \langle x(s), w \rangle$",
    "Mhat": r"$\hat M$",
    "Phat": r"$\hat P$",
    "bhat": r"$\hat b$",
    "G": r"$G = I - \alpha \hat M + \alpha\gamma \hat P$ is `G alpha`",
    "Pe": r"$P_e$, the empirical transition matrix",
    "rhat": r"$\hat r$, the mean rewards",
    "visits": r"$n_s$, how often $s$ is a source",
    "norm": r"$\lVert \cdot \rVert_\infty$, the greatest absolute row sum; of a column, its greatest absolute entry",
    "margin": r"$c = 2m - 1 - \lvert\gamma\rvert$, where $m$ is at most every $\hat M(s, s)$",
    "residual": r"$\varepsilon$, the mean TD errors of $v^*$",
    "v_CE": r"$v_{\mathrm{CE}} = (I - \gamma P_e)^{-1} \hat r$",
    "vpi": r"$v^\pi$",
    "mu": r"$\mu$",
    "P": r"$P$",
    "NEU": r"$\mathrm{NEU}(v)$",
    "exp": r"the exponential; any function, unless it is asked to be positive",
}
"""The names of ``proofs/`` and the book's symbols for them, in the order in which a block lists them."""


def block(check: Proof) -> str:
    """A claim's theorems and definitions as they stand in ``proofs/``, and which symbol is which."""
    texts = {names[0].partition(".")[0]: rocq.excerpt(names) for names in by_file((*check.definitions, *check.stated))}
    code = "\n\n".join(f"From `proofs/{file}.v`:\n\n```coq\n{text}\n```" for file, text in texts.items())
    used = set(re.findall(r"\w+", "\n".join(texts.values())))
    rows = "\n".join(f"| `{name}` | {meaning} |" for name, meaning in SYMBOLS.items() if name in used)
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
    assumed, lines = kernel.read_record().get("theorems", {}), []
    for name in names:
        axioms = f" Rests on {len(assumed[name])} axioms of the library of real numbers." if assumed.get(name) else ""
        lines.append(f"- `{name}`: {plain(rocq.in_words(name))}{axioms}")
    return "\n".join(lines)


def by_file(names: Sequence[str]) -> list[list[str]]:
    """The names, ``file.name``, in groups of one file, in the order of the files' first names."""
    file = lambda name: name.partition(".")[0]  # noqa: E731
    order = list(dict.fromkeys(map(file, names)))
    return [list(group) for _, group in groupby(sorted(dict.fromkeys(names), key=lambda name: order.index(file(name))), file)]


def refusals(check: Proof) -> str:
    """The planted changes of the sources, each with how it was refused."""
    on_record = kernel.read_record().get("planted", {})
    return "\n".join(f"- **{plain(change.name)}** ({edits(change)}): {plain(on_record[change.name]['refused'])}" for change in check.planted if change.name in on_record)


def edits(change: Planted) -> str:
    """A planted change for a reader: its first two edits, and how many more keep the proofs in step with them."""
    shown = "; ".join(code(str(Planted(change.name, (edit,)))) for edit in change.edits[:2])
    return shown + (f" and {len(change.edits) - 2} more edits, which keep the proofs in step" if len(change.edits) > 2 else "")


def code(text: str) -> str:
    """Text as inline code, whatever it holds."""
    return f"`` {text} ``"


def plain(text: str) -> str:
    """Text in which no character is markup."""
    return re.sub(r"([|*_`$<\\\[\]])", r"\\\1", text)
