"""Who was sent a list they are on: what has left the house can only be asked back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from crmreport.deliver.journal import Journal
from crmreport.deliver.outbox import Outbox
from crmreport.errors import RunError
from crmreport.forget.model import Place, Recipient
from crmreport.produce.publish import read_record
from crmreport.workspace import Workspace


def recipients(workspace: Workspace, client_id: str, places: Iterable[Place]) -> Iterator[Recipient]:
    """Whom a report's lists went to, in this version or an earlier one.

    Args:
        places: Where they were found; of published reports, the lists are looked up in ``sent.json``.
    """
    lists: dict[str, set[str]] = {}
    for place in places:
        parts = PurePosixPath(place.path).parts
        if place.where == "report" and len(parts) == 5:
            lists.setdefault(parts[2], set()).add(PurePosixPath(place.path).stem)
    for name, found in sorted(lists.items()):
        record = read_record(workspace.reports / client_id / name) or {}
        period, report = str(record.get("period", "")), str(record.get("report", ""))
        outbox = Outbox(workspace, client_id, period, report)
        try:
            journal = Journal(outbox.folder, client=client_id, period=period, report=report)
        except RunError:
            continue
        seen: set[str] = set()
        for entry in journal.entries:
            names = [PurePosixPath(file).stem for file in entry.files]
            held = any(name.endswith(f"_{each}") for name in names for each in found)
            if entry.mark in ("sent", "sending") and held and entry.to not in seen:
                seen.add(entry.to)
                yield Recipient(f"{client_id}/{name}", entry.to, entry.at)
