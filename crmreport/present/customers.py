"""Chapter customers: who buys, which group left the common trend, and what it costs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from crmreport.analysis.attributes import AGE_BANDS, REGIONS
from crmreport.analysis.ledger import LeftOut
from crmreport.analysis.profile import CustomerProfile
from crmreport.present.chart import Chart
from crmreport.present.finding import Cell, Fact, Finding
from crmreport.present.message import Message, Note
from crmreport.present.observation import unobserved
from crmreport.present.style import Style
from crmreport.present.table import Column, Table
from crmreport.present.text import Text
from crmreport.present.words import Words

Profiles = Mapping[str, CustomerProfile]

# Attributes with their own words; any other column is printed as the client names it.
_NAMED = ("region", "prefecture", "age_band", "sex", "join_year", "acquisition_source", "rank", "channel")
_ORDERED: dict[str, tuple[str, ...]] = {"age_band": AGE_BANDS, "region": tuple(REGIONS)}
_MOST_BARS = 12
_FACTS = (
    "revenue",
    "revenue_before",
    "revenue_change",
    "revenue_change_rate",
    "customers",
    "customers_before",
    "revenue_per_customer",
    "revenue_per_customer_before",
    "excess",
)


def message(profiles: Profiles) -> Message:
    """The chapter's heading: the group that slips, else the one that gains, else who carries the revenue."""
    if not profiles:
        return _said("nothing")
    if not (profiles := _telling(profiles)):
        return _said("unknown")
    if row := _worst(profiles):
        by, group = row
        return _said(f"slips.{_words_for(by)}", group=group["group"], rate=-group["revenue_change_rate"])
    if row := _best(profiles):
        by, group = row
        return _said(f"gains.{_words_for(by)}", group=group["group"], rate=group["revenue_change_rate"])
    by, profile = next(iter(profiles.items()))
    known = profile.table[profile.table["kind"] == "value"]
    case = "alike" if _is_compared(profile) else "first"
    top = known.iloc[0]
    return _said(f"{case}.{_words_for(by)}", group=top["group"], share=top["revenue_share"])


def _said(case: str, **values: Any) -> Message:
    return Message("customers.message", Text(f"customers.message.{case}", **values), Text("customers.method"))


def note(profiles: Profiles) -> Note:
    """What is judged, and how sure."""
    if not profiles:
        return Note(Text("customers.note.nothing"))
    if not (profiles := _telling(profiles)):
        return Note(Text("customers.note.unknown"))
    judged = [p for p in profiles.values() if _is_compared(p)]
    if not judged:
        return Note(Text(f"customers.note.{_uncompared(next(iter(profiles.values())))}"))
    tested = sum(p.n_groups_tested for p in judged)
    verdicts = pd.concat([p.table["verdict"] for p in judged])
    moved = int(verdicts.isin(["slips", "lags", "holds", "gains"]).sum())
    case = "moved" if moved else "alike"
    return Note(Text(f"customers.note.{case}", tested=tested, moved=moved, alike=tested - moved))


def data_end(profiles: Profiles) -> list[Note]:
    """Up to which day the data go, where that is before the period's end; none without an attribute."""
    shown = next(iter(_telling(profiles).values()), None)
    return [] if shown is None else unobserved(shown.observed, Text("observed.customers"))


def change_charts(profiles: Profiles) -> list[Chart]:
    """The chart of the attribute with the largest slip, else of the first; none without an attribute."""
    profiles = _telling(profiles)
    return [change_chart(profiles)] if profiles else []


def change_chart(profiles: Profiles, *, by: str = "") -> Chart:
    """Revenue per group beside a year ago, and what the common trend does not explain, with intervals.

    Args:
        profiles: Profiles by attribute.
        by: Attribute to draw; the one with the largest slip, else the first, when empty.
    """
    by = by or _drawn(profiles)
    profile = profiles[by]
    compared = _is_compared(profile)
    rows = _drawn_rows(profile)
    worst = _worst({by: profile})
    case = f"slips.{_words_for(by)}" if worst else f"alike.{_words_for(by)}" if compared else "first"
    values = {"group": worst[1]["group"], "shortfall": -worst[1]["excess"]} if worst else {}

    def draw(axes: Any, words: Words, style: Style) -> None:
        names = [_name(by, g, words) for g in rows["group"]]
        bars = axes[0] if compared else axes
        _draw_revenue(bars, rows, names, words, style, compared=compared)
        if compared:
            _draw_excess(axes[1], rows, words, style)

    return Chart(
        "customers.change",
        draw,
        title=Text(f"customers.change.title.{case}", **values),
        subtitle=Text(
            "customers.change.subtitle.compared" if compared else "customers.change.subtitle.first"
        ),
        note=Text("customers.change.note", **_window(profile), n=int(profile.totals["customers"])),
        alt=Text(f"customers.change.alt.{case}", **values, groups=len(rows)),
        height=max(1.8, 0.55 + 0.19 * len(rows)),
        panels=(1, 2) if compared else (1, 1),
    )


def _draw_revenue(
    ax: Any, rows: pd.DataFrame, names: list[str], words: Words, style: Style, *, compared: bool
) -> None:
    places = np.arange(len(rows))[::-1]
    slips = rows["verdict"].eq("slips").to_numpy()
    colours = [style.accent if hit else style.greys[2] for hit in slips]
    ax.barh(places, rows["revenue"].clip(lower=0), height=0.62, color=colours)
    if compared:
        before = rows["revenue_before"]
        ax.vlines(before, places - 0.4, places + 0.4, color=style.ink, linewidth=1.4)
        ends = np.maximum(rows["revenue"], before)
        labels = [words.format(rate, "spct") for rate in rows["revenue_change_rate"]]
    else:
        ends = rows["revenue"]
        labels = [words.format(share, "pct") for share in rows["revenue_share"]]
    for place, end, label, hit in zip(places, ends, labels, slips, strict=True):
        weight = "bold" if hit else "normal"
        ax.annotate(
            label, (end, place), xytext=(4, 0), textcoords="offset points", va="center", fontweight=weight
        )
    ax.set_yticks(places, names)
    for tick, hit in zip(ax.get_yticklabels(), slips, strict=True):
        tick.set_fontweight("bold" if hit else "normal")
    ax.set_xlim(0, max(float(np.max(ends)), 1) * 1.24)
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.xaxis.set_visible(False)
    ax.spines[["bottom", "left"]].set_visible(False)
    ax.set_title(words.label("customers.change.left.compared" if compared else "customers.change.left.first"))


def _draw_excess(ax: Any, rows: pd.DataFrame, words: Words, style: Style) -> None:
    places = np.arange(len(rows))[::-1]
    ax.axvline(0, color=style.ink, linewidth=0.8)
    for place, row in zip(places, rows.to_dict("records"), strict=True):
        if pd.isna(row["excess"]) or row["kind"] == "unknown":
            continue
        colour = style.accent if row["verdict"] == "slips" else style.greys[0]
        ax.hlines(place, row["excess_low"], row["excess_high"], color=colour, linewidth=1.6)
        ax.plot(row["excess"], place, "o", color=colour, markersize=4.5)
        if row["verdict"] == "slips":
            label = words.format(row["excess"], "smoney")
            ax.annotate(
                label,
                (max(row["excess_high"], 0), place),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                color=colour,
                fontweight="bold",
            )
    ax.set_yticks([])
    ax.set_ylim(-0.6, len(rows) - 0.4)
    reach = float(np.nanmax(np.abs(rows[["excess_low", "excess_high"]].to_numpy(dtype=float)))) or 1
    ax.set_xlim(-reach * 1.05, reach * 1.05)
    step = next(
        k * 10 ** np.floor(np.log10(reach)) for k in (5, 2, 1) if k * 10 ** np.floor(np.log10(reach)) <= reach
    )
    ax.set_xticks([-step, 0, step], [words.format(-step, "smoney"), "0", words.format(step, "smoney")])
    ax.spines[["bottom", "left"]].set_visible(False)
    ax.set_title(words.label("customers.change.right"))


def _drawn(profiles: Profiles) -> str:
    worst = _worst(profiles)
    return worst[0] if worst else next(iter(profiles))


def _drawn_rows(profile: CustomerProfile) -> pd.DataFrame:
    table = profile.table
    rows = table if len(table) <= _MOST_BARS else table[table["kind"] == "value"].head(_MOST_BARS)
    return _in_order(profile.by, rows)


def tables(profiles: Profiles, *, left_out: LeftOut, ranks: Sequence[str] = ()) -> list[Table]:
    """One table per attribute that has a group of its own beside “unknown” and “other”.

    Args:
        profiles: Profiles by attribute.
        left_out: Lines of the window nobody can be asked about.
        ranks: Member ranks, lowest first.
    """
    shown: list[Table] = []
    full: dict[str, Text] = {}
    for by, profile in _telling(profiles).items():
        case, title = _case(by, profile), Text("customers.table.title", by=_per(by))
        # A wall of the same small print is not read: it stands once.
        first = full.get(case) or (full.get("compared") if case == "made_by_buying" else None)
        if first is None:
            full[case] = title
            note = Text(
                f"customers.table.note.{case}",
                **_window(profile),
                n=int(profile.totals["customers"]),
                pooled=_pooled(profile),
                guests=left_out.n_guest_lines,
                guest_revenue=left_out.guest_revenue,
            )
        else:
            note = Text(f"customers.table.again.{case}", first=first, pooled=_pooled(profile))
        shown.append(_table(by, profile, ranks, title=title, note=note))
    return shown


def _case(by: str, profile: CustomerProfile) -> str:
    if _is_compared(profile):
        return "compared"
    return "made_by_buying" if by in ("rank", "join_year", "channel") else _uncompared(profile)


def _uncompared(profile: CustomerProfile) -> str:
    """Why nothing is compared: the data end too early, or begin too late."""
    return "preliminary" if profile.observed.is_preliminary else "first"


def _table(by: str, profile: CustomerProfile, ranks: Sequence[str], *, title: Text, note: Text) -> Table:
    compared = _is_compared(profile)
    columns = [
        Column("group", f"name:{by}", label=_heading(by)),
        Column("customers", "count"),
        Column("customer_share", "pct"),
        Column("revenue", "money"),
        Column("revenue_share", "pct", bar=True),
        Column("revenue_per_customer", "money"),
        Column("purchases_per_customer", "num1"),
    ]
    totals = profile.totals
    total_row = {
        "group": Text("customers.total"),
        "customers": totals["customers"],
        "customer_share": 1.0,
        "revenue": totals["revenue"],
        "revenue_share": 1.0,
        "revenue_per_customer": totals["revenue"] / totals["customers"] if totals["customers"] else None,
        "purchases_per_customer": totals["purchases"] / totals["customers"] if totals["customers"] else None,
    }
    if compared:
        columns += [Column("revenue_change_rate", "spct"), Column("verdict", "label:verdict")]
        total_row["revenue_change_rate"] = totals["revenue_change"] / totals["revenue_before"]
        total_row["verdict"] = None
    return Table(
        f"customers.{_slug(by)}",
        _in_order(by, profile.table, ranks),
        tuple(columns),
        title=title,
        note=note,
        totals=total_row,
        max_rows=14,
    )


def split_tables(profiles: Profiles) -> list[Table]:
    """The change of the drawn attribute, split into customers and spend; none when nothing is compared."""
    profiles = _telling(profiles)
    if not profiles or not _is_compared(profiles[_drawn(profiles)]):
        return []
    by = _drawn(profiles)
    profile = profiles[by]
    names = (
        "revenue_before",
        "revenue",
        "revenue_change",
        "change_from_customers",
        "change_from_spend",
        "excess",
    )
    specs = ("money", "money", "smoney", "smoney", "smoney", "smoney")
    frame = _in_order(by, profile.table)
    total_row: dict[str, Any] = {name: float(frame[name].sum()) for name in names[:5]}
    total_row |= {"group": Text("customers.total"), "excess": None}
    table = Table(
        "customers.split",
        frame,
        (
            Column("group", f"name:{by}", label=_heading(by)),
            *(Column(name, spec) for name, spec in zip(names, specs, strict=True)),
        ),
        title=Text("customers.split.title", by=_per(by)),
        note=Text("customers.split.note", **_window(profile)),
        totals=total_row,
        max_rows=14,
    )
    return [table]


def findings(profiles: Profiles) -> list[Finding]:
    """The largest slip of each attribute that has one; the region's is its own finding."""
    found = []
    for by, profile in profiles.items():
        if not (worst := _worst({by: profile})):
            continue
        row, table, key = worst[1], f"customers.{_slug(by)}", (worst[1]["group"],)
        facts = {name: Fact(row[name], Cell(table, key, name)) for name in _FACTS}
        facts["group"] = Fact(row["group"])
        fewer = abs(row["change_from_customers"]) >= abs(row["change_from_spend"])
        case = "fewer_customers" if fewer else "less_spend"
        found.append(
            Finding(
                "customers.region_slip" if by == "region" else "customers.group_slip",
                "warning",
                facts,
                "region_check" if by == "region" else "win_back",
                money=-row["excess"],
                case=case if by == "region" else _words_for(by),
            )
        )
    # One group_slip at most: the record is kept under its id.
    others = sorted((f for f in found if f.id == "customers.group_slip"), key=lambda f: -(f.money or 0))
    return [f for f in found if f.id == "customers.region_slip"] + others[:1]


def _worst(profiles: Profiles) -> tuple[str, dict[str, Any]] | None:
    return _extreme(profiles, "slips", "revenue_change", largest=False)


def _best(profiles: Profiles) -> tuple[str, dict[str, Any]] | None:
    return _extreme(profiles, "gains", "excess", largest=True)


def _extreme(
    profiles: Profiles, verdict: str, column: str, *, largest: bool
) -> tuple[str, dict[str, Any]] | None:
    rows = [
        (by, row)
        for by, profile in profiles.items()
        for row in profile.table[
            (profile.table["verdict"] == verdict) & (profile.table["kind"] == "value")
        ].to_dict("records")
    ]
    if not rows:
        return None
    pick = max if largest else min
    by, row = pick(rows, key=lambda item: item[1][column])
    return by, {str(name): value for name, value in row.items()}


def _telling(profiles: Profiles) -> Profiles:
    # Where all customers are unknown or in groups too small to show, a table has nothing to say.
    return {by: profile for by, profile in profiles.items() if (profile.table["kind"] == "value").any()}


def _is_compared(profile: CustomerProfile) -> bool:
    return profile.before is not None and profile.totals["revenue_before"] > 0


def _pooled(profile: CustomerProfile) -> Text:
    case = "some" if profile.n_pooled else "none"
    return Text(f"customers.pooled.{case}", groups=profile.n_pooled, support=profile.support)


def _in_order(by: str, rows: pd.DataFrame, ranks: Sequence[str] = ()) -> pd.DataFrame:
    """Ages, regions and ranks in their own order, years newest first, everything else by revenue."""
    last = rows["kind"].map({"value": 0, "other": 1, "unknown": 2})
    known = [*ranks[::-1]] if by == "rank" else [*_ORDERED.get(by, ())]
    if rows["group"].isin(known).any():
        place = rows["group"].map({name: number for number, name in enumerate(known)}).fillna(len(known))
    elif by == "age_band":
        # Bands of the client's own: 19-24, 25-34 …
        place = rows["group"].rank()
    elif by == "join_year":
        place = -pd.to_numeric(rows["group"], errors="coerce")
    else:
        place = pd.Series(range(len(rows)), index=rows.index)
    order = pd.DataFrame({"last": last, "place": place.fillna(0)}).sort_values(
        ["last", "place"], kind="stable"
    )
    return rows.loc[order.index].reset_index(drop=True)


def _name(by: str, group: str, words: Words) -> str:
    return words.format(group, f"name:{by}", area="customers")


def _words_for(by: str) -> str:
    return by if by in ("region", "age_band", "sex") else "other"


def _per(by: str) -> Text:
    return Text(f"customers.per.{by}") if by in _NAMED else Text("customers.per.custom", column=by)


def _heading(by: str) -> str:
    return f"customers.by.{by}" if by in _NAMED else "customers.by.custom"


def _slug(by: str) -> str:
    # A client's own column may have any name; the id becomes a file's name.
    return "by_" + (re.sub(r"[^a-z0-9_]+", "_", by.lower()).strip("_") or "custom")


def _window(profile: CustomerProfile) -> dict[str, Any]:
    before = profile.before or (None, None)
    return {
        "start": profile.start,
        "as_of": profile.as_of,
        "before_start": before[0],
        "before_end": before[1],
        "confidence": 100 * profile.confidence,
    }
