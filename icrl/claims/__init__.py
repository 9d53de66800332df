"""What the book asserts: a file a claim, in the parts of the book, each with its checks and the mutants that they must refute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from icrl.verify.model import Claim

ORDER = (
    ("foundations", ("bellman", "stationary", "batch-td", "lstd", "mask-leak")),
    ("theorem", ("softmax-td", "two-heads")),
    (
        "convergence",
        ("operator", "contraction", "rate-floor", "coverage-needed", "certainty-equivalence", "layer-steps"),
    ),
    ("convergence", ("fixed-point", "explicit-finite-sample", "finite-sample", "depth-against-context", "spectral")),
    ("convergence", ("averagers",)),
    ("foundations", ("linear", "linear-td", "linear-td-lambda", "linear-residual-gradient", "linear-average-reward")),
    ("family", ("tabular", "kernel-td", "softmax-td-lambda", "softmax-residual-gradient", "softmax-average-reward")),
    ("family", ("weights", "causal-mask", "score-functions", "identifiability")),
    ("emergence", ("neu-bound", "state-form", "global-minimum", "emergence")),
)
"""Where each claim stands, in an order in which it comes after those that it rests on: ``batch-td`` is the ``CLAIM`` of
``foundations/batch_td.py``."""

PLACES = {id: f"{__name__}.{part}.{id.replace('-', '_')}" for part, ids in ORDER for id in ids}
"""The module of each claim."""


class Claims(Mapping[str, Claim]):
    """Every claim, by id; its file is loaded when it is first asked for. ``KeyError`` for an unknown id."""

    def __getitem__(self, id: str) -> Claim:
        return import_module(PLACES[id]).CLAIM

    def __iter__(self) -> Iterator[str]:
        return iter(PLACES)

    def __len__(self) -> int:
        return len(PLACES)

    def __contains__(self, id: object) -> bool:
        return id in PLACES


CLAIMS = Claims()
