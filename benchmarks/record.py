"""Keep what `make bench` measured, and write the book's table and the README's lines from it.

    make bench BENCH_OPTIONS="--json measured.json"
    .venv/bin/python benchmarks/record.py measured.json

Writes benchmarks/recorded.json, book/_generated/benchmarks.md and the lines between the marks in README.md. Without a
file it writes the pages again from what is on record.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "benchmarks" / "recorded.json"
MARKS = "<!-- benchmarks -->", "<!-- /benchmarks -->"
NAMES = {"once": "attention built once", "grouped": "grouped by states", "closed": "closed form"}
STEPS = {"state": "on states, batched", "token": "on prompts, batched"}


def pages(record: dict, root: Path) -> dict[Path, str]:
    """The generated files, by path, with their text."""
    readme = root / "README.md"
    return {
        root / "book" / "_generated" / "benchmarks.md": table(record),
        readme: with_lines(readme.read_text("utf-8"), headlines(record)),
    }


def with_lines(text: str, lines: str) -> str:
    """The text with what stands between the two marks replaced."""
    start, end = (text.find(mark) for mark in MARKS)
    if not 0 <= start < end:
        raise ValueError(f"README.md must hold {MARKS[0]} and, after it, {MARKS[1]}")
    return f"{text[: start + len(MARKS[0])]}\n{lines}\n{text[end:]}"


def headlines(record: dict) -> str:
    """The ratios that were to be reached, as rows of a table."""
    rows = [
        f"| {NAMES[goal['method']]} against the naive Transformer, n = {goal['n']}, depth {goal['depth']}, "
        f"batch {goal['batch']} | {rounded(goal['ratio'])} times as fast{scaled(record, goal)} |"
        for goal in record["goals"]
    ]
    million = f"| a context of 10⁶ transitions over 100 states, at depth 10⁶ | {record['million']['cpu_seconds']:.2f} s of CPU |"
    earlier = (
        "| what Wang et al. (2025) verify for linear attention, as a whole process: four methods, 30 trials, 40 layers, every "
        f"layer and column | {record['predecessor']['cpu_seconds']:.2g} s of CPU |"
    )
    return "\n".join(
        ["| what | measured |", "|---|---|", *rows, million, earlier, *pretraining_headlines(record["pretraining"])]
    )


def pretraining_headlines(measured: dict) -> list[str]:
    """What a training step gains, and what one seed takes, as rows of the same table."""
    steps = [
        f"| a step of pretraining {STEPS[goal['method']]}, against a loop over single prompts, batch {goal['batch']} | {rounded(goal['ratio'])} times as fast |"
        for goal in measured["goals"]
    ]
    seed = measured["emergence"]
    cosines = f"cosines with the pattern {seed['cosines']['cosine_V']:.3f} (V), {seed['cosines']['cosine_A']:.4f} (A)"
    return [
        *steps,
        f"| pretraining one seed, {seed['steps']} steps of {seed['batch']} tasks; {cosines} | "
        f"{seed['cpu_seconds']:.2g} s of CPU, after {seed['loading']:.2g} s of loading PyTorch |",
    ]


def scaled(record: dict, goal: dict) -> str:
    """What to say beside a ratio for which naive's time was scaled."""
    [cell] = [cell for cell in record["cells"] if all(cell[name] == goal[name] for name in ("n", "depth", "batch"))]
    return " (naive's time scaled from ten layers)" if cell["methods"]["naive"]["scaled"] else ""


def table(record: dict) -> str:
    """All cells: naive's time, and by how much the others are faster."""
    machine = record["machine"]
    head = (
        "| n | depth | batch | naive, s | "
        + " | ".join(f"{name}, times as fast" for name in NAMES.values())
        + " | largest difference |"
    )
    lines = [head, "|---:" * (head.count("|") - 1) + "|", *map(row, record["cells"])]
    return f"""<!-- Written by benchmarks/record.py; measure again with `make bench`. -->
Contexts of $n$ transitions between ten states, four features a state.

{chr(10).join(lines)}

A training step, forward and backward, on contexts of 30 transitions between ten states at depth 6.

{steps_table(record["pretraining"])}

{headlines(record)}

CPU seconds on one thread ({machine["machine"]}, Python {machine["python"]}, NumPy {machine["numpy"]}, PyTorch {record["pretraining"]["torch"]}); in the first table the other \
columns are naive's time divided by theirs. A ~ marks a time scaled from fewer layers or fewer members. Its last column is the \
largest difference of any way from naive (or, where naive would take minutes, from attention built once), relative to the largest \
value; in the second, of the gradients from the loop's, relative to its largest entry.
"""


def steps_table(measured: dict) -> str:
    """What a training step costs at each batch size: tasks a second, and how much faster than the loop."""
    head = (
        "| batch | loop over single prompts, tasks a second | "
        + " | ".join(f"{name}, tasks a second (times as fast)" for name in STEPS.values())
        + " | largest difference |"
    )
    return "\n".join([head, "|---:" * (head.count("|") - 1) + "|", *map(steps_row, measured["cells"])])


def steps_row(cell: dict) -> str:
    """One batch size."""
    entries = [cell["methods"][name] for name in STEPS]
    speeds = [f"{rounded(entry['tasks_per_second'])} ({rounded(entry['ratio'])})" for entry in entries]
    largest = max(entry["difference"] for entry in entries)
    return (
        "| "
        + " | ".join(
            [str(cell["batch"]), rounded(cell["methods"]["loop"]["tasks_per_second"]), *speeds, f"{largest:.0e}"]
        )
        + " |"
    )


def row(cell: dict) -> str:
    """One cell of the measurement."""
    naive, *others = cell["methods"].values()
    ratios = [f"{'~' * (entry['scaled'] or naive['scaled'])}{rounded(entry['ratio'])}" for entry in others]
    largest = max(entry["difference"] for entry in others if "difference" in entry)
    sizes = [str(cell[name]) for name in ("n", "depth", "batch")]
    return (
        "| "
        + " | ".join([*sizes, f"{'~' * naive['scaled']}{rounded(naive['seconds'])}", *ratios, f"{largest:.0e}"])
        + " |"
    )


def rounded(ratio: float) -> str:
    """Two significant digits, which is what a repetition reproduces."""
    return f"{float(f'{ratio:.2g}'):,.10g}"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measured", type=Path, nargs="?", default=RECORD, help="what `make bench` wrote with --json")
    given = parser.parse_args(arguments).measured
    record = json.loads(given.read_text("utf-8"))
    missing = {"machine", "cells", "goals", "million", "predecessor", "pretraining"} - record.keys()
    if missing:
        parser.error(
            f"{given} must be what benchmarks/layers.py writes with --json, and lacks {', '.join(sorted(missing))}"
        )
    written = pages(record, ROOT)
    RECORD.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    for path, text in written.items():
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
