"""The CTB chapter: which categories, tastes and brands sell, and what to push, fix and begin with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import TwoSlopeNorm

from crmreport.analysis.ctb import CtbProfiles, CtbShares
from crmreport.analysis.ctb_cells import CtbCells
from crmreport.analysis.entry_products import EntryProducts
from crmreport.analysis.ledger import PurchaseUnit
from crmreport.analysis.observed import ObservedDays
from crmreport.present import (
    ActionList,
    Cell,
    Chart,
    Column,
    Fact,
    Finding,
    Message,
    Note,
    Style,
    Table,
    Text,
    Words,
)
from crmreport.present.observation import unobserved

_ALPHA = 0.05
_CHART_VALUES = 6
_MAP_ROWS, _MAP_COLUMNS = 9, 6
_ENTRY_ROWS = 8


def message(shares: CtbShares, cells: CtbCells | None) -> Message:
    """What sells most, which cell to push and which to fix; whichever of these there are."""
    method = Text("ctb.method")
    table = shares.table[shares.table["kind"] == "value"]
    if table.empty:
        return Message("ctb.message", Text("ctb.message.nothing"), method)
    top = table.iloc[0]
    said: dict[str, Any] = {"top": top["value"], "share": top["revenue_share"]}
    push = _first(cells.push()) if cells else None
    fix = _first(cells.fix()) if cells else None
    if cells and push is not None:
        said |= {"push": _name(push, cells), "growth": push["growth"]}
    if cells and fix is not None:
        said |= {"fix": _name(fix, cells), "repeat": fix["repeat_rate"]}
    case = {(True, True): "push_fix", (True, False): "push", (False, True): "fix", (False, False): "plain"}
    return Message(
        "ctb.message", Text(f"ctb.message.{case[push is not None, fix is not None]}", **said), method
    )


def data_end(shares: CtbShares) -> list[Note]:
    """What it means here that the data end before the period does; nothing when they do not."""
    return unobserved(shares.observed, Text("observed.ctb"))


def shares_chart(shares: CtbShares) -> Chart:
    """Share of sales by value, one panel per axis."""
    leads = _leads(shares.coverage)
    top = shares.table[shares.table["kind"] == "value"].iloc[0]
    said = {
        "value": top["value"], "share": top["revenue_share"], "axis": top["axis"],
        "as_of": shares.period.as_of, "start": shares.period.start, "shown": _CHART_VALUES,
    }  # fmt: skip

    def draw(axes: Any, words: Words, style: Style) -> None:
        panels = np.atleast_1d(axes)
        reach = float(shares.table["revenue_share"].max())
        for ax, (axis, attribute) in zip(panels, leads.items(), strict=True):
            known = shares.table[(shares.table["attribute"] == attribute) & (shares.table["kind"] == "value")]
            shown = known.head(_CHART_VALUES)
            for i, share in enumerate(shown["revenue_share"]):
                is_message = axis == said["axis"] and i == 0
                ax.barh(i, share, height=0.64, color=style.accent if is_message else style.greys[2])
                ax.annotate(
                    words.format(share, "pct"), (share, i), xytext=(3, 0), textcoords="offset points",
                    va="center", color=style.accent if is_message else style.ink,
                    fontweight="bold" if is_message else "normal",
                )  # fmt: skip
            ax.set_yticks(range(len(shown)), [_short(value) for value in shown["value"]])
            ax.set_ylim(_CHART_VALUES - 0.4, -0.6)
            ax.set_xlim(0, reach * 1.5)
            ax.set_xticks([])
            ax.spines["bottom"].set_visible(False)
            ax.set_title(words.label(f"ctb.axis.{axis}"))

    return Chart(
        "ctb.shares_chart",
        draw,
        title=Text("ctb.shares_chart.title", **said),
        subtitle=Text("ctb.shares_chart.subtitle", **said),
        note=Text("ctb.shares_chart.note", **said),
        alt=Text("ctb.shares_chart.alt", **said),
        height=2.3,
        panels=(1, len(leads)),
    )


def shares(shares: CtbShares) -> Table:
    """Sales by value; the page shows the largest of each axis, the file all."""
    return Table(
        "ctb.shares",
        _largest_first(shares.table, _leads(shares.coverage), each=4),
        (
            Column("value", "name:special"),
            Column("axis", "label:axis"),
            Column("revenue", "money"),
            Column("revenue_share", "pct", bar=True),
            Column("customers", "count"),
            Column("purchases", "count"),
            Column("growth", "spct"),
        ),
        title=Text("ctb.shares_table.title", start=shares.period.start, as_of=shares.period.as_of),
        note=Text(
            f"ctb.shares_table.note.{_comparison(shares.observed, previous=shares.previous_observed)}",
            start=shares.period.start,
            as_of=shares.period.as_of,
            unit=_unit(shares.unit),
        ),
        key=("attribute", "value"),
    )


def coverage(shares: CtbShares) -> Table:
    """How much of the spend each attribute is known for."""
    return Table(
        "ctb.coverage",
        shares.coverage,
        (
            Column("attribute", "name:attribute"),
            Column("axis", "label:axis"),
            Column("values", "count"),
            Column("known_revenue", "money"),
            Column("revenue", "money"),
            Column("coverage", "pct"),
        ),
        title=Text("ctb.coverage_table.title"),
        note=Text("ctb.coverage_table.note", as_of=shares.period.as_of),
    )


def profiles(profiles: CtbProfiles) -> Table:
    """How many customers live in one value; the page shows the largest of each axis, the file all."""
    kinds, leads = profiles.table, _leads(profiles.table)
    lead = kinds["attribute"].isin(leads.values())
    rank = kinds[kinds["kind"] == "value"].groupby("attribute").cumcount().reindex(kinds.index)
    shown = lead & (rank.isna() | (rank < 2))
    frame = pd.concat([kinds[shown], kinds[~shown]], ignore_index=True)
    return Table(
        "ctb.profiles",
        frame,
        (
            Column("value", "name:special"),
            Column("axis", "label:axis"),
            Column("kind", "label:profile"),
            Column("customers", "count"),
            Column("customer_share", "pct", bar=True),
            Column("revenue", "money"),
            Column("revenue_per_customer", "money"),
        ),
        title=Text("ctb.profiles_table.title"),
        note=Text(
            "ctb.profiles_table.note",
            share=profiles.dominant_share,
            lines=profiles.minimum_lines,
            start=profiles.period.start,
            as_of=profiles.period.as_of,
        ),
        key=("attribute", "value"),
    )


def lift_map(cells: CtbCells) -> Chart | Note:
    """Heat map of lift for a pair of axes, each cell with its customers; cells without support blank."""
    named = cells.table[cells.table["kind"] == "cell"]
    if named.empty:
        return Note(Text("ctb.no_cells", support=cells.minimum_support))
    first, second = list(cells.axes)[:2]
    order = {
        axis: list(named.groupby(axis)["revenue"].sum().sort_values(ascending=False, kind="stable").index[:n])
        for axis, n in ((first, _MAP_ROWS), (second, _MAP_COLUMNS))
    }
    inside = named[named[first].isin(order[first]) & named[second].isin(order[second])]
    strong = inside[inside["lift_low"] > 1].sort_values(["lift", "revenue"], ascending=False)
    grid = {(row[first], row[second]): row for row in inside.to_dict("records")}
    said: dict[str, Any] = {
        "support": cells.minimum_support, "n": len(named), "pooled": cells.cells_pooled,
        "coverage": cells.coverage, "as_of": cells.period.as_of, "first": first, "second": second,
    }  # fmt: skip
    case, pushed = "plain", push_cell(cells)
    if pushed is not None:
        # The cell the chapter speaks of, when it is one of these.
        spoken = strong[(strong[first] == pushed[first]) & (strong[second] == pushed[second])]
        strong = spoken if len(spoken) else strong
    if len(strong):
        case = "strong"
        row = strong.iloc[0]
        said |= {"given": row[first], "value": row[second], "lift": row["lift"]}

    def draw(ax: Any, words: Words, style: Style) -> None:
        values = np.array(
            [[grid.get((r, c), {}).get("lift", np.nan) for c in order[second]] for r in order[first]],
            dtype=float,
        )
        norm = TwoSlopeNorm(vcenter=0, vmin=-1.6, vmax=1.6)
        with np.errstate(divide="ignore"):
            scaled = np.clip(np.log2(values), -1.6, 1.6)
        # Half of the map's depth: dark fields would drown the numbers.
        ax.imshow(np.ma.masked_invalid(scaled * 0.7), cmap=style.diverging, norm=norm, aspect="auto")
        for i, r in enumerate(order[first]):
            for j, c in enumerate(order[second]):
                if (row := grid.get((r, c))) is None:
                    continue
                ground = style.diverging(norm(float(np.clip(np.log2(row["lift"]), -1.6, 1.6)) * 0.7))
                ink = style.ink_on(ground)
                ax.text(j, i - 0.14, words.format(row["lift"], "num2"), ha="center", va="center", color=ink,
                        fontweight="bold" if row["lift_low"] > 1 else "normal")  # fmt: skip
                count = words.say(Text("ctb.chart.customers", n=row["customers"]))
                ax.text(j, i + 0.24, count, ha="center", va="center", color=ink, fontsize=8)
        ax.set_xticks(range(len(order[second])), [_short(v) for v in order[second]])
        ax.set_yticks(range(len(order[first])), [_short(v) for v in order[first]])
        ax.xaxis.tick_top()
        ax.set_xticks(np.arange(-0.5, len(order[second])), minor=True)
        ax.set_yticks(np.arange(-0.5, len(order[first])), minor=True)
        ax.grid(which="minor", color="white", linewidth=1.5)
        ax.tick_params(which="minor", length=0)
        for spine in ax.spines.values():
            spine.set_visible(False)

    return Chart(
        "ctb.lift_map",
        draw,
        title=Text(f"ctb.lift_map.title.{case}", **said),
        subtitle=Text("ctb.lift_map.subtitle", **said),
        note=Text("ctb.lift_map.note", **said),
        alt=Text(f"ctb.lift_map.alt.{case}", **said),
        height=0.9 + 0.42 * len(order[first]),
        raster=True,
    )


def cells(cells: CtbCells) -> Table:
    """The cells of one set of axes."""
    axes = list(cells.axes)
    return Table(
        "ctb.cells_" + "_".join(axes),
        cells.table,
        (
            *[Column(axis, "name:special", label=f"ctb.axis.{axis}") for axis in axes],
            Column("customers", "count"),
            Column("revenue", "money"),
            Column("repeat_rate", "pct"),
            Column("mean_ltv_to_date", "money"),
            Column("lift", "num2"),
            Column("growth", "spct"),
        ),
        title=Text("ctb.cells_table.title", axes=_axes_text(axes)),
        note=Text("ctb.cells_table.note", **_cell_facts(cells)),
        key=tuple(axes),
        max_rows=5,
    )


def push(cells: CtbCells) -> Table | Note:
    """Cells to show more; a sentence with the reason where there are none."""
    table = cells.push()
    if table.empty:
        case = _comparison(cells.observed, previous=pd.notna(cells.total_growth))
        return Note(Text(f"ctb.push_note.{case}"))
    axes = list(cells.axes)
    return Table(
        "ctb.push",
        table,
        (
            *[Column(axis, "name:special", label=f"ctb.axis.{axis}") for axis in axes],
            Column("customers", "count"),
            Column("revenue", "money"),
            Column("revenue_change", "smoney"),
            Column("growth", "spct"),
            Column("lift", "num2"),
            Column("repeat_rate", "pct"),
        ),
        title=Text("ctb.push_table.title"),
        note=Text("ctb.push_table.note", growth=cells.total_growth, **_cell_facts(cells)),
        key=tuple(axes),
        max_rows=8,
    )


def fix(cells: CtbCells) -> Table | Note:
    """Cells whose customers come back less than in the rest of the axis value."""
    table = cells.fix()
    if table.empty:
        return Note(Text("ctb.fix_note.none"))
    axes = list(cells.axes)
    return Table(
        "ctb.fix",
        table,
        (
            *[Column(axis, "name:special", label=f"ctb.axis.{axis}") for axis in axes],
            Column("customers", "count"),
            Column("revenue", "money"),
            Column("repeat_rate", "pct"),
            Column("repeat_high", "pct"),
            Column("axis_repeat_rate", "pct"),
            Column("missing_repeaters", "count"),
        ),
        title=Text("ctb.fix_table.title"),
        note=Text("ctb.fix_table.note", first=axes[0], **_cell_facts(cells)),
        key=tuple(axes),
        max_rows=8,
    )


def entry(entry: EntryProducts) -> Table:
    """Second-purchase rate by what was in the first basket; clear differences first."""
    return Table(
        "ctb.entry",
        _clear_first(entry.table),
        (
            Column("value", "name:special", label="ctb.column.entry_value"),
            Column("attribute", "name:attribute"),
            Column("customers", "count", label="ctb.column.first_customers"),
            Column("f2_rate", "pct"),
            Column("f2_low", "pct"),
            Column("f2_high", "pct"),
            Column("rest_rate", "pct"),
            Column("difference", "pt"),
        ),
        title=Text("ctb.entry_table.title", days=entry.within_days),
        note=Text("ctb.entry_table.note", **_entry_facts(entry)),
        key=("attribute", "value"),
        # Below the clear differences stand chance results; the file has them.
        max_rows=min(max(int((entry.table["p_holm"] < _ALPHA).sum()), 3), 10),
    )


def entry_chart(entry: EntryProducts) -> Chart | Note:
    """Second-purchase rates that differ clearly from the rest, with intervals."""
    clear = entry.table[entry.table["p_holm"] < _ALPHA]
    said = _entry_facts(entry)
    if clear.empty:
        return Note(Text("ctb.entry_chart.none", **said))
    best = _best_entry(entry)
    ends = _ENTRY_ROWS // 2
    shown = clear if len(clear) <= _ENTRY_ROWS else pd.concat([clear.head(ends), clear.tail(ends)])
    case = "best" if best is not None else "worse"
    champion = None if best is None else (best["attribute"], best["value"])
    if best is not None:
        said |= {"value": best["value"], "best": best["f2_rate"], "rest": best["rest_rate"]}

    def draw(ax: Any, words: Words, style: Style) -> None:
        for i, row in enumerate(shown.to_dict("records")):
            is_best = (row["attribute"], row["value"]) == champion
            colour = style.accent if is_best else style.greys[0]
            ax.plot(
                [row["f2_low"], row["f2_high"]], [i, i], color=colour, linewidth=2.2, solid_capstyle="butt"
            )
            ax.plot(row["f2_rate"], i, "o", color=colour, markersize=6)
            said_row = words.say(Text("ctb.chart.entry_row", rate=row["f2_rate"], n=row["customers"]))
            ax.annotate(
                said_row, (row["f2_high"], i), xytext=(5, 0), textcoords="offset points", va="center",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
                color=style.accent if is_best else style.ink, fontweight="bold" if is_best else "normal",
            )  # fmt: skip
        ax.axvline(entry.f2_rate, color=style.ink, linewidth=0.8, linestyle=(0, (3, 3)))
        ax.annotate(
            words.say(Text("ctb.chart.overall", rate=entry.f2_rate)), (entry.f2_rate, -0.62),
            xytext=(0, 2), textcoords="offset points", ha="center", va="bottom",
        )  # fmt: skip
        ax.set_yticks(
            range(len(shown)),
            [_short(words.format(v, "name:special", area="ctb"), 22) for v in shown["value"]],
        )
        ax.set_ylim(len(shown) - 0.4, -0.62)
        ax.set_xlim(0, min(1.0, float(shown["f2_high"].max())) * 1.3)
        ax.xaxis.set_major_formatter(lambda value, _: words.format(value, "pct").replace(".0", ""))

    return Chart(
        "ctb.entry_chart",
        draw,
        title=Text(f"ctb.entry_chart.title.{case}", **said),
        subtitle=Text("ctb.entry_chart.subtitle", **said),
        note=Text("ctb.entry_chart.note", **said),
        alt=Text(f"ctb.entry_chart.alt.{case}", **said),
        height=0.9 + 0.3 * len(shown),
    )


def lists(entry: EntryProducts | None, prospects: pd.DataFrame | None = None) -> Table | Note:
    """How many customers the chapter's action lists hold."""
    rows = {} if prospects is None or prospects.empty else {"likes_value": prospects}
    if entry is not None and _best_entry(entry) is not None and len(entry.waiting):
        rows["first_purchase_only"] = entry.waiting
    if not rows:
        return Note(Text("ctb.lists_note"))
    frame = pd.DataFrame(
        [(reason, len(people), people["revenue"].sum()) for reason, people in rows.items()],
        columns=["list", "customers", "revenue"],
    )
    return Table(
        "ctb.lists",
        frame,
        (
            Column("list", "label:reason", label="ctb.column.list"),
            Column("customers", "count", label="ctb.column.list_customers"),
            Column("revenue", "money"),
        ),
        title=Text("ctb.lists_table.title"),
        note=Text("ctb.lists_table.note"),
    )


def findings(
    cells: CtbCells | None, entry: EntryProducts | None, prospects: pd.DataFrame | None = None
) -> list[Finding]:
    """The cell to push, the cell to fix, and the product to begin with.

    Args:
        cells: Cells of the pair of axes the chapter speaks of.
        entry: Second-purchase rates by first basket.
        prospects: Customers who like the push cell's value but have not bought in it.
    """
    found = [_push_finding(cells, prospects), _fix_finding(cells), _entry_finding(entry)]
    return [finding for finding in found if finding is not None]


def push_cell(cells: CtbCells) -> dict[str, str] | None:
    """Axis values of the first cell to push, if there is one."""
    first = _first(cells.push())
    return None if first is None else {axis: str(first[axis]) for axis in cells.axes}


def _push_finding(cells: CtbCells | None, prospects: pd.DataFrame | None) -> Finding | None:
    if cells is None or (row := _first(cells.push())) is None:
        return None
    key = tuple(str(row[axis]) for axis in cells.axes)
    facts = {"cell": Fact(_name(row, cells)), "value": Fact(key[-1]), "given": Fact(key[0])}
    for column in ("revenue", "growth", "lift", "customers", "revenue_change"):
        facts[column] = Fact(row[column], Cell("ctb.push", key, column))
    people, case = None, "assortment"
    if prospects is not None and len(prospects):
        people, case = ActionList(prospects.assign(reason="likes_value")), "customers"
        facts["prospects"] = Fact(len(prospects), Cell("ctb.lists", ("likes_value",), "customers"))
    measure = "cross_sell" if people else "push_assortment"
    return Finding(
        "ctb.push", "opportunity", facts, measure, money=float(row["revenue"]), case=case, customers=people
    )


def _fix_finding(cells: CtbCells | None) -> Finding | None:
    if cells is None or (row := _first(cells.fix())) is None:
        return None
    key = tuple(str(row[axis]) for axis in cells.axes)
    facts = {"cell": Fact(_name(row, cells)), "given": Fact(key[0])}
    for column in ("revenue", "customers", "repeat_rate", "axis_repeat_rate", "missing_repeaters"):
        facts[column] = Fact(row[column], Cell("ctb.fix", key, column))
    return Finding("ctb.fix", "warning", facts, "fix_assortment", money=float(row["missing_revenue"]))


def _entry_finding(entry: EntryProducts | None) -> Finding | None:
    if entry is None or (row := _best_entry(entry)) is None:
        return None
    key = (str(row["attribute"]), str(row["value"]))
    facts = {"value": Fact(key[1]), "days": Fact(entry.within_days)}
    for column in ("customers", "f2_rate", "rest_rate", "difference"):
        facts[column] = Fact(row[column], Cell("ctb.entry", key, column))
    people, case, money = None, "assortment", None
    if len(entry.waiting):
        people, case = ActionList(entry.waiting.assign(reason="first_purchase_only")), "customers"
        facts["waiting"] = Fact(len(entry.waiting), Cell("ctb.lists", ("first_purchase_only",), "customers"))
        money = float(entry.waiting["revenue"].sum())
    return Finding(
        "ctb.entry_product",
        "opportunity",
        facts,
        "second_purchase_offer",
        money=money,
        case=case,
        customers=people,
    )


def _best_entry(entry: EntryProducts) -> pd.Series | None:
    """Of the clear differences the one that is largest at the lower end of its interval."""
    clear = entry.table[(entry.table["p_holm"] < _ALPHA) & (entry.table["difference"] > 0)]
    if clear.empty:
        return None
    surest = (clear["f2_low"] - clear["rest_rate"]).to_numpy().argmax()
    return clear.iloc[int(surest)]


def _clear_first(table: pd.DataFrame) -> pd.DataFrame:
    clear = table["p_holm"] < _ALPHA
    return pd.concat([table[clear], table[~clear]], ignore_index=True)


def _entry_facts(entry: EntryProducts) -> dict[str, Any]:
    return {
        "days": entry.within_days, "n": entry.customers, "rate": entry.f2_rate, "not_yet": entry.not_yet,
        "earlier": entry.maybe_earlier, "burn_in": entry.burn_in_days,
        "support": entry.minimum_support, "left_out": entry.values_left_out, "as_of": entry.as_of,
        "tests": len(entry.table), "unit": _unit(entry.unit),
    }  # fmt: skip


def _cell_facts(cells: CtbCells) -> dict[str, Any]:
    return {
        "support": cells.minimum_support, "pooled": cells.cells_pooled, "coverage": cells.coverage,
        "start": cells.period.start, "as_of": cells.period.as_of, "unit": _unit(cells.unit),
    }  # fmt: skip


def _comparison(observed: ObservedDays, *, previous: bool) -> str:
    if observed.is_preliminary:
        return "preliminary"
    return "compared" if previous else "alone"


def _unit(unit: PurchaseUnit) -> Text:
    return Text(f"unit.{unit}")


def _leads(coverage: pd.DataFrame) -> dict[str, str]:
    """Axis → its first product column."""
    firsts = coverage.drop_duplicates("axis")
    return dict(zip(firsts["axis"], firsts["attribute"], strict=True))


def _largest_first(table: pd.DataFrame, leads: dict[str, str], *, each: int) -> pd.DataFrame:
    rank = table.groupby("attribute").cumcount()
    shown = table["attribute"].isin(leads.values()) & (rank < each)
    return pd.concat([table[shown], table[~shown]], ignore_index=True)


def _axes_text(axes: Sequence[str]) -> Text:
    return Text(f"ctb.axes.{'_'.join(axes)}")


def _first(table: pd.DataFrame) -> pd.Series | None:
    return None if table.empty else table.iloc[0]


def _name(row: Any, cells: CtbCells) -> str:
    return "×".join(str(row[axis]) for axis in cells.axes)


def _short(value: Any, length: int = 14) -> str:
    text = str(value)
    return text if len(text) <= length else text[: length - 1] + "…"
