from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from crmreport.analysis.entry_products import entry_products
from crmreport.errors import DataError

PRODUCTS = pd.DataFrame({"product_id": ["trial", "set", "full"], "kind": ["trial", "set", "regular"]})
AS_OF = date(2026, 10, 31)


def order_lines(*rows):
    lines = pd.DataFrame(rows, columns=["customer_id", "order_id", "order_date", "revenue", "product_id"])
    return lines.assign(order_date=pd.to_datetime(lines["order_date"]))


LINES = order_lines(
    ("a", "1", "2026-01-01", 10.0, "trial"),
    ("a", "2", "2026-04-01", 50.0, "full"),  # day 90: in time
    ("b", "3", "2026-01-01", 10.0, "trial"),
    ("b", "3", "2026-01-01", 90.0, "set"),
    ("b", "4", "2026-04-02", 50.0, "full"),  # day 91: too late
    ("c", "5", "2026-01-01", 50.0, "full"),
    ("c", "6", "2026-01-01", 50.0, "full"),  # the same day is the same purchase
    ("d", "7", "2026-08-02", 10.0, "trial"),  # 90 days before as_of: eligible
    ("e", "8", "2026-08-03", 10.0, "trial"),  # 89 days: not yet
    ("f", "9", "2025-05-01", 10.0, "set"),
    ("f", "10", "2025-05-31", 30.0, "set"),
    ("f", "11", "2026-05-01", 999.0, "full"),  # a year later: not in the first year
)


def test_rates_by_hand(engine):
    result = entry_products(engine(LINES), engine(PRODUCTS), columns=["kind"], as_of=AS_OF, minimum_support=1)
    assert (result.customers, result.converted, result.not_yet) == (5, 2, 1)
    assert result.waiting[["customer_id", "days_since_first"]].values.tolist() == [["e", 89]]
    table = result.table.set_index("value")
    assert table["customers"].to_dict() == {"set": 2, "trial": 3, "regular": 1}
    assert table["converted"].to_dict() == {"set": 1, "trial": 1, "regular": 0}
    assert table.loc["trial", "rest_rate"] == 0.5
    assert table.loc["set", "difference"] == pytest.approx(1 / 2 - 1 / 3)
    assert table.loc["set", "first_year_revenue"] == 40
    assert np.isnan(table.loc["trial", "first_year_revenue"])


def test_a_planted_entry_product_stands_out_and_the_rest_does_not():
    rows = []
    for i in range(600):
        product = ("trial", "set", "full")[i % 3]
        returns = i % 10 < (6 if product == "set" else 3)
        rows.append((f"c{i:03d}", f"{i}-1", "2026-02-01", 10.0, product))
        if returns:
            rows.append((f"c{i:03d}", f"{i}-2", "2026-03-01", 10.0, "full"))
    result = entry_products(order_lines(*rows), PRODUCTS, columns=["kind"], as_of=AS_OF)
    best = result.table.iloc[0]
    assert best["value"] == "set"
    assert best["f2_rate"] == pytest.approx(0.6)
    assert best["p_holm"] < 0.001
    assert best["f2_low"] < 0.6 < best["f2_high"]


def test_small_values_are_left_out_and_counted():
    result = entry_products(LINES, PRODUCTS, columns=["kind"], as_of=AS_OF, minimum_support=2)
    assert result.table["value"].tolist() == ["set", "trial"]
    assert result.values_left_out == 1


def test_nobody_eligible_gives_an_empty_table():
    result = entry_products(LINES, PRODUCTS, columns=["kind"], as_of=date(2025, 5, 2))
    assert result.table.empty
    assert result.customers == 0
    assert np.isnan(result.f2_rate)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        pytest.param({"within_days": 0}, ValueError, "within_days is 0", id="no window"),
        pytest.param({"columns": ["colour"]}, DataError, "products have no column 'colour'", id="no column"),
    ],
)
def test_refusals(options, error, message):
    with pytest.raises(error, match=message):
        entry_products(LINES, PRODUCTS, **{"columns": ["kind"], "as_of": AS_OF, **options})


def test_a_customer_of_long_standing_is_not_taken_as_new(engine):
    result = entry_products(
        engine(LINES), engine(PRODUCTS), columns=["kind"], as_of=AS_OF, minimum_support=1, burn_in_days=30
    )
    # f is first seen on the data's first day and may have bought long before it.
    assert (result.customers, result.maybe_earlier, result.not_yet) == (4, 1, 1)


def test_without_a_burn_in_everybody_is_taken_as_new(engine):
    result = entry_products(engine(LINES), engine(PRODUCTS), columns=["kind"], as_of=AS_OF, minimum_support=1)
    assert (result.customers, result.maybe_earlier) == (5, 0)


def test_where_each_order_is_a_purchase_the_second_may_come_the_same_day(engine):
    result = entry_products(
        engine(LINES), engine(PRODUCTS), columns=["kind"], as_of=AS_OF, minimum_support=1, unit="order"
    )
    assert (result.customers, result.converted, result.not_yet) == (5, 3, 1)
    assert result.table.set_index("value")["converted"].to_dict() == {"set": 1, "trial": 1, "regular": 1}


def test_of_two_orders_on_the_first_day_only_the_first_is_the_basket(engine):
    lines = order_lines(
        ("a", "1", "2026-01-01", 10.0, "trial"),
        ("a", "2", "2026-01-01", 90.0, "set"),
        ("b", "3", "2026-01-01", 50.0, "full"),
    )
    found = {
        unit: entry_products(
            engine(lines), engine(PRODUCTS), columns=["kind"], as_of=AS_OF, minimum_support=1, unit=unit
        )
        for unit in ("customer_day", "order")
    }
    assert set(found["customer_day"].table["value"]) == {"trial", "set", "regular"}
    assert set(found["order"].table["value"]) == {"trial", "regular"}
