"""Whether a response rate moved against the period before, and whether a channel leads: with a test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from crmreport.analysis.messages.message_response import RATES, MessageResponse
from crmreport.analysis.messages.sent import OTHER
from crmreport.analysis.proportions import compare_shares, holm, newcombe_interval
from crmreport.period import Period

COMPARED = ("click_rate", "conversion_rate", "unsubscribe_rate")
_ALPHA = 0.05
_COLUMNS = [
    "channel", "rate", "count", "out_of", "now", "count_before", "out_of_before", "before", "difference",
    "low", "high", "p_value", "p_holm", "verdict",
]  # fmt: skip


@dataclass(frozen=True)
class ResponseChanges:
    """Rates of two periods side by side.

    Attributes:
        now: The later period.
        before: The earlier one.
        table: One row per channel and rate: ``channel``, ``rate``, ``count``, ``out_of`` and ``now`` (the
            later period's count, denominator and rate), ``count_before``, ``out_of_before``, ``before``,
            ``difference`` (now − before) with ``low`` and ``high`` (Newcombe, 95 %), ``p_value``,
            ``p_holm`` (over all rows), ``verdict``: ``higher``, ``lower``, ``alike`` (not clear) or
            ``unknown`` (nothing to compare with).
    """

    now: Period
    before: Period
    table: pd.DataFrame

    def row(self, channel: str, rate: str) -> pd.Series | None:
        """The row of a channel and rate; None when the channel sent nothing."""
        found = self.table[(self.table["channel"] == channel) & (self.table["rate"] == rate)]
        return None if found.empty else found.iloc[0]


@dataclass(frozen=True, slots=True)
class Leader:
    """The channel with the highest rate.

    Attributes:
        channel: Its name.
        value: Its rate.
        clear: Whether it lies above every other channel beyond chance (Holm, 5 %).
        n_channels: Channels with this rate.
    """

    channel: str
    value: float
    clear: bool
    n_channels: int


def response_changes(response: MessageResponse, *, now: Period, before: Period) -> ResponseChanges:
    """Compare the rates of messages sent in two periods, channel by channel.

    Difference of shares: Newcombe's interval; z test, Fisher where a count is small; Holm over all
    channels and rates. It says that a rate moved, not why: another mix of campaigns moves it too.

    Args:
        response: Counts that reach back to the earlier period.
        now: The later period.
        before: The earlier one.
    """
    later, earlier = (response.by(within=period).set_index("channel") for period in (now, before))
    rows = []
    for channel in later.index:
        for rate in COMPARED:
            part, whole = RATES[rate]
            k1, n1 = _counts(later, channel, part, whole)
            k2, n2 = _counts(earlier, channel, part, whole)
            low, high = newcombe_interval(k1, n1, k2, n2)
            rows.append(
                {
                    "channel": channel,
                    "rate": rate,
                    "count": k1 if n1 else None,
                    "out_of": n1,
                    "now": k1 / n1 if n1 else float("nan"),
                    "count_before": k2 if n2 else None,
                    "out_of_before": n2,
                    "before": k2 / n2 if n2 else float("nan"),
                    "low": low,
                    "high": high,
                    "p_value": compare_shares(k1, n1, k2, n2),
                }
            )
    table = pd.DataFrame(rows, columns=[c for c in _COLUMNS if c not in ("difference", "p_holm", "verdict")])
    table["difference"] = table["now"] - table["before"]
    table["p_holm"] = holm(table["p_value"].tolist())
    table["verdict"] = "alike"
    table.loc[table["p_holm"].isna(), "verdict"] = "unknown"
    clear = table["p_holm"] < _ALPHA
    table.loc[clear & (table["difference"] > 0), "verdict"] = "higher"
    table.loc[clear & (table["difference"] < 0), "verdict"] = "lower"
    return ResponseChanges(now, before, table[_COLUMNS])


def leading_channel(response: MessageResponse, *, rate: str, within: Period) -> Leader | None:
    """The channel with the highest rate of a period; None where no channel has the rate.

    Every other channel is tested against it (Holm). It says where responses are most frequent, not
    where they are caused: channels reach different customers.
    """
    part, whole = RATES[rate]
    table = response.by(within=within)
    table = table[table[rate].notna() & (table["channel"] != OTHER)]
    if table.empty:
        return None
    table = table.sort_values([rate, "channel"], ascending=[False, True], ignore_index=True)
    first, rest = table.iloc[0], table.iloc[1:]
    p_values: Sequence[float] = holm(
        [
            compare_shares(int(first[part]), int(first[whole]), int(k), int(n))
            for k, n in zip(rest[part], rest[whole], strict=True)
        ]
    )
    clear = bool(p_values) and all(p < _ALPHA for p in p_values)
    return Leader(str(first["channel"]), float(first[rate]), clear, len(table))


def _counts(table: pd.DataFrame, channel: str, part: str, whole: str) -> tuple[int, int]:
    """Count and denominator; 0 of 0 where the channel sent nothing or does not record the response."""
    rows = table.loc[table.index == channel, [part, whole]].dropna()
    (k, n), *_ = [*rows.astype("int64").itertuples(index=False, name=None), (0, 0)]
    return int(k), int(n)
