"""RFM segments: which scores make which group of customers; the maps are data."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from crmreport.analysis.rfm import SCORES, RfmScores
from crmreport.errors import ConfigError
from crmreport.yaml_file import YamlFile, read_yaml

PRESETS = ("standard", "japanese")
ROLES = ("valuable", "drifting", "first_time")
"""What findings ask of segments: recent and frequent; frequent but not recent; recent, bought once."""
_AXES = {"r": "recency_score", "f": "frequency_score", "m": "monetary_score"}
Cell = tuple[int, ...]


@dataclass(frozen=True)
class SegmentMap:
    """A partition of the score cells into named segments.

    Attributes:
        name: Preset name or file name.
        bins: Scores per axis.
        axes: ``("r", "f")`` or ``("r", "f", "m")``.
        segments: Segment names in the order they are shown.
        cells: Scores along the axes → segment; every cell is there.
        names: Segment → language → name, for segments a client has added.
        roles: Role (:data:`ROLES`) → its segments, as the map declares them or as their cells say.
    """

    name: str
    bins: int
    axes: tuple[str, ...]
    segments: tuple[str, ...]
    cells: Mapping[Cell, str]
    names: Mapping[str, Mapping[str, str]]
    roles: Mapping[str, tuple[str, ...]]

    @property
    def columns(self) -> tuple[str, ...]:
        """Score columns the map looks at."""
        return tuple(_AXES[axis] for axis in self.axes)

    def segment(self) -> nw.Expr:
        """Expression that names the segment from the score columns."""
        code = nw.lit(0)
        for column in self.columns:
            code = code * 100 + nw.col(column)
        named: Any = nw.lit(self.segments[-1])
        for segment in self.segments[:-1]:
            codes = [_code(cell) for cell, name in self.cells.items() if name == segment]
            named = nw.when(code.is_in(codes)).then(nw.lit(segment)).otherwise(named)
        return named


@dataclass(frozen=True)
class Segmented:
    """Customers by segment.

    Attributes:
        scores: The scores behind it.
        map: The map used.
        customers: Lazy frame of the scores with ``segment``.
        table: One row per segment in map order: ``segment``, ``customers``, ``customer_share``,
            ``revenue``, ``revenue_share``, ``mean_recency_days``, ``mean_frequency``,
            ``mean_monetary``; means of an empty segment are blank.
        grid: One row per R×F cell, also empty ones: ``recency_score``, ``frequency_score``,
            ``customers``, ``revenue``, ``mean_monetary``.
        n_customers: Customers in all segments.
        revenue: Their net revenue in the look-back.
    """

    scores: RfmScores
    map: SegmentMap
    customers: nw.LazyFrame[Any]
    table: pd.DataFrame
    grid: pd.DataFrame
    n_customers: int
    revenue: float

    def members(self, *segments: str) -> nw.LazyFrame[Any]:
        """Customers of the named segments, most valuable first when sorted by ``revenue``.

        Raises:
            ConfigError: The map has no such segment.
        """
        for segment in segments:
            if segment not in self.map.segments:
                raise ConfigError(
                    f"segment {segment!r} is not in map {self.map.name!r}; "
                    f"it has {', '.join(self.map.segments)}"
                )
        return self.customers.filter(nw.col("segment").is_in(list(segments)))

    def row(self, segment: str) -> pd.Series:
        """The segment's line of the table."""
        return self.table[self.table["segment"] == segment].iloc[0]


def segment_table(scores: RfmScores, segments: SegmentMap) -> Segmented:
    """Put every customer into one segment and describe the segments.

    Args:
        scores: Result of :func:`crmreport.analysis.rfm.score_rfm`.
        segments: Result of :func:`load_segments`.

    Raises:
        ConfigError: Map and scores differ in the number of scores.
    """
    if segments.bins != scores.cuts.bins:
        raise ConfigError(
            f"segment map {segments.name!r} is for scores 1 to {segments.bins}, "
            f"the customers have 1 to {scores.cuts.bins}; score with bins={segments.bins}"
        )
    cells = scores.cells.assign(
        segment=[
            segments.cells[cell] for cell in zip(*(scores.cells[c] for c in segments.columns), strict=True)
        ]
    )
    decimals = scores.table.decimals
    sums = (
        cells.groupby("segment")[["customers", "revenue", "recency_days", "frequency", "monetary"]]
        .sum()
        .reindex(list(segments.segments), fill_value=0)
        .rename_axis("segment")
        .reset_index()
        .round({"revenue": decimals, "monetary": decimals})
    )
    n, revenue = int(sums["customers"].sum()), float(round(sums["revenue"].sum(), decimals))
    heads = sums["customers"].where(sums["customers"] > 0)
    table = pd.DataFrame(
        {
            "segment": sums["segment"].astype("str"),
            "customers": sums["customers"].astype("int64"),
            "customer_share": sums["customers"] / n if n else np.nan,
            "revenue": sums["revenue"],
            "revenue_share": sums["revenue"] / revenue if revenue > 0 else np.nan,
            "mean_recency_days": sums["recency_days"] / heads,
            "mean_frequency": sums["frequency"] / heads,
            "mean_monetary": sums["monetary"] / heads,
        }
    )
    customers = scores.customers.with_columns(segment=segments.segment())
    return Segmented(scores, segments, customers, table, _grid(scores), n, revenue)


def load_segments(name: str, *, folder: Path | None = None) -> SegmentMap:
    """Read a segment map and check that it is a partition.

    Args:
        name: A preset (``standard``, ``japanese``) or a YAML file in ``folder``.
        folder: Where the client's own maps lie.

    Raises:
        ConfigError: The file is not usable, a cell is in no or in two segments, or a segment has
            no cell.

    Examples:
        >>> load_segments("standard").cells[(5, 5)]
        'champions'
    """
    if name in PRESETS:
        packed = resources.files("crmreport.analysis") / "segment_maps" / f"{name}.yml"
        with resources.as_file(packed) as path:
            return _map(read_yaml(path, name=path.name), name)
    if folder is None or not name.endswith((".yml", ".yaml")):
        raise ConfigError(
            f"segment map {name!r} is unknown; use {', '.join(PRESETS)} or a .yml file beside client.yml"
        )
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ConfigError(f"segment map {name!r} lies outside {folder.name}/; put it beside client.yml")
    return _map(read_yaml(path, name=name), name)


def _map(file: YamlFile, name: str) -> SegmentMap:
    given = file.value
    if unknown := sorted(set(given) - {"bins", "segments", "names", "roles"}):
        raise ConfigError(
            f"{file.where((unknown[0],))}: {unknown[0]!r} is unknown; use bins, segments, names, roles"
        )
    bins, segments = given.get("bins"), given.get("segments")
    if not isinstance(bins, int) or not 2 <= bins <= 10:
        raise ConfigError(f"{file.where(('bins',))}: bins is {bins!r}; give a whole number from 2 to 10")
    if not isinstance(segments, dict) or not segments:
        raise ConfigError(f"{file.where(('segments',))}: segments is empty; name at least one")
    boxes = {segment: made if isinstance(made, list) else [made] for segment, made in segments.items()}
    by_money = any(isinstance(box, dict) and "m" in box for made in boxes.values() for box in made)
    axes = ("r", "f", "m") if by_money else ("r", "f")
    cells: dict[Cell, str] = {}
    for segment, made in boxes.items():
        where = file.where(("segments", segment))
        if not re.fullmatch(r"[a-z][a-z0-9_]*", segment):
            raise ConfigError(f"{where}: segment {segment!r} is not a safe name; use a-z, 0-9 and _")
        for box in made:
            for cell in _box(box, axes, bins, where):
                if cells.setdefault(cell, segment) != segment:
                    raise ConfigError(
                        f"{where}: {_said(cell, axes)} is in {cells[cell]!r} and in {segment!r}; keep one"
                    )
        if not made:
            raise ConfigError(f"{where}: segment {segment!r} has no cell; give it one or remove it")
    for cell in itertools.product(range(1, bins + 1), repeat=len(axes)):
        if cell not in cells:
            raise ConfigError(
                f"{file.where(('segments',))}: {_said(cell, axes)} is in no segment; add it to one"
            )
    names, roles = _names(file, tuple(boxes)), _roles(file, cells, tuple(boxes), bins)
    return SegmentMap(name, bins, axes, tuple(boxes), cells, names, roles)


def _names(file: YamlFile, segments: tuple[str, ...]) -> dict[str, dict[str, str]]:
    given = file.value.get("names") or {}
    if not isinstance(given, dict):
        raise ConfigError(f"{file.where(('names',))}: names is {given!r}; write segment: {{ja: …, en: …}}")
    for segment, said in given.items():
        where = file.where(("names", segment))
        if segment not in segments:
            raise ConfigError(
                f"{where}: segment {segment!r} is not in this map; it has {', '.join(segments)}"
            )
        good = isinstance(said, dict) and all(isinstance(v, str) and v.strip() for v in said.values())
        if not good or set(said) - {"ja", "en"}:
            raise ConfigError(f"{where}: {said!r} is no name; write {{ja: …, en: …}}")
    return {segment: dict(said) for segment, said in given.items()}


def _roles(
    file: YamlFile, cells: Mapping[Cell, str], segments: tuple[str, ...], bins: int
) -> dict[str, tuple[str, ...]]:
    declared = file.value.get("roles") or {}
    if not isinstance(declared, dict) or set(declared) - set(ROLES):
        raise ConfigError(f"{file.where(('roles',))}: {declared!r} are no roles; use {', '.join(ROLES)}")
    roles = {role: tuple(s for s in segments if _plays(role, s, cells, bins)) for role in ROLES}
    for role, listed in declared.items():
        wrong = [s for s in listed if s not in segments] if isinstance(listed, list) else [listed]
        if wrong:
            raise ConfigError(
                f"{file.where(('roles', role))}: {wrong[0]!r} is no segment of this map; "
                f"list some of {', '.join(segments)}"
            )
        roles[role] = tuple(s for s in segments if s in listed)
    return roles


def _plays(role: str, segment: str, cells: Mapping[Cell, str], bins: int) -> bool:
    """Whether all R and F scores of a segment lie where the role's customers are.

    Of the best score, high is four fifths and up (4 and 5 of 5, 3 of 3), low two fifths and down (1 and
    2 of 5, 1 of 3), often the middle and up (3 to 5 of 5, 2 and 3 of 3).
    """
    high, low, often = -(-4 * bins // 5), max(1, 2 * bins // 5), bins // 2 + 1
    within = {
        "valuable": lambda r, f: r >= high and f >= high,
        "drifting": lambda r, f: r <= low and f >= often,
        "first_time": lambda r, f: r >= high and f == 1,
    }[role]
    return all(within(*cell[:2]) for cell, name in cells.items() if name == segment)


def _box(box: Any, axes: tuple[str, ...], bins: int, where: str) -> list[Cell]:
    if not isinstance(box, dict) or set(box) - set(_AXES) or not {"r", "f"} <= set(box):
        raise ConfigError(f"{where}: {box!r} is no box of scores; write {{r: 4-5, f: 2}}")
    ranges = []
    for axis in axes:
        found = re.fullmatch(r"(\d+)(?:-(\d+))?", str(box.get(axis, f"1-{bins}")))
        low, high = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if not 1 <= low <= high <= bins:
            raise ConfigError(
                f"{where}: {axis} is {box[axis]!r}; give a score or a range such as 2-3, 1 to {bins}"
            )
        ranges.append(range(low, high + 1))
    return list(itertools.product(*ranges))


def _said(cell: Cell, axes: tuple[str, ...]) -> str:
    return "cell " + " ".join(f"{axis.upper()}{score}" for axis, score in zip(axes, cell, strict=True))


def _code(cell: Cell) -> int:
    code = 0
    for score in cell:
        code = code * 100 + score
    return code


def _grid(scores: RfmScores) -> pd.DataFrame:
    bins, decimals = scores.cuts.bins, scores.table.decimals
    keys = list(SCORES[:2])
    every = pd.MultiIndex.from_product([range(bins, 0, -1), range(1, bins + 1)], names=keys)
    sums = scores.cells.groupby(keys)[["customers", "revenue", "monetary"]].sum().reindex(every, fill_value=0)
    grid = (
        sums.reset_index().astype({"customers": "int64"}).round({"revenue": decimals, "monetary": decimals})
    )
    grid["mean_monetary"] = grid.pop("monetary") / grid["customers"].where(grid["customers"] > 0)
    return grid
