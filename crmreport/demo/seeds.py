"""One independent random stream per part of the demo shop.

A part draws from its own stream, so a part added later (inquiries, deals) leaves every number of
the older parts as it was.
"""

from __future__ import annotations

import numpy as np

DEMO_SEED = 20231124

# Numbers are for ever: take the next free one for a new part, never renumber.
PARTS = {
    "customers": 0,
    "visits": 1,
    "baskets": 2,
    "places": 3,
    "prices": 4,
    "guests": 5,
    "samples": 6,
    "clock": 7,
    "returns": 8,
    "slipping_region": 9,
    "lapsed_top_buyers": 10,
    "member_master": 11,
    "product_master": 12,
    "sales_form": 13,
    "broken_lines": 14,
    "training_lines": 15,
    "campaigns": 16,
    "sends": 17,
    "inquiries": 18,
    "deals": 19,
    "campaign_visits": 20,
    "web_events": 21,
}


def stream(seed: int, part: str, nth: int | None = None) -> np.random.Generator:
    """The random numbers of one part.

    Args:
        seed: Seed of the whole shop.
        part: A name in ``PARTS``.
        nth: Number of one of several alike, such as a campaign, that draw apart from each other.

    Examples:
        >>> first = stream(1, "guests").integers(1_000_000)
        >>> _ = stream(1, "customers").random(500)
        >>> bool(first == stream(1, "guests").integers(1_000_000))
        True
    """
    key = (PARTS[part],) if nth is None else (PARTS[part], nth)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
