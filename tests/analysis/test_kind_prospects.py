"""Whom to offer a kind of product to."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from crmreport.analysis.kind_prospects import kind_prospects
from crmreport.errors import DataError

PRODUCTS = pd.DataFrame(
    {
        "product_id": ["lotion", "lotion-r", "soap", "oil", "oil-r"],
        "name": ["Lotion", "Lotion refill", "Soap", "Oil", "Oil refill"],
        "category": ["face", "face", "face", "hair", "hair"],
        "scent": ["rose", "rose", "none", None, None],
        "kind": ["regular", "refill", "regular", "regular", "refill"],
    }
).astype("str")
AS_OF = date(2026, 12, 31)
OPTIONS = {"value": "refill", "as_of": AS_OF, "since": date(2026, 1, 1), "late_days": 100}


def order_lines(*rows):
    lines = pd.DataFrame(rows, columns=["customer_id", "order_id", "order_date", "revenue", "product_id"])
    return lines.assign(order_date=pd.to_datetime(lines["order_date"]), is_return=lines["revenue"] < 0)


LINES = order_lines(
    ("a", "1", "2026-10-01", 40.0, "lotion"),
    ("a", "2", "2026-12-01", 9.0, "soap"),  # no refill of it: not the goods in question
    ("b", "3", "2026-10-01", 70.0, "lotion"),
    ("b", "4", "2024-01-01", 5.0, "oil-r"),  # has bought a refill before
    ("c", "5", "2026-05-01", 20.0, "oil"),  # last purchase too long ago
    ("d", "6", "2025-12-31", 30.0, "lotion"),  # before the window
    ("d", "7", "2026-12-01", 3.0, "soap"),
    ("e", "8", "2026-12-24", 50.0, "oil"),
    ("e", "9", "2026-12-30", -20.0, "oil"),  # part of it returned
    (None, "10", "2026-12-24", 50.0, "oil"),
).astype({"customer_id": "str"})


def test_by_hand(engine):
    found = kind_prospects(engine(LINES), engine(PRODUCTS), **OPTIONS, like=["category", "scent"])
    assert found.goods == 2
    listed = found.customers
    assert listed["customer_id"].tolist() == ["a", "e"]
    assert listed["product"].tolist() == ["Lotion", "Oil"]
    assert listed["revenue"].tolist() == [40, 30]
    assert listed["recency_days"].tolist() == [30, 7]
    assert listed["goods_date"].dt.date.tolist() == [date(2026, 10, 1), date(2026, 12, 24)]
    assert found.table.values.tolist() == [["due", 2, 70], ["late", 1, 20]]


@pytest.mark.parametrize(
    ("like", "goods", "listed"),
    [
        pytest.param(["category", "scent"], 2, ["a", "e"], id="the same goods but for the kind"),
        pytest.param(["kind", "category", "scent"], 2, ["a", "e"], id="the kind itself passed over"),
        pytest.param(["category"], 3, ["a", "e", "d"], id="the same category"),
        pytest.param([], 3, ["a", "e", "d"], id="any goods"),
    ],
)
def test_what_makes_two_products_the_same(engine, like, goods, listed):
    found = kind_prospects(engine(LINES), engine(PRODUCTS), **OPTIONS, like=like)
    assert found.goods == goods
    assert found.customers["customer_id"].tolist() == listed


def test_products_without_names_give_a_list_without_them(engine):
    found = kind_prospects(engine(LINES), engine(PRODUCTS.drop(columns="name")), **OPTIONS, like=["category"])
    assert "product" not in found.customers.columns


def test_nobody_bought_such_goods():
    found = kind_prospects(LINES, PRODUCTS, **(OPTIONS | {"value": "sample"}), like=["category"])
    assert (found.goods, len(found.customers), found.table["customers"].sum()) == (0, 0, 0)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        pytest.param({"late_days": 0}, ValueError, "late_days is 0", id="no time to be late"),
        pytest.param({"like": ["colour"]}, DataError, "no column 'colour'", id="no column"),
    ],
)
def test_refusals(options, error, message):
    with pytest.raises(error, match=message):
        kind_prospects(LINES, PRODUCTS, **(OPTIONS | options))
