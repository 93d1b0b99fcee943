"""A campaign nobody randomised: naive beside adjusted, and withheld when a diagnostic fails."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import narwhals as nw
import numpy as np
import pandas as pd
import statsmodels.api as sm
from narwhals.typing import IntoFrame
from numpy.typing import NDArray
from scipy.special import expit
from statsmodels.tools.sm_exceptions import PerfectSeparationError, PerfectSeparationWarning

from crmreport.analysis.campaign.e_value import e_values
from crmreport.analysis.campaign.estimate import Estimate, mean_estimate, normal_estimate, share_estimate
from crmreport.analysis.ledger import to_pandas
from crmreport.errors import DataError

Floats = NDArray[np.float64]
Kind = Literal["share", "mean"]
Target = Literal["overlap", "treated", "all"]
Reason = Literal["no_overlap", "imbalance_after", "small_effective_sample", "too_few_customers"]

# Below this no covariate counts as unbalanced (Austin 2009).
MAX_SMD = 0.1
# More of the target than this without a counterpart, and the answer is about other customers.
MAX_OUTSIDE = 0.05
MIN_EFFECTIVE = 100.0
# Propensities this near to 0 or 1 belong to customers who could hardly have been in the other arm.
_EDGE = 0.01


@dataclass(frozen=True)
class Observational:
    """Naive and adjusted effect of a campaign whose customers were chosen, not drawn.

    Attributes:
        naive: Plain difference of the two groups.
        weighted: Difference after weighting; None when withheld.
        doubly_robust: The same with an outcome model on top (AIPW): right when either the propensity
            or the outcome model is; None when withheld. This is the one to quote.
        e_value: How strongly, as a risk ratio, something not measured would have to be tied to both
            being sent to and the outcome to explain the effect away (VanderWeele and Ding 2017); None
            when withheld.
        e_value_bound: The same for the bound of the interval nearer to no effect; 1 when it holds 0.
        balance: One row per covariate: ``covariate``, ``mean_treatment``, ``mean_control``,
            ``smd_before``, ``smd_after``.
        max_smd_before: Largest absolute SMD before.
        max_smd_after: Largest after; nan when no weights could be made.
        propensity_lower: Smallest propensity.
        propensity_upper: Largest.
        outside_share: Share of the target without a counterpart in the other group.
        ess_treatment: Effective sample size of the treated, (Σw)² ÷ Σw².
        ess_control: The same of the control customers.
        reasons: Why nothing is said; empty when it is.
        target: For whom the effect is.
    """

    naive: Estimate
    weighted: Estimate | None
    doubly_robust: Estimate | None
    e_value: float | None
    e_value_bound: float | None
    balance: pd.DataFrame
    max_smd_before: float
    max_smd_after: float
    propensity_lower: float
    propensity_upper: float
    outside_share: float
    ess_treatment: float
    ess_control: float
    reasons: tuple[Reason, ...]
    target: Target

    @property
    def withheld(self) -> bool:
        """Whether a diagnostic failed, so that no adjusted effect may be said."""
        return bool(self.reasons)


def adjusted_effect(
    customers: IntoFrame,
    *,
    treated: str,
    outcome: str,
    covariates: Sequence[str],
    kind: Kind,
    target: Target = "overlap",
    balance_on: Sequence[str] | None = None,
    confidence: float = 0.95,
) -> Observational:
    """Compare sent with not sent at equal covariates.

    Propensity: logistic regression on the covariates. Weights h ÷ e for the treated and h ÷ (1 − e)
    for the rest, with h = e(1 − e) for ``overlap`` (Li, Morgan and Zaslavsky 2018: customers who could
    have gone either way), e for ``treated``, 1 for ``all``; normalised within each group. The doubly
    robust effect adds a linear outcome model per group; standard errors from the influence function.
    It holds only if nothing else differs between the groups: hence the E-value.

    Withheld when a group has too few customers, more than 5 % of the target has no counterpart (a
    covariate outside the other group's range, or a propensity within .01 of 0 or 1), a covariate's
    SMD after weighting exceeds .1, or a group's effective sample is below 100.

    Args:
        customers: One row per customer: any frame narwhals understands.
        treated: Column 1 for sent to, 0 for not.
        outcome: Column of the outcome: 0/1 for ``share``, any number for ``mean``.
        covariates: Numeric columns known before the campaign that the choice of customers or the
            outcome depend on.
        kind: What the outcome is.
        target: For whom the effect is.
        balance_on: Columns whose balance is judged; the covariates when None. Judge the amounts
            themselves when the covariates are their logarithms.
        confidence: Coverage of the intervals, between 0 and 1.

    Returns:
        Naive and adjusted effects with their diagnostics.

    Raises:
        DataError: A value is missing, a group is empty, ``treated`` is not 0/1 or a share not 0/1.

    Examples:
        Heavy buyers were sent to; the campaign did nothing.

        >>> rng = np.random.default_rng(0)
        >>> before = rng.normal(100, 20, 4000)
        >>> sent = (rng.random(4000) < 1 / (1 + np.exp(-(before - 100) / 30))).astype(int)
        >>> frame = pd.DataFrame({"sent": sent, "before": before, "after": before + rng.normal(0, 10, 4000)})
        >>> options = {"treated": "sent", "outcome": "after", "covariates": ["before"]}
        >>> found = adjusted_effect(frame, **options, kind="mean")
        >>> round(found.naive.difference), round(found.doubly_robust.difference), found.withheld
        (12, 0, False)
    """
    judged = list(balance_on or covariates)
    frame = _numbers(customers, treated, outcome, list(dict.fromkeys([*covariates, *judged])), kind)
    t = frame[treated].to_numpy() == 1
    y, x, z = frame[outcome].to_numpy(), frame[list(covariates)].to_numpy(), frame[judged].to_numpy()
    naive = _naive(y, t, kind, confidence)
    too_few = min(t.sum(), (~t).sum()) < 2 * (x.shape[1] + 1)
    e = None if too_few else _propensity(x, t)
    reasons: list[Reason] = []
    nan = float("nan")
    if e is None:
        reasons.append("too_few_customers" if too_few else "no_overlap")
        balance = _balance(judged, z, t, None, target)
        smd_after = outside = ess1 = ess0 = low = high = nan
        weight = h = None
    else:
        h = {"overlap": e * (1 - e), "treated": e, "all": np.ones_like(e)}[target]
        weight = np.where(t, h / e, h / (1 - e))
        balance = _balance(judged, z, t, weight, target)
        smd_after = float(balance["smd_after"].abs().max())
        outside = _outside(x, t, e, h, target)
        ess1, ess0 = _effective(weight[t]), _effective(weight[~t])
        low, high = float(e.min()), float(e.max())
        if outside > MAX_OUTSIDE:
            reasons.append("no_overlap")
        if smd_after > MAX_SMD:
            reasons.append("imbalance_after")
        if min(ess1, ess0) < MIN_EFFECTIVE:
            reasons.append("small_effective_sample")
    weighted = robust = None
    e_point = e_bound = None
    if weight is not None and h is not None and not reasons:
        weighted = _effect(y, t, weight, np.zeros_like(y), np.zeros_like(y), h, confidence)
        robust = _effect(y, t, weight, _predict(x, y, t), _predict(x, y, ~t), h, confidence)
        base = float(np.average(y[~t], weights=weight[~t])) if kind == "share" else float(y.std(ddof=1))
        e_point, e_bound = e_values(robust, kind=kind, scale=base)
    return Observational(
        naive=naive,
        weighted=weighted,
        doubly_robust=robust,
        e_value=e_point,
        e_value_bound=e_bound,
        balance=balance,
        max_smd_before=float(balance["smd_before"].abs().max()),
        max_smd_after=smd_after,
        propensity_lower=low,
        propensity_upper=high,
        outside_share=outside,
        ess_treatment=ess1,
        ess_control=ess0,
        reasons=tuple(reasons),
        target=target,
    )


def _numbers(
    customers: IntoFrame, treated: str, outcome: str, columns: list[str], kind: Kind
) -> pd.DataFrame:
    names = [treated, outcome, *columns]
    frame = nw.from_native(customers).lazy().select(*[nw.col(name).cast(nw.Float64) for name in names])
    found = to_pandas(frame)
    if missing := int(found.isna().any(axis=1).sum()):
        column = str(found.columns[found.isna().any()][0])
        raise DataError(
            f"{missing} customers lack a value; first column: {column}; fill it, or leave these customers out"
        )
    if not set(found[treated].unique()) <= {0.0, 1.0}:
        raise DataError(f"{treated} holds other values than 0 and 1; give 1 for sent to")
    if kind == "share" and not set(found[outcome].unique()) <= {0.0, 1.0}:
        raise DataError(f"{outcome} holds other values than 0 and 1; use kind 'mean' for amounts")
    if found[treated].nunique() < 2:
        raise DataError(
            f"{treated} is the same for all {len(found)} customers; there is nobody to compare with"
        )
    return found


def _naive(y: Floats, t: NDArray[np.bool_], kind: Kind, confidence: float) -> Estimate:
    a, b = y[t], y[~t]
    if kind == "share":
        return share_estimate(int(a.sum()), len(a), int(b.sum()), len(b), confidence=confidence)
    spread = [float(v.var(ddof=1)) if len(v) > 1 else 0.0 for v in (a, b)]
    return mean_estimate(
        float(a.mean()), spread[0], len(a), float(b.mean()), spread[1], len(b), confidence=confidence
    )


def _propensity(x: Floats, t: NDArray[np.bool_]) -> Floats | None:
    """Probability of being sent to; None when the covariates decide it."""
    scale = x.std(axis=0)
    # Money in yen beside shares makes the Hessian singular in floating point.
    design = sm.add_constant((x - x.mean(axis=0)) / np.where(scale > 0, scale, 1), has_constant="add")
    design = design[:, [True, *(scale > 0)]]
    try:
        with np.errstate(over="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error", PerfectSeparationWarning)
            fit = sm.Logit(t.astype("float64"), design).fit(disp=0, maxiter=100, warn_convergence=False)
    except (PerfectSeparationWarning, PerfectSeparationError, np.linalg.LinAlgError):
        return None
    e = np.asarray(expit(design @ fit.params))
    # Separation shows as propensities of exactly 0 or 1, or as a fit that never settles.
    return e if fit.mle_retvals["converged"] and e.min() > 1e-9 and e.max() < 1 - 1e-9 else None


def _outside(x: Floats, t: NDArray[np.bool_], e: Floats, h: Floats, target: Target) -> float:
    alone = (e < _EDGE) | (e > 1 - _EDGE)
    for mine, others in ((t, ~t), (~t, t)):
        low, high = x[others].min(axis=0), x[others].max(axis=0)
        alone |= mine & ((x < low) | (x > high)).any(axis=1)
    if target == "treated":
        return float(alone[t].mean())
    return float(np.average(alone, weights=h))


def _balance(
    names: list[str], z: Floats, t: NDArray[np.bool_], weight: Floats | None, target: Target
) -> pd.DataFrame:
    """Standardised mean differences: over the treated's deviation for ``treated``, else both groups'."""
    spread = z[t].var(axis=0, ddof=1)
    if target != "treated":
        spread = (spread + z[~t].var(axis=0, ddof=1)) / 2
    scale = np.where(spread > 0, np.sqrt(spread), 1)
    plain = z[t].mean(axis=0), z[~t].mean(axis=0)
    after = np.full(len(names), np.nan)
    if weight is not None:
        drawn = [np.average(z[arm], axis=0, weights=weight[arm]) for arm in (t, ~t)]
        after = (drawn[0] - drawn[1]) / scale
    return pd.DataFrame(
        {
            "covariate": names,
            "mean_treatment": plain[0],
            "mean_control": plain[1],
            "smd_before": (plain[0] - plain[1]) / scale,
            "smd_after": after,
        }
    )


def _effective(weight: Floats) -> float:
    return float(weight.sum() ** 2 / (weight**2).sum())


def _predict(x: Floats, y: Floats, arm: NDArray[np.bool_]) -> Floats:
    design = np.column_stack([np.ones(len(x)), x])
    coefficients, *_ = np.linalg.lstsq(design[arm], y[arm], rcond=None)
    return design @ coefficients


def _effect(
    y: Floats, t: NDArray[np.bool_], weight: Floats, m1: Floats, m0: Floats, h: Floats, confidence: float
) -> Estimate:
    """Weighted difference, augmented by an outcome model; without one, m1 = m0 = 0."""
    modelled = float(np.average(m1 - m0, weights=h))
    parts = h * (m1 - m0 - modelled) / h.mean()
    difference = modelled
    for arm, model, sign in ((t, m1, 1), (~t, m0, -1)):
        w = np.where(arm, weight, 0.0)
        rest = float(w @ (y - model) / w.sum())
        difference += sign * rest
        parts = parts + sign * w * (y - model - rest) / w.mean()
    error = float(np.sqrt((parts**2).mean() / len(y)))
    return normal_estimate(difference, error, int(t.sum()), int((~t).sum()), confidence=confidence)
