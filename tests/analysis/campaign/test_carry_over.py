"""Which hypotheses the next month begins with."""

from __future__ import annotations

import pytest

from crmreport.analysis.campaign.carry_over import OPEN, followed_by, status_of
from tests.analysis.campaign.programmes import PERIOD, evaluated, plan

CASES = {
    "rolled out": (plan("a", "2026-10-01"), {"verdict": "roll_out"}, None, "settled"),
    "rolled out to segments": (plan("a", "2026-10-01"), {"verdict": "roll_out_to_segments"}, None, "settled"),
    "stopped": (plan("a", "2026-10-01"), {"verdict": "stop"}, None, "settled"),
    "stopped long ago stays answered": (plan("a", "2026-08-01"), {"verdict": "stop"}, None, "settled"),
    "no answer this month": (plan("a", "2026-10-01"), {"verdict": "keep_testing"}, None, "open"),
    "cannot say, this month": (plan("a", "2026-10-01"), {"verdict": "cannot_say"}, None, "open"),
    "sent last month, window over this month": (plan("a", "2026-09-20"), {}, None, "open"),
    "window over on the first day of this month": (plan("a", "2026-09-18"), {}, None, "open"),
    "window over on the last day of last month": (plan("a", "2026-09-17"), {}, None, "carried"),
    "no answer two months ago": (plan("a", "2026-08-01"), {"verdict": "cannot_say"}, None, "carried"),
    "taken up by another": (plan("a", "2026-08-01"), {"verdict": "keep_testing"}, "b", "followed"),
    "answered and repeated": (plan("a", "2026-08-01"), {"verdict": "stop"}, "b", "settled"),
    "the window runs": (plan("a", "2026-10-25"), {"running": True}, None, "running"),
    "the window runs, and nobody was held out": (
        plan("a", "2026-10-25"),
        {"running": True, "verdict": "cannot_say"},
        None,
        "open",
    ),
    "stopped on the way": (plan("a", "2026-10-25"), {"running": True, "verdict": "stop"}, None, "settled"),
}


@pytest.mark.parametrize(("campaign", "given", "successor", "status"), CASES.values(), ids=CASES)
def test_status(campaign, given, successor, status):
    evaluation = evaluated(campaign, 1.0, **given)
    assert status_of(evaluation, plan=evaluation.plan, successor=successor, period=PERIOD) == status
    assert (status in OPEN) == (status not in ("settled", "followed"))


def test_a_follower_counts_once_it_has_begun():
    first, second = plan("a", "2026-08-01"), plan("b", "2026-11-05", follows="a")
    assert followed_by(first, [first, second], as_of=PERIOD.as_of) is None


def test_of_two_followers_the_earlier_is_named():
    plans = [plan("a"), plan("late", "2026-10-05", follows="a"), plan("early", "2026-10-01", follows="a")]
    assert followed_by(plans[0], plans, as_of=PERIOD.as_of) == "early"
