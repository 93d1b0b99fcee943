"""Who was assigned to which campaigns of a programme, and what each spent while these ran."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import narwhals as nw
import pandas as pd
from narwhals.typing import IntoFrame

from crmreport.analysis.campaign.as_sent import as_sent
from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.analysis.ledger import round_money, to_pandas, visible

NOT_ASSIGNED, HELD_OUT, SENT_TO = 0, 1, 2


@dataclass(frozen=True)
class Exposure:
    """Customers of a programme, each in every campaign at once.

    Attributes:
        roles: One row per customer, one column per campaign (its id): :data:`NOT_ASSIGNED`,
            :data:`HELD_OUT` or :data:`SENT_TO`.
        revenue: What each spent from the first day of her first campaign (the described start, or its
            first send where that was earlier) to the last day of the windows of all of hers (by the
            described end, or the last customer first sent to where that was later), net of returns; rows
            as in ``roles``.
    """

    roles: pd.DataFrame
    revenue: pd.Series


def window_end(plan: CampaignPlan, *, as_of: date) -> date:
    """Last day counted for the campaign's last customers, or ``as_of`` when that comes first.

    Examples:
        >>> plan = CampaignPlan("a", "mail", date(2026, 10, 1), date(2026, 10, 2), window_days=30)
        >>> window_end(plan, as_of=date(2026, 12, 31)), window_end(plan, as_of=date(2026, 10, 31))
        (datetime.date(2026, 10, 31), datetime.date(2026, 10, 31))
    """
    return min(plan.last_day, as_of)


def exposure(sends: IntoFrame, lines: IntoFrame, *, plans: Sequence[CampaignPlan], as_of: date) -> Exposure:
    """Roles and spending of everybody who was assigned to any of the campaigns.

    The window depends on which campaigns a customer was assigned to, never on her arms: among
    customers of the same campaigns, sent to and held out are counted over the same days.

    Args:
        sends: Rows of the assignments, the held-out among them: ``campaign_id``, ``customer_id``,
            ``arm``, ``sent_on``.
        lines: Order lines, on the same engine.
        plans: The campaigns; one at least.
        as_of: Last visible day.

    Examples:
        >>> plan = CampaignPlan("a", "mail", date(2026, 10, 1), date(2026, 10, 1), control="none")
        >>> sends = pd.DataFrame({"campaign_id": "a", "customer_id": ["1", "2"], "arm": ["mail", "none"],
        ...                       "sent_on": pd.to_datetime(["2026-10-01"] * 2)})
        >>> lines = pd.DataFrame({"customer_id": ["1", "1"], "order_id": ["x", "y"], "revenue": [5.0, 7.0],
        ...                       "order_date": pd.to_datetime(["2026-09-30", "2026-10-02"])})
        >>> found = exposure(sends, lines, plans=[plan], as_of=date(2026, 10, 31))
        >>> found.roles["a"].tolist(), found.revenue.tolist()
        ([2, 1], [7.0, 0.0])
    """
    plans = sorted(as_sent(plans, sends, as_of=as_of), key=lambda plan: (plan.start, plan.campaign_id))
    rows = drawn_by(sends, as_of=as_of)
    # Positions, not ids, name the columns: an id may be any text.
    names = [f"c{i}" for i in range(len(plans))]
    people = (
        rows.with_columns(**{name: _role(plan) for name, plan in zip(names, plans, strict=True)})
        .group_by("customer_id")
        .agg(*[nw.col(name).max() for name in names])
    )
    assigned = nw.any_horizontal(*[nw.col(name) > NOT_ASSIGNED for name in names], ignore_nulls=True)
    people = people.filter(assigned)
    first, last = nw.lit(plans[-1].start), nw.lit(plans[0].start)
    for name, plan in reversed(list(zip(names, plans, strict=True))):
        first = nw.when(nw.col(name) > NOT_ASSIGNED).then(nw.lit(plan.start)).otherwise(first)
    ends = [(window_end(plan, as_of=as_of), name) for name, plan in zip(names, plans, strict=True)]
    for end, name in sorted(ends):
        last = nw.when(nw.col(name) > NOT_ASSIGNED).then(nw.lit(end)).otherwise(last)
    spent = (
        visible(lines, as_of=as_of, since=plans[0].start)
        .filter(~nw.col("customer_id").is_null())
        .group_by("customer_id", "order_date")
        .agg(nw.col("revenue").sum())
        .join(people.select("customer_id", first=first, last=last), on="customer_id")
        .filter(nw.col("order_date") >= nw.col("first"), nw.col("order_date") <= nw.col("last"))
        .group_by("customer_id")
        .agg(nw.col("revenue").sum())
    )
    found = to_pandas(people.join(spent, on="customer_id", how="left"), sort_by="customer_id")
    money = round_money(found[["revenue"]].fillna(0.0).astype("float64"), "revenue")["revenue"]
    roles = found[names].astype("int8")
    return Exposure(roles.set_axis([plan.campaign_id for plan in plans], axis="columns"), money)


def drawn_by(sends: IntoFrame, *, as_of: date) -> nw.LazyFrame[Any]:
    """Rows of known customers drawn or sent to by ``as_of``: ``campaign_id``, ``customer_id``, ``arm``."""
    rows = nw.from_native(sends).lazy()
    rows = rows.filter(nw.col("sent_on").cast(nw.Date) <= as_of, ~nw.col("customer_id").is_null())
    return rows.select("campaign_id", "customer_id", "arm")


def _role(plan: CampaignPlan) -> nw.Expr:
    treated = nw.lit(SENT_TO)
    if plan.control is not None:
        treated = nw.when(nw.col("arm") == plan.control).then(nw.lit(HELD_OUT)).otherwise(nw.lit(SENT_TO))
    return nw.when(nw.col("campaign_id") == plan.campaign_id).then(treated).otherwise(nw.lit(NOT_ASSIGNED))
