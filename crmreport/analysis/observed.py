"""Which stretches of time the data really cover."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from operator import or_
from typing import Any

import narwhals as nw
import pandas as pd
from narwhals.typing import IntoFrame

from crmreport.analysis.ledger import to_pandas, visible
from crmreport.period import Period

# A shop that opens its books on a Monday still has a full month; data that begin mid-month do not.
_GRACE_DAYS = 7
_QUIET_DAYS = 3
_RECENT_DAYS = 92
_FEW_DAYS = 10


@dataclass(frozen=True, slots=True)
class ObservedDays:
    """Which days up to ``as_of`` the data say something about.

    Days since the last purchase are counted to ``as_of`` all the same (METRICS §0); what was bought on
    the unobserved days is unknown, so nothing that holds them is compared with a whole period.

    Attributes:
        as_of: Last visible day.
        first_day: First day with an order line; None when there is no line.
        last_day: Last day with an order line by ``as_of``; None when there is no line.
        pause_days: As many days without an order are still believed (see `usual_pause`).
    """

    as_of: date
    first_day: date | None
    last_day: date | None
    pause_days: int

    @property
    def is_preliminary(self) -> bool:
        """Whether the data stop before ``as_of``, by more than the usual pause (速報)."""
        return self.stops_before(self.as_of)

    def stops_before(self, day: date) -> bool:
        """Whether the data stop before a day, by more than the usual pause."""
        return self.last_day is None or self.last_day + timedelta(days=self.pause_days) < day

    @property
    def unobserved_days(self) -> int:
        """Days from the data's last day to ``as_of``; 0 when the data reach it, or there are none."""
        return (self.as_of - self.last_day).days if self.last_day and self.is_preliminary else 0

    def covers(self, period: Period) -> bool:
        """Whether the data begin in the period's first week or before."""
        return reaches_back(self.first_day, period)


def observed_days(lines: IntoFrame, *, as_of: date) -> ObservedDays:
    """Which days up to ``as_of`` the order lines say something about.

    Args:
        lines: Order lines; any frame narwhals understands.
        as_of: Last visible day.

    Examples:
        >>> lines = pd.DataFrame({"customer_id": ["a"] * 20, "order_id": [str(i) for i in range(20)],
        ...     "order_date": pd.date_range("2026-10-01", periods=20), "revenue": [1.0] * 20})
        >>> observed_days(lines, as_of=date(2026, 10, 31)).unobserved_days
        11
    """
    rows = visible(lines, as_of=as_of)
    span = data_span(rows)
    if span is None:
        return ObservedDays(as_of, None, None, _QUIET_DAYS)
    return ObservedDays(as_of, *span, usual_pause(rows, span[1]))


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


def within(rows: nw.LazyFrame[Any], *periods: Period) -> nw.LazyFrame[Any]:
    """The rows ordered within the period, or within any of several."""
    day = nw.col("order_date")
    inside = [(day >= nw.lit(period.start)) & (day <= nw.lit(period.as_of)) for period in periods]
    return rows.filter(reduce(or_, inside))
