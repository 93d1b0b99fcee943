"""Overlapping campaigns. Expected values: campaigns.json, Complete Journey and T9."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from crmreport.analysis.campaign.overlap import counted_once, effects_together
from crmreport.errors import DataError

LINES = pd.DataFrame(
    [
        ("c1", "2026-10-01", 10.0),
        ("c1", "2026-10-05", 40.0),
        ("c1", "2026-10-05", 5.0),
        ("c2", "2026-10-05", 7.0),
    ],
    columns=["customer_id", "order_date", "revenue"],
).assign(order_date=lambda t: pd.to_datetime(t["order_date"]))
WINDOWS = pd.DataFrame(
    [
        ("a", "2026-10-01", "2026-10-05"),
        ("b", "2026-10-05", "2026-10-09"),
        ("idle", "2026-11-01", "2026-11-02"),
    ],
    columns=["campaign_id", "start_date", "end_date"],
).assign(
    start_date=lambda t: pd.to_datetime(t["start_date"]), end_date=lambda t: pd.to_datetime(t["end_date"])
)
REACHED = pd.DataFrame(
    [("a", "c1"), ("b", "c1"), ("b", "c1"), ("b", "c2"), ("idle", "c9")],
    columns=["campaign_id", "customer_id"],
)


def test_by_hand(engine):
    found = counted_once(engine(LINES), engine(REACHED), engine(WINDOWS))
    assert found.table.to_dict("list") == {
        "campaign_id": ["a", "b", "idle"],
        "customers": [1, 2, 1],
        "revenue": [55.0, 52.0, 0.0],
        "shared_revenue": [45.0, 45.0, 0.0],
    }
    assert (found.sum_of_campaigns, found.revenue) == (107.0, 62.0)


def test_no_revenue_has_no_inflation():
    found = counted_once(LINES, REACHED[REACHED["campaign_id"] == "idle"], WINDOWS[2:])
    assert found.revenue == 0
    assert np.isnan(found.inflation)


def test_a_campaign_with_two_windows_is_refused():
    with pytest.raises(DataError, match="1 campaigns have two windows; first: 'a'"):
        counted_once(LINES, REACHED, pd.concat([WINDOWS, WINDOWS[:1]]))


@pytest.mark.real
def test_complete_journey_counts_revenue_1_29_times(shared_data):
    golden = json.loads((shared_data / "golden" / "campaigns.json").read_text())
    golden = golden["complete_journey_campaign18"]["double_counting_all_campaigns"]
    folder = shared_data / "data" / "completejourney"
    lines = pd.read_parquet(folder / "transactions.parquet")
    # The day of a basket is that of its earliest line.
    lines = lines.groupby("basket_id", as_index=False).agg(
        customer_id=("household_id", "first"),
        order_date=("transaction_timestamp", "min"),
        revenue=("sales_value", "sum"),
    )
    lines["order_date"] = lines["order_date"].dt.normalize()
    reached = pd.read_parquet(folder / "campaigns.parquet").rename(columns={"household_id": "customer_id"})
    found = counted_once(lines, reached, pd.read_parquet(folder / "campaign_descriptions.parquet"))
    assert found.sum_of_campaigns == pytest.approx(golden["sum_over_campaigns"], rel=1e-6)
    assert found.revenue == pytest.approx(golden["union"], rel=1e-6)
    assert found.inflation == pytest.approx(golden["inflation"], rel=1e-6)


def test_an_overlapping_campaign_is_not_credited_with_the_others_effect():
    # T9: the true effect of A is 1; a plain difference says 2.83.
    rng = np.random.default_rng(9)
    a = (rng.random(100_000) < 0.5).astype(float)
    b = (rng.random(100_000) < np.where(a == 1, 0.8, 0.2)).astype(float)
    customers = pd.DataFrame({"a": a, "b": b, "y": 10 + a + 3 * b + rng.normal(0, 5, 100_000)})
    found = effects_together(customers, ["a", "b"], outcome="y")
    naive = customers.loc[a == 1, "y"].mean() - customers.loc[a == 0, "y"].mean()
    assert naive == pytest.approx(2.8270411083568057, rel=1e-6)
    assert found["a"].difference == pytest.approx(0.9764280222602821, rel=1e-6)
    assert found["a"].lower < 1.0 < found["a"].upper
    assert found["b"].lower < 3.0 < found["b"].upper


def test_campaigns_that_reached_the_same_customers_cannot_be_told_apart():
    same = pd.DataFrame({"a": [0, 1, 0, 1], "b": [0, 1, 0, 1], "y": [1.0, 2.0, 3.0, 4.0]})
    with pytest.raises(DataError, match="a, b cannot be told apart"):
        effects_together(same, ["a", "b"], outcome="y")
