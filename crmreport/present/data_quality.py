"""Chapter data_quality: what was done to the client's files, and what in them could change an answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Protocol

import numpy as np
import pandas as pd

from crmreport.present.chart import Chart
from crmreport.present.finding import Cell, Fact, Finding
from crmreport.present.message import Message, Note
from crmreport.present.style import Style
from crmreport.present.table import Column, Table
from crmreport.present.text import Text
from crmreport.present.words import Words

GUEST_SHARE_WARNS = 0.05
_MANY_LINES = 0.01
_LARGE_SHARE = 0.05
# Blank by nature: most lines have no coupon, no campaign and no return.
SPARSE = ("coupon_id", "campaign_id", "returned_order_id", "discount")
_CHECK = ("check", "source_table", "column")
_ORDER = {"critical": 0, "warning": 1, "info": 2, "ok": 3}
_CAVEATS = (
    "months_missing",
    "store_missing",
    "sudden_drop",
    "orphan_customers",
    "orphan_products",
    "conflict",
    "missing_share",
)

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
    guests = _guest_share(intake)
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


def checks_table(intake: Intake) -> Table:
    """Every check, the gravest first; passed ones at the end."""
    frame = _checks(intake)
    passed = int((frame["severity"] == "ok").sum())
    return Table(
        "data_quality.checks",
        frame,
        (
            Column("check", "name:check"),
            Column("source_table", "label:source_table"),
            Column("column", "name:field"),
            Column("severity", "label:severity_word"),
            Column("count", "count"),
            Column("of", "count"),
            Column("share", "pct"),
        ),
        title=Text("data_quality.checks.title", checks=len(frame), passed=passed),
        note=Text("data_quality.checks.note"),
        key=(*_CHECK, "number"),
        max_rows=max(12, int((frame["severity"] != "ok").sum())),
    )


def _checks(intake: Intake) -> pd.DataFrame:
    rows = [
        {
            "check": c.id,
            "source_table": c.table,
            "column": c.column or "",
            "severity": _severity(c),
            "count": c.count,
            "of": c.of,
            "share": c.share,
            "detail": c.detail,
        }
        for c in intake.checks
    ]
    frame = pd.DataFrame(rows, columns=[*_CHECK, "severity", "count", "of", "share", "detail"])
    frame["grave"] = frame["severity"].map(_ORDER)
    frame = frame.sort_values(["grave", *_CHECK], kind="stable", ignore_index=True).drop(columns="grave")
    frame["number"] = frame.groupby(list(_CHECK)).cumcount() + 1
    return frame


def _severity(check: Any) -> str:
    # A coupon column that is mostly blank is as it should be.
    if check.id == "missing_share" and check.column in SPARSE:
        return "info"
    return check.severity


def months_chart(intake: Intake, *, as_of: date) -> Chart:
    """Lines per month up to ``as_of``: what is there, what is missing, where it dropped."""
    counts = pd.DataFrame(
        [(f"{d.day:%Y-%m}", d.lines) for d in intake.daily if d.day <= as_of], columns=["month", "lines"]
    )
    by_month = counts.groupby("month")["lines"].sum()
    first, last = by_month.index.min(), by_month.index.max()
    months = [str(p) for p in pd.period_range(first, last, freq="M")] if len(by_month) else []
    lines = by_month.reindex(months)
    missing = [m for m in months if pd.isna(lines[m])]
    dropped = sorted(
        {str(c.values["month"]) for c in intake.checks if c.id == "sudden_drop" and c.count} & {*months}
    )
    case = "missing" if missing else "drop" if dropped else "whole"

    def draw(ax: Any, words: Words, style: Style) -> None:
        places = np.arange(len(months))
        colours = [style.accent if m in dropped else style.greys[2] for m in months]
        ax.bar(places, lines.fillna(0), width=0.8, color=colours)
        top = float(lines.max()) if len(months) else 1.0
        for place, month in zip(places, months, strict=True):
            if month in missing:
                ax.bar(
                    place,
                    top,
                    width=0.8,
                    facecolor="none",
                    edgecolor=style.accent,
                    hatch="////",
                    linewidth=0.6,
                )
        shown = [i for i, m in enumerate(months) if m.endswith(("-01", "-07"))] or [0]
        ax.set_xticks(shown, [months[i] for i in shown] if months else [])
        ax.set_ylim(0, top * 1.1)
        ticks = [t for t in ax.get_yticks() if 0 <= t <= top * 1.1]
        ax.set_yticks(ticks, [words.format(t, "count") for t in ticks])
        ax.spines["left"].set_visible(False)
        ax.yaxis.grid(True)

    later, _ = intake.after(as_of)
    values = {
        "as_of": as_of,
        "later": later,
        "months": len(months),
        "missing": len(missing),
        "dropped": len(dropped),
        "first": f"{first}-01" if months else None,
        "last": f"{last}-01" if months else None,
    }
    return Chart(
        "data_quality.months",
        draw,
        title=Text(f"data_quality.months.title.{case}", **values),
        subtitle=Text("data_quality.months.subtitle"),
        note=Text(f"data_quality.months.note.{'cut' if later else 'all'}", **values),
        alt=Text(f"data_quality.months.alt.{case}", **values),
        height=1.9,
    )


def missing_table(intake: Intake) -> Table:
    """Columns with blanks, the emptiest first."""
    frame = pd.DataFrame(
        [
            {
                "source_table": m.table,
                "column": m.column,
                "missing": m.missing,
                "of": m.of,
                "missing_share": m.share,
                "expected_blank": m.column in SPARSE,
            }
            for m in intake.missing
            if m.missing
        ],
        columns=["source_table", "column", "missing", "of", "missing_share", "expected_blank"],
    )
    frame = frame.sort_values(
        ["expected_blank", "missing_share", "source_table", "column"],
        ascending=[True, False, True, True],
        ignore_index=True,
    )
    return Table(
        "data_quality.missing",
        frame.assign(blank=frame["expected_blank"].map({True: "by_nature", False: "gap"}).astype("str")),
        (
            Column("column", "name:field"),
            Column("source_table", "label:source_table"),
            Column("missing", "count"),
            Column("of", "count"),
            Column("missing_share", "pct", bar=True),
            Column("blank", "label:blank"),
        ),
        title=Text("data_quality.missing.title"),
        note=Text("data_quality.missing.note", complete=len(intake.missing) - len(frame)),
        key=("source_table", "column"),
    )


def normalised_table(intake: Intake) -> Table:
    """What was brought to one form, by column and kind."""
    frame = pd.DataFrame(
        [
            {"source_table": n.table, "column": n.column, "kind": kind, "changed": lines}
            for n in intake.normalised
            for kind, lines in n.by_kind.items()
        ],
        columns=["source_table", "column", "kind", "changed"],
    )
    frame = frame.sort_values(
        ["changed", "source_table", "column"], ascending=[False, True, True], ignore_index=True
    )
    return Table(
        "data_quality.normalised",
        frame,
        (
            Column("column", "name:field"),
            Column("source_table", "label:source_table"),
            Column("kind", "name:normalised_kind"),
            Column("changed", "count"),
        ),
        title=Text("data_quality.normalised.title"),
        note=Text("data_quality.normalised.note"),
        key=("source_table", "column", "kind"),
    )


def findings(intake: Intake, *, as_of: date) -> list[Finding]:
    """What could change an answer about the time up to ``as_of``, each as a caveat for page 1."""
    found = [*_control_findings(intake), *_guest_findings(intake)]
    frame = _checks(intake)
    seen = [_first_month(_values(intake, row)) <= f"{as_of:%Y-%m}" for row in frame.to_dict("records")]
    frame = frame[np.array(seen, dtype=bool)]
    for name in _CAVEATS:
        rows = frame[(frame["check"] == name) & frame["severity"].isin(["warning", "critical"])]
        if rows.empty:
            continue
        row = rows.sort_values(["share", "count"], ascending=False).iloc[0]
        key = tuple(row[n] for n in (*_CHECK, "number"))
        facts = {n: Fact(row[n], Cell("data_quality.checks", key, n)) for n in ("count", "of", "share")}
        facts |= {n: Fact(row[n]) for n in ("source_table", "column")}
        facts |= {n: Fact(v) for n, v in _values(intake, row).items() if n in ("month", "channel", "store")}
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
        key = tuple(row[n] for n in (*_CHECK, "number"))
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


def _values(intake: Intake, row: Any) -> Mapping[str, Any]:
    return next(c.values for c in intake.checks if c.id == row["check"] and c.detail == row["detail"])


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


def _guest_share(intake: Intake) -> float | None:
    revenue = float(intake.revenue)
    return intake.guests.revenue / revenue if revenue > 0 else None


def _guest_findings(intake: Intake) -> list[Finding]:
    share = _guest_share(intake)
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
