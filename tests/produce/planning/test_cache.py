"""Which executed chapters are kept, and for how long."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from crmreport.produce.planning.plan import Cache, Plan, Step
from crmreport.workspace import Workspace
from tests.produce.chapters import write_shop
from tests.produce.published import plan_of

MONTHS = [f"{year}-{month:02d}" for year in range(2020, 2027) for month in range(1, 13)]


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return plan_of(write_shop(tmp_path / "home"))


class Kept:
    """A folder of kept chapters; what is kept is numbered, so that it can be told apart."""

    def __init__(self, root: Path, step: Step) -> None:
        self.root, self.step, self.number = root, step, 0
        (root / "lists").mkdir()

    def cache(self, period: str, **more: int) -> Cache:
        return Cache(self.root / "cache", period, **more)

    def keep(self, period: str, key: str = "k", **more: int) -> None:
        self.number += 1
        notebook = self.root / "executed.ipynb"
        notebook.write_text(str(self.number), encoding="utf-8")
        cache, step = self.cache(period, **more), replace(self.step, key=key)
        cache.keep(step, notebook, self.root / "lists")
        # One a second: the disk's clock may not tell two apart.
        os.utime(cache.notebook(step), (self.number, self.number))

    def has(self, period: str, key: str = "k") -> bool:
        return self.cache(period).has(replace(self.step, key=key))


@pytest.fixture
def kept(tmp_path: Path, plan: Plan) -> Kept:
    return Kept(tmp_path, plan.steps[0])


def test_what_is_kept_can_be_taken(kept: Kept, tmp_path: Path) -> None:
    (tmp_path / "lists" / "a.parquet").write_text("list")
    kept.keep("2026-10")
    notebook, lists = tmp_path / "stage" / "sales.ipynb", tmp_path / "stage" / "lists"
    step = replace(kept.step, key="k")
    assert kept.cache("2026-10").take(step, notebook, lists)
    assert (notebook.read_text(), (lists / "a.parquet").read_text()) == ("1", "list")
    assert not kept.cache("2026-09").take(step, notebook, tmp_path / "other")


def test_a_month_made_again_and_again_keeps_its_last_four(kept: Kept) -> None:
    kept.keep("2026-09")
    for key in "abcdef":
        kept.keep("2026-10", key)
    assert [key for key in "abcdef" if kept.has("2026-10", key)] == list("cdef")
    assert kept.has("2026-09")


def test_every_month_of_a_catch_up_is_kept(kept: Kept, plan: Plan, tmp_path: Path) -> None:
    # Taking up a chapter that changed, a run needs the others of every month it makes again.
    periods = Cache.of(Workspace(tmp_path / "home"), plan).periods
    assert periods > plan.client.schedule.catch_up
    for month in MONTHS[:periods]:
        kept.keep(month, periods=periods)
    assert all(kept.has(month) for month in MONTHS[:periods])


def test_the_disk_does_not_fill_with_old_months(kept: Kept) -> None:
    for month in MONTHS:
        kept.keep(month, periods=5)
    assert [month for month in MONTHS if kept.has(month)] == MONTHS[-5:]
    assert len(list((kept.root / "cache" / kept.step.name).glob("*.lists"))) == 5
