r"""coverage-needed: a state of the context that no transition leaves keeps an error for ever."""

from __future__ import annotations

from icrl.claims.kernel import Planted, proof
from icrl.claims.model import Claim


STATEMENT = r"""
A state that no transition of the context leaves, such as a last state $S_n$ seen for the first time, has $\hat M(s, s) = 0$. Then there is $u \ne 0$, one for all $\alpha$, with $G u = u$: two starts that differ by $u$ differ by $u$ after every depth, and $\lVert G \rVert_\infty \ge 1$.

Conversely, if $m \le \hat M(s, s)$ for every state with $c = 2m - 1 - \lvert\gamma\rvert > 0$, then **every** state is left by some transition. And $c \le 1 - \lvert\gamma\rvert$ if the weights are not negative.
""".strip()


CLAIM = Claim(
    id="coverage-needed",
    title="Every state must be left once",
    chapter="what-the-kernel-sees",
    environment="proposition",
    statement=lambda: STATEMENT,
    hypotheses=(
        r"For the eigenvector, nothing but a state that no transition leaves.",
        r"For the converse, $c > 0$ with $m$ at most $\hat M(s, s)$ at every state of the context, $S_n$ included: a minimum over the sources alone would not do.",
    ),
    subject=None,
    checks=(
        proof(
            "for every number of states and n, every table of weights, every α and γ",
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
                Planted("c ≥ 0 is enough to cover", (("coverage.v", "(forall s, m <= Mhat s s) -> 0 < margin m gamma -> forall s, source n S s.", "(forall s, m <= Mhat s s) -> 0 <= margin m gamma -> forall s, source n S s."),)),
            ),
        ),
    ),
    mutants=(),
    rests_on=("operator", "contraction",),
    source="Found for this book; why the condition of Theorem 2 includes the last state",
    shared="There is one route, the proof. The Transformer and softmax TD that it speaks of are compared with Python's on rational instances; the definitions of this claim's own objects are short, and to be read.",
)
