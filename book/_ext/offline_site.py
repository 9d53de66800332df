"""Sphinx extension: a site that asks no other host for anything.

MathJax comes from the `sphinx-mathjax-offline` package, of which only the one bundle and its fonts that the pages use
are copied (1.7 MB of 29); scripts that would be loaded from elsewhere, which the theme adds unasked, are dropped.
"""

import importlib.util
import shutil
from pathlib import Path

MATHJAX_FILES = ("tex-chtml-full.js", "output/chtml/fonts/woff-v2")
FOREIGN = ("http://", "https://", "//")


def mathjax_package() -> Path:
    """The folder of the installed MathJax bundle (the package's name is no identifier, so it cannot be imported)."""
    spec = importlib.util.find_spec("sphinx-mathjax-offline")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the book needs sphinx-mathjax-offline")
    return Path(spec.origin).parent / "static" / "mathjax"


def copy_mathjax(app):
    """Put the bundle where `mathjax_path` looks for it, before any page asks for its checksum."""
    if app.builder.format != "html":
        return
    target = Path(app.outdir) / "_static" / "mathjax"
    for name in MATHJAX_FILES:
        source = mathjax_package() / name
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target / name, dirs_exist_ok=True)
        else:
            shutil.copyfile(source, target / name)


def is_foreign(script) -> bool:
    """Whether a page script comes from another host, or is live-code machinery that would fetch from one."""
    name, body = (
        str(script.filename or ""),
        str(script.attributes.get("body", "")),
    )
    return name.startswith(FOREIGN) or "thebe" in name or "THEBE" in body


def drop_foreign_scripts(app, pagename, templatename, context, doctree):
    """Keep the local scripts of a page only."""
    context["script_files"] = [
        script for script in context["script_files"] if not is_foreign(script)
    ]


def setup(app):
    app.connect("builder-inited", copy_mathjax)
    app.connect(
        "html-page-context", drop_foreign_scripts, priority=900
    )  # after every extension has added its own
    return {"parallel_read_safe": True, "parallel_write_safe": True}
