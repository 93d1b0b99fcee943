"""The rows of sends in one form: who, which arm, which day, and what came of it when.

Verdicts and response rates both start here, so that a message delivered or opened in one chapter is
delivered or opened in every other.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import narwhals as nw
from narwhals.typing import IntoFrame

from crmreport.analysis.ledger import mend_dates
from crmreport.errors import DataError

# What a customer can do to a message, and what can become of it; each makes a day column here.
RESPONSES = ("opened", "clicked", "unsubscribed")
REACTIONS = ("delivered", *RESPONSES)
# Arm of a send log that has no arms, as the intake writes it.
ALL_SENT = "sent"


def sent_rows(
    sends: IntoFrame,
    *,
    campaign_id: str | None,
    as_of: date,
    controls: Mapping[str, str | None] | None = None,
) -> nw.LazyFrame[Any]:
    """Rows of a campaign's sends by the day they were sent, nothing after ``as_of`` in them.

    - **Delivered**: a delivery is on record, or any response to the message: what was opened had arrived
      (a control may unsubscribe from other messages: of theirs that is no sign).
      In a campaign without a single delivery on record (post, many LINE tools) whatever was sent and did
      not bounce counts as delivered; nothing was sent to a control.
    - A **response** dated before the day of sending answers some other message and is none. A delivery so
      dated is this row's own, by a clock that is slow: it counts from the day of sending.
    - An open flagged as a **machine's** is no open by a person; it shows all the same that the message
      arrived.

    Args:
        sends: Sends in canonical form: ``customer_id``, ``sent_on`` (day in the client's zone; else the
            day of ``sent_at``), and as far as they are there ``campaign_id``, ``arm``, ``step``,
            ``bounced``, ``machine_open`` and the instants or days of delivered, opened, clicked,
            unsubscribed.
        campaign_id: Campaign whose rows to take (without a column of that name all rows are its); None for
            all campaigns, with the column ``campaign_id`` in front.
        as_of: Last visible day.
        controls: Campaign → arm that was sent nothing.

    Returns:
        ``customer_id``, ``arm``, ``step``, ``sent_on``, ``delivered_on``, ``opened_on`` (by a person),
        ``machine_opened_on``, ``clicked_on``, ``unsubscribed_on``: days, null where nothing came.

    Raises:
        DataError: The customer or the day of sending is missing.
    """
    stamps = [f"{what}_{end}" for what in ("sent", *REACTIONS) for end in ("on", "at")]
    frame = nw.from_native(mend_dates(sends, stamps)).lazy()
    names = frame.collect_schema().names()
    if "customer_id" not in names or not {"sent_on", "sent_at"} & set(names):
        raise DataError(f"sends need customer_id, and sent_on or sent_at; they have {', '.join(names)}")
    if campaign_id is not None and "campaign_id" in names:
        frame = frame.filter(nw.col("campaign_id") == campaign_id)
    days = {f"{what}_on": _day(what, names).cast(nw.Date) for what in ("sent", *REACTIONS)}
    frame = frame.select(
        campaign_id=nw.col("campaign_id") if campaign_id is None else nw.lit(campaign_id),
        customer_id=nw.col("customer_id"),
        arm=nw.col("arm") if "arm" in names else nw.lit(ALL_SENT),
        step=nw.col("step").fill_null(1).cast(nw.Int64) if "step" in names else nw.lit(1).cast(nw.Int64),
        machine=_flag("machine_open", names),
        bounced=_flag("bounced", names),
        **days,
    )
    frame = frame.filter(nw.col("sent_on") <= nw.lit(as_of))
    sent = nw.col("sent_on")
    frame = frame.with_columns(
        delivered_on=_latest(_seen("delivered", as_of), sent),
        **{f"{what}_on": _not_before(_seen(what, as_of), sent) for what in RESPONSES},
        recorded=_seen("delivered", as_of).count().over("campaign_id") > 0,
    )
    for what in RESPONSES:
        answered = nw.col(f"{what}_on")
        if what == "unsubscribed":
            # Whoever was held out may unsubscribe from the rest.
            answered = nw.when(was_sent(controls or {})).then(answered)
        frame = frame.with_columns(delivered_on=_earliest(nw.col("delivered_on"), answered))
    arrived = nw.col("delivered_on")
    assumed = arrived.is_null() & ~nw.col("recorded") & ~nw.col("bounced") & was_sent(controls or {})
    frame = frame.with_columns(
        delivered_on=nw.when(assumed).then(sent).otherwise(arrived),
        opened_on=nw.when(~nw.col("machine")).then(nw.col("opened_on")),
        machine_opened_on=nw.when(nw.col("machine")).then(nw.col("opened_on")),
    )
    return frame.select(
        *(["campaign_id"] if campaign_id is None else []),
        *("customer_id", "arm", "step", "sent_on", "delivered_on", "opened_on", "machine_opened_on"),
        *("clicked_on", "unsubscribed_on"),
    )


def _day(what: str, names: list[str]) -> nw.Expr:
    for name in (f"{what}_on", f"{what}_at"):
        if name in names:
            return nw.col(name)
    return nw.lit(None)


def _flag(name: str, names: list[str]) -> nw.Expr:
    return nw.col(name).fill_null(False).cast(nw.Boolean) if name in names else nw.lit(False)


def _seen(what: str, as_of: date) -> nw.Expr:
    return nw.when(nw.col(f"{what}_on") <= nw.lit(as_of)).then(nw.col(f"{what}_on"))


def _not_before(day: nw.Expr, sent: nw.Expr) -> nw.Expr:
    return nw.when(day >= sent).then(day)


def _latest(day: nw.Expr, sent: nw.Expr) -> nw.Expr:
    return nw.when(day < sent).then(sent).otherwise(day)


def _earliest(one: nw.Expr, other: nw.Expr) -> nw.Expr:
    return nw.when(one.is_null() | (other < one).fill_null(False)).then(other).otherwise(one)


def was_sent(controls: Mapping[str, str | None]) -> nw.Expr:
    """Whether a row of :func:`sent_rows` is of no control arm; a row without an arm is of none.

    Args:
        controls: Campaign → arm that was sent nothing; a campaign with None held nobody out.
    """
    # Every row has a day of sending: true of each of them, where engines refuse a bare literal in a filter.
    found = ~nw.col("sent_on").is_null()
    for campaign, control in controls.items():
        if control is not None:
            held_out = (nw.col("campaign_id") == campaign) & (nw.col("arm") == control)
            found = found & ~held_out.fill_null(False)
    return found
