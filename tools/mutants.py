"""Mutation testing: `python tools/mutants.py --seed 0 --count 200 --workers 2`

A mutant is icrl/ with one small wrong change. It faces the tests that import its module, nearest and cheapest first, and
`python -m icrl verify` of the claims that do; whatever passes on the right code and refuses the mutant kills it. Every
result is on the disk at once, in build/mutants, and the next call goes on from there. When the sample is complete,
benchmarks/mutants.json is written. Each worker has a copy of the tree: this one is never changed.

As a pytest plug-in (`-p mutants`) this file runs the tests that the file ICRL_MUTANTS_PLAN lists, in that order (all, if
none), and appends what became of each to ICRL_MUTANTS_LOG.
"""

import argparse
import ast
import compileall
import copy
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from importlib.util import cache_from_source
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

from pytest import hookimpl

PACKAGE = "icrl"
TESTS, CLAIMS = 20.0, 12.0
"""Seconds for a mutant's tests and its claims, as the right code takes; the rest of its limit is for starting, and for a busy machine."""
FIRST_LIMIT = 240.0
"""Seconds after which a file's tests are measured no further; those that passed by then can be chosen."""
WORDS = "test_pinned"
"""The tests of what is on record."""
KINDS = ("exact", "symbolic", "numeric", "certified")
NEUTRAL = b"\n# A copy\n"
"""Stands at the end of every module of a copy: a test that reads the source, not what it does, fails on the right code too."""
LEFT_OUT = (".git", ".venv", "build", "_build", "__pycache__", ".hypothesis", ".pytest_cache")


# Changes


class Change(NamedTuple):
    """One small wrong change: the bytes ``start`` to ``end`` of a file become ``text``.

    ``nth`` tells equal ones of a function apart; ``kind`` is what was changed.
    """

    file: str
    function: str
    before: str
    after: str
    nth: int
    start: int
    end: int
    text: bytes
    kind: str

    def named(self) -> dict:
        """What the change is, whatever else stands in the file."""
        return dict(zip(("file", "function", "before", "after", "nth"), self))


SWAPS = {
    ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div,), ast.Div: (ast.Mult,), ast.FloorDiv: (ast.Mult,), ast.Mod: (ast.Mult,),
    ast.Pow: (ast.Mult,), ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,), ast.And: (ast.Or,), ast.Or: (ast.And,),
}  # fmt: skip
NAMES = {"any": "all", "all": "any", "min": "max", "max": "min", "argmin": "argmax", "argmax": "argmin"}
UNORDERED = {"isinstance", "issubclass", "getattr", "hasattr"}
"""Calls of two arguments that would only raise if these were swapped."""
TEXT_KEYWORDS = {"help", "metavar", "description", "epilog"}
TEXT_METHODS = {"__repr__", "__str__", "__format__"}


def variants(node: ast.AST) -> Iterator[ast.AST]:
    """The wrong nodes that may stand in the place of this one."""
    match node:
        case ast.Compare(ops=ops):
            for k, op in enumerate(ops):
                for other in SWAPS[type(op)]:
                    yield edited(node, ops=[*ops[:k], other(), *ops[k + 1 :]])
        case ast.BinOp(op=op) | ast.BoolOp(op=op) if type(op) in SWAPS:
            for other in SWAPS[type(op)]:
                yield edited(node, op=other())
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value) | float(value)):
            yield from map(ast.Constant, {value + 1, 0 * value} - {value})
        case ast.Call(func=func, args=args, keywords=keywords):
            name = getattr(func, "id", getattr(func, "attr", ""))
            if name in NAMES:
                yield edited(node, func=edited(func, **{"id" if isinstance(func, ast.Name) else "attr": NAMES[name]}))
            if len(args) == 2 and name not in UNORDERED and not any(isinstance(x, ast.Starred) for x in args):
                yield edited(node, args=args[::-1])
            for k, keyword in enumerate(keywords):
                if keyword.arg and keyword.arg not in TEXT_KEYWORDS:
                    yield edited(node, keywords=keywords[:k] + keywords[k + 1 :])
        case ast.Return(value=ast.expr() as value) if not (isinstance(value, ast.Constant) and value.value is None):
            yield ast.Return(ast.Constant(None))
        case ast.Raise() | ast.AugAssign():
            yield ast.Pass()


def negated(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """The conditions that this node asks, each with its contrary; those of which :func:`variants` makes the contrary are left out."""
    for test in [getattr(node, "test", None), *getattr(node, "ifs", ())]:
        if test is not None and not isinstance(test, ast.Compare | ast.UnaryOp):
            yield test, ast.UnaryOp(ast.Not(), test)


def edited(node: ast.AST, **fields) -> ast.AST:
    """The node with other fields."""
    other = copy.copy(node)
    vars(other).update(fields)
    return other


def mutable(node: ast.AST, function: str = "") -> Iterator[tuple[ast.AST, str]]:
    """Every node below this one whose text does something, with its function: not types, decorators, formatted text, a script's entry."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, ast.JoinedStr | ast.Assert):
                continue
            if getattr(child, "name", "") in TEXT_METHODS or isinstance(child, ast.If) and is_entry(child.test):
                continue
            inner = function
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                inner = f"{function}.{child.name}".lstrip(".")
            yield child, inner
            yield from mutable(child, inner)


def is_entry(test: ast.expr) -> bool:
    """Whether this is the condition of a block for type checkers, or for a file that is run."""
    return ast.unparse(test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING", "__name__ == '__main__'")


def changes(root: Path) -> Iterator[Change]:
    """Every change of every module of the package."""
    for path in sorted((root / PACKAGE).rglob("*.py")):
        source, file = path.read_bytes(), path.relative_to(root).as_posix()
        seen: Counter[tuple[str, ...]] = Counter()
        lines = [0]
        for line in source.splitlines(keepends=True):
            lines.append(lines[-1] + len(line))
        for node, function in mutable(ast.parse(source)):
            # Any: what varies has a place in the source, which not every kind of node has.
            changed: list[tuple[str, Any, ast.AST]] = [(type(node).__name__, node, new) for new in variants(node)]
            for kind, old, new in changed + [("condition", test, contrary) for test, contrary in negated(node)]:
                start, end = lines[old.lineno - 1] + old.col_offset, lines[old.end_lineno - 1] + old.end_col_offset
                text = ast.unparse(ast.fix_missing_locations(new)).encode()
                if isinstance(new, ast.expr) and not isinstance(new, ast.Constant | ast.Name | ast.Call):
                    text = b"(" + text + b")"
                first, last = lines[old.lineno - 1], lines[old.end_lineno]
                before, after = source[first:last], source[first:start] + text + source[end:last]
                old_line, new_line = (" ".join(line.decode().split()) for line in (before, after))
                named = (file, function, old_line, new_line)
                seen[named] += 1
                yield Change(*named, seen[named], start, end, text, kind)


def sample(found: list[Change], root: Path, seed: int, count: int) -> list[Change]:
    """``count`` changes at random, as many of each kind: constants are most of the code, and least of what can go wrong.

    A change of the code elsewhere, or a larger count, leaves the others in the sample, or nearly all.
    """
    rank = lambda change: hashlib.sha256(json.dumps([seed, change.named()]).encode()).hexdigest()
    turns: Counter[str] = Counter()
    ranked = []
    for change in sorted(found, key=rank):
        turns[change.kind] += 1
        ranked.append((turns[change.kind], rank(change), change))
    sources = {file: (root / file).read_bytes() for file in {change.file for change in found}}
    real = (change for *_, change in sorted(ranked) if is_real(sources[change.file], change))
    return list(islice(real, count))


def is_real(source: bytes, change: Change) -> bool:
    """Whether the changed source is Python, and another program."""
    try:
        return ast.dump(ast.parse(mutated(source, change))) != ast.dump(ast.parse(source))
    except SyntaxError:
        return False


# What a mutant faces


def modules(root: Path) -> dict[str, Path]:
    """The package's modules and the tests' files, by the name under which they are imported."""
    files = [(path, root) for path in (root / PACKAGE).rglob("*.py")]
    files += [(path, root / "tests") for path in (root / "tests").rglob("*.py")]
    dotted = lambda path, above: ".".join(path.relative_to(above).with_suffix("").parts)
    return {dotted(path, above).removesuffix(".__init__"): path for path, above in files}


def imports(name: str, path: Path, known: dict[str, Path]) -> set[str]:
    """The modules that this one imports, anywhere in it.

    A package imports its own, which may be loaded when first asked for; whoever names the package in a string runs it.
    """
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = {other for other in known if other.rpartition(".")[0] == name != PACKAGE}
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Constant) and node.value == PACKAGE:
            found.add(f"{PACKAGE}.__main__")
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            below = {f"{base}.{alias.name}" for alias in node.names}
            found |= below & known.keys() if below <= known.keys() else below & known.keys() | {base}
    return found & known.keys()


def distances(target: str, graph: dict[str, set[str]]) -> dict[str, int]:
    """How many imports each module that reaches the target is away from it."""
    steps, front = {target: 0}, {target}
    while front:
        front = {name for name, used in graph.items() if used & front} - steps.keys()
        steps |= dict.fromkeys(front, max(steps.values()) + 1)
    return steps


def claim_of(path: Path) -> str | None:
    """The id of the claim that a module states."""
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "CLAIM":
            return next((word.value.value for word in getattr(node.value, "keywords", ()) if word.arg == "id"), None)
    return None


class Step(NamedTuple):
    """A command that a mutant faces: its arguments to Python, the tests or the claims it is for, and the seconds the right code takes."""

    called: str
    arguments: tuple[str, ...]
    plan: tuple[str, ...]
    ids: tuple[str, ...]
    near: int
    cost: float


class Workshop:
    """The tree, what reaches what in it, how long everything takes on the right code, and the results so far."""

    def __init__(self, root: Path, folder: Path, limit: float):
        self.root, self.folder, self.limit = root, folder, limit
        self.known = modules(root)
        self.graph = {name: imports(name, path, self.known) for name, path in self.known.items()}
        ids = {name: claim_of(path) for name, path in self.known.items()}
        self.claims = {name: id for name, id in ids.items() if id}
        entries = read_lines(self.folder / "right_code.jsonl")
        self.measured = {(entry["what"], entry["sha"]): entry["passed"] for entry in entries}
        self.locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self.writing, self.stopped = threading.Lock(), threading.Event()

    def record(self, name: str, entry: dict) -> None:
        """Append a line to a file of the folder, and see it on the disk."""
        with self.writing, open(self.folder / name, "a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def passed(self, what: str, file: Path, arguments: tuple[str, ...], tree: Path, limit: float) -> dict[str, float]:
        """What passes on the right code, with its seconds: a file's tests, or a claim's check, itself; measured once, while the file is the same."""
        with self.locks[what]:
            key = what, sha(file)
            if key not in self.measured:
                code, _, seconds, tests = self.run(tree, arguments, limit)
                self.measured[key] = {what: round(seconds, 3)} if code == 0 and not tests else dict(good(tests))
                self.record("right_code.jsonl", {"what": what, "sha": key[1], "passed": self.measured[key]})
            return self.measured[key]

    def run(self, tree: Path, arguments: tuple[str, ...], limit: float, plan: tuple[str, ...] = ()):
        """Run Python in a copy: its exit status (None if it took too long), its output, its seconds, and what became of each test."""
        limit = max(limit, 0.0)
        with tempfile.TemporaryDirectory() as scratch:
            log, out, listed = (Path(scratch, name) for name in ("log", "out", "listed"))
            listed.write_text(json.dumps(plan), "utf-8")
            path = os.pathsep.join([str(tree), str(Path(__file__).resolve().parent)])
            env = os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
            env |= {"ICRL_MUTANTS_LOG": str(log), "ICRL_MUTANTS_PLAN": str(listed)}
            start = time.monotonic()
            with open(out, "wb") as file:
                process = subprocess.Popen(
                    [sys.executable, *arguments], cwd=tree, env=env, stdin=subprocess.DEVNULL, stdout=file,
                    stderr=subprocess.STDOUT, start_new_session=True,
                    preexec_fn=lambda: signal.alarm(int(limit) + 5),  # it ends, too, where this process was killed
                )  # fmt: skip
            code = None  # an end that comes after the limit is none, however late this process was to look
            while code is None and time.monotonic() < start + limit and not self.stopped.is_set():
                time.sleep(0.05)
                code = process.poll()
            seconds = min(limit, time.monotonic() - start)
            try:
                os.killpg(process.pid, signal.SIGKILL)  # what a test left running, too
            except ProcessLookupError:
                pass
            process.wait()
            if self.stopped.is_set():
                raise KeyboardInterrupt
            return code, out.read_text("utf-8", "replace"), seconds, read_lines(log)

    def steps(self, change: Change, tree: Path) -> list[Step]:
        """What the change faces, nearest first."""
        target = next(name for name, path in self.known.items() if path == self.root / change.file)
        away, named = distances(target, self.graph), change.function.partition(".")[0]
        steps = [*self.test_steps(target, named, away, tree), *self.claim_steps(named, away, tree)]
        steps += self.words_steps(not named, away, tree)
        return sorted(steps, key=lambda step: (step.near, step.cost))

    def test_steps(self, target: str, function: str, away: dict[str, int], tree: Path) -> Iterator[Step]:
        """The tests, in one run: of files that import the module itself first; those that name the function, the nearest, the cheapest."""
        files = {name: self.known[name] for name in away if self.known[name].name.startswith("test_")}
        near = {path.relative_to(self.root).as_posix(): away[name] for name, path in files.items()}
        words = set(target.split(".")[1:])
        naming = lambda text: -sum(word.replace("_", "") in text.replace("_", "").replace("-", "") for word in words)
        bodies = {file: {node.name: ast.unparse(node) for node in ast.parse((self.root / file).read_bytes()).body
                  if isinstance(node, ast.FunctionDef)} for file in near}  # fmt: skip
        names = lambda file, text: not (function and function in text)
        found, spent = [], 0.0
        order = lambda file: (near[file] > 1, names(file, str(bodies[file])), near[file], naming(file), file)
        for file in sorted(near, key=order):
            passing = self.passed(file, self.root / file, pytest(file), tree, FIRST_LIMIT)
            for test, seconds in passing.items():
                body = bodies[file].get(test.partition("::")[2].partition("[")[0], "")
                late = (
                    near[file] > 1 or max(passing.values()) > TESTS
                )  # what a long test made, its file's others wait for
                found.append((late, names(file, body), near[file], naming(test), seconds, test))
            spent += sum(passing.values())
            if spent > 3 * TESTS and near[file] > 1:  # of long files the quick tests alone are asked
                break
        plan: list[str] = []
        cost = 0.0
        for *_, seconds, test in sorted(found):
            if cost + seconds <= TESTS:
                plan, cost = [*plan, test], cost + seconds
        if plan:
            asked = dict.fromkeys(test.partition("::")[0] for test in plan)
            yield Step("tests", pytest("-x", *asked), tuple(plan), (), min(near[file] for file in asked), cost)

    def words_steps(self, first: bool, away: dict[str, int], tree: Path) -> Iterator[Step]:
        """What is on record of the words of every claim: asked last, or first of what stands in no function, where most words are."""
        if name := next((name for name in away if name.endswith(WORDS)), None):
            file = self.known[name].relative_to(self.root).as_posix()
            passing = self.passed(file, self.root / file, pytest(file), tree, FIRST_LIMIT)
            yield Step(
                "words",
                pytest("-x", file),
                tuple(passing),
                (),
                0 if first else 1 + max(away.values()),
                sum(passing.values()),
            )

    def claim_steps(self, function: str, away: dict[str, int], tree: Path) -> Iterator[Step]:
        """The claims, one run for each kind of check: those that name the function, then the nearest."""
        spent, chosen = 0.0, defaultdict(list)
        silent = lambda name: not (function and function in self.known[name].read_text(encoding="utf-8"))
        for name in sorted(away.keys() & self.claims.keys(), key=lambda name: (silent(name), away[name], name)):
            id, file = self.claims[name], self.known[name]
            for kind in KINDS:
                for seconds in self.passed(f"verify {kind} {id}", file, verify(kind, id), tree, 2 * CLAIMS).values():
                    if spent + seconds <= CLAIMS:
                        spent += seconds
                        chosen[kind].append((name, seconds))
            if CLAIMS - spent < 2:  # no check takes less
                break
        for kind, pairs in chosen.items():
            ids, near = tuple(self.claims[name] for name, _ in pairs), min(away[name] for name, _ in pairs)
            yield Step(f"verify {kind}", verify(kind, *ids), (), ids, near, sum(seconds for _, seconds in pairs))

    def face(self, change: Change, tree: Path) -> dict:
        """Put the change to what it faces: by what it was killed, or None, and then whether it was out of time before it had faced all."""
        steps, path, start = self.steps(change, tree), tree / change.file, time.monotonic()
        right, killed, code = path.read_bytes(), None, 0
        # A change within a second may leave size and time as they were.
        Path(cache_from_source(path)).unlink(missing_ok=True)
        for step in steps:
            path.write_bytes(mutated(right, change))
            try:
                left = start + self.limit - time.monotonic()
                code, output, seconds, tests = self.run(tree, step.arguments, left, step.plan)
                if code:
                    killed = killer(step, output, tests) or self.crash(path.relative_to(tree), step, tree)
            finally:
                path.write_bytes(right)
            if code is None:
                killed = self.too_long(step, seconds, tree)
            if code != 0:
                break
        faced = [{"run": " ".join(step.arguments), "tests": len(step.plan)} for step in steps]
        seconds, late = round(time.monotonic() - start, 1), code is None and not killed
        return {"killed_by": killed, "out_of_time": late, "seconds": seconds, "faced": faced}

    def crash(self, module: Path, step: Step, tree: Path) -> str:
        """What broke before a test or a check could fail: the import of the module, or what used it."""
        dotted = ".".join(module.with_suffix("").parts).removesuffix(".__init__")
        code, *_ = self.run(tree, ("-c", f"import {dotted}"), self.limit)
        return f"crash of {step.called}" if code == 0 else "import"

    def too_long(self, step: Step, seconds: float, tree: Path) -> str | None:
        """A time-out kills where the right code, at once and on this machine, takes a third of the time at most."""
        code, *_ = self.run(tree, step.arguments, seconds / 3, step.plan)
        return f"time-out of {step.called}" if code == 0 else None


def pytest(*arguments: str) -> tuple[str, ...]:
    """The arguments to Python for some tests."""
    return ("-m", "pytest", "-q", "-p", "mutants", "-p", "no:cacheprovider", "--rootdir=.", *arguments)


def verify(kind: str, *ids: str) -> tuple[str, ...]:
    """The arguments to Python for one kind of check of some claims."""
    return ("-m", PACKAGE, "verify", *ids, "--kind", kind, *(("--trials", "50") if kind == "numeric" else ()))


def killer(step: Step, output: str, tests: list[dict]) -> str | None:
    """Which test or check refused, if one did."""
    refused = [entry["test"] for entry in tests if entry["outcome"] == "failed"]
    return next(iter(refused + [f"{step.called} {id}" for id in step.ids if f"{id}: " in output]), None)


def mutated(source: bytes, change: Change) -> bytes:
    """The source with the change."""
    return source[: change.start] + change.text + source[change.end :]


def good(tests: list[dict]) -> Iterator[tuple[str, float]]:
    """The tests that passed in every phase, with their seconds."""
    seconds: defaultdict[str, float] = defaultdict(float)
    outcomes: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for entry in tests:
        seconds[entry["test"]] += entry["seconds"]
        outcomes[entry["test"]] |= {(entry["when"], entry["outcome"])}
    done = {("setup", "passed"), ("call", "passed"), ("teardown", "passed")}
    return ((test, round(seconds[test], 3)) for test, seen in outcomes.items() if seen == done)


def sha(path: Path) -> str:
    """The hash of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def read_lines(path: Path) -> list[dict]:
    """The objects of a file of JSON lines, off which a last line cut short by a kill is taken."""
    if not path.exists():
        return []
    whole, newline, _ = path.read_bytes().rpartition(b"\n")
    os.truncate(path, len(whole + newline))
    return [json.loads(line) for line in whole.splitlines()]


# Plug-in


@hookimpl(trylast=True)
def pytest_collection_modifyitems(items) -> None:
    """Only the tests of the plan, in its order."""
    if plan := json.loads(Path(os.environ["ICRL_MUTANTS_PLAN"]).read_text("utf-8")):
        by_name = {item.nodeid: item for item in items}
        items[:] = [by_name[test] for test in plan if test in by_name]


def pytest_runtest_logreport(report) -> None:
    """A line for each phase of a test."""
    with open(os.environ["ICRL_MUTANTS_LOG"], "a", encoding="utf-8") as log:
        entry = {"test": report.nodeid, "when": report.when, "outcome": report.outcome, "seconds": report.duration}
        log.write(json.dumps(entry) + "\n")


# Command


class Refused(Exception):
    """What was asked for cannot be done; the message says why, in one line."""


def copied(root: Path, folder: Path) -> Path:
    """A copy of the tree, its modules compiled, each with the neutral comment at its end."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(root, folder, ignore=shutil.ignore_patterns(*LEFT_OUT), symlinks=True)
    for path in (folder / PACKAGE).rglob("*.py"):
        path.write_bytes(path.read_bytes() + NEUTRAL)
    compileall.compile_dir(folder / PACKAGE, quiet=1)
    return folder


def equivalent(root: Path, found: list[Change]) -> dict[tuple, str]:
    """The reasons why some changes do the same as the right code; ``Refused`` if one is listed that can no longer be made."""
    path = root / "benchmarks" / "mutants_equivalent.json"
    listed = json.loads(path.read_text("utf-8")) if path.exists() else []
    reasons = {
        tuple(entry[key] for key in ("file", "function", "before", "after")): entry["reason"] for entry in listed
    }
    if gone := reasons.keys() - {change[:4] for change in found}:
        raise Refused(f"{path.name} lists what is no change of the code: {' | '.join(min(gone))}")
    return reasons


def outcomes(shop: Workshop, chosen: list[Change], workers: int, again: bool) -> Iterator[tuple[Change, dict]]:
    """What became of each change: those on the disk for these very modules first, then as they come."""
    key = lambda entry: (*(entry[name] for name in Change._fields[:5]), entry["sha"])
    kept = {key(entry): entry for entry in read_lines(shop.folder / "results.jsonl")}
    told = {change: change.named() | {"sha": sha(shop.root / change.file)} for change in chosen}
    done = [change for change in chosen if (entry := kept.get(key(told[change]))) and (entry["killed_by"] or not again)]
    yield from ((change, kept[key(told[change])]) for change in done)
    left = [change for change in chosen if change not in set(done)]
    trees: SimpleQueue[Path] = SimpleQueue()
    for k in range(min(workers, len(left))):
        trees.put(copied(shop.root, shop.folder / f"copy-{k}"))

    def face(change: Change) -> dict:
        tree = trees.get()
        try:
            entry = told[change] | shop.face(change, tree)
        finally:
            trees.put(tree)
        shop.record("results.jsonl", entry)
        return entry

    with ThreadPoolExecutor(workers) as pool:
        futures = {pool.submit(face, change): change for change in left}
        try:
            yield from ((futures[future], future.result()) for future in as_completed(futures))
        finally:
            shop.stopped.set()
            pool.shutdown(cancel_futures=True)


def summary(seed: int, entries: list[dict]) -> dict:
    """The score, which is of those that are not equivalent, and every mutant with what became of it."""
    how = Counter(str(entry["killed_by"]).partition(" ")[0] for entry in entries)
    killed, equal = len(entries) - how["None"], sum("equivalent" in entry for entry in entries)
    counts: dict[str, float | None] = {
        "killed": killed,
        "by an import error": how["import"],
        "by a time-out": how["time-out"],
    }
    counts |= {"equivalent": equal, "survived": how["None"] - equal}
    counts |= {"score": round(killed / (len(entries) - equal), 4) if len(entries) > equal else None}
    order = sorted(entries, key=lambda entry: [str(value) for value in entry.values()])
    return {"seed": seed, "mutants": len(entries), **counts, "list": order}


@contextmanager
def alone(folder: Path) -> Iterator[Path]:
    """The folder, made if need be. No other run works in the folder meanwhile; ``Refused`` if one does."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused(f"another run is at work in {folder}") from None
        yield folder


def judged(change: Change, entry: dict, reason: str | None) -> dict:
    """A line of the record."""
    extra = {} if entry["killed_by"] else {"equivalent": reason} if reason else {"out_of_time": entry["out_of_time"]}
    return change.named() | {"killed_by": entry["killed_by"]} | extra


def line(entry: dict, reason: str | None) -> str:
    """What became of a mutant, for the reader; with the change where that is for him to judge."""
    where, killed = f"{entry['file']} {entry['function']}:", entry["killed_by"]
    if killed:
        return f"{where} killed by {killed}" + ", yet listed as equivalent" * bool(reason)
    if reason:
        return f"{where} equivalent: {reason}"
    late = ", out of time before it had faced all" * entry["out_of_time"]
    return f"{where} SURVIVED{late}\n    {entry['before']}\n    {entry['after']}"


def run(options: argparse.Namespace) -> int:
    """Face the sample, and write the record: 0 when no mutant survived but those listed as equivalent, else 1."""
    root = options.root.resolve()
    found = list(changes(root))
    reasons, entries, wrong = equivalent(root, found), [], 0
    chosen = sample(found, root, options.seed, options.count)
    with alone(root / "build" / "mutants") as folder:
        shop = Workshop(root, folder, options.limit)
        for change, entry in outcomes(shop, chosen, options.workers, options.again):
            reason = reasons.get(change[:4])
            wrong += bool(reason) == bool(entry["killed_by"])
            entries.append(judged(change, entry, reason))
            print(f"{len(entries)}/{len(chosen)} {line(entries[-1], reason)}", flush=True)
    record = summary(options.seed, entries)
    print(json.dumps({name: value for name, value in record.items() if name != "list"}))
    path = root / "benchmarks" / "mutants.json"
    part = path.with_suffix(".json.part")
    part.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")
    os.replace(part, path)
    return 1 if wrong else 0


def main(arguments: list[str]) -> int:
    """The command line: 0, 1 if a mutant survived, 2 if it cannot run, 130 if it was interrupted."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=0, help="of the sample (default: 0)")
    parser.add_argument("--count", type=int, default=200, help="mutants in the sample (default: 200)")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds of wall clock for each mutant (default: 60)")
    parser.add_argument(
        "--workers", type=int, default=1, help="at work at a time, each in its copy of the tree (default: 1)"
    )
    parser.add_argument("--again", action="store_true", help="face those that survived once more, new tests say")
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[1], help="the project's folder")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return run(parser.parse_args(arguments))
    except Refused as refusal:
        print(f"mutants: {refusal}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("mutants: interrupted; the same command goes on from here", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
