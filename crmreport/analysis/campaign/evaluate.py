"""One campaign from its sends to its verdict, in the order that keeps a result from speaking too early."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date

import narwhals as nw
import pandas as pd
from narwhals.typing import IntoFrame

from crmreport.analysis.campaign.area_effect import area_effect
from crmreport.analysis.campaign.area_series import UnknownPlaceError
from crmreport.analysis.campaign.as_planned import AsPlanned
from crmreport.analysis.campaign.chosen import evaluate_chosen
from crmreport.analysis.campaign.design import DesignCheck, check_design
from crmreport.analysis.campaign.design_facts import (
    beside_plan,
    control_reached,
    days_apart,
    days_of,
    reached_by_others,
)
from crmreport.analysis.campaign.evaluation import ArmEvaluation, Evaluation
from crmreport.analysis.campaign.evidence import best_of, cannot_say, conditioned_on
from crmreport.analysis.campaign.harm_seen import harm_seen
from crmreport.analysis.campaign.money import HoldoutCost, holdout_cost
from crmreport.analysis.campaign.outcomes import BEFORE, Outcomes, nobody, outcomes, responses
from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.analysis.campaign.randomised import arm_costs, evaluate_arms
from crmreport.analysis.campaign.sample_ratio import UnplannedArmError, refuse_unplanned
from crmreport.analysis.campaign.sent import sent_rows
from crmreport.analysis.campaign.still_sending import still_sending
from crmreport.analysis.campaign.verdict import Evidence, Judged, judge
from crmreport.analysis.ledger import PurchaseUnit, beside, to_pandas
from crmreport.errors import ConfigError


def evaluate_campaign(
    sends: IntoFrame,
    order_lines: IntoFrame,
    *,
    plan: CampaignPlan,
    as_of: date,
    attributes: IntoFrame | None = None,
    customers: IntoFrame | None = None,
    covariates: Sequence[str] = BEFORE,
    others: IntoFrame | None = None,
    controls: Mapping[str, str] | None = None,
    plans: Sequence[CampaignPlan] = (),
    qini: bool = True,
    before_days: int = 180,
    dormant_days: int = 180,
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
) -> Evaluation:
    """Evaluate a campaign: outcomes as assigned, design, effects, money, segments, verdict.

    Arms drawn by lot are checked first; where the check blocks, no effect is computed. Chosen customers
    are compared with those not sent to, adjusted, and only once every window is over. Arms or attributes
    made by what customers did after the sending are never judged. An area campaign, sent to nobody, is
    evaluated by the revenue of its places; see :func:`~crmreport.analysis.campaign.area_effect.area_effect`.

    Args:
        sends: Sends in canonical form, held-out customers among them; other campaigns' rows may be in it.
        order_lines: Order lines, on the same engine as the sends.
        plan: The campaign.
        as_of: Last visible day.
        attributes: ``customer_id`` and columns known before the campaign (RFM as of the day before …),
            one row per customer; the first one not among the covariates decides whom to send to next.
        customers: ``customer_id``, ``prefecture`` for an area campaign in prefectures, and consents
            (``consent_mail`` …): of chosen customers' equals only those who agreed to the channel count.
        covariates: Numbers known before: of ``revenue_before``, ``orders_before``, ``recency_days`` and
            the attributes' columns. A blank recency counts as the longest among the customers.
        others: ``customer_id`` of whoever was sent another campaign in the window; when None, those of
            the sends.
        controls: Campaign → its control arm, of the other campaigns of the sends: nothing was sent to
            these rows, also where a campaign records no delivery.
        plans: The client's campaigns: others that ran in the places of an area campaign, or in those it is
            compared with, are looked for among them.
        qini: Whether to compute the Qini curve and its bootstrap.
        before_days: Days before the sending that ``revenue_before`` and ``orders_before`` look at.
        dormant_days: Days without a purchase from which a customer is dormant.
        unit: What one purchase is.
        zero_value_counts: Whether lines worth 0 make a purchase.

    Returns:
        All parts of the evaluation.

    Raises:
        ConfigError: An arm, guardrail or covariate is not one that was planned or is there.
        DataError: Nothing was sent by ``as_of``, or the sends have blanks.
    """
    if plan.area is not None:
        return _by_area(order_lines, plan, as_of, customers, plans)

    def customers_of(assigned: pd.DataFrame | None) -> Outcomes:
        return outcomes(
            sends,
            order_lines,
            plan=plan,
            as_of=as_of,
            attributes=attributes,
            before_days=before_days,
            unit=unit,
            zero_value_counts=zero_value_counts,
            assigned=assigned,
        )

    found = logged = customers_of(None)
    sending = still_sending(logged, plan, as_of=as_of)
    lot = beside_plan(logged, plan, finished=not sending)
    if lot is not None and lot.n_unlisted:
        found = logged = customers_of(lot.as_logged)
    # Intention to treat: by the lot, whatever a few were sent.
    if lot is not None and lot.n_otherwise and lot.holds:
        found = customers_of(lot.as_drawn)
    if wrong := [c for c in covariates if c not in (*BEFORE, *found.attributes)]:
        raise ConfigError(f"covariate {wrong[0]!r} is neither of {', '.join(BEFORE)} nor an attribute")
    if plan.control is not None and plan.arms:
        # Of chosen customers too: a slip in the control's name would make them customers sent to.
        try:
            refuse_unplanned(logged.sizes, plan.arms)
        except UnplannedArmError as error:
            raise ConfigError(f"campaign {plan.campaign_id!r}: {error}") from error
    segments = [c for c in found.attributes if c not in covariates]
    running = as_of < plan.end or found.n_incomplete > 0
    design, arms, not_randomised = None, (), None
    # The sends' own arms too: nobody has to state shares, and then the plan names none.
    conditioned = conditioned_on(plan, [*found.sizes, *segments])
    if conditioned is not None:
        judged = cannot_say(conditioned=conditioned)
    elif plan.randomised:
        met = others
        if met is None:
            met = reached_by_others(sends, plan, found, as_of=as_of, controls=controls or {})
        design = _design(sends, logged, plan, as_of, segments, covariates, met, lot, sending)
        compared = plan.control in found.sizes and len(found.sizes) > 1
        if compared and not design.blocks:
            arms = evaluate_arms(found, plan=plan, running=running, segments=segments, qini=qini)
            judged = arms[_best(arms)].judged
        else:
            judged = cannot_say(compared=compared, design=design)
    elif plan.kind != "single" and plan.control is None:
        # Customers enter a flow by what they do: who left no cart did not mean to buy, who bought for
        # the first time is new. Nobody outside it is their equal.
        judged = cannot_say(compared=False)
    elif running:
        judged = _wait(plan)
    else:
        not_randomised = evaluate_chosen(
            found,
            order_lines,
            plan=plan,
            as_of=as_of,
            attributes=attributes,
            customers=customers,
            covariates=covariates,
            dormant_days=dormant_days,
            unit=unit,
            zero_value_counts=zero_value_counts,
        )
        judged = cannot_say(compared=False) if not_randomised is None else not_randomised.judged
    best = _best(arms) if arms else None
    return Evaluation(
        plan=plan,
        as_of=as_of,
        outcomes=found,
        responses=responses(found),
        design=design,
        arms=arms,
        holdout=None if best is None or running else _holdout(arms[best], plan, found),
        not_randomised=not_randomised,
        judged=judged,
        running=running,
        best=best,
        harm_seen=() if arms else harm_seen(found, plan=plan, running=running),
    )


def _by_area(
    order_lines: IntoFrame,
    plan: CampaignPlan,
    as_of: date,
    customers: IntoFrame | None,
    plans: Sequence[CampaignPlan],
) -> Evaluation:
    try:
        area = area_effect(order_lines, plan=plan, as_of=as_of, customers=customers, plans=plans)
    except UnknownPlaceError as error:
        raise ConfigError(f"campaign {plan.campaign_id!r}: {error}") from error
    found = nobody(day=plan.start, followed_to=min(area.last_day, as_of))
    return Evaluation(
        plan=plan,
        as_of=as_of,
        outcomes=found,
        responses=responses(found),
        design=None,
        arms=(),
        holdout=None,
        not_randomised=None,
        judged=area.judged,
        running=area.running,
        area=area,
    )


def _design(
    sends: IntoFrame,
    found: Outcomes,
    plan: CampaignPlan,
    as_of: date,
    segments: Sequence[str],
    covariates: Sequence[str],
    others: IntoFrame | None,
    lot: AsPlanned | None,
    sending: bool,
) -> DesignCheck:
    rows = sent_rows(sends, campaign_id=plan.campaign_id, as_of=as_of).select("customer_id", "arm")
    if plan.kind != "single":
        # A customer's later steps repeat no assignment.
        rows = rows.group_by("customer_id", "arm").agg(nw.len()).select("customer_id", "arm")
    if lot is not None and lot.n_unlisted:
        rows = found.frame.select("customer_id", "arm")
    known = found.frame.select("customer_id", *dict.fromkeys([*covariates, *segments]))
    counted = found.frame.select(nw.col("opened", "machine_opened").sum(), nw.col("recency_days").max())
    opened, machines, longest = to_pandas(counted).astype("float64").fillna(0).iloc[0]
    # Without a flag nobody knows which opens were machines': their share is blank, not 0 %.
    flagged = "machine_open" in nw.from_native(sends).collect_schema().names()
    if "recency_days" in covariates:
        known = known.with_columns(nw.col("recency_days").fill_null(longest))
    rows = beside(rows, found.frame).join(known, on="customer_id", how="left")
    try:
        return check_design(
            rows.to_native(),
            planned=plan.arms or {**found.sizes, str(plan.control): found.sizes.get(str(plan.control), 1)},
            control=str(plan.control),
            segments=segments,
            covariates=covariates,
            others=others,
            window=days_of(found, plan),
            opens=int(opened + machines) if flagged else 0,
            machine_opens=int(machines),
            control_reached=control_reached(found, plan),
            days_apart=days_apart(found, plan, as_of=as_of),
            as_planned=lot,
            sending=sending,
        )
    except ConfigError as error:
        raise ConfigError(f"campaign {plan.campaign_id!r}: {error}") from error


def _best(arms: Sequence[ArmEvaluation]) -> int:
    return best_of(
        [arm.judged for arm in arms],
        [math.nan if arm.profit is None else arm.profit.profit for arm in arms],
    )


def _holdout(arm: ArmEvaluation, plan: CampaignPlan, found: Outcomes) -> HoldoutCost | None:
    if plan.margin_rate is None or arm.profit is None:
        return None
    treated = sum(n for name, n in found.sizes.items() if name != plan.control)
    costs = arm_costs(plan.costs, customers=found.sizes[arm.arm], of=treated)
    return holdout_cost(arm.effects["revenue"].for_money, margin_rate=plan.margin_rate, costs=costs)


def _wait(plan: CampaignPlan) -> Judged:
    """No interval is valid at every look for customers who were chosen: their comparison waits."""
    known = 0.5 if plan.margin_rate is not None else math.nan
    return judge(Evidence("adjusted", p_positive=known, running=True))
