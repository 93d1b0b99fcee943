"""Fieller's interval: golden values, the unbounded cases, and that it inverts a test."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from crmreport.analysis.campaign.relative import relative_effect

# campaigns.json: (n, mean, variance) of treatment and control, and rel, rel_ci_fieller_z.
GOLDEN = [
    pytest.param(
        (45489, 51.29877552814966, 10669.736421513297),
        (44700, 52.45626398210291, 65903.32189749404),
        (-0.022065781397397344, -0.06805595849668611, 0.027958393948237736),
        id="Cookie Cats, rounds",
    ),
    pytest.param(
        (45489, 50.93526347028953, 9676.185579332316),
        (44700, 51.03090791946309, 9492.8777592011),
        (-0.001874245493035498, -0.026584915649741747, 0.023461988000493594),
        id="Cookie Cats, rounds capped",
    ),
    pytest.param(
        (1133, 471.1799823477493, 154223.99477561808),
        (1336, 163.74815868263474, 62590.16204619504),
        (1.8774673629213594, 1.621303115799249, 2.172518937945258),
        id="Complete Journey, spend after campaign 18",
    ),
    pytest.param(
        (1133, -21.363150926743163, 47784.93456241271),
        (1336, 9.078315868263473, 20219.250080682177),
        (-3.353206391664093, -16.17751747807454, -1.7988552967321607),
        id="just bounded: the control differs from 0 by 2.3 standard errors",
    ),
]


@pytest.mark.parametrize(("treatment", "control", "expected"), GOLDEN)
def test_golden(treatment, control, expected):
    (n_t, mean_t, var_t), (n_c, mean_c, var_c) = treatment, control
    found = relative_effect(mean_t, math.sqrt(var_t / n_t), mean_c, math.sqrt(var_c / n_c))
    assert (found.value, found.lower, found.upper) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("control", "error"),
    [
        pytest.param(1.0, 0.6, id="the control may be 0"),
        pytest.param(0.0, 0.0, id="the control is 0"),
        pytest.param(-5.0, 0.1, id="per cent of a loss mean nothing"),
        pytest.param(math.nan, 0.1, id="unknown control"),
        pytest.param(5.0, math.nan, id="unknown error"),
    ],
)
def test_no_share_of_something_that_may_be_nothing(control, error):
    assert relative_effect(2.0, 0.1, control, error) is None


@given(st.floats(-100, 100), st.floats(0.1, 10), st.floats(10, 100), st.floats(0.1, 3))
def test_its_ends_are_the_ratios_just_not_refuted(treatment, error, control, control_error):
    found = relative_effect(treatment, error, control, control_error)
    for end in (found.lower, found.upper):
        z = (treatment - (1 + end) * control) / math.hypot(error, (1 + end) * control_error)
        assert abs(z) == pytest.approx(norm.ppf(0.975), rel=1e-6)
