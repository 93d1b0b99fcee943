"""The canonical store: built once per content key in a folder of its own, then only opened.

To open one needs no Polars, whose import takes as long as looking at fifty unchanged clients.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from crmreport.config import Client
from crmreport.errors import DataError
from crmreport.intake.digest import Digests, store_key
from crmreport.intake.forgotten import Forgotten, read_forgotten
from crmreport.intake.inputs import REPORT, Input
from crmreport.intake.model import IntakeReport
from crmreport.intake.source_file import source_files
from crmreport.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Store:
    """A client's canonical tables on disk.

    Args:
        path: Folder of this content key.
        report: What intake did.
        tables: Names of the tables that are there.
    """

    path: Path
    report: IntakeReport
    tables: tuple[str, ...]

    def table(self, name: str) -> Path:
        """Parquet file of a table.

        Raises:
            DataError: The client gives no such table.
        """
        if name not in self.tables:
            raise DataError(
                f"{self.report.client}: there is no table {name!r}, only {', '.join(self.tables)}; "
                "add it under sources in client.yml"
            )
        return self.path / f"{name}.parquet"

    @property
    def conflicts(self) -> Path:
        """Values on which lines with the same key disagree."""
        return self.path / "conflicts.parquet"


def open_store(workspace: Workspace, client: Client) -> Store:
    """The client's store, built first if its inputs, mapping, policies or intake itself have changed.

    Forgotten customers are not in it. Of two that build at a time, one waits for the other.

    Args:
        workspace: Where clients/ lies.
        client: The client file.

    Raises:
        ConfigError: The mapping cannot work, or the list of forgotten customers cannot be read.
        DataError: A file cannot be read, or too many of its lines.
    """
    stores = workspace.store(client.client)
    digests = Digests(stores / "digests.json")
    forgotten = read_forgotten(workspace.client(client.client))
    inputs = _inputs(workspace, client, digests)
    key = _key(client, inputs, forgotten)
    if not _is_built(stores / key):
        stores.mkdir(parents=True, exist_ok=True)
        with FileLock(stores / ".lock"):
            if not _is_built(stores / key):
                from crmreport.intake.build import build

                build(workspace, client, key, inputs, forgotten)
            if read_forgotten(workspace.client(client.client)) != forgotten:
                shutil.rmtree(stores / key)
                shutil.rmtree(workspace.quarantine(client.client) / key, ignore_errors=True)
                raise DataError(f"{client.client}: a customer was forgotten meanwhile; run again")
        for each in inputs:
            if digests.of(each.file) != each.digest:
                shutil.rmtree(stores / key)
                raise DataError(f"{each.file.name}: the file was changed while it was read; run again")
    return _open(stores / key)


def built_store(workspace: Workspace, client: Client) -> Store | None:
    """The client's store when it is there already; None when :func:`open_store` would have to build it.

    Raises:
        DataError: A file is not there.
    """
    stores = workspace.store(client.client)
    inputs = _inputs(workspace, client, Digests(stores / "digests.json"))
    path = stores / _key(client, inputs, read_forgotten(workspace.client(client.client)))
    return _open(path) if _is_built(path) else None


def chosen_store(workspace: Workspace, client: Client, key: str) -> Store:
    """The store of a content key, whatever the client's files say by now.

    Raises:
        DataError: It is not there any more.
    """
    path = workspace.store(client.client) / key
    if not _is_built(path):
        raise DataError(f"{client.client}: the data a report is made of were removed meanwhile; run again")
    return _open(path)


def is_of(client: Client, path: Path, forgotten: Forgotten) -> bool:
    """Whether a finished store is what its inputs make with this client file and this list.

    Its inputs may have changed since, or be gone: a store is known by what it says it was made of.
    """
    try:
        report = _open(path).report
    except (OSError, ValueError):
        return False
    inputs = [(i.table, i.source, i.name, i.sha256) for i in report.inputs]
    return path.name == store_key(client, inputs, forgotten.digest)


def _inputs(workspace: Workspace, client: Client, digests: Digests) -> list[Input]:
    folder = workspace.client(client.client)
    found = [
        Input(table, position, file, digests.of(file))
        for table, sources in client.sources.items()
        for position, source in enumerate(sources, start=1)
        for file in source_files(source, folder)
    ]
    digests.save()
    return found


def _key(client: Client, inputs: list[Input], forgotten: Forgotten) -> str:
    listed = [(i.table, i.position, i.file.name, i.digest) for i in inputs]
    return store_key(client, listed, forgotten.digest)


def _is_built(path: Path) -> bool:
    return (path / REPORT).is_file()


def _open(path: Path) -> Store:
    report = IntakeReport.model_validate_json((path / REPORT).read_bytes())
    return Store(path, report, tuple(report.tables))
