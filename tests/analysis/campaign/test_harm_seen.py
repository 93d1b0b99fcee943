"""Guardrails of campaigns nobody drew by lot: harm is seen and shown, and decides nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crmreport.analysis.campaign.money import Costs
from tests.analysis.campaign.mailings import PLAN, evaluate, lost_treated, shop

CHOSEN = replace(PLAN, randomised=False, guardrails={"unsubscribed": 0.01}, costs=Costs(send=1))


@pytest.mark.parametrize(
    ("share", "outcome"),
    [
        pytest.param(0.03, "beyond", id="45 of 1,500 left"),
        pytest.param(0.01, "open", id="15 left: the margin itself"),
        pytest.param(0.002, "within", id="3 left"),
        pytest.param(0.0, "unmeasured", id="nobody left: perhaps nobody wrote it down"),
    ],
)
def test_unsubscribes_of_those_sent_to_stand_beside_the_margin(share, outcome, engine):
    found = evaluate(shop(unsubscribe=share), CHOSEN, engine=engine)
    (seen,) = found.harm_seen
    assert (seen.metric, seen.outcome, seen.n, seen.margin) == ("unsubscribed", outcome, 1500, 0.01)
    if outcome != "unmeasured":
        assert (seen.count, seen.rate) == (round(share * 1500), pytest.approx(share))
        assert seen.lower < seen.rate < seen.upper


@pytest.mark.parametrize("share", [0.03, 0.002], ids=["harm", "none"])
@pytest.mark.parametrize("costs", [Costs(send=1), Costs(send=500)], ids=["pays", "loses"])
def test_harm_seen_changes_no_verdict_and_never_rolls_out(share, costs):
    plan = replace(CHOSEN, costs=costs)
    judged = evaluate(shop(unsubscribe=share), plan).judged
    assert judged == evaluate(shop(unsubscribe=share), replace(plan, guardrails={})).judged
    assert judged.verdict == ("keep_testing" if costs.send == 1 else "stop")


def test_where_only_a_difference_tells_harm_nothing_is_claimed():
    (seen,) = evaluate(shop(), replace(CHOSEN, guardrails={"revenue": 50.0})).harm_seen
    assert (seen.outcome, seen.rate == seen.rate) == ("not_comparable", False)


def test_while_windows_run_a_share_below_the_margin_is_no_answer_yet():
    found = evaluate(shop(unsubscribe=0.002), replace(CHOSEN, end=CHOSEN.start.replace(month=12)))
    assert (found.running, found.harm_seen[0].outcome) == (True, "open")


def test_a_broken_draw_shows_harm_too_and_a_sound_one_tests_it():
    planned = replace(PLAN, guardrails={"unsubscribed": 0.01})
    broken = evaluate(lost_treated(shop(n=2000, unsubscribe=0.05)), planned)
    assert (broken.judged.reason, broken.harm_seen[0].outcome) == ("assignment_broken", "beyond")
    assert evaluate(shop(unsubscribe=0.05), planned).harm_seen == ()
