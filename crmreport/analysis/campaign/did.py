"""Difference in differences: did those sent to change more than those not sent to?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import narwhals as nw
import numpy as np
import pandas as pd
from narwhals.typing import IntoFrame
from numpy.typing import NDArray
from scipy.stats import chi2

from crmreport.analysis.campaign.estimate import Estimate, normal_estimate
from crmreport.analysis.ledger import to_pandas
from crmreport.errors import DataError

Floats = NDArray[np.float64]
Reason = Literal["no_earlier_period", "placebo_differs", "trends_differ", "too_few_customers"]

MIN_CUSTOMERS = 30


@dataclass(frozen=True)
class DifferenceInDifferences:
    """Change of the treated less change of the control customers.

    Attributes:
        naive: Difference of the two groups after the start, earlier differences left in.
        effect: Difference of the changes per customer and period; None when withheld.
        placebo: The same for the last period before the start as if the campaign had begun with it;
            None without an earlier one. It must be about 0.
        trend_p_value: p-value for equal changes of both groups over all periods before the start
            (Wald); nan with fewer than two.
        means: One row per period: ``period``, ``mean_treatment``, ``mean_control``, ``after``.
        n_before: Periods before the start.
        n_after: Periods from the start.
        reasons: Why nothing is said; empty when it is.
    """

    naive: Estimate
    effect: Estimate | None
    placebo: Estimate | None
    trend_p_value: float
    means: pd.DataFrame
    n_before: int
    n_after: int
    reasons: tuple[Reason, ...]

    @property
    def withheld(self) -> bool:
        """Whether a diagnostic failed, so that no effect may be said."""
        return bool(self.reasons)


def difference_in_differences(
    panel: IntoFrame,
    *,
    start: int,
    treated: str = "treated",
    period: str = "period",
    outcome: str = "revenue",
    alpha: float = 0.05,
    confidence: float = 0.95,
) -> DifferenceInDifferences:
    """Effect of a campaign by the changes of two groups that were not drawn by lot.

    Each customer's periods before and after the start are averaged (Bertrand, Duflo and Mullainathan
    2004); the effect is the treated's mean change less the others'. Standard errors are clustered by
    customer (CR1, as least squares of outcome on treated × after would give). It holds only if both
    groups would have changed alike. Withheld when the placebo or the trends before the start
    differ (p < alpha), there are not two periods before the start to look at, or a group has fewer
    than 30 customers.

    Args:
        panel: One row per customer and period, 0 where nothing was bought: ``customer_id`` and the
            columns named below.
        start: First period after the start of the campaign.
        treated: Column 1 for sent to, 0 for not; the same in all periods of a customer.
        period: Column of whole numbers, periods of equal length.
        outcome: Column of the outcome.
        alpha: Level of the tests before the start, between 0 and 1.
        confidence: Coverage of the intervals, between 0 and 1.

    Returns:
        The effect with what speaks for and against it.

    Raises:
        DataError: A customer lacks a period or has one twice, changes group, or a side is empty.

    Examples:
        >>> rng = np.random.default_rng(1)
        >>> rows = [(f"c{i}", p, i % 2, 10 * (i % 2) + p + 3 * (i % 2) * (p == 3) + rng.normal())
        ...         for i in range(200) for p in (1, 2, 3)]
        >>> panel = pd.DataFrame(rows, columns=["customer_id", "period", "treated", "revenue"])
        >>> found = difference_in_differences(panel, start=3)
        >>> round(found.naive.difference), round(found.effect.difference), found.withheld
        (13, 3, False)
    """
    wide, t = _wide(panel, treated, period, outcome)
    periods = wide.columns.to_numpy()
    values, after = wide.to_numpy("float64"), periods >= start
    n_before, n_after = int((~after).sum()), int(after.sum())
    if not (n_before and n_after):
        raise DataError(
            f"periods are {periods.min()} to {periods.max()}; give a start with periods before and after it"
        )
    if t.all() or not t.any():
        raise DataError(f"{treated} is the same for all {len(t)} customers; there is nobody to compare with")
    before = values[:, ~after]
    change = values[:, after].mean(axis=1) - before.mean(axis=1)
    reasons: list[Reason] = []
    if min(t.sum(), (~t).sum()) < MIN_CUSTOMERS:
        reasons.append("too_few_customers")
    placebo, trend = None, math.nan
    if n_before < 2:
        reasons.append("no_earlier_period")
    else:
        placebo = _difference(before[:, -1] - before[:, :-1].mean(axis=1), t, confidence)
        trend = _equal_changes(before, t)
        if placebo.p_value < alpha:
            reasons.append("placebo_differs")
        if trend < alpha:
            reasons.append("trends_differ")
    means = pd.DataFrame(
        {
            "period": periods,
            "mean_treatment": values[t].mean(axis=0),
            "mean_control": values[~t].mean(axis=0),
            "after": after,
        }
    )
    return DifferenceInDifferences(
        naive=_difference(values[:, after].mean(axis=1), t, confidence),
        effect=None if reasons else _difference(change, t, confidence),
        placebo=placebo,
        trend_p_value=trend,
        means=means,
        n_before=n_before,
        n_after=n_after,
        reasons=tuple(reasons),
    )


def _wide(
    panel: IntoFrame, treated: str, period: str, outcome: str
) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """Customers × periods, and who was treated."""
    frame = (
        nw.from_native(panel)
        .lazy()
        .select(
            "customer_id",
            period=nw.col(period).cast(nw.Int64),
            arm=nw.col(treated).cast(nw.Int64),
            value=nw.col(outcome).cast(nw.Float64),
        )
    )
    rows = to_pandas(frame)
    if twice := int(rows.duplicated(["customer_id", "period"]).sum()):
        raise DataError(f"{twice} rows repeat a customer and period; add them up first")
    if not set(rows["arm"]) <= {0, 1}:
        raise DataError(f"{treated} holds {sorted(set(rows['arm']))}; give 1 for sent to, 0 for not")
    wide = rows.pivot(index="customer_id", columns="period", values="value").sort_index(axis=1)
    if gaps := int(wide.isna().any(axis=1).sum()):
        raise DataError(f"{gaps} customers lack a period; give 0 where nothing was bought")
    arms = rows.groupby("customer_id")["arm"].agg(["min", "max"])
    if changed := int((arms["min"] != arms["max"]).sum()):
        raise DataError(f"{changed} customers are in both groups; cut the panel where they change")
    return wide, (arms["max"] == 1).to_numpy()


def _difference(value: Floats, t: NDArray[np.bool_], confidence: float) -> Estimate:
    """Difference of means, its error that of least squares on two periods clustered by customer (CR1)."""
    n = len(value)
    variance = sum(float(((v - v.mean()) ** 2).sum()) / len(v) ** 2 for v in (value[t], value[~t]))
    # G/(G − 1) × (N − 1)/(N − K) with G customers, N = 2 G rows and K = 4 coefficients.
    variance *= n / (n - 1) * (2 * n - 1) / (2 * n - 4)
    gap = float(value[t].mean() - value[~t].mean())
    return normal_estimate(gap, math.sqrt(variance), int(t.sum()), n - int(t.sum()), confidence=confidence)


def _equal_changes(before: Floats, t: NDArray[np.bool_]) -> float:
    """Wald test that both groups changed alike from the first period to each later one before the start."""
    moves = before[:, 1:] - before[:, :1]
    gap = moves[t].mean(axis=0) - moves[~t].mean(axis=0)
    covariance = sum(np.atleast_2d(np.cov(m, rowvar=False)) / len(m) for m in (moves[t], moves[~t]))
    rank = int(np.linalg.matrix_rank(covariance))
    if not rank:
        return math.nan
    return float(chi2.sf(gap @ np.linalg.pinv(covariance) @ gap, rank))
