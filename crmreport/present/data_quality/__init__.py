"""Chapter data_quality: what was done to the client's files, and what in them could change an answer."""

from crmreport.present.data_quality.caveats import findings
from crmreport.present.data_quality.checks import checks_table, missing_table, months_chart, normalised_table
from crmreport.present.data_quality.delivery import (
    attribution_table,
    balance_table,
    control_table,
    excluded_tables,
    message,
    note,
)

__all__ = [
    "attribution_table",
    "balance_table",
    "checks_table",
    "control_table",
    "excluded_tables",
    "findings",
    "message",
    "missing_table",
    "months_chart",
    "normalised_table",
    "note",
]
