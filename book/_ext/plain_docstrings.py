"""Sphinx extension: a bar in a docstring is a bar, as in |S|; the markup's substitutions are not used in this project."""

import re

# Literal blocks and anything between backticks keep their bars as they are.
LITERAL_OR_BAR = re.compile(r"(::\n\n(?:(?:[ \t]+.*)?\n)+|`+[^`]*`+)|\|")


def with_plain_bars(text: str) -> str:
    """The docstring with every bar escaped that would begin a substitution."""
    return LITERAL_OR_BAR.sub(lambda found: found.group(1) or r"\|", text)


def escape_bars(app, what, name, obj, options, lines):
    """Sphinx's hook: the lines are changed in place."""
    lines[:] = with_plain_bars("\n".join(lines) + "\n").splitlines()


def setup(app):
    app.connect("autodoc-process-docstring", escape_bars)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
