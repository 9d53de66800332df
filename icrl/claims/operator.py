r"""operator: grouped by states, a layer is an affine map of the values, with the empirical model inside."""

from __future__ import annotations

from icrl.claims.kernel import Planted, proof
from icrl.claims.model import Claim


STATEMENT = r"""
Number the states that occur in the context $0, \dots, N-1$, and take weights $K(k \mid s)$ in proportion to $E(s, S_k)$. Gather them by the state a transition leaves, by the state it reaches, and by its reward:

$$
\begin{aligned}
\hat M(s, u) &= \sum_{k<n} K(k \mid s)\, 1[S_k = u], \\
\hat P(s, u) &= \sum_{k<n} K(k \mid s)\, 1[S_{k+1} = u], \\
\hat b(s) &= \sum_{k<n} K(k \mid s)\, R_{k+1} .
\end{aligned}
$$ (eq-operator-definitions)

With the empirical transition matrix $P_e$ and the mean rewards $\hat r$ of the context, 0 in the row of a state that no transition leaves, $\hat P = \hat M P_e$ and $\hat b = \hat M \hat r$, and one update of weighted TD is

$$
\begin{aligned}
v_{l+1} &= G v_l + \alpha \hat b = v_l + \alpha \hat M \bigl(\hat r + \gamma P_e v_l - v_l\bigr), \\
G &= I - \alpha \hat M + \alpha\gamma \hat P .
\end{aligned}
$$ (eq-operator)

If $E > 0$ and $n \ge 1$, then $\hat M$ and $\hat P$ are row-stochastic. If $v^* = G v^* + \alpha \hat b$, and $\alpha$ is the same in all layers, then $v_L - v^* = G^L (v_0 - v^*)$; and this is by how much the value row of the softmax Transformer misses $v^*$ after $L$ layers.
""".strip()


CLAIM = Claim(
    id="operator",
    title="A layer is an operator on values",
    chapter="what-the-kernel-sees",
    environment="theorem",
    statement=lambda: STATEMENT,
    hypotheses=(
        r"The weights are $K(k \mid s) = E(s, S_k) / \sum_{i<n} E(s, S_i)$ for any table $E$ of states; softmax attention has $E = \exp g$.",
        r"$E > 0$ and $n \ge 1$ for the matrices to be row-stochastic; for the identities, nothing.",
        r"One step size $\alpha$ for all layers, for the powers of $G$.",
        r"The identities hold for any numbering of states; that all of them occur in the context matters for the claims that rest on this one, where a state that does not would have $\hat M(s, s) = 0$.",
    ),
    subject=None,
    checks=(
        proof(
            "for every number of states, n, d, depth, every table of weights, every γ and α (E > 0 where row-stochastic)",
            stated=(
                "operator.Phat_is_Mhat_Pe",
                "operator.bhat_is_Mhat_rhat",
                "operator.Mhat_stochastic",
                "operator.Phat_stochastic",
                "operator.update_is_operator",
                "operator.richardson",
                "operator.error_is_power_of_G",
                "operator.transformer_error",
            ),
            definitions=(
                "operator.Mhat",
                "operator.Phat",
                "operator.bhat",
                "operator.G",
                "operator.visits",
                "operator.Pe",
                "operator.rhat",
                "operator.stochastic",
                "td.K",
                "td.td_update",
            ),
            planted=(
                Planted("P̂ gathered by the state that is left", (("operator.v", "\\sum_(k < n | S k.+1 == u) K n S E k s.", "\\sum_(k < n | S k == u) K n S E k s."),)),
                Planted("the sign of M̂ in G", (("operator.v", "1%:M - alpha *: Mhat + (alpha * gamma) *: Phat.", "1%:M + alpha *: Mhat + (alpha * gamma) *: Phat."),)),
            ),
        ),
    ),
    mutants=(),
    rests_on=("softmax-td",),
    source="Xie et al. 2026, where it is used in the proof of Theorem 2; the factorisation through the empirical model was found for this book",
    shared="There is one route, the proof. The Transformer and softmax TD that it speaks of are compared with Python's on rational instances; the definitions of this claim's own objects are short, and to be read.",
)
