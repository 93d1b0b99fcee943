"""The log of sendings and the web events, as written."""

from __future__ import annotations

import pandas as pd
import pytest

from crmreport.demo.campaigns import CART_MAIL, SINGLES, WELCOME_STEPS
from tests.demo.delivery import Delivery

CLOCK = r"2026/\d\d/\d\d ([01]\d|2[0-3]):\d\d:\d\d"
TIMES = ["配信日時", "到達日時", "開封日時", "クリック日時", "配信停止日時"]


def read(delivery: Delivery, pattern: str) -> dict[str, pd.DataFrame]:
    return {
        path.name: pd.read_csv(path, encoding="cp932", dtype=str, keep_default_na=False)
        for path in sorted((delivery.folder / "data").glob(pattern))
    }


def test_the_log_of_sendings_is_one_file_a_month(delivery: Delivery):
    files = read(delivery, "配信履歴_*.csv")
    assert set(files) == {f"配信履歴_2026年{month}月.csv" for month in range(5, 11)}
    for name, table in files.items():
        month = f"2026/{int(name[-6:-5]) if name[-7] == '年' else int(name[-7:-5]):02d}/"
        assert table["配信日時"].str.startswith(month).all()
    log = pd.concat(files.values(), ignore_index=True)
    assert list(log.columns[:4]) == ["キャンペーンコード", "会員番号", "群", "ステップ"]
    assert set(log["キャンペーンコード"]) == {c.code for c in (*SINGLES, CART_MAIL, WELCOME_STEPS)}
    assert not log.duplicated(["キャンペーンコード", "会員番号", "ステップ"]).any()
    for header in TIMES:
        assert log.loc[log[header] != "", header].str.fullmatch(CLOCK).all()
    assert log[TIMES].max(axis=None) < "2026/11/01"
    assert set(log["不達"]) == set(log["機械開封"]) == {"0", "1"}


def test_web_events_are_one_file_a_month(delivery: Delivery):
    files = read(delivery, "Webイベント_*.csv")
    assert set(files) == {f"Webイベント_2026年{month}月.csv" for month in range(7, 11)}
    events = pd.concat(files.values(), ignore_index=True)
    assert list(events.columns) == ["会員番号", "訪問者ID", "日時", "イベント", "商品コード"]
    assert events["日時"].str.fullmatch(CLOCK).all()
    assert set(events["イベント"]) == {"商品閲覧", "カート投入", "購入手続き", "購入"}
    assert set(events["商品コード"]) - {""} <= set(delivery.products["商品コード"])
    assert (events["会員番号"] == "").mean() == pytest.approx(0.1, abs=0.08)


def test_every_online_purchase_of_the_events_is_in_the_sales(delivery: Delivery):
    events = pd.concat(read(delivery, "Webイベント_*.csv").values())
    paid = events[events["イベント"] == "購入"]
    sold = delivery.sold[delivery.sold["channel"] == "EC"]
    bought = set(zip(sold["member"], sold["day"].dt.strftime("%Y/%m/%d"), strict=True))
    assert set(zip(paid["会員番号"], paid["日時"].str[:10], strict=True)) <= bought


def test_most_carts_are_left(delivery: Delivery):
    events = pd.concat(read(delivery, "Webイベント_*.csv").values())
    events = events.assign(at=pd.to_datetime(events["日時"], format="%Y/%m/%d %H:%M:%S"))
    carts = events[events["イベント"] == "カート投入"].sort_values("at")
    carts = carts[carts["at"] < "2026-10-30"]
    paid = events.loc[events["イベント"] == "購入", ["訪問者ID", "at"]].sort_values("at")
    met = pd.merge_asof(
        carts,
        paid.assign(paid=True),
        on="at",
        by="訪問者ID",
        direction="forward",
        tolerance=pd.Timedelta("1D"),
    )
    sessions = met.assign(day=met["at"].dt.date).groupby(["訪問者ID", "day"])["paid"].any()
    assert 0.4 < 1 - sessions.mean() < 0.8
