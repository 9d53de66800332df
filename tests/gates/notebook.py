"""What a committed notebook must satisfy. Every gate takes a notebook and returns its problems."""

import ast
import re

from gates import asserts, rests
from gates.arithmetic import right_arithmetic
from gates.cells import code_cells, sections, texts
from gates.decimals import held_numbers
from gates.figures import drawn
from gates.site import Page

STATEMENT = re.compile(r"\{prf:(theorem|lemma|proposition|corollary)\}|_generated/theorems/")
SOLUTION = re.compile(r"\{solution-(start|end)\} ?([\w-]*)")
LOCAL_PATH = re.compile(r"(?<![\w.:/])/(home|root|Users|tmp|work|usr|mnt)/|[A-Z]:\\\\")
MOST_LINES, MOST_CHARACTERS = 40, 6000
WIDEST_CODE = 84  # what fits the page beside its margins
PHONE, DPI, FONT, LEAST_TEXT = 345, 160, 10, 8
"""How wide a phone of 390 pixels shows a picture; icrl.plotting's dots an inch and size of text in points; the least height of text in pixels."""
SIZE = re.compile(r"\b(?:font|label|title_font)size=(\d+(?:\.\d+)?)\b")


def executed_in_order(notebook):
    """A cell without a count was never run, and nbval would pass it in silence."""
    counts = [cell.execution_count for cell in code_cells(notebook)]
    return (
        []
        if counts == list(range(1, len(counts) + 1))
        else [f"cells were not executed in order 1…{len(counts)}: {counts}"]
    )


def clean_outputs(notebook):
    """No error, nothing on stderr, nothing longer than a reader would read."""
    problems = []
    for cell in code_cells(notebook):
        for output in cell.outputs:
            where = f"cell [{cell.execution_count}]"
            if output.output_type == "error":
                problems.append(f"{where} ended in an error: {output.ename}")
            if output.get("name") == "stderr":
                problems.append(f"{where} wrote to stderr: {output.text[:80]!r}")
            if any(text.count("\n") >= MOST_LINES or len(text) > MOST_CHARACTERS for text in texts(output)):
                problems.append(f"{where} printed more than {MOST_LINES} lines or {MOST_CHARACTERS} characters")
    return problems


def described_figures(notebook):
    """Every picture carries alt text and a caption in its cell's metadata."""
    problems = []
    for cell in code_cells(notebook):
        if not any("image/png" in output.get("data", {}) for output in cell.outputs):
            continue
        shown = cell.metadata.get("mystnb", {})
        if not shown.get("image", {}).get("alt", "").strip():
            problems.append(f"cell [{cell.execution_count}] draws a figure without alt text")
        if not shown.get("figure", {}).get("caption", "").strip():
            problems.append(f"cell [{cell.execution_count}] draws a figure without a caption")
    return problems


def legible_figures(notebook):
    """On a phone the smallest text whose size a figure's cell names is tall enough, and a tap opens the picture: one with a width is a link to itself."""
    problems = []
    for cell in code_cells(notebook):
        where = f"cell [{cell.execution_count}] draws a figure"
        smallest = min([FONT, *map(float, SIZE.findall(cell.source))])
        for picture in drawn(cell.outputs):
            height = smallest * DPI / 72 * min(1, PHONE / picture.width)
            if height < LEAST_TEXT:
                problems.append(
                    f"{where} whose text of {smallest:g} points has {height:.1f} pixels on a phone, fewer than {LEAST_TEXT}"
                )
            if not cell.metadata.get("mystnb", {}).get("image", {}).get("width"):
                problems.append(f"{where} without a width, which would make it a link to its picture")
    return problems


def asserted_claims(notebook):
    """A section that states a result also asserts something: nbval compares outputs, and asks of none whether it is true."""
    return [
        f"section {title!r} states a result and asserts nothing"
        for title, text, code, _ in sections(notebook)
        if STATEMENT.search(text) and not asserts.asserts_something(code)
    ]


def checked(code):
    """The exercises whose answers the code asserts to be right, as the library judges them."""
    return {
        node.test.args[0].value
        for node in ast.walk(asserts.python(code))
        if isinstance(node, ast.Assert)
        and isinstance(node.test, ast.Call)
        and ast.unparse(node.test.func) == "check"
        and isinstance(node.test.args[0], ast.Constant)
    }


def solved_exercises(notebook):
    """Every exercise has a solution whose code, below its prose, is judged right when the notebook runs."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type != "code")
    asked = re.findall(r"\{exercise\}[^\n]*\n:label: ([\w-]+)", text)
    right, inside = set(), None
    for cell in notebook.cells:
        if cell.cell_type == "code":
            right |= {inside} & checked(cell.source)
        elif marks := SOLUTION.findall(cell.source):
            inside = marks[-1][1] or None
    code = "\n".join(cell.source for cell in code_cells(notebook))
    judged = not right or re.search(r"^from icrl\.exercises import check$", code, re.M)
    return [f"the solution of {id} is not asserted to be right" for id in asked if id not in right] + [
        "check is not that of icrl.exercises"
    ] * (not judged)


def hygiene(notebook):
    """Nothing of the machine, the hour or the editor; no tag that would take a cell out of the comparison."""
    problems = []
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        problems.append("the kernel is not python3")
    for number, cell in enumerate(notebook.cells, start=1):
        shown = cell.source + "".join(text for output in cell.get("outputs", []) for text in texts(output))
        if LOCAL_PATH.search(shown):
            problems.append(f"cell {number} holds a path of somebody's machine: {LOCAL_PATH.search(shown).group()!r}")
        if {"execution", "ExecuteTime"} & set(cell.metadata):
            problems.append(f"cell {number} holds execution times")
        escapes = [tag for tag in cell.metadata.get("tags", []) if tag.startswith("nbval") or tag == "raises-exception"]
        if escapes or "NBVAL" in cell.source:
            problems.append(f"cell {number} escapes the comparison of outputs: {escapes or 'a NBVAL comment'}")
    return problems


def active_content(notebook):
    """No text or output with handlers, forms, frames or scripts that could ask another host."""
    return [
        f"cell {number} holds {found}"
        for number, cell in enumerate(notebook.cells, start=1)
        for text in [cell.source] * (cell.cell_type != "code") + [t for o in cell.get("outputs", []) for t in texts(o)]
        for found in Page(f"<article>{text}").active
    ]


def narrow_code(notebook):
    """No line of code that a reader would have to scroll sideways for on a laptop."""
    return [
        f"cell [{cell.execution_count}] has a line of {len(line)} characters, more than {WIDEST_CODE}: {line.strip()[:40]}…"
        for cell in code_cells(notebook)
        for line in cell.source.splitlines()
        if len(line) > WIDEST_CODE
    ]


GATES = (
    executed_in_order,
    clean_outputs,
    described_figures,
    legible_figures,
    asserted_claims,
    hygiene,
    active_content,
    held_numbers,
    right_arithmetic,
    solved_exercises,
    *asserts.GATES,
    *rests.GATES,
    narrow_code,
)


def problems(notebook):
    """Everything wrong with a notebook."""
    return [problem for gate in GATES for problem in gate(notebook)]
