"""Sphinx extension: a page loads what it shows, shows it where it stays, and says to everyone what it is.

FontAwesome's script goes, which would draw once more the icons that its style sheet draws, and its fonts need not come
before the text; whether a page is light or dark is known before its body comes, so that
nothing moves when the theme's script finds it out. What the theme and Sphinx leave unnamed is named, and what
scrolls inside itself can be reached by the keyboard. Where a phone breaks a line of text or of code, it can be told.
"""

import re
from html import unescape
from itertools import cycle

UNUSED = re.compile(
    r'<script src="[^"]*/fontawesome/[^"]*"></script>'
    r'|<link rel="preload"[^>]*/fontawesome/[^>]*\.woff2" />'
)
NAMED = {
    '<summary><span class="toctree-toggle"': '<summary aria-label="Pages below"><span class="toctree-toggle"',
    'role="doc-biblioentry"': 'role="listitem"',
    '<summary aria-label="Toggle hidden content">': "<summary>",
}
"""What has no name, or one that is out of use, and what it is called."""
BELOW = re.compile(r"</li>(\s*<ul>(?:(?!<ul>).)*?</ul>)", re.S)
TABLE = re.compile(
    r'(<table class="table">\s*<thead>(?:(?!</thead>).)*?(?:<th\b(?:(?!</thead>).)*?){3}</thead>)(.*?</table>)',
    re.S,
)
NAME, CELL = (
    re.compile(pattern, re.S)
    for pattern in (r"<th\b[^>]*>(.*?)</th>", r"(<td\b[^>]*>)(.*?</td>)")
)
PARAGRAPH = re.compile(r"</?p\b[^>]*>")
FORMULA = r'<span class="math[^>]*>\\\([^<]*\\\)</span>'
CLOSING = "[-–,.;:!?)\\]”’…]"
MARKED = (
    r'(?:<a [^>]*><span class="std std-ref">[✓∴†]</span></a>'
    r'|<span class="math[^>]*>\\\(\\square\\\)</span>)'
)
BEHIND = re.compile(rf"\s(?={MARKED})")
"""What stands between a sentence, or a proof, and its mark."""
JOINED = re.compile(
    rf"[(\[“‘]+{FORMULA}{CLOSING}*(?:\xa0{MARKED})?|{FORMULA}(?:{CLOSING}+(?:\xa0{MARKED})?|\xa0{MARKED})"
)
"""A formula in the text, not yet typeset, with the brackets, the punctuation and the mark that touch it."""
HIGHLIGHTED = '<div class="highlight-(?:(?!myst-ansi)[^"])*"[^>]*><div class="highlight"><pre>'
PRINTED = '<div class="output [^"]*highlight-myst-ansi[^"]*"><div class="highlight"><pre>'
CODE, OUTPUT = (
    re.compile(f"({opening})(.*?)(?=</pre>)", re.S)
    for opening in (HIGHLIGHTED, PRINTED)
)
COLUMNS = re.compile(r"\S {2,}\S")
NARROW = 56
"""So many columns of what was printed a phone shows."""
MAIN = re.compile(r'<main id="main-content"(.*?)<article', re.S)
MARK = re.compile(r'(<span class="std std-ref">)([✓∴†])(</span>)')
SAID = {"✓": "how this was checked", "∴": "its proof", "†": "its source"}
"""What a mark is called by those who hear it."""
REPORT = re.compile(
    r'(/issues/new\?title=Sentence%20([^"]+)")(>report this sentence<)'
)
SOLUTION = re.compile(r"(Solution to)(<a [^>]*>)\s+")
SIGNATURE = re.compile(r'<dt class="sig .*?</dt>', re.S)
LINES = {
    "<dl>": '<span class="sig-lines">',
    "<dd>": '<span class="sig-line">',
    "</dl>": "</span>",
    "</dd>": "</span>",
}
THEME = """(data => {
  if (!["light", "dark"].includes(data.theme))
    data.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
})(document.documentElement.dataset);"""
REACHABLE = """addEventListener("DOMContentLoaded", () => {
  const reach = () => {
    const boxes = [...document.querySelectorAll("article :is(mjx-container[display], pre, p, div)")];
    const wide = boxes.map(box => box.scrollWidth > box.clientWidth + 1 && getComputedStyle(box).overflowX === "auto");
    boxes.forEach((box, i) => { if (wide[i]) box.tabIndex = 0; else box.removeAttribute("tabindex"); });
  };
  const changed = new ResizeObserver(reach);
  for (const article of document.querySelectorAll("article")) changed.observe(article);
});"""
"""Makes what scrolls sideways a stop of the keyboard, and marks it so for the style sheet, whenever the text takes another
size: the window does, or something unfolds."""

NAMES = """addEventListener("load", () => {
  for (const button of document.querySelectorAll(".solution > .admonition-title > button"))
    button.ariaLabel = button.parentElement.textContent.trim();
});"""
"""Calls the button that opens a solution what its title says, once the script that makes the buttons has run."""


def signature_in_lines(found: re.Match) -> str:
    """A signature whose parameters have a line each: lines, where Sphinx writes a list of definitions without terms."""
    return re.sub(
        "|".join(LINES), lambda tag: LINES[tag.group()], found.group()
    )


def said(found: re.Match) -> str:
    """A mark behind a sentence, with its name for those who hear it."""
    start, mark, end = found.groups()
    return f'{start}<span aria-hidden="true">{mark}</span><span class="visually-hidden">({SAID[mark]})</span>{end}'


def lightened(page: str) -> str:
    """A page without what it has no use for, and with names for what had none."""
    page = SIGNATURE.sub(signature_in_lines, UNUSED.sub("", page))
    page = MAIN.sub(r'<main\1<article id="main-content"', page)
    for old, new in NAMED.items():
        page = page.replace(old, new)
    page = SOLUTION.sub(r"\1 \2", page)
    page = REPORT.sub(r'\1 aria-label="report this sentence: \2"\3', page)
    return MARK.sub(said, page)


def labelled(found: re.Match) -> str:
    """A table whose cells say in which column they stand, for a page too narrow for columns; an empty one does not."""
    head, body = found.groups()
    columns = cycle(
        PARAGRAPH.sub("", name).strip() for name in NAME.findall(head)
    )

    def behind(cell: re.Match) -> str:
        name = next(columns)
        return (
            f'{cell[1]}<span class="column">{name}: </span>{cell[2]}'
            if name and plain(cell[2]).strip()
            else cell[0]
        )

    return head + CELL.sub(behind, body)


def plain(markup: str) -> str:
    """What is read of marked-up text."""
    return unescape(re.sub(r"<[^>]*>", "", markup))


def hanging(line: str) -> str:
    """A line that says how far it is indented, for what is broken off it to hang from there; a blank one as it is."""
    text = plain(line)
    indent = len(text) - len(text.lstrip(" "))
    opening = f'<span class="code-line" style="--indent: {indent}">'
    return f"{opening}{line}</span>" if text.strip() else line


def in_lines(found: re.Match) -> str:
    """Code, line by line: what is highlighted ends with its line."""
    return found[1] + "\n".join(map(hanging, found[2].split("\n")))


def prose(block: str) -> str:
    """Lines that were printed, up to a blank one: where none is set in columns, those too long for a phone may be broken."""
    if any(COLUMNS.search(plain(line)) for line in block.split("\n")):
        return block
    return "\n".join(
        hanging(line) if len(plain(line)) > NARROW else line
        for line in block.split("\n")
    )


def in_blocks(found: re.Match) -> str:
    """What was printed, block by block."""
    return found[1] + "\n\n".join(map(prose, found[2].split("\n\n")))


def fit_for_a_phone(app, pagename, templatename, context, doctree):
    """Let tables of three columns stack, lines hang where they are broken, and text keep its punctuation and its mark."""
    if "body" in context:
        body = TABLE.sub(labelled, context["body"])
        body = BEHIND.sub("\xa0", body)
        body = JOINED.sub(r'<span class="joined">\g<0></span>', body)
        context["body"] = OUTPUT.sub(in_blocks, CODE.sub(in_lines, body))


def nest_modules(app, pagename, templatename, context, doctree):
    """In the list of modules a list below a module stands inside its item."""
    if pagename == "_modules/index":
        context["body"] = BELOW.sub(r"\1</li>", context["body"])


def lighten(app):
    """Let every page that is rendered be lightened."""
    if app.builder.format == "html":
        render = app.builder.templates.render
        app.builder.templates.render = lambda name, context: lightened(
            render(name, context)
        )


def setup(app):
    app.connect("builder-inited", lighten)
    app.connect("html-page-context", nest_modules)
    app.connect("html-page-context", fit_for_a_phone)
    app.add_js_file(None, body=THEME, priority=100)
    app.add_js_file(None, body=REACHABLE)
    app.add_js_file(None, body=NAMES)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
