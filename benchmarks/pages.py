"""How long a page takes on a slow machine, and what it weighs: `python benchmarks/pages.py [--beside SITE]`

Six pages of the built site in headless Chromium, its processor slowed down four times, served compressed; with another
built site beside it each page is measured in turn, the two in one run. For each: milliseconds until the text can be read
(first contentful paint), until nothing is left to do (load, formulas typeset, and the end of the last long task), kilobytes
besides pictures, the sum of layout shifts, formulas, and elements. The medians of ``--rounds``.
"""

import argparse
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from gates.browser import BYTES, SETTLED, WATCH, launched, served  # noqa: E402

PAGES = ("preface", "softmax-td", "context", "status/convergence", "notation", "api")
SLOWER = 4
READ = f"""() => ({{
  readable: performance.getEntriesByName('first-contentful-paint')[0].startTime,
  done: Math.max(performance.getEntriesByType('navigation')[0].loadEventEnd, window.busy),
  kB: {BYTES} / 1000,
  shift: window.shifted,
  formulas: document.querySelectorAll('mjx-container').length,
  elements: document.getElementsByTagName('*').length,
}})"""


def measured(browser: Any, address: str) -> dict[str, float]:
    """A page, opened for the first time on a slow machine."""
    context = browser.new_context(viewport={"width": 1300, "height": 900})
    page = context.new_page()
    page.set_default_timeout(300_000)
    page.add_init_script(WATCH)
    context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(address, wait_until="load")
    page.wait_for_function(SETTLED)
    page.wait_for_timeout(2000)  # for a long task to end that began meanwhile
    found = page.evaluate(READ)
    context.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--site", type=Path, default=ROOT / "_build" / "html", help="the built site (default: %(default)s)"
    )
    parser.add_argument("--beside", type=Path, help="another built site, measured in the same run")
    parser.add_argument("--rounds", type=int, default=3, help="times each page is opened (default: %(default)s)")
    options = parser.parse_args()

    sites = [site for site in (options.beside, options.site) if site]
    print(
        f"{'page':20} {'site':6} "
        + " ".join(f"{name:>9}" for name in ("readable", "done", "kB", "shift", "formulas", "elements"))
    )
    with sync_playwright() as driver, launched(driver) as browser, TemporaryDirectory() as folder:
        for name in PAGES:
            rounds: list[list[dict[str, float]]] = [[] for _ in sites]
            for _ in range(options.rounds):
                for number, site in enumerate(sites):
                    (Path(folder) / f"{number}").mkdir(exist_ok=True)
                    (Path(folder) / f"{number}" / "some" / "prefix").unlink(missing_ok=True)
                    with served(site, Path(folder) / f"{number}") as address:
                        rounds[number].append(measured(browser, f"{address}/book/{name}.html"))
            for number, found in enumerate(rounds):
                middle = {key: median(one[key] for one in found) for key in found[0]}
                which = "this" if number == len(sites) - 1 else "other"
                print(
                    f"{name:20} {which:6} "
                    + " ".join(f"{value:9.3f}" if key == "shift" else f"{value:9.0f}" for key, value in middle.items())
                )


if __name__ == "__main__":
    main()
