"""The records of the book: of the protocols as they are, and what training gives when it is done again.

Which seeds are trained again is drawn anew in every run of the tests. Tolerances: the processor of another machine rounds otherwise,
by 10⁻¹⁶ relative an operation, which training passes on without enlarging it by more than a few powers of ten; figures on
record have six digits, and a figure read off parameters of six digits may differ in the fifth. A change of what is trained moves
parameters by more than seeds differ among each other, by a hundredth and more.
"""

import random

import numpy as np
import pytest
import torch

from icrl.pretrain.metrics import pattern
from icrl.pretrain.network import is_masked
from icrl.pretrain.protocols import PROTOCOLS, Protocol
from icrl.pretrain.results import (
    DEPTHS,
    LENGTHS,
    RECORDED,
    curve,
    evaluation,
    held_out,
    learned_of,
    predicted,
    read_record,
    record_text,
    recorded,
    summary,
)
from icrl.pretrain.train import train

FRESH = random.SystemRandom()
OTHERS = FRESH.sample(
    [name for name, protocol in PROTOCOLS.items() if name not in ("boyan", "dense") and protocol.trained == "masked"], 1
)


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def assert_near(got, expected, what, rtol, atol=1e-9):
    """Compare nested lists and dictionaries; at most this relative difference in every number."""
    if isinstance(expected, dict):
        assert got.keys() == expected.keys(), what
        for name in expected:
            assert_near(got[name], expected[name], f"{what}, {name}", rtol, atol)
    elif isinstance(expected, list) and isinstance(expected[0], dict):
        assert len(got) == len(expected), what
        for i, (one, other) in enumerate(zip(got, expected)):
            assert_near(one, other, f"{what}, {i}", rtol, atol)
    elif expected is None:
        assert got is None, what
    else:
        np.testing.assert_allclose(got, expected, rtol=rtol, atol=atol, err_msg=what)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_is_on_record_with_twenty_seeds_none_of_which_diverged(name):
    outcomes = recorded(name)
    assert set(range(20)) <= set(outcomes)
    assert not [seed for seed, found in outcomes.items() if "diverged" in found]


def test_a_protocol_of_ones_own_is_put_on_record_and_read(tmp_path):
    """Whatever the file is called, by its head; a change of what is trained is found where it is said what that must be."""
    mine, [seed, found] = Protocol(rate=0.02), next(iter(recorded("boyan").items()))
    path = tmp_path / "anything.json"
    path.write_text(record_text("mine", mine, {seed: found}), "utf-8")
    assert read_record(path) == read_record(str(path)) == read_record(path, mine) == {seed: found}
    with pytest.raises(ValueError, match="with another rate$"):
        read_record(path, PROTOCOLS["boyan"])
    path.write_text(record_text("boyan", mine, {seed: found}), "utf-8")
    with pytest.raises(
        ValueError, match="record must be of the protocol as it is, got .*anything.json with another rate$"
    ):
        read_record(path)
    path.write_text(record_text("mine", mine, {}).replace('"boyan"', '"moon"'), "utf-8")
    with pytest.raises(
        ValueError, match="anything.json: family must be one of boyan, dense, permuted-boyan, got 'moon'$"
    ):
        read_record(path)


def test_what_is_not_there_is_said_plainly(tmp_path):
    with pytest.raises(
        ValueError, match="record must be a file that can be read, got .*none.json: No such file or directory"
    ):
        read_record(tmp_path / "none.json")
    with pytest.raises(
        ValueError, match="name must be one of the book's records, boyan, .*, got 'mine'; read_record reads other files"
    ):
        recorded("mine")


def test_rows_say_at_which_length_and_depth():
    for name, protocol in PROTOCOLS.items():
        for found in recorded(name).values():
            assert [row["n"] for row in found["by_length"]] == list(
                LENGTHS[: 3 if protocol.trained == "full" else None]
            )
            assert [row["depth"] for row in found.get("by_depth", [])] == (
                list(DEPTHS) if protocol.layers == "tied" else []
            )


def test_nothing_else_is_on_record():
    assert sorted(path.name for path in RECORDED.iterdir()) == sorted(f"{name}.json" for name in PROTOCOLS)


@pytest.mark.parametrize("name", ["boyan", "dense", *OTHERS], ids=["boyan", "dense", "another"])
def test_a_seed_trained_again_gives_what_is_on_record(name):
    outcomes, protocol = recorded(name), PROTOCOLS[name]
    seed = FRESH.choice(sorted(outcomes))
    run, found, what = train(protocol, seed), outcomes[seed], f"{name}, seed {seed}"
    got = {"V": run.learned["V"].tolist(), "A": run.learned["A"].tolist(), "curve": curve(run)}
    assert_near(got, {part: found[part] for part in got}, what, rtol=1e-2, atol=1e-3)
    assert_near(pattern(run.learned)._asdict(), found["pattern"], what, rtol=0, atol=1e-3)
    batch = held_out(protocol)
    assert_near(summary(predicted(run.learned, batch, protocol.depth), batch), found["error"], what, rtol=1e-2)


def test_figures_follow_from_the_parameters_on_record():
    """Pattern and error of every seed of a protocol, and everything of one of its seeds."""
    name = FRESH.choice([name for name, protocol in PROTOCOLS.items() if protocol.trained == "masked"])
    outcomes, protocol = recorded(name), PROTOCOLS[name]
    batch = held_out(protocol)
    for seed, found in outcomes.items():
        learned, what = learned_of(found), f"{name}, seed {seed}"
        assert is_masked(learned)
        assert_near(pattern(learned)._asdict(), found["pattern"], what, rtol=1e-4, atol=1e-5)
        assert_near(summary(predicted(learned, batch, protocol.depth), batch), found["error"], what, rtol=1e-3)
    seed = FRESH.choice(sorted(outcomes))
    expected = {part: figure for part, figure in outcomes[seed].items() if part not in ("V", "A", "pattern", "curve")}
    assert_near(
        evaluation(learned_of(outcomes[seed]), protocol), expected, f"{name}, seed {seed}", rtol=1e-2, atol=1e-5
    )


def test_a_record_that_the_book_does_not_have_is_named():
    with pytest.raises(ValueError, match=r"name must be one of the book's records, boyan.*, got 'no-such'"):
        recorded("no-such")
