"""Programmes for tests: evaluations with a known effect, and the sends and orders that go with them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from types import SimpleNamespace
from typing import Any

import pandas as pd
import polars as pl

from crmreport.analysis.campaign.campaign_programme import CampaignProgramme, campaign_programme
from crmreport.analysis.campaign.comparison import Effect
from crmreport.analysis.campaign.estimate import Estimate, normal_estimate
from crmreport.analysis.campaign.evaluation import ArmEvaluation, Evaluation
from crmreport.analysis.campaign.metric import Metric
from crmreport.analysis.campaign.money import Costs, campaign_profit
from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.analysis.campaign.verdict import Judged
from crmreport.period import Period

PERIOD = Period.parse("2026-10")
ARMS = {"mail": 0.5, "none": 0.5}


def plan(name: str, start: str = "2026-09-01", **given: Any) -> CampaignPlan:
    """One mailing with half held out, 1 a send, margin 50 %, 14 days counted."""
    day = date.fromisoformat(start)
    settings = {"arms": ARMS, "control": "none", "randomised": True, "window_days": 14}
    settings |= {"costs": Costs(send=1.0), "margin_rate": 0.5, "end": day, **given}
    return CampaignPlan(name, "mail", day, **settings)


def effect(estimate: Estimate) -> Effect:
    return Effect(Metric("revenue", "mean", role="primary"), "mail", 0.0, 0.0, estimate, None, "welch")


def evaluated(
    campaign: CampaignPlan,
    difference: float = math.nan,
    error: float = 1.0,
    *,
    verdict: str = "keep_testing",
    reason: str = "too_uncertain",
    grade: str = "randomised",
    running: bool = False,
    n: int = 1000,
) -> Evaluation:
    """A campaign with this effect on revenue per customer; without one nothing can be said of it."""
    if math.isnan(difference) and verdict == "keep_testing" and not running:
        verdict, reason = "cannot_say", "assignment_broken"
    judged = Judged(verdict, reason, grade, (), (), 0)
    arms = ()
    if not math.isnan(difference):
        estimate = normal_estimate(difference, error, n, n)
        profit = None
        if campaign.margin_rate is not None:
            profit = campaign_profit(estimate, margin_rate=campaign.margin_rate, costs=campaign.costs)
        arm = ArmEvaluation(
            "mail", {"revenue": effect(estimate)}, profit, None, {}, 0.0, None, {}, None, None, judged
        )
        arms = (arm,)
    return Evaluation(
        plan=campaign,
        as_of=PERIOD.as_of,
        outcomes=SimpleNamespace(frame=None),
        responses=pd.DataFrame({"arm": ["mail", "none"], "customers": [n, n]}),
        design=SimpleNamespace(blocks=math.isnan(difference), well_drawn=not math.isnan(difference)),
        arms=arms,
        holdout=None,
        not_randomised=None,
        judged=judged,
        running=running,
    )


def sends_of(plans: Sequence[CampaignPlan], customers: int = 4) -> pd.DataFrame:
    """The same customers in each campaign, every second one held out."""
    return pd.DataFrame(
        [
            (one.campaign_id, f"c{i}", "none" if i % 2 else "mail", pd.Timestamp(one.start))
            for one in plans
            for i in range(customers)
        ],
        columns=["campaign_id", "customer_id", "arm", "sent_on"],
    )


def orders(*rows: tuple[str, str, float]) -> pd.DataFrame:
    """Order lines from (customer, day, revenue)."""
    return pd.DataFrame(
        {
            "customer_id": [row[0] for row in rows],
            "order_id": [str(i) for i in range(len(rows))],
            "order_date": pd.to_datetime([row[1] for row in rows]),
            "revenue": [float(row[2]) for row in rows],
        }
    )


def programme_of(
    evaluations: Sequence[Evaluation],
    *,
    plans: Sequence[CampaignPlan] | None = None,
    sends: pd.DataFrame | None = None,
    lines: pd.DataFrame | None = None,
) -> CampaignProgramme:
    run = [evaluation.plan for evaluation in evaluations]
    sends = sends_of(run) if sends is None else sends
    lines = orders(("c0", "2026-09-02", 100.0)) if lines is None else lines
    return campaign_programme(
        evaluations,
        # Three times as quick as pandas on frames this small.
        pl.from_pandas(sends).lazy(),
        pl.from_pandas(lines).lazy(),
        plans=run if plans is None else plans,
        period=PERIOD,
        months=3,
    )
