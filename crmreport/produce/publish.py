"""Into reports/ whole or not at all: built aside, checked, recorded, renamed into place."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crmreport.errors import RunError
from crmreport.produce.exchange import exchange
from crmreport.produce.planning.digests import seal, sha256
from crmreport.produce.planning.ingredients import TEMPLATES
from crmreport.produce.records import RECORD, stamps
from crmreport.workspace import Workspace

PARTIAL = ".partial"
_OLD = ".old"
_SCHEMA = TEMPLATES.parent / "run.schema.json"


def target(workspace: Workspace, client: str, period: str, report: str) -> Path:
    """Where a report is published: reports/<client>/<period>/, other reports beside it."""
    return workspace.reports / client / (period if report == "assessment" else f"{period}-{report}")


def partial_place(workspace: Workspace, folder: Path) -> Path:
    """Where the incomplete report goes whose complete one is published in ``folder``.

    Under reports/.partial/, and not beside: whoever copies a report's or a client's folder hands over
    nothing that is broken.
    """
    return workspace.reports / PARTIAL / folder.relative_to(workspace.reports)


def drop_partial(workspace: Workspace, folder: Path) -> None:
    """Remove the incomplete report of an earlier attempt: the one in ``folder`` is complete."""
    place = partial_place(workspace, folder)
    if place.exists():
        shutil.rmtree(place, ignore_errors=True)


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
    """A folder to build in, on the same disk as the reports; gone afterwards whatever happens."""
    stage = _home(workspace) / f"{_flat(workspace, folder)}+{secrets.token_hex(4)}"
    stage.mkdir(parents=True)
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def recover(workspace: Workspace, folder: Path) -> None:
    """Finish or undo what a run left that was killed while it made or published this report.

    Whoever calls this holds the lock of the report, so what lies in the staging folder belongs to nobody.
    """
    for left in _home(workspace).glob(f"{_flat(workspace, folder)}+*"):
        shutil.rmtree(left, ignore_errors=True)
    _put_back(workspace, folder)


def _put_back(workspace: Workspace, folder: Path) -> None:
    old = _aside(workspace, folder)
    if old.exists():
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            folder.parent.mkdir(parents=True, exist_ok=True)
            old.rename(folder)


def swap_in(workspace: Workspace, stage: Path, folder: Path) -> None:
    """Put the finished folder in place of the published one.

    The two change places, then the old one is removed. Where folders cannot do that, the old one
    is renamed aside and the new one renamed in; :func:`recover` finishes what is cut off between.
    """
    _put_back(workspace, folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not folder.exists():
        stage.rename(folder)
    elif exchange(stage, folder):
        shutil.rmtree(stage, ignore_errors=True)
    else:
        _swap_in_two_steps(stage, folder, _aside(workspace, folder))
    stamps.remember(folder)


def _swap_in_two_steps(stage: Path, folder: Path, old: Path) -> None:
    folder.rename(old)
    try:
        stage.rename(folder)
    except BaseException:
        old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _aside(workspace: Workspace, folder: Path) -> Path:
    return _home(workspace) / f"{_flat(workspace, folder)}{_OLD}"


def _home(workspace: Workspace) -> Path:
    return workspace.reports / ".staging"


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
    keep_record(stage, record)


def keep_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Write run.json as it is given."""
    text = json.dumps(record, ensure_ascii=False, indent=1, sort_keys=False)
    (folder / RECORD).write_text(text + "\n", encoding="utf-8")
