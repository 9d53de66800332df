r"""Small MRPs that terminate and pay noisy rewards, in ``Fraction``s; their contexts, drawn, or all of them with their probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product
from random import Random
from typing import Any, NamedTuple

from icrl.arrays import np
from icrl.mrp import Endings, MarkovRewardProcess, Outcomes
from icrl.verify.instances.cases import shown, small_fraction


class Outcome(NamedTuple):
    """What can happen on leaving a state: with which probability, what is paid, and which state follows; None where the transition terminates."""

    probability: Fraction
    reward: Fraction
    follows: int | None

    def __str__(self) -> str:
        return f"{self.probability}: {self.reward}, {'end' if self.follows is None else self.follows}"


class Tally(NamedTuple):
    """A context by its counts: how often it has each of the process's ``pairs``, and how often a trajectory of it was cut after each."""

    seen: tuple[int, ...]
    cut: tuple[int, ...]

    def and_one(self, i: int, cut: bool) -> Tally:
        """The counts after one more of pair i."""
        seen, cuts = list(self.seen), list(self.cut)
        seen[i], cuts[i] = seen[i] + 1, cuts[i] + cut
        return Tally(tuple(seen), tuple(cuts))


Walks = dict[Tally, dict[tuple[int, int], Fraction]]
"""The contexts of a length by their counts, and the probability that one has these, and is in a state, so many transitions into its trajectory."""


@dataclass(frozen=True, eq=False)
class Process:
    """A finite MRP in rationals: what can happen on leaving each state, γ, p₀, and after how many transitions a trajectory is cut, if at all."""

    outcomes: tuple[tuple[Outcome, ...], ...]
    gamma: Fraction
    start: tuple[Fraction, ...]
    horizon: int | None = None

    def __str__(self) -> str:
        told = "; ".join(f"{s} → {' or '.join(map(str, here))}" for s, here in enumerate(self.outcomes))
        cut = f", cut after {self.horizon}" if self.horizon else ""
        return f"{told} (probability: reward, next), γ = {self.gamma}, p_0 = {shown(self.start)}{cut}"

    @property
    def size(self) -> int:
        """|S|."""
        return len(self.outcomes)

    @cached_property
    def pairs(self) -> list[tuple[int, Outcome]]:
        """Every state with every outcome of it."""
        return [(s, each) for s, here in enumerate(self.outcomes) for each in here]

    @property
    def terminates(self) -> bool:
        """Whether some transition does."""
        return any(each.follows is None for _, each in self.pairs)

    @property
    def paid_by_state(self) -> bool:
        """Whether R_{k+1} = r(S_k)."""
        return all(each.reward == here[0].reward for here in self.outcomes for each in here)

    @cached_property
    def P(self) -> np.ndarray:
        """P, (S, S): the probabilities to go on, so that a row sums to 1 less the probability to terminate."""
        P = np.array([[Fraction(0)] * self.size for _ in self.outcomes], dtype=object)
        for s, each in self.pairs:
            if each.follows is not None:
                P[s, each.follows] += each.probability
        return P

    @cached_property
    def r(self) -> np.ndarray:
        """r, (S,): the mean rewards."""
        return np.array([sum(each.probability * each.reward for each in here) for here in self.outcomes], dtype=object)

    @property
    def begin(self) -> dict[tuple[int, int], Fraction]:
        """Where a trajectory is before its first transition."""
        return {(s, 0): p for s, p in enumerate(self.start) if p}

    def further(self, walks: Walks, kept: Callable[[Any], bool], last: bool) -> Walks:
        """One draw more; where it is the ``last``, the trajectory is cut after it."""
        after: Walks = {}
        for tally, places in walks.items():
            for ((s, age), p), (i, (here, each)) in product(places.items(), enumerate(self.pairs)):
                if here != s:
                    continue
                cut = each.follows is not None and (last or age + 1 == self.horizon)
                following = self.begin
                if kept(each.reward) and each.follows is not None and not cut:
                    following = {(each.follows, age + 1): Fraction(1)}
                there = after.setdefault(tally.and_one(i, cut) if kept(each.reward) else tally, {})
                for place, q in following.items():
                    there[place] = there.get(place, Fraction(0)) + p * each.probability * q
        return after

    def tallied(
        self,
        n: int,
        kept: Callable[[Any], bool] = lambda reward: True,
        stops: Callable[[Tally], bool] = lambda tally: False,
    ) -> tuple[dict[Tally, Fraction], Fraction]:
        """The contexts of n draws by their counts, each with its probability; and the probability that ``stops``, asked after each draw, held.

        A draw whose reward is not ``kept`` is thrown away, and a new trajectory begins.
        """
        zero, stopped = (0,) * len(self.pairs), Fraction(0)
        walks: Walks = {Tally(zero, zero): self.begin}
        for drawn in range(1, n + 1):
            walks = self.further(walks, kept, drawn == n)
            over = [tally for tally in walks if stops(tally)]
            stopped += sum((p for tally in over for p in walks.pop(tally).values()), Fraction(0))
        return {tally: sum(places.values(), Fraction(0)) for tally, places in walks.items()}, stopped

    def drawn(self, n: int, rng: Random) -> tuple[list[int], list[Fraction], Endings]:
        """The states, rewards and endings of a context of n transitions; where a trajectory terminates, its last state is |S|."""
        states: list[int] = []
        rewards: list[Fraction] = []
        endings: list[tuple[int, bool]] = []
        while n > len(rewards):
            most = min(self.horizon or n, n - len(rewards))
            s, length = rng.choices(range(self.size), [float(p) for p in self.start])[0], 0
            states.append(s)
            while length < most and s < self.size:
                here = self.outcomes[s]
                each = rng.choices(here, [float(one.probability) for one in here])[0]
                s, length = self.size if each.follows is None else each.follows, length + 1
                states.append(s)
                rewards.append(each.reward)
            endings.append((length, s == self.size))
        return states, rewards, endings

    def mrp(self) -> MarkovRewardProcess:
        """This process in floats; if it terminates, with one state more, in which it does."""
        ends = [self.size] * self.terminates
        table = [
            Outcomes(
                [float(each.probability) for each in here],
                [self.size if each.follows is None else each.follows for each in here],
                [float(each.reward) for each in here],
            )
            for here in self.outcomes
        ] + [Outcomes([1.0], [end], [0.0]) for end in ends]
        return MarkovRewardProcess(
            [each.transition(len(table)) for each in table],
            [each.expected_reward() for each in table],
            float(self.gamma),
            [*map(float, self.start), *[0.0 for _ in ends]],
            outcomes=None if self.paid_by_state else table,
            terminal=ends or None,
        )


def process(*outcomes: Sequence, gamma: Any, start: Sequence | None = None, horizon: int | None = None) -> Process:
    """A process from numbers or strings such as ``"1/2"``: of each state the triples (probability, reward, what follows); from state 0 unless given."""
    return Process(
        tuple(tuple(Outcome(Fraction(p), Fraction(R), u) for p, R, u in here) for here in outcomes),
        Fraction(gamma),
        tuple(map(Fraction, start or [1, *[0] * (len(outcomes) - 1)])),
        horizon,
    )


def random_process(rng: Random, size: int, gamma: Fraction, by_state: bool = False) -> Process:
    """Two or three outcomes a state, about a third of them endings, of one reward if it is ``by_state``; where γ = 1 every state has an ending."""
    outcomes = []
    for _ in range(size):
        paid = small_fraction(rng)
        weights = [rng.randint(1, 4) for _ in range(rng.choice((2, 3)))]
        follows = [None if rng.random() < 1 / 3 else rng.randrange(size) for _ in weights]
        follows[0] = None if gamma == 1 else follows[0]
        rewards = [paid if by_state else small_fraction(rng) for _ in weights]
        outcomes.append([(Fraction(w, sum(weights)), R, u) for w, R, u in zip(weights, rewards, follows)])
    return process(*outcomes, gamma=gamma, start=[Fraction(1, size)] * size, horizon=rng.choice((None, 1, 2, 5)))
