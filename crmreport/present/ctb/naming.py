"""How the chapter writes values, cells, units and what was compared."""

from __future__ import annotations

from typing import Any

import pandas as pd

from crmreport.analysis.ctb_cells import CtbCells
from crmreport.analysis.ledger import PurchaseUnit
from crmreport.analysis.observed import ObservedDays
from crmreport.present import Text, Words
from crmreport.present.words import CELL

_NARROWER = {"ja": 0, "en": 4}


def comparison(observed: ObservedDays, *, previous: bool) -> str:
    """Which of the chapter's notes on growth holds: ``compared``, ``preliminary`` or ``alone``."""
    if observed.is_preliminary:
        return "preliminary"
    return "compared" if previous else "alone"


def unit_text(unit: PurchaseUnit) -> Text:
    """What one purchase is."""
    return Text(f"unit.{unit}")


def first_row(table: pd.DataFrame) -> pd.Series | None:
    """The first row; None when there is none."""
    return None if table.empty else table.iloc[0]


def cell_name(row: Any, cells: CtbCells) -> str:
    """The values of a cell, as a name."""
    return CELL.join(str(row[axis]) for axis in cells.axes)


def short(value: Any, words: Words, length: int = 14) -> str:
    """A value that fits an axis of a chart; ``length`` counts Japanese letters, Latin ones are narrower."""
    text = words.format(value, "name:special", area="ctb")
    length += _NARROWER[words.lang]
    return text if len(text) <= length else text[: length - 1] + "…"
