"""The only reader of client data: read, normalise, unify, check, store.

``open_store(workspace, client)`` gives the canonical tables as Parquet and an
``IntakeReport`` of everything that was counted on the way; ``recognise`` says what a client's
files seem to be, for a first client file.
"""

from crmreport.intake.model import Check, IntakeReport
from crmreport.intake.store import Store, built_store, chosen_store, is_of, open_store

__all__ = ["Check", "IntakeReport", "Store", "built_store", "chosen_store", "is_of", "open_store"]
