"""Which campaigns are evaluated, and that they are evaluated as one alone is."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from crmreport.analysis.campaign.campaign_programme import campaign_programme
from crmreport.analysis.campaign.evaluate import evaluate_campaign
from crmreport.analysis.campaign.evaluate_all import evaluate_all, plans_in
from crmreport.analysis.campaign.evaluation import Evaluation
from crmreport.errors import ConfigError, DataError
from tests.analysis.campaign.programmes import PERIOD, orders, plan, sends_of

WHEN = {
    "sent in the months": (plan("a", "2026-09-01"), True),
    "last window day is the first of the months": (plan("a", "2026-07-19"), True),
    "window over the day before": (plan("a", "2026-07-18"), False),
    "begins on the last day": (plan("a", "2026-10-31"), True),
    "begins the day after": (plan("a", "2026-11-01"), False),
    "runs through all of them": (plan("a", "2026-01-01", end=date(2026, 12, 31)), True),
}


@pytest.mark.parametrize(("campaign", "touches"), WHEN.values(), ids=WHEN)
def test_which_campaigns_touch_the_months(campaign, touches):
    sent = sends_of([plan("another", "2026-09-01")])
    assert plans_in([campaign], sent, period=PERIOD, months=3) == ([campaign] if touches else [])


# Described day, day sent on, day of a later step
SEEN = {
    "put off into the months": ("2026-07-01", "2026-08-05", None, True),
    "put off, its window over the day before the months": ("2026-07-01", "2026-07-18", None, False),
    "put off, its window's last day in the months": ("2026-07-01", "2026-07-19", None, True),
    "sent before the day described, in the months": ("2026-11-02", "2026-10-30", None, True),
    "sent after the months": ("2026-11-02", "2026-11-02", None, False),
    "only a later step in the months, no window": ("2026-07-01", "2026-07-01", "2026-08-05", False),
}


@pytest.mark.parametrize(("described", "sent", "step", "touches"), SEEN.values(), ids=SEEN)
def test_a_campaign_belongs_to_the_months_it_was_sent_in(described, sent, step, touches):
    campaign = plan("a", described)
    log = sends_of([plan("a", sent)])
    if step:
        log = pd.concat([log, log.assign(sent_on=pd.Timestamp(step))], ignore_index=True)
    assert plans_in([campaign], log, period=PERIOD, months=3) == ([campaign] if touches else [])


def test_a_campaign_put_off_is_counted_over_the_days_it_was_sent():
    late = plan("late", "2026-07-01")
    log = sends_of([plan("late", "2026-09-01")], customers=200)
    spent = [(f"c{i}", "2026-09-05", 40.0 + 20 * (i % 2 == 0) + i % 3) for i in range(200)]
    evaluations = evaluate_all(log, orders(*spent), plans=[late], period=PERIOD)
    found = campaign_programme(evaluations, log, orders(*spent), plans=[late], period=PERIOD)
    row = found.table.iloc[0]
    assert (row["window_end"], found.n_earlier) == (date(2026, 9, 14), 0)
    assert found.counted.revenue == pytest.approx(sum(s[2] for s in spent[::2]))


PLANS = [plan("second", "2026-09-10"), plan("first", "2026-09-01"), plan("never-sent", "2026-09-05")]


@pytest.fixture(scope="module")
def shop() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two campaigns to the same 200 customers; the first one makes those sent to spend 20 more."""
    rng = np.random.default_rng(8)
    sends = sends_of(PLANS[:2], customers=200)
    # Lots drawn apart: held out of both, nobody would have spent as much before the second.
    late = sends["campaign_id"] == "second"
    sends.loc[late, "arm"] = ["none" if i // 2 % 2 else "mail" for i in range(200)]
    sends["delivered_at"] = sends["sent_on"].where(sends["arm"] == "mail")
    spent = [(f"c{i}", "2026-09-05", 40 + 20 * (i % 2 == 0) + rng.normal(0, 5)) for i in range(200)]
    spent += [(f"c{i}", "2026-09-20", 30 + rng.normal(0, 5)) for i in range(200)]
    before = [(f"c{i}", "2026-06-05", 50 + rng.normal(0, 5)) for i in range(200)]
    return sends, orders(*spent, *before)


@pytest.fixture(scope="module")
def evaluated(shop) -> tuple[tuple[Evaluation, ...], list[str]]:
    """The campaigns, and those for which somebody asked what was known before."""
    asked: list[str] = []
    found = evaluate_all(*shop, plans=PLANS, period=PERIOD, attributes=lambda p: asked.append(p.campaign_id))
    return found, asked


def test_each_is_evaluated_as_alone_and_in_order(shop, evaluated):
    found, _ = evaluated
    assert [evaluation.plan.campaign_id for evaluation in found] == ["first", "second"]
    alone = evaluate_campaign(*shop, plan=PLANS[1], as_of=PERIOD.as_of)
    assert found[0].judged == alone.judged
    assert found[0].arms[0].profit == alone.arms[0].profit
    assert alone.arms[0].qini is not None
    assert found[0].arms[0].qini is None, "a bootstrap nothing of the programme rests on"
    assert found[0].judged.verdict == "roll_out"


def test_what_is_known_before_is_asked_for_each_campaign(evaluated):
    assert evaluated[1] == ["first", "second"]


def test_the_programme_agrees_with_the_campaigns_own_chapter(shop, evaluated):
    evaluations, _ = evaluated
    found = campaign_programme(evaluations, *shop, plans=PLANS, period=PERIOD)
    for row, evaluation in zip(found.table.to_dict("records"), evaluations, strict=True):
        (arm,) = evaluation.arms
        assert row["verdict"] == evaluation.judged.verdict
        assert (row["profit"], row["profit_lower"]) == pytest.approx((arm.profit.profit, arm.profit.lower))
        assert row["cost"] == arm.profit.cost


def test_an_unplanned_arm_takes_no_other_campaign_away(shop):
    sends, lines = shop
    slip = (sends["campaign_id"] == "first") & (sends["arm"] == "mail")
    sends = sends.assign(arm=sends["arm"].mask(slip, "maill"))
    found = evaluate_all(sends, lines, plans=PLANS, period=PERIOD)
    first, second = (evaluation.judged for evaluation in found)
    assert (first.verdict, first.reason, first.details) == ("cannot_say", "not_evaluable", ("maill",))
    assert second == evaluate_campaign(sends, lines, plan=PLANS[0], as_of=PERIOD.as_of).judged
    table = campaign_programme(found, sends, lines, plans=PLANS, period=PERIOD).table
    assert table["outcome"].tolist()[0] == "untested"
    assert table.loc[0, ["customers", "held_out", "cost"]].tolist() == [100, 100, 100.0]


def test_other_errors_are_not_swallowed(shop):
    sends, lines = shop
    wrong = [*PLANS[1:], plan("second", "2026-09-10", arms={"mail": 1, "none": 0})]
    with pytest.raises(ConfigError, match="campaign 'second': planned shares are"):
        evaluate_all(sends, lines, plans=wrong, period=PERIOD)
    with pytest.raises(DataError, match="lack the arm"):
        evaluate_all(sends.assign(arm=None), lines, plans=PLANS[:1], period=PERIOD)


def test_no_campaign_touches_the_months(shop):
    assert evaluate_all(*shop, plans=[plan("old", "2025-01-01")], period=PERIOD) == ()
