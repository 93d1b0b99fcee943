"""Options more than one command takes, written once."""

from __future__ import annotations

from typing import Annotated

import typer

from crmreport.errors import CrmReportError
from crmreport.workspace import Workspace


def client_ids(incomplete: str) -> list[str]:
    """Completion of client names."""
    try:
        folders = (Workspace.find().root / "clients").glob("*/client.yml")
    except CrmReportError:
        return []
    return sorted(f.parent.name for f in folders if f.parent.name.startswith(incomplete))


Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check and say what would be done; write nothing.")]
Clients = Annotated[
    list[str] | None,
    typer.Option(
        "--client", "-c", help="A folder under clients/; may be repeated.", autocompletion=client_ids
    ),
]
Client = Annotated[
    str, typer.Option("--client", "-c", help="A folder under clients/.", autocompletion=client_ids)
]
Languages = Annotated[
    list[str] | None,
    typer.Option(
        "--lang",
        "-l",
        help="ja or en; may be repeated. The report then holds these languages only; "
        "all of the client's when not given.",
    ),
]
