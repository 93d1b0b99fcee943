"""Temporary files: of a run, of one that was killed, and of the next."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.produce.faults.factory import HOLD, PERIOD, Factory

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="forks are POSIX's")]

LEAVES = """\
import os, subprocess, tempfile
from multiprocessing.connection import Listener
left = tempfile.mkdtemp()
assert os.path.dirname(left) == os.environ["TMPDIR"]
subprocess.run(["mktemp"], check=True, stdout=subprocess.DEVNULL)
listener = Listener(family="AF_UNIX")
"""
"""A chapter that does not tidy up, its helpers and its sockets neither."""


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder for temporary files of whatever is started; its name leaves room for sockets."""
    with tempfile.TemporaryDirectory(prefix="t-") as made:
        monkeypatch.setenv("TMPDIR", made)
        yield Path(made)


def test_neither_a_run_nor_one_that_was_killed_leaves_any(empty: Factory, temporary: Path) -> None:
    empty.add("east")
    empty.chapter("east_part", LEAVES, HOLD)
    empty.assert_repaired("east")
    assert list(temporary.iterdir()) == []

    empty.orders("east", "c3,o4,2026-10-03,4000")
    empty.hold("east")
    command = empty.start("run", "--period", PERIOD, "--client", "east")
    empty.begun("east")
    command.signal(signal.SIGKILL)
    command.end()
    empty.assert_nobody_left()
    left = [path.name for path in temporary.iterdir()]
    assert left
    assert all(name.startswith("crm-") for name in left), "all of it where the next run looks"

    empty.let_go("east")
    empty.assert_repaired("east")
    assert list(temporary.iterdir()) == []


def test_a_run_that_is_stopped_leaves_none(empty: Factory, temporary: Path) -> None:
    empty.orders("east", "c3,o5,2026-10-03,4000")
    empty.hold("east")
    command = empty.start("run", "--period", PERIOD, "--client", "east")
    empty.begun("east")
    command.signal(signal.SIGTERM)
    assert command.end(60).code == 130
    empty.assert_nobody_left()
    assert list(temporary.iterdir()) == []
