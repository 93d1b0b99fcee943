"""``crmreport schedule``: a ready file for whatever starts things here."""

from __future__ import annotations

import getpass
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from crmreport.cli import clock
from crmreport.cli.output import note, say
from crmreport.errors import ConfigError, CrmReportError
from crmreport.workspace import Workspace

_SECRET = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def schedule(
    cron: Annotated[bool, typer.Option("--cron", help="A crontab.")] = False,
    systemd: Annotated[bool, typer.Option("--systemd", help="A systemd service and its timer.")] = False,
    airflow: Annotated[bool, typer.Option("--airflow", help="An Airflow DAG (2.10 or later, 3).")] = False,
    github: Annotated[bool, typer.Option("--github-actions", help="A GitHub Actions workflow.")] = False,
    at: Annotated[str, typer.Option("--at", help="Time of day.")] = "06:00",
    day: Annotated[
        int | None, typer.Option("--day", min=1, max=28, help="Day of the month; every day when not given.")
    ] = None,
    zone: Annotated[
        str | None, typer.Option("--zone", help="Time zone of --at; that of the clients when not given.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder to write into; printed when not given.")
    ] = None,
) -> None:
    """Write what makes a scheduler run crmreport: all reports that are due, of all clients.

    Run every day, it makes each month once, as soon as the month's data are there, and makes up for
    days on which nothing ran. The files hold the full paths of this installation. Nothing is put in
    place: how to do that stands at the top of each file.

    \b
    Example:
      crmreport schedule --cron
      crmreport schedule --systemd --at 05:30 --output /tmp
      crmreport schedule --airflow --zone Asia/Tokyo --output ~/airflow/dags
      crmreport schedule --github-actions --day 2 --output .github/workflows
    """
    if [cron, systemd, airflow, github].count(True) != 1:
        raise ConfigError("which scheduler? say one of --cron, --systemd, --airflow and --github-actions")
    from crmreport.cli import schedule_files as files

    workspace = Workspace.find()
    times = files.Times.parse(at, day=day, zone=zone or _clients_zone(workspace))
    place = files.Installation(
        workspace.root,
        _program(),
        getpass.getuser(),
        _secrets(workspace),
        databases=any(_asks_a_database(client) for client in _client_files(workspace)),
    )
    if cron:
        made = files.cron(place, times)
    elif systemd:
        made = files.systemd(place, times)
    elif airflow:
        made = files.airflow(place, times)
    else:
        made = files.github_actions(place, times, clock.now())
    if output is None:
        for name, text in made.items():
            if len(made) > 1:
                say(f"# ---- {name}")
            say(text.rstrip("\n"))
        return
    _write(output, made)


def _write(folder: Path, made: dict[str, str]) -> None:
    for name, text in made.items():
        path = folder / name
        try:
            if path.exists() and path.read_bytes() != text.encode():
                raise ConfigError(f"{path} is there already and says something else; remove or rename it")
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}; choose a folder you may write into") from None
        say(str(path))
    note("how to put it in place stands at the top of the file")


def _program() -> tuple[str, ...]:
    script = Path(sys.executable).with_name("crmreport")
    return (str(script),) if script.is_file() else (sys.executable, "-m", "crmreport")


def _client_files(workspace: Workspace) -> Iterator[dict[str, Any]]:
    # As written, not as checked: a secret need not be set here and now.
    from crmreport.yaml_file import read_yaml

    for path in sorted((workspace.root / "clients").glob("*/client.yml")):
        try:
            yield read_yaml(path).value
        except CrmReportError as error:
            note(f"not looked at: {error}")


def _clients_zone(workspace: Workspace) -> str:
    from crmreport.config import Client

    usual = Client.model_fields["timezone"].default
    zones = sorted({str(client.get("timezone", usual)) for client in _client_files(workspace)})
    if len(zones) != 1:
        found = f"the clients are in {', '.join(zones)}" if zones else "there is no client yet"
        raise ConfigError(f"which time zone? {found}; say one with --zone, such as --zone Asia/Tokyo")
    return zones[0]


def _secrets(workspace: Workspace) -> tuple[str, ...]:
    def names(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list):
            for item in value:
                yield from names(item)
        elif isinstance(value, str):
            yield from _SECRET.findall(value)

    return tuple(sorted({name for client in _client_files(workspace) for name in names(client)}))


def _asks_a_database(client: dict[str, Any]) -> bool:
    tables = client.get("sources")
    sources = [s for each in (tables.values() if isinstance(tables, dict) else ()) for s in each or ()]
    return any("connection" in source for source in sources if isinstance(source, dict))
