"""The customers of a list that was drawn, where a campaign's sends leave some of them out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import narwhals as nw
import pandas as pd
from narwhals.typing import IntoFrame

from crmreport.analysis.campaign.around import behaviour
from crmreport.analysis.campaign.sent import REACTIONS
from crmreport.analysis.ledger import PurchaseUnit, beside, days_between, purchases, settle, to_pandas


@dataclass(frozen=True)
class Counting:
    """How what customers did is counted.

    Attributes:
        window_days: Days counted, that of the assignment the first.
        before_days: Days before the assignment to look back at.
        as_of: Last visible day.
        followed_to: Last day purchases are known of.
        unit: What one purchase is.
        zero_value_counts: Whether lines worth 0 make a purchase.
    """

    window_days: int
    before_days: int
    as_of: date
    followed_to: date
    unit: PurchaseUnit
    zero_value_counts: bool


def as_assigned(
    people: nw.LazyFrame[Any], assigned: pd.DataFrame, order_lines: IntoFrame, how: Counting
) -> nw.LazyFrame[Any]:
    """The customers of a list with its arms, and what those did who are not in the sends.

    Whoever is not in the sends was assigned on the middle day of those who are, and reacted to nothing.

    Args:
        people: Customers of the sends: ``customer_id``, ``assigned_on``, ``arm``, ``last_arm``, ``no_arm``,
            ``complete``, reactions and what they did; computed already.
        assigned: ``customer_id`` and ``arm`` of the list.
        order_lines: Order lines, on the same engine.
        how: How purchases are counted.

    Returns:
        The columns of ``people``, one row per customer of the list.
    """
    known = to_pandas(people.select("customer_id", "assigned_on"), sort_by="assigned_on")
    day = known["assigned_on"].iloc[(len(known) - 1) // 2].date()
    absent = assigned.loc[~assigned["customer_id"].isin(known["customer_id"]), "customer_id"].tolist()
    theirs = nw.from_native(order_lines).lazy().filter(nw.col("customer_id").is_in(absent))
    bought = purchases(
        theirs.to_native(), as_of=how.as_of, unit=how.unit, zero_value_counts=how.zero_value_counts
    )
    near = bought.with_columns(day=nw.lit(day)).select(
        "customer_id", "revenue", days=days_between("day", "purchase_date")
    )
    did = behaviour(near, window_days=how.window_days, before_days=how.before_days)
    numbers = [c for c in did.collect_schema().names() if c != "customer_id"]
    # Settled, as the people are: frames of two connections cannot be joined.
    did = settle(did.select("customer_id", *[nw.col(c).alias(f"their_{c}") for c in numbers]))
    ever = [*REACTIONS, "machine_opened"]
    whole = how.window_days <= (how.followed_to - day).days + 1
    listed = beside(nw.from_native(assigned[["customer_id", "arm"]]).lazy(), people)
    return (
        listed.join(people.drop("arm", "last_arm"), on="customer_id", how="left")
        .join(did, on="customer_id", how="left")
        .select(
            "customer_id",
            nw.col("assigned_on").fill_null(nw.lit(day)),
            "arm",
            nw.col("arm").alias("last_arm"),
            *[nw.col(c).fill_null(0) for c in ("no_arm", *ever)],
            nw.col("complete").fill_null(whole),
            *[nw.coalesce(nw.col(c), nw.col(f"their_{c}")).alias(c) for c in numbers],
        )
    )
