"""What is known of one campaign when its month ends: the parts a page is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd

from crmreport.analysis.campaign.comparison import Effect
from crmreport.analysis.campaign.design import DesignCheck
from crmreport.analysis.campaign.did import DifferenceInDifferences
from crmreport.analysis.campaign.guardrail import Guardrail
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


@dataclass(frozen=True)
class ArmEvaluation:
    """One treated arm against the control.

    Attributes:
        arm: The treated arm.
        effects: Metric → effect per customer assigned: ``conversion``, ``revenue``, ``orders``,
            ``opened``, ``clicked``, ``unsubscribed`` where they can be measured.
        profit: None when no margin is known.
        look: Always-valid interval of the primary metric; None once the window is over.
        guardrails: Metric → guardrail test.
        mde: Effect on the primary metric the test could see (power 80 %).
        needed: Customers a test needs to see the effect that pays; None without a profit.
        segments: Attribute → effects on revenue in its values.
        next_send: Whom to send to next time; None when no effect or no margin is known.
        qini: Curve of the score known before the campaign; None where there is none.
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
        did: Difference in differences of revenue; None when there are too few periods.
        won_back: Customers dormant at the start who came back, beside equal ones not sent to; None
            when nobody dormant was sent to.
        profit: From the adjusted effect; None when withheld or no margin is known.
        judged: The verdict.
    """

    adjusted: Observational
    did: DifferenceInDifferences | None
    won_back: WonBack | None
    profit: Profit | None
    judged: Judged


@dataclass(frozen=True)
class Evaluation:
    """A campaign evaluated.

    Attributes:
        plan: The campaign as planned.
        as_of: Last visible day.
        outcomes: One row per assigned customer, and what was left out.
        responses: One row per arm, as observed, no effect: ``arm``, ``customers``, ``delivered``,
            ``opened``, ``clicked``, ``converted``, ``unsubscribed``, ``revenue``, ``orders``.
        design: The design check; None without a control.
        arms: Treated arms against the control, in order of name; empty when nothing may be told.
        holdout: What holding out cost; None without control or margin.
        not_randomised: For a campaign whose customers were chosen; None for a randomised one.
        judged: The verdict on the campaign: that of its best arm.
        running: Whether some customer's window is not over at ``as_of``.
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
