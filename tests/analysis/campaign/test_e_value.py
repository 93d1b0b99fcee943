"""E-values. Published example: VanderWeele and Ding (2017), breastfeeding, RR 3.9 (1.8 to 8.7)."""

from __future__ import annotations

import math

import pytest

from crmreport.analysis.campaign.e_value import e_value, e_values
from crmreport.analysis.campaign.estimate import Estimate


@pytest.mark.parametrize(("ratio", "expected"), [(3.9, 7.26), (1.8, 3.0), (1 / 3.9, 7.26), (1.0, 1.0)])
def test_published(ratio, expected):
    assert e_value(ratio) == pytest.approx(expected, abs=0.005)


def test_shares_by_their_ratio():
    # 10 % → 39 %, bound 10 % → 18 %.
    found = e_values(Estimate(0.29, 0.1, 0.08, 0.5, 99, 99), kind="share", scale=0.1)
    assert found == pytest.approx((7.26, 3.0), abs=0.005)


def test_means_by_standard_deviations():
    found = e_values(Estimate(-50.0, 10.0, -70.0, -30.0, 99, 99), kind="mean", scale=100.0)
    assert found == pytest.approx((e_value(math.exp(0.455)), e_value(math.exp(0.273))))


@pytest.mark.parametrize(
    ("effect", "scale", "expected"),
    [
        pytest.param(Estimate(0.01, 0.1, -0.1, 0.2, 9, 9), 0.1, (1.43, 1.0), id="interval holds nil"),
        pytest.param(Estimate(-0.1, 0.01, -0.12, -0.08, 9, 9), 0.1, (math.inf, 9.47), id="none left"),
        pytest.param(Estimate(0.1, 0.01, 0.08, 0.12, 9, 9), 0.0, (math.nan, math.nan), id="none before"),
    ],
)
def test_edges(effect, scale, expected):
    assert e_values(effect, kind="share", scale=scale) == pytest.approx(expected, abs=0.01, nan_ok=True)


def test_a_ratio_of_nothing_is_refused():
    with pytest.raises(ValueError, match="risk ratio is 0"):
        e_value(0)
