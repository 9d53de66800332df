"""The long run: 20,000 random contexts for the theorem. In a file of its own, so that it has a processor to itself."""

import pytest

from conftest import PAIRS
from icrl.claims import CLAIMS, Budget
from icrl.claims.ledger import judge

NUMERIC = {claim.id: (claim, check) for claim, check in PAIRS if check.kind == "numeric"}


def test_softmax_td_on_20000_random_contexts():
    numeric = next(check for check in CLAIMS["softmax-td"].checks if check.kind == "numeric")
    verdict = judge(numeric, CLAIMS["softmax-td"].subject, Budget(trials=20_000, seed=1))
    assert verdict.passed and verdict.detail.startswith("20000 random contexts (seed 1)"), verdict


@pytest.mark.parametrize(
    "id", sorted(NUMERIC.keys() - {"emergence"})
)  # which trains one seed for each hundred instances
def test_as_many_instances_as_asked(id):
    claim, check = NUMERIC[id]
    details = [judge(check, claim.subject, Budget(trials=trials)).detail for trials in (3, 4)]
    assert details[0] != details[1]
