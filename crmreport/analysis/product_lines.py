"""Order lines joined to what the product is: the frame every product analysis starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import narwhals as nw

from crmreport.analysis.ledger import PurchaseUnit, attributed, to_pandas, visible
from crmreport.errors import DataError


@dataclass(frozen=True, slots=True)
class Attribute:
    """One product column on one axis.

    Args:
        axis: Axis of CTB: ``category``, ``taste``, ``brand``, or the client's own.
        column: Column of the products table.
    """

    axis: str
    column: str


def axis_attributes(axes: Mapping[str, Sequence[str]]) -> list[Attribute]:
    """All product columns of the axes, in the order given.

    Raises:
        DataError: No axis has a column, or a column stands on two axes.

    Examples:
        >>> [a.column for a in axis_attributes({"category": ["major", "medium"], "brand": ["maker"]})]
        ['major', 'medium', 'maker']
    """
    found = [Attribute(axis, column) for axis, columns in axes.items() for column in columns]
    if not found:
        raise DataError("no CTB axis has a product column; map some under axes: in client.yml")
    columns = [a.column for a in found]
    for column in columns:
        if columns.count(column) > 1:
            raise DataError(f"product column {column!r} stands on two CTB axes; keep one of them")
    return found


def product_lines(
    lines: Any,
    products: Any,
    *,
    columns: Sequence[str],
    as_of: date,
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
) -> nw.LazyFrame:
    """Join visible order lines to product columns and mark the ones that are purchases.

    Args:
        lines: Order lines with ``product_id``; any frame narwhals understands.
        products: Products, one row per ``product_id``; of the same kind as ``lines``.
        columns: Product columns to bring along, as text; null or empty where not known.
        as_of: Last visible day.
        unit: What one purchase is.
        zero_value_counts: Whether an order worth nothing is a purchase.

    Returns:
        One row per visible line: ``customer_id``, ``order_id``, ``order_date``, ``revenue``,
        ``is_purchase`` (not a return, and its order counts as a purchase of a known customer),
        ``purchase`` (the purchase occasion: the day, or the order), and the columns.

    Raises:
        DataError: A column is missing, or a ``product_id`` stands in two rows.
    """
    known = attributed(lines, as_of=as_of, zero_value_counts=zero_value_counts)
    if "product_id" not in known.columns:
        raise DataError("order lines have no product_id; map it in client.yml to analyse products")
    goods = nw.from_native(products).lazy()
    names = goods.columns
    if missing := [c for c in ("product_id", *columns) if c not in names]:
        raise DataError(f"products have no column {missing[0]!r}; they have {', '.join(names)}")
    counted = goods.group_by("product_id").agg(rows=nw.len()).filter(nw.col("rows") > 1)
    twice = to_pandas(counted, sort_by="product_id")
    if len(twice):
        raise DataError(
            f"{len(twice)} product ids stand in several rows of products; first: "
            f"{twice['product_id'].iloc[0]!r}; keep one row each"
        )
    guests = visible(lines, as_of=as_of).filter(nw.col("customer_id").is_null())
    guests = guests.with_columns(is_purchase=nw.lit(False), of_order=nw.col("order_id"))
    purchase = nw.col("of_order" if unit == "order" else "order_date").alias("purchase")
    kept = (
        "customer_id", "order_id", "order_date", "revenue", "is_purchase", purchase,
        nw.col("product_id").cast(nw.String),
    )  # fmt: skip
    both = nw.concat([known.select(*kept), guests.select(*kept)])
    goods = goods.select(nw.col("product_id").cast(nw.String), *(_known_text(c) for c in columns))
    return both.join(goods, on="product_id", how="left").drop("product_id")


def _known_text(column: str) -> nw.Expr:
    text = nw.col(column).cast(nw.String)
    return nw.when(text != "").then(text).alias(column)
