"""The key figures of messages, all channels together; page 1 takes its tiles from here."""

from __future__ import annotations

from typing import Any

import pandas as pd

from crmreport.analysis.messages.message_response import MessageResponse
from crmreport.analysis.proportions import wilson_interval
from crmreport.period import Period
from crmreport.present.messages.channels import PER
from crmreport.present.table import Column, Table
from crmreport.present.text import Text

KPI = "messages.kpi"


def kpi(response: MessageResponse, within: Period) -> list[Table]:
    """Messages delivered and unsubscribes per thousand of them; nothing where nothing was delivered.

    Args:
        response: Counts of messages.
        within: The period they were sent in.
    """
    table = response.by(within=within)
    delivered, sent = int(table["delivered"].sum()), int(table["sent"].sum())
    if not delivered:
        return []
    share = {"detail": "delivered_share", "detail_value": delivered / sent, "detail_spec": "pct"}
    rows: list[dict[str, Any]] = [
        {"kpi": "messages_delivered", "spec": "count", "value": delivered, "out_of": sent, **share}
    ]
    # Channels that cannot tell of an unsubscribe are in neither number.
    told = table[table["unsubscribed"].notna() & (table["delivered"] > 0)]
    if len(told):
        gone, out_of = int(told["unsubscribed"].sum()), int(told["delivered"].sum())
        low, high = wilson_interval(gone, out_of)
        bounds = {"lower": float(low) * PER, "upper": float(high) * PER}
        value = gone / out_of * PER
        rows.append({"kpi": "unsubscribed_per", "spec": "num2", "value": value, "out_of": out_of, **bounds})
    columns = ["kpi", "spec", "value", "out_of", "lower", "upper", "detail", "detail_value", "detail_spec"]
    frame = pd.DataFrame(rows, columns=columns)
    return [
        Table(
            KPI,
            frame,
            (
                Column("kpi", "label:kpi"),
                Column("value", "row:spec", label="messages.column.kpi_value"),
                Column("out_of", "count", label="messages.column.kpi_out_of"),
                Column("lower", "row:spec"),
                Column("upper", "row:spec"),
                Column("detail", "label:kpi_detail"),
                Column("detail_value", "row:detail_spec"),
            ),
            title=Text("messages.kpi_table.title", start=within.start, end=within.as_of),
            note=Text("messages.kpi_table.note", per=PER),
        )
    ]
