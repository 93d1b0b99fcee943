"""Intervals on a line: dot, bounds, and what they are in words at the right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crmreport.present.style import Style


@dataclass(frozen=True, slots=True)
class Row:
    """One interval.

    Args:
        name: What stands at its left.
        value: The estimate.
        lower: Its lower bound; nan where none may be drawn.
        upper: Its upper bound.
        said: What stands at its right.
        strong: Drawn in the accent colour: the row the message is about.
        beside: Another estimate of the same, drawn lightly; nan for none.
    """

    name: str
    value: float
    lower: float
    upper: float
    said: str
    strong: bool = False
    beside: float = math.nan


def draw_intervals(
    ax: Any, rows: Sequence[Row], style: Style, *, own_scales: bool = False, marks: Sequence[float] = ()
) -> None:
    """Draw rows from top to bottom around a line at 0.

    Args:
        ax: Where to draw.
        rows: The intervals.
        style: Colours.
        own_scales: Rows have units of their own: each reaches as far as its own bounds, 0 is common.
        marks: Further values the axis must hold.
    """
    reach = max([*map(_reach, rows), *map(abs, marks)], default=0.0) or 1.0
    for place, row in enumerate(rows):
        scale = (_reach(row) or 1.0) if own_scales else 1.0
        colour = style.accent if row.strong else style.greys[0]
        if math.isfinite(row.lower):
            ax.hlines(place, row.lower / scale, row.upper / scale, color=colour, linewidth=1.8)
        if math.isfinite(row.beside):
            ax.plot(
                row.beside / scale, place, "o", markersize=4.5, markerfacecolor="none",
                markeredgecolor=style.greys[2], markeredgewidth=1.0,
            )  # fmt: skip
        if math.isfinite(row.value):
            ax.plot(row.value / scale, place, "o", color=colour, markersize=5.5)
        ax.annotate(
            row.said, (1.02, place), xycoords=("axes fraction", "data"), va="center",
            color=style.accent if row.strong else style.ink,
            fontweight="bold" if row.strong else "normal",
        )  # fmt: skip
    ax.axvline(0, color=style.ink, linewidth=0.8, zorder=0)
    ax.set_yticks(range(len(rows)), [row.name for row in rows])
    ax.set_ylim(len(rows) - 0.5, -0.5)
    limit = 1.08 if own_scales else reach * 1.08
    ax.set_xlim(-limit, limit)
    ax.spines["left"].set_visible(False)
    if own_scales:
        ax.set_xticks([])
        ax.spines["bottom"].set_visible(False)


def _reach(row: Row) -> float:
    known = [abs(v) for v in (row.value, row.lower, row.upper, row.beside) if math.isfinite(v)]
    return max(known, default=0.0)


def height(rows: int) -> float:
    """Inches a chart of so many intervals takes."""
    return 0.6 + 0.24 * max(rows, 2)
