r"""The proofs' program against the construction: the same random rational cases, run by the proof assistant and here, compared exactly.

``proofs/executable.v`` is the construction that the theorems are about, as a program; the proof assistant evaluates it at its binary rationals. Here
the book's construction runs on ``Fraction``\ s. Both put 1 + t² in the place of exp. A wrong definition shared by all the proofs shows here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import product
from typing import Any

import numpy as np

from icrl.claims.cases import Case, as_matrices, rational_case
from icrl.claims.machine import Machine

SIZES, DIMENSIONS, DEPTHS = range(1, 7), range(4), range(5)

PREAMBLE = """From Coq Require Import QArith.
From mathcomp Require Import ssreflect seq.
From icrl Require Import executable.
Open Scope Z_scope.
Set Printing Width 1000000.
Set Printing Depth 100000000.
Definition numbers (Z : seq (seq Q)) := map (map (fun q => (Qnum q, Zpos (Qden q)))) Z.
Definition final n d states rewards features gamma v A alphas :=
  numbers (exec_transformer rationals n d (exec_softmax rationals n (stand_in rationals) (exec_sources n)) A gamma alphas
    (size alphas) (exec_prompt rationals n d states rewards features gamma v)).
"""


def instances(seed: int = 0) -> list[Case]:
    """Random cases: every n in 1..6, d in 0..3 and depth in 0..4 once, then again each of depth 2 (144 in all)."""
    rng = np.random.default_rng(seed)
    shapes = [*product(SIZES, DIMENSIONS, DEPTHS), *product(SIZES, DIMENSIONS, [2])]
    return [_small_case(rng, n, d, depth) for n, d, depth in shapes]


def _small_case(rng: np.random.Generator, n: int, d: int, depth: int) -> Case:
    """A random case whose features and A are halves from -1 to 1: the fractions grow with every layer, and small scores keep them short."""
    case = rational_case(rng, n, d, depth)
    halves = lambda rows: [[Fraction(int(rng.integers(-2, 3)), 2) for _ in row] for row in rows]  # noqa: E731
    return replace(case, features=halves(case.features), A=halves(case.A))


def as_coq(cases: Sequence[Case]) -> str:
    """A file for the proof assistant that prints, a case a line, the prompt after the last layer."""
    return PREAMBLE + "".join(f"Eval vm_compute in final {_arguments(case)}.\n" for case in cases)


def _arguments(case: Case) -> str:
    lists = (case.rewards, case.features, case.gamma, case.v, case.A, case.alphas)
    return f"{case.n} {case.d} {_list(f'{s}%nat' for s in case.states)} " + " ".join(map(_term, lists))


def _term(value: Any) -> str:
    if isinstance(value, Fraction):
        return f"({value.numerator} # {value.denominator})%Q"
    return _list(map(_term, value))


def _list(terms: Any) -> str:
    return "[:: " + "; ".join(terms) + "]"


def parsed(output: str) -> list[list[list[Fraction]]]:
    """The matrices printed by the file of :func:`as_coq`, one for each case; ``ValueError`` for an entry of another form."""
    terms = re.findall(r"^\s*= (.*?)\s*: seq \(seq \(", output, re.MULTILINE | re.DOTALL)
    return [_matrix(term) for term in terms]


def _matrix(term: str) -> list[list[Fraction]]:
    entry = r"\((-?\d+), (\d+)\)"
    row = rf"\[:: {entry}(?:; {entry})*\]"
    if not re.fullmatch(rf"\[:: {row}(?:; {row})*\]", term):
        raise ValueError(f"expected a matrix of pairs of whole numbers, got {term[:80]!r}")
    return [[Fraction(int(p), int(q)) for p, q in re.findall(entry, found.group())] for found in re.finditer(row, term)]


def computed_in_python(case: Case, machine: Machine = Machine()) -> list[list[Fraction]]:
    """The prompt after the last layer, by the book's construction."""
    *_, Z = machine.run(*as_matrices(case))
    return Z.tolist()


@cache
def python_values(machine: Machine = Machine()) -> list[list[list[Fraction]]]:
    """:func:`computed_in_python` for every instance."""
    return [computed_in_python(case, machine) for case in instances()]


def fingerprint(values: Sequence[list[list[Fraction]]]) -> str:
    """SHA-256 of matrices of fractions, in lowest terms."""
    return hashlib.sha256(repr([[[str(entry) for entry in row] for row in matrix] for matrix in values]).encode()).hexdigest()


def compare(output: str, cases: Sequence[Case]) -> list[str]:
    """Where the two differ, a line each, none when they agree; ``ValueError`` unless the output has a matrix of the right shape for each case."""
    matrices = parsed(output)
    if len(matrices) != len(cases):
        raise ValueError(f"expected {len(cases)} matrices, one for each case, got {len(matrices)}")
    return [line for matrix, case in zip(matrices, cases) for line in _differences(matrix, case)]


def _differences(got: list[list[Fraction]], case: Case) -> list[str]:
    shape, wanted = [len(row) for row in got], [case.n + 1] * (case.d + 3)
    if shape != wanted:
        raise ValueError(f"expected rows of lengths {wanted}, got {shape} for {case}")
    right = computed_in_python(case)
    pairs = ((i, j, got[i][j], right[i][j]) for i, j in product(range(case.d + 3), range(case.n + 1)))
    return [f"row {i}, column {j}: {p} by the proofs' program, {q} by the construction, for {case}" for i, j, p, q in pairs if p != q]
