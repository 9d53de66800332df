"""Run notebooks in place: `python tools/execute.py book/a.ipynb …`

A notebook is replaced only by a complete run, in one atomic step, and only what a reader sees is kept: running twice
gives the same bytes.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVarTuple

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
TRANSIENT = {"execution", "ExecuteTime", "collapsed", "scrolled"}
Arguments = TypeVarTuple("Arguments")
BOOK = Path(__file__).resolve().parents[1] / "book"


def normalised(notebook):
    """The notebook without what differs between machines, editors and runs."""
    notebook.metadata = {"kernelspec": KERNELSPEC, "language_info": {"name": "python"}}
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{number:02d}"
        cell.metadata = {key: value for key, value in cell.metadata.items() if key not in TRANSIENT}
    return notebook


class UnsignalledLoop(asyncio.SelectorEventLoop):
    """A loop that leaves Ctrl-C to asyncio: nbclient would answer it by killing the kernel, with any exception after."""

    def add_signal_handler(self, sig: int, callback: Callable[[*Arguments], Any], *args: *Arguments) -> None:
        raise NotImplementedError


async def run_cells(client: NotebookClient):
    """Execute every cell; nbclient takes a cancellation for a dead kernel, so it is raised here again."""
    try:
        await client.async_execute()
    finally:
        if (task := asyncio.current_task()) and task.cancelling():
            raise asyncio.CancelledError


def execute(path: Path):
    """Run one notebook in its own folder, as a reader would, and write it back."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        kernel_name=KERNELSPEC["name"],
        timeout=300,
        record_timing=False,
        coalesce_streams=True,
        shutdown_kernel="immediate",  # a kernel asked to end within a cell prints a traceback of its own
        resources={"metadata": {"path": path.parent}},
        extra_arguments=["--log-level=ERROR"],
    )
    with asyncio.Runner(loop_factory=UnsignalledLoop) as runner:
        runner.run(run_cells(client))
    fresh = path.with_suffix(".ipynb.tmp")
    try:
        nbformat.write(normalised(notebook), fresh)
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


def known() -> str:
    """The book's notebooks, as they would be named here."""
    return f"there are {', '.join(os.path.relpath(path) for path in sorted(BOOK.glob('*.ipynb')))}"


def problem(name: str) -> str:
    """Why this file cannot be run, in one line; nothing if it can."""
    if not Path(name).is_file():
        return f"no such notebook {name!r}; {known()}"
    try:
        nbformat.read(name, as_version=4)
    except Exception as error:  # noqa: BLE001  nbformat raises a dozen kinds for what is no notebook
        return f"{name} is no notebook: {str(error).partition(chr(10))[0]}"
    return ""


def main(names: list[str]) -> int:
    """Run each notebook named: 0 when all ran, 1 when one failed, 2 when one is none (then none is run), 130 after Ctrl-C."""
    problems = list(filter(None, map(problem, names))) if names else [f"no notebook named; {known()}"]
    if problems:
        print(*problems, sep="\n", file=sys.stderr)
        return 2
    failed = 0
    for name in names:
        start = time.perf_counter()
        print(f"{name} …", end=" ", flush=True)
        try:
            execute(Path(name))
        except KeyboardInterrupt:
            print(f"interrupted; {name} left as it was", file=sys.stderr)
            return 130
        except CellExecutionError as error:
            failed += 1
            print(f"FAILED, left as it was\n{error}", file=sys.stderr)
        except Exception as error:  # noqa: BLE001  a dead kernel, a full disk: no reason to leave out the others
            failed += 1
            print(f"FAILED, left as it was\n{type(error).__name__}: {error}", file=sys.stderr)
        else:
            print(f"{time.perf_counter() - start:.1f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
