"""Sums of money that do not depend on the order of lines or on the number of threads."""

from __future__ import annotations

from decimal import Decimal

import polars as pl

_PARTS = 10_000
"""Money is summed in ten-thousandths: exact for every currency, and for prices with four decimals."""


def parts(column: str = "revenue") -> pl.Expr:
    """The column in whole ten-thousandths; sums of it are exact."""
    return (pl.col(column) * _PARTS).round(0).cast(pl.Int128).sum()


def exact_sum(frame: pl.DataFrame, column: str = "revenue") -> Decimal:
    """Sum of a money column.

    Examples:
        >>> exact_sum(pl.DataFrame({"revenue": [0.1] * 3}))
        Decimal('0.3')
    """
    total = int(frame.select(parts(column)).item() or 0) if frame.height else 0
    whole, rest = divmod(total, _PARTS)
    return Decimal(total).scaleb(-4).normalize() if rest else Decimal(whole)


def to_float(total: int | None) -> float:
    """Ten-thousandths as a float."""
    return (total or 0) / _PARTS
