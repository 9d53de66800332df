"""What the built files must satisfy, read without a browser. Every gate takes the site's folder and returns its problems."""

import os
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from gates.active import acts, fetches, is_foreign, only_tells, reaches, runs

LEFT_OVER = re.compile(
    r"\{(prf:\w+|eq|numref|cite:?\w*|ref|doc|bdg[\w-]*|include|py:\w+)\}|^:::|\bat 0x[0-9a-f]{6,}", re.M
)
FRONT_DOOR = "index.html", '<meta http-equiv="Refresh" content="0; url=book/preface.html">'
PACKAGED = {"searchindex.js"} | {
    f"_static/{name}.js"
    for name in (
        *("clipboard.min", "copybutton", "copybutton_funcs", "design-tabs", "doctools", "documentation_options"),
        *("language_data", "mathjax/tex-chtml-full", "scripts/bootstrap", "scripts/pydata-sphinx-theme"),
        *("scripts/sphinx-book-theme", "searchtools", "sphinx-thebe", "sphinx_highlight", "togglebutton"),
        "vendor/fontawesome/6.5.2/js/all.min",
    )
}
"""The script files of the packages that build the site; none is the book's own."""
HASHED = re.compile(r"_images/|[0-9a-f]{20}")
UNREAD = {"script", "style", "pre", "code", "title"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Page(HTMLParser):
    """The parts of one page that the gates look at."""

    def __init__(self, text: str):
        super().__init__()
        self.ids, self.links, self.assets, self.images, self.prose, self.active = set(), [], [], [], [], []
        self._open, self._runs = [], False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        attribute = dict(attributes)
        if tag not in VOID:
            self._open.append(tag)
        self.active += acts(tag, attributes, "article" in self._open)
        self._runs = tag == "script" and runs(attributes)
        self.ids |= {attribute[key] for key in ("id", "name") if attribute.get(key)}
        if tag == "a" and attribute.get("href"):
            self.links.append(attribute["href"])
        if tag == "link" and {"stylesheet", "preload", "icon", "shortcut"} & set((attribute.get("rel") or "").split()):
            self.assets.append(attribute["href"])
        if tag in {"script", "img", "iframe", "source", "video", "audio", "object", "embed"}:
            self.assets += [attribute[key] for key in ("src", "data") if attribute.get(key)]
        if tag == "img":
            self.images.append((attribute.get("src"), attribute.get("alt"), "article" in self._open))

    def handle_endtag(self, tag):
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data):
        if self._runs and self._open[-1:] == ["script"]:
            self.active += reaches(data)
        if self._open[-1:] == ["style"]:
            self.active += [f"a style with {address}" for address in fetches(data)]
        if not UNREAD & set(self._open):
            self.prose.append(data)


@cache
def parsed(file: Path) -> Page:
    return Page(file.read_text(encoding="utf-8"))


class Site:
    """Every page below a folder. A page that is a link to another file is parsed as that file, once."""

    def __init__(self, root: Path):
        self.root = Path(os.path.abspath(root))
        self.pages = {
            path: parsed(path.resolve()) for path in sorted(self.root.rglob("*.html")) if "_static" not in path.parts
        }

    def located(self):
        """(page's name, page, path) of each."""
        return [(path.relative_to(self.root).as_posix(), page, path) for path, page in self.pages.items()]


def broken_links(site):
    """Links and assets within the site whose file or anchor is missing, or that lead out of its folder."""
    problems = []
    for name, page, path in site.located():
        for address in page.links + page.assets:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = Path(os.path.normpath(path.parent / unquote(parts.path))) if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if parts.path.startswith("/") or not target.is_relative_to(site.root) or not target.exists():
                problems.append(f"{name}: broken link {address}")
            elif target in site.pages and parts.fragment and unquote(parts.fragment) not in site.pages[target].ids:
                problems.append(f"{name}: broken anchor {address}")
    return problems


def foreign_assets(site):
    """Scripts, styles, pictures and fonts that would be fetched from another host."""
    pages = [
        f"{name}: foreign asset {address}"
        for name, page, _ in site.located()
        for address in page.assets
        if is_foreign(address)
    ]
    styles = [
        f"{sheet.relative_to(site.root)}: foreign asset {address}"
        for sheet in sorted(site.root.rglob("*.css"))
        for address in fetches(sheet.read_text("utf-8"))
    ]
    return pages + styles


def active_content(site):
    """Handlers, forms, frames and scripts that act on their own or could ask another host; the front door leads on."""
    pages = [
        f"{name}: {found}" for name, page, _ in site.located() for found in page.active if (name, found) != FRONT_DOOR
    ]
    files = [
        f"{path.relative_to(site.root)}: {found}"
        for path in sorted(site.root.rglob("*.js"))
        if path.relative_to(site.root).as_posix() not in PACKAGED and not only_tells(script := path.read_text("utf-8"))
        for found in reaches(script)
    ]
    return pages + files


def left_over_markup(site):
    """Roles and fences that were not understood, and so stand in the text as they were typed; addresses in memory."""
    return [
        f"{name}: left-over markup {found.group()!r}"
        for name, page, _ in site.located()
        for found in LEFT_OVER.finditer("\n".join(page.prose))
    ]


def undescribed_images(site):
    """Pictures without alt text, or with the hash that stands in for it; only what decorates the frame may say nothing."""
    return [
        f"{name}: no alt text on {source}"
        for name, page, _ in site.located()
        for source, alt, in_text in page.images
        if alt is None or HASHED.search(alt) or (in_text and not alt.strip())
    ]


GATES = (broken_links, foreign_assets, active_content, left_over_markup, undescribed_images)


def problems(root):
    """Everything wrong with the files of a site."""
    site = Site(root)
    return [problem for gate in GATES for problem in gate(site)]
