"""What was known of customers before a campaign: RFM segment of the day before, and a lasting attribute."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import cache

import narwhals as nw
import pandas as pd
from narwhals.typing import IntoFrame

from crmreport.analysis.campaign.as_sent import days_sent
from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.analysis.ledger import PurchaseUnit, settle
from crmreport.analysis.rfm import rfm_table, score_rfm
from crmreport.analysis.segments import SegmentMap, segment_table
from crmreport.errors import ConfigError, TooFewError


def segments_before(
    order_lines: IntoFrame,
    *,
    segments: SegmentMap,
    look_back_months: int | None = None,
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
    customers: IntoFrame | None = None,
    column: str = "",
    sends: IntoFrame | None = None,
) -> Callable[[CampaignPlan], IntoFrame | None]:
    """Segments by campaign: a segment of after the sending would hold what the sending did.

    Args:
        order_lines: Order lines.
        segments: The client's RFM segment map.
        look_back_months: Months of purchases scored; None for the whole history.
        unit: What one purchase is.
        zero_value_counts: Whether lines worth 0 make a purchase.
        customers: Customers, where ``column`` is asked for; on the same engine.
        column: A column of theirs that a campaign does not change (sex, prefecture); empty for none.
        sends: Sends of all campaigns; None to believe the described starts. With them a campaign begins
            with its first send where that is dated earlier (see ``as_sent``).

    Returns:
        A function that gives ``customer_id`` and ``segment`` of the day before a campaign's start (campaigns
        of one day are scored once), one row per buyer so far, and the column, one row per customer; it
        gives None where there are too few buyers to score.

    Raises:
        ConfigError: The customers have no such column.
    """
    people = None
    if column:
        people = nw.from_native(customers).lazy() if customers is not None else None
        known = [] if people is None else people.collect_schema().names()
        if column not in known:
            raise ConfigError(f"customers have no column {column!r}; they have {', '.join(known)}")

    @cache
    def first_sent() -> dict[str, tuple[date, date]]:
        # Sends after a start move no start: the whole log will do, read once for all campaigns.
        return days_sent(sends, as_of=date.max) if sends is not None else {}

    @cache
    def of_day_before(start: date) -> IntoFrame | None:
        day = start - timedelta(days=1)
        since = None
        if look_back_months is not None:
            since = (pd.Timestamp(start) - pd.DateOffset(months=look_back_months)).date()
        rules = {"unit": unit, "zero_value_counts": zero_value_counts}
        try:
            table = rfm_table(order_lines, as_of=day, since=since, **rules)  # type: ignore[arg-type]
            found = segment_table(score_rfm(table, bins=segments.bins), segments)
        except TooFewError:
            return None
        scored = found.customers.select("customer_id", "segment")
        if people is None:
            return scored.to_native()
        # Frames of two connections cannot be joined.
        given = settle(people.select("customer_id", column))
        both = given.join(settle(scored), on="customer_id", how="full", suffix="_scored")
        either = nw.coalesce(nw.col("customer_id"), nw.col("customer_id_scored"))
        return both.with_columns(customer_id=either).select("customer_id", "segment", column).to_native()

    def before(plan: CampaignPlan) -> IntoFrame | None:
        first, _ = first_sent().get(plan.campaign_id, (plan.start, plan.end))
        return of_day_before(min(plan.start, first))

    return before
