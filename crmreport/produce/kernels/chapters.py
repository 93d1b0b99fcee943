"""The chapters of one report: taken from the cache, or run side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from time import monotonic

from crmreport.config_file import file_secrets
from crmreport.errors import RunError
from crmreport.produce import ChapterRun
from crmreport.produce.canary import foreign_in
from crmreport.produce.kernels.execute import Outcome, Task, execute
from crmreport.produce.kernels.server import package_path
from crmreport.produce.kernels.workshop import Workshop
from crmreport.produce.planning.plan import Cache, Plan, Step
from crmreport.report import STORE_VARIABLE
from crmreport.workspace import HOME_VARIABLE, Workspace


def run_chapters(
    workspace: Workspace,
    plan: Plan,
    store: str,
    stage: Path,
    workshop: Workshop,
    *,
    canaries: Mapping[str, str],
    force: bool,
    deadline: float | None,
    tell: Callable[[int, int, str], None],
    check: Callable[[], None],
) -> tuple[list[ChapterRun], dict[str, Outcome]]:
    """Run what has no cached result; leave every executed notebook in stage/notebooks.

    Args:
        store: Content key of the data the plan was made of.
        stage: The folder the report is built in.
        canaries: Word → the other client it belongs to; a chapter that holds one is not kept.
        force: Run every chapter, cached or not.
        deadline: When the report has to be over, on the monotonic clock.
        tell: Told how many chapters of how many are done, and which was the last.
        check: Called before any chapter that ran is kept; raises if the plan holds no more.

    Returns:
        What became of every chapter of the plan, in its order; the outcomes of those that ran.

    Raises:
        RunError: The report's time was over; chapters that were done before are kept.
        StoppedError: The run was stopped.
    """
    cache = Cache.of(workspace, plan)
    wanted = [step for step in plan.steps if not step.missing]
    notebooks, lists = stage / "notebooks", stage / ".lists"
    # Taken at once: while the others run, another report may push them out of the cache.
    reused = {
        step.name
        for step in wanted
        if not force and cache.take(step, notebooks / f"{step.name}.ipynb", lists / step.name)
    }
    tasks = [
        _task(workspace, plan, store, step, notebooks, lists) for step in wanted if step.name not in reused
    ]
    tell(len(reused), len(wanted), "")
    outcomes: dict[str, Outcome] = {}

    def done(outcome: Outcome) -> None:
        outcomes[outcome.chapter] = outcome
        tell(len(reused) + len(outcomes), len(wanted), outcome.chapter)

    _side_by_side(tasks, workshop, deadline, done)
    if tasks:
        check()

    runs: list[ChapterRun] = []
    for step in plan.steps:
        if step.missing:
            runs.append(ChapterRun(step.name, "skipped", False, 0.0, f"no {', '.join(step.missing)}"))
        elif step.name in reused:
            runs.append(ChapterRun(step.name, "done", True, 0.0))
        else:
            o = outcomes[step.name]
            notebook = notebooks / f"{step.name}.ipynb"
            if o.status == "done" and not foreign_in(notebook, canaries):
                cache.keep(step, notebook, lists / step.name)
            seconds = round(o.seconds, 3)
            runs.append(ChapterRun(step.name, o.status, False, seconds, o.error or "", o.memory, o.slowest))
    if deadline is not None and monotonic() > deadline:
        raise _out_of_time(workshop, list(outcomes.values()))
    return runs, outcomes


def _out_of_time(workshop: Workshop, outcomes: Sequence[Outcome]) -> RunError:
    """The report's time was over; which chapter was at work then is no fault of that chapter."""
    at = [o.out_of_time for o in outcomes if o.out_of_time]
    waiting = [o.chapter for o in outcomes if o.out_of_time == ""]
    where = "after its chapters"
    if at:
        where = f"in {' and '.join(at)}"
    elif waiting:
        where = f"before chapter {waiting[0]}"
    failed = [o for o in outcomes if o.status == "failed" and o.out_of_time is None]
    more = f"; chapter {failed[0].chapter} had failed by itself: {failed[0].error}" if failed else ""
    return workshop.out_of_time(where, more)


def _side_by_side(
    tasks: list[Task], workshop: Workshop, deadline: float | None, done: Callable[[Outcome], None]
) -> None:
    if not tasks:
        return
    with ThreadPoolExecutor(min(workshop.jobs, len(tasks))) as pool:
        waiting = [pool.submit(execute, task, workshop, deadline=deadline) for task in tasks]
        try:
            for future in as_completed(waiting):
                done(future.result())
        except BaseException:
            for future in waiting:
                future.cancel()
            raise


def _task(workspace: Workspace, plan: Plan, store: str, step: Step, notebooks: Path, lists: Path) -> Task:
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
        environment={
            HOME_VARIABLE: str(workspace.root),
            STORE_VARIABLE: store,
            "PYTHONPATH": package_path(),
            # Without them the client file would be refused in there, too.
            **file_secrets(workspace.client_file(plan.client.client)),
        },
    )
