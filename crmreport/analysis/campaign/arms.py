"""Arms of a test as sufficient statistics: all that effects need, in one pass over the customers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import pandas as pd
from narwhals.typing import IntoFrame

from crmreport.analysis.ledger import to_pandas
from crmreport.errors import ConfigError, DataError

CAPPED = ".capped"


@dataclass(frozen=True, slots=True)
class ArmStatistics:
    """Customers of one arm (or clusters of them), told by their moments.

    Attributes:
        n: Units in the arm.
        means: Mean by column.
        variances: Sample variance by column (ddof 1); nan for a single unit.
        covariances: Sample covariance by pair of columns (ddof 1), for the pairs asked for.
    """

    n: int
    means: Mapping[str, float]
    variances: Mapping[str, float]
    covariances: Mapping[tuple[str, str], float]

    def total(self, column: str) -> float:
        """Sum of a column over the arm."""
        return self.n * self.means[column]

    def covariance(self, one: str, other: str) -> float:
        """Sample covariance of two columns, in either order."""
        if one == other:
            return self.variances[one]
        found = self.covariances.get((one, other))
        return self.covariances[other, one] if found is None else found


def arm_statistics(
    customers: IntoFrame,
    *,
    columns: Sequence[str],
    arm: str = "arm",
    pairs: Sequence[tuple[str, str]] = (),
    caps: Mapping[str, float] | None = None,
) -> dict[str, ArmStatistics]:
    """Size, means, variances and covariances by arm, in one lazy pass.

    Variances are computed by the engine from deviations, not from a difference of two large sums;
    covariances as (Var(a + b) − Var(a − b)) ÷ 4.

    Args:
        customers: One row per customer as assigned, whoever opened or bought (intention to treat);
            0 where a customer did nothing.
        columns: Numbers or true/false.
        arm: Column that names the arm.
        pairs: Pairs of columns whose covariance is needed.
        caps: Upper bound by column; adds ``<column>.capped``, the column winsorised there.

    Returns:
        Statistics by arm, in the order of the arms' names.

    Raises:
        ConfigError: A column is missing or is not a number.
        DataError: There is no customer, or a customer has no arm or lacks a value.

    Examples:
        >>> sent = pd.DataFrame({"arm": ["mail", "mail", "none", "none"], "revenue": [5.0, 7.0, 0.0, 4.0]})
        >>> found = arm_statistics(sent, columns=["revenue"])
        >>> found["mail"].n, found["mail"].means["revenue"], found["none"].variances["revenue"]
        (2, 6.0, 8.0)
    """
    plan = _Plan.of(customers, columns=columns, keys=(arm,), pairs=pairs, caps=caps or {})
    return {str(key): found for (key,), found in plan.run().items()}


def arm_statistics_by(
    customers: IntoFrame,
    *,
    columns: Sequence[str],
    by: str,
    arm: str = "arm",
    pairs: Sequence[tuple[str, str]] = (),
    caps: Mapping[str, float] | None = None,
) -> dict[str, dict[str, ArmStatistics]]:
    """:func:`arm_statistics` within each value of the column ``by``, still in one pass.

    Returns:
        Statistics by value of ``by``, then by arm; an arm nobody of a segment is in is missing there.

    Examples:
        >>> sent = pd.DataFrame({"arm": ["mail", "none", "mail"], "rank": ["gold", "gold", "silver"],
        ...                      "revenue": [5.0, 7.0, 1.0]})
        >>> found = arm_statistics_by(sent, columns=["revenue"], by="rank")
        >>> sorted(found), sorted(found["silver"])
        (['gold', 'silver'], ['mail'])
    """
    plan = _Plan.of(customers, columns=columns, keys=(by, arm), pairs=pairs, caps=caps or {})
    segments: dict[str, dict[str, ArmStatistics]] = {}
    for (segment, name), found in plan.run().items():
        segments.setdefault(str(segment), {})[str(name)] = found
    return segments


def cluster_totals(
    customers: IntoFrame, *, columns: Sequence[str], cluster: str, arm: str = "arm"
) -> nw.LazyFrame[Any]:
    """One row per cluster: its arm, the sums of the columns and ``customers``, its number of rows.

    Raises:
        DataError: A cluster has customers in more than one arm, so it was not the unit assigned.
    """
    frame = _numbers(customers, columns, keys=(arm, cluster))
    totals = frame.group_by(cluster, arm).agg(
        nw.len().alias("customers"), *[nw.col(c).sum() for c in columns]
    )
    torn = totals.group_by(cluster).agg(nw.len().alias("arms")).filter(nw.col("arms") > 1)
    n_torn = int(to_pandas(torn.select(n=nw.len()))["n"].iloc[0])
    if n_torn:
        raise DataError(
            f"{n_torn} values of {cluster!r} have customers in more than one arm; "
            "name the column the arms were drawn by"
        )
    return totals


def upper_caps(customers: IntoFrame, *, quantiles: Mapping[str, float]) -> dict[str, float]:
    """Values at quantiles of all arms together, to winsorise by.

    One cap for all arms: a cap per arm would remove part of the effect. Quantiles are linear
    between observed values (Hyndman and Fan 1996, type 7).

    Args:
        customers: One row per customer.
        quantiles: Quantile by column, above 0.5 and below 1.

    Raises:
        ConfigError: A quantile is out of bounds.

    Examples:
        >>> upper_caps(pd.DataFrame({"revenue": [0.0, 10.0, 20.0, 1000.0]}), quantiles={"revenue": 0.75})
        {'revenue': 265.0}
    """
    for column, quantile in quantiles.items():
        if not 0.5 < quantile < 1:
            raise ConfigError(f"the cap of {column!r} is {quantile}; give a quantile above 0.5 and below 1")
    if not quantiles:
        return {}
    frame = _numbers(customers, list(quantiles), keys=())
    found = to_pandas(
        frame.select(*[nw.col(c).quantile(q, interpolation="linear") for c, q in quantiles.items()])
    )
    return {column: float(found[column].iloc[0]) for column in quantiles}


@dataclass(frozen=True, slots=True)
class _Plan:
    frame: nw.LazyFrame[Any]
    keys: tuple[str, ...]
    columns: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def of(
        cls,
        customers: IntoFrame,
        *,
        columns: Sequence[str],
        keys: tuple[str, ...],
        pairs: Sequence[tuple[str, str]],
        caps: Mapping[str, float],
    ) -> _Plan:
        wanted = list(dict.fromkeys([*columns, *caps, *(c for pair in pairs for c in pair)]))
        frame = _numbers(customers, [c for c in wanted if not c.endswith(CAPPED)], keys=keys)
        capped = {
            c + CAPPED: nw.when(nw.col(c) > cap).then(nw.lit(float(cap))).otherwise(nw.col(c))
            for c, cap in caps.items()
        }
        frame = frame.with_columns(nw.all(), **capped)
        names = tuple(dict.fromkeys([*wanted, *(c + CAPPED for c in caps)]))
        return cls(frame, keys, names, tuple(dict.fromkeys(pairs)))

    def run(self) -> dict[tuple[Any, ...], ArmStatistics]:
        sums = {
            f"{sign}{i}": nw.col(a) + nw.col(b) if sign == "plus" else nw.col(a) - nw.col(b)
            for i, (a, b) in enumerate(self.pairs)
            for sign in ("plus", "minus")
        }
        table = to_pandas(
            self.frame.with_columns(nw.all(), **sums)
            .group_by(*self.keys)
            .agg(
                nw.len().alias("units"),
                *[nw.col(c).count().alias(f"count {c}") for c in self.columns],
                *[nw.col(c).mean().alias(f"mean {c}") for c in self.columns],
                *[nw.col(c).var(ddof=1).alias(f"var {c}") for c in (*self.columns, *sums)],
            ),
            sort_by=list(self.keys),
        )
        self._check(table)
        return {
            tuple(row[k] for k in self.keys): ArmStatistics(
                int(row["units"]),
                {c: _settled(row[f"mean {c}"]) for c in self.columns},
                {c: _settled(row[f"var {c}"]) for c in self.columns},
                {
                    pair: (_settled(row[f"var plus{i}"]) - _settled(row[f"var minus{i}"])) / 4
                    for i, pair in enumerate(self.pairs)
                },
            )
            for row in table.to_dict("records")
        }

    def _check(self, table: pd.DataFrame) -> None:
        if table.empty:
            raise DataError("there are no customers to compare; check the campaign's id and its window")
        for key in self.keys:
            if n := int(table.loc[table[key].isna(), "units"].sum()):
                raise DataError(f"{n} customers have no value in {key!r}; fill it, or leave them out")
        for column in self.columns:
            if n := int((table["units"] - table[f"count {column}"]).sum()):
                raise DataError(
                    f"{n} customers have no value in {column!r}; fill 0 for those who did nothing"
                )
            if not all(map(math.isfinite, table[f"mean {column}"])):
                raise DataError(f"{column!r} holds values that are no numbers (nan or infinite); mend them")


def _settled(value: float) -> float:
    # Engines add in their own order, DuckDB in another one every time: the last digits are no result.
    return float(f"{value:.12g}")


def _numbers(customers: IntoFrame, columns: Sequence[str], *, keys: tuple[str, ...]) -> nw.LazyFrame[Any]:
    """The columns asked for, as floats, beside the keys."""
    frame = nw.from_native(customers).lazy()
    schema = frame.collect_schema()
    if missing := [name for name in (*keys, *columns) if name not in schema]:
        raise ConfigError(f"customers lack the column {missing[0]!r}; they have {', '.join(schema)}")
    for name in columns:
        if not (schema[name].is_numeric() or schema[name] == nw.Boolean):
            raise ConfigError(f"column {name!r} is {schema[name]}; give numbers or true/false")
    return frame.select(*keys, *[nw.col(c).cast(nw.Float64) for c in columns])
