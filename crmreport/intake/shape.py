"""From a source's batches to canonical columns: mapping, rules, codes, guests, times, derived columns."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import polars as pl

from crmreport.config import Client, Source
from crmreport.errors import ConfigError, DataError
from crmreport.intake import normalise
from crmreport.intake.batch import LINE, Batch
from crmreport.intake.columns import Parsed, naming, on_distinct, parse, to_text
from crmreport.intake.forgotten import RULE as FORGOTTEN
from crmreport.intake.forgotten import Forgotten
from crmreport.intake.header_row import find_header
from crmreport.intake.quarantine import Failures
from crmreport.intake.read import read_batches
from crmreport.intake.source_file import SourceFile
from crmreport.intake.tables import COLUMNS, DAYS, NEEDED, Table, accepts, kind_of

FILE = "__file"
TOTALS_ROW = "totals row"
SAME_KEY = "same key"
NO_ARM = "no arm"


@dataclass(slots=True)
class Shaped:
    """One source's lines in canonical form, with what was counted on the way."""

    table: Table
    position: int
    source: Source
    frames: list[pl.DataFrame] = field(default_factory=list)
    lines: int = 0
    stored: int = 0
    excluded: Counter[str] = field(default_factory=Counter)
    changed: dict[str, Counter[str]] = field(default_factory=dict)
    failures: Failures = field(default_factory=Failures)
    hashes: list[pl.Series] = field(default_factory=list)
    files: list[tuple[SourceFile, int, int, dict[str, str]]] = field(default_factory=list)
    guests: Counter[str] = field(default_factory=Counter)
    derived: dict[str, str] = field(default_factory=dict)
    forgotten: Forgotten = field(default_factory=Forgotten)
    their_visitors: set[str] = field(default_factory=set)
    """Visitor ids under which forgotten customers were seen."""

    def repeated_lines(self) -> int:
        """Lines equal to an earlier one in every source column."""
        if not self.hashes:
            return 0
        every = pl.concat(self.hashes)
        return len(every) - every.n_unique()


def shape_source(
    client: Client,
    table: Table,
    position: int,
    source: Source,
    files: Sequence[SourceFile],
    forgotten: Forgotten,
) -> Shaped:
    """Read one source of one table.

    Args:
        client: For its zone and guest ids.
        table: What the source feeds.
        position: Which of the table's sources it is, from 1.
        source: The client file's entry.
        files: Its files, in order.
        forgotten: Customers none of whose lines is read.

    Raises:
        ConfigError: The mapping names an unknown canonical column or lacks a needed one.
        DataError: A file cannot be read, see :mod:`crmreport.intake.read`.
    """
    check_mapping(table, source)
    shaped = Shaped(table, position, source, forgotten=forgotten)
    for file in files:
        before, blank, found = shaped.lines, 0, {}
        for batch in read_batches(file, source):
            _take(batch, file, shaped, client)
            blank, found = blank + batch.blank, batch.found
        shaped.files.append((file, shaped.lines - before, blank, found))
    return shaped


def check_mapping(table: Table, source: Source) -> None:
    """Refuse mappings that cannot work before any file is opened."""
    given = {**source.columns, **source.constants}
    for column in given:
        if not accepts(table, column):
            near = difflib.get_close_matches(column, COLUMNS[table], n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(COLUMNS[table])}"
            raise ConfigError(f"sources.{table}: {source.named}: no canonical column {column!r}; {hint}")
    if both := sorted(set(source.columns) & set(source.constants)):
        raise ConfigError(
            f"sources.{table}: {source.named}: {both[0]} is mapped and constant; take it out of one of them"
        )
    needed = {"order_lines": ("customer_id", "ordered_at")}.get(table, NEEDED[table])
    for column in needed:
        if column not in given:
            raise ConfigError(
                f"sources.{table}: {source.named}: columns lacks {column}; name its header there"
            )
    if table == "order_lines" and "revenue" not in given and not {"quantity", "unit_price"} <= set(given):
        raise ConfigError(
            f"sources.order_lines: {source.named}: columns has neither revenue nor quantity and unit_price; "
            "map revenue, or both of the others"
        )
    if table == "web_events" and not {"customer_id", "visitor_id"} & set(given):
        raise ConfigError(
            f"sources.web_events: {source.named}: columns has neither customer_id nor visitor_id; map one"
        )


def _take(batch: Batch, file: SourceFile, shaped: Shaped, client: Client) -> None:
    source, table = shaped.source, shaped.table
    if batch.bad and source.ragged_rows == "refuse":
        first = batch.bad[0]
        count = "" if batch.last else "at least "
        raise DataError(
            f"{file.name}: line {first.line} {first.reason} ({count}{len(batch.bad):,} such lines); "
            "repair them, or set ragged_rows: quarantine"
        )
    frame = batch.frame
    headers = [c for c in frame.columns if c != LINE]
    shaped.lines += frame.height + len(batch.bad)
    shaped.failures.add_lines(file.name, batch.bad)
    if frame.height:
        shaped.hashes.append(frame.drop(LINE).hash_rows(seed=0))
    mapping = {c: find_header(h, headers, file.name) for c, h in source.columns.items()}
    if batch.last:
        frame = _without_totals_row(frame, mapping, file, shaped)
    frame = _without_excluded(frame, headers, file, shaped)
    theirs = _of_forgotten(frame, mapping, shaped)
    lines = frame[LINE] if theirs is None else frame[LINE].filter(~theirs)
    where = pl.Series(FILE, [file.name], dtype=pl.String).new_from_index(0, len(lines))
    columns: dict[str, pl.Series] = {}
    failed = pl.Series([False], dtype=pl.Boolean).new_from_index(0, len(lines))
    for column in [c for c in (*COLUMNS[table], *mapping) if c in mapping or c in source.constants]:
        if column in columns:
            continue
        raw = _raw(frame, column, mapping, source)
        header = mapping.get(column, "")
        parsed = _parse(raw, column, f"{file.name}: {header}", shaped)
        if theirs is not None:
            # Only now: how a column is read must not hang on who is forgotten.
            raw, parsed = raw.filter(~theirs), parsed.only(~theirs)
        if parsed.unreadable.any():
            shaped.failures.add(
                file.name, lines, column, header, to_text(raw), parsed.unreadable, parsed.reason
            )
            failed = failed | parsed.unreadable
        _settle(columns, column, parsed, shaped, client)
    if table == "order_lines":
        _complete_orders(columns, shaped, client, lines)
    if table == "sends":
        _complete_sends(columns, shaped)
    parents = columns.get("parent_id") if shaped.forgotten else None
    if parents is not None and (named := naming(parents, shaped.forgotten)).any():
        columns["parent_id"] = parents.set(named, None)
        shaped.changed["parent_id"][FORGOTTEN] += int(named.sum())
    for column in NEEDED[table]:
        absent = columns[column].is_null() & ~failed
        if absent.any():
            shaped.failures.add(file.name, lines, column, mapping.get(column, ""), None, absent, "is missing")
            failed = failed | absent
    done = pl.DataFrame({**columns, FILE: where, LINE: lines}).filter(~failed)
    if table == "order_lines":
        _count_guests(done, shaped)
    shaped.stored += done.height
    shaped.frames.append(done)


def _without_totals_row(
    frame: pl.DataFrame, mapping: dict[str, str], file: SourceFile, shaped: Shaped
) -> pl.DataFrame:
    """Without the file's last line where that holds a totals word and a key is blank or that word."""
    if frame.is_empty():
        return frame
    last = frame.row(-1, named=True)
    cells = {h: "" if v is None else str(v).strip() for h, v in last.items()}
    word = next((cell for cell in cells.values() if normalise.is_totals_word(cell)), None)
    keys = [cells[mapping[c]] for c in ("customer_id", *NEEDED[shaped.table]) if c in mapping]
    if word is None or not any(key == "" or normalise.is_totals_word(key) for key in keys):
        return frame
    if shaped.source.totals_row == "refuse":
        raise DataError(
            f"{file.name}: line {last[LINE]} looks like a totals row ({word!r}); "
            "delete it, or set totals_row: drop"
        )
    shaped.excluded[TOTALS_ROW] += 1
    return frame.head(-1)


def _without_excluded(
    frame: pl.DataFrame, headers: list[str], file: SourceFile, shaped: Shaped
) -> pl.DataFrame:
    for rule in shaped.source.rules:
        values = to_text(frame[find_header(rule.column, headers, file.name)])
        clean = on_distinct(values, values.is_not_null(), normalise.read_code, pl.String).fill_null("")
        out = pl.Series([False], dtype=pl.Boolean).new_from_index(0, frame.height)
        if rule.exclude is not None:
            out = out | clean.is_in([normalise.read_code(v) for v in rule.exclude])
        if rule.keep is not None:
            out = out | ~clean.is_in([normalise.read_code(v) for v in rule.keep])
        shaped.excluded[rule.name] += int(out.sum())
        frame = frame.filter(~out)
    return frame


def _of_forgotten(frame: pl.DataFrame, mapping: dict[str, str], shaped: Shaped) -> pl.Series | None:
    """Which lines are of forgotten customers, and are left out whatever else is in them; None if none is."""
    given = "customer_id" in mapping or "customer_id" in shaped.source.constants
    if not shaped.forgotten or not given:
        return None
    raw = _raw(frame, "customer_id", mapping, shaped.source)
    theirs = naming(parse(_decoded(raw, "customer_id", shaped.source), "code").values, shaped.forgotten)
    if not theirs.any():
        return None
    shaped.excluded[FORGOTTEN] += int(theirs.sum())
    if "visitor_id" in mapping:
        visitors = parse(_decoded(frame[mapping["visitor_id"]], "visitor_id", shaped.source), "code").values
        shaped.their_visitors |= set(visitors.filter(theirs).drop_nulls())
    return theirs


def _raw(frame: pl.DataFrame, column: str, mapping: dict[str, str], source: Source) -> pl.Series:
    if column in mapping:
        return frame[mapping[column]]
    return pl.Series([source.constants[column]], dtype=pl.String).new_from_index(0, frame.height)


def _decoded(raw: pl.Series, column: str, source: Source) -> pl.Series:
    """As text, after the source's code list; a code the list lacks may be a readable value already."""
    known = {normalise.read_code(k): v for k, v in source.codes.get(column, {}).items()}
    text = to_text(raw)
    if not known:
        return text
    return on_distinct(text, text.is_not_null(), lambda t: known.get(normalise.read_code(t), t), pl.String)


def _parse(raw: pl.Series, column: str, where: str, shaped: Shaped) -> Parsed:
    changed: Counter[str] = shaped.changed.setdefault(column, Counter())
    if shaped.source.codes.get(column):
        coded = _decoded(raw, column, shaped.source)
        changed["code_list"] += int((coded.ne_missing(to_text(raw))).sum())
        raw = coded
    if column not in COLUMNS[shaped.table] and (raw.dtype.is_numeric() or raw.dtype in (pl.Boolean, pl.Date)):
        # A column of the client's own keeps the type its Parquet file gives it.
        return Parsed(raw, raw.is_null() & False, "")
    parsed = parse(raw, kind_of(shaped.table, column), date_order=shaped.source.date_order, where=where)
    changed.update(parsed.changed)
    return parsed


def _settle(
    columns: dict[str, pl.Series], column: str, parsed: Parsed, shaped: Shaped, client: Client
) -> None:
    """Put a parsed column where it belongs; times become an instant in UTC and a day in the client's zone."""
    kind = kind_of(shaped.table, column)
    if kind not in ("instant", "day"):
        columns[column] = parsed.values
        return
    assert parsed.has_time is not None
    written_in = ZoneInfo(shaped.source.timezone or client.timezone)
    instant, day, gaps = to_instant(parsed.values, parsed.has_time, written_in=written_in, zone=client.zone)
    if gaps:
        shaped.changed[column]["clock_gap"] += gaps
    if kind == "day":
        columns[column] = day
    else:
        columns[column], columns[DAYS[shaped.table][column]] = instant, day


def to_instant(
    written: pl.Series, has_time: pl.Series, *, written_in: ZoneInfo, zone: ZoneInfo
) -> tuple[pl.Series, pl.Series, int]:
    """Instants in UTC, days in ``zone``, and how many times fell into a gap of the clock.

    A value without a time of day is a day of ``zone`` already, whatever zone times are
    written in. A time the clock skipped (start of summer time) is read one hour later;
    one it showed twice is taken as the first.
    """
    if isinstance(written.dtype, pl.Datetime) and written.dtype.time_zone is not None:
        return written, written.dt.convert_time_zone(zone.key).dt.date(), 0
    name = "written"
    frame = pl.DataFrame({name: written, "timed": has_time})

    def utc(zone_name: str, column: str = name) -> pl.Expr:
        local = pl.col(column).dt.replace_time_zone(zone_name, ambiguous="earliest", non_existent="null")
        return local.dt.convert_time_zone("UTC")

    def instants(zone_name: str) -> pl.Expr:
        return pl.coalesce(utc(zone_name), utc(zone_name, "later"))

    frame = frame.with_columns(later=pl.col(name) + pl.duration(hours=1))
    frame = frame.with_columns(
        instant=pl.when("timed").then(instants(written_in.key)).otherwise(instants(zone.key)),
        gap=pl.col("timed") & pl.col(name).is_not_null() & utc(written_in.key).is_null(),
    ).with_columns(
        day=pl.when("timed")
        .then(pl.col("instant").dt.convert_time_zone(zone.key).dt.date())
        .otherwise(pl.col(name).dt.date())
    )
    return frame["instant"], frame["day"], int(frame["gap"].sum())


def _complete_orders(columns: dict[str, pl.Series], shaped: Shaped, client: Client, lines: pl.Series) -> None:
    guests = [normalise.read_code(g) for g in client.policies.guest_ids]
    customer = columns["customer_id"]
    named_guest = customer.is_in(guests).fill_null(False)
    columns["customer_id"] = customer.set(named_guest, None)
    columns["__guest_id"] = named_guest
    if "revenue" not in columns:
        has_discount = "discount" in columns
        revenue = columns["quantity"] * columns["unit_price"]
        columns["revenue"] = revenue - columns["discount"].fill_null(0) if has_discount else revenue
        shaped.derived["revenue"] = "quantity × unit_price" + (" − discount" if has_discount else "")
    if "order_id" not in columns:
        columns["order_id"] = _order_ids(columns, shaped, lines)
        shaped.derived["order_id"] = "one order per customer and day"
    back = columns["revenue"] < 0
    if "quantity" in columns:
        back = back.fill_null(False) | (columns["quantity"] < 0)
    if "is_return" in columns:
        back = back.fill_null(False) | columns["is_return"].fill_null(False)
    columns["is_return"] = back.fill_null(False)


def _complete_sends(columns: dict[str, pl.Series], shaped: Shaped) -> None:
    every = pl.Series([None], dtype=pl.Float64).new_from_index(0, len(columns["sent_at"]))
    columns["step"] = columns.get("step", every).fill_null(1.0)
    if "arm" not in columns:
        columns["arm"] = every.cast(pl.String)
        shaped.derived["arm"] = "every line was sent: there is no column of arms"


def _order_ids(columns: dict[str, pl.Series], shaped: Shaped, lines: pl.Series) -> pl.Series:
    # A guest's lines cannot be put together to orders: each is its own.
    prefix = f"guest-{shaped.position}-{len(shaped.files) + 1}-"
    return (
        pl.DataFrame({"customer": columns["customer_id"], "day": columns["order_date"], LINE: lines})
        .select(
            pl.when(pl.col("day").is_not_null()).then(
                pl.coalesce(
                    pl.col("customer") + "|" + pl.col("day").cast(pl.String),
                    pl.lit(prefix) + pl.col(LINE).cast(pl.String),
                )
            )
        )
        .to_series()
    )


def _count_guests(done: pl.DataFrame, shaped: Shaped) -> None:
    nobody = done.filter(pl.col("customer_id").is_null())
    shaped.guests["guest_id"] += int(nobody["__guest_id"].sum())
    shaped.guests["blank_id"] += nobody.height - int(nobody["__guest_id"].sum())
