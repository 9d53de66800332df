"""Sphinx extension: the library's own docstrings and signatures, shown as a reader of the code would read them."""

import re

# Literal blocks and anything between backticks keep their bars as they are.
LITERAL_OR_BAR = re.compile(r"(::\n\n(?:(?:[ \t]+.*)?\n)+|`+[^`]*`+)|\|")
FUNCTION_DEFAULT = re.compile(r"<function (?:\w+\.)*(\w+)(?: at 0x[0-9a-f]+)?>")


def with_plain_bars(text: str) -> str:
    """A bar in a docstring is a bar, as in |S|: escape what would begin one of the markup's substitutions."""
    return LITERAL_OR_BAR.sub(lambda found: found.group(1) or r"\|", text)


def with_named_defaults(signature: str) -> str:
    """A function that is a default is shown by its name, as in the code."""
    return FUNCTION_DEFAULT.sub(r"\1", signature)


def process_docstring(app, what, name, obj, options, lines):
    lines[:] = with_plain_bars("\n".join(lines) + "\n").splitlines()


def process_signature(app, what, name, obj, options, signature, returns):
    return with_named_defaults(signature or ""), returns


def forget_modules_without_source(app):
    """viewcode lists every module that it looked for, found or not, and so would link to pages that are not there."""
    found = getattr(app.env, "_viewcode_modules", {})
    for name in [name for name, entry in found.items() if not entry]:
        del found[name]
    return []


def setup(app):
    app.connect("autodoc-process-docstring", process_docstring)
    app.connect("autodoc-process-signature", process_signature)
    app.connect(
        "html-collect-pages", forget_modules_without_source, priority=400
    )  # before viewcode's own
    return {"parallel_read_safe": True, "parallel_write_safe": True}
