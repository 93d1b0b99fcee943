"""Migration: from which segment to which the customers moved between two dates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import narwhals as nw
import numpy as np
import pandas as pd
from narwhals.typing import IntoFrame

from crmreport.analysis.ledger import to_pandas, visible
from crmreport.analysis.observed import ObservedDays, covers_from, first_day
from crmreport.analysis.rfm import RfmTable, rfm_table, score_rfm
from crmreport.analysis.segments import Segmented, SegmentMap, segment_table
from crmreport.errors import ConfigError

NEW, LEFT = "new_customers", "left"


@dataclass(frozen=True)
class Migration:
    """Moves of customers between segments.

    Attributes:
        before: Day of the earlier scores.
        after: Day of the later scores.
        moves: One row per pair: ``from_segment``, ``to_segment``, ``customers``, ``share`` (of the
            customers in ``from_segment``; blank when it had none). The row ``new_customers`` holds
            those who were not there before, the column ``left`` those who are no longer there.
        n_before: Customers at the earlier day.
        n_after: Customers at the later day.
        observed: Days the order lines say something about, up to the later day.
    """

    before: date
    after: date
    moves: pd.DataFrame
    n_before: int
    n_after: int
    observed: ObservedDays

    def matrix(self, value: str = "customers") -> pd.DataFrame:
        """``customers`` or ``share`` as a matrix, from in rows, to in columns."""
        rows, columns = self.moves["from_segment"].unique(), self.moves["to_segment"].unique()
        wide = self.moves.pivot(index="from_segment", columns="to_segment", values=value)
        return wide.reindex(index=rows, columns=columns)

    def customers(self, from_segment: str, to_segment: str) -> int:
        """How many went from one segment to the other."""
        pair = self.moves["from_segment"].eq(from_segment) & self.moves["to_segment"].eq(to_segment)
        return int(self.moves.loc[pair, "customers"].sum())


def migration(before: Segmented, after: Segmented) -> Migration:
    """Count the moves between two dates scored by the same yardstick.

    Args:
        before: Segments at the earlier date.
        after: Segments at the later date, scored with ``cuts=before.scores.cuts``.

    Raises:
        ConfigError: The two differ in cuts or segment map, or are not in order of time.
    """
    if before.scores.cuts != after.scores.cuts:
        raise ConfigError(
            "the two dates are scored by different cuts; score the later with cuts=before.scores.cuts"
        )
    if before.map.cells != after.map.cells:
        raise ConfigError("the two dates use different segment maps; use one for both")
    if before.scores.table.as_of >= after.scores.table.as_of:
        raise ConfigError("the earlier date is not before the later one; swap them")
    then = before.customers.select("customer_id", from_segment=nw.col("segment"))
    now = after.customers.select("customer_id", to_segment=nw.col("segment"))
    pairs = then.join(now, on="customer_id", how="inner").group_by("from_segment", "to_segment")
    stayed = to_pandas(pairs.agg(nw.len().alias("customers")), sort_by=["from_segment", "to_segment"])
    names = list(before.map.segments)
    counts = (
        stayed.pivot(index="from_segment", columns="to_segment", values="customers")
        .reindex(index=names, columns=names)
        .fillna(0)
        .astype("int64")
    )
    had = before.table.set_index("segment")["customers"].reindex(names)
    have = after.table.set_index("segment")["customers"].reindex(names)
    counts[LEFT] = had - counts.sum(axis=1)
    counts.loc[NEW] = [*(have - counts[names].sum()), 0]
    heads = counts.sum(axis=1)
    shares = counts.div(heads.where(heads > 0), axis=0)
    moves = pd.DataFrame(
        {
            "from_segment": np.repeat(list(counts.index), len(counts.columns)),
            "to_segment": np.tile(list(counts.columns), len(counts.index)),
            "customers": counts.to_numpy().ravel(),
            "share": shares.to_numpy().ravel(),
        }
    ).astype({"from_segment": "str", "to_segment": "str"})
    dates = (before.scores.table.as_of, after.scores.table.as_of)
    seen = after.scores.table.observed
    return Migration(*dates, moves, before.n_customers, after.n_customers, seen)


def migration_since(
    lines: IntoFrame,
    *,
    table: RfmTable,
    segments: SegmentMap,
    as_of: date,
    since: date | None = None,
) -> Migration | None:
    """Moves from an earlier day to the day of ``table``, both scored by the earlier day's cuts.

    Args:
        lines: Order lines.
        table: The later day's RFM table; its unit and rules are used for both.
        segments: The segment map.
        as_of: The earlier day.
        since: First day of the earlier look-back.

    Returns:
        The moves, or None where the earlier day cannot be judged: the data begin after its look-back
        does, or there were fewer customers than scores.
    """
    if since is not None and not covers_from(first_day(visible(lines, as_of=as_of)), since):
        return None
    earlier = rfm_table(
        lines,
        as_of=as_of,
        since=since,
        unit=table.unit,
        monetary=table.monetary,
        zero_value_counts=table.zero_value_counts,
    )
    if earlier.n_customers < segments.bins:
        return None
    before = score_rfm(earlier, bins=segments.bins)
    after = score_rfm(table, cuts=before.cuts)
    return migration(segment_table(before, segments), segment_table(after, segments))
