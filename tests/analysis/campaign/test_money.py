"""Profit of a campaign. T10: a lift that costs money, from campaigns.json."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from crmreport.analysis.campaign.estimate import Estimate, normal_estimate
from crmreport.analysis.campaign.money import Costs, campaign_profit, holdout_cost, probability_positive


def test_by_hand():
    effect = Estimate(50.0, 10.0, 30.0, 70.0, n_treatment=1000, n_control=200)
    found = campaign_profit(effect, margin_rate=0.4, costs=Costs(send=5, coupon=4000, fixed=1000))
    assert (found.revenue, found.margin, found.cost, found.profit) == (50_000, 20_000, 10_000, 10_000)
    assert (found.lower, found.upper) == (2_000, 18_000)
    assert found.standard_error == 4_000
    assert found.p_positive == pytest.approx(0.9937903, rel=1e-6)  # Φ(2.5)
    assert (found.break_even_margin, found.break_even_effect) == (0.2, 25.0)


def test_a_lift_of_revenue_may_lose_money():
    # T10: margin 30 %, 26 spent on each recipient.
    effect = normal_estimate(176.4 - 150.0, 1.0, 1, 1)
    found = campaign_profit(effect, margin_rate=0.3, costs=Costs(send=26))
    assert found.revenue / 150.0 == pytest.approx(0.17599999999999993, rel=1e-6)
    assert found.profit == pytest.approx(-18.080000000000005, rel=1e-6)
    assert found.p_positive < 1e-9


@given(st.floats(-1e3, 1e3), st.floats(0.01, 1e3), st.floats(0, 1), st.floats(0, 100))
def test_the_interval_holds_the_profit_and_break_even_is_where_profit_is_nil(effect, error, rate, send):
    given_effect = normal_estimate(effect, error, 100, 100)
    found = campaign_profit(given_effect, margin_rate=rate, costs=Costs(send=send))
    assert found.lower <= found.profit <= found.upper
    if 0 <= found.break_even_margin <= 1:
        again = campaign_profit(given_effect, margin_rate=found.break_even_margin, costs=Costs(send=send))
        assert again.profit == pytest.approx(0, abs=1e-6 * max(1.0, found.cost))


def test_no_rise_has_no_break_even_margin_and_no_margin_no_break_even_effect():
    effect = normal_estimate(-1.0, 1.0, 10, 10)
    assert math.isnan(campaign_profit(effect, margin_rate=0.5, costs=Costs(send=1)).break_even_margin)
    assert math.isnan(campaign_profit(effect, margin_rate=0.0, costs=Costs(send=1)).break_even_effect)


def test_an_effect_that_is_not_known_has_no_probability():
    assert math.isnan(probability_positive(math.nan, 1.0))
    assert math.isnan(probability_positive(1.0, math.nan))


def test_p_positive_says_how_often_profit_is_positive():
    # Seed 20261: campaigns whose true effects differ far more than the noise; of those called 60–70 %
    # probable, 60–70 % must have earned money, and so in every band.
    rng = np.random.default_rng(20261)
    truth = rng.normal(0, 40, 200_000)
    seen = truth + rng.normal(0, 4, truth.size)
    near = np.abs(seen) < 12
    said = np.array(
        [
            campaign_profit(Estimate(e, 4.0, e, e, 1, 1), margin_rate=1, costs=Costs()).p_positive
            for e in seen[near]
        ]
    )
    true = truth[near] > 0
    for low in np.arange(0, 1, 0.1):
        band = (said >= low) & (said < low + 0.1)
        assert true[band].mean() == pytest.approx(said[band].mean(), abs=0.03)


def test_p_positive_is_uniform_when_nothing_is_earned():
    # Seed 20262: profit exactly nil.
    rng = np.random.default_rng(20262)
    said = [probability_positive(v, 3.0) for v in rng.normal(0, 3.0, 20_000)]
    assert kstest(said, "uniform").pvalue > 0.01


def test_a_holdout_may_save_money():
    effect = Estimate(10.0, 1.0, 8.0, 12.0, n_treatment=900, n_control=100)
    found = holdout_cost(effect, margin_rate=0.5, costs=Costs(send=8, coupon=900, fixed=10_000))
    # Each held out: 10 × .5 − 8 − 900 ÷ 900 = −4.
    assert (found.forgone, found.lower, found.upper) == (-400, -500, -300)
    assert math.isnan(found.share_of_profit)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda e: campaign_profit(e, margin_rate=30, costs=Costs()), "is 30", id="30 for 30 %"),
        pytest.param(lambda e: holdout_cost(e, margin_rate=-1, costs=Costs()), "is -1", id="negative margin"),
        pytest.param(lambda e: Costs(send=-1), "cost of send is -1", id="negative cost"),
        pytest.param(lambda e: Costs(coupon=math.nan), "cost of coupon is nan", id="unknown cost"),
        pytest.param(
            lambda e: holdout_cost(Estimate(1, 1, 0, 2, 0, 5), margin_rate=0.5, costs=Costs()),
            "nobody was treated",
            id="nobody treated",
        ),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make(normal_estimate(1.0, 1.0, 10, 10))
