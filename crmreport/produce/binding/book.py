"""The book of one language: cover, answer, chapters, actions and provenance, before it has a layout."""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from crmreport.config import Client, Language
from crmreport.errors import ConfigError, TooFewError
from crmreport.period import Period
from crmreport.present.style import legible
from crmreport.present.text import Text
from crmreport.present.words import Words
from crmreport.produce.binding.lists import ListCount
from crmreport.produce.binding.naming import period_label
from crmreport.produce.binding.outputs import Executed, FindingRecord, Item, anchor, findings
from crmreport.produce.binding.summary import Summary, summarise
from crmreport.produce.records.provenance import Provenance

BACK_MATTER = ("data_quality", "definitions")
"""Chapters that stand behind the actions."""
# Below this a random split tells nothing apart: 30 % relative lift on a 10 % rate, both arms together.
_SMALLEST_TEST = 400
CONTACT = (
    "return_offer",
    "early_access",
    "step_mail",
    "refill_reminder",
    "win_back",
    "second_purchase_offer",
    "cross_sell",
    "cart_reminder",
    "message_review",
    "member_signup",
    "roll_out_campaign",
    "send_to_segments",
)
"""Measures that write to people; their lists hold only who consented to a channel."""
CAMPAIGN = (
    "roll_out_campaign",
    "send_to_segments",
    "retest_campaign",
    "stop_campaign",
    "retest_places",
    "stop_places",
    "fix_assignment",
)
"""Measures about a campaign that was judged; their money is its profit or loss."""


@dataclass(frozen=True)
class BookChapter:
    """One chapter as the book shows it."""

    name: str
    anchor: str
    title: str
    """Name of the method."""
    message: str
    """What it says; the title when it did not finish."""
    notebook: Any
    notice: str = ""
    """Why there is nothing to show."""
    about: str = ""
    """Which of its prose applies; all of it when empty."""


@dataclass(frozen=True)
class Action:
    """One finding as a piece of work."""

    title: str
    severity: str
    who: str
    measure: str
    what: str
    list_file: str | None
    effect: str
    test: str
    anchor: str
    chapter: str


@dataclass(frozen=True)
class Book:
    """Everything the template needs; nothing in it depends on when or where it was made."""

    lang: Language
    words: Words
    report: str
    title: str
    client_id: str
    client: str
    period: str
    compared: str
    as_of: str
    prepared_by: str
    confidential: str
    footer: str
    accent: str
    logo: str | None
    partial: bool
    summary: Summary
    front: list[BookChapter]
    actions: list[Action]
    back: list[BookChapter]
    provenance: Provenance

    @property
    def chapters(self) -> list[BookChapter]:
        """All chapters in reading order."""
        return [*self.front, *self.back]

    @property
    def between(self) -> str:
        """What stands between two sentences."""
        return {"ja": "", "en": " "}[self.lang]

    def t(self, key: str, **values: Any) -> str:
        """A label of the book."""
        return self.words.say(Text(f"book.{key}", **values))


def make_book(
    *,
    lang: Language,
    report: str,
    client: Client,
    client_folder: Path,
    period: Period,
    chapters: list[Executed],
    provenance: Provenance,
    lists: Mapping[str, ListCount] | None = None,
    words: Words | None = None,
) -> Book:
    """Bind what the chapters recorded into the book of one language."""
    words = words or Words(lang, currency=client.currency)
    name = _name(client.name, lang) or client.client
    bound = [_chapter(chapter, words) for chapter in chapters]
    titles = {c.name: c.title for c in bound}
    found = findings(chapters)
    asked = _asked_of(found)
    # What another finding asks of the same campaigns stands in the chapter, and is not asked twice.
    told = [item for item in found if not _campaigns(item) or asked.get(_record(item).id, True)]
    at_stake = {_record(item).id: _at_stake(_record(item), asked) for item in told}
    return Book(
        lang=lang,
        words=words,
        report=report,
        title=_title(client, report, words),
        client_id=client.client,
        client=name,
        period=period_label(period, words),
        compared=_compared(period, words),
        as_of=words.format(period.as_of, "longdate"),
        prepared_by=_name(client.prepared_by, lang),
        confidential=words.say(Text("book.cover.confidential", client=name)),
        footer=_name(client.footer, lang) or words.say(Text("book.cover.footer", client=name)),
        accent=legible(client.brand.accent),
        logo=_logo(client, client_folder),
        partial=any(c.status == "failed" for c in chapters),
        summary=summarise(chapters, told, at_stake, words=words, period=period, titles=titles, client=client),
        front=[c for c in bound if c.name not in BACK_MATTER],
        actions=[
            _action(
                item,
                words,
                titles,
                lists or {},
                asked=tuple(asked.get(_record(item).id, ())),
                at_stake=at_stake[_record(item).id],
            )
            for item in told
            if _is_action(item)
        ],
        back=[c for c in bound if c.name in BACK_MATTER],
        provenance=provenance,
    )


def _compared(period: Period, words: Words) -> str:
    kind = "compared_month" if period.months == 1 else "compared_text"
    if period.previous() == period.year_ago():
        kind = "compared_year"
    previous, year_ago = (period_label(p, words) for p in (period.previous(), period.year_ago()))
    return words.say(Text(f"book.cover.{kind}", previous=previous, year_ago=year_ago))


def _title(client: Client, report: str, words: Words) -> str:
    plan = client.reports.get(report)
    if plan and (title := _name(plan.title, words.lang)):
        return title
    key = f"book.title.{report}"
    return words.label(key if words.has(key) else "book.title.other")


def _name(names: dict[Language, str], lang: Language) -> str:
    return names.get(lang) or next(iter(names.values()), "")


def _logo(client: Client, folder: Path) -> str | None:
    if client.brand.logo is None:
        return None
    path = (folder / client.brand.logo).resolve()
    media = mimetypes.guess_type(path.name)[0]
    if not path.is_file() or not path.is_relative_to(folder.resolve()):
        raise ConfigError(
            f"client.yml: brand.logo: no file {client.brand.logo!r} in the client's folder; put it there"
        )
    if media not in ("image/png", "image/jpeg", "image/svg+xml"):
        raise ConfigError(f"client.yml: brand.logo: {client.brand.logo!r} is no PNG, JPEG or SVG; convert it")
    return f"data:{media};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


def _chapter(chapter: Executed, words: Words) -> BookChapter:
    title = _name(chapter.declaration.title, words.lang) or chapter.name
    first = next((i for i in chapter.items() if i.kind == "message"), None)
    notice = ""
    if chapter.status == "failed":
        notice = words.say(Text("book.partial.failed", reason=chapter.reason))
    elif chapter.status == "withheld":
        notice = _withheld(chapter.reason, words)
    elif chapter.status == "skipped":
        known = [f"book.partial.tables.{table}" for table in chapter.missing]
        names = [words.label(k) if words.has(k) else k.rpartition(".")[2] for k in known]
        between = {"ja": "・", "en": ", "}[words.lang]
        notice = words.say(Text("book.partial.skipped", tables=between.join(names)))
    return BookChapter(
        name=chapter.name,
        anchor=anchor("chapter", chapter.name),
        title=title,
        message=first.text[words.lang] if first else title,
        notebook=chapter.notebook if chapter.status == "done" else None,
        notice=notice,
        about=first.about if first else "",
    )


def _withheld(reason: str, words: Words) -> str:
    too_few = TooFewError.read(reason)
    assert too_few is not None, reason
    case = too_few.what if too_few.found else f"no_{too_few.what}"
    return words.say(Text(f"book.withheld.{case}", found=too_few.found, needed=too_few.needed))


def _is_action(item: Item) -> bool:
    return item.finding is not None and item.finding.severity != "info"


def _record(item: Item) -> FindingRecord:
    assert item.finding is not None
    return item.finding


def _campaigns(item: Item) -> dict[str, float | None]:
    return _record(item).campaigns


def _asked_of(found: list[Item]) -> dict[str, dict[str, float | None]]:
    """Finding → the campaigns its action is for, and what is at stake in each.

    Each campaign is in one action, that which knows it best: the chapter on one campaign goes before others,
    a finding that knows the amounts before one that does not, a finding on few before one on many. Two
    things are never lost to another action: a list of customers, and an amount that action cannot tell.
    """
    acting = [item for item in found if _is_action(item) and _campaigns(item)]

    def depth(item: Item) -> tuple[bool, bool, int]:
        campaigns = _campaigns(item)
        return _record(item).chapter != "campaign", None in campaigns.values(), len(campaigns)

    known = {
        (_stake(_record(item)), name): money
        for item in acting
        for name, money in _campaigns(item).items()
        if money is not None
    }
    asked: dict[str, dict[str, float | None]] = {}
    taken: set[str] = set()
    told: set[str] = set()
    for item in sorted(acting, key=depth):
        finding = _record(item)
        mine: dict[str, float | None] = {}
        for name, own in finding.campaigns.items():
            # Known to another finding that would say the same of it.
            money = known.get((_stake(finding), name)) if own is None else own
            if name in told:
                money = None
            if name not in taken or money is not None or finding.list_rows is not None:
                mine[name] = money
        taken.update(mine)
        # One unknown amount makes their sum unknown: then none of them is told here.
        if None not in mine.values():
            told.update(mine)
        asked[finding.id] = mine
    return asked


def _stake(finding: FindingRecord) -> str:
    """What the money of a finding is: sales, the size of a correction, or a campaign's profit or loss."""
    measure = finding.measure
    if measure == "data_fix":
        # Data put right move the numbers, not the sales.
        return "money_data"
    if measure not in CAMPAIGN:
        return "money"
    if measure in ("stop_campaign", "stop_places"):
        return "money_loss"
    if measure in ("roll_out_campaign", "send_to_segments"):
        return "money_profit"
    # Likely, yet of a campaign no lot decided: a test is to confirm it.
    likely = finding.case.endswith("profit_likely_but_not_randomised")
    return "money_likely" if likely else "money_open"


def _left_out(count: ListCount | None) -> list[Text]:
    """Who is not on a list, and why; nothing where everybody is."""
    if count is None:
        return []
    said = []
    without, tested = count.without_consent or 0, count.in_test
    if without or tested:
        case = "both" if without and tested else "consent" if without else "test"
        until = None if count.test_until is None else date.fromisoformat(count.test_until)
        values = {"n": count.rows, "left": without, "tested": tested, "until": until}
        said.append(Text(f"book.actions.left_out.{case}", **values))
    if count.without_consent is None:
        said.append(Text("book.actions.consent_unknown"))
    return said


def _named(asked: tuple[str, ...], text: Mapping[str, str], words: Words) -> str:
    """The campaigns an action is for, unless its own words name them."""
    names = [words.format(name, "name:campaign_name") for name in asked]
    if not names or all(name in text["title"] + text["do_what"] for name in names):
        return ""
    if words.lang == "ja":
        return "".join(f"「{name}」" for name in names) + "。"
    return "; ".join(names) + ". "


def _at_stake(finding: FindingRecord, asked: Mapping[str, Mapping[str, float | None]]) -> float | None:
    """The money of the campaigns the action is for; of other findings, all of it."""
    if finding.id not in asked:
        return finding.money
    parts = list(asked[finding.id].values())
    known = [part for part in parts if part is not None]
    return sum(known) if known and len(known) == len(parts) else None


def _action(
    item: Item,
    words: Words,
    titles: dict[str, str],
    lists: Mapping[str, ListCount],
    *,
    asked: tuple[str, ...],
    at_stake: float | None,
) -> Action:
    finding, text = _record(item), item.text[words.lang]
    count = lists.get(finding.id)
    rows = count.rows if count else finding.list_rows
    if rows is not None:
        who = words.say(Text("book.actions.people", n=finding.list_rows or rows))
        for said in _left_out(count):
            who += {"ja": "。", "en": ". "}[words.lang] + words.say(said)
    elif finding.measure == "data_fix":
        who = words.label("book.actions.data_task")
    elif finding.measure in (*CONTACT, *CAMPAIGN) and finding.measure != "member_signup":
        who = words.label("book.actions.contact_task")
    else:
        who = words.label("book.actions.store_task")
    test = Text(f"book.test.{finding.measure}")
    if rows is not None and rows < _SMALLEST_TEST and finding.measure in CONTACT:
        test = Text("book.actions.test_small", n=rows)
    effect = Text("book.actions.no_money")
    if at_stake is not None:
        effect = Text(f"book.actions.{_stake(finding)}", money=at_stake)
    return Action(
        title=text["title"],
        severity=finding.severity,
        who=_named(asked, text, words) + who,
        measure=words.label(f"book.measure.{finding.measure}"),
        what=text["do_what"],
        list_file=f"lists/{finding.id}.xlsx" if count else None,
        effect=words.say(effect),
        test=words.say(test),
        anchor=anchor("finding", finding.id),
        chapter=titles.get(finding.chapter, finding.chapter),
    )
