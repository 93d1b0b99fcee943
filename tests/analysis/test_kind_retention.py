"""Who stays, by the kind of product bought."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmreport.analysis.kind_retention import kind_column, kind_retention
from crmreport.errors import DataError
from tests.analysis.shops import shop

PRODUCTS = pd.DataFrame(
    {"product_id": ["bottle", "pouch", "set", "other"], "kind": ["regular", "refill", "set", None]}
).astype("str")
WINDOWS = {
    "before": (date(2025, 1, 1), date(2025, 12, 31)),
    "since": date(2026, 1, 1),
    "as_of": date(2026, 12, 31),
}


def order_lines(*rows):
    lines = pd.DataFrame(rows, columns=["customer_id", "order_id", "order_date", "revenue", "product_id"])
    return lines.assign(order_date=pd.to_datetime(lines["order_date"]))


LINES = order_lines(
    ("z", "0", "2024-12-31", 10.0, "bottle"),  # before the windows
    # Once: a with a refill and back; b and c without, of them b back.
    ("a", "1", "2025-01-01", 10.0, "pouch"),
    ("a", "1", "2025-01-01", 10.0, "bottle"),
    ("a", "2", "2026-01-01", 10.0, "other"),
    ("b", "3", "2025-12-31", 10.0, "bottle"),
    ("b", "4", "2026-12-31", 10.0, "bottle"),
    ("c", "5", "2025-06-01", 10.0, "bottle"),
    ("c", "6", "2027-01-01", 10.0, "bottle"),  # after as_of
    # Twice or more: d with a refill, three days, not back; e without, two days, back.
    ("d", "7", "2025-02-01", 10.0, "bottle"),
    ("d", "8", "2025-02-02", 10.0, "pouch"),
    ("d", "9", "2025-02-03", 10.0, "bottle"),
    ("e", "10", "2025-03-01", 10.0, "bottle"),
    ("e", "11", "2025-03-02", 10.0, "other"),
    ("e", "12", "2026-03-02", 10.0, "pouch"),  # a refill of the later window does not count
    (None, "13", "2025-03-02", 10.0, "pouch"),
).astype({"customer_id": "str"})


def row_of(found, value="refill"):
    (row,) = found.table[found.table["value"] == value].to_dict("records")
    return row


def test_by_hand(engine):
    found = kind_retention(engine(LINES), engine(PRODUCTS), **WINDOWS, most_purchases=2, minimum_support=1)
    assert (found.customers, found.back) == (5, 3)
    refill = row_of(found)
    counts = [refill[name] for name in ("customers", "back", "rest_customers", "rest_back")]
    assert counts == [2, 1, 3, 2]
    assert refill["difference"] == pytest.approx(1 / 2 - 2 / 3)
    # Once: 1 of 1 against 1 of 2, weight 1·2/3; twice: 0 of 1 against 1 of 1, weight 1/2.
    assert refill["adjusted_difference"] == pytest.approx((2 / 3 * (1 - 1 / 2) + 1 / 2 * (0 - 1)) / (7 / 6))
    strata = found.strata[found.strata["value"] == "refill"].set_index("purchases")
    assert strata["customers"].to_dict() == {1: 1, 2: 1}
    assert strata["rest_customers"].to_dict() == {1: 2, 2: 1}
    # Everybody bought the bottle: nobody is left to compare with.
    assert found.values_left_out == 1


def test_a_return_of_everything_is_no_purchase(engine):
    returned = LINES.assign(is_return=False)
    back = pd.DataFrame(
        {"customer_id": ["a"], "order_id": ["1"], "order_date": pd.to_datetime(["2025-01-09"]),
         "revenue": [-20.0], "product_id": ["pouch"], "is_return": [True]}
    )  # fmt: skip
    lines = pd.concat([returned, back], ignore_index=True)
    found = kind_retention(engine(lines), engine(PRODUCTS), **WINDOWS, minimum_support=1)
    assert found.customers == 4
    assert row_of(found)["customers"] == 1


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(
            LINES[LINES["order_date"] >= "2025-02-01"], id="data that begin within the earlier window"
        ),
        pytest.param(LINES[LINES["order_date"] < "2026-03-01"], id="data that stop within the later one"),
        pytest.param(LINES[LINES["order_date"] < "2025-12-01"], id="no data of the later one"),
    ],
)
def test_a_window_the_data_do_not_cover_is_blank(lines):
    found = kind_retention(lines, PRODUCTS, **WINDOWS, minimum_support=1)
    assert not found.is_observed
    assert (found.customers, len(found.table), len(found.strata)) == (0, 0, 0)


def habits(*, stays: float, n: int = 3000, seed: int = 1) -> pd.DataFrame:
    """Frequent buyers buy refills more often and come back more; a refill adds ``stays`` on top."""
    random = np.random.default_rng(seed)
    rows = [("first", "0", "2025-01-01", 1.0, "bottle"), ("last", "1", "2026-12-31", 1.0, "bottle")]
    for i in range(n):
        times = int(random.integers(1, 7))
        refill = random.random() < times / 8
        back = random.random() < 0.2 + 0.1 * times + stays * refill
        for k in range(times):
            rows.append(
                (f"c{i}", f"{i}-{k}", f"2025-{k + 1:02d}-15", 1.0, "pouch" if refill and not k else "bottle")
            )
        if back:
            rows.append((f"c{i}", f"{i}-x", "2026-05-05", 1.0, "bottle"))
    return order_lines(*rows)


def test_buyers_who_only_buy_more_often_show_no_difference_at_equal_purchases():
    alarms = 0
    for seed in range(20):
        found = kind_retention(habits(stays=0.0, n=1000, seed=seed), PRODUCTS, **WINDOWS)
        refill = row_of(found)
        assert refill["difference"] > 0.05
        alarms += refill["p_holm"] < 0.05
    # One in twenty is what chance makes.
    assert alarms <= 3


def test_a_difference_beyond_frequency_is_found():
    refill = row_of(kind_retention(habits(stays=0.15), PRODUCTS, **WINDOWS))
    assert refill["adjusted_low"] < 0.15 < refill["adjusted_high"]
    assert refill["p_holm"] < 0.001
    assert refill["verdict"] == "higher"


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000))
def test_parts_add_up_and_neither_row_order_nor_money_matters(seed):
    lines = shop(seed=seed)
    lines["product_id"] = [("bottle", "pouch", "set")[i % 3] for i in range(len(lines))]
    windows = {
        "before": (date(2024, 11, 1), date(2025, 10, 31)),
        "since": date(2025, 11, 1),
        "as_of": date(2026, 10, 31),
    }
    found = kind_retention(lines, PRODUCTS, **windows, minimum_support=1)
    assert (found.table["customers"] + found.table["rest_customers"] == found.customers).all()
    assert (found.table["back"] + found.table["rest_back"] == found.back).all()
    sums = found.strata.groupby("value")["customers"].sum()
    assert sums.to_dict() == dict(zip(found.table["value"], found.table["customers"], strict=True))
    other = lines.sample(frac=1, random_state=seed).assign(revenue=lambda frame: frame["revenue"] * 4)
    again = kind_retention(other, PRODUCTS, **windows, minimum_support=1)
    pd.testing.assert_frame_equal(found.table, again.table)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        pytest.param(
            {"since": date(2025, 12, 31)}, ValueError, "not one after the other", id="windows overlap"
        ),
        pytest.param({"most_purchases": 1}, ValueError, "most_purchases is 1", id="one stratum only"),
        pytest.param({"column": "colour"}, DataError, "products have no column 'colour'", id="no column"),
    ],
)
def test_refusals(options, error, message):
    with pytest.raises(error, match=message):
        kind_retention(LINES, PRODUCTS, **(WINDOWS | options))


@pytest.mark.parametrize(
    ("lines", "products", "wanted", "column"),
    [
        pytest.param(LINES, PRODUCTS, "", "kind", id="kinds are known"),
        pytest.param(LINES, PRODUCTS, "brand", "brand", id="another column is wanted"),
        pytest.param(LINES, PRODUCTS[["product_id"]], "", None, id="products without kinds"),
        pytest.param(LINES.drop(columns="product_id"), PRODUCTS, "", None, id="lines without products"),
        pytest.param(LINES, None, "", None, id="no products"),
    ],
)
def test_which_column_is_compared_by(lines, products, wanted, column):
    assert kind_column(lines, products, wanted=wanted) == column


def test_a_column_wanted_of_no_products_is_refused():
    with pytest.raises(DataError, match="no products to have the column 'brand'"):
        kind_column(LINES, None, wanted="brand")
