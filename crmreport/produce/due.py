"""Which monthly reports are due: a client file, an instant and what is published in, a list out."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from crmreport.config import Client
from crmreport.errors import DataError
from crmreport.intake.model import IntakeReport
from crmreport.period import Period, add_months
from crmreport.produce.attempts import Attempt
from crmreport.produce.publish import target
from crmreport.produce.records import RECORD
from crmreport.workspace import Workspace

_MONTH, _YEAR = timedelta(days=31), timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Made:
    """A complete published report.

    Args:
        languages: Those it holds.
    """

    period: str
    report: str
    languages: frozenset[str]


@dataclass(frozen=True, slots=True)
class Due:
    """A report that is to be made.

    Args:
        period: A month, ``2026-10``.
        due_since: First day, in the client's time zone, on which it was due.
        last: How the last attempt at it ended; None when nobody has tried.
    """

    client: str
    period: str
    report: str
    due_since: date
    last: Attempt | None = None


def last_complete_month(zone: ZoneInfo, now: datetime) -> Period:
    """The calendar month that ended before the day ``now`` falls on in ``zone``.

    Raises:
        ValueError: ``now`` has no time zone.

    Examples:
        >>> from datetime import UTC
        >>> turn = datetime(2026, 10, 31, 15, 0, tzinfo=UTC)  # midnight in Tokyo
        >>> last_complete_month(ZoneInfo("Asia/Tokyo"), turn).name
        '2026-10'
        >>> last_complete_month(ZoneInfo("UTC"), turn).name
        '2026-09'
    """
    return Period.parse(f"{_day(zone, now):%Y-%m}").previous()


def due_periods(
    client: Client,
    *,
    now: datetime,
    made: Collection[Made],
    attempts: Iterable[Attempt] = (),
    reports: Sequence[str] | None = None,
    languages: Sequence[str] | None = None,
    since: str | None = None,
    limit: int | None = None,
) -> list[Due]:
    """The scheduled reports that should be there and are not, oldest month first.

    A month is due ``schedule.wait_days`` days after its last day, in the client's time zone, until a
    complete report with all languages wanted is published. Failed, partial and stopped attempts leave
    it due. Whether its data have been delivered is asked later, see :func:`undelivered`.

    Args:
        now: The instant to decide for, with a time zone.
        made: Complete reports of this client, see :func:`made_reports`.
        attempts: Last attempts at reports, of any client.
        reports: Instead of those of the schedule.
        languages: Instead of all of the client's.
        since: First month, instead of ``schedule.since``; without either, only the last month is looked at.
        limit: Months looked back at most, instead of ``schedule.catch_up``.

    Raises:
        ValueError: ``now`` has no time zone.
    """
    schedule = client.schedule
    last = last_complete_month(client.zone, now)
    today, wait = _day(client.zone, now), timedelta(days=schedule.wait_days)
    while last.as_of + wait > today:
        last = last.previous()
    begin = since or schedule.since
    oldest = add_months(last.start, 1 - (limit or schedule.catch_up))
    month = last.start if begin is None else max(Period.parse(begin).start, oldest)

    wanted = set(languages or client.languages)
    there = {(m.period, m.report) for m in made if wanted <= m.languages}
    tried = {(a.period, a.report): a for a in attempts if a.client == client.client}
    due: list[Due] = []
    while month <= last.start:
        period = Period.parse(f"{month:%Y-%m}")
        for report in client.scheduled_reports if reports is None else reports:
            name = (period.name, report)
            if name not in there:
                due.append(Due(client.client, *name, period.as_of + wait, tried.get(name)))
        month = period.end
    return due


def made_reports(workspace: Workspace, client: str) -> frozenset[Made]:
    """Complete reports of a client that stand where they are published; unreadable records are none."""
    found: set[Made] = set()
    for path in (workspace.reports / client).glob(f"*/{RECORD}"):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            period, report = str(record["period"]), str(record["report"])
            in_place = target(workspace, client, period, report) == path.parent
            if in_place and record["client"] == client and record["status"] == "complete":
                found.add(Made(period, report, frozenset(record["languages"])))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return frozenset(found)


def undelivered(intake: IntakeReport, period: Period) -> str | None:
    """Why a due month has to wait for data; None when its orders are there.

    They are when orders go on after its last day, or stop before it by no more days than the client
    was ever without an order in the year before. A month made from half a delivery would count as made.
    """
    name, who = period.name, f"the order lines of client {intake.client!r}"
    if intake.first_day is not None and intake.first_day > period.as_of:
        return (
            f"not delivered: {who} begin on {intake.first_day}, after {name}; add the older files, "
            f"or write since: {intake.first_day:%Y-%m} under schedule in client.yml"
        )
    try:
        intake.require(period)
    except DataError as refusal:
        return f"not yet delivered: {refusal}"
    # A mistyped date years ahead must not pass for a delivery.
    if any(period.as_of < d.day <= period.as_of + _MONTH for d in intake.daily):
        return None
    days = sorted(d.day for d in intake.daily if d.day <= period.as_of)
    last = days[-1]
    usual = max(((b - a).days - 1 for a, b in pairwise(d for d in days if d > last - _YEAR)), default=0)
    missing = (period.as_of - last).days
    if missing <= usual:
        return None
    return (
        f"not yet delivered: {who} stop on {last}, {missing} days before {name} ends (the longest pause in "
        f"the year before was {usual}); add the files that are missing, "
        f"or make it as it is with --period {name}"
    )


def _day(zone: ZoneInfo, now: datetime) -> date:
    if now.tzinfo is None:
        raise ValueError(f"now is {now}, without a time zone; give it one")
    return now.astimezone(zone).date()
