"""The store and the quarantine: made of the client's files, and made of them again without them."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

import polars as pl
from filelock import FileLock

from crmreport.config import Client
from crmreport.forget.model import Place
from crmreport.forget.rows import UnreadableError, rows_in
from crmreport.forget.whom import Whom
from crmreport.intake import is_of
from crmreport.intake.forgotten import read_forgotten
from crmreport.intake.inputs import REPORT
from crmreport.workspace import ANSWERS, Workspace


def standing(workspace: Workspace, client: Client | None) -> frozenset[str]:
    """Keys of the stores that were made without everybody on the list."""
    if client is None:
        return frozenset()
    forgotten = read_forgotten(workspace.client(client.client))
    folders = _folders(workspace.store(client.client))
    return frozenset(folder.name for folder in folders if is_of(client, folder, forgotten))


def look(workspace: Workspace, client_id: str, whom: Whom, *, keep: Collection[str]) -> Iterator[Place]:
    """Rows of theirs in the store, and the lines set aside beside it.

    Args:
        keep: Keys of stores nothing of theirs is in.
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


def drop(workspace: Workspace, client_id: str, *, keep: Collection[str]) -> None:
    """Remove every store and what was set aside beside it, but for those of some keys."""
    stores = workspace.store(client_id)
    if stores.is_dir():
        with FileLock(stores / ".lock"):
            for folder in _folders(stores, keep):
                # It is what makes the folder a store; whoever is cut off here leaves none.
                (folder / REPORT).unlink(missing_ok=True)
                shutil.rmtree(folder)
    for folder in _folders(workspace.quarantine(client_id), keep):
        shutil.rmtree(folder)


def _folders(home: Path, keep: Collection[str] = ()) -> list[Path]:
    if not home.is_dir():
        return []
    # What databases answered lies among the stores, and is looked through apart.
    return sorted(p for p in home.iterdir() if p.is_dir() and p.name not in {ANSWERS.name, *keep})


def _lines(folder: Path) -> int:
    try:
        return pl.read_parquet(folder / "lines.parquet", columns=["file", "line"]).n_unique()
    except (pl.exceptions.PolarsError, OSError):
        return 0
