"""A first client file, written from what the client's files show."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from crmreport.config import Source
from crmreport.errors import ConfigError
from crmreport.workspace import Workspace

if TYPE_CHECKING:
    from crmreport.intake.recognise import SourceGuess

TODO = "TODO"
TEMPLATE = Path(__file__).resolve().parents[1] / "templates" / "client" / "client.yml"
_CAMPAIGNS = """
  campaigns:
    title: {ja: 施策の効果検証, en: Campaigns}
    chapters: [campaigns, campaign, messages, data_quality, definitions]"""
_CHAPTERS = ("sales", "customers", "decile", "rfm", "ctb", "lifecycle", "data_quality", "definitions")


@dataclass(frozen=True)
class Answers:
    """What no file can say; None where nobody has answered."""

    name_ja: str | None = None
    name_en: str | None = None
    currency: str | None = None
    timezone: str | None = None
    tax_included: bool | None = None


@dataclass(frozen=True)
class Sources:
    """Sources found in a client's folder.

    Args:
        by_table: What feeds each canonical table.
        questions: What could not be made out and somebody has to say.
        notes: What was seen and left out.
        tax_included: What the header of the amount says about tax, if anything.
    """

    by_table: dict[str, list[Source]]
    questions: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    tax_included: bool | None = None


@dataclass(frozen=True)
class Scaffold:
    """A client file about to be written.

    Args:
        text: The file.
        todo: What a person has to fill in; each stands in the file as a line marked TODO.
    """

    text: str
    todo: list[str]


def from_guesses(guesses: Sequence[SourceGuess]) -> Sources:
    """Turn what intake recognised into sources of a client file."""
    found = Sources({})
    tax = None
    for guess in guesses:
        if guess.problem:
            found.questions.append(f"{guess.problem}; mend or remove it")
            continue
        found.questions.extend(f"{guess.path}: {question}" for question in guess.questions)
        if guess.table is None or not guess.columns:
            continue
        if guess.unmapped:
            found.notes.append(f"{guess.path}: not read: {', '.join(guess.unmapped)}")
        found.by_table.setdefault(guess.table, []).append(_source(guess))
        amount = guess.columns.get("revenue", "")
        if any(word in amount for word in ("税込", "税抜", "税別")):
            tax = "税込" in amount
    return replace(found, tax_included=tax)


def _source(guess: SourceGuess) -> Source:
    columns = dict(guess.columns or {})
    if guess.table == "order_lines":
        amount = () if {"quantity", "unit_price"} <= columns.keys() else ("revenue",)
        columns |= {c: TODO for c in ("customer_id", "ordered_at", *amount) if c not in columns}
    if guess.table == "sends":
        columns |= {c: TODO for c in ("campaign_id", "customer_id") if c not in columns}
    settings: dict[str, Any] = {"path": guess.path, "columns": columns}
    if guess.encoding and guess.encoding != "utf-8":
        settings["encoding"] = guess.encoding
    if guess.sheet:
        settings["sheet"] = guess.sheet
    if guess.header_row > 1:
        settings["header_row"] = guess.header_row
    if guess.totals_row:
        settings["totals_row"] = "drop"
    return Source.model_validate(settings)


def draft(client: str, sources: Sources, answers: Answers) -> Scaffold:
    """Write the client file as text; what is not known becomes a marked TODO.

    Examples:
        >>> draft("shop", Sources({}), Answers(name_ja="店", name_en="Shop")).todo[0]
        'sources: no file of order lines was found in data/'
    """
    todo: list[str] = []

    def known(value: str | None, key: str, question: str, assumed: str | None = None) -> str:
        if value is not None:
            return _quoted(value)
        todo.append(f"{key}: {question}")
        return f"{assumed or TODO}  # {TODO}: {question}"

    found = _sources(sources, todo)
    taxed = None if answers.tax_included is None else f"tax_{'in' if answers.tax_included else 'ex'}cluded"
    text = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        client=client,
        name_ja=known(answers.name_ja, "name.ja", "the client's name in Japanese"),
        name_en=known(answers.name_en, "name.en", "the client's name in English"),
        currency=known(answers.currency, "currency", "is it yen?", "JPY"),
        timezone=known(answers.timezone, "timezone", "the zone the shops' day ends in", "Asia/Tokyo"),
        revenue=known(taxed, "policies.revenue", "do the amounts include tax?", "tax_included"),
        sources=found,
        axes=_axes(sources),
        chapters=", ".join(_CHAPTERS),
        campaigns=_CAMPAIGNS if "sends" in sources.by_table else "",
    )
    return Scaffold(text, todo)


def write(workspace: Workspace, client: str, scaffold: Scaffold, *, overwrite: bool = False) -> Path:
    """Put the client file into its folder, with data/ beside it.

    Raises:
        ConfigError: There is a client file already.
    """
    path = workspace.client_file(client)
    refuse_to_overwrite(workspace, client, overwrite=overwrite)
    (path.parent / "data").mkdir(parents=True, exist_ok=True)
    path.write_text(scaffold.text, encoding="utf-8")
    return path


def refuse_to_overwrite(workspace: Workspace, client: str, *, overwrite: bool) -> None:
    """Raise when there is a client file that may not be replaced.

    Raises:
        ConfigError: There is one, and ``overwrite`` is not set.
    """
    if workspace.client_file(client).exists() and not overwrite:
        raise ConfigError(
            f"clients/{client}/client.yml is there already; edit it, or write it anew with --overwrite"
        )


def _sources(sources: Sources, todo: list[str]) -> str:
    lines: list[str] = []
    for question in sources.questions:
        todo.append(f"sources: {_one_line(question)}")
        lines.append(f"  # {TODO}: {_one_line(question)}")
    lines += [f"  # {_one_line(text)}" for text in sources.notes]
    if "order_lines" not in sources.by_table:
        question = "no file of order lines was found in data/"
        todo.append(f"sources: {question}")
        lines += [
            f"  # {TODO}: {question}; put it there and write its name and headers here",
            "  order_lines:",
            f"    - path: data/{TODO}.csv",
            "      columns:",
            *(f"        {column}: {TODO}" for column in ("customer_id", "order_id", "ordered_at", "revenue")),
        ]
    if sources.by_table:
        plain = {t: [_plain(s) for s in each] for t, each in sources.by_table.items()}
        yaml = YAML()
        yaml.indent(mapping=2, sequence=4, offset=2)
        yaml.width = 1000
        written = io.StringIO()
        yaml.dump(plain, written)
        lines += ["  " + line for line in written.getvalue().splitlines()]
    return "\n".join(lines)


def _axes(sources: Sources) -> str:
    """CTB axes from the product columns whose names say what they are."""
    columns = [c for source in sources.by_table.get("products", []) for c in source.columns]
    named = {axis: [c for c in columns if c.split("_")[0] == axis] for axis in ("category", "taste", "brand")}
    found = [f"  {axis}: [{', '.join(dict.fromkeys(each))}]" for axis, each in named.items() if each]
    return "axes:\n" + "\n".join(found) if found else "axes: {}"


def _plain(source: Source) -> dict[str, Any]:
    """What differs from the defaults, in the order of the model."""
    return source.model_dump(exclude_defaults=True, mode="json")


def _one_line(text: str) -> str:
    """A header may hold line breaks; in a comment they would begin a line of settings."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())


def _quoted(text: str) -> str:
    """Text as a YAML scalar: bare where that is safe."""
    yaml = YAML()
    yaml.width = 1000
    safe = all(c.isalnum() or c in " _/-." for c in text) and text == text.strip() and not text[:1].isdigit()
    written = io.StringIO()
    yaml.dump([text if safe else DoubleQuotedScalarString(text)], written)
    return written.getvalue().strip().removeprefix("- ")
