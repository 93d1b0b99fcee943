"""Non-inferiority: golden numbers, both directions, and the three outcomes."""

from __future__ import annotations

import math

import pytest
from scipy.stats import norm

from crmreport.analysis.campaign.estimate import Estimate, normal_estimate, share_estimate
from crmreport.analysis.campaign.guardrail import check_guardrail
from crmreport.errors import ConfigError


def test_unsubscribes_of_a_margin_of_a_fifth_of_a_point():
    # campaigns.json, guardrail_noninferiority: 130 of 20,000 against 100 of 20,000.
    found = check_guardrail(share_estimate(130, 20_000, 100, 20_000), margin=0.002)
    assert (found.difference, found.z, found.p_value, found.worst) == pytest.approx(
        (0.0014999999999999996, -0.6613169418114453, 0.25420453942147514, 0.002743619755488174), rel=1e-6
    )
    # The file's two-sided p-value pools the variance (see test_alternatives.py); ours does not.
    assert found.harm_p_value == pytest.approx(2 * norm.sf(0.0015 / 0.0007560671266494794), rel=1e-6)
    assert found.outcome == "not_shown"


@pytest.mark.parametrize(
    ("difference", "outcome"),
    [
        pytest.param(-2.0, "held", id="it got better"),
        pytest.param(0.3, "held", id="a little worse, within the margin"),
        pytest.param(1.0, "not_shown", id="at the margin"),
        pytest.param(1.2, "not_shown", id="beyond the margin, by chance perhaps"),
        pytest.param(3.0, "broken", id="far beyond"),
    ],
)
def test_outcomes_in_both_directions(difference, outcome):
    up = check_guardrail(normal_estimate(difference, 0.2, 900, 900), margin=1.0)
    down = check_guardrail(normal_estimate(-difference, 0.2, 900, 900), margin=1.0, harm="decrease")
    assert up.outcome == down.outcome == outcome
    assert down.worst == pytest.approx(-up.worst)
    assert down.p_value == pytest.approx(up.p_value)
    assert (up.p_value < 0.05) == (outcome == "held")


def test_a_small_test_shows_no_safety():
    found = check_guardrail(share_estimate(1, 100, 1, 100), margin=0.002)
    assert found.harm_p_value > 0.9
    assert found.outcome == "not_shown"


def test_the_unknown_is_not_shown():
    nan = math.nan
    found = check_guardrail(Estimate(nan, nan, nan, nan, 0, 5), margin=1.0)
    assert found.outcome == "not_shown"
    assert math.isnan(found.p_value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"margin": 0.0}, "margin is 0.0", id="no margin"),
        pytest.param({"margin": math.nan}, "margin is nan", id="unknown margin"),
        pytest.param({"margin": 1.0, "harm": "worse"}, "harm is 'worse'", id="no direction"),
        pytest.param({"margin": 1.0, "alpha": 0.5}, "alpha is 0.5", id="no level"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ConfigError, match=message):
        check_guardrail(normal_estimate(0.0, 1.0, 9, 9), **options)
