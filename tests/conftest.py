"""A check that a missing tool leaves out is named in the run's last lines; under ICRL_STRICT=1 it is a failure."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from gates import browser
from icrl.claims import CLAIMS
from icrl.verify.model import WITHOUT_MUTANTS

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the workers share the processors: more threads would only wait in turns
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "_build" / "html"
AGAIN = "opened again"
PAIRS = [(claim, check) for claim in CLAIMS.values() for check in claim.checks if check.kind not in WITHOUT_MUTANTS]
"""Every check that mutants are put to, with its claim."""


def check_of(id, kind):
    """The check of this kind of a claim."""
    return next(check for check in CLAIMS[id].checks if check.kind == kind)


LONGEST = "test_proofs.py", "test_ledger.py", "test_long_run.py"
"""The files that take the longest, by far: the proofs, the claims, and the claim on 20,000 contexts."""


def pytest_collection_modifyitems(items):
    """The longest files come first: one that began last would leave the other processors idle."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


def is_strict():
    return os.environ.get("ICRL_STRICT") == "1"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Under ICRL_STRICT=1 nothing may be skipped, for whatever reason."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and is_strict() and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"left out, which ICRL_STRICT=1 forbids: {call.excinfo.value}"


def pytest_terminal_summary(terminalreporter):
    """Say which checks were left out, and why, and which pages came only at the second try."""
    left_out = [report for report in terminalreporter.stats.get("skipped", []) if not hasattr(report, "wasxfail")]
    if left_out:
        terminalreporter.section("left out on this machine")
    for report in left_out:
        reason = report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr
        terminalreporter.line(f"{report.nodeid}: {str(reason).removeprefix('Skipped: ')}")
    reports = [
        report for some in terminalreporter.stats.values() for report in some if hasattr(report, "user_properties")
    ]
    again = dict.fromkeys(why for report in reports for name, why in report.user_properties if name == AGAIN)
    if again:
        terminalreporter.section("pages opened a second time")
    for why in again:
        terminalreporter.line(why)


@pytest.fixture
def look(chromium, record_property):
    """What is wrong with the page at an address; that it came only at the second try is told in the run's last lines."""
    return lambda address, **limit: browser.look(chromium, address, lambda why: record_property(AGAIN, why), **limit)


@pytest.fixture(scope="session")
def site():
    """The folder of the built book."""
    if not (SITE / "index.html").exists():
        pytest.fail("the book is not built: run `make book`")
    return SITE


@pytest.fixture(scope="session")
def chromium():
    """One headless browser for all tests of a worker."""
    if not browser.find_chromium():
        pytest.skip("Chromium not found (install it, or name it in ICRL_CHROMIUM)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver, browser.launched(driver) as opened:
        yield opened
