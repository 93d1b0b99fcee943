"""The campaigns chapter: the period's programme, what it earned together, and what stays open."""

from crmreport.present.campaigns.actions import findings
from crmreport.present.campaigns.kpi import kpi
from crmreport.present.campaigns.log import log
from crmreport.present.campaigns.overlapping import overlap
from crmreport.present.campaigns.overview import data_end, every_campaign, message
from crmreport.present.campaigns.pressure import pressure
from crmreport.present.campaigns.worth import together, worth

__all__ = [
    "data_end",
    "every_campaign",
    "findings",
    "kpi",
    "log",
    "message",
    "overlap",
    "pressure",
    "together",
    "worth",
]
