r"""emergence: gradient descent on a prediction loss finds softmax TD by itself, up to its two scales."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, NamedTuple

from icrl.arrays import np
from icrl.pretrain.protocols import PROTOCOLS, Protocol
from icrl.verify.instances.words import described
from icrl.verify.judging.differences import one_thread
from icrl.verify.judging.parts import AT_LEAST, AT_MOST, Part, Within, asserting, first_failure
from icrl.verify.model import Assertion, Budget, Check, Claim, Counterexample, Hypothesis, Mutant, Verdict

FIXED: dict[str, Any] = {"steps": 300, "batch": 32, "rate": 0.1}
RANDOM: dict[str, Any] = {"steps": 400, "batch": 32, "rate": 0.05, "shallowest": 2, "depth": 20}
"""Budgets at which a seed takes a second or two."""

BOYAN, DENSE = (replace(PROTOCOLS[name], **FIXED) for name in ("boyan", "dense"))
BOYAN_ANY_DEPTH, DENSE_ANY_DEPTH = (replace(PROTOCOLS[name], **RANDOM) for name in ("boyan", "dense"))


class Experiment(NamedTuple):
    """A protocol, and what must come of it at every seed; what is None is not asked.

    ``cosine_V``, ``cosine_A``: at least. ``alpha``, ``sharpness``: the ranges of (w_r + w_t − w_v)/3 and of the mean of A's
    diagonal. ``error``: the median over held-out tasks of the relative error against v^π at ``depth`` layers, at most (v = 0 has
    the error 1). ``centred``: the same for values less their mean under μ, at most (a constant has the error 1).
    ``constant``: the error, not centred, of the context's mean reward over 1 − γ at all states, at most. ``difference``: that
    against softmax TD with fitted α and β, at most. ``lost_at``: a depth beyond that of training by which the values have grown past
    use; then ``margin``: by how much w_t is above w_r, at least, and γw_t + w_v at least a quarter of it above 0; ``far``: that
    difference, at least.
    """

    protocol: Protocol
    depth: int
    alpha: tuple[float, float] | None = None
    sharpness: tuple[float, float] | None = None
    error: float | None = None
    centred: float = 1.0
    constant: float | None = None
    difference: float | None = None
    lost_at: int | None = None
    margin: float = 0.08
    far: float = 0.3
    cosine_V: float = 0.99
    cosine_A: float = 0.99


def trained(protocol: Protocol, seed: int) -> Any:
    """The parameters that training ends with."""
    from icrl.pretrain.train import train

    return train(protocol, seed).learned


@dataclass(frozen=True)
class Emergence:
    """The statement with its pieces: the experiments, those in which the pattern must be missing at seed 0, the cosine that one of the two does
    not exceed there, and what trains."""

    experiments: tuple[Experiment, ...]
    controls: tuple[Protocol, ...] = ()
    amiss: float = 0.9
    train: Callable[[Protocol, int], Any] = trained


def parts(experiment: Experiment, learned: Any) -> Iterator[Part]:
    """The pattern, its two scales, the error of the predictions, how far they are from those of softmax TD, and what becomes of them with depth."""
    from icrl.pretrain.metrics import pattern
    from icrl.pretrain.results import held_out

    batch, seen = held_out(experiment.protocol), pattern(learned)
    yield from asserting("pattern", likeness(experiment, seen))
    yield from asserting("pattern", measured_again(learned, seen))
    yield from asserting("scales", scales(experiment, learned))
    if experiment.error is not None:
        yield from asserting("truth", against_the_truth(experiment, learned, batch))
    if experiment.constant is not None:
        yield from asserting("constant", of_a_constant(experiment, batch))
    if experiment.difference is not None:
        yield from asserting("predictions", against_softmax_td(experiment, learned, batch))
    if experiment.lost_at is not None:
        yield from beyond_its_depth(experiment, experiment.lost_at, learned, batch)


def likeness(experiment: Experiment, seen: Any) -> Iterator[Part]:
    """The two cosines, at least what is asked."""
    yield Part("cosine of V's last row and (0, …, 0, 1, 1, −1)", seen.cosine_V, experiment.cosine_V, relation=AT_LEAST)
    yield Part("cosine of A's block and the identity", seen.cosine_A, experiment.cosine_A, relation=AT_LEAST)


def missing(learned: Any, amiss: float) -> Iterator[Part]:
    """The lesser of the two cosines, at most ``amiss``."""
    from icrl.pretrain.metrics import pattern

    seen = pattern(learned)
    lesser = min(seen.cosine_V, seen.cosine_A)
    yield Part("the lesser of the two cosines", lesser, amiss, relation=AT_MOST, asserted="controls")


def measured_again(learned: Any, seen: Any) -> Iterator[Part]:
    """The two cosines from their definition, w·(1, 1, −1)/(√3 ‖w‖) and tr A/(√d ‖A‖), the means over the layers."""
    V, A = learned["V"].numpy(), learned["A"].numpy()
    length, norm = np.sqrt((V**2).sum(axis=-1)), np.sqrt((A**2).sum(axis=(-2, -1)))
    row = (V @ [1, 1, -1] / (np.sqrt(3) * length)).mean()
    block = (
        np.trace(A, axis1=-2, axis2=-1) / (np.sqrt(A.shape[-1]) * np.where(norm > 0, norm, 1))
    ).mean()  # of A = 0 it is 0
    yield same("cosine of V's last row", seen.cosine_V, row)
    yield same("cosine of A's block", seen.cosine_A, block)


def same(where: str, measured: float, again: float) -> Part:
    """That a figure of icrl.pretrain.metrics is the one computed here."""
    return Part(
        f"{where} by icrl.pretrain.metrics, its distance from the one computed again",
        abs(measured - again),
        AGREED,
        relation=AT_MOST,
    )


AGREED = 1e-9
"""How near to each other two routes to one figure must come: both are of order 1, in float64."""


def scales(experiment: Experiment, learned: Any) -> Iterator[Part]:
    """α and β in their ranges."""
    w_r, w_t, w_v = row_of(learned)
    beta = float(learned["A"].diagonal(dim1=-2, dim2=-1).mean())
    yield from between("α, (w_r + w_t − w_v)/3", (w_r + w_t - w_v) / 3, experiment.alpha)
    yield from between("β, the mean of A's diagonal", beta, experiment.sharpness)


def row_of(learned: Any) -> list[float]:
    """w_r, w_t and w_v, the means over the layers."""
    return learned["V"].mean(0).tolist()


def between(where: str, got: float, interval: tuple[float, float] | None) -> Iterator[Part]:
    """A number in an interval, where one is given."""
    if interval:
        yield Part(where, got, interval[0], relation=AT_LEAST)
        yield Part(where, got, interval[1], relation=AT_MOST)


def against_the_truth(experiment: Experiment, learned: Any, batch: Any) -> Iterator[Part]:
    """The error against v^π; and that what it was measured against solves the Bellman equation with the protocol's γ."""
    from icrl.pretrain.losses import true_value

    P, r, v = (each.numpy() for each in (batch.transition, batch.reward, true_value(batch)))
    off = np.abs(r + experiment.protocol.discount * (P @ v[..., None])[..., 0] - v).max()
    yield Part("v^π by icrl.pretrain.losses, its largest Bellman error", float(off), AGREED, relation=AT_MOST)
    where, error = (
        f"median relative error against the true value at depth {experiment.depth}",
        median_error(learned, batch, experiment.depth),
    )
    yield same(where, error, median(squares(predictions(learned, batch, experiment.depth), v, batch)))
    yield Part(where, error, experiment.error, relation=AT_MOST)
    apart = median(squares(less_mean(predictions(learned, batch, experiment.depth), batch), less_mean(v, batch), batch))
    yield Part(
        f"the same at depth {experiment.depth} for values less their mean", apart, experiment.centred, relation=AT_MOST
    )


def of_a_constant(experiment: Experiment, batch: Any) -> Iterator[Part]:
    """The error against v^π of what a context pays on average, over 1 − γ, at all states."""
    from icrl.pretrain.losses import true_value

    right = true_value(batch).numpy()
    mean = batch.rewards.numpy().mean(axis=-1, keepdims=True) / (1 - experiment.protocol.discount)
    yield Part(
        "median relative error of the mean reward over 1 − γ at all states",
        median(squares(np.broadcast_to(mean, right.shape), right, batch)),
        experiment.constant,
        relation=AT_MOST,
    )


def less_mean(v: np.ndarray, batch: Any) -> np.ndarray:
    """v less its mean under μ in each task: what tells the states apart."""
    return v - (batch.stationary.numpy() * v).sum(axis=-1, keepdims=True)


def median_error(learned: Any, batch: Any, depth: int) -> float:
    """The median over the tasks of the relative error against v^π, by icrl.pretrain.metrics."""
    import torch

    from icrl.pretrain.losses import true_value
    from icrl.pretrain.metrics import task_errors

    return float(task_errors(torch.from_numpy(predictions(learned, batch, depth)), true_value(batch), batch).median())


def predictions(learned: Any, batch: Any, depth: int) -> np.ndarray:
    """The values, (B, S); ``ValueError`` for parameters that are not finite."""
    from icrl.pretrain.network import values

    return values(learned, batch, depth).detach().numpy()


def squares(v: np.ndarray, right: np.ndarray, batch: Any) -> np.ndarray:
    """Σ_s μ(s)(v − v')(s)² / Σ_s μ(s)v'(s)² of each task, v' being ``right``."""
    mu = batch.stationary.numpy()
    return (mu * (v - right) ** 2).sum(axis=-1) / (mu * right**2).sum(axis=-1)


def median(squared: np.ndarray) -> float:
    """The median of the roots; of an even number the lower of the two in the middle, as torch has it."""
    return float(np.sqrt(np.sort(squared)[(len(squared) - 1) // 2]))


NEARBY, SLACK = (0.9, 1.0, 1.1), 0.8
"""Of the fitted α and β, so many times either: none may bring the mean square difference below so much of what the fit leaves (at α and β
as they are in the parameters, not fitted, .56 to .7 of it are left; the fit's own steps end a tenth above the least at times)."""


def against_softmax_td(experiment: Experiment, learned: Any, batch: Any) -> Iterator[Part]:
    """The difference to softmax TD with the fitted α and β; that it is theirs, and that no others nearby come nearer by more than a fifth."""
    from icrl.pretrain.metrics import agreement
    from icrl.pretrain.network import construction

    depth, d = experiment.depth, batch.features.shape[-1]
    found, own = agreement(learned, batch, depth), predictions(learned, batch, depth)
    fitted = lambda a, b: predictions(construction(d, a * found.alpha, b * found.sharpness), batch, depth)
    off = {(a, b): squares(own, fitted(a, b), batch) for a, b in product(NEARBY, NEARBY)}
    where = f"median relative difference to the values of softmax TD at depth {depth}"
    yield Part(where, found.value_difference, experiment.difference, relation=AT_MOST)
    yield same(where, found.value_difference, median(off[1.0, 1.0]))
    least, fit = min(each.mean() for each in off.values()), off[1.0, 1.0].mean()
    yield Part(
        "least mean square difference near the fitted α and β, over that at them",
        float(least / fit) if fit else 1.0,
        SLACK,
        relation=AT_LEAST,
    )


def beyond_its_depth(experiment: Experiment, depth: int, learned: Any, batch: Any) -> Iterator[Part]:
    """w_t > w_r, 1 + γw_t + w_v > 1, an error above that of v = 0 after so many layers, and values unlike softmax TD's before."""
    from icrl.pretrain.metrics import agreement

    w_r, w_t, w_v = row_of(learned)
    grown = experiment.protocol.discount * w_t + w_v
    yield Part("w_t − w_r", w_t - w_r, experiment.margin, relation=AT_LEAST, asserted="one-depth")
    yield Part("γw_t + w_v", grown, experiment.margin / 4, relation=AT_LEAST, asserted="one-depth")
    yield Part(
        f"median relative error against the true value at depth {depth}",
        median_error(learned, batch, depth),
        1.0,
        relation=AT_LEAST,
        asserted="growth",
    )
    far = agreement(learned, batch, experiment.depth).value_difference
    yield Part(
        f"median relative difference to the values of softmax TD at depth {experiment.depth}",
        far,
        experiment.far,
        relation=AT_LEAST,
        asserted="one-depth",
    )


def seeds(budget: Budget) -> range:
    """Two seeds a protocol, or one for every hundred trials asked for: a seed is a training run."""
    return range(budget.seed, budget.seed + (2 if budget.trials is None else -(-budget.trials // 100)))


class Run(NamedTuple):
    """An experiment at a seed."""

    experiment: Experiment
    seed: int

    def measures(self) -> dict[str, Any]:
        """Sizes of the protocol, and the seed."""
        protocol = self.experiment.protocol
        return {
            "states": protocol.n_states,
            "d": protocol.d,
            "γ": protocol.discount,
            "layers": protocol.depth,
            "steps": protocol.steps,
            "tasks a step": protocol.batch,
            "seed": self.seed,
            "a depth drawn in every step": protocol.shallowest is not None,
        }


def runs(claim: Emergence, budget: Budget) -> list[Run]:
    """Every experiment at every seed."""
    return [Run(experiment, seed) for experiment in claim.experiments for seed in seeds(budget)]


def numeric(claim: Emergence, budget: Budget) -> Verdict:
    """Train every protocol at every seed, afresh, and hold what comes of it against what is claimed; stop at the first that fails."""
    import torch

    asked_for, met = runs(claim, budget), Counter[str]()
    with one_thread(torch):
        for done, (experiment, seed) in enumerate(asked_for, 1):
            learned = claim.train(experiment.protocol, seed)
            if found := failure(experiment.protocol, seed, parts(experiment, learned), met):
                return Verdict(False, f"fails at seed {seed}", counterexample=found)
            budget.progress(done, len(asked_for))
        for protocol in claim.controls:
            if found := failure(protocol, 0, missing(claim.train(protocol, 0), claim.amiss), met):
                return Verdict(False, "fails at seed 0", counterexample=found)
    which = f"seeds {seeds(budget)[0]} to {seeds(budget)[-1]}" if len(seeds(budget)) > 1 else f"seed {budget.seed}"
    return Verdict(
        True,
        f"{len(claim.experiments)} protocols, {which} of each, trained afresh: {'; '.join(map(asked, claim.experiments))}; 200 held-out tasks; "
        f"in {len(claim.controls)} controls at seed 0 one of the cosines is at most {claim.amiss:g}",
        met=met,
    )


def failure(protocol: Protocol, seed: int, found: Iterator[Part], met: Counter[str]) -> Counterexample | None:
    """Where a run is not as claimed, to the two digits that every machine's rounding leaves alone."""
    wrong = first_failure(f"{told(protocol)}, seed {seed}", found, Within(0.0), met)
    return wrong and replace(wrong, got=f"{float(wrong.got):.2g}")


def told(protocol: Protocol) -> str:
    """A protocol for a person: what differs from one to another here."""
    depth = (
        f"L = {protocol.depth}"
        if protocol.shallowest is None
        else f"L drawn from {protocol.shallowest} to {protocol.depth}"
    )
    control = "" if protocol.control == "none" else f", {protocol.control}"
    untied = "" if protocol.layers == "tied" else ", layers untied"
    return f"{protocol.family}, d = {protocol.d}, γ = {protocol.discount:g}, {depth}{untied}{control}; {protocol.steps} steps of {protocol.batch} tasks at rate {protocol.rate:g}"


def asked(experiment: Experiment) -> str:
    """What is asked of an experiment."""
    difference = (
        "" if experiment.difference is None else f", difference to softmax TD at most {experiment.difference:g}"
    )
    lost = (
        f"; w_t at least {experiment.margin:g} above w_r, γw_t + w_v at least {experiment.margin / 4:g}, "
        f"difference to softmax TD at least {experiment.far:g}, error at least 1 at depth"
    )
    return (
        f"{told(experiment.protocol)}: cosines at least {experiment.cosine_V:g} (V) and {experiment.cosine_A:g} (A), α in {experiment.alpha}, β in {experiment.sharpness}, "
        f"at depth {experiment.depth} error at most {experiment.error:g}{difference}{'' if experiment.lost_at is None else f'{lost} {experiment.lost_at}'}"
    )


SHARP: dict[str, Any] = {"sharpness": (1.2, 3.5), "centred": 0.75, "error": 0.65}
SIX, ANY = SHARP | {"alpha": (1.05, 1.5)}, SHARP | {"alpha": (0.7, 1.6), "difference": 0.25}
CONSTANT = 0.5
"""What a constant errs on Boyan chains, at most: less than what is asked of the trained ones."""

CLAIMED = (
    Experiment(BOYAN, 6, lost_at=100, constant=CONSTANT, **SIX),
    Experiment(DENSE, 6, **SIX),
    Experiment(BOYAN_ANY_DEPTH, 10, constant=CONSTANT, **ANY),
    Experiment(DENSE_ANY_DEPTH, 10, **ANY),
)
AT_SIX, AT_ANY = CLAIMED[0], CLAIMED[2]
APART = AT_SIX.centred
AMISS = Emergence.amiss


def control(**changes: Any) -> Emergence:
    """Boyan chains and 6 layers with the protocol changed, asked for nothing but two cosines of :data:`AMISS`."""
    return Emergence((Experiment(replace(BOYAN, **changes), 6, cosine_V=AMISS, cosine_A=AMISS),))


CONTROLS: dict[str, dict[str, Any]] = {
    "rewards shuffled against the states in training": {"control": "shuffled-rewards"},
    "labels from another task in training": {"control": "other-labels"},
    "attention held uniform in training": {"control": "uniform-attention"},
    "γ = 0 in training": {"discount": 0.0},
    "parameters of their own for each layer": {"layers": "untied"},
    "a hundredth of the rate": {"rate": FIXED["rate"] / 100},
}
"""What each control changes."""
STATED = Emergence(CLAIMED, tuple(replace(BOYAN, **changes) for changes in CONTROLS.values()))

MUTANTS = (
    *(Mutant(name, control(**changes)) for name, changes in CONTROLS.items()),
    Mutant(
        "attention held uniform tells states apart",
        Emergence(
            (
                Experiment(
                    replace(BOYAN, control="uniform-attention"),
                    6,
                    error=1.0,
                    centred=APART,
                    cosine_V=-1.0,
                    cosine_A=-1.0,
                ),
            )
        ),
    ),
    Mutant(
        "a constant errs as little on dense chains",
        Emergence((Experiment(DENSE, 6, error=1.0, constant=CONSTANT, cosine_V=-1.0, cosine_A=-1.0),)),
    ),
    Mutant("A = I", Emergence((AT_SIX._replace(sharpness=(0.9, 1.1)),))),
    Mutant("α = 1", Emergence((AT_SIX._replace(alpha=(0.95, 1.05)),))),
    Mutant("what was trained at 6 layers is good at 100", Emergence((AT_SIX._replace(depth=100),))),
    Mutant(
        "what was trained at 6 layers predicts as softmax TD does",
        Emergence((AT_SIX._replace(difference=AT_ANY.difference),)),
    ),
    Mutant("what was trained at any depth is lost at 100, too", Emergence((AT_ANY._replace(lost_at=100),))),
    Mutant("the pattern is missing without a control, too", Emergence((), (BOYAN,))),
    Mutant(
        "one of the two cosines at most 1/2 with parameters of their own for each layer",
        Emergence((), (replace(BOYAN, **CONTROLS["parameters of their own for each layer"]),), 0.5),
    ),
)


def asks(claim: Emergence, name: str, drawn: bool | None = None) -> list[Experiment]:
    """The experiments of which something is asked, those of a depth that is ``drawn`` if told: the claim's, or where it has none the statement's."""
    fits = lambda each: getattr(each, name) is not None and drawn in (None, each.protocol.shallowest is not None)
    return list(filter(fits, claim.experiments)) or list(filter(fits, CLAIMED))


def least(claim: Emergence, name: str) -> float:
    """The least that is asked of any experiment."""
    return min(getattr(each, name) for each in asks(claim, name))


def most(claim: Emergence, name: str) -> float:
    """The most that is allowed to any experiment."""
    return max(getattr(each, name) for each in asks(claim, name))


def hull(claim: Emergence, name: str, drawn: bool | None = None) -> tuple[float, float]:
    """The least interval that holds those of the experiments."""
    found = [getattr(each, name) for each in asks(claim, name, drawn)]
    return min(low for low, _ in found), max(high for _, high in found)


def families(claim: Emergence, name: str) -> str:
    """The chains of the experiments of which something is asked."""
    words = {"boyan": "Boyan", "dense": "dense"}
    return " and ".join(dict.fromkeys(words[each.protocol.family] for each in asks(claim, name)))


def depth_of(protocol: Protocol) -> str:
    """At which depth a protocol trains."""
    return f"{protocol.depth} layers" if protocol.shallowest is None else "a random depth"


STATEMENT = rf"""
Train the Transformer of {{prf:ref}}`state-form`, the same three entries $w_r, w_t, w_v$ of $V$ and the same block of
$A$ in all layers, from ${BOYAN.init:g}$ times standard normal numbers, on the expected semi-gradient TD loss
$\sum_s \mu(s)\, \delta(s)^2$. Every step draws fresh tasks of {BOYAN.n_states} states, $r \sim U(-1, 1)$, $\gamma = {BOYAN.discount:g}$, each with
a context of {BOYAN.n} transitions: random Boyan chains with features from $U(-1, 1)^{BOYAN.d}$, or dense chains with rows from a
Dirichlet(0.3) distribution and unit features in $\mathbb R^{DENSE.d}$. Adam, gradients clipped to norm {BOYAN.clip:g}, the rate falling to
0 along a cosine: {FIXED["steps"]} steps of {FIXED["batch"]} tasks from rate {FIXED["rate"]:g} with {BOYAN.depth} layers, or
{RANDOM["steps"]} steps of {RANDOM["batch"]} tasks from rate {RANDOM["rate"]:g} with a depth drawn in each step from
{RANDOM["shallowest"]} to {RANDOM["depth"]}. {len(seeds(Budget()))} seeds of each of the {len(CLAIMED)} are trained. All that follows is
measured, not proved: other sizes, budgets and families are outside it.
""".strip()


def of_scales(claim: Emergence) -> str:
    """The two scales, in their intervals."""
    (low, high), (shortest, longest) = hull(claim, "sharpness"), hull(claim, "alpha", drawn=False)
    lowest, highest = hull(claim, "alpha", drawn=True)
    return rf"""
The two scales are learned. $\beta$ is not 1 in any of the {len(CLAIMED)}: it lies between {low:g} and {high:g}. $\alpha$ is not 1
with {BOYAN.depth} layers, between {shortest:g} and {longest:g}; with random depth it lies between {lowest:g} and {highest:g}, and may be as
good as 1.
"""


def of_one_depth(claim: Emergence) -> str:
    """How those that are lost beyond their depth differ from softmax TD."""
    one = asks(claim, "lost_at")[0]
    return rf"""
**Trained at {depth_of(one.protocol)}, on {families(claim, "lost_at")} chains, they are not**, for all the likeness of the parameters: fitted
likewise, the median difference at {one.depth} layers is {one.far:g} or more. There $w_t$ exceeds $w_r$, by {one.margin:g}
or more, which makes up for what {one.depth} layers cannot reach, and the factor by which a layer multiplies constants is above
1, $1 + \gamma w_t + w_v \ge {1 + one.margin / 4:g}$.
"""


def of_growth(claim: Emergence) -> str:
    """Where they are lost."""
    one = asks(claim, "lost_at")[0]
    return (
        rf"Trained at {depth_of(one.protocol)}, on {families(claim, 'lost_at')} chains, the values grow beyond that depth: at {one.lost_at} "
        r"layers the median error exceeds that of $v = 0$."
    )


ASSERTIONS = (
    Assertion(
        "pattern",
        lambda claim: (
            rf"""
Then, at each seed tried, training finds softmax TD by itself, up to two scales:

$$
(w_r, w_t, w_v) \approx \alpha\,(1, 1, -1), \qquad A \approx \beta I ,
$$ (eq-emergence)

both with a cosine of at least {min(least(claim, "cosine_V"), least(claim, "cosine_A")):g}.
"""
        ),
    ),
    Assertion("scales", of_scales),
    Assertion(
        "truth",
        lambda claim: (
            rf"""
On tasks never trained on the median error against $v^\pi$ is at most {most(claim, "error"):g} of that of $v = 0$, and for values
less their mean under $\mu$, which is what tells states apart and in which every constant has the error 1, at most
{most(claim, "centred"):g}.
"""
        ),
    ),
    Assertion(
        "constant",
        lambda claim: (
            rf"""
On {families(claim, "constant")} chains the first of these says little: the mean reward of the context over $1 - \gamma$, the same for all states,
has a median error of at most {most(claim, "constant"):g}.
"""
        ),
    ),
    Assertion(
        "predictions",
        lambda claim: (
            rf"""
Trained at {depth_of(asks(claim, "difference")[0].protocol)}, the predictions are those of softmax TD, its $\alpha$ and $\beta$ fitted to them in steps
from those of the parameters, up to a median relative difference of {most(claim, "difference"):g} at {asks(claim, "difference")[0].depth} layers.
"""
        ),
    ),
    Assertion("one-depth", of_one_depth),
    Assertion("growth", of_growth),
    Assertion(
        "controls",
        lambda claim: (
            rf"""
Where the pattern is missing was tried on Boyan chains with {BOYAN.depth} layers at seed 0. One of the two cosines stays at or below
{claim.amiss:g} when the contexts' rewards belong to other states and when the labels belong to another task; with parameters
of their own for each layer; and, in as many steps, at a hundredth of the rate. So it does when attention is held uniform,
$A = 0$, and with $\gamma = 0$, where nothing moves $w_t$ from its start.
"""
        ),
    ),
)


CLAIM = Claim(
    id="emergence",
    title="The pattern emerges from training",
    chapter="watching-td-emerge",
    environment="proposition",
    statement=lambda: STATEMENT,
    assertions=ASSERTIONS,
    hypotheses=(
        Hypothesis("Tied layers.", dropped="parameters of their own for each layer"),
        Hypothesis(
            "Of $V$ the three entries of its last row, of $A$ the block on the features are trained, all else is 0.",
            reason="what comes of more freedom is not claimed here",
        ),
        Hypothesis(
            "The rewards of a context are those of the states.",
            dropped="rewards shuffled against the states in training",
        ),
        Hypothesis("The labels are those of the context's own task.", dropped="labels from another task in training"),
        Hypothesis("Attention is trained with the rest.", dropped="attention held uniform in training"),
        Hypothesis(r"$\gamma = 0.9$, and not 0.", dropped="γ = 0 in training"),
        Hypothesis("The rates and numbers of steps stated.", dropped="a hundredth of the rate"),
        Hypothesis(
            "The families, sizes, loss and optimiser stated.",
            reason="others were not tried for this claim; that a statement is not the same for both families is seen "
            "where a constant is put to dense chains",
        ),
        Hypothesis(
            "For the predictions of softmax TD, a depth drawn at random in training.",
            dropped="what was trained at 6 layers predicts as softmax TD does",
        ),
    ),
    subject=STATED,
    checks=(
        Check(
            "numeric",
            lambda: (
                f"{described(runs(STATED, Budget()), f'trainings, of {len(CLAIMED)} protocols')}, "
                "unless more seeds are asked for (one for every hundred trials); afresh, on one thread in float64; "
                f"{len(STATED.controls)} controls at seed 0"
            ),
            numeric,
            shows=(
                parts,
                likeness,
                measured_again,
                scales,
                against_the_truth,
                of_a_constant,
                against_softmax_td,
                beyond_its_depth,
                missing,
            ),
        ),
    ),
    mutants=MUTANTS,
    rests_on=("state-form",),
    source="Xie et al. 2026, their experiments, told at second hand; protocols, thresholds and controls of this book",
    shared=(
        "icrl.pretrain samples the tasks and trains; that its forward pass is the Transformer's is the claim "
        "state-form. Of what it measures, the cosines, the values v^π and the relative errors are computed again here. "
        "The tasks for evaluation come from a seed of their own."
    ),
)
