"""The truths planted in the demo shop; docs/demo.md lists them, tests/demo asserts them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from crmreport.demo.calendar import DAYS, date_of, day_of
from crmreport.demo.catalogue import BODY_CREAM, MUSK, OSMANTHUS, SERUM
from crmreport.demo.places import TOHOKU
from crmreport.demo.seeds import stream

LAST_YEAR = day_of(date(2025, 11, 1))
"""First day of the last twelve months."""

ENTRY_PRODUCT = "はじめてのトライアルセット"
ENTRY_LEAVES = 0.45
ENTRY_GAP_DAYS = 38.0

SLIPPING_REGION = TOHOKU
_REGION_KEEPS = 0.62

LAPSED_SHARE_OF_TOP = 1 / 6
_LAPSED_LAST_DAY = (day_of(date(2026, 3, 16)), day_of(date(2026, 5, 1)))
_LAPSED_SINCE = day_of(date(2026, 5, 4))  # 180 days before the last day

PUSH_CELL = (SERUM, OSMANTHUS)
_PUSH_BEFORE, _PUSH_NOW = 0.20, 0.10

FIX_CELL = (BODY_CREAM, MUSK)

GAP_STORE, GAP_MONTH = "103", (2026, 6)


def slip_region(seed: int, lines: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
    """Lose a third of the slipping region's visits of the last twelve months.

    Args:
        seed: Seed of the shop.
        lines: Member lines with member, visit, day.
        members: As ``customers.members`` returns them.
    """
    stays = stream(seed, "slipping_region").random(int(lines["visit"].max()) + 1) < _REGION_KEEPS
    there = members["prefecture"].isin(SLIPPING_REGION).to_numpy()[lines["member"]]
    lost = there & (lines["day"].to_numpy() >= LAST_YEAR) & ~stays[lines["visit"]]
    return lines[~lost].reset_index(drop=True)


def move_to_push_cell(
    rng: np.random.Generator, product: np.ndarray, lines: pd.DataFrame, products: pd.DataFrame
) -> np.ndarray:
    """Serums: osmanthus gives way to others before the last twelve months, and gains in them.

    A member moves with all their serums and to one product, so that they come back to it.
    """
    moved = product.copy()
    serum = (products["category_medium"] == PUSH_CELL[0]).to_numpy()
    osmanthus = serum & (products["scent"] == PUSH_CELL[1]).to_numpy()
    inside, outside = np.flatnonzero(osmanthus), np.flatnonzero(serum & ~osmanthus)
    member = lines["member"].to_numpy()
    n = int(member.max()) + 1
    leaves, comes = (rng.random(n) < _PUSH_BEFORE)[member], (rng.random(n) < _PUSH_NOW)[member]
    late = lines["day"].to_numpy() >= LAST_YEAR
    away = osmanthus[product] & ~late & leaves
    towards = (serum & ~osmanthus)[product] & late & comes
    moved[away] = rng.choice(outside, size=n)[member[away]]
    moved[towards] = rng.choice(inside, size=n)[member[towards]]
    return moved


def lapse_top_buyers(seed: int, lines: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
    """End the buying of some of the last year's best customers in spring 2026.

    Only customers whose purchases up to then keep them in the top decile of the year are
    taken, as many as make the lapsed a sixth of that decile.

    Args:
        seed: Seed of the shop.
        lines: Priced member lines with member, day, amount.
        members: As ``customers.members`` returns them.
    """
    rng = stream(seed, "lapsed_top_buyers")
    last_day = rng.integers(*_LAPSED_LAST_DAY, size=len(members))
    year = lines[lines["day"] >= LAST_YEAR]
    spent = year.groupby("member")["amount"].sum().sort_values(ascending=False)
    top = spent.index[: -(-len(spent) // 10)]
    bar = spent.iloc[len(top) - 1]
    latest = year.groupby("member")["day"].max()
    already = int((latest[top] < _LAPSED_SINCE).sum())
    until = year[year["day"] <= last_day[year["member"]]].groupby("member")["amount"].sum()
    stays_top = until.index[(until >= 1.05 * bar).to_numpy()]
    fit = stays_top[(latest[stays_top] >= _LAPSED_SINCE).to_numpy()]
    fit = fit[~members["prefecture"].isin(SLIPPING_REGION).to_numpy()[fit]].to_numpy()
    wanted = max(round(len(top) * LAPSED_SHARE_OF_TOP) - already, 0)
    chosen = rng.permutation(np.sort(fit))[:wanted]
    ends = np.full(len(members), DAYS)
    ends[chosen] = last_day[chosen]
    return lines[lines["day"].to_numpy() <= ends[lines["member"]]].reset_index(drop=True)


def lapsed_top_buyers(lines: pd.DataFrame) -> np.ndarray:
    """Members of the last year's top decile who have lapsed: no campaign wakes them.

    Args:
        lines: The books, before anything campaigns add.
    """
    year = lines[(lines["day"] >= LAST_YEAR) & (lines["member"] >= 0)]
    spent = year.groupby("member")["amount"].sum().sort_values(ascending=False)
    top = spent.index[: -(-len(spent) // 10)]
    latest = year[year["amount"] > 0].groupby("member")["day"].max().reindex(top)
    return latest.index[(latest < _LAPSED_SINCE).to_numpy()].to_numpy()


def in_missing_delivery(lines: pd.DataFrame) -> np.ndarray:
    """Lines the shop's books have but its files do not: one store, one month."""
    inside = np.array([(date_of(d).year, date_of(d).month) == GAP_MONTH for d in range(DAYS)])
    return (lines["store"] == GAP_STORE).to_numpy() & inside[lines["day"]]
