"""Standardised differences before the campaign."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from crmreport.analysis.campaign.arms import ArmStatistics, arm_statistics
from crmreport.analysis.campaign.balance import balance_table


def test_by_hand_with_two_treated_arms():
    def arm(n, mean, variance):
        return ArmStatistics(n, {"age": mean}, {"age": variance}, {})

    arms = {"line": arm(900, 41.0, 90.0), "mail": arm(900, 45.0, 110.0), "none": arm(900, 40.0, 110.0)}
    found = balance_table(arms, covariates=["age"], control="none")
    assert found["smd"].tolist() == pytest.approx([1 / math.sqrt(100), 5 / math.sqrt(110)])
    # A tenth of a standard deviation is the limit, and the first is chance still.
    assert found["unbalanced"].tolist() == [False, True]


def test_chance_in_small_arms_is_no_imbalance():
    rng = np.random.default_rng(12)
    alarms = large = 0
    for _ in range(100):
        rows = pd.DataFrame({"arm": ["t", "c"] * 25, "age": rng.normal(40, 10, 50)})
        found = balance_table(arm_statistics(rows, columns=["age"]), covariates=["age"], control="c")
        large += int(abs(found["smd"].iloc[0]) > 0.1)
        alarms += int(found["unbalanced"].iloc[0])
    assert large > 50
    assert alarms <= 1


def test_what_is_the_same_for_all_is_blank():
    rows = pd.DataFrame({"arm": ["t", "t", "c", "c"], "age": 40.0})
    found = balance_table(arm_statistics(rows, columns=["age"]), covariates=["age"], control="c")
    assert np.isnan(found["smd"].iloc[0])
    assert not found["unbalanced"].iloc[0]
    assert balance_table(arm_statistics(rows, columns=["age"]), covariates=[], control="c").empty
