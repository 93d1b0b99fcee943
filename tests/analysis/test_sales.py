from __future__ import annotations

import json
from datetime import date

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmreport.analysis.revenue_tree import split_change
from crmreport.analysis.sales import kpi_table, sales_totals
from crmreport.analysis.sales_monthly import monthly_sales
from crmreport.analysis.sales_split import new_and_repeat, sales_by, sales_by_membership
from crmreport.errors import DataError
from crmreport.period import Period

OCTOBER = Period.parse("2026-10")
AS_OF = date(2026, 10, 31)


def order_lines(*rows):
    columns = ["customer_id", "order_id", "order_date", "revenue", "channel", "is_return"]
    lines = pd.DataFrame(rows, columns=columns)
    return lines.assign(order_date=pd.to_datetime(lines["order_date"]))


LINES = order_lines(
    ("a", "1", "2025-10-02", 100.0, "store", False),
    ("b", "2", "2026-09-10", 80.0, "ec", False),
    ("a", "3", "2026-10-01", 50.0, "store", False),
    ("a", "4", "2026-10-01", 10.0, "ec", False),
    ("c", "5", "2026-10-05", 40.0, "ec", False),
    ("c", "5", "2026-10-05", 20.0, "ec", False),
    ("c", "6", "2026-10-20", 30.0, "store", False),
    (None, "7", "2026-10-21", 15.0, None, False),
    ("b", "8", "2026-10-22", -25.0, "ec", True),
    ("d", "9", "2026-11-01", 999.0, "ec", False),
)


def test_totals_by_hand(engine):
    (t,) = sales_totals(engine(LINES), periods=[OCTOBER], as_of=AS_OF)
    assert t.revenue == pytest.approx(140)
    assert t.guest_revenue == pytest.approx(15)
    assert (t.orders, t.purchases, t.buyers, t.items, t.new_customers) == (5, 3, 2, 5, 1)
    assert t.first_revenue == pytest.approx(60)
    assert t.repeat_revenue == pytest.approx(65)
    assert t.revenue_per_buyer == pytest.approx(125 / 2)
    assert t.repeat_share == pytest.approx(65 / 125)


def test_orders_as_the_unit_count_each_order():
    (t,) = sales_totals(LINES, periods=[OCTOBER], as_of=AS_OF, unit="order")
    assert t.purchases == 4


def test_quantities_are_summed_only_when_asked():
    lines = LINES.assign(quantity=2.5)
    (by_lines,) = sales_totals(lines, periods=[OCTOBER], as_of=AS_OF)
    (by_quantity,) = sales_totals(lines, periods=[OCTOBER], as_of=AS_OF, items="quantity")
    assert by_lines.items == 5
    assert by_quantity.items == pytest.approx(12.5)


def test_kpis_compare_with_before_and_year_ago(engine):
    table = kpi_table(engine(LINES), period=OCTOBER, as_of=AS_OF).table.set_index("kpi")
    assert table.loc["revenue"].tolist() == pytest.approx([140, 80, 100, 0.75, 0.4])
    assert table.loc["buyers"].tolist() == pytest.approx([2, 1, 1, 1.0, 1.0])
    assert table.loc["repeat_share", "change_year_ago"] == pytest.approx(65 / 125)


def test_what_lies_before_the_data_is_blank_not_zero():
    opening = order_lines(("b", "0", "2026-09-03", 20.0, "ec", False))
    lines = pd.concat([opening, LINES[LINES["order_date"] >= "2026-09-01"]], ignore_index=True)
    table = kpi_table(lines, period=OCTOBER, as_of=AS_OF).table
    assert table["year_ago"].isna().all()
    assert table["change_year_ago"].isna().all()
    assert table["previous"].notna().all()


def test_months_are_continuous_and_compared_with_a_year_ago(engine):
    months = monthly_sales(engine(LINES), as_of=AS_OF, months=3)
    table = months.table
    assert [str(m.date()) for m in table["month"]] == ["2026-08-01", "2026-09-01", "2026-10-01"]
    assert table["revenue"].tolist() == pytest.approx([0, 80, 140])
    assert table["buyers"].tolist() == [0, 1, 2]
    assert np.isnan(table["revenue_year_ago"].iloc[0])
    assert table["revenue_year_ago"].iloc[2] == pytest.approx(100)
    assert (months.first_day, months.last_day) == (date(2025, 10, 2), date(2026, 10, 22))


def _days(first: str, last: str) -> list[str]:
    return [f"{day:%Y-%m-%d}" for day in pd.date_range(first, last)]


def test_a_shop_used_to_pauses_is_believed():
    seldom = order_lines(*(("a", d, d, 1.0, "ec", False) for d in ("2026-09-02", "2026-10-01", "2026-10-12")))
    assert monthly_sales(seldom, as_of=AS_OF).table["is_preliminary"].tolist() == [False, False]


def test_a_period_the_data_do_not_finish_is_compared_with_nothing():
    days = [*_days("2025-10-01", "2025-10-31"), *_days("2026-09-01", "2026-10-15")]
    lines = order_lines(*(("a", d, d, 1.0, "ec", False) for d in days))
    kpis = kpi_table(lines, period=OCTOBER, as_of=AS_OF)
    assert kpis.now.is_preliminary
    revenue = kpis.table.set_index("kpi").loc["revenue"]
    assert revenue[["value", "previous", "year_ago"]].tolist() == [15, 30, 31]
    assert kpis.table[["change_previous", "change_year_ago"]].isna().all(axis=None)
    assert split_change(kpis.year_ago, kpis.now).reason == "preliminary"
    channels = sales_by(lines, by="channel", period=OCTOBER, as_of=AS_OF).table
    assert channels[["revenue", "revenue_previous", "revenue_year_ago"]].values.tolist() == [[15, 30, 31]]
    assert channels[["change_previous", "change_year_ago"]].isna().all(axis=None)
    month = monthly_sales(lines, as_of=AS_OF).table.iloc[-1]
    assert (month["revenue"], month["revenue_year_ago"], month["is_preliminary"]) == (15, 31, True)
    assert pd.isna(month["change_year_ago"])


@pytest.mark.parametrize(
    ("as_of", "last_line", "preliminary"),
    [
        pytest.param("2026-10-31", "2026-10-31", False, id="month over, data to the end"),
        pytest.param("2026-10-31", "2026-10-29", False, id="two silent days are believed"),
        pytest.param("2026-10-31", "2026-10-20", True, id="data stop on the 20th: preliminary"),
        pytest.param("2026-10-30", "2026-10-30", True, id="as_of before the month's end: preliminary"),
    ],
)
def test_preliminary_months(as_of, last_line, preliminary):
    lines = order_lines(*(("a", day, day, 1.0, "ec", False) for day in _days("2026-09-01", last_line)))
    table = monthly_sales(lines, as_of=date.fromisoformat(as_of)).table
    assert table["is_preliminary"].tolist() == [False, preliminary]


def test_new_repeat_and_guest_parts_sum_to_revenue(engine):
    split = new_and_repeat(engine(LINES), period=OCTOBER, as_of=AS_OF)
    table = split.table.set_index("order_kind")
    assert table["revenue"].to_dict() == pytest.approx({"new": 60, "repeat": 65, "guest": 15})
    assert table["revenue_share"].sum() == pytest.approx(1)
    assert table["orders"].to_dict() == {"new": 1, "repeat": 3, "guest": 1}


RETURNS = {
    "part of the first order, the next month": ("f", {"new": -10, "repeat": 70}),
    "part of a later order": ("g", {"new": 0, "repeat": 60}),
    "linked to no order: repeat, as nothing says otherwise": (None, {"new": 0, "repeat": 60}),
}


@pytest.mark.parametrize(("returned", "october"), RETURNS.values(), ids=RETURNS)
def test_a_return_lowers_the_revenue_of_the_purchase_it_belongs_to(engine, returned, october):
    lines = order_lines(
        ("a", "f", "2026-09-10", 100.0, "ec", False),
        ("a", "g", "2026-10-05", 70.0, "ec", False),
        ("b", "h", "2026-10-06", 30.0, "ec", False),
        ("b", "h", "2026-10-06", -30.0, "ec", True),
        ("a", "r", "2026-10-20", -10.0, "ec", True),
    ).assign(returned_order_id=pd.Series([None, None, None, "h", returned], dtype="str"))
    kinds = new_and_repeat(engine(lines), period=OCTOBER, as_of=AS_OF).table.set_index("order_kind")
    assert kinds["revenue"].reindex(["new", "repeat"]).fillna(0).to_dict() == pytest.approx(october)
    (t,) = sales_totals(engine(lines), periods=[OCTOBER], as_of=AS_OF)
    assert (t.first_revenue, t.repeat_revenue) == pytest.approx((october["new"], october["repeat"]))
    assert (t.buyers, t.new_customers) == (1, 0)


def test_channels_with_a_row_for_unknown(engine):
    table = sales_by(engine(LINES), by="channel", period=OCTOBER, as_of=AS_OF).table.set_index("channel")
    assert table["revenue"].to_dict() == pytest.approx({"store": 80, "ec": 45, "unknown": 15})
    assert table.loc["ec", "change_previous"] == pytest.approx(45 / 80 - 1)
    assert table.loc["ec", "change_year_ago"] != table.loc["ec", "change_year_ago"]


def test_membership(engine):
    customers = pd.DataFrame({"customer_id": ["a", "b"], "is_member": [True, False]})
    split = sales_by_membership(engine(LINES), engine(customers), period=OCTOBER, as_of=AS_OF)
    assert split.table.set_index("membership")["revenue"].to_dict() == pytest.approx(
        {"member": 60, "non_member": -25, "unknown": 90, "guest": 15}
    )


def test_a_fully_returned_order_is_no_order():
    back = order_lines(("a", "3", "2026-10-09", -50.0, "store", True))
    (t,) = sales_totals(pd.concat([LINES, back]), periods=[OCTOBER], as_of=AS_OF)
    assert t.orders == 4
    assert t.revenue == pytest.approx(90)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(
            lambda: sales_totals(LINES, periods=[OCTOBER], as_of=AS_OF, items="quantity"),
            "no quantity; count lines instead",
            id="quantities without a quantity column",
        ),
        pytest.param(
            lambda: sales_by(LINES, by="shop", period=OCTOBER, as_of=AS_OF),
            "no column 'shop'",
            id="cut by a column that is not there",
        ),
        pytest.param(
            lambda: sales_by_membership(
                LINES, pd.DataFrame({"customer_id": ["a"]}), period=OCTOBER, as_of=AS_OF
            ),
            "customers have no is_member",
            id="membership without the flag",
        ),
        pytest.param(
            lambda: monthly_sales(LINES, as_of=date(2020, 1, 1)),
            "no order line is dated 2020-01-01 or earlier",
            id="a month before all data",
        ),
    ],
)
def test_refusals(call, message):
    with pytest.raises(DataError, match=message):
        call()


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False))
def test_row_order_never_matters(random):
    order = list(range(len(LINES)))
    random.shuffle(order)
    shuffled = LINES.iloc[order].reset_index(drop=True)
    left = monthly_sales(LINES, as_of=AS_OF).table
    pd.testing.assert_frame_equal(left, monthly_sales(shuffled, as_of=AS_OF).table)


@pytest.mark.real
def test_online_retail_months_as_published_in_the_golden_file(shared_data):
    golden = json.loads((shared_data / "golden/customers.json").read_text())["online_retail"]
    (fact,) = [f for f in golden["facts"] if f["id"] == "monthly_sales"]
    path = shared_data / "data/online_retail/online_retail.parquet"
    with duckdb.connect() as connection:
        lines = connection.sql(
            f"""select CustomerID::varchar customer_id, InvoiceNo order_id, InvoiceDate::date order_date,
            Quantity*UnitPrice revenue, false is_return from '{path}'
            where CustomerID is not null and InvoiceNo not like 'C%' and Quantity>0 and UnitPrice>0"""
        )
        table = monthly_sales(lines, as_of=date(2011, 12, 9)).table
    assert [str(m.date()) for m in table["month"]] == [row["m"] for row in fact["result"]]
    assert table["revenue"].round(2).tolist() == pytest.approx([row["sales"] for row in fact["result"]])
    assert table["orders"].tolist() == [row["orders"] for row in fact["result"]]
    assert table["buyers"].tolist() == [row["customers"] for row in fact["result"]]
    assert table["is_preliminary"].tolist() == [False] * 12 + [True]


def test_a_guests_order_that_came_back_in_full_is_no_order(engine):
    returned = order_lines(
        (None, "7", "2026-10-21", 15.0, "store", False),
        (None, "8", "2026-10-22", 20.0, "store", False),
        (None, "r", "2026-10-25", -20.0, "store", True),
        ("a", "9", "2026-10-25", 30.0, "store", False),
    ).assign(returned_order_id=[None, None, "8", None])
    (t,) = sales_totals(engine(returned), periods=[OCTOBER], as_of=AS_OF)
    assert (t.orders, t.guest_revenue, t.revenue) == (2, 15, 45)
