"""Public data sets with totals known from elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from crmreport.intake.vocabulary import PREFECTURE_NAMES
from tests.intake.conftest import Shop

pytestmark = pytest.mark.real


def facts(shared_data: Path, data_set: str) -> dict[str, Any]:
    golden = json.loads((shared_data / "golden" / "customers.json").read_text(encoding="utf-8"))
    return {f["id"]: f["result"] for f in golden[data_set]["facts"]}


def test_complete_journey_in_its_shops_time_zone(shop: Shop, shared_data: Path) -> None:
    expected = facts(shared_data, "completejourney")
    data = shared_data / "data" / "completejourney"
    columns = {
        "customer_id": "household_id",
        "order_id": "basket_id",
        "ordered_at": "transaction_timestamp",
        "revenue": "sales_value",
        "product_id": "product_id",
    }
    store = shop.open(
        {"path": str(data / "transactions.parquet"), "columns": columns, "timezone": "UTC"},
        timezone="America/New_York",
        currency="USD",
        products=[
            {
                "path": str(data / "products.parquet"),
                "columns": {"product_id": "product_id", "brand": "brand"},
            }
        ],
    )
    orders = pl.read_parquet(store.table("order_lines"))
    totals = expected["cj.totals"]
    assert orders.height == totals["n_rows"] == 1_469_307
    assert orders["customer_id"].n_unique() == totals["customers"]
    assert orders["order_id"].n_unique() == totals["orders"]
    assert orders.select(pl.struct("customer_id", "order_date").n_unique()).item() == totals["customer_days"]
    assert (str(store.report.first_day), str(store.report.last_day)) == (
        totals["first_day"],
        totals["last_day"],
    )
    assert float(store.report.revenue) == pytest.approx(totals["sales"], abs=0.01)
    moved = int((orders["ordered_at"].dt.date() != orders["order_date"]).sum())
    assert moved == expected["tz_shift"]["rows_whose_local_date_differs"]
    lost = [c.count for c in store.report.checks if c.id == "orphan_products"]
    assert lost == [expected["quirks"]["orphan_product_rows"]]


def test_online_retail(shop: Shop, shared_data: Path) -> None:
    expected = facts(shared_data, "online_retail")
    columns = {
        "customer_id": "CustomerID",
        "order_id": "InvoiceNo",
        "ordered_at": "InvoiceDate",
        "quantity": "Quantity",
        "unit_price": "UnitPrice",
        "product_id": "StockCode",
    }
    path = shared_data / "data" / "online_retail" / "online_retail.parquet"
    store = shop.open({"path": str(path), "columns": columns}, timezone="Europe/London", currency="GBP")
    orders, raw, net = pl.read_parquet(store.table("order_lines")), expected["raw"], expected["or_net.totals"]
    assert orders.height == raw["n_rows"]
    assert float(store.report.revenue) == pytest.approx(raw["amount"], abs=0.001)
    assert orders["order_id"].n_unique() == raw["invoices"]
    assert store.report.guests.lines == raw["n_rows"] - raw["rows_with_customer"]
    assert store.report.sources[0].repeated_lines == raw["full_duplicate_rows"]
    known = orders.filter(pl.col("customer_id").is_not_null())
    assert known["customer_id"].n_unique() == net["customers"]
    assert known["revenue"].sum() == pytest.approx(net["net_sales"], abs=0.01)


def test_products_behind_two_marks_and_in_cp932_are_the_same_products(shop: Shop, shared_data: Path) -> None:
    data = shared_data / "data" / "jp_100knocks"
    shop.put("sales.csv", "会員番号,伝票番号,購入日,金額\nC1,A1,2026-10-01,1\n")
    columns = {
        "product_id": "product_cd",
        "category_major": "category_major_name",
        "category_small": "category_small_name",
        "price": "unit_price",
    }
    tables = []
    for name in ("CP932_header.csv", "UTF-8_header.csv", "UTF-8_header.tsv"):
        source = {"path": str(data / f"P_df_product_full_{name}"), "columns": columns}
        tables.append(pl.read_parquet(shop.open(products=[source]).table("products")))
    assert tables[0].equals(tables[1])
    assert tables[1].equals(tables[2])
    expected = facts(shared_data, "jp_100knocks")["product_cp932"]
    assert (tables[0].height, tables[0]["price"].count(), tables[0]["price"].sum()) == (
        expected["n"],
        expected["priced"],
        expected["price_sum"],
    )
    codes = {"product_id": "product_cd", "category_major": "category_major_cd", "price": "unit_price"}
    marked = shop.open(products=[{"path": str(data / "product.csv"), "columns": codes}])
    bare = pl.read_parquet(marked.table("products"))
    assert bare["category_major"][0] == "04", "leading zeros stay"
    assert bare.select("product_id", "price").equals(tables[0].select("product_id", "price"))


def test_japanese_customers_with_a_code_list_for_sex(shop: Shop, shared_data: Path) -> None:
    shop.put("sales.csv", "会員番号,伝票番号,購入日,金額\nC1,A1,2026-10-01,1\n")
    source = {
        "path": str(shared_data / "data" / "jp_100knocks" / "customer.csv"),
        "columns": {
            "customer_id": "customer_id",
            "sex": "gender_cd",
            "birth_date": "birth_day",
            "postal_code": "postal_cd",
            "prefecture": "address",
            "joined_at": "application_date",
        },
        "codes": {"sex": {"0": "male", "1": "female", "9": "不明"}},
    }
    customers = pl.read_parquet(shop.open(customers=[source]).table("customers"))
    sexes = dict(customers["sex"].value_counts().rows())
    assert sexes == {"male": 2981, "female": 17918, None: 1072}
    expected = facts(shared_data, "jp_100knocks")["customer"]
    assert (str(customers["birth_date"].min()), str(customers["birth_date"].max())) == (
        expected["b0"],
        expected["b1"],
    )
    assert f"{customers['joined_at'].min():%Y%m%d}" == expected["a0"]
    assert set(customers["prefecture"].unique()) <= PREFECTURE_NAMES
