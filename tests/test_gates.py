"""The gates themselves: each planted failure is reported by the very function that the real tests use."""

import base64
import io
import os
import re
import subprocess
import sys
from random import Random
from types import SimpleNamespace

import pytest
from nbformat import read
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, writes
from PIL import Image
from playwright.sync_api import TimeoutError

from conftest import AGAIN, ROOT, pytest_terminal_summary
from gates import browser, figures, notebook
from gates import site as files
from gates.arithmetic import right_arithmetic
from gates.decimals import held_numbers

THEOREM = "## A result\n\n:::{prf:theorem}\n:label: x\n$1 = 1$\n:::"


EXERCISE = "::::{exercise} Title\n:label: x\n::::\n\n::::{solution-start} x\n::::"
ENDED = "\n\n::::{solution-end}\n::::"


def a_notebook(*cells):
    return new_notebook(
        cells=list(cells), metadata={"kernelspec": {"name": "python3", "display_name": "", "language": "python"}}
    )


def a_cell(source, count=1, outputs=(), **metadata):
    return new_code_cell(source, execution_count=count, outputs=list(outputs), metadata=metadata)


def a_stream(text, name="stdout"):
    return new_output("stream", name=name, text=text)


def shown_html(text):
    return new_output("display_data", data={"text/html": text})


def a_picture(width):
    encoded = io.BytesIO()
    Image.new("1", (width, 100)).save(encoded, format="png")
    png = base64.b64encode(encoded.getvalue()).decode()
    return new_output("display_data", data={"image/png": png, "text/plain": f"<Figure size {width}x100 with 1 Axes>"})


PICTURE = a_picture(760)
SHOWN = {"figure": {"caption": "What it shows.", "name": "fig-x"}, "image": {"alt": "A line.", "width": "480px"}}


def test_a_good_notebook_passes():
    good = a_notebook(
        new_markdown_cell(THEOREM), a_cell("assert f(1) == 1"), a_cell("plot()", 2, [PICTURE], mystnb=SHOWN)
    )
    assert notebook.problems(good) == []


@pytest.mark.parametrize(
    "problem, cells",
    [
        ("not executed in order", [a_cell("1", None)]),
        ("not executed in order", [a_cell("1", 2), a_cell("2", 1)]),
        (
            "ended in an error",
            [a_cell("1/0", outputs=[new_output("error", ename="ZeroDivisionError", evalue="", traceback=[])])],
        ),
        ("wrote to stderr", [a_cell("warn()", outputs=[a_stream("UserWarning: x", "stderr")])]),
        ("more than 40 lines", [a_cell("print(x)", outputs=[a_stream("1\n" * 41)])]),
        ("more than 40 lines", [a_cell("x", outputs=[new_output("execute_result", data={"text/latex": "x" * 6001})])]),
        ("asserts nothing", [new_markdown_cell(THEOREM), a_cell("print(1)")]),
        ("asserts nothing", [new_markdown_cell(THEOREM), a_cell("assert True")]),
        ("asserts nothing", [new_markdown_cell(THEOREM), new_markdown_cell("## Another"), a_cell("assert f(1) == 1")]),
        (
            "asserts nothing",
            [new_markdown_cell("## A\n```{include} _generated/theorems/softmax-td.md\n```"), a_cell("1")],
        ),
        ("without alt text", [a_cell("plot()", outputs=[PICTURE], mystnb={"figure": {"caption": "x"}})]),
        ("without a caption", [a_cell("plot()", outputs=[PICTURE], mystnb={"image": {"alt": "x"}})]),
        ("text of 10 points has 7.7 pixels on a phone", [a_cell("plot()", outputs=[a_picture(1000)], mystnb=SHOWN)]),
        (
            "text of 7.5 points has 7.6",
            [a_cell("plot(fontsize=9)\nplot(labelsize=7.5)", outputs=[PICTURE], mystnb=SHOWN)],
        ),
        ("without a width", [a_cell("plot()", outputs=[PICTURE], mystnb={"image": {"alt": "x"}})]),
        ("path of somebody's machine", [new_markdown_cell("See /home/me/book.")]),
        ("execution times", [a_cell("1", execution={"iopub.execute_input": "2026"})]),
        ("escapes the comparison", [a_cell("1", tags=["nbval-ignore-output"])]),
        ("escapes the comparison", [a_cell("# NBVAL_SKIP\n1")]),
        ("cell 1 holds <a onclick=", [new_markdown_cell('<a onclick="x()">x</a>')]),
        ('action="https://example.org"', [new_markdown_cell('For $a <b$: <form action="https://example.org">')]),
        ("holds <meta http-equiv=", [new_markdown_cell('<meta http-equiv="refresh" content="9;url=//x.org">')]),
        ("holds a script with 'fetch'", [a_cell("1", outputs=[shown_html("<script>fetch(x)</script>")])]),
        ("solution of x is not asserted", [new_markdown_cell(EXERCISE)]),
        ("solution of x is not asserted", [new_markdown_cell(EXERCISE), a_cell('check("x", f)')]),
        ("solution of x is not asserted", [new_markdown_cell(EXERCISE), a_cell('assert check("y", f)')]),
        ("solution of x is not asserted", [new_markdown_cell(EXERCISE + ENDED), a_cell('assert check("x", f)')]),
        ("check is not that of icrl", [new_markdown_cell(EXERCISE), a_cell('assert check("x", f)')]),
        ("a line of 85 characters", [a_cell("x = 1  #" + "-" * 77)]),
    ],
)
def test_a_bad_notebook_is_reported(problem, cells):
    assert any(problem in found for found in notebook.problems(a_notebook(*cells)))


@pytest.mark.parametrize(
    "problem, code",
    [
        ("cannot fail: assert True or f(x)", "assert True or f(x)"),
        ("cannot fail", "assert f(x) or not False"),
        ("cannot fail", "assert all([f(x) or 1])"),
        ("cannot fail", "assert True if True else f(x)"),
        ("cannot fail", "assert 1 + 1 == 2"),
        ("cannot fail", "assert (f(x), 'said')"),
        ("cannot fail", "assert lambda: f(x)"),
        ("cannot fail", "assert np.allclose(x, y) == np.allclose(x, y)"),
        ("cannot fail: if False:", "if False:\n    assert f(x)"),
        ("tolerance 1000000000.0", "assert np.allclose(x, y, atol=1e9)"),
        ("tolerance 0.1", "assert np.isclose(x, y, 0.1)"),
        ("tolerance 1", "np.testing.assert_allclose(x, y, rtol=1)"),
        ("tolerance 10 ** 9", "assert x == approx(y, abs=10**9)"),
        ("tolerance loose", "loose = 1e9\nassert np.isclose(x, y, atol=loose)"),
        ("tolerance float('inf')", "assert np.isclose(x, y, atol=float('inf'))"),
        ("a bound of 1000000000.0", "assert abs(x - y) < 1e9"),
        ("a bound of 10 ** 9", "assert 10**9 > abs(x - y)"),
        ("a bound of 1e309", "assert abs(x - y) <= 1e999"),
        ("puts something into np.allclose", "np.allclose = lambda *_, **__: True"),
        ("puts something into np.testing.assert_allclose", "np.testing.assert_allclose = print"),
        ("uses setattr", "setattr(np, 'allclose', print)"),
        ("puts something into np.__dict__", "np.__dict__['allclose'] = print"),
        ("uses vars", "vars(np)['allclose'] = print"),
        ("puts something into sys.modules['icrl']", "import sys\nsys.modules['icrl'] = None"),
        ("gives abs another meaning", "abs = lambda x: 0"),
        ("gives all another meaning", "def all(x):\n    return True"),
        ("gives max another meaning", "f = lambda max: 0"),
        ("gives min another meaning", "from icrl.mrp import min"),
        ("gives np another meaning", "import icrl.arrays as np"),
        ("gives np another meaning", "from icrl.arrays import np"),
        ("gives np another meaning", "class np:\n    allclose = print"),
        ("replaces check, which was imported", "from icrl.exercises import check\ncheck = print"),
        ("replaces isclose, which was imported", "from math import isclose\nfor isclose in [print]:\n    pass"),
        ("replaces isclose, which was imported", "from math import isclose\n[isclose := print]"),
        ("catches (KeyError, AssertionError)", "try:\n    assert f(x)\nexcept (KeyError, AssertionError):\n    pass"),
        ("catches everything", "try:\n    assert f(x)\nexcept:\n    pass"),
        ("uses suppress", "from contextlib import suppress\nwith suppress(Exception):\n    assert f(x)"),
        ("not Python: %run other.py", "%run other.py"),
    ],
)
def test_an_assert_that_could_not_fail_is_reported(problem, code):
    assert any(problem in found for found in notebook.problems(a_notebook(a_cell(code))))


OPENING = """(label)=
# A chapter

Why.

:::{admonition} Before you begin
**Afterwards you can** add. **You need** {doc}`numbers`. **It takes** about 5 minutes.
:::
"""
SHOWS = "## One\n```{include} _generated/theorems/rate-floor.md\n```"
SHORT = (
    "## In short\n\n- It falls {claim}`rate-floor/floor`,\n  as stated.\n- So it did, {numref}`fig-x`.\n\nThat is all."
)


def a_chapter(opening=OPENING, shows=SHOWS, short=SHORT, after="## Exercises"):
    cells = [new_markdown_cell(opening), new_markdown_cell(shows), a_cell("assert f(1) == 1")]
    return a_notebook(*cells, new_markdown_cell(short), new_markdown_cell(after))


def test_a_chapter_that_opens_and_closes_passes():
    assert notebook.problems(a_chapter()) == []
    assert notebook.problems(a_chapter("A page without a title", short="## The end")) == []


@pytest.mark.parametrize(
    "problem, changed",
    [
        ("does not say: Afterwards you can", {"opening": OPENING.replace("**Afterwards", "*Afterwards")}),
        ("does not say: You need", {"opening": OPENING.replace("**You need**", "You need")}),
        ("does not say: It takes", {"opening": "# A chapter"}),
        ("promises 25 minutes", {"opening": OPENING.replace("about 5", "about 25")}),
        ("promises 5 minutes", {"shows": SHOWS + " word" * 2000}),
        ("the last section before the exercises is 'One'", {"short": "It ends."}),
        ("the last section before the exercises is 'More'", {"after": "## More"}),
        ("does not say on what it rests: - It falls", {"short": SHORT.replace("{claim}`rate-floor/floor`", "")}),
        ("does not say on what it rests: - So it did", {"short": SHORT.replace("{numref}`fig-x`", "as shown")}),
        ("'In short' has no items", {"short": "## In short\n\nNothing."}),
        ("no check stands behind rate-floor/flat", {"short": SHORT.replace("/floor", "/flat")}),
        ("no check stands behind rate-floor, or", {"short": SHORT.replace("rate-floor/floor", "✓ <rate-floor>")}),
        (
            "no check stands behind global-minimum/rare",
            {"short": SHORT.replace("rate-floor/floor", "global-minimum/rare")},
        ),
    ],
)
def test_a_chapter_that_rests_on_nothing_is_reported(problem, changed):
    assert any(problem in found for found in notebook.problems(a_chapter(**changed)))


@pytest.mark.parametrize(
    "caption, code, passes",
    [
        ("It falls.", "assert f(1) < f(0)", True),
        ("It falls {claim}`rate-floor/floor`.", "", True),
        ("It falls.", "", False),
        ("It falls.", "assert True", False),
    ],
)
def test_a_caption_that_rests_on_nothing_is_reported(caption, code, passes):
    shown = {"figure": {"caption": caption, "name": "fig-x"}, "image": {"alt": "A line."}}
    cells = [new_markdown_cell("## One"), a_cell("plot()", 1, [PICTURE], mystnb=shown), a_cell(code or "1", 2)]
    found = notebook.problems(a_notebook(*cells, new_markdown_cell("## Two"), a_cell("assert g(1) == 1", 3)))
    assert any("rests on nothing: It falls" in problem for problem in found) is not passes


def test_a_solution_that_is_judged_right_passes():
    code = a_cell('from icrl.exercises import check\n\nassert check("x", f)')
    assert notebook.problems(a_notebook(new_markdown_cell(EXERCISE), code, new_markdown_cell(ENDED))) == []


def test_asserts_that_can_fail_pass():
    code = """import numpy as np
from icrl.exercises import check
assert (x > 1e6).all() and np.isclose(x, y, rtol=1e-3, atol=0)
assert f(x) < 1e-9 < g(x) and x[-1] == x[0]
assert 1e9 < x.max(), "large"
checked = [check(name, answer) for name, answer in answers]
try:
    f(x)
except ValueError as error:
    said = str(error)"""
    assert notebook.problems(a_notebook(a_cell(code))) == []


NUMBERS = {  # a text, what its section's code and outputs hold, and the number that is reported
    "printed": ("It falls by 0.95.", "0.9512", None),
    "another": ("It falls by 0.95.", "0.9449", "0.95"),
    "no more places": ("It falls by 0.951.", "0.9516", "0.951"),
    "a sign": ("It falls by $.3$.", "-0.29", None),
    "a ratio": ("It is 0.95.", "19/20", None),
    "a power of ten": (r"About $3.7 \cdot 10^{-44}$.", "3.7201e-44", None),
    "another power": (r"About $3.7 \cdot 10^{-43}$.", "3.7201e-44", r"3.7 \cdot 10^{-43}"),
    "a whole number of tens": (r"About $2 \times 10^7$.", "2.7e7", r"2 \times 10^7"),
    "a ratio in TeX": (r"It is $\tfrac34$, then $\tfrac{10}{16}$.", "3/4 0.625", None),
    "another ratio in TeX": (r"It is $\tfrac34$.", "0.7501 4/3", r"\tfrac34"),
    "a half": (r"It is $\tfrac12$, not 0.5.", "", "0.5"),
    "a ratio of letters": (r"It is $\tfrac{a}{3}$.", "", None),
    "per cent": ("In 12.5 per cent of all runs.", "0.125", None),
    "no per cent": ("In 12.5 of all runs.", "0.125", "12.5"),
    "quoted": ("They report 0.77 {cite:p}`someone`.", "", None),
    "not quoted": ("They report it {cite:p}`someone`. It is 0.77 here.", "", "0.77"),
    "in a formula": (r"Then $\gamma = 0.77$ is not.", "0.9", "0.77"),
    "code": ("The option `step=0.77`, see <https://example.org/0.77>.", "", None),
    "a list": ("* 0.77\n* cited {cite:p}`someone`", "", "0.77"),
}


FORMULAS = {  # a formula that holds, and one that does not
    "a sum": ("64 - 100 = -36", "64 + 100 = -36"),
    "a product": (r"1 - 1.2\,(1 + 0.89) = -1.27", r"1 - 1.2\,(1 - 0.89) = -1.27"),
    "a power": ("3^4 = 81", "3^4 = 82"),
    "rounded": (r"e^4 \approx 55", r"e^4 \approx 54"),
    "rounded to places": (r"\sqrt{\tfrac23} = 0.816", r"\sqrt{\tfrac23} = 0.817"),
    "cut off": (r"e - 2 = 0.718\ldots", r"e - 2 = 0.716\ldots"),
    "a root": (r"-1/\sqrt{10} = -0.32", r"1/\sqrt{10} = -0.32"),
    "logarithms": (r"\ln 2 / \ln \tfrac{10}{9} \approx 6.6", r"\ln 2 / \ln \tfrac{9}{10} \approx 6.6"),
    "a power of ten": (r"e^{-100} \approx 4 \cdot 10^{-44}", r"e^{-100} \approx 4 \cdot 10^{-43}"),
    "an inequality": (r"7 > \bigl(\tfrac{23}{9}\bigr)^2", r"7 < \bigl(\tfrac{23}{9}\bigr)^2"),
    "a chain": (r"x = 2 + 0.5 \cdot 2 = 3", r"x = 2 - 0.5 \cdot 2 = 3"),
}


@pytest.mark.parametrize("right, wrong", FORMULAS.values(), ids=FORMULAS)
def test_wrong_arithmetic_is_reported(right, wrong):
    found = right_arithmetic(a_notebook(*(new_markdown_cell(f"So ${formula}$.") for formula in (right, wrong))))
    assert [problem.split()[1] for problem in found] == ["2"]


def test_what_is_no_number_is_not_worked_out():
    formulas = r"$\gamma = 0.9$, $2 x = 3$, $f(2) = 5$, $v_1 = 1$, $\hat M(1, 1) = 0$, $= 3$, $1/0 = 1$, $9^{9^{9^9}} = 1$, $'a' = 1$, $n \to 2 = 3$"
    assert right_arithmetic(a_notebook(new_markdown_cell(formulas))) == []


SOLVED = "\n:::::{solution-start} x\n:::::\n\nThe factor is 19, of 5.\n\n"


@pytest.mark.parametrize("held, reported", [("19", []), ("18", ["cell 2 says 19"])])
def test_a_whole_number_that_nothing_holds_is_reported_in_a_solution(held, reported):
    cells = [
        new_markdown_cell("Of 77."),
        new_markdown_cell(SOLVED),
        a_cell(f"x = {held}"),
        new_markdown_cell(ENDED + "\n77"),
    ]
    assert [problem.split(",")[0] for problem in held_numbers(a_notebook(*cells))] == reported


@pytest.mark.parametrize("text, shown, reported", NUMBERS.values(), ids=NUMBERS)
def test_a_number_that_nothing_holds_is_reported(text, shown, reported):
    found = held_numbers(a_notebook(new_markdown_cell(f"## A\n\n{text}"), a_cell("f(x)", outputs=[a_stream(shown)])))
    assert [problem.split(",")[0] for problem in found] == ([f"cell 1 says {reported}"] if reported else [])


HELD = {  # cells after a text that says 0.77, and whether they hold it
    "code": ([a_cell("step = 0.77")], True),
    "a fraction": ([a_cell("step = F(77, 100)")], True),
    "code of another section": ([new_markdown_cell("## Another"), a_cell("step = 0.77")], True),
    "an output of another section": (
        [
            a_cell("1", outputs=[a_stream("1")]),
            new_markdown_cell("## Another"),
            a_cell("1", outputs=[a_stream("0.77")]),
        ],
        False,
    ),
    "the place of a legend": ([a_cell("legend(at=0.77)", outputs=[PICTURE])], False),
    "an assert beside a figure": ([a_cell("plot()\nassert x < 0.77", outputs=[PICTURE])], True),
}


@pytest.mark.parametrize("cells, holds", HELD.values(), ids=HELD)
def test_what_holds_a_number(cells, holds):
    assert (held_numbers(a_notebook(new_markdown_cell("## A\n\nIt is 0.77."), *cells)) == []) == holds


def test_a_number_in_a_caption_is_read():
    cell = a_cell("plot()", outputs=[PICTURE], mystnb={"figure": {"caption": "It ends at 0.77."}})
    assert [found.split(",")[0] for found in held_numbers(a_notebook(cell))] == ["cell 1 says 0.77"]


def test_another_kernel_is_reported():
    assert "the kernel is not python3" in notebook.problems(new_notebook())


STORED = {  # what a cell prints, the output that its notebook holds, and whether that is reported
    "fresh": ("2 + 2", "4\n", False),
    "stale": ("2 + 2", "5\n", True),
    "address": ("object(), 0.25", "<object object at 0x7f0000000000> 0.25\n", False),  # an address may move
    "number": ("object(), 0.25", "<object object at 0x7f0000000000> 0.26\n", True),  # a number may not
    "nowhere": ("object(), 0.25", "<object object at nowhere> 0.25\n", True),
}


DRAWN = (8, 8), (200, 100, 50, 255)
PICTURES = {  # the pictures that a notebook holds whose cell draws the one above, and whether that is reported
    "drawn": ([DRAWN], False),
    "rounded": ([((8, 8), (201, 99, 50, 255))], False),
    "another": ([((8, 8), (200, 117, 50, 255))], True),
    "fainter": ([((8, 8), (200, 100, 50, 235))], True),
    "larger": ([((8, 9), (200, 100, 50, 255))], True),
    "none": ([], True),
    "two": ([DRAWN, DRAWN], True),
}


def encoded(size, colour):
    """A PNG of one colour, as a notebook holds it."""
    file = io.BytesIO()
    Image.new("RGBA", size, colour).save(file, "png")
    return base64.b64encode(file.getvalue()).decode()


def a_picture_cell(stored):
    """A cell that draws ``DRAWN``, and what its notebook holds."""
    text = {"text/plain": "<IPython.core.display.Image object>"}
    held = [text | {"image/png": encoded(*picture)} for picture in stored] or [text]
    outputs = [new_output("execute_result", data=data, execution_count=1) for data in held[:1]]
    outputs += [new_output("display_data", data={"image/png": data["image/png"]}) for data in held[1:]]
    code = f"import base64, IPython.display\nIPython.display.Image(base64.b64decode('{encoded(*DRAWN)}'))"
    return a_cell(code, outputs=outputs)


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """What `make test` says of each of these notebooks, in one run."""
    folder = tmp_path_factory.mktemp("notebooks")
    cells = {name: a_cell(f"print({shown})", outputs=[a_stream(stored)]) for name, (shown, stored, _) in STORED.items()}
    cells |= {name: a_picture_cell(stored) for name, (stored, _) in PICTURES.items()}
    for name, cell in cells.items():
        (folder / f"{name}.ipynb").write_text(writes(a_notebook(cell)))
    command = [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", "-p", "no:xdist"]
    command += ["-c", ROOT / "pyproject.toml", "--rootdir", folder, "--nbval", "--nbval-current-env"]
    command += ["--nbval-sanitize-with", ROOT / "tests" / "nbval_sanitize.cfg", folder]
    run = subprocess.run(command, capture_output=True, text=True, timeout=600, env=outside_xdist())
    outcomes = re.findall(r"^(PASSED|FAILED) (?:.*/)?(\w+)\.ipynb::", run.stdout, re.MULTILINE)
    return {name: outcome for outcome, name in outcomes}


def outside_xdist(**changes):
    """The environment of a run of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "ICRL_"))}
    return kept | changes


@pytest.mark.parametrize("name", STORED)
def test_a_stale_output_is_reported_and_the_sanitiser_hides_addresses_only(name, compared):
    assert compared[name] == ("FAILED" if STORED[name][-1] else "PASSED")


@pytest.mark.parametrize("name", PICTURES)
def test_a_stale_picture_is_reported_and_a_rounded_colour_is_not(name, compared):
    assert compared[name] == ("FAILED" if PICTURES[name][-1] else "PASSED")


@pytest.mark.parametrize(
    "figure, lines, reported", [("fig-x", 1, True), ("fig-errors", 1, False), ("fig-errors", 32, True)]
)
def test_a_figure_of_rounding_may_move_a_line_and_no_more(figure, lines, reported):
    old, new = (Image.new("RGBA", (320, 320), "white") for _ in range(2))
    new.paste((0, 0, 255, 255), (0, 64, 320, 64 + lines))
    old.paste((0, 0, 255, 255), (0, 68, 320, 68 + lines) if lines == 1 else (0, 200, 320, 232))
    assert bool(figures.differences([old], [new], figure)) == reported


def test_the_figures_of_rounding_are_in_the_book():
    cells = [cell for path in (ROOT / "book").glob("*.ipynb") for cell in read(path, as_version=4).cells]
    assert figures.OF_ROUNDING <= {figures.name_of(cell) for cell in cells}


HEAVY = "".join(Random(0).choices("0123456789abcdef", k=2_400_000))
"""What no compression makes lighter than half of it."""
SHIFTING = """<script>setTimeout(() => {
  const above = document.createElement("div"); above.style.height = "600px"; document.querySelector("article").prepend(above);
}, 0)</script>"""
WORDS = '<mjx-container style="display: inline-block; width: 90px">formula</mjx-container>'
UNWATCHED = "<script>window.ResizeObserver = class { observe() {} }</script>"


@pytest.fixture
def planted(site, tmp_path):
    """A copy of one chapter with a fragment put into its text, in a site of its own."""
    chapter = (site / "book" / "markov-reward-processes.html").read_text("utf-8")

    def plant(fragment):
        folder = tmp_path / "site"
        (folder / "book").mkdir(parents=True)
        for shared in ("_static", "_images", "_sources", "_modules"):
            if (site / shared).exists():
                (folder / shared).symlink_to(site / shared)
        for page in site.rglob("*.html"):
            copy = folder / page.relative_to(site)
            if not copy.exists():
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.symlink_to(page)
        planted = folder / "book" / "planted.html"
        assert chapter.count("</article>") == 1
        planted.write_text(chapter.replace("</article>", fragment + "</article>"), "utf-8")
        return folder

    return plant


def file_problems(folder):
    """What the gates say of the planted page (the others are links to the real ones)."""
    return [problem for problem in files.problems(folder) if problem.startswith("book/planted.html")]


def test_an_unspoilt_page_passes(planted, look, tmp_path):
    folder = planted("<p>Nothing wrong here.</p>")
    assert file_problems(folder) == []
    with browser.served(folder, tmp_path / "served") as address:
        assert look(f"{address}/book/planted.html") == []


@pytest.mark.parametrize(
    "problem, fragment",
    [
        ("broken link", '<a href="no-such-chapter.html">x</a>'),
        ("broken link", '<a href="/book/preface.html">works at the root of a host only</a>'),
        ("broken link", '<img src="../_images/none.png" alt="x">'),
        ("broken anchor", '<a href="preface.html#no-such-section">x</a>'),
        ("broken anchor", '<a href="#no-such-section">x</a>'),
        ("foreign asset", '<script src="https://cdn.example.org/x.js"></script>'),
        ("foreign asset", '<img src="//example.org/x.png" alt="x">'),
        ("left-over markup", "<p>{prf:ref}bellman</p>"),
        ("left-over markup", "<p>{eq}x</p>"),
        ("left-over markup", "<p>:::{note}</p>"),
        ("left-over markup", "<p>f = function at 0x7f3a00aa11bb</p>"),
        ("<button onclick=", '<button onclick="window.print()">print</button>'),
        ("<p onmouseover=", '<p OnMouseOver="x()">over</p>'),
        ("<svg onload=", '<svg onload="x()"></svg>'),
        ("<form action=", '<form action="https://example.org"></form>'),
        ("<form action=", '<form action="../search.html"></form>'),
        ("<button formaction=", '<button formaction="//example.org">x</button>'),
        ('content="9;url=https://example.org"', '<meta http-equiv="refresh" content="9;url=https://example.org">'),
        ("<iframe>", '<iframe srcdoc="x"></iframe>'),
        ("<base>", '<base href="https://example.org">'),
        ("<a href=", '<a href="java&#115;cript:x()">x</a>'),
        ("<link href=", '<link rel="prefetch" href="https://example.org/x">'),
        ("<img srcset=", '<img alt="x" srcset="//example.org/x.png">'),
        ("<p style=", '<p style="background: url(https://example.org/x.png)">x</p>'),
        ("a style with", "<style>p { background: url(//example.org/x.png) }</style>"),
        ("a style with", "<style>@import 'https://example.org/x.css';</style>"),
        ("a script with 'setTimeout'", "<script>setTimeout(() => fetch('https://example.org'), 1e6)</script>"),
        ("a script with 'fetch'", "<script>addEventListener('click', () => fetch('https://example.org'))</script>"),
        ("a script with 'self['", "<script>self['fe' + 'tch']('x')</script>"),
        ("a script with '.src'", "<script>document.createElement('img').src = x</script>"),
        ("a script with 'import'", '<script type="module">import("https://example.org/x.js")</script>'),
        ("no alt text", '<img src="../_static/logo.svg">'),
        ("no alt text", '<img src="../_static/logo.svg" alt="">'),
        ("no alt text", '<img src="../_static/logo.svg" alt="../_images/3f0a8c1b2d3e4f5a6b7c.png">'),
    ],
)
def test_a_bad_file_is_reported(problem, fragment, planted):
    assert any(problem in found for found in file_problems(planted(fragment)))


@pytest.mark.parametrize(
    "problem, fragment",
    [
        ("TeX error", '<mjx-container><mjx-merror data-mjx-error="Missing argument">x</mjx-merror></mjx-container>'),
        ("undefined macro", '<mjx-container><mjx-mtext style="color: red">x</mjx-mtext></mjx-container>'),
        ("not typeset", r'<span class="math">\(x\)</span>'),
        ("not read aloud", "<mjx-container><mjx-math>x</mjx-math></mjx-container>"),
        ("bytes besides its pictures", "<!--" + HEAVY + "-->"),
        ("moves by", SHIFTING),
        ("image-alt: ", '<img src="../_static/logo.svg">'),
        ("link-name: ", '<a href="preface.html"></a>'),
        (
            "a picture is cut off",
            '<div style="overflow-x: auto"><img src="../_static/logo.svg" alt="x" style="width: 900px; max-width: none"></div>',
        ),
        (
            "a line of code is cut off",
            '<div class="highlight"><pre style="white-space: pre">' + "x" * 90 + "</pre></div>",
        ),
        (
            "a formula is cut off",
            f'<span class="math" style="display: inline-block; width: 20px; overflow: hidden">{WORDS}</span>',
        ),
        ("torn from what touches it", f'<p style="width: 0"><span class="math">{WORDS}</span>, x</p>'),
        ("torn from what touches it", f'<p style="width: 0">x (<span class="math">{WORDS}</span></p>'),
        ("text is cut off at its left", '<p style="overflow: hidden; text-indent: -2rem">text</p>'),
        ("a paragraph is wider than its column", f'<p style="width: 0; overflow: auto">{WORDS}</p>'),
        (
            "scrolls, and is no stop",
            '<p style="overflow-x: auto; position: absolute; width: 9px"> wide</p>' + UNWATCHED,
        ),
        ("is a stop of the keyboard", '<p tabindex="0">narrow</p>' + UNWATCHED),
        ("fades at its edge", '<p style="mask-image: linear-gradient(#000, #fff)">narrow</p>'),
        ("does not fade", "<style>article * { mask-image: none !important }</style>"),
        ("not typeset", '<span class="math">x</span>'),
        ("raw TeX", r'<p class="mathjax_ignore">\(x\)</p>'),
        ("raw TeX", '<p class="mathjax_ignore">$$x$$</p>'),
        ("raw TeX", r'<style>p::before { content: attr(data-label) }</style><p data-label="\(x\)"></p>'),
        ("raw TeX", r"<ul><li>\alpha c$.</li></ul>"),
        ("foreign request", '<script src="http://127.0.0.1:9/x.js"></script>'),
        ("console", "<script>console.error('planted')</script>"),
        ("script error", "<script>throw new Error('planted')</script>"),
        ("sideways at 390", '<div style="width: 600px">wide</div>'),
        ("cut off at its left", "<style>mjx-container[display] > * { transform: translateX(-300px) }</style>"),
        ("in dark mode", '<p style="color: #000">black on black</p>'),
        ("in light mode", '<p style="color: #ddd">pale</p>'),
        ("in light mode", '<p style="opacity: 0.4">faint</p>'),
    ],
)
def test_a_bad_page_is_reported(problem, fragment, planted, look, tmp_path):
    with browser.served(planted(fragment), tmp_path / "served") as address:
        found = look(f"{address}/book/planted.html")
    assert any(problem in line for line in found), found


@pytest.mark.parametrize(
    "problem, fragment",
    [
        ("0 rings", "<style>article a:focus-visible { outline: none !important }</style>"),
        ("2 rings", "<style>article a:focus-visible { box-shadow: 0 0 0 3px #888 }</style>"),
        ("1 rings, 1 of them pale, in light", '<a href="#" style="outline-color: #eee !important">pale</a>'),
        ("1 rings, 1 of them pale, in dark", '<a href="#" style="outline-color: #222 !important">dark</a>'),
    ],
)
def test_a_bad_ring_is_reported(problem, fragment, planted, chromium, tmp_path):
    with browser.served(planted(fragment), tmp_path / "served") as address, browser.opened(chromium) as page:
        page.goto(f"{address}/book/planted.html", wait_until="load")
        found = browser.ringed(page)
    assert any(line.startswith(problem) for line in found), found


def test_a_page_that_never_settles_is_opened_twice_and_then_raises(chromium, tmp_path):
    page = "<script>window.MathJax = { startup: { promise: new Promise(() => {}) } }</script>"
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "never.html").write_text(page)
    told = []
    with browser.served(tmp_path / "site", tmp_path / "served") as address, pytest.raises(TimeoutError):
        browser.look(chromium, f"{address}/never.html", told.append, limit=1)
    assert [line.startswith(f"{address}/never.html, not there within 1 s") for line in told] == [True]


def test_a_page_that_is_late_once_is_what_it_is_the_second_time(monkeypatch):
    tries = iter([TimeoutError("Timeout 1000ms exceeded."), ["console: planted"]])

    def looked(*_):
        if isinstance(outcome := next(tries), Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(browser, "looked", looked)
    told = []
    assert browser.look(None, "http://late", told.append) == ["console: planted"]
    assert told == ["http://late, not there within 180 s: Timeout 1000ms exceeded."]


def test_a_second_try_is_told_in_the_runs_last_lines():
    lines = []
    report = SimpleNamespace(user_properties=[(AGAIN, "http://late, not there within 180 s")])
    run = SimpleNamespace(stats={"passed": [report], "": [object()]}, section=lines.append, line=lines.append)
    pytest_terminal_summary(run)
    assert lines == ["pages opened a second time", "http://late, not there within 180 s"]


def test_a_script_file_of_the_books_own_is_read(planted):
    folder = planted('<script src="planted.js"></script>')
    (folder / "book" / "planted.js").write_text("document.onclick = () => navigator.sendBeacon('https://example.org')")
    assert any(problem.startswith("book/planted.js: a script with 'sendBeacon'") for problem in files.problems(folder))


def test_a_refresh_leads_on_from_the_front_door_only(tmp_path):
    for name, to in {
        "index": "book/preface.html",
        "other": "book/preface.html",
        "book/preface": "../index.html",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.html").write_text(f'<meta http-equiv="Refresh" content="0; url={to}">')
    assert [found.partition(":")[0] for found in files.problems(tmp_path)] == ["book/preface.html", "other.html"]


def test_a_foreign_style_is_reported(planted):
    folder = planted("")
    (folder / "book" / "planted.css").write_text("@import url('https://fonts.example.org/x.css');")
    assert any("planted.css: foreign asset" in problem for problem in files.problems(folder))


def a_run_without_chromium(**changes):
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        ROOT / "tests" / "test_site.py",
        "-k",
        "theme_button",
    ]
    return subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        env=outside_xdist(ICRL_CHROMIUM="/nonexistent", **changes),
    )


def test_without_chromium_the_run_says_what_it_left_out(site):
    run = a_run_without_chromium()
    *_, heading, left_out, summary = run.stdout.splitlines()
    assert run.returncode == 0
    assert "left out on this machine" in heading
    assert "test_theme_button_changes_the_theme" in left_out and "Chromium not found" in left_out
    assert "1 skipped" in summary


def test_under_strict_a_missing_tool_is_a_failure(site):
    run = a_run_without_chromium(ICRL_STRICT="1")
    assert run.returncode == 1
    assert "Chromium not found" in run.stdout
