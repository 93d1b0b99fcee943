"""``crmreport demo``: its files are written when they are not all there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from crmreport.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
WOULD_WRITE = "would write the files of demo"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The demo client with a file of every pattern in client.yml; nothing is read from them here."""
    folder = tmp_path / "clients" / "demo"
    (folder / "data").mkdir(parents=True)
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    for name in ("client.yml", "logo.svg"):
        shutil.copy(ROOT / "clients" / "demo" / name, folder)
    monkeypatch.setenv("CRMREPORT_HOME", str(tmp_path))
    return folder / "data"


def test_an_older_shops_files_are_not_taken_for_all(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "売上明細_2026年度.csv").touch()
    main(["demo", "--dry-run"])
    assert WOULD_WRITE in capsys.readouterr().err


def test_files_that_are_all_there_are_left_alone(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (
        "売上明細_1.csv",
        "会員マスタ_1.csv",
        "商品マスタ.xlsx",
        "配信履歴_1.csv",
        "Webイベント_1.csv",
    ):
        (shop / name).touch()
    main(["demo", "--dry-run"])
    assert WOULD_WRITE not in capsys.readouterr().err
