"""The faults real deliveries have, put in on purpose and in known numbers."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from crmreport.demo.calendar import day_of
from crmreport.demo.places import TRAINING_REGISTER
from crmreport.demo.seeds import stream

_BROKEN_PER_LINE = 0.0005
_SOUND_FROM = day_of(date(2026, 8, 1))
"""No broken lines from here on, so that the books' totals of the last months can be met."""

_FULL_WIDTH = str.maketrans("0123456789-", "０１２３４５６７８９－")


def full_width(text: pd.Series, hit: np.ndarray) -> pd.Series:
    """Write digits in full width where ``hit``."""
    return text.mask(hit, text.str.translate(_FULL_WIDTH))


def break_lines(seed: int, table: pd.DataFrame, day: np.ndarray) -> pd.DataFrame:
    """Make a few sales lines unreadable: a date, an amount, a quantity.

    Args:
        seed: Seed of the shop.
        table: The sales file's text columns.
        day: Day of each line.
    """
    rng = stream(seed, "broken_lines")
    early = np.flatnonzero(day < _SOUND_FROM)
    rows = np.sort(rng.choice(early, size=max(round(len(table) * _BROKEN_PER_LINE), 3), replace=False))
    broken = table.copy()
    for number, row in enumerate(rows):
        column, values = (
            ("購入日時", ("2024/13/45 10:20", "不明", "2025/02/30 25:61")),
            ("金額（税込）", ("", "", "")),
            ("数量", ("二個", "若干", "1ケース")),
        )[number % 3]
        broken.iloc[row, broken.columns.get_loc(column)] = values[number // 3 % 3]  # pyright: ignore
    return broken


def training_lines(seed: int, table: pd.DataFrame, day: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
    """Lines rung up at the training register: to be left out by a named rule."""
    rng = stream(seed, "training_lines")
    count = max(len(table) // 3000, 2)
    store = np.flatnonzero((table["チャネル"] == "店舗") & (table["返品区分"] == "0"))
    rows = np.sort(rng.choice(store, size=count, replace=False))
    fake = table.iloc[rows].copy()
    fake["会員番号"] = ""
    fake["店舗コード"] = TRAINING_REGISTER
    fake["伝票番号"] = "T" + fake["伝票番号"]
    return fake, day[rows]
