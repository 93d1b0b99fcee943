"""Chapter messages: how mail, LINE, SMS, app and post are responded to, and which carts are left."""

from crmreport.present.messages.carts import carts
from crmreport.present.messages.channels import (
    campaigns_table,
    changes_table,
    channels,
    channels_chart,
    channels_table,
    per_sent_table,
    this_period,
)
from crmreport.present.messages.findings import findings
from crmreport.present.messages.heading import message, no_effect
from crmreport.present.messages.kpi import kpi
from crmreport.present.messages.steps import steps
from crmreport.present.messages.trend import trend, trend_chart

__all__ = [
    "campaigns_table",
    "carts",
    "changes_table",
    "channels",
    "channels_chart",
    "channels_table",
    "findings",
    "kpi",
    "message",
    "no_effect",
    "per_sent_table",
    "steps",
    "this_period",
    "trend",
    "trend_chart",
]
