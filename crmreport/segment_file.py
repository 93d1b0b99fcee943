"""Segment maps are data: the presets, and a client's own file beside ``client.yml``."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from crmreport.analysis.segments import AXES, ROLES, Cell, SegmentMap
from crmreport.errors import ConfigError
from crmreport.yaml_file import YamlFile, read_yaml

PRESETS = ("standard", "japanese")


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
        packed = resources.files("crmreport") / "segment_maps" / f"{name}.yml"
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
    if not isinstance(box, dict) or set(box) - set(AXES) or not {"r", "f"} <= set(box):
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
