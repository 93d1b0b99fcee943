"""The rows of one campaign's sends in one form: who, which arm, which day, and what came of it when."""

from __future__ import annotations

from datetime import date
from typing import Any

import narwhals as nw
from narwhals.typing import IntoFrame

from crmreport.analysis.ledger import mend_dates
from crmreport.errors import DataError

# What a customer can do to a message, and the day columns it makes here.
REACTIONS = ("delivered", "opened", "clicked", "unsubscribed")
# Arm of a send log that has no arms, as the intake writes it.
ALL_SENT = "sent"


def sent_rows(sends: IntoFrame, *, campaign_id: str | None, as_of: date) -> nw.LazyFrame[Any]:
    """Rows of a campaign's sends by the day they were sent, nothing after ``as_of`` in them.

    Args:
        sends: Sends in canonical form: ``customer_id``, ``sent_on`` (day in the client's zone; else the
            day of ``sent_at``), and as far as they are there ``campaign_id``, ``arm``, ``machine_open``
            and the instants or days of delivered, opened, clicked, unsubscribed.
        campaign_id: Campaign whose rows to take (without a column of that name all rows are its); None for
            all campaigns, with the column ``campaign_id`` in front.
        as_of: Last visible day.

    Returns:
        ``customer_id``, ``arm``, ``sent_on``, ``delivered_on``, ``opened_on`` (by a person),
        ``machine_opened_on``, ``clicked_on``, ``unsubscribed_on``: days, null where nothing came.

    Raises:
        DataError: The customer or the day of sending is missing.
    """
    days = [f"{what}_{end}" for what in ("sent", *REACTIONS) for end in ("on", "at")]
    frame = nw.from_native(mend_dates(sends, days)).lazy()
    names = frame.collect_schema().names()
    if "customer_id" not in names or not {"sent_on", "sent_at"} & set(names):
        raise DataError(f"sends need customer_id, and sent_on or sent_at; they have {', '.join(names)}")
    if campaign_id is not None and "campaign_id" in names:
        frame = frame.filter(nw.col("campaign_id") == campaign_id)
    keys = ["campaign_id", "customer_id"] if campaign_id is None else ["customer_id"]
    days = {f"{what}_on": _day(what, names).cast(nw.Date) for what in ("sent", *REACTIONS)}
    machine = nw.col("machine_open").fill_null(False) if "machine_open" in names else nw.lit(False)
    arm = nw.col("arm") if "arm" in names else nw.lit(ALL_SENT)
    frame = frame.select(*keys, arm=arm, machine=machine, **days)
    frame = frame.filter(nw.col("sent_on") <= nw.lit(as_of))
    seen = {
        f"{what}_on": nw.when(nw.col(f"{what}_on") <= nw.lit(as_of)).then(nw.col(f"{what}_on"))
        for what in REACTIONS
    }
    frame = frame.with_columns(**seen)
    return frame.with_columns(
        opened_on=nw.when(~nw.col("machine")).then(nw.col("opened_on")),
        machine_opened_on=nw.when(nw.col("machine")).then(nw.col("opened_on")),
    ).drop("machine")


def _day(what: str, names: list[str]) -> nw.Expr:
    for name in (f"{what}_on", f"{what}_at"):
        if name in names:
            return nw.col(name)
    return nw.lit(None)
