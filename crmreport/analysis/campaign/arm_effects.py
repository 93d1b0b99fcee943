"""What is compared between the arms of a campaign, finished or running."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw

from crmreport.analysis.campaign.comparison import Effect
from crmreport.analysis.campaign.effects import compare_arms
from crmreport.analysis.campaign.interim import PLANNED_CUSTOMERS, holm_over_arms, interim_effect
from crmreport.analysis.campaign.metric import Metric
from crmreport.analysis.campaign.outcomes import Outcomes
from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.analysis.campaign.sent import RESPONSES
from crmreport.errors import ConfigError

CAP = 0.999


def effects_by_arm(
    frame: nw.LazyFrame[Any], found: Outcomes, *, plan: CampaignPlan, arms: Sequence[str], running: bool
) -> dict[str, dict[str, Effect]]:
    """Effects by arm and metric; what customers bought and how they reacted are two families of questions.

    Args:
        frame: The customers to compare: all of ``found``, or those whose window is over.
        found: Customers as assigned.
        plan: The campaign; its control is in ``frame``.
        arms: Treated arms to compare with it.
        running: Whether only always-valid intervals may be told.

    Raises:
        ConfigError: A guardrail is stated for something that is not measured on customers.
    """
    if not arms:
        return {}
    control = str(plan.control)
    if len(arms) + 1 < len(found.sizes):
        frame = frame.filter(nw.col("arm").is_in([*arms, control]))
    primary = plan.primary
    bought = [
        Metric(
            "conversion", "share", "converted", role="primary" if primary == "conversion" else "secondary"
        ),
        Metric(
            "revenue",
            "mean",
            role="primary" if primary == "revenue" else "secondary",
            covariate="revenue_before",
            cap=CAP,
        ),
        Metric("orders", "mean", covariate="orders_before"),
    ]
    reacted = [
        Metric(name, "share", role="guardrail" if name in plan.guardrails else "secondary")
        for name in RESPONSES
        if name in found.measured
    ]
    known = {m.name for m in bought} | set(RESPONSES)
    if wrong := [name for name in plan.guardrails if name not in known]:
        raise ConfigError(
            f"campaign {plan.campaign_id!r}: {wrong[0]!r} can be no guardrail; "
            f"give {', '.join(sorted(known))}"
        )
    told = [
        effect
        for metrics in (bought, reacted)
        if metrics
        for effect in compare_arms(frame.to_native(), metrics=metrics, control=control).effects
    ]
    if running:
        told = [interim_effect(e, planned_customers=planned_customers(plan, e.arm, found)) for e in told]
        decides = iter(holm_over_arms([e for e in told if e.metric.name == primary]))
        told = [next(decides) if e.metric.name == primary else e for e in told]
    return {arm: {e.metric.name: e for e in told if e.arm == arm} for arm in arms}


def planned_customers(plan: CampaignPlan, arm: str, found: Outcomes) -> int:
    """Customers of the arm and the control the test was planned for."""
    weights = planned_weights(plan, found)
    both = weights[arm] + weights[str(plan.control)]
    if plan.planned_customers is None:
        return PLANNED_CUSTOMERS
    return max(1, round(plan.planned_customers * both / sum(weights.values())))


def planned_weights(plan: CampaignPlan, found: Outcomes) -> Mapping[str, float]:
    """Shares of the arms as planned; as they came out where nobody stated them."""
    return plan.arms or found.sizes
