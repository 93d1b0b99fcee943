"""Every usual way to compare two shares: golden numbers typed in, and all of them where the file is there."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from crmreport.analysis.campaign.alternatives import (
    rank_alternative,
    relative_alternatives,
    share_alternatives,
)
from crmreport.analysis.proportions import newcombe_interval
from crmreport.errors import ConfigError, DataError

SHARES = [
    "cookie_cats.retention_1",
    "cookie_cats.retention_7",
    "lenta_ito.rct",
    "lenta_ito.log_naive",
    "lenta_ito.rct_truth_in_overlap",
    "ito_cluster_trial.naive_row_level",
    "traps.T2_openers.itt",
    "traps.T2_openers.openers_vs_control",
]
MEANS = [
    "cookie_cats.sum_gamerounds_raw",
    "cookie_cats.sum_gamerounds_without_max_49854",
    "cookie_cats.sum_gamerounds_winsor_p99.9_pooled_linear",
    "complete_journey_campaign18.naive_post_difference",
    "complete_journey_campaign18.placebo_pre_difference",
    "complete_journey_campaign18.did_household_changes_welch",
    "complete_journey_campaign18.placebo_did_pre_vs_pre2",
    "complete_journey_campaign18.trap_redeemer_vs_nonredeemer_post",
    "complete_journey_campaign18.trap_redeemer_vs_nonredeemer_pre",
]


def at(golden, path):
    """The entry of a path; only the last of three parts may hold a dot of its own."""
    area, _, key = path.partition(".")
    found = golden[area]
    while key not in found:
        part, _, key = key.partition(".")
        found = found[part]
    return found[key]


def test_cookie_cats_retention_after_a_day():
    # campaigns.json, cookie_cats.retention_1.
    found = share_alternatives(20119, 45489, 20034, 44700)
    assert (found.p_pooled, found.p_unpooled, found.p_yates, found.p_fisher) == pytest.approx(
        (0.07440965529691913, 0.07440786052349997, 0.07550476210309097, 0.074707233724352), rel=1e-6
    )
    assert found.risk_ratio_interval == pytest.approx((0.9725501440588552, 1.0013080478541465), rel=1e-6)


def test_the_guardrail_of_the_file_pools_its_variance():
    # campaigns.json, guardrail_noninferiority.superiority_two_sided.
    found = share_alternatives(130, 20_000, 100, 20_000)
    assert found.p_pooled == pytest.approx(0.047272205113582204, rel=1e-6)


def test_a_relative_effect_of_cookie_cats_rounds():
    # campaigns.json, cookie_cats.sum_gamerounds_raw.
    linear, log = relative_alternatives(
        51.29877552814966, 10669.736421513297, 45489, 52.45626398210291, 65903.32189749404, 44700
    )
    assert linear == pytest.approx((-0.0699821694976209, 0.02585060670282622), rel=1e-6)
    assert log == pytest.approx((-0.06882720697851807, 0.027043898920938503), rel=1e-6)


@pytest.mark.real
@pytest.mark.parametrize("path", SHARES)
def test_shares_of_the_file(golden, path):
    wanted = at(golden, path)
    found = share_alternatives(wanted["x_t"], wanted["n_t"], wanted["x_c"], wanted["n_c"])
    # Below 1e-15 p-values agree in the absolute sense only (tolerance notes of the file).
    for name, key in (
        ("p_pooled", "p_z_pooled"),
        ("p_pooled", "p_chi2_no_correction"),
        ("p_unpooled", "p_z_unpooled"),
        ("p_yates", "p_chi2_yates"),
        ("p_fisher", "p_fisher"),
    ):
        assert getattr(found, name) == pytest.approx(wanted[key], rel=1e-6, abs=1e-15), key
    for name, key in (
        ("wald", "ci_wald_unpooled"),
        ("agresti_caffo", "ci_agresti_caffo"),
        ("newcombe", "ci_newcombe"),
        ("risk_ratio_interval", "rr_ci_log"),
    ):
        assert getattr(found, name) == pytest.approx(wanted[key], rel=1e-6), key
    assert found.risk_ratio == pytest.approx(wanted["rr"], rel=1e-6)


@pytest.mark.real
@pytest.mark.parametrize("path", MEANS)
def test_means_of_the_file(golden, path):
    w = at(golden, path)
    linear, log = relative_alternatives(w["mean_t"], w["var_t"], w["n_t"], w["mean_c"], w["var_c"], w["n_c"])
    assert linear == pytest.approx(w["rel_ci_delta_linear_t"], rel=1e-6)
    assert log == pytest.approx(w["rel_ci_delta_log_t"], rel=1e-6)


def test_newcombe_is_the_printed_one():
    assert share_alternatives(9, 40, 3, 50).newcombe == pytest.approx(newcombe_interval(9, 40, 3, 50))


def test_no_ratio_to_nothing():
    with pytest.raises(ValueError, match="inside 0 and customers"):
        share_alternatives(3, 10, 0, 10)


def test_a_p_value_that_a_float_calls_zero_has_a_logarithm():
    found = share_alternatives(9_000, 10_000, 1_000, 10_000)
    assert found.p_pooled == 0
    assert found.log10_p_pooled < -2000
    near = share_alternatives(56, 70, 48, 80)
    assert near.log10_p_pooled == pytest.approx(math.log10(near.p_pooled))
    assert near.z_pooled * near.error_pooled == pytest.approx(56 / 70 - 48 / 80)
    assert abs(near.z_unpooled) > abs(near.z_pooled)


def ranks(frame):
    return rank_alternative(frame, column="spend", treatment="mail", control="none")


def test_ranks_by_hand(engine):
    # Of the nine pairs the treated is above in six and equal in two.
    frame = pd.DataFrame({"arm": ["mail"] * 3 + ["none"] * 3 + ["line"], "spend": [1, 3, 4, 0, 1, 3, 99]})
    found = ranks(engine(frame))
    assert found.superiority == pytest.approx((6 + 2 / 2) / 9)


def test_a_few_huge_buyers_move_the_mean_and_not_the_ranks():
    # Seed 31.
    spend = np.random.default_rng(31).gamma(1, 100, 2000)
    frame = pd.DataFrame({"arm": ["mail", "none"] * 1000, "spend": spend})
    plain = ranks(frame)
    frame.loc[[0, 2, 4], "spend"] += 1e6
    assert ranks(frame).superiority == pytest.approx(plain.superiority, abs=0.002)
    assert ranks(frame).p_value > 0.05


@pytest.mark.parametrize(
    ("frame", "error", "message"),
    [
        pytest.param({"arm": ["mail"], "spend": [1.0]}, ConfigError, "in the arm 'none'", id="no control"),
        pytest.param(
            {"arm": ["mail", "none"], "spend": [1.0, None]}, DataError, "1 customers have no", id="no value"
        ),
    ],
)
def test_ranks_refused(frame, error, message):
    with pytest.raises(error, match=message):
        ranks(pd.DataFrame(frame))
