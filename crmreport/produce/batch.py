"""Many reports, side by side in one workshop, each for itself."""

from __future__ import annotations

import contextlib
import logging
import queue
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from crmreport.config import SHORTEST_CANARY
from crmreport.config_file import load_client, read_client_yaml
from crmreport.errors import ConfigError, CrmReportError, NotDeliveredError, RunError, StoppedError
from crmreport.produce import Limits, Order, Progress, Published, Result, publish
from crmreport.produce.asking import Asking
from crmreport.produce.attempts import Attempt, Status, attempt_file, last_attempt, write_attempt
from crmreport.produce.kernels import server
from crmreport.produce.kernels.workshop import Workshop
from crmreport.produce.records import RECORD
from crmreport.produce.run import make_report
from crmreport.workspace import Workspace

_STOP_WITHIN = 4.0
"""Seconds the reports in hand get to leave nothing behind after the word to stop."""
_LISTEN_EVERY = 0.2
_SHELF = "index.html"
_log = logging.getLogger(__name__)


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
    asking = Asking()
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
                        workspace,
                        order,
                        workshop,
                        asking=asking,
                        force=force,
                        canaries=canaries,
                        progress=progress,
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
        with _stopped_by_signals():
            try:
                for worker in workers:
                    worker.start()
                for _ in orders:
                    result = _next(finished)
                    if isinstance(result, BaseException):
                        raise result
                    done(result)
            except BaseException:
                workshop.stop()
                server.stop()
                until = monotonic() + _STOP_WITHIN
                for worker in workers:
                    worker.join(max(0.0, until - monotonic()))
                raise
            if _shelf_is_behind(workspace, results.values()):
                _renew_shelf(workspace, workshop, told=not any(r.published for r in results.values()))
    return [results[number] for number in range(len(orders))]


def _next(finished: queue.SimpleQueue[Result | BaseException]) -> Result | BaseException:
    # Polars lets a wait that a signal has come into go on: one without an end would never hear Ctrl-C.
    while True:
        with contextlib.suppress(queue.Empty):
            return finished.get(timeout=_LISTEN_EVERY)


def _shelf_is_behind(workspace: Workspace, results: Iterable[Result]) -> bool:
    """Whether something happened since the shelf was written, in this run or in one that was killed."""
    try:
        written = (workspace.reports / _SHELF).stat().st_mtime_ns
    except OSError:
        return True
    if any(_changed_since(file, written) for file in (workspace.root / "clients").glob("*/client.yml")):
        # A client whose file cannot be read stands on the shelf, and has no result.
        return True
    for result in results:
        order, published = result.order, result.published
        if isinstance(result.error, NotDeliveredError):
            continue
        if published is None or not published.reused:
            return True
        attempt = attempt_file(workspace, order.client, order.period, order.report)
        if any(_changed_since(file, written) for file in (published.path / RECORD, attempt)):
            return True
    return False


def _changed_since(file: Path, written: int) -> bool:
    with contextlib.suppress(OSError):
        return file.stat().st_mtime_ns > written
    return False


def _renew_shelf(workspace: Workspace, workshop: Workshop, *, told: bool) -> None:
    try:
        workshop.call_until(None, f"reports/{_SHELF}", _write_shelf, workspace)
    except RunError as error:
        # The reports stand without it. Where they failed, the disk is in their errors.
        if not told:
            _log.warning("reports/%s is as it was: %s; crmreport index makes it anew", _SHELF, error)


def _one(
    workspace: Workspace,
    order: Order,
    workshop: Workshop,
    *,
    asking: Asking,
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
            asking=asking,
            force=force,
            canaries=canaries,
            progress=lambda step: progress(order, step),
        )
    except OSError as problem:
        # Disk full, folder not writable: the report's fault is none of these.
        error = RunError(f"{problem}; see to the disk of {workspace.reports}, then run again")
    except Exception as problem:
        error = problem
    seconds = round(monotonic() - began, 3)
    if not (published and published.reused and _is_settled(workspace, order)):
        attempt = _attempt(workspace, order, published, error, started_at, seconds)
        with contextlib.suppress(OSError):
            if attempt is not None:
                write_attempt(workspace, attempt)
    if isinstance(error, StoppedError):
        raise error
    return Result(order, published, error, seconds)


def _is_settled(workspace: Workspace, order: Order) -> bool:
    """Whether the last attempt at a report that is as it was need not be put right: it did not fail."""
    last = last_attempt(workspace, order.client, order.period, order.report)
    return last is not None and last.status == "complete"


def _write_shelf(workspace: Workspace) -> None:
    # Imported in the fork that writes it: a run in which nothing has changed waits for no template.
    from crmreport.produce.shelf.shelf import write_shelf

    write_shelf(workspace)


def _attempt(
    workspace: Workspace,
    order: Order,
    published: Published | None,
    error: Exception | None,
    started_at: datetime,
    seconds: float,
) -> Attempt | None:
    if isinstance(error, NotDeliveredError):
        return None
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
        status = "partial" if publish.partial_place(workspace, folder).is_dir() else "failed"
    return Attempt(
        client=order.client,
        period=period,
        report=order.report,
        languages=order.languages or tuple(client.languages),
        status=status,
        exit_code=getattr(error, "exit_code", 1) if error else 0,
        error=workspace.without_root(" ".join(str(error).split())) if error else "",
        started_at=started_at.isoformat(timespec="seconds"),
        seconds=seconds,
        key=published.key if published else "",
        folder=folder.relative_to(workspace.reports).as_posix(),
    )


def _canaries(workspace: Workspace) -> dict[str, str]:
    """Word → client; those of a file that is wrong elsewhere are looked for, too."""
    found: dict[str, str] = {}
    for file in sorted((workspace.root / "clients").glob("*/client.yml")):
        # A client file that cannot be read is somebody else's report's error.
        with contextlib.suppress(ConfigError):
            canary = read_client_yaml(file).value.get("canary")
            if isinstance(canary, str) and len(canary) >= SHORTEST_CANARY:
                found[canary] = file.parent.name
    return found


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """A scheduler's SIGTERM ends the run as Ctrl-C does; signals can only be taken by the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_: int, __: object) -> None:
        raise StoppedError("stopped by SIGTERM")

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        raise StoppedError("stopped") from None
    finally:
        signal.signal(signal.SIGTERM, before)
