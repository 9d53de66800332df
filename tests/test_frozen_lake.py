"""FrozenLake-v1 as the checks have it written down is what Gymnasium and the library's sampler give."""

import numpy as np
import pytest

from icrl.tasks import from_gymnasium
from icrl.verify.instances import frozen_lake


@pytest.fixture(scope="module")
def mrp():
    return from_gymnasium("FrozenLake-v1")


def test_the_chain_is_that_of_the_environment(mrp):
    P, r = np.array(frozen_lake.transition(), float), np.array(frozen_lake.rewards(), float)
    np.testing.assert_allclose(P, mrp.transition, rtol=0, atol=1e-15)
    np.testing.assert_array_equal(r, mrp.reward)
    assert r.sum() == 0.25 and P[3, 3] == 0.5


def test_the_walks_are_those_that_are_drawn(mrp):
    rng = np.random.default_rng(0)
    drawn = [walk for walk in (mrp.sample_context(200, rng) for _ in range(20)) if walk.covered]
    for walk, squares in zip(drawn, (frozen_lake.WALK, frozen_lake.OTHER_WALK)):
        states, rewards = frozen_lake.walk(squares=squares)
        assert states == walk.states.tolist() and rewards == walk.rewards.tolist() and sum(rewards) > 0


@pytest.mark.parametrize("n", [1, 12, 40, 200])
def test_a_shorter_walk_is_the_beginning_of_it(mrp, n):
    walk = mrp.sample_context(n, np.random.default_rng(0))
    assert frozen_lake.walk(n) == (walk.states.tolist(), walk.rewards.tolist())
