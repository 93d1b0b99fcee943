"""Finished reports to the people they were made for: checked, bound to the client, sent once."""

from __future__ import annotations

from crmreport.deliver.despatch import deliver_report
from crmreport.deliver.model import Delivered, Outcome, Recipient

__all__ = ["Delivered", "Outcome", "Recipient", "deliver_report"]
