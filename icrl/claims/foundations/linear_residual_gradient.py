r"""linear-residual-gradient: with four blocks in the score matrix, linear attention descends the squared Bellman residual."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from icrl import linear_attention as la
from icrl import td
from icrl.arrays import np
from icrl.transformer import Parameters
from icrl.verify.judging import blocks as sy
from icrl.verify.judging.parts import Part, size
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Claim, Hypothesis, Mutant
from icrl.verify.routes import linear_methods as methods
from icrl.verify.routes.linear_methods import Method, Sample


def residual_layer(d: Any, n: Any, alpha: Any, decay: Any, like: Any) -> Parameters:
    """The layer of the residual gradient."""
    return la.residual_gradient_parameters(d, n, alpha, like)


@dataclass(frozen=True)
class Descent(Method):
    """The method, and what it descends, a function of Σ_k δ_k²."""

    loss: Callable[[Any], Any] = lambda squares: squares / 2


def squares(sample: Sample, w: np.ndarray) -> Any:
    """Σ_k δ_k² under w, (d, 1)."""
    delta = sample.rewards + w.T @ (sample.gamma * sample.after - sample.before)
    return (delta @ delta.T)[0, 0]


def downhill(method: Descent, sample: Sample, found: list[np.ndarray]) -> Iterator[Part]:
    """The first layer moves the query's entry by α times the loss's derivative along x(s); of a quadratic, half a difference is that exactly."""
    ends = [method.loss(squares(sample, sample.w + side * sample.query)) for side in (1, -1)]
    moved, scale = found[1][-1, -1] - found[0][-1, -1], size(ends) * sample.rewards.size * methods.steepness(sample)
    yield Part(
        "layer 1, what the query's entry has moved by, against the loss",
        moved,
        sample.alphas[0] * (ends[0] - ends[1]) / 2,
        scale,
        asserted="gradient",
    )


METHOD = Descent(
    parameters=residual_layer,
    loop=lambda sample: td.linear_residual_gradient(
        sample.transitions, sample.gamma, sample.alphas, sample.w[:, 0].tolist()
    ),
    moves=lambda X, Y: X - Y,
    further=downhill,
)

MUTANTS = (
    Mutant("the first row of A alone", methods.scored(METHOD, (-1, 1), (0, 0))),
    Mutant("A's block of γx' with x missing", methods.scored(METHOD, (-1, 1), (0, -1))),
    Mutant("A's block of γx' with itself missing", methods.scored(METHOD, (-1, 1), (1, 0))),
    Mutant("the second row of A with its signs turned", methods.scored(METHOD, (-1, 1), (-1, 1))),
    Mutant("V with a minus", methods.stepping(METHOD, lambda alpha, n: -alpha)),
    Mutant("α missing", methods.stepping(METHOD, lambda alpha, n: 1)),
    Mutant("γ missing in the prompt", methods.undiscounted(METHOD)),
    Mutant("no mask", methods.unmasked(METHOD)),
    Mutant("the query column without w₀", methods.untold(METHOD)),
    Mutant(
        "descent on Σ δ²",
        replace(METHOD, loss=lambda squares: squares),
        {"symbolic": "the identity is of the update, which knows no loss"},
    ),
    Mutant("along x + γx'", replace(METHOD, moves=lambda X, Y: X + Y), methods.BY_LOOP),
)


STATEMENT = r"""
Take the layer of {prf:ref}`linear-td`, with two more blocks in its score matrix,

$$
A = \begin{bmatrix} -I & I & 0 \\ I & -I & 0 \\ 0 & 0 & 0 \end{bmatrix} .
$$ (eq-residual-gradient-parameters)
""".strip()


SQUARES = r"{\sum_k \delta_k^2}"

ASSERTIONS = (
    Assertion(
        "rows",
        lambda method: (
            rf"""
Then after $l$ layers the prompt is again that of {{eq}}`eq-linear-td-prompt`, with the iterates of the **residual gradient**,

$$
w_{{l+1}} = w_l + \alpha_l \sum_{{k<n}} \delta_k\, (x_k - \gamma x_k') = {sy.book_latex(methods.next_weights(method, methods.DELTA))},
$$ (eq-linear-residual-gradient)

$\delta_l$ being the row of the TD errors.
"""
        ),
    ),
    Assertion(
        "gradient",
        lambda method: rf"This is gradient descent on ${sy.letters(method.loss, SQUARES)}$, with steps $\alpha_l$.",
    ),
)


HYPOTHESES = (
    Hypothesis("The last row is that of $w_0$, as in {prf:ref}`linear-td`.", "the query column without w₀"),
    Hypothesis("The mask multiplies the query column's key by 0.", "no mask"),
    Hypothesis("The prompt holds $\\gamma x_k'$, with the $\\gamma$ of the recursion.", "γ missing in the prompt"),
)


CLAIM = Claim(
    id="linear-residual-gradient",
    title="With two more blocks it is the residual gradient",
    chapter="linear-attention",
    environment="theorem",
    statement=lambda: STATEMENT,
    assertions=ASSERTIONS,
    hypotheses=HYPOTHESES,
    subject=METHOD,
    checks=(
        proof(
            "linear-residual-gradient",
            "every n and d, all transitions, queries, discounts, step sizes and first weights; any ordered field",
            stated=(
                "transitions.transitions_are_residual_gradient",
                "transitions.squares_gradient_is_derivative",
                "transitions.residual_gradient_descends",
            ),
            definitions=(
                "transitions.scanned_head",
                "transitions.scanned_transformer",
                *methods.PROMPT_IN_THE_KERNEL,
                "transitions.residual_scores",
                "transitions.last_row_values",
                "transitions.td_along",
                "transitions.half_squares",
                "transitions.squares_gradient",
            ),
            asserts=("rows", "gradient"),
        ),
        *methods.checked(
            "every n and d, from any w_l: all three bands, the sources and the query",
            METHOD,
            (downhill, squares),
            "the gradient against differences of the loss",
            asserts=("rows",),
        ),
    ),
    mutants=MUTANTS,
    rests_on=("linear-td",),
    source="Wang, Blaser, Daneshmand, Zhang 2025; the algorithm: Baird 1995",
    shared="the lists of features and rewards; the Transformer and the loop of icrl.td share no code, and the symbols are the definition as matrices",
    under={"linear-td": "two more blocks in A"},
)
