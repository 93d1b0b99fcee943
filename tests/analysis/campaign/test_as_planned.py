"""Sends beside the list that was drawn for them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from crmreport.analysis.campaign.as_planned import as_planned
from crmreport.analysis.campaign.assignment import assignment
from crmreport.analysis.campaign.design import check_design
from crmreport.analysis.campaign.evaluate import evaluate_campaign
from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.errors import ConfigError

N = 400
DRAWN = pd.DataFrame({"customer_id": [f"{i:03d}" for i in range(N)], "arm": ["mail", "none"] * (N // 2)})
HALVES = {"mail": 1, "none": 1}


def moved(n: int) -> pd.DataFrame:
    """The list with n customers of each arm in the other one, so that the sizes stay."""
    other = {"mail": "none", "none": "mail"}
    arms = [other[a] if i < 2 * n else a for i, a in enumerate(DRAWN["arm"])]
    return DRAWN.assign(arm=arms)


def test_who_is_where_the_lot_put_them(engine):
    sent = pd.concat([moved(3)[: N - 10], pd.DataFrame({"customer_id": ["x"], "arm": ["mail"]})])
    found = as_planned(assignment(engine(sent)), engine(DRAWN))
    assert (found.n_drawn, found.n_assigned, found.n_absent) == (N, N - 9, 10)
    assert (found.n_moved, found.n_uninvited) == (6, 1)
    assert found.share == pytest.approx(7 / (N - 9))


@pytest.mark.parametrize(("n", "blocks"), [(0, False), (2, False), (3, True)], ids=["none", "1 %", "1.5 %"])
def test_more_than_a_percent_elsewhere_blocks_though_the_sizes_agree(n, blocks):
    found = check_design(moved(n), planned=HALVES, control="none", drawn=DRAWN)
    assert found.sample_ratio.p_value == 1
    assert [r.code for r in found.reasons] == (["not_as_planned"] if blocks else [])
    assert found.blocks == blocks


def test_customers_not_reached_yet_are_no_departure():
    found = check_design(DRAWN[:300], planned=HALVES, control="none", drawn=DRAWN)
    assert found.as_planned is not None
    assert (found.as_planned.n_absent, found.reasons) == (100, ())


def test_without_a_list_nothing_is_compared():
    assert check_design(DRAWN, planned=HALVES, control="none").as_planned is None


def test_the_verdict_on_a_campaign_sent_otherwise_than_drawn_is_that_nobody_can_say():
    day = date(2026, 8, 3)
    plan = CampaignPlan("c", "mail", day, day, arms=HALVES, control="none", randomised=True, drawn=DRAWN)
    sends = moved(40).assign(sent_on=pd.Timestamp(day))
    lines = pd.DataFrame(
        {
            "customer_id": DRAWN["customer_id"],
            "order_id": DRAWN["customer_id"],
            "order_date": pd.Timestamp("2026-08-05"),
            "revenue": 100.0,
        }
    )
    judged = evaluate_campaign(sends, lines, plan=plan, as_of=date(2026, 9, 30)).judged
    assert (judged.verdict, judged.reason) == ("cannot_say", "assignment_broken")
    asked = evaluate_campaign(sends, lines, plan=replace(plan, drawn=None), as_of=date(2026, 9, 30))
    assert asked.design is not None
    assert not asked.design.blocks


def test_a_list_without_arms_is_refused():
    with pytest.raises(ConfigError, match="the list that was drawn lacks 'arm'; it has customer_id"):
        check_design(DRAWN, planned=HALVES, control="none", drawn=DRAWN[["customer_id"]])
