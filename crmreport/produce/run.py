"""One report: reads like the table of contents of this package."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from time import monotonic

from crmreport.config import Client, Language
from crmreport.errors import ConfigError, DataError, NotDeliveredError, RunError, TooFewError
from crmreport.intake import Store, built_store, open_store
from crmreport.produce import ChapterRun, Order, Progress, Published, publish
from crmreport.produce.asking import Asking
from crmreport.produce.due import undelivered
from crmreport.produce.kernels.watch import KILLED
from crmreport.produce.kernels.workshop import Workshop
from crmreport.produce.lock import UNKNOWN, Holder, locked
from crmreport.produce.planning.brief import plan_brief, read_brief
from crmreport.produce.planning.ingredients import FORGOTTEN, forgotten_part
from crmreport.produce.planning.plan import Plan
from crmreport.workspace import Workspace

Tell = Callable[[Progress], None]
_THEIRS = (ConfigError, DataError, TooFewError)
"""Errors of a chapter that speak of the client's files; its kernel passes on nothing but the text."""


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


def make_report(
    workspace: Workspace,
    order: Order,
    workshop: Workshop,
    *,
    asking: Asking,
    force: bool,
    canaries: Mapping[str, str],
    progress: Tell,
) -> Published:
    """See :func:`crmreport.produce.run_report`.

    Args:
        asking: The databases this run has asked already.
        canaries: Word → the client it is planted in; the order's own client may be among them.
    """
    clock = _Clock()
    deadline = workshop.deadline()
    brief = read_brief(workspace, order)
    folder, spoken, left_out = brief.folder, brief.languages, brief.left_out
    clock.lap("plan")

    def tell(stage: str, done: int, total: int, detail: str = "") -> None:
        progress(Progress(stage, done, total, detail, workshop.watch.held))  # type: ignore[arg-type]

    def wait(holder: Holder | None, seconds: float) -> None:
        workshop.check()
        if deadline is not None and monotonic() > deadline:
            raise RunError(
                f"another run on this report still goes on after {seconds:.0f} s of waiting: "
                f"{holder or UNKNOWN}; allow more with --timeout, or see to that run"
            )

    def tell_waiting(holder: Holder | None, seconds: float) -> None:
        waited = f", waiting for {seconds:.0f} s" if seconds >= 1 else ""
        tell("waiting", 0, 1, f"{holder or UNKNOWN}{waited}")

    with locked(workspace, folder, order.label, waiting=tell_waiting, check=wait) as at_work:
        publish.recover(workspace, folder)
        tell("intake", 0, 1)
        asking.ask(workspace, brief.client, workshop, deadline, at_work)
        store = _store(workspace, brief.client, workshop, deadline, at_work)
        if order.due and (reason := undelivered(store.report, brief.period)):
            raise NotDeliveredError(reason)
        store.report.require(brief.period)
        tell("intake", 1, 1)
        clock.lap("intake")

        plan = plan_brief(workspace, brief, store)
        if not force and (record := publish.published(folder, plan.key)):
            runs = tuple(
                ChapterRun(c["chapter"], c["status"], True, 0.0, c["reason"]) for c in record["chapters"]
            )
            # Of an attempt in between, whose change was taken back.
            publish.drop_partial(workspace, folder)
            return Published(folder, runs, clock.stop(), True, {}, spoken, left_out, plan.key)

        foreign = {word: owner for word, owner in canaries.items() if owner != order.client}
        at_work()
        _prepare(workshop)
        _refuse_unjudged(plan, store, workshop, deadline)
        with publish.staging(workspace, folder) as stage:
            runs, pages = _make(
                workspace, plan, store, stage, workshop, clock, tell, foreign, force=force, deadline=deadline
            )
            partial = any(run.status == "failed" for run in runs)
            workshop.check()
            _refuse_forgotten_meanwhile(workspace, plan)
            place = publish.partial_place(workspace, folder) if partial else folder
            publish.swap_in(workspace, stage, place)
        if partial:
            raise _incomplete(runs, place)
        publish.drop_partial(workspace, folder)
        clock.lap("publish")
        tell("publish", 1, 1, str(folder))
        return Published(folder, runs, clock.stop(), False, pages, spoken, left_out, plan.key)


def _refuse_forgotten_meanwhile(workspace: Workspace, plan: Plan) -> None:
    """Raise where chapters may have read one that the others did not."""
    now = forgotten_part(workspace.client(plan.client.client))
    if now != plan.ingredients.settings.get(FORGOTTEN):
        raise RunError("a customer was forgotten while this report was made; run again")


def _store(
    workspace: Workspace,
    client: Client,
    workshop: Workshop,
    deadline: float | None,
    at_work: Callable[[], None],
) -> Store:
    if store := built_store(workspace, client):
        return store
    at_work()
    workshop.warm()
    return workshop.call_until(deadline, "reading the client's files", open_store, workspace, client)


def _refuse_unjudged(plan: Plan, store: Store, workshop: Workshop, deadline: float | None) -> None:
    """What ``crmreport check`` refuses of the campaigns, before any chapter runs that reads them."""
    if "sends" in store.tables and any(step.reads_campaigns for step in plan.steps):
        from crmreport.intake.described import refuse_unjudged

        what, sends = "comparing campaigns with what was sent", store.table("sends")
        workshop.call_until(deadline, what, refuse_unjudged, sends, plan.client.campaigns)


def _prepare(workshop: Workshop) -> None:
    """Import what makes reports while there is nothing to leave behind: a stop is not heard meanwhile."""
    workshop.warm()
    import crmreport.produce.binding.deliverables
    import crmreport.produce.kernels.chapters
    import crmreport.produce.records.record  # noqa: F401

    workshop.check()


def _make(
    workspace: Workspace,
    plan: Plan,
    store: Store,
    stage: Path,
    workshop: Workshop,
    clock: _Clock,
    tell: Callable[..., None],
    canaries: Mapping[str, str],
    *,
    force: bool,
    deadline: float | None,
) -> tuple[tuple[ChapterRun, ...], dict[str, int]]:
    """Every file of the report, into the stage."""
    from crmreport.produce.binding import deliverables
    from crmreport.produce.kernels.chapters import run_chapters
    from crmreport.produce.records.record import make_provenance, make_record
    from crmreport.report import client_segments

    client_segments(plan.client, workspace)

    runs, outcomes = run_chapters(
        workspace,
        plan,
        store.path.name,
        stage,
        workshop,
        canaries=canaries,
        force=force,
        deadline=deadline,
        tell=lambda done, total, chapter: tell("chapters", done, total, chapter),
        check=lambda: _refuse_changed(workspace, plan, store),
    )
    clock.lap("chapters")

    provenance = make_provenance(plan, store.report)
    sends = store.table("sends") if "sends" in store.tables else None
    material = deliverables.Material(workspace, plan, stage, tuple(runs), provenance, sends)
    lists = workshop.call_until(deadline, "tables and lists", deliverables.write_data, material)
    clock.lap("data")

    files = tuple(p.relative_to(stage).as_posix() for p in stage.rglob("*") if p.is_file())
    pages: dict[str, int] = {}

    def write(lang: Language) -> deliverables.Pages:
        what = f"the book ({lang})"
        return workshop.call_until(deadline, what, deliverables.write_language, material, lang, lists, files)

    tell("book", 0, len(plan.languages))
    with ThreadPoolExecutor(len(plan.languages)) as pool:
        waiting = {pool.submit(write, lang): lang for lang in plan.languages}
        for future in as_completed(waiting):
            lang, made = waiting[future], future.result()
            pages[lang] = made.pages
            clock.timings[f"html.{lang}"] = round(made.html_seconds, 3)
            clock.timings[f"pdf.{lang}"] = round(made.pdf_seconds, 3)
            tell("book", len(pages), len(plan.languages), lang)
    books = workshop.call_until(
        deadline, "the front page", deliverables.write_front, material, lists, pages, canaries
    )
    clock.lap("book")
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
    return tuple(runs), pages


def _refuse_changed(workspace: Workspace, plan: Plan, store: Store) -> None:
    # Chapters read the client file and their notebooks themselves, and later than the plan did.
    _refuse_forgotten_meanwhile(workspace, plan)
    order = Order(plan.client.client, plan.period.name, plan.report, plan.languages)
    if plan_brief(workspace, read_brief(workspace, order), store).key != plan.key:
        raise RunError(
            f"clients/{order.client}/client.yml, a file beside it, or a chapter was changed while the report "
            "was made; run again"
        )


def _incomplete(runs: Sequence[ChapterRun], place: Path) -> RunError:
    failed = [run for run in runs if run.status == "failed"]
    first = failed[0]
    return RunError(
        f"{len(failed)} of {len(runs)} chapters failed, first {first.chapter}: {first.reason}; "
        f"an incomplete report for your own eyes is in {place}; {_way_out(first.reason)} and run again"
    )


def _way_out(reason: str) -> str:
    # What the client's files hold is no fault of the chapter that read it, nor is a signal from outside.
    if any(f"{error.__name__}:" in reason for error in _THEIRS):
        return "mend what it names in client.yml or the data, not the chapter,"
    if KILLED in reason:
        return "look in the system's log who or what ended it (at want of memory fewer --jobs help)"
    if "allow more with --" in reason:
        return "allow more, or make the chapter lighter,"
    return "mend the chapter"
