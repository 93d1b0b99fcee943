"""What a query's rows become on their way into the store, over SQLite."""

from __future__ import annotations

import json
import random
import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmreport.errors import ConfigError, DataError
from crmreport.intake import built_store, open_store
from crmreport.intake import read_snapshot as reading
from crmreport.intake.database import opened
from crmreport.intake.fields import typed, written
from crmreport.intake.snapshot import LISTED, read_snapshots, snapshots, told_ages
from crmreport.report import STORE_VARIABLE, open_report
from crmreport.workspace import HOME_VARIABLE
from tests.databases.conftest import ORDERS, ROWS, Shop, Sqlite


def test_the_rows_of_a_query_are_stored_like_the_lines_of_a_file(shop: Shop, sqlite: Sqlite) -> None:
    sqlite()
    found = shop.orders()
    assert found.select("customer_id", "order_id", "order_date", "revenue").rows() == [
        ("007", "o1", date(2026, 10, 1), 100.0),
        ("007", "o3", date(2026, 10, 3), 50.0),
        ("008", "o2", date(2026, 10, 2), 250.0),
    ]
    report = open_store(shop.workspace, shop.client()).report
    assert [(i.name, i.format, i.lines) for i in report.inputs] == [("SHOP_DB query ddadc9eb", "query", 3)]
    assert report.inputs[0].sha256.startswith(shop.answers[0].stem)


def test_a_query_and_a_file_feed_one_table_by_the_same_rules(shop: Shop, sqlite: Sqlite) -> None:
    sqlite()
    (shop.folder / "old.csv").write_text("customer,id,day,yen\n009,o0,2026-09-01,10\n", encoding="utf-8")
    rule = {"name": "small", "column": "yen", "exclude": ["50"]}
    file = {"query": None, "connection": None, "path": "old.csv"}
    store = shop.open({"rules": [rule], "constants": {"source": "EC"}}, file)
    assert store.report.balance() == "lines in 4 = stored 3 + quarantined 0 + excluded by rule 1"
    assert pl.read_parquet(store.table("order_lines"))["source"].to_list() == ["EC", "EC", None]


def test_no_row_is_lost_and_a_row_set_aside_has_its_number(shop: Shop, sqlite: Sqlite) -> None:
    rows = [
        *ROWS,
        ("009", "o4", "yesterday", 1),
        ("010", "o5", "2026-10-05", None),
        (None, "o6", "2026-10-06", 5),
    ]
    sqlite(rows)
    store = shop.open({"query": f"{ORDERS} ORDER BY id"}, policies={"quarantine_limit": 1})
    assert store.report.balance() == "lines in 6 = stored 4 + quarantined 2 + excluded by rule 0"
    aside = pl.read_parquet(next((shop.folder / "quarantine").glob("*/lines.parquet")))
    assert aside.select("line", "column", "value").rows() == [
        (4, "ordered_at", "yesterday"),
        (5, "revenue", None),
    ]
    assert aside["file"].unique().to_list() == [store.report.inputs[0].name]


@pytest.mark.parametrize("groups", [2, 250_000], ids=["in many pieces", "in one piece"])
def test_the_order_in_which_a_database_gives_its_rows_changes_nothing(
    shop: Shop, sqlite: Sqlite, monkeypatch: pytest.MonkeyPatch, groups: int
) -> None:
    monkeypatch.setattr("crmreport.intake.ask.ROWS", groups)
    rows = [(f"{n % 7:03d}", f"o{n}", f"2026-10-{n % 28 + 1:02d}", n * 1.5) for n in range(50)]
    rows += rows[:5]
    seen = set()
    for seed in range(3):
        sqlite(random.Random(seed).sample(rows, len(rows)))
        (snapshot,) = shop.ask()
        seen.add((snapshot.file, (shop.answers_folder / snapshot.file).read_bytes()))
        assert open_store(shop.workspace, shop.client()).report.n_stored == 55
    assert len(seen) == 1


def test_an_order_of_the_query_is_kept_and_decides_whose_value_stands(shop: Shop, sqlite: Sqlite) -> None:
    path = sqlite()
    with sqlite3.connect(path) as base:
        base.execute("CREATE TABLE people (id, rank, at)")
        base.executemany("INSERT INTO people VALUES (?, ?, ?)", [("1", "gold", 1), ("1", "silver", 2)])
    for direction, stands in (("ASC", "silver"), ("DESC", "gold")):
        query = f"SELECT id, rank FROM people ORDER BY at {direction}"
        people = {
            "query": query,
            "connection": "${SHOP_DB}",
            "columns": {"customer_id": "id", "rank": "rank"},
        }
        store = shop.open(customers=[people])
        assert pl.read_parquet(store.table("customers"))["rank"].to_list() == [stands]


def test_unchanged_rows_are_the_same_store_and_a_changed_one_is_another(shop: Shop, sqlite: Sqlite) -> None:
    sqlite()
    first = shop.open()
    assert shop.ask()[0].file == first.report.inputs[0].sha256[:20] + ".parquet"
    assert built_store(shop.workspace, shop.client()) == first
    sqlite([*ROWS[:2], ("007", "o3", "2026-10-03", 51)])
    shop.ask()
    assert built_store(shop.workspace, shop.client()) is None
    assert open_store(shop.workspace, shop.client()).report.revenue == 401


def test_a_store_is_opened_without_the_database_and_without_its_variable(
    shop: Shop, sqlite: Sqlite, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sqlite()
    first = shop.open()
    path.unlink()
    monkeypatch.delenv("SHOP_DB")
    assert open_store(shop.workspace, shop.client()) == first
    assert [s.rows for s in snapshots(shop.workspace, shop.client())] == [3]


def test_who_looks_at_the_last_answers_is_told_their_age(shop: Shop, sqlite: Sqlite) -> None:
    assert told_ages(shop.workspace, shop.client(), datetime.now(UTC)) == []
    sqlite()
    (asked,) = shop.ask()
    later = datetime.fromisoformat(asked.asked_at) + timedelta(days=3, hours=1)
    assert told_ages(shop.workspace, shop.client(), later) == [
        f"{asked} (3 days ago); crmreport run and check ask the database again"
    ]


def test_a_chapter_that_is_looked_at_says_how_old_its_answers_are(
    shop: Shop, sqlite: Sqlite, tmp_path: Path, monkeypatch, capsys
) -> None:
    sqlite()
    key = shop.open().path.name
    (shop.folder / "client.yml").write_text(
        json.dumps(shop.client().model_dump(mode="json", exclude_unset=True)), encoding="utf-8"
    )
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    open_report("shop", "2026-10")
    assert capsys.readouterr().err.count("3 rows as of") == 1
    monkeypatch.setenv(STORE_VARIABLE, key)
    open_report("shop", "2026-10")
    assert "as of" not in capsys.readouterr().err, "in a run"


def test_a_client_whose_database_was_never_asked_says_what_to_do(shop: Shop) -> None:
    with pytest.raises(
        DataError, match=r"^SHOP_DB query ddadc9eb: the database was not asked yet; set SHOP_DB"
    ):
        open_store(shop.workspace, shop.client())


def test_answers_are_kept_for_one_more_round_and_then_go(shop: Shop, sqlite: Sqlite) -> None:
    kept = []
    for last in (1, 2, 3):
        sqlite([*ROWS, ("9", "o9", "2026-10-09", last)])
        kept.append(shop.ask()[0].file)
    assert [p.name for p in shop.answers] == sorted(kept[1:])
    shop.ask()
    assert [p.name for p in shop.answers] == kept[2:]


def test_when_one_query_fails_the_answers_of_all_stay(shop: Shop, sqlite: Sqlite) -> None:
    sqlite()
    products = [{"query": "SELECT 1 AS p", "connection": "${SHOP_DB}", "columns": {"product_id": "p"}}]
    before = shop.ask(products=products)
    sqlite(ROWS[:1])
    broken = [products[0] | {"query": "SELECT p FROM nowhere"}]
    with pytest.raises(DataError, match="no such table: nowhere"):
        shop.ask(products=broken)
    assert list(read_snapshots(shop.folder).values()) == before
    assert not list(shop.answers_folder.glob(".asking-*"))


def test_what_a_killed_process_left_goes_with_the_next(shop: Shop, sqlite: Sqlite) -> None:
    sqlite()
    left = shop.answers_folder / ".asking-killed"
    left.mkdir(parents=True)
    (left / "raw.parquet").touch()
    shop.ask()
    assert not left.exists()


def test_a_damaged_answer_is_named(shop: Shop, sqlite: Sqlite) -> None:
    sqlite()
    shop.ask()
    shop.answers[0].write_bytes(b"PAR1 and no more")
    with pytest.raises(
        DataError, match="SHOP_DB query ddadc9eb: its last answer is damaged; crmreport check"
    ):
        open_store(shop.workspace, shop.client())


@pytest.mark.parametrize(
    "text",
    ["", "null", '["x"]', '[{"query": "x"}]', '[{"source": "x", "bytes": 3}]', "\udcff"],
    ids=["empty", "nothing", "no answers", "without a source", "of another version", "no text"],
)
def test_a_damaged_list_of_answers_is_none_and_the_next_check_writes_it_anew(
    shop: Shop, sqlite: Sqlite, text: str
) -> None:
    sqlite()
    before = shop.ask()
    (shop.answers_folder / LISTED).write_bytes(text.encode("utf-8", "surrogateescape"))
    assert snapshots(shop.workspace, shop.client()) == []
    with pytest.raises(DataError, match="the database was not asked yet"):
        open_store(shop.workspace, shop.client())
    assert [s.file for s in shop.ask()] == [s.file for s in before]
    assert open_store(shop.workspace, shop.client()).report.lines == 3


def test_rows_are_read_in_batches_numbered_through(
    shop: Shop, sqlite: Sqlite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "ROWS", 2)
    sqlite([*ROWS, ("009", "o4", "never", 1)])
    store = shop.open({"query": f"{ORDERS} ORDER BY id"}, policies={"quarantine_limit": 1})
    aside = pl.read_parquet(next((shop.folder / "quarantine").glob("*/lines.parquet")))
    assert (store.report.lines, aside["line"].to_list()) == (4, [4])


REFUSED = {
    "a text as MySQL writes it": (
        r"SELECT 'a\'; SELECT 1 -- '",
        ConfigError,
        r"query \w+: as this database reads it, the query holds more than one statement; write one SELECT",
    ),
    "no row": ("SELECT * FROM orders WHERE yen < 0", DataError, r"query \w+: the query gives no row"),
    "no such table": (
        "SELECT * FROM ordrs",
        DataError,
        r"the database says: no such table: ordrs; mend query:",
    ),
    "no such column": ("SELECT custmer FROM orders", DataError, "no such column: custmer"),
    "no SQL": ("SELECT FROM WHERE", DataError, 'the database says: near "FROM": syntax error'),
    "a column twice": ("SELECT id, yen AS id FROM orders", DataError, "header 'id' stands twice"),
    "bytes": (
        "SELECT x'00ff' AS picture, * FROM orders",
        DataError,
        "column 'picture' holds bytes, which is no",
    ),
    "a header that is not there": (
        "SELECT id AS nr, day, yen FROM orders",
        DataError,
        "no column 'customer'",
    ),
}


@pytest.mark.parametrize(("query", "kind", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_a_query_that_cannot_be_used_is_named(
    shop: Shop, sqlite: Sqlite, query: str, kind: type[Exception], said: str
) -> None:
    path = sqlite()
    with pytest.raises(kind, match=said) as caught:
        shop.open({"query": query})
    assert str(path) not in str(caught.value)


ADDRESSES = {
    "not set": (
        None,
        ConfigError,
        "SHOP_DB query ddadc9eb: the environment variable SHOP_DB is not set; set it",
    ),
    "blank": (" ", ConfigError, "the environment variable SHOP_DB is not set"),
    "no address": ("hunter2", ConfigError, "SHOP_DB: its value is no address of a database; write one"),
    "a port that is none": ("mysql://u:hunter2@h:x/b", ConfigError, "SHOP_DB: its value is no address"),
    "no such dialect": (
        "hunter2://u@h/b",
        ConfigError,
        "SHOP_DB: the driver of its database is not installed",
    ),
    "a driver of its own, for PostgreSQL": (
        "postgresql+hunter2://u@h/b",
        ConfigError,
        r"not installed; write postgresql://… without \+ and its name, for which crmreport\[postgresql\]",
    ),
    "a driver of its own, for MariaDB": (
        "mariadb+hunter2://u@h/b",
        ConfigError,
        r"not installed; write mariadb://… without \+ and its name, for which crmreport\[mysql\]",
    ),
    "no file": ("sqlite:////hunter2/shop.db", DataError, "cannot be read: there is no such file; check"),
    "a password a driver cannot write": (
        "mysql://u:hunter2é漢@h/b",
        DataError,
        "SHOP_DB: the database cannot be read: its driver stops with UnicodeEncodeError; check the address",
    ),
    "an option a driver does not know": ("mysql://u@h/b?hunter2=1", DataError, "stops with TypeError; check"),
    "an option that is no number": ("mysql://u@h/b?read_timeout=hunter2", DataError, "ValueError; check"),
    "a certificate that is not there": (
        "mysql://u@h/b?ssl_ca=/hunter2",
        DataError,
        "FileNotFoundError; check",
    ),
    "a character set there is none of": ("mysql://u@h/b?charset=hunter2", DataError, "AttributeError; check"),
    "a file in memory": ("sqlite://", ConfigError, "SHOP_DB: names no file; write sqlite:////folder/shop.db"),
}


@pytest.mark.parametrize(("address", "kind", "said"), ADDRESSES.values(), ids=ADDRESSES.keys())
def test_an_address_that_cannot_be_used_is_named_and_not_shown(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, address: str | None, kind: type[Exception], said: str
) -> None:
    monkeypatch.delenv("SHOP_DB", raising=False)
    if address is not None:
        monkeypatch.setenv("SHOP_DB", address)
    with pytest.raises(kind, match=said) as caught:
        shop.ask()
    assert not re.search("hunter2|6f22|position", str(caught.value))
    assert not shop.answers


def test_a_fault_of_the_driver_among_the_rows_is_told_without_its_words(
    shop: Shop, sqlite: Sqlite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def partitions(*_: object) -> Iterator[object]:
        raise ValueError("year hunter2 is out of range")
        yield

    sqlite()
    monkeypatch.setattr("sqlalchemy.CursorResult.partitions", partitions)
    with pytest.raises(DataError, match=r"the driver stops with ValueError at what the query") as caught:
        shop.ask()
    assert "hunter2" not in str(caught.value)


def test_a_file_that_is_no_sqlite_database_is_named(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "no.db").write_text("customer,id\n" * 100, encoding="utf-8")
    monkeypatch.setenv("SHOP_DB", f"sqlite:///{tmp_path}/no.db")
    with pytest.raises(DataError, match="file is not a database") as caught:
        shop.ask()
    assert str(tmp_path) not in str(caught.value)


def test_a_database_is_not_written_to(sqlite: Sqlite) -> None:
    path = sqlite()
    before = path.read_bytes()
    with (
        pytest.raises(DataError, match="attempt to write a readonly database"),
        opened("SHOP_DB", f"sqlite:///{path}") as base,
    ):
        base.ask("REPLACE INTO orders VALUES (1, 2, 3, 4)", "SHOP_DB")
    assert path.read_bytes() == before


def test_columns_of_the_clients_own_keep_the_type_they_have(shop: Shop, sqlite: Sqlite) -> None:
    sqlite()
    people = {
        "query": "SELECT 'a' AS id, 3 AS visits, 2.5 AS score, '1' AS ward UNION SELECT 'b', NULL, 1.0, NULL",
        "connection": "${SHOP_DB}",
        "columns": {"customer_id": "id", "visits": "visits", "score": "score", "ward": "ward"},
    }
    store = shop.open(customers=[people])
    found = pl.read_parquet(store.table("customers"))
    assert found.select("visits", "score", "ward").schema == {
        "visits": pl.Int64,
        "score": pl.Float64,
        "ward": pl.String,
    }
    assert found.select("visits", "score", "ward").rows() == [(3, 2.5, "1"), (None, 1.0, None)]


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False), st.integers(-(2**53), 2**53))))
@settings(max_examples=60, deadline=None)
def test_a_number_is_the_same_number_afterwards(values: list[float | int | None]) -> None:
    text, kinds = written(values, "c", "shop")
    kind = next(iter(kinds)) if len(kinds) == 1 else "text"
    back = typed(pl.Series(text, dtype=pl.String), kind).cast(pl.Float64)
    assert back.to_list() == [None if v is None else float(v) for v in values]


TOKYO = timezone(timedelta(hours=9))


@pytest.mark.parametrize(
    ("when", "text", "kind"),
    [
        pytest.param(
            datetime(1, 1, 1, tzinfo=TOKYO), "0001-01-01 00:00:00+09:00", "text", id="no year in UTC"
        ),
        pytest.param(
            datetime(1, 1, 2, tzinfo=TOKYO), "0001-01-01 15:00:00+00:00", "instant", id="just within"
        ),
        pytest.param(
            datetime(9999, 12, 31, 23, tzinfo=timezone(-timedelta(hours=3))),
            "9999-12-31 23:00:00-03:00",
            "text",
            id="beyond the last year",
        ),
        pytest.param(
            datetime(9999, 12, 31, 23, tzinfo=UTC), "9999-12-31 23:00:00+00:00", "instant", id="the last hour"
        ),
    ],
)
def test_the_edges_of_the_calendar(when: datetime, text: str, kind: str) -> None:
    assert written([when], "day", "shop") == ([text], {kind})
