r"""A context grouped by state: its transitions as matrices, the weights of states, and three routes to the values on W.

C marks the state that each of the n transitions leaves, D the state that it reaches, R holds its reward.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from sympy import MatrixSymbol, Symbol
from sympy.matrices.expressions.matexpr import MatrixExpr

from icrl.arrays import np
from icrl.mrp import Context
from icrl.operator import Operator, layer_operator, operator_from_kernel
from icrl.prompt import rows
from icrl.verify.instances.cases import Case, as_matrices, iterates
from icrl.verify.judging import blocks as sy
from icrl.verify.routes.edits import Machine
from icrl.verify.routes.exact_algebra import solved

# The transitions of a context as matrices


class Transitions(NamedTuple):
    """C[k, s] = 1[S_k = s] and D[k, s] = 1[S_{k+1} = s], (n, |W|), and the rewards R (n,); or symbols of any size."""

    C: Any
    D: Any
    R: Any


def array(case: Case, entries: Any) -> np.ndarray:
    """An array of the case's kind of number."""
    return np.array(entries, float if isinstance(case.gamma, float) else object)


def transitions(case: Case) -> Transitions:
    """The n transitions; those that terminate reach nothing."""
    one, zero = 0 * case.gamma + 1, 0 * case.gamma
    mark = lambda states: array(case, [[one if s == u else zero for u in case.visited] for s in states])
    before, _, after, ended = zip(*case.moves)
    reached = [None if ends else s for s, ends in zip(after, ended)]
    return Transitions(mark(before), mark(reached), array(case, case.rewards))


def without_mask(case: Case) -> Transitions:
    """The same with the query column among the keys: a transition out of S_n that reaches no state and has no reward."""
    C, D, R = transitions(
        replace(case, states=[*case.states, case.states[-1]], rewards=[*case.rewards, 0 * case.gamma])
    )
    D[-1] = 0 * D[-1]
    return Transitions(C, D, R)


def powers(case: Case, C: np.ndarray) -> np.ndarray:
    """E(s, u) on W; for floats divided by the largest of the row among the keys, so that it cannot overflow."""
    g = array(case, [[case.scores[s][u] for u in case.visited] for s in case.visited])
    if case.exp is None:
        return np.exp(np.minimum(g - np.where(C.sum(axis=0) > 0, g, -np.inf).max(axis=1, keepdims=True), 0))
    return array(case, np.vectorize(case.exp, otypes=[object])(g))


def normalised(case: Case, C: np.ndarray) -> np.ndarray:
    """κ(s, u) = E(s, u) / Σ_k E(s, S_k), (|W|, |W|): the weight that s gives to each key at u."""
    E = powers(case, C)
    return E / (E @ C.sum(axis=0))[:, None]


def by_state(kappa: Any, C: Any) -> Any:
    """K = κCᵀ, (|W|, keys): the weight of a key depends on its state alone."""
    return kappa @ C.T


def by_position(kappa: Any, C: Any) -> Any:
    """K(k|s) in proportion to κ(s, S_k), doubled where k + s = 1: keys of one state weigh differently. Opaque at symbolic sizes."""
    if isinstance(C, MatrixExpr):
        return MatrixSymbol("K", C.shape[1], C.shape[0])
    table = by_state(kappa, C) * [[1 + (k + s == 1) for k in range(len(C))] for s in range(len(kappa))]
    return table / table.sum(axis=1)[:, None]


def of_either_sign(kappa: Any, C: Any) -> Any:
    """K with the sign of κ turned wherever key and query are two states, normalised again. At symbolic sizes as it was."""
    if isinstance(C, MatrixExpr):
        return by_state(kappa, C)
    signed = kappa * np.where(np.eye(len(kappa), dtype=bool), 1, -1)
    return by_state(signed / (signed @ C.sum(axis=0))[:, None], C)


def inverse_counts(C: Any) -> Any:
    """(CᵀC)⁻¹ = diag(1/n_s), with 0 for a state that is never left; at symbolic sizes every state is left."""
    if isinstance(C, MatrixExpr):
        return (C.T @ C).inv()
    return np.diag([1 / count if count > 0 else 0 * count for count in C.sum(axis=0)])


def empirical_model(C: Any, D: Any, R: Any) -> tuple[Any, Any]:
    """P_e = (CᵀC)⁻¹CᵀD and r̂ = (CᵀC)⁻¹CᵀR."""
    return inverse_counts(C) @ (C.T @ D), inverse_counts(C) @ (C.T @ R)


def mean_over_all(C: Any, D: Any, R: Any) -> tuple[Any, Any]:
    """P_e, and CᵀR/n in the place of r̂: the sum of the rewards out of s over all transitions, not over those out of s."""
    return empirical_model(C, D, R)[0], C.T @ R / C.shape[0]


# The numbers of transitions and of states visited; the transitions; M̂, v, γ and α: for every size.
STATES, GAMMA, ALPHA = Symbol("N", integer=True, positive=True), sy.gamma, Symbol("alpha")
SYMBOLS = Transitions(MatrixSymbol("C", sy.n, STATES), MatrixSymbol("D", sy.n, STATES), MatrixSymbol("R", sy.n, 1))
KAPPA, VALUES = MatrixSymbol("kappa", STATES, STATES), MatrixSymbol("v", STATES, 1)
"""A context of n transitions over N states at symbolic sizes: C, D and R, the weights κ, a value function, γ and α."""


def td_update(K: Any, given: Transitions, gamma: Any, alpha: Any, v: Any) -> Any:
    """v + αK(R + γDv − Cv), from the definition of weighted TD."""
    return v + alpha * (K @ (given.R + gamma * (given.D @ v) - given.C @ v))


# The routes


def operator_of(case: Case) -> Operator:
    """The library's operator: of the features for floats with the true exponential, else of the table E."""
    if case.exp is None:
        context = Context(case.states, case.rewards, case.endings)
        return layer_operator(context, case.features, case.gamma, np.reshape(case.A, (case.d, case.d)))
    E = powers(case, transitions(case).C)
    return operator_from_kernel(case.states, case.rewards, E, case.gamma, case.endings)


def values(case: Case, machine: Machine = Machine()) -> list[np.ndarray]:
    """v_0, v_1, … on W: the Transformer's value row after every layer, each state read off its first column."""
    first = [case.states.index(s) for s in case.visited]
    return [np.asarray(rows(Z).value)[0, first] for Z in machine.run(*as_matrices(case))]


def on_visited(case: Case, updates: Iterator[dict]) -> list[np.ndarray]:
    """Value functions on W."""
    return [array(case, [v[s] for s in case.visited]) for v in updates]


def one_update(case: Case, loop: Callable[[Any], Iterator[dict]]) -> Callable[[np.ndarray], np.ndarray]:
    """The loop's first update, as a map of the values on W."""
    return lambda v: on_visited(case, loop(replace(case, v=dict(zip(case.visited, v)), alphas=case.alphas[:1])))[1]


def loop(case: Case) -> list[np.ndarray]:
    """v_0, v_1, … on W by the TD loop."""
    return on_visited(case, iterates(case))


def certainty_equivalence(case: Case) -> np.ndarray:
    """v_CE on W, by counting and elimination: what is left of the context when its weights are forgotten."""
    W = case.visited
    one, zero, lines, paid = 0 * case.gamma + 1, 0 * case.gamma, [], []
    for s in W:
        mine = [(reward, None if ended else after) for before, reward, after, ended in case.moves if before == s]
        share = one / max(len(mine), 1)
        lines.append([(one if u == s else zero) - case.gamma * share * sum(after == u for _, after in mine) for u in W])
        paid.append(share * sum((reward for reward, _ in mine), zero))
    return solved(array(case, lines), array(case, paid))


def unit_vector(case: Case, s: int) -> np.ndarray:
    """1 at the s-th state of W, 0 elsewhere."""
    return array(case, [0 * case.gamma + (i == s) for i in range(len(case.visited))])
