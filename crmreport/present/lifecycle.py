"""Chapter lifecycle: how many customers are on their way out, who left, and whom to approach now."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crmreport.analysis.approach import SecondPurchase, ValuableAtRisk
from crmreport.analysis.lifecycle import NO_PURCHASE, PERCENTILES, STATES, LifecycleFlows, LifecycleStates
from crmreport.analysis.purchase_gaps import PurchaseGaps
from crmreport.present.chart import Chart
from crmreport.present.finding import ActionList, Cell, Fact, Finding
from crmreport.present.heat_map import draw_heat_map
from crmreport.present.message import Message, Note
from crmreport.present.observation import unobserved
from crmreport.present.style import Style
from crmreport.present.table import Column, Table
from crmreport.present.text import Text
from crmreport.present.words import Words

_LATE = ("slipping", "dormant")
# A share that moves by less than this is called unchanged; with counts of all customers there is no
# sampling error to test, so the bound is one of relevance.
_SAME_POINTS = 0.01
_FEW = 5


def message(states: LifecycleStates, flows: LifecycleFlows) -> Message:
    """The chapter's heading: the share of customers on their way out, and how it moved in the year.

    The share is of customers not yet lapsed: the lapsed only ever pile up with the years.
    """
    now = _late_share(states.table.set_index("state")["customers"])
    before = _late_share(flows.at_start())
    if now is None:
        return _said("nothing" if states.n_customers else "nobody")
    if states.observed.is_preliminary or not flows.is_settled or before is None:
        return _said("first" if now else "none", share=now)
    if not now and not before:
        return _said("none")
    gap = now - before
    case = "same" if abs(gap) < _SAME_POINTS else "rises" if gap > 0 else "falls"
    return _said(case, share=now, gap=gap)


def _said(case: str, **values: Any) -> Message:
    return Message("lifecycle.message", Text(f"lifecycle.message.{case}", **values), Text("lifecycle.method"))


def _late_share(customers: pd.Series) -> float | None:
    late, present = _late(customers.rename("customers").to_frame())
    return late / present if present else None


def data_end(states: LifecycleStates) -> list[Note]:
    """What it means here that the data end before the period does; nothing when they do not."""
    if not states.observed.unobserved_days:
        return []
    return unobserved(states.observed, Text("observed.lifecycle", n=states.n_late_unobserved))


def note(year: LifecycleFlows, period: LifecycleFlows) -> Note:
    """Churn and win-back in one paragraph."""
    if not year.is_settled or year.churn_rate is None:
        return Note(Text("lifecycle.note.first", newly_lapsed=period.n_newly_lapsed, as_of=period.as_of))
    return Note(
        Text(
            "lifecycle.note.year",
            start=year.start,
            as_of=year.as_of,
            active=year.n_active_start,
            churned=year.n_churned,
            churn=year.churn_rate,
            lapsed=year.n_lapsed_start,
            won_back=year.n_won_back,
            newly_lapsed=period.n_newly_lapsed,
        )
    )


def states_chart(states: LifecycleStates, flows: LifecycleFlows) -> Chart:
    """Customers per state, now and a year ago."""
    now = states.table.set_index("state")["customers"]
    before = flows.at_start() if flows.is_settled else None

    def draw(ax: Any, words: Words, style: Style) -> None:
        places = np.arange(len(STATES))[::-1].astype(float)
        colours = [style.accent if s in _LATE else style.greys[1] for s in STATES]
        thick, shift = (0.42, 0.21) if before is not None else (0.62, 0.0)
        ax.barh(places + shift, now, height=thick, color=colours)
        _label_ends(ax, now, places + shift, words, weight="bold")
        if before is not None:
            ax.barh(places - shift, before, height=thick * 0.8, color=style.greys[3])
            _label_ends(ax, before, places - shift, words, weight="normal")
            for key, values, y in (("now", now, places[0] + shift), ("year_ago", before, places[0] - shift)):
                day = states.as_of if key == "now" else flows.start
                ax.annotate(
                    words.say(Text(f"lifecycle.states.{key}", day=day)),
                    (float(values.iloc[0]), y),
                    xytext=(40, 0),
                    textcoords="offset points",
                    va="center",
                    color=style.greys[0],
                )
        ax.set_yticks(places, [words.label(f"lifecycle.state.{s}") for s in STATES])
        ax.set_xlim(0, max(float(now.max()), float(before.max()) if before is not None else 0, 1) * 1.18)
        ax.xaxis.set_visible(False)
        ax.spines[["bottom", "left"]].set_visible(False)

    case = "compared" if before is not None else "first"
    return Chart(
        "lifecycle.states",
        draw,
        title=Text("lifecycle.states.title", late=int(now[list(_LATE)].sum())),
        subtitle=Text(f"lifecycle.states.subtitle.{case}"),
        note=Text("lifecycle.states.note", **_thresholds(states), n=states.n_customers, as_of=states.as_of),
        alt=Text("lifecycle.states.alt", **{s: int(now[s]) for s in STATES}),
        height=2.7 if before is not None else 1.9,
    )


def _label_ends(ax: Any, values: pd.Series, places: Any, words: Words, *, weight: str) -> None:
    for value, place in zip(values, places, strict=True):
        ax.annotate(
            words.format(value, "count"),
            (value, place),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontweight=weight,
        )


def states_table(states: LifecycleStates, flows: LifecycleFlows) -> Table:
    """Customers, share and revenue per state, beside a year ago."""
    frame = states.table.copy()
    before = flows.at_start() if flows.is_settled else None
    frame["customers_before"] = np.nan if before is None else frame["state"].map(before)
    compared = None if states.observed.is_preliminary else before
    frame["customers_change"] = np.nan if compared is None else frame["customers"] - frame["customers_before"]
    case = "compared" if before is not None else "first"
    return Table(
        "lifecycle.states",
        frame,
        (
            Column("state", "label:state"),
            Column("customers", "count"),
            Column("share", "pct", bar=True),
            Column("customers_before", "count"),
            Column("customers_change", "scount"),
            Column("revenue", "money"),
            Column("revenue_share", "pct"),
            Column("one_time", "count"),
        ),
        title=Text("lifecycle.states.table"),
        note=Text(
            f"lifecycle.states.table_note.{case}",
            **_thresholds(states),
            as_of=states.as_of,
            since=states.value_since,
            start=flows.start,
            n=states.n_customers,
        ),
        totals={
            "state": Text("lifecycle.total"),
            "customers": states.n_customers,
            "share": 1.0 if states.n_customers else None,
            "customers_before": None if before is None else int(before.sum()),
            "customers_change": None if compared is None else states.n_customers - int(compared.sum()),
            "revenue": float(frame["revenue"].sum()),
            "revenue_share": 1.0,
            "one_time": int(frame["one_time"].sum()),
        },
    )


def flows_chart(flows: LifecycleFlows) -> Chart:
    """Where the customers of a year ago are now, in % of each state."""
    shares = _matrix(flows, "share_of_from").drop(columns=NO_PURCHASE, errors="ignore").loc[list(STATES)]
    kept = shares.loc["active", ["new", "active"]].sum() if bool(shares.loc["active"].notna().any()) else None
    case = "kept" if kept is not None else "nobody"
    # Only a returned second purchase makes a customer new again.
    if not bool(shares["new"].any()):
        shares = shares.drop(columns="new")

    def draw(ax: Any, words: Words, style: Style) -> None:
        draw_heat_map(ax, shares, words, style, spec="pct", top=1.15)
        for side, states in ((ax.xaxis, shares.columns), (ax.yaxis, shares.index)):
            side.set_ticks(range(len(states)), [words.label(f"lifecycle.state.{s}") for s in states])
        ax.xaxis.tick_top()
        ax.xaxis.set_label_position("top")
        ax.set_xlabel(words.say(Text("lifecycle.flows.to", day=flows.as_of)))
        ax.set_ylabel(words.say(Text("lifecycle.flows.from", day=flows.start)))

    return Chart(
        "lifecycle.flows",
        draw,
        title=Text(f"lifecycle.flows.title.{case}", kept=kept),
        subtitle=Text("lifecycle.flows.subtitle", start=flows.start, as_of=flows.as_of),
        note=Text("lifecycle.flows.note", n=int(flows.at_start().sum())),
        alt=Text(f"lifecycle.flows.alt.{case}", kept=kept),
        height=2.7,
    )


def flows_table(flows: LifecycleFlows) -> Table:
    """Customers by state at the start and now."""
    counts = _matrix(flows, "customers")
    frame = counts.loc[[NO_PURCHASE, *STATES], list(STATES)].rename_axis("from_state").reset_index()
    frame["left"] = counts[NO_PURCHASE].fillna(0).to_numpy() if NO_PURCHASE in counts else 0
    frame["customers"] = frame[[*STATES, "left"]].sum(axis=1)
    names = [*STATES, "left"] if frame["left"].any() else list(STATES)
    return Table(
        "lifecycle.flows",
        frame,
        (
            Column("from_state", "label:state_from"),
            *(Column(n, "count", label=f"lifecycle.state.{n}") for n in names),
            Column("customers", "count", label="lifecycle.total"),
        ),
        title=Text("lifecycle.flows.table", start=flows.start, as_of=flows.as_of),
        note=Text("lifecycle.flows.table_note", start=flows.start, as_of=flows.as_of),
        totals={"from_state": Text("lifecycle.total")}
        | {n: int(frame[n].sum()) for n in [*names, "customers"]},
    )


def _matrix(flows: LifecycleFlows, column: str) -> pd.DataFrame:
    names = [NO_PURCHASE, *STATES]
    wide = flows.table.pivot(index="from_state", columns="to_state", values=column)
    return wide.reindex(index=names, columns=names)


def rates_table(states: LifecycleStates, year: LifecycleFlows, period: LifecycleFlows) -> Table:
    """Customers on their way out, churn, newly lapsed and win-back, over the year and over the period."""
    rows: list[tuple[Any, ...]] = [
        ("late", states.as_of, states.as_of, *_late(states.table.set_index("state")))
    ]
    if year.is_settled:
        then = year.at_start().rename("customers").to_frame()
        rows.append(("late", year.start, year.start, *_late(then)))
    # A period of one year is the year.
    spans = [period] if period.start == year.start or not year.is_settled else [year, period]
    for flows in spans:
        span = (flows.start, flows.as_of)
        if flows.churn_rate is not None:
            rows.append(("churn", *span, flows.n_churned, flows.n_active_start))
        rows.append(("newly_lapsed", *span, flows.n_newly_lapsed, flows.n_present_start))
        rows.append(("win_back", *span, flows.n_won_back, flows.n_lapsed_start))
    frame = pd.DataFrame(rows, columns=["measure", "start", "end", "part", "whole"])
    frame["rate"] = (frame["part"] / frame["whole"]).where(frame["whole"] > 0)
    order = ["late", "churn", "newly_lapsed", "win_back"]
    frame = frame.sort_values("measure", key=lambda m: m.map(order.index), kind="stable", ignore_index=True)
    return Table(
        "lifecycle.rates",
        frame,
        (
            Column("measure", "label:measure"),
            Column("start", "date"),
            Column("end", "date"),
            Column("part", "count"),
            Column("whole", "count"),
            Column("rate", "pct"),
        ),
        title=Text("lifecycle.rates.title"),
        note=Text("lifecycle.rates.note", as_of=period.as_of),
        key=("measure", "start"),
    )


def _late(by_state: pd.DataFrame) -> tuple[int, int]:
    customers = by_state["customers"]
    return int(customers[list(_LATE)].sum()), int(customers.drop("lapsed").sum())


def gaps_chart(gaps: PurchaseGaps, states: LifecycleStates) -> Chart:
    """How long customers wait for their next purchase, and where the thresholds lie on it."""
    days = {name: getattr(states.thresholds, name) for name in PERCENTILES}
    own = len(states.thresholds.from_gaps)
    case = "own" if own == 3 else "policy"

    def draw(ax: Any, words: Words, style: Style) -> None:
        end = max(days["lapsed_days"] * 1.15, 30)
        shown = gaps.table[gaps.table["gap_days"] <= end]
        x = [0, *shown["gap_days"], end]
        y = [0, *shown["cumulative_share"], shown["cumulative_share"].max() if len(shown) else 0]
        ax.step(x, y, where="post", color=style.greys[0])
        # Staggered: the thresholds of frequent buyers lie close together.
        for height, (name, day) in zip((0.04, 0.15, 0.26), days.items(), strict=True):
            reached = _share_by(gaps, day)
            ax.vlines(day, 0, reached, color=style.accent, linewidth=1.0)
            said = words.say(Text("lifecycle.gaps.mark", name=name, days=day, share=reached))
            ax.annotate(said, (day, height), xytext=(3, 0), textcoords="offset points", color=style.accent)
        ax.set_xlim(0, end * 1.12)
        ax.set_ylim(0, 1.03)
        ax.set_yticks([0, 0.5, 1.0], [words.format(v, "pct").replace(".0", "") for v in (0, 0.5, 1.0)])
        ax.set_xlabel(words.label("lifecycle.gaps.x"))

    return Chart(
        "lifecycle.gaps",
        draw,
        title=Text(
            "lifecycle.gaps.title", share=_share_by(gaps, days["slipping_days"]), days=days["slipping_days"]
        ),
        subtitle=Text("lifecycle.gaps.subtitle"),
        note=Text(
            f"lifecycle.gaps.note.{case}", gaps=gaps.n_gaps, customers=gaps.n_customers, as_of=gaps.as_of
        ),
        alt=Text(
            "lifecycle.gaps.alt", share=_share_by(gaps, days["slipping_days"]), days=days["slipping_days"]
        ),
        height=2.3,
    )


def _share_by(gaps: PurchaseGaps, day: int) -> float:
    reached = gaps.table.loc[gaps.table["gap_days"] <= day, "cumulative_share"]
    return float(reached.max()) if len(reached) else 0.0


def gaps(gaps: PurchaseGaps, states: LifecycleStates) -> list[Chart | Table | Note]:
    """Chart of the purchase gaps and the thresholds; a sentence where nobody has bought twice."""
    shown = gaps_chart(gaps, states) if gaps.n_gaps else Note(Text("lifecycle.gaps.none", as_of=gaps.as_of))
    return [shown, thresholds_table(gaps, states)]


def thresholds_table(gaps: PurchaseGaps, states: LifecycleStates) -> Table:
    """The thresholds and where they come from."""
    names = list(PERCENTILES)
    frame = pd.DataFrame(
        {
            "threshold": names,
            "days": [getattr(states.thresholds, name) for name in names],
            "origin": ["gaps" if n in states.thresholds.from_gaps else "policy" for n in names],
            "percentile": [PERCENTILES[name] / 100 for name in names],
            "gap_days": [gaps.percentile(PERCENTILES[n]) if gaps.n_gaps else None for n in names],
        }
    )
    return Table(
        "lifecycle.thresholds",
        frame,
        (
            Column("threshold", "label:threshold"),
            Column("days", "days"),
            Column("origin", "label:origin"),
            Column("gap_days", "days"),
            Column("percentile", "pct"),
        ),
        title=Text("lifecycle.thresholds.title"),
        note=Text(
            "lifecycle.thresholds.note", gaps=gaps.n_gaps, customers=gaps.n_customers, as_of=gaps.as_of
        ),
    )


def at_risk_table(at_risk: ValuableAtRisk) -> Table:
    """Good customers who are late, by state."""
    table = at_risk.table
    return Table(
        "lifecycle.at_risk",
        pd.concat([table, _sum_row(table)], ignore_index=True),
        (
            Column("state", "label:state"),
            Column("customers", "count"),
            Column("valuable_customers", "count"),
            Column("valuable_share", "pct"),
            Column("valuable_revenue", "money"),
        ),
        title=Text("lifecycle.at_risk.title", percent=at_risk.top_percent),
        note=Text(
            "lifecycle.at_risk.note",
            percent=at_risk.top_percent,
            cut=at_risk.cut,
            since=at_risk.value_since,
            as_of=at_risk.as_of,
        ),
    )


def _sum_row(table: pd.DataFrame) -> pd.DataFrame:
    sums = table[["customers", "valuable_customers", "valuable_revenue"]].sum()
    share = sums["valuable_customers"] / sums["customers"] if sums["customers"] else None
    return pd.DataFrame([{"state": "both", **sums.to_dict(), "valuable_share": share}])


def second_table(second: SecondPurchase) -> Table:
    """One-time buyers by how far they are from their best days."""
    return Table(
        "lifecycle.second",
        second.table.assign(
            from_day=[0, second.from_day, second.to_day + 1],
            to_day=[second.from_day - 1, second.to_day, np.nan],
            came_rate=[np.nan, np.nan if second.came_rate is None else second.came_rate, np.nan],
        ),
        (
            Column("phase", "label:phase"),
            Column("from_day", "days"),
            Column("to_day", "days"),
            Column("customers", "count"),
            Column("came_rate", "pct"),
            Column("expected_revenue", "money"),
        ),
        title=Text("lifecycle.second.title"),
        note=Text(
            "lifecycle.second.note",
            from_day=second.from_day,
            to_day=second.to_day,
            median=second.median_day,
            n_second=second.n_second,
            waiting=second.n_waiting,
            came=second.n_came,
            mean=second.mean_second_revenue,
            burn_in=second.burn_in_days,
            earlier=second.maybe_earlier,
            as_of=second.as_of,
        ),
    )


def second(second: SecondPurchase | None) -> list[Table]:
    """The table of the best days; none where nobody known to be new has bought twice."""
    return [] if second is None else [second_table(second)]


def findings(at_risk: ValuableAtRisk, second: SecondPurchase | None) -> list[Finding]:
    """Good customers who are late, and one-time buyers in their best days."""
    found = []
    if len(at_risk.customers) >= _FEW:
        sums = _sum_row(at_risk.table).iloc[0]
        each = at_risk.table.set_index("state")["valuable_customers"]
        found.append(
            Finding(
                "lifecycle.slipping_valuable",
                "warning",
                {
                    "customers": Fact(
                        int(sums["valuable_customers"]), _at_risk_cell("both", "valuable_customers")
                    ),
                    "revenue": Fact(
                        float(sums["valuable_revenue"]), _at_risk_cell("both", "valuable_revenue")
                    ),
                    "slipping": Fact(int(each["slipping"]), _at_risk_cell("slipping", "valuable_customers")),
                    "dormant": Fact(int(each["dormant"]), _at_risk_cell("dormant", "valuable_customers")),
                },
                "return_offer",
                money=float(sums["valuable_revenue"]),
                customers=ActionList(_listed(at_risk.customers, at_risk.customers["state"])),
            )
        )
    # A rate of two out of three is an anecdote, and a list of one customer no measure.
    enough = second is not None and min(len(second.customers), second.n_waiting) >= _FEW
    if second is not None and enough and second.came_rate is not None:
        row = ("now",)
        money = float(second.table.loc[second.table["phase"] == "now", "expected_revenue"].iloc[0])
        found.append(
            Finding(
                "lifecycle.one_time",
                "opportunity",
                {
                    "customers": Fact(len(second.customers), Cell("lifecycle.second", row, "customers")),
                    "rate": Fact(second.came_rate, Cell("lifecycle.second", row, "came_rate")),
                    "expected": Fact(money, Cell("lifecycle.second", row, "expected_revenue")),
                    "from_day": Fact(second.from_day, Cell("lifecycle.second", row, "from_day")),
                    "to_day": Fact(second.to_day, Cell("lifecycle.second", row, "to_day")),
                },
                "second_purchase_offer",
                money=money,
                customers=ActionList(_listed(second.customers, "one_time")),
            )
        )
    return found


def _at_risk_cell(state: str, column: str) -> Cell:
    return Cell("lifecycle.at_risk", (state,), column)


def _listed(customers: pd.DataFrame, reason: Any) -> pd.DataFrame:
    rows = customers.drop(columns="state", errors="ignore")
    rows.insert(1, "reason", reason)
    return rows


def _thresholds(states: LifecycleStates) -> dict[str, int]:
    return {
        "slipping_days": states.thresholds.slipping_days,
        "dormant_days": states.thresholds.dormant_days,
        "lapsed_days": states.thresholds.lapsed_days,
    }
