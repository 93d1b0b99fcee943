"""What to do about it: the findings, and how many customers their lists hold."""

from __future__ import annotations

import pandas as pd

from crmreport.analysis.ctb_cells import CtbCells
from crmreport.analysis.entry_products import EntryProducts
from crmreport.present import ActionList, Cell, Column, Fact, Finding, Note, Table, Text
from crmreport.present.ctb.first_basket import best_entry
from crmreport.present.ctb.naming import cell_name, first_row


def lists(entry: EntryProducts | None, prospects: pd.DataFrame | None = None) -> Table | Note:
    """How many customers the chapter's action lists hold."""
    rows = {} if prospects is None or prospects.empty else {"likes_value": prospects}
    if entry is not None and best_entry(entry) is not None and len(entry.waiting):
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


def _push_finding(cells: CtbCells | None, prospects: pd.DataFrame | None) -> Finding | None:
    if cells is None or (row := first_row(cells.push())) is None:
        return None
    key = tuple(str(row[axis]) for axis in cells.axes)
    facts = {"cell": Fact(cell_name(row, cells)), "value": Fact(key[-1]), "given": Fact(key[0])}
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
    if cells is None or (row := first_row(cells.fix())) is None:
        return None
    key = tuple(str(row[axis]) for axis in cells.axes)
    facts = {"cell": Fact(cell_name(row, cells)), "given": Fact(key[0])}
    for column in ("revenue", "customers", "repeat_rate", "axis_repeat_rate", "missing_repeaters"):
        facts[column] = Fact(row[column], Cell("ctb.fix", key, column))
    return Finding("ctb.fix", "warning", facts, "fix_assortment", money=float(row["missing_revenue"]))


def _entry_finding(entry: EntryProducts | None) -> Finding | None:
    if entry is None or (row := best_entry(entry)) is None:
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
