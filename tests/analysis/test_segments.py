from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from crmreport.analysis.ledger import to_pandas
from crmreport.analysis.rfm import rfm_table, score_rfm
from crmreport.analysis.segments import segment_table
from crmreport.errors import ConfigError
from crmreport.segment_file import PRESETS, load_segments
from tests.analysis.shops import shop

AS_OF = date(2026, 10, 31)
STANDARD = """
R5: new potential_loyalist potential_loyalist champions champions
R4: promising potential_loyalist potential_loyalist loyal loyal
R3: about_to_sleep about_to_sleep need_attention loyal loyal
R2: hibernating hibernating at_risk at_risk cant_lose
R1: hibernating hibernating at_risk at_risk cant_lose
"""


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_partitions(name):
    preset = load_segments(name)
    assert len(preset.cells) == 25
    assert set(preset.cells.values()) == set(preset.segments)


# at_risk is 3 to 4 purchases' worth of score, hibernating 1 to 2.
def test_the_standard_map_cell_by_cell():
    cells = load_segments("standard").cells
    for line in STANDARD.strip().splitlines():
        score, _, names = line.partition(": ")
        assert [cells[(int(score[1]), f)] for f in range(1, 6)] == names.split()


def test_segments_of_a_shop(engine):
    scored = score_rfm(rfm_table(engine(shop()), as_of=AS_OF))
    found = segment_table(scored, load_segments("standard"))
    frame = to_pandas(found.customers, sort_by="customer_id")
    cells = load_segments("standard").cells
    by_hand = [cells[pair] for pair in zip(frame["recency_score"], frame["frequency_score"], strict=True)]
    assert frame["segment"].tolist() == by_hand
    groups = frame.groupby("segment")
    table = found.table.set_index("segment")
    for segment, rows in groups:
        line = table.loc[str(segment)].to_dict()
        assert line["customers"] == len(rows)
        assert line["revenue"] == pytest.approx(rows["revenue"].sum())
        assert line["mean_recency_days"] == pytest.approx(rows["recency_days"].mean())
        assert line["mean_frequency"] == pytest.approx(rows["frequency"].mean())
        assert line["mean_monetary"] == pytest.approx(rows["monetary"].mean())
    assert table["customers"].sum() == found.n_customers == found.grid["customers"].sum() == len(frame)
    assert table["customer_share"].sum() == pytest.approx(1)
    assert table["revenue_share"].sum() == pytest.approx(1)
    assert found.grid["revenue"].sum() == pytest.approx(found.revenue)
    assert len(found.grid) == 25


def test_an_empty_segment_has_no_means():
    day = pd.to_datetime(["2026-10-31"] * 5)
    lines = pd.DataFrame(
        {"customer_id": list("abcde"), "order_id": list("abcde"), "order_date": day, "revenue": 9.0}
    )
    found = segment_table(score_rfm(rfm_table(lines, as_of=AS_OF)), load_segments("standard"))
    table = found.table.set_index("segment")
    assert table.loc["new", "customers"] == 5
    assert table.loc["champions", "customers"] == 0
    assert pd.isna(table.loc["champions", "mean_recency_days"])


def test_members(engine):
    found = segment_table(score_rfm(rfm_table(engine(shop()), as_of=AS_OF)), load_segments("standard"))
    rows = to_pandas(found.members("at_risk", "cant_lose"))
    assert len(rows) == found.row("at_risk")["customers"] + found.row("cant_lose")["customers"]
    with pytest.raises(ConfigError, match="segment 'vip' is not in map 'standard'; it has champions"):
        found.members("vip")


def test_a_map_with_money(tmp_path):
    (tmp_path / "own.yml").write_text(
        "bins: 2\nsegments:\n  big: {r: 1-2, f: 1-2, m: 2}\n  rest:\n    - {r: 1, f: 1-2, m: 1}\n"
        "    - {r: 2, f: 1-2, m: 1}\n"
    )
    own = load_segments("own.yml", folder=tmp_path)
    assert own.axes == ("r", "f", "m")
    found = segment_table(score_rfm(rfm_table(shop(), as_of=AS_OF), bins=2), own)
    frame = to_pandas(found.customers)
    assert (frame["segment"].eq("big") == frame["monetary_score"].eq(2)).all()


def test_a_map_for_other_scores_is_refused():
    with pytest.raises(ConfigError, match="is for scores 1 to 5"):
        segment_table(score_rfm(rfm_table(shop(), as_of=AS_OF), bins=3), load_segments("standard"))
