"""YAML read strictly, with the line every value stands on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from crmreport.errors import ConfigError

Place = tuple[str | int, ...]
_TAG = "tag:yaml.org,2002:"
# Aliases may be nested so that a few lines stand for millions of values.
_MOST_VALUES = 50_000


@dataclass(frozen=True)
class YamlFile:
    """The content of a YAML file and where each part of it stands.

    Args:
        name: The file as messages name it.
        value: The content: dicts, lists, strings, numbers, booleans, None. Not to be changed: who reads the
            same text again gets the same object.
        lines: Line (from 1) of every key and list item, by its path from the root.
    """

    name: str
    value: Any
    lines: dict[Place, int]

    def where(self, place: Place) -> str:
        """``file:line`` of a place, or of the nearest place around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return f"{self.name}:{self.lines.get(place, 1)}"


def read_yaml(path: Path, *, name: str | None = None) -> YamlFile:
    """Read one YAML document whose root is a mapping.

    Keys, dates and numbers with leading zeros stay text, because codes must not change.
    Duplicate keys, tags and merge keys are refused.

    Args:
        path: The file.
        name: How messages name it; the path when not given.

    Raises:
        ConfigError: The file is missing, not UTF-8, not YAML, or uses what is refused.
    """
    name = name or path.as_posix()
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(
            f"{name}: cannot be read ({error.strerror}); check the name and its rights"
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name}: byte {error.start} is not UTF-8; save the file as UTF-8") from None
    return _parsed(text, name)


@lru_cache(maxsize=256)
def _parsed(text: str, name: str) -> YamlFile:
    # Parsing takes most of the time a client file takes, and a night's run reads each several times.
    yaml = YAML(typ="safe")
    try:
        root = yaml.compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        lines = text.splitlines()
        # What is left open is found open after the last line.
        line = min(mark.line + 1, max(1, len(lines))) if mark else 1
        written = lines[line - 1 : line]
        raise ConfigError(f"{name}:{line}: not YAML: {_problem(error, ''.join(written))}") from None
    except YAMLError as error:
        raise ConfigError(
            f"{name}: not YAML: {' '.join(str(error).split())[:120]}; save it as plain text"
        ) from None
    if not isinstance(root, MappingNode):
        raise ConfigError(f"{name}:1: holds no settings; write `key: value` lines")
    reader = _Reader(name, yaml.constructor)
    return YamlFile(name, reader.value(root, ()), reader.lines)


def _problem(error: MarkedYAMLError, line: str) -> str:
    problem = str(error.problem)
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "the line begins with a tab; indent with spaces"
    if "mapping values are not allowed" in problem:
        return f"{problem}; check the indent, or put a text with a colon in quotes"
    return f"{problem}; check the indent, quotes and brackets here and in the line above"


class _Reader:
    """Turns nodes into values, noting lines on the way."""

    def __init__(self, name: str, scalars: SafeConstructor) -> None:
        self.name = name
        self.lines: dict[Place, int] = {}
        self._scalars = scalars

    def value(self, node: Node, place: Place) -> Any:
        self.lines.setdefault(place, node.start_mark.line + 1)
        if len(self.lines) > _MOST_VALUES or len(place) > 20:
            raise self._refused(node, "too many or too deeply nested values; write them out without aliases")
        if isinstance(node, MappingNode):
            self._expect_tag(node, "map")
            return self._mapping(node, place)
        if isinstance(node, SequenceNode):
            self._expect_tag(node, "seq")
            return [self.value(item, (*place, i)) for i, item in enumerate(node.value)]
        assert isinstance(node, ScalarNode)
        return self._scalar(node)

    def _mapping(self, node: MappingNode, place: Place) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                raise self._refused(key_node, "a key is a list or a mapping; write a plain word")
            key = key_node.value
            if key == "<<":
                raise self._refused(key_node, "merge keys (<<) are not read; write the keys out")
            if key in found:
                first = self.lines[(*place, key)]
                raise self._refused(key_node, f"key {key!r} is given twice, also on line {first}; remove one")
            self.lines[(*place, key)] = key_node.start_mark.line + 1
            found[key] = self.value(value_node, (*place, key))
        return found

    def _scalar(self, node: ScalarNode) -> Any:
        kind = str(node.tag).removeprefix(_TAG)
        text = node.value
        if kind in ("str", "timestamp"):
            return text
        if kind == "int":
            leading_zero = len(text.lstrip("+-")) > 1 and text.lstrip("+-").startswith("0")
            return text if leading_zero else self._scalars.construct_yaml_int(node)
        if kind == "float":
            return self._scalars.construct_yaml_float(node)
        if kind == "bool":
            return self._scalars.construct_yaml_bool(node)
        if kind == "null":
            return None
        raise self._refused(node, f"tag {str(node.tag).replace(_TAG, '!!')} is not read; write a plain value")

    def _expect_tag(self, node: Node, kind: str) -> None:
        if str(node.tag) != _TAG + kind:
            raise self._refused(node, f"tag {str(node.tag).replace(_TAG, '!!')} is not read; remove it")

    def _refused(self, node: Node, problem: str) -> ConfigError:
        return ConfigError(f"{self.name}:{node.start_mark.line + 1}: {problem}")
