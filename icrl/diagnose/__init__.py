r"""Does depth converge on this task, how fast, and to what: a context examined as the layer sees it.

A :class:`Task` is a context and, where it is known, the process that it was sampled from: a named task, a Gymnasium
environment under a policy, or a file. Its episodes may restart, as one endless walk, or end, as several trajectories.
:func:`diagnose` builds the layer's operator on the states visited,

    v_{l+1} = G v_l + α b̂,    G = I − αM̂ + αγP̂,

and reads off it what the theorems promise and what in truth happens, from v₀ = 0. What was found is said
to people (:func:`report`), machines (:func:`as_json`) and eyes (:func:`figure`).

Sources: the book's chapters on depth, context, and when they fail.
"""

from __future__ import annotations

from icrl.diagnose.diagnosis import CONFIDENCE, DEPTH, STEP, Diagnosis, Remedy, diagnose
from icrl.diagnose.reading import (
    DIMENSION,
    DISCOUNT,
    FEATURES,
    LENGTH,
    NAMED,
    SHARPNESS,
    Task,
    chosen_features,
    make_features,
    read_task,
)
from icrl.diagnose.report import as_json, figure, report

__all__ = [
    "CONFIDENCE",
    "DEPTH",
    "DIMENSION",
    "DISCOUNT",
    "FEATURES",
    "LENGTH",
    "NAMED",
    "SHARPNESS",
    "STEP",
    "Diagnosis",
    "Remedy",
    "Task",
    "as_json",
    "chosen_features",
    "diagnose",
    "figure",
    "make_features",
    "read_task",
    "report",
]
