"""Run a chapter with papermill, in a kernel of its own, and tell the truth about how it ended."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Literal

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import ensure_event_loop
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, papermill_engines

from crmreport.errors import TooFewError
from crmreport.produce.kernels.environment import chapter_environment
from crmreport.produce.kernels.provisioner import NAME
from crmreport.produce.kernels.watch import KILLED, Watched
from crmreport.produce.kernels.workshop import Workshop
from crmreport.whole_file import write_whole

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_MARKS = {"papermill-error-cell-tag"}
_INJECTED = "injected-parameters"
_ENGINE = "crmreport"
_PRINTED_LIMIT = 2 * 1024**2
"""Characters a chapter may print beside what it shows; more is a fault, and no notebook could be opened."""
_SHOWN_LIMIT = 64 * 1024**2
"""Characters of pictures, HTML and values."""
_SLOWEST = 3
_UNTOLD = 255
"""Exit code multiprocessing gives a process whose server is gone; ``os._exit(255)`` looks the same."""
_number = itertools.count(1)


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
    """Variables it needs beside those of every chapter (see :func:`.environment.chapter_environment`)."""


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
    memory: int = 0
    """Most bytes its kernel was seen to hold."""
    slowest: tuple[tuple[str, float], ...] = ()
    """Ids of the cells that took longest, with their seconds."""
    out_of_time: str | None = None
    """Where it was when the report's time was over; empty when it had not begun, None when it was not."""


def execute(task: Task, workshop: Workshop, *, deadline: float | None = None) -> Outcome:
    """Run one chapter; never raises for what the chapter does.

    Args:
        workshop: Gives the place to run in, and the limits.
        deadline: When the report has to be over, on the monotonic clock.

    Raises:
        StoppedError: The run was stopped.
    """
    with workshop.place(deadline) as in_time:
        if not in_time:
            return Outcome(task.chapter, "failed", 0.0, "not begun", out_of_time="")
        began = monotonic()
        task.lists.mkdir(parents=True, exist_ok=True)
        task.output.parent.mkdir(parents=True, exist_ok=True)
        sitting = _sit(task, workshop, deadline)
        if sitting.error is not None and not sitting.began and not sitting.ended:
            # The kernel never came up: nothing of the chapter has run, so it can be tried once more.
            workshop.check()
            sitting = _sit(task, workshop, deadline)
        workshop.check()
        seconds = monotonic() - began
    error = sitting.ended or sitting.error
    if sitting.notebook is None:
        return Outcome(task.chapter, "failed", seconds, _one_line(error or "did not start"))
    withheld = _too_few(error)
    slowest = _slowest(sitting.notebook)
    began_at_all = sitting.began
    cell = settle(sitting.notebook, error, withheld=withheld)
    save(sitting.notebook, task.output)
    warnings = _stderr_cells(sitting.notebook)
    if withheld is not None:
        return Outcome(task.chapter, "withheld", seconds, withheld, warnings, sitting.peak, slowest)
    if error is not None:
        where = f"cell {cell!r}" if cell and began_at_all else ""
        said = f"{where}: {_one_line(error)}" if where else _one_line(error)
        late = ", ".join(filter(None, (f"chapter {task.chapter}", where))) if sitting.out_of_time else None
        return Outcome(task.chapter, "failed", seconds, said, warnings, sitting.peak, slowest, late)
    return Outcome(task.chapter, "done", seconds, None, warnings, sitting.peak, slowest)


@dataclass
class _Sitting:
    """What is known of one execution, however it ended."""

    notebook: Any = None
    error: str | None = None
    watched: Watched | None = None

    @property
    def began(self) -> bool:
        """Whether any cell was sent to the kernel."""
        cells = self.notebook.cells if self.notebook else []
        return any(c.metadata.get("papermill", {}).get("start_time") for c in cells)

    @property
    def ended(self) -> str:
        """Why the kernel was ended from here, empty if it was not."""
        return self.watched.ended if self.watched else ""

    @property
    def out_of_time(self) -> bool:
        """Whether that was because the report's time was over."""
        return self.watched is not None and self.watched.out_of_time

    @property
    def peak(self) -> int:
        return self.watched.peak if self.watched else 0

    @property
    def death(self) -> str:
        """How the kernel ended that nobody here ended."""
        code = self.watched.process.wait(5) if self.watched else None
        if code is None:
            return "its kernel does not answer any more"
        if code < 0:
            return f"its kernel was {KILLED} (signal {-code}), perhaps for want of memory"
        if code == _UNTOLD:
            return f"its kernel ended in the middle without a word, perhaps {KILLED} with the fork server"
        return f"its kernel ended in the middle (exit code {code})"

    def end(self, reason: str) -> None:
        if self.watched is not None:
            self.watched.end(reason)


def _sit(task: Task, workshop: Workshop, deadline: float | None) -> _Sitting:
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    sitting = _Sitting()
    try:
        papermill.execute_notebook(
            papermill_load(task.notebook),
            None,
            parameters=task.parameters,
            engine_name=_ENGINE,
            kernel_name="python3",
            request_save_on_cell_execute=False,
            autosave_cell_every=0,
            progress_bar=False,
            execution_timeout=workshop.cell_timeout,
            sitting=sitting,
            kernel_manager_class=_kernel_manager(task, workshop, sitting, deadline),
            shutdown_kernel="immediate",
            extra_arguments=["--HistoryManager.enabled=False"],
        )
    except PapermillExecutionError as problem:
        sitting.error = f"{problem.ename}: {problem.evalue}" if problem.evalue else problem.ename
    except DeadKernelError:
        sitting.error = sitting.death
    except CellTimeoutError:
        sitting.error = f"took longer than {workshop.cell_timeout} s; allow more with --cell-timeout"
    except Exception as problem:  # a kernel that never came up
        sitting.error = f"{type(problem).__name__}: {problem}"
    finally:
        if sitting.watched is not None:
            workshop.watch.finish(sitting.watched)
        _close_loop()
    return sitting


def _close_loop() -> None:
    # nbclient makes an event loop per thread and leaves it to the collector, with its sockets, and with
    # the tasks that still wait for a kernel that is gone.
    loop = ensure_event_loop()
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    loop.close()


class _Client(PapermillNotebookClient):
    """papermill's client, which remembers what it works on and does not take everything it is sent."""

    def __init__(self, manager: Any, *, sitting: _Sitting, **options: Any) -> None:
        super().__init__(manager, **options)
        self._sitting = sitting
        self._printed = self._shown = 0

    def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
        content = msg["content"]
        if msg["msg_type"] == "stream":
            self._printed += len(content["text"])
        elif msg["msg_type"] in ("display_data", "update_display_data", "execute_result"):
            self._shown += sum(len(data) for data in content["data"].values() if isinstance(data, str))
        for verb, size, limit in (
            ("printed", self._printed, _PRINTED_LIMIT),
            ("showed", self._shown, _SHOWN_LIMIT),
        ):
            if size > limit:
                self._sitting.end(f"{verb} more than {limit // 1024**2} MB; show results with report.show")
                return None
        return super().process_message(msg, cell, cell_index)


class _Engine(Engine):
    """Keeps hold of the notebook, so that it can be saved even when the kernel dies under it."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: Any, kernel_name: str, *, sitting: _Sitting, execution_timeout: int, **options: Any
    ) -> Any:
        sitting.notebook = nb_man.nb
        names = ("kernel_manager_class", "shutdown_kernel", "extra_arguments")
        return _Client(
            nb_man,
            sitting=sitting,
            kernel_name=kernel_name,
            timeout=execution_timeout,
            startup_timeout=60,
            **{name: options[name] for name in names},
        ).execute()


papermill_engines.register(_ENGINE, _Engine)
for _noisy in ("papermill", "traitlets", "nbclient"):
    # What goes wrong is in the outcome, in our words.
    logging.getLogger(_noisy).setLevel(logging.CRITICAL)


def _kernel_manager(task: Task, workshop: Workshop, sitting: _Sitting, deadline: float | None) -> type:
    """Kernels of this interpreter, forked, watched, and spoken to through sockets in a private folder.

    No kernelspec has to be installed, and no TCP port can be taken by someone else
    between being chosen and being used.
    """
    spec = KernelSpec(
        argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        display_name="Python 3",
        language="python",
        metadata={"kernel_provisioner": {"provisioner_name": NAME}} if os.name == "posix" else {},
    )
    environment = {
        "IPYTHONDIR": str(workshop.scratch / "ipython"),
        "MPLBACKEND": "agg",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "CRMREPORT_LISTS": str(task.lists),
        **task.environment,
    }
    name = f"{task.chapter[:12]}-{next(_number)}"

    class Private(AsyncKernelManager):
        def __init__(self, *args: Any, **options: Any) -> None:
            if os.name == "posix":
                options |= {"transport": "ipc", "connection_file": str(workshop.scratch / f"{name}.json")}
            super().__init__(*args, **options)

        @property
        def kernel_spec(self) -> KernelSpec:
            return spec

        async def _async_launch_kernel(self, kernel_cmd: list[str], **options: Any) -> None:
            options["env"] = {**chapter_environment(options.get("env", os.environ)), **environment}
            await super()._async_launch_kernel(kernel_cmd, **options)
            provisioner: Any = self.provisioner
            sitting.watched = workshop.watch.begin(provisioner.process, deadline=deadline)

    return Private


def _slowest(notebook: Any) -> tuple[tuple[str, float], ...]:
    took = [(c.get("id", ""), c.metadata.get("papermill", {}).get("duration") or 0.0) for c in notebook.cells]
    return tuple(sorted(took, key=lambda cell: -cell[1])[:_SLOWEST])


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
        if _INJECTED in cell.metadata.get("tags", []):
            # papermill gives it another id in every run.
            cell["id"] = _INJECTED
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

    write_whole(path, nbformat.writes(notebook) + "\n")


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
