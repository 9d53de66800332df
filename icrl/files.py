"""Reading and writing what was asked for: whole or not at all, and a plain word where that cannot be."""

from __future__ import annotations

import glob
import os
import platform
import re
import secrets
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ModuleNotFoundError:  # Windows: nothing is locked there, and nothing swept
    fcntl = None  # type: ignore[assignment]  # and mypy knows of no module that may be missing

LARGEST = 64 * 2**20
"""The most bytes that are read of a file."""


class UsageError(Exception):
    """What was asked for cannot be done; the message says why, in one line."""


def plain(text: str, most: int = 2000) -> str:
    r"""Text of a line, cut to ``most`` characters, for a person: what is not printable, a terminal's commands say, as \x1b."""
    cut = text if len(text) <= most else text[: most - 1] + "…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in cut)


def read_text(path: Path) -> str:
    """What a text file in UTF-8 holds.

    Raises ``OSError``, ``UnicodeDecodeError``, and ``ValueError`` for more than :data:`LARGEST` bytes, as soon as one more
    is read: a pipe or a device may never end.
    """
    with open(path, "rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"holds more than {LARGEST // 2**20} MiB, the most that is read")
    return data.decode("utf-8-sig")


def writable(path: Path) -> bool:
    """Whether :func:`write_all` can write here: a file needs its folder, or the nearest that exists; a pipe or device only itself."""
    if os.path.exists(path) and not os.path.isfile(path):
        return not os.path.isdir(path) and os.access(path, os.W_OK)
    target = Path(os.path.realpath(path))
    folder = next(folder for folder in target.parents if os.path.exists(folder))
    return (
        folder.is_dir()
        and os.access(folder, os.W_OK | os.X_OK)
        and (not os.path.exists(target) or os.access(target, os.W_OK))
    )


def write_all(contents: Mapping[Path, str | bytes]) -> None:
    """Write files, each as it was or as it is to be, never half, and none before everything is on the disk.

    A file keeps its mode, and a link leads where it led; a pipe or a device is written to as it is. What processes that
    were killed while they wrote these files left beside them is removed.
    """
    parts: dict[Path, BinaryIO] = {}
    streams: dict[Path, bytes] = {}
    try:
        with ExitStack() as stack:
            for path, content in contents.items():
                data = content.encode("utf-8") if isinstance(content, str) else content
                if os.path.exists(path) and not os.path.isfile(path):
                    streams[path] = data
                    continue
                target = Path(os.path.realpath(path))
                sweep(target)
                parts[target] = stack.enter_context(_part(target))
                _fill(parts[target], data, target)
            for path, data in streams.items():
                path.write_bytes(data)
            for path, part in parts.items():
                os.replace(part.name, path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None


def _fill(part: BinaryIO, data: bytes, target: Path) -> None:
    """Write what is to take the target's place, to the disk, with the target's mode."""
    part.write(data)
    part.flush()
    os.fsync(part.fileno())
    if target.exists():
        shutil.copymode(target, part.name)
    if fcntl is None:
        part.close()  # Windows moves no file that is open


# Parts and locks: files beside the one they are for, locked by the system, which lets go when a process ends, however it ends


@contextmanager
def alone(path: Path, wait: bool = True) -> Iterator[None]:
    """Only one process at a time is in this block with this path; another waits, or raises ``BlockingIOError``.

    Nothing is held back where there are no locks: on Windows, and in folders of another machine that does not share them.
    """
    if fcntl is None:
        yield
        return
    with _held(lock_of(path), wait):
        yield


def lock_of(path: Path) -> Path:
    """The file that is there while a process is :func:`alone` with this path; one that is killed leaves it, unlocked."""
    return path.with_name(f".{_short(path.name)}.lock")


def sweep(target: Path) -> None:
    """Remove the parts of this file that processes of this machine left when they were killed, none that one still holds."""
    for path in target.parent.glob(f"{glob.escape(_beginning(target))}*.part"):
        with suppress(OSError), open(path, "r+b") as part:
            if _locked(part, wait=False) and _is_at(part, path):
                path.unlink()


def _part(target: Path) -> AbstractContextManager[BinaryIO]:
    """A new file beside this one, to take its place; its name says whose it is."""
    return _held(target.with_name(f"{_beginning(target)}{os.getpid()}-{secrets.token_hex(4)}.part"), wait=True)


def _beginning(target: Path) -> str:
    """How the names of this machine's parts begin; those of others, who may hold them unseen from here, are left alone."""
    return f".{_short(target.name)}.{re.sub('[^a-zA-Z0-9-]', '-', platform.node())[:64]}-"


def _short(name: str) -> str:
    """A name with room for more: its first 150 bytes of the 255 that a name may have."""
    return os.fsencode(name)[:150].decode("utf-8", "ignore")


@contextmanager
def _held(path: Path, wait: bool) -> Iterator[BinaryIO]:
    """This file, made where there is none, locked while the block lasts and then removed."""
    while True:
        with ExitStack() as stack:
            file = stack.enter_context(open(path, "ab"))
            _locked(file, wait)
            if _is_at(file, path):  # and not removed by the one who held it before
                stack.pop_all()
                break
    try:
        yield file
    finally:
        if fcntl is None:
            file.close()  # Windows removes no file that is open
        path.unlink(missing_ok=True)
        file.close()


def _locked(file: BinaryIO, wait: bool) -> bool:
    """Whether this process now has the lock of a file; False where there are none; ``BlockingIOError`` where another has it."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        raise
    except OSError:  # a file system without locks
        return False
    return True


def _is_at(file: BinaryIO, path: Path) -> bool:
    """Whether an open file is the one that has this name now."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except FileNotFoundError:
        return False


# Standard output


def print_out(text: str) -> None:
    """Print and flush; ``UsageError`` where that cannot be, on a full disk say."""
    with printing():
        print(text, end="")


@contextmanager
def printing() -> Iterator[None]:
    """What is printed in the block is flushed at its end; ``UsageError`` where that cannot be."""
    if sys.stdout is None:
        raise UsageError("cannot write to standard output: it is closed")
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is still to be flushed
        raise UsageError(f"cannot write to standard output: {error.strerror}") from None
