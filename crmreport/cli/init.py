"""``crmreport init``: a client file from the client's files."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from crmreport.cli.options import DryRun, Json
from crmreport.cli.output import say, say_json
from crmreport.errors import ConfigError
from crmreport.workspace import Workspace

if TYPE_CHECKING:
    from crmreport.scaffold import Answers, Sources


def init(
    client: Annotated[str, typer.Argument(help="Folder name under clients/: a-z, 0-9, _ and -.")],
    name_ja: Annotated[str | None, typer.Option(help="The client's name in Japanese.")] = None,
    name_en: Annotated[str | None, typer.Option(help="The client's name in English.")] = None,
    currency: Annotated[str | None, typer.Option(help="Three capitals, such as JPY.")] = None,
    timezone: Annotated[str | None, typer.Option(help="Such as Asia/Tokyo.")] = None,
    tax_included: Annotated[
        bool | None, typer.Option("--tax-included/--tax-excluded", help="Whether amounts include tax.")
    ] = None,
    empty: Annotated[
        bool, typer.Option("--empty", help="Write one to be filled in by hand, without any data.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing client.yml.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Write a client file by looking at its data.

    Put the files into clients/CLIENT/data/ first. Usual Japanese and English headers are
    recognised. On a terminal it asks what no file can say; elsewhere that is left in the
    file as lines marked TODO.

    \b
    Example:
      crmreport init shop
      crmreport init shop --name-ja 店 --name-en Shop --currency JPY --tax-included
    """
    from crmreport.scaffold import Answers, draft, refuse_to_overwrite, write

    workspace = Workspace.find()
    refuse_to_overwrite(workspace, client, overwrite=overwrite)
    sources = _look(workspace, client, empty=empty)
    answers = Answers(
        name_ja, name_en, currency, timezone, sources.tax_included if tax_included is None else tax_included
    )
    if sys.stdin.isatty() and sys.stdout.isatty() and not json:
        answers = _ask(answers)
    scaffold = draft(client, sources, answers)
    path = workspace.client_file(client)
    if not dry_run:
        path = write(workspace, client, scaffold, overwrite=overwrite)
    if json:
        say_json({"file": str(path), "written": not dry_run, "todo": scaffold.todo, "text": scaffold.text})
        return
    say(scaffold.text if dry_run else f"wrote {path}")
    for item in scaffold.todo:
        say(f"TODO {item}")
    if scaffold.todo:
        say(f"Fill in the {len(scaffold.todo)} lines marked TODO in client.yml, then:")
    say(f"  crmreport check --client {client}")


def _ask(given: Answers) -> Answers:
    from crmreport.scaffold import Answers

    return Answers(
        name_ja=given.name_ja or typer.prompt("Name in Japanese"),
        name_en=given.name_en or typer.prompt("Name in English"),
        currency=given.currency or typer.prompt("Currency", default="JPY"),
        timezone=given.timezone or typer.prompt("Time zone", default="Asia/Tokyo"),
        tax_included=(
            typer.confirm("Do the amounts include tax?", default=True)
            if given.tax_included is None
            else given.tax_included
        ),
    )


def _look(workspace: Workspace, client: str, *, empty: bool) -> Sources:
    folder = workspace.client(client)
    if not any(p.is_file() and not p.name.startswith(".") for p in (folder / "data").rglob("*")):
        if empty:
            from crmreport.scaffold import Sources

            return Sources({})
        found = "holds no files" if (folder / "data").is_dir() else "does not exist"
        raise ConfigError(
            f"clients/{client}/data/ {found}; put the client's files there first, "
            "or say --empty for a client.yml to be filled in by hand"
        )
    # Polars is loaded only where there is something to read.
    from crmreport.intake.recognise import guess_sources
    from crmreport.scaffold import from_guesses

    return from_guesses(guess_sources(folder))
