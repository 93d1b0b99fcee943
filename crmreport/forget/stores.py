"""The store and the quarantine: made of the client's files, and made of them again without them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import polars as pl
from filelock import FileLock

from crmreport.config import Client
from crmreport.errors import CrmReportError
from crmreport.forget.model import Place
from crmreport.forget.rows import UnreadableError, rows_in
from crmreport.forget.whom import Whom
from crmreport.intake import built_store
from crmreport.workspace import Workspace


def standing(workspace: Workspace, client: Client | None) -> str:
    """Key of the store that is made without everybody on the list; empty when there is none."""
    if client is None:
        return ""
    try:
        store = built_store(workspace, client)
    except (CrmReportError, OSError):
        # A file of the client is not there: no store is of use before it is.
        return ""
    return store.path.name if store else ""


def look(workspace: Workspace, client_id: str, whom: Whom, *, keep: str) -> Iterator[Place]:
    """Rows of theirs in the store, and the lines set aside beside it.

    Args:
        keep: Key of the store nothing of theirs is in.
    """
    for folder in _folders(workspace.store(client_id), keep):
        for file in sorted(folder.glob("*.parquet")):
            # A store that was cut off while it was built goes, too, whatever can be read of it.
            with suppress(UnreadableError):
                rows = rows_in(file.name, file.read_bytes(), whom)
                if rows.count:
                    yield Place("store", workspace.near(file), rows.count, rows.customers)
    for folder in _folders(workspace.quarantine(client_id), keep):
        yield Place("quarantine", workspace.near(folder), _lines(folder))


def drop(workspace: Workspace, client_id: str, *, keep: str) -> None:
    """Remove every store and what was set aside beside it, but for the one of a key."""
    stores = workspace.store(client_id)
    if stores.is_dir():
        with FileLock(stores / ".lock"):
            for folder in _folders(stores, keep):
                # It is what makes the folder a store; whoever is cut off here leaves none.
                (folder / "intake.json").unlink(missing_ok=True)
                shutil.rmtree(folder)
    for folder in _folders(workspace.quarantine(client_id), keep):
        shutil.rmtree(folder)


def _folders(home: Path, keep: str) -> list[Path]:
    if not home.is_dir():
        return []
    return sorted(p for p in home.iterdir() if p.is_dir() and p.name != keep)


def _lines(folder: Path) -> int:
    try:
        return pl.read_parquet(folder / "lines.parquet", columns=["file", "line"]).n_unique()
    except (pl.exceptions.PolarsError, OSError):
        return 0
