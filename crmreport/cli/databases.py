"""A command that asks a client's databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmreport.workspace import Workspace

if TYPE_CHECKING:
    from crmreport.config import Client
    from crmreport.intake.snapshot import Snapshot


def ask_now(workspace: Workspace, client: Client) -> list[Snapshot]:
    """Ask them, and give what they answered; nothing for a client of files only.

    Raises:
        ConfigError: A variable is not set or holds no address, or a driver is not installed.
        DataError: A database cannot be reached or does not answer.
    """
    from crmreport.intake.database import addresses

    if not (given := addresses(client)):
        return []
    # DuckDB and the drivers are not what a command over files waits for.
    from crmreport.intake.ask import ask_databases

    return ask_databases(workspace, client, given)
