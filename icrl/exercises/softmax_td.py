"""The exercises of "Softmax attention is weighted softmax TD"."""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random
from typing import Any

from icrl.algebra import place, scalar
from icrl.arrays import np
from icrl.exercises.judging.answers import CLOSE, a_function, array_of, called, differs, shown
from icrl.exercises.judging.construction import CONTEXTS, compared, first_values, named, start, value_rows
from icrl.exercises.judging.judgement import Exercise
from icrl.mrp import Context
from icrl.prompt import REWARD, TARGET, VALUE, row_sizes


def judge_ledger_of_costs(answer: Any) -> str | None:
    """``answer(gamma, alpha)``: V's entries with which costs −R and a memory v(S_{j+1}) make the layer softmax TD."""
    entries = a_function(answer, "gamma and alpha")
    for context in CONTEXTS:
        for gamma, alpha in ((0.5, 0.5), (0.9, 0.25)):
            instance = f"{named(context)}, v_0(s) = 1 − s, γ = {gamma}, α = {alpha}"
            given, raised = called(entries, gamma, alpha)
            if raised:
                return f"At {instance}:\nit raises {raised}."
            row, why = array_of(given, (3,), "the three entries")
            if why:
                return f"At {instance}: {why}"
            Z, p = start(context, first_values(context), gamma, alpha)
            right = value_rows(Z, p, 2)[2]
            Z[-3], Z[-2] = -Z[-3], Z[-1] @ p.target_memory.shift
            put = {(VALUE, band): scalar(entry, Z) for band, entry in zip((REWARD, TARGET, VALUE), row)}
            W = place({(TARGET, VALUE): scalar(1, Z)}, row_sizes(2), row_sizes(2), Z)
            p = p.with_head(V=place(put, row_sizes(2), row_sizes(2), Z)).with_memory(W=W)
            if why := compared(value_rows(Z, p, 2)[2], right, instance, "two layers give the values"):
                return why
    return None


def judge_how_sharp(answer: Any) -> str | None:
    """``answer(n, n_s, m)``: β with which features √β e_s give a state with n_s of n transitions the own weight m."""
    sharpness = a_function(answer, "n, n_s and m")
    for n, n_s, m in ((2, 1, 0.75), (10, 1, 0.95), (10, 5, 0.9), (40, 3, 0.99), *_sizes()):
        instance = f"n = {n}, n_s = {n_s}, m = {shown(m)}"
        given, raised = called(sharpness, n, n_s, m)
        if raised:
            return f"At {instance}:\nit raises {raised}."
        beta, why = array_of(given, (), "β")
        if why or beta < 0:
            return f"At {instance}: {why or f'β = {shown(beta)} is negative, and √β is no feature.'}"
        own = _own_weight(n, n_s, float(beta))
        if abs(own - m) > CLOSE:
            puts = f"puts the weight {shown(own)} on the state's own transitions"
            return f"At {instance}: β = {shown(beta)} {puts}, and not {shown(m)}."
    return None


def _sizes() -> Iterator[tuple[int, int, float]]:
    """n up to 10¹², of every order of magnitude; n_s < n and m > n_s / n at random."""
    rng = Random(0)
    for digits in range(1, 13):
        n = rng.randint(10 ** (digits - 1) + 1, 10**digits)
        n_s = math.ceil((n - 1) ** rng.uniform(0, 1))
        yield n, n_s, rng.uniform(n_s / n, 1)


def _own_weight(n: int, n_s: int, beta: float) -> float:
    """The share of a state's own n_s transitions, whose scores are β, among n − n_s others, whose scores are 0."""
    return n_s / (n_s + (n - n_s) * math.exp(-beta))


def _sharpness(n: int, n_s: int, m: float) -> float:
    """β = ln(m/(1 − m)) + ln((n − n_s)/n_s)."""
    return math.log(m / (1 - m) * (n - n_s) / n_s)


def judge_end_of_the_road(answer: Any) -> str | None:
    """``answer(r, gamma)``: where v(a) goes with depth on the context (a, r, b) of one transition, α = 1, v_0 = 0."""
    limit = a_function(answer, "r and gamma")
    for r, gamma in ((1.0, 0.9), (1.0, 0.0), (-2.0, 0.5)):
        Z, p = start(Context([0, 1], [r]), np.zeros((1, 2)), gamma, 1.0)
        right = value_rows(Z, p, 400)[-1, 0]
        if why := differs(limit, (r, gamma), right, f"r = {r:g}, γ = {gamma}"):
            return why
    return None


EXERCISES = (
    Exercise(
        id="ledger-of-costs",
        wanted="a function (gamma, alpha) -> the entries of V's last row against the reward, target and value rows",
        judge=judge_ledger_of_costs,
        solution=lambda gamma, alpha: (-alpha, alpha * gamma, -alpha),
        wrong=(
            lambda gamma, alpha: (alpha, alpha, -alpha),
            lambda gamma, alpha: (-alpha, alpha, -alpha),
            lambda gamma, alpha: (-alpha, gamma, -alpha),
        ),
    ),
    Exercise(
        id="how-sharp",
        wanted="a function (n, n_s, m) -> β of three numbers",
        judge=judge_how_sharp,
        solution=_sharpness,
        wrong=(
            lambda n, n_s, m: math.log(m / (1 - m)),
            lambda n, n_s, m: math.log(m / (1 - m) * (n - 1)),
            lambda n, n_s, m: m / (1 - m) * (n - n_s) / n_s,
            lambda n, n_s, m: _sharpness(n, n_s, m) if n < 50 else 0.0,
            lambda n, n_s, m: _sharpness(n, n_s, m) if n < 10**9 else 20.0,
        ),
    ),
    Exercise(
        id="end-of-the-road",
        wanted="a function (r, gamma) -> the limit of v(a)",
        judge=judge_end_of_the_road,
        solution=lambda r, gamma: r / (1 - gamma),
        wrong=(lambda r, gamma: r, lambda r, gamma: r * (1 + gamma)),
    ),
)
"""Three, in the order of the text."""
