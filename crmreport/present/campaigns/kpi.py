"""The programme's key figures; page 1 takes its tiles from here."""

from __future__ import annotations

from typing import Any

import pandas as pd

from crmreport.analysis.campaign.campaign_programme import CampaignProgramme
from crmreport.present import Column, Table, Text

KPI = "campaigns.kpi"
_COLUMNS = ["kpi", "spec", "value", "lower", "upper", "detail", "detail_value", "detail_spec"]


def kpi(found: CampaignProgramme) -> list[Table]:
    """Profit, cost, campaigns judged and customers reached; nothing without campaigns."""
    if found.table.empty:
        return []
    rows = [*_profit(found), *_cost(found), _judged(found), *_reached(found)]
    return [
        Table(
            KPI,
            pd.DataFrame(rows, columns=_COLUMNS),
            (
                Column("kpi", "label:kpi"),
                Column("value", "row:spec"),
                Column("lower", "row:spec"),
                Column("upper", "row:spec"),
                Column("detail", "label:kpi_detail"),
                Column("detail_value", "row:detail_spec"),
            ),
            title=Text("campaigns.kpi_table.title", months=found.months),
            note=Text("campaigns.kpi_table.note", since=found.since, as_of=found.period.as_of),
        )
    ]


def _row(kpi: str, spec: str, value: float, **more: Any) -> dict[str, Any]:
    return {"kpi": kpi, "spec": spec, "value": value, **more}


def _detail(name: str, value: float, spec: str) -> dict[str, Any]:
    return {"detail": name, "detail_value": value, "detail_spec": spec}


def _profit(found: CampaignProgramme) -> list[dict[str, Any]]:
    # Costs of campaigns nobody can judge are no profit.
    if found.total is None or found.table["profit"].isna().all():
        return []
    total = found.total
    bounds = {"lower": total.profit_lower, "upper": total.profit_upper}
    return [_row("programme_profit", "smoney", total.profit, **bounds)]


def _cost(found: CampaignProgramme) -> list[dict[str, Any]]:
    if found.total is None:
        return []
    shares = found.groups.set_index("outcome")["cost_share"]
    more = _detail("losing_cost_share", shares["losing"], "pct") if "losing" in shares else {}
    return [_row("programme_cost", "money:thousands", found.total.cost, **more)]


def _judged(found: CampaignProgramme) -> dict[str, Any]:
    known = int(found.table["profit"].notna().sum())
    return _row("campaigns_judged", "count", known, **_detail("campaigns_seen", len(found.table), "count"))


def _reached(found: CampaignProgramme) -> list[dict[str, Any]]:
    pressed = found.pressure
    if not pressed.n_customers:
        return []
    each = _detail("messages_each", pressed.mean, "num1")
    return [_row("customers_reached", "count", pressed.n_customers, **each)]
