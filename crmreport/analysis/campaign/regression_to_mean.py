"""Regression to the mean: dormant customers come back without being asked, and the best spend less again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import narwhals as nw
import numpy as np
import pandas as pd
from narwhals.typing import IntoFrame
from scipy.stats import norm

from crmreport.analysis.campaign.estimate import Estimate, normal_estimate
from crmreport.analysis.ledger import to_pandas
from crmreport.analysis.proportions import wilson_interval
from crmreport.errors import DataError

Reason = Literal["no_untreated", "few_matched", "too_few_customers"]

# With fewer treated customers matched, the answer is about other customers than were sent to.
MIN_MATCHED = 0.8
MIN_CUSTOMERS = 30


@dataclass(frozen=True)
class WonBack:
    """Dormant customers who came back: those sent to beside matched ones who were not.

    Attributes:
        came_back: Share of the treated who came back; what "we won back" quotes.
        came_back_lower: Lower bound (Wilson).
        came_back_upper: Upper bound.
        untreated: Share of the untreated who came back by themselves, as they are; nan without any.
        untreated_lower: Lower bound (Wilson).
        untreated_upper: Upper bound.
        matched: Share of the treated with an equal who came back; nan when withheld.
        expected: Share of the matched untreated who came back, weighted to the treated's cells; nan
            when withheld.
        expected_lower: Lower bound (normal, from the variances per cell).
        expected_upper: Upper bound.
        difference: ``matched`` less ``expected``; None when withheld.
        n_treated: Dormant customers sent to.
        n_untreated: Dormant customers not sent to.
        matched_share: Share of the treated with an untreated customer in their cell.
        cells: One row per cell: the matching columns, ``n_treated``, ``n_untreated``,
            ``came_back_treated``, ``came_back_untreated`` (shares; nan where there is nobody).
        reasons: Why no difference is said; empty when it is.
    """

    came_back: float
    came_back_lower: float
    came_back_upper: float
    untreated: float
    untreated_lower: float
    untreated_upper: float
    matched: float
    expected: float
    expected_lower: float
    expected_upper: float
    difference: Estimate | None
    n_treated: int
    n_untreated: int
    matched_share: float
    cells: pd.DataFrame
    reasons: tuple[Reason, ...]

    @property
    def withheld(self) -> bool:
        """Whether no difference may be said."""
        return bool(self.reasons)


def won_back(
    dormant: IntoFrame,
    *,
    treated: str,
    came_back: str,
    match_on: Sequence[str],
    confidence: float = 0.95,
) -> WonBack:
    """Share of dormant customers who came back, beside equal ones nobody wrote to.

    Matching is exact on cells (recency band × frequency band …); the untreated's shares are weighted
    by the treated in each cell (effect on the treated). Standard error from both groups' variances per
    cell. Observational: cells cannot hold what made somebody be sent to beyond them.

    Args:
        dormant: One row per dormant customer as of the day before the campaign.
        treated: Column 1 for sent to, 0 for not.
        came_back: Column 1 for a purchase in the window, 0 for none.
        match_on: Columns of the cells, known before the campaign.
        confidence: Coverage of the intervals, between 0 and 1.

    Returns:
        Both shares and their difference; withheld when nobody is untreated, fewer than 80 % of the
        treated have a match, or either group has fewer than 30 customers.

    Raises:
        DataError: A column holds something else than 0 and 1, or nobody was sent to.

    Examples:
        >>> sent, back = [1] * 50 + [0] * 100, [1, 0, 0, 0, 0] * 30
        >>> frame = pd.DataFrame({"sent": sent, "back": back, "band": "1 year"})
        >>> found = won_back(frame, treated="sent", came_back="back", match_on=["band"])
        >>> found.came_back, found.expected, found.difference.difference
        (0.2, 0.2, 0.0)
    """
    cells = _cells(dormant, treated, came_back, list(match_on))
    k1, n1, k0, n0 = (cells[c].to_numpy("float64") for c in ("k1", "n1", "k0", "n0"))
    total, others = int(n1.sum()), int(n0.sum())
    if not total:
        raise DataError(f"nobody was sent to ({treated} is 0 for all {others} customers)")
    both = (n1 > 0) & (n0 > 0)
    matched = float(n1[both].sum() / total)
    reasons: list[Reason] = []
    if not others:
        reasons.append("no_untreated")
    elif matched < MIN_MATCHED:
        reasons.append("few_matched")
    if others and min(total, others) < MIN_CUSTOMERS:
        reasons.append("too_few_customers")
    nan = float("nan")
    difference, share, expected, spread = None, nan, nan, nan
    if not reasons:
        n1m, n0m = n1[both], n0[both]
        weight = n1m / n1m.sum()
        p1, p0 = k1[both] / n1m, k0[both] / n0m
        # A cell of one or two says 0 % or 100 %; the added success and failure keep it from certainty.
        a1, a0 = (k1[both] + 1) / (n1m + 2), (k0[both] + 1) / (n0m + 2)
        v1, v0 = (float(weight**2 @ (a * (1 - a) / n)) for a, n in ((a1, n1m), (a0, n0m)))
        share, expected = float(weight @ p1), float(weight @ p0)
        spread = float(norm.ppf(0.5 + confidence / 2)) * v0**0.5
        difference = normal_estimate(
            float(weight @ (p1 - p0)),
            (v1 + v0) ** 0.5,
            int(n1m.sum()),
            int(n0m.sum()),
            confidence=confidence,
        )
    low, high = wilson_interval([k1.sum(), k0.sum()], [total, others], confidence=confidence)
    with np.errstate(invalid="ignore"):
        shares = {"came_back_treated": k1 / n1, "came_back_untreated": k0 / n0}
    return WonBack(
        came_back=float(k1.sum() / total),
        came_back_lower=float(low[0]),
        came_back_upper=float(high[0]),
        untreated=float(k0.sum() / others) if others else nan,
        untreated_lower=float(low[1]),
        untreated_upper=float(high[1]),
        matched=share,
        expected=expected,
        expected_lower=max(expected - spread, 0.0) if difference is not None else nan,
        expected_upper=min(expected + spread, 1.0) if difference is not None else nan,
        difference=difference,
        n_treated=total,
        n_untreated=others,
        matched_share=matched,
        cells=cells[list(match_on)].assign(n_treated=n1.astype(int), n_untreated=n0.astype(int), **shares),
        reasons=tuple(reasons),
    )


def _cells(dormant: IntoFrame, treated: str, came_back: str, match_on: list[str]) -> pd.DataFrame:
    frame = nw.from_native(dormant).lazy()
    counts = to_pandas(
        frame.select(
            *match_on, t=nw.col(treated).cast(nw.Int64), y=nw.col(came_back).cast(nw.Int64), n=nw.lit(1)
        )
        .group_by(*match_on, "t", "y")
        .agg(nw.col("n").sum())
    )
    for column, name in (("t", treated), ("y", came_back)):
        if not set(counts[column]) <= {0, 1}:
            raise DataError(f"{name} holds {sorted(set(counts[column]), key=str)}; give 1 or 0")
    counts["k"] = counts["n"] * counts["y"]
    wide = counts.pivot_table(
        index=match_on, columns="t", values=["n", "k"], aggfunc="sum", fill_value=0, dropna=False
    )
    wide = wide.reindex(columns=pd.MultiIndex.from_product([["k", "n"], [1, 0]]), fill_value=0).fillna(0)
    wide.columns = [f"{what}{arm}" for what, arm in wide.columns]
    found = wide.reset_index()
    return found[(found["n1"] + found["n0"]) > 0].sort_values(match_on, ignore_index=True)


@dataclass(frozen=True)
class BeforeAfter:
    """Customers grouped by one period, looked at in the next, with nothing done in between.

    Attributes:
        table: One row per group, the highest before first: ``group`` (1 …), ``customers``,
            ``mean_before``, ``mean_after``, ``change``.
        mean_before: Mean of everybody before.
        mean_after: Mean of everybody after.
        correlation: Of before and after; the nearer to 0, the further the groups fall back to the mean.
    """

    table: pd.DataFrame
    mean_before: float
    mean_after: float
    correlation: float


def before_after(customers: IntoFrame, *, before: str, after: str, groups: int = 10) -> BeforeAfter:
    """Groups by spending before, and what each spends after: the best fall, the others rise.

    Groups are dealt as SQL's NTILE does, the highest first; equal amounts in the order of
    ``customer_id``.

    Args:
        customers: One row per customer: ``customer_id`` and both amounts.
        before: Column of the first period.
        after: Column of the second.
        groups: How many, 2 or more.

    Returns:
        Means per group.

    Raises:
        ValueError: ``groups`` is below 2.
        DataError: There are fewer customers than groups.

    Examples:
        >>> frame = pd.DataFrame({"customer_id": list("abcd"), "x": [9., 7., 1., 0.], "y": [6., 4., 4., 3.]})
        >>> before_after(frame, before="x", after="y", groups=2).table["change"].tolist()
        [-3.0, 3.0]
    """
    if groups < 2:
        raise ValueError(f"groups is {groups}; give 2 or more")
    columns = {"before": nw.col(before).cast(nw.Float64), "after": nw.col(after).cast(nw.Float64)}
    rows = to_pandas(nw.from_native(customers).lazy().select("customer_id", **columns))
    if len(rows) < groups:
        raise DataError(f"{len(rows)} customers make no {groups} groups; look at a longer period")
    rows = rows.sort_values(["before", "customer_id"], ascending=[False, True], ignore_index=True)
    size, larger = divmod(len(rows), groups)
    sizes = [size + (i < larger) for i in range(groups)]
    rows["group"] = np.repeat(np.arange(1, groups + 1), sizes)
    table = rows.groupby("group", as_index=False).agg(
        customers=("before", "size"), mean_before=("before", "mean"), mean_after=("after", "mean")
    )
    table["change"] = table["mean_after"] - table["mean_before"]
    varies = rows["before"].nunique() > 1 and rows["after"].nunique() > 1
    return BeforeAfter(
        table=table,
        mean_before=float(rows["before"].mean()),
        mean_after=float(rows["after"].mean()),
        correlation=float(rows["before"].corr(rows["after"])) if varies else float("nan"),
    )
