"""Whether the arms were alike before the campaign."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from crmreport.analysis.campaign.arms import ArmStatistics
from crmreport.analysis.campaign.estimate import mean_estimate
from crmreport.analysis.campaign.multiple import adjust_p_values

SMD_LIMIT, BALANCE_ALPHA = 0.1, 0.001


def balance_table(
    arms: Mapping[str, ArmStatistics], *, covariates: Sequence[str], control: str
) -> pd.DataFrame:
    """Standardised mean differences of covariates from before the assignment (Austin 2009).

    SMD = (treatment − control) ÷ √((Var treatment + Var control) ÷ 2): no unit, and no smaller for
    more customers. Chance alone makes it large in small arms; so a covariate is ``unbalanced`` where
    |SMD| > 0.1 and chance is refuted too (Welch, adjusted for all covariates and arms, p < .001).

    Args:
        arms: Statistics by arm.
        covariates: Columns to compare.
        control: Name of the control arm.

    Returns:
        One row per treated arm and covariate: ``arm``, ``covariate``, ``mean_treatment``,
        ``mean_control``, ``smd`` (blank where nothing varies), ``p_value``, ``p_adjusted``, ``unbalanced``.

    Examples:
        >>> arms = {"mail": ArmStatistics(500, {"age": 42.0}, {"age": 100.0}, {}),
        ...         "none": ArmStatistics(500, {"age": 40.0}, {"age": 100.0}, {})}
        >>> balance_table(arms, covariates=["age"], control="none")["smd"].tolist()
        [0.2]
    """
    rows = []
    rest = arms[control]
    for name, treated in arms.items():
        for covariate in covariates if name != control else ():
            one, other = treated.means[covariate], rest.means[covariate]
            spreads = treated.variances[covariate], rest.variances[covariate]
            pooled = math.sqrt(sum(spreads) / 2) if min(treated.n, rest.n) > 1 else math.nan
            tested = math.nan
            if pooled > 0:
                tested = mean_estimate(one, spreads[0], treated.n, other, spreads[1], rest.n).p_value
            smd = (one - other) / pooled if pooled > 0 else math.nan
            rows.append((name, covariate, one, other, smd, tested))
    table = pd.DataFrame(
        rows, columns=["arm", "covariate", "mean_treatment", "mean_control", "smd", "p_value"]
    )
    adjusted = adjust_p_values(table["p_value"].tolist(), primary=[True] * len(table))
    table["p_adjusted"] = pd.Series(adjusted, dtype="float64")
    table["unbalanced"] = (table["smd"].abs() > SMD_LIMIT) & (table["p_adjusted"] < BALANCE_ALPHA)
    return table
