"""How the last attempt at each report ended; outside the reports, which are the same bytes every time."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from crmreport.whole_file import write_whole
from crmreport.workspace import Workspace

Status = Literal["complete", "partial", "failed", "stopped"]
_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a report.

    Args:
        status: ``partial``: a chapter failed; ``failed``: there is no new report; ``stopped``: cut off
            by Ctrl-C or a signal. A published report stays as it was in all but ``complete``.
        error: One line, empty when complete.
        started_at: ISO time in UTC.
        seconds: How long it took.
        key: Content key of the report, empty when it was not planned.
        folder: Where the report stands, relative to reports/.
    """

    client: str
    period: str
    report: str
    languages: tuple[str, ...]
    status: Status
    exit_code: int
    error: str
    started_at: str
    seconds: float
    key: str
    folder: str


def write_attempt(workspace: Workspace, attempt: Attempt) -> None:
    """Put an attempt in place of the one before, in one step."""
    path = attempt_file(workspace, attempt.client, attempt.period, attempt.report)
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {"schema": _SCHEMA, **asdict(attempt)}
    write_whole(path, json.dumps(record, ensure_ascii=False, indent=1) + "\n")


def read_attempts(workspace: Workspace) -> list[Attempt]:
    """The last attempt at every report, by client, period and report; unreadable records are left out."""
    home = workspace.reports / ".attempts"
    found = [attempt for path in home.glob("*/*.json") if (attempt := _read(path))]
    return sorted(found, key=lambda a: (a.client, a.period, a.report))


def last_attempt(workspace: Workspace, client: str, period: str, report: str) -> Attempt | None:
    """The last attempt at one report, None when there was none."""
    return _read(attempt_file(workspace, client, period, report))


def attempt_file(workspace: Workspace, client: str, period: str, report: str) -> Path:
    """Where the last attempt at a report is kept."""
    return workspace.reports / ".attempts" / client / f"{period}-{report}.json"


def _read(path: Path) -> Attempt | None:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if record.pop("schema") != _SCHEMA:
            return None
        return Attempt(**{**record, "languages": tuple(record["languages"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None
