"""A sentence before it has a language: a label key and the raw values that go into it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, init=False)
class Text:
    """A label key with its values; :meth:`crmreport.present.words.Words.say` makes the sentence.

    Values stay raw (0.51, not "51%"): the label decides how they are written in each language.

    Examples:
        >>> Text("decile.message.concentrated", share=0.51).values
        {'share': 0.51}
    """

    key: str
    values: dict[str, Any] = field(default_factory=dict)

    def __init__(self, key: str, **values: Any) -> None:
        object.__setattr__(self, "key", key)
        object.__setattr__(self, "values", values)
