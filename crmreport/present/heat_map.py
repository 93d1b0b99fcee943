"""A matrix as coloured fields with their numbers on them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crmreport.present.style import Style
from crmreport.present.words import Words


def draw_heat_map(
    ax: Any, wide: pd.DataFrame, words: Words, style: Style, *, spec: str, top: float | None = None
) -> None:
    """Draw a matrix: blank stays white and empty, a number gets ink that is legible on its field.

    Args:
        ax: Where to draw; ticks are the caller's.
        wide: The matrix, rows from top to bottom.
        words: Language of the numbers.
        style: Colours.
        spec: How a number is written.
        top: Value of the darkest colour; the largest of the matrix when not given.
    """
    values = wide.to_numpy(dtype=float)
    peak = max(float(np.nanmax(values, initial=0.0)), 1e-12) if top is None else top
    shades = style.sequential
    ax.imshow(np.ma.masked_invalid(values), cmap=shades, vmin=0, vmax=peak, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        if np.isnan(value):
            continue
        ink = style.ink_on(shades(value / peak)) if value else style.greys[1]
        # Inside its field: measuring it for the margins would take as long as drawing it.
        ax.text(column, row, words.format(value, spec), ha="center", va="center", color=ink, in_layout=False)
    ax.spines[:].set_visible(False)
