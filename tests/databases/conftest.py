"""Databases under test: SQLite always, PostgreSQL and MariaDB as servers of the tests' own."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from crmreport.config import Client
from crmreport.intake import Store, open_store
from crmreport.intake.ask import ask_databases
from crmreport.intake.database import addresses
from crmreport.intake.snapshot import Snapshot
from crmreport.workspace import Workspace
from tests.databases.servers import Server, mariadb, postgresql

COLUMNS = {"customer_id": "customer", "order_id": "id", "ordered_at": "day", "revenue": "yen"}
ORDERS = "SELECT customer, id, day, yen FROM orders"
Rows = Sequence[Sequence[object]]
ROWS: Rows = (
    ("007", "o1", "2026-10-01", 100),
    ("008", "o2", "2026-10-02", 250),
    ("007", "o3", "2026-10-03", 50),
)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server; its tables are the tests' to make and drop."""
    with postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def maria() -> Iterator[Server]:
    """A MariaDB server."""
    with mariadb() as server:
        yield server


@dataclass(frozen=True)
class Shop:
    """A client whose order lines come from a database."""

    workspace: Workspace

    @property
    def folder(self) -> Path:
        return self.workspace.client("shop")

    @property
    def answers_folder(self) -> Path:
        return self.workspace.answers("shop")

    @property
    def answers(self) -> list[Path]:
        """Files of rows that are kept."""
        return sorted(self.answers_folder.glob("*.parquet"))

    def client(self, *orders: dict[str, Any], **more: Any) -> Client:
        usual = {"query": ORDERS, "connection": "${SHOP_DB}", "columns": COLUMNS}
        sources: dict[str, Any] = {"order_lines": [usual | each for each in orders or ({},)]}
        sources |= {table: more.pop(table) for table in ("customers", "products") if table in more}
        settings = {
            "client": "shop",
            "name": {"ja": "店", "en": "Shop"},
            "sources": sources,
            "reports": {"assessment": {"chapters": ["decile"]}},
        }
        return Client.model_validate(settings | more)

    def ask(self, *orders: dict[str, Any], **more: Any) -> list[Snapshot]:
        client = self.client(*orders, **more)
        return ask_databases(self.workspace, client, addresses(client))

    def open(self, *orders: dict[str, Any], **more: Any) -> Store:
        """Ask, and build the store."""
        self.ask(*orders, **more)
        return open_store(self.workspace, self.client(*orders, **more))

    def orders(self, *orders: dict[str, Any], **more: Any) -> pl.DataFrame:
        return pl.read_parquet(self.open(*orders, **more).table("order_lines"))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A client without data; SHOP_DB is for the test to set."""
    made = Shop(Workspace(tmp_path))
    made.folder.mkdir(parents=True)
    return made


Sqlite = Callable[..., Path]


@pytest.fixture
def sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sqlite:
    """Write rows into a table of an SQLite file, anew, and point SHOP_DB at it."""

    def write(rows: Rows = ROWS, *, table: str = "orders", columns: str = "customer, id, day, yen") -> Path:
        path = tmp_path / "shop.db"
        connection = sqlite3.connect(path)
        connection.execute(f"DROP TABLE IF EXISTS {table}")
        connection.execute(f"CREATE TABLE {table} ({columns})")
        places = ", ".join("?" * len(rows[0])) if rows else ""
        connection.executemany(f"INSERT INTO {table} VALUES ({places})", rows)
        connection.commit()
        connection.close()
        monkeypatch.setenv("SHOP_DB", f"sqlite:///{path}")
        return path

    return write
