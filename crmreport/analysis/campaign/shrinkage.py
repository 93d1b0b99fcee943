"""Many effects seen together: how much they truly differ, and each one drawn towards their mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import chi2, norm

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Shrunk:
    """Effects drawn towards their mean by as much as noise explains them.

    Attributes:
        effects: Shrunk effects, in the order given, in their unit; nan where an effect is not known.
        standard_errors: Their standard errors, the uncertainty of mean and spread included.
        lower: Lower bounds.
        upper: Upper bounds.
        mean: Mean of the true effects, weighted by precision.
        mean_standard_error: Its standard error.
        tau: Standard deviation of the true effects; 0 when noise explains every difference.
        q: Cochran's Q.
        q_p_value: Its p-value (χ², k − 1 degrees of freedom); nan with fewer than 2 effects.
        i_squared: Share of the differences that noise does not explain, 0 to 1 (Higgins and Thompson 2002).
        n_effects: Effects known.
    """

    effects: Floats
    standard_errors: Floats
    lower: Floats
    upper: Floats
    mean: float
    mean_standard_error: float
    tau: float
    q: float
    q_p_value: float
    i_squared: float
    n_effects: int


def shrink(
    effects: Sequence[float] | Floats, standard_errors: Sequence[float] | Floats, *, confidence: float = 0.95
) -> Shrunk:
    """Empirical-Bayes estimates of many effects (Efron and Morris 1975).

    True effects are taken as normal around their mean with variance τ² (Paule and Mandel 1982). Each
    estimate moves by B = se² ÷ (se² + τ²) of its distance to the mean. Variance (Morris 1983):
    (1 − B) se² + B² var(mean) + 2 ÷ (k − 3) × B² (effect − mean)², the last for not knowing τ² (k − 3
    not below 1).

    Args:
        effects: Estimates in one unit; nan is left out and stays nan.
        standard_errors: Their standard errors, above 0.
        confidence: Coverage of the intervals, between 0 and 1.

    Returns:
        The shrunk effects; mean and spread nan when no effect is known.

    Raises:
        ValueError: The two differ in length, or a standard error is not above 0.

    Examples:
        >>> found = shrink([1.0, 2.0, 9.0], [1.0, 1.0, 1.0])
        >>> found.effects.round(2).tolist(), round(found.tau, 2), round(found.i_squared, 2)
        ([1.16, 2.11, 8.74], 4.24, 0.95)
    """
    y, error = np.asarray(effects, dtype="float64"), np.asarray(standard_errors, dtype="float64")
    if y.shape != error.shape:
        raise ValueError(f"{y.size} effects, {error.size} standard errors; give one for each")
    known = ~(np.isnan(y) | np.isnan(error))
    if (error[known] <= 0).any():
        raise ValueError("a standard error is 0 or below; give the estimate's own uncertainty")
    blank = np.full(y.shape, np.nan)
    k = int(known.sum())
    if k == 0:
        none = float("nan")
        return Shrunk(blank, blank, blank, blank, none, none, none, none, none, none, 0)
    seen, variance = y[known], error[known] ** 2
    tau2 = between_variance(seen, variance)
    weight = 1 / (variance + tau2)
    mean, mean_variance = float(weight @ seen / weight.sum()), float(1 / weight.sum())
    drawn = variance / (variance + tau2)
    centre = mean + (1 - drawn) * (seen - mean)
    spread = (1 - drawn) * variance + drawn**2 * mean_variance
    if k > 2:
        spread = spread + 2 / max(k - 3, 1) * drawn**2 * (seen - mean) ** 2
    q = cochran_q(seen, variance)
    reach = float(norm.ppf(0.5 + confidence / 2))

    def placed(values: Floats) -> Floats:
        full = blank.copy()
        full[known] = values
        return full

    return Shrunk(
        effects=placed(centre),
        standard_errors=placed(np.sqrt(spread)),
        lower=placed(centre - reach * np.sqrt(spread)),
        upper=placed(centre + reach * np.sqrt(spread)),
        mean=mean,
        mean_standard_error=mean_variance**0.5,
        tau=tau2**0.5,
        q=q,
        q_p_value=float(chi2.sf(q, k - 1)) if k > 1 else float("nan"),
        i_squared=max(0.0, 1 - (k - 1) / q) if q > 0 else 0.0,
        n_effects=k,
    )


def cochran_q(effects: Floats, variances: Floats) -> float:
    """Distances from the fixed-effect mean in standard errors, squared and added up (Cochran 1954)."""
    weight = 1 / variances
    mean = weight @ effects / weight.sum()
    return float(weight @ (effects - mean) ** 2)


def between_variance(effects: Floats, variances: Floats) -> float:
    """Variance of the true effects (Paule and Mandel 1982): the τ² at which Q equals k − 1.

    Examples:
        >>> round(between_variance(np.array([1.0, 2.0, 9.0]), np.ones(3)), 6)
        18.0
    """
    freedom = len(effects) - 1

    def excess(tau2: float) -> float:
        return cochran_q(effects, variances + tau2) - freedom

    if freedom < 1 or excess(0.0) <= 0:
        return 0.0
    # At τ² = Σ(y − ȳ)² every weight is below 1 ÷ that sum, so Q is below 1 and the root is passed.
    highest = float(((effects - effects.mean()) ** 2).sum())
    return float(brentq(excess, 0.0, highest, xtol=1e-12 * highest, rtol=1e-12))  # type: ignore[arg-type]
