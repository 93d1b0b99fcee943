"""One run at a time on one report; the lock goes with the process that holds it, however it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from crmreport.workspace import Workspace

_LOOK_AGAIN = 0.5


@contextmanager
def locked(
    workspace: Workspace, folder: Path, *, waiting: Callable[[], None], check: Callable[[], None]
) -> Iterator[None]:
    """Hold the lock of a report's folder while the block lasts.

    Args:
        folder: Where the report is published, under reports/.
        waiting: Called once when another run holds the lock.
        check: Called every half second while waiting; raises to give up.
    """
    home = workspace.reports / ".locks"
    home.mkdir(parents=True, exist_ok=True)
    lock = FileLock(home / f"{'+'.join(folder.relative_to(workspace.reports).parts)}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        waiting()
        while not lock.is_locked:
            check()
            try:
                lock.acquire(timeout=_LOOK_AGAIN)
            except Timeout:
                continue
    try:
        yield
    finally:
        lock.release()
