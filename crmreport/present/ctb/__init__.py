"""The CTB chapter: which categories, tastes and brands sell, and what to push, fix and begin with."""

from crmreport.present.ctb.actions import findings, lists
from crmreport.present.ctb.axis_cells import cell_tables, cells, fix, lift_map, push, push_cell
from crmreport.present.ctb.first_basket import entry, entry_chart
from crmreport.present.ctb.value_shares import coverage, data_end, message, profiles, shares, shares_chart

__all__ = [
    "cell_tables",
    "cells",
    "coverage",
    "data_end",
    "entry",
    "entry_chart",
    "findings",
    "fix",
    "lift_map",
    "lists",
    "message",
    "profiles",
    "push",
    "push_cell",
    "shares",
    "shares_chart",
]
