"""The factories the faults are done to."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.produce.faults.factory import Factory


@pytest.fixture(scope="module")
def _ctrl_c_is_heard() -> Iterator[None]:
    # A shell makes what it starts in the background ignore Ctrl-C, and that is handed on.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def empty(_ctrl_c_is_heard: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Factory]:
    """A workspace without clients; whoever still works in it at the end is ended."""
    root: Path = tmp_path_factory.mktemp("factory")
    (root / "clients").mkdir()
    made = Factory(root)
    try:
        yield made
    finally:
        made.close()
