"""Traps T1–T10 of campaigns.json without the file: small, from their recipes, and what the package says.

Each is looked into further where its analysis is tested (T1 peeking: test_sequential; T4 and T9 their own
modules …); against the file itself: test_golden_campaigns.
"""

from __future__ import annotations

import pytest

from tests.analysis.campaign import golden_traps


def test_t1_peeking():
    found = golden_traps.t1_peeking(4000)
    assert found["T1_peeking_fpr"]["20"] == pytest.approx(0.25, abs=0.03)
    assert found["T1_always_valid_fpr_28_looks"] <= 0.05


def test_t2_openers():
    found = golden_traps.t2_openers(40_000)
    assigned, openers = found["itt"]["ci_newcombe"], found["openers_vs_control"]["ci_newcombe"]
    assert assigned[0] < 0 < assigned[1]
    assert openers[0] > 0.015


def test_t3_clicks_per_open():
    found = golden_traps.t3_click_to_open(40_000)
    assert found["B"]["cto"] > found["A"]["cto"] + 0.03
    assert found["B"]["click"] == pytest.approx(found["A"]["click"], abs=0.006)


def test_t4_the_dormant_come_back_by_themselves():
    found = golden_traps.t4_regression_to_mean(20_000)
    assert found["reactivated_rate"] == pytest.approx(found["theory_reactivated"], abs=0.012)
    assert found["mean_after"] == pytest.approx(found["theory_mean_after"], abs=0.03)


def test_t5_simpson():
    found = golden_traps.t5_simpson()["T5_simpson_reversal"]
    assert found["pooled_diff"] < -0.1
    assert min(found["vip_diff"], found["normal_diff"]) > 0
    assert found["mantel_haenszel_or"] == pytest.approx(1.171037628278221, rel=1e-6)


def test_t6_the_winner_was_lucky():
    found = golden_traps.t6_winners_curse(1000)
    assert found["relative"] == pytest.approx(0.155, abs=0.01)
    assert found["naive_p_lt_05_best_vs_arm0"] > 0.09


def test_t7_sessions_are_not_users():
    found = golden_traps.t7_sessions(300)
    assert found["naive_session_ztest"] > 0.2
    assert found["delta_method_user"] == pytest.approx(0.05, abs=0.04)


def test_t8_a_holdout_of_five_per_cent():
    for found in golden_traps.t8_coverage(1500).values():
        assert found["newcombe_3000"] == pytest.approx(0.95, abs=0.02)
        assert abs(found["wald_pooled"] - 0.95) > 0.03


def test_t9_an_overlapping_campaign():
    found = golden_traps.t9_overlap(20_000)
    assert found["naive_A"] > 2.5
    assert found["adjusted_A"] == pytest.approx(1, abs=0.3)


def test_t10_a_lift_that_loses_money():
    found = golden_traps.t10_margin()
    assert found["lift_revenue"] == pytest.approx(0.176)
    assert found["delta_profit"] == pytest.approx(-18.08)


def test_t13_twelve_segments_without_an_effect():
    found = golden_traps.t13_fishing(2000)
    assert found["raw"] == pytest.approx(found["theory_raw"], abs=0.045)
    assert found["bonferroni"] == pytest.approx(0.05, abs=0.02)
