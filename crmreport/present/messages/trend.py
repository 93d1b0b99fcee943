"""Chapter messages, the months: response by month of sending, channel by channel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crmreport.analysis.messages.message_response import MessageResponse
from crmreport.period import Period
from crmreport.present.chart import Chart
from crmreport.present.messages.channels import CHANNEL, PER, RATES, with_leavers
from crmreport.present.numbers import short_month
from crmreport.present.style import Style
from crmreport.present.table import Column, Table
from crmreport.present.text import Text
from crmreport.present.words import Words

_TREND = ("click_rate", "conversion_rate")


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
        title=_title(table[table["channel"] == largest[0]], str(largest[0])),
        subtitle=Text("messages.trend.subtitle", start=months[0], end=months[-1]),
        note=Text("messages.trend.note", n=int(table["delivered"].sum()), days=response.conversion_days),
        alt=Text("messages.trend.alt", channels=len(largest), months=len(months)),
        height=2.0,
        panels=(1, len(drawn)),
    )


def _title(rows: pd.DataFrame, channel: str) -> Text:
    """Between which rates the channel with most messages moved; no trend is claimed."""
    rate = next((name for name in _TREND if rows[name].notna().sum() > 1), None)
    if rate is None:
        return Text("messages.trend.chart_title.plain")
    said = {"least": float(rows[rate].min()), "most": float(rows[rate].max())}
    return Text("messages.trend.chart_title.range", channel=channel, rate=rate, **said)


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
    frame = with_leavers(response.by("month", within=within))
    frame["state"] = frame["is_preliminary"].map({True: "preliminary", False: "final"})
    frame = frame.sort_values(["month", "channel"], ascending=[False, True], ignore_index=True)
    return Table(
        "messages.trend",
        frame,
        (
            Column("month", "month"),
            Column("channel", CHANNEL),
            Column("sent", "count"),
            *RATES,
            Column("state", "label:state"),
        ),
        title=Text("messages.trend.table"),
        note=Text(
            "messages.trend.table_note", per=PER, days=response.conversion_days, last=response.followed_to
        ),
        key=("month", "channel"),
    )
