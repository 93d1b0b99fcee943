"""When members buy: a renewal process on the shop's busy clock, with leaving after a purchase."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmreport.demo.calendar import DAYS, BusyTime
from crmreport.demo.planted import ENTRY_GAP_DAYS, ENTRY_LEAVES
from crmreport.demo.seeds import stream

_EVENNESS = 1.7  # shape of the gaps: 1 would be pure chance, more is more regular
_FIRST_LEAVES = 0.47
_STILL_THERE = 0.57
_MOST_VISITS = 160


def visits(seed: int, members: pd.DataFrame) -> pd.DataFrame:
    """Draw every purchase occasion of every member.

    Args:
        seed: Seed of the shop.
        members: As ``customers.members`` returns them.

    Returns:
        member (row number), day (days since the first one), nth (0 = first in the data),
        is_first (first of a member who joined inside the data); sorted by day and member.
    """
    rng = stream(seed, "visits")
    clock = BusyTime()
    joined = members["joined"].to_numpy()
    new = joined >= 0
    rate = members["rate"].to_numpy()
    leaves = members["leaves"].to_numpy()
    entry = members["trial"].to_numpy() & ~members["scent_trial"].to_numpy()

    reading = np.where(
        new,
        clock.at(np.maximum(joined, 0) + 0.5),
        # What is left of a gap met at a random moment: long gaps are met more often.
        rng.gamma(_EVENNESS + 1, 1 / _EVENNESS, size=len(members)) / rate * rng.random(len(members)),
    )
    who = np.flatnonzero(new | (rng.random(len(members)) < _STILL_THERE))
    found: list[tuple[np.ndarray, np.ndarray, int]] = []
    for nth in range(_MOST_VISITS):
        who = who[reading[who] < clock.end]
        if not len(who):
            break
        found.append((who.copy(), clock.day(reading[who]), nth))
        gone = leaves[who].copy()
        if nth == 0:
            gone = np.where(new[who], np.maximum(gone, _FIRST_LEAVES), gone)
            gone = np.where(entry[who], ENTRY_LEAVES, gone)
        gap = rng.gamma(_EVENNESS, 1 / _EVENNESS, size=len(who)) / rate[who]
        soon = rng.lognormal(np.log(ENTRY_GAP_DAYS), 0.45, size=len(who))
        if nth == 0:
            gap = np.where(entry[who], soon, gap)
        reading[who] += np.maximum(gap, 0.35)
        who = who[rng.random(len(who)) >= gone]
    frame = pd.DataFrame(
        {
            "member": np.concatenate([w for w, _, _ in found]),
            "day": np.minimum(np.floor(np.concatenate([d for _, d, _ in found])), DAYS - 1).astype(int),
            "nth": np.concatenate([np.full(len(w), k) for w, _, k in found]),
        }
    )
    frame["is_first"] = (frame["nth"] == 0) & new[frame["member"]]
    return frame.sort_values(["day", "member", "nth"], ignore_index=True)
