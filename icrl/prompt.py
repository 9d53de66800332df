r"""The prompt: a context, the features of its states and a value estimate, laid out as a matrix.

A context :math:`S_0, R_1, S_1, \dots, R_n, S_n` becomes the (d+3)×(n+1) matrix :math:`Z` whose column j is

====================  ====================================================  =================
rows                  column j < n (a transition out of :math:`S_j`)        column n (query)
====================  ====================================================  =================
``features`` (d)      :math:`x(S_j)`                                        :math:`x(S_n)`
``reward``            :math:`R_{j+1}`                                       0
``target`` (memory)   :math:`\gamma v(S_{j+1})`                             0
``value``             :math:`v(S_j)`                                        :math:`v(S_n)`
====================  ====================================================  =================

Of several trajectories the columns stand one after another, the last of each as column n here, and where a transition
terminates the target is 0: nothing follows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from icrl.algebra import Matrix, bands, finite, kind, of_one_kind, scalar, shift, sources, stack
from icrl.arrays import np
from icrl.mrp import Context, Endings, context_itself, finite_array, number

FEATURES, REWARD, TARGET, VALUE = range(4)
"""The bands of the prompt, from above."""


class Rows(NamedTuple):
    """The four named bands of a prompt: ``features`` (…, d, n+1), ``reward``, ``target`` and ``value`` (…, 1, n+1)."""

    features: Matrix
    reward: Matrix
    target: Matrix
    value: Matrix


def row_sizes(d: Any) -> tuple[Any, int, int, int]:
    """How many rows each band of the prompt has: d, 1, 1, 1."""
    return d, 1, 1, 1


def prompt(features: Matrix, rewards: Matrix, value: Matrix, gamma: Any, endings: Endings | None = None) -> Matrix:
    r"""The prompt :math:`Z`, with the target row :math:`\gamma v \Pi`.

    features: (…, d, n+1), column j is :math:`x(S_j)`; rewards: (…, 1, n), entry k is :math:`R_{k+1}`;
    value: (…, 1, n+1), entry j is :math:`v(S_j)`; gamma: the discount, a scalar or one per batch member.
    endings: those of m trajectories, whose prompt has n + m columns (:mod:`icrl.algebra`); one trajectory, cut, unless given.
    All of one kind (:mod:`icrl.algebra`). Raises ``ValueError`` when the kinds differ, the shapes do not fit, n = 0, or
    an entry is no floating-point number, NaN or infinite (inside ``torch.vmap`` the last two cannot be seen).
    """
    _check_bands(endings, features=features, rewards=rewards, value=value)
    n = rewards.shape[-1] if endings is None else endings
    target = scalar(gamma, value, "gamma") @ value @ shift(n, value)
    return stack(features, rewards @ sources(n, rewards), target, value)


def _check_bands(endings: Endings | None, **bands: Matrix) -> None:
    """Raise ``ValueError`` unless features, rewards and value are finite matrices of one kind whose shapes fit."""
    of_one_kind("features, rewards and value", bands)
    for (name, X), wanted in zip(bands.items(), ("(…, d, n + 1)", "(…, 1, n)", "(…, 1, n + 1)")):
        if len(X.shape) < 2 or (name != "features" and X.shape[-2] != 1):
            raise ValueError(f"{name} must have shape {wanted}, got {tuple(X.shape)}")
        finite(name, X)
    n = bands["rewards"].shape[-1]
    if n == 0:
        raise ValueError("rewards must hold n >= 1 transitions, got n = 0")
    symbolic = kind(bands["value"]) == "blocks"  # whose sizes are SymPy's to compare
    transitions = n if endings is None or symbolic else sum(length for length, _ in endings)
    if transitions != n:
        raise ValueError(f"endings must count n = {n} transitions, one a reward, got {transitions}")
    trajectories = 1 if endings is None else endings[1] if symbolic else len(endings)
    for name in ("features", "value"):
        if bands[name].shape[-1] != n + trajectories:
            raise ValueError(
                f"{name} must have n + {trajectories} = {n + trajectories} columns, one for each state of the context, got shape {tuple(bands[name].shape)}"
            )


def prompt_from_context(
    context: Context, features: np.ndarray, gamma: float, v: np.ndarray | None = None
) -> np.ndarray:
    """The prompt of a sampled context, as a float array (d+3, N), N = n + 1 for one trajectory and n + m for m.

    features: (|S|, d), row s is x(s); gamma: discount in [0, 1), or 1 where a trajectory terminated; v: (|S|,), the initial
    value of each state, 0 unless given. Raises ``ValueError`` for what is no :class:`~icrl.mrp.Context`, and for features or values that are not
    finite real numbers of these shapes or do not cover the context's states.
    """
    states = context_itself(context).states
    if gamma == 1 and not context.terminated.any():
        raise ValueError("gamma must be below 1 where no trajectory terminated, got 1")
    number("gamma", gamma, "[0, 1]")
    features = finite_array("features", features, ("S", "d"))
    v = np.zeros(len(features)) if v is None else finite_array("v", v, (len(features),))
    if len(features) <= states.max():
        raise ValueError(
            f"features must have a row for each of the states 0..{states.max()}, got shape {features.shape}"
        )
    return prompt(features[states].T, context.rewards[None], v[None, states], gamma, context.endings)


def rows(Z: Matrix) -> Rows:
    """The named bands of a prompt: shapes (…, d, n+1) and three times (…, 1, n+1); views, where Z is an array or a tensor."""
    return Rows(*bands(Z, row_sizes(Z.shape[-2] - 3)))
