"""The one object a notebook holds: a client's data, period and way of showing things."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from crmreport.analysis.segments import SegmentMap
from crmreport.config import Client, Language, Policies
from crmreport.config_campaigns import Campaign
from crmreport.config_file import load_client
from crmreport.errors import ConfigError, DataError
from crmreport.intake import IntakeReport, Store, chosen_store, open_store
from crmreport.intake.snapshot import told_ages
from crmreport.period import Period
from crmreport.plan_file import PlannedTest, disagreements, load_assignment, load_planned, plan_path
from crmreport.present.finding import Finding
from crmreport.present.show import Shown, Thing
from crmreport.present.style import Style, legible
from crmreport.present.table import Table
from crmreport.present.words import LANGUAGES, VALUE, Words
from crmreport.segment_file import load_segments
from crmreport.workspace import Workspace

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

    from crmreport.analysis.campaign.plan import CampaignPlan

LISTS_VARIABLE = "CRMREPORT_LISTS"
STORE_VARIABLE = "CRMREPORT_STORE"
"""Content key of the data a run makes its report of: its chapters read these, whatever arrives meanwhile."""
# What chapters read of a send log, for a client that needs none.
_NO_SENDS = {
    **dict.fromkeys(("campaign_id", "customer_id", "arm"), "VARCHAR"),
    **{f"{what}_on": "DATE" for what in ("sent", "delivered", "opened", "clicked", "unsubscribed")},
}


@dataclass(frozen=True)
class Report:
    """A client's data for one period, and the words and colours to show it in.

    Made by :func:`open_report`. Frames are DuckDB relations over the canonical store:
    nothing is read before an analysis asks for it.
    """

    client: Client
    period: Period
    languages: tuple[str, ...]
    workspace: Workspace
    store: Store
    _connection: duckdb.DuckDBPyConnection = field(repr=False, compare=False)

    @property
    def as_of(self) -> date:
        """Last visible day."""
        return self.period.as_of

    @property
    def previous(self) -> Period:
        """The period of equal length before this one."""
        return self.period.previous()

    @property
    def year_ago(self) -> Period:
        """The same period a year earlier."""
        return self.period.year_ago()

    @property
    def policies(self) -> Policies:
        """The client's decisions that change what numbers mean."""
        return self.client.policies

    @property
    def axes(self) -> Mapping[str, list[str]]:
        """CTB axis → product columns."""
        return {str(axis): columns for axis, columns in self.client.axes.items()}

    @cached_property
    def segments(self) -> SegmentMap:
        """The client's RFM segment map."""
        return client_segments(self.client, self.workspace)

    @cached_property
    def campaigns(self) -> tuple[CampaignPlan, ...]:
        """The client's campaigns as planned, in order of their start; those still to come among them."""
        return client_campaigns(self.client, self.workspace, self.client.campaigns)

    def planned_assignment(self, campaign_id: str) -> pd.DataFrame | None:
        """Who was drawn for which arm before anything was sent: ``customer_id``, ``stratum``, ``arm``.

        Returns:
            None where the campaign was not drawn by ``crmreport plan-test``.

        Raises:
            DataError: The list is not there, or is not the one that was drawn.
        """
        return next((plan.drawn for plan in self.campaigns if plan.campaign_id == campaign_id), None)

    @property
    def intake(self) -> IntakeReport:
        """What was done to the client's files."""
        return self.store.report

    def has(self, table: str) -> bool:
        """Whether the client sent this table."""
        return table in self.store.tables

    @property
    def order_lines(self) -> duckdb.DuckDBPyRelation:
        """Order lines, one row each, all dates."""
        return self._table("order_lines")

    @property
    def customers(self) -> duckdb.DuckDBPyRelation:
        """Customers, one row each."""
        return self._table("customers")

    @property
    def products(self) -> duckdb.DuckDBPyRelation:
        """Products, one row each."""
        return self._table("products")

    @property
    def sends(self) -> duckdb.DuckDBPyRelation:
        """Sends, one row per customer, campaign and step, all dates; customers held out among them.

        No rows for a client without a send log whose campaigns all ran in some places, sent to nobody.
        """
        if not self.has("sends") and "sends" in self.client.may_lack:
            columns = ", ".join(f"NULL::{kind} AS {name}" for name, kind in _NO_SENDS.items())
            return self._connection.sql(f"SELECT {columns} LIMIT 0")
        return self._table("sends")

    @property
    def web_events(self) -> duckdb.DuckDBPyRelation:
        """Web events, one row each, all dates."""
        return self._table("web_events")

    def _table(self, name: str) -> duckdb.DuckDBPyRelation:
        if not self.has(name):
            raise DataError(
                f"client {self.client.client!r} has no table {name!r}; "
                f"add it under sources in client.yml, or leave this chapter out"
            )
        return self._connection.read_parquet(str(self.store.table(name)))

    @cached_property
    def words(self) -> tuple[Words, ...]:
        """One set of words per language, the reader's first."""
        return tuple(client_words(self.client, self.segments, lang) for lang in self.languages)  # type: ignore[arg-type]

    @cached_property
    def style(self) -> Style:
        """The client's colours, legible on paper."""
        return Style(accent=legible(self.client.brand.accent))

    def show(self, *things: Thing) -> Shown:
        """Show messages, charts, tables, notes and findings; the last line of a cell.

        Action lists of findings go to the folder named by ``CRMREPORT_LISTS``, when it is set.
        """
        for thing in things:
            if isinstance(thing, Finding) and thing.customers is not None:
                self._deliver(thing)
        if self.policies.mask_small_cells:
            things = tuple(thing.masked() if isinstance(thing, Table) else thing for thing in things)
        return Shown(things, self.words, self.style)

    def _deliver(self, finding: Finding) -> None:
        if not (folder := os.environ.get(LISTS_VARIABLE)):
            return
        assert finding.customers is not None
        rows = self._with_consent(finding.customers.customers)
        rows.to_parquet(Path(folder) / f"{finding.id}.parquet", index=False)

    def _with_consent(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Add the consent columns; a customer who is not in the master has given none."""
        # Imported here: whoever binds pages reads words from this module and opens no data.
        from crmreport.analysis.campaign.consent import CONSENTS

        if not self.has("customers"):
            return rows
        known = [c for c in CONSENTS.values() if c in self.customers.columns]
        consent = self.customers.select("customer_id", *known).df()
        joined = rows.merge(consent, on="customer_id", how="left", validate="many_to_one")
        for column in known:
            # A blank answer is none.
            joined[column] = joined[column].eq(True).fillna(False).astype("bool")
        return joined


def client_campaigns(
    client: Client, workspace: Workspace, campaigns: Iterable[Campaign]
) -> tuple[CampaignPlan, ...]:
    """Campaigns of the client file as planned, in order of their start, with the customers drawn for them.

    Raises:
        ConfigError: A plan cannot be read, or an entry contradicts it.
        DataError: The list of a plan is not there, or is not the one that was drawn.
    """
    folder, plans = workspace.client(client.client), []
    for campaign in campaigns:
        planned = None if campaign.plan is None else load_planned(folder / campaign.plan)
        plan = campaign_plan(campaign, client.policies, planned)
        if planned is not None:
            plan = replace(plan, drawn=load_assignment(plan_path(folder, campaign.id), planned))
        plans.append(plan)
    return tuple(sorted(plans, key=lambda plan: (plan.start, plan.campaign_id)))


def campaign_plan(campaign: Campaign, policies: Policies, planned: PlannedTest | None = None) -> CampaignPlan:
    """A campaign of the client file as analyses take it.

    Args:
        campaign: Its entry in the client file.
        policies: The client's; a campaign without a margin of its own has theirs.
        planned: Its plan, where customers were drawn for it: arms and customers are as drawn.

    Raises:
        ConfigError: Entry and plan speak of different campaigns or arms, or dates contradict each other.
    """
    # Imported here: whoever binds pages reads words from this module and computes no statistics.
    from crmreport.analysis.campaign.money import Costs
    from crmreport.analysis.campaign.plan import Area, CampaignPlan

    area = None
    if campaign.kind == "area":
        ((column, places),) = campaign.where.items()
        area = Area(column, tuple(places), tuple(campaign.donors or ()))
    arms = {name: arm.share for name, arm in campaign.arms.items()}
    if planned is not None:
        arms = _as_drawn(campaign, planned)
    return CampaignPlan(
        campaign_id=campaign.id,
        channel=campaign.channel,
        start=campaign.start,
        end=campaign.end,
        arms=arms,
        control=campaign.control,
        randomised=campaign.randomised,
        window_days=campaign.window_days,
        primary=campaign.primary,
        guardrails={str(metric): harm for metric, harm in campaign.guardrails.items()},
        costs=Costs(send=campaign.cost.send, coupon=campaign.cost.coupon, fixed=campaign.cost.fixed),
        margin_rate=policies.gross_margin_rate if campaign.margin_rate is None else campaign.margin_rate,
        kind=campaign.kind,
        planned_customers=planned.customers if planned is not None else campaign.planned_customers,
        follows=campaign.follows,
        conditioned_on=campaign.conditioned_on,
        area=area,
        permanent_holdout=campaign.permanent_holdout,
    )


def _as_drawn(campaign: Campaign, planned: PlannedTest) -> dict[str, float]:
    if fault := next(disagreements(campaign, planned), None):
        raise ConfigError(f"campaign {campaign.id!r}: {fault[1]}")
    return dict(planned.recipe.shares)


def client_segments(client: Client, workspace: Workspace) -> SegmentMap:
    """The client's RFM segment map, each segment named in each of its languages.

    Raises:
        ConfigError: The map is not usable, or a segment has no name in a language.
    """
    segments = load_segments(client.segments, folder=workspace.client(client.client))
    for lang in client.languages:
        words = client_words(client, segments, lang)
        for segment in segments.segments:
            if not words.has(f"segment.{segment}"):
                raise ConfigError(
                    f"clients/{client.client}/{client.segments}: segment {segment!r} has no name in "
                    f"{lang!r}; add names: {segment}: {{{lang}: …}}"
                )
    return segments


def client_words(client: Client, segments: SegmentMap, lang: Language) -> Words:
    """The words of one language, with the client's own names for its values, segments and campaigns."""
    own = {f"{VALUE}.{value}": said for value, said in client.names.get(lang, {}).items()}
    own |= {f"segment.{name}": said[lang] for name, said in segments.names.items() if lang in said}
    for campaign in client.campaigns:
        own |= campaign.words(lang)
    return Words(lang, currency=client.currency, own=own)


def open_report(client: str, period: str, lang: str = "ja") -> Report:
    """Open a client's data for a period.

    No database is asked: what its queries gave last is opened, and how old that is said on stderr.

    Args:
        client: The client's id, a folder in ``clients/``.
        period: ``2026-10``, ``2026-Q3``, ``FY2026`` or ``2026-04-01..2026-09-30``.
        lang: ``ja`` or ``en``; ``ja,en`` shows everything in both from one computation.

    Returns:
        The report; its frames are read only when asked for.

    Raises:
        ConfigError: The client, its file, the period or the language is not usable.
        DataError: The client's files cannot be read, or have no order in or around the period.
    """
    workspace = Workspace.find()
    settings = load_client(workspace.client_file(client), reports=False)
    languages = tuple(lang.split(","))
    for language in languages:
        if language not in LANGUAGES or language not in settings.languages:
            raise ConfigError(
                f"language {language!r} is not one of this client's: {', '.join(settings.languages)}; "
                f"choose one, or add it to languages in client.yml"
            )
    span = settings.period(period)
    if key := os.environ.get(STORE_VARIABLE):
        # In a run the data are of this hour, and a time in a chapter would make it another one each night.
        store = chosen_store(workspace, settings, key)
    else:
        for line in told_ages(workspace, settings, datetime.now(UTC)):
            print(line, file=sys.stderr)
        store = open_store(workspace, settings)
    store.report.require(span)
    return Report(
        client=settings,
        period=span,
        languages=languages,
        workspace=workspace,
        store=store,
        _connection=open_database(),
    )


def open_database() -> duckdb.DuckDBPyConnection:
    """A DuckDB connection of its own, that draws no progress bars."""
    # Imported here: whoever runs chapters reads a client's words from this module and opens no data.
    import duckdb

    connection = duckdb.connect()
    # A forked kernel has no terminal, but DuckDB takes it for one. In another kernel without ipywidgets
    # there is no bar, and DuckDB refuses to be told so.
    if connection.execute("SELECT current_setting('enable_progress_bar')").fetchall() == [(True,)]:
        connection.execute("SET enable_progress_bar = false")
    return connection
