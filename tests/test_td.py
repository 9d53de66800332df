"""The TD loops against values worked out by hand."""

import math
from fractions import Fraction as F
from itertools import islice

import pytest

from icrl import td

HALF = F(1, 2)


def test_td_errors_by_hand():
    assert td.td_errors("aba", [F(1), F(2)], {"a": F(4), "b": F(6)}, HALF) == [1 + 3 - 4, 2 + 2 - 6]


def test_softmax_kernel_by_hand():
    kernel = td.softmax_kernel([0, 1, 0], lambda s, u: F(s * u), lambda t: 1 + t * t)
    assert kernel == {0: [HALF, HALF], 1: [F(1, 3), F(2, 3)]}


def test_softmax_td_by_hand():
    """Both states weigh both transitions equally: each moves by α times the mean TD error."""
    v0, v1 = td.softmax_td(
        [0, 1, 0], [F(1), F(0)], lambda s, u: F(0), HALF, [HALF], {0: F(0), 1: F(2)}, exp=lambda t: 1 + t
    )
    delta = [1 + HALF * 2 - 0, 0 + 0 - 2]
    assert v1 == {0: HALF * sum(delta) / 2, 1: 2 + HALF * sum(delta) / 2}


def test_tabular_td_by_hand_and_the_state_that_is_no_source():
    _, v1 = td.tabular_td("aab", [F(1), F(3)], HALF, [HALF], {"a": F(0), "b": F(2)})
    assert v1 == {"a": HALF * (1 + (3 + 1)) / 2, "b": 2}


def test_linear_td_by_hand():
    _, w1 = td.linear_td([0, 1, 0], [F(1), F(1)], {0: [F(1)], 1: [F(2)]}, HALF, [HALF], [F(1)])
    delta = [1 + HALF * 2 - 1, 1 + HALF * 1 - 2]
    assert w1 == [1 + HALF * (delta[0] * 1 + delta[1] * 2)]


def test_average_reward_td_by_hand():
    """At w = 0 an error is the reward less the mean of the rewards up to it: 1 − 1, then 3 − 2."""
    transitions = [([F(1)], F(1), [F(2)]), ([F(2)], F(3), [F(1)])]
    _, w1, w2 = td.linear_average_reward(transitions, [HALF, HALF])
    assert w1 == [HALF * (0 * 1 + 1 * 2)]
    assert w2 == [1 + HALF * ((0 + 2 - 1) * 1 + (1 + 1 - 2) * 2)]


def test_online_td_by_hand():
    values = list(td.online_td("aba", [F(1), F(2)], HALF, lambda m: F(1, m)))
    assert values == [{"a": 0, "b": 0}, {"a": 1, "b": 0}, {"a": 1, "b": F(5, 2)}]


def test_large_float_scores_do_not_overflow():
    kernel = td.softmax_kernel([0, 1, 0], lambda s, u: 1e4 * u)
    assert kernel[0] == [0.0, 1.0]


def test_zero_features_are_allowed():
    assert td.inner([], []) == 0
    assert list(islice(td.linear_td([0, 0], [1.0], {0: []}, 0.5, [1.0]), 2)) == [[], []]


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: td.softmax_td([0], [], lambda s, u: 0.0, 0.5, [1]),
            "n >= 1 rewards and n \\+ 1 states, got 0 rewards and 1 states",
        ),
        (lambda: td.tabular_td([0, 1], [1.0, 2.0], 0.5, [1]), "got 2 rewards and 2 states"),
        (
            lambda: td.tabular_td([0, 1], [1.0], 0.5, [1], {0: 1.0}),
            r"v must hold every state of the context, \[0, 1\], got \{0: 1.0\}",
        ),
        (lambda: td.linear_td([0, 1], [1.0], {0: [1.0]}, 0.5, [1]), "features must hold every state of the context"),
        (lambda: td.td_errors([0, 1], [], [0.0, 0.0], 0.5), "got 0 rewards and 2 states"),
        (lambda: td.td_errors([0, 1], [1.0], {0: 1.0}, 0.5), "v must hold every state"),
        (lambda: td.tabular_td([0, 1], [1.0], 0.5, [1], 3.0), "v must hold every state of the context, .* got 3.0"),
        (
            lambda: td.tabular_td([0, -1], [1.0], 0.5, [1], [1.0, 2.0]),
            "states must be 0 or more where v is a sequence, got -1",
        ),
        (
            lambda: td.linear_td([0, -1], [1.0], [[1.0], [2.0]], 0.5, [1]),
            "states must be 0 or more where features is a sequence",
        ),
        (lambda: td.linear_td([0, 1], [1.0], [[1.0], [2.0]], 0.5, [1], [1.0, 2.0]), "w must hold d = 1 numbers, got 2"),
        (
            lambda: td.linear_td([0, 1], [1.0], [[1.0], [2.0, 3.0]], 0.5, [1]),
            "features of state 1 must hold d = 1 numbers, got 2",
        ),
        (
            lambda: td.softmax_td([0, 1], [1.0], lambda s, u: 0.0, 0.5, 0.5),
            r"alphas must be an iterable of step sizes, such as itertools.repeat\(0.5\), got 0.5",
        ),
        (lambda: td.tabular_td([0, 1], [1.0], 0.5, 0.5), "alphas must be an iterable"),
        (lambda: td.linear_td([0, 1], [1.0], [[1.0], [2.0]], 0.5, 0.5), "alphas must be an iterable"),
        (
            lambda: td.online_td([0, 1], [1.0], 0.5, 0.5),
            "alpha must be a function of the number of the visit, .* got 0.5",
        ),
        (lambda: td.online_td([0, 1], [math.nan], 0.5, lambda m: 1.0), "rewards must be finite, got nan"),
        (lambda: td.tabular_td([0, 1, 0], [F(1), -math.inf], 0.5, [1]), "rewards must be finite, got -inf"),
        (lambda: td.inner([1], [1, 2]), "one length, got 1 and 2"),
        (lambda: td.linear_average_reward([([1, 2], 0, [1, 2])], [1], [1]), "w must hold d = 2 numbers, got 1"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
