r"""emergence: gradient descent on a prediction loss finds softmax TD by itself, up to its two scales."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from icrl.claims.model import Budget, Check, Claim, Counterexample, Mutant, Verdict
from icrl.claims.operators import AT_LEAST, AT_MOST, Part, Within, first_failure
from icrl.claims.softmax_td import one_thread
from icrl.pretrain.protocols import PROTOCOLS, Protocol

FIXED = {"steps": 300, "batch": 32, "rate": 0.1}
RANDOM = {"steps": 400, "batch": 32, "rate": 0.05, "shallowest": 2, "depth": 20}
"""Budgets at which a seed takes a second or two."""

BOYAN, DENSE = (replace(PROTOCOLS[name], **FIXED) for name in ("boyan", "dense"))
BOYAN_ANY_DEPTH, DENSE_ANY_DEPTH = (replace(PROTOCOLS[name], **RANDOM) for name in ("boyan", "dense"))


class Experiment(NamedTuple):
    """A protocol, and what must come of it at every seed.

    ``cosine_V``, ``cosine_A``: at least. ``alpha``, ``sharpness``: the ranges of (w_r + w_t − w_v)/3 and of the mean of A's
    diagonal. ``error``: the median over held-out tasks of the relative error against v^π at ``depth`` layers, at most (v = 0 has
    the error 1). ``difference``: the same against softmax TD with the α and β that come nearest, at most; None where that is not claimed.
    """

    protocol: Protocol
    depth: int
    difference: float | None = None
    error: float = 0.65
    cosine_V: float = 0.99
    cosine_A: float = 0.99
    alpha: tuple[float, float] = (0.7, 1.6)
    sharpness: tuple[float, float] = (1.7, 3.5)


def trained(protocol: Protocol, seed: int) -> Any:
    """The parameters that training ends with."""
    from icrl.pretrain.train import train

    return train(protocol, seed).learned


@dataclass(frozen=True)
class Emergence:
    """The statement with its pieces: the experiments, and what trains."""

    experiments: tuple[Experiment, ...]
    train: Callable[[Protocol, int], Any] = trained


def parts(experiment: Experiment, learned: Any) -> Iterator[Part]:
    """The pattern, its two scales, the error of the predictions, and how far they are from those of softmax TD."""
    from icrl.pretrain.metrics import agreement, pattern

    protocol, depth = experiment.protocol, experiment.depth
    error, batch = median_error(learned, protocol, depth)
    seen, (w_r, w_t, w_v) = pattern(learned), learned["V"].mean(0).tolist()
    beta = float(learned["A"].diagonal(dim1=-2, dim2=-1).mean())
    yield Part("cosine of V's last row and (0, …, 0, 1, 1, −1)", seen.cosine_V, experiment.cosine_V, relation=AT_LEAST)
    yield Part("cosine of A's block and the identity", seen.cosine_A, experiment.cosine_A, relation=AT_LEAST)
    yield from between("α, (w_r + w_t − w_v)/3", (w_r + w_t - w_v) / 3, experiment.alpha)
    yield from between("β, the mean of A's diagonal", beta, experiment.sharpness)
    yield Part(f"median relative error against the true value at depth {depth}", error, experiment.error, relation=AT_MOST)
    if experiment.difference is not None:
        far = agreement(learned, batch, depth).value_difference
        yield Part(f"median relative difference to the values of softmax TD at depth {depth}", far, experiment.difference, relation=AT_MOST)


def between(where: str, got: float, interval: tuple[float, float]) -> Iterator[Part]:
    """A number in an interval."""
    yield Part(where, got, interval[0], relation=AT_LEAST)
    yield Part(where, got, interval[1], relation=AT_MOST)


def median_error(learned: Any, protocol: Protocol, depth: int) -> tuple[float, Any]:
    """The median over held-out tasks of the relative error against v^π, and the tasks; ``ValueError`` for parameters that are not finite."""
    import torch

    from icrl.pretrain.metrics import task_errors, true_value
    from icrl.pretrain.network import values
    from icrl.pretrain.results import held_out

    batch = held_out(protocol)
    with torch.no_grad():
        errors = task_errors(values(learned, batch, depth), true_value(batch), batch)
    return float(errors.median()), batch


def seeds(budget: Budget) -> range:
    """Two seeds a protocol, or one for every hundred trials asked for: a seed is a training run."""
    return range(budget.seed, budget.seed + (2 if budget.trials is None else -(-budget.trials // 100)))


def numeric(claim: Emergence, budget: Budget) -> Verdict:
    """Train every protocol at every seed, afresh, and hold what comes of it against what is claimed; stop at the first that fails."""
    import torch

    runs = [(experiment, seed) for experiment in claim.experiments for seed in seeds(budget)]
    with one_thread(torch):
        for done, (experiment, seed) in enumerate(runs, 1):
            if found := failure(experiment, seed, claim.train(experiment.protocol, seed)):
                return Verdict(False, f"fails at seed {seed}", counterexample=found)
            budget.progress(done, len(runs))
    which = f"seeds {seeds(budget)[0]} to {seeds(budget)[-1]}" if len(seeds(budget)) > 1 else f"seed {budget.seed}"
    return Verdict(True, f"{len(claim.experiments)} protocols, {which} of each, trained afresh: {'; '.join(map(asked, claim.experiments))}; 200 held-out tasks")


def failure(experiment: Experiment, seed: int, learned: Any) -> Counterexample | None:
    """Where a run is not as claimed, to the two digits that every machine's rounding leaves alone."""
    found = first_failure(f"{told(experiment.protocol)}, seed {seed}", parts(experiment, learned), Within(0.0))
    return found and replace(found, got=f"{float(found.got):.2g}")


def told(protocol: Protocol) -> str:
    """A protocol for a person: what differs from one to another here."""
    depth = f"L = {protocol.depth}" if protocol.shallowest is None else f"L drawn from {protocol.shallowest} to {protocol.depth}"
    control = "" if protocol.control == "none" else f", {protocol.control}"
    untied = "" if protocol.layers == "tied" else ", layers untied"
    return f"{protocol.family}, d = {protocol.d}, γ = {protocol.discount:g}, {depth}{untied}{control}; {protocol.steps} steps of {protocol.batch} tasks at rate {protocol.rate:g}"


def asked(experiment: Experiment) -> str:
    """What is asked of an experiment."""
    difference = "" if experiment.difference is None else f", difference to softmax TD at most {experiment.difference:g}"
    return (
        f"{told(experiment.protocol)}: cosines at least {experiment.cosine_V:g} (V) and {experiment.cosine_A:g} (A), α in {experiment.alpha}, β in {experiment.sharpness}, "
        f"at depth {experiment.depth} error at most {experiment.error:g}{difference}"
    )


CLAIMED = (
    Experiment(BOYAN, depth=6),
    Experiment(DENSE, depth=6),
    Experiment(BOYAN_ANY_DEPTH, depth=10, difference=0.25),
    Experiment(DENSE_ANY_DEPTH, depth=10, difference=0.25),
)
AT_SIX, AT_ANY = CLAIMED[0], CLAIMED[2]


def control(**changes: Any) -> Emergence:
    """The first experiment, with its protocol changed."""
    return Emergence((AT_SIX._replace(protocol=replace(BOYAN, **changes)),))


MUTANTS = (
    Mutant("rewards shuffled against the states in training", control(control="shuffled-rewards")),
    Mutant("labels from another task in training", control(control="other-labels")),
    Mutant("attention held uniform in training", control(control="uniform-attention")),
    Mutant("γ = 0 in training", control(discount=0.0)),
    Mutant("parameters of their own for each layer", control(layers="untied")),
    Mutant("a hundredth of the rate", control(rate=FIXED["rate"] / 100)),
    Mutant("A = I", Emergence((AT_SIX._replace(sharpness=(0.9, 1.1)),))),
    Mutant("α = 1", Emergence((AT_SIX._replace(alpha=(0.95, 1.05)),))),
    Mutant("what was trained at 6 layers is good at 100", Emergence((AT_SIX._replace(depth=100),))),
    Mutant("what was trained at 6 layers predicts as softmax TD does", Emergence((AT_SIX._replace(difference=0.25),))),
)


def statement() -> str:
    """The statement, as Markdown."""
    return rf"""
Train the Transformer of {{prf:ref}}`state-form`, the same three entries $w_r, w_t, w_v$ of $V$ and the same block of $A$ in all layers, from $0.02$ times standard normal numbers, on the expected semi-gradient TD loss $\sum_s \mu(s)\, \delta(s)^2$. Every step draws fresh tasks of ten states, $r \sim U(-1, 1)$, $\gamma = 0.9$, each with a context of 30 transitions: random Boyan chains with features from $U(-1, 1)^4$, or dense chains with rows from a Dirichlet(0.3) distribution and unit features in $\mathbb R^5$. Adam, gradients clipped to norm 1, the rate falling to 0 along a cosine: {FIXED["steps"]} steps of {FIXED["batch"]} tasks from rate {FIXED["rate"]:g} with 6 layers, or {RANDOM["steps"]} steps of {RANDOM["batch"]} tasks from rate {RANDOM["rate"]:g} with a depth drawn in each step from {RANDOM["shallowest"]} to {RANDOM["depth"]}. Then, at each seed tried,

$$
(w_r, w_t, w_v) \approx \alpha\,(1, 1, -1), \qquad A \approx \beta I ,
$$ (eq-emergence)

both with a cosine of at least {AT_SIX.cosine_V:g}. The two scales are learned, and are not 1: $\beta$ lies between {AT_SIX.sharpness[0]:g} and {AT_SIX.sharpness[1]:g}, $\alpha$ between {AT_SIX.alpha[0]:g} and {AT_SIX.alpha[1]:g}. On tasks never trained on the median error against $v^\pi$ is at most {AT_SIX.error:g} of that of $v = 0$.

Trained at a random depth, the predictions are those of softmax TD with the nearest $\alpha$ and $\beta$, up to a median relative difference of {AT_ANY.difference:g} at {AT_ANY.depth} layers. **Trained at one depth, on Boyan chains, they are not**, for all the likeness of the parameters: there $w_t$ exceeds $w_r$, which makes up for what 6 layers cannot reach, and the values grow without bound beyond them: at 100 the median error exceeds that of $v = 0$.

The pattern does not come when the contexts' rewards belong to other states, when the labels belong to another task, when attention is held uniform, or with $\gamma = 0$, where nothing moves $w_t$ from its start; nor with parameters of their own for each layer, nor, in as many steps, at a hundredth of the rate. This is measured, not proved: other sizes, budgets and families are outside it.
""".strip()


CLAIM = Claim(
    id="emergence",
    title="The pattern emerges from training",
    chapter="watching-td-emerge",
    environment="proposition",
    statement=statement,
    hypotheses=(
        "Tied layers; of $V$ the three entries of its last row, of $A$ the block on the features are trained, all else is 0.",
        "The families, sizes, loss, optimiser and budgets stated; for the predictions of softmax TD, a depth drawn at random in training.",
    ),
    subject=Emergence(CLAIMED),
    checks=(Check("numeric", "four protocols of pretraining, two seeds each unless more are asked for (one for every hundred trials), trained afresh on one thread in float64", numeric),),
    mutants=MUTANTS,
    rests_on=("state-form",),
    source="Xie et al. 2026, their experiments, told at second hand; protocols, thresholds and controls of this book",
    shared="icrl.pretrain samples the tasks, trains and measures; that its forward pass is the Transformer's is the claim state-form. The tasks for evaluation come from a seed of their own.",
)
