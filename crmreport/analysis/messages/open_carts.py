"""Carts still waiting: the customers a reminder may go to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import narwhals as nw
import pandas as pd
from narwhals.typing import IntoFrame

from crmreport.analysis.ledger import to_pandas
from crmreport.analysis.messages.web_events import ADDED, goods_column, names, purchases_of, users


@dataclass(frozen=True)
class OpenCarts:
    """Customers whose cart is still waiting.

    Attributes:
        as_of: Last visible day.
        since: First day of the carts looked at.
        value: Goods in the carts at list price; None where they have none.
        customers: Dearest first, then the latest: ``customer_id``, ``cart_date`` (last day something was
            put in), ``products`` (different ones), ``product`` (the name of one, where products have
            names), ``value`` (blank without prices).
    """

    as_of: date
    since: date
    value: float | None
    customers: pd.DataFrame


def open_carts(
    web_events: IntoFrame,
    *,
    as_of: date,
    order_lines: IntoFrame | None = None,
    products: IntoFrame | None = None,
    recovery_days: int = 30,
) -> OpenCarts:
    """List the customers who may still come back for what they put in the cart.

    Put in within the last ``recovery_days``, 24 hours or more ago, by a known customer who has bought
    nothing since, by any channel, not even on the day itself: whoever bought is not written to about it.

    Args:
        web_events: As for :func:`cart_abandonment`.
        as_of: Last visible day.
        order_lines: Purchases elsewhere.
        products: ``product_id``, and ``price`` and ``name`` where there are any.
        recovery_days: How far back carts are still worth a reminder; 1 or more.

    Raises:
        DataError: The events lack a column.
        ValueError: ``recovery_days`` is below 1.
    """
    if recovery_days < 1:
        raise ValueError(f"recovery_days is {recovery_days}; give 1 or more")
    events, _ = users(web_events, as_of)
    since = as_of - timedelta(days=recovery_days)
    latest = (
        purchases_of(events, order_lines, as_of).group_by("user").agg(last_bought=nw.col("bought_on").max())
    )
    added = (
        events.filter(nw.col("event") == ADDED, ~nw.col("customer_id").is_null())
        .filter(nw.col("event_date") >= nw.lit(since))
        .join(latest, on="user", how="left")
        .filter(nw.col("last_bought").is_null() | (nw.col("last_bought") < nw.col("event_date")))
        .with_columns(goods=nw.col("product_id") if "product_id" in names(events) else nw.lit(""))
    )
    when = added.group_by("customer_id").agg(cart_date=nw.col("event_date").max())
    when = when.filter(nw.col("cart_date") < nw.lit(as_of))
    goods = added.select("customer_id", "goods").unique()
    price, name = goods_column(products, "price"), goods_column(products, "name")
    if price is not None:
        goods = goods.join(price, left_on="goods", right_on="product_id", how="left")
    if name is not None:
        goods = goods.join(name, left_on="goods", right_on="product_id", how="left")
    told: dict[str, nw.Expr] = {"products": nw.col("goods").count()}
    if name is not None:
        told["product"] = nw.col("name").min()
    if price is not None:
        told["value"] = nw.col("price").sum()
    found = when.join(goods.group_by("customer_id").agg(**told), on="customer_id")
    people = to_pandas(found, sort_by="customer_id")
    if "value" not in people:
        people["value"] = float("nan")
    people = people.sort_values(
        ["value", "cart_date", "customer_id"], ascending=[False, False, True], ignore_index=True
    )
    columns = ["customer_id", "cart_date", "products", *(["product"] if name is not None else []), "value"]
    value = float(people["value"].sum()) if price is not None else None
    return OpenCarts(as_of, since, value, people[columns])
