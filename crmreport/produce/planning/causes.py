"""What differs between two things a report was made of, each difference by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

from crmreport.produce.planning.digests import PREFIX, part
from crmreport.produce.planning.ingredients import FORGOTTEN, PACKAGE, Parts

Kind = Literal[
    "client",
    "data",
    "code",
    "environment",
    "settings",
    "forgotten",
    "period",
    "languages",
    "notebook",
    "parameter",
    "rendering",
    "report",
    "pages",
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
LOOKS: frozenset[Kind] = frozenset({"rendering", "report", "pages"})
"""How a report looks and what it is called: none of them moves a number."""
_TEMPLATE = "templates/"

Lines = Mapping[str, int]
"""Lines of each data file, by its name."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that changed.

    Args:
        kind: Where: data, package source, client settings …
        change: How; ``value`` and ``to`` tell both values.
        name: Which file, setting, package or parameter.
        before, after: Its values where they can be told; the hashes of longer ones are not.
        chapter: The chapter it concerns; empty when it concerns all.
        lines: Of a data file, its lines before and after; None where it was not there, or nobody counted.
    """

    kind: Kind
    change: Change
    name: str = ""
    before: str | None = None
    after: str | None = None
    chapter: str = ""
    lines: tuple[int | None, int | None] = (None, None)

    def __str__(self) -> str:
        """The cause in English.

        Examples:
            >>> str(Cause("parameter", "value", "top_n", "10", "20"))
            'parameter: top_n 10 → 20'
            >>> str(Cause("data", "changed", "orders.csv", lines=(14200, 15011)))
            'data: orders.csv changed (14,200 → 15,011 rows)'
            >>> str(Cause("state", "never"))
            'never made'
        """
        said = _english()["change"][self.change].format(name=self.name, before=self.before, after=self.after)
        if (counted := self.counted()) is not None:
            key, before, after = counted
            said += f" ({_english()['lines'][key].format(before=before, after=after)})"
        return said if self.kind == "state" else f"{_english()['kind'][self.kind]}: {said}"

    def counted(self) -> tuple[str, str, str] | None:
        """Which label under ``cause.lines`` tells its lines, and what stands in it; None without any."""
        before, after = ("" if n is None else f"{n:,}" for n in self.lines)
        if not before and not after:
            return None
        if before and after:
            return "same" if before == after else "changed", before, after
        return "one", before or after, before or after


def lines_of(files: Iterable[tuple[str, str, int | None]]) -> dict[str, int]:
    """Lines of each data file of a report; files of one name stand together.

    A file that two tables are read from is in the list twice, with the same lines or with those of
    another sheet.

    Args:
        files: Name, digest and lines, as run.json keeps them under ``inputs``.

    Examples:
        >>> lines_of([("a.csv", "1", 10), ("a.csv", "1", 10), ("b.xlsx", "2", 3), ("b.xlsx", "2", 4)])
        {'a.csv': 10, 'b.xlsx': 7}
    """
    seen = {(name, digest, lines) for name, digest, lines in files if lines is not None}
    found: dict[str, int] = {}
    for name, _, lines in sorted(seen):
        found[name] = found.get(name, 0) + lines
    return found


def shared_causes(
    before: Mapping[str, Parts], after: Mapping[str, Parts], *, lines: tuple[Lines, Lines] | None = None
) -> tuple[Cause, ...]:
    """What changed of the things every chapter is made of.

    Args:
        before, after: ``digests`` of two run.json, or of a plan.
        lines: Those of both sides' data files; not told when not given.
    """
    found = [cause for group in _GROUPS for cause in _compared(group, before[group], after[group])]
    if lines is not None:
        told = [tuple(side.get(cause.name) for side in lines) for cause in found]
        found = [
            replace(cause, lines=both) if cause.kind == "data" else cause
            for cause, both in zip(found, told, strict=True)
        ]
    for name in ("period", "languages"):
        old, new = before["run"].get(name), after["run"].get(name)
        if old != new:
            found.append(Cause(name, "to", "", old, new))
    return tuple(found)


def rendering_causes(before: Mapping[str, Parts], after: Mapping[str, Parts]) -> tuple[Cause, ...]:
    """What changed of the things only the bound pages are made of.

    The template, the package's source that binds them, and what client.yml says of the report: its title,
    its chapters and their order.
    """
    return tuple(_looks(cause) for cause in _compared("rendering", before["rendering"], after["rendering"]))


def _looks(cause: Cause) -> Cause:
    if cause.name.startswith(_TEMPLATE):
        return replace(cause, name=cause.name.removeprefix(_TEMPLATE))
    return (
        replace(cause, kind="pages", name="produce")
        if cause.name == "code"
        else replace(cause, kind="report")
    )


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
        if kind == "settings" and name == FORGOTTEN:
            yield Cause("forgotten", "to", "", _customers(old), _customers(new))
            continue
        change: Change = "value"
        if old is None:
            change = "new"
        elif new is None:
            change = "gone"
        elif old.startswith(PREFIX) or new.startswith(PREFIX):
            change = "changed"
        told = [v if v is not None and not v.startswith(PREFIX) else None for v in (old, new)]
        yield Cause(kind, change, name, *told, chapter=chapter)


def _customers(forgotten: str | None) -> str:
    """How many are on a list of forgotten customers."""
    return forgotten.partition(" ")[0] if forgotten else "0"


@cache
def _english() -> dict[str, dict[str, str]]:
    # Read here: the package's words load what a plan must not wait for.
    from ruamel.yaml import YAML

    text = (PACKAGE / "present" / "labels" / "en" / "cause.yml").read_text(encoding="utf-8")
    return YAML(typ="safe").load(text)
