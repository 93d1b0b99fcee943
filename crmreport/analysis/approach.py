"""Whom to approach now: good customers who are late, and first-time buyers in their best days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import narwhals as nw
import pandas as pd

from crmreport.analysis.ledger import (
    PurchaseUnit,
    days_before,
    purchases,
    round_money,
    settle,
    to_pandas,
    visible,
)
from crmreport.analysis.lifecycle import LifecycleStates, State
from crmreport.analysis.observed import first_day

Phase = Literal["early", "now", "late"]
PHASES: tuple[Phase, ...] = ("early", "now", "late")


@dataclass(frozen=True)
class ValuableAtRisk:
    """Good customers in a state between active and lapsed.

    Attributes:
        as_of: Last visible day.
        value_since: First day of the window the value is taken from.
        top_percent: The best so many percent count as good.
        cut: Smallest revenue in the window that is good; None when nobody has revenue.
        table: One row per state: state, customers, valuable_customers, valuable_share, valuable_revenue.
        customers: The good ones, dearest first: customer_id, state, last_date, recency_days, frequency,
            revenue.
    """

    as_of: date
    value_since: date | None
    top_percent: int
    cut: float | None
    table: pd.DataFrame
    customers: pd.DataFrame


def valuable_at_risk(
    states: LifecycleStates,
    *,
    top_percent: int = 20,
    at_risk: tuple[State, ...] = ("slipping", "dormant"),
) -> ValuableAtRisk:
    """Good customers who are late: those of the states at risk whose revenue reaches the cut.

    The cut is the smallest revenue such that at least 100 − ``top_percent`` % of the customers with
    revenue in the window lie at or below it (Hyndman–Fan type 1).

    Args:
        states: States of one day, with the revenue of the window.
        top_percent: 1 to 99.
        at_risk: States looked at.

    Raises:
        ValueError: top_percent is outside 1 to 99.
    """
    if not 1 <= top_percent <= 99:
        raise ValueError(f"top_percent is {top_percent}; give 1 to 99")
    spending = states.customers.filter(nw.col("revenue") > 0)
    amounts = to_pandas(spending.group_by("revenue").agg(customers=nw.len()), sort_by="revenue")
    below = amounts["customers"].cumsum()
    reached = below * 100 >= (100 - top_percent) * int(amounts["customers"].sum())
    cut = float(amounts.loc[reached, "revenue"].iloc[0]) if len(amounts) else None
    late = states.customers.filter(nw.col("state").is_in(at_risk)).drop("first_date")
    good = to_pandas(late.filter(nw.col("revenue") >= (cut if cut is not None else float("inf"))))
    good = good.sort_values(["revenue", "customer_id"], ascending=[False, True], ignore_index=True)
    by_state = good.groupby("state")["revenue"].agg(["size", "sum"])
    table = states.table.loc[states.table["state"].isin(at_risk), ["state", "customers"]].copy()
    table["valuable_customers"] = table["state"].map(by_state["size"]).fillna(0).astype("int64")
    share = table["valuable_customers"] / table["customers"]
    table["valuable_share"] = share.where(table["customers"] > 0)
    table["valuable_revenue"] = table["state"].map(by_state["sum"]).fillna(0.0)
    return ValuableAtRisk(
        as_of=states.as_of,
        value_since=states.value_since,
        top_percent=top_percent,
        cut=cut,
        table=table.reset_index(drop=True),
        customers=good[["customer_id", "state", "last_date", "recency_days", "frequency", "revenue"]],
    )


@dataclass(frozen=True)
class SecondPurchase:
    """When first-time buyers come back, and who stands in those days now.

    Attributes:
        as_of: Last visible day.
        from_day: 25th percentile of the days from first to second purchase.
        median_day: 50th percentile.
        to_day: 75th percentile. Half of all second purchases fall from from_day to to_day.
        n_second: Second purchases the percentiles are read from.
        n_waiting: Customers whose first purchase is at least to_day before as_of and who had not come
            back before from_day.
        n_came: Of these, second purchase on from_day to to_day.
        came_rate: n_came ÷ n_waiting; None without any.
        mean_second_revenue: Mean net revenue of a second purchase.
        maybe_earlier: Customers whose first purchase in the data falls into the burn-in; they may have
            bought before the data begin, so they are in no other number here.
        burn_in_days: Length of the burn-in.
        table: Customers with one purchase so far by phase: early (before from_day), now, late:
            phase, customers, expected_revenue (only now: customers × came_rate × mean_second_revenue).
        customers: Those of phase now, longest waiting first: customer_id, first_date, recency_days, revenue.
    """

    as_of: date
    from_day: int
    median_day: int
    to_day: int
    n_second: int
    n_waiting: int
    n_came: int
    came_rate: float | None
    mean_second_revenue: float
    maybe_earlier: int
    burn_in_days: int
    table: pd.DataFrame
    customers: pd.DataFrame


def second_purchase_window(
    lines: Any,
    *,
    as_of: date,
    burn_in_days: int = 0,
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
) -> SecondPurchase | None:
    """The days in which second purchases happen, and the one-time buyers who are in them.

    Args:
        lines: Order lines; any frame narwhals understands.
        as_of: Last visible day.
        burn_in_days: Customers first seen within so many days from the data's first day are left
            out, as by :func:`crmreport.analysis.entry_products.entry_products`: what looks like the
            first purchase of a customer of long standing is none. 0 takes everybody.
        unit: What one purchase is.
        zero_value_counts: Whether lines of value 0 make a purchase.

    Returns:
        The days and the buyers in them; None where nobody first seen after the burn-in has bought twice.

    Raises:
        ValueError: ``burn_in_days`` is below 0.
    """
    if burn_in_days < 0:
        raise ValueError(f"burn_in_days is {burn_in_days}; give 0 or more")
    bought = purchases(lines, as_of=as_of, unit=unit, zero_value_counts=zero_value_counts)
    order = ["purchase_date"] if unit == "customer_day" else ["purchase_date", "order_id"]
    both = bought.with_columns(
        next_date=nw.col("purchase_date").shift(-1).over("customer_id", order_by=order),
        next_revenue=nw.col("revenue").shift(-1).over("customer_id", order_by=order),
        earlier=nw.col("purchase_date").shift(1).over("customer_id", order_by=order),
    )
    seen = settle(both.filter(nw.col("earlier").is_null())).with_columns(
        days_ago=days_before(as_of, "purchase_date"), next_days_ago=days_before(as_of, "next_date")
    )
    begin = first_day(visible(lines, as_of=as_of)) or as_of
    is_new = nw.col("purchase_date") >= nw.lit(begin + timedelta(days=burn_in_days))
    firsts = seen.filter(is_new)
    came = firsts.filter(~nw.col("next_date").is_null()).with_columns(
        wait=nw.col("days_ago") - nw.col("next_days_ago")
    )
    counted = to_pandas(
        came.group_by("wait", "days_ago").agg(customers=nw.len(), revenue=nw.col("next_revenue").sum()),
        sort_by=["wait", "days_ago"],
    )
    counted = round_money(counted, "revenue")
    n_second = int(counted["customers"].sum())
    if n_second == 0:
        return None
    maybe_earlier = int(to_pandas(seen.filter(~is_new).select(n=nw.len()))["n"].iloc[0])
    waits = counted.groupby("wait")["customers"].sum().sort_index()

    def percentile(percent: int) -> int:
        return int(waits.index[waits.cumsum() * 100 >= percent * n_second][0])

    from_day, median_day, to_day = percentile(25), percentile(50), percentile(75)
    once = to_pandas(
        firsts.filter(nw.col("next_date").is_null()).select(
            "customer_id", "days_ago", "revenue", first_date=nw.col("purchase_date")
        )
    ).rename(columns={"days_ago": "recency_days"})
    once = round_money(once, "revenue")
    over = counted[counted["days_ago"] >= to_day]
    n_waiting = int(over.loc[over["wait"] >= from_day, "customers"].sum())
    n_waiting += int((once["recency_days"] >= to_day).sum())
    n_came = int(over.loc[over["wait"].between(from_day, to_day), "customers"].sum())
    came_rate = n_came / n_waiting if n_waiting else None
    mean_revenue = float(counted["revenue"].sum()) / n_second
    early, late = once["recency_days"] < from_day, once["recency_days"] > to_day
    now = once[~early & ~late]
    table = pd.DataFrame({"phase": list(PHASES), "customers": [int(early.sum()), len(now), int(late.sum())]})
    table["expected_revenue"] = [
        float("nan"),
        float("nan") if came_rate is None else len(now) * came_rate * mean_revenue,
        float("nan"),
    ]
    return SecondPurchase(
        as_of=as_of,
        from_day=from_day,
        median_day=median_day,
        to_day=to_day,
        n_second=n_second,
        n_waiting=n_waiting,
        n_came=n_came,
        came_rate=came_rate,
        mean_second_revenue=mean_revenue,
        maybe_earlier=maybe_earlier,
        burn_in_days=burn_in_days,
        table=table,
        customers=now.sort_values(
            ["recency_days", "customer_id"], ascending=[False, True], ignore_index=True
        )[["customer_id", "first_date", "recency_days", "revenue"]],
    )
