"""How long customers wait between two purchases: the clock every life-cycle threshold is read from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import narwhals as nw
import pandas as pd

from crmreport.analysis.ledger import PurchaseUnit, purchases, settle, to_pandas
from crmreport.errors import TooFewError

Gap = Literal["all", "first"]


@dataclass(frozen=True)
class PurchaseGaps:
    """Distribution of the days between consecutive purchases of the same customer.

    Only finished gaps are in it: a customer who is still waiting at ``as_of`` adds nothing,
    so long gaps are under-represented where the history is short.

    Attributes:
        as_of: Last visible day.
        which: ``all`` gaps, or only the one between first and second purchase.
        n_gaps: Finished gaps.
        n_customers: Customers with at least one finished gap.
        table: One row per length: gap_days, gaps, cumulative_gaps, cumulative_share.
    """

    as_of: date
    which: Gap
    n_gaps: int
    n_customers: int
    table: pd.DataFrame

    def percentile(self, percent: int) -> int:
        """The smallest observed gap with at least ``percent`` % of the gaps at or below it.

        Hyndman–Fan type 1, counted in integers, so that no engine can round it differently.

        Args:
            percent: 1 to 100.

        Returns:
            Days.

        Raises:
            TooFewError: There is no finished gap to take a percentile of.
            ValueError: ``percent`` is outside 1 to 100.
        """
        if not 1 <= percent <= 100:
            raise ValueError(f"percent is {percent}; give 1 to 100")
        if self.n_gaps == 0:
            raise TooFewError(
                "repeat_customers",
                found=0,
                needed=1,
                remedy="give the life-cycle thresholds in client.yml (policies.lifecycle)",
            )
        reached = self.table["cumulative_gaps"] * 100 >= percent * self.n_gaps
        return int(self.table.loc[reached, "gap_days"].iloc[0])


def purchase_gaps(
    lines: Any,
    *,
    as_of: date,
    since: date | None = None,
    which: Gap = "all",
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
) -> PurchaseGaps:
    """Count the days between consecutive purchases of the same customer (METRICS §6).

    Args:
        lines: Order lines; any frame narwhals understands.
        as_of: Last visible day.
        since: First day of the purchases looked at; None for the whole history.
        which: ``all`` gaps, or ``first`` for the days from the first to the second purchase.
        unit: What one purchase is.
        zero_value_counts: Whether lines of value 0 make a purchase.

    Returns:
        The distribution, one row per length in days.

    Examples:
        >>> import pandas as pd
        >>> lines = pd.DataFrame({
        ...     "customer_id": ["a", "a", "a", "b"],
        ...     "order_id": ["1", "2", "3", "4"],
        ...     "order_date": pd.to_datetime(["2026-01-01", "2026-01-11", "2026-02-10", "2026-01-05"]),
        ...     "revenue": [100.0, 100.0, 100.0, 100.0],
        ...     "is_return": [False] * 4,
        ... })
        >>> gaps = purchase_gaps(lines, as_of=date(2026, 3, 31))
        >>> gaps.table["gap_days"].tolist(), gaps.percentile(80)
        ([10, 30], 30)
    """
    gaps = settle(
        finished_gaps(
            lines, as_of=as_of, since=since, which=which, unit=unit, zero_value_counts=zero_value_counts
        )
    )
    counted = to_pandas(gaps.group_by("gap_days").agg(gaps=nw.len()), sort_by="gap_days").astype("int64")
    counted["cumulative_gaps"] = counted["gaps"].cumsum()
    n_gaps = int(counted["gaps"].sum())
    counted["cumulative_share"] = counted["cumulative_gaps"] / n_gaps if n_gaps else 0.0
    who = to_pandas(gaps.select("customer_id").unique().select(customers=nw.len()))
    return PurchaseGaps(as_of, which, n_gaps, int(who["customers"].iloc[0]), counted)


def finished_gaps(
    lines: Any,
    *,
    as_of: date,
    since: date | None = None,
    which: Gap = "all",
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
) -> nw.LazyFrame[Any]:
    """Every finished gap, for those who count them by something of the customer's.

    Returns:
        Lazy frame customer_id, gap_days: one row per purchase that has an earlier one.
    """
    bought = purchases(lines, as_of=as_of, since=since, unit=unit, zero_value_counts=zero_value_counts)
    order = ["purchase_date"] if unit == "customer_day" else ["purchase_date", "order_id"]
    gaps = bought.with_columns(
        earlier=nw.col("purchase_date").shift(1).over("customer_id", order_by=order),
        before_that=nw.col("purchase_date").shift(2).over("customer_id", order_by=order),
    ).filter(~nw.col("earlier").is_null())
    if which == "first":
        gaps = gaps.filter(nw.col("before_that").is_null())
    # A difference of two dates is an integer on DuckDB and a duration elsewhere; of two instants, a duration.
    waited = nw.col("purchase_date").cast(nw.Datetime("us")) - nw.col("earlier").cast(nw.Datetime("us"))
    return gaps.select("customer_id", gap_days=waited.dt.total_minutes() // (24 * 60))
