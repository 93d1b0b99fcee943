"""What every test may ask for: engines for frames, public data sets, and what is dear and made but once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from filelock import FileLock

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

Engine = Callable[[pd.DataFrame], Any]
Once = Callable[[str, Callable[[Path], object]], Path]

# Whole files of tests go to one process each; those that take minutes begin first, so that no core
# waits for the last of them at the end.
LONGEST_FIRST = (
    "end_to_end/test_browser.py",
    "produce/faults/test_night.py",
    "end_to_end/test_demo_report.py",
    "produce/faults/",
    "produce/test_run.py",
    "produce/test_reproduce.py",
    "cli/test_schedule.py",
    "databases/test_runs.py",
    "produce/",
    "end_to_end/",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first."""

    def place(item: pytest.Item) -> int:
        name = item.nodeid.removeprefix("tests/")
        return next((n for n, head in enumerate(LONGEST_FIRST) if name.startswith(head)), len(LONGEST_FIRST))

    items.sort(key=place)


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


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """A folder under a name, filled the first time it is asked for, by whichever process of the test run.

    Nobody may change what is in it.
    """
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent

    def made(name: str, fill: Callable[[Path], object]) -> Path:
        folder, done = base / name, base / f"{name}.done"
        with FileLock(base / f"{name}.lock"):
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                fill(folder)
                done.touch()
        return folder

    return made


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
