"""Members who fell silent, by rank (会員ランク): how many, and how many their own rhythm would explain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import narwhals as nw
import pandas as pd

from crmreport.analysis.attributes import customer_groups
from crmreport.analysis.ledger import (
    PurchaseUnit,
    customer_totals,
    days_before,
    round_money,
    to_pandas,
    visible,
)
from crmreport.analysis.observed import observed_days
from crmreport.analysis.proportions import wilson_interval
from crmreport.analysis.purchase_gaps import finished_gaps

OrderedBy = Literal["client", "revenue"]


@dataclass(frozen=True)
class RankSilence:
    """Silent members per rank on one day.

    Attributes:
        as_of: Last visible day.
        since: First day of the window the revenue is taken from.
        silent_days: Days since the last purchase from which a member is silent.
        support: Members with a purchase a rank needs to be judged.
        ordered_by: Where the order of the ranks comes from: the client, or revenue per member.
        table: One row per rank, highest first (ranks the client's order lacks come last): rank,
            height (1 is the lowest; null without a place in the order), members (in the customers
            table), customers (of these, with a purchase; the denominator), never_bought,
            usual_gap_days (median of their finished gaps; null without any), silent_customers,
            silent_share with silent_low/silent_high (95 %), expected_share (share silent when nobody
            leaves, see :func:`rank_silence`), revenue, revenue_per_customer, silent_revenue, stands_out.
        n_without_rank: Customers of the table without a rank.
        is_observed: Whether the data begin ``silent_days`` before as_of or earlier and reach as_of; else
            nobody can have been seen silent and the columns about silence are blank.
        silent: Lazy frame of the silent: customer_id, rank, last_date, recency_days, frequency, revenue.
    """

    as_of: date
    since: date
    silent_days: int
    support: int
    ordered_by: OrderedBy
    table: pd.DataFrame
    n_without_rank: int
    is_observed: bool
    silent: nw.LazyFrame[Any]

    @property
    def highest(self) -> str | None:
        """The highest rank that stands out, of the upper half of the ranks; None when there is none.

        Half of the lowest rank being silent is what a lowest rank is: those who stopped sink into it.
        """
        placed = self.table.dropna(subset=["height"])
        upper = placed.head(len(placed) // 2)
        found = upper.loc[upper["stands_out"], "rank"]
        return None if found.empty else str(found.iloc[0])


def rank_silence(
    lines: Any,
    customers: Any,
    *,
    as_of: date,
    since: date,
    silent_days: int,
    order: Sequence[str] = (),
    support: int = 30,
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
) -> RankSilence:
    """Count the silent members of each rank beside the share their own purchase gaps would give.

    Silent: ``silent_days`` or more since the last purchase, among members with a purchase.
    Expected share: if all gaps were like the finished ones and nobody left, a member looked at on
    any one day would be silent with probability E[(gap − silent_days)⁺] ÷ E[gap], the time spent in
    silence ÷ all time (the stationary age of a renewal process; Cox 1962). Waits that still go on are
    not in the gaps, so it is somewhat low where the history is short.

    A rank stands out when it has ``support`` customers and gaps, and the 95 % Wilson interval of its
    silent share lies above the expected share.

    Args:
        lines: Order lines; any frame narwhals understands.
        customers: Customers with ``rank``, the rank they hold on as_of; of the same kind as ``lines``.
        as_of: Last visible day.
        since: First day of the window the revenue is taken from.
        silent_days: 1 or more.
        order: Ranks, lowest first; empty to put them in order of revenue per customer.
        support: Customers a rank needs to be judged.
        unit: What one purchase is.
        zero_value_counts: Whether lines of value 0 make a purchase.

    Raises:
        DataError: The customers have no column ``rank``.
        ValueError: ``silent_days`` is below 1.

    Examples:
        >>> lines = pd.DataFrame({
        ...     "customer_id": ["a", "a", "b"],
        ...     "order_id": ["1", "2", "3"],
        ...     "order_date": pd.to_datetime(["2026-01-01", "2026-01-11", "2026-10-30"]),
        ...     "revenue": [100.0, 100.0, 50.0],
        ... })
        >>> people = pd.DataFrame({"customer_id": ["a", "b"], "rank": ["gold", "gold"]})
        >>> found = rank_silence(
        ...     lines, people, as_of=date(2026, 10, 31), since=date(2025, 11, 1), silent_days=180
        ... ).table
        >>> found[["rank", "customers", "silent_customers", "usual_gap_days"]].values.tolist()
        [['gold', 2, 1, 10.0]]
    """
    if silent_days < 1:
        raise ValueError(f"silent_days is {silent_days}; give 1 or more")
    held = customer_groups(customers, by="rank", as_of=as_of)
    rules: dict[str, Any] = {"unit": unit, "zero_value_counts": zero_value_counts}
    members = _with_purchases(lines, held, as_of=as_of, since=since, rules=rules)
    table = _counted(members, silent_days)
    n_without_rank = int(table.loc[table["rank"].isna(), "members"].sum())
    table = table.dropna(subset=["rank"]).reset_index(drop=True)
    gaps = finished_gaps(lines, as_of=as_of, **rules).join(held, on="customer_id")
    table = table.merge(_rhythm(gaps, silent_days), on="rank", how="left")
    table["silent_share"] = (table["silent_customers"] / table["customers"]).where(table["customers"] > 0)
    low, high = wilson_interval(table["silent_customers"], table["customers"])
    table["silent_low"], table["silent_high"] = low, high
    table["revenue_per_customer"] = (table["revenue"] / table["customers"]).where(table["customers"] > 0)
    enough = (table["customers"] >= support) & (table["gaps"] >= support)
    seen = observed_days(lines, as_of=as_of)
    long_enough = seen.first_day is not None and (as_of - seen.first_day).days >= silent_days
    is_observed = long_enough and not seen.is_preliminary
    if not is_observed:
        unseen = ["silent_customers", "silent_share", "silent_low", "silent_high", "expected_share",
                  "silent_revenue"]  # fmt: skip
        table[unseen] = float("nan")
    table["stands_out"] = enough & (table["silent_low"] > table["expected_share"])
    table = _in_order(table, order)
    names = [
        "rank", "height", "members", "customers", "never_bought", "usual_gap_days", "silent_customers",
        "silent_share", "silent_low", "silent_high", "expected_share", "revenue", "revenue_per_customer",
        "silent_revenue", "stands_out",
    ]  # fmt: skip
    silent = members.filter(nw.col("recency_days") >= silent_days, ~nw.col("rank").is_null())
    return RankSilence(
        as_of=as_of,
        since=since,
        silent_days=silent_days,
        support=support,
        ordered_by="client" if order else "revenue",
        table=table[names],
        n_without_rank=n_without_rank,
        is_observed=is_observed,
        silent=silent,
    )


def _with_purchases(
    lines: Any, held: nw.LazyFrame[Any], *, as_of: date, since: date, rules: dict[str, Any]
) -> nw.LazyFrame[Any]:
    totals = customer_totals(lines, as_of=as_of, **rules).select(
        "customer_id", "last_date", recency_days=days_before(as_of, "last_date"), frequency="n_purchases"
    )
    money = visible(lines, as_of=as_of, since=since).filter(~nw.col("customer_id").is_null())
    spent = money.group_by("customer_id").agg(nw.col("revenue").sum())
    joined = held.join(totals, on="customer_id", how="left").join(spent, on="customer_id", how="left")
    return joined.select(
        "customer_id",
        "last_date",
        "recency_days",
        "frequency",
        rank=nw.col("group"),
        revenue=nw.col("revenue").fill_null(0.0),
    )


def _counted(members: nw.LazyFrame[Any], silent_days: int) -> pd.DataFrame:
    bought = ~nw.col("recency_days").is_null()
    silent = bought & (nw.col("recency_days") >= silent_days).fill_null(False)
    counted = members.with_columns(
        bought=_one_if(bought),
        is_silent=_one_if(silent),
        silent_revenue=nw.when(silent).then(nw.col("revenue")).otherwise(nw.lit(0.0)),
    )
    table = to_pandas(
        counted.group_by("rank").agg(
            members=nw.len(),
            customers=nw.col("bought").sum(),
            silent_customers=nw.col("is_silent").sum(),
            revenue=nw.col("revenue").sum(),
            silent_revenue=nw.col("silent_revenue").sum(),
        )
    )
    counts = ["members", "customers", "silent_customers"]
    table = table.astype(dict.fromkeys(counts, "int64"))
    table["never_bought"] = table["members"] - table["customers"]
    return round_money(table, "revenue", "silent_revenue")


def _rhythm(gaps: nw.LazyFrame[Any], silent_days: int) -> pd.DataFrame:
    """Median finished gap per rank, and the share of the time in gaps that is spent in silence."""
    counted = to_pandas(
        gaps.filter(~nw.col("group").is_null()).group_by("group", "gap_days").agg(gaps=nw.len()),
        sort_by=["group", "gap_days"],
    ).astype({"gap_days": "int64", "gaps": "int64"})
    rows = []
    for rank, each in counted.groupby("group"):
        n, reached = int(each["gaps"].sum()), each["gaps"].cumsum()
        time = int((each["gap_days"] * each["gaps"]).sum())
        beyond = int(((each["gap_days"] - silent_days).clip(lower=0) * each["gaps"]).sum())
        # Hyndman–Fan type 1, in integers: no engine can round it differently.
        median = int(each.loc[reached * 2 >= n, "gap_days"].iloc[0])
        rows.append((rank, n, median, beyond / time if time else float("nan")))
    return pd.DataFrame(rows, columns=["rank", "gaps", "usual_gap_days", "expected_share"]).astype(
        {"rank": "str", "gaps": "float64", "usual_gap_days": "float64", "expected_share": "float64"}
    )


def _in_order(table: pd.DataFrame, order: Sequence[str]) -> pd.DataFrame:
    # Ranks nobody has bought in have no revenue per customer and stand at the bottom.
    by_money = table.assign(money=table["revenue_per_customer"].fillna(-1.0)).sort_values(["money", "rank"])
    known = list(order) or by_money["rank"].tolist()
    height = {rank: float(place) for place, rank in enumerate(known, start=1)}
    table = table.assign(height=table["rank"].map(height).astype("float64"))
    return table.sort_values(["height", "rank"], ascending=[False, True], ignore_index=True)


def _one_if(condition: nw.Expr) -> nw.Expr:
    return nw.when(condition).then(nw.lit(1)).otherwise(nw.lit(0))
