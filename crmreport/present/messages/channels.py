"""Chapter messages, channels side by side: what was sent, what came back, and what moved."""

from __future__ import annotations

from typing import Any, TypeGuard

import numpy as np
import pandas as pd

from crmreport.analysis.messages.message_response import MessageResponse
from crmreport.analysis.messages.response_changes import Leader, ResponseChanges
from crmreport.period import Period
from crmreport.present.chart import Chart
from crmreport.present.message import Note
from crmreport.present.style import Style
from crmreport.present.table import Column, Table
from crmreport.present.text import Text
from crmreport.present.words import Words

CHANGES = "messages.changes"
CHANNEL = "name:campaign_terms.channel"
PER = 1000
"""Unsubscribes are few: they are told per so many delivered messages."""
RATES = (
    Column("open_rate", "pct"),
    Column("click_rate", "pct"),
    Column("conversion_rate", "pct"),
    Column("unsubscribed_per", "num2"),
)
"""Response as every table of it prints it; see :func:`with_leavers`."""
_SHOWN = ("click_rate", "conversion_rate", "unsubscribe_rate")


def channels(response: MessageResponse, clicks: Leader | None, within: Period) -> list[Chart | Table | Note]:
    """Channels side by side over some months; a sentence where nothing was sent."""
    if response.by(within=within).empty:
        return [Note(Text("messages.nothing_sent", start=within.start, end=within.as_of))]
    return [
        channels_chart(response, clicks, within),
        channels_table(response, within),
        *_per_sent_said(response, within),
        per_sent_table(response, within),
    ]


def _per_sent_said(response: MessageResponse, within: Period) -> list[Note]:
    """How many purchases followed a thousand messages; nothing where their days are not over."""
    known = (response.by(within=within)["conversion_per_sent"] * PER).dropna()
    if known.empty:
        return []
    case = "one" if len(known) == 1 else "several"
    least, most = float(known.min()), float(known.max())
    return [Note(Text(f"messages.per_sent.said.{case}", per=PER, least=least, most=most))]


def this_period(response: MessageResponse, changes: ResponseChanges) -> list[Table | Note]:
    """The period against the one before, and its campaigns; a sentence where nothing was sent."""
    if changes.table.empty:
        return [Note(Text("messages.nothing_sent", start=changes.now.start, end=changes.now.as_of))]
    return [_changes_said(changes), changes_table(changes), campaigns_table(response, changes.now)]


def _changes_said(changes: ResponseChanges) -> Note:
    """Which rates clearly moved."""
    table = changes.table
    tests = int(table["p_value"].notna().sum())
    if not tests:
        return Note(Text("messages.changes.said.none"))
    moved = None
    for row in table[table["verdict"].isin(("higher", "lower"))].to_dict("records"):
        said = {"channel": row["channel"], "rate": row["rate"], "verdict": row["verdict"]}
        moved = (
            Text("messages.changes.one", **said)
            if moved is None
            else Text("messages.changes.and", before=moved, **said)
        )
    case = "alike" if moved is None else "moved"
    return Note(Text(f"messages.changes.said.{case}", moved=moved, tests=tests))


def channels_chart(response: MessageResponse, clicks: Leader | None, within: Period) -> Chart:
    """Clicks, conversions and unsubscribes per delivered message, by channel, with intervals."""
    table = response.by(within=within)
    order = table.sort_values(["click_rate", "sent"], ascending=[False, False], na_position="last")
    order = order.reset_index(drop=True)
    rates = order["click_rate"].dropna()
    case = "none" if rates.empty else "one" if len(rates) == 1 else "leads" if _clear(clicks) else "alike"
    shown = [rate for rate in _SHOWN if order[rate].notna().any()] or ["conversion_rate"]

    def draw(axes: Any, words: Words, style: Style) -> None:
        y = np.arange(len(order))[::-1]
        for i, (ax, rate) in enumerate(zip(np.atleast_1d(axes), shown, strict=True)):
            known = order[rate].notna().to_numpy()
            top = float(order.loc[known, f"{rate}_high"].max()) if known.any() else 1.0
            for at, (_, row) in zip(y[known], order[known].iterrows(), strict=True):
                told = rate == "click_rate" and _clear(clicks) and row["channel"] == clicks.channel
                colour = style.accent if told else style.greys[0]
                ax.hlines(at, row[f"{rate}_low"], row[f"{rate}_high"], color=colour, linewidth=1.6)
                hollow = rate == "conversion_rate" and bool(row["is_preliminary"])
                ax.plot(row[rate], at, "o", color=colour, markersize=5.5, mfc="white" if hollow else colour)
                few = rate == "unsubscribe_rate"
                said = words.format(row[rate] * PER, "num2") if few else words.format(row[rate], "pct")
                end = (row[f"{rate}_high"], at)
                ax.annotate(
                    said, end, xytext=(4, 0), textcoords="offset points", va="center", color=colour
                )  # fmt: skip
            for at in y[~known]:
                said = words.label("messages.chart.unknown")
                ax.annotate(
                    said, (0, at), xytext=(4, 0), textcoords="offset points", va="center",
                    color=style.greys[0],
                )  # fmt: skip
            ax.set_xlim(0, top * 1.45)
            ax.set_ylim(-0.6, len(order) - 0.4)
            ax.set_xticks([])
            ax.spines["bottom"].set_visible(False)
            names = [words.format(c, CHANNEL, area="messages") for c in order["channel"]]
            ax.set_yticks(y, names if i == 0 else [""] * len(order))
            ax.set_title(words.label(f"messages.measure.{rate}"), fontweight="normal")

    first = order.iloc[0]
    said = {"channel": first["channel"], "rate": first["click_rate"]}
    least = None if rates.empty else float(rates.min())
    return Chart(
        "messages.channels",
        draw,
        title=Text(f"messages.chart.title.{case}", **said, least=least),
        subtitle=Text("messages.chart.subtitle", start=within.start, end=within.as_of),
        note=Text("messages.chart.note", n=int(order["delivered"].sum()), days=response.conversion_days),
        alt=Text(f"messages.chart.alt.{case}", channels=len(order), **said, least=least),
        height=0.85 + 0.28 * len(order),
        panels=(1, len(shown)),
    )


def _clear(leader: Leader | None) -> TypeGuard[Leader]:
    return leader is not None and leader.clear


def channels_table(response: MessageResponse, within: Period) -> Table:
    """Every rate by channel, by its definition."""
    frame = with_leavers(response.by(within=within))
    frame = frame.sort_values(["sent", "channel"], ascending=[False, True], ignore_index=True)
    return Table(
        "messages.channels",
        frame,
        (
            Column("channel", CHANNEL),
            Column("sent", "count"),
            Column("delivered_rate", "pct"),
            *RATES,
            Column("ctor", "pct"),
            Column("machine_share", "pct"),
        ),
        title=Text("messages.channels.title"),
        note=Text(
            "messages.channels.note",
            start=within.start,
            end=within.as_of,
            days=response.conversion_days,
            last=response.followed_to,
            per=PER,
        ),
    )


def with_leavers(table: pd.DataFrame) -> pd.DataFrame:
    """The rates with unsubscribes per thousand delivered."""
    return table.assign(unsubscribed_per=table["unsubscribe_rate"] * PER)


def per_sent_table(response: MessageResponse, within: Period) -> Table:
    """What became of a thousand messages sent, channel beside channel."""
    frame = response.by(within=within).sort_values(["sent", "channel"], ascending=[False, True])
    frame = frame.reset_index(drop=True)
    for part in ("delivered", "opened", "clicked", "unsubscribed"):
        frame[f"{part}_of_sent"] = frame[part] / frame["sent"] * PER
    frame["converted_of_sent"] = frame["conversion_per_sent"] * PER
    shown = [f"{part}_of_sent" for part in ("delivered", "opened", "clicked", "converted", "unsubscribed")]
    frame = frame[["channel", "sent", *shown]]
    return Table(
        "messages.per_sent",
        frame,
        (
            Column("channel", CHANNEL),
            Column("sent", "count"),
            Column("delivered_of_sent", "num0"),
            Column("opened_of_sent", "num1"),
            Column("clicked_of_sent", "num1"),
            Column("converted_of_sent", "num1"),
            Column("unsubscribed_of_sent", "num2"),
        ),
        title=Text("messages.per_sent.title", per=PER),
        note=Text(
            "messages.per_sent.note",
            per=PER,
            days=response.conversion_days,
            start=within.start,
            end=within.as_of,
        ),
    )


def changes_table(changes: ResponseChanges) -> Table:
    """The rates against the period before, with a test; unsubscribes per thousand delivered."""
    told = changes.table[(changes.table["out_of"] > 0) | (changes.table["out_of_before"] > 0)]
    both = told[(told["out_of"] > 0) & (told["out_of_before"] > 0)]
    # A channel used in one of the two periods alone has no change: beside others it is a row of dashes.
    told = told if both.empty else both
    frame = told.sort_values(["channel", "rate"], ignore_index=True)
    few = frame["rate"] == "unsubscribe_rate"
    scaled = ["now", "before", "difference", "low", "high"]
    frame[scaled] = frame[scaled].astype("float64").mul(few.map({True: float(PER), False: 1.0}), axis=0)
    frame["spec"] = few.map({True: "num2", False: "pct"})
    frame["gap_spec"] = few.map({True: "snum2", False: "pt"})
    return Table(
        CHANGES,
        frame,
        (
            Column("channel", CHANNEL),
            Column("rate", "label:compared"),
            Column("out_of", "count"),
            Column("now", "row:spec"),
            Column("out_of_before", "count"),
            Column("before", "row:spec"),
            Column("difference", "row:gap_spec"),
            Column("low", "row:gap_spec"),
            Column("high", "row:gap_spec"),
            Column("verdict", "label:change"),
        ),
        title=Text("messages.changes.title"),
        note=Text(
            "messages.changes.note",
            start=changes.now.start,
            end=changes.now.as_of,
            before_start=changes.before.start,
            before_end=changes.before.as_of,
            tests=int(changes.table["p_value"].notna().sum()),
            per=PER,
        ),
        key=("channel", "rate"),
    )


def campaigns_table(response: MessageResponse, within: Period) -> Table:
    """The period's campaigns, largest first."""
    frame = with_leavers(response.by("campaign_id", within=within))
    frame = frame.sort_values(["sent", "campaign_id"], ascending=[False, True], ignore_index=True)
    return Table(
        "messages.campaigns",
        frame,
        (
            Column("campaign_id", "name:campaign_name"),
            Column("channel", CHANNEL),
            Column("sent", "count"),
            Column("delivered_rate", "pct"),
            *RATES,
        ),
        title=Text("messages.campaigns.title"),
        note=Text(
            "messages.campaigns.note", per=PER, days=response.conversion_days, last=response.followed_to
        ),
        key=("campaign_id", "channel"),
    )
