"""``crmreport run --events``: one JSON object a line, for whoever watches a night."""

from __future__ import annotations

import io
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crmreport.cli.output import note
from crmreport.cli.progress import shown
from crmreport.errors import DataError, NotDeliveredError, RunError
from crmreport.produce import Order, Progress, Published, Result

ORDER = Order("shop", "2026-10", "monthly")


def events(capsys: pytest.CaptureFixture[str]) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def published(*, reused: bool) -> Published:
    return Published(Path("reports"), (), {}, reused)


def test_every_event_says_when_and_which_process(capsys):
    before = datetime.now(UTC) - timedelta(seconds=1)
    with shown([ORDER], quiet=False, events=True) as (progress, done):
        progress(ORDER, Progress("chapters", 1, 3, "rfm", 2**20))
        done(Result(ORDER, published(reused=False), None, 1.5))
    told = events(capsys)
    for event in told:
        assert event["pid"] == os.getpid()
        assert event["at"].endswith("+00:00")
        assert before <= datetime.fromisoformat(event["at"]) <= datetime.now(UTC)
        assert (event["client"], event["period"], event["report"]) == ("shop", "2026-10", "monthly")
    assert [event["event"] for event in told] == ["progress", "done"]
    first = {name: told[0][name] for name in ("stage", "done", "total", "detail", "memory")}
    assert first == {"stage": "chapters", "done": 1, "total": 3, "detail": "rfm", "memory": 2**20}


def test_a_line_is_written_in_one_piece(monkeypatch):
    # Reports are told of by threads: what goes out in two pieces has another's line between them.
    pieces: list[str] = []

    class Recorder(io.StringIO):
        def write(self, text: str) -> int:
            pieces.append(text)
            return len(text)

    monkeypatch.setattr("sys.stderr", Recorder())
    note("one")
    note("two")
    assert pieces == ["one\n", "two\n"]


@pytest.mark.parametrize(
    ("made", "error", "status", "code"),
    [
        pytest.param(published(reused=False), None, "made", 0, id="made"),
        pytest.param(published(reused=True), None, "unchanged", 0, id="unchanged"),
        pytest.param(None, RunError("no"), "failed", 4, id="a chapter failed"),
        pytest.param(None, DataError("no"), "failed", 3, id="no data"),
        pytest.param(None, ValueError("no"), "failed", 1, id="nobody foresaw it"),
        pytest.param(None, NotDeliveredError("no"), "waiting", 0, id="a due month waits for its data"),
    ],
)
def test_how_a_report_ended(capsys, made, error, status, code):
    with shown([ORDER], quiet=False, events=True) as (_, done):
        done(Result(ORDER, made, error, 2.0))
    (event,) = events(capsys)
    assert (event["status"], event["exit_code"], event["seconds"]) == (status, code, 2.0)
    assert event["error"] == ("no" if error else "")
