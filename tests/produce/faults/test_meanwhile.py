"""What changes while a report is made: it is made of what it was planned of, or not at all."""

from __future__ import annotations

import json

import nbformat
import pytest

from tests.produce.faults.factory import HOLD, PERIOD, Factory, one_line

pytestmark = pytest.mark.slow

READS = """
import crmreport as cr
report = cr.open_report(client, period, lang)
print("revenue", int(report.order_lines.aggregate("sum(revenue)").fetchall()[0][0]))
"""
WORDS = ("run", "--period", PERIOD, "--client", "east", "--json")


@pytest.fixture(scope="module")
def factory(empty: Factory) -> Factory:
    """A client with a chapter that can be held before it opens its data."""
    empty.add("east")
    empty.chapter("east_part", HOLD + READS)
    empty.assert_repaired("east")
    return empty


def printed(factory: Factory) -> list[str]:
    """What the chapter of the published report printed."""
    file = factory.folder("east") / "notebooks" / "east_part.ipynb"
    cells = nbformat.read(file, as_version=4).cells
    return [o.text.strip() for c in cells for o in c.get("outputs", []) if o.output_type == "stream"]


def lines_read(factory: Factory) -> int:
    """Order lines the record of the published report speaks of."""
    record = json.loads((factory.folder("east") / "run.json").read_text(encoding="utf-8"))
    return sum(each["rows"] for each in record["inputs"])


def test_chapters_read_the_data_the_report_was_planned_of(factory: Factory) -> None:
    factory.orders("east", "c3,o4,2026-10-03,4000")
    factory.hold("east")
    command = factory.start(*WORDS)
    factory.begun("east")
    factory.orders("east", "c3,o5,2026-10-04,1000000")
    assert factory.start("check", "--client", "east").end().code == 0
    factory.let_go("east")

    assert command.end().code == 0
    assert printed(factory) == ["revenue 7500"]
    assert lines_read(factory) == 4
    factory.assert_repaired("east")
    assert printed(factory) == ["revenue 1007500"]
    assert lines_read(factory) == 5


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        pytest.param("clients/east/client.yml", "Shop east", "Shop West", id="the client file"),
        pytest.param("notebooks/east_part.ipynb", "print(", "print( ", id="a chapter"),
    ],
)
def test_a_report_is_not_made_of_settings_changed_meanwhile(
    factory: Factory, file: str, old: str, new: str
) -> None:
    before = factory.published("east")
    factory.orders("east", f"c3,o-{len(old)},2026-10-05,4000")
    factory.hold("east")
    command = factory.start(*WORDS)
    factory.begun("east")
    path = factory.root / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    factory.let_go("east")
    ended = command.end()

    assert ended.code == 4
    assert "was changed while the report was made; run again" in one_line(ended.err)
    assert factory.published("east") == before
    factory.assert_repaired("east")
    assert factory.published("east") != before
