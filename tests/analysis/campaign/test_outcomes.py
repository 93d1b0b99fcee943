"""Outcomes as assigned: each rule of the window on a customer made for it, on every engine."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from crmreport.analysis.campaign.outcomes import outcomes, responses
from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.analysis.ledger import to_pandas
from crmreport.errors import DataError

START = date(2026, 8, 3)
PLAN = CampaignPlan("refill", "mail", START, START, {"mail": 1, "none": 1}, "none", True, window_days=30)
AS_OF = date(2026, 10, 31)

# customer, arm, sent, opened, by a machine, clicked, unsubscribed
SENT = [
    ("buys", "mail", "2026-08-03", "2026-08-04", False, "2026-08-04", None),
    ("machine", "mail", "2026-08-03", "2026-08-03", True, None, None),
    ("late", "mail", "2026-08-03", "2026-09-02", False, None, "2026-09-01"),
    ("silent", "mail", "2026-08-03", None, None, None, None),
    ("held", "none", "2026-08-03", None, None, None, None),
    ("returns", "none", "2026-08-03", None, None, None, None),
    ("torn", "mail", "2026-08-03", None, None, None, None),
    ("torn", "none", "2026-08-03", None, None, None, None),
]
# customer, order, day, revenue, order returned
BOUGHT = [
    ("buys", "1", "2026-08-03", 100.0, None),  # first day of the window
    ("buys", "2", "2026-09-01", 50.0, None),  # last day
    ("buys", "3", "2026-09-02", 999.0, None),  # the day after
    ("buys", "4", "2026-08-02", 30.0, None),  # the day before
    ("buys", "5", "2026-02-04", 7.0, None),  # 180 days before: the first day looked back at
    ("buys", "6", "2026-02-03", 9000.0, None),
    ("held", "7", "2026-08-10", 40.0, None),
    ("held", "8", "2026-08-10", 20.0, None),  # same day, one purchase
    ("returns", "9", "2026-08-10", 60.0, None),
    ("returns", "10", "2026-10-10", -60.0, "9"),  # took all of it back
    ("late", "11", "2026-07-04", 80.0, None),
    ("torn", "12", "2026-08-10", 500.0, None),
    ("stranger", "13", "2026-08-10", 500.0, None),
    (None, "14", "2026-08-10", 500.0, None),
]


def sends(rows=SENT) -> pd.DataFrame:
    names = ["customer_id", "arm", "sent_on", "opened_at", "machine_open", "clicked_at", "unsubscribed_at"]
    frame = pd.DataFrame(rows, columns=names).assign(campaign_id="refill")
    days = ["sent_on", "opened_at", "clicked_at", "unsubscribed_at"]
    frame[days] = frame[days].apply(pd.to_datetime)
    return frame.assign(machine_open=frame["machine_open"].astype("boolean"))


def lines() -> pd.DataFrame:
    frame = pd.DataFrame(
        BOUGHT, columns=["customer_id", "order_id", "order_date", "revenue", "returned_order_id"]
    )
    return frame.assign(order_date=pd.to_datetime(frame["order_date"]), is_return=frame["revenue"] < 0)


def rows_of(found) -> pd.DataFrame:
    return to_pandas(found.frame, sort_by="customer_id").set_index("customer_id")


def test_each_customer_by_hand(engine):
    found = outcomes(engine(sends()), engine(lines()), plan=PLAN, as_of=AS_OF)
    table = rows_of(found)
    assert table[["treated", "converted", "orders", "revenue"]].to_dict("index") == {
        "buys": {"treated": 1, "converted": 1, "orders": 2, "revenue": 150.0},
        "held": {"treated": 0, "converted": 1, "orders": 1, "revenue": 60.0},
        "late": {"treated": 1, "converted": 0, "orders": 0, "revenue": 0.0},
        "machine": {"treated": 1, "converted": 0, "orders": 0, "revenue": 0.0},
        "returns": {"treated": 0, "converted": 0, "orders": 0, "revenue": 0.0},
        "silent": {"treated": 1, "converted": 0, "orders": 0, "revenue": 0.0},
    }
    assert table.loc["buys", ["revenue_before", "orders_before", "purchases_before"]].tolist() == [37.0, 2, 3]
    assert table["recency_days"].dropna().to_dict() == {"buys": 1.0, "late": 30.0}
    assert table["opened"].to_dict() == dict.fromkeys(table.index, 0) | {"buys": 1}
    assert table["machine_opened"].to_dict() == dict.fromkeys(table.index, 0) | {"machine": 1}
    assert table["unsubscribed"].to_dict() == dict.fromkeys(table.index, 0) | {"late": 1}
    assert (found.n_customers, found.n_several_arms, found.n_incomplete) == (6, 1, 0)
    assert found.several_arms == ("torn",)
    assert (found.sizes, found.measured) == (
        {"mail": 4, "none": 2},
        ("delivered", "opened", "clicked", "unsubscribed"),
    )


def test_responses_are_counts_as_observed_and_blank_where_nobody_knows(engine):
    nobody = sends().assign(clicked_at=pd.NaT)
    found = responses(outcomes(engine(nobody), engine(lines()), plan=PLAN, as_of=AS_OF))
    assert found.drop(columns="clicked").to_dict("records") == [
        {
            "arm": "mail",
            "customers": 4,
            "delivered": 4,
            "opened": 1,
            "converted": 1,
            "unsubscribed": 1,
            "revenue": 150.0,
            "orders": 2,
        },
        {
            "arm": "none",
            "customers": 2,
            "delivered": 0,
            "opened": 0,
            "converted": 1,
            "unsubscribed": 0,
            "revenue": 60.0,
            "orders": 1,
        },
    ]
    assert found["clicked"].isna().all()


def test_nothing_after_the_last_visible_day_is_seen(engine):
    found = outcomes(engine(sends()), engine(lines()), plan=PLAN, as_of=date(2026, 8, 10))
    table = rows_of(found)
    # The return of October is not known yet.
    assert table["revenue"].to_dict() == {
        "buys": 100.0,
        "held": 60.0,
        "late": 0.0,
        "machine": 0.0,
        "returns": 60.0,
        "silent": 0.0,
    }
    assert table["unsubscribed"].sum() == 0
    assert (found.n_incomplete, table["complete"].any()) == (6, False)


@pytest.mark.parametrize(("last", "left"), [(date(2026, 8, 31), 6), (date(2026, 9, 1), 0)])
def test_a_window_is_over_on_its_last_day(last, left):
    assert outcomes(sends(), lines(), plan=PLAN, as_of=last).n_incomplete == left


def daily(last: str) -> pd.DataFrame:
    """Somebody who is in no campaign buys every day up to the last day of the data."""
    days = pd.date_range("2026-06-01", last)
    ids = [f"d{i}" for i in range(len(days))]
    more = pd.DataFrame({"customer_id": "regular", "order_id": ids, "order_date": days, "revenue": 10.0})
    known = lines()
    return pd.concat([known[known["order_date"] <= last], more.assign(is_return=False)], ignore_index=True)


@pytest.mark.parametrize(
    ("last", "left", "followed"),
    [
        pytest.param("2026-08-31", 6, date(2026, 8, 31), id="orders end a day before the windows do"),
        pytest.param("2026-09-01", 0, date(2026, 9, 1), id="orders reach the windows' last day"),
        pytest.param("2026-10-29", 0, AS_OF, id="two days without an order are no end of the data"),
    ],
)
def test_a_window_beyond_the_orders_on_file_is_not_over(engine, last, left, followed):
    found = outcomes(engine(sends()), engine(daily(last)), plan=PLAN, as_of=AS_OF)
    assert (found.n_incomplete, found.followed_to) == (left, followed)


def test_a_step_mail_assigns_at_its_first_step(engine):
    second = pd.Timestamp("2026-08-20")
    steps = pd.concat([sends(), sends().assign(sent_on=second, opened_at=second, machine_open=True)])
    plan = replace(PLAN, kind="steps", end=date(2026, 8, 20))
    found = outcomes(engine(steps.reset_index(drop=True)), engine(lines()), plan=plan, as_of=AS_OF)
    table = rows_of(found)
    assert set(table["assigned_on"].dt.date) == {START}
    assert (table.loc["buys", "revenue"], table.loc["buys", "opened"]) == (150.0, 1)
    # Machines only: who opened one step is no machine's because one opened another.
    assert table.loc[["buys", "silent"], "machine_opened"].tolist() == [0, 1]
    assert (found.first_sent, found.last_sent) == (START, START)


def test_other_campaigns_rows_are_not_looked_at(engine):
    other = sends().assign(campaign_id="other", arm="sms", sent_on=pd.Timestamp("2026-07-01"))
    both = pd.concat([sends(), other], ignore_index=True)
    alone = outcomes(engine(sends()), engine(lines()), plan=PLAN, as_of=AS_OF)
    pd.testing.assert_frame_equal(
        rows_of(outcomes(engine(both), engine(lines()), plan=PLAN, as_of=AS_OF)), rows_of(alone)
    )


def test_attributes_come_beside_and_are_blank_for_the_unknown(engine):
    rank = pd.DataFrame({"customer_id": ["buys", "held", "nobody"], "rank": ["gold", "new", "new"]})
    found = outcomes(engine(sends()), engine(lines()), plan=PLAN, as_of=AS_OF, attributes=engine(rank))
    assert found.attributes == ("rank",)
    assert rows_of(found)["rank"].dropna().to_dict() == {"buys": "gold", "held": "new"}
    assert found.n_customers == 6


def test_row_order_is_irrelevant():
    shuffled = [frame.sample(frac=1, random_state=3, ignore_index=True) for frame in (sends(), lines())]
    pd.testing.assert_frame_equal(
        rows_of(outcomes(*shuffled, plan=PLAN, as_of=AS_OF)),
        rows_of(outcomes(sends(), lines(), plan=PLAN, as_of=AS_OF)),
    )


def test_each_order_is_a_purchase_when_asked_for():
    found = outcomes(sends(), lines(), plan=PLAN, as_of=AS_OF, unit="order")
    assert rows_of(found).loc["held", ["orders", "revenue"]].tolist() == [2, 60.0]


def test_instants_do_where_there_are_no_days(engine):
    instants = sends().rename(columns={"sent_on": "sent_at"})
    instants["sent_at"] += pd.Timedelta(hours=11)
    found = outcomes(engine(instants), engine(lines()), plan=PLAN, as_of=AS_OF)
    assert rows_of(found)["revenue"].sum() == 210.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"campaign_id": "other"}, "nothing was sent by the last visible day", id="unknown id"),
        pytest.param({"arm": None}, "rows of the sends lack the arm", id="no arm"),
        pytest.param(
            {"customer_id": ["buys", None, *"cdefgh"]},
            "1 rows of the sends lack the customer",
            id="no customer",
        ),
    ],
)
def test_what_it_refuses(change, message):
    with pytest.raises(DataError, match=message):
        outcomes(sends().assign(**change), lines(), plan=PLAN, as_of=AS_OF)


def test_an_attribute_may_not_take_an_outcomes_name_nor_a_customer_stand_twice():
    for columns, message in (
        ({"customer_id": ["buys"], "revenue": [1]}, "'revenue', which is an outcome"),
        ({"customer_id": ["buys", "buys"], "rank": ["a", "b"]}, "1 customers stand twice"),
    ):
        with pytest.raises(DataError, match=message):
            outcomes(sends(), lines(), plan=PLAN, as_of=AS_OF, attributes=pd.DataFrame(columns))
