"""Empirical-Bayes shrinkage of many effects."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.meta_analysis import combine_effects

from crmreport.analysis.campaign.shrinkage import cochran_q, shrink

EFFECTS = st.lists(st.tuples(st.floats(-50, 50), st.floats(0.5, 20)), min_size=2, max_size=12)


def test_equal_errors_by_hand():
    # Errors 1: Q = Σ(y − 4)² ÷ (1 + τ²) = 38 ÷ (1 + τ²) = 2, so τ² = 18 and B = 1/19.
    found = shrink([1.0, 2.0, 9.0], [1.0, 1.0, 1.0])
    assert found.tau**2 == pytest.approx(18)
    assert found.effects == pytest.approx([4 - 3 * 18 / 19, 4 - 2 * 18 / 19, 4 + 5 * 18 / 19])
    assert (found.q, found.i_squared) == pytest.approx((38, 1 - 2 / 38))
    assert found.standard_errors[0] ** 2 == pytest.approx(18 / 19 + (1 / 19) ** 2 * 19 / 3 + 2 * 9 / 19**2)


def test_q_spread_and_mean_are_those_of_statsmodels():
    y, error = np.array([0.1, 0.8, -0.5, 2.4, 1.1]), np.array([0.2, 0.5, 0.3, 0.6, 0.4])
    found = shrink(y, error)
    expected = combine_effects(y, error**2, method_re="iterated")
    assert found.q == pytest.approx(expected.q, rel=1e-9)
    assert found.tau**2 == pytest.approx(expected.tau2, rel=1e-4)
    assert found.mean == pytest.approx(expected.mean_effect_re, rel=1e-4)


@given(EFFECTS)
def test_with_the_spread_in_the_errors_q_is_what_chance_gives(pairs):
    y, error = (np.array(v) for v in zip(*pairs, strict=True))
    found = shrink(y, error)
    rest = cochran_q(y, error**2 + found.tau**2)
    if found.tau > 0:
        assert rest == pytest.approx(len(y) - 1, rel=1e-6)
    else:
        assert rest <= len(y) - 1 + 1e-9


@given(EFFECTS)
def test_every_effect_moves_towards_the_mean_and_never_past_it(pairs):
    y, error = (np.array(v) for v in zip(*pairs, strict=True))
    found = shrink(y, error)
    assert ((found.effects - found.mean) * (y - found.mean) >= -1e-9).all()
    assert (np.abs(found.effects - found.mean) <= np.abs(y - found.mean) + 1e-9).all()


def test_noise_alone_leaves_one_common_effect():
    found = shrink([1.0, 1.1, 0.9], [1.0, 1.0, 1.0])
    assert (found.tau, found.i_squared) == (0, 0)
    assert found.effects == pytest.approx([1.0, 1.0, 1.0])


def test_an_unknown_effect_stays_unknown_and_counts_for_nothing():
    found = shrink([1.0, float("nan"), 3.0], [1.0, 1.0, 2.0])
    without = shrink([1.0, 3.0], [1.0, 2.0])
    assert np.isnan(found.effects[1])
    assert found.effects[[0, 2]] == pytest.approx(without.effects)
    assert found.n_effects == 2


@pytest.mark.parametrize("known", [[], [2.0]], ids=["none", "one"])
def test_too_few_to_differ(known):
    found = shrink(known, [1.0] * len(known))
    assert found.effects == pytest.approx(known)
    assert np.isnan(found.q_p_value)


@pytest.mark.parametrize("tau", [0.0, 0.5, 2.0])
def test_shrunk_effects_are_nearer_the_truth_and_covered(tau):
    # Seed 20263: 2,000 campaigns of 12 segments with unequal errors.
    rng = np.random.default_rng(20263)
    error = np.linspace(0.5, 2.0, 12)
    truth = 1.0 + tau * rng.normal(size=(2_000, 12))
    seen = truth + error * rng.normal(size=truth.shape)
    found = [shrink(row, error) for row in seen]
    drawn = np.array([f.effects for f in found])
    assert ((drawn - truth) ** 2).mean() < 0.9 * ((seen - truth) ** 2).mean()
    inside = np.mean([(f.lower <= t) & (t <= f.upper) for f, t in zip(found, truth, strict=True)])
    assert inside >= 0.93  # 93.4 % at τ = 0.5, where τ² is often estimated as 0


@pytest.mark.parametrize(
    ("effects", "errors", "message"),
    [
        pytest.param([1.0, 2.0], [1.0], "2 effects, 1 standard errors", id="not of one length"),
        pytest.param([1.0, 2.0], [1.0, 0.0], "0 or below", id="certain estimate"),
    ],
)
def test_refusals(effects, errors, message):
    with pytest.raises(ValueError, match=message):
        shrink(effects, errors)
