"""Run notebooks in place: `python tools/execute.py book/a.ipynb …`

A notebook is replaced only by a complete run, in one atomic step, and only what a reader sees is kept: running twice
gives the same bytes.
"""

import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
TRANSIENT = {"execution", "ExecuteTime", "collapsed", "scrolled"}


def normalised(notebook):
    """The notebook without what differs between machines, editors and runs."""
    notebook.metadata = {"kernelspec": KERNELSPEC, "language_info": {"name": "python"}}
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{number:02d}"
        cell.metadata = {key: value for key, value in cell.metadata.items() if key not in TRANSIENT}
    return notebook


def execute(path: Path):
    """Run one notebook in its own folder, as a reader would, and write it back."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, kernel_name=KERNELSPEC["name"], timeout=300, record_timing=False, coalesce_streams=True,
        resources={"metadata": {"path": path.parent}}, extra_arguments=["--log-level=ERROR"],
    )
    client.execute()
    fresh = path.with_suffix(".ipynb.tmp")
    nbformat.write(normalised(notebook), fresh)
    os.replace(fresh, path)


def main(names: list[str]) -> int:
    """Run each notebook named; the number of failures is the verdict."""
    failed = 0
    for name in names:
        start = time.perf_counter()
        print(f"{name} …", end=" ", flush=True)
        try:
            execute(Path(name))
        except CellExecutionError as error:
            failed += 1
            print(f"FAILED, left as it was\n{error}", file=sys.stderr)
        else:
            print(f"{time.perf_counter() - start:.1f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
