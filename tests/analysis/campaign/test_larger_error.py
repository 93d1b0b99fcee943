"""Verdicts rest on the larger error of a mean wherever they ask one: guardrails, and tests that run."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from crmreport.analysis.campaign.comparison import Effect
from crmreport.analysis.campaign.guardrail import check_guardrail
from crmreport.analysis.campaign.randomised import customers_needed
from crmreport.analysis.campaign.sequential import always_valid
from tests.analysis.campaign.mailings import AS_OF, PLAN, evaluate, shop

SMALL = replace(PLAN, arms={"mail": 0.9, "none": 0.1}, guardrails={"revenue": 200.0})


def small_control() -> tuple[pd.DataFrame, ...]:
    """One in ten is held out, and among them nobody bought for much."""
    sends, lines, ranks = shop(arms=("mail",) * 9 + ("none",))
    held = set(sends.loc[sends["arm"] == "none", "customer_id"])
    after = lines["customer_id"].isin(held) & (lines["order_date"] >= pd.Timestamp(PLAN.start))
    amounts = lines["revenue"].where(~after, lines["revenue"].clip(upper=3000))
    return sends, lines.assign(revenue=amounts), ranks


def widened(effect: Effect) -> bool:
    return effect.pooled_error > 1.05 * effect.estimate.standard_error


def test_of_a_finished_test_guardrails_on_money_and_the_customers_needed():
    (arm,) = evaluate(small_control(), SMALL).arms
    revenue = arm.effects["revenue"]
    assert widened(revenue)
    assert arm.guardrails["revenue"] == check_guardrail(revenue.for_money, margin=200.0, harm="decrease")
    assert arm.needed == customers_needed(revenue.for_money, arm.profit, control_share=0.1)


def test_of_a_running_test_everything():
    over = evaluate(small_control(), SMALL).arms[0].effects["revenue"]
    plan = replace(SMALL, end=date(2026, 12, 1), planned_customers=3000)
    (arm,) = evaluate(small_control(), plan, AS_OF).arms
    revenue = arm.effects["revenue"].estimate
    assert revenue.standard_error == pytest.approx(over.pooled_error)
    look = always_valid(over.for_money, planned_customers=3000)
    assert (revenue.lower, revenue.upper) == pytest.approx((look.lower, look.upper))
    assert revenue.p_value == pytest.approx(look.p_value)
    assert arm.profit.upper - arm.profit.lower == pytest.approx(
        (look.upper - look.lower) * arm.profit.n_treatment * 0.6
    )
