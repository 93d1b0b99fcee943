"""The campaign chapter: one campaign in depth, from its design to what to do with it."""

from crmreport.present.campaign.area import area
from crmreport.present.campaign.design import design
from crmreport.present.campaign.effects import effects
from crmreport.present.campaign.findings import findings
from crmreport.present.campaign.guardrails import guardrails
from crmreport.present.campaign.message import message, verdict
from crmreport.present.campaign.money import money
from crmreport.present.campaign.next_send import next_send
from crmreport.present.campaign.not_randomised import not_randomised
from crmreport.present.campaign.over_time import over_time
from crmreport.present.campaign.power import power
from crmreport.present.campaign.responses import responses
from crmreport.present.campaign.segments import segments
from crmreport.present.campaign.uplift import uplift

__all__ = [
    "area",
    "design",
    "effects",
    "findings",
    "guardrails",
    "message",
    "money",
    "next_send",
    "not_randomised",
    "over_time",
    "power",
    "responses",
    "segments",
    "uplift",
    "verdict",
]
