"""What in the data could change an answer, as findings for page 1."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from crmreport.present import Cell, Fact, Finding
from crmreport.present.data_quality.checks import CHECK, check_rows, values_of
from crmreport.present.data_quality.delivery import Intake, guest_share

_MANY_LINES = 0.01
_LARGE_SHARE = 0.05
_CAVEATS = (
    "months_missing",
    "store_missing",
    "sudden_drop",
    "orphan_customers",
    "orphan_products",
    "conflict",
    "missing_share",
)


def findings(intake: Intake, *, as_of: date) -> list[Finding]:
    """What could change an answer about the time up to ``as_of``, each as a caveat for page 1."""
    found = [*_control_findings(intake), *_guest_findings(intake)]
    frame = check_rows(intake)
    seen = [_first_month(values_of(intake, row)) <= f"{as_of:%Y-%m}" for row in frame.to_dict("records")]
    frame = frame[np.array(seen, dtype=bool)]
    for name in _CAVEATS:
        rows = frame[(frame["check"] == name) & frame["severity"].isin(["warning", "critical"])]
        if rows.empty:
            continue
        row = rows.sort_values(["share", "count"], ascending=False).iloc[0]
        key = tuple(row[n] for n in (*CHECK, "number"))
        facts = {n: Fact(row[n], Cell("data_quality.checks", key, n)) for n in ("count", "of", "share")}
        facts |= {n: Fact(row[n]) for n in ("source_table", "column")}
        facts |= {n: Fact(v) for n, v in values_of(intake, row).items() if n in ("month", "channel", "store")}
        large = pd.notna(row["share"]) and row["share"] >= _LARGE_SHARE
        severity = (
            "warning" if large or name in ("months_missing", "store_missing", "sudden_drop") else "info"
        )
        case = ""
        if name == "orphan_customers":
            case = "consent" if _knows_consent(intake) else "no_consent"
        elif name == "conflict":
            case = "one" if len(rows) == 1 else "several"
        found.append(Finding(f"data_quality.{name}", severity, facts, "data_fix", case=case))
    aside = sum(s.quarantined for s in intake.sources)
    if aside:
        lines = sum(s.lines for s in intake.sources)
        row = frame[frame["check"] == "quarantine"].iloc[0]
        key = tuple(row[n] for n in (*CHECK, "number"))
        facts = {
            "count": Fact(aside, Cell("data_quality.checks", key, "count")),
            "share": Fact(aside / lines, Cell("data_quality.checks", key, "share")),
        }
        case = "few" if aside < _MANY_LINES * lines else "many"
        severity = "info" if case == "few" else "warning"
        found.append(Finding("data_quality.quarantine", severity, facts, "data_fix", case=case))
    return found


def _knows_consent(intake: Intake) -> bool:
    master = intake.tables.get("customers")
    return master is not None and any(column.startswith("consent_") for column in master.columns)


def _first_month(values: Mapping[str, Any]) -> str:
    """The month a check speaks of; of several, the first. Before all months where it speaks of none."""
    return str(values.get("month", values.get("first", "")))


def _control_findings(intake: Intake) -> list[Finding]:
    wrong = [t for t in intake.control_totals if not t.within]
    if not wrong:
        return []
    worst = max(wrong, key=lambda t: abs(t.difference))
    names = {"expected": worst.expected, "found": worst.found, "difference": worst.difference}
    cells = {n: Fact(float(v), Cell("data_quality.control", (worst.period,), n)) for n, v in names.items()}
    rate = float(worst.difference / worst.expected) if worst.expected else None
    return [
        Finding(
            "data_quality.control_total",
            "warning",
            cells
            | {
                "period": Fact(worst.period),
                "rate": Fact(rate, Cell("data_quality.control", (worst.period,), "difference_rate")),
            },
            "data_fix",
            money=abs(float(worst.difference)),
            case="less" if worst.difference < 0 else "more",
        )
    ]


def _guest_findings(intake: Intake) -> list[Finding]:
    share = guest_share(intake)
    if share is None or not intake.guests.lines:
        return []
    cell = lambda column: Cell("data_quality.attribution", ("guest",), column)  # noqa: E731
    facts = {
        "share": Fact(share, cell("revenue_share")),
        "revenue": Fact(intake.guests.revenue, cell("revenue")),
        "lines": Fact(intake.guests.lines, cell("lines")),
    }
    # A caveat on the answers; what to do about it is the sales chapter's finding.
    return [Finding("data_quality.guests", "info", facts, "member_signup")]
