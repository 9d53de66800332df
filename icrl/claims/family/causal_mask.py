r"""causal-mask: what a decoder's mask makes of softmax TD: a value for every prefix, and layers that diverge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from sympy import BlockMatrix, Identity, MatMul, MatrixSymbol, Rational, ZeroMatrix, block_collapse, simplify, symbols
from sympy.matrices.expressions.matexpr import MatrixExpr

from icrl import td
from icrl.algebra import Matrix
from icrl.arrays import np
from icrl.prompt import rows
from icrl.transformer import layer as one_layer
from icrl.verify.instances import contexts
from icrl.verify.instances.cases import Case, as_it_is, as_matrices, float_case, log_uniform, smallest, tied
from icrl.verify.instances.contexts import lake
from icrl.verify.judging import blocks as sy
from icrl.verify.judging.differences import told_apart
from icrl.verify.judging.parts import AT_LEAST, UNLIKE, Part, asserting, entries, greatest, size
from icrl.verify.judging.statement import Statement
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Budget, Check, Claim, Counterexample, Hypothesis, Mutant, Verdict
from icrl.verify.routes.edits import Machine
from icrl.verify.routes.grouping import array
from icrl.verify.routes.induction import alpha, stated_prompt

ONE, HALF = Fraction(1), Fraction(1, 2)
STAY = smallest((0, 0), 3, r=(1,), v=(0,))
WALK = smallest((0, 1, 0), 2, r=(1, 0), v=(3, -2), x=((1,), (2,)))
LATER = smallest((0, 1, 2), 3, r=(1, 1), v=(1, 0, 0), x=((0,), (0,), (0,)))
QUIET = smallest((0, 1), 2, r=(1,), v=(1, 0), x=((0,), (0,)))
UNDISCOUNTED = replace(STAY, gamma=0 * HALF)
NEGATIVE_GAMMA, STEP_BACK = replace(STAY, gamma=-HALF), replace(STAY, alphas=[-HALF] * 3)
BLIND = replace(
    LATER,
    features=[[ONE * (s == u) for u in range(3)] for s in range(3)],
    A=[[ONE, ONE, ONE], [ONE, ONE, 0 * ONE], [ONE, ONE, ONE]],
    exp=as_it_is,
)
SIGNED = replace(BLIND, A=[[ONE, ONE, -ONE], [ONE, ONE, 2 * ONE], [ONE, ONE, ONE]])
LONGER, UNPAID = replace(STAY, alphas=[HALF, ONE, ONE]), replace(STAY, rewards=[0 * ONE], v=[ONE])
SMALLEST = (STAY, WALK, LATER, QUIET, UNDISCOUNTED, NEGATIVE_GAMMA, STEP_BACK, BLIND, SIGNED, LONGER, UNPAID)


# The masks: key k may be attended to by query j


def earlier(n: int) -> np.ndarray:
    """k < j, as a Boolean array (n+1, n+1), keys down and queries across."""
    return np.arange(n + 1)[:, None] < np.arange(n + 1)


def up_to_itself(n: int) -> np.ndarray:
    """k ≤ j, but never the query column's key."""
    return (np.arange(n + 1)[:, None] <= np.arange(n + 1)) & (np.arange(n + 1)[:, None] < n)


def all_sources(n: int) -> np.ndarray:
    """k < n: the construction's own mask."""
    return np.arange(n + 1)[:, None] + 0 * np.arange(n + 1) < n


def not_the_one_before(n: int) -> np.ndarray:
    """k < j − 1."""
    return np.arange(n + 1)[:, None] < np.arange(n + 1) - 1


def masked(visible: Callable[[int], np.ndarray]) -> Machine:
    """The construction with another mask."""
    return Machine(edit=lambda p, site: p.with_head(visible=visible(site.n)))


def own_weight(one: Any, step: Any, gamma: Any, kappa: Any) -> Any:
    """G(j, j) = 1 + αγκ, with κ the weight that column j gives to the transition into it."""
    return one + step * gamma * kappa


def growth(step: Any, gamma: Any, kappa: Any, depth: Any) -> Any:
    """Σ_{l<L} ακ(1 + αγκ)^l = ((1 + αγκ)^L − 1)/γ, or ακL where γ = 0."""
    return step * kappa * depth if gamma == 0 else ((1 + step * gamma * kappa) ** depth - 1) / gamma


def surely_not_zero(x: Any) -> bool:
    """Whether a number is not 0; of a ball, whether it excludes 0."""
    return not x.contains(0) if hasattr(x, "contains") else x != 0


def first_errors(case: Case) -> list:
    """δ_0, …, δ_{n−1} under v_0."""
    return td.td_errors(case.states, case.rewards, case.v, case.gamma)


def no_error(case: Case) -> bool:
    """Whether all TD errors of v_0 are 0."""
    return not any(map(surely_not_zero, first_errors(case)))


def even_steps(case: Case) -> bool:
    """Whether all layers have the same α."""
    return not any(surely_not_zero(alpha - case.alphas[0]) for alpha in case.alphas)


def weighs(case: Case) -> bool:
    """E > 0, as of the exponential."""
    return case.exp is None or all(case.exp(g) > 0 for row in case.scores for g in row)


def unsigned(case: Case) -> bool:
    """E ≥ 0."""
    return case.exp is None or all(case.exp(g) >= 0 for row in case.scores for g in row)


def one_sign(case: Case) -> bool:
    """αγ ≥ 0."""
    return case.alphas[0] * case.gamma >= 0


def forward(case: Case) -> bool:
    """α > 0."""
    return case.alphas[0] > 0


def no_negative_discount(case: Case) -> bool:
    """γ ≥ 0."""
    return case.gamma >= 0


@dataclass(frozen=True)
class Decoder:
    """The statement with its pieces.

    The mask, what a prefix is given to, how far the encoder is after two layers, the diagonal of G, its radius, whether
    nothing moves, the growth; and which steps, weights, signs and discounts it asks for.
    """

    machine: Machine = masked(earlier)
    alone: Machine = masked(earlier)
    apart: Callable[[Any, Any], Any] = lambda step, delta: step**2 * delta
    diagonal: Callable = own_weight
    radius: Callable[[Any, Any], Any] = lambda step, gamma: 1 + step * gamma
    still: Callable[[Case], bool] = no_error
    growth: Callable = growth
    even: Callable[[Case], bool] = even_steps
    weighs: Callable[[Case], bool] = weighs
    unsigned: Callable[[Case], bool] = unsigned
    one_sign: Callable[[Case], bool] = one_sign
    forward: Callable[[Case], bool] = forward
    discount: Callable[[Case], bool] = no_negative_discount


# The parts of the statement


def columns(machine: Machine, case: Case) -> list[np.ndarray]:
    """The value row after 0, 1, … layers."""
    return [np.asarray(rows(Z).value)[0] for Z in machine.run(*as_matrices(case))]


def prefix(case: Case, j: int) -> Case:
    """The context up to S_j."""
    return replace(case, states=case.states[: j + 1], rewards=case.rewards[:j])


def loop(case: Case) -> list[np.ndarray]:
    """The values of the columns by the TD loop over earlier transitions."""
    first = [case.v[s] for s in case.states]
    return [
        array(case, v)
        for v in td.decoder_td(case.states, case.rewards, case.score, case.gamma, case.alphas, first, case.exp)
    ]


def linear_part(machine: Machine, case: Case) -> np.ndarray:
    """G, (n+1, n+1): its columns are the images of the unit value rows where all rewards are 0."""
    given, zero = as_matrices(replace(case, alphas=case.alphas[:1])), 0 * case.gamma
    images = []
    for i in range(case.n + 1):
        unit = array(case, [[zero + (i == j) for j in range(case.n + 1)]])
        *_, Z = machine.run(*given._replace(rewards=given.rewards * 0, value=unit))
        images.append(np.asarray(rows(Z).value)[0])
    return np.array(images).T


def last_weight(case: Case, j: int) -> Any:
    """K_j(j−1): what column j gives to the transition into it, from the kernel of the prefix."""
    states = case.states[: j + 1]
    return td.softmax_kernel(states, case.score, case.exp)[states[-1]][-1]


def scale_of(case: Case, G: np.ndarray, values: list[np.ndarray]) -> float:
    """(1 + L) times the values times ‖|G|^L‖: what the layers can make of rounding errors."""
    amplified = np.linalg.matrix_power(np.abs(G).astype(float), case.depth).sum(axis=1).max()
    return float((1 + case.depth) * amplified * size(*values, case.rewards))


def parts(claim: Decoder, case: Case) -> Iterator[Part]:
    """Every part of the statement at a context."""
    got, G = columns(claim.machine, case), linear_part(claim.machine, case)
    scale = scale_of(case, G, got)
    for layer, (values, said) in enumerate(zip(got, loop(case), strict=True)):
        yield from asserting("decoder", entries(f"value row after layer {layer}", values, said, scale))
    yield from triangle(claim, case, G)
    yield from asserting("prefix", prefixes(claim, case, got, scale))
    yield from asserting("encoder", against_the_encoder(claim, case, got, scale))
    yield from divergence(claim, case, got, scale)


def triangle(claim: Decoder, case: Case, G: np.ndarray) -> Iterator[Part]:
    """G is lower triangular, its diagonal and its largest modulus are as said."""
    step = case.alphas[0]
    yield from asserting("triangle", lower(claim, case, G))
    if claim.unsigned(case) and claim.one_sign(case):
        yield Part("ρ(G)", greatest(G.diagonal()), claim.radius(step, case.gamma), 4.0, asserted="radius")


def lower(claim: Decoder, case: Case, G: np.ndarray) -> Iterator[Part]:
    """The entries of G on the diagonal and above it."""
    one, step = 0 * case.gamma + 1, case.alphas[0]
    for j, i in zip(*np.triu_indices(case.n + 1, 1)):
        yield Part(f"G({j}, {i})", G[j, i], 0 * one)
    yield Part("G(0, 0)", G[0, 0], one)
    for k in range(1, case.n + 1):
        yield Part(f"G({k}, {k})", G[k, k], claim.diagonal(one, step, case.gamma, last_weight(case, k)), 4.0)


def prefixes(claim: Decoder, case: Case, got: list[np.ndarray], scale: float) -> Iterator[Part]:
    """Column j is the last column of the prefix that ends there."""
    for j in sorted({1, case.n // 2, case.n - 1} & set(range(1, case.n))):
        for layer, values in enumerate(columns(claim.alone, prefix(case, j))):
            yield Part(f"column {j} after layer {layer}", got[layer][j], values[-1], scale)


def against_the_encoder(claim: Decoder, case: Case, got: list[np.ndarray], scale: float) -> Iterator[Part]:
    """One layer is what the construction makes of the prefix's last column; two are not, by α²δ_0 in column 1."""
    for j in sorted({1, case.n // 2, case.n} - {0}):
        yield Part(
            f"column {j} after layer 1, by the encoder", got[1][j], columns(Machine(), prefix(case, j))[1][-1], scale
        )
    if case.depth >= 2 and claim.even(case):
        apart = got[2][1] - columns(Machine(), prefix(case, 1))[2][-1]
        said = claim.apart(case.alphas[0], first_errors(case)[0])
        yield Part("column 1 after layer 2, less the encoder's", apart, said, scale)


def divergence(claim: Decoder, case: Case, got: list[np.ndarray], scale: float) -> Iterator[Part]:
    """The column after the first transition whose TD error is not 0 grows as said, at least linearly; without one, nothing moves."""
    step, quotient = case.alphas[0], scale * size(0.0 if case.gamma == 0 else 1 / case.gamma)
    for layer, values in enumerate(got if claim.still(case) else ()):
        where = f"value row after layer {layer}, where all are to stay"
        yield from asserting("still", entries(where, values, got[0], scale))
    unbounded = claim.weighs(case) and claim.forward(case) and claim.discount(case)
    moved_columns = [k + 1 for k, delta in enumerate(first_errors(case)) if surely_not_zero(delta)]
    for j in moved_columns[:1] if claim.even(case) else ():
        kappa, delta = last_weight(case, j), first_errors(case)[j - 1]
        if unbounded and isinstance(kappa, Fraction):  # a float may be 0 by rounding
            yield Part(f"what column {j} gives to the transition into it", kappa, 0 * kappa, 1.0, UNLIKE, "divergence")
        for layer, values in enumerate(got):
            moved, said = values[j] - got[0][j], delta * claim.growth(step, case.gamma, kappa, layer)
            yield Part(f"how far column {j} is after layer {layer}", moved, said, quotient, asserted="growth")
            least = layer * abs(step * kappa * delta)
            where = f"its absolute value after layer {layer}, where 1 + αγκ = {float(1 + step * case.gamma * kappa):g}"
            if unbounded:
                yield Part(where, abs(moved), least, scale, AT_LEAST, "divergence")


# The contexts


def certified_contexts(claim: Decoder) -> list[Case]:
    """The rational contexts, and a walk on FrozenLake."""
    return [*rational_contexts(claim), replace(lake(12), v=[Fraction(s, 16) for s in range(16)])]


def float_contexts(seed: int) -> Iterator[Case]:
    """Random float contexts of one step size."""
    rng = np.random.default_rng(seed)
    while True:
        yield tied(float_case(rng, log_uniform(rng, 1, 24), log_uniform(rng, 1, 9) - 1, log_uniform(rng, 1, 8)))


rational_contexts = contexts.after(SMALLEST, contexts.rational_cases)
"""What a subject lets in, the smallest contexts at which a wrong variant is wrong, then random ones."""

STATED = Statement(
    parts,
    "the value row after each layer against the loop, the triangle of G, its diagonal and radius, the prefixes, "
    "the encoder after one and two layers, the growth",
    Decoder(),
    exact=rational_contexts,
    certified=certified_contexts,
    small=contexts.after(SMALLEST),
    floats=float_contexts,
    trials=120,
    shows=(parts, triangle, lower, prefixes, against_the_encoder, divergence),
)


# Symbolic sizes: one step of an induction over n


K, k = MatrixSymbol("K", sy.n, sy.n), MatrixSymbol("k", sy.n, 1)
"""The weights of the columns 0 … n−1 among themselves, and of column n. Nobody but column n sees transition n−1: pK = 0."""


def opaque_weights(scores: Matrix, visible: Any, exp: Any = None) -> BlockMatrix:
    """The decoder's weights at symbolic sizes: opaque, and 0 for the key of the query column."""
    return BlockMatrix([[K, k], [ZeroMatrix(1, sy.n), ZeroMatrix(1, 1)]])


def without_p_K(expression: MatrixExpr) -> MatrixExpr:
    """A sum of products in which pK = 0 is used."""
    terms = sy.expanded(expression)
    addends = terms.args if terms.is_MatAdd else (terms,)
    kept = [term for term in addends if not (isinstance(term, MatMul) and (sy.p, K) in zip(term.args, term.args[1:]))]
    return sum(kept[1:], kept[0])


def symbolic(claim: Decoder, budget: Budget) -> Verdict:
    """The step of the induction from an opaque value row, then the growth as the solution of its recursion, for symbolic depth."""
    return (
        one_more_column(claim)
        or growth_solves(claim)
        or Verdict(
            True,
            "one more transition, any n: the values of the columns before it are those of the prefix, so G gains a row and a diagonal entry 1 + αγκ; "
            "the growth solves its recursion at every depth",
        )
    )


def one_more_column(claim: Decoder) -> Verdict | None:
    """The layer on n + 1 columns: the first n are the prefix's own layer, the last has v_n times (1 + αγκ), κ = pk."""
    v = sy.value_row("v_l")
    machine = replace(claim.machine, softmax=opaque_weights, edit=lambda p, site: p)
    got = block_collapse(one_layer(stated_prompt(v), machine.parameters(v, sy.d, sy.n, sy.gamma, alpha, sy.A)))
    before, last = v.blocks.tolist()[0]
    alone = before + alpha * (sy.R + sy.gamma * before * sy.N - before) * K
    said = (
        last * claim.diagonal(Identity(1), alpha, sy.gamma, sy.p * k)
        + alpha * (sy.R + sy.gamma * before * sy.N - before) * k
    )
    derived = BlockMatrix([[without_p_K(block) for block in row] for row in got.blocks.tolist()])
    right = BlockMatrix(
        [[without_p_K(block) for block in row] for row in stated_prompt(BlockMatrix([[alone, said]])).blocks.tolist()]
    )
    found = sy.compare_blocks(derived, right, probe(), "one more transition")
    return asserted(found, "triangle") if found else None


def asserted(verdict: Verdict, id: str) -> Verdict:
    """The verdict, with its counterexample as one of an assertion."""
    found = verdict.counterexample
    return replace(verdict, counterexample=replace(found, asserted=(id,)) if found else None)


def probe() -> sy.Instance:
    """n = 2 with the weights of three columns of equal features."""
    at = sy.probe("alpha_l")
    at.entries |= sy.Instance(K=[[0, 1], [0, 0]], k=[[Rational(1, 2)], [Rational(1, 2)]]).entries
    return at


def growth_solves(claim: Decoder) -> Verdict | None:
    """w_{L+1} = w_L + ακδ(1 + αγκ)^L and w_0 = 0, for w_L = δ · growth, with every letter a symbol."""
    step, gamma, kappa, depth = symbols("alpha gamma kappa L", positive=True)
    grown = lambda layers: claim.growth(step, gamma, kappa, layers)
    for where, got, right in (
        (
            "what layer L adds, over δ",
            grown(depth + 1) - grown(depth),
            step * kappa * (1 + step * gamma * kappa) ** depth,
        ),
        ("at depth 0", grown(0 * depth), 0 * depth),
    ):
        if simplify(got - right) != 0:
            found = Counterexample("symbols", where, *told_apart(got, right), asserted=("growth",))
            return Verdict(False, "not a solution", counterexample=found)
    return None


OPAQUE = {"symbolic": "the mask is there as one relation between opaque weights, pK = 0"}
SIZE = {"symbolic": "the largest of the diagonal entries is read off, not derived"}
SIGN = {"symbolic": "the growth solves its recursion for numbers of any sign"}
POSITIVE = SIGN | dict.fromkeys(("certified", "numeric"), "there E is the exponential, which is positive")
LAYER = {"symbolic": "there it is one layer of any step size, or a recursion with one step size and an error"}

MUTANTS = (
    Mutant("a column sees its own transition", Decoder(masked(up_to_itself)), OPAQUE),
    Mutant("the encoder's mask", Decoder(masked(all_sources)), OPAQUE),
    Mutant("the transition into a column hidden from it", Decoder(masked(not_the_one_before)), OPAQUE),
    Mutant(
        "a column is what the encoder makes of its prefix",
        Decoder(alone=Machine()),
        {"symbolic": "a prefix is given to the same opaque decoder there"},
    ),
    Mutant("γ missing on the diagonal", Decoder(diagonal=lambda one, step, gamma, kappa: one + step * kappa)),
    Mutant("1 + αγ in every column", Decoder(diagonal=lambda one, step, gamma, kappa: one + step * gamma * one)),
    Mutant(
        "a column forgets its own value",
        Decoder(diagonal=lambda one, step, gamma, kappa: one - step * one + step * gamma * kappa),
    ),
    Mutant("no eigenvalue above 1", Decoder(radius=lambda step, gamma: 1 + 0 * gamma), SIZE),
    Mutant(
        "growth as if a column saw one transition alone",
        Decoder(growth=lambda step, gamma, kappa, depth: growth(step, gamma, 1 + 0 * kappa, depth)),
    ),
    Mutant("linear growth", Decoder(growth=lambda step, gamma, kappa, depth: step * kappa * depth)),
    Mutant("a negative weight let in", Decoder(unsigned=lambda case: True), POSITIVE),
    Mutant("αγ < 0 let in", Decoder(one_sign=lambda case: True), SIGN),
    Mutant("γ < 0 let in", Decoder(discount=lambda case: True), SIGN),
    Mutant("α < 0 let in", Decoder(forward=lambda case: True), SIGN),
    Mutant("a weight of 0 let in", Decoder(weighs=lambda case: True), POSITIVE),
    Mutant("the encoder αδ apart", Decoder(apart=lambda step, delta: step * delta), LAYER),
    Mutant("steps that differ let in", Decoder(even=lambda case: True), LAYER),
    Mutant(
        "nothing moves without rewards",
        Decoder(still=lambda case: not any(map(surely_not_zero, case.rewards))),
        LAYER,
    ),
)


STATEMENT = r"""
Let column $j$ attend to the columns $k < j$ only (column 0 to none: its sum is empty), with weights in proportion to
$E(S_j, S_k)$, whose sums $\sum_{i<j} E(S_j, S_i)$, $j \ge 1$, are not 0, and leave everything else as it
is in {prf:ref}`softmax-td`. Values then belong to columns and not to states.
""".strip()


def printed(piece: Callable, *names: str) -> str:
    """A diagonal entry of G, in the book's letters."""
    return sy.letters(lambda *rest: piece(1, *rest), *names)


ASSERTIONS = (
    Assertion(
        "decoder",
        r"""
If $v_l^0, \dots, v_l^n$ are those after $l$ layers, the target row holds $\gamma v_l^{j+1}$, and

$$
\begin{aligned}
v_{l+1}^j &= v_l^j + \alpha \sum_{k<j} K_j(k)\, \delta_l^k, \\
K_j(k) &= \frac{E(S_j, S_k)}{\sum_{i<j} E(S_j, S_i)}, \\
\delta_l^k &= R_{k+1} + \gamma v_l^{k+1} - v_l^k .
\end{aligned}
$$ (eq-decoder)
""",
        typed="equation",
    ),
    Assertion(
        "prefix",
        r"""
**Prefixes.** $v_l^j$ is what the same decoder makes of the last column of the prefix $S_0, R_1, \dots, S_j$.
""",
        typed="names",
    ),
    Assertion(
        "encoder",
        lambda claim: (
            rf"""
For $j \ge 1$ it is at $l = 1$ also what the Transformer of {{prf:ref}}`softmax-td` makes of it; at $l = 2$ the two are
${sy.letters(claim.apart, "alpha", "delta_0^0")}$ apart in column 1.
"""
        ),
    ),
    Assertion(
        "triangle",
        lambda claim: (
            rf"""
**Triangle.** As a map of $n + 1$ values a layer is $v \mapsto Gv + c$ with $G$ lower triangular,

$$
\begin{{aligned}}
G(0, 0) &= 1, \\
G(j, j) &= {printed(claim.diagonal, "alpha", "gamma", "kappa_j")}, \qquad \kappa_j = K_j(j-1), \\
G(1, 1) &= {printed(lambda *rest: claim.diagonal(*rest, 1), "alpha", "gamma")} .
\end{{aligned}}
$$ (eq-decoder-triangle)
"""
        ),
    ),
    Assertion(
        "radius",
        lambda claim: (
            rf"""
So $\rho(G) = {sy.letters(claim.radius, "alpha", "gamma")}$ if $E \ge 0$, $\alpha\gamma \ge 0$ and $n \ge 1$, whatever the features.
"""
        ),
    ),
    Assertion(
        "still",
        r"**Divergence.** If all TD errors of $v_0$ are 0, no layer changes a value.",
        typed="condition",
    ),
    Assertion(
        "growth",
        lambda claim: (
            rf"""
If not, let $\delta = \delta_0^{{j-1}}$ be the first that is not 0, and $\kappa = K_j(j-1)$. Then for every $L$

$$
v_L^j = v_0^j + {sy.letters(claim.growth, "alpha", "gamma", "kappa", "L")}\, \delta
$$ (eq-decoder-growth)

(for $\gamma = 0$: $v_0^j + {sy.letters(lambda *rest: claim.growth(rest[0], 0, *rest[1:]), "alpha", "kappa", "L")} \delta$).
If the first transition has an error, $j = 1$ and $\kappa = 1$.
"""
        ),
    ),
    Assertion(
        "divergence",
        r"""
With $E > 0$, $\alpha > 0$ and $\gamma \ge 0$ this is unbounded: depth diverges from every $v_0$ but those that it
leaves alone.
""",
        typed="condition",
    ),
)


CLAIM = Claim(
    id="causal-mask",
    title="A decoder's depth diverges",
    chapter="decoder-mask",
    environment="theorem",
    statement=lambda: STATEMENT,
    assertions=ASSERTIONS,
    hypotheses=(
        Hypothesis(r"$n \ge 1$.", reason="a context without a transition has one column, which sees nothing"),
        Hypothesis(
            r"$\sum_{i<j} E(S_j, S_i) \ne 0$ for every $j \ge 1$ (softmax attention: always).",
            reason="where the sum is 0, $K_j$ is not defined",
        ),
        Hypothesis(
            r"For what is said of {prf:ref}`softmax-td`'s Transformer, $v_0$ a function of the state.",
            reason="asked since that Transformer is said to hold values of states",
        ),
        Hypothesis(
            r"For the distance to the encoder, $E(S_0, S_0) \ne 0$ (softmax attention: always).",
            reason="where it is 0, the encoder's weights in column 0 of the prefix $S_0, R_1, S_1$ are not defined",
        ),
        Hypothesis(
            r"For the growth and for the distance to the encoder, the same $\alpha$ in all layers.",
            dropped="steps that differ let in",
            holds=even_steps,
        ),
        Hypothesis(
            r"For the divergence, $E > 0$, as of every softmax. For the rest but the radius, weights of any sign.",
            dropped="a weight of 0 let in",
            holds=weighs,
        ),
        Hypothesis(r"For the radius, $E \ge 0$.", dropped="a negative weight let in", holds=unsigned),
        Hypothesis(r"For the radius, $\alpha\gamma \ge 0$.", dropped="αγ < 0 let in", holds=one_sign),
        Hypothesis(
            r"For no change of a value: all TD errors of $v_0$ are 0.",
            dropped="nothing moves without rewards",
            holds=no_error,
        ),
        Hypothesis(
            r"For the divergence, $\alpha > 0$: where $\lvert 1 + \alpha\gamma\kappa \rvert \le 1$ and $\gamma \ne 0$, {eq}`eq-decoder-growth` is bounded.",
            dropped="α < 0 let in",
            holds=forward,
        ),
        Hypothesis(
            r"For the divergence, $\gamma \ge 0$, for the same reason.",
            dropped="γ < 0 let in",
            holds=no_negative_discount,
        ),
    ),
    subject=STATED.subject,
    checks=(
        proof(
            "causal-mask",
            "every n, d, depth, context, features, weights and step sizes that are asked for, any function in the place of exp; "
            "over any ordered field, the divergence over any Archimedean one",
            stated=(
                "causal_mask.decoder_rows",
                "causal_mask.decoder_works_on_prefixes",
                "causal_mask.one_layer_is_the_encoder",
                "causal_mask.two_layers_are_not_the_encoder",
                "decoder_depth.decoder_is_affine",
                "decoder_depth.decoder_G_is_triangular",
                "decoder_depth.decoder_G_diagonal",
                "decoder_depth.decoder_G_column_one",
                "decoder_depth.decoder_radius",
                "decoder_depth.no_error_no_change",
                "decoder_depth.first_error_grows",
                "decoder_depth.growth_in_closed_form",
                "decoder_depth.depth_diverges",
            ),
            further=("causal_mask.transformer_is_decoder", "decoder_depth.first_weight_is_one"),
            definitions=(
                "causal_mask.causal_softmax",
                "causal_mask.column_prompt",
                "causal_mask.column_td_error",
                "causal_mask.decoder_update",
                "causal_mask.decoder",
                "decoder_depth.decoder_G",
                "decoder_depth.decoder_c",
            ),
            asserts=("decoder", "prefix", "encoder", "triangle", "radius", "still", "growth", "divergence"),
        ),
        Check(
            "symbolic",
            "every n and d, from any value row: one step of an induction over the columns, with opaque weights that "
            "hide transition n − 1 from all columns but the last; the growth for symbolic α, γ, κ and depth",
            symbolic,
            shows=(one_more_column, growth_solves),
            asserts=("decoder", "prefix", "triangle", "growth"),
        ),
        *STATED.checks(),
    ),
    mutants=MUTANTS,
    rests_on=("softmax-td",),
    source="Found for this book",
    shared=(
        "The Transformer and the loop of icrl.td share the exponential, the contexts and their features. G is read off "
        "the Transformer, and its diagonal compared with the kernel of the prefix; prefixes are run through the same "
        "Transformer."
    ),
    under={"softmax-td": "a mask of earlier columns only"},
)
