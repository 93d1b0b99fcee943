"""Peeking: false alarms simulated with a seed, and the interval's own arithmetic."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from crmreport.analysis.campaign.estimate import Estimate, normal_estimate, share_estimate
from crmreport.analysis.campaign.sequential import AlwaysValid, all_looks, always_valid, mixing_ratio
from crmreport.errors import ConfigError


def sampled_looks(rng, *, looks, per_look, runs, p):
    """Conversions of two arms of equal size at every look, as runs × looks."""
    return [rng.binomial(per_look, p, (runs, looks)).cumsum(axis=1) for _ in range(2)]


def bounds(error, n, planned):
    """The interval's half-width, in arrays; held to the function below."""
    u = mixing_ratio() * n / planned
    return error * np.sqrt((1 + u) / u * np.log((1 + u) / 0.05**2))


@pytest.mark.parametrize("planned_looks", [20, 10, 40], ids=["as planned", "ran longer", "stopped early"])
def test_peeking_20_times_at_an_a_a_test_raises_few_false_alarms(planned_looks):
    rng, runs, per_look, looks = np.random.default_rng(20), 10_000, 500, 20
    k_t, k_c = sampled_looks(rng, looks=looks, per_look=per_look, runs=runs, p=0.03)
    n = per_look * np.arange(1, looks + 1)
    p_t, p_c = k_t / n, k_c / n
    error = np.sqrt((p_t * (1 - p_t) + p_c * (1 - p_c)) / n)
    reach = bounds(error, 2 * n, 2 * per_look * planned_looks)
    alarms = (np.abs(p_t - p_c) > reach).any(axis=1).mean()
    assert alarms <= 0.05
    # A fixed-horizon interval, looked at as often, is wrong in a quarter of the tests (T1 of campaigns.json).
    assert (np.abs(p_t - p_c) > 1.96 * error).any(axis=1).mean() == pytest.approx(0.24985, abs=0.02)


@pytest.mark.parametrize(
    ("looks", "naive"), [(1, 0.04865), (5, 0.1423), (10, 0.1911), (20, 0.24985), (28, 0.2702)]
)
def test_the_normal_paths_of_the_trap(looks, naive):
    # T1 of campaigns.json: 20,000 null paths; its own rates, and at most 5 % here.
    steps = np.random.default_rng(1).normal(size=(20_000, looks)).cumsum(axis=1)
    n = np.arange(1, looks + 1)
    assert (np.abs(steps) > norm.ppf(0.975) * np.sqrt(n)).any(axis=1).mean() == pytest.approx(
        naive, abs=0.012
    )
    reach = bounds(1 / np.sqrt(n), n, looks)
    assert (np.abs(steps / n) > reach).any(axis=1).mean() <= 0.05


def test_a_true_effect_is_held_at_all_looks_together():
    rng, truth, block_error, looks = np.random.default_rng(21), 0.3, 0.13, 20
    n = np.arange(1, looks + 1)
    so_far = rng.normal(truth, block_error, (10_000, looks)).cumsum(axis=1) / n
    missed = np.abs(so_far - truth) > bounds(block_error / np.sqrt(n), n, looks)
    assert missed.any(axis=1).mean() <= 0.05


def test_the_arrays_of_these_tests_are_the_function():
    estimate = share_estimate(330, 10_000, 290, 10_000)
    found = always_valid(estimate, planned_customers=40_000)
    reach = bounds(estimate.standard_error, 20_000, 40_000)
    assert (found.lower, found.upper) == pytest.approx(
        (estimate.difference - reach, estimate.difference + reach)
    )


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_it_is_narrowest_where_it_was_planned_to_end(confidence):
    alpha = 1 - confidence
    best = minimize_scalar(
        lambda u: (1 + u) / u * math.log((1 + u) / alpha**2), bounds=(0.1, 100), method="bounded"
    )
    assert mixing_ratio(confidence=confidence) == pytest.approx(best.x, rel=1e-4)


@pytest.mark.parametrize("z", [0.0, 1.0, 2.5, 3.2, 5.0])
def test_p_value_and_interval_say_the_same(z):
    found = always_valid(normal_estimate(z, 1.0, 500, 500), planned_customers=2000)
    assert (found.p_value < 0.05) == (found.lower > 0)
    assert found.upper - found.lower > 2 * 1.96


def test_where_p_is_alpha_the_interval_ends_at_zero():
    found = always_valid(normal_estimate(0.0, 1.0, 500, 500), planned_customers=1000)
    at_the_edge = always_valid(normal_estimate(found.upper, 1.0, 500, 500), planned_customers=1000)
    assert at_the_edge.lower == pytest.approx(0.0, abs=1e-12)
    assert at_the_edge.p_value == pytest.approx(0.05)


def test_looks_are_kept_together():
    looks = [AlwaysValid(0.10, -0.10, 0.30, 0.4, 100, 400), AlwaysValid(0.12, -0.2, 0.25, 0.6, 200, 400)]
    assert all_looks(looks) == AlwaysValid(0.12, -0.10, 0.25, 0.4, 200, 400)


def test_looks_that_contradict_each_other_leave_the_last():
    looks = [AlwaysValid(0.3, 0.2, 0.4, 0.01, 100, 400), AlwaysValid(0.0, -0.1, 0.1, 1.0, 200, 400)]
    assert (all_looks(looks).lower, all_looks(looks).upper) == (-0.1, 0.1)


def test_nothing_to_estimate_yet_is_blank():
    found = always_valid(Estimate(0.0, 0.0, 0, 0, 3, 3), planned_customers=100)
    assert math.isnan(found.lower)
    assert found.p_value == 1.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(
            lambda: always_valid(normal_estimate(1, 1, 5, 5), planned_customers=0),
            "planned_customers is 0",
            id="no plan",
        ),
        pytest.param(lambda: mixing_ratio(confidence=95), "confidence is 95", id="per cent"),
        pytest.param(lambda: all_looks([]), "planned for \\[\\] customers", id="no look"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
