"""Sample ratios: golden numbers, k arms, segments, refusals."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmreport.analysis.campaign.sample_ratio import sample_ratio, sample_ratio_by
from crmreport.errors import ConfigError


def test_cookie_cats():
    # campaigns.json, cookie_cats.srm and srm_exact_binomial_p.
    found = sample_ratio({"gate_30": 44700, "gate_40": 45489}, planned={"gate_30": 1, "gate_40": 1})
    assert (found.chi2, found.df, found.p_value, found.exact_p_value) == pytest.approx(
        (6.9024049496058275, 1, 0.008607987810836262, 0.008692234389090966), rel=1e-6
    )
    assert not found.mismatch


def test_lenta_against_three_to_one():
    # campaigns.json, lenta_ito.rct_srm_vs_75_25.
    found = sample_ratio({"sms": 37691, "none": 12309}, planned={"sms": 0.75, "none": 0.25})
    assert (found.chi2, found.p_value) == pytest.approx((3.891306666666667, 0.04853664732223208), rel=1e-6)


def test_three_arms_by_hand():
    found = sample_ratio({"a": 90, "b": 110, "c": 100}, planned={"a": 1, "b": 1, "c": 1})
    # (10² + 10² + 0²) / 100; with two degrees of freedom p = exp(−χ²/2).
    assert (found.chi2, found.df, found.p_value) == pytest.approx((2.0, 2, math.exp(-1)))
    assert found.exact_p_value is None


def test_an_arm_nobody_is_in_is_a_mismatch():
    found = sample_ratio({"a": 1000}, planned={"a": 0.95, "b": 0.05})
    assert found.observed == {"a": 1000, "b": 0}
    assert found.mismatch


def test_a_loss_in_one_segment_shows_there():
    segments = {f"s{i:02d}": {"t": 500, "c": 500} for i in range(12)}
    segments["s05"] = {"t": 420, "c": 580}
    found = sample_ratio_by(segments, planned={"t": 1, "c": 1}).set_index("segment")
    assert found.index[found["mismatch"]].tolist() == ["s05"]
    # Twelve questions: Holm multiplies the smallest by 12.
    assert found.loc["s05", "p_adjusted"] == pytest.approx(12 * found.loc["s05", "p_value"])
    assert sample_ratio({"t": 5920, "c": 6080}, planned={"t": 1, "c": 1}).mismatch is False


@given(st.lists(st.integers(0, 500), min_size=2, max_size=4).filter(any), st.randoms())
@settings(deadline=None, max_examples=30)
def test_the_order_and_the_unit_of_the_plan_never_matter(sizes, random):
    observed = {f"arm {i}": n for i, n in enumerate(sizes)}
    planned = {name: 1.0 + i for i, name in enumerate(observed)}
    mixed = dict(random.sample(list(planned.items()), len(planned)))
    one = sample_ratio(observed, planned=planned)
    other = sample_ratio(observed, planned={name: 7 * weight for name, weight in mixed.items()})
    assert (other.chi2, other.p_value) == pytest.approx((one.chi2, one.p_value))


@pytest.mark.parametrize(
    ("observed", "planned", "message"),
    [
        pytest.param({"a": 1}, {"a": 1}, "two or more arms", id="one arm"),
        pytest.param({"a": 1}, {"a": 1, "b": 0}, "each above 0", id="an arm planned for nobody"),
        pytest.param({"a": 1, "x": 2}, {"a": 1, "b": 1}, "arm 'x' was not planned", id="unplanned arm"),
    ],
)
def test_refusals(observed, planned, message):
    with pytest.raises(ConfigError, match=message):
        sample_ratio(observed, planned=planned)


def test_nobody_refutes_nothing():
    found = sample_ratio({}, planned={"a": 1, "b": 1})
    assert math.isnan(found.p_value)
    assert not found.mismatch
