r"""linear-average-reward: two heads, of which the second subtracts the running mean of the rewards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from icrl import linear_attention as la
from icrl import td
from icrl.algebra import identity, kind, place
from icrl.transformer import Head, Parameters
from icrl.verify.judging import blocks as sy
from icrl.verify.model import Claim, Mutant
from icrl.verify.routes import linear_methods as methods
from icrl.verify.routes.linear_methods import Method, Site

METHOD = Method(
    parameters=lambda d, n, alpha, decay, like: la.average_reward_parameters(d, n, alpha, like),
    loop=lambda sample: td.linear_average_reward(sample.transitions, sample.alphas, sample.w[:, 0].tolist()),
    average=True,
)


def less_the_mean(among: Callable[[int, int], range]) -> Method:
    """A second head that subtracts the mean of the rewards R_{i+1}, i among(k, n); with symbolic n, C is opaque."""

    def edit(h: Head, site: Site) -> Head:
        if kind(site.like) == "blocks":
            return h
        C = place({(0, 0): identity(site.n, site.like)}, (site.n, 1), (site.n, 1), site.like)
        for k in range(site.n):
            for i in among(k, site.n):
                C[i, k] = C[i, k] - identity(1, site.like)[0, 0] / len(among(k, site.n))
        return replace(h, scan=C)

    return methods.edited(METHOD, edit, 1)


def paired(pair: Callable[[Head, Head], tuple[Head, ...]]) -> Method:
    """Other heads, made from the two."""
    return replace(METHOD, parameters=lambda *given: Parameters(pair(*METHOD.parameters(*given).heads)))


OPAQUE = {"symbolic": "which rewards are subtracted is opaque at symbolic sizes"}

MUTANTS = (
    Mutant("the first head alone", paired(lambda values, rewards: (values,))),
    Mutant("the second head alone", paired(lambda values, rewards: (rewards,))),
    Mutant("a mean that leaves out the reward itself", less_the_mean(lambda k, n: range(k)), OPAQUE),
    Mutant("the mean of all the rewards", less_the_mean(lambda k, n: range(n)), OPAQUE),
    Mutant("rewards as they are", methods.edited(METHOD, lambda h, site: replace(h, scan=None), 1)),
    Mutant("both heads read the last row", paired(lambda values, rewards: (values, replace(rewards, V=values.V)))),
    Mutant(
        "the second head's scan in the first too",
        paired(lambda values, rewards: (replace(values, scan=rewards.scan), rewards)),
    ),
    Mutant("α missing", methods.stepping(METHOD, lambda alpha, n: 1)),
    Mutant(
        "γ = 1/2 in the prompt",
        replace(METHOD, prompt=lambda X, X_next, R, x, gamma: la.transition_prompt(X, X_next, R, x, gamma / 2)),
    ),
    Mutant("no mask", methods.unmasked(METHOD)),
    Mutant("the query column without w₀", methods.untold(METHOD)),
)


def statement() -> str:
    """The theorem, its prompt and its update printed from the objects that the symbolic check compares."""
    return rf"""
Take any $w_0$. Give the prompt of transitions, made with $\gamma = 1$ and with the rewards alone in its third band, as for
weights of 0, a fourth band, a row that holds
$\inner{{x_k'}}{{w_0}} - \inner{{x_k}}{{w_0}}$ in column $k < n$ and $-\inner{{x}}{{w_0}}$ in the query column. Add
what **two heads** find in it, $Z \mapsto Z + V_1 Z K + V_2 Z C K$, with linear attention, the query column's key
hidden in both, and

$$
\begin{{gathered}}
A = \begin{{bmatrix}} -I & I & 0 & 0 \\ 0 & 0 & 0 & 0 \\ 0 & 0 & 0 & 0 \\ 0 & 0 & 0 & 0 \end{{bmatrix}}, \\[6pt]
V_1 = \begin{{bmatrix}} 0 & 0 & 0 & 0 \\ 0 & 0 & 0 & 0 \\ 0 & 0 & 0 & 0 \\ 0 & 0 & 0 & \alpha_l \end{{bmatrix}}, \\[6pt]
V_2 = \begin{{bmatrix}} 0 & 0 & 0 & 0 \\ 0 & 0 & 0 & 0 \\ 0 & 0 & 0 & 0 \\ 0 & 0 & \alpha_l & 0 \end{{bmatrix}} .
\end{{gathered}}
$$ (eq-average-reward-parameters)

$V_1$ reads the fourth band and $V_2$ the rewards, and both write into the fourth; $A$ is that of
{{prf:ref}}`linear-td` with a zero band more. The matrix $C$ subtracts from each reward the mean of the rewards so far,

$$
(RC)_k = R_{{k+1}} - \bar r_k, \qquad \bar r_k = \frac{{1}}{{k+1}} \sum_{{i \le k}} R_{{i+1}} \qquad (k < n),
$$ (eq-running-mean)

and is 0 in the query column. Then after $l$ layers

$$
Z_l = {sy.book_latex(methods.stated(METHOD, methods.WEIGHTS))},
$$ (eq-average-reward-prompt)

with the iterates of average-reward TD,

$$
\begin{{aligned}}
w_{{l+1}} &= w_l + \alpha_l \sum_{{k<n}} \delta_k\, x_k = {sy.book_latex(methods.next_weights(METHOD, methods.DELTA))}, \\
\delta_k &= R_{{k+1}} - \bar r_k + \inner{{x_k'}}{{w_l}} - \inner{{x_k}}{{w_l}} .
\end{{aligned}}
$$ (eq-linear-average-reward)

So the fourth band holds the part of $\delta_k$ that depends on $w_l$ and, in the query column, minus the prediction.
""".strip()


CLAIM = Claim(
    id="linear-average-reward",
    title="With a second head it is average-reward TD",
    chapter="linear-attention",
    environment="theorem",
    statement=statement,
    hypotheses=(
        r"Those of {prf:ref}`linear-td`, with $\gamma = 1$ in the prompt and the mask in the first head.",
        r"The order of the columns is the order of time; $\bar r_k$ includes $R_{k+1}$ itself.",
    ),
    subject=METHOD,
    checks=methods.checked(
        "every n and d, from any w_l, with C opaque: all four bands, the sources and the query", METHOD
    ),
    mutants=MUTANTS,
    rests_on=("linear-td",),
    source="Wang, Blaser, Daneshmand, Zhang 2025; the algorithm: Tsitsiklis and Van Roy 1999",
    shared="the lists of features and rewards; the Transformer and the loop of icrl.td share no code. The symbolic check knows of C only that it clears the query column",
    under={"linear-td": "γ = 1, and a second head"},
)
