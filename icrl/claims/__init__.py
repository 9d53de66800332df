"""What the book asserts: a file a claim, in the parts of the book, each with its checks and the mutants that they must refute."""

from __future__ import annotations

from collections.abc import Mapping

from icrl.loading import Loaded
from icrl.verify.model import Claim

ORDER = (
    ("foundations", ("bellman", "stationary", "batch-td", "lstd", "mask-leak")),
    ("theorem", ("softmax-td", "two-heads", "episodes")),
    (
        "convergence",
        ("operator", "contraction", "rate-floor", "coverage-needed", "certainty-equivalence", "layer-steps"),
    ),
    ("convergence", ("fixed-point", "explicit-finite-sample", "a-priori-finite-sample", "finite-sample")),
    ("convergence", ("depth-against-context", "spectral")),
    ("convergence", ("averagers", "episodic-value")),
    ("foundations", ("linear", "linear-td", "linear-td-lambda", "linear-residual-gradient", "linear-average-reward")),
    ("family", ("tabular", "kernel-td", "softmax-td-lambda", "softmax-residual-gradient", "softmax-average-reward")),
    ("family", ("weights", "causal-mask", "score-functions", "identifiability")),
    ("emergence", ("neu-bound", "state-form", "global-minimum", "emergence")),
)
"""Where each claim stands, in an order in which it comes after those that it rests on: ``batch-td`` is the ``CLAIM`` of
``foundations/batch_td.py``."""

PLACES = {id: f"{__name__}.{part}.{id.replace('-', '_')}" for part, ids in ORDER for id in ids}
"""The module of each claim."""


CLAIMS: Mapping[str, Claim] = Loaded(PLACES, lambda module, id: module.CLAIM)
"""Every claim, by id."""
