"""One customer, one group: the attributes a profile can be cut by."""

from __future__ import annotations

from datetime import date
from typing import Any

import narwhals as nw

from crmreport.analysis.ledger import mend_dates, money_decimals, to_pandas, visible
from crmreport.errors import DataError

# The eight regions (八地方区分) used in Japanese official statistics; Okinawa goes with Kyushu.
REGIONS: dict[str, tuple[str, ...]] = {
    "hokkaido": ("北海道",),
    "tohoku": ("青森県", "岩手県", "宮城県", "秋田県", "山形県", "福島県"),
    "kanto": ("茨城県", "栃木県", "群馬県", "埼玉県", "千葉県", "東京都", "神奈川県"),
    "chubu": (
        "新潟県", "富山県", "石川県", "福井県", "山梨県", "長野県", "岐阜県", "静岡県", "愛知県",
    ),
    "kinki": ("三重県", "滋賀県", "京都府", "大阪府", "兵庫県", "奈良県", "和歌山県"),
    "chugoku": ("鳥取県", "島根県", "岡山県", "広島県", "山口県"),
    "shikoku": ("徳島県", "香川県", "愛媛県", "高知県"),
    "kyushu": (
        "福岡県", "佐賀県", "長崎県", "熊本県", "大分県", "宮崎県", "鹿児島県", "沖縄県",
    ),
}  # fmt: skip
AGE_BANDS = ("under_20", "20s", "30s", "40s", "50s", "60s", "70_over")
OLDEST_AGE = 110

# Which column each derived attribute is read from, best first.
_SOURCES: dict[str, tuple[str, ...]] = {
    "age_band": ("birth_date", "age_band"),
    "region": ("prefecture",),
    "join_year": ("joined_at",),
}
_DATES = ("birth_date", "joined_at")


def attributes_available(columns: list[str]) -> list[str]:
    """Which of the usual attributes the customers table can be cut by, in the usual order.

    Examples:
        >>> attributes_available(["customer_id", "sex", "birth_date", "prefecture"])
        ['age_band', 'sex', 'region', 'prefecture']
    """
    usual = ("age_band", "sex", "region", "prefecture", "join_year", "acquisition_source", "rank")
    return [name for name in usual if any(source in columns for source in _SOURCES.get(name, (name,)))]


def customer_groups(customers: Any, *, by: str, as_of: date) -> nw.LazyFrame[Any]:
    """Give every customer one group by one attribute.

    - ``age_band``: from birth_date, full years at as_of, in tens, below 20 and 70 or over taken
      together; a birth after as_of or an age above 110 is unknown. The given column when there is
      no birth date.
    - ``region``: the eight Japanese regions from prefecture; any other prefecture is unknown.
    - ``join_year``: calendar year of joined_at.
    - anything else: the column of that name as it is; empty text is unknown.

    Args:
        customers: One row per customer; any frame narwhals understands.
        by: Attribute or column name.
        as_of: Day the age is counted on.

    Returns:
        Lazy frame customer_id, group (text; null where unknown).

    Raises:
        DataError: The table has no such column.

    Examples:
        >>> import pandas as pd
        >>> people = pd.DataFrame({"customer_id": ["a", "b"], "prefecture": ["大阪府", "Wien"]})
        >>> groups = customer_groups(people, by="region", as_of=date(2026, 10, 31))
        >>> groups.collect("pandas").to_native()["group"].tolist()
        ['kinki', nan]
    """
    frame = nw.from_native(customers)
    columns = frame.collect_schema().names()
    sources = [name for name in _SOURCES.get(by, (by,)) if name in columns]
    if not sources:
        raise DataError(
            f"customers have no {' or '.join(_SOURCES.get(by, (by,)))} to group by {by!r}; "
            f"columns are {', '.join(columns)}"
        )
    frame = nw.from_native(mend_dates(customers, {*_DATES} & {sources[0]})).lazy()
    match by, sources[0]:
        case "age_band", "birth_date":
            group = _age_band(nw.col("birth_date"), as_of)
        case "region", _:
            group = _one_of(nw.col("prefecture"), REGIONS)
        case "join_year", _:
            group = _day(nw.col("joined_at")).dt.year().cast(nw.String)
        case _, column:
            group = nw.col(column).cast(nw.String)
    frame = frame.select(customer_id=nw.col("customer_id").cast(nw.String), group=group)
    return frame.with_columns(group=nw.when(nw.col("group").str.strip_chars() != "").then(nw.col("group")))


def main_channel(lines: Any, *, as_of: date, since: date | None = None) -> nw.LazyFrame[Any]:
    """Give every customer the channel most of their money went through.

    One customer has one main channel, so that groups add up to the whole; equal amounts are
    settled by the channel's name.

    Args:
        lines: Order lines with a channel column.
        as_of: Last visible day.
        since: First day looked at; None for the whole history.

    Returns:
        Lazy frame customer_id, group.

    Raises:
        DataError: The lines have no channel.
    """
    frame = visible(lines, as_of=as_of, since=since)
    if "channel" not in frame.collect_schema().names():
        raise DataError("order_lines have no channel to group by; map one in client.yml")
    frame = frame.filter(~nw.col("channel").is_null(), ~nw.col("customer_id").is_null())
    # One frame and no join on sums: an engine that adds in parallel may give 0.1 + 0.2 two values.
    spent = frame.group_by("customer_id", "channel").agg(spent=nw.col("revenue").sum())
    # Not settled: a settled DuckDB frame lives on another connection than the lines it is joined with later.
    largest = to_pandas(spent.select(largest=nw.col("spent").abs().max()))["largest"].fillna(0).iloc[0]
    spent = spent.with_columns(nw.col("spent").round(money_decimals(float(largest))))
    return (
        spent.with_columns(most=nw.col("spent").max().over("customer_id"))
        .filter(nw.col("spent") == nw.col("most"))
        .group_by("customer_id")
        .agg(group=nw.col("channel").min())
    )


def _day(column: nw.Expr) -> nw.Expr:
    # pandas knows no Date; everything else may hand over Date or Datetime.
    return column.cast(nw.Datetime("us"))


def _age_band(birth: nw.Expr, as_of: date) -> nw.Expr:
    born = _day(birth)
    reached_by = as_of.month * 100 + as_of.day
    waits = nw.when(born.dt.month() * 100.0 + born.dt.day() > reached_by).then(1).otherwise(0)
    age = nw.lit(as_of.year) - born.dt.year() - waits
    band = nw.when((age >= 70) & (age <= OLDEST_AGE)).then(nw.lit("70_over"))
    for start in (60, 50, 40, 30, 20):
        band = nw.when((age >= start) & (age < start + 10)).then(nw.lit(f"{start}s")).otherwise(band)
    return nw.when((age >= 0) & (age < 20)).then(nw.lit("under_20")).otherwise(band)


def _one_of(column: nw.Expr, groups: dict[str, tuple[str, ...]]) -> nw.Expr:
    chosen: nw.Expr = nw.lit(None, nw.String)
    for name, members in groups.items():
        chosen = nw.when(column.is_in(members)).then(nw.lit(name)).otherwise(chosen)
    return chosen
