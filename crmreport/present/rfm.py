"""The RFM chapter: which customers carry the revenue, which are drifting away, and who moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals as nw
import pandas as pd

from crmreport.analysis.cuts import Cuts
from crmreport.analysis.ledger import to_pandas
from crmreport.analysis.migration import LEFT, NEW, Migration
from crmreport.analysis.segments import ROLES, Segmented
from crmreport.present.chart import Chart
from crmreport.present.finding import ActionList, Cell, Fact, Finding, Measure, Severity
from crmreport.present.heat_map import draw_heat_map
from crmreport.present.message import Message, Note
from crmreport.present.observation import unobserved
from crmreport.present.style import Style
from crmreport.present.table import Column, Table
from crmreport.present.text import Text
from crmreport.present.words import Words

SEGMENTS, TARGETS, CUTS, MOVES = "rfm.segments", "rfm.targets", "rfm.cuts", "rfm.moves"
_FEW, _NOTABLE, _LARGE = 5, 0.05, 0.1


@dataclass(frozen=True)
class Targets:
    """The three groups the chapter proposes to act on.

    Args:
        table: One row per group: ``group``, ``customers``, ``customer_share``, ``revenue``,
            ``revenue_share``, ``revenue_per_year``, ``mean_recency_days``, ``mean_frequency``,
            ``mean_monetary``.
        members: Group → its customers, most revenue first.
    """

    table: pd.DataFrame
    members: dict[str, pd.DataFrame]

    def value(self, group: str, column: str) -> Any:
        """One cell of the table."""
        found = self.table.loc[self.table["group"] == group, column]
        return found.iloc[0] if len(found) else 0


def targets(result: Segmented) -> Targets:
    """Valuable customers, valuable ones drifting away, and recent one-time buyers."""
    members = {}
    for group in ROLES:
        segments = result.map.roles[group]
        if not segments:
            continue
        chosen = result.members(*segments)
        if group == "first_time":
            chosen = chosen.filter(nw.col("frequency") == 1)
        rows = to_pandas(
            chosen.select("customer_id", "segment", "revenue", "frequency", "last_date", "recency_days")
        )
        members[group] = rows.sort_values(
            ["revenue", "customer_id"], ascending=[False, True], ignore_index=True
        )
    decimals, years = result.scores.table.decimals, _years(result)
    lines = [
        {
            "group": group,
            "customers": len(rows),
            "customer_share": len(rows) / result.n_customers if result.n_customers else None,
            "revenue": round(float(rows["revenue"].sum()), decimals),
            "revenue_share": float(rows["revenue"].sum()) / result.revenue if result.revenue > 0 else None,
            "revenue_per_year": round(float(rows["revenue"].sum()) / years, decimals),
            "mean_recency_days": rows["recency_days"].mean(),
            "mean_frequency": rows["frequency"].mean(),
            "mean_monetary": rows["revenue"].sum() / len(rows) if len(rows) else None,
        }
        for group, rows in members.items()
    ]
    columns = [
        "group", "customers", "customer_share", "revenue", "revenue_share", "revenue_per_year",
        "mean_recency_days", "mean_frequency", "mean_monetary",
    ]  # fmt: skip
    return Targets(pd.DataFrame(lines, columns=columns), members)


def message(result: Segmented, groups: Targets) -> Message:
    """The chapter's heading: who carries the revenue and how many of them drift away."""
    values = {
        "people": groups.value("valuable", "customer_share"),
        "share": groups.value("valuable", "revenue_share"),
        "n": groups.value("drifting", "customers"),
        "drifting": groups.value("drifting", "revenue_share"),
        "buyers": result.n_customers,
    }
    if not values["share"] or "drifting" not in groups.members:
        case = "plain"
    elif values["n"] >= _FEW and (values["drifting"] or 0) >= _NOTABLE:
        case = "drifting"
    else:
        case = "steady"
    return Message("rfm.message", Text(f"rfm.message.{case}", **values), Text("rfm.method"))


def data_end(result: Segmented) -> list[Note]:
    """What it means here that the data end before the period does; nothing when they do not."""
    return unobserved(result.scores.table.observed, Text("observed.rfm"))


def segment_chart(result: Segmented, groups: Targets) -> Chart:
    """Share of customers beside share of revenue, by segment."""
    frame = result.table
    marked = [s in result.map.roles["drifting"] for s in frame["segment"]]
    values = {
        "n": groups.value("drifting", "customers"),
        "share": groups.value("drifting", "revenue_share"),
        "people": groups.value("drifting", "customer_share"),
        **_window(result),
    }

    def draw(axes: Any, words: Words, style: Style) -> None:
        places = list(range(len(frame)))[::-1]
        names = [words.format(s, "label:segment", area="rfm") for s in frame["segment"]]
        for ax, column in zip(axes, ("customer_share", "revenue_share"), strict=True):
            shares = (frame[column] * 100).fillna(0)
            fills = [style.accent if mark else style.greys[1] for mark in marked]
            ax.barh(places, shares, color=fills, height=0.68)
            for place, share, mark in zip(places, shares, marked, strict=True):
                ax.annotate(
                    words.format(share / 100, "pct"),
                    (share, place),
                    (3, 0),
                    textcoords="offset points",
                    va="center",
                    weight="bold" if mark else "normal",
                )
            ax.set_title(words.label(f"rfm.chart.{column}"))
            ax.set_yticks(places, names if ax is axes[0] else [""] * len(places))
            ax.set_xticks([])
            ax.spines["bottom"].set_visible(False)
        # One scale for both, or the eye compares what cannot be compared.
        widest = float(max(frame["customer_share"].max(), frame["revenue_share"].max())) * 100
        for ax in axes:
            ax.set_xlim(0, widest * 1.2)

    case = "drifting" if values["n"] else "plain"
    return Chart(
        "rfm.segment_shares",
        draw,
        title=Text(f"rfm.chart.title.{case}", **values),
        subtitle=Text("rfm.chart.subtitle", **values),
        note=Text(f"rfm.chart.note.{case}", **values),
        alt=Text(f"rfm.chart.alt.{case}", **values),
        height=0.2 * len(frame) + 0.5,
        panels=(1, 2),
    )


def heat_map(result: Segmented) -> Chart:
    """Customers and revenue in every R×F cell."""
    grid = result.grid
    bins = result.scores.cuts.bins
    best = grid[(grid["recency_score"] == bins) & (grid["frequency_score"] == bins)].iloc[0]
    values = {
        "n": int(best["customers"]),
        "share": float(best["revenue"]) / result.revenue if result.revenue > 0 else None,
        "bins": bins,
        **_window(result),
    }

    def draw(axes: Any, words: Words, style: Style) -> None:
        for ax, column in zip(axes, ("customers", "revenue"), strict=True):
            wide = grid.pivot(index="recency_score", columns="frequency_score", values=column)
            wide = wide.sort_index(ascending=False)
            if column == "revenue" and result.revenue > 0:
                wide = wide / result.revenue
            spec = "count" if column == "customers" else "pct"
            draw_heat_map(ax, wide, words, style, spec=spec)
            ax.set_title(words.label(f"rfm.heat.{column}"))
            ax.set_xlabel(words.label("rfm.heat.f"))
            ax.set_xticks(range(wide.shape[1]), [f"F{s}" for s in wide.columns])
            ax.set_yticks(range(wide.shape[0]), [f"R{s}" for s in wide.index])
        axes[0].set_ylabel(words.label("rfm.heat.r"))

    return Chart(
        "rfm.heat",
        draw,
        title=Text("rfm.heat.title" if values["n"] else "rfm.heat.title_none", **values),
        subtitle=Text("rfm.heat.subtitle", **values),
        note=Text("rfm.heat.note", **values),
        alt=Text("rfm.heat.alt", **values),
        height=2.9,
        panels=(1, 2),
    )


def segment_table(result: Segmented) -> Table:
    """The segment table."""
    return Table(
        SEGMENTS,
        result.table,
        (
            Column("segment", "label:segment"),
            *_MEASURES,
        ),
        title=Text("rfm.segments.title"),
        note=Text("rfm.segments.note", **_window(result)),
        totals={
            "customers": result.n_customers,
            "customer_share": 1.0 if result.n_customers else None,
            "revenue": result.revenue,
            "revenue_share": 1.0 if result.revenue > 0 else None,
            **_means(result),
        },
    )


def target_table(result: Segmented, groups: Targets) -> Table:
    """The groups to act on."""
    return Table(
        TARGETS,
        groups.table,
        (
            Column("group", "label:rfm.group"),
            Column("customers", "count"),
            Column("customer_share", "pct"),
            Column("revenue", "money"),
            Column("revenue_share", "pct", bar=True),
            Column("revenue_per_year", "money"),
            Column("mean_recency_days", "days"),
            Column("mean_monetary", "money"),
        ),
        title=Text("rfm.targets.title"),
        note=Text(
            "rfm.targets.note",
            **{role: ",".join(result.map.roles[role]) or None for role in ROLES},
            **_window(result),
        ),
    )


def cut_table(result: Segmented) -> Table:
    """Where each score ends."""
    cuts = result.scores.cuts
    frame = pd.DataFrame({"score": range(cuts.bins, 0, -1)})
    for name, one in (("recency", cuts.recency), ("frequency", cuts.frequency), ("monetary", cuts.monetary)):
        frame[f"{name}_edge"] = _edges(one)
    unused = {
        name: list(one.unreachable)
        for name, one in (("R", cuts.recency), ("F", cuts.frequency), ("M", cuts.monetary))
        if one.unreachable
    }
    said = ", ".join(f"{name}{score}" for name, scores in unused.items() for score in scores)
    origin = cuts.recency.origin
    return Table(
        CUTS,
        frame,
        (
            Column("score", "num0"),
            Column("recency_edge", "days"),
            Column("frequency_edge", "count"),
            Column("monetary_edge", "money"),
        ),
        title=Text("rfm.cuts.title"),
        note=Text(
            f"rfm.cuts.note.{origin}",
            unused=Text("rfm.cuts.unused", scores=said) if unused else Text("rfm.cuts.all_used"),
            **_window(result),
        ),
    )


def migration_chart(moved: Migration) -> Chart:
    """Where the customers of each segment went."""
    wide = moved.matrix("share") * 100
    heads = moved.matrix("customers").sum(axis=1)
    known = [name for name in wide.index if name != NEW]
    kept = sum(moved.customers(name, name) for name in known)
    values = {
        "before": moved.before,
        "after": moved.after,
        "n": moved.n_before,
        "kept": kept / moved.n_before if moved.n_before else None,
        "new": moved.n_after - (moved.n_before - sum(moved.customers(name, LEFT) for name in known)),
    }

    def draw(ax: Any, words: Words, style: Style) -> None:
        names = {s: words.format(s, "label:segment", area="rfm") for s in {*wide.index, *wide.columns}}
        draw_heat_map(ax, wide, words, style, spec="num0")
        ax.set_yticks(
            range(len(wide)), [f"{names[s]}  {words.format(int(heads[s]), 'count')}" for s in wide.index]
        )
        ax.set_xticks(
            range(wide.shape[1]),
            [names[s] for s in wide.columns],
            rotation=38,
            ha="left",
            rotation_mode="anchor",
        )
        ax.xaxis.tick_top()
        ax.axhline(len(wide) - 1.5, color=style.greys[0], linewidth=0.8)

    return Chart(
        "rfm.migration",
        draw,
        title=Text("rfm.migration.title", **values),
        subtitle=Text("rfm.migration.subtitle", **values),
        note=Text("rfm.migration.note", **values),
        alt=Text("rfm.migration.alt", **values),
        height=0.27 * len(wide) + 1.3,
    )


def migration_table(moved: Migration) -> Table:
    """The largest moves first; all pairs stand in the CSV."""
    frame = moved.moves.assign(stayed=moved.moves["from_segment"].eq(moved.moves["to_segment"]))
    frame = frame.sort_values(
        ["stayed", "customers"], ascending=[True, False], kind="stable", ignore_index=True
    )
    return Table(
        MOVES,
        frame.drop(columns="stayed"),
        (
            Column("from_segment", "label:segment"),
            Column("to_segment", "label:segment"),
            Column("customers", "count", bar=True),
            Column("share", "pct", label="rfm.column.move_share"),
        ),
        title=Text("rfm.moves.title"),
        note=Text("rfm.moves.note", before=moved.before, after=moved.after, n=moved.n_before),
        key=("from_segment", "to_segment"),
        max_rows=8,
    )


def migration(moved: Migration | None) -> list[Chart | Table | Note]:
    """Chart and table of the moves, or the sentence why nothing is compared."""
    if moved is None:
        return [Note(Text("rfm.migration.first"))]
    if moved.observed.is_preliminary:
        return [Note(Text("rfm.migration.preliminary", last=moved.observed.last_day))]
    return [migration_chart(moved), migration_table(moved)]


def notes(result: Segmented, groups: Targets) -> list[Note]:
    """What the segments say in words."""
    said = []
    if groups.value("valuable", "customers"):
        said.append(
            Note(
                Text(
                    "rfm.notes.valuable",
                    n=groups.value("valuable", "customers"),
                    people=groups.value("valuable", "customer_share"),
                    share=groups.value("valuable", "revenue_share"),
                )
            )
        )
    if result.scores.table.left_out.n_guest_lines:
        left = result.scores.table.left_out
        said.append(Note(Text("rfm.notes.guests", n=left.n_guest_lines, revenue=left.guest_revenue)))
    return said


def findings(result: Segmented, groups: Targets) -> list[Finding]:
    """Valuable customers drifting away, the best ones, and recent one-time buyers."""
    large = (groups.value("drifting", "revenue_share") or 0) >= _LARGE
    plans: tuple[tuple[str, str, Severity, Measure], ...] = (
        ("drifting", "rfm.drifting", "critical" if large else "warning", "return_offer"),
        ("valuable", "rfm.valuable", "opportunity", "early_access"),
        ("first_time", "rfm.first_time", "opportunity", "second_purchase_offer"),
    )
    found = []
    for group, name, severity, measure in plans:
        if groups.value(group, "customers") < _FEW:
            continue
        rows = groups.members[group].copy()
        rows.insert(1, "reason", group)
        columns = {
            "n": "customers",
            "people": "customer_share",
            "money": "revenue",
            "yearly": "revenue_per_year",
            "share": "revenue_share",
            "recency": "mean_recency_days",
            "each": "mean_monetary",
        }
        facts = {
            key: Fact(groups.value(group, column), Cell(TARGETS, (group,), column))
            for key, column in columns.items()
        }
        found.append(
            Finding(
                name,
                severity,
                facts=facts,
                measure=measure,
                money=float(groups.value(group, "revenue_per_year")),
                customers=ActionList(rows),
            )
        )
    return found


_MEASURES = (
    Column("customers", "count"),
    Column("customer_share", "pct"),
    Column("revenue", "money"),
    Column("revenue_share", "pct", bar=True),
    Column("mean_recency_days", "days"),
    Column("mean_frequency", "num1"),
    Column("mean_monetary", "money"),
)


def _years(result: Segmented) -> float:
    # Money of a long look-back is put per year; a short one is never stretched to a year.
    table = result.scores.table
    since = table.since
    if since is None:
        since = to_pandas(table.customers.select(first=nw.col("first_date").min()))["first"].iloc[0].date()
    return max(1.0, ((table.as_of - since).days + 1) / 365.25)


def _edges(cuts: Cuts) -> list[float | None]:
    bands = cuts.bands()
    # The end that makes the score: at most so many days, at most so much; "at least" for fixed F and M.
    edge = bands["upper"] if cuts.equal_goes == "below" else bands["lower"]
    return [float(v) if ok and pd.notna(v) else None for v, ok in zip(edge, bands["reachable"], strict=True)]


def _means(result: Segmented) -> dict[str, float | None]:
    cells, n = result.scores.cells, result.n_customers
    sums = {"mean_recency_days": "recency_days", "mean_frequency": "frequency", "mean_monetary": "monetary"}
    return {name: float(cells[column].sum()) / n if n else None for name, column in sums.items()}


def _window(result: Segmented) -> dict[str, Any]:
    table = result.scores.table
    return {
        "buyers": result.n_customers,
        "as_of": table.as_of,
        "since": Text("rfm.since.day", day=table.since) if table.since else Text("rfm.since.start"),
        "unit": Text(f"unit.{table.unit}"),
        "value": Text(f"rfm.value.{table.monetary}"),
        "guests": table.left_out.n_guest_lines,
        "guest_revenue": table.left_out.guest_revenue,
    }
