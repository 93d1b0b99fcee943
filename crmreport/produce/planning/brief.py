"""What an order comes to once the client's file is read and found good: all a plan needs but the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from crmreport.config import Client, Language
from crmreport.config_file import load_client
from crmreport.errors import ConfigError
from crmreport.period import Period
from crmreport.produce import Order
from crmreport.produce.planning.declare import Chapter, Scalar
from crmreport.produce.planning.plan import Plan, make_plan, read_chapters
from crmreport.produce.publish import target
from crmreport.workspace import Workspace

if TYPE_CHECKING:
    from crmreport.intake import Store


@dataclass(frozen=True, slots=True)
class Brief:
    """A report that can be made, as far as its settings tell.

    Args:
        languages: Those it is made in.
        chapters: With their parameters, in order.
        folder: Where it is published.
    """

    client: Client
    period: Period
    report: str
    languages: tuple[Language, ...]
    chapters: tuple[tuple[Chapter, dict[str, Scalar]], ...]
    folder: Path

    @property
    def left_out(self) -> tuple[Language, ...]:
        """Languages of the client it is not made in."""
        return tuple(language for language in self.client.languages if language not in self.languages)


def read_brief(workspace: Workspace, order: Order) -> Brief:
    """Read everything an order depends on but the client's data.

    Raises:
        ConfigError: The client's file, the period, a language, a chapter or a parameter is not usable.
    """
    client = load_client(workspace.client_file(order.client))
    period = client.period(order.period)
    languages = _languages(client, order.languages)
    chapters = tuple(read_chapters(workspace, client, order.report))
    folder = target(workspace, client.client, period.name, order.report)
    return Brief(client, period, order.report, languages, chapters, folder)


def _languages(client: Client, asked: Sequence[str]) -> tuple[Language, ...]:
    wanted = list(dict.fromkeys(asked)) if asked else list(client.languages)
    for language in wanted:
        if language not in client.languages:
            raise ConfigError(
                f"language {language!r} is not one of {', '.join(client.languages)}; "
                "choose one, or add it to languages in client.yml"
            )
    return tuple(cast("list[Language]", wanted))


def plan_brief(workspace: Workspace, brief: Brief, store: Store) -> Plan:
    """What the report is made of, and the keys that say whether any of it has to be made again."""
    return make_plan(
        workspace,
        brief.client,
        brief.period,
        report=brief.report,
        languages=brief.languages,
        chapters=brief.chapters,
        tables=store.tables,
        inputs=store.report.inputs,
    )
