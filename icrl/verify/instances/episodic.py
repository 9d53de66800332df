"""Contexts of several trajectories that terminate or are cut: a few small ones, random rational ones, random floats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product
from random import Random
from typing import Any

from icrl.arrays import np
from icrl.verify.instances.cases import Case, log_uniform, small_fraction, smallest, stand_in

Walks = Sequence[tuple[Sequence[int], bool]]
"""Trajectories: the states of each, and whether it terminated."""


def of_walks(
    walks: Walks, r: Sequence[int], v: Sequence[int] = (0,), gamma: Fraction = Fraction(1, 2), **options: Any
) -> Case:
    """A case of a few small integers; the options are those of :func:`~icrl.verify.instances.cases.smallest`."""
    states, endings = joined(walks)
    return replace(smallest(states, r=r, v=v, **options), gamma=gamma, endings=endings)


def joined(walks: Walks) -> tuple[list[int], list[tuple[int, bool]]]:
    """The states of all trajectories one after another, and their endings."""
    return [s for walk, _ in walks for s in walk], [(len(walk) - 1, terminated) for walk, terminated in walks]


def in_episodes(case: Case, endings: Sequence[tuple[int, bool]]) -> Case:
    """The states of a case as those of several trajectories, with as many of its rewards as there are transitions."""
    return replace(case, rewards=case.rewards[: sum(length for length, _ in endings)], endings=endings)


def random_walks(rng: Random, states: int, count: int, longest: int) -> Walks:
    """Trajectories of 1 to ``longest`` transitions over so many states, by order of appearance, two in three of which terminate."""
    walks = [
        ([rng.randrange(states) for _ in range(1 + rng.randint(1, longest))], rng.random() < 2 / 3)
        for _ in range(count)
    ]
    return renamed(walks)


def closing_walks(rng: Random, states: int, extra: int) -> Walks:
    """Trajectories that leave every state and, one from each state, terminate there at once; the ``extra`` others are cut at states that are left."""
    last = [([s, rng.choice([s, states])], True) for s in range(states)]
    others = [([rng.randrange(states) for _ in range(1 + rng.randint(1, 2))], False) for _ in range(extra)]
    return renamed([*others, *last])


def renamed(walks: Walks) -> Walks:
    """The same with the states 0, 1, … by order of appearance."""
    order = {s: i for i, s in enumerate(dict.fromkeys(s for walk, _ in walks for s in walk))}
    return [([order[s] for s in walk], terminated) for walk, terminated in walks]


def episodic_cases(seed: int = 0) -> list[Case]:
    """Random rational contexts of one to three trajectories over up to four states; γ is 1 in half of them."""
    rng = Random(seed)
    return [
        episodic_case(rng, random_walks(rng, states, count, 3), discount(rng, whole))
        for states, count, whole in product((1, 2, 3, 4), (1, 2, 3), (True, False))
    ]


def sharp_episodic_cases(seed: int = 0) -> list[Case]:
    """Random rational contexts that leave every state, and terminate out of each, with features near 3 times one-hot; γ is 1 in half of them."""
    rng = Random(seed)
    drawn = product((1, 2, 3), (0, 1, 2), (True, False))
    return [
        sharp(rng, episodic_case(rng, closing_walks(rng, states, extra), discount(rng, whole), 3))
        for states, extra, whole in drawn
    ]


def discount(rng: Random, whole: bool) -> Fraction:
    """1, or a random one of either sign below it."""
    return Fraction(1) if whole else Fraction(rng.randint(-9, 9), 10)


def episodic_case(rng: Random, walks: Walks, gamma: Fraction, depth: int = 2) -> Case:
    """A random rational case of these trajectories, with up to two features."""
    (states, endings), d = joined(walks), rng.randint(0, 2)
    row = lambda size: [small_fraction(rng) for _ in range(size)]
    table = lambda rows, size: [row(size) for _ in range(rows)]
    S, alphas = max(states) + 1, [Fraction(rng.randint(1, 4), 4)] * depth
    rewards = row(sum(length for length, _ in endings))
    return Case(states, rewards, table(S, d), row(S), gamma, alphas, table(d, d), stand_in, endings=endings)


def sharp(rng: Random, case: Case) -> Case:
    """The same with features near 3 times one-hot, and A = I."""
    S = range(len(case.features))
    features = [[Fraction(3 * (s == u)) + Fraction(rng.randint(-1, 1), 4) for u in S] for s in S]
    return replace(case, features=features, A=[[Fraction(s == u) for u in S] for s in S])


def episodic_float_cases(seed: int) -> Iterator[Case]:
    """Random float contexts of up to 16 trajectories over up to 6 states, by turns of any features and of sharp ones; γ is 1 in half of them."""
    rng = np.random.default_rng(seed)
    while True:
        yield float_episodes(rng, False)
        yield float_episodes(rng, True)


def float_episodes(rng: np.random.Generator, sharp: bool) -> Case:
    """One of them; the ``sharp`` ones leave every state and terminate out of each, and have features near a multiple of one-hot."""
    size = int(rng.integers(1, 7))
    walks = [
        (rng.integers(0, size, 1 + log_uniform(rng, 1, 8)).tolist(), bool(rng.random() < 2 / 3))
        for _ in range(log_uniform(rng, 1, 16))
    ]
    if sharp:
        walks += [([s, size], True) for s in range(size)]
    elif rng.random() < 0.25:  # a state that no transition leaves
        walks.append(([0, size], False))
    states, endings = joined(renamed(walks))
    S, n = max(states) + 1, sum(length for length, _ in endings)
    d = S if sharp else int(rng.integers(0, 4))
    features = rng.uniform(1, 4) * np.eye(S) if sharp else np.zeros((S, d))
    features = features + rng.normal(scale=0.1 if sharp else 1, size=(S, d))
    gamma = 1.0 if rng.random() < 0.5 else float(rng.uniform(-0.95, 0.95))
    alphas = [float(1 - rng.uniform(0, 1))] * log_uniform(rng, 1, 16)
    rewards, v = rng.normal(size=n).tolist(), rng.normal(size=S).tolist()
    return Case(states, rewards, features.tolist(), v, gamma, alphas, np.eye(d).tolist(), endings=endings)
