"""What differs between two things a report was made of, each difference by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from crmreport.produce.planning.digests import PREFIX, part
from crmreport.produce.planning.ingredients import PACKAGE, Parts

Kind = Literal[
    "client",
    "data",
    "code",
    "environment",
    "settings",
    "period",
    "languages",
    "notebook",
    "parameter",
    "rendering",
    "chapter",
    "file",
    "state",
]
Change = Literal[
    "new",
    "gone",
    "changed",
    "value",
    "to",
    "never",
    "older",
    "remade",
    "failed",
    "withheld",
    "forgotten",
    "partial",
    "by_hand",
    "left_out",
]
_GROUPS: tuple[Kind, ...] = ("data", "code", "environment", "settings")
"""Groups every chapter depends on; period and languages beside them."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that changed.

    Args:
        kind: Where: data, package source, client settings …
        change: How; ``value`` and ``to`` tell both values.
        name: Which file, setting, package or parameter.
        before, after: Its values where they can be told; the hashes of longer ones are not.
        chapter: The chapter it concerns; empty when it concerns all.
    """

    kind: Kind
    change: Change
    name: str = ""
    before: str | None = None
    after: str | None = None
    chapter: str = ""

    def __str__(self) -> str:
        """The cause in English.

        Examples:
            >>> str(Cause("parameter", "value", "top_n", "10", "20"))
            'parameter: top_n 10 → 20'
            >>> str(Cause("state", "never"))
            'never made'
        """
        said = _english()["change"][self.change].format(name=self.name, before=self.before, after=self.after)
        return said if self.kind == "state" else f"{_english()['kind'][self.kind]}: {said}"


def shared_causes(before: Mapping[str, Parts], after: Mapping[str, Parts]) -> tuple[Cause, ...]:
    """What changed of the things every chapter is made of.

    Args:
        before, after: ``digests`` of two run.json, or of a plan.
    """
    found = [cause for group in _GROUPS for cause in _compared(group, before[group], after[group])]
    for name in ("period", "languages"):
        old, new = before["run"].get(name), after["run"].get(name)
        if old != new:
            found.append(Cause(name, "to", "", old, new))
    return tuple(found)


def rendering_causes(before: Mapping[str, Parts], after: Mapping[str, Parts]) -> tuple[Cause, ...]:
    """What changed of the things only the bound pages are made of."""
    return tuple(_compared("rendering", before["rendering"], after["rendering"]))


def chapter_causes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Cause, ...]:
    """What changed of a chapter's own things.

    Args:
        before, after: Entries of ``chapters`` in two run.json, or of a plan.
    """
    name = after["chapter"]
    files = {"notebook": f"{name}.ipynb", "declaration": f"{name}.yml"}
    found = [
        Cause("notebook", "changed", files[key], chapter=name)
        for key in files
        if before["digests"].get(key) != after["digests"].get(key)
    ]
    old, new = ({k: part(v) for k, v in side["parameters"].items()} for side in (before, after))
    return (*found, *_compared("parameter", old, new, chapter=name))


def _compared(kind: Kind, before: Parts, after: Parts, *, chapter: str = "") -> Iterator[Cause]:
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        change: Change = "value"
        if old is None:
            change = "new"
        elif new is None:
            change = "gone"
        elif old.startswith(PREFIX) or new.startswith(PREFIX):
            change = "changed"
        told = [v if v is not None and not v.startswith(PREFIX) else None for v in (old, new)]
        yield Cause(kind, change, name.removeprefix("templates/"), *told, chapter=chapter)


@cache
def _english() -> dict[str, dict[str, str]]:
    # Read here: the package's words load what a plan must not wait for.
    from ruamel.yaml import YAML

    text = (PACKAGE / "present" / "labels" / "en" / "cause.yml").read_text(encoding="utf-8")
    return YAML(typ="safe").load(text)
