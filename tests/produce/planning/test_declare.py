"""A chapter is refused before a kernel starts, and the message says what to do."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmreport.errors import ConfigError
from crmreport.produce.planning.declare import Declaration, Parameter, load_chapter, resolve
from tests.produce.chapters import write_chapter

MONTHS = Parameter(type="int", default=12, minimum=1, maximum=60, description={})
DECLARED = Declaration(
    chapter="decile",
    title={"ja": "デシル", "en": "Decile"},
    parameters={
        "window_months": MONTHS,
        "share": Parameter(type="float", default=0.1, minimum=0, maximum=1, description={}),
        "since": Parameter(type="date", default="2026-01-01", description={}),
        "rank": Parameter(type="str", default="gold", choices=["gold", "silver"], description={}),
        "note": Parameter(type="str", default="", max_length=10, description={}),
        "guests": Parameter(type="bool", default=False, description={}),
    },
)


@pytest.mark.parametrize(
    ("given_values", "match"),
    [
        pytest.param({"window_month": 6}, "did you mean window_months", id="misspelt name"),
        pytest.param({"xyz": 6}, "no such parameter; there is window_months", id="unknown name"),
        pytest.param({"client": "other"}, "set by the run itself", id="client is not theirs to set"),
        pytest.param({"period": "2026-01"}, "set by the run itself", id="period is not theirs to set"),
        pytest.param({"x; import os": 1}, "no such parameter", id="code as a name"),
        pytest.param({1: 1}, "must be text", id="a number as a name"),
        pytest.param({"window_months": "6"}, "is text, not int", id="number in quotes"),
        pytest.param({"window_months": True}, "is bool, not int", id="true is no number"),
        pytest.param({"window_months": 6.5}, "is float, not int", id="half a month"),
        pytest.param({"window_months": None}, "is empty, not int", id="left empty"),
        pytest.param({"window_months": [6]}, "is a list, not int", id="a list"),
        pytest.param({"window_months": 0}, "0 is below 1; use 1 to 60", id="below the bound"),
        pytest.param({"window_months": 61}, "61 is above 60; use 1 to 60", id="above the bound"),
        pytest.param({"share": float("nan")}, "no finite number", id="NaN"),
        pytest.param({"share": float("inf")}, "no finite number", id="infinity"),
        pytest.param({"since": "2026-13-01"}, "is no date", id="month 13"),
        pytest.param({"since": 20260101}, "is int, not date", id="a number as a date"),
        pytest.param({"rank": "bronze"}, "is not one of gold, silver", id="not a choice"),
        pytest.param({"note": "a\nb"}, "control character", id="line end in a text"),
        pytest.param({"note": "x" * 11}, "11 characters, at most 10", id="too long"),
        pytest.param({"guests": 1}, "is int, not bool", id="one is not true"),
    ],
)
def test_refused(given_values: dict[Any, Any], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        resolve(DECLARED, given_values)


def test_defaults_fill_what_is_not_given_and_dates_become_text() -> None:
    values = resolve(DECLARED, {"since": date(2026, 4, 1), "share": 1})
    assert values == {
        "window_months": 12,
        "share": 1,
        "since": "2026-04-01",
        "rank": "gold",
        "note": "",
        "guests": False,
    }


@given(st.integers())
def test_a_number_is_taken_exactly_when_it_lies_in_the_bounds(months: int) -> None:
    if 1 <= months <= 60:
        assert resolve(DECLARED, {"window_months": months})["window_months"] == months
    else:
        with pytest.raises(ConfigError, match="use 1 to 60"):
            resolve(DECLARED, {"window_months": months})


def _parameters_cell(folder: Path, source: str, *, tagged: int = 1) -> None:
    path = folder / "decile.ipynb"
    notebook = nbformat.read(path, as_version=4)
    tags = {"tags": ["parameters"]}
    first = [nbformat.v4.new_code_cell(source, metadata=tags, id=f"p{i}") for i in range(tagged)]
    notebook.cells = [*first, *notebook.cells[1:]]
    nbformat.write(notebook, path)


HEAD = 'client = "demo"\nperiod = "2026-10"\nlang = "ja"\n'
PARAMETER = {"type": "int", "default": 12, "minimum": 1, "maximum": 60, "description": {"en": "Months"}}


@pytest.mark.parametrize(
    ("source", "tagged", "match"),
    [
        pytest.param(HEAD + "window_months = 12", 0, "0 cells are tagged", id="no cell tagged"),
        pytest.param(HEAD + "window_months = 12", 2, "2 cells are tagged", id="two cells tagged"),
        pytest.param(HEAD, 1, "does not set 'window_months'", id="declared, not set"),
        pytest.param("window_months = 12", 1, "does not set 'client'", id="client missing"),
        pytest.param(HEAD + "window_month = 12", 1, "did you mean window_months", id="set, not declared"),
        pytest.param(
            HEAD + "window_months = 6",
            1,
            r"set it for a client under reports\.<report>\.parameters\.decile in client\.yml, "
            r"or change the default in decile\.yml too",
            id="another default",
        ),
        pytest.param(HEAD + "window_months = len('a')", 1, "only name = value", id="a call"),
        pytest.param(HEAD + "import os", 1, "only name = value", id="an import"),
        pytest.param(HEAD + "window_months =", 1, "line 4: no Python", id="not Python"),
    ],
)
def test_notebook_must_match_its_declaration(tmp_path: Path, source: str, tagged: int, match: str) -> None:
    write_chapter(tmp_path, "decile", "1", parameters={"window_months": PARAMETER})
    _parameters_cell(tmp_path, source, tagged=tagged)
    with pytest.raises(ConfigError, match=match):
        load_chapter(tmp_path, "decile")


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        pytest.param({"a b": PARAMETER}, "no safe name", id="a space"),
        pytest.param({"import": PARAMETER}, "no safe name", id="a keyword"),
        pytest.param({"_x": PARAMETER}, "no safe name", id="private"),
        pytest.param({"顧客": PARAMETER}, "no safe name", id="not ASCII"),
        pytest.param({"lang": PARAMETER}, "without being declared", id="implicit"),
        pytest.param({"n": {**PARAMETER, "default": 99}}, "99 is above 60", id="default out of bounds"),
        pytest.param({"n": {**PARAMETER, "default": "12"}}, "is text, not int", id="default of another type"),
        pytest.param({"n": {**PARAMETER, "minimun": 1}}, "did you mean minimum", id="misspelt key"),
        pytest.param({"n": {**PARAMETER, "type": "decimal"}}, "parameters.n.type", id="unknown type"),
    ],
)
def test_declaration_refused(tmp_path: Path, parameters: dict[str, Any], match: str) -> None:
    write_chapter(tmp_path, "decile", "1", parameters=parameters)
    with pytest.raises(ConfigError, match=match):
        load_chapter(tmp_path, "decile")


def test_unknown_chapter_names_the_nearest(tmp_path: Path) -> None:
    write_chapter(tmp_path, "decile", "1")
    with pytest.raises(ConfigError, match="did you mean decile"):
        load_chapter(tmp_path, "desile")


@pytest.mark.parametrize("chapter", ["../x", "a/b", "A", ""])
def test_a_chapter_is_a_slug(tmp_path: Path, chapter: str) -> None:
    with pytest.raises(ConfigError, match="not a safe name"):
        load_chapter(tmp_path, chapter)
