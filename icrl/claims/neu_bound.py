r"""neu-bound: the pretraining loss is small where the values are nearly right."""

from __future__ import annotations

from icrl.claims.kernel import Planted, proof
from icrl.claims.model import Claim


STATEMENT = r"""
Take any finite Markov reward process with value $v^\pi = r + \gamma P v^\pi$, a distribution $\mu$ on its states, and features $x$. The **norm of the expected update** at $v$ is

$$
\mathrm{NEU}(v) = \Bigl\lVert \sum_s \mu(s) \bigl(r + \gamma P v - v\bigr)(s)\, x(s) \Bigr\rVert .
$$ (eq-neu)

For every seminorm on $\mathbb R^d$, the Euclidean norm among them,

$$
\mathrm{NEU}(v) \le (1 + \lvert\gamma\rvert)\, \max_s \lVert x(s) \rVert\; \lVert v - v^\pi \rVert_\infty .
$$ (eq-neu-bound)

Neither factor can be left out. The converse is not claimed: a small loss does not by itself mean that the values are right.
""".strip()


CLAIM = Claim(
    id="neu-bound",
    title="The loss is bounded by the value error",
    chapter="what-the-kernel-sees",
    environment="lemma",
    statement=lambda: STATEMENT,
    hypotheses=(
        r"$P$ is row-stochastic, $\mu \ge 0$ sums to 1, and $v^\pi$ solves the Bellman equation; $\gamma$ is any number.",
        r"The norm on $\mathbb R^d$ may be any seminorm.",
    ),
    subject=None,
    checks=(
        proof(
            "for every finite process, d, γ and seminorm",
            stated=(
                "neu_bound.neu_bound",
                "neu_bound.neu_bound_euclid",
            ),
            further=("neu_bound.neu_bound_is_sharp", "neu_bound.neu_needs_gamma", "neu_bound.neu_needs_features",),
            definitions=(
                "neu_bound.bellman_error",
                "neu_bound.NEU",
                "neu_bound.seminorm",
                "neu_bound.distribution",
                "neu_bound.euclid",
            ),
            planted=(
                Planted("features of any size", (("neu_bound.v", "(forall s, Nrm (x s) <= B) ->\n  NEU P r gamma mu x Nrm v <= (1 + `|gamma|) * B *", "(forall s, Nrm (x s) <= B) ->\n  NEU P r gamma mu x Nrm v <= (1 + `|gamma|) *"),)),
                Planted("1 + γ → 1", (("neu_bound.v", "Nrm v <= (1 + `|gamma|) * B * norm (v - vpi).", "Nrm v <= 1 * B * norm (v - vpi)."),)),
            ),
        ),
    ),
    mutants=(),
    rests_on=("bellman",),
    source="Xie et al. 2026, in the proof of Theorem 3",
    shared="There is one route, the proof.",
)
