"""Sphinx extension: with ICRL_DOWNLOADS=1 each page's menu of downloads leads to its PDF, to that of the book, and to the archive.

tools/downloads.py makes them, once the site is built.
"""

import os
from pathlib import PurePosixPath

ARCHIVE, BOOK = "icrl-book.zip", "_pdf/icrl-book.pdf"


def pdf(pagename):
    """Where in the site a page's PDF lies."""
    return f"_pdf/{PurePosixPath(pagename).name}.pdf"


def entries(pathto, pagename):
    """The further entries of a page's menu."""
    files = (
        (pdf(pagename), "This page as a PDF", "file-pdf"),
        (BOOK, "The whole book as a PDF", "book"),
        (ARCHIVE, "The whole book, to read offline", "box-archive"),
    )
    return [
        {
            "type": "link",
            "url": pathto(file, 1),
            "text": text,
            "tooltip": text,
            "icon": f"fas fa-{icon}",
            "label": f"download-{icon}",
        }
        for file, text, icon in files
    ]


def add_downloads(app, pagename, templatename, context, doctree):
    """Put them below the source of the page."""
    if doctree is None:
        return
    for button in context.get("header_buttons", ()):
        if button.get("label") == "download-buttons":
            button["buttons"] += entries(context["pathto"], pagename)


def setup(app):
    if os.environ.get("ICRL_DOWNLOADS") == "1":
        app.connect("html-page-context", add_downloads, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
