"""What of an evaluation a page speaks of: the deciding arm, its main effect, its profit, its names."""

from __future__ import annotations

import math

from crmreport.analysis.campaign.comparison import Effect
from crmreport.analysis.campaign.estimate import Estimate
from crmreport.analysis.campaign.evaluation import ArmEvaluation, Evaluation
from crmreport.analysis.campaign.money import Profit
from crmreport.present.text import Text

# Of a campaign a lot decided, what more customers cure.
_FEW = {"too_few_buyers", "too_few_customers"}
# A control is sent nothing: that it opens nothing is no effect.
RESPONSES = ("delivered", "opened", "clicked")


def deciding(evaluation: Evaluation) -> ArmEvaluation | None:
    """The arm the campaign's verdict is about; None where nothing can be told of it yet."""
    arm = None if evaluation.best is None else evaluation.arms[evaluation.best]
    return arm if arm is not None and arm.effects else None


def profit_of(evaluation: Evaluation) -> Profit | None:
    """Profit of the deciding arm, or of the adjusted comparison; None when not known."""
    arm = deciding(evaluation)
    found = arm.profit if arm else None
    if evaluation.not_randomised is not None:
        found = evaluation.not_randomised.profit
    return found if found is not None and math.isfinite(found.profit) else None


def revenue_effect(evaluation: Evaluation) -> Estimate | None:
    """Effect on revenue per customer the money is made of."""
    if evaluation.not_randomised is not None:
        return evaluation.not_randomised.adjusted.doubly_robust
    arm = deciding(evaluation)
    return arm.effects["revenue"].estimate if arm and "revenue" in arm.effects else None


def primary_effect(evaluation: Evaluation, arm: ArmEvaluation) -> Effect:
    """Effect of an arm on the metric that decides."""
    return arm.effects[evaluation.plan.primary]


def too_few(evaluation: Evaluation) -> bool:
    """Whether a lot decided and only numbers are wanting: more customers are the way out, not a lot."""
    judged = evaluation.judged
    failed = judged.reason == "diagnostic_failed" and evaluation.plan.randomised
    return failed and set(judged.details) <= _FEW


def told_arms(evaluation: Evaluation) -> list[ArmEvaluation]:
    """Arms of which something can be told."""
    return [arm for arm in evaluation.arms if arm.effects]


def told_effects(evaluation: Evaluation, arm: ArmEvaluation) -> list[Effect]:
    """Effects an arm can have on customers who were not sent to otherwise, the deciding one first."""
    primary = evaluation.plan.primary
    names = [primary, *(name for name in arm.effects if name not in (primary, *RESPONSES))]
    return [arm.effects[name] for name in names if name in arm.effects]


def direction(estimate: Estimate | None) -> str:
    """``rise``, ``fall`` or ``unclear``, by the interval."""
    if estimate is None or not math.isfinite(estimate.lower):
        return "unclear"
    return "rise" if estimate.lower > 0 else "fall" if estimate.upper < 0 else "unclear"


def value_spec(effect: Effect) -> str:
    """How a metric's value is written."""
    if effect.metric.kind == "share":
        return "pct"
    return "money" if effect.metric.values.startswith("revenue") else "num2"


def difference_spec(effect: Effect) -> str:
    """How a difference of a metric is written."""
    return {"pct": "pt", "money": "smoney"}.get(value_spec(effect), "snum2")


def amount(value: float, spec: str) -> Text:
    """A value inside a sentence, written by its own format."""
    return Text(f"campaign.amount.{spec}", value=value)


def each(value: float, spec: str) -> Text:
    """A difference inside a sentence: of shares as it is, of amounts per customer."""
    return Text(f"campaign.each.{spec}", value=value)


def interval(lower: float, upper: float, spec: str) -> Text:
    """Bounds inside a sentence."""
    return Text("campaign.interval", lower=amount(lower, spec), upper=amount(upper, spec))


def arm_spec(evaluation: Evaluation) -> str:
    """Format of a column of arms: the client's own names where it gave some."""
    return f"name:campaign_arm.{evaluation.plan.campaign_id}"


def sizes(evaluation: Evaluation) -> tuple[int, int]:
    """Customers sent to, in all arms, and customers not sent to."""
    rows = evaluation.responses
    held_out = rows["arm"] == evaluation.plan.control
    return int(rows.loc[~held_out, "customers"].sum()), int(rows.loc[held_out, "customers"].sum())
