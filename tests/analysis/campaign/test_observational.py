"""Adjusted effects. Lenta's confounded log against its trial, Complete Journey: campaigns.json."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from crmreport.analysis.campaign.observational import adjusted_effect
from crmreport.errors import DataError


def chosen(seed: int, n: int = 2000, *, effect: float = 5.0, pull: float = 0.8) -> pd.DataFrame:
    """Heavy buyers are sent to more often; revenue depends on the same thing."""
    rng = np.random.default_rng(seed)
    x, other = rng.normal(size=n), rng.normal(size=n)
    sent = (rng.random(n) < 1 / (1 + np.exp(-pull * x))).astype(int)
    return pd.DataFrame(
        {"sent": sent, "x": x, "other": other, "y": 50 + 10 * x + effect * sent + rng.normal(0, 10, n)}
    )


def adjusted(frame, **options):
    given = {"treated": "sent", "outcome": "y", "covariates": ["x", "other"], "kind": "mean", **options}
    return adjusted_effect(frame, **given)


@pytest.mark.parametrize("target", ["overlap", "treated", "all"])
def test_unbiased_and_covered_where_the_naive_difference_is_biased(target):
    # Seeds 0–199; the true effect is 5 for everybody.
    found = [adjusted(chosen(seed, 1000), target=target) for seed in range(200)]
    naive = np.mean([f.naive.difference for f in found])
    assert naive > 10
    robust = [f.doubly_robust for f in found if not f.withheld]
    assert len(robust) > 180  # by chance a few samples miss the balance asked for
    assert np.mean([r.difference for r in robust]) == pytest.approx(5, abs=0.15)
    assert np.mean([r.lower <= 5 <= r.upper for r in robust]) == pytest.approx(0.95, abs=0.045)


def test_doubly_robust_is_right_though_the_propensity_model_is_wrong():
    # Seeds 300–359: choice depends on x² too, which the propensity model is not given.
    differences = []
    for seed in range(300, 360):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=2000)
        sent = (rng.random(2000) < 1 / (1 + np.exp(-(0.5 * x + 0.5 * x**2 - 0.5)))).astype(int)
        frame = pd.DataFrame({"sent": sent, "x": x, "y": 10 * x + 3 * sent + rng.normal(0, 5, 2000)})
        differences.append(adjusted(frame, covariates=["x"]).doubly_robust.difference)
    assert np.mean(differences) == pytest.approx(3, abs=0.12)


def test_the_same_on_every_engine(engine):
    frame = chosen(1, 500)
    found, plain = adjusted(engine(frame)), adjusted(frame)
    assert found.doubly_robust.difference == pytest.approx(plain.doubly_robust.difference)
    assert found.balance["covariate"].tolist() == ["x", "other"]


def test_overlap_weights_balance_the_means_exactly():
    found = adjusted(chosen(2))
    assert found.max_smd_before > 0.5
    assert found.max_smd_after == pytest.approx(0, abs=1e-6)
    assert found.e_value is not None
    assert found.e_value_bound is not None
    assert found.e_value > found.e_value_bound > 1


@pytest.mark.parametrize(
    ("frame", "options", "reasons"),
    [
        pytest.param(
            chosen(3).assign(x=lambda t: t["x"].abs() * np.where(t["sent"] == 1, 1, -1)),
            {},
            ("no_overlap",),
            id="all heavy buyers and nobody else were sent to",
        ),
        pytest.param(
            chosen(4, 5000, pull=5.0),
            {"target": "all"},
            ("no_overlap",),
            id="hardly anybody could go either way",
        ),
        pytest.param(chosen(5, 150), {}, ("small_effective_sample",), id="150 customers"),
        pytest.param(chosen(6, 8), {}, ("too_few_customers",), id="8 customers"),
        pytest.param(
            chosen(7, pull=1.0).assign(square=lambda t: (t["x"] > 1.5) * 1.0),
            {"covariates": ["other"], "balance_on": ["x"]},
            ("imbalance_after",),
            id="what decides was left out of the model",
        ),
    ],
)
def test_withheld(frame, options, reasons):
    found = adjusted(frame, **options)
    assert set(reasons) <= set(found.reasons)
    assert found.withheld
    assert (found.weighted, found.doubly_robust, found.e_value) == (None, None, None)
    assert found.naive.difference > 5


def test_a_constant_covariate_changes_nothing():
    frame = chosen(8).assign(same=7.0)
    one, other = adjusted(frame), adjusted(frame, covariates=["x", "other", "same"])
    assert one.doubly_robust.difference == pytest.approx(other.doubly_robust.difference)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        pytest.param(
            {"x": np.nan}, {}, "500 customers lack a value; first column: x", id="covariate missing"
        ),
        pytest.param({"sent": 1}, {}, "the same for all 500 customers", id="everybody sent to"),
        pytest.param({"sent": 2}, {}, "other values than 0 and 1; give 1", id="arms 2"),
        pytest.param({}, {"kind": "share"}, "use kind 'mean'", id="money as a share"),
    ],
)
def test_refusals(change, options, message):
    with pytest.raises(DataError, match=message):
        adjusted(chosen(9, 500).assign(**change), **options)


# Public data


@pytest.fixture
def lenta_log(shared_data):
    golden = json.loads((shared_data / "golden" / "campaigns.json").read_text())["lenta_ito"]
    return pd.read_csv(shared_data / "data" / "campaigns" / "ito_ch2_logdata.csv").dropna(), golden


def lenta(frame, **options):
    return adjusted_effect(
        frame, treated="is_treatment", outcome="response_att", kind="share",
        covariates=["food_share_15d", "age", "is_women"], **options,
    )  # fmt: skip


@pytest.mark.real
def test_lentas_log_is_withheld_where_no_control_looks_like_the_treated(lenta_log):
    frame, golden = lenta_log
    golden = golden["log_adjusted all"]
    found = lenta(frame, target="all")
    assert found.naive.difference == pytest.approx(golden["naive"], rel=1e-6)
    assert found.ess_control == pytest.approx(golden["ess_control"], rel=1e-6)
    assert (found.propensity_lower, found.propensity_upper) == pytest.approx(
        (golden["ps_min"], golden["ps_max"]), rel=1e-6
    )
    assert "no_overlap" in found.reasons


@pytest.mark.real
@pytest.mark.parametrize(("target", "key"), [("all", "hajek_ate"), ("treated", "hajek_att")])
def test_lentas_log_agrees_with_its_trial_where_both_groups_overlap(lenta_log, target, key):
    frame, golden = lenta_log
    treated = frame.loc[frame["is_treatment"] == 1, "food_share_15d"].max()
    found = lenta(frame[frame["food_share_15d"] <= treated], target=target)
    expected = golden["log_adjusted overlap(food_share<=max treated)"]
    assert found.weighted.difference == pytest.approx(expected[key], rel=1e-6)
    truth = golden["rct_truth_in_overlap"]["diff"]
    assert found.doubly_robust.lower < truth < found.doubly_robust.upper
    if target == "all":
        assert found.ess_control == pytest.approx(expected["ess_control"], rel=1e-6)


@pytest.mark.real
def test_complete_journey_cannot_be_adjusted_by_earlier_spending(shared_data):
    golden = json.loads((shared_data / "golden" / "campaigns.json").read_text())[
        "complete_journey_campaign18"
    ]
    folder = shared_data / "data" / "completejourney"
    lines = pd.read_parquet(folder / "transactions.parquet")
    sent = pd.read_parquet(folder / "campaigns.parquet").query("campaign_id == 18")["household_id"]
    starts = ["2017-07-10", "2017-09-04", "2017-10-30", "2017-12-25"]
    spans = dict(zip(["pre2", "pre", "post"], pairwise(starts), strict=True))
    frame = pd.DataFrame({"household_id": np.sort(lines["household_id"].unique())}).set_index("household_id")
    for name, (start, end) in spans.items():
        days = lines["transaction_timestamp"].between(start, end, inclusive="left")
        frame[name] = lines[days].groupby("household_id")["sales_value"].sum()
    frame = frame.fillna(0.0)
    frame["sent"] = frame.index.isin(sent).astype(int)
    found = adjusted_effect(
        frame.assign(log_pre=np.log1p(frame["pre"]), log_pre2=np.log1p(frame["pre2"])),
        treated="sent", outcome="post", covariates=["log_pre", "log_pre2"], balance_on=["pre"],
        kind="mean", target="treated",
    )  # fmt: skip
    naive, ipw = golden["naive_post_difference"], golden["ipw_att_logit_log1p"]
    assert found.naive.difference == pytest.approx(naive["diff"], rel=1e-6)
    assert (found.naive.lower, found.naive.upper) == pytest.approx(naive["ci"], rel=1e-6)
    assert found.ess_control == pytest.approx(ipw["ess_control"], rel=1e-6)
    row = found.balance.iloc[0]
    assert row["smd_before"] == pytest.approx(ipw["smd_pre_before"], rel=1e-6)
    assert row["smd_after"] == pytest.approx(ipw["smd_pre_after"], rel=1e-6)
    assert "imbalance_after" in found.reasons
    assert found.weighted is None
