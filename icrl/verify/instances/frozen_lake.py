"""Gymnasium's FrozenLake-v1 under the uniform policy, as data: its chain, and two walks that were drawn from it.

The ice is slippery: an action goes ahead or to either side, each with probability 1/3, so that under the uniform policy all
four ways have the same. An episode that ends is followed by a new one.
"""

from __future__ import annotations

from fractions import Fraction

MAP = "SFFFFHFHFFFHHFFG"
"""The squares in reading order, four a row: S the start, F ice, H a hole, G the goal. In a hole and at the goal an episode ends."""

WALK = (
    "0000489ab04040104500001233701233233337001122262326a6a650040000011215001504445044889dc0150150048c048c00488"
    "98c01212150404000450040001267004500126226265000011262622226a98c011500489deef00121150101215004898"
)
"""The squares of 200 transitions, in hexadecimal; all that are visited are left."""
OTHER_WALK = (
    "0101262232212115048c000450011223701044848c0450404448c0040150040001000150150448c0488c0045000000104504501267"
    "0440044501104504011011150100489500123321226a6700015004500001040000123223321504888c0489deab00004"
)
"""Another one."""


def transition() -> list[list[Fraction]]:
    """P(s, s'), (16, 16): 1/4 for each way, and into the wall is to stay."""
    return [[Fraction(sum(t == u for t in ways(s)), 4) for u in range(16)] for s in range(16)]


def ways(s: int) -> list[int]:
    """The four squares, equally likely, that follow a square."""
    row, column = divmod(s, 4)
    if MAP[s] in "HG":
        return [MAP.index("S")] * 4
    return [4 * max(row - 1, 0) + column, 4 * min(row + 1, 3) + column, s - (column > 0), s + (column < 3)]


def rewards() -> list[Fraction]:
    """r(s), (16,): the probability of the goal next."""
    return [Fraction(sum(MAP[t] == "G" for t in ways(s)), 4) for s in range(16)]


def walk(n: int = 200, squares: str = WALK) -> tuple[list[int], list[Fraction]]:
    """The first n transitions of a walk: the n + 1 states, and the n rewards r(s) of those that are left."""
    r, states = rewards(), [int(square, 16) for square in squares[: n + 1]]
    return states, [r[s] for s in states[:-1]]
