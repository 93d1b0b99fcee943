"""Member rank transition (会員ランク移行): who was promoted, kept, demoted or left between two days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import narwhals as nw
import pandas as pd

from crmreport.analysis.ledger import to_pandas
from crmreport.errors import DataError

NO_RANK = "none"


@dataclass(frozen=True)
class RankTransitions:
    """Moves between ranks.

    Attributes:
        start: Earlier day.
        as_of: Later day.
        order: Ranks, lowest first.
        table: One row per pair: from_rank, to_rank, customers, share_of_from, move
            (promoted, kept, demoted, left, joined). ``none`` is no rank on that day.
        moves: Customers per move.
    """

    start: date
    as_of: date
    order: tuple[str, ...]
    table: pd.DataFrame
    moves: dict[str, int]


def rank_transitions(ranks: Any, *, start: date, as_of: date, order: Sequence[str]) -> RankTransitions:
    """Compare the ranks valid on two days (METRICS §6).

    Args:
        ranks: One row per customer and change: customer_id, rank (null: left the club), from_date
            (first day it holds). Changes after as_of are invisible.
        start: Earlier day.
        as_of: Later day.
        order: Ranks, lowest first.

    Returns:
        Every pair of ranks with its customers; rows of a rank add up to 100 %.

    Raises:
        DataError: A rank is not in the order, or a customer has two ranks from the same day.
        ValueError: start is not before as_of.

    Examples:
        >>> history = pd.DataFrame({
        ...     "customer_id": ["a", "a", "b"],
        ...     "rank": ["silver", "gold", "silver"],
        ...     "from_date": pd.to_datetime(["2026-01-01", "2026-03-15", "2026-03-20"]),
        ... })
        >>> moves = rank_transitions(
        ...     history, start=date(2026, 2, 28), as_of=date(2026, 3, 31), order=["silver", "gold"]
        ... ).moves
        >>> moves["promoted"], moves["joined"]
        (1, 1)
    """
    if not start < as_of:
        raise ValueError(f"start {start} is not before as_of {as_of}; give the earlier day first")
    names = (NO_RANK, *order)
    before, after = (_ranks_on(ranks, day, order) for day in (start, as_of))
    both = before.merge(after, on="customer_id", how="outer", suffixes=("_from", "_to"))
    both = both.fillna({"rank_from": NO_RANK, "rank_to": NO_RANK})
    whole = pd.MultiIndex.from_product([names, names], names=["from_rank", "to_rank"])
    counts = both.groupby(["rank_from", "rank_to"]).size().rename_axis(["from_rank", "to_rank"])
    table = counts.reindex(whole, fill_value=0).rename("customers").reset_index()
    table = table[(table["from_rank"] != NO_RANK) | (table["to_rank"] != NO_RANK)].reset_index(drop=True)
    starting = table.groupby("from_rank")["customers"].transform("sum")
    table["share_of_from"] = (table["customers"] / starting).where(starting > 0)
    height = {name: step for step, name in enumerate(names)}
    table["move"] = [
        _move(height[a], height[b]) for a, b in zip(table["from_rank"], table["to_rank"], strict=True)
    ]
    moves = table.groupby("move")["customers"].sum()
    return RankTransitions(
        start=start,
        as_of=as_of,
        order=tuple(order),
        table=table,
        moves={m: int(moves.get(m, 0)) for m in ("promoted", "kept", "demoted", "left", "joined")},
    )


def _ranks_on(ranks: Any, day: date, order: Sequence[str]) -> pd.DataFrame:
    frame = nw.from_native(ranks).lazy().with_columns(since=nw.col("from_date").cast(nw.Datetime("us")))
    frame = frame.filter(nw.col("since") <= nw.lit(datetime.combine(day, time())))
    latest = frame.group_by("customer_id").agg(latest=nw.col("since").max())
    held = frame.join(latest, on="customer_id").filter(nw.col("since") == nw.col("latest"))
    found = to_pandas(held.select("customer_id", "rank"), sort_by="customer_id")
    if (twice := found["customer_id"].duplicated()).any():
        raise DataError(
            f"{int(twice.sum())} customers have two ranks from the same day; first: "
            f"{found.loc[twice, 'customer_id'].iloc[0]!r}; keep one of them"
        )
    found = found.dropna(subset=["rank"])
    if strange := sorted(set(found["rank"]) - set(order)):
        raise DataError(
            f"rank {strange[0]!r} is not one of {', '.join(order)}; add it to ranks in client.yml"
        )
    return found


def _move(before: int, after: int) -> str:
    if before == 0:
        return "joined"
    if after == 0:
        return "left"
    return "kept" if before == after else "promoted" if after > before else "demoted"
