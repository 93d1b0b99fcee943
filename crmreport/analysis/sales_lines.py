"""The lines every sales table counts: each with its order, purchase, guest and whether it is a first one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal

import narwhals as nw
import pandas as pd

from crmreport.analysis.ledger import PurchaseUnit, attributed, purchases, to_pandas, visible
from crmreport.errors import DataError

ItemCount = Literal["lines", "quantity"]

COUNTS = ("orders", "purchases", "buyers", "new_customers")


def ordered_lines(
    lines: Any,
    *,
    as_of: date,
    unit: PurchaseUnit,
    items: ItemCount,
    zero_value_counts: bool,
    keep: Sequence[str] = (),
) -> nw.LazyFrame[Any]:
    """Visible lines with all that is counted on them: order, purchase, first-ever, guest, items."""
    seen = visible(lines, as_of=as_of)
    names = seen.collect_schema().names()
    if missing := [c for c in keep if c not in names]:
        raise DataError(f"order lines have no column {missing[0]!r}; they have {', '.join(names)}")
    if items == "quantity" and "quantity" not in names:
        raise DataError("order lines have no quantity; count lines instead, or map it in client.yml")
    pieces = nw.col("quantity") if items == "quantity" else nw.lit(1)
    fields = [
        "customer_id", "order_date", "revenue", "is_purchase", "is_return", "of_order", "items", *keep,
    ]  # fmt: skip
    known = (
        attributed(lines, as_of=as_of, zero_value_counts=zero_value_counts)
        .with_columns(items=pieces.cast(nw.Float64))
        .select(fields)
    )
    # A guest's returned order is no order either: the ledger finds it by its number alone.
    nameless = seen.filter(nw.col("customer_id").is_null()).with_columns(customer_id=nw.lit("guest"))
    guests = (
        attributed(nameless.to_native(), as_of=as_of, zero_value_counts=zero_value_counts)
        .with_columns(customer_id=nw.lit(None, dtype=nw.String), items=pieces.cast(nw.Float64))
        .select(fields)
    )
    first = (
        purchases(lines, as_of=as_of, unit=unit, zero_value_counts=zero_value_counts)
        .group_by("customer_id")
        .agg(first_date=nw.col("purchase_date").min())
    )
    guest = nw.col("customer_id").is_null()
    zero = nw.lit(0.0)
    rows = nw.concat([known, guests]).join(first, on="customer_id", how="left")
    # A return in October of September's first purchase is no lost repeat sale.
    rows = rows.join(_sold_on(known), on=["customer_id", "of_order"], how="left")
    bought = nw.when(nw.col("is_return")).then(nw.coalesce("sold_on", "order_date"))
    bought = bought.otherwise(nw.col("order_date"))
    rows = rows.with_columns(
        is_first=(bought == nw.col("first_date")).fill_null(False),
        month_index=nw.col("order_date").dt.year().cast(nw.Int64) * 12
        + nw.col("order_date").dt.month().cast(nw.Int64)
        - 1,
    )
    return rows.with_columns(
        guest_revenue=nw.when(guest).then(nw.col("revenue")).otherwise(zero),
        first_revenue=nw.when(nw.col("is_first")).then(nw.col("revenue")).otherwise(zero),
        items=nw.when(nw.col("is_purchase") & ~guest).then(nw.col("items")).otherwise(zero),
        purchase=nw.col("of_order" if unit == "order" else "order_date"),
    )


def _sold_on(known: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """The first day of each order of which something came back; the ledger's purchases use the same."""
    keys = ["customer_id", "of_order"]
    returned = known.filter(nw.col("is_return")).select(*keys).unique()
    sold = known.filter(~nw.col("is_return")).join(returned, on=keys, how="semi")
    return sold.group_by(*keys).agg(sold_on=nw.col("order_date").min())


def distinct_counts(rows: nw.LazyFrame[Any], by: list[str]) -> pd.DataFrame:
    """Orders, purchases, buyers and new customers, by nothing or by columns: distinct, in plain group-bys."""
    sold = rows.filter(nw.col("is_purchase"))
    known = sold.filter(~nw.col("customer_id").is_null())
    distinct = {
        "orders": sold.select(*by, "customer_id", "of_order"),
        "purchases": known.select(*by, "customer_id", "purchase"),
        "buyers": known.select(*by, "customer_id"),
        "new_customers": known.filter(nw.col("is_first")).select(*by, "customer_id"),
    }
    if not by:
        return pd.DataFrame(
            {name: to_pandas(f.unique().select(n=nw.len())).to_numpy()[0] for name, f in distinct.items()}
        )
    table: pd.DataFrame | None = None
    for name, frame in distinct.items():
        counted = to_pandas(frame.unique().group_by(by).agg(nw.len().alias(name)))
        table = counted if table is None else table.merge(counted, on=by, how="outer")
    assert table is not None
    return table
