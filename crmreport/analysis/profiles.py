"""Several profiles of the same window, one per attribute."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import narwhals as nw

from crmreport.analysis.attributes import attributes_available, customer_groups, main_channel
from crmreport.analysis.ledger import PurchaseUnit
from crmreport.analysis.observed import covers_from, observed_days
from crmreport.analysis.profile import CustomerProfile, customer_profile, window_spending

# Groups that buying itself makes: today's rank, the main channel, and join years, of which the
# younger have had less time to leave. A change of theirs says nothing about the group.
MADE_BY_BUYING = ("join_year", "rank", "channel")


def customer_profiles(
    lines: Any,
    customers: Any | None,
    *,
    by: Sequence[str] = (),
    start: date,
    as_of: date,
    before: tuple[date, date] | None = None,
    support: int = 30,
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
) -> dict[str, CustomerProfile]:
    """Profiles by every attribute the data has, or by those asked for.

    Attributes that follow from buying (``MADE_BY_BUYING``) are shown and not compared; nothing is
    compared when the data begin after the earlier window does, or do not reach ``as_of``: the window
    would be too poor by the days that are missing.

    Args:
        lines: Order lines; any frame narwhals understands.
        customers: Customers on the same engine; None when there is no such table.
        by: Attributes or customer columns; empty for all usual ones (region instead of prefecture).
        start: First day of the window.
        as_of: Last day of the window.
        before: First and last day of the window compared with.
        support: Smallest group shown and judged.
        unit: What one purchase is.
        zero_value_counts: Whether lines of value 0 make a purchase.

    Returns:
        Attribute → profile, in the order shown.

    Raises:
        DataError: An attribute asked for is not in the data.
    """
    observed = observed_days(lines, as_of=as_of)
    if before and (observed.is_preliminary or not covers_from(observed.first_day, before[0])):
        before = None
    counting: dict[str, Any] = {"unit": unit, "zero_value_counts": zero_value_counts}
    # Read once for all attributes: alone, and beside the earlier window.
    spending = {
        window: window_spending(lines, start=start, as_of=as_of, before=window, **counting)
        for window in {None, before}
    }
    profiles = {}
    for name in by or _usual(lines, customers):
        if name == "channel":
            groups = main_channel(lines, as_of=as_of, since=start)
        else:
            groups = customer_groups(customers, by=name, as_of=as_of)
        compared = None if name in MADE_BY_BUYING else before
        profile = customer_profile(
            lines,
            groups,
            by=name,
            start=start,
            as_of=as_of,
            before=compared,
            support=support,
            observed=observed,
            spending=spending[compared],
            **counting,
        )
        profiles[name] = profile
    return profiles


def _usual(lines: Any, customers: Any | None) -> list[str]:
    names: list[str] = []
    if customers is not None:
        columns = nw.from_native(customers).columns
        names = [name for name in attributes_available(columns) if name != "prefecture"]
    # Region first: it is the one a shop can act on by itself.
    names.sort(key=lambda name: name != "region")
    if "channel" in nw.from_native(lines).columns:
        names.append("channel")
    return names
