"""The report of one build: what every source gave, what was changed, and what the checks found."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import polars as pl

from crmreport.config import Client, Source
from crmreport.intake import check, history
from crmreport.intake.model import (
    Check,
    Conflicts,
    ControlResult,
    Guests,
    InputFile,
    IntakeReport,
    Normalised,
    Quarantined,
    SourceCount,
    TableCount,
)
from crmreport.intake.money import exact_sum
from crmreport.intake.quarantine import count_lines
from crmreport.intake.shape import SAME_KEY, Shaped
from crmreport.intake.source_file import format_of
from crmreport.intake.tables import Table


def summarise(
    client: Client,
    key: str,
    shaped: list[Shaped],
    tables: dict[Table, pl.DataFrame],
    conflicts: list[Conflicts],
    set_aside: pl.DataFrame,
    sums: dict[tuple[Table, int, Path], str],
) -> IntakeReport:
    """Put together the report of one build, and hold that no line is lost.

    Args:
        client: The client file.
        key: The store's content key.
        shaped: Every source as it was read.
        tables: What is stored.
        conflicts: Keys whose lines disagree.
        set_aside: The quarantined cells.
        sums: SHA-256 per (table, source position, path).
    """
    sources = [_source_count(s) for s in shaped]
    _assert_nothing_lost(sources, tables)
    orders = tables["order_lines"]
    nobody = orders.filter(pl.col("customer_id").is_null())
    kinds: Counter[str] = sum((s.guests for s in shaped), Counter())
    guests = Guests(
        lines=nobody.height,
        orders=nobody["order_id"].n_unique(),
        revenue=float(exact_sum(nobody)),
        blank_id=kinds["blank_id"],
        guest_id=kinds["guest_id"],
    )
    monthly = history.monthly_counts(orders)
    missing = [share for table, frame in tables.items() for share in check.missing_shares(table, frame)]
    totals = _control_totals(client, orders)
    checks = [
        *(check.check_schema(table, frame) for table, frame in tables.items()),
        *_line_checks(sources, guests, conflicts),
        *check.check_orders(orders),
        *history.check_months(monthly),
        *history.check_stores(orders),
        *check.check_references(tables),
        *(
            check.check_sends(tables["sends"], last_order=orders["order_date"].max())
            if "sends" in tables
            else ()
        ),
        *(check.check_events(tables["web_events"]) if "web_events" in tables else ()),
        *check.check_missing(missing),
        *(c for table, frame in tables.items() for c in check.check_texts(table, frame)),
        *(check.check_contacts(tables["customers"]) if "customers" in tables else ()),
        *_total_checks(totals),
    ]
    return IntakeReport(
        client=client.client,
        key=key,
        timezone=client.timezone,
        currency=client.currency,
        inputs=_inputs(shaped, sums),
        sources=sources,
        tables={t: TableCount(rows=f.height, columns=f.columns) for t, f in tables.items()},
        derived={f"{s.table}.{c}": how for s in shaped for c, how in s.derived.items()},
        normalised=_normalised(shaped),
        quarantined=_reasons(set_aside),
        guests=guests,
        conflicts=conflicts,
        missing=missing,
        checks=checks,
        control_totals=totals,
        first_day=orders["order_date"].min(),  # type: ignore[arg-type]
        last_day=orders["order_date"].max(),  # type: ignore[arg-type]
        revenue=exact_sum(orders),
        monthly=monthly,
        daily=history.daily_counts(orders),
    )


def _source_count(s: Shaped) -> SourceCount:
    return SourceCount(
        table=s.table,
        source=s.position,
        path=_shown(s.source),
        lines=s.lines,
        stored=s.stored,
        quarantined=count_lines(s.failures.table(s.table, s.position)),
        excluded=dict(sorted(s.excluded.items())),
        repeated_lines=s.repeated_lines(),
    )


def _shown(source: Source) -> str:
    if source.path is None or not Path(source.path).is_absolute():
        return source.named
    return Path(source.path).name


def _assert_nothing_lost(sources: list[SourceCount], tables: dict[Table, pl.DataFrame]) -> None:
    for s in sources:
        if s.lines != s.stored + s.quarantined + s.n_excluded:
            raise AssertionError(
                f"{s.path}: {s.lines} lines in, but {s.stored} stored + {s.quarantined} quarantined "
                f"+ {s.n_excluded} excluded; a defect in intake"
            )
    for table, frame in tables.items():
        stored = sum(s.stored for s in sources if s.table == table)
        if stored != frame.height:
            raise AssertionError(
                f"{table}: {stored} lines counted, {frame.height} stored; a defect in intake"
            )


def _inputs(shaped: list[Shaped], sums: dict[tuple[Table, int, Path], str]) -> list[InputFile]:
    return [
        InputFile(
            table=s.table,
            source=s.position,
            name=file.name,
            bytes=file.path.stat().st_size,
            sha256=sums[(s.table, s.position, file.path)],
            format="query" if s.source.query is not None else format_of(file, s.source.format),
            lines=lines,
            blank_lines=blank,
            found=found,
        )
        for s in shaped
        for file, lines, blank, found in s.files
    ]


def _normalised(shaped: list[Shaped]) -> list[Normalised]:
    every: dict[tuple[Table, str], Counter[str]] = {}
    for s in shaped:
        for column, kinds in s.changed.items():
            every.setdefault((s.table, column), Counter()).update(kinds)
    return [
        Normalised(
            table=table,
            column=column,
            changed=sum(kinds.values()),
            by_kind={k: n for k, n in sorted(kinds.items()) if n},
        )
        for (table, column), kinds in every.items()
        if sum(kinds.values())
    ]


def _reasons(set_aside: pl.DataFrame) -> list[Quarantined]:
    table = set_aside.group_by("table", "file", "column", "reason").agg(lines=pl.len())
    rows = table.sort("table", "file", "column", "reason").iter_rows(named=True)
    return [Quarantined(**row) for row in rows]


def _control_totals(client: Client, orders: pl.DataFrame) -> list[ControlResult]:
    results = []
    for total in client.control_totals:
        period = client.period(total.period)
        inside = orders.filter((pl.col("order_date") >= period.start) & (pl.col("order_date") < period.end))
        found = exact_sum(inside)
        results.append(
            ControlResult(
                period=total.period,
                expected=total.revenue,
                found=found,
                difference=found - total.revenue,
                tolerance=total.tolerance,
                within=abs(found - total.revenue) <= total.tolerance,
            )
        )
    return results


def _line_checks(sources: list[SourceCount], guests: Guests, conflicts: list[Conflicts]) -> list[Check]:
    lines = sum(s.lines for s in sources)
    aside: Counter[Table] = Counter({"order_lines": 0})
    for s in sources:
        aside[s.table] += s.quarantined
    named = ", ".join(f"{table} {n:,}" for table, n in aside.most_common() if n)
    found = [
        check.counted(
            "quarantine",
            aside.most_common(1)[0][0],
            aside.total(),
            lines,
            f"{aside.total():,} lines could not be read and were set aside"
            + (f" ({named})" if named else ""),
        )
    ]
    for s in sources:
        found.append(
            check.counted(
                "repeated_lines",
                s.table,
                s.repeated_lines,
                s.lines,
                f"{s.path}: {s.repeated_lines:,} lines equal an earlier one in every column",
                found="warning" if s.table == "order_lines" else "info",
                values={"path": s.path},
            )
        )
        if merged := s.excluded.get(SAME_KEY, 0):
            found.append(
                check.counted(
                    "same_key",
                    s.table,
                    merged,
                    s.lines,
                    f"{s.path}: {merged:,} lines went into another line with the same key",
                    found="info",
                    values={"path": s.path},
                )
            )
    orders = sum(s.stored for s in sources if s.table == "order_lines")
    found.append(
        check.counted(
            "guests",
            "order_lines",
            guests.lines,
            orders,
            f"{guests.lines:,} lines without a customer",
            column="customer_id",
            found="info",
            values={"revenue": guests.revenue, "orders": guests.orders},
        )
    )
    found.extend(
        check.counted(
            "conflict",
            c.table,
            c.keys,
            sum(s.stored for s in sources if s.table == c.table),
            f"{c.table}.{c.column}: {c.keys:,} keys with different values; the {c.kept} was kept",
            column=c.column,
            values={"kept": c.kept},
        )
        for c in conflicts
    )
    return found


def _total_checks(totals: list[ControlResult]) -> list[Check]:
    return [
        Check(
            id="control_total",
            severity="ok" if t.within else "critical",
            table="order_lines",
            column="revenue",
            count=0 if t.within else 1,
            of=len(totals),
            values={"period": t.period, "expected": float(t.expected), "found": float(t.found)},
            detail=f"{t.period}: the books say {t.expected:,}, the lines sum to {t.found:,}",
        )
        for t in totals
    ]
