"""Which campaign a report looks at in depth."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import narwhals as nw
from narwhals.typing import IntoFrame

from crmreport.analysis.campaign.as_sent import as_sent
from crmreport.analysis.campaign.exposure import drawn_by
from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.analysis.ledger import to_pandas
from crmreport.errors import ConfigError


def choose_campaign(
    plans: Sequence[CampaignPlan], sends: IntoFrame, *, since: date, as_of: date, campaign_id: str = ""
) -> CampaignPlan | None:
    """The campaign to look at: the one named, else the largest whose window ended in the period.

    Largest by customers assigned, those held out among them; of equal ones the later. Where no window
    ended in the period, the campaign that began last. Days are those described, or those it was sent on
    where these lie outside (see ``as_sent``). Campaigns sent to nobody (see ``Area``) have no
    customers: they are looked at when named, or where no other is there.

    Args:
        plans: The client's campaigns.
        sends: Sends in canonical form, of all campaigns.
        since: First day of the period.
        as_of: Last visible day.
        campaign_id: A campaign to look at whatever the period; empty to choose.

    Returns:
        A campaign of which something was sent by ``as_of``, or that began in its places; None where there is
        none.

    Raises:
        ConfigError: No campaign has the id.

    Examples:
        >>> import pandas as pd
        >>> plans = [CampaignPlan(name, "mail", date(2026, 9, day), date(2026, 9, day)) for name, day
        ...          in (("small", 1), ("large", 2), ("running", 20))]
        >>> sends = pd.DataFrame({"campaign_id": ["small", "large", "large", "running"],
        ...                       "customer_id": ["1", "1", "2", "3"], "arm": "mail",
        ...                       "sent_on": pd.to_datetime(["2026-09-01", "2026-09-02", "2026-09-02",
        ...                                                  "2026-09-20"])})
        >>> october = {"since": date(2026, 9, 1), "as_of": date(2026, 10, 10)}
        >>> choose_campaign(plans, sends, **october).campaign_id
        'large'
        >>> choose_campaign(plans, sends, since=date(2026, 9, 1), as_of=date(2026, 9, 25)).campaign_id
        'running'
    """
    known = {plan.campaign_id: plan for plan in plans}
    if campaign_id and campaign_id not in known:
        names = ", ".join(known) or "none; add it under campaigns: in client.yml"
        raise ConfigError(f"no campaign {campaign_id!r}; the known ones are {names}")
    drawn = drawn_by(sends, as_of=as_of).group_by("campaign_id").agg(nw.col("customer_id").n_unique())
    counted = to_pandas(drawn)
    sizes = dict(zip(counted["campaign_id"].astype(str), counted["customer_id"], strict=True))
    days = {plan.campaign_id: plan for plan in as_sent(plans, sends, as_of=as_of)}
    begun = [plan for plan in plans if plan.area is not None and plan.start <= as_of]
    sent = [plan for plan in plans if sizes.get(plan.campaign_id)]
    if campaign_id:
        return next((plan for plan in (*sent, *begun) if plan.campaign_id == campaign_id), None)
    ended = [plan for plan in sent if since <= days[plan.campaign_id].last_day <= as_of]
    if ended:
        return max(
            ended, key=lambda plan: (sizes[plan.campaign_id], days[plan.campaign_id].end, plan.campaign_id)
        )
    return max(sent or begun, key=lambda plan: (days[plan.campaign_id].start, plan.campaign_id), default=None)
