"""The rows a query gave when its database was last asked: a file like any other from then on."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from crmreport.config import Client, Source
from crmreport.workspace import ANSWERS, Workspace

LISTED = "asked.json"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a database said.

    Args:
        source: The query, as messages name it.
        file: Name of the file of its rows, by their SHA-256.
        rows: How many there are.
        asked_at: When the answer began, ISO 8601 in UTC.
    """

    source: str
    file: str
    rows: int
    asked_at: str

    def __str__(self) -> str:
        """One line for people: what was asked, and when."""
        when = datetime.fromisoformat(self.asked_at).astimezone(UTC)
        return f"{self.source}: {self.rows:,} rows as of {when:%Y-%m-%d %H:%M} UTC"

    def aged(self, now: datetime) -> str:
        """The same with its age.

        Examples:
            >>> there = Snapshot("SHOP_DB query 1a2b3c4d", "x.parquet", 1200, "2026-10-31T18:00:00+00:00")
            >>> there.aged(datetime(2026, 11, 3, 19, 0, tzinfo=UTC))
            'SHOP_DB query 1a2b3c4d: 1,200 rows as of 2026-10-31 18:00 UTC (3 days ago)'
        """
        hours = (now - datetime.fromisoformat(self.asked_at)).total_seconds() / 3600
        count, unit = (int(hours // 24), "day") if hours >= 48 else (int(hours), "hour")
        return f"{self} ({count} {unit}{'' if count == 1 else 's'} ago)" if count > 0 else str(self)


def queries_of(client: Client) -> list[Source]:
    """The client's sources that are queries, each once, in the order of the client file."""
    found = {s.named: s for each in client.sources.values() for s in each if s.query is not None}
    return list(found.values())


def snapshots(workspace: Workspace, client: Client) -> list[Snapshot]:
    """The last answers that are there, in the order of the client file; no database is asked."""
    known = read_snapshots(workspace.client(client.client))
    return [known[s.named] for s in queries_of(client) if s.named in known]


def told_ages(workspace: Workspace, client: Client, now: datetime) -> list[str]:
    """What to tell who looks at the last answers: a line for each, with how old it is.

    Args:
        now: The instant to reckon from.
    """
    return [
        f"{each.aged(now)}; crmreport run and check ask the database again"
        for each in snapshots(workspace, client)
    ]


def read_snapshots(folder: Path) -> dict[str, Snapshot]:
    """The last answers kept in a client's folder, by their sources; none when their list cannot be read."""
    try:
        kept = json.loads((folder / ANSWERS / LISTED).read_text(encoding="utf-8"))
        return {each["source"]: Snapshot(**each) for each in kept}
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        # Damaged, or another version's: who may ask the database asks again.
        return {}


def list_snapshots(found: Iterable[Snapshot]) -> str:
    """What stands in their list."""
    return json.dumps([asdict(each) for each in found], ensure_ascii=False, indent=1) + "\n"
