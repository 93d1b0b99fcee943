"""What customers bought around a day of their own: in the days from it on, and before it."""

from __future__ import annotations

from datetime import date
from typing import Any

import narwhals as nw
from narwhals.typing import IntoFrame

from crmreport.analysis.ledger import PurchaseUnit, days_between, purchases


def purchases_around(
    order_lines: IntoFrame,
    people: nw.LazyFrame[Any],
    *,
    day: str,
    as_of: date,
    unit: PurchaseUnit,
    zero_value_counts: bool,
) -> nw.LazyFrame[Any]:
    """Purchases of these people, each with the whole days from the person's own day to it.

    Args:
        order_lines: Order lines, on the same engine (and connection) as ``people``.
        people: ``customer_id`` and the column named by ``day``, one row per customer.
        day: Column of the date the days are counted from.
        as_of: Last visible day.
        unit: What one purchase is.
        zero_value_counts: Whether lines worth 0 make a purchase.

    Returns:
        ``customer_id``, ``revenue``, ``days`` (0 on the day, below 0 before it), a row per purchase.
    """
    lines = nw.from_native(order_lines).lazy()
    # Only these people's lines: the rules for returns look at whole orders, so at whole customers.
    theirs = lines.join(people.select("customer_id"), on="customer_id", how="semi")
    bought = purchases(theirs.to_native(), as_of=as_of, unit=unit, zero_value_counts=zero_value_counts)
    return (
        bought.select("customer_id", "purchase_date", "revenue")
        .join(people.select("customer_id", day), on="customer_id")
        .select("customer_id", "revenue", days=days_between(day, "purchase_date"))
    )


def behaviour(near: nw.LazyFrame[Any], *, window_days: int, before_days: int) -> nw.LazyFrame[Any]:
    """One row per customer of :func:`purchases_around`.

    Returns:
        ``customer_id``, ``revenue`` and ``orders`` (days 0 to ``window_days`` − 1), ``revenue_before`` and
        ``orders_before`` (the ``before_days`` before day 0), ``purchases_before`` (ever before),
        ``recency_days`` (from the last purchase before day 0; null without one).
    """
    days, zero = nw.col("days"), nw.lit(0.0)
    inside = (days >= 0) & (days < window_days)
    shortly = (days < 0) & (days >= -before_days)
    return (
        near.with_columns(
            in_window=nw.when(inside).then(nw.col("revenue")).otherwise(zero),
            orders=inside.cast(nw.Int64),
            revenue_before=nw.when(shortly).then(nw.col("revenue")).otherwise(zero),
            orders_before=shortly.cast(nw.Int64),
            purchases_before=(days < 0).cast(nw.Int64),
            since=nw.when(days < 0).then(-days).cast(nw.Float64),
        )
        .group_by("customer_id")
        .agg(
            nw.col("in_window").sum().alias("revenue"),
            *[nw.col(c).sum() for c in ("orders", "revenue_before", "orders_before", "purchases_before")],
            nw.col("since").min().alias("recency_days"),
        )
    )
