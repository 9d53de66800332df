"""The book to keep: PDFs of its pages and of all of them, and an archive that works where it is unpacked."""

import importlib.util
import re
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
    assert tool.BOOK not in {tool.pdf(name) for name in names}


def test_a_page_is_printed_whole(small, chromium):
    path, book = tool.printed(small, ["book/two-heads"], chromium)
    made = path.read_bytes()
    assert path == small / "_pdf" / "two-heads.pdf" and made.startswith(b"%PDF-") and made.rstrip().endswith(b"%%EOF")
    assert made.count(b"/Type /Page\n") > 3 and b"MathJax" in made
    assert {each.name for each in path.parent.iterdir()} == {"two-heads.pdf", book.name}
    assert b"127.0.0.1" not in made, "a link to the site as it was served for the printing"


CHAPTER = """<section id="{id}"><h1>{title}</h1>
<p><a href="{links}">there</a> <a href="../_modules/td.html">source</a></p>
<details><summary>More</summary><section id="folded"><h2>Folded in {title}</h2></section></details>
<div style="height: 2000px"></div>
<section id="exercises"><h2>Exercises of {title}</h2><p>{title}, to the end.</p></section></section>"""


@pytest.fixture
def two(site, small):
    """The names of two short chapters with anchors of one name; each links to the other's exercises, and to no page of the book."""
    for like, name, links in (
        ("book/two-heads", "book/one", "status/two.html#exercises"),
        ("book/status/the-theorem", "book/status/two", "../one.html#exercises"),
    ):
        page, title = (site / f"{like}.html").read_text("utf-8"), name.rpartition("/")[2]
        start, end = page.index(">", page.index("<article")) + 1, page.index("</article>")
        (small / name).parent.mkdir(exist_ok=True)
        chapter = CHAPTER.format(id=title, title=title.title(), links=links)
        (small / f"{name}.html").write_text(page[:start] + chapter + page[end:], "utf-8")
    return ["book/one", "book/status/two"]


def places(made):
    """Of a PDF: where its links lead, one by one, and where its bookmarks do; each place a sheet and a height."""
    sheets = re.findall(rb"(\d+) 0 obj\n<</Type /Page\n", made)
    names = {
        name: (sheets.index(sheet), float(height))
        for name, sheet, height in re.findall(rb"/(\S+) \[(\d+) 0 R /XYZ \S+ (\S+) \S+\]", made)
    }
    marks = {
        title.decode(): (sheets.index(sheet), float(height))
        for title, sheet, height in re.findall(rb"/Title \(([^\n]+)\)\s+/Dest \[(\d+) 0 R /XYZ \S+ (\S+)", made)
    }
    return [names.get(name) for name in re.findall(rb"/Subtype /Link\n(?:/.+\n)*?/Dest /(\S+)", made)], marks


def test_in_the_book_a_link_across_pages_arrives(small, two, chromium):
    *_, book = tool.printed(small, two, chromium)
    links, marks = places(book.read_bytes())
    assert book == small / tool.BOOK and b"127.0.0.1" not in book.read_bytes()
    assert set(marks) - {"Softmax attention is temporal-difference learning"} == {
        "One",
        "Folded in One",
        "Exercises of One",
        "Two",
        "Exercises of Two",
    }
    assert marks["One"][0] < marks["Exercises of One"][0] < marks["Two"][0] < marks["Exercises of Two"][0]
    for link, title in zip(links, ["One", "Two", "Exercises of Two", "Exercises of One"], strict=True):
        assert link[0] == marks[title][0] and 0 <= link[1] - marks[title][1] < 60, title


def test_a_link_that_arrives_nowhere_is_refused(small, two, chromium):
    page = small / "book" / "one.html"
    page.write_text(page.read_text("utf-8").replace("two.html#exercises", "two.html#exercise"), "utf-8")
    with pytest.raises(ValueError, match="lead nowhere: two--exercise$"):
        list(tool.printed(small, two, chromium))


def test_a_bookmark_says_its_heading_once():
    given = b"/Title (TD)\n/Dest [1 0 R]\n/Title (AtAt)\n/Dest [2 0 R]\n/Title <FEFF03B203B2>\n/Dest"
    made = tool.undoubled(given)
    assert made == b"/Title (TD)\n/Dest [1 0 R]\n/Title (At)  \n/Dest [2 0 R]\n/Title <FEFF03B2>    \n/Dest"


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


def test_the_menu_of_downloads_leads_to_all():
    menu = {"label": "download-buttons", "buttons": [{"text": ".ipynb"}]}
    context = {"header_buttons": [{"label": "repository"}, menu], "pathto": lambda file, resource: f"../{file}"}
    extension.add_downloads(None, "book/status/emergence", "page.html", context, None)
    assert len(menu["buttons"]) == 1, "a page that is no document has no PDF"
    extension.add_downloads(None, "book/status/emergence", "page.html", context, SimpleNamespace())
    assert [entry.get("url") for entry in menu["buttons"]] == [
        None,
        "../_pdf/emergence.pdf",
        f"../{tool.BOOK}",
        f"../{tool.ARCHIVE}",
    ]
