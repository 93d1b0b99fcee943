"""Revenue of places by period: what is counted where, and who may be compared with."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest

from crmreport.analysis.campaign.area_series import (
    AREA,
    UnknownPlaceError,
    area_series,
    place_days,
    stopped_places,
)
from crmreport.analysis.campaign.plan import Area
from crmreport.errors import ConfigError, DataError
from tests.analysis.campaign.places import AS_OF, START, lines_of, sold

NORTH = Area("store_id", ("N",))
OCTOBER = {"since": date(2026, 10, 1), "until": date(2026, 10, 3)}


def lines(**more: object) -> pd.DataFrame:
    """Three sales, one of them to a guest, a return, and a line without a store."""
    return pd.DataFrame(
        {
            "customer_id": ["1", "2", None, "1", "2"],
            "order_id": list("abcde"),
            "store_id": ["N", "S", "N", "N", None],
            "revenue": [50.0, 70.0, 10.0, -20.0, 5.0],
            "order_date": pd.to_datetime(
                ["2026-10-01", "2026-10-02", "2026-10-02", "2026-10-03", "2026-10-03"]
            ),
            **more,
        }
    ).astype({"customer_id": "str", "store_id": "str"})


PEOPLE = pd.DataFrame({"customer_id": ["1", "2"], "prefecture": ["北海道", "東京都"]})


def test_stores_sell_to_guests_and_take_back(engine):
    found = place_days(engine(lines()), area=NORTH, **OCTOBER)
    assert found.to_dict("list") == {"N": [50.0, 10.0, -20.0], "S": [0.0, 70.0, 0.0]}
    assert found.index.tolist() == list(pd.date_range("2026-10-01", "2026-10-03"))


def test_prefectures_are_of_the_customer_wherever_it_was_bought(engine):
    area = Area("prefecture", ("北海道",))
    found = place_days(engine(lines()), area=area, customers=engine(PEOPLE), **OCTOBER)
    assert found.to_dict("list") == {"北海道": [50.0, 0.0, -20.0], "東京都": [0.0, 70.0, 5.0]}


def test_the_order_of_rows_does_not_matter(engine):
    table, _ = sold(3, n=4)
    rows = lines_of(table)
    area = Area("store_id", ("s00",))
    days = {"since": START - timedelta(days=300), "until": AS_OF}
    mixed = rows.sample(frac=1, random_state=1).reset_index(drop=True)
    left, right = (place_days(engine(each), area=area, **days) for each in (rows, mixed))
    pd.testing.assert_frame_equal(left, right)


REFUSED = [
    pytest.param(
        Area("store_id", ("n",)), lines(), None, UnknownPlaceError, "'n'; known are N, S", id="small",
    ),
    pytest.param(
        Area("store_id", ("札幌",)), lines(store_id=["札幌店", "S", "S", "S", "S"]), None, UnknownPlaceError,
        "did you mean '札幌店'", id="a slip in the name",
    ),
    pytest.param(
        Area("store_id", ("N",), ("S", "W")), lines(), None, UnknownPlaceError, "1 places .* 'W'", id="donor"
    ),
    pytest.param(
        NORTH, lines().drop(columns="store_id"), None, DataError, "lack the column 'store_id'", id="no stores"
    ),
    pytest.param(
        Area("prefecture", ("北海道",)), lines(), None, ConfigError, "needs the customers", id="nobody's home"
    ),
    pytest.param(
        Area("prefecture", ("北海道",)), lines(), PEOPLE[["customer_id"]], DataError,
        "customers lack the column 'prefecture'", id="homes unknown",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("area", "rows", "people", "error", "message"), REFUSED)
def test_refusals(area, rows, people, error, message):
    with pytest.raises(error, match=message):
        place_days(rows, area=area, customers=people, **OCTOBER)


def shops(**columns: float) -> pd.DataFrame:
    return pd.DataFrame(columns, index=pd.date_range("2026-07-01", "2026-10-14"), dtype="float64")


WINDOWS = {
    "two weeks": ("2026-10-14", [7, 7]),
    "what is left over is less than half a week": ("2026-10-17", [7, 10]),
    "what is left over is more than half a week": ("2026-10-18", [7, 7, 4]),
    "one day": ("2026-10-01", [1]),
}


@pytest.mark.parametrize(("last", "days"), WINDOWS.values(), ids=WINDOWS)
def test_every_day_of_the_window_is_counted_once(last, days):
    table = shops(N=3, S=2).reindex(pd.date_range("2026-07-01", last), method="ffill")
    found = area_series(
        table, area=NORTH, start=date(2026, 10, 1), last=date.fromisoformat(last), period_days=7
    )
    assert found.n_before == 13
    assert found.days.iloc[13:].tolist() == days
    assert found.revenue[AREA].tolist() == pytest.approx([3.0] * (13 + len(days)))
    assert found.revenue.index[13] == pd.Timestamp("2026-10-01")


AREA_OF_TWO = Area("store_id", ("N", "M"))
DAYS = {"start": date(2026, 10, 1), "last": date(2026, 10, 14), "period_days": 7}


def test_places_of_the_campaign_are_added_up_and_no_donors():
    found = area_series(shops(N=3, M=4, S=2), area=AREA_OF_TWO, **DAYS)
    assert found.revenue.columns.tolist() == [AREA, "S"]
    assert found.revenue[AREA].iloc[0] == 7.0


def test_a_donor_sells_in_every_period_before_the_start():
    table = shops(N=3, S=2, W=2)
    table.loc["2026-09-01":"2026-09-20", "W"] = 0.0
    found = area_series(table, area=NORTH, **DAYS)
    assert (found.revenue.columns.tolist(), found.left_out) == ([AREA, "S"], ("W",))


def test_no_donor_is_chosen_by_what_it_sold_after_the_start():
    table = shops(N=3, S=2, W=2)
    table.loc["2026-10-08":, "W"] = 0.0
    found = area_series(table, area=NORTH, **DAYS)
    assert (found.revenue.columns.tolist(), found.left_out) == ([AREA, "S", "W"], ())


def test_places_that_are_no_donors_are_left_out():
    found = area_series(shops(N=3, S=2, W=2), area=NORTH, no_donors=["W"], **DAYS)
    assert (found.revenue.columns.tolist(), found.left_out) == ([AREA, "S"], ("W",))


def test_periods_of_an_earlier_campaign_in_the_area_are_left_out():
    spot = (date(2026, 9, 2), date(2026, 9, 5))
    found = area_series(shops(N=3, S=2), area=NORTH, not_before=[spot], **DAYS)
    whole = area_series(shops(N=3, S=2), area=NORTH, **DAYS)
    gone = set(whole.revenue.index) - set(found.revenue.index)
    # Weeks are counted back from 1 October: the spot touched those from 27 August and from 3 September.
    assert gone == {pd.Timestamp("2026-08-27"), pd.Timestamp("2026-09-03")}
    assert (whole.n_before, found.n_before) == (13, 11)


def test_an_earlier_start_has_the_donors_of_as_many_periods():
    table = shops(N=100, **{f"s{i:02d}": float(2**i) for i in range(12)})
    found = area_series(table, area=NORTH, **DAYS)
    earlier = found.up_to_start(2)
    assert (len(found.revenue.columns) - 1, len(earlier.revenue.columns) - 1) == (6, 5)
    assert (earlier.n_before, len(earlier.revenue), earlier.n_unlike) == (11, 13, 7)


STOPS = {
    "sells every day, and stops": ("2026-10-10", None, ("N",)),
    "sells every day, to two days before the end": ("2026-10-12", None, ()),
    "sells once in six days, last eleven days before the end": ("2026-10-04", 6, ("N",)),
    "sells once in six days, last five days before the end": ("2026-10-10", 6, ()),
}


@pytest.mark.parametrize(("last", "every", "stops"), STOPS.values(), ids=STOPS)
def test_a_place_stops_when_it_is_silent_for_longer_than_it_ever_was(last, every, stops):
    table = shops(N=3, S=2)
    if every:
        table.loc[(table.index - pd.Timestamp(last)).days % every != 0, "N"] = 0.0
    table.loc[table.index > last, "N"] = 0.0
    assert stopped_places(table, ["N", "S"], last=date(2026, 10, 14)) == stops


def test_named_donors_and_no_others():
    found = area_series(shops(N=3, S=2, W=2, E=1), area=Area("store_id", ("N",), ("E", "W")), **DAYS)
    assert set(found.revenue.columns) == {AREA, "E", "W"}


def test_of_many_donors_those_of_like_size():
    table = shops(N=100, **{f"s{i:02d}": float(2**i) for i in range(12)})
    found = area_series(table, area=NORTH, **DAYS)
    assert found.n_before == 13
    assert found.revenue.columns.tolist() == [AREA, "s04", "s05", "s06", "s07", "s08", "s09"]
    assert found.n_unlike == 6


def test_periods_before_in_which_the_area_sold_nothing_are_left_out():
    table = shops(N=3, S=2)
    table.loc["2026-09-03":"2026-09-16", "N"] = 0.0
    found = area_series(table, area=NORTH, **DAYS)
    assert (found.n_before, found.n_silent) == (11, 0)
    table.loc["2026-10-08":, "N"] = 0.0
    assert area_series(table, area=NORTH, **DAYS).n_silent == 1
