"""Campaigns no lot decided among those a lot decided: listed, judged and counted once."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import pandas as pd
import pytest

from crmreport.analysis.campaign.campaign_effect import outcome_of, whole_profit
from crmreport.analysis.campaign.campaign_programme import CampaignProgramme, campaign_programme
from crmreport.analysis.campaign.choice import choose_campaign
from crmreport.analysis.campaign.estimate import normal_estimate
from crmreport.analysis.campaign.evaluate import evaluate_campaign
from crmreport.analysis.campaign.evaluate_all import evaluate_all
from crmreport.analysis.campaign.evaluation import Evaluation
from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.errors import ConfigError, DataError
from tests.analysis.campaign.places import AS_OF, lines_of, plan, sold
from tests.analysis.campaign.programmes import PERIOD, evaluated, orders, programme_of, sends_of
from tests.analysis.campaign.programmes import plan as mailing

NOBODY = sends_of([])
MAIL = mailing("mail", "2026-09-01")


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    return lines_of(sold(3, effect=0.5)[0])


@pytest.fixture(scope="module")
def spot(lines) -> Evaluation:
    return evaluate_campaign(NOBODY, lines, plan=plan(), as_of=AS_OF)


def together(*evaluations: Evaluation, lines: pd.DataFrame) -> CampaignProgramme:
    plans = [evaluation.plan for evaluation in evaluations]
    sends = sends_of([plan for plan in plans if plan.area is None])
    return campaign_programme(evaluations, sends, lines, plans=plans, period=PERIOD)


def test_an_area_campaign_needs_no_sends(spot):
    assert spot.judged == spot.area.judged
    assert (spot.responses.empty, spot.outcomes.n_customers, spot.arms, spot.design) == (True, 0, (), None)
    assert outcome_of(spot) == "unclear", "likely, but nobody drew lots"


def test_alone_it_is_the_programme(spot, lines):
    found = together(spot, lines=lines)
    (row,) = found.table.to_dict("records")
    profit = spot.area.profit
    assert (row["verdict"], row["grade"], row["outcome"]) == ("keep_testing", "adjusted", "unclear")
    assert pd.isna(row["customers"])
    assert pd.isna(row["held_out"])
    assert (row["profit"], row["profit_lower"], row["p_positive"]) == (
        profit.profit, profit.lower, profit.p_positive,
    )  # fmt: skip
    assert row["shrunk_profit"] == profit.profit
    assert (found.total.profit, found.total.profit_upper) == pytest.approx((profit.profit, profit.upper))
    assert (found.counted, found.holdout) == (None, None)
    assert found.pressure.n_messages == 0


def test_beside_a_mailing_each_profit_is_in_the_total_once(spot, lines):
    mail = evaluated(MAIL, 3.0, 1.0)
    alone, found = together(mail, lines=lines).total, together(mail, spot, lines=lines)
    area = spot.area.profit
    assert found.total.profit == pytest.approx(alone.profit + area.profit)
    assert found.total.cost == alone.cost + 100
    reach = math.hypot(alone.profit_upper - alone.profit, area.upper - area.profit)
    assert found.total.profit_upper - found.total.profit == pytest.approx(reach)
    assert found.total.source == alone.source
    shrunk = found.table.set_index("campaign_id")["shrunk_profit"]
    before = together(mail, lines=lines).table.set_index("campaign_id")["shrunk_profit"]
    assert shrunk["mail"] == before["mail"], "a profit of no customers draws nobody's mean"
    assert found.groups.set_index("outcome").loc["total", "campaigns"] == 2


def test_what_choosing_left_in_an_effect_is_carried_to_no_other_campaign():
    drawn = [evaluated(mailing(name, "2026-09-01"), each, 1.0) for name, each in (("a", 4.0), ("b", 1.0))]
    adjusted = SimpleNamespace(doubly_robust=normal_estimate(-3.0, 1.0, 10, 10))
    chosen = replace(
        evaluated(mailing("picked", "2026-09-01"), -3.0, 1.0),
        arms=(),
        not_randomised=SimpleNamespace(adjusted=adjusted, left_out_cost=0.0),
    )
    alone, found = programme_of(drawn), programme_of([*drawn, chosen])
    before, after = (each.table.set_index("campaign_id")["shrunk_profit"] for each in (alone, found))
    assert after[["a", "b"]].tolist() == before[["a", "b"]].tolist()
    profit = whole_profit(chosen).profit
    assert after["picked"] == profit < 0, "a measured loss is not drawn to the profits of others"
    assert found.total.profit == pytest.approx(alone.total.profit + profit)
    assert found.total.cost == pytest.approx(alone.total.cost + 10)


def test_revenue_counted_once_is_of_the_mailings_alone(spot, lines):
    mail = evaluated(MAIL, 3.0, 1.0)
    found = together(mail, spot, lines=lines).counted
    assert found.table["campaign_id"].tolist() == ["mail"]
    assert found.inflation == pytest.approx(together(mail, lines=lines).counted.inflation, nan_ok=True)


def test_of_an_effect_nobody_knows_the_cost_is_counted(lines):
    few = evaluate_campaign(NOBODY, lines, plan=plan(donors=("s03",)), as_of=AS_OF)
    mail = evaluated(MAIL, 3.0, 1.0)
    alone, found = together(mail, lines=lines).total, together(mail, few, lines=lines)
    assert found.table["outcome"].tolist() == ["untested", "unclear"]
    assert found.total.profit == pytest.approx(alone.profit - 100)
    only = together(few, lines=lines).total
    assert only.cost == 100
    assert math.isnan(only.profit)


def test_while_it_runs_it_is_in_no_total(lines):
    spot = evaluate_campaign(NOBODY, lines, plan=plan(window_days=200), as_of=AS_OF)
    found = together(spot, lines=lines)
    assert found.table["outcome"].tolist() == ["running"]
    assert found.total is None


def test_evaluated_with_all_others(lines, spot):
    plans = [plan(), mailing("never-sent", "2026-09-05")]
    found = evaluate_all(NOBODY, lines, plans=plans, period=PERIOD)
    assert [(each.plan.campaign_id, each.judged) for each in found] == [("spot", spot.judged)]


def test_what_two_campaigns_in_one_place_sold_together_is_counted_for_neither(lines):
    plans = [plan(), replace(plan(), campaign_id="flyer", channel="flyer")]
    found = evaluate_all(NOBODY, lines, plans=plans, period=PERIOD)
    assert [each.judged.details[0] for each in found] == ["other_campaign"] * 2
    total = together(*found, lines=lines).total
    assert total.cost == 200
    assert math.isnan(total.profit)


def test_a_slip_in_a_place_takes_no_other_campaign_away(lines):
    slip = plan("s0O")
    with pytest.raises(ConfigError, match="campaign 'spot': 1 places have no sales .* did you mean 's"):
        evaluate_campaign(NOBODY, lines, plan=slip, as_of=AS_OF)
    found = evaluate_all(NOBODY, lines, plans=[slip], period=PERIOD)
    judged = found[0].judged
    assert (judged.verdict, judged.reason, judged.details) == ("cannot_say", "not_evaluable", ("s0O",))
    table = together(*found, lines=lines).table
    assert (table["outcome"].tolist(), table["cost"].tolist()) == (["untested"], [100.0])


def test_homes_of_customers_say_where_a_spot_was_seen(lines, spot):
    homes = pd.DataFrame(
        {"customer_id": "c" + lines["store_id"].unique(), "prefecture": lines["store_id"].unique()}
    )
    seen = plan(column="prefecture")
    (found,) = evaluate_all(NOBODY, lines, plans=[seen], period=PERIOD, customers=homes)
    assert found.area.lift.difference == pytest.approx(spot.area.lift.difference)


OCTOBER = {"since": PERIOD.start, "as_of": PERIOD.as_of}


def test_the_campaign_in_depth_is_one_that_was_sent_unless_named():
    sends = sends_of([MAIL])
    assert choose_campaign([plan(), MAIL], sends, **OCTOBER).campaign_id == "mail"
    assert choose_campaign([plan(), MAIL], sends, campaign_id="spot", **OCTOBER).campaign_id == "spot"
    assert choose_campaign([plan()], NOBODY, **OCTOBER).campaign_id == "spot"
    assert choose_campaign([plan()], NOBODY, since=date(2026, 7, 1), as_of=date(2026, 7, 31)) is None


CONTRADICTIONS = [
    pytest.param({"kind": "area"}, id="no places"),
    pytest.param({"area": plan().area}, id="places of a mailing"),
]


@pytest.mark.parametrize("given", CONTRADICTIONS)
def test_an_area_campaign_and_no_other_has_places(given):
    with pytest.raises(ConfigError, match="an area campaign, and no other, says where it ran"):
        CampaignPlan("x", "tv", PERIOD.start, PERIOD.as_of, **given)


def test_orders_without_any_store(spot):
    lines = orders(("c0", "2026-09-02", 100.0))
    with pytest.raises(DataError, match="lack the column 'store_id'"):
        evaluate_all(NOBODY, lines, plans=[plan()], period=PERIOD)
