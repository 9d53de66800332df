"""The long run: 20,000 random contexts for the theorem. In a file of its own, so that it has a processor to itself."""

from icrl.claims import CLAIMS
from icrl.verify.model import Budget
from icrl.verify.run import judge


def test_softmax_td_on_20000_random_contexts():
    numeric = next(check for check in CLAIMS["softmax-td"].checks if check.kind == "numeric")
    verdict = judge(numeric, CLAIMS["softmax-td"].subject, Budget(trials=20_000, seed=1))
    assert verdict.passed and verdict.detail.startswith("20000 random contexts (seed 1)"), verdict
