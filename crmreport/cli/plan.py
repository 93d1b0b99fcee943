"""What a run would do: ``--dry-run`` and ``--explain``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmreport.cli.output import say
from crmreport.errors import ConfigError
from crmreport.produce import Order
from crmreport.workspace import Workspace

if TYPE_CHECKING:
    from crmreport.config import Client


def plan_of(workspace: Workspace, order: Order, *, explain: bool) -> dict[str, Any]:
    """The report as it would be made.

    Args:
        explain: Read the client's files, too, and say of every chapter why it would be made again.

    Raises:
        CrmReportError: It could not be made.
    """
    from crmreport.config_file import load_client
    from crmreport.produce.planning.plan import read_chapters
    from crmreport.produce.publish import target

    client = load_client(workspace.client_file(order.client))
    unknown = [language for language in order.languages if language not in client.languages]
    if unknown:
        raise ConfigError(f"language {unknown[0]!r} is not one of {', '.join(client.languages)}; choose one")
    span = client.period(order.period)
    chapters = read_chapters(workspace, client, order.report)
    plan: dict[str, Any] = {
        "client": client.client,
        "period": span.name,
        "start": span.start.isoformat(),
        "as_of": span.as_of.isoformat(),
        "report": order.report,
        "languages": list(order.languages or client.languages),
        "folder": str(target(workspace, client.client, span.name, order.report)),
        "chapters": [{"chapter": c.name, "parameters": parameters} for c, parameters in chapters],
    }
    if explain:
        plan["explained"] = _explained(workspace, client, order)
    return plan


def _explained(workspace: Workspace, client: Client, order: Order) -> list[dict[str, Any]]:
    from crmreport.intake import open_store
    from crmreport.produce.planning.explain import explain
    from crmreport.produce.planning.plan import Cache
    from crmreport.produce.publish import read_record, target
    from crmreport.produce.run import plan_report

    store = open_store(workspace, client)
    store.report.require(client.period(order.period))
    plan = plan_report(workspace, client, order, store)
    folder = target(workspace, client.client, plan.period.name, order.report)
    cache = Cache(workspace.reports / ".cache" / client.client)
    reasons = explain(plan, read_record(folder), cache, folder=folder)
    return [{"what": r.what, "fresh": r.fresh, "causes": [str(c) for c in r.causes]} for r in reasons]


def print_plan(plan: dict[str, Any]) -> None:
    """Print what :func:`plan_of` gave."""
    if "skipped" in plan or "error" in plan:
        return
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
