"""Which stretches of time the data really cover."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import narwhals as nw
import pandas as pd

from crmreport.analysis.ledger import to_pandas
from crmreport.period import Period

# A shop that opens its books on a Monday still has a full month; data that begin mid-month do not.
_GRACE_DAYS = 7
_QUIET_DAYS = 3
_RECENT_DAYS = 92
_FEW_DAYS = 10


def data_span(rows: nw.LazyFrame[Any]) -> tuple[date, date] | None:
    """First and last ``order_date`` of the rows; None when there are none."""
    ends = to_pandas(rows.select(first=nw.col("order_date").min(), last=nw.col("order_date").max()))
    first, last = ends["first"].iloc[0], ends["last"].iloc[0]
    return None if pd.isna(first) else (pd.Timestamp(first).date(), pd.Timestamp(last).date())


def first_day(rows: nw.LazyFrame[Any]) -> date | None:
    """First ``order_date`` of the rows; None when there are none."""
    span = data_span(rows)
    return None if span is None else span[0]


def covers_from(first: date | None, start: date) -> bool:
    """Whether data that begin on ``first`` cover a window from its first week on.

    Args:
        first: First day of the data; None when there are none.
        start: First day of the window.

    Examples:
        >>> start = date(2026, 10, 1)
        >>> covers_from(date(2026, 10, 7), start), covers_from(date(2026, 10, 8), start)
        (True, False)
    """
    return first is not None and (first - start).days < _GRACE_DAYS


def reaches_back(first: date | None, period: Period) -> bool:
    """Whether data that begin on ``first`` cover the period from its first week on."""
    return covers_from(first, period.start)


def usual_pause(rows: nw.LazyFrame[Any], last: date) -> int:
    """Days a shop is used to go without an order: the longest pause of the last three months, at least 3.

    Data that stop for longer before a period's end have probably not been delivered yet. A shop with
    orders on fewer than ten days of these months may pause for as long as they last.

    Args:
        rows: Order lines with ``order_date``.
        last: Last ``order_date`` of the rows.
    """
    recent = rows.filter(nw.col("order_date") >= nw.lit(last - timedelta(days=_RECENT_DAYS)))
    days = to_pandas(recent.select("order_date").unique(), sort_by="order_date")["order_date"]
    if len(days) < _FEW_DAYS:
        return _RECENT_DAYS
    return max(_QUIET_DAYS, int(pd.to_datetime(days).diff().dt.days.max()))


def within(rows: nw.LazyFrame[Any], period: Period) -> nw.LazyFrame[Any]:
    """The rows ordered within the period."""
    day = nw.col("order_date")
    return rows.filter((day >= nw.lit(period.start)) & (day <= nw.lit(period.as_of)))
