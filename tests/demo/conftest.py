from __future__ import annotations

from pathlib import Path

import pytest

from crmreport.demo import write_demo
from tests.demo.delivery import Delivery, read_delivery


@pytest.fixture(scope="session")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    """The demo shop at full size, as its files say."""
    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder)
    return read_delivery(folder)


@pytest.fixture(scope="session")
def small_delivery(tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    """A twentieth of it."""
    folder: Path = tmp_path_factory.mktemp("small-demo")
    write_demo(folder, scale=0.05)
    return read_delivery(folder)
