"""The arrays that stand in for NumPy's, against NumPy: values, types of entry, shapes, and what is refused."""

import math
import operator
from fractions import Fraction

import numpy
import pytest
from flint import arb
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sympy import Matrix, Rational, Symbol

from icrl.arrays import np as chosen
from icrl.arrays import plain

SOME = settings(deadline=None, max_examples=40)

ENTRIES = {
    "b": st.booleans(),
    "i": st.integers(-4, 4),
    "f": st.integers(-16, 16).map(lambda k: k / 8),  # sums and products of these are exact in any order
    "O": st.fractions(-3, 3, max_denominator=4),
}
TYPES = {"b": bool, "i": int, "f": float, "O": object}
SHAPES = st.lists(st.integers(0, 3), max_size=3).map(tuple)


@st.composite
def arrays(draw, shapes=SHAPES, kinds="bifO"):
    """One array twice, NumPy's and the plain one."""
    shape, kind = draw(shapes), draw(st.sampled_from(kinds))
    size = math.prod(shape)
    line = draw(st.lists(ENTRIES[kind], min_size=size, max_size=size))
    return tuple(np.array(line, TYPES[kind]).reshape(shape) for np in (numpy, plain))


@st.composite
def fitting(draw, kinds="bifO"):
    """Two arrays whose shapes broadcast."""
    shape = draw(SHAPES)
    shapes = [
        tuple(size if draw(st.booleans()) else 1 for size in shape[draw(st.integers(0, len(shape))) :])
        for _ in range(2)
    ]
    return tuple(draw(arrays(st.just(each), kinds)) for each in shapes)


def outcome(f, np, *operands):
    """What f gives, or the error it raises."""
    try:
        with numpy.errstate(all="ignore"):
            return f(np, *operands)
    except (ValueError, TypeError, IndexError, ZeroDivisionError, OverflowError) as error:
        return error


def flat(x):
    """Shape, kind and entries, each with its type, and NaN equal to itself."""
    if isinstance(x, (numpy.ndarray, numpy.generic)):
        x = numpy.asarray(x)
        kind, shape, entries = x.dtype.kind, x.shape, x.ravel().tolist()
    elif isinstance(x, plain.ndarray):
        kind, shape, entries = x.dtype.kind, x.shape, x.entries()
    else:
        kind, shape, entries = None, (), [x]
    return kind, shape, [(type(entry), "nan" if entry != entry else entry) for entry in entries]


def assert_same(got, right):
    """One outcome as NumPy's; a number may lack the kind that NumPy's numbers have."""
    if isinstance(right, Exception):
        assert isinstance(got, Exception), (got, right)
    elif isinstance(right, (tuple, list)):
        assert len(got) == len(right)
        for one, other in zip(got, right):
            assert_same(one, other)
    else:
        assert not isinstance(got, Exception), (got, right)
        kind, shape, entries = flat(right)
        assert flat(got)[1:] == (shape, entries)
        assert flat(got)[0] in ((kind, None) if shape == () else (kind,))


def agree(f, *pairs):
    """f of the plain arrays is what f of NumPy's is, and so are the arrays afterwards."""
    right, got = (outcome(f, np, *(pair[side] for pair in pairs)) for side, np in enumerate((numpy, plain)))
    assert_same(got, right)
    for one, other in pairs:
        assert_same(other, one)


ARITHMETIC = ("add", "sub", "mul", "truediv", "and_", "or_", "xor", "eq", "ne", "lt", "le", "gt", "ge", "matmul")


@pytest.mark.parametrize("name", ARITHMETIC)
@settings(SOME)
@given(st.one_of(fitting(), st.tuples(arrays(), arrays())))
def test_operators(name, pair):
    f = getattr(operator, name)
    agree(lambda np, a, b: f(a, b), *pair)


@pytest.mark.parametrize("name", ["add", "sub", "mul", "truediv", "eq", "lt"])
@pytest.mark.parametrize("number", [2, 0, -0.5, True, Fraction(1, 3)])
@settings(SOME)
@given(arrays())
def test_operators_with_a_number(name, number, a):
    f = getattr(operator, name)
    agree(lambda np, a: f(a, number), a)
    agree(lambda np, a: f(number, a), a)


@settings(SOME)
@given(arrays(kinds="ifO"), st.integers(-2, 3))
def test_powers(a, n):
    agree(lambda np, a: a**n, a)
    agree(lambda np, a: 2.0**a if a.dtype.kind == "f" else a, a)


@pytest.mark.parametrize("name", ["iadd", "isub", "imul", "itruediv"])
@settings(SOME)
@given(fitting())
def test_operators_in_place_and_their_views(name, pair):
    f = getattr(operator, name)
    agree(lambda np, a, b: f(a, b) if a.ndim else a, *pair)
    agree(lambda np, a, b: f(a.T, b.T) if a.ndim else a, *pair)


@st.composite
def products(draw):
    m, n, p = (draw(st.integers(0, 3)) for _ in range(3))
    batch = draw(st.lists(st.integers(1, 2), max_size=1).map(tuple))
    left = draw(st.sampled_from([(*batch, m, n), (m, n), (n,), (m, n + 1)]))
    return draw(arrays(st.just(left))), draw(arrays(st.sampled_from([(*batch, n, p), (n, p), (n,)])))


@settings(SOME, max_examples=200)
@given(products())
def test_matrix_products(pair):
    agree(lambda np, a, b: a @ b, *pair)


def test_a_list_on_the_left_of_a_product():
    agree(lambda np: [[1, 2], [3, 4]] @ np.array([[0, 1], [1, 1]]))


@pytest.mark.parametrize("entries", [[1.0], [1j], [1], [True]])
def test_what_is_complex(entries):
    assert plain.iscomplexobj(plain.array(entries)) == numpy.iscomplexobj(numpy.array(entries))


AXES = st.sampled_from([None, 0, 1, -1, -2, (0, 1), (-1, -2), 5])


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "mean", "all", "any"])
@settings(SOME)
@given(arrays(), AXES, st.booleans())
def test_reductions(name, a, axis, keepdims):
    if (name == "mean" and not a[0].size) or (axis is not None and not a[0].ndim):
        return  # NumPy warns of the one, and takes the other for an axis
    agree(lambda np, a: getattr(a, name)(axis=axis, keepdims=keepdims), a)
    agree(lambda np, a: getattr(np, name)(a, axis), a)


@pytest.mark.parametrize("name", ["argmax", "argmin", "cumsum", "ptp"])
@settings(SOME)
@given(arrays(kinds="ifO"), st.sampled_from([None, 0, -1]))
def test_along_one_axis(name, a, axis):
    if axis is None or a[0].ndim:
        agree(lambda np, a: getattr(np, name)(a, axis=axis), a)


@settings(SOME)
@given(arrays(kinds="if"), st.sampled_from([None, 0, 1]))
def test_extremes_with_a_first_value(a, axis):
    if axis is not None and not a[0].ndim:
        return
    agree(lambda np, a: a.max(axis=axis, initial=0), a)
    agree(lambda np, a: a.min(axis=axis, initial=0), a)


def index_of(size):
    """What may stand for an axis in an index, now and then out of range."""
    ends = st.one_of(st.none(), st.integers(-4, 4))
    inside = st.integers(-size, size - 1) if size else st.integers(0, 0)
    return st.one_of(
        inside,
        inside,
        st.integers(-4, 4),
        st.builds(slice, ends, ends, st.sampled_from([None, 1, 2, -1])),
        st.lists(inside, min_size=1, max_size=3),
        st.lists(st.booleans(), min_size=size, max_size=size).map(lambda mask: mask or slice(None)),
    )


@st.composite
def indexed(draw):
    """An array and an index of it."""
    a = draw(arrays())
    key = [draw(index_of(size)) for size in a[0].shape[: draw(st.integers(0, 3))]]
    for extra in draw(st.lists(st.sampled_from([None, Ellipsis, 0]), max_size=2)):
        key.insert(draw(st.integers(0, len(key))), extra)
    return a, tuple(key)


def counted(*shape):
    """0, 1, 2, … in this shape, NumPy's array and the plain one."""
    return tuple(np.arange(math.prod(shape)).reshape(shape) for np in (numpy, plain))


@settings(SOME, max_examples=200)
@given(indexed())
@example((counted(3, 2, 2), (None, [False, False, False], ..., 0, 0)))  # an Ellipsis of no axis parts the indices too
def test_entries_by_index(given_):
    a, key = given_
    agree(lambda np, a: a[key], a)
    agree(lambda np, a: a[key[0]] if len(key) == 1 else a, a)


@settings(SOME, max_examples=200)
@given(indexed(), arrays())
def test_entries_set_by_index(given_, value):
    a, key = given_

    def put(np, a, value):
        a[key] = value if a.dtype.kind == "O" or value.dtype.kind != "O" else value.astype(float)
        return a

    there = outcome(lambda np, a: a[key], numpy, a[0])
    if a[0].dtype.kind == "O" and not isinstance(there, numpy.ndarray):
        return  # NumPy puts the value itself there, as an entry
    by_arrays = isinstance(there, numpy.ndarray) and any(isinstance(item, list) for item in key)
    if by_arrays and value[0].ndim > there.ndim:
        return  # NumPy takes some such values that do not fit, and refuses some that would
    agree(put, a, value)
    agree(lambda np, a: put(np, a, np.array(1)) if a.dtype.kind != "O" else a, a)


NO_INDICES = [True, [0.0], [Fraction(1)], plain.array(True), plain.array(False), (plain.array(True), [])]


@pytest.mark.parametrize("key", NO_INDICES, ids=str)
def test_what_is_no_index_is_refused(key):
    """Among them a Boolean without axes, which NumPy takes for a new axis."""
    with pytest.raises(IndexError, match="integer"):
        plain.zeros((2, 2))[key]


@settings(SOME)
@given(arrays(st.lists(st.integers(0, 3), min_size=1, max_size=3).map(tuple)))
def test_a_mask_of_all_axes(a):
    agree(lambda np, a: a[a > 0], a)
    agree(lambda np, a: np.where(a > 0, a, 0), a)
    agree(lambda np, a: np.where(a > 0) if a.ndim else a, a)
    agree(lambda np, a: [np.flatnonzero(a > 0), np.argwhere(a > 0)] if a.ndim else a, a)

    def cleared(np, a):
        a[a > 0] = 0
        return a

    agree(cleared, a)


VIEWS = {
    "T": lambda np, a: a.T,
    "swapaxes": lambda np, a: a.swapaxes(0, -1),
    "reshape": lambda np, a: a.T.reshape(-1),
    "ravel": lambda np, a: a.T.ravel(),
    "squeeze": lambda np, a: a.squeeze(),
    "copy": lambda np, a: a.copy(),
    "tolist": lambda np, a: np.array(a.tolist(), a.dtype),
    "astype float": lambda np, a: a.astype(float),
    "astype object": lambda np, a: a.astype(object),
    "astype bool": lambda np, a: a.astype(bool),
    "rows": lambda np, a: list(a),
    "flat": lambda np, a: [np.array(list(a.flat), a.dtype), len(a.flat)],
    "length": lambda np, a: len(a),
    "contains": lambda np, a: 1 in a,
    "abs": lambda np, a: abs(a),
    "neg": lambda np, a: -a,
    "invert": lambda np, a: ~a,
    "truth": lambda np, a: bool(a) if a.size else 0,
    "unique": lambda np, a: np.unique(a, return_counts=True),
    "inverse": lambda np, a: np.unique(a, return_inverse=True),
    "like": lambda np, a: [np.zeros_like(a), np.ones_like(a)],
    "stack": lambda np, a: np.stack([a, a, 0 * a], axis=-1),
    "roll": lambda np, a: [np.roll(a, 1, axis=0), np.roll(a, -2, axis=-1), np.roll(a, 1)],
    "broadcast": lambda np, a: np.broadcast_to(a, (2, *a.shape)) + 0,
    "sort": lambda np, a: np.sort(a),
    "equal": lambda np, a: [np.array_equal(a, a.copy()), np.array_equal(a, a + 1)] if a.dtype.kind != "b" else [],
    "split": lambda np, a: np.split(a, [1], axis=-1),
    "outer": lambda np, a: np.outer(a, a),
    "append": lambda np, a: np.append(a, a),
    "delete": lambda np, a: np.delete(a, 0),
    "diagonal": lambda np, a: [a.diagonal(), np.trace(a), np.diag(a)] if a.ndim == 2 else [],
    "matrix_power": lambda np, a: [np.linalg.matrix_power(a, n) for n in range(5)] if a.dtype.kind != "b" else [],
    "kron": lambda np, a: np.kron(a, a) if a.ndim == 2 else a,
    "filled": lambda np, a: [a.fill(1), a][1],
}


@pytest.mark.parametrize("name", VIEWS)
@settings(SOME)
@given(arrays())
def test_functions_of_one_array(name, a):
    if name == "matrix_power" and not (a[0].ndim == 2 and a[0].size):
        return
    if a[0].dtype.kind == "O" and name == "invert":
        return
    agree(VIEWS[name], a)


PAIRS = {
    "concatenate": lambda np, a, b: np.concatenate([a, b]),
    "concatenate along the last": lambda np, a, b: np.concatenate([a, b], axis=-1),
    "hstack": lambda np, a, b: np.hstack([a, b]),
    "vstack": lambda np, a, b: np.vstack([a, b]) if min(a.ndim, b.ndim) else a,
    "stack": lambda np, a, b: np.stack([a, b]),
    "where": lambda np, a, b: np.where(a > b, a, b),
    "maximum": lambda np, a, b: [np.maximum(a, b), np.minimum(a, b)],
    "array of arrays": lambda np, a, b: np.array([a, b]) if a.shape == b.shape != () else a,
    "broadcast": lambda np, a, b: np.broadcast_shapes(a.shape, b.shape),
    "vectorize": lambda np, a, b: np.vectorize(lambda x, y: x + y, otypes=[object])(a, b),
    "multiply": lambda np, a, b: np.multiply(a, b),
}


@pytest.mark.parametrize("name", PAIRS)
@settings(SOME)
@given(st.one_of(fitting(), st.tuples(arrays(), arrays())))
def test_functions_of_two_arrays(name, pair):
    agree(PAIRS[name], *pair)


@settings(SOME)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=6), st.integers(0, 6), arrays(st.just((5,)), "if"))
def test_counting(places, least, a):
    weights = [k / 4 for k in range(len(places))]
    agree(lambda np: np.bincount(places, minlength=least))
    agree(lambda np: np.bincount(np.array(places), weights, least))
    agree(lambda np: np.searchsorted([0, 1, 1, 2], np.array(places), side="right"))
    agree(lambda np: np.searchsorted([0, 1, 1, 2], np.array(places)))

    def added(np, a):
        np.add.at(a, places, 1)
        np.add.at(a, (np.array(places),), a[places])
        return a

    agree(added, a)


MADE = {
    "nested lists": lambda np: np.array([[1, 2], [3, 4]]),
    "mixed": lambda np: np.array([[True, 2], [3, 4.5]]),
    "with a Fraction": lambda np: np.array([1, Fraction(1, 2), 0.5]),
    "empty": lambda np: [np.array([]), np.array([[], []]), np.zeros((0, 2))],
    "ragged": lambda np: np.array([[1], [2, 3]]),
    "ragged objects": lambda np: len(np.array([[1], [2, 3]], object)),
    "objects": lambda np: [
        np.zeros((2, 2), object),
        np.ones(2, object),
        np.eye(2, dtype=object),
        np.full(2, Fraction(1, 3)),
    ],
    "eye": lambda np: [np.eye(3, k=1), np.eye(2, 3, dtype=int), np.eye(2, dtype=bool), np.identity(2)],
    "arange": lambda np: [np.arange(4), np.arange(1, 8, 3), np.arange(0, 1, 0.25), np.arange(3, 0, -1), np.arange(2.0)],
    "no column": lambda np: np.zeros((2, 0), object) @ np.zeros((0, 2), object),
    "ndindex": lambda np: [list(np.ndindex(2, 2)), list(np.ndindex((1, 3))), list(np.ndindex(()))],
    "arrays in an index": lambda np: [
        np.arange(24).reshape(2, 3, 4)[key]
        for key in (
            *(([0, 1], slice(None), [1, 2]), (0, slice(None), [1, 2]), (slice(None), [0, 1], [1, 2])),
            *((slice(None), 0, [1, 2]), (slice(None), [[0], [1]]), ([0, 1], None, [1, 2]), (Ellipsis, [[3]])),
            *(
                (None, [0, 1], slice(None), [1, 2]),
                (None, 1, None, [2, 0]),
            ),
        )
    ],
    "ix_": lambda np: np.eye(3)[np.ix_([0, 2], [1, 2])],
    "triu": lambda np: np.triu_indices(3, 1),
    "block": lambda np: np.block([[np.eye(2), np.ones((2, 1))], [np.zeros((1, 2)), np.full((1, 1), 5.0)]]),
    "column_stack": lambda np: np.column_stack([np.eye(2), np.arange(2)]),
    "insert": lambda np: [np.insert(np.arange(3), 1, 7), np.insert(np.array([Fraction(1)], object), 0, Fraction(2))],
    "delete": lambda np: [np.delete(np.arange(3), 1), np.delete(np.eye(3), [0, 2], 1)],
    "unravel": lambda np: tuple(map(int, np.unravel_index(5, (2, 3)))),
    "rows": lambda np: np.unique(np.array([[1, 2], [0, 3], [1, 2]]), axis=0),
    "complex": lambda np: np.sort_complex(np.array([1 + 2j, 1 - 2j, 0j])),
    "without axes": lambda np: [np.abs(np.asarray(-2.0)).max(), f"{np.exp(np.array(0.0)):.2f}", np.array(3) + 1],
    "round": lambda np: [np.round(np.array([0.125, 2.5, -1.75]), 2), np.round(0.15, 1)],
    "infinities": lambda np: np.array([1.0, -1.0, 0.0, math.nan]) / np.array([0.0, 0.0, 0.0, 1.0]),
    "NaN": lambda np: [np.array([1.0, math.nan, 2.0]).max(), np.array([1.0, math.nan, 2.0]).argmin()],
    "powers": lambda np: np.array([-2.0, 0.0, 10.0, -8.0]) ** np.array([0.5, -1.0, 999.0, 3.0]),
    "overflow": lambda np: [
        np.exp(np.array([0.0, 1e4])),
        np.log(np.array([1.0, 0.0, -1.0])),
        np.sqrt(np.array([4.0, -1.0])),
    ],
    "finite": lambda np: [np.isfinite([1.0, math.inf, math.nan]), np.isnan([1.0, math.nan]), np.isfinite(1.0).all()],
    "no exp": lambda np: np.exp(np.array([Fraction(1)])),
    "close": lambda np: [np.allclose([1.0], [1.0 + 1e-9]), np.allclose([1.0], [1.1]), np.allclose([math.inf], [1.0])],
    "cast": lambda np: np.array([1.5, -1.5]).astype(int),
    "text": lambda np: np.array(["no"], float),
    "not an index": lambda np: np.eye(2)[0.5],
    "read only": lambda np: np.broadcast_to(np.zeros(2), (2, 2)).__setitem__((0, 0), 1.0),
    "float of a vector": lambda np: float(np.zeros(2)),
    "no number of floats": lambda np: np.linalg.solve(np.eye(2).astype(object), np.zeros(2)),
    "not square": lambda np: np.linalg.solve(np.zeros((2, 3)), np.zeros(2)),
    "hash": lambda np: hash(np.zeros(1)),
    "empty maximum": lambda np: np.zeros(0).max(),
    "not one": lambda np: bool(np.zeros(2)),
}


@pytest.mark.parametrize("name", MADE)
def test_what_is_made(name):
    right, got = (outcome(MADE[name], np) for np in (numpy, plain))
    assert_same(got, right)
    assert not isinstance(got, Exception) or isinstance(
        right, got.__class__.__mro__[got.__class__ is plain.linalg.LinAlgError]
    )


@settings(SOME)
@given(st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_linear_algebra_in_floats(n, seed):
    a, b = numpy.random.default_rng(seed).normal(size=(n, n)) + 3 * numpy.eye(n), numpy.arange(n * 2.0).reshape(n, 2)
    ours, right = plain.linalg, numpy.linalg
    A, B = a.tolist(), b.tolist()
    close = lambda got, wanted: numpy.testing.assert_allclose(numpy.array(got.tolist()), wanted, rtol=1e-9, atol=1e-9)
    close(ours.solve(A, B), right.solve(a, b))
    close(ours.solve(A, [row[0] for row in B]), right.solve(a, b[:, 0]))
    close(ours.inv(A), right.inv(a))
    in_order = lambda values: sorted(values, key=lambda z: (round(z.real, 6), z.imag))
    numpy.testing.assert_allclose(in_order(ours.eigvals(A)), in_order(right.eigvals(a)), rtol=1e-9, atol=1e-9)
    assert (ours.eigvals(A).dtype.kind == "f") == (right.eigvals(a).dtype.kind == "f")
    close(ours.eigvalsh(plain.array(A) + plain.array(A).T), right.eigvalsh(a + a.T))
    close(ours.svd(A)[1], right.svd(a)[1])
    U, sizes, V = ours.svd(A)
    close((U * sizes) @ V, a)
    close(ours.pinv(A), right.pinv(a))
    close(ours.lstsq(A[:1], B[:1])[0], right.lstsq(a[:1], b[:1], rcond=None)[0])
    close(ours.norm(A, axis=1), right.norm(a, axis=1))
    assert math.isclose(ours.norm(A), right.norm(a)) and math.isclose(ours.norm(A, math.inf), right.norm(a, math.inf))


def test_a_singular_system_is_refused():
    with pytest.raises(plain.linalg.LinAlgError, match="Singular"):
        plain.linalg.solve([[1.0, 2.0], [2.0, 4.0]], [1.0, 1.0])


def test_balls_and_expressions_stay_what_they_are():
    s = Symbol("s")
    balls = plain.array([[arb(2), arb(1) / 3], [arb(0), arb(1)]], object)
    assert {type(x) for x in (arb(2) * balls @ balls).entries()} == {arb} == {type(x) for x in plain.exp(balls).flat}
    assert (s * plain.array([s, 2], object)).tolist() == [s**2, 2 * s]
    assert (s + plain.array([[s]], object)).tolist() == [[2 * s]] and (s - plain.array(s, object)) == 0
    assert Matrix(plain.array([[s, 1], [0, s]])).det() == s**2
    assert plain.array(Matrix([[1, s]])).tolist() == [[1, s]] and plain.array([Rational(1, 2)]).dtype == object


def test_the_products_of_balls_are_those_of_numpy_to_the_last_bit():
    line = [arb(k) / 7 - arb(k * k) / 5 for k in range(16)]
    ours, right = ((lambda a: a @ a @ a.T)(np.array(line, object).reshape(4, 4)) for np in (plain, numpy))
    assert [x.mid_rad_10exp(30) for x in ours.flat] == [x.mid_rad_10exp(30) for x in right.flat]


def test_where_numpy_is_installed_it_is_chosen():
    assert chosen is numpy


@pytest.mark.parametrize("name", ["random", "einsum", "fft"])
def test_what_is_not_here_is_said_to_need_numpy(name):
    with pytest.raises(ModuleNotFoundError, match="needs numpy") as refused:
        getattr(plain, name)
    assert refused.value.name == "numpy"
    with pytest.raises(ModuleNotFoundError, match="needs numpy"):
        _ = plain.linalg.qr
    assert not hasattr(plain, "__wrapped__")


@pytest.mark.parametrize(
    "call",
    [
        lambda np: np.array(3) @ np.array([1, 2]),
        lambda np: np.array([1, 2]) @ np.array(3),
        lambda np: np.arange(6).reshape(4, 2),
        lambda np: np.arange(6).reshape(-1, 4),
    ],
)
def test_shapes_that_do_not_fit_are_refused_as_by_numpy(call):
    for arrays_of in (numpy, plain):
        with pytest.raises(ValueError):
            call(arrays_of)
