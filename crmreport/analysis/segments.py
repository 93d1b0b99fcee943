"""RFM segments: which scores make which group of customers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from crmreport.analysis.rfm import SCORES, RfmScores
from crmreport.errors import ConfigError

ROLES = ("valuable", "drifting", "first_time")
"""What findings ask of segments: recent and frequent; frequent but not recent; recent, bought once."""
AXES = {"r": "recency_score", "f": "frequency_score", "m": "monetary_score"}
Cell = tuple[int, ...]


@dataclass(frozen=True)
class SegmentMap:
    """A partition of the score cells into named segments.

    Attributes:
        name: Preset name or file name.
        bins: Scores per axis.
        axes: ``("r", "f")`` or ``("r", "f", "m")``.
        segments: Segment names in the order they are shown.
        cells: Scores along the axes → segment; every cell is there.
        names: Segment → language → name, for segments a client has added.
        roles: Role (:data:`ROLES`) → its segments, as the map declares them or as their cells say.
    """

    name: str
    bins: int
    axes: tuple[str, ...]
    segments: tuple[str, ...]
    cells: Mapping[Cell, str]
    names: Mapping[str, Mapping[str, str]]
    roles: Mapping[str, tuple[str, ...]]

    @property
    def columns(self) -> tuple[str, ...]:
        """Score columns the map looks at."""
        return tuple(AXES[axis] for axis in self.axes)

    def segment(self) -> nw.Expr:
        """Expression that names the segment from the score columns."""
        code = nw.lit(0)
        for column in self.columns:
            code = code * 100 + nw.col(column)
        named: Any = nw.lit(self.segments[-1])
        for segment in self.segments[:-1]:
            codes = [_code(cell) for cell, name in self.cells.items() if name == segment]
            named = nw.when(code.is_in(codes)).then(nw.lit(segment)).otherwise(named)
        return named


@dataclass(frozen=True)
class Segmented:
    """Customers by segment.

    Attributes:
        scores: The scores behind it.
        map: The map used.
        customers: Lazy frame of the scores with ``segment``.
        table: One row per segment in map order: ``segment``, ``customers``, ``customer_share``,
            ``revenue``, ``revenue_share``, ``mean_recency_days``, ``mean_frequency``,
            ``mean_monetary``; means of an empty segment are blank.
        grid: One row per R×F cell, also empty ones: ``recency_score``, ``frequency_score``,
            ``customers``, ``revenue``, ``mean_monetary``.
        n_customers: Customers in all segments.
        revenue: Their net revenue in the look-back.
    """

    scores: RfmScores
    map: SegmentMap
    customers: nw.LazyFrame[Any]
    table: pd.DataFrame
    grid: pd.DataFrame
    n_customers: int
    revenue: float

    def members(self, *segments: str) -> nw.LazyFrame[Any]:
        """Customers of the named segments, most valuable first when sorted by ``revenue``.

        Raises:
            ConfigError: The map has no such segment.
        """
        for segment in segments:
            if segment not in self.map.segments:
                raise ConfigError(
                    f"segment {segment!r} is not in map {self.map.name!r}; "
                    f"it has {', '.join(self.map.segments)}"
                )
        return self.customers.filter(nw.col("segment").is_in(list(segments)))

    def row(self, segment: str) -> pd.Series:
        """The segment's line of the table."""
        return self.table[self.table["segment"] == segment].iloc[0]


def segment_table(scores: RfmScores, segments: SegmentMap) -> Segmented:
    """Put every customer into one segment and describe the segments.

    Args:
        scores: Result of :func:`crmreport.analysis.rfm.score_rfm`.
        segments: Result of :func:`crmreport.segment_file.load_segments`.

    Raises:
        ConfigError: Map and scores differ in the number of scores.
    """
    if segments.bins != scores.cuts.bins:
        raise ConfigError(
            f"segment map {segments.name!r} is for scores 1 to {segments.bins}, "
            f"the customers have 1 to {scores.cuts.bins}; score with bins={segments.bins}"
        )
    cells = scores.cells.assign(
        segment=[
            segments.cells[cell] for cell in zip(*(scores.cells[c] for c in segments.columns), strict=True)
        ]
    )
    decimals = scores.table.decimals
    sums = (
        cells.groupby("segment")[["customers", "revenue", "recency_days", "frequency", "monetary"]]
        .sum()
        .reindex(list(segments.segments), fill_value=0)
        .rename_axis("segment")
        .reset_index()
        .round({"revenue": decimals, "monetary": decimals})
    )
    n, revenue = int(sums["customers"].sum()), float(round(sums["revenue"].sum(), decimals))
    heads = sums["customers"].where(sums["customers"] > 0)
    table = pd.DataFrame(
        {
            "segment": sums["segment"].astype("str"),
            "customers": sums["customers"].astype("int64"),
            "customer_share": sums["customers"] / n if n else np.nan,
            "revenue": sums["revenue"],
            "revenue_share": sums["revenue"] / revenue if revenue > 0 else np.nan,
            "mean_recency_days": sums["recency_days"] / heads,
            "mean_frequency": sums["frequency"] / heads,
            "mean_monetary": sums["monetary"] / heads,
        }
    )
    customers = scores.customers.with_columns(segment=segments.segment())
    return Segmented(scores, segments, customers, table, _grid(scores), n, revenue)


def _code(cell: Cell) -> int:
    code = 0
    for score in cell:
        code = code * 100 + score
    return code


def _grid(scores: RfmScores) -> pd.DataFrame:
    bins, decimals = scores.cuts.bins, scores.table.decimals
    keys = list(SCORES[:2])
    every = pd.MultiIndex.from_product([range(bins, 0, -1), range(1, bins + 1)], names=keys)
    sums = scores.cells.groupby(keys)[["customers", "revenue", "monetary"]].sum().reindex(every, fill_value=0)
    grid = (
        sums.reset_index().astype({"customers": "int64"}).round({"revenue": decimals, "monetary": decimals})
    )
    grid["mean_monetary"] = grid.pop("monetary") / grid["customers"].where(grid["customers"] > 0)
    return grid
