"""Power: simulated, inverse to itself, textbook numbers, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import nct, norm, t

from crmreport.analysis.campaign.estimate import Estimate
from crmreport.analysis.campaign.power import (
    Sizes,
    customers_for_mean,
    customers_for_share,
    mde_mean,
    mde_reached,
    mde_share,
)
from crmreport.errors import ConfigError


def test_a_textbook_test_of_two_shares():
    # Fleiss, Levin and Paik: (1.96 + .8416)² (p₁q₁ + p₂q₂) / d², arms of equal size.
    n = (norm.ppf(0.975) + norm.ppf(0.8)) ** 2 * (0.036 * 0.964 + 0.03 * 0.97) / 0.006**2
    assert customers_for_share(0.03, 0.006) == Sizes(math.ceil(n), math.ceil(n))


def test_the_t_test_of_two_means_by_the_noncentral_t():
    sizes = customers_for_mean(10.0, 5.0)

    def power(n):
        beyond = t.ppf(0.975, 2 * n - 2)
        return nct.sf(beyond, 2 * n - 2, 0.5 * math.sqrt(n / 2))

    assert sizes.n_treatment == sizes.n_control == 64
    assert power(64) >= 0.8 > power(63)


@pytest.mark.parametrize("control_share", [0.05, 0.5, 0.8])
def test_customers_and_smallest_effect_answer_each_other(control_share):
    sizes = customers_for_share(0.04, 0.005, control_share=control_share)
    assert sizes.n_control / sizes.total == pytest.approx(control_share, rel=1e-3)
    arms = {"n_treatment": sizes.n_treatment, "n_control": sizes.n_control}
    assert mde_share(0.04, **arms) == pytest.approx(0.005, rel=1e-3)
    sizes = customers_for_mean(300.0, 20.0, control_share=control_share)
    arms = {"n_treatment": sizes.n_treatment, "n_control": sizes.n_control}
    assert mde_mean(300.0, **arms) == pytest.approx(20.0, rel=1e-3)


@pytest.mark.parametrize(
    ("n_control", "power"),
    [
        pytest.param(10_000, 0.8, id="300 successes in the holdout"),
        pytest.param(1_000, 0.77, id="30 in the holdout: 3 points short"),
    ],
)
def test_the_promised_power_is_had(n_control, power):
    rng, n_treated = np.random.default_rng(3), 19 * n_control
    rise = mde_share(0.03, n_treatment=n_treated, n_control=n_control)
    treated = rng.binomial(n_treated, 0.03 + rise, 40_000) / n_treated
    rest = rng.binomial(n_control, 0.03, 40_000) / n_control
    error = np.sqrt(treated * (1 - treated) / n_treated + rest * (1 - rest) / n_control)
    assert (np.abs(treated - rest) > 1.96 * error).mean() == pytest.approx(power, abs=0.015)


def test_more_customers_see_smaller_effects_and_a_fall_takes_other_numbers_than_a_rise():
    small, large = (mde_share(0.03, n_treatment=n, n_control=n) for n in (1_000, 100_000))
    assert small > large
    assert customers_for_share(0.03, -0.006).total < customers_for_share(0.03, 0.006).total
    assert customers_for_mean(5.0, -1.0) == customers_for_mean(5.0, 1.0)


def test_what_a_finished_test_could_have_seen():
    reached = mde_reached(Estimate(0.0, 2.0, -4, 4, 50, 50))
    assert reached == pytest.approx(2.0 * 2.8015852, rel=1e-6)
    assert norm.sf(1.959964 - reached / 2.0) == pytest.approx(0.8, rel=1e-5)


def test_an_effect_no_test_of_that_size_sees_is_blank():
    assert math.isnan(mde_share(0.9, n_treatment=5, n_control=5))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda: customers_for_share(0.0, 0.1), "base is 0.0", id="base 0"),
        pytest.param(lambda: customers_for_share(0.9, 0.2), "difference is 0.2", id="beyond 100 %"),
        pytest.param(lambda: customers_for_share(0.9, 0), "difference is 0", id="no effect"),
        pytest.param(
            lambda: customers_for_share(0.1, 0.1, control_share=1.0),
            "control_share is 1.0",
            id="all held out",
        ),
        pytest.param(lambda: customers_for_mean(0.0, 1.0), "standard_deviation is 0.0", id="no spread"),
        pytest.param(lambda: customers_for_mean(1.0, 0.0), "difference is 0", id="no difference"),
        pytest.param(
            lambda: mde_mean(1.0, n_treatment=1, n_control=9), "1 and 9 customers", id="one customer"
        ),
        pytest.param(
            lambda: mde_share(0.1, n_treatment=9, n_control=9, power=0.04),
            "power is 0.04",
            id="power below α",
        ),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
