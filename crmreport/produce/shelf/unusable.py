"""Clients of whom no report can be made, because their file cannot be read."""

from __future__ import annotations

from dataclasses import dataclass

from crmreport.config_file import load_client
from crmreport.errors import ConfigError
from crmreport.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Unusable:
    """One of them; ``reason`` is its first fault, in one line."""

    client: str
    reason: str


def unusable_clients(workspace: Workspace) -> list[Unusable]:
    """Clients whose client.yml is refused, by name."""
    found = []
    for file in sorted((workspace.root / "clients").glob("*/client.yml")):
        try:
            load_client(file)
        except (ConfigError, OSError) as error:
            first = str(error).splitlines()[0]
            found.append(Unusable(file.parent.name, workspace.without_root(first)))
    return found
