r"""linear-average-reward: two heads, of which the second subtracts the running mean of the rewards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from icrl import linear_attention as la
from icrl import td
from icrl.algebra import identity, kind, place
from icrl.arrays import np
from icrl.transformer import Head, Parameters
from icrl.verify.judging import blocks as sy
from icrl.verify.judging.parts import Part, asserting, size
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Claim, Hypothesis, Mutant
from icrl.verify.routes import linear_methods as methods
from icrl.verify.routes.linear_methods import Method, Sample, Site


def running_mean(method: Method, sample: Sample, found: list[np.ndarray]) -> Iterator[Part]:
    """RC against the rewards less their running means; C is 0 in the query column. Says nothing of a layer without C."""
    C = method.parameters(*sample.before.shape, sample.alphas[0], sample.decay, found[0]).heads[-1].scan
    if C is None:
        return
    rewards, n = sample.rewards[0], sample.before.shape[1]
    less = found[0][-2] @ C
    for k in range(n):
        yield Part(f"(RC)_{k}", less[k], rewards[k] - sum(rewards[: k + 1]) / (k + 1), n * size(rewards))
    for entry in C[:, n]:
        yield Part("C in the query column", entry, 0 * entry)


def of_the_mean(method: Method, sample: Sample, found: list[np.ndarray]) -> Iterator[Part]:
    """What the box says of C."""
    yield from asserting("running-mean", running_mean(method, sample, found))


METHOD = Method(
    parameters=lambda d, n, alpha, decay, like: la.average_reward_parameters(d, n, alpha, like),
    loop=lambda sample: td.linear_average_reward(sample.transitions, sample.alphas, sample.w[:, 0].tolist()),
    average=True,
    further=of_the_mean,
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
    Mutant("the mean of the rewards from there on", less_the_mean(lambda k, n: range(k, n)), OPAQUE),
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
    Mutant("the features that come after moved along", replace(METHOD, moves=lambda X, Y: Y), methods.BY_LOOP),
)


STATEMENT = r"""
Take any $w_0$. Give the prompt of transitions, made with $\gamma = 1$ and with the rewards alone in its third band, as for
weights of 0, a fourth band, a row that holds
$\inner{x_k'}{w_0} - \inner{x_k}{w_0}$ in column $k < n$ and $-\inner{x}{w_0}$ in the query column. Add
what **two heads** find in it, $Z \mapsto Z + V_1 Z K + V_2 Z C K$, with linear attention, the query column's key
hidden in both, and

$$
\begin{gathered}
A = \begin{bmatrix} -I & I & 0 & 0 \\ 0 & 0 & 0 & 0 \\ 0 & 0 & 0 & 0 \\ 0 & 0 & 0 & 0 \end{bmatrix}, \\[6pt]
V_1 = \begin{bmatrix} 0 & 0 & 0 & 0 \\ 0 & 0 & 0 & 0 \\ 0 & 0 & 0 & 0 \\ 0 & 0 & 0 & \alpha_l \end{bmatrix}, \\[6pt]
V_2 = \begin{bmatrix} 0 & 0 & 0 & 0 \\ 0 & 0 & 0 & 0 \\ 0 & 0 & 0 & 0 \\ 0 & 0 & \alpha_l & 0 \end{bmatrix} .
\end{gathered}
$$ (eq-average-reward-parameters)

$V_1$ reads the fourth band and $V_2$ the rewards, and both write into the fourth; $A$ is that of
{prf:ref}`linear-td` with a zero band more.
""".strip()


ASSERTIONS = (
    Assertion(
        "running-mean",
        r"""
The matrix $C$ subtracts from each reward the mean of the rewards so far,

$$
(RC)_k = R_{k+1} - \bar r_k, \qquad \bar r_k = \frac{1}{k+1} \sum_{i \le k} R_{i+1} \qquad (k < n),
$$ (eq-running-mean)

and is 0 in the query column.
""",
        typed="equation",
    ),
    Assertion(
        "rows",
        lambda method: (
            rf"""
Then after $l$ layers

$$
Z_l = {sy.book_latex(methods.stated(method, methods.WEIGHTS))},
$$ (eq-average-reward-prompt)

with the iterates of average-reward TD,

$$
\begin{{aligned}}
w_{{l+1}} &= w_l + \alpha_l \sum_{{k<n}} \delta_k\, x_k = {sy.book_latex(methods.next_weights(method, methods.DELTA))}, \\
\delta_k &= R_{{k+1}} - \bar r_k + \inner{{x_k'}}{{w_l}} - \inner{{x_k}}{{w_l}} .
\end{{aligned}}
$$ (eq-linear-average-reward)

So the fourth band holds the part of $\delta_k$ that depends on $w_l$ and, in the query column, minus the prediction.
"""
        ),
    ),
)


CLAIM = Claim(
    id="linear-average-reward",
    title="With a second head it is average-reward TD",
    chapter="linear-attention",
    environment="theorem",
    statement=lambda: STATEMENT,
    assertions=ASSERTIONS,
    hypotheses=(
        Hypothesis(r"$\gamma = 1$ in the prompt.", dropped="γ = 1/2 in the prompt"),
        Hypothesis(
            r"The last row is that of $w_0$, as in {prf:ref}`linear-td`.", dropped="the query column without w₀"
        ),
        Hypothesis("The query column's key is hidden, by the mask in the first head.", dropped="no mask"),
        Hypothesis("The order of the columns is the order of time.", dropped="the mean of the rewards from there on"),
        Hypothesis(r"$\bar r_k$ includes $R_{k+1}$ itself.", dropped="a mean that leaves out the reward itself"),
    ),
    subject=METHOD,
    checks=(
        proof(
            "linear-average-reward",
            "every n and d, all transitions, queries, step sizes and first weights; any ordered field",
            stated=(
                "linear_average_reward.centring_subtracts_running_mean",
                "linear_average_reward.transitions_are_average_reward_td",
            ),
            definitions=(
                "transitions.scanned_head",
                *methods.PROMPT_IN_THE_KERNEL,
                "transitions.td_scores",
                "transitions.td_along",
                "linear_average_reward.running_mean",
                "linear_average_reward.centring",
                "linear_average_reward.reward_band",
                "linear_average_reward.average_prompt",
                "linear_average_reward.average_scores",
                "linear_average_reward.V_1",
                "linear_average_reward.V_2",
                "linear_average_reward.average_transformer",
            ),
            asserts=("running-mean", "rows"),
        ),
        *methods.checked(
            "every n and d, from any w_l, with C opaque: all four bands, the sources and the query",
            METHOD,
            (running_mean,),
            "RC against the running means",
            asserts=("rows",),
        ),
    ),
    mutants=MUTANTS,
    rests_on=("linear-td",),
    source="Wang, Blaser, Daneshmand, Zhang 2025; the algorithm: Tsitsiklis and Van Roy 1999",
    shared="the lists of features and rewards; the Transformer and the loop of icrl.td share no code. The symbolic check knows of C only that it clears the query column",
    under={"linear-td": "γ = 1, and a second head"},
)
