"""What a process has started, and what that has started in turn, however far it went."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable
from time import monotonic

import psutil

_SET_CHILD_SUBREAPER = 36
_PATIENCE = 3.0


def adopt() -> None:
    """Become the parent of every descendant whose own parent ends, a daemon's too.

    Without it a cell's helper that begins a session of its own, or whose parent is gone, belongs to nobody
    here: neither its memory is counted nor is it ended with the run. Linux alone knows how.
    """
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants(pid: int) -> list[psutil.Process]:
    """All that descend from a process, itself not among them; empty when it is gone."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []


def kill(family: Iterable[psutil.Process]) -> None:
    """SIGKILL each; whoever is gone already is no fault. A number given anew is told by its birth."""
    for member in family:
        with contextlib.suppress(psutil.Error):
            member.kill()


def kill_descendants(pid: int) -> None:
    """SIGKILL all that descend from a process, and what they start meanwhile, until nobody is left."""
    until = monotonic() + _PATIENCE
    while monotonic() < until:
        living = [member for member in descendants(pid) if _lives(member)]
        if not living:
            return
        kill(living)
        psutil.wait_procs(living, timeout=0.05)


def _lives(member: psutil.Process) -> bool:
    try:
        return member.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
