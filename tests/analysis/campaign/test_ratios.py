"""Ratios and clusters: the published cluster trial, statsmodels on made-up clusters, what is blank."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from crmreport.analysis.campaign.arms import ArmStatistics, arm_statistics, cluster_totals
from crmreport.analysis.campaign.ratios import cluster_estimate, ratio_estimate, ratio_of


def clusters_of(frame, *, column, cluster):
    totals = cluster_totals(frame, columns=[column], cluster=cluster)
    return arm_statistics(totals, columns=[column, "customers"], pairs=[(column, "customers")])


@pytest.mark.real
def test_the_cluster_trial(shared_data: Path, golden):
    rows = pd.read_csv(shared_data / "data" / "campaigns" / "ito_ch3_cluster_trial.csv")
    rows["arm"] = np.where(rows["is_treatment"] == 1, "t", "c")
    arms = clusters_of(rows, column="is_click", cluster="uid")
    expected = golden["ito_cluster_trial"]
    clustered = cluster_estimate(arms["t"], arms["c"], column="is_click")
    assert (clustered.n_treatment, clustered.n_control) == (6202, 4438)
    for found, key, p_key in (
        (clustered, "ols_cluster_CR1", "p_normal"),
        (
            ratio_estimate(arms["t"], arms["c"], numerator="is_click", denominator="customers"),
            "delta_method_ratio_user_unit",
            "p",
        ),
    ):
        wanted = expected[key]
        assert (found.difference, found.standard_error, found.p_value) == pytest.approx(
            (wanted["diff"], wanted["se"], wanted[p_key]), rel=1e-6
        )
    assert clustered.standard_error > 4 * expected["naive_row_level"]["se_unpooled"]


def test_clusters_are_those_of_statsmodels():
    rng = np.random.default_rng(11)
    shops = pd.DataFrame({"shop": range(60), "arm": np.repeat(["c", "t"], 30), "level": rng.normal(0, 2, 60)})
    rows = shops.loc[np.repeat(shops.index, rng.integers(1, 40, 60))]
    rows = rows.assign(spend=rows["level"] + rng.normal(5, 1, len(rows)))
    fitted = smf.ols("spend ~ C(arm)", rows).fit(cov_type="cluster", cov_kwds={"groups": rows["shop"]})
    arms = clusters_of(rows, column="spend", cluster="shop")
    found = cluster_estimate(arms["t"], arms["c"], column="spend")
    assert found.difference == pytest.approx(fitted.params.iloc[1])
    assert found.standard_error == pytest.approx(fitted.bse.iloc[1])
    assert found.p_value == pytest.approx(fitted.pvalues.iloc[1])


def arm(n=10, x=4.0, y=2.0, var_x=1.0, var_y=1.0, together=0.0):
    return ArmStatistics(n, {"x": x, "y": y}, {"x": var_x, "y": var_y}, {("x", "y"): together})


def test_a_denominator_that_is_one_for_all_makes_the_ratio_a_mean():
    ratio, variance = ratio_of(arm(x=4.0, y=1.0, var_x=9.0, var_y=0.0), "x", "y")
    assert (ratio, variance) == (4.0, 9.0)


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(
            ratio_estimate(arm(y=0.0, var_y=0.0), arm(), numerator="x", denominator="y"), id="no orders"
        ),
        pytest.param(cluster_estimate(arm(n=1), arm(), column="x", size="y"), id="one cluster in an arm"),
    ],
)
def test_what_cannot_be_told_is_blank(found):
    assert math.isnan(found.difference)
    assert math.isnan(found.p_value)
