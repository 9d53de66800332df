"""What the book asserts: one small file a claim, each with its checks and the mutants that they must refute."""

from __future__ import annotations

from icrl.claims import mask_leak, softmax_td, two_heads
from icrl.claims.model import Budget, Check, Claim, Counterexample, Mutant, Verdict

__all__ = ["CLAIMS", "Budget", "Check", "Claim", "Counterexample", "Mutant", "Verdict"]

CLAIMS: dict[str, Claim] = {module.CLAIM.id: module.CLAIM for module in (softmax_td, mask_leak, two_heads)}
"""Every claim, by id, in the book's order."""
