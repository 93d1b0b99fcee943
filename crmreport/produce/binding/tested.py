"""Whom the client's running tests are about: action lists that write to people leave them out."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd

from crmreport.analysis.campaign.under_test import under_test
from crmreport.config import Client
from crmreport.report import client_campaigns
from crmreport.workspace import Workspace

_SENT = ["campaign_id", "customer_id", "arm", "sent_on"]


def tested(workspace: Workspace, client: Client, sends: Path | None, as_of: date) -> dict[str, date]:
    """Customer of a running test → last day nothing else should be sent.

    Args:
        sends: The client's send log in the store; None without one.
        as_of: Last visible day.

    Raises:
        ConfigError: A running test's plan cannot be read.
        DataError: The list it drew is not there, or is another.
    """
    # Plans of tests long over are not opened: whatever became of them, nobody is in them any more.
    running = [c for c in client.campaigns if c.randomised and c.last_day > as_of]
    if not running:
        return {}
    log = None
    if sends is not None:
        log = pd.read_parquet(sends, columns=_SENT, filters=[("campaign_id", "in", [c.id for c in running])])
    found = under_test(log, plans=client_campaigns(client, workspace, running), as_of=as_of)
    return dict(zip(found["customer_id"], found["until"], strict=True))
