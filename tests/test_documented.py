"""Whatever is public says what it is: each symbol has a docstring, each array a shape, each constant a word."""

import ast
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "icrl").rglob("*.py"))
RESULTS = ("icrl/claims/", "icrl/exercises/")
"""Whose constants are the instances, statements and answers of one result, and whose arrays are those of the library."""

KINDS = tuple(f"icrl/algebra/{kind}.py" for kind in ("blocks", "dense", "entries", "floats", "tensors"))
"""Whose methods are the functions of their names in icrl.algebra, for one kind of matrix."""

ARRAY = re.compile(r"\b(ndarray|ArrayLike|Matrix|Tensor|Array)\b")
SHAPE = re.compile(r"\([\w|−+…, \[\]]*,[\w|−+… ]*\)|\w\)?×\(?\w|\bshapes?\b")
"""(n, d), (…, S, 1), (W,), n×n, or "of the shape of"."""

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def tree(file: str) -> ast.Module:
    return ast.parse((ROOT / file).read_text(encoding="utf-8"))


def definitions(body: list[ast.stmt], above: str = "") -> Iterator[tuple[str, Definition, ast.ClassDef | None]]:
    """Every public function, class and method: its name, itself, and the class that it is a method of."""
    for node in body:
        if isinstance(node, ast.If | ast.Try):
            yield from definitions(list(chain(node.body, node.orelse)), above)
        if isinstance(node, Definition) and not node.name.startswith("_") and not is_overload(node):
            yield above + node.name, node, None
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for name, inner, owner in definitions(node.body, f"{above}{node.name}."):
                yield name, inner, owner or node


def is_overload(node: Definition) -> bool:
    return any(ast.unparse(each) == "overload" for each in node.decorator_list)


def undocumented(module: ast.Module, elsewhere: frozenset[str] = frozenset()) -> list[str]:
    """What has no docstring; a method named in ``elsewhere`` is documented there."""
    own = [] if ast.get_docstring(module) else ["the module"]
    return own + [
        name
        for name, node, owner in definitions(module.body)
        if not ast.get_docstring(node) and not (owner and node.name in elsewhere)
    ]


def shapeless(module: ast.Module) -> list[str]:
    """The public functions of arrays whose docstring, or their class's, says no shape, and the array fields that a class's does not name."""
    found = []
    for name, node, owner in definitions(module.body):
        said = " ".join(ast.get_docstring(each) or "" for each in (node, owner) if each)
        if isinstance(node, ast.ClassDef):
            fields = [each for each in node.body if isinstance(each, ast.AnnAssign) and is_array(each.annotation)]
            names = [each.target.id for each in fields if isinstance(each.target, ast.Name)]
            found += [f"{name}.{field}" for field in names if not re.search(rf"\b{field}\b", said)]
            found += [name] if names and not SHAPE.search(said) else []
        elif any(map(is_array, annotations(node))) and not SHAPE.search(said):
            found.append(name)
    return found


def annotations(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.expr | None]:
    return [node.returns, *(each.annotation for each in chain(node.args.args, node.args.kwonlyargs))]


def is_array(annotation: ast.expr | None) -> bool:
    return annotation is not None and bool(ARRAY.search(ast.unparse(annotation)))


def unexplained(source: str) -> list[str]:
    """The public constants of a module without a comment, above or beside, or a string below; lines that touch share theirs."""
    lines, body = source.splitlines(), ast.parse(source).body
    found, waiting = [], []
    for node, after in zip(body, [*body[1:], None]):
        if not isinstance(node, ast.Assign | ast.AnnAssign):
            continue
        names = [each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)]
        commented = lines[node.lineno - 2].startswith("#") or "#" in "".join(lines[node.lineno - 1 : node.end_lineno])
        waiting += [] if commented else [name for name in names if name[0].isupper()]
        told = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        goes_on = isinstance(after, ast.Assign | ast.AnnAssign) and after.lineno == (node.end_lineno or 0) + 1
        if told or not goes_on:
            found, waiting = found + ([] if told else waiting), []
    return found


OPERATIONS = frozenset(name for name, *_ in definitions(tree("icrl/algebra/__init__.py").body))


@pytest.mark.parametrize("file", MODULES)
def test_every_public_symbol_has_a_docstring(file):
    assert undocumented(tree(file), OPERATIONS if file in KINDS else frozenset()) == []


@pytest.mark.parametrize("file", [file for file in MODULES if not file.startswith(RESULTS)])
def test_every_public_constant_is_explained(file):
    assert unexplained((ROOT / file).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "file", [file for file in MODULES if not file.startswith((*RESULTS, *KINDS, "icrl/arrays/", "icrl/verify/"))]
)
def test_every_array_has_a_shape(file):
    assert shapeless(tree(file)) == []


def test_a_planted_symbol_without_a_docstring_is_seen():
    planted = '"""A module."""\nclass C:\n    """C."""\n    @property\n    def p(self): ...\ndef f(): ...\ndef _g(): ...\nif C:\n    def h(): ...\n'
    assert undocumented(ast.parse(planted)) == ["C.p", "f", "h"]
    assert undocumented(ast.parse(planted), frozenset({"p", "f"})) == ["f", "h"]
    assert undocumented(ast.parse("x = 1")) == ["the module"]


def test_a_planted_array_without_a_shape_is_seen():
    planted = """
class C:
    '''Of ``a``.'''
    a: np.ndarray
    b: Matrix
    def value(self) -> np.ndarray:
        '''v.'''
class D:
    '''``a``: (S, d).'''
    a: np.ndarray
    def value(self) -> np.ndarray:
        '''v.'''
def f(x: ArrayLike) -> float:
    '''A number (of x).'''
def g(x: ArrayLike, *, y: Sequence) -> np.ndarray:
    '''Like x, (n+1,).'''
"""
    assert shapeless(ast.parse(planted)) == ["C.b", "C", "C.value", "f"]


def test_a_planted_constant_without_a_word_is_seen():
    planted = 'A = 1\nB = 2\n"""Both."""\nC = 3  # three\n# four\nD = 4\n\nE, F = 5, 6\n_G = 7\nh = 8\n'
    assert unexplained(planted) == ["E", "F"]
    assert unexplained("A = 1\nB: int = 2\n") == ["A", "B"]
