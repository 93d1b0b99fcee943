from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest
from statsmodels.stats.proportion import confint_proportions_2indep

from crmreport.analysis.proportions import compare_shares, holm, newcombe_interval, wilson_interval


@pytest.mark.parametrize(("k", "n"), [(0, 10), (1, 10), (5, 10), (10, 10), (3, 1000)])
def test_wilson_equals_scipy(k, n):
    low, high = wilson_interval([k], [n])
    expected = binomtest(k, n).proportion_ci(method="wilson")
    assert (low[0], high[0]) == pytest.approx((expected.low, expected.high))


def test_wilson_of_nobody_is_blank():
    low, high = wilson_interval([0], [0])
    assert np.isnan(low[0])
    assert np.isnan(high[0])


def test_more_successes_than_trials_are_refused():
    with pytest.raises(ValueError, match="between 0 and trials"):
        wilson_interval([3], [2])


def test_holm_ignores_blanks_and_never_falls():
    # Holm 1979: 0.01*3, 0.02*2, 0.5*1, made non-decreasing.
    assert holm([0.5, float("nan"), 0.01, 0.02]) == pytest.approx(
        [0.5, float("nan"), 0.03, 0.04], nan_ok=True
    )


def test_small_groups_are_compared_exactly():
    # Fisher's tea: 3 of 4 against 1 of 4, two-sided p = 34/70.
    assert compare_shares(3, 4, 1, 4) == pytest.approx(34 / 70)


@pytest.mark.parametrize(
    ("k1", "n1", "k2", "n2"), [(56, 70, 48, 80), (9, 10, 3, 10), (0, 10, 0, 20), (5, 5, 1, 9)]
)
def test_newcombe_equals_statsmodels(k1, n1, k2, n2):
    expected = confint_proportions_2indep(k1, n1, k2, n2, method="newcomb", compare="diff")
    assert newcombe_interval(k1, n1, k2, n2) == pytest.approx(expected)


def test_newcombe_of_an_empty_group_is_blank():
    assert np.isnan(newcombe_interval(0, 0, 3, 5)).all()
