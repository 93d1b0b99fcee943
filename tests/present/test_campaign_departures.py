"""A campaign sent otherwise than drawn: the page names what happened, and one way out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from crmreport.analysis.campaign.evaluate import evaluate_campaign
from crmreport.analysis.campaign.evaluation import Evaluation
from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.present import campaign as page
from crmreport.present.table import Table
from crmreport.present.words import Words

N, DAY = 200, date(2026, 8, 3)
DRAWN = pd.DataFrame({"customer_id": [f"{i:03d}" for i in range(N)], "arm": ["mail", "none"] * (N // 2)})
PLAN = CampaignPlan(
    "c", "mail", DAY, DAY, arms={"mail": 1, "none": 1}, control="none", randomised=True, drawn=DRAWN
)
LINES = pd.DataFrame(
    {
        "customer_id": DRAWN["customer_id"],
        "order_id": DRAWN["customer_id"],
        "order_date": pd.Timestamp("2026-08-05"),
        "revenue": 100.0,
    }
)
WORDS = {
    lang: Words(
        lang, own={"campaign_name.c": "Refill", "campaign_arm.c.mail": "M", "campaign_arm.c.none": "N"}
    )
    for lang in ("ja", "en")
}


def evaluated(sent: pd.DataFrame, plan: CampaignPlan = PLAN, as_of: date = date(2026, 9, 30)) -> Evaluation:
    sends = sent.assign(sent_on=pd.Timestamp(DAY))
    return evaluate_campaign(sends, LINES, plan=plan, as_of=as_of)


def tables(found: Evaluation) -> dict[str, Table]:
    return {shown.id: shown for shown in page.design(found) if isinstance(shown, Table)}


@pytest.fixture(scope="module")
def departed() -> Evaluation:
    """Of 200 drawn 10 are absent and 4 in the other arm; 3 who were not drawn were sent to."""
    other = {"mail": "none", "none": "mail"}
    sent = DRAWN[10:].copy()
    sent.iloc[:4, 1] = sent.iloc[:4, 1].map(other)
    strangers = pd.DataFrame({"customer_id": ["x", "y", "z"], "arm": "mail"})
    return evaluated(pd.concat([sent, strangers]))


def test_the_reason_names_what_happened_and_not_the_sizes(departed):
    assert (departed.judged.verdict, departed.judged.reason) == ("cannot_say", "sent_otherwise")
    (finding,) = page.findings(departed)
    assert {
        name: fact.value for name, fact in finding.facts.items() if name not in ("campaign", "share")
    } == {
        "otherwise": 17,
        "moved": 4,
        "uninvited": 3,
        "absent": 10,
    }
    assert finding.facts["share"].value == pytest.approx(17 / 203)
    table = tables(departed)["campaign.departures"].frame
    assert table["customers"].tolist() == [4, 3, 10, 17]
    assert "sent otherwise than drawn" in WORDS["en"].say(page.message(departed).text)
    said = WORDS["ja"].say(page.message(departed).text)
    assert "割り付けと異なる配信" in said
    assert "群の人数" not in said


def test_the_plan_of_the_sizes_is_the_list_and_not_a_share_of_the_log():
    lost = tables(evaluated(DRAWN[20:]))["campaign.sizes"].frame.set_index("arm")
    assert lost["customers"].to_dict() == {"mail": 90, "none": 90}
    assert lost["planned"].to_dict() == {"mail": 100, "none": 100}
    shares = tables(evaluated(DRAWN[20:], replace(PLAN, drawn=None)))["campaign.sizes"].frame
    assert shares["planned"].tolist() == [90, 90]


def test_a_control_the_log_does_not_list_is_told():
    found = tables(evaluated(DRAWN[DRAWN["arm"] == "mail"]))["campaign.departures"]
    assert found.frame["customers"].tolist() == [0, 0, 0, 0]
    assert found.note is not None
    for lang, number in (("ja", "100人とした"), ("en", "the 100 customers drawn")):
        assert number in WORDS[lang].say(found.note)


def test_sizes_of_a_list_still_sent_to_are_not_called_as_planned():
    part = DRAWN[(DRAWN["arm"] == "none") | (DRAWN.index < 40)]
    plan = replace(PLAN, end=date(2026, 8, 9))
    for as_of, result in ((DAY, "sample_ratio.noted"), (date(2026, 8, 20), "sample_ratio.blocks")):
        checks = tables(evaluated(part, plan, as_of))["campaign.checks"].frame.set_index("check")
        assert checks.loc["sample_ratio", "result"] == result
        assert pd.isna(checks.loc["sample_ratio", "value"]) == (as_of == DAY)


def test_the_check_names_the_share_of_the_arm_that_was_not_as_drawn():
    # Five of 20 held out were sent to: 2.5 % of all, a quarter of the control.
    drawn = DRAWN.assign(arm=["none"] * 20 + ["mail"] * (N - 20))
    sent = drawn.assign(arm=["mail"] * 5 + ["none"] * 15 + ["mail"] * (N - 20))
    plan = replace(PLAN, arms={"mail": 9, "none": 1}, drawn=drawn)
    checks = tables(evaluated(sent, plan))["campaign.checks"].frame.set_index("check")
    assert checks.loc["not_as_planned", "value"] == pytest.approx(0.25)


def test_a_test_sent_as_drawn_needs_no_such_table():
    assert "campaign.departures" not in tables(evaluated(DRAWN))
