"""Effects with their intervals. Expected values: campaigns.json (Cookie Cats, Complete Journey)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import fisher_exact, norm

from crmreport.analysis.campaign.estimate import (
    Estimate,
    cautious,
    mean_estimate,
    normal_estimate,
    pooled_error,
    share_estimate,
)


def test_a_difference_of_shares_from_cookie_cats_retention():
    found = share_estimate(20119, 45489, 20034, 44700)
    assert found.difference == pytest.approx(-0.005905169787341458, rel=1e-6)
    assert found.standard_error == pytest.approx(0.003309892280304391, rel=1e-6)
    assert found.p_value == pytest.approx(0.07440786052349997, rel=1e-6)
    assert (found.lower, found.upper) == pytest.approx(
        (-0.012391904992707325, 0.000582095069752226), rel=1e-6
    )


def test_few_successes_in_one_arm_are_compared_exactly():
    # z with the unpooled variance would say 1e-13: it takes the control's 0 of 120 for certain.
    found = share_estimate(50, 1000, 0, 120)
    assert found.p_value == pytest.approx(fisher_exact([[50, 950], [0, 120]])[1])
    assert found.p_value > 0.001


def test_a_difference_of_means_from_complete_journey_campaign_18():
    found = mean_estimate(
        471.1799823477493, 154223.99477561808, 1133, 163.74815868263474, 62590.16204619504, 1336
    )
    assert found.difference == pytest.approx(307.4318236651145, rel=1e-6)
    assert found.standard_error == pytest.approx(13.52660173068861, rel=1e-6)
    assert (found.lower, found.upper) == pytest.approx((280.902895505105, 333.960751825124), rel=1e-6)
    assert found.p_value == pytest.approx(4.176923576207365e-101, rel=1e-6)


def test_no_success_at_all_is_not_certainty():
    found = share_estimate(0, 40, 0, 40)
    assert found.difference == 0
    assert found.standard_error == pytest.approx(math.sqrt(2 * (1 / 42) * (41 / 42) / 42))


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(share_estimate(0, 0, 3, 9), id="an empty arm"),
        pytest.param(mean_estimate(1, 0, 1, 2, 5, 9), id="one customer has no variance"),
        pytest.param(mean_estimate(1, 0, 9, 1, 0, 9), id="nobody varies"),
    ],
)
def test_what_cannot_be_compared_is_blank(found):
    assert math.isnan(found.difference)
    assert math.isnan(found.standard_error)


def test_a_normal_estimate_without_spread_has_no_p_value():
    assert math.isnan(normal_estimate(1.0, 0.0, 5, 5).p_value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda: Estimate(0, -1, 0, 0, 1, 1), "standard_error is -1", id="negative error"),
        pytest.param(lambda: Estimate(0, 1, 0, 0, -1, 1), "customers are -1", id="negative customers"),
        pytest.param(
            lambda: share_estimate(3, 2, 0, 5), "found \\(3, 2\\)", id="more successes than customers"
        ),
        pytest.param(lambda: mean_estimate(0, -1, 9, 0, 1, 9), "variances are -1", id="negative variance"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_redeemers_spent_as_much_more_before_there_was_anything_to_redeem():
    # Complete Journey, campaign 18: two thirds of the redeemers' lead was there before it.
    after = mean_estimate(
        731.5215887850467, 207683.44961906012, 214, 410.5563656147987, 122508.73478176596, 919
    )
    before = mean_estimate(
        612.315093457944, 165664.666556564, 214, 395.58626768226327, 111423.94899378883, 919
    )
    assert after.difference == pytest.approx(320.96522317024795, rel=1e-6)
    assert (after.lower, after.upper) == pytest.approx((255.56013811953778, 386.3703082209581), rel=1e-6)
    assert before.difference == pytest.approx(216.72882577568078, rel=1e-6)
    assert before.p_value == pytest.approx(4.162287560286168e-12, rel=1e-6)
    assert before.difference / after.difference > 2 / 3


def test_the_larger_error_widens_bounds_and_p_value_alike():
    small = mean_estimate(10.0, 400.0, 950, 8.0, 100.0, 50)
    pooled = pooled_error(400.0, 950, 100.0, 50)
    assert pooled == pytest.approx(math.sqrt((949 * 400 + 49 * 100) / 998 * (1 / 950 + 1 / 50)))
    found = cautious(small, pooled)
    assert (found.difference, found.standard_error) == (2.0, pooled)
    assert (found.upper - 2.0) / (small.upper - 2.0) == pytest.approx(pooled / small.standard_error)
    assert found.p_value > small.p_value
    assert cautious(small, math.nan) == cautious(small, 0.1) == small


@pytest.mark.parametrize(
    ("treated", "control", "rate"),
    [
        pytest.param(950, 50, 0.1, id="5 buyers held out"),
        pytest.param(9500, 500, 0.06, id="30 held out"),
        pytest.param(800, 200, 0.05, id="10 held out, a fifth of all"),
        pytest.param(500, 9500, 0.06, id="few sent to"),
    ],
)
def test_a_campaign_that_does_nothing_is_seldom_told_to_pay_or_to_lose(treated, control, rate):
    # Seed 816: amounts of buyers are lognormal; nothing was changed, so 5 % each way are allowed.
    rng, likely, unlikely, naive = np.random.default_rng(816), 0, 0, 0
    for _ in range(600):
        arms = []
        for n in (treated, control):
            spent = np.zeros(n)
            bought = rng.binomial(n, rate)
            spent[:bought] = rng.lognormal(0, 1, bought)
            arms.append((spent.mean(), spent.var(ddof=1), n))
        (_, v1, n1), (_, v0, n0) = arms
        welch = mean_estimate(*arms[0], *arms[1])
        found = cautious(welch, pooled_error(v1, n1, v0, n0))
        p = norm.cdf(found.difference / found.standard_error)
        likely, unlikely = likely + (p >= 0.95), unlikely + (p <= 0.05)
        naive += max(q := norm.cdf(welch.difference / welch.standard_error), 1 - q) >= 0.95
    assert max(likely, unlikely) / 600 < 0.07
    # What it is there for.
    assert naive / 600 > 0.1
