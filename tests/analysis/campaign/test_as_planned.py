"""Sends beside the list that was drawn for them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from crmreport.analysis.campaign.as_planned import as_planned
from crmreport.analysis.campaign.design import check_design
from crmreport.analysis.campaign.evaluate import evaluate_campaign
from crmreport.analysis.campaign.evaluation import Evaluation
from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.errors import ConfigError

N = 400
DRAWN = pd.DataFrame({"customer_id": [f"{i:03d}" for i in range(N)], "arm": ["mail", "none"] * (N // 2)})
HALVES = {"mail": 1, "none": 1}
DAY = date(2026, 8, 3)
PLAN = CampaignPlan(
    "c", "mail", DAY, DAY, arms=HALVES, control="none", randomised=True, margin_rate=0.5, drawn=DRAWN
)
# Every third customer bought, each for another amount; those drawn for the mail for 300 more.
LINES = pd.DataFrame(
    {
        "customer_id": DRAWN["customer_id"],
        "order_id": DRAWN["customer_id"],
        "order_date": pd.Timestamp("2026-08-05"),
        "revenue": [100.0 + 7 * i % 90 + 300 * (a == "mail") for i, a in enumerate(DRAWN["arm"])],
    }
)[::3]


def moved(n: int) -> pd.DataFrame:
    """The list with n customers of each arm in the other one, so that the sizes stay."""
    other = {"mail": "none", "none": "mail"}
    arms = [other[a] if i < 2 * n else a for i, a in enumerate(DRAWN["arm"])]
    return DRAWN.assign(arm=arms)


def evaluated(sent: pd.DataFrame, *, plan: CampaignPlan = PLAN, as_of: date = date(2026, 9, 30), on=None):
    """The campaign, sent on its day to these customers."""
    sends = sent if "sent_on" in sent else sent.assign(sent_on=pd.Timestamp(DAY))
    on = on or (lambda frame: frame)
    return evaluate_campaign(on(sends), on(LINES), plan=plan, as_of=as_of, qini=False)


def effect(found: Evaluation) -> tuple[dict[str, int], float]:
    """Customers by arm, and the effect on revenue."""
    return found.outcomes.sizes, found.arms[0].effects["revenue"].estimate.difference


def test_who_is_where_the_lot_put_them(engine):
    sent = pd.concat([moved(3)[: N - 10], pd.DataFrame({"customer_id": ["x"], "arm": ["mail"]})])
    found = as_planned(engine(sent), engine(DRAWN), control="none", several=["399", "y"])
    assert (dict(found.sizes), found.n_sent) == ({"mail": 200, "none": 200}, N - 7)
    assert (found.n_moved, found.n_uninvited, found.n_absent, found.n_unlisted) == (7, 2, 9, 0)
    assert found.share == pytest.approx(18 / (N + 2))
    assert len(found.as_drawn) == N
    assert len(found.as_logged) == N - 9


@pytest.mark.parametrize(("n", "blocks"), [(0, False), (2, False), (3, True)], ids=["none", "1 %", "1.5 %"])
def test_more_than_a_percent_elsewhere_blocks_though_the_sizes_agree(n, blocks):
    beside = as_planned(moved(n), DRAWN, control="none")
    found = check_design(moved(n), planned=HALVES, control="none", as_planned=beside)
    assert found.sample_ratio.p_value == 1
    assert [r.code for r in found.reasons] == (["not_as_planned"] if blocks else [])
    assert found.blocks == blocks


def small_control(astray: int, held: int = 500, n: int = 10_000) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The log and the list of a small control, so many of which the log has as sent to."""
    ids = [f"{i:05d}" for i in range(n)]
    drawn = pd.DataFrame({"customer_id": ids, "arm": ["none"] * held + ["mail"] * (n - held)})
    return drawn.assign(arm=["mail"] * astray + ["none"] * (held - astray) + ["mail"] * (n - held)), drawn


SMALL = {
    "one percent of the control": (5, 500, True),
    "a fifth of the control, and less than a percent of all": (95, 500, False),
    "one of thirty: nobody else's effect is lost by it": (1, 30, True),
    "two of thirty": (2, 30, False),
}


@pytest.mark.parametrize(("astray", "held", "holds"), SMALL.values(), ids=SMALL)
def test_a_small_control_is_no_control_when_part_of_it_was_sent_to(astray, held, holds):
    sent, drawn = small_control(astray, held)
    found = as_planned(sent, drawn, control="none")
    assert found.share <= 0.01
    assert found.holds == holds
    planned = {"mail": 10_000 - held, "none": held}
    reasons = check_design(sent, planned=planned, control="none", as_planned=found).reasons
    told = [(r.where, r.value) for r in reasons if r.code == "not_as_planned"]
    assert told == ([] if holds else [("none", astray / held)])


def test_of_a_small_treated_arm_the_absent_were_sent_nothing_and_of_a_small_control_too():
    sent, drawn = small_control(0)
    lost = sent[50:]
    for name, holds in (("none", True), ("mail", False)):
        # With the arms' names exchanged the small one is the treated.
        found = as_planned(lost, drawn, control=name)
        assert (found.n_absent, found.holds) == (50, holds)


@pytest.mark.parametrize(("gone", "blocks"), [(2, False), (3, True), (24, True)])
def test_customers_lost_from_both_arms_alike_are_missed(gone, blocks):
    found = evaluated(DRAWN[2 * gone :])
    assert found.design is not None
    assert found.design.sample_ratio.p_value == 1
    assert found.design.as_planned is not None
    assert found.design.as_planned.n_absent == 2 * gone
    assert ("not_as_planned" in [r.code for r in found.design.reasons]) == blocks
    assert (found.judged.verdict == "cannot_say") == blocks


@pytest.mark.parametrize(
    ("kind", "finished", "absent"),
    [("single", True, 100), ("single", False, 0), ("steps", True, 0), ("cart", True, 0)],
)
def test_whom_a_running_campaign_or_a_flow_did_not_reach_is_not_absent(kind, finished, absent):
    found = as_planned(DRAWN[:300], DRAWN, control="none", finished=finished, by_list=kind == "single")
    assert (found.n_absent, found.n_unlisted, found.holds) == (absent, 0, not absent)
    assert len(found.as_drawn) == 300 + absent


def test_a_running_campaign_is_not_asked_for_those_it_will_reach(engine):
    plan = replace(PLAN, end=date(2026, 9, 20))
    running = evaluated(DRAWN[:300], plan=plan, as_of=date(2026, 9, 19), on=engine).design
    assert running is not None
    assert running.as_planned is not None
    assert running.as_planned.n_absent == 0
    over = evaluated(DRAWN[:300], plan=plan, as_of=date(2026, 9, 20), on=engine).design
    assert over is not None
    assert over.as_planned is not None
    assert over.as_planned.n_absent == 100


def test_arms_are_compared_as_drawn_whatever_a_few_were_sent(engine):
    """Moved, lost, in both arms and never drawn, under 1 % together: the effect is the one of the lot."""
    whole = effect(evaluated(DRAWN, on=engine))
    swapped = moved(1)
    both = pd.concat([DRAWN, DRAWN[:1].assign(arm="none")])
    stranger = pd.concat([DRAWN, pd.DataFrame({"customer_id": ["x"], "arm": ["mail"]})])
    for sent in (swapped, both, stranger, DRAWN[3:], DRAWN[:-4]):
        assert effect(evaluated(sent, on=engine)) == whole
    by_log = effect(evaluated(swapped, plan=replace(PLAN, drawn=None), on=engine))
    assert by_log[1] != pytest.approx(whole[1])


def test_the_control_of_a_log_of_those_sent_to_is_the_one_drawn(engine):
    whole = evaluated(DRAWN, on=engine)
    found = evaluated(DRAWN[DRAWN["arm"] == "mail"], on=engine)
    assert effect(found) == effect(whole)
    assert (found.judged, found.arms[0].profit) == (whole.judged, whole.arms[0].profit)
    assert found.design is not None
    assert found.design.as_planned is not None
    assert (found.design.as_planned.n_absent, found.design.as_planned.n_unlisted) == (0, 200)


def test_without_a_plan_a_log_of_those_sent_to_has_no_control():
    found = evaluated(DRAWN[DRAWN["arm"] == "mail"], plan=replace(PLAN, drawn=None))
    assert found.judged.reason == "no_comparison"


def test_of_a_log_of_those_sent_to_treated_customers_are_missed():
    treated = DRAWN[DRAWN["arm"] == "mail"]
    found = evaluated(treated[3:])
    assert found.design is not None
    assert found.design.as_planned is not None
    assert (found.design.as_planned.n_absent, found.design.as_planned.n_unlisted) == (3, 200)
    assert found.judged.verdict == "cannot_say"
    assert found.outcomes.sizes == {"mail": 197, "none": 200}


def test_a_log_of_those_sent_to_tells_that_the_control_was_sent_to():
    """The whole list went out: nobody was held out, and the plan does not make it so."""
    found = evaluated(DRAWN.assign(arm="mail"))
    assert found.design is not None
    assert found.design.as_planned is not None
    assert (found.design.as_planned.n_moved, found.design.as_planned.n_unlisted) == (200, 0)
    assert found.judged.verdict == "cannot_say"


def test_who_is_absent_is_followed_from_the_middle_day_of_the_sending(engine):
    """The window of the customer the log lacks begins with the others', so their days count."""
    early = pd.Timestamp("2026-08-03")
    sent = DRAWN.assign(sent_on=[early if i < 100 else early + pd.Timedelta(days=4) for i in range(N)])
    plan = replace(PLAN, end=date(2026, 8, 7), window_days=3)
    found = evaluated(sent[3:], plan=plan, on=engine)
    rows = found.outcomes.frame.collect("pandas").to_native().set_index("customer_id")
    assert pd.Timestamp(rows.loc["000", "assigned_on"]) == pd.Timestamp("2026-08-07")
    assert rows.loc["000", ["revenue", "orders_before", "delivered"]].tolist() == [0.0, 1, 0]
    assert bool(rows.loc["000", "complete"])


def test_without_a_list_nothing_is_compared():
    assert check_design(DRAWN, planned=HALVES, control="none").as_planned is None


def test_the_verdict_on_a_campaign_sent_otherwise_than_drawn_is_that_nobody_can_say():
    judged = evaluated(moved(40)).judged
    assert judged.verdict == "cannot_say"
    asked = evaluated(moved(40), plan=replace(PLAN, drawn=None))
    assert asked.design is not None
    assert not asked.design.blocks


def test_a_list_without_arms_is_refused():
    with pytest.raises(ConfigError, match="the list that was drawn lacks 'arm'; it has customer_id"):
        as_planned(DRAWN, DRAWN[["customer_id"]], control="none")


def in_tranches(days: int, of: int = 9, listed: bool = True) -> pd.DataFrame:
    """A control of 40 logged at once (or not at all), and 360 sent to by a ninth a day, so many days."""
    arms = ["none"] * 40 + ["mail"] * 360
    day = [0] * 40 + [i * of // 360 for i in range(360)]
    log = DRAWN.assign(arm=arms, sent_on=[pd.Timestamp(DAY) + pd.Timedelta(days=d) for d in day])
    return log[[d < days and (listed or a == "mail") for d, a in zip(day, arms, strict=True)]]


TENTH = {"mail": 9, "none": 1}
TRANCHES = replace(
    PLAN,
    arms=TENTH,
    end=date(2026, 8, 11),
    drawn=in_tranches(9)[["customer_id", "arm"]].reset_index(drop=True),
)


@pytest.mark.parametrize(
    ("listed", "kept"),
    [(True, True), (False, True), (True, False)],
    ids=["control logged at once", "log of those sent to", "no list kept"],
)
def test_sizes_of_a_list_are_no_fault_while_it_is_sent_day_by_day(listed, kept):
    plan = TRANCHES if kept else replace(TRANCHES, drawn=None)
    found = evaluated(in_tranches(3, listed=listed), plan=plan, as_of=date(2026, 8, 5))
    assert found.design is not None
    assert found.design.sample_ratio.mismatch
    assert [r.code for r in found.design.reasons if r.blocks] == []
    assert found.judged.reason == "still_running"


@pytest.mark.parametrize(
    ("as_of", "absent"),
    [("2026-08-14", 0), ("2026-08-20", 0), ("2026-08-21", 160)],
    ids=["sent to yesterday", "within the longest pause", "longer without a send than ever"],
)
def test_sends_put_off_past_the_described_end_make_nobody_absent(as_of, absent):
    # Five of nine tranches so far, the last of them six days late: the longest pause so far was a week.
    sent = in_tranches(5)
    late = sent["sent_on"] == sent["sent_on"].max()
    sent = sent.assign(sent_on=sent["sent_on"].where(~late, pd.Timestamp("2026-08-13")))
    found = evaluated(sent, plan=TRANCHES, as_of=date.fromisoformat(as_of))
    assert found.design is not None
    assert found.design.as_planned is not None
    assert found.design.as_planned.n_absent == absent
    assert found.design.sending == (not absent)
    assert (found.judged.reason == "sent_otherwise") == bool(absent)


def test_sizes_of_a_list_are_tested_once_sending_is_over():
    plan = replace(TRANCHES, drawn=None)
    for as_of in (date(2026, 8, 15), date(2026, 9, 30)):
        found = evaluated(in_tranches(3), plan=plan, as_of=as_of)
        assert "sample_ratio" in [r.code for r in found.design.reasons]
