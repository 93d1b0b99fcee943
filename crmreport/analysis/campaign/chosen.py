"""A campaign whose customers were chosen: those sent to beside those who were not, as alike as can be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from narwhals.typing import IntoFrame

from crmreport.analysis.campaign.consent import agreed
from crmreport.analysis.campaign.did import DifferenceInDifferences, difference_in_differences
from crmreport.analysis.campaign.evaluation import NoDid, NotRandomised
from crmreport.analysis.campaign.evidence import FEW_BUYERS
from crmreport.analysis.campaign.money import campaign_profit
from crmreport.analysis.campaign.observational import adjusted_effect
from crmreport.analysis.campaign.outcomes import BEFORE, Outcomes
from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.analysis.campaign.regression_to_mean import WonBack, won_back
from crmreport.analysis.campaign.verdict import Evidence, judge
from crmreport.analysis.ledger import (
    PurchaseUnit,
    days_before,
    money_decimals,
    purchases,
    to_pandas,
    visible,
)
from crmreport.errors import ConfigError

# Customers without a purchase in so many days before the start are nobody's equals.
LOOK_BACK_DAYS = 730
# Dormant customers, whom one likes to choose among, have nothing in the half year before.
BEFORE_DAYS = 365
PERIOD_DAYS, PERIODS_BEFORE = 28, 6
# Upper ends of the bands of days since the last purchase in which dormant customers count as equal.
_BANDS = (180, 365, 540, LOOK_BACK_DAYS)
# Share of those sent to with consent on file from which consent was asked for; the rest withdrew since.
_CONSENT_ASKED = 0.95


def evaluate_chosen(
    found: Outcomes,
    order_lines: IntoFrame,
    *,
    plan: CampaignPlan,
    as_of: date,
    attributes: IntoFrame | None = None,
    customers: IntoFrame | None = None,
    covariates: Sequence[str] = BEFORE,
    dormant_days: int = 180,
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
) -> NotRandomised | None:
    """Those sent to beside those who were not, with a purchase in the 730 days before the first send.

    Not sent to are the control's customers where one was named, else everybody who is not in the
    campaign's sends. Of these, customers who have not agreed to the channel are left out, where 95 % of those
    sent to have: they could not have been sent to. Whoever was sent to stays, also without consent on file:
    consent is kept as it is now, and those the campaign made unsubscribe belong to what it did. Who agreed
    while buying, after the start, stays among those not sent to, and who withdrew leaves them: both make
    the campaign look worse than it was.

    Both groups are looked at over the same days: from the first send to the last one plus the window. The
    adjusted effect is AIPW with overlap weights; revenue and orders before are those of 365 days. Revenue
    enters as log(1 + revenue ÷ its mean), so that the currency's unit does not matter, and the balance of
    the amounts themselves is judged. Difference in differences over periods of 28 days, up to six before;
    none where nobody bought in them, as when the dormant were chosen: then it would only be the naive
    difference by another name.

    Args:
        found: Customers as assigned.
        order_lines: Order lines.
        plan: The campaign.
        as_of: Last visible day, not before the last window's end.
        attributes: ``customer_id`` and covariates named in ``covariates``; numbers without blanks.
        customers: ``customer_id`` and consents; None where nobody's are kept.
        covariates: Numbers known before the campaign.
        dormant_days: Days without a purchase from which a customer is dormant.
        unit: What one purchase is.
        zero_value_counts: Whether lines worth 0 make a purchase.

    Returns:
        The comparison and its verdict; None when nobody is left on one side.
    """
    start = found.first_sent
    days = (found.last_sent - start).days + plan.window_days
    bought = purchases(order_lines, as_of=as_of, unit=unit, zero_value_counts=zero_value_counts)
    history = (start - _first_day(order_lines, as_of)).days
    length = min(PERIOD_DAYS, days)
    before, after = min(PERIODS_BEFORE, history // length), days // length
    people = _people(bought, start, days, length, range(-before, after))
    people = _sides(people, found, plan)
    people, n_no_consent = _reachable(people, agreed(customers, plan.channel))
    if people["treated"].nunique() < 2:
        return None
    if extra := [c for c in covariates if c not in BEFORE]:
        people = _with_covariates(people, attributes, extra)
    people["log_revenue_before"] = _log(people["revenue_before"])
    used = ["log_revenue_before" if c == "revenue_before" else c for c in covariates]
    adjusted = adjusted_effect(
        people,
        treated="treated",
        outcome="revenue",
        covariates=used,
        balance_on=list(covariates),
        kind="mean",
    )
    # Each side's own: the rate of both together is that of the many not sent to, who are other customers.
    few = int(people.groupby("treated")["converted"].sum().min()) < FEW_BUYERS
    profit = None
    if adjusted.doubly_robust is not None and plan.margin_rate is not None and not few:
        profit = campaign_profit(adjusted.doubly_robust, margin_rate=plan.margin_rate, costs=plan.costs)
    sent_to = sum(n for arm, n in found.sizes.items() if arm != plan.control)
    left_out = sent_to - int(people["treated"].sum())
    did, no_did = _did(people, before, after)
    return NotRandomised(
        adjusted=adjusted,
        did=did,
        no_did=no_did,
        won_back=_won_back(people, dormant_days),
        profit=profit,
        judged=judge(
            Evidence(
                "adjusted",
                p_positive=math.nan if profit is None else profit.p_positive,
                withheld=adjusted.reasons,
                few_buyers=few,
            )
        ),
        n_left_out=left_out,
        left_out_cost=plan.costs.send * left_out,
        n_no_consent=n_no_consent,
        first_day=start,
        last_day=start + timedelta(days=days - 1),
    )


def _first_day(order_lines: IntoFrame, as_of: date) -> date:
    first = to_pandas(visible(order_lines, as_of=as_of).select(nw.col("order_date").min()))
    day = first["order_date"].iloc[0]
    return as_of if pd.isna(day) else day.date()


def _people(bought: nw.LazyFrame[Any], start: date, days: int, length: int, periods: range) -> pd.DataFrame:
    """One row per customer with a purchase in the look-back: what was bought around the start."""
    back = -days_before(start, "purchase_date")
    day, zero, money = nw.col("day"), nw.lit(0.0), nw.col("revenue")
    inside = (day >= 0) & (day < days)
    shortly = (day < 0) & (day >= -BEFORE_DAYS)
    by_period = {
        f"period {p}": nw.when((day >= p * length) & (day < (p + 1) * length)).then(money).otherwise(zero)
        for p in periods
    }
    amounts = {
        "in_window": nw.when(inside).then(money).otherwise(zero),
        "revenue_before": nw.when(shortly).then(money).otherwise(zero),
        "orders_before": shortly.cast(nw.Int64),
        "purchases_before": (day < 0).cast(nw.Int64),
        "orders": inside.cast(nw.Int64),
    }
    table = to_pandas(
        bought.with_columns(day=back)
        .with_columns(**amounts, **by_period, since=nw.when(day < 0).then(-day))
        .group_by("customer_id")
        .agg(*[nw.col(c).sum() for c in (*amounts, *by_period)], nw.col("since").min().alias("recency_days"))
        .filter(nw.col("recency_days") <= LOOK_BACK_DAYS),
        sort_by="customer_id",
    )
    table = table.rename(columns={"in_window": "revenue"})
    exact = ["revenue", "revenue_before", *by_period]
    largest = float(table[exact].abs().max().max()) if len(table) else 0.0
    table[exact] = table[exact].round(money_decimals(largest))
    return table.assign(converted=(table["orders"] > 0).astype("int64"))


def _sides(people: pd.DataFrame, found: Outcomes, plan: CampaignPlan) -> pd.DataFrame:
    arms = to_pandas(found.frame.select("customer_id", "treated"))
    # Sent to in more than one arm is not "not sent to".
    people = people[~people["customer_id"].isin(found.several_arms)]
    people = people.merge(arms, on="customer_id", how="left" if plan.control is None else "inner")
    return people.assign(treated=people["treated"].fillna(0).astype("int64"))


def _reachable(people: pd.DataFrame, ids: pd.Series | None) -> tuple[pd.DataFrame, int]:
    """Without those not sent to who could not have been, and how many they are."""
    if ids is None:
        return people, 0
    treated, agrees = people["treated"] == 1, people["customer_id"].astype("str").isin(ids)
    if agrees[treated].mean() < _CONSENT_ASKED:
        # Sent to without it all the same: then it did not decide who could be.
        return people, 0
    kept = treated | agrees
    return people[kept].reset_index(drop=True), int((~kept).sum())


def _with_covariates(people: pd.DataFrame, attributes: IntoFrame | None, extra: list[str]) -> pd.DataFrame:
    if attributes is None:
        raise ConfigError(f"covariates are {', '.join(extra)}, but no attributes are given")
    given = nw.from_native(attributes).lazy()
    missing = [c for c in extra if c not in given.collect_schema().names()]
    if missing:
        raise ConfigError(f"the attributes lack the covariate {missing[0]!r}")
    return people.merge(to_pandas(given.select("customer_id", *extra)), on="customer_id", how="left")


def _log(money: pd.Series) -> pd.Series:
    spent = money.clip(lower=0)
    mean = float(spent.mean())
    return pd.Series(np.log1p(spent / mean)) if mean > 0 else spent


def _did(people: pd.DataFrame, before: int, after: int) -> tuple[DifferenceInDifferences | None, NoDid]:
    """The difference in differences, or why there is none."""
    if not before or not after:
        return None, "no_periods"
    if not people[[f"period {p}" for p in range(-before, 0)]].to_numpy().any():
        return None, "nothing_before"
    periods = range(-before, after)
    panel = pd.DataFrame(
        {
            "customer_id": np.tile(people["customer_id"].to_numpy(), len(periods)),
            "treated": np.tile(people["treated"].to_numpy(), len(periods)),
            "period": np.repeat(list(periods), len(people)),
            "revenue": np.concatenate([people[f"period {p}"].to_numpy() for p in periods]),
        }
    )
    return difference_in_differences(panel, start=0), ""


def _won_back(people: pd.DataFrame, dormant_days: int) -> WonBack | None:
    dormant = people[people["recency_days"] > dormant_days]
    if not dormant["treated"].any():
        return None
    cells = dormant.assign(
        recency_band=np.searchsorted(_BANDS, dormant["recency_days"]),
        purchases_band=dormant["purchases_before"].clip(upper=3),
    )
    return won_back(
        cells, treated="treated", came_back="converted", match_on=["recency_band", "purchases_band"]
    )
