"""Many reports, side by side in one workshop, each for itself."""

from __future__ import annotations

import contextlib
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from time import monotonic

from crmreport.config_file import load_client
from crmreport.errors import ConfigError, CrmReportError, DataError, NotDeliveredError, RunError, StoppedError
from crmreport.produce import Limits, Order, Progress, Published, Result, publish
from crmreport.produce.attempts import Attempt, Status, write_attempt
from crmreport.produce.run import make_report
from crmreport.produce.shelf import write_shelf
from crmreport.produce.workshop import Workshop
from crmreport.workspace import Workspace

_STOP_WITHIN = 4.0
"""Seconds the reports in hand get to leave nothing behind after the word to stop."""


def run_batch(
    workspace: Workspace,
    orders: Sequence[Order],
    *,
    limits: Limits,
    force: bool,
    progress: Callable[[Order, Progress], None],
    done: Callable[[Result], None],
) -> list[Result]:
    """See :func:`crmreport.produce.run_reports`."""
    canaries = _canaries(workspace)
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(len(orders)):
        waiting.put(number)
    results: dict[int, Result] = {}
    finished: queue.SimpleQueue[Result | BaseException] = queue.SimpleQueue()

    with Workshop(limits) as workshop:

        def work() -> None:
            while True:
                try:
                    number = waiting.get_nowait()
                except queue.Empty:
                    return
                order = orders[number]
                try:
                    result = _one(
                        workspace, order, workshop, force=force, canaries=canaries, progress=progress
                    )
                except BaseException as error:
                    finished.put(error)
                    return
                results[number] = result
                finished.put(result)

        # One more than there are places: while a report waits for its last chapter, the next one begins.
        workers = [
            threading.Thread(target=work, name=f"report-{i}", daemon=True)
            for i in range(min(limits.jobs + 1, len(orders)))
        ]
        with _stopped_by_sigterm():
            try:
                for worker in workers:
                    worker.start()
                for _ in orders:
                    result = finished.get()
                    if isinstance(result, BaseException):
                        raise result
                    done(result)
            except BaseException:
                workshop.stop()
                until = monotonic() + _STOP_WITHIN
                for worker in workers:
                    worker.join(max(0.0, until - monotonic()))
                raise
        if any(not (r.published and r.published.reused) for r in results.values()):
            with contextlib.suppress(OSError):
                workshop.call_until(None, "reports/index.html", write_shelf, workspace)
    return [results[number] for number in range(len(orders))]


def _one(
    workspace: Workspace,
    order: Order,
    workshop: Workshop,
    *,
    force: bool,
    canaries: dict[str, str],
    progress: Callable[[Order, Progress], None],
) -> Result:
    """Make one report and keep how it ended; raises only when the whole run was stopped."""
    began, started_at = monotonic(), datetime.now(UTC)
    published: Published | None = None
    error: Exception | None = None
    try:
        workshop.check()
        published = make_report(
            workspace,
            order,
            workshop,
            force=force,
            canaries=canaries,
            progress=lambda step: progress(order, step),
        )
    except OSError as problem:
        # Disk full, folder not writable: the report's fault is none of these.
        error = RunError(f"{problem}; see to the disk, then run again")
    except Exception as problem:
        error = problem
    seconds = round(monotonic() - began, 3)
    if not (published and published.reused) and not isinstance(error, NotDeliveredError):
        attempt = _attempt(workspace, order, error, started_at, seconds)
        with contextlib.suppress(OSError):
            if attempt is not None:
                write_attempt(workspace, attempt)
    if isinstance(error, StoppedError):
        raise error
    return Result(order, published, error, seconds)


def _attempt(
    workspace: Workspace, order: Order, error: Exception | None, started_at: datetime, seconds: float
) -> Attempt | None:
    try:
        client = load_client(workspace.client_file(order.client))
        period = client.period(order.period).name
    except (CrmReportError, OSError):
        # No such client, or a client file nobody can read: there is no report to speak of.
        return None
    folder = publish.target(workspace, order.client, period, order.report)
    status: Status = "complete"
    if isinstance(error, StoppedError):
        status = "stopped"
    elif error is not None:
        status = "partial" if (folder / f"{order.report}.partial").is_dir() else "failed"
    record = publish.read_record(folder) if status == "complete" else None
    return Attempt(
        client=order.client,
        period=period,
        report=order.report,
        languages=order.languages or tuple(client.languages),
        status=status,
        exit_code=getattr(error, "exit_code", 1) if error else 0,
        error=" ".join(str(error).split()) if error else "",
        started_at=started_at.isoformat(timespec="seconds"),
        seconds=seconds,
        key=record.get("key", "") if record else "",
        folder=folder.relative_to(workspace.reports).as_posix(),
    )


def _canaries(workspace: Workspace) -> dict[str, str]:
    found: dict[str, str] = {}
    for file in sorted((workspace.root / "clients").glob("*/client.yml")):
        # A client file that cannot be read is somebody else's report's error.
        with contextlib.suppress(ConfigError, DataError, OSError):
            client = load_client(file, reports=False)
            if client.canary:
                found[client.canary] = client.client
    return found


@contextlib.contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """A scheduler's SIGTERM ends the run as Ctrl-C does; signals can only be taken by the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_: int, __: object) -> None:
        raise StoppedError("stopped by SIGTERM")

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
