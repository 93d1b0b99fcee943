"""``crmreport index``: the page of all reports, made anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crmreport.cli import main
from tests.produce.shelves import write_report


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "clients").mkdir()
    write_report(tmp_path, "shop", "2026-10")
    monkeypatch.setenv("CRMREPORT_HOME", str(tmp_path))
    return tmp_path


def test_the_page_is_there_and_said_where(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = home / "reports" / "index.html"
    assert main(["index"]) == 0
    assert capsys.readouterr().out == f"Open {page} in a browser.\n"
    assert "shop商店" in page.read_text(encoding="utf-8")


def test_json_names_the_page(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["index", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"index": str(home / "reports" / "index.html")}


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["index", "--help"]) == 0
    assert "Example:\n    crmreport index" in capsys.readouterr().out


def test_outside_a_project_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CRMREPORT_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    assert main(["index"]) == 2
    assert "no clients/ folder" in capsys.readouterr().err
