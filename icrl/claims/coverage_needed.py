r"""coverage-needed: a state of the context that no transition leaves keeps an error for ever."""

from __future__ import annotations

from icrl.claims.kernel import Planted, proof
from icrl.claims.model import Claim


STATEMENT = r"""
A state that no transition of the context leaves, such as a last state $S_n$ seen for the first time, has $\hat M(s, s) = 0$. Then there is $u \ne 0$, one for all $\alpha$, with $G u = u$ (so two starts that differ by $u$ differ by $u$ at every depth), and $\lVert G \rVert_\infty \ge 1$.

So the margin asks for coverage: if $m \le \hat M(s, s)$ for every state with $c = 2m - 1 - \lvert\gamma\rvert > 0$, then **every** state is left by some transition. And $c \le 1 - \lvert\gamma\rvert$ if $E \ge 0$.
""".strip()


CLAIM = Claim(
    id="coverage-needed",
    title="Every state must be left",
    chapter="what-the-kernel-sees",
    environment="proposition",
    statement=lambda: STATEMENT,
    hypotheses=(
        r"For the eigenvector, nothing but a state that no transition leaves.",
        r"For the second part, $c > 0$ with $m$ at most $\hat M(s, s)$ at every state of the context, $S_n$ included: a minimum over the sources alone would not do.",
    ),
    subject=None,
    checks=(
        proof(
            "for every number of states and n, every table of weights, every α and γ (E ≥ 0 where stated)",
            stated=(
                "coverage.nonsource_diagonal",
                "coverage.nonsource_keeps_an_eigenvector",
                "coverage.nonsource_norm",
                "coverage.positive_margin_covers",
                "coverage.margin_at_most",
            ),
            definitions=(
                "operator.source",
            ),
            planted=(
                Planted("any state at all", (("coverage.v", "Theorem nonsource_diagonal s : ~~ source n S s -> Mhat s s = 0.", "Theorem nonsource_diagonal s : Mhat s s = 0."),)),
                Planted("coverage without a margin", (("coverage.v", "(forall s, m <= Mhat s s) -> 0 < margin m gamma -> forall s, source n S s.", "(forall s, m <= Mhat s s) -> forall s, source n S s."),)),
            ),
        ),
    ),
    mutants=(),
    rests_on=("operator", "contraction",),
    source="Found for this book; why the condition of Theorem 2 includes the last state",
    shared="There is one route, the proof. The Transformer and softmax TD that it speaks of are compared with Python's on rational instances; the definitions of this claim's own objects are short, and to be read.",
)
