"""The log of sendings as the shop's mailing tool exports it: cp932 CSV, one file a month."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from crmreport.demo.calendar import START
from crmreport.demo.orders import Books

_TIMES = {
    "配信日時": "sent",
    "到達日時": "delivered",
    "開封日時": "opened",
    "クリック日時": "clicked",
    "配信停止日時": "unsubscribed",
}
_FLAGS = {"不達": "bounced", "機械開封": "machine"}


def write_sends(folder: Path, books: Books) -> list[Path]:
    """Write 配信履歴_<year>年<month>月.csv, a file for each month with sendings."""
    sends = books.sends
    table = pd.DataFrame(
        {
            "キャンペーンコード": sends["campaign"],
            "会員番号": books.members["member_id"].to_numpy()[sends["member"]],
            "群": sends["arm"],
            "ステップ": sends["step"].astype(str),
            **{header: clock_text(sends[column].to_numpy()) for header, column in _TIMES.items()},
            **{header: np.where(sends[column], "1", "0") for header, column in _FLAGS.items()},
        }
    )
    return write_months(folder, table, table["配信日時"], name="配信履歴_{year}年{month}月.csv")


def clock_text(seconds: np.ndarray) -> np.ndarray:
    """Times as 2026/08/03 11:00:00; empty where there is none."""
    blank = np.isnan(seconds)
    whole = np.where(blank, 0, seconds).astype("timedelta64[s]")
    text = np.datetime_as_string(np.datetime64(START, "s") + whole, unit="s")
    text = np.char.replace(np.char.replace(text, "-", "/"), "T", " ")
    return np.where(blank, "", text)


def write_months(folder: Path, table: pd.DataFrame, at: pd.Series, *, name: str) -> list[Path]:
    """Write a table as one cp932 file a month."""
    paths = []
    for month, part in table.groupby(at.str[:7], sort=True):
        year, number = str(month).split("/")
        path = folder / name.format(year=year, month=int(number))
        text = part.to_csv(index=False, lineterminator="\r\n")
        path.write_bytes(text.encode("cp932"))
        paths.append(path)
    return paths
