"""A second, separate kernel reads every compiled proof and library again."""

import re

import pytest

from icrl.claims import CLAIMS, kernel, rocq


def test_coqchk_accepts_the_proofs_and_finds_no_axiom_of_ours():
    try:
        kernel.check_sources([name for one in kernel.proofs_of(CLAIMS.values()) for name in one.theorems])
    except rocq.NoChecker as absent:
        pytest.skip(f"the proofs are on record only: {absent}")
    with rocq.working(kernel.WORK):
        summary = rocq.rechecked(kernel.WORK)
    axioms = re.findall(r"^    (\S+)$", summary.partition("* Axioms:")[2].partition("* Constants")[0], re.MULTILINE)
    assert axioms and not [name for name in axioms if name.startswith("icrl.")], "ours are none; those of the libraries that were loaded are listed"
    for unsafe in ("relying on type-in-type: <none>", "relying on unsafe (co)fixpoints: <none>", "positivity is assumed: <none>"):
        assert unsafe in summary
