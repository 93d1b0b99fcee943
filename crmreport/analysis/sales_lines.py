"""The lines every sales table counts: each with its order, purchase, guest and whether it is a first one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import narwhals as nw
import pandas as pd

from crmreport.analysis.ledger import PurchaseUnit, attributed, settle, to_pandas, visible
from crmreport.analysis.observed import ObservedDays, observed_days
from crmreport.errors import DataError

ItemCount = Literal["lines", "quantity"]

COUNTS = ("orders", "purchases", "buyers", "new_customers")


@dataclass(frozen=True)
class SalesLines:
    """Order lines as every sales table counts them, computed once for all tables of a report.

    Attributes:
        rows: Visible lines: ``customer_id`` (null for guests), ``order_date``, ``month_index`` (months
            since the year 0), ``revenue``, ``guest_revenue``, ``first_revenue``, ``items`` (on purchases
            of known customers), ``of_order``, ``purchase`` (the purchase occasion: the day, or the
            order), ``is_purchase``, ``is_first`` (of an order of the customer's first purchase day), and
            the columns asked for.
        as_of: Last visible day.
        unit: What one purchase is.
        observed: Days the order lines say something about.
    """

    rows: nw.LazyFrame[Any]
    as_of: date
    unit: PurchaseUnit
    observed: ObservedDays


def sales_lines(
    lines: Any,
    *,
    as_of: date,
    unit: PurchaseUnit = "customer_day",
    items: ItemCount = "lines",
    zero_value_counts: bool = False,
    keep: Sequence[str] = (),
) -> SalesLines:
    """Mark every visible line with all that sales tables count: order, purchase, first-ever, guest, items.

    Args:
        lines: Order lines; any frame narwhals understands.
        as_of: Last visible day.
        unit: What one purchase is.
        items: ``lines`` counts order lines; ``quantity`` sums quantities, which only makes sense
            where every quantity is a number of pieces (never litres or grams).
        zero_value_counts: Whether a line worth nothing makes a purchase.
        keep: Columns of the lines that sales will be cut by, such as ``channel``.

    Raises:
        DataError: A column asked for is missing, or quantities were asked for and the lines have none.
    """
    seen = visible(lines, as_of=as_of)
    names = seen.columns
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
    rows = settle(nw.concat([known, guests]))
    known = rows.filter(~nw.col("customer_id").is_null())
    first = known.filter(nw.col("is_purchase"))
    first = first.group_by("customer_id").agg(first_date=nw.col("order_date").min())
    rows = rows.join(first, on="customer_id", how="left")
    # A return in October of September's first purchase is no lost repeat sale.
    rows = rows.join(_sold_on(known), on=["customer_id", "of_order"], how="left")
    bought = nw.when(nw.col("is_return")).then(nw.coalesce("sold_on", "order_date"))
    bought = bought.otherwise(nw.col("order_date"))
    is_first = (bought == nw.col("first_date")).fill_null(False)
    rows = settle(rows.with_columns(is_first=is_first).drop("first_date", "sold_on", "is_return"))
    day, zero, guest = nw.col("order_date").dt, nw.lit(0.0), nw.col("customer_id").is_null()
    rows = rows.with_columns(
        month_index=day.year().cast(nw.Int64) * 12 + day.month().cast(nw.Int64) - 1,
        guest_revenue=nw.when(guest).then(nw.col("revenue")).otherwise(zero),
        first_revenue=nw.when(nw.col("is_first")).then(nw.col("revenue")).otherwise(zero),
        items=nw.when(nw.col("is_purchase") & ~guest).then(nw.col("items")).otherwise(zero),
        purchase=nw.col("of_order" if unit == "order" else "order_date"),
    )
    return SalesLines(rows, as_of, unit, observed_days(lines, as_of=as_of))


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
