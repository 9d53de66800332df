"""Files: what a kill, a second writer, a full disk and a strange file leave of them."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest

from conftest import ROOT
from icrl import files
from icrl.files import UsageError, alone, lock_of, plain, read_text, sweep, write_all

WRITER = """
import os, sys
from pathlib import Path
from icrl.files import write_all
def wait(_):
    print("written", flush=True)
    sys.stdin.readline()
os.fsync = wait
write_all({Path(sys.argv[1]): "another's"})
"""
HOLDER = """
import sys
from pathlib import Path
from icrl.files import alone
with alone(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""
COUNTER = """
import sys
from pathlib import Path
from icrl.files import alone, write_all
path = Path(sys.argv[1])
for _ in range(50):
    with alone(path):
        write_all({path: str(int(path.read_text()) + 1)})
"""
LIMITED = """
import resource, sys
from pathlib import Path
from icrl.files import UsageError, write_all
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_all({Path(sys.argv[1]): "new", Path(sys.argv[1] + "2"): "x" * 1001})
except UsageError as error:
    print(error)
"""


def other(script, path):
    """Another process, once it has said that it is there."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline()
    return process


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)


def test_a_writer_that_lives_is_left_alone(tmp_path):
    target = tmp_path / "file"
    writer = other(WRITER, target)
    [part] = os.listdir(tmp_path)
    write_all({target: "ours"})
    sweep(target)
    assert sorted(os.listdir(tmp_path)) == sorted([part, "file"]) and target.read_text() == "ours"
    writer.communicate("\n", timeout=60)
    assert writer.returncode == 0 and os.listdir(tmp_path) == ["file"] and target.read_text() == "another's"


def test_what_a_killed_writer_left_goes_when_its_file_is_written_again(tmp_path):
    target = tmp_path / "file"
    writer = other(WRITER, target)
    [part] = os.listdir(tmp_path)
    kill(writer)
    write_all({tmp_path / "file2": "α"})
    assert part.startswith(".file.") and f"-{writer.pid}-" in part and part in os.listdir(tmp_path)
    write_all({target: "ours"})
    assert sorted(os.listdir(tmp_path)) == ["file", "file2"] and target.read_text() == "ours"


def test_what_is_not_a_part_of_this_machine_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(files.platform, "node", lambda: "here/α")
    kept = [".file.there-7-0badcafe.part", ".file.7", ".file.here---7", ".file.part", "file.here---7-0badcafe.part"]
    for name in [*kept, ".file.here---7-0badcafe.part"]:
        (tmp_path / name).write_text("")
    (tmp_path / ".file.here---8.part").mkdir()
    os.mkfifo(tmp_path / ".file.here---9.part")
    write_all({tmp_path / "file": "new"})
    assert {*kept, "file", ".file.here---8.part"} <= set(os.listdir(tmp_path))
    assert ".file.here---7-0badcafe.part" not in os.listdir(tmp_path)


def test_a_number_of_a_process_that_comes_again_is_in_nobodys_way(tmp_path, monkeypatch):
    monkeypatch.setattr(files.secrets, "token_hex", lambda size: "0" * 2 * size)
    with files._part(tmp_path / "file") as part:
        name = Path(part.name)
    name.write_text("left by a process with the same number")
    (tmp_path / f".file.{os.getpid()}").write_text("")
    write_all({tmp_path / "file": "new"})
    assert (tmp_path / "file").read_text() == "new" and not name.exists()


def test_processes_that_add_to_a_file_lose_nothing(tmp_path):
    count = tmp_path / "count"
    count.write_text("0")
    run = [sys.executable, "-c", COUNTER, str(count)]
    for process in [subprocess.Popen(run, cwd=ROOT) for _ in range(3)]:
        assert process.wait(timeout=120) == 0
    assert count.read_text() == "150" and os.listdir(tmp_path) == ["count"]


def test_a_lock_goes_with_its_process(tmp_path):
    path, entered = tmp_path / "file", []
    holder = other(HOLDER, path)
    with pytest.raises(BlockingIOError), alone(path, wait=False):
        pass
    with alone(tmp_path / "another", wait=False):
        pass

    def enter():
        with alone(path):
            entered.append(holder.poll())

    waiting = Thread(target=enter)
    waiting.start()
    waiting.join(0.3)
    assert entered == [] and os.listdir(tmp_path) == [lock_of(path).name]
    kill(holder)
    waiting.join(60)
    assert len(entered) == 1 and os.listdir(tmp_path) == []


def test_a_lock_that_a_kill_left_is_in_nobodys_way(tmp_path):
    path = tmp_path / "file"
    kill(other(HOLDER, path))
    assert lock_of(path).exists()
    with alone(path, wait=False):
        pass
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("missing", ["fcntl", "locks"])
def test_without_locks_files_are_written_and_nothing_is_swept(missing, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(38, "Function not implemented")

    if missing == "fcntl":
        monkeypatch.setattr(files, "fcntl", None)
    else:
        monkeypatch.setattr(files.fcntl, "flock", refuse)
    monkeypatch.setattr(files.platform, "node", lambda: "here")
    part = ".file.here-7-0badcafe.part"
    (tmp_path / part).write_text("perhaps of a writer that lives")
    with alone(tmp_path / "file"), alone(tmp_path / "file", wait=False):
        write_all({tmp_path / "file": "new"})
    assert sorted(os.listdir(tmp_path)) == [part, "file"] and (tmp_path / "file").read_text() == "new"


def test_a_full_disk_leaves_every_file_as_it_was(tmp_path):
    (tmp_path / "file").write_text("old")
    ran = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "file")], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert ran.stdout == f"cannot write {tmp_path / 'file2'}: File too large\n" and ran.stderr == ""
    assert os.listdir(tmp_path) == ["file"] and (tmp_path / "file").read_text() == "old"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
def test_where_a_pipe_or_device_refuses_no_file_is_replaced(tmp_path):
    (tmp_path / "file").write_text("old")
    with pytest.raises(UsageError, match="cannot write /dev/full: No space left on device"):
        write_all({tmp_path / "file": "new", Path("/dev/full"): "new"})
    assert os.listdir(tmp_path) == ["file"] and (tmp_path / "file").read_text() == "old"


@pytest.mark.parametrize("name", ["x" * 255, "α" * 127, "[*]?"])
def test_a_name_may_be_as_long_and_as_odd_as_names_may_be(name, tmp_path):
    kill(other(WRITER, tmp_path / name))
    with alone(tmp_path / name):
        write_all({tmp_path / name: "new"})
    assert os.listdir(tmp_path) == [name]


def test_no_more_is_read_than_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LARGEST", 2**20)
    for size in (0, 2**20):
        (tmp_path / "file").write_bytes(b"x" * size)
        assert read_text(tmp_path / "file") == "x" * size
    for size in (2**20 + 1, 2**40):  # the second takes no room on a disk, and more than there is in memory
        os.truncate(tmp_path / "file", size)
        with pytest.raises(ValueError, match="holds more than 1 MiB, the most that is read"):
            read_text(tmp_path / "file")


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="there is no /dev/zero here")
def test_what_never_ends_is_left_after_the_limit(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    endless = subprocess.Popen(["cat", "/dev/zero"], stdout=subprocess.PIPE)
    for path in (Path("/dev/zero"), Path(f"/dev/fd/{endless.stdout.fileno()}")):
        with pytest.raises(ValueError, match="holds more than 64 MiB"):
            read_text(path)
    endless.stdout.close()
    endless.wait(timeout=60)
    writer = Thread(target=pipe.write_text, args=["{}"])
    writer.start()
    assert read_text(pipe) == "{}"
    writer.join(60)


PLAIN = {
    "state é α 文": "state é α 文", "a\x1b[31mb": r"a\x1b[31mb", "a\nb\tc\r\x07": r"a\nb\tc\r\x07", "\ud800": r"\ud800", "\u202eab\u2028": r"\u202eab\u2028",
    "\x9b31m": r"\x9b31m", "\\x1b": "\\x1b", "": "",
}  # fmt: skip


@pytest.mark.parametrize("text, shown", PLAIN.items())
def test_what_is_not_printable_is_shown_as_what_it_is(text, shown):
    assert plain(text) == shown


def test_a_text_for_a_person_is_cut():
    assert plain("x" * 2000) == "x" * 2000 and plain("x" * 2001) == "x" * 1999 + "…" and plain("abc", 2) == "a…"
