"""The object a notebook holds: the client's own segment names, and the consent on its action lists."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pandas as pd
import pytest
from jupyter_client.manager import start_new_kernel

from crmreport.analysis.campaign.campaign_programme import campaign_programme
from crmreport.analysis.campaign.choice import choose_campaign
from crmreport.analysis.campaign.evaluate_all import evaluate_all
from crmreport.config import Client
from crmreport.errors import ConfigError, DataError
from crmreport.period import Period
from crmreport.present.finding import ActionList, Finding
from crmreport.report import LISTS_VARIABLE, Report, client_segments, client_words
from crmreport.workspace import Workspace
from tests.analysis.campaign.places import lines_of, sold

MAP = "bins: 2\nsegments: {vip: {r: 1-2, f: 2}, loyal: {r: 1-2, f: 1}}\n"


def shop(root: Path, own: str, **more: object) -> tuple[Client, Workspace]:
    settings = {
        "client": "shop",
        "name": {"ja": "店", "en": "Shop"},
        "sources": {"order_lines": [{"path": "sales.csv", "columns": {}}]},
        "segments": "own.yml",
        "reports": {"assessment": {"chapters": ["rfm"]}},
    }
    folder = root / "clients" / "shop"
    folder.mkdir(parents=True)
    (folder / "own.yml").write_text(own, encoding="utf-8")
    return Client.model_validate(settings | more), Workspace(root)


def test_names_of_the_map_and_of_the_presets_are_known(tmp_path: Path) -> None:
    client, workspace = shop(tmp_path, MAP + "names: {vip: {ja: 上得意, en: VIP}}\n")
    words = client_words(client, client_segments(client, workspace), "ja")
    assert [words.label(f"segment.{s}") for s in ("vip", "loyal")] == ["上得意", "常連"]


def test_a_segment_without_a_name_is_refused(tmp_path: Path) -> None:
    client, workspace = shop(tmp_path, MAP + "names: {vip: {ja: 上得意}}\n")
    with pytest.raises(
        ConfigError, match=r"shop/own.yml: segment 'vip' has no name in 'en'; add names: vip:"
    ):
        client_segments(client, workspace)


def test_values_are_called_by_the_clients_names_in_that_language_alone(tmp_path: Path) -> None:
    client, workspace = shop(
        tmp_path, MAP + "names: {vip: {ja: 上得意, en: VIP}}\n", names={"en": {"札幌店": "Sapporo"}}
    )
    segments = client_segments(client, workspace)
    assert client_words(client, segments, "en").format("札幌店", "text") == "Sapporo"
    assert client_words(client, segments, "ja").format("札幌店", "text") == "札幌店"


def test_a_language_the_client_does_not_use_needs_no_name(tmp_path: Path) -> None:
    client, workspace = shop(tmp_path, MAP + "names: {vip: {ja: 上得意}}\n", languages=["ja"])
    assert client_segments(client, workspace).segments == ("vip", "loyal")


CAMPAIGN = {
    "id": "m2",
    "name": {"ja": "二通目", "en": "Second"},
    "channel": "mail",
    "start": "2026-08-03",
    "end": "2026-08-03",
    "randomised": True,
    "control": "rest",
    "arms": {"mail": {"share": 9, "name": {"ja": "送付", "en": "Mailed"}}, "rest": {"share": 1}},
    "cost": {"send": 3, "fixed": 1000},
    "hypothesis": {"ja": "仮説", "en": "Guess"},
}
FIRST = {"id": "m1", "name": {"ja": "一通目", "en": "First"}, "channel": "mail"}
CAMPAIGNS = [CAMPAIGN, FIRST | {"start": "2026-07-01", "end": "2026-07-31", "margin_rate": 0.3}]


def report_of(client: Client, workspace: Workspace, store: Any = None) -> Report:
    return Report(client, Period.parse("2026-10"), ("ja",), workspace, store, duckdb.connect())


def test_campaigns_come_in_order_of_their_start_with_the_clients_margin(tmp_path: Path) -> None:
    client, workspace = shop(tmp_path, MAP, campaigns=CAMPAIGNS, policies={"gross_margin_rate": 0.5})
    first, second = report_of(client, workspace).campaigns
    assert (first.campaign_id, first.margin_rate, second.margin_rate) == ("m1", 0.3, 0.5)
    assert (second.arms, second.control) == ({"mail": 9.0, "rest": 1.0}, "rest")
    assert second.costs.total(10) == 1030


def test_campaigns_bring_their_own_words(tmp_path: Path) -> None:
    own = MAP + "names: {vip: {ja: 上得意, en: VIP}}\n"
    client, workspace = shop(tmp_path, own, campaigns=CAMPAIGNS)
    words = client_words(client, client_segments(client, workspace), "en")
    assert words.label("campaign_name.m1") == "First"
    assert words.label("campaign_hypothesis.m2") == "Guess"
    assert [words.format(arm, "name:campaign_arm.m2") for arm in ("mail", "rest")] == ["Mailed", "rest"]
    assert not words.has("campaign_next.m2")


@pytest.mark.parametrize("table", ["sends", "web_events"])
def test_a_table_that_was_not_sent_is_named(tmp_path: Path, table: str) -> None:
    client, workspace = shop(tmp_path, MAP)
    report = report_of(client, workspace, SimpleNamespace(tables=["order_lines"]))
    with pytest.raises(DataError, match=f"client 'shop' has no table '{table}'"):
        getattr(report, table)


SPOT = {
    "id": "spot",
    "name": {"ja": "テレビCM", "en": "TV spot"},
    "channel": "tv",
    "kind": "area",
    "where": {"store_id": ["s00"]},
    "start": "2026-08-03",
    "end": "2026-08-16",
    "window_days": 15,
}


def test_a_campaign_of_places_needs_no_send_log(tmp_path: Path) -> None:
    client, workspace = shop(tmp_path, MAP, campaigns=[SPOT], policies={"gross_margin_rate": 0.5})
    lines_of(sold(3, effect=0.5)[0]).to_parquet(tmp_path / "order_lines.parquet")
    store: Any = SimpleNamespace(tables=["order_lines"], table=lambda name: tmp_path / f"{name}.parquet")
    report = report_of(client, workspace, store)
    plans = report.campaigns
    assert choose_campaign(plans, report.sends, since=report.period.start, as_of=report.as_of) == plans[0]
    period = {"period": report.period, "months": 3}
    (spot,) = evaluate_all(report.sends, report.order_lines, plans=plans, **period)
    assert spot.judged.reason == "profit_likely_but_not_randomised"
    found = campaign_programme([spot], report.sends, report.order_lines, plans=plans, **period)
    assert found.table["verdict"].tolist() == ["keep_testing"]


@pytest.mark.parametrize("master", [True, False], ids=["customers sent", "no customers table"])
def test_only_a_written_yes_is_consent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, master: bool) -> None:
    people = pd.DataFrame({"customer_id": ["yes", "no", "blank"], "consent_mail": [True, False, None]})
    people.astype({"consent_mail": "boolean"}).to_parquet(tmp_path / "customers.parquet")
    client, workspace = shop(tmp_path, MAP + "names: {vip: {ja: 上得意, en: VIP}}\n")
    store: Any = SimpleNamespace(
        tables=["customers"] if master else [], table=lambda name: tmp_path / f"{name}.parquet"
    )
    listed = ActionList(
        pd.DataFrame({"customer_id": ["yes", "no", "blank", "unknown"], "reason": "lapsed_top"})
    )
    finding = Finding("decile.lapsed_top", "warning", {}, "return_offer", customers=listed)
    monkeypatch.setenv(LISTS_VARIABLE, str(tmp_path))
    with duckdb.connect() as connection:
        Report(client, Period.parse("2026-10"), ("ja",), workspace, store, connection).show(finding)
    rows = pd.read_parquet(tmp_path / "decile.lapsed_top.parquet")
    assert rows["customer_id"].tolist() == ["yes", "no", "blank", "unknown"]
    assert ("consent_mail" in rows) == master
    if master:
        assert rows["consent_mail"].tolist() == [True, False, False, False]


def test_data_open_in_any_jupyter_kernel() -> None:
    # DuckDB looks at where it runs: in a plain kernel without ipywidgets it refuses settings of its bar.
    manager, client = start_new_kernel(kernel_name="python3", startup_timeout=120)
    try:
        code = "from crmreport.report import open_database; said = open_database().sql('SELECT 7').fetchall()"
        content = client.execute(code, user_expressions={"said": "said"}, reply=True, timeout=120)["content"]
        assert content["status"] == "ok", content["evalue"]
        assert content["user_expressions"]["said"]["data"]["text/plain"] == "[(7,)]"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
