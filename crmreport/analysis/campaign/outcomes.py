"""What every assigned customer did in a campaign's window: the one frame all effects come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import narwhals as nw
import pandas as pd
from narwhals.typing import IntoFrame

from crmreport.analysis.campaign.around import behaviour, purchases_around
from crmreport.analysis.campaign.as_assigned import Counting, as_assigned
from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.analysis.campaign.sent import ALL_SENT, REACTIONS, sent_rows
from crmreport.analysis.ledger import (
    PurchaseUnit,
    beside,
    days_between,
    money_decimals,
    settle,
    to_pandas,
)
from crmreport.analysis.observed import observed_days
from crmreport.errors import DataError

# Known of every customer before the day of sending.
BEFORE = ("revenue_before", "orders_before", "recency_days")
_MONEY = ("revenue", "revenue_before")
_COUNTS = ("orders", "orders_before", "purchases_before")


@dataclass(frozen=True)
class Outcomes:
    """Customers as assigned, with what they did.

    Attributes:
        frame: One row per assigned customer, lazily: ``customer_id``, ``arm``, ``treated`` (0/1),
            ``assigned_on``, ``complete`` (whether the window is over at ``followed_to``), ``delivered``,
            ``opened`` (by a person), ``machine_opened`` (by machines only), ``clicked``, ``unsubscribed``,
            ``converted`` (0/1), ``revenue``, ``orders`` (in the window, so far), ``revenue_before``,
            ``orders_before`` (in the ``before_days`` before), ``purchases_before`` (ever before),
            ``recency_days`` (from the last purchase before to the day of sending; blank without one), and
            the attributes.
        n_customers: Rows.
        n_several_arms: Customers found in more than one arm, left out.
        n_incomplete: Customers whose window is not over.
        attributes: Columns known before the campaign to look at effects by.
        sizes: Customers by arm, in order of its name.
        first_sent: First day of sending.
        last_sent: Last day a customer was sent to for the first time.
        measured: Which of ``delivered``, ``opened``, ``clicked``, ``unsubscribed`` some customer did; of
            the others nobody knows whether they were recorded.
        before_days: Days before the sending that ``revenue_before`` and ``orders_before`` look at.
        followed_to: Last day purchases are known of: the last visible day, or the last one with an order
            where the orders on file stop before it by more than the usual pause.
        several_arms: Ids of the customers left out because they are in more than one arm.
    """

    frame: nw.LazyFrame[Any]
    n_customers: int
    n_several_arms: int
    n_incomplete: int
    attributes: tuple[str, ...]
    sizes: dict[str, int]
    first_sent: date
    last_sent: date
    measured: tuple[str, ...]
    before_days: int
    followed_to: date
    several_arms: tuple[str, ...]


def outcomes(
    sends: IntoFrame,
    order_lines: IntoFrame,
    *,
    plan: CampaignPlan,
    as_of: date,
    attributes: IntoFrame | None = None,
    before_days: int = 180,
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
    assigned: pd.DataFrame | None = None,
) -> Outcomes:
    """One row per customer as assigned (intention to treat), whoever was reached, opened or bought.

    A customer is assigned on the day of the first send; of a step mail that is its first step. Purchases
    and reactions count from that day to ``window_days`` − 1 days later, none after ``as_of``; purchases
    follow the ledger's rules (returns taken off, guests left out). Customers of several arms are left
    out, counted. Opens made by machines only are no opens. A window that reaches beyond the orders on
    file is not over: what was bought in the rest of it is not known yet.

    Args:
        sends: Sends in canonical form, the held-out control among them; see
            :func:`crmreport.analysis.campaign.sent.sent_rows`.
        order_lines: Order lines, on the same engine as the sends.
        plan: The campaign.
        as_of: Last visible day.
        attributes: ``customer_id`` and columns known before the campaign, one row per customer.
        before_days: Days before the sending to look back at, 1 or more.
        unit: ``customer_day`` or ``order``.
        zero_value_counts: Whether lines worth 0 make a purchase.
        assigned: ``customer_id`` and ``arm`` of the customers to take, where a list tells; arms of the sends
            otherwise. Who is not in the sends was assigned on the middle day of those who are, and
            reacted to nothing.

    Returns:
        The customers; computed once.

    Raises:
        DataError: Nothing was sent by ``as_of``, a row lacks customer or arm, or ``attributes`` has a
            customer twice or the name of an outcome.

    Examples:
        >>> sends = pd.DataFrame({"customer_id": ["1", "2"], "arm": ["mail", "none"],
        ...                       "sent_on": pd.to_datetime(["2026-08-03", "2026-08-03"])})
        >>> lines = pd.DataFrame({"customer_id": ["1", "1"], "order_id": ["a", "b"], "revenue": [500.0, 70.0],
        ...                       "order_date": pd.to_datetime(["2026-08-05", "2026-07-04"])})
        >>> plan = CampaignPlan("c", "mail", date(2026, 8, 3), date(2026, 8, 3), control="none")
        >>> found = outcomes(sends, lines, plan=plan, as_of=date(2026, 9, 30))
        >>> found.sizes, to_pandas(found.frame.filter(nw.col("treated") == 1))["revenue"].tolist()
        ({'mail': 1, 'none': 1}, [500.0])
    """
    if before_days < 1:
        raise DataError(f"before_days is {before_days}; give 1 or more")
    held = {plan.campaign_id: plan.control}
    rows = sent_rows(sends, campaign_id=plan.campaign_id, as_of=as_of, controls=held)
    if plan.control is None:
        rows = rows.with_columns(nw.col("arm").fill_null(ALL_SENT))
    people = _people(rows)
    near = purchases_around(
        order_lines,
        people,
        day="assigned_on",
        as_of=as_of,
        unit=unit,
        zero_value_counts=zero_value_counts,
    )
    did = behaviour(near, window_days=plan.window_days, before_days=before_days)
    # Everything below and every effect is built on this frame, so lines and sends are read once.
    seen = observed_days(order_lines, as_of=as_of)
    followed_to = seen.last_day if seen.is_preliminary and seen.last_day is not None else as_of
    people = settle(_reactions(people, plan.window_days, followed_to).join(did, on="customer_id", how="left"))
    if assigned is not None:
        counted = Counting(
            window_days=plan.window_days,
            before_days=before_days,
            as_of=as_of,
            followed_to=followed_to,
            unit=unit,
            zero_value_counts=zero_value_counts,
        )
        people = settle(as_assigned(people, assigned, order_lines, counted))
    tally = _tally(people, plan.campaign_id)
    decimals = {c: money_decimals(tally[f"largest {c}"]) for c in _MONEY}
    frame = people.filter(nw.col("arm") == nw.col("last_arm")).with_columns(
        treated=(nw.col("arm") != nw.lit(plan.control or "")).cast(nw.Int64)
        if plan.control is not None
        else nw.lit(1),
        converted=(nw.col("orders").fill_null(0) > 0).cast(nw.Int64),
        **{c: nw.col(c).fill_null(0.0).round(decimals[c]) for c in _MONEY},
        **{c: nw.col(c).fill_null(0).cast(nw.Int64) for c in _COUNTS},
    )
    wanted = [
        *("customer_id", "arm", "treated", "assigned_on", "complete", *REACTIONS, "machine_opened"),
        *("converted", "revenue", "orders", *BEFORE, "purchases_before"),
    ]
    frame, names = frame.select(wanted), ()
    if attributes is not None:
        frame, names = _with_attributes(frame, attributes, taken=wanted)
    frame = settle(frame)
    return Outcomes(
        frame=frame,
        n_customers=sum(tally["sizes"].values()),
        n_several_arms=tally["several"],
        n_incomplete=tally["incomplete"],
        attributes=names,
        sizes=tally["sizes"],
        first_sent=tally["first"],
        last_sent=tally["last"],
        measured=tally["measured"],
        before_days=before_days,
        followed_to=followed_to,
        several_arms=_torn(people) if tally["several"] else (),
    )


def nobody(*, day: date, followed_to: date) -> Outcomes:
    """What a campaign has that was sent to nobody: no customers.

    Args:
        day: First day of the campaign.
        followed_to: Last day purchases are known of.
    """
    names = ("customer_id", "arm", "treated", *REACTIONS, "machine_opened", "converted", "revenue", "orders")
    frame = nw.from_native(pd.DataFrame({name: [] for name in names})).lazy()
    return Outcomes(
        frame=frame,
        n_customers=0,
        n_several_arms=0,
        n_incomplete=0,
        attributes=(),
        sizes={},
        first_sent=day,
        last_sent=day,
        measured=(),
        before_days=0,
        followed_to=followed_to,
        several_arms=(),
    )


def responses(found: Outcomes) -> pd.DataFrame:
    """What the customers of each arm did so far, as observed: no effect of anything.

    Returns:
        One row per arm, in order of its name: ``arm``, ``customers``, ``delivered``, ``opened``,
        ``clicked``, ``converted``, ``unsubscribed`` (customers; blank where nobody knows), ``revenue``,
        ``orders``.
    """
    counted = ("delivered", "opened", "clicked", "converted", "unsubscribed")
    table = to_pandas(
        found.frame.group_by("arm").agg(
            nw.len().alias("customers"), *[nw.col(c).sum() for c in (*counted, "revenue", "orders")]
        ),
        sort_by="arm",
    )
    for name in set(REACTIONS) - set(found.measured):
        table[name] = float("nan")
    return table


def _people(rows: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    days = [f"{what}_on" for what in (*REACTIONS, "machine_opened")]
    return (
        rows.with_columns(no_arm=nw.col("arm").is_null().cast(nw.Int64))
        .group_by("customer_id")
        .agg(
            nw.col("sent_on").min().alias("assigned_on"),
            nw.col("arm").min(),
            nw.col("arm").max().alias("last_arm"),
            nw.col("no_arm").sum(),
            *[nw.col(day).min() for day in days],
        )
    )


def _torn(people: nw.LazyFrame[Any]) -> tuple[str, ...]:
    torn = people.filter(nw.col("arm") != nw.col("last_arm")).select("customer_id")
    return tuple(to_pandas(torn, sort_by="customer_id")["customer_id"])


def _reactions(people: nw.LazyFrame[Any], window_days: int, followed_to: date) -> nw.LazyFrame[Any]:
    """Days of reactions made into 0/1: whether they came within the window."""
    ever = {
        what: (days_between("assigned_on", f"{what}_on") < window_days).fill_null(False)
        for what in (*REACTIONS, "machine_opened")
    }
    people = people.with_columns(**ever, today=nw.lit(followed_to)).with_columns(
        complete=days_between("assigned_on", "today") >= window_days - 1,
        machine_opened=nw.col("machine_opened") & ~nw.col("opened"),
    )
    return people.select(
        *("customer_id", "assigned_on", "arm", "last_arm", "no_arm", "complete"),
        *[nw.col(what).cast(nw.Int64) for what in ever],
    )


def _tally(people: nw.LazyFrame[Any], campaign_id: str) -> dict[str, Any]:
    alone = nw.col("arm") == nw.col("last_arm")
    sizes = {f"largest {c}": nw.col(c).abs() for c in _MONEY}
    table = to_pandas(
        people.with_columns(alone=alone, nobody=nw.col("customer_id").is_null().cast(nw.Int64), **sizes)
        .group_by("arm", "alone", "complete")
        .agg(
            nw.len().alias("customers"),
            *[nw.col(c).sum() for c in ("nobody", "no_arm", *REACTIONS, "machine_opened")],
            nw.col("assigned_on").min().alias("first"),
            nw.col("assigned_on").max().alias("last"),
            *[nw.col(name).max() for name in sizes],
        ),
        sort_by=["arm", "complete"],
    )
    if table.empty:
        raise DataError(
            f"campaign {campaign_id!r}: nothing was sent by the last visible day; check its id in the sends"
        )
    for column, what in (("nobody", "customer"), ("no_arm", "arm")):
        if n := int(table[column].sum()):
            raise DataError(f"campaign {campaign_id!r}: {n} rows of the sends lack the {what}; mend the list")
    alone = table[table["alone"]]
    return {
        "sizes": {str(arm): int(n) for arm, n in alone.groupby("arm")["customers"].sum().items()},
        "several": int(table.loc[~table["alone"], "customers"].sum()),
        "incomplete": int(alone.loc[~alone["complete"], "customers"].sum()),
        "first": table["first"].min().date(),
        "last": table["last"].max().date(),
        "measured": tuple(c for c in REACTIONS if alone[c].sum()),
        **{f"largest {c}": float(table[f"largest {c}"].fillna(0).max()) for c in _MONEY},
    }


def _with_attributes(
    frame: nw.LazyFrame[Any], attributes: IntoFrame, *, taken: Sequence[str]
) -> tuple[nw.LazyFrame[Any], tuple[str, ...]]:
    given = nw.from_native(attributes).lazy()
    names = tuple(c for c in given.collect_schema().names() if c != "customer_id")
    if clash := [c for c in names if c in taken]:
        raise DataError(f"attributes have a column {clash[0]!r}, which is an outcome; give it another name")
    given = given.select("customer_id", *[nw.col(c) for c in names])
    given = beside(given, frame)
    twice = given.group_by("customer_id").agg(nw.len().alias("rows")).filter(nw.col("rows") > 1)
    if n := int(to_pandas(twice.select(n=nw.len()))["n"].iloc[0]):
        raise DataError(f"{n} customers stand twice in the attributes; give one row each")
    return frame.join(given, on="customer_id", how="left"), names
