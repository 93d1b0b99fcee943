"""The object a notebook holds: the client's own segment names, and the consent on its action lists."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pandas as pd
import pytest

from crmreport.config import Client
from crmreport.errors import ConfigError
from crmreport.period import Period
from crmreport.present.finding import ActionList, Finding
from crmreport.report import LISTS_VARIABLE, Report, client_segments, client_words
from crmreport.workspace import Workspace

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


def test_a_language_the_client_does_not_use_needs_no_name(tmp_path: Path) -> None:
    client, workspace = shop(tmp_path, MAP + "names: {vip: {ja: 上得意}}\n", languages=["ja"])
    assert client_segments(client, workspace).segments == ("vip", "loyal")


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
