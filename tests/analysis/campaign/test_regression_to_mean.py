"""Coming back by itself. T4 and Complete Journey: campaigns.json."""

from __future__ import annotations

import json
import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from crmreport.analysis.campaign.regression_to_mean import before_after, won_back
from crmreport.errors import DataError


def cells(counts: dict[str, tuple[int, int, int, int]]) -> pd.DataFrame:
    """Band → treated, of them back, untreated, of them back."""
    rows = []
    for band, (n1, k1, n0, k0) in counts.items():
        for sent, n, k in ((1, n1, k1), (0, n0, k0)):
            rows += [(band, sent, int(i < k)) for i in range(n)]
    return pd.DataFrame(rows, columns=["band", "sent", "back"])


def found_in(frame, **options):
    return won_back(frame, treated="sent", came_back="back", match_on=["band"], **options)


def test_by_hand(engine):
    # 26 % of those written to came back; equal ones who were not written to: .8 × 30 % + .2 × 10 % = 26 %.
    frame = cells({"180 days": (80, 24, 100, 30), "1 year": (20, 2, 100, 10)})
    found = found_in(engine(frame))
    assert found.came_back == pytest.approx(0.26)
    assert found.expected == pytest.approx(0.26)
    assert found.difference.difference == pytest.approx(0)
    assert found.cells["band"].tolist() == ["1 year", "180 days"]
    assert found.cells["came_back_untreated"].tolist() == pytest.approx([0.1, 0.3])
    assert (found.n_treated, found.n_untreated, found.matched_share) == (100, 200, 1)


def test_the_untreated_own_rates_stand_beside_before_and_after_matching(engine):
    frame = cells({"180 days": (80, 24, 100, 30), "1 year": (20, 2, 100, 10)})
    found = found_in(engine(frame))
    # 40 of 200 came back by themselves; weighted to the treated's bands, 26 %.
    assert found.untreated == pytest.approx(0.2)
    assert (found.untreated_lower, found.untreated_upper) == pytest.approx((0.1504, 0.2609), abs=1e-4)
    # Bands of 100 with one success and one failure added: .64 × 31/102 × 71/102 + .04 × 11/102 × 91/102.
    spread = math.sqrt((0.64 * 31 * 71 + 0.04 * 11 * 91) / 102**2 / 100)
    expected = (0.26 - 1.959964 * spread, 0.26 + 1.959964 * spread)
    assert (found.expected_lower, found.expected_upper) == pytest.approx(expected, abs=1e-6)


def test_rates_that_are_compared_are_of_those_who_have_an_equal():
    # Ten of a band nobody else is in all came back: no part of the difference.
    found = found_in(cells({"a": (90, 18, 90, 18), "alone": (10, 10, 0, 0)}))
    assert (found.came_back, found.matched) == pytest.approx((0.28, 0.2))
    assert found.matched - found.expected == pytest.approx(found.difference.difference) == pytest.approx(0)


def test_without_matching_the_treated_would_look_better_than_they_are():
    # The treated are the recently lapsed; 28 % against 18 % says nothing.
    frame = cells({"180 days": (90, 27, 50, 15), "1 year": (10, 1, 100, 10)})
    found = found_in(frame)
    unmatched = frame.groupby("sent")["back"].mean()
    assert unmatched[1] - unmatched[0] > 0.1
    assert found.difference.difference == pytest.approx(0)


@pytest.mark.parametrize(
    ("counts", "reasons", "matched"),
    [
        pytest.param({"a": (100, 30, 0, 0)}, ("no_untreated",), 0, id="all dormant were written to"),
        pytest.param(
            {"a": (50, 9, 90, 9), "b": (50, 9, 0, 0)}, ("few_matched",), 0.5, id="half have no equal"
        ),
        pytest.param({"a": (20, 9, 90, 9)}, ("too_few_customers",), 1, id="20 written to"),
    ],
)
def test_withheld(counts, reasons, matched):
    found = found_in(cells(counts))
    assert found.reasons == reasons
    assert found.matched_share == matched
    assert found.difference is None
    assert math.isnan(found.expected)
    assert math.isnan(found.matched)
    assert found.came_back > 0
    # Their own rate is seen all the same, where there are any.
    assert math.isnan(found.untreated) == (not found.n_untreated)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"sent": 0}, "nobody was sent to", id="nobody written to"),
        pytest.param({"back": 2}, "back holds \\[2\\]", id="number of purchases"),
    ],
)
def test_refusals(change, message):
    with pytest.raises(DataError, match=message):
        found_in(cells({"a": (5, 1, 5, 1)}).assign(**change))


def test_the_interval_covers_when_the_campaign_did_nothing():
    # Seed 20266: coming back depends on the band, and so does being written to.
    rng = np.random.default_rng(20266)
    inside = []
    for _ in range(150):
        band = rng.integers(0, 4, 800)
        sent = (rng.random(800) < 0.2 + 0.15 * band).astype(int)
        back = (rng.random(800) < 0.1 + 0.1 * band).astype(int)
        found = found_in(pd.DataFrame({"band": band, "sent": sent, "back": back}))
        inside.append(found.difference.lower <= 0 <= found.difference.upper)
    assert np.mean(inside) == pytest.approx(0.95, abs=0.05)


def test_dormant_customers_come_back_though_nobody_did_anything():
    # T4: rates Gamma(.5, scale 2), two periods of purchases. Theory: 22.5 % come back.
    rng = np.random.default_rng(4)
    rate = rng.gamma(0.5, 2, 100_000)
    before, after = rng.poisson(rate), rng.poisson(rate)
    back = (after[before == 0] > 0).astype(int)
    sent = np.random.default_rng(20267).integers(0, 2, len(back))
    found = found_in(pd.DataFrame({"sent": sent, "back": back, "band": "all"}))
    assert found.n_treated + found.n_untreated == 57654
    both = found.came_back * found.n_treated + found.expected * found.n_untreated
    assert both / 57654 == pytest.approx(0.22707878031012593, rel=1e-6)
    assert found.came_back == pytest.approx(0.2254033307585166, abs=0.006)
    assert found.difference.lower < 0 < found.difference.upper
    table = before_after(
        pd.DataFrame({"customer_id": np.arange(100_000), "x": before, "y": after}), before="x", after="y"
    ).table
    assert table["change"].iloc[0] < -1
    assert table["change"].iloc[-1] > 0


def test_groups_are_dealt_as_ntile_does(engine):
    frame = pd.DataFrame(
        {"customer_id": list("abcdefg"), "x": [5.0, 5, 5, 5, 2, 1, 0], "y": [1.0, 2, 3, 4, 5, 6, 7]}
    )
    found = before_after(engine(frame), before="x", after="y", groups=3)
    assert found.table["customers"].tolist() == [3, 2, 2]
    assert found.table["mean_after"].tolist() == [2, 4.5, 6.5]
    assert (found.mean_before, found.mean_after) == pytest.approx((23 / 7, 4))


def test_nobody_varies():
    frame = pd.DataFrame({"customer_id": ["a", "b"], "x": [1.0, 1], "y": [1.0, 2]})
    assert math.isnan(before_after(frame, before="x", after="y", groups=2).correlation)


def test_groups_refused():
    frame = pd.DataFrame({"customer_id": ["a"], "x": [1.0], "y": [1.0]})
    with pytest.raises(ValueError, match="groups is 1"):
        before_after(frame, before="x", after="y", groups=1)
    with pytest.raises(DataError, match="1 customers make no 2 groups"):
        before_after(frame, before="x", after="y", groups=2)


@pytest.mark.real
def test_complete_journeys_dormant_come_back_without_a_campaign(shared_data):
    golden = json.loads((shared_data / "golden" / "campaigns.json").read_text())
    golden = golden["complete_journey_campaign18"]["regression_to_mean"]
    folder = shared_data / "data" / "completejourney"
    lines = pd.read_parquet(folder / "transactions.parquet")
    # Active in 56 days, dormant (no spending) in the next 28, looked at in the 28 after.
    starts = ["2017-01-01", "2017-02-26", "2017-03-26", "2017-04-23"]
    frame = pd.DataFrame({"customer_id": np.sort(lines["household_id"].unique())}).set_index("customer_id")
    for name, (start, end) in zip(["base", "before", "after"], pairwise(starts), strict=True):
        days = lines["transaction_timestamp"].between(start, end, inclusive="left")
        frame[name] = lines[days].groupby("household_id")["sales_value"].sum()
    frame = frame.fillna(0.0)
    active = frame[frame["base"] > 0]
    assert len(active) == golden["active_base"]
    running = pd.read_parquet(folder / "campaign_descriptions.parquet").query(
        "start_date < '2017-04-23' and end_date >= '2017-02-26'"
    )["campaign_id"]
    reached = pd.read_parquet(folder / "campaigns.parquet")
    reached = reached.loc[reached["campaign_id"].isin(running), "household_id"]
    dormant = active[active["before"] == 0].assign(
        sent=lambda t: t.index.isin(reached).astype(int),
        back=lambda t: (t["after"] > 0).astype(int),
        band="all",
    )
    found = found_in(dormant)
    assert found.n_treated + found.n_untreated == golden["dormant"]
    assert found.n_untreated == golden["dormant_not_in_any_campaign"]
    assert found.cells["came_back_untreated"].iloc[0] == pytest.approx(
        golden["rate_not_in_any_campaign"], rel=1e-6
    )
    # Twenty customers written to are too few to say anything; "55 % won back" would have been said.
    assert found.reasons == ("too_few_customers",)
    back = found.came_back * found.n_treated + golden["rate_not_in_any_campaign"] * found.n_untreated
    assert back == pytest.approx(golden["reactivated"], rel=1e-6)
    groups = before_after(active.reset_index(), before="before", after="after")
    assert groups.table["mean_before"].iloc[0] == pytest.approx(golden["top_decile_mean_before"], rel=1e-6)
    assert groups.table["mean_after"].iloc[0] == pytest.approx(golden["top_decile_mean_after"], rel=1e-6)
    assert groups.mean_before == pytest.approx(golden["overall_mean_before"], rel=1e-6)
    assert groups.mean_after == pytest.approx(golden["overall_mean_after"], rel=1e-6)
