"""``crmreport verify`` as a shell sees it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from crmreport.cli import main
from tests.produce.chapters import write_shop
from tests.produce.published import publish_shop


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace of one client with the reports of two months."""
    root = write_shop(tmp_path / "home")
    for period in ("2026-09", "2026-10"):
        publish_shop(root, period)
    monkeypatch.setenv("CRMREPORT_HOME", str(root))
    return root


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        pytest.param(["-c", "shop", "-p", "2026-10"], ["shop/2026-10"], id="one period"),
        pytest.param(["-c", "shop"], ["shop/2026-09", "shop/2026-10"], id="one client"),
        pytest.param(["--all"], ["shop/2026-09", "shop/2026-10"], id="all"),
        pytest.param(["--all", "-p", "2026-09"], ["shop/2026-09"], id="all clients, one period"),
    ],
)
def test_reports_as_published(home, capsys, words, lines):
    assert main(["verify", *words]) == 0
    assert capsys.readouterr().out.splitlines() == [f"{name}: 7 files as recorded" for name in lines]


def test_a_folder_is_verified_wherever_it_lies(home, capsys, tmp_path, monkeypatch):
    copy = shutil.copytree(home / "reports" / "shop" / "2026-10", tmp_path / "sent" / "report")
    monkeypatch.delenv("CRMREPORT_HOME")
    monkeypatch.chdir(tmp_path)
    assert main(["verify", str(copy)]) == 0
    assert capsys.readouterr().out == "sent/report: 7 files as recorded\n"


def test_one_line_per_problem_and_exit_code_4(home, capsys):
    folder = home / "reports" / "shop" / "2026-10"
    (folder / "tables" / "sales.kpi.csv").unlink()
    (folder / "mine.txt").touch()
    assert main(["verify", "--all"]) == 4
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "shop/2026-09: 7 files as recorded",
        "shop/2026-10: tables/sales.kpi.csv: is missing",
        "shop/2026-10: mine.txt: is not in run.json",
    ]
    assert printed.err == ""


def test_what_a_desktop_leaves_is_told(home, capsys):
    (home / "reports" / "shop" / "2026-10" / ".DS_Store").touch()
    assert main(["verify", "-c", "shop", "-p", "2026-10"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "shop/2026-10: .DS_Store: is not part of the report, and is not delivered",
        "shop/2026-10: 7 files as recorded",
    ]


def test_other_data_is_told_and_fails_only_when_asked(home, capsys):
    data = home / "clients" / "shop" / "data" / "orders.csv"
    data.write_text(data.read_text(encoding="utf-8").replace("1000", "1001"), encoding="utf-8")
    words = ["verify", "-c", "shop", "-p", "2026-10"]
    assert main(words) == 0
    assert capsys.readouterr().out.splitlines() == [
        "shop/2026-10: made from other data: data/orders.csv: has changed since this report was made",
        "shop/2026-10: 7 files as recorded",
    ]
    assert main([*words, "--inputs"]) == 4
    assert main([*words, "--inputs", "--json"]) == 4


def test_json(home, capsys):
    (home / "reports" / "shop" / "2026-09" / "index.html").touch()
    assert main(["verify", "-c", "shop", "--json"]) == 4
    said = json.loads(capsys.readouterr().out)
    assert said["ok"] is False
    assert [(r["period"], r["ok"], r["files"]) for r in said["reports"]] == [
        ("2026-09", False, 7),
        ("2026-10", True, 7),
    ]
    assert said["reports"][0]["problems"] == [{"path": "index.html", "what": "is not in run.json"}]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param([], "which reports?", id="nothing named"),
        pytest.param(["--all", "-c", "shop"], "which reports?", id="all and one"),
        pytest.param(["-c", "../shop"], "is not a safe name", id="a client with a slash"),
        pytest.param(["-c", "shop", "-p", "October"], "is not a period", id="no such period"),
        pytest.param(["-c", "rival"], "there is no such client", id="a client nobody knows"),
        pytest.param(["reports/x", "-p", "2026-10"], "leave out --period", id="folder and period"),
    ],
)
def test_what_cannot_be_done_is_exit_code_2(home, capsys, words, message):
    assert main(["verify", *words]) == 2
    assert message in capsys.readouterr().err


def test_a_report_that_was_never_made_is_a_problem(home, capsys):
    assert main(["verify", "-c", "shop", "-p", "2026-08"]) == 4
    assert "there is no report in" in capsys.readouterr().out
