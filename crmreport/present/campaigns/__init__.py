"""The campaigns chapter: the period's programme, what it earned together, and what stays open."""

from crmreport.present.campaigns.actions import findings
from crmreport.present.campaigns.log import log
from crmreport.present.campaigns.overlapping import overlap
from crmreport.present.campaigns.overview import data_end, every_campaign, message
from crmreport.present.campaigns.pressure import pressure
from crmreport.present.campaigns.worth import worth

__all__ = ["data_end", "every_campaign", "findings", "log", "message", "overlap", "pressure", "worth"]
