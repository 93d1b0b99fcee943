"""``crmreport diff``: what differs between two reports in numbers, and why."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crmreport.cli.options import Json
from crmreport.cli.output import note, say, say_json, say_table
from crmreport.errors import ConfigError, RunError
from crmreport.workspace import Workspace

if TYPE_CHECKING:
    from crmreport.config import Language
    from crmreport.produce.diff.compare import Diff
    from crmreport.produce.diff.side import Side
    from crmreport.produce.diff.words import View

_CELLS = 4
_DIFFERENT = 1


def diff(
    before: Annotated[str, typer.Argument(help="A report's folder, or a period of --client.")],
    after: Annotated[str, typer.Argument(help="The folder, or the period, to compare it with.")],
    client: Annotated[
        str | None, typer.Option("--client", "-c", help="Compare two periods of this client.")
    ] = None,
    report: Annotated[
        str, typer.Option("--report", "-r", help="A report of client.yml; goes with --client.")
    ] = "assessment",
    lang: Annotated[
        str | None,
        typer.Option(
            "--lang", "-l", help="ja or en; else English as text, the report's first language as HTML."
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write a page for reading into this file.")
    ] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 1 when the reports differ, with 0 when not.")
    ] = False,
    json: Json = False,
) -> None:
    """Say what differs between two reports, and why.

    Key figures, headlines, findings, every table joined on its key, and the rows read; beside them
    the recorded causes: data, client settings, period, parameters, chapters, package, environment,
    template. Text shows the most moved values of each table, JSON all of them. When and how fast the
    reports were made is no difference.

    \b
    Example:
      crmreport diff --client demo 2026-09 2026-10
      crmreport diff --client demo 2026-09 2026-10 --html diff.html --lang ja
      crmreport diff saved/2026-10 reports/demo/2026-10 --json --exit-code
    """
    from crmreport.produce.diff.compare import diff as compared

    spoken = _language(lang)
    found = compared(*_folders(before, after, client, report))
    if json:
        say_json(_record(found))
    elif html is None:
        from crmreport.produce.diff.words import view

        _print(view(found, spoken or "en", most_cells=_CELLS))
    if html is not None:
        _write_page(html, found, spoken)
    if exit_code and not found.same:
        raise typer.Exit(_DIFFERENT)


def _language(lang: str | None) -> Language | None:
    if lang is None or lang == "ja" or lang == "en":
        return lang
    raise ConfigError(f"language {lang!r} is not one of ja, en; choose one")


def _folders(before: str, after: str, client: str | None, report: str) -> tuple[Path, Path]:
    if client is None:
        return Path(before), Path(after)
    from crmreport.config_file import load_client
    from crmreport.produce.publish import target

    workspace = Workspace.find()
    settings = load_client(workspace.client_file(client))
    first, second = (
        target(workspace, client, settings.period(period).name, report) for period in (before, after)
    )
    return first, second


def _write_page(path: Path, found: Diff, spoken: Language | None) -> None:
    from crmreport.produce.diff.page import diff_page

    text = diff_page(found, spoken or found.b.record["languages"][0])
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({error.strerror}); choose another file") from None
    note(f"wrote {path}")


def _print(view: View) -> None:
    def head(key: str) -> None:
        say()
        say(view.heads[f"section.{key}"])

    say(view.between)
    say(view.verdict)
    if view.why:
        head("why")
        for line in view.why:
            say(f"  {line}")
    for line in view.warnings:
        say()
        say(line)
    columns = ["", *(view.heads[f"column.{name}"] for name in ("before", "after", "change"))]
    if view.kpis:
        head("kpis")
        say_table(columns, [(f"  {name}", *rest) for name, *rest in view.kpis], numbers=(1, 2, 3))
    if view.headlines:
        head("headlines")
        for chapter, before, after in view.headlines:
            say(f"  {chapter}")
            say(f"    - {before}")
            say(f"    + {after}")
    if view.findings:
        head("findings")
        for story in view.findings:
            say(f"  {story.title} ({'; '.join((story.fate, *story.notes))})")
            for mark, text in (("-", story.before), ("+", story.after)):
                if text:
                    say(f"    {mark} {text}")
    if view.tables:
        head("tables")
        for table in view.tables:
            say(f"  {table.title} [{table.id}]: {'; '.join(table.notes)}")
            if table.rows:
                rows = [(f"    {row}", *rest) for row, *rest in table.rows]
                say_table(["", "", *columns[1:]], rows, numbers=(2, 3, 4))
    if view.counts:
        head("counts")
        say_table(columns, [(f"  {name}", *rest) for name, *rest in view.counts], numbers=(1, 2, 3))
    if view.files and not (view.tables or view.findings):
        head("files")
        for path in view.files:
            say(f"  {path}")


def _record(found: Diff) -> dict[str, Any]:
    """The whole difference for machines; the two reports by name only."""
    return {
        "same": found.same,
        "same_numbers": found.same_numbers,
        "before": _side(found.a),
        "after": _side(found.b),
        "causes": [{**asdict(cause), "text": str(cause)} for cause in found.causes],
        "unexplained": found.unexplained,
        "kpis": [asdict(kpi) for kpi in found.kpis],
        "headlines": [
            {"chapter": h.chapter, "status": h.status, "before": h.before, "after": h.after}
            for h in found.headlines
        ],
        "findings": [
            {
                "id": f.id,
                "chapter": f.chapter,
                "fate": f.fate,
                "before": asdict(f.before) if f.before else None,
                "after": asdict(f.after) if f.after else None,
                "facts": {name: {"before": v[0], "after": v[1]} for name, v in f.facts.items()},
                "causes": [str(cause) for cause in f.causes],
            }
            for f in found.findings
        ],
        "tables": [
            {
                "id": t.id,
                "chapter": t.chapter,
                "fate": t.fate,
                "weight": t.weight,
                "cells": [asdict(cell) for cell in t.cells],
                "rows_new": t.rows_new,
                "rows_gone": t.rows_gone,
                "columns_new": t.columns_new,
                "columns_gone": t.columns_gone,
                "causes": [str(cause) for cause in t.causes],
            }
            for t in found.tables
        ],
        "counts": [asdict(count) for count in found.counts],
        "files": found.files,
    }


def _side(side: Side) -> dict[str, Any]:
    kept = {name: side.record[name] for name in ("client", "period", "report", "key")}
    return {"folder": str(side.folder), **kept}
