"""``crmreport run``: make reports, side by side."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from crmreport.cli import clock
from crmreport.cli.options import Clients, DryRun, Json, Languages
from crmreport.cli.orders import clients_of, read_orders, unfinished
from crmreport.cli.output import complain, note, say, say_json
from crmreport.cli.plan import plan_all
from crmreport.cli.progress import shown
from crmreport.cli.summary import print_summary
from crmreport.errors import CrmReportError, NotDeliveredError
from crmreport.produce import Limits, Order, Result
from crmreport.workspace import Workspace

_GIB = 1024**3
_CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

Jobs = Annotated[
    int, typer.Option("--jobs", "-j", min=1, show_default="one per core", help="Chapters run at a time.")
]
Timeout = Annotated[
    float | None, typer.Option("--timeout", min=0, help="Minutes one report may take; no limit by default.")
]
CellTimeout = Annotated[
    float, typer.Option("--cell-timeout", min=0, help="Minutes one cell of a chapter may take.")
]
Memory = Annotated[
    float | None,
    typer.Option("--memory", min=0, help="GB a chapter may hold; by default 90 % of the machine's ÷ jobs."),
]


def run(
    period: Annotated[
        list[str],
        typer.Option(
            "--period",
            "-p",
            help="2026-10, 2026-Q3, FY2026, 2026-04-01..2026-09-30; last-month (the month that ended "
            "before today in the client's time zone); due (every scheduled month not made yet). "
            "May be repeated.",
        ),
    ],
    client: Clients = None,
    every: Annotated[bool, typer.Option("--all", help="All clients.")] = False,
    report: Annotated[
        list[str] | None,
        typer.Option(
            "--report",
            "-r",
            help="A report of client.yml; may be repeated. assessment by default; "
            "with --period due those of the client's schedule.",
        ),
    ] = None,
    lang: Languages = None,
    jobs: Jobs = _CORES,
    timeout: Timeout = None,
    cell_timeout: CellTimeout = 10,
    memory: Memory = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Make only what failed, was stopped or is missing.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Make again also what has not changed.")] = False,
    dry_run: DryRun = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say what would be made again, and why; make nothing.")
    ] = False,
    json: Json = False,
    events: Annotated[
        bool, typer.Option("--events", help="Progress as one JSON object a line, on stderr.")
    ] = False,
) -> None:
    """Make reports for a period.

    HTML, PDF, tables and action lists go into reports/CLIENT/PERIOD/, and reports/index.html lists
    all reports. A run replaces the whole report: made with --lang ja it has no English files any more.
    What has not changed since the last run is not made again. When one of several reports fails, the
    others go on; the exit code is that of the first failure. --all skips a client none of whose files
    is there yet. A due month whose data are not there yet is left for the next run. A client's databases
    are asked once in a run; --dry-run and --explain ask none, the latter looks at the last answers.

    \b
    Example:
      crmreport run --client demo --period 2026-10
      crmreport run --client demo --period 2026-09 --period 2026-10 --report monthly --lang ja
      crmreport run --all --period due --jobs 4 --json
      crmreport run --all --period last-month --explain
    """
    workspace = Workspace.find()
    names = clients_of(workspace, client, every=every)
    asked = read_orders(
        workspace,
        names,
        periods=list(dict.fromkeys(period)),
        reports=list(dict.fromkeys(report or [])),
        languages=split_languages(lang) or [],
        every=every,
        now=clock.now(),
        look_at_files=not dry_run,
    )
    if len(names) == 1 and asked.refused:
        raise next(iter(asked.refused.values()))
    records: list[dict[str, Any]] = []
    for name, reason in asked.skipped.items():
        records.append({"client": name, "skipped": reason})
        note(f"skipped: {name}: {reason}")
    failure = 0
    for name, error in asked.refused.items():
        records.append({"client": name, "error": str(error), "exit_code": error.exit_code})
        failure = failure or error.exit_code
        complain(name, error)
    orders = unfinished(workspace, asked.orders) if resume else asked.orders
    if not orders and not records:
        note("nothing is left to do" if resume else "nothing is due")
    if dry_run or explain:
        planned, code = plan_all(workspace, orders, explain=explain, json=json)
        records += planned
        failure = failure or code
    else:
        limits = Limits(
            jobs=jobs,
            memory=int(memory * _GIB) if memory else None,
            timeout=timeout * 60 if timeout else None,
            cell_timeout=max(1, int(cell_timeout * 60)),
        )
        made, code = make(
            workspace,
            orders,
            limits=limits,
            force=force,
            json=json,
            events=events,
            not_usable=len(asked.refused),
        )
        records += made
        failure = failure or code
    if json:
        say_json({"reports": records})
    if failure:
        raise typer.Exit(failure)


def make(
    workspace: Workspace,
    orders: Sequence[Order],
    *,
    limits: Limits | None = None,
    force: bool = False,
    json: bool = False,
    events: bool = False,
    not_usable: int = 0,
) -> tuple[list[dict[str, Any]], int]:
    """Make reports and say how each ended.

    Args:
        not_usable: Clients that were asked for and have no order, as their file cannot be read.

    Returns:
        One record per order, and the exit code: that of the first failure.

    Raises:
        CrmReportError: The only report that was ordered failed.
    """
    from crmreport.produce import run_reports

    with shown(orders, quiet=json and not events, events=events) as (progress, done):
        results = run_reports(workspace, orders, limits=limits, force=force, progress=progress, done=done)
    if len(results) == 1 and results[0].error and not _waits(results[0]):
        raise results[0].error
    failure = 0
    for result in results:
        if result.error and not _waits(result):
            failure = failure or getattr(result.error, "exit_code", CrmReportError.exit_code)
            complain(result.order.label, result.error)
        elif result.error:
            note(f"waits: {result.order.label}: {result.error}")
        elif not json:
            _print(result, alone=len(results) == 1)
    if not json:
        print_summary(results, not_usable=not_usable)
    return [_record(result) for result in results], failure


def split_languages(given: list[str] | None) -> list[str] | None:
    """``--lang ja,en`` says the same as ``--lang ja --lang en``."""
    return [part.strip() for text in given for part in text.split(",")] if given else None


def _waits(result: Result) -> bool:
    return isinstance(result.error, NotDeliveredError)


def _record(result: Result) -> dict[str, Any]:
    order, published = result.order, result.published
    record: dict[str, Any] = {"client": order.client, "period": order.period, "report": order.report}
    if published is None:
        if _waits(result):
            return {**record, "waiting": str(result.error)}
        code = getattr(result.error, "exit_code", CrmReportError.exit_code)
        return {**record, "error": str(result.error), "exit_code": code, "seconds": result.seconds}
    return {
        **record,
        "languages": list(published.languages),
        "folder": str(published.path),
        "files": _pages(published.path),
        "unchanged": published.reused,
        "chapters": [
            {
                "chapter": c.chapter,
                "status": c.status,
                "reused": c.reused,
                "seconds": c.seconds,
                "reason": c.reason,
                "memory": c.memory,
            }
            for c in published.chapters
        ],
        "pages": published.pages,
        "timings": published.timings,
        "seconds": result.seconds,
    }


def _pages(folder: Path) -> list[str]:
    return sorted(f.name for f in folder.iterdir() if f.suffix in (".html", ".pdf"))


def _print(result: Result, *, alone: bool) -> None:
    order, published = result.order, result.published
    assert published is not None
    verb = "is as it was" if published.reused else "is made"
    say(f"{order.report} of {order.client} for {order.period} {verb} ({result.seconds:.1f} s)")
    if published.reused and not alone:
        # In a night's log the files nobody made would hide the line that matters.
        return
    for chapter in published.chapters:
        if chapter.status != "done":
            say(f"  {chapter.chapter} {chapter.status}: {chapter.reason}")
    for name in _pages(published.path):
        say(f"  {near(published.path / name)}")
    if published.left_out:
        note(
            f"the report now holds {', '.join(published.languages)} only, "
            f"no files in {', '.join(published.left_out)}; run without --lang for all languages"
        )


def near(path: Path) -> Path:
    """The path as one would type it from here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
