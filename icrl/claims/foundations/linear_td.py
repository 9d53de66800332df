r"""linear-td: in linear attention, a prompt of transitions goes through one update of linear TD a layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from icrl import td
from icrl.algebra import kind, linear, softmax
from icrl.arrays import np
from icrl.prompt import prompt, rows
from icrl.transformer import Head, softmax_td_parameters, transformer
from icrl.verify.instances.cases import stand_in
from icrl.verify.judging import blocks as sy
from icrl.verify.judging.parts import Part, size
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Claim, Hypothesis, Mutant
from icrl.verify.routes import linear_methods as methods
from icrl.verify.routes.linear_methods import Method, Sample, Site


def values(sample: Sample) -> list[np.ndarray]:
    """The value row after 0, 1, … layers of linear attention in this book's prompt, on a sample that is a context."""
    features, (d, n) = np.hstack([sample.before, sample.query]), sample.before.shape
    Z = prompt(features, sample.rewards, sample.w.T @ features, sample.gamma)
    layers = [softmax_td_parameters(d, n, sample.gamma, alpha, Z, normalise=linear) for alpha in sample.alphas]
    return [rows(Z).value[0] for Z in transformer(Z, layers)]


def the_other_prompt(method: Method, sample: Sample, found: list[np.ndarray]) -> Iterator[Part]:
    """Where the sample is a context: the prediction against the value of the last state in this book's prompt."""
    scale = 0.0
    for layer, (Z, value) in enumerate(zip(found, values(sample)) if method.context(sample) else ()):
        scale = max(scale, size(value, sample.rewards))
        allowed = (1 + layer) * value.size * methods.steepness(sample) * scale
        where = f"layer {layer}, value of S_n in the prompt of values"
        yield Part(where, value[-1], -Z[-1, -1], allowed, asserted="context")


METHOD = Method(
    parameters=methods.td_layer,
    loop=lambda sample: td.linear_td_lambda(
        sample.transitions, sample.gamma, 0 * sample.gamma, sample.alphas, sample.w[:, 0].tolist()
    ),
    further=the_other_prompt,
)


def softmaxed(h: Head, site: Site) -> Head:
    """Softmax in the place of linear attention, 1 + t² for exp on rationals."""
    return replace(h, normalise=partial(softmax, exp=stand_in) if kind(site.like) == "entries" else softmax)


MUTANTS = (
    Mutant("A's block of x with itself with a plus", methods.scored(METHOD, (1, 1), (0, 0))),
    Mutant("A's block of x with γx' with a minus", methods.scored(METHOD, (-1, -1), (0, 0))),
    Mutant("A transposed", methods.scored(METHOD, (-1, 0), (1, 0))),
    Mutant("V with a minus", methods.stepping(METHOD, lambda alpha, n: -alpha)),
    Mutant("α missing", methods.stepping(METHOD, lambda alpha, n: 1)),
    Mutant("α/n in V, and α in the statement", methods.stepping(METHOD, lambda alpha, n: alpha / n)),
    Mutant("γ missing in the prompt", methods.undiscounted(METHOD)),
    Mutant("no mask", methods.unmasked(METHOD)),
    Mutant("the query column without w₀", methods.untold(METHOD)),
    Mutant("softmax in the place of linear attention", methods.edited(METHOD, softmaxed)),
    Mutant(
        "transitions that do not follow one another let in",
        replace(METHOD, context=lambda sample: True),
        {"symbolic": "the identity speaks of one prompt"},
    ),
    Mutant("w moves along the next features", replace(METHOD, moves=lambda X, Y: Y), methods.BY_LOOP),
)


STATEMENT = r"""
Take any $n \ge 1$ transitions, a query $x$, and any $w_0$, and let $Z_0$ be the prompt of transitions for
$w_0$ ({prf:ref}`transition-prompt`). Let layer $l$ be $Z \mapsto Z + VZK$ with linear attention, $K = Z^\top A Z$
but 0 for the query column's key, and

$$
A = \begin{bmatrix} -I & I & 0 \\ 0 & 0 & 0 \\ 0 & 0 & 0 \end{bmatrix}, \qquad
V = \begin{bmatrix} 0 & 0 & 0 \\ 0 & 0 & 0 \\ 0 & 0 & \alpha_l \end{bmatrix} .
$$ (eq-linear-td-parameters)
""".strip()


ASSERTIONS = (
    Assertion(
        "rows",
        lambda method: (
            rf"""
Then after $l$ layers, with $X$, $X^{{+}}$ and $R$ holding the $x_k$, $x_k'$ and $R_{{k+1}}$ of the transitions,

$$
Z_l = {sy.book_latex(methods.stated(method, methods.WEIGHTS))},
$$ (eq-linear-td-prompt)

where $w_0, w_1, \dots$ are the iterates of linear TD on these transitions,

$$
\begin{{aligned}}
w_{{l+1}} &= w_l + \alpha_l \sum_{{k<n}} \delta_k\, x_k = {sy.book_latex(methods.next_weights(method, methods.DELTA))}, \\
\delta_k &= R_{{k+1}} + \gamma \inner{{x_k'}}{{w_l}} - \inner{{x_k}}{{w_l}},
\end{{aligned}}
$$ (eq-linear-td-transitions)

$\delta_l$ being the row of the $\delta_k$. So the last row holds the TD errors $\delta_k$ and, in the query column,
minus the prediction $\inner{{x}}{{w_l}}$.
"""
        ),
    ),
    Assertion(
        "context",
        """
If the transitions are those of a context and $x = x(S_n)$, this prediction is the value of $S_n$ after $l$ layers of
{prf:ref}`linear`.
""",
        typed="condition",
    ),
)


HYPOTHESES = (
    Hypothesis(
        r"$n \ge 1$ transitions $(x_k, R_{k+1}, x_k')$ of any features in $\R^d$.",
        reason="nothing is asked of them: in half of the samples they do not follow one another",
    ),
    Hypothesis(
        r"The last row is that of $w_0$: the TD errors under $w_0$ at the transitions, $-\inner{x}{w_0}$ at the query; for $w_0 = 0$ these are the rewards and 0.",
        "the query column without w₀",
    ),
    Hypothesis("The mask multiplies the query column's key by 0.", "no mask"),
    Hypothesis("The prompt holds $\\gamma x_k'$, with the $\\gamma$ of the recursion.", "γ missing in the prompt"),
    Hypothesis(
        "For the prompt of values: the transitions follow one another, and the query is where they end.",
        "transitions that do not follow one another let in",
        holds=methods.is_chained,
    ),
)


CLAIM = Claim(
    id="linear-td",
    title="Linear attention on transitions is linear TD",
    chapter="linear-attention",
    environment="theorem",
    statement=lambda: STATEMENT,
    assertions=ASSERTIONS,
    hypotheses=HYPOTHESES,
    subject=METHOD,
    checks=(
        proof(
            "linear-td",
            "every n and d, all transitions, queries, discounts, step sizes and first weights; any ordered field",
            stated=("transitions.transitions_are_linear_td", "transitions.prediction_is_value"),
            definitions=(
                "transitions.scanned_head",
                "transitions.scanned_transformer",
                *methods.PROMPT_IN_THE_KERNEL,
                "transitions.td_scores",
                "transitions.last_row_values",
                "transitions.td_along",
                "td.linear_value",
            ),
            asserts=("rows", "context"),
        ),
        *methods.checked(
            "every n and d, from any w_l: all three bands, the sources and the query",
            METHOD,
            (the_other_prompt,),
            "on contexts also against this book's prompt",
            asserts=("rows",),
        ),
    ),
    mutants=MUTANTS,
    rests_on=("linear",),
    source="Wang, Blaser, Daneshmand, Zhang 2025, whose step $1/n$ is $\\alpha_l = 1/n$ here",
    shared="the lists of features and rewards; the Transformer and the loop of icrl.td share no code, and the symbols are the definition as matrices",
    under={"linear": "in a prompt of transitions"},
)
