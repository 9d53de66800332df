"""The book to keep: PDFs of its pages, and an archive that works where it is unpacked."""

import importlib.util
from shutil import copytree
from types import SimpleNamespace
from zipfile import ZipFile

import pytest
import yaml

from conftest import ROOT
from gates import browser


def module(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


tool = module("downloads_tool", ROOT / "tools" / "downloads.py")
extension = module("downloads_extension", ROOT / "book" / "_ext" / "download_menu.py")


@pytest.fixture
def small(site, tmp_path):
    """One chapter of the site, and what it loads."""
    folder = tmp_path / "html"
    (folder / "book").mkdir(parents=True)
    for shared in ("_static", "_images"):
        copytree(site / shared, folder / shared)
    (folder / "book" / "two-heads.html").write_bytes((site / "book" / "two-heads.html").read_bytes())
    return folder


def test_every_page_of_the_contents_in_its_order():
    names = tool.pages(yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8")))
    assert names[:2] == ["book/preface", "book/markov-reward-processes"] and names[-1] == "book/bibliography"
    assert names.index("book/status/emergence") < names.index("book/map") and len(set(names)) == len(names) > 30
    assert len({name.rpartition("/")[2] for name in names}) == len(names), "two PDFs of one name"


def test_a_page_is_printed_whole(small, chromium):
    [path] = tool.printed(small, ["book/two-heads"], chromium)
    made = path.read_bytes()
    assert path == small / "_pdf" / "two-heads.pdf" and made.startswith(b"%PDF-") and made.rstrip().endswith(b"%%EOF")
    assert made.count(b"/Type /Page\n") > 3 and b"MathJax" in made
    assert [each.name for each in path.parent.iterdir()] == ["two-heads.pdf"]


def test_the_archive_works_where_it_is_unpacked(small, chromium, tmp_path):
    path = tool.archive(small)
    with ZipFile(path) as packed:
        packed.extractall(tmp_path / "kept")
    assert path.name == tool.ARCHIVE and not list(small.glob("*.part"))
    sheet = (tmp_path / "kept" / "icrl-book" / "_static" / "mathjax" / "mathjax.css").read_text("utf-8")
    assert "data:font/woff;base64," in sheet and ".woff" not in sheet
    said = []
    with browser.opened(chromium) as page:
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.goto(f"file://{tmp_path}/kept/icrl-book/book/two-heads.html")
        page.wait_for_function(browser.SETTLED)
        fonts = page.evaluate("[...document.fonts].filter(font => font.status === 'loaded').map(font => font.family)")
        assert page.evaluate(browser.TEX) == page.evaluate(browser.LAYOUT) == said == []
    assert any("MJX" in family for family in fonts) and any("Awesome" in family for family in fonts)


def test_the_menu_of_downloads_leads_to_both():
    menu = {"label": "download-buttons", "buttons": [{"text": ".ipynb"}]}
    context = {"header_buttons": [{"label": "repository"}, menu], "pathto": lambda file, resource: f"../{file}"}
    extension.add_downloads(None, "book/status/emergence", "page.html", context, None)
    assert len(menu["buttons"]) == 1, "a page that is no document has no PDF"
    extension.add_downloads(None, "book/status/emergence", "page.html", context, SimpleNamespace())
    assert [entry.get("url") for entry in menu["buttons"]] == [None, "../_pdf/emergence.pdf", f"../{tool.ARCHIVE}"]
