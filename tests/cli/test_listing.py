"""``crmreport list --due``: what a night would make."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crmreport.cli import clock, main
from crmreport.produce.attempts import Attempt, write_attempt
from crmreport.workspace import Workspace
from tests.cli.nightly import write_client, write_home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CRMREPORT_HOME", str(tmp_path))
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 10, 31, 20, 0, tzinfo=UTC))
    return write_home(tmp_path)


def due(capsys: pytest.CaptureFixture[str], code: int = 0) -> dict:
    assert main(["list", "--due", "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_each_client_is_seen_in_its_own_time_zone(home, capsys):
    write_client(home, "york", days_ago=0, zone="America/New_York")
    listed = due(capsys)
    assert listed["now"] == "2026-10-31T20:00:00+00:00"
    assert [(d["client"], d["period"], d["report"], d["due_since"], d["last"]) for d in listed["due"]] == [
        ("late", "2026-10", "monthly", "2026-11-01", None),
        ("shop", "2026-10", "monthly", "2026-11-01", None),
        ("york", "2026-09", "monthly", "2026-10-01", None),
    ]


def test_a_published_report_is_not_due_and_a_failed_one_says_why(home, capsys):
    record = {"client": "shop", "period": "2026-10", "report": "monthly", "status": "complete"}
    path = home / "reports" / "shop" / "2026-10-monthly" / "run.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({**record, "languages": ["en"]}), encoding="utf-8")
    tried = Attempt(
        client="late",
        period="2026-10",
        report="monthly",
        languages=("en",),
        status="failed",
        exit_code=4,
        error="sales: no sales",
        started_at="2026-10-31T15:00:00+00:00",
        seconds=1.0,
        key="",
        folder="late/2026-10-monthly",
    )
    write_attempt(Workspace(home), tried)
    (listed,) = due(capsys)["due"]
    assert listed["client"] == "late"
    assert listed["last"]["error"] == "sales: no sales"
    assert main(["list", "--due"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "client  month    report   due since   last try",
        "late    2026-10  monthly  2026-11-01  failed 2026-10-31: sales: no sales",
    ]


def test_who_is_left_out_and_who_cannot_be_read(home, capsys):
    for client in ("gone", "broken", "apart"):
        write_client(home, client, days_ago=0)
    (home / "clients" / "gone" / "data" / "orders.csv").unlink()
    (home / "clients" / "broken" / "client.yml").write_text("client: broken\n", encoding="utf-8")
    settings = home / "clients" / "apart" / "client.yml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("[monthly]", "[]"), encoding="utf-8")
    listed = due(capsys, code=2)
    assert {d["client"] for d in listed["due"]} == {"late", "shop"}
    assert {s["client"]: s["reason"] for s in listed["skipped"]} == {
        "apart": "schedule.reports in client.yml is empty",
        "gone": "none of its files is here; put them into clients/gone/data/",
    }
    assert [u["client"] for u in listed["unusable"]] == ["broken"]
    assert main(["list", "--due"]) == 2
    printed = capsys.readouterr()
    assert [line.split()[0] for line in printed.out.splitlines()] == [
        "client",
        "late",
        "shop",
        "left",
        "left",
    ]
    assert printed.err.startswith("error: broken: clients/broken/client.yml:1: name: is missing")
    assert main(["run", "--all", "--period", "due", "--dry-run"]) == 2, "as run ends"


def test_nothing_is_due(home, capsys):
    for client in ("late", "shop"):
        settings = home / "clients" / client / "client.yml"
        text = settings.read_text(encoding="utf-8")
        settings.write_text(text.replace("{reports: [monthly]}", "{since: 2026-11}"), encoding="utf-8")
    assert main(["list", "--due"]) == 0
    assert capsys.readouterr().out == "nothing is due\n"
