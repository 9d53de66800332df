"""The book to keep: `python tools/downloads.py`, after the site was built with ICRL_DOWNLOADS=1 (`make downloads` does both).

Chromium prints each page of the contents to _pdf/ in the site, and all of them to one file there, in which references across
pages arrive and whose bookmarks are the headings; the whole site is packed into icrl-book.zip, which works where it is
unpacked, without a server: its style sheets hold their fonts, which a browser may refuse to load from another file.
"""

import base64
import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import yaml
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "book" / "_ext")]
from download_menu import ARCHIVE, BOOK, pdf  # noqa: E402

from gates.browser import SETTLED, launched, served  # noqa: E402
from icrl.files import write_all  # noqa: E402

SITE = ROOT / "_build" / "html"
FONT = re.compile(r"""url\((["']?)([^"')]+\.(woff2?|ttf))\1\)""")
PAPER = {
    "format": "A4",
    "margin": {"top": "16mm", "bottom": "18mm", "left": "14mm", "right": "14mm"},
    "display_header_footer": True,
    "header_template": "<span></span>",
    "footer_template": '<div style="font-size: 8px; width: 100%; text-align: center"><span class="pageNumber"></span></div>',
    "print_background": True,
}
# Chromium says a heading twice in its bookmark where a sheet begins with it.
DOUBLED = re.compile(rb"(/Title (?:\(|<FEFF))(.+?)\2([)>])(?=\n/Dest)")
BIND = Path(__file__).with_name("bind.js").read_text("utf-8")


def below(entry: dict) -> list[str]:
    """A page of the table of contents, and those under it."""
    return [entry["file"], *(file for each in entry.get("sections", ()) for file in below(each))]


def pages(contents: dict) -> list[str]:
    """The pages of the table of contents, in its order."""
    chapters = [entry for part in contents["parts"] for entry in part["chapters"]]
    return [contents["root"], *(file for entry in chapters for file in below(entry))]


def undoubled(made: bytes) -> bytes:
    """A PDF whose bookmarks say their headings once; nothing else of it moves."""
    return DOUBLED.sub(lambda found: b"".join(found.groups()).ljust(len(found[0])), made)


def bound(page: Any, address: str, names: list[str], **options: bool) -> bytes:
    """The PDF of some pages of the site, one after another; ``ValueError`` where a link of theirs arrives nowhere."""
    page.goto(f"{address}/{names[0]}.html", wait_until="load")
    page.wait_for_function(SETTLED)
    if lost := page.evaluate(BIND, names):
        raise ValueError(f"links that lead nowhere: {', '.join(sorted(set(lost)))}")
    page.wait_for_function(SETTLED)
    return undoubled(page.pdf(**PAPER, **options))


def printed(site: Path, names: list[str], browser: Any) -> Iterator[Path]:
    """The PDF of each page, then of all of them; each written whole or not at all."""
    with TemporaryDirectory() as folder, served(site, Path(folder)) as address:
        for target, held, options in [
            *((pdf(name), [name], {}) for name in names),
            (BOOK, names, {"outline": True, "tagged": True}),
        ]:
            page = browser.new_page(color_scheme="light")
            page.set_default_timeout(0)
            (site / target).parent.mkdir(exist_ok=True)
            write_all({site / target: bound(page, address, held, **options)})
            page.close()
            yield site / target


def embedded(sheet: Path) -> str:
    """A style sheet with its fonts inside."""

    def data(found: re.Match) -> str:
        font = sheet.parent / found[2].partition("?")[0]
        if not font.exists():
            return found.group()
        return f"url(data:font/{found[3]};base64,{base64.b64encode(font.read_bytes()).decode()})"

    return FONT.sub(data, sheet.read_text("utf-8"))


def archive(site: Path) -> Path:
    """The site in one file, written whole or not at all."""
    target, packed = site / ARCHIVE, BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archived:
        for path in sorted(site.rglob("*")):
            name = f"icrl-book/{path.relative_to(site).as_posix()}"
            if path.suffix == ".css":
                archived.writestr(name, embedded(path))
            elif path.is_file() and path != target:
                archived.write(path, name)
    write_all({target: packed.getvalue()})
    return target


if __name__ == "__main__":
    if not (SITE / "index.html").exists():
        sys.exit("There is no site: run `make downloads`.")
    names = pages(yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8")))
    with sync_playwright() as driver, launched(driver) as browser:
        for number, path in enumerate(printed(SITE, names, browser), start=1):
            print(f"{number}/{len(names) + 1} {path.relative_to(ROOT)}", flush=True)
    print(archive(SITE).relative_to(ROOT))
