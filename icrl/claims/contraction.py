r"""contraction: when every state weighs itself heavily enough, each layer shrinks the error."""

from __future__ import annotations

from icrl.claims.kernel import Planted, proof
from icrl.claims.model import Claim


STATEMENT = r"""
Let $E(s, u) \ge 0$ for all states, $0 \le \alpha \le 1$, and let $m$ be a number with $m \le \hat M(s, s)$ for **every** state $s$ of the context, the states being numbered as in {prf:ref}`operator`. Write $c = 2m - 1 - \lvert\gamma\rvert$. Then

$$
\lVert G \rVert_\infty \le 1 - \alpha c .
$$ (eq-operator-norm)

For **any** value function $v^*$ let $\varepsilon$ be its weighted TD errors,

$$
\varepsilon(s) = \sum_{k<n} K(k \mid s)\bigl(R_{k+1} + \gamma v^*(S_{k+1}) - v^*(S_k)\bigr).
$$ (eq-residual)

Then $\lVert v_{l+1} - v^* \rVert \le (1 - \alpha c) \lVert v_l - v^* \rVert + \alpha \lVert\varepsilon\rVert$, and if $c > 0$,

$$
\lVert v_L - v^* \rVert_\infty \le (1 - \alpha c)^L \lVert v_0 - v^* \rVert_\infty + \frac{\lVert \varepsilon \rVert_\infty}{c} .
$$ (eq-contraction)

So every entry of the value row of the $L$-layer softmax Transformer is within this of $v^*$ at its state. Each hypothesis is needed: five small contexts show it. And no number above 2 can take the place of the 2.
""".strip()


CLAIM = Claim(
    id="contraction",
    title="Depth contracts the error",
    chapter="what-the-kernel-sees",
    environment="theorem",
    statement=lambda: STATEMENT,
    hypotheses=(
        r"$0 \le \alpha \le 1$, the same in all layers.",
        r"$E(s, u) \ge 0$ for all states $s$, $u$ (softmax attention: the exponential is not negative).",
        r"$m \le \hat M(s, s)$ at every state of the context, $S_n$ included; for the bound after $L$ layers $c = 2m - 1 - \lvert\gamma\rvert > 0$.",
        r"$v^*$ is any value function; γ any number (with $c > 0$ it follows that $\lvert\gamma\rvert < 1$).",
    ),
    subject=None,
    checks=(
        proof(
            "for every number of states, n, d, depth, every table E ≥ 0",
            stated=(
                "contraction.operator_norm_bound",
                "contraction.error_recursion",
                "contraction.contraction",
                "contraction.transformer_contraction",
                "counterexamples.needs_alpha_at_most_1",
                "counterexamples.needs_alpha_positive",
                "counterexamples.needs_positive_margin",
                "counterexamples.needs_every_diagonal",
                "counterexamples.needs_positive_weights",
                "counterexamples.two_is_sharp",
            ),
            further=("reals.contraction_real",),
            definitions=(
                "contraction.margin",
                "contraction.residual",
                "norm.norm",
                "counterexamples.proper",
                "counterexamples.diagonal",
            ),
            planted=(
                Planted("column sums in the norm", (("norm.v", "\\big[Num.max/0]_i \\sum_j `|M i j|", "\\big[Num.max/0]_j \\sum_i `|M i j|"),)),
                Planted("2 → 3 in the bound", (("contraction.v", "2%:R * m - 1 - `|gamma|", "3%:R * m - 1 - `|gamma|"),)),
                Planted("α ≤ 1 dropped", (("contraction.v", "Theorem operator_norm_bound :\n  0 <= alpha -> alpha <= 1 ->", "Theorem operator_norm_bound :\n  0 <= alpha ->"),)),
                Planted("α ≥ 0 dropped", (("contraction.v", "Theorem operator_norm_bound :\n  0 <= alpha -> alpha <= 1 ->", "Theorem operator_norm_bound :\n  alpha <= 1 ->"),)),
                Planted("weights of either sign", (("contraction.v", "Hypothesis E_ge0 : forall s u, 0 <= E s u.\n", ""),)),
                Planted("m at most one diagonal entry, not all", (("contraction.v", "Hypothesis m_le : forall s, m <= Mhat s s.", "Hypothesis m_le : exists s, m <= Mhat s s."),)),
                Planted("c > 0 dropped", (("contraction.v", "Theorem contraction v0 vs L :\n  0 <= alpha -> alpha <= 1 -> 0 < margin m gamma ->", "Theorem contraction v0 vs L :\n  0 <= alpha -> alpha <= 1 ->"),)),
            ),
        ),
    ),
    mutants=(),
    rests_on=("operator",),
    source="Xie et al. 2026, Theorem 2, its deterministic part",
    shared="There is one route, the proof. The Transformer and softmax TD that it speaks of are compared with Python's on rational instances; the definitions of this claim's own objects are short, and to be read.",
)
