"""``crmreport verify``: is a published report still what its record says?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crmreport.cli.options import Clients, Json
from crmreport.cli.output import say, say_json
from crmreport.errors import ConfigError, RunError
from crmreport.workspace import Workspace, slug

if TYPE_CHECKING:
    from crmreport.produce.records.verify import Verification


def verify(
    folder: Annotated[
        list[Path] | None, typer.Argument(help="Report folders; instead of --client or --all.")
    ] = None,
    client: Clients = None,
    every: Annotated[bool, typer.Option("--all", help="All clients.")] = False,
    period: Annotated[
        str | None, typer.Option("--period", "-p", help="This period only, such as 2026-10; else every one.")
    ] = None,
    report: Annotated[
        str, typer.Option("--report", "-r", help="A report of client.yml; goes with --period.")
    ] = "assessment",
    inputs: Annotated[
        bool, typer.Option("--inputs", help="Fail, too, when the client's files have changed since.")
    ] = False,
    json: Json = False,
) -> None:
    """Compare published reports with their record, run.json.

    Every file is read again and compared byte for byte; files that are missing, were added or are
    links are told, and so is an edited run.json. That the client's files have changed since the
    report was made is told, and is no failure unless --inputs is given; so are rows that crmreport
    forget took out.

    Exit code 0: all is as recorded; 4: it is not, with one line per problem.

    \b
    Example:
      crmreport verify --client demo --period 2026-10
      crmreport verify --all --json
      crmreport verify reports/demo/2026-10 --inputs
    """
    from crmreport.produce.records.verify import verify as verified

    if bool(folder) + bool(client) + every != 1:
        raise ConfigError("which reports? name folders, or --client, or say --all")
    if folder and period:
        raise ConfigError("a folder is one report of one period; leave out --period")
    workspace = _workspace(folder)
    places = folder or _places(workspace, client, period, report)
    found = [verified(place, workspace=workspace) for place in places]
    failed = [v for v in found if not v.ok or (inputs and v.remarks)]
    if json:
        say_json({"ok": not failed, "reports": [_record(v, v not in failed) for v in found]})
    else:
        for verification in found:
            _print(verification, inputs=inputs)
    if failed:
        raise typer.Exit(RunError.exit_code)


def _workspace(folders: list[Path] | None) -> Workspace | None:
    if not folders:
        return Workspace.find()
    try:
        return Workspace.find()
    except ConfigError:
        # A folder that was sent somewhere can be verified there.
        return None


def _places(
    workspace: Workspace | None, clients: list[str] | None, period: str | None, report: str
) -> list[Path]:
    from crmreport.config_file import load_client
    from crmreport.produce.publish import target

    assert workspace is not None
    known = sorted(p.name for p in workspace.reports.glob("[!.]*") if p.is_dir())
    places: list[Path] = []
    for name in clients or known:
        home = workspace.reports / slug(name, "client")
        if not home.is_dir():
            # A name nobody knows is told apart from a client without reports.
            load_client(workspace.client_file(name), reports=False)
        if period is None:
            places += sorted(p for p in home.glob("[!.]*") if p.is_dir())
            continue
        place = target(workspace, name, load_client(workspace.client_file(name)).period(period).name, report)
        if clients or place.is_dir():
            places.append(place)
    if not places:
        raise ConfigError(f"no published report in {workspace.reports}; crmreport run makes one")
    return places


def _name(verification: Verification) -> str:
    return "/".join(verification.folder.resolve().parts[-2:])


def _print(verification: Verification, *, inputs: bool) -> None:
    name = _name(verification)
    for problem in verification.problems:
        say(f"{name}: {problem}")
    for remark in verification.remarks:
        say(f"{name}: {'' if inputs else 'made from other data: '}{remark}")
    for stray in verification.strays:
        say(f"{name}: {stray}")
    for taken in verification.taken_out:
        say(f"{name}: {taken}")
    if verification.ok:
        say(f"{name}: {verification.files} files as recorded")


def _record(verification: Verification, ok: bool) -> dict[str, Any]:
    return {
        "folder": str(verification.folder),
        "client": verification.client,
        "period": verification.period,
        "report": verification.report,
        "key": verification.key,
        "ok": ok,
        "files": verification.files,
        "problems": [{"path": p.path, "what": p.what} for p in verification.problems],
        "inputs_changed": [{"path": r.path, "what": r.what} for r in verification.remarks],
        "strays": [s.path for s in verification.strays],
        "taken_out": [asdict(t) for t in verification.taken_out],
    }
