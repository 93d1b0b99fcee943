"""What was looked at: every check, the months that are there, blanks, and values brought to one form."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from crmreport.present import Chart, Column, Style, Table, Text, Words
from crmreport.present.data_quality.delivery import Intake

# Blank by nature: most lines have no coupon, no campaign and no return, most sends no reaction.
SPARSE = ("coupon_id", "campaign_id", "returned_order_id", "discount")
SPARSE += ("delivered_at", "opened_at", "clicked_at", "unsubscribed_at", "bounced", "machine_open")
# Who only looks is no customer yet, and not every step of a visit has a product.
SPARSE_TABLES = ("web_events",)
CHECK = ("check", "source_table", "column")
_ORDER = {"critical": 0, "warning": 1, "info": 2, "ok": 3}


def checks_table(intake: Intake) -> Table:
    """Every check, the gravest first; passed ones at the end."""
    frame = check_rows(intake)
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
        key=(*CHECK, "number"),
        max_rows=max(12, int((frame["severity"] != "ok").sum())),
    )


def check_rows(intake: Intake) -> pd.DataFrame:
    """All checks, the gravest first, those of one name numbered."""
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
    frame = pd.DataFrame(rows, columns=[*CHECK, "severity", "count", "of", "share", "detail"])
    frame["grave"] = frame["severity"].map(_ORDER)
    frame = frame.sort_values(["grave", *CHECK], kind="stable", ignore_index=True).drop(columns="grave")
    frame["number"] = frame.groupby(list(CHECK)).cumcount() + 1
    return frame


def values_of(intake: Intake, row: Any) -> Mapping[str, Any]:
    """The further numbers and names of the check in a row of :func:`check_rows`."""
    return next(c.values for c in intake.checks if c.id == row["check"] and c.detail == row["detail"])


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
                "expected_blank": m.column in SPARSE or m.table in SPARSE_TABLES,
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
