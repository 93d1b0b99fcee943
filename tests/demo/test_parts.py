"""The generator's small parts."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from crmreport.demo.calendar import DAYS, BusyTime, busyness
from crmreport.demo.catalogue import catalogue
from crmreport.demo.places import PREFECTURES, STORES, TOHOKU
from crmreport.demo.seeds import PARTS, stream
from crmreport.demo.wareki import wareki


def test_parts_keep_their_numbers_for_ever():
    # A changed number changes the data, and with it every figure printed about the demo shop.
    assert list(PARTS.values()) == list(range(len(PARTS)))
    assert [PARTS[p] for p in ("customers", "visits", "baskets", "lapsed_top_buyers")] == [0, 1, 2, 10]
    assert [PARTS[p] for p in ("campaigns", "sends", "inquiries", "deals")] == [16, 17, 18, 19]


def test_streams_of_two_parts_have_nothing_in_common():
    draws = [stream(5, part).random(200) for part in PARTS]
    together = np.corrcoef(np.array(draws)) - np.eye(len(draws))
    assert np.abs(together).max() < 0.35


@pytest.mark.parametrize(
    ("day", "long", "short"),
    [
        pytest.param(date(1926, 12, 25), "昭和元年12月25日", "S1.12.25", id="first day of Showa"),
        pytest.param(date(1989, 1, 7), "昭和64年1月7日", "S64.1.7", id="last day of Showa"),
        pytest.param(date(1989, 1, 8), "平成元年1月8日", "H1.1.8", id="first day of Heisei"),
        pytest.param(date(2019, 4, 30), "平成31年4月30日", "H31.4.30", id="last day of Heisei"),
        pytest.param(date(2026, 10, 31), "令和8年10月31日", "R8.10.31", id="Reiwa"),
    ],
)
def test_wareki(day: date, long: str, short: str):
    assert (wareki(day), wareki(day, short=True)) == (long, short)


def test_busy_time_reads_back_and_runs_fast_in_december():
    clock = BusyTime()
    days = np.array([0.0, 0.5, 31.25, 400.0, float(DAYS)])
    assert clock.day(clock.at(days)) == pytest.approx(days)
    assert clock.end == pytest.approx(DAYS)
    busy = busyness()
    assert busy[30:61].mean() > 1.3 * busy[61:92].mean()


def test_catalogue_has_unique_codes_and_plain_attributes():
    products = catalogue()
    assert products["product_id"].is_unique
    assert products["name"].is_unique
    assert (products["popularity"] >= 0).all()
    refills = products[products["kind"] == "詰め替え"]
    bottles = products.set_index("name")["price"]
    of = refills["name"].str.removesuffix(" 詰め替え").map(bottles)
    assert (refills["price"].to_numpy() < of.to_numpy()).all()


def test_all_47_prefectures_and_their_nearest_store():
    assert len({p.name for p in PREFECTURES}) == 47
    assert {p.store for p in PREFECTURES} <= set(STORES)
    assert set(TOHOKU) <= {p.name for p in PREFECTURES}
    prefixes = [n for p in PREFECTURES for n in range(p.postal[0], p.postal[1] + 1)]
    assert len(prefixes) == len(set(prefixes))
