"""What a campaign's sends say of how it was run: the facts its design is checked by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, timedelta

import narwhals as nw
from narwhals.typing import IntoFrame

from crmreport.analysis.campaign.arms import arm_statistics
from crmreport.analysis.campaign.as_planned import AsPlanned, as_planned
from crmreport.analysis.campaign.design import Window
from crmreport.analysis.campaign.outcomes import Outcomes
from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.analysis.campaign.sent import sent_rows
from crmreport.analysis.ledger import days_before, to_pandas

# Two-sided p < .001, as the other checks of the draw.
_BEYOND_CHANCE = 3.29


def beside_plan(found: Outcomes, plan: CampaignPlan, *, finished: bool) -> AsPlanned | None:
    """The sends beside the list that was drawn; None where none is kept, or no lot decided.

    Args:
        found: Customers as the sends have them.
        plan: The campaign.
        finished: Whether everybody was to be sent to by now.

    Raises:
        ConfigError: The list lacks a column.
    """
    if plan.drawn is None or not plan.randomised:
        return None
    return as_planned(
        found.frame.select("customer_id", "arm").to_native(),
        plan.drawn,
        control=str(plan.control),
        several=found.several_arms,
        finished=finished,
        by_list=plan.kind == "single",
    )


def control_reached(found: Outcomes, plan: CampaignPlan) -> float:
    """Share of the control with a delivery, an open or a click on record: they were not held out.

    Returns:
        0 to 1; nan where the sends have nobody of the control.
    """
    held = to_pandas(
        found.frame.filter(nw.col("arm") == str(plan.control)).select(
            n=nw.len(), reached=nw.col("delivered").sum()
        )
    ).fillna(0)
    n = int(held["n"].iloc[0])
    return float(held["reached"].iloc[0]) / n if n else math.nan


def days_apart(found: Outcomes, plan: CampaignPlan, *, as_of: date) -> dict[str, float]:
    """Arm → mean days its customers were assigned after the control's, beyond chance, ÷ window.

    Args:
        found: Customers as the sends have them.
        plan: The campaign.
        as_of: Last visible day; any day gives the same.
    """
    arms = arm_statistics(
        found.frame.select("arm", ago=days_before(as_of, "assigned_on")).to_native(), columns=["ago"]
    )
    control, shifts = arms.get(str(plan.control)), {}
    for name, arm in arms.items():
        if control is None or name == plan.control:
            continue
        shift = control.means["ago"] - arm.means["ago"]
        error = math.sqrt(sum((one.variances["ago"] if one.n > 1 else 0) / one.n for one in (arm, control)))
        # Customers of a flow enter day by day, so arms differ by chance; of a list everybody has one day.
        if abs(shift) > _BEYOND_CHANCE * error:
            shifts[name] = shift / plan.window_days
    return shifts


def days_of(found: Outcomes, plan: CampaignPlan) -> Window:
    """The campaign's days as planned, and as its sends and the orders on file have them."""
    length = timedelta(days=plan.window_days - 1)
    # Orders on file may end before the first customer was sent to.
    end = max(found.first_sent, min(found.followed_to, found.last_sent + length))
    return Window(plan.start, plan.last_day, found.first_sent, end, found.followed_to)


def reached_by_others(
    sends: IntoFrame, plan: CampaignPlan, found: Outcomes, *, as_of: date, controls: Mapping[str, str]
) -> IntoFrame | None:
    """Customers other campaigns of the same log reached in this one's days, described or seen.

    Args:
        sends: Sends of all campaigns.
        plan: The campaign.
        found: Its customers.
        as_of: Last visible day.
        controls: Campaign → its control arm, to whom nothing was sent.

    Returns:
        ``customer_id``, a row per message; None where the sends name no campaign.
    """
    if "campaign_id" not in nw.from_native(sends).collect_schema().names():
        return None
    first = min(plan.start, found.first_sent)
    last = max(plan.end, found.last_sent) + timedelta(days=plan.window_days - 1)
    # Held-out customers stand in their campaign's rows too, but nothing was delivered to them.
    rows = sent_rows(sends, campaign_id=None, as_of=as_of, controls=controls).filter(
        nw.col("campaign_id") != plan.campaign_id,
        nw.col("sent_on") >= nw.lit(first),
        nw.col("sent_on") <= nw.lit(last),
        ~nw.col("delivered_on").is_null(),
    )
    return rows.select("customer_id").to_native()
