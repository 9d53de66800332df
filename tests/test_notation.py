"""The page of notation: sorted, each symbol where it is first used, none left out, and no name that the package lacks."""

import pytest

from conftest import ROOT
from gates.notation import book, misplaced, names, rows, unlisted, unnamed, unsorted
from gates.symbols import Symbol, formulas, symbols


@pytest.fixture(scope="module")
def texts():
    return book(ROOT)


@pytest.fixture(scope="module")
def table():
    return rows((ROOT / "book" / "notation.md").read_text("utf-8"))


def test_the_rows_are_sorted(table, texts):
    assert len(table) > 200 and unsorted(table, texts) == []


def test_each_symbol_is_first_used_where_its_row_says(table, texts):
    assert misplaced(table, texts) == []


def test_what_many_chapters_display_has_a_row(table, texts):
    assert unlisted(table, texts) == []


def test_every_name_in_the_column_of_code_is_one_of_the_package(table):
    assert unnamed(table, names(ROOT / "icrl")) == []


def test_the_book_is_read_with_its_boxes_and_what_it_printed(texts):
    assert list(texts)[0] == "markov-reward-processes" and list(texts)[-1] == "what-the-kernel-sees"
    assert all("{include} _generated/theorems" not in text for text in texts.values())
    assert ":label: operator" in texts["layer-operator"] and r"\gamma v_{1} & 0" in texts["attention-prompts-masks"]


@pytest.mark.parametrize(
    "formula, read",
    [
        (r"v_{\mathrm{CE}} + v_{CE}", [Symbol("v", mark="_CE")] * 2),
        (r"\hat M_\rho", [Symbol("M", r"\hat", r"_\rho")]),
        (r"v_{l+1}^{+}", [Symbol("v", mark="^+_#"), Symbol("l")]),
        (r"v^\pi_k P^2", [Symbol("v", mark=r"^\pi_#"), Symbol("k"), Symbol("P")]),
        (r"\E x_k'", [Symbol("E", r"\mathbb"), Symbol("x", mark="'_#"), Symbol("k")]),
        (r"\norm{u}_\mu^2", [Symbol("u"), Symbol(r"\rVert", mark=r"_\mu")]),
        (r"\inner{x}{\norm{w}}", [Symbol(r"\langle"), Symbol("x"), Symbol("w"), Symbol(r"\rVert")]),
        (r"\text{mean of } \operatorname{span} \Phi", [Symbol(r"\Phi")]),
    ],
)
def test_single_symbols_are_found_in_a_formula(formula, read):
    assert symbols(formula) == read


def test_formulas_are_found_outside_code():
    text = "Let $a$ be.\n\n$$\nb = c\n$$\n\n```\n$d$\n```\n`$e$` costs \\$5 and \\$6 <!-- $f$ -->\n"
    assert formulas(text) == (["\nb = c\n"], ["a"])


BOX = ":::{prf:theorem} T\n:label: box\n\nLet $b$ be.\n:::\n"
PLANTED = {
    "one": "$a$ $$ a $$ $x$",
    "two": f"{BOX} $$ a = \\hat y $$",
    "three": "$$ a = \\hat y + z $$",
    "four": "$$ \\hat y = z $$",
}


def planted(*lines):
    return rows("\n".join(["| symbol | meaning | in `icrl` | first used |", "|---|---|---|---|", *lines]))


def row(symbol, place="{doc}`one`", code=""):
    return f"| {symbol} | | {code} | {place} |"


@pytest.mark.parametrize(
    "above, below",
    [
        ("$b$", "$a$"),
        (r"$\hat a$", "$a$"),
        ("$a_l$", "$A$"),
        ("$A$", "$a$"),
        (r"$\alpha$", "$z$"),
        (r"$\beta$", r"$\alpha$"),
        (r"$\omega$", r"$\Phi$"),
        (r"$\mathbf 1$", r"$\omega$"),
        (r"$\mathrm{NEU}$", "$n$"),
    ],
)
def test_rows_out_of_order_are_refused(above, below):
    assert unsorted(planted(row(above), row(below)), PLANTED)
    assert not unsorted(planted(row(below), row(above)), PLANTED)


def test_meanings_stand_in_the_order_of_their_chapters():
    later, earlier = row("$a$ (second)", "{doc}`two`"), row("$a$ (first)")
    assert unsorted(planted(later, earlier), PLANTED) == ["$a$ (first) stands below $a$ (second)"]
    assert unsorted(planted(earlier, later), PLANTED) == []


@pytest.mark.parametrize(
    "lines, problem",
    [
        ([row("$b$", "{doc}`Three <three>`")], "$b$ does not occur in {doc}`Three <three>`"),
        ([row("$a$", "{prf:ref}`box`")], "$a$ does not occur in {prf:ref}`box`"),
        ([row("$a$", "{doc}`nowhere`")], "$a$ does not occur in {doc}`nowhere`"),
        ([row("$b$", "{prf:ref}`nowhere`")], "$b$ does not occur in {prf:ref}`nowhere`"),
        ([row("$b$", "{doc}`two` and {doc}`three`")], "$b$ does not occur in {doc}`two` and {doc}`three`"),
        ([row("$b$", "two")], "$b$ does not occur in two"),
        ([row("$a$", "{doc}`two`")], "a occurs in one, before two"),
        (
            [row("$a$ (one thing)", "{doc}`two`"), row("$a$ (another)", "{doc}`three`")],
            "a occurs in one, before two, three",
        ),
    ],
)
def test_a_place_that_is_not_the_first_is_refused(lines, problem):
    assert problem in misplaced(planted(*lines), PLANTED)


def test_of_several_meanings_only_the_earliest_must_be_first():
    lines = row("$a$ (one thing)"), row("$a$ (another)", "{doc}`three`"), row("$b$", "{prf:ref}`box`")
    assert misplaced(planted(*lines), PLANTED) == []


def test_a_symbol_that_three_chapters_display_needs_a_row():
    assert unlisted(planted(row("$a$")), PLANTED) == [r"\hat y has no row"]
    assert unlisted(planted(row("$a$"), row(r"$\hat y$")), PLANTED) == []


def test_a_name_that_the_package_lacks_is_refused():
    known = names(ROOT / "icrl")
    lines = (
        row("$a$", code="`Head.V`, `rows(Z).value`"),
        row("$b$", code="`b` of `layer_operators`"),
        row("$c$", code="`Head.U8`"),
    )
    assert unnamed(planted(*lines), known) == [
        "$b$: the package has no name layer_operators",
        "$c$: the package has no name U8",
    ]
