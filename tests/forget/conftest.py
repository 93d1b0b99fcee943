"""The two clients, made once for all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from crmreport.workspace import HOME_VARIABLE
from tests.conftest import Once
from tests.forget.world import write_world


@pytest.fixture(scope="session")
def world(once: Once) -> Path:
    """Nobody is forgotten yet; a test that forgets takes a copy."""

    def make(root: Path) -> None:
        before = os.environ.get(HOME_VARIABLE)
        os.environ[HOME_VARIABLE] = str(root)
        try:
            write_world(root)
        finally:
            os.environ.pop(HOME_VARIABLE)
            if before is not None:
                os.environ[HOME_VARIABLE] = before

    return once("forgotten", make)


@pytest.fixture
def root(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of both clients to forget in."""
    copied = shutil.copytree(world, tmp_path / "home", symlinks=True)
    monkeypatch.setenv(HOME_VARIABLE, str(copied))
    return copied
