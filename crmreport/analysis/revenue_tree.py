"""Why revenue changed: buyers × frequency × items × unit price, the change split exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial, isfinite, nan, prod
from typing import Literal

import pandas as pd

from crmreport.analysis.sales import SalesTotals, sales_totals
from crmreport.analysis.sales_lines import SalesLines
from crmreport.period import Period

Factor = Literal["buyers", "frequency", "items_per_purchase", "unit_price"]
FACTORS: tuple[Factor, ...] = ("buyers", "frequency", "items_per_purchase", "unit_price")


def shapley_product(before: Sequence[float], after: Sequence[float]) -> list[float]:
    """Split the change of a product over its factors, so that the parts add up to the change.

    The part of a factor is the mean, over all orders in which the factors can be moved from
    ``before`` to ``after`` one at a time, of the change its own move makes (Shapley 1953;
    for index decomposition see Ang, Huang & Mu 2009).

    Args:
        before: The factors at the start, any unit.
        after: The same factors at the end, in the same order.

    Returns:
        One part per factor, in the unit of the product.

    Raises:
        ValueError: The two lists differ in length, or are empty.

    Examples:
        >>> shapley_product([10, 2], [12, 3])  # 20 -> 36: the move of 16 in two parts
        [5.0, 11.0]
        >>> shapley_product([10, 2], [10, 3])  # what did not move has no part
        [0.0, 10.0]
    """
    n = len(before)
    if n == 0 or n != len(after):
        raise ValueError(f"{n} factors before, {len(after)} after; give the same factors for both dates")
    parts = []
    for i in range(n):
        others = [j for j in range(n) if j != i]
        part = 0.0
        for size in range(n):
            weight = factorial(size) * factorial(n - 1 - size) / factorial(n)
            for moved in combinations(others, size):
                part += weight * prod(after[j] if j in moved else before[j] for j in others)
        parts.append(part * (after[i] - before[i]))
    return parts


@dataclass(frozen=True)
class RevenueTree:
    """The change of revenue between two periods, in parts that add up to it.

    Attributes:
        table: One row per part (the four factors, then ``guests``): ``part``, ``before``,
            ``after``, ``change_rate``, ``effect`` (in the client's currency), ``effect_share``
            (of the total change; null when revenue did not change).
        before: Totals of the earlier period.
        after: Totals of the later period.
        change: ``after.revenue − before.revenue``; the sum of ``effect``.
        reason: None, or why the change could not be split: ``not_observed`` (the data begin
            after the earlier period's start), ``preliminary`` (the data stop before the later
            period's end), ``no_purchases`` (one of the two periods has none by a known customer).
    """

    table: pd.DataFrame
    before: SalesTotals
    after: SalesTotals
    change: float
    reason: Literal["not_observed", "preliminary", "no_purchases"] | None


def split_change(before: SalesTotals, after: SalesTotals) -> RevenueTree:
    """Split the change of revenue between two sets of totals.

    Customers' revenue = buyers × purchases per buyer × items per purchase × revenue per item;
    its change is split by `shapley_product`. Guests have no head count, so their change stands
    as one part of its own. Returns lower the revenue per item.

    Args:
        before: Totals of the earlier period.
        after: Totals of the later period.
    """
    reason = None
    if not before.observed:
        reason = "not_observed"
    elif after.is_preliminary:
        reason = "preliminary"
    elif not (before.items and after.items):
        reason = "no_purchases"
    old, new = _factors(before), _factors(after)
    effects = [nan] * len(FACTORS) if reason else shapley_product(old, new)
    guests = nan if reason == "not_observed" else after.guest_revenue - before.guest_revenue
    change = nan if reason == "not_observed" else after.revenue - before.revenue
    table = pd.DataFrame(
        {
            "part": [*FACTORS, "guests"],
            "before": [*old, before.guest_revenue],
            "after": [*new, after.guest_revenue],
            "effect": [*effects, guests],
        }
    )
    table["change_rate"] = [_rate(b, a) for b, a in zip(table["before"], table["after"], strict=True)]
    table["effect_share"] = table["effect"] / change if isfinite(change) and change != 0 else nan
    table = table[["part", "before", "after", "change_rate", "effect", "effect_share"]]
    return RevenueTree(table=table, before=before, after=after, change=change, reason=reason)


def revenue_tree(
    lines: SalesLines,
    *,
    period: Period,
    baseline: Period,
) -> RevenueTree:
    """Split the change of revenue from ``baseline`` to ``period``.

    Args:
        lines: Result of :func:`crmreport.analysis.sales_lines.sales_lines`.
        period: The later period.
        baseline: The earlier period, such as ``period.year_ago()``.

    Returns:
        The parts; see `RevenueTree`.
    """
    return split_change(*sales_totals(lines, periods=[baseline, period]))


def _factors(t: SalesTotals) -> list[float]:
    customer_revenue = t.revenue - t.guest_revenue
    return [
        float(t.buyers),
        t.purchases / t.buyers if t.buyers else nan,
        t.items / t.purchases if t.purchases else nan,
        customer_revenue / t.items if t.items else nan,
    ]


def _rate(before: float, after: float) -> float:
    return after / before - 1 if isfinite(before) and before > 0 else nan
