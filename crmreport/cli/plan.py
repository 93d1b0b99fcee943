"""What a run would do: ``--dry-run`` and ``--explain``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from crmreport.cli import clock
from crmreport.cli.output import complain, note, say
from crmreport.errors import CrmReportError, NotDeliveredError
from crmreport.produce import Order
from crmreport.workspace import Workspace

if TYPE_CHECKING:
    from crmreport.produce.planning.brief import Brief


def plan_all(
    workspace: Workspace, orders: Sequence[Order], *, explain: bool, json: bool
) -> tuple[list[dict[str, Any]], int]:
    """Plan every order and print what would be done, as a run would say what was done.

    Args:
        explain: Read the client's files, too, and say of every chapter why it would be made again.
        json: Print nothing but what goes wrong.

    Returns:
        One record per order, and the exit code: that of the first that could not be made. A due month
        whose data are not there yet is left for another day, and no failure.

    Raises:
        CrmReportError: The only report that was ordered could not be made.
    """
    records: list[dict[str, Any]] = []
    failure = 0
    for order in orders:
        record = {"client": order.client, "period": order.period, "report": order.report}
        try:
            record = plan_of(workspace, order, explain=explain)
        except NotDeliveredError as reason:
            record["waiting"] = str(reason)
            note(f"waits: {order.label}: {reason}")
        except CrmReportError as error:
            if len(orders) == 1:
                raise
            record |= {"error": str(error), "exit_code": error.exit_code}
            failure = failure or error.exit_code
            complain(order.label, error)
        else:
            if not json:
                print_plan(record)
        records.append(record)
    return records, failure


def plan_of(workspace: Workspace, order: Order, *, explain: bool) -> dict[str, Any]:
    """The report as it would be made.

    Args:
        explain: Read the client's files, too, and say of every chapter why it would be made again.

    Raises:
        NotDeliveredError: It is due, and its data are not there yet; only with ``explain``.
        CrmReportError: It could not be made.
    """
    from crmreport.produce.planning.brief import read_brief

    brief = read_brief(workspace, order)
    span = brief.period
    plan: dict[str, Any] = {
        "client": brief.client.client,
        "period": span.name,
        "start": span.start.isoformat(),
        "as_of": span.as_of.isoformat(),
        "report": brief.report,
        "languages": list(brief.languages),
        "folder": str(brief.folder),
        "chapters": [{"chapter": c.name, "parameters": parameters} for c, parameters in brief.chapters],
    }
    if explain:
        plan["explained"] = _explained(workspace, brief, due=order.due)
    return plan


def _explained(workspace: Workspace, brief: Brief, *, due: bool) -> list[dict[str, Any]]:
    from crmreport.intake import open_store
    from crmreport.intake.described import refuse_unjudged
    from crmreport.intake.snapshot import told_ages
    from crmreport.produce.due import undelivered
    from crmreport.produce.planning.brief import plan_brief
    from crmreport.produce.planning.explain import explain
    from crmreport.produce.planning.plan import Cache
    from crmreport.produce.publish import read_record

    for line in told_ages(workspace, brief.client, clock.now()):
        note(line)
    store = open_store(workspace, brief.client)
    if due and (reason := undelivered(store.report, brief.period)):
        raise NotDeliveredError(reason)
    store.report.require(brief.period)
    plan = plan_brief(workspace, brief, store)
    if "sends" in store.tables and any(step.reads_campaigns for step in plan.steps):
        refuse_unjudged(store.table("sends"), brief.client.campaigns)
    reasons = explain(
        plan,
        read_record(brief.folder),
        Cache.of(workspace, plan),
        folder=brief.folder,
        inputs=store.report.inputs,
    )
    return [{"what": r.what, "fresh": r.fresh, "causes": [str(c) for c in r.causes]} for r in reasons]


def print_plan(plan: dict[str, Any]) -> None:
    """Print what :func:`plan_of` gave."""
    say(f"would make {plan['report']} of {plan['client']} for {plan['start']} to {plan['as_of']}")
    if "explained" in plan:
        for reason in plan["explained"]:
            causes = "; ".join(reason["causes"]) or "unchanged"
            say(f"  {reason['what']}: {'as it is: ' if reason['fresh'] and reason['causes'] else ''}{causes}")
        return
    say(f"  languages: {', '.join(plan['languages'])}")
    for step in plan["chapters"]:
        values = ", ".join(f"{k}={v}" for k, v in step["parameters"].items())
        say(f"  chapter {step['chapter']} {values}".rstrip())
    say(f"  into {plan['folder']}")
