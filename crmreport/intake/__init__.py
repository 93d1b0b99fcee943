"""The only reader of client data: read, normalise, unify, check, store.

``open_store(workspace, client)`` gives the canonical tables as Parquet and an
``IntakeReport`` of everything that was counted on the way.
"""

from crmreport.intake.model import Check, IntakeReport
from crmreport.intake.store import Store, open_store

__all__ = ["Check", "IntakeReport", "Store", "open_store"]
