"""Into reports/ whole or not at all: built aside, checked, recorded, renamed into place."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crmreport.errors import RunError
from crmreport.produce import stamps
from crmreport.produce.digests import seal, sha256
from crmreport.produce.ingredients import TEMPLATES
from crmreport.workspace import Workspace

RECORD = "run.json"
_OLD = ".old"
_SCHEMA = TEMPLATES.parent / "run.schema.json"


def target(workspace: Workspace, client: str, period: str, report: str) -> Path:
    """Where a report is published: reports/<client>/<period>/, other reports beside it."""
    return workspace.reports / client / (period if report == "assessment" else f"{period}-{report}")


def read_record(folder: Path) -> dict[str, Any] | None:
    """The record of the report published in a folder; None when there is none that can be read."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def published(folder: Path, key: str) -> dict[str, Any] | None:
    """The record of a complete report made under ``key``, when every file of it is still as it was."""
    record = read_record(folder)
    if record is None:
        return None
    try:
        if record["key"] != key or record["status"] != "complete":
            return None
        intact = not stamps.altered(folder, record)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return record if intact else None


@contextmanager
def staging(workspace: Workspace, folder: Path) -> Iterator[Path]:
    """A folder to build in, on the same disk as the reports; gone afterwards whatever happens.

    Whoever builds holds the lock of the report, so what an earlier run left here when it was killed
    belongs to nobody.
    """
    home = workspace.reports / ".staging"
    home.mkdir(parents=True, exist_ok=True)
    prefix = f"{_flat(workspace, folder)}+"
    for left in home.glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)
    stage = home / f"{prefix}{secrets.token_hex(4)}"
    stage.mkdir()
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def recover(workspace: Workspace, folder: Path) -> None:
    """Finish or undo a publication that was cut off between its two renames."""
    old = _aside(workspace, folder)
    if old.exists():
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            folder.parent.mkdir(parents=True, exist_ok=True)
            old.rename(folder)


def swap_in(workspace: Workspace, stage: Path, folder: Path) -> None:
    """Put the finished folder in place of the published one.

    The old one is renamed aside, the new one renamed in, then the old one is removed; if the
    second rename fails the old one goes back.
    """
    recover(workspace, folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    old = _aside(workspace, folder)
    if folder.exists():
        folder.rename(old)
    try:
        stage.rename(folder)
    except BaseException:
        if old.exists():
            old.rename(folder)
        raise
    stamps.remember(folder)
    shutil.rmtree(old, ignore_errors=True)


def _aside(workspace: Workspace, folder: Path) -> Path:
    return workspace.reports / ".staging" / f"{_flat(workspace, folder)}{_OLD}"


def _flat(workspace: Workspace, folder: Path) -> str:
    return "+".join(folder.relative_to(workspace.reports).parts)


def write_record(stage: Path, record: dict[str, Any]) -> None:
    """Write run.json with the digest of every file beside it.

    Raises:
        RunError: The record does not follow templates/run.schema.json.
    """
    # Not imported above: with JupyterLab beside it, it takes longer than all the planning.
    import jsonschema

    files = sorted(p for p in stage.rglob("*") if p.is_file() and p.name != RECORD)
    record["outputs"] = [
        {"path": p.relative_to(stage).as_posix(), "bytes": p.stat().st_size, "sha256": sha256(p)}
        for p in files
    ]
    record["seal"] = seal(record)
    try:
        jsonschema.validate(record, json.loads(_SCHEMA.read_text(encoding="utf-8")))
    except jsonschema.ValidationError as error:
        where = ".".join(map(str, error.absolute_path))
        raise RunError(f"run.json: {where}: {error.message}; mend the run record") from None
    text = json.dumps(record, ensure_ascii=False, indent=1, sort_keys=False)
    (stage / RECORD).write_text(text + "\n", encoding="utf-8")
