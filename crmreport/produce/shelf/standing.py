"""How every report stands: what its run.json says, and how the last attempt at it ended."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from typing_extensions import TypedDict

from crmreport.config import Language
from crmreport.produce.attempts import Attempt, read_attempts
from crmreport.produce.publish import PARTIAL
from crmreport.produce.records import RECORD
from crmreport.workspace import Workspace

Status = Literal["complete", "outdated", "partial", "failed", "missing", "unreadable"]
STATUSES: tuple[Status, ...] = ("failed", "outdated", "partial", "unreadable", "missing", "complete")
"""What calls for somebody comes first."""
_FOLDER = re.compile(
    r"(?P<period>\d{4}-(?:0[1-9]|1[0-2])|\d{4}-Q[1-4]|FY\d{4}|\d{4}-\d\d-\d\d\.\.\d{4}-\d\d-\d\d)"
    r"(?:-(?P<report>[a-z0-9_-]{1,64}))?"
)
# Names of the files at the top of a report's folder, among the outputs of its record.
_TOP_FILE = re.compile(rb'"path":\s*"([\w.-]+)"')


class KpiRecord(TypedDict):
    """A key figure of page 1."""

    id: str
    value: float | None
    text: dict[Language, str]


class Record(BaseModel):
    """What the shelf needs of a run.json; the rest of it is not built, which is most of the time saved."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    form: Literal[1] = Field(alias="schema")
    status: Literal["complete", "partial"]
    report: str
    period: str
    as_of: date
    languages: list[Language]
    client_name: dict[Language, str] = {}
    title: dict[Language, str] = {}
    accent: str = ""
    kpis: list[KpiRecord] = []
    lists: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Standing:
    """One report on the shelf.

    Args:
        client: Name of its folder under reports/.
        record: Of the complete report; of the partial one when there is no other; None when it was
            never made or its record cannot be read.
        folder: Where the files of ``record`` are, relative to reports/.
        files: What of the top of that folder the record names.
        written: When ``record`` was written, as an ISO time in UTC.
        partial: Folder of a partial report where there is a complete one, too, relative to reports/.
        attempt: The last one; None when it was not recorded.
        trouble: One line: why it is not simply complete.
    """

    client: str
    report: str
    period: str
    status: Status
    record: Record | None = None
    folder: str = ""
    files: frozenset[str] = frozenset()
    written: str = ""
    partial: str = ""
    attempt: Attempt | None = None
    trouble: str = ""

    @property
    def ran_at(self) -> str:
        """When it was last tried, as an ISO time in UTC; empty when nobody knows."""
        return str(self.attempt.started_at or "") if self.attempt else self.written


def read_standings(workspace: Workspace) -> list[Standing]:
    """Every report that stands under reports/ or was tried, by client, report and period."""
    found = {(s.client, s.report, s.period): s for s in _published(workspace.reports)}
    for attempt in read_attempts(workspace):
        key = attempt.client, attempt.report, attempt.period
        stands = found.get(key) or Standing(*key, status="missing", folder=attempt.folder)
        found[key] = _after(stands, attempt)
    return [found[key] for key in sorted(found)]


def _after(stands: Standing, attempt: Attempt) -> Standing:
    """The standing in the light of how the last attempt ended."""
    if attempt.status == "complete":
        # A partial report of an earlier attempt says nothing any more.
        partial = stands.partial if stands.status == "partial" else ""
        settled = stands.status == "outdated"
        status, trouble = ("complete", "") if settled else (stands.status, stands.trouble)
        return replace(stands, status=status, trouble=trouble, partial=partial, attempt=attempt)
    status: Status = "outdated" if stands.record and stands.record.status == "complete" else "failed"
    if stands.status in ("partial", "unreadable"):
        status = stands.status
    return replace(stands, status=status, trouble=attempt.error or attempt.status, attempt=attempt)


def _published(reports: Path) -> Iterator[Standing]:
    whole, partial = _by_client(reports), _by_client(reports / PARTIAL)
    for client in {**whole, **partial}:
        beside = partial.get(client, set())
        for folder in whole.get(client, set()) | beside:
            place = f"{client}/{folder}"
            named = _FOLDER.fullmatch(folder)
            recorded = os.path.exists(f"{reports}/{place}/{RECORD}")  # noqa: PTH110 - thousands of them
            if named is None and not recorded:
                continue
            yield _standing(reports, client, place, named, recorded, folder in beside)


def _by_client(home: Path) -> dict[str, set[str]]:
    """Names of the reports' folders, per client."""
    return {client.name: {folder.name for folder in _folders(client.path)} for client in _folders(home)}


def _standing(
    reports: Path, client: str, place: str, named: re.Match[str] | None, recorded: bool, beside: bool
) -> Standing:
    partial = f"{PARTIAL}/{place}" if beside else ""
    home = place if recorded or not partial else partial
    try:
        text, written = _read(f"{reports}/{home}/{RECORD}")
        record = Record.model_validate_json(text)
    except (OSError, ValidationError) as error:
        period = named["period"] if named else place.rpartition("/")[2]
        report = (named["report"] if named else None) or "assessment"
        return Standing(client, report, period, "unreadable", folder=home, trouble=_unreadable(error))
    status: Status = "complete" if record.status == "complete" else "partial"
    trouble = _reason(text) if status == "partial" else ""
    if partial and home == place:
        status, trouble = "outdated", _reason_at(f"{reports}/{partial}/{RECORD}")
    return Standing(
        client,
        record.report,
        record.period,
        status,
        record=record,
        folder=home,
        files=frozenset(name.decode() for name in _TOP_FILE.findall(text)),
        written=written,
        partial=partial if home == place else "",
        trouble=trouble,
    )


def _folders(home: str | Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(home) as entries:
            return [e for e in entries if e.is_dir() and not e.name.startswith(".")]
    except OSError:
        return []


def _read(path: str) -> tuple[bytes, str]:
    with open(path, "rb") as file:  # noqa: PTH123 - thousands of them: a Path each would be felt
        written = datetime.fromtimestamp(int(os.fstat(file.fileno()).st_mtime), UTC)
        return file.read(), written.isoformat()


def _unreadable(error: OSError | ValidationError) -> str:
    if isinstance(error, OSError):
        return f"{RECORD}: {error.strerror}"
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{RECORD}: {where + ': ' if where else ''}{first['msg']}"


def _reason_at(path: str) -> str:
    try:
        return _reason(_read(path)[0])
    except OSError:
        return "partial"


def _reason(text: bytes) -> str:
    """The first chapter that failed, and why."""
    try:
        failed = [c for c in json.loads(text)["chapters"] if c["status"] == "failed"]
        return f"{failed[0]['chapter']}: {failed[0]['reason']}"
    except (ValueError, KeyError, TypeError, IndexError):
        return "partial"
