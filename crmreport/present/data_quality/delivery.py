"""What came in, what is in use, and whether it adds up to the books."""

from __future__ import annotations

from datetime import date
from typing import Any, Protocol

import numpy as np
import pandas as pd

from crmreport.present import Column, Message, Note, Table, Text

GUEST_SHARE_WARNS = 0.05
_REASONS = {
    "is missing": "missing",
    "is not a date": "not_a_date",
    "is not a number": "not_a_number",
    "is neither yes nor no": "not_a_flag",
    "is no known word for a sex": "unknown_sex",
    "has ": "ragged",
}


class Intake(Protocol):
    """What this chapter reads of the intake report."""

    sources: Any
    tables: Any
    checks: Any
    control_totals: Any
    guests: Any
    missing: Any
    normalised: Any
    daily: Any
    quarantined: Any
    revenue: Any
    first_day: Any
    last_day: Any

    def after(self, as_of: date) -> tuple[int, float]:
        """Lines and revenue later than a day."""
        ...


def message(intake: Intake) -> Message:
    """The chapter's heading: does it add up, and if not, by how much."""
    wrong = [t for t in intake.control_totals if not t.within]
    guests = guest_share(intake)
    if wrong:
        worst = max(wrong, key=lambda t: abs(t.difference))
        text = Text(
            "data_quality.message.mismatch",
            period=worst.period,
            gap=abs(float(worst.difference)),
            months=len(wrong),
        )
    elif guests is not None and guests > GUEST_SHARE_WARNS:
        case = "guests" if intake.control_totals else "guests_unchecked"
        text = Text(f"data_quality.message.{case}", share=guests)
    elif intake.control_totals:
        text = Text("data_quality.message.agrees", totals=len(intake.control_totals))
    else:
        text = Text("data_quality.message.unchecked")
    return Message("data_quality.message", text, Text("data_quality.method"))


def note(intake: Intake) -> Note:
    """Nothing is lost: lines in = stored + set aside + left out by rule."""
    lines, stored, aside = (
        sum(getattr(s, n) for s in intake.sources) for n in ("lines", "stored", "quarantined")
    )
    return Note(
        Text(
            "data_quality.note",
            lines=lines,
            stored=stored,
            aside=aside,
            excluded=lines - stored - aside,
            first=intake.first_day,
            last=intake.last_day,
        )
    )


def balance_table(intake: Intake) -> Table:
    """Per source: lines in = stored + set aside + left out by rule."""
    frame = pd.DataFrame(
        [
            {
                "path": s.path,
                "source_table": s.table,
                "lines": s.lines,
                "stored": s.stored,
                "quarantined": s.quarantined,
                "excluded": s.n_excluded,
            }
            for s in intake.sources
        ]
    )
    frame = frame.assign(path=_distinct(frame["path"]))
    names = ("lines", "stored", "quarantined", "excluded")
    return Table(
        "data_quality.balance",
        frame,
        (
            Column("path"),
            Column("source_table", "label:source_table"),
            *(Column(name, "count") for name in names),
        ),
        title=Text("data_quality.balance.title"),
        note=Text("data_quality.balance.note"),
        totals={"path": Text("data_quality.total")} | {n: int(frame[n].sum()) for n in names},
    )


def _distinct(paths: pd.Series) -> pd.Series:
    number = paths.groupby(paths).cumcount()
    return paths.where(number == 0, paths + " #" + (number + 1).astype("str"))


def excluded_tables(intake: Intake) -> list[Table]:
    """Lines left out, by the rule's name, and lines set aside, by reason; none when all are in use."""
    rows = [
        (s.table, "rule", name, "", lines)
        for s in intake.sources
        for name, lines in s.excluded.items()
        if lines
    ]
    set_aside: dict[tuple[str, str, str], int] = {}
    for q in intake.quarantined:
        key = (q.table, _reason(q.reason), q.column)
        set_aside[key] = set_aside.get(key, 0) + q.lines
    rows += [(table, "quarantine", *rest, lines) for (table, *rest), lines in sorted(set_aside.items())]
    frame = pd.DataFrame(rows, columns=["source_table", "kind", "reason", "column", "lines"])
    table = Table(
        "data_quality.left_out",
        frame,
        (
            Column("reason", "name:rule"),
            Column("column", "name:field"),
            Column("kind", "label:kind"),
            Column("source_table", "label:source_table"),
            Column("lines", "count"),
        ),
        title=Text("data_quality.left_out.title"),
        note=Text("data_quality.left_out.note"),
        key=("source_table", "kind", "reason", "column"),
        totals={"reason": Text("data_quality.total"), "lines": int(frame["lines"].sum())},
    )
    return [table] if len(frame) else []


def _reason(text: str) -> str:
    """The reason's code; intake writes it as an English half-sentence."""
    return next((code for start, code in _REASONS.items() if text.startswith(start)), text)


def control_table(intake: Intake) -> Table:
    """The client's own totals beside what the files add up to."""
    frame = pd.DataFrame(
        [
            {
                "period": t.period,
                "expected": float(t.expected),
                "found": float(t.found),
                "difference": float(t.difference),
                "difference_rate": float(t.difference / t.expected) if t.expected else None,
                "verdict": "agrees" if t.within else "differs",
            }
            for t in sorted(intake.control_totals, key=lambda t: t.period)
        ],
        columns=["period", "expected", "found", "difference", "difference_rate", "verdict"],
    )
    return Table(
        "data_quality.control",
        frame,
        (
            Column("period"),
            Column("expected", "money"),
            Column("found", "money"),
            Column("difference", "smoney"),
            Column("difference_rate", "spct"),
            Column("verdict", "label:verdict"),
        ),
        title=Text("data_quality.control.title"),
        note=Text("data_quality.control.note" if len(frame) else "data_quality.control.none"),
    )


def attribution_table(intake: Intake, *, as_of: date) -> Table:
    """Lines and money that analyses of customers cannot use."""
    later, later_revenue = intake.after(as_of)
    stored = sum(s.stored for s in intake.sources if s.table == "order_lines")
    revenue = float(intake.revenue)
    known, known_revenue = stored - intake.guests.lines, revenue - intake.guests.revenue
    rows = [
        ("known", known, known_revenue),
        ("guest", intake.guests.lines, intake.guests.revenue),
    ]
    frame = pd.DataFrame(rows, columns=["who", "lines", "revenue"])
    frame["line_share"] = frame["lines"] / stored if stored else np.nan
    frame["revenue_share"] = frame["revenue"] / revenue if revenue > 0 else np.nan
    return Table(
        "data_quality.attribution",
        frame,
        (
            Column("who", "label:who"),
            Column("lines", "count"),
            Column("line_share", "pct"),
            Column("revenue", "money"),
            Column("revenue_share", "pct", bar=True),
        ),
        title=Text("data_quality.attribution.title"),
        note=Text(
            "data_quality.attribution.note",
            blank=intake.guests.blank_id,
            guest=intake.guests.guest_id,
            first=intake.first_day,
            last=intake.last_day,
            later=later,
            later_revenue=later_revenue,
            as_of=as_of,
        ),
        totals={"who": Text("data_quality.total"), "lines": stored, "revenue": revenue}
        | {"line_share": 1.0 if stored else None, "revenue_share": 1.0 if revenue > 0 else None},
    )


def guest_share(intake: Intake) -> float | None:
    """Share of revenue that belongs to no known customer; None without revenue."""
    revenue = float(intake.revenue)
    return intake.guests.revenue / revenue if revenue > 0 else None
