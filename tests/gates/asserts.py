"""What a notebook asserts must be able to fail: each function takes a notebook and returns its problems.

None reads whether an assert is about its section; how many there are in each is on record (:mod:`pinned`).
"""

import ast
import builtins
import re

from gates.cells import code_cells

CLOSE = {"allclose", "isclose", "assert_allclose", "approx"}
LOOSEST = 0.05
"""The largest tolerance that a comparison may be given."""
HIGHEST = 1e4
"""The largest number that an assert may say something stays below."""
CATCHING = {"AssertionError", "Exception", "BaseException"}
REACHING = {"setattr", "delattr", "exec", "eval", "compile", "vars", "globals", "locals", "__import__", "suppress"}
BUILT_IN = set(dir(builtins))


def python(code):
    """The syntax tree of a cell; lines for the shell and for IPython are left out."""
    return ast.parse(re.sub(r"(?m)^\s*[%!].*$", "", code))


def parsed(notebook):
    """(its count, syntax tree) of each code cell."""
    for cell in code_cells(notebook):
        yield cell.execution_count, python(cell.source)


def fixed(test):
    """Whether an expression is the same in every run: it names nothing, or is a tuple or a function, which are true."""
    return not any(isinstance(node, ast.Name) for node in ast.walk(test)) or isinstance(test, ast.Tuple | ast.Lambda)


def vacuous(test):
    """Whether a part of a test is fixed, or compares something with itself."""
    for node in ast.walk(test):
        if (
            isinstance(node, ast.BoolOp)
            and any(map(fixed, node.values))
            or isinstance(node, ast.IfExp)
            and fixed(node.test)
        ):
            return True
        if isinstance(node, ast.Compare):
            sides = [ast.dump(side) for side in (node.left, *node.comparators)]
            if any(one == other for one, other in zip(sides, sides[1:])):
                return True
    return fixed(test)


def asserts_something(code):
    """Whether the code holds an `assert` that could fail."""
    return any(isinstance(node, ast.Assert) and not vacuous(node.test) for node in ast.walk(python(code)))


def vacuous_asserts(notebook):
    """No assert that holds whatever was computed, and none that only stands under a condition which is fixed."""
    found = [
        (count, node)
        for count, tree in parsed(notebook)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assert) and vacuous(node.test) or isinstance(node, ast.If) and fixed(node.test)
    ]
    return [f"cell [{count}] has a test that cannot fail: {ast.unparse(node)[:60]}" for count, node in found]


def number(node):
    """The value of a constant, a sum or a power of constants; None for anything else."""
    try:
        return float(eval(compile(ast.Expression(node), "", "eval"), {"__builtins__": {}}))
    except (NameError, TypeError, ValueError, AttributeError):
        return None


def tolerances(call):
    """The tolerances that a call gives, its third and later arguments too."""
    name = ast.unparse(call.func).rpartition(".")[2]
    given = [word.value for word in call.keywords if word.arg in {"atol", "rtol", "rel", "abs", "rel_tol", "abs_tol"}]
    return [*call.args[1 if name == "approx" else 2 :], *given] if name in CLOSE else []


def upper_bounds(test):
    """The constants that an assert says something is at most."""
    for node in ast.walk(test):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            for low, operator, high in zip(sides, node.ops, sides[1:]):
                if isinstance(operator, ast.Lt | ast.LtE) and not fixed(low):
                    yield high
                elif isinstance(operator, ast.Gt | ast.GtE) and not fixed(high):
                    yield low


def loose_asserts(notebook):
    """No tolerance above ``LOOSEST`` or that is no constant, and no bound above ``HIGHEST``."""
    problems = []
    for count, tree in parsed(notebook):
        for node in ast.walk(tree):
            for given in tolerances(node) if isinstance(node, ast.Call) else ():
                if number(given) is None or not number(given) <= LOOSEST:
                    problems.append(f"cell [{count}] compares with the tolerance {ast.unparse(given)}")
            for bound in upper_bounds(node.test) if isinstance(node, ast.Assert) else ():
                if number(bound) is not None and not number(bound) <= HIGHEST:
                    problems.append(f"cell [{count}] asserts no more than a bound of {ast.unparse(bound)}")
    return problems


def bound(tree):
    """(name, what binds it) for everything a cell binds."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield (
                    (alias.asname or alias.name).partition(".")[0],
                    alias.name if isinstance(node, ast.Import) else node,
                )
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id, node
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node
        elif isinstance(node, ast.arg):
            yield node.arg, node
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name, node
        elif isinstance(node, ast.MatchMapping) and node.rest:
            yield node.rest, node


def replaced_names(notebook):
    """No built-in, no NumPy and nothing imported is given another meaning; nothing is put into a module or an object."""
    problems, imported = [], set()
    for count, tree in parsed(notebook):
        names = list(bound(tree))
        for name, by in names:
            is_import = isinstance(by, str | ast.ImportFrom)
            if name in BUILT_IN or name == "np" and by != "numpy":
                problems.append(f"cell [{count}] gives {name} another meaning")
            elif name in imported and not is_import and not isinstance(by, ast.arg):
                problems.append(f"cell [{count}] replaces {name}, which was imported")
            if is_import:
                imported.add(name)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and (not isinstance(node.ctx, ast.Load) or node.attr == "__dict__"):
                problems.append(f"cell [{count}] puts something into {ast.unparse(node)}")
            if (
                isinstance(node, ast.Subscript)
                and not isinstance(node.ctx, ast.Load)
                and "sys.modules" in ast.unparse(node)
            ):
                problems.append(f"cell [{count}] puts something into {ast.unparse(node)}")
            if isinstance(node, ast.Name) and node.id in REACHING:
                problems.append(f"cell [{count}] uses {node.id}")
    return problems


def caught_asserts(notebook):
    """No handler that would catch the failure of an assert."""
    return [
        f"cell [{count}] catches {ast.unparse(handler.type) if handler.type else 'everything'}"
        for count, tree in parsed(notebook)
        for handler in ast.walk(tree)
        if isinstance(handler, ast.ExceptHandler)
        and (
            handler.type is None
            or CATCHING & {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}
        )
    ]


def unread_lines(notebook):
    """No line for the shell or for IPython, which can change what the names of a notebook mean."""
    return [
        f"cell [{cell.execution_count}] has a line that is not Python: {line.strip()[:40]}"
        for cell in code_cells(notebook)
        for line in cell.source.splitlines()
        if re.match(r"\s*[%!]", line)
    ]


GATES = (vacuous_asserts, loose_asserts, replaced_names, caught_asserts, unread_lines)
