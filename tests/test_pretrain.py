"""Training: the same from any interruption, over any number of processes, and never half-written; ``python -m icrl pretrain``."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from io import StringIO, TextIOWrapper
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import torch
from rich.console import Console

from conftest import ROOT
from icrl import files, pretrain
from icrl.cli import main
from icrl.files import UsageError, alone
from icrl.pretrain import batches, command, protocols, results
from icrl.pretrain import train as training
from icrl.pretrain.batches import sample_tasks
from icrl.pretrain.losses import td_loss
from icrl.pretrain.network import tensors, values
from icrl.pretrain.protocols import ABOUT, PROTOCOLS, Protocol
from icrl.pretrain.train import Diverged, clipped, own_part, rate, resumed, save, started, train

TINY = Protocol(d=2, n_states=4, n=6, depth=3, shallowest=1, steps=400, batch=4)
EVALUATION = {"TASKS": 8, "LENGTHS": (10, 30, 100)}
SHORT = replace(TINY, steps=45)
FULL = replace(SHORT, trained="full", shallowest=None, batch=5, decay=0.003)
FROZEN = replace(SHORT, control="uniform-attention", decay=0.01)

SCRIPT = f"""
import sys
from icrl.cli import main
from icrl.pretrain import results
from icrl.pretrain.protocols import PROTOCOLS, Protocol
PROTOCOLS["tiny"] = Protocol(**{asdict(TINY)})
vars(results).update({EVALUATION})
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(autouse=True, scope="module")
def tiny():
    """A protocol of its own and a small evaluation, on one thread, as the command runs it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PROTOCOLS, "tiny", TINY)
        for name, fewer in EVALUATION.items():
            patch.setattr(results, name, fewer)
        yield
    torch.set_num_threads(threads)


def same(one, other):
    """Whether two runs agree to the last bit."""

    def numbers(run):
        kept = [X for state in run.optimiser["state"].values() for X in state.values() if X is not None]
        return [X.tolist() for X in (*run.learned.values(), *kept)]

    return one[0] == other[0] and one[3:] == other[3:] and numbers(one) == numbers(other)


def stopped(protocol, seed, checkpoint, step, save_every):
    """Train until Ctrl-C in the report of a step."""

    def report(run):
        if run.done == step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(protocol, seed, checkpoint, save_every, report)


# A run


def test_a_seed_decides_everything():
    one, again, other = train(SHORT, 1), train(SHORT, 1), train(SHORT, 2)
    assert same(one, again) and one.losses != other.losses and not torch.equal(one.learned["A"], other.learned["A"])
    assert one.done == len(one.losses) == SHORT.steps and [record.step for record in one.history] == [0, 20, 40]


def test_reports_come_at_every_twentieth_step_and_the_last():
    seen = []
    train(SHORT, report=lambda run: seen.append((run.done, len(run.losses), run.history[-1].step)))
    assert seen == [(20, 20, 0), (40, 40, 20), (45, 45, 40)]


@pytest.mark.parametrize(
    "protocol", [SHORT, FULL, FROZEN, replace(SHORT, layers="untied", shallowest=None), replace(SHORT, optimiser="sgd")]
)
def test_an_interrupted_run_ends_with_the_same_bits(protocol, tmp_path):
    checkpoint = tmp_path / "run.pt"
    stopped(protocol, 5, checkpoint, 40, save_every=15)
    assert resumed(checkpoint, protocol, 5).done == 30
    whole = train(protocol, 5)
    assert same(train(protocol, 5, checkpoint), whole) and same(resumed(checkpoint, protocol, 5), whole)
    assert same(train(protocol, 5, checkpoint), whole)  # of a finished run nothing is left to do


def test_the_rate_falls_along_a_cosine():
    protocol = replace(SHORT, rate=0.2, steps=40)
    rates = [rate(protocol, step) for step in range(40)]
    assert rates[0] == 0.2 and rates[20] == pytest.approx(0.1) and rates[10] == pytest.approx(0.2 * (1 + 0.5**0.5) / 2)
    assert all(a > b > 0 for a, b in zip(rates, rates[1:]))


def test_long_gradients_are_clipped_to_the_norm_and_short_ones_left():
    g = torch.tensor([3.0, 4.0], dtype=torch.float64)
    assert torch.equal(clipped(g, 5.0), g) and torch.equal(clipped(g, 7.0), g)
    np.testing.assert_allclose(clipped(g, 1.0), [0.6, 0.8], rtol=1e-15)
    assert torch.equal(clipped(0 * g, 1.0), 0 * g)


def test_a_step_of_sgd_by_hand():
    protocol = replace(
        SHORT, optimiser="sgd", rate=0.5, decay=0.1, clip=0.01, steps=1, shallowest=None, start="construction"
    )
    rng = np.random.default_rng(7)
    start = {"V": [[1.0, 1.0, -1.0]], "A": [np.eye(2)]}  # softmax TD with α = 1; the noise of V is drawn first
    X = {
        name: torch.from_numpy(Y + 0.02 * rng.standard_normal(np.shape(Y))).requires_grad_()
        for name, Y in start.items()
    }
    batch = tensors(sample_tasks(np.random.default_rng([7, 1]), protocol.batch, **protocol.sampling()))
    loss = td_loss(values(X, batch, protocol.depth), batch)
    g = torch.autograd.grad(loss, list(X.values()))
    size = sum((part**2).sum() for part in g) ** 0.5
    assert size > protocol.clip
    run = train(protocol, 7)
    assert run.losses == [pytest.approx(loss.item(), rel=1e-12)]
    for (name, Y), part in zip(X.items(), g):
        np.testing.assert_allclose(
            run.learned[name], (Y - 0.5 * (part * protocol.clip / size + 0.1 * Y)).detach(), rtol=1e-12, atol=1e-15
        )


@pytest.mark.parametrize("loss, sampled", [("td", False), ("td-sampled", True)])
def test_the_sampled_loss_is_that_of_one_transition_of_each_of_the_same_tasks(loss, sampled):
    protocol = replace(SHORT, loss=loss, steps=1, shallowest=None)
    batch = tensors(sample_tasks(np.random.default_rng([7, 1]), protocol.batch, sampled=sampled, **protocol.sampling()))
    v = values(started(protocol, 7).learned, batch, protocol.depth)
    assert train(protocol, 7).losses == [pytest.approx(td_loss(v, batch).item(), rel=1e-12)]


def test_attention_that_is_held_uniform_stays_so():
    run = train(FROZEN)
    assert not run.learned["A"].any() and run.learned["V"].abs().min() > 0.01
    assert train(SHORT).learned["A"].abs().min() > 0


@pytest.mark.parametrize("changes", [{"optimiser": "sgd", "rate": 1e6}, {"depth": 40, "shallowest": 40, "init": 3.0}])
def test_divergence_says_where_and_what_to_change(changes, tmp_path):
    protocol = replace(SHORT, **changes)
    with pytest.raises(Diverged) as stop:
        train(protocol, 3, tmp_path / "run.pt", save_every=1000)
    change = f"; lower rate (now {protocol.rate:g}), depth (now {protocol.depth}) or init (now {protocol.init:g})"
    where = r"training diverged at step \d+ of seed 3: (the loss was \S+|its gradient was not finite) after \d+ layers"
    assert re.fullmatch(where + re.escape(change), str(stop.value)) and os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"device": "gpu"}, "device must be one that torch has here, got 'gpu': "),
        ({"device": "cuda:1000"}, "device must be one that torch has here, got 'cuda:1000': "),
        ({"seed": -1}, "seed must be an integer, 0 or more, got -1"),
        ({"save_every": 0}, "save_every must be an integer, 1 or more, got 0"),
        (
            {"checkpoint": "/no/such/folder/run.pt"},
            "checkpoint must be in a folder that exists, got /no/such/folder/run.pt",
        ),
    ],
)
def test_bad_arguments_are_refused_before_any_step(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        train(SHORT, **arguments)


def test_a_name_is_no_protocol_and_a_list_no_family():
    with pytest.raises(ValueError, match="family must be one of boyan, dense, permuted-boyan, got .'boyan'.$"):
        Protocol(family=["boyan"])
    with pytest.raises(
        ValueError,
        match=re.escape("protocol must be a Protocol, as those in icrl.pretrain.protocols.PROTOCOLS, got 'boyan'"),
    ):
        train("boyan")


def test_runs_of_ones_own_as_the_package_shows_them(capsys, monkeypatch):
    """With fewer steps: own protocol, own process, own family, one after the other."""
    monkeypatch.setattr(batches, "FAMILIES", {**batches.FAMILIES})
    monkeypatch.setitem(protocols.CHOICES, "family", batches.FAMILIES)
    examples = "".join(re.findall(r"::\n\n((?:    .*\n|\n)+)", pretrain.__doc__))
    exec(re.sub("^    ", "", examples, flags=re.M).replace("steps=1000", "steps=200"), run := {})
    out = capsys.readouterr().out
    assert re.search(r"Pattern\(cosine_V=\S+, cosine_A=0.9", out) and out.count("'median'") == 2
    assert run["run"].done == 200 and len(batches.FAMILIES) == 4


def test_the_example_of_the_readme_runs():
    section = (ROOT / "README.md").read_text("utf-8").partition("## Watch it emerge")[2].partition("\n## ")[0]
    [example] = re.findall(r"^```py\n(.*?)^```$", section, flags=re.M | re.S)
    assert "assert" in example
    exec(example, {})


def test_a_family_and_features_of_ones_own(monkeypatch):
    """Known at once, recorded without another family, and looked at in every batch."""
    monkeypatch.setitem(
        batches.FAMILIES, "mine", lambda rng, size, n_states: np.full((size, n_states, n_states), 1 / n_states)
    )
    monkeypatch.setitem(batches.FEATURES, "ones", lambda rng, size, n_states, d: np.ones((size, n_states, d)))
    protocol = replace(SHORT, family="mine", features="ones", steps=2)
    found = results.outcome(train(protocol), protocol)
    assert "other_family" not in found and "other_family" in results.outcome(train(replace(SHORT, steps=2)), SHORT)
    monkeypatch.setitem(batches.FAMILIES, "mine", lambda rng, size, n_states: np.ones((size, n_states, n_states)))
    with pytest.raises(
        ValueError, match="transition of family 'mine' must sum to 1 in every row, but row 0 sums to 4.0"
    ):
        train(protocol)
    monkeypatch.setitem(batches.FEATURES, "ones", lambda rng, size, n_states, d: np.ones((size, n_states)))
    with pytest.raises(ValueError, match=re.escape("features 'ones' must have shape (4, 4, 2), got (4, 4)")):
        train(replace(protocol, family="boyan"))


def test_protocols_and_the_command_line_do_not_wait_for_torch():
    code = "import sys, icrl.cli, icrl.pretrain.protocols; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=300).returncode == 0


# Checkpoints


@pytest.fixture
def checkpoint(tmp_path):
    """One of a finished run."""
    train(SHORT, 4, tmp_path / "run.pt")
    return tmp_path / "run.pt"


def test_a_checkpoint_of_something_else_is_refused(checkpoint):
    with pytest.raises(
        ValueError,
        match=re.escape(f"checkpoint must be of this protocol and seed, got {checkpoint} with another batch, rate"),
    ):
        train(replace(SHORT, rate=0.5, batch=9), 4, checkpoint)
    with pytest.raises(ValueError, match="with another seed$"):
        train(SHORT, 5, checkpoint)
    with pytest.raises(
        ValueError,
        match="with another steps .the rate falls along a cosine over all steps: a run of more steps is another from",
    ):
        train(replace(SHORT, steps=90), 4, checkpoint)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda data: b"\0" * len(data),
        lambda data: b"{}",
    ],
)
def test_a_damaged_checkpoint_is_refused(damage, checkpoint):
    checkpoint.write_bytes(damage(checkpoint.read_bytes()))
    with pytest.raises(
        ValueError, match=re.escape(f"checkpoint must be a file that pretraining wrote, got {checkpoint}: ")
    ):
        train(SHORT, 4, checkpoint)


EMPTY = {"done": 1, "learned": {}, "optimiser": {}, "losses": [], "history": [], "seed": 4, "protocol": {}}


@pytest.mark.parametrize(
    "content",
    [[1, 2], {"protocol": 3}, EMPTY | {"protocol": asdict(SHORT), "history": [(0,)]}, EMPTY | {"protocol": []}],
)
def test_another_file_of_torch_is_refused(content, checkpoint):
    torch.save(content, checkpoint)
    with pytest.raises(ValueError, match="checkpoint must be a file that pretraining wrote"):
        train(SHORT, 4, checkpoint)


def of_A(state):
    return state["optimiser"]["state"][1]


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda state: state.update(done="a"), "done must be an integer from 0 to steps = 45, got 'a'"),
        (lambda state: state.update(done=5000), "done must be an integer from 0 to steps = 45, got 5000"),
        (lambda state: state.update(done=-1), "done must be an integer"),
        (lambda state: state.update(done=44), "losses is not"),
        (lambda state: state["losses"].__setitem__(3, float("nan")), "losses 3 is not finite, or not of the type"),
        (lambda state: state["history"].__setitem__(1, (20.0, *state["history"][1][1:])), "history 1 0 is not"),
        (lambda state: state["history"].pop(), "history is not"),
        (lambda state: state["learned"].update(V=torch.zeros(1, 2, dtype=torch.float64)), "learned V is not"),
        (lambda state: state["learned"].update(V=state["learned"]["V"].float()), "learned V is not"),
        (lambda state: state["learned"].update(A=state["learned"]["A"] * torch.nan), "learned A is not"),
        (lambda state: state["learned"].pop("V"), "learned is not"),
        (lambda state: state.update(optimiser={}), "optimiser is not"),
        (lambda state: state.pop("optimiser"), "'optimiser' is missing"),
        (lambda state: state.update(optimiser=3), "optimiser is not"),
        (
            lambda state: of_A(state).update(exp_avg=torch.zeros(3, dtype=torch.float64)),
            "optimiser state 1 exp_avg is not",
        ),
        (lambda state: of_A(state).pop("exp_avg_sq"), "optimiser state 1 is not"),
        (
            lambda state: state["optimiser"]["param_groups"][0].update(betas="ab"),
            "optimiser param_groups 0 betas is not",
        ),
    ],
)
def test_a_checkpoint_with_damaged_contents_is_refused(change, said, checkpoint):
    content = torch.load(checkpoint, weights_only=True)
    change(content)
    torch.save(content, checkpoint)
    with pytest.raises(
        ValueError, match=re.escape(f"checkpoint must be a file that pretraining wrote, got {checkpoint}: {said}")
    ):
        resumed(checkpoint, SHORT, 4)


def test_a_changed_byte_is_refused_or_changes_nothing(checkpoint):
    data, whole = checkpoint.read_bytes(), resumed(checkpoint, SHORT, 4)
    for place in random.sample(range(len(data)), 100):
        checkpoint.write_bytes(data[:place] + bytes([data[place] ^ 1 << random.randrange(8)]) + data[place + 1 :])
        try:
            read = resumed(checkpoint, SHORT, 4)
        except ValueError:
            continue
        assert same(read, whole), f"byte {place} changed the run"


@pytest.mark.parametrize("target, name", [(torch, "save"), (os, "replace"), (os, "fsync")])
def test_a_checkpoint_that_cannot_be_written_leaves_the_old_one(target, name, checkpoint, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    before, run = checkpoint.read_bytes(), resumed(checkpoint, SHORT, 4)
    monkeypatch.setattr(target, name, full)
    with pytest.raises((OSError, UsageError), match="No space left"):
        save(checkpoint, run, SHORT, 4)
    monkeypatch.undo()
    assert checkpoint.read_bytes() == before and os.listdir(checkpoint.parent) == ["run.pt"]


# The command


def run_tiny(out, *more):
    return main(["pretrain", "tiny", "--out", str(out), *more])


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory, tiny):
    """The record of a run that nobody stopped, over two seeds."""
    folder = tmp_path_factory.mktemp("unbroken")
    assert run_tiny(folder, "--seeds", "0,1") == 0
    assert os.listdir(folder) == ["tiny.json"]
    return (folder / "tiny.json").read_bytes()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_command_that_was_stopped_goes_on_to_the_same_record(how, unbroken, tmp_path):
    """At a moment after the checkpoint has been written a random number of times."""
    script, out, renewals, delay = tmp_path / "tiny.py", tmp_path / "out", random.randint(1, 4), random.uniform(0, 0.05)
    script.write_text(SCRIPT, "utf-8")
    # a run in the background may have been started deaf to Ctrl-C, and its children are born as deaf
    hearing = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    command = [sys.executable, script, "pretrain", "tiny", "--seeds", "0,1", "--out", out]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=hearing
    )
    seen, end = set(), time.monotonic() + 300
    while len(seen) < renewals and process.poll() is None and time.monotonic() < end:
        seen.update((path.name, path.stat().st_mtime_ns) for path in out.glob("tiny-seed-*.pt") if path.exists())
        time.sleep(0.002)
    time.sleep(delay)
    process.send_signal(how)
    printed, said = process.communicate(timeout=300)
    what = f"stopped after checkpoint {len(seen)} and {delay:.3f} s"
    left = sorted(path.name for path in out.iterdir() if not path.name.startswith("."))
    assert printed == "" and left and set(left) <= {"tiny.json", "tiny-seed-0.pt", "tiny-seed-1.pt"}, f"{what}: {left}"
    if how == signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL, what
    else:
        assert process.returncode == 130 and said.endswith(
            "with --resume goes on from there.\nicrl pretrain: interrupted\n"
        ), f"{what}: {said}"
        assert not [path for path in out.iterdir() if path.name.startswith(".")], what
    assert run_tiny(out, "--seeds", "0,1") == 2, what
    assert run_tiny(out, "--seeds", "0,1", "--resume") == 0, what
    assert os.listdir(out) == ["tiny.json"] and (out / "tiny.json").read_bytes() == unbroken, what


def test_seeds_are_added_to_a_record_and_never_trained_twice(unbroken, tmp_path, capsys, monkeypatch):
    assert run_tiny(tmp_path, "--seeds", "1") == 0
    (tmp_path / "tiny-seed-1.pt").write_bytes(b"left by a process killed before it removed it")
    with files._part(tmp_path / "tiny-seed-1.pt") as part:
        left = Path(part.name)
    left.write_bytes(b"left by a process killed while it wrote")
    for locked in ("tiny-seed-1.pt", "tiny.json"):
        files.lock_of(tmp_path / locked).touch()
    capsys.readouterr()
    assert run_tiny(tmp_path, "--seeds", "0-1", "--resume") == 0
    assert os.listdir(tmp_path) == ["tiny.json"] and (tmp_path / "tiny.json").read_bytes() == unbroken
    head, zero, one = capsys.readouterr().out.splitlines()
    assert "on record" in one and "on record" not in zero
    monkeypatch.setattr(command, "train", None)
    assert run_tiny(tmp_path, "--seeds", "0-1", "--resume") == 0
    assert (tmp_path / "tiny.json").read_bytes() == unbroken


def test_two_commands_with_one_record_lose_nothing(unbroken, tmp_path):
    script = tmp_path / "tiny.py"
    script.write_text(SCRIPT, "utf-8")
    run = [sys.executable, script, "pretrain", "tiny", "--resume", "--out", tmp_path / "out", "--seeds"]
    commands = [
        subprocess.Popen([*run, seed], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for seed in "01"
    ]
    ends = [(each.communicate(timeout=300)[1].decode(), each.returncode) for each in commands]
    assert all(code == 0 for _, code in ends), ends
    assert all(line.startswith("tiny, seed") for said, _ in ends for line in said.splitlines()), ends  # slow: progress
    assert os.listdir(tmp_path / "out") == ["tiny.json"]
    assert (tmp_path / "out" / "tiny.json").read_bytes() == unbroken


def test_outcomes_that_are_added_at_one_moment_are_all_on_record(tmp_path, monkeypatch):
    def slow(record, protocol, read=command.outcomes_in):
        found = read(record, protocol)
        time.sleep(0.1)  # between reading and writing, where another may write
        return found

    monkeypatch.setattr(command, "outcomes_in", slow)
    record = tmp_path / "tiny.json"
    adding = [Thread(target=command.put, args=(record, "tiny", TINY, {seed: {"diverged": ""}})) for seed in range(5)]
    for each in adding:
        each.start()
    for each in adding:
        each.join(60)
    assert sorted(results.read_record(record, TINY)) == [0, 1, 2, 3, 4] and os.listdir(tmp_path) == ["tiny.json"]


@pytest.mark.parametrize("seen", ["at once", "when it is reached"])
def test_a_seed_that_another_command_trains_is_left_to_it(seen, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "train", None)
    if seen != "at once":
        monkeypatch.setattr(command, "clear", lambda *_: None)
    with alone(tmp_path / "tiny-seed-1.pt"):
        before = os.listdir(tmp_path)
        for more in ([], ["--resume"]):
            assert run_tiny(tmp_path, "--seeds", "1,0", *more) == 2
            out, err = capsys.readouterr()
            assert out == "" and err.count("\n") == 1
            assert f"{tmp_path / 'tiny-seed-1.pt'} is being written by another command, which trains that seed" in err
            assert os.listdir(tmp_path) == before


@pytest.mark.parametrize("file", ["tiny.json", "tiny-seed-1.pt"])
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_record_or_checkpoint_that_is_no_file_is_named(file, make, tmp_path, capsys):
    make(tmp_path / file)
    assert run_tiny(tmp_path, "--seeds", "1", "--resume") == 2
    out, err = capsys.readouterr()
    assert out == "" and file in err and err.count("\n") == 1 and os.listdir(tmp_path) == [file]
    if file.endswith(".pt"):
        with pytest.raises(
            ValueError, match="checkpoint must be a file that pretraining wrote, got .*: it is a folder, a pipe"
        ):
            resumed(tmp_path / file, TINY, 1)


def test_what_a_record_says_is_shown_plainly(tmp_path, capsys):
    command.put(tmp_path / "tiny.json", "tiny", TINY, {1: {"diverged": "at\x1b[31m\ud800"}})
    assert run_tiny(tmp_path, "--seeds", "1", "--resume") == 1
    assert capsys.readouterr().err == "tiny: at\\x1b[31m\\ud800\n"


def test_the_table_shows_the_record(unbroken, tmp_path, capsys):
    (tmp_path / "tiny.json").write_bytes(unbroken)
    assert run_tiny(tmp_path, "--seeds", "1,0", "--resume") == 0
    out, err = capsys.readouterr()
    head, one, zero = out.splitlines()
    assert re.split(r" {2,}", head) == ["protocol", *command.HEADINGS] and err == ""
    found = results.read_record(tmp_path / "tiny.json")[1]
    [V], [A], seen = found["V"], found["A"], found["pattern"]
    figures = [
        seen["cosine_V"],
        seen["cosine_A"],
        seen["cosine_A_centred"],
        *V,
        (A[0][0] + A[1][1]) / 2,
        found["error"]["median"],
    ]
    name, seed, *shown, on, record = one.split()
    assert (name, seed, on, record) == ("tiny", "1", "on", "record") and zero.split()[1] == "0"
    np.testing.assert_allclose(
        [float(text) for text in shown], figures, atol=0.0051
    )  # two digits of the parameters, more of the others


def test_full_and_untied_parameters_fit_the_table():
    V, A = np.arange(32.0).reshape(2, 4, 4), np.arange(32.0).reshape(2, 4, 4)
    assert command.value_row(V.tolist()).tolist() == [21, 22, 23] and command.diagonal(A.tolist(), V.tolist()) == 8
    assert (
        command.value_row([[1.0, 2, 3], [3, 4, 5]]).tolist() == [2, 3, 4]
        and command.diagonal([[[1.0, 9], [9, 3]]], [[1.0, 2, 3]]) == 2
    )


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["pretrain", "tiny", "--steps", "25", "--batch", "2", "--rate", "0.01"]) == 0
    assert os.listdir(tmp_path) == [] and len(capsys.readouterr().out.splitlines()) == 2


def test_a_diverging_seed_is_put_on_record_as_such(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(PROTOCOLS, "tiny", replace(SHORT, optimiser="sgd", rate=1e6))
    for more in ([], ["--resume"]):
        assert run_tiny(tmp_path, *more) == 1
        out, err = capsys.readouterr()
        assert os.listdir(tmp_path) == ["tiny.json"] and "diverged" in out.splitlines()[1]
        assert re.fullmatch(r"tiny: training diverged at step \d+ of seed 0: .*; lower rate \(now 1e\+06\), .*\n", err)
        assert results.read_record(tmp_path / "tiny.json") == {0: {"diverged": err.strip().removeprefix("tiny: ")}}


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["boyann"], "unknown protocol 'boyann'; did you mean boyan? the protocols are all, boyan, dense, "),
        (["--seeds", "4-0"], "must be whole numbers and ranges from low to high, as 5 or 0,3,7 or 0-4, got '4-0'"),
        (["--seeds", "0,,1"], "got '0,,1'"),
        (["--seeds", "0-999999999999"], "must be at most 10000 numbers, got 1000000000000 in '0-999999999999'"),
        (["--seeds", "3,0-9999"], "must be at most 10000 numbers, got 10001"),
        (["--out", ""], "must name a folder, got ''"),
        (["--out", "/proc/x"], "--out must be a folder "),
        (["--seeds", "-1"], "argument --seeds"),
        (["--steps", "0"], "must be a whole number from 1 on, got '0'"),
        (["--rate", "nan"], "rate must be a number in (0, inf), got nan"),
        (["--rate", "fast"], "invalid float value: 'fast'"),
        (["--resume"], "--resume must come with --out, the folder to go on in"),
        (
            ["--out", "x", "--steps", "9", "--rate", "1"],
            "--out must be left out with --steps, --rate: records are of the protocols as they are",
        ),
        (["--out", "/dev/null"], "--out must be a folder in which boyan.json can be written, got /dev/null"),
    ],
)
def test_a_usage_error_ends_with_2_and_one_line(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        code = main(["pretrain", *arguments])
    except SystemExit as stop:
        code = stop.code
    out, err = capsys.readouterr()
    assert code == 2 and out == "" and message in err and err.count("\n") == 1 and os.listdir(tmp_path) == []


def changed_protocol(text):
    return text.replace('"batch": 4', '"batch": 5')


def with_seed(text, outcome):
    return json.dumps({"protocol": json.loads(text)["protocol"], "seeds": {"1": outcome}})


@pytest.mark.parametrize(
    "file, content, more, message",
    [
        (
            "tiny.json",
            str,
            [],
            "tiny.json exists: with --resume what is missing is added, in another --out everything is trained anew",
        ),
        ("tiny-seed-1.pt", lambda text: "?", [], "tiny-seed-1.pt exists: with --resume"),
        ("tiny-seed-7.pt", lambda text: "?", ["--resume"], "checkpoint must be a file that pretraining wrote, got "),
        ("tiny.json", changed_protocol, ["--resume"], "tiny.json with another batch"),
        (
            "tiny.json",
            lambda text: text.replace('"discount"', '"discounts"', 1),
            ["--resume"],
            "tiny.json with another discount, discounts",
        ),
        (
            "tiny.json",
            lambda text: text[:-9],
            ["--resume"],
            "record must be a file that `python -m icrl pretrain` or record_text wrote, got ",
        ),
        ("tiny.json", lambda text: '{"protocol": [], "seeds": {}}', ["--resume"], "record must be a file"),
        ("tiny.json", lambda text: with_seed(text, {}), ["--resume"], "tiny.json: 'V' is missing"),
        ("tiny.json", lambda text: with_seed(text, None), ["--resume"], "record must be a file"),
        (
            "tiny.json",
            lambda text: with_seed(text, {"V": [[1.0, 2.0]]}),
            ["--resume"],
            "tiny.json: V of seed 1 must have shape (1, 3), got (1, 2)",
        ),
        (
            "tiny.json",
            lambda text: with_seed(text, {"V": [[1.0, 2.0, None]]}),
            ["--resume"],
            "V of seed 1 must be finite, got nan",
        ),
        (
            "tiny.json",
            lambda text: with_seed(text, {**json.loads(text)["seeds"]["1"], "pattern": {}}),
            ["--resume"],
            "'cosine_V' is missing",
        ),
        (
            "tiny.json",
            lambda text: with_seed(text, {**json.loads(text)["seeds"]["1"], "error": 3}),
            ["--resume"],
            "record must be a file",
        ),
    ],
)
def test_what_is_in_the_way_is_named_and_left(file, content, more, message, unbroken, tmp_path, capsys):
    text = content(unbroken.decode("utf-8"))
    (tmp_path / file).write_text(text, "utf-8")
    assert run_tiny(tmp_path, "--seeds", "1,7", *more) == 2
    out, err = capsys.readouterr()
    assert out == "" and message in err and err.count("\n") == 1
    assert os.listdir(tmp_path) == [file] and (tmp_path / file).read_text("utf-8") == text


def test_a_full_disk_ends_with_2_and_one_line(tmp_path, monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert run_tiny(tmp_path) == 2
    assert "No space left on device" in capsys.readouterr().err and os.listdir(tmp_path) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@pytest.mark.parametrize("arguments", [["--list"], ["tiny", "--steps", "1"]])
@pytest.mark.parametrize("through", [True, False], ids=["at once", "when flushed"])
def test_a_table_that_cannot_be_written_ends_with_2_and_one_line(through, arguments, monkeypatch, capsys):
    with TextIOWrapper(open("/dev/full", "wb", buffering=0 if through else -1), "utf-8", write_through=through) as full:
        monkeypatch.setattr(sys, "stdout", full)
        code = main(["pretrain", *arguments])
        monkeypatch.undo()
    assert (code, capsys.readouterr().err) == (
        2,
        "icrl pretrain: cannot write to standard output: No space left on device\n",
    )


def test_where_a_seed_goes_on_is_said(unbroken, tmp_path, capsys):
    stopped(TINY, 1, tmp_path / "tiny-seed-1.pt", 360, save_every=350)
    assert run_tiny(tmp_path, "--seeds", "1", "--resume") == 0
    assert capsys.readouterr().err == "tiny, seed 1: goes on from step 350\n"
    assert results.read_record(tmp_path / "tiny.json", TINY)[1] == json.loads(unbroken)["seeds"]["1"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path, monkeypatch, capsys):
    def refuse(*_, **__):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert run_tiny(tmp_path / "new") == 2
    assert (
        capsys.readouterr().err
        == f"icrl pretrain: --out must be a folder that can be made, got {tmp_path / 'new'}: Read-only file system\n"
    )


def test_seeds_in_every_spelling(monkeypatch):
    seen = []
    monkeypatch.setattr(command, "pretrain", lambda names, seeds, *_: seen.append((names, seeds)) or 0)
    for text in ("5", "0-3", "0,3,7", "2-4,3,0"):
        main(["pretrain", "--seeds", text])
    main(["pretrain"])
    assert seen == [(["boyan"], seeds) for seeds in ((5,), (0, 1, 2, 3), (0, 3, 7), (2, 3, 4, 0), (0,))]


def test_all_are_the_protocols_of_the_book_and_the_list_has_a_word_about_each(monkeypatch, capsys):
    monkeypatch.delitem(PROTOCOLS, "tiny")
    assert list(command.chosen(["dense", "all"], {})) == list(PROTOCOLS) == list(ABOUT)
    assert list(command.chosen(["dense", "boyan", "dense"], {})) == ["dense", "boyan"]
    assert main(["pretrain", "--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:] if not line.startswith("  ")] == list(
        PROTOCOLS
    )


def test_without_torch_the_command_says_what_to_install(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "icrl.pretrain.command")
    monkeypatch.delattr(pretrain, "command")
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(["pretrain"]) == 2
    assert capsys.readouterr().err == "icrl pretrain: needs torch: pip install 'icrl[torch]'\n"


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_shown_live_or_line_by_line(terminal, monkeypatch):
    monkeypatch.setattr(command, "PATIENCE", 0.0)
    file = StringIO()
    with command.telling(Console(file=file, force_terminal=terminal, width=150)) as tell:
        run = train(SHORT, report=lambda run: tell("tiny, seed 0", SHORT, run))
    state = f"loss {np.mean(run.losses[-20:]):.3g}, cosine of V {run.history[-1].pattern.cosine_V:.4f}, of A {run.history[-1].pattern.cosine_A:.4f}"
    if terminal:
        assert "tiny, seed 0" in file.getvalue() and "45/45" in file.getvalue() and state in file.getvalue()
    else:
        assert [line.split(":")[0] for line in file.getvalue().splitlines()] == ["tiny, seed 0"] * 3
        assert file.getvalue().splitlines()[-1] == f"tiny, seed 0: step 45 of 45, {state}"


# Several processes


def test_parts_of_a_batch_make_the_whole(monkeypatch):
    for size, many in ((7, 3), (4, 4), (64, 5), (3, 1)):
        monkeypatch.setattr(training, "processes", lambda many=many: many)
        parts = []
        for k in range(many):
            monkeypatch.setattr(training, "rank", lambda k=k: k)
            parts += [range(size)[own_part(size)]]
        assert [i for part in parts for i in part] == list(range(size)) and min(map(len, parts)) >= size // many
    monkeypatch.setattr(training, "processes", lambda: 4)
    with pytest.raises(ValueError, match="batch must be at least the number of processes, 4, got 3"):
        own_part(3)


def test_processes_above_the_first_end_with_0(tmp_path, monkeypatch, capsys):
    """torchrun ends all when one has failed: the first would be stopped before it has put a diverged seed on record."""
    monkeypatch.setattr(command, "rank", lambda: 1)
    monkeypatch.setitem(PROTOCOLS, "tiny", replace(SHORT, optimiser="sgd", rate=1e6))
    assert run_tiny(tmp_path, "--seeds", "0,1") == 0 and main(["pretrain", "boyann"]) == 0
    assert os.listdir(tmp_path) == [] and capsys.readouterr() == ("", "")


TOGETHER = """
import json, os
from pathlib import Path
import tiny
from icrl.cli import main
from icrl.pretrain.protocols import Protocol
from icrl.pretrain.train import process_group, rank, train

out, found = Path(os.environ["OUT"]), []
with process_group() as device:
    number = rank()
    for fields in json.loads(os.environ["FIELDS"]):
        run = train(Protocol(**fields), 2, device=device)
        found.append([run.losses, run.learned["V"].tolist(), run.learned["A"].tolist()])
    codes = [main(["pretrain", "tiny", "--out", str(out / "records"), *more]) for more in ([], ["--resume"])]
(out / f"{number}.json").write_text(json.dumps([found, codes]))
"""


def test_two_processes_do_what_one_does(unbroken, tmp_path):
    """Every step's tasks spread over two processes: the same losses and parameters, and one of them alone reads, writes and prints.

    Sums over a batch are taken in another order: 10⁻¹⁶ relative a step, which the optimiser passes on without enlarging it much.
    """
    protocols = [replace(SHORT, batch=7, steps=25), replace(FULL, steps=25), replace(FROZEN, steps=25)]
    (tmp_path / "records").mkdir()
    stopped(TINY, 0, tmp_path / "records" / "tiny-seed-0.pt", 300, save_every=100)
    (tmp_path / "tiny.py").write_text(SCRIPT, "utf-8")
    (tmp_path / "together.py").write_text(TOGETHER, "utf-8")
    env = {
        **os.environ,
        "OUT": str(tmp_path),
        "FIELDS": json.dumps([asdict(protocol) for protocol in protocols]),
        "OMP_NUM_THREADS": "1",
    }
    launch = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        tmp_path / "together.py",
    ]
    launcher = subprocess.Popen(launch, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        printed, said = launcher.communicate(timeout=300)
    finally:
        launcher.terminate()  # it ends its workers, which would outlive it if it were killed
    assert launcher.returncode == 0, said
    first, second = (json.loads((tmp_path / f"{number}.json").read_text()) for number in (0, 1))
    assert first[0] == second[0] and first[1] == [2, 0] and second[1] == [0, 0]
    for protocol, (losses, V, A) in zip(protocols, first[0]):
        run = train(protocol, 2)
        np.testing.assert_allclose(losses, run.losses, rtol=1e-10)
        for name, got in (("V", V), ("A", A)):
            np.testing.assert_allclose(got, run.learned[name], rtol=1e-10, atol=1e-12)
    assert said.count("tiny-seed-0.pt exists") == 1 and printed.count("tiny ") == 1
    assert os.listdir(tmp_path / "records") == ["tiny.json"]
    (tmp_path / "one.json").write_bytes(unbroken)
    got, expected = (
        json.loads(path.read_text())["seeds"]["0"]
        for path in (tmp_path / "records" / "tiny.json", tmp_path / "one.json")
    )
    np.testing.assert_allclose(got["A"], expected["A"], rtol=2e-5)  # six digits are on record
    np.testing.assert_allclose(got["V"], expected["V"], rtol=2e-5)
