"""What is said of it: a report for people, a record for machines, and a figure. Nothing here prints or writes."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from icrl.diagnose.diagnosis import Diagnosis, Remedy, after, best_step, distance, many, rate
from icrl.diagnose.task import listed


def as_json(found: Diagnosis) -> dict[str, Any]:
    """The diagnosis for a machine: plain lists and numbers, None for what there is not, and for what no float can hold."""
    layer, task = found.operator, found.task
    left = {"covered": layer.covered, "visited": len(layer.states), "never_left": found.never_left, "times_left": layer.counts}
    left_over, off = distance(found.value, found.target), distance(found.value, found.true_value)
    errors = {"first": found.first_error, "predicted": found.predicted, "left": left_over, "true": off}
    remedies = [{"change": tried.change, "spectral_radius": tried.spectral_radius, "step_limit": tried.step_limit} for tried in found.remedies]
    return _plain({
        "task": task.name, "process_known": task.process is not None, "features": found.called, "discount": task.discount,
        "length": task.context.n, "step": found.step, "layers": found.depth, "confidence": 1 - found.delta,
        "states": [task.labels[s] for s in layer.states], "coverage": left,
        "margin": layer.margin, "theorem_applies": found.theorem_applies, "norm": found.norm, "spectral_radius": found.spectral_radius,
        "spectrum": np.stack([layer.spectrum.real, layer.spectrum.imag], axis=1), "step_limit": found.step_limit,
        "converges": found.limit is not None, "rate": found.rate, "layers_for_a_factor_of_ten": layers_for_ten(found.rate),
        "limit": found.limit, "certainty_equivalence": found.certainty, "true_value": found.true_value,
        "distance": distance(found.limit, found.true_value), "bound": found.bound,
        "depth": found.worth, "promised_depth": found.promised_worth, "depth_in_truth": found.worth_in_truth,
        "value": found.value, "error": errors, "remedies": remedies,
    })  # fmt: skip


def _plain(value: Any) -> Any:
    """The same in what JSON has: lists, finite numbers, None for the others."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, np.ndarray)):
        return [_plain(entry) for entry in value]
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float):
        return value + 0.0 if math.isfinite(value) else None  # + 0.0: a zero without a sign
    return value


def layers_for_ten(rate: float) -> float | None:
    """How many layers divide the error by ten, ln 10/(−ln rate), at a rate below 1; None at others."""
    return None if rate >= 1 else 0.0 if rate == 0 else -math.log(10) / math.log(rate)


def report(found: Diagnosis, width: int = 100) -> str:
    """The diagnosis for a person: short sections, a sentence for each number, no line longer than ``width``."""
    task = found.task
    parts = [("", _heading(found))] + [
        ("Coverage", _coverage(found)), ("Contraction", _contraction(found)), ("Depth", _depth(found)),
        ("Limit", _limit(found)), (f"After {many(found.depth, 'layer')}", _errors(found)), ("What to change", _advice(found)),
    ]  # fmt: skip
    lines = textwrap.wrap(f"{task.name}, discount {task.discount:g}: softmax TD on {many(task.context.n, 'transition')}", width)
    for title, sentences in parts:
        if sentences:
            lines += [*(["", title] if title else []), *(line for sentence in sentences for line in _wrapped(sentence, width))]
    return "\n".join(lines) + "\n"


def _wrapped(sentence: str, width: int) -> list[str]:
    """A sentence as indented lines; one that is a table of its own, line by line, stays as it is."""
    if "\n" in sentence:
        return ["  " + line for line in sentence.splitlines()]
    return textwrap.wrap(sentence, width, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


def shown(x: float | None) -> str:
    """A number in three digits, or as many as tell it from 1."""
    if x is None:
        return "unknown"
    if not math.isfinite(x):
        return "beyond 1e308"
    if abs(x - 1) < 0.101 and x != 1:
        digits = max(3, 1 - math.floor(math.log10(abs(x - 1))))
        return f"{x:.{digits}f}" if digits < 15 else f"1 {'−' if x < 1 else '+'} {abs(x - 1):.1g}"
    return f"{x:.3g}"


def _heading(found: Diagnosis) -> list[str]:
    process = "a known process" if found.task.process is not None else "a recorded trajectory"
    return [f"{process}, {many(len(found.task.labels), 'state')}; {found.called}; step α = {found.step:g}, from v = 0"]


def _coverage(found: Diagnosis) -> list[str]:
    counts, process = found.operator.counts, found.task.process
    of, rarest = "" if process is None else f" of {process.n_states}", counts[counts > 0].min()
    left = f"each was left, the rarest {'once' if rarest == 1 else f'{rarest:,} times'}"
    if not found.operator.covered:
        left = f"{listed(found.never_left)}, where the context ends, was never left: what follows it is unknown, its value interpolated"
    sentences = [f"Visited: {len(counts)}{of} states; {left}."]
    seen = found.task.context.rewards
    if process is not None and np.ptp(seen) == 0 < np.ptp(process.reward):
        sentences.append(f"Every reward seen is {seen[0]:g}: of where other rewards are, this context knows nothing.")
    return sentences


def _contraction(found: Diagnosis) -> list[str]:
    margin = f"The diagonal margin is c = 2 min M̂(s,s) − 1 − γ = {shown(found.operator.margin)}"
    if found.theorem_applies:
        return [f"{margin}, which is positive: the theorem applies, and every layer leaves at most {shown(found.promised_rate)} of the error."]
    if found.operator.margin > 0:
        most = shown(1 / np.diag(found.operator.M).max())
        return [f"{margin}, which is positive, but the theorem asks for a step of at most {most}: it does not apply."]
    return [f"{margin}, which is not positive: the theorem does not apply (it is sufficient, not necessary)."]


def _depth(found: Diagnosis) -> list[str]:
    λ, limit = found.operator.spectrum, found.step_limit
    norm = f"‖G‖∞ = {shown(found.norm)}" + (": every layer reduces the error" if found.norm < 1 else "")
    turning = f"imaginary parts up to {shown(np.abs(λ.imag).max())}" if λ.imag.any() else "no imaginary parts"
    spectrum = f"The eigenvalues of H have real parts from {shown(λ.real.min())} to {shown(λ.real.max())} and {turning}"
    steps = "at no step does depth converge" if limit == 0 else f"depth converges at every step below {shown(limit)}"
    sentences = [f"{norm}; ρ(G) = {shown(found.spectral_radius)}.", f"{spectrum}: {steps}."]
    if found.limit is None:
        return [*sentences, f"Depth diverges: in the long run the error grows by a factor of {shown(found.rate)} a layer."]
    ten = layers_for_ten(found.rate)
    pace = f"in the long run {shown(found.rate)} of the error is left a layer: a factor of ten every {_about(ten)} layers"
    pace = pace if ten else "a few layers leave nothing of the error"
    return [*sentences, f"Depth converges: {pace}.", *_faster(found)]


def _about(x: float) -> str:
    """A number of layers, in about three digits."""
    return f"{x:.1f}" if x < 100 else f"{float(f'{x:.3g}'):,.0f}"


def _faster(found: Diagnosis) -> list[str]:
    """Another step that needs two thirds of the layers or fewer."""
    best = best_step(found.operator)
    ten, then = layers_for_ten(found.rate), max(1.0, layers_for_ten(rate(found.operator, best)))
    return [f"A step of about {best:.2g} would need {_about(then)} layers."] if then < ten / 1.5 else []


def _limit(found: Diagnosis) -> list[str]:
    return [_what_limit(found), *_how_far(found), _table(found)]


def _what_limit(found: Diagnosis) -> str:
    if found.to_certainty:
        return "The limit is the certainty-equivalence value v_CE of the context, whatever the features."
    if found.limit is not None:
        why = "a state was never left" if not found.operator.covered else "M̂ is singular (states that share their features, or nearly)"
        return f"There is a limit from v = 0, but since {why}, it depends on where v starts, and on the features."
    return "There is no limit" + ("; the fixed point v_CE, certainty equivalence, is there, but not reached." if found.operator.covered else ".")


def _how_far(found: Diagnosis) -> list[str]:
    """The distance from the true value, bound F, and the depth worth using, or why there is none."""
    sentences = []
    name = "the limit" if found.limit is not None else "v_CE"
    off = distance(found.target, found.true_value)
    if off is not None:
        sentences.append(f"The true value is known: {name} is off by {shown(off)} at most, where the true values span {shown(found.task.span)}.")
    if found.bound is not None:
        given = "" if found.task.process is not None else ", if there are no other states and each always pays the same"
        sentences.append(f"Bound F: v_CE is within {shown(found.bound)} of the true value with confidence {1 - found.delta:g}{given}.")
    else:
        why = "it is about v_CE, which is not the limit" if found.task.reward_by_state else "the rewards seen are not a function of the state"
        why = why if found.operator.covered else "a state was never left"
        sentences.append(f"Bound F does not apply: {why}.")
    return sentences + _worth(found)


def _worth(found: Diagnosis) -> list[str]:
    """The depth worth using: from where less is left than F, and than the limit is truly off."""
    sentences, promised = [], found.promised_worth
    if found.worth is not None and found.floor == found.bound:
        why = "v = 0 is already within F of the limit" if found.worth == 0 else "then at most F is left to the limit"
        tail = f" (the theorem promises it from {many(promised, 'layer')} on)" if promised and promised > found.worth else ""
        sentences.append(f"Depth worth using by F: {many(found.worth, 'layer')}; {why}{tail}.")
    if found.worth_in_truth is not None:
        layers = many(found.worth_in_truth, "layer")
        sentences.append(f"Depth worth using in truth: {layers}; then no more is left to the limit than the limit is off.")
    return sentences


def _table(found: Diagnosis, most: int = 8) -> str:
    """State by state: how often left, the limit, the true value."""
    columns = {"limit": found.limit, "v_CE": found.certainty if found.limit is None else None, "true": found.true_value}
    columns = {name: column for name, column in columns.items() if column is not None}
    names = [found.task.labels[s] for s in found.operator.states[:most]]
    wide = max(5, *map(len, names))
    rows = [f"{'state':>{wide}} {'left':>9}" + "".join(f"{name:>12}" for name in columns)]
    for i, name in enumerate(names):
        rows.append(f"{name:>{wide}} {found.operator.counts[i]:>9,}" + "".join(f"{column[i] + 0.0:>12.4g}" for column in columns.values()))
    more = len(found.operator.states) - len(names)
    return "\n".join([*rows, *([f"{'…':>{wide}} {more:,} more: --json has them all"] if more else [])])


def _errors(found: Diagnosis) -> list[str]:
    left, off = distance(found.value, found.target), distance(found.value, found.true_value)
    if found.value is None:
        return ["The values have left the range of floating-point numbers."]
    if left is None:
        return [f"The largest value is {shown(np.abs(found.value).max())}."]
    to = "the limit" if found.limit is not None else "v_CE"
    by = "the theorem" if found.theorem_applies else "‖G‖∞"
    promised = "" if found.predicted is None else f", where {by} promises at most {shown(found.predicted)}"
    true = "" if off is None else f" The error to the true value is {shown(off)}."
    return [f"The distance left to {to} is {shown(left)}, of {shown(found.first_error)} at the start{promised}.{true}"]


def _advice(found: Diagnosis) -> list[str]:
    sentences = [] if found.operator.covered else ["End the context in a state that was left before, so that what follows every state is known."]
    if found.limit is None and found.step_limit > 0:
        best = best_step(found.operator)
        then = f"at {best:.2g} with {shown(rate(found.operator, best))} of the error left a layer"
        sentences.append(f"A smaller step: below {shown(found.step_limit)} depth converges, {then}.")
    elif found.limit is None:
        sentences.append("A smaller step alone does not help.")
        if found.task.process is None:
            sentences.append("A longer recording may, which cannot be tried here.")
    elif found.operator.covered and not found.to_certainty:
        sentences.append("Give every state features of its own, further from the others': M̂ is singular.")
    return sentences + [f"Tried: {tried.change}: {_verdict(tried, found.step)}." for tried in found.remedies]


def _verdict(tried: Remedy, step: float) -> str:
    if tried.step_limit == 0:
        return "no such change helps"
    if step < tried.step_limit:
        return f"depth converges, {shown(tried.spectral_radius)} of the error left a layer"
    return f"depth converges at steps below {shown(tried.step_limit)}"


# Error against depth


def course(found: Diagnosis, deepest: int) -> Iterator[tuple[int, Float[np.ndarray, " W"]]]:
    """(L, v_L) for L = 0, …, 15 and from there eight depths to each doubling, up to ``deepest`` or out of the range of floats."""
    depth, jump, v = 0, 1, np.zeros(len(found.operator.states))
    while depth <= deepest and v is not None:
        yield depth, v
        depth += jump
        v = after(found.operator, v, found.step, jump)
        if depth == 16 * jump:
            jump *= 2


def figure(found: Diagnosis) -> bytes:
    """Error against depth, with what is promised and bound F, as a PNG."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    from icrl.plotting import STYLE

    with mpl.rc_context({key: value for key, value in STYLE.items() if key != "image.cmap"}):  # no image, no colour map
        drawn, out = Figure(figsize=STYLE["figure.figsize"]), io.BytesIO()
        _draw(found, drawn.subplots())
        drawn.savefig(out, format="png")
    return out.getvalue()


def _draw(found: Diagnosis, axes: Any) -> None:
    """The curves: what is left to the limit, and the true error, each with what bounds it."""
    from icrl.plotting import BLUE, GREEN, GREY, VERMILION

    depths, values = zip(*course(found, max(20, found.depth, 2 * (found.worth or 0))))
    if found.true_value is not None:
        _curve(axes, depths, [distance(v, found.true_value) for v in values], color=BLUE, label="to the true value")
    if found.target is not None:
        to = "to the limit" if found.limit is not None else "to $v_{CE}$, which is not reached"
        _curve(axes, depths, [distance(v, found.target) for v in values], color=VERMILION, linestyle="--", label=to)
    if found.promised_rate is not None:
        promised = np.array([found.promised_rate**depth * found.first_error for depth in depths])
        _curve(axes, depths, promised, color=GREEN, linestyle=":", label="to the limit, promised")
        if found.bound is not None:
            _curve(axes, depths, promised + found.bound, color=GREY, linestyle="-.", label="to the true value, bound")
    axes.set(xlabel="depth (layers)", ylabel="largest error", yscale="log", title=Path(found.task.name).name)
    axes.set_xscale("log") if depths[-1] > 100 else axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()


def _curve(axes: Any, depths: Sequence[int], errors: Sequence[float], **style: Any) -> None:
    """A line through the errors that a logarithmic axis can show."""
    depths, errors = np.array(depths, dtype=float), np.array(errors)
    drawn = (errors > 0) & (errors < 1e200)
    axes.plot(depths[drawn], errors[drawn], **style)
