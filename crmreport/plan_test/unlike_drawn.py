"""Whether the send log says of a campaign what was drawn for it, as the evaluation will look at it."""

from __future__ import annotations

from datetime import date

import narwhals as nw
import pandas as pd
from narwhals.typing import IntoFrame

from crmreport.analysis.campaign.as_planned import NOT_AS_PLANNED_LIMIT, as_planned
from crmreport.analysis.ledger import to_pandas
from crmreport.config_campaigns import Campaign


def unlike_drawn(
    sends: IntoFrame, campaign: Campaign, drawn: pd.DataFrame, *, last_day: date | None = None
) -> str | None:
    """How the log of a campaign departs from the list that was drawn for it; None where it does not.

    Nobody is absent before the described last day of sending, nor where nothing was sent yet. From then on
    those missing are told at once, though the evaluation waits some days more for sendings put off: a list
    that was cut short is best mended now.

    Args:
        sends: The send log of all campaigns: ``campaign_id``, ``customer_id``, ``arm``, ``sent_on``.
        campaign: The campaign, which has a control.
        drawn: ``customer_id`` and ``arm`` as drawn, one row per customer.
        last_day: Last day with an order; sendings on it or later count as sent by then too.
    """
    log = nw.from_native(sends).lazy()
    days = to_pandas(log.select(nw.col("sent_on").max()))["sent_on"].dropna()
    known = [*([last_day] if last_day else []), *(pd.Timestamp(day).date() for day in days)]
    people = to_pandas(
        log.filter(nw.col("campaign_id") == campaign.id)
        .group_by("customer_id")
        .agg(nw.col("arm").min(), nw.col("arm").max().alias("last_arm")),
        sort_by="customer_id",
    )
    if people.empty:
        return None
    torn = people["arm"] != people["last_arm"]
    found = as_planned(
        people.loc[~torn, ["customer_id", "arm"]],
        drawn,
        control=str(campaign.control),
        several=set(people.loc[torn, "customer_id"]),
        finished=max(known) >= campaign.end,
        by_list=campaign.kind == "single",
    )
    if not found.n_otherwise:
        return None
    arm, share = found.worst_arm
    of_arm = f", {share:.1%} of the arm {arm!r}" if share > NOT_AS_PLANNED_LIMIT else ""
    return (
        f"campaign {campaign.id!r}: {len(drawn):,} customers were drawn, but not all sent so: "
        f"{found.n_moved:,} in another arm, {found.n_uninvited:,} not drawn, "
        f"{found.n_absent:,} drawn and absent from the log "
        f"({found.share:.1%}{of_arm}; above {NOT_AS_PLANNED_LIMIT:.0%} it cannot be judged)"
    )
