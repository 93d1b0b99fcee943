"""Messages per customer: what counts as one, and in which group a customer is."""

from __future__ import annotations

import math
from datetime import date

import pandas as pd
import pytest

from crmreport.analysis.campaign.contact_pressure import contact_pressure
from tests.analysis.campaign.programmes import plan

SINCE, AS_OF = date(2026, 8, 1), date(2026, 10, 31)


def sends(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    found = pd.DataFrame(rows, columns=["campaign_id", "customer_id", "arm", "sent_on"])
    return found.assign(sent_on=pd.to_datetime(found["sent_on"]))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([("a", "1", "mail", "2026-10-01")], [["1", 1, 1]], id="one message"),
        pytest.param([("a", "1", "none", "2026-10-01")], [], id="held out: no message"),
        pytest.param(
            [("a", "1", "mail", "2026-10-01"), ("b", "1", "line", "2026-10-01")],
            [["2", 1, 2]],
            id="two campaigns on one day: two messages",
        ),
        pytest.param(
            [("a", "1", "mail", "2026-07-31"), ("a", "1", "mail", "2026-11-01")],
            [],
            id="before and after the months",
        ),
        pytest.param(
            [("a", "1", "mail", "2026-08-01"), ("a", "2", "mail", "2026-10-31")],
            [["1", 2, 2]],
            id="first and last day count",
        ),
        pytest.param([("unplanned", "1", "mail", "2026-10-01")], [], id="no plan: not counted"),
        pytest.param(
            [("a", "1", "mail", f"2026-10-{day}") for day in range(10, 22)]
            + [("a", "2", "mail", f"2026-10-{day}") for day in range(10, 14)],
            [["3-4", 1, 4], ["10+", 1, 12]],
            id="a step mail is a message each step",
        ),
    ],
)
def test_cases(rows, expected):
    plans = [plan("a"), plan("b")]
    found = contact_pressure(sends(*rows), plans=plans, since=SINCE, as_of=AS_OF)
    assert found.table[["messages", "customers", "sent"]].to_numpy().tolist() == expected
    assert found.n_messages == sum(row[2] for row in expected)


def test_a_campaign_without_a_control_sent_to_everybody():
    campaign = plan("a", control=None, randomised=False, arms={})
    found = contact_pressure(
        sends(("a", "1", "none", "2026-10-01")), plans=[campaign], since=SINCE, as_of=AS_OF
    )
    assert found.n_messages == 1


def test_every_engine_counts_alike(engine):
    rows = sends(*[("a", str(i % 7), "mail", f"2026-10-{i + 1:02d}") for i in range(20)])
    found = contact_pressure(engine(rows), plans=[plan("a")], since=SINCE, as_of=AS_OF)
    assert (found.n_customers, found.n_messages, found.largest) == (7, 20, 3)
    assert found.table["customer_share"].sum() == pytest.approx(1)
    assert found.table["sent_share"].sum() == pytest.approx(1)


def test_nothing_sent_has_no_mean():
    found = contact_pressure(sends(), plans=[], since=SINCE, as_of=AS_OF)
    assert found.table.empty
    assert math.isnan(found.mean)
