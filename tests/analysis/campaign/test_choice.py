"""Which campaign a report looks at, and what it may know of customers beforehand."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import narwhals as nw
import pandas as pd
import pytest

from crmreport.analysis.campaign import known_before
from crmreport.analysis.campaign.choice import choose_campaign
from crmreport.analysis.campaign.known_before import segments_before
from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.analysis.ledger import to_pandas
from crmreport.analysis.rfm import rfm_table
from crmreport.errors import ConfigError
from crmreport.segment_file import load_segments

SINCE, AS_OF = date(2026, 10, 1), date(2026, 10, 31)


def plan(name: str, start: date, window_days: int = 30) -> CampaignPlan:
    return CampaignPlan(name, "mail", start, start, window_days=window_days)


SMALL = plan("small", date(2026, 9, 20))
LARGE = plan("large", date(2026, 9, 10))
OLD = plan("old", date(2026, 7, 1))
LATE = plan("late", date(2026, 10, 20))
NEXT = plan("next", date(2026, 11, 5))


def sends(**customers: int) -> pd.DataFrame:
    rows = [
        (campaign.campaign_id, f"c{i}", "mail", pd.Timestamp(campaign.start))
        for campaign in (SMALL, LARGE, OLD, LATE, NEXT)
        for i in range(customers.get(campaign.campaign_id, 0))
    ]
    return pd.DataFrame(rows, columns=["campaign_id", "customer_id", "arm", "sent_on"])


@pytest.mark.parametrize(
    ("customers", "chosen"),
    [
        pytest.param(
            {"small": 2, "large": 5, "old": 9, "late": 9}, "large", id="largest that ended in the period"
        ),
        pytest.param({"small": 5, "large": 5}, "small", id="of equal ones the later"),
        pytest.param({"old": 9, "late": 1, "next": 9}, "late", id="none ended: the one that began last"),
        pytest.param({"old": 9}, "old", id="long over, but the last there is"),
        pytest.param({"next": 9}, None, id="only one still to come"),
        pytest.param({}, None, id="nothing sent"),
    ],
)
def test_choice(customers, chosen):
    found = choose_campaign([SMALL, LARGE, OLD, LATE, NEXT], sends(**customers), since=SINCE, as_of=AS_OF)
    assert (found and found.campaign_id) == chosen


def test_a_named_campaign_is_taken_whatever_the_period():
    given = sends(large=9, old=1)
    found = choose_campaign([LARGE, OLD], given, since=SINCE, as_of=AS_OF, campaign_id="old")
    assert found is OLD


def test_a_named_campaign_nothing_was_sent_of_is_none():
    assert (
        choose_campaign([LARGE, NEXT], sends(large=1), since=SINCE, as_of=AS_OF, campaign_id="next") is None
    )


def test_an_unknown_campaign_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match="no campaign 'lage'; the known ones are large, old"):
        choose_campaign([LARGE, OLD], sends(large=1), since=SINCE, as_of=AS_OF, campaign_id="lage")


def lines(n: int) -> pd.DataFrame:
    """Customer i bought i + 1 times in July; all of them again after the campaign began."""
    rows = [(f"c{i}", f"{i}-{k}", f"2026-07-{k + 1:02}") for i in range(n) for k in range(i + 1)]
    rows += [(f"c{i}", f"{i}-late", "2026-09-15") for i in range(n)]
    frame = pd.DataFrame(rows, columns=["customer_id", "order_id", "order_date"])
    return frame.assign(order_date=pd.to_datetime(frame["order_date"]), revenue=100.0, is_return=False)


def test_segments_know_nothing_of_what_came_after_the_start(tmp_path):
    segments = load_segments("standard", folder=tmp_path)
    known = lines(10)[lambda rows: rows["order_date"] < "2026-09-10"]
    both = [
        nw.from_native(segments_before(given, segments=segments)(LARGE)).lazy()
        for given in (lines(10), known)
    ]
    late, early = (to_pandas(frame, sort_by="customer_id") for frame in both)
    pd.testing.assert_frame_equal(late, early)
    assert list(late.columns) == ["customer_id", "segment"]
    assert len(late) == 10


def test_segments_are_of_the_day_before_the_first_send_where_the_described_start_is_later(engine):
    described = replace(LARGE, start=date(2026, 9, 20), end=date(2026, 9, 20))
    sends = pd.DataFrame(
        {"campaign_id": LARGE.campaign_id, "customer_id": ["c1", "c2"], "sent_on": [LARGE.start] * 2}
    )
    sends["sent_on"] = pd.to_datetime(sends["sent_on"])
    # Only the first customer buys again after the first send and before the described start.
    given = lines(10)[lambda rows: (rows["order_date"] < "2026-09-10") | (rows["customer_id"] == "c0")]
    of = {"segments": load_segments("standard")}

    def segment(found: Any) -> list[str]:
        return to_pandas(nw.from_native(found).lazy(), sort_by="customer_id")["segment"].tolist()

    wanted = segment(segments_before(given, **of)(LARGE))
    assert segment(segments_before(given, **of)(described)) != wanted
    assert segment(segments_before(engine(given), sends=engine(sends), **of)(described)) == wanted


def test_campaigns_of_one_day_are_scored_once_and_others_for_themselves(monkeypatch):
    scored = []

    def counted(given: Any, *, as_of: date, **rules: Any) -> Any:
        scored.append(as_of)
        return rfm_table(given, as_of=as_of, **rules)

    monkeypatch.setattr(known_before, "rfm_table", counted)
    sends = pd.DataFrame({"campaign_id": ["late"], "customer_id": ["c1"]})
    sends["sent_on"] = pd.Timestamp("2026-12-24")
    before = segments_before(lines(10), segments=load_segments("standard"), sends=sends)
    again = replace(LARGE, campaign_id="again")
    other = replace(LARGE, campaign_id="late", start=LARGE.start + timedelta(days=4), end=date(2026, 12, 31))
    assert before(LARGE) is before(again)
    assert before(other) is not before(LARGE)
    # A send after the start moves no start.
    assert scored == [plan.start - timedelta(days=1) for plan in (LARGE, other)]


def test_too_few_buyers_have_no_segments(tmp_path):
    segments = load_segments("standard", folder=tmp_path)
    assert segments_before(lines(2), segments=segments)(LARGE) is None


def test_a_lasting_attribute_stands_beside_the_segment_for_buyers_and_others(engine):
    people = pd.DataFrame({"customer_id": ["c1", "never_bought"], "sex": ["F", "M"]})
    before = segments_before(
        engine(lines(10)), segments=load_segments("standard"), customers=engine(people), column="sex"
    )
    found = to_pandas(nw.from_native(before(LARGE)).lazy(), sort_by="customer_id").set_index("customer_id")
    assert len(found) == 11
    assert found.loc["c1", "sex"] == "F"
    assert found["segment"].isna().sum() == 1
    assert pd.isna(found.loc["c2", "sex"])


def test_an_attribute_nobody_has_is_refused():
    people = pd.DataFrame({"customer_id": ["c1"], "sex": ["F"]})
    with pytest.raises(ConfigError, match="customers have no column 'sxe'; they have customer_id, sex"):
        segments_before(lines(5), segments=load_segments("standard"), customers=people, column="sxe")
