"""A report made by a real run, once for all."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmreport.produce import run_report
from crmreport.workspace import Workspace
from tests.conftest import Once
from tests.produce.chapters import write_shop


@pytest.fixture(scope="session")
def shop(once: Once) -> Path:
    """The shop with its report of October; a test that changes it takes a copy."""

    def make(root: Path) -> None:
        assert not run_report(Workspace(write_shop(root)), "shop", "2026-10").reused

    return once("shop", make)
