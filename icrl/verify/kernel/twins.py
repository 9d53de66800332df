r"""The proofs' program against Python's: the same random rational cases, run by the proof assistant and here, compared exactly.

``proofs/executable.v`` holds the Transformer and softmax TD that the theorems are about, as programs; the proof assistant
evaluates them at its binary rationals. Here the book's construction and its TD loop run on ``Fraction``\ s. All put
1 + t + t² in the place of exp. A wrong definition shared by all the proofs shows here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import accumulate, product
from random import Random
from typing import Any

from icrl.verify.instances.cases import Case, as_matrices, iterates, rational_case
from icrl.verify.instances.episodic import in_episodes
from icrl.verify.routes.edits import Machine

SIZES, DIMENSIONS, DEPTHS, TRAJECTORIES = range(1, 7), range(4), range(5), range(1, 4)
"""n, d and L of the cases that are compared, and how many trajectories those of several have."""

# How every file that is asked begins.
PREAMBLE = """From Coq Require Import QArith.
From mathcomp Require Import ssreflect ssrbool eqtype ssrnat seq.
From icrl Require Import executable.
Open Scope Z_scope.
Set Printing Width 1000000.
Set Printing Depth 100000000.
Definition numbers (Z : seq (seq Q)) := map (map (fun q => (Qnum q, Zpos (Qden q)))) Z.
Definition prompt n d states rewards features gamma v A alphas :=
  numbers (exec_transformer rationals n.+1 d (exec_shift rationals n)
    (exec_softmax rationals n.+1 (stand_in rationals) (exec_sources n)) A gamma alphas
    (size alphas) (exec_prompt rationals n d states rewards features gamma v)).
Definition values n d states rewards features gamma v A alphas :=
  let final := exec_softmax_td rationals (size v) n d states rewards features gamma (stand_in rationals) A alphas v (size alphas) in
  numbers [:: map (nth (zero rationals) final) states].
Definition episodes_prompt C d states next (hidden : seq nat) rewards features gamma v A alphas :=
  numbers (exec_transformer rationals C d (exec_shift_of rationals C next)
    (exec_softmax rationals C (stand_in rationals) (fun k => k \\notin hidden)) A gamma alphas
    (size alphas) (exec_ep_prompt rationals C d states rewards features gamma next v)).
Definition episodes_values C d states next (hidden : seq nat) rewards features gamma v A alphas :=
  let final := exec_ep_softmax_td rationals (size v) C d states next (fun k => k \\notin hidden)
    rewards features gamma (stand_in rationals) A alphas v (size alphas) in
  numbers [:: map (nth (zero rationals) final) states].
"""


def instances(seed: int = 0) -> list[Case]:
    """Random cases: every n in 1..6, d in 0..3 and depth in 0..4 once, then again each of depth 2 (144 in all).

    Then 60 of several trajectories: 1, 2 or 3 that terminate or are cut, every d and depth.
    """
    rng = Random(seed)
    shapes = [*product(SIZES, DIMENSIONS, DEPTHS), *product(SIZES, DIMENSIONS, [2])]
    one = [_small_case(rng, n, d, depth) for n, d, depth in shapes]
    return one + [_episodic_case(rng, m, d, depth) for m, d, depth in product(TRAJECTORIES, DIMENSIONS, DEPTHS)]


def positive(t: Any) -> Any:
    """1 + t + t², in the place of exp: positive everywhere, and not even, so that a score of the wrong sign shows."""
    return 1 + t + t * t


def _small_case(rng: Random, n: int, d: int, depth: int) -> Case:
    """A random case of halves, γ of any sign and size, and step sizes too but 0; the fractions grow with every layer, and small scores keep them short."""
    case = rational_case(rng, n, d, depth)
    halves = lambda row, most: [Fraction(rng.randint(-most, most), 2) for _ in row]
    features, A = ([halves(row, 2) for row in rows] for rows in (case.features, case.A))
    return replace(
        case,
        features=features,
        A=A,
        gamma=halves([0], 3)[0],
        alphas=[step or Fraction(1) for step in halves(case.alphas, 3)],
        exp=positive,
    )


def _episodic_case(rng: Random, m: int, d: int, depth: int) -> Case:
    """The like of m trajectories of one or two transitions each, which terminate or are cut."""
    endings = [(rng.randint(1, 2), rng.random() < 0.5) for _ in range(m)]
    return in_episodes(_small_case(rng, sum(length + 1 for length, _ in endings) - 1, d, depth), endings)


def as_coq(cases: Sequence[Case]) -> str:
    """A file for the proof assistant that prints, for each case, the prompt after the last layer and the values along the context after as many updates of TD."""
    return PREAMBLE + "".join(
        f"Eval vm_compute in {_asked(case, what)}.\n" for case in cases for what in ("prompt", "values")
    )


def _asked(case: Case, what: str) -> str:
    if case.endings is None:
        return f"{what} {case.n} {case.d} {_naturals(case.states)} {_given(case, case.rewards)}"
    rewards = case.along_columns(case.rewards, 0 * case.gamma)
    columns = " ".join(map(_naturals, (case.states, *_read_and_hidden(case))))
    return f"episodes_{what} {case.columns} {case.d} {columns} {_given(case, rewards)}"


def _read_and_hidden(case: Case) -> tuple[list[int], list[int]]:
    """The column that each column reads, no column's number where it reads none; and the last columns of the trajectories."""
    ends = list(accumulate(len(states) for states, _ in case.trajectories))
    hidden = [end - 1 for end in ends]
    terminated = [end - 2 for end, (_, ended) in zip(ends, case.trajectories) if ended]
    none = {*hidden, *terminated}
    return [case.columns if j in none else j + 1 for j in range(case.columns)], hidden


def _given(case: Case, rewards: Sequence) -> str:
    return " ".join(map(_term, (rewards, case.features, case.gamma, case.v, case.A, case.alphas)))


def _naturals(numbers: Sequence[int]) -> str:
    return _list(f"{number}%nat" for number in numbers)


def _term(value: Any) -> str:
    if isinstance(value, Fraction):
        return f"({value.numerator} # {value.denominator})%Q"
    return _list(map(_term, value))


def _list(terms: Any) -> str:
    return "[:: " + "; ".join(terms) + "]"


def parsed(output: str) -> list[list[list[Fraction]]]:
    """The matrices printed by the file of :func:`as_coq`, two for each case; ``ValueError`` for an entry of another form."""
    terms = re.findall(r"^\s*= (.*?)\s*: seq \(seq \(", output, re.MULTILINE | re.DOTALL)
    return [_matrix(term) for term in terms]


def _matrix(term: str) -> list[list[Fraction]]:
    entry = r"\((-?\d+), (\d+)\)"
    row = rf"\[:: {entry}(?:; {entry})*\]"
    if not re.fullmatch(rf"\[:: {row}(?:; {row})*\]", term):
        raise ValueError(f"expected a matrix of pairs of whole numbers, got {term[:80]!r}")
    return [[Fraction(int(p), int(q)) for p, q in re.findall(entry, found.group())] for found in re.finditer(row, term)]


def computed_in_python(case: Case, machine: Machine = Machine()) -> list[list[list[Fraction]]]:
    """The prompt after the last layer, by the book's construction, and the values along the context, by its TD loop."""
    *_, Z = machine.run(*as_matrices(case))
    *_, v = iterates(case)
    return [Z.tolist(), [[v[s] for s in case.states]]]


@cache
def python_values(machine: Machine = Machine()) -> list[list[list[Fraction]]]:
    """:func:`computed_in_python` for every instance."""
    return [matrix for case in instances() for matrix in computed_in_python(case, machine)]


def fingerprint(values: Sequence[list[list[Fraction]]]) -> str:
    """SHA-256 of matrices of fractions, in lowest terms."""
    return hashlib.sha256(
        repr([[[str(entry) for entry in row] for row in matrix] for matrix in values]).encode()
    ).hexdigest()


def compare(output: str, cases: Sequence[Case]) -> list[str]:
    """Where the two differ, a line each, none when they agree; ``ValueError`` unless the output has two matrices of the right shapes for each case."""
    matrices = parsed(output)
    if len(matrices) != 2 * len(cases):
        raise ValueError(f"expected {2 * len(cases)} matrices, two for each case, got {len(matrices)}")
    pairs = zip(matrices[::2], matrices[1::2])
    return [
        line
        for given, case in zip(pairs, cases)
        for matrix, right, name in zip(given, computed_in_python(case), NAMES)
        for line in _differences(matrix, right, name, case)
    ]


NAMES = "prompt", "TD"
"""The two things that are computed twice."""


def _differences(got: list[list[Fraction]], right: list[list[Fraction]], name: str, case: Case) -> list[str]:
    if [len(row) for row in got] != [len(row) for row in right]:
        raise ValueError(
            f"expected rows of lengths {[len(row) for row in right]}, got {[len(row) for row in got]} for {case}"
        )
    pairs = ((i, j, p, right[i][j]) for i, row in enumerate(got) for j, p in enumerate(row))
    return [
        f"{name}, row {i}, column {j}: {p} by the proofs' program, {q} by Python's, for {case}, E = 1 + t + t²"
        for i, j, p, q in pairs
        if p != q
    ]
