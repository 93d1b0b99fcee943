"""Arms drawn by lot against the control that was held out: effects, money, segments, verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import narwhals as nw

from crmreport.analysis.campaign.arm_effects import effects_by_arm, planned_customers, planned_weights
from crmreport.analysis.campaign.comparison import FEW_CUSTOMERS, Effect
from crmreport.analysis.campaign.estimate import Estimate
from crmreport.analysis.campaign.evaluation import ArmEvaluation
from crmreport.analysis.campaign.evidence import few_buyers, guardrail_state, segments_that_pay
from crmreport.analysis.campaign.guardrail import Guardrail, Harm, check_guardrail
from crmreport.analysis.campaign.heterogeneity import segment_effects
from crmreport.analysis.campaign.interim import (
    earns_so_far,
    interim_guardrail,
    interim_profit,
)
from crmreport.analysis.campaign.money import Costs, Profit, campaign_profit
from crmreport.analysis.campaign.next_send import NextSend, next_send
from crmreport.analysis.campaign.outcomes import Outcomes
from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.analysis.campaign.power import Sizes, customers_for_mean, mde_reached
from crmreport.analysis.campaign.sequential import always_valid
from crmreport.analysis.campaign.uplift import Qini, qini_curve
from crmreport.analysis.campaign.verdict import Evidence, judge
from crmreport.analysis.ledger import to_pandas

_HARM: dict[str, Harm] = {"unsubscribed": "increase"}
_ALPHA = 0.05
_SCORES, _REPEATS = 20, 500


def evaluate_arms(
    found: Outcomes, *, plan: CampaignPlan, running: bool, segments: Sequence[str], qini: bool = True
) -> tuple[ArmEvaluation, ...]:
    """Every treated arm of a sound test against its control.

    Args:
        found: Customers as assigned.
        plan: The campaign; its control is somebody's arm.
        running: Whether some window is not over: then only customers whose window is are looked at, and
            only always-valid intervals are told, once an arm and the control have 30 such customers.
        segments: Attributes to look at effects by; the first one decides whom to send to next.
        qini: Whether to compute the Qini curve.

    Returns:
        Arms in order of name.
    """
    control = str(plan.control)
    treated = [arm for arm in found.sizes if arm != control]
    frame = found.frame.filter(nw.col("complete")) if running else found.frame
    sizes = _sizes(frame) if running else found.sizes
    least = FEW_CUSTOMERS if running else 1
    seen = [arm for arm in treated if min(sizes.get(arm, 0), sizes.get(control, 0)) >= least]
    effects = effects_by_arm(frame, found, plan=plan, arms=seen, running=running)
    arms = []
    for arm in treated:
        if arm not in seen:
            arms.append(_not_yet(arm, plan))
        elif running:
            arms.append(_so_far(arm, effects[arm], plan, found))
        else:
            arms.append(_finished(arm, effects[arm], plan, found, segments, qini=qini))
    return tuple(arms)


def arm_costs(costs: Costs, *, customers: int, of: int) -> Costs:
    """An arm's part of a campaign's costs: coupons and fixed cost go by its share of the customers sent to.

    Examples:
        >>> arm_costs(Costs(send=3, coupon=900, fixed=50_000), customers=4000, of=8000)
        Costs(send=3, coupon=450.0, fixed=25000.0)
    """
    share = customers / of
    return Costs(costs.send, costs.coupon * share, costs.fixed * share)


def customers_needed(revenue: Estimate, profit: Profit, *, control_share: float) -> Sizes | None:
    """Customers a test needs to see the effect on revenue that just pays for the campaign.

    The effect is cost ÷ (margin rate × customers); the spread is the one of this test.

    Returns:
        Sizes of both arms; None when there is no such effect (no cost, no margin) or no spread.
    """
    pays, error = profit.break_even_effect, revenue.standard_error
    if not pays > 0 or not error > 0:
        return None
    deviation = error / math.sqrt(1 / revenue.n_treatment + 1 / revenue.n_control)
    return customers_for_mean(deviation, pays, control_share=control_share)


def _finished(
    arm: str,
    effects: Mapping[str, Effect],
    plan: CampaignPlan,
    found: Outcomes,
    segments: Sequence[str],
    *,
    qini: bool,
) -> ArmEvaluation:
    control = str(plan.control)
    revenue = effects["revenue"].for_money
    costs = _costs(plan, found, arm)
    few = _few_buyers(effects)
    # Of a handful the mean is not normal: a probability of profit would be sure of what three customers did.
    too_few = min(revenue.n_treatment, revenue.n_control) < FEW_CUSTOMERS
    profit = None
    if plan.margin_rate is not None and not too_few and not few:
        profit = campaign_profit(revenue, margin_rate=plan.margin_rate, costs=costs)
    pair = found.frame.filter(nw.col("arm").is_in([arm, control]))
    by = {
        name: segment_effects(
            pair.to_native(), segment=name, treated="treated", outcome="revenue", kind="mean"
        )
        for name in segments
    }
    first = segments[0] if segments else None
    next_time = None
    if (
        first is not None
        and plan.margin_rate is not None
        and not too_few
        and not few
        and by[first].n_blank < len(by[first].table)
    ):
        next_time = _next(by[first], found, first, plan.margin_rate, costs, revenue.n_treatment)
    guardrails = {
        name: check_guardrail(effects[name].for_money, margin=margin, harm=_HARM.get(name, "decrease"))
        for name, margin in plan.guardrails.items()
        if name in effects
    }
    arms = _treated(plan, found)
    facts = segments_that_pay(by[first], next_time, arms=arms) if first is not None else {}
    return ArmEvaluation(
        arm=arm,
        effects=effects,
        profit=profit,
        look=None,
        guardrails=guardrails,
        mde=mde_reached(effects[plan.primary].estimate),
        needed=_needed(revenue, profit, plan, arm, found),
        segments=by,
        next_send=next_time,
        qini=_qini(pair) if qini else None,
        judged=judge(
            Evidence(
                "randomised",
                p_positive=math.nan if profit is None else profit.p_positive,
                withheld=("too_few_customers",) if too_few else (),
                few_buyers=few,
                guardrail=guardrail_state(plan.guardrails, guardrails),
                arms=arms,
                **facts,  # type: ignore[arg-type]
            )
        ),
    )


def _so_far(arm: str, effects: Mapping[str, Effect], plan: CampaignPlan, found: Outcomes) -> ArmEvaluation:
    """An arm of a running test: its effects are always-valid already."""
    planned = planned_customers(plan, arm, found)
    looks = {name: always_valid(e.estimate, planned_customers=planned) for name, e in effects.items()}
    revenue = effects["revenue"].estimate
    profit, speaks = None, math.nan
    if plan.margin_rate is not None:
        # The whole arm will have cost what it costs: the effect so far is carried to all of its customers.
        whole = replace(revenue, n_treatment=found.sizes[arm])
        profit = interim_profit(whole, margin_rate=plan.margin_rate, costs=_costs(plan, found, arm))
        if plan.margin_rate > 0:
            speaks = earns_so_far(
                effects["revenue"].for_money, profit.break_even_effect, planned_customers=planned
            )
    guardrails: dict[str, Guardrail] = {
        name: interim_guardrail(
            looks[name], effects[name].estimate, margin=margin, harm=_HARM.get(name, "decrease")
        )
        for name, margin in plan.guardrails.items()
        if name in effects
    }
    return ArmEvaluation(
        arm=arm,
        effects=effects,
        profit=profit,
        look=looks[plan.primary],
        guardrails=guardrails,
        mde=mde_reached(effects[plan.primary].estimate),
        needed=_needed(revenue, profit, plan, arm, found),
        segments={},
        next_send=None,
        qini=None,
        judged=judge(
            Evidence(
                "randomised",
                p_positive=speaks,
                running=True,
                sequential_done=effects[plan.primary].p_adjusted < _ALPHA and not _few_buyers(effects),
                guardrail=guardrail_state(plan.guardrails, guardrails),
                arms=_treated(plan, found),
            )
        ),
    )


def _few_buyers(effects: Mapping[str, Effect]) -> bool:
    bought = effects["conversion"]
    n1, n0 = bought.estimate.n_treatment, bought.estimate.n_control
    return few_buyers(n1, n0, round(bought.value_treatment * n1) + round(bought.value_control * n0))


def _not_yet(arm: str, plan: CampaignPlan) -> ArmEvaluation:
    """An arm nobody's window of which is over, or too few customers' for an interval."""
    known = 0.5 if plan.margin_rate is not None else math.nan
    judged = judge(Evidence("randomised", p_positive=known, running=True))
    return ArmEvaluation(arm, {}, None, None, {}, math.nan, None, {}, None, None, judged)


def _sizes(frame: nw.LazyFrame[Any]) -> dict[str, int]:
    counted = to_pandas(frame.group_by("arm").agg(nw.len().alias("n")), sort_by="arm")
    return {str(arm): int(n) for arm, n in zip(counted["arm"], counted["n"], strict=True)}


def _treated(plan: CampaignPlan, found: Outcomes) -> int:
    return sum(name != plan.control for name in found.sizes)


def _costs(plan: CampaignPlan, found: Outcomes, arm: str) -> Costs:
    treated = sum(n for name, n in found.sizes.items() if name != plan.control)
    return arm_costs(plan.costs, customers=found.sizes[arm], of=treated)


def _needed(
    revenue: Estimate, profit: Profit | None, plan: CampaignPlan, arm: str, found: Outcomes
) -> Sizes | None:
    if profit is None:
        return None
    weights = planned_weights(plan, found)
    held = weights[str(plan.control)]
    return customers_needed(revenue, profit, control_share=held / (held + weights[arm]))


def _next(
    effects: Any, found: Outcomes, segment: str, margin_rate: float, costs: Costs, n_treatment: int
) -> NextSend:
    # Coupons as redeemed this time, per customer sent to: their total next time is not known beforehand.
    again = Costs(send=costs.send + costs.coupon / n_treatment, fixed=costs.fixed)
    return next_send(effects, found.frame.to_native(), segment=segment, margin_rate=margin_rate, costs=again)


def _qini(pair: nw.LazyFrame[Any]) -> Qini | None:
    """Curve of sending to those first who spent most before: a score older than every outcome."""
    before = nw.col("revenue_before")
    steps = {
        str(i): before.quantile(i / _SCORES, interpolation="linear").alias(str(i)) for i in range(1, _SCORES)
    }
    found = to_pandas(pair.select(*steps.values(), largest=before.max())).iloc[0]
    cuts = sorted(set(found[list(steps)]))
    if found["largest"] <= cuts[0]:
        return None
    score = nw.lit(0)
    for cut in cuts:
        score = score + (before > cut).cast(nw.Int64)
    scored = pair.select("treated", "revenue", score=score)
    return qini_curve(
        scored.to_native(), score="score", treated="treated", outcome="revenue", repeats=_REPEATS
    )
