"""Who waits for a report is told who works on it, and never of somebody who does not."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from filelock import FileLock

from crmreport.produce.lock import Holder, locked
from crmreport.workspace import Workspace

KILLED = """
import os, signal, sys
from pathlib import Path
from crmreport.produce.lock import locked
from crmreport.workspace import Workspace
nobody = lambda *_: None
work = Workspace(Path(sys.argv[1]))
with locked(work, work.reports / "shop" / "2026-10", "shop 2026-10", waiting=nobody, check=nobody) as at_work:
    at_work()
    os.kill(os.getpid(), signal.SIGKILL)
"""
"""A run that is killed while it holds the lock."""


class GivenUpError(Exception):
    """The waiting one has heard enough."""


def folder(root: Path) -> Path:
    return root / "reports" / "shop" / "2026-10"


def note(root: Path) -> Path:
    return root / "reports" / ".locks" / "shop+2026-10.holder.json"


def told(root: Path) -> list[Holder | None]:
    """What one who waits is told until it gives up after the first look."""
    heard: list[Holder | None] = []

    def give_up(holder: Holder | None, seconds: float) -> None:
        heard.append(holder)
        if seconds > 0.2:
            raise GivenUpError

    with (
        pytest.raises(GivenUpError),
        locked(Workspace(root), folder(root), "shop 2026-10", waiting=give_up, check=give_up),
    ):
        pass
    return heard


@contextmanager
def held(root: Path, *, works: bool = True) -> Iterator[None]:
    """Another run has the lock."""

    def never(*_: object) -> None:
        raise AssertionError("the lock is free")

    with locked(Workspace(root), folder(root), "shop 2026-10", waiting=never, check=never) as at_work:
        if works:
            at_work()
        yield


def a_note(root: Path, host: str, pid: int, began: float) -> None:
    note(root).parent.mkdir(parents=True, exist_ok=True)
    said = {"pid": pid, "host": host, "began": began, "since": "2026-11-02T03:14:15+00:00", "report": "r"}
    note(root).write_text(json.dumps(said), encoding="utf-8")


def test_who_waits_is_told_who_works(tmp_path):
    with held(tmp_path):
        holder = told(tmp_path)[0]
    assert holder is not None
    assert (holder.pid, holder.host, holder.report) == (os.getpid(), socket.gethostname(), "shop 2026-10")
    assert str(holder).startswith(
        f"pid {os.getpid()} on host {socket.gethostname()}, at work on shop 2026-10"
    )
    assert str(holder).endswith(" UTC")
    assert not note(tmp_path).exists(), "nobody holds it any more"


def test_a_report_that_is_only_looked_at_leaves_no_note(tmp_path):
    with held(tmp_path, works=False):
        assert told(tmp_path)[0] is None


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_one_that_was_killed_is_not_named(tmp_path):
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert note(tmp_path).exists()
    with FileLock(note(tmp_path).with_name("shop+2026-10.lock")):
        assert set(told(tmp_path)) == {None}
    with held(tmp_path, works=False):
        assert not note(tmp_path).exists(), "whoever comes next takes the note away"


@pytest.mark.parametrize(
    ("host", "pid", "began", "known"),
    [
        pytest.param("elsewhere", 1, 0.0, True, id="another host's process cannot be looked at"),
        pytest.param(socket.gethostname(), os.getpid(), 0.0, False, id="its number was given again"),
        pytest.param(
            socket.gethostname(), os.getpid(), psutil.Process().create_time(), True, id="it is there"
        ),
    ],
)
def test_a_note_counts_when_its_process_may_be_there(tmp_path, host, pid, began, known):
    a_note(tmp_path, host, pid, began)
    with FileLock(note(tmp_path).with_name("shop+2026-10.lock")):
        assert [holder is not None for holder in told(tmp_path)] == [known] * len(told(tmp_path))


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"pid": "x"}', "\0"])
def test_a_note_nobody_can_read_names_nobody(tmp_path, text):
    a_note(tmp_path, "elsewhere", 1, 0.0)
    note(tmp_path).write_text(text, encoding="utf-8")
    with FileLock(note(tmp_path).with_name("shop+2026-10.lock")):
        assert set(told(tmp_path)) == {None}


def test_who_waits_is_told_when_the_work_begins_and_then_goes_on(tmp_path):
    heard: list[Holder | None] = []
    first_told, begun = threading.Event(), threading.Event()

    def waiting(holder: Holder | None, _: float) -> None:
        heard.append(holder)
        first_told.set()
        if holder is not None:
            begun.set()

    def second() -> None:
        with locked(
            Workspace(tmp_path), folder(tmp_path), "shop 2026-10", waiting=waiting, check=lambda *_: None
        ):
            pass

    other = threading.Thread(target=second)
    with locked(
        Workspace(tmp_path), folder(tmp_path), "shop 2026-10", waiting=waiting, check=waiting
    ) as at_work:
        other.start()
        assert first_told.wait(30)
        at_work()
        assert begun.wait(30)
    other.join(30)
    assert not other.is_alive()
    assert [holder and holder.pid for holder in heard] == [None, os.getpid()]
