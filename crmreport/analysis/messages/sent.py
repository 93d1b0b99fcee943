"""The frame every analysis of messages starts from: one row per message, and what became of it.

What delivered and opened mean is said in :mod:`crmreport.analysis.campaign.sent`, for verdicts too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

import narwhals as nw
from narwhals.typing import IntoFrame

from crmreport.analysis.campaign.sent import REACTIONS, sent_rows, was_sent
from crmreport.analysis.ledger import require_columns

NEEDED = ("campaign_id", "customer_id", "arm", "sent_on")
OTHER = "other"
"""Channel of a campaign nobody described."""


def messages(
    sends: IntoFrame,
    *,
    as_of: date,
    since: date | None = None,
    controls: Mapping[str, str | None] | None = None,
    campaigns: Collection[str] | None = None,
) -> nw.LazyFrame[Any]:
    """One row per message: campaign, customer, step and day of sending.

    Args:
        sends: Sends, the held-out control among them; any frame narwhals understands. ``sent_on`` and
            the days of the responses (``delivered_on``, ``opened_on``, ``clicked_on``,
            ``unsubscribed_on``) are days in the client's zone; a day that is not there was not recorded.
        as_of: Last visible day; responses after it are not seen.
        since: First day of sending looked at; None for all.
        controls: Campaign → arm that was sent nothing.
        campaigns: Only these campaigns; None for all.

    Returns:
        Lazy frame ``campaign_id``, ``customer_id``, ``step``, ``sent_on``, and as 0/1 ``delivered``,
        ``opened``, ``machine_opened`` (by machines only), ``clicked``, ``unsubscribed``; see
        :func:`crmreport.analysis.campaign.sent.sent_rows`. The same message listed twice is one.

    Raises:
        DataError: A needed column is missing.
    """
    names = nw.from_native(sends).collect_schema().names()
    require_columns(names, NEEDED, of="the sends", where="under sources.sends in the client file")
    frame = sent_rows(sends, campaign_id=None, as_of=as_of, controls=controls)
    if since is not None:
        frame = frame.filter(nw.col("sent_on") >= nw.lit(since))
    if campaigns is not None:
        frame = frame.filter(nw.col("campaign_id").is_in(sorted(campaigns)))
    frame = frame.filter(was_sent(controls or {}))
    told = (*REACTIONS, "machine_opened")
    came = {what: (~nw.col(f"{what}_on").is_null()).cast(nw.Int64) for what in told}
    rows = frame.with_columns(**came).group_by("campaign_id", "customer_id", "step", "sent_on")
    return rows.agg(*[nw.col(what).max() for what in told]).with_columns(
        machine_opened=nw.col("machine_opened") * (1 - nw.col("opened"))
    )
