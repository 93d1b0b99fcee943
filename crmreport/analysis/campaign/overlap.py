"""Campaigns that reach the same customers at the same time: counted once, and told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import statsmodels.api as sm
from narwhals.typing import IntoFrame

from crmreport.analysis.campaign.estimate import Estimate, normal_estimate
from crmreport.analysis.ledger import to_pandas
from crmreport.errors import DataError


@dataclass(frozen=True)
class CountedOnce:
    """Revenue in the windows of several campaigns.

    Attributes:
        table: One row per campaign: ``campaign_id``, ``customers`` (reached), ``revenue`` (theirs in
            the campaign's window), ``shared_revenue`` (of it, also in another campaign's window).
        sum_of_campaigns: The revenue of the rows added up, client currency.
        revenue: The same revenue, each purchase counted once.
        inflation: sum_of_campaigns ÷ revenue, 1 or more; nan when there is no revenue.
    """

    table: pd.DataFrame
    sum_of_campaigns: float
    revenue: float
    inflation: float


def counted_once(lines: IntoFrame, reached: IntoFrame, windows: IntoFrame) -> CountedOnce:
    """Revenue of campaigns' customers in the campaigns' windows, and how often it is claimed.

    A purchase belongs to a campaign when its customer was reached by it and its day is in the window,
    first and last day included. This is revenue observed, not caused.

    Args:
        lines: Order lines: ``customer_id``, ``order_date``, ``revenue``.
        reached: One row per campaign and customer: ``campaign_id``, ``customer_id``; more rows of the
            same pair count once.
        windows: One row per campaign: ``campaign_id``, ``start_date``, ``end_date``.

    Returns:
        Per campaign, added up and counted once; campaigns in order of their ids.

    Raises:
        DataError: A campaign has two windows.

    Examples:
        Two campaigns reach the same customer; her 100 on the second day are claimed twice.

        >>> day = pd.to_datetime(["2026-10-01", "2026-10-02", "2026-10-03"])
        >>> lines = pd.DataFrame({"customer_id": "c1", "order_date": day, "revenue": [10.0, 100.0, 20.0]})
        >>> reached = pd.DataFrame({"campaign_id": ["a", "b"], "customer_id": "c1"})
        >>> windows = pd.DataFrame({"campaign_id": ["a", "b"], "start_date": day[:2], "end_date": day[1:]})
        >>> found = counted_once(lines, reached, windows)
        >>> found.sum_of_campaigns, found.revenue, round(found.inflation, 3)
        (230.0, 130.0, 1.769)
    """
    days = nw.col("start_date", "end_date").cast(nw.Date)
    window = _columns(windows, "campaign_id", "start_date", "end_date").with_columns(days)
    known = to_pandas(window.select("campaign_id"))["campaign_id"]
    if known.duplicated().any():
        twice = sorted(known[known.duplicated()].astype(str))
        raise DataError(
            f"{len(twice)} campaigns have two windows; first: {twice[0]!r}; keep one row for each"
        )
    pairs = _columns(reached, "campaign_id", "customer_id").unique()
    spent = (
        _columns(lines, "customer_id", "order_date", "revenue")
        .with_columns(nw.col("order_date").cast(nw.Date))
        .group_by("customer_id", "order_date")
        .agg(nw.col("revenue").sum())
    )
    # A campaign × customer × day is there at most once, so that a day can be told to be claimed n times.
    claims = (
        pairs.join(window, on="campaign_id")
        .join(spent, on="customer_id")
        .filter(nw.col("order_date") >= nw.col("start_date"), nw.col("order_date") <= nw.col("end_date"))
        .with_columns(claims=nw.lit(1))
    )
    times = claims.group_by("customer_id", "order_date").agg(nw.col("revenue").max(), nw.col("claims").sum())
    shared = (
        claims.drop("claims")
        .join(times.select("customer_id", "order_date", "claims"), on=["customer_id", "order_date"])
        .with_columns(shared=nw.when(nw.col("claims") > 1).then(nw.col("revenue")).otherwise(nw.lit(0.0)))
    )
    sums = to_pandas(
        shared.group_by("campaign_id").agg(
            nw.col("revenue").sum(), nw.col("shared").sum().alias("shared_revenue")
        )
    )
    reach = pairs.with_columns(customers=nw.lit(1)).group_by("campaign_id").agg(nw.col("customers").sum())
    counts = to_pandas(reach)
    table = (
        pd.DataFrame({"campaign_id": known})
        .merge(counts, how="left", on="campaign_id")
        .merge(sums, how="left", on="campaign_id")
        .fillna({"customers": 0, "revenue": 0.0, "shared_revenue": 0.0})
        .astype({"customers": "int64"})
        .sort_values("campaign_id", ignore_index=True)
    )
    total = float(table["revenue"].sum())
    once = float(to_pandas(times.select(nw.col("revenue").sum()))["revenue"].fillna(0).iloc[0])
    return CountedOnce(table, total, once, total / once if once else float("nan"))


def _columns(frame: IntoFrame, *names: str) -> nw.LazyFrame[Any]:
    return nw.from_native(frame).lazy().select(*names)


def effects_together(
    customers: pd.DataFrame, campaigns: Sequence[str], *, outcome: str, confidence: float = 0.95
) -> dict[str, Estimate]:
    """Effects of overlapping campaigns, each at equal exposure to the others.

    Least squares of the outcome on all exposures at once, standard errors robust to unequal variance
    (HC2). A difference between those reached by A and the rest would credit A with what B did when
    the two reach the same customers. Effects are taken to add up.

    Args:
        customers: One row per customer: the outcome and one 0/1 column per campaign.
        campaigns: Columns of the exposures.
        outcome: Column of the outcome.
        confidence: Coverage of the intervals, between 0 and 1.

    Returns:
        The effect per campaign.

    Raises:
        DataError: Two campaigns reached exactly the same customers, or one everybody or nobody: their
            effects cannot be told apart.

    Examples:
        >>> both = pd.DataFrame({"a": [0, 0, 1, 1] * 5, "b": [0, 1, 0, 1] * 5, "y": [1., 4., 3., 6.] * 5})
        >>> found = effects_together(both, ["a", "b"], outcome="y")
        >>> round(found["a"].difference, 6), round(found["b"].difference, 6)
        (2.0, 3.0)
    """
    exposed = customers[list(campaigns)].to_numpy("float64")
    design = np.column_stack([np.ones(len(exposed)), exposed])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise DataError(
            f"effects of {', '.join(campaigns)} cannot be told apart; leave out the campaigns that reached "
            "everybody, nobody or the same customers as another"
        )
    fit = sm.OLS(customers[outcome].to_numpy("float64"), design).fit(cov_type="HC2")
    n = exposed.sum(axis=0).astype(int)
    return {
        name: normal_estimate(
            float(fit.params[i]),
            float(fit.bse[i]),
            int(n[i - 1]),
            len(exposed) - int(n[i - 1]),
            confidence=confidence,
        )
        for i, name in enumerate(campaigns, 1)
    }
