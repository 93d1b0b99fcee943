"""``crmreport diff`` as a shell sees it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from crmreport.cli import main
from tests.produce.chapters import table, write_shop
from tests.produce.published import ITEMS, publish_shop

MORE = {**ITEMS, "sales": [table("sales.kpi", "kpi,spec,value\nrevenue,money,3600\norders,count,2\n")]}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with the reports of two months, and a copy of the second."""
    root = write_shop(tmp_path / "home")
    publish_shop(root, "2026-09")
    october = publish_shop(root, "2026-10", items=MORE, kpis={"revenue": 3600.0})
    shutil.copytree(october, root / "saved")
    monkeypatch.setenv("CRMREPORT_HOME", str(root))
    monkeypatch.chdir(root)
    return root


def test_two_periods_of_a_client(home, capsys):
    assert main(["diff", "--client", "shop", "2026-09", "2026-10"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Hanada Shop: September 2026 and October 2026",
        "1 key figure, 0 findings and 1 table differ.",
        "",
        "Why",
        "  period: 2026-09 → 2026-10",
        "",
        "Key figures",
        "           before  after  change",
        "  Revenue   3,000  3,600  +20.0%",
        "",
        "Tables",
        "  sales.kpi [sales.kpi]: 1 value; moved by up to 18.2%",
        "                    before  after  change",
        "    revenue  VALUE   3,000  3,600  +20.0%",
    ]


def test_in_japanese(home, capsys):
    assert main(["diff", "-c", "shop", "2026-09", "2026-10", "--lang", "ja"]) == 0
    printed = capsys.readouterr().out
    assert "花田商店：2026年9月 と 2026年10月" in printed
    assert "対象期間：2026-09 → 2026-10" in printed


def test_equal_reports(home, capsys):
    assert main(["diff", "saved", "reports/shop/2026-10", "--exit-code"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "The two reports are the same, but for when and how fast they were made."
    ]


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["text", "json"])
def test_exit_code_as_git_has_it(home, more):
    words = ["diff", "-c", "shop", "2026-09", "2026-10", *more]
    assert main(words) == 0
    assert main([*words, "--exit-code"]) == 1


def test_json_holds_everything(home, capsys):
    assert main(["diff", "-c", "shop", "2026-09", "2026-10", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["same"], said["same_numbers"]) == (False, False)
    assert said["before"]["period"] == "2026-09"
    assert said["causes"][0]["text"] == "period: 2026-09 → 2026-10"
    assert said["kpis"] == [{"id": "revenue", "spec": "money", "before": 3000.0, "after": 3600.0}]
    (cell,) = said["tables"][0]["cells"]
    assert (cell["row"], cell["column"], cell["before"], cell["after"]) == (
        ["revenue"],
        "value",
        "3000",
        "3600",
    )


@pytest.mark.parametrize(("words", "lang"), [([], "ja"), (["--lang", "en"], "en")], ids=["its own", "asked"])
def test_a_page(home, capsys, words, lang):
    assert main(["diff", "-c", "shop", "2026-09", "2026-10", "--html", "d.html", *words]) == 0
    assert capsys.readouterr().out == ""
    page = (home / "d.html").read_text(encoding="utf-8")
    assert f'<html lang="{lang}">' in page
    assert "3,600" in page


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        pytest.param(["2026-09", "2026-10"], 4, "there is no report", id="periods without a client"),
        pytest.param(["-c", "shop", "2026-08", "2026-10"], 4, "there is no report", id="a month never made"),
        pytest.param(["-c", "shop", "August", "2026-10"], 2, "is not a period", id="no period"),
        pytest.param(["-c", "shp", "2026-09", "2026-10"], 2, "did you mean 'shop'?", id="no client"),
        pytest.param(["-c", "../x", "2026-09", "2026-10"], 2, "not a safe name", id="a client with a slash"),
        pytest.param(["saved", "saved", "-l", "fr"], 2, "not one of ja, en", id="no language"),
        pytest.param(["saved", "saved", "--html", "no/d.html"], 4, "cannot be written", id="no folder"),
        pytest.param(["saved"], 2, "Missing argument", id="one report"),
    ],
)
def test_what_cannot_be_done_is_one_line(home, capsys, words, code, message):
    assert main(["diff", *words]) == code
    printed = capsys.readouterr()
    assert message in printed.err
    assert len(printed.err.splitlines()) == 1
