"""What every test may ask for: the engines a frame can live on, and the public data sets beside the repo."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

Engine = Callable[[pd.DataFrame], Any]


@pytest.fixture(params=["pandas", "polars", "duckdb"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A function that puts a pandas frame onto the engine under test."""
    if request.param == "pandas":
        yield lambda frame: frame
    elif request.param == "polars":
        yield lambda frame: pl.from_arrow(_arrow(frame)).lazy()  # type: ignore[union-attr]
    else:
        with duckdb.connect() as connection:
            yield lambda frame: connection.from_arrow(_arrow(frame))


@pytest.fixture
def shared_data() -> Path:
    """Folder of public data sets with known results; tests that need it are marked ``real``."""
    if not (SHARED / "data").is_dir():
        pytest.skip("the public data sets are not beside this repository")
    return SHARED


def _arrow(frame: pd.DataFrame) -> pa.Table:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    for index, field in enumerate(table.schema):
        if field.name.endswith("_date") and pa.types.is_timestamp(field.type):
            table = table.set_column(index, field.name, table.column(index).cast(pa.date32()))
    return table
