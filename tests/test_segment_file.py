"""Segment maps as files: presets, a client's own, and what is refused."""

from __future__ import annotations

import pytest

from crmreport.errors import ConfigError
from crmreport.segment_file import PRESETS, load_segments

ERRORS = {
    "a cell in no segment": (
        "bins: 2\nsegments:\n  a: {r: 1, f: 1-2}\n  b: {r: 2, f: 1}\n",
        "cell R2 F2 is in no segment",
    ),
    "a cell in two": (
        "bins: 2\nsegments:\n  a: {r: 1-2, f: 1-2}\n  b: {r: 2, f: 1}\n",
        "own.yml:4: cell R2 F1 is in 'a' and in 'b'; keep one",
    ),
    "a segment without a cell": ("bins: 2\nsegments:\n  a: {r: 1-2, f: 1-2}\n  b: []\n", "'b' has no cell"),
    "a score above bins": ("bins: 2\nsegments:\n  a: {r: 1-3, f: 1-2}\n", "r is '1-3'"),
    "a misspelt axis": ("bins: 2\nsegments:\n  a: {r: 1-2, g: 1-2}\n", "is no box of scores"),
    "a misspelt key": ("bins: 2\nsegment:\n  a: {r: 1-2, f: 1-2}\n", "own.yml:2: 'segment' is unknown"),
    "no bins": ("segments:\n  a: {r: 1-2, f: 1-2}\n", "bins is None"),
    "no segments": ("bins: 2\nsegments: {}\n", "segments is empty"),
    "an unsafe name": ("bins: 2\nsegments:\n  'A b': {r: 1-2, f: 1-2}\n", "is not a safe name"),
}


@pytest.mark.parametrize(("text", "match"), ERRORS.values(), ids=ERRORS.keys())
def test_maps_that_are_refused(tmp_path, text, match):
    (tmp_path / "own.yml").write_text(text)
    with pytest.raises(ConfigError, match=match):
        load_segments("own.yml", folder=tmp_path)


def test_unknown_and_foreign_maps(tmp_path):
    with pytest.raises(ConfigError, match="segment map 'ten' is unknown; use standard, japanese"):
        load_segments("ten", folder=tmp_path)
    with pytest.raises(ConfigError, match="lies outside"):
        load_segments("../other.yml", folder=tmp_path)


ROLES_OF_PRESETS = {
    "standard": {
        "valuable": ("champions",),
        "drifting": ("at_risk", "cant_lose"),
        "first_time": ("new", "promising"),
    },
    "japanese": {"valuable": ("best",), "drifting": ("dormant",), "first_time": ("newcomer",)},
}


@pytest.mark.parametrize("name", PRESETS)
def test_roles_of_the_presets(name):
    assert load_segments(name).roles == ROLES_OF_PRESETS[name]


NINE = (
    "bins: 3\nsegments: {" + ", ".join(f"s{r}{f}: {{r: {r}, f: {f}}}" for r in "123" for f in "123") + "}\n"
)


def test_roles_of_an_own_map_come_from_its_cells(tmp_path):
    (tmp_path / "own.yml").write_text(NINE, encoding="utf-8")
    assert load_segments("own.yml", folder=tmp_path).roles == {
        "valuable": ("s33",),
        "drifting": ("s12", "s13"),
        "first_time": ("s31",),
    }


def test_declared_roles_go_before_the_cells(tmp_path):
    (tmp_path / "own.yml").write_text(NINE + "roles: {drifting: [s13, s23]}\n", encoding="utf-8")
    roles = load_segments("own.yml", folder=tmp_path).roles
    assert (roles["valuable"], roles["drifting"]) == (("s33",), ("s13", "s23"))


@pytest.mark.parametrize(
    ("more", "match"),
    [
        pytest.param("roles: {loyal: [s11]}", "are no roles; use valuable, drifting, first_time", id="role"),
        pytest.param(
            "roles: {drifting: [vip]}", "'vip' is no segment of this map; list some", id="role's segment"
        ),
        pytest.param(
            "roles: {drifting: s11}", "'s11' is no segment of this map|list some", id="role not a list"
        ),
        pytest.param(
            "names: {vip: {ja: 上}}", "segment 'vip' is not in this map; it has s11", id="name of nothing"
        ),
        pytest.param(
            "names: {s11: {de: a}}", "is no name; write {ja: …, en: …}", id="name in a third language"
        ),
        pytest.param("names: {s11: 上}", "is no name; write", id="name without language"),
    ],
)
def test_names_and_roles_are_checked(tmp_path, more, match):
    (tmp_path / "own.yml").write_text(f"{NINE}{more}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=match):
        load_segments("own.yml", folder=tmp_path)
