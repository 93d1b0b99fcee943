"""Messages counted by what became of them; rates by their definitions; changes only with a test."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pandas as pd
import pytest

from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.analysis.messages.message_response import COUNTS, RATES, message_response
from crmreport.analysis.messages.response_changes import leading_channel, response_changes
from crmreport.errors import DataError
from crmreport.period import Period
from tests.analysis.shops import orders

AS_OF = date(2026, 10, 31)
OCTOBER = Period.parse("2026-10")
DAYS = ("sent_on", "delivered_on", "opened_on", "clicked_on", "unsubscribed_on")


def plan(name: str, channel: str, control: str | None = None) -> CampaignPlan:
    return CampaignPlan(name, channel, date(2026, 10, 1), date(2026, 10, 31), control=control)


PLANS = (plan("m", "mail", "held"), plan("l", "line"))


def sends(*rows: dict) -> pd.DataFrame:
    """Sends from what differs from a delivered message of campaign m on 1 October."""
    usual = {"campaign_id": "m", "arm": "mail", "sent_on": "2026-10-01", "delivered_on": "2026-10-01"}
    blank = {"opened_on": None, "clicked_on": None, "unsubscribed_on": None}
    frame = pd.DataFrame([usual | blank | {"bounced": False, "machine_open": False} | row for row in rows])
    frame = frame.astype({"campaign_id": "str", "customer_id": "str", "arm": "str"})
    return frame.assign(**{day: pd.to_datetime(frame[day]) for day in DAYS})


SENDS = sends(
    {"customer_id": "a", "opened_on": "2026-10-01", "clicked_on": "2026-10-02"},
    {"customer_id": "a", "opened_on": "2026-10-01", "clicked_on": "2026-10-02"},  # listed twice
    {"customer_id": "b", "opened_on": "2026-10-01", "machine_open": True},
    {"customer_id": "c", "opened_on": "2026-10-31", "unsubscribed_on": "2026-10-31"},
    {"customer_id": "d", "delivered_on": None, "bounced": True},
    {"customer_id": "e", "arm": "held", "delivered_on": None},
    {"customer_id": "f", "opened_on": "2026-11-01"},  # after the last visible day
    {"customer_id": "f", "sent_on": "2026-11-01", "delivered_on": "2026-11-01"},
    {"customer_id": "a", "campaign_id": "l", "arm": "line", "sent_on": "2026-10-28", "delivered_on": None},
    {"customer_id": "b", "campaign_id": "l", "arm": "line", "sent_on": "2026-10-28", "delivered_on": None,
     "bounced": True},
    {"customer_id": "g", "campaign_id": "x", "arm": "any", "sent_on": "2026-10-25"},
)  # fmt: skip
ORDERS = orders(
    ("a", "2026-10-07"),  # the seventh day
    ("b", "2026-09-30"),  # before
    ("d", "2026-10-01"),  # never arrived
    ("e", "2026-10-01"),  # was sent nothing
    ("f", "2026-10-08"),  # the eighth day
    ("g", "2026-10-25"),  # the day itself
)


FOUND = message_response(SENDS, ORDERS, as_of=AS_OF, campaigns=PLANS)


def channel(name: str) -> pd.Series:
    return FOUND.by().set_index("channel").loc[name]


def test_every_engine_counts_alike(engine):
    found = message_response(engine(SENDS), engine(ORDERS), as_of=AS_OF, campaigns=PLANS)
    pd.testing.assert_frame_equal(found.daily, FOUND.daily)
    assert found.recorded == FOUND.recorded


def test_days_read_from_a_store_are_dates_already():
    stored = SENDS.assign(**{day: SENDS[day].astype("date32[pyarrow]") for day in DAYS})
    found = message_response(stored, ORDERS, as_of=AS_OF, campaigns=PLANS)
    pd.testing.assert_frame_equal(found.daily, FOUND.daily)


def test_counts_by_hand():
    mail = channel("mail")
    assert mail[list(COUNTS)].astype(int).to_dict() == {
        "sent": 5, "delivered": 4, "opened": 2, "machine_opened": 1, "clicked": 1, "opened_clicked": 1,
        "unsubscribed": 1, "followed_sent": 5, "followed": 4, "converted": 1,
    }  # fmt: skip


def test_rates_by_hand():
    mail = channel("mail")
    assert {rate: mail[rate] for rate in (*RATES, "machine_share")} == pytest.approx(
        {
            "delivered_rate": 4 / 5, "open_rate": 2 / 4, "click_rate": 1 / 4, "conversion_rate": 1 / 4,
            "unsubscribe_rate": 1 / 4, "ctor": 1 / 2, "conversion_per_sent": 1 / 5, "machine_share": 1 / 3,
        }
    )  # fmt: skip
    # Wilson, 1 of 4.
    assert (mail["click_rate_low"], mail["click_rate_high"]) == pytest.approx((0.04559, 0.69936), abs=1e-5)


def test_without_deliveries_on_record_whatever_did_not_bounce_arrived():
    line = channel("line")
    assert (line["sent"], line["delivered"]) == (2, 1)


def test_what_a_channel_never_records_is_blank_not_zero():
    line = channel("line")
    assert line[["open_rate", "click_rate", "unsubscribe_rate", "ctor", "machine_share"]].isna().all()


def test_without_a_flag_nobody_knows_which_opens_were_machines():
    found = message_response(SENDS.drop(columns="machine_open"), ORDERS, as_of=AS_OF, campaigns=PLANS)
    mail = found.by().set_index("channel").loc["mail"]
    assert (mail["opened"], math.isnan(mail["machine_share"])) == (3, True)
    unseen = message_response(SENDS.assign(machine_open=False), ORDERS, as_of=AS_OF, campaigns=PLANS)
    assert unseen.by().set_index("channel").loc["mail", "machine_share"] == 0


def test_a_message_whose_days_are_not_over_is_in_no_purchase_rate():
    line = channel("line")
    assert line["is_preliminary"]
    assert line["followed"] == 0
    assert np.isnan(line["conversion_rate"])


def test_a_campaign_nobody_described_stands_under_other():
    assert FOUND.undescribed == ("x",)
    assert channel("other")[["sent", "converted"]].tolist() == [1, 1]


def test_purchases_are_known_only_to_the_end_of_the_order_data():
    daily = orders(*[("z", str(day.date())) for day in pd.date_range("2026-09-01", "2026-10-06")])
    found = message_response(SENDS, daily, as_of=AS_OF, campaigns=PLANS)
    assert found.followed_to == date(2026, 10, 6)
    assert found.by().set_index("channel")["followed"].to_dict() == {"line": 0, "mail": 0, "other": 0}


def test_months_and_campaigns_add_up_to_the_whole():
    for columns in (("campaign_id",), ("month",), ("campaign_id", "month")):
        parts = FOUND.by(*columns)[["sent", "delivered", "converted"]].sum()
        assert parts.tolist() == FOUND.by()[["sent", "delivered", "converted"]].sum().tolist()


@pytest.mark.parametrize(
    ("frames", "options", "error", "match"),
    [
        pytest.param((SENDS.drop(columns="sent_on"), ORDERS), {}, DataError, "lack the column 'sent_on'",
                     id="no day of sending"),
        pytest.param((SENDS, ORDERS), {"conversion_days": 0}, ValueError, "conversion_days is 0",
                     id="no days to buy in"),
    ],
)  # fmt: skip
def test_errors(frames, options, error, match):
    with pytest.raises(error, match=match):
        message_response(*frames, as_of=AS_OF, campaigns=PLANS, **options)


def test_nothing_sent():
    found = message_response(SENDS.head(0), ORDERS, as_of=AS_OF, campaigns=PLANS)
    assert found.by().empty
    assert response_changes(found, now=OCTOBER, before=OCTOBER.previous()).table.empty
    assert leading_channel(found, rate="click_rate", within=OCTOBER) is None


@pytest.mark.parametrize("seed", range(2))
def test_rates_are_shares_and_the_order_of_rows_does_not_matter(seed):
    random = np.random.default_rng(seed)
    choices = {
        "customer_id": list("abcde"),
        "campaign_id": ["m", "l"],
        "arm": ["mail", "held"],
        "sent_on": ["2026-09-30", "2026-10-01", "2026-10-30"],
        "bounced": [True, False],
        "machine_open": [True, False],
    } | {day: [None, "2026-10-02", "2026-11-02"] for day in DAYS[1:]}
    drawn = [{k: v[random.integers(len(v))] for k, v in choices.items()} for _ in range(40)]
    frame = sends(*drawn)
    found = message_response(frame, ORDERS, as_of=AS_OF, campaigns=PLANS).by("month")
    for rate in RATES:
        known = found[found[rate].notna()]
        assert known[rate].between(0, 1).all()
        assert (known[f"{rate}_low"] <= known[rate] + 1e-12).all()
        assert (known[rate] <= known[f"{rate}_high"] + 1e-12).all()
    mixed = message_response(frame.sample(frac=1, random_state=seed), ORDERS, as_of=AS_OF, campaigns=PLANS)
    pd.testing.assert_frame_equal(mixed.by("month"), found)


def two_months(clicks: dict[str, tuple[int, int]], n: int = 400) -> pd.DataFrame:
    """n messages a month and channel, so many of them clicked in September and in October."""
    rows = []
    for name, each in clicks.items():
        for month, clicked in zip(("09", "10"), each, strict=True):
            for i in range(n):
                day = f"2026-{month}-01"
                rows.append(
                    {"customer_id": f"{name}{i}", "campaign_id": name, "sent_on": day,
                     "delivered_on": day, "clicked_on": day if i < clicked else None}
                )  # fmt: skip
    return sends(*rows)


@pytest.mark.parametrize(
    ("clicks", "verdict"),
    [
        pytest.param((60, 20), "lower", id="15 % to 5 % of 400: lower"),
        pytest.param((20, 60), "higher", id="5 % to 15 %: higher"),
        pytest.param((22, 20), "alike", id="5.5 % to 5 %: nothing to be told"),
    ],
)
def test_a_change_is_told_only_beyond_chance(clicks, verdict):
    found = message_response(two_months({"m": clicks}), ORDERS, as_of=AS_OF, campaigns=PLANS)
    changes = response_changes(found, now=OCTOBER, before=OCTOBER.previous())
    row = changes.row("mail", "click_rate")
    assert row["verdict"] == verdict
    assert row["low"] <= row["difference"] <= row["high"]
    assert changes.row("line", "click_rate") is None


@pytest.mark.parametrize(
    ("clicks", "best", "clear"),
    [
        pytest.param({"m": (0, 20), "l": (0, 60)}, "line", True, id="15 % against 5 %: leads"),
        pytest.param({"m": (0, 20), "l": (0, 22)}, "line", False, id="5.5 % against 5 %: highest, not clear"),
        pytest.param({"m": (0, 20)}, "mail", False, id="alone: nobody to lead"),
        pytest.param({"m": (0, 20), "x": (0, 90)}, "mail", False, id="undescribed campaigns never lead"),
    ],
)
def test_who_leads(clicks, best, clear):
    found = message_response(two_months(clicks), ORDERS, as_of=AS_OF, campaigns=PLANS)
    leader = leading_channel(found, rate="click_rate", within=OCTOBER)
    assert (leader.channel, leader.clear) == (best, clear)
