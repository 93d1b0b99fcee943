"""Difference in differences. Complete Journey, campaign 18: campaigns.json."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from crmreport.analysis.campaign.did import difference_in_differences
from crmreport.errors import DataError


def panel(
    seed: int, *, effect: float = 0.0, drift: float = 0.0, n: int = 200, periods: int = 4
) -> pd.DataFrame:
    """Treated customers spend 20 more from the beginning; ``drift`` adds to them every period."""
    rng = np.random.default_rng(seed)
    customer, period = np.repeat(np.arange(n), periods), np.tile(np.arange(periods), n)
    treated = customer % 2
    revenue = rng.normal(50, 10, n)[customer] + 2 * period + 20 * treated + rng.normal(0, 10, n * periods)
    revenue = revenue + treated * (drift * period + effect * (period == periods - 1))
    return pd.DataFrame(
        {"customer_id": customer.astype(str), "period": period, "treated": treated, "revenue": revenue}
    )


def test_by_hand(engine):
    # Treated 10, 20, 40 and 12, 18, 36; control 5, 7, 9 twice, one of them a unit up in the last.
    rows = {"a": (1, 10, 20, 40), "b": (1, 12, 18, 36), "c": (0, 5, 7, 9), "d": (0, 5, 7, 10)}
    frame = pd.DataFrame(
        [(c, p, t, float(v[p])) for c, (t, *v) in rows.items() for p in range(3)],
        columns=["customer_id", "period", "treated", "revenue"],
    )
    found = difference_in_differences(engine(frame), start=2)
    assert found.naive.difference == pytest.approx(38 - 9.5)
    assert found.placebo.difference == pytest.approx((10 + 6) / 2 - 2)
    assert found.means["mean_treatment"].tolist() == [11, 19, 38]
    assert found.reasons == ("too_few_customers", "placebo_differs", "trends_differ")
    assert found.effect is None


def test_the_error_is_that_of_least_squares_clustered_by_customer():
    frame = panel(1, effect=8, periods=3)
    found = difference_in_differences(frame, start=2)
    two = (
        frame.assign(after=frame["period"] >= 2)
        .groupby(["customer_id", "after", "treated"], as_index=False)["revenue"]
        .mean()
    )
    design = np.column_stack(
        [np.ones(len(two)), two["treated"], two["after"], two["treated"] * two["after"]]
    ).astype(float)
    fit = sm.OLS(two["revenue"].to_numpy(), design).fit(
        cov_type="cluster", cov_kwds={"groups": pd.factorize(two["customer_id"])[0]}
    )
    assert found.effect.difference == pytest.approx(fit.params[3])
    assert found.effect.standard_error == pytest.approx(fit.bse[3])
    assert found.effect.p_value == pytest.approx(fit.pvalues[3])


def test_equal_trends_pass_and_the_effect_is_found_and_covered():
    # Seeds 0–249: effect 5.
    found = [difference_in_differences(panel(seed, effect=5, n=120), start=3) for seed in range(250)]
    assert np.mean(["placebo_differs" in f.reasons for f in found]) == pytest.approx(0.05, abs=0.04)
    assert np.mean(["trends_differ" in f.reasons for f in found]) == pytest.approx(0.06, abs=0.05)
    said = [f.effect for f in found if not f.withheld]
    assert np.mean([e.difference for e in said]) == pytest.approx(5, abs=0.5)
    assert np.mean([e.lower <= 5 <= e.upper for e in said]) == pytest.approx(0.95, abs=0.04)


def test_different_trends_are_caught_by_the_placebo():
    # Seeds 300–399: nothing was done; the treated grow by 5 a period anyway.
    found = [difference_in_differences(panel(seed, drift=5), start=3) for seed in range(300, 400)]
    assert np.mean(["placebo_differs" in f.reasons for f in found]) > 0.9
    assert np.mean([f.withheld for f in found]) > 0.95


def test_one_period_before_is_not_enough_to_say_anything():
    found = difference_in_differences(panel(2, effect=50, periods=2), start=1)
    assert found.reasons == ("no_earlier_period",)
    assert found.placebo is None
    assert found.effect is None
    assert np.isnan(found.trend_p_value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(lambda f: f.iloc[1:], "1 customers lack a period", id="period missing"),
        pytest.param(lambda f: pd.concat([f, f[:2]]), "2 rows repeat", id="period twice"),
        pytest.param(lambda f: f.assign(treated=1), "same for all 40", id="everybody treated"),
        pytest.param(lambda f: f.assign(treated=3), "treated holds \\[3\\]", id="arms 3"),
        pytest.param(
            lambda f: f.assign(treated=f["period"] % 2), "40 customers are in both", id="changes group"
        ),
        pytest.param(lambda f: f[f["period"] < 3], "periods are 0 to 2", id="nothing after"),
    ],
)
def test_refusals(change, message):
    with pytest.raises(DataError, match=message):
        difference_in_differences(change(panel(3, n=40)), start=3)


@pytest.mark.real
def test_complete_journey_fails_its_placebo(shared_data):
    golden = json.loads((shared_data / "golden" / "campaigns.json").read_text())[
        "complete_journey_campaign18"
    ]
    folder = shared_data / "data" / "completejourney"
    lines = pd.read_parquet(folder / "transactions.parquet")
    sent = pd.read_parquet(folder / "campaigns.parquet").query("campaign_id == 18")["household_id"]
    households = np.sort(lines["household_id"].unique())
    parts = []
    for number, (start, end) in enumerate(pairwise(["2017-07-10", "2017-09-04", "2017-10-30", "2017-12-25"])):
        days = lines["transaction_timestamp"].between(start, end, inclusive="left")
        spent = lines[days].groupby("household_id")["sales_value"].sum().reindex(households, fill_value=0.0)
        parts.append(pd.DataFrame({"customer_id": households, "period": number, "revenue": spent.to_numpy()}))
    frame = pd.concat(parts).assign(treated=lambda t: t["customer_id"].isin(sent).astype(int))
    whole = difference_in_differences(frame, start=2)
    assert whole.naive.difference == pytest.approx(golden["naive_post_difference"]["diff"], rel=1e-6)
    assert whole.placebo.difference == pytest.approx(golden["placebo_did_pre_vs_pre2"]["diff"], rel=1e-6)
    assert whole.reasons == ("placebo_differs", "trends_differ")
    assert whole.effect is None
    # The effect it would have said without an earlier period: withheld too, but the arithmetic is checked.
    clustered = golden["did_ols_cluster_household"]
    as_placebo = difference_in_differences(
        pd.concat([frame[frame["period"] > 0], frame[frame["period"] == 0].assign(period=3)]), start=3
    )
    assert as_placebo.placebo.difference == pytest.approx(clustered["diff"], rel=1e-6)
    assert as_placebo.placebo.standard_error == pytest.approx(clustered["se"], rel=1e-6)
    assert as_placebo.placebo.p_value == pytest.approx(clustered["p_normal"], rel=1e-6)
    # At p = .055 its trend test is the same comparison.
    assert as_placebo.trend_p_value == pytest.approx(clustered["p_normal"], rel=1e-2)
