from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from crmreport.analysis.migration import LEFT, NEW, migration, migration_since
from crmreport.analysis.rfm import rfm_table, score_rfm
from crmreport.analysis.segments import segment_table
from crmreport.errors import ConfigError
from crmreport.segment_file import load_segments
from tests.analysis.shops import shop

THEN, NOW = date(2025, 10, 31), date(2026, 10, 31)
MAP = load_segments("standard")


def two_dates(frame, *, since: tuple[date | None, date | None] = (None, None)):
    before = segment_table(score_rfm(rfm_table(frame, as_of=THEN, since=since[0])), MAP)
    after = segment_table(
        score_rfm(rfm_table(frame, as_of=NOW, since=since[1]), cuts=before.scores.cuts), MAP
    )
    return before, after


def test_moves_counted_by_hand(engine):
    before, after = two_dates(engine(shop()), since=(date(2024, 11, 1), date(2025, 11, 1)))
    moved = migration(before, after)
    then, now = (
        s.customers.collect("pandas").to_native().set_index("customer_id")["segment"] for s in (before, after)
    )
    pairs = pd.DataFrame({"from": then, "to": now}).fillna({"from": NEW, "to": LEFT})
    for (start, end), rows in pairs.groupby(["from", "to"]):
        assert moved.customers(start, end) == len(rows)
    assert moved.moves["customers"].sum() == len(pairs)
    assert moved.customers(NEW, LEFT) == 0
    assert moved.n_before == len(then)
    assert moved.n_after == len(now)


def test_rows_add_up_to_one(engine):
    moved = migration(*two_dates(engine(shop())))
    shares = moved.matrix("share").sum(axis=1, min_count=1).dropna()
    assert shares.tolist() == pytest.approx([1] * len(shares))
    heads = moved.matrix().sum(axis=1)
    assert moved.matrix("share").loc[heads == 0].isna().all(axis=None)


def test_since_does_the_same_as_by_hand(engine):
    frame = engine(shop())
    table = rfm_table(frame, as_of=NOW)
    found = migration_since(frame, table=table, segments=MAP, as_of=THEN)
    pd.testing.assert_frame_equal(found.moves, migration(*two_dates(frame)).moves)


RULES = {
    "the earlier look-back": ({}, {"since": date(2024, 11, 1)}),
    "orders as purchases": ({"unit": "order"}, {}),
    "mean per purchase": ({"monetary": "per_purchase"}, {}),
    "lines worth nothing": ({"zero_value_counts": True}, {}),
}


@pytest.mark.parametrize(("rules", "window"), RULES.values(), ids=RULES.keys())
def test_both_days_follow_the_same_rules(rules, window):
    # Every second line is worth nothing, and some orders share a day.
    frame = shop(n_customers=12).assign(revenue=lambda f: f["revenue"].where(f.index % 2 == 0, 0.0))
    now = rfm_table(frame, as_of=NOW, since=date(2025, 11, 1) if window else None, **rules)
    then = rfm_table(frame, as_of=THEN, **window, **rules)
    before = segment_table(score_rfm(then), MAP)
    after = segment_table(score_rfm(now, cuts=before.scores.cuts), MAP)
    found = migration_since(frame, table=now, segments=MAP, as_of=THEN, **window)
    pd.testing.assert_frame_equal(found.moves, migration(before, after).moves)


def test_a_look_back_the_data_do_not_fill_is_no_yardstick(engine):
    frame = engine(shop())  # begins on 2024-11-03
    table = rfm_table(frame, as_of=NOW, since=date(2025, 11, 1))
    found = {
        day: migration_since(frame, table=table, segments=MAP, as_of=THEN, since=day)
        for day in (date(2024, 10, 28), date(2024, 10, 27))
    }
    assert found[date(2024, 10, 28)] is not None
    assert found[date(2024, 10, 27)] is None


def test_no_history_no_migration():
    table = rfm_table(shop(), as_of=NOW)
    assert migration_since(shop(), table=table, segments=MAP, as_of=date(2024, 10, 1)) is None


def test_refusals():
    before, after = two_dates(shop())
    own = segment_table(score_rfm(rfm_table(shop(), as_of=NOW)), MAP)
    with pytest.raises(ConfigError, match="different cuts; score the later with cuts=before.scores.cuts"):
        migration(before, own)
    with pytest.raises(ConfigError, match="not before the later one"):
        migration(after, before)
    other = segment_table(after.scores, load_segments("japanese"))
    with pytest.raises(ConfigError, match="different segment maps"):
        migration(before, other)
