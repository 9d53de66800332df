"""The map of the results, drawn: rows of boxes from the top down, arrows to those that rest on them, in lanes between the boxes."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import chain, count, pairwise
from statistics import fmean

BOX, LANE, GAP, MARGIN, COLUMNS = (168, 98), 2, (10, 60), 12, 2
LINE, SWEEPS = 13, 12
"""Sizes in pixels; how many boxes stand in a row, so few that a phone shows them all; the height of a line of small print; how often the rows are
gone over to have fewer crossings."""

Knot = tuple[str, int]
"""A box, or where an arrow out of it passes a row: the box's id and the row."""


@dataclass(frozen=True)
class Box:
    """What is drawn of one result; ``look``: attributes of its rectangle."""

    id: str
    title: str
    small: str
    href: str
    look: str = ""


Below = Mapping[str, Sequence[str]]
"""By id, the ids of the results that a result rests on; those before it in the mapping."""


def covering(below: Below) -> dict[str, list[str]]:
    """The same without what follows: a result that another one already rests on is left out."""
    everything: dict[str, set[str]] = {}
    for id, ids in below.items():
        everything[id] = set(ids).union(*(everything[other] for other in ids))
    return {id: [one for one in ids if not any(one in everything[other] for other in ids)] for id, ids in below.items()}


def rows(below: Below) -> dict[str, int]:
    """The row of each box: under all that it rests on, the first that is not full."""
    row: dict[str, int] = {}
    for id in sorted(below, key=lambda id: depth(below, id)):
        first, filled = max((row[other] + 1 for other in below[id]), default=0), list(row.values())
        row[id] = next(at for at in count(first) if filled.count(at) < COLUMNS)
    return row


def depth(below: Below, id: str) -> int:
    """How many results stand below this one on its longest chain."""
    return max((depth(below, other) + 1 for other in below[id]), default=0)


def steps(below: Below, row: Mapping[str, int]) -> list[tuple[Knot, Knot]]:
    """The arrows, cut at every row: those out of one box share their lanes."""
    cut = {
        pair
        for id, ids in below.items()
        for other in ids
        for pair in pairwise([*((other, at) for at in range(row[other], row[id])), (id, row[id])])
    }
    return sorted(cut, key=lambda pair: (pair[0][1], pair))


def ordered(below: Below, row: Mapping[str, int], links: Sequence[tuple[Knot, Knot]]) -> list[list[Knot]]:
    """The knots of each row from left to right: each where its neighbours are, in the mean, by turns from above and from below."""
    knots = dict.fromkeys(chain(((id, row[id]) for id in below), *links))
    levels = [[knot for knot in knots if knot[1] == at] for at in range(max(row.values()) + 1)]
    for sweep in range(SWEEPS):
        place = {knot: (i + 0.5) / len(level) for level in levels for i, knot in enumerate(level)}
        for level in levels[:: 1 if sweep % 2 == 0 else -1]:
            near = {
                knot: [place[a if b == knot else b] for a, b in links if knot in ((b,) if sweep % 2 == 0 else (a,))]
                or [place[knot]]
                for knot in level
            }
            level.sort(key=lambda knot: fmean(near[knot]))
            place |= {knot: (i + 0.5) / len(level) for i, knot in enumerate(level)}
    return levels


def middles(
    levels: Sequence[Sequence[Knot]], links: Sequence[tuple[Knot, Knot]], row: Mapping[str, int]
) -> dict[Knot, float]:
    """x of the middle of every knot: in the mean where its neighbours are, as far as the row's order and room allow."""
    wide = lambda knot: BOX[0] if row[knot[0]] == knot[1] else LANE
    left = {
        knot: sum(wide(other) + GAP[0] for other in level[:i]) + wide(knot) / 2
        for level in levels
        for i, knot in enumerate(level)
    }
    widest = max(left[level[-1]] + wide(level[-1]) / 2 for level in levels)
    x = {
        knot: at + (widest - left[level[-1]] - wide(level[-1]) / 2) / 2
        for level in levels
        for knot in level
        for at in [left[knot]]
    }
    for sweep in range(2 * SWEEPS):
        for level in levels[:: 1 if sweep % 2 == 0 else -1]:
            wanted = [
                fmean([x[b if a == knot else a] for a, b in links if knot in (a, b)] or [x[knot]]) - left[knot]
                for knot in level
            ]
            room = widest - left[level[-1]] - wide(level[-1]) / 2
            x |= {knot: left[knot] + min(max(shift, 0), room) for knot, shift in zip(level, rising(wanted))}
    return x


def rising(numbers: Sequence[float]) -> list[float]:
    """The rising sequence nearest to these numbers in the least-squares sense: neighbours that fall are pooled."""
    pools: list[list[float]] = []
    for number in numbers:
        pools.append([number])
        while len(pools) > 1 and fmean(pools[-2]) > fmean(pools[-1]):
            pools[-2:] = [pools[-2] + pools[-1]]
    return [fmean(pool) for pool in pools for _ in pool]


def drawing(boxes: Sequence[Box], below: Below, under: Mapping[tuple[str, str], str], name: str) -> str:
    """The boxes as one inline SVG, in the colours of the page around it.

    ``below``: for each box, in an order in which no box comes before what it rests on. ``under``: what to say at the arrow
    from the first to the second. ``name``: what is drawn, for those who cannot see it.
    """
    row = rows(below)
    links = steps(below, row)
    levels = ordered(below, row, links)
    x = middles(levels, links, row)
    words = {
        id: textwrap.wrap("; ".join(under[other, id] for other in ids if (other, id) in under), 28)
        for id, ids in below.items()
    }
    highest = [max((over(words[id]) for id in below if row[id] == at), default=0) for at in range(len(levels))]
    tops = [MARGIN + at * (BOX[1] + GAP[1]) + sum(highest[: at + 1]) for at in range(len(levels))]
    shift = MARGIN - min(x[box.id, row[box.id]] - BOX[0] / 2 for box in boxes)
    at = {knot: (round(shift + middle), tops[knot[1]]) for knot, middle in x.items()}
    width = max(at[box.id, row[box.id]][0] for box in boxes) + BOX[0] // 2 + MARGIN
    height = max(y for _, y in at.values()) + BOX[1] + MARGIN
    tip = f"tip-{boxes[0].id}"
    return "\n".join(
        [
            f'<div class="claim-map" tabindex="0" role="region" aria-label="{escape(name)}">'
            f'<svg viewBox="0 0 {width} {height}" style="width: min(100%, {1.2 * width:.0f}px); height: auto" role="group" aria-label="{escape(name)}">',
            f'<defs><marker id="{tip}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto-start-reverse">'
            '<path d="M0 0 10 5 0 10z" fill="currentColor"/></marker></defs>',
            *(
                curve(at[a], at[b], row[a[0]] < a[1], highest[b[1]], tip, words[b[0]])
                if row[b[0]] == b[1]
                else curve(at[a], at[b], row[a[0]] < a[1], highest[b[1]])
                for a, b in links
            ),
            *(drawn(box, *at[box.id, row[box.id]]) for box in boxes),
            *(named(at[id, row[id]], lines) for id, lines in words.items()),
            "</svg></div>",
        ]
    )


def curve(
    start: tuple[int, int], end: tuple[int, int], in_lane: bool, clear: int, tip: str = "", words: Sequence[str] = ()
) -> str:
    """From one row to the next, after the lane through the first if it begins in one, and straight down beside words as high as ``clear``.

    Where a tip is named, it ends over its own words.
    """
    (x1, top), (x2, bottom) = start, end
    y1, y2 = top + BOX[1], bottom - clear
    middle = (y1 + y2) // 2
    lane = f"M{x1} {top} L{x1} {y1}" if in_lane else f"M{x1} {y1}"
    down = f" L{x2} {bottom - over(words)}" if clear > over(words) else ""
    marker = f' marker-end="url(#{tip})"' if tip else ""
    return f'<path d="{lane} C{x1} {middle} {x2} {middle} {x2} {y2}{down}" fill="none" stroke="currentColor" stroke-width="1.5"{marker}/>'


def drawn(box: Box, x: int, y: int) -> str:
    """A box with its title and its small print, both a link."""
    bottom, small = y + BOX[1] - 12, textwrap.wrap(box.small, 28)
    texts = [
        f'<text x="{x}" y="{y + 20 + 16 * i}" text-anchor="middle" font-weight="600">{escape(line)}</text>'
        for i, line in enumerate(textwrap.wrap(box.title, 20))
    ]
    texts += [
        f'<text x="{x}" y="{bottom - LINE * (len(small) - 1 - i)}" text-anchor="middle" font-size="11">{escape(line)}</text>'
        for i, line in enumerate(small)
    ]
    return (
        f'<a href="{box.href}"><title>{escape(box.title)}: {escape(box.small)}</title>'
        f'<rect x="{x - BOX[0] // 2}" y="{y}" width="{BOX[0]}" height="{BOX[1]}" rx="8"{box.look}/>{"".join(texts)}</a>'
    )


def over(words: Sequence[str]) -> int:
    """How high the words over a box stand."""
    return LINE * len(words) + 5 if words else 0


def named(box: tuple[int, int], words: Sequence[str]) -> str:
    """What is said between a box and the tips of the arrows to it."""
    x, y = box
    return "".join(
        f'<text class="under" x="{x}" y="{y - 6 - LINE * (len(words) - 1 - i)}" text-anchor="middle" font-size="11">{escape(line)}</text>'
        for i, line in enumerate(words)
    )
