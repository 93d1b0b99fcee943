"""When a campaign really began: its described start, or its first send where that was earlier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import narwhals as nw
from narwhals.typing import IntoFrame

from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.analysis.campaign.sent import sent_rows
from crmreport.analysis.ledger import to_pandas


def begun(plans: Sequence[CampaignPlan], sends: IntoFrame, *, as_of: date) -> list[CampaignPlan]:
    """Campaigns with the start moved to the first send, where a send is dated before the described start.

    What is known of customers before a campaign must be older than all it did, and its money counts from
    the first day it could have made any: a slip of the described date may not change either. A send later
    than described moves nothing.

    Args:
        plans: The campaigns as described.
        sends: Sends of all campaigns, held-out customers among them: ``campaign_id``, ``customer_id``, and
            ``sent_on`` or ``sent_at``.
        as_of: Last visible day.

    Returns:
        The campaigns in the order given.

    Examples:
        >>> plan = CampaignPlan("a", "mail", date(2026, 10, 12), date(2026, 10, 12))
        >>> import pandas as pd
        >>> days = pd.to_datetime(["2026-10-02", "2026-10-12"])
        >>> sends = pd.DataFrame({"campaign_id": "a", "customer_id": ["1", "2"], "sent_on": days})
        >>> [found.start.isoformat() for found in begun([plan], sends, as_of=date(2026, 10, 31))]
        ['2026-10-02']
    """
    rows = sent_rows(sends, campaign_id=None, as_of=as_of)
    rows = rows.filter(nw.col("campaign_id").is_in([plan.campaign_id for plan in plans]))
    found = to_pandas(rows.group_by("campaign_id").agg(nw.col("sent_on").min()), sort_by="campaign_id")
    first = {str(name): day.date() for name, day in zip(found["campaign_id"], found["sent_on"], strict=True)}
    return [replace(p, start=min(p.start, first.get(p.campaign_id, p.start))) for p in plans]
