"""What stands outside the boxes, and on what it rests: each function takes a notebook and returns its problems."""

import re
from functools import cache

from gates.asserts import asserts_something
from gates.cells import caption, sections

CLAIM = re.compile(r"\{claim\}`(?:[^`<]*<)?([\w/-]+)>?`")
LEADS = ("Afterwards you can", "You need", "It takes")
"""What the opening of a chapter says, each in bold."""
MINUTES = re.compile(r"\*\*It takes\*\* about (\d+) minutes")
WORDS = 100
"""How many a reader of mathematics reads in a minute, formulas counted as words."""
OFF = 10
"""Minutes by which what is said may be off."""


@cache
def checked():
    """The names of the assertions that a check stands behind."""
    from icrl.claims import CLAIMS

    return {claim.name_of(each) for claim in CLAIMS.values() for each in claim.asserted if not each.basis}


def bullets(text):
    """The items of a list, with the lines that continue them."""
    return re.findall(r"(?m)^- .*(?:\n(?!- |\n|#).*)*", text)


def is_chapter(notebook):
    """Whether it has a title, and teaches something: it shows what was checked, or sets an exercise."""
    text = "".join(each.text for each in sections(notebook))
    return bool(re.match(r"(\([\w-]+\)=\n)?# ", text)) and ("{exercise}" in text or "_generated/" in text)


def opened(notebook):
    """A chapter says at its opening what one can do afterwards, what one needs, and how long it takes."""
    if not is_chapter(notebook):
        return []
    opening = sections(notebook)[0].text
    problems = [f"the opening does not say: {lead}" for lead in LEADS if f"**{lead}**" not in opening]
    words = sum(len(each.text.split()) for each in sections(notebook) if each.title != "Exercises")
    if (said := MINUTES.search(opening)) and abs(int(said.group(1)) - words / WORDS) > OFF:
        problems.append(f"the opening promises {said.group(1)} minutes for {words} words")
    return problems


def closed(notebook):
    """A chapter ends, but for its exercises, with what it said in short; each item names an assertion, or the figure of what was measured."""
    if not is_chapter(notebook):
        return []
    titles = [each.title for each in sections(notebook) if each.title != "Exercises"]
    if titles[-1] != "In short":
        return [f"the last section before the exercises is {titles[-1]!r}, not 'In short'"]
    items = [item for each in sections(notebook) if each.title == "In short" for item in bullets(each.text)]
    return [f"'In short' does not say on what it rests: {item[:60]}…" for item in items if not rests(item)] or (
        [] if items else ["'In short' has no items"]
    )


def rests(text):
    """Whether it names an assertion, or a figure."""
    return CLAIM.search(text) or "{numref}`" in text


def told_figures(notebook):
    """A caption names an assertion, or the section that draws the figure asserts something."""
    return [
        f"the caption of cell [{cell.execution_count}] rests on nothing: {caption(cell)[:60]}…"
        for _, _, code, figures in sections(notebook)
        for cell in figures
        if not CLAIM.search(caption(cell)) and not asserts_something(code)
    ]


def known_claims(notebook):
    """Whatever is named is an assertion that a check stands behind."""
    told = [cell.source if cell.cell_type == "markdown" else caption(cell) for cell in notebook.cells]
    return [
        f"no check stands behind {name}, or there is none of that name"
        for text in told
        for name in CLAIM.findall(text)
        if name not in checked()
    ]


GATES = (opened, closed, told_figures, known_claims)
