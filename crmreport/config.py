"""The client file: who the client is, where the data lies, and which rules its numbers follow."""

from __future__ import annotations

import hashlib
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from crmreport.config_campaigns import Campaign, Rate
from crmreport.config_query import query_fault
from crmreport.period import Period

Language = Literal["ja", "en"]
TableName = Literal["order_lines", "customers", "products", "sends", "web_events"]
AxisName = Literal["category", "taste", "brand"]


@cache
def _zones() -> frozenset[str]:
    # Walks the whole zone database; a night's clients ask for it a hundred times.
    return frozenset(available_timezones())


def _known_zone(name: str) -> str:
    if name not in _zones():
        raise ValueError("not a time zone; use a name such as Asia/Tokyo")
    return name


def _each_once(items: list[str]) -> list[str]:
    for item in items:
        if items.count(item) > 1:
            raise ValueError(f"{item!r} is listed twice; remove one")
    return items


SHORTEST_CANARY = 8
"""Characters; a shorter word may stand in anybody's data."""
MAIL_ADDRESS = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"
MONTH = r"^[12]\d{3}-(0[1-9]|1[0-2])$"
Slug = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,64}$")]
Month = Annotated[str, Field(pattern=MONTH)]
ZoneName = Annotated[str, AfterValidator(_known_zone)]
Words = dict[Language, str]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Brand(_Strict):
    """How the client's reports look: one accent colour and a logo."""

    accent: Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")] = "#8a1c4a"
    logo: str | None = None


class Rule(_Strict):
    """A named reason to leave source lines out: ``column`` is a source header.

    Lines whose (normalised) value is in ``exclude``, or is not in ``keep``, are
    left out and counted under ``name``.
    """

    name: str
    column: str
    exclude: list[str] | None = None
    keep: list[str] | None = None

    @model_validator(mode="after")
    def _one_list(self) -> Self:
        if (self.exclude is None) == (self.keep is None):
            raise ValueError(f"rule {self.name!r} needs exclude: or keep:, and only one of them")
        return self


def _one_query(query: str) -> str:
    if fault := query_fault(query):
        raise ValueError(fault)
    return query


_OF_FILES = (
    "format",
    "encoding",
    "delimiter",
    "sheet",
    "header_row",
    "totals_row",
    "ragged_rows",
    "password",
)


class Source(_Strict):
    """One file, glob or query that feeds a canonical table."""

    path: str | None = None
    query: Annotated[str, AfterValidator(_one_query)] | None = None
    """One SELECT; its columns are the source's headers."""
    connection: str | None = None
    """Of a query: ``${ENV_NAME}`` in the file, and kept so; its value, an address such as
    ``postgresql://user:password@host/base``, is read when the database is asked."""
    format: Literal["auto", "csv", "excel", "parquet"] = "auto"
    encoding: str = "auto"
    delimiter: str = "auto"
    sheet: str | int = 0
    header_row: Annotated[int, Field(ge=1)] = 1
    totals_row: Literal["refuse", "drop"] = "refuse"
    ragged_rows: Literal["refuse", "quarantine"] = "refuse"
    """Lines with too few or too many fields: stop, or set them aside with the other unreadable lines."""
    columns: dict[str, str]
    constants: dict[str, str] = {}
    codes: dict[str, dict[str, str]] = {}
    rules: list[Rule] = []
    date_order: Literal["ymd", "mdy", "dmy"] = "ymd"
    timezone: ZoneName | None = None
    """Zone of times written without one; the client's zone when not given."""
    password: Annotated[str | None, Field(repr=False)] = None
    """Opens a protected workbook; in the file always ``${ENV_NAME}``."""

    @model_validator(mode="after")
    def _file_or_query(self) -> Self:
        if self.path is not None:
            if self.query is not None or self.connection is not None:
                raise ValueError("has path: and query: or connection:; a source is a file or a query")
        elif self.query is None or self.connection is None:
            raise ValueError("needs path:, or query: and connection: ${ENV_NAME}")
        elif given := [key for key in _OF_FILES if key in self.model_fields_set]:
            raise ValueError(f"{given[0]}: is said of files, and this is a query; take it out")
        return self

    @property
    def variable(self) -> str | None:
        """The environment variable that holds the database's address; None for files."""
        return self.connection[2:-1] if self.connection is not None else None

    @property
    def named(self) -> str:
        """What messages and reports call it: its path, or its variable and the digest of its query."""
        if self.path is not None:
            return self.path
        assert self.query is not None
        digest = hashlib.sha256(self.query.strip().encode()).hexdigest()
        return f"{self.variable} query {digest[:8]}"


class Lifecycle(_Strict):
    """Days since the last purchase at which a customer is slipping / dormant / lapsed.

    Left out, they are the 80th, 90th and 95th percentile of the customers' own purchase gaps.
    """

    slipping_days: Annotated[int, Field(ge=1)] | None = None
    dormant_days: Annotated[int, Field(ge=1)] | None = None
    lapsed_days: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _rising(self) -> Self:
        given = [d for d in (self.slipping_days, self.dormant_days, self.lapsed_days) if d is not None]
        if given != sorted(set(given)):
            raise ValueError(f"days should rise from slipping to dormant to lapsed, not {given}")
        return self


class Policies(_Strict):
    """Decisions that change what the numbers mean; printed in every report."""

    revenue: Literal["tax_included", "tax_excluded"] = "tax_included"
    points: Literal["ignored", "discount", "tender"] = "ignored"
    shipping: Literal["excluded", "included"] = "excluded"
    purchase_unit: Literal["customer_day", "order"] = "customer_day"
    look_back_months: Annotated[int, Field(ge=1)] | None = None
    zero_value_lines_count: bool = False
    guest_ids: list[str] = []
    lifecycle: Lifecycle = Lifecycle()
    gross_margin_rate: Rate | None = None
    quarantine_limit: Annotated[float, Field(ge=0, le=1)] = 0.01
    mask_small_cells: bool = False
    minimum_support: Annotated[int, Field(ge=1)] = 30
    conflict_precedence: Literal["first", "last"] = "last"


class ControlTotal(_Strict):
    """What the client's own books say for a stretch of time."""

    period: str
    revenue: Decimal
    tolerance: Decimal = Decimal("0.5")


class ReportPlan(_Strict):
    """An ordered list of chapters, with the parameters this client changes."""

    title: Words = {}
    chapters: Annotated[list[str], Field(min_length=1), AfterValidator(_each_once)]
    parameters: dict[str, dict[str, Any]] = {}


Attachment = Literal["pdf", "html", "workbook", "lists"]


def _no_address_twice(addresses: list[str]) -> list[str]:
    _each_once([address.casefold() for address in addresses])
    return addresses


MailAddress = Annotated[str, Field(max_length=254, pattern=MAIL_ADDRESS)]


class Delivery(_Strict):
    """Where finished reports of this client go: by e-mail, or to one service that apprise knows."""

    via: Literal["email", "apprise"]
    to: Annotated[list[MailAddress], AfterValidator(_no_address_twice)] = []
    url: Annotated[str | None, Field(repr=False)] = None
    """In the file always ``${ENV_NAME}``, and kept so: the variable is read when something is sent."""
    languages: Annotated[list[Language], Field(min_length=1), AfterValidator(_each_once)] | None = None
    """Those of the report when not given."""
    reports: Annotated[list[Slug], Field(min_length=1), AfterValidator(_each_once)] | None = None
    """All when not given."""
    attach: Annotated[list[Attachment], AfterValidator(_each_once)] = ["pdf"]
    """Lists hold customer ids and go nowhere unless they are named here."""
    max_mb: Annotated[int, Field(ge=1, le=150)] = 20
    """Largest message, attachments as they travel."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.via == "email" and (not self.to or self.url is not None):
            raise ValueError("via: email needs to: with at least one address, and no url:")
        if self.via == "apprise" and (self.to or self.url is None):
            raise ValueError("via: apprise needs url: ${ENV_NAME}, and no to:")
        return self


class Schedule(_Strict):
    """Which months' reports are made without anyone naming them (``crmreport run --period due``)."""

    since: Month | None = None
    """First month to make; when not given, only the last complete one is looked at."""
    reports: Annotated[list[Slug], AfterValidator(_each_once)] | None = None
    """The first under ``reports:`` when not given; an empty list leaves the client out."""
    wait_days: Annotated[int, Field(ge=1, le=90)] = 1
    """A month is due so many days after its last day, in the client's time zone; 1 is the day after."""
    catch_up: Annotated[int, Field(ge=1, le=120)] = 12
    """Months looked back at most; older ones are made only when they are named."""


class Client(_Strict):
    """One client, as written in ``clients/<id>/client.yml``."""

    client: Slug
    name: Words
    languages: Annotated[list[Language], Field(min_length=1), AfterValidator(_each_once)] = ["ja", "en"]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "JPY"
    timezone: ZoneName = "Asia/Tokyo"
    fiscal_year_start: Annotated[int, Field(ge=1, le=12)] = 4
    brand: Brand = Brand()
    footer: Words = {}
    prepared_by: Words = {}
    sources: dict[TableName, Annotated[list[Source], Field(min_length=1)]]
    policies: Policies = Policies()
    axes: dict[AxisName, list[str]] = {}
    """CTB axis → product columns of the canonical table (several per axis)."""
    ranks: Annotated[list[str], AfterValidator(_each_once)] = []
    names: dict[Language, dict[str, Annotated[str, Field(min_length=1, max_length=80)]]] = {}
    """Language → value of the data → what reports in that language call it: stores, ranks, categories."""
    segments: str = "standard"
    """Name of a preset, or a YAML file beside client.yml."""
    control_totals: list[ControlTotal] = []
    targets: dict[str, float] = {}
    campaigns: list[Campaign] = []
    reports: Annotated[dict[Slug, ReportPlan], Field(min_length=1)]
    delivery: list[Delivery] = []
    schedule: Schedule = Schedule()
    canary: Annotated[str, Field(min_length=SHORTEST_CANARY)] | None = None
    """A word planted in this client's data (a test customer's name, say). A report of any other client
    that holds it is not published."""

    @field_validator("sources")
    @classmethod
    def _order_lines_given(cls, sources: dict[str, Any]) -> dict[str, Any]:
        if "order_lines" not in sources:
            raise ValueError("order_lines is missing; it is the one table every report needs")
        return sources

    @model_validator(mode="after")
    def _said_in_every_language(self) -> Self:
        titles = {f"reports.{name}.title": plan.title for name, plan in self.reports.items()}
        optional = {"footer": self.footer, "prepared_by": self.prepared_by, **titles}
        said = {"name": self.name, **{key: words for key, words in optional.items() if words}}
        for key, words in said.items():
            for language in self.languages:
                if not words.get(language, "").strip():
                    raise ValueError(f"{key} is not given in {language!r}; add {key}.{language}")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The client's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def scheduled_reports(self) -> list[str]:
        """Reports made every month, by the schedule."""
        given = self.schedule.reports
        return [next(iter(self.reports))] if given is None else given

    @property
    def may_lack(self) -> frozenset[TableName]:
        """Tables without which chapters that need them are made all the same, as if they had no line.

        A campaign that ran in some places was sent to nobody: who runs no other has no send log. Whoever
        runs one that was sent has forgotten it.
        """
        areas_only = {campaign.kind for campaign in self.campaigns} == {"area"}
        return frozenset({"sends"}) if areas_only else frozenset()

    def period(self, text: str) -> Period:
        """Read a period name with this client's fiscal year."""
        return Period.parse(text, fiscal_year_start=self.fiscal_year_start)

    def looks_back_from(self, period: Period) -> date | None:
        """First day of the RFM look-back, or None for the whole history."""
        months = self.policies.look_back_months
        return None if months is None else period.trailing(months).start
