"""How often customers were written to: messages per customer over all campaigns together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import narwhals as nw
import pandas as pd
from narwhals.typing import IntoFrame

from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.analysis.ledger import to_pandas
from crmreport.analysis.messages.sent import messages

# Upper ends of the groups; the last one is open.
GROUPS: tuple[tuple[str, int, int | None], ...] = (
    ("1", 1, 1),
    ("2", 2, 2),
    ("3-4", 3, 4),
    ("5-9", 5, 9),
    ("10+", 10, None),
)


@dataclass(frozen=True)
class ContactPressure:
    """Messages per customer in a stretch of days.

    Attributes:
        table: One row per group of :data:`GROUPS` with anybody in it: ``messages`` (its name),
            ``customers``, ``customer_share``, ``sent`` (messages), ``sent_share``.
        n_customers: Customers sent anything.
        n_messages: Messages sent.
        mean: Messages per customer sent anything; nan when nobody was.
        largest: Most messages one customer was sent; 0 when nobody was.
        since: First day counted.
        as_of: Last day counted.
    """

    table: pd.DataFrame
    n_customers: int
    n_messages: int
    mean: float
    largest: int
    since: date
    as_of: date


def contact_pressure(
    sends: IntoFrame, *, plans: Sequence[CampaignPlan], since: date, as_of: date
) -> ContactPressure:
    """Messages per customer, over all channels and campaigns that have a plan.

    A message is one customer, step and day of a campaign, bounced or not and however often it is listed;
    rows of held-out customers are none. Customers who were sent nothing are not in the table. Campaigns
    without a plan are not counted: nobody knows which of their rows are the held-out.

    Args:
        sends: One row per message: ``campaign_id``, ``customer_id``, ``arm``, ``sent_on``.
        plans: The campaigns.
        since: First day counted.
        as_of: Last day counted.

    Examples:
        >>> plan = CampaignPlan("a", "mail", date(2026, 10, 1), date(2026, 10, 31), control="none")
        >>> sends = pd.DataFrame({"campaign_id": "a", "customer_id": ["1", "1", "2", "3"],
        ...     "arm": ["mail", "mail", "mail", "none"], "sent_on": pd.to_datetime(
        ...         ["2026-10-05", "2026-10-12", "2026-10-05", "2026-10-05"])})
        >>> found = contact_pressure(sends, plans=[plan], since=date(2026, 10, 1), as_of=date(2026, 10, 31))
        >>> found.table[["messages", "customers", "sent"]].to_numpy().tolist(), found.mean
        ([['1', 1, 1], ['2', 1, 2]], 1.5)
    """
    columns = ["messages", "customers", "customer_share", "sent", "sent_share"]
    each = pd.DataFrame({"n": [], "customers": []}, dtype="int64")
    if plans:
        rows = messages(
            sends,
            as_of=as_of,
            since=since,
            controls={plan.campaign_id: plan.control for plan in plans},
            campaigns=[plan.campaign_id for plan in plans],
        )
        people = rows.group_by("customer_id").agg(nw.len().alias("n"))
        each = to_pandas(people.group_by("n").agg(nw.len().alias("customers")), sort_by="n")
    each["sent"] = each["n"] * each["customers"]
    n_customers, n_messages = int(each["customers"].sum()), int(each["sent"].sum())
    found = []
    for name, low, high in GROUPS:
        inside = each[(each["n"] >= low) & (each["n"] <= (high or each["n"].max()))]
        customers, sent = int(inside["customers"].sum()), int(inside["sent"].sum())
        if customers:
            found.append((name, customers, customers / n_customers, sent, sent / n_messages))
    return ContactPressure(
        pd.DataFrame(found, columns=columns),
        n_customers,
        n_messages,
        n_messages / n_customers if n_customers else float("nan"),
        int(each["n"].max()) if n_customers else 0,
        since,
        as_of,
    )
