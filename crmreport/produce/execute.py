"""Run chapters with papermill: one fresh process each, side by side, and the truth about how it ended."""

from __future__ import annotations

import multiprocessing
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from crmreport.errors import TooFewError

WORKERS = 2
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_MARKS = {"papermill-error-cell-tag"}
_PIPE_LIMIT = 80
"""Longest folder for ipc sockets; the system's limit for a socket's path is 104 to 108 bytes."""


@dataclass(frozen=True, slots=True)
class Task:
    """One chapter to run."""

    chapter: str
    notebook: Path
    output: Path
    """Where the executed notebook goes, also when a cell fails."""
    lists: Path
    """Folder the chapter's action lists are written to."""
    parameters: dict[str, Any]
    environment: dict[str, str] = field(default_factory=dict)
    cell_timeout: int = 600


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a chapter ended."""

    chapter: str
    status: Literal["done", "withheld", "failed"]
    """``withheld``: there are too few customers to say anything; no fault of the chapter."""
    seconds: float
    error: str | None = None
    """One line: the cell and what it raised, or why the chapter is withheld."""
    warnings: int = 0
    """Cells that wrote to stderr."""


def execute(
    tasks: list[Task], *, workers: int = WORKERS, on_done: Callable[[Outcome], None] | None = None
) -> list[Outcome]:
    """Run every task, ``workers`` at a time, each in a process of its own; in the order given.

    This is the one place that knows how kernels come to be: a faster way to start them
    replaces this function and nothing else.
    """
    if not tasks:
        return []
    scratch = _scratch()
    done: dict[str, Outcome] = {}
    try:
        context = worker_context()
        with ProcessPoolExecutor(min(workers, len(tasks)), mp_context=context) as pool:
            waiting: dict[Future[Outcome], Task] = {pool.submit(run_one, t, scratch): t for t in tasks}
            for future in as_completed(waiting):
                task = waiting[future]
                try:
                    outcome = future.result()
                except BrokenExecutor:
                    outcome = Outcome(task.chapter, "failed", 0.0, "its process was killed; is memory short?")
                done[task.chapter] = outcome
                if on_done:
                    on_done(outcome)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return [done[t.chapter] for t in tasks]


def worker_context() -> Any:
    """Workers start from a clean process, never from a copy of the caller with its threads and files."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["crmreport.produce.execute", "papermill", "nbclient", "ipykernel"])
    return context


def _scratch() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="crm-"))
    if len(str(folder)) > _PIPE_LIMIT and Path("/tmp").is_dir():
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix="crm-", dir="/tmp"))
    return folder


def run_one(task: Task, scratch: Path) -> Outcome:
    """Run one chapter in this process's own kernel; never raises for what the chapter does."""
    began = time.monotonic()
    os.environ.update(
        {
            "IPYTHONDIR": str(scratch / "ipython"),
            "MPLBACKEND": "agg",
            "OPENBLAS_NUM_THREADS": "1",
            "PYTHONHASHSEED": "0",
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
            "CRMREPORT_LISTS": str(task.lists),
            **task.environment,
        }
    )
    task.lists.mkdir(parents=True, exist_ok=True)
    task.output.parent.mkdir(parents=True, exist_ok=True)
    import logging

    import papermill
    from papermill.engines import NBClientEngine, papermill_engines
    from papermill.exceptions import PapermillExecutionError

    class Keeping(NBClientEngine):
        """Remembers the notebook, so that it can be saved even when the kernel dies under it."""

        notebook: Any = None

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, *args: Any, **options: Any) -> Any:
            cls.notebook = nb_man.nb
            return super().execute_managed_notebook(nb_man, *args, **options)

    papermill_engines.register("crmreport", Keeping)
    for noisy in ("papermill", "traitlets", "nbclient"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)

    error: str | None = None
    try:
        papermill.execute_notebook(
            papermill_load(task.notebook),
            None,
            parameters=task.parameters,
            engine_name="crmreport",
            kernel_name="python3",
            request_save_on_cell_execute=False,
            autosave_cell_every=0,
            progress_bar=False,
            execution_timeout=task.cell_timeout,
            kernel_manager_class=_kernel_manager(scratch, task.chapter),
            shutdown_kernel="immediate",
        )
    except PapermillExecutionError as problem:
        error = f"{problem.ename}: {problem.evalue}" if problem.evalue else problem.ename
    except Exception as problem:  # a dead kernel, a timeout, a kernel that never came up
        error = f"{type(problem).__name__}: {problem}"
    notebook = Keeping.notebook
    if notebook is None:
        return Outcome(task.chapter, "failed", time.monotonic() - began, _one_line(error or "did not start"))
    withheld = _too_few(error)
    cell = settle(notebook, error, withheld=withheld)
    save(notebook, task.output)
    seconds = time.monotonic() - began
    if withheld is not None:
        return Outcome(task.chapter, "withheld", seconds, withheld, _stderr_cells(notebook))
    if error is not None:
        where = f"cell {cell!r}: " if cell else ""
        return Outcome(task.chapter, "failed", seconds, where + _one_line(error))
    return Outcome(task.chapter, "done", seconds, warnings=_stderr_cells(notebook))


def papermill_load(path: Path) -> Any:
    """The notebook as papermill wants it, without sending its path through ``str.format``."""
    import nbformat
    from papermill.iorw import load_notebook_node

    return load_notebook_node(nbformat.read(path, as_version=4))


def _too_few(error: str | None) -> str | None:
    name, _, message = (error or "").partition(": ")
    return _one_line(message) if name == TooFewError.__name__ and TooFewError.read(message) else None


def settle(notebook: Any, error: str | None, *, withheld: str | None = None) -> str | None:
    """Write the true status on every cell and drop what would differ between two runs.

    papermill says ``completed`` for the cell a kernel died in and for all after it; a cell
    that began is told by its start time. Where the chapter is withheld, its reason takes the
    place of the traceback: that would name folders of this machine, and reads like a fault.

    Returns:
        The id of the cell that failed, if one did.
    """
    from nbformat.v4 import new_output

    if withheld is not None:
        # papermill's own notices of an error.
        notebook.cells = [c for c in notebook.cells if not _MARKS & set(c.metadata.get("tags", []))]
    cells = notebook.cells
    failed: int | None = None
    if error is not None:
        raised = [i for i, c in enumerate(cells) if _has_error(c)]
        begun = [i for i, c in enumerate(cells) if c.metadata.get("papermill", {}).get("start_time")]
        failed = raised[0] if raised else (begun[-1] if begun else 0)
    for i, cell in enumerate(cells):
        stopped = "failed" if withheld is None else "withheld"
        status = "completed" if failed is None or i < failed else stopped if i == failed else "not run"
        cell.metadata["papermill"] = {"status": status}
        cell.metadata.pop("execution", None)
    parameters = notebook.metadata.get("papermill", {}).get("parameters", {})
    if withheld is not None and failed is not None:
        kept = [o for o in cells[failed].outputs if o.output_type != "error"]
        cells[failed].outputs = [*kept, new_output("stream", name="stdout", text=f"{withheld}\n")]
    notebook.metadata["papermill"] = {
        "parameters": parameters,
        "failed": failed is not None and withheld is None,
    }
    return cells[failed].get("id") if failed is not None and cells else None


def save(notebook: Any, path: Path) -> None:
    """Write a notebook in one step: a reader sees the old file or the whole new one."""
    import nbformat

    draft = path.with_name(f".{path.name}.{os.getpid()}")
    nbformat.write(notebook, draft)
    draft.replace(path)


def _kernel_manager(scratch: Path, chapter: str) -> type:
    """A kernel of this interpreter, spoken to through sockets in ``scratch``.

    No kernelspec has to be installed, and no TCP port can be taken by someone else
    between being chosen and being used.
    """
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    spec = KernelSpec(
        argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        display_name="Python 3",
        language="python",
    )
    name = f"{chapter[:12]}-{os.getpid()}-{time.monotonic_ns() % 10**6}"

    class Private(AsyncKernelManager):
        @property
        def kernel_spec(self) -> KernelSpec:
            return spec

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            if os.name == "posix":
                kwargs |= {"transport": "ipc", "connection_file": str(scratch / f"{name}.json")}
            super().__init__(*args, **kwargs)

    return Private


def _has_error(cell: Any) -> bool:
    return any(output.output_type == "error" for output in cell.get("outputs", []))


def _stderr_cells(notebook: Any) -> int:
    return sum(
        any(o.output_type == "stream" and o.get("name") == "stderr" for o in c.get("outputs", []))
        for c in notebook.cells
    )


def _one_line(text: str) -> str:
    lines = [line.strip() for line in _ANSI.sub("", text).splitlines() if line.strip()]
    return (lines[0] if lines else "")[:300]
