"""A second, separate kernel reads every compiled proof and library again."""

import pytest

from icrl.claims import CLAIMS, kernel, rocq


def test_coqchk_accepts_the_proofs_and_finds_only_the_axioms_listed():
    try:
        kernel.check_sources([name for one in kernel.proofs_of(CLAIMS.values()) for name in one.theorems])
    except rocq.NoChecker as absent:
        pytest.skip(f"the proofs are on record only: {absent}")
    with rocq.working(kernel.WORK):
        rocq.recheck(kernel.WORK)
