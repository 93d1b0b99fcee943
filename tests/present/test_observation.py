"""What customers, RFM, decile, CTB and life cycle say when the data end before the period does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pandas as pd
import pytest

from crmreport.analysis.ctb import ctb_shares
from crmreport.analysis.ctb_cells import ctb_cells
from crmreport.analysis.decile import decile_table
from crmreport.analysis.ledger import left_out
from crmreport.analysis.lifecycle import Thresholds, lifecycle_flows, lifecycle_states
from crmreport.analysis.migration import migration_since
from crmreport.analysis.profiles import customer_profiles
from crmreport.analysis.rfm import rfm_table, score_rfm
from crmreport.analysis.segments import segment_table
from crmreport.period import Period
from crmreport.present import Note, Words
from crmreport.present import ctb as ctb_page
from crmreport.present import customers as customers_page
from crmreport.present import decile as decile_page
from crmreport.present import lifecycle as lifecycle_page
from crmreport.present import rfm as rfm_page
from crmreport.segment_file import load_segments

AS_OF, YEAR_AGO = date(2026, 10, 31), date(2025, 10, 31)
OCTOBER = Period.parse("2026-10")
PRODUCTS = pd.DataFrame({"product_id": ["m"], "category": ["mask"], "brand": ["House"]})
JA, EN = Words("ja"), Words("en")


def shop(last_day: str) -> pd.DataFrame:
    """Twenty customers in turn, one order a day; the last ones stopped in April."""
    days = pd.date_range("2025-09-01", last_day)
    lines = pd.DataFrame(
        {
            "customer_id": [f"c{i % 20:02d}" for i in range(len(days))],
            "order_id": [f"o{i}" for i in range(len(days))],
            "order_date": days,
            "revenue": [float(100 + i % 20) for i in range(len(days))],
            "product_id": "m",
        }
    )
    # c18 stopped 180 days before the 25th: the threshold of the demo lies in the unseen days.
    stopped = {"c18": "2026-04-29", "c19": "2026-03-01"}
    last = lines["customer_id"].map(stopped).fillna(last_day)
    return lines[lines["order_date"] <= pd.to_datetime(last)].reset_index(drop=True)


WHOLE, CUT = shop("2026-10-31"), shop("2026-10-20")


def segmented(lines: pd.DataFrame):
    return segment_table(score_rfm(rfm_table(lines, as_of=AS_OF)), load_segments("standard"))


def states(lines: pd.DataFrame):
    return lifecycle_states(lines, as_of=AS_OF, thresholds=Thresholds(60, 180, 300))


def profiles(lines: pd.DataFrame):
    window = {"start": date(2026, 9, 1), "as_of": AS_OF, "before": (date(2025, 9, 1), YEAR_AGO)}
    people = pd.DataFrame({"customer_id": [f"c{i:02d}" for i in range(20)], "sex": "female"})
    return customer_profiles(lines, people, **window, support=1)


def shares(lines: pd.DataFrame):
    return ctb_shares(lines, PRODUCTS, axes={"category": ["category"]}, period=OCTOBER)


PAGES: dict[str, Callable[[pd.DataFrame], list[Note]]] = {
    "customers": lambda lines: customers_page.data_end(profiles(lines)),
    "rfm": lambda lines: rfm_page.data_end(segmented(lines)),
    "decile": lambda lines: decile_page.data_end(decile_table(lines, as_of=AS_OF)),
    "ctb": lambda lines: ctb_page.data_end(shares(lines)),
    "lifecycle": lambda lines: lifecycle_page.data_end(states(lines)),
}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_a_chapter_says_how_many_days_are_unseen_and_nothing_when_none_are(page):
    assert page(WHOLE) == []
    (note,) = page(CUT)
    assert "購買データは2026年10月20日までで、基準日2026年10月31日までの11日間の購入は" in JA.say(note.text)
    assert "end on 20 October 2026; what was bought in the 11 days up to 31 October 2026" in EN.say(note.text)


def test_lapsed_customers_nobody_could_see_come_back_are_counted():
    stopped = CUT["customer_id"].isin(["c18", "c19"])
    last = CUT[stopped].groupby("customer_id")["order_date"].max()
    days = (pd.Timestamp(AS_OF) - last).dt.days
    result = decile_table(CUT, as_of=AS_OF, lapsed_days=180)
    unseen = int(days.between(180, 190).sum())
    assert unseen == 1
    assert (int(result.table["lapsed_customers"].sum()), result.n_lapsed_unobserved) == (2, unseen)
    (note,) = decile_page.data_end(result)
    assert "休眠顧客2人のうち1人は" in JA.say(note.text)
    assert "Of 2 lapsed customers, 1 came to the threshold" in EN.say(note.text)
    assert decile_table(WHOLE, as_of=AS_OF).n_lapsed_unobserved == 0


def test_nothing_is_compared_with_a_year_ago():
    found = segmented(CUT)
    moved = migration_since(CUT, table=found.scores.table, segments=found.map, as_of=YEAR_AGO)
    (said,) = rfm_page.migration(moved)
    assert "2026年10月20日までで期末に届いていない" in JA.say(said.text)
    result = decile_table(CUT, as_of=AS_OF)
    first = decile_page.notes(result, result)[0]
    assert "1年前とは比べていません" in JA.say(first.text)
    assert "nothing is compared with last year" in EN.say(first.text)
    groups = profiles(CUT)
    assert profiles(WHOLE)["sex"].before is not None
    assert groups["sex"].before is None
    assert "前年同期とは比べず" in JA.say(customers_page.note(groups).text)
    (table,) = customers_page.tables(groups, left_out=left_out(CUT, as_of=AS_OF))
    assert "期末まで届いていないため、前年同期との比較はしない" in JA.say(table.note)
    assert "do not reach the period's end" in EN.say(table.note)


def test_growth_is_blank_and_nothing_is_pushed():
    cut = shares(CUT)
    assert cut.table["growth"].isna().all()
    assert cut.table["revenue_previous"].gt(0).all()
    assert "期末まで届いていないため、前期比は空欄" in JA.say(ctb_page.shares(cut).note)
    by = {"category": "category", "brand": "brand"}
    cells = ctb_cells(CUT, PRODUCTS, by=by, period=OCTOBER, minimum_support=1)
    assert cells.table["growth"].isna().all()
    assert pd.isna(cells.total_growth)
    assert "期末まで届いていない" in JA.say(ctb_page.push(cells).text)
    assert "見直す組み合わせは選んでいません" in JA.say(ctb_page.fix(cells).text)
    assert shares(WHOLE).table["growth"].notna().all()


def test_a_state_reached_in_unseen_days_is_counted_and_no_change_is_shown():
    found = states(CUT)
    assert found.n_late_unobserved == 1
    assert "うち1人は" in JA.say(lifecycle_page.data_end(found)[0].text)
    year = lifecycle_flows(CUT, start=date(2026, 8, 31), states=found)
    assert year.is_settled
    message = lifecycle_page.message(found, year)
    assert message.text.key == "lifecycle.message.first"
    table = lifecycle_page.states_table(found, year)
    assert table.frame["customers_before"].notna().all()
    assert table.frame["customers_change"].isna().all()
    assert table.totals["customers_change"] is None
