"""Every campaign that touched the last months, evaluated by the one rule a single campaign is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from narwhals.typing import IntoFrame

from crmreport.analysis.campaign.area_series import UnknownPlaceError
from crmreport.analysis.campaign.as_sent import as_sent
from crmreport.analysis.campaign.evaluate import evaluate_campaign
from crmreport.analysis.campaign.evaluation import Evaluation
from crmreport.analysis.campaign.exposure import drawn_by, window_end
from crmreport.analysis.campaign.outcomes import Outcomes, nobody, outcomes, responses
from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.analysis.campaign.sample_ratio import UnplannedArmError
from crmreport.analysis.campaign.verdict import Judged
from crmreport.analysis.ledger import PurchaseUnit, to_pandas
from crmreport.errors import ConfigError
from crmreport.period import Period


def plans_in(
    plans: Sequence[CampaignPlan], sends: IntoFrame, *, period: Period, months: int
) -> list[CampaignPlan]:
    """Campaigns begun by the period's end whose sending or window touches the last months, by start, then id.

    A campaign begins and ends on its described days, or on those customers were first sent to where these
    lie outside (see ``as_sent``): one put off into the months belongs to them, and so does one that was
    described for later and sent.

    Args:
        plans: All campaigns.
        sends: Sends of all campaigns.
        period: The report's period.
        months: Calendar months up to its end, 1 or more.

    Examples:
        >>> from datetime import date
        >>> days = {"old": date(2026, 5, 1), "late": date(2026, 7, 20), "next": date(2026, 11, 1)}
        >>> plans = [CampaignPlan(name, "mail", day, day) for name, day in days.items()]
        >>> import pandas as pd
        >>> sends = pd.DataFrame({"campaign_id": ["next"], "customer_id": ["1"]})
        >>> sends["sent_on"] = pd.Timestamp("2026-10-30")
        >>> [plan.campaign_id for plan in plans_in(plans, sends, period=Period.parse("2026-10"), months=3)]
        ['late', 'next']
    """
    since, as_of = period.trailing(months).start, period.as_of
    touching = [
        (days.start, plan.campaign_id, plan)
        for plan, days in zip(plans, as_sent(plans, sends, as_of=as_of), strict=True)
        if days.start <= as_of and window_end(days, as_of=as_of) >= since
    ]
    return [plan for *_, plan in sorted(touching, key=lambda found: found[:2])]


def evaluate_all(
    sends: IntoFrame,
    order_lines: IntoFrame,
    *,
    plans: Sequence[CampaignPlan],
    period: Period,
    months: int = 3,
    attributes: Callable[[CampaignPlan], IntoFrame | None] | None = None,
    customers: IntoFrame | None = None,
    dormant_days: int = 180,
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
) -> tuple[Evaluation, ...]:
    """Evaluate the campaigns of the last months, each as the chapter on a single campaign does.

    Only the Qini curve is left out (``qini`` of every arm is None): no verdict rests on it, and its
    bootstrap takes longer than all the rest.

    A campaign that was planned and of which nothing was sent by the period's end is left out; one that
    ran in some places and is sent to nobody is not. One whose sends name an arm its plan does not know, or
    whose places have no sales, is in, as ``cannot_say`` for ``not_evaluable``, the names in the verdict's
    details: one slip in a name does not take the other campaigns' results away.

    Args:
        sends: Sends of all campaigns in canonical form, held-out customers among them.
        order_lines: Order lines, on the same engine.
        plans: All campaigns.
        period: The report's period.
        months: Calendar months looked at, up to the period's end.
        attributes: Gives for a campaign what is known of customers before it; None for nothing.
        customers: ``customer_id``, ``prefecture`` for area campaigns in prefectures, and consents for
            campaigns whose customers were chosen.
        dormant_days: Days without a purchase from which a customer is dormant.
        unit: What one purchase is.
        zero_value_counts: Whether lines worth 0 make a purchase.

    Returns:
        One evaluation per campaign, by start, then id.

    Raises:
        ConfigError: A plan contradicts itself otherwise.
        DataError: The sends of a campaign have blanks.
    """
    sent = to_pandas(drawn_by(sends, as_of=period.as_of).select("campaign_id").unique())
    run = [
        plan
        for plan in plans_in(plans, sends, period=period, months=months)
        if plan.area is not None or plan.campaign_id in set(sent["campaign_id"].astype(str))
    ]
    controls = {plan.campaign_id: plan.control for plan in plans if plan.control is not None}
    found = []
    for plan in run:
        try:
            evaluation = evaluate_campaign(
                sends,
                order_lines,
                plan=plan,
                as_of=period.as_of,
                attributes=attributes(plan) if attributes is not None and plan.area is None else None,
                customers=customers,
                controls=controls,
                plans=plans,
                dormant_days=dormant_days,
                qini=False,
                unit=unit,
                zero_value_counts=zero_value_counts,
            )
        except ConfigError as error:
            cause = error.__cause__
            if isinstance(cause, UnknownPlaceError):
                reached = nobody(day=plan.start, followed_to=period.as_of)
                evaluation = _not_evaluable(reached, plan, period, cause.places)
            elif isinstance(cause, UnplannedArmError):
                reached = outcomes(sends, order_lines, plan=plan, as_of=period.as_of)
                unplanned = tuple(arm for arm in reached.sizes if arm not in plan.arms)
                evaluation = _not_evaluable(reached, plan, period, unplanned)
            else:
                raise
        found.append(evaluation)
    return tuple(found)


def _not_evaluable(
    found: Outcomes, plan: CampaignPlan, period: Period, unknown: tuple[str, ...]
) -> Evaluation:
    """A campaign of which only is known who was sent what: arm or place is in the log or plan alone."""
    return Evaluation(
        plan=plan,
        as_of=period.as_of,
        outcomes=found,
        responses=responses(found),
        design=None,
        arms=(),
        holdout=None,
        not_randomised=None,
        judged=Judged("cannot_say", "not_evaluable", "observational", (), unknown, -1),
        running=period.as_of < plan.end or found.n_incomplete > 0,
    )
