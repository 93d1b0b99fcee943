"""Whom a campaign moves: the Qini curve of a score."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from narwhals.typing import IntoFrame
from numpy.typing import NDArray

from crmreport.analysis.ledger import to_pandas
from crmreport.errors import DataError

Floats = NDArray[np.float64]
# Cells of one round of the bootstrap, so that memory stays below some 200 MB.
_CHUNK = 8_000_000


@dataclass(frozen=True)
class Qini:
    """Qini curve (Radcliffe 2007) of a score.

    Attributes:
        curve: From nobody to everybody: ``share`` (of customers, best score first), ``score`` (lowest
            among them; nan at 0), ``gain`` (incremental outcome of the treated among them, per treated
            customer of the whole test), ``random`` (gain when the same share is picked at random),
            ``lower`` and ``upper`` (bootstrap bounds of gain).
        coefficient: Area between gain and random, in the outcome's unit; above 0 the score finds those
            whom the campaign moves.
        lower: Its lower bootstrap bound.
        upper: Its upper bootstrap bound.
        overall: Gain at everybody: the effect per treated customer.
        n_treatment: Treated customers.
        n_control: Control customers.
        repeats: Bootstrap samples.
        seed: Their seed.
    """

    curve: pd.DataFrame
    coefficient: float
    lower: float
    upper: float
    overall: float
    n_treatment: int
    n_control: int
    repeats: int
    seed: int


def qini_curve(
    customers: IntoFrame,
    *,
    score: str,
    treated: str,
    outcome: str,
    points: int = 20,
    repeats: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Qini:
    """Gain of sending to the best-scored share of customers, against as many picked at random.

    Customers are sorted by score, best first, and cut into ``points`` steps of about equal size;
    customers of one score are never parted. At each step gain = (Yₜ − Y꜀ × nₜ ÷ n꜀) ÷ Nₜ with Y the
    outcome's sum and n the customers so far in each arm, Nₜ all treated (Radcliffe 2007); area by
    trapezoids. Interval: percentile bootstrap, customers drawn again within each arm. The score must
    not come from the same customers' outcomes: it would find its own noise.

    Args:
        customers: One row per assigned customer.
        score: Column of the score, high for those expected to be moved.
        treated: Column 1 for treatment, 0 for control.
        outcome: Column of the outcome.
        points: Steps of the curve, 2 or more.
        repeats: Bootstrap samples, 100 or more.
        seed: Seed of the bootstrap.
        confidence: Coverage of the bounds, between 0 and 1.

    Returns:
        The curve and its area.

    Raises:
        ValueError: ``points`` or ``repeats`` is too small.
        DataError: An arm is empty, or a score or outcome is missing.

    Examples:
        The campaign moves those with score 1 only (buying 20 % → 40 %).

        >>> rows = [(s, t, y) for s in (0, 1) for t in (0, 1)
        ...         for y in [1] * (2 + 2 * s * t) + [0] * (8 - 2 * s * t)]
        >>> frame = pd.DataFrame(rows * 20, columns=["score", "treated", "bought"])
        >>> found = qini_curve(frame, score="score", treated="treated", outcome="bought", repeats=200)
        >>> found.curve[["share", "gain", "random"]].round(3).to_numpy().tolist()
        [[0.0, 0.0, 0.0], [0.5, 0.1, 0.05], [1.0, 0.1, 0.1]]
        >>> round(found.coefficient, 3), found.lower > 0
        (0.025, True)
    """
    if points < 2 or repeats < 100:
        raise ValueError(f"points is {points} (2 or more), repeats is {repeats} (100 or more)")
    cells = _cells(customers, score, treated, outcome)
    step, lowest = _steps(cells, points)
    n_steps = len(lowest)
    counts, sums = {}, {}
    rng = np.random.default_rng(seed)
    drawn_counts, drawn_sums = {}, {}
    for arm in (1, 0):
        mine = (cells["arm"] == arm).to_numpy()
        n, value, at = (
            cells["n"].to_numpy("int64")[mine],
            cells["outcome"].to_numpy("float64")[mine],
            step[mine],
        )
        counts[arm], sums[arm] = _by_step(n[None, :], value, at, n_steps)
        drawn_counts[arm], drawn_sums[arm] = _redraw(rng, n, value, at, n_steps, repeats)
    share, gain = _gain(counts, sums)
    drawn_share, drawn_gain = _gain(drawn_counts, drawn_sums)
    area, drawn_area = _area(share, gain)[0], _area(drawn_share, drawn_gain)
    tails = [50 * (1 - confidence), 50 * (1 + confidence)]
    low, high = np.percentile(drawn_gain, tails, axis=0)
    bounds = np.percentile(drawn_area, tails)
    curve = pd.DataFrame(
        {
            "share": share[0],
            "score": [math.nan, *lowest],
            "gain": gain[0],
            "random": share[0] * gain[0, -1],
            "lower": low,
            "upper": high,
        }
    )
    return Qini(
        curve=curve,
        coefficient=float(area),
        lower=float(bounds[0]),
        upper=float(bounds[1]),
        overall=float(gain[0, -1]),
        n_treatment=int(counts[1].sum()),
        n_control=int(counts[0].sum()),
        repeats=repeats,
        seed=seed,
    )


def _cells(customers: IntoFrame, score: str, treated: str, outcome: str) -> pd.DataFrame:
    """Customers per score, arm and outcome: all the bootstrap needs, however many customers."""
    frame = nw.from_native(customers).lazy()
    columns = {"score": nw.col(score), "outcome": nw.col(outcome)}
    cells = to_pandas(
        frame.select(
            arm=nw.col(treated).cast(nw.Int64),
            n=nw.lit(1),
            **{name: column.cast(nw.Float64) for name, column in columns.items()},
        )
        .group_by("score", "arm", "outcome")
        .agg(nw.col("n").sum())
    )
    for name, column in (("score", score), ("outcome", outcome)):
        if missing := int(cells.loc[cells[name].isna(), "n"].sum()):
            raise DataError(f"{missing} customers have no {name} ({column}); leave them out of the curve")
    if set(cells["arm"]) != {0, 1}:
        raise DataError(
            f"{treated} holds {sorted(set(cells['arm']))}; the curve needs 1 (treated) and 0 (control)"
        )
    return cells.sort_values(["score", "arm", "outcome"], ascending=[False, False, True], ignore_index=True)


def _steps(cells: pd.DataFrame, points: int) -> tuple[NDArray[np.int64], list[float]]:
    """Step of each cell, and the lowest score of each step."""
    scores = cells.groupby("score")["n"].sum().sort_index(ascending=False)
    before = scores.cumsum() - scores
    rank = (before * points // int(scores.sum())).rank(method="dense").astype("int64") - 1
    lowest = pd.Series(scores.index, index=rank.to_numpy()).groupby(level=0).min()
    return cells["score"].map(rank).to_numpy("int64"), [float(value) for value in lowest]


def _by_step(n: NDArray[Any], value: Floats, at: NDArray[np.int64], n_steps: int) -> tuple[Floats, Floats]:
    """Customers and outcomes per sample (rows) and step (columns)."""
    counts, sums = np.zeros((len(n), n_steps)), np.zeros((len(n), n_steps))
    # Cells come best score first, so each step is one run of them.
    starts = np.flatnonzero(np.diff(at, prepend=-1))
    counts[:, at[starts]] = np.add.reduceat(n, starts, axis=1)
    sums[:, at[starts]] = np.add.reduceat(n * value, starts, axis=1)
    return counts, sums


def _redraw(
    rng: np.random.Generator,
    n: NDArray[np.int64],
    value: Floats,
    at: NDArray[np.int64],
    n_steps: int,
    repeats: int,
) -> tuple[Floats, Floats]:
    chance = n / n.sum()
    size = max(1, _CHUNK // len(n))
    parts = [
        _by_step(rng.multinomial(n.sum(), chance, size=min(size, repeats - done)), value, at, n_steps)
        for done in range(0, repeats, size)
    ]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def _gain(counts: dict[int, Floats], sums: dict[int, Floats]) -> tuple[Floats, Floats]:
    """Share of customers and gain, with the point of nobody in front."""
    n1, n0, y1, y0 = (np.cumsum(a, axis=1) for a in (counts[1], counts[0], sums[1], sums[0]))
    total = n1[:, -1:]
    # Without a control customer so far nothing can be subtracted, so no gain is claimed.
    gain = np.where(n0 > 0, (y1 - y0 * n1 / np.maximum(n0, 1)) / total, 0.0)
    share = (n1 + n0) / (n1 + n0)[:, -1:]
    start = np.zeros((len(share), 1))
    return np.hstack([start, share]), np.hstack([start, gain])


def _area(share: Floats, gain: Floats) -> Floats:
    return np.asarray(np.trapezoid(gain - share * gain[:, -1:], share, axis=1))
