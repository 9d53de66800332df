r"""certainty-equivalence: whatever the weights, the values that depth leaves alone are the batch TD values of the context."""

from __future__ import annotations

from icrl.claims.kernel import Planted, proof
from icrl.claims.model import Claim


STATEMENT = r"""
Any solution of the empirical Bellman equation $v = \hat r + \gamma P_e v$ is a fixed point of the layer. If $\hat M$ is invertible and $\alpha \ne 0$, there are no others:

$$
v_{l+1} = v_l \iff v_l = \hat r + \gamma P_e v_l .
$$ (eq-empirical-bellman)

Let $\lvert\gamma\rvert < 1$ and $\alpha \ne 0$. Then the equation has exactly one solution, $v_{\mathrm{CE}} = (I - \gamma P_e)^{-1} \hat r$ (0 at a state that no transition leaves), and it is the only fixed point **if and only if** $\hat M$ is invertible. It does not depend on the weights: what is fixed under some weights with invertible $\hat M$ is fixed under all others. Where depth contracts, under the hypotheses of {prf:ref}`contraction` with $c > 0$, it leads there:

$$
\lVert v_L - v_{\mathrm{CE}} \rVert_\infty \le (1 - \alpha c)^L\, \lVert v_0 - v_{\mathrm{CE}} \rVert_\infty .
$$ (eq-depth-reaches)
""".strip()


CLAIM = Claim(
    id="certainty-equivalence",
    title="Depth leads to the certainty-equivalence value",
    chapter="what-the-kernel-sees",
    environment="theorem",
    statement=lambda: STATEMENT,
    hypotheses=(
        r"$\alpha \ne 0$ and $\hat M$ invertible, for the fixed points to solve the empirical Bellman equation; for the converse, nothing.",
        r"$\lvert\gamma\rvert < 1$, for the solution to be one. That every state is a source need not be asked: with a state that is never left, $\hat M$ is singular.",
        r"For the bound: $E \ge 0$, $0 \le \alpha \le 1$, $m \le \hat M(s, s)$ everywhere and $c > 0$ (invertibility and $\lvert\gamma\rvert < 1$ then follow).",
    ),
    subject=None,
    checks=(
        proof(
            "for every number of states, n, d, depth, every table of weights (E ≥ 0 where depth contracts)",
            stated=(
                "certainty_equivalence.bellman_is_fixed",
                "certainty_equivalence.fixed_is_bellman",
                "certainty_equivalence.certainty_equivalent_value",
                "certainty_equivalence.fixed_point_iff_invertible",
                "certainty_equivalence.limit_does_not_see_the_weights",
                "certainty_equivalence.depth_reaches_v_CE",
                "certainty_equivalence.transformer_reaches_v_CE",
            ),
            further=("certainty_equivalence.v_CE_nonsource", "certainty_equivalence.positive_margin_gamma", "coverage.positive_margin_invertible", "coverage.nonsource_singular", "certainty_equivalence.needs_invertible_Mhat", "certainty_equivalence.needs_nonzero_alpha",),
            definitions=(
                "certainty_equivalence.empirical_bellman",
                "certainty_equivalence.v_CE",
            ),
            planted=(
                Planted("mean rewards over all transitions", (("operator.v", "(\\sum_(k < n | S k == s) r k) / (visits s)%:R", "(\\sum_(k < n | S k == s) r k) / n%:R"),)),
                Planted("M̂ need not be invertible", (("certainty_equivalence.v", "Theorem fixed_is_bellman v :\n  alpha != 0 -> Mhat \\in unitmx ->", "Theorem fixed_is_bellman v :\n  alpha != 0 ->"),)),
                Planted("any α", (("certainty_equivalence.v", "Theorem fixed_is_bellman v :\n  alpha != 0 -> Mhat \\in unitmx ->", "Theorem fixed_is_bellman v :\n  Mhat \\in unitmx ->"),)),
            ),
        ),
    ),
    mutants=(),
    rests_on=("operator", "contraction", "coverage-needed", "batch-td",),
    source="Found for this book",
    shared="There is one route, the proof. The Transformer and softmax TD that it speaks of are compared with Python's on rational instances; the definitions of this claim's own objects are short, and to be read.",
)
