"""What a store is built from, and the file that says it is finished."""

from __future__ import annotations

from dataclasses import dataclass

from crmreport.intake.source_file import SourceFile
from crmreport.intake.tables import Table

REPORT = "intake.json"
"""Written last: a store without it was never finished."""


@dataclass(frozen=True, slots=True)
class Input:
    """One file of one source.

    Args:
        table: Canonical table it feeds.
        position: Which of the table's sources it belongs to, from 1.
        file: The file.
        digest: SHA-256 of its bytes.
    """

    table: Table
    position: int
    file: SourceFile
    digest: str
