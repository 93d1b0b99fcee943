"""``crmreport list``: which clients there are, and which chapters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from crmreport.cli.options import Json
from crmreport.cli.output import say, say_json, say_table
from crmreport.errors import CrmReportError
from crmreport.workspace import Workspace


def list_(json: Json = False) -> None:
    """List clients, and chapters with parameters.

    \b
    Example:
      crmreport list
      crmreport list --json
    """
    workspace = Workspace.find()
    clients = [_client(file) for file in sorted((workspace.root / "clients").glob("*/client.yml"))]
    chapters = [_chapter(workspace, file.stem) for file in sorted(workspace.notebooks.glob("*.ipynb"))]
    if json:
        say_json({"clients": clients, "chapters": chapters})
        return
    say(f"Clients in {workspace.root / 'clients'}")
    for client in clients:
        if "error" in client:
            say(f"  {client['client']}: not usable: {client['error']}")
        else:
            names = " / ".join(client["name"].values())
            say(f"  {client['client']}: {names}; reports: {', '.join(client['reports'])}")
    say()
    say("Chapters")
    rows: list[list[str]] = []
    for chapter in chapters:
        if "error" in chapter:
            say(f"  {chapter['chapter']}: not usable: {chapter['error']}")
            continue
        rows.append([f"  {chapter['chapter']}", "", "", "", " / ".join(chapter["title"].values())])
        rows += [
            ["", p["name"], p["type"], f"{p['default']}{_bounds(p)}", p["description"].get("en", "")]
            for p in chapter["parameters"]
        ]
    say_table(["  chapter", "parameter", "type", "default", "meaning"], rows)


def _client(file: Path) -> dict[str, Any]:
    from crmreport.config_file import load_client

    try:
        client = load_client(file)
    except CrmReportError as error:
        return {"client": file.parent.name, "error": str(error).splitlines()[0]}
    return {
        "client": client.client,
        "name": client.name,
        "languages": client.languages,
        "reports": {name: plan.chapters for name, plan in client.reports.items()},
    }


def _chapter(workspace: Workspace, name: str) -> dict[str, Any]:
    from crmreport.produce.declare import load_chapter

    try:
        declaration = load_chapter(workspace.notebooks, name).declaration
    except CrmReportError as error:
        return {"chapter": name, "error": str(error).splitlines()[0]}
    parameters = [
        {"name": key, **parameter.model_dump(exclude_none=True)}
        for key, parameter in declaration.parameters.items()
    ]
    return {
        "chapter": name,
        "title": declaration.title,
        "needs": declaration.needs,
        "parameters": parameters,
    }


def _bounds(parameter: dict[str, Any]) -> str:
    if choices := parameter.get("choices"):
        return f" (of {', '.join(map(str, choices))})"
    low, high = parameter.get("minimum"), parameter.get("maximum")
    if low is None and high is None:
        return ""
    return f" ({'' if low is None else f'{low:g}'}…{'' if high is None else f'{high:g}'})"
