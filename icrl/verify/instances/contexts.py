"""Contexts that several claims draw: a few small ones, random rational ones, random floats, and a walk on FrozenLake."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import product
from random import Random
from typing import Any

from icrl.arrays import np
from icrl.verify.instances import frozen_lake
from icrl.verify.instances.cases import (
    Case,
    as_it_is,
    float_case,
    log_uniform,
    rational_case,
    small_fraction,
    smallest,
    stand_in,
    symbol_case,
    tied,
)

AXES = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
"""One-hot features of three states."""


def after(small: Iterable, *draws: Callable[[], Iterable]) -> Callable[[Any], list]:
    """What a statement is put to, contexts or others: those that a subject lets in (``beyond``, if any), the small ones, the drawn."""
    return lambda subject: [*getattr(subject, "beyond", ()), *small, *(case for draw in draws for case in draw())]


def closed(walk: Sequence[int], back: int) -> list[int]:
    """The walk, its states 0, 1, … by order of appearance, and once more the state that it left at ``back``."""
    order = {s: i for i, s in enumerate(dict.fromkeys(walk))}
    return [order[s] for s in (*walk, walk[back])]


def closing_walk(rng: Random, size: int, n: int) -> list[int]:
    """n + 1 states, 0 … size−1 by order of appearance, the last of them one that was left before."""
    return closed([rng.randrange(size) for _ in range(n)], rng.randrange(n))


def closing_float_walk(rng: np.random.Generator, size: int, n: int) -> list[int]:
    """The same for contexts in floats, which are drawn by NumPy's generator."""
    return closed(rng.integers(0, size, n).tolist(), int(rng.integers(n)))


def lake(n: int = 40) -> Case:
    """Transitions of FrozenLake-v1 under the uniform policy, α = ½, γ = 9/10; the features are 1 and the place on the map, in quarters."""
    states, rewards = frozen_lake.walk(n)
    number = lambda entries: [Fraction(entry) for entry in entries]
    features = [[Fraction(1), Fraction(s // 4, 4), Fraction(s % 4, 4)] for s in range(16)]
    identity = [number(row) for row in np.eye(3, dtype=int).tolist()]
    return Case(
        states,
        rewards,
        features,
        number([0] * 16),
        Fraction(9, 10),
        [Fraction(1, 2)] * 3,
        identity,
    )


def two_states(depth: int = 1, **changes: Any) -> Case:
    """T = (0, 1, 0) with one-hot features: E is 2 where key and query are one state, and 1 where they are not."""
    return replace(smallest((0, 1, 0), depth, r=(1, 0), v=(0, 0), x=((1, 0), (0, 1)), A=((1, 0), (0, 1))), **changes)


def of_either_sign(**changes: Any) -> Case:
    """The same for weights of :func:`~icrl.verify.routes.grouping.of_either_sign`: E is 2 and −1."""
    return two_states(told="the sign of E turned where key and query are two states", **changes)


def never_left(depth: int = 1) -> Case:
    """T = (0, 1) with equal features: state 1 is reached, and never left."""
    return smallest((0, 1), depth, r=(1,), v=(0, 0), x=((1,), (1,)))


def with_zeros(depth: int = 2, **changes: Any) -> Case:
    """T = (0, 1, 2, 1, 0), E = ((4, 1, 0), (0, 5, 1), (1, 0, 6)): some weights are 0, and every state is left. γ = ¼."""
    case = smallest((0, 1, 2, 1, 0), depth, (1, 0, 2, 0), (0, 1, -1), AXES, ((4, 0, 1), (1, 5, 0), (0, 1, 6)))
    return replace(case, gamma=Fraction(1, 4), exp=as_it_is, **changes)


POSITIONS = smallest((0, 0, 1, 0), r=(1, 1, 0), v=(3, -2), x=((1, 0), (0, 1)), A=((1, 0), (0, 1)))
"""A context in which weights that depend on the position are not those of softmax TD."""

BY_POSITION = "K(k|s) doubled where k + s = 1, then normalised"
"""What :func:`~icrl.verify.routes.grouping.by_position` does to the weights, for the contexts that are put to it."""

Shape = tuple[int, int, int]
"""n, d and the number of layers."""


def cases_of_shapes(small: Iterable[Case], shapes: Iterable[Shape]) -> list[Case]:
    """The small ones, then a random rational context of each shape."""
    rng = Random(0)
    return [*small, *(rational_case(rng, *shape) for shape in shapes)]


def symbol_cases(shapes: Iterable[Shape]) -> list[Case]:
    """A context of each shape, every entry its own symbol."""
    return [symbol_case(*shape) for shape in shapes]


def shapes_by_ten(rng: np.random.Generator, trials: int) -> Iterator[Shape]:
    """Shapes of as many trials: ten (the last time the rest) of one random n in 1..128 and one random d in 0..16."""
    for start in range(0, trials, 10):
        yield min(10, trials - start), log_uniform(rng, 1, 128), log_uniform(rng, 1, 17) - 1


def rational_cases(seed: int = 0) -> list[Case]:
    """Random rational contexts over n in 1..6, d in 0..3, of 2 layers, of two states or more where n > 1; some end in a state never left, some have repeated features."""
    rng = Random(seed)
    return [
        tied(of_several(partial(rational_case, rng, *shape, 2), shape[0] > 1))
        for shape in product(range(1, 7), range(4))
    ]


def of_several(draw: Callable[[], Case], several: bool) -> Case:
    """A context as drawn, again and again until it visits more than one state where ``several``."""
    case = draw()
    while several and len(set(case.states)) == 1:
        case = draw()
    return case


def sharp_cases(seed: int = 0) -> list[Case]:
    """Random rational contexts whose visited states are all left, a third of them one state, features near 3 times one-hot, 3 layers; γ of either sign."""
    rng = Random(seed)
    return [
        of_several(partial(sharp_case, rng, *shape), shape[0] > 1) for shape in product((1, 2, 3), (2, 3, 5), (-1, 1))
    ]


DRAWN = (rational_cases, sharp_cases)
"""The random rational contexts that most claims about layers draw, after their small ones."""


def sharp_case(rng: Random, states: int, length: int, sign: int) -> Case:
    """One of them."""
    walk = closing_walk(rng, states, length)
    W = range(len(set(walk)))
    features = [[Fraction(3 * (s == u)) + Fraction(rng.randint(-1, 1), 4) for u in W] for s in W]
    draw = lambda numbers: [small_fraction(rng) for _ in numbers]
    gamma, alpha = Fraction(sign * rng.randint(1, 7), 10), Fraction(rng.randint(1, 4), 4)
    identity = [[Fraction(s == u) for u in W] for s in W]
    return Case(walk, draw(range(length)), features, draw(W), gamma, [alpha] * 3, identity, stand_in)


def float_cases(seed: int) -> Iterator[Case]:
    """Random float contexts, by turns of any features and of sharp ones: n in 1..64, up to 8 layers of one step size."""
    rng = np.random.default_rng(seed)
    while True:
        yield tied(float_case(rng, log_uniform(rng, 1, 64), log_uniform(rng, 1, 9) - 1, log_uniform(rng, 1, 8)))
        yield sharp_float_case(rng)


def sharp_float_case(rng: np.random.Generator) -> Case:
    """Features near a multiple of one-hot, up to 6 states, all but at times the last of which are left; γ of either sign."""
    walk = closing_float_walk(rng, int(rng.integers(1, 7)), log_uniform(rng, 1, 64))
    if rng.random() < 0.25:
        walk[-1] = max(walk) + 1
    W = len(set(walk))
    features = rng.uniform(1, 4) * np.eye(W) + rng.normal(scale=0.1, size=(W, W))
    gamma, alphas = float(rng.uniform(-0.95, 0.95)), [float(1 - rng.uniform(0, 1))] * log_uniform(rng, 1, 32)
    rewards, v = rng.normal(size=len(walk) - 1), rng.normal(size=W)
    return Case(walk, rewards.tolist(), features.tolist(), v.tolist(), gamma, alphas, np.eye(W).tolist())
