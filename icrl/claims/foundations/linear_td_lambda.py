r"""linear-td-lambda: a triangular mask of powers, between values and weights, makes TD(0) TD(λ)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from sympy import MatrixSymbol

from icrl import linear_attention as la
from icrl import td
from icrl.algebra import discounted_sum, identity, kind, place, transpose
from icrl.arrays import np
from icrl.transformer import Head, Parameters
from icrl.verify.judging import blocks as sy
from icrl.verify.judging.parts import Part, asserting
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Claim, Hypothesis, Mutant
from icrl.verify.routes import linear_methods as methods
from icrl.verify.routes.linear_methods import Method, Sample, Site


def traced(d: Any, n: Any, alpha: Any, decay: Any, like: Any) -> Parameters:
    """The layer of TD(λ)."""
    return la.td_parameters(d, n, alpha, like, decay)


def needs_no_mask(method: Method, sample: Sample, found: list[np.ndarray]) -> Iterator[Part]:
    """T is 0 beside the block on the sources, and the prompts are the same with every key visible. Says nothing of a layer without T."""
    T = method.parameters(*sample.before.shape, sample.alphas[0], sample.decay, found[0]).head.scan
    if T is None:
        return
    for entry in (*T[-1], *T[:, -1]):
        yield Part("T in the row and the column of the query", entry, 0 * entry)
    opened = methods.prompts(methods.unmasked(method), sample)
    yield from methods.same_rows("against no mask", sample, opened, found)


def at_zero(method: Method, sample: Sample) -> Iterator[Part]:
    """With ϑ = 0, the prompts of the layer without T."""
    still = sample._replace(decay=0 * sample.decay)
    plain = methods.prompts(replace(method, parameters=methods.td_layer), still)
    yield from methods.same_rows("with ϑ = 0 against TD(0)", still, methods.prompts(method, still), plain)


def of_the_triangle(method: Method, sample: Sample, found: list[np.ndarray]) -> Iterator[Part]:
    """What the box says of T."""
    yield from asserting("zero", at_zero(method, sample))
    yield from asserting("mask", needs_no_mask(method, sample, found))


METHOD = Method(
    parameters=traced,
    loop=lambda sample: td.linear_td_lambda(
        sample.transitions, sample.gamma, sample.decay, sample.alphas, sample.w[:, 0].tolist()
    ),
    moves=lambda X, Y: X @ methods.T.T,
    further=of_the_triangle,
)


def one_step_late(h: Head, site: Site) -> Head:
    """T less the identity: a transition's own features are missing from its trace."""
    return replace(h, scan=h.scan - place({(0, 0): identity(site.n, site.like)}, (site.n, 1), (site.n, 1), site.like))


def from_the_query(d: Any, n: Any, alpha: Any, decay: Any, like: Any) -> Parameters:
    """A scan that begins at the query column instead of at the last source; its row below T is opaque at symbolic sizes."""
    p = traced(d, n, alpha, decay, like)
    if kind(like) == "blocks":
        return p.with_head(scan=p.head.scan + place({(1, 0): MatrixSymbol("t", 1, n)}, (n, 1), (n, 1), like))
    return p.with_head(scan=discounted_sum(n + 1, decay, like)[:-1, :-1])


def with_decay(change: Callable[[Any], Any]) -> Method:
    """Another number in the place of ϑ."""
    return replace(METHOD, parameters=lambda d, n, alpha, decay, like: traced(d, n, alpha, change(decay), like))


OPAQUE = {"symbolic": "the powers in the mask are opaque at symbolic sizes"}

MUTANTS = (
    Mutant("upper for lower triangle", methods.edited(METHOD, lambda h, site: replace(h, scan=transpose(h.scan)))),
    Mutant("traces that do not fade, ϑ = 1", with_decay(lambda decay: 0 * decay + 1), OPAQUE),
    Mutant("λ in the place of γλ, at γ = 1/2", with_decay(lambda decay: 2 * decay), OPAQUE),
    Mutant("no triangle", methods.edited(METHOD, lambda h, site: replace(h, scan=None))),
    Mutant("a transition missing from its own trace", methods.edited(METHOD, one_step_late)),
    Mutant("a scan that begins at the query column", replace(METHOD, parameters=from_the_query)),
    Mutant("A's block of x with γx' with a minus", methods.scored(METHOD, (-1, -1), (0, 0))),
    Mutant("α missing", methods.stepping(METHOD, lambda alpha, n: 1)),
    Mutant("γ missing in the prompt", methods.undiscounted(METHOD)),
    Mutant("the query column without w₀", methods.untold(METHOD)),
    Mutant("traces of what comes after", replace(METHOD, moves=lambda X, Y: X @ methods.T), methods.BY_LOOP),
)


STATEMENT = r"""
Take the layer of {prf:ref}`linear-td`, and let attention read the last row through a matrix $T$, $Z \mapsto Z + VZTK$, where for some number $\vartheta$

$$
T_{ki} = \vartheta^{k-i} \quad \text{for } i \le k < n, \qquad T_{ki} = 0 \quad \text{elsewhere} .
$$ (eq-trace-mask)
""".strip()


ASSERTIONS = (
    Assertion(
        "rows",
        lambda method: (
            rf"""
Then after $l$ layers the prompt is again that of {{eq}}`eq-linear-td-prompt`, with the iterates of batch linear TD with **traces** $e_k$,

$$
\begin{{aligned}}
w_{{l+1}} &= w_l + \alpha_l \sum_{{k<n}} \delta_k\, e_k = {sy.book_latex(methods.next_weights(method, methods.DELTA))}, \\
e_k &= x_k + \vartheta e_{{k-1}} = \sum_{{i \le k}} \vartheta^{{k-i}} x_i, \qquad e_{{-1}} = 0 .
\end{{aligned}}
$$ (eq-linear-td-lambda)

Here $\delta_l$ is the row of the TD errors, and $T$ in it the block on the sources.
"""
        ),
    ),
    Assertion(
        "zero",
        r"With $\vartheta = \gamma\lambda$ this is TD(λ); with $\vartheta = 0$ it is TD(0).",
        typed="condition",
    ),
    Assertion(
        "mask",
        "The row and the column of $T$ that belong to the query column are 0, so it needs no mask besides.",
        typed="names",
    ),
)


HYPOTHESES = (
    Hypothesis(
        "The last row is that of $w_0$, as in {prf:ref}`linear-td`.",
        "the query column without w₀",
    ),
    Hypothesis("The order of the columns is the order of time.", "upper for lower triangle"),
    Hypothesis(
        "The query column's key is hidden, by $T$ if not by a mask.",
        "a scan that begins at the query column",
    ),
)


CLAIM = Claim(
    id="linear-td-lambda",
    title="With a triangle of powers it is linear TD(λ)",
    chapter="linear-attention",
    environment="theorem",
    statement=lambda: STATEMENT,
    assertions=ASSERTIONS,
    hypotheses=HYPOTHESES,
    subject=METHOD,
    checks=(
        proof(
            "linear-td-lambda",
            "every n and d, all transitions, queries, discounts, numbers ϑ, step sizes and first weights; any ordered field",
            stated=(
                "linear_td_lambda.trace_is_sum",
                "linear_td_lambda.transitions_are_linear_td_lambda",
                "linear_td_lambda.linear_td_lambda_at_zero",
                "linear_td_lambda.trace_mask_clears_query",
                "linear_td_lambda.traces_need_no_mask",
            ),
            definitions=(
                "transitions.scanned_head",
                "transitions.scanned_transformer",
                *methods.PROMPT_IN_THE_KERNEL,
                "transitions.td_scores",
                "transitions.last_row_values",
                "transitions.td_along",
                "linear_td_lambda.feature_trace",
                "linear_td_lambda.trace_mask",
            ),
            asserts=("rows", "zero", "mask"),
        ),
        *methods.checked(
            "every n and d, from any w_l, with T opaque: the traces are the columns of X times T transposed",
            METHOD,
            (needs_no_mask, at_zero),
            "without the mask too, and with ϑ = 0 against the layer of TD(0)",
            asserts=("rows",),
        ),
    ),
    mutants=MUTANTS,
    rests_on=("linear-td",),
    source="Wang, Blaser, Daneshmand, Zhang 2025",
    shared="the lists of features and rewards; the Transformer and the loop of icrl.td share no code. The symbolic check knows of T only that it clears the query column",
    under={"linear-td": "through a scan of the errors"},
)
