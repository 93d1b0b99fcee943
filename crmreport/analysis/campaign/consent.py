"""Who agreed to a channel: only these customers a campaign can be sent to."""

from __future__ import annotations

import narwhals as nw
import pandas as pd
from narwhals.typing import IntoFrame

from crmreport.analysis.ledger import to_pandas

CONSENTS = {"mail": "consent_mail", "line": "consent_line", "sms": "consent_sms", "dm": "consent_dm"}
"""Channel → column of customers that says who agreed to it; other channels need no consent on file."""
WITHOUT_CONSENT = ("app", "web")
"""Usual channels that need none on file: whoever has the app or is on the site agreed there."""


def agreed(customers: IntoFrame | None, channel: str) -> pd.Series | None:
    """Ids of the customers who agreed to a channel; a blank answer is none.

    Args:
        customers: ``customer_id`` and consents, as kept now; None where there is no such table.
        channel: The campaign's channel.

    Returns:
        The ids, as strings; None where no consent to the channel is kept.

    Examples:
        >>> customers = pd.DataFrame({"customer_id": ["1", "2", "3"], "consent_mail": [True, False, None]})
        >>> list(agreed(customers, "mail"))
        ['1']
        >>> agreed(customers, "app") is None
        True
    """
    column = CONSENTS.get(channel)
    if customers is None or column is None:
        return None
    given = nw.from_native(customers).lazy()
    if column not in given.collect_schema().names():
        return None
    people = to_pandas(given.select("customer_id", column))
    yes = people[column].eq(True).fillna(False).astype("bool")
    return people.loc[yes, "customer_id"].astype("str")
