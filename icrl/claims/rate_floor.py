r"""rate-floor: constant errors shrink by 1 − α(1 − γ) a layer, whatever the weights."""

from __future__ import annotations

from icrl.claims.kernel import Planted, proof
from icrl.claims.model import Claim


STATEMENT = r"""
Let $E > 0$ and $n \ge 1$. Constant value functions are eigenvectors of $G$:

$$
G\, \mathbf 1 = \bigl(1 - \alpha (1 - \gamma)\bigr)\, \mathbf 1 .
$$ (eq-rate-floor)

So with reward 1 everywhere, $v_0 = 0$ and $\gamma \ne 1$, **every** context has

$$
v_L - \frac{1}{1-\gamma} = -\frac{(1 - \alpha(1-\gamma))^L}{1 - \gamma}
$$ (eq-rate-floor-attained)

at every state, whatever the features. For $0 \le \gamma < 1$ and $0 \le \alpha \le 1$ the factor is at least $\gamma$, and no bound that holds for all starts can promise a smaller one.
""".strip()


CLAIM = Claim(
    id="rate-floor",
    title="A rate that no features change",
    chapter="what-the-kernel-sees",
    environment="proposition",
    statement=lambda: STATEMENT,
    hypotheses=(
        r"$E(s, u) > 0$ for all states, $n \ge 1$; any $\alpha$, and $\gamma \ne 1$ for the second part.",
    ),
    subject=None,
    checks=(
        proof(
            "for every number of states, n, depth, every table E > 0, every α and γ",
            stated=(
                "coverage.rate_floor",
                "coverage.rate_floor_attained",
            ),
            definitions=(
            ),
            planted=(
                Planted("γ = 1 too", (("coverage.v", "(0 < n)%N -> (forall s u, 0 < E s u) -> gamma != 1 ->", "(0 < n)%N -> (forall s u, 0 < E s u) ->"),)),
                Planted("the rate 1 − α(1 + γ)", (("coverage.v", "G alpha *m one = (1 - alpha * (1 - gamma)) *: one", "G alpha *m one = (1 - alpha * (1 + gamma)) *: one"),)),
            ),
        ),
    ),
    mutants=(),
    rests_on=("operator",),
    source="Found for this book",
    shared="There is one route, the proof. The Transformer and softmax TD that it speaks of are compared with Python's on rational instances; the definitions of this claim's own objects are short, and to be read.",
)
