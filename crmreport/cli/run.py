"""``crmreport run``: make reports, one client after the other."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crmreport.cli.files import not_begun, refuse_missing_demo
from crmreport.cli.options import Clients, DryRun, Json, Languages
from crmreport.cli.output import note, say, say_json
from crmreport.cli.progress import shown
from crmreport.errors import ConfigError, CrmReportError
from crmreport.workspace import Workspace

if TYPE_CHECKING:
    from crmreport.config import Client
    from crmreport.produce import Published

LAST_MONTH = "last-month"


def run(
    period: Annotated[
        str,
        typer.Option(
            "--period",
            "-p",
            help="2026-10, 2026-Q3, FY2026, 2026-04-01..2026-09-30, or last-month "
            "(the month that ended before today in the client's time zone).",
        ),
    ],
    client: Clients = None,
    every: Annotated[bool, typer.Option("--all", help="All clients.")] = False,
    report: Annotated[str, typer.Option("--report", "-r", help="A report of client.yml.")] = "assessment",
    lang: Languages = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Make reports for a period.

    HTML, PDF, tables and action lists go into reports/CLIENT/PERIOD/.
    A run replaces the whole report: made with --lang ja it has no English files any more.
    What has not changed since the last run is not made again. When one of several clients
    fails, the others go on; the exit code is that of the first failure. --all skips a client
    none of whose files is there yet.

    \b
    Example:
      crmreport run --client demo --period 2026-10
      crmreport run --client demo --period 2026-10 --report monthly --lang ja
      crmreport run --all --period last-month --json
    """
    workspace = Workspace.find()
    asked = _clients(workspace, client, every)
    results: list[dict[str, Any]] = []
    failure = 0
    for client_id in asked:
        try:
            if every and (reason := _skipped(workspace, client_id)):
                results.append({"client": client_id, "skipped": reason})
                note(f"skipped: {client_id}: {reason}")
                continue
            results.append(
                run_one(
                    workspace, client_id, period, report, split_languages(lang), dry_run=dry_run, json=json
                )
            )
        except CrmReportError as error:
            if len(asked) == 1:
                raise
            failure = failure or error.exit_code
            results.append({"client": client_id, "error": str(error), "exit_code": error.exit_code})
            for line in str(error).splitlines():
                note(f"error: {client_id}: {line}")
    if json:
        say_json({"reports": results})
    if failure:
        raise typer.Exit(failure)


def run_one(
    workspace: Workspace,
    client_id: str,
    period: str,
    report: str,
    languages: list[str] | None,
    *,
    dry_run: bool,
    json: bool,
) -> dict[str, Any]:
    """Make, or plan, one client's report; print it unless JSON is wanted, and return it as a record."""
    from crmreport.config_file import load_client

    settings = load_client(workspace.client_file(client_id))
    name = _last_month(settings) if period == LAST_MONTH else settings.period(period).name
    if dry_run:
        plan = _plan(workspace, settings, name, report, languages)
        if not json:
            _print_plan(plan)
        return plan
    from crmreport.produce import run_report

    refuse_missing_demo(workspace, settings)
    with shown(f"{client_id} {name}", quiet=json) as progress:
        published = run_report(
            workspace, client_id, name, report=report, languages=languages, progress=progress
        )
    spoken = list(dict.fromkeys(languages or settings.languages))
    record = _record(client_id, name, report, spoken, published)
    if not json:
        _print(record, published)
        if left_out := [language for language in settings.languages if language not in spoken]:
            note(
                f"the report now holds {', '.join(spoken)} only, no files in {', '.join(left_out)}; "
                "run without --lang for all languages"
            )
    return record


def split_languages(given: list[str] | None) -> list[str] | None:
    """``--lang ja,en`` says the same as ``--lang ja --lang en``."""
    return [part.strip() for text in given for part in text.split(",")] if given else None


def _clients(workspace: Workspace, given: list[str] | None, every: bool) -> list[str]:
    if bool(given) == every:
        raise ConfigError("which client? name one with --client, or say --all")
    if given:
        return list(dict.fromkeys(given))
    found = sorted(file.parent.name for file in (workspace.root / "clients").glob("*/client.yml"))
    if not found:
        raise ConfigError(f"no client in {workspace.root / 'clients'}; crmreport init makes one")
    return found


def _skipped(workspace: Workspace, client_id: str) -> str | None:
    from crmreport.config_file import load_client

    return not_begun(workspace, load_client(workspace.client_file(client_id)))


def _last_month(settings: Client) -> str:
    # The one place that looks at the clock: a scheduler asks for "the month that just ended".
    today = datetime.now(settings.zone).date()
    return settings.period(f"{today:%Y-%m}").previous().name


def _plan(
    workspace: Workspace, settings: Client, period: str, report: str, languages: list[str] | None
) -> dict[str, Any]:
    from crmreport.produce.plan import read_chapters

    unknown = [language for language in languages or [] if language not in settings.languages]
    if unknown:
        raise ConfigError(
            f"language {unknown[0]!r} is not one of {', '.join(settings.languages)}; choose one"
        )
    span = settings.period(period)
    return {
        "client": settings.client,
        "period": period,
        "start": span.start.isoformat(),
        "as_of": span.as_of.isoformat(),
        "report": report,
        "languages": languages or settings.languages,
        "folder": str(workspace.reports / settings.client / period),
        "chapters": [
            {"chapter": chapter.name, "parameters": parameters}
            for chapter, parameters in read_chapters(workspace, settings, report)
        ],
    }


def _print_plan(plan: dict[str, Any]) -> None:
    say(f"would make {plan['report']} of {plan['client']} for {plan['start']} to {plan['as_of']}")
    say(f"  languages: {', '.join(plan['languages'])}")
    for step in plan["chapters"]:
        values = ", ".join(f"{k}={v}" for k, v in step["parameters"].items())
        say(f"  chapter {step['chapter']} {values}".rstrip())
    say(f"  into {plan['folder']}")


def _record(
    client_id: str, period: str, report: str, languages: list[str], published: Published
) -> dict[str, Any]:
    return {
        "client": client_id,
        "period": period,
        "report": report,
        "languages": languages,
        "folder": str(published.path),
        "files": sorted(f.name for f in published.path.iterdir() if f.suffix in (".html", ".pdf")),
        "unchanged": published.reused,
        "chapters": [
            {
                "chapter": c.chapter,
                "status": c.status,
                "reused": c.reused,
                "seconds": c.seconds,
                "reason": c.reason,
            }
            for c in published.chapters
        ],
        "pages": published.pages,
        "timings": published.timings,
    }


def _print(record: dict[str, Any], published: Published) -> None:
    verb = "is as it was" if published.reused else "is made"
    seconds = published.timings.get("total", 0.0)
    say(f"{record['report']} of {record['client']} for {record['period']} {verb} ({seconds:.1f} s)")
    for chapter in published.chapters:
        if chapter.status != "done":
            say(f"  {chapter.chapter} {chapter.status}: {chapter.reason}")
    for name in record["files"]:
        say(f"  {near(published.path / name)}")


def near(path: Path) -> Path:
    """The path as one would type it from here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
