"""What a campaign did that ran in some places and was sent to nobody: synthetic control, and its money."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

import numpy as np
import pandas as pd
from narwhals.typing import IntoFrame
from scipy.stats import t

from crmreport.analysis.campaign.area_others import days_touched, touched_places
from crmreport.analysis.campaign.area_series import (
    AREA,
    FOUR_WEEKS,
    MOST_BEFORE,
    WEEK,
    AreaSeries,
    area_series,
    place_days,
    stopped_places,
)
from crmreport.analysis.campaign.estimate import Estimate
from crmreport.analysis.campaign.money import Profit, campaign_profit
from crmreport.analysis.campaign.plan import Area, CampaignPlan
from crmreport.analysis.campaign.synthetic import (
    MIN_BEFORE,
    SyntheticControl,
    synthetic_control,
)
from crmreport.analysis.campaign.synthetic import Reason as SyntheticReason
from crmreport.analysis.campaign.verdict import Evidence, Judged, judge
from crmreport.analysis.observed import observed_days

Reason = SyntheticReason | Literal["moved_before_start", "no_sales_after", "other_campaign"]

PLACEBO_ALPHA = 0.05
# Donors with which a series can be mixed at all.
_FEWEST = 2
# Share of the area's revenue from which a place of it that fell silent is missed.
_MISSED = 0.05


@dataclass(frozen=True)
class AreaEffect:
    """The area beside its synthetic twin.

    Attributes:
        area: Where the campaign ran, and what it was compared with.
        first_day: First day looked at before the start.
        last_day: Last day counted: the campaign's last and ``window_days`` − 1 more.
        periods: The series it is made of; None while the window runs.
        control: Synthetic control of the series, each divided by its mean before the start (1 is the usual
            level); None while the window runs, and without a period before it or 2 donors.
        level: Revenue per day of the area before the start: what 1 is.
        lift: Mean gap after the start as a share of the usual level, with its interval and the p-value of
            the ranks (``rank`` ÷ series); None while the window runs and when withheld. ``n_treatment`` is
            1, ``n_control`` the donors.
        revenue: Incremental revenue, client currency, over all days counted; None as ``lift``.
        placebo: The same share, had the campaign begun as many periods earlier as were counted after it;
            None where too few periods are left before that.
        profit: From the incremental revenue; None when withheld or no margin is known.
        reasons: Why no effect is said; empty when it is, and while the window runs.
        judged: The verdict; the grade is ``adjusted`` at best.
        running: Whether the window or the orders on file end later than may be counted.
    """

    area: Area
    first_day: date | None
    last_day: date
    periods: AreaSeries | None
    control: SyntheticControl | None
    level: float
    lift: Estimate | None
    revenue: Estimate | None
    placebo: Estimate | None
    profit: Profit | None
    reasons: tuple[Reason, ...]
    judged: Judged
    running: bool


def area_effect(
    order_lines: IntoFrame,
    *,
    plan: CampaignPlan,
    as_of: date,
    customers: IntoFrame | None = None,
    plans: Sequence[CampaignPlan] = (),
) -> AreaEffect:
    """Effect of an area campaign on the revenue of its places (Abadie, Diamond and Hainmueller 2010).

    Places differ in size, so every series is divided by its mean before the start, and places of the
    campaign are added up to one. Weeks are looked at; where no mix follows the area week by week, periods
    of four weeks, whose noise is smaller: the choice rests on the time before the start alone.

    Interval: each donor in turn takes the area's place. Its mean gap after the start, in units of its own
    gap before it, says how far a place moves without a campaign: standard error = gap before of the area
    × root mean square of these × √(1 + 1 ÷ donors), Student's t with as many degrees of freedom as donors.
    Withheld as :func:`synthetic_control` does, when the area sold nothing in a period after the start or
    sales of a place of it (5 % of its revenue or more) end within the days counted, when another area
    campaign counts in one of its places in the same days, and when the same comparison finds an effect
    (p < .05) just before the start (placebo in time).

    Places in which another area campaign counts in these days, or in as many before the start, are donors
    only where they are named. Periods before the start in which one counted in the area itself are left out.

    Args:
        order_lines: Order lines.
        plan: An area campaign.
        as_of: Last visible day.
        customers: ``customer_id`` and ``prefecture``, where the area is of prefectures; same engine.
        plans: The client's campaigns, among which others that ran in places are looked for.

    Returns:
        The effect with its diagnostics and its verdict.

    Raises:
        ConfigError: The plan is of no area, a place is unknown, or there are no customers to place.
        DataError: A needed column is missing.
    """
    area = _area_of(plan)
    end = plan.last_day
    since = plan.start - timedelta(days=max(days * n for days, n in MOST_BEFORE.items()))
    sold = place_days(order_lines, area=area, since=since, until=min(end, as_of), customers=customers)
    if as_of < end or observed_days(order_lines, as_of=as_of).stops_before(end):
        known = 0.5 if plan.margin_rate is not None else math.nan
        waits = judge(Evidence("adjusted", p_positive=known, running=True))
        return AreaEffect(
            area=area,
            first_day=None,
            last_day=end,
            periods=None,
            control=None,
            level=math.nan,
            lift=None,
            revenue=None,
            placebo=None,
            profit=None,
            reasons=(),
            judged=waits,
            running=True,
        )
    others = touched_places(plan, plans)
    earlier = plan.start - (end - plan.start + timedelta(days=1))
    elsewhere = {each.place for each in others if each.within(earlier, end)} - set(area.donors)
    silent = stopped_places(sold, list(sold.columns), last=end)
    periods, control = _finest(
        sold,
        area,
        plan.start,
        end,
        no_donors={*silent, *elsewhere},
        not_before=days_touched(others, area.places, before=plan.start),
    )
    level = float(periods.revenue[AREA].iloc[: periods.n_before].mean()) if periods.n_before else math.nan
    reasons: list[Reason] = [*control.reasons] if control is not None else []
    if control is None:
        reasons.append("short_history" if not periods.n_before else "few_donors")
    if any(each.place in area.places and each.within(plan.start, end) for each in others):
        # Before all else: no better donors and no more data would tell the two apart.
        reasons.insert(0, "other_campaign")
    if periods.n_silent or _missed(sold, area, plan.start, silent):
        reasons.append("no_sales_after")
    placebo = None if control is None else _placebo(periods)
    if placebo is not None and placebo.p_value < PLACEBO_ALPHA:
        reasons.append("moved_before_start")
    lift = revenue = profit = None
    if control is not None and not reasons:
        lift = replace(_lift(control, periods), p_value=control.p_value)
        revenue = _scaled(lift, level * float(periods.days.iloc[periods.n_before :].sum()))
        profit = _profit(revenue, plan)
    judged = judge(
        Evidence(
            "adjusted",
            p_positive=math.nan if profit is None else profit.p_positive,
            withheld=tuple(reasons),
        )
    )
    first = periods.revenue.index[0].date()
    return AreaEffect(
        area=area,
        first_day=first,
        last_day=end,
        periods=periods,
        control=control,
        level=level,
        lift=lift,
        revenue=revenue,
        placebo=placebo,
        profit=profit,
        reasons=tuple(reasons),
        judged=judged,
        running=False,
    )


def _area_of(plan: CampaignPlan) -> Area:
    if plan.area is None:
        raise ValueError(f"campaign {plan.campaign_id!r} is of no area; evaluate it by its sends")
    return plan.area


def _finest(
    sold: pd.DataFrame,
    area: Area,
    start: date,
    last: date,
    *,
    no_donors: Collection[str],
    not_before: Sequence[tuple[date, date]],
) -> tuple[AreaSeries, SyntheticControl | None]:
    """Weeks where a mix follows the area week by week, or four weeks are too long to say so."""
    weeks, months = (
        area_series(
            sold,
            area=area,
            start=start,
            last=last,
            period_days=days,
            no_donors=no_donors,
            not_before=not_before,
        )
        for days in (WEEK, FOUR_WEEKS)
    )
    found = _control(weeks)
    if found is None or "poor_fit_before" not in found.reasons or months.n_before < MIN_BEFORE:
        return weeks, found
    return months, _control(months)


def _control(periods: AreaSeries) -> SyntheticControl | None:
    table, n = periods.revenue, periods.n_before
    if not n or len(table.columns) - 1 < _FEWEST:
        return None
    return synthetic_control(table / table.iloc[:n].mean(), treated=AREA, n_before=n)


def _placebo(periods: AreaSeries) -> Estimate | None:
    """The effect where there was none: as if the campaign had begun earlier, seen up to its start."""
    n_after = len(periods.revenue) - periods.n_before
    if periods.n_before - n_after < MIN_BEFORE:
        return None
    earlier = periods.up_to_start(n_after)
    control = _control(earlier)
    return None if control is None else _lift(control, earlier)


def _missed(sold: pd.DataFrame, area: Area, start: date, silent: Collection[str]) -> bool:
    """Whether places of the area whose sales end too early made enough of its revenue before the start."""
    before = sold.loc[: pd.Timestamp(start) - timedelta(days=1), list(area.places)].sum()
    gone = float(before[[name for name in area.places if name in silent]].sum())
    return gone > 0 and gone >= _MISSED * float(before.sum())


def _lift(control: SyntheticControl, periods: AreaSeries) -> Estimate:
    """Mean gap after the start over the days counted, in shares of the usual level."""
    n, donors = periods.n_before, len(control.gaps.columns) - 1
    gaps = control.gaps.to_numpy("float64")
    moved = np.average(gaps[n:], axis=0, weights=periods.days.iloc[n:])
    before = np.sqrt((gaps[:n] ** 2).mean(axis=0))
    # A series its donors make exactly would divide by 0.
    noise = np.maximum(before, 1e-9)
    spread = math.sqrt(float(((moved[1:] / noise[1:]) ** 2).mean()) * (1 + 1 / donors))
    error, value = spread * float(noise[0]), float(moved[0])
    reach = float(t.ppf(0.975, donors)) * error
    p = float(2 * t.sf(abs(value) / error, donors)) if error else float(value == 0)
    return Estimate(value, error, value - reach, value + reach, 1, donors, p)


def _scaled(estimate: Estimate, factor: float) -> Estimate:
    return replace(
        estimate,
        difference=estimate.difference * factor,
        standard_error=estimate.standard_error * factor,
        lower=estimate.lower * factor,
        upper=estimate.upper * factor,
    )


def _profit(revenue: Estimate, plan: CampaignPlan) -> Profit | None:
    """The money, with the tails of as few donors as there are."""
    if plan.margin_rate is None:
        return None
    found = campaign_profit(revenue, margin_rate=plan.margin_rate, costs=plan.costs)
    if not found.standard_error:
        return found
    return replace(found, p_positive=float(t.cdf(found.profit / found.standard_error, revenue.n_control)))
