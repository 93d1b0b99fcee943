from __future__ import annotations

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmreport.errors import DataError
from crmreport.intake import build as building
from crmreport.intake import open_store
from crmreport.period import Period
from crmreport.workspace import Workspace
from tests.intake.conftest import HEADER, LINES, SALES, Shop, csv_text

CELL = st.one_of(
    st.sampled_from(
        ["", "C1", "GUEST", "2026-10-01", "令和8年10月1日", "100", "▲1,000", "x", "合計", "NULL", '"', "9"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)


@given(st.lists(st.lists(CELL, min_size=1, max_size=5), min_size=1, max_size=12))
@settings(max_examples=80, deadline=None)
def test_whatever_the_lines_none_is_lost(rows: list[list[str]]) -> None:
    with TemporaryDirectory() as folder:
        shop = Shop(Workspace(Path(folder)))
        text = io.StringIO()
        writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(HEADER.split(","))
        writer.writerows(rows)
        shop.put("sales.csv", text.getvalue())
        rule = {"name": "test counter", "column": "会員番号", "exclude": ["9"]}
        given = {"ragged_rows": "quarantine", "totals_row": "drop", "rules": [rule]}
        lines = [r for r in rows if any(r)]
        if not lines:
            with pytest.raises(DataError, match="no line under it"):
                shop.open(given)
            return
        store = shop.open(given, policies={"quarantine_limit": 1, "guest_ids": ["GUEST"]})
        report = store.report
        assert report.lines == len(lines)
        assert report.lines == report.n_stored + report.n_quarantined + report.n_excluded
        stored = pl.read_parquet(store.table("order_lines"))
        assert stored.height == report.n_stored
        assert (
            stored.select("order_id", "ordered_at", "order_date", "revenue", "is_return").null_count().row(0)
            == (0,) * 5
        )


def test_a_lost_line_raises(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.put("sales.csv", csv_text(*LINES))
    shaped = building.shape_source

    def lossy(*args: object, **named: object) -> object:
        result = shaped(*args, **named)
        result.lines += 1
        return result

    monkeypatch.setattr(building, "shape_source", lossy)
    with pytest.raises(AssertionError, match="4 lines in, but 3 stored"):
        shop.open()
    assert not list((shop.folder / ".store").glob("*/intake.json"))


def test_an_unchanged_client_is_not_read_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.put("sales.csv", csv_text(*LINES))
    first = shop.open()

    def never(*_: object, **__: object) -> None:
        raise AssertionError("built again")

    monkeypatch.setattr(building, "build", never)
    assert shop.open() == first


def test_the_key_follows_bytes_mapping_and_policies_but_not_times_of_files(shop: Shop) -> None:
    path = shop.put("sales.csv", csv_text(*LINES))
    first = shop.open().report.key
    path.touch()
    assert shop.open().report.key == first
    assert shop.open(policies={"look_back_months": 3}).report.key == first, "not intake's business"
    other = {
        shop.open(policies={"guest_ids": ["C001"]}).report.key,
        shop.open(timezone="UTC").report.key,
        shop.open({"constants": {"channel": "store"}}).report.key,
    }
    shop.put("sales.csv", csv_text(*LINES[:2]))
    other.add(shop.open().report.key)
    assert len(other | {first}) == 5


def test_two_builds_give_the_same_bytes(shop: Shop) -> None:
    shop.put("sales.csv", csv_text(*LINES))
    first = shop.open()
    before = {p.name: p.read_bytes() for p in first.path.iterdir()}
    (first.path / "intake.json").unlink()
    assert {p.name: p.read_bytes() for p in shop.open().path.iterdir()} == before


def test_a_file_that_changes_while_it_is_read_makes_no_store(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.put("sales.csv", csv_text(*LINES))
    shaped = building.shape_source

    def meanwhile(*args: object, **named: object) -> object:
        result = shaped(*args, **named)
        shop.put("sales.csv", csv_text(LINES[0]))
        return result

    monkeypatch.setattr(building, "shape_source", meanwhile)
    with pytest.raises(DataError, match="sales.csv: the file was changed while it was read; run again"):
        shop.open()
    assert not list((shop.folder / ".store").glob("*/intake.json"))


def test_nothing_half_built_is_left(shop: Shop) -> None:
    shop.put("sales.csv", csv_text("C1,A1,bad,1"))
    with pytest.raises(DataError):
        shop.open()
    assert {p.name for p in (shop.folder / ".store").iterdir()} == {"digests.json", ".lock"}


def test_a_table_that_is_not_there_is_refused(shop: Shop) -> None:
    shop.put("sales.csv", csv_text(*LINES))
    with pytest.raises(
        DataError, match=r"shop: there is no table 'products', only order_lines; add it under sources"
    ):
        shop.open().table("products")


def test_guests_rules_and_returns(shop: Shop) -> None:
    header = HEADER + ",店舗,数量,返品"
    shop.put(
        "sales.csv",
        csv_text(
            "C001,A1,2026-10-01,100,01,1,0",
            ",A2,2026-10-01,200,01,1,0",
            "　,A2,2026-10-01,1,01,1,0",
            "９９９９,A3,2026-10-01,300,01,1,0",
            "C001,A4,2026-10-02,-50,01,1,0",
            "C001,A5,2026-10-02,0,01,-1,0",
            "C001,A6,2026-10-02,10,01,1,1",
            "C001,A7,unreadable,10,９９,1,1",
            "C001,A8,2026-10-02,10,98,1,0",
            header=header,
        ),
    )
    store = shop.open(
        {
            "columns": SALES | {"store_id": "店舗", "quantity": "数量", "is_return": "返品"},
            "rules": [
                {"name": "training", "column": "店舗", "exclude": ["99"]},
                {"name": "not ours", "column": "店舗", "keep": ["01"]},
            ],
        },
        policies={"guest_ids": ["9999"]},
    )
    report, orders = store.report, pl.read_parquet(store.table("order_lines"))
    assert report.balance() == "lines in 9 = stored 7 + quarantined 0 + excluded by rule 2"
    assert report.sources[0].excluded == {"not ours": 1, "training": 1}, "a rule comes before reading"
    assert orders["is_return"].to_list() == [False, False, False, False, True, True, True]
    assert orders["customer_id"].to_list() == ["C001", None, None, None, "C001", "C001", "C001"]
    g = report.guests
    assert (g.lines, g.orders, g.revenue, g.blank_id, g.guest_id) == (3, 2, 501.0, 2, 1)
    assert [c.count for c in report.checks if c.id == "return_with_positive_revenue"] == [1]


def test_revenue_and_order_are_derived_where_the_client_sends_none(shop: Shop) -> None:
    shop.put(
        "sales.csv",
        "id,day,qty,price,off\nC1,2026-10-01,2,100,10\nC1,2026-10-01,1,50,\n,2026-10-01,1,5,\n,2026-10-01,1,5,\n",
    )
    columns = {
        "customer_id": "id",
        "ordered_at": "day",
        "quantity": "qty",
        "unit_price": "price",
        "discount": "off",
    }
    store = shop.open({"columns": columns})
    orders = pl.read_parquet(store.table("order_lines"))
    assert orders["revenue"].to_list() == [190.0, 50.0, 5.0, 5.0]
    assert orders["order_id"].n_unique() == 3, "a customer's day is one order; a guest's line is its own"
    assert store.report.derived == {
        "order_lines.revenue": "quantity × unit_price − discount",
        "order_lines.order_id": "one order per customer and day",
    }


TIMES = {
    "time in the source's zone": ("2026-10-31 20:00:00", "UTC", "Asia/Tokyo", date(2026, 11, 1), 20),
    "day alone is the client's day": ("2026-10-31", "UTC", "America/New_York", date(2026, 10, 31), 4),
    "offset beats the zone": ("2026-10-31T23:00:00-05:00", "UTC", "Asia/Tokyo", date(2026, 11, 1), 4),
    "hour the clock skipped": ("2026-03-08 02:30:00", None, "America/New_York", date(2026, 3, 8), 7),
    "hour the clock showed twice": ("2026-11-01 01:30:00", None, "America/New_York", date(2026, 11, 1), 5),
    "midnight the clock skipped": ("2026-09-06", None, "America/Santiago", date(2026, 9, 6), 4),
}


@pytest.mark.parametrize(("text", "written_in", "zone", "day", "hour_utc"), TIMES.values(), ids=TIMES.keys())
def test_times_become_an_instant_and_the_clients_day(
    shop: Shop, text: str, written_in: str | None, zone: str, day: date, hour_utc: int
) -> None:
    shop.put("sales.csv", csv_text(f"C1,A1,{text},1"))
    orders = shop.orders({"timezone": written_in}, timezone=zone)
    assert orders["order_date"].to_list() == [day]
    at = orders["ordered_at"][0]
    assert at.tzinfo is not None
    assert at.astimezone(UTC).hour == hour_utc


def test_the_schema_of_order_lines(shop: Shop) -> None:
    shop.put("sales.csv", csv_text(*LINES))
    assert dict(
        shop.orders({"constants": {"channel": "店舗"}, "codes": {"channel": {"店舗": "store"}}}).schema
    ) == {
        "customer_id": pl.String,
        "order_id": pl.String,
        "ordered_at": pl.Datetime("us", "UTC"),
        "order_date": pl.Date,
        "revenue": pl.Float64,
        "is_return": pl.Boolean,
        "channel": pl.String,
    }


def test_sources_with_different_columns_lie_in_one_table(shop: Shop) -> None:
    shop.put("sales.csv", csv_text(*LINES))
    shop.put("ec.csv", csv_text("C9,E1,2026-11-02 10:00,50,EC", header=HEADER + ",ch"))
    store = shop.open({}, {"path": "ec.csv", "columns": SALES | {"channel": "ch"}})
    orders = pl.read_parquet(store.table("order_lines"))
    assert orders["channel"].to_list() == [None, None, None, "EC"]
    report = store.report
    assert [(m.month, m.channel, m.lines, m.orders, m.revenue) for m in report.monthly] == [
        ("2026-10", "", 3, 3, 600.0),
        ("2026-11", "EC", 1, 1, 50.0),
    ]
    assert report.after(date(2026, 10, 2)) == (2, 350.0)
    assert (report.first_day, report.last_day) == (date(2026, 10, 1), date(2026, 11, 2))


def test_money_sums_exactly(shop: Shop) -> None:
    shop.put("sales.csv", csv_text(*(f"C1,A{i},2026-10-01,0.1" for i in range(1000))))
    totals = [{"period": "2026-10", "revenue": "100.00", "tolerance": "0"}]
    report = shop.open(control_totals=totals).report
    assert report.revenue == Decimal(100)
    assert [t.within for t in report.control_totals] == [True]


def test_a_control_total_that_is_missed_is_critical(shop: Shop) -> None:
    shop.put("sales.csv", csv_text(*LINES))
    report = shop.open(control_totals=[{"period": "2026-10", "revenue": "601"}]).report
    (result,) = report.control_totals
    assert (result.found, result.difference, result.within) == (Decimal(600), Decimal(-1), False)
    assert [c.severity for c in report.checks if c.id == "control_total"] == ["critical"]


def test_a_missed_control_total_is_one_of_all_that_were_given(shop: Shop) -> None:
    shop.put("sales.csv", csv_text(*LINES))
    totals = [{"period": month, "revenue": "601"} for month in ("2026-09", "2026-10", "2026-11")]
    checks = shop.open(control_totals=totals).report.checks
    assert {c.of for c in checks if c.id == "control_total"} == {3}


def test_files_outside_the_clients_folder_show_no_folder_of_the_machine(shop: Shop, tmp_path: Path) -> None:
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    (outside / "s.csv").write_text(csv_text(*LINES))
    report = shop.open({"path": str(outside / "s.csv")}).report
    assert str(tmp_path) not in report.model_dump_json()


def test_instants_are_microseconds_in_utc(shop: Shop) -> None:
    shop.put("sales.csv", csv_text("C1,A1,2026-10-31 09:00:00,1"))
    assert shop.orders()["ordered_at"].to_list() == [datetime(2026, 10, 31, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("period", "message"),
    [
        pytest.param(
            "2020-01", r"period 2020-01 .* lies before the order lines of client 'shop'", id="before"
        ),
        pytest.param(
            "2030-01", r"period 2030-01 .* lies after the order lines .*; choose a period", id="after"
        ),
        pytest.param(
            "FY2026", r"FY2026 ends on .* stop on .*; report on 2026-.*\.\.2026-", id="far from over"
        ),
    ],
)
def test_a_period_the_orders_do_not_cover_is_refused(shop: Shop, period: str, message: str) -> None:
    shop.put("sales.csv", csv_text(*LINES))
    report = shop.open().report
    report.require(Period.parse(str(report.last_day)[:7]))
    with pytest.raises(DataError, match=message):
        report.require(Period.parse(period, fiscal_year_start=4))


def test_reports_of_one_client_made_at_once_share_one_store(shop: Shop) -> None:
    shop.put("sales.csv", csv_text(*LINES))
    client = shop.client()
    together = Barrier(8)

    def open_it(_: int) -> Path:
        together.wait()
        return open_store(shop.workspace, client).path

    with ThreadPoolExecutor(8) as pool:
        opened = set(pool.map(open_it, range(8)))
    assert len(opened) == 1
    left = {p.name for p in (shop.folder / ".store").iterdir()}
    assert left == {opened.pop().name, "digests.json", ".lock"}
