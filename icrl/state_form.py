r"""The Transformer on states: what a forward pass is when equal states carry equal values.

Let attention read the features alone, and let it write the values alone: A has its one block on the features, V the one row
:math:`(0, \dots, 0, w_r, w_t, w_v)`. Then the columns of a prompt that hold one state hold one value at every layer, and
the whole forward pass is exact on |S| numbers in the place of n + 1, with the transitions counted in the place of listed:

.. math::

    v_{l+1} = v_l + (w_r \hat r + w_t \gamma v_l P_e^\top + w_v v_l) K, \qquad
    K_{us} = \frac{c_u e^{x(u)^\top A x(s)}}{\sum_{u'} c_{u'} e^{x(u')^\top A x(s)}},

values and rewards as rows, c_u the number of transitions out of u, P_e and r̂ their frequencies and mean reward. The step
size α is the case w = α(1, 1, −1). A state that the context does not visit gets what a query column that holds it would get.
Frequencies in the place of counts, c = μ and P_e = P, are the limit n → ∞.

Written with the operations of :mod:`icrl.algebra`, for NumPy arrays, batches of tensors with their gradients, and rationals.

Source: the book's chapter "Why a loss would want these parameters".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import Any, NamedTuple

from icrl.algebra import Matrix, identity, of_one_kind, scalar, softmax, transpose


class Weights(NamedTuple):
    """What one layer may have learned: the three entries of V's last row, and A's block on the features, (…, d, d).

    ``reward``, ``target``, ``value``: :math:`w_r, w_t, w_v`, numbers or arrays with one per batch member.
    """

    reward: Any
    target: Any
    value: Any
    A: Matrix


class Model(NamedTuple):
    """The Markov reward process that a context holds, as matrices of one kind (:mod:`icrl.algebra`).

    ``counts``: (…, S, 1), how many transitions leave each state, or the share that does. ``transition``: (…, S, S), row u the
    frequencies of what follows u. ``reward``: (…, 1, S), the mean reward out of each state. Where a count is 0 the other two do
    not matter. Where transitions terminate, a row of ``transition`` sums to 1 less the share that does.
    """

    counts: Matrix
    transition: Matrix
    reward: Matrix


def model(moves: Matrix, paid: Matrix, ended: Matrix | None = None) -> Model:
    """The model of a context from ``moves`` (…, S, S), how often each transition occurred, and ``paid`` (…, S), the sum of the rewards out of each state.

    ``ended``: (…, S), how many transitions out of each state terminated, which ``moves`` does not count; none unless given.
    """
    counts = moves.sum(-1) if ended is None else moves.sum(-1) + ended
    divisor = counts + (counts == 0)
    return Model(counts[..., None], moves / divisor[..., None], (paid / divisor)[..., None, :])


def attention_weights(features: Matrix, counts: Matrix, A: Matrix, exp: Callable[[Any], Any] | None = None) -> Matrix:
    """K, (…, S, S), keys down and queries across: the share of its attention that state s gives to all the columns of u. ``features``: (…, S, d)."""
    return softmax(features @ A @ transpose(features), counts, exp)


def layer_map(K: Matrix, given: Model, w: Weights, gamma: Any) -> tuple[Matrix, Matrix]:
    r"""One layer as :math:`v \mapsto vT + b`: :math:`T = I + w_t \gamma P_e^\top K + w_v K`, (…, S, S), and :math:`b = w_r \hat r K`, (…, 1, S)."""
    reward, target, value = (scalar(c, K, name) for c, name in zip(w[:3], w._fields))
    following = scalar(gamma, K, "gamma") * transpose(given.transition) @ K
    return identity(K.shape[-1], K) + target * following + value * K, reward * (given.reward @ K)


def values(
    features: Matrix, given: Model, layers: Iterable[Weights], gamma: Any, exp: Callable[[Any], Any] | None = None
) -> Iterator[Matrix]:
    """v_0 = 0, v_1, v_2, …, each a row (…, 1, S): the value of every state after 0, 1, 2, … layers.

    ``features``: (…, S, d). ``layers``: :class:`Weights` a layer; where one object follows itself, as in ``[w] * depth``, its
    map is made once. ``gamma``: the discount. ``exp`` as in :func:`icrl.algebra.softmax`. All matrices are of one kind.

    Raises ``ValueError`` for kinds that differ and sizes that do not fit.
    """
    _check(features, given)
    made: list[tuple[Weights, tuple[Matrix, Matrix]]] = []

    def step(v: Matrix, w: Weights) -> Matrix:
        if not made or made[-1][0] is not w:
            made[:] = [(w, layer_map(attention_weights(features, given.counts, w.A, exp), given, w, gamma))]
        T, b = made[-1][1]
        return (transpose(v) * T).sum(-2, keepdims=True) + b  # vT + b; for many small matrices twice as fast as @

    return accumulate(layers, step, initial=given.reward * 0)


def _check(features: Matrix, given: Model) -> None:
    """Raise ``ValueError`` unless features and model are of one kind and of one number of states."""
    of_one_kind("features and model", {"features": features, **given._asdict()})
    S = features.shape[-2]
    wanted = {"counts": (S, 1), "transition": (S, S), "reward": (1, S)}
    for name, shape in wanted.items():
        if tuple(getattr(given, name).shape[-2:]) != shape:
            raise ValueError(
                f"{name} must have shape (…, {shape[0]}, {shape[1]}) for features of {S} states, got {tuple(getattr(given, name).shape)}"
            )
