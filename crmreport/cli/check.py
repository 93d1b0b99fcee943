"""``crmreport check``: read a client's files and say what was found, without making a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmreport.cli.databases import ask_now
from crmreport.cli.files import refuse_missing_demo
from crmreport.cli.options import Client, DryRun, Json
from crmreport.cli.output import say, say_json, say_table
from crmreport.workspace import Workspace

if TYPE_CHECKING:
    from crmreport.intake import IntakeReport


def check(client: Client, dry_run: DryRun = False, json: Json = False) -> None:
    """Read a client's files; print what was found.

    Every line is accounted for: lines in = stored + quarantined + excluded by a named rule.
    Databases are asked. With --dry-run only client.yml is checked, and no database asked.

    \b
    Example:
      crmreport check --client demo
    """
    from crmreport.config_file import load_client

    workspace = Workspace.find()
    settings = load_client(workspace.client_file(client))
    if dry_run:
        sources = {t: [s.named for s in each] for t, each in settings.sources.items()}
        if json:
            say_json({"client": client, "sources": sources})
        else:
            say(f"clients/{client}/client.yml is in order; it reads:")
            for table, paths in sources.items():
                say(f"  {table}: {', '.join(paths)}")
        return
    import polars as pl

    from crmreport.intake import open_store
    from crmreport.intake.described import refuse_unjudged, undescribed, unsold
    from crmreport.plan_file import load_assignment, load_planned
    from crmreport.plan_test.unlike_drawn import unlike_drawn

    refuse_missing_demo(workspace, settings)
    asked = ask_now(workspace, settings)
    store = open_store(workspace, settings)
    differ = undescribed(store.table("sends"), settings.campaigns) if "sends" in store.tables else []
    customers = store.table("customers") if "customers" in store.tables else None
    differ += unsold(store.table("order_lines"), customers, settings.campaigns)
    if "sends" in store.tables:
        sends = pl.scan_parquet(store.table("sends"))
        for campaign in settings.campaigns:
            if campaign.plan is None:
                continue
            path = workspace.client(client) / campaign.plan
            drawn = load_assignment(path, load_planned(path))
            if line := unlike_drawn(sends, campaign, drawn, last_day=store.report.last_day):
                differ.append(line)
    if json:
        say_json({**store.report.model_dump(mode="json"), "campaigns": differ})
    else:
        for snapshot in asked:
            say(str(snapshot))
        _print(store.report)
        for line in differ:
            say(f"  {line}")
    if "sends" in store.tables:
        refuse_unjudged(store.table("sends"), settings.campaigns)


def _print(report: IntakeReport) -> None:
    say_table(
        ["table", "source", "lines in", "stored", "quarantined", "excluded"],
        [(s.table, s.path, s.lines, s.stored, s.quarantined, s.n_excluded) for s in report.sources],
        numbers=(2, 3, 4, 5),
    )
    say(report.balance())
    rules: dict[str, int] = {}
    for source in report.sources:
        for rule, lines in source.excluded.items():
            rules[rule] = rules.get(rule, 0) + lines
    for rule, lines in rules.items():
        if lines:
            say(f"  excluded by rule: {rule}: {lines:,}")
    for group in report.quarantined:
        say(f"  quarantined: {group.file}: {group.column}: {group.reason}: {group.lines:,}")
    if report.n_quarantined:
        say(f"  the lines are in clients/{report.client}/quarantine/{report.key}/")
    say(f"order lines from {report.first_day} to {report.last_day}")
    say(f"revenue {report.revenue:,} {report.currency}")
    for total in report.control_totals:
        verdict = "agrees" if total.within else f"differs by {total.difference:,}"
        say(f"control total {total.period}: {total.expected:,}: {verdict}")
    found = [c for c in report.checks if c.severity != "ok"]
    say(f"{len(report.checks)} checks, {len(found)} with something to say")
    for item in found:
        where = ".".join(filter(None, (item.table, item.column)))
        say(f"  {item.severity}: {where}: {item.id}: {item.detail}".rstrip(": "))
