"""The built site: its files, and every page in a real browser, served under a sub-path."""

import json
import re

import pytest
import yaml

from conftest import ROOT, SITE
from gates import browser
from gates import site as files
from icrl.verify.kernel import sources, steps

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
    page.wait_for_function("document.activeElement.closest('article')")


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


@pytest.mark.parametrize("width", [browser.WIDE, browser.PHONE])
@pytest.mark.parametrize("name", ["search", "book/map", "book/kernels-and-sharpness"])
def test_one_ring_shows_where_the_keyboard_is(name, width, address, page):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{address}/{name}.html", wait_until="load")
    assert "\n".join(browser.ringed(page)) == ""


def test_what_scrolls_is_reached_and_fades_at_whatever_width_the_page_has(address, page):
    page.goto(f"{address}/book/context.html", wait_until="load")
    page.wait_for_function(browser.SETTLED)
    stops = []
    for width in (browser.PHONE, 560, browser.WIDE, browser.PHONE):
        page.set_viewport_size({"width": width, "height": 900})
        assert "\n".join(browser.reached(page)) == ""
        stops.append(page.locator("article mjx-container[tabindex='0']").count())
    assert stops[0] == stops[3] > stops[1] > stops[2]


def test_what_scrolls_is_reached_by_the_books_own_script(address, page):
    def without(route):
        text = (SITE / "book" / "context.html").read_text("utf-8")
        assert text.count("ResizeObserver") == 1
        route.fulfill(body=text.replace("ResizeObserver", "Array"), content_type="text/html")

    page.route("**/context.html", without)
    page.set_viewport_size({"width": browser.PHONE, "height": 900})
    page.goto(f"{address}/book/context.html", wait_until="load")
    assert any("is no stop of the keyboard" in found for found in browser.reached(page))


def test_code_is_copied_as_it_was_written(address, page):
    page.set_viewport_size({"width": browser.PHONE, "height": 900})
    page.goto(f"{address}/book/softmax-td.html", wait_until="load")
    notebook = json.loads((ROOT / "book" / "softmax-td.ipynb").read_text("utf-8"))
    written = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    ways = """pre => {
      addEventListener('copy', event => { pre.copied = event.target.value; }, {once: true});
      pre.parentElement.querySelector('.copybtn').click();
      getSelection().selectAllChildren(pre);
      return [pre.textContent, pre.innerText, getSelection().toString(), pre.copied];
    }"""
    page.evaluate(browser.UNFOLD)
    seen = [code.evaluate(ways) for code in page.locator("article .cell_input pre").all()]
    assert len(seen) > 10 and [text for texts in seen for text in texts if text.rstrip("\n") not in written] == []


UNFOLDED = """(name) => {
  const fold = document.querySelector(`details.steps[data-name="${name}"]`);
  for (let box = fold; box; box = box.parentElement) if (box.matches('details')) box.setAttribute('open', '');
  for (const hidden of document.querySelectorAll('article .toggle-hidden')) hidden.classList.remove('toggle-hidden');
}"""


def unfolded(page, address, name="contraction"):
    """A proof of the page at an address, once it can be stepped through, and what is wrong with the page so far."""
    found = []
    page.on("pageerror", lambda error: found.append(f"script error: {error}"))
    page.on("console", lambda said: found.append(said.text) if said.type == "error" else None)
    page.goto(address, wait_until="load")
    page.evaluate(UNFOLDED, name)
    fold = page.locator(f"details.steps[data-name='{name}']")
    fold.locator(".goals p").first.wait_for()
    return fold, found


def shown(fold):
    """What a proof that is stepped through shows: the sentence that is chosen, and what is left to show after it, if anything."""
    goals = fold.locator(".goals p:text('To show') + pre")
    return fold.locator("label:has(:checked)").inner_text(), goals.inner_text() if goals.count() else None


def on_record(name="contraction", file="contraction.v"):
    """What there is to show at each sentence of a proof; nothing where nothing is left."""
    there = steps.read_record()["files"][file]
    goal = lambda numbers: there["texts"][there["goals"][numbers[0]][-1]] if numbers else None
    return [(sentence, goal(here)) for sentence, here, _ in there["theorems"][name]]


@pytest.mark.parametrize("width", [browser.WIDE, browser.PHONE])
def test_a_proof_is_stepped_through_by_keyboard_by_tap_and_by_mouse(width, address, page):
    page.set_viewport_size({"width": width, "height": 844})
    fold, found = unfolded(page, f"{address}/book/depth.html")
    expected = on_record()
    assert shown(fold) == expected[0]
    fold.locator("summary").focus()
    page.keyboard.press("Tab")
    for i in range(1, 4):
        page.keyboard.press("ArrowDown")
        assert shown(fold) == expected[i]
    page.keyboard.press("ArrowUp")
    assert shown(fold) == expected[2]
    fold.locator("label").nth(5).click()
    assert shown(fold) == expected[5]
    fold.get_by_role("button", name="Next").click()
    assert shown(fold) == expected[6]
    fold.get_by_role("button", name="Back").click()
    assert shown(fold) == expected[5]
    fold.locator("label").nth(4).hover()
    assert shown(fold) == (expected[5][0], expected[4][1])
    fold.locator("summary").hover()
    assert shown(fold) == expected[5]
    while fold.get_by_role("button", name="Next").is_enabled():
        fold.get_by_role("button", name="Next").click()
    assert fold.locator("label:has(:checked)").inner_text() == "Qed."
    assert fold.locator(".goals").inner_text().startswith("Accepted.")
    fold.locator("label:has(:checked) input").press("ArrowDown")
    assert fold.locator("label:has(:checked)").inner_text() == "Qed."
    fold.locator("label").first.click()
    fold.locator("label:has(:checked) input").press("ArrowUp")
    assert shown(fold) == expected[0]
    assert found == []


BROKEN = r"""article => [...article.querySelectorAll('details.steps label code')].flatMap(code => {
  const walk = document.createTreeWalker(code, NodeFilter.SHOW_TEXT), letters = [];
  while (walk.nextNode()) for (let i = 0; i < walk.currentNode.length; i++) {
    const letter = document.createRange();
    letter.setStart(walk.currentNode, i); letter.setEnd(walk.currentNode, i + 1);
    letters.push([letter.toString(), letter.getBoundingClientRect().top]);
  }
  return letters.slice(1).flatMap(([letter, top], i) => top > letters[i][1] + 8 ? [letters[i][0] + letter] : []);
})"""
"""The letters between which the lines of proofs are broken."""


def test_a_line_of_a_proof_is_not_broken_behind_a_sign_that_belongs_to_what_follows(address, page):
    page.set_viewport_size({"width": browser.PHONE, "height": 844})
    page.goto(f"{address}/book/depth.html", wait_until="load")
    page.evaluate(browser.UNFOLD)
    broken = page.locator("article").evaluate(BROKEN)
    assert len(broken) > 50 and [pair for pair in broken if re.match(r"[-?!/@|\]}]\S", pair)] == []


@pytest.mark.parametrize("width", [browser.WIDE, browser.PHONE])
def test_a_proof_that_is_stepped_through_satisfies_what_a_page_must(width, address, page):
    page.set_viewport_size({"width": width, "height": 844})
    fold, found = unfolded(page, f"{address}/book/depth.html")
    fold.locator("label").nth(2).click()  # where a hypothesis is new
    found += page.evaluate(browser.LAYOUT) + page.evaluate(browser.REACHED)
    found += browser.themed(page, browser.CONTRAST, browser.LEAST_CONTRAST)
    found += browser.ringed(page)
    page.evaluate(browser.axe())
    found += page.evaluate(browser.AXE, browser.CRITERIA)
    assert "\n".join(found) == ""
    sentence, goals = fold.locator("label").nth(2).bounding_box(), fold.locator(".goals").bounding_box()
    assert 0 < sentence["y"] < goals["y"] - sentence["height"] and goals["y"] + goals["height"] <= 845


def test_a_proof_is_stepped_through_from_a_disk_and_asks_for_its_data_when_it_is_unfolded(page):
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "/_static/steps/" in request.url else None)
    page.goto((SITE / "book" / "depth.html").as_uri(), wait_until="load")
    assert asked == [] and page.locator("details.steps[open]").count() == 0
    fold, found = unfolded(page, (SITE / "book" / "depth.html").as_uri())
    assert shown(fold) == on_record()[0]
    assert (asked, found) == ([(SITE / "_static" / "steps" / "contraction.js").as_uri()], [])


def test_every_exported_theorem_is_stepped_through_on_some_page(site):
    named = re.compile(r'<details class="steps" data-file="(\w+)" data-name="([\w\']+)"')
    pages = (path.read_text("utf-8") for path in (site / "book").glob("*.html"))
    assert {f"{file}.{name}" for text in pages for file, name in named.findall(text)} == set(sources.theorems())


def test_where_the_data_cannot_be_loaded_the_page_says_so(address, page):
    page.route("**/steps/*.js", lambda route: route.abort())
    page.goto(f"{address}/book/depth.html", wait_until="load")
    page.evaluate(UNFOLDED, "contraction")
    page.get_by_text("What is left to show could not be loaded.").wait_for()
    assert page.locator("details.steps[data-name='contraction'] label").count() == len(on_record())
