"""What PostgreSQL and MariaDB give, each with its own types and its own words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import polars as pl
import pytest

from crmreport.errors import DataError
from crmreport.intake.database import opened
from tests.databases.conftest import ROWS, Shop
from tests.databases.servers import BASE, HOST, PASSWORD, USER, Server, free_port

TABLE = "CREATE TABLE orders (customer VARCHAR(20), id VARCHAR(20), day DATE, yen DECIMAL(12, 2))"
INSERT = "INSERT INTO orders VALUES (%s, %s, %s, %s)"


@pytest.fixture(scope="module", params=["postgres", "maria"])
def server(request: pytest.FixtureRequest) -> Server:
    """Either."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def orders(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """One with a table of orders, and SHOP_DB pointing at it."""
    server.do("DROP TABLE IF EXISTS orders", TABLE, INSERT, rows=ROWS)
    monkeypatch.setenv("SHOP_DB", server.address)
    yield server
    server.do("DROP TABLE IF EXISTS orders")


@pytest.mark.parametrize("tail", ["", " ORDER BY day DESC", " WHERE id LIKE 'o%'", ";"])
def test_rows_come_as_they_are(shop: Shop, orders: Server, tail: str) -> None:
    found = shop.orders({"query": f"SELECT customer, id, day, yen FROM orders{tail}"})
    assert sorted(found.select("customer_id", "order_id", "order_date", "revenue").rows()) == [
        ("007", "o1", date(2026, 10, 1), 100.0),
        ("007", "o3", date(2026, 10, 3), 50.0),
        ("008", "o2", date(2026, 10, 2), 250.0),
    ]


def test_the_same_rows_give_the_same_bytes(shop: Shop, orders: Server) -> None:
    first = shop.ask()
    orders.do("DELETE FROM orders")
    orders.do(INSERT, rows=ROWS[::-1])
    assert shop.ask()[0].file == first[0].file
    orders.do("UPDATE orders SET yen = 250.01 WHERE id = 'o2'")
    assert shop.ask()[0].file != first[0].file


def test_all_queries_see_the_same_moment(orders: Server) -> None:
    with opened("SHOP_DB", orders.address) as base:
        assert sum(map(len, base.ask("SELECT id FROM orders", "a")[1])) == 3
        orders.do(INSERT, rows=[("009", "o4", "2026-10-04", 1)])
        assert sum(map(len, base.ask("SELECT id FROM orders", "b")[1])) == 3


@pytest.mark.parametrize("statement", ["INSERT INTO orders VALUES ('x', 'x', NULL, 1)", "DROP TABLE orders"])
def test_a_database_is_not_written_to(orders: Server, statement: str) -> None:
    with pytest.raises(DataError, match="the database says"), opened("SHOP_DB", orders.address) as base:
        for _ in base.ask(statement, "SHOP_DB query")[1]:
            pass
    with opened("SHOP_DB", orders.address) as base:
        assert sum(map(len, base.ask("SELECT id FROM orders", "a")[1])) == 3


def clean(error: Exception) -> str:
    """An error's text, which holds nothing of the address."""
    text = str(error)
    for part in (PASSWORD, USER, HOST, BASE, "canary", "8841"):
        assert part not in text
    assert "\n" not in text
    return text


def test_a_table_that_is_not_there_is_named_in_the_databases_words(shop: Shop, orders: Server) -> None:
    with pytest.raises(DataError) as caught:
        shop.ask({"query": "SELECT * FROM ordrs"})
    expected = {
        "postgresql": 'the database says: relation "ordrs" does not exist; mend query: in client.yml',
        "mysql": "the database says: Table '….ordrs' doesn't exist; mend query: in client.yml",
    }
    assert expected[orders.kind] in clean(caught.value)


def test_a_wrong_password_is_told_without_any(shop: Shop, orders: Server, monkeypatch) -> None:
    monkeypatch.setenv("SHOP_DB", orders.with_password("canary-8841-wrong"))
    with pytest.raises(DataError) as caught:
        shop.ask()
    expected = {
        "postgresql": 'cannot be read: FATAL: password authentication failed for user "…"',
        "mysql": "cannot be read: Access denied for user '…'@'…' (using password: YES)",
    }
    assert clean(caught.value).startswith(f"SHOP_DB: the database {expected[orders.kind]}; check")


def test_a_port_nobody_listens_on_is_told_without_it(shop: Shop, orders: Server, monkeypatch) -> None:
    port = str(free_port())
    monkeypatch.setenv("SHOP_DB", orders.address.replace(str(orders.port), port))
    with pytest.raises(DataError, match="SHOP_DB: the database cannot be read: .*refused") as caught:
        shop.ask()
    assert port not in clean(caught.value)


def test_a_base_that_is_not_there_is_told_without_its_name(shop: Shop, orders: Server, monkeypatch) -> None:
    monkeypatch.setenv("SHOP_DB", orders.address.replace(BASE, "hanadabase2"))
    with pytest.raises(DataError, match="SHOP_DB: the database cannot be read: ") as caught:
        shop.ask()
    assert "hanadabase2" not in clean(caught.value)


def test_a_value_a_database_stumbles_over_is_not_repeated(shop: Shop, postgres: Server, monkeypatch) -> None:
    monkeypatch.setenv("SHOP_DB", postgres.address)
    postgres.do("DROP TABLE IF EXISTS people", "CREATE TABLE people (mail TEXT)")
    postgres.do("INSERT INTO people VALUES (%s)", rows=[("y.hanada@example.com",)])
    with pytest.raises(DataError) as caught:
        shop.ask({"query": "SELECT mail::int FROM people"})
    assert 'invalid input syntax for type integer: "…"' in clean(caught.value)


def test_the_types_of_postgresql(shop: Shop, postgres: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_DB", postgres.address)
    query = """
        SELECT '0042'::varchar AS customer, 12345678901234::bigint AS id,
            79228162514.264337593::numeric AS yen, '2026-10-31 23:30:00-03:00'::timestamptz AS day,
            true AS back, 2.0::real AS pieces, NULL::text AS coupon
        UNION ALL
        SELECT '0043', 2, 'NaN', '2026-11-01 00:30:00+09:00', false, 1.5, 'x'
    """
    more = {"is_return": "back", "quantity": "pieces", "coupon_id": "coupon"}
    columns = {"customer_id": "customer", "order_id": "id", "ordered_at": "day", "revenue": "yen"} | more
    store = shop.open({"query": query, "columns": columns}, policies={"quarantine_limit": 1})
    assert store.report.balance() == "lines in 2 = stored 1 + quarantined 1 + excluded by rule 0"
    row = pl.read_parquet(store.table("order_lines")).row(0, named=True)
    assert row | {"revenue": None} == {
        "customer_id": "0042",
        "order_id": "12345678901234",
        "ordered_at": datetime(2026, 11, 1, 2, 30, tzinfo=UTC),
        "order_date": date(2026, 11, 1),
        "revenue": None,
        "quantity": 2.0,
        "coupon_id": None,
        "is_return": True,
    }
    assert row["revenue"] == float("79228162514.264337593")
    exact = pl.read_parquet(shop.answers[0])["yen"].to_list()
    assert exact == ["79228162514.264337593", None], "every digit is kept"


def test_a_time_without_a_zone_is_of_the_sources_zone(
    shop: Shop, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_DB", postgres.address)
    query = "SELECT 'c' AS customer, 'o' AS id, 1 AS yen, '2026-10-31 20:00:00'::timestamp AS day"
    for zone, when, day in (
        (None, datetime(2026, 10, 31, 11, tzinfo=UTC), date(2026, 10, 31)),
        ("America/New_York", datetime(2026, 11, 1, 0, tzinfo=UTC), date(2026, 11, 1)),
    ):
        found = shop.orders({"query": query, "timezone": zone})
        assert found.select("ordered_at", "order_date").row(0) == (when, day)


TIMES = {
    "before the year 1 in UTC": "'0001-01-01'::timestamptz",
    "after the year 9999 where the session is": "'9999-12-31 23:59:59+00'::timestamptz",
    "for ever": "'infinity'::timestamptz",
    "before Christ": "'0044-03-15 BC'::timestamptz",
    "for ever, without a zone": "'infinity'::timestamp",
    "a day for ever": "'-infinity'::date",
}


@pytest.mark.parametrize("value", TIMES.values(), ids=TIMES.keys())
def test_a_time_no_calendar_has_is_set_aside_alone(
    shop: Shop, postgres: Server, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("SHOP_DB", f"{postgres.address}?options=-c%20timezone%3DAsia/Tokyo")
    kind = value.partition("::")[2]
    query = f"""
        SELECT 'c' AS customer, 'o' || n AS id, 1 AS yen,
            CASE n WHEN 3 THEN {value} ELSE '2026-10-31 23:30:00+09'::{kind} END AS day
        FROM generate_series(1, 4) AS n
    """
    store = shop.open({"query": query}, policies={"quarantine_limit": 1})
    assert store.report.balance() == "lines in 4 = stored 3 + quarantined 1 + excluded by rule 0"
    found = pl.read_parquet(store.table("order_lines"))
    assert found["order_date"].to_list() == [date(2026, 10, 31)] * 3
    aside = pl.read_parquet(next((shop.folder / "quarantine").glob("*/lines.parquet")))
    assert aside["column"].to_list() == ["ordered_at"]


def test_a_query_means_what_it_means_in_the_zone_of_its_session(
    shop: Shop, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_DB", f"{postgres.address}?options=-c%20timezone%3DAsia/Tokyo")
    query = "SELECT 'c' AS customer, 'o' AS id, 1 AS yen, '2026-10-31 20:00:00+00'::timestamptz::date AS day"
    assert shop.orders({"query": query})["order_date"].to_list() == [date(2026, 11, 1)]


@pytest.mark.parametrize(
    ("value", "said"),
    [("'a'::bytea", "bytes"), ("ARRAY[1, 2]", "values of type list"), ("'{}'::jsonb", "values of type dict")],
)
def test_what_is_no_field_is_refused(
    shop: Shop, postgres: Server, monkeypatch, value: str, said: str
) -> None:
    monkeypatch.setenv("SHOP_DB", postgres.address)
    with pytest.raises(DataError, match=f"column 'odd' holds {said}"):
        shop.ask({"query": f"SELECT 1 AS id, {value} AS odd"})


def test_mariadb_is_asked_in_its_own_way_of_writing(
    shop: Shop, maria: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_DB", maria.address)
    query = r"""
        SELECT 'it\'s; ok' AS customer, "say \"hi\"; ho" AS id, 1 AS yen, '2026-10-31' AS day # one; row
        ; # the end
    """
    assert shop.orders({"query": query}).select("customer_id", "order_id").row(0) == (
        "it's; ok",
        'say "hi"; ho',
    )


def test_the_types_of_mariadb(shop: Shop, maria: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_DB", maria.address)
    query = """
        SELECT '0042' AS customer, CAST(18446744073709551615 AS UNSIGNED) AS id,
            CAST('1234567.89' AS DECIMAL(12, 2)) AS yen, CAST('2026-10-31 20:00:00' AS DATETIME) AS day
    """
    found = shop.orders({"query": query})
    assert found.select("customer_id", "order_id", "revenue", "ordered_at").row(0) == (
        "0042",
        "18446744073709551615",
        1234567.89,
        datetime(2026, 10, 31, 11, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        pytest.param("%2B00:00", date(2026, 10, 31), id="a server in UTC: the evening before"),
        pytest.param("%2B09:00", date(2026, 11, 1), id="the source's zone in the address"),
    ],
)
def test_a_timestamp_of_mysql_comes_in_the_zone_the_address_says(
    shop: Shop, maria: Server, monkeypatch: pytest.MonkeyPatch, zone: str, day: date
) -> None:
    maria.do("DROP TABLE IF EXISTS visits", "CREATE TABLE visits (day TIMESTAMP NULL, clock DATETIME)")
    maria.do(
        "SET time_zone = '+00:00'", "INSERT INTO visits VALUES ('2026-10-31 20:00:00', '2026-10-31 20:00:00')"
    )
    monkeypatch.setenv("SHOP_DB", f"{maria.address}?init_command=SET+time_zone='{zone}'")
    columns = "'c' AS customer, 'o' AS id, 1 AS yen"
    found = shop.orders({"query": f"SELECT {columns}, day FROM visits"})
    assert found["order_date"].to_list() == [day]
    assert shop.orders({"query": f"SELECT {columns}, clock AS day FROM visits"})["order_date"].to_list() == [
        date(2026, 10, 31)
    ]
