"""Whom nothing else should be sent to while a test runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from crmreport.analysis.campaign.plan import Area, CampaignPlan
from crmreport.analysis.campaign.under_test import under_test

AS_OF = date(2026, 10, 31)
START = date(2026, 10, 19)
TEST = CampaignPlan("t", "app", START, START, control="none", randomised=True, window_days=30)
STEPS = replace(TEST, kind="steps", start=date(2026, 5, 1), end=date(2026, 12, 31))
DRAWN = pd.DataFrame({"customer_id": ["a", "c", "n", "z"], "arm": ["app", "none", "none", "app"]})


def sends(*rows: tuple[str, str, str], campaign: str = "t") -> pd.DataFrame:
    """Customer, arm, day."""
    frame = pd.DataFrame(rows, columns=["customer_id", "arm", "sent_on"])
    return frame.assign(campaign_id=campaign, sent_on=pd.to_datetime(frame["sent_on"]))


LOG = sends(("a", "app", "2026-10-19"), ("c", "none", "2026-10-19"))


@pytest.mark.parametrize(
    ("plan", "log", "kept_back"),
    [
        pytest.param(TEST, LOG, {"a": "2026-11-17", "c": "2026-11-17"}, id="a running test: both arms alike"),
        pytest.param(replace(TEST, window_days=13), LOG, {}, id="the last day is the last visible one: over"),
        pytest.param(
            replace(TEST, window_days=14), LOG, {"a": "2026-11-01", "c": "2026-11-01"}, id="one day is left"
        ),
        pytest.param(
            replace(TEST, permanent_holdout=True, end=date(2027, 3, 31)),
            LOG,
            {"c": "2027-04-29"},
            id="a permanent holdout: its control alone, to the campaign's end",
        ),
        pytest.param(replace(TEST, randomised=False), LOG, {}, id="chosen, not drawn: nothing to protect"),
        pytest.param(replace(TEST, control=None, randomised=False), LOG, {}, id="nobody was held out"),
        pytest.param(
            STEPS,
            sends(
                ("old", "mail", "2026-05-02"), ("old", "mail", "2026-10-30"), ("new", "none", "2026-10-30")
            ),
            {"new": "2026-11-28"},
            id="steps: each customer until the window from the first one is over",
        ),
        pytest.param(
            replace(TEST, drawn=DRAWN),
            LOG,
            {"a": "2026-11-17", "c": "2026-11-17", "n": "2026-11-17", "z": "2026-11-17"},
            id="drawn and not in the log: until the campaign's last day",
        ),
        pytest.param(
            replace(TEST, drawn=DRAWN, start=date(2026, 11, 4), end=date(2026, 11, 4)),
            None,
            dict.fromkeys("acnz", "2026-12-03"),
            id="drawn for next week",
        ),
        pytest.param(
            replace(TEST, drawn=DRAWN, start=date(2026, 12, 2), end=date(2026, 12, 2)),
            None,
            {},
            id="drawn for after the lists are worked through",
        ),
    ],
)
def test_who_is_kept_back_and_until_when(plan, log, kept_back):
    found = under_test(log, plans=[plan], as_of=AS_OF)
    assert dict(zip(found["customer_id"], map(str, found["until"]), strict=True)) == kept_back


def test_places_keep_nobody_back():
    area = CampaignPlan("t", "tv", START, START, kind="area", area=Area("store_id", ("札幌店",)))
    assert under_test(LOG, plans=[area], as_of=AS_OF).empty


def test_of_two_tests_the_later_end_counts_and_rows_in_any_order_say_the_same(engine):
    both = pd.concat([LOG, sends(("a", "x", "2026-10-30"), campaign="u")])
    plans = [TEST, replace(TEST, campaign_id="u")]
    found = under_test(engine(both[::-1]), plans=plans, as_of=AS_OF)
    assert found["customer_id"].tolist() == ["a", "c"]
    assert [str(day) for day in found["until"]] == ["2026-11-28", "2026-11-17"]
    # Sent after the last visible day: not known yet.
    late = sends(("late", "app", "2026-11-01"))
    assert under_test(late, plans=[TEST], as_of=AS_OF).empty
