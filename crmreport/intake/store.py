"""The canonical store: built once per content key in a folder of its own, then only opened."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from crmreport.config import Client
from crmreport.errors import DataError
from crmreport.intake import check
from crmreport.intake.digest import Digests, store_key
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
from crmreport.intake.quarantine import count_lines, refuse_too_many, write_quarantine
from crmreport.intake.read import LINE, format_of, source_files
from crmreport.intake.shape import FILE, SAME_KEY, Shaped, shape_source
from crmreport.intake.tables import COLUMNS, Table
from crmreport.intake.unify import SOURCE, unify
from crmreport.workspace import Workspace

_ROW_GROUP = 256 * 1024
_REPORT = "intake.json"


@dataclass(frozen=True, slots=True)
class Store:
    """A client's canonical tables on disk.

    Args:
        path: Folder of this content key.
        report: What intake did.
        tables: Names of the tables that are there.
    """

    path: Path
    report: IntakeReport
    tables: tuple[str, ...]

    def table(self, name: str) -> Path:
        """Parquet file of a table.

        Raises:
            DataError: The client gives no such table.
        """
        if name not in self.tables:
            raise DataError(
                f"{self.report.client}: there is no table {name!r}, only {', '.join(self.tables)}; "
                "add it under sources in client.yml"
            )
        return self.path / f"{name}.parquet"

    @property
    def conflicts(self) -> Path:
        """Values on which lines with the same key disagree."""
        return self.path / "conflicts.parquet"


def open_store(workspace: Workspace, client: Client) -> Store:
    """The client's store, built first if its inputs, mapping, policies or intake itself have changed.

    Args:
        workspace: Where clients/ lies.
        client: The client file.

    Raises:
        ConfigError: The mapping cannot work.
        DataError: A file cannot be read, or too many of its lines.
    """
    folder = workspace.client(client.client)
    stores = workspace.store(client.client)
    digests = Digests(stores / "digests.json")
    inputs: list[tuple[Table, int, Any, str]] = []
    for table, sources in client.sources.items():
        for position, source in enumerate(sources, start=1):
            inputs.extend((table, position, f, digests.of(f)) for f in source_files(source, folder))
    digests.save()
    key = store_key(client, [(t, p, f.name, d) for t, p, f, d in inputs])
    if not (stores / key / _REPORT).is_file():
        sums = {(t, p, f.path): d for t, p, f, d in inputs}
        _build(workspace, client, stores, key, sums)
    return _open(stores / key)


def _open(path: Path) -> Store:
    report = IntakeReport.model_validate_json((path / _REPORT).read_bytes())
    return Store(path, report, tuple(report.tables))


def _build(
    workspace: Workspace, client: Client, stores: Path, key: str, sums: dict[tuple[Table, int, Path], str]
) -> None:
    stores.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".building-{key}-", dir=stores))
    try:
        shaped = [
            shape_source(client, table, position, source, workspace.client(client.client))
            for table, sources in client.sources.items()
            for position, source in enumerate(sources, start=1)
        ]
        set_aside = _quarantine(workspace, client, key, shaped)
        tables, conflicts, listed = _tables(client, shaped)
        report = _report(client, key, shaped, tables, conflicts, set_aside, sums)
        for name, frame in tables.items():
            frame.write_parquet(building / f"{name}.parquet", compression="zstd", row_group_size=_ROW_GROUP)
        listed.write_parquet(building / "conflicts.parquet")
        (building / _REPORT).write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")
        building.chmod(0o755)
        _publish(building, stores / key)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _publish(building: Path, final: Path) -> None:
    if final.is_dir() and not (final / _REPORT).is_file():
        shutil.rmtree(final)
    try:
        os.rename(building, final)
    except OSError:
        # Another process built the same key meanwhile: its content is the same.
        if not (final / _REPORT).is_file():
            raise


def _quarantine(workspace: Workspace, client: Client, key: str, shaped: list[Shaped]) -> pl.DataFrame:
    each = [s.failures.table(s.table, s.position) for s in shaped]
    every = pl.concat(each)
    folder = workspace.quarantine(client.client) / key
    if every.height:
        write_quarantine(every, folder)
    for source, failures in zip(shaped, each, strict=True):
        refuse_too_many(
            failures,
            lines=source.lines,
            limit=client.policies.quarantine_limit,
            path=source.source.path,
            kept_in=f"quarantine/{key}/",
        )
    return every


def _tables(
    client: Client, shaped: list[Shaped]
) -> tuple[dict[Table, pl.DataFrame], list[Conflicts], pl.DataFrame]:
    tables: dict[Table, pl.DataFrame] = {}
    conflicts: list[Conflicts] = []
    listed: list[pl.DataFrame] = []
    for table in COLUMNS:
        mine = [s for s in shaped if s.table == table]
        if not mine:
            continue
        lines = pl.concat(
            [f.with_columns(pl.lit(s.position).alias(SOURCE)) for s in mine for f in s.frames],
            how="diagonal_relaxed",
        )
        if table == "order_lines":
            first = ["customer_id", "order_id", "ordered_at", "order_date", "revenue", "is_return"]
            rest = [c for c in COLUMNS[table] if c in lines.columns and c not in first]
            tables[table] = lines.select(*first, *rest)
            continue
        unified = unify(lines, table, keep=client.policies.conflict_precedence)
        for source in mine:
            source.stored -= unified.merged[source.position]
            source.excluded[SAME_KEY] += unified.merged[source.position]
        tables[table] = unified.frame
        conflicts.extend(unified.conflicts)
        listed.append(unified.listed)
    return tables, conflicts, pl.concat(listed) if listed else unify_nothing()


def unify_nothing() -> pl.DataFrame:
    """The list of conflicts of a client without master tables."""
    empty = pl.DataFrame(schema={"customer_id": pl.String, SOURCE: pl.Int64, FILE: pl.String, LINE: pl.Int64})
    return unify(empty, "customers", keep="first").listed


def _report(
    client: Client,
    key: str,
    shaped: list[Shaped],
    tables: dict[Table, pl.DataFrame],
    conflicts: list[Conflicts],
    set_aside: pl.DataFrame,
    sums: dict[tuple[Table, int, Path], str],
) -> IntakeReport:
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
    monthly = check.monthly_counts(orders)
    missing = [share for table, frame in tables.items() for share in check.missing_shares(table, frame)]
    totals = _control_totals(client, orders)
    checks = [
        *(check.check_schema(table, frame) for table, frame in tables.items()),
        *_line_checks(sources, guests, conflicts),
        *check.check_orders(orders),
        *check.check_months(monthly),
        *check.check_references(tables),
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
        daily=check.daily_counts(orders),
    )


def _source_count(s: Shaped) -> SourceCount:
    return SourceCount(
        table=s.table,
        source=s.position,
        path=s.source.path if not Path(s.source.path).is_absolute() else Path(s.source.path).name,
        lines=s.lines,
        stored=s.stored,
        quarantined=count_lines(s.failures.table(s.table, s.position)),
        excluded={name: n for name, n in sorted(s.excluded.items())},
        repeated_lines=s.repeated_lines(),
    )


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
            format=format_of(file, s.source.format),
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
    found = [
        check.counted(
            "quarantine",
            "order_lines",
            (aside := sum(s.quarantined for s in sources)),
            lines,
            f"{aside:,} lines could not be read and were set aside",
        )
    ]
    for s in sources:
        found.append(
            check.counted(
                "repeated_lines",
                s.table,
                s.repeated_lines,
                s.lines,
                f"{s.path}: {s.repeated_lines:,} lines equal an earlier one in every column; kept",
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
            of=1,
            values={"period": t.period, "expected": float(t.expected), "found": float(t.found)},
            detail=f"{t.period}: the books say {t.expected:,}, the lines sum to {t.found:,}",
        )
        for t in totals
    ]
