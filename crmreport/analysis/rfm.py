"""RFM: how recently, how often and for how much each customer bought."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import narwhals as nw
import pandas as pd
from narwhals.typing import IntoFrame

from crmreport.analysis.cuts import RfmCuts, check_bins, empirical_cuts
from crmreport.analysis.ledger import (
    LeftOut,
    PurchaseUnit,
    customer_totals,
    days_before,
    left_out,
    money_decimals,
    settle,
    to_pandas,
)
from crmreport.analysis.observed import ObservedDays, observed_days

Monetary = Literal["total", "per_purchase"]
SCORES = ("recency_score", "frequency_score", "monetary_score")


@dataclass(frozen=True)
class RfmTable:
    """Recency, frequency and monetary value of every buyer.

    Attributes:
        customers: Lazy frame ``customer_id``, ``last_date``, ``first_date``, ``recency_days``,
            ``frequency``, ``monetary``, ``revenue``.
        n_customers: Customers with at least one purchase in the look-back.
        as_of: Last visible day.
        since: First day of the look-back; None for the whole history.
        unit: What one purchase is.
        monetary: Whether ``monetary`` is the total or the mean per purchase.
        zero_value_counts: Whether lines worth 0 make a purchase.
        decimals: Decimals to which sums of money are exact.
        left_out: Lines that count for no customer.
        observed: Days the order lines say something about; recency is counted to ``as_of`` all the same.
    """

    customers: nw.LazyFrame[Any]
    n_customers: int
    as_of: date
    since: date | None
    unit: PurchaseUnit
    monetary: Monetary
    zero_value_counts: bool
    decimals: int
    left_out: LeftOut
    observed: ObservedDays

    def to_pandas(self) -> pd.DataFrame:
        """All customers, by id."""
        return to_pandas(self.customers, sort_by="customer_id")


@dataclass(frozen=True)
class RfmScores:
    """Scores of every buyer and the cuts that made them.

    Attributes:
        table: What was scored.
        customers: The table's frame with ``recency_score``, ``frequency_score``, ``monetary_score``.
        cuts: Cut points; pass them to a later :func:`score_rfm` to compare two dates.
        cells: One row per combination of scores that occurs: ``customers``, ``revenue``, and the
            sums ``recency_days``, ``frequency``, ``monetary``.
    """

    table: RfmTable
    customers: nw.LazyFrame[Any]
    cuts: RfmCuts
    cells: pd.DataFrame

    @property
    def unreachable(self) -> dict[str, tuple[int, ...]]:
        """Per measure, the scores that ties left unused."""
        return {
            c.measure: c.unreachable for c in (self.cuts.recency, self.cuts.frequency, self.cuts.monetary)
        }

    def to_pandas(self) -> pd.DataFrame:
        """All customers, by id."""
        return to_pandas(self.customers, sort_by="customer_id")


def rfm_table(
    lines: IntoFrame,
    *,
    as_of: date,
    since: date | None = None,
    unit: PurchaseUnit = "customer_day",
    monetary: Monetary = "total",
    zero_value_counts: bool = False,
) -> RfmTable:
    """Recency, frequency and monetary value per customer.

    R is the whole days from the last purchase to ``as_of``; F the purchases in the look-back; M the
    net revenue in the same look-back, returns included. Fully returned orders are no purchases, and
    who has no purchase left is not in the table.

    Args:
        lines: Order lines: ``customer_id``, ``order_id``, ``order_date``, ``revenue``.
        as_of: Last visible day.
        since: First day of the look-back; None for the whole history.
        unit: ``customer_day`` or ``order``.
        monetary: ``total``, or ``per_purchase`` for the mean.
        zero_value_counts: Whether lines worth 0 make a purchase.

    Examples:
        >>> lines = pd.DataFrame({
        ...     "customer_id": ["a", "a", "b"], "order_id": ["1", "2", "3"], "revenue": [100.0, 50.0, 80.0],
        ...     "order_date": pd.to_datetime(["2026-10-01", "2026-10-30", "2026-10-11"])})
        >>> table = rfm_table(lines, as_of=date(2026, 10, 31)).to_pandas()
        >>> table[["customer_id", "recency_days", "frequency", "monetary"]].values.tolist()
        [['a', 1, 2, 150.0], ['b', 20, 1, 80.0]]
    """
    totals = settle(
        customer_totals(lines, as_of=as_of, since=since, unit=unit, zero_value_counts=zero_value_counts)
    )
    facts = to_pandas(totals.select(n=nw.len(), largest=nw.col("revenue").abs().max()))
    n_customers, largest = int(facts["n"].iloc[0]), facts["largest"].fillna(0).iloc[0]
    decimals = money_decimals(float(largest))
    customers = totals.with_columns(
        revenue=nw.col("revenue").round(decimals), recency_days=days_before(as_of, "last_date")
    )
    value = nw.col("revenue")
    if monetary == "per_purchase":
        value = (value / nw.col("n_purchases")).round(decimals)
    customers = customers.with_columns(frequency=nw.col("n_purchases"), monetary=value).select(
        "customer_id", "first_date", "last_date", "recency_days", "frequency", "monetary", "revenue"
    )
    aside = left_out(lines, as_of=as_of, since=since)
    return RfmTable(
        customers,
        n_customers,
        as_of,
        since,
        unit,
        monetary,
        zero_value_counts,
        decimals,
        aside,
        observed_days(lines, as_of=as_of),
    )


def score_rfm(table: RfmTable, *, bins: int = 5, cuts: RfmCuts | None = None) -> RfmScores:
    """Score recency, frequency and monetary value 1 to ``bins``; ``bins`` is best.

    Args:
        table: What to score.
        bins: Number of scores; taken from ``cuts`` when they are given.
        cuts: Frozen cuts of an earlier period or fixed thresholds; None cuts the table's own values
            by :func:`crmreport.analysis.cuts.empirical_cuts`.

    Raises:
        TooFewError: Fewer customers than scores (own cuts only).
        ConfigError: ``bins`` is not 2 to 10.
    """
    check_bins(bins)
    n = table.n_customers
    if cuts is None:
        cuts = RfmCuts(
            empirical_cuts(table.customers, "recency_days", bins=bins, n_customers=n, best_is_low=True),
            empirical_cuts(table.customers, "frequency", bins=bins, n_customers=n),
            empirical_cuts(table.customers, "monetary", bins=bins, n_customers=n),
        )
    customers = table.customers.with_columns(
        recency_score=cuts.recency.score(),
        frequency_score=cuts.frequency.score(),
        monetary_score=cuts.monetary.score(),
    )
    # At most bins³ rows; segment tables and heat maps are made of them without another pass.
    cells = customers.group_by(*SCORES).agg(
        nw.len().alias("customers"),
        *[nw.col(c).sum() for c in ("revenue", "recency_days", "frequency", "monetary")],
    )
    small = to_pandas(cells, sort_by=list(SCORES))
    whole = ["recency_days", "frequency", "customers"]
    small = small.astype(dict.fromkeys(whole, "int64")).round(
        {"revenue": table.decimals, "monetary": table.decimals}
    )
    return RfmScores(table, customers, cuts, small)
