"""The built site: its files, and every page in a real browser, served under a sub-path."""

import re

import pytest
import yaml

from conftest import ROOT, SITE
from gates import browser
from gates import site as files

PAGES = sorted(
    path.relative_to(SITE).as_posix()
    for path in SITE.rglob("*.html")
    if "_static" not in path.parts and path != SITE / "index.html"
)  # which only leads on to the first page


@pytest.fixture(scope="module")
def address(site, tmp_path_factory):
    with browser.served(site, tmp_path_factory.mktemp("served")) as address:
        yield address


@pytest.fixture
def page(chromium):
    with browser.opened(chromium) as page:
        yield page


def test_files(site):
    assert "\n".join(files.problems(site)) == ""


def test_no_script_of_the_books_own_stands_in_for_a_packages():
    own = (path.relative_to(ROOT / "book").as_posix() for path in (ROOT / "book" / "_static").rglob("*.js"))
    assert files.PACKAGED.isdisjoint(own)


def test_every_page_of_the_contents_was_built(site):
    contents = (ROOT / "_toc.yml").read_text("utf-8")
    named = re.findall(r"(?:file|root): (\S+)", contents)
    assert named and [name for name in named if f"{name}.html" not in PAGES] == []
    assert yaml.safe_load(contents)["root"] in named


@pytest.mark.parametrize("name", PAGES)
def test_page(name, address, look):
    assert "\n".join(look(f"{address}/{name}")) == ""


def test_front_door_leads_to_the_first_page(address, page):
    page.goto(f"{address}/")
    page.wait_for_url("**/some/prefix/book/preface.html")


def test_search_page_finds_a_chapter(address, page):
    page.goto(f"{address}/search.html?q=Markov")
    link = page.locator("#search-results a", has_text="Markov reward processes").first
    link.click()
    page.wait_for_url("**/book/markov-reward-processes.html*")


def test_search_by_keyboard(address, page):
    page.goto(f"{address}/book/preface.html", wait_until="load")
    page.keyboard.press("Control+K")
    page.wait_for_function("document.activeElement.matches('input[type=search]')")
    page.keyboard.type("attention")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=attention")
    assert page.locator("#search-results li a").first.get_attribute("href")


def test_keyboard_reaches_the_content(address, page):
    page.goto(f"{address}/book/markov-reward-processes.html", wait_until="load")
    page.keyboard.press("Tab")
    page.wait_for_function("document.activeElement.closest('[class*=skip], [id*=skip]')")
    page.keyboard.press("Enter")
    page.wait_for_url("**#main-content")
    page.keyboard.press("Tab")
    page.wait_for_function("document.activeElement.closest('#main-content')")


def test_theme_button_changes_the_theme(address, page):
    page.goto(f"{address}/book/preface.html", wait_until="load")
    seen = set()
    for _ in range(3):
        page.locator("button.theme-switch-button").first.click()
        seen.add(page.evaluate("document.documentElement.dataset.theme"))
    assert seen == {"light", "dark"}


def test_each_chapter_opens_in_colab(site):
    url = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["repository"]["url"]
    repository = url.removeprefix("https://github.com/")
    for notebook in sorted((ROOT / "book").glob("*.ipynb")):
        built = (site / "book" / f"{notebook.stem}.html").read_text("utf-8")
        assert f"https://colab.research.google.com/github/{repository}/blob/main/book/{notebook.name}" in built


def test_the_dial_says_by_ear_what_it_says_to_the_eye(address, page):
    page.goto(f"{address}/book/kernels-and-sharpness.html")
    slider = page.locator("article input[type=range]").first
    before = slider.get_attribute("aria-valuetext")
    slider.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") != before
    assert slider.get_attribute("aria-valuetext") == page.locator("article label output").first.text_content()
