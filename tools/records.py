"""Recompute what stands in the book's records from the parameters that stand beside it: `python tools/records.py [NAME …]`

Every figure of every seed but the curve along training, which only training gives. Exit status 1 where one is not what comes out.
"""

import math
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any

import torch

from icrl.pretrain.metrics import pattern
from icrl.pretrain.protocols import PROTOCOLS, Protocol
from icrl.pretrain.results import figures, held_out, learned_of, predicted, recorded, summary

NEAR, SAME = 1e-3, 1e-5
"""How far a figure may be from the one on record, relatively: where layers or a fit enlarge a machine's rounding, and else (six digits)."""

LEAST = 1e-6
"""Differences below this are rounding."""


def differences(got: Any, stored: Any, where: str, near: float, least: float = LEAST) -> Iterator[str]:
    """Where nested dictionaries and lists of numbers are not of one form, or two numbers differ by more than ``near``, relatively, and ``least``."""
    match stored:
        case dict() if isinstance(got, dict) and got.keys() == stored.keys():
            for name in stored:
                yield from differences(got[name], stored[name], f"{where}, {name}", near, least)
        case list() if isinstance(got, list) and len(got) == len(stored):
            for i, each in enumerate(stored):
                yield from differences(got[i], each, f"{where}, {i}", near, least)
        case int() | float() if isinstance(got, int | float):
            if not math.isclose(got, stored, rel_tol=near, abs_tol=least):
                yield f"{where}: {stored:.6g} is on record, {got:.6g} comes out"
        case _:
            if got is not None or stored is not None:
                yield f"{where}: {stored!r} is on record, {got!r} comes out"


def quick(found: dict[str, Any], protocol: Protocol, where: str) -> Iterator[str]:
    """What is wrong with the pattern and the error of an outcome."""
    learned, batch = learned_of(found), held_out(protocol)
    yield from differences(pattern(learned)._asdict(), found["pattern"], f"{where}, pattern", SAME)
    error = summary(predicted(learned, batch, protocol.depth), batch)
    yield from differences(error, found["error"], f"{where}, error", NEAR)


def thorough(found: dict[str, Any], protocol: Protocol, where: str) -> Iterator[str]:
    """What is wrong with an outcome, in all that follows from its parameters."""
    yield from quick(found, protocol, where)
    own, left_out = figures(learned_of(found), protocol), {"V", "A", "curve", "pattern", "error"}
    if ran_off(own) and ran_off(found):
        left_out.add("agreement")
    got, stored = ({part: each for part, each in every.items() if part not in left_out} for every in (own, found))
    yield from differences(got, stored, where, NEAR)


def ran_off(found: dict[str, Any]) -> bool:
    """Whether the fit of softmax TD found no least difference, and ended on the way to a sharpness of 0 or without bound, where rounding led it."""
    return "agreement" in found and not 0.02 < found["agreement"]["sharpness"] < 100


def main(names: Iterable[str]) -> int:
    """Each record's seeds, one after the other; 1 where something is wrong, or nothing was there to compare."""
    torch.set_num_threads(1)
    wrong = 0
    for name in names:
        begun, outcomes = time.perf_counter(), recorded(name)
        found = [
            line for seed, each in outcomes.items() for line in thorough(each, PROTOCOLS[name], f"{name}, seed {seed}")
        ]
        print(*found, sep="\n", end="\n" if found else "")
        print(f"{name}: {len(outcomes)} seeds, {time.perf_counter() - begun:.0f} s, {len(found)} wrong", flush=True)
        wrong += len(found) + (not outcomes)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or PROTOCOLS))
