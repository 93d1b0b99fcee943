"""One run at a time on one report; the lock goes with the process that holds it, however it ends."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import psutil
from filelock import FileLock, Timeout

from crmreport.whole_file import write_whole
from crmreport.workspace import Workspace

UNKNOWN = "who holds its lock cannot be told"
_LOOK_AGAIN = 0.5
_TELL_AGAIN = 300.0
_SAME_START = 2.0
"""Seconds two readings of when a process began may differ: the clock is set while it runs."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock of a report.

    Args:
        pid, host: Its process.
        began: When that process began, seconds since 1970 by its host's clock.
        since: Since when it holds the lock, as an ISO time in UTC.
        report: What it makes, such as ``shop 2026-10``.
    """

    pid: int
    host: str
    began: float
    since: str
    report: str

    def __str__(self) -> str:
        """Such as ``pid 4711 on host crm-1, at work on shop 2026-10 since 2026-11-02 03:14:15 UTC``."""
        since = self.since.replace("T", " ").replace("+00:00", " UTC")
        return f"pid {self.pid} on host {self.host}, at work on {self.report} since {since}"


Waiting = Callable[[Holder | None, float], None]
"""Told who holds the lock, None when that cannot be said, and for how many seconds it was waited."""


@contextmanager
def locked(
    workspace: Workspace, folder: Path, report: str, *, waiting: Waiting, check: Waiting
) -> Iterator[Callable[[], None]]:
    """Hold the lock of a report's folder while the block lasts.

    Args:
        folder: Where the report is published, under reports/.
        report: What is made, for those who wait.
        waiting: Called when another run holds the lock: at once, when the holder changes, and every
            five minutes.
        check: Called every half second while waiting; raises to give up.

    Yields:
        To be called before work that takes time: it writes down who holds the lock. A report in which
        nothing has changed is held for milliseconds, and needs no file for that.
    """
    home = workspace.reports / ".locks"
    home.mkdir(parents=True, exist_ok=True)
    name = "+".join(folder.relative_to(workspace.reports).parts)
    lock, note = FileLock(home / f"{name}.lock"), home / f"{name}.holder.json"
    try:
        lock.acquire(timeout=0)
    except Timeout:
        _wait(lock, note, waiting, check)
    # Of a run that was killed while it held the lock: nobody is to be told of that one.
    note.unlink(missing_ok=True)
    try:
        yield lambda: _write(note, report)
    finally:
        with suppress(OSError):
            note.unlink(missing_ok=True)
        lock.release()


def _wait(lock: FileLock, note: Path, waiting: Waiting, check: Waiting) -> None:
    began = told = monotonic()
    holder = _read(note)
    waiting(holder, 0.0)
    while not lock.is_locked:
        now, known = monotonic(), holder
        holder = _read(note)
        check(holder, now - began)
        if (holder and holder != known) or now - told > _TELL_AGAIN:
            waiting(holder, now - began)
            told = now
        try:
            lock.acquire(timeout=_LOOK_AGAIN)
        except Timeout:
            continue


def _write(note: Path, report: str) -> None:
    process = psutil.Process()
    since = datetime.now(UTC).isoformat(timespec="seconds")
    holder = Holder(process.pid, socket.gethostname(), process.create_time(), since, report)
    # A disk that is full fails the report by itself, and in words of its own.
    with suppress(OSError):
        write_whole(note, json.dumps(asdict(holder)) + "\n")


def _read(note: Path) -> Holder | None:
    """Who holds the lock by the note; None where there is none, or its process is gone.

    A process of another host cannot be asked for. Whoever takes the lock removes the note it finds there.
    """
    try:
        holder = Holder(**json.loads(note.read_text(encoding="utf-8")))
        if holder.host == socket.gethostname():
            began = psutil.Process(holder.pid).create_time()
            return holder if abs(began - holder.began) < _SAME_START else None
    except (OSError, ValueError, TypeError, psutil.Error):
        return None
    return holder
