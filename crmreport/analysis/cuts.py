"""Cut points: where one score ends and the next begins."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import narwhals as nw
import pandas as pd

from crmreport.analysis.ledger import to_pandas
from crmreport.errors import ConfigError, TooFewError

Measure = Literal["recency_days", "frequency", "monetary"]


@dataclass(frozen=True, slots=True)
class Cuts:
    """Ascending cut points of one measure, and how a value is scored by them.

    Args:
        measure: Column scored.
        points: ``bins - 1`` values, ascending; equal neighbours are possible (ties).
        best_is_low: True for days since the last purchase: few days, high score.
        equal_goes: Band of a value equal to a cut: ``below`` it (empirical cuts, "at most 30 days")
            or ``above`` it ("at least 3 purchases").
        origin: ``empirical`` (from the customers' own values) or ``fixed`` (the client's thresholds).
        lowest: Smallest observed value; None for fixed cuts.
        highest: Largest observed value; None for fixed cuts.
    """

    measure: str
    points: tuple[float, ...]
    best_is_low: bool = False
    equal_goes: Literal["below", "above"] = "below"
    origin: Literal["empirical", "fixed"] = "empirical"
    lowest: float | None = None
    highest: float | None = None

    @property
    def bins(self) -> int:
        """Number of scores."""
        return len(self.points) + 1

    @property
    def unreachable(self) -> tuple[int, ...]:
        """Scores no customer could get because ties made their band empty; empirical cuts only."""
        if self.origin != "empirical":
            return ()
        ends = (*self.points, self.highest)
        empty = [band for band in range(2, self.bins + 1) if ends[band - 1] == ends[band - 2]]
        return tuple(sorted(self._score(band) for band in empty))

    def score(self, column: str | None = None) -> nw.Expr:
        """Expression of the score, 1 to ``bins``, of a column."""
        value = nw.col(column or self.measure)
        passed = nw.lit(0)
        for point in self.points:
            beyond = value > point if self.equal_goes == "below" else value >= point
            passed = passed + beyond.cast(nw.Int64)
        return (self.bins - passed if self.best_is_low else passed + 1).cast(nw.Int64)

    def bands(self) -> pd.DataFrame:
        """One row per score, best first: ``score``, ``lower``, ``upper``, ``reachable``.

        Both ends belong to the band where they are observed values (empirical); with fixed cuts
        the end given by ``equal_goes`` belongs to it. None where a band is open.
        """
        ends = (self.lowest, *self.points, self.highest)
        rows = [
            (self._score(band), ends[band - 1], ends[band], self._score(band) not in self.unreachable)
            for band in range(1, self.bins + 1)
        ]
        table = pd.DataFrame(rows, columns=["score", "lower", "upper", "reachable"])
        return table.sort_values("score", ascending=False, ignore_index=True)

    def _score(self, band: int) -> int:
        return self.bins + 1 - band if self.best_is_low else band


@dataclass(frozen=True, slots=True)
class RfmCuts:
    """The cuts of the three measures; pass them on to score another period by the same yardstick."""

    recency: Cuts
    frequency: Cuts
    monetary: Cuts

    @property
    def bins(self) -> int:
        """Number of scores."""
        return self.recency.bins


def empirical_cuts(
    frame: nw.LazyFrame[Any], measure: Measure, *, bins: int, n_customers: int, best_is_low: bool = False
) -> Cuts:
    """Cut points from the observed values (Hyndman and Fan 1996, type 1).

    Cut k is the smallest observed value with at least k/bins of the customers at or below it,
    compared in whole numbers. Values equal to a cut fall below it, so equal values get equal
    scores. When all are equal they share the lowest band: score 1, or for days since the last
    purchase the best score, because all are as recent as the most recent.

    Args:
        frame: One row per customer.
        measure: Column to cut.
        bins: Number of scores, 2 or more.
        n_customers: Rows of ``frame``.
        best_is_low: Whether low values get high scores.

    Raises:
        TooFewError: There are fewer customers than scores.
    """
    check_bins(bins)
    if n_customers < bins:
        raise TooFewError(
            "customers", found=n_customers, needed=bins, remedy="look at a longer window, or use fewer scores"
        )
    counts = frame.group_by(measure).agg(nw.len().alias("n"))
    # The running total of a tie-free list of values: no window over all customers.
    counts = counts.with_columns(at_or_below=nw.col("n").cast(nw.Int64).cum_sum().over(order_by=measure))
    enough = [nw.col("at_or_below") * bins >= k * n_customers for k in range(1, bins)]
    found = counts.select(
        *[nw.when(mask).then(nw.col(measure)).min().alias(f"cut_{k}") for k, mask in enumerate(enough, 1)],
        lowest=nw.col(measure).min(),
        highest=nw.col(measure).max(),
    )
    *points, lowest, highest = to_pandas(found).iloc[0].tolist()
    return Cuts(measure, tuple(points), best_is_low, lowest=lowest, highest=highest)


def fixed_cuts(
    *, recency_days: Sequence[float], frequency: Sequence[float], monetary: Sequence[float]
) -> RfmCuts:
    """Cuts from thresholds a client has set.

    Args:
        recency_days: Ascending days: at most the first gets the best score.
        frequency: Ascending counts: at least the last gets the best score.
        monetary: Ascending money: at least the last gets the best score.

    Raises:
        ConfigError: The lists differ in length, are empty or do not rise.

    Examples:
        >>> cuts = fixed_cuts(recency_days=[30, 90], frequency=[2, 5], monetary=[5000, 20000])
        >>> cuts.bins, cuts.recency.unreachable
        (3, ())
    """
    given = {"recency_days": recency_days, "frequency": frequency, "monetary": monetary}
    for name, points in given.items():
        if not points or any(b <= a for a, b in itertools.pairwise(points)):
            raise ConfigError(f"thresholds of {name} are {list(points)}; give at least one, rising")
        if len(points) != len(recency_days):
            raise ConfigError(
                f"thresholds of {name} make {len(points) + 1} scores, of recency_days "
                f"{len(recency_days) + 1}; give equally many"
            )
    return RfmCuts(
        Cuts("recency_days", tuple(recency_days), best_is_low=True, origin="fixed"),
        Cuts("frequency", tuple(frequency), equal_goes="above", origin="fixed"),
        Cuts("monetary", tuple(monetary), equal_goes="above", origin="fixed"),
    )


def check_bins(bins: int) -> None:
    """Refuse a number of scores that makes no sense."""
    if not isinstance(bins, int) or not 2 <= bins <= 10:
        raise ConfigError(f"bins is {bins!r}; give a whole number from 2 to 10")
