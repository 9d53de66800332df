r"""stationary: an irreducible chain has exactly one stationary distribution, positive; aperiodicity makes the chain forget."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, permutations
from math import gcd
from random import Random
from typing import Any, NamedTuple

from icrl.arrays import np
from icrl.mrp import MarkovRewardProcess
from icrl.verify.instances.cases import shown
from icrl.verify.instances.chains import float_chain, fractions, irreducible, rational_chain
from icrl.verify.instances.words import described
from icrl.verify.judging.blocks import letters
from icrl.verify.judging.differences import all_fractions
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Budget, Check, Claim, Counterexample, Hypothesis, Mutant, Verdict
from icrl.verify.routes.exact_algebra import null_vectors, tree_distribution

FLIP = [[0, 1], [1, 0]]
CYCLE = [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
TWO_ISLANDS = [[1, 0], [0, 1]]
ONE_WAY = [[0, 1], [0, 1]]
REDUCIBLE = (TWO_ISLANDS, ONE_WAY)
TWICE = [[2]]
NEGATIVE = [[Fraction(1, 2), Fraction(1, 2)], [Fraction(-1, 4), Fraction(5, 4)]]
SAMPLES = [(size, turn) for size in (1, 2, 3, 4) for turn in range(6)]
TRIALS, TOLERANCE = 300, 1e-9
"""Float tolerance on probabilities. Squaring the lazy chain 40 times with rows scaled back to 1 was seen to err by 1e-13
on chains such as these; a wrong variant errs by the size of a probability."""


def is_aperiodic(P: np.ndarray) -> bool:
    """Whether the lengths of all round trips of an irreducible P have no common divisor but 1."""
    depth, frontier = {0: 0}, [0]
    while frontier:
        s = frontier.pop(0)
        for u in np.flatnonzero(P[s] > 0).tolist():
            if u not in depth:
                depth[u] = depth[s] + 1
                frontier.append(u)
    return gcd(*(depth[s] + 1 - depth[u] for s in depth for u in np.flatnonzero(P[s] > 0).tolist())) == 1


def is_one_class(P: np.ndarray) -> bool:
    """Whether some state is reached from every other."""
    reach = np.linalg.matrix_power((np.eye(len(P)) + np.array(P, float) > 0).astype(int), len(P))
    return bool((reach > 0).all(axis=0).any())


@dataclass(frozen=True)
class Stationary:
    """The statement with its pieces: the matrix whose null vectors are meant, m, the factor, which chains have one positive
    solution, which of these forget, and what is let in that is no chain."""

    system: Callable[[np.ndarray], np.ndarray] = lambda P: P.T - np.eye(len(P), dtype=int)
    power: Callable[[int], int] = lambda size: wielandt(size)
    factor: Callable[[int, Any], Any] = lambda size, least: 1 - size * least
    irreducible: Callable[[np.ndarray], bool] = irreducible
    aperiodic: Callable[[np.ndarray], bool] = is_aperiodic
    beyond: tuple = ()


class Chain(NamedTuple):
    """A transition matrix, measured."""

    P: np.ndarray

    def measures(self) -> dict[str, Any]:
        """Size, and what is particular about the chain."""
        return {
            "|S|": len(self.P),
            "a period above 1": not is_aperiodic(self.P),
            "an entry of 0": bool((self.P == 0).any()),
        }


def wielandt(size: int) -> int:
    """(|S| − 1)² + 1: the power by which an irreducible aperiodic matrix has become positive."""
    return (size - 1) ** 2 + 1


def not_closer(claim: Stationary, P: np.ndarray, mu: np.ndarray, allowed: float = 0) -> Counterexample | None:
    """Where ε = min P^m is not positive, or P^m does not draw each μ_0 to μ that is μ with the mass of one state moved to another.

    Every μ_0 − μ is a sum of multiples of such, whose norms add up to its own: what holds of these holds of every μ_0.
    """
    size, m = len(P), max(1, claim.power(len(P)))
    power = P
    for _ in range(m - 1):
        power = power @ P
    least = power.min()
    if not least > 0:
        return Counterexample(
            f"P = {shown(P)}", f"least entry of P^{m}", shown(least), "a positive number", asserted=("power",)
        )
    for s, u in permutations(range(size), 2):
        moved = mu.copy()
        moved[s], moved[u] = mu[s] + mu[u], 0 * mu[u]
        before, after = (np.abs(each - mu).sum() for each in (moved, moved @ power))
        most = claim.factor(size, least) * before
        if not after <= most + allowed:
            return Counterexample(
                f"P = {shown(P)}, μ_0 = {shown(moved)}",
                f"distance to μ after {m} steps, which was {shown(before)}",
                shown(after),
                f"at most {shown(most)}",
                asserted=("forgets",),
            )
    return None


def met_by(chains: int, aperiodic: int) -> dict[str, int]:
    """How often each assertion was checked, on so many irreducible chains, of which so many are aperiodic."""
    return {"unique": chains, "positive": chains, "power": aperiodic, "forgets": aperiodic}


def extremal(size: int) -> list[list]:
    """Wielandt's chain: a cycle through all states and a second one that leaves out the first; only P^m is positive."""
    P = [[Fraction(int(u == (s + 1) % size)) for u in range(size)] for s in range(size)]
    P[-1] = [Fraction(int(u < 2), 2) for u in range(size)]
    return P


def exact_chains() -> Iterator[np.ndarray]:
    """Chains in ``Fraction``s, periodic ones and reducible ones among them, with an irreducible one for each of :data:`SAMPLES`."""
    yield from map(
        fractions,
        (
            FLIP,
            CYCLE,
            [[0, 1], ["1/2", "1/2"]],
            [[0, 1, 0], ["1/3", 0, "2/3"], [0, 1, 0]],
            *map(extremal, (2, 3, 4)),
            [["2/3", "1/3"], ["1/3", "2/3"]],
            *REDUCIBLE,
        ),
    )
    rng = Random(0)
    for size, _ in SAMPLES:
        P = rational_chain(rng, size)
        while not irreducible(P):
            yield P
            P = rational_chain(rng, size)
        yield P


def exact(claim: Stationary, budget: Budget) -> Verdict:
    """Null space of dimension 1, its vector that of the tree theorem, positive; then the contraction of P^m."""
    chains, convergent = list(filter(claim.irreducible, exact_chains())), 0
    for P in [*map(fractions, claim.beyond), *chains]:
        basis = null_vectors(claim.system(P))
        if len(basis) != 1:
            return Verdict(
                False,
                "more than one solution",
                counterexample=Counterexample(
                    f"P = {shown(P)}", "independent solutions of μP = μ", str(len(basis)), "1", asserted=("unique",)
                ),
            )
        found, right = basis[0] / sum(basis[0]), tree_distribution(P)
        if (all_fractions(found) != all_fractions(right)).any():
            return Verdict(
                False,
                "not the tree theorem's",
                counterexample=Counterexample(f"P = {shown(P)}", "μ", shown(found), shown(right), asserted=("unique",)),
            )
        if min(found) <= 0:
            return Verdict(
                False,
                "not positive",
                counterexample=Counterexample(
                    f"P = {shown(P)}",
                    "least entry of μ",
                    shown(min(found)),
                    "a positive number",
                    asserted=("positive",),
                ),
            )
    for P in filter(claim.aperiodic, chains):
        far = not_closer(claim, P, tree_distribution(P))
        if far:
            return Verdict(False, "the chain does not forget", counterexample=far)
        convergent += 1
    return Verdict(
        True,
        f"{len(chains)} irreducible rational chains, one solution each, that of the tree theorem; {convergent} of them aperiodic, each contracting in (|S| − 1)² + 1 steps",
        met=met_by(len(chains), convergent),
    )


def float_chains(seed: int) -> Iterator[np.ndarray]:
    """What is periodic or reducible, small; then random chains of 1 to 10 states, about a third of their entries 0."""
    yield from (np.array(P, float) for P in (FLIP, *REDUCIBLE))
    rng = np.random.default_rng(seed)
    while True:
        yield float_chain(rng, int(rng.integers(1, 11)))


def lazy_limit(P: np.ndarray) -> np.ndarray:
    """((I + P)/2)^m for m = 2^40, by squaring: its rows are where the lazy chain ends from each start."""
    power = (np.eye(len(P)) + P) / 2
    for _ in range(40):
        power = power @ power
        power /= power.sum(axis=1, keepdims=True)
    return power


def solved(claim: Stationary, P: np.ndarray) -> np.ndarray:
    """The system with Σμ = 1 beside it, by least squares."""
    rows = np.vstack([claim.system(P), np.ones(len(P))])
    return np.linalg.lstsq(rows, np.eye(len(P) + 1)[-1], rcond=None)[0]


def numeric(claim: Stationary, budget: Budget) -> Verdict:
    """The linear system, ``stationary_distribution`` and the power iteration of the lazy chain; then the contraction of P^m."""
    trials, worst, convergent = budget.trials or TRIALS, 0.0, 0
    for P in claim.beyond:
        if found := not_unique(lazy_limit(np.array(P, float)), P):
            return Verdict(False, "not one positive distribution", counterexample=found)
    for trial, P in enumerate(islice(filter(claim.irreducible, float_chains(budget.seed)), trials)):
        limit, aperiodic = lazy_limit(P), claim.aperiodic(P)
        where = f"fails in trial {trial + 1} (seed {budget.seed})"
        if found := not_unique(limit, P):  # the library refuses such a chain
            return Verdict(False, where, counterexample=found)
        gap, found = library_gap(claim, P, limit)
        if found := found or (not_closer(claim, P, limit[0], TOLERANCE) if aperiodic else None):
            return Verdict(False, where, counterexample=found)
        worst, convergent = max(worst, gap), convergent + aperiodic
        budget.progress(trial + 1, trials)
    return Verdict(
        True,
        f"{trials} random irreducible chains (seed {budget.seed}): "
        f"stationary_distribution, the linear system and the lazy chain's limit agree to {TOLERANCE:g}; "
        "those that are aperiodic contract",
        f"largest difference {worst:.1e}",
        met=met_by(trials, convergent),
    )


def library_gap(claim: Stationary, P: np.ndarray, limit: np.ndarray) -> tuple[float, Counterexample | None]:
    """How far the linear system and the lazy chain's limit are from ``stationary_distribution``, and where the system is too far."""
    mu, library = solved(claim, P), MarkovRewardProcess(P, np.zeros(len(P)), 0.5).stationary_distribution()
    gap = float(max(np.abs(limit[0] - library).max(), np.abs(mu - library).max()))
    if gap <= TOLERANCE:
        return gap, None
    s = int(np.argmax(np.abs(mu - library)))
    found = shown(float(mu[s])), shown(float(library[s]))
    return gap, Counterexample(f"|S| = {len(P)}", f"μ at state {s}", *found, asserted=("unique",))


def not_unique(limit: np.ndarray, P: np.ndarray) -> Counterexample | None:
    """Where the lazy chain's limit depends on its start, or is not positive."""
    if not np.abs(limit - limit[0]).max() <= TOLERANCE:
        return Counterexample(
            f"P = {shown(P)}",
            "limit of the lazy chain from the last state",
            shown(limit[-1]),
            f"{shown(limit[0])}, as from state 0,",
            asserted=("unique",),
        )
    if not limit.min() > 0:
        return Counterexample(
            f"P = {shown(P)}",
            "least entry of μ",
            shown(float(limit.min())),
            "a positive number",
            asserted=("positive",),
        )
    return None


MUTANTS = (
    Mutant("P in the place of its transpose", Stationary(lambda P: P - np.eye(len(P), dtype=int))),
    Mutant("a reducible chain let in", Stationary(irreducible=lambda P: True)),
    Mutant("positive without irreducibility", Stationary(irreducible=is_one_class)),
    Mutant("convergence without aperiodicity", Stationary(aperiodic=lambda P: True)),
    Mutant(
        "a row that sums to 2 let in",
        Stationary(beyond=(TWICE,)),
        {"numeric": "the lazy chain's rows are scaled back to 1"},
    ),
    Mutant("a negative entry let in", Stationary(beyond=(NEGATIVE,))),
    Mutant("m one step shorter", Stationary(power=lambda size: wielandt(size) - 1)),
    Mutant("a factor with a tenth more of ε", Stationary(factor=lambda size, least: 1 - size * least * 11 / 10)),
    Mutant("the factor squared", Stationary(factor=lambda size, least: (1 - size * least) ** 2)),
)


SIZE = r"\lvert\mathcal{S}\rvert"

ASSERTIONS = (
    Assertion(
        "unique",
        r"If $P$ is irreducible, exactly one distribution $\mu$ satisfies $\mu P = \mu$.",
        typed="equation",
    ),
    Assertion("positive", r"Then $\mu(s) > 0$ for every state $s$.", typed="condition"),
    Assertion(
        "power",
        lambda claim: (
            rf"""
If $P$ is aperiodic as well, the least entry $\varepsilon$ of $P^m$ is positive for $m = {letters(claim.power, SIZE)}$.
"""
        ),
    ),
    Assertion(
        "forgets",
        lambda claim: (
            rf"""
Every initial distribution $\mu_0$ is then drawn towards $\mu$,

$$
\norm{{\mu_0 P^m - \mu}}_1 \;\le\; \bigl({letters(claim.factor, SIZE, "varepsilon")}\bigr)\, \norm{{\mu_0 - \mu}}_1 ,
$$

so that the distribution $\mu_t = \mu_0 P^t$ of $S_t$ converges to $\mu$.
"""
        ),
    ),
)


HYPOTHESES = (
    Hypothesis(
        "Finitely many states.",
        reason="no instance here is infinite; the symmetric walk on the integers is irreducible and has no stationary distribution",
    ),
    Hypothesis("The rows of $P$ sum to 1.", "a row that sums to 2 let in"),
    Hypothesis("$P$ has no negative entry.", "a negative entry let in"),
    Hypothesis(
        "For uniqueness: $P$ irreducible (every state reaches every other). A stationary distribution exists without that.",
        "a reducible chain let in",
        holds=irreducible,
    ),
    Hypothesis("For positivity: $P$ irreducible.", "positive without irreducibility", holds=irreducible),
    Hypothesis(
        r"For $\varepsilon > 0$ and the convergence of $\mu_t$ also: $P$ aperiodic.",
        "convergence without aperiodicity",
        holds=is_aperiodic,
    ),
)


CLAIM = Claim(
    id="stationary",
    title="The stationary distribution",
    chapter="markov-reward-processes",
    environment="theorem",
    statement=lambda: "Let $P$ be a transition matrix on finitely many states.",
    assertions=ASSERTIONS,
    hypotheses=HYPOTHESES,
    subject=Stationary(),
    checks=(
        proof(
            "stationary",
            "for every number of states, one or more; the rate for every m and every ε that is at most each entry of P^m; the limit of μ_t "
            "where no number is above all natural numbers, as among the reals",
            stated=(
                "stationary.a_stationary_distribution_exists",
                "stationary.irreducible_has_one_stationary_distribution",
                "wielandt.power_of_an_aperiodic_chain_is_positive",
                "stationary.start_is_forgotten",
                "wielandt.aperiodic_chain_converges",
            ),
            further=("stationary.start_is_forgotten_geometrically",),
            definitions=(
                "bellman.power",
                "stationary.irreducible",
                "stationary.norm1",
                "wielandt.aperiodic",
            ),
            asserts=("unique", "positive", "power", "forgets"),
        ),
        Check(
            "exact",
            lambda: (
                f"{described(map(Chain, filter(irreducible, exact_chains())), 'irreducible chains in rationals')}; "
                "against the Markov chain tree theorem"
            ),
            exact,
            shows=(exact, not_closer),
        ),
        Check(
            "numeric",
            lambda: (
                f"{described(map(Chain, islice(filter(irreducible, float_chains(0)), TRIALS)), 'irreducible chains in floats')}; "
                "against MarkovRewardProcess.stationary_distribution"
            ),
            numeric,
            shows=(numeric, not_unique, not_closer),
        ),
    ),
    mutants=MUTANTS,
    source="standard; the chapter gives the argument",
    shared="P as given; the tree theorem solves no equation, and the lazy chain only multiplies",
)
