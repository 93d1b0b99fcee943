"""Where the axes meet: the map of lift, the tables of cells, what to push and what to fix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import TwoSlopeNorm

from crmreport.analysis.ctb_cells import CtbCells
from crmreport.present import Chart, Column, Note, Style, Table, Text, Words
from crmreport.present.ctb.naming import comparison, first_row, short, unit_text

_MAP_ROWS, _MAP_COLUMNS = 9, 6


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
        shades = style.diverging
        # Half of the map's depth: dark fields would drown the numbers.
        ax.imshow(np.ma.masked_invalid(scaled * 0.7), cmap=shades, norm=norm, aspect="auto")
        for i, r in enumerate(order[first]):
            for j, c in enumerate(order[second]):
                if (row := grid.get((r, c))) is None:
                    continue
                ground = shades(norm(float(np.clip(np.log2(row["lift"]), -1.6, 1.6)) * 0.7))
                ink = style.ink_on(ground)
                # Inside their field: measuring them for the margins would take as long as drawing them.
                inside = {"ha": "center", "va": "center", "color": ink, "in_layout": False}
                weight = "bold" if row["lift_low"] > 1 else "normal"
                ax.text(j, i - 0.14, words.format(row["lift"], "num2"), fontweight=weight, **inside)
                count = words.say(Text("ctb.chart.customers", n=row["customers"]))
                ax.text(j, i + 0.24, count, fontsize=8, **inside)
        ax.set_xticks(range(len(order[second])), [short(v, words) for v in order[second]])
        ax.set_yticks(range(len(order[first])), [short(v, words) for v in order[first]])
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


def cell_tables(results: Sequence[CtbCells]) -> list[Table]:
    """The cells of each set of axes; what the columns mean stands once, under the first table."""
    tables = [cells(result) for result in results]
    return tables[:1] + [
        replace(table, note=Text("ctb.cells_table.note_again", first=tables[0].title, **_cell_facts(result)))
        for table, result in zip(tables[1:], results[1:], strict=True)
    ]


def push(cells: CtbCells) -> Table | Note:
    """Cells to show more; a sentence with the reason where there are none."""
    table = cells.push()
    if table.empty:
        case = comparison(cells.observed, previous=pd.notna(cells.total_growth))
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
        case = "preliminary" if cells.observed.is_preliminary else "none"
        return Note(Text(f"ctb.fix_note.{case}"))
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


def push_cell(cells: CtbCells) -> dict[str, str] | None:
    """Axis values of the first cell to push, if there is one."""
    first = first_row(cells.push())
    return None if first is None else {axis: str(first[axis]) for axis in cells.axes}


def _cell_facts(cells: CtbCells) -> dict[str, Any]:
    return {
        "support": cells.minimum_support, "pooled": cells.cells_pooled, "coverage": cells.coverage,
        "start": cells.period.start, "as_of": cells.period.as_of, "unit": unit_text(cells.unit),
    }  # fmt: skip


def _axes_text(axes: Sequence[str]) -> Text:
    return Text(f"ctb.axes.{'_'.join(axes)}")
