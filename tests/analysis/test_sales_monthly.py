from __future__ import annotations

import json
from datetime import date

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmreport.analysis.sales_lines import sales_lines
from crmreport.analysis.sales_monthly import monthly_sales
from crmreport.errors import DataError
from tests.analysis.october import AS_OF, LINES, UNFINISHED, days, order_lines


def test_months_are_continuous_and_compared_with_a_year_ago(engine):
    months = monthly_sales(sales_lines(engine(LINES), as_of=AS_OF), months=3)
    table = months.table
    assert [str(m.date()) for m in table["month"]] == ["2026-08-01", "2026-09-01", "2026-10-01"]
    assert table["revenue"].tolist() == pytest.approx([0, 80, 140])
    assert table["buyers"].tolist() == [0, 1, 2]
    assert np.isnan(table["revenue_year_ago"].iloc[0])
    assert table["revenue_year_ago"].iloc[2] == pytest.approx(100)
    assert (months.first_day, months.last_day) == (date(2025, 10, 2), date(2026, 10, 22))


def test_a_shop_used_to_pauses_is_believed():
    seldom = order_lines(*(("a", d, d, 1.0, "ec", False) for d in ("2026-09-02", "2026-10-01", "2026-10-12")))
    assert monthly_sales(sales_lines(seldom, as_of=AS_OF)).table["is_preliminary"].tolist() == [False, False]


def test_a_month_the_data_do_not_finish_is_compared_with_nothing():
    month = monthly_sales(sales_lines(UNFINISHED, as_of=AS_OF)).table.iloc[-1]
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
    lines = order_lines(*(("a", day, day, 1.0, "ec", False) for day in days("2026-09-01", last_line)))
    table = monthly_sales(sales_lines(lines, as_of=date.fromisoformat(as_of))).table
    assert table["is_preliminary"].tolist() == [False, preliminary]


def test_a_month_before_all_data():
    with pytest.raises(DataError, match="no order line is dated 2020-01-01 or earlier"):
        monthly_sales(sales_lines(LINES, as_of=date(2020, 1, 1)))


MONTHS = monthly_sales(sales_lines(LINES, as_of=AS_OF)).table


@settings(max_examples=5, deadline=None)
@given(st.randoms(use_true_random=False))
def test_row_order_never_matters(random):
    order = list(range(len(LINES)))
    random.shuffle(order)
    shuffled = LINES.iloc[order].reset_index(drop=True)
    pd.testing.assert_frame_equal(MONTHS, monthly_sales(sales_lines(shuffled, as_of=AS_OF)).table)


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
        table = monthly_sales(sales_lines(lines, as_of=date(2011, 12, 9))).table
    assert [str(m.date()) for m in table["month"]] == [row["m"] for row in fact["result"]]
    assert table["revenue"].round(2).tolist() == pytest.approx([row["sales"] for row in fact["result"]])
    assert table["orders"].tolist() == [row["orders"] for row in fact["result"]]
    assert table["buyers"].tolist() == [row["customers"] for row in fact["result"]]
    assert table["is_preliminary"].tolist() == [False] * 12 + [True]
