"""What is looked at in the stored tables: schema, keys, references, dates, sizes, blanks, contacts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import polars as pl

from crmreport.intake.model import Check, ColumnShare, Severity
from crmreport.intake.tables import COLUMNS, DAYS, KEY, NEEDED, SENDS, WEB_EVENTS, Table

_MISSING_WARNS = 0.2
_MAY_BE_BLANK = {
    ("order_lines", c)
    for c in ("customer_id", "coupon_id", "campaign_id", "returned_order_id", "discount", "is_subscription")
}
_MAY_BE_BLANK |= {("sends", c) for c in SENDS if c not in (*NEEDED["sends"], "arm", "step")}
_MAY_BE_BLANK |= {("web_events", c) for c in WEB_EVENTS if c not in NEEDED["web_events"]}
_HUGE_TIMES_MEDIAN = 1000
_LONG_TEXT = 1000
_EARLIEST_PLAUSIBLE = date(1990, 1, 1)

_DTYPES: dict[str, Any] = {
    "code": pl.String,
    "text": pl.String,
    "money": pl.Float64,
    "number": pl.Float64,
    "instant": pl.Datetime("us", "UTC"),
    "day": pl.Date,
    "sex": pl.String,
    "postal": pl.String,
    "prefecture": pl.String,
    "flag": pl.Boolean,
}


def check_schema(table: Table, frame: pl.DataFrame) -> Check:
    """The stored table against its pandera schema: types, needed values, unique keys, value ranges."""
    # pandera costs a second to import; a store that is only reused never pays it.
    import pandera.polars as pa
    from pandera.errors import SchemaErrors

    def checks(column: str) -> list[Any]:
        if column == "sex":
            return [pa.Check.isin(["female", "male", "other"])]
        if column == "postal_code":
            return [pa.Check.str_matches(r".+")]
        return []

    days = DAYS.get(table, {})
    needed = {*NEEDED[table], *(day for at, day in days.items() if at in NEEDED[table])}
    needed |= {"order_lines": {"is_return"}, "sends": {"step", "arm"}}.get(table, set())
    kinds = {**COLUMNS[table], **dict.fromkeys(days.values(), "day")}
    schema = pa.DataFrameSchema(
        {
            c: pa.Column(
                _DTYPES[kind],
                checks(c),
                nullable=c not in needed,
                unique=c == KEY.get(table),
                required=c in needed or (table, c) == ("order_lines", "customer_id"),
            )
            for c, kind in kinds.items()
            if c in frame.columns or c in needed
        },
        strict=False,
    )
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases
        columns = sorted({str(c) for c in cases["column"].to_list()})
        return Check(
            id="schema",
            severity="critical",
            table=table,
            count=cases.height,
            of=frame.height,
            values={"columns": ", ".join(columns)},
            detail=f"{table}: values outside the schema in {', '.join(columns)}",
        )
    return Check(
        id="schema", severity="ok", table=table, of=frame.height, detail=f"{table}: types and keys hold"
    )


def counted(
    id: str,
    table: Table,
    count: int,
    of: int,
    detail: str,
    *,
    column: str | None = None,
    found: Severity = "warning",
    values: dict[str, str | int | float] | None = None,
) -> Check:
    """A check that found ``count`` of ``of``; ``ok`` when that is none."""
    return Check(
        id=id,
        severity=found if count else "ok",
        table=table,
        column=column,
        count=count,
        of=of,
        share=count / of if of else None,
        values=values or {},
        detail=detail,
    )


def missing_shares(table: Table, frame: pl.DataFrame) -> list[ColumnShare]:
    """How many values every stored column lacks; a day made from an instant is blank where that is."""
    made = {day for at, day in DAYS.get(table, {}).items() if at not in NEEDED[table]}
    nulls = frame.drop(made, strict=False).null_count().row(0, named=True) if frame.width else {}
    of = frame.height
    return [
        ColumnShare(table=table, column=c, missing=n, of=of, share=n / of if of else None)
        for c, n in nulls.items()
    ]


def check_orders(orders: pl.DataFrame) -> list[Check]:
    """Checks on order lines alone."""
    n = orders.height
    if not n:
        return []
    early = int((orders["order_date"] < _EARLIEST_PLAUSIBLE).sum())
    first, last = orders["order_date"].min(), orders["order_date"].max()
    per_order = orders.group_by("order_id").agg(
        customers=pl.col("customer_id").drop_nulls().n_unique(), days=pl.col("order_date").n_unique()
    )
    orders_in = per_order.height
    returns = orders.filter("is_return")
    wrong_sign = int((returns["revenue"] > 0).sum())
    zero = int((orders["revenue"] == 0).sum())
    checks = [
        counted(
            "dates_early",
            "order_lines",
            early,
            n,
            f"{early:,} lines before {_EARLIEST_PLAUSIBLE}",
            column="ordered_at",
            values={"first": str(first), "last": str(last)},
        ),
        counted(
            "order_of_many_customers",
            "order_lines",
            (many := int((per_order["customers"] > 1).sum())),
            orders_in,
            f"{many:,} order ids stand with more than one customer",
            column="order_id",
        ),
        counted(
            "order_over_many_days",
            "order_lines",
            (spread := int((per_order["days"] > 1).sum())),
            orders_in,
            f"{spread:,} order ids stand on more than one day",
            column="order_id",
            found="info",
        ),
        counted(
            "returns", "order_lines", returns.height, n, f"{returns.height:,} return lines", found="info"
        ),
        counted(
            "return_with_positive_revenue",
            "order_lines",
            wrong_sign,
            returns.height,
            f"{wrong_sign:,} return lines have revenue above 0; returns should be negative",
            column="revenue",
        ),
        counted(
            "zero_revenue",
            "order_lines",
            zero,
            n,
            f"{zero:,} lines without revenue",
            column="revenue",
            found="info",
        ),
    ]
    checks.extend(_huge(orders, c) for c in ("revenue", "quantity", "unit_price") if c in orders.columns)
    return checks


def _huge(orders: pl.DataFrame, column: str) -> Check:
    """Amounts over 1,000 times the median of the column's positive values."""
    positive = orders[column].filter(orders[column] > 0)
    median = positive.median() if len(positive) else None
    limit = float(median) * _HUGE_TIMES_MEDIAN if isinstance(median, (int, float)) else None
    huge = 0 if limit is None else int((orders[column].abs() > limit).sum())
    return counted(
        "huge_values",
        "order_lines",
        huge,
        orders.height,
        f"{column}: {huge:,} values over {_HUGE_TIMES_MEDIAN:,} × the median",
        column=column,
        values={} if limit is None else {"limit": limit, "largest": float(orders[column].abs().max())},  # type: ignore[arg-type]
    )


def check_references(tables: dict[Table, pl.DataFrame]) -> list[Check]:
    """Lines whose customer or product has no master line, and customers without orders."""
    found = _orphans_of_orders(tables)
    for table in ("sends", "web_events"):
        for master, key in KEY.items():
            if table in tables and master in tables and key in tables[table].columns:
                found.append(_orphans(tables, table, master))
    return found


def _orphans_of_orders(tables: dict[Table, pl.DataFrame]) -> list[Check]:
    orders = tables["order_lines"]
    found = []
    for table, key in KEY.items():
        if table not in tables or key not in orders.columns:
            continue
        found.append(_orphans(tables, "order_lines", table))
        if table == "customers":
            bought = orders.select(key).drop_nulls().unique()
            idle = tables[table].select(key).join(bought, on=key, how="anti").height
            found.append(
                counted(
                    "customers_without_orders",
                    table,
                    idle,
                    tables[table].height,
                    f"{idle:,} customers have no order line",
                    found="info",
                )
            )
    return found


def _orphans(tables: dict[Table, pl.DataFrame], table: Table, master: Table) -> Check:
    key = KEY[master]
    used = tables[table].select(key).drop_nulls()
    lost = used.join(tables[master].select(key), on=key, how="anti")
    keys = lost.n_unique() if lost.height else 0
    return counted(
        f"orphan_{master}" if table == "order_lines" else f"{table}_orphan_{master}",
        table,
        lost.height,
        used.height,
        f"{lost.height:,} lines of {keys:,} {key}s that are not in {master}",
        column=key,
        values={"keys": keys},
    )


def check_sends(sends: pl.DataFrame, *, last_order: Any) -> list[Check]:
    """Doubled sends, customers in several arms, reactions before the sending, sends after the last order.

    Args:
        sends: The stored table.
        last_order: Last day with an order line; None without one.
    """
    n = sends.height
    once = sends.select("campaign_id", "customer_id", "step")
    doubled = n - once.n_unique() if n else 0
    arms = sends.group_by("campaign_id", "customer_id").agg(arms=pl.col("arm").n_unique())
    crossed = int((arms["arms"] > 1).sum())
    # By days: beside a time of sending the log may have reactions without one.
    reactions = [day for day in DAYS["sends"].values() if day != "sent_on" and day in sends.columns]
    before = (pl.col(day) < pl.col("sent_on") for day in reactions)
    early = int(sends.select(pl.any_horizontal(pl.lit(False), *before).sum()).item())
    late = sends.filter(pl.col("sent_on") > last_order) if last_order is not None else sends.clear()
    # A log may be fresher than the orders; by more than a month it is a slip in a date.
    far = last_order is not None and (late["sent_on"] > last_order + timedelta(days=31)).any()
    return [
        counted(
            "doubled_sends",
            "sends",
            doubled,
            n,
            f"{doubled:,} lines repeat a customer and step of a campaign; they are kept",
            column="customer_id",
        ),
        counted(
            "customer_in_many_arms",
            "sends",
            crossed,
            arms.height,
            f"{crossed:,} customers stand in more than one arm of a campaign",
            column="arm",
        ),
        counted(
            "reaction_before_sending",
            "sends",
            early,
            n,
            f"{early:,} lines were delivered, opened, clicked or unsubscribed before the day of sending",
            column="sent_at",
        ),
        counted(
            "sent_after_orders",
            "sends",
            late.height,
            n,
            f"{late.height:,} lines were sent after the last day with an order, {last_order}"
            + (f"; the last on {late['sent_on'].max()}" if late.height else ""),
            column="sent_at",
            found="warning" if far else "info",
        ),
    ]


def check_events(events: pl.DataFrame) -> list[Check]:
    """Web events that belong neither to a customer nor to a visitor."""
    known = [c for c in ("customer_id", "visitor_id") if c in events.columns]
    nobody = int(events.select(pl.all_horizontal(pl.col(c).is_null() for c in known).sum()).item())
    return [
        counted(
            "events_of_nobody",
            "web_events",
            nobody,
            events.height,
            f"{nobody:,} events have neither customer nor visitor",
            column=known[0],
        )
    ]


def check_missing(shares: list[ColumnShare]) -> list[Check]:
    """Columns of which more than a fifth is blank where blank is not an answer in itself."""
    return [
        counted(
            "missing_share",
            s.table,
            s.missing,
            s.of,
            f"{s.table}.{s.column}: {s.share:.1%} blank",
            column=s.column,
        )
        for s in shares
        if s.share is not None and s.share > _MISSING_WARNS and (s.table, s.column) not in _MAY_BE_BLANK
    ]


def check_texts(table: Table, frame: pl.DataFrame) -> list[Check]:
    """Texts longer than anything a person writes into a field."""
    texts = [c for c, kind in frame.schema.items() if kind == pl.String]
    found = []
    for column in texts:
        long = int((frame[column].str.len_chars() > _LONG_TEXT).sum())
        if long:
            found.append(
                counted(
                    "long_text",
                    table,
                    long,
                    frame.height,
                    f"{table}.{column}: {long:,} texts over {_LONG_TEXT:,} characters",
                    column=column,
                )
            )
    return found


_CONTACTS: dict[str, tuple[tuple[str, ...], Callable[[pl.Expr], pl.Expr]]] = {
    "same_email": (
        ("email", "mail", "mail_address", "e_mail"),
        lambda c: c.str.normalize("NFKC").str.strip_chars().str.to_lowercase(),
    ),
    "same_phone": (
        ("phone", "tel", "mobile", "telephone"),
        lambda c: c.str.normalize("NFKC").str.replace_all(r"\D", "").replace("", None),
    ),
}


def check_contacts(customers: pl.DataFrame) -> list[Check]:
    """Customers who share an e-mail address or a telephone number with another one: counted, never merged."""
    found = []
    for id, (names, clean) in _CONTACTS.items():
        for column in (c for c in names if customers.schema.get(c) == pl.String):
            values = customers.select(clean(pl.col(column))).to_series().drop_nulls()
            shared = int(values.is_duplicated().sum())
            found.append(
                counted(
                    id,
                    "customers",
                    shared,
                    customers.height,
                    f"{shared:,} customers share their {column} with another",
                    column=column,
                    found="info",
                )
            )
    return found
