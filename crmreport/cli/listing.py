"""``crmreport list``: which clients there are, which chapters, and which reports are due."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crmreport.cli import clock
from crmreport.cli.files import not_begun
from crmreport.cli.options import Json
from crmreport.cli.output import complain, say, say_json, say_table
from crmreport.errors import CrmReportError
from crmreport.workspace import Workspace

if TYPE_CHECKING:
    from crmreport.produce.attempts import Attempt

DueOption = Annotated[bool, typer.Option("--due", help="The reports that run --period due would make.")]


def list_(due: DueOption = False, json: Json = False) -> None:
    """List clients, and chapters with parameters; or the reports that are due.

    A month is due from the day after it ends, in the client's time zone, until a complete report of
    it is published; schedule: in client.yml says more. Whether its data are there shows when it is run.
    Where a client's file is not usable, --due lists what is due of the others, and ends with the exit
    code that run ends with: 2.

    \b
    Example:
      crmreport list
      crmreport list --due
      crmreport list --json
    """
    workspace = Workspace.find()
    if due:
        _list_due(workspace, json=json)
        return
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


def _list_due(workspace: Workspace, *, json: bool) -> None:
    from crmreport.config_file import load_client
    from crmreport.produce.attempts import read_attempts
    from crmreport.produce.due import due_periods, made_reports

    now = clock.now()
    attempts = read_attempts(workspace)
    due: list[dict[str, Any]] = []
    skipped: list[dict[str, str]] = []
    unusable: list[dict[str, str]] = []
    failure = 0
    for file in sorted((workspace.root / "clients").glob("*/client.yml")):
        name = file.parent.name
        try:
            client = load_client(file)
        except CrmReportError as error:
            unusable.append({"client": name, "error": str(error).splitlines()[0]})
            failure = failure or error.exit_code
            complain(name, error)
            continue
        if not client.scheduled_reports:
            skipped.append({"client": name, "reason": "schedule.reports in client.yml is empty"})
        elif reason := not_begun(workspace, client):
            skipped.append({"client": name, "reason": reason})
        else:
            due += [
                {
                    "client": d.client,
                    "period": d.period,
                    "report": d.report,
                    "due_since": d.due_since.isoformat(),
                    "last": _last(d.last),
                }
                for d in due_periods(client, now=now, made=made_reports(workspace, name), attempts=attempts)
            ]
    if json:
        say_json({"now": now.isoformat(), "due": due, "skipped": skipped, "unusable": unusable})
    else:
        _print_due(due, skipped)
    if failure:
        raise typer.Exit(failure)


def _print_due(due: list[dict[str, Any]], skipped: list[dict[str, str]]) -> None:
    if due:
        rows = [[d["client"], d["period"], d["report"], d["due_since"], _told(d["last"])] for d in due]
        say_table(["client", "month", "report", "due since", "last try"], rows)
    else:
        say("nothing is due")
    for each in skipped:
        say(f"left out: {each['client']}: {each['reason']}")


def _last(attempt: Attempt | None) -> dict[str, Any] | None:
    if attempt is None:
        return None
    return {
        "status": attempt.status,
        "exit_code": attempt.exit_code,
        "error": attempt.error,
        "started_at": attempt.started_at,
    }


def _told(last: dict[str, Any] | None) -> str:
    if last is None:
        return "never"
    reason = f": {last['error']}" if last["error"] else ""
    return f"{last['status']} {last['started_at'][:10]}{reason}"


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
    from crmreport.produce.planning.declare import load_chapter

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
