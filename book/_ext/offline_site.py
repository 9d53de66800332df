"""Sphinx extension: a site that asks no other host for anything.

Scripts that would be loaded from elsewhere, which the theme adds unasked, are dropped.
"""

FOREIGN = ("http://", "https://", "//")


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
    app.connect(
        "html-page-context", drop_foreign_scripts, priority=900
    )  # after every extension has added its own
    return {"parallel_read_safe": True, "parallel_write_safe": True}
