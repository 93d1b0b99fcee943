"""What became of a message: one rule, whether it is asked for a campaign's verdict or for response rates."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from crmreport.analysis.campaign.contact_pressure import contact_pressure
from crmreport.analysis.campaign.outcomes import outcomes, responses
from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.analysis.campaign.sent import sent_rows
from crmreport.analysis.ledger import to_pandas
from crmreport.analysis.messages.sent import messages
from tests.analysis.campaign.programmes import orders

SENT, AS_OF = date(2026, 10, 5), date(2026, 10, 31)
PLAN = CampaignPlan("m", "mail", SENT, SENT, control="held", window_days=30)
DAYS = ("sent_on", "delivered_on", "opened_on", "clicked_on", "unsubscribed_on")
TOLD = ("delivered", "opened", "machine_opened", "clicked", "unsubscribed")


def sends(*rows: dict) -> pd.DataFrame:
    """Sends of campaign m on 5 October with nothing on record, but for what is given."""
    blank = dict.fromkeys(DAYS[1:]) | {"bounced": False, "machine_open": False}
    usual = {"campaign_id": "m", "customer_id": "a", "arm": "mail", "sent_on": "2026-10-05"}
    frame = pd.DataFrame([usual | blank | row for row in rows])
    return frame.assign(**{day: pd.to_datetime(frame[day]) for day in DAYS})


# Somebody whose delivery is on record: then a row without one was not delivered.
RECORDED = {"customer_id": "z", "delivered_on": "2026-10-05"}
CASES = {
    "a delivery on record": ([{"delivered_on": "2026-10-06"}, RECORDED], "delivered"),
    "none, where others have one": ([{}, RECORDED], ""),
    "opened, so it had arrived": ([{"opened_on": "2026-10-06"}, RECORDED], "delivered opened"),
    "opened by a machine, so it had arrived": (
        [{"opened_on": "2026-10-06", "machine_open": True}, RECORDED],
        "delivered machine_opened",
    ),
    "clicked": ([{"clicked_on": "2026-10-06"}, RECORDED], "delivered clicked"),
    "unsubscribed": ([{"unsubscribed_on": "2026-10-06"}, RECORDED], "delivered unsubscribed"),
    "no deliveries on record": ([{}], "delivered"),
    "no deliveries on record, and it bounced": ([{"bounced": True}], ""),
    "bounced and clicked": ([{"bounced": True, "clicked_on": "2026-10-06"}], "delivered clicked"),
    "opened after the last visible day": ([{"opened_on": "2026-11-01"}, RECORDED], ""),
    "opened on the last visible day": ([{"opened_on": "2026-10-31"}, RECORDED], "delivered opened"),
    "opened before it was sent": ([{"opened_on": "2026-10-04"}, RECORDED], ""),
    "unsubscribed before it was sent": (
        [{"unsubscribed_on": "2026-10-04", "delivered_on": "2026-10-05"}],
        "delivered",
    ),
    "delivered by a clock that is slow": ([{"delivered_on": "2026-10-04"}, RECORDED], "delivered"),
    "by a machine, then by a person": (
        [{"opened_on": "2026-10-05", "machine_open": True}, {"opened_on": "2026-10-07"}, RECORDED],
        "delivered opened",
    ),
    "the same row twice": ([{"clicked_on": "2026-10-06"}] * 2 + [RECORDED], "delivered clicked"),
    "of another campaign nothing is on record": (
        [{}, RECORDED, {"campaign_id": "x", "customer_id": "b"}],
        "",
    ),
}


@pytest.mark.parametrize(("rows", "expected"), CASES.values(), ids=CASES)
def test_a_message_is_told_alike_for_rates_and_for_the_verdict(rows, expected, engine):
    log = sends(*rows)
    shown = to_pandas(messages(engine(log), as_of=AS_OF, controls={"m": "held"}))
    shown = shown[(shown["customer_id"] == "a") & (shown["campaign_id"] == "m")]
    lines = orders(("q", "2026-10-31", 1.0))
    found = outcomes(engine(log), engine(lines), plan=PLAN, as_of=AS_OF)
    people = to_pandas(found.frame)
    people = people[people["customer_id"] == "a"]
    assert len(shown) == len(people) == 1
    for table in (shown, people):
        assert " ".join(name for name in TOLD if table[name].iloc[0]) == expected


def test_who_was_held_out_is_taken_to_have_got_nothing(engine):
    log = sends({}, {"customer_id": "h", "arm": "held"}, {"customer_id": "slip", "arm": "held"})
    log.loc[2, "clicked_on"] = pd.Timestamp("2026-10-06")
    rows = sent_rows(engine(log), campaign_id=None, as_of=AS_OF, controls={"m": "held"})
    table = to_pandas(rows, sort_by="customer_id").set_index("customer_id")["delivered_on"]
    # What a held-out customer clicked had arrived all the same.
    assert table.notna().to_dict() == {"a": True, "h": False, "slip": True}
    lines = orders(("q", "2026-10-31", 1.0))
    found = responses(outcomes(engine(log), engine(lines), plan=PLAN, as_of=AS_OF))
    assert found.set_index("arm")["delivered"].to_dict() == {"held": 1, "mail": 1}


def test_a_message_listed_twice_weighs_on_nobody_twice(engine):
    log = sends({}, {}, {"step": 2}, {"sent_on": "2026-10-09"}).fillna({"step": 1})
    since = date(2026, 10, 1)
    pressure = contact_pressure(engine(log), plans=[PLAN], since=since, as_of=AS_OF)
    counted = to_pandas(messages(engine(log), as_of=AS_OF, since=since))
    assert pressure.n_messages == len(counted) == 3
