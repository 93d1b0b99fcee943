"""Whether a client's files are there at all, asked before a report is begun."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from crmreport.errors import DataError
from crmreport.workspace import Workspace

if TYPE_CHECKING:
    from crmreport.config import Client

_MADE_BY = {
    "demo": "crmreport demo, or make demo, writes them",
    "completejourney": "crmreport demo completejourney, or make completejourney, fetches them",
}
"""Clients that come with the project, without their files."""


def missing(workspace: Workspace, client: Client) -> str | None:
    """Why there is nothing to read; None when at least one source has a file."""
    from crmreport.intake.source_file import source_files

    folder = workspace.client(client.client)
    for source in (s for each in client.sources.values() for s in each):
        try:
            source_files(source, folder)
        except DataError:
            continue
        return None
    way_out = _MADE_BY.get(client.client, f"put them into clients/{client.client}/data/")
    return f"none of its files is here; {way_out}"


def not_begun(workspace: Workspace, client: Client) -> str | None:
    """Why ``--all`` leaves a client out; None when it is to be made.

    Only a client that was never read is left out: files that were there and are gone, or a share
    that is not mounted, are a fault somebody has to hear of.
    """
    paths = [s.path for each in client.sources.values() for s in each]
    if None in paths:
        # A database that does not answer is a fault somebody has to hear of.
        return None
    if any(PurePosixPath(p).is_absolute() or PureWindowsPath(p).is_absolute() for p in paths if p):
        return None
    if workspace.store(client.client).exists():
        return None
    return missing(workspace, client)


def refuse_missing_demo(workspace: Workspace, client: Client) -> None:
    """Say which command makes the files of a client that comes with the project.

    Raises:
        DataError: It is one of them, and none of its files is there.
    """
    if client.client in _MADE_BY and (reason := missing(workspace, client)):
        raise DataError(f"{client.client}: {reason}")
