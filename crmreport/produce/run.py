"""The run: reads like the table of contents of this package."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, cast

from crmreport.config import Client, Language
from crmreport.config_file import load_client
from crmreport.errors import ConfigError, RunError
from crmreport.intake import open_store
from crmreport.produce import ChapterRun, Progress, Published, publish
from crmreport.produce.execute import Outcome, Task, execute, worker_context
from crmreport.produce.plan import Cache, Plan, Step, make_plan, read_chapters
from crmreport.produce.provenance import Provenance
from crmreport.produce.record import ListCount, make_provenance, make_record
from crmreport.report import client_segments, client_words
from crmreport.workspace import HOME_VARIABLE, Workspace

if TYPE_CHECKING:
    from crmreport.produce.book import Book

Tell = Callable[[Progress], None]


class _Clock:
    """Seconds per stage, for the record; no number of the report comes from it."""

    def __init__(self) -> None:
        self.timings: dict[str, float] = {}
        self._began = self._lap = monotonic()

    def lap(self, stage: str) -> None:
        now = monotonic()
        self.timings[stage] = round(now - self._lap, 3)
        self._lap = now

    def stop(self) -> dict[str, float]:
        self.timings["total"] = round(monotonic() - self._began, 3)
        return self.timings


def run(
    workspace: Workspace,
    client_id: str,
    period_name: str,
    *,
    report: str,
    languages: Sequence[str] | None,
    progress: Tell,
) -> Published:
    """See :func:`crmreport.produce.run_report`."""
    clock = _Clock()
    client = load_client(workspace.client_file(client_id))
    period = client.period(period_name)
    spoken = _languages(client, languages)
    chapters = read_chapters(workspace, client, report)
    client_segments(client, workspace)
    clock.lap("plan")

    progress(Progress("intake", 0, 1))
    store = open_store(workspace, client)
    store.report.require(period)
    progress(Progress("intake", 1, 1))
    clock.lap("intake")

    plan = make_plan(
        workspace,
        client,
        period,
        report=report,
        languages=spoken,
        chapters=chapters,
        tables=store.tables,
        inputs=store.report.inputs,
    )
    folder = publish.target(workspace, client_id, period.name, report)
    publish.recover(workspace, folder)
    if record := publish.published(folder, plan.key):
        runs = tuple(
            ChapterRun(c["chapter"], c["status"], True, 0.0, c["reason"]) for c in record["chapters"]
        )
        return Published(folder, runs, clock.stop(), True, {})

    with publish.staging(workspace, client_id, period.name) as stage:
        cache = Cache(workspace.reports / ".cache" / client_id)
        runs, outcomes = _chapters(workspace, plan, cache, stage, progress)
        clock.lap("chapters")
        partial = any(r.status == "failed" for r in runs)
        provenance = make_provenance(plan, store.report)
        books, pages, lists = _book(workspace, plan, stage, runs, provenance, progress, clock, partial)
        record = make_record(
            plan,
            runs,
            outcomes,
            provenance,
            books=books,
            lists=lists,
            store=store.path.name,
            timings=clock.stop(),
        )
        publish.write_record(stage, record)
        if partial:
            _publish_partial(workspace, stage, folder, plan, runs)
        publish.swap_in(workspace, stage, folder)
    clock.lap("publish")
    progress(Progress("publish", 1, 1, str(folder)))
    return Published(folder, tuple(runs), clock.stop(), False, pages)


def _languages(client: Client, asked: Sequence[str] | None) -> tuple[Language, ...]:
    wanted = list(dict.fromkeys(asked)) if asked else list(client.languages)
    for language in wanted:
        if language not in client.languages:
            raise ConfigError(
                f"language {language!r} is not one of this client's: {', '.join(client.languages)}; "
                "choose one, or add it to languages in client.yml"
            )
    return tuple(cast("list[Language]", wanted))


def _chapters(
    workspace: Workspace, plan: Plan, cache: Cache, stage: Path, progress: Tell
) -> tuple[list[ChapterRun], dict[str, Outcome]]:
    """Run what has no cached result; leave every executed notebook in stage/notebooks."""
    wanted = [step for step in plan.steps if not step.missing]
    reused = {step.name for step in wanted if cache.has(step)}
    done = len(reused)
    progress(Progress("chapters", done, len(wanted)))

    def tell(outcome: Outcome) -> None:
        nonlocal done
        done += 1
        progress(Progress("chapters", done, len(wanted), outcome.chapter))

    notebooks, lists = stage / "notebooks", stage / ".lists"
    tasks = [_task(workspace, plan, step, notebooks, lists) for step in wanted if step.name not in reused]
    outcomes = {o.chapter: o for o in execute(tasks, on_done=tell)}
    runs: list[ChapterRun] = []
    for step in plan.steps:
        if step.missing:
            runs.append(ChapterRun(step.name, "skipped", False, 0.0, f"no {', '.join(step.missing)}"))
            continue
        if step.name in reused:
            notebooks.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(cache.notebook(step), notebooks / f"{step.name}.ipynb")
            shutil.copytree(cache.lists(step), lists / step.name)
            runs.append(ChapterRun(step.name, "done", True, 0.0))
            continue
        outcome = outcomes[step.name]
        if outcome.status == "done":
            cache.keep(step, notebooks / f"{step.name}.ipynb", lists / step.name)
        runs.append(
            ChapterRun(step.name, outcome.status, False, round(outcome.seconds, 3), outcome.error or "")
        )
    return runs, outcomes


def _task(workspace: Workspace, plan: Plan, step: Step, notebooks: Path, lists: Path) -> Task:
    return Task(
        chapter=step.name,
        notebook=step.chapter.notebook,
        output=notebooks / f"{step.name}.ipynb",
        lists=lists / step.name,
        parameters={
            "client": plan.client.client,
            "period": plan.period.name,
            "lang": ",".join(plan.languages),
            **step.parameters,
        },
        environment={HOME_VARIABLE: str(workspace.root), "PYTHONPATH": _package_path()},
    )


def _package_path() -> str:
    # The kernel must import the very package that planned the run, installed or not.
    here = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join(dict.fromkeys([here, *filter(None, [os.environ.get("PYTHONPATH")])]))


def _book(
    workspace: Workspace,
    plan: Plan,
    stage: Path,
    runs: list[ChapterRun],
    provenance: Provenance,
    progress: Tell,
    clock: _Clock,
    partial: bool,
) -> tuple[list[Book], dict[str, int], dict[str, ListCount]]:
    """Bind, print and write every file of the report into the stage."""
    import nbformat

    from crmreport.produce import tables
    from crmreport.produce.bind import bind
    from crmreport.produce.book import CONTACT, make_book
    from crmreport.produce.contents import write_contents
    from crmreport.produce.outputs import Executed, findings
    from crmreport.produce.outputs import tables as table_items
    from crmreport.produce.trace import trace

    executed = []
    for step, outcome in zip(plan.steps, runs, strict=True):
        path = stage / "notebooks" / f"{step.name}.ipynb"
        notebook = nbformat.read(path, as_version=4) if path.is_file() else None
        executed.append(
            Executed(step.chapter.declaration, outcome.status, notebook, outcome.reason, step.missing)
        )
    found, printed = findings(executed), table_items(executed)
    trace(found, printed)
    as_of = plan.period.as_of
    segments = client_segments(plan.client, workspace)
    spoken = {lang: client_words(plan.client, segments, lang) for lang in plan.languages}
    first = spoken[plan.languages[0]]
    counts: dict[str, ListCount] = {}
    for item in found:
        assert item.finding is not None
        source = stage / ".lists" / item.finding.chapter / f"{item.finding.id}.parquet"
        if source.is_file():
            counts[item.finding.id] = tables.write_list(
                stage / "lists",
                item.finding.id,
                source,
                words=first,
                as_of=as_of,
                title=item.text[first.lang]["title"],
                contact=item.finding.measure in CONTACT,
            )
    shutil.rmtree(stage / ".lists", ignore_errors=True)
    for item in printed:
        assert item.csv is not None
        tables.write_csv(stage / "tables" / f"{item.id}.csv", item.csv)
    clock.lap("data")

    folder = workspace.client(plan.client.client)
    books = [
        make_book(
            lang=lang,
            report=plan.report,
            client=plan.client,
            client_folder=folder,
            period=plan.period,
            chapters=executed,
            provenance=provenance,
            lists=counts,
            words=spoken[lang],
        )
        for lang in plan.languages
    ]
    stem = f"{plan.report}.partial" if partial else plan.report
    pages: dict[str, int] = {}
    files = [p.relative_to(stage).as_posix() for p in stage.rglob("*") if p.is_file()]
    progress(Progress("book", 0, len(books)))
    with ProcessPoolExecutor(min(2, len(books)), mp_context=worker_context()) as pool:
        waiting = [pool.submit(bind, book, as_of, files) for book in books]
        for book in books:
            title = f"{book.client} {book.title} {book.period}"
            tables.write_workbook(
                stage / f"tables.{book.lang}.xlsx", printed, words=book.words, as_of=as_of, title=title
            )
        for future in as_completed(waiting):
            bound = future.result()
            (stage / f"{stem}.{bound.lang}.html").write_text(bound.html, encoding="utf-8")
            (stage / f"{stem}.{bound.lang}.pdf").write_bytes(bound.pdf)
            pages[bound.lang] = bound.pages
            clock.timings[f"html.{bound.lang}"] = round(bound.html_seconds, 3)
            clock.timings[f"pdf.{bound.lang}"] = round(bound.pdf_seconds, 3)
            progress(Progress("book", len(pages), len(books), bound.lang))
    write_contents(stage, stem, books, executed, lists=counts, pages=pages)
    clock.lap("book")
    return books, pages, counts


def _publish_partial(
    workspace: Workspace, stage: Path, folder: Path, plan: Plan, runs: list[ChapterRun]
) -> None:
    place = folder / f"{plan.report}.partial"
    publish.swap_in(workspace, stage, place)
    failed = [r for r in runs if r.status == "failed"]
    first = failed[0]
    raise RunError(
        f"{len(failed)} of {len(runs)} chapters failed, first {first.chapter}: {first.reason}; "
        f"an incomplete report for your own eyes is in {place}; mend the chapter and run again"
    )
