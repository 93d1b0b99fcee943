"""CSV files as spreadsheets open them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

BOM = "\ufeff"
"""Without it Excel reads Japanese as cp932; every CSV reader worth the name skips it."""


def write_rows(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Write rows, the header first; fields are safe already, see :func:`.cells.csv_text`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(BOM)
        csv.writer(file, lineterminator="\r\n").writerows(rows)
