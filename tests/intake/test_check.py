from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from crmreport.intake import check, history
from crmreport.intake.model import Check, MonthCount
from tests.intake.conftest import HEADER, LINES, SALES, Shop, csv_text


def months(**lines: int) -> list[MonthCount]:
    return [
        MonthCount(month=f"2026-{m[1:]}", channel="ec", lines=n, orders=n, revenue=n)
        for m, n in lines.items()
        if n
    ]


def by_id(found: list[Check]) -> dict[str, Check]:
    return {c.id: c for c in found}


def test_a_month_without_a_line_is_named() -> None:
    found = by_id(history.check_months(months(m01=50, m02=0, m03=0, m04=50)))["months_missing"]
    assert (found.severity, found.count, found.of) == ("warning", 2, 4)
    assert found.values == {"first": "2026-02", "last": "2026-03"}


DROPS = {
    "under half of the usual": ({"m01": 100, "m02": 90, "m03": 110, "m04": 49, "m05": 100}, ["2026-04"]),
    "just half is no drop": ({"m01": 100, "m02": 90, "m03": 110, "m04": 50, "m05": 100}, []),
    "the last month may not be over": ({"m01": 100, "m02": 100, "m03": 100, "m04": 10}, []),
    "too few lines to say": ({"m01": 20, "m02": 20, "m03": 20, "m04": 1, "m05": 20}, []),
    "nothing at all is a drop": ({"m01": 100, "m02": 100, "m03": 100, "m04": 0, "m05": 100}, ["2026-04"]),
}


@pytest.mark.parametrize(("lines", "expected"), DROPS.values(), ids=DROPS.keys())
def test_sudden_drops(lines: dict[str, int], expected: list[str]) -> None:
    found = [c for c in history.check_months(months(**lines)) if c.id == "sudden_drop"]
    assert [c.values["month"] for c in found if c.severity == "warning"] == expected


def test_the_schema_check_names_what_does_not_hold() -> None:
    customers = pl.DataFrame({"customer_id": ["a", "a"], "sex": ["female", "f"]})
    found = check.check_schema("customers", customers)
    assert (found.severity, found.values) == ("critical", {"columns": "customer_id, sex"})


def test_orders_that_look_wrong_are_counted() -> None:
    orders = pl.DataFrame(
        {
            "customer_id": ["a", "b", "a", "a", None],
            "order_id": ["1", "1", "2", "2", "3"],
            "ordered_at": [datetime(2026, 10, d, tzinfo=UTC) for d in (1, 1, 2, 3, 3)],
            "revenue": [1.0, 1.0, 1.0, 5000.0, 0.0],
            "is_return": [False] * 5,
        }
    ).with_columns(order_date=pl.col("ordered_at").dt.date())
    found = by_id(check.check_orders(orders))
    assert found["order_of_many_customers"].count == 1
    assert found["order_over_many_days"].count == 1
    assert (found["huge_values"].count, found["huge_values"].values["largest"]) == (1, 5000.0)
    assert found["zero_revenue"].count == 1


def test_references_repeats_blanks_and_shared_contacts(shop: Shop) -> None:
    shop.put(
        "sales.csv",
        csv_text(*(f"{line},P1" for line in (*LINES, LINES[0])), ",A9,2026-10-03,5,", header=HEADER + ",sku"),
    )
    shop.put(
        "members.csv", "id,mail,tel,rank\nC001,A@x.jp,03-1234-5678,\nC003,ａ@x.jp,0312345678,\nC004,,,\n"
    )
    shop.put("products.csv", "sku,name\nP1,pen\n")
    report = shop.open(
        {"columns": SALES | {"product_id": "sku"}},
        customers=[
            {
                "path": "members.csv",
                "columns": {"customer_id": "id", "email": "mail", "phone": "tel", "rank": "rank"},
            }
        ],
        products=[{"path": "products.csv", "columns": {"product_id": "sku", "name": "name"}}],
    ).report
    found = {(c.id, c.table): c for c in report.checks}
    assert found["orphan_customers", "order_lines"].count == 1
    assert found["orphan_products", "order_lines"].severity == "ok"
    assert found["customers_without_orders", "customers"].count == 2
    assert found["repeated_lines", "order_lines"].count == 1
    assert found["same_email", "customers"].count == 2
    assert found["same_phone", "customers"].count == 2
    assert found["guests", "order_lines"].values == {"revenue": 5.0, "orders": 1}
    blank = [c.column for c in report.checks if c.id == "missing_share"]
    assert blank == ["rank", "email", "phone"]
    assert "x.jp" not in report.model_dump_json(), "a report of checks holds no mail address"


STORES = {
    "a month that was not delivered": ([40, 40, 40, 0, 40], ["2026-04"]),
    "closed for good is no gap": ([40, 40, 40, 40, 0], []),
    "a small store may sell nothing": ([4, 4, 4, 0, 4], []),
    "a fall is not a gap": ([40, 40, 40, 1, 40], []),
}


@pytest.mark.parametrize(("lines", "expected"), STORES.values(), ids=STORES.keys())
def test_stores_without_a_month(lines: list[int], expected: list[str]) -> None:
    days = [date(2026, month, 1) for month, n in enumerate(lines, 1) for _ in range(n)]
    found = history.check_stores(pl.DataFrame({"order_date": days, "store_id": ["横浜"] * len(days)}))
    assert [c.values["month"] for c in found if c.severity == "warning"] == expected
    assert all(c.values["store"] == "横浜" for c in found if c.severity == "warning")
