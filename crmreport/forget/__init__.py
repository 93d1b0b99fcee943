"""Customers who asked to be forgotten: taken out of everything the program keeps of a client.

``forget(workspace, client, ids, at=…)`` puts them on the client's list, so that no line of theirs is read
again, and takes them out of the store, the quarantine, the action lists of published reports, the cache, the
outbox and the lists of planned tests. The client's own files are the client's: nothing there is touched.
"""

from crmreport.forget.model import Forgetting, Place, Recipient, Trace
from crmreport.forget.request import forget

__all__ = ["Forgetting", "Place", "Recipient", "Trace", "forget"]
