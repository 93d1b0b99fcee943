"""How messages were responded to, by channel, campaign and month: what was seen, not what was caused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import narwhals as nw
import pandas as pd
from narwhals.typing import IntoFrame

from crmreport.analysis.campaign.plan import CampaignPlan
from crmreport.analysis.campaign.sent import RESPONSES
from crmreport.analysis.ledger import PurchaseUnit, days_between, purchases, to_pandas
from crmreport.analysis.messages.sent import OTHER, messages
from crmreport.analysis.observed import observed_days
from crmreport.analysis.proportions import wilson_interval
from crmreport.period import Period

COUNTS = (
    "sent", "delivered", "opened", "machine_opened", "clicked", "opened_clicked", "unsubscribed",
    "followed_sent", "followed", "converted",
)  # fmt: skip
RATES: dict[str, tuple[str, str]] = {
    "delivered_rate": ("delivered", "sent"),
    "open_rate": ("opened", "delivered"),
    "click_rate": ("clicked", "delivered"),
    "conversion_rate": ("converted", "followed"),
    "unsubscribe_rate": ("unsubscribed", "delivered"),
    "ctor": ("opened_clicked", "opened"),
    "conversion_per_sent": ("converted", "followed_sent"),
}
"""Rate → its count and what that is divided by."""


@dataclass(frozen=True)
class MessageResponse:
    """Counts of messages by campaign and day of sending, from which every rate is made.

    Attributes:
        as_of: Last visible day.
        since: First day of sending looked at.
        followed_to: Last day purchases are known of: ``as_of``, or the day the order data end.
        conversion_days: Days a purchase counts for a message, the day of sending the first.
        recorded: Channel → responses (``opened``, ``clicked``, ``unsubscribed``) seen at least once in it;
            the others are blank there, not 0 %. ``machine_opened`` where the sends flag machines' opens.
        undescribed: Campaigns found in the sends and not described; their channel is ``other``.
        daily: One row per campaign and day of sending: ``campaign_id``, ``channel``, ``sent_on``,
            ``sent``, ``delivered``, ``opened`` (unique, by people), ``machine_opened``, ``clicked``
            (unique), ``opened_clicked``, ``unsubscribed``; ``followed_sent`` and ``followed``: sent and
            delivered whose days for purchases are over at ``followed_to``; ``converted``: of the followed
            and delivered, those whose customer bought in these days.
    """

    as_of: date
    since: date | None
    followed_to: date
    conversion_days: int
    recorded: Mapping[str, frozenset[str]]
    undescribed: tuple[str, ...]
    daily: pd.DataFrame

    def by(self, *columns: str, within: Period | None = None) -> pd.DataFrame:
        """Counts and rates per channel and whatever else is asked for.

        Args:
            columns: ``campaign_id`` and ``month`` (its first day); the channel always is one.
            within: Only messages sent in this period; None for all.

        Returns:
            One row per group in order: the counts; every rate of :data:`RATES` with ``…_low`` and
            ``…_high`` (Wilson, 95 %); ``machine_share`` (opens by machines ÷ all opens; blank where the
            sends flag none);
            ``is_preliminary`` (days for purchases not over for all messages). A rate is blank where it
            was not recorded or has no denominator.
        """
        rows = self.daily
        if within is not None:
            day = rows["sent_on"].dt.date
            rows = rows[(day >= within.start) & (day <= within.as_of)]
        rows = rows.assign(month=rows["sent_on"].dt.to_period("M").dt.start_time)
        keys = ["channel", *columns]
        table = rows.groupby(keys, as_index=False, sort=True)[list(COUNTS)].sum()
        return with_rates(table, recorded=self.recorded)


def with_rates(table: pd.DataFrame, *, recorded: Mapping[str, frozenset[str]]) -> pd.DataFrame:
    """Add rates and intervals to counts of messages; blank where a channel does not record the response."""
    table = table.copy()
    for response in RESPONSES:
        absent = [response not in recorded.get(str(c), ()) for c in table["channel"]]
        unknown = pd.Series(absent, index=table.index, dtype="bool")
        parts = [response, *(["machine_opened", "opened_clicked"] if response == "opened" else [])]
        parts += ["opened_clicked"] if response == "clicked" else []
        table[parts] = table[parts].astype("float64").mask(unknown)
    for rate, (part, whole) in RATES.items():
        k, n = table[part].astype("float64"), table[whole].astype("float64")
        known = k.notna() & (n > 0)
        table[rate] = (k / n).where(known)
        low, high = wilson_interval(k.where(known, 0), n.where(known, 0))
        table[f"{rate}_low"], table[f"{rate}_high"] = low, high
    opens = table["opened"] + table["machine_opened"]
    flagged = ["machine_opened" in recorded.get(str(c), ()) for c in table["channel"]]
    told = pd.Series(flagged, index=table.index, dtype="bool")
    table["machine_share"] = (table["machine_opened"] / opens).where((opens > 0) & told)
    table["is_preliminary"] = table["followed_sent"] < table["sent"]
    return table


def message_response(
    sends: IntoFrame,
    order_lines: IntoFrame,
    *,
    as_of: date,
    campaigns: Iterable[CampaignPlan] = (),
    since: date | None = None,
    conversion_days: int = 7,
    unit: PurchaseUnit = "customer_day",
    zero_value_counts: bool = False,
) -> MessageResponse:
    """Count what became of every message sent (METRICS §8).

    A purchase counts for every message its customer was sent in the days before, so channels and
    campaigns do not add up to the purchases of a month. A response is no effect: who opens or clicks
    would often have bought anyway, and only a control that was sent nothing tells.

    Args:
        sends: Sends with ``sent_on``; the held-out control among them is no message.
        order_lines: Order lines, of the same kind of frame.
        as_of: Last visible day.
        campaigns: Campaigns as planned, for their channel and control.
        since: First day of sending looked at.
        conversion_days: Days a purchase counts for a message, the day of sending the first; 1 or more.
        unit: What one purchase is.
        zero_value_counts: Whether a line worth nothing makes a purchase.

    Raises:
        DataError: The sends or the lines lack a column.
        ValueError: ``conversion_days`` is below 1.

    Examples:
        >>> days = pd.to_datetime(["2026-10-01", "2026-10-01", None])
        >>> sends = pd.DataFrame({"campaign_id": "m", "customer_id": ["a", "b", "c"], "arm": "mail",
        ...     "sent_on": pd.Timestamp("2026-10-01"), "delivered_on": days, "clicked_on": days[[0, 2, 2]]})
        >>> lines = pd.DataFrame({"customer_id": ["a"], "order_id": ["1"], "revenue": [10.0],
        ...     "order_date": pd.to_datetime(["2026-10-03"])})
        >>> found = message_response(sends, lines, as_of=date(2026, 10, 31)).by()
        >>> found[["sent", "delivered", "clicked", "converted"]].astype(int).values.tolist()
        [[3, 2, 1, 1]]
    """
    if conversion_days < 1:
        raise ValueError(f"conversion_days is {conversion_days}; give 1 or more")
    plans = {plan.campaign_id: plan for plan in campaigns}
    rows = messages(
        sends, as_of=as_of, since=since, controls={name: plan.control for name, plan in plans.items()}
    )
    bought = purchases(
        order_lines, as_of=as_of, since=since, unit=unit, zero_value_counts=zero_value_counts
    ).select("customer_id", "purchase_date")
    daily = _daily(rows, bought, conversion_days)
    names = [str(name) for name in daily["campaign_id"]]
    daily["channel"] = [plans[name].channel if name in plans else OTHER for name in names]
    seen = observed_days(order_lines, as_of=as_of)
    followed_to = seen.last_day if seen.is_preliminary and seen.last_day is not None else as_of
    over = daily["sent_on"].dt.date <= followed_to - timedelta(days=conversion_days - 1)
    for name, part in (("followed_sent", "sent"), ("followed", "delivered"), ("converted", "converted")):
        daily[name] = daily[part].where(over, 0)
    daily = daily[["campaign_id", "channel", "sent_on", *COUNTS]]
    daily = daily.sort_values(["campaign_id", "sent_on"], ignore_index=True)
    sums = daily.groupby("channel")[["opened", "machine_opened", "clicked", "unsubscribed"]].sum()
    sums["opened"] += sums["machine_opened"]
    flags = {"machine_opened"} if "machine_open" in nw.from_native(sends).collect_schema().names() else set()
    return MessageResponse(
        as_of=as_of,
        since=since,
        followed_to=followed_to,
        conversion_days=conversion_days,
        recorded={
            str(channel): frozenset(flags.union(r for r in RESPONSES if row[r] > 0))
            for channel, row in sums.iterrows()
        },
        undescribed=tuple(sorted(set(daily["campaign_id"]) - set(plans))),
        daily=daily,
    )


def _daily(rows: nw.LazyFrame[Any], bought: nw.LazyFrame[Any], conversion_days: int) -> pd.DataFrame:
    waited = days_between("sent_on", "purchase_date")
    # Days a customer was written to, once each: a customer of three campaigns is not joined three times.
    written = rows.filter(nw.col("delivered") == 1).select("customer_id", "sent_on").unique()
    came = (
        written.join(bought, on="customer_id")
        .filter(waited >= 0, waited < conversion_days)
        .select("customer_id", "sent_on")
        .unique()
        .with_columns(converted=nw.lit(1))
    )
    joined = rows.join(came, on=["customer_id", "sent_on"], how="left").with_columns(
        converted=nw.col("converted").fill_null(0).cast(nw.Int64) * nw.col("delivered"),
        opened_clicked=nw.col("opened") * nw.col("clicked"),
    )
    parts = [
        "delivered",
        "opened",
        "machine_opened",
        "clicked",
        "opened_clicked",
        "unsubscribed",
        "converted",
    ]
    counted = joined.group_by("campaign_id", "sent_on").agg(
        nw.len().alias("sent"), *[nw.col(part).sum() for part in parts]
    )
    daily = to_pandas(counted, sort_by=["campaign_id", "sent_on"])
    return daily.astype(dict.fromkeys(["sent", *parts], "int64"))
