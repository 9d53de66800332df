"""Sphinx extension: a page loads what it shows, and shows it where it stays.

FontAwesome's script goes, which would draw once more the icons that its style sheet draws, and with it the fonts that no
page was seen to use; and whether a page is light or dark is known before its body comes, so that nothing moves when a
script finds it out later.
"""

import re

UNUSED = re.compile(
    r'<script src="[^"]*/fontawesome/[^"]*"></script>'
    r'|<link rel="preload"[^>]*/(?:fa-regular-400|fa-brands-400)\.woff2" />'
)
KNOWN_THEME = """(data => {
  if (!["light", "dark"].includes(data.theme))
    data.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
})(document.documentElement.dataset);"""


def lightened(page: str) -> str:
    """A page without what it has no use for."""
    return UNUSED.sub("", page)


def lighten(app):
    """Let every page that is rendered be lightened."""
    if app.builder.format == "html":
        render = app.builder.templates.render
        app.builder.templates.render = lambda name, context: lightened(
            render(name, context)
        )


def setup(app):
    app.connect("builder-inited", lighten)
    app.add_js_file(None, body=KNOWN_THEME, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
