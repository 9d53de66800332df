r"""linear: with the identity in the place of softmax, the same layer is linear TD."""

from __future__ import annotations

from icrl.claims.kernel import Planted, proof
from icrl.claims.model import Claim


STATEMENT = r"""
Put **linear attention** in the place of softmax: the weights of column $j$ are the scores $\langle x(S_k), x(S_j) \rangle$ themselves, and 0 for the query column's key; leave everything else as it is, with $A = I_d$. If $v_0 = \langle x, w_0 \rangle$ for some $w_0$, then after $l$ layers the prompt is that of $v_l = \langle x, w_l \rangle$, where

$$
\begin{aligned}
w_{l+1} &= w_l + \alpha_l \sum_{k<n} \delta_k\, x(S_k), \\
\delta_k &= R_{k+1} + \gamma v_l(S_{k+1}) - v_l(S_k),
\end{aligned}
$$ (eq-linear-attention)

is linear TD, exactly.
""".strip()


CLAIM = Claim(
    id="linear",
    title="Linear attention is linear TD",
    chapter="what-the-kernel-sees",
    environment="theorem",
    statement=lambda: STATEMENT,
    hypotheses=(
        r"$v_0$ is linear in the features: $v_0(s) = \langle x(s), w_0 \rangle$.",
        r"The mask multiplies the hidden key's weight by 0; $A = I_d$; any step sizes.",
    ),
    subject=None,
    checks=(
        proof(
            "for every n, d, depth, every context, features and step sizes",
            stated=(
                "linear_td.transformer_is_linear_td",
            ),
            definitions=(
                "transformer.linear",
                "td.linear_value",
                "td.linear_td",
            ),
            planted=(
                Planted("a smuggled axiom", (("linear_td.v", "From mathcomp Require Import all_ssreflect all_algebra.\n", "From Coq Require Classical_Prop.\nFrom mathcomp Require Import all_ssreflect all_algebra.\n"), ("linear_td.v", "Proof.\nelim: L =>", "Proof.\nhave _ := Classical_Prop.classic True.\nelim: L =>"),)),
                Planted("linear TD without its step size", (("td.v", "w + alpha l' *: \\sum_(k < n)", "w + \\sum_(k < n)"),)),
            ),
        ),
    ),
    mutants=(),
    rests_on=("softmax-td",),
    source="Wang, Blaser, Daneshmand, Zhang 2025, for their prompt; here for this book's",
    shared="There is one route, the proof. The Transformer and softmax TD that it speaks of are compared with Python's on rational instances; the definitions of this claim's own objects are short, and to be read.",
)
