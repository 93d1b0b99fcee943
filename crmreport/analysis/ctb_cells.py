"""CTB cells: where category, taste and brand meet, what each meeting is worth, what to push and to fix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import narwhals as nw
import pandas as pd

from crmreport.analysis.ctb import growth
from crmreport.analysis.ledger import PurchaseUnit, round_money, settle, to_pandas
from crmreport.analysis.observed import ObservedDays, observed_days, within
from crmreport.analysis.product_lines import product_lines
from crmreport.analysis.proportions import wilson_interval
from crmreport.errors import DataError
from crmreport.period import Period

OTHER = "(other)"


def cell_sets(axes: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    """Every pair of axes, then all of them together, each axis by its first product column.

    Examples:
        >>> [tuple(s) for s in cell_sets({"category": ["major"], "taste": ["scent"], "brand": ["brand"]})]
        [('category', 'taste'), ('category', 'brand'), ('taste', 'brand'), ('category', 'taste', 'brand')]
    """
    lead = {axis: columns[0] for axis, columns in axes.items() if columns}
    sizes = (2, len(lead)) if len(lead) > 2 else (2,)
    return [{axis: lead[axis] for axis in chosen} for size in sizes for chosen in combinations(lead, size)]


@dataclass(frozen=True)
class CtbCells:
    """The cells of one set of axes.

    Attributes:
        axes: Axis → product column, in order; the last axis is the one lift speaks of.
        table: One row per cell with enough customers, largest revenue first, then one pooled row:
            one column per axis, ``kind`` (``cell`` or ``other``), ``customers``, ``revenue``,
            ``revenue_share`` (of all sales of the period), ``purchases``, ``lines``,
            ``repeat_rate`` with ``repeat_low``/``repeat_high``, ``mean_ltv_to_date``, ``lift`` with
            ``lift_low``/``lift_high``, ``revenue_previous``, ``growth``.
        cells_pooled: Cells with fewer customers than the minimum support, pooled in ``other``.
        mean_repeat_rate: Repeat rate over all cells before pooling, weighted by their customers.
        revenue: All sales of the period.
        known_revenue: Sales with every axis known; the cells and the pooled row sum to it.
        total_growth: Growth of ``known_revenue`` against the previous period; null if unobserved, and
            while the period is preliminary, as each cell's ``growth``.
        minimum_support: Customers a cell needs to stand alone.
        period: What was looked at.
        unit: What one purchase is.
        observed: Days the order lines say something about.
    """

    axes: dict[str, str]
    table: pd.DataFrame
    cells_pooled: int
    mean_repeat_rate: float
    revenue: float
    known_revenue: float
    total_growth: float
    minimum_support: int
    period: Period
    unit: PurchaseUnit
    observed: ObservedDays

    @property
    def coverage(self) -> float:
        """Share of spend with every axis known."""
        return self.known_revenue / self.revenue if self.revenue else float("nan")

    def push(self, *, minimum_lift: float = 1.1) -> pd.DataFrame:
        """Cells customers prefer and that grow: candidates to show more.

        Lift of at least ``minimum_lift`` whose 95 % interval lies above 1, and revenue growing,
        faster than the cells in total. Largest gain first, with ``revenue_change``.
        """
        cells = self.table[self.table["kind"] == "cell"]
        hurdle = max(0.0, self.total_growth) if pd.notna(self.total_growth) else float("nan")
        chosen = cells[
            (cells["lift"] >= minimum_lift) & (cells["lift_low"] > 1) & (cells["growth"] > hurdle)
        ].copy()
        chosen["revenue_change"] = chosen["revenue"] - chosen["revenue_previous"]
        return chosen.sort_values(
            ["revenue_change", *self.axes], ascending=[False] + [True] * len(self.axes)
        ).reset_index(drop=True)

    def fix(self) -> pd.DataFrame:
        """Cells whose customers come back less: repeat rate and its 95 % interval below the axis mean.

        The axis mean is ``axis_repeat_rate``: the mean of all cells with the same value on the first
        axis, so that a body cream is compared with body creams and not with things bought once. Cells
        on the push list are left out: many of their buyers are new and had little time to return.
        Largest missing revenue first, with ``repeat_gap`` (how far below the mean, 0 to 1),
        ``missing_repeaters`` (gap × customers) and ``missing_revenue`` (one purchase of the cell's
        mean value for each of them: what the gap is worth at least, if it could be closed).

        Empty while the period is preliminary: which cells grow is not known then, and a cell would
        stand here for buyers who have only begun.
        """
        cells = self.table[self.table["kind"] == "cell"]
        if self.observed.is_preliminary:
            cells = cells.head(0)
        axes = list(self.axes)
        grows = pd.MultiIndex.from_frame(cells[axes]).isin(pd.MultiIndex.from_frame(self.push()[axes]))
        chosen = cells[(cells["repeat_high"] < cells["axis_repeat_rate"]) & ~grows].copy()
        chosen["repeat_gap"] = chosen["axis_repeat_rate"] - chosen["repeat_rate"]
        chosen["missing_repeaters"] = chosen["repeat_gap"] * chosen["customers"]
        chosen["missing_revenue"] = chosen["missing_repeaters"] * chosen["revenue"] / chosen["purchases"]
        return chosen.sort_values(
            ["missing_revenue", *self.axes], ascending=[False] + [True] * len(self.axes)
        ).reset_index(drop=True)


def lead_cells(results: Sequence[CtbCells]) -> CtbCells | None:
    """The pair of axes worth reading first: the first whose second axis is not a part of the first.

    Where more than half of the second axis occurs under one value of the first only (cigarettes under
    cigarettes), lift restates the product master. When all pairs are like that, the first one is
    returned; None without results.

    Args:
        results: Cells of several sets of axes, as `cell_sets` orders them.
    """
    for result in results:
        cells = result.table[result.table["kind"] == "cell"]
        *given, value = result.axes
        under = cells.groupby(value)[given[0]].nunique()
        if len(given) == 1 and len(under) and (under > 1).mean() >= 0.5:
            return result
    return results[0] if results else None


def ctb_cells(
    lines: Any,
    products: Any,
    *,
    by: Mapping[str, str],
    period: Period,
    minimum_support: int = 30,
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
) -> CtbCells:
    """What each combination of axis values sells, keeps and attracts (METRICS §3).

    Only lines with every axis of ``by`` known take part. Per cell:

    - ``repeat_rate``: customers who bought in the cell on two or more purchase occasions of the
      period ÷ customers who bought in it, with the Wilson (1927) interval. Customers who came late
      in the period had less time to return; this is so in all cells alike.
    - ``axis_repeat_rate``: the same over all cells, before pooling, that share the value of the first
      axis, weighted by their customers.
    - ``mean_ltv_to_date``: net revenue of the cell's customers up to the period's end, from all
      their purchases, ÷ those customers.
    - ``lift`` = P(value of the last axis | values of the other axes) ÷ P(value of the last axis),
      over purchase lines: above 1, the value is chosen more often there than overall. For a pair it
      is the same in both directions (the *interest* of Brin, Motwani, Ullman & Tsur 1997). Its
      interval is the Wilson interval of the conditional share, the overall share taken as known;
      lines of one customer are not independent, so it is somewhat too narrow.

    Args:
        lines: Order lines with ``product_id``; any frame narwhals understands.
        products: Products, of the same kind as ``lines``.
        by: Axis → product column, two or more.
        period: What to look at; compared with ``period.previous()``.
        minimum_support: Customers a cell needs; smaller ones are pooled as ``(other)``.
        unit: What one purchase is.
        zero_value_counts: Whether an order worth nothing is a purchase.

    Raises:
        DataError: Fewer than two axes, or a column the products do not have.
        ValueError: ``minimum_support`` is below 1.
    """
    if len(by) < 2:
        raise DataError(
            f"a cell needs two axes or more, got {', '.join(by) or 'none'}; map another under axes:"
        )
    if minimum_support < 1:
        raise ValueError(f"minimum_support is {minimum_support}; give 1 or more")
    axes, columns = list(by), list(by.values())
    joined = product_lines(
        lines, products, columns=columns, as_of=period.as_of, unit=unit, zero_value_counts=zero_value_counts
    )
    before = period.previous()
    seen = observed_days(lines, as_of=period.as_of)
    observed = seen.covers(before)
    spend = settle(
        joined.filter(~nw.col("customer_id").is_null())
        .group_by("customer_id")
        .agg(ltv=nw.col("revenue").sum())
    )
    recent = settle(within(joined, period, before))
    total = _total(within(recent, period))
    known = recent.filter(*[~nw.col(c).is_null() for c in columns])
    now = within(known, period)
    bought = now.filter(nw.col("is_purchase"))

    sizes = settle(
        _customers_by(bought, columns)
        .group_by(columns)
        .agg(
            customers=nw.len(),
            repeaters=nw.col("repeats").sum(),
            lines=nw.col("lines").sum(),
        )
    )
    all_cells = to_pandas(sizes, sort_by=columns).astype({"repeaters": "int64", "lines": "int64"})
    all_cells = _with_lift(all_cells, columns)

    # Cells below the support take one label, then everything is counted again on the lines themselves.
    small = (
        sizes.select(*columns, "customers")
        .with_columns(keeps=(nw.col("customers") >= minimum_support))
        .select(*columns, "keeps")
    )
    counted = (
        _customers_by(_pooled(bought, small, columns), columns)
        .join(spend, on="customer_id", how="left")
        .group_by(columns)
        .agg(
            customers=nw.len(),
            repeaters=nw.col("repeats").sum(),
            purchases=nw.col("purchases").sum(),
            lines=nw.col("lines").sum(),
            ltv=nw.col("ltv").sum(),
        )
    )
    money = _pooled(now, small, columns).group_by(columns).agg(revenue=nw.col("revenue").sum())
    earlier = (
        _pooled(within(known, before), small, columns)
        .group_by(columns)
        .agg(revenue_previous=nw.col("revenue").sum())
    )
    table = to_pandas(money).merge(to_pandas(counted), on=columns, how="outer")
    table = table.merge(to_pandas(earlier), on=columns, how="outer" if observed else "left")
    for name in ("revenue", "customers", "repeaters", "purchases", "lines", "ltv", "revenue_previous"):
        table[name] = table[name].fillna(0)
    table = table.astype(dict.fromkeys(("customers", "repeaters", "purchases", "lines"), "int64"))
    if not observed:
        table["revenue_previous"] = float("nan")
    table = round_money(table, "revenue", "ltv", "revenue_previous")
    known_revenue = float(table["revenue"].sum())

    table["kind"] = (table[columns[0]] == OTHER).map({True: "other", False: "cell"})
    table = table.merge(all_cells[[*columns, "lift", "lift_low", "lift_high"]], on=columns, how="left")
    by_first = all_cells.groupby(columns[0])[["repeaters", "customers"]].sum()
    table["axis_repeat_rate"] = table[columns[0]].map(by_first["repeaters"] / by_first["customers"])
    table["revenue_share"] = table["revenue"] / total if total else float("nan")
    table["repeat_rate"] = table["repeaters"] / table["customers"].where(table["customers"] > 0)
    table["repeat_low"], table["repeat_high"] = wilson_interval(table["repeaters"], table["customers"])
    table["mean_ltv_to_date"] = table["ltv"] / table["customers"].where(table["customers"] > 0)
    table["growth"] = growth(table["revenue"], table["revenue_previous"], seen)
    table = table.rename(columns=dict(zip(columns, axes, strict=True)))
    table = table.sort_values(["kind", "revenue", *axes], ascending=[True, False] + [True] * len(axes))
    customers = int(all_cells["customers"].sum())
    previous = float(table["revenue_previous"].to_numpy().sum())
    return CtbCells(
        axes=dict(by),
        table=table[
            [
                *axes, "kind", "customers", "revenue", "revenue_share", "purchases", "lines", "repeat_rate",
                "repeat_low", "repeat_high", "axis_repeat_rate", "mean_ltv_to_date", "lift",
                "lift_low", "lift_high", "revenue_previous", "growth",
            ]
        ].reset_index(drop=True),
        cells_pooled=int((all_cells["customers"] < minimum_support).sum()),
        mean_repeat_rate=float(all_cells["repeaters"].sum() / customers) if customers else float("nan"),
        revenue=total,
        known_revenue=known_revenue,
        total_growth=float(growth(pd.Series([known_revenue]), pd.Series([previous]), seen).iloc[0]),
        minimum_support=minimum_support,
        period=period,
        unit=unit,
        observed=seen,
    )  # fmt: skip


def cell_prospects(
    lines: Any,
    products: Any,
    *,
    by: Mapping[str, str],
    cell: Mapping[str, str],
    period: Period,
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
) -> pd.DataFrame:
    """Customers who like a cell's last value but have not bought in the cell itself.

    Args:
        lines: Order lines with ``product_id``.
        products: Products, of the same kind as ``lines``.
        by: Axis → product column, as for `ctb_cells`.
        cell: Axis → value.
        period: What to look at.
        unit: What one purchase is.
        zero_value_counts: Whether an order worth nothing is a purchase.

    Returns:
        ``customer_id``, ``purchases`` and ``revenue`` of lines with the last axis's value,
        most revenue first.
    """
    columns = list(by.values())
    joined = product_lines(
        lines, products, columns=columns, as_of=period.as_of, unit=unit, zero_value_counts=zero_value_counts
    )
    *_, last = by
    liked = within(joined, period).filter(nw.col("is_purchase"), nw.col(by[last]) == cell[last])
    same = nw.lit(True)
    for axis, column in by.items():
        same = same & (nw.col(column) == cell[axis])
    inside = liked.filter(same).select("customer_id").unique()
    spent = liked.group_by("customer_id", "purchase").agg(revenue=nw.col("revenue").sum())
    spent = spent.group_by("customer_id").agg(purchases=nw.len(), revenue=nw.col("revenue").sum())
    table = round_money(to_pandas(spent.join(inside, on="customer_id", how="anti")), "revenue")
    return table.sort_values(["revenue", "customer_id"], ascending=[False, True]).reset_index(drop=True)


def _total(rows: nw.LazyFrame[Any]) -> float:
    return float(to_pandas(rows.select(nw.col("revenue").sum())).fillna(0).to_numpy()[0, 0])


def _customers_by(bought: nw.LazyFrame[Any], columns: Sequence[str]) -> nw.LazyFrame[Any]:
    """One row per cell and customer: purchase occasions and lines in the cell."""
    per_occasion = bought.group_by(*columns, "customer_id", "purchase").agg(lines=nw.len())
    per_customer = per_occasion.group_by(*columns, "customer_id").agg(
        purchases=nw.len(), lines=nw.col("lines").sum()
    )
    # Sums of counts are decimals on DuckDB.
    return per_customer.with_columns(
        nw.col("purchases", "lines").cast(nw.Int64), repeats=(nw.col("purchases") >= 2).cast(nw.Int64)
    )


def _pooled(rows: nw.LazyFrame[Any], small: nw.LazyFrame[Any], columns: Sequence[str]) -> nw.LazyFrame[Any]:
    marked = rows.join(small, on=list(columns), how="left")
    keeps = nw.col("keeps").fill_null(False)
    return marked.with_columns(
        **{c: nw.when(keeps).then(nw.col(c)).otherwise(nw.lit(OTHER)) for c in columns}
    ).drop("keeps")


def _with_lift(cells: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    *given, value = columns
    n = cells["lines"].sum()
    of_given = cells.groupby(given)["lines"].transform("sum")
    overall = cells.groupby(value)["lines"].transform("sum") / n
    low, high = wilson_interval(cells["lines"], of_given)
    return cells.assign(
        lift=cells["lines"] / of_given / overall, lift_low=low / overall, lift_high=high / overall
    )
