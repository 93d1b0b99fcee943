"""What databases answered is kept as it came: those answers go that a forgotten customer is in."""

from __future__ import annotations

import json
import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from filelock import FileLock

from crmreport.cli import main
from crmreport.config_file import load_client
from crmreport.errors import DataError
from crmreport.forget import Forgetting, forget
from crmreport.intake import built_store, open_store
from crmreport.intake.ask import ask_databases
from crmreport.intake.database import addresses
from crmreport.workspace import HOME_VARIABLE, Workspace

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
WHO = "M-90017345"
CLIENT = """\
client: shop
name: {ja: 店, en: Shop}
sources:
  order_lines:
    - connection: ${SHOP_DB}
      query: SELECT buyer, slip, day, yen FROM orders
      columns: {customer_id: buyer, order_id: slip, ordered_at: day, revenue: yen}
  products:
    - connection: ${SHOP_DB}
      query: SELECT sku, price FROM goods
      columns: {product_id: sku, list_price: price}
reports:
  assessment: {chapters: [decile]}
"""
ORDERS = [
    (WHO, "o1", "2026-10-01", 100),
    ("M-1", "o2", "2026-10-02", 250),
    ("Ｍ−９００１７３４５", "o3", "2026-10-03", 50),
]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A client whose order lines and products come from a database that was asked."""
    folder = tmp_path / "clients" / "shop"
    folder.mkdir(parents=True)
    (folder / "client.yml").write_text(CLIENT, encoding="utf-8")
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    monkeypatch.setenv("SHOP_DB", f"sqlite:///{tmp_path}/shop.db")
    fill(tmp_path, ORDERS)
    ask(tmp_path)
    return tmp_path


def fill(root: Path, orders: list[tuple[str, str, str, int]]) -> None:
    with sqlite3.connect(root / "shop.db") as connection:
        connection.executescript(
            "DROP TABLE IF EXISTS orders; CREATE TABLE orders (buyer, slip, day, yen);"
            "DROP TABLE IF EXISTS goods; CREATE TABLE goods (sku, price); INSERT INTO goods VALUES ('s1', 9);"
        )
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", orders)
    connection.close()


def client_of(root: Path):
    return load_client(root / "clients" / "shop" / "client.yml", reports=False)


def ask(root: Path) -> None:
    client = client_of(root)
    ask_databases(Workspace(root), client, addresses(client))


def forgotten(root: Path, *ids: str, **how) -> Forgetting:
    return forget(Workspace(root), "shop", ids, at=AT, **how)


def counted(result: Forgetting) -> list[tuple[str, int]]:
    return [(place.where, place.rows) for place in result.places]


def answers(root: Path) -> set[str]:
    return {p.name for p in Workspace(root).answers("shop").glob("*.parquet")}


def kept(root: Path) -> set[str]:
    """Every file of the client, locks aside."""
    home = root / "clients" / "shop"
    return {str(p.relative_to(home)) for p in home.rglob("*") if p.is_file() and p.name != ".lock"}


def holding(root: Path, who: str) -> set[str]:
    found = set()
    for path in Workspace(root).store("shop").rglob("*.parquet"):
        frame = pl.read_parquet(path)
        if any(who in frame[c].cast(pl.String).to_list() for c in frame.columns):
            found.add(path.name)
    return found


def test_before_anybody_is_forgotten_the_answer_holds_them(root: Path) -> None:
    assert len(holding(root, WHO)) == 1


def test_a_dry_run_tells_of_the_answer_and_leaves_it(root: Path) -> None:
    before = kept(root)
    result = forgotten(root, WHO, dry_run=True)
    assert counted(result) == [("answers", 2)]
    assert result.unseen == 0
    assert kept(root) == before


def test_the_answer_goes_and_the_others_stay(root: Path) -> None:
    (theirs,) = holding(root, WHO)
    before = answers(root)
    result = forgotten(root, WHO)
    assert (counted(result), result.unseen, result.left) == ([("answers", 2)], 0, ())
    assert answers(root) == before - {theirs}
    listed = json.loads((Workspace(root).answers("shop") / "asked.json").read_text(encoding="utf-8"))
    assert {each["file"] for each in listed} == answers(root)
    with pytest.raises(DataError, match="the database was not asked yet"):
        open_store(Workspace(root), client_of(root))


def test_the_answer_before_the_last_goes_too(root: Path) -> None:
    fill(root, [*ORDERS, ("M-2", "o4", "2026-10-04", 5)])
    ask(root)
    assert len(holding(root, WHO)) == 2
    assert counted(forgotten(root, WHO)) == [("answers", 2), ("answers", 2)]
    assert holding(root, WHO) == set()


def test_somebody_in_no_answer_takes_none_away(root: Path) -> None:
    open_store(Workspace(root), client_of(root))
    before = answers(root)
    assert counted(forgotten(root, "M-404404")) == []
    assert answers(root) == before
    open_store(Workspace(root), client_of(root))


def test_a_store_made_without_them_stays_however_often_it_is_asked_for(root: Path) -> None:
    forgotten(root, WHO)
    ask(root)
    store = open_store(Workspace(root), client_of(root))
    again = forgotten(root)
    assert counted(again) == [("answers", 2)], "the database still gives them"
    assert store.path.is_dir()
    assert (counted(forgotten(root)), store.path.is_dir()) == ([], True)
    ask(root)
    found = built_store(Workspace(root), client_of(root))
    assert found is not None
    assert found.path == store.path


def test_deleted_in_the_database_first_nothing_is_done_twice(root: Path) -> None:
    fill(root, ORDERS[1:2])
    forgotten(root, WHO)
    ask(root)
    open_store(Workspace(root), client_of(root))
    before = kept(root)
    for _ in range(2):
        assert counted(forgotten(root, WHO)) == []
        assert kept(root) == before


def test_codes_of_the_query_are_followed(root: Path) -> None:
    path = root / "clients" / "shop" / "client.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("revenue: yen}", "revenue: yen}\n      codes: {customer_id: {M-1: C001}}"))
    assert counted(forgotten(root, "C001")) == [("answers", 1)]


def test_an_answer_nobody_can_read_and_what_a_killed_asking_left_go(root: Path) -> None:
    home = Workspace(root).answers("shop")
    (home / "0000.parquet").write_bytes(b"PAR1 and no more")
    (home / ".asking-killed").mkdir()
    (home / ".asking-killed" / "raw.parquet").write_bytes(b"who knows")
    forgotten(root, "M-404404")
    assert not (home / "0000.parquet").exists()
    assert not (home / ".asking-killed").exists()


def test_a_database_that_is_being_asked_is_waited_for(root: Path) -> None:
    lock = FileLock(Workspace(root).answers("shop") / ".lock")
    told, before = threading.Event(), kept(root)
    waits: list[str] = []

    def waiting(what: str) -> None:
        waits.append(what)
        told.set()

    thread = threading.Thread(target=lambda: forgotten(root, WHO, waiting=waiting))
    with lock:
        thread.start()
        assert told.wait(60)
        assert {n for n in kept(root) if "queries" in n} == {n for n in before if "queries" in n}
    thread.join(60)
    assert waits == ["clients/shop/.store/queries: its databases are being asked"]
    assert holding(root, WHO) == set()


def test_in_words(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forget", "shop", WHO]) == 0
    said = capsys.readouterr().out
    assert "answers of databases" in said
    assert "removed; the next run or check asks again" in said
    assert "nothing is kept" not in said
    assert main(["forget", "shop", WHO]) == 0
    assert capsys.readouterr().out == "shop: nothing left of 1 customer\n"
