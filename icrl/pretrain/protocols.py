"""What is trained, on what, and how: every experiment of the book is a :class:`Protocol`, and has a name in :data:`PROTOCOLS`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from icrl.mrp import integer, number
from icrl.pretrain.batches import FAMILIES, FEATURES
from icrl.pretrain.losses import LOSSES
from icrl.tasks import ENDINGS

CHOICES = {
    "family": FAMILIES,
    "features": FEATURES,
    "trained": ("masked", "full"),
    "layers": ("tied", "untied"),
    "start": ("zero", "construction"),
    "loss": LOSSES,
    "optimiser": ("adam", "sgd"),
    "endings": ENDINGS,
    "control": ("none", "shuffled-rewards", "other-labels", "uniform-attention"),
}
"""What the fields that are words may be; families, features and losses also those added to their tables."""


@dataclass(frozen=True)
class Protocol:
    """One way of pretraining.

    Tasks: ``family`` and ``features`` (:mod:`icrl.pretrain.batches`), ``d`` features of ``n_states`` states, ``discount`` in [0, 1),
    contexts of ``n`` transitions (None: infinitely many). ``endings`` "terminal": the last state of each process ends its episode
    (:func:`~icrl.pretrain.batches.with_endings`), and ``discount`` may be 1.

    The Transformer: ``trained`` "masked", V's three entries and A's d×d block, or "full", all of V and A; ``layers`` "tied", one
    layer repeated, or "untied", one a layer; ``depth``, how many, drawn anew in each step from ``shallowest`` to ``depth`` if
    ``shallowest`` is less. Parameters start at ``start``, "zero" or "construction" (softmax TD, α = 1 and A = I), plus ``init`` times
    standard normal numbers.

    Training: ``loss`` "td", "td-sampled" (of one transition a task instead of the expectation), "neu" or "regression" (on v^π),
    ``optimiser`` "adam" or "sgd", ``rate`` falling to 0 along a cosine over ``steps`` steps of
    ``batch`` fresh tasks each, gradients clipped to norm ``clip``; ``decay``/2 times the sum of squares is added to the loss.

    ``control``: what is taken away, for comparison. "shuffled-rewards", the contexts' rewards belong to other states;
    "other-labels", the process asked for is another than the context's; "uniform-attention", A is held at 0.

    Raises ``ValueError`` for a word that is none of :data:`CHOICES`, sizes below 1, rates that are not positive, untied layers of
    random depth, and one-hot features of another d than ``n_states``.
    """

    family: str = "boyan"
    features: str = "uniform"
    d: int = 4
    n_states: int = 10
    discount: float = 0.9
    n: int | None = 30
    trained: str = "masked"
    layers: str = "tied"
    depth: int = 6
    shallowest: int | None = None
    start: str = "zero"
    init: float = 0.02
    loss: str = "td"
    optimiser: str = "adam"
    rate: float = 0.03
    steps: int = 1000
    batch: int = 64
    decay: float = 0.0
    clip: float = 1.0
    control: str = "none"
    endings: str = "restart"

    def __post_init__(self) -> None:
        for name, known in CHOICES.items():
            if getattr(self, name) not in list(known):
                raise ValueError(f"{name} must be one of {', '.join(known)}, got {getattr(self, name)!r}")
        for name, least in {"d": 1, "n_states": 3, "depth": 1, "steps": 1, "batch": 1}.items():
            integer(name, getattr(self, name), least)
        for name, interval in {
            "discount": "[0, 1]" if self.endings == "terminal" else "[0, 1)",
            "init": "[0, inf)",
            "rate": "(0, inf)",
            "decay": "[0, inf)",
            "clip": "(0, inf)",
        }.items():
            number(name, getattr(self, name), interval)
        if self.n is not None:
            integer("n", self.n, 1)
        elif self.trained == "full":
            raise ValueError("n must be a number of transitions where all of V and A is trained, got None")
        if self.shallowest is not None and not 1 <= integer("shallowest", self.shallowest, 1) <= self.depth:
            raise ValueError(f"shallowest must be at most depth = {self.depth}, got {self.shallowest}")
        if self.layers == "untied" and self.shallowest not in (None, self.depth):
            raise ValueError(
                f"layers must be tied where the depth is drawn from {self.shallowest} to {self.depth}, got untied"
            )
        if self.features == "one-hot" and self.d != self.n_states:
            raise ValueError(f"d must be n_states = {self.n_states} for one-hot features, got {self.d}")

    def sampling(self) -> dict:
        """The arguments of :func:`~icrl.pretrain.batches.sample_tasks` that say what the tasks are, without the controls."""
        return {
            name: getattr(self, name) for name in ("family", "features", "d", "n_states", "discount", "n", "endings")
        }


BOYAN = Protocol()
DENSE = replace(BOYAN, family="dense", features="unit", d=5)
RANDOM_DEPTH: dict[str, Any] = {"shallowest": 2, "depth": 40, "steps": 1500}
FULL: dict[str, Any] = {"trained": "full", "steps": 1500, "batch": 32, "decay": 0.003}
ONE_HOT: dict[str, Any] = {"features": "one-hot", "d": 10}
"""What several protocols share: two to begin with, and three changes of fields."""

PROTOCOLS: dict[str, Protocol] = {
    "boyan": BOYAN,
    "dense": DENSE,
    "boyan-random-depth": replace(BOYAN, **RANDOM_DEPTH),
    "dense-random-depth": replace(DENSE, **RANDOM_DEPTH),
    "boyan-neu": replace(BOYAN, loss="neu"),
    "dense-neu": replace(DENSE, loss="neu"),
    "boyan-sampled": replace(BOYAN, loss="td-sampled"),
    "dense-sampled": replace(DENSE, loss="td-sampled"),
    "boyan-regression": replace(BOYAN, loss="regression"),
    "dense-regression": replace(DENSE, loss="regression"),
    "boyan-regression-longer": replace(BOYAN, loss="regression", steps=4000),
    "boyan-regression-from-construction": replace(BOYAN, loss="regression", start="construction"),
    "boyan-full": replace(BOYAN, **FULL),
    "dense-full": replace(DENSE, **FULL),
    "boyan-untied": replace(BOYAN, layers="untied"),
    "dense-untied": replace(DENSE, layers="untied"),
    "dense-full-from-construction": replace(DENSE, **FULL, start="construction"),
    "boyan-episodes": replace(BOYAN, endings="terminal", discount=1.0),
    "boyan-one-hot": replace(BOYAN, family="permuted-boyan", **ONE_HOT),
    "boyan-one-hot-in-order": replace(BOYAN, **ONE_HOT),
    "dense-one-hot": replace(DENSE, **ONE_HOT),
    "shuffled-rewards": replace(BOYAN, control="shuffled-rewards"),
    "other-labels": replace(BOYAN, control="other-labels"),
    "uniform-attention": replace(BOYAN, control="uniform-attention"),
    "no-discount": replace(BOYAN, discount=0.0),
    "far-sighted": replace(BOYAN, discount=0.99),
    "slow": replace(BOYAN, rate=0.001),
    "large-init": replace(BOYAN, init=0.5),
}
"""The experiments of the book by name: what emerges, what does not, and the controls that must not show the pattern."""

ABOUT: dict[str, str] = {
    "boyan": "V's three entries, A's block, six tied layers, Boyan chains",
    "dense": "the same on dense processes, features of length 1",
    "boyan-random-depth": "a depth from 2 to 40 drawn in every step",
    "dense-random-depth": "the same on dense processes",
    "boyan-neu": "the loss NEU, the norm of the expected update",
    "dense-neu": "the same on dense processes",
    "boyan-sampled": "the TD loss of one transition a task, drawn at random",
    "dense-sampled": "the same on dense processes",
    "boyan-regression": "control: regression on the true values, nothing bootstrapped",
    "dense-regression": "the same on dense processes",
    "boyan-regression-longer": "regression on Boyan chains with four times the steps",
    "boyan-regression-from-construction": "regression on the true values, from softmax TD's own parameters on",
    "boyan-full": "every entry of V and A",
    "dense-full": "the same on dense processes",
    "boyan-untied": "parameters of its own for each layer",
    "dense-untied": "the same on dense processes",
    "dense-full-from-construction": "every entry of V and A, from softmax TD's own parameters on",
    "boyan-episodes": "chains that end, at discount 1",
    "boyan-one-hot": "one-hot features, states numbered anew in each task",
    "boyan-one-hot-in-order": "one-hot features, states in the chain's order",
    "dense-one-hot": "one-hot features on dense processes",
    "shuffled-rewards": "control: contexts pay each state another's reward",
    "other-labels": "control: the values asked for are another task's",
    "uniform-attention": "control: A held at 0",
    "no-discount": "control: discount 0, nothing to bootstrap",
    "far-sighted": "discount 0.99",
    "slow": "a thirtieth of the rate",
    "large-init": "a start 25 times as far from 0",
}
"""A word about each of them."""
