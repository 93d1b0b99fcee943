"""The demo shop's sales out of a database: the same canonical table as out of its files."""

from __future__ import annotations

import csv
import shutil
import sqlite3
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from ruamel.yaml import YAML

from crmreport.config import Client
from crmreport.demo import write_demo
from crmreport.intake import Store, open_store
from crmreport.intake.ask import ask_databases
from crmreport.intake.database import addresses
from crmreport.workspace import Workspace
from tests.conftest import ROOT, Once
from tests.databases.servers import Server

SALES = "order_lines"


@pytest.fixture(scope="module")
def demo(once: Once) -> Path:
    """A twentieth of the demo shop's files."""
    return once("small-demo-files", partial(write_demo, scale=0.05))


@pytest.fixture
def settings() -> dict:
    """Its client file, order lines only."""
    text = (ROOT / "clients" / "demo" / "client.yml").read_text(encoding="utf-8")
    found = YAML(typ="safe").load(text)
    kept = {name: found[name] for name in ("client", "name", "policies", "languages")}
    kept["sources"] = {SALES: found["sources"][SALES]}
    return kept | {"reports": {"assessment": {"chapters": ["sales"]}}}


def written(folder: Path) -> tuple[list[str], list[list[str | None]]]:
    """Headers and records of the sales files, in their order; a blank is NULL in a database."""
    headers: list[str] = []
    records: list[list[str | None]] = []
    for path in sorted(folder.rglob("売上明細_*.csv")):
        with path.open(encoding="cp932", newline="") as file:
            headers, *rows = csv.reader(file)
        records += [[cell or None for cell in row] for row in rows]
    return headers, records


def stored(store: Store) -> pl.DataFrame:
    table = pl.read_parquet(store.table(SALES))
    return table.sort(table.columns)


@pytest.fixture
def from_files(tmp_path: Path, demo: Path, settings: dict) -> Store:
    workspace = Workspace(tmp_path / "files")
    shutil.copytree(demo, workspace.client("demo"))
    return open_store(workspace, Client.model_validate(settings))


def asked(root: Path, settings: dict, query: str) -> Store:
    """The store of the same client with a query in the place of its files."""
    (source,) = settings["sources"][SALES]
    of_files = {key: value for key, value in source.items() if key not in ("path", "encoding")}
    settings["sources"] = {SALES: [of_files | {"query": query, "connection": "${DEMO_DB}"}]}
    client = Client.model_validate(settings)
    workspace = Workspace(root / "asked")
    ask_databases(workspace, client, addresses(client))
    return open_store(workspace, client)


def same(found: Store, expected: Store) -> None:
    assert stored(found).equals(stored(expected))
    ours, theirs = found.report, expected.report
    assert ours.lines == theirs.lines > 1000
    assert (ours.n_stored, ours.n_quarantined) == (theirs.n_stored, theirs.n_quarantined)
    excluded = {
        rule: sum(s.excluded.get(rule, 0) for s in theirs.sources) for rule in ours.sources[0].excluded
    }
    assert ours.sources[0].excluded == excluded
    assert (ours.revenue, ours.monthly, ours.daily) == (theirs.revenue, theirs.monthly, theirs.daily)


def test_out_of_sqlite(tmp_path, demo, settings, from_files, monkeypatch) -> None:
    headers, records = written(demo)
    base = sqlite3.connect(tmp_path / "demo.db")
    base.execute("CREATE TABLE sales ({})".format(", ".join(f'"{h}" TEXT' for h in headers)))
    base.executemany(f"INSERT INTO sales VALUES ({', '.join('?' * len(headers))})", records)
    base.commit()
    base.close()
    monkeypatch.setenv("DEMO_DB", f"sqlite:///{tmp_path}/demo.db")
    same(asked(tmp_path, settings, "SELECT * FROM sales"), from_files)


def test_out_of_postgresql_with_types_of_its_own(
    tmp_path, demo, settings, from_files, monkeypatch, postgres: Server
) -> None:
    headers, records = written(demo)
    columns = ", ".join(f'"{h}" TEXT' for h in headers)
    places = ", ".join(["%s"] * len(headers))
    postgres.do(
        "DROP TABLE IF EXISTS sales",
        f"CREATE TABLE sales ({columns})",
        f"INSERT INTO sales VALUES ({places})",
        rows=records,
    )
    monkeypatch.setenv("DEMO_DB", postgres.address)
    typed = {"単価": "numeric(12, 2)", "定期区分": "boolean", "返品区分": "boolean", "店舗コード": "int"}
    chosen = ", ".join(f'"{h}"::{typed[h]} AS "{h}"' if h in typed else f'"{h}"' for h in headers)
    same(asked(tmp_path, settings, f"SELECT {chosen} FROM sales"), from_files)
