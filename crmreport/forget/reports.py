"""Published reports: their lists without them, and a record that says so."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from crmreport.forget.model import Place, Trace
from crmreport.forget.rows import TABLES, Rows, UnreadableError, rows_in
from crmreport.forget.traces import holds
from crmreport.forget.whom import Whom
from crmreport.produce import publish
from crmreport.produce.planning.digests import hash_file, seal
from crmreport.workspace import Workspace

_LISTS = "lists"


def folders(workspace: Workspace, client_id: str) -> list[Path]:
    """Where reports of a client are published, and incomplete ones kept."""
    homes = (workspace.reports / client_id, workspace.reports / publish.PARTIAL / client_id)
    return sorted(p for home in homes for p in home.glob("[!.]*") if p.is_dir())


def published(workspace: Workspace, client_id: str) -> list[Path]:
    """Where a report is published, or will be, of which there is anything: what its lock is called by."""
    return sorted({workspace.reports / client_id / p.name for p in folders(workspace, client_id)})


def look(workspace: Workspace, folder: Path, whom: Whom) -> tuple[list[Place], list[Trace]]:
    """Rows of theirs in a report's lists; files that cannot be edited and hold an id, or cannot be read."""
    places: list[Place] = []
    traces: list[Trace] = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        near = workspace.near(path)
        try:
            if _is_list(path):
                rows = rows_in(path.name, path.read_bytes(), whom)
                if rows.count:
                    places.append(Place("report", near, rows.count, rows.customers))
                elif path.suffix.lower() not in TABLES:
                    traces.append(Trace(near, "is beside the lists, and no list the program makes"))
            elif holds(path, whom):
                traces.append(Trace(near, "a text equal to the id stands in it"))
        except UnreadableError as error:
            traces.append(Trace(near, str(error)))
    return places, traces


def unfinished(workspace: Workspace, client_id: str, whom: Whom) -> Iterator[Place]:
    """Rows of theirs in what a killed run left behind, which the next one removes."""
    home = workspace.reports / ".staging"
    mine = (f"{client_id}+*", f"{publish.PARTIAL}+{client_id}+*")
    for stage in sorted(found for pattern in mine for found in home.glob(pattern)):
        for path in sorted(p for p in stage.rglob("*") if p.is_file() and _is_list(p)):
            try:
                rows = rows_in(path.name, path.read_bytes(), whom)
            except UnreadableError:
                continue
            if rows.count:
                near = workspace.near(path)
                yield Place("unfinished", near, rows.count, rows.customers)


def take_out(workspace: Workspace, folder: Path, whom: Whom, *, at: str) -> None:
    """Publish a report again, the same but for their rows.

    Whoever calls this holds the lock of the report. It is the one before or the whole new one, however
    this ends.
    """
    with publish.staging(workspace, folder) as stage:
        shutil.copytree(folder, stage, symlinks=True, dirs_exist_ok=True)
        _without(stage, whom, at)
        publish.swap_in(workspace, stage, folder)


def _without(home: Path, whom: Whom, at: str) -> None:
    taken: dict[str, Rows] = {}
    intact: dict[str, bool] = {}
    record = publish.read_record(home)
    known = {entry["path"]: entry for entry in (record or {}).get("outputs", ())}
    for path in sorted(p for p in home.rglob("*") if p.is_file() and _is_list(p)):
        name = path.relative_to(home).as_posix()
        try:
            rows = rows_in(path.name, path.read_bytes(), whom, take_out=True)
        except UnreadableError:
            continue
        if not rows.count:
            continue
        taken[name] = rows
        intact[name] = name in known and hash_file(path) == known[name]["sha256"]
        if rows.without is None:
            path.unlink()
        else:
            path.write_bytes(rows.without)
    if record is not None and taken:
        _record(home, record, taken, intact, at)


def _record(
    home: Path, record: dict[str, Any], taken: Mapping[str, Rows], intact: Mapping[str, bool], at: str
) -> None:
    """Say in run.json what was taken out; what was not as recorded before is not made to look so."""
    was_sealed = record.get("seal") == seal(record)
    for entry in record["outputs"]:
        path = home / entry["path"]
        if intact.get(entry["path"]):
            entry |= {"bytes": path.stat().st_size, "sha256": hash_file(path)}
    for name, count in record.get("lists", {}).items():
        if rows := taken.get(f"{_LISTS}/{name}.csv") or taken.get(f"{_LISTS}/{name}.xlsx"):
            count["rows"] = max(0, count["rows"] - rows.count)
    everybody = frozenset[str]().union(*(rows.customers for rows in taken.values()))
    entry = {
        "at": at,
        "customers": len(everybody),
        "files": {name: rows.count for name, rows in sorted(taken.items())},
    }
    record["forgotten"] = [*record.get("forgotten", []), entry]
    if was_sealed:
        record["seal"] = seal(record)
    publish.keep_record(home, record)


def _is_list(path: Path) -> bool:
    return path.suffix.lower() == ".parquet" or path.parent.name == _LISTS
