"""What a page must satisfy in a real browser. `look` opens one page and returns what is wrong with it.

Nothing waits for a time: each wait is for a condition, under a limit that only a page which never gets there meets.
"""

import functools
import gzip
import http.server
import os
import shutil
import threading
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

WIDE, PHONE = 1300, 390
LEAST_CONTRAST = 4.5  # WCAG AA for text of ordinary size
LEAST_RING = 3  # and for what shows where the keyboard is
HEAVIEST = 1_000_000  # bytes that a page may ask for besides its pictures
MOST_SHIFT = 0.1  # of layout, while a page comes
CRITERIA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
LIMIT = 180  # seconds: on a loaded machine a page has taken half a minute


def find_chromium():
    """The path of a Chromium, or None; ICRL_CHROMIUM names one."""
    named = os.environ.get("ICRL_CHROMIUM")
    names = [named] if named else ["chromium", "chromium-browser", "google-chrome"]
    return next(filter(None, map(shutil.which, names)), None)


@contextmanager
def launched(driver):
    """A headless browser that asks nobody for updates."""
    quiet = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    browser = driver.chromium.launch(executable_path=find_chromium(), args=quiet)
    try:
        yield browser
    finally:
        browser.close()


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves text compressed, as a host of pages would, and says nothing."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if path.suffix not in {".html", ".css", ".js", ".svg"} or not path.is_file():
            return super().do_GET()
        body = gzip.compress(path.read_bytes(), 6)
        self.send_response(200)
        for name, value in (
            ("Content-Type", self.guess_type(path)),
            ("Content-Encoding", "gzip"),
            ("Content-Length", str(len(body))),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def served(site, folder, prefix="some/prefix"):
    """Serve a site under a sub-path, as a project page would be; yields its address."""
    (folder / prefix).parent.mkdir(parents=True, exist_ok=True)
    (folder / prefix).symlink_to(site.resolve(), target_is_directory=True)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/{prefix}"
    finally:
        server.shutdown()
        server.server_close()


WATCH = """
window.shifted = 0; window.busy = 0;
new PerformanceObserver(list => { for (const one of list.getEntries()) window.shifted += one.value; })
  .observe({type: 'layout-shift', buffered: true});
new PerformanceObserver(list => { for (const one of list.getEntries()) window.busy = one.startTime + one.duration; })
  .observe({type: 'longtask', buffered: true});
"""
"""Sums up what moves, and notes when the last long task ends."""

BYTES = """[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
  .filter(one => !/\\.(png|svg|jpe?g)$/.test(new URL(one.name).pathname))
  .reduce((sum, one) => sum + one.transferSize, 0)"""
"""What a page has asked for besides its pictures."""

WEIGHT = f"""([heaviest, most]) => {{
  const bytes = {BYTES}, found = [];
  if (bytes > heaviest) found.push(`the page asks for ${{bytes}} bytes besides its pictures`);
  if (window.shifted > most) found.push(`the page moves by ${{window.shifted.toFixed(2)}} while it comes`);
  return found;
}}"""

# Contrast is measured below, of all text and in both themes; what is drawn of a formula is hidden from those who hear it.
AXE = """async (criteria) => {
  for (const drawn of document.querySelectorAll('mjx-container > mjx-math')) drawn.remove();
  const found = await axe.run(document, {preload: false, runOnly: criteria, resultTypes: ['violations'], rules: {'color-contrast': {enabled: false}}});
  return found.violations.flatMap(one => one.nodes.map(node => `${one.id}: ${node.html.slice(0, 120)}`));
}"""

MUTE = """() => [...document.querySelectorAll('mjx-container')]
  .filter(formula => !formula.querySelector('mjx-assistive-mml > math') || !formula.querySelector('mjx-math[aria-hidden="true"]'))
  .map(formula => `a formula that is not read aloud: ${formula.textContent.slice(0, 40)}`)"""

# Typesetting and fonts done: nothing moves any more.
SETTLED = "async () => { if (window.MathJax) await MathJax.startup.promise; await document.fonts.ready; return true; }"

TEX = r"""() => {
  const found = [];
  for (const node of document.querySelectorAll('[data-mjx-error], mjx-merror'))
    found.push('TeX error: ' + (node.getAttribute('data-mjx-error') || node.textContent));
  for (const node of document.querySelectorAll('mjx-container *'))
    if (getComputedStyle(node).color === 'rgb(255, 0, 0)') { found.push('red TeX, an undefined macro: ' + node.textContent); break; }
  for (const node of document.querySelectorAll('.math'))
    if (!node.querySelector('mjx-container')) found.push('TeX not typeset: ' + node.textContent.trim().slice(0, 60));
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode;
    if (/\\[(\[]|\\[a-zA-Z]{2,}|\$\$/.test(node.textContent) && !node.parentElement.closest('pre, code, script, style, mjx-container, .math'))
      found.push('raw TeX: ' + node.textContent.trim().slice(0, 60));
  }
  for (const node of document.querySelectorAll('body *')) for (const side of ['::before', '::after']) {
    const written = getComputedStyle(node, side).content;
    if (/\\[(\[]|\$\$/.test(written)) found.push('raw TeX: ' + written.slice(0, 60));
  }
  return found;
}"""

LAYOUT = r"""() => {
  const found = [], past = document.documentElement.scrollWidth - innerWidth;
  if (past > 0) found.push(`the page scrolls ${past} px sideways`);
  for (const picture of document.querySelectorAll('article img, article svg')) {
    const right = picture.getBoundingClientRect().right;
    for (let box = picture.parentElement; box && box.tagName !== 'ARTICLE'; box = box.parentElement)
      if (getComputedStyle(box).overflowX !== 'visible' && right > box.getBoundingClientRect().right + 1) {
        found.push('a picture is cut off: ' + (picture.alt || picture.getAttribute('aria-label') || '').slice(0, 40)); break; }
  }
  for (const code of document.querySelectorAll('article div.highlight pre'))
    if (innerWidth < 600 && !code.closest('.cell_output') && code.scrollWidth > code.clientWidth + 1)
      found.push('a line of code is cut off: ' + code.textContent.slice(0, 40));
  for (const box of document.querySelectorAll('article p')) {
    if (box.scrollWidth > box.clientWidth + 1) found.push('a paragraph is wider than its column: ' + box.textContent.slice(0, 40));
    const text = document.createRange(); text.selectNodeContents(box);
    const seen = text.getBoundingClientRect();
    if (getComputedStyle(box).overflowX !== 'visible' && seen.width && seen.left < box.getBoundingClientRect().left - 1)
      found.push('text is cut off at its left: ' + box.textContent.slice(0, 40));
  }
  for (const formula of document.querySelectorAll('article span.math')) {
    const outer = formula.getBoundingClientRect(), lines = [...formula.getClientRects()], first = lines[0] ?? outer, final = lines.at(-1) ?? outer;
    const next = formula.nextSibling?.data ?? '', last = formula.previousSibling?.data ?? '';
    if (formula.firstElementChild?.getBoundingClientRect().right > outer.right + 1)
      found.push('a formula is cut off: ' + formula.textContent.slice(0, 40));
    const touches = (node, at) => { const mark = document.createRange(); mark.setStart(node, at); mark.setEnd(node, at + 1);
      const seen = mark.getBoundingClientRect();
      return !seen.width || (at ? seen.right <= first.left + 2 : seen.left >= final.right - 2); };
    if (/^[,.;:!?)\]]/.test(next) && !touches(formula.nextSibling, 0) || /.[(\[]$/.test(last) && !touches(formula.previousSibling, last.length - 1))
      found.push('a formula is torn from what touches it: ' + formula.textContent.slice(0, 40));
  }
  for (const box of document.querySelectorAll('.bd-article mjx-container[display="true"]')) {
    const inner = box.firstElementChild.getBoundingClientRect(), outer = box.getBoundingClientRect();
    if (inner.width && inner.left < outer.left - 1) found.push('an equation is cut off at its left: ' + box.textContent.slice(0, 40));
  }
  return found;
}"""

COLOURS = r"""
  const rgba = (text) => { const n = text.match(/[\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3]));
  const light = (c) => c.slice(0, 3).map(x => x / 255).map(x => x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4)
                        .reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (node) => { const layers = [];
    for (; node; node = node.parentElement) layers.push(rgba(getComputedStyle(node).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]); };
  const apart = (one, other) => { const [high, low] = [light(one), light(other)].sort((x, y) => y - x); return (high + 0.05) / (low + 0.05); };
"""
"""A colour as numbers, one over another, what lies behind an element, and the contrast of two."""

CONTRAST = (
    """(least) => {"""
    + COLOURS
    + """  const solid = (node) => { let share = 1;
    for (; node; node = node.parentElement) share *= getComputedStyle(node).opacity;
    return share; };
  const found = new Set(), walk = document.createTreeWalker(document.querySelector('article'), NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode.parentElement;
    if (!walk.currentNode.textContent.trim() || !node.checkVisibility({visibilityProperty: true, opacityProperty: true})
        || node.closest('script, style, svg, .headerlink')) continue;
    const below = ground(node), [r, g, b, a] = rgba(getComputedStyle(node).color), text = over([r, g, b, a * solid(node)], below);
    const ratio = apart(text, below);
    if (ratio < least) found.add(`contrast ${ratio.toFixed(1)} in ${document.documentElement.dataset.theme} mode: ` +
      `${node.tagName.toLowerCase()}.${node.className} ${node.textContent.trim().slice(0, 30)}`);
  }
  return [...found];
}"""
)

RINGS = (
    r"""(least) => {"""
    + COLOURS
    + r"""
  const ringed = (node, part) => {
    const of = getComputedStyle(node, part);
    if (part && of.content === 'none') return [];
    const drawn = (style, width, colour) => style !== 'none' && parseFloat(width) > 0 && rgba(colour)[3] > 0;
    return [
      drawn(of.outlineStyle, of.outlineWidth, of.outlineColor) && `outline ${of.outlineWidth} ${of.outlineColor}`,
      drawn(of.borderTopStyle, of.borderTopWidth, of.borderTopColor) && `border ${of.borderTopWidth} ${of.borderTopColor}`,
      of.boxShadow !== 'none' && `shadow ${of.boxShadow}`,
      node.matches('svg *') && of.stroke !== 'none' && `stroke ${of.strokeWidth} ${of.stroke}`,
    ].filter(Boolean);
  };
  const around = (node) => { const all = [node, ...node.querySelectorAll('*')];
    while ((node = node.parentElement)) all.push(node);
    return all; };
  const rings = (nodes) => nodes.flatMap((node, i) => [null, '::before', '::after'].flatMap(part =>
    ringed(node, part).map(ring => `${i}${part ?? ''} ${ring}`)));
  document.head.insertAdjacentHTML('beforeend', '<style>*, ::before, ::after { transition: none !important; }</style>');
  const found = new Set();
  for (const node of document.querySelectorAll('a[href], button, summary, input, select, textarea, [tabindex="0"]')) {
    if (!node.checkVisibility({visibilityProperty: true})) continue;
    document.activeElement.blur();
    const nodes = around(node), before = rings(nodes);
    node.focus({preventScroll: true});
    const added = rings(nodes).filter(ring => !before.includes(ring)), below = ground(node.parentElement);
    const pale = added.filter(ring => apart(over(rgba(ring.match(/rgba?\([^)]*\)/g).at(-1)), below), below) < least);
    if (added.length !== 1 || pale.length)
      found.add(`${added.length} rings, ${pale.length} of them pale, in ${document.documentElement.dataset.theme} mode around ` +
        `${node.outerHTML.replace(/\s+/g, ' ').slice(0, 70)} ${added.join(' and ')}`);
  }
  return [...found];
}"""
)
"""Where the keyboard is, is told by one ring. To be asked after a key was pressed, which makes focus visible."""

REACHED = """() => {
  const found = [];
  for (const box of document.querySelectorAll('article :is(mjx-container[display], pre, p, div)')) {
    const wide = box.scrollWidth > box.clientWidth + 1 && getComputedStyle(box).overflowX === 'auto';
    if (wide !== (box.getAttribute('tabindex') === '0'))
      found.push(`${wide ? 'scrolls, and is no' : 'does not scroll, and is a'} stop of the keyboard: ${box.textContent.trim().slice(0, 40)}`);
    const fades = getComputedStyle(box).maskImage !== 'none', beyond = box.matches('mjx-container, .cell_output pre') && innerWidth <= 600;
    if (fades !== (wide && beyond))
      found.push(`${fades ? 'fades' : 'does not fade'} at its edge: ${box.textContent.trim().slice(0, 40)}`);
  }
  return found;
}"""
"""What scrolls sideways is a stop of the keyboard, and fades on a phone; nothing else is, or does."""


UNFOLD = """() => {
  for (const fold of document.querySelectorAll('article details')) fold.open = true;
  for (const fold of document.querySelectorAll('article .toggle-hidden')) fold.classList.remove('toggle-hidden');
}"""
FRAME = "() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))"
"""Layout has been done, and those who watch it have been told."""


@contextmanager
def opened(browser, limit=LIMIT):
    """A page whose every wait ends after ``limit`` seconds."""
    page = browser.new_page(viewport={"width": WIDE, "height": 900})
    page.set_default_timeout(1000 * limit)
    try:
        yield page
    finally:
        page.close()


def look(browser, address, again=lambda why: None, limit=LIMIT):
    """Open a page at both widths and in both themes; everything that is wrong with it.

    One that is not there within ``limit`` seconds is opened once more, which ``again`` is told; the second time it raises.
    """
    from playwright.sync_api import TimeoutError

    try:
        return looked(browser, address, limit)
    except TimeoutError as late:
        again(f"{address}, not there within {limit} s: {str(late).splitlines()[0]}")
        return looked(browser, address, limit)


def looked(browser, address, limit):
    """What :func:`look` returns, or playwright's ``TimeoutError``."""
    host = address.split("/")[2]
    found = []
    with opened(browser, limit) as page:
        page.on(
            "console",
            lambda said: (
                found.append(f"console: {said.text} ({said.location['url']})") if said.type == "error" else None
            ),
        )
        page.on("pageerror", lambda error: found.append(f"script error: {error}"))
        page.on(
            "request",
            lambda request: (
                found.append(f"foreign request: {request.url}") if is_elsewhere(request.url, host) else None
            ),
        )
        page.add_init_script(WATCH)
        page.goto(address, wait_until="load")
        page.wait_for_function(SETTLED)
        found += page.evaluate(TEX) + page.evaluate(MUTE)
        found += page.evaluate(WEIGHT, [HEAVIEST, MOST_SHIFT])
        found += [f"{problem} at {WIDE}" for problem in page.evaluate(LAYOUT)]
        found += themed(page, CONTRAST, LEAST_CONTRAST) if page.query_selector("article") else []
        page.set_viewport_size({"width": PHONE, "height": 900})
        found += [f"{problem} at {PHONE}" for problem in page.evaluate(LAYOUT)]
        found += reached(page)
        page.evaluate(axe())
        found += page.evaluate(AXE, CRITERIA)
    return found


def themed(page, script, least):
    """What a script finds in each theme of an opened page."""
    found = []
    for theme in ("dark", "light"):
        page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        found += page.evaluate(script, least)
    return found


def ringed(page):
    """Where an opened page does not show, by one ring, where the keyboard is."""
    page.keyboard.press("Tab")
    return themed(page, RINGS, LEAST_RING)


def reached(page):
    """What of an opened page scrolls and is no stop of the keyboard, or the reverse, with all that is folded unfolded."""
    page.evaluate(UNFOLD)
    page.evaluate(FRAME)
    return page.evaluate(REACHED)


@functools.cache
def axe():
    """The script of axe-core, which asks a page for what would shut somebody out."""
    return (Path(find_spec("axe_playwright_python").origin).parent / "axe.min.js").read_text("utf-8")


def is_elsewhere(address, host):
    return not address.startswith((f"http://{host}/", "data:", "blob:", "about:"))
