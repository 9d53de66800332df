r"""kernel-td: softmax TD is linear TD with features φ/Z and transition weights Z, and nearly linear in small features."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from sympy import MatrixSymbol, Rational, Symbol, exp, limit, oo, simplify, sympify
from sympy.matrices.expressions.matexpr import MatrixExpr

from icrl import td
from icrl.arrays import np
from icrl.verify.instances import contexts
from icrl.verify.instances.cases import Case, float_case, log_uniform, smallest, stand_in
from icrl.verify.instances.contexts import lake
from icrl.verify.judging import blocks as sy
from icrl.verify.judging.blocks import book_latex, letters
from icrl.verify.judging.parts import AT_MOST, UNLIKE, Part, asserting, entries, greatest, size
from icrl.verify.judging.statement import Statement
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Budget, Check, Claim, Counterexample, Hypothesis, Mutant, Verdict
from icrl.verify.routes import grouping
from icrl.verify.routes.edits import Machine, unmasked
from icrl.verify.routes.grouping import ALPHA, GAMMA, STATES, SYMBOLS, Transitions, td_update


def over_normaliser(phi: Any, Z: Any) -> Any:
    """ψ(s) = φ(s) / Z(s), rows; Z is diagonal."""
    return inverse(Z) @ phi


def weighted(psi: Any, Z: Any, C: Any, delta: Any) -> Any:
    """Σ_k Z(S_k) δ_k ψ(S_k)."""
    return psi.T @ Z.T @ C.T @ delta


def own_step(alpha: Any, Z: Any) -> Any:
    """α(s) = α Z(s), on a diagonal."""
    return alpha * Z


def uneven(z: Any) -> bool:
    """Whether Z differs at two states."""
    return z[0] != z[1]


def single(case: Case) -> bool:
    """Whether there is one transition, between two states."""
    return case.n == 1 and len(case.visited) == 2


def pushed(alpha: Any, delta: Any) -> bool:
    """αδ ≠ 0."""
    return alpha * delta != 0


def exponential(case: Case) -> bool:
    """Whether E is the exponential, of floats or of balls."""
    return case.exp is not stand_in


def short(tau: Any) -> bool:
    """τ ≤ 1."""
    return tau <= 1


def inverse(Z: Any) -> Any:
    """The inverse of a diagonal matrix, or of an opaque one."""
    return Z.inv() if isinstance(Z, MatrixExpr) else np.diag(1 / Z.diagonal())


@dataclass(frozen=True)
class KernelTD:
    """The statement with its pieces: features, how weights move, what M̂ keeps, the start, the step that makes it plain, of which
    transition, between which two states and with which error no constant does, the Transformer; and of small features the centre,
    the constant, the size τ, for which E and which of them, and further contexts."""

    features: Callable = over_normaliser
    move: Callable = weighted
    measure: Callable = lambda C, Z: C.T @ C @ Z
    start: Callable = lambda v: v
    step: Callable = own_step
    single: Callable[[Case], bool] = single
    uneven: Callable[[Any], bool] = uneven
    pushed: Callable[[Any, Any], bool] = pushed
    machine: Machine = Machine()
    centre: Callable = lambda x: x.sum(axis=0) / len(x)
    constant: Callable = lambda e: e - 2
    tau: Callable = lambda longest: 2 * longest
    exponential: Callable[[Case], bool] = exponential
    small: Callable[[Any], bool] = short
    beyond: tuple[Case, ...] = ()


# The three identities, at every size


m = Symbol("m", integer=True, positive=True)
PHI, Z_ANY, WEIGHTS = MatrixSymbol("Phi", STATES, m), MatrixSymbol("Z", STATES, STATES), MatrixSymbol("w", m, 1)


def td_errors(given: Transitions, gamma: Any, v: Any) -> Any:
    """δ = R + γDv − Cv."""
    return given.R + gamma * (given.D @ v) - given.C @ v


def in_kernel_space(
    claim: KernelTD, given: Transitions, phi: Any, Z: Any, gamma: Any, alpha: Any, w: Any
) -> tuple[Any, Any]:
    """(⟨ψ, w + αΣZδψ⟩, softmax TD's update of ⟨ψ, w⟩)."""
    psi, start = claim.features(phi, Z), over_normaliser(phi, Z) @ w
    after = w + alpha * claim.move(psi, Z, given.C, td_errors(given, gamma, start))
    return psi @ after, td_update(inverse(Z) @ phi @ phi.T @ given.C.T, given, gamma, alpha, start)


def balance(claim: KernelTD, given: Transitions, phi: Any, Z: Any) -> tuple[Any, Any]:
    """(ν(s) M̂(s, u), ν(u) M̂(u, s))."""
    flow = claim.measure(given.C, Z) @ inverse(Z) @ phi @ phi.T @ given.C.T @ given.C
    return flow, flow.T


def plain_step(claim: KernelTD, given: Transitions, x: Any, Z: Any, gamma: Any, alpha: Any, w: Any) -> tuple[Any, Any]:
    """(v + α(s) Σ K δ for v = ⟨x, w⟩ and E = ⟨x, x⟩, ⟨x, w + αΣδx⟩)."""
    v = x @ w
    delta = td_errors(given, gamma, v)
    return v + claim.step(alpha, Z) @ inverse(Z) @ x @ x.T @ given.C.T @ delta, x @ (
        w + alpha * (x.T @ given.C.T @ delta)
    )


def left_over(n: Any, a: Any) -> Any:
    """n K(n − 1|1) − 1 − ⟨x(1), x(1) − x̄⟩ where one of n keys has the score a, and the n − 1 others −a."""
    return n * exp(a) / ((n - 1) * exp(-a) + exp(a)) - 1 - 2 * a * (n - 1) / n


def symbolic(claim: KernelTD, budget: Budget) -> Verdict:
    """The identities with symbolic n, |W| and number of features: the differences expand to 0. And no constant below e − 2 does."""
    found = (
        in_kernel_space(claim, SYMBOLS, PHI, Z_ANY, GAMMA, ALPHA, WEIGHTS),
        balance(claim, SYMBOLS, PHI, Z_ANY),
        plain_step(claim, SYMBOLS, PHI, Z_ANY, GAMMA, ALPHA, WEIGHTS),
    )
    if wrong := sy.derived(found, identity_parts, claim, SMALLEST):
        return wrong
    most = limit(left_over(Symbol("n", positive=True), Rational(1, 2)), Symbol("n", positive=True), oo)
    if simplify(most - claim.constant(exp(1))) != 0:
        told = str(most.evalf(8)), str(sympify(claim.constant(exp(1))).evalf(8))
        gap = Counterexample(
            "τ = 1, n → ∞, one feature vector opposite to all others", "what is left of n K", *told, asserted=("sharp",)
        )
        return Verdict(False, "another constant", counterexample=gap)
    return Verdict(
        True,
        f"{len(found)} matrix identities: the update in kernel space, the balance of ν M̂, the step that makes it "
        f"plain; Z any invertible matrix, for every n, |W| and number of features; and e − 2 is what is left of n K at "
        f"τ = 1 as n grows",
    )


def identity_parts(claim: KernelTD, case: Case) -> Iterator[Part]:
    """The identities at a case, one update from w_0 = Σ_s v(s) φ(s)."""
    given, phi = grouping.transitions(case), feature_map(case)
    Z, alpha = normaliser(gram(case), given.C), case.alphas[0]
    got, right = in_kernel_space(claim, given, phi, Z, case.gamma, alpha, first_weights(case, phi))
    updated = entries("the values after one update in kernel space", got, right, spread(case, phi, right))
    yield from asserting("kernel-space", updated)
    got, right = balance(claim, given, phi, Z)
    yield from asserting("weight-kept", entries("ν(s) M̂(s, u)", got, right, size(right)))
    near = positive(case)
    x = grouping.array(case, [near.features[s] for s in near.visited])
    Z = normaliser(x @ x.T, given.C)
    got, right = plain_step(claim, given, x, Z, case.gamma, alpha, first_weights(near, x))
    updated = entries("the values after one update with the step α(s)", got, right, spread(case, x, right) * size(Z))
    yield from asserting("plain", updated)


# Feature maps, normalisers


def gram(case: Case) -> np.ndarray:
    """E(s, u) on W."""
    at = case.visited
    g = grouping.array(case, [[case.scores[s][u] for u in at] for s in at])
    return np.exp(g) if case.exp is None else grouping.array(case, np.vectorize(case.exp, otypes=[object])(g))


def feature_map(case: Case) -> np.ndarray:
    """Rows φ(s) with ⟨φ(s), φ(u)⟩ = E(s, u): (1, x ⊗ x) for E = 1 + t², else a root of the matrix E."""
    if case.exp is stand_in:
        rows = [case.features[s] for s in case.visited]
        return grouping.array(case, [[0 * case.gamma + 1, *(a * b for a in x for b in x)] for x in rows])
    E = gram(case)
    if case.exp is None:
        sizes, vectors = np.linalg.eigh(E)
        return vectors * np.sqrt(np.maximum(sizes, 0))
    return cholesky(E)


def cholesky(E: np.ndarray) -> np.ndarray:
    """The lower triangular L with LLᵀ = E, in balls."""
    L = 0 * E
    for i, j in np.ndindex(E.shape):
        rest: Any = E[i, j] - L[i, :j] @ L[j, :j] if j else E[i, j]
        if j < i:
            L[i, j] = rest / L[j, j]
        elif j == i:
            L[i, i] = rest.sqrt()
    return L


def normaliser(E: np.ndarray, C: np.ndarray) -> np.ndarray:
    """Z(s) = Σ_k E(s, S_k), on a diagonal."""
    return np.diag(E @ C.sum(axis=0))


def first_weights(case: Case, phi: np.ndarray) -> np.ndarray:
    """w_0 = Σ_s v(s) φ(s)."""
    return grouping.array(case, [case.v[s] for s in case.visited]) @ phi


def spread(case: Case, phi: np.ndarray, v: np.ndarray) -> float:
    """The scale of values that are sums of products of features: |W| max |φ|² max |v|."""
    return size(case.rewards, v) * len(phi) * size(phi) ** 2


def positive(case: Case) -> Case:
    """The case with the absolute values of its features, and 1 for 0 and for no feature at all: all products are positive."""
    one = 0 * case.gamma + 1
    return replace(case, features=[[abs(entry) if entry != 0 else one for entry in x] or [one] for x in case.features])


# Exact, certified, numeric


def parts(claim: KernelTD, case: Case) -> Iterator[Part]:
    """The identities; the Transformer's layers in kernel space; linear TD by its loop; small features, with the true exponential."""
    case = euclidean(case)
    yield from identity_parts(claim, case)
    yield from asserting("kernel-space", at_depth(claim, case))
    yield from asserting("weight-kept", kept(claim, case))
    yield from asserting("plain", by_the_loop(claim, positive(case)))
    yield from asserting("no-constant", no_constant(claim, positive(case)))
    if claim.exponential(case) and claim.small(tau := size_of_features(claim, case)):
        yield from asserting("small-features", nearly_linear(claim, case, tau))
        yield from asserting("one-update", one_update(claim, case, tau))


def euclidean(case: Case) -> Case:
    """The case with A = I, so that E is symmetric."""
    one = 0 * case.gamma + 1
    return replace(case, A=[[one if i == j else 0 * one for j in range(case.d)] for i in range(case.d)])


def at_depth(claim: KernelTD, case: Case) -> Iterator[Part]:
    """v_l of the Transformer from v_0 = ⟨ψ, w_0⟩ against ⟨ψ, w_l⟩, layer by layer."""
    given, phi = grouping.transitions(case), feature_map(case)
    Z = normaliser(gram(case), given.C)
    psi, w, at = claim.features(phi, Z), first_weights(case, phi), case.visited
    start = claim.start(over_normaliser(phi, Z) @ w)
    path = grouping.values(
        replace(case, v=[start[at.index(s)] if s in at else v for s, v in enumerate(case.v)]), claim.machine
    )
    for layer, (v, alpha) in enumerate(zip(path, [*case.alphas, 0 * case.gamma], strict=True)):
        yield from entries(f"v_{layer} in kernel space", psi @ w, v, (1 + layer) * spread(case, phi, v))
        w = w + alpha * claim.move(psi, Z, given.C, td_errors(given, case.gamma, psi @ w))


def kept(claim: KernelTD, case: Case) -> Iterator[Part]:
    """νM̂ = ν for the library's M̂."""
    C = grouping.transitions(case).C
    nu = claim.measure(C, normaliser(gram(case), C)).diagonal()
    yield from entries("ν M̂", nu @ grouping.operator_of(case).M, nu, size(nu) * len(nu))


def by_the_loop(claim: KernelTD, case: Case) -> Iterator[Part]:
    """v + α(s) Σ K δ with E = ⟨x, x⟩, iterated, against the loop of linear TD; the steps divided by max Z, so that values stay in range."""
    given, x = grouping.transitions(case), grouping.array(case, [case.features[s] for s in case.visited])
    Z = normaliser(x @ x.T, given.C)
    K, w, alphas = (
        inverse(Z) @ x @ x.T @ given.C.T,
        first_weights(case, x),
        [alpha / greatest(Z.diagonal()) for alpha in case.alphas],
    )
    v = x @ w
    for layer, by_loop in enumerate(
        td.linear_td(case.states, case.rewards, case.features, case.gamma, alphas, list(w))
    ):
        right = x @ grouping.array(case, by_loop)
        yield from entries(f"v_{layer} with the step α(s)", v, right, (1 + layer) * spread(case, x, v) * size(Z))
        if layer < case.depth:
            v = v + claim.step(alphas[layer], Z) @ K @ td_errors(given, case.gamma, v)


def no_constant(claim: KernelTD, case: Case) -> Iterator[Part]:
    """Of one transition between two states K = 1, so that a constant step would move both alike; linear TD does not, where Z differs."""
    if not claim.single(case):
        return
    given, at = grouping.transitions(case), case.visited
    x = grouping.array(case, [case.features[s] for s in at])
    w, Z = first_weights(case, x), normaliser(x @ x.T, given.C)
    _, after = plain_step(claim, given, x, Z, case.gamma, case.alphas[0], w)
    moved, [delta] = after - x @ w, td_errors(given, case.gamma, x @ w)
    if claim.uneven(Z.diagonal()) and claim.pushed(case.alphas[0], delta):
        apart = moved[0] - moved[1]
        yield Part("how much further state 0 moves than state 1", apart, 0 * case.gamma, spread(case, x, after), UNLIKE)


def size_of_features(claim: KernelTD, case: Case) -> Any:
    """τ, from the longest features of the visited states."""
    return claim.tau(greatest(sum((row * row), 0 * case.gamma) for row in bare(case)[case.visited]))


def bare(case: Case) -> np.ndarray:
    """The features of all states, rows."""
    return grouping.array(case, case.features).reshape(len(case.features), case.d) + 0 * case.gamma


def linear_part(claim: KernelTD, case: Case) -> np.ndarray:
    """⟨x(s), x_k − x̄⟩, (|W|, n)."""
    x = bare(case)
    keys = x[case.states[:-1]]
    return x[case.visited] @ (keys - claim.centre(keys)).T + 0 * case.gamma


def allowed(claim: KernelTD, case: Case, tau: Any) -> Any:
    """(e − 2) τ²."""
    return claim.constant(np.exp(1.0) if case.exp is None else case.exp(0 * case.gamma + 1)) * tau**2


def nearly_linear(claim: KernelTD, case: Case, tau: Any) -> Iterator[Part]:
    """|n K(k|s) − 1 − ⟨x(s), x_k − x̄⟩| ≤ (e − 2) τ²."""
    C, at = grouping.transitions(case).C, case.visited
    K, linear, bound = grouping.normalised(case, C) @ C.T, linear_part(claim, case), allowed(claim, case, tau)
    for i, k in np.ndindex(K.shape):
        where, left = f"|n K({k}|{at[i]}) − 1 − ⟨x(s), x_k − x̄⟩|", abs(case.n * K[i, k] - 1 - linear[i, k])
        yield Part(where, left, bound, relation=AT_MOST)


def one_update(claim: KernelTD, case: Case, tau: Any) -> Iterator[Part]:
    """The Transformer's first layer less its linear part, against |α| (e − 2) τ² times the mean of |δ_k|."""
    linear, alpha = linear_part(claim, case), case.alphas[0]
    before, after = (grouping.values(replace(case, alphas=case.alphas[:l]))[-1] for l in (0, 1))
    delta = td_errors(grouping.transitions(case), case.gamma, before)
    stated = before + alpha * (delta.sum() / case.n + linear @ delta / case.n)
    most = abs(alpha) * allowed(claim, case, tau) * sum(abs(d) for d in delta) / case.n
    yield Part("one update less its linear part", greatest(after - stated), most, size(before, delta), AT_MOST)


# The contexts


HALF = Fraction(1, 2)
BENT = smallest((0, 1, 0), r=(1, 0), v=(0, 0), x=((1,), (2,)))
STEP = smallest((0, 1), r=(1,), v=(0, 0), x=((1,), (2,)))
UNPAID = smallest((0, 1), v=(0, 0), x=((1,), (2,)))
SMALLEST = (STEP, BENT, UNPAID)


PLANE = [[Fraction(1), Fraction(0)], [Fraction(0), Fraction(1)]]


def outlier(n: int, entry: Fraction) -> Case:
    """n − 1 transitions out of state 0 and the last, which alone is rewarded, out of state 1, whose features (entry, entry) are minus those of state 0."""
    case = smallest((*[0] * (n - 1), 1, 1), r=(*[0] * (n - 1), 1), v=(0, 0))
    return replace(case, features=[[-entry] * 2, [entry] * 2], A=PLANE)


LONELY = outlier(15, HALF)
"""τ = 1: what is left of n K(14|1) is 0.5056, above ½ and below e − 2."""
LONG = outlier(26, Fraction(1))
"""τ = 4: what is left is 12.99, above 16 (e − 2)."""
LEVEL = replace(smallest((0, 1), r=(1,), v=(0, 0), x=((1, 2), (3, 1))), A=PLANE)
"""Z = 5 at both states: 1 + 4 = 3 + 2."""


def shrunk(case: Case) -> Case:
    """The case with features so short that τ ≤ ½."""
    longest = max(sum((entry * entry for entry in x), 0 * case.gamma) for x in case.features)
    return replace(case, features=[[entry / (1 + longest) for entry in x] for x in case.features])


def apart(case: Case) -> bool:
    """Whether all visited states have features of their own, so that the matrix E is positive definite."""
    return len({tuple(case.features[s]) for s in case.visited}) == len(case.visited)


def float_cases(seed: int) -> Iterator[Case]:
    """Random float contexts, by turns with features of length up to 1.5 and with τ ≤ 1, up to 8 layers."""
    rng = np.random.default_rng(seed)
    while True:
        for longest in (1.5, 0.5**0.5):
            case = float_case(rng, log_uniform(rng, 1, 48), log_uniform(rng, 1, 7) - 1, log_uniform(rng, 1, 8))
            norm = max(td.inner(x, x) for x in case.features) ** 0.5 or 1.0
            factor = longest * float(rng.uniform(0.5, 1)) / norm
            yield replace(case, features=[[factor * entry for entry in x] for x in case.features])


def certified_cases(claim: KernelTD) -> list[Case]:
    """The rational contexts where features differ, these with their features shrunk, τ = 1, and a walk on FrozenLake."""
    cases = [case for case in contexts.rational_cases() if apart(case)]
    return [*claim.beyond, *SMALLEST, LONELY, *cases, *map(shrunk, cases), shrunk(lake(20))]


STATED = Statement(
    parts,
    "the three identities; the Transformer's layers in kernel space; ν M̂ = ν; linear TD by its loop from the step "
    "α(s), and that of one transition from no constant; for the true exponential and τ ≤ 1 every weight, and one update, within the bound",
    KernelTD(),
    exact=contexts.after(SMALLEST, contexts.rational_cases),
    certified=certified_cases,
    small=contexts.after((*SMALLEST, LONELY)),
    floats=float_cases,
    trials=100,
    scale="(1 + l) |W| max |φ|² of the largest value",
    routes={
        "exact": "A = I in the place of each context's own, φ = (1, x ⊗ x); of small features nothing",
        "certified": "A = I in the place of each context's own, φ a root of E by Cholesky",
        "numeric": "A = I in the place of each context's own, φ a root of E by its eigenvectors",
    },
    shows=(identity_parts, at_depth, kept, by_the_loop, no_constant, nearly_linear, one_update),
)


OF_WEIGHTS = {"symbolic": "no exponential at symbolic sizes", "exact": "the bound speaks of the true exponential"}
NORMALISER = {"symbolic": "Z is opaque there"}


def of_small_features(name: str, **pieces: Any) -> Mutant:
    """A mutant of what is said of small features."""
    return Mutant(name, KernelTD(**pieces), OF_WEIGHTS, shown_by="certified")


MUTANTS = (
    Mutant("features φ in the place of φ/Z", KernelTD(features=lambda phi, Z: phi)),
    Mutant("all transitions weigh the same", KernelTD(move=lambda psi, Z, C, delta: psi.T @ C.T @ delta)),
    Mutant("ν in proportion to n_s", KernelTD(measure=lambda C, Z: C.T @ C)),
    Mutant("a constant step makes it plain", KernelTD(step=lambda alpha, Z: alpha * (Z @ inverse(Z)))),
    Mutant(
        "no mask",
        KernelTD(machine=Machine(edit=unmasked)),
        NORMALISER,
    ),
    Mutant(
        "v₀ = ⟨ψ, w₀⟩ + 1",
        KernelTD(start=lambda v: v + 1),
        {"symbolic": "the identity is about one update, from some ⟨ψ, w⟩"},
    ),
    Mutant(
        "no constant, though Z is the same",
        KernelTD(uneven=lambda z: True, beyond=(LEVEL,)),
        {"symbolic": "it speaks of instances"},
    ),
    Mutant(
        "no constant, though the TD error is 0",
        KernelTD(pushed=lambda alpha, delta: True),
        {"symbolic": "it speaks of instances"},
    ),
    of_small_features("features not centred", centre=lambda x: 0 * x[0]),
    Mutant(
        "½ in the place of e − 2",
        KernelTD(constant=lambda e: 1 / (e / e + 1)),
        {"exact": OF_WEIGHTS["exact"]},
        shown_by="certified",
    ),
    Mutant(
        "¾ in the place of e − 2",
        KernelTD(constant=lambda e: 3 * e / (4 * e)),
        dict.fromkeys(("exact", "certified", "numeric"), "a larger constant does; it is not the least"),
        shown_by="symbolic",
    ),
    of_small_features("τ half as large", tau=lambda longest: longest),
    of_small_features("τ = 4 let in", small=lambda tau: True, beyond=(LONG,)),
)


STATEMENT = r"""
Let $E(s, u) = \langle \varphi(s), \varphi(u) \rangle$ for some features $\varphi$ (for a symmetric $E$ on finitely
many states that is: $E$ is positive semidefinite), and let $Z(s) = \sum_{k<n} E(s, S_k) \ne 0$ on the visited states,
so that $K(k \mid s) = E(s, S_k) / Z(s)$. Put $\psi(s) = \varphi(s) / Z(s)$.
""".strip()

LONGEST = r"\max \lVert{x}\rVert^2"

ASSERTIONS = (
    Assertion(
        "kernel-space",
        r"""
**In kernel space.** If $v_0 = \langle \psi, w_0 \rangle$, such as $v_0 = 0$, then softmax TD is linear TD with the
features $\psi$, in which transition $k$ has the weight $Z(S_k)$: for all $l$, $v_l = \langle \psi, w_l \rangle$ with

$$
w_{l+1} = w_l + \alpha_l \sum_{k<n} Z(S_k)\, \delta_k\, \psi(S_k) .
$$ (eq-kernel-space)
""",
        typed="equation",
    ),
    Assertion(
        "weight-kept",
        r"""
State $s$ has, with all its transitions, the weight $\nu(s) = n_s Z(s)$, where plain linear TD gives it $n_s$. Where
$Z > 0$, as for every positive $E$, $\nu$ is a measure; if not, it may have negative entries. $\hat M$ keeps it:
$\nu(s) \hat M(s, u) = \nu(u) \hat M(u, s)$, so $\nu \hat M = \nu$. (It may keep others besides: with
$\hat M = I$ it keeps all of them.)
""",
        typed="equation",
    ),
    Assertion(
        "plain",
        lambda claim: (
            rf"""
**Plain linear TD.** If $E(s, u) = \langle x(s), x(u) \rangle$ and the step is
$\alpha_l(s) = {book_latex(claim.step(Symbol("alpha_l"), MatrixSymbol("Z(s)", 1, 1)))}$, a step for each state, then
$v_{{l+1}}(s) = v_l(s) + \alpha_l(s) \sum_{{k<n}} K(k \mid s)\, \delta_k$ is linear TD {{eq}}`eq-linear-attention` with
the step $\alpha_l$, from any $v_0 = \langle x, w_0 \rangle$. Where $Z$ is the same at all visited states this is a
constant.
"""
        ),
    ),
    Assertion(
        "no-constant",
        r"""
Where $Z$ is not the same, a constant in the place of $\alpha_l(s)$ will in general not do: with one transition, between
states of different $Z$, such as $0, 1$ with $x = (1, 2)$, none does, if neither the TD error nor $\alpha_l$ is 0.
""",
        typed="condition",
    ),
    Assertion(
        "small-features",
        lambda claim: (
            rf"""
**Small features.** If $E(s, u) = \exp \langle x(s), x(u) \rangle$ and $\tau = {letters(claim.tau, LONGEST)}$ with
${letters(claim.small, "tau")}$, the maximum being over the visited states, then with
$\bar x = \frac1n \sum_{{i<n}} x(S_i)$

$$
\bigl\lvert\, n K(k \mid s) - 1 - \langle x(s), x(S_k) - \bar x \rangle \,\bigr\rvert \le ({letters(claim.constant, "e")})\, \tau^2 .
$$ (eq-small-features)
"""
        ),
    ),
    Assertion(
        "one-update",
        lambda claim: (
            rf"""
So one update adds, up to $\lvert\alpha\rvert\, ({letters(claim.constant, "e")})\, \tau^2$ times the mean of
$\lvert\delta_k\rvert$, the mean of $\alpha \delta_k \bigl(1 + \langle x(s), x(S_k) - \bar x \rangle\bigr)$ over the
transitions.
"""
        ),
    ),
    Assertion(
        "sharp",
        lambda claim: (
            rf"In {{eq}}`eq-small-features` no constant below ${letters(claim.constant, 'e')}$ does for all $n$."
        ),
    ),
)


CLAIM = Claim(
    id="kernel-td",
    title="Softmax TD is linear TD in kernel space",
    chapter="kernels-and-sharpness",
    environment="theorem",
    statement=lambda: STATEMENT,
    assertions=ASSERTIONS,
    hypotheses=(
        Hypothesis(
            r"$E(s, u) = \langle \varphi(s), \varphi(u) \rangle$ on the visited states, which holds for $\exp \langle "
            r"x(s), x(u) \rangle$, so for $A = I$.",
            reason=r"without such features there is no $\psi$ to speak of",
        ),
        Hypothesis(
            r"$Z(s) \ne 0$, which holds for every positive $E$.",
            reason=r"where $Z(s) = 0$ the weights $K(k \mid s)$ are undefined",
        ),
        Hypothesis(r"In kernel space: $v_0 = \langle \psi, w_0 \rangle$; any step sizes.", dropped="v₀ = ⟨ψ, w₀⟩ + 1"),
        Hypothesis(
            r"For plain linear TD: the scores themselves in the place of their exponentials.",
            reason=r"with another $E$ the features are those of its kernel space",
        ),
        Hypothesis(
            r"For plain linear TD: a step that is proportional to $Z(s)$.", dropped="a constant step makes it plain"
        ),
        Hypothesis(
            r"For no constant: $Z$ differs at the two states.",
            dropped="no constant, though Z is the same",
            holds=uneven,
        ),
        Hypothesis(
            "For the same: one transition, between two states.",
            reason="with several transitions a constant may do or not; nothing is said of them",
            holds=single,
        ),
        Hypothesis(
            r"For the same: neither the TD error nor $\alpha_l$ is 0.",
            dropped="no constant, though the TD error is 0",
            holds=pushed,
        ),
        Hypothesis(
            r"For small features: the true exponential.",
            reason=r"the bound is that of the exponential's Taylor series; another $E$ leaves another number",
            holds=exponential,
        ),
        Hypothesis(r"For small features: $2 \max \lVert x \rVert^2 \le 1$.", dropped="τ = 4 let in", holds=short),
    ),
    subject=STATED.subject,
    checks=(
        proof(
            "kernel-td",
            "both forms of linear TD at every n, d, depth, context and step sizes; no assumption on exp; without small features",
            stated=(
                "kernel_td.td_is_linear_in_kernel_space",
                "kernel_td.nu_is_balanced",
                "kernel_td.step_in_proportion_to_normaliser_is_linear_td",
                "kernel_td.no_constant_step_is_linear_td",
            ),
            further=(
                "kernel_td.td_from_zero_is_linear_in_kernel_space",
                "kernel_td.transformer_is_linear_in_kernel_space",
                "kernel_td.nu_is_kept",
                "kernel_td.nu_is_a_measure",
                "kernel_td.nu_may_be_negative",
                "kernel_td.table_keeps_every_weight",
                "kernel_td.same_normaliser_is_linear_td",
            ),
            definitions=(
                "kernel_td.inner",
                "kernel_td.normaliser",
                "kernel_td.over_normaliser",
                "kernel_td.reweighted_td",
                "kernel_td.nu",
                "kernel_td.stepwise_td",
                "operator.visits",
            ),
            asserts=("kernel-space", "weight-kept", "plain", "no-constant"),
        ),
        Check(
            "symbolic",
            "both forms of linear TD, one update from any ⟨ψ, w⟩, and the balance of ν: every n, |W| and number of "
            "features, Z any invertible matrix; that e − 2 is the least constant",
            symbolic,
            shows=(in_kernel_space, balance, plain_step, left_over),
            asserts=("kernel-space", "weight-kept", "plain", "sharp"),
        ),
        *STATED.checks(),
    ),
    mutants=MUTANTS,
    rests_on=("softmax-td", "operator", "linear"),
    source="Found for this book; positive-semidefinite kernels as inner products are Aronszajn's and Mercer's",
    shared=(
        "The routes compared share the exponential, the contexts and their features. In kernel space there are "
        "matrices of states, on the other side the Transformer, which knows none, and the loop of linear TD over "
        "transitions."
    ),
    under={"softmax-td": "E positive semidefinite, v₀ = ⟨ψ, w₀⟩", "linear": "features φ/Z, weights Z(Sₖ)"},
)
