"""``crmreport deliver``: finished reports to the people client.yml names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from crmreport.cli.clock import now
from crmreport.cli.options import Clients, Json
from crmreport.cli.output import note, say, say_json
from crmreport.errors import ConfigError, CrmReportError, RunError
from crmreport.workspace import Workspace

if TYPE_CHECKING:
    from crmreport.deliver import Delivered, Outcome

_LAST_MONTH = "last-month"
_SAID = {
    "ready": "would go",
    "sent": "sent",
    "refused": "REFUSED",
    "put_off": "PUT OFF",
    "failed": "NOT SENT",
    "perhaps_sent": "PERHAPS SENT",
    "sent_before": "has it",
    "older_version_sent": "has an earlier version",
}


def deliver(
    period: Annotated[
        str,
        typer.Option(
            "--period",
            "-p",
            help="2026-10, 2026-Q3, FY2026, 2026-04-01..2026-09-30, or last-month "
            "(the last complete one in the client's time zone).",
        ),
    ],
    client: Clients = None,
    every: Annotated[
        bool, typer.Option("--all", help="All clients with a recipient for this report.")
    ] = False,
    report: Annotated[str, typer.Option("--report", "-r", help="A report of client.yml.")] = "assessment",
    send: Annotated[bool, typer.Option("--send", help="Really send; without it nothing leaves.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Also to those who have it, or perhaps have it.")
    ] = False,
    to: Annotated[
        list[str] | None, typer.Option("--to", help="Only to this recipient of client.yml; may be repeated.")
    ] = None,
    json: Json = False,
) -> None:
    """Deliver finished reports.

    Without --send it is a dry run: the messages are written into reports/.outbox/ to be looked
    at, and nothing is sent. Only complete reports go out, whose files are as they were published,
    to recipients in the client's own client.yml, once. Server and secrets come from the
    environment (CRMREPORT_SMTP_HOST and others). The exit code is 4 when somebody did not get
    it; run the same command again to reach those who are missing.

    \b
    Example:
      crmreport deliver --client demo --period 2026-10 --report monthly
      crmreport deliver --client demo --period 2026-10 --report monthly --send
      crmreport deliver --all --period 2026-10 --report monthly --send --json
    """
    workspace = Workspace.find()
    asked = _clients(workspace, client, every, report)
    results: list[dict[str, Any]] = []
    failure = 0
    for client_id in asked:
        try:
            done = _deliver(workspace, client_id, period, report, send, again, to or [], quiet=json)
            results.append(_record(done))
            if done.missed:
                failure = failure or RunError.exit_code
        except CrmReportError as error:
            if len(asked) == 1 and not every:
                raise
            failure = failure or error.exit_code
            results.append({"client": client_id, "error": str(error), "exit_code": error.exit_code})
            for line in str(error).splitlines():
                note(f"error: {client_id}: {line}")
    if json:
        say_json({"deliveries": results})
    if failure:
        raise typer.Exit(failure)


def _clients(workspace: Workspace, given: list[str] | None, every: bool, report: str) -> list[str]:
    from crmreport.config_file import load_client

    if bool(given) == every:
        raise ConfigError("which client? name one with --client, or say --all")
    if given:
        return list(dict.fromkeys(given))
    found: list[str] = []
    for file in sorted((workspace.root / "clients").glob("*/client.yml")):
        try:
            settings = load_client(file, reports=False)
        except CrmReportError:
            # Told when its turn comes; the others go on.
            found.append(file.parent.name)
            continue
        if any(report in (entry.reports or settings.reports) for entry in settings.delivery):
            found.append(file.parent.name)
    if not found:
        raise ConfigError(f"no client has a recipient for {report}; write delivery: into a client.yml")
    return found


def _deliver(
    workspace: Workspace,
    client_id: str,
    period: str,
    report: str,
    send: bool,
    again: bool,
    to: list[str],
    *,
    quiet: bool,
) -> Delivered:
    from crmreport.deliver import deliver_report

    if period == _LAST_MONTH:
        from crmreport.config_file import load_client
        from crmreport.produce.due import last_complete_month

        settings = load_client(workspace.client_file(client_id), reports=False)
        period = last_complete_month(settings.zone, now()).name
    told = False

    def tell(outcome: Outcome) -> None:
        nonlocal told
        if quiet:
            return
        if not told:
            say(f"{report} of {client_id} for {period}" + ("" if send else ": a dry run, nothing is sent"))
            told = True
        _print(outcome)

    done = deliver_report(
        workspace, client_id, period, report=report, send=send, again=again, only=to, now=now, tell=tell
    )
    if not quiet:
        _advise(done)
    return done


def _print(outcome: Outcome) -> None:
    from crmreport.deliver.letter import size

    recipient = outcome.recipient
    reason = f": {outcome.reason}" if outcome.reason else ""
    say(
        f"  {_SAID[outcome.state]}{reason}: {recipient.via} {recipient.to} [{', '.join(recipient.languages)}]"
    )
    if outcome.state in ("sent_before", "older_version_sent"):
        return
    say(f"    {outcome.subject}")
    for file in outcome.files:
        personal = "  holds customer ids" if file.kind == "lists" else ""
        say(f"    {file.name}  {size(len(file.data))}{personal}")
    if outcome.draft:
        say(f"    {outcome.draft}")


def _advise(done: Delivered) -> None:
    states = {outcome.state for outcome in done.outcomes}
    if "ready" in states:
        note("nothing was sent; look at the messages above, then say --send")
    if "perhaps_sent" in states:
        note(
            "perhaps sent: ask the recipient; it is not sent again by itself, only with --again --to ADDRESS"
        )
    if "older_version_sent" in states:
        note("the report changed since it was sent to some; --again sends them the new one")
    if any(outcome.state != "perhaps_sent" for outcome in done.missed):
        note("somebody did not get it; the same command again tries only those who are missing")


def _record(done: Delivered) -> dict[str, Any]:
    return {
        "client": done.client,
        "period": done.period,
        "report": done.report,
        "dry_run": not done.sent,
        "messages": [
            {
                "via": o.recipient.via,
                "to": o.recipient.to,
                "languages": o.recipient.languages,
                "state": o.state,
                "reason": o.reason,
                "subject": o.subject,
                "files": [{"name": f.name, "bytes": len(f.data), "sha256": f.sha256} for f in o.files],
                "draft": o.draft,
                "message_id": o.message_id,
                "at": o.at,
            }
            for o in done.outcomes
        ],
    }
