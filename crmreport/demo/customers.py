"""Who the demo shop's members are, and how each of them tends to buy."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from crmreport.demo.calendar import DAYS, busyness, day_of
from crmreport.demo.catalogue import BRANDS, SCENTS
from crmreport.demo.places import PREFECTURES
from crmreport.demo.seeds import stream

MEMBERS = 20_000
_JOINED_BEFORE = 0.35
_OLDEST_DAY = day_of(date(2015, 4, 1))
_GAP_DAYS = 63.0
_MOST_EXTRA_LINES = 5.5  # on average: nobody here buys to sell on
_SOURCES = {"店頭": 0.38, "EC検索": 0.18, "SNS広告": 0.16, "紹介": 0.12, "雑誌": 0.09, "その他": 0.07}


def members(seed: int, scale: float) -> pd.DataFrame:
    """Draw the members with their habits.

    Args:
        seed: Seed of the shop.
        scale: Share of ``MEMBERS`` to draw, at least 0.01.

    Returns:
        One row per member: what the shop knows (member_id, sex, birth_date, prefecture, postal,
        joined = days since the first day of the data, source, consents) and habits it does not
        know (purchases a day ``rate``, ``leaves`` = chance to leave after a purchase,
        ``extra_lines``, ``dearness``, channel leanings, favourite scent and brand, whether they
        like refills and begin with a trial set).
    """
    rng = stream(seed, "customers")
    n = round(MEMBERS * scale)
    where = np.array([p.weight for p in PREFECTURES], dtype=float)
    home = rng.choice(len(PREFECTURES), size=n, p=where / where.sum())
    low = np.array([p.postal[0] for p in PREFECTURES])[home]
    high = np.array([p.postal[1] for p in PREFECTURES])[home]
    prefix, suffix = rng.integers(low, high + 1), rng.integers(1, 9999, size=n)
    joined = _joined(rng, n)
    age = np.clip(rng.normal(46, 14, size=n), 17 + (DAYS - joined) / 365, 92)  # nobody joined before 16
    born = date(2026, 10, 31).toordinal() - (age * 365.25).astype(int)
    refills = rng.random(n) < 0.30
    fondness = rng.normal(size=n)
    keen = np.exp(0.52 * fondness - 0.13)  # the fond buy more often, more and dearer
    leaves = np.clip(rng.beta(0.9, 6.5, size=n), 0.004, 0.8)
    old = joined < 0
    leaves[old] *= 0.30
    leaves[refills] *= 0.45
    return pd.DataFrame(
        {
            "member_id": [f"{number:010d}" for number in _numbers(rng, n)],
            "sex": rng.choice(["女性", "男性", ""], size=n, p=[0.86, 0.12, 0.02]),
            "birth_date": [date.fromordinal(int(day)) for day in born],
            "prefecture": [PREFECTURES[i].name for i in home],
            "postal": [f"{a:03d}-{b:04d}" for a, b in zip(prefix, suffix, strict=True)],
            "home_store": [PREFECTURES[i].store for i in home],
            "joined": joined,
            "acquisition": rng.choice(list(_SOURCES), size=n, p=list(_SOURCES.values())),
            "mail": rng.random(n) < 0.64,
            "line": rng.random(n) < 0.41,
            "sms": rng.random(n) < 0.18,
            "dm": rng.random(n) < 0.55,
            "rate": rng.gamma(0.85, 1.0, size=n) / 0.85 / _GAP_DAYS * keen**0.6 + 1 / 900,
            "leaves": leaves,
            "extra_lines": np.minimum(rng.gamma(0.9, 0.95, size=n) * keen**1.4, _MOST_EXTRA_LINES),
            "dearness": rng.normal(0.0, 0.70, size=n) + 0.30 * fondness,
            "leans_ec": rng.beta(0.55, 0.75, size=n),
            "leans_phone": rng.beta(0.3, 7.0, size=n) * (age > 55),
            "scent": rng.choice(SCENTS, size=n, p=[0.22, 0.17, 0.12, 0.13, 0.10, 0.26]),
            "brand": rng.choice(BRANDS, size=n, p=[0.33, 0.25, 0.16, 0.15, 0.11]),
            "refills": refills,
            "trial": (~old) & (rng.random(n) < 0.24),
            "scent_trial": rng.random(n) < 0.35,
        }
    )


def _joined(rng: np.random.Generator, n: int) -> np.ndarray:
    """Most recent joiners are the most; new ones come on busy days."""
    before = round(n * _JOINED_BEFORE)
    old = _OLDEST_DAY * rng.random(before) ** 1.6
    pull = busyness()
    new = rng.choice(DAYS, size=n - before, p=pull / pull.sum())
    return np.sort(np.concatenate([np.floor(old), new])).astype(int)


def _numbers(rng: np.random.Generator, n: int) -> np.ndarray:
    """Member numbers grow with the joining date, with gaps, and keep their leading zeros."""
    return 12_000_000 + np.cumsum(rng.integers(1, 60, size=n))
