"""What the book asserts: one small file a claim, each with its checks and the mutants that they must refute."""

from __future__ import annotations

from icrl.claims import averagers, batch_td, bellman, certainty_equivalence, contraction, coverage_needed, depth_against_context, explicit_finite_sample
from icrl.claims import finite_sample, fixed_point, layer_steps, linear, lstd, mask_leak, neu_bound, operator, rate_floor, softmax_td, spectral, stationary, two_heads
from icrl.claims.model import Budget, Check, Claim, Counterexample, Mutant, Verdict

__all__ = ["CLAIMS", "Budget", "Check", "Claim", "Counterexample", "Mutant", "Verdict"]

MODULES = (
    *(bellman, stationary, batch_td, lstd, mask_leak, softmax_td, two_heads),
    *(operator, contraction, rate_floor, coverage_needed, certainty_equivalence, layer_steps),
    *(fixed_point, explicit_finite_sample, finite_sample, depth_against_context, spectral, averagers),
    *(linear, neu_bound),
)
CLAIMS: dict[str, Claim] = {module.CLAIM.id: module.CLAIM for module in MODULES}
"""Every claim, by id, in the book's order."""
