"""Whom to offer a kind of product to: who buys goods that come in this kind and has never bought it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import narwhals as nw
import pandas as pd

from crmreport.analysis.ledger import (
    PurchaseUnit,
    customer_totals,
    days_before,
    money_decimals,
    settle,
    to_pandas,
)
from crmreport.analysis.product_lines import product_lines


@dataclass(frozen=True)
class KindProspects:
    """Customers who bought goods that come in a kind (a refill, a set) and never the kind itself.

    Attributes:
        column: Product column that tells the kinds apart.
        value: The kind.
        like: Product columns in which goods of the kind and their counterparts agree; none: any goods.
        as_of: Last visible day.
        since: First day of the window.
        late_days: Days since the last purchase from which a customer is late.
        goods: Products outside the kind that count: those with a counterpart in it.
        table: Two rows, ``due`` and ``late`` (last purchase of anything ``late_days`` or more ago):
            group, customers, revenue (net, on those goods in the window).
        customers: Those due, dearest first: customer_id, goods_date (last purchase of such goods in the
            window), product (the name of one of them, where products have names), last_date,
            recency_days, revenue.
    """

    column: str
    value: str
    like: tuple[str, ...]
    as_of: date
    since: date
    late_days: int
    goods: int
    table: pd.DataFrame
    customers: pd.DataFrame


def kind_prospects(
    lines: Any,
    products: Any,
    *,
    value: str,
    column: str = "kind",
    like: Sequence[str] = (),
    as_of: date,
    since: date,
    late_days: int,
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
) -> KindProspects:
    """List who bought in the window goods that come in a kind, and has never bought the kind.

    A product is a counterpart of a product of the kind when both agree in all columns of ``like``
    (nothing known agrees with nothing known).

    Args:
        lines: Order lines with ``product_id``; any frame narwhals understands.
        products: Products, of the same kind as ``lines``.
        value: The kind offered, such as ``refill``.
        column: Product column that tells the kinds apart.
        like: Columns that make two products the same but for the kind; empty: any product counts.
            ``column`` itself is passed over, for in it they differ.
        as_of: Last visible day.
        since: First day of the window.
        late_days: Days since the last purchase from which a customer is better won back first.
        unit: What one purchase is.
        zero_value_counts: Whether a line worth nothing makes a purchase.

    Raises:
        DataError: A column is missing.
        ValueError: ``late_days`` is below 1.
    """
    if late_days < 1:
        raise ValueError(f"late_days is {late_days}; give 1 or more")
    like = [name for name in like if name != column]
    rules: dict[str, Any] = {"as_of": as_of, "unit": unit, "zero_value_counts": zero_value_counts}
    goods = nw.from_native(products).lazy()
    names = ["name"] if "name" in goods.columns else []
    columns = list(dict.fromkeys([column, *like, *names]))
    joined = product_lines(lines, products, columns=columns, **rules)
    joined = joined.filter(~nw.col("customer_id").is_null())
    in_kind = nw.col(column).fill_null("") == value
    alike = [nw.col(name).cast(nw.String).fill_null("").alias(f"like_{name}") for name in like]
    keys = [f"like_{name}" for name in like]
    goods = goods.with_columns(nw.col(column).cast(nw.String), *alike)
    wanted = goods.filter(in_kind).select("product_id", *keys)
    counterparts = goods.filter(~in_kind)
    bought = joined.filter(~in_kind, nw.col("order_date") >= nw.lit(since))
    if keys:
        bought = bought.with_columns(*alike)
        counterparts = counterparts.join(wanted.select(*keys).unique(), on=keys, how="semi")
        bought = bought.join(wanted.select(*keys).unique(), on=keys, how="semi")
    had = joined.filter(in_kind, nw.col("is_purchase")).select("customer_id").unique()
    never = settle(bought.join(had, on="customer_id", how="anti"))
    latest = (
        never.filter(nw.col("is_purchase")).group_by("customer_id").agg(goods_date=nw.col("order_date").max())
    )
    spent = never.group_by("customer_id").agg(nw.col("revenue").sum())
    totals = settle(customer_totals(lines, **rules).select("customer_id", "last_date")).with_columns(
        recency_days=days_before(as_of, "last_date")
    )
    found = latest.join(spent, on="customer_id").join(totals, on="customer_id")
    if names:
        on_day = never.filter(nw.col("is_purchase")).join(latest, on="customer_id")
        on_day = on_day.filter(nw.col("order_date") == nw.col("goods_date"))
        named = on_day.group_by("customer_id").agg(product=nw.col("name").min())
        found = found.join(named, on="customer_id", how="left")
    people = to_pandas(found, sort_by="customer_id")
    decimals = money_decimals(float(people["revenue"].abs().max()) if len(people) else 0.0)
    people["revenue"] = people["revenue"].round(decimals)
    late = people["recency_days"] >= late_days
    table = pd.DataFrame(
        {
            "group": ["due", "late"],
            "customers": [int((~late).sum()), int(late.sum())],
            "revenue": [float(people.loc[each, "revenue"].sum()) for each in (~late, late)],
        }
    )
    due = people[~late].sort_values(["revenue", "customer_id"], ascending=[False, True], ignore_index=True)
    listed = ["customer_id", "goods_date", *(["product"] if names else []), "last_date", "recency_days"]
    return KindProspects(
        column=column,
        value=value,
        like=tuple(like),
        as_of=as_of,
        since=since,
        late_days=late_days,
        goods=int(to_pandas(counterparts.select(n=nw.len()))["n"].iloc[0]),
        table=table,
        customers=due[[*listed, "revenue"]],
    )
