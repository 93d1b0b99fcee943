"""Step mails: who entered, who got which step, and what the same people did at two of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.analysis.messages.step_funnel import clear_drops, step_funnel
from tests.analysis.shops import orders

AS_OF = date(2026, 10, 31)
WELCOME = CampaignPlan("welcome", "mail", date(2026, 9, 1), date(2026, 12, 31), control="held", kind="steps")
START = date(2026, 9, 1)
GAPS = (0, 3, 10)


def flow(
    customer: str, steps: int, *, clicks: str = "", start: date = START, arm: str = "mail"
) -> list[dict]:
    """So many steps from a day on; ``clicks`` names the steps clicked."""
    return [
        {
            "campaign_id": "welcome",
            "customer_id": customer,
            "arm": arm,
            "step": step,
            "sent_on": start + timedelta(days=GAPS[step - 1]),
            "delivered_on": start + timedelta(days=GAPS[step - 1]),
            "clicked_on": start + timedelta(days=GAPS[step - 1]) if str(step) in clicks else None,
        }
        for step in range(1, steps + 1)
    ]


def sends(*flows: list[dict]) -> pd.DataFrame:
    frame = pd.DataFrame([row for each in flows for row in each])
    frame = frame.assign(
        **{day: pd.to_datetime(frame[day]) for day in ("sent_on", "delivered_on", "clicked_on")}
    )
    return frame.astype({"campaign_id": "str", "customer_id": "str", "arm": "str", "step": "float64"})


SENDS = sends(
    flow("a", 3, clicks="12"),
    flow("b", 3, clicks="1"),
    flow("c", 1),  # bought after step 1 and left the flow
    flow("d", 2, clicks="2"),
    flow("late", 2, start=date(2026, 10, 20)),
    flow("held", 3, arm="held"),
)
ORDERS = orders(
    ("c", "2026-09-02"),  # between step 1 and 2
    ("a", "2026-09-04"),  # on the day of step 2: counts for step 2, not 1
    ("b", "2026-09-17"),  # the seventh day after step 3
    ("d", "2026-09-12"),  # the ninth day after step 2, the last it got
    ("held", "2026-09-02"),
)


FOUND = step_funnel(SENDS, ORDERS, as_of=AS_OF, campaigns=[WELCOME])
TABLE = FOUND.table.set_index("step")


def test_every_engine_counts_alike(engine):
    found = step_funnel(engine(SENDS), engine(ORDERS), as_of=AS_OF, campaigns=[WELCOME])
    pd.testing.assert_frame_equal(found.table, FOUND.table)
    assert (found.flow_days, found.n_underway) == ({"welcome": 10}, {"welcome": 1})


def test_counts_by_hand():
    assert TABLE["sent"].tolist() == [4, 3, 2]
    assert TABLE["clicked"].tolist() == [2, 2, 0]
    assert TABLE["converted"].tolist() == [1, 1, 1]
    assert TABLE["of_entered"].tolist() == [1, 3 / 4, 2 / 4]
    assert TABLE["conversion_rate"].tolist() == [1 / 4, 1 / 3, 1 / 2]
    assert TABLE["converted_of_entered"].tolist() == [1 / 4] * 3


def test_later_steps_are_marked_as_selected():
    assert TABLE["is_selected"].tolist() == [False, True, True]


def test_only_people_who_got_both_steps_are_compared():
    assert TABLE["both"].tolist() == [0, 3, 2]
    # Step 2: of a, b and d two had clicked before (a, b) and two click here (a, d).
    assert TABLE.loc[2, ["same_before_rate", "same_rate"]].tolist() == [2 / 3, 2 / 3]
    assert TABLE.loc[3, ["same_before_rate", "same_rate"]].tolist() == [1 / 2, 0]
    assert np.isnan(TABLE.loc[1, "same_rate"])


def test_a_response_never_recorded_is_blank():
    assert TABLE[["open_rate", "unsubscribe_rate"]].isna().all(axis=None)


def test_who_entered_before_the_window_is_not_in_it():
    found = step_funnel(SENDS, ORDERS, as_of=AS_OF, campaigns=[WELCOME], since=date(2026, 10, 1))
    assert found.table.empty
    assert found.n_underway == {"welcome": 1}


def test_other_kinds_of_campaign_have_no_steps(engine):
    single = replace(WELCOME, kind="single")
    assert step_funnel(engine(SENDS), engine(ORDERS), as_of=AS_OF, campaigns=[single]).table.empty


@pytest.mark.parametrize(
    ("fewer", "dropped"),
    [
        pytest.param(12, [2], id="12 of 40 stop clicking, none begins: told"),
        pytest.param(3, [], id="3 of 40 stop: may be chance"),
    ],
)
def test_a_drop_among_the_same_people_is_told_beyond_chance(fewer, dropped):
    flows = [flow(f"c{i}", 2, clicks="12" if i >= fewer else "1") for i in range(40)]
    found = step_funnel(sends(*flows), ORDERS, as_of=AS_OF, campaigns=[WELCOME])
    assert clear_drops(found)["step"].tolist() == dropped


def test_fewer_people_are_no_drop():
    """Half of the customers leave the flow; those who stay click as before."""
    flows = [flow(f"c{i}", 1 + i % 2, clicks="12" if i % 4 == 1 else "") for i in range(80)]
    found = step_funnel(sends(*flows), ORDERS, as_of=AS_OF, campaigns=[WELCOME])
    assert clear_drops(found).empty
