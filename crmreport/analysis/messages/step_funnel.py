"""Step mails: how many get each step, respond to it, and buy before the next one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from narwhals.typing import IntoFrame
from scipy.stats import binomtest

from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.analysis.campaign.sent import RESPONSES
from crmreport.analysis.ledger import PurchaseUnit, days_between, purchases, to_pandas
from crmreport.analysis.messages.sent import messages
from crmreport.analysis.observed import observed_days
from crmreport.analysis.proportions import holm, wilson_interval

_SUMS = (
    "sent", "delivered", "opened", "clicked", "unsubscribed", "converted",
    "both", "clicked_before", "clicked_here", "only_before", "only_here",
)  # fmt: skip
_ALPHA = 0.05


@dataclass(frozen=True)
class StepFunnel:
    """Customers who entered a flow of messages, by step.

    Attributes:
        as_of: Last visible day.
        since: First day of entering looked at.
        conversion_days: Days a purchase counts for the last step, and the most for any.
        flow_days: Campaign → longest time seen from the first step to the last.
        n_underway: Campaign → customers who entered too late for their flow to be over; in no other number.
        table: One row per campaign and step: ``campaign_id``, ``channel``, ``step``, ``sent``
            (customers), ``of_entered`` (÷ customers who entered), ``delivered``, ``opened``, ``clicked``,
            ``unsubscribed``; ``converted``: bought before the next step, at most ``conversion_days`` long;
            ``open_rate``, ``click_rate``, ``unsubscribe_rate``, ``conversion_rate`` (÷ delivered
            of the step) with ``…_low`` and ``…_high``; ``converted_of_entered``;
            ``is_selected``: not everybody who entered got it. And, among customers who got this step and
            one before it: ``both``, ``same_before_rate`` and ``same_rate`` (clicks at the one before and at
            this one), ``same_difference``, ``p_holm`` (McNemar, exact, Holm over all rows).
    """

    as_of: date
    since: date | None
    conversion_days: int
    flow_days: dict[str, int]
    n_underway: dict[str, int]
    table: pd.DataFrame


def step_funnel(
    sends: IntoFrame,
    order_lines: IntoFrame,
    *,
    as_of: date,
    campaigns: Iterable[CampaignPlan],
    since: date | None = None,
    conversion_days: int = 7,
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
) -> StepFunnel:
    """Follow everyone who entered a step mail from the first step to the last (METRICS §8).

    Looked at are the campaigns of kind ``steps``; a customer enters with step 1. Only those are
    counted whose flow and days for purchases are over, so that a later step is not small because it
    is still to come. Who gets a later step is selected: buyers and leavers are gone, so rates of steps
    compare different people. Only the clicks of the same customers at two steps are tested.

    Args:
        sends: Sends with ``sent_on`` and ``step``; the held-out control among them is no message.
        order_lines: Order lines, of the same kind of frame.
        as_of: Last visible day.
        campaigns: Campaigns as planned.
        since: First day of entering looked at.
        conversion_days: Longest time after a step in which a purchase counts for it; 1 or more.
        unit: What one purchase is.
        zero_value_counts: Whether a line worth nothing makes a purchase.

    Raises:
        DataError: The sends or the lines lack a column.
        ValueError: ``conversion_days`` is below 1.
    """
    if conversion_days < 1:
        raise ValueError(f"conversion_days is {conversion_days}; give 1 or more")
    plans = {plan.campaign_id: plan for plan in campaigns if plan.kind == "steps"}
    rows = messages(
        sends,
        as_of=as_of,
        controls={name: plan.control for name, plan in plans.items()},
        campaigns=tuple(plans),
    )
    bought = purchases(
        order_lines, as_of=as_of, since=since, unit=unit, zero_value_counts=zero_value_counts
    ).select("customer_id", "purchase_date")
    daily = _by_entry(rows, bought, conversion_days) if plans else _NOTHING
    seen = observed_days(order_lines, as_of=as_of)
    followed_to = seen.last_day if seen.is_preliminary and seen.last_day is not None else as_of
    flow_days, underway, tables = {}, {}, []
    for name, each in daily.groupby("campaign_id"):
        # Of everybody who ever entered: those of the last weeks have not got their last step yet.
        flow_days[str(name)] = int(each["flow_days"].max())
        each = each[each["entered_on"].dt.date >= since] if since is not None else each
        last = followed_to - timedelta(days=flow_days[str(name)] + conversion_days - 1)
        over = each["entered_on"].dt.date <= last
        underway[str(name)] = int(each.loc[~over & (each["step"] == 1), "sent"].sum())
        steps = each[over].groupby("step", as_index=False)[list(_SUMS)].sum()
        tables.append(steps.assign(campaign_id=str(name), channel=plans[str(name)].channel))
    table = pd.concat(tables, ignore_index=True) if tables else daily.assign(channel="")
    return StepFunnel(as_of, since, conversion_days, flow_days, underway, _with_rates(table))


_NOTHING = pd.DataFrame(
    {name: pd.Series(dtype="int64") for name in ("step", "flow_days", *_SUMS)}
    | {"campaign_id": pd.Series(dtype="str"), "entered_on": pd.Series(dtype="datetime64[us]")}
)


def _by_entry(rows: nw.LazyFrame[Any], bought: nw.LazyFrame[Any], conversion_days: int) -> pd.DataFrame:
    """Sums by campaign, step and day of entering."""
    flags = ["delivered", *RESPONSES]
    key = ["campaign_id", "customer_id"]
    # Who went through a flow twice is followed through the first time.
    people = rows.group_by(*key, "step").agg(nw.col("sent_on").min(), *[nw.col(f).max() for f in flags])
    entered = people.filter(nw.col("step") == 1).select(*key, nw.col("sent_on").alias("entered_on"))
    flow = people.join(entered, on=key).with_columns(
        next_on=nw.col("sent_on").shift(-1).over(*key, order_by="step"),
        clicked_then=nw.col("clicked").shift(1).over(*key, order_by="step"),
        delivered_then=nw.col("delivered").shift(1).over(*key, order_by="step"),
    )
    waited = days_between("sent_on", "purchase_date")
    came = (
        flow.filter(nw.col("delivered") == 1)
        .join(bought, on="customer_id")
        .filter(waited >= 0, waited < conversion_days)
        .filter(nw.col("next_on").is_null() | (nw.col("purchase_date") < nw.col("next_on")))
        .select(*key, "step")
        .unique()
        .with_columns(converted=nw.lit(1))
    )
    # Of the same customers: this step and the one before it both arrived.
    both = nw.col("delivered") * nw.col("delivered_then").fill_null(0).cast(nw.Int64)
    before, here = nw.col("clicked_then").fill_null(0).cast(nw.Int64), nw.col("clicked")
    joined = flow.join(came, on=[*key, "step"], how="left").with_columns(
        converted=nw.col("converted").fill_null(0).cast(nw.Int64),
        both=both,
        clicked_before=both * before,
        clicked_here=both * here,
        only_before=both * before * (1 - here),
        only_here=both * here * (1 - before),
        flow_days=days_between("entered_on", "sent_on"),
    )
    counted = joined.group_by("campaign_id", "step", "entered_on").agg(
        nw.len().alias("sent"),
        nw.col("flow_days").max(),
        *[nw.col(name).sum() for name in _SUMS[1:]],
    )
    daily = to_pandas(counted, sort_by=["campaign_id", "step", "entered_on"])
    return daily.astype(dict.fromkeys(["step", "flow_days", *_SUMS], "int64"))


def _with_rates(table: pd.DataFrame) -> pd.DataFrame:
    table = table.sort_values(["campaign_id", "step"], ignore_index=True)
    first = table[table["step"] == 1].set_index("campaign_id")["sent"]
    entered = table["campaign_id"].map(first).astype("float64")
    table["of_entered"] = table["sent"] / entered
    table["converted_of_entered"] = table["converted"] / entered
    table["is_selected"] = table["sent"] < entered
    # A response no step of the campaign has was not recorded.
    for name in RESPONSES:
        seen = table.groupby("campaign_id")[name].transform("sum") > 0
        table[name] = table[name].astype("float64").where(seen)
    for rate, part in (
        ("open_rate", "opened"),
        ("click_rate", "clicked"),
        ("unsubscribe_rate", "unsubscribed"),
        ("conversion_rate", "converted"),
    ):
        k, n = table[part], table["delivered"]
        known = k.notna() & (n > 0)
        table[rate] = (k / n).where(known)
        low, high = wilson_interval(k.where(known, 0), n.where(known, 0))
        table[f"{rate}_low"], table[f"{rate}_high"] = low, high
    known = (table["both"] > 0) & table["clicked"].notna()
    table["same_before_rate"] = (table["clicked_before"] / table["both"]).where(known)
    table["same_rate"] = (table["clicked_here"] / table["both"]).where(known)
    table["same_difference"] = table["same_rate"] - table["same_before_rate"]
    changed = table[["only_before", "only_here"]].to_numpy(dtype="int64")
    table["p_holm"] = holm(
        [
            _mcnemar(int(before), int(here)) if tested else np.nan
            for (before, here), tested in zip(changed, known, strict=True)
        ]
    )
    return table.drop(columns=[c for c in ("entered_on", "flow_days") if c in table])


def _mcnemar(only_before: int, only_here: int) -> float:
    """Exact test that as many changed one way as the other."""
    changed = only_before + only_here
    return float(binomtest(only_before, changed).pvalue) if changed else 1.0


def clear_drops(funnel: StepFunnel) -> pd.DataFrame:
    """Steps clicked less than the one before them by the same customers, beyond chance; worst first."""
    table = funnel.table
    fell = (table["p_holm"] < _ALPHA) & (table["same_difference"] < 0)
    return table[fell].sort_values(["same_difference", "campaign_id"], ignore_index=True)
