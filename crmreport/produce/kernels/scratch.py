"""A private folder for sockets and whatever is temporary, gone with the run however it ends."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

from filelock import FileLock, Timeout

_PREFIX = "crm-"
_OWNED = "owner.lock"
_LONGEST = 64
"""Longest folder: the system's limit for a socket's path is 104 to 108 bytes, and the longest below it is
that of a chapter that uses multiprocessing itself, ``/1234/pymp-12345678/listener-12345678``."""


class Scratch:
    """Such a folder, held until it is closed; making one sweeps away those whose run was killed.

    That a run is gone is told by its lock, which goes with its process, and not by its number: numbers
    are given again, and a container that shares the folder has its own.

    Args:
        home: Where it is made: the system's folder for such things, or /tmp where that one's name is
            too long for a socket.
    """

    def __init__(self, home: Path | None = None) -> None:
        home = home or Path(tempfile.gettempdir())
        # As long as the names mkdtemp gives.
        if len(str(home / f"{_PREFIX}12345678")) > _LONGEST and Path("/tmp").is_dir():
            home = Path("/tmp")
        sweep(home)
        self.folder, self._lock = _held(home)

    def close(self) -> None:
        """Remove it."""
        with contextlib.suppress(OSError):
            _remove(self.folder)
        self._lock.release()


def _held(home: Path) -> tuple[Path, FileLock]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=home))
        # Made by a report's thread, closed by the run's.
        lock = FileLock(folder / _OWNED, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            # Another run sweeps and took the new folder for one nobody holds.
            continue
        if (folder / _OWNED).exists():
            return folder, lock
        lock.release()


def sweep(home: Path) -> None:
    """Remove the folders of runs that were killed; whatever is held, or is another user's, stays."""
    for owned in home.glob(f"{_PREFIX}*/{_OWNED}"):
        try:
            if _is_ours(owned.parent):
                with FileLock(owned, timeout=0):
                    _remove(owned.parent)
        except (Timeout, OSError):
            continue


def _remove(folder: Path) -> None:
    """Remove such a folder, its lock last: what is left without one would never be swept away."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != _OWNED:
            with contextlib.suppress(OSError):
                path.unlink()
    if all(path.name == _OWNED for path in folder.iterdir()):
        shutil.rmtree(folder, ignore_errors=True)


def _is_ours(folder: Path) -> bool:
    state = folder.lstat()
    return stat.S_ISDIR(state.st_mode) and (not hasattr(os, "getuid") or state.st_uid == os.getuid())
