"""How small an effect a test can see, and how many customers it takes to see one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from scipy.optimize import brentq
from scipy.stats import norm
from statsmodels.stats.power import TTestIndPower, normal_power_het

from crmreport.analysis.campaign.estimate import Estimate
from crmreport.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Sizes:
    """Customers a test needs.

    Attributes:
        n_treatment: Customers of the treated arm.
        n_control: Customers of the control arm.
    """

    n_treatment: int
    n_control: int

    @property
    def total(self) -> int:
        """Customers of both arms."""
        return self.n_treatment + self.n_control


def mde_reached(estimate: Estimate, *, power: float = 0.8, alpha: float = 0.05) -> float:
    """Smallest true difference this test would have found with the stated power.

    (z₁₋α⸝₂ + z_power) × its standard error, whatever the metric (Bloom 1995): with clusters, CUPED
    or caps the standard error knows. A test without a finding says "less than this, probably".

    Args:
        estimate: Result of the test.
        power: Chance of finding it, above α and below 1.
        alpha: Two-sided level.

    Returns:
        Difference in the metric's unit, above 0; nan where the standard error is unknown.

    Examples:
        >>> round(mde_reached(Estimate(0.001, 0.002, -0.003, 0.005, 5000, 5000)), 4)
        0.0056
    """
    _check(power, alpha)
    return float(norm.isf(alpha / 2) + norm.ppf(power)) * estimate.standard_error


def mde_share(
    base: float, *, n_treatment: int, n_control: int, power: float = 0.8, alpha: float = 0.05
) -> float:
    """Smallest rise of a share that arms of these sizes find with the stated power (z, two-sided).

    A normal approximation: with only some 30 successes in the smaller arm the power is three points less.

    Args:
        base: Share of the control, between 0 and 1.
        n_treatment: Customers of the treated arm, 2 or more.
        n_control: Customers of the control arm, 2 or more.
        power: Chance of finding it, above α and below 1.
        alpha: Two-sided level.

    Returns:
        Rise, in shares (0.01 is one point); nan where even a rise to 100 % would not be found.

    Raises:
        ConfigError: A number lies outside its bounds.

    Examples:
        >>> round(mde_share(0.03, n_treatment=19_000, n_control=1_000), 5)
        0.0157
    """
    _check_base(base)
    _check_test(n_treatment, n_control, power, alpha)
    highest = 1 - base - 1e-9

    def short(rise: float) -> float:
        return _power_share(base, rise, n_treatment, n_control, alpha) - power

    if short(highest) < 0:
        return math.nan
    return float(brentq(short, 1e-12, highest, xtol=1e-12))  # type: ignore[arg-type]


def mde_mean(
    standard_deviation: float,
    *,
    n_treatment: int,
    n_control: int,
    power: float = 0.8,
    alpha: float = 0.05,
) -> float:
    """Smallest difference of means that arms of these sizes find with the stated power (t, two-sided).

    Args:
        standard_deviation: Of one customer's value, the same in both arms, above 0; after CUPED it is
            √(1 − variance reduction) of the raw one.
        n_treatment: Customers of the treated arm, 2 or more.
        n_control: Customers of the control arm, 2 or more.
        power: Chance of finding it, above α and below 1.
        alpha: Two-sided level.

    Returns:
        Difference, in the metric's unit.

    Raises:
        ConfigError: A number lies outside its bounds.

    Examples:
        >>> round(mde_mean(4000.0, n_treatment=19_000, n_control=1_000), 1)
        363.6
    """
    _check_deviation(standard_deviation)
    _check_test(n_treatment, n_control, power, alpha)
    size = TTestIndPower().solve_power(
        nobs1=n_treatment, ratio=n_control / n_treatment, alpha=alpha, power=power
    )
    return float(size) * standard_deviation


def customers_for_share(
    base: float, difference: float, *, control_share: float = 0.5, power: float = 0.8, alpha: float = 0.05
) -> Sizes:
    """Customers needed to find a difference of shares (z, two-sided), in arms of unequal size.

    Args:
        base: Share of the control, between 0 and 1.
        difference: Effect to find, in shares, not 0; base + difference lies between 0 and 1.
        control_share: Share of customers held out, between 0 and 1.
        power: Chance of finding it, above α and below 1.
        alpha: Two-sided level.

    Returns:
        Sizes of the arms, rounded up.

    Raises:
        ConfigError: A number lies outside its bounds.

    Examples:
        >>> customers_for_share(0.03, 0.006)
        Sizes(n_treatment=13911, n_control=13911)
    """
    _check_base(base)
    if difference == 0 or not 0 < base + difference < 1:
        raise ConfigError(
            f"difference is {difference}; give one that leads from {base} to a share inside 0 and 1"
        )
    return _grow(partial(_power_share, base, difference), control_share, power, alpha)


def customers_for_mean(
    standard_deviation: float,
    difference: float,
    *,
    control_share: float = 0.5,
    power: float = 0.8,
    alpha: float = 0.05,
) -> Sizes:
    """Customers needed to find a difference of means (t, two-sided), in arms of unequal size.

    Args:
        standard_deviation: Of one customer's value, the same in both arms, above 0.
        difference: Effect to find, in the metric's unit, not 0.
        control_share: Share of customers held out, between 0 and 1.
        power: Chance of finding it, above α and below 1.
        alpha: Two-sided level.

    Returns:
        Sizes of the arms, rounded up.

    Raises:
        ConfigError: A number lies outside its bounds.

    Examples:
        >>> customers_for_mean(4000.0, 200.0, control_share=0.1)
        Sizes(n_treatment=31398, n_control=3489)
    """
    _check_deviation(standard_deviation)
    if difference == 0:
        raise ConfigError("difference is 0; give the effect to find")
    return _grow(partial(_power_mean, abs(difference) / standard_deviation), control_share, power, alpha)


def _power_share(base: float, difference: float, n_treatment: float, n_control: float, alpha: float) -> float:
    treated = base + difference
    # Unpooled on both sides, as the test is that will be made.
    spread = math.sqrt(treated * (1 - treated) + base * (1 - base) * n_treatment / n_control)
    return float(
        normal_power_het(difference, n_treatment, alpha, std_null=spread, std_alternative=spread)  # type: ignore[arg-type]
    )


def _power_mean(effect: float, n_treatment: float, n_control: float, alpha: float) -> float:
    return float(TTestIndPower().power(effect, n_treatment, alpha, ratio=n_control / n_treatment))  # type: ignore[arg-type]


def _grow(
    power_of: Callable[[float, float, float], float], control_share: float, power: float, alpha: float
) -> Sizes:
    """Arms of the smallest test whose power, as a function of both arms and α, suffices."""
    if not 0 < control_share < 1:
        raise ConfigError(f"control_share is {control_share}; give a share between 0 and 1")
    _check(power, alpha)

    def reached(n: float) -> float:
        return power_of(n * (1 - control_share), n * control_share, alpha)

    few = low = 3 / min(control_share, 1 - control_share)
    while reached(low) < power:
        low *= 2
    n = few if low == few else float(brentq(lambda n: reached(n) - power, low / 2, low))  # type: ignore[arg-type]
    # Float dust must not add a customer.
    return Sizes(math.ceil(n * (1 - control_share) - 1e-6), math.ceil(n * control_share - 1e-6))


def _check(power: float, alpha: float) -> None:
    if not 0 < alpha < power < 1:
        raise ConfigError(f"power is {power} and alpha {alpha}; give shares with 0 < alpha < power < 1")


def _check_base(base: float) -> None:
    if not 0 < base < 1:
        raise ConfigError(f"base is {base}; give the control's share, inside 0 and 1")


def _check_deviation(standard_deviation: float) -> None:
    if not 0 < standard_deviation < math.inf:
        raise ConfigError(f"standard_deviation is {standard_deviation}; give a number above 0")


def _check_test(n_treatment: int, n_control: int, power: float, alpha: float) -> None:
    if min(n_treatment, n_control) < 2:
        raise ConfigError(f"arms have {n_treatment} and {n_control} customers; give 2 or more each")
    _check(power, alpha)
