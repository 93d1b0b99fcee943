"""Member rank transition."""

from datetime import date

import pandas as pd
import pytest

from crmreport.analysis.ranks import rank_transitions
from crmreport.errors import DataError

ORDER = ["bronze", "silver", "gold"]
START, AS_OF = date(2026, 3, 31), date(2026, 9, 30)


def history(*rows: tuple[str, str | None, str]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=["customer_id", "rank", "from_date"])
    return frame.assign(rank=frame["rank"].astype("str"), from_date=pd.to_datetime(frame["from_date"]))


CASES = {
    "up one: promoted": ([("a", "bronze", "2026-01-01"), ("a", "silver", "2026-04-01")], "promoted"),
    "down two: demoted": ([("a", "gold", "2026-01-01"), ("a", "bronze", "2026-09-30")], "demoted"),
    "no change: kept": ([("a", "gold", "2025-01-01")], "kept"),
    "down and up again between the days: kept": (
        [("a", "gold", "2026-01-01"), ("a", "bronze", "2026-05-01"), ("a", "gold", "2026-06-01")],
        "kept",
    ),
    "first rank since: joined": ([("a", "bronze", "2026-04-01")], "joined"),
    "rank taken away: left": ([("a", "gold", "2026-01-01"), ("a", None, "2026-04-01")], "left"),
    "a change after as_of is invisible: kept": (
        [("a", "bronze", "2026-01-01"), ("a", "gold", "2026-10-01")],
        "kept",
    ),
}


@pytest.mark.parametrize(("rows", "move"), CASES.values(), ids=CASES)
def test_moves(engine, rows, move):
    moves = rank_transitions(engine(history(*rows)), start=START, as_of=AS_OF, order=ORDER).moves
    assert {name for name, customers in moves.items() if customers} == {move}


def test_rows_of_a_rank_add_up():
    found = rank_transitions(
        history(("a", "gold", "2026-01-01"), ("b", "gold", "2026-01-01"), ("b", "silver", "2026-05-01")),
        start=START,
        as_of=AS_OF,
        order=ORDER,
    ).table
    gold = found[found["from_rank"] == "gold"]
    assert (gold["customers"].sum(), gold["share_of_from"].sum()) == (2, 1.0)


ERRORS = {
    "a rank nobody named": (
        [("a", "platinum", "2026-01-01")],
        "rank 'platinum' is not one of bronze, silver, gold",
    ),
    "two ranks from one day": (
        [("a", "gold", "2026-01-01"), ("a", "silver", "2026-01-01")],
        "1 customers have two ranks from the same day; first: 'a'",
    ),
}


@pytest.mark.parametrize(("rows", "message"), ERRORS.values(), ids=ERRORS)
def test_refused(rows, message):
    with pytest.raises(DataError, match=message):
        rank_transitions(history(*rows), start=START, as_of=AS_OF, order=ORDER)
