"""What a message says: the report's own first page in a few lines, in the recipient's languages."""

from __future__ import annotations

import html
import json
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import nbformat

from crmreport.config import Client, Language
from crmreport.deliver.model import File
from crmreport.deliver.published import Report
from crmreport.errors import ConfigError, RunError
from crmreport.present.text import Text
from crmreport.present.words import Words
from crmreport.produce.binding.naming import period_label
from crmreport.produce.binding.outputs import Executed, findings
from crmreport.produce.binding.summary import summarise
from crmreport.produce.planning.declare import Declaration

_MOST_FINDINGS = 3
_DEFINITIONS = "definitions"
_RULE = "――――――――"
_FONTS = "'Hiragino Sans','Yu Gothic',Meiryo,'Noto Sans CJK JP',sans-serif"
# They would end the header, or turn the direction in which it is read.
_CONTROL = ("Cc", "Cs", "Zl", "Zp")
_TURNS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph or a list."""

    kind: Literal["p", "ol", "ul", "footer"]
    lines: tuple[str, ...]
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A message in one language."""

    lang: Language
    subject: str
    blocks: tuple[Block, ...]
    heading_form: str = field(default="{text}", repr=False)

    def text(self) -> str:
        """As plain text, without the footer."""
        marks = {"ol": "{n}. {line}", "ul": {"ja": "・{line}", "en": "- {line}"}[self.lang]}
        parts: list[str] = []
        for block in self.blocks:
            if block.kind == "footer":
                continue
            mark = marks.get(block.kind, "{line}")
            lines = [mark.format(n=n, line=line) for n, line in enumerate(block.lines, 1)]
            if block.heading:
                lines.insert(0, self.heading_form.format(text=block.heading))
            parts.append("\n".join(lines))
        return "\n\n".join(parts) + "\n"

    def html(self) -> str:
        """As a fragment of HTML."""
        said: list[str] = []
        for block in self.blocks:
            lines = [html.escape(line) for line in block.lines]
            if block.heading:
                said.append(
                    f'<p style="margin:1.2em 0 .2em"><strong>{html.escape(block.heading)}</strong></p>'
                )
            if block.kind in ("ol", "ul"):
                items = "".join(f"<li>{line}</li>" for line in lines)
                said.append(f'<{block.kind} style="margin:.2em 0">{items}</{block.kind}>')
            elif block.kind == "footer":
                said.append(f'<p style="color:#57606a;font-size:90%">{"<br>".join(lines)}</p>')
            else:
                above = ".2em" if block.heading else "1em"
                said.append(f'<p style="margin:{above} 0 .2em">{"<br>".join(lines)}</p>')
        return f'<div lang="{self.lang}">{"".join(said)}</div>'


@dataclass(frozen=True, slots=True)
class Letter:
    """A message in all languages of its recipient."""

    parts: tuple[Part, ...]

    @property
    def subject(self) -> str:
        """In the first language."""
        return self.parts[0].subject

    def text(self) -> str:
        """As plain text, one language after the other."""
        footers = [line for part in self.parts for b in part.blocks if b.kind == "footer" for line in b.lines]
        # A mail program folds away all that follows two hyphens, so they stand once, at the end.
        end = "\n".join(["", "-- ", *footers, ""]) if footers else ""
        return f"\n{_RULE}\n\n".join(part.text() for part in self.parts) + end

    def html(self) -> str:
        """As a page without any request to a server."""
        between = '<hr style="margin:2em 0;border:0;border-top:1px solid #d0d7de">'
        return (
            f'<!doctype html><html lang="{self.parts[0].lang}"><head><meta charset="utf-8">'
            f"<title>{html.escape(self.subject)}</title></head>"
            f'<body style="font-family:{_FONTS};line-height:1.7;color:#1f2328;max-width:40em">'
            f"{between.join(part.html() for part in self.parts)}</body></html>\n"
        )


class Letters:
    """Writes the letters of one report."""

    def __init__(self, client: Client, report: Report) -> None:
        self._client = client
        self._report = report
        self._period = client.period(report.record["period"])
        self._chapters = _executed(report)
        self._found = findings(self._chapters)

    def write(
        self, languages: Sequence[Language], files: Sequence[File], *, attachable: bool = True
    ) -> Letter:
        """The letter to a recipient.

        Args:
            attachable: False for a service that takes no files.

        Raises:
            ConfigError: A name holds a line break or another control character.
        """
        return Letter(tuple(self._part(lang, files, attachable) for lang in languages))

    def _part(self, lang: Language, files: Sequence[File], attachable: bool) -> Part:
        words = Words(lang, currency=self._client.currency)
        where = f"clients/{self._client.client}/client.yml"
        client = _plain(self._report.record["client_name"].get(lang, ""), f"{where}: name.{lang}")
        title = _plain(
            self._report.record["title"].get(lang, ""),
            f"{where}: reports.{self._report.record['report']}.title.{lang}",
        )
        maker = _plain(self._client.prepared_by.get(lang, ""), f"{where}: prepared_by.{lang}")
        period = period_label(self._period, words)
        # A letter names what was found, and no money.
        summary = summarise(
            self._chapters, self._found, {}, words=words, period=self._period, titles={}, client=self._client
        )

        def say(key: str, **values: object) -> str:
            return words.say(Text(f"delivery.{key}", **values))

        greeting = say("greeting_from", maker=maker) if maker else say("greeting")
        blocks = [
            Block("p", (say("to", client=client),)),
            Block("p", (greeting, say("intro", period=period, title=title))),
            Block("p", (_line(summary.headline),), say("headline")),
        ]
        about = {i.finding.id: _line(i.text[lang]["title"]) for i in self._found if i.finding}
        titles = tuple(_line(h.title) for h in summary.highlights[:_MOST_FINDINGS])
        if titles:
            blocks.append(Block("ol", titles, say("findings")))
        if files and attachable:
            blocks.append(Block("ul", tuple(_item(f, about, say) for f in files), say("attached")))
        elif files:
            blocks.append(Block("p", (say("no_attachments"),)))
        closing = [say("closing")]
        if any(chapter.name == _DEFINITIONS and chapter.status == "done" for chapter in self._chapters):
            closing.insert(0, say("definitions"))
        if attachable and any(f.kind == "lists" for f in files):
            closing.append(say("lists_notice"))
        blocks.append(Block("p", tuple(closing)))
        if footer := self._client.footer.get(lang, ""):
            blocks.append(Block("footer", (_line(footer),)))
        subject = say("subject", client=client, period=period, title=title)
        return Part(lang, subject, tuple(blocks), words.label("delivery.heading"))


def _executed(report: Report) -> list[Executed]:
    """The chapters as they stand in the published notebooks."""
    found: list[Executed] = []
    for chapter in report.record["chapters"]:
        notebook = None
        if chapter["status"] == "done":
            path = f"notebooks/{chapter['chapter']}.ipynb"
            try:
                notebook = nbformat.from_dict(json.loads(report.read(path)[0]))
            except ValueError:
                raise RunError(f"{report.near}/{path}: is no notebook; run the report again") from None
        declaration = Declaration(chapter=chapter["chapter"], title={})
        found.append(Executed(declaration, chapter["status"], notebook, chapter["reason"]))
    return found


def _item(file: File, titles: Mapping[str, str], say: Callable[..., str]) -> str:
    what = say(f"item.{file.kind}", lang=file.lang, title=titles.get(file.finding, file.finding))
    return say("item_line", what=what, name=file.name, size=size(len(file.data)))


def size(n_bytes: int) -> str:
    """Bytes as a reader says them.

    Examples:
        >>> size(400), size(123_456), size(20_400_000)
        ('1 kB', '123 kB', '20.4 MB')
    """
    return f"{n_bytes / 1e6:.1f} MB" if n_bytes >= 1e6 else f"{max(1, round(n_bytes / 1e3))} kB"


def _line(text: str) -> str:
    return " ".join(text.split())


def _plain(text: str, where: str) -> str:
    """A text that goes into a header.

    Raises:
        ConfigError: It would end the header or turn its direction.
    """
    if any(unicodedata.category(c) in _CONTROL or c in _TURNS for c in text):
        raise ConfigError(
            f"{where}: {text!r} holds a line break or control character, which a mail's subject cannot; "
            "write it on one line, then run the report again"
        )
    return text
