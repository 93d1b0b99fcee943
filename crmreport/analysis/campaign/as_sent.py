"""On which days a campaign was really sent, where its log says otherwise than its description."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import narwhals as nw
from narwhals.typing import IntoFrame

from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.analysis.campaign.sent import sent_rows
from crmreport.analysis.ledger import to_pandas


def as_sent(plans: Sequence[CampaignPlan], sends: IntoFrame, *, as_of: date) -> list[CampaignPlan]:
    """Campaigns with their days widened to those on which customers were first sent to.

    What is known of customers before a campaign must be older than all it did, its money counts from the
    first day it could have made any to the end of the last customer's window, and it belongs to the
    months it was sent in: a slip of the described days, or a sending put off, may not change that. Days
    within those described move nothing. A later step of a customer begins no window and moves nothing.

    Args:
        plans: The campaigns as described.
        sends: Sends of all campaigns, held-out customers among them: ``campaign_id``, ``customer_id``, and
            ``sent_on`` or ``sent_at``.
        as_of: Last visible day.

    Returns:
        The campaigns in the order given; one without a send as it is.

    Examples:
        >>> plan = CampaignPlan("a", "mail", date(2026, 10, 12), date(2026, 10, 12))
        >>> import pandas as pd
        >>> days = pd.to_datetime(["2026-10-02", "2026-10-12", "2026-10-14"])
        >>> sends = pd.DataFrame({"campaign_id": "a", "customer_id": ["1", "2", "3"], "sent_on": days})
        >>> [found] = as_sent([plan], sends, as_of=date(2026, 10, 31))
        >>> found.start.isoformat(), found.end.isoformat()
        ('2026-10-02', '2026-10-14')
    """
    days = days_sent(sends, as_of=as_of)
    return [_widened(plan, *days.get(plan.campaign_id, (plan.start, plan.end))) for plan in plans]


def days_sent(sends: IntoFrame, *, as_of: date) -> dict[str, tuple[date, date]]:
    """Campaign → first and last day a customer was first sent to, by ``as_of``; see :func:`as_sent`."""
    rows = sent_rows(sends, campaign_id=None, as_of=as_of).select("campaign_id", "customer_id", "sent_on")
    entered = rows.group_by("campaign_id", "customer_id").agg(nw.col("sent_on").min())
    spans = entered.group_by("campaign_id").agg(
        nw.col("sent_on").min().alias("first"), nw.col("sent_on").max().alias("last")
    )
    found = to_pandas(spans, sort_by="campaign_id")
    return {
        str(name): (first.date(), last.date())
        for name, first, last in found[["campaign_id", "first", "last"]].itertuples(index=False)
    }


def _widened(plan: CampaignPlan, first: date, last: date) -> CampaignPlan:
    return replace(plan, start=min(plan.start, first), end=max(plan.end, last))
