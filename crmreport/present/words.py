"""Labels and sentences of one language.

Labels live in ``present/labels/<lang>/<area>.yml``; the file's stem is the first part
of every key in it. A value is written by the format named in the label:
``{share:pct}``, ``{revenue:money}``, ``{n:count}``, ``{d:date}``, ``{name:label:segment}``.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from crmreport.present import numbers
from crmreport.present.numbers import Language
from crmreport.present.text import Text

# Marks that turn the direction of reading would turn the rest of the sentence with them.
_TURNS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_LONGEST_NAME, _LONGEST_TEXT = 80, 200
# What a p-value below it is does not matter.
_SMALLEST_P = 0.001
# Nobody believes a probability of 0 % or 100 %.
_SUREST = 0.999

VALUE = "value"
"""First part of the keys of a client's own names for values."""
CELL = "×"
LANGUAGES: tuple[Language, ...] = ("ja", "en")


class LabelMissingError(LookupError):
    """A label key is in no label file; a defect of the program, not of the data."""


@cache
def labels(lang: Language) -> dict[str, str]:
    """All labels of a language as flat ``area.key`` → text."""
    flat: dict[str, str] = {}
    folder = resources.files("crmreport.present") / "labels" / lang
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".yml"):
            _flatten(file.name.removesuffix(".yml"), YAML(typ="safe").load(file.read_text("utf-8")), flat)
    return flat


def forget_labels(*, read_at: float) -> None:
    """Read the labels again where a file of theirs changed after ``read_at`` (seconds since 1970).

    For processes forked from one that had read them: an analyst edits labels while JupyterLab runs.
    """
    folder = Path(str(resources.files("crmreport.present"))) / "labels"
    if any(file.stat().st_mtime >= read_at for file in folder.glob("*/*.yml")):
        labels.cache_clear()


def _flatten(prefix: str, node: Any, into: dict[str, str]) -> None:
    if isinstance(node, dict):
        for key, value in node.items():
            _flatten(f"{prefix}.{key}", value, into)
    else:
        into[prefix] = str(node).strip()


@dataclass(frozen=True)
class Words:
    """Everything that turns values into one language's text.

    Args:
        lang: ``ja`` or ``en``.
        currency: ISO code of the client's money.
        own: Labels the client brings, by key, such as the names of its own segments.

    Examples:
        >>> words = Words("en", currency="JPY")
        >>> words.format(0.5104, "pct"), words.format(None, "pct"), words.format(2_500_000, "money")
        ('51.0%', '–', '¥2.5 million')
        >>> Words("ja", currency="JPY").format(0.012, "pt")
        '+1.2ポイント'
    """

    lang: Language
    currency: str = "JPY"
    own: Mapping[str, str] = field(default_factory=dict, compare=False)

    def has(self, key: str) -> bool:
        """Whether a label exists."""
        return key in self.own or key in labels(self.lang)

    def label(self, key: str, *, area: str | None = None) -> str:
        """The text of a label; ``<area>.<key>`` is tried first when an area is given.

        Raises:
            LookupError: There is no such label.
        """
        known = labels(self.lang)
        for candidate in (f"{area}.{key}", key) if area else (key,):
            if candidate in self.own:
                return self.own[candidate]
            if candidate in known:
                return known[candidate]
        raise LabelMissingError(
            f"label {key!r} is missing in {self.lang}" + (f" (area {area})" if area else "")
        )

    def say(self, text: Text | str) -> str:
        """The sentence of a :class:`Text`; a plain string is returned as it is."""
        if isinstance(text, str):
            return text
        template = self.label(text.key)
        return _Writer(self, text.key.split(".")[0]).vformat(template, (), text.values)

    def format(self, value: Any, spec: str, *, area: str | None = None) -> str:
        """Write one value.

        Args:
            value: Raw value; None and NaN become an en dash.
            spec: ``text`` (a value of the client's by the name it has in this language), ``cell`` (several
                such values joined by ``×``), ``count``, ``money`` (``money:thousands`` where two amounts are
                compared), ``pct``, ``prob`` (a probability: never 0 % or 100 %), ``pt``,
                ``num0``–``num2``, ``days``, ``date``, ``longdate``, ``month``, ``period`` (a month
                in words, another period by its name), ``p`` (a p-value; ``p:said`` in a sentence,
                with its sign), ``label:<group>``, ``labels:<group>`` (several, separated by commas
                in the value), ``name:<group>`` (the label of a value where there is one, else the
                value as the client wrote it), ``plural:<one>:<many>``, and with a sign ``scount``,
                ``smoney``, ``spct``, ``snum2``.
            area: Where labels are looked up first.

        Raises:
            ValueError: The spec is none of these.
        """
        if numbers.is_blank(value):
            return numbers.BLANK
        if isinstance(value, Text):
            return self.say(value)
        kind, _, detail = spec.partition(":")
        match kind:
            case "" | "text":
                return _written(self._called(str(value)), _LONGEST_TEXT)
            case "cell":
                between = {"ja": CELL, "en": f" {CELL} "}[self.lang]
                return between.join(_written(self._called(part)) for part in str(value).split(CELL))
            case "labels":
                between = {"ja": "・", "en": ", "}[self.lang]
                return between.join(self.label(f"{detail}.{v}", area=area) for v in str(value).split(","))
            case "label":
                return self.label(f"{detail}.{value}", area=area)
            case "name":
                keys = (f"{area}.{detail}.{value}", f"{detail}.{value}")
                return next(
                    (self.label(key) for key in keys if self.has(key)), _written(self._called(str(value)))
                )
            case "plural":
                one, many = detail.split(":")
                return f"{numbers.plain(value, 0)} {one if abs(value) == 1 else many}"
            case "count" | "scount":
                return numbers.plain(value, 0, sign=kind[0] == "s")
            case "pct" | "spct":
                return numbers.plain(value * 100, 1, sign=kind[0] == "s") + "%"
            case "prob":
                bound = "<0.1%" if value < 1 - _SUREST else ">99.9%" if value > _SUREST else ""
                return bound or self.format(value, "pct")
            case "pt":
                unit = {"ja": "ポイント", "en": " pts"}[self.lang]
                return numbers.plain(value * 100, 1, sign=True) + unit
            case "money" | "smoney":
                how = {"sign": kind[0] == "s", "thousands": detail == "thousands"}
                return numbers.money(value, lang=self.lang, currency=self.currency, **how)
            case "num0" | "num1" | "num2" | "snum2":
                return numbers.plain(value, int(kind[-1]), sign=kind[0] == "s")
            case "p":
                told = "<0.001" if value < _SMALLEST_P else numbers.plain(value, 3)
                return told if not detail else "p" + told if told[0] == "<" else "p=" + told
            case "days":
                unit = {"ja": "日", "en": " day" if value == 1 else " days"}[self.lang]
                return numbers.plain(value, 0) + unit
            case "date":
                return numbers.day(value)
            case "longdate":
                return numbers.long_day(value, lang=self.lang)
            case "month":
                return numbers.month(value, lang=self.lang)
            case "period":
                is_month = re.fullmatch(r"\d{4}-\d{2}", str(value))
                return numbers.month(value, lang=self.lang) if is_month else str(value)
        raise ValueError(f"format {spec!r} is unknown")

    def _called(self, value: str) -> str:
        """What this language calls a value of the client's: by the client's own names, or a prefecture's."""
        keys = (f"{VALUE}.{value}", f"prefecture.{value}")
        return next((self.label(key) for key in keys if self.has(key)), value)


def _written(value: str, longest: int = _LONGEST_NAME) -> str:
    """A client's text as a page can take it; the whole of it stands in the tables as data."""
    text = _TURNS.sub("", value[: 4 * longest])
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


class _Writer(string.Formatter):
    """``str.format`` with the field's own formats; attribute and index access are refused."""

    def __init__(self, words: Words, area: str) -> None:
        self._words = words
        self._area = area

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> tuple[Any, str]:
        if not field_name.isidentifier():
            raise ValueError(f"placeholder {field_name!r} is not a plain name")
        return kwargs[field_name], field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        return self._words.format(value, format_spec, area=self._area)
