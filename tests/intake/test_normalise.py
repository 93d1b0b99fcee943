from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmreport.intake import normalise as n
from crmreport.intake.columns import parse

DAY = datetime(2026, 10, 31)  # noqa: DTZ001
WHEN: dict[str, tuple[str, datetime]] = {
    "ISO": ("2026-10-31", DAY),
    "slashes": ("2026/10/31", DAY),
    "one digit": ("2026/9/1", datetime(2026, 9, 1)),  # noqa: DTZ001
    "packed": ("20261031", DAY),
    "packed with a time": ("20261031153000", DAY.replace(hour=15, minute=30)),
    "kanji": ("2026年10月31日", DAY),
    "kanji, full width, weekday": ("２０２６年１０月３１日（土）", DAY),
    "era in kanji": ("令和8年10月31日", DAY),
    "era letter": ("R8.10.31", DAY),
    "era letter packed": ("R081031", DAY),
    "first year of an era": ("平成元年1月8日", datetime(1989, 1, 8)),  # noqa: DTZ001
    "Showa": ("S55/4/1", datetime(1980, 4, 1)),  # noqa: DTZ001
    "one sign for the era": ("㍻31年4月30日", datetime(2019, 4, 30)),  # noqa: DTZ001
    "Excel serial": ("46326", DAY),
    "Excel serial with a time": ("46326.5", DAY.replace(hour=12)),
    "minutes only": ("2026/10/31 9:05", DAY.replace(hour=9, minute=5)),
    "T between": ("2026-10-31T09:05:06", DAY.replace(hour=9, minute=5, second=6)),
    "afternoon": ("2026-10-31 午後3時05分", DAY.replace(hour=15, minute=5)),
    "offset": ("2026-10-31T00:00:00+09:00", datetime(2026, 10, 30, 15, tzinfo=UTC)),
    "Z": ("2026-10-31 00:00:00Z", datetime(2026, 10, 31, tzinfo=UTC)),
}


@pytest.mark.parametrize(("text", "when"), WHEN.values(), ids=WHEN.keys())
def test_written_dates_are_read(text: str, when: datetime) -> None:
    one = n.read_when(text)
    assert one is not None
    assert one[0] == when
    column = parse(pl.Series([text, None]), "instant").values.to_list()
    assert column == [when, None], "a column reads what a single value reads"


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-30",
        "2026/13/01",
        "26/10/31",
        "10/31/2026",
        "tomorrow",
        "0",
        "12345",
        "2026-10-31 25:00",
        "1e5",
    ],
)
def test_what_is_no_date_is_not_guessed(text: str) -> None:
    assert n.read_when(text) is None
    assert parse(pl.Series([text]), "instant").unreadable.to_list() == [True]


def test_day_and_month_are_read_in_the_order_the_client_says() -> None:
    assert n.read_when("03/04/2026", order="mdy") == (datetime(2026, 3, 4), False)  # noqa: DTZ001
    assert n.read_when("03/04/2026", order="dmy") == (datetime(2026, 4, 3), False)  # noqa: DTZ001


MONEY: dict[str, tuple[str, float | None]] = {
    "plain": ("1234", 1234.0),
    "full width": ("１，２３４", 1234.0),
    "yen sign": ("¥1,234", 1234.0),
    "backslash that was a yen sign": ("\\1,234", 1234.0),
    "円": ("1,234円", 1234.0),
    "white triangle": ("△1,234", -1234.0),
    "black triangle": ("▲500", -500.0),
    "brackets": ("(500)", -500.0),
    "trailing minus": ("500-", -500.0),
    "minus sign": ("−500", -500.0),
    "yen before the minus": ("¥-500", -500.0),
    "decimals": ("1,234.50", 1234.5),
    "exponent of a spreadsheet": ("1.2E+05", 120000.0),
    "comma in the wrong place": ("12,5", None),
    "two points": ("1.234.5", None),
    "word": ("二個", None),
    "infinity": ("inf", None),
    "a telephone number": ("09012345678901", None),
}


@pytest.mark.parametrize(("text", "amount"), MONEY.values(), ids=MONEY.keys())
def test_amounts_are_read_or_refused(text: str, amount: float | None) -> None:
    parsed = parse(pl.Series([text]), "money")
    assert parsed.values.to_list() == [amount]
    assert parsed.unreadable.to_list() == [amount is None]


@given(st.integers(-(10**11), 10**11))
def test_every_written_form_of_an_amount_is_the_same_amount(amount: int) -> None:
    size = abs(amount)
    signs = ["-", "△", "▲", "−"] if amount < 0 else [""]
    for sign in signs:
        for form in (f"{size}", f"{size:,}", f"¥{size:,}", f"{size:,}円"):
            assert n.read_number(sign + form) == amount


CODES = {
    "zeros stay": ("0012", "0012"),
    "full width": ("Ｃ００１", "C001"),
    "half-width kana": ("ｺｰﾄﾞ1", "コード1"),
    "long vowel for a hyphen": ("12ー34", "12-34"),
    "en dash": ("12–34", "12-34"),
    "zero-width space": ("C\u200b01", "C01"),
    "spaces around": (" C01　", "C01"),
    "NULL": ("NULL", None),
    "nothing": ("  ", None),
}


@pytest.mark.parametrize(("text", "code"), CODES.values(), ids=CODES.keys())
def test_codes_come_to_one_form(text: str, code: str | None) -> None:
    assert parse(pl.Series([text, "x1"]), "code").values.to_list()[0] == code


@given(st.text(max_size=20))
def test_reading_a_code_twice_changes_nothing_more(text: str) -> None:
    once = n.read_code(text)
    assert n.read_code(once) == once


def test_ids_that_went_through_floats_lose_their_point_only_when_all_have_it() -> None:
    assert parse(pl.Series(["17850.0", "12.0", None]), "code").values.to_list() == ["17850", "12", None]
    assert parse(pl.Series(["17850.0", "12.5"]), "code").values.to_list() == ["17850.0", "12.5"]
    assert parse(pl.Series([17850.0, None]), "code").values.to_list() == ["17850", None]
    assert parse(pl.Series([17850, None]), "code").values.to_list() == ["17850", None]


SEXES = {
    "words": (
        ["男", "女性", "Ｆ", "male", "不明", "その他", None],
        ["male", "female", "female", "male", None, "other", None],
    ),
    "ISO 5218, seen by its 2": (["1", "2", "0", "9"], ["male", "female", None, None]),
}


@pytest.mark.parametrize(("texts", "sexes"), SEXES.values(), ids=SEXES.keys())
def test_sexes(texts: list[str | None], sexes: list[str | None]) -> None:
    parsed = parse(pl.Series(texts), "sex")
    assert parsed.values.to_list() == sexes
    assert not parsed.unreadable.any()


def test_yes_and_no_in_a_clients_words() -> None:
    texts = ["1", "TRUE", "有", "可", "○", "許諾", "0", "false", "無", "不可", "×", "拒否", "", "たぶん"]
    parsed = parse(pl.Series(texts), "flag")
    assert parsed.values.to_list() == [True] * 6 + [False] * 6 + [None, None]
    assert parsed.unreadable.to_list() == [False] * 13 + [True]


def test_what_was_changed_is_counted() -> None:
    assert parse(pl.Series(["Ｃ１", "C2", "NULL", None]), "code").changed == {"blank_word": 1, "form": 1}
    assert parse(pl.Series(["2026-10-31", "2026/10/31", "R8.10.31"]), "instant").changed == {"form": 2}
    assert parse(pl.Series(["1", "1,000"]), "money").changed == {"form": 1}
