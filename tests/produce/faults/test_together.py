"""Two runs at once, and a clock that was moved."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import socket

import pytest

from crmreport.produce.attempts import write_attempt
from tests.produce.faults.factory import HOLD, PERIOD, Factory, until

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="forks are POSIX's")]

CLOCK = """
# Run a command as if it were another day.
import sys
from datetime import datetime
from crmreport.cli import clock, main

if __name__ == "__main__":
    clock.now = lambda: datetime.fromisoformat({now!r})
    sys.exit(main())
"""
SCHEDULE = "  monthly: {chapters: [steady, east_part]}\nschedule: {reports: [monthly], since: 2026-10}\n"


@pytest.fixture(scope="module")
def factory(empty: Factory) -> Factory:
    """A client whose first chapter can be held, with two reports that share their chapters."""
    empty.add("east", more=SCHEDULE)
    empty.chapter("east_part", HOLD)
    return empty


def test_the_second_run_on_a_report_waits_and_then_finds_it_made(factory: Factory) -> None:
    factory.hold("east")
    words = ("run", "--period", PERIOD, "--client", "east")
    first = factory.start(*words)
    kernel = factory.begun("east")
    second = factory.start(*words)
    until(lambda: "waiting for another run" in second.err.read_text("utf-8"), "the second run says it waits")
    who = f"waiting for another run on it: pid {first.process.pid} on host {socket.gethostname()}, at work on"
    assert f"{who} east {PERIOD} since 20" in second.err.read_text("utf-8")
    assert kernel in {process.pid for process in factory.processes()}
    assert factory.published("east") == {}
    factory.let_go("east")
    made, found = first.end(), second.end()

    assert (made.code, found.code) == (0, 0)
    assert "is made" in made.out
    assert "is as it was" in found.out
    assert found.err.count("waiting for another run") == 1
    assert factory.published("east")
    assert factory.staged() == []


def test_a_run_waits_no_longer_than_it_may_take(factory: Factory) -> None:
    factory.orders("east", "c4,o5,2026-10-04,5000")
    factory.hold("east")
    words = ("run", "--period", PERIOD, "--client", "east")
    first = factory.start(*words)
    factory.begun("east")
    second = factory.start(*words, "--timeout", "0.02").end()
    assert second.code == 4
    assert re.search(rf"goes on after \d+ s of waiting: pid {first.process.pid} on host ", second.err)
    factory.let_go("east")
    assert first.end().code == 0
    assert factory.attempt("east").status == "complete", "the last to end is the one that made it"


def test_runs_of_two_periods_and_two_reports_of_a_client_do_not_mix(factory: Factory) -> None:
    factory.orders("east", "c3,o4,2026-09-03,4000")
    factory.hold("east")
    reports = ("--client", "east", "--report", "assessment", "--report", "monthly", "--jobs", "4", "--json")
    first = factory.start("run", "--period", PERIOD, *reports)
    factory.begun("east")
    second = factory.start("run", "--period", "2026-09", *reports)
    until(lambda: len(list((factory.root / "reports" / ".staging").iterdir())) == 4, "all four are begun")
    factory.let_go("east")
    for ended in (first.end(), second.end()):
        assert (ended.code, ended.err) == (0, "")
    for period in (PERIOD, "2026-09"):
        assert factory.published("east", period)
        monthly = json.loads((factory.folder("east", f"{period}-monthly") / "run.json").read_text("utf-8"))
        assert (monthly["period"], monthly["report"], monthly["status"]) == (period, "monthly", "complete")
    assert factory.staged() == []

    again = factory.run("--client", "east", "--report", "assessment", "--report", "monthly")
    assert [report["unchanged"] for report in again.document["reports"]] == [True, True]


@pytest.mark.parametrize(
    ("now", "due"),
    [
        pytest.param("2026-11-05T00:00:00+09:00", [], id="the day after: all is made"),
        pytest.param("2026-09-05T00:00:00+09:00", [], id="set back by months: nothing was due yet"),
        pytest.param("1980-01-01T00:00:00+00:00", [], id="set back by decades"),
        pytest.param("2026-12-05T00:00:00+09:00", ["2026-11"], id="set on by a month"),
    ],
)
def test_a_moved_clock_makes_nothing_twice(factory: Factory, now: str, due: list[str]) -> None:
    # A last attempt that has not begun yet, by this clock.
    write_attempt(
        factory.workspace,
        dataclasses.replace(
            factory.attempt("east"), report="monthly", started_at="2099-01-01T00:00:00+00:00"
        ),
    )
    script = factory.root / "clock.py"
    script.write_text(CLOCK.format(now=now), encoding="utf-8")
    words = ("run", "--client", "east", "--period", "due", "--json")
    ended = factory.start(*words, program=[str(script)]).end()
    assert ended.code == 0
    assert [report["period"] for report in ended.document["reports"]] == due
    # Nothing that is there is made again, and a month without data waits for them.
    assert all("waiting" in report for report in ended.document["reports"])
    assert ended.err.count("\n") == 1
    assert ended.err.startswith("waits: east 2026-11" if due else "nothing is due")


def test_files_from_the_future_are_made_once(factory: Factory) -> None:
    for path in (factory.root / "clients").rglob("*"):
        if path.is_file():
            os.utime(path, (4e9, 4e9))
    factory.orders("east", "c3,o5,2026-10-03,4000")
    os.utime(factory.root / "clients" / "east" / "data" / "orders.csv", (4e9, 4e9))
    factory.assert_repaired("east")
    assert factory.run("--client", "east").reports["east"]["unchanged"] is True
