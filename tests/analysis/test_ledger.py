from __future__ import annotations

from datetime import UTC, date, datetime

import narwhals as nw
import pandas as pd
import pytest

from crmreport.analysis.ledger import (
    LeftOut,
    attributed,
    customer_totals,
    days_before,
    left_out,
    purchases,
    round_money,
    settle_money,
    to_pandas,
    visible,
)
from crmreport.errors import DataError

AS_OF = date(2026, 10, 31)


def ledger(*rows: tuple, returns: bool = True) -> pd.DataFrame:
    """Lines from (customer, order, day in October 2026 or ISO date, revenue[, is_return, returned order])."""
    full = [(*row, *(False, None)[len(row) - 4 :]) for row in rows]
    frame = pd.DataFrame(
        full, columns=["customer_id", "order_id", "order_date", "revenue", "is_return", "returned_order_id"]
    )
    days = [day if isinstance(day, str) else f"2026-10-{day:02d}" for day in frame["order_date"]]
    frame = frame.assign(order_date=pd.to_datetime(days), revenue=frame["revenue"].astype(float)).astype(
        {"customer_id": "str", "order_id": "str", "returned_order_id": "str", "is_return": "bool"}
    )
    return frame if returns else frame.drop(columns=["is_return", "returned_order_id"])


CASES = {
    "two orders on one day are one purchase": (
        [("a", "1", 1, 10), ("a", "2", 1, 5), ("a", "3", 2, 1)],
        2,
        16,
    ),
    "a full return is no purchase": (
        [("a", "1", 1, 10), ("a", "2", 5, 7), ("a", "r", 9, -7, True, "2")],
        1,
        10,
    ),
    "a full return in two parts is no purchase": (
        [
            ("a", "0", 1, 1),
            ("a", "1", 1, 0.3),
            ("a", "r", 2, -0.1, True, "1"),
            ("a", "s", 3, -0.2, True, "1"),
        ],
        1,
        1,
    ),
    "a partial return changes money only": ([("a", "1", 1, 10), ("a", "r", 9, -4, True, "1")], 1, 6),
    "a return under the order's own number": (
        [("a", "0", 1, 3), ("a", "1", 2, 10), ("a", "1", 9, -10, True)],
        1,
        3,
    ),
    "an unlinked return changes money only": ([("a", "1", 1, 10), ("a", "r", 9, -10, True)], 1, 0),
    "another customer's return takes nothing away": (
        [("a", "1", 1, 10), ("b", "9", 1, 10), ("b", "r", 2, -10, True, "1")],
        1,
        10,
    ),
    "a future return is invisible": ([("a", "1", 1, 10), ("a", "r", "2026-11-01", -10, True, "1")], 1, 10),
    "a free line is no purchase": ([("a", "1", 1, 10), ("a", "2", 2, 0)], 1, 10),
    "guests are nobody's": ([("a", "1", 1, 10), (None, "2", 2, 99)], 1, 10),
    "one order over two days is one purchase on each": ([("a", "1", 1, 10), ("a", "1", 2, 5)], 2, 15),
}


@pytest.mark.parametrize(("rows", "n_purchases", "revenue"), CASES.values(), ids=CASES.keys())
def test_customer_totals(engine, rows, n_purchases, revenue):
    totals = to_pandas(customer_totals(engine(ledger(*rows)), as_of=AS_OF), sort_by="customer_id")
    first = totals[totals["customer_id"] == "a"].iloc[0]
    assert first["n_purchases"] == n_purchases
    assert first["revenue"] == pytest.approx(revenue)


def test_a_customer_who_returned_everything_is_no_buyer(engine):
    lines = engine(ledger(("a", "1", 1, 10), ("b", "2", 1, 10), ("b", "r", 2, -10, True, "2")))
    assert to_pandas(customer_totals(lines, as_of=AS_OF))["customer_id"].tolist() == ["a"]


def test_orders_are_purchases_when_asked(engine):
    lines = engine(ledger(("a", "1", 1, 10), ("a", "2", 1, 5), ("a", "3", 2, 1), ("a", "3", 2, 1)))
    totals = to_pandas(customer_totals(lines, as_of=AS_OF, unit="order"))
    assert totals["n_purchases"].tolist() == [3]
    table = to_pandas(purchases(lines, as_of=AS_OF, unit="order"), sort_by="order_id")
    assert table["order_id"].tolist() == ["1", "2", "3"]
    assert table["revenue"].tolist() == [10, 5, 2]


def test_free_lines_are_purchases_when_asked(engine):
    lines = engine(ledger(("a", "1", 1, 0)))
    assert len(to_pandas(customer_totals(lines, as_of=AS_OF))) == 0
    assert to_pandas(customer_totals(lines, as_of=AS_OF, zero_value_counts=True))["n_purchases"].tolist() == [
        1
    ]


def test_purchases_carry_their_linked_returns(engine):
    lines = engine(
        ledger(("a", "1", 1, 10), ("a", "2", 1, 5), ("a", "r", 9, -4, True, "1"), ("a", "u", 9, -1, True))
    )
    table = to_pandas(purchases(lines, as_of=AS_OF), sort_by="purchase_date")
    assert table["purchase_date"].tolist() == [pd.Timestamp("2026-10-01")]
    assert table["revenue"].tolist() == [11]


def test_an_order_number_used_on_two_days_is_a_purchase_on_each(engine):
    lines = engine(ledger(("a", "1", 1, 10), ("a", "1", 5, 7), ("a", "r", 9, -4, True, "1")))
    days = to_pandas(purchases(lines, as_of=AS_OF), sort_by="purchase_date")
    assert days["purchase_date"].dt.day.tolist() == [1, 5]
    assert days["revenue"].tolist() == [6, 7]
    assert to_pandas(customer_totals(lines, as_of=AS_OF))["n_purchases"].tolist() == [len(days)]
    orders = to_pandas(purchases(lines, as_of=AS_OF, unit="order"))
    assert orders[["order_id", "revenue"]].values.tolist() == [["1", 13]]
    assert to_pandas(customer_totals(lines, as_of=AS_OF, unit="order"))["n_purchases"].tolist() == [1]


def test_the_window_ends_at_both_sides(engine):
    lines = engine(
        ledger(("a", "1", "2026-09-30", 1), ("a", "2", 1, 2), ("a", "3", 31, 4), ("a", "4", "2026-11-01", 8))
    )
    seen = to_pandas(visible(lines, as_of=AS_OF, since=date(2026, 10, 1)), sort_by="order_id")
    assert seen["order_id"].tolist() == ["2", "3"]
    assert left_out(lines, as_of=AS_OF, since=date(2026, 10, 1)) == LeftOut(0, 0.0, 1, 1)


def test_left_out_counts_visible_guests_only(engine):
    lines = engine(ledger((None, "1", 1, 2.5), (None, "2", "2026-11-01", 9), ("a", "3", 1, 1)))
    assert left_out(lines, as_of=AS_OF) == LeftOut(1, 2.5, 1, 0)


def test_left_out_of_nothing(engine):
    assert left_out(engine(ledger(("a", "1", 1, 1)).head(0)), as_of=AS_OF) == LeftOut(0, 0.0, 0, 0)


def test_without_a_flag_negative_lines_are_returns(engine):
    lines = engine(ledger(("a", "1", 1, 10), ("a", "2", 5, -3), returns=False))
    marked = to_pandas(attributed(lines, as_of=AS_OF), sort_by="order_id")
    assert marked["is_return"].tolist() == [False, True]
    assert marked["is_purchase"].tolist() == [True, False]


def test_dates_as_python_objects():
    lines = ledger(("a", "1", 1, 10))
    lines["order_date"] = pd.Series([date(2026, 10, 1)], dtype="object")
    totals = to_pandas(customer_totals(lines, as_of=AS_OF))
    assert totals["last_date"].tolist() == [pd.Timestamp("2026-10-01")]


def test_days_before_counts_whole_days(engine):
    frame = customer_totals(engine(ledger(("a", "1", 31, 1), ("b", "2", 1, 1))), as_of=AS_OF)
    days = to_pandas(frame.with_columns(days=days_before(AS_OF, "last_date")), sort_by="customer_id")
    assert days["days"].tolist() == [0, 30]


@pytest.mark.parametrize(
    ("change", "options", "match"),
    [
        (lambda f: f.drop(columns="revenue"), {"as_of": AS_OF}, "lack the column 'revenue'"),
        (lambda f: f, {"as_of": datetime(2026, 10, 31, tzinfo=UTC)}, "as_of must be a date"),
        (lambda f: f, {"as_of": "2026-10-31"}, "as_of must be a date"),
        (lambda f: f, {"as_of": AS_OF, "since": "2026-10-01"}, "since must be a date"),
    ],
    ids=["no revenue column", "as_of with a time", "as_of as text", "since as text"],
)
def test_refusals(change, options, match):
    with pytest.raises(DataError, match=match):
        visible(change(ledger(("a", "1", 1, 1))), **options)


SUMS = {
    "dust of adding goes": ([0.1 + 0.2, 77183.6], [0.3, 77183.6]),
    "small money keeps its digits": ([0.000123456789012345, 0.0001], [0.000123456789012, 0.0001]),
    "blank stays blank": ([float("nan"), 0.1 + 0.2], [None, 0.3]),
    "nothing to round": ([], []),
}


@pytest.mark.parametrize(("sums", "rounded"), SUMS.values(), ids=SUMS)
def test_money_is_rounded_by_the_largest_sum_of_the_table(engine, sums, rounded):
    table = pd.DataFrame({"customer_id": [str(i) for i in range(len(sums))], "revenue": sums})
    table = table.astype({"customer_id": "str", "revenue": "float64"})
    found = round_money(table, "revenue")["revenue"]
    assert [None if pd.isna(v) else v for v in found] == rounded
    if len(sums) > 1 and not table["revenue"].isna().any():
        frame = settle_money(nw.from_native(engine(table)).lazy(), "revenue")
        assert to_pandas(frame, sort_by="customer_id")["revenue"].tolist() == rounded
