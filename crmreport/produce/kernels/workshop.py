"""Where the work of all reports is done: as many fresh processes at a time as there are places."""

from __future__ import annotations

import contextlib
import os
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

import psutil

from crmreport.errors import ConfigError, CrmReportError, DataError, RunError, StoppedError
from crmreport.produce import Limits
from crmreport.produce.kernels import server
from crmreport.produce.kernels.scratch import Scratch
from crmreport.produce.kernels.server import Forked
from crmreport.produce.kernels.watch import KILLED, Watch, Watched

P = ParamSpec("P")
R = TypeVar("R")


class Workshop:
    """Shared by all reports of a run; closed when the run is over.

    Raises:
        ConfigError: There would be no place to work at.
    """

    def __init__(self, limits: Limits) -> None:
        if limits.jobs < 1:
            raise ConfigError(f"--jobs {limits.jobs}: 1 or more processes are needed")
        self.jobs = limits.jobs
        self.cell_timeout = limits.cell_timeout
        share = psutil.virtual_memory().total * 9 // 10 // limits.jobs
        self.watch = Watch(memory=limits.memory or share)
        self._timeout = limits.timeout
        self._places = threading.BoundedSemaphore(limits.jobs)
        self._stopped = ""
        self._scratch: Scratch | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Workshop:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.stop("stopped")
        self.watch.close()
        if self._scratch is not None:
            self._scratch.close()

    @property
    def scratch(self) -> Path:
        """A private folder for sockets and IPython's own files, short enough for a socket's name."""
        with self._lock:
            if self._scratch is None:
                self._scratch = Scratch()
            return self._scratch.folder

    def warm(self) -> None:
        """Let the fork server begin its imports; called as soon as it is clear that there is work."""
        server.warm()

    def deadline(self) -> float | None:
        """When a report that begins now has to be over."""
        return None if self._timeout is None else monotonic() + self._timeout

    def out_of_time(self, where: str, more: str = "") -> RunError:
        """The error of a report whose deadline has passed.

        Args:
            where: What it was at, such as ``in the book (ja)``.
            more: What else there is to say, such as ``; chapter rfm had failed``.
        """
        assert self._timeout is not None
        allowed = f"{self._timeout:g} s" if self._timeout < 120 else f"{self._timeout / 60:g} min"
        return RunError(
            f"the report took longer than it may ({allowed}): its time ran out {where}{more}; "
            "allow more with --timeout"
        )

    @contextlib.contextmanager
    def place(self, deadline: float | None = None) -> Iterator[bool]:
        """Wait for a free place and hold it while the block lasts.

        Args:
            deadline: Until when to wait, on the monotonic clock.

        Yields:
            Whether it was got in time.

        Raises:
            StoppedError: The run was stopped meanwhile.
        """
        left = None if deadline is None else max(0.0, deadline - monotonic())
        got = self._places.acquire(timeout=left)
        try:
            self.check()
            yield got and (deadline is None or monotonic() < deadline)
        finally:
            if got:
                self._places.release()

    def check(self) -> None:
        """Raise if the run was stopped.

        Raises:
            StoppedError: It was.
        """
        if self._stopped:
            raise StoppedError(self._stopped)

    def stop(self, reason: str = "stopped") -> None:
        """End every process at once; whoever waits for one gets :class:`StoppedError`."""
        self._stopped = self._stopped or reason
        self.watch.stop(reason)

    def call_until(
        self, deadline: float | None, what: str, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Compute ``function(*args)`` in a fresh process, and hand over what it returns or raises.

        Args:
            deadline: When it has to be over, on the monotonic clock; None for no limit.
            what: Names the work in an error.
            function: Importable; its arguments and its result can be pickled.

        Raises:
            RunError: The process was ended before it could answer, or the disk did not take a file.
            StoppedError: The run was stopped.
        """
        with self.place(deadline) as in_time:
            if not in_time:
                raise self.out_of_time(f"before {what}")
            answer, asked = server.context().Pipe(duplex=False)
            try:
                process = Forked(_answer, asked, what, function, args, kwargs)
            except EOFError:
                self.check()
                raise RunError(f"{what}: the fork server ended before it could begin; run again") from None
            with answer, self.watch.over(process, deadline=deadline) as watched:
                asked.close()
                # Unlike reading, this waiting ends when a signal comes, whatever libraries have set up.
                answer.poll(None)
                try:
                    good, value = answer.recv()
                except EOFError:
                    raise self._ended(what, watched) from None
        if good:
            return value
        raise _rebuilt(*value)

    def _ended(self, what: str, watched: Watched) -> CrmReportError:
        code = watched.process.wait(5)
        # Asked last: a scheduler's SIGTERM may reach the process before it reaches us.
        self.check()
        if watched.out_of_time:
            return self.out_of_time(f"in {what}")
        if watched.ended:
            return RunError(f"{what}: {watched.ended}")
        return RunError(
            f"{what}: its process was {KILLED} (exit code {code}), perhaps for want of memory; "
            "look in the system's log, then run again"
        )


def _answer(connection: Any, what: str, function: Callable[..., Any], args: Any, kwargs: Any) -> None:
    os.environ.setdefault("MPLBACKEND", "agg")
    try:
        answer = (True, function(*args, **kwargs))
    except CrmReportError as error:
        answer = (False, (error.exit_code, str(error)))
    except OSError as error:
        answer = (False, (RunError.exit_code, f"{what}: {error}; see to the disk, then run again"))
    except Exception as error:
        answer = (False, (None, f"{type(error).__name__}: {error}", traceback.format_exc()))
    # Once it has answered it is ended, and a layout leaves its fonts.
    server.tidy_up()
    connection.send(answer)
    connection.close()


class _InForkError(Exception):
    """Where it happened, for who asks for a traceback."""


def _rebuilt(exit_code: int | None, text: str, trace: str = "") -> Exception:
    # An exception may not survive being pickled; its kind and its words do.
    for kind in (ConfigError, DataError, RunError):
        if kind.exit_code == exit_code:
            return kind(text)
    fault = RuntimeError(text)
    fault.__cause__ = _InForkError(f"\n{trace}")
    return fault
