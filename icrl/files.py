"""Writing what was asked for: whole or not at all, and a plain word where that cannot be."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


class UsageError(Exception):
    """What was asked for cannot be done; the message says why, in one line."""


def writable(path: Path) -> bool:
    """Whether :func:`write_all` can write here: a file needs its folder, or the nearest that exists; a pipe or device only itself."""
    if os.path.exists(path) and not os.path.isfile(path):
        return not os.path.isdir(path) and os.access(path, os.W_OK)
    target = Path(os.path.realpath(path))
    folder = next(folder for folder in target.parents if os.path.exists(folder))
    return (
        folder.is_dir() and os.access(folder, os.W_OK | os.X_OK) and (not target.exists() or os.access(target, os.W_OK))
    )


def write_all(contents: Mapping[Path, str | bytes]) -> None:
    """Write files, each as it was or as it is to be, never half, and none before everything is on the disk.

    A file keeps its mode, and a link leads where it led; a pipe or a device is written to as it is.
    """
    parts: dict[Path, Path] = {}
    try:
        for path, content in contents.items():
            data = content.encode("utf-8") if isinstance(content, str) else content
            if path.exists() and not path.is_file():
                path.write_bytes(data)
                continue
            target = Path(os.path.realpath(path))
            parts[target] = target.with_name(f".{target.name}.{os.getpid()}")
            with open(parts[target], "xb") as file:
                file.write(data)
            if target.exists():
                shutil.copymode(target, parts[target])
        for path, part in parts.items():
            os.replace(part, path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)


def print_out(text: str) -> None:
    """Print and flush; ``UsageError`` where that cannot be, on a full disk say."""
    with printing():
        print(text, end="")


@contextmanager
def printing() -> Iterator[None]:
    """What is printed in the block is flushed at its end; ``UsageError`` where that cannot be."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is still to be flushed
        raise UsageError(f"cannot write to standard output: {error.strerror}") from None
