"""What one evaluated campaign did as a whole: one effect, one profit, one of five outcomes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import narwhals as nw

from crmreport.analysis.campaign.arms import arm_statistics
from crmreport.analysis.campaign.estimate import Estimate, cautious, mean_estimate, pooled_error
from crmreport.analysis.campaign.evaluation import Evaluation
from crmreport.analysis.campaign.money import Costs, Profit, campaign_profit
from crmreport.analysis.campaign.verdict import LIKELY, UNLIKELY

Outcome = Literal["earning", "unclear", "losing", "untested", "running"]
OUTCOMES: tuple[Outcome, ...] = ("earning", "unclear", "losing", "untested", "running")


def customers_sent_to(evaluation: Evaluation) -> int:
    """Customers assigned to a treated arm."""
    rows = evaluation.responses
    return int(rows.loc[rows["arm"] != evaluation.plan.control, "customers"].sum())


def campaign_effect(evaluation: Evaluation) -> Estimate | None:
    """Effect on revenue per customer assigned, all treated arms together.

    With several treated arms it is the treated customers' mean less the control's, with the larger of
    Welch's and the pooled error: what the campaign did as it was run, not what its best arm would have done.

    Returns:
        None while the windows run (an interval for a fixed end would lie on the way), where the
        verdict is that nothing can be said, where the effect is blank or no arm's profit may be told for
        want of buyers, and for a campaign sent to nobody.
    """
    judged = evaluation.judged
    if evaluation.running or (judged.verdict == "cannot_say" and judged.reason != "no_profit_known"):
        return None
    if evaluation.not_randomised is not None:
        found = evaluation.not_randomised.adjusted.doubly_robust
    elif evaluation.plan.margin_rate is not None and all(arm.profit is None for arm in evaluation.arms):
        # Harm is told of a handful of buyers; what they brought is not.
        return None
    elif len(evaluation.arms) == 1:
        found = evaluation.arms[0].effects["revenue"].for_money
    elif evaluation.arms:
        found = _together(evaluation)
    else:
        return None
    return None if found is None or math.isnan(found.difference) else found


def _together(evaluation: Evaluation) -> Estimate:
    whole = evaluation.outcomes.frame.with_columns(
        role=nw.when(nw.col("treated") == 1).then(nw.lit("treated")).otherwise(nw.lit("control"))
    )
    arms = arm_statistics(whole.to_native(), columns=["revenue"], arm="role")
    (m1, v1, n1), (m0, v0, n0) = (
        (arm.means["revenue"], arm.variances["revenue"], arm.n) for arm in (arms["treated"], arms["control"])
    )
    return cautious(mean_estimate(m1, v1, n1, m0, v0, n0), pooled_error(v1, n1, v0, n0))


def in_margin(effect: Estimate, margin_rate: float) -> Estimate:
    """The effect in margin per customer, so that campaigns of different margins can be added up.

    Examples:
        >>> in_margin(Estimate(30.0, 10.0, 10.0, 50.0, 100, 100), 0.5).lower
        5.0
    """
    return replace(
        effect,
        difference=effect.difference * margin_rate,
        standard_error=effect.standard_error * margin_rate,
        lower=effect.lower * margin_rate,
        upper=effect.upper * margin_rate,
    )


def whole_costs(evaluation: Evaluation) -> Costs:
    """Costs of the campaign beside an effect on the customers compared.

    Of chosen customers some have no equals and are in no comparison. Sending to them was paid for all the
    same; no effect is credited to them. Where no profit is known, the cost of a campaign is taken for all
    its customers anyway.
    """
    plan, chosen = evaluation.plan, evaluation.not_randomised
    if chosen is None or not plan.margin_rate or campaign_effect(evaluation) is None:
        return plan.costs
    return replace(plan.costs, fixed=plan.costs.fixed + chosen.left_out_cost)


def whole_profit(evaluation: Evaluation) -> Profit | None:
    """Profit of the campaign; None where its effect or its margin is not known."""
    if evaluation.area is not None:
        return evaluation.area.profit
    effect, plan = campaign_effect(evaluation), evaluation.plan
    if effect is None or not plan.margin_rate:
        return None
    return campaign_profit(effect, margin_rate=plan.margin_rate, costs=whole_costs(evaluation))


def outcome_of(evaluation: Evaluation) -> Outcome:
    """What is known of the campaign's profit.

    ``earning``: a lot decided and profit is above 0 with a probability of 95 % or more; ``losing``: of
    5 % or less; ``unclear``: between the two, or likely but not drawn by lot; ``untested``: profit is not
    known and never will be; ``running``: the windows are not over.
    """
    profit = whole_profit(evaluation)
    if profit is None:
        # What cannot be said now will not be said when the window is over either.
        waits = evaluation.running and evaluation.judged.verdict != "cannot_say"
        return "running" if waits else "untested"
    if profit.p_positive <= UNLIKELY:
        return "losing"
    drawn = evaluation.judged.grade == "randomised"
    return "earning" if drawn and profit.p_positive >= LIKELY else "unclear"
