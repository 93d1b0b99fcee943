"""Whether a list is still being sent to: until that is over nobody is absent, and no arm has its size."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd

from crmreport.analysis.campaign.outcomes import Outcomes
from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.analysis.ledger import to_pandas

# A weekend, with the day before or after it.
_LEAST_PAUSE = 3


def still_sending(found: Outcomes, plan: CampaignPlan, *, as_of: date) -> bool:
    """Whether more customers of a list may be sent to after ``as_of``.

    Sending is over when nobody was sent to for longer than the campaign paused before, at least three days,
    after the described end or the last send seen, whichever is later: sends are put off. Waiting costs no
    answer, as windows run all the while; where they have all run out, sending is over.

    Args:
        found: Customers as logged.
        plan: The campaign.
        as_of: Last visible day.

    Returns:
        False of step mails and carts, which are sent to no list.
    """
    if plan.kind != "single" or (as_of >= plan.end and not found.n_incomplete):
        return False
    days = to_pandas(found.frame.select("assigned_on").unique(), sort_by="assigned_on")["assigned_on"]
    pauses = pd.to_datetime(days).diff().dt.days.dropna()
    pause = max(_LEAST_PAUSE, int(pauses.max()) if len(pauses) else 0)
    return as_of <= max(plan.end, found.last_sent) + timedelta(days=pause)
