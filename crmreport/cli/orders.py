"""Which reports a command line asks for: clients × periods × reports, or those that are due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from crmreport.cli.files import not_begun, refuse_missing_demo
from crmreport.errors import ConfigError, CrmReportError
from crmreport.produce import Order
from crmreport.workspace import Workspace

if TYPE_CHECKING:
    from crmreport.config import Client

LAST_MONTH = "last-month"
DUE = "due"
_DEFAULT_REPORT = "assessment"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line comes to.

    Args:
        orders: Reports to make: clients as named, then periods, then reports.
        skipped: Client → why ``--all`` leaves it out.
        refused: Client → why none of its reports can be made.
    """

    orders: list[Order] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    refused: dict[str, CrmReportError] = field(default_factory=dict)


def clients_of(workspace: Workspace, given: Sequence[str] | None, *, every: bool) -> list[str]:
    """The clients named, or all there are.

    Raises:
        ConfigError: Neither or both were asked for, or there is no client.
    """
    if bool(given) == every:
        raise ConfigError("which client? name one with --client, or say --all")
    if given:
        return list(dict.fromkeys(given))
    found = sorted(file.parent.name for file in (workspace.root / "clients").glob("*/client.yml"))
    if not found:
        raise ConfigError(f"no client in {workspace.root / 'clients'}; crmreport init makes one")
    return found


def read_orders(
    workspace: Workspace,
    clients: Sequence[str],
    *,
    periods: Sequence[str],
    reports: Sequence[str],
    languages: Sequence[str],
    every: bool,
    now: datetime,
    look_at_files: bool = True,
) -> Asked:
    """Turn words into orders; a client that cannot be read does not keep the others from it.

    Args:
        periods: Names of periods, ``last-month`` or ``due``.
        reports: Reports of client.yml; the assessment, or with ``due`` the scheduled ones, if empty.
        every: Leave out clients none of whose files was ever there.
        now: Decides what the last month is.
        look_at_files: Refuse a client of the project whose files have not been made yet.
    """
    from crmreport.config_file import load_client

    asked = Asked()
    for name in clients:
        try:
            client = load_client(workspace.client_file(name))
            if every and (reason := not_begun(workspace, client)):
                asked.skipped[name] = reason
                continue
            if look_at_files:
                refuse_missing_demo(workspace, client)
            for period in periods:
                asked.orders.extend(_orders(workspace, client, period, reports, tuple(languages), now))
        except CrmReportError as error:
            asked.refused[name] = error
    return asked


def _orders(
    workspace: Workspace,
    client: Client,
    period: str,
    reports: Sequence[str],
    languages: tuple[str, ...],
    now: datetime,
) -> list[Order]:
    from crmreport.produce.due import due_periods, last_complete_month, made_reports

    name = client.client
    if period == DUE:
        found = due_periods(
            client,
            now=now,
            made=made_reports(workspace, name),
            reports=reports or None,
            languages=languages or None,
        )
        return [Order(name, due.period, due.report, languages, due=True) for due in found]
    if period == LAST_MONTH:
        month = last_complete_month(client.zone, now).name
    else:
        month = client.period(period).name
    return [Order(name, month, report, languages) for report in reports or [_DEFAULT_REPORT]]


def unfinished(workspace: Workspace, orders: Sequence[Order]) -> list[Order]:
    """Those whose last attempt was not complete, or whose report is not there."""
    from crmreport.produce.attempts import last_attempt
    from crmreport.produce.publish import read_record, target

    left = []
    for order in orders:
        last = last_attempt(workspace, order.client, order.period, order.report)
        record = read_record(target(workspace, order.client, order.period, order.report)) or {}
        whole = record.get("status") == "complete" and set(order.languages) <= set(
            record.get("languages", [])
        )
        if not whole or (last is not None and last.status != "complete"):
            left.append(order)
    return left
