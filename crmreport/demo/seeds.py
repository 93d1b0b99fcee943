"""One independent random stream per part of the demo shop.

A part draws from its own stream, so a part added later (campaigns, sends, inquiries,
deals) leaves every number of the older parts as it was.
"""

from __future__ import annotations

import numpy as np

DEMO_SEED = 20231101

# Numbers are for ever: take the next free one for a new part, never renumber.
PARTS = {
    "customers": 0,
    "visits": 1,
    "baskets": 2,
    "prices": 3,
    "guests": 4,
    "returns": 5,
    "planted": 6,
    "mess": 7,
    "clock": 8,
    "master": 9,
    "fees": 10,
    "samples": 11,
    "campaigns": 12,
    "sends": 13,
    "inquiries": 14,
    "deals": 15,
}


def stream(seed: int, part: str) -> np.random.Generator:
    """The random numbers of one part.

    Args:
        seed: Seed of the whole shop.
        part: A name in ``PARTS``.

    Examples:
        >>> first = stream(1, "guests").integers(1_000_000)
        >>> _ = stream(1, "customers").random(500)
        >>> bool(first == stream(1, "guests").integers(1_000_000))
        True
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(PARTS[part],)))
