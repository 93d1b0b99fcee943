"""Adjusted p-values: two families, blanks and order."""

from __future__ import annotations

import math
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from crmreport.analysis.campaign.multiple import adjust_p_values
from crmreport.errors import ConfigError

CHANCES = st.lists(st.floats(0, 1), min_size=1, max_size=8)


def test_by_hand():
    # Holm on .01, .04: ×2, ×1. Benjamini–Hochberg on .03, .04, .2: .03·3/1, .04·3/2, .2·3/3, from the top.
    found = adjust_p_values([0.2, 0.01, 0.03, 0.04, 0.04], primary=[False, True, False, True, False])
    assert found == pytest.approx([0.2, 0.02, 0.06, 0.04, 0.06])


def test_a_metric_not_tested_counts_for_nothing():
    found = adjust_p_values([math.nan, 0.03, math.nan], primary=[True, True, False])
    assert found == pytest.approx([math.nan, 0.03, math.nan], nan_ok=True)
    assert adjust_p_values([], primary=[]) == []


@given(CHANCES, st.sampled_from([(True, "holm"), (False, "fdr_bh")]))
def test_each_family_is_that_of_statsmodels(p_values, family):
    primary, method = family
    found = adjust_p_values(p_values, primary=[primary] * len(p_values))
    # It collects garbage every time, which takes half a second beside all that tests have loaded.
    with patch("gc.collect"):
        expected = multipletests(p_values, method=method)[1]
    assert found == pytest.approx(expected)


@given(CHANCES)
def test_adjusting_never_makes_surer_and_keeps_the_order(p_values):
    for primary in (True, False):
        found = adjust_p_values(p_values, primary=[primary] * len(p_values))
        assert all(new >= old - 1e-12 for new, old in zip(found, p_values, strict=True))
        ranked = [new for _, new in sorted(zip(p_values, found, strict=True))]
        assert ranked == sorted(ranked)


@pytest.mark.parametrize(
    ("p_values", "primary", "message"),
    [
        pytest.param([0.1, 0.2], [True], "2 p-values, but 1 marks", id="one mark too few"),
        pytest.param([1.2], [True], "1.2 is no p-value", id="no probability"),
    ],
)
def test_refusals(p_values, primary, message):
    with pytest.raises(ConfigError, match=message):
        adjust_p_values(p_values, primary=primary)
