"""One campaign as a whole: which effect it has, and when it has none."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import narwhals as nw
import pandas as pd
import pytest

from crmreport.analysis.campaign.campaign_effect import (
    campaign_effect,
    customers_sent_to,
    whole_costs,
    whole_profit,
)
from crmreport.analysis.campaign.estimate import normal_estimate
from tests.analysis.campaign.programmes import evaluated, plan, programme_of

ONE = evaluated(plan("a"), 4.0, 1.0)
WITHHELD = SimpleNamespace(adjusted=SimpleNamespace(doubly_robust=None), left_out_cost=4.0)
ADJUSTED = SimpleNamespace(
    adjusted=SimpleNamespace(doubly_robust=normal_estimate(7.0, 1.0, 10, 10)), left_out_cost=4.0
)


@pytest.mark.parametrize(
    ("evaluation", "difference"),
    [
        pytest.param(ONE, 4.0, id="drawn by lot"),
        pytest.param(replace(ONE, running=True), None, id="the window runs: not on the way"),
        pytest.param(evaluated(plan("a")), None, id="the design blocks"),
        pytest.param(
            evaluated(plan("a"), 4.0, verdict="cannot_say", reason="no_profit_known"),
            4.0,
            id="no margin: revenue is known all the same",
        ),
        pytest.param(
            replace(ONE, arms=(), not_randomised=ADJUSTED), 7.0, id="chosen, adjusted: doubly robust"
        ),
        pytest.param(replace(ONE, arms=(), not_randomised=WITHHELD), None, id="chosen, withheld"),
        pytest.param(replace(ONE, arms=()), None, id="nothing may be told"),
        pytest.param(
            replace(ONE, arms=(replace(ONE.arms[0], profit=None),)), None, id="harm, and a handful of buyers"
        ),
    ],
)
def test_effect(evaluation, difference):
    found = campaign_effect(evaluation)
    assert (found and found.difference) == difference


def test_several_arms_together_against_one_control():
    frame = pd.DataFrame(
        {
            "arm": ["a"] * 2 + ["b"] * 4 + ["none"] * 3,
            "treated": [1] * 6 + [0] * 3,
            "revenue": [10.0, 14.0, 6.0, 8.0, 4.0, 6.0, 1.0, 2.0, 3.0],
        }
    )
    arms = (ONE.arms[0], replace(ONE.arms[0], arm="b"))
    outcomes = SimpleNamespace(frame=nw.from_native(frame).lazy())
    found = campaign_effect(replace(ONE, arms=arms, outcomes=outcomes))
    assert found.difference == pytest.approx(8 - 2)
    assert (found.n_treatment, found.n_control) == (6, 3)


def test_customers_sent_to_are_those_of_all_treated_arms():
    responses = pd.DataFrame({"arm": ["a", "b", "none"], "customers": [5, 6, 7]})
    assert customers_sent_to(replace(ONE, responses=responses)) == 11


def test_profit_is_that_of_the_campaigns_own_chapter():
    found = whole_profit(ONE)
    assert (found.profit, found.cost) == (4.0 * 1000 * 0.5 - 1000, 1000)


def test_chosen_customers_nobody_equals_have_cost_their_sends_too():
    chosen = replace(ONE, arms=(), not_randomised=ADJUSTED)
    found = whole_profit(chosen)
    # Ten compared and four left out, 1 a send; the four are credited with no effect.
    assert (found.cost, found.profit) == (14.0, 7.0 * 10 * 0.5 - 14.0)
    assert whole_costs(chosen).total(10) == 14.0
    # Where no profit is known the cost is that of everybody sent to, these among them.
    unknown = replace(chosen, plan=replace(chosen.plan, margin_rate=None))
    for other in (unknown, replace(chosen, not_randomised=WITHHELD)):
        assert whole_costs(other) == ONE.plan.costs


def test_the_programmes_total_holds_the_cost_of_those_left_out():
    chosen = replace(ONE, arms=(), not_randomised=ADJUSTED)
    assert programme_of([chosen]).total.cost == 14.0
