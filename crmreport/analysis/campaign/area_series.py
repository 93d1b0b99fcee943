"""Revenue of places over time: what a campaign that ran in some of them is compared on."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from narwhals.typing import IntoFrame

from crmreport.analysis.campaign.plan import Area
from crmreport.analysis.campaign.synthetic import MIN_DONORS
from crmreport.analysis.ledger import require_columns, round_money, to_pandas, visible
from crmreport.analysis.observed import observed_days
from crmreport.errors import ConfigError

AREA = "(area)"
"""Column of the places of the campaign, added up."""
WEEK, FOUR_WEEKS = 7, 28
MOST_BEFORE = {WEEK: 52, FOUR_WEEKS: 26}
"""Periods looked at before the start, by their days: one year of weeks, two of four weeks."""


class UnknownPlaceError(ConfigError):
    """A place of the campaign is not in the data: nobody knows what it sold.

    Args:
        message: What is wrong, and the way out.
        places: The unknown ones.
    """

    def __init__(self, message: str, places: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.places = places


@dataclass(frozen=True)
class AreaSeries:
    """Revenue per day of the area and its donors, period by period.

    Attributes:
        revenue: One row per period (index: its first day), column :data:`AREA` first, then a column per
            donor; client currency per day.
        days: Days of each period: ``period_days``, but for the last.
        n_before: Periods before the start.
        period_days: 7 or 28.
        left_out: Places left out because they did not sell in every period before the start, because their
            sales end within the days counted, or because another campaign ran in them.
        n_unlike: Places left out because others are nearer to the area in size.
        n_silent: Periods after the start in which the area itself sold nothing.
        candidates: As ``revenue``, of all places that may be donors, also of those too unlike in size.
    """

    revenue: pd.DataFrame
    days: pd.Series
    n_before: int
    period_days: int
    left_out: tuple[str, ...]
    n_unlike: int
    n_silent: int
    candidates: pd.DataFrame

    def up_to_start(self, n_after: int) -> AreaSeries:
        """The time before the start alone, as if the campaign had begun so many periods earlier.

        Donors are those the earlier start would have had: of fewer periods before it, fewer.
        """
        n = self.n_before - n_after
        before = self.candidates.iloc[: self.n_before]
        area = self.revenue[AREA].iloc[: self.n_before]
        donors = _nearest(before, area, n)
        return replace(
            self,
            revenue=pd.concat([area, before[donors]], axis=1),
            days=self.days.iloc[: self.n_before],
            n_before=n,
            n_unlike=len(before.columns) - len(donors),
            n_silent=0,
            candidates=before,
        )


def place_days(
    lines: IntoFrame, *, area: Area, since: date, until: date, customers: IntoFrame | None = None
) -> pd.DataFrame:
    """Net revenue of every place and day, in one pass over the lines.

    Args:
        lines: Order lines, with ``store_id`` where the area is of stores; lines of guests count there.
        area: Where the campaign ran.
        since: First day.
        until: Last day.
        customers: ``customer_id`` and ``prefecture``, one row per customer, where the area is of
            prefectures; on the same engine.

    Returns:
        One row per day from the first with any order to ``until``, a column per place in order of its name;
        0 where nothing was sold. Lines without a place are in none.

    Raises:
        DataError: The lines or customers lack the column of places.
        ConfigError: The area is of prefectures and there are no customers.
        UnknownPlaceError: A place of the campaign, or one to compare it with, sold nothing in these days.

    Examples:
        >>> lines = pd.DataFrame({"customer_id": "1", "order_id": ["a", "b", "c"],
        ...                       "store_id": ["N", "S", "N"], "revenue": [5.0, 7.0, 1.0],
        ...                       "order_date": pd.to_datetime(["2026-10-01", "2026-10-02", "2026-10-02"])})
        >>> first, last = date(2026, 10, 1), date(2026, 10, 3)
        >>> place_days(lines, area=Area("store_id", ("N",)), since=first, until=last).to_numpy().tolist()
        [[5.0, 0.0], [1.0, 7.0], [0.0, 0.0]]
    """
    rows = visible(lines, as_of=until, since=since)
    if area.column == "store_id":
        require_columns(
            rows.collect_schema().names(), ["store_id"], of="order lines", where="under sources in client.yml"
        )
    else:
        rows = rows.join(_homes(customers), on="customer_id")
    sums = (
        rows.filter(~nw.col(area.column).is_null())
        .group_by(area.column, "order_date")
        .agg(nw.col("revenue").sum())
    )
    found = round_money(to_pandas(sums, sort_by=["order_date", area.column]), "revenue")
    table = found.pivot(index="order_date", columns=area.column, values="revenue")
    table = table[sorted(table.columns)].rename_axis(index="day", columns=None)
    _refuse_unknown(area, list(table.columns), since, until)
    days = pd.date_range(table.index[0], pd.Timestamp(until), name="day")
    return table.reindex(days).fillna(0.0)


def _homes(customers: IntoFrame | None) -> nw.LazyFrame[Any]:
    if customers is None:
        raise ConfigError(
            "where: prefecture needs the customers; add them under sources in client.yml, or name stores"
        )
    people = nw.from_native(customers).lazy()
    require_columns(
        people.collect_schema().names(),
        ["customer_id", "prefecture"],
        of="customers",
        where="under sources in client.yml",
    )
    return people.select("customer_id", "prefecture")


def _refuse_unknown(area: Area, known: list[str], since: date, until: date) -> None:
    unknown = tuple(name for name in (*area.places, *area.donors) if name not in known)
    if not unknown:
        return
    near = difflib.get_close_matches(unknown[0], known, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known[:20]) or 'none'}"
    raise UnknownPlaceError(
        f"{len(unknown)} places have no sales from {since} to {until}; first: {area.column} {unknown[0]!r}; "
        f"{hint}",
        unknown,
    )


def stopped_places(sold: pd.DataFrame, places: Collection[str], *, last: date) -> tuple[str, ...]:
    """Places whose sales end before a day, by more than the longest pause they made before.

    One shop's till data may be missing while the orders of the others go on.

    Args:
        sold: Revenue by day and place; see :func:`place_days`.
        places: The places to look at.
        last: Last day counted.

    Returns:
        In the order given; a place that never sold is among them.

    Examples:
        >>> days = pd.date_range("2026-09-01", "2026-10-14")
        >>> sold = pd.DataFrame({"N": 1.0, "S": 1.0 * (days < "2026-10-08")}, index=days)
        >>> stopped_places(sold, ["N", "S"], last=date(2026, 10, 14))
        ('S',)
    """
    known = sold.loc[: pd.Timestamp(last), list(places)]

    def stops(name: str) -> bool:
        days = known.index[known[name] != 0]
        lines = pd.DataFrame({"order_date": days}).assign(customer_id="", order_id="", revenue=1.0)
        return observed_days(lines, as_of=last).stops_before(last)

    # Most sold something on the last day: these are not asked.
    at_end = known.iloc[-1] != 0
    return tuple(name for name in places if not at_end[name] and stops(name))


def area_series(
    sold: pd.DataFrame,
    *,
    area: Area,
    start: date,
    last: date,
    period_days: int,
    no_donors: Collection[str] = (),
    not_before: Sequence[tuple[date, date]] = (),
) -> AreaSeries:
    """The area and its donors in periods counted from the start, as many before it as the data hold.

    The periods after the start hold each day to ``last``: the last of them is as short as half a period or
    as long as one and a half (a window of less than that is one period). Periods before the start in which
    the area sold nothing, and those in which another campaign ran in it, are left out. A donor sells in every
    period left before the start: what it sold after it chooses nobody. Of more donors than half the periods
    before the start those nearest to the area in size are taken, lest any series could be mixed from so many.

    Args:
        sold: Revenue by day and place; see :func:`place_days`.
        area: Where the campaign ran, and what to compare it with.
        start: First day of the campaign.
        last: Last day counted.
        period_days: 7 or 28.
        no_donors: Places that are no donors.
        not_before: First and last days of what else happened in the area before the start.

    Examples:
        >>> days = pd.date_range("2026-09-03", "2026-10-14")
        >>> sold = pd.DataFrame({"N": 1.0, "S": 2.0, "W": 3.0}, index=days)
        >>> found = area_series(sold, area=Area("store_id", ("N",)), start=date(2026, 10, 1),
        ...                     last=date(2026, 10, 14), period_days=7)
        >>> found.n_before, found.days.tolist(), found.revenue.columns.tolist()
        (4, [7, 7, 7, 7, 7, 7], ['(area)', 'S', 'W'])
    """
    first = pd.Timestamp(start)
    known = sold.loc[: pd.Timestamp(last)]
    n_before = min(max((first - known.index[0]).days // period_days, 0), MOST_BEFORE[period_days])
    n_after = max(1, round(((last - start).days + 1) / period_days))
    known = known.loc[first - timedelta(days=n_before * period_days) :]
    day = pd.Series(known.index, index=known.index)
    number = ((day - first).dt.days // period_days).clip(upper=n_after - 1)
    sums = known.groupby(number).sum()
    days = known.groupby(number).size()
    treated = sums[list(area.places)].sum(axis=1)
    silent = treated <= 0
    touched = {
        int(n) for one, other in not_before for n in number.loc[pd.Timestamp(one) : pd.Timestamp(other)]
    }
    used = (~silent & ~treated.index.isin(touched)) | (treated.index >= 0)
    n_before = int((used & (treated.index < 0)).sum())
    sums, days, treated = sums[used], days[used], treated[used]
    candidates = area.donors or tuple(name for name in sums.columns if name not in area.places)
    sells = (sums.iloc[:n_before] > 0).all()
    selling = [name for name in candidates if sells[name] and name not in no_donors]
    donors = _nearest(sums[selling], treated, n_before)
    periods = pd.DatetimeIndex([first + timedelta(days=int(n) * period_days) for n in sums.index])
    daily = pd.concat([treated.rename(AREA), sums[selling]], axis=1).div(days, axis=0)
    daily = daily.set_axis(periods).rename_axis("period")
    return AreaSeries(
        revenue=daily[[AREA, *donors]],
        days=days.set_axis(periods),
        n_before=n_before,
        period_days=period_days,
        left_out=tuple(name for name in candidates if name not in selling),
        n_unlike=len(selling) - len(donors),
        n_silent=int(silent[silent.index >= 0].sum()),
        candidates=daily[selling],
    )


def _nearest(sums: pd.DataFrame, treated: pd.Series, n_before: int) -> list[str]:
    """Donors nearest in size before the start, in order of their names."""
    most = max(n_before // 2, MIN_DONORS)
    if len(sums.columns) <= most:
        return list(sums.columns)
    level = float(np.log(treated.iloc[:n_before].mean()))
    means = sums.iloc[:n_before].mean()
    apart = {str(name): abs(float(np.log(means[name])) - level) for name in sums.columns}
    return sorted(sorted(apart, key=lambda name: (apart[name], name))[:most])
