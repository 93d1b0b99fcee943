"""Carts left behind: who put something in and did not buy within a day, and who came back for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import narwhals as nw
import pandas as pd
from narwhals.typing import IntoFrame

from crmreport.analysis.ledger import to_pandas
from crmreport.analysis.messages.web_events import ADDED, goods_column, names, purchases_of, users
from crmreport.analysis.observed import covers_from
from crmreport.analysis.proportions import wilson_interval
from crmreport.period import add_months

# Visitors come every day: a web log that is silent for longer has not been delivered to its end.
_QUIET_DAYS = 3
_BUY_HOURS = 24


@dataclass(frozen=True)
class CartAbandonment:
    """Users who put something in the cart, by month.

    A user stands in every month with a cart, with the first cart of that month.

    Attributes:
        as_of: Last visible day.
        followed_to: Last day known of: ``as_of``, or the day the web log ends.
        recovery_days: Days from the cart in which a purchase is a recovery.
        is_priced: Whether what was put in the carts has prices.
        n_unknown: Cart events of nobody known (neither customer nor visitor); in no other number.
        n_linked: Visitors known to be one customer from their other events.
        table: One row per month that the log covers: ``month`` (its first day), ``users`` (with a cart
            whose 24 hours are over), ``users_open`` (the others), ``bought`` (within 24 hours),
            ``abandoned``, ``abandonment_rate``; ``followed`` (abandoned, their days for a recovery over),
            ``recovered``, ``recovery_rate``; rates with ``…_low`` and ``…_high`` (Wilson, 95 %);
            ``abandoned_value`` (goods in the abandoned carts at list price; blank without prices);
            ``is_preliminary`` (24 hours not over for all carts of the month) and
            ``recovery_preliminary`` (days not over for all abandoned).
    """

    as_of: date
    followed_to: date | None
    recovery_days: int
    is_priced: bool
    n_unknown: int
    n_linked: int
    table: pd.DataFrame


def cart_abandonment(
    web_events: IntoFrame,
    *,
    as_of: date,
    order_lines: IntoFrame | None = None,
    products: IntoFrame | None = None,
    since: date | None = None,
    recovery_days: int = 30,
) -> CartAbandonment:
    """Count carts left behind and recovered, by month (METRICS §8).

    Cart abandonment = users who put something in the cart and did not buy within 24 hours ÷ users who
    put something in. Recovery = of these, those who bought within ``recovery_days`` of the cart. A user
    is the customer, else the visitor; a visitor seen as one customer only is that customer, or a cart
    filled before logging in would look abandoned. Who did not buy by 24 hours after ``as_of`` is not
    known; such users are counted apart.

    Args:
        web_events: Events with ``at`` (instant), ``event_date`` (day in the client's zone), ``event``
            (``cart`` and ``purchase`` are used), ``customer_id`` and/or ``visitor_id``, and for values
            ``product_id``. Any frame narwhals understands.
        as_of: Last visible day.
        order_lines: Purchases elsewhere (a shop, the phone) count too; with ``ordered_at``.
        products: ``product_id`` and ``price``, to value the carts.
        since: First day of the carts looked at.
        recovery_days: Days from the cart in which a purchase recovers it; 1 or more.

    Raises:
        DataError: The events lack a column.
        ValueError: ``recovery_days`` is below 1.
    """
    if recovery_days < 1:
        raise ValueError(f"recovery_days is {recovery_days}; give 1 or more")
    events, n_linked = users(web_events, as_of)
    span = to_pandas(events.select(first=nw.col("event_date").min(), last=nw.col("event_date").max()))
    first, last = (pd.Timestamp(d).date() if pd.notna(d) else None for d in span.iloc[0])
    late = last is not None and last + timedelta(days=_QUIET_DAYS) < as_of
    followed_to = last if late or last is None else as_of
    added = events.filter(nw.col("event") == ADDED)
    if since is not None:
        added = added.filter(nw.col("event_date") >= nw.lit(since))
    n_unknown = int(to_pandas(added.filter(nw.col("user").is_null()).select(n=nw.len()))["n"].iloc[0])
    months = nw.col("event_date").dt.year().cast(nw.Int64) * 12 + nw.col("event_date").dt.month() - 1
    added = added.filter(~nw.col("user").is_null()).with_columns(months=months)
    carts = added.group_by("user", "months").agg(
        cart_at=nw.col("at").min(), cart_on=nw.col("event_date").min()
    )
    carts = _with_purchase(carts, purchases_of(events, order_lines, as_of), recovery_days)
    values = _values(added, carts, products)
    if values is not None:
        carts = carts.join(values, on=["user", "months"], how="left")
    sums = {"users": nw.len(), "bought": nw.col("bought").sum(), "back": nw.col("back").sum()}
    if values is not None:
        carts = carts.with_columns(lost_value=nw.col("value").fill_null(0.0) * (1 - nw.col("bought")))
        sums["lost_value"] = nw.col("lost_value").sum()
    daily = to_pandas(carts.group_by("months", "cart_on").agg(**sums), sort_by=["months", "cart_on"])
    table = _monthly(daily, first=first, followed_to=followed_to or as_of, recovery_days=recovery_days)
    return CartAbandonment(
        as_of=as_of,
        followed_to=followed_to,
        recovery_days=recovery_days,
        is_priced=values is not None,
        n_unknown=n_unknown,
        n_linked=n_linked,
        table=table,
    )


def _with_purchase(
    carts: nw.LazyFrame[Any], bought: nw.LazyFrame[Any], recovery_days: int
) -> nw.LazyFrame[Any]:
    """Carts with ``bought`` (within 24 hours) and ``back`` (later, within the days for a recovery), 0/1."""
    key = ["user", "months"]
    end = nw.col("cart_at").dt.offset_by(f"{recovery_days * 24}h")
    soon = nw.col("first_at") <= nw.col("cart_at").dt.offset_by(f"{_BUY_HOURS}h")
    first = (
        carts.join(bought, on="user")
        .filter(nw.col("bought_at") >= nw.col("cart_at"), nw.col("bought_at") <= end)
        .group_by(*key)
        .agg(first_at=nw.col("bought_at").min())
    )
    joined = carts.join(first, on=key, how="left")
    soon = soon.fill_null(False)
    later = ~nw.col("first_at").is_null() & ~soon
    return joined.with_columns(bought=soon.cast(nw.Int64), back=later.cast(nw.Int64))


def _values(
    added: nw.LazyFrame[Any], carts: nw.LazyFrame[Any], products: IntoFrame | None
) -> nw.LazyFrame[Any] | None:
    """List price of the different goods put in during the cart's 24 hours; None without prices."""
    price = goods_column(products, "price")
    if price is None or "product_id" not in names(added):
        return None
    key = ["user", "months"]
    goods = added.select(*key, "product_id", "at").join(carts.select(*key, "cart_at"), on=key)
    within = nw.col("at") <= nw.col("cart_at").dt.offset_by(f"{_BUY_HOURS}h")
    goods = goods.filter(within).select(*key, "product_id").unique()
    return goods.join(price, on="product_id").group_by(*key).agg(value=nw.col("price").sum())


def _monthly(
    daily: pd.DataFrame, *, first: date | None, followed_to: date, recovery_days: int
) -> pd.DataFrame:
    """Sums by month, the users whose days are not over apart."""
    day = daily["cart_on"].dt.date
    over = day < followed_to
    matured = day <= followed_to - timedelta(days=recovery_days)
    rows = pd.DataFrame(
        {
            "months": daily["months"],
            "users": daily["users"].where(over, 0),
            "users_open": daily["users"].where(~over, 0),
            "bought": daily["bought"].where(over, 0),
            "followed": (daily["users"] - daily["bought"]).where(matured, 0),
            "recovered": daily["back"].where(matured, 0),
            "abandoned_value": daily["lost_value"].where(over, 0.0)
            if "lost_value" in daily
            else float("nan"),
        }
    )
    table = rows.groupby("months", as_index=False).sum(min_count=1)
    starts = [date(int(m) // 12, int(m) % 12 + 1, 1) for m in table["months"]]
    table["month"] = pd.to_datetime(pd.Series(starts, dtype="object"))
    counts = ["users", "users_open", "bought", "followed", "recovered"]
    table[counts] = table[counts].astype("int64")
    # A month the log does not cover from its first week has too few carts to stand beside the others.
    table = table[[covers_from(first, start) for start in starts]].reset_index(drop=True)
    table["abandoned"] = table["users"] - table["bought"]
    for rate, part, whole in (
        ("abandonment_rate", "abandoned", "users"),
        ("recovery_rate", "recovered", "followed"),
    ):
        table[rate] = (table[part] / table[whole]).where(table[whole] > 0)
        table[f"{rate}_low"], table[f"{rate}_high"] = wilson_interval(table[part], table[whole])
    ends = [add_months(start.date(), 1) - timedelta(days=1) for start in table["month"]]
    table["is_preliminary"] = [followed_to <= end for end in ends]
    table["recovery_preliminary"] = [followed_to - timedelta(days=recovery_days) < end for end in ends]
    return table[
        [
            "month", "users", "users_open", "bought", "abandoned", "abandonment_rate",
            "abandonment_rate_low", "abandonment_rate_high", "followed", "recovered", "recovery_rate",
            "recovery_rate_low", "recovery_rate_high", "abandoned_value", "is_preliminary",
            "recovery_preliminary",
        ]
    ]  # fmt: skip
