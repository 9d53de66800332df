r"""linear: with the identity in the place of softmax, the same layer is linear TD."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from random import Random
from typing import Any

from sympy import BlockMatrix, Identity, MatrixSymbol, Rational, block_collapse

from icrl import algebra, td
from icrl.algebra import kind, scalar
from icrl.arrays import np
from icrl.prompt import REWARD, Rows, rows
from icrl.transformer import layer as one_layer
from icrl.verify.instances.cases import Case, as_matrices, float_case, log_uniform, rational_case, smallest
from icrl.verify.instances.contexts import of_several
from icrl.verify.judging import blocks as sy
from icrl.verify.judging.parts import Part, asserting, entries, size
from icrl.verify.judging.statement import Statement
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Budget, Check, Claim, Hypothesis, Mutant, Verdict
from icrl.verify.routes import grouping
from icrl.verify.routes.edits import Machine, mask_first, target_not_cleared, unmasked, value_weights
from icrl.verify.routes.induction import alpha, stated_prompt, td_errors


def scores_alone(scores: Any, visible: Any, exp: Any = None) -> Any:
    """Linear attention's weights: nothing is exponentiated."""
    return algebra.linear(scores, visible)


def scores_over_their_sum(scores: Any, visible: Any, exp: Any = None) -> Any:
    """The scores divided by their sum over the visible keys; at symbolic sizes the scores alone."""
    weights = algebra.linear(scores, visible)
    return weights if kind(scores) == "blocks" else weights / weights.sum(axis=-2, keepdims=True)


def along_features(w: Any, features: Any) -> Any:
    """⟨x, w⟩ for every column of features, (1, columns); w is (1, d)."""
    return w @ features


@dataclass(frozen=True)
class LinearTD:
    """The statement with its pieces: the Transformer, its first values, and the update of the weights."""

    machine: Machine = Machine(softmax=scores_alone)
    start: Callable = along_features
    update: Callable = lambda w, step, delta, before, after: w + step * delta @ before.T


# Every size: one layer from the prompt of opaque weights


W = MatrixSymbol("w_l", 1, sy.d)


def value_row(w: Any) -> BlockMatrix:
    """⟨x, w⟩ at the sources and at the query."""
    return BlockMatrix([[block_collapse(w @ block) for block in (sy.X, sy.x_q)]])


def induction(claim: LinearTD) -> dict[str, tuple[BlockMatrix, BlockMatrix]]:
    """Base and step of the induction over depth, each as (what the machine does, what the theorem says)."""
    Z = stated_prompt(value_row(W))
    p = claim.machine.parameters(Z, sy.d, sy.n, sy.gamma, alpha, Identity(sy.d))
    after = claim.update(W, alpha, td_errors(value_row(W)), sy.X, sy.X @ sy.N + sy.x_q @ sy.p)
    return {
        "base": (
            claim.machine.prompt(sy.features, sy.R, claim.start(W, sy.features), sy.gamma),
            stated_prompt(value_row(W)),
        ),
        "step": (block_collapse(one_layer(Z, p)), stated_prompt(value_row(after))),
    }


HALF = [[Rational(1, 2)]]
PROBE = sy.Instance(
    X=[[1, -1], [0, 1]],
    x_n=[[2], [1]],
    R=[[1, 3]],
    w_l=[[3, -2]],
    v_l=[[1, 1]],
    **{"v_l^n": [[1]]},
    gamma=HALF,
    alpha_l=HALF,
)
"""Where expressions that differ are evaluated."""


def symbolic(claim: LinearTD, budget: Budget) -> Verdict:
    """Base, then step; the step starts from opaque weights, so it may be repeated: that is the conclusion."""
    for part, (got, right) in induction(claim).items():
        if failure := sy.compare_blocks(got, right, PROBE, f"{part} of the induction"):
            return failure
    return Verdict(
        True,
        "base: the prompt of ⟨x, w_0⟩; step: from any weights w to w + αΣδx, all four rows; conclusion: by induction, every depth",
    )


# Exact and numeric: the Transformer against the loop, and the loop against its update


def plain(case: Case) -> Case:
    """The same case with A = I, and v_0 = ⟨x, w_0⟩ for the weights of :func:`first_weights`."""
    zero = 0 * case.gamma
    identity = [[zero + (i == j) for j in range(case.d)] for i in range(case.d)]
    return replace(case, A=identity, v=[zero + td.inner(x, first_weights(case)) for x in case.features])


def first_weights(case: Case) -> list:
    """w_0 = Σ_s v(s) x(s), with what the case has as v for coefficients."""
    return [sum((v * x[i] for v, x in zip(case.v, case.features)), 0 * case.gamma) for i in range(case.d)]


def parts(claim: LinearTD, case: Case) -> Iterator[Part]:
    """Every entry of the prompt after every layer, against the prompt of ⟨x, w_l⟩ by the loop; the loop's update, as a matrix."""
    w, given = first_weights(case), as_matrices(plain(case))
    by_loop = [
        grouping.array(case, [each])
        for each in td.linear_td(case.states, case.rewards, case.features, case.gamma, case.alphas, w)
    ]
    prompts = claim.machine.run(*given._replace(value=claim.start(by_loop[0], given.features) + 0 * case.gamma))
    scale = 0.0
    for layer, (Z, each) in enumerate(zip(prompts, by_loop, strict=True)):
        v = along_features(each, given.features) + 0 * case.gamma
        scale = max(scale, (1 + layer) * size(v, case.rewards) * (1 + reach(case)))
        for band, got, right in reversed(list(zip(Rows._fields, rows(Z), stated(given, v)))):
            yield from asserting("rows", entries(f"layer {layer}, {band} rows", got, right, scale))
        if layer < case.depth:
            delta = given.rewards + case.gamma * v[:, 1:] - v[:, :-1]
            after = claim.update(each, case.alphas[layer], delta, given.features[:, :-1], given.features[:, 1:])
            moved = entries(f"w_{layer + 1}", after, by_loop[layer + 1], scale * size(after, 1.0))
            yield from asserting("update", moved)


def stated(given: Any, v: np.ndarray) -> Rows:
    """The four bands that the theorem states, for the value row v."""
    last = 0 * v[:, :1]
    return Rows(given.features, np.hstack([given.rewards, last]), np.hstack([given.gamma * v[:, 1:], last]), v)


def reach(case: Case) -> float:
    """α n max ⟨x, x'⟩: by how much one layer can enlarge an error."""
    return (
        case.n
        * float(case.alphas[0] if case.alphas else 0)
        * max(abs(float(td.inner(x, y))) for x, y in product(case.features, repeat=2))
    )


PAID = smallest((0, 0), r=(1,), v=(0,), x=((2,),))
"""w_0 = 0; right: δ = 1, w_1 = 1, v_1 = 2."""
HELD = smallest((0, 0), depth=2, v=(1,), x=((1,),))
"""w_0 = 1; right: 3/4, then 9/16."""
STEPPING = smallest((0, 1), r=(1,), v=(0, 0), x=((1,), (2,)))
"""w_0 = 0; right: w_1 = 1/2."""
SMALLEST = (PAID, HELD, STEPPING)


def rational_cases() -> list[Case]:
    """Random rational contexts over n in 1..6, d in 0..3, of 0 to 3 layers, of two states or more where n > 1."""
    rng = Random(0)
    shapes = product(range(1, 7), range(4), range(4))
    return [of_several(partial(rational_case, rng, *shape), shape[0] > 1) for shape in shapes]


def float_cases(seed: int) -> Iterator[Case]:
    """Random float contexts, with features so long that α n max |x|² lies between 0.01 and 1: most converge, none runs far."""
    rng = np.random.default_rng(seed)
    while True:
        case = float_case(rng, log_uniform(rng, 1, 64), log_uniform(rng, 1, 9) - 1, log_uniform(rng, 1, 16))
        length = max(td.inner(x, x) for x in case.features) or 1.0
        factor = float(np.sqrt(np.exp(rng.uniform(np.log(0.01), 0)) / (case.n * length * max(case.alphas))))
        yield replace(case, features=[[factor * entry for entry in x] for x in case.features])


STATED = Statement(
    parts,
    "every entry of every layer's prompt is that of ⟨x, w_l⟩, the weights by the loop of linear TD, "
    "and the loop's update is w + αδXᵀ",
    LinearTD(),
    exact=lambda claim: [*SMALLEST, *rational_cases()],
    small=lambda claim: SMALLEST,
    floats=float_cases,
    trials=200,
    scale="(1 + l)(1 + α n max ⟨x, x'⟩) of the largest value so far",
)


def with_machine(name: str, unseen: dict | None = None, **pieces: Any) -> Mutant:
    """The statement with a piece of the Transformer changed."""
    return Mutant(name, LinearTD(Machine(**{"softmax": scores_alone} | pieces)), unseen or {})


def plus_one(w: Any, features: Any) -> Any:
    """⟨x, w⟩ + 1, which is not linear in x: at symbolic sizes plus an opaque row."""
    return along_features(w, features) + (sy.value_row("v_l") if kind(features) == "blocks" else 1)


MUTANTS = (
    with_machine("softmax in the place of the identity", softmax=algebra.softmax),
    with_machine(
        "the scores divided by their sum",
        {"symbolic": "the sum of a column of scores is no product of blocks"},
        softmax=scores_over_their_sum,
    ),
    with_machine("no mask", edit=unmasked),
    with_machine(
        "mask on key 0", {"symbolic": "a block matrix does not tell one source from another"}, edit=mask_first
    ),
    with_machine("A = 2I", edit=lambda p, site: p.with_head(A=scalar(2, site.like)[0, 0] * p.head.A)),
    with_machine("α missing on the reward", edit=value_weights(dropped=REWARD)),
    with_machine("target row not cleared", edit=target_not_cleared),
    with_machine("no target-memory step", edit=lambda p, site: replace(p, memory=None)),
    Mutant("v₀ = ⟨x, w₀⟩ + 1", LinearTD(start=plus_one)),
    Mutant(
        "w moves along the next states",
        LinearTD(update=lambda w, step, delta, before, after: w + step * delta @ after.T),
    ),
)


def update_of(claim: LinearTD) -> str:
    """The update of the weights as columns, as the book prints it."""
    w, delta = MatrixSymbol("w_l", sy.d, 1), MatrixSymbol("delta_l", 1, sy.n)
    after = MatrixSymbol("X^{+}", sy.d, sy.n)
    return sy.book_latex(claim.update(w.T, alpha, delta, sy.X, after).T.doit())


STATEMENT = r"""
Put **linear attention** in the place of softmax: the weights of column $j$ are the scores
$\langle x(S_k), x(S_j) \rangle$ themselves, and 0 for the query column's key; leave everything else as it is, with
$A = I_d$. Let $v_0 = \langle x, w_0 \rangle$ for some $w_0$.
""".strip()


ASSERTIONS = (
    Assertion(
        "rows",
        r"""
Then after $l$ layers the prompt is, exactly, that of $v_l = \langle x, w_l \rangle$, where $w_0, w_1, \dots$ are the
iterates of linear TD.
""",
        typed="equation",
    ),
    Assertion(
        "update",
        lambda claim: (
            rf"""
These move by

$$
\begin{{aligned}}
w_{{l+1}} &= w_l + \alpha_l \sum_{{k<n}} \delta_k\, x(S_k) = {update_of(claim)}, \\
\delta_k &= R_{{k+1}} + \gamma v_l(S_{{k+1}}) - v_l(S_k),
\end{{aligned}}
$$ (eq-linear-attention)

$\delta_l$ being the row of the $\delta_k$, and the $x(S_k)$ with $k < n$ the columns of $X$.
"""
        ),
    ),
)


HYPOTHESES = (
    Hypothesis(
        r"$v_0$ is linear in the features: $v_0(s) = \langle x(s), w_0 \rangle$.",
        "v₀ = ⟨x, w₀⟩ + 1",
    ),
    Hypothesis("The mask multiplies the hidden key's weight by 0.", "no mask"),
    Hypothesis("$A = I_d$.", "A = 2I"),
)


CLAIM = Claim(
    id="linear",
    title="Linear attention is linear TD",
    chapter="linear-attention",
    environment="theorem",
    statement=lambda: STATEMENT,
    assertions=ASSERTIONS,
    hypotheses=HYPOTHESES,
    subject=STATED.subject,
    checks=(
        proof(
            "linear",
            "for every n, d, depth, every context, features and step sizes",
            stated=("linear_td.transformer_is_linear_td",),
            definitions=(
                "transformer.linear",
                "td.linear_value",
                "td.linear_td",
            ),
            asserts=("rows", "update"),
        ),
        Check(
            "symbolic",
            "every n and d, every depth by induction; nothing is opaque but the shift",
            symbolic,
            shows=(induction,),
            asserts=("rows", "update"),
        ),
        *STATED.checks(),
    ),
    mutants=MUTANTS,
    rests_on=("softmax-td",),
    source="Wang, Blaser, Daneshmand, Zhang 2025, for their prompt; here for this book's",
    shared=(
        "The oracle is a loop over transitions, which knows no prompt and no attention. The two routes share the "
        "instances; at symbolic sizes also the letters N and p for the shift, of which only the last column of Π is "
        "known."
    ),
    under={"softmax-td": "the same proof, identity for softmax, v₀ linear"},
)
