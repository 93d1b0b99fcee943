from __future__ import annotations

from functools import partial

import pytest

from crmreport.demo import DEMO_SEED, write_demo
from crmreport.demo.orders import Books, keep_books
from tests.conftest import Once
from tests.demo.delivery import Delivery, read_delivery


@pytest.fixture(scope="session")
def delivery(once: Once) -> Delivery:
    """The demo shop at full size, as its files say."""
    return read_delivery(once("demo-files", write_demo))


@pytest.fixture(scope="session")
def books() -> Books:
    """The demo shop's own books: what it knows, and what was planted."""
    return keep_books(DEMO_SEED, 1.0)


@pytest.fixture(scope="session")
def small_delivery(once: Once) -> Delivery:
    """A twentieth of it."""
    return read_delivery(once("small-demo-files", partial(write_demo, scale=0.05)))
