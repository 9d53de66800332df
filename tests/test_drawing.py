"""The map's layout: nothing that follows is drawn, nobody stands above what it rests on, and no arrow runs behind a box."""

import re
from itertools import pairwise

import pytest

from icrl.claims import CLAIMS
from icrl.verify.pages.drawing import BOX, COLUMNS, GAP, LANE, covering, middles, ordered, rising, rows, steps
from icrl.verify.pages.map import part_drawing
from icrl.verify.run import ClaimResult

BOOK = {id: claim.rests_on for id, claim in CLAIMS.items()}
FAN = {"root": [], **{f"leaf {i}": ["root"] for i in range(11)}, "late": ["leaf 0", "root"]}
LADDER = {"a": [], "b": ["a"], "c": ["a", "b"], "d": ["a", "c"], "e": ["b", "d"], "f": ["a", "e"]}


def test_what_follows_from_another_arrow_is_left_out():
    assert covering(LADDER) == {"a": [], "b": ["a"], "c": ["b"], "d": ["c"], "e": ["d"], "f": ["e"]}
    assert covering(FAN)["late"] == ["leaf 0"]


@pytest.mark.parametrize("below", [BOOK, covering(BOOK), FAN, LADDER], ids=["book", "covering", "fan", "ladder"])
def test_rows_are_in_order_and_not_too_full(below):
    row = rows(below)
    assert all(row[other] < row[id] for id, ids in below.items() for other in ids)
    assert max(list(row.values()).count(at) for at in row.values()) <= COLUMNS


@pytest.mark.parametrize("below", [BOOK, covering(BOOK), FAN, LADDER], ids=["book", "covering", "fan", "ladder"])
def test_boxes_and_lanes_of_a_row_keep_apart(below):
    row = rows(below)
    links = steps(below, row)
    levels = ordered(below, row, links)
    x = middles(levels, links, row)
    half = lambda knot: (BOX[0] if row[knot[0]] == knot[1] else LANE) / 2
    assert {knot for pair in links for knot in pair} <= {knot for level in levels for knot in level}
    for level in levels:
        assert all(x[a] + half(a) + GAP[0] <= x[b] - half(b) + 1e-6 for a, b in pairwise(level))


def test_chains_do_not_cross():
    below = {"a": [], "b": [], "c": ["b"], "d": ["a"], "e": ["c"], "f": ["d"]}
    row = rows(below)
    levels = ordered(below, row, steps(below, row))
    names = [[name for name, at in level if row[name] == at] for level in levels]
    assert names in ([["a", "b"], ["d", "c"], ["f", "e"]], [["b", "a"], ["c", "d"], ["e", "f"]])


def test_a_part_is_drawn_with_what_it_rests_on_and_nothing_else():
    results = [ClaimResult(claim, [], []) for claim in CLAIMS.values()]
    inside = [result for result in results if result.claim.id in ("operator", "contraction")]
    drawn = part_drawing("two", inside, results, ())
    assert set(re.findall(r'href="[\w-]+\.html#([\w-]+)"', drawn)) == {"softmax-td", "operator", "contraction"}


WORDS = re.compile(r'<text class="under" x="(\d+)" y="(\d+)"[^>]*>([^<]*)<')


def points(path):
    """Where a path of lines and curves runs, densely."""
    corners = [tuple(map(int, pair)) for pair in re.findall(r"(\d+) (\d+)", path)]
    bend = re.sub(r"[^MLC]", "", path).index("C") - 1
    a, b, c, d = corners[bend : bend + 4]
    ts = [i / 50 for i in range(51)]
    mix = lambda t, *at: sum(k * (1 - t) ** (3 - i) * t**i * p for i, (k, p) in enumerate(zip((1, 3, 3, 1), at)))
    yield from ((mix(t, a[0], b[0], c[0], d[0]), mix(t, a[1], b[1], c[1], d[1])) for t in ts)
    for (x1, y1), (x2, y2) in [*pairwise(corners[: bend + 1]), *pairwise(corners[bend + 3 :])]:
        yield from ((x1 + t * (x2 - x1), y1 + t * (y2 - y1)) for t in ts)


def test_no_arrow_runs_through_words():
    results = [ClaimResult(claim, [], []) for claim in CLAIMS.values()]
    drawn = part_drawing("all", results, results, ())
    words, paths = WORDS.findall(drawn), re.findall(r'<path d="(M[^"]*)" fill="none"', drawn)
    assert len(words) > 10 and len(paths) > 20
    for x, y, text in words:
        half, low = 3 * len(text), int(y)
        assert not [
            path for path in paths for at, down in points(path) if abs(at - int(x)) < half and low - 9 < down < low + 3
        ], text


def test_the_nearest_rising_sequence():
    assert rising([1, 3, 2, 5]) == [1, 2.5, 2.5, 5]
    assert rising([3, 2, 1]) == [2, 2, 2]
