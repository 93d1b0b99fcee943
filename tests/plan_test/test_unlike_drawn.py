"""The send log beside the list that was drawn."""

from __future__ import annotations

from datetime import date

import pandas as pd
import polars as pl
import pytest

from crmreport.config_campaigns import Campaign, CampaignArm
from crmreport.plan_test.unlike_drawn import unlike_drawn

FIRST, LAST = date(2026, 10, 5), date(2026, 10, 9)
TEST = Campaign(
    id="m1",
    name={"en": "m1"},
    channel="mail",
    start=FIRST,
    end=FIRST,
    arms={arm: CampaignArm(share=1) for arm in ("mail", "holdout")},
    control="holdout",
)
LONG = TEST.model_copy(update={"end": LAST})
FLOW = TEST.model_copy(update={"kind": "cart"})
DRAWN = pd.DataFrame({"customer_id": ["1", "2", "3", "4"], "arm": ["mail", "mail", "holdout", "holdout"]})
AS_DRAWN = [("1", "mail"), ("2", "mail"), ("3", "holdout"), ("4", "holdout")]
SAID = "campaign 'm1': 4 customers were drawn, but not all sent so: "


def log(rows: list[tuple[str, str]], *, day: date = FIRST, id: str = "m1") -> pl.DataFrame:
    schema = {"customer_id": pl.String, "arm": pl.String, "campaign_id": pl.String, "sent_on": pl.Date}
    return pl.DataFrame([(c, a, id, day) for c, a in rows], schema=schema, orient="row")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        pytest.param(AS_DRAWN, None, id="as drawn"),
        pytest.param(AS_DRAWN[:2], None, id="nobody held out is logged"),
        pytest.param([], None, id="nothing sent yet"),
        pytest.param(
            [("1", "mail"), ("2", "holdout"), ("9", "mail")],
            "1 in another arm, 1 not drawn, 2 drawn and absent from the log (80.0%",
            id="all three",
        ),
        pytest.param(
            AS_DRAWN[1:2],
            "0 in another arm, 0 not drawn, 1 drawn and absent from the log (50.0%",
            id="one treated lost, nobody held out logged",
        ),
        pytest.param(
            [*AS_DRAWN, ("4", "mail")],
            "1 in another arm, 0 not drawn, 0 drawn and absent from the log (25.0%",
            id="in both arms",
        ),
    ],
)
def test_the_log_beside_the_list_that_was_drawn(rows, said):
    whole = f"{SAID}{said}; above 1% it cannot be judged)" if said else None
    assert unlike_drawn(log(rows), TEST, DRAWN) == whole


@pytest.mark.parametrize(
    ("sent", "share"),
    [
        pytest.param(
            2, "(0.2%, 2.0% of the arm 'holdout'; above 1% it cannot be judged)", id="two of a hundred"
        ),
        pytest.param(1, "(0.1%; above 1% it cannot be judged)", id="one customer is borne"),
    ],
)
def test_few_of_all_may_be_many_of_the_control(sent, share):
    people = [f"{i:04d}" for i in range(1100)]
    drawn = pd.DataFrame({"customer_id": people, "arm": ["holdout"] * 100 + ["mail"] * 1000})
    rows = [(who, "mail" if i < sent else arm) for i, (who, arm) in enumerate(drawn.itertuples(index=False))]
    assert str(unlike_drawn(log(rows), TEST, drawn)).endswith(share)


@pytest.mark.parametrize(
    ("campaign", "last_order", "absent"),
    [
        pytest.param(TEST, None, True, id="a day of sending is over"),
        pytest.param(LONG, None, False, id="the sending runs"),
        pytest.param(LONG, date(2026, 10, 8), False, id="orders of the day before its end"),
        pytest.param(LONG, LAST, True, id="orders of its last day"),
        pytest.param(FLOW, LAST, False, id="customers enter by what they do"),
    ],
)
def test_nobody_is_absent_before_the_last_day_of_sending_nor_from_a_flow(campaign, last_order, absent):
    sends = log([("1", "mail"), ("3", "holdout")])
    said = unlike_drawn(sends, campaign, DRAWN, last_day=last_order)
    assert (said is not None and "2 drawn and absent" in said) == absent
    assert absent or said is None


def test_a_log_that_goes_on_shows_that_the_sending_is_over():
    sends = log([("1", "mail"), ("3", "holdout")])
    later = pl.concat([sends, log([("1", "sent")], day=LAST, id="another")])
    assert unlike_drawn(sends, LONG, DRAWN) is None
    assert "2 drawn and absent" in str(unlike_drawn(later, LONG, DRAWN))
