r"""What the claims about the linear-attention predecessor share: its Transformer against the four recursions in weight space.

A method is a value: its heads, its recursion, and what it adds for one transition. The claims differ in these alone, and a
mutant is another value. Sources: Wang, Blaser, Daneshmand, Zhang 2025; the chapter "Linear attention is linear TD".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import product
from random import Random
from typing import Any, NamedTuple

from sympy import BlockMatrix, Integer, MatrixSymbol, Symbol, ZeroMatrix
from sympy import Matrix as Explicit

from icrl import linear_attention as la
from icrl import td
from icrl.algebra import Weights, all_visible, identity, place
from icrl.arrays import np
from icrl.transformer import Head, Parameters, transformer
from icrl.transformer import layer as one_layer
from icrl.verify.instances.cases import in_floats, log_uniform, shown, small_fraction
from icrl.verify.judging import blocks as sy
from icrl.verify.judging.differences import TOLERANCE, taken
from icrl.verify.judging.parts import Floating, Part, Within, asserting, entries, size
from icrl.verify.judging.statement import Statement
from icrl.verify.model import Budget, Check, Verdict

PROMPT_IN_THE_KERNEL = (
    "transitions.transition_error",
    "transitions.before_band",
    "transitions.after_band",
    "transitions.last_band",
    "transitions.transition_prompt",
)
"""The definitions of the prompt that all four have, which each page shows."""


class Sample(NamedTuple):
    """n transitions, a query, γ, ϑ, a step size a layer and w_0: before and after (d, n), rewards (1, n), query and w (d, 1)."""

    before: np.ndarray
    after: np.ndarray
    rewards: np.ndarray
    query: np.ndarray
    gamma: Any
    decay: Any
    alphas: list
    w: np.ndarray

    @property
    def transitions(self) -> list[td.Transition]:
        """The same as the loops of :mod:`icrl.td` take them."""
        return list(zip(self.before.T.tolist(), self.rewards[0].tolist(), self.after.T.tolist()))

    def measures(self) -> dict[str, Any]:
        """Sizes, discount and decay, and whether it is a context's."""
        d, n = self.before.shape
        return {
            "n": n,
            "d": d,
            "layers": len(self.alphas),
            "γ": self.gamma,
            "ϑ": self.decay,
            "the transitions of a context": is_chained(self),
        }

    def __str__(self) -> str:
        d, n = self.before.shape
        sizes, numbers = (
            f"n = {n}, d = {d}",
            f"γ = {shown(self.gamma)}, ϑ = {shown(self.decay)}, α = {shown(self.alphas)}",
        )
        if isinstance(self.gamma, float) and n > 3:
            return f"{sizes}, {len(self.alphas)} layers, γ = {shown(self.gamma)}, ϑ = {shown(self.decay)}, α = {shown(self.alphas[0])}"
        columns = {"x": self.before, "x'": self.after, "x(s)": self.query, "w_0": self.w}
        return (
            ", ".join(f"{name} = {shown(X.T.tolist())}" for name, X in columns.items())
            + f", r = {shown(self.rewards[0])}, {numbers}"
        )


def chained(sample: Sample) -> Sample:
    """The transitions of a context that visits the states of ``before``, and then the query's."""
    return sample._replace(after=np.hstack([sample.before[:, 1:], sample.query]))


def is_chained(sample: Sample) -> bool:
    """Whether the transitions follow one another, and the query is where they end."""
    return bool((sample.after == chained(sample).after).all())


def td_layer(d: Any, n: Any, alpha: Any, decay: Any, like: Any) -> Parameters:
    """The layer of TD(0)."""
    return la.td_parameters(d, n, alpha, like)


def told(X: Any, Y: Any, x: Any, w: Any) -> tuple[Any, Any]:
    """What the last row must hold of w beside the rewards: wᵀ(Y − X) at the sources, with Y = γX', and −wᵀx at the query."""
    return w.T @ Y - w.T @ X, -(w.T @ x)


@dataclass(frozen=True)
class Method:
    """A method with its pieces: the heads, the recursion, and the sum that it adds to w as matrices; then prompt, first row, parts of its own, and which samples are contexts.

    ``moves``: from X and γX' the d×n matrix whose column k multiplies δ_k. ``average``: a fourth band, and γ = 1.
    """

    parameters: Callable[..., Parameters]
    loop: Callable[[Sample], Iterator[list]]
    moves: Callable[[Any, Any], Any] = lambda X, Y: X
    average: bool = False
    prompt: Callable = la.transition_prompt
    told: Callable = told
    further: Callable[[Any, Sample, list], Iterator[Part]] = lambda method, sample, prompts: iter(())
    context: Callable[[Sample], bool] = is_chained

    def bands(self, d: Any) -> tuple:
        """The heights of the prompt's bands."""
        return (d, d, 1, 1) if self.average else (d, d, 1)

    def start(self, X: Any, X_next: Any, R: Any, x: Any, gamma: Any, w: Any) -> Any:
        """The prompt for w of the transitions."""
        d, n = X.shape
        sources, query = self.told(X, gamma * X_next, x, w)
        last = len(self.bands(d)) - 1
        Z = self.prompt(X, X_next, R, x, gamma)
        return (la.with_average_row(Z) if self.average else Z) + place(
            {(last, 0): sources, (last, 1): query}, self.bands(d), (n, 1), X
        )


# Every size: one layer from an opaque w


X, X_NEXT, QUERY = MatrixSymbol("X", sy.d, sy.n), MatrixSymbol("X^{+}", sy.d, sy.n), MatrixSymbol("x", sy.d, 1)
DELTA = MatrixSymbol("delta_l", 1, sy.n)
WEIGHTS, T, C = MatrixSymbol("w_l", sy.d, 1), MatrixSymbol("T", sy.n, sy.n), MatrixSymbol("C", sy.n, sy.n)
ALPHA, DECAY = Symbol("alpha_l"), Symbol("vartheta")
"""The features before and after the n transitions and of the query; the TD errors, w_l, T and C; α_l and ϑ."""


def discount(method: Method) -> Any:
    """γ, or 1 for the average reward."""
    return Integer(1) if method.average else sy.gamma


def stated(method: Method, w: Any) -> BlockMatrix:
    """The bands of the prompt that the claim states for w."""
    last = list(told(X, discount(method) * X_NEXT, QUERY, w))
    rest = [[X, QUERY], [discount(method) * X_NEXT, ZeroMatrix(sy.d, 1)]]
    if method.average:
        return BlockMatrix([*rest, [sy.R, ZeroMatrix(1, 1)], last])
    return BlockMatrix([*rest, [sy.R + last[0], last[1]]])


def errors(method: Method) -> Any:
    """The row of the errors δ_k under w_l."""
    row = stated(method, WEIGHTS).blocks[-1, 0]
    return sy.R @ C + row if method.average else row


def next_weights(method: Method, delta: Any) -> Any:
    """w_{l+1} = w_l + α_l Σ_k δ_k m_k, from the definition, m_k being the columns of ``moves``."""
    return WEIGHTS + ALPHA * method.moves(X, discount(method) * X_NEXT) @ delta.T


def induction(method: Method) -> dict[str, tuple[Any, Any]]:
    """Step and base of the induction over depth, each as (what the Transformer does, what the claim says)."""
    given = (X, X_NEXT, sy.R, QUERY, discount(method))
    first = method.start(*given, WEIGHTS)
    plain = method.prompt(*given)
    p = method.parameters(sy.d, sy.n, ALPHA, DECAY, plain)
    return {
        "step": (
            one_layer(stated(method, WEIGHTS), p),
            stated(method, next_weights(method, errors(method))),
        ),
        "base, for w_0 = 0": (
            la.with_average_row(plain) if method.average else plain,
            stated(method, ZeroMatrix(sy.d, 1)),
        ),
        "base": (first, stated(method, WEIGHTS)),
    }


def point() -> sy.Instance:
    """Where expressions that differ are evaluated: n = d = 2, γ = ½, α = ⅓; T, the row t below it, and C are what they stand for at ϑ = ¼."""
    over = lambda divisor, *rows: Explicit(rows) / divisor
    return sy.Instance(
        **{"X": [[1, -1], [0, 1]], "X^{+}": [[2, 1], [1, 1]], "x": [[2], [1]], "w_l": [[3], [-2]], "R": [[1, 2]]},
        **{"alpha_l": over(3, [1]), "gamma": over(2, [1]), "n": over(1, [2])},
        **{"T": over(4, [4, 0], [1, 4]), "t": over(16, [1, 4]), "C": over(2, [0, -1], [0, 1])},
    )


def said(at: sy.Instance, *sides: Any) -> str:
    """The matrices that occur in the sides, for a person."""
    names = sorted({symbol.name for side in sides for symbol in side.free_symbols} & set(at.entries))
    stand_in = ", E = 1 + t²" * any(side.has(Weights) for side in sides)
    return (
        "n = d = 2, " + ", ".join(f"{name} = {at.entries[name].tolist()}" for name in names if name != "n") + stand_in
    )


def first_block(got: BlockMatrix, right: BlockMatrix, where: str) -> Verdict | None:
    """None when two prompts are the same sums of products; the last band, the one that moves, is looked at first."""
    count = len(right.blocks.tolist())
    return sy.compare_blocks(got, right, point(), where, [f"band {i + 1} of {count}" for i in range(count)], said)


def symbolic(method: Method, budget: Budget) -> Verdict:
    """Step and base as block matrices with symbolic n and d; w is opaque, so the step may be repeated: that is the conclusion."""
    for part, (got, right) in induction(method).items():
        if failure := first_block(got, right, part):
            return failure
    return Verdict(
        True,
        "base: the prompt of w_0; step: from any w to its update, all bands, sources and query; conclusion: by induction, every depth",
    )


# Numbers: the Transformer against the loop


def prompts(method: Method, sample: Sample) -> list[np.ndarray]:
    """The prompt after 0, 1, … layers."""
    Z = method.start(*sample[:5], sample.w)
    made = {alpha: method.parameters(*sample.before.shape, alpha, sample.decay, Z) for alpha in sample.alphas}
    return list(transformer(Z, [made[alpha] for alpha in sample.alphas]))


def last_row(method: Method, sample: Sample, w: Sequence) -> list:
    """What the last row must hold, by the definition of δ_k: the errors of the n transitions, then −⟨x(s), w⟩."""
    paid = 0 if method.average else 1
    changes = [paid * r + sample.gamma * td.inner(after, w) - td.inner(x, w) for x, r, after in sample.transitions]
    return [*changes, -td.inner(sample.query[:, 0].tolist(), w)]


def columns(sample: Sample) -> np.ndarray:
    """The feature bands of the prompt, (2d, n+1): x(S_k) above γx(S_{k+1}), and the query above 0."""
    return np.block([[sample.before, sample.query], [sample.gamma * sample.after, 0 * sample.query]])


def steepness(sample: Sample) -> float:
    """1 + α Σ_k |z_k| max_j |z_j| / (1 − ϑ), z the columns of features, in the norm of absolute values: what an update multiplies errors by, at most."""
    lengths = np.abs(columns(sample).astype(float)).sum(axis=0)
    return 1 + float(max(sample.alphas)) * lengths.sum() * lengths.max() / (1 - float(sample.decay))


def parts(method: Method, sample: Sample) -> Iterator[Part]:
    """The last row after every layer, the query first; then that the bands above have not moved, and what else the claim says."""
    found, scale, n = prompts(method, sample), 0.0, sample.before.shape[1]
    for layer, (Z, w) in enumerate(zip(found, taken(method.loop(sample), len(found)), strict=True)):
        right = last_row(method, sample, w)
        scale = max(scale, size(right, sample.rewards))
        for j in (n, *range(n)):
            allowed = (1 + layer) * n * steepness(sample) * scale
            yield Part(f"layer {layer}, last row, column {j}", Z[-1, j], right[j], allowed, asserted="rows")
    above = (
        columns(sample)
        if not method.average
        else np.vstack([columns(sample), np.append(sample.rewards, 0 * sample.gamma)])
    )
    for layer, Z in enumerate(found):
        if not np.array_equal(Z[:-1], above):
            yield from asserting("rows", entries(f"layer {layer}, the rows above", Z[:-1], above, 0.0))
    yield from method.further(method, sample, found)


def same_rows(told: str, sample: Sample, found: list[np.ndarray], right: list[np.ndarray]) -> Iterator[Part]:
    """The last rows of two Transformers' prompts, layer by layer, the query's column first."""
    scale, n = 0.0, sample.before.shape[1]
    for layer, (Z, other) in enumerate(zip(found, right, strict=True)):
        scale = max(scale, size(other[-1], sample.rewards))
        allowed = (1 + layer) * n * steepness(sample) * scale
        for j in (n, *range(n)):
            yield Part(f"layer {layer}, last row, column {j}, {told}", Z[-1, j], other[-1, j], allowed)


# Samples


def sample_of(x: Sequence, after: Sequence, r: Sequence, w: int = 0, depth: int = 2) -> Sample:
    """One feature and a few small integers, as ``Fraction``s: x(s) = 1, γ = α = ½, ϑ = ¼."""
    row = lambda numbers: np.array([[Fraction(q) for q in numbers]])
    return Sample(
        row(x), row(after), row(r), row([1]), Fraction(1, 2), Fraction(1, 4), [Fraction(1, 2)] * depth, row([w])
    )


ONE, STARTED, ENDING = sample_of([1], [1], [1]), sample_of([1], [1], [0], w=1), sample_of([1, 1], [0, 0], [0, 1])
SMALLEST = (ONE, STARTED, ENDING)
"""One transition; the same, with w_0 = 1 and no reward; two that end, the second paid."""


def rational_samples() -> Iterator[Sample]:
    """Random rationals over n in 1..5, d in 1..3, of 3 layers with a step size each, w_0 ≠ 0; by turns independent transitions and a context's."""
    rng = Random(0)
    for turn, (n, d) in enumerate(product(range(1, 6), range(1, 4))):
        drawn = lambda r, c: np.array([[small_fraction(rng) for _ in range(c)] for _ in range(r)], object)
        numbers = Fraction(rng.randint(0, 9), 10), Fraction(rng.randint(0, 9), 10)
        alphas = [Fraction(rng.randint(1, 10), 10) for _ in range(3)]
        sample = Sample(drawn(d, n), drawn(d, n), drawn(1, n), drawn(d, 1), *numbers, alphas, drawn(d, 1))
        yield chained(sample) if turn % 2 else sample


def float_samples(seed: int) -> Iterator[Sample]:
    """Random floats: n in 1..64, d in 1..8, up to 32 layers, α at most 1.5/n, w_0 ≠ 0; by turns independent transitions and a context's."""
    rng = np.random.default_rng(seed)
    while True:
        n, d, depth = log_uniform(rng, 1, 64), log_uniform(rng, 1, 8), log_uniform(rng, 1, 32)
        shapes = (d, n), (d, n), (1, n), (d, 1)
        numbers = float(rng.uniform(0, 1)), float(rng.uniform(0, 0.95))
        alphas = [float(alpha) for alpha in rng.uniform(0, 1.5 / n, 2)] * depth
        drawn = [rng.normal(size=shape) for shape in shapes]
        sample = Sample._make((*drawn, *numbers, alphas[:depth], rng.normal(size=(d, 1))))
        yield from (sample, chained(sample))


FLOATING = Floating(
    convert=partial(map, in_floats),
    name=str,
    numbers=lambda sample: Within(TOLERANCE * np.finfo(float).eps),
    tolerance=f"{TOLERANCE} eps of each part's scale",
)
"""How it is done with a sample."""


def of_method(method: Method, sample: Sample) -> Sample:
    """The sample, with γ = 1 for the average reward."""
    return sample._replace(gamma=0 * sample.gamma + 1) if method.average else sample


def checked(
    scope: str, method: Method, shows: tuple[Callable, ...] = (), route: str = "", asserts: tuple[str, ...] = ()
) -> tuple[Check, ...]:
    """The symbolic check, of this scope, and the exact and the numeric one: every entry of every layer against the loop.

    ``shows``: the functions of the method's own parts; ``route``: what they say, in words; ``asserts``: the ids of the
    assertions that the symbolic check checks.
    """
    ours = lambda samples: (of_method(method, sample) for sample in samples)
    every_size = Check("symbolic", scope, symbolic, shows=(induction, stated, next_weights), asserts=asserts)
    numbers = Statement(
        parts,
        "the last row in every column of every layer, the query's included, equal to the recursion's; "
        "the rows above unmoved",
        method,
        exact=lambda subject: [*ours(SMALLEST), *ours(rational_samples())],
        small=lambda subject: [*ours(SMALLEST)],
        floats=lambda seed: ours(float_samples(seed)),
        trials=200,
        noun="samples",
        scale="n (1 + layer)(1 + α Σ|z_k| max|z_j| / (1 − ϑ)) max |last row|, z the columns of features",
        floating=FLOATING,
        routes=dict.fromkeys(("exact", "numeric"), route) if route else {},
        shows=(parts, last_row, *shows),
    )
    return every_size, *numbers.checks()


# Mutants


BY_LOOP = dict.fromkeys(("exact", "numeric"), "it compares with the loop of icrl.td, and not with this sum")
"""Why numbers do not see a wrong update in the formula."""


class Site(NamedTuple):
    """Where a head is edited: the sizes, and a matrix of the right kind."""

    d: Any
    n: Any
    like: Any


def edited(method: Method, edit: Callable[[Head, Site], Head], head: int = 0) -> Method:
    """The method with one head edited."""

    def parameters(d: Any, n: Any, alpha: Any, decay: Any, like: Any) -> Parameters:
        p = method.parameters(d, n, alpha, decay, like)
        return p.with_head(head, **vars(edit(p.heads[head], Site(d, n, like))))

    return replace(method, parameters=parameters)


def scored(method: Method, *table: tuple[int, int]) -> Method:
    """The method with A made of these multiples of the identity, its rows and columns being x(S_k) and γx(S_{k+1})."""

    def edit(h: Head, site: Site) -> Head:
        blocks = {
            (i, j): sign * identity(site.d, site.like)
            for i, row in enumerate(table)
            for j, sign in enumerate(row)
            if sign
        }
        return replace(h, A=place(blocks, method.bands(site.d), method.bands(site.d), site.like))

    return edited(method, edit)


def unmasked(method: Method) -> Method:
    """Every key visible, to every head."""
    opened = lambda h, site: replace(h, visible=all_visible(site.n, site.like))
    return edited(edited(method, opened), opened, -1)


def stepping(method: Method, step: Callable[[Any, Any], Any]) -> Method:
    """Another step size, from α and n, in V."""
    return replace(
        method, parameters=lambda d, n, alpha, decay, like: method.parameters(d, n, step(alpha, n), decay, like)
    )


def undiscounted(method: Method) -> Method:
    """x(S_{k+1}) in the prompt, where γx(S_{k+1}) belongs."""
    return replace(method, prompt=lambda X, X_next, R, x, gamma: la.transition_prompt(X, X_next, R, x, 1))


def untold(method: Method) -> Method:
    """A query column that starts from 0 whatever w_0 is."""
    return replace(method, told=lambda X, Y, x, w: (told(X, Y, x, w)[0], 0 * (w.T @ x)))
