r"""The two heads that need no target-memory step, on every kind of matrix.

A token is a transition :math:`a_j \to b_j` with both of its ends, a column of the matrix :math:`Z`:

====================  ====  ====================================================================
rows                        column j
====================  ====  ====================================================================
``before``            d     :math:`x(a_j)`, the features of the state that it leaves
``after``             d     :math:`x(b_j)`, those of the state that it enters
``reward``            1     :math:`r_j`
``target``            1     :math:`t_j`, which holds :math:`\gamma v(b_j)`
``value``             1     :math:`v_j`, which holds :math:`v(a_j)`
====================  ====  ====================================================================

Two heads read :math:`\alpha(r + t - v)` from the keys :math:`x(a_k)`. Head 0 asks with :math:`x(a_j)`, its score is
:math:`\langle x(a_k), A x(a_j) \rangle`, and adds what it reads to :math:`v_j`; head 1 asks with :math:`x(b_j)`, and adds γ times what
it reads to :math:`t_j`. If :math:`v_j = v_0(a_j)` and :math:`t_j = \gamma v_0(b_j)` in every token, then after l layers
:math:`v_j = v_l(a_j)` and :math:`t_j = \gamma v_l(b_j)` in every token, with :math:`v_l` that of weighted softmax TD on the visible
transitions. Nothing is shifted: the tokens may stand in any order, and come from one trajectory, from many, or from a bag.

Source: found for this book.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from icrl.algebra import (
    Matrix,
    bands,
    finite,
    identity,
    kind,
    of_one_kind,
    place,
    scalar,
    shift,
    softmax,
    stack,
    transpose,
)
from icrl.arrays import np
from icrl.mrp import Context, context_itself, finite_array, number, state_array
from icrl.prompt import rows
from icrl.transformer import Head, Normaliser, Parameters

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

BEFORE, AFTER, REWARD, TARGET, VALUE = range(5)
"""The bands of a token, from above."""


class TokenRows(NamedTuple):
    """The five named bands: ``before`` and ``after`` (…, d, N), ``reward``, ``target`` and ``value`` (…, 1, N)."""

    before: Matrix
    after: Matrix
    reward: Matrix
    target: Matrix
    value: Matrix


def token_sizes(d: Any) -> tuple[Any, Any, int, int, int]:
    """How many rows each band of a token has: d, d, 1, 1, 1."""
    return d, d, 1, 1, 1


def token_rows(Z: Matrix) -> TokenRows:
    """The named bands of tokens (…, 2d+3, N): shapes (…, d, N) twice and (…, 1, N) three times; views, where Z is an array or a tensor."""
    return TokenRows(*bands(Z, token_sizes((Z.shape[-2] - 3) // 2)))


def token_matrix(before: Matrix, after: Matrix, reward: Matrix, target: Matrix, value: Matrix) -> Matrix:
    r"""The tokens, (…, 2d+3, N): column j is :math:`(x(a_j), x(b_j), r_j, t_j, v_j)`.

    before, after: (…, d, N); reward, target, value: (…, 1, N), of one kind (:mod:`icrl.algebra`); the target is for the caller to set, to
    :math:`\gamma v_0(b_j)`. Raises ``ValueError`` when the kinds differ, the shapes do not fit, N = 0, or an entry is no
    floating-point number, NaN or infinite.
    """
    given = TokenRows(before, after, reward, target, value)._asdict()
    of_one_kind("before, after, reward, target and value", {name: finite(name, X) for name, X in given.items()})
    if len(before.shape) < 2 or before.shape[-1] == 0:
        raise ValueError(f"before must have shape (…, d, N) with N >= 1, got {tuple(before.shape)}")
    d, N = before.shape[-2:]
    for (name, X), size in zip(given.items(), token_sizes(d)):
        if tuple(X.shape[-2:]) != (size, N):
            raise ValueError(f"{name} must have shape (…, {size}, {N}) as before {(d, N)}, got {tuple(X.shape)}")
    return stack(*given.values())


def with_next_features(Z: Matrix, n: Any) -> Matrix:
    r"""The tokens (…, 2d+3, N) of a prompt (…, d+3, N) of :mod:`icrl.prompt`: each column with the features of the next state besides, :math:`X\Pi`.

    n: as in :func:`icrl.algebra.shift`. Where Π has a column of 0, in queries and terminations, the features are 0.
    """
    features, reward, target, value = rows(Z)
    return stack(features, features @ shift(n, Z), reward, target, value)


def context_tokens(
    context: Context,
    features: ArrayLike,
    gamma: float,
    v: ArrayLike | None = None,
    queries: ArrayLike | None = None,
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    r"""The tokens of a context, floats (2d+3, N), and the masks of the two heads (:func:`visible_keys`).

    Its n transitions in order, then a token for each query, then the sink, if a transition terminated. features: (S, d), row
    s is x(s); gamma: the discount, in [0, 1), or 1 where a trajectory terminated; v: (S,), the initial value of each state, 0 unless given;
    queries: (q,), the states to ask for besides, those in which a trajectory was cut unless given, each once. A query holds its features and
    v_0 alone. A transition that terminated enters no state: its second features and its target are 0.

    Raises ``ValueError`` for what is no :class:`~icrl.mrp.Context`, for γ outside its range, for queries that are no states, and for
    features or values that are not finite real numbers of these shapes or do not cover the states.
    """
    ends, before, after = context_itself(context).terminated, context.before, context.after
    if gamma == 1 and not ends.any():
        raise ValueError("gamma must be below 1 where no trajectory terminated, got 1")
    number("gamma", gamma, "[0, 1]")
    asked = np.asarray(cut_states(context) if queries is None else state_array("queries", queries), int)
    x = finite_array("features", features, ("S", "d"))
    given = np.zeros(len(x)) if v is None else finite_array("v", v, (len(x),))
    if len(x) <= (most := max(*context.states.tolist(), *asked.tolist())):
        raise ValueError(f"features must have a row for each of the states 0..{most}, got shape {x.shape}")
    parts = {
        (BEFORE, 0): x[before].T,
        (AFTER, 0): x[after].T * ~ends,
        (REWARD, 0): context.rewards[None],
        (TARGET, 0): gamma * given[None, after] * ~ends,
        (VALUE, 0): given[None, before],
        (BEFORE, 1): x[asked].T,
        (VALUE, 1): given[None, asked],
    }
    columns = len(ends), len(asked), int(ends.any())
    return place(parts, token_sizes(x.shape[1]), columns, x), visible_keys(ends, len(asked))


def cut_states(context: Context) -> list[int]:
    """The states in which a trajectory was cut, each once, in order."""
    lasts = context.states[context.lasts].tolist()
    return list(dict.fromkeys(s for s, (_, terminated) in zip(lasts, context.endings) if not terminated))


class Projections(NamedTuple):
    r"""One head as its four projections: tokens z, of R rows, are read as queries :math:`W_Q z`, keys :math:`W_K z` and values :math:`W_V z`.

    ``query``, ``key``: (…, k, R); ``value``: (…, m, R); ``out``, :math:`W_O`: (…, R, m). The score is
    :math:`\langle W_K z_k, W_Q z_j \rangle`; PyTorch divides it by √h, h its head dimension, and :func:`~icrl.stock.modules.load`
    multiplies the queries by √h.
    """

    query: Matrix
    key: Matrix
    value: Matrix
    out: Matrix

    def head(self, visible: Any, normalise: Normaliser = softmax) -> Head:
        r"""The head of :mod:`icrl.transformer` that this is: :math:`A = W_K^\top W_Q` and :math:`V = W_O W_V`, R×R, with this mask."""
        return Head(transpose(self.key) @ self.query, self.out @ self.value, visible, normalise)


def stock_heads(
    d: Any, gamma: Any, alpha: Any, like: Matrix, A: Matrix | None = None
) -> tuple[Projections, Projections]:
    r"""The two heads, by their projections: :math:`W_K = [I\;0\;0\;0\;0]` and :math:`W_V = \alpha [0\;0\;1\;1\;{-1}]` in both,

    :math:`W_Q = [A\;0\;0\;0\;0]` and :math:`W_O = e_v` in head 0, :math:`W_Q = [0\;A\;0\;0\;0]` and
    :math:`W_O = \gamma e_t` in head 1, v the value row and t the target row.

    d: the number of features; gamma, alpha: numbers, or arrays with one per batch member; A: (d, d), :math:`I_d` unless
    given; like: a matrix of the kind wanted. Raises ``ValueError`` when ``A`` is not d×d or not of the kind of ``like``, when gamma
    or alpha is a list or a tuple, and for NaN or infinity in floats.
    """
    if A is not None and (kind(A, "A"), tuple(A.shape[-2:])) != (kind(like, "like"), (d, d)):
        raise ValueError(
            f"A must be d×d with d = {d} and of the kind {kind(like)}, got kind {kind(A)}, shape {tuple(A.shape)}"
        )
    sizes = token_sizes(d)
    asks = identity(d, like) if A is None else finite("A", A)
    step, discount, one = scalar(alpha, like, "alpha"), scalar(gamma, like, "gamma"), scalar(1, like)
    key = place({(0, BEFORE): identity(d, like)}, (d,), sizes, like)
    value = place({(0, REWARD): step, (0, TARGET): step, (0, VALUE): -step}, (1,), sizes, like)

    def of(end: int, row: int, times: Matrix) -> Projections:
        return Projections(
            place({(0, end): asks}, (d,), sizes, like), key, value, place({(row, 0): times}, sizes, (1,), like)
        )

    return of(BEFORE, VALUE, one), of(AFTER, TARGET, discount)


def parameters(
    d: Any,
    visible: Any,
    gamma: Any,
    alpha: Any,
    like: Matrix,
    A: Matrix | None = None,
    normalise: Normaliser = softmax,
    visible_after: Any = None,
) -> Parameters:
    r"""The layer whose two heads are :func:`stock_heads`, on tokens (…, 2d+3, N), and which has no memory step.

    visible: the mask on keys, N×1, or N×N, keys down (:func:`icrl.algebra.sources_visible` for the tokens of a prompt);
    ``visible_after``: that of head 1, where it differs. The others: as in :func:`stock_heads`, whose errors these are.
    γ is not held to [0, 1): that a layer is an update is algebra, true for every γ.
    """
    first, second = stock_heads(d, gamma, alpha, like, A)
    shown = visible if visible_after is None else visible_after
    return Parameters((first.head(visible, normalise), second.head(shown, normalise)))


def visible_keys(terminated: ArrayLike, queries: int) -> tuple[np.ndarray, np.ndarray]:
    """The masks of head 0 and head 1 on n transitions, ``queries`` tokens that only ask, and, if a transition terminated, a sink.

    The transitions are seen by all, the others by none. The sink, a last token whose rows are all 0, is how attention says 0: it
    sees itself alone, and head 1 of a transition that terminated sees the sink alone, so that its target stays as it was, 0.
    Boolean arrays, keys down: (N, 1), or (N, N) with a sink; N = n + queries, or one more.
    """
    ends = np.asarray(terminated, bool)
    some = bool(ends.any())
    N = len(ends) + queries + some
    keys = np.arange(N)[:, None] < len(ends)
    if not some:
        return keys, keys
    sink, queried = np.arange(N)[:, None] == N - 1, np.arange(N)[None, :] == N - 1
    last = queried | np.concatenate([ends, np.zeros(N - len(ends), bool)])[None, :]
    return np.where(queried, sink, keys), np.where(last, sink, keys)
