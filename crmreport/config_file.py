"""Reads ``clients/<id>/client.yml``: every fault is named with file, line, key, value and way out."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from crmreport.config import MAIL_ADDRESS, MONTH, Client
from crmreport.config_campaigns import PLAN, campaign_faults
from crmreport.errors import ConfigError
from crmreport.plan_file import plan_faults
from crmreport.yaml_file import Place, YamlFile, read_yaml

SECRET_KEYS = frozenset({"password"})
"""Keys whose value is ``${ENV_NAME}`` and nothing else; everywhere else ``${`` is refused."""

LATE_SECRET_KEYS = frozenset({"url", "connection"})
"""The same, but the name is kept and read when something is sent, or a database asked: nothing else needs
such a secret, and no chapter gets it."""

_TODO = "TODO"
_UNDONE = frozenset({_TODO, f"data/{_TODO}.csv"})
"""What ``crmreport init`` writes where a person has to write something."""
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_FORMS = {
    r"^[a-z0-9_-]{1,64}$": "1 to 64 of a-z, 0-9, _ and -",
    r"^#[0-9a-fA-F]{6}$": "a colour such as '#8a1c4a', in quotes",
    r"^[A-Z]{3}$": "three capitals such as JPY",
    PLAN: "the file crmreport plan-test wrote, such as tests/2026-11-refill.yml",
    MONTH: "a month such as 2026-04",
    MAIL_ADDRESS: "one plain address such as name@example.co.jp",
}


def load_client(path: Path, *, reports: bool = True) -> Client:
    """Read and check one client file.

    The chapters its reports name are looked for in ``notebooks/`` of the same workspace.

    Args:
        path: ``<workspace>/clients/<id>/client.yml``.
        reports: Look for the chapters, too. An open notebook does not: it is one chapter,
            and the others need not be there yet.

    Raises:
        ConfigError: Anything is missing, unknown, mistyped, out of bounds or contradictory.
            One line per fault, each ``file:line: key: value …; way out``.
    """
    folder = path.parent
    if not path.is_file():
        known = sorted(file.parent.name for file in folder.parent.glob("*/client.yml"))
        near = _suggest(folder.name, known)
        raise ConfigError(f"{_name(path)}: there is no such client (crmreport init makes one); {near}")
    file = read_client_yaml(path)
    faults = list(_left_to_do(file, file.value, ()))
    values = _with_secrets(file, file.value, (), faults)
    client = None
    try:
        client = Client.model_validate(values)
    except ValidationError as error:
        found = error.errors(include_url=False)
        faults += [_fault(file, detail) for detail in found if detail["input"] != _TODO]
    if client is not None:
        faults += _disagreements(file, client, folder)
        if reports:
            faults += _plan_faults(file, client, folder)
            faults += _chapter_faults(file, client, folder.parent.parent / "notebooks")
    if client is None or faults:
        raise ConfigError("\n".join(dict.fromkeys(faults)))
    return client


def read_client_yaml(path: Path) -> YamlFile:
    """What a client file says, unchecked; read and parsed once in a process while it stays as it is.

    Raises:
        ConfigError: The file is missing or not YAML.
    """
    return read_yaml(path, name=_name(path))


def _name(path: Path) -> str:
    return f"clients/{path.parent.name}/{path.name}"


def file_secrets(path: Path) -> dict[str, str]:
    """The environment variables a client file is read with, and their values; those not set are left out.

    Raises:
        ConfigError: The file is missing or not YAML.
    """

    def names(value: Any) -> Iterator[str]:
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(item, dict | list):
                yield from names(item)
            elif key in SECRET_KEYS and (variable := _VARIABLE.fullmatch(str(item))):
                yield variable[1]

    found = names(read_client_yaml(path).value)
    return {name: os.environ[name] for name in found if name in os.environ}


def _left_to_do(file: YamlFile, value: Any, place: Place) -> Iterator[str]:
    """What ``crmreport init`` left to a person and nobody has filled in."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _left_to_do(file, item, (*place, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _left_to_do(file, item, (*place, i))
    elif value in _UNDONE:
        match place:
            case ("name", _):
                wanted = "the client's name"
            case ("sources", _, _, "path"):
                wanted = "the file's name"
            case ("sources", _, _, "columns", column):
                wanted = f"the header of {column} in the client's file"
            case _:
                wanted = "the value"
        yield f"{file.where(place)}: {_dotted(place)}: still says {_TODO}; write {wanted}"


def _with_secrets(file: YamlFile, value: Any, place: Place, faults: list[str]) -> Any:
    """Replace ``${ENV_NAME}`` where a secret belongs; refuse it, and secrets in plain text, elsewhere."""
    if isinstance(value, dict):
        return {key: _with_secrets(file, item, (*place, key), faults) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_secrets(file, item, (*place, i), faults) for i, item in enumerate(value)]
    late = _is_late(place)
    wrong = ""
    if place and (late or place[-1] in SECRET_KEYS) and value is not None:
        variable = _VARIABLE.fullmatch(str(value))
        if variable is None:
            wrong = "a secret stands in the file; write ${ENV_NAME} and set that variable"
        elif late:
            return value
        elif variable[1] not in os.environ:
            wrong = f"the environment variable {variable[1]} is not set; set it and run again"
        else:
            return os.environ[variable[1]]
    elif isinstance(value, str) and "${" in value:
        keys = ", ".join(sorted(SECRET_KEYS | LATE_SECRET_KEYS))
        wrong = f"{_shown(value)}: variables are read for secrets ({keys}) only; write the value itself"
    if wrong:
        faults.append(f"{file.where(place)}: {_dotted(place)}: {wrong}")
    return value


def _is_late(place: Place) -> bool:
    match place:
        case ("delivery", _, "url") | ("sources", _, _, "connection"):
            return True
        case _:
            return False


def _fault(file: YamlFile, detail: ErrorDetails) -> str:
    """One line for one of pydantic's findings."""
    place = tuple(part for part in detail["loc"] if part != "[key]")
    # pydantic adds names of union members to a place; the file does not have them.
    while len(place) > 1 and place not in file.lines and detail["type"] != "missing":
        place = place[:-1]
    key = str(place[-1]) if place else ""
    at = f"{file.where(place)}: {_dotted(place)}"
    found = detail["input"]
    context = detail.get("ctx") or {}
    value = "(not shown)" if _may_be_secret(place, found) else _shown(found)
    match detail["type"]:
        case "extra_forbidden":
            return f"{at}: unknown key; {_suggest(key, _known_keys(place[:-1]))}"
        case "missing":
            return f"{at}: is missing; add {key}: to {_dotted(place[:-1]) or 'the file'}"
        case "literal_error":
            choices = re.findall(r"'([^']*)'", context["expected"])
            return f"{at}: {value} is not known; {_suggest(str(found), choices)}"
        case "string_type" if isinstance(found, int | float):
            return f"{at}: {value} should be text; put it in quotes: '{detail['input']}'"
        case "string_pattern_mismatch":
            return f"{at}: {value} should be {_FORMS.get(context['pattern'], 'like ' + context['pattern'])}"
        case "value_error":
            return f"{at}: {value}: {context['error']}" if _is_scalar(found) else f"{at}: {context['error']}"
        case _:
            return f"{at}: {value}: {detail['msg'].replace('Input should', 'should')}"


def _disagreements(file: YamlFile, client: Client, folder: Path) -> Iterator[str]:
    """What only shows when the client file is seen with its folder and the workspace."""
    if client.client != folder.name:
        yield (
            f"{file.where(('client',))}: client: {client.client!r} stands in the folder {folder.name!r}; "
            f"write client: {folder.name}, or rename the folder"
        )
    for table, sources in client.sources.items():
        for i, source in enumerate(sources):
            if source.path is not None and (reason := _path_fault(source.path, folder)):
                place = ("sources", table, i, "path")
                shown = "(not shown)" if _may_be_secret(place, source.path) else _shown(source.path)
                yield f"{file.where(place)}: {_dotted(place)}: {shown} {reason}"
    for place, beside in ((("brand", "logo"), client.brand.logo), (("segments",), client.segments)):
        if beside is None or (place == ("segments",) and not beside.endswith((".yml", ".yaml"))):
            continue
        reason = _path_fault(beside, folder)
        if reason is None and not (folder / beside).is_file():
            reason = f"does not exist; put the file into clients/{folder.name}/"
        if reason:
            yield f"{file.where(place)}: {_dotted(place)}: {_shown(beside)} {reason}"
    for i, total in enumerate(client.control_totals):
        try:
            client.period(total.period)
        except ConfigError as error:
            place = ("control_totals", i, "period")
            yield f"{file.where(place)}: {_dotted(place)}: {error}"
    yield from _axis_faults(file, client)
    yield from _name_faults(file, client)
    yield from _delivery_faults(file, client)
    for i, key, reason in campaign_faults(client.campaigns, client.languages):
        place = ("campaigns", i, *key)
        yield f"{file.where(place)}: {_dotted(place)}: {reason}"
    for i, campaign in enumerate(client.campaigns):
        if campaign.plan is not None and not (folder / campaign.plan).is_file():
            place = ("campaigns", i, "plan")
            yield (
                f"{file.where(place)}: {_dotted(place)}: {_shown(campaign.plan)} does not exist; "
                f"draw it with crmreport plan-test, or take the key out"
            )
    for i, name in enumerate(client.schedule.reports or []):
        if name not in client.reports:
            place = ("schedule", "reports", i)
            near = _suggest(name, list(client.reports))
            yield f"{file.where(place)}: {_dotted(place)}: the client has no {name!r}; {near}"


def _plan_faults(file: YamlFile, client: Client, folder: Path) -> Iterator[str]:
    """Plans of tests that are not whole, or not the campaign's: found here, not by a chapter."""
    for i, campaign in enumerate(client.campaigns):
        if campaign.plan is not None and (folder / campaign.plan).is_file():
            for key, reason in plan_faults(folder / campaign.plan, campaign):
                place = ("campaigns", i, key)
                yield f"{file.where(place)}: {_dotted(place)}: {reason}"


def _axis_faults(file: YamlFile, client: Client) -> Iterator[str]:
    products = client.sources.get("products", [])
    known = sorted({column for source in products for column in (*source.columns, *source.constants)})
    for axis, columns in client.axes.items():
        for i, column in enumerate(columns):
            if column not in known:
                place = ("axes", axis, i)
                near = _suggest(column, known)
                yield f"{file.where(place)}: {_dotted(place)}: no products column {column!r}; {near}"


def _name_faults(file: YamlFile, client: Client) -> Iterator[str]:
    """Two values of one name, which no reader of a report could tell apart."""
    for language, names in client.names.items():
        first: dict[str, str] = {}
        for value, name in names.items():
            other = first.setdefault(name.strip(), value)
            if other != value:
                place = ("names", language, value)
                yield (
                    f"{file.where(place)}: {_dotted(place)}: {name!r} is the name of {other!r}, too: "
                    "a report could not tell them apart; give one of them another name"
                )


def _chapter_faults(file: YamlFile, client: Client, notebooks: Path) -> Iterator[str]:
    known = sorted(notebook.stem for notebook in notebooks.glob("*.ipynb"))
    for name, report in client.reports.items():
        for i, chapter in enumerate(report.chapters):
            if chapter not in known:
                place = ("reports", name, "chapters", i)
                near = _suggest(chapter, known)
                yield f"{file.where(place)}: {_dotted(place)}: no chapter {chapter!r}; {near}"
        for chapter in report.parameters:
            if chapter not in report.chapters:
                place = ("reports", name, "parameters", chapter)
                near = _suggest(chapter, report.chapters)
                yield f"{file.where(place)}: {_dotted(place)}: {chapter!r} is not in chapters:; {near}"


def _delivery_faults(file: YamlFile, client: Client) -> Iterator[str]:
    """Reports and languages the client does not have, and addresses that would get a report twice."""
    taken: dict[tuple[str, str], int] = {}
    for i, entry in enumerate(client.delivery):
        chosen = (
            ("reports", entry.reports, list(client.reports)),
            ("languages", entry.languages, client.languages),
        )
        for key, given, known in chosen:
            for k, item in enumerate(given or []):
                if item not in known:
                    place = ("delivery", i, key, k)
                    near = _suggest(item, list(known))
                    yield f"{file.where(place)}: {_dotted(place)}: the client has no {item!r}; {near}"
        for k, address in enumerate(entry.to or [entry.url or ""]):
            place = ("delivery", i, "to", k) if entry.to else ("delivery", i, "url")
            for report in entry.reports or client.reports:
                first = taken.setdefault((address.casefold(), report), i)
                if first != i:
                    other = file.where(("delivery", first))
                    yield (
                        f"{file.where(place)}: {_dotted(place)}: {address!r} gets {report} twice, "
                        f"also by {other}; remove one"
                    )


def _path_fault(path: str, folder: Path) -> str | None:
    """Why a path may not be read, or None.

    A relative path stays inside the client's folder, so that no client's report can
    hold another client's data by a slip; an absolute one (a mounted share) may point
    anywhere but into another client's folder.
    """
    if not path or "\0" in path:
        return "is no path; write one such as data/orders.csv"
    if "://" in path:
        return "is an address; for a database write query: and connection: ${ENV_NAME}"
    absolute = PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute()
    if not absolute:
        if ".." in re.split(r"[/\\]", path):
            return "leaves the client's folder; put the files into data/, or write an absolute path"
        return None
    clients = folder.resolve().parent
    fixed = Path(re.split(r"[*?\[]", path)[0]).resolve()
    if (
        fixed.is_relative_to(clients) and not fixed.is_relative_to(folder.resolve())
    ) or clients.is_relative_to(fixed):
        return "reaches into another client's folder; put a copy into data/"
    return None


def _known_keys(place: Place) -> list[str]:
    """Keys the model knows at a place."""
    kind: Any = Client
    for part in place:
        kind = _unwrapped(kind)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            field = kind.model_fields.get(str(part))
            kind = field.annotation if field else None
        else:
            kind = get_args(kind)[-1] if get_args(kind) else None
    kind = _unwrapped(kind)
    return list(kind.model_fields) if isinstance(kind, type) and issubclass(kind, BaseModel) else []


def _unwrapped(kind: Any) -> Any:
    while get_origin(kind) in (Union, UnionType) or hasattr(kind, "__metadata__"):
        kind = get_args(kind)[0]
    return kind


def _suggest(given: str, known: list[str]) -> str:
    near = difflib.get_close_matches(given, known, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?" if len(near[0]) < 40 else f"did you mean {near[0][:40]!r}…?"
    return f"known are {', '.join(known)}" if known else "there are none yet"


def _dotted(place: Place) -> str:
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in place).removeprefix(".")


def _may_be_secret(place: Place, value: Any) -> bool:
    """Whether a value is not to be shown; an address with a token may stand under a wrong key, too."""
    if place and place[-1] in SECRET_KEYS:
        return True
    return place[:1] in (("delivery",), ("sources",)) and (
        place[-1] in LATE_SECRET_KEYS or "://" in str(value)
    )


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, dict | list)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
