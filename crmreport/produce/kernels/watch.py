"""Holds forked processes to their limits: memory, time, and the word to stop."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import monotonic

import psutil

from crmreport.produce.kernels.family import descendants
from crmreport.produce.kernels.server import Forked

_EVERY = 0.2
_GIB = 1024**3
KILLED = "killed from outside"
"""What is said of a process that nobody here ended."""


@dataclass(eq=False)
class Watched:
    """A process under watch.

    Args:
        process: What is watched.
        deadline: When it has to be over, on the monotonic clock.
        held: Memory it held when last looked at, with its children, in bytes.
        peak: The most it was seen to hold.
        ended: Why it was ended from here, empty if it was not.
        out_of_time: It was ended because its deadline had passed.
    """

    process: Forked
    deadline: float | None = None
    held: int = 0
    peak: int = 0
    ended: str = ""
    out_of_time: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def end(self, reason: str, *, out_of_time: bool = False) -> None:
        """Kill it; the first reason stands, however often it is ended until it is gone."""
        with self._lock:
            if not self.ended:
                self.ended, self.out_of_time = reason, out_of_time
        self.process.kill()


class Watch:
    """One thread that looks at all processes, five times a second.

    Args:
        memory: Most bytes one process and its children may hold in memory. What it shares with
            the fork server (some 0.4 GB of imports) counts, too: the system does not tell it apart.
    """

    def __init__(self, *, memory: int) -> None:
        self.memory = memory
        self._watched: set[Watched] = set()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._stopped = ""
        self._thread: threading.Thread | None = None

    def begin(self, process: Forked, *, deadline: float | None = None) -> Watched:
        """Watch a process until :meth:`finish`."""
        watched = Watched(process, deadline)
        with self._lock:
            self._watched.add(watched)
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, name="watch", daemon=True)
                self._thread.start()
        if self._stopped:
            watched.end(self._stopped)
        return watched

    def finish(self, watched: Watched) -> None:
        """Look at it no more; it is gone afterwards."""
        with self._lock:
            self._watched.discard(watched)
        watched.process.kill()
        watched.process.tidy()

    @contextlib.contextmanager
    def over(self, process: Forked, *, deadline: float | None = None) -> Iterator[Watched]:
        """Watch a process while the block lasts."""
        watched = self.begin(process, deadline=deadline)
        try:
            yield watched
        finally:
            self.finish(watched)

    def stop(self, reason: str) -> None:
        """End everything under watch, and what comes under it from now on."""
        self._stopped = reason
        with self._lock:
            everything = list(self._watched)
        for watched in everything:
            watched.end(reason)

    def close(self) -> None:
        """Look no more."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    @property
    def held(self) -> int:
        """Bytes in memory of all processes under watch, as last seen."""
        with self._lock:
            return sum(watched.held for watched in self._watched)

    def _look(self) -> None:
        while not self._over.wait(_EVERY):
            with self._lock:
                everything = list(self._watched)
            now = monotonic()
            for watched in everything:
                watched.held = held = _resident(watched.process.pid)
                watched.peak = max(watched.peak, held)
                if held > self.memory:
                    watched.end(
                        f"held {held / _GIB:.1f} GB of memory, allowed are {self.memory / _GIB:.1f} GB; "
                        "allow more with --memory, or look at a shorter period"
                    )
                elif watched.deadline is not None and now > watched.deadline:
                    watched.end("its report's time was over", out_of_time=True)


def _resident(pid: int) -> int:
    try:
        return sum(member.memory_info().rss for member in (psutil.Process(pid), *descendants(pid)))
    except psutil.Error:
        return 0
