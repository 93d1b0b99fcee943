"""The fork server of this process, and the processes that are forked from it."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import multiprocessing.connection
import os
import shutil
import signal
import sys
import tempfile
import threading
import types
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker, util
from pathlib import Path
from typing import Any

from crmreport.produce.kernels import family, preload
from crmreport.produce.kernels.scratch import Scratch

PRELOAD = preload.__name__
# Fixed before the interpreter starts: sets are then in the same order in every run, and the forks
# of several cores do not each start a thread per core for linear algebra; and a pandas.py in the
# working folder is not taken for the package. The debugger, which ipykernel imports, else warns of itself.
_FROM_THE_START = {
    "PYTHONHASHSEED": "0",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONSAFEPATH": "1",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    preload.MARK: "1",
}
_TEMPORARY = "TMPDIR"
_starting = threading.Lock()
_numbers = itertools.count(1)
_scratch: Scratch | None = None
"""Where the server and its forks put what is temporary: they end without a chance to tidy up, and a run
that is killed leaves it to the next one."""
_own: Path | None = None
"""The part of it that is this process's own, if it is a fork."""
_era = 0
"""Grows when the server is ended: who still waited for that one must not start the next."""


def context() -> Any:
    """Where processes come from: the fork server, or a new interpreter where there is no fork."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    chosen = multiprocessing.get_context("forkserver")
    chosen.set_forkserver_preload([PRELOAD])
    return chosen


def warm() -> None:
    """Start the fork server in the background, so that it imports while something else is done."""
    _warm(_era)


def _warm(era: int) -> None:
    if "forkserver" in multiprocessing.get_all_start_methods():
        from multiprocessing import forkserver

        context()
        with _starting:
            place = {_TEMPORARY: str(_temporary())}
            with _environment(_FROM_THE_START | place), _no_interrupts():
                _refuse_if_over(era)
                forkserver.ensure_running()


def _temporary() -> Path:
    """The folder for it, made once in a process and gone with it; to be called while it holds the lock."""
    global _scratch
    if _scratch is None:
        _scratch = Scratch()
        # After multiprocessing has removed the folder of its sockets, which lies in this one.
        util.Finalize(None, _scratch.close, exitpriority=-200)
        before, tempfile.tempdir = tempfile.tempdir, str(_scratch.folder)
        try:
            util.get_temp_dir()
        finally:
            tempfile.tempdir = before
    return _scratch.folder


def stop() -> None:
    """End the fork server, with all its forks; who waits for one gets :class:`EOFError`.

    While it imports it answers nobody, and a run that is stopped must not wait for that.
    """
    global _era
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return
    from multiprocessing import forkserver

    _era += 1
    server: Any = getattr(forkserver, "_forkserver", None)
    if server is not None and server._forkserver_pid is not None:
        left = family.descendants(server._forkserver_pid)
        with contextlib.suppress(ProcessLookupError):
            os.kill(server._forkserver_pid, signal.SIGKILL)
        family.kill(left)


def _refuse_if_over(era: int) -> None:
    if era != _era:
        raise EOFError("the fork server was ended")


def package_path() -> str:
    """``PYTHONPATH`` of what is started here: the very package of this process first, installed or not."""
    here = str(Path(__file__).resolve().parents[3])
    return os.pathsep.join(dict.fromkeys([here, *filter(None, [os.environ.get("PYTHONPATH")])]))


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    values = {**values, "PYTHONPATH": package_path()}
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _no_interrupts() -> Iterator[None]:
    # Ctrl-C reaches all a terminal has in front: the server, busy with its imports, would answer with
    # a traceback. What it starts inherits this, and is told by the driver instead.
    # multiprocessing's resource tracker, when it starts, lets SIGINT through again: so it comes first.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    # multiprocessing would run the caller's script again in the fork, for functions defined in it. Ours
    # are imported by name, and a script without the __main__ guard would order its report a second time.
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


class Forked:
    """A process forked from the server, handled like one of :class:`subprocess.Popen`.

    Raises:
        EOFError: The server ended meanwhile.
    """

    stdin = stdout = stderr = None

    def __init__(self, target: Callable[..., None], *args: Any) -> None:
        era = _era
        _warm(era)
        with _starting:
            # A name that stays short: a fork may have sockets in it.
            self._temporary = _temporary() / str(next(_numbers))
        self._process = context().Process(target=_begin, args=(str(self._temporary), target, *args))
        with _starting, _without_main():
            _refuse_if_over(era)
            self._process.start()
        self.pid: int = self._process.pid
        # multiprocessing reads the exit code from a pipe, once: two threads would each take half.
        self._reading = threading.Lock()

    def poll(self) -> int | None:
        """Exit code, None while it runs; negative: ended by that signal."""
        with self._reading:
            return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for its end."""
        multiprocessing.connection.wait([self._process.sentinel], timeout)
        return self.poll()

    def send_signal(self, signum: int) -> None:
        """Send a signal to it and to what it started."""
        if self.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            try:
                os.killpg(self.pid, signum)
            except (ProcessLookupError, PermissionError):  # not yet the head of its own group
                os.kill(self.pid, signum)

    def kill(self) -> None:
        """End it at once, with what it started, also what has left its group."""
        left = family.descendants(self.pid) if self.poll() is None else []
        self.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        family.kill(left)

    def tidy(self) -> None:
        """Remove what it left of temporary files; it has ended, or is about to."""
        shutil.rmtree(self._temporary, ignore_errors=True)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)


def _begin(temporary: str, target: Callable[..., None], *args: Any) -> None:
    """First thing in a fork: a group of its own, gone when the driver goes, its own random numbers.

    Args:
        temporary: Folder for its temporary files, to be made.
    """
    use_temporary(temporary)
    # The driver's output is a command's result; what a library prints here is not.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    if os.name == "posix":
        os.setsid()
        family.adopt()
        _die_with_driver()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    import random

    import numpy as np

    # Every fork has the server's generators, and would draw the same numbers.
    random.seed()
    np.random.seed()
    target(*args)


def use_temporary(folder: str) -> None:
    """Let this process, a fork, and what it starts put temporary files into a folder of its own."""
    global _own
    _own = Path(folder)
    _own.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ[_TEMPORARY] = tempfile.tempdir = folder


def tidy_up() -> None:
    """Remove what this process, if it is a fork, has left of temporary files."""
    if _own is not None:
        shutil.rmtree(_own, ignore_errors=True)


def _die_with_driver() -> None:
    """Let nobody outlive the driver, however it ends; SIGKILL lets it tell no one."""
    driver: Any = multiprocessing.parent_process()

    def watch() -> None:
        driver.join()
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, name="die-with-driver", daemon=True).start()
    # As long as one of its forks holds this end open, the server would stay too.
    from multiprocessing import forkserver

    held = getattr(forkserver, "_forkserver", None)
    if held is not None and held._forkserver_alive_fd is not None:
        os.close(held._forkserver_alive_fd)
        held._forkserver_alive_fd = None
    _die_with_parent_on_linux()


def _die_with_parent_on_linux() -> None:
    # The parent is the fork server, which goes with the driver: this also reaches a process whose
    # threads do not get to run, deep in a library. What such a process leaves, the server ends.
    import ctypes

    if sys.platform != "linux":
        return
    set_death_signal = 1
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)
    if os.getppid() == 1:
        os.killpg(0, signal.SIGKILL)
