"""What is known of one campaign when its month ends: the parts a page is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

import pandas as pd

from crmreport.analysis.campaign.area_effect import AreaEffect
from crmreport.analysis.campaign.comparison import Effect
from crmreport.analysis.campaign.design import DesignCheck
from crmreport.analysis.campaign.did import DifferenceInDifferences
from crmreport.analysis.campaign.guardrail import Guardrail
from crmreport.analysis.campaign.harm_seen import HarmSeen
from crmreport.analysis.campaign.heterogeneity import SegmentEffects
from crmreport.analysis.campaign.money import HoldoutCost, Profit
from crmreport.analysis.campaign.next_send import NextSend
from crmreport.analysis.campaign.observational import Observational
from crmreport.analysis.campaign.outcomes import Outcomes
from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.analysis.campaign.power import Sizes
from crmreport.analysis.campaign.regression_to_mean import WonBack
from crmreport.analysis.campaign.sequential import AlwaysValid
from crmreport.analysis.campaign.uplift import Qini
from crmreport.analysis.campaign.verdict import Judged

NoDid = Literal["", "nothing_before", "no_periods"]


@dataclass(frozen=True)
class ArmEvaluation:
    """One treated arm against the control.

    Attributes:
        arm: The treated arm.
        effects: Metric → effect per customer assigned: ``conversion``, ``revenue``, ``orders``, and
            ``opened``, ``clicked``, ``unsubscribed`` where somebody did. While the test runs they are of
            customers whose window is over, bounds and p-values are always-valid (method
            ``always_valid``), and relative, capped and CUPED results are None; empty until the arm and
            the control have 30 such customers. ``p_adjusted``: what customers bought and how they
            reacted are two families.
        profit: Of the arm, with its part of coupons and fixed cost; None when no margin is known,
            nothing can be told yet, or the arm or the control has fewer than 30 customers. While the test
            runs: all the arm's customers at the effect so far, bounds always-valid, ``standard_error`` and
            ``p_positive`` nan.
        look: Always-valid interval of the primary metric; None once the window is over, and as long as
            nothing can be told.
        guardrails: Metric → guardrail test, of those stated and measured; while the test runs by the
            always-valid interval.
        mde: Effect on the primary metric the test could see (power 80 %); nan where nothing can be told.
        needed: Customers a test needs to see the effect on revenue that pays; None without a profit or
            without cost.
        segments: Attribute → effects on revenue in its values; empty while the test runs.
        next_send: Whom to send to next time, of this campaign's customers, by the first attribute; None
            when no effect or no margin is known, and while the test runs.
        qini: Curve of sending first to those who spent most before; None where all spent the same,
            while the test runs, and where it was not asked for.
        judged: The verdict on this arm.
    """

    arm: str
    effects: Mapping[str, Effect]
    profit: Profit | None
    look: AlwaysValid | None
    guardrails: Mapping[str, Guardrail]
    mde: float
    needed: Sizes | None
    segments: Mapping[str, SegmentEffects]
    next_send: NextSend | None
    qini: Qini | None
    judged: Judged


@dataclass(frozen=True)
class NotRandomised:
    """Sent to beside not sent to, where somebody chose the customers.

    Attributes:
        adjusted: Naive and adjusted effect on revenue in the window.
        did: Difference in differences of revenue; None when there are too few periods, or nobody bought
            in those before.
        no_did: Why there is no difference in differences: ``nothing_before`` (nobody bought in the periods
            before, as when the dormant were chosen), ``no_periods`` (no whole period before or after);
            empty where there is one.
        won_back: Customers dormant at the start who came back, beside equal ones not sent to; None
            when nobody dormant was sent to.
        profit: From the adjusted effect, of the customers compared; None when withheld or no margin
            is known.
        judged: The verdict.
        n_left_out: Customers sent to without a purchase in the 730 days before, whom nobody not sent to
            equals: they are in none of the comparisons.
        left_out_cost: What sending to them cost, client currency: in no ``profit``, and in that of the
            programme, which looks at all of the campaign's cost.
        n_no_consent: Customers not sent to who have not agreed to the channel and could not have been sent
            to: they are in none of the comparisons either.
        first_day: First day counted, the same for both groups.
        last_day: Last day counted.
    """

    adjusted: Observational
    did: DifferenceInDifferences | None
    no_did: NoDid
    won_back: WonBack | None
    profit: Profit | None
    judged: Judged
    n_left_out: int
    left_out_cost: float
    n_no_consent: int
    first_day: date
    last_day: date


@dataclass(frozen=True)
class Evaluation:
    """A campaign evaluated.

    Attributes:
        plan: The campaign as planned.
        as_of: Last visible day.
        outcomes: One row per assigned customer, and what was left out; nobody's for an area campaign.
        responses: One row per arm, as observed, no effect: ``arm``, ``customers``, ``delivered``,
            ``opened``, ``clicked``, ``converted``, ``unsubscribed``, ``revenue``, ``orders``.
        design: The design check; None unless arms were drawn by lot with a control among them.
        arms: Treated arms against the control, in order of name; empty when nothing may be told.
        holdout: What holding out cost, at the effect of the arm the verdict is of; None without
            control or margin, and while the test runs.
        not_randomised: For a campaign whose customers were chosen; None for a randomised one, while it
            runs, and where nobody can be compared.
        judged: The verdict on the campaign: that of its best arm.
        running: Whether sending goes on at ``as_of`` or some customer's window is not over.
        best: Number of the arm the verdict is of in ``arms``; None where there is none.
        harm_seen: Guardrails of a campaign without effects of arms (chosen customers, a broken draw), as seen
            among those sent to: shown, and no part of the verdict.
        area: For a campaign that ran in some places and was sent to nobody; None for one that was sent.
    """

    plan: CampaignPlan
    as_of: date
    outcomes: Outcomes
    responses: pd.DataFrame
    design: DesignCheck | None
    arms: tuple[ArmEvaluation, ...]
    holdout: HoldoutCost | None
    not_randomised: NotRandomised | None
    judged: Judged
    running: bool
    best: int | None = None
    harm_seen: tuple[HarmSeen, ...] = ()
    area: AreaEffect | None = None
