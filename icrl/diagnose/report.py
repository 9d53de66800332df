"""What is said of it: a report for people, a record for machines, and a figure. Nothing here prints or writes."""

from __future__ import annotations

import io
import math
import textwrap
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from icrl.diagnose.diagnosis import UNPLANNED, Diagnosis, Remedy, after, distance, layers_for_ten
from icrl.diagnose.reading import listed, many, read_as
from icrl.files import plain

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def as_json(found: Diagnosis) -> dict[str, Any]:
    """The diagnosis for a machine: plain lists and numbers.

    None is what there is not, what no float can hold, and of ``converges`` and ``step_limit`` what rounding hides. The keys
    ``episodes`` and ``terminal`` are there where episodes end.
    """
    layer, task = found.operator, found.task
    left = {
        "covered": layer.covered,
        "visited": len(layer.states),
        "never_left": found.never_left,
        "times_left": layer.counts,
    }
    left_over, off = distance(found.value, found.target), distance(found.value, found.true_value)
    errors = {
        "first": found.first_error,
        "predicted": found.predicted,
        "left": left_over,
        "true": off,
        "rounding": found.rounding,
    }
    remedies = [_remedy(tried) for tried in found.remedies]
    return _plain({
        "task": task.name, "note": task.note, "process_known": task.process is not None, "features": found.called, "discount": task.discount,
        "length": task.context.n, "step": found.step, "layers": found.depth, "confidence": 1 - found.delta,
        "states": [task.labels[s] for s in layer.states], "coverage": left,
        "margin": layer.margin, "theorem_applies": found.theorem_applies, "norm": found.norm, "spectral_radius": found.spectral_radius,
        "spectrum": np.stack([layer.spectrum.real, layer.spectrum.imag], axis=1), "step_limit": found.step_limit,
        "eigenvalues_zero": found.modes.still, "eigenvalues_hidden_by_rounding": found.modes.hidden,
        "converges": found.converges, "rate": found.rate, "layers_for_a_factor_of_ten": layers_for_ten(found.rate),
        "limit": found.limit, "certainty_equivalence": found.certainty, "true_value": found.true_value,
        "distance": distance(found.limit, found.true_value), "bound": found.bound,
        "depth": found.worth, "promised_depth": found.promised_worth, "depth_in_truth": found.worth_in_truth,
        "value": found.value, "error": errors, "remedies": remedies, **(_ends(found) if task.episodic else {}),
    })  # fmt: skip


def _ends(found: Diagnosis) -> dict[str, Any]:
    """The episodes of the context, and the terminal states with their value, for a machine."""
    ends = [terminated for _, terminated in found.task.context.endings]
    return {
        "episodes": {
            "trajectories": len(ends), "terminated": sum(ends), "mean_return": found.mean_return,
            "mean_completed_return": found.mean_completed_return, "value_of_first_states": found.value_of_first_states,
        },
        "terminal": dict.fromkeys(_terminal(found), 0.0),
    }  # fmt: skip


def _terminal(found: Diagnosis) -> list[str]:
    """The terminal states of the process, where it is known."""
    process = found.task.process
    return [] if process is None else [found.task.labels[s] for s in process.terminal]


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


def _remedy(tried: Remedy) -> dict[str, Any]:
    """A remedy for a machine; ``rate`` is what a layer leaves of the error, at its ``step`` with its ``flags``."""
    helps = tried.step_limit > 0
    return {
        "change": tried.change, "flags": tried.flags, "helps": helps, "step": tried.step, "spectral_radius": tried.spectral_radius,
        "step_limit": tried.step_limit, "layers_for_a_factor_of_ten": tried.layers if helps else None,
    }  # fmt: skip


def report(found: Diagnosis, width: int = 100) -> str:
    """The diagnosis for a person: short sections, a sentence for each number, no line longer than ``width``."""
    task = found.task
    parts = [("", _heading(found))] + [
        ("Coverage", _coverage(found)), ("Episodes", _episodes(found)), ("Contraction", _contraction(found)), ("Depth", _depth(found)),
        ("Limit", _limit(found)), (f"After {many(found.depth, 'layer')}", _errors(found)), ("What to change", _advice(found)),
    ]  # fmt: skip
    endings = task.context.endings
    episodes = "" if len(endings) == 1 else f" in {many(len(endings), 'episode')}"
    lines = textwrap.wrap(
        f"{plain(task.name)}, discount {task.discount:g}: softmax TD on {many(task.context.n, 'transition')}{episodes}",
        width,
    )
    for title, sentences in parts:
        if sentences:
            lines += [
                *(["", title] if title else []),
                *(line for sentence in sentences for line in _wrapped(sentence, width)),
            ]
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
        digits = max(3, 1 - math.floor(math.log10(float(f"{abs(x - 1):.2g}"))))
        return f"{x:.{digits}f}" if digits < 15 else f"1 {'−' if x < 1 else '+'} {abs(x - 1):.1g}"
    return f"{x:.3g}"


def _heading(found: Diagnosis) -> list[str]:
    recorded = "a recorded trajectory" if len(found.task.context.endings) == 1 else "recorded trajectories"
    process, ends = "a known process" if found.task.process is not None else recorded, len(_terminal(found))
    states = many(len(found.task.labels), "state") + (f", {ends:,} of them terminal" if ends else "")
    settings = f"{process}, {states}; {found.called}; step α = {found.step:g}, from v = 0"
    return [settings, *([found.task.note] if found.task.note else [])]


def _coverage(found: Diagnosis) -> list[str]:
    counts, process = found.operator.counts, found.task.process
    rarest = counts[counts > 0].min()
    times = "once" if rarest == 1 else f"{rarest:,} times"
    left = f"each was left, the rarest {times}" if len(counts) > 1 else f"it was left {times}"
    if not found.operator.covered:
        left = f"{listed(found.never_left)}, where the context ends, was never left: what follows it is unknown, its value interpolated"
        if len(found.task.context.endings) > 1:
            left = f"never left: {listed(found.never_left)}, where an episode was cut; what follows is unknown, the value interpolated"
    can = ["reached"] * bool(found.task.note) + ["left"] * bool(_terminal(found))
    that = f" that can be {' and '.join(can)}" if can else ""
    of = "" if process is None else f" of {many(process.n_states - process.terminal.size, 'state')}{that}"
    sentences = [f"Visited: {len(counts) if of else many(len(counts), 'state')}{of}; {left}."]
    seen = found.task.context.rewards
    if process is not None and np.ptp(seen) == 0 < np.ptp(np.delete(process.reward, process.terminal)):
        sentences.append(f"Every reward seen is {seen[0]:g}: of where other rewards are, this context knows nothing.")
    return sentences


def _episodes(found: Diagnosis) -> list[str]:
    """How the episodes ended, and in which states; at discount 1 their mean return beside what v_CE makes of it."""
    if not found.task.episodic:
        return []
    endings, states = found.task.context.endings, _terminal(found)
    ended = sum(terminated for _, terminated in endings)
    cut = f"; cut, with more to follow: {len(endings) - ended:,}" if ended < len(endings) else ""
    sentences = [f"Terminated: {ended:,} of {many(len(endings), 'episode')}{cut}."]
    if states:
        sentences.append(f"Terminal, with the value 0: {listed(states)}.")
    return sentences + (_returns(found) if found.task.discount == 1 else [])


def _returns(found: Diagnosis) -> list[str]:
    """The mean return of the episodes beside the mean of v_CE over the first states: equal, with v_CE of the last state for what was cut off."""
    endings, process = found.task.context.endings, found.task.process
    ended = sum(terminated for _, terminated in endings)
    mean, all_of_them = shown(found.mean_return), shown(found.mean_completed_return)
    first = f"the mean of v_CE over the first states, {shown(found.value_of_first_states)}"
    true = "" if process is None else f" The true one is {shown(float(process.initial @ process.value()))}."
    said = f"The mean return of {many(ended, 'terminated episode')} is {mean}"
    if ended == len(endings):
        return [f"{said}, equal to {first}, since none was cut.{true}"]
    sentences = [
        f"{said}, but where others were cut, those that terminated are in general a biased sample.",
        f"With v_CE of its last state added to the return of each that was cut, the mean return is {all_of_them}, equal to {first}.{true}",
    ]
    if found.task.sample and 0 < ended == len(endings) - 1 and not endings[-1][1]:
        sentences.append(f"No episode is cut with --length {found.task.context.n - endings[-1][0]}; {UNPLANNED}.")
    return sentences


def _contraction(found: Diagnosis) -> list[str]:
    ends = found.operator.terminating.any()
    margin = "c′ = min [2 M̂(s,s) − 1 − γ (P̂1)(s)]" if ends else "c = 2 min M̂(s,s) − 1 − γ"
    margin = f"The diagonal margin{', where transitions terminate,' if ends else ''} is {margin} = {shown(found.operator.margin)}"
    if found.theorem_applies:
        leaves = f"every layer leaves at most {shown(found.promised_rate)} of the error"
        return [f"{margin}, which is positive: the theorem of the chapter “Depth” applies, and {leaves}."]
    if found.operator.margin > 0:
        most = shown(1 / np.diag(found.operator.M).max())
        return [
            f"{margin}, which is positive, but the theorem of the chapter “Depth” asks for a step of at most {most}: it does not apply."
        ]
    return [
        f"{margin}, which is not positive: the theorem of the chapter “Depth” does not apply (it is sufficient, not necessary)."
    ]


def _depth(found: Diagnosis) -> list[str]:
    norm = f"‖G‖∞ = {shown(found.norm)}" + (": every layer reduces the error" if found.norm < 1 else "")
    return [f"{norm}; ρ(G) = {shown(found.spectral_radius)}.", f"{_spectrum(found)}{_steps(found)}.", *_pace(found)]


def _spectrum(found: Diagnosis) -> str:
    """Where the eigenvalues of H are."""
    λ = found.modes.known if found.modes.hidden else found.operator.spectrum
    if len(λ) == 1:
        return f"The eigenvalue of H is {shown(λ.real[0])}"
    least, most = shown(λ.real.min()), shown(λ.real.max())
    turning = f"imaginary parts up to {shown(np.abs(λ.imag).max())}" if λ.imag.any() else "no imaginary parts"
    which = "The eigenvalues of H that rounding leaves" if found.modes.hidden else "The eigenvalues of H"
    return f"{which} have {f'real parts from {least} to {most}' if least != most else f'the real part {most}'} and {turning}"


def _steps(found: Diagnosis) -> str:
    """Below which step depth converges."""
    if found.step_limit is None:
        return ""
    return (
        ": at no step does depth converge"
        if found.step_limit == 0
        else f": depth converges at every step below {shown(found.step_limit)}"
    )


def _pace(found: Diagnosis) -> list[str]:
    """Whether depth converges, and how fast."""
    hidden = found.modes.hidden
    if found.converges is None:
        of = f"{hidden} of the {len(found.operator.states)} eigenvalues of H {'are' if hidden > 1 else 'is'} within rounding of 0"
        why = f"{of}, and their signs decide" if hidden else "an eigenvalue of G is within rounding of the unit circle"
        known = f" The others leave {shown(found.rate)} of the error a layer." if hidden else ""
        return [f"Whether depth converges, these numbers cannot tell: {why}.{known}"]
    if not found.converges:
        return [f"Depth diverges: in the long run the error grows by a factor of {shown(found.rate)} a layer."]
    ten = layers_for_ten(found.rate)
    if not ten:
        return ["Depth converges: a few layers leave nothing of the error."]
    pace = f"in the long run {shown(found.rate)} of the error is left a layer: {_ten(ten)}"
    return [f"Depth converges: {pace}.", *_faster(found, ten)]


def _ten(layers: float) -> str:
    """“a factor of ten every 21.9 layers”."""
    if layers <= 1:
        return "a factor of ten or more every layer"
    return f"a factor of ten every {_about(layers)} layers"


def _about(x: float) -> str:
    """A number of layers, in about three digits."""
    return f"{x:.3g}" if x < 100 else f"{float(f'{x:.3g}'):,.0f}"


def _faster(found: Diagnosis, ten: float) -> list[str]:
    """Another step that needs two thirds of the layers or fewer, where the step taken needs ``ten``."""
    best = found.modes.best_step
    then = layers_for_ten(found.modes.rate(best))
    if then is None or max(1.0, then) >= ten / 1.5:
        return []
    layers = f"{_about(max(1.0, then))} layer{'s' * (then > 1)}"
    return [f"A step of about {best:.2g} would need {layers} for a factor of ten."]


def _limit(found: Diagnosis) -> list[str]:
    return [_what_limit(found), *_how_far(found), _table(found)]


def _what_limit(found: Diagnosis) -> str:
    fixed = "the fixed point v_CE, certainty equivalence, is there" if found.operator.covered else ""
    if found.to_certainty:
        returns = ": at discount 1 each state's expected return in the context's own model"
        model = returns if found.task.discount == 1 else ""
        return f"The limit is the certainty-equivalence value v_CE of the context, whatever the features{model}."
    if found.converges:
        why = "a state was never left" if not found.operator.covered else "M̂ is singular: " + _alike(found)
        return f"There is a limit from v = 0, but it depends on where v starts, and on the features, since {why}."
    if found.converges is None:
        return "Whether there is a limit depends on rounding" + (f"; {fixed} whatever the rounding." if fixed else ".")
    if not found.operator.b.any():
        stays = "v stays at 0, which is v_CE" if fixed else "v stays at 0"
        return f"There is no limit from most starting values; from v = 0, where every reward seen is 0, {stays}."
    return "There is no limit" + (f"; {fixed}, but not reached." if fixed else ".")


def _alike(found: Diagnosis) -> str:
    """Which states share their features: the first that do."""
    x = found.features[found.operator.states]
    _, first, place = np.unique(x + 0.0, axis=0, return_index=True, return_inverse=True)
    again = np.flatnonzero(first[place.ravel()] < np.arange(len(x)))[0]
    pair = sorted([int(first[place.ravel()[again]]), int(again)])
    one, other = (read_as(found.task.labels[found.operator.states[i]]) for i in pair)
    return f"states {one} and {other}" + (" and others" if len(first) < len(x) - 1 else "") + " share their features"


def _how_far(found: Diagnosis) -> list[str]:
    """The distance from the true value, bound F, and the depth worth using, or why there is none."""
    sentences = []
    name = "the limit" if found.limit is not None else "v_CE"
    v, off = found.true_value, distance(found.target, found.true_value)
    if v is not None and off is not None:
        least, most = (f"{end:.3g}" for end in (v.min(), v.max()))
        true = f"v is between {least} and {most}" if least != most else f"v is {most}"
        sentences.append(
            f"The true value v is known: at the states visited, where {true}, the largest error of {name} is {_left(off, found)}."
        )
    if found.bound is not None:
        given = "" if found.task.process is not None else ", if there are no other states and each always pays the same"
        ranges = ", with the ranges of the targets" if found.task.noisy else ""
        sentences.append(
            f"Bound F{ranges}: v_CE is within F = {shown(found.bound)} of the true value with confidence {1 - found.delta:g}{given}."
        )
    else:
        why = (
            "it is about v_CE, which is not the limit"
            if found.task.reward_by_state or found.task.noisy
            else "the rewards seen are not a function of the state"
        )
        why = "at discount 1 the rewards alone bound no value" if math.isinf(found.task.span) else why
        why = why if found.operator.covered else "a state was never left"
        sentences.append(f"Bound F does not apply: {why}.")
    return sentences + _worth(found)


def _left(error: float, found: Diagnosis) -> str:
    """An error, or that it is no more than rounding."""
    return "0 to rounding" if found.rounding is not None and 0 < error <= found.rounding else shown(error)


def _worth(found: Diagnosis) -> list[str]:
    """The depth worth using: from where less is left than F, and than the limit is truly off."""
    sentences, promised = [], found.promised_worth
    if found.worth == 0 and found.floor == found.bound:
        sentences.append(
            "Depth worth using by F: F is too loose here to say, since v = 0 is already within F of the limit."
        )
    elif found.worth is not None and found.floor == found.bound:
        tail = (
            f" (the theorem promises it from {many(promised, 'layer')} on)"
            if promised and promised > found.worth
            else ""
        )
        sentences.append(
            f"Depth worth using by F: {many(found.worth, 'layer')}; then at most F is left to the limit{tail}."
        )
    if found.worth_in_truth is not None:
        layers = many(found.worth_in_truth, "layer")
        sentences.append(
            f"Depth worth using in truth: {layers}; then no more is left to the limit than the limit is off."
        )
    return sentences


def _table(found: Diagnosis, most: int = 16) -> str:
    """State by state: how often left, the limit, the true value."""
    ends = {"limit": found.limit, "v_CE": found.certainty if found.limit is None else None, "true": found.true_value}
    columns = {name: end for name, end in ends.items() if end is not None}
    names = [read_as(found.task.labels[s]) for s in found.operator.states[:most]]
    wide = max(5, *map(len, names))
    rows = [f"{'state':>{wide}} {'left':>9}" + "".join(f"{name:>12}" for name in columns)]
    for i, name in enumerate(names):
        rows.append(
            f"{name:>{wide}} {found.operator.counts[i]:>9,}"
            + "".join(f"{column[i] + 0.0:>12.4g}" for column in columns.values())
        )
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
    promised = "" if found.predicted is None else f", where {by} promises at most {_left(found.predicted, found)}"
    true = "" if off is None else f" The error to the true value is {_left(off, found)}."
    return [
        f"The distance left to {to} is {_left(left, found)}, of {shown(found.first_error)} at the start{promised}.{true}"
    ]


def _advice(found: Diagnosis) -> list[str]:
    """What to change, unless the limit is v_CE: what each remedy that was tried brings, the quickest first."""
    if found.to_certainty:
        return []
    sentences = [*_diagnosed(found), *(f"{_words(tried)}: {_verdict(tried)}." for tried in found.remedies)]
    if any("--length" in tried.flags for tried in found.remedies):
        sentences.append(f"{UNPLANNED[0].upper()}{UNPLANNED[1:]}.")
    if found.task.sample is None and not found.converges:
        sentences.append("A longer recording may help, which cannot be tried here.")
    return sentences


def _diagnosed(found: Diagnosis) -> list[str]:
    """What is in the way."""
    sentences = []
    if not found.operator.covered:
        one = "End the context in a state that was left before"
        flags = "--length" if found.task.horizon is None else "--length, a longer --horizon"
        several = "Cut episodes only in states that are left elsewhere" + f" ({flags})" * bool(found.task.sample)
        what = one if len(found.task.context.endings) == 1 else several
        sentences.append(f"{what}, so that what follows every state is known.")
    if found.modes.hidden:
        sentences.append(f"M̂ is singular to rounding, though no two of the features are equal: {_crowded(found)}.")
    elif found.converges and found.operator.covered:
        sentences.append("Give every state features of its own.")
    elif found.step_limit == 0:
        sentences.append("A smaller step alone does not help.")
    return sentences


def _crowded(found: Diagnosis) -> str:
    """Why floats cannot tell the rows of M̂ apart, though the features differ."""
    least, most = found.lengths
    if most > 1.01 * least:
        return (
            f"their lengths run from {shown(least)} to {shown(most)}, and to rounding the longest get all the attention"
        )
    return "they are too close, or too few numbers, to tell the states apart"


def _words(tried: Remedy) -> str:
    """The change and its flags."""
    if tried.step_limit == 0:
        return f"No help: {tried.change}"
    return tried.change[0].upper() + tried.change[1:] + (f" ({tried.flags})" if tried.flags else "")


def _verdict(tried: Remedy) -> str:
    if tried.step_limit == 0:
        return "at no step does depth converge to v_CE"
    radius = tried.spectral_radius
    pace = (
        f"{shown(radius)} of the error left a layer, {_ten(tried.layers)}"
        if radius > 0
        else "nothing of the error left after a few layers"
    )
    return f"depth converges at steps below {shown(tried.step_limit)}, at {tried.step:g} with {pace}"


# Error against depth

DRAWN = 1e200
"""The errors that a figure shows are below this."""


def course(found: Diagnosis, deepest: int) -> Iterator[tuple[int, np.ndarray]]:
    """(L, v_L) for L = 0, …, 15, from there eight depths to each doubling, and ``deepest``, or as far as floats go."""
    depth, jump = 0, 1
    v: np.ndarray | None = np.zeros(len(found.operator.states))
    while v is not None:
        yield depth, v
        if depth >= deepest:
            return
        ahead = min(jump, deepest - depth)
        depth, v = depth + ahead, after(found.operator, v, found.step, ahead)
        if depth == 16 * jump:
            jump *= 2


def figure(found: Diagnosis) -> bytes:
    """Error against depth, with what is promised and bound F, as a PNG."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    from icrl.plotting import STYLE

    style = {key: value for key, value in STYLE.items() if key != "image.cmap"}  # no image, no colour map
    with mpl.rc_context(style), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # of a file's name: it is drawn as a box
        drawn, out = Figure(figsize=(6.2, 3.1)), io.BytesIO()
        _draw(found, drawn.subplots())
        drawn.savefig(out, format="png")
    return out.getvalue()


def _draw(found: Diagnosis, axes: Any) -> None:
    """The curves: what is left to the limit, and the true error, each with what bounds it."""
    from icrl.plotting import BLUE, GREEN, GREY, VERMILION

    deepest = max(20, found.depth, 2 * (found.worth or 0))
    depths, values = zip(*course(found, deepest))
    if found.true_value is not None:
        _curve(axes, depths, [distance(v, found.true_value) for v in values], color=BLUE, label="to the true value")
    if found.target is not None:
        to = (
            "to the limit"
            if found.limit is not None
            else "to $v_{CE}$" + ", which is not reached" * (found.converges is False)
        )
        _curve(axes, depths, [distance(v, found.target) for v in values], color=VERMILION, linestyle="--", label=to)
    rate, first, rounding = found.promised_rate, found.first_error, found.rounding
    if rate is not None and first is not None and rounding is not None:
        promised = np.array([max(rate**depth * first, rounding) for depth in depths])
        _curve(axes, depths, promised, color=GREEN, linestyle=":", label="to the limit, promised")
        if found.bound is not None:
            _curve(axes, depths, promised + found.bound, color=GREY, linestyle="-.", label="to the true value, bound")
    logarithmic = depths[-1] > 100
    depth = "depth (layers, logarithmic)" if logarithmic else "depth (layers)"
    axes.set(xlabel=depth, ylabel="largest error", yscale="log")
    axes.set_title(plain(Path(found.task.name).name, 80), parse_math=False)  # a file may be called $x$
    axes.set_xscale("log") if logarithmic else axes.xaxis.get_major_locator().set_params(integer=True)
    beyond = next(
        (depth for depth, v in zip(depths, values) if np.abs(v).max() >= DRAWN),
        depths[-1] if depths[-1] < deepest else None,
    )
    if beyond is not None:
        axes.axvline(beyond, color=GREY, linestyle=":", label=f"beyond {DRAWN:g} from here")
    if axes.get_legend_handles_labels()[0]:
        axes.legend()


def _curve(axes: Any, depths: ArrayLike, errors: ArrayLike, **style: Any) -> None:
    """A line through the errors that a logarithmic axis can show."""
    x, y = np.array(depths, dtype=float), np.array(errors)
    drawn = (y > 0) & (y < DRAWN)
    if drawn.any():  # else the legend would name what is not there
        axes.plot(x[drawn], y[drawn], **style)
