"""The demo report on the shelf, and what its run.json keeps for it."""

from __future__ import annotations

from urllib.parse import unquote, urldefrag

import pytest

from crmreport.produce.shelf.shelf import write_shelf
from crmreport.produce.shelf.standing import read_standings
from tests.end_to_end.conftest import PERIOD, DemoReport
from tests.produce.shelf.test_shelf import Seen

pytestmark = pytest.mark.slow


def test_run_json_keeps_the_key_figures_as_page_1_prints_them(demo: DemoReport) -> None:
    kept = demo.record()["kpis"]
    table = demo.table("sales.kpi")
    assert [(k["id"], k["value"]) for k in kept] == [(t["kpi"], float(t["value"])) for t in table]
    for lang in ("ja", "en"):
        page = (demo.folder / f"assessment.{lang}.html").read_text(encoding="utf-8")
        for figure in kept:
            assert f'<span class="kpi-value">{figure["text"][lang]}</span>' in page


def test_the_report_stands_complete_and_every_link_to_it_is_a_file(demo: DemoReport) -> None:
    (stands,) = [s for s in read_standings(demo.workspace) if s.period == PERIOD]
    assert (stands.client, stands.status, stands.folder) == ("demo", "complete", f"demo/{PERIOD}")
    shelf = write_shelf(demo.workspace)
    for page, name in (
        (shelf, "花雫コスメティクス"),
        (shelf.with_name("index.en.html"), "Hanashizuku Cosmetics"),
    ):
        seen = Seen(page)
        assert name in seen.text
        links = [unquote(urldefrag(link).url) for link in seen.links]
        assert f"demo/{PERIOD}/assessment.en.pdf" in links
        assert [link for link in links if link and not (shelf.parent / link).exists()] == []
