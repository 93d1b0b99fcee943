"""Chapter messages, channels side by side: what was sent, what came back, and what moved."""

from __future__ import annotations

from typing import Any, TypeGuard

import numpy as np
import pandas as pd

from crmreport.analysis.messages.message_response import MessageResponse
from crmreport.analysis.messages.response_changes import Leader, ResponseChanges
from crmreport.period import Period
from crmreport.present.chart import Chart
from crmreport.present.message import Message, Note
from crmreport.present.numbers import short_month
from crmreport.present.style import Style
from crmreport.present.table import Column, Table
from crmreport.present.text import Text
from crmreport.present.words import Words

CHANGES = "messages.changes"
CHANNEL = "name:campaign_terms.channel"
# A rate that fell by less than this share of itself is no headline, however sure the fall is.
_LEAST_FALL = 0.1
_SHOWN = ("click_rate", "conversion_rate", "unsubscribe_rate")
_TREND = ("click_rate", "conversion_rate")
PER = 1000
"""Unsubscribes are few: they are told per so many delivered messages."""


def message(
    changes: ResponseChanges, clicks: Leader | None, conversions: Leader | None, *, months: int
) -> Message:
    """The chapter's heading: a rate that clearly fell, else the channel that leads, else that none does.

    Args:
        changes: The period against the one before.
        clicks: The channel with most clicks over the last months.
        conversions: The channel with most purchases over the last months.
        months: How many months these are.
    """
    table = changes.table
    fell = table[(table["verdict"] == "lower") & table["rate"].isin(_TREND)]
    fell = fell[-fell["difference"] >= _LEAST_FALL * fell["before"]]
    if len(fell):
        worst = fell.assign(by=fell["difference"] / fell["before"]).sort_values("by").iloc[0]
        values = {"channel": worst["channel"], "rate": worst["rate"], "now": worst["now"]}
        return _said("fell", **values, gap=worst["difference"])
    leaders = {"click_rate": clicks, "conversion_rate": conversions}
    clear = {rate: leader for rate, leader in leaders.items() if leader is not None and leader.clear}
    if len(clear) == 2 and len({leader.channel for leader in clear.values()}) == 1:
        first, second = clear["click_rate"], clear["conversion_rate"]
        values = {"clicks": first.value, "bought": second.value, "months": months}
        return _said("leads_both", channel=first.channel, **values)
    for rate, leader in clear.items():
        return _said("leads", channel=leader.channel, rate=rate, now=leader.value, months=months)
    for rate, leader in leaders.items():
        if leader is not None and leader.n_channels == 1:
            return _said("one", channel=leader.channel, rate=rate, now=leader.value, months=months)
    return _said("alike" if clicks or conversions else "nothing", months=months)


def _said(case: str, **values: Any) -> Message:
    return Message("messages.message", Text(f"messages.message.{case}", **values), Text("messages.method"))


def no_effect(response: MessageResponse, within: Period) -> list[Note]:
    """That a response is no effect; and what the figures leave out, where there is anything."""
    notes = [Note(Text("messages.no_effect"))]
    table = response.by(within=within)
    opens, machine = table["opened"].sum(), table["machine_opened"].sum()
    if machine > 0:
        notes.append(Note(Text("messages.machine", share=machine / (opens + machine), n=int(machine))))
    if response.followed_to < response.as_of:
        notes.append(Note(Text("messages.data_end", last=response.followed_to)))
    if "other" in set(table["channel"]):
        sent = int(table.loc[table["channel"] == "other", "sent"].sum())
        notes.append(Note(Text("messages.undescribed", n=sent)))
    return notes


def channels(response: MessageResponse, clicks: Leader | None, within: Period) -> list[Chart | Table | Note]:
    """Channels side by side over some months; a sentence where nothing was sent."""
    if response.by(within=within).empty:
        return [Note(Text("messages.nothing_sent", start=within.start, end=within.as_of))]
    return [
        channels_chart(response, clicks, within),
        channels_table(response, within),
        per_sent_table(response, within),
    ]


def this_period(response: MessageResponse, changes: ResponseChanges) -> list[Table | Note]:
    """The period against the one before, and its campaigns; a sentence where nothing was sent."""
    if changes.table.empty:
        return [Note(Text("messages.nothing_sent", start=changes.now.start, end=changes.now.as_of))]
    return [changes_table(changes), campaigns_table(response, changes.now)]


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
        height=1.0 + 0.3 * len(order),
        panels=(1, len(shown)),
    )


def _clear(leader: Leader | None) -> TypeGuard[Leader]:
    return leader is not None and leader.clear


def channels_table(response: MessageResponse, within: Period) -> Table:
    """Every rate by channel, by its definition."""
    frame = _with_leavers(response.by(within=within))
    frame = frame.sort_values(["sent", "channel"], ascending=[False, True], ignore_index=True)
    return Table(
        "messages.channels",
        frame,
        (
            Column("channel", CHANNEL),
            Column("sent", "count"),
            Column("delivered_rate", "pct"),
            Column("open_rate", "pct"),
            Column("click_rate", "pct"),
            Column("conversion_rate", "pct"),
            Column("unsubscribed_per", "num2"),
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


def _with_leavers(table: pd.DataFrame) -> pd.DataFrame:
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
    frame = told.sort_values(["channel", "rate"], ignore_index=True)
    few = frame["rate"] == "unsubscribe_rate"
    scaled = ["now", "before", "difference", "low", "high"]
    frame[scaled] = frame[scaled].astype("float64").mul(few.map({True: float(PER), False: 1.0}), axis=0)
    frame["spec"] = few.map({True: "num2", False: "pct"})
    frame["gap_spec"] = few.map({True: "num2", False: "pt"})
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
    frame = _with_leavers(response.by("campaign_id", within=within))
    frame = frame.sort_values(["sent", "campaign_id"], ascending=[False, True], ignore_index=True)
    return Table(
        "messages.campaigns",
        frame,
        (
            Column("campaign_id", "name:campaign_name"),
            Column("channel", CHANNEL),
            Column("sent", "count"),
            Column("delivered_rate", "pct"),
            Column("open_rate", "pct"),
            Column("click_rate", "pct"),
            Column("conversion_rate", "pct"),
            Column("unsubscribed_per", "num2"),
        ),
        title=Text("messages.campaigns.title"),
        note=Text(
            "messages.campaigns.note", per=PER, days=response.conversion_days, last=response.followed_to
        ),
        key=("campaign_id", "channel"),
    )


def trend(response: MessageResponse, within: Period) -> list[Chart | Table]:
    """Chart and table of the months; nothing where there is only one."""
    table = response.by("month", within=within)
    return (
        [trend_chart(response, within), trend_table(response, within)] if table["month"].nunique() > 1 else []
    )


def trend_chart(response: MessageResponse, within: Period) -> Chart:
    """Clicks and conversions per delivered message by month of sending; one line per channel."""
    table = response.by("month", within=within)
    months = pd.date_range(table["month"].min(), table["month"].max(), freq="MS")
    drawn = [rate for rate in _TREND if table[rate].notna().any()] or ["conversion_rate"]
    largest = table.groupby("channel")["sent"].sum().sort_values(ascending=False).index.tolist()

    def draw(axes: Any, words: Words, style: Style) -> None:
        colours = [style.accent, style.ink, style.greys[0], style.greys[1]]
        marks = ["o", "s", "^", "D", "v", "P"]
        for ax, rate in zip(np.atleast_1d(axes), drawn, strict=True):
            lines = []
            for i, channel in enumerate(largest):
                rows = table[(table["channel"] == channel) & table[rate].notna()]
                if rows.empty:
                    continue
                x = [months.get_loc(m) for m in rows["month"]]
                colour, mark = colours[min(i, 3)], marks[i % len(marks)]
                ax.vlines(x, rows[f"{rate}_low"], rows[f"{rate}_high"], color=colour, linewidth=1.0)
                ax.plot(x, rows[rate], color=colour, linewidth=1.3)
                early = rows["is_preliminary"] & (rate == "conversion_rate")
                for at, value, hollow in zip(x, rows[rate], early, strict=True):
                    fill = "white" if hollow else colour
                    ax.plot(at, value, mark, color=colour, markersize=4.5, mfc=fill)
                lines.append((float(rows[rate].iloc[-1]), channel, colour, mark))
            top = float(table[f"{rate}_high"].where(table[rate].notna()).max())
            _name_lines(ax, lines, len(months) - 0.3, top, words)
            ax.set_ylim(0, top * 1.08)
            ax.set_xlim(-0.3, len(months) - 1 + 0.45 * len(months))
            ax.set_xticks(range(len(months)), [short_month(m, lang=words.lang) for m in months])
            step = _step(top)
            ticks = np.arange(0, top * 1.08, step)
            ax.set_yticks(ticks, [words.format(v, "pct") for v in ticks])
            ax.set_title(words.label(f"messages.measure.{rate}"), fontweight="normal")

    return Chart(
        "messages.trend",
        draw,
        title=Text("messages.trend.title"),
        subtitle=Text("messages.trend.subtitle", start=months[0], end=months[-1]),
        note=Text("messages.trend.note", n=int(table["delivered"].sum()), days=response.conversion_days),
        alt=Text("messages.trend.alt", channels=len(largest), months=len(months)),
        height=2.5,
        panels=(1, len(drawn)),
    )


def _name_lines(
    ax: Any, lines: list[tuple[float, str, str, str]], x: float, top: float, words: Words
) -> None:
    """Mark and name of each line at the right, in the order of the lines, none over another."""
    gap, at = top * 0.1, -1.0
    for value, channel, colour, mark in sorted(lines):
        at = max(value, at + gap)
        ax.plot(x, at, mark, color=colour, markersize=4.5)
        said = words.format(channel, CHANNEL, area="messages")
        ax.annotate(said, (x, at), xytext=(6, 0), textcoords="offset points", va="center")


def _step(top: float) -> float:
    """A round distance of ticks that gives three to five of them."""
    for step in (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2):
        if top / step <= 5:
            return step
    return 0.25


def trend_table(response: MessageResponse, within: Period) -> Table:
    """Rates by month and channel."""
    frame = _with_leavers(response.by("month", within=within))
    frame["state"] = frame["is_preliminary"].map({True: "preliminary", False: "final"})
    frame = frame.sort_values(["month", "channel"], ascending=[False, True], ignore_index=True)
    return Table(
        "messages.trend",
        frame,
        (
            Column("month", "month"),
            Column("channel", CHANNEL),
            Column("sent", "count"),
            Column("open_rate", "pct"),
            Column("click_rate", "pct"),
            Column("conversion_rate", "pct"),
            Column("unsubscribed_per", "num2"),
            Column("state", "label:state"),
        ),
        title=Text("messages.trend.table"),
        note=Text(
            "messages.trend.table_note", per=PER, days=response.conversion_days, last=response.followed_to
        ),
        key=("month", "channel"),
    )
