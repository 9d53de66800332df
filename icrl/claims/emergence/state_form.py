r"""state-form: where attention reads features alone, the whole forward pass is exact on one number a state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import accumulate, pairwise, product
from math import prod
from random import Random
from typing import Any, NamedTuple

from sympy import Symbol

from icrl import state_form, td
from icrl.algebra import identity, place, scalar, softmax, stack, transpose
from icrl.arrays import np
from icrl.mrp import Context
from icrl.prompt import REWARD, TARGET, VALUE, prompt, row_sizes, rows
from icrl.state_form import Model, Weights
from icrl.tasks import from_gymnasium, one_hot
from icrl.transformer import Parameters, softmax_td_parameters, transformer
from icrl.verify.instances.cases import EXPONENTIALS, log_uniform, shown, small_fraction, stand_in
from icrl.verify.judging.blocks import book_latex, letters
from icrl.verify.judging.differences import TOLERANCE, one_thread
from icrl.verify.judging.parts import Floating, Part, Within, asserting, first_failure, on_floats, size
from icrl.verify.judging.statement import Statement
from icrl.verify.kernel.checked import proof
from icrl.verify.model import Assertion, Budget, Claim, Counterexample, Hypothesis, Mutant, Verdict

ONE, HALF = Fraction(1), Fraction(1, 2)


class Given(NamedTuple):
    """A context over the states 0, 1, …, features (S, d), first values (1, S), γ, one or more layers' weights; ``exp`` None is the true one.

    ``told``: what is done to the prompt or to a layer besides.
    """

    states: Sequence[int]
    rewards: Sequence
    features: np.ndarray
    v: np.ndarray
    gamma: Any
    layers: tuple[Weights, ...]
    exp: Callable[[Any], Any] | None = None
    told: str = ""

    def measures(self) -> dict[str, Any]:
        """Sizes, discount, and what is particular about the context."""
        sources, layers = set(self.states[:-1]), self.layers
        return {
            "n": len(self.rewards),
            "d": self.features.shape[1],
            "states": len(self.features),
            "layers": len(layers),
            "γ": self.gamma,
            "a state never visited": len(self.features) > len(set(self.states)),
            "a state never left": not set(self.states) <= sources,
            "weights that differ by layer": any(w is not layers[0] for w in layers),
            "a layer of w_v < 0": any(w.value < 0 for w in layers),
        } | {f"E = {words} in the place of exp": self.exp is stand for stand, words in EXPONENTIALS.items()}

    def __str__(self) -> str:
        if len(self.states) > 6 or self.features.size > 12:
            return f"n = {len(self.rewards)}, {len(self.features)} states, d = {self.features.shape[1]}, {len(self.layers)} layers, γ = {shown(self.gamma)}"
        learned = "; ".join(f"w = {shown(w[:3])}" + (f", A = {shown(w.A)}" if w.A.size else "") for w in self.layers)
        rest = (f", E = {EXPONENTIALS[self.exp]}" if self.exp else "") + (f", {self.told}" if self.told else "")
        return f"T = {shown(self.states)}, r = {shown(self.rewards)}, v_0 = {shown(self.v[0])}, x = {shown(self.features)}, γ = {shown(self.gamma)}, {learned}{rest}"


def library_reading(w: Sequence, gamma: Any) -> tuple:
    """α, γ̃ and η as :func:`icrl.pretrain.readings.reading` has them."""
    from icrl.pretrain.readings import reading

    return reading(w, gamma)


def library_gain(w: Sequence, depth: int, gamma: Any) -> Any:
    """:func:`icrl.pretrain.readings.gain`."""
    from icrl.pretrain.readings import gain

    return gain(w, depth, gamma)


def negative(w_v: Any) -> bool:
    """w_v < 0."""
    return w_v < 0


@dataclass(frozen=True)
class Form:
    """The statement with its pieces.

    The model, what of the counts it is made of, K, the three entries of V, which are read as a task's, what a layer is read as, q and the
    gain; then the Transformer's prompt and parameters, and contexts let in.
    """

    model: Callable[[Model], Model] = lambda given: given
    shares: Callable[[Any, Any, Any], tuple] = lambda share, moves, paid: (share * moves, share * paid)
    attention: Callable = state_form.attention_weights
    weights: Callable[[Weights], Weights] = lambda w: w
    read: Callable[[Any], bool] = negative
    reading: Callable[[Any, Any, Any, Any], tuple] = lambda w_r, w_t, w_v, gamma: (-w_v, gamma * w_t / -w_v, w_r / -w_v)
    ratio: Callable[[Any, Any, Any], Any] = lambda w_t, w_v, gamma: 1 + gamma * w_t + w_v
    gain: Callable[[Any, Any, int], Any] = lambda w_r, q, depth: w_r * sum(q**layer for layer in range(depth))
    prompt: Callable = prompt
    edit: Callable[[Parameters], Parameters] = lambda p: p
    beyond: tuple[Given, ...] = ()


# The statement: values by state


def on_states(
    form: Form, features: Any, given: Model, layers: Sequence[Weights], v: Any, gamma: Any, exp: Callable | None = None
) -> Iterator[Any]:
    """v_0, v_1, …, (…, 1, S), from v: the maps of :func:`icrl.state_form.layer_map`, one a layer."""

    def step(v: Any, w: Weights) -> Any:
        model = form.model(given)
        T, b = state_form.layer_map(form.attention(features, model.counts, w.A, exp), model, form.weights(w), gamma)
        return v @ T + b

    return accumulate(layers, step, initial=v)


def moves_and_pay(given: Given) -> tuple[np.ndarray, np.ndarray]:
    """How often each transition occurs, (S, S), and the sum of the rewards out of each state, (S,)."""
    S = len(given.features)
    moves, paid = np.zeros((S, S), given.v.dtype) + 0 * given.v, np.zeros(S, given.v.dtype) + 0 * given.v[0]
    for s, reward, after in zip(given.states, given.rewards, given.states[1:]):
        moves[s, after] += 1
        paid[s] += reward
    return moves, paid


# What is so: the Transformer, column by column


def queried_prompt(form: Form, given: Given) -> np.ndarray:
    """The prompt of the context, and behind it a further query column for every state: (d+3, n+1+S)."""
    x, v, at = given.features.T, given.v, list(given.states)
    Z = form.prompt(x[:, at], np.array([given.rewards], v.dtype), v[:, at], given.gamma)
    return np.hstack([Z, stack(x, 0 * v, 0 * v, v)])


def learned_parameters(form: Form, given: Given, w: Weights, Z: np.ndarray) -> Parameters:
    """The construction's pieces with w in V and A: the n sources are the keys, and Π moves the n + 1 columns of the context alone."""
    n, (S, d) = len(given.rewards), given.features.shape
    plain = softmax_td_parameters(d, n + S, given.gamma, 1, Z, w.A, partial(softmax, exp=given.exp))
    entries = {(VALUE, band): scalar(c, Z) for band, c in zip((REWARD, TARGET, VALUE), w)}
    onto = place({(1, 0): identity(n, Z)}, (1, n, S), (n, 1, S), Z)
    V, visible = place(entries, row_sizes(d), row_sizes(d), Z), np.arange(n + 1 + S)[:, None] < n
    return form.edit(plain.with_head(V=V, visible=visible).with_memory(shift=onto))


def in_columns(form: Form, given: Given) -> list[np.ndarray]:
    """The value row, (n+1+S,), after 0, 1, 2, … layers."""
    Z = queried_prompt(form, given)
    return [rows(Y).value[0] for Y in transformer(Z, (learned_parameters(form, given, w, Z) for w in given.layers))]


# The parts


def parts(form: Form, given: Given) -> Iterator[Part]:
    """Every column after every layer; the same from frequencies and by ``state_form.values``; where w = α(1, 1, −1), softmax TD; of another task where w_v < 0; constants."""
    moves, paid = moves_and_pay(given)
    share = (1 + 0 * given.v[0, 0]) / len(given.rewards)
    frequencies = state_form.model(*form.shares(share, moves, paid))
    routes = {"": state_form.model(moves, paid), ", from frequencies": frequencies}
    truth = in_columns(form, given)
    scale = growth(given) * size(*truth, given.rewards)
    for (name, model), id in zip(routes.items(), ("form", "frequencies"), strict=True):
        stated = on_states(form, given.features, model, given.layers, given.v, given.gamma, given.exp)
        yield from by_column(given, stated, truth, name, scale, id)
    # the library starts from 0, with its own attention
    if form.attention is state_form.attention_weights and not given.v.any():
        stated = state_form.values(
            given.features, form.model(routes[""]), map(form.weights, given.layers), given.gamma, given.exp
        )
        yield from by_column(given, stated, truth, ", by icrl.state_form.values", scale)
    yield from asserting("task", as_softmax_td(form, given, routes[""], scale))
    yield from asserting("task", as_another_task(form, given, truth, scale))
    yield from asserting("gain", on_constants(form, given))
    if (form.reading, form.ratio, form.gain) == (Form.reading, Form.ratio, Form.gain):  # the library's are these alone
        yield from library(form, given)


def by_column(
    given: Given, stated: Iterator, truth: list[np.ndarray], name: str, scale: float, asserted: str = "form"
) -> Iterator[Part]:
    """The value of each column against that of its state; what a state that is not visited has is an assertion of its own."""
    S, met = len(given.features), set(given.states)
    for layer, (v, row) in enumerate(zip(stated, truth, strict=True)):
        for j, s in enumerate([*given.states, *range(S)]):
            which = f"column {j}" if j < len(given.states) else "its query column"
            where, id = f"v_{layer}({s}) in {which}{name}", asserted if s in met or name else "unvisited"
            yield Part(where, v[0, s], row[j], scale, asserted=id)


def as_softmax_td(form: Form, given: Given, model: Model, scale: float) -> Iterator[Part]:
    """With w = α(1, 1, −1) and one A in all layers, the loop of softmax TD, on the states that are visited."""
    alphas, A = [w.reward for w in given.layers], given.layers[0].A
    if not all(w[:3] == (a, a, -a) and w.A is A for w, a in zip(given.layers, alphas)):
        return
    scores = given.features @ A.T @ given.features.T + 0 * given.gamma
    loop = td.softmax_td(
        given.states, given.rewards, lambda s, u: scores[s, u], given.gamma, alphas, given.v[0], given.exp
    )
    stated = on_states(form, given.features, model, given.layers, given.v, given.gamma, given.exp)
    for layer, (v, right) in enumerate(zip(stated, loop, strict=True)):
        for s in sorted(set(given.states)):
            yield Part(f"v_{layer}({s}) by softmax TD", v[0, s], right[s], scale)


def as_another_task(form: Form, given: Given, truth: list[np.ndarray], scale: float) -> Iterator[Part]:
    """Each layer with w_v < 0, from the values before it: one update of the loop of softmax TD, with what is read off w."""
    S = len(given.features)
    for layer, (w, (before, after)) in enumerate(zip(given.layers, pairwise(truth), strict=True)):
        if form.read(w.value):
            alpha, discount, times = form.reading(*w[:3], given.gamma)
            scores = given.features @ w.A.T @ given.features.T + 0 * given.gamma
            loop = td.softmax_td(
                given.states,
                [times * r for r in given.rewards],
                lambda s, u: scores[s, u],
                discount,
                [alpha],
                list(before[-S:]),
                given.exp,
            )
            *_, v = loop
            for s in sorted(v):
                yield Part(f"v_{layer + 1}({s}) by softmax TD of another task", v[s], after[-S:][s], scale)


def on_constants(form: Form, given: Given) -> Iterator[Part]:
    """Every column after layers with the first's w, from 0, where every transition pays 1: the gain."""
    w, ones = given.layers[0], [1 + 0 * given.gamma] * len(given.rewards)
    paid = given._replace(rewards=ones, v=0 * given.v, layers=tuple(w._replace(A=each.A) for each in given.layers))
    truth = in_columns(form, paid)
    scale = growth(paid) * size(*truth, ones)
    for layer, row in enumerate(truth):
        for j, right in enumerate(row):
            yield Part(f"v_{layer} in column {j}, rewards of 1", gain_of(form, w, layer, given.gamma), right, scale)


def gain_of(form: Form, w: Weights, depth: int, gamma: Any) -> Any:
    """The gain of so many layers."""
    return form.gain(w.reward, form.ratio(w.target, w.value, gamma), depth)


def library(form: Form, given: Given) -> Iterator[Part]:
    """What icrl.pretrain.readings reads a layer with w_v < 0 as, and its gain of one layer more than there are."""
    for layer, w in enumerate(given.layers):
        if w.value < 0:
            found = zip(library_reading(w[:3], given.gamma), form.reading(*w[:3], given.gamma), strict=True)
            for name, (got, right) in zip(("α", "γ̃", "η"), found):
                yield Part(f"{name} of layer {layer + 1} by readings.reading", got, right, size(right), asserted="task")
        depth = len(given.layers) + 1
        got, right = library_gain(w[:3], depth, given.gamma), gain_of(form, w, depth, given.gamma)
        yield Part(f"the gain of layer {layer + 1} by readings.gain", got, right, size(right), asserted="gain")


def growth(given: Given) -> float:
    """(1 + L) Π (1 + |w_r| + |w_t γ| + |w_v|): what the layers can make of an error."""
    return (1 + len(given.layers)) * prod(
        1 + float(abs(w.reward) + abs(w.target * given.gamma) + abs(w.value)) for w in given.layers
    )


# Exact


def table(entries: Any) -> np.ndarray:
    """``Fraction``s."""
    return np.vectorize(Fraction, otypes=[object])(np.array(entries, object))


def small(states: Sequence[int], w: Sequence[int], r: Sequence[int], v: Sequence[int] = (0,), depth: int = 1) -> Given:
    """A context with one feature, which is 0: every key weighs the same. γ = ½."""
    S = len(v)
    layer = Weights._make((*map(Fraction, w), table([[1]])))
    return Given(states, list(map(Fraction, r)), table([[0]] * S), table([v]), HALF, (layer,) * depth, stand_in)


PAID, TARGETS, VALUES = (1, 0, 0), (0, 1, 0), (0, 0, -1)
ONCE = small((0, 0), PAID, r=(1,))
UNSEEN = small((0, 0), PAID, r=(1,), v=(0, 0))
TWICE_PAID = small((0, 0, 0), PAID, r=(1, 0))
COUNTED = small((0, 0, 1, 0), PAID, r=(1, 1, 0), v=(0, 0))
FOLLOWED = small((0, 1, 1), TARGETS, r=(0, 0), v=(1, 0))
HELD = small((0, 0), VALUES, r=(0,), v=(1,))
DEEP = small((0, 0), PAID, r=(0,), v=(1,), depth=2)
TD = small((0, 0, 1), (1, 1, -1), r=(1, 0), v=(1, 0), depth=2)
SCALED = small((0, 0), (1, 0, -2), r=(1,))
AHEAD = small((0, 0), (0, 1, -2), r=(0,), v=(1,))
SMALLEST = (ONCE, UNSEEN, TWICE_PAID, COUNTED, FOLLOWED, HELD, DEEP, TD, SCALED, AHEAD)


def rational_instances() -> Iterator[Given]:
    """Random rationals: n in 1..6, d in 0..2, up to two states never visited, two layers that differ; a third of them softmax TD from other values than 0."""
    rng = Random(0)
    for turn, (n, d) in enumerate(product(range(1, 7), (0, 1, 2) * 2)):
        size = rng.randint(1, n + 1)
        walk = [rng.randrange(size) for _ in range(n + 1)]
        S = max(walk) + 1 + rng.randint(0, 2)
        draw = lambda *shape: table([small_fraction(rng) for _ in range(prod(shape))]).reshape(shape)
        A, alphas = draw(d, d), [Fraction(rng.randint(1, 10), 10) for _ in range(2)]
        layers = (
            [Weights(a, a, -a, A) for a in alphas]
            if turn % 3 == 0
            else [Weights._make((*draw(3), draw(d, d))) for _ in range(2)]
        )
        yield Given(
            walk,
            list(draw(n)),
            draw(S, d),
            draw(1, S) * (turn % 2),
            Fraction(rng.randint(-9, 9), 10),
            tuple(layers),
            stand_in,
        )


TOLD = (
    "every column that holds a state, and a query column for every state, against the state form after every layer, "
    "from counts and from frequencies; icrl.state_form.values; the loop of softmax TD where w = α(1, 1, −1), "
    "and layer by layer where w_v < 0, with α, γ̃ and η; rewards of 1 against the gain; reading and gain of icrl.pretrain.readings"
)


# Numeric


def in_floats(given: Given) -> Given:
    """The same in floats, with the true exponential."""
    layers = tuple(Weights._make((*map(float, w[:3]), w.A.astype(float))) for w in given.layers)
    return Given(
        given.states,
        list(map(float, given.rewards)),
        given.features.astype(float),
        given.v.astype(float),
        float(given.gamma),
        layers,
        told=given.told,
    )


def float_instances(rng: np.random.Generator) -> Iterator[Given]:
    """FrozenLake-v1 with 200 transitions first; then n in 1..64, up to 12 states of which some are never visited, d in 0..6, up to 6 layers."""
    lake = from_gymnasium("FrozenLake-v1")
    yield drawn(rng, lake.sample_context(200, rng), one_hot(lake.n_states, 2.0))
    while True:
        n, S = log_uniform(rng, 1, 64), int(rng.integers(1, 13))
        context = Context(rng.integers(0, int(rng.integers(1, S + 1)), n + 1), rng.normal(size=n))
        yield drawn(rng, context, rng.normal(size=(S, int(rng.integers(0, 7)))))


def drawn(rng: np.random.Generator, context: Context, features: np.ndarray) -> Given:
    """The context with a random start, γ of either sign, and layers each with random weights of its own."""
    S, d = features.shape
    layers = tuple(
        Weights._make((*rng.normal(size=3).tolist(), rng.normal(size=(d, d)) / max(d, 1) ** 0.5))
        for _ in range(int(rng.integers(1, 7)))
    )
    start = rng.normal(size=(1, S)) * rng.integers(0, 2)
    return Given(context.states.tolist(), context.rewards.tolist(), features, start, float(rng.uniform(-1, 1)), layers)


def rounding(given: Given) -> Within:
    """The tolerance: a weight inherits eps times its score, and the parts' scale has the rest."""
    steep = max((float(np.abs(given.features @ w.A @ given.features.T).max()) for w in given.layers), default=0.0)
    return Within(TOLERANCE * np.finfo(float).eps * (1 + steep))


BATCHES = (
    "2 batches of 8 tasks on tensors, n = 30, rewards that differ between visits, 3 layers: "
    "state_values and token_values of icrl.pretrain.network, and the TD loss's gradient through either"
)
ON_TENSORS = 1e-11
"""Float tolerance on tensors, relative to the largest entry of the values, or of the gradient: the routes were never seen to differ by more than 2e-15 of it."""
FLOATING = Floating(
    convert=partial(map, in_floats),
    name=str,
    numbers=rounding,
    tolerance=f"{TOLERANCE} eps (1 + max |score|), times the values' size and what the layers can make of an error",
)
STATED = Statement(
    parts,
    TOLD,
    Form(),
    exact=lambda form: [*form.beyond, *SMALLEST, *rational_instances()],
    small=lambda form: [*form.beyond, *SMALLEST],
    floats=lambda seed: float_instances(np.random.default_rng(seed)),
    trials=200,
    floating=FLOATING,
    routes={"numeric": f"FrozenLake-v1 first of those drawn; then {BATCHES}"},
    shows=(parts, by_column, as_softmax_td, as_another_task, on_constants, library),
)
EXACT, NUMERIC = STATED.checks()


def numeric(form: Form, budget: Budget) -> Verdict:
    """The parts in floats; then batches of pretraining's tasks on tensors, with gradients, from the same generator."""
    rng, first = np.random.default_rng(budget.seed), STATED.small(form)
    verdict = on_floats(parts, form, first, float_instances(rng), budget, STATED.trials, TOLD, floating=FLOATING)
    if verdict.passed and (found := on_tensors(form, rng)):
        return Verdict(False, f"fails on tensors (seed {budget.seed})", counterexample=found)
    told = f"{BATCHES}; on tensors {ON_TENSORS:g} of the largest entry"
    met = {**verdict.met, "gradient": 2}
    return replace(verdict, detail=f"{verdict.detail}; {told}", met=met) if verdict.passed else verdict


def on_tensors(form: Form, rng: np.random.Generator) -> Counterexample | None:
    """Where, in a batch of either family, the state form and the Transformer on tokens differ in values or gradients."""
    import torch

    with one_thread(torch):
        for sampling in ({"family": "boyan", "d": 4}, {"family": "dense", "features": "unit", "d": 5}):
            if found := first_failure(
                f"8 {sampling['family']} tasks", tensor_parts(form, *random_batch(rng, **sampling)), Within(ON_TENSORS)
            ):
                return found
    return None


def random_batch(rng: np.random.Generator, **sampling: Any) -> tuple[Any, dict[str, Any]]:
    """Tasks whose contexts pay another reward at every visit, and random parameters of three layers."""
    import torch

    from icrl.pretrain.batches import sample_tasks
    from icrl.pretrain.network import tensors

    batch = sample_tasks(rng, 8, **sampling)
    rewards, paid = rng.normal(size=batch.rewards.shape), np.zeros_like(batch.paid)
    for b, k in np.ndindex(rewards.shape):
        paid[b, batch.states[b, k]] += rewards[b, k]
    d = sampling["d"]
    learned = {"V": rng.normal(size=(3, 3)) / 2, "A": rng.normal(size=(3, d, d))}
    return tensors(batch._replace(rewards=rewards, paid=paid)), {
        name: torch.from_numpy(X).requires_grad_() for name, X in learned.items()
    }


def tensor_parts(form: Form, batch: Any, learned: dict[str, Any]) -> Iterator[Part]:
    """Values after every layer, then the gradients of the TD loss, by the state form as stated and as pretraining runs it, against tokens."""
    from icrl.pretrain.losses import td_loss
    from icrl.pretrain.network import state_values, token_values

    stated = [Weights._make((*w, A)) for w, A in zip(learned["V"], learned["A"])]
    model, start = state_form.model(batch.moves, batch.paid), 0 * batch.reward[:, None]
    routes = {
        "token_values": list(token_values(learned, batch, 3)),
        "the state form": [v[:, 0] for v in on_states(form, batch.features, model, stated, start, batch.discount)],
        "state_values": list(state_values(learned, batch, 3)),
    }
    truth, *others = ((name, v, gradients(td_loss(v[-1], batch), learned)) for name, v in routes.items())
    for name, v, slopes in others:
        for layer, (got, right) in enumerate(zip(v, truth[1], strict=True)):
            part = farthest(f"v_{layer} by {name}", got, right, size(right.detach().numpy()))
            yield part._replace(asserted="form")
        for entry, got, right in zip(learned, slopes, truth[2], strict=True):
            where = f"the gradient by {entry}, through {name}"
            yield farthest(where, got, right, float(right.abs().max()))._replace(asserted="gradient")


def gradients(loss: Any, learned: dict[str, Any]) -> tuple:
    """The loss's gradient by each of the parameters."""
    import torch

    return torch.autograd.grad(loss, list(learned.values()), materialize_grads=True)


def farthest(where: str, got: Any, right: Any, scale: float) -> Part:
    """The entry in which two tensors differ most."""
    gap = (got - right).detach().abs()
    at = int(gap.argmax())
    return Part(where, float(got.detach().reshape(-1)[at]), float(right.detach().reshape(-1)[at]), scale)


# Mutants


def each_once(given: Model) -> Model:
    """Every source counted once."""
    return given._replace(counts=given.counts / (given.counts + (given.counts == 0)))


def over_queries(features: Any, counts: Any, A: Any, exp: Callable | None = None) -> Any:
    """Weights that sum to 1 for each key, over the states that ask, times the counts."""
    scores = transpose(features @ A @ transpose(features))
    return counts * transpose(softmax(scores, counts * 0 + 1, exp))


def by_sources(features: Any, counts: Any, A: Any, exp: Callable | None = None) -> Any:
    """K, with 0 in the columns of states that are never left."""
    asks = transpose(counts / (counts + (counts == 0)))
    return state_form.attention_weights(features, counts, A, exp) * asks


def held_constant(features: Any, counts: Any, A: Any, exp: Callable | None = None) -> Any:
    """K, through which no gradient flows."""
    K = state_form.attention_weights(features, counts, A, exp)
    return K.detach() if hasattr(K, "detach") else K


def in_first_column(band: np.ndarray) -> np.ndarray:
    """The rows with 1 added in column 0."""
    return band + np.eye(1, band.shape[1], dtype=int)


def restless_features(features: np.ndarray, rewards: np.ndarray, value: np.ndarray, gamma: Any) -> np.ndarray:
    """The prompt with 1 added to the features in column 0."""
    return prompt(in_first_column(features), rewards, value, gamma)


def restless_values(features: np.ndarray, rewards: np.ndarray, value: np.ndarray, gamma: Any) -> np.ndarray:
    """The prompt with 1 added to the value in column 0."""
    return prompt(features, rewards, in_first_column(value), gamma)


def also_read_rewards(p: Parameters) -> Parameters:
    """A with a 1 where the reward row meets itself."""
    return p.with_head(A=p.head.A + unit(p.head.A, -3, -3))


def also_write_rewards(p: Parameters) -> Parameters:
    """V with a second row, that adds the values to the reward row."""
    return p.with_head(V=p.head.V + unit(p.head.V, -3, -1))


def unit(like: np.ndarray, i: int, j: int) -> np.ndarray:
    """1 in one entry, 0 elsewhere."""
    e = np.zeros(like.shape, dtype=int)
    e[i, j] = 1
    return e


def unmasked(p: Parameters) -> Parameters:
    """The keys with that of S_n among them."""
    visible = p.head.visible
    return p.with_head(visible=np.arange(len(visible))[:, None] <= int(visible.sum()))


NO_GRADIENT = {"exact": "the values are right, and rationals have no gradients"}

MUTANTS = (
    Mutant("every source counted once", Form(model=each_once)),
    Mutant("P_e not transposed", Form(model=lambda given: given._replace(transition=transpose(given.transition)))),
    Mutant(
        "the sum of a state's rewards for their mean",
        Form(model=lambda given: given._replace(reward=given.reward * transpose(given.counts))),
    ),
    Mutant("the value enters with the other sign", Form(weights=lambda w: w._replace(value=-w.value))),
    Mutant("w_r and w_t exchanged", Form(weights=lambda w: w._replace(reward=w.target, target=w.reward))),
    Mutant("softmax over the queries", Form(attention=over_queries)),
    Mutant("no gradient through the attention", Form(attention=held_constant), NO_GRADIENT, "numeric"),
    Mutant("the discount of a layer left at γ", Form(reading=lambda w_r, w_t, w_v, gamma: (-w_v, gamma, w_r / -w_v))),
    Mutant(
        "the discount of a layer not divided by −w_v",
        Form(reading=lambda w_r, w_t, w_v, gamma: (-w_v, gamma * w_t, w_r / -w_v)),
    ),
    Mutant("rewards not scaled", Form(reading=lambda w_r, w_t, w_v, gamma: (-w_v, gamma * w_t / -w_v, 1 + 0 * w_r))),
    Mutant("w_r for the step size", Form(reading=lambda w_r, w_t, w_v, gamma: (w_r, gamma * w_t / -w_v, w_r / -w_v))),
    Mutant(
        "a layer too many in the gain",
        Form(gain=lambda w_r, q, depth: w_r * sum(q**layer for layer in range(depth + 1))),
    ),
    Mutant("no γ in the gain", Form(ratio=lambda w_t, w_v, gamma: 1 + w_t + w_v)),
    Mutant(
        "features that depend on the position let in",
        Form(prompt=restless_features, beyond=(TWICE_PAID._replace(told="1 added to the features in column 0"),)),
    ),
    Mutant(
        "first values that depend on the position let in",
        Form(prompt=restless_values, beyond=(ONCE._replace(told="1 added to the value in column 0"),)),
    ),
    Mutant(
        "an A that reads the reward row let in",
        Form(edit=also_read_rewards, beyond=(TWICE_PAID._replace(told="a 1 in A where the reward row meets itself"),)),
    ),
    Mutant(
        "a V that writes the reward row let in",
        Form(edit=also_write_rewards, beyond=(DEEP._replace(told="V adds the values to the reward row too"),)),
    ),
    Mutant("no mask", Form(edit=unmasked, beyond=(ONCE,))),
    Mutant(
        "frequencies of the moves, sums of the rewards", Form(shares=lambda share, moves, paid: (share * moves, paid))
    ),
    Mutant("a state that is never left keeps its value", Form(attention=by_sources)),
)


STATEMENT = r"""
Take softmax attention and the target-memory step with the construction's mask, and in each layer any parameters whose
$A$ is 0 but for a block on the features, written $A_l$, and whose $V$ is 0 but for its last row
$(0, \dots, 0, w_r, w_t, w_v)$; all of them may differ from layer to layer. Let features and first values be functions
of the state.
""".strip()


def read_in_letters(form: Form) -> list[str]:
    """α, γ̃ and η of a layer."""
    return [book_latex(each) for each in form.reading(*map(Symbol, ("w_r", "w_t", "w_v", "gamma")))]


ASSERTIONS = (
    Assertion(
        "form",
        r"""
Then at every depth $l$ the value of a column is a function of the state it holds, $v_l(S_j)$ in column $j$, and as a
row over **all** states

$$
v_{l+1} = v_l + \bigl(w_r \hat r + w_t \gamma\, v_l P_e^\top + w_v v_l\bigr) K_l ,
$$ (eq-state-form)

$$
K_l(u, s) = \frac{c_u\, e^{x(u)^\top A_l x(s)}}{\sum_{u'} c_{u'}\, e^{x(u')^\top A_l x(s)}} ,
$$ (eq-state-attention)

with $c_u$ the number of transitions out of $u$, $P_e$ the frequencies of what follows, and $\hat r(u)$ the mean of
what was paid there, where rewards differ between visits; rows of states with $c_u = 0$ do not matter.
""",
        typed="equation",
    ),
    Assertion(
        "unvisited",
        r"""
At a state that the context does not visit, $v_l$ is what a further query column that holds it would get.
""",
        typed="names",
    ),
    Assertion(
        "frequencies",
        r"""
The counts enter through the frequencies $c_u / n$ alone. So where these tend to $\mu(u)$ as $n \to \infty$, the shares
of the moves from $u$ to $w$ among all $n$ to $\mu(u) P(u, w)$, and what was paid at $u$, summed and divided by $n$, to
$\mu(u)\, r(u)$, the values tend to those of $c = \mu$, $P_e = P$ and $\hat r = r$.
""",
        typed="equation",
    ),
    Assertion("gradient", r"The gradient of a loss is the same through either form."),
    Assertion(
        "task",
        lambda form: (
            rf"""
**A layer has the form of softmax TD.** Where ${letters(form.read, "w_v")}$, write $\alpha = {read_in_letters(form)[0]}$. Then {{eq}}`eq-state-form` is

$$
\begin{{gathered}}
v_{{l+1}} = v_l + \alpha \bigl(\eta\, \hat r + \tilde\gamma\, v_l P_e^\top - v_l\bigr) K_l , \\
\tilde\gamma = {read_in_letters(form)[1]} , \qquad \eta = {read_in_letters(form)[2]} ,
\end{{gathered}}
$$ (eq-another-task)

exactly, with step size $\alpha$, the discount $\tilde\gamma$ and rewards $\eta$ times those paid, each layer with its
own: softmax TD of another task where $0 \le \tilde\gamma < 1$, and of the task itself, $\tilde\gamma = \gamma$ and
$\eta = 1$, where $w = \alpha (1, 1, -1)$.
"""
        ),
    ),
    Assertion(
        "gain",
        lambda form: (
            rf"""
**On constants attention has nothing to do.** For any $w$, where every transition pays 1 and $v_0 = 0$, every column
holds after $L$ layers of the same $w$, whatever their $A_l$, the **gain**

$$
g_L = {letters(lambda w: form.gain(w, 1, 1), "w_r")} \sum_{{l < L}} q^l , \qquad q = {letters(form.ratio, "w_t", "w_v", "gamma")} .
$$ (eq-gain)
"""
        ),
    ),
)


CLAIM = Claim(
    id="state-form",
    title="Equal states carry equal values",
    chapter="why-a-loss-would-want-them",
    environment="proposition",
    statement=lambda: STATEMENT,
    assertions=ASSERTIONS,
    hypotheses=(
        Hypothesis(
            r"$A_l$ reads features alone, with any numbers, layer by layer.",
            dropped="an A that reads the reward row let in",
        ),
        Hypothesis(
            r"$V_l$ writes the value row alone, with any $w_r$, $w_t$ and $w_v$, layer by layer.",
            dropped="a V that writes the reward row let in",
        ),
        Hypothesis(r"The key of $S_n$ is masked: the sources are the keys.", dropped="no mask"),
        Hypothesis(
            r"Features $x(S_j)$ depend on $j$ through the state alone.",
            dropped="features that depend on the position let in",
        ),
        Hypothesis(
            r"First values $v_0(S_j)$ depend on $j$ through the state alone. $\gamma$ is any number.",
            dropped="first values that depend on the position let in",
        ),
        Hypothesis(
            "For the limit, that what is paid has a mean there too.",
            reason=r"one state that pays 1 at the transitions $k$ with an even $\lfloor \log_2 k \rfloor$, and 0 at the others, "
            r"has $c_u / n = P_e = 1$ at every $n$, and an $\hat r$ that swings between $\frac13$ and $\frac23$ for ever",
        ),
        Hypothesis(
            r"$w_v < 0$, for a layer to have the form of softmax TD.",
            holds=negative,
            reason=r"where $w_v = 0$ there is no $\tilde\gamma$, and where $w_v > 0$ the step size $-w_v$ is negative; "
            "`icrl.pretrain.readings.reading` refuses both",
        ),
    ),
    subject=STATED.subject,
    checks=(
        proof(
            "state-form",
            "for every number of states, n, d and depth, any A_l, w and γ, any v_0, and any function in the place of exp; "
            "the gain where no normaliser is 0, the limit where none is 0 in the limit",
            stated=(
                "state_form.state_form",
                "state_form.state_form_of_queries",
                "state_form.state_form_sees_frequencies",
                "state_limit.state_form_limit",
                "state_readings.state_form_of_another_task",
                "state_readings.layer_is_td_of_another_task",
                "state_readings.layers_are_softmax_td",
                "state_readings.gain_of_transformer",
            ),
            further=(
                "state_form.state_form_of_columns",
                "state_readings.gain_of_layers",
            ),
            definitions=(
                "state_form.value_entries",
                "state_form.untied_transformer",
                "state_form.state_attention",
                "state_form.state_update",
                "state_form.state_values",
                "state_form.next_column",
                "state_limit.tends",
                "state_readings.gamma_of_layer",
                "state_readings.eta_of_layer",
                "state_readings.gain",
            ),
            asserts=("form", "unvisited", "frequencies", "task", "gain"),
        ),
        EXACT,
        replace(NUMERIC, run=numeric, shows=(*NUMERIC.shows, tensor_parts)),
    ),
    mutants=MUTANTS,
    rests_on=("softmax-td", "operator"),
    source="Found for this book",
    shared=(
        "The exponential, and the softmax of icrl.algebra, whose multiplicities of keys the state form uses and the "
        "Transformer does not. The transitions are counted here, and icrl.transformer knows no states."
    ),
)
