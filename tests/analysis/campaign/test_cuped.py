"""CUPED: golden results on household parity, least squares, and what no covariate can do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmreport.analysis.campaign.arms import arm_statistics
from crmreport.analysis.campaign.cuped import cuped


def adjusted(frame):
    arms = arm_statistics(frame, columns=["spend", "before"], pairs=[("spend", "before")])
    return cuped(arms["t"], arms["c"], column="spend", covariate="before")


@pytest.mark.real
@pytest.mark.parametrize(
    ("key", "uplift"), [("cuped_household_parity_aa", 1.0), ("cuped_household_parity_plus10pct", 1.1)]
)
def test_households_by_parity(shared_data: Path, golden, key, uplift):
    lines = pd.read_parquet(
        shared_data / "data" / "completejourney" / "transactions.parquet",
        columns=["household_id", "transaction_timestamp", "sales_value"],
    )
    when = lines["transaction_timestamp"]

    def spend(start, end):
        return lines[(when >= start) & (when < end)].groupby("household_id")["sales_value"].sum()

    households = pd.DataFrame(index=np.unique(lines["household_id"]))
    households["arm"] = np.where(households.index % 2 == 1, "t", "c")
    households["before"] = spend("2017-09-04", "2017-10-30")
    households["spend"] = spend("2017-10-30", "2017-12-25")
    households = households.fillna(0.0)
    households.loc[households["arm"] == "t", "spend"] *= uplift
    found, wanted = adjusted(households), golden["complete_journey_campaign18"][key]
    assert (found.theta, found.correlation, found.variance_reduction) == pytest.approx(
        (wanted["theta"], wanted["corr"], wanted["variance_reduction"]), rel=1e-6
    )
    estimate, after = found.estimate, wanted["cuped"]
    assert (estimate.difference, estimate.standard_error, estimate.p_value) == pytest.approx(
        (after["diff"], after["se"], after["p"]), rel=1e-6
    )
    assert (estimate.lower, estimate.upper) == pytest.approx(after["ci"], rel=1e-6)
    assert (found.value_treatment, found.value_control) == pytest.approx(
        (after["mean_t"], after["mean_c"]), rel=1e-6
    )


@pytest.fixture
def shop() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    before = rng.gamma(1.0, 100.0, 400)
    return pd.DataFrame(
        {"arm": np.repeat(["c", "t"], 200), "before": before, "spend": before + rng.normal(0, 20, 400)}
    )


def test_it_compares_the_metric_less_what_the_covariate_foretold(shop):
    found = adjusted(shop)
    theta = np.cov(shop["before"], shop["spend"])[0, 1] / shop["before"].var()
    rest = shop["spend"] - theta * (shop["before"] - shop["before"].mean())
    t, c = rest[shop["arm"] == "t"], rest[shop["arm"] == "c"]
    assert found.estimate.difference == pytest.approx(t.mean() - c.mean())
    assert found.estimate.standard_error == pytest.approx((t.var() / 200 + c.var() / 200) ** 0.5)
    assert found.variance_reduction > 0.9


def test_money_in_another_unit_scales_the_effect(shop):
    one, other = adjusted(shop), adjusted(shop.assign(spend=shop["spend"] * 150))
    assert other.estimate.difference == pytest.approx(150 * one.estimate.difference)
    assert other.variance_reduction == pytest.approx(one.variance_reduction)
    assert other.estimate.p_value == pytest.approx(one.estimate.p_value)


def test_a_covariate_equal_for_all_foretells_nothing(shop):
    assert adjusted(shop.assign(before=7.0)) is None
    assert adjusted(shop.groupby("arm").head(1)) is None
