"""Differences of shares at equal strata."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import StratifiedTable

from crmreport.analysis.stratified import stratified_difference


def test_by_hand():
    found = stratified_difference([8, 30], [10, 60], [10, 9], [20, 30])
    # Weights 10·20/30 and 60·30/90; differences .3 and .2.
    weight = 200 / 30 / (200 / 30 + 20)
    assert found.difference == pytest.approx(weight * 0.3 + (1 - weight) * 0.2)
    assert found.rate == pytest.approx(weight * 0.8 + (1 - weight) * 0.5)
    assert found.rest_rate == pytest.approx(weight * 0.5 + (1 - weight) * 0.3)
    variance = weight**2 * (0.8 * 0.2 / 10 + 0.5 * 0.5 / 20)
    variance += (1 - weight) ** 2 * (0.5 * 0.5 / 60 + 0.3 * 0.7 / 30)
    assert found.high - found.difference == pytest.approx(1.959964 * variance**0.5, rel=1e-6)


COUNTS = st.tuples(st.integers(1, 60), st.integers(1, 60)).flatmap(
    lambda sizes: st.tuples(
        st.integers(0, sizes[0]), st.just(sizes[0]), st.integers(0, sizes[1]), st.just(sizes[1])
    )
)


@given(st.lists(COUNTS, min_size=1, max_size=5))
def test_the_p_value_is_that_of_statsmodels(rows):
    k1, n1, k0, n0 = zip(*rows, strict=True)
    found = stratified_difference(k1, n1, k0, n0)
    tables = [np.array([[a, n - a], [b, m - b]], dtype=float) for a, n, b, m in rows]
    if all(t[:, 0].sum() == 0 or t[:, 1].sum() == 0 for t in tables):
        assert np.isnan(found.p_value)
        return
    expected = StratifiedTable(tables).test_null_odds(correction=False).pvalue
    assert found.p_value == pytest.approx(float(expected), rel=1e-9, abs=1e-12)


@given(st.lists(COUNTS, min_size=1, max_size=5), st.randoms())
def test_the_order_of_the_strata_never_matters(rows, random):
    mixed = random.sample(rows, len(rows))
    one, other = (stratified_difference(*zip(*each, strict=True)) for each in (rows, mixed))
    assert one.difference == pytest.approx(other.difference, abs=1e-12)
    assert one.low <= one.difference <= one.high


def test_a_stratum_without_one_of_the_groups_counts_for_nothing():
    assert stratified_difference([5, 9], [10, 9], [2, 0], [10, 0]) == stratified_difference(
        [5], [10], [2], [10]
    )


def test_nothing_to_compare_is_blank():
    found = stratified_difference([3], [5], [0], [0])
    assert np.isnan(
        [found.rate, found.rest_rate, found.difference, found.low, found.high, found.p_value]
    ).all()


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        pytest.param(([1], [2, 3], [1], [2]), "strata differ in number", id="not of one length"),
        pytest.param(([3], [2], [1], [2]), "between 0 and trials", id="more successes than trials"),
    ],
)
def test_refusals(counts, message):
    with pytest.raises(ValueError, match=message):
        stratified_difference(*counts)
