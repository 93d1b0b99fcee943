"""The frame every analysis of messages starts from: one row per message, and what became of it.

A response after the last visible day is no response yet, an open by a machine is none at all, and
whoever was held out was sent nothing: said once, here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

import narwhals as nw
from narwhals.typing import IntoFrame

from crmreport.analysis.ledger import mend_dates, require_columns, to_pandas

NEEDED = ("campaign_id", "customer_id", "arm", "sent_on")
RESPONSES = ("opened", "clicked", "unsubscribed")
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

    Delivered: a delivery was recorded, or any response to the message (what was opened had arrived).
    A campaign without a single delivery on record (post, many LINE tools) counts as delivered what
    did not bounce. An open flagged as a machine's is no open.

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
        ``opened``, ``machine_opened``, ``clicked``, ``unsubscribed``. The same message listed twice is one.

    Raises:
        DataError: A needed column is missing.
    """
    frame = _dated(sends)
    names = frame.collect_schema().names()
    frame = frame.filter(nw.col("sent_on") <= nw.lit(as_of))
    if since is not None:
        frame = frame.filter(nw.col("sent_on") >= nw.lit(since))
    if campaigns is not None:
        frame = frame.filter(nw.col("campaign_id").is_in(sorted(campaigns)))
    for campaign, arm in (controls or {}).items():
        if arm is not None:
            held_out = (nw.col("campaign_id") == campaign) & (nw.col("arm") == arm)
            frame = frame.filter(~held_out.fill_null(False))
    machine = nw.col("machine_open").fill_null(False) if "machine_open" in names else nw.lit(False)
    bounced = nw.col("bounced").fill_null(False) if "bounced" in names else nw.lit(False)
    any_open = _seen("opened_on", names, as_of)
    clicked, left = _seen("clicked_on", names, as_of), _seen("unsubscribed_on", names, as_of)
    responded = any_open | clicked | left
    arrived = _seen("delivered_on", names, as_of)
    recording = to_pandas(
        frame.filter(arrived).select("campaign_id").unique(), sort_by="campaign_id"
    )["campaign_id"].tolist()  # fmt: skip
    recorded = nw.col("campaign_id").is_in(recording) if recording else nw.lit(False)
    frame = frame.with_columns(
        step=nw.col("step").fill_null(1).cast(nw.Int64) if "step" in names else nw.lit(1).cast(nw.Int64),
        delivered=(responded | (recorded & arrived) | (~recorded & ~bounced)).cast(nw.Int64),
        opened=(any_open & ~machine).cast(nw.Int64),
        machine_opened=(any_open & machine).cast(nw.Int64),
        clicked=clicked.cast(nw.Int64),
        unsubscribed=left.cast(nw.Int64),
    )
    told = ["delivered", "opened", "machine_opened", "clicked", "unsubscribed"]
    return frame.group_by("campaign_id", "customer_id", "step", "sent_on").agg(
        *[nw.col(name).max() for name in told]
    )


def _seen(day: str, names: list[str], as_of: date) -> nw.Expr:
    return (nw.col(day) <= nw.lit(as_of)).fill_null(False) if day in names else nw.lit(False)


def _dated(sends: IntoFrame) -> nw.LazyFrame[Any]:
    frame = nw.from_native(sends)
    schema = frame.collect_schema()
    require_columns(schema, NEEDED, of="the sends", where="under sources.sends in the client file")
    days = [name for name in schema if name.endswith("_on")]
    frame = nw.from_native(mend_dates(sends, days))
    schema = frame.collect_schema()
    instants = [day for day in days if schema[day] != nw.Date]
    lazy = frame.lazy()
    return lazy.with_columns(*[nw.col(day).cast(nw.Date) for day in instants]) if instants else lazy
