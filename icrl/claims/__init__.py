"""What the book asserts: one small file a claim, each with its checks and the mutants that they must refute."""

from __future__ import annotations

from icrl.claims import (
    averagers,
    batch_td,
    bellman,
    causal_mask,
    certainty_equivalence,
    contraction,
    coverage_needed,
    depth_against_context,
    emergence,
    explicit_finite_sample,
    finite_sample,
    fixed_point,
    global_minimum,
    identifiability,
    kernel_td,
    layer_steps,
    linear,
    linear_average_reward,
    linear_residual_gradient,
    linear_td,
    linear_td_lambda,
    lstd,
    mask_leak,
    neu_bound,
    operator,
    rate_floor,
    score_functions,
    softmax_average_reward,
    softmax_residual_gradient,
    softmax_td,
    softmax_td_lambda,
    spectral,
    state_form,
    stationary,
    tabular,
    two_heads,
    weights,
)
from icrl.claims.model import Budget, Check, Claim, Counterexample, Mutant, Verdict

__all__ = ["CLAIMS", "Budget", "Check", "Claim", "Counterexample", "Mutant", "Verdict"]

MODULES = (
    *(bellman, stationary, batch_td, lstd, mask_leak, softmax_td, two_heads),
    *(operator, contraction, rate_floor, coverage_needed, certainty_equivalence, layer_steps),
    *(fixed_point, explicit_finite_sample, finite_sample, depth_against_context, spectral, averagers),
    *(linear, linear_td, linear_td_lambda, linear_residual_gradient, linear_average_reward),
    *(tabular, kernel_td, softmax_td_lambda, softmax_residual_gradient, softmax_average_reward, weights),
    *(causal_mask, score_functions, identifiability),
    *(neu_bound, state_form, global_minimum, emergence),
)
CLAIMS: dict[str, Claim] = {module.CLAIM.id: module.CLAIM for module in MODULES}
"""Every claim, by id, in the book's order."""
