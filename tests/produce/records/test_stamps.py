"""A published folder is looked at without being read, and a touched file is found all the same."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from crmreport.produce import publish
from crmreport.produce.planning.digests import hash_file
from crmreport.produce.records import stamps
from tests.produce.chapters import write_shop
from tests.produce.published import publish_shop, record_of

PAGE = "assessment.ja.html"


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A report whose files have been there for an hour."""
    folder = publish_shop(write_shop(tmp_path / "home"))
    for path in folder.rglob("*.*"):
        os.utime(path, ns=(10**18, 10**18))
    return folder


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were read to the end."""
    names: list[str] = []

    def counted(path: Path) -> str:
        names.append(path.name)
        return hash_file(path)

    monkeypatch.setattr(stamps, "hash_file", counted)
    # Times set by hand count as settled; their change time is this moment.
    monkeypatch.setattr(stamps, "is_settled", lambda _: True)
    return names


def test_a_report_that_stays_is_read_once(report, reads):
    assert stamps.altered(report, record_of(report)) == ()
    assert len(reads) == 7
    reads.clear()
    assert stamps.altered(report, record_of(report)) == ()
    assert reads == []


def test_a_report_just_published_need_not_be_read(tmp_path, reads):
    folder = publish_shop(write_shop(tmp_path / "home"))
    key = record_of(folder)["key"]
    assert publish.published(folder, key) is not None
    assert reads == []


@pytest.mark.parametrize("kept", [True, False], ids=["of the same length and time", "longer"])
def test_a_file_changed_by_hand_is_found(report, reads, kept):
    assert stamps.altered(report, record_of(report)) == ()
    text = (report / PAGE).read_text(encoding="utf-8")
    (report / PAGE).write_text(text.replace("html", "HTML") if kept else text + " ", encoding="utf-8")
    if kept:
        os.utime(report / PAGE, ns=(10**18, 10**18))
    reads.clear()
    assert stamps.altered(report, record_of(report)) == (PAGE,)
    assert publish.published(report, record_of(report)["key"]) is None
    assert set(reads) <= {PAGE}


def test_a_file_that_was_only_touched_is_read_and_found_whole(report, reads):
    assert stamps.altered(report, record_of(report)) == ()
    os.utime(report / PAGE)
    reads.clear()
    assert stamps.altered(report, record_of(report)) == ()
    assert reads == [PAGE]


def test_stamps_of_another_record_prove_nothing(report, reads):
    record = record_of(report)
    assert stamps.altered(report, record) == ()
    reads.clear()
    assert stamps.altered(report, {**record, "seal": "0" * 64}) == ()
    assert len(reads) == 7


@pytest.mark.parametrize("text", ["", "[]", '{"seal": 1}', '{"seal": null, "files": 3}'])
def test_unreadable_stamps_only_cost_time(report, reads, text):
    (report.parent / ".2026-10.stamps.json").write_text(text, encoding="utf-8")
    assert stamps.altered(report, {**record_of(report), "seal": None}) == ()
    assert len(reads) == 7


def test_an_incomplete_report_leaves_nothing_beside_it(report):
    root = report.parents[2]
    partial = publish_shop(root, failed="decile")
    assert [p.name for p in partial.parent.glob(".*")] == []
