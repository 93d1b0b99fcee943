"""What is in a basket: every member has a few products they come back to."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmreport.demo.calendar import months
from crmreport.demo.catalogue import GIFT, SUNSCREEN, TRIAL
from crmreport.demo.planted import ENTRY_PRODUCT, FIX_CELL, move_to_push_cell
from crmreport.demo.seeds import stream

_FAVOURITES = 5
_FAVOURITE_WEIGHT = 90.0
_FIX_CELL_WEIGHT = 4.5
_AT_ONCE = 20_000


def baskets(seed: int, visits: pd.DataFrame, members: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """Fill every visit with product lines.

    Returns:
        member, day, nth, visit (row number of the visit), product (row number), quantity.
    """
    rng = stream(seed, "baskets")
    extra = rng.poisson(members["extra_lines"].to_numpy()[visits["member"]])
    starts_with_trial = visits["is_first"].to_numpy() & members["trial"].to_numpy()[visits["member"]]
    count = np.where(starts_with_trial, 1 + (extra > 2), 1 + extra)
    lines = visits.loc[np.repeat(visits.index, count), ["member", "day", "nth"]].reset_index(drop=True)
    lines["visit"] = np.repeat(np.arange(len(visits)), count)

    product = _draw(rng, lines["member"].to_numpy(), _tastes(rng, members, products))
    product = move_to_push_cell(rng, product, lines, products)
    product = _in_season(rng, product, lines, products)
    first_line = ~lines["visit"].duplicated().to_numpy()
    trial = first_line & np.repeat(starts_with_trial, count)
    scent_trial = members["scent_trial"].to_numpy()[lines["member"]]
    entry, other = _trial_sets(products)
    product[trial] = np.where(scent_trial[trial], other, entry)

    lines["product"] = product
    more = (rng.random(len(lines)) < 0.11).astype(int) + (rng.random(len(lines)) < 0.025)
    lines["quantity"] = np.where(trial, 1, 1 + more)
    # The same product twice in one basket is one line with more pieces.
    return lines.groupby(["visit", "product"], sort=True, as_index=False).agg(
        member=("member", "first"), day=("day", "first"), nth=("nth", "first"), quantity=("quantity", "sum")
    )


def pick_anything(rng: np.random.Generator, n: int, products: pd.DataFrame) -> np.ndarray:
    """Products for people the shop knows nothing about."""
    weight = products["popularity"].to_numpy()
    return rng.choice(len(products), size=n, p=weight / weight.sum())


def _tastes(rng: np.random.Generator, members: pd.DataFrame, products: pd.DataFrame) -> np.ndarray:
    """Cumulative chances of every product for every member, one row per member."""
    weight = np.tile(products["popularity"].to_numpy(), (len(members), 1))
    price = np.maximum(products["price"].to_numpy(), 1) / 3000
    weight *= price[None, :] ** members["dearness"].to_numpy()[:, None]
    weight *= np.where(_same(members["scent"], products["scent"]), 3.0, 1.0)
    weight *= np.where(_same(members["brand"], products["brand"]), 3.5, 1.0)
    refill = (products["kind"] == "詰め替え").to_numpy()
    likes = members["refills"].to_numpy()
    weight[np.ix_(likes, refill)] *= 3.0
    weight[np.ix_(~likes, refill)] *= 0.15
    fix = ((products["category_medium"] == FIX_CELL[0]) & (products["scent"] == FIX_CELL[1])).to_numpy()
    with np.errstate(divide="ignore"):
        luck = np.log(weight) + rng.gumbel(size=weight.shape)
    luck[:, fix] = -np.inf  # tried once, never a favourite: this is the cell with the poor repeat rate
    favourite = np.argpartition(-luck, _FAVOURITES, axis=1)[:, :_FAVOURITES]
    np.put_along_axis(weight, favourite, np.take_along_axis(weight, favourite, 1) * _FAVOURITE_WEIGHT, axis=1)
    weight[:, fix] *= _FIX_CELL_WEIGHT
    total = np.cumsum(weight, axis=1)
    return total / total[:, -1:]


def _same(wants: pd.Series, has: pd.Series) -> np.ndarray:
    return wants.to_numpy()[:, None] == has.to_numpy()[None, :]


def _draw(rng: np.random.Generator, member: np.ndarray, chances: np.ndarray) -> np.ndarray:
    luck = rng.random(len(member))
    picked = np.empty(len(member), dtype=int)
    for at in range(0, len(member), _AT_ONCE):
        part = slice(at, at + _AT_ONCE)
        picked[part] = (chances[member[part]] <= luck[part, None]).sum(axis=1)
    return np.minimum(picked, chances.shape[1] - 1)


def _in_season(
    rng: np.random.Generator, product: np.ndarray, lines: pd.DataFrame, products: pd.DataFrame
) -> np.ndarray:
    """Sunscreen from April to August, gifts in December, May (Mother's Day) and June.

    A third of the members buys them, each their own one year after year.
    """
    moved = product.copy()
    month = months()[lines["day"]]
    member = lines["member"].to_numpy()
    for medium, chance in (
        (SUNSCREEN, {4: 0.15, 5: 0.27, 6: 0.30, 7: 0.33, 8: 0.20}),
        (GIFT, {12: 0.24, 5: 0.12, 6: 0.09, 2: 0.06}),
    ):
        of_kind = np.flatnonzero((products["category_medium"] == medium).to_numpy())
        by_month = np.array([chance.get(m, 0.0) for m in range(13)])
        buys = rng.random(member.max() + 1) < 1 / 3
        own = rng.choice(of_kind, size=member.max() + 1)
        hit = buys[member] & (rng.random(len(product)) < by_month[month])
        moved[hit] = own[member[hit]]
    return moved


def _trial_sets(products: pd.DataFrame) -> tuple[int, int]:
    trial = (products["category_medium"] == TRIAL).to_numpy()
    planted = (products["name"] == ENTRY_PRODUCT).to_numpy()
    return int(np.flatnonzero(trial & planted)[0]), int(np.flatnonzero(trial & ~planted)[0])
